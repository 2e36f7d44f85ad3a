// SPDX-License-Identifier: BSL-1.0
// XXH3-64 against libxxhash as packaged, and its kernels against each other.
#include <quoin/hash/xxh3.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

#if QUOIN_WITH_XXHASH
#include <xxhash.h>
#endif

namespace {

using quoin_bench::byte_span;

// A lambda and not a function: it is inlined where it is passed, as a call by name would be.
constexpr auto ours = [](byte_span bytes) { return quoin::xxh3_64(bytes); };

void throughput(benchmark::State& state) {
#if QUOIN_WITH_XXHASH
  quoin_bench::run_against(state, ours, [](byte_span bytes) -> std::uint64_t {
    return XXH3_64bits(bytes.data(), bytes.size());
  });
#else
  quoin_bench::run(state, ours);
#endif
}
BENCHMARK(throughput)->Apply(quoin_bench::sizes);

/// From the end of one hash to the end of the next, whose address depends on it.
void latency(benchmark::State& state) {
  const quoin_bench::keys input(static_cast<std::size_t>(state.range(0)));
  std::uint64_t h = 0;
  for (auto _ : state) h = ours(input[h & 63]);
  benchmark::DoNotOptimize(h);
}
BENCHMARK(latency)->Arg(4)->Arg(8)->Arg(16)->Arg(32)->Arg(64);

void kernel(benchmark::State& state, quoin::isa level) {
  const auto add_all = quoin::detail::xxh3_kernel_of(level);
  quoin_bench::run(state, [add_all](byte_span bytes) {
    return quoin::detail::xxh3_long(bytes.data(), bytes.size(), 0, add_all);
  });
}

const bool registered = [] {
  quoin::detail::for_each_isa([](quoin::isa level) {
    const std::string name = "kernel/" + std::string(to_string(level));
    benchmark::RegisterBenchmark(name.c_str(), kernel, level)->Arg(4096)->Arg(1 << 20);
  });
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
