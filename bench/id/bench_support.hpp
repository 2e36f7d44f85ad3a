// SPDX-License-Identifier: BSL-1.0
// How the benchmarks of ids time one call.
#ifndef QUOIN_BENCH_ID_BENCH_SUPPORT_HPP
#define QUOIN_BENCH_ID_BENCH_SUPPORT_HPP

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

namespace id_bench {

using clock_type = std::chrono::steady_clock;

inline constexpr std::size_t calls = 50'000;
inline constexpr double infinite = std::numeric_limits<double>::infinity();

/// Keeps in `best` the least nanoseconds for each of `calls` calls of `f(i)`.
template <class F>
void time(double& best, F f) {
  const auto start = clock_type::now();
  for (std::size_t i = 0; i < calls; ++i) {
    auto value = f(i);
    benchmark::DoNotOptimize(value);
  }
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(calls));
}

}  // namespace id_bench

#endif
