// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/count_min_sketch.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace {

using stream = std::vector<std::pair<std::uint8_t, std::uint16_t>>;  // keys and weights

struct shape {
  std::uint64_t width = *rc::gen::inRange<std::uint64_t>(1, 200);
  unsigned depth = *rc::gen::inRange(1u, 17u);

  template <class Sketch>
  Sketch make(bool conservative, const stream& events) const {
    Sketch s({.width = width, .depth = depth, .conservative = conservative});
    for (const auto& [key, weight] : events) s.add(key, weight);
    return s;
  }
};

std::map<std::uint8_t, std::uint64_t> counts_of(const stream& events) {
  std::map<std::uint8_t, std::uint64_t> counts;
  for (const auto& [key, weight] : events) counts[key] += weight;
  return counts;
}

template <class Sketch>
void check_against_a_map(const stream& events) {
  const shape s;
  const auto plain = s.make<Sketch>(false, events), conservative = s.make<Sketch>(true, events);
  std::uint64_t total = 0;
  for (const auto& [key, count] : counts_of(events)) {
    total += count;
    const std::uint64_t kept = std::min(count, plain.max_count);
    RC_ASSERT(conservative.estimate(key) >= kept);
    RC_ASSERT(plain.estimate(key) >= conservative.estimate(key));
    RC_ASSERT(plain.estimate(key) <= std::min(plain.max_count, plain.total()));
  }
  RC_ASSERT(plain.total() == total && conservative.total() == total);
  std::vector<std::uint8_t> keys;
  std::vector<std::uint64_t> weights;
  for (const auto& [key, weight] : events) {
    keys.push_back(key);
    weights.push_back(weight);
  }
  auto batch = s.make<Sketch>(true, {});
  batch.add_many(keys, weights);
  RC_ASSERT(batch == conservative);
  for (const auto& each : {plain, conservative}) {
    const auto bytes = each.to_bytes();
    const auto back = Sketch::from_bytes(bytes);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == each);
    RC_ASSERT(back->to_bytes() == bytes);
  }
}

RC_GTEST_PROP(count_min_property, never_below_a_map, (const stream& events)) {
  check_against_a_map<quoin::count_min_sketch<std::uint8_t>>(events);
  check_against_a_map<quoin::count_min_sketch<std::uint32_t>>(events);
  check_against_a_map<quoin::classic_count_min_sketch<std::uint16_t>>(events);
}

RC_GTEST_PROP(count_min_property, laws_of_merge,
              (const stream& a, const stream& b, const stream& c)) {
  using sketch = quoin::count_min_sketch<std::uint16_t>;
  const shape s;
  const auto merged = [](sketch x, const sketch& y) {
    x.merge(y);
    return x;
  };
  for (const bool conservative : {false, true}) {
    const auto x = s.make<sketch>(conservative, a), y = s.make<sketch>(conservative, b),
               z = s.make<sketch>(conservative, c);
    RC_ASSERT(merged(x, y) == merged(y, x));
    RC_ASSERT(merged(merged(x, y), z) == merged(x, merged(y, z)));
    RC_ASSERT(merged(x, s.make<sketch>(conservative, {})) == x);
    stream both = a;
    both.insert(both.end(), b.begin(), b.end());
    const auto together = merged(x, y);
    if (!conservative) RC_ASSERT(together == s.make<sketch>(false, both));
    for (const auto& [key, count] : counts_of(both)) {
      RC_ASSERT(together.estimate(key) >= std::min(count, together.max_count));
    }
    auto twice = x;
    twice.merge(x);
    auto weighted = s.make<sketch>(conservative, {});
    weighted.merge(x, 2);
    RC_ASSERT(weighted == twice);
  }
}

RC_GTEST_PROP(count_min_property, inner_product_is_not_below_the_truth,
              (const stream& a, const stream& b)) {
  using sketch = quoin::count_min_sketch<std::uint32_t>;
  const shape s;
  auto others = counts_of(b);
  double truth = 0;
  for (const auto& [key, count] : counts_of(a)) {
    truth += static_cast<double>(count) * static_cast<double>(others[key]);
  }
  RC_ASSERT(s.make<sketch>(false, a).inner_product(s.make<sketch>(false, b)) >= truth);
}

}  // namespace
