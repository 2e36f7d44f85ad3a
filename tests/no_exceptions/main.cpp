// SPDX-License-Identifier: BSL-1.0
// The whole library without exceptions and run-time type information: a caller's mistake reaches
// the failure handler with the text that would have been thrown.
#include <quoin/detail/expected.hpp>
#include <quoin/quoin.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

[[noreturn]] void check_text(const char* text) {
  std::printf("failure handler: %s\n", text);
  std::exit(std::string_view(text).find("no luck (at byte 7)") != std::string_view::npos ? 0 : 2);
}

}  // namespace

int main() {
  quoin::set_failure_handler(&check_text);
  quoin::expected<int, quoin::error> nothing =
      quoin::unexpected(quoin::error(quoin::errc::bad_value, 7, "no luck"));
  return nothing.value() == 0 ? 3 : 4;  // not reached
}
