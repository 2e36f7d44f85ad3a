// SPDX-License-Identifier: BSL-1.0
/// @file
/// The buckets of a block of values at once.
#ifndef QUOIN_DETAIL_SKETCH_QUANTILE_SIMD_HPP
#define QUOIN_DETAIL_SKETCH_QUANTILE_SIMD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/sketch_quantile_mapping.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Values of a block, at most.
inline constexpr std::size_t quantile_block = 256;

/// The least and the greatest of a block of values.
struct block_ends {
  double least;
  double greatest;
};

/// Writes the bucket of each of `n` > 0 values to `indices` and their ends to `*ends`. False, and
/// nothing that is written means anything, unless all are positive and have a bucket.
using quantile_kernel = bool (*)(const bucket_map& map, const double* values, std::size_t n,
                                 std::uint32_t* indices, block_ends* ends);

inline bool bucket_block_scalar(const bucket_map& map, const double* values, std::size_t n,
                                std::uint32_t* indices, block_ends* ends) noexcept {
  // Bits of positive doubles are in the order of the doubles, and below those of negative ones.
  std::uint64_t least = ~std::uint64_t{0}, greatest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(values[i]);
    indices[i] = map.index_of(bits);
    least = min_of(least, bits);
    greatest = max_of(greatest, bits);
  }
  *ends = {std::bit_cast<double>(least), std::bit_cast<double>(greatest)};
  return has_bucket(least) && has_bucket(greatest);
}

#if QUOIN_X86_64

/// 1.5 times as fast as the scalar one with the counting included, although gathering the cells
/// takes half of the time.
QUOIN_TARGET_AVX2 inline bool bucket_block_avx2(const bucket_map& map, const double* values,
                                                std::size_t n, std::uint32_t* indices,
                                                block_ends* ends) noexcept {
  const std::size_t whole = n / 4 * 4;
  block_ends rest{values[0], values[0]};
  if (whole != n && !bucket_block_scalar(map, values + whole, n - whole, indices + whole, &rest)) {
    return false;
  }
  const auto all64 = [](std::uint64_t x) { return static_cast<long long>(x); };
  const __m256i fractions = _mm256_set1_epi64x(all64(fraction_mask));
  const __m256i first = _mm256_set1_epi64x(all64(least_normal));
  const __m256i span = _mm256_set1_epi64x(all64(infinity_bits - least_normal - 1));
  const __m256i per_octave = _mm256_set1_epi64x(map.per_octave);
  const __m256i low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
  const __m128i cell_shift = _mm_cvtsi32_si128(static_cast<int>(map.cell_shift));
  __m256d least = _mm256_set1_pd(rest.least), greatest = _mm256_set1_pd(rest.greatest);
  __m256i outside = _mm256_setzero_si256();  // its sign bits
  for (std::size_t i = 0; i < whole; i += 4) {
    const __m256d x = _mm256_loadu_pd(values + i);
    least = _mm256_min_pd(least, x);
    greatest = _mm256_max_pd(greatest, x);
    const __m256i bits = _mm256_castpd_si256(x);
    const __m256i above = _mm256_sub_epi64(bits, first);
    outside = _mm256_or_si256(outside, _mm256_or_si256(above, _mm256_sub_epi64(span, above)));
    const __m256i fraction = _mm256_and_si256(bits, fractions);
    const __m256i cell = _mm256_i64gather_epi64(reinterpret_cast<const long long*>(map.cells),
                                                _mm256_srl_epi64(fraction, cell_shift), 8);
    const __m256i within = _mm256_srli_epi64(_mm256_add_epi64(cell, fraction), fraction_bits);
    const __m256i octave = _mm256_srli_epi64(above, fraction_bits);
    const __m256i index = _mm256_add_epi64(_mm256_mul_epu32(octave, per_octave), within);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(indices + i),
                     _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(index, low_halves)));
  }
  double lows[4], highs[4];
  _mm256_storeu_pd(lows, least);
  _mm256_storeu_pd(highs, greatest);
  *ends = {min_of(min_of(lows[0], lows[1]), min_of(lows[2], lows[3])),
           max_of(max_of(highs[0], highs[1]), max_of(highs[2], highs[3]))};
  return _mm256_movemask_pd(_mm256_castsi256_pd(outside)) == 0;
}

#endif

/// The kernel of a level. AVX-512 adds little: the gathering is no faster, the counting is scalar.
[[nodiscard]] inline quantile_kernel quantile_kernel_of([[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx2 || level == isa::avx512) return &bucket_block_avx2;
#endif
  return &bucket_block_scalar;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
