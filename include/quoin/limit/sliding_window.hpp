// SPDX-License-Identifier: BSL-1.0
/// @file
/// About so many in any window of time: two counters, of which the older one fades.
///
/// Use it for "100 a minute" without the burst that `fixed_window` lets through at the edge of two
/// windows, at the same cost and in one word. What the last window counted weighs as much as of
/// that window is still within one length of now: 25 % into a window, 75 %. For a limit that
/// nothing exceeds, in any window, take `sliding_log`.
///
/// Guarantee   exact arithmetic: x = current + previous · left / per is compared as a rational
///             number. With `weight::up` a request of n passes if and only if x + n <= limit; with
///             `weight::down` if floor(x) + n <= limit.
/// Error       x differs from the count of the last `per` by at most previous · max(w, 1 − w),
///             where w is left / per (of the previous window's requests between none and all lie
///             within; by less than one if they were evenly spread). So any time as long as a
///             window has at most 2 · limit − 1 admissions with `weight::up`, 2 · limit with
///             `weight::down`: what of the window is in the previous one is at most `previous`, the
///             rest at most `current`, and current <= limit − w · previous, w > 0. Evenly spread,
///             limit + 1. (Cloudflare found 0.003 % of 400 million requests decided otherwise than
///             by the exact count.)
/// Cost        try_acquire_at: 1 to 2 ns, two multiplications. Fields of the answer that are not
///             read cost nothing. atomic_sliding_window: one compare-and-swap; a refusal writes
///             nothing.
/// Memory      88 bytes; atomic 640, of which requests write one cache line.
/// Threads     sliding_window: like a standard container. atomic_sliding_window: concurrent,
///             lock-free but for a new quota and the begin of a new range of windows (below), for
///             which threads that need it wait for one another.
/// Bytes       format id 0x0705, docs/formats.md#windows; times are kept relative to `now`.
///
/// Windows     as of `fixed_window`: aligned to the epoch of the clock and `offset`.
/// Time        as of `fixed_window`; a clock that has been set anew goes on with a current window
///             that has all of its limit taken.
/// Refunds     come off the window of their `now`, then off the previous one; later windows get
///             nothing back, as of `fixed_window`.
/// Bounds      `rate.count` and `max_debt` up to 2^62; in the atomic form, together, up to 2^28 -
///             1: two counters share a word with the number of the window. The word holds 16
///             windows or more, 2^38 for a limit of 1000, and then the range moves on. Nothing ever
///             wraps.
/// Source      Cloudflare, "How we built rate limiting capable of scaling to millions of domains",
///             2017.
///
/// @code
/// quoin::sliding_window per_client({.rate = quoin::per_minute(100)});
/// if (const auto d = per_client.try_acquire(); !d) reply_429(d.retry_after);
/// per_client.debit(response.size());    // taken already: weighs on this window and the next
/// @endcode
#ifndef QUOIN_LIMIT_SLIDING_WINDOW_HPP
#define QUOIN_LIMIT_SLIDING_WINDOW_HPP

#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_window_form.hpp>
#include <quoin/detail/limit_window_word.hpp>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// What a fraction of a request counts as, which the previous window weighs nearly always.
enum class weight : std::uint8_t {
  down,  ///< nothing: 6.5 of 7 have room for one more
  up,    ///< a whole one: they have not; as with the exact fraction, since limits are whole
};

/// The quota of a sliding window.
struct sliding_window_options {
  /// What `max_debt` is unless said otherwise: as much as the limit.
  static constexpr std::uint64_t as_limit = ~std::uint64_t{0};

  quoin::rate rate;                 ///< so many in about any window, which is so long, 1 ns or more
  weight fractions = weight::down;  ///< of the previous window's weight
  std::chrono::nanoseconds offset{0};  ///< of the windows' begins from multiples of `rate.per`
  std::uint64_t max_debt = as_limit;   ///< by which `debit` may exceed the limit
  /// A clock that goes back further behind the window's begin than this, >= 0, has been set anew.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const sliding_window_options&,
                                   const sliding_window_options&) = default;
};

namespace detail {

struct sliding_window_quota {
  using options_type = sliding_window_options;
  static constexpr const char* type = "sliding_window";
  static constexpr const char* atomic_type = "atomic_sliding_window";
  static constexpr std::uint16_t format = 0x0705;
  static constexpr std::uint64_t word_most = (std::uint64_t{1} << 28) - 1;

