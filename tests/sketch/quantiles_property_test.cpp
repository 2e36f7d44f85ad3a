// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/quantiles.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace {

using sketch = quoin::quantile_sketch<>;
using numbers = std::vector<double>;

quoin::quantile_options any_options() {
  return {.relative_accuracy = *rc::gen::element(0.5, 0.1, 0.03, 0.01, 0.002),
          .max_buckets = *rc::gen::element(0u, 1u, 5u, 64u, 200u, 10'000u)};
}

/// Doubles of every kind, and many that are near each other.
rc::Gen<double> any_double() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
    if (bits % 4 == 0) return std::bit_cast<double>(bits);
    if (bits % 64 == 1) return 0.0;
    const double x =
        std::ldexp(1 + static_cast<double>(bits >> 12) * 0x1p-52, static_cast<int>(bits % 64) - 20);
    return bits % 8 < 5 ? x : -x;
  });
}
numbers any_numbers() { return *rc::gen::container<numbers>(any_double()); }

sketch of(std::span<const double> values, const quoin::quantile_options& options) {
  sketch s(options);
  s.insert_many(values);
  return s;
}

RC_GTEST_PROP(quantile_property, contains_the_true_quantiles, ()) {
  const quoin::quantile_options options = any_options();
  const numbers all = any_numbers();
  const sketch s = of(all, options);
  numbers sorted;
  std::copy_if(all.begin(), all.end(), std::back_inserter(sorted),
               [](double x) { return !std::isnan(x); });
  std::sort(sorted.begin(), sorted.end());
  RC_ASSERT(s.count() == sorted.size());
  RC_ASSERT(s.nan_count() == all.size() - sorted.size());
  if (sorted.empty()) return;
  RC_ASSERT(s.min() == sorted.front() && s.max() == sorted.back());
  const double accuracy = s.relative_accuracy() + 2e-15;
  double before = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i + 1 < sorted.size(); ++i) {
    const double q = (static_cast<double>(i) + 0.5) / static_cast<double>(sorted.size() - 1);
    const double truth = sorted[i], told = s.quantile(q);
    const quoin::quantile_range bounds = s.quantile_bounds(q);
    RC_ASSERT(bounds.lower <= truth && truth <= bounds.upper);
    RC_ASSERT(bounds.lower <= told && told <= bounds.upper);
    RC_ASSERT(before <= told);
    before = told;
    const bool is_zero = std::abs(truth) < std::numeric_limits<double>::min();
    if (s.collapsed_count() == 0 && !is_zero && std::isfinite(truth)) {
      RC_ASSERT(std::abs(told - truth) <= accuracy * std::abs(truth));
    }
    RC_ASSERT(s.rank(truth) > i);
  }
}

RC_GTEST_PROP(quantile_property, neither_order_nor_parts_matter, ()) {
  const quoin::quantile_options options = any_options();
  numbers all = any_numbers();
  const sketch whole = of(all, options);
  sketch one_by_one(options), backwards(options);
  for (const double x : all) one_by_one.insert(x);
  for (std::size_t i = all.size(); i-- != 0;) backwards.insert(all[i]);
  RC_ASSERT(one_by_one == whole);
  RC_ASSERT(backwards == whole);
  RC_ASSERT(backwards.to_bytes() == whole.to_bytes());
  const auto first = *rc::gen::inRange<std::size_t>(0, all.size() + 1);
  const auto second = *rc::gen::inRange<std::size_t>(first, all.size() + 1);
  const std::span<const double> values(all);
  const sketch a = of(values.first(first), options);
  const sketch b = of(values.subspan(first, second - first), options);
  const sketch c = of(values.subspan(second), options);
  const auto merged = [](sketch x, const sketch& y) {
    x.merge(y);
    return x;
  };
  RC_ASSERT(merged(merged(a, b), c) == whole);
  RC_ASSERT(merged(c, merged(b, a)) == whole);
  RC_ASSERT(merged(merged(a, c), b).to_bytes() == whole.to_bytes());
  RC_ASSERT(merged(a, sketch(options)) == a);
}

RC_GTEST_PROP(quantile_property, weights_are_repetitions, ()) {
  const quoin::quantile_options options = any_options();
  sketch weighted(options), repeated(options);
  for (const double x : any_numbers()) {
    const auto weight = *rc::gen::inRange<std::uint64_t>(0, 5);
    weighted.insert(x, weight);
    for (std::uint64_t i = 0; i < weight; ++i) repeated.insert(x);
  }
  RC_ASSERT(weighted == repeated);
}

RC_GTEST_PROP(quantile_property, bytes_come_back, ()) {
  const quoin::quantile_options options = any_options();
  const numbers all = any_numbers(), more = any_numbers();
  sketch s = of(all, options);
  const auto bytes = s.to_bytes();
  RC_ASSERT(bytes.size() == s.serialized_size());
  auto back = sketch::from_bytes(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == s);
  RC_ASSERT(back->to_bytes() == bytes);
  back->insert_many(more);  // what comes back goes on as if it had never been away
  s.insert_many(more);
  RC_ASSERT(*back == s);
}

RC_GTEST_PROP(quantile_property, bytes_of_others_are_no_danger,
              (const std::vector<std::uint8_t>& noise)) {
  RC_ASSERT(!sketch::from_bytes(std::as_bytes(std::span(noise))));
}

}  // namespace
