// SPDX-License-Identifier: BSL-1.0
// The formulas against enumeration, and the filter against the formulas.
//
// Statistical tests have fixed seeds and thresholds from theory. Where a normal distribution stands
// for the true one, `many_sigmas` = 6.5 gives each test a false-alarm rate of 8e-11, so that what
// the approximation and the number of tests (below a thousand) add still leaves it under 1e-6 in
// all.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include "hash/hash_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using detail::line_model;
using quoin_test::split_mix;
using filter = quoin::blocked_bloom_filter<>;

constexpr double many_sigmas = 6.5;

// --- the formula --------------------------------------------------------------------------------

/// P(`keys` keys of one line cover a foreign key's bits), by going through all their first lanes:
/// once these are given, the lanes are independent.
double covered_by_enumeration(unsigned k, unsigned keys) {
  const unsigned lanes = k <= 8 ? 8 : 16;
  const double w = 512.0 / lanes;
  std::uint64_t arrangements = 1;
  for (unsigned i = 0; i < keys; ++i) arrangements *= lanes;
  double sum = 0;
  for (std::uint64_t a = 0; a < arrangements; ++a) {
    std::vector<unsigned> touched(lanes, 0);
    std::uint64_t rest = a;
    for (unsigned i = 0; i < keys; ++i, rest /= lanes) {
      for (unsigned j = 0; j < k; ++j) ++touched[static_cast<std::size_t>((rest + j) % lanes)];
    }
    double covered = 1;  // the foreign key's lanes are 0 … k − 1, by symmetry
    for (unsigned j = 0; j < k; ++j) covered *= 1 - std::pow(1 - 1 / w, touched[j]);
    sum += covered;
  }
  return sum / static_cast<double>(arrangements);
}

double binomial(unsigned n, unsigned j, double p) {
  double x = std::pow(p, j) * std::pow(1 - p, n - j);
  for (unsigned i = 0; i < j; ++i) x = x * (n - i) / (i + 1);
  return x;
}

TEST(blocked_bloom_model, few_keys_by_enumeration) {
  for (unsigned k = 1; k <= 16; ++k) {
    const line_model model(k);
    std::vector<double> covered;
    for (unsigned keys = 0; keys <= 3; ++keys) covered.push_back(covered_by_enumeration(k, keys));
    EXPECT_EQ(model.rate(0, 1), 0) << "certainly";
    for (unsigned keys = 0; keys <= 3; ++keys) {
      EXPECT_NEAR(model.rate(keys, 1), covered[keys], 1e-11) << k;
      double in_seven_lines = 0;
      for (unsigned j = 0; j <= keys; ++j)
        in_seven_lines += binomial(keys, j, 1 / 7.0) * covered[j];
      EXPECT_NEAR(model.rate(keys, 7), in_seven_lines, 1e-11) << k;
    }
  }
}

// With one lane chosen, or all of them, there is a closed form to meet at any number of keys.
TEST(blocked_bloom_model, all_lanes_in_closed_form) {
  for (const unsigned k : {8u, 16u}) {
    const line_model model(k);
    for (const unsigned keys : {5u, 20u, 64u, 200u}) {
      const double expected = std::pow(1 - std::pow(1 - k / 512.0, keys), k);
      EXPECT_NEAR(model.rate(keys, 1), expected, 1e-11) << k << ' ' << keys;
    }
  }
  EXPECT_NEAR(line_model(1).rate(100, 3), 1 - std::pow(1 - 1 / 1536.0, 100), 1e-12);
}

TEST(blocked_bloom_model, approaches_its_limit_as_lines_grow) {
  for (unsigned k = 1; k <= 16; ++k) {
    const line_model model(k);
    for (const double load : {0.0, 5.0, 32.0, 51.2, 64.0, 500.0}) {
      EXPECT_NEAR(model.rate(load * 1e9, 1e9), model.rate_of_load(load), 1e-8) << k << ' ' << load;
    }
    EXPECT_LT(model.rate_of_load(40), model.rate_of_load(40.1));
    EXPECT_NEAR(model.rate_of_load(1e6), 1, 1e-9);
  }
}

TEST(blocked_bloom_model, densities_are_the_best_ones) {
  std::vector<line_model> models;
  for (unsigned k = 1; k <= 16; ++k) models.emplace_back(k);
  for (int step = 10; step <= 1280; ++step) {
    const double bits_per_key = step * 0.05;
    double best = 1;
    for (const line_model& m : models) best = std::min(best, m.rate_of_load(512 / bits_per_key));
    const unsigned k = detail::best_line_hashes(bits_per_key);
    // The borders are rounded to 0.01, where the neighbours differ by less than 2 in 1000.
    EXPECT_LE(models[k - 1].rate_of_load(512 / bits_per_key), best * 1.002) << bits_per_key;
  }
  for (const auto& d : detail::line_densities) {
    EXPECT_NEAR(models[d.k - 1].rate_of_load(512 / d.bits_per_key) / d.rate, 1, 1e-4) << d.k;
  }
}

