// SPDX-License-Identifier: BSL-1.0
/// @file
/// topk: the most frequent lines and their counts, in memory that does not grow with the input.
/// See `help` below.
#include <quoin/sketch/heavy_hitters.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/command_line.hpp"
#include "support/line_reader.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

namespace {

using sketch = quoin::heavy_hitters<std::string>;

constexpr char help[] = R"(Usage: topk [OPTION]... [FILE]...
Print the most frequent lines of the FILEs (standard input if there is none, or where
FILE is -) and how often they come, like sort | uniq -c | sort -rn | head, in memory that
does not grow.

  -k K            how many lines to print (default 10)
  --capacity C    the more, the more exact, see below (default 65536, or K)
  --bounds        print two counts: the line comes so often at most, and so often at least
  --max-line N    longest line in bytes (default 67108864)
  --help          print this

Up to twice C different lines, all counts are exact. With more, A COUNT MAY BE TOO HIGH by
1/C of the number of all lines at most, never too low, and every line that comes more
often than that is found; lines that are frequent from the start are counted exactly even
so. topk says on standard error what is not certain: when it says nothing, the output is
byte for byte that of
  export LC_ALL=C; sort | uniq -c | sort -rn | head -n K

Memory: about 100 bytes and two lines for each of C.
Lines are compared byte by byte and may hold any bytes; the last need not end in a
newline, but is printed with one. Progress is shown on long input if standard error is a
terminal.

Exit status: 0 if all went well, 1 if a file could not be read, 2 for a wrong option.

Example: the 20 busiest clients of a log:
  cut -d ' ' -f 1 access.log | topk -k 20
)";

struct settings {
  std::size_t k = 10;
  std::optional<std::size_t> capacity;
  bool bounds = false;
  std::size_t max_line = support::default_max_line;
  std::vector<std::string> files;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (line.takes("-k")) {
      s.k = line.positive_size();
    } else if (line.takes("--capacity")) {
      s.capacity = line.positive_size();
    } else if (line.is("--bounds")) {
      s.bounds = true;
    } else if (line.takes("--max-line")) {
      s.max_line = line.positive_size();
    } else {
      line.reject();
    }
  }
  s.files = line.operands();
  return s;
}

/// The k lines of the largest counts, in the order of sort -rn: among equal counts the greater line
/// comes first.
std::vector<sketch::item> top(const sketch& lines_seen, std::size_t k) {
  std::vector<sketch::item> items = lines_seen.top(k);
  if (items.size() == k) {  // one left out may have the count of the last, and be greater
    items = lines_seen.frequent(items.back().count - 1,
                                quoin::heavy_hitters_report::no_false_negatives);
  }
  std::sort(items.begin(), items.end(), [](const sketch::item& a, const sketch::item& b) {
    return a.count != b.count ? a.count > b.count : a.key > b.key;
  });
  if (items.size() > k) items.erase(items.begin() + static_cast<std::ptrdiff_t>(k), items.end());
  return items;
}

void count_lines(sketch& lines_seen, const settings& s) {
  support::line_reader in(s.files, s.max_line);
  support::progress progress("topk", false);
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    lines_seen.add_many(lines);
    progress.show(in);
  }
}

void print(const std::vector<sketch::item>& items, bool bounds) {
  support::output out;
  char text[64];
  for (const sketch::item& item : items) {
    std::snprintf(text, sizeof text, "%7llu ", static_cast<unsigned long long>(item.count));
    out << text;
    if (bounds) {
      std::snprintf(text, sizeof text, "%7llu ",
                    static_cast<unsigned long long>(item.lower_bound()));
      out << text;
    }
    out << item.key << '\n';
  }
  out.close();
}

/// Says what is not certain, if anything.
void qualify(const sketch& lines_seen, const std::vector<sketch::item>& items, std::size_t k) {
  // What is not in memory comes less often than what is; but if that is not enough, lines miss.
  const bool complete = items.size() == k || lines_seen.max_error() == 0;
  std::uint64_t error = 0;
  for (const sketch::item& item : items) error = std::max(error, item.error);
  if (error == 0 && complete) return;

  if (error != 0) {
    std::fprintf(stderr, "topk: not exact: a count may be up to %s too high (--bounds)\n",
                 std::to_string(error).c_str());
  } else {
    std::fputs("topk: not exact: there are more lines, less frequent ones\n", stderr);
  }
  const std::size_t sure = lines_seen.guaranteed_top(k).size();
  if (!complete || sure < items.size()) {
    std::fprintf(stderr, "topk: %s of the lines are certainly among the %s most frequent\n",
                 std::to_string(sure).c_str(), std::to_string(k).c_str());
  }
  std::size_t ordered = 1;  // the first ones, each at least as frequent as the next
  while (ordered < items.size() && items[ordered - 1].lower_bound() >= items[ordered].count) {
    ++ordered;
  }
  if (ordered < items.size()) {
    std::fprintf(stderr, "topk: the order is certain of the first %s\n",
                 std::to_string(ordered - 1).c_str());
  }
  std::fputs("topk: a larger --capacity makes it more exact\n", stderr);
}

void run(const settings& s) {
  sketch lines_seen = support::made_from_options("sketch", [&] {
    return sketch({.capacity = s.capacity.value_or(std::max<std::size_t>(65536, s.k))});
  });
  count_lines(lines_seen, s);
  const std::vector<sketch::item> items = top(lines_seen, s.k);
  print(items, s.bounds);
  qualify(lines_seen, items, s.k);
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("topk", help, argc, argv,
                              [](support::command_line& line) { run(read_options(line)); });
}
