// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers of more than 64 bits as base62 text. On the way out the usual sizes are a sum of powers,
/// known in base 62^4 beforehand, and others are divided by 62^8 again and again; on the way in all
/// are multiplied by 62^8.
#ifndef QUOIN_DETAIL_ID_BASE62_WORDS_HPP
#define QUOIN_DETAIL_ID_BASE62_WORDS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_number.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

/// Digits of the largest number of `size` bytes: the least w with 62^w ≥ 256^size. For sizes up to
/// 1024 no product comes near enough to an integer that its 32-bit fraction could round it away.
[[nodiscard]] constexpr std::size_t base62_width_of_bytes(std::size_t size) noexcept {
  constexpr std::uint64_t per_byte = 5'770'676'104;  // ⌊2^32 · 8 / log2(62)⌋
  return size == 0 ? 0 : static_cast<std::size_t>((size * per_byte >> 32) + 1);
}

inline constexpr std::size_t base62_max_bytes = 1024;
inline constexpr std::size_t base62_max_words = base62_max_bytes / 8;
inline constexpr std::size_t base62_max_text = base62_width_of_bytes(base62_max_bytes);

/// 62^8 with its highest bit in bit 63, and ⌊(2^128 − 1) / that⌋ − 2^64.
inline constexpr unsigned base62_shift = 16;
inline constexpr std::uint64_t base62_divisor = base62_e8 << base62_shift;
inline constexpr std::uint64_t base62_reciprocal = [] {
  std::uint64_t quotient = 0;
  std::uint64_t rest = ~base62_divisor;  // (2^128 − 1) − 2^64 · divisor, upper half
  for (int bit = 0; bit < 64; ++bit) {
    const bool carry = rest >> 63 != 0;
    rest = rest << 1 | 1;
    quotient <<= 1;
    if (carry || rest >= base62_divisor) {
      rest -= base62_divisor;
      quotient |= 1;
    }
  }
  return quotient;
}();

/// Divides `high` · 2^64 + `low` by `base62_divisor`, which is above `high`. Returns the quotient,
/// and sets `high` to the rest. Möller, Granlund 2011, "Improved division by invariant integers",
/// algorithm 4 without its last step: with B = 2^64, a rest of d or more takes a product
/// d · (B² − (B + reciprocal) · d) of 2 d B − B² at least, and that is 0.04 B² here against 0.55 B².
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t base62_divide(
    std::uint64_t& high, std::uint64_t low) noexcept {
  const uint128_halves product = mul_full(high, base62_reciprocal);
  const std::uint64_t fraction = product.lo + low;
  std::uint64_t quotient = product.hi + high + (fraction < low) + 1;
  std::uint64_t rest = low - quotient * base62_divisor;
  const bool one_less = rest > fraction;
  quotient -= one_less;
  rest += one_less ? base62_divisor : 0;
  high = rest;
  return quotient;
}

/// The number of `size`, 1 to `base62_max_bytes`, bytes in words, the highest first.
struct base62_words {
  std::uint64_t words[base62_max_words];
  std::size_t count;
  std::size_t first = 0;  ///< the words before this one are 0

  template <byte_like Byte>
  constexpr base62_words(const Byte* p, std::size_t size) noexcept
      : count(ceil_div<std::size_t>(size, 8)) {
    const std::size_t head = size - (count - 1) * 8;  // 1 to 8
    words[0] = byteswap(load_le_tail(p, head)) >> (64 - 8 * head);
    for (std::size_t i = 1; i < count; ++i) {
      words[i] = load_be<std::uint64_t>(p + head + (i - 1) * 8);
    }
  }

  /// Divides by 62^8 and returns the rest.
  [[nodiscard]] constexpr std::uint64_t take_eight_digits() noexcept {
    std::uint64_t rest = 0;  // · 2^16, as the divisor is
    if (words[first] < base62_e8 && first + 1 < count) rest = words[first++] << base62_shift;
    for (std::size_t i = first; i < count; ++i) {
      const std::uint64_t word = words[i];
      rest |= word >> (64 - base62_shift);
      words[i] = base62_divide(rest, word << base62_shift);
    }
    return rest >> base62_shift;
  }
};

