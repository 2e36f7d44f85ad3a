// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/sketch_hll_joint.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using detail::in_both;
using detail::in_left;
using detail::in_right;
using detail::joint_counts;
using detail::joint_fit;
using detail::joint_vector;

using registers = std::vector<std::uint8_t>;

/// A dense sketch of its own, so that the test depends on no other.
struct sketch {
  explicit sketch(unsigned precision) : p(precision), values(std::size_t{1} << precision) {}

  void insert_hash(std::uint64_t hash) {
    const std::uint64_t rest = hash << p;
    const int rank = rest == 0 ? static_cast<int>(65 - p) : std::countl_zero(rest) + 1;
    std::uint8_t& value = values[static_cast<std::size_t>(hash >> (64 - p))];
    value = std::max(value, static_cast<std::uint8_t>(rank));
  }

  unsigned p;
  registers values;
};

/// Two sketches with so many keys in the left alone, the right alone and both.
std::pair<sketch, sketch> sketches_of(unsigned p, unsigned left, unsigned right, unsigned both,
                                      std::uint64_t seed) {
  std::mt19937_64 hashes(seed);
  std::pair<sketch, sketch> two{sketch(p), sketch(p)};
  for (unsigned i = 0; i < left; ++i) two.first.insert_hash(hashes());
  for (unsigned i = 0; i < right; ++i) two.second.insert_hash(hashes());
  for (unsigned i = 0; i < both; ++i) {
    const std::uint64_t hash = hashes();
    two.first.insert_hash(hash);
    two.second.insert_hash(hash);
  }
  return two;
}

joint_counts counts_of(const registers& left, const registers& right, unsigned p) {
  return detail::count_register_pairs(left.data(), right.data(), p);
}
joint_counts counts_of(const std::pair<sketch, sketch>& two) {
  return counts_of(two.first.values, two.second.values, two.first.p);
}

/// P(left ≤ i and right ≤ j), from the definition of the model.
double distribution(unsigned q, const joint_vector& rates, int i, int j) {
  if (i < 0 || j < 0) return 0;
  const auto t = [q](int k) { return k > static_cast<int>(q) ? 0.0 : std::exp2(-k); };
  return std::exp(-rates[in_left] * t(i) - rates[in_right] * t(j) -
                  rates[in_both] * t(std::min(i, j)));
}

/// P(left = i and right = j), by differences.
double probability(unsigned q, const joint_vector& rates, int i, int j) {
  return distribution(q, rates, i, j) - distribution(q, rates, i - 1, j) -
         distribution(q, rates, i, j - 1) + distribution(q, rates, i - 1, j - 1);
}

/// The counts of a single register pair.
joint_counts one_pair(unsigned q, unsigned i, unsigned j) {
  joint_counts counts{q, 1, {}};
  if (i == j) counts.rank[i].equal = 1;
  if (i < j) counts.rank[i].left_less = counts.rank[j].right_more = 1;
  if (i > j) counts.rank[i].left_more = counts.rank[j].right_less = 1;
  return counts;
}

const joint_vector some_rates[] = {{{0.7, 1.9, 0.4}}, {{3, 0.01, 1e-4}}, {{1e-6, 1e-6, 2}},
                                   {{5, 6, 1e-9}},    {{0.3, 0.2, 8}},   {{1e-9, 2e-9, 3e-9}}};

TEST(HyperloglogPairs, AreCountedAsOneByOne) {
  std::mt19937_64 random(1);
  for (const unsigned p : {4u, 5u, 11u, 14u}) {
    registers left(std::size_t{1} << p), right(left.size());
    joint_counts naive{64 - p, static_cast<double>(left.size()), {}};
    for (std::size_t i = 0; i < left.size(); ++i) {
      left[i] = static_cast<std::uint8_t>(random() % (66 - p));
      right[i] = i % 7 == 0 ? left[i] : static_cast<std::uint8_t>(random() % (66 - p));
      if (left[i] == right[i]) ++naive.rank[left[i]].equal;
      if (left[i] < right[i]) ++naive.rank[left[i]].left_less, ++naive.rank[right[i]].right_more;
      if (left[i] > right[i]) ++naive.rank[left[i]].left_more, ++naive.rank[right[i]].right_less;
    }
    const joint_counts counts = counts_of(left, right, p);
    EXPECT_EQ(counts.q, naive.q);
    EXPECT_EQ(counts.registers, naive.registers);
    for (unsigned k = 0; k < 64; ++k) {
      EXPECT_EQ(counts.rank[k].left_less, naive.rank[k].left_less) << k;
      EXPECT_EQ(counts.rank[k].left_more, naive.rank[k].left_more) << k;
      EXPECT_EQ(counts.rank[k].right_less, naive.rank[k].right_less) << k;
      EXPECT_EQ(counts.rank[k].right_more, naive.rank[k].right_more) << k;
      EXPECT_EQ(counts.rank[k].equal, naive.rank[k].equal) << k;
    }
  }
}

