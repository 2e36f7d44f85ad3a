// SPDX-License-Identifier: BSL-1.0
/// @file
/// Batch kernels of UltraLogLog: which hashes change a register, and the union of registers.
///
/// An update in two passes, as in HyperLogLog: the first only reads and lists, without a branch, the
/// hashes that tell a register something new, which a table of 2 KB says for each of its values; the
/// second does those few.
#ifndef QUOIN_DETAIL_SKETCH_ULL_KERNELS_HPP
#define QUOIN_DETAIL_SKETCH_ULL_KERNELS_HPP

#include <quoin/detail/cpu.hpp>
#include <quoin/detail/sketch_ull_registers.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Hashes per call of `insert`.
inline constexpr std::size_t ull_batch = 256;

/// One level's kernels.
struct ull_kernels {
  /// Does the updates of `n` ≤ `ull_batch` hashes, in order.
  void (*insert)(std::uint8_t* registers, unsigned precision, const std::uint64_t* hashes,
                 std::size_t n, ull_stream& stream) noexcept;
  /// `a[i] = ull_union(a[i], b[i])` for `n` registers, a multiple of 64.
  void (*merge)(std::uint8_t* a, const std::uint8_t* b, std::size_t n) noexcept;
};

QUOIN_ALWAYS_INLINE void ull_insert_batch(std::uint8_t* registers, unsigned precision,
                                          const std::uint64_t* hashes, std::size_t n,
                                          ull_stream& stream) noexcept {
  std::uint32_t news[ull_batch];  // index (at most 26 bits) and 6 bits of place
  std::size_t count = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < n; ++i) {
    const ull_update update = ull_update_of(hashes[i], precision);
    news[count] = update.index << 6 | update.place;
    count += is_ull_news(registers[update.index], update.place);
  }
  ull_stream new_stream = stream;  // a copy, which stores to bytes cannot change
  for (std::size_t i = 0; i < count; ++i) {
    ull_insert(registers, precision, {news[i] >> 6, news[i] & 63}, new_stream);
  }
  stream = new_stream;
}

inline void ull_insert_scalar(std::uint8_t* registers, unsigned precision,
                              const std::uint64_t* hashes, std::size_t n,
                              ull_stream& stream) noexcept {
  ull_insert_batch(registers, precision, hashes, n, stream);
}

inline void ull_merge_scalar(std::uint8_t* a, const std::uint8_t* b, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) a[i] = ull_union(a[i], b[i]);
}

#if QUOIN_X86_64

// The portable code with LZCNT and the shifts of BMI2.
QUOIN_TARGET_AVX2 inline void ull_insert_avx2(std::uint8_t* registers, unsigned precision,
                                              const std::uint64_t* hashes, std::size_t n,
                                              ull_stream& stream) noexcept {
  ull_insert_batch(registers, precision, hashes, n, stream);
}

/// `ull_union` of 32 registers: what the lower adds to the higher is looked up by how many places it
/// is below (at most 3, when it adds nothing) and its two bits.
QUOIN_TARGET_AVX2 inline void ull_merge_avx2(std::uint8_t* a, const std::uint8_t* b,
                                             std::size_t n) noexcept {
  const __m256i places = _mm256_set1_epi8(static_cast<char>(0xfc));
  const __m256i most = _mm256_set1_epi8(12);
  const __m256i added = _mm256_setr_epi8(0, 1, 2, 3, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0,  //
                                         0, 1, 2, 3, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0);
  for (std::size_t i = 0; i < n; i += 32) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
    const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i));
    const __m256i high = _mm256_max_epu8(x, y), low = _mm256_min_epu8(x, y);
    const __m256i below =
        _mm256_sub_epi8(_mm256_and_si256(high, places), _mm256_and_si256(low, places));
    const __m256i which =
        _mm256_or_si256(_mm256_min_epu8(below, most), _mm256_andnot_si256(places, low));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(a + i),
                        _mm256_or_si256(high, _mm256_shuffle_epi8(added, which)));
  }
}

#endif

/// The kernels of a level.
[[nodiscard]] inline ull_kernels ull_kernels_of([[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level >= isa::avx2) return {&ull_insert_avx2, &ull_merge_avx2};
#endif
  return {&ull_insert_scalar, &ull_merge_scalar};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
