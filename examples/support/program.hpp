// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every program does around its work: `--help`, messages, exit status.
#ifndef QUOIN_EXAMPLES_SUPPORT_PROGRAM_HPP
#define QUOIN_EXAMPLES_SUPPORT_PROGRAM_HPP

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.hpp"
#include "output.hpp"

namespace support {

/// The longest line, unless `--max-line` says otherwise.
inline constexpr std::size_t default_max_line = std::size_t{64} << 20;

/// Runs `work(line)`. Returns the exit status: 0, or 1 if it failed, or 2 for a mistake in the
/// command line.
template <class Work>
int run_program(const char* name, std::string_view help, int argc, char** argv, Work work) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  try {
    if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
      output out;
      out << help;
      out.close();
    } else {
      command_line line(arguments);
      work(line);
    }
    return 0;
  } catch (const usage_error& e) {
    std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name, e.what(), name);
    return 2;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: not enough memory\n", name);
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", name, e.what());
    return 1;
  }
}

/// Makes a structure as the options want it: `make()`, whose complaints about the options are the
/// user's mistakes.
template <class Make>
auto made_from_options(const char* what, Make make) {
  try {
    return make();
  } catch (const std::invalid_argument& e) {
    throw usage_error(e.what());
  } catch (const std::bad_alloc&) {
    throw std::runtime_error(std::string("not enough memory for a ") + what + " of that size");
  } catch (const std::length_error&) {
    throw std::runtime_error(std::string("not enough memory for a ") + what + " of that size");
  }
}

}  // namespace support

#endif
