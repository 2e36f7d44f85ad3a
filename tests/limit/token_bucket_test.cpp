// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/token_bucket.hpp>

#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::decision;
using quoin::inherit;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::never;
using time_point = manual_clock::time_point;
using nanoseconds = std::chrono::nanoseconds;
using bucket = quoin::token_bucket<manual_clock>;

constexpr time_point at(nanoseconds time) { return time_point(time); }

static_assert(quoin::limiter<quoin::token_bucket<>>);
static_assert(quoin::limiter<bucket>);
static_assert(std::is_trivially_copyable_v<bucket>);
static_assert(!std::is_constructible_v<bucket, quoin::token_bucket_options>, "a clock is needed");
static_assert(!std::is_constructible_v<bucket, quoin::token_bucket_options, manual_clock>,
              "one that outlives the bucket");

static_assert(quoin::limiter<quoin::atomic_token_bucket<>>);
static_assert(!std::is_copy_constructible_v<quoin::atomic_token_bucket<>>);

const manual_clock epoch;

bucket make(const quoin::token_bucket_options& options) { return bucket(options, epoch); }

// "allowed remaining retry reset" of a decision, times in milliseconds.
std::string text(const decision& d) {
  const auto ms = [](nanoseconds time) {
    return time == never ? "never" : std::to_string(time.count() / 1'000'000);
  };
  return std::string(d.allowed ? "yes " : "no ") + std::to_string(d.remaining) + ' ' +
         ms(d.retry_after) + ' ' + ms(d.reset_after);
}

TEST(token_bucket, four_tokens_and_two_a_second) {
  bucket b = make({.rate = quoin::per_second(2), .burst = 4});
  const char* const trace[] = {"0 yes 3 0 500",    "0 yes 2 0 1000",  "0 yes 1 0 1500",
                               "0 yes 0 0 2000",   "0 no 0 500 2000", "499 no 0 1 1501",
                               "500 yes 0 0 2000", "999 no 0 1 1501", "1600 yes 1 0 1400",
                               "9000 yes 3 0 500"};
  for (const std::string line : trace) {
    const std::size_t space = line.find(' ');
    const time_point now = at(std::chrono::milliseconds(std::stoi(line)));
    EXPECT_EQ(text(b.try_acquire_at(now)), line.substr(space + 1)) << line;
  }
}

TEST(token_bucket, four_tokens_and_four_a_minute) {
  bucket b = make({.rate = quoin::per_minute(4), .burst = 4});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(b.try_acquire_at(at(0s)));
  EXPECT_EQ(text(b.try_acquire_at(at(1s))), "no 0 14000 59000");
  EXPECT_EQ(b.acquire_up_to_at(at(44s), 9), 2u);
  EXPECT_EQ(text(b.try_acquire_at(at(60s), 2)), "yes 0 0 60000");
  EXPECT_EQ(text(b.try_acquire_at(at(200s), 4)), "yes 0 0 60000") << "what does not fit is lost";
}

TEST(token_bucket, in_the_time_of_a_clock) {
  manual_clock clock;
  quoin::token_bucket b({.rate = quoin::per_second(10)}, clock);
  EXPECT_EQ(b.peek().limit, 10u) << "a burst of the count";
  EXPECT_EQ(b.acquire_up_to(100), 10u);
  EXPECT_EQ(b.time_until(), 100ms);
  clock.advance(100ms);
  EXPECT_EQ(b.time_until(), 0ns);
  EXPECT_TRUE(b.try_acquire());
  EXPECT_FALSE(b.try_acquire());
  b.refund();
  EXPECT_TRUE(b.try_acquire());
  EXPECT_EQ(b.reserve(2).wait, 200ms);
  EXPECT_EQ(text(b.debit(3)), "yes 0 0 1500");
  b.reset();
  EXPECT_EQ(b.peek().remaining, 10u);

  quoin::token_bucket real({.rate = quoin::per_hour(1), .burst = 2});
  EXPECT_TRUE(real.try_acquire());
  EXPECT_TRUE(real.try_acquire_at(std::chrono::steady_clock::now()));
  EXPECT_FALSE(real.try_acquire());
}

