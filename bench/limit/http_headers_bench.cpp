// SPDX-License-Identifier: BSL-1.0
// Headers of one answer: nanoseconds for each, beside snprintf of the same text.
#include <quoin/limit/http_headers.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace {

using namespace std::literals;

quoin::decision refused() {
  quoin::decision d;
  d.limit = 1000;
  d.retry_after = 1234ms;
  d.reset_after = 56s;
  benchmark::DoNotOptimize(d);
  return d;
}

void customary(benchmark::State& state) {
  const quoin::decision d = refused();
  for (auto _ : state) {
    const quoin::rate_limit_headers headers(d);
    for (const auto header : headers) benchmark::DoNotOptimize(header);
  }
}
BENCHMARK(customary);

void customary_by_snprintf(benchmark::State& state) {
  const quoin::decision d = refused();
  for (auto _ : state) {
    char text[4][24];
    std::snprintf(text[0], 24, "%llu", static_cast<unsigned long long>(d.limit));
    std::snprintf(text[1], 24, "%llu", static_cast<unsigned long long>(d.remaining));
    std::snprintf(text[2], 24, "%lld", static_cast<long long>(d.reset_after / 1s));
    std::snprintf(text[3], 24, "%lld", static_cast<long long>(d.retry_after / 1s + 1));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(customary_by_snprintf);

void written(benchmark::State& state) {
  const quoin::decision d = refused();
  for (auto _ : state) {
    char text[64];
    const quoin::quota_state left{"default", d.remaining, d.reset_after};
    benchmark::DoNotOptimize(quoin::write_rate_limit(text, left));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(written);

void written_by_snprintf(benchmark::State& state) {
  const quoin::decision d = refused();
  for (auto _ : state) {
    char text[64];
    std::snprintf(text, sizeof text, "\"%s\";r=%llu;t=%lld", "default",
                  static_cast<unsigned long long>(d.remaining),
                  static_cast<long long>(d.reset_after / 1s));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(written_by_snprintf);

void read(benchmark::State& state) {
  std::string_view text = R"("burst";r=50;t=30, "daily";r=999;t=86399;pk=:c2FsdA==:)";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    quoin::rate_limit_reader in(text);
    for (quoin::rate_limit_item item; in.next(item).value_or(false);) {
      benchmark::DoNotOptimize(item);
    }
  }
}
BENCHMARK(read);

}  // namespace

BENCHMARK_MAIN();
