// SPDX-License-Identifier: BSL-1.0
// Generators under clocks that step back and forward, stand still and leap, against one told in pairs.
#include <quoin/id/snowflake.hpp>

#include "support/id_oracle.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace {

using quoin::clock_back;
using quoin::exhaustion;
using quoin::id_error;
using nanoseconds = std::chrono::nanoseconds;
using milliseconds = std::chrono::milliseconds;
using sys_ms = std::chrono::sys_time<milliseconds>;
using time_point = quoin::manual_clock::time_point;

/// The sequence above the worker, and few of everything: 512 units of 10 ms with 4 ids.
using small =
    quoin::snowflake_layout<std::chrono::duration<std::int64_t, std::ratio<1, 100>>, -200,
                            quoin::time_field<9>, quoin::sequence_field<2>, quoin::worker_field<3>>;

const quoin::manual_clock epoch;

nanoseconds any_step() {
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
      return nanoseconds(0);
    case 1:  // leaps
      return milliseconds(*rc::gen::inRange(-6000, 6000));
    case 2:
      return nanoseconds(*rc::gen::arbitrary<std::int64_t>());
    case 3:
    case 4:
      return milliseconds(*rc::gen::inRange(-60, 60));
    default:
      return milliseconds(*rc::gen::inRange(0, 15));
  }
}

quoin::snowflake_options any_options() {
  return {.worker = *rc::gen::inRange<std::uint64_t>(0, 8),
          .on_exhaustion = static_cast<exhaustion>(*rc::gen::inRange(0, 3)),
          .max_lead = milliseconds(*rc::gen::inRange(0, 60)),
          .on_clock_back = static_cast<clock_back>(*rc::gen::inRange(0, 3)),
          .max_backward = milliseconds(*rc::gen::element(0, 15, 50, 1000)),
          .not_before = sys_ms(milliseconds(*rc::gen::element(-100000, -200, 0, 333, 99999))),
          .start_bits = *rc::gen::inRange(0u, 2u)};
}

quoin_test::id_oracle oracle_of(const quoin::snowflake_options& options) {
  quoin_test::id_oracle oracle{512, 4, options.on_clock_back};
  if (options.on_exhaustion == exhaustion::lead) oracle.lead = options.max_lead / milliseconds(10);
  oracle.backward = options.max_backward / milliseconds(10);
  const std::int64_t ms = options.not_before.time_since_epoch().count() + 200;
  oracle.start = ms <= 0 ? 0 : (ms + 9) / 10;
  oracle.start_bits = options.start_bits;
  return oracle;
}

std::int64_t tick_of(nanoseconds now) {
  return std::chrono::floor<milliseconds>(now).count() + 200 < 0
             ? -1 - (-(std::chrono::floor<milliseconds>(now).count() + 200) - 1) / 10
             : (std::chrono::floor<milliseconds>(now).count() + 200) / 10;
}

/// As manual_clock does: a time that cannot be told is the nearest one that can.
nanoseconds moved(nanoseconds now, nanoseconds step) {
  quoin::manual_clock clock{time_point(now)};
  clock.advance(step);
  return clock.now().time_since_epoch();
}

