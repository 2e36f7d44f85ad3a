// SPDX-License-Identifier: BSL-1.0
/// @file
/// So many in each window of time: a counter that begins anew every second, minute or day.
///
/// Use it for quotas that are said that way ("1000 a day, from midnight UTC") and where the
/// cheapest will do. Not where a burst does harm: at the edge of two windows twice the limit passes
/// in no time. `sliding_window` smooths that at the same cost, `sliding_log` rules it out,
/// `token_bucket` says how large a burst may be.
///
/// Guarantee   exact: no window lets more than `rate.count` in. So any time as long as a window has
///             at most twice as many (a limit of 5 a minute: 5 at 2:00:59, 5 more at 2:01:00).
///             Debts and reservations are within the limit of the windows to come.
/// Cost        try_acquire_at: 1 to 2 ns. The first request of a window divides once. Fields of the
///             answer that are not read cost nothing. atomic_fixed_window: one compare-and-swap; a
///             refusal writes nothing.
/// Memory      72 bytes; atomic 384, of which requests write one cache line.
/// Threads     fixed_window: like a standard container. atomic_fixed_window: concurrent, lock-free
///             but for a new quota and the begin of a new range of windows (docs: below), for which
///             threads that need it wait for one another.
/// Bytes       format id 0x0703, docs/formats.md#windows; times are kept relative to `now`.
///
/// Windows     begin at multiples of `rate.per` after the epoch of the clock and `offset`, whatever
///             the calendar says: of `system_clock`, days begin at midnight UTC, and weeks on
///             Thursdays without an offset of four days.
/// Time        a `now` before the window that was reached counts in that window: tokens do not come
///             back. If the window began more than `max_backward_step` after it, the clock has been
///             set anew: the limiter goes on in the window of `now` with nothing left. All times
///             that the clock can tell are good; the first of them, up to a window's begin, belong
///             to that one.
/// Refunds     are for the window of their `now`, the time of the taking: a later one gets nothing
///             back.
/// Bounds      `rate.count` and `max_debt` up to 2^62; in the atomic form, together, up to 2^40 -
///             1, as they share a word with the number of the window: the word holds 2^20 windows
///             or more, 2^50 for a limit of 500, and then the range moves on. Nothing ever wraps.
///
/// @code
/// quoin::fixed_window per_day({.rate = quoin::per_day(1000)});
/// if (const auto d = per_day.try_acquire(); !d) reply_429(d.retry_after);
/// per_day.try_acquire_at(now, 3);       // three or none, at a time of its clock
/// const auto r = per_day.reserve(5);    // in this window or in the next one
/// @endcode
#ifndef QUOIN_LIMIT_FIXED_WINDOW_HPP
#define QUOIN_LIMIT_FIXED_WINDOW_HPP

#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_window_form.hpp>
#include <quoin/detail/limit_window_word.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The quota of a fixed window.
struct fixed_window_options {
  /// What `max_debt` is unless said otherwise: as much as the limit.
  static constexpr std::uint64_t as_limit = ~std::uint64_t{0};

  quoin::rate rate;                    ///< so many in each window, which is so long, 1 ns or more
  std::chrono::nanoseconds offset{0};  ///< of the windows' begins from multiples of `rate.per`
  std::uint64_t max_debt = as_limit;   ///< of windows to come, for `debit` and `reserve`
  /// A clock that goes back further behind the window's begin than this, >= 0, has been set anew.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const fixed_window_options&,
                                   const fixed_window_options&) = default;
};

namespace detail {

struct fixed_window_quota {
  using options_type = fixed_window_options;
  static constexpr const char* type = "fixed_window";
  static constexpr const char* atomic_type = "atomic_fixed_window";
  static constexpr std::uint16_t format = 0x0703;
  static constexpr std::uint64_t word_most = (std::uint64_t{1} << 40) - 1;

  /// A debt to later windows is counted in this one, beyond the limit.
  struct state {
    std::int64_t begin;
    std::uint64_t used;
    friend constexpr bool operator==(const state&, const state&) = default;
  };

  std::uint64_t limit = 0;
  std::uint64_t most = 0;  ///< `limit` and the greatest debt
  std::int64_t per = 1;
  std::uint64_t bits = 1;  ///< of a count; kept because a `bsr` takes longer than all the rest

  fixed_window_quota() = default;
  fixed_window_quota(const options_type& options, std::uint64_t with_debt) noexcept
      : limit(options.rate.count),
        most(with_debt),
        per(options.rate.per.count()),
        bits(static_cast<unsigned>(std::bit_width(with_debt))) {}
  static void put_options(options_type&) noexcept {}

  static constexpr std::size_t word_count = 4;
  template <class F>
  [[nodiscard]] QUOIN_ALWAYS_INLINE static fixed_window_quota from_words(F word) noexcept {
    fixed_window_quota quota;
    quota.limit = word(0);
    quota.most = word(1);
    quota.per = static_cast<std::int64_t>(word(2));
    quota.bits = word(3);
    return quota;
  }
  template <class F>
  void to_words(F put) const noexcept {
    put(0, limit);
    put(1, most);
    put(2, static_cast<std::uint64_t>(per));
    put(3, bits);
  }

