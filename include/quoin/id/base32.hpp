// SPDX-License-Identifier: BSL-1.0
/// @file
/// Crockford's base 32: numbers in digits and capitals that people can read out, type and mix up.
///
/// Use it for codes on paper and over the phone: no I, L, O and U, either case, hyphens as one likes,
/// and a symbol to check against slips of the hand. ULIDs are texts of it (`ulid` reads and orders
/// them). It is not the base 32 of RFC 4648, which has another alphabet and pads bytes at the end.
///
/// Guarantee   `decode` accepts exactly what `encode` writes, with the position of what it does not.
///             `decode_any` accepts what Crockford has readers accept: small letters, I and L for 1, O
///             for 0, hyphens anywhere, zeros in front. The check symbol finds each wrong digit and
///             each swap of two neighbours.
/// Cost        some 5 ns for a 64-bit number, see docs/benchmarks.md. Nothing is allocated but by the
///             forms that return a `std::string` or `std::vector`.
/// Threads     pure functions.
/// Bytes       docs/formats.md#base32. All but the forms that allocate also in constant expressions.
/// Source      crockford.com/base32.html, of 2019.
///
/// @code
/// std::string code = quoin::base32::encode(1234);                   // "16J"
/// auto n = quoin::base32::decode_any("00-l6j");                     // 1234
/// std::string label = quoin::base32::encode_checked(1234);          // "16JD"
/// auto checked = quoin::base32::decode_any_checked("16j-d");        // 1234; of "16k-d" an error
/// @endcode
#ifndef QUOIN_ID_BASE32_HPP
#define QUOIN_ID_BASE32_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_base32_text.hpp>
#include <quoin/detail/id_integer.hpp>
#include <quoin/detail/id_radix_numbers.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// Crockford's base 32. Numbers of 64 and 128 bits are as in `base62`: minimal, or of a fixed width
/// (13 and 26 digits), whose texts sort as the numbers do.
class base32 : public detail::base32_reading {
 public:
  // ---- as people write ----------------------------------------------------------------------------

  /// The number that `text` says to a lenient reader: digits of either case, I and L for 1, O for 0,
  /// as many zeros in front as one likes, hyphens between them, before and behind ("hyphens are
  /// ignored during decoding"). The error, with its position: no digits (`errc::truncated`), a
  /// foreign character, or the digit with which the number exceeds 64 bits (`errc::bad_value`).
  /// O(`text.size()`).
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode_any(
      std::string_view text) noexcept {
    return any<std::uint64_t>(text);
  }

