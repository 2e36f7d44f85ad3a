// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh64.hpp>
#include <quoin/sketch/quantiles.hpp>

#include "hash/hash_testing.hpp"
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin::errc;
using quoin_test::split_mix;
using sketch = quoin::quantile_sketch<>;
using bytes = std::vector<std::byte>;
using numbers = std::vector<double>;
using mapping = detail::log_mapping<std::allocator<std::byte>>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double largest = std::numeric_limits<double>::max();
constexpr double least_normal = std::numeric_limits<double>::min();
constexpr double rounding = 2e-15;  // of doubles, where the guarantee is for real numbers

std::uint64_t bits_of(double x) { return std::bit_cast<std::uint64_t>(x); }

/// A value spread evenly over the octaves 2^low to 2^high.
double spread(std::uint64_t& state, double low, double high) {
  return std::exp2(low + (high - low) * static_cast<double>(split_mix(state) >> 11) * 0x1p-53);
}

sketch of(const numbers& values, const quoin::quantile_options& options = {}) {
  sketch s(options);
  for (const double x : values) s.insert(x);
  return s;
}

/// Checks quantiles that are values, and bounds and ranks, against the sorted values.
void expect_true_to(const sketch& s, numbers values) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  ASSERT_EQ(s.count(), values.size());
  ASSERT_EQ(s.min(), values.front());
  ASSERT_EQ(s.max(), values.back());
  EXPECT_EQ(s.quantile(0), values.front());
  EXPECT_EQ(s.quantile(1), values.back());
  const double accuracy = s.relative_accuracy() + rounding;
  for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 64) {
    // In the middle between two ranks, where no rounding decides.
    const double q =
        values.size() == 1 ? 0 : std::min(1.0, (static_cast<double>(i) + 0.5) / (n - 1));
    const double truth = q == 1 ? values.back() : values[i];
    ASSERT_NEAR(s.quantile(q), truth, accuracy * std::abs(truth)) << "rank " << i;
    const quoin::quantile_range bounds = s.quantile_bounds(q);
    ASSERT_LE(bounds.lower, truth);
    ASSERT_GE(bounds.upper, truth);
    // rank() counts up to a value between x and the far end of its bucket.
    const auto up_to = [&](double x) {
      return static_cast<std::uint64_t>(std::upper_bound(values.begin(), values.end(), x) -
                                        values.begin());
    };
    const double far = truth + 2 * std::abs(truth) * accuracy / (1 - accuracy);
    ASSERT_GE(s.rank(truth), up_to(truth));
    ASSERT_LE(s.rank(truth), up_to(far));
    ASSERT_DOUBLE_EQ(s.cdf(truth), static_cast<double>(s.rank(truth)) / n);
  }
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no exception";
}

static_assert(std::is_nothrow_move_constructible_v<sketch> &&
              std::is_nothrow_move_assignable_v<sketch> && std::is_nothrow_swappable_v<sketch>);
static_assert(!std::is_default_constructible_v<
              quoin::quantile_sketch<quoin_test::accounted_allocator<std::byte>>>);

// --- everyday use -------------------------------------------------------------------------------

TEST(quantile_sketch, percentiles_of_latencies) {
  quoin::quantile_sketch latency({.relative_accuracy = 0.01});
  for (int i = 1; i <= 1000; ++i) latency.insert(0.001 * i);
  EXPECT_NEAR(latency.quantile(0.5), 0.5, 0.005);
  EXPECT_NEAR(latency.quantile(0.99), 0.99, 0.0099);
  EXPECT_EQ(latency.quantile(0), 0.001);
  EXPECT_EQ(latency.quantile(1), 1.0);
  EXPECT_NEAR(latency.cdf(0.2), 0.2, 0.004);
  EXPECT_NEAR(latency.sum(), 500.5, 5.005);
  EXPECT_EQ(latency.count(), 1000u);
  quoin::quantile_sketch of_another_host;
  of_another_host.insert(20);
  latency.merge(of_another_host);
  EXPECT_EQ(latency.max(), 20);
}

