// SPDX-License-Identifier: BSL-1.0
/// @file
/// Base62: numbers as short text of digits and letters alone, strictly one text for one number.
///
/// Use it where an id must survive URLs, file names, a double click and a phone call: short links,
/// public names of database rows. Take the fixed width where texts are to sort as the numbers do
/// (with an alphabet in the order of ASCII: `digits_upper_lower`). It hides nothing: neighbours
/// look like neighbours.
///
/// Guarantee   decoding accepts exactly what encoding writes. A foreign character, a number too
///             large, a wrong length, a zero in front of a minimal form: an error with its position.
/// Cost        some 5 ns for a 64-bit number, see docs/benchmarks.md. Nothing is allocated but by
///             the forms that return a `std::string` or `std::vector`.
/// Threads     pure functions.
/// Bytes       docs/formats.md#base62; the same at every instruction set. All but the forms that
///             allocate and the batches also in constant expressions.
///
/// @code
/// std::string code = quoin::base62::encode(2009215674938);  // "zn9edcu"
/// quoin::expected<std::uint64_t, quoin::error> n = quoin::base62::decode(code);
/// std::string sortable = quoin::base62::encode_fixed(11157, 7);  // "00002TX"
/// @endcode
#ifndef QUOIN_ID_BASE62_HPP
#define QUOIN_ID_BASE62_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_alphabet.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_number.hpp>
#include <quoin/detail/id_base62_simd.hpp>
#include <quoin/detail/id_base62_words.hpp>
#include <quoin/detail/id_integer.hpp>
#include <quoin/detail/id_radix_numbers.hpp>
#include <quoin/detail/id_radix_words.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// 62 characters in the order of their digits: distinct, printable ASCII.
using base62_alphabet = radix_alphabet<62>;

