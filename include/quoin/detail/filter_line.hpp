// SPDX-License-Identifier: BSL-1.0
/// @file
/// Where a key's bits lie in a blocked Bloom filter: the layout, one key at a time, in portable
/// code.
///
/// A key lives in one line of 512 bits. The line is cut into lanes, 8 of 64 bits for k ≤ 8 or 16 of
/// 32 bits for k ≤ 16, and the key has one bit in each of k consecutive lanes, counted round from a
/// lane that the hash chooses. So every lane is as likely as any other, no two bits of a key
/// coincide, and insert and lookup are the same few vertical SIMD operations whatever k is, with
/// the false positives of "k bits anywhere in the line".
///
///     line            = high 64 bits of hash · lines
///     first lane      = (hash >> 32) mod lanes
///     bit in lane i   = byte i of p0 (i < 8) or byte i − 8 of p1, mod the lane's width, where
///     p0              = (hash mod 2^32) · C0 mod 2^64
///     p1              = (⌊hash / 2^16⌋ mod 2^32) · C1 mod 2^64
///
/// (Two products of the same 32 bits would make lanes i and i + 8 agree together, as the low bytes
/// of a product depend on the low bits of its factor alone: 1.06 times as many false positives at
/// k = 10 and 1.7 times at k = 14, measured.)
///
/// Words are little-endian in memory on every machine: the table *is* its serialized payload.
#ifndef QUOIN_DETAIL_FILTER_LINE_HPP
#define QUOIN_DETAIL_FILTER_LINE_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned line_bits = 512;
inline constexpr unsigned max_line_hashes = 16;

// Odd factors with about half their bits set. 64 bits of factor, so that the highest byte of the
// product is uniform too: with 32 bits it is not, and lane 7 fills unevenly (1 % at k = 8).
inline constexpr std::uint64_t line_factor_0 = 0x9fb21c651e98df25u;
inline constexpr std::uint64_t line_factor_1 = 0xd6e8feb86659fd93u;
inline constexpr int line_shift_1 = 16;

/// Lanes of a line in which keys have `k` bits, 1 ≤ k ≤ 16.
[[nodiscard]] constexpr unsigned line_lanes(unsigned k) noexcept { return k <= 8 ? 8 : 16; }

/// The bits of one key within its line.
class line_probe {
 public:
  QUOIN_ALWAYS_INLINE constexpr line_probe(std::uint64_t hash, unsigned k) noexcept
      : lane_(static_cast<unsigned>(hash >> 32) % line_lanes(k)), k_(k) {
    const std::uint64_t low = hash & 0xffffffffu;
    if (k <= 8) {
      positions_[0] = std::rotr(low * line_factor_0, static_cast<int>(8 * lane_));
    } else {  // turn the sixteen bytes so that the first lane's comes first
      std::uint64_t first = low * line_factor_0;
      std::uint64_t second = (hash >> line_shift_1 & 0xffffffffu) * line_factor_1;
      if (lane_ >= 8) {
        const std::uint64_t swapped = first;
        first = second;
        second = swapped;
      }
      const unsigned by = 8 * (lane_ % 8);
      positions_[0] = by == 0 ? first : first >> by | second << (64 - by);
      positions_[1] = by == 0 ? second : second >> by | first << (64 - by);
    }
  }

  /// Calls `f(word, bit)` for each of the key's bits: `bit` (0 is the lowest) of `word`.
  template <class F>
  QUOIN_ALWAYS_INLINE constexpr void for_each_bit(F f) const noexcept {
    std::uint64_t bytes = positions_[0];
    if (k_ <= 8) {
      for (unsigned i = 0; i < k_; ++i, bytes >>= 8) {
        f((lane_ + i) % 8, static_cast<unsigned>(bytes % 64));
      }
    } else {
      for (unsigned i = 0; i < k_; ++i, bytes >>= 8) {
        if (i == 8) bytes = positions_[1];
        const unsigned lane = (lane_ + i) % 16;
        f(lane / 2, static_cast<unsigned>(bytes % 32) + lane % 2 * 32);
      }
    }
  }

  /// Whether all of the key's bits are set in `line`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool in(const std::uint64_t* line) const noexcept {
    std::uint64_t all = 1;  // no early exit: half the misses would pay a mispredicted branch
    for_each_bit([&](unsigned word, unsigned bit) { all &= to_le(line[word]) >> bit; });
    return (all & 1) != 0;
  }

  /// Sets the key's bits in `line`; true if one of them was not set before.
  QUOIN_ALWAYS_INLINE constexpr bool set(std::uint64_t* line) const noexcept {
    std::uint64_t added = 0;
    for_each_bit([&](unsigned word, unsigned bit) {
      const std::uint64_t mask = to_le(std::uint64_t{1} << bit);
      added |= mask & ~line[word];
      line[word] |= mask;
    });
    return added != 0;
  }

 private:
  std::uint64_t positions_[2] = {};
  unsigned lane_;
  unsigned k_;
};

/// A table as the kernels see it: `size` lines of 8 words, aligned to 8 bytes at least.
template <class Word>
struct basic_line_table {
  Word* words;
  std::uint64_t size;  ///< in lines, ≥ 1
  unsigned k;          ///< 1–16

  [[nodiscard]] QUOIN_ALWAYS_INLINE Word* line_of(std::uint64_t hash) const noexcept {
    return words + 8 * mul_high(hash, size);
  }
};

using line_table = basic_line_table<std::uint64_t>;
using const_line_table = basic_line_table<const std::uint64_t>;

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
