// SPDX-License-Identifier: BSL-1.0
/// @file
/// What limiters by windows calculate with: sums of products in full, and aligned windows.
#ifndef QUOIN_DETAIL_LIMIT_WINDOW_MATH_HPP
#define QUOIN_DETAIL_LIMIT_WINDOW_MATH_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_division.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace quoin::inline QUOIN_ABI::detail {

/// `a * b + c` in full.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr uint128_halves mul_add(std::uint64_t a, std::uint64_t b,
                                                                   std::uint64_t c) noexcept {
  uint128_halves x = mul_full(a, b);
  x.lo += c;
  x.hi += x.lo < c ? 1 : 0;
  return x;
}

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool less(const uint128_halves& a,
                                                      const uint128_halves& b) noexcept {
  return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/// Nanoseconds as a wait, `never` when there are too many.
[[nodiscard]] constexpr std::chrono::nanoseconds wait_of(std::uint64_t time) noexcept {
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(min_of(time, static_cast<std::uint64_t>(INT64_MAX))));
}

/// Nanoseconds from `earlier` to `later`.
[[nodiscard]] constexpr std::uint64_t time_between(std::int64_t earlier,
                                                   std::int64_t later) noexcept {
  return static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier);
}

/// `time` and so many nanoseconds, which it is known to bear.
[[nodiscard]] constexpr std::int64_t later_by(std::int64_t time, std::uint64_t by) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time) + by);
}

/// From `now` until `span` after `begin`, at most `never`; 0 when that has passed.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::chrono::nanoseconds wait_until(
    std::int64_t now, std::int64_t begin, std::uint64_t span) noexcept {
  if (now >= begin) [[likely]] {
    const std::uint64_t gone = time_between(begin, now);
    return wait_of(span > gone ? span - gone : 0);
  }
  std::uint64_t wait = 0;
  return checked_add(time_between(now, begin), span, &wait) ? wait_of(wait) : never;
}

/// Windows of `per` nanoseconds that begin at multiples of it after the epoch and `offset`.
struct window_grid {
  std::int64_t per = 1;
  std::int64_t offset = 0;

  /// Time since the window of `now` began, in [0, per).
  [[nodiscard]] constexpr std::uint64_t phase(std::int64_t now) const noexcept {
    const std::int64_t a = rest(now), b = rest(offset);
    return static_cast<std::uint64_t>(a >= b ? a - b : a - b + per);
  }

  /// The first window that begins within the time that 64 bits tell.
  [[nodiscard]] constexpr std::int64_t first() const noexcept {
    const std::uint64_t gone = phase(INT64_MIN);
    return later_by(INT64_MIN, gone == 0 ? 0 : static_cast<std::uint64_t>(per) - gone);
  }

  /// Where the window of `now` begins; of times before the first one, where that does.
  [[nodiscard]] constexpr std::int64_t begin(std::int64_t now) const noexcept {
    const std::uint64_t gone = phase(now);
    if (gone > time_between(INT64_MIN, now)) return first();
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(now) - gone);
  }

 private:
  [[nodiscard]] constexpr std::int64_t rest(std::int64_t time) const noexcept {
    const std::int64_t r = time % per;
    return r < 0 ? r + per : r;
  }
};

/// What was counted, as it is serialized.
struct window_counts {
  std::uint64_t current = 0;
  std::uint64_t previous = 0;
};

/// What is wrong with an option, if `parameter` is not null.
struct window_fault {
  const char* parameter = nullptr;
  std::uint64_t value = 0;
  const char* permitted = nullptr;
};

/// What `left` of `from` tokens is under another limit, and the debt likewise: see `inherit`.
/// @return  what counts as taken of the new limit.
[[nodiscard]] constexpr std::uint64_t inherited_use(std::uint64_t used, std::uint64_t limit,
                                                    std::uint64_t to, std::uint64_t most,
                                                    inherit what) noexcept {
  if (what == inherit::full) return 0;
  if (what == inherit::nothing) return to;
  const auto share = [&](std::uint64_t tokens) {
    if (what == inherit::tokens) return tokens;
    if (limit == 0) return std::uint64_t{0};
    const uint128_halves product = mul_full(tokens, to);
    return product.hi >= limit ? ~std::uint64_t{0} : divide(product, limit);
  };
  const std::uint64_t left = used < limit ? min_of(share(limit - used), to) : 0;
  const std::uint64_t debt = used > limit ? min_of(share(used - limit), most - to) : 0;
  return to - left + debt;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
