// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registers of a HyperLogLog, one byte each, and what is kept count of beside them.
#ifndef QUOIN_DETAIL_SKETCH_HLL_REGISTERS_HPP
#define QUOIN_DETAIL_SKETCH_HLL_REGISTERS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/sketch_hll_estimate.hpp>
#include <quoin/detail/sketch_hll_tokens.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned hll_min_precision = 4;
inline constexpr unsigned hll_max_precision = 21;

/// 2^(q − rank) for q = 64 − precision, and 0 for a saturated register: a register's share of the
/// chance that the next new hash raises it, in units of 2^−64.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t hll_weight(unsigned precision,
                                                                     unsigned rank) noexcept {
  return std::uint64_t{1} << (64 - precision) >> rank;
}

/// All that estimators ask of the registers, in integers: exact, so independent of the order of
/// updates. `chance` is Σ hll_weight modulo 2^64, which is 2^64 only when all registers are 0.
struct hll_tally {
  std::uint64_t chance = 0;     ///< the next new hash changes a register with chance / 2^64
  std::uint32_t zeros = 0;      ///< registers that are 0
  std::uint32_t saturated = 0;  ///< registers that nothing can raise: 65 − precision

  friend bool operator==(const hll_tally&, const hll_tally&) = default;
};

/// Takes one register of `rank` into account.
constexpr void hll_count(hll_tally& tally, unsigned precision, unsigned rank) noexcept {
  tally.chance += hll_weight(precision, rank);
  tally.zeros += rank == 0;
  tally.saturated += rank == 65 - precision;
}

/// Ertl's estimate. O(1): about 20 ns.
[[nodiscard]] inline double hll_estimate(const hll_tally& tally, unsigned precision) noexcept {
  const std::uint64_t unit = hll_weight(precision, 0);
  const auto between = static_cast<double>(tally.chance - tally.zeros * unit);
  return hll_estimate(static_cast<double>(std::uint64_t{1} << precision), tally.zeros,
                      tally.saturated, between / static_cast<double>(unit), 64 - precision);
}

/// A count of distinct hashes kept along with the stream: at every change of a register 1 / (the
/// chance of a change) is added, which is how many new hashes pass on average from one change to
/// the next. Unbiased, relative standard error √(ln 2) / √m = 0.833 / √m, the least that
/// HyperLogLog registers allow (Cohen 2015, "All-distances sketches, revisited"; Ting 2014,
/// "Streamed approximate counting of distinct elements"). It lasts as long as all that enters the
/// registers comes through it.
struct hll_stream {
  double count = 0;
  bool valid = false;
};

/// Raises register `update.index`, if that is a raise.
QUOIN_ALWAYS_INLINE void hll_raise(std::uint8_t* registers, unsigned precision, hll_update update,
                                   hll_tally& tally, hll_stream& stream) noexcept {
  const unsigned old = registers[update.index];
  if (update.rank <= old) return;
  registers[update.index] = static_cast<std::uint8_t>(update.rank);
  if (stream.valid) stream.count += 0x1p64 / static_cast<double>(tally.chance);
  tally.chance -= hll_weight(precision, old) - hll_weight(precision, update.rank);
  tally.zeros -= old == 0;
  tally.saturated += update.rank == 65 - precision;
}

// --- lower precisions ---------------------------------------------------------------------------

/// The register of a lower precision that the `2^levels` registers from `group` on fold into: they
/// share its index, and their place in the group is the first `levels` bits of what it ranks.
[[nodiscard]] QUOIN_ALWAYS_INLINE std::uint8_t hll_fold(const std::uint8_t* group,
                                                        unsigned levels) noexcept {
  if (group[0] != 0) return static_cast<std::uint8_t>(group[0] + levels);
  for (std::size_t i = 1; i < std::size_t{1} << levels; ++i) {  // the first has the highest rank
    if (group[i] != 0) {
      return static_cast<std::uint8_t>(levels - static_cast<unsigned>(std::bit_width(i)) + 1);
    }
  }
  return 0;
}

/// `out[i] = hll_fold(group i)` for `count` groups; `out` may be `registers`.
inline void hll_fold_all(const std::uint8_t* registers, std::size_t count, unsigned levels,
                         std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = hll_fold(registers + (i << levels), levels);
}

/// Raises `target[i]` to `hll_fold(group i)` where that is more.
inline void hll_fold_into(const std::uint8_t* registers, std::size_t count, unsigned levels,
                          std::uint8_t* target) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = max_of(target[i], hll_fold(registers + (i << levels), levels));
  }
}

// --- six bits per register ----------------------------------------------------------------------

/// Size of `registers` registers, a multiple of 8, in the packed form.
[[nodiscard]] constexpr std::size_t hll_packed_size(std::size_t registers) noexcept {
  return registers / 4 * 3;
}

/// Packs: register i is bits 6i to 6i + 5 of the little-endian row of bits.
inline void hll_pack(const std::uint8_t* registers, std::size_t count, std::byte* out) noexcept {
  for (std::size_t i = 0; i < count; i += 8, out += 6) {
    auto x = load_le<std::uint64_t>(registers + i);
    x = (x & 0x003f003f003f003fu) | (x & 0x3f003f003f003f00u) >> 2;
    x = (x & 0x00000fff00000fffu) | (x & 0x0fff00000fff0000u) >> 4;
    x = (x & 0xffffffu) | (x & 0x00ffffff00000000u) >> 8;
    store_le(out, static_cast<std::uint32_t>(x));
    store_le(out + 4, static_cast<std::uint16_t>(x >> 32));
  }
}

/// Unpacks `count` registers; false, with `registers` unspecified, when one is above `most`.
[[nodiscard]] inline bool hll_unpack(const std::byte* packed, std::size_t count, unsigned most,
                                     std::uint8_t* registers) noexcept {
  const std::uint64_t slack = (63 - most) * 0x0101010101010101u;
  std::uint64_t excess = 0;
  for (std::size_t i = 0; i < count; i += 8, packed += 6) {
    std::uint64_t x =
        load_le<std::uint32_t>(packed) | std::uint64_t{load_le<std::uint16_t>(packed + 4)} << 32;
    x = (x & 0xffffffu) | (x & 0x0000ffffff000000u) << 8;
    x = (x & 0x00000fff00000fffu) | (x & 0x00fff00000fff000u) << 4;
    x = (x & 0x003f003f003f003fu) | (x & 0x0fc00fc00fc00fc0u) << 2;
    excess |= x + slack;  // bit 6 of a byte tells a register above `most`
    store_le(registers + i, x);
  }
  return (excess & 0x4040404040404040u) == 0;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
