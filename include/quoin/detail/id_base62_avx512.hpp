// SPDX-License-Identifier: BSL-1.0
/// @file
/// Many 64-bit numbers to base62 text of 11 digits each, and back, with AVX-512: eight at a time, a
/// number in each 64-bit lane, in any alphabet.
///
/// Products of 52 by 52 bits (IFMA) take pairs of digits off a fraction, and permutations of bytes
/// (VBMI) are both the tables of characters and what brings 8 and 3 of them together.
#ifndef QUOIN_DETAIL_ID_BASE62_AVX512_HPP
#define QUOIN_DETAIL_ID_BASE62_AVX512_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_number.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>

namespace quoin::inline QUOIN_ABI::detail {

/// What a permutation fills a register with: the byte with index `from[i]` at place i, of the second
/// of two registers where bit i of `second` is set, and nothing where none of `any` is.
struct base62_permutation {
  alignas(64) std::uint8_t from[64] = {};
  std::uint64_t second = 0;
  std::uint64_t any = 0;

  constexpr void take(std::size_t place, std::size_t index, bool of_second) noexcept {
    from[place] = static_cast<std::uint8_t>(index);
    any |= std::uint64_t{1} << place;
    if (of_second) second |= std::uint64_t{1} << place;
  }
};

/// Eight texts are 88 bytes: two registers that overlap, the second of them from here on.
inline constexpr std::size_t base62_overlap = base62_step * base62_width_64 - 64;

/// The 64 bytes from `begin` on of eight texts: the last eight characters of number i are bytes 8 i
/// to 8 i + 7 of the first register, the three before them bytes 8 i + 3, 8 i, 8 i + 1 of the second.
[[nodiscard]] constexpr base62_permutation base62_packed_from(std::size_t begin) noexcept {
  constexpr std::size_t places[] = {3, 0, 1};
  base62_permutation order;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t number = (begin + i) / base62_width_64, at = (begin + i) % base62_width_64;
    order.take(i, 8 * number + (at < 3 ? places[at] : at - 3), at < 3);
  }
  return order;
}

/// From the two registers of eight texts, `size` characters of each, from its character `at` on, to
/// the 64-bit lanes, from their byte `to` on.
[[nodiscard]] constexpr base62_permutation base62_unpacked(std::size_t at, std::size_t size,
                                                           std::size_t to) noexcept {
  base62_permutation order;
  for (std::size_t number = 0; number < base62_step; ++number) {
    const std::size_t begin = number * base62_width_64 + at;
    const bool of_second = begin + size > 64;
    for (std::size_t i = 0; i < size; ++i) {
      order.take(8 * number + to + i, begin + i - (of_second ? base62_overlap : 0), of_second);
    }
  }
  return order;
}

inline constexpr base62_permutation base62_packed[2] = {base62_packed_from(0),
                                                        base62_packed_from(base62_overlap)};
inline constexpr base62_permutation base62_heads_unpacked = base62_unpacked(0, 3, 1);
inline constexpr base62_permutation base62_tails_unpacked = base62_unpacked(3, 8, 0);

QUOIN_BEGIN_AVX512

[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_in_each_avx512(std::uint64_t x) noexcept {
  return _mm512_set1_epi64(static_cast<long long>(x));
}

/// ⌊a · b / 2^52⌋ + c of the lower 52 bits of a and b.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_high_avx512(__m512i a, std::uint64_t b, std::uint64_t c = 0) noexcept {
  return _mm512_madd52hi_epu64(base62_in_each_avx512(c), a, base62_in_each_avx512(b));
}

/// a · b mod 2^52.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_low_avx512(__m512i a, std::uint64_t b) noexcept {
  return _mm512_madd52lo_epu64(_mm512_setzero_si512(), a, base62_in_each_avx512(b));
}

