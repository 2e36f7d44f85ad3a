// SPDX-License-Identifier: BSL-1.0
/// @file
/// Bytes and numbers as base58 text by Bitcoin's rule.
#ifndef QUOIN_DETAIL_ID_BASE58_BYTES_HPP
#define QUOIN_DETAIL_ID_BASE58_BYTES_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_base58_digits.hpp>
#include <quoin/detail/id_integer.hpp>
#include <quoin/detail/id_radix_numbers.hpp>
#include <quoin/detail/id_radix_words.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

template <byte_like Byte>
[[nodiscard]] constexpr std::size_t zero_bytes_in_front(const Byte* p, std::size_t size) noexcept {
  std::size_t zeros = 0;
  while (zeros < size && p[zeros] == Byte{}) ++zeros;
  return zeros;
}

/// Writes `zeros` zeros and the number without those that `all` has in front; returns how many
/// characters that is, and does nothing where `out` has no room for them. `all` has at most `Most`.
template <auto Alphabet, std::size_t Most>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::size_t base58_put(std::span<char> out,
                                                                   std::size_t zeros,
                                                                   std::string_view all) noexcept {
  all.remove_prefix(zeros_in_front<Alphabet>(all));
  const std::size_t size = zeros + all.size();
  if (size > out.size()) return 0;
  for (std::size_t i = 0; i < zeros; ++i) out[i] = Alphabet[0];
  copy_text<Most>(out.data() + zeros, all.data(), all.size());
  return size;
}

/// Writes `zeros` zero bytes and a number of limbs of 32 bits, the lowest first.
template <auto Alphabet, std::size_t Limbs>
[[nodiscard]] constexpr std::size_t base58_write_limbs(
    std::span<char> out, std::size_t zeros, const std::uint32_t (&limbs)[Limbs]) noexcept {
  char all[radix_width_of_bytes<58>(4 * Limbs)] = {};
  radix_write_limbs<Alphabet>(all, limbs);
  return base58_put<Alphabet, sizeof all>(out, zeros, {all, sizeof all});
}

/// The same for 4 · `Limbs` bytes at most.
template <auto Alphabet, std::size_t Limbs, byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::size_t base58_write_bytes(
    std::span<char> out, std::size_t zeros, const Byte* p, std::size_t size) noexcept {
  std::uint32_t limbs[Limbs] = {};
  for (std::size_t i = 0; size > 8 * i; ++i) {
    const std::size_t left = size - 8 * i;
    const std::uint64_t word = left >= 8 ? load_be<std::uint64_t>(p + left - 8)
                                         : byteswap(load_le_tail(p, left)) >> (64 - 8 * left);
    limbs[2 * i] = static_cast<std::uint32_t>(word);
    limbs[2 * i + 1] = static_cast<std::uint32_t>(word >> 32);
  }
  return base58_write_limbs<Alphabet>(out, zeros, limbs);
}

template <auto Alphabet>
[[nodiscard]] constexpr std::size_t base58_write_words(std::span<char> out, std::size_t zeros,
                                                       radix_words<58>& number,
                                                       std::size_t size) noexcept {
  char all[radix_max_text<58>] = {};
  const std::size_t width = radix_width_of_bytes<58>(size);
  radix_write_words<Alphabet>(all, width, number);
  return base58_put<Alphabet, sizeof all>(out, zeros, {all, width});
}

/// Writes up to `radix_max_bytes` bytes; returns how many characters that is, and does nothing where
/// `out` has no room for them.
template <auto Alphabet, byte_like Byte>
[[nodiscard]] constexpr std::size_t base58_write(std::span<char> out, const Byte* p,
                                                 std::size_t size) noexcept {
  const std::size_t zeros = zero_bytes_in_front(p, size);
  p += zeros;
  size -= zeros;
  if (size <= 16) return base58_write_bytes<Alphabet, 4>(out, zeros, p, size);
  if (size <= 32) return base58_write_bytes<Alphabet, 8>(out, zeros, p, size);
  if (size <= 64) return base58_write_bytes<Alphabet, 16>(out, zeros, p, size);
  radix_words<58> number(p, size);
  return base58_write_words<Alphabet>(out, zeros, number, size);
}

/// Not a number of bytes.
inline constexpr std::size_t base58_failed = ~std::size_t{0};

/// Where `zeros` zero bytes and the number of `words`, the lowest first, are `exactly` the bytes of
/// `out`, or at most those, writes them there and returns how many they are.
template <byte_like Byte>
[[nodiscard]] constexpr std::size_t base58_store(std::span<Byte> out, bool exactly,
                                                 std::size_t zeros, const std::uint64_t* words,
                                                 std::size_t count) noexcept {
  while (count > 0 && words[count - 1] == 0) --count;
  const std::size_t used =
      count == 0 ? 0 : 8 * count - static_cast<std::size_t>(std::countl_zero(words[count - 1])) / 8;
  const std::size_t size = zeros + used;
  if (size > out.size() || (exactly && size != out.size())) return base58_failed;
  for (std::size_t i = 0; i < zeros; ++i) out[i] = Byte{};
  if (used != 0) static_cast<void>(radix_store(out.data() + zeros, used, words, count));
  return size;
}

