// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registers of an UltraLogLog, one byte each, and the count kept along the stream.
///
/// Of the hashes that fall to it, a register knows the highest rank (leading zeros plus one of what
/// follows the index, as in HyperLogLog) and which of the two ranks below it occurred: 4·t + 2·a + b
/// for the highest rank t + 2 − precision, a and b telling of the next and of the one after. 0: no
/// hash. Counting t from the start of the hash rather than of its ranked part makes the hash of an
/// index that begins with zeros give the same t at every lower precision: folding needs no shift.
/// (Ertl 2023, "UltraLogLog", arXiv:2308.16862, section 4; the bytes are those of its authors' own
/// library.)
#ifndef QUOIN_DETAIL_SKETCH_ULL_REGISTERS_HPP
#define QUOIN_DETAIL_SKETCH_ULL_REGISTERS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/sketch_hll_tokens.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// The least at which no register above 0 has a t below 3, which merging relies upon; and the most
/// at which index and t of an update fit in 32 bits.
inline constexpr unsigned ull_min_precision = 4;
inline constexpr unsigned ull_max_precision = 26;

/// What a hash does to the registers: lets number `index` know of `place`, the t of its rank.
struct ull_update {
  std::uint32_t index;
  std::uint32_t place;  ///< precision − 1 to 63
};

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr ull_update ull_update_of(std::uint64_t hash,
                                                                     unsigned precision) noexcept {
  const hll_update update = hll_update_of(hash, precision);
  return {update.index, update.rank + precision - 2};
}

/// The set of places that a register knows, bit t for place t.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t ull_places(unsigned value) noexcept {
  return std::uint64_t{4u | (value & 3u)} << ((value / 4 - 2) & 63);  // 0: shifted out
}

/// The register that knows of `places`, or of the highest of them. There are some, none below 3.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint8_t ull_register(
    std::uint64_t places) noexcept {
  const auto above = static_cast<unsigned>(__builtin_clzll(places));
  return static_cast<std::uint8_t>((63 - above) * 4 + (places << above << 1 >> 62));
}

/// For each register the places that tell it something new, the highest first: bit 63 − t for place t.
/// Without regard to a precision, so that places count that it does not have.
inline constexpr std::array<std::uint64_t, 256> ull_news = [] {
  std::array<std::uint64_t, 256> all{};
  all[0] = ~std::uint64_t{0};
  for (unsigned value = 4 * (ull_min_precision - 1); value < 256; ++value) {
    const unsigned unknown = 3 - 2 * (value & 1) - (value >> 1 & 1);  // of the two below
    const unsigned place = value / 4;
    all[value] = ((std::uint64_t{1} << (63 - place)) - 1) | std::uint64_t{unknown} << (64 - place);
  }
  return all;
}();

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool is_ull_news(unsigned value,
                                                             std::uint32_t place) noexcept {
  return (ull_news[value] >> (63 - place) & 1) != 0;
}

/// A register that knows what either does.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint8_t ull_union(std::uint8_t a,
                                                                   std::uint8_t b) noexcept {
  const unsigned high = max_of(a, b), low = min_of(a, b);
  const std::uint64_t added = std::uint64_t{4 | (low & 3)} >> (high / 4 - low / 4);
  return static_cast<std::uint8_t>(high | (added & 3));
}

/// False for what no hashes give: damage.
[[nodiscard]] constexpr bool is_ull_register(unsigned value, unsigned precision) noexcept {
  const std::uint64_t impossible = (std::uint64_t{1} << (precision - 1)) - 1;
  return value == 0 || (value >= 4 * (precision - 1) && (ull_places(value) & impossible) == 0);
}

/// Distinct hashes that a register must have seen at least.
[[nodiscard]] constexpr unsigned ull_certain(unsigned value) noexcept {
  return value == 0 ? 0 : 1 + value / 2 % 2 + value % 2;
}

// --- along the stream ---------------------------------------------------------------------------

/// How many of the 2^64 hashes change a register: those of its index with a rank above the highest
/// known, or one of the two below that is not known yet (and exists). Place t has 2^(62 − t) of them
/// but the last, 63, has 1 as well.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t ull_weight(unsigned value,
                                                                     unsigned precision) noexcept {
  const std::uint64_t news = ull_news[value] & ~std::uint64_t{0} >> (precision - 1);
  return (news >> 1) + (news & 1);
}

/// A count of distinct hashes kept along with the stream: at every change of a register 1 / (the
/// chance of a change) is added, which is how many new hashes pass on average from one change to
/// the next. Unbiased, relative standard error √(5 ln 2 / 8) / √m = 0.658 / √m (Ertl 2023, section
/// 3.6; after Cohen 2015 and Ting 2014). It lasts as long as all that enters the registers comes
/// through it.
struct ull_stream {
  double count = 0;
  std::uint64_t chance = 0;  ///< Σ ull_weight modulo 2^64, which is 2^64 only without any hash
  bool valid = true;
};

/// Does one update.
QUOIN_ALWAYS_INLINE void ull_insert(std::uint8_t* registers, unsigned precision, ull_update update,
                                    ull_stream& stream) noexcept {
  const unsigned old = registers[update.index];
  if (!is_ull_news(old, update.place)) return;
  const std::uint8_t value = ull_register(ull_places(old) | std::uint64_t{1} << update.place);
  registers[update.index] = value;
  // (A change happens, so that the chance is not 0: a 0 is 2^64.)
  if (stream.valid) stream.count += 0x1p64 / (static_cast<double>(stream.chance - 1) + 1);
  stream.chance -= ull_weight(old, precision) - ull_weight(value, precision);
}

// --- lower precisions ---------------------------------------------------------------------------

/// The register of the precision `levels` lower than `precision` that the `2^levels` registers from
/// `group` on fold into: they share its index, and their place in the group is the first bits of
/// what it ranks. Only the first of them begins with zeros all through.
[[nodiscard]] constexpr std::uint8_t ull_fold(const std::uint8_t* group, unsigned levels,
                                              unsigned precision) noexcept {
  std::uint64_t places = ull_places(group[0]);
  for (std::uint32_t i = 1; i < std::uint32_t{1} << levels; ++i) {
    const auto width = static_cast<unsigned>(std::bit_width(i));
    if (group[i] != 0) places |= std::uint64_t{1} << (precision - 1 - width);
  }
  return places == 0 ? std::uint8_t{0} : ull_register(places);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
