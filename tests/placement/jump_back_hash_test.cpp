// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/jump_back_hash.hpp>

#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 16}(i); }

std::uint32_t random_count(std::uint64_t i) {
  const auto n = static_cast<std::uint32_t>(random_number(~i) >> (33 + i % 31));
  return n == 0 ? 1 : n;
}

// The digest of buckets that were compared with hash4j's by way of its own published checksum.
TEST(JumpBackHash, GivesTheBucketsOfHash4j) {
  std::uint64_t digest = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    digest = quoin::hash{digest}(quoin::jump_back_hash(random_number(i), random_count(i)));
  }
  EXPECT_EQ(digest, 13788414010006890190u);
  static_assert(quoin::jump_back_hash(12345, 1) == 0);
}

TEST(JumpBackHash, AKeyMovesOnlyToANewBucket) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::uint32_t before = 0;
    for (std::uint32_t n = 2; n < 600; ++n) {
      const std::uint32_t now = quoin::jump_back_hash(random_number(i), n);
      ASSERT_TRUE(now == before || now == n - 1);
      before = now;
    }
  }
  for (std::uint64_t i = 0; i < 20'000; ++i) {  // the same at any size
    const std::uint32_t n = random_count(i);
    const std::uint32_t bucket = quoin::jump_back_hash(random_number(i), n);
    ASSERT_LT(bucket, n);
    ASSERT_EQ(quoin::jump_back_hash(random_number(i), bucket + 1), bucket);
    if (bucket > 0) {
      ASSERT_LT(quoin::jump_back_hash(random_number(i), bucket), bucket);
    }
  }
}

// Chi-squared of 60,000 keys in n buckets, two kinds of keys: beyond mean + 5 sd with probability
// below 1e-4 for each of the ten fixed trials.
TEST(JumpBackHash, IsEven) {
  for (const std::uint32_t n : {2u, 3u, 10u, 64u, 100u}) {
    for (const bool counters : {false, true}) {
      constexpr std::uint32_t keys = 60'000;
      std::vector<double> count(n);
      for (std::uint64_t i = 0; i < keys; ++i) {
        count[quoin::jump_back_hash(counters ? i : random_number(i), n)] += 1;
      }
      const double mean = double{keys} / n;
      double chi_squared = 0;
      for (const double c : count) chi_squared += (c - mean) * (c - mean) / mean;
      EXPECT_LT(chi_squared, n - 1 + 5 * std::sqrt(2.0 * (n - 1))) << n << ' ' << counters;
    }
  }
}

TEST(JumpBackHash, RefusesWhatCannotBe) {
  EXPECT_THROW(static_cast<void>(quoin::jump_back_hash(1, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(quoin::jump_back_hash(1, 1u << 31)), std::invalid_argument);
  EXPECT_LT(quoin::jump_back_hash(1, INT32_MAX), static_cast<std::uint32_t>(INT32_MAX));
}

}  // namespace
