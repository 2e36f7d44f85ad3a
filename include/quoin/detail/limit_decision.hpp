// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every rate limiter is told and answers: rates, decisions, reservations.
#ifndef QUOIN_DETAIL_LIMIT_DECISION_HPP
#define QUOIN_DETAIL_LIMIT_DECISION_HPP

#include <quoin/detail/config.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// So many in so long: `rate{100, 1s}`, `per_minute(60)`. A count of 0 lets nothing in, ever.
struct rate {
  std::uint64_t count = 0;          ///< tokens (requests, bytes, whatever is counted)
  std::chrono::nanoseconds per{0};  ///< in this time, > 0

  friend constexpr bool operator==(const rate&, const rate&) = default;
};

[[nodiscard]] constexpr rate per_second(std::uint64_t count) noexcept {
  return {count, std::chrono::seconds(1)};
}
[[nodiscard]] constexpr rate per_minute(std::uint64_t count) noexcept {
  return {count, std::chrono::minutes(1)};
}
[[nodiscard]] constexpr rate per_hour(std::uint64_t count) noexcept {
  return {count, std::chrono::hours(1)};
}
[[nodiscard]] constexpr rate per_day(std::uint64_t count) noexcept {
  return {count, std::chrono::hours(24)};
}
[[nodiscard]] constexpr rate per_week(std::uint64_t count) noexcept {
  return {count, std::chrono::hours(24 * 7)};
}

/// Why a request was refused, or what there is to say of one that was allowed.
enum class limit_reason : std::uint8_t {
  none,              ///< allowed
  soft_limit,        ///< allowed, but above the soft limit
  limited,           ///< too much for now: it passes after `retry_after`
  cost_above_limit,  ///< asks for more than ever passes at once: split it, waiting does not help
  no_rate,           ///< the rate, or the limit, is zero: nothing comes back
  queue_full,        ///< as many are waiting as may
  debt_above_limit,  ///< would owe more than the limiter lends
  table_full,        ///< a keyed limiter without room for one more key
};

/// A wait without end, in `decision` and `reservation`.
inline constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

/// The answer of every limiter, and what the headers of a "429 Too Many Requests" are made of.
struct decision {
  bool allowed = false;
  limit_reason reason = limit_reason::none;
  std::uint64_t limit = 0;      ///< the most that passes at once: the burst, or a window's limit
  std::uint64_t remaining = 0;  ///< what would still pass now, after this
  /// Until the same request would pass if nothing else came in between; 0 when allowed, `never`
  /// when waiting does not help. Exact: one nanosecond less is too early.
  std::chrono::nanoseconds retry_after{0};
  /// Until the limiter is as if it had never been used, if nothing else comes.
  std::chrono::nanoseconds reset_after{0};

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return allowed; }

  friend constexpr bool operator==(const decision&, const decision&) = default;
};

/// A promise to let something pass, after a wait.
struct reservation {
  bool granted = false;
  limit_reason reason = limit_reason::none;
  std::uint64_t cost = 0;            ///< what was reserved; 0 when refused
  std::chrono::nanoseconds wait{0};  ///< until it may go ahead; when refused, how long that was

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return granted; }

  friend constexpr bool operator==(const reservation&, const reservation&) = default;
};

/// What becomes of the tokens when a limiter gets another quota.
enum class inherit : std::uint8_t {
  tokens,   ///< as many as before, at most the new limit; a debt stays the same
  share,    ///< the same share of the limit, rounded down; a debt too
  full,     ///< begin full
  nothing,  ///< begin empty
};

/// What all limiters have in common: ask at a time or now, look, give back, begin anew.
template <class T>
concept limiter = requires(T& limiter, const T& same, typename T::time_point now,
                           std::uint64_t cost) {
  { limiter.try_acquire() } -> std::convertible_to<decision>;
  { limiter.try_acquire(cost) } -> std::convertible_to<decision>;
  { limiter.try_acquire_at(now, cost) } -> std::convertible_to<decision>;
  { limiter.acquire_up_to_at(now, cost) } -> std::same_as<std::uint64_t>;
  { same.peek_at(now, cost) } -> std::convertible_to<decision>;
  { same.time_until_at(now, cost) } -> std::same_as<std::chrono::nanoseconds>;
  limiter.refund_at(now, cost);
  limiter.reset();
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

/// Why `cost` tokens, at least one, do not pass where never more than `limit` do. To split a request
/// is of no use where nothing passes at all.
[[nodiscard]] constexpr limit_reason refusal_of(std::uint64_t cost, std::uint64_t limit) noexcept {
  if (cost <= limit) return limit_reason::limited;
  return limit == 0 ? limit_reason::no_rate : limit_reason::cost_above_limit;
}

/// Nanoseconds since the epoch of the clock, which is all of time that an algorithm sees. What 64 bits
/// do not hold, of a clock with longer ticks, is the first or the last time that they do.
template <class TimePoint>
[[nodiscard]] constexpr std::int64_t nanoseconds_of(TimePoint time) noexcept {
  using rep = typename TimePoint::rep;
  using period = typename TimePoint::period;
  if constexpr (std::ratio_greater_v<period, std::nano> || !std::is_integral_v<rep>) {
    using wide = std::chrono::duration<std::common_type_t<rep, std::int64_t>, period>;
    const wide since = time.time_since_epoch();
    if (since >= std::chrono::duration_cast<wide>(std::chrono::nanoseconds::max())) {
      return INT64_MAX;
    }
    if (std::is_signed_v<rep> &&
        since <= std::chrono::duration_cast<wide>(std::chrono::nanoseconds::min())) {
      return INT64_MIN;
    }
  }
  return std::chrono::duration_cast<std::chrono::duration<std::int64_t, std::nano>>(
             time.time_since_epoch())
      .count();
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
