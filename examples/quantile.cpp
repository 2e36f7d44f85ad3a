// SPDX-License-Identifier: BSL-1.0
/// @file
/// quantile: percentiles of a column of numbers, in memory that does not grow with the input.
/// See `help` below.
#include <quoin/sketch/quantiles.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/command_line.hpp"
#include "support/kept.hpp"
#include "support/line_reader.hpp"
#include "support/number.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

namespace {

using sketch = quoin::quantile_sketch<>;
using support::usage_error;

constexpr char help[] = R"(Usage: quantile [OPTION]... [FILE]...
Print percentiles of the numbers in the FILEs, one number a line (standard input if there
is none, or where FILE is -), in memory that does not grow.

  -p P,P,...      percentiles, 0 to 100 (default 0,25,50,75,90,99,99.9,100)
  --column N      the number is the N-th field, fields being separated by blanks and tabs
                  (default 1)
  --accuracy A    relative error, 0.0001 to 0.5 (default 0.01)
  --skip-bad      leave out lines that do not hold a number there, and say how many
  --bounds        print two more numbers: the limits between which the percentile certainly is
  --save FILE     keep what was counted in FILE, written when all went well
  --load FILE     add to what is kept in FILE; may be given several times
  --merge         the FILEs are what was kept, not numbers: print the percentiles of all
                  together
  --max-line N    longest line in bytes (default 67108864)
  --help          print this

Each line of output is a percentile and its value (nan if there are no numbers). The P-th percentile of n numbers in
ascending order is the one at place floor(P/100 * (n - 1)), counted from 0. IT IS PRINTED
WITH A RELATIVE ERROR, of A at most: 99 percent are below 200 ms, give or take 2 ms. The
0-th and the 100-th, minimum and maximum, are exact. If you cannot do without exact
numbers, use sort -g.

Numbers are decimal, like 12, -0.5, 1.5e-3, or inf. Beside the largest one, numbers less
than 2^-128 of it count as zero or so; quantile says when a percentile is among them.
Memory: 2 KB for numbers that span a factor of 100, at A = 0.01; 300 KB at most.

Exit status: 0 if all went well, 1 if a file could not be read or written or a line held
no number, 2 for a wrong option.

Example: latencies, in the ninth column of a log:
  quantile -p 50,90,99,99.9 --column 9 access.log
)";

// --- options ------------------------------------------------------------------------------------

struct settings {
  std::string percentiles = "0,25,50,75,90,99,99.9,100";
  std::uint64_t column = 1;
  std::optional<double> accuracy;
  bool skip_bad = false;
  bool bounds = false;
  bool merge = false;
  std::string save;
  std::vector<std::string> load;
  std::size_t max_line = support::default_max_line;
  std::vector<std::string> files;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (line.takes("-p")) {
      s.percentiles = line.value();
    } else if (line.takes("--column")) {
      s.column = line.positive_integer();
    } else if (line.takes("--accuracy")) {
      s.accuracy = line.number();
    } else if (line.is("--skip-bad")) {
      s.skip_bad = true;
    } else if (line.is("--bounds")) {
      s.bounds = true;
    } else if (line.takes("--save")) {
      s.save = line.value();
    } else if (line.takes("--load")) {
      s.load.push_back(line.value());
    } else if (line.is("--merge")) {
      s.merge = true;
    } else if (line.takes("--max-line")) {
      s.max_line = line.positive_size();
    } else {
      line.reject();
    }
  }
  s.files = line.operands();
  if (s.accuracy && (s.merge || !s.load.empty())) {
    throw usage_error("what was kept brings its accuracy: leave out --accuracy");
  }
  if (s.merge && s.files.empty()) throw usage_error("--merge needs the files to put together");
  return s;
}

/// A percentile, and how the user wrote it.
struct percentile {
  std::string text;
  double share;
};

std::vector<percentile> percentiles_of(const std::string& list) {
  std::vector<percentile> all;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string text = list.substr(begin, end - begin);
    const std::optional<double> value = support::parse_number(text);
    if (!value || !(*value >= 0 && *value <= 100)) {
      throw usage_error("-p '" + list + "': '" + text + "' is not a number from 0 to 100");
    }
    all.push_back({text, *value / 100});
    begin = end + 1;
  }
  return all;
}

