// SPDX-License-Identifier: BSL-1.0
// What the window costs: counting at given times and at the clock's against `count_min_sketch` on
// the same keys, asking against the same, taken in turns. Arguments: log2 of the width, and panes.
// Counters are nanoseconds per key; `clock_ns` is one reading of the clock.
#include <quoin/sketch/sliding_count_min_sketch.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace {

constexpr std::size_t keys_count = 1'000'000;
constexpr int batch_size = 1000;

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

struct figures {
  double single = std::numeric_limits<double>::infinity(), batch = single;
};

std::vector<std::uint64_t> skewed_keys() {
  std::vector<std::uint64_t> keys(keys_count);
  std::uint64_t x = 1;
  for (auto& key : keys) {
    x = x * 0xd1342543de82ef95u + 1;
    const std::uint64_t r = x >> 32;
    key = r >> (r % 29);  // all orders of magnitude alike: close to Zipf(1)
  }
  return keys;
}

void run(benchmark::State& state) {
  using window_type = quoin::sliding_count_min_sketch<>;
  using duration = window_type::duration;
  using time_point = window_type::time_point;
  const auto keys = skewed_keys();
  const std::uint64_t width = std::uint64_t{1} << state.range(0);
  const auto panes = static_cast<std::uint32_t>(state.range(1));
  const duration length(keys_count / 4);  // at one event per tick: four new panes in each round
  const std::span<const std::uint64_t> all(keys);
  const auto asked = all.first(keys_count / 10);
  std::vector<std::uint64_t> estimates(asked.size());
  quoin::count_min_sketch one({.width = width});
  window_type events({.width = width, .window = length * panes, .panes = panes});
  window_type clocked({.width = width, .window = std::chrono::hours(panes), .panes = panes});
  figures plain, sliding, ask_plain, ask_sliding;
  double clock = plain.single, clocked_single = clock;
  std::int64_t tick = 0;
  for (auto _ : state) {
    time(plain.single, keys_count, [&] {
      for (const auto key : keys) one.add(key);
    });
    time(sliding.single, keys_count, [&] {
      for (const auto key : keys) events.add_at(time_point(duration(tick++)), key);
    });
    time(clocked_single, keys_count, [&] {
      for (const auto key : keys) clocked.add(key);
    });
    time(clock, keys_count, [&] {
      for (std::size_t i = 0; i < keys_count; ++i) {
        benchmark::DoNotOptimize(std::chrono::steady_clock::now());
      }
    });
    time(plain.batch, keys_count, [&] {
      for (std::size_t i = 0; i < keys_count; i += batch_size) {
        one.add_many(all.subspan(i, batch_size));
      }
    });
    time(sliding.batch, keys_count, [&] {
      for (std::size_t i = 0; i < keys_count; i += batch_size) {
        events.add_many_at(time_point(duration(tick)), all.subspan(i, batch_size));
        tick += batch_size;
      }
    });
    const time_point now{duration(tick)};
    time(ask_plain.single, asked.size(), [&] {
      for (const auto key : asked) benchmark::DoNotOptimize(one.estimate(key));
    });
    time(ask_sliding.single, asked.size(), [&] {
      for (const auto key : asked) benchmark::DoNotOptimize(events.estimate_at(now, key));
    });
    time(ask_plain.batch, asked.size(), [&] { one.estimate_many(asked, estimates); });
    time(ask_sliding.batch, asked.size(), [&] { events.estimate_many_at(now, asked, estimates); });
  }
  state.counters["add_at_ns"] = sliding.single;
  state.counters["add_at_vs_add"] = sliding.single / plain.single;
  state.counters["add_clock_ns"] = clocked_single;
  state.counters["clock_ns"] = clock;
  state.counters["batch_ns"] = sliding.batch;
  state.counters["batch_vs_one"] = sliding.batch / plain.batch;
  state.counters["estimate_ns"] = ask_sliding.single;
  state.counters["estimate_vs_one"] = ask_sliding.single / ask_plain.single;
  state.counters["estimate_batch_ns"] = ask_sliding.batch;
  state.counters["estimate_batch_vs_one"] = ask_sliding.batch / ask_plain.batch;
}
BENCHMARK(run)->Args({12, 8})->Args({16, 1})->Args({16, 8})->Args({16, 60})->Args({20, 8})->Unit(
    benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
