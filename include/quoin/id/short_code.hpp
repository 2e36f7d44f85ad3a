// SPDX-License-Identifier: BSL-1.0
/// @file
/// Short codes for numbers that count up: the tail of a short link, which tells nobody how many links
/// there are nor what the next one is called.
///
/// Use it with a dense counter, such as `counter_range`: its numbers are permuted below 62^width by an
/// `id_cipher` and written in base62, always `width` characters. Seven are enough for 3.5 * 10^12
/// links. There is no table to look up, nothing collides, and the code leads back to the number.
/// Snowflake ids are too long for this: 11 characters are `base62::encode`.
///
/// Guarantee   decode(encode(n)) = n, and no two numbers have the same code, for one key and width.
///             No code that is encoded is a reserved one, or contains a blocked word. Every text of
///             `width` characters of the alphabet is the code of exactly one number; all others are
///             refused.
/// Is not      a secret: see `id_cipher`. Who must not guess a link needs more than seven characters.
/// Cost        a cipher and a base62 text; the words are compared at every position, one by one.
/// Threads     a constant after its construction: any number of threads.
/// Bytes       the codes are a format: docs/formats.md#id-cipher and #base62. Words change no code.
///
/// @code
/// const quoin::short_codes codes({.key = secret, .width = 7, .blocked = words});
/// std::uint64_t n = codes.next_allowed(counter).value();     // skips numbers whose code is blocked
/// std::string code = codes.encode(n).value();                // "k3Zr9Qx"
/// quoin::expected<std::uint64_t, quoin::error> back = codes.decode(code);
/// @endcode
#ifndef QUOIN_ID_SHORT_CODE_HPP
#define QUOIN_ID_SHORT_CODE_HPP

#include <quoin/id/base62.hpp>
#include <quoin/id/id_cipher.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// Which codes, and which not.
struct short_code_options {
  siphash_key key;        ///< 128 random bits, not all 0; with another key all codes are others
  std::size_t width = 7;  ///< characters of a code, 1 to 10
  std::span<const std::string_view> reserved = {};  ///< whole codes: "healthz", names of pages
  std::span<const std::string_view> blocked = {};   ///< words that no code may contain
};

/// Why a number has no code.
enum class short_code_error : std::uint8_t {
  exhausted = 1,  ///< it is not below the capacity
  reserved,       ///< its code is reserved or contains a blocked word: take the next number
};

/// `error` as words.
[[nodiscard]] constexpr const char* to_text(short_code_error error) noexcept {
  switch (error) {
    case short_code_error::exhausted:
      return "all codes of this width are given";
    case short_code_error::reserved:
      return "the code is reserved or contains a blocked word";
  }
  return "unknown";
}

/// Codes of one width under one key. Value type.
/// @tparam Codec  a `basic_base62`: which alphabet.
template <class Codec = base62>
class basic_short_codes {
 public:
  /// The longest code: the longest width of which every text is the code of a 63-bit number.
  static constexpr std::size_t max_width = 10;

  /// How many numbers `next_allowed` tries. Where words leave one code of 1000 free, all of them are
  /// in vain once in 10^28 times.
  static constexpr std::uint64_t most_steps = 65'536;

  /// Copies the words. Fails for a width out of range, a key of zeros alone or an empty word. Words
  /// are compared without regard to case (of ASCII); a word that is too long for a code, or has
  /// other characters than one, is never met.
  explicit basic_short_codes(const short_code_options& options)
      : cipher_({.key = options.key, .size = size_of(options.width)}), width_(options.width) {
    reserved_ = copies_of(options.reserved);
    blocked_ = copies_of(options.blocked);
  }

  /// Writes the code of `number` to the first `width()` characters of `out`. Fails, as a caller's
  /// mistake, when `out` is shorter.
  /// @return how many characters were written, or why there is no code: then what is there is none.
  [[nodiscard]] expected<std::size_t, short_code_error> encode_to(std::span<char> out,
                                                                  std::uint64_t number) const {
    if (out.size() < width_) {
      detail::fail_argument("short_codes", "out.size()", out.size(), "at least width()");
    }
    if (number >= capacity()) return unexpected(short_code_error::exhausted);
    write(out.first(width_), number);
    if (is_reserved({out.data(), width_})) return unexpected(short_code_error::reserved);
    return width_;
  }

