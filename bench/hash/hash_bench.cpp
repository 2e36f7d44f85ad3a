// SPDX-License-Identifier: BSL-1.0
// The default hash: integers one by one and in batches at each level, against hashing
// their bytes; strings against std::hash.
#include <quoin/hash/hash.hpp>

#include "bench_support.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t count = 1024;  // in the first-level cache

template <class Int>
std::vector<Int> integers() {
  std::vector<Int> keys(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = static_cast<Int>(i * 0x9e3779b97f4a7c15u);
  return keys;
}

template <class Int, class F>
void run_integers(benchmark::State& state, F f) {
  const auto keys = integers<Int>();
  std::vector<std::uint64_t> out(count);
  for (auto _ : state) {
    f(keys, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}

template <class Int>
void one_by_one(benchmark::State& state) {
  run_integers<Int>(state, [](const auto& keys, auto& out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = quoin::hash{}(keys[i]);
  });
}
BENCHMARK(one_by_one<std::uint64_t>);
BENCHMARK(one_by_one<std::int32_t>);

template <class Int>
void batch(benchmark::State& state, quoin::isa level) {
  const auto kernel = quoin::detail::mix_many_of<Int>(level);
  run_integers<Int>(
      state, [=](const auto& keys, auto& out) { kernel(keys.data(), count, 0, out.data()); });
}

void as_bytes(benchmark::State& state) {
  run_integers<std::uint64_t>(state, [](const auto& keys, auto& out) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = quoin::xxh3_64(std::as_bytes(std::span(&keys[i], 1)));
    }
  });
}
BENCHMARK(as_bytes);

/// From the end of one hash to the end of the next.
void latency(benchmark::State& state) {
  std::uint64_t h = 0;
  for (auto _ : state) h = quoin::hash{}(h);
  benchmark::DoNotOptimize(h);
}
BENCHMARK(latency);

void strings(benchmark::State& state) {
  const auto text = [](quoin_bench::byte_span bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  quoin_bench::run_against(
      state, [=](quoin_bench::byte_span bytes) { return quoin::hash{}(text(bytes)); },
      [=](quoin_bench::byte_span bytes) -> std::uint64_t {
        return std::hash<std::string_view>()(text(bytes));
      });
}
BENCHMARK(strings)->Apply(quoin_bench::sizes);

const bool registered = [] {
  quoin::detail::for_each_isa([](quoin::isa level) {
    const std::string name(to_string(level));
    benchmark::RegisterBenchmark(("batch_of_64_bits/" + name).c_str(), batch<std::uint64_t>, level);
    benchmark::RegisterBenchmark(("batch_of_32_bits/" + name).c_str(), batch<std::int32_t>, level);
  });
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
