// SPDX-License-Identifier: BSL-1.0
/// @file
/// Crockford's digits, five bits each: sixteen at a time, on x86-64 in a register of the base
/// architecture (SSE2).
#ifndef QUOIN_DETAIL_ID_CROCKFORD_HPP
#define QUOIN_DETAIL_ID_CROCKFORD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QUOIN_X86_64
#include <emmintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr radix_alphabet<32> crockford_alphabet{"0123456789ABCDEFGHJKMNPQRSTVWXYZ"};

inline constexpr std::uint64_t low_40_bits = (std::uint64_t{1} << 40) - 1;

/// What a character says to those who read more than the alphabet: a digit, perhaps in place of
/// another character, or a hyphen, or nothing.
inline constexpr unsigned crockford_digit = 31, crockford_alias = 32, crockford_hyphen = 64,
                          crockford_foreign = 128;
inline constexpr digit_table crockford_values = [] {
  digit_table table{};
  for (auto& value : table.digits) value = crockford_foreign;
  for (unsigned i = 0; i < 32; ++i) {
    const char c = crockford_alphabet[i];
    const auto digit = static_cast<std::uint8_t>(i);
    table.digits[static_cast<unsigned char>(c)] = digit;
    if (c >= 'A') table.digits[static_cast<unsigned char>(c) + ('a' - 'A')] = digit;
  }
  constexpr char ones[] = {'I', 'i', 'L', 'l'}, noughts[] = {'O', 'o'};
  for (const char c : ones) {
    table.digits[static_cast<unsigned char>(c)] = crockford_alias | 1;
  }
  for (const char c : noughts) table.digits[static_cast<unsigned char>(c)] = crockford_alias;
  table.digits[static_cast<unsigned char>('-')] = crockford_hyphen;
  return table;
}();

/// Whether `c` is a digit or a letter, of either case, that stands for itself.
[[nodiscard]] constexpr bool is_crockford(char c) noexcept {
  return crockford_values[c] <= crockford_digit;
}

/// The eight digits of 40 bits, the first in the lowest byte.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t crockford_spread(
    std::uint64_t bits) noexcept {
  constexpr std::uint64_t tens = 0x000003ff000003ffu, fives = 0x001f001f001f001fu;
  const std::uint64_t halves = bits >> 20 | (bits & 0xfffffu) << 32;
  const std::uint64_t pairs = (halves >> 10 & tens) | (halves & tens) << 16;
  return (pairs >> 5 & fives) | (pairs & fives) << 8;
}

/// Back from eight digits.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t crockford_gather(
    std::uint64_t digits) noexcept {
  constexpr std::uint64_t bytes = 0x00ff00ff00ff00ffu, halves = 0x0000ffff0000ffffu;
  const std::uint64_t pairs = (digits & bytes) << 5 | (digits >> 8 & bytes);
  const std::uint64_t fours = (pairs & halves) << 10 | (pairs >> 16 & halves);
  return (fours & 0xffffffffu) << 20 | fours >> 32;
}

/// The sixteen characters of twice 40 bits.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr radix_sixteen crockford_text(
    std::uint64_t first, std::uint64_t second) noexcept {
  const radix_sixteen digits{crockford_spread(first), crockford_spread(second)};
#if QUOIN_X86_64
  if (!std::is_constant_evaluated()) {
    return from_sse2(characters_sse2<crockford_alphabet>(to_sse2(digits)));
  }
#endif
  return {characters_of_eight<crockford_alphabet>(digits.first),
          characters_of_eight<crockford_alphabet>(digits.second)};
}

/// Writes the last `Width`, 8 to 16, of them.
template <unsigned Width = 16>
QUOIN_ALWAYS_INLINE constexpr void put_crockford(char* out, std::uint64_t first,
                                                 std::uint64_t second) noexcept {
  constexpr unsigned drop = 8 * (16 - Width);
  const radix_sixteen text = crockford_text(first, second);
  if constexpr (drop == 0) {
    store_le(out, text.first);
  } else {
    store_le(out, text.first >> drop | text.second << (64 - drop));
  }
  store_le(out + (Width - 8), text.second);
}

/// Writes the 26 digits of 128 bits.
QUOIN_ALWAYS_INLINE constexpr void put_crockford_128(char* out, std::uint64_t high,
                                                     std::uint64_t low) noexcept {
  put_crockford<10>(out, high >> 56, high >> 16 & low_40_bits);
  put_crockford(out + 10, (high & 0xffff) << 24 | low >> 40, low & low_40_bits);
}

/// Sets `first` and `second` to the 40 bits of eight characters each; false, and they are unspecified,
/// where one is not in the alphabet, of which small letters are taken for capitals on demand.
template <bool EitherCase>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool take_crockford(radix_sixteen text,
                                                                std::uint64_t& first,
                                                                std::uint64_t& second) noexcept {
#if QUOIN_X86_64
  if (!std::is_constant_evaluated()) {
    bool good = false;
    __m128i upper = to_sse2(text);
    if constexpr (EitherCase) {
      const __m128i small = _mm_cmpgt_epi8(upper, _mm_set1_epi8('a' - 1));
      upper = _mm_sub_epi8(upper, _mm_and_si128(small, _mm_set1_epi8('a' - 'A')));
    }
    const radix_sixteen digits = from_sse2(digits_sse2<crockford_alphabet>(upper, good));
    first = crockford_gather(digits.first);
    second = crockford_gather(digits.second);
    return good;
  }
#endif
  const auto digits_of = [](std::uint64_t eight, std::uint64_t& digits) noexcept {
    constexpr const digit_table& table =
        EitherCase ? crockford_values : digits_in<crockford_alphabet>;
    digits = 0;
    unsigned all = 0;
    for (unsigned i = 0; i < 64; i += 8) {
      const unsigned digit = table[static_cast<char>(eight >> i & 0xff)];
      all |= digit;
      digits |= std::uint64_t{digit} << i;
    }
    return all <= crockford_digit;
  };
  radix_sixteen digits{};
  const bool good_first = digits_of(text.first, digits.first);
  const bool good_second = digits_of(text.second, digits.second);
  first = crockford_gather(digits.first);
  second = crockford_gather(digits.second);
  return good_first & good_second;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