/// The default: as in most textbooks and in JavaScript's `toString(36)` continued.
inline constexpr base62_alphabet digits_lower_upper{
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"};
/// In the order of ASCII, so that texts of one width sort as their numbers; GMP's and KSUID's.
inline constexpr base62_alphabet digits_upper_lower{
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"};
/// Letters first; sqids' order.
inline constexpr base62_alphabet lower_upper_digits{
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"};

/// Base62 in a given alphabet: one of the three above, or any other as a string literal,
/// `basic_base62<"…">`. Alphabets with digits, capitals and small letters each in a row (in
/// whichever order of the three) are calculated; others cost a look into a table per character, but
/// for many numbers at once with AVX-512 or NEON, which have tables in registers.
template <base62_alphabet Alphabet>
class basic_base62 {
  static_assert(Alphabet.valid(),
                "quoin::basic_base62: an alphabet has 62 distinct printable ASCII characters");

 public:
  /// The characters in the order of their digits.
  static constexpr base62_alphabet alphabet = Alphabet;

  /// Digits of the longest 64-bit number.
  static constexpr std::size_t max_width = detail::base62_width_64;

  /// The largest number of `width` digits: 62^`width` − 1, and all 64-bit numbers from 11 on.
  [[nodiscard]] static constexpr std::uint64_t max_of_width(std::size_t width) noexcept {
    if (width >= max_width) return ~std::uint64_t{0};
    std::uint64_t power = 1;
    for (std::size_t i = 0; i < width; ++i) power *= 62;
    return power - 1;
  }

  // ---- minimal form: no zeros in front ----------------------------------------------------------

  /// The digits that `n` has without zeros in front, 1 to 11.
  /// @param n  here and below: an integer of any type of at most 64 bits; a negative one fails as a
  ///           caller's mistake. No `bool`, character or floating point number is taken for one.
  [[nodiscard]] static constexpr std::size_t width_of(detail::codec_number n) noexcept {
    return detail::base62_width_of(n.value());
  }

  /// Writes the minimal form of `n` to the start of `out`.
  /// @return how many characters were written; 0, and `out` untouched, where they do not fit:
  ///         `max_width` characters always do
  [[nodiscard]] static constexpr std::size_t encode_to(std::span<char> out,
                                                       detail::codec_number n) noexcept {
    const std::size_t count = width_of(n);
    if (count > out.size()) return 0;
    detail::base62_write_last<Alphabet>(out.data(), n.value(), count);
    return count;
  }

  /// The minimal form of `n`; "0" (the first character of the alphabet) for 0.
  [[nodiscard]] static std::string encode(detail::codec_number n) {
    char text[max_width];
    return std::string(text, encode_to(text, n));
  }

  /// The number whose minimal form is `text`. The error, with its position: empty
  /// (`errc::truncated`), a foreign character, a zero in front, a number beyond 64 bits
  /// (`errc::bad_value`).
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr expected<std::uint64_t, error> decode(
      std::string_view text) noexcept {
    std::uint64_t n = 0;
    if (text.size() - 1 < max_width && (text[0] != Alphabet[0] || text.size() == 1) &&
        detail::base62_read<Alphabet>(text.data(), text.size(), n)) {
      return n;
    }
    return minimal_refused(text);
  }

  // ---- fixed width: zeros in front --------------------------------------------------------------

  /// Writes `n` into all of `out`, with zeros in front.
  /// @return false, and `out` untouched, where `n` needs more digits: is above
  ///         `max_of_width(out.size())`
  [[nodiscard]] static constexpr bool encode_fixed_to(std::span<char> out,
                                                      detail::codec_number n) noexcept {
    const std::size_t width = out.size();
    if (width == max_width) {
      detail::base62_write<Alphabet>(out.data(), n.value());
      return true;
    }
    if (width < width_of(n)) return false;
    const std::size_t extra = width > max_width ? width - max_width : 0;
    for (std::size_t i = 0; i < extra; ++i) out[i] = Alphabet[0];
    detail::base62_write_last<Alphabet>(out.data() + extra, n.value(), width - extra);
    return true;
  }

  /// `n` in `width` characters. Fails as a caller's mistake where it needs more.
  [[nodiscard]] static std::string encode_fixed(detail::codec_number n,
                                                std::size_t width = max_width) {
    std::string text(width, Alphabet[0]);
    if (!encode_fixed_to(text, n)) {
      detail::fail_argument("base62::encode_fixed", "width", width, "that of n at least");
    }
    return text;
  }

  /// The number that `text`, `width` ≥ 1 characters with zeros in front, stands for. The error,
  /// with its position: another length (`errc::truncated`, `errc::trailing_bytes`), a foreign
  /// character, a number beyond 64 bits (`errc::bad_value`).
  [[nodiscard]] static constexpr expected<std::uint64_t, error> decode_fixed(
      std::string_view text, std::size_t width = max_width) noexcept {
    std::uint64_t n = 0;
    const std::size_t extra = width > max_width ? width - max_width : 0;
    if (text.size() == width && width != 0 && begins_with_zeros(text, extra) &&
        detail::base62_read<Alphabet>(text.data() + extra, width - extra, n)) {
      return n;
    }
    return unexpected<error>(fixed_fault(text, width, 8));
  }

  // ---- many numbers -----------------------------------------------------------------------------

  /// Writes the fixed form, `max_width` characters, of each number to `out`, without anything in
  /// between. Throws `std::invalid_argument`, with nothing written, where `out` is shorter. They must
  /// not overlap.
  static void encode_many(std::span<const std::uint64_t> numbers, std::span<char> out) {
    if (out.size() / max_width < numbers.size()) {
      detail::fail_argument("base62::encode_many", "out.size()", out.size(), "11 for each number");
    }
    detail::base62_write_many<Alphabet>(active_isa(), out.data(), numbers.data(), numbers.size());
  }

  /// Reads what `encode_many` wrote. The error is that of the first text at fault, as
  /// `decode_fixed` has it, with its position in the whole; the number of its text is position /
  /// `max_width`, those before it have been read and what `out` holds beyond is unspecified. A part
  /// of a number at the end is `errc::truncated`. Throws `std::invalid_argument`, with nothing
  /// written, where `out` is too short. They must not overlap.
  /// @return how many numbers there were
  [[nodiscard]] static expected<std::size_t, error> decode_many(std::string_view text,
                                                                std::span<std::uint64_t> out) {
    const std::size_t count = text.size() / max_width;
    if (out.size() < count) {
      detail::fail_argument("base62::decode_many", "out.size()", out.size(), "one for each text");
    }
    const std::size_t good =
        detail::base62_read_many<Alphabet>(active_isa(), text.data(), out.data(), count);
    const std::size_t at = good * max_width;
    if (at == text.size()) return count;
    const error fault = fixed_fault(text.substr(at, max_width), max_width, 8);
    const std::uint64_t size_stated = fault.size_stated() == 0 ? 0 : at + max_width;
    return unexpected<error>({fault.code(), at + fault.position(), fault.text(), size_stated});
  }

  // ---- 128-bit numbers --------------------------------------------------------------------------

  /// Digits of the longest 128-bit number.
  static constexpr std::size_t max_width_128 = detail::radix_width_of_bytes<62>(16);

  /// As `encode_to` of 64 bits: the minimal form, at most `max_width_128` characters.
  [[nodiscard]] static constexpr std::size_t encode_to(std::span<char> out, uint128 n) noexcept {
    char all[max_width_128] = {};
    write_128(all, n);
    const std::size_t zeros = zeros_before(all);
    return copy_last(out, all, max_width_128 - zeros) ? max_width_128 - zeros : 0;
  }

  /// As `encode` of 64 bits.
  [[nodiscard]] static std::string encode(uint128 n) {
    char text[max_width_128];
    return std::string(text, encode_to(text, n));
  }

  /// As `encode_fixed_to` of 64 bits.
  [[nodiscard]] static constexpr bool encode_fixed_to(std::span<char> out, uint128 n) noexcept {
    char all[max_width_128] = {};
    write_128(all, n);
    if (out.size() < max_width_128 - zeros_before(all)) return false;
    const std::size_t extra = out.size() > max_width_128 ? out.size() - max_width_128 : 0;
    for (std::size_t i = 0; i < extra; ++i) out[i] = Alphabet[0];
    return copy_last(out.subspan(extra), all, out.size() - extra);
  }

  /// As `encode_fixed` of 64 bits.
  [[nodiscard]] static std::string encode_fixed(uint128 n, std::size_t width = max_width_128) {
    std::string text(width, Alphabet[0]);
    if (!encode_fixed_to(text, n)) {
      detail::fail_argument("base62::encode_fixed", "width", width, "that of n at least");
    }
    return text;
  }

  /// As `decode`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_128(
      std::string_view text) noexcept {
    if (text.size() - 1 < max_width_128 && (text[0] != Alphabet[0] || text.size() == 1)) {
      if (uint128 n; read_128(text, n)) return n;
    }
    return unexpected<error>(minimal_fault(text, 16));
  }

  /// As `decode_fixed`, up to 128 bits.
  [[nodiscard]] static constexpr expected<uint128, error> decode_fixed_128(
      std::string_view text, std::size_t width = max_width_128) noexcept {
    const std::size_t extra = width > max_width_128 ? width - max_width_128 : 0;
    if (text.size() == width && width != 0 && begins_with_zeros(text, extra)) {
      if (uint128 n; read_128(text.substr(extra), n)) return n;
    }
    return unexpected<error>(fixed_fault(text, width, 16));
  }

  // ---- bytes: a number of fixed width, the first byte the highest -------------------------------

  /// The longest byte string. 16, 20 and 32 bytes are the fast sizes; the cost of others grows as the
  /// square: 100 times from 100 bytes to 1000, and from 320 bytes on GMP writes faster.
  static constexpr std::size_t max_bytes = detail::radix_max_bytes;

  /// The characters of every text of `size` ≤ `max_bytes` bytes: the least w with 62^w ≥ 256^size.
  [[nodiscard]] static constexpr std::size_t width_of_bytes(std::size_t size) noexcept {
    return detail::radix_width_of_bytes<62>(size);
  }

  /// Writes `bytes` to the first `width_of_bytes(bytes.size())` characters of `out`. Each size has
  /// a width of its own, so that zero bytes in front are kept and the text alone tells the size.
  /// @param bytes  any contiguous range of a byte type but arrays of `char`; must not overlap `out`
  /// @return the width; 0, and `out` untouched, where `out` is smaller or `bytes` are more than
  ///         `max_bytes` (or none)
  template <detail::byte_range Bytes>
  [[nodiscard]] static constexpr std::size_t encode_bytes_to(std::span<char> out,
                                                             const Bytes& bytes) noexcept {
    const auto view = detail::bytes_of(bytes);
    if (view.size == 0 || view.size > max_bytes) return 0;
    const std::size_t width = width_of_bytes(view.size);
    if (out.size() < width) return 0;
    write_bytes(out.data(), view.data, view.size);
    return width;
  }

  /// The text of `bytes`. More than `max_bytes` are a caller's mistake.
  template <detail::byte_range Bytes>
  [[nodiscard]] static std::string encode_bytes(const Bytes& bytes) {
    const std::size_t size = detail::bytes_of(bytes).size;
    if (size > max_bytes) {
      detail::fail_argument("base62::encode_bytes", "bytes.size()", size, "at most 1024");
    }
    std::string text(width_of_bytes(size), Alphabet[0]);
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
  /// foreign character, a number too large (`errc::bad_value`).
  /// @param out  at most `max_bytes`, more are a caller's mistake; must not overlap `text`
  /// @return `out.size()`
  template <detail::byte_like Byte, std::size_t Extent>
  [[nodiscard]] static constexpr expected<std::size_t, error> decode_bytes_to(
      std::span<Byte, Extent> out, std::string_view text) {
    if (out.size() > max_bytes) {
      detail::fail_argument("base62::decode_bytes_to", "out.size()", out.size(), "at most 1024");
    }
    const std::size_t width = width_of_bytes(out.size());
    if (text.size() != width || !read_bytes(text.data(), out.data(), out.size())) {
      return unexpected<error>(fixed_fault(text, width, out.size()));
    }
    return out.size();
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
    std::size_t size = text.size() * 3 / 4;  // 1.34 characters a byte
    while (width_of_bytes(size) > text.size()) --size;
    if (width_of_bytes(size) != text.size()) {
      return unexpected<error>({errc::truncated, text.size(), "no byte string has this length"});
    }
    std::vector<std::byte> bytes(size);
    const auto done = decode_bytes_to(std::span(bytes), text);
    if (!done) return unexpected<error>(done.error());
    return bytes;
  }

 private:
  static constexpr void write_128(char* out, uint128 n) noexcept {
    const std::uint32_t limbs[] = {
        static_cast<std::uint32_t>(n.lo), static_cast<std::uint32_t>(n.lo >> 32),
        static_cast<std::uint32_t>(n.hi), static_cast<std::uint32_t>(n.hi >> 32)};
    detail::radix_write_limbs<Alphabet>(out, limbs);
  }

  [[nodiscard]] static constexpr bool read_128(std::string_view text, uint128& n) noexcept {
    std::uint64_t words[2] = {};
    if (!detail::radix_read_words<Alphabet>(text.data(), text.size(), words, 2)) return false;
    n = {words[1], words[0]};
    return true;
  }

  /// How many of the first 21 characters come before one that is not a zero.
  [[nodiscard]] static constexpr std::size_t zeros_before(
      const char (&all)[max_width_128]) noexcept {
    std::size_t zeros = 0;
    while (zeros + 1 < max_width_128 && all[zeros] == Alphabet[0]) ++zeros;
    return zeros;
  }

  /// Copies the last `count` characters, if there is room.
  [[nodiscard]] static constexpr bool copy_last(std::span<char> out,
                                                const char (&all)[max_width_128],
                                                std::size_t count) noexcept {
    if (out.size() < count) return false;
    for (std::size_t i = 0; i < count; ++i) out[i] = all[max_width_128 - count + i];
    return true;
  }

  /// The usual sizes are compiled each for itself.
  template <class Byte>
  QUOIN_ALWAYS_INLINE static constexpr void write_bytes(char* out, const Byte* p,
                                                        std::size_t size) noexcept {
    if (size == 16) return detail::radix_write_bytes<Alphabet, 4>(out, p);
    if (size == 20) return detail::radix_write_bytes<Alphabet, 5>(out, p);
    if (size == 32) return detail::radix_write_bytes<Alphabet, 8>(out, p);
    detail::radix_write_any<Alphabet>(out, p, size);
  }

  template <class Byte>
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr bool read_bytes(const char* text, Byte* out,
                                                                     std::size_t size) noexcept {
    if (size == 16) return detail::radix_read_bytes<Alphabet, 16>(text, out);
    if (size == 20) return detail::radix_read_bytes<Alphabet, 20>(text, out);
    if (size == 32) return detail::radix_read_bytes<Alphabet, 32>(text, out);
    return size == 0 || detail::radix_read_any<Alphabet>(text, out, size);
  }

  [[nodiscard]] static constexpr bool begins_with_zeros(std::string_view text,
                                                        std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (text[i] != Alphabet[0]) return false;
    }
    return true;
  }

  /// What is wrong with the digits of a text that is to stand for `size` bytes. To refuse is to cost
  /// little, too: the text of the largest number is known.
  [[nodiscard]] QUOIN_COLD static constexpr error value_fault(std::string_view text,
                                                              std::size_t size) noexcept {
    if (size == 8) {
      return detail::too_large_a_number<Alphabet>(text, detail::radix_largest<Alphabet, 8>);
    }
    if (size == 16) {
      return detail::too_large_a_number<Alphabet>(text, detail::radix_largest<Alphabet, 16>);
    }
    return value_fault_of_any(text, size);
  }

  [[nodiscard]] QUOIN_COLD static constexpr error value_fault_of_any(std::string_view text,
                                                                     std::size_t size) noexcept {
    unsigned char bytes[max_bytes] = {};
    for (std::size_t i = 0; i < size; ++i) bytes[i] = 0xff;
    char largest[detail::radix_max_text<62>] = {};
    detail::radix_write_any<Alphabet>(largest, bytes, size);
    return detail::too_large_a_number<Alphabet>(text, {largest, width_of_bytes(size)});
  }

  /// The last thing that `decode` does, so that it keeps nothing for later.
  [[nodiscard]] QUOIN_COLD static constexpr expected<std::uint64_t, error> minimal_refused(
      std::string_view text) noexcept {
    return unexpected<error>(minimal_fault(text, 8));
  }

  [[nodiscard]] QUOIN_COLD static constexpr error minimal_fault(std::string_view text,
                                                                std::size_t size) noexcept {
    if (text.empty()) return {errc::truncated, 0, "no digits"};
    if (const auto foreign = detail::first_foreign<Alphabet>(text); foreign != text.size()) {
      return detail::foreign_character(foreign);
    }
    if (text.size() > 1 && text[0] == Alphabet[0]) {
      return {errc::bad_value, 0, "a zero in front of a minimal form"};
    }
    return value_fault(text, size);
  }

  [[nodiscard]] QUOIN_COLD static constexpr error fixed_fault(std::string_view text,
                                                              std::size_t width,
                                                              std::size_t size) noexcept {
    if (text.size() < width || width + text.size() == 0) {
      return {errc::truncated, text.size(), "too few digits", width};
    }
    if (text.size() > width) {
      return {errc::trailing_bytes, width, "too many digits", width};
    }
    return value_fault(text, size);
  }
};

/// Base62 in the default alphabet.
using base62 = basic_base62<digits_lower_upper>;

}  // namespace quoin::inline QUOIN_ABI

#endif
