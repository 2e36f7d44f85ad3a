// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/snowflake.hpp>

#include "support/counted_clock.hpp"
#include "support/interleave.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <ratio>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::clock_back;
using quoin::exhaustion;
using quoin::id_error;
using quoin::manual_clock;
using quoin::snowflake_layout;
using quoin::twitter_layout;
using milliseconds = std::chrono::milliseconds;
using sys_ms = std::chrono::sys_time<milliseconds>;

constexpr sys_ms unix_ms(std::int64_t ms) { return sys_ms(milliseconds(ms)); }

/// 20 bits of milliseconds since 1970, 4 of worker, 3 of sequence.
using small = snowflake_layout<milliseconds, 0, quoin::time_field<20>, quoin::worker_field<4>,
                               quoin::sequence_field<3>>;
using small_generator = quoin::snowflake_generator<small, manual_clock>;

manual_clock::time_point at(std::chrono::nanoseconds time) {
  return manual_clock::time_point(time);
}

/// "12.3" for the id of tick 12 with sequence 3, else the reason.
template <class Generator>
std::string ask(Generator& ids, std::chrono::nanoseconds now) {
  const auto id = ids.try_next_at(at(now));
  if (!id) return quoin::to_text(id.error());
  const auto parts = Generator::layout_type::decode(*id);
  return std::to_string(parts.time.time_since_epoch() / 1ms) + "." + std::to_string(parts.sequence);
}

template <class Generator>
void expect(Generator& ids, std::chrono::nanoseconds now, std::string_view answer,
            const char* why = "") {
  EXPECT_EQ(ask(ids, now), answer) << "at " << now / 1us << " us: " << why;
}

/// That `next` fails, and says why and `more`.
template <class Generator>
void expect_failure(Generator& ids, id_error code, const std::string& more = "") {
  std::string text = "an id";
  try {
    static_cast<void>(ids.next());
  } catch (const quoin::id_failure& e) {
    EXPECT_EQ(e.code(), code);
    text = static_cast<const std::runtime_error&>(e).what();
  }
  EXPECT_EQ(text, "quoin::snowflake_generator: no id: " + (quoin::to_text(code) + more));
}

const char* const exhausted = quoin::to_text(id_error::exhausted);
const char* const set_back = quoin::to_text(id_error::clock_back);
const char* const early = quoin::to_text(id_error::too_early);
const char* const over = quoin::to_text(id_error::time_over);

// --- layouts --------------------------------------------------------------------------------------

template <class Layout>
void expect_parts(std::uint64_t id, std::int64_t ms, std::uint64_t datacenter, std::uint64_t worker,
                  std::uint64_t sequence) {
  const typename Layout::parts expected{unix_ms(ms), datacenter, worker, sequence};
  EXPECT_EQ(Layout::decode(id), expected) << id;
  EXPECT_EQ(Layout::encode(expected).value_or(0), id);
}

TEST(SnowflakeLayout, IdsOfOthers) {
  expect_parts<twitter_layout>(1541815603606036480, 1656432460105, 0, 378, 0);
  using original = quoin::twitter_original_layout;
  expect_parts<original>(1227238262110117894, 1581431377328, 11, 22, 6);
  expect_parts<original>(1241107244890099715, 1584738000496, 11, 9, 3);
  expect_parts<original>(1243643959492173824, 1585342800387, 11, 22, 0);
  expect_parts<original>(1247686501489692673, 1586306617506, 11, 29, 1);
  expect_parts<original>(1567981766075453440, 1662670959381, 27, 25, 0);
  using discord = quoin::discord_layout;
  expect_parts<discord>(90339695967350784, 1441609061949, 0, 3, 0);
  expect_parts<discord>(937847820382261308, 1643670744749, 1, 5, 60);
  expect_parts<discord>(266241948824764416, 1483547427136, 1, 0, 0);
  const std::int64_t then = 1'387'263'000'000;  // Instagram's own example: shard 1341, number 5001
  expect_parts<quoin::instagram_layout>(
      static_cast<std::uint64_t>(then - 1314220021721) << 23 | 1341u << 10 | 5001 % 1024, then, 0,
      1341, 5001 % 1024);
  expect_parts<quoin::sonyflake_layout>(std::uint64_t{123} << 24 | 7u << 16 | 0xa1b2,
                                        1735689600000 + 1230, 0, 0xa1b2, 7);
}