/// Writes the text of 1 to `base62_max_bytes` bytes.
template <base62_alphabet Alphabet, byte_like Byte>
constexpr void base62_write_any(char* out, const Byte* p, std::size_t size) noexcept {
  base62_words number(p, size);
  std::size_t end = base62_width_of_bytes(size);
  for (; end > 8; end -= 8) {
    const std::uint64_t fours = base62_fours(number.take_eight_digits());
    store_le(out + end - 8, base62_characters<Alphabet>(base62_digits(fours)));
  }
  const std::uint64_t fours = base62_fours(number.words[number.count - 1]);
  const std::uint64_t text = base62_characters<Alphabet>(base62_digits(fours)) >> (8 * (8 - end));
  for (std::size_t i = 0; i < end; ++i) out[i] = static_cast<char>(text >> (8 * i) & 0xff);
}

template <base62_alphabet Alphabet, std::size_t Size>
struct base62_largest_text {
  char text[base62_width_of_bytes(Size)] = {};

  constexpr base62_largest_text() noexcept {
    unsigned char bytes[Size] = {};
    for (unsigned char& byte : bytes) byte = 0xff;
    base62_write_any<Alphabet>(text, bytes, Size);
  }
  constexpr operator std::string_view() const noexcept { return {text, sizeof text}; }
};

/// The text of the largest number of `Size` bytes.
template <base62_alphabet Alphabet, std::size_t Size>
inline constexpr base62_largest_text<Alphabet, Size> base62_largest{};

/// The powers 2^(32 i) in digits of base 62^4, the lowest first.
template <std::size_t Limbs>
struct base62_matrix {
  static constexpr std::size_t width = base62_width_of_bytes(4 * Limbs);
  static constexpr std::size_t columns = ceil_div<std::size_t>(width, 4);
  std::uint32_t rows[Limbs][columns] = {{1}};
  std::size_t used[Limbs] = {1};  ///< the columns from here on are 0

  constexpr base62_matrix() noexcept {
    for (std::size_t i = 1; i < Limbs; ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < columns; ++j) {
        carry += std::uint64_t{rows[i - 1][j]} << 32;
        rows[i][j] = static_cast<std::uint32_t>(carry % base62_e4);
        carry /= base62_e4;
        if (rows[i][j] != 0) used[i] = j + 1;
      }
    }
  }
};

template <std::size_t Limbs>
inline constexpr base62_matrix<Limbs> base62_matrix_of{};

/// Writes a number of `Limbs` ≤ 32 limbs of 32 bits, the lowest first, in its full width, which is
/// 16 at least. A sum of products in each column, then carries: below 2^61, as limbs · 2^32 · 62^4
/// is.
template <base62_alphabet Alphabet, std::size_t Limbs>
QUOIN_ALWAYS_INLINE constexpr void base62_write_limbs(
    char* out, const std::uint32_t (&limbs)[Limbs]) noexcept {
  constexpr const base62_matrix<Limbs>& matrix = base62_matrix_of<Limbs>;
  constexpr std::size_t width = matrix.width, columns = matrix.columns;
  std::uint64_t sums[columns] = {};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Limbs; ++i) {
#pragma GCC unroll 16
    for (std::size_t j = 0; j < matrix.used[i]; ++j) {
      sums[j] += std::uint64_t{limbs[i]} * matrix.rows[i][j];
    }
  }
  std::uint64_t fours[ceil_div<std::size_t>(columns, 4) * 4] = {};
  std::uint64_t carry = 0;
#pragma GCC unroll 16
  for (std::size_t j = 0; j < columns; ++j) {
    const std::uint64_t sum = sums[j] + carry;
    carry = sum / base62_e4;
    fours[j] = sum - carry * base62_e4;
  }
  constexpr std::size_t head = (width - 1) % 16 + 1;
  const auto sixteen = [&fours](std::size_t j) noexcept -> base62_sixteen {
    return {base62_fours(fours[j + 3], fours[j + 2]), base62_fours(fours[j + 1], fours[j])};
  };
  base62_put_sixteen<Alphabet, 16 - head>(out, sixteen((width - head) / 4));
#pragma GCC unroll 4
  for (std::size_t at = head; at < width; at += 16) {
    base62_put_sixteen<Alphabet>(out + at, sixteen((width - at) / 4 - 4));
  }
}

/// Writes the text of 4 · `Limbs` bytes, the first of them the highest.
template <base62_alphabet Alphabet, std::size_t Limbs, byte_like Byte>
constexpr void base62_write_bytes(char* out, const Byte* p) noexcept {
  std::uint32_t limbs[Limbs] = {};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Limbs; ++i) {
    limbs[i] = load_be<std::uint32_t>(p + 4 * (Limbs - 1 - i));
  }
  base62_write_limbs<Alphabet>(out, limbs);
}

