// SPDX-License-Identifier: BSL-1.0
/// @file
/// Files of POSIX, whose errors become exceptions with the file's name.
#ifndef QUOIN_EXAMPLES_SUPPORT_FILE_HPP
#define QUOIN_EXAMPLES_SUPPORT_FILE_HPP

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace support {

[[noreturn]] inline void fail_with_errno(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// An open file, closed at the end unless it is one of the three standard ones.
class file {
 public:
  explicit file(int descriptor) noexcept : descriptor_(descriptor) {}
  file(file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  file& operator=(file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~file() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
  }

  /// Reads up to `size` bytes; 0 at the end.
  std::size_t read(char* to, std::size_t size, const std::string& name) const {
    for (;;) {
      const ssize_t n = ::read(descriptor_, to, size);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) fail_with_errno(name);
    }
  }

  void write(std::string_view bytes, const std::string& name) const {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno != EINTR) {
        fail_with_errno(name);
      }
    }
  }

  /// Some errors of writing come to light only when the bytes reach the disk.
  void flush_and_close(const std::string& name) {
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_with_errno(name);
    close(name);
  }

  void close(const std::string& name) {
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_with_errno(name);
  }

 private:
  int descriptor_;
};

/// Opens a file by its name; `-` is standard input.
inline file open_to_read(const std::string& name) {
  if (name == "-") return file(STDIN_FILENO);
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_with_errno(name);
  return file(descriptor);
}

}  // namespace support

#endif
