// SPDX-License-Identifier: BSL-1.0
/// @file
/// Kernels of XXH3 for long inputs, one per instruction set, each equal to `xxh3_add_all`.
///
/// The specification adds each word to the *other* lane of its pair, which costs a shuffle per
/// vector. Addition does not care about order, so the kernels keep those sums apart in `sums` and
/// swap once per block: 5 instead of 6 arithmetic instructions per vector.
#ifndef QUOIN_DETAIL_HASH_XXH3_SIMD_HPP
#define QUOIN_DETAIL_HASH_XXH3_SIMD_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/hash_xxh3.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#elif QUOIN_AARCH64
#include <arm_neon.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

#if QUOIN_X86_64

/// SSE2, which every x86-64 has.
struct xxh3_sse2 {
  __m128i products[4], sums[4];

  QUOIN_ALWAYS_INLINE static __m128i load(const void* p) noexcept {
    return _mm_loadu_si128(static_cast<const __m128i*>(p));
  }

  QUOIN_ALWAYS_INLINE void add_stripe(const unsigned char* p, const unsigned char* key) noexcept {
    for (int i = 0; i < 4; ++i) {
      const __m128i words = load(p + 16 * i);
      const __m128i keyed = _mm_xor_si128(words, load(key + 16 * i));
      sums[i] = _mm_add_epi64(sums[i], words);
      products[i] = _mm_add_epi64(products[i], _mm_mul_epu32(keyed, _mm_srli_epi64(keyed, 32)));
    }
  }

  QUOIN_ALWAYS_INLINE void fold() noexcept {
    for (int i = 0; i < 4; ++i) {
      products[i] = _mm_add_epi64(products[i], _mm_shuffle_epi32(sums[i], 0x4e));
      sums[i] = _mm_setzero_si128();
    }
  }

  QUOIN_ALWAYS_INLINE void scramble(const unsigned char* key) noexcept {
    const __m128i prime = _mm_set1_epi32(static_cast<int>(xxh3_prime32_1));
    for (int i = 0; i < 4; ++i) {
      const __m128i x = _mm_xor_si128(_mm_xor_si128(products[i], _mm_srli_epi64(products[i], 47)),
                                      load(key + 16 * i));
      const __m128i high = _mm_mul_epu32(_mm_srli_epi64(x, 32), prime);
      products[i] = _mm_add_epi64(_mm_mul_epu32(x, prime), _mm_slli_epi64(high, 32));
    }
  }
};

inline void xxh3_add_all_sse2(xxh3_lanes& lanes, const unsigned char* p, std::size_t size,
                              const unsigned char* secret) noexcept {
  xxh3_sse2 state;
  for (std::size_t i = 0; i < 4; ++i) {
    state.products[i] = xxh3_sse2::load(&lanes[2 * i]);
    state.sums[i] = _mm_setzero_si128();
  }
  const unsigned char* const last = p + size - xxh3_stripe;
  std::size_t left = (size - 1) / xxh3_stripe;
  for (; left >= xxh3_stripes_per_block; left -= xxh3_stripes_per_block) {
    for (std::size_t i = 0; i < xxh3_stripes_per_block; ++i, p += xxh3_stripe) {
      state.add_stripe(p, secret + 8 * i);
    }
    state.fold();
    state.scramble(secret + xxh3_scramble_offset);
  }
  for (std::size_t i = 0; i < left; ++i, p += xxh3_stripe) state.add_stripe(p, secret + 8 * i);
  state.add_stripe(last, secret + xxh3_last_stripe_offset);
  state.fold();
  for (std::size_t i = 0; i < 4; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(&lanes[2 * i]), state.products[i]);
  }
}

