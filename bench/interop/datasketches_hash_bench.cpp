// SPDX-License-Identifier: BSL-1.0
// The hash of DataSketches for numbers and strings, beside XXH3 of the same strings.
#include <quoin/hash/xxh3.hpp>
#include <quoin/interop/datasketches_hash.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

void number(benchmark::State& state) {
  std::uint64_t key = 1, sum = 0;
  for (auto _ : state) {
    for (int i = 0; i < 1'000; ++i) sum += quoin::datasketches_hash{}(key++).hi;
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(number);

template <class Hash>
void text(benchmark::State& state, Hash hash) {
  const std::string key(static_cast<std::size_t>(state.range(0)), 'q');
  for (auto _ : state) benchmark::DoNotOptimize(hash(key));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(text, datasketches, quoin::datasketches_hash{})->Arg(8)->Arg(32)->Arg(1'000);
BENCHMARK_CAPTURE(text, xxh3, [](const std::string& s) { return quoin::xxh3_64(s); })
    ->Arg(8)
    ->Arg(32)
    ->Arg(1'000);

}  // namespace

BENCHMARK_MAIN();
