// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers and bytes in Crockford's digits.
#ifndef QUOIN_DETAIL_ID_BASE32_TEXT_HPP
#define QUOIN_DETAIL_ID_BASE32_TEXT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_crockford.hpp>
#include <quoin/detail/id_integer.hpp>
#include <quoin/detail/id_radix_numbers.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

/// The symbols of the numbers modulo 37.
inline constexpr char check_symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

/// The symbol that `c` stands for, small or another's alias; '\0' for none.
[[nodiscard]] constexpr char canonical_check_symbol(char c) noexcept {
  const unsigned value = crockford_values[c];
  if (value < crockford_hyphen) return check_symbols[value & crockford_digit];
  for (const char symbol : {'*', '~', '$', '=', 'U'}) {
    if (c == symbol) return c;
  }
  return c == 'u' ? 'U' : '\0';
}

/// `n` · 32 + `digit`; false where it does not fit.
[[nodiscard]] constexpr bool append_digit(std::uint64_t& n, unsigned digit) noexcept {
  if (n >> 59 != 0) return false;
  n = n << 5 | digit;
  return true;
}
[[nodiscard]] constexpr bool append_digit(uint128& n, unsigned digit) noexcept {
  if (n.hi >> 59 != 0) return false;
  n = {n.hi << 5 | n.lo >> 59, n.lo << 5 | digit};
  return true;
}

/// The numbers that `radix_numbers` wants.
struct base32_numbers {
  static constexpr auto alphabet = crockford_alphabet;
  static constexpr const char* name = "base32";
  static constexpr std::size_t width_64 = 13;
  static constexpr std::size_t width_128 = 26;

  /// The text of the largest number of `Size` bytes.
  template <std::size_t Size>
  [[nodiscard]] static constexpr std::string_view largest() noexcept {
    return Size == 8 ? "FZZZZZZZZZZZZ" : "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";
  }

  [[nodiscard]] static constexpr std::size_t width_of(std::uint64_t n) noexcept {
    return (static_cast<std::size_t>(std::bit_width(n | 1)) + 4) / 5;
  }

  static constexpr void write(char* out, std::uint64_t n) noexcept {
    put_crockford<width_64>(out, n >> 40, n & low_40_bits);
  }
  static constexpr void write(char* out, uint128 n) noexcept { put_crockford_128(out, n.hi, n.lo); }

  /// Reads 1 to 13 characters; false where one is not in the alphabet or the number is too large.
  [[nodiscard]] static constexpr bool read(const char* p, std::size_t size,
                                           std::uint64_t& n) noexcept {
    std::uint64_t high = 0, low = 0;
    const bool good =
        take_crockford<false>(pad_to_sixteen<crockford_alphabet>(p, size, size), high, low);
    n = high << 40 | low;
    return good && high >> 24 == 0;
  }
  /// The same for 1 to 26.
  [[nodiscard]] static constexpr bool read(const char* p, std::size_t size, uint128& n) noexcept {
    std::uint64_t first = 0, second = 0, third = 0, last = 0;
    bool good = true;
    if (size > 16) {
      const std::size_t head = size - 16;
      good =
          take_crockford<false>(pad_to_sixteen<crockford_alphabet>(p, head, size), first, second);
      p += head;
      size = 16;
    }
    good &= take_crockford<false>(pad_to_sixteen<crockford_alphabet>(p, size, size), third, last);
    n = {first << 56 | second << 16 | third >> 24, third << 40 | last};
    return good && first >> 8 == 0;
  }
};

/// The forms that only Crockford's numbers have, each for 64 and 128 bits.
class base32_reading : public radix_numbers<base32_numbers> {
 protected:
  [[nodiscard]] static constexpr char symbol(std::uint64_t n) noexcept {
    return check_symbols[static_cast<std::size_t>(n % 37)];
  }
  [[nodiscard]] static constexpr char symbol(uint128 n) noexcept {
    constexpr std::uint64_t carry = (~std::uint64_t{0} % 37 + 1) % 37;  // 2^64
    return symbol(n.hi % 37 * carry + n.lo % 37);
  }

