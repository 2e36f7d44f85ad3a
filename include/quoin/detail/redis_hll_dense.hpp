// SPDX-License-Identifier: BSL-1.0
/// @file
/// The dense form of Redis' HyperLogLog: 16384 registers of 6 bits, the lowest bits first, each
/// continued in the lowest bits of the next byte. Four registers are three bytes.
///
/// A single register is accessed in a word of four bytes that begins one byte before its group of
/// three, where there always is something: the header. So no access goes past the end.
#ifndef QUOIN_DETAIL_REDIS_HLL_DENSE_HPP
#define QUOIN_DETAIL_REDIS_HLL_DENSE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/redis_hll_sparse.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t redis_dense_bytes = redis_registers * 6 / 8;

/// The register that a hash goes to.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint32_t redis_index(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash) & (redis_registers - 1);
}

/// Its rank there, 1 to 51: the zeros at the end of the bits that are not the index, and one.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr unsigned redis_rank(std::uint64_t hash) noexcept {
  return static_cast<unsigned>(std::countr_zero(hash >> 14 | std::uint64_t{1} << 50)) + 1;
}

/// The word that holds a register, and where in it.
struct redis_place {
  std::size_t at;  ///< offset from the registers, plus one
  unsigned shift;
};

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr redis_place redis_place_of(
    std::uint32_t index) noexcept {
  return {std::size_t{3} * (index >> 2), 6 * (index & 3) + 8};
}

[[nodiscard]] inline unsigned redis_register(const unsigned char* registers,
                                             std::uint32_t index) noexcept {
  const redis_place place = redis_place_of(index);
  return load_le<std::uint32_t>(registers - 1 + place.at) >> place.shift & 63;
}

/// Raises a register to `rank`; returns by how much. No branch: whether one is raised is as good as
/// random for the first elements, and rare later.
QUOIN_ALWAYS_INLINE unsigned redis_raise(unsigned char* registers, std::uint32_t index,
                                         unsigned rank) noexcept {
  const redis_place place = redis_place_of(index);
  unsigned char* const p = registers - 1 + place.at;
  const auto word = load_le<std::uint32_t>(p);
  const unsigned old = word >> place.shift & 63;
  const unsigned more = max_of(rank, old) - old;
  store_le(p, word + (more << place.shift));
  return more;
}

/// Adds hashes; true if a register was raised.
inline bool redis_add_hashes(unsigned char* registers, const std::uint64_t* hashes,
                             std::size_t n) noexcept {
  unsigned more = 0;
  for (std::size_t i = 0; i < n; ++i) {
    more |= redis_raise(registers, redis_index(hashes[i]), redis_rank(hashes[i]));
  }
  return more != 0;
}

/// `redis_add_hashes` to registers of a byte each.
inline bool redis_add_hashes_unpacked(unsigned char* ranks, const std::uint64_t* hashes,
                                      std::size_t n) noexcept {
  unsigned more = 0;
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char& rank = ranks[redis_index(hashes[i])];
    const auto raised = static_cast<unsigned char>(redis_rank(hashes[i]));
    more |= static_cast<unsigned>(rank < raised);
    rank = max_of(rank, raised);
  }
  return more != 0;
}

/// Eight registers of 6 bits in the low bits of a word. Exactly their six bytes: a load that
/// overlapped the store before it would wait for that.
[[nodiscard]] inline std::uint64_t load_redis_eight(const unsigned char* p) noexcept {
  return load_le<std::uint32_t>(p) | std::uint64_t{load_le<std::uint16_t>(p + 4)} << 32;
}

inline void store_redis_eight(unsigned char* p, std::uint64_t eight) noexcept {
  store_le(p, static_cast<std::uint32_t>(eight));
  store_le(p + 4, static_cast<std::uint16_t>(eight >> 32));
}

/// Eight registers, a byte each.
[[nodiscard]] inline std::uint64_t spread_redis_eight(std::uint64_t x) noexcept {
  x = (x & 0xffffffu) | (x & 0xffffff000000u) << 8;
  x = (x & 0x00000fff00000fffu) | (x & 0x00fff00000fff000u) << 4;
  return (x & 0x003f003f003f003fu) | (x & 0x0fc00fc00fc00fc0u) << 2;
}

