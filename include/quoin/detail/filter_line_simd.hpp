// SPDX-License-Identifier: BSL-1.0
/// @file
/// Batch kernels of the blocked Bloom filter: `line_probe` for up to 64 hashes per call.
///
/// A lookup shifts each lane right by the key's position in it, so that the tested bit arrives at
/// bit 0, and keeps `~shifted & selector`: what is left is a miss. Eight keys share one register,
/// each a bit further left, and one reduction. The bit positions come from one multiplication for
/// several keys and a byte shuffle, which beat six-bit fields (shift and mask per lane) by 10 %;
/// testing key by key (vptest) cost 10 % more. docs/design/blocked-bloom.md has the rest.
#ifndef QUOIN_DETAIL_FILTER_LINE_SIMD_HPP
#define QUOIN_DETAIL_FILTER_LINE_SIMD_HPP

#include <quoin/detail/cpu.hpp>
#include <quoin/detail/filter_line.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <immintrin.h>
#elif QUOIN_AARCH64
#include <arm_neon.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Keys per kernel call. The kernels read their hashes in whole groups of 8 (`line_group`); the
/// caller pads the last group with copies of a hash that belongs to the call.
inline constexpr std::size_t line_batch = 64;
inline constexpr std::size_t line_group = 8;

/// One level's kernels. `next`, if given, are `n` hashes soon to be served (padded too): with each
/// key served the line of one of them is fetched. Fetched in a burst they filled the miss buffers
/// and the work at hand could not overlap (1.15 times slower from the third-level cache, 1.4 from
/// memory).
class line_kernels {
 public:
  using contains_function = std::uint64_t (*)(const const_line_table&, const std::uint64_t* hashes,
                                              std::size_t n, const std::uint64_t* next) noexcept;
  using insert_function = void (*)(const line_table&, const std::uint64_t* hashes, std::size_t n,
                                   const std::uint64_t* next) noexcept;

  constexpr line_kernels(contains_function look_up, insert_function put_in) noexcept
      : contains_(look_up), insert_(put_in) {}

  /// Bit i of the result: whether hash i is in the table. Bits from n on are undefined.
  std::uint64_t contains(const const_line_table& table, const std::uint64_t* hashes, std::size_t n,
                         const std::uint64_t* next = nullptr) const noexcept {
    return contains_(table, hashes, n, next);
  }

  void insert(const line_table& table, const std::uint64_t* hashes, std::size_t n,
              const std::uint64_t* next = nullptr) const noexcept {
    insert_(table, hashes, n, next);
  }

 private:
  contains_function contains_;
  insert_function insert_;
};

/// Asks for the line of `hash`, to be written if the table is.
template <class Word>
QUOIN_ALWAYS_INLINE void prefetch_line(const basic_line_table<Word>& table,
                                       std::uint64_t hash) noexcept {
  __builtin_prefetch(table.line_of(hash), std::is_const_v<Word> ? 0 : 1);
}

inline std::uint64_t line_contains_scalar(const const_line_table& table,
                                          const std::uint64_t* hashes, std::size_t n,
                                          const std::uint64_t* next) noexcept {
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (next != nullptr) prefetch_line(table, next[i]);
    const bool hit = line_probe(hashes[i], table.k).in(table.line_of(hashes[i]));
    hits |= std::uint64_t{hit} << i;
  }
  return hits;
}

inline void line_insert_scalar(const line_table& table, const std::uint64_t* hashes, std::size_t n,
                               const std::uint64_t* next) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    if (next != nullptr) prefetch_line(table, next[i]);
    line_probe(hashes[i], table.k).set(table.line_of(hashes[i]));
  }
}

#if QUOIN_X86_64 || QUOIN_AARCH64

/// For every k and first lane, a line with a 1 in each lane of the key and 0 elsewhere. (One pattern
/// of two periods per k would do, read at an offset, but lookups pay 5 % for loads across lines.)
template <unsigned Lanes>
struct alignas(64) lane_selectors {
  std::uint64_t words[8][Lanes][8];
};

template <unsigned Lanes>
[[nodiscard]] constexpr lane_selectors<Lanes> make_lane_selectors() noexcept {
  lane_selectors<Lanes> all{};
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned k = i + (Lanes == 8 ? 1 : 9);
    for (unsigned first = 0; first < Lanes; ++first) {
      for (unsigned word = 0; word < 8; ++word) {
        const unsigned lane = Lanes == 8 ? word : 2 * word;
        const bool low = (lane + Lanes - first) % Lanes < k;
        const bool high = Lanes == 16 && (lane + 1 + Lanes - first) % Lanes < k;
        all.words[i][first][word] = std::uint64_t{low} | std::uint64_t{high} << 32;
      }
    }
  }
  return all;
}

