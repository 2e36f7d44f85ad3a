// SPDX-License-Identifier: BSL-1.0
// postgresql-hll's sketch: nanoseconds per bigint added, and per call of the others.
#include <quoin/interop/postgresql_hyperloglog.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

void run(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::int64_t> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<std::int64_t>(i);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double add = infinity, estimate = infinity, write = infinity, read = infinity, merge = infinity;
  for (auto _ : state) {
    quoin::postgresql_hyperloglog s;
    time(add, n, [&] { s.add_many(values); });
    time(estimate, 1, [&] { benchmark::DoNotOptimize(s.estimate()); });
    std::vector<std::byte> bytes;
    time(write, 1, [&] { bytes = s.to_bytes(); });
    auto other = quoin::postgresql_hyperloglog::from_bytes(bytes);
    time(read, 1, [&] { other = quoin::postgresql_hyperloglog::from_bytes(bytes); });
    time(merge, 1, [&] { s.merge(*other); });
  }
  state.counters["add_ns"] = add;
  state.counters["estimate_ns"] = estimate;
  state.counters["to_bytes_ns"] = write;
  state.counters["from_bytes_ns"] = read;
  state.counters["merge_ns"] = merge;
}
BENCHMARK(run)->Arg(100)->Arg(300)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
