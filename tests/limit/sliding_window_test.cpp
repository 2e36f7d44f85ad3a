// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/sliding_window.hpp>

#include "window_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace quoin_test;
using quoin::inherit;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::never;
using quoin::sliding_window_options;
using quoin::weight;
using window = quoin::sliding_window<manual_clock>;
using atomic_window = quoin::atomic_sliding_window<manual_clock>;

static_assert(quoin::limiter<window> && quoin::limiter<quoin::sliding_window<>>);
static_assert(quoin::limiter<atomic_window> && quoin::limiter<quoin::atomic_sliding_window<>>);

const manual_clock none;

// A limit of 7 a minute, 5 in the minute before, 3 in this one, 30 % of which are over: 3 + 5 · 0.7
// is 6.5, rounded down 6, so that one more passes; with 7.5, no other. Rounded up none does.
TEST(SlidingWindow, DecidesAsTheTraceSays) {
  for (const weight fractions : {weight::down, weight::up}) {
    window seven({.rate = quoin::per_minute(7), .fractions = fractions}, none);
    EXPECT_EQ(seven.acquire_up_to_at(at(10s), 5), 5u);
    EXPECT_EQ(seven.acquire_up_to_at(at(60s + 1s), 2), 2u);
    EXPECT_EQ(seven.debit_at(at(60s + 18s), 1).remaining, fractions == weight::down ? 1u : 0u);
    EXPECT_EQ(seven.try_acquire_at(at(60s + 18s)).allowed, fractions == weight::down);
    EXPECT_FALSE(seven.try_acquire_at(at(60s + 18s)));
  }
}