inline constexpr auto selectors_of_8 = make_lane_selectors<8>();    // k = 1 … 8
inline constexpr auto selectors_of_16 = make_lane_selectors<16>();  // k = 9 … 16

/// The selectors for `k` ∈ [1, 8] (8 lanes) or [9, 16] (16 lanes).
template <unsigned Lanes>
[[nodiscard]] QUOIN_ALWAYS_INLINE const std::uint64_t* selectors_of(unsigned k) noexcept {
  if constexpr (Lanes == 8) {
    return selectors_of_8.words[k - 1][0];
  } else {
    return selectors_of_16.words[k - 9][0];
  }
}

template <unsigned Lanes>
[[nodiscard]] QUOIN_ALWAYS_INLINE const std::uint64_t* selector_for(const std::uint64_t* selectors,
                                                                    std::uint64_t hash) noexcept {
  return selectors + (hash >> 32) % Lanes * 8;
}

/// The part of a byte of the products that is a position in a lane.
template <unsigned Lanes>
inline constexpr char position_mask = Lanes == 8 ? 63 : 31;

#endif

#if QUOIN_X86_64

/// Bit positions of a batch: byte i of the first (second) word is that in lane i (8 + i).
template <unsigned Lanes>
struct alignas(64) line_positions {
  std::uint64_t words[Lanes / 8][line_batch];
};

/// (x mod 2^32) · factor mod 2^64
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
multiply_low_avx2(__m256i x, std::uint64_t factor) noexcept {
  const __m256i low = _mm256_set1_epi64x(static_cast<long long>(factor & 0xffffffffu));
  const __m256i high = _mm256_set1_epi64x(static_cast<long long>(factor >> 32));
  return _mm256_add_epi64(_mm256_mul_epu32(x, low),
                          _mm256_slli_epi64(_mm256_mul_epu32(x, high), 32));
}

template <unsigned Lanes>
QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void find_positions_avx2(
    const std::uint64_t* hashes, std::size_t n, line_positions<Lanes>& out) noexcept {
  const __m256i mask = _mm256_set1_epi8(position_mask<Lanes>);
  for (std::size_t i = 0; i < n; i += 4) {
    const __m256i h = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(hashes + i));
    const __m256i p0 = multiply_low_avx2(h, line_factor_0);
    _mm256_store_si256(reinterpret_cast<__m256i*>(&out.words[0][i]), _mm256_and_si256(p0, mask));
    if constexpr (Lanes == 16) {
      const __m256i p1 = multiply_low_avx2(_mm256_srli_epi64(h, line_shift_1), line_factor_1);
      _mm256_store_si256(reinterpret_cast<__m256i*>(&out.words[1][i]), _mm256_and_si256(p1, mask));
    }
  }
}

/// The positions in one word of products, spread over the lanes of one half of the line.
template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
spread_positions_avx2(std::uint64_t positions, unsigned half) noexcept {
  constexpr char z = -1;  // a zero byte
  const __m256i all = _mm256_set1_epi64x(static_cast<long long>(positions));
  if constexpr (Lanes == 8) {
    const __m256i order = half == 0
                              ? _mm256_setr_epi8(0, z, z, z, z, z, z, z, 1, z, z, z, z, z, z, z,  //
                                                 2, z, z, z, z, z, z, z, 3, z, z, z, z, z, z, z)
                              : _mm256_setr_epi8(4, z, z, z, z, z, z, z, 5, z, z, z, z, z, z, z,  //
                                                 6, z, z, z, z, z, z, z, 7, z, z, z, z, z, z, z);
    return _mm256_shuffle_epi8(all, order);
  } else {
    return _mm256_shuffle_epi8(
        all, _mm256_setr_epi8(0, z, z, z, 1, z, z, z, 2, z, z, z, 3, z, z, z, 4, z, z, z, 5, z, z,
                              z, 6, z, z, z, 7, z, z, z));
  }
}

