// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form an addition.
#include <quoin/limit/two_bucket.hpp>

#include <benchmark/benchmark.h>

#include "window_bench.hpp"

namespace {

using quoin::atomic_two_bucket;
using quoin::two_bucket;

constexpr quoin::two_bucket_options all{.rate = quoin::per_second(10'000'000)};
constexpr quoin::two_bucket_options none{.rate = quoin::per_hour(1)};

void plain_allow(benchmark::State& state) { quoin_bench::plain<two_bucket<>>(state, all); }
void plain_deny(benchmark::State& state) { quoin_bench::plain<two_bucket<>>(state, none); }
void allow(benchmark::State& state) { quoin_bench::atomic<atomic_two_bucket<>>(state, all); }
void deny(benchmark::State& state) { quoin_bench::atomic<atomic_two_bucket<>>(state, none); }
BENCHMARK(plain_allow);
BENCHMARK(plain_deny);
BENCHMARK(allow);
BENCHMARK(deny);

}  // namespace

BENCHMARK_MAIN();
