// SPDX-License-Identifier: BSL-1.0
#include "results.hpp"

#include <cstdio>

int main() {
  if (!__builtin_cpu_supports("avx2")) {
    std::puts("this processor has no AVX2");
    return 77;
  }
  // Through pointers, so that neither call is inlined and decided at compile time.
  std::vector<std::uint64_t> (*volatile plain)() = &results_plain;
  std::vector<std::uint64_t> (*volatile avx2)() = &results_avx2;
  const auto a = plain();
  const auto b = avx2();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] != b[i]) std::printf("result %zu differs between the units\n", i);
  }
  return a == b && !a.empty() ? 0 : 1;
}