TEST(HyperloglogLikelihood, IsThatOfTheModel) {
  constexpr unsigned q = 3;
  for (const joint_vector& rates : some_rates) {
    double sum = 0;
    for (unsigned i = 0; i <= q + 1; ++i) {
      for (unsigned j = 0; j <= q + 1; ++j) {
        const double p = std::exp(detail::log_likelihood(one_pair(q, i, j), rates));
        EXPECT_NEAR(p, probability(q, rates, static_cast<int>(i), static_cast<int>(j)), 1e-14)
            << i << ' ' << j;
        sum += p;
      }
    }
    EXPECT_NEAR(sum, 1, 1e-13);
  }
}

TEST(HyperloglogLikelihood, IsImpossibleWhereItMustBe) {
  const joint_vector none_in_both{{1, 1, 0}}, none_in_left{{0, 1, 1}};
  EXPECT_TRUE(std::isfinite(detail::log_likelihood(one_pair(3, 2, 2), none_in_both)));
  EXPECT_TRUE(std::isfinite(detail::log_likelihood(one_pair(3, 1, 2), none_in_left)));
  EXPECT_EQ(detail::log_likelihood(one_pair(3, 2, 1), none_in_left), -HUGE_VAL);
}

TEST(HyperloglogLikelihood, HasTheSlopesOfItsDifferences) {
  constexpr unsigned q = 5;
  std::mt19937_64 random(2);
  joint_counts counts{q, 1, {}};
  for (unsigned k = 0; k <= q + 1; ++k) {
    const auto some = [&] { return static_cast<double>(random() % 100); };
    counts.rank[k] = {some(), k == 0 ? 0 : some(), some(), k == 0 ? 0 : some(), some()};
  }
  for (const joint_vector& rates : {some_rates[0], some_rates[1], some_rates[4]}) {
    const detail::joint_slopes s = detail::slopes_of_log_likelihood(counts, rates);
    for (unsigned i = 0; i < 3; ++i) {
      const double h = 1e-5 * rates[i];
      joint_vector less = rates, more = rates;
      less[i] -= h;
      more[i] += h;
      const double slope =
          (detail::log_likelihood(counts, more) - detail::log_likelihood(counts, less)) / (2 * h);
      EXPECT_NEAR(s.gradient[i] * rates[i], slope * rates[i], 1e-4);
      const joint_vector below = detail::slopes_of_log_likelihood(counts, less).gradient;
      const joint_vector above = detail::slopes_of_log_likelihood(counts, more).gradient;
      for (unsigned j = 0; j < 3; ++j) {
        const double bend = (below[j] - above[j]) / (2 * h);
        EXPECT_NEAR(s.information[i][j] * rates[i] * rates[j], bend * rates[i] * rates[j], 1e-4)
            << i << j;
      }
    }
  }
}

TEST(HyperloglogLikelihood, ExpectsTheCountsOfTheModel) {
  constexpr unsigned q = 3;
  for (const joint_vector& rates : some_rates) {
    const joint_counts expected = detail::expected_counts(q, 1000, rates);
    joint_counts sums{q, 1000, {}};
    for (unsigned i = 0; i <= q + 1; ++i) {
      for (unsigned j = 0; j <= q + 1; ++j) {
        const double n = 1000 * probability(q, rates, static_cast<int>(i), static_cast<int>(j));
        if (i == j) sums.rank[i].equal += n;
        if (i < j) sums.rank[i].left_less += n, sums.rank[j].right_more += n;
        if (i > j) sums.rank[i].left_more += n, sums.rank[j].right_less += n;
      }
    }
    for (unsigned k = 0; k <= q + 1; ++k) {
      EXPECT_NEAR(expected.rank[k].left_less, sums.rank[k].left_less, 1e-10) << k;
      EXPECT_NEAR(expected.rank[k].left_more, sums.rank[k].left_more, 1e-10) << k;
      EXPECT_NEAR(expected.rank[k].right_less, sums.rank[k].right_less, 1e-10) << k;
      EXPECT_NEAR(expected.rank[k].right_more, sums.rank[k].right_more, 1e-10) << k;
      EXPECT_NEAR(expected.rank[k].equal, sums.rank[k].equal, 1e-10) << k;
    }
  }
}

