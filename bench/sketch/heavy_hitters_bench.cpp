// SPDX-License-Identifier: BSL-1.0
// Additions to `heavy_hitters`, one by one and in batches, against DataSketches' frequent_items
// (where its headers are installed) and an exact hash table. The argument is the logarithm of
// frequent_items' table size M, whose error is at most 3.5 N / M; the capacity here is ⌈M / 3.5⌉, so
// that both promise the same. All hash, all take turns; counters are nanoseconds per key and ratios
// of minima.
#include <quoin/sketch/heavy_hitters.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#if __has_include(<DataSketches/frequent_items_sketch.hpp>)
#include <DataSketches/frequent_items_sketch.hpp>
#define WITH_DATASKETCHES 1
#else
#define WITH_DATASKETCHES 0
#endif

namespace {

constexpr std::size_t stream_size = 1'000'000;

/// Keys of which the r-th most frequent has 1/r^exponent of the weight of the first; with 0, all 64
/// bits are random.
std::vector<std::uint64_t> stream_of(double exponent) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> keys(stream_size);
  if (exponent == 0) {
    for (auto& key : keys) key = random();
    return keys;
  }
  std::vector<double> sums(1'000'000);
  double sum = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = sum += std::pow(static_cast<double>(i + 1), -exponent);
  }
  for (auto& key : keys) {
    const double x = std::uniform_real_distribution<>(0, sum)(random);
    const auto rank = std::lower_bound(sums.begin(), sums.end(), x) - sums.begin();
    key = (static_cast<std::uint64_t>(rank) + 1) * 0x9e3779b97f4a7c15u;
  }
  return keys;
}

template <class Key>
std::vector<Key> keys_of(double exponent) {
  const auto numbers = stream_of(exponent);
  if constexpr (std::is_same_v<Key, std::string>) {
    std::vector<std::string> names;
    for (const auto key : numbers) names.push_back("user:" + std::to_string(key % 10'000'000'000u));
    return names;
  } else {
    return numbers;
  }
}

template <class F>
void time(double& best, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(stream_size));
}

template <class Key>
void run(benchmark::State& state, double exponent) {
  const auto keys = keys_of<Key>(exponent);
  const auto table = std::uint64_t{1} << state.range(0);
  const quoin::heavy_hitters_options options{.capacity = (2 * table + 6) / 7};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double single = infinity, batch = infinity, exact = infinity;
  [[maybe_unused]] double peer = infinity;
  for (auto _ : state) {
    quoin::heavy_hitters<Key> one(options), many(options);
    time(single, [&] {
      for (const auto& key : keys) one.add(key);
    });
    time(batch, [&] { many.add_many(keys); });
    if (one != many) state.SkipWithError("a batch differs");
    state.counters["error"] = static_cast<double>(many.max_error());
    std::unordered_map<Key, std::uint64_t> counts;
    time(exact, [&] {
      for (const auto& key : keys) ++counts[key];
    });
#if WITH_DATASKETCHES
    const auto lg = static_cast<std::uint8_t>(state.range(0));
    datasketches::frequent_items_sketch<Key> items(lg, lg);
    time(peer, [&] {
      for (const auto& key : keys) items.update(key);
    });
    state.counters["datasketches_error"] = static_cast<double>(items.get_maximum_error());
#endif
  }
  state.counters["bound"] = static_cast<double>(stream_size / options.capacity);
  state.counters["single_ns"] = single;
  state.counters["batch_ns"] = batch;
  state.counters["vs_exact"] = exact / batch;
#if WITH_DATASKETCHES
  state.counters["datasketches_ns"] = peer;
  state.counters["vs_datasketches"] = peer / batch;
  state.counters["single_vs_datasketches"] = peer / single;
#endif
}

const auto numbers = run<std::uint64_t>;
const auto strings = run<std::string>;

void sizes(benchmark::internal::Benchmark* b) {
  for (const int lg : {10, 12, 14}) b->Arg(lg);
  b->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(numbers, zipf_1_0, 1.0)->Apply(sizes);
BENCHMARK_CAPTURE(numbers, zipf_1_1, 1.1)->Apply(sizes);
BENCHMARK_CAPTURE(numbers, uniform, 0.0)->Apply(sizes);
BENCHMARK_CAPTURE(strings, zipf_1_0, 1.0)->Apply(sizes);
BENCHMARK_CAPTURE(strings, zipf_1_1, 1.1)->Apply(sizes);
BENCHMARK_CAPTURE(strings, uniform, 0.0)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
