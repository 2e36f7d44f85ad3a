// SPDX-License-Identifier: BSL-1.0
// DataSketches' count-min sketch: batches against single adds, by size of the table.
#include <quoin/interop/datasketches_count_min.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

std::vector<std::uint64_t> some_keys() {
  std::vector<std::uint64_t> keys(100'000);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = i * 0x9e3779b97f4a7c15u;
  return keys;
}

void run(benchmark::State& state, bool many) {
  const auto keys = some_keys();
  quoin::datasketches_count_min s({.width = std::uint32_t{1} << state.range(0),
                                   .depth = static_cast<unsigned>(state.range(1))});
  for (auto _ : state) {
    if (many) {
      s.add_many(keys);
    } else {
      for (const std::uint64_t key : keys) s.add(key);
    }
    benchmark::DoNotOptimize(s);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}
BENCHMARK_CAPTURE(run, add, false)->Args({16, 4})->Args({20, 4});
BENCHMARK_CAPTURE(run, add_many, true)->Args({16, 4})->Args({20, 4});

}  // namespace

BENCHMARK_MAIN();
