// SPDX-License-Identifier: BSL-1.0
/// @file
/// Kernels of XXH3 for long inputs, one per instruction set, each equal to `xxh3_add_all`.
///
/// The specification adds each word to the *other* lane of its pair, which costs a shuffle per
/// vector. Addition does not care about order, so the kernels keep those sums apart in `sums` and
/// swap once per block: 5 instead of 6 arithmetic instructions per vector.
///
/// The empty `__asm__` keep a loaded vector in its register: GCC would rather load it again for
/// each use, and loads are the bottleneck (a quarter of the speed of the AVX2 kernel).
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
/// The operations on 128-bit vectors that `xxh3_add_all_128` needs: SSE2, which every x86-64 has.
struct xxh3_ops {
  using vector = __m128i;
  QUOIN_ALWAYS_INLINE static vector zero() noexcept { return _mm_setzero_si128(); }
  QUOIN_ALWAYS_INLINE static vector load(const void* p) noexcept {
    return _mm_loadu_si128(static_cast<const vector*>(p));
  }
  QUOIN_ALWAYS_INLINE static void store(void* p, vector x) noexcept {
    _mm_storeu_si128(static_cast<vector*>(p), x);
  }
  QUOIN_ALWAYS_INLINE static vector bit_xor(vector a, vector b) noexcept {
    return _mm_xor_si128(a, b);
  }
  QUOIN_ALWAYS_INLINE static vector add(vector a, vector b) noexcept { return _mm_add_epi64(a, b); }
  QUOIN_ALWAYS_INLINE static vector swap(vector x) noexcept { return _mm_shuffle_epi32(x, 0x4e); }
  /// `sum` and, in each word of `x`, the product of its halves.
  QUOIN_ALWAYS_INLINE static vector add_product(vector sum, vector x) noexcept {
    // Not a shift: the shuffle writes to another register, which saves a move.
    return _mm_add_epi64(sum, _mm_mul_epu32(x, _mm_shuffle_epi32(x, 0x31)));
  }
  QUOIN_ALWAYS_INLINE static vector scramble(vector lanes, vector key) noexcept {
    const vector prime = _mm_set1_epi32(static_cast<int>(xxh3_prime32_1));
    const vector x = _mm_xor_si128(_mm_xor_si128(lanes, _mm_srli_epi64(lanes, 47)), key);
    const vector high = _mm_mul_epu32(_mm_srli_epi64(x, 32), prime);
    return _mm_add_epi64(_mm_mul_epu32(x, prime), _mm_slli_epi64(high, 32));
  }
};
#elif QUOIN_AARCH64
/// The operations on 128-bit vectors that `xxh3_add_all_128` needs: NEON.
struct xxh3_ops {
  using vector = uint64x2_t;
  QUOIN_ALWAYS_INLINE static vector zero() noexcept { return vdupq_n_u64(0); }
  QUOIN_ALWAYS_INLINE static vector load(const void* p) noexcept {
    return vreinterpretq_u64_u8(vld1q_u8(static_cast<const unsigned char*>(p)));
  }
  QUOIN_ALWAYS_INLINE static void store(std::uint64_t* p, vector x) noexcept { vst1q_u64(p, x); }
  QUOIN_ALWAYS_INLINE static vector bit_xor(vector a, vector b) noexcept { return veorq_u64(a, b); }
  QUOIN_ALWAYS_INLINE static vector add(vector a, vector b) noexcept { return vaddq_u64(a, b); }
  QUOIN_ALWAYS_INLINE static vector swap(vector x) noexcept { return vextq_u64(x, x, 1); }
  /// `sum` and, in each word of `x`, the product of its halves.
  QUOIN_ALWAYS_INLINE static vector add_product(vector sum, vector x) noexcept {
    return vmlal_u32(sum, vmovn_u64(x), vshrn_n_u64(x, 32));
  }
  QUOIN_ALWAYS_INLINE static vector scramble(vector lanes, vector key) noexcept {
    const uint32x2_t prime = vdup_n_u32(static_cast<std::uint32_t>(xxh3_prime32_1));
    const vector x = veorq_u64(veorq_u64(lanes, vshrq_n_u64(lanes, 47)), key);
    const vector high = vmull_u32(vshrn_n_u64(x, 32), prime);
    return vmlal_u32(vshlq_n_u64(high, 32), vmovn_u64(x), prime);
  }
};
#endif

#if QUOIN_X86_64 || QUOIN_AARCH64
/// A quarter of the lanes. Four variables of this and not arrays with loops over them, for GCC
/// leaves such loops, and with them the vectors, in memory (half the speed).
struct xxh3_quarter {
  xxh3_ops::vector products, sums = xxh3_ops::zero();

  QUOIN_ALWAYS_INLINE explicit xxh3_quarter(const std::uint64_t* lanes) noexcept
      : products(xxh3_ops::load(lanes)) {}

