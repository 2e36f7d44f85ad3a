// SPDX-License-Identifier: BSL-1.0
// The Parquet Bloom filter: batches of INT64 values against single operations, and the best kernel
// against the portable one (`vs_scalar`), in turns.
#include <quoin/interop/parquet_bloom.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace {

namespace detail = quoin::detail;
constexpr double infinity = std::numeric_limits<double>::infinity();

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
  std::vector<std::uint64_t> hashes(n), mask(n / 64 + 1);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = static_cast<std::int64_t>(i * 0x9e3779b97f4a7c15u);
    hashes[i] = quoin::parquet_hash{}(values[i]);
  }
  quoin::parquet_bloom_filter filter({.capacity = n, .bits_per_key = 8});
  double insert = infinity, insert_many = infinity, contains = infinity, contains_many = infinity;
  double best = infinity, scalar = infinity;
  std::vector<unsigned char> table(filter.size_bytes());
  const detail::const_parquet_table t{table.data(), filter.block_count()};
  const auto run_kernel = [&](quoin::isa level) {
    const detail::parquet_kernels kernels = detail::parquet_kernels_of(level);
    for (std::size_t i = 0; i + 64 <= n; i += 64) {
      mask[i / 64] = kernels.contains(t, hashes.data() + i, 64);
    }
    benchmark::DoNotOptimize(mask.data());
  };
  for (auto _ : state) {
    time(insert, n, [&] {
      for (const auto value : values) filter.insert(value);
    });
    time(insert_many, n, [&] { filter.insert_many(values); });
    time(contains, n, [&] {
      std::uint64_t hits = 0;
      for (const auto value : values) hits += filter.contains(value);
      benchmark::DoNotOptimize(hits);
    });
    time(contains_many, n, [&] { filter.contains_many(values, std::span(mask)); });
    time(best, n, [&] { run_kernel(quoin::active_isa()); });
    time(scalar, n, [&] { run_kernel(quoin::isa::scalar); });
  }
  state.counters["insert_ns"] = insert;
  state.counters["insert_many_ns"] = insert_many;
  state.counters["contains_ns"] = contains;
  state.counters["contains_many_ns"] = contains_many;
  state.counters["vs_scalar"] = scalar / best;
}
BENCHMARK(run)->Arg(100'000)->Arg(400'000)->Arg(16'000'000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
