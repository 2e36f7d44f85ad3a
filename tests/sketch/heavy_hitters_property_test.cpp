// SPDX-License-Identifier: BSL-1.0
// Laws that hold for all streams, against exact counts.
#include <quoin/sketch/heavy_hitters.hpp>

#include "sketch/heavy_testing.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using quoin_test::broken_promise;
using quoin_test::exact_weights;

template <class Key>
struct both {
  quoin::heavy_hitters<Key> summary;
  exact_weights<Key> exact;

  explicit both(std::uint64_t capacity) : summary({.capacity = capacity}) {}
  void add(const Key& key, std::uint64_t weight) {
    summary.add(key, weight);
    if (weight != 0) exact.add(key, weight);
  }
};

/// A stream with few and many distinct keys, light and heavy weights.
template <class Key>
std::vector<std::pair<Key, std::uint64_t>> any_stream() {
  const unsigned keys = *rc::gen::element(3u, 20u, 300u);
  const std::uint64_t weights = *rc::gen::element<std::uint64_t>(2, 5, 1u << 20);
  const auto key = rc::gen::map(rc::gen::inRange(0u, keys), [](unsigned x) {
    if constexpr (std::is_same_v<Key, std::string>) {
      return std::string(x % 23, 'k') + std::to_string(x);
    } else {
      return static_cast<Key>(x);
    }
  });
  return *rc::gen::scale(6, rc::gen::container<std::vector<std::pair<Key, std::uint64_t>>>(
                                rc::gen::pair(key, rc::gen::inRange<std::uint64_t>(0, weights))));
}

std::uint64_t any_capacity() { return *rc::gen::element<std::uint64_t>(1, 2, 3, 8, 40); }

template <class Key>
void bounds_hold() {
  both<Key> b(any_capacity());
  for (const auto& [key, weight] : any_stream<Key>()) b.add(key, weight);
  RC_ASSERT(broken_promise(b.summary, b.exact) == "");
}

RC_GTEST_PROP(heavy_hitters_property, bounds_hold_for_integers, ()) { bounds_hold<std::int32_t>(); }
RC_GTEST_PROP(heavy_hitters_property, bounds_hold_for_strings, ()) { bounds_hold<std::string>(); }

RC_GTEST_PROP(heavy_hitters_property, bounds_hold_after_merges_in_any_order, ()) {
  const std::uint64_t capacity = any_capacity();
  std::vector<both<std::string>> parts;
  const std::size_t count = *rc::gen::inRange<std::size_t>(2, 7);
  for (std::size_t i = 0; i < count; ++i) {
    parts.emplace_back(capacity);
    for (const auto& [key, weight] : any_stream<std::string>()) parts.back().add(key, weight);
  }
  while (parts.size() > 1) {
    const std::size_t from = *rc::gen::inRange<std::size_t>(0, parts.size());
    const std::size_t to = (from + 1) % parts.size();
    parts[to].summary.merge(parts[from].summary);
    parts[to].exact.merge(parts[from].exact);
    RC_ASSERT(broken_promise(parts[to].summary, parts[to].exact) == "");
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
  }
}

RC_GTEST_PROP(heavy_hitters_property, merge_commutes, ()) {
  both<std::int32_t> a(any_capacity()), b(a.summary.capacity());
  for (const auto& [key, weight] : any_stream<std::int32_t>()) a.add(key, weight);
  for (const auto& [key, weight] : any_stream<std::int32_t>()) b.add(key, weight);
  auto ab = a.summary, ba = b.summary;
  ab.merge(b.summary);
  ba.merge(a.summary);
  RC_ASSERT(ab == ba);
  RC_ASSERT(ab.to_bytes() == ba.to_bytes());
}

RC_GTEST_PROP(heavy_hitters_property, bounds_hold_for_merged_partitions, ()) {
  const std::uint64_t capacity = any_capacity();
  std::vector<both<std::int32_t>> parts(3, both<std::int32_t>(capacity));
  both<std::int32_t> all(capacity);
  for (const auto& [key, weight] : any_stream<std::int32_t>()) {
    parts[static_cast<std::size_t>(key) % 3].add(key, weight);
    if (weight != 0) all.exact.add(key, weight);
  }
  std::uint64_t worst = 0;
  for (const auto& part : parts) {
    all.summary.merge_partitioned(part.summary);
    worst = std::max(worst, part.summary.max_error());
  }
  RC_ASSERT(broken_promise(all.summary, all.exact) == "");
  RC_ASSERT(all.summary.max_error() >= worst);
  if (worst == 0 && all.exact.weights().size() <= 2 * capacity) {
    RC_ASSERT(all.summary.max_error() == 0u);
  }
}

RC_GTEST_PROP(heavy_hitters_property, bounds_hold_under_decay, ()) {
  both<std::int32_t> b(any_capacity());
  const double factor = *rc::gen::element(0.5, 0.75, 0.125);
  for (int round = *rc::gen::inRange(1, 6); round > 0; --round) {
    for (const auto& [key, weight] : any_stream<std::int32_t>()) b.add(key, weight);
    b.summary.decay(factor);
    b.exact.decay(factor);
    RC_ASSERT(broken_promise(b.summary, b.exact, 2 / (1 - factor)) == "");
  }
}

RC_GTEST_PROP(heavy_hitters_property, batches_do_what_single_additions_do, ()) {
  const auto capacity = *rc::gen::element<std::uint64_t>(1, 40, 100, 1000);
  quoin::heavy_hitters<std::uint64_t> one({.capacity = capacity}), many = one;
  const auto range = *rc::gen::element<std::uint64_t>(10, 300, 1u << 30);
  const auto keys = *rc::gen::scale(20, rc::gen::container<std::vector<std::uint64_t>>(
                                            rc::gen::inRange<std::uint64_t>(0, range)));
  for (const auto key : keys) one.add(key);
  many.add_many(keys);
  RC_ASSERT(one == many);
  for (const auto key : keys) one.add(key);
  many.add_many(keys);
  RC_ASSERT(one == many);
}

RC_GTEST_PROP(heavy_hitters_property, top_is_certain_where_it_says_so, ()) {
  both<std::int32_t> b(any_capacity());
  for (const auto& [key, weight] : any_stream<std::int32_t>()) b.add(key, weight);
  const std::size_t k = *rc::gen::inRange<std::size_t>(0, 12);
  for (const auto& item : b.summary.guaranteed_top(k)) {
    const double own = b.exact.weights().at(item.key);
    std::size_t ahead = 0;
    for (const auto& other : b.exact.weights()) ahead += other.second > own;
    RC_ASSERT(ahead < k);
  }
}

RC_GTEST_PROP(heavy_hitters_property, bytes_give_it_back, ()) {
  both<std::string> b(any_capacity());
  for (const auto& [key, weight] : any_stream<std::string>()) b.add(key, weight);
  const auto bytes = b.summary.to_bytes();
  RC_ASSERT(bytes.size() == b.summary.serialized_size());
  const auto back = quoin::heavy_hitters<std::string>::from_bytes(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == b.summary);
  RC_ASSERT(back->to_bytes() == bytes);
}

}  // namespace
