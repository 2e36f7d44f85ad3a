// SPDX-License-Identifier: BSL-1.0
/// @file
/// CRC-32C (Castagnoli): the checksum that finds damage on disks and wires.
///
/// Use it where a format says CRC32C (iSCSI, SCTP, ext4, Btrfs, LevelDB and RocksDB records, Kafka,
/// Snappy frames), or to find accidental damage: it finds every error burst of up to 32 bits, and
/// any 1 to 3 wrong bits in messages up to 2^31 - 33 bits. It is no hash for tables (it is linear)
/// and no protection from intent; LevelDB and Snappy store it masked, which is theirs to do.
///
/// Guarantee   the value of RFC 3720 on every platform, also in constant expressions.
/// Cost        the processor's CRC instruction where there is one (run-time choice), about 8 bytes
///             per cycle on long input; else 8 KiB of tables and some 2 bytes per nanosecond.
/// Threads     a pure function.
/// Source      RFC 3720, sections 12.1 and B.4.
///
/// @code
/// std::uint32_t crc = quoin::crc32c(header);
/// crc = quoin::crc32c(body, crc);  // as if header and body were one
/// @endcode
#ifndef QUOIN_HASH_CRC32C_HPP
#define QUOIN_HASH_CRC32C_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/hash_crc32c.hpp>

#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// The CRC-32C of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
/// @param crc  the CRC of what came before `bytes`; 0 at the start.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint32_t crc32c(const Bytes& bytes, std::uint32_t crc = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  if (std::is_constant_evaluated()) return ~detail::crc32c_portable(~crc, view.data, view.size);
  return ~detail::crc32c_at(active_isa(), ~crc, reinterpret_cast<const unsigned char*>(view.data),
                            view.size);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
