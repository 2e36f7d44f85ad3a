// SPDX-License-Identifier: BSL-1.0
// What leave to be in flight takes, with giving it back, against its floors of the same run: an
// exchange and a subtraction, and two readings of the clock besides.
#include <quoin/limit/concurrency_limiter.hpp>

#include "window_bench.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace {

constexpr std::int64_t n = 20'000;

/// The least nanoseconds of `run` and of `floor`, in turns.
template <class Run, class Floor>
void compare_calls(benchmark::State& state, Run run, Floor floor) {
  double best = 1e9, least = 1e9;
  for (auto _ : state) {
    best = std::min(best, quoin_bench::nanoseconds_each(n, run));
    least = std::min(least, quoin_bench::nanoseconds_each(n, floor));
  }
  state.counters["ns"] = best;
  state.counters["floor"] = least;
  state.counters["ratio"] = best / least;
}

std::uint64_t exchange_and_subtract(std::atomic<std::uint64_t>& word) {
  std::uint64_t old = word.load(std::memory_order_relaxed);
  while (!word.compare_exchange_weak(old, old + 1, std::memory_order_acquire)) {
  }
  return word.fetch_sub(1, std::memory_order_release);
}

void plain(benchmark::State& state) {
  quoin::concurrency_limiter limiter(64);
  std::uint64_t used = 0;
  compare_calls(
      state,
      [&limiter](std::int64_t) {
        auto permit = limiter.try_acquire();
        benchmark::DoNotOptimize(permit);
        return permit.cost();
      },
      [&used](std::int64_t) {
        benchmark::DoNotOptimize(used += 1);
        return used;
      });
}
BENCHMARK(plain);

void atomic(benchmark::State& state) {
  quoin::atomic_concurrency_limiter limiter(64);
  alignas(64) std::atomic<std::uint64_t> word{0};
  compare_calls(
      state, [&limiter](std::int64_t) { return limiter.try_acquire().cost(); },
      [&word](std::int64_t) { return exchange_and_subtract(word); });
}
BENCHMARK(atomic);

void atomic_refused(benchmark::State& state) {
  quoin::atomic_concurrency_limiter limiter(0);
  alignas(64) std::atomic<std::uint64_t> word{0};
  compare_calls(
      state, [&limiter](std::int64_t) { return limiter.try_acquire().cost(); },
      [&word](std::int64_t) { return word.load(); });
}
BENCHMARK(atomic_refused);

template <class Algorithm>
void adaptive(benchmark::State& state) {
  quoin::adaptive_concurrency_limiter<Algorithm> limiter;
  alignas(64) std::atomic<std::uint64_t> word{0};
  compare_calls(
      state,
      [&limiter](std::int64_t) {
        auto permit = limiter.try_acquire();
        permit.succeed();
        return permit ? 1u : 0u;
      },
      [&word](std::int64_t) {
        benchmark::DoNotOptimize(std::chrono::steady_clock::now());
        const std::uint64_t before = exchange_and_subtract(word);
        benchmark::DoNotOptimize(std::chrono::steady_clock::now());
        return before;
      });
}
BENCHMARK(adaptive<quoin::aimd_limit>);
BENCHMARK(adaptive<quoin::gradient_limit>);

}  // namespace

BENCHMARK_MAIN();