  template <class Number>
  [[nodiscard]] static constexpr std::size_t write_checked(std::span<char> out, Number n) noexcept {
    if (out.empty()) return 0;
    const std::size_t size = encode_to(out.first(out.size() - 1), n);
    if (size == 0) return 0;
    out[size] = symbol(n);
    return size + 1;
  }

  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> any(std::string_view text) noexcept {
    Number n{};
    bool empty = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const unsigned value = crockford_values[text[i]];
      if (value == crockford_hyphen) continue;
      if (value == crockford_foreign) {
        return unexpected<error>(foreign_character(i));
      }
      if (!append_digit(n, value & crockford_digit)) {
        return unexpected<error>({errc::bad_value, i, "the number is too large"});
      }
      empty = false;
    }
    if (empty) return unexpected<error>({errc::truncated, text.size(), "no digits"});
    return n;
  }

  /// Whether `given` is the symbol of `n`, as the error that it is not.
  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> verified(const expected<Number, error>& n,
                                                                  char given,
                                                                  std::size_t position) noexcept {
    if (!n || symbol(*n) == given) return n;
    return unexpected<error>(
        {errc::checksum_mismatch, position, "the check symbol is that of another number"});
  }

  [[nodiscard]] static constexpr error no_symbol(std::size_t position) noexcept {
    return {errc::bad_value, position, "not a check symbol"};
  }

  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> checked(std::string_view text) noexcept {
    if (text.size() < 2) return unexpected<error>({errc::truncated, text.size(), "no digits"});
    const std::size_t last = text.size() - 1;
    if (text[last] == '\0' || canonical_check_symbol(text[last]) != text[last]) {
      return unexpected<error>(no_symbol(last));
    }
    return verified(read_minimal<Number>(text.substr(0, last)), text[last], last);
  }

  template <class Number>
  [[nodiscard]] static constexpr expected<Number, error> any_checked(
      std::string_view text) noexcept {
    std::size_t last = text.size();
    do {
      if (last == 0) return unexpected<error>({errc::truncated, text.size(), "no digits"});
      --last;
    } while (text[last] == '-');
    const char given = canonical_check_symbol(text[last]);
    if (given == '\0') return unexpected<error>(no_symbol(last));
    return verified(any<Number>(text.substr(0, last)), given, last);
  }
};

[[nodiscard]] constexpr std::size_t base32_width_of_bytes(std::size_t size) noexcept {
  return (size * 8 + 4) / 5;
}

/// The `size`, 1 to 5, bytes at `p` as a number, the first the highest.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint64_t base32_load(const Byte* p, std::size_t size) noexcept {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < size; ++i) n = n << 8 | static_cast<unsigned char>(p[i]);
  return n;
}

template <byte_like Byte>
constexpr void base32_store(Byte* p, std::uint64_t n, std::size_t size) noexcept {
  for (std::size_t i = size; i-- > 0; n >>= 8) {
    p[i] = static_cast<Byte>(static_cast<unsigned char>(n & 0xff));
  }
}

/// Writes the text of `size` bytes: five of them are eight digits, from the end on.
template <byte_like Byte>
constexpr void base32_write_bytes(char* out, const Byte* p, std::size_t size) noexcept {
  std::size_t at = size % 10;
  if (at != 0) {
    const std::size_t low = min_of<std::size_t>(at, 5), width = base32_width_of_bytes(at);
    char all[16] = {};
    put_crockford(all, base32_load(p, at - low), base32_load(p + at - low, low));
    for (std::size_t i = 0; i < width; ++i) out[i] = all[16 - width + i];
    out += width;
  }
  for (; at < size; at += 10, out += 16) {
    put_crockford(out, load_be<std::uint64_t>(p + at) >> 24,
                  load_be<std::uint64_t>(p + at + 2) & low_40_bits);
  }
}

/// Reads it; false, and `out` unspecified, where a character is not in the alphabet or the number is
/// too large.
template <byte_like Byte>
[[nodiscard]] constexpr bool base32_read_bytes(const char* p, Byte* out,
                                               std::size_t size) noexcept {
  std::size_t at = size % 10;
  bool good = true;
  std::uint64_t first = 0, second = 0;
  if (at != 0) {
    const std::size_t low = min_of<std::size_t>(at, 5), width = base32_width_of_bytes(at);
    good =
        take_crockford<false>(pad_to_sixteen<crockford_alphabet>(p, width, width), first, second);
    good &= (at <= 5 ? second >> (8 * at) == 0 : first >> (8 * (at - 5)) == 0);
    base32_store(out, first, at - low);
    base32_store(out + (at - low), second, low);
    p += width;
  }
  for (; at < size; at += 10, p += 16) {
    good &= take_crockford<false>({load_le<std::uint64_t>(p), load_le<std::uint64_t>(p + 8)}, first,
                                  second);
    store_be(out + at, first << 24 | second >> 16);
    store_be(out + at + 8, static_cast<std::uint16_t>(second & 0xffff));
  }
  return good;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
