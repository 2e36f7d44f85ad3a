// SPDX-License-Identifier: BSL-1.0
/// @file
/// Options as GNU's programs take them, and what is wrong with them.
#ifndef QUOIN_EXAMPLES_SUPPORT_COMMAND_LINE_HPP
#define QUOIN_EXAMPLES_SUPPORT_COMMAND_LINE_HPP

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

/// A mistake in the command line.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Walks through the options; what is none is an operand, and so is all that follows `--`.
///
///     while (line.next()) {
///       if (line.is("--count")) s.count = true;
///       else if (line.takes("-k")) s.k = line.positive_integer();  // -k 3 or -k3
///       else if (line.takes("--save")) s.save = line.value();      // --save f or --save=f
///       else line.reject();
///     }
class command_line {
 public:
  explicit command_line(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

  /// Goes on to the next option. False when there is none.
  bool next() {
    for (; at_ < arguments_.size(); ++at_) {
      const std::string& argument = arguments_[at_];
      if (argument == "--") {
        operands_.insert(operands_.end(), arguments_.begin() + static_cast<std::ptrdiff_t>(at_) + 1,
                         arguments_.end());
        at_ = arguments_.size();
        return false;
      }
      if (argument.size() > 1 && argument[0] == '-') {
        argument_ = argument;
        ++at_;
        return true;
      }
      operands_.push_back(argument);
    }
    return false;
  }

  /// Whether the option is `name`, which takes no value.
  [[nodiscard]] bool is(std::string_view name) const { return argument_ == name; }

  /// Whether the option is `name`, which takes a value: `value()` or one of its kind must follow.
  [[nodiscard]] bool takes(std::string_view name) {
    if (!argument_.starts_with(name)) return false;
    const std::string_view rest = std::string_view(argument_).substr(name.size());
    const bool is_long = name.starts_with("--");
    if (is_long && !rest.empty() && rest[0] != '=') return false;
    option_ = name;
    attached_ = !rest.empty();
    value_ = rest.substr(is_long && attached_ ? 1 : 0);
    return true;
  }

  /// The option's value.
  [[nodiscard]] std::string value() {
    if (!attached_) {
      if (at_ == arguments_.size()) throw usage_error(option_ + " needs a value");
      value_ = arguments_[at_++];
      attached_ = true;
    }
    return value_;
  }

  [[nodiscard]] std::uint64_t positive_integer() {
    const std::string text = value();
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value == 0) {
      fail("not a whole number from 1 to 2^64 - 1");
    }
    return value;
  }

  /// A size in memory: a positive integer, or as much of it as the platform can address.
  [[nodiscard]] std::size_t positive_size() {
    constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max() / 4;
    return static_cast<std::size_t>(std::min(positive_integer(), most));
  }

  [[nodiscard]] double number() {
    const std::string text = value();
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') fail("not a number");
    return value;
  }

  /// Refuses the option's value.
  [[noreturn]] void fail(const std::string& why) const {
    throw usage_error(option_ + " '" + value_ + "': " + why);
  }

  /// Refuses the option.
  [[noreturn]] void reject() const { throw usage_error("there is no option " + argument_); }

  /// What is no option; complete when `next()` has returned false.
  [[nodiscard]] const std::vector<std::string>& operands() const { return operands_; }

 private:
  std::vector<std::string> arguments_;
  std::size_t at_ = 0;
  std::string argument_;  ///< the option as it stands there
  std::string option_;    ///< its name
  std::string value_;
  bool attached_ = false;  ///< `value_` is there
  std::vector<std::string> operands_;
};

}  // namespace support

#endif