TEST(blocked_bloom_model, density_for_a_rate) {
  for (unsigned k = 0; k <= 16; ++k) {
    for (const double rate : {0.5, 0.1, 0.01, 1e-3, 1e-5, 1e-7}) {
      const double bits_per_key = detail::line_bits_per_key(rate, k);
      if (bits_per_key == 0) {
        ASSERT_NE(k, 0u);
        EXPECT_GT(line_model(k).rate_of_load(512 / 64.0), rate) << "refused, but possible";
        continue;
      }
      const unsigned chosen = k == 0 ? detail::best_line_hashes(bits_per_key) : k;
      EXPECT_LE(line_model(chosen).rate_of_load(512 / bits_per_key), rate) << k << ' ' << rate;
      EXPECT_GT(line_model(chosen).rate_of_load(512 / (bits_per_key * 0.999)), rate);
    }
  }
  EXPECT_EQ(detail::line_bits_per_key(1e-9, 0), 0);
}

// --- the filter against it ----------------------------------------------------------------------

filter filled(std::uint64_t keys, double bits_per_key, unsigned k, std::uint64_t seed,
              std::uint64_t first = 0) {
  filter f({.capacity = keys, .bits_per_key = bits_per_key, .seed = seed, .hash_count = k});
  for (std::uint64_t key = first; key < first + keys; ++key) f.insert(key);
  return f;
}

/// All probes of a filter with `k` ≤ 3 or so, one by one: the reading of the layout that
/// detail/filter_line.hpp describes, not its code.
double rate_by_enumeration(const filter& f) {
  const auto form = f.to_bytes();
  const std::size_t lines = f.size_bytes() / 64;
  const unsigned k = f.hash_count(), lanes = k <= 8 ? 8 : 16, width = 512 / lanes;
  const auto bit = [&](std::size_t line, unsigned b) {
    return std::to_integer<unsigned>(form[64 + 64 * line + b / 8]) >> b % 8 & 1;
  };
  std::uint64_t hits = 0, probes = 0, combinations = 1;
  for (unsigned i = 0; i < k; ++i) combinations *= width;
  for (std::size_t line = 0; line < lines; ++line) {
    for (unsigned first = 0; first < lanes; ++first) {
      for (std::uint64_t c = 0; c < combinations; ++c, ++probes) {
        unsigned all = 1;
        std::uint64_t rest = c;
        for (unsigned i = 0; i < k; ++i, rest /= width) {
          all &= bit(line, (first + i) % lanes * width + static_cast<unsigned>(rest % width));
        }
        hits += all;
      }
    }
  }
  return static_cast<double>(hits) / static_cast<double>(probes);
}

TEST(blocked_bloom_rate, of_the_bits_as_they_are_by_enumeration) {
  for (const unsigned k : {1u, 2u, 3u}) {
    const filter f = filled(60, 12, k, k);
    ASSERT_GE(f.size_bytes(), 128u);
    EXPECT_NEAR(f.false_positive_rate(), rate_by_enumeration(f), 1e-12) << k;
  }
}