RC_GTEST_PROP(Snowflake, AnswersAsTheOracle, ()) {
  const quoin::snowflake_options options = any_options();
  quoin::snowflake_generator<small, quoin::manual_clock> shared(options, epoch);
  quoin::snowflake_sequence<small, quoin::manual_clock> plain(options, epoch);
  quoin_test::id_oracle oracle = oracle_of(options);
  nanoseconds now{0};
  std::uint64_t last = 0;
  bool any = false;
  for (int i = 0; i < 200; ++i) {
    now = *rc::gen::inRange(0, 50) == 0 ? nanoseconds(0) : moved(now, any_step());
    const auto count = *rc::gen::element<std::uint64_t>(1, 1, 1, 2, 9);
    const quoin_test::id_answer expected = oracle.ask(tick_of(now), count);
    const auto ids = shared.try_reserve_at(time_point(now), count);
    const auto same = plain.try_reserve_at(time_point(now), count);
    RC_ASSERT(ids.has_value() == (expected.count != 0));
    RC_ASSERT(same.has_value() == ids.has_value());
    if (!ids) {
      RC_ASSERT(ids.error() == expected.error);
      RC_ASSERT(same.error() == expected.error);
      continue;
    }
    RC_ASSERT(ids->first() == same->first());
    RC_ASSERT(ids->size() == expected.count);
    RC_ASSERT(same->size() == expected.count);
    for (std::uint64_t k = 0; k < ids->size(); ++k) {
      const std::uint64_t id = (*ids)[k];
      RC_ASSERT(!any || id > last);
      last = id;
      any = true;
      RC_ASSERT(small::decode(id) == (small::parts{small::start_of(expected.tick), 0,
                                                   options.worker, expected.sequence + k}));
    }
  }
}

/// Killed at any point, before or after a mark is written, with any clock afterwards.
RC_GTEST_PROP(Snowflake, RepeatsNothingAcrossRuns, ()) {
  struct guard {
    sys_ms* disk;
    int* fails;
    bool operator()(sys_ms mark) {
      if (*fails == 1) return false;  // nothing was written
      *disk = mark;
      return *fails != 2;  // written, and then it failed all the same
    }
  };
  sys_ms disk = sys_ms::min();
  int fails = 0;
  std::uint64_t last = 0;
  bool any = false;
  nanoseconds now{0};
  for (int run = 0; run < 12; ++run) {
    quoin::snowflake_options options = any_options();
    options.worker = 3;
    options.not_before = disk;
    options.guard_interval = milliseconds(*rc::gen::element(1, 10, 45, 500));
    quoin::snowflake_generator<small, quoin::manual_clock, guard> ids(options, epoch,
                                                                      guard{&disk, &fails});
    for (int i = *rc::gen::inRange(0, 40); i > 0; --i) {
      now = moved(now, any_step());
      fails = *rc::gen::element(0, 0, 0, 1, 2);
      const auto id = ids.try_next_at(time_point(now));
      if (!id) continue;
      RC_ASSERT(!any || *id > last);
      RC_ASSERT(small::decode(*id).time < disk);
      last = *id;
      any = true;
    }
    now = nanoseconds(milliseconds(*rc::gen::inRange(-300, 5000)));
  }
}

/// `next` on a clock that sleeps as it likes and is set while it does: it ends, or says why not.
struct restless_clock {
  using duration = nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<restless_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;

  time_point now() const { return time_point(time); }
  void sleep_for(duration d) const {
    time += d / 2 + milliseconds(1);
    if (*rc::gen::inRange(0, 4) == 0) time += milliseconds(*rc::gen::inRange(-60, 60));
  }

  mutable duration time{0};
};

RC_GTEST_PROP(Snowflake, WaitsAndGoesOn, ()) {
  quoin::snowflake_options options = any_options();
  options.not_before = sys_ms::min();
  restless_clock clock;
  quoin::snowflake_generator<small, restless_clock> ids(options, clock);
  std::uint64_t last = 0;
  for (int i = 0; i < 40; ++i) {
    if (*rc::gen::inRange(0, 4) == 0) clock.time += milliseconds(*rc::gen::inRange(-40, 40));
    std::uint64_t id = 0;
    try {
      id = ids.next();
    } catch (const quoin::id_failure&) {
      continue;
    }
    RC_ASSERT(i == 0 || id > last);
    last = id;
    const std::int64_t ahead = static_cast<std::int64_t>(id >> 5) - tick_of(clock.time);
    const std::int64_t lead = oracle_of(options).lead;
    RC_ASSERT(ahead >= 0);
    RC_ASSERT(ahead <= lead + oracle_of(options).backward);
  }
}

}  // namespace
