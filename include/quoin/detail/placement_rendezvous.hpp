// SPDX-License-Identifier: BSL-1.0
/// @file
/// The draws of rendezvous hashing, and their logarithms in integers.
///
/// Each node draws a number for each key. Of nodes alike the largest draw wins; with weights the
/// least of -ln(u) / w, where u in (0, 1] is the draw: an exponential race (the same order as the
/// largest -w / ln u). Logarithms of a math library differ in last bits from platform to platform,
/// and a key near a tie would have two owners; these are sums of integer products.
#ifndef QUOIN_DETAIL_PLACEMENT_RENDEZVOUS_HPP
#define QUOIN_DETAIL_PLACEMENT_RENDEZVOUS_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace quoin::inline QUOIN_ABI::detail {

/// What makes the draws of a node its own.
struct rendezvous_seed {
  std::uint64_t mask;
  std::uint64_t factor;  ///< odd

  friend bool operator==(const rendezvous_seed&, const rendezvous_seed&) = default;
};

/// One multiplication, where the mixer of `quoin::hash` has two: about 1.6 times as fast, and as even,
/// since each node has a multiplier of its own.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t rendezvous_draw(
    const rendezvous_seed& seed, std::uint64_t hash) noexcept {
  return mul_fold(hash ^ seed.mask, seed.factor);
}

/// -ln of 65/128, 66/128, … 128/128 and ln 2, in units of 2^-58, and factors that divide by those.
struct log_table {
  std::uint64_t minus_log[64];
  std::uint64_t inverse[64];  ///< in units of 2^-63
  std::uint64_t log_2;

  constexpr log_table() noexcept : minus_log(), inverse(), log_2(log_of_ratio(128, 64)) {
    for (std::uint64_t i = 0; i < 64; ++i) {
      minus_log[i] = log_of_ratio(128, 65 + i);
      inverse[i] = (std::uint64_t{1} << 63) / (65 + i) * 128 +
                   (std::uint64_t{1} << 63) % (65 + i) * 128 / (65 + i);
    }
  }

  /// ln(a / b) = 2·artanh(x) = 2·(x + x³/3 + x⁵/5 + …) with x = (a - b) / (a + b), at most 1/3.
  static constexpr std::uint64_t log_of_ratio(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t first = (a - b) << 32, sum = a + b;
    const std::uint64_t x = first / sum << 32 | (first % sum << 32) / sum;  // in units of 2^-64
    std::uint64_t log = 0, power = x;
    for (std::uint64_t k = 1; power != 0; k += 2) {
      log += power / k;
      power = mul_high(mul_high(power, x), x);
    }
    return log >> 5;
  }
};

inline constexpr log_table logs;

/// -ln((draw + 1) / 2^64) in units of 2^-58, less an error below 2^-44; it never rises with `draw`,
/// and is never below 1 - (draw + 1) / 2^64 in these units, rounded down: `cheap_log`.
[[nodiscard]] constexpr std::uint64_t minus_log(std::uint64_t draw) noexcept {
  if (draw == ~std::uint64_t{0}) return 0;
  const int zeros = std::countl_zero(draw + 1);
  const std::uint64_t m = (draw + 1) << zeros;  // y = m / 2^64 in [1/2, 1)
  const std::uint64_t i = m >> 57 & 63;
  // y = c·(1 - r), where c is the upper end of the 64th in which y lies, and r is at most 1/65.
  const std::uint64_t r = ((std::uint64_t{1} << 63) - mul_high(m, logs.inverse[i])) << 1;
  std::uint64_t sum = 0;  // r/2 + r²/3 + … + r⁵/6, in units of 2^-64
  for (const std::uint64_t k : {6u, 5u, 4u, 3u, 2u}) sum = mul_high(r, ~std::uint64_t{0} / k + sum);
  return static_cast<std::uint64_t>(zeros) * logs.log_2 + logs.minus_log[i] +
         ((r + mul_high(r, sum)) >> 6);
}

/// What `minus_log(draw)` is at least: 1 - u ≤ -ln u.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t cheap_log(std::uint64_t draw) noexcept {
  return ~draw >> 6;
}

/// A node in the race for a key.
struct runner {
  std::uint64_t log;  ///< minus_log(draw)
  std::uint64_t draw;
  std::uint32_t weight;
  std::uint32_t index;

  /// True when it comes in before `b`: the lesser log / weight, compared exactly; then the larger
  /// draw; then the lesser index.
  [[nodiscard]] constexpr bool is_before(const runner& b) const noexcept {
    if (weight == b.weight && log != b.log) return log < b.log;
    const uint128_halves mine = mul_full(log, b.weight), other = mul_full(b.log, weight);
    if (mine.hi != other.hi) return mine.hi < other.hi;
    if (mine.lo != other.lo) return mine.lo < other.lo;
    return draw != b.draw ? draw > b.draw : index < b.index;
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
