// SPDX-License-Identifier: BSL-1.0
/// @file
/// 32-bit CRCs of any polynomial on the state between the two inversions, by tables.
///
/// Polynomials are kept reflected, as the CRC itself: bit 31 is the coefficient of x^0.
/// Source: slicing by 8, Kounavis and Berry 2008.
#ifndef QUOIN_DETAIL_HASH_CRC_HPP
#define QUOIN_DETAIL_HASH_CRC_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// `a` times x.
template <std::uint32_t Polynomial>
[[nodiscard]] constexpr std::uint32_t crc_times_x(std::uint32_t a) noexcept {
  return (a >> 1) ^ ((a & 1) != 0 ? Polynomial : 0);
}

using crc_table = std::array<std::uint32_t, 256>;

/// Entry `[k][i]` is byte `i` followed by `k` zero bytes.
template <std::uint32_t Polynomial>
inline constexpr std::array<crc_table, 8> crc_slices = [] {
  std::array<crc_table, 8> slices{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc_times_x<Polynomial>(crc);
    slices[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t crc = slices[k - 1][i];
      slices[k][i] = (crc >> 8) ^ slices[0][crc & 0xff];
    }
  }
  return slices;
}();

/// The state after `size` more bytes, 8 bytes per step: the reference for every kernel, and what
/// constant expressions run.
template <std::uint32_t Polynomial, byte_like Byte>
[[nodiscard]] constexpr std::uint32_t crc_portable(std::uint32_t state, const Byte* p,
                                                   std::size_t size) noexcept {
  constexpr auto& slices = crc_slices<Polynomial>;
  for (; size >= 8; size -= 8, p += 8) {
    const std::uint64_t word = load_le<std::uint64_t>(p) ^ state;
    state = 0;
    for (std::size_t k = 0; k < 8; ++k) state ^= slices[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; size > 0; --size, ++p) {
    state = (state >> 8) ^ slices[0][(state ^ static_cast<unsigned char>(*p)) & 0xff];
  }
  return state;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
