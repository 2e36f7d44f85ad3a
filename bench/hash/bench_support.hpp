// SPDX-License-Identifier: BSL-1.0
// What the benchmarks of the hash functions share.
#ifndef QUOIN_BENCH_HASH_BENCH_SUPPORT_HPP
#define QUOIN_BENCH_HASH_BENCH_SUPPORT_HPP

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace quoin_bench {

using byte_span = std::span<const unsigned char>;

/// Keys of one length at changing addresses, all in the first-level cache when they are short.
class keys {
 public:
  explicit keys(std::size_t size) : size_(size), bytes_(size + mask + 1) {
    std::uint32_t x = 1;
    for (auto& byte : bytes_) byte = static_cast<unsigned char>((x = x * 1664525u + 1u) >> 24);
  }

  [[nodiscard]] byte_span operator[](std::size_t i) const noexcept {
    return {bytes_.data() + (i * 16 & mask), size_};
  }

 private:
  static constexpr std::size_t mask = 1023;
  std::size_t size_;
  std::vector<unsigned char> bytes_;
};

/// Time of `hash(span)` as items and bytes per second.
template <class Hash>
void run(benchmark::State& state, Hash hash) {
  const keys input(static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) sum += hash(input[i++]);
  benchmark::DoNotOptimize(sum);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

/// Calls `hash(span)` and `peer(span)` in turns, so that a change of the clock meets both.
/// Counters: `ns` and `GB/s` of `hash`, and `speedup`, the time of `peer` over that of `hash`. (The
/// columns of the framework are of both together.)
template <class Hash, class Peer>
void run_against(benchmark::State& state, Hash hash, Peer peer) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const keys input(size);
  const std::size_t batch = 1 + 262144 / (size + 64);
  const auto time = [&](auto f) {
    std::uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < batch; ++i) sum += f(input[i]);
    benchmark::DoNotOptimize(sum);
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    return taken.count() / static_cast<double>(batch);
  };
  // The least of all turns: what disturbs a measurement only ever adds to it.
  double ours = std::numeric_limits<double>::infinity(), theirs = ours;
  for (auto _ : state) {
    ours = std::min(ours, time(hash));
    theirs = std::min(theirs, time(peer));
  }
  state.counters["ns"] = ours;
  state.counters["GB/s"] = static_cast<double>(size) / ours;
  state.counters["speedup"] = theirs / ours;
}

inline void sizes(benchmark::internal::Benchmark* b) {
  for (const int size : {4, 8, 16, 32, 64, 256, 4096, 1 << 20}) b->Arg(size);
}

}  // namespace quoin_bench

#endif
