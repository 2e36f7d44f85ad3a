// SPDX-License-Identifier: BSL-1.0
/// @file
/// Base58: bytes, and numbers, in letters and digits of which none is taken for another.
///
/// Use it for what speaks it: Bitcoin's addresses and keys, Solana's public keys and signatures, IPFS'
/// identifiers, short ids as of Flickr. For ids of your own `base62` is as short, quicker, and knows a
/// width that sorts.
///
/// Guarantee   one text for each byte string, and decoding accepts no other. Each zero byte in front
///             is the alphabet's first character ('1'), the rest a number without zeros in front.
/// Cost        some 40 ns for 32 bytes, see docs/benchmarks.md. Nothing is allocated but by the forms
///             that return a `std::string` or `std::vector`.
/// Threads     pure functions.
/// Bytes       docs/formats.md#base58. All but the forms that allocate also in constant expressions.
/// Source      Bitcoin Core's base58.cpp; draft-msporny-base58-03.
///
/// Base58Check is four more bytes before encoding, the first of SHA-256 of SHA-256 of the rest; that
/// hash is the caller's.
///
/// @code
/// std::string text = quoin::base58::encode_bytes(public_key);            // 32 bytes, 32 to 44 characters
/// std::array<std::byte, 32> key;
/// if (auto done = quoin::base58::decode_bytes_to(std::span(key), text)) …  // exactly 32
/// std::string id = quoin::flickr_base58::encode(3'000'000'000);
/// @endcode
#ifndef QUOIN_ID_BASE58_HPP
#define QUOIN_ID_BASE58_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_base58_bytes.hpp>
#include <quoin/detail/id_radix_numbers.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// 58 characters in the order of their digits: distinct, printable ASCII.
using base58_alphabet = radix_alphabet<58>;

