// SPDX-License-Identifier: BSL-1.0
// What concurrency costs: the concurrent filter alone and shared by two threads, beside the plain
// one, on the same keys. Times are per key.
#include <quoin/filter/concurrent_blocked_bloom_filter.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace {

constexpr std::size_t keys_in_all = 1'000'000;
constexpr quoin::blocked_bloom_options shape{.capacity = keys_in_all, .bits_per_key = 10};

/// The keys of one of `state.threads()` threads.
std::vector<std::uint64_t> keys_of(const benchmark::State& state) {
  std::vector<std::uint64_t> keys;
  const auto threads = static_cast<std::size_t>(state.threads());
  for (auto i = static_cast<std::size_t>(state.thread_index()); i < keys_in_all; i += threads) {
    keys.push_back(i * 0x9e3779b97f4a7c15u);
  }
  return keys;
}

void count_keys(benchmark::State& state, std::size_t per_iteration) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(per_iteration));
}

void plain_insert_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  quoin::blocked_bloom_filter filter(shape);
  for (auto _ : state) filter.insert_many(keys);
  count_keys(state, keys.size());
}
BENCHMARK(plain_insert_many);

quoin::concurrent_blocked_bloom_filter<>& shared() {
  static quoin::concurrent_blocked_bloom_filter filter(shape);
  return filter;
}

// The keys are in after the first round: from then on this measures the read-only path, which is
// that of keys seen often.
void concurrent_insert_many_seen(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) shared().insert_many(keys);
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_insert_many_seen)->Threads(1)->Threads(2)->UseRealTime();

void concurrent_insert_many_new(benchmark::State& state) {
  const auto keys = keys_of(state);
  for (auto _ : state) {
    state.PauseTiming();
    const auto filter = std::make_unique<quoin::concurrent_blocked_bloom_filter<>>(shape);
    state.ResumeTiming();
    filter->insert_many(keys);
  }
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_insert_many_new);

void plain_contains_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  quoin::blocked_bloom_filter filter(shape);
  filter.insert_many(keys);
  const auto hits = std::make_unique<bool[]>(keys.size());
  for (auto _ : state) filter.contains_many(keys, std::span<bool>(hits.get(), keys.size()));
  count_keys(state, keys.size());
}
BENCHMARK(plain_contains_many);

void concurrent_contains_many(benchmark::State& state) {
  const auto keys = keys_of(state);
  shared().insert_many(keys);
  const auto hits = std::make_unique<bool[]>(keys.size());
  for (auto _ : state) shared().contains_many(keys, {hits.get(), keys.size()});
  count_keys(state, keys.size());
}
BENCHMARK(concurrent_contains_many)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
