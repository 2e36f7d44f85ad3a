// SPDX-License-Identifier: BSL-1.0
// Times requests to a limiter by windows against floors of the same run.
#ifndef QUOIN_BENCH_LIMIT_WINDOW_BENCH_HPP
#define QUOIN_BENCH_LIMIT_WINDOW_BENCH_HPP

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace quoin_bench {

/// Calls `run(i)` `n` times and adds up what it returns; nanoseconds for each. All of `run` is in the
/// loop, or the limiter would be behind a call that saves registers and its floor would not.
template <class F>
[[gnu::flatten]] double nanoseconds_each(std::int64_t n, F run) {
  std::uint64_t sum = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < n; ++i) sum += run(i);
  benchmark::DoNotOptimize(sum);
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
  return time.count() / static_cast<double>(n);
}

/// Requests 100 ns apart, alternating with `floor`; the best of each.
template <class Limiter, class Floor>
void compare(benchmark::State& state, Limiter& limiter, Floor floor) {
  constexpr std::int64_t n = 20'000;
  double best = 1e9, least = 1e9;
  std::int64_t begin = 0;
  for (auto _ : state) {
    best = std::min(
        best, nanoseconds_each(n, [&limiter, begin](std::int64_t i) {
          const typename Limiter::time_point now(std::chrono::nanoseconds(begin + 100 * i));
          return limiter.try_acquire_at(now).allowed ? 1u : 0u;
        }));
    least = std::min(least, nanoseconds_each(n, floor));
    begin += 100 * n;
  }
  state.counters["ns"] = best;
  state.counters["floor"] = least;
  state.counters["ratio"] = best / least;
}

template <class Limiter, class Options>
void plain(benchmark::State& state, const Options& options) {
  Limiter limiter(options);
  std::uint64_t used = 0;
  compare(state, limiter, [&used](std::int64_t i) {
    benchmark::DoNotOptimize(used += i < 1 << 30 ? 1u : 0u);
    return used;
  });
}

template <class Limiter, class Options>
void atomic(benchmark::State& state, const Options& options) {
  Limiter limiter(options);
  alignas(64) std::atomic<std::uint64_t> word{0};
  compare(state, limiter, [&word](std::int64_t) {
    std::uint64_t old = word.load(std::memory_order_acquire);
    while (!word.compare_exchange_weak(old, old + 1, std::memory_order_acq_rel)) {
    }
    return old;
  });
}

/// The program: what passes and what does not, in either form.
template <class Plain, class Atomic, class Options>
int run(int argc, char** argv, const Options& all, const Options& none) {
  benchmark::RegisterBenchmark("plain_allow", plain<Plain, Options>, all);
  benchmark::RegisterBenchmark("plain_deny", plain<Plain, Options>, none);
  benchmark::RegisterBenchmark("allow", atomic<Atomic, Options>, all);
  benchmark::RegisterBenchmark("deny", atomic<Atomic, Options>, none);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace quoin_bench

#endif
