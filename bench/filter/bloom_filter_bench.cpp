// SPDX-License-Identifier: BSL-1.0
// The classic Bloom filter at 10 bits per key: batches against single operations, and both against
// libbloom as packaged. Counters are nanoseconds per key, and `vs_libbloom`, its time over that of
// the batch, taken in turns.
#include <quoin/filter/bloom_filter.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#if QUOIN_WITH_BLOOM
#include <bloom.h>
#endif

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<std::uint64_t> keys_from(std::uint64_t first, std::size_t n) {
  std::vector<std::uint64_t> keys(n);
  for (auto& key : keys) key = first++ * 0x9e3779b97f4a7c15u;
  return keys;
}

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

enum class operation { insert, try_insert, hit, miss };

void run(benchmark::State& state, operation what) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto keys = keys_from(0, n), probes = keys_from(what == operation::miss ? n : 0, n);
  quoin::bloom_filter filter({.capacity = n, .bits_per_key = 10});
  filter.insert_many(keys);
  std::vector<std::uint64_t> mask(n / 64 + 1);
  const auto fresh = std::make_unique<bool[]>(n);
  double single = infinity, batch = infinity;
  [[maybe_unused]] double peer = infinity;
#if QUOIN_WITH_BLOOM
  const bool writes = what == operation::insert || what == operation::try_insert;
  bloom other{};
  bloom_init(&other, static_cast<int>(n), 0.00819);  // 10 bits per key
  for (const auto& key : keys) bloom_add(&other, &key, sizeof key);
#endif
  for (auto _ : state) {
    if (what == operation::insert) {
      time(single, n, [&] {
        for (const auto& key : keys) filter.insert(key);
      });
      time(batch, n, [&] { filter.insert_many(keys); });
    } else if (what == operation::try_insert) {
      time(single, n, [&] {
        std::uint64_t fresh = 0;
        for (const auto& key : keys) fresh += filter.try_insert(key);
        benchmark::DoNotOptimize(fresh);
      });
      time(batch, n, [&] { filter.try_insert_many(keys, std::span(fresh.get(), n)); });
    } else {
      time(single, n, [&] {
        std::uint64_t hits = 0;
        for (const auto& key : probes) hits += filter.contains(key);
        benchmark::DoNotOptimize(hits);
      });
      time(batch, n, [&] { filter.contains_many(probes, std::span(mask)); });
    }
#if QUOIN_WITH_BLOOM
    time(peer, n, [&] {
      int sum = 0;
      for (const auto& key : probes) {
        sum += writes ? bloom_add(&other, &key, sizeof key) : bloom_check(&other, &key, sizeof key);
      }
      benchmark::DoNotOptimize(sum);
    });
#endif
  }
#if QUOIN_WITH_BLOOM
  bloom_free(&other);
  state.counters["vs_libbloom"] = peer / batch;
  state.counters["single_vs_libbloom"] = peer / single;
#endif
  state.counters["single_ns"] = single;
  state.counters["batch_ns"] = batch;
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int n : {100'000, 1'000'000, 30'000'000}) b->Arg(n);
  b->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(run, insert, operation::insert)->Apply(sizes);
BENCHMARK_CAPTURE(run, try_insert, operation::try_insert)->Apply(sizes);
BENCHMARK_CAPTURE(run, hit, operation::hit)->Apply(sizes);
BENCHMARK_CAPTURE(run, miss, operation::miss)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
