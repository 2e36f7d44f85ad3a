// SPDX-License-Identifier: BSL-1.0
/// @file
/// Eight base62 digits at a time, in the bytes of one word: the first digit in the lowest byte.
///
/// Fixed-point fractions stand for the divisions, two or four at a time in the lanes of a word, and
/// comparisons for the table of characters: nothing is loaded, so that a cold cache costs nothing.
#ifndef QUOIN_DETAIL_ID_BASE62_DIGITS_HPP
#define QUOIN_DETAIL_ID_BASE62_DIGITS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

using base62_alphabet = radix_alphabet<62>;

inline constexpr std::uint32_t base62_e2 = 3844;                 ///< 62^2
inline constexpr std::uint32_t base62_e4 = 14'776'336;           ///< 62^4
inline constexpr std::uint64_t base62_e8 = 218'340'105'584'896;  ///< 62^8

/// Digits in the longest 64-bit number.
inline constexpr std::size_t base62_width_64 = 11;

/// `byte` in each byte of a word.
[[nodiscard]] constexpr std::uint64_t in_each_byte(unsigned byte) noexcept {
  return 0x0101010101010101u * byte;
}

/// The characters of an alphabet as a table in registers: indices have six bits.
template <base62_alphabet Alphabet>
struct base62_character_table {
  alignas(64) char characters[64] = {};

  constexpr base62_character_table() noexcept {
    for (std::size_t i = 0; i < 62; ++i) characters[i] = Alphabet[i];
  }
};

template <base62_alphabet Alphabet>
inline constexpr base62_character_table<Alphabet> base62_characters_of{};

/// Where in ASCII the digits of an alphabet lie that has '0' to '9', 'A' to 'Z' and 'a' to 'z' each
/// in a row, as all usual ones have: character = digit + distance, by class.
struct base62_rows {
  bool usual = false;
  std::uint8_t digit, upper, lower;  ///< the digits that '0', 'A' and 'a' stand for

  constexpr explicit base62_rows(const base62_alphabet& alphabet) noexcept
      : digit(make_digit_table(alphabet)['0']),
        upper(make_digit_table(alphabet)['A']),
        lower(make_digit_table(alphabet)['a']) {
    if (digit > 52 || upper > 36 || lower > 36) return;
    for (std::size_t i = 0; i < 26; ++i) {
      if (i < 10 && alphabet[digit + i] != static_cast<char>('0' + i)) return;
      if (alphabet[upper + i] != static_cast<char>('A' + i)) return;
      if (alphabet[lower + i] != static_cast<char>('a' + i)) return;
    }
    usual = true;
  }
};

template <base62_alphabet Alphabet>
inline constexpr base62_rows base62_rows_of{Alphabet};

/// The way from digits to characters of such an alphabet: where its second and third row begin, and
/// by how much the distance from digit to character changes there.
struct base62_steps {
  std::uint8_t second = 0, third = 0;
  std::int8_t change_second = 0, change_third = 0;

  constexpr explicit base62_steps(const base62_alphabet& alphabet) noexcept {
    for (std::uint8_t i = 1; i < 62; ++i) {
      const int change = alphabet[i] - alphabet[i - 1u] - 1;
      if (change == 0) continue;
      (second == 0 ? second : third) = i;
      (change_second == 0 ? change_second : change_third) = static_cast<std::int8_t>(change);
    }
  }

  [[nodiscard]] constexpr unsigned up_second() const noexcept { return up(change_second); }
  [[nodiscard]] constexpr unsigned up_third() const noexcept { return up(change_third); }
  [[nodiscard]] constexpr unsigned down_second() const noexcept { return up(-change_second); }
  [[nodiscard]] constexpr unsigned down_third() const noexcept { return up(-change_third); }

 private:
  [[nodiscard]] static constexpr unsigned up(int change) noexcept {
    return change > 0 ? static_cast<unsigned>(change) : 0;
  }
};

template <base62_alphabet Alphabet>
inline constexpr base62_steps base62_steps_of{Alphabet};

/// ⌈2^43 / 62^2⌉: ⌊x / 62^2⌋ = ⌊x · it / 2^43⌋ for x < 2^24, as 1852 · x < 2^43.
inline constexpr std::uint32_t base62_reciprocal_e2 = 2'288'265'615;

