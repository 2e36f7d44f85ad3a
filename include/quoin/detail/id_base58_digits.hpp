// SPDX-License-Identifier: BSL-1.0
/// @file
/// Sixteen base58 digits at a time, between characters and numbers below 58^4: on x86-64 in one
/// register of the base architecture (SSE2).
#ifndef QUOIN_DETAIL_ID_BASE58_DIGITS_HPP
#define QUOIN_DETAIL_ID_BASE58_DIGITS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_radix_words.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <emmintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// The eight digits of two numbers below 58^4.
[[nodiscard]] constexpr std::uint64_t base58_digits(std::uint64_t fours) noexcept {
  std::uint64_t digits = 0;
  for (const unsigned half : {32u, 0u}) {
    auto n = static_cast<std::uint32_t>(fours >> half);
    for (unsigned i = 0; i < 4; ++i, n /= 58) digits = digits << 8 | n % 58;
  }
  return digits;
}

/// Back from eight digits, each below 58.
[[nodiscard]] constexpr std::uint64_t base58_fours_of_digits(std::uint64_t digits) noexcept {
  constexpr std::uint64_t bytes = 0x00ff00ff00ff00ffu, halves = 0x0000ffff0000ffffu;
  const std::uint64_t pairs = (digits & bytes) * 58 + (digits >> 8 & bytes);
  return (pairs & halves) * radix_e2<58> + (pairs >> 16 & halves);
}

#if QUOIN_X86_64

/// The digits of four numbers. Exact: ⌊x / 58^2⌋ = ⌊x · ⌈2^43 / 58^2⌉ / 2^43⌋ for x < 2^24, as
/// 58^2 · 2^24 < 2^43; and ⌊v / 58⌋ = ⌊v · 1130 / 2^16⌋ for v < 58^2, as 58 · 1130 = 2^16 + 4.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i base58_digits_sse2(__m128i fours) noexcept {
  const __m128i reciprocal = _mm_set1_epi32(static_cast<int>(2'614'772'005));
  const __m128i odd_halves = _mm_set_epi32(-1, 0, -1, 0);
  const __m128i low = _mm_srli_epi64(_mm_mul_epu32(fours, reciprocal), 32);
  const __m128i high =
      _mm_and_si128(_mm_mul_epu32(_mm_srli_epi64(fours, 32), reciprocal), odd_halves);
  const __m128i first = _mm_srli_epi32(_mm_or_si128(low, high), 11);
  const __m128i second =
      _mm_sub_epi32(fours, _mm_madd_epi16(first, _mm_set1_epi32(static_cast<int>(radix_e2<58>))));
  const __m128i pairs = _mm_or_si128(first, _mm_slli_epi32(second, 16));
  const __m128i tens = _mm_mulhi_epu16(pairs, _mm_set1_epi16(1130));
  const __m128i units = _mm_sub_epi16(pairs, _mm_mullo_epi16(tens, _mm_set1_epi16(58)));
  return _mm_or_si128(tens, _mm_slli_epi16(units, 8));
}

#endif

template <>
struct radix_kernel<58> {
  static constexpr std::uint64_t characters_per_byte = 5'865'457'466;
  static constexpr std::size_t bits_per_thousand = 5858;

  /// Writes the last 16 − `Drop` characters of four numbers, and may write anything to the rest of
  /// the 16 places from `out` on.
  template <auto Alphabet, unsigned Drop = 0>
  static QUOIN_ALWAYS_INLINE constexpr void put_sixteen(char* out, radix_sixteen fours) noexcept {
#if QUOIN_X86_64
    if constexpr (alphabet_rows_of<Alphabet>.few()) {
      if (!std::is_constant_evaluated()) {
        const __m128i text = characters_sse2<Alphabet>(base58_digits_sse2(to_sse2(fours)));
        return _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_srli_si128(text, Drop));
      }
    }
#endif
    const std::uint64_t first = characters_of_eight<Alphabet>(base58_digits(fours.first));
    const std::uint64_t second = characters_of_eight<Alphabet>(base58_digits(fours.second));
    if constexpr (Drop < 8) {
      store_le(out, first >> (8 * Drop));
      store_le(out + (8 - Drop), second);
    } else {
      store_le(out, second >> (8 * (Drop - 8)));
    }
  }

  /// Sets `fours` to the numbers of 16 characters; false, and they are unspecified, where one is
  /// not in the alphabet.
  template <auto Alphabet>
  [[nodiscard]] static QUOIN_ALWAYS_INLINE constexpr bool fours_of(radix_sixteen text,
                                                                   radix_sixteen& fours) noexcept {
#if QUOIN_X86_64
    if constexpr (alphabet_rows_of<Alphabet>.few()) {
      if (!std::is_constant_evaluated()) {
        bool good = false;
        const __m128i digits = digits_sse2<Alphabet>(to_sse2(text), good);
        const __m128i tens = _mm_and_si128(digits, _mm_set1_epi16(0xff));
        const __m128i pairs =
            _mm_add_epi16(_mm_mullo_epi16(tens, _mm_set1_epi16(58)), _mm_srli_epi16(digits, 8));
        fours = from_sse2(
            _mm_madd_epi16(pairs, _mm_set1_epi32(static_cast<int>(1 << 16 | radix_e2<58>))));
        return good;
      }
    }
#endif
    std::uint64_t first = 0, second = 0;
    const bool good_first = digits_of_eight<Alphabet>(text.first, first);
    const bool good_second = digits_of_eight<Alphabet>(text.second, second);
    fours = {base58_fours_of_digits(first), base58_fours_of_digits(second)};
    return good_first & good_second;
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
