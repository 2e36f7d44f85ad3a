// SPDX-License-Identifier: BSL-1.0
// What a pool takes to answer a node, by the number of nodes that hold leases: nanoseconds for each
// answer, the least of all rounds, and how many answers to all of them that is in a second.
#include <quoin/limit/lease_pool.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

void run(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  quoin::manual_clock clock;
  quoin::lease_pool pool({.rate = quoin::per_second(1'000'000)}, clock);
  std::vector<quoin::lease_request> nodes(count);
  for (std::size_t i = 0; i < count; ++i) nodes[i].node = i * 0x9E3779B97F4A7C15u;
  double best = std::numeric_limits<double>::infinity();
  std::uint64_t round = 0;
  for (auto _ : state) {
    ++round;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      quoin::lease_request& r = nodes[i];
      r.sequence = round;
      r.wanted = (i * 7919 + round * 104'729) % 3000;  // half of them get it
      const quoin::lease_grant g = pool.grant(r);
      r.lease = g.lease;
      r.spent = g.granted;
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count() / static_cast<double>(count));
    clock.advance(std::chrono::milliseconds(100));
  }
  state.counters["answer_ns"] = best;
  state.counters["answers_per_s"] = 1e9 / best;
}
BENCHMARK(run)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
