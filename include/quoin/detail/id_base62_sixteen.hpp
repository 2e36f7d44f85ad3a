// SPDX-License-Identifier: BSL-1.0
/// @file
/// Sixteen base62 digits at a time, between characters and numbers below 62^4: on x86-64 in one
/// register of the base architecture (SSE2), elsewhere in two words.
#ifndef QUOIN_DETAIL_ID_BASE62_SIXTEEN_HPP
#define QUOIN_DETAIL_ID_BASE62_SIXTEEN_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_base62_digits.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <emmintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Numbers below 62^4 in the halves of words: the first in the lower half of `first`. Or sixteen
/// characters, the first in the lowest byte of it.
struct base62_sixteen {
  std::uint64_t first;
  std::uint64_t second;
};

/// Two numbers below 62^4 as such a word.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_fours(std::uint64_t first,
                                                                       std::uint64_t second) {
  return first | second << 32;
}

/// `n`, below 62^8, as two.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_fours(std::uint64_t n) noexcept {
  const std::uint64_t high = n / base62_e4;
  return base62_fours(high, n - high * base62_e4);
}

/// Back from two.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_value_of_fours(
    std::uint64_t fours) noexcept {
  return (fours & 0xffffffffu) * base62_e4 + (fours >> 32);
}

#if QUOIN_X86_64

/// What `base62_digits` does, for four numbers.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base62_digits_sse2(__m128i fours) noexcept {
  const __m128i reciprocal = _mm_set1_epi32(static_cast<int>(base62_reciprocal_e2));
  const __m128i odd_halves = _mm_set_epi32(-1, 0, -1, 0);
  const __m128i low = _mm_srli_epi64(_mm_mul_epu32(fours, reciprocal), 32);
  const __m128i high =
      _mm_and_si128(_mm_mul_epu32(_mm_srli_epi64(fours, 32), reciprocal), odd_halves);
  const __m128i first = _mm_srli_epi32(_mm_or_si128(low, high), 11);
  const __m128i second =
      _mm_sub_epi32(fours, _mm_madd_epi16(first, _mm_set1_epi32(static_cast<int>(base62_e2))));
  const __m128i pairs = _mm_or_si128(first, _mm_slli_epi32(second, 16));
  const __m128i tens =
      _mm_mulhi_epu16(_mm_add_epi16(pairs, _mm_set1_epi16(1)), _mm_set1_epi16(1057));
  const __m128i units = _mm_sub_epi16(pairs, _mm_mullo_epi16(tens, _mm_set1_epi16(62)));
  return _mm_or_si128(tens, _mm_slli_epi16(units, 8));
}

template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base62_characters_sse2(base62_sixteen fours) noexcept {
  constexpr base62_steps steps = base62_steps_of<Alphabet>;
  const __m128i digits = base62_digits_sse2(
      _mm_set_epi64x(static_cast<long long>(fours.second), static_cast<long long>(fours.first)));
  const __m128i second = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(steps.second - 1)),
                                       _mm_set1_epi8(steps.change_second));
  const __m128i third = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(steps.third - 1)),
                                      _mm_set1_epi8(steps.change_third));
  return _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8(Alphabet[0])),
                      _mm_add_epi8(second, third));
}

/// The digits of 16 characters; sets `good` to whether all are in the alphabet.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base62_digits_of_sse2(__m128i text, bool& good) noexcept {
  constexpr base62_rows rows = base62_rows_of<Alphabet>;
  constexpr auto byte = [](int x) noexcept { return _mm_set1_epi8(static_cast<char>(x)); };
  // By signed comparison: bytes from 128 on are taken for digits, and lie far behind them.
  const __m128i letter = _mm_cmpgt_epi8(text, byte('A' - 1));
  const __m128i lower = _mm_cmpgt_epi8(text, byte('a' - 1));
  const auto moved = [&](int digit, int upper, int more) noexcept {  // text + one of the three
    return _mm_add_epi8(_mm_add_epi8(text, byte(digit)),
                        _mm_add_epi8(_mm_and_si128(letter, byte(upper - digit)),
                                     _mm_and_si128(lower, byte(more - upper))));
  };
  const __m128i place = moved(-'0', -'A', -'a');  // in its row: up to 9 or 25, else bit 7 is set
  const __m128i room = _mm_sub_epi8(byte(127 - 9), _mm_and_si128(letter, byte(25 - 9)));
  good = _mm_movemask_epi8(_mm_adds_epu8(place, room)) == 0;
  return moved(rows.digit - '0', rows.upper - 'A', rows.lower - 'a');
}

