// SPDX-License-Identifier: BSL-1.0
// A node that cannot be copied any more after some copies: what a change has done until then must
// not be seen.
#ifndef QUOIN_TESTS_SUPPORT_FRAGILE_HPP
#define QUOIN_TESTS_SUPPORT_FRAGILE_HPP

#include <quoin/hash/hash.hpp>

#include <compare>
#include <cstdint>
#include <stdexcept>

namespace quoin_test {

struct fragile {
  int id = 0;

  explicit fragile(int i) : id(i) {}
  fragile(const fragile& other) : id(other.id) { wear(); }
  fragile& operator=(const fragile& other) {
    wear();
    id = other.id;
    return *this;
  }
  friend auto operator<=>(const fragile&, const fragile&) = default;
  friend std::uint64_t quoin_hash(const fragile& node, quoin::hash h) { return h(node.id); }

  static void wear() {
    if (copies == 0) throw std::runtime_error("worn out");
    if (copies > 0) --copies;
  }
  static inline int copies = -1;  ///< those still possible; below 0 any number
};

/// Calls `change(object)` with no copy possible, with one, two, … until it succeeds, and
/// `unchanged(object, before)` after each that failed. Gives how many failed.
template <class T, class Change, class Unchanged>
int wear_out(T& object, Change change, Unchanged unchanged) {
  const T before(object);
  for (int failures = 0;; ++failures) {
    fragile::copies = failures;
    try {
      change(object);
      fragile::copies = -1;
      return failures;
    } catch (const std::runtime_error&) {
      fragile::copies = -1;
      unchanged(object, before);
    }
  }
}

}  // namespace quoin_test

#endif
