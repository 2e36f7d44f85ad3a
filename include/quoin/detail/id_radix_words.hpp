// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers of more than 64 bits as text of another radix than a power of two. On the way out up to 128
/// bytes of certain sizes are a sum of powers, known in base radix^4 beforehand, and others are
/// divided by radix^8 again and again; on the way in all are multiplied by radix^8.
#ifndef QUOIN_DETAIL_ID_RADIX_WORDS_HPP
#define QUOIN_DETAIL_ID_RADIX_WORDS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

/// What this needs of a radix: `characters_per_byte`, ⌊2^32 · 8 / log2(radix)⌋;
/// `bits_per_thousand`, ⌈1000 · log2(radix)⌉; `put_sixteen` and `fours_of` between numbers below
/// radix^4 and characters.
template <std::size_t Radix>
struct radix_kernel;

template <auto Alphabet>
inline constexpr std::size_t radix_of = sizeof(Alphabet.characters);

template <std::size_t Radix>
inline constexpr std::uint32_t radix_e2 = static_cast<std::uint32_t>(Radix* Radix);
template <std::size_t Radix>
inline constexpr std::uint32_t radix_e4 = radix_e2<Radix>* radix_e2<Radix>;
template <std::size_t Radix>
inline constexpr std::uint64_t radix_e8 = std::uint64_t{radix_e4<Radix>} * radix_e4<Radix>;

/// Digits of the largest number of `size` bytes: the least w with radix^w ≥ 256^size. For sizes up
/// to 1024 no product comes near enough to an integer that its 32-bit fraction could round it away.
template <std::size_t Radix>
[[nodiscard]] constexpr std::size_t radix_width_of_bytes(std::size_t size) noexcept {
  constexpr std::uint64_t per_byte = radix_kernel<Radix>::characters_per_byte;
  return size == 0 ? 0 : static_cast<std::size_t>((size * per_byte >> 32) + 1);
}

inline constexpr std::size_t radix_max_bytes = 1024;
inline constexpr std::size_t radix_max_words = radix_max_bytes / 8;
template <std::size_t Radix>
inline constexpr std::size_t radix_max_text = radix_width_of_bytes<Radix>(radix_max_bytes);

/// Two numbers below radix^4 in the halves of a word.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t pair_of_fours(
    std::uint64_t first, std::uint64_t second) noexcept {
  return first | second << 32;
}

/// `n`, below radix^8, as two.
template <std::size_t Radix>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t split_eight(std::uint64_t n) noexcept {
  const std::uint64_t high = n / radix_e4<Radix>;
  return pair_of_fours(high, n - high * radix_e4<Radix>);
}

/// Back from two.
template <std::size_t Radix>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t join_fours(std::uint64_t fours) noexcept {
  return (fours & 0xffffffffu) * radix_e4<Radix> + (fours >> 32);
}

/// Division by radix^8, shifted up to bit 63.
template <std::size_t Radix>
struct radix_division {
  static constexpr unsigned shift = static_cast<unsigned>(std::countl_zero(radix_e8<Radix>));
  static constexpr std::uint64_t divisor = radix_e8<Radix> << shift;

  /// ⌊(2^128 − 1) / divisor⌋ − 2^64.
  static constexpr std::uint64_t reciprocal = [] {
    std::uint64_t quotient = 0;
    std::uint64_t rest = ~divisor;  // (2^128 − 1) − 2^64 · divisor, upper half
    for (int bit = 0; bit < 64; ++bit) {
      const bool carry = rest >> 63 != 0;
      rest = rest << 1 | 1;
      quotient <<= 1;
      if (carry || rest >= divisor) {
        rest -= divisor;
        quotient |= 1;
      }
    }
    return quotient;
  }();

  // With B = 2^64, a rest of d or more takes a product d · (B² − (B + reciprocal) · d) of
  // 2 d B − B² at least. Where it is less, the last step of the algorithm is never taken.
  static_assert(mul_high(divisor, ~(reciprocal* divisor) + 1) < 2 * divisor);

