// SPDX-License-Identifier: BSL-1.0
// The count-min sketch of four rows: batches against single operations, and both against the loop
// that textbooks print (one seeded hash and one division per row, rows apart), taken in turns.
// Arguments: log2 of the width, and whether keys are drawn from Zipf(1.0) instead of evenly.
// Counters are nanoseconds per key; `vs_textbook` is the loop's time over that of the batch.
#include <quoin/sketch/count_min_sketch.hpp>

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

constexpr std::size_t keys_count = 1'000'000;

std::vector<std::uint64_t> keys_of(bool zipf) {
  std::vector<double> sums(keys_count);
  double sum = 0;
  for (std::size_t i = 0; i < keys_count; ++i) {
    sums[i] = sum += zipf ? 1 / static_cast<double>(i + 1) : 1;
  }
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> keys(keys_count);
  for (auto& key : keys) {
    const double at = std::generate_canonical<double, 53>(random) * sum;
    key = static_cast<std::uint64_t>(std::lower_bound(sums.begin(), sums.end(), at) - sums.begin());
  }
  return keys;
}

class textbook {
 public:
  explicit textbook(std::uint64_t width) : width_(width), counters_(4 * width) {}

  void add(std::uint64_t key) {
    for (std::uint64_t row = 0; row < 4; ++row) {
      ++counters_[row * width_ + quoin::hash{row}(key) % width_];
    }
  }
  std::uint64_t estimate(std::uint64_t key) const {
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
    for (std::uint64_t row = 0; row < 4; ++row) {
      least = std::min(least, counters_[row * width_ + quoin::hash{row}(key) % width_]);
    }
    return least;
  }

 private:
  std::uint64_t width_;
  std::vector<std::uint32_t> counters_;
};

template <class F>
void time(double& best, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / keys_count);
}

void add(benchmark::State& state) {
  const std::uint64_t width = std::uint64_t{1} << state.range(0);
  const auto keys = keys_of(state.range(1) != 0);
  quoin::count_min_sketch sketch({.width = width});
  quoin::count_min_sketch plain({.width = width, .conservative = false});
  textbook peer(width);
  double single = 1e9, batch = 1e9, plain_batch = 1e9, loop = 1e9;
  for (auto _ : state) {
    time(batch, [&] { sketch.add_many(keys); });
    time(loop, [&] {
      for (const auto key : keys) peer.add(key);
    });
    time(plain_batch, [&] { plain.add_many(keys); });
    time(single, [&] {
      for (const auto key : keys) sketch.add(key);
    });
  }
  state.counters["batch_ns"] = batch;
  state.counters["plain_batch_ns"] = plain_batch;
  state.counters["single_ns"] = single;
  state.counters["vs_textbook"] = loop / batch;
}

void estimate(benchmark::State& state) {
  const std::uint64_t width = std::uint64_t{1} << state.range(0);
  const auto keys = keys_of(state.range(1) != 0);
  quoin::count_min_sketch sketch({.width = width});
  textbook peer(width);
  std::vector<std::uint64_t> estimates(keys_count);
  double single = 1e9, batch = 1e9, loop = 1e9;
  for (auto _ : state) {
    time(batch, [&] { sketch.estimate_many(keys, estimates); });
    time(loop, [&] {
      for (std::size_t i = 0; i < keys_count; ++i) estimates[i] = peer.estimate(keys[i]);
    });
    time(single, [&] {
      for (std::size_t i = 0; i < keys_count; ++i) estimates[i] = sketch.estimate(keys[i]);
    });
    benchmark::DoNotOptimize(estimates.data());
  }
  state.counters["batch_ns"] = batch;
  state.counters["single_ns"] = single;
  state.counters["vs_textbook"] = loop / batch;
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int log_width : {12, 16, 20}) {
    for (const int zipf : {0, 1}) b->Args({log_width, zipf});
  }
  b->Unit(benchmark::kMillisecond);
}

BENCHMARK(add)->Apply(sizes);
BENCHMARK(estimate)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