/// Sets `head` to ⌊n / 62^8⌋ and returns 8 times the rest.
///
/// The quotient comes from the upper 52 bits and ⌊2^64 / 62^8⌋ = 84486, that is from 84486.28, so
/// that it is right or one too small: less than 0.2836 + 2^12 / 62^8 is missing before rounding.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_split_avx512(__m512i n, __m512i& head) noexcept {
  constexpr std::uint64_t mask = (std::uint64_t{1} << 52) - 1;
  constexpr std::uint64_t divisor = 8 * base62_e8;
  constexpr std::uint64_t reciprocal = ~std::uint64_t{0} / base62_e8;
  const __m512i quotient = base62_high_avx512(_mm512_srli_epi64(n, 12), reciprocal);
  const __m512i minus = _mm512_madd52lo_epu64(_mm512_slli_epi64(n, 3), quotient,
                                              base62_in_each_avx512(mask + 1 - divisor));
  const __m512i rest = _mm512_and_si512(minus, base62_in_each_avx512(mask));
  const __mmask8 one_more = _mm512_cmpge_epu64_mask(rest, base62_in_each_avx512(divisor));
  head = _mm512_mask_add_epi64(quotient, one_more, quotient, base62_in_each_avx512(1));
  return _mm512_mask_sub_epi64(rest, one_more, rest, base62_in_each_avx512(divisor));
}

/// The four pairs of digits of x < 62^8, of which it takes 8 times, in the words of each lane.
///
/// The fraction x / 62^8 in units of 2^-50 is 5.15 · x. What is calculated is less than two too
/// small, by the reciprocal and by rounding, and the three that are added make it too large by more
/// than one and less than what the next x would have: all digits are right.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_pairs_avx512(__m512i eight_times) noexcept {
  constexpr std::uint64_t reciprocal = 2'902'926'598'923'292;  // ⌊2^99 / 62^8⌋
  static_assert(mul_full(reciprocal, base62_e8).hi < std::uint64_t{1} << 35 &&
                mul_full(reciprocal + 1, base62_e8).hi >= std::uint64_t{1} << 35);
  constexpr std::uint64_t e2 = base62_e2;
  const __m512i first = base62_high_avx512(eight_times, reciprocal, 3);
  const __m512i second = base62_low_avx512(first, 4 * e2);
  const __m512i third = base62_low_avx512(second, e2);
  const __m512i fourth = base62_low_avx512(third, e2);
  // Each product goes to where its word lies; what is below is replaced by the words before it.
  const __m512i words_0 = base62_high_avx512(first, 4 * e2);
  const __m512i words_1 = base62_high_avx512(second, e2 << 16);
  const __m512i words_2 = base62_high_avx512(third, e2 << 32);
  const __m512i words_3 = _mm512_slli_epi64(base62_high_avx512(fourth, e2), 48);
  const __m512i low = _mm512_mask_blend_epi16(0x22222222, words_0, words_1);
  const __m512i high = _mm512_mask_blend_epi16(0x88888888, words_2, words_3);
  return _mm512_mask_blend_epi32(0xaaaa, low, high);
}

/// The two digits of each pair, the first in the lower byte: (pair − 62 · tens) · 2^8 + tens, which
/// is pair · 2^8 + (1 − 62 · 2^8) · tens.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_digits_avx512(__m512i pairs) noexcept {
  const __m512i tens = _mm512_mulhi_epi16(_mm512_add_epi16(pairs, _mm512_set1_epi16(1)),
                                          _mm512_set1_epi16(1057));  // as in `base62_digits`
  return _mm512_add_epi16(_mm512_slli_epi16(pairs, 8),
                          _mm512_mullo_epi16(tens, _mm512_set1_epi16(1 - 62 * 256)));
}

/// `base62_packed[which]` of the digits, as characters.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i base62_text_avx512(
    const base62_permutation& order, __m512i tails, __m512i heads, __m512i characters) noexcept {
  const __m512i from = _mm512_load_si512(order.from);
  const __m512i digits =
      _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(from, tails), order.second, from, heads);
  return _mm512_permutexvar_epi8(digits, characters);
}

