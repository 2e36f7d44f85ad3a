// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers of 64 and 128 bits as text, in their minimal form and in fixed width: what codecs of
/// different radices have in common.
#ifndef QUOIN_DETAIL_ID_RADIX_NUMBERS_HPP
#define QUOIN_DETAIL_ID_RADIX_NUMBERS_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_integer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// Where the first character is that is not in the alphabet; `text.size()` if all are.
template <auto Alphabet>
[[nodiscard]] QUOIN_COLD constexpr std::size_t first_foreign(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size() && digits_in<Alphabet>[text[at]] != no_digit) ++at;
  return at;
}

[[nodiscard]] constexpr error foreign_character(std::size_t position) noexcept {
  return {errc::bad_value, position, "not a character of the alphabet"};
}

/// How many characters that stand for 0 are in front.
template <auto Alphabet>
[[nodiscard]] constexpr std::size_t zeros_in_front(std::string_view text) noexcept {
  std::size_t zeros = 0;
  while (zeros < text.size() && text[zeros] == Alphabet[0]) ++zeros;
  return zeros;
}

/// Why a text is not that of a number up to the one whose digits are `largest`: the first foreign
/// character, or else the first digit that is not 0 before those of `largest`, or else the first
/// that is above its own.
template <auto Alphabet>
[[nodiscard]] QUOIN_COLD constexpr error too_large_a_number(std::string_view text,
                                                            std::string_view largest) noexcept {
  const std::size_t foreign = first_foreign<Alphabet>(text);
  if (foreign != text.size()) return foreign_character(foreign);
  const std::size_t extra = text.size() > largest.size() ? text.size() - largest.size() : 0;
  std::size_t at = zeros_in_front<Alphabet>(text.substr(0, extra));
  if (at == extra) {
    while (at + 1 < text.size() && text[at] == largest[at - extra]) ++at;
  }
  return {errc::bad_value, at, "the number is too large"};
}

/// Copies `size` ≤ `Most` characters, of which nothing overlaps.
template <std::size_t Most>
QUOIN_ALWAYS_INLINE constexpr void copy_text(char* out, const char* from,
                                             std::size_t size) noexcept {
  if (std::is_constant_evaluated() || size < 4) {
    for (std::size_t i = 0; i < size; ++i) out[i] = from[i];
    return;
  }
  if constexpr (Most >= 16) {  // some compilers warn of it where it can never be
    if (size >= 16) {
      for (std::size_t i = 0; i + 16 <= size; i += 16) std::memcpy(out + i, from + i, 16);
      std::memcpy(out + size - 16, from + size - 16, 16);
      return;
    }
  }
  if (size >= 8) {  // two words that overlap in equal characters
    std::memcpy(out, from, 8);
    std::memcpy(out + size - 8, from + size - 8, 8);
  } else {
    std::memcpy(out, from, 4);
    std::memcpy(out + size - 4, from + size - 4, 4);
  }
}

/// The forms of numbers. `Kernel` has the alphabet, `name`, `width_64` and `width_128`, `width_of`,
/// `write`, `read`, and the `largest` texts.
template <class Kernel>
class radix_numbers {
 public:
  /// The characters in the order of their digits.
  static constexpr auto alphabet = Kernel::alphabet;

  /// Digits of the longest 64-bit number, and of the longest one of 128 bits.
  static constexpr std::size_t max_width = Kernel::width_64;
  static constexpr std::size_t max_width_128 = Kernel::width_128;

  /// The largest number of `width` digits: radix^`width` − 1, and all 64-bit numbers from `max_width`
  /// on.
  [[nodiscard]] static constexpr std::uint64_t max_of_width(std::size_t width) noexcept {
    if (width >= max_width) return ~std::uint64_t{0};
    std::uint64_t power = 1;
    for (std::size_t i = 0; i < width; ++i) power *= sizeof alphabet.characters;
    return power - 1;
  }

  // ---- minimal form: no zeros in front ----------------------------------------------------------

  /// The digits that `n` has without zeros in front, 1 to `max_width`.
  /// @param n  here and below: an integer of any type of at most 64 bits; a negative one fails as a
  ///           caller's mistake. No `bool`, character or floating point number is taken for one.
  [[nodiscard]] static constexpr std::size_t width_of(codec_number n) noexcept {
    return Kernel::width_of(n.value());
  }

  /// Writes the minimal form of `n` to the start of `out`.
  /// @return how many characters were written; 0, and `out` untouched, where they do not fit:
  ///         `max_width` characters, or `max_width_128`, always do
  [[nodiscard]] static constexpr std::size_t encode_to(std::span<char> out,
                                                       codec_number n) noexcept {
    return write_minimal<max_width>(out, n.value());
  }
  [[nodiscard]] static constexpr std::size_t encode_to(std::span<char> out, uint128 n) noexcept {
    return write_minimal<max_width_128>(out, n);
  }

  /// The minimal form of `n`; the first character of the alphabet for 0.
  [[nodiscard]] static std::string encode(codec_number n) {
    char text[max_width];
    return std::string(text, encode_to(text, n));
  }
  [[nodiscard]] static std::string encode(uint128 n) {
    char text[max_width_128];
    return std::string(text, encode_to(text, n));
  }

