// SPDX-License-Identifier: BSL-1.0
// What leases save when threads hurry to one bucket: nanoseconds of each of two threads for a call,
// the least of all turns, by the size of a chunk, and how many times as long it takes without.
#include <quoin/limit/lease.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t calls = 200'000;

/// Keeps in `best` the least nanoseconds of a call when two threads make `calls` calls of what
/// `make()` gives each of them.
template <class Make>
void both(double& best, Make make) {
  std::atomic<int> waiting{2};
  const auto work = [&] {
    auto acquire = make();
    --waiting;
    while (waiting.load() != 0) {
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < calls; ++i) sum += acquire(i).allowed ? 1u : 0u;
    benchmark::DoNotOptimize(sum);
  };
  std::thread other(work);
  const auto start = clock_type::now();
  work();
  other.join();
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(calls));
}

void run(benchmark::State& state) {
  using bucket = quoin::atomic_token_bucket<>;
  const auto chunk = static_cast<std::uint64_t>(state.range(0));
  const quoin::token_bucket_options enough{.rate = quoin::per_second(1), .burst = 4 * calls};
  const auto now = clock_type::now();
  double leased = std::numeric_limits<double>::infinity(), shared = leased;
  for (auto _ : state) {
    bucket b(enough), c(enough);
    both(shared, [&] { return [&](std::size_t) { return b.try_acquire_at(now); }; });
    both(leased, [&] {
      return [&, lease = quoin::token_lease(c, chunk)](std::size_t) mutable {
        return lease.try_acquire_at(now);
      };
    });
  }
  state.counters["leased_ns"] = leased;
  state.counters["shared_ns"] = shared;
  state.counters["speedup"] = shared / leased;
}
BENCHMARK(run)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
