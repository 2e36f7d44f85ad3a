// SPDX-License-Identifier: BSL-1.0
// The whole library without exceptions and run-time type information: a caller's mistake reaches
// the failure handler with the text that would have been thrown.
#include <quoin/quoin.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

[[noreturn]] void check_text(const char* text) {
  std::printf("failure handler: %s\n", text);
  const std::string_view message = text;
  const bool names_all = message.find("blocked_bloom_filter") != message.npos &&
                         message.find("capacity = 0") != message.npos;
  std::exit(names_all ? 0 : 2);
}

}  // namespace

int main() {
  quoin::set_failure_handler(&check_text);
  const quoin::blocked_bloom_filter<> filter({.capacity = 0, .bits_per_key = 10});
  return filter.contains(1) ? 3 : 4;  // not reached
}
