// SPDX-License-Identifier: BSL-1.0
/// @file
/// Divisions that limiters share: fractions in lowest terms, and quotients of 128 bits.
#ifndef QUOIN_DETAIL_LIMIT_DIVISION_HPP
#define QUOIN_DETAIL_LIMIT_DIVISION_HPP

#include <quoin/detail/bits.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// Of numbers that are not both 0.
[[nodiscard]] constexpr std::uint64_t greatest_common_divisor(std::uint64_t a,
                                                              std::uint64_t b) noexcept {
  while (b != 0) {
    const std::uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/// `floor(x / d)` digit by digit in base 2, for `x.hi < d`: what 32-bit targets run.
[[nodiscard]] constexpr std::uint64_t divide_portable(uint128_halves x, std::uint64_t d) noexcept {
  for (int bit = 0; bit < 64; ++bit) {
    const bool carry = x.hi >> 63 != 0;
    x.hi = x.hi << 1 | x.lo >> 63;
    x.lo <<= 1;
    if (carry || x.hi >= d) {
      x.hi -= d;
      x.lo |= 1;
    }
  }
  return x.lo;
}

/// `floor(x / d)`, which fits: `x.hi < d`.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t divide(const uint128_halves& x,
                                                                 std::uint64_t d) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using uint128 = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<uint128>(x.hi) << 64 | x.lo) / d);
#else
  return divide_portable(x, d);
#endif
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
