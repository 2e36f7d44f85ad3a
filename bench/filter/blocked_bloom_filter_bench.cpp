// SPDX-License-Identifier: BSL-1.0
// The blocked Bloom filter: single operations and batches against libbloom and LevelDB as packaged,
// against std::unordered_set, and against the least that any filter of one line per key can take:
// reading (writing) one word of a random line for each key, hashes given.
//
// Counters: nanoseconds per key, the least of all rounds, everything in turns; `bound` is that
// least, `of_bound` the batch's time over it, and `vs_…` the peer's time over that of the batch.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#if QUOIN_WITH_BLOOM
#include <bloom.h>
#endif
#if QUOIN_WITH_LEVELDB
#include <leveldb/filter_policy.h>
#include <leveldb/slice.h>
#endif

namespace {

using words = std::vector<std::uint64_t>;

constexpr std::size_t most_for_std = 2'000'000;  // beyond that std::unordered_set takes minutes

words keys_from(std::uint64_t first, std::size_t n) {
  words keys(n);
  for (auto& key : keys) key = quoin::hash{1}(first++);
  return keys;
}

/// The least time per key of several calls.
class stopwatch {
 public:
  template <class F>
  void time(std::size_t n, F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    best_ = std::min(best_, taken.count() / static_cast<double>(n));
  }
  [[nodiscard]] double ns() const { return best_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
};

enum class operation { insert, try_insert, hit, miss };

/// One word of each key's line, the hashes given: nothing but the memory.
class bound {
 public:
  bound(std::size_t lines, const words& keys) : lines_(lines), hashes_(keys.size()) {
    quoin::hash{}.hash_many(keys, hashes_);
  }

  std::uint64_t touch(bool write) {
    std::uint64_t sum = 0;
    for (const std::uint64_t hash : hashes_) {
      std::uint64_t& word =
          lines_.data()[static_cast<std::size_t>(quoin::detail::mul_high(hash, lines_.size()))]
              .words[0];
      if (write) word |= hash;
      sum += word;
    }
    return sum;
  }

 private:
  quoin::detail::line_array<std::allocator<std::byte>> lines_;
  words hashes_;
};

#if QUOIN_WITH_BLOOM
void run_libbloom(benchmark::State& state, operation what, const words& keys, const words& probes,
                  double rate, double batch) {
  const bool writes = what == operation::insert || what == operation::try_insert;
  bloom other{};
  bloom_init(&other, static_cast<int>(keys.size()), rate);
  for (const auto& key : keys) bloom_add(&other, &key, sizeof key);
  stopwatch peer;
  peer.time(probes.size(), [&] {
    int sum = 0;
    for (const auto& key : probes) {
      sum += writes ? bloom_add(&other, &key, sizeof key) : bloom_check(&other, &key, sizeof key);
    }
    benchmark::DoNotOptimize(sum);
  });
  bloom_free(&other);
  state.counters["vs_libbloom"] = peer.ns() / batch;
}
#endif

#if QUOIN_WITH_LEVELDB
void run_leveldb(benchmark::State& state, operation what, const words& keys, const words& probes,
                 double bits_per_key, double batch) {
  const leveldb::FilterPolicy* const policy =
      leveldb::NewBloomFilterPolicy(static_cast<int>(bits_per_key));
  const auto slice = [](const std::uint64_t& key) {
    return leveldb::Slice(reinterpret_cast<const char*>(&key), sizeof key);
  };
  std::vector<leveldb::Slice> slices;
  for (const auto& key : keys) slices.push_back(slice(key));
  std::string other;
  stopwatch peer;
  if (what == operation::insert) {
    peer.time(keys.size(),
              [&] { policy->CreateFilter(slices.data(), static_cast<int>(keys.size()), &other); });
  } else {
    policy->CreateFilter(slices.data(), static_cast<int>(keys.size()), &other);
    peer.time(probes.size(), [&] {
      std::uint64_t hits = 0;
      for (const auto& key : probes) hits += policy->KeyMayMatch(slice(key), other);
      benchmark::DoNotOptimize(hits);
    });
  }
  delete policy;
  state.counters["vs_leveldb"] = peer.ns() / batch;
}
#endif

void run_std(benchmark::State& state, operation what, const words& keys, const words& probes,
             double batch) {
  std::unordered_set<std::uint64_t> other;
  other.reserve(keys.size());
  stopwatch peer;
  peer.time(keys.size(), [&] { other.insert(keys.begin(), keys.end()); });
  if (what == operation::hit || what == operation::miss) {
    peer = {};
    peer.time(probes.size(), [&] {
      std::uint64_t hits = 0;
      for (const auto& key : probes) hits += other.count(key);
      benchmark::DoNotOptimize(hits);
    });
  }
  state.counters["vs_unordered_set"] = peer.ns() / batch;
}

void run(benchmark::State& state, operation what) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto bits_per_key = static_cast<double>(state.range(1));
  const words keys = keys_from(0, n), probes = keys_from(what == operation::miss ? n : 0, n);
  quoin::blocked_bloom_filter filter({.capacity = n, .bits_per_key = bits_per_key});
  filter.insert_many(keys);
  bound memory(filter.size_bytes() / 64, probes);
  words mask(n / 64 + 1);
  const auto fresh = std::make_unique<bool[]>(n);
  const bool writes = what == operation::insert || what == operation::try_insert;
  stopwatch single, batch, least;
  for (auto _ : state) {
    if (what == operation::insert) {
      filter.clear();
      single.time(n, [&] {
        for (const auto key : keys) filter.insert(key);
      });
      filter.clear();
      batch.time(n, [&] { filter.insert_many(keys); });
    } else if (what == operation::try_insert) {
      filter.clear();
      single.time(n, [&] {
        std::uint64_t fresh = 0;
        for (const auto key : keys) fresh += filter.try_insert(key);
        benchmark::DoNotOptimize(fresh);
      });
      filter.clear();
      batch.time(n, [&] { filter.try_insert_many(keys, std::span(fresh.get(), n)); });
    } else {
      single.time(n, [&] {
        std::uint64_t hits = 0;
        for (const auto key : probes) hits += filter.contains(key);
        benchmark::DoNotOptimize(hits);
      });
      batch.time(n, [&] { filter.contains_many(probes, std::span(mask)); });
    }
    least.time(n, [&] { benchmark::DoNotOptimize(memory.touch(writes)); });
  }
  state.counters["single"] = single.ns();
  state.counters["batch"] = batch.ns();
  state.counters["bound"] = least.ns();
  state.counters["of_bound"] = batch.ns() / least.ns();
#if QUOIN_WITH_BLOOM
  run_libbloom(state, what, keys, probes, filter.expected_false_positive_rate(n), batch.ns());
#endif
#if QUOIN_WITH_LEVELDB
  if (what != operation::try_insert)
    run_leveldb(state, what, keys, probes, bits_per_key, batch.ns());
#endif
  if (n <= most_for_std) run_std(state, what, keys, probes, batch.ns());
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int n : {200'000, 1'000'000, 16'000'000}) {
    for (const int bits_per_key : {8, 10, 12, 16}) b->Args({n, bits_per_key});
  }
  b->ArgNames({"keys", "bits"})->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(run, insert, operation::insert)->Apply(sizes);
BENCHMARK_CAPTURE(run, try_insert, operation::try_insert)->Apply(sizes);
BENCHMARK_CAPTURE(run, hit, operation::hit)->Apply(sizes);
BENCHMARK_CAPTURE(run, miss, operation::miss)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
