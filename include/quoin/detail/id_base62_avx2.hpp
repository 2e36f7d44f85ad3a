// SPDX-License-Identifier: BSL-1.0
/// @file
/// Many 64-bit numbers to base62 text of 11 digits each, and back, with AVX2.
///
/// The kernels calculate as the portable code does (`base62_digits`), with a number in each 64-bit
/// lane; what splits a number into three, high halves of 64-bit products, stays scalar and goes
/// ahead by up to 64 numbers: read back at once, what is stored in parts stalls a wide load.
#ifndef QUOIN_DETAIL_ID_BASE62_AVX2_HPP
#define QUOIN_DETAIL_ID_BASE62_AVX2_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_number.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>

namespace quoin::inline QUOIN_ABI::detail {

/// Numbers at a time.
inline constexpr std::size_t base62_block = 64;

/// What `base62_fours` does, for four numbers below 62^8. In `double`, as AVX2 has no wide products:
/// (n + 1/2) / 62^4 is further from an integer than it may be wrong, 2^-25 against 2^-28.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_fours_of_avx2(__m256i numbers) noexcept {
  // A double of 2^52 and more has an integer for its mantissa.
  const __m256d two_52 = _mm256_set1_pd(4503599627370496.0);
  const __m256d with_half = _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(numbers), two_52),
                                          _mm256_set1_pd(4503599627370495.5));
  const __m256d quotient =
      _mm256_floor_pd(_mm256_mul_pd(with_half, _mm256_set1_pd(1.0 / base62_e4)));
  const __m256i high = _mm256_castpd_si256(_mm256_add_pd(quotient, two_52));
  const __m256i low =
      _mm256_sub_epi64(numbers, _mm256_mul_epu32(high, _mm256_set1_epi64x(base62_e4)));
  return _mm256_blend_epi32(high, _mm256_slli_epi64(low, 32), 0xaa);
}

/// What `base62_digits` does, for the two halves, both below 62^4, of each 64-bit lane.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_digits_avx2(__m256i fours) noexcept {
  const __m256i reciprocal = _mm256_set1_epi64x(base62_reciprocal_e2);
  const __m256i low = _mm256_mul_epu32(fours, reciprocal);
  const __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(fours, 32), reciprocal);
  const __m256i first =
      _mm256_srli_epi32(_mm256_blend_epi32(_mm256_srli_epi64(low, 32), high, 0xaa), 11);
  const __m256i second = _mm256_sub_epi32(
      fours, _mm256_madd_epi16(first, _mm256_set1_epi32(static_cast<int>(base62_e2))));
  const __m256i pairs = _mm256_or_si256(first, _mm256_slli_epi32(second, 16));
  const __m256i tens =
      _mm256_mulhi_epu16(_mm256_add_epi16(pairs, _mm256_set1_epi16(1)), _mm256_set1_epi16(1057));
  const __m256i units = _mm256_sub_epi16(pairs, _mm256_mullo_epi16(tens, _mm256_set1_epi16(62)));
  return _mm256_or_si256(tens, _mm256_slli_epi16(units, 8));
}

template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_characters_avx2(__m256i digits) noexcept {
  constexpr base62_steps steps = base62_steps_of<Alphabet>;
  const __m256i second =
      _mm256_and_si256(_mm256_cmpgt_epi8(digits, _mm256_set1_epi8(steps.second - 1)),
                       _mm256_set1_epi8(static_cast<char>(steps.change_second)));
  const __m256i third =
      _mm256_and_si256(_mm256_cmpgt_epi8(digits, _mm256_set1_epi8(steps.third - 1)),
                       _mm256_set1_epi8(static_cast<char>(steps.change_third)));
  return _mm256_add_epi8(_mm256_add_epi8(digits, _mm256_set1_epi8(Alphabet[0])),
                         _mm256_add_epi8(second, third));
}

