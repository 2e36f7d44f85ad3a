// SPDX-License-Identifier: BSL-1.0
// A node that cannot be copied any more after some copies: what a change has done until then must
// not be seen.
#ifndef QUOIN_TESTS_SUPPORT_FRAGILE_HPP
#define QUOIN_TESTS_SUPPORT_FRAGILE_HPP

#include <quoin/detail/placement_weighted.hpp>
#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <compare>
#include <cstdint>
#include <stdexcept>
#include <vector>

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

/// A table of weighted nodes is whole after each change that failed: what maglev_table and rendezvous
/// promise alike. @param table  of `some_fragile_nodes`.
template <class Table>
void expect_whole_after_failures(Table table) {
  const std::vector<quoin::weighted_node<fragile>> more{{fragile(9)}, {fragile(3), 2}};
  const fragile second(2);
  const auto unchanged = [](const Table& now, const Table& before) {
    EXPECT_EQ(now, before);
    for (const std::uint64_t hash : {7u, 77u, 777u}) {
      EXPECT_EQ(now.owner_index_of_hash(hash), before.owner_index_of_hash(hash));
    }
  };
  const auto add = [&](Table& all) { all.add_many(more); };
  const auto weigh = [&](Table& all) { all.set_weight(second, 7); };
  const auto remove = [&](Table& all) { all.remove(second); };
  EXPECT_GT(wear_out(table, add, unchanged), 0);
  EXPECT_GT(wear_out(table, weigh, unchanged), 0);
  EXPECT_GT(wear_out(table, remove, unchanged), 0);
  EXPECT_EQ(table.size(), 4u);
}

inline std::vector<quoin::weighted_node<fragile>> some_fragile_nodes() {
  return {{fragile(1)}, {fragile(2), 5}, {fragile(4)}};
}

}  // namespace quoin_test

#endif
