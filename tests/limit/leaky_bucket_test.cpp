// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/leaky_bucket.hpp>

#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::never;
using quoin::queue_overflow;
using nanoseconds = std::chrono::nanoseconds;
using time_point = manual_clock::time_point;
using meter = quoin::leaky_bucket<manual_clock>;
using queue = quoin::leaky_queue<int, manual_clock>;

static_assert(quoin::limiter<quoin::leaky_bucket<>>);
static_assert(quoin::limiter<quoin::atomic_leaky_bucket<>>);
static_assert(!std::is_constructible_v<queue, quoin::leaky_queue_options>, "a clock is needed");

const manual_clock epoch;
constexpr time_point at(nanoseconds time) { return time_point(time); }

TEST(leaky_bucket, fills_and_leaks) {
  manual_clock clock;
  quoin::leaky_bucket b({.rate = quoin::per_second(2), .capacity = 4}, clock);
  quoin::atomic_leaky_bucket shared(b);
  EXPECT_EQ(b.level(), 0u);
  EXPECT_TRUE(b.try_acquire(3));
  EXPECT_TRUE(shared.try_acquire(3));
  EXPECT_EQ(b.level(), 3u);
  EXPECT_EQ(b.try_acquire(2).retry_after, 500ms);
  clock.advance(750ms);
  EXPECT_EQ(b.level(), 2u) << "one and a half";
  EXPECT_EQ(shared.level(), 2u);
  EXPECT_EQ(shared.snapshot().to_bytes(), b.to_bytes());
  EXPECT_EQ(b.acquire_up_to(9), 2u);
  EXPECT_EQ(shared.acquire_up_to(9), 2u);
  b.refund(3);
  EXPECT_EQ(b.level(), 1u);
  EXPECT_EQ(b.try_acquire(5).reason, limit_reason::cost_above_limit);
  for (const auto what : {quoin::inherit::share, quoin::inherit::nothing}) {
    b.reconfigure({.rate = quoin::per_second(2), .capacity = 8}, what);
    shared.reconfigure({.rate = quoin::per_second(2), .capacity = 8}, what);
    EXPECT_EQ(b.level(), what == quoin::inherit::share ? 1u : 8u);
    EXPECT_EQ(shared.level(), what == quoin::inherit::share ? 7u : 8u);
  }
  EXPECT_EQ(shared.options(), b.options());
  shared.reset();
  EXPECT_EQ(shared.level(), 0u);
  try {
    b.reconfigure({.rate = quoin::per_day(1), .capacity = 4000});
    ADD_FAILURE();
  } catch (const std::invalid_argument& thrown) {
    EXPECT_STREQ(thrown.what(),
                 "quoin::leaky_bucket: capacity = 4000, must be at most 3335 at this rate");
  }
}

TEST(leaky_bucket, bytes) {
  meter b({.rate = quoin::per_second(3), .capacity = 20, .max_backward_step = 2s}, epoch);
  ASSERT_TRUE(b.try_acquire_at(at(50s), 11));
  const auto bytes = b.to_bytes_at(at(51s) + 1ns);
  quoin_test::expect_golden("limit/leaky_bucket.bin", bytes);
  const auto read = [](std::span<const std::byte> from) {
    return meter::from_bytes_at(from, at(0s), epoch);
  };
  ASSERT_TRUE(read(bytes).has_value());
  EXPECT_EQ(read(bytes)->options(), b.options());
  EXPECT_EQ(read(bytes)->peek_at(at(1s)), b.peek_at(at(52s) + 1ns));
  quoin_test::for_each_truncation(
      bytes, [&](auto part) { EXPECT_EQ(read(part).error().code(), quoin::errc::truncated); });
  quoin_test::for_each_bit_flip(bytes, [&](auto bad) { EXPECT_FALSE(read(bad).has_value()); });
  auto lends = bytes;
  lends[32] = std::byte{1};
  quoin::detail::store_le(&lends[64], quoin::detail::xxh64(lends.data(), 64, 0));
  EXPECT_EQ(read(lends).error().position(), 32u);
}

