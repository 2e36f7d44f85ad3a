// SPDX-License-Identifier: BSL-1.0
/// @file
/// A time kept in a file: how far a generator of ids may have gone before it was killed.
#ifndef QUOIN_EXAMPLES_SUPPORT_MARK_FILE_HPP
#define QUOIN_EXAMPLES_SUPPORT_MARK_FILE_HPP

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "file.hpp"
#include "kept.hpp"

namespace support {

/// The guard of a `snowflake_generator`: saves its marks as milliseconds since 1970, in decimal. Each
/// is on the disk, file and directory entry, before ids up to it are given.
class mark_file {
 public:
  using time_point = std::chrono::sys_time<std::chrono::milliseconds>;

  explicit mark_file(std::string name) : name_(std::move(name)) {}

  /// The mark of the run before; nothing if the file is not there.
  [[nodiscard]] std::optional<time_point> load() const {
    if (::access(name_.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
    const file in = open_to_read(name_);
    char buffer[32];
    std::string text;
    for (std::size_t n = 1; n != 0 && text.size() < sizeof buffer;) {
      n = in.read(buffer, sizeof buffer, name_);
      text.append(buffer, n);
    }
    std::int64_t mark = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, mark);
    if (error != std::errc() ||
        std::string_view(stop, static_cast<std::size_t>(end - stop)) != "\n") {
      throw std::runtime_error(name_ + ": not a mark");  // better none than ids that were given
    }
    return time_point(std::chrono::milliseconds(mark));
  }

  /// Saves a mark; throws if it cannot.
  bool operator()(time_point mark) {
    const std::string text = std::to_string(mark.time_since_epoch().count()) + '\n';
    replacement(name_).write(std::as_bytes(std::span(text)));
    sync_directory();
    return true;
  }

 private:
  void sync_directory() const {
    const std::size_t slash = name_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : name_.substr(0, slash + 1);
    file directory = open_to_read(folder);
    directory.flush_and_close(folder);
  }

  std::string name_;
};

}  // namespace support

#endif
