// SPDX-License-Identifier: BSL-1.0
// Redis' HyperLogLog in nanoseconds per element (`add`, `add_many`; elements of 8 and 16 bytes) and
// per call (`merge`, `count`, `from_bytes`), the least of all turns. `hash_ns` is the hashing alone.
#include <quoin/interop/redis_hyperloglog.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class F>
void time(double& best, std::size_t n, F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(n));
}

template <std::size_t Size>
std::vector<std::array<unsigned char, Size>> elements(std::size_t n, std::uint64_t first) {
  std::vector<std::array<unsigned char, Size>> all(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t x = (first + i) * 0x9e3779b97f4a7c15u;
    std::memcpy(all[i].data(), &x, 8);
  }
  return all;
}

template <std::size_t Size>
void add(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto all = elements<Size>(n, 1);
  double one = infinity, many = infinity, hash = infinity, prepared = infinity;
  std::vector<std::uint64_t> hashes(n);
  for (auto _ : state) {
    time(hash, n, [&] {
      for (std::size_t i = 0; i < n; ++i) hashes[i] = quoin::redis_hyperloglog_hash{}(all[i]);
    });
    quoin::redis_hyperloglog a, b, c;
    time(one, n, [&] {
      for (const auto& element : all) a.add(element);
    });
    time(many, n, [&] { b.add_many(all); });
    time(prepared, n, [&] { c.add_hash_many(hashes); });
    benchmark::DoNotOptimize(a.estimate() + b.estimate() + c.estimate());
  }
  state.counters["add_ns"] = one;
  state.counters["add_many_ns"] = many;
  state.counters["add_hash_many_ns"] = prepared;
  state.counters["hash_ns"] = hash;
}
BENCHMARK_TEMPLATE(add, 8)->Arg(100)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_TEMPLATE(add, 16)->Arg(1000)->Arg(1'000'000);

void whole(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  quoin::redis_hyperloglog a, b;
  a.add_many(elements<8>(n, 1));
  b.add_many(elements<8>(n, n / 2));
  double merge = infinity, count = infinity, read = infinity;
  for (auto _ : state) {
    quoin::redis_hyperloglog into = a;
    time(merge, 1, [&] { into.merge(b); });
    time(count, 1, [&] { benchmark::DoNotOptimize(into.estimate()); });
    time(read, 1, [&] {
      benchmark::DoNotOptimize(quoin::redis_hyperloglog::from_bytes(a.bytes()).has_value());
    });
  }
  state.counters["merge_ns"] = merge;
  state.counters["count_ns"] = count;
  state.counters["from_bytes_ns"] = read;
}
BENCHMARK(whole)->Arg(100)->Arg(1000)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();
