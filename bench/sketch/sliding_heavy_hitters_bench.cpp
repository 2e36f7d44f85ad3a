// SPDX-License-Identifier: BSL-1.0
// What the window costs: `add_at` against `heavy_hitters::add` on the same skewed keys, and the top
// ten of a full window. Counters are nanoseconds per key, or per question.
#include <quoin/sketch/sliding_heavy_hitters.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

void run(benchmark::State& state) {
  using window_type = quoin::sliding_heavy_hitters<std::uint64_t, std::chrono::system_clock>;
  constexpr std::size_t n = 1'000'000;
  std::vector<std::uint64_t> keys(n);
  std::uint64_t x = 1;
  for (auto& key : keys) {
    x = x * 0xd1342543de82ef95u + 1;
    const std::uint64_t r = x >> 32;
    key = r >> (r % 29);  // all orders of magnitude alike: close to Zipf(1)
  }
  const auto panes = static_cast<std::uint32_t>(state.range(0));
  double plain = std::numeric_limits<double>::infinity(), sliding = plain, question = plain;
  for (auto _ : state) {
    quoin::heavy_hitters<std::uint64_t> one({.capacity = 1000});
    window_type window(
        {.capacity = 1000, .window = window_type::duration(panes * 10'000), .panes = panes});
    time(plain, n, [&] {
      for (const auto key : keys) one.add(key);
    });
    time(sliding, n, [&] {
      std::int64_t tick = 0;
      for (const auto key : keys) {
        window.add_at(window_type::time_point(window_type::duration(tick++)), key);
      }
    });
    time(question, 1, [&] { benchmark::DoNotOptimize(window.top(10)); });
  }
  state.counters["add_ns"] = plain;
  state.counters["add_at_ns"] = sliding;
  state.counters["add_at_vs_add"] = sliding / plain;
  state.counters["top_ns"] = question;
}
BENCHMARK(run)->Arg(1)->Arg(8)->Arg(60)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
