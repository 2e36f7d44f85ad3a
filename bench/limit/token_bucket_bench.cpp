// SPDX-License-Identifier: BSL-1.0
// What a decision costs when the time is given: allowed and refused. `ns` is the least of all turns.
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

constexpr std::size_t calls = 200'000;

/// Nanoseconds for each of `calls` calls of `f(i)`.
template <class F>
double time(F f) {
  std::uint64_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < calls; ++i) sum += static_cast<std::uint64_t>(f(i));
  benchmark::DoNotOptimize(sum);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(calls);
}

std::chrono::steady_clock::time_point at(std::size_t ns) {
  return std::chrono::steady_clock::time_point(
      std::chrono::nanoseconds(1'000'000'000'000 + static_cast<std::int64_t>(ns)));
}

void value(benchmark::State& state) {
  double allow = std::numeric_limits<double>::infinity(), refuse = allow, remaining = allow;
  for (auto _ : state) {
    quoin::token_bucket often({.rate = quoin::per_second(300'000'000), .burst = 1000});
    quoin::token_bucket never({.rate = quoin::per_hour(1), .burst = 1});
    benchmark::DoNotOptimize(&often);
    benchmark::DoNotOptimize(&never);
    allow = std::min(allow,
                     time([&](std::size_t i) { return often.try_acquire_at(at(4 * i)).allowed; }));
    remaining = std::min(remaining, time([&](std::size_t i) {
                           return often.try_acquire_at(at(4 * i + 4 * calls)).remaining;
                         }));
    never.try_acquire_at(at(0));
    refuse =
        std::min(refuse, time([&](std::size_t i) { return never.try_acquire_at(at(i)).allowed; }));
  }
  state.counters["allow_ns"] = allow;
  state.counters["allow_and_remaining_ns"] = remaining;
  state.counters["refuse_ns"] = refuse;
}
BENCHMARK(value)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