TEST(SnowflakeLayout, RoomAndEnd) {
  using quoin::snowflake_capacity;
  static_assert(twitter_layout::capacity() ==
                snowflake_capacity{4096, 4'096'000, 1024, std::uint64_t{1} << 41});
  static_assert(twitter_layout::wraps_at() == unix_ms(3487858230209));
  static_assert(quoin::twitter_original_layout::capacity() == twitter_layout::capacity());
  static_assert(quoin::discord_layout::wraps_at() ==
                unix_ms(1420070400000 + (std::int64_t{1} << 42)));
  static_assert(quoin::sonyflake_layout::capacity().ids_per_second == 25'600);
  static_assert(quoin::sonyflake_layout::capacity().workers == 65'536);
  static_assert(quoin::sonyflake_layout::wraps_at() ==
                unix_ms(1735689600000 + 10 * (std::int64_t{1} << 39)));
  static_assert(quoin::js_safe_layout::max_id() == (std::uint64_t{1} << 53) - 1);
  static_assert(quoin::discord_layout::max_id() == ~std::uint64_t{0});

  using hosted = quoin::hosted_counter_layout<1'700'000'000'000>;
  static_assert(hosted::bits == 42 && hosted::capacity().workers == 64);
  static_assert(hosted::capacity().ids_per_tick == 16);
  static_assert(hosted::wraps_at() - hosted::epoch() == 49 * 24h + 17h + 2min + 47s + 296ms);
  using hosted_seconds = quoin::hosted_counter_layout<0, std::chrono::seconds>;
  static_assert(hosted_seconds::wraps_at() == unix_ms(4294967296000));
  static_assert(hosted_seconds::capacity().ids_per_second == 16);
  expect_parts<hosted>(std::uint64_t{63} << 36 | 5u << 4 | 9, 1'700'000'000'005, 0, 63, 9);
}

TEST(SnowflakeLayout, RefusesPartsThatDoNotFit) {
  using parts = twitter_layout::parts;
  const sys_ms epoch = twitter_layout::epoch(), end = twitter_layout::wraps_at();
  const auto error = [](const parts& p) { return twitter_layout::encode(p).error(); };
  EXPECT_EQ(error({.time = epoch - 1ms}), id_error::too_early);
  EXPECT_EQ(error({.time = sys_ms::min()}), id_error::too_early);
  EXPECT_EQ(error({.time = end}), id_error::time_over);
  EXPECT_EQ(error({.time = sys_ms::max()}), id_error::time_over);
  EXPECT_EQ(error({.time = epoch, .worker = 1024}), id_error::out_of_range);
  EXPECT_EQ(error({.time = epoch, .datacenter = 1}), id_error::out_of_range);
  EXPECT_EQ(error({.time = epoch, .sequence = 4096}), id_error::out_of_range);
  EXPECT_EQ(twitter_layout::encode({end - 1ms, 0, 1023, 4095}).value_or(0),
            twitter_layout::max_id());
}

TEST(SnowflakeLayout, RangesOfTime) {
  const sys_ms t = unix_ms(1656432460105);
  EXPECT_EQ(twitter_layout::first_id_at(t) >> 22, 1541815603606036480u >> 22);
  EXPECT_EQ(twitter_layout::last_id_at(t), twitter_layout::first_id_at(t + 1ms) - 1);
  EXPECT_EQ(twitter_layout::first_id_at(t + 999us), twitter_layout::first_id_at(t)) << "in it";
  EXPECT_EQ(twitter_layout::first_id_at(twitter_layout::epoch() - 1ns), 0u);
  EXPECT_EQ(twitter_layout::first_id_at(std::chrono::sys_seconds::min()), 0u);
  EXPECT_EQ(twitter_layout::last_id_at(std::chrono::sys_seconds::max()), twitter_layout::max_id());
  EXPECT_EQ(twitter_layout::last_id_at(twitter_layout::wraps_at()), twitter_layout::max_id());
  using sony = quoin::sonyflake_layout;
  EXPECT_EQ(sony::first_id_at(sony::epoch() + 19ms), std::uint64_t{1} << 24);
  EXPECT_EQ(sony::last_id_at(sony::epoch() + 19ms), (std::uint64_t{2} << 24) - 1);
}

/// Units that are no whole number of milliseconds, and epochs before 1970.
TEST(SnowflakeLayout, OddUnits) {
  using unit = std::chrono::duration<std::int64_t, std::ratio<1, 1024>>;
  using odd = snowflake_layout<unit, -1500, quoin::time_field<30>, quoin::sequence_field<4>>;
  EXPECT_EQ(odd::tick_of(-1501ms), -2);  // 1.024 ticks before it
  EXPECT_EQ(odd::tick_of(-1500ms), 0);
  EXPECT_EQ(odd::tick_of(-500ms), 1024);
  EXPECT_EQ(odd::tick_of(-500ms - 1ns), 1023);
  EXPECT_EQ(odd::tick_of(3s), 4608);
  EXPECT_EQ(odd::tick_of(std::chrono::nanoseconds::max()), std::int64_t{1} << 62);
  EXPECT_EQ(odd::tick_of(std::chrono::hours::min()), -(std::int64_t{1} << 62));
  for (std::int64_t tick = 0; tick < 3000; ++tick) {
    const auto begin = odd::start_of(tick).time_since_epoch();
    ASSERT_EQ(odd::tick_of(begin), tick);
    ASSERT_EQ(odd::tick_of(begin - 1ns), tick - 1);
    ASSERT_EQ(odd::until(tick, begin - 5ms), 5ms);
  }
}

// --- the clock ------------------------------------------------------------------------------------

TEST(Snowflake, CountsWithinAUnitOfTime) {
  manual_clock clock(at(100ms));
  small_generator ids({.worker = 9, .on_exhaustion = exhaustion::error}, clock);
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t id = ids.next();
    EXPECT_EQ(id, 100u << 7 | 9u << 3 | static_cast<unsigned>(i));
  }
  EXPECT_EQ(ids.try_next().error(), id_error::exhausted);
  expect_failure(ids, id_error::exhausted);
  clock.advance(999us);
  EXPECT_EQ(ids.try_next().error(), id_error::exhausted);
  clock.advance(1us);
  EXPECT_EQ(ids.next(), 101u << 7 | 9u << 3);
  clock.advance(50ms);
  EXPECT_EQ(ids.next(), 151u << 7 | 9u << 3);
  EXPECT_EQ(ids.unused_from(), unix_ms(152));
}

TEST(Snowflake, GoesOnInTheLastTimeWhenTheClockIsSetBack) {
  manual_clock clock;
  small_generator ids({.max_backward = 20ms}, clock);
  expect(ids, 100ms, "100.0");
  expect(ids, 90ms, "100.1");
  expect(ids, 79'999us, set_back);
  expect(ids, 80ms, "100.2");
  expect(ids, -1h, set_back);
  for (int i = 3; i < 8; ++i) expect(ids, 99ms, "100." + std::to_string(i));
  expect(ids, 99ms, exhausted);
  expect(ids, 100ms, exhausted);
  expect(ids, 79ms, set_back);
  expect(ids, 101ms, "101.0");
}

TEST(Snowflake, WaitsOrFailsWhenTheClockIsSetBack) {
  for (const clock_back policy : {clock_back::wait, clock_back::error}) {
    manual_clock clock;
    small_generator ids({.on_clock_back = policy, .max_backward = 20ms}, clock);
    expect(ids, 100ms, "100.0");
    expect(ids, 99ms, set_back);
    clock.set(at(99ms));
    if (policy == clock_back::error) expect_failure(ids, id_error::clock_back, ", by 0.001 s");
    clock.set(at(79ms));
    expect_failure(ids, id_error::clock_back, ", by 0.021 s");
    expect(ids, 100ms, "100.1");
  }
}

TEST(Snowflake, LeadsAsFarAsItMay) {
  manual_clock clock;
  small_generator ids({.on_exhaustion = exhaustion::lead, .max_lead = 2ms, .max_backward = 1ms},
                      clock);
  std::string last;
  for (int i = 0; i < 24; ++i) last = ask(ids, 10ms);
  EXPECT_EQ(last, "12.7");
  expect(ids, 10ms, exhausted);
  expect(ids, 11ms, "13.0");
  expect(ids, 10ms, "13.1", "further than the lead, but the clock is only 1 ms back");
  expect(ids, 9ms, set_back);
  expect(ids, 13ms, "13.2");
  expect(ids, 14ms, "14.0");
}

TEST(Snowflake, EndsWithItsLayout) {
  manual_clock clock;
  small_generator ids({.on_exhaustion = exhaustion::lead, .max_lead = 1h}, clock);
  const auto last = (1 << 20) * 1ms - 1ms;
  expect(ids, last + 1ms, over);
  expect(ids, last, "1048575.0", "a time after the end has changed nothing");
  for (int i = 1; i < 8; ++i) expect(ids, last, "1048575." + std::to_string(i));
  for (const auto time : {last, last + 1ms, last - 1ms, last - 2h}) expect(ids, time, over);
  EXPECT_EQ(ids.unused_from(), small::wraps_at());
  clock.set(manual_clock::time_point::max());
  expect_failure(ids, id_error::time_over);
  small_generator none({.not_before = small::wraps_at()}, clock);
  expect(none, 5ms, over);
}

TEST(Snowflake, BeginsWhereItIsTold) {
  manual_clock clock(at(40ms));
  small_generator ids({.max_backward = 100ms, .not_before = unix_ms(50)}, clock);
  EXPECT_EQ(ids.unused_from(), unix_ms(50));
  expect(ids, 40ms, early);
  expect(ids, 49'999us, early);
  expect(ids, 50ms, "50.0");
  expect(ids, 40ms, "50.1", "that is the clock set back");
  small_generator before({.max_backward = 5ms}, clock);
  expect(before, -3ms, early);
  expect(before, 0ms, "0.0");
  clock.set(at(-6ms));
  small_generator far({.max_backward = 5ms, .guard_interval = 1ms}, clock);
  expect_failure(far, id_error::too_early, ", by 0.006 s");
  quoin::snowflake_generator<quoin::sonyflake_layout, manual_clock> rounded(
      {.not_before = quoin::sonyflake_layout::epoch() + 11ms}, clock);
  EXPECT_EQ(rounded.unused_from(), quoin::sonyflake_layout::epoch() + 20ms) << "not before";
}

TEST(Snowflake, RefusesOptions) {
  const manual_clock clock;
  const auto refused = [&](const quoin::snowflake_options& options) {
    EXPECT_THROW(small_generator(options, clock), std::invalid_argument);
  };
  refused({.worker = 16});
  refused({.datacenter = 1});
  refused({.max_lead = -1ns});
  refused({.max_backward = -1ns});
  refused({.start_bits = 3});
  EXPECT_NO_THROW(small_generator({.worker = 15, .max_lead = 0ns, .start_bits = 2}, clock));
  const auto guard = [](sys_ms) { return true; };
  EXPECT_THROW(static_cast<void>(quoin::guarded_snowflake<small>({.guard_interval = 0ns}, guard)),
               std::invalid_argument);
  static_assert(!std::is_constructible_v<small_generator, quoin::snowflake_options>);
  static_assert(!std::is_constructible_v<small_generator, quoin::snowflake_options, manual_clock>);
  static_assert(!std::is_move_constructible_v<small_generator>);
  static_assert(!std::is_copy_constructible_v<quoin::snowflake_sequence<small>>);
}

// --- runs -----------------------------------------------------------------------------------------

TEST(Snowflake, ReservesWithinAUnitOfTime) {
  manual_clock clock(at(7ms));
  quoin::snowflake_sequence<small, manual_clock> first({.worker = 2}, clock);
  quoin::snowflake_sequence<small, manual_clock> ids(std::move(first));
  const quoin::id_range five = ids.reserve(5);
  std::vector<std::uint64_t> seen(five.begin(), five.end());
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{912, 913, 914, 915, 916}));
  EXPECT_EQ(five[4], 916u);
  EXPECT_TRUE(ids.reserve(0).empty());
  EXPECT_TRUE(ids.try_reserve(0)->empty());
  EXPECT_EQ(ids.try_reserve(~std::uint64_t{0})->size(), 3u) << "what is left";
  EXPECT_EQ(ids.try_reserve(1).error(), id_error::exhausted);
  EXPECT_EQ(ids.try_reserve_at(at(8ms), 100)->first(), 8u << 7 | 2u << 3);

  clock.set(at(1735689600000ms));
  quoin::snowflake_generator<quoin::sonyflake_layout, manual_clock> sony({.worker = 5}, clock);
  const quoin::id_range steps = sony.reserve(3);
  EXPECT_EQ(steps.step(), 65536u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(quoin::sonyflake_layout::decode(steps[i]).sequence, i);
    EXPECT_EQ(quoin::sonyflake_layout::decode(steps[i]).worker, 5u);
  }
}

/// One id at a time, in steps of any size: of 64 residues each comes as often as the others, within a
/// few; and never fewer than 4096 - 63 are left.
TEST(Snowflake, BeginsAtNumbersThatDiffer) {
  manual_clock clock(at(1700000000000ms));
  quoin::snowflake_generator<twitter_layout, manual_clock> ids({.start_bits = 6}, clock);
  for (const auto step : {1ms, 64ms, 1000ms, 4096ms}) {
    std::vector<int> residues(64);
    for (int i = 0; i < 6400; ++i, clock.advance(step)) ++residues[ids.next() % 64];
    for (const int count : residues) EXPECT_NEAR(count, 100, 5) << step.count();
  }
  std::uint64_t least = 4096;
  for (int i = 0; i < 200; ++i, clock.advance(1ms)) {
    least = std::min(least, ids.try_reserve(5000)->size());
  }
  EXPECT_GE(least, 4096u - 63);
  EXPECT_LT(least, 4096u - 32);
}

// --- waiting --------------------------------------------------------------------------------------

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

TEST(Snowflake, WaitsForTheNextUnitOfTime) {
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

TEST(Snowflake, WaitsForAClockThatWasSetBack) {
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

TEST(Snowflake, WaitsForTheTimeItBeginsAt) {
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

TEST(Snowflake, RepeatsNothingInTheTickInWhichItIsStarted) {
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

TEST(Snowflake, AsInTheHeader) {
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

TEST(Snowflake, WaitsInRealTime) {
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

// --- guards ---------------------------------------------------------------------------------------

static_assert(sizeof(quoin::snowflake_generator<twitter_layout>) == 128, "two cache lines");

struct storage {
  std::vector<sys_ms> marks;
  bool works = true;
  bool throws = false;
  int calls = 0;
};

struct storing {
  storage* to;
  bool operator()(sys_ms mark) {
    ++to->calls;
    if (to->throws) throw to->calls;
    if (to->works) to->marks.push_back(mark);
    return to->works;
  }
};

using guarded = quoin::snowflake_generator<small, manual_clock, storing>;

TEST(Snowflake, SavesAMarkBeforeTheIds) {
  storage disk;
  const manual_clock clock;
  guarded ids({.guard_interval = 10ms}, clock, storing{&disk});
  EXPECT_TRUE(disk.marks.empty());
  expect(ids, 100ms, "100.0");
  EXPECT_EQ(disk.marks, (std::vector<sys_ms>{unix_ms(110)}));
  expect(ids, 104ms, "104.0");
  EXPECT_EQ(disk.marks.size(), 1u);
  expect(ids, 105ms, "105.0", "half of it is gone: time to renew");
  EXPECT_EQ(disk.marks.back(), unix_ms(115));
  disk.works = false;
  expect(ids, 110ms, "110.0", "the next mark fails, this one holds");
  expect(ids, 114ms, "114.0");
  const char* const unsaved = quoin::to_text(id_error::guard_failed);
  expect(ids, 115ms, unsaved);
  expect(ids, 115ms, unsaved);
  disk.works = true;
  expect(ids, 115ms, "115.0");
  EXPECT_EQ(disk.marks.back(), unix_ms(125));
  const auto last = (1 << 20) * 1ms - 1ms;
  expect(ids, last, "1048575.0");
  EXPECT_EQ(disk.marks.back(), small::wraps_at()) << "there are no times after that";
  disk.works = false;
  expect(ids, last, "1048575.1");
}

/// A guard that throws or fails is asked again when there is no id without it.
TEST(Snowflake, GoesOnUpToTheLastMarkWhenItsGuardFails) {
  static_assert(sizeof(guarded) == 192, "three cache lines");
  for (const bool throws : {true, false}) {
    storage disk;
    const manual_clock clock(at(110ms));
    guarded ids({.guard_interval = 10ms}, clock, storing{&disk});
    expect(ids, 100ms, "100.0");
    disk.works = false;
    disk.throws = throws;
    if (throws) {
      EXPECT_THROW(static_cast<void>(ask(ids, 105ms)), int);
    }
    for (int i = 0; i < 8; ++i) expect(ids, 105ms, "105." + std::to_string(i));
    expect(ids, 109ms, "109.0");
    EXPECT_EQ(disk.calls, 2) << "not asked again for what is marked";
    if (throws) {
      EXPECT_THROW(static_cast<void>(ids.next()), int);
    } else {
      expect_failure(ids, id_error::guard_failed, ", that of 120 ms since 1970");
    }
    disk.works = true;
    disk.throws = false;
    EXPECT_EQ(small::decode(ids.next()).time, unix_ms(110));
    EXPECT_EQ(disk.calls, 4);
  }
}

/// The system's clock, and how often it was read.
struct counting_clock : std::chrono::system_clock {
  using time_point = std::chrono::system_clock::time_point;
  static time_point now() {
    ++readings;
    return std::chrono::system_clock::now();
  }
  static inline std::atomic<int> readings{0};
};

TEST(Snowflake, SleepsWhileAnotherThreadSavesAMark) {
  std::atomic<bool> saving{false};
  const auto slow = [&](sys_ms) {
    saving = true;
    std::this_thread::sleep_for(100ms);
    return true;
  };
  quoin::snowflake_generator<twitter_layout, counting_clock, decltype(slow)> ids({}, slow);
  std::thread saver([&] { static_cast<void>(ids.next()); });
  while (!saving) std::this_thread::yield();
  const auto start = std::chrono::steady_clock::now();
  counting_clock::readings = 0;
  static_cast<void>(ids.next());
  const auto taken = std::chrono::steady_clock::now() - start;
  EXPECT_LE(counting_clock::readings, 30 + taken / 2ms);
  saver.join();
}

TEST(Snowflake, RepeatsNothingAfterItWasKilled) {
  storage disk;
  const manual_clock clock;
  std::uint64_t last = 0;
  for (int run = 0; run < 50; ++run) {
    const sys_ms mark = disk.marks.empty() ? sys_ms::min() : disk.marks.back();
    guarded ids({.worker = 1, .not_before = mark, .guard_interval = 10ms}, clock, storing{&disk});
    for (int i = 0; i < 2000; ++i) {  // each run begins with a clock that was set back
      const auto id = ids.try_next_at(at(run * 50ms + i * 100us));
      if (!id) continue;
      ASSERT_GT(*id, last);
      ASSERT_LT(small::decode(*id).time, disk.marks.back());
      last = *id;
    }
  }
  EXPECT_GE(disk.marks.size(), 100u);
}

// --- threads and processes ------------------------------------------------------------------------

template <class Generator>
std::vector<std::uint64_t> ids_of_threads(Generator& ids, int threads, std::size_t each) {
  std::vector<std::vector<std::uint64_t>> made(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  for (auto& mine : made) {
    running.emplace_back([&ids, &mine, each] {
      mine.reserve(each);
      while (mine.size() < each) {
        if (mine.size() % 3 == 0) {
          for (const std::uint64_t id : ids.reserve(5)) mine.push_back(id);
        } else {
          mine.push_back(ids.next());
        }
      }
    });
  }
  for (auto& thread : running) thread.join();
  std::vector<std::uint64_t> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end())) << "each thread sees them grow";
    all.insert(all.end(), mine.begin(), mine.end());
  }
  return all;
}

void expect_all_different(std::vector<std::uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

#if defined(__OPTIMIZE__) && !UNDER_THREAD_SANITIZER
constexpr std::size_t many = 20'000;
#else
constexpr std::size_t many = 2'000;
#endif

TEST(Snowflake, EightThreads) {
  quoin::snowflake_generator<twitter_layout> waiting({.worker = 5});
  expect_all_different(ids_of_threads(waiting, 8, many));
  quoin::snowflake_generator<quoin::sonyflake_layout> leading(
      {.on_exhaustion = exhaustion::lead, .max_lead = 1h, .start_bits = 4});
  expect_all_different(ids_of_threads(leading, 8, many));
}

TEST(Snowflake, EightThreadsAndAGuard) {
  std::atomic<std::int64_t> saved{0};
  std::atomic<int> inside{0}, calls{0};
  quoin::snowflake_generator<twitter_layout, std::chrono::system_clock, std::function<bool(sys_ms)>>
      ids({.guard_interval = 4ms}, [&](sys_ms mark) {
        EXPECT_EQ(++inside, 1) << "one at a time";
        EXPECT_GT(mark.time_since_epoch().count(), saved) << "each later than the last";
        std::this_thread::sleep_for(100us);
        const bool works = ++calls % 5 != 0;
        if (works) saved = mark.time_since_epoch().count();
        --inside;
        return works;
      });
  static_cast<void>(ids.next());
  std::vector<std::thread> running;
  std::atomic<std::uint64_t> given{0};
  for (int t = 0; t < 8; ++t) {
    running.emplace_back([&] {
      for (std::size_t i = 0; i < many / 4; ++i) {
        const auto id = ids.try_next();
        if (!id) continue;
        ++given;
        ASSERT_LT(twitter_layout::decode(*id).time.time_since_epoch().count(), saved.load());
      }
    });
  }
  for (auto& thread : running) thread.join();
  EXPECT_GT(given, 0u);
}

TEST(Snowflake, FourProcesses) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "threads of a child process";
  std::vector<int> pipes;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      quoin::snowflake_generator<twitter_layout> ids({.worker = worker});
      const auto made = ids_of_threads(ids, 2, many);
      std::size_t size = made.size() * sizeof made[0];
      const char* from = reinterpret_cast<const char*>(made.data());
      while (size != 0) {
        const ssize_t written = ::write(ends[1], from, size);
        if (written <= 0) ::_exit(1);
        from += written;
        size -= static_cast<std::size_t>(written);
      }
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    ::close(ends[1]);
    pipes.push_back(ends[0]);
  }
  std::vector<std::uint64_t> all;
  for (const int from : pipes) {
    std::string bytes;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(from, buffer, sizeof buffer)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(from);
    int status = 1;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(status, 0);
    const std::size_t before = all.size();
    all.resize(before + bytes.size() / sizeof all[0]);
    std::memcpy(all.data() + before, bytes.data(), bytes.size());
  }
  EXPECT_GE(all.size(), 8 * many);
  expect_all_different(std::move(all));
}

using quoin_test::interleaved_atomic;

// Where code is slow, the first orders will do.
#if defined(__x86_64__) && defined(__OPTIMIZE__)
constexpr std::uint64_t most_runs = 20'000;
#else
constexpr std::uint64_t most_runs = 300;
#endif

/// Every order of the atomic operations of two threads, on a unit of time that nearly ends, and one
/// whose clock has read a later time.
TEST(Snowflake, EveryOrderOfTwoThreads) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const manual_clock clock;
  for (const std::int64_t second : {10, 9, 11}) {
    const auto result = quoin_test::explore(
        {.spurious_failures = 1, .most_runs = most_runs}, [&](quoin_test::interleaver& run) {
          quoin::snowflake_generator<small, manual_clock, quoin::no_guard, interleaved_atomic> ids(
              {}, clock);
          ASSERT_EQ(ids.try_reserve_at(at(10ms), 5)->size(), 5u);
          std::vector<std::uint64_t> made[2];
          const auto take = [&](std::size_t thread, std::int64_t ms) {
            for (int i = 0; i < 2; ++i) {
              if (const auto id = ids.try_next_at(at(ms * 1ms))) made[thread].push_back(*id);
            }
          };
          run({[&] { take(0, 10); }, [&] { take(1, second); }});
          std::set<std::uint64_t> all;
          for (const auto& mine : made) {
            EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
            for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second);
          }
          EXPECT_EQ(all.size(), second == 11 ? 4u : 3u);
        });
    EXPECT_GT(result.orders, 1u);
  }
}

/// A millisecond later at each reading.
struct ticking_clock {
  using duration = milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ticking_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;

  time_point now() const { return time_point(milliseconds(readings.fetch_add(1))); }

  mutable interleaved_atomic<std::int64_t> readings{100};
};

/// A thread that was slow to use what it read of the clock has not seen it go back.
TEST(Snowflake, EveryOrderOfTwoThreadsAndTheirClock) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const auto result =
      quoin_test::explore({.most_runs = most_runs}, [](quoin_test::interleaver& run) {
        const ticking_clock clock;
        quoin::snowflake_generator<small, ticking_clock, quoin::no_guard, interleaved_atomic> ids(
            {.on_clock_back = clock_back::error}, clock);
        std::vector<std::uint64_t> made[2];
        const auto take = [&](std::size_t thread) {
          for (int i = 0; i < 2; ++i) made[thread].push_back(ids.try_next().value_or(0));
        };
        run({[&] { take(0); }, [&] { take(1); }});
        std::set<std::uint64_t> all{0};
        for (const auto& mine : made) {
          for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second) << id;
        }
      });
  EXPECT_GT(result.orders, 10u);
}

