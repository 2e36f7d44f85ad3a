// SPDX-License-Identifier: BSL-1.0
// What a user's first program might be, however the library came to it.
#include <quoin/quoin.hpp>

#include <cstdio>
#include <string_view>

int main() {
  const auto fingerprint = quoin::xxh64(std::string_view("quoin"));
  std::printf("quoin %d.%d.%d: %016llx\n", quoin::version_major, quoin::version_minor,
              quoin::version_patch, static_cast<unsigned long long>(fingerprint));
  return fingerprint == quoin::xxh64(std::string_view("stone")) ? 1 : 0;
}
