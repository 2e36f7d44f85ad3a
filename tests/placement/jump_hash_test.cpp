// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/jump_hash.hpp>

#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

using quoin::detail::double_rounds_at_once;
using quoin::detail::hard_double;
using quoin::detail::soft_double;

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 11}(i); }

// Go's table of buckets for 1, 2, 3, … of them, made with the paper's own code.
TEST(JumpHash, GivesTheBucketsOfThePaper) {
  struct row {
    std::uint64_t key;
    std::vector<std::uint32_t> buckets;
  };
  const row rows[] = {
      {0, std::vector<std::uint32_t>(20, 0)},
      {1, {0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17}},
      {0xdeadbeef, {0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16}},
      {0x0ddc0ffeebadf00d, {0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15}},
  };
  for (const auto& [key, buckets] : rows) {
    for (std::uint32_t n = 1; n <= buckets.size(); ++n) {
      EXPECT_EQ(quoin::jump_hash(key, n), buckets[n - 1]) << key << ' ' << n;
    }
  }
}

TEST(JumpHash, GivesTheGoldenValuesOfGuava) {
  const std::uint32_t of_100[] = {0,  55, 62, 8,  45, 59, 86, 97, 82, 59,
                                  73, 37, 17, 56, 86, 21, 90, 37, 38, 83};
  for (std::uint64_t key = 0; key < 20; ++key) EXPECT_EQ(quoin::jump_hash(key, 100), of_100[key]);
  EXPECT_EQ(quoin::jump_hash(10863919174838991u, 11), 6u);
  EXPECT_EQ(quoin::jump_hash(2016238256797177309u, 11), 3u);
  EXPECT_EQ(quoin::jump_hash(1673758223894951030u, 11), 5u);
  EXPECT_EQ(quoin::jump_hash(2, 100001), 80343u);
  EXPECT_EQ(quoin::jump_hash(2201, 100001), 22152u);
  EXPECT_EQ(quoin::jump_hash(2202, 100001), 15018u);
  static_assert(quoin::jump_hash(1, 100) == 55);
}

TEST(JumpHash, ManyAreTheSameAsOneByOne) {
  for (const std::uint32_t buckets : {1u, 2u, 7u, 100u, 1000u, 1u << 31, ~0u}) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128},
                                std::size_t{129}, std::size_t{1000}}) {
      std::vector<std::uint64_t> hashes;
      for (std::size_t i = 0; i < n; ++i) hashes.push_back(random_number(i));
      std::vector<std::uint32_t> out(n + 1, 12345);
      quoin::jump_hash_many(hashes, buckets, out);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(out[i], quoin::jump_hash(hashes[i], buckets)) << buckets << ' ' << i;
      }
      EXPECT_EQ(out[n], 12345u);
    }
  }
}

// Made where `double` rounds at once; holds where it does not.
TEST(JumpHash, IsTheSameOnEveryPlatform) {
  std::uint64_t digest = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto buckets = static_cast<std::uint32_t>(random_number(~i) >> (32 + i % 32)) | 1;
    digest = quoin::hash{digest}(quoin::jump_hash(random_number(i), buckets));
  }
  EXPECT_EQ(digest, 4191705270678323773u);
}

TEST(JumpHash, RefusesNoBuckets) {
  std::uint64_t hashes[2] = {};
  std::uint32_t out[2] = {};
  EXPECT_THROW(static_cast<void>(quoin::jump_hash(1, 0)), std::invalid_argument);
  EXPECT_THROW(quoin::jump_hash_many(hashes, 0, out), std::invalid_argument);
  EXPECT_THROW(quoin::jump_hash_many(hashes, 5, std::span(out, 1)), std::invalid_argument);
}

TEST(JumpHash, AKeyMovesOnlyToANewBucket) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::uint32_t before = 0;
    for (std::uint32_t n = 2; n < 300; ++n) {
      const std::uint32_t now = quoin::jump_hash(random_number(i), n);
      ASSERT_TRUE(now == before || now == n - 1);
      before = now;
    }
  }
}