// A window of a minute, 42 requests before, 18 since, 15 s into it: 18 + 0.75 · 42 = 49.5.
TEST(SlidingWindow, WeighsThePreviousWindow) {
  window w({.rate = quoin::per_minute(60), .fractions = weight::up}, none);
  EXPECT_TRUE(w.try_acquire_at(at(30s), 42));
  EXPECT_TRUE(w.try_acquire_at(at(75s), 18));
  EXPECT_EQ(w.peek_at(at(75s)).remaining, 10u);  // 60 - 49.5, rounded
  EXPECT_FALSE(w.peek_at(at(75s), 11).allowed);
  window d({.rate = quoin::per_minute(60)}, none);
  EXPECT_TRUE(d.try_acquire_at(at(30s), 42));
  EXPECT_TRUE(d.try_acquire_at(at(75s), 18));
  EXPECT_EQ(d.peek_at(at(75s)).remaining, 11u);
  EXPECT_EQ(d.peek_at(at(75s)).reset_after, 105s);
  // 42 · left / 60 has to fall from 31.5 to 30, or below 31.
  EXPECT_EQ(w.peek_at(at(75s), 12).retry_after, 45s - nanoseconds(60'000'000'000 * 30 / 42));
  EXPECT_EQ(d.peek_at(at(75s), 12).retry_after, 45s - nanoseconds((60'000'000'000 * 31 - 1) / 42));
  EXPECT_EQ(w.peek_at(at(75s), 60).retry_after, 105s);
}

TEST(SlidingWindow, HasNoTwofoldBurstAtAnEdge) {
  window five({.rate = quoin::per_minute(5)}, none);
  EXPECT_EQ(five.acquire_up_to_at(at(119s), 9), 5u);
  EXPECT_EQ(five.acquire_up_to_at(at(121s), 9), 1u);  // 4.92 weigh 4
  EXPECT_EQ(five.acquire_up_to_at(at(150s), 9), 2u);
}

TEST(SlidingWindow, AnswersToCostsRatesAndClocks) {
  window w({.rate = quoin::per_second(3), .max_backward_step = 10s}, none);
  EXPECT_TRUE(w.try_acquire_at(at(1s), 0).allowed);
  EXPECT_EQ(w.try_acquire_at(at(1s), 4).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(w.try_acquire_at(at(1s), 4).retry_after, never);
  EXPECT_TRUE(w.try_acquire_at(at(20s), 3));
  EXPECT_FALSE(w.try_acquire_at(at(15s)));
  EXPECT_EQ(w.peek_at(at(10s)).remaining, 0u);
  EXPECT_FALSE(w.try_acquire_at(at(9s)));  // set anew: the second of 9 has its limit taken
  EXPECT_EQ(w.peek_at(at(10s + 500ms)).remaining, 2u);
  EXPECT_EQ(w.peek_at(at(11s)).remaining, 3u);
  w.refund_at(at(9s), 2);
  EXPECT_EQ(w.peek_at(at(9s)).remaining, 2u);
  w.reset();
  EXPECT_EQ(w.peek_at(at(-1h)).remaining, 3u);
  window closed({.rate = quoin::per_second(0)}, none);
  EXPECT_EQ(closed.try_acquire_at(at(0s)).retry_after, never);
  EXPECT_EQ(closed.try_acquire_at(at(0s), 2).reason, limit_reason::no_rate);
  window lends({.rate = quoin::per_second(10), .fractions = weight::up, .max_debt = 10}, none);
  EXPECT_TRUE(lends.debit_at(at(0s), 20).allowed);
  EXPECT_EQ(lends.debit_at(at(0s), 1).reason, limit_reason::debt_above_limit);
  EXPECT_EQ(lends.debit_at(at(0s), 1).retry_after, 1050ms);  // 20 weigh 19
  EXPECT_EQ(lends.peek_at(at(0s)).retry_after, 1550ms);      // 20 weigh 9
  // Refunds come off the previous window when the current one has no more.
  EXPECT_TRUE(lends.try_acquire_at(at(1600ms), 2));
  lends.refund_at(at(1600ms), 12);
  EXPECT_EQ(lends.peek_at(at(1600ms)).remaining, 6u);
}

TEST(SlidingWindow, GivesNothingBackToALaterWindow) {
  expect_nothing_back_from_the_past<window>(sliding_window_options());
  expect_nothing_back_from_the_past<atomic_window>(sliding_window_options());
}

TEST(SlidingWindow, InheritsAsItIsTold) {
  const auto left = [](inherit what, std::uint64_t limit) {
    window w({.rate = quoin::per_minute(10)}, none);
    w.try_acquire_at(at(30s), 6);
    w.reconfigure_at(at(30s), {.rate = {limit, 10s}}, what);
    return w.peek_at(at(30s)).remaining;
  };
  EXPECT_EQ(left(inherit::full, 7), 7u);
  EXPECT_EQ(left(inherit::nothing, 7), 0u);
  EXPECT_EQ(left(inherit::tokens, 100), 4u);
  EXPECT_EQ(left(inherit::tokens, 3), 3u);
  EXPECT_EQ(left(inherit::share, 100), 40u);
  EXPECT_EQ(left(inherit::share, 3), 1u);
}

TEST(SlidingWindow, RefusesOptionsOutOfRange) {
  EXPECT_THROW(window({.rate = {1, 0s}}, none), std::invalid_argument);
  EXPECT_THROW(window({.rate = {1, 1s}, .max_backward_step = -1ns}, none), std::invalid_argument);
  EXPECT_NO_THROW(window({.rate = {1 << 28, 1s}}, none));
  EXPECT_THROW(atomic_window({.rate = {1 << 27, 1s}}, none), std::invalid_argument);
  EXPECT_NO_THROW(atomic_window({.rate = {(1 << 28) - 1, 1s}, .max_debt = 0}, none));
}

// Division by digits, which 32-bit targets run, beside that of the machine.
TEST(SlidingWindow, DividesAlikeEverywhere) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t d = (random() >> random() % 64) | 1;
    const quoin::detail::uint128_halves x{random(), random() % d};
    const std::uint64_t q = quoin::detail::divide(x, d);
    ASSERT_EQ(q, quoin::detail::divide_portable(x, d));
    const auto back = quoin::detail::mul_add(q, d, 0);
    ASSERT_FALSE(quoin::detail::less(x, back));
    ASSERT_LT(x.lo - back.lo, d);
  }
}

/// Admissions and their times, which the bound on the error speaks of.
struct history {
  std::int64_t per;
  std::vector<std::int64_t> times;

  [[nodiscard]] std::int64_t within(std::int64_t begin, std::int64_t end) const {
    return std::upper_bound(times.begin(), times.end(), end) -
           std::upper_bound(times.begin(), times.end(), begin);
  }
  /// x · per, and the bound on its error, times per: weight is that of the previous window.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> estimate(std::int64_t now) const {
    const std::int64_t begin = now - now % per, left = begin + per - now;
    const std::int64_t previous = within(begin - per - 1, begin - 1);
    return {within(begin - 1, now) * per + previous * left, previous * std::max(left, per - left)};
  }
};

// Exact decisions by whole numbers; the estimate within its bound of the exact log; no window of
// any begin with more than 2 · limit - 1, or 2 · limit.
TEST(SlidingWindow, IsAsFarFromTheExactLogAsItSays) {
  for (const weight fractions : {weight::down, weight::up}) {
    for (const std::int64_t per : {1, 3, 50, 1000}) {
      constexpr std::int64_t limit = 6;
      window w({.rate = {6, nanoseconds(per)}, .fractions = fractions}, none);
      history admitted{per, {}};
      wandering_time time(static_cast<std::uint64_t>(per), 1);
      std::int64_t now = 0;
      for (int i = 0; i < 4000; ++i) {
        // Quiet, then a crowd at the end of a window and the begin of the next: the worst case.
        const auto pause = time.draw_below(40) == 0 ? 2 * per : per / 12;
        now += static_cast<std::int64_t>(time.draw_below(static_cast<std::uint64_t>(pause) + 2));
        const auto [x, bound] = admitted.estimate(now);
        const auto cost = static_cast<std::int64_t>(time.draw_below(3));
        const std::int64_t counted = fractions == weight::down ? x / per * per : x;
        const bool passes = cost == 0 || counted + cost * per <= limit * per;
        ASSERT_EQ(w.try_acquire_at(at(nanoseconds(now)), static_cast<std::uint64_t>(cost)).allowed,
                  passes)
            << i;
        ASSERT_LE(std::abs(x - admitted.within(now - per, now) * per), bound);
        for (std::int64_t n = 0; passes && n < cost; ++n) admitted.times.push_back(now);
      }
      const std::size_t most = most_within(admitted.times, per);
      EXPECT_LE(most, fractions == weight::down ? 12u : 11u);
      EXPECT_GE(most, 6u);
    }
  }
}

TEST(AtomicSlidingWindow, AnswersAsTheValueDoes) {
  const std::vector<sliding_window_options> quotas{
      {.rate = {5, 1s}},
      {.rate = {3, 700ns}, .fractions = weight::up, .offset = 30ns, .max_backward_step = 10us},
      {.rate = {(1u << 28) - 1, 5ns}, .max_debt = 0},  // 16 windows to a generation
      {.rate = {9, nanoseconds(INT64_MAX)}, .max_backward_step = 0ns},
      {.rate = {40, 1ns}, .fractions = weight::up, .max_debt = 3}};
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    auto rotated = quotas;
    std::rotate(rotated.begin(), rotated.begin() + static_cast<std::ptrdiff_t>(i), rotated.end());
    expect_equal_answers<window, atomic_window>(rotated, i, 4000);
  }
}

TEST(AtomicSlidingWindow, NeverLetsMoreInThanItSays) {
  for (const unsigned threads : {2u, 4u, 8u}) {
    atomic_window w({.rate = {100, 1us}, .fractions = weight::up, .max_backward_step = never},
                    none);
    const auto times = admissions(w, threads, 4000, 1);
    EXPECT_LE(most_within(times, 1000), 199u);
    EXPECT_GE(times.size(), threads * 4 * 100 / 2);
  }
}

TEST(SlidingWindow, KeepsItsBytes) {
  window w({.rate = quoin::per_minute(1000), .fractions = weight::up, .offset = 10s}, none);
  w.debit_at(at(65s), 1234);
  w.try_acquire_at(at(120s), 77);
  const auto bytes = w.to_bytes_at(at(120s));
  expect_golden("limit/sliding_window.bin", bytes);
  expect_harmless<window>(read_golden("limit/sliding_window.bin"));
  EXPECT_EQ(window::from_bytes_at(with_all_flags(bytes), at(0s), none).error().position(), 5u);
  const auto back = window::from_bytes_at(bytes, at(0s), none);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->options(), w.options());
  EXPECT_EQ(back->peek_at(at(0s)).remaining, w.peek_at(at(120s)).remaining);
  for (const auto& [offset, word] : std::vector<std::pair<std::size_t, std::uint64_t>>{
           {16, 0}, {48, 2001}, {56, 2001}, {64, 1}}) {
    EXPECT_FALSE(window::from_bytes_at(patched(bytes, offset, word), at(0s), none).has_value());
  }
}

}  // namespace
