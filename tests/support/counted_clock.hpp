// SPDX-License-Identifier: BSL-1.0
// Time that only a test moves, as a clock and a counter beside it tell it.
#ifndef QUOIN_TESTS_SUPPORT_COUNTED_CLOCK_HPP
#define QUOIN_TESTS_SUPPORT_COUNTED_CLOCK_HPP

#include <chrono>
#include <cstdint>

#include "support/interleave.hpp"

namespace quoin_test {

/// In units of `Duration`, of which the counter tells one each.
template <class Duration>
struct counted_clock {
  using duration = Duration;
  using rep = typename duration::rep;
  using period = typename duration::period;
  using time_point = std::chrono::time_point<counted_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;

  static inline interleaved_atomic<std::int64_t> time;
  static inline std::int64_t counter_is_ahead = 0;

  static time_point now() { return time_point(duration(time.load())); }

  struct ticks {
    static std::uint64_t now() {
      return static_cast<std::uint64_t>(time.load() + counter_is_ahead);
    }
    static constexpr std::uint64_t most() { return 4; }
  };
};

}  // namespace quoin_test

#endif
