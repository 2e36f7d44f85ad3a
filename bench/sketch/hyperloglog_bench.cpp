// SPDX-License-Identifier: BSL-1.0
// HyperLogLog against what takes its place without it, and against the least that its work takes.
//
// Counters: nanoseconds (per key where there are keys), the least of all rounds, everything in
// turns. `insert`: `vs_set` is the time of std::unordered_set over that of the batch, `of_hash` the
// batch's over that of hashing alone. `merge`: `of_copy` is the time over that of copying as many
// bytes. (Peers that no distribution packages are quoted in docs/benchmarks.md.)
#include <quoin/sketch/hyperloglog.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <vector>

namespace {

using sketch = quoin::hyperloglog<>;

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

sketch filled(unsigned precision, std::uint64_t first, std::size_t n) {
  sketch s({.precision = precision});
  s.insert_many(keys_from(first, n));
  return s;
}

/// Distinct keys into an empty sketch.
void insert(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto n = static_cast<std::size_t>(state.range(1));
  const auto keys = keys_from(1, n);
  std::vector<std::uint64_t> hashes(n);
  stopwatch batch, single, hashing, set;
  for (auto _ : state) {
    batch.time([&] {
      sketch s({.precision = precision});
      s.insert_many(keys);
      benchmark::DoNotOptimize(s.estimate());
    });
    single.time([&] {
      sketch s({.precision = precision});
      for (const auto key : keys) s.insert(key);
      benchmark::DoNotOptimize(s.estimate());
    });
    hashing.time([&] { quoin::hash{}.hash_many(keys, hashes); });
    benchmark::DoNotOptimize(hashes.data());
  }
  set.time([&] {
    const std::unordered_set<std::uint64_t> s(keys.begin(), keys.end());
    benchmark::DoNotOptimize(s.size());
  });
  const auto per_key = static_cast<double>(n);
  state.counters["batch"] = batch.ns() / per_key;
  state.counters["single"] = single.ns() / per_key;
  state.counters["of_hash"] = batch.ns() / hashing.ns();
  state.counters["vs_set"] = set.ns() / batch.ns();
}
BENCHMARK(insert)->ArgsProduct({{10, 14, 18}, {1 << 12, 1 << 16, 1 << 20, 1 << 22}});

void merge(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto n = static_cast<std::size_t>(state.range(1));
  const sketch a = filled(precision, 0, n), b = filled(precision, n / 2, n);
  const std::vector<unsigned char> from(std::size_t{1} << precision);
  auto to = from;
  stopwatch merging, estimating, copying;
  for (auto _ : state) {
    sketch both = a;
    merging.time([&] { both.merge(b); });
    estimating.time([&] { benchmark::DoNotOptimize(a.union_estimate(b)); });
    copying.time([&] {
      std::memcpy(to.data(), from.data(), from.size());
      benchmark::DoNotOptimize(to.data());
    });
    benchmark::DoNotOptimize(both);
  }
  state.counters["merge"] = merging.ns();
  state.counters["union_estimate"] = estimating.ns();
  state.counters["of_copy"] = merging.ns() / copying.ns();
}
BENCHMARK(merge)->Args({14, 1000})->Args({10, 100'000})->Args({14, 100'000})->Args({14, 4'000'000});

/// Many calls, since one is shorter than a look at the clock.
void estimate(benchmark::State& state) {
  sketch s = filled(14, 0, static_cast<std::size_t>(state.range(0)));
  if (state.range(1) != 0) s.merge(filled(14, 1, static_cast<std::size_t>(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(s.estimate());
  state.SetLabel(s.has_stream_estimate() ? "stream" : "state");
}
BENCHMARK(estimate)->ArgsProduct({{1000, 4000, 1'000'000}, {0, 1}});

/// How long the estimate takes when nothing but registers is given.
void tally(benchmark::State& state) {
  const sketch s = filled(14, 0, static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> registers(std::size_t{1} << 14);
  s.copy_registers(14, registers);
  const auto kernels = quoin::detail::hll_kernels_of(quoin::active_isa());
  for (auto _ : state) {
    benchmark::DoNotOptimize(quoin::detail::hll_estimate(kernels.tally(registers.data(), 14), 14));
  }
}
BENCHMARK(tally)->Arg(10'000)->Arg(1'000'000);

void serialize(benchmark::State& state) {
  const sketch s = filled(14, 0, static_cast<std::size_t>(state.range(0)));
  stopwatch writing, reading;
  const auto bytes = s.to_bytes();
  for (auto _ : state) {
    writing.time([&] { benchmark::DoNotOptimize(s.to_bytes()); });
    reading.time([&] { benchmark::DoNotOptimize(sketch::from_bytes(bytes)); });
  }
  state.counters["to_bytes"] = writing.ns();
  state.counters["from_bytes"] = reading.ns();
  state.counters["size"] = static_cast<double>(bytes.size());
}
BENCHMARK(serialize)->Arg(100)->Arg(2000)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
