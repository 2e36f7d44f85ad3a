// SPDX-License-Identifier: BSL-1.0
// KSUIDs written and read.
#include <quoin/interop/ksuid.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view example = "0ujtsYcgvSTl8PAuAdqWYSMnLOv";

void write(benchmark::State& state) {
  quoin::ksuid id = quoin::ksuid::parse(example).value();
  std::array<char, quoin::ksuid::text_size> text{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(id);
    id.write_to(text);
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(write);

void parse(benchmark::State& state) {
  std::string text(example);
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(quoin::ksuid::parse(text));
  }
}
BENCHMARK(parse);

}  // namespace

BENCHMARK_MAIN();
