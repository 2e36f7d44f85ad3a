// SPDX-License-Identifier: BSL-1.0
/// @file
/// The lines of files, many at a time.
#ifndef QUOIN_EXAMPLES_SUPPORT_LINE_READER_HPP
#define QUOIN_EXAMPLES_SUPPORT_LINE_READER_HPP

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "file.hpp"

namespace support {

/// Reads files one after another, each when its turn comes. A line may hold any bytes; the last of
/// a file need not end in a newline.
class line_reader {
 public:
  /// @param names     of the files; standard input if there is none, or where a name is `-`
  /// @param max_line  bytes of a line, at most; memory is a few times the longest line
  line_reader(std::vector<std::string> names, std::size_t max_line)
      : names_(std::move(names)), max_line_(max_line), buffer_(block_size) {
    if (names_.empty()) names_.emplace_back("-");
  }

  /// The lines that one read brings, without their newlines, so that a slow stream is not waited
  /// for. None at the end of the last file. They are valid until the next call.
  std::span<const std::string_view> next() {
    views_.clear();
    while (views_.empty() && at_file_ < names_.size()) {
      if (!open_) open();
      make_room();
      const std::size_t n = in_.read(buffer_.data() + end_, buffer_.size() - end_, name_);
      bytes_ += n;
      if (n == 0) {
        if (begin_ != end_) take(std::exchange(begin_, end_), end_);
        open_ = false;
        ++at_file_;
      } else {
        const std::size_t searched = end_;
        end_ += n;
        split(searched);
      }
    }
    return views_;
  }

  /// Lines and bytes read so far, in all.
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Where in its file a line of the last call stands, by its index there: "data.txt:7".
  [[nodiscard]] std::string location(std::size_t index) const {
    return name_ + ":" + std::to_string(file_lines_ - views_.size() + index + 1);
  }

 private:
  static constexpr std::size_t block_size = std::size_t{1} << 16;

  void open() {
    const std::string& name = names_[at_file_];
    in_ = open_to_read(name);
    name_ = name == "-" ? "standard input" : name;
    open_ = true;
    begin_ = end_ = 0;
    file_lines_ = 0;
  }

  /// Moves the unfinished line to the front; doubles the buffer when the line fills it.
  void make_room() {
    if (begin_ != 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    require_short(end_);
    if (end_ == buffer_.size()) buffer_.resize(2 * end_);
  }

  void require_short(std::size_t length) const {
    if (length <= max_line_) return;
    throw std::runtime_error(name_ + ": line " + std::to_string(lines_ + 1) +
                             " of the input has more than " + std::to_string(max_line_) +
                             " bytes (--max-line)");
  }

  /// Takes the lines that end in [searched, end_).
  void split(std::size_t searched) {
    const char* const data = buffer_.data();
    while (const void* const newline = std::memchr(data + searched, '\n', end_ - searched)) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(newline) - data);
      take(begin_, at);
      begin_ = searched = at + 1;
    }
  }

  void take(std::size_t begin, std::size_t end) {
    require_short(end - begin);
    views_.emplace_back(buffer_.data() + begin, end - begin);
    ++lines_;
    ++file_lines_;
  }

  std::vector<std::string> names_;
  std::size_t max_line_;
  std::vector<char> buffer_;
  std::vector<std::string_view> views_;
  std::size_t begin_ = 0, end_ = 0;  ///< what was read and not yet taken, within the buffer
  file in_{-1};
  std::string name_;
  bool open_ = false;
  std::size_t at_file_ = 0;
  std::uint64_t lines_ = 0, file_lines_ = 0, bytes_ = 0;
};

}  // namespace support

#endif
