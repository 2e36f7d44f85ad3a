// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/sliding_heavy_hitters.hpp>

#include "hash/hash_testing.hpp"
#include "sketch/heavy_testing.hpp"
#include "support/allocators.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin_test::broken_promise;
using quoin_test::exact_weights;
using quoin_test::split_mix;
using clock_type = std::chrono::system_clock;
using time_point = clock_type::time_point;
using trends = quoin::sliding_heavy_hitters<std::string, std::chrono::system_clock>;
using numbers = quoin::sliding_heavy_hitters<std::uint64_t, std::chrono::system_clock>;
using word = quoin::heavy_hitter<std::string>;

constexpr time_point at(std::int64_t seconds) { return time_point(std::chrono::seconds(seconds)); }

TEST(sliding_heavy_hitters, forgets_what_the_window_has_left) {
  trends t({.capacity = 10, .window = 60s, .panes = 6});
  EXPECT_EQ(t.window_begin(), time_point::min());
  EXPECT_TRUE(t.add_at(at(5), "old", 9));
  EXPECT_TRUE(t.add_at(at(59), "new", 2));
  EXPECT_EQ(t.top(2), (std::vector<word>{{"old", 9, 0}, {"new", 2, 0}}));
  EXPECT_EQ(t.window_begin(), at(0));
  EXPECT_TRUE(t.add_at(at(60), "newest")) << "the pane from 0 to 10 goes";
  EXPECT_EQ(t.window_begin(), at(10));
  EXPECT_EQ(t.top(9), (std::vector<word>{{"new", 2, 0}, {"newest", 1, 0}}));
  EXPECT_EQ(t.upper_bound("old"), 0u);
  EXPECT_EQ(t.lower_bound("new"), 2u);
  EXPECT_EQ(t.total(), 3u);
  EXPECT_EQ(t.capacity(), 10u);
  EXPECT_EQ(t.pane_count(), 6u);
}

TEST(sliding_heavy_hitters, takes_events_out_of_order_and_reports_late_ones) {
  trends t({.capacity = 10, .window = 60s, .panes = 6});
  EXPECT_TRUE(t.add_at(at(100), "a"));
  EXPECT_TRUE(t.add_at(at(50), "a")) << "the window is 50 to 110";
  EXPECT_FALSE(t.add_at(at(49), "a", 7));
  EXPECT_FALSE(t.add_at(at(-1'000'000), "a"));
  EXPECT_EQ(t.late_count(), 2u);
  EXPECT_EQ(t.late_weight(), 8u);
  EXPECT_EQ(t.total(), 2u);
  t.advance_to(at(20));
  EXPECT_EQ(t.total(), 2u) << "never back";
  t.advance_to(at(110));
  EXPECT_EQ(t.total(), 1u);
  t.advance_to(at(100'000));
  EXPECT_EQ(t.total(), 0u);
  EXPECT_TRUE(t.top(3).empty());
  t.clear();
  EXPECT_EQ(t.late_count(), 0u);
  EXPECT_TRUE(t.add_at(at(0), "again")) << "times begin anew";
}

TEST(sliding_heavy_hitters, times_before_the_epoch_and_at_the_ends) {
  trends t({.capacity = 10, .window = 60s, .panes = 6});
  EXPECT_TRUE(t.add_at(at(-1), "before"));
  EXPECT_EQ(t.window_begin(), at(-60));
  EXPECT_TRUE(t.add_at(at(0), "after"));
  EXPECT_EQ(t.total(), 2u);
  EXPECT_EQ(t.window_begin(), at(-50));
  trends ends({.capacity = 10, .window = 60s, .panes = 6});
  EXPECT_TRUE(ends.add_at(time_point::min(), "first"));
  EXPECT_EQ(ends.window_begin(), time_point::min());
  EXPECT_TRUE(ends.add_at(time_point::max(), "last"));
  EXPECT_FALSE(ends.add_at(time_point::min(), "first"));
  EXPECT_EQ(ends.total(), 1u);
}

TEST(sliding_heavy_hitters, options_out_of_range) {
  EXPECT_THROW(trends({.capacity = 0, .window = 1s}), std::invalid_argument);
  EXPECT_THROW(trends({.capacity = 1, .window = 0s}), std::invalid_argument);
  EXPECT_THROW(trends({.capacity = 1, .window = -8s}), std::invalid_argument);
  EXPECT_THROW(trends({.capacity = 1, .window = 1s, .panes = 0}), std::invalid_argument);
  EXPECT_THROW(trends({.capacity = 1, .window = 1s, .panes = 65537}), std::invalid_argument);
  EXPECT_THROW(trends({.capacity = 1, .window = clock_type::duration(9)}), std::invalid_argument);
}

struct event {
  std::int64_t second;
  std::uint64_t key;
};

TEST(sliding_heavy_hitters, keeps_its_promises_for_the_window) {
  std::uint64_t state = 3;
  for (const std::uint64_t m : {1u, 5u, 30u}) {
    numbers window({.capacity = m, .window = 80s, .panes = 8});
    window.advance_to(at(0));
    std::deque<event> events;
    std::int64_t latest = 0;
    std::uint64_t late = 0;
    for (int i = 0; i < 4'000; ++i) {
      const std::uint64_t x = split_mix(state);
      const event e{i / 10 - static_cast<std::int64_t>(x % 100), x >> 40 >> (x % 24)};
      latest = std::max(latest, e.second);
      const std::int64_t begin = latest / 10 * 10 - 70;
      const bool taken = window.add_at(at(e.second), e.key);
      ASSERT_EQ(taken, e.second >= begin);
      late += !taken;
      if (taken) events.push_back(e);
      if (i % 200 != 0) continue;
      exact_weights<std::uint64_t> exact;
      for (const auto& each : events) {
        if (each.second >= begin) exact.add(each.key);
      }
      ASSERT_EQ(broken_promise(window.summary(), exact), "") << i;
      for (const auto& [key, weight] : exact.weights()) {
        ASSERT_LE(static_cast<double>(window.lower_bound(key)), weight);
        ASSERT_GE(static_cast<double>(window.upper_bound(key)), weight);
      }
    }
    EXPECT_EQ(window.late_count(), late);
    EXPECT_GT(late, 0u);
  }
}

TEST(sliding_heavy_hitters, takes_its_memory_from_its_allocator_and_is_whole_when_there_is_none) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  using accounted =
      quoin::sliding_heavy_hitters<std::uint64_t, std::chrono::system_clock, quoin::hash,
                                   quoin_test::accounted_allocator<std::byte>>;
  accounted few({.capacity = 2, .window = 40s, .panes = 4}, allocator);
  accounted many({.capacity = 300, .window = 60s, .panes = 2}, allocator);
  const std::size_t empty = account.live_bytes;
  for (std::uint64_t key = 0; key < 500; ++key) {
    few.add_at(at(static_cast<std::int64_t>(key % 30)), key % 3);
    many.add_at(at(1), key);
  }
  EXPECT_GT(account.live_bytes, empty + 300 * 8);
  const std::uint64_t before = few.upper_bound(1);
  for (std::size_t granted = 0;; ++granted) {
    ASSERT_LT(granted, 200u);
    account.requests_until_failure = granted;
    bool failed = false;
    try {
      few = many;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    account.requests_until_failure = static_cast<std::size_t>(-1);
    if (!failed) break;
    ASSERT_EQ(few.upper_bound(1), before);
    few.add_at(at(29), 7, 0);
  }
  EXPECT_EQ(few.upper_bound(1), many.upper_bound(1));
}

}  // namespace
