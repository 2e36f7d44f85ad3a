// SPDX-License-Identifier: BSL-1.0
/// @file
/// The time of a keyed limiter: instants as ticks on a ring, and quotas in ticks.
///
/// The table stores for each key the instant at which its bucket will be full, in ticks modulo
/// 2^bits. An instant less than `reach` ahead of now is in the future, any other is in the past: then
/// the bucket is full, and the slot as good as empty. So there is no origin and no horizon. A slot that
/// nobody has touched for three quarters of a turn of the ring (at least nine months; exact slots of
/// whole seconds: a century) seems to be in use for the last quarter: the first request of its key is
/// refused, and the bucket goes on from there, empty.
///
/// A tick is 1/u ns, if a token is a whole number of such ticks and the ring takes a year or more to
/// turn: then all is exact. Else it is a token's time divided by the greatest 2^m that leaves a year:
/// then costs are exact still, and nothing drifts, but an instant between two ticks counts as the one
/// before where a request is judged, and as the one after where a full bucket begins to be used. So
/// never more passes, and what follows an idle time may pass up to one tick late.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_SCALE_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_SCALE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_division.hpp>

#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// ceil(a * b / c), c > 0, or 2^64 - 1 if that is less.
[[nodiscard]] constexpr std::uint64_t scaled_up(std::uint64_t a, std::uint64_t b,
                                                std::uint64_t c) noexcept {
  const uint128_halves product = mul_full(a, b);
  if (product.hi >= c) return ~std::uint64_t{0};
  const std::uint64_t quotient = divide(product, c);
  return quotient * c != product.lo && quotient != ~std::uint64_t{0} ? quotient + 1 : quotient;
}

/// A factor as 64 significant bits: `x * factor`, rounded down, is `x * bits >> shift`.
struct tick_factor {
  std::uint64_t bits = 0;
  unsigned shift = 0;  ///< 0 to 127

  constexpr tick_factor() noexcept = default;
  /// The greatest such factor up to `over / under`, both in [1, 2^63), their ratio over 2^-64.
  constexpr tick_factor(std::uint64_t over, std::uint64_t under) noexcept : bits(over / under) {
    for (std::uint64_t rest = over % under; bits >> 63 == 0 && shift < 127; ++shift) {
      rest *= 2;
      bits = bits * 2 + (rest >= under ? 1 : 0);
      if (rest >= under) rest -= under;
    }
  }

  /// The lowest 64 bits of the product, rounded down.
  [[nodiscard]] constexpr std::uint64_t times(std::uint64_t x) const noexcept {
    const uint128_halves product = mul_full(x, bits);
    if (shift >= 64) return product.hi >> (shift - 64);
    return shift == 0 ? product.lo : product.hi << (64 - shift) | product.lo >> shift;
  }
};

/// What one key may take, in ticks.
struct table_quota {
  std::uint64_t token = 1;     ///< ticks of a token, >= 1
  std::uint64_t limit = 0;     ///< tokens of a full bucket
  std::uint64_t capacity = 0;  ///< their product
};

/// The ticks of a table.
/// @tparam Bits  of an instant.
template <unsigned Bits>
class tick_scale {
 public:
  static constexpr std::uint64_t mask = (std::uint64_t{1} << Bits) - 1;
  /// No bucket is more ticks than this; debts and steps of the clock as many again, each.
  static constexpr std::uint64_t most = std::uint64_t{1} << (Bits - 4);

  constexpr tick_scale() noexcept = default;

  /// The best ticks for `rate`, whose count is not 0, with buckets of `burst` tokens, at most `most`.
  constexpr tick_scale(const rate& rate, std::uint64_t burst, std::int64_t step) noexcept {
    const auto per = static_cast<std::uint64_t>(rate.per.count());
    const std::uint64_t shared = greatest_common_divisor(per, rate.count);
    const std::uint64_t p = per / shared, q = rate.count / shared;  // a token is p/q ns
    over_ = whole_ticks(p, q, burst);
    if (over_ == 0) split_token(p, q, burst);
    forth_ = tick_factor(over_, under_);
    back_ = tick_factor(under_, over_);
    step_ = min_of(scaled_up(static_cast<std::uint64_t>(step), over_, under_), most);
    constexpr std::uint64_t quarter = std::uint64_t{1} << (Bits - 2);
    reach_ = year_fits(over_, under_)
                 ? quarter
                 : min_of(quarter, 4 * (quota(rate, burst).capacity + step_) + 1024);
  }

  /// Ticks per nanosecond.
  [[nodiscard]] constexpr std::uint64_t over() const noexcept { return over_; }
  [[nodiscard]] constexpr std::uint64_t under() const noexcept { return under_; }
  [[nodiscard]] constexpr std::uint64_t reach() const noexcept { return reach_; }
  [[nodiscard]] constexpr std::uint64_t step() const noexcept { return step_; }
  /// Ticks by which the beginning of a busy time is rounded up.
  [[nodiscard]] constexpr std::uint64_t lead() const noexcept { return under_ == 1 ? 0 : 1; }