/// Random hashes in the filter are a binomial number with the rate of its bits: exactly, since
/// probes are drawn anew.
TEST(blocked_bloom_rate, of_the_bits_as_they_are_by_sampling) {
  std::uint64_t state = 1;
  std::vector<std::uint64_t> hashes(1 << 16), mask(hashes.size() / 64);
  for (unsigned k = 1; k <= 16; ++k) {
    filter f = filled(20'000, 16, k, k);
    f.merge(filled(20'000, 16, k, k, 20'000));  // also of filters that were combined
    const double p = f.false_positive_rate();
    double hits = 0, probes = 0;
    for (int round = 0; round < 8; ++round) {
      for (auto& hash : hashes) hash = split_mix(state);
      f.contains_hash_many(hashes, mask);
      for (const auto word : mask) hits += static_cast<unsigned>(std::popcount(word));
      probes += static_cast<double>(hashes.size());
    }
    EXPECT_NEAR(hits, probes * p, many_sigmas * std::sqrt(probes * p * (1 - p))) << k;
    EXPECT_GT(probes * p, 1000) << "enough hits for the normal distribution, k = " << k;
  }
}

/// The mean over hash functions: filters under independent seeds against the model, with the
/// deviation of the mean estimated from the filters themselves.
TEST(blocked_bloom_rate, is_that_of_the_model_on_average) {
  constexpr int trials = 400;
  for (unsigned k = 1; k <= 16; ++k) {
    double sum = 0, squares = 0;
    for (std::uint64_t seed = 0; seed < trials; ++seed) {
      const double rate = filled(512, 8, k, seed).false_positive_rate();
      sum += rate;
      squares += rate * rate;
    }
    const double mean = sum / trials;
    const double deviation = std::sqrt((squares / trials - mean * mean) / (trials - 1));
    const double expected = filled(512, 8, k, 0).expected_false_positive_rate(512);
    EXPECT_NEAR(mean, expected, many_sigmas * deviation) << k;
    EXPECT_LT(deviation, expected / 30) << "a test that could not fail, k = " << k;
  }
}

// The densities of which the documentation speaks.
TEST(blocked_bloom_rate, at_the_documented_densities) {
  for (const auto& [bits_per_key, rate] :
       {std::pair(8.0, 0.0234), {10.0, 0.0097}, {12.0, 0.0042}, {16.0, 0.00090}}) {
    const filter f({.capacity = 1'000'000, .bits_per_key = bits_per_key});
    EXPECT_NEAR(f.expected_false_positive_rate(1'000'000) / rate, 1, 0.006) << bits_per_key;
  }
}

// --- estimates ----------------------------------------------------------------------------------

/// Standard deviation of `estimated_count` with `n` keys in `f`. With Z bits unset of m,
/// Var Z = Σ_{a,b} P(a and b unset) − E[Z]², where one key leaves both bits of a pair unset with
/// probability 1 − 2k/m + P(it sets both), and it can set both only in two lanes of one line. The
/// estimate is ln(Z/m) / ln(1 − k/m), so its deviation is that of Z over Z · ln(1 − k/m).
double deviation_of_count(const filter& f, double n) {
  const double m = static_cast<double>(f.bit_count()), lines = m / 512, k = f.hash_count();
  const unsigned lanes = k <= 8 ? 8 : 16;
  const double w = 512.0 / lanes;
  const double mean = m * std::pow(1 - k / m, n);
  double squares = mean + (m * (m - 512) + m * (w - 1)) * std::pow(1 - 2 * k / m, n);
  for (unsigned d = 1; d < lanes; ++d) {
    unsigned windows = 0;  // with both lane 0 and lane d
    for (unsigned first = 0; first < lanes; ++first) {
      windows += (lanes - first) % lanes < k && (d + lanes - first) % lanes < k;
    }
    const double both = windows / (lanes * lines * w * w);
    squares += m * w * std::pow(1 - 2 * k / m + both, n);
  }
  return std::sqrt(squares - mean * mean) / (mean * -std::log1p(-k / m));
}

TEST(blocked_bloom_estimates, count_within_its_deviation) {
  for (unsigned k = 1; k <= 16; ++k) {
    for (const std::uint64_t n : {1000u, 20'000u, 60'000u}) {
      filter f({.capacity = 20'000, .bits_per_key = 10, .seed = k, .hash_count = k});
      for (std::uint64_t key = 0; key < n; ++key) f.insert(key);
      const double sigma = deviation_of_count(f, static_cast<double>(n));
      EXPECT_NEAR(f.estimated_count(), static_cast<double>(n), many_sigmas * sigma) << k;
      EXPECT_LT(sigma, 0.03 * static_cast<double>(n)) << "a test that could not fail";
    }
  }
}

// The deviation above is right: the estimates of many filters scatter as it says. Their variance
// over it is chi-square with 300 degrees of freedom over 300, whose deviation is √(2 / 300).
TEST(blocked_bloom_estimates, scatter_as_theory_has_it) {
  constexpr int trials = 300;
  for (const unsigned k : {1u, 5u, 8u, 11u, 16u}) {
    double squares = 0, sigma = 0;
    for (std::uint64_t seed = 0; seed < trials; ++seed) {
      const filter f = filled(2000, 10, k, seed);
      sigma = deviation_of_count(f, 2000);
      squares += std::pow((f.estimated_count() - 2000) / sigma, 2);
    }
    EXPECT_NEAR(squares / trials, 1, many_sigmas * std::sqrt(2.0 / trials)) << k;
  }
}

TEST(blocked_bloom_estimates, union_intersection_jaccard_within_their_deviation) {
  for (const unsigned k : {1u, 6u, 8u, 12u}) {
    const quoin::blocked_bloom_options options{
        .capacity = 60'000, .bits_per_key = 10, .seed = 1, .hash_count = k};
    filter a(options), b(options);
    for (std::uint64_t key = 0; key < 30'000; ++key) a.insert(key);
    for (std::uint64_t key = 20'000; key < 60'000; ++key) b.insert(key);
    const double sigma_union = deviation_of_count(a, 60'000);
    // The deviation of a sum is at most the sum of the deviations, however they depend.
    const double sigma =
        sigma_union + deviation_of_count(a, 30'000) + deviation_of_count(a, 40'000);
    EXPECT_NEAR(a.estimated_union(b), 60'000, many_sigmas * sigma_union);
    EXPECT_NEAR(a.estimated_intersection(b), 10'000, many_sigmas * sigma);
    EXPECT_NEAR(a.estimated_jaccard(b), 1.0 / 6, many_sigmas * sigma / 60'000 * 7 / 6);
    EXPECT_LT(sigma, 700) << "a test that could not fail";
    EXPECT_DOUBLE_EQ(a.estimated_union(b), b.estimated_union(a));
    EXPECT_NEAR(a.estimated_jaccard(a), 1, 1e-12);
  }
}

}  // namespace