  /// Divides `high` · 2^64 + `low` by `divisor`, which is above `high`. Returns the quotient, and
  /// sets `high` to the rest. Möller, Granlund 2011, "Improved division by invariant integers",
  /// algorithm 4 without its last step.
  [[nodiscard]] static QUOIN_ALWAYS_INLINE constexpr std::uint64_t divide(
      std::uint64_t& high, std::uint64_t low) noexcept {
    const uint128_halves product = mul_full(high, reciprocal);
    const std::uint64_t fraction = product.lo + low;
    std::uint64_t quotient = product.hi + high + (fraction < low) + 1;
    std::uint64_t rest = low - quotient * divisor;
    const bool one_less = rest > fraction;
    quotient -= one_less;
    rest += one_less ? divisor : 0;
    high = rest;
    return quotient;
  }
};

/// The number of `size`, 1 to `radix_max_bytes`, bytes in words, the highest first.
template <std::size_t Radix>
struct radix_words {
  std::uint64_t words[radix_max_words];
  std::size_t count;
  std::size_t first = 0;  ///< the words before this one are 0

  template <byte_like Byte>
  constexpr radix_words(const Byte* p, std::size_t size) noexcept
      : count(ceil_div<std::size_t>(size, 8)) {
    const std::size_t head = size - (count - 1) * 8;  // 1 to 8
    words[0] = byteswap(load_le_tail(p, head)) >> (64 - 8 * head);
    for (std::size_t i = 1; i < count; ++i) {
      words[i] = load_be<std::uint64_t>(p + head + (i - 1) * 8);
    }
  }

  /// Divides by radix^32 and returns the rest in base radix^8, the lowest first. A division waits for
  /// that of the word before: four at a time wait together.
  constexpr void take(std::uint64_t (&eights)[4]) noexcept {
    using division = radix_division<Radix>;
    constexpr unsigned shift = division::shift;
    std::uint64_t rests[4] = {};  // · 2^shift, as the divisor is
    for (std::size_t i = first; i < count; ++i) {
      std::uint64_t word = words[i];
#pragma GCC unroll 4
      for (std::uint64_t& rest : rests) {
        rest |= word >> (64 - shift);
        word = division::divide(rest, word << shift);
      }
      words[i] = word;
    }
    for (std::size_t i = 0; i < 4; ++i) eights[i] = rests[i] >> shift;
    while (first + 1 < count && words[first] == 0) ++first;
  }
};

/// Writes a number in `end` characters, of which it has no more, and leaves nothing of it.
template <auto Alphabet>
constexpr void radix_write_words(char* out, std::size_t end,
                                 radix_words<radix_of<Alphabet>>& number) noexcept {
  constexpr std::size_t radix = radix_of<Alphabet>;
  const auto put = [&number](char* text) noexcept {
    std::uint64_t eights[4] = {};
    number.take(eights);
    for (std::size_t i = 0; i < 4; i += 2) {
      radix_kernel<radix>::template put_sixteen<Alphabet>(
          text + 16 - 8 * i, {split_eight<radix>(eights[i + 1]), split_eight<radix>(eights[i])});
    }
  };
  for (; end >= 32; end -= 32) put(out + end - 32);
  if (end == 0) return;
  char head[32] = {};
  put(head);
  for (std::size_t i = 0; i < end; ++i) out[i] = head[32 - end + i];
}

/// Writes the text of 1 to `radix_max_bytes` bytes in its full width.
template <auto Alphabet, byte_like Byte>
constexpr void radix_write_any(char* out, const Byte* p, std::size_t size) noexcept {
  radix_words<radix_of<Alphabet>> number(p, size);
  radix_write_words<Alphabet>(out, radix_width_of_bytes<radix_of<Alphabet>>(size), number);
}

template <auto Alphabet, std::size_t Size>
struct radix_largest_text {
  char text[radix_width_of_bytes<radix_of<Alphabet>>(Size)] = {};

