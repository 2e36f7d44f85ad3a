// SPDX-License-Identifier: BSL-1.0
// The sizes of two sketches: by joint maximum likelihood, by inclusion and exclusion, and what the
// pass over the registers is of the former. `copy` is the physical limit: moving the registers.
#include <quoin/sketch/hyperloglog_set_operations.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace {

using sketch = quoin::hyperloglog<>;

/// Two sketches of 64 keys for each register, of which they share `percent`.
std::pair<sketch, sketch> two_sketches(unsigned precision, std::uint64_t percent) {
  std::pair<sketch, sketch> two{sketch({.precision = precision}), sketch({.precision = precision})};
  const std::uint64_t n = std::uint64_t{64} << precision;
  for (std::uint64_t key = 0; key < n; ++key) {
    two.first.insert(key);
    two.second.insert(key + n * (100 - percent) / 100);
  }
  return two;
}

void joint_estimate(benchmark::State& state) {
  const auto [a, b] = two_sketches(static_cast<unsigned>(state.range(0)),
                                   static_cast<std::uint64_t>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(quoin::estimate_joint(a, b));
}
BENCHMARK(joint_estimate)->ArgsProduct({{12, 14, 18}, {0, 1, 50, 100}});

void inclusion_exclusion(benchmark::State& state) {
  const auto [a, b] = two_sketches(static_cast<unsigned>(state.range(0)), 50);
  for (auto _ : state) benchmark::DoNotOptimize(quoin::estimate_by_inclusion_exclusion(a, b));
}
BENCHMARK(inclusion_exclusion)->Arg(12)->Arg(14)->Arg(18);

void count_pairs(benchmark::State& state) {
  const auto precision = static_cast<unsigned>(state.range(0));
  const auto [a, b] = two_sketches(precision, 50);
  std::vector<std::uint8_t> left(std::size_t{1} << precision), right(left.size());
  a.copy_registers(precision, left);
  b.copy_registers(precision, right);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        quoin::detail::count_register_pairs(left.data(), right.data(), precision));
  }
}
BENCHMARK(count_pairs)->Arg(12)->Arg(14)->Arg(18);

void copy(benchmark::State& state) {
  const std::vector<std::uint8_t> from(std::size_t{2} << state.range(0), 7);
  std::vector<std::uint8_t> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(copy)->Arg(12)->Arg(14)->Arg(18);

}  // namespace

BENCHMARK_MAIN();
