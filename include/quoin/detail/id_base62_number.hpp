// SPDX-License-Identifier: BSL-1.0
/// @file
/// 64-bit numbers as base62 text: 11 digits written, 1 to 11 read, and what is wrong with others.
#ifndef QUOIN_DETAIL_ID_BASE62_NUMBER_HPP
#define QUOIN_DETAIL_ID_BASE62_NUMBER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// Numbers at a time where there are many: 88 characters.
inline constexpr std::size_t base62_step = 8;

template <class T, class... Types>
concept one_of = (std::same_as<T, Types> || ...);

/// The integers that are numbers and lose nothing in 64 bits.
template <class T>
concept base62_integer = std::integral<T> && sizeof(T) <= sizeof(std::uint64_t) &&
                         !one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;

/// A number to be written: from such an integer, not from whatever else converts to one.
class base62_number {
 public:
  /// Fails for a negative one.
  template <base62_integer T>
  constexpr base62_number(T n) noexcept(std::is_unsigned_v<T>)
      : value_(static_cast<std::uint64_t>(n)) {
    if constexpr (std::is_signed_v<T>) {
      if (n < 0) fail_argument("base62", "n", n, "at least 0");
    }
  }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_;
};

/// The digits of `n` without zeros in front, at least 1.
[[nodiscard]] constexpr std::size_t base62_width_of(std::uint64_t n) noexcept {
  struct powers {
    std::uint64_t of[base62_width_64] = {1};
    constexpr powers() noexcept {
      for (std::size_t i = 1; i < base62_width_64; ++i) of[i] = of[i - 1] * 62;
    }
  };
  constexpr powers power;
  n |= n == 0;
  // log62(2) is 42.995 / 256, and between two powers of 2 there is one of 62 at most.
  const auto above = static_cast<std::size_t>(std::bit_width(n)) * 43 / 256;
  return above + (n >= power.of[above]);
}

/// `n` as sixteen digits.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr base62_sixteen base62_split(std::uint64_t n) noexcept {
  const std::uint64_t head = n / base62_e8;
  return {base62_fours(0, head), base62_fours(n - head * base62_e8)};
}

/// Writes the 11 characters of `n`.
template <base62_alphabet Alphabet>
QUOIN_ALWAYS_INLINE constexpr void base62_write(char* out, std::uint64_t n) noexcept {
  const base62_sixteen text = base62_text_of<Alphabet>(base62_split(n));
  store_le(out, text.first >> 40 | text.second << 24);
  store_le(out + 3, text.second);
}

/// Moves the last `count` ≤ 11 of 11 characters to `out`.
QUOIN_ALWAYS_INLINE constexpr void base62_copy_last(char* out, const char (&eleven)[11],
                                                    std::size_t count) noexcept {
  const char* const from = eleven + (11 - count);
  if (count >= 8) {
    const auto first = load_le<std::uint64_t>(from), last = load_le<std::uint64_t>(eleven + 3);
    store_le(out, first);
    store_le(out + count - 8, last);
  } else if (count >= 4) {
    const auto first = load_le<std::uint32_t>(from), last = load_le<std::uint32_t>(eleven + 7);
    store_le(out, first);
    store_le(out + count - 4, last);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = from[i];
  }
}

/// The `size`, 1 to 8, characters at `p` as the last of eight, after characters of digit 0. From
/// `readable` on nothing is read.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_padded(
    const char* p, std::size_t size, std::size_t readable) noexcept {
  constexpr std::uint64_t zeros = in_each_byte(static_cast<unsigned char>(Alphabet[0]));
  const auto missing = static_cast<unsigned>(8 * (8 - size));
  const std::uint64_t text = readable >= 8 ? load_le<std::uint64_t>(p) : load_le_tail(p, size);
  return text << missing | (zeros & ((std::uint64_t{1} << missing) - 1));
}

/// Reads 1 to 11 characters; false, and `n` unspecified, where one is not in the alphabet or the
/// number is beyond 64 bits.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_read(const char* p, std::size_t size,
                                                             std::uint64_t& n) noexcept {
  base62_sixteen fours{};
  if (size <= 8) {
    constexpr std::uint64_t zeros = in_each_byte(static_cast<unsigned char>(Alphabet[0]));
    const bool good =
        base62_fours_of<Alphabet>({zeros, base62_padded<Alphabet>(p, size, size)}, fours);
    n = base62_value_of_fours(fours.second);
    return good;
  }
  const bool good = base62_fours_of<Alphabet>(
      {base62_padded<Alphabet>(p, size - 8, size), load_le<std::uint64_t>(p + size - 8)}, fours);
  return good && !__builtin_mul_overflow(base62_value_of_fours(fours.first), base62_e8, &n) &&
         !__builtin_add_overflow(n, base62_value_of_fours(fours.second), &n);
}

/// Where the first character is that is not in the alphabet; `text.size()` if all are.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_COLD constexpr std::size_t find_foreign(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size() && digits_in<Alphabet>[text[at]] != no_digit) ++at;
  return at;
}

[[nodiscard]] constexpr error base62_foreign_at(std::size_t position) noexcept {
  return {errc::bad_value, position, "quoin::base62: not a character of the alphabet"};
}

/// Why a text is not that of a number up to the one whose digits are `largest`: the first foreign
/// character, or else the first digit that is not 0 before those of `largest`, or else the first
/// that is above its own.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_COLD constexpr error base62_fault(std::string_view text,
                                                      std::string_view largest) noexcept {
  const std::size_t foreign = find_foreign<Alphabet>(text);
  if (foreign != text.size()) return base62_foreign_at(foreign);
  const std::size_t extra = text.size() > largest.size() ? text.size() - largest.size() : 0;
  std::size_t at = 0;
  while (at < extra && text[at] == Alphabet[0]) ++at;
  if (at == extra) {
    while (at + 1 < text.size() && text[at] == largest[at - extra]) ++at;
  }
  return {errc::bad_value, at, "quoin::base62: the number is too large"};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
