// SPDX-License-Identifier: BSL-1.0
// What the meter costs beside the token bucket that it is, and an item its way through the queue
// beside the same way through a ring without times. Nanoseconds, the least of all turns.
#include <quoin/limit/leaky_bucket.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bucket_bench.hpp"

namespace {

using quoin_bench::at, quoin_bench::infinite, quoin_bench::time;

void run(benchmark::State& state) {
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