struct xxh3_avx2 {
  __m256i products[2], sums[2];

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE static __m256i load(const void* p) noexcept {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void add_stripe(const unsigned char* p,
                                                        const unsigned char* key) noexcept {
    for (int i = 0; i < 2; ++i) {
      const __m256i words = load(p + 32 * i);
      const __m256i keyed = _mm256_xor_si256(words, load(key + 32 * i));
      sums[i] = _mm256_add_epi64(sums[i], words);
      products[i] =
          _mm256_add_epi64(products[i], _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32)));
    }
  }

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void fold() noexcept {
    for (int i = 0; i < 2; ++i) {
      products[i] = _mm256_add_epi64(products[i], _mm256_shuffle_epi32(sums[i], 0x4e));
      sums[i] = _mm256_setzero_si256();
    }
  }

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void scramble(const unsigned char* key) noexcept {
    const __m256i prime = _mm256_set1_epi32(static_cast<int>(xxh3_prime32_1));
    for (int i = 0; i < 2; ++i) {
      const __m256i x = _mm256_xor_si256(
          _mm256_xor_si256(products[i], _mm256_srli_epi64(products[i], 47)), load(key + 32 * i));
      const __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), prime);
      products[i] = _mm256_add_epi64(_mm256_mul_epu32(x, prime), _mm256_slli_epi64(high, 32));
    }
  }
};

QUOIN_TARGET_AVX2 inline void xxh3_add_all_avx2(xxh3_lanes& lanes, const unsigned char* p,
                                                std::size_t size,
                                                const unsigned char* secret) noexcept {
  xxh3_avx2 state;
  for (std::size_t i = 0; i < 2; ++i) {
    state.products[i] = xxh3_avx2::load(&lanes[4 * i]);
    state.sums[i] = _mm256_setzero_si256();
  }
  const unsigned char* const last = p + size - xxh3_stripe;
  std::size_t left = (size - 1) / xxh3_stripe;
  for (; left >= xxh3_stripes_per_block; left -= xxh3_stripes_per_block) {
    for (std::size_t i = 0; i < xxh3_stripes_per_block; ++i, p += xxh3_stripe) {
      state.add_stripe(p, secret + 8 * i);
    }
    state.fold();
    state.scramble(secret + xxh3_scramble_offset);
  }
  for (std::size_t i = 0; i < left; ++i, p += xxh3_stripe) state.add_stripe(p, secret + 8 * i);
  state.add_stripe(last, secret + xxh3_last_stripe_offset);
  state.fold();
  for (std::size_t i = 0; i < 2; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(&lanes[4 * i]), state.products[i]);
  }
}

#if !defined(__clang__)  // GCC 12 finds its own _mm512_undefined_epi32 uninitialized (PR 105593)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
struct xxh3_avx512 {
  __m512i products, sums;

  QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE void add_stripe(const unsigned char* p,
                                                          const unsigned char* key) noexcept {
    const __m512i words = _mm512_loadu_si512(p);
    const __m512i keyed = _mm512_xor_si512(words, _mm512_loadu_si512(key));
    sums = _mm512_add_epi64(sums, words);
    products = _mm512_add_epi64(products, _mm512_mul_epu32(keyed, _mm512_srli_epi64(keyed, 32)));
  }

  QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE void fold() noexcept {
    products = _mm512_add_epi64(products, _mm512_permutex_epi64(sums, 0xb1));
    sums = _mm512_setzero_si512();
  }

  QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE void scramble(const unsigned char* key) noexcept {
    const __m512i prime = _mm512_set1_epi64(static_cast<long long>(xxh3_prime32_1));
    const __m512i x = _mm512_xor_si512(_mm512_xor_si512(products, _mm512_srli_epi64(products, 47)),
                                       _mm512_loadu_si512(key));
    const __m512i high = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), prime);
    products = _mm512_add_epi64(_mm512_mul_epu32(x, prime), _mm512_slli_epi64(high, 32));
  }
};

QUOIN_TARGET_AVX512 inline void xxh3_add_all_avx512(xxh3_lanes& lanes, const unsigned char* p,
                                                    std::size_t size,
                                                    const unsigned char* secret) noexcept {
  xxh3_avx512 state;
  state.products = _mm512_loadu_si512(lanes.data());
  state.sums = _mm512_setzero_si512();
  const unsigned char* const last = p + size - xxh3_stripe;
  std::size_t left = (size - 1) / xxh3_stripe;
  for (; left >= xxh3_stripes_per_block; left -= xxh3_stripes_per_block) {
    for (std::size_t i = 0; i < xxh3_stripes_per_block; ++i, p += xxh3_stripe) {
      state.add_stripe(p, secret + 8 * i);
    }
    state.fold();
    state.scramble(secret + xxh3_scramble_offset);
  }
  for (std::size_t i = 0; i < left; ++i, p += xxh3_stripe) state.add_stripe(p, secret + 8 * i);
  state.add_stripe(last, secret + xxh3_last_stripe_offset);
  state.fold();
  _mm512_storeu_si512(lanes.data(), state.products);
}
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#elif QUOIN_AARCH64

