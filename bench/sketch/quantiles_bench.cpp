// SPDX-License-Identifier: BSL-1.0
// The quantile sketch against its own algorithm with a logarithm (std::log, and a map of buckets as
// wide as the accuracy permits), and against keeping the values: std::nth_element of all of them.
//
// Counters: nanoseconds per value, the least of all rounds, everything in turns; `vs_…` the peer's
// time over that of the batch. `p99_error` is the relative error of the 99th percentile.
#include <quoin/sketch/quantiles.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace {

/// The least time per item of several calls.
class stopwatch {
 public:
  template <class F>
  void time(std::size_t n, F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    best_ = std::min(best_, taken.count() / static_cast<double>(n));
  }
  [[nodiscard]] double ns() const { return best_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
};

/// DDSketch as published: bucket ⌈log_γ x⌉, counters in an array that is large enough.
class log_sketch {
 public:
  explicit log_sketch(double accuracy)
      : factor_(1 / std::log((1 + accuracy) / (1 - accuracy))), counts_(60'000) {}

  void insert(double x) {
    ++counts_[static_cast<std::size_t>(std::ceil(std::log(x) * factor_) + 30'000)];
    ++count_;
    sum_ += x;
    min_ = std::min(min_, x);
    max_ = std::max(max_, x);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  double factor_, sum_ = 0, min_ = 1e308, max_ = 0;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> counts_;
};

enum class values { latencies, constant, wide, both_signs };

std::vector<double> make(values kind, std::size_t n) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latencies(0, 1);
  std::uniform_real_distribution<double> exponents(-20, 20);
  std::normal_distribution<double> both_signs;
  std::vector<double> all(n);
  for (double& x : all) {
    x = kind == values::latencies  ? latencies(random)
        : kind == values::constant ? 42
        : kind == values::wide     ? std::exp2(exponents(random))
                                   : both_signs(random);
  }
  return all;
}

void insert(benchmark::State& state, values kind) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const double accuracy = 1 / static_cast<double>(state.range(1));
  const std::vector<double> all = make(kind, n);
  quoin::quantile_sketch sketch({.relative_accuracy = accuracy}), one_by_one = sketch;
  log_sketch peer(accuracy);
  std::vector<double> sorted;
  stopwatch single, batch, with_log, selection;
  const auto rank = static_cast<std::size_t>(0.99 * static_cast<double>(n - 1));
  for (auto _ : state) {
    single.time(n, [&] {
      for (const double x : all) one_by_one.insert(x);
    });
    batch.time(n, [&] { sketch.insert_many(all); });
    if (kind != values::both_signs) {
      with_log.time(n, [&] {
        for (const double x : all) peer.insert(x);
      });
      benchmark::DoNotOptimize(peer.count());
    }
    selection.time(n, [&] {
      sorted = all;
      std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                       sorted.end());
      benchmark::DoNotOptimize(sorted[rank]);
    });
  }
  state.counters["single"] = single.ns();
  state.counters["batch"] = batch.ns();
  state.counters["vs_nth_element"] = selection.ns() / batch.ns();
  if (kind != values::both_signs) {
    state.counters["vs_log"] = with_log.ns() / batch.ns();
    state.counters["single_vs_log"] = with_log.ns() / single.ns();
  }
  state.counters["p99_error"] = std::abs(sketch.quantile(0.99) / sorted[rank] - 1);
  state.counters["bytes"] = static_cast<double>(sketch.to_bytes().size());
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int accuracy : {100, 1000}) b->Args({1'000'000, accuracy});
  b->ArgNames({"values", "1/accuracy"})->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(insert, latencies, values::latencies)->Apply(sizes);
BENCHMARK_CAPTURE(insert, constant, values::constant)->Apply(sizes);
BENCHMARK_CAPTURE(insert, wide, values::wide)->Apply(sizes);
BENCHMARK_CAPTURE(insert, both_signs, values::both_signs)->Apply(sizes);

void quantile(benchmark::State& state) {
  quoin::quantile_sketch sketch;
  sketch.insert_many(make(values::latencies, 1'000'000));
  for (auto _ : state) benchmark::DoNotOptimize(sketch.quantile(0.99));
}
BENCHMARK(quantile);

void merge(benchmark::State& state) {
  quoin::quantile_sketch all, part;
  part.insert_many(make(values::latencies, 100'000));
  for (auto _ : state) all.merge(part);
  benchmark::DoNotOptimize(all.count());
}
BENCHMARK(merge);

}  // namespace

BENCHMARK_MAIN();
