// SPDX-License-Identifier: BSL-1.0
/// @file
/// seen: prints the first occurrence of each line, in memory that does not grow with the input.
/// See `help` below.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using filter = quoin::blocked_bloom_filter<>;

constexpr char help[] = R"(Usage: seen [OPTION]... [FILE]...
Print the first occurrence of each line of the FILEs (of standard input if there is
none, or where FILE is -), like awk '!x[$0]++', in memory that does not grow.

  --capacity N             distinct lines expected, in all (default 1000000)
  --false-positive-rate P  chance that a new line is taken for one seen before, once
                           N lines were (default 1e-6; from 1.4e-8 up)
  --bits-per-key B         bits of memory per line instead: 10 give 1 %, 39 give 1e-6
  --max-line N             longest line in bytes (default 67108864)
  --count                  print the number of new lines instead of the lines
  --save FILE              keep what was seen in FILE, written when all went well
  --load FILE              begin with what was seen before; FILE brings its size with it
  --help                   print this

A line seen before is never printed again. A NEW LINE MAY BE LEFT OUT, with the chance P
at most until N distinct lines were seen and a growing one after that; seen says so when
it comes to it. If you cannot do without a single line, use sort -u.

Memory: N * B / 8 bytes (4.9 MB for the defaults), and a few times the longest line.
Lines are compared byte by byte and may hold any bytes; the last need not end in a
newline, but is printed with one. Progress is shown on long input if standard error is a
terminal.

Exit status: 0 if all went well, 1 if a file could not be read or written, 2 for a wrong
option.

Example: crawl each address once, today and tomorrow:
  seen --load yesterday.quoin --save today.quoin urls.txt | crawl
)";

/// A mistake in the command line.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail_with_errno(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// --- options ------------------------------------------------------------------------------------

struct settings {
  std::optional<std::uint64_t> capacity;
  std::optional<double> false_positive_rate;
  std::optional<double> bits_per_key;
  std::size_t max_line = std::size_t{64} << 20;
  bool count = false;
  std::string save;
  std::string load;
  std::vector<std::string> files;
};

std::uint64_t positive_integer(const std::string& option, const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value == 0) {
    throw usage_error(option + " '" + text + "': not a whole number from 1 to 2^64 - 1");
  }
  return value;
}

double number(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    throw usage_error(option + " '" + text + "': not a number");
  }
  return value;
}

settings read_options(const std::vector<std::string>& arguments) {
  settings s;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      s.files.insert(s.files.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     arguments.end());
      break;
    }
    if (argument.empty() || argument[0] != '-' || argument == "-") {
      s.files.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string option = argument.substr(0, equals);
    const auto value = [&]() -> std::string {
      if (equals != std::string::npos) return argument.substr(equals + 1);
      if (i + 1 == arguments.size()) throw usage_error(option + " needs a value");
      return arguments[++i];
    };
    if (option == "--capacity") {
      s.capacity = positive_integer(option, value());
    } else if (option == "--false-positive-rate") {
      s.false_positive_rate = number(option, value());
    } else if (option == "--bits-per-key") {
      s.bits_per_key = number(option, value());
    } else if (option == "--max-line") {
      const std::uint64_t most = positive_integer(option, value());
      s.max_line = static_cast<std::size_t>(std::min<std::uint64_t>(most, SIZE_MAX / 4));
    } else if (option == "--save") {
      s.save = value();
    } else if (option == "--load") {
      s.load = value();
    } else if (argument == "--count") {
      s.count = true;
    } else {
      throw usage_error("there is no option " + argument);
    }
  }
  if (s.bits_per_key && s.false_positive_rate) {
    throw usage_error("give one of --bits-per-key and --false-positive-rate");
  }
  if (!s.load.empty() && (s.capacity || s.bits_per_key)) {
    throw usage_error("--load brings the filter's size: leave out --capacity and --bits-per-key");
  }
  return s;
}

// --- files --------------------------------------------------------------------------------------

/// An open file, closed at the end.
class file {
 public:
  explicit file(int descriptor) noexcept : descriptor_(descriptor) {}
  file(file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  file& operator=(file&&) = delete;
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
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_with_errno(name);
  }

 private:
  int descriptor_;
};

