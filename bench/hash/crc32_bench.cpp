// SPDX-License-Identifier: BSL-1.0
// CRC-32 of zlib's polynomial.
#include <quoin/hash/crc32.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

void crc32(benchmark::State& state) {
  quoin_bench::run(state,
                   [](quoin_bench::byte_span bytes) { return std::uint64_t{quoin::crc32(bytes)}; });
}
BENCHMARK(crc32)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
