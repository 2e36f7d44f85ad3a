// SPDX-License-Identifier: BSL-1.0
/// @file
/// seen: prints the first occurrence of each line, in memory that does not grow with the input.
/// See `help` below.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/command_line.hpp"
#include "support/kept.hpp"
#include "support/line_reader.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

namespace {

using filter = quoin::blocked_bloom_filter<>;
using support::usage_error;

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

// --- options ------------------------------------------------------------------------------------

struct settings {
  std::optional<std::uint64_t> capacity;
  std::optional<double> false_positive_rate;
  std::optional<double> bits_per_key;
  std::size_t max_line = support::default_max_line;
  bool count = false;
  std::string save;
  std::string load;
  std::vector<std::string> files;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (line.takes("--capacity")) {
      s.capacity = line.positive_integer();
    } else if (line.takes("--false-positive-rate")) {
      s.false_positive_rate = line.number();
    } else if (line.takes("--bits-per-key")) {
      s.bits_per_key = line.number();
    } else if (line.takes("--max-line")) {
      s.max_line = line.positive_size();
    } else if (line.takes("--save")) {
      s.save = line.value();
    } else if (line.takes("--load")) {
      s.load = line.value();
    } else if (line.is("--count")) {
      s.count = true;
    } else {
      line.reject();
    }
  }
  s.files = line.operands();
  if (s.bits_per_key && s.false_positive_rate) {
    throw usage_error("give one of --bits-per-key and --false-positive-rate");
  }
  if (!s.load.empty() && (s.capacity || s.bits_per_key)) {
    throw usage_error("--load brings the filter's size: leave out --capacity and --bits-per-key");
  }
  return s;
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

  /// For each line, whether it was certainly not seen before. Valid until the next call.
  std::span<const bool> are_new(std::span<const std::string_view> lines) {
    if (capacity_of_new_ < lines.size()) {
      new_ = std::make_unique<bool[]>(lines.size());
      capacity_of_new_ = lines.size();
    }
    const std::span<bool> fresh(new_.get(), lines.size());
    filter_.try_insert_many(lines, fresh);
    count_ += static_cast<std::uint64_t>(std::count(fresh.begin(), fresh.end(), true));
    return fresh;
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
    if (!s.load.empty()) return support::load<filter>(s.load);
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
  std::unique_ptr<bool[]> new_;  ///< what `are_new` gave
  std::size_t capacity_of_new_ = 0;
};

void run(const settings& s) {
  line_memory memory = support::made_from_options("filter", [&] { return line_memory(s); });
  std::optional<support::replacement> saved;
  if (!s.save.empty()) saved.emplace(s.save);
  support::line_reader in(s.files, s.max_line);
  support::output out;
  support::progress progress("seen", true);
  bool announced = false;
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    const std::span<const bool> fresh = memory.are_new(lines);
    for (std::size_t i = 0; i < lines.size() && !s.count; ++i) {
      if (fresh[i]) out << lines[i] << '\n';
    }
    out.flush();  // after each read, so that a reader of a slow stream need not wait
    if (memory.is_overfull() && !std::exchange(announced, true)) {
      progress.clear();
      memory.announce_overfull();
    }
    progress.show(in, [&] { return ", " + std::to_string(memory.count()) + " new"; });
  }
  progress.clear();
  if (s.count) out << std::to_string(memory.count()) << '\n';
  out.close();
  if (saved) saved->write(memory.content().to_bytes());
  if (memory.is_overfull()) memory.sum_up_overfull();
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("seen", help, argc, argv,
                              [](support::command_line& line) { run(read_options(line)); });
}