// --- the work -----------------------------------------------------------------------------------

/// The n-th field of a line, n ≥ 1; empty if there are fewer.
std::string_view field(std::string_view line, std::uint64_t n) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  const char* const end = line.data() + line.size();
  const char* stop = line.data();
  for (;;) {
    const char* const begin = std::find_if_not(stop, end, is_blank);
    stop = std::find_if(begin, end, is_blank);
    if (--n == 0 || begin == end) return {begin, static_cast<std::size_t>(stop - begin)};
  }
}

/// What stands where a number should: its beginning, without what would disturb a terminal.
std::string shown(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string clean(text.substr(0, most));
  for (char& c : clean) c = c >= ' ' && c != 127 ? c : '?';
  return "'" + clean + (text.size() > most ? "...'" : "'");
}

sketch together(const std::vector<std::string>& files) {
  sketch all = support::load<sketch>(files.front());
  for (std::size_t i = 1; i < files.size(); ++i) {
    const sketch next = support::load<sketch>(files[i]);
    if (!all.is_compatible(next)) {
      throw std::runtime_error(files[i] + ": not of the same accuracy as " + files.front());
    }
    all.merge(next);
  }
  return all;
}

void read_numbers(sketch& numbers, const settings& s) {
  support::line_reader in(s.files, s.max_line);
  support::progress progress("quantile", false);
  std::uint64_t bad = 0;
  std::vector<double> values;
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    values.clear();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string_view text = field(lines[i], s.column);
      if (const std::optional<double> value = support::parse_number(text)) {
        values.push_back(*value);
      } else if (!s.skip_bad) {
        const std::string what = text.empty() ? "there is no field " + std::to_string(s.column)
                                              : shown(text) + " is not a number";
        throw std::runtime_error(in.location(i) + ": " + what + " (--skip-bad)");
      } else {
        ++bad;
      }
    }
    numbers.insert_many(values);
    progress.show(in);
  }
  progress.clear();
  if (bad != 0) {
    std::fprintf(stderr, "quantile: %s of %s lines hold no number there and were left out\n",
                 std::to_string(bad).c_str(), std::to_string(in.lines()).c_str());
  }
}

void print(const sketch& numbers, const settings& s, const std::vector<percentile>& percentiles) {
  // So many digits that rounding adds about a ten-thousandth to the error.
  const int digits = static_cast<int>(std::lround(-std::log10(numbers.relative_accuracy()))) + 5;
  support::output out;
  for (const percentile& p : percentiles) {
    const double value = numbers.quantile(p.share);
    const bool exact = value == numbers.min() || value == numbers.max();
    out << p.text << ' ' << (exact ? support::shortest(value) : support::rounded(value, digits));
    if (s.bounds) {
      const quoin::quantile_range range = numbers.quantile_bounds(p.share);
      out << ' ' << support::shortest(range.lower) << ' ' << support::shortest(range.upper);
    }
    out << '\n';
  }
  out.close();
}

void run(const settings& s) {
  const std::vector<percentile> percentiles = percentiles_of(s.percentiles);
  std::vector<std::string> kept = s.load;
  if (s.merge) kept.insert(kept.end(), s.files.begin(), s.files.end());
  sketch numbers = support::made_from_options("sketch", [&] {
    return kept.empty() ? sketch({.relative_accuracy = s.accuracy.value_or(0.01)}) : together(kept);
  });
  std::optional<support::replacement> saved;
  if (!s.save.empty()) saved.emplace(s.save);
  if (!s.merge) read_numbers(numbers, s);
  print(numbers, s, percentiles);
  if (saved) saved->write(numbers.to_bytes());
  if (numbers.collapsed_count() != 0) {
    std::fprintf(stderr,
                 "quantile: %s numbers are too small beside the largest to be told apart: where a\n"
                 "quantile: percentile is among them, --bounds shows what is known\n",
                 std::to_string(numbers.collapsed_count()).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("quantile", help, argc, argv,
                              [](support::command_line& line) { run(read_options(line)); });
}