TEST(Snowflake, EveryOrderOfTwoThreadsAndAMark) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const manual_clock clock;
  const auto result =
      quoin_test::explore({.most_runs = most_runs}, [&](quoin_test::interleaver& run) {
        storage disk;
        quoin::snowflake_generator<small, manual_clock, storing, interleaved_atomic> ids(
            {.guard_interval = 2ms}, clock, storing{&disk});
        const auto take = [&](std::int64_t first) {
          for (std::int64_t ms = first; ms < first + 2; ++ms) {
            const auto id = ids.try_next_at(at(ms * 1ms));
            if (id) {
              EXPECT_LT(small::decode(*id).time, disk.marks.back());
            } else {
              EXPECT_EQ(id.error(), id_error::guard_busy);
            }
          }
        };
        run({[&] { take(10); }, [&] { take(11); }});
        EXPECT_TRUE(std::is_sorted(disk.marks.begin(), disk.marks.end()));
      });
  EXPECT_GT(result.orders, 10u);
}

// --- a clock that is not read for each id ---------------------------------------------------------

using counted = quoin_test::counted_clock<milliseconds>;
template <template <class> class Atomic>
using counted_generator =
    quoin::snowflake_generator<small, counted, quoin::no_guard, Atomic, counted::ticks>;
constexpr std::int64_t window = counted::ticks::most();

