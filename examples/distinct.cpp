// SPDX-License-Identifier: BSL-1.0
/// @file
/// distinct: how many different lines, in memory that does not grow with the input.
/// See `help` below.
#include <quoin/interop/redis_hyperloglog.hpp>
#include <quoin/sketch/hyperloglog.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/command_line.hpp"
#include "support/kept.hpp"
#include "support/line_reader.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"

namespace {

using sketch = quoin::hyperloglog<>;
using support::usage_error;

constexpr char help[] = R"(Usage: distinct [OPTION]... [FILE]...
Print how many different lines the FILEs have together (standard input if there is none,
or where FILE is -), like sort -u | wc -l, in memory that does not grow.

  --precision P   memory and exactness, 4 to 21 (default 16): 2^P bytes, see below
  --interval      print two more numbers: the limits between which the truth lies with a
                  chance of 95 %
  --save FILE     keep the count in FILE, written when all went well
  --load FILE     add to the count kept in FILE; may be given several times
  --merge         the FILEs are kept counts, not lines: print what they have together, a
                  line that several saw counted once
  --redis FILE    write the count of the lines as Redis keeps it, too, for
                  redis-cli -x SET key <FILE and PFCOUNT key (standard error 0.81 %)
  --max-line N    longest line in bytes (default 67108864)
  --help          print this

THE RESULT IS AN ESTIMATE, by HyperLogLog. Its standard error for one run over lines is
0.84 / sqrt(2^P) of the result, after --load and --merge it is 1.04 / sqrt(2^P):

  P            12      14      16      18      20
  bytes        4 K    16 K    64 K   256 K     1 M
  one run    1.3 %  0.65 %  0.33 %  0.16 %  0.08 %
  combined   1.6 %  0.81 %  0.41 %  0.20 %  0.10 %

The truth is within one standard error in 68 of 100 cases, within two in 95, within three
in 99.7. Up to 3/16 * 2^P different lines (12288 by default) the error is 0.005 %: hardly
ever one line in the first thousands. Lines in another order may give another estimate,
equally good. Counts of different precisions are put together at the lowest of them. If
you cannot do without an exact count, use sort -u.

Lines are compared byte by byte and may hold any bytes; the last need not end in a
newline. Progress is shown on long input if standard error is a terminal.

Exit status: 0 if all went well, 1 if a file could not be read or written, 2 for a wrong
option.

Example: visitors of each day, and of the week:
  for day in mon tue wed; do distinct --save $day.quoin <$day.log; done
  distinct --merge *.quoin
)";

// --- options ------------------------------------------------------------------------------------

struct settings {
  std::optional<unsigned> precision;
  std::size_t max_line = support::default_max_line;
  bool interval = false;
  bool merge = false;
  std::string save;
  std::string redis;
  std::vector<std::string> load;
  std::vector<std::string> files;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (line.takes("--precision")) {
      const std::uint64_t precision = line.positive_integer();
      if (precision < 4 || precision > 21) line.fail("not a whole number from 4 to 21");
      s.precision = static_cast<unsigned>(precision);
    } else if (line.is("--interval")) {
      s.interval = true;
    } else if (line.takes("--save")) {
      s.save = line.value();
    } else if (line.takes("--load")) {
      s.load.push_back(line.value());
    } else if (line.is("--merge")) {
      s.merge = true;
    } else if (line.takes("--redis")) {
      s.redis = line.value();
    } else if (line.takes("--max-line")) {
      s.max_line = line.positive_size();
    } else {
      line.reject();
    }
  }
  s.files = line.operands();
  if (s.precision && (s.merge || !s.load.empty())) {
    throw usage_error("kept counts bring their precision: leave out --precision");
  }
  if (!s.redis.empty() && (s.merge || !s.load.empty())) {
    throw usage_error("--redis needs all lines: leave out --load and --merge");
  }
  if (s.merge && s.files.empty()) throw usage_error("--merge needs the files to put together");
  return s;
}

// --- the work -----------------------------------------------------------------------------------

sketch together(const std::vector<std::string>& files) {
  sketch all = support::load<sketch>(files.front());
  for (std::size_t i = 1; i < files.size(); ++i) all.merge(support::load<sketch>(files[i]));
  return all;
}

/// An estimate as a whole number; more than any input has lines can come from a file only.
std::string rounded(double estimate) {
  char text[400];
  std::snprintf(text, sizeof text, "%.0f", estimate);
  return text;
}

void count_lines(sketch& lines_seen, quoin::redis_hyperloglog* redis, const settings& s) {
  support::line_reader in(s.files, s.max_line);
  support::progress progress("distinct", false);
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    lines_seen.insert_many(lines);
    if (redis != nullptr) redis->add_many(lines);
    progress.show(in, [&] { return ", about " + rounded(lines_seen.estimate()) + " different"; });
  }
}

void run(const settings& s) {
  std::vector<std::string> kept = s.load;
  if (s.merge) kept.insert(kept.end(), s.files.begin(), s.files.end());
  sketch lines_seen =
      kept.empty() ? sketch({.precision = s.precision.value_or(16)}) : together(kept);
  std::optional<support::replacement> saved, saved_for_redis;
  if (!s.save.empty()) saved.emplace(s.save);
  if (!s.redis.empty()) saved_for_redis.emplace(s.redis);
  quoin::redis_hyperloglog redis;
  if (!s.merge) count_lines(lines_seen, saved_for_redis ? &redis : nullptr, s);

  support::output out;
  out << rounded(lines_seen.estimate());
  if (s.interval) {
    const auto limits = lines_seen.confidence_interval(1.96);
    out << ' ' << rounded(limits.low) << ' ' << rounded(limits.high);
  }
  out << '\n';
  out.close();
  if (saved) saved->write(lines_seen.to_bytes({.stream_estimate = true}));
  if (saved_for_redis) saved_for_redis->write(redis.to_bytes());
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("distinct", help, argc, argv,
                              [](support::command_line& line) { run(read_options(line)); });
}
