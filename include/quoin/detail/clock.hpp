// SPDX-License-Identifier: BSL-1.0
/// @file
/// Where timed types get the time from: a clock that the caller gives, real or set by hand.
#ifndef QUOIN_DETAIL_CLOCK_HPP
#define QUOIN_DETAIL_CLOCK_HPP

#include <quoin/detail/config.hpp>

#include <chrono>
#include <concepts>

namespace quoin::inline QUOIN_ABI {

/// A clock that stands still until it is told to move, forward or back: for tests and simulations.
/// Timed types keep a reference to the one they are given, so that many can share it.
///
/// @code
/// quoin::manual_clock clock;
/// quoin::sliding_count_min_sketch hits({.width = 4096, .window = 1min, .panes = 6}, clock);
/// hits.add("a");
/// clock.advance(2min);  // hits.estimate("a") is 0 now
/// @endcode
///
/// A value type, like a time point: not to be moved while other threads read it.
class manual_clock {
 public:
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<manual_clock>;
  static constexpr bool is_steady = false;

  /// A clock at its epoch.
  constexpr manual_clock() noexcept = default;
  /// A clock at `start`.
  constexpr explicit manual_clock(time_point start) noexcept : now_(start) {}

  [[nodiscard]] constexpr time_point now() const noexcept { return now_; }

  /// Jumps to `time`, later or earlier.
  constexpr void set(time_point time) noexcept { now_ = time; }

  /// Moves by `step`, which may be negative; stops at the first and the last time point.
  constexpr void advance(duration step) noexcept {
    rep ticks = 0;
    if (__builtin_add_overflow(now_.time_since_epoch().count(), step.count(), &ticks)) {
      now_ = step.count() < 0 ? time_point::min() : time_point::max();
    } else {
      now_ = time_point(duration(ticks));
    }
  }

 private:
  time_point now_{};
};

namespace detail {

/// A clock as in <chrono>: the type itself tells the time.
template <class Clock>
concept static_clock = requires {
  { Clock::now() } -> std::convertible_to<typename Clock::time_point>;
};

/// What a timed type keeps of its clock: a reference, which a copy shares …
template <class Clock>
class clock_reference {
 public:
  constexpr explicit clock_reference(const Clock& clock) noexcept : clock_(&clock) {}

  [[nodiscard]] constexpr typename Clock::time_point now() const { return clock_->now(); }

 private:
  const Clock* clock_;
};

/// … or nothing, where the type tells the time.
template <static_clock Clock>
class clock_reference<Clock> {
 public:
  constexpr clock_reference() noexcept = default;
  constexpr explicit clock_reference(const Clock& /*clock*/) noexcept {}

  [[nodiscard]] typename Clock::time_point now() const { return Clock::now(); }
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