/// The parts of numbers, or of their texts: three digits and eight.
struct base62_parts {
  alignas(32) std::uint32_t heads[base62_block];
  alignas(32) std::uint64_t tails[base62_block];
};

/// Writes the texts of the `base62_step` numbers from `i` on.
template <base62_alphabet Alphabet>
QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE void base62_write_step_avx2(char* out, base62_parts& parts,
                                                                  std::size_t i) noexcept {
  auto* const head = reinterpret_cast<__m256i*>(parts.heads + i);
  auto* const tail = reinterpret_cast<__m256i*>(parts.tails + i);
  for (int half = 0; half < 2; ++half) {
    const __m256i fours = base62_fours_of_avx2(_mm256_load_si256(tail + half));
    const __m256i digits = base62_digits_avx2(fours);
    _mm256_store_si256(tail + half, base62_characters_avx2<Alphabet>(digits));
  }
  const __m256i digits = base62_digits_avx2(_mm256_load_si256(head));
  // The first digit of four is 0: three characters come first, then one that is written over.
  _mm256_store_si256(head, _mm256_srli_epi32(base62_characters_avx2<Alphabet>(digits), 8));
  for (std::size_t j = i; j < i + base62_step; ++j, out += base62_width_64) {
    store_le(out, parts.heads[j]);
    store_le(out + 3, parts.tails[j]);
  }
}

/// Writes as many of `count` numbers as are whole steps, and returns how many.
template <base62_alphabet Alphabet>
QUOIN_TARGET_AVX2 inline std::size_t base62_write_steps_avx2(char* out,
                                                             const std::uint64_t* numbers,
                                                             std::size_t count) noexcept {
  base62_parts parts;
  std::size_t done = 0;
  while (count - done >= base62_step) {
    const std::size_t n = min_of(count - done, base62_block) / base62_step * base62_step;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t head = numbers[done + i] / base62_e8;
      parts.heads[i] = static_cast<std::uint32_t>(head);
      parts.tails[i] = numbers[done + i] - head * base62_e8;
    }
    for (std::size_t i = 0; i < n; i += base62_step) {
      base62_write_step_avx2<Alphabet>(out + (done + i) * base62_width_64, parts, i);
    }
    done += n;
  }
  return done;
}

/// The digits of 32 characters; `good` keeps its bytes where they are in the alphabet, and becomes
/// 0 where not.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_digits_of_avx2(__m256i text, __m256i& good) noexcept {
  constexpr base62_rows rows = base62_rows_of<Alphabet>;
  // By signed comparison: bytes from 128 on are below all.
  const __m256i digit = _mm256_and_si256(_mm256_cmpgt_epi8(text, _mm256_set1_epi8('0' - 1)),
                                         _mm256_cmpgt_epi8(_mm256_set1_epi8('9' + 1), text));
  const __m256i upper = _mm256_and_si256(_mm256_cmpgt_epi8(text, _mm256_set1_epi8('A' - 1)),
                                         _mm256_cmpgt_epi8(_mm256_set1_epi8('Z' + 1), text));
  const __m256i lower = _mm256_and_si256(_mm256_cmpgt_epi8(text, _mm256_set1_epi8('a' - 1)),
                                         _mm256_cmpgt_epi8(_mm256_set1_epi8('z' + 1), text));
  good = _mm256_and_si256(good, _mm256_or_si256(digit, _mm256_or_si256(upper, lower)));
  const __m256i distance = _mm256_or_si256(
      _mm256_and_si256(digit, _mm256_set1_epi8(static_cast<char>('0' - rows.digit))),
      _mm256_or_si256(
          _mm256_and_si256(upper, _mm256_set1_epi8(static_cast<char>('A' - rows.upper))),
          _mm256_and_si256(lower, _mm256_set1_epi8(static_cast<char>('a' - rows.lower)))));
  return _mm256_sub_epi8(text, distance);
}

