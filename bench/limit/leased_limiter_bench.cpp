// SPDX-License-Identifier: BSL-1.0
// What a node takes to decide by tokens that it holds, and a token bucket by its own: nanoseconds of
// a call, the least of all rounds, in turns.
#include <quoin/limit/lease_pool.hpp>
#include <quoin/limit/leased_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "bucket_bench.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

using quoin_bench::at;
using quoin_bench::infinite;
using quoin_bench::time;

void run(benchmark::State& state) {
  constexpr std::uint64_t enough = std::uint64_t{1} << 40;
  double leased = infinite, refused = infinite, bucket = infinite, bucket_refused = infinite;
  quoin::leased_limiter limiter({.node = 1, .max_wanted = enough});
  quoin::leased_limiter empty({.node = 2});
  quoin::token_bucket full({.rate = quoin::per_second(1000), .burst = 1'000'000'000});
  quoin::token_bucket spent({.rate = quoin::per_hour(1)});
  spent.try_acquire_at(at(0));
  quoin::lease_pool pool({.rate = quoin::per_second(enough >> 14), .burst = enough >> 8});
  limiter.acquire_up_to_at(at(0), enough);
  limiter.granted_at(at(0), pool.grant_at(at(0), limiter.request_at(at(0))));
  for (auto _ : state) {
    time(leased, [&](std::size_t i) { return limiter.try_acquire_at(at(i)).allowed; });
    time(bucket, [&](std::size_t i) { return full.try_acquire_at(at(i)).allowed; });
    time(refused, [&](std::size_t i) { return empty.try_acquire_at(at(i)).allowed; });
    time(bucket_refused, [&](std::size_t i) { return spent.try_acquire_at(at(i)).allowed; });
  }
  if (limiter.held_at(at(0)) == 0) state.SkipWithError("nothing was leased");
  state.counters["passes_ns"] = leased;
  state.counters["refused_ns"] = refused;
  state.counters["bucket_passes_ns"] = bucket;
  state.counters["bucket_refused_ns"] = bucket_refused;
}
BENCHMARK(run)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
