// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/concurrent_count_min_sketch.hpp>

#include "hash/hash_testing.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using quoin_test::split_mix;
using concurrent = quoin::concurrent_count_min_sketch<>;

constexpr unsigned threads = 4;

/// Calls `f(t)` in thread t, for four at once.
template <class F>
void in_threads(F f) {
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t) all.emplace_back(f, t);
  for (auto& each : all) each.join();
}

/// What thread t counts: few keys, so that threads meet at every counter.
std::vector<std::uint64_t> keys_of(unsigned t, std::size_t n) {
  std::uint64_t state = t;
  std::vector<std::uint64_t> keys(n);
  for (auto& key : keys) key = split_mix(state) % 50;
  return keys;
}

TEST(concurrent_count_min_sketch, counts) {
  quoin::concurrent_count_min_sketch hits({.width = 1 << 10, .seed = 4});
  const std::string url = "https://example.org/";
  EXPECT_EQ(hits.add(url), 1u);
  EXPECT_EQ(hits.add(url, 3), 4u);
  hits.add_many(std::vector<std::string>{url, "other", url});
  EXPECT_EQ(hits.estimate(url), 6u);
  EXPECT_EQ(hits.estimate_hash(quoin::hash{4}("other")), 1u);
  EXPECT_EQ(hits.total(), 7u);
  EXPECT_EQ(hits.width(), 1u << 10);
  EXPECT_EQ(hits.depth(), 4u);
  EXPECT_EQ(hits.size_bytes(), 1u << 14);
  EXPECT_EQ(hits.seed(), 4u);
  EXPECT_TRUE(hits.is_conservative());
  const quoin::count_min_sketch copy = hits.snapshot();
  EXPECT_EQ(copy.estimate(url), 6u);
  EXPECT_EQ(copy.total(), 7u);
  quoin::concurrent_count_min_sketch again(copy);
  again.add(url);
  EXPECT_EQ(again.total(), 8u);
  EXPECT_EQ(std::move(again).release().estimate(url), 7u);
  EXPECT_EQ(std::move(hits).release(), copy);
  EXPECT_THROW(concurrent({}), std::invalid_argument);
}

/// One thread: the same as the sequential sketch, in both ways, at every depth, in batches too.
TEST(concurrent_count_min_sketch, one_thread_is_the_sequential_sketch) {
  for (const bool conservative : {false, true}) {
    for (const unsigned depth : {1u, 2u, 4u, 6u, 7u, 16u}) {
      for (const std::size_t n : {1u, 64u, 65u, 300u}) {
        const quoin::count_min_options options{
            .width = 20, .depth = depth, .conservative = conservative};
        quoin::count_min_sketch one(options);
        concurrent single(options), batch(options);
        const auto keys = keys_of(depth, n);
        for (const auto key : keys) EXPECT_EQ(single.add(key, 2), one.add(key, 2));
        batch.add_many(keys, 2);
        EXPECT_EQ(single.snapshot(), one);
        EXPECT_EQ(batch.snapshot(), one);
        for (const auto key : keys) EXPECT_EQ(batch.estimate(key), one.estimate(key));
      }
    }
  }
}

TEST(concurrent_count_min_sketch, plain_counts_of_many_threads_are_those_of_one) {
  constexpr std::size_t n = 20'000;
  const quoin::count_min_options options{.width = 64, .conservative = false};
  quoin::count_min_sketch one(options);
  for (unsigned t = 0; t < threads; ++t) one.add_many(keys_of(t, n), t + 1);
  concurrent many(options);
  in_threads([&](unsigned t) {
    const auto keys = keys_of(t, n);
    if (t % 2 == 0) {
      many.add_many(keys, t + 1);
    } else {
      for (const auto key : keys) many.add(key, t + 1);
    }
  });
  EXPECT_EQ(many.snapshot(), one);
}

/// Threads that count the same keys at the same moment, in turn and at random: not one is lost.
TEST(concurrent_count_min_sketch, conservative_counts_are_never_below_the_truth) {
  constexpr std::size_t n = 20'000;
  concurrent many({.width = 64});
  quoin::count_min_sketch plain({.width = 64, .conservative = false});
  std::vector<std::uint64_t> truth(50);
  for (unsigned t = 0; t < threads; ++t) {
    plain.add_many(keys_of(t, n));
    for (const auto key : keys_of(t, n)) ++truth[static_cast<std::size_t>(key)];
    plain.add("common", n);
  }
  in_threads([&](unsigned t) {
    for (const auto key : keys_of(t, n)) {
      many.add(key);
      many.add("common");
    }
  });
  EXPECT_EQ(many.total(), plain.total());
  EXPECT_GE(many.estimate("common"), threads * n);
  for (std::uint64_t key = 0; key < 50; ++key) {
    EXPECT_GE(many.estimate(key), truth[static_cast<std::size_t>(key)]);
    EXPECT_LE(many.estimate(key), plain.estimate(key));
  }
}

TEST(concurrent_count_min_sketch, what_is_read_meanwhile_never_falls) {
  for (const bool conservative : {false, true}) {
    concurrent many({.width = 64, .conservative = conservative});
    in_threads([&](unsigned t) {
      std::uint64_t last = 0;
      for (int i = 0; i < 2000; ++i) {
        const std::uint64_t now = t == 0 ? many.estimate(7) : many.add(7);
        EXPECT_GE(now, last);
        last = now;
        if (t == 0 && i % 500 == 0) {
          const auto copy = many.snapshot();
          EXPECT_LE(copy.estimate(7), many.estimate(7));
          EXPECT_LE(copy.total(), many.total());
        }
      }
    });
    EXPECT_EQ(many.estimate(7), 6000u);
  }
}

TEST(concurrent_count_min_sketch, counters_stay_at_their_maximum) {
  for (const bool conservative : {false, true}) {
    quoin::concurrent_count_min_sketch<std::uint8_t> s({.width = 32, .conservative = conservative});
    in_threads([&](unsigned) {
      for (int i = 0; i < 100; ++i) s.add("a");
    });
    EXPECT_EQ(s.estimate("a"), 255u);
    EXPECT_EQ(s.total(), 400u);
    s.add("b", std::numeric_limits<std::uint64_t>::max());
    s.add("b", 2);
    EXPECT_EQ(s.estimate("b"), 255u);
    EXPECT_EQ(s.total(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_TRUE(s.snapshot().saturated());
  }
}

}  // namespace
