// SPDX-License-Identifier: BSL-1.0
/// @file
/// Standard output whose errors do not go unnoticed.
#ifndef QUOIN_EXAMPLES_SUPPORT_OUTPUT_HPP
#define QUOIN_EXAMPLES_SUPPORT_OUTPUT_HPP

#include <unistd.h>

#include <string>
#include <string_view>

#include "file.hpp"

namespace support {

/// Gathers text and writes it when told to.
class output {
 public:
  output& operator<<(std::string_view text) {
    text_.append(text);
    return *this;
  }
  output& operator<<(char c) {
    text_ += c;
    return *this;
  }

  void flush() {
    if (text_.empty()) return;
    stdout_.write(text_, name);
    text_.clear();
    written_ = true;
  }

  /// The last call. A disk may say only now that it is full; who writes nothing needs no output.
  void close() {
    flush();
    if (written_) stdout_.close(name);
  }

 private:
  static constexpr const char* name = "standard output";
  file stdout_{STDOUT_FILENO};
  std::string text_;
  bool written_ = false;
};

}  // namespace support

#endif
