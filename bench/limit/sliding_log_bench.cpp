// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form an addition.
#include <quoin/limit/sliding_log.hpp>

#include <benchmark/benchmark.h>

#include "window_bench.hpp"

namespace {

using quoin::atomic_sliding_log;
using quoin::sliding_log;

constexpr quoin::sliding_log_options all{.rate = {1000, std::chrono::nanoseconds(100'000)}};
constexpr quoin::sliding_log_options none{.rate = quoin::per_hour(1)};

void plain_allow(benchmark::State& state) { quoin_bench::plain<sliding_log<>>(state, all); }
void plain_deny(benchmark::State& state) { quoin_bench::plain<sliding_log<>>(state, none); }
void allow(benchmark::State& state) { quoin_bench::atomic<atomic_sliding_log<>>(state, all); }
void deny(benchmark::State& state) { quoin_bench::atomic<atomic_sliding_log<>>(state, none); }
BENCHMARK(plain_allow);
BENCHMARK(plain_deny);
BENCHMARK(allow);
BENCHMARK(deny);

}  // namespace

BENCHMARK_MAIN();