  /// The tick that `now` is in, not yet on the ring: of two, the later minus the earlier is never
  /// more than the time between, but for one.
  [[nodiscard]] constexpr std::uint64_t tick_at(std::int64_t now) const noexcept {
    // Plus anything: slots reserve some ticks, which are not to be those of the epoch.
    return forth_.times(static_cast<std::uint64_t>(now) ^ (std::uint64_t{1} << 63)) +
           0x9fb21c651e98df25u;
  }

  /// How far `instant` is ahead of `tick`: 0 if it has passed.
  [[nodiscard]] constexpr std::uint64_t ahead(std::uint64_t instant,
                                              std::uint64_t tick) const noexcept {
    const std::uint64_t distance = (instant - tick) & mask;
    // Not a branch: it would be mispredicted, and its data come from memory.
    return distance & (0 - std::uint64_t{distance <= reach_});
  }

  /// The shortest time after `now` at which `ticks` more than by now will have passed.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::chrono::nanoseconds wait(
      std::int64_t now, std::uint64_t ticks) const noexcept {
    if (under_ != 1) return wait_between(now, ticks);
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(ticks / over_ + (ticks % over_ != 0 ? 1 : 0)));
  }

  /// `rate` and `burst` in these ticks, a token's time rounded up; a capacity beyond `most` is too
  /// much.
  [[nodiscard]] constexpr table_quota quota(const rate& rate, std::uint64_t burst) const noexcept {
    if (rate.count == 0) return {1, 0, 0};
    const auto per = static_cast<std::uint64_t>(rate.per.count());
    table_quota q{ceil_div(scaled_up(per, over_, under_), rate.count), burst, 0};
    if (!checked_mul(q.token, burst, &q.capacity)) q.capacity = ~std::uint64_t{0};
    return q;
  }

 private:
  static constexpr std::uint64_t year = 31'557'600'000'000'000;  // ns

  /// Whether the ring takes a year or more to turn.
  [[nodiscard]] static constexpr bool year_fits(std::uint64_t over, std::uint64_t under) noexcept {
    constexpr std::uint64_t turn = std::uint64_t{1} << Bits;
    std::uint64_t a = 0, b = 0;
    if constexpr (turn >= year) {
      return checked_mul(under, turn / year, &b) ? over <= b : true;
    } else {
      return checked_mul(over, ceil_div(year, turn), &a) && a <= under;
    }
  }

  /// Ticks per nanosecond such that p/q ns are whole ticks, or 0 if there are none small enough. A
  /// multiple of twelve, if it may be: rates set later are whole more often.
  [[nodiscard]] static constexpr std::uint64_t whole_ticks(std::uint64_t p, std::uint64_t q,
                                                           std::uint64_t burst) noexcept {
    for (const std::uint64_t times : {12 / greatest_common_divisor(12, q), std::uint64_t{1}}) {
      std::uint64_t capacity = 0;
      if (q < most && year_fits(q * times, 1) && checked_mul(p, times, &capacity) &&
          checked_mul(capacity, burst, &capacity) && capacity <= most) {
        return q * times;
      }
    }
    return 0;
  }

  constexpr void split_token(std::uint64_t p, std::uint64_t q, std::uint64_t burst) noexcept {
    over_ = q;
    under_ = p;
    for (unsigned m = 1; m < Bits; ++m) {
      const bool halves = under_ % 2 == 0;
      const std::uint64_t over = halves ? over_ : 2 * over_, under = halves ? under_ / 2 : under_;
      if (burst > most >> m || over >> 62 != 0 || !year_fits(over, under)) return;
      over_ = over;
      under_ = under;
    }
  }

  /// `wait` by bisection within a tick; pure, so that it costs nothing if nobody reads the result.
  [[nodiscard]] __attribute__((pure, noinline)) constexpr std::chrono::nanoseconds wait_between(
      std::int64_t now, std::uint64_t ticks) const noexcept {
    if (ticks == 0) return std::chrono::nanoseconds(0);
    const std::uint64_t from = tick_at(now);
    const std::uint64_t room = static_cast<std::uint64_t>(INT64_MAX) -
                               static_cast<std::uint64_t>(now);  // until the end of all clocks
    std::uint64_t before = back_.times(ticks - 1), after = back_.times(ticks);
    before -= min_of(before, std::uint64_t{2});
    after = min_of(after + 2, room);
    const auto passed = [&](std::uint64_t time) {
      const auto then = static_cast<std::int64_t>(static_cast<std::uint64_t>(now) + time);
      return tick_at(then) - from >= ticks;
    };
    while (before < after) {
      const std::uint64_t middle = before + (after - before) / 2;
      if (passed(middle)) {
        after = middle;
      } else {
        before = middle + 1;
      }
    }
    if (after > static_cast<std::uint64_t>(INT64_MAX)) return never;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(after));
  }

  std::uint64_t over_ = 1, under_ = 1;
  tick_factor forth_, back_;
  std::uint64_t reach_ = 0, step_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
