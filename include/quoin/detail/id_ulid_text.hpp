// SPDX-License-Identifier: BSL-1.0
/// @file
/// The text of a ULID: Crockford's digits, five bits each.
#ifndef QUOIN_DETAIL_ID_ULID_TEXT_HPP
#define QUOIN_DETAIL_ID_ULID_TEXT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t ulid_text_size = 26;

inline constexpr char crockford_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What each character says as a digit; `crockford_foreign` of all but digits and letters.
inline constexpr std::uint8_t crockford_foreign = 0x80;
inline constexpr std::array<std::uint8_t, 256> crockford_values = [] {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = crockford_foreign;
  for (std::uint8_t i = 0; i < 32; ++i) {
    const auto c = static_cast<unsigned char>(crockford_digits[i]);
    values[c] = i;
    if (c >= 'A') values[c + ('a' - 'A')] = i;
  }
  return values;
}();

/// Writes the lowest 5 · `Digits` bits of `x`.
template <int Digits>
constexpr void write_crockford(std::uint64_t x, char* out) noexcept {
  for (int i = 0; i < Digits; ++i) out[i] = crockford_digits[x >> 5 * (Digits - 1 - i) & 31];
}

/// Ten digits of time, of which two bits are zeros, and twice eight that are random.
constexpr void write_ulid(std::uint64_t high, std::uint64_t low, char* out) noexcept {
  write_crockford<10>(high >> 16, out);
  write_crockford<8>((high & 0xffff) << 24 | low >> 40, out + 10);
  write_crockford<8>(low, out + 18);
}

/// Reads `Digits` digits; `*foreign` gets the bit `crockford_foreign` if one is none.
template <int Digits>
[[nodiscard]] constexpr std::uint64_t read_crockford(const char* text, unsigned* foreign) noexcept {
  std::uint64_t x = 0;
  for (int i = 0; i < Digits; ++i) {
    const unsigned value = crockford_values[static_cast<unsigned char>(text[i])];
    *foreign |= value;
    x = x << 5 | (value & 31);
  }
  return x;
}

/// Reads the 26 characters at `text` to 16 `bytes`; false if they are no ULID.
[[nodiscard]] constexpr bool read_ulid(const char* text, unsigned char* bytes) noexcept {
  unsigned foreign = 0;
  const std::uint64_t time = read_crockford<10>(text, &foreign);
  const std::uint64_t middle = read_crockford<8>(text + 10, &foreign);
  const std::uint64_t last = read_crockford<8>(text + 18, &foreign);
  store_be(bytes, time << 16 | middle >> 24);
  store_be(bytes + 8, middle << 40 | last);
  return (foreign & crockford_foreign) == 0 && time >> 48 == 0;
}

/// Why `text`, which is no ULID, is none. What has another size is refused for that, else for the
/// first character that may not stand at its place.
[[nodiscard]] QUOIN_COLD constexpr error ulid_text_error(std::string_view text) noexcept {
  constexpr std::size_t size = ulid_text_size;
  if (text.size() < size) {
    return {errc::truncated, text.size(), "the text of a ULID ends before its last digit", size};
  }
  if (text.size() > size) {
    return {errc::trailing_bytes, size, "the text of a ULID goes on after its last digit", size};
  }
  std::size_t i = 0;
  const auto value = [&] { return crockford_values[static_cast<unsigned char>(text[i])]; };
  if (value() > 7) return {errc::bad_value, 0, "a ULID begins with a digit from 0 to 7"};
  do {
    ++i;
  } while (value() != crockford_foreign);
  return {errc::bad_value, i, "a ULID has a digit or a letter but I, L, O and U here"};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
