// SPDX-License-Identifier: BSL-1.0
/// @file
/// The mixer of integer keys, one at a time and in batches.
///
/// Two multiplications and three xor-shifts: fewer do not avalanche (without the first shift, input
/// bit 63 decides output bit 8 with probability 0.96). Shifts by 32 before the multiplications cost
/// SIMD kernels nothing extra, since the emulated 64-bit product needs the upper halves anyway. The
/// last shift is 26: with 32, output bits j and j + 32 flip together where input bits flip (their
/// exclusive or is bit j of the product, to which few input bits contribute; correlation up to 0.8,
/// as in most mixers of this shape), and from 24 to 26 no pair does. The seed enters twice, so that
/// the hashes of an interval under two seeds are not the same set.
#ifndef QUOIN_DETAIL_HASH_MIX_HPP
#define QUOIN_DETAIL_HASH_MIX_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/cpu.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint64_t mix_xor = 0x9e3779b97f4a7c15u;    // 2^64 / golden ratio
inline constexpr std::uint64_t mix_mul_1 = 0xbf58476d1ce4e5b9u;  // the multipliers of splitmix64
inline constexpr std::uint64_t mix_mul_2 = 0x94d049bb133111ebu;  // (Steele, Lea, Flood 2014)
inline constexpr int mix_last_shift = 26;

/// Hashes `x`. For each seed a bijection: distinct integers never collide in all 64 bits.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t mix(std::uint64_t x,
                                                              std::uint64_t seed) noexcept {
  x ^= seed ^ mix_xor;
  x ^= x >> 32;
  x *= mix_mul_1;
  x ^= seed * mix_mul_1;
  x ^= x >> 32;
  x *= mix_mul_2;
  return x ^ (x >> mix_last_shift);
}

/// Integers that the batch mixers read; narrower signed ones are sign-extended, so that a value
/// hashes alike whatever its width.
template <class T>
concept batch_integer = std::integral<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

template <batch_integer Int>
inline void mix_many_scalar(const Int* keys, std::size_t n, std::uint64_t seed,
                            std::uint64_t* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = mix(static_cast<std::uint64_t>(keys[i]), seed);
}

#if QUOIN_X86_64

template <batch_integer Int>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i load_keys_avx2(const Int* p) noexcept {
  if constexpr (sizeof(Int) == 8) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  } else if constexpr (std::is_signed_v<Int>) {
    return _mm256_cvtepi32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  } else {
    return _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
}

/// `(x ^ x >> 32) * factor`; the upper half of the left factor is that of `x`.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
shift_multiply_avx2(__m256i x, std::uint64_t factor) noexcept {
  const __m256i low = _mm256_set1_epi64x(static_cast<long long>(factor & 0xffffffffu));
  const __m256i high = _mm256_set1_epi64x(static_cast<long long>(factor >> 32));
  const __m256i x_high = _mm256_srli_epi64(x, 32);
  x = _mm256_xor_si256(x, x_high);
  const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(x_high, low), _mm256_mul_epu32(x, high));
  return _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64(cross, 32));
}

template <batch_integer Int>
QUOIN_TARGET_AVX2 inline void mix_many_avx2(const Int* keys, std::size_t n, std::uint64_t seed,
                                            std::uint64_t* out) noexcept {
  const __m256i first = _mm256_set1_epi64x(static_cast<long long>(seed ^ mix_xor));
  const __m256i second = _mm256_set1_epi64x(static_cast<long long>(seed * mix_mul_1));
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    __m256i x = _mm256_xor_si256(load_keys_avx2(keys + i), first);
    x = _mm256_xor_si256(shift_multiply_avx2(x, mix_mul_1), second);
    x = shift_multiply_avx2(x, mix_mul_2);
    x = _mm256_xor_si256(x, _mm256_srli_epi64(x, mix_last_shift));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), x);
  }
  mix_many_scalar(keys + i, n - i, seed, out + i);
}

QUOIN_BEGIN_AVX512

template <batch_integer Int>
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
load_keys_avx512(const Int* p) noexcept {
  if constexpr (sizeof(Int) == 8) {
    return _mm512_loadu_si512(p);
  } else if constexpr (std::is_signed_v<Int>) {
    return _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  } else {
    return _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
}

template <batch_integer Int>
QUOIN_TARGET_AVX512 inline void mix_many_avx512(const Int* keys, std::size_t n, std::uint64_t seed,
                                                std::uint64_t* out) noexcept {
  const __m512i first = _mm512_set1_epi64(static_cast<long long>(seed ^ mix_xor));
  const __m512i second = _mm512_set1_epi64(static_cast<long long>(seed * mix_mul_1));
  const __m512i factor_1 = _mm512_set1_epi64(static_cast<long long>(mix_mul_1));
  const __m512i factor_2 = _mm512_set1_epi64(static_cast<long long>(mix_mul_2));
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m512i x = _mm512_xor_si512(load_keys_avx512(keys + i), first);
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 32)), factor_1);
    x = _mm512_xor_si512(x, second);
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 32)), factor_2);
    x = _mm512_xor_si512(x, _mm512_srli_epi64(x, mix_last_shift));
    _mm512_storeu_si512(out + i, x);
  }
  mix_many_scalar(keys + i, n - i, seed, out + i);
}

QUOIN_END_AVX512

#endif

template <batch_integer Int>
using mix_many_kernel = void (*)(const Int*, std::size_t, std::uint64_t, std::uint64_t*) noexcept;

/// The batch mixer of a level. AArch64 multiplies 64-bit integers faster one by one than NEON can.
template <batch_integer Int>
[[nodiscard]] inline mix_many_kernel<Int> mix_many_of([[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) return &mix_many_avx512<Int>;
  if (level == isa::avx2) return &mix_many_avx2<Int>;
#endif
  return &mix_many_scalar<Int>;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
