// SPDX-License-Identifier: BSL-1.0
/// @file
/// CRC-32 (ISO-HDLC): the checksum of zlib, gzip, zip, PNG and Ethernet.
///
/// Use it where a format says so, or where keys were placed by it (nginx's `hash … consistent`,
/// Memcached clients, Kafka's older messages). For damage in new formats prefer `crc32c`, as good
/// and several times as fast. It is no hash for tables (it is linear) and no protection from intent.
///
/// Guarantee   the value of zlib's `crc32` on every platform, also in constant expressions.
/// Cost        8 KiB of tables, some 2 bytes per nanosecond.
/// Threads     a pure function.
/// Source      RFC 1952, section 8.
///
/// @code
/// std::uint32_t crc = quoin::crc32(header);
/// crc = quoin::crc32(body, crc);  // as if header and body were one
/// @endcode
#ifndef QUOIN_HASH_CRC32_HPP
#define QUOIN_HASH_CRC32_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/hash_crc.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI {

namespace detail {

inline constexpr std::uint32_t crc32_polynomial = 0xedb88320u;

}  // namespace detail

/// The CRC-32 of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
/// @param crc  the CRC of what came before `bytes`; 0 at the start.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint32_t crc32(const Bytes& bytes, std::uint32_t crc = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return ~detail::crc_portable<detail::crc32_polynomial>(~crc, view.data, view.size);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