std::int64_t ms_of(std::uint64_t id) { return small::decode(id).time.time_since_epoch().count(); }

TEST(Snowflake, ReadsTheClockWhenItsCounterSaysSo) {
  counted::time.store(99);
  counted_generator<interleaved_atomic> ids({.on_clock_back = clock_back::error});
  const auto ask_at = [&](std::int64_t ms) {
    counted::time.store(ms);
    const auto id = ids.try_next();
    return id ? std::to_string(ms_of(*id)) : quoin::to_text(id.error());
  };
  EXPECT_EQ(ask_at(99), early) << "nothing is given before anything was read";
  EXPECT_EQ(ask_at(100), "100");
  EXPECT_EQ(ask_at(103), "100") << "read just now";
  EXPECT_EQ(ask_at(104), "104");
  EXPECT_EQ(ask_at(103), set_back) << "the counter, too";
  EXPECT_EQ(ask_at(103), set_back) << "that reading gave nothing";
  EXPECT_EQ(ask_at(105), "104");
  EXPECT_EQ(ids.try_reserve(7)->size(), 6u) << "what is left of that millisecond";
  EXPECT_EQ(ask_at(105), "105") << "nothing is left";
  EXPECT_EQ(ids.try_reserve(7)->size(), 7u);
  EXPECT_EQ(ask_at(105), exhausted) << "says the clock";
  EXPECT_EQ(ids.try_next_at(counted::time_point(107ms)).value_or(0) >> 7, 107u);
  EXPECT_EQ(ask_at(108), "107") << "a time that was given is as good";
  EXPECT_EQ(ask_at(109), "109");
  counted::counter_is_ahead = 5;
  EXPECT_EQ(ask_at(105), "109") << "the clock was set, and the counter does not say so";
  counted::counter_is_ahead = 9;
  EXPECT_EQ(ask_at(105), set_back) << "until that is seen";
  counted::counter_is_ahead = 0;
}