/// A number that grows by eight digits at a time: words, the lowest first.
struct base62_horner {
  std::uint64_t* words;
  std::size_t count;
  std::size_t digits = 0;
  std::uint64_t beyond = 0;  ///< not 0 where the number does not fit

  [[nodiscard]] static constexpr std::size_t words_of(std::size_t digits) noexcept {
    return (digits * 5955 / 1000 + 64) / 64;  // log2(62) = 5.9542
  }

  QUOIN_ALWAYS_INLINE constexpr void append(std::uint64_t eight_digits) noexcept {
    std::uint64_t carry = eight_digits;
    const std::size_t used = digits == 0 ? 0 : min_of(words_of(digits), count);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < used; ++i) {
      uint128_halves product = mul_full(words[i], base62_e8);
      product.lo += carry;
      carry = product.hi + (product.lo < carry);
      words[i] = product.lo;
    }
    digits += 8;
    if (used < min_of(words_of(digits), count)) {
      words[used] = carry;
    } else {
      beyond |= carry;
    }
  }
};

/// Reads `size` ≥ 1 characters into the `count` words, which are 0, the lowest first; false, and
/// `words` unspecified, where one is not in the alphabet or the number does not fit.
template <base62_alphabet Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_read_words(const char* p, std::size_t size,
                                                                   std::uint64_t* words,
                                                                   std::size_t count) noexcept {
  constexpr std::uint64_t zeros = in_each_byte(static_cast<unsigned char>(Alphabet[0]));
  base62_horner number{words, count};
  const std::size_t head = (size - 1) % 8 + 1;
  const std::uint64_t padded = base62_padded<Alphabet>(p, head, size);
  std::size_t at = head;
  base62_sixteen fours{};
  bool good = true;
  if ((size - head) % 16 == 0) {
    good = base62_fours_of<Alphabet>({zeros, padded}, fours);
  } else {
    good = base62_fours_of<Alphabet>({padded, load_le<std::uint64_t>(p + at)}, fours);
    number.append(base62_value_of_fours(fours.first));
    at += 8;
  }
  number.append(base62_value_of_fours(fours.second));
#pragma GCC unroll 3
  for (; at < size; at += 16) {
    good &= base62_fours_of<Alphabet>(
        {load_le<std::uint64_t>(p + at), load_le<std::uint64_t>(p + at + 8)}, fours);
    number.append(base62_value_of_fours(fours.first));
    number.append(base62_value_of_fours(fours.second));
  }
  return good && number.beyond == 0;
}

/// Writes the number of `count` words, the lowest first, as `size` bytes; false where it is larger.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool base62_store(Byte* out, std::size_t size,
                                                              const std::uint64_t* words,
                                                              std::size_t count) noexcept {
  const std::size_t head = size - (count - 1) * 8;
  const std::uint64_t high = words[count - 1];
  if (head < 8 && high >> (8 * head) != 0) return false;
  for (std::size_t i = 0; i < head; ++i) {
    out[i] = static_cast<Byte>(static_cast<unsigned char>(high >> (8 * (head - 1 - i)) & 0xff));
  }
  for (std::size_t i = 1; i < count; ++i) {
    store_be(out + head + (i - 1) * 8, words[count - 1 - i]);
  }
  return true;
}

/// Reads the text of `Size` bytes, of which it has the width; false, and `out` unspecified, where a
/// character is not in the alphabet or the number is too large.
template <base62_alphabet Alphabet, std::size_t Size, byte_like Byte>
[[nodiscard]] constexpr bool base62_read_bytes(const char* text, Byte* out) noexcept {
  constexpr std::size_t count = ceil_div<std::size_t>(Size, 8);
  std::uint64_t words[count] = {};
  return base62_read_words<Alphabet>(text, base62_width_of_bytes(Size), words, count) &&
         base62_store(out, Size, words, count);
}

/// The same for 1 to `base62_max_bytes` bytes.
template <base62_alphabet Alphabet, byte_like Byte>
[[nodiscard]] constexpr bool base62_read_any(const char* text, Byte* out,
                                             std::size_t size) noexcept {
  const std::size_t count = ceil_div<std::size_t>(size, 8);
  std::uint64_t words[base62_max_words] = {};
  return base62_read_words<Alphabet>(text, base62_width_of_bytes(size), words, count) &&
         base62_store(out, size, words, count);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
