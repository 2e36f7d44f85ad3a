// SPDX-License-Identifier: BSL-1.0
#include <quoin/filter/concurrent_blocked_bloom_filter.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using concurrent = quoin::concurrent_blocked_bloom_filter<>;
using plain = quoin::blocked_bloom_filter<>;

constexpr quoin::blocked_bloom_options shape{.capacity = 20'000, .bits_per_key = 10};
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

std::vector<std::uint64_t> share_of(std::uint64_t thread) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t key = thread; key < shape.capacity; key += threads) keys.push_back(key);
  return keys;
}

plain filter_of_all() {
  plain filter(shape);
  for (std::uint64_t key = 0; key < shape.capacity; ++key) filter.insert(key);
  return filter;
}

TEST(ConcurrentBlockedBloomFilter, IsWhereThreadsLeaveIt) {
  static_assert(!std::is_copy_constructible_v<concurrent> &&
                !std::is_move_constructible_v<concurrent>);
}

TEST(ConcurrentBlockedBloomFilter, GivesTheBitsOfThePlainFilter) {
  for (const unsigned k : {1u, 5u, 8u, 9u, 16u}) {
    auto options = shape;
    options.hash_count = k;
    concurrent one(options);
    plain other(options);
    for (int key = 0; key < 3000; ++key) {
      ASSERT_EQ(one.try_insert(key), other.try_insert(key)) << key;
      ASSERT_EQ(one.contains(key + 1), other.contains(key + 1)) << key;
    }
    one.insert("text");
    other.insert("text");
    EXPECT_TRUE(one.contains(std::string("text")));
    EXPECT_EQ(one.snapshot(), other);
    EXPECT_EQ(one.bit_count(), other.bit_count());
    EXPECT_EQ(one.size_bytes(), other.size_bytes());
    EXPECT_EQ(one.hash_count(), k);
    EXPECT_EQ(one.seed(), other.seed());
    EXPECT_EQ(std::move(one).release(), other);
  }
}

TEST(ConcurrentBlockedBloomFilter, BatchesEqualSingleOperations) {
  for (const std::uint64_t capacity : {1'000u, 2'000'000u}) {  // within the cache, and beyond
    concurrent one({.capacity = capacity, .bits_per_key = 10});
    plain other({.capacity = capacity, .bits_per_key = 10});
    std::vector<std::uint32_t> keys;
    for (std::uint32_t key = 0; key < 997; ++key) keys.push_back(key * 7919);
    one.insert_many(keys);
    other.insert_many(keys);
    EXPECT_EQ(one.snapshot(), other);
    for (auto& key : keys) key += key % 2;
    const auto hits = std::make_unique<bool[]>(keys.size());
    one.contains_many(keys, {hits.get(), keys.size()});
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(hits[i], other.contains(keys[i]));
    EXPECT_THROW(one.contains_many(keys, {hits.get(), keys.size() - 1}), std::invalid_argument);
  }
}

TEST(ConcurrentBlockedBloomFilter, GoesOnFromAPlainFilter) {
  plain begun(shape);
  begun.insert(1);
  concurrent rest(std::move(begun));
  EXPECT_TRUE(rest.contains(1));
  EXPECT_TRUE(rest.try_insert(2));
  EXPECT_THROW(concurrent({.capacity = 0, .bits_per_key = 10}), std::invalid_argument);
}

TEST(ConcurrentBlockedBloomFilter, LosesNoInsertion) {
  for (const bool batch : {false, true}) {
    concurrent filter(shape);
    in_threads([&](std::uint64_t t) {
      const auto keys = share_of(t);
      if (batch) {
        filter.insert_many(keys);
      } else {
        for (const auto key : keys) filter.insert(key);
      }
      for (const auto key : keys) ASSERT_TRUE(filter.contains(key));  // what it inserted itself
    });
    EXPECT_EQ(std::move(filter).release(), filter_of_all());
  }
}

TEST(ConcurrentBlockedBloomFilter, TellsAtLeastOneThreadThatAKeyIsNew) {
  constexpr std::size_t keys = 600;
  constexpr quoin::blocked_bloom_options tight{.capacity = keys, .bits_per_key = 8};
  concurrent filter(tight);
  std::vector<std::atomic<unsigned>> winners(keys);
  in_threads([&](std::uint64_t) {
    for (std::size_t key = 0; key < keys; ++key) {
      if (filter.try_insert(key)) ++winners[key];
    }
  });
  for (std::size_t key = 0; key < keys; ++key) {
    plain others(tight);
    for (std::size_t other = 0; other < keys; ++other) {
      if (other != key) others.insert(other);
    }
    // Whatever the interleaving, only a key that all others together cover can lack a winner.
    EXPECT_TRUE(winners[key] != 0 || others.contains(key)) << key;
  }
}

TEST(ConcurrentBlockedBloomFilter, SnapshotHoldsWhatWasInBefore) {
  concurrent filter(shape);
  const auto before = share_of(0);
  filter.insert_many(before);
  in_threads([&](std::uint64_t t) {
    if (t != 0) {
      for (const auto key : share_of(t)) filter.insert(key);
      return;
    }
    const plain copy = filter.snapshot();
    for (const auto key : before) ASSERT_TRUE(copy.contains(key));
    plain both = copy;
    both.merge(filter_of_all());
    EXPECT_EQ(both, filter_of_all());  // and no bit that no key set
  });
}

}  // namespace
