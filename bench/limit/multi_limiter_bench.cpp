// SPDX-License-Identifier: BSL-1.0
// Two quotas as one, beside the same two asked by hand.
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>

namespace {

using bucket = quoin::token_bucket<>;
using shared_bucket = quoin::atomic_token_bucket<>;
using time_point = bucket::time_point;

constexpr quoin::token_bucket_options plenty{.rate = quoin::per_second(1'000'000'000),
                                             .burst = 1'000'000};
constexpr quoin::token_bucket_options few{.rate = quoin::per_hour(1), .burst = 1};

template <class Limiter>
void ask(benchmark::State& state, Limiter& limiter) {
  auto now = time_point(std::chrono::hours(24 * 365 * 50));
  std::uint64_t allowed = 0;
  for (auto _ : state) {
    allowed += limiter.try_acquire_at(now).allowed;
    now += std::chrono::nanoseconds(1);
  }
  benchmark::DoNotOptimize(allowed);
}

/// What would be written without it.
template <class Bucket>
struct by_hand {
  Bucket& first;
  Bucket& second;
  quoin::decision try_acquire_at(time_point now) {
    if (const auto d = first.peek_at(now); !d) return d;
    if (const auto d = second.peek_at(now); !d) return d;
    first.try_acquire_at(now);
    return second.try_acquire_at(now);
  }
};

template <class Bucket>
void together(benchmark::State& state, const quoin::token_bucket_options& second) {
  Bucket a(plenty), b(second);
  auto both = quoin::limit_path(a, b);
  ask(state, both);
}
template <class Bucket>
void apart(benchmark::State& state, const quoin::token_bucket_options& second) {
  Bucket a(plenty), b(second);
  by_hand<Bucket> both{a, b};
  ask(state, both);
}
constexpr auto together_plain = &together<bucket>, apart_plain = &apart<bucket>;
constexpr auto together_atomic = &together<shared_bucket>, apart_atomic = &apart<shared_bucket>;
BENCHMARK_CAPTURE(together_plain, allow, plenty);
BENCHMARK_CAPTURE(apart_plain, allow, plenty);
BENCHMARK_CAPTURE(together_plain, deny, few);
BENCHMARK_CAPTURE(apart_plain, deny, few);
BENCHMARK_CAPTURE(together_atomic, allow, plenty);
BENCHMARK_CAPTURE(apart_atomic, allow, plenty);
BENCHMARK_CAPTURE(together_atomic, deny, few);
BENCHMARK_CAPTURE(apart_atomic, deny, few);

}  // namespace

BENCHMARK_MAIN();