  struct state {
    std::int64_t begin;
    std::uint64_t current;
    std::uint64_t previous;
    friend constexpr bool operator==(const state&, const state&) = default;
  };

  std::uint64_t limit = 0;
  std::uint64_t most = 0;  ///< `limit` and the greatest debt
  std::int64_t per = 1;
  std::uint64_t bits = 1;   ///< of a count
  std::uint64_t floor = 1;  ///< 1 with `weight::down`

  sliding_window_quota() = default;
  sliding_window_quota(const options_type& options, std::uint64_t with_debt) noexcept
      : limit(options.rate.count),
        most(with_debt),
        per(options.rate.per.count()),
        bits(static_cast<unsigned>(std::bit_width(with_debt))),
        floor(options.fractions == weight::down ? 1 : 0) {}
  void put_options(options_type& options) const noexcept {
    options.fractions = floor != 0 ? weight::down : weight::up;
  }

  static constexpr std::size_t word_count = 5;
  template <class F>
  [[nodiscard]] QUOIN_ALWAYS_INLINE static sliding_window_quota from_words(F word) noexcept {
    sliding_window_quota quota;
    quota.limit = word(0);
    quota.most = word(1);
    quota.per = static_cast<std::int64_t>(word(2));
    quota.bits = word(3);
    quota.floor = word(4);
    return quota;
  }
  template <class F>
  void to_words(F put) const noexcept {
    put(0, limit);
    put(1, most);
    put(2, static_cast<std::uint64_t>(per));
    put(3, bits);
    put(4, floor);
  }

