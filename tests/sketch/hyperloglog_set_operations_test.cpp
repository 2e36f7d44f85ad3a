// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/hyperloglog_set_operations.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace {

using sketch = quoin::hyperloglog<>;

/// Inserts the keys from `first` up to `last`.
void insert_range(sketch& to, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t key = first; key < last; ++key) to.insert(key);
}

/// Two sketches with so many keys in the left alone, the right alone and both.
std::pair<sketch, sketch> sketches_of(std::uint64_t left, std::uint64_t right, std::uint64_t both,
                                      unsigned precision = 12, std::uint64_t seed = 1) {
  std::pair<sketch, sketch> two{sketch({.precision = precision, .seed = seed}),
                                sketch({.precision = precision, .seed = seed})};
  insert_range(two.first, 0, left + both);
  insert_range(two.second, left, left + both + right);
  return two;
}

/// A sketch that no key can change any more.
sketch full_sketch(unsigned precision) {
  sketch full({.precision = precision});
  for (std::uint64_t i = 0; i < std::uint64_t{1} << precision; ++i) {
    full.insert_hash(i << (64 - precision));
  }
  return full;
}

void expect_sound(const quoin::set_sizes& e) {
  for (const double x : {e.left_only, e.right_only, e.intersection, e.union_size, e.jaccard}) {
    EXPECT_TRUE(std::isfinite(x));
    EXPECT_GE(x, 0);
  }
  EXPECT_LE(e.union_size, 0x1p64 * (1 + 1e-9));
  EXPECT_LE(e.jaccard, 1);
}

void expect_near(const quoin::joint_estimate& a, const quoin::joint_estimate& b) {
  const auto compare = [](const quoin::set_sizes& x, const quoin::set_sizes& y, double near) {
    EXPECT_NEAR(x.left_only, y.left_only, near);
    EXPECT_NEAR(x.right_only, y.right_only, near);
    EXPECT_NEAR(x.intersection, y.intersection, near);
    EXPECT_NEAR(x.union_size, y.union_size, near);
    EXPECT_NEAR(x.jaccard, y.jaccard, 1e-9);
  };
  compare(a, b, 1e-9 * (1 + a.union_size));
  compare(a.standard_error, b.standard_error, 1e-6 * (1 + a.union_size));
}

quoin::joint_estimate mirrored(quoin::joint_estimate e) {
  std::swap(e.left_only, e.right_only);
  std::swap(e.standard_error.left_only, e.standard_error.right_only);
  return e;
}

/// Truth within 6 standard errors: wrong once in 10^8 where they are normal.
void expect_truth(const quoin::joint_estimate& e, double left, double right, double both) {
  expect_sound(e);
  expect_sound(e.standard_error);
  const auto& s = e.standard_error;
  const double all = left + right + both;
  EXPECT_NEAR(e.left_only, left, 6 * s.left_only + 1e-6);
  EXPECT_NEAR(e.right_only, right, 6 * s.right_only + 1e-6);
  EXPECT_NEAR(e.intersection, both, 6 * s.intersection + 1e-6);
  EXPECT_NEAR(e.union_size, all, 6 * s.union_size + 1e-6);
  EXPECT_NEAR(e.jaccard, both / all, 6 * s.jaccard + 1e-9);
  EXPECT_NEAR(e.left_only + e.right_only + e.intersection, e.union_size, 1e-9 * all);
}

