// SPDX-License-Identifier: BSL-1.0
/// @file
/// A question to a script on a Redis server, as words, and how its answer is read.
#ifndef QUOIN_DETAIL_REDIS_QUESTION_HPP
#define QUOIN_DETAIL_REDIS_QUESTION_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/redis_limiter_scripts.hpp>
#include <quoin/detail/redis_resp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// A time as the scripts take it: since 1970, before the year 2255.
using redis_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// How long the server keeps a key that is as good as new: at least as long as the clocks of the
/// callers may differ. At most 2^40 ms.
inline constexpr std::chrono::milliseconds redis_default_keep{1000};

/// A script with the arguments of one question. A value without allocations.
class redis_command {
 public:
  static constexpr std::size_t capacity = 11;

  [[nodiscard]] constexpr std::string_view script() const noexcept { return script_->text; }
  /// The name of the script for EVALSHA, 40 hexadecimal digits.
  [[nodiscard]] constexpr std::string_view sha1() const noexcept { return script_->sha1; }

  /// ARGV, which follows the one key.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  /// @param i  below `size()`; the text is valid as long as the command lives
  [[nodiscard]] constexpr std::string_view operator[](std::size_t i) const& noexcept {
    return {text_[i], size_[i]};
  }

  /// The command in the protocol of Redis, for a script that the server has, by the key of the
  /// limiter: any bytes.
  [[nodiscard]] std::string evalsha(std::string_view key) const {
    return command("EVALSHA", sha1(), key);
  }
  /// The same with the script itself, which the server keeps for EVALSHA.
  [[nodiscard]] std::string eval(std::string_view key) const {
    return command("EVAL", script(), key);
  }
  /// SCRIPT LOAD: gives the script to the server, which answers with its name.
  [[nodiscard]] std::string load() const {
    std::string text;
    detail::append_redis_count(text, 3);
    for (const std::string_view part :
         {std::string_view("SCRIPT"), std::string_view("LOAD"), script()}) {
      detail::append_redis_part(text, part);
    }
    return text;
  }

 protected:
  constexpr explicit redis_command(const detail::redis_script& script) noexcept
      : script_(&script) {}

  constexpr void add(std::string_view text) noexcept {
    for (const char c : text) text_[count_][size_[count_]++] = c;
    ++count_;
  }
  constexpr void add(std::int64_t number) noexcept {
    char digits[20] = {};
    std::size_t at = sizeof digits;
    std::uint64_t left = static_cast<std::uint64_t>(number);
    if (number < 0) left = 0 - left;
    do {
      digits[--at] = static_cast<char>('0' + left % 10);
      left /= 10;
    } while (left != 0);
    if (number < 0) digits[--at] = '-';
    add(std::string_view(digits + at, sizeof digits - at));
  }
  /// A time in whole units of `Unit`, or none for that of the server.
  template <class Unit>
  constexpr void add_time(const redis_time* now) noexcept {
    if (now == nullptr) return add("");
    const auto whole = std::chrono::floor<Unit>(*now).time_since_epoch().count();
    add(static_cast<std::int64_t>(whole));
  }

 private:
  [[nodiscard]] std::string command(std::string_view name, std::string_view script,
                                    std::string_view key) const {
    std::string text;
    text.reserve(64 + script.size() + key.size() + 24 * count_);
    detail::append_redis_count(text, 4 + count_);
    for (const std::string_view part : {name, script, std::string_view("1"), key}) {
      detail::append_redis_part(text, part);
    }
    for (std::size_t i = 0; i < count_; ++i) detail::append_redis_part(text, (*this)[i]);
    return text;
  }

  const detail::redis_script* script_;
  char text_[capacity][20] = {};
  std::uint8_t size_[capacity] = {};
  std::uint8_t count_ = 0;
};

namespace detail {

/// The largest integer up to which doubles have all of them.
inline constexpr std::int64_t redis_exact = std::int64_t{1} << 53;

[[nodiscard]] inline error bad_redis_reply(std::uint64_t at) noexcept {
  return error(errc::bad_value, at, "quoin: not an answer to this question");
}

}  // namespace detail

/// A question and how its answer is to be read. `Reader` knows what it asks for, `Reader::answer`.
template <class Reader>
class redis_question : public redis_command {
 public:
  using answer = typename Reader::answer;

  constexpr redis_question(const redis_command& command, const Reader& reader) noexcept
      : redis_command(command), reader_(reader) {}

  /// What the integers of the answer mean. `errc::bad_value`, at the integer at fault, if no limiter
  /// says such a thing to this question.
  [[nodiscard]] expected<answer, error> answer_of(
      std::span<const std::int64_t> integers) const noexcept {
    if (integers.size() != Reader::size) return unexpected(detail::bad_redis_reply(0));
    return reader_.read(integers.data());
  }

  /// The same of an answer that `read_redis_reply` has read. One that is an error of the server is
  /// `errc::incompatible`.
  [[nodiscard]] expected<answer, error> answer_of(const redis_reply& reply) const noexcept {
    if (!reply.error_text().empty()) {
      return unexpected(error(errc::incompatible, 0, "quoin: the server answers with an error"));
    }
    std::int64_t integers[redis_reply::capacity] = {};
    std::size_t count = 0;
    for (const redis_value& value : reply.values()) {
      if (value.is_text) return unexpected(detail::bad_redis_reply(count));
      integers[count++] = value.integer;
    }
    return answer_of(std::span<const std::int64_t>(integers, count));
  }

 private:
  Reader reader_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
