// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form a counter under a comparison of times.
#include <quoin/limit/sliding_window.hpp>

#include <benchmark/benchmark.h>

#include "window_bench.hpp"

namespace {

using quoin::atomic_sliding_window;
using quoin::sliding_window;

constexpr quoin::sliding_window_options all{.rate = {100'000'000, std::chrono::milliseconds(1)}};
constexpr quoin::sliding_window_options none{.rate = quoin::per_hour(1)};

void plain_allow(benchmark::State& state) { quoin_bench::plain<sliding_window<>>(state, all); }
void plain_deny(benchmark::State& state) { quoin_bench::plain<sliding_window<>>(state, none); }
void allow(benchmark::State& state) { quoin_bench::atomic<atomic_sliding_window<>>(state, all); }
void deny(benchmark::State& state) { quoin_bench::atomic<atomic_sliding_window<>>(state, none); }
BENCHMARK(plain_allow);
BENCHMARK(plain_deny);
BENCHMARK(allow);
BENCHMARK(deny);

}  // namespace

BENCHMARK_MAIN();