/// A fit is usable whatever the registers: finite, in range, found in bounded time.
void expect_sound(const joint_counts& counts, const joint_fit& fit) {
  EXPECT_LT(fit.steps, detail::joint_search::most_steps);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_GE(fit.keys[i], 0);
    EXPECT_LE(fit.keys[i], 0x1p64 * (1 + 1e-9));
    EXPECT_GE(fit.covariance[i][i], 0);
    for (unsigned j = 0; j < 3; ++j) EXPECT_TRUE(std::isfinite(fit.covariance[i][j]));
  }
  joint_counts swapped = counts;
  for (auto& n : swapped.rank) {
    std::swap(n.left_less, n.right_less);
    std::swap(n.left_more, n.right_more);
  }
  const joint_fit other = detail::fit_joint(swapped);
  const double near = 1e-6 * (fit.keys[0] + fit.keys[1] + fit.keys[2]);
  EXPECT_NEAR(other.keys[in_left], fit.keys[in_right], near);
  EXPECT_NEAR(other.keys[in_right], fit.keys[in_left], near);
  EXPECT_NEAR(other.keys[in_both], fit.keys[in_both], near);
}

/// No place that random search finds is better.
void expect_best(const joint_counts& counts, const joint_fit& fit, std::mt19937_64& random) {
  joint_vector best;
  for (unsigned i = 0; i < 3; ++i) best[i] = fit.keys[i] / counts.registers;
  const double likelihood = detail::log_likelihood(counts, best);
  ASSERT_TRUE(std::isfinite(likelihood));
  std::normal_distribution<double> normal;
  const double all = best[0] + best[1] + best[2];
  for (const double width : {1e-4, 0.01, 0.3, 3.0}) {
    for (int n = 0; n < 60; ++n) {
      joint_vector there;
      for (double& rate : there.of) rate = 0;
      for (unsigned i = 0; i < 3; ++i) {
        const double from = n % 2 == 0 ? best[i] : std::max(best[i], all * std::exp2(-n % 30));
        there[i] = std::min(from * std::exp(width * normal(random)), 0x1p64 / counts.registers);
      }
      EXPECT_LE(detail::log_likelihood(counts, there), likelihood + 1e-9 * std::fabs(likelihood));
    }
  }
}

TEST(HyperloglogJointFit, FindsTheMaximum) {
  std::mt19937_64 random(3);
  for (const unsigned p : {4u, 6u, 10u}) {
    for (int trial = 0; trial < 40; ++trial) {
      const auto some = [&] { return static_cast<unsigned>(std::exp2(random() % 13)) - 1; };
      const joint_counts counts = counts_of(sketches_of(p, some(), some(), some(), random()));
      const joint_fit fit = detail::fit_joint(counts);
      expect_sound(counts, fit);
      expect_best(counts, fit, random);
    }
  }
}

TEST(HyperloglogJointFit, BearsAnyRegisters) {
  std::mt19937_64 random(4);
  for (const unsigned p : {4u, 7u}) {
    for (int trial = 0; trial < 100; ++trial) {
      registers left(std::size_t{1} << p), right(left.size());
      const unsigned width = 1 + static_cast<unsigned>(random() % (66 - p));
      const unsigned base = static_cast<unsigned>(random() % (67 - p - width));
      for (std::size_t i = 0; i < left.size(); ++i) {
        left[i] = static_cast<std::uint8_t>(base + random() % width);
        right[i] = static_cast<std::uint8_t>(trial % 3 == 0 ? left[i] : base + random() % width);
      }
      const joint_counts counts = counts_of(left, right, p);
      expect_sound(counts, detail::fit_joint(counts));
    }
  }
}

