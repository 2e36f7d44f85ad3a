// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers as people write them.
#ifndef QUOIN_EXAMPLES_SUPPORT_NUMBER_HPP
#define QUOIN_EXAMPLES_SUPPORT_NUMBER_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace support {

/// The number that all of `text` is: decimal, with or without sign, point and exponent, or `inf`.
/// Nothing for the rest: `nan`, hexadecimal, what no double holds. The nearest double, always.
///
/// Up to 15 digits without an exponent are read here, since numerator and power of ten are exact
/// then, and their quotient is rounded once (Clinger 1990). The C library reads the rest.
inline std::optional<double> parse_number(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view digits = text.substr(negative || (!text.empty() && text[0] == '+'));
  if (digits == "inf") return negative ? -HUGE_VAL : HUGE_VAL;
  static constexpr double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  std::uint64_t numerator = 0;
  std::size_t count = 0, behind = 0;
  bool point = false, simple = digits.size() <= 16;
  for (std::size_t i = 0; simple && i < digits.size(); ++i) {
    const char c = digits[i];
    if (c >= '0' && c <= '9') {
      numerator = 10 * numerator + static_cast<std::uint64_t>(c - '0');
      ++count;
      behind += point;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      simple = false;
    }
  }
  if (simple && count >= 1 && count <= 15) {
    const double value = static_cast<double>(numerator) / powers[behind];
    return negative ? -value : value;
  }
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0' || std::isinf(value)) return std::nullopt;
  return value;
}

/// The shortest text that reads back as the same number.
inline std::string shortest(double value) {
  char text[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return text;
}

/// `value` with so many significant digits, without an exponent where people would not write one.
inline std::string rounded(double value, int digits) {
  char text[64];
  const double magnitude = std::abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e15) {
    const int ahead = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
    std::snprintf(text, sizeof text, "%.*f", ahead < digits ? digits - ahead : 0, value);
  } else {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
  }
  return text;
}

}  // namespace support

#endif
