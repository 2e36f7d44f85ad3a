// SPDX-License-Identifier: BSL-1.0
// UltraLogLog against HyperLogLog of as many registers, in turns in the same run.
//
// Counters: nanoseconds (per key where there are keys), the least of all rounds. `of_hll` is the time
// over that of `hyperloglog`, `of_copy` the time over that of copying as many bytes, `of_scalar` that
// of the kernel over the portable one.
#include <quoin/sketch/hyperloglog.hpp>
#include <quoin/sketch/ultraloglog.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using sketch = quoin::ultraloglog<>;

/// The least time of several calls.
class stopwatch {
 public:
  template <class F>
  void time(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    best_ = std::min(best_, taken.count());
  }
  [[nodiscard]] double ns() const { return best_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
};

std::vector<std::uint64_t> keys_from(std::uint64_t first, std::size_t n) {
  std::vector<std::uint64_t> keys(n);
  for (auto& key : keys) key = first++;
  return keys;
}

template <class Sketch>
void fill(unsigned precision, const std::vector<std::uint64_t>& keys) {
  Sketch s({.precision = precision});
  s.insert_many(keys);
  benchmark::DoNotOptimize(s);
}

/// Distinct keys into an empty sketch.
void insert(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto n = static_cast<std::size_t>(state.range(1));
  const auto keys = keys_from(1, n);
  stopwatch batch, single, hll;
  for (auto _ : state) {
    batch.time([&] { fill<sketch>(precision, keys); });
    hll.time([&] { fill<quoin::hyperloglog<>>(precision, keys); });
    single.time([&] {
      sketch s({.precision = precision});
      for (const auto key : keys) s.insert(key);
      benchmark::DoNotOptimize(s);
    });
  }
  const auto per_key = static_cast<double>(n);
  state.counters["batch"] = batch.ns() / per_key;
  state.counters["single"] = single.ns() / per_key;
  state.counters["of_hll"] = batch.ns() / hll.ns();
}
BENCHMARK(insert)->ArgsProduct({{10, 12, 14, 18}, {1 << 12, 1 << 16, 1 << 20, 1 << 22}});

/// Keys that are in the sketch already: nothing but the look at the registers.
void insert_again(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto keys = keys_from(1, 1 << 20);
  sketch s({.precision = precision});
  quoin::hyperloglog<> h({.precision = precision});
  s.insert_many(keys);
  h.insert_many(keys);
  stopwatch batch, hll;
  for (auto _ : state) {
    batch.time([&] { s.insert_many(keys); });
    hll.time([&] { h.insert_many(keys); });
  }
  state.counters["batch"] = batch.ns() / (1 << 20);
  state.counters["of_hll"] = batch.ns() / hll.ns();
}
BENCHMARK(insert_again)->Arg(12)->Arg(14);

void merge(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  sketch a({.precision = precision}), b = a;
  a.insert_many(keys_from(0, 100'000));
  b.insert_many(keys_from(50'000, 100'000));
  const std::size_t m = std::size_t{1} << precision;
  std::vector<std::uint8_t> x(m), y(m);
  a.copy_registers(precision, x);
  b.copy_registers(precision, y);
  auto to = x;
  const auto scalar = quoin::detail::ull_kernels_of(quoin::isa::scalar);
  stopwatch merging, portable, copying;
  for (auto _ : state) {
    sketch both = a;
    merging.time([&] { both.merge(b); });
    portable.time([&] { scalar.merge(x.data(), y.data(), m); });
    copying.time([&] {
      std::memcpy(to.data(), y.data(), m);
      benchmark::DoNotOptimize(to.data());
    });
    benchmark::DoNotOptimize(both);
  }
  state.counters["merge"] = merging.ns();
  state.counters["of_copy"] = merging.ns() / copying.ns();
  state.counters["of_scalar"] = merging.ns() / portable.ns();
}
BENCHMARK(merge)->Arg(10)->Arg(12)->Arg(14);

/// From the registers alone, and along the stream.
void estimate(benchmark::State& state) {
  sketch s({.precision = static_cast<unsigned>(state.range(0))});
  s.insert_many(keys_from(0, 1'000'000));
  if (state.range(1) != 0) s.merge(sketch(s));
  for (auto _ : state)
    benchmark::DoNotOptimize(state.range(1) ? s.estimate_from_state() : s.estimate());
  state.SetLabel(state.range(1) != 0 ? "state" : "stream");
}
BENCHMARK(estimate)->ArgsProduct({{10, 12, 14}, {0, 1}});

void serialize(benchmark::State& state) {
  sketch s({.precision = 12});
  s.insert_many(keys_from(0, 1'000'000));
  stopwatch writing, reading, converting;
  const auto bytes = s.to_bytes();
  for (auto _ : state) {
    writing.time([&] { benchmark::DoNotOptimize(s.to_bytes()); });
    reading.time([&] { benchmark::DoNotOptimize(sketch::from_bytes(bytes)); });
    converting.time([&] { benchmark::DoNotOptimize(s.to_hyperloglog()); });
  }
  state.counters["to_bytes"] = writing.ns();
  state.counters["from_bytes"] = reading.ns();
  state.counters["to_hyperloglog"] = converting.ns();
}
BENCHMARK(serialize);

}  // namespace

BENCHMARK_MAIN();