/// Whatever the counter and the clock say: ids grow, and none is ahead of all that the clock ever said.
TEST(Snowflake, NeedsNoCounterToGrow) {
  std::uint64_t random = 1;
  const auto draw = [&](std::uint64_t n) {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::int64_t>((random >> 33) % n);
  };
  counted::time.store(1000);
  counted_generator<quoin::detail::plain_word> ids({.not_before = unix_ms(1000)});
  std::uint64_t last = 0;
  std::int64_t latest = 1000, given = 0;
  for (int i = 0; i < 50'000; ++i) {
    counted::time.store(counted::time.load() + draw(9) - (draw(2) == 0 ? 4 : 3));
    latest = std::max(latest, counted::time.load());
    counted::counter_is_ahead = draw(50) == 0 ? -(std::int64_t{1} << 62) : draw(20) - 10;
    const auto run = ids.try_reserve(1 + static_cast<std::uint64_t>(draw(4)));
    if (!run) continue;
    ASSERT_GT(run->first(), last);
    last = (*run)[run->size() - 1];
    ASSERT_LE(ms_of(last), latest);
    ++given;
  }
  counted::counter_is_ahead = 0;
  EXPECT_GT(given, 10'000);
}

/// Every order of two threads whose readings are old, and of which one lets time pass: no id is of a
/// time older than promised, nor ahead of the clock, and none is refused for want of a reading.
TEST(Snowflake, EveryOrderOfTwoThreadsAndACounter) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  for (const std::uint64_t used : {1u, 7u}) {
    for (const std::int64_t later : {3, 10}) {
      const auto result =
          quoin_test::explore({.most_runs = most_runs}, [&](quoin_test::interleaver& run) {
            counted::time.store(99);
            counted_generator<interleaved_atomic> ids({});
            counted::time.store(100);
            ASSERT_EQ(ids.try_reserve(used)->size(), used);
            counted::time.store(100 + later);
            std::vector<std::uint64_t> made[2];
            const auto take = [&](std::size_t thread) {
              const std::int64_t asked = counted::time.load();
              const auto id = ids.try_next();
              ASSERT_TRUE(id) << "of each millisecond there is enough";
              made[thread].push_back(*id);
              EXPECT_GT(ms_of(*id) + window, asked);
              EXPECT_LE(ms_of(*id), 100 + later + window);
            };
            run({[&] {
                   take(0);
                   counted::time.store(100 + later + window);
                   take(0);
                 },
                 [&] {
                   take(1);
                   take(1);
                 }});
            std::set<std::uint64_t> all;
            for (const auto& mine : made) {
              EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
              for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second);
            }
          });
      EXPECT_TRUE(result.complete);
      EXPECT_GT(result.orders, 10u);
    }
  }
}

}  // namespace
