// SPDX-License-Identifier: BSL-1.0
// What sharing costs: one concurrent sketch in one and two threads, beside a `hyperloglog` behind a
// mutex and one that is not shared at all, on the same keys. Times are per key, of all threads.
#include <quoin/sketch/concurrent_hyperloglog.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace {

constexpr std::size_t keys_in_all = 1'000'000;
constexpr std::size_t batch = 256;
constexpr quoin::hyperloglog_options shape{.precision = 14};

/// The keys of one of `state.threads()` threads.
std::vector<std::uint64_t> keys_of(const benchmark::State& state) {
  std::vector<std::uint64_t> keys;
  const auto threads = static_cast<std::size_t>(state.threads());
  for (auto i = static_cast<std::size_t>(state.thread_index()); i < keys_in_all; i += threads) {
    keys.push_back(i * 0x9e3779b97f4a7c15u);
  }
  return keys;
}

void count_keys(benchmark::State& state, std::size_t per_iteration) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(per_iteration));
}

template <class Insert>
void in_batches(const std::vector<std::uint64_t>& keys, Insert insert) {
  const std::span all(keys);
  for (std::size_t i = 0; i < all.size(); i += batch) {
    insert(all.subspan(i, std::min(batch, all.size() - i)));
  }
}

quoin::concurrent_hyperloglog<>& shared() {
  static quoin::concurrent_hyperloglog<> sketch(shape);
  return sketch;
}

struct guarded_sketch {
  std::mutex mutex;
  quoin::hyperloglog<> sketch{shape};
};
guarded_sketch& guarded() {
  static guarded_sketch g;
  return g;
}

// The keys are in after the first round: from then on the registers are only read, as they nearly
// always are in a sketch that has seen many keys.
void concurrent_insert(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    for (const auto key : keys) shared().insert(key);
  }
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_insert)->Threads(1)->Threads(2)->UseRealTime();

void mutex_insert(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    for (const auto key : keys) {
      const std::lock_guard lock(guarded().mutex);
      guarded().sketch.insert(key);
    }
  }
  count_keys(state, keys.size());
}
BENCHMARK(mutex_insert)->Threads(1)->Threads(2)->UseRealTime();

void concurrent_insert_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) in_batches(keys, [](auto some) { shared().insert_many(some); });
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_insert_many)->Threads(1)->Threads(2)->UseRealTime();

void mutex_insert_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    in_batches(keys, [](auto some) {
      const std::lock_guard lock(guarded().mutex);
      guarded().sketch.insert_many(some);
    });
  }
  count_keys(state, keys.size());
}
BENCHMARK(mutex_insert_many)->Threads(1)->Threads(2)->UseRealTime();

void plain_insert_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  quoin::hyperloglog<> sketch(shape);
  for (auto _ : state) in_batches(keys, [&](auto some) { sketch.insert_many(some); });
  count_keys(state, keys.size());
}
BENCHMARK(plain_insert_many);

// From empty to a million keys: with all the writes there are.
void concurrent_fill(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    const auto sketch = std::make_unique<quoin::concurrent_hyperloglog<>>(shape);
    in_batches(keys, [&](auto some) { sketch->insert_many(some); });
    benchmark::DoNotOptimize(sketch->estimate());
  }
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_fill);

void plain_fill(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    quoin::hyperloglog<> sketch(shape);
    in_batches(keys, [&](auto some) { sketch.insert_many(some); });
    benchmark::DoNotOptimize(sketch.estimate());
  }
  count_keys(state, keys.size());
}
BENCHMARK(plain_fill);

void estimate(benchmark::State& state) {
  shared().insert_many(keys_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(shared().estimate());
}
BENCHMARK(estimate);

void snapshot(benchmark::State& state) {
  shared().insert_many(keys_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(shared().snapshot());
}
BENCHMARK(snapshot);

}  // namespace

BENCHMARK_MAIN();
