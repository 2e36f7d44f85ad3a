// SPDX-License-Identifier: BSL-1.0
// The concurrent count-min sketch of 4 × 2^16 counters: nanoseconds per key and thread for 1, 2 and
// 4 threads that count keys of their own, or (last argument 1) all the same few keys. The argument
// before it is the way of updating; `sequential` is `count_min_sketch` in one thread.
#include <quoin/sketch/concurrent_count_min_sketch.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

constexpr std::size_t keys_count = 100'000;

std::vector<std::uint64_t> keys_of(std::uint64_t thread, bool few) {
  std::vector<std::uint64_t> keys(keys_count);
  for (std::uint64_t i = 0; i < keys_count; ++i) {
    keys[i] = few ? i % 16 : (thread << 32 | i) * 0x9e3779b97f4a7c15u;
  }
  return keys;
}

void concurrent(benchmark::State& state) {
  static quoin::concurrent_count_min_sketch<> plain({.width = 1 << 16, .conservative = false});
  static quoin::concurrent_count_min_sketch<> conservative({.width = 1 << 16});
  auto& sketch = state.range(0) != 0 ? conservative : plain;
  const auto keys = keys_of(static_cast<std::uint64_t>(state.thread_index()), state.range(1) != 0);
  for (auto _ : state) {
    for (const auto key : keys) sketch.add(key);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys_count));
}

void sequential(benchmark::State& state) {
  quoin::count_min_sketch sketch({.width = 1 << 16, .conservative = state.range(0) != 0});
  const auto keys = keys_of(0, state.range(1) != 0);
  for (auto _ : state) {
    for (const auto key : keys) sketch.add(key);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys_count));
}

BENCHMARK(sequential)->ArgsProduct({{0, 1}, {0, 1}});
BENCHMARK(concurrent)->ArgsProduct({{0, 1}, {0, 1}})->Threads(1)->Threads(2)->Threads(4);

}  // namespace

BENCHMARK_MAIN();
