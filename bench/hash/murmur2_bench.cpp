// SPDX-License-Identifier: BSL-1.0
// MurmurHash64A against XXH3: what the foreign format costs.
#include <quoin/hash/murmur2.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <quoin/hash/xxh3.hpp>

namespace {

using quoin_bench::byte_span;

void murmur2_64a(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return quoin::murmur2_64a(bytes); },
      [](byte_span bytes) { return quoin::xxh3_64(bytes); });
}
BENCHMARK(murmur2_64a)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
