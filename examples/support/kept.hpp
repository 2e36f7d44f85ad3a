// SPDX-License-Identifier: BSL-1.0
/// @file
/// Structures kept in files: `--load` and `--save`.
#ifndef QUOIN_EXAMPLES_SUPPORT_KEPT_HPP
#define QUOIN_EXAMPLES_SUPPORT_KEPT_HPP

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "file.hpp"

namespace support {

/// The `T` whose native form is in the file `name`.
template <class T>
T load(const std::string& name) {
  const file in = open_to_read(name);
  std::vector<char> bytes;
  for (std::size_t size = 0;;) {
    bytes.resize(std::max<std::size_t>(2 * size, 1 << 16));
    const std::size_t n = in.read(bytes.data() + size, bytes.size() - size, name);
    size += n;
    if (n == 0 || bytes[0] != 'Q') {  // no native form begins otherwise: an endless file ends here
      bytes.resize(size);
      break;
    }
  }
  auto loaded = T::from_bytes(std::as_bytes(std::span(bytes)));
  if (!loaded) throw std::runtime_error(name + ": " + loaded.error().message());
  return std::move(*loaded);
}

/// A file that takes the place of `name` when it is whole, and never leaves half of one behind.
class replacement {
 public:
  /// Finds out now, not after hours of input, whether the file can be written.
  explicit replacement(std::string name) : name_(std::move(name)), path_(name_ + ".XXXXXX") {
    struct stat there {};
    if (::stat(name_.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
      throw std::runtime_error(name_ + ": not a regular file");
    }
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) fail_with_errno(name_);
    ::close(descriptor);
    ::unlink(path_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    path_.replace(name_.size(), std::string::npos, ".XXXXXX");
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) fail_with_errno(name_);
    file out(descriptor);
    try {
      const mode_t mask = ::umask(0);  // mkstemp lets nobody else read; the user's umask decides
      ::umask(mask);
      if (::fchmod(descriptor, 0666 & ~mask) != 0) fail_with_errno(name_);
      out.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_);
      out.flush_and_close(name_);
      if (::rename(path_.c_str(), name_.c_str()) != 0) fail_with_errno(name_);
    } catch (...) {
      ::unlink(path_.c_str());
      throw;
    }
  }

 private:
  std::string name_;
  std::string path_;
};

}  // namespace support

#endif
