// SPDX-License-Identifier: BSL-1.0
/// @file
/// How far a program is, for whoever waits before a terminal.
#ifndef QUOIN_EXAMPLES_SUPPORT_PROGRESS_HPP
#define QUOIN_EXAMPLES_SUPPORT_PROGRESS_HPP

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "line_reader.hpp"

namespace support {

/// A line on the terminal that is rewritten while long input is read; nothing if standard error is
/// none, or if the terminal is busy.
class progress {
 public:
  /// @param terminal_is_busy  whether results go to standard output while input is read
  progress(std::string program, bool terminal_is_busy)
      : program_(std::move(program)),
        terminal_(::isatty(STDERR_FILENO) != 0 &&
                  !(terminal_is_busy && ::isatty(STDOUT_FILENO) != 0)) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { clear(); }

  /// Call it after each block of lines: it shows itself twice a second.
  /// @param found  `found()` is appended to it
  template <class Found>
  void show(const line_reader& in, Found found) {
    const auto now = clock::now();
    if (!terminal_ || now - last_ < std::chrono::milliseconds(500)) return;
    last_ = now;
    shown_ = true;
    std::fprintf(stderr, "\r%s: %llu lines, %llu MB%s\033[K", program_.c_str(),
                 static_cast<unsigned long long>(in.lines()),
                 static_cast<unsigned long long>(in.bytes() / 1'000'000),
                 std::string(found()).c_str());
  }
  void show(const line_reader& in) {
    show(in, [] { return ""; });
  }

  void clear() {
    if (std::exchange(shown_, false)) std::fputs("\r\033[K", stderr);
  }

 private:
  using clock = std::chrono::steady_clock;
  std::string program_;
  bool terminal_;
  bool shown_ = false;
  clock::time_point last_ = clock::now();
};

}  // namespace support

#endif