  [[nodiscard]] static state fresh(std::int64_t begin) noexcept { return {begin, 0, 0}; }
  [[nodiscard]] state emptied(const state& s, std::int64_t begin) const noexcept {
    return {begin, max_of(s.current, limit), 0};
  }
  [[nodiscard]] state later(const state& s, std::uint64_t windows) const noexcept {
    return {later_by(s.begin, windows * span()), 0, windows == 1 ? s.current : 0};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE bool passes(const state& s, std::int64_t now,
                                                std::uint64_t cost,
                                                std::uint64_t bound) const noexcept {
    if (s.current > bound || cost > bound - s.current) return false;
    return weighs_at_most(s, now, bound - s.current - cost);
  }

  /// The first time at which the weight is small enough, in this window or, of what is current now,
  /// in the next one. There are no requests in between, so that it only falls.
  [[nodiscard]] std::chrono::nanoseconds wait(const state& s, std::int64_t now, std::uint64_t cost,
                                              std::uint64_t bound) const noexcept {
    const std::uint64_t room = bound - cost;
    if (s.current <= room) {
      return wait_until(now, s.begin, span() - lasting(room - s.current, s.previous));
    }
    std::uint64_t until = 0;
    if (!checked_add(span(), span() - lasting(room, s.current), &until)) return never;
    return wait_until(now, s.begin, until);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t remaining(const state& s,
                                                            std::int64_t now) const noexcept {
    const std::uint64_t weight = weight_of(s, now);
    if (s.current >= limit) return 0;
    return limit - s.current > weight ? limit - s.current - weight : 0;
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::chrono::nanoseconds reset_after(
      const state& s, std::int64_t now) const noexcept {
    if (s.current == 0) return s.previous == 0 ? wait_of(0) : wait_until(now, s.begin, span());
    return wait_until(now, s.begin, 2 * span());
  }
  QUOIN_ALWAYS_INLINE void take(state& s, std::uint64_t cost) const noexcept { s.current += cost; }
  void give(state& s, std::uint64_t cost) const noexcept {
    const std::uint64_t here = min_of(cost, s.current);
    s.current -= here;
    s.previous -= min_of(cost - here, s.previous);
  }

  [[nodiscard]] state inherited(const state& s, std::int64_t begin,
                                const sliding_window_quota& next, inherit what) const noexcept {
    // As if it all had come in the current window of the new quota.
    const std::uint64_t used = min_of(s.current + min_of(s.previous, most - s.current), most);
    return {begin, inherited_use(used, limit, next.limit, next.most, what), 0};
  }

  // In bytes, and in a word.
  [[nodiscard]] std::uint8_t flags() const noexcept { return floor != 0 ? 0 : 1; }
  [[nodiscard]] static bool read_flags(std::uint8_t flags, options_type& options) noexcept {
    options.fractions = flags == 0 ? weight::down : weight::up;
    return flags <= 1;
  }
  [[nodiscard]] static window_counts counts(const state& s) noexcept {
    return {s.current, s.previous};
  }
  [[nodiscard]] static state state_of(std::int64_t begin, const window_counts& counts) noexcept {
    return {begin, counts.current, counts.previous};
  }
  [[nodiscard]] std::uint64_t most_previous() const noexcept { return most; }

  [[nodiscard]] unsigned count_bits() const noexcept { return static_cast<unsigned>(2 * bits); }
  [[nodiscard]] std::uint64_t pack(const state& s) const noexcept {
    return (s.previous << bits) + s.current;
  }
  [[nodiscard]] state unpack(std::uint64_t counts) const noexcept {
    return {0, counts & ((std::uint64_t{1} << bits) - 1), counts >> bits};
  }

 private:
  [[nodiscard]] std::uint64_t span() const noexcept { return static_cast<std::uint64_t>(per); }

  /// How much of the window is left, all of it before it begins.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t left(const state& s,
                                                       std::int64_t now) const noexcept {
    return now < s.begin ? span() : span() - time_between(s.begin, now);
  }

  /// previous · left / per, rounded, is at most `room`: in whole numbers previous · left is at most
  /// room · per, or (floor) less than (room + 1) · per.
  [[nodiscard]] QUOIN_ALWAYS_INLINE bool weighs_at_most(const state& s, std::int64_t now,
                                                        std::uint64_t room) const noexcept {
    if (s.previous <= room) return true;
    const uint128_halves weight = mul_full(s.previous, left(s, now));
    const uint128_halves bound = mul_full(room + floor, span());
    return less(weight, bound) || (floor == 0 && !less(bound, weight));
  }

  /// How much of a window may be left while `count` of it weigh at most `room`, which is less.
  [[nodiscard]] std::uint64_t lasting(std::uint64_t room, std::uint64_t count) const noexcept {
    return divide(mul_add(room, span(), floor != 0 ? span() - 1 : 0), count);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t weight_of(const state& s,
                                                            std::int64_t now) const noexcept {
    if (s.previous == 0) return 0;
    return divide(mul_add(s.previous, left(s, now), floor != 0 ? 0 : span() - 1), span());
  }
};

template <class Clock>
using sliding_window_face =
    limiter_face<window_core<sliding_window_quota, plain_store<sliding_window_quota>>, Clock>;
template <class Clock, template <class> class Atomic>
using atomic_sliding_window_face =
    limiter_face<window_core<sliding_window_quota, word_store<sliding_window_quota, Atomic>>,
                 Clock>;

}  // namespace detail

template <class Clock, template <class> class Atomic>
class atomic_sliding_window;

/// A sliding window in the time of `Clock`. A new one is full.
/// @tparam Clock  from <chrono> or of the same shape; one whose `now` is not static (`manual_clock`)
///                is given to the constructor.
template <class Clock = std::chrono::steady_clock>
class sliding_window
    : public detail::window_bytes<sliding_window<Clock>, detail::sliding_window_quota,
                                  detail::sliding_window_face<Clock>> {
  using base = detail::window_bytes<sliding_window<Clock>, detail::sliding_window_quota,
                                    detail::sliding_window_face<Clock>>;
  friend base;
  template <class, template <class> class>
  friend class atomic_sliding_window;

 public:
  using base::base;
};

sliding_window(const sliding_window_options&)->sliding_window<>;
template <class Clock>
sliding_window(const sliding_window_options&, const Clock&) -> sliding_window<Clock>;

/// A sliding window for any number of threads.
/// @tparam Atomic  `std::atomic`, or what stands for it in tests.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic>
class atomic_sliding_window : public detail::atomic_sliding_window_face<Clock, Atomic> {
  using face = detail::atomic_sliding_window_face<Clock, Atomic>;

 public:
  using face::face;

  /// Goes on from `from`, on its clock.
  explicit atomic_sliding_window(const sliding_window<Clock>& from)
      : face(from.clock_, from.core_.view()) {}

  /// As it is now, as a value.
  [[nodiscard]] sliding_window<Clock> snapshot() const noexcept {
    return sliding_window<Clock>(this->clock_, this->core_.view());
  }
};

atomic_sliding_window(const sliding_window_options&)->atomic_sliding_window<>;
template <class Clock>
atomic_sliding_window(const sliding_window_options&, const Clock&) -> atomic_sliding_window<Clock>;
template <class Clock>
explicit atomic_sliding_window(const sliding_window<Clock>&) -> atomic_sliding_window<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