// Chi-squared of 60,000 keys in n buckets, two kinds of keys: beyond mean + 5 sd with probability
// below 1e-4 for each of the six fixed trials.
TEST(JumpHash, IsEven) {
  for (const std::uint32_t n : {3u, 10u, 100u}) {
    for (const bool counters : {false, true}) {
      constexpr std::uint32_t keys = 60'000;
      std::vector<double> count(n);
      for (std::uint64_t i = 0; i < keys; ++i) {
        count[quoin::jump_hash(counters ? i : random_number(i), n)] += 1;
      }
      const double mean = double{keys} / n;
      double chi_squared = 0;
      for (const double c : count) chi_squared += (c - mean) * (c - mean) / mean;
      EXPECT_LT(chi_squared, n - 1 + 5 * std::sqrt(2.0 * (n - 1))) << n << ' ' << counters;
    }
  }
}

// --- the arithmetic -------------------------------------------------------------------------------

// 49 · (2^31 / 49) is less than 2^31 in doubles: an implementation with exact fractions differs.
TEST(JumpHash, RoundsAsDoublesDo) {
  const auto product = [](auto zero, std::uint32_t factor, std::uint32_t divisor) {
    using number = decltype(zero);
    return (number(factor) * number::ratio(std::uint32_t{1} << 31, divisor)).floor();
  };
  EXPECT_EQ(product(soft_double(), 49, 49), (std::uint64_t{1} << 31) - 1);
  EXPECT_EQ(product(soft_double(), 48, 48), std::uint64_t{1} << 31);
  if (!double_rounds_at_once) GTEST_SKIP() << "no double to compare with";
  for (std::uint32_t factor = 1; factor < 400; ++factor) {
    for (std::uint32_t shift = 0; shift < 24; ++shift) {  // exact quotients and their neighbours
      for (const int off : {-1, 0, 1}) {
        const std::uint32_t divisor = (factor << shift) + static_cast<std::uint32_t>(off);
        if (divisor == 0) continue;
        ASSERT_EQ(product(soft_double(), factor, divisor), product(hard_double(), factor, divisor))
            << factor << ' ' << divisor;
      }
    }
  }
}

TEST(JumpHash, IsTheSameWithoutDoubles) {
  if (!double_rounds_at_once) GTEST_SKIP() << "no double to compare with";
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const std::uint64_t key = random_number(i);
    const auto buckets = static_cast<std::uint32_t>(random_number(~i) >> (32 + i % 32));
    if (buckets == 0) continue;
    ASSERT_EQ(quoin::detail::jump_to_bucket<soft_double>(key, buckets),
              quoin::detail::jump_to_bucket<hard_double>(key, buckets))
        << key << ' ' << buckets;
  }
}

TEST(JumpHash, SumsAndComparesAsDoublesDo) {
  if (!double_rounds_at_once) GTEST_SKIP() << "no double to compare with";
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const auto a = static_cast<std::uint32_t>(random_number(2 * i) >> (32 + i % 32)) | 1;
    const auto b = static_cast<std::uint32_t>(random_number(2 * i + 1) >> (32 + i % 7)) | 1;
    const auto soft = soft_double::ratio(a, b);
    const auto hard = hard_double::ratio(a, b);
    soft_double soft_sum;
    hard_double hard_sum;
    for (std::uint64_t n = 1; n < 40; ++n) {
      soft_sum = soft_sum + soft;
      hard_sum = hard_sum + hard;
      ASSERT_EQ(soft_double(n) * soft < soft_sum, hard_double(n) * hard < hard_sum)
          << a << '/' << b;
      ASSERT_EQ(soft_sum < soft_double(n) * soft, hard_sum < hard_double(n) * hard)
          << a << '/' << b;
      // Scaled until every bit of the mantissa shows.
      const auto large = std::uint64_t{1} << 30;
      ASSERT_EQ((soft_sum * soft_double(large)).floor(), (hard_sum * hard_double(large)).floor());
    }
  }
  const auto tiny = soft_double::ratio(1, ~0u) * soft_double::ratio(1, ~0u);
  EXPECT_FALSE(soft_double(1) < soft_double(1) + tiny * tiny);
  EXPECT_TRUE(soft_double() < tiny);
  EXPECT_FALSE(tiny < soft_double());
  EXPECT_EQ((tiny + soft_double(5)).floor(), 5u);
}

}  // namespace