TEST(leaky_queue, drips_at_the_interval_however_they_come) {
  queue q({.rate = quoin::per_second(2), .capacity = 4}, epoch);
  EXPECT_EQ(q.time_until_at(at(0s)), never);
  for (int i = 0; i < 4; ++i) {
    const auto pushed = q.push_at(at(10s), i);
    EXPECT_TRUE(pushed);
    EXPECT_EQ(pushed.wait, i * 500ms);
    EXPECT_FALSE(pushed.dropped.has_value());
  }
  const auto refused = q.push_at(at(10s), 9);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.reason, limit_reason::queue_full);
  EXPECT_EQ(refused.wait, 0s) << "there is room when the first one has been taken";
  EXPECT_EQ(refused.dropped, 9);
  EXPECT_EQ(q.pop_at(at(10s)), 0);
  EXPECT_EQ(q.pop_at(at(10s)), std::nullopt);
  EXPECT_EQ(q.time_until_at(at(10s)), 500ms);
  EXPECT_EQ(q.pop_at(at(10'500ms) - 1ns), std::nullopt);
  EXPECT_EQ(q.pop_at(at(10'500ms)), 1);
  EXPECT_EQ(q.pop_at(at(11'200ms)), 2) << "late by 200 ms, and so is the next";
  EXPECT_EQ(q.time_until_at(at(11'200ms)), 500ms);
  EXPECT_EQ(q.push_at(at(11'600ms), 4).wait, 600ms);
  EXPECT_EQ(q.pop_at(at(20s)), 3);
  EXPECT_EQ(q.pop_at(at(20s)), std::nullopt);
  EXPECT_EQ(q.pop_at(at(21s)), 4);
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(q.push_at(at(21s), 5).wait, 500ms) << "an interval after the last one";
  EXPECT_EQ(q.push_at(at(21s), 6).wait, 1s);
  q.clear();
  EXPECT_EQ(q.size(), 0u);
  EXPECT_EQ(q.push_at(at(30s), 7).wait, 0s);
}

TEST(leaky_queue, who_comes_late_may_catch_up) {
  queue q({.rate = quoin::per_second(1), .capacity = 9, .max_lateness = 2500ms}, epoch);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(q.push_at(at(0s), i));
  EXPECT_EQ(q.pop_at(at(0s)), 0);
  EXPECT_EQ(q.pop_at(at(3s)), 1);
  EXPECT_EQ(q.pop_at(at(3s)), 2);
  EXPECT_EQ(q.pop_at(at(3s)), 3);
  EXPECT_EQ(q.pop_at(at(3s)), std::nullopt);
  EXPECT_EQ(q.pop_at(at(60s)), 4) << "as if it had come 2.5 s late: at 57.5 s";
  EXPECT_EQ(q.pop_at(at(60s)), 5);
  EXPECT_EQ(q.pop_at(at(60s)), 6);
  EXPECT_EQ(q.time_until_at(at(60s)), 500ms);
}

TEST(leaky_queue, the_interval_is_exact) {
  for (const quoin::rate rate : {quoin::rate{3, 1s}, {999'999'937, 1s}, {7, 24h}, {5, 3ns}}) {
    queue q({.rate = rate, .capacity = 10}, epoch);
    const auto per = static_cast<std::uint64_t>(rate.per.count());
    nanoseconds now{1'700'000'000'000'000'000};
    const nanoseconds start = now;
    ASSERT_TRUE(q.push_at(at(now), 0));
    for (std::uint64_t k = 0; k < 1000; ++k) {
      ASSERT_TRUE(q.push_at(at(now), static_cast<int>(k + 1)));
      now += q.time_until_at(at(now));
      const std::uint64_t due =
          k / rate.count * per + (k % rate.count * per + rate.count - 1) / rate.count;
      ASSERT_EQ((now - start).count(), static_cast<std::int64_t>(due)) << rate.count << ' ' << k;
      ASSERT_EQ(q.pop_at(at(now)), static_cast<int>(k));
    }
  }
}

TEST(leaky_queue, old_ones_do_not_starve_new_ones) {
  for (const auto policy : {queue_overflow::refuse, queue_overflow::drop_oldest}) {
    queue q({.rate = quoin::per_second(1), .capacity = 5, .when_full = policy}, epoch);
    int oldest_served = 1000, dropped = 0;
    for (int second = 0; second < 100; ++second) {  // four times as many as leave
      const time_point now = at(std::chrono::seconds(second));
      for (int i = 0; i < 4; ++i) {
        const auto pushed = q.push_at(now, second);
        dropped += pushed.dropped.has_value();
        ASSERT_EQ(pushed.accepted, policy == queue_overflow::drop_oldest || !pushed.dropped);
      }
      const auto served = q.pop_at(now);
      ASSERT_TRUE(served.has_value());
      if (second >= 50) oldest_served = std::min(oldest_served, *served - second);
    }
    EXPECT_EQ(dropped, 400 - 100 - 4);
    EXPECT_EQ(oldest_served, policy == queue_overflow::refuse ? -4 : -1);
  }
}

TEST(leaky_queue, holds_what_can_only_be_moved_and_lets_it_go) {
  quoin::leaky_queue<std::shared_ptr<int>, manual_clock> q(
      {.rate = quoin::per_second(1), .capacity = 2, .when_full = queue_overflow::drop_oldest},
      epoch);
  const auto one = std::make_shared<int>(1);
  for (int i = 0; i < 7; ++i) q.push_at(at(0s), one);
  EXPECT_EQ(one.use_count(), 3);
  EXPECT_EQ(*q.pop_at(at(0s)), one);
  EXPECT_EQ(one.use_count(), 2);
  q.clear();
  EXPECT_EQ(one.use_count(), 1);
  quoin::leaky_queue<std::unique_ptr<int>> real({.rate = quoin::per_hour(1), .capacity = 2});
  EXPECT_TRUE(real.push(std::make_unique<int>(3)));
  auto moved = std::move(real);
  EXPECT_EQ(**moved.pop(), 3);
  EXPECT_TRUE(moved.push(nullptr));
  EXPECT_FALSE(moved.pop().has_value());
  EXPECT_GT(moved.time_until(), 59min);
}

TEST(leaky_queue, a_clock_that_is_set_back) {
  queue q({.rate = quoin::per_second(1), .capacity = 4, .max_backward_step = 10s}, epoch);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(q.push_at(at(100s), i));
  EXPECT_EQ(q.pop_at(at(100s)), 0);
  EXPECT_EQ(q.time_until_at(at(95s)), 6s) << "it waits for the clock";
  EXPECT_EQ(q.pop_at(at(95s)), std::nullopt);
  EXPECT_EQ(q.time_until_at(at(50s)), 1s) << "it has been set anew";
  EXPECT_EQ(q.pop_at(at(50s)), std::nullopt);
  EXPECT_EQ(q.pop_at(at(51s)), 1);
  EXPECT_EQ(q.pop_at(at(nanoseconds::max())), 2);
  EXPECT_EQ(q.pop_at(at(nanoseconds::min())), std::nullopt);
  EXPECT_EQ(q.time_until_at(at(nanoseconds::min())), 1s);
  EXPECT_EQ(q.pop_at(at(nanoseconds::max())), 3);
}

TEST(leaky_queue, options_out_of_range) {
  const quoin::leaky_queue_options bad[] = {
      {.rate = {1, 0s}, .capacity = 1},
      {.rate = {0, 1s}, .capacity = 1},
      {.rate = {1, 1s}},
      {.rate = {1, 1s}, .capacity = ~std::uint64_t{0}},
      {.rate = {1, 24h}, .capacity = 4000},
      {.rate = {1, 1s}, .capacity = 1, .max_lateness = -1ns},
      {.rate = {1, 1s}, .capacity = 1, .max_backward_step = -1ns}};
  for (const auto& options : bad) EXPECT_THROW(queue(options, epoch), std::invalid_argument);
}

}  // namespace