struct xxh3_neon {
  uint64x2_t products[4], sums[4];

  QUOIN_ALWAYS_INLINE static uint64x2_t load(const unsigned char* p) noexcept {
    return vreinterpretq_u64_u8(vld1q_u8(p));
  }

  QUOIN_ALWAYS_INLINE void add_stripe(const unsigned char* p, const unsigned char* key) noexcept {
    for (int i = 0; i < 4; ++i) {
      const uint64x2_t words = load(p + 16 * i);
      const uint64x2_t keyed = veorq_u64(words, load(key + 16 * i));
      sums[i] = vaddq_u64(sums[i], words);
      products[i] = vmlal_u32(products[i], vmovn_u64(keyed), vshrn_n_u64(keyed, 32));
    }
  }

  QUOIN_ALWAYS_INLINE void fold() noexcept {
    for (int i = 0; i < 4; ++i) {
      products[i] = vaddq_u64(products[i], vextq_u64(sums[i], sums[i], 1));
      sums[i] = vdupq_n_u64(0);
    }
  }

  QUOIN_ALWAYS_INLINE void scramble(const unsigned char* key) noexcept {
    const uint32x2_t prime = vdup_n_u32(static_cast<std::uint32_t>(xxh3_prime32_1));
    for (int i = 0; i < 4; ++i) {
      const uint64x2_t x =
          veorq_u64(veorq_u64(products[i], vshrq_n_u64(products[i], 47)), load(key + 16 * i));
      const uint64x2_t high = vmull_u32(vshrn_n_u64(x, 32), prime);
      products[i] = vmlal_u32(vshlq_n_u64(high, 32), vmovn_u64(x), prime);
    }
  }
};

inline void xxh3_add_all_neon(xxh3_lanes& lanes, const unsigned char* p, std::size_t size,
                              const unsigned char* secret) noexcept {
  xxh3_neon state;
  for (std::size_t i = 0; i < 4; ++i) {
    state.products[i] = vld1q_u64(&lanes[2 * i]);
    state.sums[i] = vdupq_n_u64(0);
  }
  const unsigned char* const last = p + size - xxh3_stripe;
  std::size_t left = (size - 1) / xxh3_stripe;
  for (; left >= xxh3_stripes_per_block; left -= xxh3_stripes_per_block) {
    for (std::size_t i = 0; i < xxh3_stripes_per_block; ++i, p += xxh3_stripe) {
      state.add_stripe(p, secret + 8 * i);
    }
    state.fold();
    state.scramble(secret + xxh3_scramble_offset);
  }
  for (std::size_t i = 0; i < left; ++i, p += xxh3_stripe) state.add_stripe(p, secret + 8 * i);
  state.add_stripe(last, secret + xxh3_last_stripe_offset);
  state.fold();
  for (std::size_t i = 0; i < 4; ++i) vst1q_u64(&lanes[2 * i], state.products[i]);
}

#endif

using xxh3_kernel = void (*)(xxh3_lanes&, const unsigned char*, std::size_t,
                             const unsigned char*) noexcept;

/// The kernel of `level`, or the portable one where the level has none.
[[nodiscard]] inline xxh3_kernel xxh3_kernel_of(isa level) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) return xxh3_add_all_avx512;
  if (level == isa::avx2) return xxh3_add_all_avx2;
  return xxh3_add_all_sse2;
#elif QUOIN_AARCH64
  if (level == isa::neon) return xxh3_add_all_neon;
#endif
  static_cast<void>(level);
  return xxh3_add_all<unsigned char>;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