/// Reads up to 16 · `Blocks` characters; false, and `words` unspecified, where one is foreign.
template <auto Alphabet, std::size_t Blocks, std::size_t Count>
[[nodiscard]] constexpr bool base58_read_blocks(std::uint64_t (&words)[Count], const char* p,
                                                std::size_t size) noexcept {
  radix_horner<58> number{words, Count};
  bool good = true;
#pragma GCC unroll 6
  for (std::size_t block = Blocks; block > 0; --block) {
    radix_sixteen text{eight_zeros<Alphabet>, eight_zeros<Alphabet>}, fours{};
    if (size >= 16 * block) {
      const char* const at = p + (size - 16 * block);
      text = {load_le<std::uint64_t>(at), load_le<std::uint64_t>(at + 8)};
    } else if (size > 16 * (block - 1)) {
      text = pad_to_sixteen<Alphabet>(p, size - 16 * (block - 1), size);
    }
    good &= radix_kernel<58>::fours_of<Alphabet>(text, fours);
    number.append(join_fours<58>(fours.first));
    number.append(join_fours<58>(fours.second));
  }
  return good;
}

/// The same for any number.
template <auto Alphabet>
[[nodiscard]] constexpr bool base58_read_long(std::uint64_t* words, std::size_t count,
                                              const char* p, std::size_t size) noexcept {
  return radix_read_words<Alphabet>(p, size, words, count);
}

/// Reads a text of at most `radix_max_text` characters; returns how many bytes were written, or `base58_failed` where there is a foreign
/// character, or the bytes are not `exactly` those of `out`, or more than those.
template <auto Alphabet, byte_like Byte>
[[nodiscard]] constexpr std::size_t base58_read(std::span<Byte> out, bool exactly,
                                                std::string_view text) noexcept {
  constexpr auto words_of = &radix_horner<58>::words_of;
  const std::size_t zeros = zeros_in_front<Alphabet>(text);
  const char* const p = text.data() + zeros;
  const std::size_t size = text.size() - zeros;
  if (size <= 48) {
    std::uint64_t words[words_of(48)] = {};
    const bool good = size <= 32 ? base58_read_blocks<Alphabet, 2>(words, p, size)
                                 : base58_read_blocks<Alphabet, 3>(words, p, size);
    return good ? base58_store(out, exactly, zeros, words, words_of(48)) : base58_failed;
  }
  if (size <= 96) {
    std::uint64_t words[words_of(96)] = {};
    const bool good = base58_read_blocks<Alphabet, 6>(words, p, size);
    return good ? base58_store(out, exactly, zeros, words, words_of(96)) : base58_failed;
  }
  std::uint64_t words[words_of(radix_max_text<58>)] = {};
  const std::size_t count = words_of(size);
  const bool good = base58_read_long<Alphabet>(words, count, p, size);
  return good ? base58_store(out, exactly, zeros, words, count) : base58_failed;
}

/// The numbers that `radix_numbers` wants.
template <auto Alphabet>
struct base58_numbers {
  static constexpr auto alphabet = Alphabet;
  static constexpr const char* name = "base58";
  static constexpr std::size_t width_64 = radix_width_of_bytes<58>(8);
  static constexpr std::size_t width_128 = radix_width_of_bytes<58>(16);

  /// The text of the largest number of `Size` bytes.
  template <std::size_t Size>
  [[nodiscard]] static constexpr std::string_view largest() noexcept {
    return radix_largest<Alphabet, Size>;
  }

  [[nodiscard]] static constexpr std::size_t width_of(std::uint64_t n) noexcept {
    std::size_t width = 1;
    for (; n >= 58; n /= 58) ++width;
    return width;
  }

  static constexpr void write(char* out, std::uint64_t n) noexcept {
    const std::uint64_t head = n / radix_e8<58>;
    char all[16] = {};
    radix_kernel<58>::put_sixteen<Alphabet>(
        all, {pair_of_fours(0, head), split_eight<58>(n - head * radix_e8<58>)});
    for (std::size_t i = 0; i < width_64; ++i) out[i] = all[16 - width_64 + i];
  }
  static constexpr void write(char* out, uint128 n) noexcept {
    const std::uint32_t limbs[] = {
        static_cast<std::uint32_t>(n.lo), static_cast<std::uint32_t>(n.lo >> 32),
        static_cast<std::uint32_t>(n.hi), static_cast<std::uint32_t>(n.hi >> 32)};
    radix_write_limbs<Alphabet>(out, limbs);
  }

  [[nodiscard]] static constexpr bool read(const char* p, std::size_t size,
                                           std::uint64_t& n) noexcept {
    radix_sixteen fours{};
    const bool good =
        radix_kernel<58>::fours_of<Alphabet>(pad_to_sixteen<Alphabet>(p, size, size), fours);
    return good && !__builtin_mul_overflow(join_fours<58>(fours.first), radix_e8<58>, &n) &&
           !__builtin_add_overflow(n, join_fours<58>(fours.second), &n);
  }
  [[nodiscard]] static constexpr bool read(const char* p, std::size_t size, uint128& n) noexcept {
    std::uint64_t words[2] = {};
    if (!radix_read_words<Alphabet>(p, size, words, 2)) return false;
    n = {words[1], words[0]};
    return true;
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
