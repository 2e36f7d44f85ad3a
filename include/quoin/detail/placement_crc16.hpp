// SPDX-License-Identifier: BSL-1.0
/// @file
/// CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, highest bit first, from 0.
#ifndef QUOIN_DETAIL_PLACEMENT_CRC16_HPP
#define QUOIN_DETAIL_PLACEMENT_CRC16_HPP

#include <quoin/detail/bits.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// `rows[k][b]` is the checksum of byte b and k zero bytes: eight bytes then take eight loads that do
/// not wait for one another. Checksums are linear.
struct crc16_table {
  std::uint16_t rows[8][256];

  constexpr crc16_table() noexcept : rows() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      unsigned crc = byte << 8;
      for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021u : 0u);
      rows[0][byte] = static_cast<std::uint16_t>(crc);
    }
    for (std::size_t k = 1; k < 8; ++k) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const unsigned crc = rows[k - 1][byte];
        rows[k][byte] = static_cast<std::uint16_t>(crc << 8 ^ rows[0][crc >> 8]);
      }
    }
  }
};

inline constexpr crc16_table crc16_rows;

template <byte_like Byte>
[[nodiscard]] constexpr std::uint16_t crc16(const Byte* p, std::size_t size) noexcept {
  const auto& rows = crc16_rows.rows;
  const auto at = [](const Byte* q) {
    return static_cast<unsigned>(static_cast<unsigned char>(*q));
  };
  unsigned crc = 0;
  for (; size >= 8; p += 8, size -= 8) {
    crc = rows[7][at(p) ^ crc >> 8] ^ rows[6][at(p + 1) ^ (crc & 0xff)] ^ rows[5][at(p + 2)] ^
          rows[4][at(p + 3)] ^ rows[3][at(p + 4)] ^ rows[2][at(p + 5)] ^ rows[1][at(p + 6)] ^
          rows[0][at(p + 7)];
  }
  for (; size != 0; ++p, --size) crc = (crc << 8 & 0xffff) ^ rows[0][crc >> 8 ^ at(p)];
  return static_cast<std::uint16_t>(crc);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
