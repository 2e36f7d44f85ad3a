// SPDX-License-Identifier: BSL-1.0
// What the benchmarks of placements share: two ways to the same owners, timed in turns.
#ifndef QUOIN_BENCH_PLACEMENT_BENCH_SUPPORT_HPP
#define QUOIN_BENCH_PLACEMENT_BENCH_SUPPORT_HPP

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace quoin_bench {

/// Hashes of keys that nobody would tell from random numbers.
inline std::vector<std::uint64_t> random_hashes(std::size_t n) {
  std::vector<std::uint64_t> hashes(n);
  std::uint64_t x = 0;
  for (auto& hash : hashes) {
    x += 0x9e3779b97f4a7c15u;
    std::uint64_t z = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    hash = z ^ z >> 31;
  }
  return hashes;
}

inline std::vector<std::string> node_names(std::size_t n) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i) names.push_back("cache-" + std::to_string(i) + ":11211");
  return names;
}

/// Nanoseconds that `f()` takes, over `operations`.
template <class F>
double time_per(std::size_t operations, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(operations);
}

/// Runs `ours()` and `textbook()`, each of so many operations, in turns, so that a change of the
/// clock meets both. Counters: `ns` of one of ours and `speedup`, the time of the textbook's form
/// over that; from the least of all turns, since what disturbs a measurement only adds to it.
template <class Ours, class Textbook>
void run_against(benchmark::State& state, std::size_t operations, Ours ours, Textbook textbook) {
  double a = std::numeric_limits<double>::infinity(), b = a;
  for (auto _ : state) {
    a = std::min(a, time_per(operations, ours));
    b = std::min(b, time_per(operations, textbook));
  }
  state.counters["ns"] = a;
  state.counters["speedup"] = b / a;
}

/// Calls `owner(hash)` for each hash, one after the other without waiting.
template <class Owner>
auto for_each_hash(const std::vector<std::uint64_t>& hashes, Owner owner) {
  return [&hashes, owner] {
    std::uint64_t sum = 0;
    for (const std::uint64_t hash : hashes) sum += owner(hash);
    benchmark::DoNotOptimize(sum);
  };
}

/// Calls `owner(hash)` for each hash, each after the answer to the one before.
template <class Owner>
auto in_a_chain(const std::vector<std::uint64_t>& hashes, Owner owner) {
  return [&hashes, owner] {
    std::uint64_t last = 0;
    for (const std::uint64_t hash : hashes) last = owner(hash ^ (last >> 40));
    benchmark::DoNotOptimize(last);
  };
}

inline void node_counts(benchmark::internal::Benchmark* b) {
  for (const int n : {10, 100, 1000}) b->Arg(n);
}

}  // namespace quoin_bench

#endif
