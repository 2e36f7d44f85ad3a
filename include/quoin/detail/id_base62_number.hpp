// SPDX-License-Identifier: BSL-1.0
/// @file
/// 64-bit numbers as base62 text: 11 digits written, 1 to 11 read.
#ifndef QUOIN_DETAIL_ID_BASE62_NUMBER_HPP
#define QUOIN_DETAIL_ID_BASE62_NUMBER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// Numbers at a time where there are many: 88 characters.
inline constexpr std::size_t base62_step = 8;

/// The powers of 62, up to the largest below 2^64.
struct base62_powers {
  std::uint64_t of[base62_width_64] = {1};

  constexpr base62_powers() noexcept {
    for (std::size_t i = 1; i < base62_width_64; ++i) of[i] = of[i - 1] * 62;
  }
};

inline constexpr base62_powers base62_power;

/// The digits of `n` without zeros in front, at least 1.
[[nodiscard]] constexpr std::size_t base62_width_of(std::uint64_t n) noexcept {
  // log62(2) is 42.995 / 256, and between two powers of 2 there is one of 62 at
  // most.
  const auto above = static_cast<std::size_t>(std::bit_width(n | 1)) * 43 / 256;
  return above + ((n | 1) >= base62_power.of[above]);
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

/// Writes the `count` = 1 to 3 characters of `n`: few enough for a table, and without a branch.
template <base62_alphabet Alphabet>
QUOIN_ALWAYS_INLINE constexpr void base62_write_short(char* out, std::uint32_t n,
                                                      std::size_t count) noexcept {
  const std::uint32_t first = n / base62_e2, pair = n - first * base62_e2, second = pair / 62;
  const auto character = [](std::uint32_t digit) noexcept {
    return std::uint32_t{static_cast<unsigned char>(Alphabet[digit])};
  };
  const std::uint32_t last = character(pair - second * 62);
  const std::uint32_t three = character(first) | character(second) << 8 | last << 16;
  const std::uint32_t text = three >> (8 * (3 - count));
  out[0] = static_cast<char>(text & 0xff);
  out[count / 2] = static_cast<char>(text >> (8 * (count / 2)) & 0xff);
  out[count - 1] = static_cast<char>(last);
}

/// Writes the last `count` = 1 to 11 of the 11 characters of `n`, which has no more digits.
template <base62_alphabet Alphabet>
QUOIN_ALWAYS_INLINE constexpr void base62_write_last(char* out, std::uint64_t n,
                                                     std::size_t count) noexcept {
  if (count < 4) return base62_write_short<Alphabet>(out, static_cast<std::uint32_t>(n), count);
  // Stored at once, so that what is read back, wherever in it, need not wait for the cache; and
  // without a branch, as lengths are not to be foreseen.
  char all[16] = {};
  base62_put_sixteen<Alphabet>(all, base62_split(n));
  const char* const from = all + 16 - count;
  const std::size_t middle = max_of<std::size_t>(count, 8) - 8;
  const auto first_four = load_le<std::uint32_t>(from);
  const auto middle_four = load_le<std::uint32_t>(from + middle);
  const auto last_four = load_le<std::uint32_t>(all + 12);
  store_le(out, first_four);
  store_le(out + middle, middle_four);
  store_le(out + count - 4, last_four);
}

/// The `size`, 4 to 8, characters at `p` as the last of eight, after characters of digit 0. Without a
/// branch, as lengths are not to be foreseen.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_to_eight(
    const char* p, std::size_t size) noexcept {
  const std::uint64_t first = load_le<std::uint32_t>(p);
  const std::uint64_t last = load_le<std::uint32_t>(p + size - 4);
  constexpr std::uint64_t zeros = eight_zeros<Alphabet> & 0xffffffffu;
  return (((first ^ zeros) << (8 * (8 - size)) ^ zeros) & 0xffffffffu) | last << 32;
}

/// What comes before the last eight of the `size`, 9 to 11, characters at `p`, in the same way.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_before_eight(
    const char* p, std::size_t size) noexcept {
  constexpr std::uint64_t zeros = eight_zeros<Alphabet>;
  return (load_le<std::uint64_t>(p) ^ zeros) << (8 * (16 - size)) ^ zeros;
}

/// What the first and the second of 1 to 3 digits count for, beside the last.
inline constexpr std::uint32_t base62_weights[4][2] = {{0, 0}, {0, 0}, {62, 0}, {base62_e2, 62}};

/// Reads 1 to 3 characters, as `base62_read` does: few enough for a table, and without a branch.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_read_short(const char* p, std::size_t size,
                                                                   std::uint64_t& n) noexcept {
  const std::uint32_t first = digits_in<Alphabet>[p[0]];
  const std::uint32_t second = digits_in<Alphabet>[p[size / 2]];
  const std::uint32_t last = digits_in<Alphabet>[p[size - 1]];
  n = first * base62_weights[size][0] + second * base62_weights[size][1] + last;
  return (first | second | last) != no_digit;
}

/// Reads 1 to 11 characters; false, and `n` unspecified, where one is not in the alphabet or the
/// number is beyond 64 bits.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_read(const char* p, std::size_t size,
                                                             std::uint64_t& n) noexcept {
  if (size < 4) return base62_read_short<Alphabet>(p, size, n);
  base62_sixteen eights{};
  if (size <= 8) {
    const bool good = base62_eights_of<Alphabet>(
        {eight_zeros<Alphabet>, base62_to_eight<Alphabet>(p, size)}, eights);
    n = eights.second;
    return good;
  }
  const bool good = base62_eights_of<Alphabet>(
      {base62_before_eight<Alphabet>(p, size), load_le<std::uint64_t>(p + size - 8)}, eights);
  return good && !__builtin_mul_overflow(eights.first, base62_e8, &n) &&
         !__builtin_add_overflow(n, eights.second, &n);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
