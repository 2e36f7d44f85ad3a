// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/lease.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::limit_reason;
using quoin::manual_clock;
using time_point = manual_clock::time_point;
using bucket = quoin::atomic_token_bucket<manual_clock>;
using lease = quoin::token_lease<bucket>;

static_assert(!std::is_copy_constructible_v<lease>);
static_assert(std::is_nothrow_move_constructible_v<lease>);
static_assert(!std::is_constructible_v<lease, bucket&&, std::uint64_t>);

constexpr time_point at(std::chrono::nanoseconds time) { return time_point(time); }

TEST(token_lease, takes_chunks_and_gives_back_the_rest) {
  manual_clock clock;
  bucket b({.rate = quoin::per_second(1), .burst = 10}, clock);
  {
    quoin::token_lease one(b, 4);
    EXPECT_EQ(one.held(), 0u);
    EXPECT_TRUE(one.try_acquire());
    EXPECT_EQ(one.held(), 3u);
    EXPECT_EQ(b.peek().remaining, 6u);
    EXPECT_EQ(one.try_acquire(2).remaining, 1u);
    EXPECT_TRUE(one.try_acquire(0));
    EXPECT_TRUE(one.try_acquire(6)) << "more than a chunk: five from the bucket";
    EXPECT_EQ(one.held(), 0u);
    EXPECT_TRUE(one.try_acquire(1));
    EXPECT_FALSE(one.try_acquire(1)) << "the bucket had but one";
    EXPECT_EQ(one.try_acquire(1).retry_after, 1s);
    clock.advance(3s);
    EXPECT_TRUE(one.try_acquire());
    EXPECT_EQ(b.peek().remaining, 0u);
    EXPECT_EQ(one.held(), 2u);

    lease other = std::move(one);
    EXPECT_EQ(one.held(), 0u);
    EXPECT_EQ(other.held(), 2u);
    one = std::move(other);
    EXPECT_EQ(one.held(), 2u);
  }
  EXPECT_EQ(b.peek().remaining, 2u);
  EXPECT_THROW(lease(b, 0), std::invalid_argument);
}

TEST(token_lease, a_refusal_holds_no_more_than_a_chunk) {
  manual_clock clock;
  bucket b({.rate = quoin::per_second(1), .burst = 20}, clock);
  ASSERT_TRUE(b.try_acquire(2));
  lease one(b, 10);
  ASSERT_TRUE(one.try_acquire());
  const auto refused = one.try_acquire(19);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.reason, limit_reason::limited);
  EXPECT_EQ(refused.retry_after, 2s) << "of eighteen of which seventeen were there";
  EXPECT_EQ(one.held(), 10u);
  EXPECT_EQ(b.peek().remaining, 7u);
  EXPECT_EQ(one.try_acquire(40).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(one.held(), 10u);
  EXPECT_EQ(b.peek().remaining, 7u);
}

TEST(token_lease, what_comes_back_late_is_not_a_clock_set_back) {
  manual_clock clock;
  bucket b({.rate = quoin::per_second(1), .burst = 5}, clock);
  lease one(b, 3);
  ASSERT_TRUE(one.try_acquire());
  clock.advance(1h);
  ASSERT_TRUE(b.try_acquire(5));
  one.release();
  EXPECT_EQ(b.peek().remaining, 2u);
}

template <class Window>
void expect_no_window_fuller_than_full(const typename Window::options_type& options) {
  for (const auto pause : {90s, 130s}) {  // within `max_backward_step` of the lease's window or not
    manual_clock clock(at(10s));
    Window window(options, clock);
    quoin::token_lease one(window, 10);
    EXPECT_TRUE(one.try_acquire());
    clock.advance(pause);
    const std::uint64_t there = window.acquire_up_to(100);
    EXPECT_GT(there, 90u);
    one.release();
    EXPECT_EQ(window.acquire_up_to(100), 0u);
  }
}

TEST(token_lease, of_a_window_that_has_ended_gives_nothing_to_a_later_one) {
  expect_no_window_fuller_than_full<quoin::atomic_fixed_window<manual_clock>>(
      {.rate = quoin::per_minute(100)});
  expect_no_window_fuller_than_full<quoin::atomic_sliding_window<manual_clock>>(
      {.rate = quoin::per_minute(100)});
}

TEST(token_lease, threads_spend_each_token_once) {
  const manual_clock clock;
  bucket b({.rate = quoin::per_second(1000), .burst = 1000}, clock);
  std::atomic<std::uint64_t> spent{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      lease mine(b, 16);
      std::uint64_t n = 0;
      for (std::int64_t step = 0; step < 20'000; ++step) {
        n += mine.try_acquire_at(at(std::chrono::nanoseconds(step * 100'000))) ? 1u : 0u;
      }
      spent += n;
    });
  }
  for (auto& thread : threads) thread.join();
  const std::uint64_t left = b.peek_at(at(2s), 0).remaining;
  EXPECT_LE(spent + left, 1000u + 2000u);
  EXPECT_GE(spent, 1000u + 2000u - 4 * 16 - left) << "nothing is lost";
}

}  // namespace