TEST(quantile_sketch, is_within_its_accuracy_for_any_distribution) {
  std::uint64_t state = 1;
  for (const double accuracy : {0.3, 0.05, 0.01, 0.001}) {
    const quoin::quantile_options options{.relative_accuracy = accuracy};
    for (const std::size_t n : {1u, 2u, 3u, 60u, 700u}) {
      numbers even(n), wide(n), both(n), equal(n, 42), whole(n);
      for (std::size_t i = 0; i < n; ++i) {
        even[i] = 1 + static_cast<double>(split_mix(state) >> 11) * 0x1p-53;
        wide[i] = spread(state, -60, 60);
        both[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? spread(state, -30, 9) : -spread(state, 0, 50);
        whole[i] = static_cast<double>(split_mix(state) % 50);
      }
      for (const numbers& values : {even, wide, both, equal, whole}) {
        const sketch s = of(values, options);
        expect_true_to(s, values);
        EXPECT_EQ(s.collapsed_count(), 0u);
        sketch batch(options);
        batch.insert_many(values);
        EXPECT_EQ(batch, s);
      }
    }
  }
}

TEST(quantile_sketch, the_tail_is_as_exact_as_the_median) {
  // One value in 10^5 is a thousand times as large; sketches of rank error would miss it.
  numbers values(200'000, 1.0);
  values[7] = 1000;
  values[77] = 1100;
  sketch s;
  s.insert_many(values);
  EXPECT_NEAR(s.quantile(1 - 0.5 / 199'999), 1000, 10);
}

TEST(quantile_sketch, batches_of_whatever_is_contiguous) {
  const std::vector<int> ints{3, -1, 0, 7};
  const std::array<float, 2> floats{0.5f, 1e30f};
  const std::uint64_t c_array[] = {1, ~std::uint64_t{0}};
  sketch batch;
  batch.insert_many(ints);
  batch.insert_many(std::span(floats));
  batch.insert_many(c_array);
  batch.insert_many(std::vector<double>());
  EXPECT_EQ(batch, of({3, -1, 0, 7, 0.5, static_cast<double>(1e30f), 1, 0x1p64}));
}

TEST(quantile_sketch, nothing_in_it) {
  const sketch s;
  EXPECT_TRUE(s.empty());
  EXPECT_EQ(s.count(), 0u);
  for (const double x : {s.quantile(0.5), s.quantile_bounds(0.5).lower, s.quantile_bounds(1).upper,
                         s.min(), s.max(), s.cdf(1)}) {
    EXPECT_TRUE(std::isnan(x));
  }
  EXPECT_EQ(s.rank(1), 0u);
  EXPECT_EQ(s.sum(), 0);
}

TEST(quantile_sketch, shares_beyond_0_to_1_are_refused) {
  const sketch s = of({1, 2, 3});
  for (const double q : {-0.001, 1.001, infinity, nan}) {
    EXPECT_THROW(static_cast<void>(s.quantile(q)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(s.quantile_bounds(q)), std::invalid_argument);
  }
  EXPECT_EQ(message_of([&] { static_cast<void>(s.quantile(99)); }),
            "quoin::quantile_sketch: q = 99, must be in [0, 1]");
}

TEST(quantile_sketch, weights_are_repetitions) {
  sketch weighted, repeated;
  for (const double x : {1.5, -2.0, 0.0, infinity, -infinity, nan}) {
    for (int i = 0; i < 7; ++i) repeated.insert(x);
    weighted.insert(x, 4);
    weighted.insert(x, 0);
    weighted.insert(x, 3);
  }
  EXPECT_EQ(weighted, repeated);
}

TEST(quantile_sketch, counts_up_to_2_to_the_63rd) {
  constexpr std::uint64_t half = std::uint64_t{1} << 62;
  sketch s;
  s.insert(1, half);
  s.insert(1000, half - 1);
  EXPECT_NEAR(s.quantile(0.25), 1, 0.01);
  const sketch before = s;
  EXPECT_NE(message_of([&] { s.insert(5, 2); }).find("weight = 2"), std::string::npos);
  EXPECT_NE(message_of([&] { s.insert(5, ~std::uint64_t{0}); }).find("2^63"), std::string::npos);
  EXPECT_THROW(s.merge(s), std::invalid_argument);
  EXPECT_EQ(s, before);
  s.insert(5, 1);
  EXPECT_EQ(s.count(), std::uint64_t{1} << 63);
  EXPECT_EQ(s.quantile(1), 1000);
  EXPECT_NEAR(s.quantile(0.75), 1000, 10);
  const auto back = sketch::from_bytes(s.to_bytes());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, s);
}

// --- special values -----------------------------------------------------------------------------

TEST(quantile_values, every_double_has_its_place) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  const numbers values{-infinity, -largest,     -1, -least_normal, -tiny,   0,
                       tiny,      least_normal, 1,  largest,       infinity};
  const sketch s = of(values, {.max_buckets = ~std::uint32_t{0}});
  EXPECT_EQ(s.count(), 11u);
  const auto at = [&](double rank) { return s.quantile((rank + 0.5) / 10); };
  EXPECT_EQ(s.quantile(0), -infinity);
  EXPECT_NEAR(at(1) / largest, -1, 0.01);
  EXPECT_NEAR(at(2), -1, 0.01);
  EXPECT_NEAR(at(3) / least_normal, -1, 0.01);
  for (const double i : {4.0, 5.0, 6.0}) EXPECT_EQ(at(i), 0);
  EXPECT_NEAR(at(7) / least_normal, 1, 0.01);
  EXPECT_NEAR(at(8), 1, 0.01);
  EXPECT_NEAR(at(9) / largest, 1, 0.01);
  EXPECT_EQ(s.quantile(1), infinity);
  EXPECT_EQ(s.collapsed_count(), 0u);
  EXPECT_TRUE(std::isnan(s.sum()));
  EXPECT_EQ(s.rank(-infinity), 1u);
  EXPECT_EQ(s.rank(-largest), 2u);
  EXPECT_EQ(s.rank(-0.5), 3u);
  EXPECT_EQ(s.rank(0), 7u);
  EXPECT_EQ(s.rank(-tiny), 7u) << "subnormal numbers are zero";
  EXPECT_EQ(s.rank(0.5), 8u);
  EXPECT_EQ(s.rank(largest), 10u);
  EXPECT_EQ(s.rank(infinity), 11u);
  EXPECT_EQ(s.rank(nan), 0u);
  sketch batch({.max_buckets = ~std::uint32_t{0}});
  batch.insert_many(values);
  EXPECT_EQ(batch, s);
}

TEST(quantile_values, the_largest_stays_finite) {
  for (const double accuracy : {0.5, 0.01}) {
    const sketch s = of({largest, largest, largest, -largest, -largest, -largest},
                        {.relative_accuracy = accuracy});
    EXPECT_NEAR(s.quantile(0.9) / largest, 1, accuracy);
    EXPECT_LE(s.quantile(0.9), largest);
    EXPECT_EQ(s.quantile(0.3), -s.quantile(0.9));
    EXPECT_EQ(s.quantile_bounds(0.9).upper, largest);
  }
}

TEST(quantile_values, extremes_are_exact_even_where_values_are_zero_to_it) {
  const sketch s = of({1e-310, 2e-310, 3e-310});
  EXPECT_EQ(s.min(), 1e-310);
  EXPECT_EQ(s.max(), 3e-310);
  EXPECT_EQ(s.quantile(0.5), 1e-310) << "nearest to 0 within the extremes";
  EXPECT_EQ(s.sum(), 0);
}

TEST(quantile_values, zero_has_no_sign) {
  const sketch a = of({0.0, -0.0}), b = of({-0.0, 0.0});
  EXPECT_EQ(a.to_bytes(), b.to_bytes());
  EXPECT_FALSE(std::signbit(b.min()));
  EXPECT_FALSE(std::signbit(b.quantile(0.5)));
}

TEST(quantile_values, nan_is_left_out_and_counted) {
  sketch s = of({1, nan, 2});
  EXPECT_EQ(s.count(), 2u);
  EXPECT_EQ(s.nan_count(), 1u);
  EXPECT_EQ(s.max(), 2);
  s.insert_many(numbers{nan, -nan, 3});
  EXPECT_EQ(s.nan_count(), 3u);
  EXPECT_EQ(s.count(), 3u);
  EXPECT_FALSE(s == of({1, 2, 3}));
  const sketch only = of({nan});
  EXPECT_TRUE(only.empty());
  EXPECT_TRUE(std::isnan(only.quantile(0.5)));
  EXPECT_EQ(*sketch::from_bytes(only.to_bytes()), only);
}

TEST(quantile_values, sums_are_as_exact_as_quantiles) {
  std::uint64_t state = 3;
  numbers values(1000);
  double truth = 0, magnitude = 0;
  for (double& x : values) {
    x = spread(state, -10, 10) * (split_mix(state) % 4 == 0 ? -1 : 1);
    truth += x;
    magnitude += std::abs(x);
  }
  EXPECT_NEAR(of(values).sum(), truth, 0.01 * magnitude);
  EXPECT_EQ(of({1, infinity}).sum(), infinity);
  EXPECT_EQ(of({1, -infinity}).sum(), -infinity);
}

// --- the mapping --------------------------------------------------------------------------------

TEST(quantile_mapping, every_bucket_is_where_it_belongs_and_narrow_enough) {
  for (const std::uint32_t per_octave :
       {1u, 2u, 3u, 4u, 7u, 14u, 35u, 42u, 43u, 85u, 86u, 347u, 1000u, 3466u}) {
    const mapping m(per_octave, {});
    const detail::bucket_map map = m.map();
    const double accuracy = std::tanh(std::log(2) / 2 / per_octave);
    EXPECT_NEAR(m.relative_accuracy() / accuracy, 1, 1e-11);
    const auto expect_bucket = [&](std::uint32_t index) {
      const double lower = m.lower_bound(index), upper = m.lower_bound(index + 1);
      ASSERT_EQ(map.index_of(bits_of(lower)), index) << per_octave;
      const double last = std::bit_cast<double>(bits_of(upper) - 1);
      ASSERT_EQ(map.index_of(bits_of(last)), index) << per_octave;
      if (upper == infinity) return;
      // One value stands for all of the bucket.
      const double estimate = lower * (1 + m.relative_accuracy());
      ASSERT_LE(estimate - lower, (accuracy + rounding) * lower) << index;
      ASSERT_LE(upper - estimate, (accuracy + rounding) * upper) << index;
    };
    for (std::uint32_t i = 0; i < 3 * per_octave; ++i) expect_bucket(1023 * per_octave + i);
    for (std::uint32_t octave = 0; octave < detail::octaves_of_double; octave += 31) {
      expect_bucket(octave * per_octave);
      expect_bucket(octave * per_octave + per_octave - 1);
    }
    expect_bucket(detail::octaves_of_double * per_octave - 1);
    EXPECT_EQ(m.lower_bound(0), least_normal);
    EXPECT_EQ(m.lower_bound(1022 * per_octave), 1);
    EXPECT_EQ(m.lower_bound(detail::octaves_of_double * per_octave), infinity);
    for (std::uint32_t i = 0; i < per_octave; ++i) {
      const double ideal = std::exp2(static_cast<double>(i) / per_octave);
      ASSERT_NEAR(m.lower_bound(1022 * per_octave + i) / ideal, 1, 3e-15) << per_octave;
    }
  }
}

TEST(quantile_mapping, powers_and_roots_of_two) {
  EXPECT_EQ(detail::power_q62(detail::one_q62, 1000), detail::one_q62);
  EXPECT_EQ(detail::power_q62(detail::two_q62, 1), detail::two_q62);
  EXPECT_EQ(detail::power_q62(detail::two_q62, 9), detail::two_q62) << "no more than 2";
  EXPECT_EQ(detail::power_q62(123, 0), detail::one_q62);
  EXPECT_EQ(detail::multiply_q62(3 * detail::one_q62 / 2, 3 * detail::one_q62 / 2),
            detail::two_q62);
  EXPECT_EQ(detail::multiply_q62(5 * (detail::one_q62 / 4), 3 * (detail::one_q62 / 2)),
            15 * (detail::one_q62 / 8));
  static_assert(detail::root_of_two_q62(2) == 6521908912666391106u, "2^62.5");
  for (std::uint32_t n = 1; n <= detail::most_buckets_per_octave; n += n / 7 + 1) {
    const std::uint64_t root = detail::root_of_two_q62(n);
    EXPECT_LT(detail::power_q62(root, n), detail::two_q62);
    EXPECT_GE(detail::power_q62(root + 1, n), detail::two_q62);
  }
}

TEST(quantile_mapping, kernels_agree) {
  std::uint64_t state = 9;
  for (const std::uint32_t per_octave : {1u, 35u, 3466u}) {
    const mapping m(per_octave, {});
    for (std::size_t n = 1; n <= detail::quantile_block; n += n < 12 ? 1 : 61) {
      numbers values(n);
      for (double& x : values) x = spread(state, -1021, 1023);
      const auto expect_equal = [&](bool plain) {
        std::vector<std::uint32_t> expected(n), actual(n);
        detail::block_ends ends{}, same_ends{};
        ASSERT_EQ(detail::bucket_block_scalar(m.map(), values.data(), n, expected.data(), &ends),
                  plain);
        detail::for_each_isa([&](quoin::isa level) {
          const detail::quantile_kernel kernel = detail::quantile_kernel_of(level);
          ASSERT_EQ(kernel(m.map(), values.data(), n, actual.data(), &same_ends), plain)
              << to_string(level);
          if (!plain) return;
          EXPECT_EQ(actual, expected) << to_string(level);
          EXPECT_EQ(same_ends.least, ends.least) << to_string(level);
          EXPECT_EQ(same_ends.greatest, ends.greatest) << to_string(level);
        });
        if (plain) {
          EXPECT_EQ(ends.least, *std::min_element(values.begin(), values.end()));
          EXPECT_EQ(ends.greatest, *std::max_element(values.begin(), values.end()));
        }
      };
      expect_equal(true);
      const std::size_t place = static_cast<std::size_t>(split_mix(state)) % n;
      for (const double edge : {least_normal, largest}) {
        values[place] = edge;
        expect_equal(true);
      }
      for (const double odd : {0.0, -0.0, -1.0, infinity, -infinity, nan, -nan, least_normal / 2,
                               -least_normal, -largest}) {
        values[place] = odd;
        expect_equal(false);
      }
    }
  }
}

// --- options ------------------------------------------------------------------------------------

TEST(quantile_options, accuracy_is_met_with_the_fewest_buckets) {
  for (const double accuracy :
       {0.5, 0.34, 0.33, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001, 0.0001}) {
    const sketch s({.relative_accuracy = accuracy});
    EXPECT_LE(s.relative_accuracy(), accuracy);
    const std::uint32_t per_octave = s.max_buckets() / 128;
    if (per_octave > 1) {
      EXPECT_GT(std::tanh(std::log(2) / 2 / (per_octave - 1)), accuracy);
    }
  }
  EXPECT_EQ(sketch().max_buckets(), 128 * 35u);
  EXPECT_EQ(sketch({.max_buckets = 7}).max_buckets(), 7u);
  EXPECT_EQ(sketch({.max_buckets = ~std::uint32_t{0}}).max_buckets(), 2046 * 35u);
}

TEST(quantile_options, out_of_range_names_parameter_value_and_range) {
  for (const auto& [value, text] :
       {std::pair(0.0, "0"), {0.00009, "9e-05"}, {0.51, "0.51"}, {-1.0, "-1"}, {infinity, "inf"}}) {
    EXPECT_EQ(message_of([accuracy = value] { const sketch s({.relative_accuracy = accuracy}); }),
              std::string("quoin::quantile_sketch: relative_accuracy = ") + text +
                  ", must be in [0.0001, 0.5]");
  }
  EXPECT_THROW(const sketch s({.relative_accuracy = nan}), std::invalid_argument);
}

// --- too wide a range ---------------------------------------------------------------------------

TEST(quantile_collapse, concerns_the_smallest_magnitudes_only_and_is_told) {
  const quoin::quantile_options options{.relative_accuracy = 0.01,
                                        .max_buckets = 350};  // 10 octaves
  numbers values;
  for (int i = 0; i < 40; ++i) values.push_back(std::exp2(i / 2.0));  // 20 octaves
  const sketch s = of(values, options);
  const auto kept = static_cast<std::uint64_t>(
      std::count_if(values.begin(), values.end(), [](double x) { return x >= 0x1p10; }));
  EXPECT_NEAR(static_cast<double>(s.collapsed_count()), static_cast<double>(40 - kept), 1);
  EXPECT_EQ(s.count(), 40u);
  for (std::size_t i = 0; i < 39; ++i) {
    const double q = (static_cast<double>(i) + 0.5) / 39;
    const quoin::quantile_range bounds = s.quantile_bounds(q);
    EXPECT_LE(bounds.lower, values[i]);
    EXPECT_GE(bounds.upper, values[i]);
    if (i < s.collapsed_count()) {
      EXPECT_EQ(bounds.lower, 1) << "the minimum is known";
      EXPECT_EQ(s.quantile(q), i == 0 ? 1 : bounds.upper);
    } else {
      EXPECT_NEAR(s.quantile(q), values[i], 0.01 * values[i]);
    }
  }
  EXPECT_EQ(s.rank(4), s.collapsed_count()) << "no telling which are below 4";
  EXPECT_LE(s.size_bytes(), 512u + 8 * 352);
}

TEST(quantile_collapse, depends_on_the_values_and_not_on_their_order) {
  std::uint64_t state = 5;
  for (const std::uint32_t most : {1u, 2u, 7u, 8u, 9u, 64u, 100u, 1000u}) {
    const quoin::quantile_options options{.relative_accuracy = 0.02, .max_buckets = most};
    numbers values(300);
    for (double& x : values) x = spread(state, -20, 20) * (split_mix(state) % 3 == 0 ? -1 : 1);
    const sketch one = of(values, options);
    EXPECT_EQ(one.count(), values.size());
    for (int turn = 0; turn < 20; ++turn) {
      for (std::size_t i = values.size(); i > 1; --i) {
        std::swap(values[i - 1], values[static_cast<std::size_t>(split_mix(state)) % i]);
      }
      if (turn == 0) std::sort(values.begin(), values.end());
      if (turn == 1) std::sort(values.rbegin(), values.rend());
      EXPECT_EQ(of(values, options), one) << most;
      EXPECT_EQ(of(values, options).to_bytes(), one.to_bytes()) << most;
      const std::size_t cut = static_cast<std::size_t>(split_mix(state)) % values.size();
      sketch left(options), right(options);
      left.insert_many(std::span(values).first(cut));
      right.insert_many(std::span(values).subspan(cut));
      sketch merged = right;
      merged.merge(left);
      left.merge(right);
      EXPECT_EQ(left, one) << most;
      EXPECT_EQ(merged, one) << most;
    }
  }
}

TEST(quantile_collapse, an_outlier_takes_the_rest_along_and_says_so) {
  sketch s;
  for (int i = 0; i < 1000; ++i) s.insert(1 + i * 0.001);
  s.insert(1e300);
  EXPECT_EQ(s.collapsed_count(), 1000u);
  EXPECT_EQ(s.quantile_bounds(0.5).lower, 1);
  sketch wide({.max_buckets = ~std::uint32_t{0}});
  for (int i = 0; i < 1000; ++i) wide.insert(1 + i * 0.001);
  wide.insert(1e300);
  EXPECT_EQ(wide.collapsed_count(), 0u);
  EXPECT_NEAR(wide.quantile(0.5), 1.5, 0.015);
}

// --- sets ---------------------------------------------------------------------------------------

TEST(quantile_sets, a_merge_is_the_sketch_of_all) {
  const numbers a{1, 2, -3, 0, 1e9, nan}, b{-1e-9, 5, infinity, 2, -infinity};
  numbers both = a;
  both.insert(both.end(), b.begin(), b.end());
  sketch s = of(a);
  s.merge(of(b));
  EXPECT_EQ(s, of(both));
  const sketch before = s;
  s.merge(sketch());
  EXPECT_EQ(s, before);
  sketch from_nothing;
  from_nothing.merge(before);
  EXPECT_EQ(from_nothing, before);
  s.merge(s);
  both.insert(both.end(), both.begin(), both.end() - 0);
  EXPECT_EQ(s.count(), 2 * before.count());
  EXPECT_EQ(s.quantile(0.4), before.quantile(0.4));
}

TEST(quantile_sets, unlike_sketches_are_refused_and_nothing_changes) {
  sketch s = of({1, 2, 3});
  const sketch before = s;
  const sketch accuracy = of({1}, {.relative_accuracy = 0.02});
  const sketch limit = of({1}, {.max_buckets = 100});
  for (const sketch* other : {&accuracy, &limit}) {
    EXPECT_FALSE(s.is_compatible(*other));
    EXPECT_THROW(s.merge(*other), std::invalid_argument);
    EXPECT_EQ(s, before);
    EXPECT_FALSE(s == *other);
  }
}

TEST(quantile_sets, clear_swap_move_copy) {
  sketch a = of({1, 2, 3, -4}), b = of({5}, {.relative_accuracy = 0.1});
  const sketch a_before = a, b_before = b;
  swap(a, b);
  EXPECT_EQ(a, b_before);
  EXPECT_EQ(b, a_before);
  a = b;
  EXPECT_EQ(a, a_before);
  a = static_cast<const sketch&>(a);
  EXPECT_EQ(a, a_before);
  sketch moved = std::move(a);
  EXPECT_EQ(moved, a_before);
  a = std::move(moved);  // NOLINT(bugprone-use-after-move): assignment is what it may be used for
  EXPECT_EQ(a, a_before);
  a.clear();
  EXPECT_EQ(a, sketch());
  a.insert(7);
  EXPECT_EQ(a, of({7}));
  EXPECT_FALSE(a == of({8}));
  EXPECT_FALSE(of({1, 1, 2}) == of({1, 2, 2}));
}

// --- memory -------------------------------------------------------------------------------------

using allocator = quoin_test::accounted_allocator<std::byte>;
using accounted = quoin::quantile_sketch<allocator>;

TEST(quantile_memory, grows_with_the_range_and_is_given_back) {
  quoin_test::memory_account account;
  {
    accounted s({}, allocator(account));
    EXPECT_EQ(account.live_bytes, s.size_bytes());
    EXPECT_EQ(account.live_bytes, 512u);
    for (int i = 0; i < 1000; ++i) s.insert(1 + i / 1000.0);
    EXPECT_EQ(account.live_bytes, 512u + 512);
    for (int i = 0; i < 1000; ++i) s.insert(std::exp2(i * 0.02));
    EXPECT_EQ(account.live_bytes, s.size_bytes());
    EXPECT_LE(account.live_bytes, 512u + 8 * 3 * 35 * 20 / 2 + 64) << "at most half as much again";
    EXPECT_LT(account.requests, 20u);
    const std::size_t requests = account.requests;
    s.clear();
    s.insert(1);
    EXPECT_EQ(account.requests, requests) << "clear keeps the memory";
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(quantile_memory, failures_change_nothing) {
  quoin_test::memory_account account;
  {
    accounted s({}, allocator(account)), other({}, allocator(account));
    s.insert(1);
    other.insert(-1);
    other.insert(1e9);
    other.insert(0);
    const accounted before = s, other_before = other;
    const std::size_t live = account.live_bytes;
    const auto expect_strong = [&](auto change) {
      for (std::size_t until = 0;; ++until) {
        account.requests_until_failure = until;
        bool done = true;
        try {
          change();
        } catch (const std::bad_alloc&) {
          done = false;
        }
        account.requests_until_failure = static_cast<std::size_t>(-1);
        if (done) return;
        EXPECT_EQ(s, before) << until;
        EXPECT_EQ(account.live_bytes, live);
      }
    };
    expect_strong([&] { s.insert(1e9); });
    s = before;
    expect_strong([&] { s.insert(-1, 5); });
    s = before;
    expect_strong([&] { s.merge(other); });
    EXPECT_EQ(s.count(), 4u);
    s = before;
    expect_strong([&] { s = other_before; });
    EXPECT_EQ(s, other_before);
    account.requests_until_failure = 0;
    EXPECT_THROW(const accounted copy = s, std::bad_alloc);
    EXPECT_THROW(accounted({}, allocator(account)), std::bad_alloc);
    account.requests_until_failure = static_cast<std::size_t>(-1);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(quantile_memory, pmr) {
  std::array<std::byte, 4096> buffer;
  std::pmr::monotonic_buffer_resource arena(buffer.data(), buffer.size(),
                                            std::pmr::null_memory_resource());
  using in_arena = quoin::quantile_sketch<std::pmr::polymorphic_allocator<>>;
  in_arena s({}, &arena);
  s.insert(3);
  EXPECT_EQ(s.get_allocator().resource(), &arena);
  const in_arena copy = s;
  EXPECT_EQ(copy.get_allocator().resource(), std::pmr::get_default_resource());
  EXPECT_EQ(copy, s);
  in_arena elsewhere;
  elsewhere = std::move(s);  // memory of another resource cannot be taken over
  EXPECT_EQ(elsewhere, copy);
  EXPECT_EQ(elsewhere.get_allocator().resource(), std::pmr::get_default_resource());
}

// --- bytes --------------------------------------------------------------------------------------

constexpr const char* golden_name = "quantile_sketch.bin";

/// Both signs, zeros, infinities, a NaN, values that collapse, counts of one byte and of more.
sketch golden_sketch() {
  sketch s({.relative_accuracy = 0.02, .max_buckets = 100});
  for (int i = 0; i < 60; ++i) s.insert(1 + i * 0.03125, static_cast<std::uint64_t>(i * i * i + 1));
  for (const double x : {1e-9, 0x1p-1000, -3.5, -30.0, 0.0, 7.0}) s.insert(x);
  s.insert(-3.625, std::uint64_t{1} << 40);
  s.insert(infinity, 2);
  s.insert(-infinity, 3);
  s.insert(nan);
  return s;
}

TEST(quantile_bytes, never_change) {
  quoin_test::expect_golden(golden_name, golden_sketch().to_bytes());
  const auto s = sketch::from_bytes(quoin_test::read_golden(golden_name));
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ(*s, golden_sketch());
  EXPECT_EQ(s->collapsed_count(), 2u);
}

TEST(quantile_bytes, are_as_specified) {
  sketch s({.relative_accuracy = 0.02, .max_buckets = 1000});
  s.insert(1, 300);
  s.insert(1.05);
  s.insert(-2);
  s.insert(0, 9);
  s.insert(nan);
  const bytes form = s.to_bytes();
  const auto u32 = [&](std::size_t i) { return detail::load_le<std::uint32_t>(&form[i]); };
  const auto u64 = [&](std::size_t i) { return detail::load_le<std::uint64_t>(&form[i]); };
  ASSERT_EQ(form.size(), 104u + 4 + 8);
  ASSERT_EQ(form.size(), s.serialized_size());
  const unsigned header[] = {'Q', 'N', 4, 2, 1, 0, 96, 0};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(std::to_integer<unsigned>(form[i]), header[i]);
  EXPECT_EQ(u32(8), 18u) << "ln 2 / ln(1.02 / 0.98) = 17.3";
  EXPECT_EQ(u32(12), 1000u);
  const std::uint64_t fields[] = {9, 1, 0, 0, 0, 0, bits_of(-2), bits_of(1.05)};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(u64(16 + 8 * i), fields[i]) << i;
  EXPECT_EQ(u32(80), 1023 * 18u);
  EXPECT_EQ(u32(84), 1u);
  EXPECT_EQ(u32(88), 1022 * 18u);
  EXPECT_EQ(u32(92), 2u);
  EXPECT_EQ(u64(96), 4u);
  const unsigned counters[] = {1, 0xac, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(std::to_integer<unsigned>(form[104 + i]), counters[i]) << i;
  }
  EXPECT_EQ(u64(108), quoin::xxh64(std::span(form).first(108), 0));
}

TEST(quantile_bytes, round_trip) {
  std::uint64_t state = 8;
  for (const std::size_t n : {0u, 1u, 2u, 100u, 10'000u}) {
    sketch s;
    for (std::size_t i = 0; i < n; ++i)
      s.insert(spread(state, -90, 60) - 1, split_mix(state) % 1000);
    const bytes form = s.to_bytes();
    bytes larger(form.size() + 3, std::byte{9});
    EXPECT_EQ(s.write_to(larger), form.size());
    EXPECT_EQ(larger[form.size()], std::byte{9});
    const auto back = sketch::from_bytes(form);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, s);
    EXPECT_EQ(back->to_bytes(), form);
    bytes smaller(form.size() - 1);
    EXPECT_THROW(s.write_to(smaller), std::invalid_argument);
  }
}

TEST(quantile_bytes, every_damage_is_noticed) {
  quoin_test::memory_account account;
  const bytes form = quoin_test::read_golden(golden_name);
  quoin_test::for_each_truncation(form, [&](std::span<const std::byte> cut) {
    const auto s = accounted::from_bytes(cut, allocator(account));
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error(), quoin::error(errc::truncated, cut.size(), ""));
    EXPECT_EQ(s.error().size_stated(), cut.size() < 112 ? 0 : form.size());
  });
  quoin_test::for_each_bit_flip(form, [&](std::span<const std::byte> damaged) {
    EXPECT_FALSE(accounted::from_bytes(damaged, allocator(account)));
  });
  EXPECT_EQ(account.requests, 0u) << "nothing is allocated for what is refused";
  EXPECT_TRUE(accounted::from_bytes(form, allocator(account)));
}

bytes with_checksum(bytes form) {
  const std::size_t end = form.size() - 8;
  detail::store_le(&form[end], detail::xxh64(form.data(), end));
  return form;
}

/// Whoever computes the checksum anew gets an error or a sketch that answers, whatever else it
/// changed, and never much memory.
TEST(quantile_bytes, forged_forms_are_refused_or_harmless) {
  quoin_test::memory_account account;
  const bytes golden = golden_sketch().to_bytes();
  std::size_t accepted = 0;
  quoin_test::for_each_bit_flip(golden, [&](std::span<const std::byte> damaged) {
    const bytes form = with_checksum(bytes(damaged.begin(), damaged.end()));
    const auto s = accounted::from_bytes(form, allocator(account));
    if (!s) {
      EXPECT_LE(s.error().position(), form.size());
      return;
    }
    ++accepted;
    EXPECT_EQ(s->to_bytes(), form);
    EXPECT_LE(s->quantile(0.3), s->quantile(0.7));
    EXPECT_GE(s->quantile(0.3), s->min());
    EXPECT_EQ(s->rank(infinity), s->count());
  });
  EXPECT_GT(accepted, 200u) << "counts may be others";
  EXPECT_LE(account.largest_request, 64u * 1024);
}

TEST(quantile_bytes, forged_headers_are_refused_with_reason_and_place) {
  const auto expect = [](errc code, std::uint64_t place, auto change) {
    bytes form = golden_sketch().to_bytes();
    change(form);
    const auto s = sketch::from_bytes(with_checksum(form));
    ASSERT_FALSE(s) << place;
    EXPECT_EQ(s.error(), quoin::error(code, place, "")) << s.error().message();
  };
  const auto u32 = [](std::size_t place, std::uint32_t value) {
    return [=](bytes& form) { detail::store_le(&form[place], value); };
  };
  const auto u64 = [](std::size_t place, std::uint64_t value) {
    return [=](bytes& form) { detail::store_le(&form[place], value); };
  };
  const std::uint64_t many = std::uint64_t{1} << 63;
  expect(errc::bad_value, 5, [](bytes& form) { form[5] = std::byte{1}; });
  for (const std::uint32_t b : {0u, 3467u, ~0u}) expect(errc::bad_value, 8, u32(8, b));
  for (const std::uint32_t n : {0u, 2046 * 18u + 1, ~0u}) expect(errc::bad_value, 12, u32(12, n));
  expect(errc::bad_value, 16, u64(16, many + 1));
  expect(errc::bad_value, 32, u64(32, many));
  expect(errc::bad_value, 40, u64(40, many - 3));
  expect(errc::bad_value, 104, u64(40, many - 4));
  expect(errc::bad_value, 104, u64(56, many - 4));
  expect(errc::bad_value, 80, u32(80, 2046 * 18));
  expect(errc::bad_value, 80, u32(84, 101));
  expect(errc::bad_value, 80, u32(84, 0));
  expect(errc::bad_value, 80, [](bytes& form) {
    detail::store_le(&form[80], std::uint32_t{3});
    detail::store_le(&form[84], std::uint32_t{1});
    detail::store_le(&form[48], std::uint64_t{1});
  });
  expect(errc::bad_value, 88, u32(88, ~0u));
  expect(errc::bad_value, 88, u32(92, 0x8000'0000u));
  expect(errc::bad_value, 104, u32(92, 1));
  expect(errc::bad_value, 104, u32(92, 40));
  for (const double x : {nan, -1.0, largest}) expect(errc::bad_value, 64, u64(64, bits_of(x)));
  for (const double x : {nan, -1.0, largest}) expect(errc::bad_value, 64, u64(72, bits_of(x)));
  expect(errc::trailing_bytes, 104 + 7 + 8, u64(96, 7));
  expect(errc::truncated, golden_sketch().serialized_size(), u64(96, 10'000));
  expect(errc::bad_value, 96, u64(96, ~std::uint64_t{0}));
}

TEST(quantile_bytes, counters_are_written_in_one_way_only) {
  sketch s;
  s.insert(1, 5);
  s.insert(1.05, 200);
  const bytes form = s.to_bytes();  // 05 00 c8 01 or so
  const auto with_counters = [&](std::initializer_list<unsigned> counters, std::uint32_t buckets) {
    bytes changed(form.begin(), form.begin() + 104);
    for (const unsigned each : counters) changed.push_back(static_cast<std::byte>(each));
    detail::store_le(&changed[92], buckets);
    detail::store_le(&changed[96], std::uint64_t{counters.size()});
    changed.resize(changed.size() + 8);
    return sketch::from_bytes(with_checksum(changed));
  };
  const std::uint32_t buckets = detail::load_le<std::uint32_t>(&form[92]);
  ASSERT_EQ(buckets, 3u);
  EXPECT_TRUE(with_counters({5, 0, 0xc8, 1}, 3));
  EXPECT_FALSE(with_counters({5, 0, 0xc8, 0x81, 0}, 3)) << "a digit too many";
  EXPECT_FALSE(with_counters({5, 0x80, 0, 1}, 3)) << "zero in two digits";
  EXPECT_FALSE(with_counters({0, 5, 1}, 3)) << "begins with nothing";
  EXPECT_FALSE(with_counters({1, 5, 0}, 3)) << "ends with nothing";
  EXPECT_FALSE(with_counters({5, 0, 0xc8}, 3)) << "ends within a number";
  EXPECT_FALSE(with_counters({5, 0, 1, 1}, 3)) << "goes on";
  EXPECT_FALSE(with_counters({5, 0}, 3)) << "too few";
  EXPECT_FALSE(with_counters({5, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 3)) << "2^64";
  EXPECT_FALSE(with_counters({5, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, 3));
  EXPECT_FALSE(with_counters({5, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0}, 3));
  EXPECT_FALSE(with_counters({5, 0, 0xfb, 255, 255, 255, 255, 255, 255, 255, 255, 0}, 3));
  EXPECT_TRUE(with_counters({5, 0, 0xfb, 255, 255, 255, 255, 255, 255, 255, 127}, 3)) << "2^63 - 5";
  EXPECT_FALSE(with_counters({5, 0, 0xfc, 255, 255, 255, 255, 255, 255, 255, 127}, 3))
      << "2^63 - 4";
}

TEST(quantile_sketch_limits, a_full_sketch_says_so_and_stays_whole) {
  sketch s;
  s.insert(1.0, std::uint64_t{1} << 63);
  EXPECT_THROW(s.insert(1.0), std::invalid_argument);
  EXPECT_THROW(s.insert_many(std::vector<double>{1.0, 2.0}), std::invalid_argument);
  EXPECT_TRUE(sketch::from_bytes(s.to_bytes()).has_value());
  sketch nothing;
  nothing.insert(nan, std::uint64_t{1} << 63);
  nothing.insert(nan, std::uint64_t{1} << 63);
  EXPECT_EQ(nothing.nan_count(), ~std::uint64_t{0}) << "saturates";
}

TEST(quantile_sketch_limits, the_accuracy_of_a_sketch_makes_one_like_it) {
  for (int i = 1; i <= 5000; ++i) {
    const sketch s({.relative_accuracy = i / 10'000.0});
    ASSERT_TRUE(sketch({.relative_accuracy = s.relative_accuracy()}).is_compatible(s)) << i;
  }
}

}  // namespace
