// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/sliding_log.hpp>

#include "support/allocators.hpp"
#include "window_testing.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace quoin_test;
using quoin::inherit;
using quoin::limit_reason;
using quoin::log_edge;
using quoin::manual_clock;
using quoin::never;
using quoin::sliding_log_options;
using log = quoin::sliding_log<manual_clock>;
using atomic_log = quoin::atomic_sliding_log<manual_clock>;

static_assert(quoin::limiter<log> && quoin::limiter<quoin::sliding_log<>>);
static_assert(quoin::limiter<atomic_log> && quoin::limiter<quoin::atomic_sliding_log<>>);

const manual_clock none;

// The trace of the textbook, 2 a minute: in at 1:00:01 and 1:00:30, refused at 1:00:50, in at
// 1:01:40.
TEST(SlidingLog, DecidesAsTheTraceSays) {
  for (const bool keep : {false, true}) {
    for (const log_edge edge : {log_edge::open, log_edge::closed}) {
      log two({.rate = quoin::per_minute(2), .edge = edge, .keep_refused = keep}, none);
      EXPECT_TRUE(two.try_acquire_at(at(1h + 1s)));
      EXPECT_TRUE(two.try_acquire_at(at(1h + 30s)));
      EXPECT_FALSE(two.try_acquire_at(at(1h + 50s)));
      const auto d = two.try_acquire_at(at(1h + 100s));
      EXPECT_TRUE(d.allowed);
      EXPECT_EQ(d.remaining, keep ? 0u : 1u);  // the stamp of 1:00:50, exactly 50 s old
    }
  }
}

// A request each second against 2 a minute for 600 s: 20 are let in, 2 if the refused ones stay.
TEST(SlidingLog, StarvesWhoNeverPausesIfRefusalsAreKept) {
  for (const bool keep : {false, true}) {
    log two({.rate = quoin::per_minute(2), .keep_refused = keep}, none);
    std::uint64_t passed = 0;
    for (int i = 0; i < 600; ++i) passed += two.try_acquire_at(at(1s * i)) ? 1u : 0u;
    EXPECT_EQ(passed, keep ? 2u : 20u);
  }
}

TEST(SlidingLog, CountsWhatIsExactlyAWindowOldIfTold) {
  for (const bool closed : {false, true}) {
    log one({.rate = quoin::per_minute(1), .edge = closed ? log_edge::closed : log_edge::open},
            none);
    EXPECT_TRUE(one.try_acquire_at(at(0s)));
    EXPECT_EQ(one.time_until_at(at(10s)), 50s + (closed ? 1ns : 0ns));
    EXPECT_EQ(one.try_acquire_at(at(60s)).allowed, !closed);
    EXPECT_EQ(one.try_acquire_at(at(60s + 1ns)).allowed, closed);
  }
}