  /// The number whose minimal form is `text`. The error, with its position: empty
  /// (`errc::truncated`), a foreign character, a zero in front, a number beyond 64 bits
  /// (`errc::bad_value`).
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode(
      std::string_view text) noexcept {
    return read_minimal<std::uint64_t>(text);
  }

  /// As `decode`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_128(
      std::string_view text) noexcept {
    return read_minimal<uint128>(text);
  }

  // ---- fixed width: zeros in front --------------------------------------------------------------

  /// Writes `n` into all of `out`, with zeros in front.
  /// @return false, and `out` untouched, where `n` needs more digits
  [[nodiscard]] static constexpr bool encode_fixed_to(std::span<char> out,
                                                      codec_number n) noexcept {
    return write_fixed<max_width>(out, n.value());
  }
  [[nodiscard]] static constexpr bool encode_fixed_to(std::span<char> out, uint128 n) noexcept {
    return write_fixed<max_width_128>(out, n);
  }

  /// `n` in `width` characters. Fails as a caller's mistake where it needs more.
  [[nodiscard]] static std::string encode_fixed(codec_number n, std::size_t width = max_width) {
    return fixed_text(n, width);
  }
  [[nodiscard]] static std::string encode_fixed(uint128 n, std::size_t width = max_width_128) {
    return fixed_text(n, width);
  }

  /// The number that `text`, `width` ≥ 1 characters with zeros in front, stands for. The error,
  /// with its position: another length (`errc::truncated`, `errc::trailing_bytes`), a foreign
  /// character, a number beyond 64 bits (`errc::bad_value`).
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode_fixed(
      std::string_view text, std::size_t width = max_width) noexcept {
    return read_fixed<std::uint64_t>(text, width);
  }

  /// As `decode_fixed`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_fixed_128(
      std::string_view text, std::size_t width = max_width_128) noexcept {
    return read_fixed<uint128>(text, width);
  }

 protected:
  template <class Number>
  static constexpr std::size_t width_for = sizeof(Number) == 8 ? max_width : max_width_128;

  template <std::size_t Width, class Number>
  [[nodiscard]] static constexpr std::size_t write_minimal(std::span<char> out, Number n) noexcept {
    char all[Width] = {};
    Kernel::write(all, n);
    const std::size_t count = digits_in_use(all);
    if (count > out.size()) return 0;
    copy_text<Width>(out.data(), all + (Width - count), count);
    return count;
  }

  template <std::size_t Width, class Number>
  [[nodiscard]] static constexpr bool write_fixed(std::span<char> out, Number n) noexcept {
    if (out.size() >= Width) {
      const std::size_t extra = out.size() - Width;
      for (std::size_t i = 0; i < extra; ++i) out[i] = alphabet[0];
      Kernel::write(out.data() + extra, n);
      return true;
    }
    char all[Width] = {};
    Kernel::write(all, n);
    if (out.size() < digits_in_use(all)) return false;
    copy_text<Width>(out.data(), all + (Width - out.size()), out.size());
    return true;
  }

  template <class Number>
  [[nodiscard]] static std::string fixed_text(Number n, std::size_t width) {
    std::string text(width, alphabet[0]);
    if (!encode_fixed_to(text, n)) {
      fail_argument(Kernel::name, "width of encode_fixed", width, "that of n at least");
    }
    return text;
  }

  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> read_minimal(
      std::string_view text) noexcept {
    if (text.size() - 1 < width_for<Number> && (text[0] != alphabet[0] || text.size() == 1)) {
      if (Number n{}; Kernel::read(text.data(), text.size(), n)) return n;
    }
    return unexpected<error>(minimal_fault(text, Kernel::template largest<sizeof(Number)>()));
  }

  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> read_fixed(std::string_view text,
                                                                    std::size_t width) noexcept {
    constexpr std::size_t most = width_for<Number>;
    const std::size_t extra = width > most ? width - most : 0;
    if (text.size() == width && width != 0 &&
        zeros_in_front<alphabet>(text.substr(0, extra)) == extra) {
      if (Number n{}; Kernel::read(text.data() + extra, width - extra, n)) return n;
    }
    return unexpected<error>(fixed_fault(text, width, Kernel::template largest<sizeof(Number)>()));
  }

  /// The last digit and all from the first one on that is not 0.
  template <std::size_t Width>
  [[nodiscard]] static constexpr std::size_t digits_in_use(const char (&all)[Width]) noexcept {
    return Width - zeros_in_front<alphabet>({all, Width - 1});
  }

  [[nodiscard]] QUOIN_COLD static constexpr error minimal_fault(std::string_view text,
                                                                std::string_view largest) noexcept {
    if (text.empty()) return {errc::truncated, 0, "no digits"};
    if (const auto foreign = first_foreign<alphabet>(text); foreign != text.size()) {
      return foreign_character(foreign);
    }
    if (text.size() > 1 && text[0] == alphabet[0]) {
      return {errc::bad_value, 0, "a zero in front of a minimal form"};
    }
    return too_large_a_number<alphabet>(text, largest);
  }

  [[nodiscard]] QUOIN_COLD static constexpr error fixed_fault(std::string_view text,
                                                              std::size_t width,
                                                              std::string_view largest) noexcept {
    if (text.size() < width || width + text.size() == 0) {
      return {errc::truncated, text.size(), "too few digits", width};
    }
    if (text.size() > width) return {errc::trailing_bytes, width, "too many digits", width};
    return too_large_a_number<alphabet>(text, largest);
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