joint_fit fit_of(unsigned p, unsigned left, unsigned right, unsigned both) {
  const joint_counts counts = counts_of(sketches_of(p, left, right, both, 5));
  const joint_fit fit = detail::fit_joint(counts);
  expect_sound(counts, fit);
  return fit;
}

TEST(HyperloglogJointFit, OfNothingIsNothing) {
  for (const unsigned p : {4u, 14u}) {
    const joint_fit fit = fit_of(p, 0, 0, 0);
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(fit.keys[i], 0);
      EXPECT_EQ(fit.covariance[i][i], 0);
    }
  }
}

TEST(HyperloglogJointFit, OfNothingAndSomethingIsExactAboutNothing) {
  const joint_fit fit = fit_of(12, 1000, 0, 0);
  EXPECT_EQ(fit.keys[in_right], 0);
  EXPECT_EQ(fit.keys[in_both], 0);
  EXPECT_EQ(fit.covariance[in_right][in_right], 0);
  EXPECT_EQ(fit.covariance[in_both][in_both], 0);
  EXPECT_NEAR(fit.keys[in_left], 1000, 5 * std::sqrt(fit.covariance[in_left][in_left]));
}

TEST(HyperloglogJointFit, SeesSingleKeys) {
  const joint_fit apart = fit_of(14, 1, 1, 0);
  EXPECT_NEAR(apart.keys[in_left], 1, 1e-3);
  EXPECT_NEAR(apart.keys[in_right], 1, 1e-3);
  EXPECT_EQ(apart.keys[in_both], 0);
  EXPECT_LT(std::sqrt(apart.covariance[in_both][in_both]), 0.1);
  const joint_fit same = fit_of(14, 0, 0, 1);
  EXPECT_EQ(same.keys[in_left], 0);
  EXPECT_EQ(same.keys[in_right], 0);
  EXPECT_NEAR(same.keys[in_both], 1, 1e-3);
}

TEST(HyperloglogJointFit, OfEqualSketchesHasNoDifference) {
  for (const unsigned both : {10u, 5'000u, 300'000u}) {
    const joint_fit fit = fit_of(10, 0, 0, both);
    EXPECT_EQ(fit.keys[in_left], 0);
    EXPECT_EQ(fit.keys[in_right], 0);
    EXPECT_NEAR(fit.keys[in_both], both, 5 * std::sqrt(fit.covariance[in_both][in_both]));
    // One key more on one side would show in every register that it raises: about 1/ln 2 of n/m.
    EXPECT_LT(std::sqrt(fit.covariance[in_left][in_left]), 0.1 + 2.0 * both / 1024);
  }
}