/// Positions of key `i` in the lanes of one half of the line.
template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
positions_avx2(const line_positions<Lanes>& positions, std::size_t i, unsigned half) noexcept {
  return spread_positions_avx2<Lanes>(positions.words[Lanes == 8 ? 0 : half][i], half);
}

template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i shift_left_avx2(__m256i x,
                                                                            __m256i by) noexcept {
  if constexpr (Lanes == 8) {
    return _mm256_sllv_epi64(x, by);
  } else {
    return _mm256_sllv_epi32(x, by);
  }
}

template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i shift_right_avx2(__m256i x,
                                                                             __m256i by) noexcept {
  if constexpr (Lanes == 8) {
    return _mm256_srlv_epi64(x, by);
  } else {
    return _mm256_srlv_epi32(x, by);
  }
}

template <unsigned Lanes>
QUOIN_TARGET_AVX2 inline std::uint64_t line_contains_avx2(const const_line_table& table,
                                                          const std::uint64_t* hashes,
                                                          std::size_t n,
                                                          const std::uint64_t* next) noexcept {
  line_positions<Lanes> positions;
  find_positions_avx2(hashes, n, positions);
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  std::uint64_t misses = 0;
  for (std::size_t group = 0; group < n; group += line_group) {
    __m256i acc = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (std::size_t j = 0; j < line_group; ++j) {
      const std::size_t i = group + (line_group - 1 - j);
      if (next != nullptr) prefetch_line(table, next[i]);
      const auto* const line = reinterpret_cast<const __m256i*>(table.line_of(hashes[i]));
      const auto* const selector =
          reinterpret_cast<const __m256i*>(selector_for<Lanes>(selectors, hashes[i]));
      const __m256i low =
          shift_right_avx2<Lanes>(_mm256_loadu_si256(line), positions_avx2(positions, i, 0));
      const __m256i high =
          shift_right_avx2<Lanes>(_mm256_loadu_si256(line + 1), positions_avx2(positions, i, 1));
      const __m256i missing =
          _mm256_or_si256(_mm256_andnot_si256(low, _mm256_load_si256(selector)),
                          _mm256_andnot_si256(high, _mm256_load_si256(selector + 1)));
      acc = _mm256_or_si256(_mm256_add_epi64(acc, acc), missing);
    }
    __m128i any = _mm_or_si128(_mm256_castsi256_si128(acc), _mm256_extracti128_si256(acc, 1));
    any = _mm_or_si128(any, _mm_unpackhi_epi64(any, any));
    auto bits = static_cast<std::uint64_t>(_mm_cvtsi128_si64(any));
    if constexpr (Lanes == 16) bits |= bits >> 32;
    misses |= (bits & 0xff) << group;
  }
  return ~misses;
}

template <unsigned Lanes>
QUOIN_TARGET_AVX2 inline void line_insert_avx2(const line_table& table, const std::uint64_t* hashes,
                                               std::size_t n, const std::uint64_t* next) noexcept {
  line_positions<Lanes> positions;
  find_positions_avx2(hashes, n, positions);
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  for (std::size_t i = 0; i < n; ++i) {
    if (next != nullptr) prefetch_line(table, next[i]);
    auto* const line = reinterpret_cast<__m256i*>(table.line_of(hashes[i]));
    const auto* const selector =
        reinterpret_cast<const __m256i*>(selector_for<Lanes>(selectors, hashes[i]));
    const __m256i low =
        shift_left_avx2<Lanes>(_mm256_load_si256(selector), positions_avx2(positions, i, 0));
    const __m256i high =
        shift_left_avx2<Lanes>(_mm256_load_si256(selector + 1), positions_avx2(positions, i, 1));
    _mm256_storeu_si256(line, _mm256_or_si256(_mm256_loadu_si256(line), low));
    _mm256_storeu_si256(line + 1, _mm256_or_si256(_mm256_loadu_si256(line + 1), high));
  }
}

QUOIN_BEGIN_AVX512

template <unsigned Lanes>
QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE void find_positions_avx512(
    const std::uint64_t* hashes, std::size_t n, line_positions<Lanes>& out) noexcept {
  const __m512i mask = _mm512_set1_epi8(position_mask<Lanes>);
  const __m512i low_half = _mm512_set1_epi64(0xffffffff);
  for (std::size_t i = 0; i < n; i += 8) {
    const __m512i h = _mm512_loadu_si512(hashes + i);
    const __m512i p0 = _mm512_mullo_epi64(_mm512_and_si512(h, low_half),
                                          _mm512_set1_epi64(static_cast<long long>(line_factor_0)));
    _mm512_store_si512(&out.words[0][i], _mm512_and_si512(p0, mask));
    if constexpr (Lanes == 16) {
      const __m512i p1 =
          _mm512_mullo_epi64(_mm512_and_si512(_mm512_srli_epi64(h, line_shift_1), low_half),
                             _mm512_set1_epi64(static_cast<long long>(line_factor_1)));
      _mm512_store_si512(&out.words[1][i], _mm512_and_si512(p1, mask));
    }
  }
}

