// SPDX-License-Identifier: BSL-1.0
/// @file
/// Structured fields of HTTP (RFC 9651), as much as the headers of rate limits need: writing
/// strings and integers, reading lists of items with parameters.
#ifndef QUOIN_DETAIL_LIMIT_STRUCTURED_HPP
#define QUOIN_DETAIL_LIMIT_STRUCTURED_HPP

#include <quoin/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

/// The largest Integer: fifteen digits (section 3.3.1).
inline constexpr std::int64_t largest_structured_integer = 999'999'999'999'999;

/// Whether a String may hold `c` (section 3.3.3).
[[nodiscard]] constexpr bool is_structured_character(char c) noexcept {
  return c >= ' ' && c <= '~';
}
[[nodiscard]] constexpr bool is_structured_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_structured_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
[[nodiscard]] constexpr bool is_structured_alpha(char c) noexcept {
  return is_structured_lower(c) || (c >= 'A' && c <= 'Z');
}

/// Appends to a caller's memory and counts on where it is full, to say how much is needed.
class text_writer {
 public:
  constexpr text_writer(char* to, std::size_t capacity) noexcept : to_(to), capacity_(capacity) {}

  constexpr void put(char c) noexcept {
    if (size_ < capacity_) to_[size_] = c;
    ++size_;
  }
  constexpr void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  constexpr void put_number(std::uint64_t value) noexcept {
    char digits[20] = {};
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (count != 0) put(digits[--count]);
  }
  /// As an Integer: at most fifteen digits.
  constexpr void put_integer(std::uint64_t value) noexcept {
    constexpr auto most = static_cast<std::uint64_t>(largest_structured_integer);
    put_number(value < most ? value : most);
  }
  /// As a String; all its characters are permitted in one.
  constexpr void put_string(std::string_view text) noexcept {
    put('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') put('\\');
      put(c);
    }
    put('"');
  }

  /// Of all that was put, whether it fitted or not.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  char* to_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

/// Reads pieces of a field, each of which is there as a whole or is not: then it returns false, and
/// `position` is where it ceased to be one.
class structured_cursor {
 public:
  constexpr explicit structured_cursor(std::string_view text) noexcept : text_(text) {}

  [[nodiscard]] constexpr std::size_t position() const noexcept { return at_; }
  [[nodiscard]] constexpr bool at_end() const noexcept { return at_ == text_.size(); }
  /// The next character, or NUL, which is in no field.
  [[nodiscard]] constexpr char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }

  constexpr bool take(char c) noexcept {
    const bool is_next = !at_end() && text_[at_] == c;
    at_ += is_next;
    return is_next;
  }
  constexpr void skip_spaces() noexcept {
    while (take(' ')) continue;
  }
  constexpr void skip_blanks() noexcept {
    while (take(' ') || take('\t')) continue;
  }

  /// What is between the quotes, escapes unresolved.
  constexpr bool string(std::string_view& content) noexcept {
    if (!take('"')) return false;
    const std::size_t begin = at_;
    while (!at_end() && text_[at_] != '"') {
      if (take('\\') && peek() != '"' && peek() != '\\') return false;
      if (!is_structured_character(peek())) return false;
      ++at_;
    }
    content = text_.substr(begin, at_ - begin);
    return take('"');
  }

  constexpr bool token(std::string_view& content) noexcept {
    const std::size_t begin = at_;
    if (!is_structured_alpha(peek()) && peek() != '*') return false;
    while (is_token(peek())) ++at_;
    content = text_.substr(begin, at_ - begin);
    return true;
  }

  constexpr bool key(std::string_view& content) noexcept {
    const std::size_t begin = at_;
    if (!is_structured_lower(peek()) && peek() != '*') return false;
    while (is_structured_lower(peek()) || is_structured_digit(peek()) || is_in("_-.*", peek())) {
      ++at_;
    }
    content = text_.substr(begin, at_ - begin);
    return true;
  }

  /// An Integer ≥ 0, and no Decimal.
  constexpr bool integer(std::int64_t& value) noexcept {
    const std::size_t begin = at_;
    value = 0;
    for (; is_structured_digit(peek()); ++at_) {
      if (at_ - begin == 15) return false;
      value = 10 * value + (peek() - '0');
    }
    return at_ != begin && peek() != '.';
  }

  /// Steps over a bare item of any type.
  constexpr bool skip_item() noexcept {
    std::string_view ignored;
    std::int64_t number = 0;
    switch (peek()) {
      case '"':
        return string(ignored);
      case '?':
        ++at_;
        return take('0') || take('1');
      case '@':
        ++at_;
        take('-');
        return integer(number);
      case ':':
        ++at_;
        while (is_structured_alpha(peek()) || is_structured_digit(peek()) || is_in("+/=", peek())) {
          ++at_;
        }
        return take(':');
      case '%':
        ++at_;
        return skip_display_string();
      default:
        return is_structured_digit(peek()) || peek() == '-' ? skip_number() : token(ignored);
    }
  }

 private:
  [[nodiscard]] static constexpr bool is_in(std::string_view set, char c) noexcept {
    return set.find(c) != std::string_view::npos;
  }
  [[nodiscard]] static constexpr bool is_token(char c) noexcept {
    return is_structured_alpha(c) || is_structured_digit(c) || is_in("!#$%&'*+-.^_`|~:/", c);
  }

  /// Of a Display String, what comes after the percent sign (section 4.2.10).
  constexpr bool skip_display_string() noexcept {
    if (!take('"')) return false;
    while (!at_end() && is_structured_character(peek()) && peek() != '"') {
      if (!take('%')) {
        ++at_;
      } else if (!skip_hexadecimal() || !skip_hexadecimal()) {
        return false;
      }
    }
    return take('"');
  }
  constexpr bool skip_hexadecimal() noexcept {
    const bool is_one = is_structured_digit(peek()) || (peek() >= 'a' && peek() <= 'f');
    if (is_one) ++at_;
    return is_one;
  }

  /// An Integer or a Decimal: twelve digits, a point and three.
  constexpr bool skip_number() noexcept {
    take('-');
    const std::size_t begin = at_;
    while (is_structured_digit(peek())) ++at_;
    const std::size_t whole = at_ - begin;
    if (whole == 0 || whole > 15) return false;
    if (!take('.')) return true;
    const std::size_t point = at_;
    while (is_structured_digit(peek())) ++at_;
    return whole <= 12 && at_ != point && at_ - point <= 3;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