TEST(SlidingLog, SaysWhatIsLeftAndWhenToComeAgain) {
  log three({.rate = quoin::per_second(3)}, none);
  EXPECT_EQ(three.try_acquire_at(at(10s), 2),
            (quoin::decision{.allowed = true, .limit = 3, .remaining = 1, .reset_after = 1s}));
  EXPECT_EQ(three.try_acquire_at(at(10s + 400ms)).remaining, 0u);
  EXPECT_EQ(three.try_acquire_at(at(10s + 500ms), 3),
            (quoin::decision{.reason = limit_reason::limited,
                             .limit = 3,
                             .remaining = 0,
                             .retry_after = 900ms,
                             .reset_after = 900ms}));
  EXPECT_EQ(three.time_until_at(at(10s + 500ms), 2), 500ms);
  EXPECT_EQ(three.try_acquire_at(at(11s), 4).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(three.try_acquire_at(at(11s), 4).retry_after, never);
  EXPECT_EQ(three.acquire_up_to_at(at(11s), 9), 2u);
  three.refund_at(at(11s), 1);  // the latest
  EXPECT_EQ(three.peek_at(at(11s)).remaining, 1u);
  EXPECT_EQ(three.peek_at(at(11s + 400ms)).remaining, 2u);
  three.refund_at(at(11s), 9);
  EXPECT_EQ(three.peek_at(at(11s)).remaining, 3u);
  three.reset();
  EXPECT_EQ(three.peek_at(at(-1h)).remaining, 3u);
  log closed({.rate = quoin::per_second(0)}, none);
  EXPECT_TRUE(closed.try_acquire_at(at(1s), 0).allowed);
  EXPECT_EQ(closed.try_acquire_at(at(1s)).retry_after, never);
  EXPECT_EQ(closed.try_acquire_at(at(1s)).reason, limit_reason::no_rate);
  EXPECT_EQ(closed.acquire_up_to_at(at(1s), 3), 0u);
}

TEST(SlidingLog, NeverGivesBackWhatAClockThatGoesBackTook) {
  log two({.rate = quoin::per_second(2), .max_backward_step = 10s}, none);
  EXPECT_TRUE(two.try_acquire_at(at(100s)));
  EXPECT_TRUE(two.try_acquire_at(at(90s)));  // noted as of 100 s
  EXPECT_FALSE(two.try_acquire_at(at(95s)));
  EXPECT_EQ(two.time_until_at(at(95s)), 6s);
  EXPECT_EQ(two.peek_at(at(80s)).retry_after, 1s);  // set anew
  EXPECT_FALSE(two.try_acquire_at(at(80s)));
  EXPECT_TRUE(two.try_acquire_at(at(81s), 2));
  log far({.rate = quoin::per_second(2)}, none);
  for (const std::int64_t now : {INT64_MIN, INT64_MAX, std::int64_t{0}}) {
    far.try_acquire_at(at(nanoseconds(now)));
    EXPECT_LE(far.peek_at(at(nanoseconds(now))).remaining, 1u);
  }
}

/// The definition: times of what counts, in order.
struct model {
  sliding_log_options options;
  std::vector<std::int64_t> times;

  bool try_acquire(std::int64_t now, std::uint64_t cost) {
    const std::int64_t edge = options.edge == log_edge::closed ? 1 : 0;
    std::uint64_t live = 0;
    for (const std::int64_t time : times) live += now - time < options.rate.per.count() + edge;
    const std::uint64_t limit = options.rate.count;
    const bool passes = cost == 0 || (cost <= limit && live <= limit && cost <= limit - live);
    if (passes || (options.keep_refused && cost <= limit))
      times.insert(times.end(), static_cast<std::size_t>(cost), now);
    return passes;
  }
};

TEST(SlidingLog, DoesWhatAListOfTimesDoes) {
  for (unsigned seed = 0; seed < 24; ++seed) {
    const sliding_log_options options{.rate = {seed % 6, nanoseconds(seed % 5 * seed + 1)},
                                      .edge = seed % 2 == 0 ? log_edge::open : log_edge::closed,
                                      .keep_refused = seed % 3 == 0};
    log value(options, none);
    atomic_log atomic(options, none);
    model list{options, {}};
    std::mt19937_64 random(seed);
    std::int64_t now = 0;
    for (int i = 0; i < 600; ++i) {
      now += static_cast<std::int64_t>(random() % (seed % 7 * 4 + 1));
      const std::uint64_t cost = random() % 4;
      expect_exact_retry(value, now, cost);
      const auto d = value.try_acquire_at(at(nanoseconds(now)), cost);
      ASSERT_EQ(d.allowed, list.try_acquire(now, cost)) << seed << " " << i;
      ASSERT_EQ(d, atomic.try_acquire_at(at(nanoseconds(now)), cost)) << seed << " " << i;
      ASSERT_EQ(d.remaining, value.peek_at(at(nanoseconds(now)), 0).remaining);
    }
    if (!options.keep_refused && options.rate.count != 0) {
      EXPECT_LE(most_within(list.times, options.rate.per.count()), options.rate.count);
    }
  }
}

TEST(AtomicSlidingLog, AnswersAsTheValueDoes) {
  const sliding_log_options options{.rate = {37, 1us}, .max_backward_step = 3us};
  log value(options, none);
  atomic_log atomic(options, none);
  wandering_time time(5, 300);
  for (int i = 0; i < 5000; ++i) {
    const auto now = at(nanoseconds(time.next()));
    const std::uint64_t cost = time.draw_below(12);
    ASSERT_EQ(value.peek_at(now, cost), atomic.peek_at(now, cost)) << i;
    switch (time.draw_below(16)) {
      case 0:
        value.reset(), atomic.reset();
        break;
      case 1:
        ASSERT_EQ(value.acquire_up_to_at(now, cost), atomic.acquire_up_to_at(now, cost));
        break;
      case 2: {
        const auto back = log::from_bytes_at(atomic.snapshot_at(now).to_bytes_at(now), now, none);
        ASSERT_TRUE(back.has_value()) << back.error().message();
        const atomic_log again(value, now);
        for (const std::uint64_t n : {0u, 1u, 30u}) {
          ASSERT_EQ(back->peek_at(now, n), value.peek_at(now, n)) << i;
          ASSERT_EQ(again.peek_at(now, n), value.peek_at(now, n)) << i;
        }
        break;
      }
      default:
        ASSERT_EQ(value.try_acquire_at(now, cost), atomic.try_acquire_at(now, cost)) << i;
    }
  }
  atomic.reset();
  EXPECT_TRUE(atomic.try_acquire_at(at(0s), 30));
  EXPECT_TRUE(atomic.try_acquire_at(at(500ns), 7));
  atomic.refund_at(at(500ns), 7);  // the oldest
  EXPECT_EQ(atomic.peek_at(at(500ns)).remaining, 7u);
  EXPECT_EQ(atomic.peek_at(at(1us)).remaining, 30u);
}

// Also when the clock now says less than at a refund before.
template <class Log>
void expect_that_what_remains_passes(std::uint64_t seed) {
  const sliding_log_options options{.rate = {20, 1us}, .max_backward_step = 3us};
  Log w(options, none);
  wandering_time time(seed, 300);
  for (int i = 0; i < 5000; ++i) {
    const auto now = at(nanoseconds(time.next()));
    const std::uint64_t cost = time.draw_below(8);
    if (time.draw_below(4) == 0) {
      w.refund_at(now, cost);
    } else {
      const auto before = w.peek_at(now, cost);
      const auto d = w.try_acquire_at(now, cost);
      ASSERT_EQ(d.allowed, cost <= before.remaining) << i;
      ASSERT_EQ(d.retry_after, before.retry_after) << i;
      const std::uint64_t left = d.remaining;
      ASSERT_TRUE(w.peek_at(now, left).allowed) << i;
      ASSERT_FALSE(w.peek_at(now, left + 1).allowed) << i;
    }
  }
}

TEST(AtomicSlidingLog, LetsPassWhatItSaysRemains) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    expect_that_what_remains_passes<atomic_log>(seed);
    expect_that_what_remains_passes<log>(seed);
  }
}

