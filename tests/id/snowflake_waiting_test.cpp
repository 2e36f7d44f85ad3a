// SPDX-License-Identifier: BSL-1.0
// Snowflakes that are waited for: for the next unit of time, for a clock that was set back, for the time
// at which a generator begins.
#include <quoin/id/snowflake.hpp>

#include "support/snowflakes.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace {

using namespace std::chrono_literals;
using quoin::clock_back;
using quoin::id_error;
using quoin::manual_clock;
using quoin::snowflake_layout;
using quoin::twitter_layout;
using quoin_test::at;
using quoin_test::expect_failure;
using quoin_test::small;
using quoin_test::unix_ms;
using small_generator = quoin::snowflake_generator<small, manual_clock>;

/// Time passes when somebody sleeps, `per_mille` of what they ask for.
struct sleepy_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<sleepy_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;

  time_point now() const { return time_point(time); }
  void sleep_for(duration d) const {
    ++sleeps;
    longest = std::max(longest, d);
    time += d * per_mille / 1000 + 1ns;
  }

  mutable duration time{100ms};
  mutable duration longest{};
  mutable int sleeps = 0;
  int per_mille = 1000;
};

const sleepy_clock sleepy_at_the_end{.time = (1 << 20) * 1ms};

TEST(SnowflakeWaiting, WaitsForTheNextUnitOfTime) {
  for (const int per_mille : {1000, 1500, 300}) {
    sleepy_clock clock;
    clock.per_mille = per_mille;
    quoin::snowflake_generator<small, sleepy_clock> ids({}, clock);
    std::uint64_t last = 0;
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t id = ids.next();
      EXPECT_GT(id, last);
      last = id;
    }
    EXPECT_LE(clock.longest, 1ms) << "never longer than it takes";
    EXPECT_GE(clock.sleeps, 12);
    EXPECT_LT(clock.sleeps, 1000);
  }
}

TEST(SnowflakeWaiting, WaitsForAClockThatWasSetBack) {
  sleepy_clock clock;
  quoin::snowflake_generator<small, sleepy_clock> ids({.on_clock_back = clock_back::wait}, clock);
  const std::uint64_t first = ids.next();
  clock.time -= 90ms;
  EXPECT_EQ(ids.next(), first + 1);
  EXPECT_GE(clock.time, 100ms);
  EXPECT_LE(clock.longest, 50ms) << "it looks at the clock, which may be set meanwhile";
  clock.time -= 6s;
  expect_failure(ids, id_error::clock_back, ", by 6.000 s");

  quoin::snowflake_generator<small, sleepy_clock> later({.not_before = unix_ms(500)}, clock);
  clock.time = 400ms;
  EXPECT_EQ(small::decode(later.next()).time, unix_ms(500));
}

