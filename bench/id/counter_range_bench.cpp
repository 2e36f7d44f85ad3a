// SPDX-License-Identifier: BSL-1.0
// Nanoseconds of a number of a range, from one and two threads, beside one `fetch_add` on a word: the
// floor of whatever threads share.
#include <quoin/id/counter_range.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <optional>

namespace {

struct coordinator {
  std::uint64_t next = 0;
  std::optional<quoin::counter_block> operator()() {
    next += 1'000'000;
    return quoin::counter_block{next - 1'000'000, 1'000'000};
  }
};

using range = quoin::counter_range<coordinator>;

void next(benchmark::State& state) {
  static range ids({.low_water = 100'000}, coordinator());
  for (auto _ : state) benchmark::DoNotOptimize(*ids.next());
}
void reserve_64(benchmark::State& state) {
  static range ids({.low_water = 100'000}, coordinator());
  for (auto _ : state) benchmark::DoNotOptimize(ids.reserve(64)->first);
}
void fetch_add(benchmark::State& state) {
  alignas(64) static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) benchmark::DoNotOptimize(word.fetch_add(1, std::memory_order_relaxed));
}
BENCHMARK(next)->ThreadRange(1, 2);
BENCHMARK(reserve_64)->ThreadRange(1, 2);
BENCHMARK(fetch_add)->ThreadRange(1, 2);

}  // namespace

BENCHMARK_MAIN();