/// The values of each four digits.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_fours_avx2(__m256i digits) noexcept {
  const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(1 << 8 | 62));
  return _mm256_madd_epi16(pairs, _mm256_set1_epi32(static_cast<int>(1 << 16 | base62_e2)));
}

/// Four numbers of their three and eight first and last digits' values; lanes of `fits` become 0
/// where one is beyond 64 bits.
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i
base62_join_avx2(__m256i head, __m256i fours, __m256i& fits) noexcept {
  constexpr std::uint64_t largest = ~std::uint64_t{0} / base62_e8;  // of all values of a head
  const __m256i sign = _mm256_set1_epi64x(static_cast<long long>(std::uint64_t{1} << 63));
  const __m256i tail = _mm256_add_epi64(_mm256_mul_epu32(fours, _mm256_set1_epi64x(base62_e4)),
                                        _mm256_srli_epi64(fours, 32));
  const __m256i n = _mm256_add_epi64(
      tail, _mm256_add_epi64(_mm256_mul_epu32(head, _mm256_set1_epi64x(base62_e8 & 0xffffffffu)),
                             _mm256_slli_epi64(
                                 _mm256_mul_epu32(head, _mm256_set1_epi64x(base62_e8 >> 32)), 32)));
  const __m256i wrapped =
      _mm256_cmpgt_epi64(_mm256_xor_si256(tail, sign), _mm256_xor_si256(n, sign));
  const __m256i too_large = _mm256_cmpgt_epi64(head, _mm256_set1_epi64x(largest));
  fits = _mm256_andnot_si256(_mm256_or_si256(wrapped, too_large), fits);
  return n;
}

/// Reads the `base62_step` numbers from `i` on; false where one is at fault.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE bool base62_read_step_avx2(
    const base62_parts& parts, std::size_t i, std::uint64_t* numbers) noexcept {
  const auto* const head = reinterpret_cast<const __m256i*>(parts.heads + i);
  const auto* const tail = reinterpret_cast<const __m256i*>(parts.tails + i);
  auto* const out = reinterpret_cast<__m256i*>(numbers + i);
  __m256i good = _mm256_set1_epi8(-1);
  const __m256i three =
      base62_fours_avx2(base62_digits_of_avx2<Alphabet>(_mm256_load_si256(head), good));
  const __m256i three_of[2] = {_mm256_cvtepu32_epi64(_mm256_castsi256_si128(three)),
                               _mm256_cvtepu32_epi64(_mm256_extracti128_si256(three, 1))};
  for (int half = 0; half < 2; ++half) {
    const __m256i fours =
        base62_fours_avx2(base62_digits_of_avx2<Alphabet>(_mm256_load_si256(tail + half), good));
    _mm256_storeu_si256(out + half, base62_join_avx2(three_of[half], fours, good));
  }
  return _mm256_movemask_epi8(good) == -1;
}

/// Reads as many of `count` numbers as are whole blocks without a fault, the last perhaps shorter,
/// and returns how many.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_TARGET_AVX2 inline std::size_t base62_read_steps_avx2(
    const char* text, std::uint64_t* numbers, std::size_t count) noexcept {
  constexpr std::uint32_t zero = static_cast<unsigned char>(Alphabet[0]);
  base62_parts parts;
  std::size_t done = 0;
  bool good = true;
  while (good && count - done >= base62_step) {
    const std::size_t n = min_of(count - done, base62_block) / base62_step * base62_step;
    const char* p = text + done * base62_width_64;
    for (std::size_t i = 0; i < n; ++i, p += base62_width_64) {
      parts.heads[i] = load_le<std::uint32_t>(p) << 8 | zero;
      parts.tails[i] = load_le<std::uint64_t>(p + 3);
    }
    for (std::size_t i = 0; good && i < n; i += base62_step) {
      good = base62_read_step_avx2<Alphabet>(parts, i, numbers + done);
    }
    if (good) done += n;
  }
  return done;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif

#endif