[[nodiscard]] inline std::uint64_t gather_redis_eight(std::uint64_t x) noexcept {
  x = (x & 0x003f003f003f003fu) | (x & 0x3f003f003f003f00u) >> 2;
  x = (x & 0x00000fff00000fffu) | (x & 0x0fff00000fff0000u) >> 4;
  return (x & 0xffffffu) | (x & 0x00ffffff00000000u) >> 8;
}

/// The larger of each two registers of 6 bits, four of them at a time in lanes of 12.
[[nodiscard]] inline std::uint64_t max_redis_eight(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t even = 0x03f03f03f03fu, above = 0x040040040040u;
  const auto larger = [](std::uint64_t x, std::uint64_t y) {
    const std::uint64_t not_less = ((x | above) - y) & above;  // bit 6 of the lanes where x ≥ y
    return y ^ ((x ^ y) & (not_less - (not_less >> 6)));
  };
  return larger(a & even, b & even) | larger(a >> 6 & even, b >> 6 & even) << 6;
}

/// A register a byte, from and to six bits.
inline void unpack_redis_registers(const unsigned char* registers, unsigned char* out) noexcept {
  for (std::size_t i = 0; i < redis_registers / 8; ++i) {
    store_le(out + 8 * i, spread_redis_eight(load_redis_eight(registers + 6 * i)));
  }
}

inline void pack_redis_registers(const unsigned char* in, unsigned char* registers) noexcept {
  for (std::size_t i = 0; i < redis_registers / 8; ++i) {
    store_redis_eight(registers + 6 * i, gather_redis_eight(load_le<std::uint64_t>(in + 8 * i)));
  }
}

/// How many registers hold each value. Counted in pairs, whose 12 bits lie together: half as many
/// increments, and fewer that wait for the one before of the same counter. Then row by row, four
/// counters to a word: no sum exceeds the 8192 pairs.
inline void count_redis_registers(const unsigned char* registers,
                                  std::uint32_t (&counts)[64]) noexcept {
  std::uint16_t pairs[64 * 64] = {};
  for (std::size_t i = 0; i < redis_dense_bytes; i += 6) {
    const std::uint64_t eight = load_redis_eight(registers + i);
    ++pairs[eight & 4095];
    ++pairs[eight >> 12 & 4095];
    ++pairs[eight >> 24 & 4095];
    ++pairs[eight >> 36];
  }
  std::uint64_t columns[16] = {};
  for (std::size_t high = 0; high < 64; ++high) {
    std::uint64_t row[16], sum = 0;
    std::memcpy(row, pairs + 64 * high, sizeof row);
    for (std::size_t i = 0; i < 16; ++i) {
      columns[i] += row[i];
      sum += row[i];
    }
    counts[high] += static_cast<std::uint32_t>((sum & 0xffff) + (sum >> 16 & 0xffff) +
                                               (sum >> 32 & 0xffff) + (sum >> 48));
  }
  std::memcpy(pairs, columns, sizeof columns);
  for (std::size_t low = 0; low < 64; ++low) counts[low] += pairs[low];
}

/// The first register above 51, or 16384.
[[nodiscard]] inline std::uint32_t first_redis_overflow(const unsigned char* registers) noexcept {
  constexpr std::uint64_t even = 0x03f03f03f03fu, above = 0x040040040040u;
  constexpr std::uint64_t carry = 0x00c00c00c00cu;  // 64 − 52 in each lane
  std::uint32_t i = 0;
  for (; i < redis_registers; i += 8) {
    const std::uint64_t eight = load_redis_eight(registers + i / 8 * 6);
    if ((((eight & even) + carry) & above) != 0 || (((eight >> 6 & even) + carry) & above) != 0) {
      break;
    }
  }
  while (i < redis_registers && redis_register(registers, i) <= redis_max_rank) ++i;
  return i;
}

/// Makes `registers` the larger of each.
inline void merge_redis_registers(unsigned char* registers, const unsigned char* other) noexcept {
  for (std::size_t i = 0; i < redis_dense_bytes; i += 6) {
    store_redis_eight(registers + i, max_redis_eight(load_redis_eight(registers + i),
                                                     load_redis_eight(other + i)));
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