  /// The code of `number`, or why there is none.
  [[nodiscard]] expected<std::string, short_code_error> encode(std::uint64_t number) const {
    std::string code(width_, Codec::alphabet[0]);
    const auto written = encode_to(code, number);
    if (!written) return unexpected(written.error());
    return code;
  }

  /// The number whose code is `text`. The error says what is wrong with it, and where: its length, or
  /// a character that is not in the alphabet. Reserved codes are numbers like all others here: words
  /// may be added while codes that contain them are in use.
  [[nodiscard]] expected<std::uint64_t, error> decode(std::string_view text) const {
    const expected<std::uint64_t, error> number = Codec::decode_fixed(text, width_);
    if (!number) return number;
    return cipher_.decrypt(*number);
  }

  /// The first number from `number` on whose code is not reserved: what to count on from. Few steps
  /// unless short words make most codes reserved: after `most_steps` in vain the answer is
  /// `short_code_error::reserved`, for next to nothing is left then.
  [[nodiscard]] expected<std::uint64_t, short_code_error> next_allowed(std::uint64_t number) const {
    char room[max_width] = {};
    const std::span<char> code(room, width_);
    for (std::uint64_t step = 0; number < capacity(); ++number, ++step) {
      if (step == most_steps) return unexpected(short_code_error::reserved);
      write(code, number);
      if (!is_reserved({room, width_})) return number;
    }
    return unexpected(short_code_error::exhausted);
  }

  /// Whether `code` is a reserved one or contains a blocked word, in capitals or small letters.
  [[nodiscard]] bool is_reserved(std::string_view code) const noexcept {
    for (const std::string& word : reserved_) {
      if (word.size() == code.size() && is_at(code, 0, word)) return true;
    }
    for (const std::string& word : blocked_) {
      for (std::size_t at = 0; at + word.size() <= code.size(); ++at) {
        if (is_at(code, at, word)) return true;
      }
    }
    return false;
  }

  /// 62^width: numbers below it have codes, reserved ones included.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return cipher_.size(); }
  /// How many numbers are left from `number` on.
  [[nodiscard]] std::uint64_t remaining(std::uint64_t number) const noexcept {
    return number < capacity() ? capacity() - number : 0;
  }
  /// Characters of a code.
  [[nodiscard]] std::size_t width() const noexcept { return width_; }

 private:
  [[nodiscard]] static std::uint64_t size_of(std::size_t width) {
    if (width == 0 || width > max_width) {
      detail::fail_argument("short_codes", "width", width, "from 1 to 10");
    }
    return Codec::max_of_width(width) + 1;
  }

  [[nodiscard]] static std::vector<std::string> copies_of(std::span<const std::string_view> words) {
    std::vector<std::string> copies;
    copies.reserve(words.size());
    for (const std::string_view word : words) {
      if (word.empty())
        detail::fail("quoin::short_codes: a word is empty, which every code contains");
      copies.emplace_back(word);
      for (char& c : copies.back()) c = small(c);
    }
    return copies;
  }

  [[nodiscard]] static constexpr char small(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }

  /// Whether `word`, in small letters, stands in `code` from `at` on, where it fits.
  [[nodiscard]] static bool is_at(std::string_view code, std::size_t at,
                                  const std::string& word) noexcept {
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (small(code[at + i]) != word[i]) return false;
    }
    return true;
  }

  /// `code` has `width_` characters.
  void write(std::span<char> code, std::uint64_t number) const {
    static_cast<void>(Codec::encode_fixed_to(code, cipher_.encrypt(number)));
  }

  id_cipher cipher_;
  std::size_t width_;
  std::vector<std::string> reserved_;  // in small letters
  std::vector<std::string> blocked_;
};

/// Short codes in the default alphabet of `base62`.
using short_codes = basic_short_codes<>;

}  // namespace quoin::inline QUOIN_ABI

#endif
