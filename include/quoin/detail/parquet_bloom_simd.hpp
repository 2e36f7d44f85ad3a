// SPDX-License-Identifier: BSL-1.0
/// @file
/// The blocks of a Parquet Bloom filter: one key at a time in portable code, and batch kernels.
///
/// A key lives in one block of 8 little-endian 32-bit lanes and has one bit in each: lane i's is
/// the top 5 bits of (hash mod 2^32) · salt_i mod 2^32. The block is (hash >> 32) · blocks >> 32.
/// Source: apache/parquet-format, BloomFilter.md.
#ifndef QUOIN_DETAIL_PARQUET_BLOOM_SIMD_HPP
#define QUOIN_DETAIL_PARQUET_BLOOM_SIMD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/cpu.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#elif QUOIN_AARCH64
#include <arm_neon.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

alignas(32) inline constexpr std::uint32_t parquet_salts[8] = {
    0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
    0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

/// A bit set as the kernels see it, at any alignment.
template <class Byte>
struct basic_parquet_table {
  Byte* bytes;
  std::uint64_t blocks;  ///< in blocks, 1 to 2^26

  [[nodiscard]] QUOIN_ALWAYS_INLINE Byte* block_of(std::uint64_t hash) const noexcept {
    return bytes + 32 * static_cast<std::size_t>((hash >> 32) * blocks >> 32);
  }
};

using parquet_table = basic_parquet_table<unsigned char>;
using const_parquet_table = basic_parquet_table<const unsigned char>;

[[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t parquet_mask(std::uint64_t hash,
                                                             std::size_t lane) noexcept {
  return std::uint32_t{1} << (static_cast<std::uint32_t>(hash) * parquet_salts[lane] >> 27);
}

[[nodiscard]] QUOIN_ALWAYS_INLINE bool parquet_contains(const_parquet_table table,
                                                        std::uint64_t hash) noexcept {
  const unsigned char* const block = table.block_of(hash);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    missing |= parquet_mask(hash, i) & ~load_le<std::uint32_t>(block + 4 * i);
  }
  return missing == 0;
}

/// Sets the bits of a key; true if one of them was not set before.
QUOIN_ALWAYS_INLINE bool parquet_insert(parquet_table table, std::uint64_t hash) noexcept {
  unsigned char* const block = table.block_of(hash);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto lane = load_le<std::uint32_t>(block + 4 * i);
    missing |= parquet_mask(hash, i) & ~lane;
    store_le(block + 4 * i, lane | parquet_mask(hash, i));
  }
  return missing != 0;
}

/// Keys per kernel call. The kernels read their hashes in whole groups; the caller pads the last
/// one with copies of a hash that belongs to the call.
inline constexpr std::size_t parquet_batch = 64;
inline constexpr std::size_t parquet_group = 8;

struct parquet_kernels {
  /// Bit i of the result: whether hash i is in the table. Bits from n on are undefined.
  std::uint64_t (*contains)(const const_parquet_table&, const std::uint64_t* hashes,
                            std::size_t n) noexcept;
  void (*insert)(const parquet_table&, const std::uint64_t* hashes, std::size_t n) noexcept;
};

inline std::uint64_t parquet_contains_scalar(const const_parquet_table& table,
                                             const std::uint64_t* hashes, std::size_t n) noexcept {
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    hits |= std::uint64_t{parquet_contains(table, hashes[i])} << i;
  }
  return hits;
}

inline void parquet_insert_scalar(const parquet_table& table, const std::uint64_t* hashes,
                                  std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) parquet_insert(table, hashes[i]);
}

#if QUOIN_X86_64

/// The position of the key's bit in each lane.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
parquet_positions_avx2(std::uint64_t hash) noexcept {
  const __m256i salts = _mm256_load_si256(reinterpret_cast<const __m256i*>(parquet_salts));
  const __m256i key = _mm256_set1_epi32(static_cast<int>(static_cast<std::uint32_t>(hash)));
  return _mm256_srli_epi32(_mm256_mullo_epi32(key, salts), 27);
}

/// As in detail/filter_line_simd.hpp: each key's misses one bit further left, one reduction for 8.
QUOIN_TARGET_AVX2 inline std::uint64_t parquet_contains_avx2(const const_parquet_table& table,
                                                             const std::uint64_t* hashes,
                                                             std::size_t n) noexcept {
  const __m256i ones = _mm256_set1_epi32(1);
  std::uint64_t misses = 0;
  for (std::size_t group = 0; group < n; group += parquet_group) {
    __m256i acc = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (std::size_t j = 0; j < parquet_group; ++j) {
      const std::uint64_t hash = hashes[group + (parquet_group - 1 - j)];
      const __m256i block =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table.block_of(hash)));
      const __m256i shifted = _mm256_srlv_epi32(block, parquet_positions_avx2(hash));
      acc = _mm256_or_si256(_mm256_add_epi32(acc, acc), _mm256_andnot_si256(shifted, ones));
    }
    __m128i any = _mm_or_si128(_mm256_castsi256_si128(acc), _mm256_extracti128_si256(acc, 1));
    any = _mm_or_si128(any, _mm_unpackhi_epi64(any, any));
    auto bits = static_cast<std::uint64_t>(_mm_cvtsi128_si64(any));
    bits |= bits >> 32;
    misses |= (bits & 0xff) << group;
  }
  return ~misses;
}

