// SPDX-License-Identifier: BSL-1.0
/// @file
/// What gates for lines have in common: their options, and the passing of lines.
#ifndef QUOIN_EXAMPLES_SUPPORT_GATE_HPP
#define QUOIN_EXAMPLES_SUPPORT_GATE_HPP

#include <quoin/limit/token_bucket.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "command_line.hpp"
#include "line_reader.hpp"
#include "output.hpp"
#include "program.hpp"
#include "progress.hpp"

namespace support {

struct gate_settings {
  quoin::rate rate;
  std::uint64_t burst = 0;  ///< 0: see `quota`
  bool bytes = false;
  bool drop = false;
  std::size_t max_line = default_max_line;
  std::vector<std::string> files;

  /// One line at a time if lines are delayed; else as much at once as comes in a second.
  [[nodiscard]] quoin::token_bucket_options quota() const {
    if (burst != 0) return {.rate = rate, .burst = burst};
    const std::int64_t seconds = rate.per / std::chrono::seconds(1);
    const std::uint64_t second = rate.count / static_cast<std::uint64_t>(seconds);
    return {.rate = rate,
            .burst = bytes || drop ? std::max<std::uint64_t>(second, 1) : std::uint64_t{1}};
  }
};

/// "100", "100/s", "30/m", "5000/h", "1/d".
inline quoin::rate read_rate(command_line& line) {
  const std::string text = line.value();
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::uint64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + slash, count);
  const std::string_view unit = std::string_view(text).substr(slash);
  if (error == std::errc() && stop == text.data() + slash && count != 0) {
    if (unit.empty() || unit == "/s") return quoin::per_second(count);
    if (unit == "/m") return quoin::per_minute(count);
    if (unit == "/h") return quoin::per_hour(count);
    if (unit == "/d") return quoin::per_day(count);
  }
  line.fail("not a rate: 100, 100/s, 30/m, 5000/h or 1/d");
}

/// Takes the option at hand if it is one of all gates.
inline bool take_gate_option(command_line& line, gate_settings& s) {
  if (line.takes("--rate")) {
    s.rate = read_rate(line);
  } else if (line.takes("--burst")) {
    s.burst = line.positive_integer();
  } else if (line.takes("--max-line")) {
    s.max_line = line.positive_size();
  } else if (line.is("--bytes")) {
    s.bytes = true;
  } else if (line.is("--drop")) {
    s.drop = true;
  } else {
    return false;
  }
  return true;
}

inline void finish_gate_options(const command_line& line, gate_settings& s) {
  s.files = line.operands();
  if (s.rate.count == 0) throw usage_error("give a --rate: 100, 100/s, 30/m, 5000/h or 1/d");
}

/// Passes the lines of the files through `gate`, which has
///   bool passes(cost)           whether to print a line now, or to drop it
///   reservation reserve(cost)   how long to wait before so much of a line, at most the burst
template <class Gate>
void pass_lines(const char* program, const gate_settings& s, Gate& gate) {
  line_reader in(s.files, s.max_line);
  output out;
  progress progress(program, true);
  const std::uint64_t burst = s.quota().burst;
  constexpr std::chrono::nanoseconds least = std::chrono::milliseconds(1);
  std::uint64_t dropped = 0;
  const auto hold_back = [&](std::uint64_t cost) {
    while (cost != 0) {
      const std::uint64_t part = std::min(cost, burst);
      const quoin::reservation r = gate.reserve(part);
      if (r.wait.count() > 0) {
        out.flush();
        std::this_thread::sleep_for(r.granted ? r.wait : std::max(r.wait / 2, least));
      }
      if (!r.granted) continue;  // others have reserved all that there is to lend
      cost -= part;
    }
  };
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    for (const std::string_view line : lines) {
      const std::uint64_t cost = s.bytes ? line.size() + 1 : 1;
      if (!s.drop) {
        hold_back(cost);
      } else if (!gate.passes(cost)) {
        ++dropped;
        continue;
      }
      out << line << '\n';
      progress.show(in);
    }
    out.flush();
  }
  progress.clear();
  out.close();
  if (dropped != 0) {
    std::fprintf(stderr, "%s: dropped %llu of %llu lines\n", program,
                 static_cast<unsigned long long>(dropped),
                 static_cast<unsigned long long>(in.lines()));
  }
}

}  // namespace support

#endif
