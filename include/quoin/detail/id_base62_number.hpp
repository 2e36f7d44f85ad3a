// SPDX-License-Identifier: BSL-1.0
/// @file
/// 64-bit numbers as base62 text: 11 digits written, 1 to 11 read.
#ifndef QUOIN_DETAIL_ID_BASE62_NUMBER_HPP
#define QUOIN_DETAIL_ID_BASE62_NUMBER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// Numbers at a time where there are many: 88 characters.
inline constexpr std::size_t base62_step = 8;

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

/// Reads 1 to 11 characters; false, and `n` unspecified, where one is not in the alphabet or the
/// number is beyond 64 bits.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_read(const char* p, std::size_t size,
                                                             std::uint64_t& n) noexcept {
  base62_sixteen fours{};
  if (size <= 8) {
    constexpr std::uint64_t zeros = in_each_byte(static_cast<unsigned char>(Alphabet[0]));
    const bool good =
        base62_fours_of<Alphabet>({zeros, pad_to_eight<Alphabet>(p, size, size)}, fours);
    n = base62_value_of_fours(fours.second);
    return good;
  }
  const bool good = base62_fours_of<Alphabet>(
      {pad_to_eight<Alphabet>(p, size - 8, size), load_le<std::uint64_t>(p + size - 8)}, fours);
  return good && !__builtin_mul_overflow(base62_value_of_fours(fours.first), base62_e8, &n) &&
         !__builtin_add_overflow(n, base62_value_of_fours(fours.second), &n);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