/// The default: digits, capitals and small letters without 0, I, O and l; in the order of ASCII.
inline constexpr base58_alphabet bitcoin_digits{
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"};
/// The same with the small letters first.
inline constexpr base58_alphabet flickr_digits{
    "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"};
/// The same in the order that makes addresses of XRP begin with an r.
inline constexpr base58_alphabet ripple_digits{
    "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"};

/// Base58 in a given alphabet: one of the three above, or any other as a string literal,
/// `basic_base58<"…">`. Numbers of 64 and 128 bits are as in `base62`: minimal, or of a fixed width
/// that keeps zeros in front; they are not bytes, and their zeros are not counted.
template <base58_alphabet Alphabet>
class basic_base58 : public detail::radix_numbers<detail::base58_numbers<Alphabet>> {
  static_assert(Alphabet.valid(),
                "quoin::basic_base58: an alphabet has 58 distinct printable ASCII characters");

 public:
  /// The longest byte string. Up to 64 bytes are fast; the cost of more grows as the square.
  static constexpr std::size_t max_bytes = detail::radix_max_bytes;

  /// The characters of the longest text of `size` ≤ `max_bytes` bytes: the least w with
  /// 58^w ≥ 256^size. The shortest, of zeros alone, has `size`.
  [[nodiscard]] static constexpr std::size_t max_width_of_bytes(std::size_t size) noexcept {
    return detail::radix_width_of_bytes<58>(size);
  }

  /// Writes the text of `bytes` to the start of `out`.
  /// @param bytes  any contiguous range of a byte type but arrays of `char`; must not overlap `out`
  /// @return how many characters were written; 0, and `out` untouched, where they do not fit, which
  ///         `max_width_of_bytes(bytes.size())` always do, or `bytes` are more than `max_bytes` (or
  ///         none)
  template <detail::byte_range Bytes>
  [[nodiscard]] static constexpr std::size_t encode_bytes_to(std::span<char> out,
                                                             const Bytes& bytes) noexcept {
    const auto view = detail::bytes_of(bytes);
    if (view.size > max_bytes) return 0;
    return detail::base58_write<Alphabet>(out, view.data, view.size);
  }

  /// The text of `bytes`. More than `max_bytes` are a caller's mistake.
  template <detail::byte_range Bytes>
  [[nodiscard]] static std::string encode_bytes(const Bytes& bytes) {
    const std::size_t size = detail::bytes_of(bytes).size;
    if (size > max_bytes) {
      detail::fail_argument("base58::encode_bytes", "bytes.size()", size, "at most 1024");
    }
    std::string text(max_width_of_bytes(size), Alphabet[0]);
    text.resize(encode_bytes_to(text, bytes));
    return text;
  }

  /// Text, which ends at its first zero, or bytes, of which some are zeros? Say `std::string_view` or
  /// `std::span`.
  template <std::size_t Size>
  static std::size_t encode_bytes_to(std::span<char> out, const char (&bytes)[Size]) = delete;
  template <std::size_t Size>
  static std::string encode_bytes(const char (&bytes)[Size]) = delete;

  /// Reads the text of exactly `out.size()` bytes into `out`, which is unspecified after an error: a
  /// text longer than any of so many bytes (`errc::trailing_bytes`), a foreign character, more bytes
  /// (`errc::bad_value`, at the first digit that is too large), fewer (`errc::truncated`, at the end).
  /// @param out  at most `max_bytes`, more are a caller's mistake; must not overlap `text`
  /// @return `out.size()`
  template <detail::byte_like Byte, std::size_t Extent>
  [[nodiscard]] static constexpr expected<std::size_t, error> decode_bytes_to(
      std::span<Byte, Extent> out, std::string_view text) {
    return read(std::span<Byte>(out), true, text);
  }

  /// The same for at most `out.size()` bytes.
  /// @return how many there are, from the start of `out` on
  template <detail::byte_like Byte, std::size_t Extent>
  [[nodiscard]] static constexpr expected<std::size_t, error> decode_bytes_within(
      std::span<Byte, Extent> out, std::string_view text) {
    return read(std::span<Byte>(out), false, text);
  }

  /// The `Size` bytes of `text`; errors as of `decode_bytes_to`.
  template <std::size_t Size>
  requires(Size <= max_bytes)
      [[nodiscard]] static constexpr expected<std::array<std::byte, Size>, error> decode_bytes(
          std::string_view text) noexcept {
    std::array<std::byte, Size> bytes{};
    const auto done = decode_bytes_to(std::span(bytes), text);
    if (!done) return unexpected<error>(done.error());
    return bytes;
  }

  /// The bytes of `text`, as many as there are, at most `max_bytes`. Errors as of
  /// `decode_bytes_within`, and `errc::too_large` for longer texts than so many bytes have.
  [[nodiscard]] static expected<std::vector<std::byte>, error> decode_bytes(std::string_view text) {
    if (text.size() > max_width_of_bytes(max_bytes)) {
      return unexpected<error>(
          {errc::too_large, max_width_of_bytes(max_bytes), "more than 1024 bytes"});
    }
    // At most one byte a character, and each takes log(58) / log(256) = 0.7323 of one but zeros.
    const std::size_t zeros = detail::zeros_in_front<Alphabet>(text);
    const std::size_t most = zeros + (text.size() - zeros) * 733 / 1000 + 1;
    std::vector<std::byte> bytes(detail::min_of(most, max_bytes));
    const auto done = decode_bytes_within(std::span(bytes), text);
    if (!done) return unexpected<error>(done.error());
    bytes.resize(*done);
    return bytes;
  }

 private:
  template <class Byte>
  [[nodiscard]] static constexpr expected<std::size_t, error> read(std::span<Byte> out,
                                                                   bool exactly,
                                                                   std::string_view text) {
    if (out.size() > max_bytes) {
      detail::fail_argument("base58", "out.size()", out.size(), "at most 1024");
    }
    // Reading costs the square of the length: none that is too long is begun.
    if (text.size() <= max_width_of_bytes(out.size())) {
      const std::size_t size = detail::base58_read<Alphabet>(out, exactly, text);
      if (size != detail::base58_failed) return size;
    }
    return unexpected<error>(fault(text, out.size()));
  }

  [[nodiscard]] QUOIN_COLD static constexpr error fault(std::string_view text,
                                                        std::size_t size) noexcept {
    const std::size_t width = max_width_of_bytes(size);
    if (text.size() > width) return {errc::trailing_bytes, width, "too many characters", width};
    if (const auto foreign = detail::first_foreign<Alphabet>(text); foreign != text.size()) {
      return detail::foreign_character(foreign);
    }
    const std::size_t zeros = detail::zeros_in_front<Alphabet>(text);
    if (zeros > size) return {errc::bad_value, size, "more zeros than there are bytes"};
    const error fewer{errc::truncated, text.size(), "the text of fewer bytes"};
    const std::string_view number = text.substr(zeros);
    const std::size_t digits = max_width_of_bytes(size - zeros);
    if (number.size() < digits) return fewer;
    std::size_t at = 0;  // of a longer number than any of the bytes that are left
    if (number.size() == digits) {
      unsigned char bytes[max_bytes] = {};
      for (std::size_t i = 0; i < size - zeros; ++i) bytes[i] = 0xff;
      char largest[detail::radix_max_text<58>] = {};
      static_cast<void>(
          detail::base58_write<Alphabet>(std::span<char>(largest), bytes, size - zeros));
      while (at < digits && number[at] == largest[at]) ++at;
      const auto& digit = detail::digits_in<Alphabet>;
      if (at == digits || digit[number[at]] < digit[largest[at]]) return fewer;
    }
    return {errc::bad_value, zeros + at, "the text of more bytes"};
  }
};

/// Base58 as of Bitcoin, and as nearly all have it.
using base58 = basic_base58<bitcoin_digits>;
/// Base58 as of Flickr's short links, and of short UUIDs.
using flickr_base58 = basic_base58<flickr_digits>;
/// Base58 as of the XRP Ledger.
using ripple_base58 = basic_base58<ripple_digits>;

}  // namespace quoin::inline QUOIN_ABI

#endif
