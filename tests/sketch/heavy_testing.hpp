// SPDX-License-Identifier: BSL-1.0
// An exact count beside a summary of heavy hitters, and what the summary promises about it.
#ifndef QUOIN_TESTS_SKETCH_HEAVY_TESTING_HPP
#define QUOIN_TESTS_SKETCH_HEAVY_TESTING_HPP

#include <quoin/sketch/heavy_hitters.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quoin_test {

/// Weights are doubles so that `decay` fits in; all sums in the tests are exact in them.
template <class Key>
class exact_weights {
 public:
  void add(const Key& key, std::uint64_t weight = 1) {
    weights_[key] += static_cast<double>(weight);
    total_ += static_cast<double>(weight);
  }
  void merge(const exact_weights& other) {
    for (const auto& [key, weight] : other.weights_) weights_[key] += weight;
    total_ += other.total_;
  }
  void decay(double factor) {
    for (auto& entry : weights_) entry.second *= factor;
    total_ *= factor;
  }
  [[nodiscard]] double total() const { return total_; }
  [[nodiscard]] const std::map<Key, double>& weights() const { return weights_; }

 private:
  std::map<Key, double> weights_;
  double total_ = 0;
};

/// The first promise that `h` breaks, or nothing. `slack` is what decay may add to the error.
template <class Key, class Hash, class Allocator>
std::string broken_promise(const quoin::heavy_hitters<Key, Hash, Allocator>& h,
                           const exact_weights<Key>& exact, double slack = 0) {
  const auto real = [](std::uint64_t x) { return static_cast<double>(x); };
  const double m = real(h.capacity());
  const double tiny = 1e-9;  // of the exact side's own rounding
  if (std::abs(real(h.total()) - exact.total()) > slack) return "total";
  if (real(h.max_error()) > exact.total() / m + slack) return "max_error above N/m";
  if (h.size() > 2 * h.capacity()) return "too many keys";
  const auto all = h.top(h.size());
  if (all.size() != h.size()) return "top";
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& item = all[i];
    const auto found = exact.weights().find(item.key);
    if (found == exact.weights().end()) return "a key that never came";
    if (real(item.count) < found->second - tiny) return "upper bound too low";
    if (real(item.lower_bound()) > found->second + tiny) return "lower bound too high";
    if (item.error > h.max_error()) return "error above max_error";
    if (item.count <= h.max_error()) return "count not above max_error";
    if (i != 0 && item.count > all[i - 1].count) return "order";
    if (h.estimate(item.key) != item.count || h.upper_bound(item.key) != item.count ||
        h.lower_bound(item.key) != item.lower_bound() || !h.contains(item.key)) {
      return "lookup differs from list";
    }
  }
  for (const auto& [key, weight] : exact.weights()) {
    if (!h.contains(key)) {
      if (weight > real(h.max_error()) + tiny) return "a frequent key is not monitored";
      if (weight > exact.total() / m + slack) return "a key above N/m is not monitored";
      if (h.estimate(key) != 0 || h.lower_bound(key) != 0 || h.upper_bound(key) != h.max_error()) {
        return "lookup of a key not monitored";
      }
    }
  }
  return {};
}

}  // namespace quoin_test

#endif
