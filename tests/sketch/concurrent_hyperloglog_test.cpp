// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/concurrent_hyperloglog.hpp>

#include "support/allocators.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using concurrent = quoin::concurrent_hyperloglog<>;
using plain = quoin::hyperloglog<>;

constexpr std::uint64_t threads = 4;

/// Runs `f(t)` in `threads` threads that start together.
template <class F>
void in_threads(F f) {
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> pool;
  for (std::uint64_t t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      start.arrive_and_wait();
      f(t);
    });
  }
  for (auto& thread : pool) thread.join();
}

/// The keys 0 … n - 1, from `first` on and round.
std::vector<std::uint64_t> keys_from(std::uint64_t first, std::uint64_t n) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < n; ++i) keys.push_back((first + i) % n);
  return keys;
}

plain sketch_of(std::uint64_t n, unsigned precision) {
  plain sketch({.precision = precision});
  sketch.insert_many(keys_from(0, n));
  return sketch;
}

/// Sizes on either side of the change from tokens to registers, and beyond.
std::vector<std::uint64_t> sizes(unsigned precision) {
  const std::uint64_t most = quoin::detail::hll_most_tokens(precision);
  return {0, 1, most - 1, most, most + 1, 2 * most + 5, 40 * most};
}

TEST(ConcurrentHyperloglog, IsWhereThreadsLeaveIt) {
  static_assert(!std::is_copy_constructible_v<concurrent> &&
                !std::is_move_constructible_v<concurrent>);
}

TEST(ConcurrentHyperloglog, GivesTheStateOfThePlainSketch) {
  for (const unsigned precision : {4u, 6u, 7u, 10u, 12u}) {
    for (const std::uint64_t n : sizes(precision)) {
      concurrent one({.precision = precision}), batch({.precision = precision});
      for (const auto key : keys_from(0, n)) one.insert(key);
      batch.insert_many(keys_from(0, n));
      const plain other = sketch_of(n, precision);
      EXPECT_EQ(one.snapshot(), other) << precision << ' ' << n;
      EXPECT_EQ(batch.snapshot(), other) << precision << ' ' << n;
      EXPECT_EQ(one.snapshot().to_bytes(), other.to_bytes());
      EXPECT_DOUBLE_EQ(one.estimate(), other.estimate_from_state());
      plain merged({.precision = precision});
      merged.merge(one.snapshot());
      EXPECT_DOUBLE_EQ(one.estimate(), merged.estimate());
    }
  }
}

TEST(ConcurrentHyperloglog, TakesKeysAndHashesAndTellsItsShape) {
  concurrent one({.precision = 9, .seed = 5});
  plain other({.precision = 9, .seed = 5});
  one.insert("text");
  other.insert(std::string("text"));
  one.insert_hash(0x123456789abcdef0u);
  other.insert_hash(0x123456789abcdef0u);
  std::vector<std::uint64_t> hashes{0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 38};
  one.insert_hash_many(hashes);
  other.insert_hash_many(hashes);
  EXPECT_EQ(one.snapshot(), other);
  EXPECT_EQ(one.precision(), 9u);
  EXPECT_EQ(one.seed(), 5u);
  EXPECT_EQ(one.size_bytes(), 1024u);
  EXPECT_EQ(one.hash_function()(7), other.hash_function()(7));
  EXPECT_THROW(concurrent({.precision = 3}), std::invalid_argument);
  EXPECT_THROW(concurrent({.precision = 22}), std::invalid_argument);
}

