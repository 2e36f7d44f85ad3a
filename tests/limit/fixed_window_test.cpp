// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/fixed_window.hpp>

#include "window_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace quoin_test;
using quoin::fixed_window_options;
using quoin::inherit;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::never;
using window = quoin::fixed_window<manual_clock>;
using atomic_window = quoin::atomic_fixed_window<manual_clock>;

static_assert(quoin::limiter<window> && quoin::limiter<quoin::fixed_window<>>);
static_assert(quoin::limiter<atomic_window> && quoin::limiter<quoin::atomic_fixed_window<>>);
static_assert(std::is_same_v<decltype(quoin::fixed_window({.rate = quoin::per_second(1)})),
                             quoin::fixed_window<std::chrono::steady_clock>>);
static_assert(std::is_copy_assignable_v<window> && !std::is_copy_constructible_v<atomic_window>);

const manual_clock none;

// A limit of 5 a minute, 5 requests in [2:00, 2:01) and 5 in [2:01, 2:02): the counter lets in 10
// between 2:00:30 and 2:01:30, twice the limit.
TEST(FixedWindow, LetsTwiceTheLimitThroughAtAnEdge) {
  window five({.rate = quoin::per_minute(5)}, none);
  std::uint64_t passed = 0;
  for (int i = 0; i < 20; ++i) {
    passed += five.try_acquire_at(at(2h + 30s + 3s * i)) ? 1u : 0u;
    EXPECT_TRUE(i != 9 || passed == 5);
  }
  EXPECT_EQ(passed, 10u);
}

TEST(FixedWindow, SaysWhatIsLeftAndWhenToComeAgain) {
  window three({.rate = quoin::per_second(3)}, none);
  const auto first = three.try_acquire_at(at(10s + 250ms), 2);
  EXPECT_EQ(first,
            (quoin::decision{.allowed = true, .limit = 3, .remaining = 1, .reset_after = 750ms}));
  const auto second = three.try_acquire_at(at(10s + 400ms), 2);
  EXPECT_EQ(second, (quoin::decision{.reason = limit_reason::limited,
                                     .limit = 3,
                                     .remaining = 1,
                                     .retry_after = 600ms,
                                     .reset_after = 600ms}));
  EXPECT_EQ(three.acquire_up_to_at(at(10s + 400ms), 9), 1u);
  EXPECT_EQ(three.time_until_at(at(10s + 999'999'999ns)), 1ns);
  EXPECT_EQ(three.time_until_at(at(11s)), 0ns);
  EXPECT_EQ(three.peek_at(at(11s)).remaining, 3u);
  // Nothing costs nothing, and more than the limit never passes.
  EXPECT_TRUE(three.try_acquire_at(at(10s + 500ms), 0).allowed);
  const auto huge = three.try_acquire_at(at(11s), ~std::uint64_t{0});
  EXPECT_EQ(huge.reason, limit_reason::cost_above_limit);
  EXPECT_EQ(huge.retry_after, never);
  three.reset();
  EXPECT_EQ(three.peek_at(at(10s)).remaining, 3u);
  EXPECT_EQ(three.peek_at(at(10s)).reset_after, 0ns);
}

TEST(FixedWindow, BeginsAtMultiplesOfItsLengthFromTheOffset) {
  for (const nanoseconds offset :
       {0ns, nanoseconds(300ms), nanoseconds(5300ms), nanoseconds(-700ms)}) {
    window one({.rate = quoin::per_second(1), .offset = offset}, none);
    for (const auto second : {-3s, -1s, 0s, 7s}) {
      const auto begin = second + (offset == 0ns ? 0ms : 300ms);
      EXPECT_TRUE(one.try_acquire_at(at(begin))) << begin.count();
      EXPECT_EQ(one.time_until_at(at(begin + 100ms)), 900ms);
      EXPECT_FALSE(one.try_acquire_at(at(begin + 999'999'999ns)));
      EXPECT_TRUE(one.peek_at(at(begin + 1s)).allowed);
    }
  }
}

