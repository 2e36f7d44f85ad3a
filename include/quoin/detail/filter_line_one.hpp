// SPDX-License-Identifier: BSL-1.0
/// @file
/// One key at a time in a blocked Bloom filter, by AVX2 where this process has it.
///
/// An exception to the rule that kernels are chosen per batch: a key's bits are in k of 8 lanes,
/// which portable code must visit one by one. Two registers hold all lanes, and although the
/// compiler cannot inline their code a lookup takes 0.6 of the time (k = 6, hash counted: 5.4 against
/// 8.9 ns, or 6.8 with the loop over k unrolled in a switch).
#ifndef QUOIN_DETAIL_FILTER_LINE_ONE_HPP
#define QUOIN_DETAIL_FILTER_LINE_ONE_HPP

#include <quoin/detail/filter_line_simd.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

#if QUOIN_X86_64

/// The bits of a key in one half of its line.
template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i line_bits_avx2(unsigned k,
                                                                           std::uint64_t hash,
                                                                           unsigned half) noexcept {
  constexpr std::uint64_t mask = 0x0101010101010101u * unsigned{position_mask<Lanes>};
  const std::uint64_t product = Lanes == 8 || half == 0
                                    ? (hash & 0xffffffffu) * line_factor_0
                                    : (hash >> line_shift_1 & 0xffffffffu) * line_factor_1;
  const auto* const selector =
      reinterpret_cast<const __m256i*>(selector_for<Lanes>(selectors_of<Lanes>(k), hash));
  return shift_left_avx2<Lanes>(_mm256_load_si256(selector + half),
                                spread_positions_avx2<Lanes>(product & mask, half));
}

// Arguments in registers: a table by reference would have to be stored first.

/// `line_probe(hash, k).in(words)`
template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 inline bool line_contains_one_avx2(const std::uint64_t* words,
                                                                   unsigned k,
                                                                   std::uint64_t hash) noexcept {
  const auto* const line = reinterpret_cast<const __m256i*>(words);
  const __m256i low =
      _mm256_andnot_si256(_mm256_loadu_si256(line), line_bits_avx2<Lanes>(k, hash, 0));
  const __m256i high =
      _mm256_andnot_si256(_mm256_loadu_si256(line + 1), line_bits_avx2<Lanes>(k, hash, 1));
  const __m256i missing = _mm256_or_si256(low, high);
  return _mm256_testz_si256(missing, missing) != 0;
}

/// `line_probe(hash, k).set(words)`
template <unsigned Lanes>
QUOIN_TARGET_AVX2 inline bool line_insert_one_avx2(std::uint64_t* words, unsigned k,
                                                   std::uint64_t hash) noexcept {
  auto* const line = reinterpret_cast<__m256i*>(words);
  const __m256i low = line_bits_avx2<Lanes>(k, hash, 0);
  const __m256i high = line_bits_avx2<Lanes>(k, hash, 1);
  const __m256i old_low = _mm256_loadu_si256(line), old_high = _mm256_loadu_si256(line + 1);
  _mm256_storeu_si256(line, _mm256_or_si256(old_low, low));
  _mm256_storeu_si256(line + 1, _mm256_or_si256(old_high, high));
  const __m256i added =
      _mm256_or_si256(_mm256_andnot_si256(old_low, low), _mm256_andnot_si256(old_high, high));
  return _mm256_testz_si256(added, added) == 0;
}

#endif

/// Whether all bits of `hash` are set in its line of `table`.
[[nodiscard]] QUOIN_ALWAYS_INLINE bool line_contains(const const_line_table& table,
                                                     std::uint64_t hash) noexcept {
#if QUOIN_X86_64
  if (active_isa() >= isa::avx2) {
    return table.k <= 8 ? line_contains_one_avx2<8>(table.line_of(hash), table.k, hash)
                        : line_contains_one_avx2<16>(table.line_of(hash), table.k, hash);
  }
#endif
  return line_probe(hash, table.k).in(table.line_of(hash));
}

/// Sets the bits of `hash` in its line of `table`; true if one of them was not set before.
QUOIN_ALWAYS_INLINE bool line_try_insert(const line_table& table, std::uint64_t hash) noexcept {
#if QUOIN_X86_64
  if (active_isa() >= isa::avx2) {
    return table.k <= 8 ? line_insert_one_avx2<8>(table.line_of(hash), table.k, hash)
                        : line_insert_one_avx2<16>(table.line_of(hash), table.k, hash);
  }
#endif
  return line_probe(hash, table.k).set(table.line_of(hash));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
