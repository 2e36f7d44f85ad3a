// SPDX-License-Identifier: BSL-1.0
/// @file
/// As much of the protocol of Redis (RESP2) as a question of a few words takes, and its answer.
#ifndef QUOIN_DETAIL_REDIS_RESP_HPP
#define QUOIN_DETAIL_REDIS_RESP_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// Whether an error of the server says that it does not have the script of an EVALSHA: then EVAL
/// runs and keeps it. With or without the '-' of the protocol.
[[nodiscard]] constexpr bool is_redis_no_script(std::string_view error_text) noexcept {
  if (error_text.starts_with('-')) error_text.remove_prefix(1);
  return error_text.starts_with("NOSCRIPT ");
}

/// An element of an answer.
struct redis_value {
  std::int64_t integer = 0;
  std::string_view text;  ///< part of the bytes read
  bool is_text = false;
};

/// An answer to a limiter's question: a list of at most `capacity` elements, or an error.
class redis_reply {
 public:
  static constexpr std::size_t capacity = 6;

  /// Empty if it is an error, or an empty or missing list.
  [[nodiscard]] std::span<const redis_value> values() const& noexcept { return {values_, count_}; }
  /// What the server complains about ("NOSCRIPT No matching script…"), part of the bytes read; empty
  /// if it does not.
  [[nodiscard]] std::string_view error_text() const noexcept { return error_text_; }
  [[nodiscard]] bool is_no_script() const noexcept { return is_redis_no_script(error_text_); }
  /// Bytes that the answer takes; what follows belongs to the next one.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  friend class redis_reply_reader;
  redis_value values_[capacity];
  std::size_t count_ = 0;
  std::string_view error_text_;
  std::size_t size_ = 0;
};

/// Reads the first answer in `bytes`. Errors: `errc::truncated` when it is not there as a whole yet
/// (read on and try again; no answer takes more than 4096 bytes), `errc::bad_value` for what is none.
[[nodiscard]] expected<redis_reply, error> read_redis_reply(std::string_view bytes) noexcept;

class redis_reply_reader {
 public:
  explicit redis_reply_reader(std::string_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] expected<redis_reply, error> read() noexcept {
    redis_reply reply;
    if (!read(reply)) {
      if (is_cut_ && bytes_.size() < longest) {
        return unexpected(error(errc::truncated, bytes_.size(), "quoin: an answer of Redis, cut"));
      }
      return unexpected(error(errc::bad_value, at_, "quoin: not an answer of Redis to a limiter"));
    }
    reply.size_ = at_;
    return reply;
  }

 private:
  static constexpr std::size_t longest = 4096;

  bool read(redis_reply& reply) noexcept {
    std::int64_t count = 0;
    if (take('-')) return line(reply.error_text_) && !reply.error_text_.empty();
    if (!take('*') || !number(count)) return false;
    if (count < -1 || count > static_cast<std::int64_t>(redis_reply::capacity)) return false;
    for (; count > 0; --count) {
      if (!element(reply.values_[reply.count_])) return false;
      ++reply.count_;
    }
    return true;
  }

  bool element(redis_value& value) noexcept {
    if (take(':')) return number(value.integer);
    std::int64_t size = 0;
    if (!take('$') || !number(size)) return false;
    if (size < 0 || size > static_cast<std::int64_t>(longest)) return false;
    const auto length = static_cast<std::size_t>(size);
    if (bytes_.size() - at_ < length + 2) {
      is_cut_ = true;
      return false;
    }
    value.is_text = true;
    value.text = bytes_.substr(at_, length);
    at_ += length;
    return take('\r') && take('\n');
  }

  bool take(char c) noexcept {
    is_cut_ = at_ == bytes_.size();
    if (is_cut_ || bytes_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// Up to the end of the line.
  bool line(std::string_view& text) noexcept {
    const std::size_t begin = at_;
    while (at_ != bytes_.size() && bytes_[at_] != '\r' && bytes_[at_] != '\n') ++at_;
    text = bytes_.substr(begin, at_ - begin);
    return take('\r') && take('\n');
  }

  /// A whole number and the end of its line.
  bool number(std::int64_t& value) noexcept {
    const bool negative = take('-');
    const std::size_t begin = at_;
    value = 0;
    for (; at_ != bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_) {
      const std::int64_t digit = bytes_[at_] - '0';
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
        is_cut_ = false;
        return false;
      }
    }
    const bool some = at_ != begin;
    return take('\r') && some && take('\n');
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool is_cut_ = false;  ///< the bytes end where another one is needed
};

inline expected<redis_reply, error> read_redis_reply(std::string_view bytes) noexcept {
  return redis_reply_reader(bytes).read();
}

namespace detail {

/// A decimal number of seconds ("0.19999998807907", "1.5e-05") in nanoseconds, rounded up, at most
/// INT64_MAX. False for what is none, or negative.
[[nodiscard]] constexpr bool read_decimal_seconds(std::string_view text,
                                                  std::int64_t* nanoseconds) noexcept {
  const auto digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
  };
  std::uint64_t value = 0;
  bool more = false, point = false;
  int scale = 9;  // value * 10^scale nanoseconds, and a part of one if there is more
  std::size_t at = 0;
  for (; digit(at) || (at < text.size() && text[at] == '.' && !point && digit(at + 1)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    const bool keep = value < 1'000'000'000'000'000'000;
    if (keep) value = 10 * value + static_cast<std::uint64_t>(text[at] - '0');
    more |= !keep && text[at] != '0';
    scale += int{!keep} - int{point};
    if (scale < -400 || scale > 400) return false;
  }
  if (!digit(0)) return false;
  if (at < text.size() && text[at] == 'e') {
    const bool negative = at + 1 < text.size() && text[at + 1] == '-';
    const bool is_signed = negative || (at + 1 < text.size() && text[at + 1] == '+');
    at += is_signed ? 2u : 1u;
    int exponent = 0;
    if (!digit(at)) return false;
    for (; digit(at) && exponent < 1000; ++at) exponent = 10 * exponent + (text[at] - '0');
    scale += negative ? -exponent : exponent;
  }
  for (; scale < 0 && value != 0; ++scale) {
    more |= value % 10 != 0;
    value /= 10;
  }
  constexpr auto most = static_cast<std::uint64_t>(INT64_MAX);
  for (; scale > 0 && value != 0 && value < most; --scale) {
    value = value > most / 10 ? most : 10 * value;
  }
  *nanoseconds = static_cast<std::int64_t>(value >= most ? most : value + (more ? 1 : 0));
  return at == text.size();
}

/// Appends one part of a command.
inline void append_redis_part(std::string& to, std::string_view part) {
  to += '$';
  to += std::to_string(part.size());
  to += "\r\n";
  to += part;
  to += "\r\n";
}

/// Appends the line that says of how many parts a command is.
inline void append_redis_count(std::string& to, std::size_t count) {
  to += '*';
  to += std::to_string(count);
  to += "\r\n";
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