  [[nodiscard]] static state fresh(std::int64_t begin) noexcept { return {begin, 0}; }
  [[nodiscard]] state emptied(const state& s, std::int64_t begin) const noexcept {
    return {begin, max_of(s.used, limit)};
  }
  [[nodiscard]] state later(const state& s, std::uint64_t windows) const noexcept {
    std::uint64_t back = 0;
    const bool owes = checked_mul(windows, limit, &back) && back < s.used;
    return {later_by(s.begin, windows * static_cast<std::uint64_t>(per)), owes ? s.used - back : 0};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE bool passes(const state& s, std::int64_t, std::uint64_t cost,
                                                std::uint64_t bound) const noexcept {
    return s.used <= bound && cost <= bound - s.used;
  }
  [[nodiscard]] std::chrono::nanoseconds wait(const state& s, std::int64_t now, std::uint64_t cost,
                                              std::uint64_t bound) const noexcept {
    return limit == 0 ? never : until(s, now, ceil_div(s.used + cost - bound, limit));
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t remaining(const state& s,
                                                            std::int64_t) const noexcept {
    return s.used < limit ? limit - s.used : 0;
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::chrono::nanoseconds reset_after(
      const state& s, std::int64_t now) const noexcept {
    if (s.used == 0) return std::chrono::nanoseconds(0);
    if (s.used <= limit) [[likely]]
      return until(s, now, 1);
    return limit == 0 ? never : until(s, now, ceil_div(s.used, limit));
  }
  QUOIN_ALWAYS_INLINE void take(state& s, std::uint64_t cost) const noexcept { s.used += cost; }
  void give(state& s, std::uint64_t cost) const noexcept { s.used -= min_of(cost, s.used); }

  /// In the first window with room for all of it.
  [[nodiscard]] reservation reserve(state& s, std::int64_t now, std::uint64_t cost,
                                    std::chrono::nanoseconds max_wait) const noexcept {
    if (cost > limit) return {.reason = refusal_of(cost, limit), .wait = never};
    std::uint64_t windows = s.used / limit, taken = s.used % limit;
    if (cost > limit - taken) {
      ++windows;
      taken = 0;
    }
    reservation answer;
    if (windows != 0) answer.wait = until(s, now, windows);
    const std::uint64_t then = windows * limit + taken + cost;  // at most 2^63 + 2^62
    if (answer.wait == never || answer.wait > max_wait) {
      answer.reason = limit_reason::limited;
    } else if (then > most) {
      answer.reason = limit_reason::debt_above_limit;
    } else {
      s.used = then;
      answer.granted = true;
      answer.cost = cost;
    }
    return answer;
  }

  [[nodiscard]] state inherited(const state& s, std::int64_t begin, const fixed_window_quota& next,
                                inherit what) const noexcept {
    return {begin, inherited_use(s.used, limit, next.limit, next.most, what)};
  }

  // In bytes, and in a word.
  [[nodiscard]] static std::uint8_t flags() noexcept { return 0; }
  [[nodiscard]] static bool read_flags(std::uint8_t flags, options_type&) noexcept {
    return flags == 0;
  }
  [[nodiscard]] static window_counts counts(const state& s) noexcept { return {s.used, 0}; }
  [[nodiscard]] static state state_of(std::int64_t begin, const window_counts& counts) noexcept {
    return {begin, counts.current};
  }
  [[nodiscard]] static std::uint64_t most_previous() noexcept { return 0; }

  [[nodiscard]] unsigned count_bits() const noexcept { return static_cast<unsigned>(bits); }
  [[nodiscard]] std::uint64_t pack(const state& s) const noexcept { return s.used; }
  [[nodiscard]] state unpack(std::uint64_t counts) const noexcept { return {0, counts}; }

 private:
  /// Until so many windows from the state's have passed.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::chrono::nanoseconds until(
      const state& s, std::int64_t now, std::uint64_t windows) const noexcept {
    std::uint64_t span = 0;
    if (!checked_mul(windows, static_cast<std::uint64_t>(per), &span)) return never;
    return wait_until(now, s.begin, span);
  }
};

template <class Clock>
using fixed_window_face =
    limiter_face<window_core<fixed_window_quota, plain_store<fixed_window_quota>>, Clock>;
template <class Clock, template <class> class Atomic>
using atomic_fixed_window_face =
    limiter_face<window_core<fixed_window_quota, word_store<fixed_window_quota, Atomic>>, Clock>;

}  // namespace detail

template <class Clock, template <class> class Atomic>
class atomic_fixed_window;

/// A fixed window in the time of `Clock`. A new one is full.
/// @tparam Clock  from <chrono> or of the same shape; one whose `now` is not static (`manual_clock`)
///                is given to the constructor.
template <class Clock = std::chrono::steady_clock>
class fixed_window : public detail::window_bytes<fixed_window<Clock>, detail::fixed_window_quota,
                                                 detail::fixed_window_face<Clock>> {
  using base = detail::window_bytes<fixed_window<Clock>, detail::fixed_window_quota,
                                    detail::fixed_window_face<Clock>>;
  friend base;
  template <class, template <class> class>
  friend class atomic_fixed_window;

 public:
  using base::base;
};

fixed_window(const fixed_window_options&)->fixed_window<>;
template <class Clock>
fixed_window(const fixed_window_options&, const Clock&) -> fixed_window<Clock>;

/// A fixed window for any number of threads.
/// @tparam Atomic  `std::atomic`, or what stands for it in tests.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic>
class atomic_fixed_window : public detail::atomic_fixed_window_face<Clock, Atomic> {
  using face = detail::atomic_fixed_window_face<Clock, Atomic>;

 public:
  using face::face;

  /// Goes on from `from`, on its clock.
  explicit atomic_fixed_window(const fixed_window<Clock>& from)
      : face(from.clock_, from.core_.view()) {}

  /// As it is now, as a value.
  [[nodiscard]] fixed_window<Clock> snapshot() const noexcept {
    return fixed_window<Clock>(this->clock_, this->core_.view());
  }
};

atomic_fixed_window(const fixed_window_options&)->atomic_fixed_window<>;
template <class Clock>
atomic_fixed_window(const fixed_window_options&, const Clock&) -> atomic_fixed_window<Clock>;
template <class Clock>
explicit atomic_fixed_window(const fixed_window<Clock>&) -> atomic_fixed_window<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