  /// As `decode_any`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_any_128(
      std::string_view text) noexcept {
    return any<uint128>(text);
  }

  // ---- with a check symbol ------------------------------------------------------------------------

  /// The symbol of `n` modulo 37: a digit or one of "*~$=U". To be put behind whatever form.
  [[nodiscard]] static constexpr char check_symbol(detail::codec_number n) noexcept {
    return symbol(n.value());
  }
  [[nodiscard]] static constexpr char check_symbol(uint128 n) noexcept { return symbol(n); }

  /// Writes the minimal form of `n` and its check symbol to the start of `out`.
  /// @return how many characters were written; 0, and `out` untouched, where they do not fit:
  ///         `max_width` + 1 characters, or `max_width_128` + 1, always do
  [[nodiscard]] static constexpr std::size_t encode_checked_to(std::span<char> out,
                                                               detail::codec_number n) noexcept {
    return write_checked(out, n.value());
  }
  [[nodiscard]] static constexpr std::size_t encode_checked_to(std::span<char> out,
                                                               uint128 n) noexcept {
    return write_checked(out, n);
  }

  /// The minimal form of `n` and its check symbol.
  [[nodiscard]] static std::string encode_checked(detail::codec_number n) {
    return encode(n) + check_symbol(n);
  }
  [[nodiscard]] static std::string encode_checked(uint128 n) { return encode(n) + check_symbol(n); }

  /// Reads exactly what `encode_checked` writes. Errors as of `decode`, and `errc::bad_value` for a
  /// last character that is no check symbol, `errc::checksum_mismatch` for the symbol of other
  /// numbers, both at its position.
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode_checked(
      std::string_view text) noexcept {
    return checked<std::uint64_t>(text);
  }

  /// As `decode_checked`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_checked_128(
      std::string_view text) noexcept {
    return checked<uint128>(text);
  }

  /// As `decode_any`, of a text whose last character but hyphens is a check symbol, of either case and
  /// with I, L and O as there. Errors of the symbol as of `decode_checked`.
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode_any_checked(
      std::string_view text) noexcept {
    return any_checked<std::uint64_t>(text);
  }

  /// As `decode_any_checked`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_any_checked_128(
      std::string_view text) noexcept {
    return any_checked<uint128>(text);
  }

  // ---- bytes: a number of fixed width, the first byte the highest -------------------------------

  /// The longest byte string.
  static constexpr std::size_t max_bytes = 1024;

  /// The characters of every text of `size` ≤ `max_bytes` bytes: ⌈8 · size / 5⌉.
  [[nodiscard]] static constexpr std::size_t width_of_bytes(std::size_t size) noexcept {
    return detail::base32_width_of_bytes(size);
  }

  /// Writes `bytes` to the first `width_of_bytes(bytes.size())` characters of `out`. Each size has
  /// a width of its own, so that zero bytes in front are kept and the text alone tells the size. 16
  /// bytes are the text of the ULID that they are.
  /// @param bytes  any contiguous range of a byte type but arrays of `char`; must not overlap `out`
  /// @return the width; 0, and `out` untouched, where `out` is smaller or `bytes` are more than
  ///         `max_bytes` (or none)
  template <detail::byte_range Bytes>
  [[nodiscard]] static constexpr std::size_t encode_bytes_to(std::span<char> out,
                                                             const Bytes& bytes) noexcept {
    const auto view = detail::bytes_of(bytes);
    if (view.size > max_bytes || out.size() < width_of_bytes(view.size)) return 0;
    detail::base32_write_bytes(out.data(), view.data, view.size);
    return width_of_bytes(view.size);
  }

  /// The text of `bytes`. More than `max_bytes` are a caller's mistake.
  template <detail::byte_range Bytes>
  [[nodiscard]] static std::string encode_bytes(const Bytes& bytes) {
    const std::size_t size = detail::bytes_of(bytes).size;
    if (size > max_bytes) {
      detail::fail_argument("base32::encode_bytes", "bytes.size()", size, "at most 1024");
    }
    std::string text(width_of_bytes(size), alphabet[0]);
    static_cast<void>(encode_bytes_to(text, bytes));
    return text;
  }

  /// Text, which ends at its first zero, or bytes, of which some are zeros? Say `std::string_view` or
  /// `std::span`.
  template <std::size_t Size>
  static std::size_t encode_bytes_to(std::span<char> out, const char (&bytes)[Size]) = delete;
  template <std::size_t Size>
  static std::string encode_bytes(const char (&bytes)[Size]) = delete;

  /// Reads the text of `out.size()` bytes into `out`, which is unspecified after an error: another
  /// length than `width_of_bytes(out.size())` (`errc::truncated`, `errc::trailing_bytes`), a
  /// foreign character, a number too large (`errc::bad_value`). Strict as `decode`.
  /// @param out  at most `max_bytes`, more are a caller's mistake; must not overlap `text`
  /// @return `out.size()`
  template <detail::byte_like Byte, std::size_t Extent>
  [[nodiscard]] static constexpr expected<std::size_t, error> decode_bytes_to(
      std::span<Byte, Extent> out, std::string_view text) {
    if (out.size() > max_bytes) {
      detail::fail_argument("base32::decode_bytes_to", "out.size()", out.size(), "at most 1024");
    }
    const std::size_t width = width_of_bytes(out.size());
    if (text.size() == width && detail::base32_read_bytes(text.data(), out.data(), out.size())) {
      return out.size();
    }
    return unexpected<error>(bytes_fault(text, width));
  }

  /// The `Size` bytes of `text`; errors as above.
  template <std::size_t Size>
  requires(Size <= max_bytes)
      [[nodiscard]] static constexpr expected<std::array<std::byte, Size>, error> decode_bytes(
          std::string_view text) noexcept {
    std::array<std::byte, Size> bytes{};
    const auto done = decode_bytes_to(std::span(bytes), text);
    if (!done) return unexpected<error>(done.error());
    return bytes;
  }

  /// The bytes of `text`, as many as its length says. Errors as above, and a length that no byte
  /// string has (`errc::truncated`), or more than that of `max_bytes` (`errc::too_large`).
  [[nodiscard]] static expected<std::vector<std::byte>, error> decode_bytes(std::string_view text) {
    if (text.size() > width_of_bytes(max_bytes)) {
      return unexpected<error>(
          {errc::too_large, width_of_bytes(max_bytes), "more than 1024 bytes"});
    }
    const std::size_t size = text.size() * 5 / 8;
    if (width_of_bytes(size) != text.size()) {
      return unexpected<error>({errc::truncated, text.size(), "no byte string has this length"});
    }
    std::vector<std::byte> bytes(size);
    const auto done = decode_bytes_to(std::span(bytes), text);
    if (!done) return unexpected<error>(done.error());
    return bytes;
  }

 private:
  [[nodiscard]] QUOIN_COLD static constexpr error bytes_fault(std::string_view text,
                                                              std::size_t width) noexcept {
    // Digits before those of the bytes are part of the first one.
    if (text.size() != width || width == 0) return fixed_fault(text, width, {});
    const std::size_t foreign = detail::first_foreign<alphabet>(text);
    if (foreign != width) return detail::foreign_character(foreign);
    return {errc::bad_value, 0, "the number is too large"};
  }
};

}  // namespace quoin::inline QUOIN_ABI

#endif
