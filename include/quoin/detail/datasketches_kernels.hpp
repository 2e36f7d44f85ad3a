// SPDX-License-Identifier: BSL-1.0
/// @file
/// DataSketches' hash of many numbers at once: MurmurHash3_x64_128 of eight bytes each.
///
/// Six 64-bit products per key, which AVX2 has to put together from 32-bit ones; four keys in parallel
/// still take half the time of one after another.
#ifndef QUOIN_DETAIL_DATASKETCHES_KERNELS_HPP
#define QUOIN_DETAIL_DATASKETCHES_KERNELS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/datasketches_coupons.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint64_t murmur_word_1 = 0x87c37b91114253d5u;
inline constexpr std::uint64_t murmur_word_2 = 0x4cf5ad432745937fu;
inline constexpr std::uint64_t murmur_mix_1 = 0xff51afd7ed558ccdu;
inline constexpr std::uint64_t murmur_mix_2 = 0xc4ceb9fe1a85ec53u;

[[nodiscard]] constexpr std::uint64_t murmur_mix(std::uint64_t x) noexcept {
  x = (x ^ x >> 33) * murmur_mix_1;
  x = (x ^ x >> 33) * murmur_mix_2;
  return x ^ x >> 33;
}

/// Both halves of the hash of `word` as eight little-endian bytes.
[[nodiscard]] constexpr uint128_halves murmur_of_word(std::uint64_t word,
                                                      std::uint64_t seed) noexcept {
  const std::uint64_t base = seed ^ 8;
  const std::uint64_t first = (std::rotl(word * murmur_word_1, 31) * murmur_word_2 ^ base) + base;
  const std::uint64_t a = murmur_mix(first), b = murmur_mix(first + base);
  return {a + b, a + b + b};
}

/// `out[i]`: the coupon of `words[i]`, hashed with `seed`.
inline void coupons_scalar(const std::uint64_t* words, std::size_t n, std::uint64_t seed,
                           std::uint32_t* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const uint128_halves hash = murmur_of_word(words[i], seed);
    out[i] = make_coupon(hash.lo, hash.hi);
  }
}

/// `out[i]`: the lower half of the hash of `words[i]`.
inline void low_hashes_scalar(const std::uint64_t* words, std::size_t n, std::uint64_t seed,
                              std::uint64_t* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = murmur_of_word(words[i], seed).lo;
}

#if QUOIN_X86_64

struct halves_avx2 {
  __m256i lo;
  __m256i hi;
};

/// The lower 64 bits of the products.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
multiply_avx2(__m256i x, std::uint64_t factor) noexcept {
  const __m256i whole = _mm256_set1_epi64x(static_cast<long long>(factor));
  const __m256i swapped = _mm256_set1_epi64x(static_cast<long long>(std::rotl(factor, 32)));
  // low · high and high · low, of which 32 bits count, in the two halves of one product
  const __m256i cross = _mm256_mullo_epi32(x, swapped);
  const __m256i upper = _mm256_add_epi32(cross, _mm256_slli_epi64(cross, 32));
  const __m256i zero = _mm256_setzero_si256();
  return _mm256_add_epi64(_mm256_mul_epu32(x, whole), _mm256_blend_epi32(upper, zero, 0x55));
}

[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i murmur_mix_avx2(__m256i x) noexcept {
  x = multiply_avx2(_mm256_xor_si256(x, _mm256_srli_epi64(x, 33)), murmur_mix_1);
  x = multiply_avx2(_mm256_xor_si256(x, _mm256_srli_epi64(x, 33)), murmur_mix_2);
  return _mm256_xor_si256(x, _mm256_srli_epi64(x, 33));
}

[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE halves_avx2
murmur_of_words_avx2(const std::uint64_t* words, std::uint64_t seed) noexcept {
  const __m256i base = _mm256_set1_epi64x(static_cast<long long>(seed ^ 8));
  __m256i x =
      multiply_avx2(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)), murmur_word_1);
  x = _mm256_or_si256(_mm256_slli_epi64(x, 31), _mm256_srli_epi64(x, 33));
  x = _mm256_add_epi64(_mm256_xor_si256(multiply_avx2(x, murmur_word_2), base), base);
  const __m256i a = murmur_mix_avx2(x), b = murmur_mix_avx2(_mm256_add_epi64(x, base));
  const __m256i lo = _mm256_add_epi64(a, b);
  return {lo, _mm256_add_epi64(lo, b)};
}

QUOIN_TARGET_AVX2 inline void coupons_avx2(const std::uint64_t* words, std::size_t n,
                                           std::uint64_t seed, std::uint32_t* out) noexcept {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const halves_avx2 hash = murmur_of_words_avx2(words + i, seed);
    alignas(32) std::uint64_t lo[4], hi[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lo), hash.lo);
    _mm256_store_si256(reinterpret_cast<__m256i*>(hi), hash.hi);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      // make_coupon in terms of LZCNT, which this function may use
      const auto value = static_cast<std::uint32_t>(_lzcnt_u64(hi[j] | 2)) + 1;
      out[i + j] = value << 26 | (static_cast<std::uint32_t>(lo[j]) & coupon_address_mask);
    }
  }
  coupons_scalar(words + i, n - i, seed, out + i);
}

QUOIN_TARGET_AVX2 inline void low_hashes_avx2(const std::uint64_t* words, std::size_t n,
                                              std::uint64_t seed, std::uint64_t* out) noexcept {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        murmur_of_words_avx2(words + i, seed).lo);
  }
  low_hashes_scalar(words + i, n - i, seed, out + i);
}

#endif

struct datasketches_kernels {
  void (*coupons)(const std::uint64_t* words, std::size_t n, std::uint64_t seed,
                  std::uint32_t* out) noexcept;
  void (*low_hashes)(const std::uint64_t* words, std::size_t n, std::uint64_t seed,
                     std::uint64_t* out) noexcept;
};

/// The kernels of a level. AArch64 multiplies 64-bit integers faster one by one than NEON can.
[[nodiscard]] inline datasketches_kernels datasketches_kernels_of(
    [[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level >= isa::avx2) return {&coupons_avx2, &low_hashes_avx2};
#endif
  return {&coupons_scalar, &low_hashes_scalar};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
