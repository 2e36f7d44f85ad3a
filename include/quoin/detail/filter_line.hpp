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
///     p0, p1          = (hash mod 2^32) · C0, C1 mod 2^64
///
/// Words are little-endian in memory on every machine: the table *is* its serialized payload.
#ifndef QUOIN_DETAIL_FILTER_LINE_HPP
#define QUOIN_DETAIL_FILTER_LINE_HPP

#include <quoin/detail/bits.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned line_bits = 512;
inline constexpr unsigned max_line_hashes = 16;

// Odd factors with about half their bits set. 64 bits of factor, so that the highest byte of the
// product is uniform too: with 32 bits it is not, and lane 7 fills unevenly (1 % at k = 8).
inline constexpr std::uint64_t line_factor_0 = 0x9fb21c651e98df25u;
inline constexpr std::uint64_t line_factor_1 = 0xd6e8feb86659fd93u;

/// Lanes of a line in which keys have `k` bits, 1 ≤ k ≤ 16.
[[nodiscard]] constexpr unsigned line_lanes(unsigned k) noexcept { return k <= 8 ? 8 : 16; }

/// The bits of one key within its line.
class line_probe {
 public:
  constexpr line_probe(std::uint64_t hash, unsigned k) noexcept
      : products_{(hash & 0xffffffffu) * line_factor_0, (hash & 0xffffffffu) * line_factor_1},
        lane_(static_cast<unsigned>(hash >> 32) % line_lanes(k)),
        k_(k) {}

  /// Calls `f(word, mask)` for each of the key's bits: bit `mask` (in memory order) of `word`.
  template <class F>
  QUOIN_ALWAYS_INLINE constexpr void for_each_bit(F f) const noexcept {
    if (k_ <= 8) {
      for (unsigned i = 0; i < k_; ++i) {
        const unsigned lane = (lane_ + i) % 8;
        f(lane, to_le(std::uint64_t{1} << (products_[0] >> (8 * lane) & 63)));
      }
    } else {
      for (unsigned i = 0; i < k_; ++i) {
        const unsigned lane = (lane_ + i) % 16;
        const auto bit = (products_[lane / 8] >> (8 * (lane % 8)) & 31) + 32 * (lane % 2);
        f(lane / 2, to_le(std::uint64_t{1} << bit));
      }
    }
  }

  /// Whether all of the key's bits are set in `line`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool in(const std::uint64_t* line) const noexcept {
    std::uint64_t missing = 0;  // no early exit: half the misses would pay a mispredicted branch
    for_each_bit([&](unsigned word, std::uint64_t mask) { missing |= mask & ~line[word]; });
    return missing == 0;
  }

  /// Sets the key's bits in `line`; true if one of them was not set before.
  QUOIN_ALWAYS_INLINE constexpr bool set(std::uint64_t* line) const noexcept {
    std::uint64_t added = 0;
    for_each_bit([&](unsigned word, std::uint64_t mask) {
      added |= mask & ~line[word];
      line[word] |= mask;
    });
    return added != 0;
  }

 private:
  std::array<std::uint64_t, 2> products_;
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
