// SPDX-License-Identifier: BSL-1.0
/// @file
/// Alphabets of positional number systems: which character stands for which digit.
#ifndef QUOIN_DETAIL_ID_ALPHABET_HPP
#define QUOIN_DETAIL_ID_ALPHABET_HPP

#include <quoin/detail/config.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The characters of the digits 0 to `Radix` − 1, in this order. A structural type, so that a
/// string literal can be a template argument: `quoin::basic_base62<"0123…">`.
template <std::size_t Radix>
struct radix_alphabet {
  char characters[Radix] = {};

  constexpr radix_alphabet(const char (&text)[Radix + 1]) noexcept {
    for (std::size_t i = 0; i < Radix; ++i) characters[i] = text[i];
  }

  /// The character of `digit`, which is below `Radix`.
  [[nodiscard]] constexpr char operator[](std::size_t digit) const noexcept {
    return characters[digit];
  }

  /// Whether all are printable ASCII (no blank) and no two the same.
  [[nodiscard]] constexpr bool valid() const noexcept {
    for (std::size_t i = 0; i < Radix; ++i) {
      if (characters[i] <= ' ' || characters[i] > '~') return false;
      for (std::size_t j = 0; j < i; ++j) {
        if (characters[i] == characters[j]) return false;
      }
    }
    return true;
  }
};

namespace detail {

/// In a `digit_table`, what is no digit.
inline constexpr std::uint8_t no_digit = 0xff;

/// Which digit each byte is, or `no_digit`.
struct digit_table {
  std::uint8_t digits[256];

  [[nodiscard]] constexpr std::uint8_t operator[](char c) const noexcept {
    return digits[static_cast<unsigned char>(c)];
  }
};

template <std::size_t Radix>
[[nodiscard]] constexpr digit_table make_digit_table(
    const radix_alphabet<Radix>& alphabet) noexcept {
  digit_table table{};
  for (std::uint8_t& digit : table.digits) digit = no_digit;
  for (std::size_t i = 0; i < Radix; ++i) {
    table.digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

template <auto Alphabet>
inline constexpr digit_table digits_in = make_digit_table(Alphabet);

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
