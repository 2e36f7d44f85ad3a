// SPDX-License-Identifier: BSL-1.0
/// @file
/// Times an interval apart that is a rational number of nanoseconds.
#ifndef QUOIN_DETAIL_LIMIT_SCHEDULE_HPP
#define QUOIN_DETAIL_LIMIT_SCHEDULE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/limit_gcra.hpp>

#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// When the next one may go: `token` / `tick` nanoseconds of a quota after the last one.
class drip_schedule {
 public:
  drip_schedule(const gcra_quota& interval, std::int64_t max_lateness,
                std::int64_t max_backward_step) noexcept
      : token_(interval.token),
        tick_(interval.tick),
        max_lateness_(max_lateness),
        max_backward_step_(max_backward_step) {}

  /// From `now` until the time of the one after `places` others, rounded up.
  [[nodiscard]] std::chrono::nanoseconds wait(std::int64_t now,
                                              std::uint64_t places) const noexcept {
    const std::int64_t units = next_.ahead + static_cast<std::int64_t>(places) * token_;
    const auto whole = static_cast<std::uint64_t>(units / tick_ + (units % tick_ != 0 ? 1 : 0));
    constexpr std::uint64_t longest = ~std::uint64_t{0} >> 1;
    if (next_.time <= now) {
      const std::uint64_t passed = difference(now, next_.time);
      return std::chrono::nanoseconds(static_cast<std::int64_t>(whole - min_of(whole, passed)));
    }
    const std::uint64_t ahead = min_of(difference(next_.time, now), longest);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(min_of(ahead + whole, longest)));
  }

  /// Nobody waited until `now`: nothing is made up for.
  void begin(std::int64_t now) noexcept {
    if (next_.time < now) next_ = {now, 0};
  }

  /// After a step back of the clock that was too large the next one is an interval from `now`.
  void settle(std::int64_t now) noexcept {
    if (next_.time <= now) return;
    const auto interval = static_cast<std::uint64_t>(token_ / tick_) + 1;
    if (difference(next_.time, now) > interval + static_cast<std::uint64_t>(max_backward_step_)) {
      next_ = {now, 0};
      go_on();
    }
  }

  /// The next one went at `now`, which is not before its time.
  void advance(std::int64_t now) noexcept {
    const std::uint64_t late = difference(now, next_.time) - (next_.ahead != 0 ? 1 : 0);
    if (late > static_cast<std::uint64_t>(max_lateness_)) next_ = {now - max_lateness_, 0};
    go_on();
  }

 private:
  [[nodiscard]] static std::uint64_t difference(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
  }

  void go_on() noexcept {
    next_.ahead += token_;
    if (__builtin_add_overflow(next_.time, next_.ahead / tick_, &next_.time)) {
      next_.time = INT64_MAX;
    }
    next_.ahead %= tick_;
  }

  gcra_state next_;  // the units are fewer than a nanosecond
  std::int64_t token_, tick_;
  std::int64_t max_lateness_, max_backward_step_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
