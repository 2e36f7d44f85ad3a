// SPDX-License-Identifier: BSL-1.0
/// @file
/// The text of a ULID: Crockford's digits, five bits each.
#ifndef QUOIN_DETAIL_ID_ULID_TEXT_HPP
#define QUOIN_DETAIL_ID_ULID_TEXT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_crockford.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t ulid_text_size = 26;

/// Ten digits of time, of which two bits are zeros, and sixteen that are random.
constexpr void write_ulid(std::uint64_t high, std::uint64_t low, char* out) noexcept {
  put_crockford_128(out, high, low);
}

/// Reads the 26 characters at `text` to 16 `bytes`; false if they are no ULID.
[[nodiscard]] constexpr bool read_ulid(const char* text, unsigned char* bytes) noexcept {
  std::uint64_t head = 0, time = 0, middle = 0, last = 0;
  const radix_sixteen random{load_le<std::uint64_t>(text + 10), load_le<std::uint64_t>(text + 18)};
  const bool good_time = take_crockford<true>(
      pad_to_sixteen<crockford_alphabet>(text, 10, ulid_text_size), head, time);
  const bool good_random = take_crockford<true>(random, middle, last);
  store_be(bytes, head << 56 | time << 16 | middle >> 24);
  store_be(bytes + 8, middle << 40 | last);
  return good_time && good_random && head >> 8 == 0;
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
  if (crockford_values[text[0]] > 7)
    return {errc::bad_value, 0, "a ULID begins with a digit from 0 to 7"};
  do {
    ++i;
  } while (is_crockford(text[i]));
  return {errc::bad_value, i, "a ULID has a digit or a letter but I, L, O and U here"};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
