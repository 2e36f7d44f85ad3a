// SPDX-License-Identifier: BSL-1.0
// What a generator of ids must answer, told in pairs of a tick and a sequence number.
#ifndef QUOIN_TESTS_SUPPORT_ID_ORACLE_HPP
#define QUOIN_TESTS_SUPPORT_ID_ORACLE_HPP

#include <quoin/id/snowflake.hpp>

#include <cstdint>

namespace quoin_test {

struct id_answer {
  std::int64_t tick = 0;
  std::uint64_t sequence = 0;
  std::uint64_t count = 0;  // 0: none, because of
  quoin::id_error error{};

  friend bool operator==(const id_answer&, const id_answer&) = default;
};

/// Times, leads and bounds are in ticks.
struct id_oracle {
  std::int64_t ticks;      // of the layout
  std::uint64_t per_tick;  // likewise
  quoin::clock_back back;
  std::int64_t lead = 0;
  std::int64_t backward = 0;
  std::int64_t start = 0;   // the first tick that may be used
  unsigned start_bits = 0;  // of the numbers at which sequences begin where the clock is

  bool any = false;  // whether there is a last id: …
  std::int64_t last_tick = 0;
  std::uint64_t last_sequence = 0;

  /// In turn: each by the golden ratio of all further than the one before.
  [[nodiscard]] std::uint64_t begin(std::int64_t tick) const {
    const std::uint64_t turn = static_cast<std::uint64_t>(tick) * 0x9e3779b97f4a7c15u;
    return start_bits == 0 ? 0 : turn >> (64 - start_bits);
  }

  id_answer ask(std::int64_t now, std::uint64_t count) {
    using quoin::id_error;
    const auto none = [](id_error error) { return id_answer{0, 0, 0, error}; };
    if (now >= ticks || (!any && start >= ticks)) return none(id_error::time_over);
    std::int64_t tick = start;
    std::uint64_t sequence = 0;
    if (any) {
      const bool full = last_sequence + 1 == per_tick;
      tick = full ? last_tick + 1 : last_tick;
      sequence = full ? 0 : last_sequence + 1;
    }
    if (tick >= ticks) return none(id_error::time_over);
    if (tick < now) sequence = 0;
    if (tick <= now) {
      tick = now;
      if (sequence < begin(now)) sequence = begin(now);
    }
    if (tick > now + lead) {
      if (!any) return none(id_error::too_early);
      const std::int64_t behind = last_tick - (now + lead);
      const bool tolerated = back == quoin::clock_back::continue_ && behind <= backward;
      if (behind > 0 && !tolerated) return none(id_error::clock_back);
      if (behind <= 0 || tick != last_tick) return none(id_error::exhausted);
    }
    const std::uint64_t left = per_tick - sequence;
    const id_answer given{tick, sequence, count < left ? count : left, {}};
    any = true;
    last_tick = tick;
    last_sequence = sequence + given.count - 1;
    return given;
  }
};

}  // namespace quoin_test

#endif
