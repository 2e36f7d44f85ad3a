// SPDX-License-Identifier: BSL-1.0
// CRC-32C as dispatched against the portable tables.
#include <quoin/hash/crc32c.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

using quoin_bench::byte_span;

void throughput(benchmark::State& state) {
  quoin_bench::run_against(
      state, [](byte_span bytes) { return std::uint64_t{quoin::crc32c(bytes)}; },
      [](byte_span bytes) {
        return std::uint64_t{~quoin::detail::crc32c_portable(~0u, bytes.data(), bytes.size())};
      });
}
BENCHMARK(throughput)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
