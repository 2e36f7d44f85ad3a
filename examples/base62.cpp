// SPDX-License-Identifier: BSL-1.0
/// @file
/// base62: numbers as short text and back. See `help` below.
#include <quoin/id/base62.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/command_line.hpp"
#include "support/line_reader.hpp"
#include "support/output.hpp"
#include "support/program.hpp"

namespace {

constexpr char help[] = R"(Usage: base62 [OPTION]... [FILE]...
Print each line of the FILEs (of standard input if there is none, or where FILE is -), a
whole number below 2^64, as digits and letters.

  --decode      the other way: print the number of each text
  --alphabet A  the order of the characters: aA (0-9a-zA-Z, the default), Aa (0-9A-Za-z,
                as GMP and KSUID have it; sorts like the numbers if --width is given),
                letters (a-zA-Z0-9)
  --width N     always N characters, 1 to 64, with zeros in front; with --decode no other
                length is accepted
  --max-line N  longest line in bytes (default 67108864)
  --help        print this

Each number has one text and each text one number: --decode refuses zeros in front (but
with --width), foreign characters and what is above 2^64 - 1, and says in which line and at
which character.

Exit status: 0 if all went well, 1 if a line is none of these or a file could not be read
or written, 2 for a wrong option.

Example: short names for the lines of a table, and back:
  cut -f 1 table | base62 --width 7
)";

struct settings {
  bool decode = false;
  std::string alphabet = "aA";
  std::size_t width = 0;  ///< 0: as short as it can be
  std::size_t max_line = support::default_max_line;
  std::vector<std::string> files;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (line.is("--decode")) {
      s.decode = true;
    } else if (line.takes("--alphabet")) {
      s.alphabet = line.value();
      if (s.alphabet != "aA" && s.alphabet != "Aa" && s.alphabet != "letters") {
        line.fail("not aA, Aa or letters");
      }
    } else if (line.takes("--width")) {
      s.width = line.positive_size();
      if (s.width > 64) line.fail("not a whole number from 1 to 64");
    } else if (line.takes("--max-line")) {
      s.max_line = line.positive_size();
    } else {
      line.reject();
    }
  }
  s.files = line.operands();
  return s;
}

/// What is wrong with a line.
struct bad_line : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error == std::errc::result_out_of_range) throw bad_line("a number above 2^64 - 1");
  if (error != std::errc() || stop != end) throw bad_line("not a whole number");
  return n;
}

template <class Codec>
std::string encoded(std::string_view text, std::size_t width) {
  const std::uint64_t n = number_of(text);
  if (width == 0) return Codec::encode(n);
  if (n > Codec::max_of_width(width)) {
    throw bad_line("more than " + std::to_string(width) + " characters");
  }
  return Codec::encode_fixed(n, width);
}

template <class Codec>
std::string decoded(std::string_view text, std::size_t width) {
  const auto n = width == 0 ? Codec::decode(text) : Codec::decode_fixed(text, width);
  if (!n) {
    std::string what = n.error().text();
    what += " (character ";
    what += std::to_string(n.error().position() + 1);
    throw bad_line(what + ")");
  }
  return std::to_string(*n);
}

template <class Codec>
void run(const settings& s) {
  support::line_reader in(s.files, s.max_line);
  support::output out;
  for (auto lines = in.next(); !lines.empty(); lines = in.next()) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      try {
        out << (s.decode ? decoded<Codec>(lines[i], s.width) : encoded<Codec>(lines[i], s.width))
            << '\n';
      } catch (const bad_line& e) {
        out.flush();  // what came before
        throw std::runtime_error(in.location(i) + ": " + e.what());
      }
    }
    out.flush();
  }
  out.close();
}

void run_in_alphabet(const settings& s) {
  if (s.alphabet == "aA") return run<quoin::base62>(s);
  if (s.alphabet == "Aa") return run<quoin::basic_base62<quoin::digits_upper_lower>>(s);
  run<quoin::basic_base62<quoin::lower_upper_digits>>(s);
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("base62", help, argc, argv, [](support::command_line& line) {
    run_in_alphabet(read_options(line));
  });
}