  constexpr radix_largest_text() noexcept {
    unsigned char bytes[Size] = {};
    for (unsigned char& byte : bytes) byte = 0xff;
    radix_write_any<Alphabet>(text, bytes, Size);
  }
  constexpr operator std::string_view() const noexcept { return {text, sizeof text}; }
};

/// The text of the largest number of `Size` bytes.
template <auto Alphabet, std::size_t Size>
inline constexpr radix_largest_text<Alphabet, Size> radix_largest{};

/// The powers 2^(32 i) in digits of base radix^4, the lowest first.
template <std::size_t Radix, std::size_t Limbs>
struct radix_matrix {
  static constexpr std::size_t width = radix_width_of_bytes<Radix>(4 * Limbs);
  static constexpr std::size_t columns = ceil_div<std::size_t>(width, 4);
  std::uint32_t rows[Limbs][columns] = {{1}};
  std::size_t used[Limbs] = {1};  ///< the columns from here on are 0

  constexpr radix_matrix() noexcept {
    for (std::size_t i = 1; i < Limbs; ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < columns; ++j) {
        carry += std::uint64_t{rows[i - 1][j]} << 32;
        rows[i][j] = static_cast<std::uint32_t>(carry % radix_e4<Radix>);
        carry /= radix_e4<Radix>;
        if (rows[i][j] != 0) used[i] = j + 1;
      }
    }
  }
};

template <std::size_t Radix, std::size_t Limbs>
inline constexpr radix_matrix<Radix, Limbs> radix_matrix_of{};

/// Writes a number of `Limbs` ≤ 32 limbs of 32 bits, the lowest first, in its full width, which is
/// 16 at least. A sum of products in each column, then carries: below 2^61, as limbs · 2^32 ·
/// radix^4 is.
template <auto Alphabet, std::size_t Limbs>
QUOIN_ALWAYS_INLINE constexpr void radix_write_limbs(char* out,
                                                     const std::uint32_t (&limbs)[Limbs]) noexcept {
  constexpr std::size_t radix = radix_of<Alphabet>;
  using kernel = radix_kernel<radix>;
  constexpr const radix_matrix<radix, Limbs>& matrix = radix_matrix_of<radix, Limbs>;
  constexpr std::size_t width = matrix.width, columns = matrix.columns;
  std::uint64_t sums[columns] = {};
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Limbs; ++i) {
#pragma GCC unroll 32
    for (std::size_t j = 0; j < matrix.used[i]; ++j) {
      sums[j] += std::uint64_t{limbs[i]} * matrix.rows[i][j];
    }
  }
  std::uint64_t fours[ceil_div<std::size_t>(columns, 4) * 4] = {};
  std::uint64_t carry = 0;
#pragma GCC unroll 32
  for (std::size_t j = 0; j < columns; ++j) {
    const std::uint64_t sum = sums[j] + carry;
    carry = sum / radix_e4<radix>;
    fours[j] = sum - carry * radix_e4<radix>;
  }
  constexpr std::size_t head = (width - 1) % 16 + 1;
  const auto sixteen = [&fours](std::size_t j) noexcept -> radix_sixteen {
    return {pair_of_fours(fours[j + 3], fours[j + 2]), pair_of_fours(fours[j + 1], fours[j])};
  };
  kernel::template put_sixteen<Alphabet, 16 - head>(out, sixteen((width - head) / 4));
#pragma GCC unroll 6
  for (std::size_t at = head; at < width; at += 16) {
    kernel::template put_sixteen<Alphabet>(out + at, sixteen((width - at) / 4 - 4));
  }
}

/// Writes the text of 4 · `Limbs` bytes, the first of them the highest, in its full width.
template <auto Alphabet, std::size_t Limbs, byte_like Byte>
constexpr void radix_write_bytes(char* out, const Byte* p) noexcept {
  std::uint32_t limbs[Limbs] = {};
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Limbs; ++i) {
    limbs[i] = load_be<std::uint32_t>(p + 4 * (Limbs - 1 - i));
  }
  radix_write_limbs<Alphabet>(out, limbs);
}