QUOIN_TARGET_AVX2 inline void parquet_insert_avx2(const parquet_table& table,
                                                  const std::uint64_t* hashes,
                                                  std::size_t n) noexcept {
  const __m256i ones = _mm256_set1_epi32(1);
  for (std::size_t i = 0; i < n; ++i) {
    auto* const block = reinterpret_cast<__m256i*>(table.block_of(hashes[i]));
    const __m256i bits = _mm256_sllv_epi32(ones, parquet_positions_avx2(hashes[i]));
    _mm256_storeu_si256(block, _mm256_or_si256(_mm256_loadu_si256(block), bits));
  }
}

#elif QUOIN_AARCH64

[[nodiscard]] QUOIN_ALWAYS_INLINE int32x4_t parquet_positions_neon(std::uint64_t hash,
                                                                   unsigned half) noexcept {
  const uint32x4_t products =
      vmulq_n_u32(vld1q_u32(parquet_salts + 4 * half), static_cast<std::uint32_t>(hash));
  return vreinterpretq_s32_u32(vshrq_n_u32(products, 27));
}

[[nodiscard]] QUOIN_ALWAYS_INLINE uint32x4_t parquet_lanes_neon(const unsigned char* p) noexcept {
  return vreinterpretq_u32_u8(vld1q_u8(p));
}

inline std::uint64_t parquet_contains_neon(const const_parquet_table& table,
                                           const std::uint64_t* hashes, std::size_t n) noexcept {
  const uint32x4_t ones = vdupq_n_u32(1);
  std::uint64_t misses = 0;
  for (std::size_t group = 0; group < n; group += parquet_group) {
    uint32x4_t acc = vdupq_n_u32(0);
    for (std::size_t j = 0; j < parquet_group; ++j) {
      const std::uint64_t hash = hashes[group + (parquet_group - 1 - j)];
      const unsigned char* const block = table.block_of(hash);
      acc = vaddq_u32(acc, acc);
      for (unsigned half = 0; half < 2; ++half) {
        const uint32x4_t shifted = vshlq_u32(parquet_lanes_neon(block + 16 * half),
                                             vnegq_s32(parquet_positions_neon(hash, half)));
        acc = vorrq_u32(acc, vbicq_u32(ones, shifted));
      }
    }
    const uint32x2_t any = vorr_u32(vget_low_u32(acc), vget_high_u32(acc));
    const std::uint32_t bits = vget_lane_u32(any, 0) | vget_lane_u32(any, 1);
    misses |= std::uint64_t{bits & 0xff} << group;
  }
  return ~misses;
}

inline void parquet_insert_neon(const parquet_table& table, const std::uint64_t* hashes,
                                std::size_t n) noexcept {
  const uint32x4_t ones = vdupq_n_u32(1);
  for (std::size_t i = 0; i < n; ++i) {
    unsigned char* const block = table.block_of(hashes[i]);
    for (unsigned half = 0; half < 2; ++half) {
      unsigned char* const p = block + 16 * half;
      const uint32x4_t bits = vshlq_u32(ones, parquet_positions_neon(hashes[i], half));
      vst1q_u8(p, vreinterpretq_u8_u32(vorrq_u32(parquet_lanes_neon(p), bits)));
    }
  }
}

#endif

/// The kernels of a level. AVX-512 adds nothing: a block is one 256-bit register.
[[nodiscard]] inline parquet_kernels parquet_kernels_of([[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx2 || level == isa::avx512) {
    return {&parquet_contains_avx2, &parquet_insert_avx2};
  }
#elif QUOIN_AARCH64
  if (level == isa::neon) return {&parquet_contains_neon, &parquet_insert_neon};
#endif
  return {&parquet_contains_scalar, &parquet_insert_scalar};
}

/// Calls `serve(first, hashes, count)` for each 64 of `n` keys, whose hashes `hashes(first, count,
/// out)` writes. The blocks of the next 64 keys are fetched meanwhile.
template <class Byte, class Hashes, class Serve>
void for_each_parquet_batch(basic_parquet_table<Byte> table, std::size_t n, Hashes hashes,
                            Serve serve) {
  std::uint64_t ring[2][parquet_batch] = {};
  const bool far = table.blocks * 32 > l2_cache_bytes();
  const auto load = [&](std::size_t first, std::uint64_t* out) {
    const std::size_t count = min_of(n - first, parquet_batch);
    hashes(first, count, out);
    for (std::size_t i = count; i % parquet_group != 0; ++i) out[i] = out[i - 1];
    if (!far) return;
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(table.block_of(out[i]), 1);
  };
  std::size_t turn = 0;
  if (n != 0) load(0, ring[0]);
  for (std::size_t first = 0; first < n; first += parquet_batch, turn = 1 - turn) {
    if (n - first > parquet_batch) load(first + parquet_batch, ring[1 - turn]);
    serve(first, ring[turn], min_of(n - first, parquet_batch));
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