/// Writes as many of `count` numbers as are whole steps, and returns how many.
template <base62_alphabet Alphabet>
QUOIN_TARGET_AVX512 inline std::size_t base62_write_steps_avx512(char* out,
                                                                 const std::uint64_t* numbers,
                                                                 std::size_t count) noexcept {
  const __m512i characters = _mm512_load_si512(base62_characters_of<Alphabet>.characters);
  std::size_t i = 0;
  for (; count - i >= base62_step; i += base62_step, out += base62_step * base62_width_64) {
    __m512i head;
    const __m512i tail = base62_split_avx512(_mm512_loadu_si512(numbers + i), head);
    const __m512i tails = base62_digits_avx512(base62_pairs_avx512(tail));
    // ⌈2^52 / 62^2⌉ is too large by less than 2^-11 of 2^52 / 62^5.
    constexpr std::uint64_t reciprocal = (std::uint64_t{1} << 52) / base62_e2 + 1;
    const __m512i first = base62_high_avx512(head, reciprocal);
    const __m512i pair = _mm512_sub_epi64(head, base62_low_avx512(first, base62_e2));
    const __m512i heads = base62_digits_avx512(_mm512_or_si512(pair, _mm512_slli_epi64(first, 16)));
    _mm512_storeu_si512(out, base62_text_avx512(base62_packed[0], tails, heads, characters));
    _mm512_storeu_si512(out + base62_overlap,
                        base62_text_avx512(base62_packed[1], tails, heads, characters));
  }
  return i;
}

/// Those of the bytes of two registers that belong to each lane, and zeros.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_unpack_avx512(const base62_permutation& order, __m512i first, __m512i second) noexcept {
  const __m512i from = _mm512_load_si512(order.from);
  return _mm512_mask_permutexvar_epi8(_mm512_maskz_permutexvar_epi8(order.any, from, first),
                                      order.second, from, second);
}

/// The values of each four digits.
[[nodiscard]] QUOIN_TARGET_AVX512 QUOIN_ALWAYS_INLINE __m512i
base62_fours_avx512(__m512i digits) noexcept {
  const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(1 << 8 | 62));
  return _mm512_madd_epi16(pairs, _mm512_set1_epi32(static_cast<int>(1 << 16 | base62_e2)));
}

/// Reads as many of `count` numbers as are whole steps without a fault, and returns how many.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_TARGET_AVX512 inline std::size_t base62_read_steps_avx512(
    const char* text, std::uint64_t* numbers, std::size_t count) noexcept {
  constexpr std::uint64_t largest = ~std::uint64_t{0} / base62_e8;  // of all values of a head
  const __m512i low_digits = _mm512_loadu_si512(digits_in<Alphabet>.digits);
  const __m512i high_digits = _mm512_loadu_si512(digits_in<Alphabet>.digits + 64);
  std::size_t i = 0;
  for (; count - i >= base62_step; i += base62_step, text += base62_step * base62_width_64) {
    const __m512i first = _mm512_loadu_si512(text);
    const __m512i second = _mm512_loadu_si512(text + base62_overlap);
    // The highest bit is not looked at; foreign are those that have it before or after.
    const __m512i first_digits = _mm512_permutex2var_epi8(low_digits, first, high_digits);
    const __m512i second_digits = _mm512_permutex2var_epi8(low_digits, second, high_digits);
    const __m512i foreign = _mm512_or_si512(_mm512_or_si512(first, second),
                                            _mm512_or_si512(first_digits, second_digits));
    const __m512i fours = base62_fours_avx512(
        base62_unpack_avx512(base62_tails_unpacked, first_digits, second_digits));
    const __m512i head = base62_fours_avx512(
        base62_unpack_avx512(base62_heads_unpacked, first_digits, second_digits));
    const __m512i tail = _mm512_add_epi64(_mm512_mul_epu32(fours, base62_in_each_avx512(base62_e4)),
                                          _mm512_srli_epi64(fours, 32));
    const __m512i low = _mm512_madd52lo_epu64(tail, head, base62_in_each_avx512(base62_e8));
    const __m512i n =
        _mm512_add_epi64(low, _mm512_slli_epi64(base62_high_avx512(head, base62_e8), 52));
    const __mmask8 too_large = _mm512_cmpgt_epu64_mask(head, base62_in_each_avx512(largest));
    const __mmask8 wrapped = _mm512_cmplt_epu64_mask(n, low);
    if ((_mm512_movepi8_mask(foreign) | too_large | wrapped) != 0) break;
    _mm512_storeu_si512(numbers + i, n);
  }
  return i;
}

QUOIN_END_AVX512

}  // namespace quoin::inline QUOIN_ABI::detail

#endif

#endif
