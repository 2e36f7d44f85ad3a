// SPDX-License-Identifier: BSL-1.0
// SipHash against XXH3: what safety from crafted input costs.
#include <quoin/hash/siphash.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <quoin/hash/xxh3.hpp>

namespace {

using quoin_bench::byte_span;

constexpr quoin::siphash_key key{1, 2};
constexpr auto xxh3 = [](byte_span bytes) { return quoin::xxh3_64(bytes); };

void siphash_1_3(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return quoin::siphash_1_3(bytes, key); }, xxh3);
}
BENCHMARK(siphash_1_3)->Apply(quoin_bench::sizes);

void siphash_2_4(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return quoin::siphash_2_4(bytes, key); }, xxh3);
}
BENCHMARK(siphash_2_4)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
