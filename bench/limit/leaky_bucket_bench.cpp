// SPDX-License-Identifier: BSL-1.0
// What the meter costs beside the token bucket that it is, and an item its way through the queue
// beside the same way through a ring without times. Nanoseconds, the least of all turns.
#include <quoin/limit/leaky_bucket.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t calls = 200'000;

template <class F>
void time(double& best, F f) {
  std::uint64_t sum = 0;
  const auto start = clock_type::now();
  for (std::size_t i = 0; i < calls; ++i) sum += static_cast<std::uint64_t>(f(i));
  benchmark::DoNotOptimize(sum);
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(calls));
}

clock_type::time_point at(std::size_t i) {
  return clock_type::time_point(
      std::chrono::nanoseconds(1'000'000'000'000 + static_cast<std::int64_t>(4 * i)));
}

void run(benchmark::State& state) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  constexpr auto rate = quoin::per_second(400'000'000);
  double token = infinite, meter = infinite, queue = infinite, ring = infinite;
  for (auto _ : state) {
    quoin::token_bucket t({.rate = rate, .burst = 1000});
    quoin::leaky_bucket m({.rate = rate, .capacity = 1000});
    quoin::leaky_queue<std::uint64_t> q({.rate = rate, .capacity = 1000});
    std::vector<std::uint64_t> plain(1000);
    std::size_t in = 0, out = 0;
    benchmark::DoNotOptimize(&t);
    benchmark::DoNotOptimize(&m);
    benchmark::DoNotOptimize(plain.data());
    time(token, [&](std::size_t i) { return t.try_acquire_at(at(i)).allowed; });
    time(meter, [&](std::size_t i) { return m.try_acquire_at(at(i)).allowed; });
    time(queue, [&](std::size_t i) {
      q.push_at(at(i), i);
      return q.pop_at(at(i)).value_or(0);
    });
    time(ring, [&](std::size_t i) {
      plain[in] = i;
      in = in + 1 == plain.size() ? 0 : in + 1;
      const std::uint64_t taken = plain[out];
      out = out + 1 == plain.size() ? 0 : out + 1;
      return taken;
    });
  }
  state.counters["token_bucket"] = token;
  state.counters["leaky_bucket"] = meter;
  state.counters["queue"] = queue;
  state.counters["ring"] = ring;
}
BENCHMARK(run)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