TEST(SnowflakeWaiting, WaitsForTheTimeItBeginsAt) {
  const auto first = [](const quoin::snowflake_options& options) {
    const sleepy_clock clock;  // at 100 ms
    quoin::snowflake_generator<small, sleepy_clock> ids(options, clock);
    return small::decode(ids.next()).time;
  };
  const auto fails = [&](const quoin::snowflake_options& options) {
    EXPECT_THROW(static_cast<void>(first(options)), quoin::id_failure);
  };
  EXPECT_EQ(first({.not_before = unix_ms(10'100), .guard_interval = 10s}), unix_ms(10'100));
  EXPECT_EQ(first({.max_backward = 0ns, .not_before = unix_ms(1100)}), unix_ms(1100));
  EXPECT_EQ(first({.not_before = unix_ms(5100)}), unix_ms(5100)) << "max_backward";
  fails({.max_backward = 0ns, .not_before = unix_ms(1102)});
  fails({.not_before = unix_ms(5102)});
  EXPECT_EQ(first({.max_backward = 0ns, .guard_interval = 1us}), unix_ms(101));
}

/// One generator after the other while the clock hardly moves; with nothing kept between them.
template <class Layout, class Clock>
void expect_no_repetition_in_runs(const Clock& clock, int runs) {
  std::uint64_t last = 0;
  for (int i = 0; i < runs; ++i) {
    quoin::snowflake_generator<Layout, Clock> ids({.worker = 1}, clock);
    for (int k = 0; k < 2; ++k) {
      const std::uint64_t id = ids.next();
      ASSERT_GT(id, last);
      last = id;
    }
  }
}

TEST(SnowflakeWaiting, RepeatsNothingInTheTickInWhichItIsStarted) {
  const sleepy_clock clock{.time = 1735689600s};
  expect_no_repetition_in_runs<twitter_layout>(clock, 50);
  expect_no_repetition_in_runs<quoin::sonyflake_layout>(clock, 50);
  using seconds = quoin::hosted_counter_layout<0, std::chrono::seconds>;
  expect_no_repetition_in_runs<seconds>(clock, 5);
  expect_no_repetition_in_runs<twitter_layout>(std::chrono::system_clock(), 20);
  expect_no_repetition_in_runs<twitter_layout>(quoin::coarse_system_clock(), 5);

  quoin::snowflake_generator<small, sleepy_clock> too_late({}, sleepy_at_the_end);
  EXPECT_EQ(too_late.try_next().error(), id_error::time_over);
  const sleepy_clock noon{.time = 100ms};
  quoin::snowflake_generator<small, sleepy_clock> ids({.worker = 1}, noon);
  EXPECT_EQ(ids.unused_from(), unix_ms(101));
  EXPECT_EQ(ids.try_next().error(), id_error::too_early);
  quoin::snowflake_generator<small, sleepy_clock> told({.not_before = unix_ms(7)}, noon);
  EXPECT_EQ(small::decode(told.next()).time, unix_ms(100)) << "as it is told";
  manual_clock still(at(100ms));
  small_generator simulated({}, still);
  EXPECT_EQ(small::decode(simulated.next()).time, unix_ms(100)) << "its time passes by hand";
}

TEST(SnowflakeWaiting, AsInTheHeader) {
  quoin::snowflake_generator<quoin::twitter_layout> ids({.worker = 378});
  const std::uint64_t id = ids.next();
  std::uint64_t last = id;
  for (const std::uint64_t one : ids.reserve(64)) {
    EXPECT_GT(one, last);
    last = one;
  }
  const auto made = quoin::twitter_layout::decode(id);
  EXPECT_EQ(made.worker, 378u);
  EXPECT_LE(std::chrono::abs(std::chrono::system_clock::now() - made.time), 1min);
  if (const auto maybe = ids.try_next()) {
    EXPECT_GT(*maybe, last);
  }
}

/// How often this process gave its processor away.
long times_slept() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw;
}

TEST(SnowflakeWaiting, WaitsInRealTime) {
  quoin::snowflake_generator<quoin::sonyflake_layout> ids({.worker = 1});
  std::uint64_t last = ids.next();
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t busy = std::clock();
  const long slept = times_slept();
  for (int i = 0; i < 1100; ++i) {
    const std::uint64_t id = ids.next();
    ASSERT_GT(id, last);
    last = id;
  }
  EXPECT_LE(quoin::sonyflake_layout::decode(last).time, std::chrono::system_clock::now());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  EXPECT_GE(taken, 30ms) << "1100 ids take parts of five units";
  EXPECT_LE(static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC, taken.count() / 2)
      << "and sleep in them";
  EXPECT_GE(times_slept() - slept, 4);

  using coarse = quoin::coarse_system_clock;
  const auto fine = std::chrono::system_clock::now();
  EXPECT_LE(std::chrono::abs(coarse::now() - fine), 1s);
  quoin::snowflake_generator<twitter_layout, coarse> cheap({});
  const std::uint64_t one = cheap.next();
  EXPECT_LT(one, cheap.next());
  // The shortest units: most waits are spun.
  using fast = snowflake_layout<std::chrono::microseconds, 1735689600000, quoin::time_field<53>,
                                quoin::sequence_field<2>>;
  quoin::snowflake_generator<fast> quick({});
  last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t id = quick.next();
    ASSERT_GT(id, last);
    last = id;
  }
}

}  // namespace