/// A number that grows by eight digits at a time: words, the lowest first.
template <std::size_t Radix>
struct radix_horner {
  std::uint64_t* words;
  std::size_t count;
  std::size_t digits = 0;
  std::uint64_t beyond = 0;  ///< not 0 where the number does not fit

  [[nodiscard]] static constexpr std::size_t words_of(std::size_t digits) noexcept {
    return (digits * radix_kernel<Radix>::bits_per_thousand / 1000 + 64) / 64;
  }

  QUOIN_ALWAYS_INLINE constexpr void append(std::uint64_t eight_digits) noexcept {
    std::uint64_t carry = eight_digits;
    const std::size_t used = digits == 0 ? 0 : min_of(words_of(digits), count);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < used; ++i) {
      uint128_halves product = mul_full(words[i], radix_e8<Radix>);
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
template <auto Alphabet>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool radix_read_words(const char* p, std::size_t size,
                                                                  std::uint64_t* words,
                                                                  std::size_t count) noexcept {
  constexpr std::size_t radix = radix_of<Alphabet>;
  using kernel = radix_kernel<radix>;
  radix_horner<radix> number{words, count};
  const std::size_t head = (size - 1) % 16 + 1;
  radix_sixteen fours{};
  bool good = kernel::template fours_of<Alphabet>(pad_to_sixteen<Alphabet>(p, head, size), fours);
  if (head > 8) number.append(join_fours<radix>(fours.first));
  number.append(join_fours<radix>(fours.second));
#pragma GCC unroll 3
  for (std::size_t at = head; at < size; at += 16) {
    good &= kernel::template fours_of<Alphabet>(
        {load_le<std::uint64_t>(p + at), load_le<std::uint64_t>(p + at + 8)}, fours);
    number.append(join_fours<radix>(fours.first));
    number.append(join_fours<radix>(fours.second));
  }
  return good && number.beyond == 0;
}

/// Writes the number of `count` words, the lowest first, as `size` bytes; false where it is larger.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr bool radix_store(Byte* out, std::size_t size,
                                                             const std::uint64_t* words,
                                                             std::size_t count) noexcept {
  const std::size_t head = size - (count - 1) * 8;
  const std::uint64_t high = words[count - 1];
  if (head < 8 && high >> (8 * head) != 0) return false;
  if (head == 8) {
    store_be(out, high);
  } else {
    for (std::size_t i = 0; i < head; ++i) {
      out[i] = static_cast<Byte>(static_cast<unsigned char>(high >> (8 * (head - 1 - i)) & 0xff));
    }
  }
  for (std::size_t i = 1; i < count; ++i) {
    store_be(out + head + (i - 1) * 8, words[count - 1 - i]);
  }
  return true;
}

/// Reads the text of `Size` bytes, of which it has the width; false, and `out` unspecified, where a
/// character is not in the alphabet or the number is too large.
template <auto Alphabet, std::size_t Size, byte_like Byte>
[[nodiscard]] constexpr bool radix_read_bytes(const char* text, Byte* out) noexcept {
  constexpr std::size_t count = ceil_div<std::size_t>(Size, 8);
  std::uint64_t words[count] = {};
  return radix_read_words<Alphabet>(text, radix_width_of_bytes<radix_of<Alphabet>>(Size), words,
                                    count) &&
         radix_store(out, Size, words, count);
}

/// The same for 1 to `radix_max_bytes` bytes.
template <auto Alphabet, byte_like Byte>
[[nodiscard]] constexpr bool radix_read_any(const char* text, Byte* out,
                                            std::size_t size) noexcept {
  const std::size_t count = ceil_div<std::size_t>(size, 8);
  std::uint64_t words[radix_max_words] = {};
  return radix_read_words<Alphabet>(text, radix_width_of_bytes<radix_of<Alphabet>>(size), words,
                                    count) &&
         radix_store(out, size, words, count);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
