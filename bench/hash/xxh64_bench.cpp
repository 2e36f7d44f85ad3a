// SPDX-License-Identifier: BSL-1.0
// XXH64 against libxxhash as packaged.
#include <quoin/hash/xxh64.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

#if QUOIN_WITH_XXHASH
#include <xxhash.h>
#endif

namespace {

using quoin_bench::byte_span;

void throughput(benchmark::State& state) {
  const auto ours = [](byte_span bytes) { return quoin::xxh64(bytes); };
#if QUOIN_WITH_XXHASH
  quoin_bench::run_against(state, ours, [](byte_span bytes) -> std::uint64_t {
    return XXH64(bytes.data(), bytes.size(), 0);
  });
#else
  quoin_bench::run(state, ours);
#endif
}
BENCHMARK(throughput)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
