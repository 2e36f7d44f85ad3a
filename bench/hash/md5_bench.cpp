// SPDX-License-Identifier: BSL-1.0
// MD5.
#include <quoin/hash/md5.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

void md5(benchmark::State& state) {
  quoin_bench::run(state, [](quoin_bench::byte_span bytes) {
    return quoin::detail::load_le<std::uint64_t>(quoin::md5(bytes).data());
  });
}
BENCHMARK(md5)->Apply(quoin_bench::sizes);

}  // namespace

BENCHMARK_MAIN();
