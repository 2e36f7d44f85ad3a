// SPDX-License-Identifier: BSL-1.0
/// @file
/// rate_gate: prints lines at a rate, and delays or drops what is too much. See `help` below.
#include <quoin/limit/token_bucket.hpp>

#include <cstdint>

#include "support/command_line.hpp"
#include "support/gate.hpp"
#include "support/program.hpp"

namespace {

constexpr char help[] = R"(Usage: rate_gate --rate RATE [OPTION]... [FILE]...
Print the lines of the FILEs (of standard input if there is none, or where FILE is -) no
faster than at a rate, like pv -L for lines. What comes too fast waits.

  --rate RATE   lines a second, or 100/s, 30/m, 5000/h, 1/d
  --burst N     lines that may come at once after a pause (default 1; with --drop or
                --bytes what comes in a second)
  --bytes       count bytes, newlines included, instead of lines
  --drop        drop what comes too fast instead of delaying it, and say how much it was
  --max-line N  longest line in bytes (default 67108864)
  --help        print this

In any time T, at most RATE * T lines are printed and N more; not one more over days, since
time is counted in fractions, not rounded. A line of more than N bytes takes as long as
its bytes, and with --drop never passes.

Exit status: 0 if all went well, 1 if a file could not be read or written, 2 for a wrong
option.

Example: ask a server for each of these, ten times a second:
  rate_gate --rate 10 urls.txt | while read -r url; do curl -s "$url"; done
)";

/// By the clock of this process.
class local_gate {
 public:
  explicit local_gate(const quoin::token_bucket_options& quota) : bucket_(quota) {}

  bool passes(std::uint64_t cost) { return bucket_.try_acquire(cost).allowed; }
  quoin::reservation reserve(std::uint64_t cost) { return bucket_.reserve(cost); }

 private:
  quoin::token_bucket<> bucket_;
};

void run(support::command_line& line) {
  support::gate_settings s;
  while (line.next()) {
    if (!support::take_gate_option(line, s)) line.reject();
  }
  support::finish_gate_options(line, s);
  auto gate = support::made_from_options("gate", [&] { return local_gate(s.quota()); });
  support::pass_lines("rate_gate", s, gate);
}

}  // namespace

int main(int argc, char** argv) { return support::run_program("rate_gate", help, argc, argv, run); }
