// SPDX-License-Identifier: BSL-1.0
/// @file
/// Sixteen digits to characters and back. The usual alphabets are a few rows of characters that follow
/// one another in ASCII: comparisons find the row, on x86-64 in a register of the base architecture
/// (SSE2). Others, and elsewhere all, take a table.
#ifndef QUOIN_DETAIL_ID_ALPHABET_ROWS_HPP
#define QUOIN_DETAIL_ID_ALPHABET_ROWS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <emmintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Sixteen digits or characters, the first in the lowest byte of `first`; or four numbers of 32 bits,
/// the first in its lower half.
struct radix_sixteen {
  std::uint64_t first;
  std::uint64_t second;
};

/// Where the rows of an alphabet begin.
struct alphabet_row {
  std::uint8_t digit;
  std::uint8_t character;

  /// From its digits to its characters, modulo 256.
  [[nodiscard]] constexpr int distance() const noexcept { return character - digit; }
};

/// The rows of an alphabet in the order of their digits, and in that of their characters.
template <std::size_t Radix>
struct alphabet_rows {
  static constexpr std::size_t most = 8;  ///< more rows than that take longer than a table
  std::size_t count = 0;                  ///< 0 where there are more
  alphabet_row by_digit[most] = {};
  alphabet_row by_character[most] = {};

  constexpr explicit alphabet_rows(const radix_alphabet<Radix>& alphabet) noexcept {
    for (std::size_t i = 0; i < Radix; ++i) {
      if (i != 0 && alphabet[i] == alphabet[i - 1] + 1) continue;
      if (count == most) {
        count = 0;
        return;
      }
      by_digit[count++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(alphabet[i])};
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t at = i;
      for (; at > 0 && by_character[at - 1].character > by_digit[i].character; --at) {
        by_character[at] = by_character[at - 1];
      }
      by_character[at] = by_digit[i];
    }
  }

  [[nodiscard]] constexpr bool few() const noexcept { return count != 0; }
};

template <auto Alphabet>
inline constexpr alphabet_rows<sizeof(Alphabet.characters)> alphabet_rows_of{Alphabet};

/// The word of eight characters that stand for 0.
template <auto Alphabet>
inline constexpr std::uint64_t eight_zeros = 0x0101010101010101u *
                                             static_cast<unsigned char>(Alphabet[0]);

/// The `size`, 1 to 8, characters at `p` as the last of eight, after characters of digit 0. Eight
/// may be read where `readable` says that there are as many.
template <auto Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t pad_to_eight(
    const char* p, std::size_t size, std::size_t readable) noexcept {
  const auto missing = static_cast<unsigned>(8 * (8 - size));
  const std::uint64_t text = readable >= 8 ? load_le<std::uint64_t>(p) : load_le_tail(p, size);
  return text << missing | (eight_zeros<Alphabet> & ((std::uint64_t{1} << missing) - 1));
}

/// The `size`, 1 to 16, characters at `p` as the last of sixteen. Eight may be read from `p` where
/// `readable` says so.
template <auto Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr radix_sixteen pad_to_sixteen(
    const char* p, std::size_t size, std::size_t readable) noexcept {
  if (size <= 8) return {eight_zeros<Alphabet>, pad_to_eight<Alphabet>(p, size, readable)};
  return {pad_to_eight<Alphabet>(p, size - 8, readable), load_le<std::uint64_t>(p + size - 8)};
}

#if QUOIN_X86_64

[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i to_sse2(radix_sixteen x) noexcept {
  return _mm_set_epi64x(static_cast<long long>(x.second), static_cast<long long>(x.first));
}

[[nodiscard]] QUOIN_ALWAYS_INLINE radix_sixteen from_sse2(__m128i x) noexcept {
  return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(x)),
          static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x)))};
}

/// `x` and, from `begin` on, `change`.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i add_from_sse2(__m128i x, __m128i where, int begin,
                                                        int change) noexcept {
  const __m128i beyond = _mm_cmpgt_epi8(where, _mm_set1_epi8(static_cast<char>(begin - 1)));
  if (change == 1) return _mm_sub_epi8(x, beyond);
  if (change == -1) return _mm_add_epi8(x, beyond);
  return _mm_add_epi8(x, _mm_and_si128(beyond, _mm_set1_epi8(static_cast<char>(change))));
}

/// The characters of sixteen digits.
template <auto Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i characters_sse2(__m128i digits) noexcept {
  constexpr const auto& rows = alphabet_rows_of<Alphabet>;
  __m128i text =
      _mm_add_epi8(digits, _mm_set1_epi8(static_cast<char>(rows.by_digit[0].distance())));
#pragma GCC unroll 8
  for (std::size_t i = 1; i < rows.count; ++i) {
    text = add_from_sse2(text, digits, rows.by_digit[i].digit,
                         rows.by_digit[i].distance() - rows.by_digit[i - 1].distance());
  }
  return text;
}

/// The digits of sixteen characters; sets `good` to whether all are in the alphabet: whatever has
/// been made of a character, only one of the alphabet comes back from a digit.
template <auto Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i digits_sse2(__m128i text, bool& good) noexcept {
  constexpr const auto& rows = alphabet_rows_of<Alphabet>;
  constexpr int largest = sizeof(Alphabet.characters) - 1;
  __m128i digits =
      _mm_sub_epi8(text, _mm_set1_epi8(static_cast<char>(rows.by_character[0].distance())));
#pragma GCC unroll 8
  for (std::size_t i = 1; i < rows.count; ++i) {
    digits = add_from_sse2(digits, text, rows.by_character[i].character,
                           rows.by_character[i - 1].distance() - rows.by_character[i].distance());
  }
  const __m128i in_range =
      _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(static_cast<char>(largest))), digits);
  const __m128i same = _mm_cmpeq_epi8(characters_sse2<Alphabet>(digits), text);
  good = _mm_movemask_epi8(_mm_and_si128(in_range, same)) == 0xffff;
  return digits;
}

#endif

/// The characters of eight digits, by the table.
template <auto Alphabet>
[[nodiscard]] constexpr std::uint64_t characters_of_eight(std::uint64_t digits) noexcept {
  std::uint64_t text = 0;
  for (unsigned i = 0; i < 64; i += 8) {
    text |= std::uint64_t{static_cast<unsigned char>(
                Alphabet[static_cast<std::size_t>(digits >> i & 0xff)])}
            << i;
  }
  return text;
}

/// Sets `digits` to those of eight characters, by the table; false where one is not in the alphabet.
template <auto Alphabet>
[[nodiscard]] constexpr bool digits_of_eight(std::uint64_t text, std::uint64_t& digits) noexcept {
  digits = 0;
  std::uint64_t all = 0;
  for (unsigned i = 0; i < 64; i += 8) {
    const std::uint64_t digit = digits_in<Alphabet>[static_cast<char>(text >> i & 0xff)];
    all |= digit;
    digits |= digit << i;
  }
  return all != no_digit;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
