// SPDX-License-Identifier: BSL-1.0
// The variants of MurmurHash3, each against XXH3: what the foreign format costs.
#include <quoin/hash/murmur3.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <quoin/hash/xxh3.hpp>

#include <cstdint>

namespace {

using quoin_bench::byte_span;

constexpr auto xxh3 = [](byte_span bytes) { return quoin::xxh3_64(bytes); };

void x64_128(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return quoin::murmur3_x64_128(bytes).lo; }, xxh3);
}
BENCHMARK(x64_128)->Apply(quoin_bench::sizes);

void x64_128_cassandra(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return quoin::murmur3_x64_128_cassandra(bytes).lo; }, xxh3);
}
BENCHMARK(x64_128_cassandra)->Arg(15)->Arg(64);

void x86_32(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return std::uint64_t{quoin::murmur3_x86_32(bytes)}; }, xxh3);
}
BENCHMARK(x86_32)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