TEST(ConcurrentHyperloglog, KnowsItsError) {
  concurrent one({.precision = 10});
  EXPECT_EQ(one.relative_standard_error(), 0);
  one.insert_many(keys_from(0, 50));
  EXPECT_EQ(one.relative_standard_error(), one.snapshot().relative_standard_error());
  one.insert_many(keys_from(0, 50'000));
  plain merged({.precision = 10});
  merged.merge(one.snapshot());
  merged.merge(sketch_of(50'000, 10));  // two streams at least
  EXPECT_DOUBLE_EQ(one.relative_standard_error(), merged.relative_standard_error());
}

TEST(ConcurrentHyperloglog, TokensHaveHashes) {
  for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0},
                                   std::uint64_t{1} << 37, std::uint64_t{0x123456789abcdef}}) {
    const std::uint32_t token = quoin::detail::hll_token(hash);
    EXPECT_EQ(quoin::detail::hll_token(quoin::detail::hll_hash_of_token(token)), token);
  }
}

TEST(ConcurrentHyperloglog, GoesOnFromAPlainSketch) {
  for (const std::uint64_t n : {0u, 20u, 5'000u}) {
    concurrent rest(sketch_of(n, 8));
    EXPECT_EQ(rest.snapshot(), sketch_of(n, 8));
    rest.insert_many(keys_from(0, n + 300));
    EXPECT_EQ(rest.snapshot(), sketch_of(n + 300, 8));
  }
}

TEST(ConcurrentHyperloglog, Merges) {
  for (const unsigned precision : {8u, 11u}) {
    for (const std::uint64_t n : {3u, 20u, 100u, 5'000u}) {
      concurrent one({.precision = 8});
      plain other({.precision = 8}), more({.precision = precision});
      for (std::uint64_t key = 0; key < 25; ++key) one.insert(key), other.insert(key);
      for (std::uint64_t key = 0; key < n; ++key) more.insert(1000 + key);
      one.merge(more);
      other.merge(more);
      EXPECT_EQ(one.snapshot(), other) << precision << ' ' << n;
      one.insert(7'000'000);
      other.insert(7'000'000);
      EXPECT_EQ(one.snapshot(), other) << precision << ' ' << n;
    }
  }
  // More tokens than the lower precision keeps.
  concurrent one({.precision = 12});
  plain few = sketch_of(600, 13);
  one.merge(few);
  few.downsize(12);
  EXPECT_EQ(one.snapshot(), few);
}

TEST(ConcurrentHyperloglog, RefusesWhatItCannotMerge) {
  concurrent one({.precision = 10});
  one.insert(1);
  const plain before = one.snapshot();
  plain coarse({.precision = 9}), seeded({.precision = 10, .seed = 1});
  coarse.insert(2);
  seeded.insert(2);
  EXPECT_THROW(one.merge(coarse), std::invalid_argument);
  EXPECT_THROW(one.merge(seeded), std::invalid_argument);
  EXPECT_EQ(one.snapshot(), before);
}

TEST(ConcurrentHyperloglog, KeepsItsAllocator) {
  quoin_test::memory_account account;
  using allocator = quoin_test::accounted_allocator<std::byte>;
  {
    quoin::concurrent_hyperloglog<quoin::hash, allocator> one({.precision = 10},
                                                              allocator(account));
    EXPECT_EQ(account.live_bytes, one.size_bytes());
    const auto requests = account.requests;
    for (int key = 0; key < 10'000; ++key) one.insert(key);
    EXPECT_GT(one.estimate(), 9'000);
    EXPECT_EQ(account.requests, requests) << "insertions allocate nothing";
    EXPECT_TRUE(one.snapshot().get_allocator() == allocator(account));
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

// Every thread inserts all keys, each from another one on, so that they meet at registers and slots
// in every order.
TEST(ConcurrentHyperloglog, LosesNoInsertion) {
  for (const unsigned precision : {4u, 8u, 12u}) {
    for (const std::uint64_t n : sizes(precision)) {
      for (const bool batch : {false, true}) {
        concurrent sketch({.precision = precision});
        in_threads([&](std::uint64_t t) {
          const auto keys = keys_from(t * (n / threads), n);
          if (batch) {
            sketch.insert_many(keys);
          } else {
            for (const auto key : keys) sketch.insert(key);
          }
        });
        EXPECT_EQ(sketch.snapshot().to_bytes(), sketch_of(n, precision).to_bytes())
            << precision << ' ' << n << ' ' << batch;
      }
    }
  }
}

// All threads raise the same registers at about the same time, to different ranks: the update that
// is lost would be the greatest. (With a store in place of the compare-and-swap, some are.)
TEST(ConcurrentHyperloglog, LosesNoRank) {
  constexpr std::uint64_t rounds = 200, precision = 12;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    concurrent sketch({.precision = precision});
    in_threads([&](std::uint64_t t) {
      for (std::uint64_t i = 0; i < 1 << precision; ++i) {
        const std::uint64_t rank = 1 + (i + t) % threads;
        sketch.insert_hash(i << (64 - precision) | std::uint64_t{1} << (64 - precision - rank));
      }
    });
    std::vector<std::uint8_t> registers(1 << precision);
    sketch.snapshot().copy_registers(precision, registers);
    ASSERT_EQ(registers, std::vector<std::uint8_t>(1 << precision, threads));
  }
}

TEST(ConcurrentHyperloglog, MergesWhileOthersInsert) {
  for (const std::uint64_t n : {30u, 400u, 20'000u}) {
    concurrent sketch({.precision = 9});
    in_threads([&](std::uint64_t t) {
      if (t == 0) return sketch.merge(sketch_of(n, 10));
      for (const auto key : keys_from(0, n / 2 + t)) sketch.insert(key);
    });
    plain expected = sketch_of(n, 10);
    expected.merge(sketch_of(n / 2 + threads - 1, 9));
    EXPECT_EQ(sketch.snapshot(), expected) << n;
  }
}

TEST(ConcurrentHyperloglog, SnapshotHoldsWhatWasInBefore) {
  for (const std::uint64_t n : {100u, 3'000u}) {
    concurrent sketch({.precision = 10});
    const plain before = sketch_of(n / 2, 10), after = sketch_of(n, 10);
    sketch.insert_many(keys_from(0, n / 2));
    in_threads([&](std::uint64_t t) {
      if (t != 0) {
        for (const auto key : keys_from(t, n)) sketch.insert(key);
        return;
      }
      std::vector<std::uint8_t> low(1024), now(1024), high(1024);
      before.copy_registers(10, low);
      after.copy_registers(10, high);
      for (int i = 0; i < 20; ++i) {
        sketch.snapshot().copy_registers(10, now);
        for (std::size_t k = 0; k < now.size(); ++k) {
          ASSERT_GE(now[k], low[k]);
          ASSERT_LE(now[k], high[k]);
        }
        EXPECT_GT(sketch.estimate(), 0.7 * static_cast<double>(n / 2));
        EXPECT_LT(sketch.estimate(), 1.3 * static_cast<double>(n));
      }
    });
  }
}

// With a fixed hash of tokens these would all begin at one slot: seconds at this precision.
TEST(ConcurrentHyperloglog, TokensChosenToCollideCostNoMoreThanOthers) {
  std::uint32_t inverse = 1;  // of the factor that a fixed hash would take, modulo 2^32
  for (int i = 0; i < 5; ++i) inverse *= 2 - 0x9e3779b1u * inverse;
  plain chosen({.precision = 17});
  for (std::uint32_t i = 1; chosen.estimate() < 10'000; ++i) {
    const std::uint32_t token = i * inverse;
    if (const std::uint32_t rank = token & 63; rank < 38) {
      chosen.insert_hash(std::uint64_t{token >> 6} << 38 | std::uint64_t{1} << (37 - rank));
    }
  }
  const concurrent sketch(chosen);
  EXPECT_EQ(sketch.snapshot(), chosen);
}

}  // namespace
