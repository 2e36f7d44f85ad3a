// SPDX-License-Identifier: BSL-1.0
// The HLL sketch of DataSketches: batches against single inserts, merge against copying the
// registers (`vs_memcpy`), estimate and the serialized forms. DataSketches' own library is in no
// distribution: docs/benchmarks quote it from a run beside it.
#include <quoin/interop/datasketches_hll.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using sketch = quoin::datasketches_hll<>;
using type = quoin::datasketches_hll_type;
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

void insert(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const quoin::datasketches_hll_options options{.precision = static_cast<unsigned>(state.range(1)),
                                                .type = static_cast<type>(state.range(2))};
  std::vector<std::uint64_t> keys(n);
  for (std::size_t i = 0; i < n; ++i) keys[i] = i * 0x9e3779b97f4a7c15u;
  double one = infinity, many = infinity;
  for (auto _ : state) {
    sketch a(options), b(options);
    time(one, n, [&] {
      for (const auto key : keys) a.insert(key);
    });
    time(many, n, [&] { b.insert_many(keys); });
    benchmark::DoNotOptimize(a.estimate() + b.estimate());
  }
  state.counters["insert_ns"] = one;
  state.counters["insert_many_ns"] = many;
}
BENCHMARK(insert)->ArgsProduct({{10'000, 1'000'000}, {12, 14, 21}, {0, 2}});

void merge(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto t = static_cast<type>(state.range(1));
  sketch a({.precision = precision, .type = t}), b = a;
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    a.insert(key);
    b.insert(key + 50'000);
  }
  std::vector<std::byte> from(std::size_t{1} << precision), to = from, bytes;
  double merging = infinity, copying = infinity, estimating = infinity, writing = infinity,
         reading = infinity;
  for (auto _ : state) {
    time(merging, 1, [&] { a.merge(b); });
    time(copying, 1, [&] {
      std::memcpy(to.data(), from.data(), from.size());
      benchmark::DoNotOptimize(to.data());
    });
    time(estimating, 1, [&] { benchmark::DoNotOptimize(a.estimate()); });
    time(writing, 1, [&] { bytes = a.to_bytes(); });
    time(reading, 1, [&] { benchmark::DoNotOptimize(sketch::from_bytes(bytes)); });
  }
  state.counters["merge_ns"] = merging;
  state.counters["vs_memcpy"] = merging / copying;
  state.counters["estimate_ns"] = estimating;
  state.counters["to_bytes_ns"] = writing;
  state.counters["from_bytes_ns"] = reading;
}
BENCHMARK(merge)->ArgsProduct({{12, 14}, {0, 1, 2}});

}  // namespace

BENCHMARK_MAIN();