/// The values of each four digits.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base62_fours_sse2(__m128i digits) noexcept {
  // 62 times the lower byte of a word is the upper half of a product.
  const __m128i tens = _mm_mulhi_epu16(_mm_slli_epi16(digits, 8), _mm_set1_epi16(62 << 8));
  const __m128i pairs = _mm_add_epi16(tens, _mm_srli_epi16(digits, 8));
  return _mm_madd_epi16(pairs, _mm_set1_epi32(static_cast<int>(1 << 16 | base62_e2)));
}

[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base62_register_sse2(base62_sixteen x) noexcept {
  return _mm_set_epi64x(static_cast<long long>(x.second), static_cast<long long>(x.first));
}

[[nodiscard]] QUOIN_ALWAYS_INLINE base62_sixteen base62_words_of_sse2(__m128i x) noexcept {
  return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(x)),
          static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x)))};
}

#endif

/// The characters of four numbers.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr base62_sixteen base62_text_of(
    base62_sixteen fours) noexcept {
#if QUOIN_X86_64
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (!std::is_constant_evaluated()) {
      return base62_words_of_sse2(base62_characters_sse2<Alphabet>(fours));
    }
  }
#endif
  return {base62_characters<Alphabet>(base62_digits(fours.first)),
          base62_characters<Alphabet>(base62_digits(fours.second))};
}

/// Writes the last 16 − `Drop` characters of four numbers, and may write anything to the rest of
/// the 16 places from `out` on.
template <base62_alphabet Alphabet, unsigned Drop = 0>
QUOIN_ALWAYS_INLINE constexpr void base62_put_sixteen(char* out, base62_sixteen fours) noexcept {
#if QUOIN_X86_64
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (!std::is_constant_evaluated()) {
      const __m128i text = base62_characters_sse2<Alphabet>(fours);
      return _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_srli_si128(text, Drop));
    }
  }
#endif
  const base62_sixteen text = base62_text_of<Alphabet>(fours);
  if constexpr (Drop < 8) {
    store_le(out, text.first >> (8 * Drop));
    store_le(out + (8 - Drop), text.second);
  } else {
    store_le(out, text.second >> (8 * (Drop - 8)));
  }
}

/// Sets `fours` to the numbers of 16 characters; false, and they are unspecified, where one is not
/// in the alphabet.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_fours_of(base62_sixteen text,
                                                                 base62_sixteen& fours) noexcept {
#if QUOIN_X86_64
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (!std::is_constant_evaluated()) {
      bool good = false;
      const __m128i digits = base62_digits_of_sse2<Alphabet>(base62_register_sse2(text), good);
      fours = base62_words_of_sse2(base62_fours_sse2(digits));
      return good;
    }
  }
#endif
  std::uint64_t first = 0, second = 0;
  const bool good_first = base62_digits_of<Alphabet>(text.first, first);
  const bool good_second = base62_digits_of<Alphabet>(text.second, second);
  fours = {base62_fours_of_digits(first), base62_fours_of_digits(second)};
  return good_first & good_second;
}

/// As `base62_fours_of`: two numbers of eight digits.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_eights_of(base62_sixteen text,
                                                                  base62_sixteen& eights) noexcept {
#if QUOIN_X86_64
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (!std::is_constant_evaluated()) {
      bool good = false;
      const __m128i fours =
          base62_fours_sse2(base62_digits_of_sse2<Alphabet>(base62_register_sse2(text), good));
      const __m128i high = _mm_mul_epu32(fours, _mm_set1_epi32(static_cast<int>(base62_e4)));
      eights = base62_words_of_sse2(_mm_add_epi64(high, _mm_srli_epi64(fours, 32)));
      return good;
    }
  }
#endif
  base62_sixteen fours{};
  const bool good = base62_fours_of<Alphabet>(text, fours);
  eights = {base62_value_of_fours(fours.first), base62_value_of_fours(fours.second)};
  return good;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
