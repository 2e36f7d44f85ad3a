// SPDX-License-Identifier: BSL-1.0
/// @file
/// The clock of a generator that may have to wait for it.
#ifndef QUOIN_DETAIL_ID_WAIT_HPP
#define QUOIN_DETAIL_ID_WAIT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/clock.hpp>

#include <time.h>

#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The time of day as the kernel last noted it: a quarter of what reading `std::chrono::system_clock`
/// costs, and up to one timer tick behind it (1 to 10 ms as the kernel is configured; it is then the
/// same time for as long, in which a Snowflake generator has the ids of one unit of time, and those of
/// the next ones only with `exhaustion::lead`). Where the system has no such clock,
/// `std::chrono::system_clock` in
/// milliseconds.
struct coarse_system_clock {
  using duration = std::chrono::duration<std::int64_t, std::milli>;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<std::chrono::system_clock, duration>;
  static constexpr bool is_steady = false;

  [[nodiscard]] static time_point now() noexcept {
#if defined(CLOCK_REALTIME_COARSE)
    timespec time;
    if (::clock_gettime(CLOCK_REALTIME_COARSE, &time) == 0) [[likely]] {
      return time_point(duration(std::int64_t{time.tv_sec} * 1000 +
                                 static_cast<std::uint32_t>(time.tv_nsec) / 1'000'000));
    }
#endif
    return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
  }
};

namespace detail {

/// Sleeps, and wakes a little late.
inline void id_sleep(std::chrono::nanoseconds time) noexcept {
  timespec left{};
  left.tv_sec = static_cast<decltype(left.tv_sec)>(time.count() / 1'000'000'000);
  left.tv_nsec = static_cast<decltype(left.tv_nsec)>(time.count() % 1'000'000'000);
  ::nanosleep(&left, nullptr);  // woken early by a signal: who waits looks at the clock anyway
}

/// How long one call may spin in all, because a sleep takes 50 us or more however short it is.
inline constexpr std::chrono::nanoseconds id_most_spin{20'000};
/// The longest sleep between two looks at a clock, which may be set meanwhile.
inline constexpr std::chrono::nanoseconds id_most_sleep{50'000'000};

/// Lets `time` pass, or less; `spin` is what is left of `id_most_spin`.
inline void id_pause(std::chrono::nanoseconds time, std::chrono::nanoseconds& spin) noexcept {
  using steady = std::chrono::steady_clock;
  if (time > spin) return id_sleep(min_of(time, id_most_sleep));
  spin -= time;
  const steady::time_point start = steady::now();
  while (steady::now() - start < time) {
  }
}

/// A clock that is known by reference, or one whose type tells the time. One that has `sleep_for`
/// lets time pass by that.
template <class Clock>
class id_clock {
 public:
  using time_point = typename Clock::time_point;

  id_clock() noexcept requires static_clock<Clock>
  = default;
  explicit id_clock(const Clock& clock) noexcept : clock_(&clock) {}

  [[nodiscard]] QUOIN_ALWAYS_INLINE time_point now() const {
    if constexpr (static_clock<Clock>) {
      return Clock::now();
    } else {
      return clock_->now();
    }
  }

  void pause(std::chrono::nanoseconds time, std::chrono::nanoseconds& spin) const {
    if constexpr (requires { Clock::sleep_for(time); }) {
      Clock::sleep_for(time);
    } else if constexpr (requires { clock_->sleep_for(time); }) {
      clock_->sleep_for(time);
    } else {
      id_pause(time, spin);
    }
  }

 private:
  const Clock* clock_ = nullptr;  // unused where the type tells the time
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
