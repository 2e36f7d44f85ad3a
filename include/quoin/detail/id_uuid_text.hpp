// SPDX-License-Identifier: BSL-1.0
/// @file
/// The text of a UUID, many hexadecimal digits at a time: 16 with SSE2, which each x86-64 has, else
/// eight in the bytes of a 64-bit word.
#ifndef QUOIN_DETAIL_ID_UUID_TEXT_HPP
#define QUOIN_DETAIL_ID_UUID_TEXT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#if QUOIN_X86_64
#include <emmintrin.h>
#endif

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

/// Puts 32 digits, eight to a word and the first in the lowest place, where a UUID has them.
QUOIN_ALWAYS_INLINE constexpr void write_hex_groups(std::uint64_t first, std::uint64_t second,
                                                    std::uint64_t third, std::uint64_t fourth,
                                                    char* out) noexcept {
  constexpr std::uint64_t hyphen = '-';
  store_le<std::uint64_t>(out, first);
  store_le<std::uint64_t>(out + 8,
                          hyphen | (second & 0xffffffff) << 8 | hyphen << 40 | second >> 32 << 48);
  store_le<std::uint64_t>(out + 16, second >> 48 | hyphen << 16 | third << 32 >> 8 | hyphen << 56);
  store_le<std::uint64_t>(out + 24, third >> 32 | fourth << 32);
  store_le<std::uint32_t>(out + 32, static_cast<std::uint32_t>(fourth >> 32));
}

/// Eight digits in two groups of four with `gap` characters between.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t load_fours(const char* text,
                                                                     std::size_t gap) noexcept {
  return load_le<std::uint32_t>(text) |
         static_cast<std::uint64_t>(load_le<std::uint32_t>(text + 4 + gap)) << 32;
}

/// Writes the 36 characters of `bytes`, 16 of them, to `out`.
constexpr void write_uuid_portable(const unsigned char* bytes, char* out) noexcept {
  const auto digits = [&](int i) { return hex_digits(load_le<std::uint32_t>(bytes + i)); };
  write_hex_groups(digits(0), digits(4), digits(8), digits(12), out);
}

/// Reads 32 digits to 16 `bytes`, in groups of 8, 4, 4, 4 and 12 with `gap` characters between; false
/// if one is foreign.
[[nodiscard]] constexpr bool read_hex_digits_portable(const char* text, std::size_t gap,
                                                      unsigned char* bytes) noexcept {
  const hex_value values[] = {hex_value_of(load_le<std::uint64_t>(text)),
                              hex_value_of(load_fours(text + 8 + gap, gap)),
                              hex_value_of(load_fours(text + 16 + 3 * gap, gap)),
                              hex_value_of(load_le<std::uint64_t>(text + 24 + 4 * gap))};
  std::uint64_t foreign = 0;
  for (int i = 0; i < 4; ++i) {
    store_le(bytes + 4 * i, values[i].bytes);
    foreign |= values[i].foreign;
  }
  return foreign == 0;
}

#if QUOIN_X86_64
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i all_bytes(char byte) noexcept {
  return _mm_set1_epi8(byte);
}

/// 16 numbers below 16 as digits.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i hex_digits_sse2(__m128i x) noexcept {
  const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(x, all_bytes(9)), all_bytes('a' - '0' - 10));
  return _mm_add_epi8(_mm_add_epi8(x, all_bytes('0')), letters);
}

[[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t low_word(__m128i x) noexcept {
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(x));
}

inline void write_uuid_sse2(const unsigned char* bytes, char* out) noexcept {
  __m128i x;
  std::memcpy(&x, bytes, sizeof x);
  const __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), all_bytes(15));
  const __m128i low = _mm_and_si128(x, all_bytes(15));
  const __m128i a = hex_digits_sse2(_mm_unpacklo_epi8(high, low));
  const __m128i b = hex_digits_sse2(_mm_unpackhi_epi8(high, low));
  write_hex_groups(low_word(a), low_word(_mm_unpackhi_epi64(a, a)), low_word(b),
                   low_word(_mm_unpackhi_epi64(b, b)), out);
}

/// Numbers of 16 digits; clears the bytes of `*good` whose characters are foreign.
[[nodiscard]] QUOIN_ALWAYS_INLINE __m128i hex_values_sse2(std::uint64_t first, std::uint64_t second,
                                                          __m128i* good) noexcept {
  const __m128i text =
      _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
  const __m128i digit = _mm_sub_epi8(text, all_bytes('0'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, all_bytes(9)), digit);
  const __m128i letter = _mm_sub_epi8(_mm_or_si128(text, all_bytes(0x20)), all_bytes('a'));
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, all_bytes(5)), letter);
  *good = _mm_and_si128(*good, _mm_or_si128(is_digit, is_letter));
  const __m128i value = _mm_or_si128(_mm_and_si128(is_digit, digit),
                                     _mm_and_si128(is_letter, _mm_add_epi8(letter, all_bytes(10))));
  // The digit that comes first is the higher one.
  return _mm_and_si128(_mm_or_si128(_mm_slli_epi16(value, 4), _mm_srli_epi16(value, 8)),
                       _mm_set1_epi16(0xff));
}

[[nodiscard]] inline bool read_hex_digits_sse2(const char* text, std::size_t gap,
                                               unsigned char* bytes) noexcept {
  __m128i good = all_bytes(-1);
  const __m128i a =
      hex_values_sse2(load_le<std::uint64_t>(text), load_fours(text + 8 + gap, gap), &good);
  const __m128i b = hex_values_sse2(load_fours(text + 16 + 3 * gap, gap),
                                    load_le<std::uint64_t>(text + 24 + 4 * gap), &good);
  const __m128i x = _mm_packus_epi16(a, b);
  std::memcpy(bytes, &x, sizeof x);
  return _mm_movemask_epi8(good) == 0xffff;
}
#endif

/// The same by the fastest way that needs no look at the processor.
QUOIN_ALWAYS_INLINE constexpr void write_uuid(const unsigned char* bytes, char* out) noexcept {
#if QUOIN_X86_64
  if (!std::is_constant_evaluated()) return write_uuid_sse2(bytes, out);
#endif
  write_uuid_portable(bytes, out);
}

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool read_hex_digits(const char* text, std::size_t gap,
                                                                 unsigned char* bytes) noexcept {
#if QUOIN_X86_64
  if (!std::is_constant_evaluated()) return read_hex_digits_sse2(text, gap, bytes);
#endif
  return read_hex_digits_portable(text, gap, bytes);
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