TEST(FixedWindow, LetsNothingInWithoutARate) {
  window closed({.rate = quoin::per_second(0)}, none);
  EXPECT_TRUE(closed.try_acquire_at(at(1s), 0).allowed);
  const auto d = closed.try_acquire_at(at(1s));
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.retry_after, never);
  EXPECT_EQ(d.reason, limit_reason::no_rate) << "to split it is of no use";
  EXPECT_EQ(closed.try_acquire_at(at(1s), 7).reason, limit_reason::no_rate);
  EXPECT_EQ(closed.reserve_at(at(1s), 1).reason, limit_reason::no_rate);
  EXPECT_EQ(atomic_window({.rate = quoin::per_second(0)}, none).try_acquire_at(at(1s)), d);
  EXPECT_EQ(closed.acquire_up_to_at(at(1s), 5), 0u);
  EXPECT_FALSE(closed.debit_at(at(1s), 1).allowed);
  // With a debt that it may make, which nothing ever pays.
  window lending({.rate = quoin::per_second(0), .max_debt = 2}, none);
  EXPECT_TRUE(lending.debit_at(at(1s), 2).allowed);
  EXPECT_EQ(lending.peek_at(at(9h)).reset_after, never);
  EXPECT_EQ(lending.debit_at(at(9h), 1).retry_after, never);
}

