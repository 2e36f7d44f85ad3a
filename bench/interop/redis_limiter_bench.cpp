// SPDX-License-Identifier: BSL-1.0
// What a shared limiter costs its callers, beside the round trip: making the question, as words and
// as bytes, and reading the answer.
#include <quoin/interop/redis_limiter.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

namespace {

const quoin::redis_token_bucket bucket({.rate = quoin::per_second(100), .burst = 20});

void question(benchmark::State& state) {
  quoin::redis_time now(std::chrono::seconds(1'700'000'000));
  for (auto _ : state) {
    now += std::chrono::microseconds(1);
    benchmark::DoNotOptimize(bucket.try_acquire_at(now));
  }
}
BENCHMARK(question);

void question_as_bytes(benchmark::State& state) {
  quoin::redis_time now(std::chrono::seconds(1'700'000'000));
  for (auto _ : state) {
    now += std::chrono::microseconds(1);
    benchmark::DoNotOptimize(bucket.try_acquire_at(now).evalsha("limit:user:42"));
  }
}
BENCHMARK(question_as_bytes);

void answer(benchmark::State& state) {
  const auto asked = bucket.try_acquire();
  std::string text = "*3\r\n:10000000\r\n:123456789\r\n:0\r\n";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    const auto reply = quoin::read_redis_reply(text);
    benchmark::DoNotOptimize(asked.answer_of(*reply));
  }
}
BENCHMARK(answer);

}  // namespace

BENCHMARK_MAIN();