/// The digits of two numbers below 62^4, the first in the lower half of `fours`, four and four.
///
/// Exact: for v < 2^15, ⌊v / 62⌋ = ⌊(v + 1) · 1057 / 2^16⌋, as 62 · 1057 = 2^16 − 2.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_digits(
    std::uint64_t fours) noexcept {
  constexpr std::uint64_t ones = 0x0000000100000001u, low_halves = 0x0000ffff0000ffffu;
  const std::uint64_t first = ((fours & 0xffffffffu) * base62_reciprocal_e2) >> 43 |
                              ((fours >> 32) * base62_reciprocal_e2) >> 43 << 32;
  const std::uint64_t second = fours - first * base62_e2;
  const std::uint64_t first_tens = (((first + ones) * 1057) >> 16) & low_halves;
  const std::uint64_t second_tens = (((second + ones) * 1057) >> 16) & low_halves;
  const std::uint64_t pairs = first | second << 16;
  const std::uint64_t tens = first_tens | second_tens << 16;
  return tens | (pairs - tens * 62) << 8;
}

/// The characters of eight digits.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_characters(
    std::uint64_t digits) noexcept {
  constexpr base62_rows rows = base62_rows_of<Alphabet>;
  std::uint64_t text = 0;
  if constexpr (rows.usual) {
    // Sums stay below 256 in each byte, the negative steps coming last.
    constexpr base62_steps steps = base62_steps_of<Alphabet>;
    constexpr std::uint64_t ones = in_each_byte(1);
    const std::uint64_t second = ((digits + in_each_byte(128u - steps.second)) >> 7) & ones;
    const std::uint64_t third = ((digits + in_each_byte(128u - steps.third)) >> 7) & ones;
    text = digits + in_each_byte(static_cast<unsigned char>(Alphabet[0]));
    text += second * steps.up_second() + third * steps.up_third();
    text -= second * steps.down_second() + third * steps.down_third();
  } else {
    for (unsigned i = 0; i < 64; i += 8) {
      text |= std::uint64_t{static_cast<unsigned char>(Alphabet[(digits >> i) & 0xff])} << i;
    }
  }
  return text;
}

/// Back from eight digits, each below 62.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_fours_of_digits(
    std::uint64_t digits) noexcept {
  constexpr std::uint64_t bytes = 0x00ff00ff00ff00ffu, halves = 0x0000ffff0000ffffu;
  const std::uint64_t pairs = (digits & bytes) * 62 + ((digits >> 8) & bytes);
  return (pairs & halves) * base62_e2 + ((pairs >> 16) & halves);
}

/// Sets `digits` to the digits of eight characters; false, and `digits` unspecified, where one is
/// not in the alphabet.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_digits_of(std::uint64_t text,
                                                                  std::uint64_t& digits) noexcept {
  constexpr base62_rows rows = base62_rows_of<Alphabet>;
  if constexpr (rows.usual) {
    constexpr std::uint64_t tops = in_each_byte(0x80);
    const std::uint64_t ascii = text & ~tops;
    const auto within = [ascii](unsigned first, unsigned last) noexcept {  // 0x80 where it is
      return ((ascii + in_each_byte(0x80 - first)) ^ (ascii + in_each_byte(0x7f - last))) & tops;
    };
    const std::uint64_t digit = within('0', '9'), upper = within('A', 'Z'),
                        lower = within('a', 'z');
    constexpr int below_digit = '0' - rows.digit;  // at least −4; those of letters are positive
    digits = ascii + (digit >> 7) * static_cast<unsigned>(max_of(-below_digit, 0));
    digits -= (digit >> 7) * static_cast<unsigned>(max_of(below_digit, 0)) +
              (upper >> 7) * ('A' - rows.upper) + (lower >> 7) * ('a' - rows.lower);
    return ((digit | upper | lower) & ~text) == tops;
  } else {
    digits = 0;
    std::uint64_t all = 0;
    for (unsigned i = 0; i < 64; i += 8) {
      const std::uint64_t digit = digits_in<Alphabet>[static_cast<char>(text >> i & 0xff)];
      all |= digit;
      digits |= digit << i;
    }
    return all != no_digit;
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
