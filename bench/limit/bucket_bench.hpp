// SPDX-License-Identifier: BSL-1.0
// How the benchmarks of buckets take the time.
#ifndef QUOIN_BENCH_LIMIT_BUCKET_BENCH_HPP
#define QUOIN_BENCH_LIMIT_BUCKET_BENCH_HPP

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace quoin_bench {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t calls = 100'000;
constexpr double infinite = std::numeric_limits<double>::infinity();

/// Keeps in `best` the least nanoseconds for each of `calls` calls of `f(i)`.
template <class F>
void time(double& best, F f) {
  std::uint64_t sum = 0;
  const auto start = clock_type::now();
  for (std::size_t i = 0; i < calls; ++i) sum += static_cast<std::uint64_t>(f(i));
  benchmark::DoNotOptimize(sum);
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(calls));
}

/// Four nanoseconds a call, from some uptime on.
inline clock_type::time_point at(std::size_t i) {
  return clock_type::time_point(
      std::chrono::nanoseconds(1'000'000'000'000 + static_cast<std::int64_t>(4 * i)));
}

}  // namespace quoin_bench

#endif