TEST(AtomicSlidingLog, NeverLetsMoreInThanTheLimit) {
  for (const unsigned threads : {2u, 4u, 8u}) {
    for (const std::uint64_t limit : {2u, 100u}) {
      atomic_log w({.rate = {limit, 1us}, .max_backward_step = never}, none);
      const auto times = admissions(w, threads, 4000, 1);
      EXPECT_LE(most_within(times, 1000), limit);
      // More depends on the scheduler: who is stopped between taking a cell and writing its time
      // keeps the others from it for as long, and the time here is that of their requests.
      EXPECT_GE(times.size(), limit);
    }
  }
}

TEST(SlidingLog, InheritsAsItIsTold) {
  const auto left = [](inherit what, std::uint64_t limit) {
    log w({.rate = quoin::per_minute(10)}, none);
    w.try_acquire_at(at(10s), 3);
    w.try_acquire_at(at(30s), 3);
    w.reconfigure_at(at(30s), {.rate = {limit, 1min}}, what);
    return std::pair(w.peek_at(at(30s)).remaining, w.peek_at(at(70s)).remaining);
  };
  using pair = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(left(inherit::full, 7), pair(7, 7));
  EXPECT_EQ(left(inherit::nothing, 7), pair(0, 0));
  EXPECT_EQ(left(inherit::tokens, 100), pair(4, 7));
  EXPECT_EQ(left(inherit::tokens, 3), pair(3, 3));
  EXPECT_EQ(left(inherit::share, 20), pair(8, 11));
  EXPECT_EQ(left(inherit::share, 5), pair(2, 2));
}