  QUOIN_ALWAYS_INLINE void add(const unsigned char* p, const unsigned char* key) noexcept {
    const auto words = xxh3_ops::load(p);
    sums = xxh3_ops::add(sums, words);
    products = xxh3_ops::add_product(products, xxh3_ops::bit_xor(words, xxh3_ops::load(key)));
  }
  QUOIN_ALWAYS_INLINE void fold() noexcept {
    products = xxh3_ops::add(products, xxh3_ops::swap(sums));
    sums = xxh3_ops::zero();
  }
  QUOIN_ALWAYS_INLINE void scramble(const unsigned char* key) noexcept {
    fold();
    products = xxh3_ops::scramble(products, xxh3_ops::load(key));
  }
  QUOIN_ALWAYS_INLINE void store(std::uint64_t* lanes) noexcept {
    fold();
    xxh3_ops::store(lanes, products);
  }
};

inline void xxh3_add_all_128(xxh3_lanes& lanes, const unsigned char* p, std::size_t size,
                             const unsigned char* secret) noexcept {
  xxh3_quarter a(&lanes[0]), b(&lanes[2]), c(&lanes[4]), d(&lanes[6]);
  const unsigned char* const last = p + size - xxh3_stripe;
  const unsigned char* key = secret;
  for (std::size_t left = (size - 1) / xxh3_stripe; left > 0; --left, p += xxh3_stripe) {
    a.add(p, key);
    b.add(p + 16, key + 16);
    c.add(p + 32, key + 32);
    d.add(p + 48, key + 48);
    key += 8;
    if (key == secret + xxh3_scramble_offset) {
      a.scramble(key);
      b.scramble(key + 16);
      c.scramble(key + 32);
      d.scramble(key + 48);
      key = secret;
    }
  }
  key = secret + xxh3_last_stripe_offset;
  a.add(last, key);
  b.add(last + 16, key + 16);
  c.add(last + 32, key + 32);
  d.add(last + 48, key + 48);
  a.store(&lanes[0]);
  b.store(&lanes[2]);
  c.store(&lanes[4]);
  d.store(&lanes[6]);
}
#endif

#if QUOIN_X86_64

struct xxh3_avx2 {
  __m256i products[2], sums[2];

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE static __m256i load(const void* p) noexcept {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }

  /// Half a stripe: 32 bytes at `p` to vector `I`.
  template <int I>
  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void add_half(const unsigned char* p,
                                                      __m256i key) noexcept {
    __m256i words = load(p);
    __asm__("" : "+x"(words));  // see the top
    const __m256i keyed = _mm256_xor_si256(words, key);
    sums[I] = _mm256_add_epi64(sums[I], words);
    products[I] =
        _mm256_add_epi64(products[I], _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32)));
  }

  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void add_stripe(const unsigned char* p,
                                                        const unsigned char* key) noexcept {
    add_half<0>(p, load(key));
    add_half<1>(p + 32, load(key + 32));
  }

  /// 16 stripes. The key moves on by 8 bytes per stripe, so that what keys the second half of one
  /// stripe keys the first half of the fourth after it: loading each once gave a sixth more speed.
  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void add_block(const unsigned char* p,
                                                       const unsigned char* key) noexcept {
    const unsigned char* const end = p + xxh3_stripe * xxh3_stripes_per_block;
    const unsigned char* behind = p + 32;
    for (int i = 0; i < 4; ++i, p += xxh3_stripe, key += 8) add_half<0>(p, load(key));
    for (; p != end; p += xxh3_stripe, behind += xxh3_stripe, key += 8) {
      __m256i shared = load(key);
      __asm__("" : "+x"(shared));
      add_half<0>(p, shared);
      add_half<1>(behind, shared);
    }
    for (int i = 0; i < 4; ++i, behind += xxh3_stripe, key += 8) add_half<1>(behind, load(key));
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
    state.add_block(p, secret);
    p += xxh3_stripe * xxh3_stripes_per_block;
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
    const __m512i pairs_swapped = _mm512_set_epi64(6, 7, 4, 5, 2, 3, 0, 1);
    products = _mm512_add_epi64(products, _mm512_permutexvar_epi64(pairs_swapped, sums));
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

#endif

using xxh3_kernel = void (*)(xxh3_lanes&, const unsigned char*, std::size_t,
                             const unsigned char*) noexcept;

/// The kernel of `level`, or the portable one where the level has none.
[[nodiscard]] inline xxh3_kernel xxh3_kernel_of(isa level) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) return xxh3_add_all_avx512;
  if (level == isa::avx2) return xxh3_add_all_avx2;
  return xxh3_add_all_128;
#elif QUOIN_AARCH64
  if (level == isa::neon) return xxh3_add_all_128;
#endif
  static_cast<void>(level);
  return xxh3_add_all<unsigned char>;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