TEST(HyperloglogJointFit, OfASubsetHasNothingOfItsOwn) {
  const joint_fit fit = fit_of(12, 90'000, 0, 10'000);
  EXPECT_EQ(fit.keys[in_right], 0);
  EXPECT_NEAR(fit.keys[in_both], 10'000, 5 * std::sqrt(fit.covariance[in_both][in_both]));
  EXPECT_NEAR(fit.keys[in_left], 90'000, 5 * std::sqrt(fit.covariance[in_left][in_left]));
}

TEST(HyperloglogJointFit, OfAFullSketchIsAsManyKeysAsThereAreHashes) {
  for (const unsigned p : {4u, 14u, 21u}) {
    const registers full(std::size_t{1} << p, static_cast<std::uint8_t>(65 - p));
    const joint_counts both = counts_of(full, full, p);
    joint_fit fit = detail::fit_joint(both);
    expect_sound(both, fit);
    EXPECT_NEAR(fit.keys[in_left] + fit.keys[in_right] + fit.keys[in_both], 0x1p64, 0x1p44);
    EXPECT_NEAR(fit.keys[in_both], 0x1p64, 0x1p44);

    const auto small = sketches_of(p, 1000, 0, 0, 6).first;
    const joint_counts one = counts_of(full, small.values, p);
    fit = detail::fit_joint(one);
    expect_sound(one, fit);
    EXPECT_NEAR(fit.keys[in_left], 0x1p64, 0x1p44);
    EXPECT_NEAR(fit.keys[in_right] + fit.keys[in_both], 1000, p == 4 ? 2000 : 100);

    const joint_counts with_nothing = counts_of(full, registers(full.size()), p);
    fit = detail::fit_joint(with_nothing);
    EXPECT_EQ(fit.keys[in_both], 0);
    EXPECT_NEAR(fit.keys[in_left], 0x1p64, 0x1p44);
  }
}

/// The greatest rank of a stream of `rate`, drawn from its distribution.
std::uint8_t draw_rank(double rate, unsigned q, std::mt19937_64& random) {
  const double e = std::exponential_distribution<double>()(random);
  const double k = std::ceil(std::log2(rate / e));
  return static_cast<std::uint8_t>(std::clamp(k, 0.0, static_cast<double>(q + 1)));
}

TEST(HyperloglogJointFit, CountsBeyondWhatCanBeInserted) {
  constexpr unsigned p = 12;
  std::mt19937_64 random(7);
  for (const double n : {0x1p40, 0x1p52, 0x1p60}) {
    const double rate = n / (1 << p);
    registers left(1 << p), right(1 << p);
    for (std::size_t i = 0; i < left.size(); ++i) {
      const auto both = draw_rank(rate, 64 - p, random);
      left[i] = std::max(both, draw_rank(rate, 64 - p, random));
      right[i] = std::max(both, draw_rank(rate, 64 - p, random));
    }
    const joint_counts counts = counts_of(left, right, p);
    const joint_fit fit = detail::fit_joint(counts);
    expect_sound(counts, fit);
    for (unsigned i = 0; i < 3; ++i) {  // 5 sigma of a normal variable: 6e-7 each
      EXPECT_NEAR(fit.keys[i], n, 5 * std::sqrt(fit.covariance[i][i])) << i;
      EXPECT_LT(std::sqrt(fit.covariance[i][i]), 0.1 * n);
    }
  }
}

// The mean of the squares of T standardized errors is chi-squared with T degrees of freedom over T,
// in the limit of many registers. For T = 400 it leaves [0.68, 1.38] with probability 1e-6 on either
// side; the standard errors, being estimates, scatter by a few per cent: [0.6, 1.5].
TEST(HyperloglogJointFit, KnowsItsErrors) {
  struct setting {
    unsigned p, left, right, both;
  };
  for (const auto& [p, left, right, both] : {setting{10, 10'000, 10'000, 5'000},
                                             {12, 3'000, 3'000, 3'000},
                                             {12, 400, 200, 300},
                                             {11, 2'000, 20'000, 4'000}}) {
    const double truth[3] = {double(left), double(right), double(both)};
    double squares[3] = {}, union_squares = 0;
    constexpr unsigned trials = 400;
    for (unsigned trial = 0; trial < trials; ++trial) {
      const joint_fit fit = detail::fit_joint(counts_of(sketches_of(p, left, right, both, trial)));
      double difference = 0, variance = 0;
      for (unsigned i = 0; i < 3; ++i) {
        const double error = fit.keys[i] - truth[i];
        squares[i] += error * error / fit.covariance[i][i];
        difference += error;
        for (unsigned j = 0; j < 3; ++j) variance += fit.covariance[i][j];
      }
      union_squares += difference * difference / variance;
    }
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_GT(squares[i] / trials, 0.6) << p << ' ' << left << ' ' << i;
      EXPECT_LT(squares[i] / trials, 1.5) << p << ' ' << left << ' ' << i;
    }
    EXPECT_GT(union_squares / trials, 0.6) << p << ' ' << left;
    EXPECT_LT(union_squares / trials, 1.5) << p << ' ' << left;
  }
}

TEST(HyperloglogJointError, AtZeroIsHalfAUnitOfLikelihood) {
  EXPECT_DOUBLE_EQ(detail::error_at_zero(0, 4), 0.5);  // a maximum inside, of that curvature
  EXPECT_DOUBLE_EQ(detail::error_at_zero(std::expm1(-0.25), 0), 2);
  EXPECT_EQ(detail::error_at_zero(-1, 0), 0);
  EXPECT_EQ(detail::error_at_zero(-2, 1), 0);
  EXPECT_EQ(detail::error_at_zero(0, 0), 0);
  EXPECT_EQ(detail::error_at_zero(0, -1), 0);
}

}  // namespace