TEST(HyperloglogSetOperations, Example) {
  auto [monday, tuesday] = sketches_of(70'000, 40'000, 30'000);
  const quoin::joint_estimate e = quoin::estimate_joint(monday, tuesday);
  std::printf("came back: %.0f ± %.0f\n", e.intersection, e.standard_error.intersection);
  const double overlap = quoin::estimated_intersection(monday, tuesday);
  const double gone = quoin::estimated_difference(monday, tuesday);
  const double likeness = quoin::estimated_jaccard(monday, tuesday);
  EXPECT_EQ(overlap, e.intersection);
  EXPECT_EQ(gone, e.left_only);
  EXPECT_EQ(likeness, e.jaccard);
  expect_truth(e, 70'000, 40'000, 30'000);
}

TEST(HyperloglogSetOperations, OfEmptySketches) {
  const sketch none, other_none({.precision = 5});
  for (const auto& e :
       {quoin::estimate_joint(none, none), quoin::estimate_joint(none, other_none)}) {
    EXPECT_EQ(e.union_size, 0);
    EXPECT_EQ(e.intersection, 0);
    EXPECT_EQ(e.jaccard, 1);
    EXPECT_EQ(e.standard_error.union_size, 0);
    EXPECT_EQ(e.standard_error.jaccard, 0);
  }
  EXPECT_EQ(quoin::estimate_by_inclusion_exclusion(none, none).jaccard, 1);
  for (const std::uint64_t n : {10u, 100'000u}) {  // tokens, registers
    sketch some({.precision = 14});
    insert_range(some, 0, n);
    const auto e = quoin::estimate_joint(some, none);
    EXPECT_NEAR(e.left_only, static_cast<double>(n), 0.05 * static_cast<double>(n));
    EXPECT_EQ(e.intersection, 0);
    EXPECT_EQ(e.right_only, 0);
    EXPECT_EQ(e.jaccard, 0);
    EXPECT_EQ(e.standard_error.intersection, 0);
  }
}

TEST(HyperloglogSetOperations, OfSmallSetsAreThoseOfTheirTokens) {
  for (const auto& [left, right, both] :
       {std::tuple{1u, 1u, 0u}, {0u, 0u, 1u}, {500u, 300u, 200u}, {1900u, 0u, 72u}}) {
    const auto [a, b] = sketches_of(left, right, both, 14);
    const auto e = quoin::estimate_joint(a, b);
    EXPECT_NEAR(e.left_only, left,
                1);  // one collision in a thousand: P < 0.01, and the seed is fixed
    EXPECT_NEAR(e.right_only, right, 1);
    EXPECT_NEAR(e.intersection, both, 1);
    EXPECT_LT(e.standard_error.union_size, 0.3);
  }
}

// Two keys share a token with probability 2^-26 / 3. In 1.5 · 10^5 by 1.5 · 10^5 keys that is a mean
// of 112 pairs across; six standard deviations of a Poisson variable: P < 1e-8.
TEST(HyperloglogSetOperations, OfTokensKnowTheirErrors) {
  const auto [a, b] = sketches_of(150'000, 150'000, 100'000, 21);
  ASSERT_LT(a.relative_standard_error(), 1e-4) << "tokens";
  const auto e = quoin::estimate_joint(a, b);
  expect_truth(e, 150'000, 150'000, 100'000);
  EXPECT_NEAR(e.standard_error.union_size, 400'000 * 4.983e-5, 0.01);
  EXPECT_NEAR(e.standard_error.intersection,
              std::sqrt((2.25e10 + 1e10 / 2) * 2 * 4.983e-5 * 4.983e-5), 0.01);
}

TEST(HyperloglogSetOperations, OfTokensAndRegisters) {
  auto [a, b] = sketches_of(200'000, 50, 150, 12);
  ASSERT_LT(b.relative_standard_error(), 1e-4) << "tokens";
  ASSERT_GT(a.relative_standard_error(), 1e-3) << "registers";
  expect_truth(quoin::estimate_joint(a, b), 200'000, 50, 150);
  expect_near(quoin::estimate_joint(b, a), mirrored(quoin::estimate_joint(a, b)));
}

TEST(HyperloglogSetOperations, OfRegisters) {
  for (const auto& [left, right, both] : {std::tuple{20'000u, 20'000u, 20'000u},
                                          {100'000u, 10'000u, 5'000u},
                                          {5'000u, 90'000u, 300u},
                                          {0u, 0u, 50'000u},
                                          {50'000u, 0u, 10'000u},
                                          {50'000u, 50'000u, 0u}}) {
    const auto [a, b] = sketches_of(left, right, both);
    const auto e = quoin::estimate_joint(a, b);
    expect_truth(e, left, right, both);
    expect_near(quoin::estimate_joint(b, a), mirrored(e));
  }
}

TEST(HyperloglogSetOperations, CompareAtTheLowerPrecision) {
  for (const std::uint64_t n : {300u, 50'000u}) {
    sketch fine({.precision = 14}), coarse({.precision = 11});
    insert_range(fine, 0, n);
    insert_range(coarse, n / 2, 100'000);
    sketch folded = fine;
    folded.downsize(11);
    expect_near(quoin::estimate_joint(fine, coarse), quoin::estimate_joint(folded, coarse));
    expect_near(quoin::estimate_joint(coarse, fine), quoin::estimate_joint(coarse, folded));
    EXPECT_EQ(fine.precision(), 14u);
  }
}

TEST(HyperloglogSetOperations, OfEqualSketchesAreEqual) {
  const auto [a, b] = sketches_of(30'000, 0, 0);
  const auto e = quoin::estimate_joint(a, a);
  EXPECT_EQ(e.left_only, 0);
  EXPECT_EQ(e.right_only, 0);
  EXPECT_EQ(e.jaccard, 1);
  EXPECT_LT(e.standard_error.jaccard, 1e-3);
  EXPECT_NEAR(e.union_size, 30'000, 6 * e.standard_error.union_size);
}

TEST(HyperloglogSetOperations, OfFullSketchesAreFinite) {
  for (const unsigned precision : {4u, 12u}) {
    const sketch full = full_sketch(precision);
    const auto [some, other] = sketches_of(5'000, 0, 0, precision, 0);
    for (const auto& [a, b] : {std::pair{full, full}, {full, some}, {some, full}, {full, other}}) {
      expect_sound(quoin::estimate_joint(a, b));
      expect_sound(quoin::estimate_joint(a, b).standard_error);
      expect_sound(quoin::estimate_by_inclusion_exclusion(a, b));
    }
    EXPECT_NEAR(quoin::estimate_joint(full, full).jaccard, 1, 1e-9);
  }
}

TEST(HyperloglogSetOperations, RefuseOtherSeeds) {
  for (const std::uint64_t n : {10u, 50'000u}) {
    sketch a({.precision = 10, .seed = 1}), b({.precision = 10, .seed = 2});
    insert_range(a, 0, n);
    insert_range(b, 0, n);
    EXPECT_THROW(static_cast<void>(quoin::estimate_joint(a, b)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(quoin::estimate_by_inclusion_exclusion(a, b)),
                 std::invalid_argument);
    EXPECT_THROW(static_cast<void>(quoin::estimated_jaccard(a, b)), std::invalid_argument);
  }
}

TEST(HyperloglogSetOperations, InclusionExclusionIsWhatItSays) {
  const auto [a, b] = sketches_of(60'000, 50'000, 40'000);
  const auto e = quoin::estimate_by_inclusion_exclusion(a, b);
  const double left = a.estimate_from_state(), right = b.estimate_from_state();
  const double all = a.union_estimate(b);
  EXPECT_DOUBLE_EQ(e.union_size, all);
  EXPECT_DOUBLE_EQ(e.intersection, left + right - all);
  EXPECT_DOUBLE_EQ(e.left_only, all - right);
  EXPECT_DOUBLE_EQ(e.right_only, all - left);
  EXPECT_DOUBLE_EQ(e.jaccard, (left + right - all) / all);
  const auto [c, d] = sketches_of(60'000, 50'000, 0);
  EXPECT_GE(quoin::estimate_by_inclusion_exclusion(c, d).intersection, 0);
}

// Over many trials the mean squared error of inclusion and exclusion is 4.4 times that of maximum
// likelihood here (docs/accuracy-hyperloglog-joint.md has the like). The logarithm of the quotient of
// two sums of 200 squares has a standard deviation of 0.14: below 2 with probability 1e-8.
TEST(HyperloglogSetOperations, AreNearerTheTruthThanInclusionExclusion) {
  double joint = 0, plain = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto [a, b] = sketches_of(20'000, 20'000, 400, 10, seed);
    const double x = quoin::estimated_intersection(a, b) - 400;
    const double y = quoin::estimate_by_inclusion_exclusion(a, b).intersection - 400;
    joint += x * x;
    plain += y * y;
  }
  EXPECT_LT(joint, plain / 2);
}

TEST(HyperloglogSetOperations, TokensCollideAcrossAsTheoryHasIt) {
  // The variance of a function of the union is that of the union itself.
  const auto fit = quoin::detail::fit_of_tokens(3'000, 5'000, 6'000);
  double variance = 0;
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned j = 0; j < 3; ++j) variance += fit.covariance[i][j];
  }
  EXPECT_NEAR(std::sqrt(variance), 6'000 * quoin::detail::hll_error_of_tokens, 1e-9);
}

}  // namespace