TEST(SlidingLog, TakesWhatThereIsOnceItsClockWasSetBack) {
  log w({.rate = quoin::per_second(5)}, none);
  w.try_acquire_at(at(10h), 5);
  EXPECT_EQ(w.acquire_up_to_at(at(1h), 5), 0u);
  EXPECT_EQ(w.acquire_up_to_at(at(3601s), 9), 5u);
}

TEST(SlidingLog, InheritsWhatAShorterWindowWouldHaveForgotten) {
  for (const inherit what : {inherit::tokens, inherit::share, inherit::nothing}) {
    log w({.rate = quoin::per_hour(5)}, none);
    w.try_acquire_at(at(10s), 5);
    w.reconfigure_at(at(20s), {.rate = quoin::per_second(5)}, what);
    EXPECT_FALSE(w.try_acquire_at(at(20s)));
    EXPECT_TRUE(w.try_acquire_at(at(21s), 5));
  }
}

TEST(SlidingLog, AllocatesOnceAndLosesNothing) {
  memory_account account;
  const accounted_allocator<std::byte> allocator(account);
  quoin::sliding_log w({.rate = {1000, 1s}}, none, allocator);
  EXPECT_EQ(account.requests, 1u);
  EXPECT_EQ(account.live_bytes, 8000u);
  for (int i = 0; i < 5000; ++i) w.try_acquire_at(at(1ms * i));
  EXPECT_EQ(account.requests, 1u);
  account.requests_until_failure = 0;
  EXPECT_THROW(w.reconfigure_at(at(5s), {.rate = {2000, 1s}}), std::bad_alloc);
  EXPECT_EQ(w.options().rate.count, 1000u);
  EXPECT_EQ(w.peek_at(at(5s)).remaining, 1u);
}

TEST(SlidingLog, RefusesOptionsOutOfRange) {
  EXPECT_THROW(log({.rate = {1, 0s}}, none), std::invalid_argument);
  EXPECT_THROW(log({.rate = {std::uint64_t{1} << 31, 1s}}, none), std::invalid_argument);
  EXPECT_THROW(atomic_log({.rate = {1, 1s}, .max_backward_step = -1ns}, none),
               std::invalid_argument);
}

TEST(SlidingLog, KeepsItsBytes) {
  log w({.rate = quoin::per_minute(6), .edge = log_edge::closed, .keep_refused = true}, none);
  w.try_acquire_at(at(5s), 2);
  w.try_acquire_at(at(40s), 2);
  w.try_acquire_at(at(50s), 1);
  const auto bytes = w.to_bytes_at(at(66s));
  expect_golden("limit/sliding_log.bin", bytes);
  expect_harmless<log>(read_golden("limit/sliding_log.bin"));
  EXPECT_EQ(log::from_bytes_at(with_all_flags(bytes), at(0s), none).error().position(), 5u);
  const auto back = log::from_bytes_at(bytes, at(-1h), none);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->options(), w.options());
  EXPECT_EQ(back->peek_at(at(-1h), 4), w.peek_at(at(66s), 4));
  for (const auto& [offset, word] :
       std::vector<std::pair<std::size_t, std::uint64_t>>{{8, 5},
                                                          {16, 0},
                                                          {32, 7},
                                                          {40, 1},
                                                          {64, 60'000'000'001},
                                                          {64, 1},
                                                          {80, 27'000'000'000}}) {
    EXPECT_FALSE(log::from_bytes_at(patched(bytes, offset, word), at(0s), none).has_value())
        << offset;
  }
  // What is exactly a window old counts where the edge is closed, and has left where it is open.
  log open({.rate = quoin::per_minute(1)}, none);
  open.try_acquire_at(at(5s));
  const auto aged = [&](const log& of, nanoseconds age) {
    const auto form = patched(of.to_bytes_at(at(6s)), 40, static_cast<std::uint64_t>(age.count()));
    return log::from_bytes_at(form, at(0s), none);
  };
  EXPECT_EQ(aged(open, 60s).error().position(), 40u);
  EXPECT_FALSE(aged(open, 60s - 1ns).value().peek_at(at(0s)));
  log closed({.rate = quoin::per_minute(1), .edge = log_edge::closed}, none);
  closed.try_acquire_at(at(5s));
  EXPECT_FALSE(aged(closed, 60s).value().peek_at(at(0s)));
}

}  // namespace
