// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/snowflake.hpp>

#include "support/snowflakes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
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
using quoin_test::at;
using quoin_test::expect_failure;
using quoin_test::small;
using quoin_test::sys_ms;
using quoin_test::unix_ms;
using milliseconds = std::chrono::milliseconds;

using small_generator = quoin::snowflake_generator<small, manual_clock>;

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

}  // namespace