file open_to_read(const std::string& name) {
  if (name == "-") return file(STDIN_FILENO);
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_with_errno(name);
  return file(descriptor);
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

filter load_filter(const std::string& name) {
  const file in = open_to_read(name);
  std::vector<char> bytes;
  for (std::size_t size = 0;;) {
    bytes.resize(std::max<std::size_t>(2 * size, 1 << 16));
    const std::size_t n = in.read(bytes.data() + size, bytes.size() - size, name);
    size += n;
    if (n == 0 || bytes[0] != 'Q') {  // no filter begins otherwise: an endless file ends here
      bytes.resize(size);
      break;
    }
  }
  auto loaded = filter::from_bytes(std::as_bytes(std::span(bytes)));
  if (!loaded) throw std::runtime_error(name + ": " + loaded.error().message());
  return std::move(*loaded);
}

// --- the work -----------------------------------------------------------------------------------

/// The lines seen so far, and the promise about them.
class line_memory {
 public:
  explicit line_memory(const settings& s)
      : filter_(make(s)),
        before_(s.load.empty() ? 0 : static_cast<std::uint64_t>(filter_.estimated_count() + 0.5)),
        capacity_(s.load.empty() ? s.capacity.value_or(default_capacity)
                                 : capacity_at(s.false_positive_rate.value_or(default_rate))) {}

  /// True if `line` was certainly not seen before.
  bool is_new(std::string_view line) {
    if (!filter_.try_insert(line)) return false;
    ++count_;
    return true;
  }

  /// New lines of this run.
  [[nodiscard]] std::uint64_t count() const { return count_; }

  [[nodiscard]] const filter& content() const { return filter_; }

  /// True when the filter holds more lines than its promise is for.
  [[nodiscard]] bool is_overfull() const { return before_ + count_ > capacity_; }

  void announce_overfull() const {
    std::fprintf(stderr,
                 "seen: more than %s distinct lines: from here on a new line is left out with a\n"
                 "seen: chance above %.2g, and growing; %s\n",
                 std::to_string(capacity_).c_str(), filter_.expected_false_positive_rate(capacity_),
                 before_ == 0 ? "next time use a larger --capacity"
                              : "begin a larger filter or accept more (--false-positive-rate)");
  }

  void sum_up_overfull() const {
    std::fprintf(stderr, "seen: after %s distinct lines the false-positive rate is %.2g\n",
                 std::to_string(before_ + count_).c_str(), filter_.false_positive_rate());
  }

 private:
  static constexpr std::uint64_t default_capacity = 1'000'000;
  static constexpr double default_rate = 1e-6;

  static filter make(const settings& s) {
    if (!s.load.empty()) return load_filter(s.load);
    const std::uint64_t capacity = s.capacity.value_or(default_capacity);
    if (s.bits_per_key) return filter({.capacity = capacity, .bits_per_key = *s.bits_per_key});
    return filter({.capacity = capacity,
                   .false_positive_rate = s.false_positive_rate.value_or(default_rate)});
  }

  /// The most lines at which the filter keeps `rate`.
  [[nodiscard]] std::uint64_t capacity_at(double rate) const {
    std::uint64_t low = 0, high = filter_.bit_count();  // more lines than bits keep no promise
    while (low < high) {
      const std::uint64_t middle = low + (high - low + 1) / 2;
      if (filter_.expected_false_positive_rate(middle) <= rate) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  filter filter_;
  std::uint64_t before_;  ///< distinct lines of earlier runs, estimated
  std::uint64_t capacity_;
  std::uint64_t count_ = 0;
};

/// A line on the terminal that is rewritten while long input is read.
class progress {
 public:
  void show(std::uint64_t lines, std::uint64_t bytes, std::uint64_t found) {
    const auto now = clock::now();
    if (!terminal_ || now - last_ < std::chrono::milliseconds(500)) return;
    last_ = now;
    shown_ = true;
    std::fprintf(stderr, "\rseen: %llu lines, %llu MB, %llu new\033[K",
                 static_cast<unsigned long long>(lines),
                 static_cast<unsigned long long>(bytes / 1'000'000),
                 static_cast<unsigned long long>(found));
  }

  void clear() {
    if (std::exchange(shown_, false)) std::fputs("\r\033[K", stderr);
  }

  progress() = default;
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { clear(); }

 private:
  using clock = std::chrono::steady_clock;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0 && ::isatty(STDOUT_FILENO) == 0;
  bool shown_ = false;
  clock::time_point last_ = clock::now();
};

/// Copies new lines from the inputs to standard output.
class copier {
 public:
  copier(line_memory& memory, const settings& s)
      : memory_(memory), print_(!s.count), max_line_(s.max_line), buffer_(1 << 18) {}

  void copy(const file& in, const std::string& name) {
    std::size_t begin = 0, end = 0;  // what was read and not yet taken, within the buffer
    for (;;) {
      make_room(begin, end, name);
      const std::size_t n = in.read(buffer_.data() + end, buffer_.size() - end, name);
      bytes_ += n;
      const std::size_t searched = end;
      end += n;
      begin = take_lines(begin, searched, end, name);
      if (n == 0) break;
      flush();
      report();
    }
    if (begin != end) take({buffer_.data() + begin, end - begin});
    flush();
    report();
  }

 private:
  /// Moves the unfinished line to the front; doubles the buffer when the line fills it.
  void make_room(std::size_t& begin, std::size_t& end, const std::string& name) {
    if (begin != 0) std::memmove(buffer_.data(), buffer_.data() + begin, end - begin);
    end -= std::exchange(begin, 0);
    require_short(end, name);
    if (end == buffer_.size()) buffer_.resize(2 * end);
  }

  void require_short(std::size_t length, const std::string& name) const {
    if (length <= max_line_) return;
    throw std::runtime_error(name + ": line " + std::to_string(lines_ + 1) +
                             " of the input has more than " + std::to_string(max_line_) +
                             " bytes (--max-line)");
  }

  /// Takes the lines that end in [searched, end); returns where the unfinished one begins.
  std::size_t take_lines(std::size_t begin, std::size_t searched, std::size_t end,
                         const std::string& name) {
    const char* const data = buffer_.data();
    while (const void* const newline = std::memchr(data + searched, '\n', end - searched)) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(newline) - data);
      require_short(at - begin, name);
      take({data + begin, at - begin});
      begin = searched = at + 1;
    }
    return begin;
  }

  void take(std::string_view line) {
    ++lines_;
    if (!memory_.is_new(line) || !print_) return;
    output_.append(line);
    output_ += '\n';
  }

  /// After each read, so that a reader of a slow stream need not wait.
  void flush() {
    stdout_.write(output_, "standard output");
    output_.clear();
  }

  void report() {
    if (memory_.is_overfull() && !std::exchange(announced_, true)) {
      progress_.clear();
      memory_.announce_overfull();
    }
    progress_.show(lines_, bytes_, memory_.count());
  }

  line_memory& memory_;
  bool print_;
  std::size_t max_line_;
  std::vector<char> buffer_;
  std::string output_;
  file stdout_{STDOUT_FILENO};
  progress progress_;
  bool announced_ = false;
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
};

line_memory make_memory(const settings& s) {
  try {
    return line_memory(s);
  } catch (const std::invalid_argument& e) {
    throw usage_error(e.what());
  } catch (const std::bad_alloc&) {
    throw std::runtime_error("not enough memory for a filter of that size");
  } catch (const std::length_error&) {
    throw std::runtime_error("not enough memory for a filter of that size");
  }
}

void run(const settings& s) {
  line_memory memory = make_memory(s);
  std::optional<replacement> saved;
  if (!s.save.empty()) saved.emplace(s.save);
  {
    copier copy(memory, s);
    if (s.files.empty()) copy.copy(file(STDIN_FILENO), "standard input");
    for (const std::string& name : s.files) copy.copy(open_to_read(name), name);
  }
  if (s.count) {
    file(STDOUT_FILENO).write(std::to_string(memory.count()) + "\n", "standard output");
  }
  if (saved) saved->write(memory.content().to_bytes());
  if (memory.is_overfull()) memory.sum_up_overfull();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  try {
    if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
      file(STDOUT_FILENO).write(help, "standard output");
    } else {
      run(read_options(arguments));
    }
    return 0;
  } catch (const usage_error& e) {
    std::fprintf(stderr, "seen: %s\nTry 'seen --help'.\n", e.what());
    return 2;
  } catch (const std::bad_alloc&) {
    std::fputs("seen: not enough memory\n", stderr);
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "seen: %s\n", e.what());
    return 1;
  }
}