TEST(FixedWindow, ReservesInTheFirstWindowWithRoom) {
  window four({.rate = quoin::per_second(4), .max_debt = 8}, none);
  EXPECT_TRUE(four.reserve_at(at(100ms), 3));
  const auto second = four.reserve_at(at(100ms), 3);  // not with the one that is left
  EXPECT_TRUE(second.granted);
  EXPECT_EQ(second.wait, 900ms);
  EXPECT_EQ(four.try_acquire_at(at(100ms)).reason, limit_reason::limited);
  EXPECT_EQ(four.reserve_at(at(100ms), 1).wait, 900ms);
  EXPECT_EQ(four.reserve_at(at(100ms), 1, 1s).reason, limit_reason::limited);
  const auto third = four.reserve_at(at(100ms), 4);
  EXPECT_EQ(third.wait, 1900ms);
  EXPECT_EQ(four.reserve_at(at(100ms), 1).reason, limit_reason::debt_above_limit);
  EXPECT_EQ(four.reserve_at(at(100ms), 5).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(four.peek_at(at(100ms)).reset_after, 2900ms);
  four.cancel_at(at(1200ms), third);
  EXPECT_FALSE(four.try_acquire_at(at(1200ms)));
  EXPECT_EQ(four.peek_at(at(2s)).remaining, 4u);
  // Debts are what windows to come have less.
  EXPECT_TRUE(four.debit_at(at(2s), 12).allowed);
  EXPECT_FALSE(four.debit_at(at(2s), 1).allowed);
  EXPECT_EQ(four.debit_at(at(2s), 1).retry_after, 1s);
  EXPECT_EQ(four.debit_at(at(2s), 13).retry_after, never);
  EXPECT_EQ(four.peek_at(at(3s)).remaining, 0u);
  EXPECT_EQ(four.peek_at(at(3s)).retry_after, 2s);
  four.refund_at(at(3s), 3);
  EXPECT_EQ(four.peek_at(at(4s)).remaining, 3u);
}

TEST(FixedWindow, NeverGivesBackWhatAClockThatGoesBackTook) {
  window two({.rate = quoin::per_second(2), .max_backward_step = 10s}, none);
  EXPECT_TRUE(two.try_acquire_at(at(100s)));
  EXPECT_TRUE(two.try_acquire_at(at(91s)));  // in the window that was reached
  EXPECT_FALSE(two.try_acquire_at(at(90s)));
  EXPECT_EQ(two.time_until_at(at(90s)), 11s);
  // Further back than the bound it goes on there, with nothing left in that window.
  EXPECT_EQ(two.peek_at(at(89'500ms)).retry_after, 500ms);
  EXPECT_FALSE(two.try_acquire_at(at(89'500ms)));
  EXPECT_EQ(two.peek_at(at(90s)).remaining, 2u);
  window unused({.rate = quoin::per_second(2)}, none);
  EXPECT_EQ(unused.peek_at(at(nanoseconds(INT64_MIN))).remaining, 2u);
}

TEST(FixedWindow, GivesNothingBackToALaterWindow) {
  expect_nothing_back_from_the_past<window>(fixed_window_options());
  expect_nothing_back_from_the_past<atomic_window>(fixed_window_options());
}

TEST(FixedWindow, InheritsAsItIsTold) {
  for (const bool owes : {false, true}) {
    const auto left = [owes](inherit what, std::uint64_t limit) {
      window w({.rate = quoin::per_minute(10)}, none);
      w.debit_at(at(30s), owes ? 14 : 6);
      w.reconfigure_at(at(30s), {.rate = {limit, 10s}}, what);
      const auto d = w.peek_at(at(30s));
      const auto debt = w.peek_at(at(40s));
      return std::pair(d.remaining, debt.remaining);
    };
    using pair = std::pair<std::uint64_t, std::uint64_t>;
    EXPECT_EQ(left(inherit::full, 7), pair(7, 7));
    EXPECT_EQ(left(inherit::nothing, 7), pair(0, 7));
    EXPECT_EQ(left(inherit::tokens, 100), owes ? pair(0, 96) : pair(4, 100));
    EXPECT_EQ(left(inherit::tokens, 3), owes ? pair(0, 0) : pair(3, 3));
    EXPECT_EQ(left(inherit::share, 100), owes ? pair(0, 60) : pair(40, 100));
    EXPECT_EQ(left(inherit::share, 3), owes ? pair(0, 2) : pair(1, 3));
  }
}

template <class F>
std::string complaint(F f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(FixedWindow, NamesTheOptionThatIsWrong) {
  const auto made = [](const fixed_window_options& o) {
    return complaint([&] { window(o, none); });
  };
  EXPECT_EQ(made({.rate = {1, 0s}}), "quoin::fixed_window: rate.per = 0, must be 1 ns or more");
  EXPECT_NE(made({.rate = {~std::uint64_t{0}, 1s}}).find("rate.count"), std::string::npos);
  EXPECT_NE(made({.rate = {1, 1s}, .max_debt = std::uint64_t{1} << 63}).find("max_debt"),
            std::string::npos);
  EXPECT_NE(made({.rate = {1, 1s}, .max_backward_step = -1ns}).find("max_backward_step = -1"),
            std::string::npos);
  EXPECT_EQ(complaint([] {
              atomic_window({.rate = {std::uint64_t{1} << 40, 1s}, .max_debt = 0}, none);
            }),
            "quoin::atomic_fixed_window: rate.count + max_debt = 1099511627776, must be at most "
            "1099511627775 together");
  window one({.rate = {1, 1s}}, none);
  EXPECT_THROW(one.reconfigure_at(at(0s), {.rate = {1, -1s}}), std::invalid_argument);
  EXPECT_EQ(one.options(), (fixed_window_options{.rate = {1, 1s}}));
}

// Debts above the limit are left out: what they take from which window is tested above.
TEST(FixedWindow, CountsEachWindowForItself) {
  for (const std::int64_t per : {1, 2, 7, 1000}) {
    window w({.rate = {3, nanoseconds(per)}, .offset = 5ns, .max_debt = 0}, none);
    std::map<std::int64_t, std::uint64_t> taken;
    wandering_time time(static_cast<std::uint64_t>(per), per / 2 + 1);
    std::int64_t now = -10 * per;
    for (int i = 0; i < 2000; ++i) {
      now += static_cast<std::int64_t>(time.draw_below(static_cast<std::uint64_t>(per) + 1));
      const std::uint64_t cost = time.draw_below(4);
      const std::int64_t number = (now - 5 + 1000 * per) / per;
      const bool passes = taken[number] + cost <= 3;
      ASSERT_EQ(w.try_acquire_at(at(nanoseconds(now)), cost).allowed, passes) << per << " " << i;
      if (passes) taken[number] += cost;
    }
  }
}

TEST(AtomicFixedWindow, AnswersAsTheValueDoes) {
  const std::vector<fixed_window_options> quotas{
      {.rate = {5, 1s}},
      {.rate = {3, 700ns}, .offset = 30ns, .max_backward_step = 10us},
      {.rate = {(std::uint64_t{1} << 39), 5ns}, .max_debt = 1000},  // 2^20 windows to a generation
      {.rate = {9, nanoseconds(INT64_MAX)}, .max_backward_step = 0ns},
      {.rate = {0, 1s}, .max_debt = 3}};
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    auto rotated = quotas;
    std::rotate(rotated.begin(), rotated.begin() + static_cast<std::ptrdiff_t>(i), rotated.end());
    expect_equal_answers<window, atomic_window>(rotated, i, 4000);
  }
}

// However the threads take turns, a window lets its limit in, exactly while enough ask.
TEST(AtomicFixedWindow, NeverLetsMoreInThanTheLimit) {
  for (const unsigned threads : {2u, 4u, 8u}) {
    atomic_window w({.rate = {100, 1us}, .max_backward_step = never}, none);
    const auto times = admissions(w, threads, 4000, 1);
    EXPECT_LE(most_within(times, 1000), 200u);
    EXPECT_GE(times.size(), threads * 4 * 100 - 100);
  }
}

TEST(AtomicFixedWindow, IsReconfiguredWhileOthersAsk) {
  atomic_window w({.rate = {10, 1us}}, none);
  std::atomic<bool> done{false};
  std::thread other([&] {
    for (int i = 0; i < 500; ++i)
      w.reconfigure_at(at(nanoseconds(i)), {.rate = {i % 2 == 0 ? 10u : 11u, 1us}});
    done = true;
  });
  std::uint64_t passed = 0;
  for (std::int64_t now = 0; !done; now = now < 900 ? now + 1 : now) {
    passed += w.try_acquire_at(at(nanoseconds(now))) ? 1u : 0u;
    ASSERT_LE(w.peek_at(at(nanoseconds(now))).limit - 10, 1u);
  }
  other.join();
  EXPECT_LE(passed, 11u);
}

TEST(FixedWindow, KeepsItsBytes) {
  window w({.rate = quoin::per_minute(1000), .offset = 10s, .max_debt = 500}, none);
  w.debit_at(at(75s), 1234);
  const auto bytes = w.to_bytes_at(at(80s));
  expect_golden("limit/fixed_window.bin", bytes);
  expect_harmless<window>(read_golden("limit/fixed_window.bin"));
  EXPECT_EQ(window::from_bytes_at(with_all_flags(bytes), at(0s), none).error().position(), 5u);
  const auto back = window::from_bytes_at(bytes, at(-500s), none);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->options(), w.options());
  EXPECT_EQ(back->peek_at(at(-500s)).remaining, 0u);
  EXPECT_EQ(back->peek_at(at(-470s)).remaining, 766u);
  for (const auto& [offset, word] :
       std::vector<std::pair<std::size_t, std::uint64_t>>{{8, std::uint64_t{1} << 63},
                                                          {16, 0},
                                                          {32, std::uint64_t{1} << 63},
                                                          {40, ~std::uint64_t{0}},
                                                          {48, 1501},
                                                          {56, 1},
                                                          {64, 1},
                                                          {64, 180'000'000'000}}) {
    EXPECT_FALSE(window::from_bytes_at(patched(bytes, offset, word), at(0s), none).has_value())
        << offset;
  }
  const window fresh({.rate = quoin::per_minute(1)}, none);
  const auto unused = window::from_bytes_at(fresh.to_bytes_at(at(80s)), at(99s), none);
  EXPECT_EQ(unused->peek_at(at(-9h)).remaining, 1u);
}

TEST(FixedWindow, ReadsTheClock) {
  manual_clock clock;
  window w({.rate = quoin::per_second(1)}, clock);
  EXPECT_TRUE(w.try_acquire());
  EXPECT_EQ(w.time_until(), 1s);
  clock.advance(1s);
  EXPECT_TRUE(w.try_acquire());
  quoin::atomic_fixed_window now({.rate = quoin::per_day(2)});
  EXPECT_TRUE(now.try_acquire());
}

}  // namespace
