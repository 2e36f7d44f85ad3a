// SPDX-License-Identifier: BSL-1.0
/// @file
/// What may be passed where bytes are wanted, and how to get at them.
#ifndef QUOIN_DETAIL_BYTES_HPP
#define QUOIN_DETAIL_BYTES_HPP

#include <quoin/detail/bits.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// Bytes in memory that someone else owns.
template <byte_like Byte>
struct byte_view {
  const Byte* data;
  std::size_t size;
};

/// The elements of an array of any byte type but `char`.
template <byte_like Byte, std::size_t N>
[[nodiscard]] constexpr byte_view<Byte> bytes_of(const Byte (&array)[N]) noexcept {
  return {array, N};
}

/// The text in an array of `char` (a string literal, as a rule): up to its first zero and never
/// beyond the array, so that `"abc"` is the same bytes as `std::string("abc")`.
template <std::size_t N>
[[nodiscard]] constexpr byte_view<char> bytes_of(const char (&text)[N]) noexcept {
  std::size_t size = 0;
  while (size < N && text[size] != '\0') ++size;
  return {text, size};
}

/// The elements of a contiguous container or view: `std::string_view`, `std::span<const
/// std::byte>`, `std::vector<unsigned char>`, …
template <class Range>
requires requires(const Range& range) {
  requires std::is_pointer_v<decltype(range.data())>;
  requires byte_like<std::remove_cvref_t<decltype(*range.data())>>;
  { range.size() } -> std::convertible_to<std::size_t>;
}
[[nodiscard]] constexpr auto bytes_of(const Range& range) noexcept
    -> byte_view<std::remove_cvref_t<decltype(*range.data())>> {
  return {range.data(), static_cast<std::size_t>(range.size())};
}

/// Whatever has bytes in a row. A bare pointer is not: in `f(pointer, n)` nobody could tell a
/// length from a seed. Say `std::string_view(pointer)` or `std::span(pointer, n)`.
template <class T>
concept byte_range = requires(const T& x) {
  detail::bytes_of(x);
};

/// The `size` bytes at `p`, 0 to 8, as the low bytes of a little-endian word.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint64_t load_le_tail(const Byte* p, std::size_t size) noexcept {
  if (size == 8) return load_le<std::uint64_t>(p);
  if (size >= 4) {  // two words that overlap in equal bytes
    const std::uint64_t high = load_le<std::uint32_t>(p + size - 4);
    return load_le<std::uint32_t>(p) | high << (8 * (size - 4));
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
  }
  return word;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