template <unsigned Lanes>
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
positions_avx512(const line_positions<Lanes>& positions, std::size_t i) noexcept {
  if constexpr (Lanes == 8) {
    return _mm512_cvtepu8_epi64(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&positions.words[0][i])));
  } else {
    return _mm512_cvtepu8_epi32(_mm_set_epi64x(static_cast<long long>(positions.words[1][i]),
                                               static_cast<long long>(positions.words[0][i])));
  }
}

template <unsigned Lanes>
QUOIN_TARGET_AVX512 inline std::uint64_t line_contains_avx512(const const_line_table& table,
                                                              const std::uint64_t* hashes,
                                                              std::size_t n,
                                                              const std::uint64_t* next) noexcept {
  line_positions<Lanes> positions;
  find_positions_avx512(hashes, n, positions);
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  std::uint64_t misses = 0;
  for (std::size_t group = 0; group < n; group += line_group) {
    __m512i acc = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (std::size_t j = 0; j < line_group; ++j) {
      const std::size_t i = group + (line_group - 1 - j);
      if (next != nullptr) prefetch_line(table, next[i]);
      const __m512i line = _mm512_loadu_si512(table.line_of(hashes[i]));
      const __m512i selector = _mm512_load_si512(selector_for<Lanes>(selectors, hashes[i]));
      const __m512i by = positions_avx512(positions, i);
      __m512i shifted;
      if constexpr (Lanes == 8) {
        shifted = _mm512_srlv_epi64(line, by);
      } else {
        shifted = _mm512_srlv_epi32(line, by);
      }
      acc = _mm512_or_si512(_mm512_add_epi64(acc, acc), _mm512_andnot_si512(shifted, selector));
    }
    auto bits = static_cast<std::uint64_t>(_mm512_reduce_or_epi64(acc));
    if constexpr (Lanes == 16) bits |= bits >> 32;
    misses |= (bits & 0xff) << group;
  }
  return ~misses;
}

template <unsigned Lanes>
QUOIN_TARGET_AVX512 inline void line_insert_avx512(const line_table& table,
                                                   const std::uint64_t* hashes, std::size_t n,
                                                   const std::uint64_t* next) noexcept {
  line_positions<Lanes> positions;
  find_positions_avx512(hashes, n, positions);
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  for (std::size_t i = 0; i < n; ++i) {
    if (next != nullptr) prefetch_line(table, next[i]);
    std::uint64_t* const line = table.line_of(hashes[i]);
    const __m512i selector = _mm512_load_si512(selector_for<Lanes>(selectors, hashes[i]));
    const __m512i by = positions_avx512(positions, i);
    __m512i bits;
    if constexpr (Lanes == 8) {
      bits = _mm512_sllv_epi64(selector, by);
    } else {
      bits = _mm512_sllv_epi32(selector, by);
    }
    _mm512_storeu_si512(line, _mm512_or_si512(_mm512_loadu_si512(line), bits));
  }
}

QUOIN_END_AVX512

#elif QUOIN_AARCH64

/// Positions in the lanes of quarter `quarter` of the line, each spread to the lane's width.
template <unsigned Lanes>
[[nodiscard]] QUOIN_ALWAYS_INLINE int8x16_t positions_neon(std::uint64_t hash,
                                                           unsigned quarter) noexcept {
  constexpr unsigned per_quarter = Lanes / 4;
  constexpr unsigned width = 16 / per_quarter;  // bytes
  const unsigned lane = quarter * per_quarter;
  const std::uint64_t product = lane < 8 ? (hash & 0xffffffffu) * line_factor_0
                                         : (hash >> line_shift_1 & 0xffffffffu) * line_factor_1;
  alignas(16) std::uint8_t order[16];
  for (unsigned i = 0; i < 16; ++i) {  // beyond the table: a zero byte
    order[i] = static_cast<std::uint8_t>(i % width == 0 ? lane % 8 + i / width : 255);
  }
  const uint8x16_t all = vreinterpretq_u8_u64(vdupq_n_u64(product));
  const uint8x16_t positions = vandq_u8(all, vdupq_n_u8(position_mask<Lanes>));
  return vreinterpretq_s8_u8(vqtbl1q_u8(positions, vld1q_u8(order)));
}