TEST(token_bucket, keeps_every_rate_exactly_at_any_age_of_the_clock) {
  const quoin::rate rates[] = {{3, 1s},  {600'000'000, 1s}, {999'999'937, 1s}, {1'000'000'000, 1s},
                               {7, 24h}, {1, 24h},          {1'000'003, 1h},   {5, 3ns},
                               {2, 7ns}};
  for (const quoin::rate& rate : rates) {
    const std::uint64_t count = rate.count, per = static_cast<std::uint64_t>(rate.per.count());
    const auto due = [&](std::uint64_t time) {
      return time / per * count + time % per * count / per;
    };
    for (const nanoseconds origin : {0ns, nanoseconds(1'700'000'000s), nanoseconds(87'600h)}) {
      bucket b = make({.rate = rate, .burst = 50});
      ASSERT_EQ(b.acquire_up_to_at(at(origin), 60), 50u);
      std::uint64_t taken = 0;
      for (std::uint64_t k = 1; k < 3000; k += 1 + k % 3) {
        const std::uint64_t first = k / count * per + (k % count * per + count - 1) / count;
        for (const std::uint64_t time : {first - 1, first}) {
          if (due(time) < taken) continue;
          const time_point now = at(origin + nanoseconds(static_cast<std::int64_t>(time)));
          ASSERT_EQ(b.acquire_up_to_at(now, 60), due(time) - taken) << count << ' ' << k;
          taken = due(time);
        }
      }
    }
  }
}

TEST(token_bucket, retry_after_is_the_first_moment_and_reset_after_that_of_a_full_one) {
  bucket b = make({.rate = {7, 1000ns}, .burst = 5});
  for (std::int64_t time = 0; time < 3000; time += 37) {
    for (std::uint64_t cost = 1; cost <= 5; ++cost) {
      const decision d = b.peek_at(at(nanoseconds(time)), cost);
      ASSERT_EQ(d.allowed, d.retry_after == 0ns);
      ASSERT_TRUE(b.peek_at(at(nanoseconds(time) + d.retry_after), cost));
      ASSERT_EQ(b.time_until_at(at(nanoseconds(time)), cost), d.retry_after);
      if (!d) {
        ASSERT_FALSE(b.peek_at(at(nanoseconds(time) + d.retry_after - 1ns), cost));
      }
      const nanoseconds full = nanoseconds(time) + d.reset_after;
      ASSERT_EQ(b.peek_at(at(full)).remaining, 5u);
      ASSERT_EQ(b.peek_at(at(full)).reset_after, 0ns);
      if (d.reset_after > 0ns) {
        ASSERT_GT(b.peek_at(at(full - 1ns)).reset_after, 0ns);
      }
    }
    b.try_acquire_at(at(nanoseconds(time)), 1 + static_cast<std::uint64_t>(time) % 4);
  }
}

TEST(token_bucket, says_why_not) {
  bucket b = make({.rate = quoin::per_second(1), .burst = 3});
  EXPECT_EQ(b.try_acquire_at(at(0s), 4).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(b.try_acquire_at(at(0s), 4).retry_after, never);
  EXPECT_EQ(b.try_acquire_at(at(0s), ~std::uint64_t{0}).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(b.try_acquire_at(at(0s), 3).reason, limit_reason::none);
  EXPECT_EQ(b.try_acquire_at(at(0s), 1).reason, limit_reason::limited);
  EXPECT_EQ(text(b.try_acquire_at(at(0s), 0)), "yes 0 0 3000");

  bucket none = make({.rate = quoin::per_second(0), .burst = 2});
  EXPECT_EQ(text(none.try_acquire_at(at(0s))), "yes 1 0 never");
  EXPECT_TRUE(none.try_acquire_at(at(0s)));
  EXPECT_EQ(text(none.try_acquire_at(at(100h))), "no 0 never never");
  EXPECT_EQ(none.try_acquire_at(at(100h)).reason, limit_reason::no_rate);
  EXPECT_EQ(none.reserve_at(at(0s)).reason, limit_reason::no_rate);
  none.refund_at(at(0s));
  EXPECT_TRUE(none.try_acquire_at(at(0s)));

  bucket shut = make({.rate = quoin::per_second(0)});
  EXPECT_EQ(text(shut.try_acquire_at(at(0s))), "no 0 never 0");
  EXPECT_EQ(shut.try_acquire_at(at(0s), 5).reason, limit_reason::no_rate);
  EXPECT_EQ(shut.reserve_at(at(0s)).reason, limit_reason::no_rate);
}

TEST(token_bucket, tokens_of_the_future) {
  bucket b = make({.rate = quoin::per_second(1), .burst = 3, .max_debt = 4});
  EXPECT_EQ(b.reserve_at(at(0s), 2), (quoin::reservation{.granted = true, .cost = 2}));
  EXPECT_EQ(b.reserve_at(at(0s), 2), (quoin::reservation{.granted = true, .cost = 2, .wait = 1s}));
  EXPECT_EQ(b.reserve_at(at(0s), 2, 1s),
            (quoin::reservation{.reason = limit_reason::limited, .wait = 3s}));
  const auto last = b.reserve_at(at(0s), 3);
  EXPECT_EQ(last.wait, 4s);
  EXPECT_EQ(b.reserve_at(at(0s), 1),
            (quoin::reservation{.reason = limit_reason::debt_above_limit, .wait = 5s}));
  EXPECT_EQ(b.reserve_at(at(9s), 4),
            (quoin::reservation{.reason = limit_reason::cost_above_limit, .wait = never}));
  EXPECT_EQ(b.reserve_at(at(0s), 0), (quoin::reservation{.granted = true}));
  EXPECT_EQ(text(b.peek_at(at(0s))), "no 0 5000 7000");
  b.cancel_at(at(0s), last);
  EXPECT_EQ(text(b.peek_at(at(0s))), "no 0 2000 4000");

  EXPECT_EQ(text(b.debit_at(at(0s), 3)), "yes 0 0 7000");
  const decision refused = b.debit_at(at(0s), 2);
  EXPECT_EQ(text(refused), "no 0 2000 7000");
  EXPECT_EQ(refused.reason, limit_reason::debt_above_limit);
  EXPECT_EQ(b.debit_at(at(0s), 8).retry_after, never);
  EXPECT_EQ(b.debit_at(at(100s), 7).reset_after, 7s) << "the burst and the debt at once";
  b.refund_at(at(100s), ~std::uint64_t{0});
  EXPECT_EQ(text(b.peek_at(at(100s))), "yes 3 0 0") << "never fuller than full";
}

TEST(token_bucket, a_clock_that_goes_back_brings_nothing_back) {
  bucket b = make({.rate = quoin::per_second(1), .burst = 3, .max_backward_step = 10s});
  EXPECT_TRUE(b.try_acquire_at(at(-500h), 0)) << "a new one has no past";
  EXPECT_EQ(b.acquire_up_to_at(at(100s), 2), 2u);
  EXPECT_EQ(text(b.peek_at(at(99s))), "no 0 1000 3000") << "what came since 99 s has not yet";
  EXPECT_EQ(text(b.try_acquire_at(at(95s))), "no 0 5000 7000");
  EXPECT_EQ(text(b.try_acquire_at(at(90s))), "no 0 10000 12000");
  EXPECT_TRUE(b.try_acquire_at(at(100s)));
  EXPECT_EQ(text(b.peek_at(at(100s))), "no 0 1000 3000");

  // Set anew by more than ten seconds: on from there, empty.
  EXPECT_EQ(text(b.peek_at(at(50s))), "no 0 1000 3000");
  EXPECT_EQ(text(b.peek_at(at(100s))), "no 0 1000 3000") << "a question settles nothing";
  EXPECT_EQ(text(b.try_acquire_at(at(50s))), "no 0 1000 3000");
  EXPECT_TRUE(b.try_acquire_at(at(51s)));
  EXPECT_EQ(b.debit_at(at(51s), 2).reset_after, 5s);
  EXPECT_EQ(text(b.try_acquire_at(at(40s))), "no 0 14000 16000") << "six may be owed, and ten";
  EXPECT_EQ(text(b.try_acquire_at(at(40s) - 1ns)), "no 0 1000 3000");
}

TEST(token_bucket, what_may_take_notices_a_clock_that_was_set_anew_and_looking_does_not) {
  bucket b = make({.rate = quoin::per_second(1), .burst = 3});
  EXPECT_TRUE(b.try_acquire_at(at(10h)));
  quoin::atomic_token_bucket shared(b);
  const auto ask_for_nothing = [](auto& limiter, int verb) {
    EXPECT_FALSE(limiter.peek_at(at(5h))) << "empty as of any such time";
    EXPECT_EQ(limiter.time_until_at(at(5h + 1s)), 1s);
    if (verb == 0) limiter.try_acquire_at(at(5h), 0);
    if (verb == 1) limiter.acquire_up_to_at(at(5h), 0);
    if (verb == 2) limiter.debit_at(at(5h), 0);
    EXPECT_EQ(limiter.time_until_at(at(5h)), 1s);
    EXPECT_EQ(limiter.time_until_at(at(5h + 1s)), 0s);
    EXPECT_TRUE(limiter.try_acquire_at(at(10h)));
  };
  for (int verb = 0; verb < 3; ++verb) {
    ask_for_nothing(b, verb);
    ask_for_nothing(shared, verb);
  }
}

TEST(token_bucket, the_last_and_the_longest_of_times) {
  // The arrival time is beyond what the clock can tell.
  const time_point last = time_point::max();
  bucket b = make({.rate = quoin::per_second(1), .burst = 119, .max_debt = 120});
  b.debit_at(last, 239);
  quoin::atomic_token_bucket shared(make(b.options()));
  shared.debit_at(last, 239);
  for (const auto back : {10s, 59s, 61s, 179s, 300s}) {
    EXPECT_EQ(shared.peek_at(last - back), b.peek_at(last - back)) << back.count();
  }
  EXPECT_EQ(b.peek_at(last - 179s).reset_after, 119s);

  // Further back than any wait can tell.
  bucket far = make({.rate = {2, 1ns}, .burst = 100, .max_backward_step = nanoseconds::max()});
  EXPECT_TRUE(far.try_acquire_at(at(0ns), 10));
  const time_point before = time_point::min();
  const nanoseconds wait = far.time_until_at(before);
  EXPECT_EQ(wait, nanoseconds::max() - 43ns);
  EXPECT_TRUE(far.peek_at(before + wait));
  EXPECT_FALSE(far.peek_at(before + wait - 1ns));
  EXPECT_EQ(far.time_until_at(before, 100), never);
}

struct clock_of_seconds {
  using rep = std::int64_t;
  using period = std::ratio<1>;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<clock_of_seconds>;
  static time_point now() { return time_point(5s); }
};

TEST(token_bucket, a_clock_of_seconds_tells_more_than_there_are_nanoseconds) {
  using at_second = clock_of_seconds::time_point;
  quoin::token_bucket<clock_of_seconds> b({.rate = quoin::per_second(1), .burst = 3});
  EXPECT_TRUE(b.try_acquire(3));
  EXPECT_EQ(b.time_until_at(at_second(6s)), 0s);
  EXPECT_EQ(b.peek_at(at_second(10'000'000'000s)).remaining, 3u);
  EXPECT_EQ(b.peek_at(at_second::max()).remaining, 3u);
  EXPECT_EQ(b.peek_at(at_second(-10'000'000'000s)).remaining, 0u);
  EXPECT_EQ(b.peek_at(at_second::min()).remaining, 0u);
}

// Threads read their clocks a little apart.
TEST(token_bucket, what_is_given_back_to_a_full_one_takes_nothing_away) {
  bucket b = make({.rate = quoin::per_second(1'000'000'000), .burst = 10});
  quoin::atomic_token_bucket shared(b);
  b.refund_at(at(1s + 1us));
  shared.refund_at(at(1s + 1us));
  EXPECT_EQ(b.peek_at(at(1s)).remaining, 10u) << "a new one";
  EXPECT_EQ(shared.peek_at(at(1s)).remaining, 10u);
  b.try_acquire_at(at(2s), 10);
  shared.try_acquire_at(at(2s), 10);
  b.refund_at(at(2s + 1us), 4);
  shared.refund_at(at(2s + 1us), 4);
  EXPECT_EQ(b.peek_at(at(2s + 10ns)).remaining, 10u) << "one that has filled";
  EXPECT_EQ(shared.peek_at(at(2s + 10ns)).remaining, 10u);
}

TEST(token_bucket, all_times_that_a_clock_can_tell) {
  const nanoseconds ends[] = {nanoseconds::min(),       nanoseconds::min() + 1ns, -1ns, 0ns, 1ns,
                              nanoseconds::max() - 1ns, nanoseconds::max()};
  constexpr std::uint64_t most_units = std::uint64_t{1} << 58;
  constexpr nanoseconds longest(std::int64_t{1} << 58);
  const struct {
    quoin::token_bucket_options options;
    std::uint64_t full_after;  // nanoseconds, 0: never
  } quotas[] = {{{.rate = {1, 1s}, .max_backward_step = nanoseconds::max()}, 1'000'000'000},
                {{.rate = {most_units, 1ns}}, 1},
                {{.rate = {1, longest}, .max_backward_step = 0ns}, most_units},
                {{.rate = {most_units - 1, longest}, .burst = 1}, 2},
                {{.rate = {0, 1ns}, .burst = most_units}, 0}};
  for (const auto& quota : quotas) {
    for (const nanoseconds first : ends) {
      for (const nanoseconds second : ends) {
        bucket b = make(quota.options);
        const std::uint64_t most = b.peek_at(at(first)).limit;
        ASSERT_TRUE(b.debit_at(at(first), most));
        const decision d = b.try_acquire_at(at(second), most);
        const std::uint64_t passed =
            static_cast<std::uint64_t>(second.count()) - static_cast<std::uint64_t>(first.count());
        ASSERT_EQ(d.allowed, second > first && passed >= quota.full_after && quota.full_after != 0)
            << most << ' ' << first.count() << ' ' << second.count();
        ASSERT_LE(d.remaining, most);
        b.reserve_at(at(second), most);
        b.refund_at(at(first), most);
        b.acquire_up_to_at(at(second), ~std::uint64_t{0});
        b.reconfigure_at(at(first), quota.options, inherit::share);
      }
    }
  }
}

TEST(token_bucket, another_quota) {
  const quoin::token_bucket_options old = {.rate = quoin::per_second(1), .burst = 8};
  const struct {
    std::uint64_t debit;
    quoin::token_bucket_options next;
    inherit what;
    const char* expected;
  } cases[] = {
      {3, {.rate = quoin::per_second(10), .burst = 20}, inherit::tokens, "yes 5 0 1500"},
      {3, {.rate = quoin::per_second(10), .burst = 20}, inherit::share, "yes 12 0 750"},
      {3, {.rate = quoin::per_second(10), .burst = 20}, inherit::full, "yes 20 0 0"},
      {3, {.rate = quoin::per_second(10), .burst = 20}, inherit::nothing, "no 0 100 2000"},
      {3, {.rate = quoin::per_second(2), .burst = 4}, inherit::tokens, "yes 4 0 0"},
      {3, {.rate = quoin::per_second(3), .burst = 3}, inherit::share, "yes 1 0 375"},
      {12, {.rate = quoin::per_second(10), .burst = 20}, inherit::tokens, "no 0 500 2400"},
      {12, {.rate = quoin::per_second(10), .burst = 20}, inherit::share, "no 0 1100 3000"},
      {12, {.rate = quoin::per_second(10), .burst = 2}, inherit::tokens, "no 0 300 400"},
      {12, {.rate = quoin::per_second(10), .burst = 2}, inherit::full, "yes 2 0 0"},
      {3, {.rate = quoin::per_second(0), .burst = 7}, inherit::tokens, "yes 5 0 never"},
      {3, {.rate = quoin::per_second(0)}, inherit::share, "no 0 never 0"},
  };
  for (const auto& c : cases) {
    bucket b = make(old);
    ASSERT_TRUE(b.debit_at(at(0s), c.debit));
    b.reconfigure_at(at(0s), c.next, c.what);
    EXPECT_EQ(text(b.peek_at(at(0s))), c.expected) << c.debit << ' ' << c.next.burst;
    EXPECT_EQ(b.options(), c.next);
  }
  bucket fraction = make({.rate = quoin::per_second(3), .burst = 4});
  EXPECT_TRUE(fraction.try_acquire_at(at(0s), 4));
  fraction.reconfigure_at(at(100ms), {.rate = quoin::per_second(7), .burst = 4});
  EXPECT_EQ(fraction.time_until_at(at(100ms)), 100ms) << "three tenths of a token are there";
  EXPECT_THROW(fraction.reconfigure_at(at(0s), {.rate = {1, 0s}}), std::invalid_argument);
  EXPECT_EQ(fraction.time_until_at(at(100ms)), 100ms);
}

TEST(token_bucket, options_out_of_range) {
  const struct {
    quoin::token_bucket_options options;
    const char* expected;
  } cases[] = {
      {{}, "rate.per = 0, must be 1 ns to 2^58 ns"},
      {{.rate = {1, -1s}}, "rate.per = -1000000000, must be 1 ns to 2^58 ns"},
      {{.rate = {1, nanoseconds::max()}},
       "rate.per = 9223372036854775807, must be 1 ns to 2^58 ns"},
      {{.rate = {~std::uint64_t{0}, 1s}},
       "rate.count = 18446744073709551615, must be at most 288230376151711744 at this rate"},
      {{.rate = quoin::per_day(1), .burst = 3337},
       "burst = 3337, must be at most 3335 at this rate"},
      {{.rate = quoin::per_second(300'000'001)},
       "rate.count (all at once) = 300000001, must be at most 288230376 at this rate"},
      {{.rate = quoin::per_second(3), .burst = 9, .max_debt = 1'000'000'000},
       "max_debt = 1000000000, must be at most 288230376 at this rate"},
      {{.rate = quoin::per_second(1), .max_backward_step = -1ns},
       "max_backward_step = -1, must be 0 or more"},
  };
  for (const auto& c : cases) {
    try {
      make(c.options);
      ADD_FAILURE() << c.expected;
    } catch (const std::invalid_argument& thrown) {
      EXPECT_EQ(thrown.what(), std::string("quoin::token_bucket: ") + c.expected);
    }
  }
}

bucket golden_bucket() {
  bucket b = make({.rate = {600'000'007, 1s}, .burst = 20, .max_debt = 5, .max_backward_step = 2s});
  b.debit_at(at(100s), 23);
  return b;
}

TEST(token_bucket, bytes_are_golden_and_know_no_epoch) {
  const bucket b = golden_bucket();
  const std::vector<std::byte> bytes = b.to_bytes_at(at(100s) + 3ns);
  quoin_test::expect_golden("limit/token_bucket.bin", bytes);
  ASSERT_EQ(bytes.size(), bucket::serialized_size());
  const manual_clock other(at(-5s));
  const auto read = bucket::from_bytes_at(bytes, at(-5s), other);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->options(), b.options());
  EXPECT_EQ(read->to_bytes(), bytes);
  for (const nanoseconds wait : {0ns, 1ns, 2ns, 30ns, 1'000'000'000ns}) {
    EXPECT_EQ(read->peek_at(at(-5s) + wait), b.peek_at(at(100s) + 3ns + wait));
  }
  // Written by a clock that has gone back, they remember by how much.
  const auto earlier = bucket::from_bytes_at(b.to_bytes_at(at(99s)), at(0s), other);
  ASSERT_TRUE(earlier.has_value());
  EXPECT_EQ(earlier->peek_at(at(1s)), b.peek_at(at(100s)));
  EXPECT_EQ(earlier->to_bytes_at(at(0s)), b.to_bytes_at(at(99s)));
  // At the end of all clocks, they owe until then.
  const auto end = manual_clock::time_point::max();
  const auto latest = bucket::from_bytes_at(b.to_bytes_at(at(99s)), end - 500ms, other);
  EXPECT_FALSE(latest.value().peek_at(end - 400ms));

  using real = quoin::token_bucket<>;
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(real::from_bytes_at(bytes, now)->to_bytes_at(now), bytes);
}

TEST(token_bucket, bytes_that_nobody_wrote_are_errors) {
  const auto good = golden_bucket().to_bytes_at(at(100s));
  const auto read = [](std::span<const std::byte> bytes) {
    return bucket::from_bytes_at(bytes, at(0s), epoch);
  };
  quoin_test::for_each_truncation(
      good, [&](auto bytes) { EXPECT_EQ(read(bytes).error().code(), quoin::errc::truncated); });
  quoin_test::for_each_bit_flip(good, [&](auto bytes) { EXPECT_FALSE(read(bytes).has_value()); });
  const struct {
    std::size_t field;
    std::uint64_t value;
    std::uint64_t position;
  } cases[] = {{8, ~std::uint64_t{0}, 8},  {16, 0, 8},
               {24, ~std::uint64_t{0}, 8}, {32, std::uint64_t{1} << 57, 8},
               {40, ~std::uint64_t{0}, 8}, {48, 2'000'000'043, 48},
               {56, 600'000'007, 56}};
  for (const auto& c : cases) {
    auto bytes = good;
    quoin::detail::store_le(&bytes[c.field], c.value);
    quoin::detail::store_le(&bytes[64], quoin::detail::xxh64(bytes.data(), 64, 0));
    const auto result = read(bytes);
    ASSERT_FALSE(result.has_value()) << c.field;
    EXPECT_EQ(result.error().code(), quoin::errc::bad_value);
    EXPECT_EQ(result.error().position(), c.position);
  }
}

using shared = quoin::atomic_token_bucket<manual_clock>;

TEST(atomic_token_bucket, answers_as_the_plain_one) {
  manual_clock clock;
  quoin::atomic_token_bucket b({.rate = quoin::per_second(2), .burst = 4}, clock);
  EXPECT_EQ(text(b.try_acquire_at(at(1s))), "yes 3 0 500");
  EXPECT_EQ(text(b.try_acquire_at(at(1s), 3)), "yes 0 0 2000");
  EXPECT_EQ(text(b.try_acquire_at(at(1s))), "no 0 500 2000");
  EXPECT_EQ(text(b.peek_at(at(2s))), "yes 2 0 1000");
  EXPECT_EQ(text(b.try_acquire_at(at(2s), 5)), "no 2 never 1000");
  EXPECT_EQ(b.acquire_up_to_at(at(2s), 9), 2u);
  EXPECT_EQ(b.reserve_at(at(2s), 2).wait, 1s);
  EXPECT_EQ(text(b.debit_at(at(2s), 2)), "yes 0 0 4000");
  b.refund_at(at(2s));
  EXPECT_EQ(text(b.peek_at(at(2s))), "no 0 2000 3500");
  EXPECT_EQ(text(b.try_acquire_at(at(0s) - 57s)), "no 0 61000 62500");
  b.reconfigure_at(at(2s), {.rate = quoin::per_second(3), .burst = 6}, inherit::share);
  EXPECT_EQ(text(b.peek_at(at(2s))), "no 0 1833 3500");
  EXPECT_EQ(b.options().burst, 6u);
  const auto copy = b.snapshot();
  EXPECT_EQ(copy.options(), b.options());
  EXPECT_EQ(copy.peek_at(at(3s)), b.peek_at(at(3s)));
  const quoin::atomic_token_bucket restored(copy);
  EXPECT_EQ(restored.peek_at(at(3s)), b.peek_at(at(3s)));
  b.reset();
  EXPECT_EQ(text(b.peek_at(at(-99h))), "yes 6 0 0");
  EXPECT_THROW(shared({}, clock), std::invalid_argument);
  EXPECT_THROW(b.reconfigure_at(at(0s), {}), std::invalid_argument);
}

TEST(atomic_token_bucket, runs_through_many_bases) {
  for (const quoin::rate rate : {quoin::rate{999'999'937, 1s}, {1, 24h}, {1 << 20, 1ns}, {0, 1s}}) {
    shared b({.rate = rate, .burst = 50}, epoch);
    bucket plain = make({.rate = rate, .burst = 50});
    std::int64_t now = 1'700'000'000'000'000'000;
    for (int i = 0; i < 2000; ++i) {
      now += std::int64_t{1} << (i * 7 % 50);
      const std::uint64_t cost = 1 + static_cast<std::uint64_t>(i) * 13 % 40;
      ASSERT_EQ(b.try_acquire_at(at(nanoseconds(now)), cost),
                plain.try_acquire_at(at(nanoseconds(now)), cost))
          << rate.count << ' ' << i;
    }
  }
}

/// Runs `body(i)` in `count` threads that begin together.
template <class F>
void in_threads(unsigned count, F body) {
  std::atomic<unsigned> waiting{count};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      --waiting;
      while (waiting != 0) std::this_thread::yield();
      body(i);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(atomic_token_bucket, threads_get_each_token_once) {
  for (const quoin::rate rate : {quoin::per_second(1000), {999'999'937, 1s}, {1 << 20, 3ns}}) {
    shared b({.rate = rate, .burst = 100}, epoch);
    std::atomic<std::uint64_t> taken{0};
    constexpr std::int64_t steps = 20'000;
    // All have the same steps of time to make, of an eighth of a token.
    const auto count = static_cast<std::int64_t>(rate.count);
    const auto time_of = [&](std::int64_t i) {
      return nanoseconds(i * rate.per.count() / (8 * count) + 1'000'000'000'000);
    };
    in_threads(4, [&](unsigned thread) {
      std::uint64_t mine = 0;
      for (std::int64_t i = 0; i < steps; ++i) {
        switch ((i + thread) % 4) {
          case 0:
            mine += b.acquire_up_to_at(at(time_of(i)), 2);
            break;
          case 1:
            mine += b.try_acquire_at(at(time_of(i)), 3) ? 3u : 0u;
            break;
          default:
            mine += b.try_acquire_at(at(time_of(i))) ? 1u : 0u;
        }
      }
      taken += mine;
    });
    const auto came = static_cast<std::uint64_t>((time_of(steps - 1) - time_of(0)).count() * count /
                                                 rate.per.count());
    EXPECT_LE(taken, 100 + came) << rate.count;
    const auto left = b.acquire_up_to_at(at(time_of(steps - 1)), 1000);
    EXPECT_EQ(taken + left, 100 + came) << "there was always somebody to take them";
  }
}

TEST(atomic_token_bucket, quotas_change_under_way) {
  shared b({.rate = {1, 1h}, .burst = 1000}, epoch);
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> given_back{0};
  in_threads(4, [&](unsigned thread) {
    std::uint64_t mine = 0, returned = 0;
    for (std::uint64_t i = 0; i < 3000; ++i) {
      const auto now = at(nanoseconds(static_cast<std::int64_t>(i)));
      if (thread == 0 && i % 8 == 0) {
        b.reconfigure_at(now, {.rate = {1 + i % 3, 1h}, .burst = 1000 + i % 5});
      } else if (thread == 1 && mine > returned) {
        b.refund_at(now);
        ++returned;
      } else {
        mine += b.try_acquire_at(now) ? 1u : 0u;
      }
      const auto copy = b.snapshot();  // of one moment: options and state fit together
      ASSERT_LE(copy.peek_at(now, 0).remaining, copy.options().burst);
      ASSERT_GE(copy.options().burst, 1000u);
    }
    taken += mine;
    given_back += returned;
  });
  const std::uint64_t left = b.peek_at(at(3000ns), 0).remaining;
  EXPECT_LE(taken + left, 1000 + given_back);
  EXPECT_GE(taken + left + 375, 1000 + given_back) << "a change rounds less than a token away";
}

}  // namespace
