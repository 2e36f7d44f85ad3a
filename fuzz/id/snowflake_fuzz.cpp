// SPDX-License-Identifier: BSL-1.0
// Any options, clocks that do what they like and generators that are killed, against an oracle; and
// any number taken apart and put together.
#include <quoin/id/snowflake.hpp>

#include "support/id_oracle.hpp"
#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace {

using milliseconds = std::chrono::milliseconds;
using sys_ms = std::chrono::sys_time<milliseconds>;
using clock_type = quoin::manual_clock;
using small = quoin::snowflake_layout<milliseconds, 0, quoin::time_field<12>,
                                      quoin::sequence_field<3>, quoin::worker_field<2>>;

const clock_type epoch;

struct guard {
  sys_ms* disk;
  const bool* works;
  bool operator()(sys_ms mark) const {
    QUOIN_FUZZ_CHECK(mark > *disk || !*works);
    if (*works) *disk = mark;
    return *works;
  }
};
using generator = quoin::snowflake_generator<small, clock_type, guard>;

void take_apart(quoin_fuzz::input& in) {
  const auto id = in.take<std::uint64_t>();
  using twitter = quoin::twitter_original_layout;
  const std::uint64_t known = id & twitter::max_id();
  QUOIN_FUZZ_CHECK(twitter::encode(twitter::decode(id)).value_or(~known) == known);
  using sony = quoin::sonyflake_layout;
  QUOIN_FUZZ_CHECK(sony::encode(sony::decode(id)).value_or(0) == (id & sony::max_id()));
  const std::chrono::sys_time<std::chrono::nanoseconds> time{
      std::chrono::nanoseconds(in.take<std::int64_t>())};
  QUOIN_FUZZ_CHECK(sony::first_id_at(time) <= sony::last_id_at(time));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  take_apart(in);
  sys_ms disk = sys_ms::min();
  bool works = true;
  std::optional<generator> ids;
  quoin_test::id_oracle oracle{4096, 8, {}};
  std::int64_t now = 0;
  std::uint64_t next_id = 0;
  while (!in.empty()) {
    const auto action = in.take<std::uint8_t>();
    if (!ids || action >= 250) {  // killed, and begun again where the mark says
      oracle = {4096, 8, static_cast<quoin::clock_back>(in.take_in<std::uint8_t>(0, 2))};
      const bool leads = in.take<bool>();
      oracle.lead = leads ? in.take<std::uint8_t>() : 0;
      oracle.backward = in.take<std::uint8_t>();
      oracle.start_bits = in.take_in<std::uint8_t>(0, 2);
      oracle.start = disk == sys_ms::min() ? 0 : disk.time_since_epoch().count();
      ids.emplace(
          quoin::snowflake_options{
              .worker = 1,
              .on_exhaustion = leads ? quoin::exhaustion::lead : quoin::exhaustion::error,
              .max_lead = milliseconds(oracle.lead),
              .on_clock_back = oracle.back,
              .max_backward = milliseconds(oracle.backward),
              .not_before = disk,
              .guard_interval = milliseconds(in.take_in<std::uint8_t>(1, 99)),
              .start_bits = oracle.start_bits},
          epoch, guard{&disk, &works});
    }
    now = action < 8 ? in.take<std::int64_t>() >> in.take_in<std::uint8_t>(0, 63)
                     : now + in.take<std::int8_t>();
    constexpr std::int64_t most = INT64_MAX / 1'000'000;  // what the clock can tell
    now = now > most ? most : now < -most ? -most : now;
    works = action % 16 != 9;
    const std::uint64_t count = 1 + action % 3;
    const auto before = oracle;
    const auto expected = oracle.ask(now, count);
    const auto run = ids->try_reserve_at(clock_type::time_point(milliseconds(now)), count);
    if (!run) {
      if (run.error() == quoin::id_error::guard_failed) {
        QUOIN_FUZZ_CHECK(!works && expected.count != 0);
        oracle = before;
      } else {
        QUOIN_FUZZ_CHECK(expected.count == 0 && run.error() == expected.error);
      }
      continue;
    }
    QUOIN_FUZZ_CHECK(run->size() == expected.count);
    for (const std::uint64_t id : *run) {
      QUOIN_FUZZ_CHECK(id >= next_id);
      next_id = id + 1;
      QUOIN_FUZZ_CHECK(small::decode(id).time < disk);
    }
    const auto first = small::decode(run->first());
    QUOIN_FUZZ_CHECK(first ==
                     (small::parts{sys_ms(milliseconds(expected.tick)), 0, 1, expected.sequence}));
  }
  return 0;
}