/// Each lane of `x` shifted left by `by`, or right where `by` is negative: NEON reads the lowest
/// byte of a lane of `by` as a signed number.
template <unsigned Lanes>
[[nodiscard]] QUOIN_ALWAYS_INLINE uint64x2_t shift_neon(uint64x2_t x, int8x16_t by) noexcept {
  if constexpr (Lanes == 8) {
    return vshlq_u64(x, vreinterpretq_s64_s8(by));
  } else {
    return vreinterpretq_u64_u32(vshlq_u32(vreinterpretq_u32_u64(x), vreinterpretq_s32_s8(by)));
  }
}

template <unsigned Lanes>
inline std::uint64_t line_contains_neon(const const_line_table& table, const std::uint64_t* hashes,
                                        std::size_t n, const std::uint64_t* next) noexcept {
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  std::uint64_t misses = 0;
  for (std::size_t group = 0; group < n; group += line_group) {
    uint64x2_t acc = vdupq_n_u64(0);
    for (std::size_t j = 0; j < line_group; ++j) {
      const std::size_t i = group + (line_group - 1 - j);
      if (next != nullptr) prefetch_line(table, next[i]);
      const std::uint64_t hash = hashes[i];
      const std::uint64_t* const line = table.line_of(hash);
      const std::uint64_t* const selector = selector_for<Lanes>(selectors, hash);
      acc = vaddq_u64(acc, acc);
#pragma GCC unroll 4
      for (unsigned q = 0; q < 4; ++q) {
        const uint64x2_t shifted =
            shift_neon<Lanes>(vld1q_u64(line + 2 * q), vnegq_s8(positions_neon<Lanes>(hash, q)));
        acc = vorrq_u64(acc, vbicq_u64(vld1q_u64(selector + 2 * q), shifted));
      }
    }
    std::uint64_t bits = vgetq_lane_u64(acc, 0) | vgetq_lane_u64(acc, 1);
    if constexpr (Lanes == 16) bits |= bits >> 32;
    misses |= (bits & 0xff) << group;
  }
  return ~misses;
}

template <unsigned Lanes>
inline void line_insert_neon(const line_table& table, const std::uint64_t* hashes, std::size_t n,
                             const std::uint64_t* next) noexcept {
  const std::uint64_t* const selectors = selectors_of<Lanes>(table.k);
  for (std::size_t i = 0; i < n; ++i) {
    if (next != nullptr) prefetch_line(table, next[i]);
    std::uint64_t* const line = table.line_of(hashes[i]);
    const std::uint64_t* const selector = selector_for<Lanes>(selectors, hashes[i]);
#pragma GCC unroll 4
    for (unsigned q = 0; q < 4; ++q) {
      const uint64x2_t bits =
          shift_neon<Lanes>(vld1q_u64(selector + 2 * q), positions_neon<Lanes>(hashes[i], q));
      vst1q_u64(line + 2 * q, vorrq_u64(vld1q_u64(line + 2 * q), bits));
    }
  }
}

#endif

/// The kernels of a level for keys of `k` bits.
[[nodiscard]] inline line_kernels line_kernels_of([[maybe_unused]] isa level,
                                                  [[maybe_unused]] unsigned k) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) {
    return k <= 8 ? line_kernels{&line_contains_avx512<8>, &line_insert_avx512<8>}
                  : line_kernels{&line_contains_avx512<16>, &line_insert_avx512<16>};
  }
  if (level == isa::avx2) {
    return k <= 8 ? line_kernels{&line_contains_avx2<8>, &line_insert_avx2<8>}
                  : line_kernels{&line_contains_avx2<16>, &line_insert_avx2<16>};
  }
#elif QUOIN_AARCH64
  if (level == isa::neon) {
    return k <= 8 ? line_kernels{&line_contains_neon<8>, &line_insert_neon<8>}
                  : line_kernels{&line_contains_neon<16>, &line_insert_neon<16>};
  }
#endif
  return {&line_contains_scalar, &line_insert_scalar};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
