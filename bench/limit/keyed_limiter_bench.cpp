// SPDX-License-Identifier: BSL-1.0
// Keyed limiters, the caller's time, 2^20 keys at random: single requests and batches against a
// mutex around std::unordered_map with a bucket of two doubles for each key, and against a dependent
// read of memory of the size of the table.
//
// Counters: nanoseconds per request, the least of all slices of all rounds, everything in turns.
// `single` and `batch` (answers as bool), `decisions` (batch with whole decisions), `map` the peer with
// the same hash, `dram` the dependent read; `vs_map` and `batch_vs_map` the peer's time over `single`
// and `batch`; `bytes_per_key`.
#include <quoin/limit/keyed_limiter.hpp>

#include <benchmark/benchmark.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t keys = std::size_t{1} << 20;
constexpr std::size_t requests = std::size_t{1} << 20;

/// The least time per request of a slice: short enough to lie between two interruptions.
class stopwatch {
 public:
  /// `f(first, count)` for all requests, slice by slice.
  template <class F>
  void time(F f) {
    constexpr std::size_t slice = std::size_t{1} << 14;
    for (std::size_t first = 0; first < requests; first += slice) {
      const auto start = clock_type::now();
      f(first, slice);
      const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
      best_ = std::min(best_, taken.count() / static_cast<double>(slice));
    }
  }
  [[nodiscard]] double ns() const { return best_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
};

/// What one would write first.
template <class Key>
class map_limiter {
 public:
  map_limiter() : buckets_(keys, hasher{quoin::secret_hash(1)}) {}

  bool try_acquire_at(double now, const Key& key) {
    const std::lock_guard guard(mutex_);
    bucket& b = buckets_.try_emplace(key, bucket{10, now}).first->second;
    b.tokens = std::min(10.0, b.tokens + (now - b.time));
    b.time = now;
    if (b.tokens < 1) return false;
    b.tokens -= 1;
    return true;
  }

 private:
  struct bucket {
    double tokens, time;
  };
  struct hasher {
    quoin::secret_hash hash;
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(hash(key)); }
  };

  std::mutex mutex_;
  std::unordered_map<Key, bucket, hasher> buckets_;
};

/// A walk through memory in which each step waits for the one before.
class chase {
 public:
  explicit chase(std::size_t bytes) : lines_(bytes / 64) {
    for (std::size_t i = 0; i < lines_.size(); ++i) lines_.data()[i].words[0] = i;
    for (std::size_t i = lines_.size() - 1; i != 0; --i) {  // Sattolo: one cycle
      std::swap(lines_.data()[i].words[0], lines_.data()[quoin::hash{}(i) % i].words[0]);
    }
  }
  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
      at_ = static_cast<std::size_t>(lines_.data()[at_].words[0]);
    }
    benchmark::DoNotOptimize(at_);
  }

 private:
  quoin::detail::line_array<std::allocator<std::byte>> lines_;
  std::size_t at_ = 0;
};

template <class Key>
std::vector<Key> random_keys() {
  std::vector<Key> all(requests);
  for (std::size_t i = 0; i < requests; ++i) {
    const std::uint64_t id = quoin::hash{7}(i) % keys;
    if constexpr (std::is_same_v<Key, std::string>) {
      all[i] = "user:" + std::to_string(id);
    } else {
      all[i] = id;
    }
  }
  return all;
}

template <class Limiter>
void run(benchmark::State& state) {
  using key_type = typename Limiter::key_type;
  Limiter limiter({.rate = quoin::per_second(1), .burst = 10, .capacity = keys, .seed = 1});
  map_limiter<key_type> map;
  chase memory(limiter.size_bytes());
  const auto all = random_keys<key_type>();
  const auto passed = std::make_unique<bool[]>(requests);
  std::vector<quoin::decision> decisions(requests);
  clock_type::time_point now = clock_type::now();
  stopwatch single, batch, whole, peer, least;
  for (const auto& key : all) {  // first come, then timed
    limiter.try_acquire_at(now, key);
    map.try_acquire_at(std::chrono::duration<double>(now.time_since_epoch()).count(), key);
  }
  for (auto _ : state) {
    now += 2s;  // so that buckets are in use, fill up, and are taken again
    single.time([&](std::size_t first, std::size_t count) {
      std::size_t sum = 0;
      for (std::size_t i = first; i < first + count; ++i) {
        sum += limiter.try_acquire_at(now, all[i]).allowed;
      }
      benchmark::DoNotOptimize(sum);
    });
    peer.time([&](std::size_t first, std::size_t count) {
      std::size_t sum = 0;
      const double time = std::chrono::duration<double>(now.time_since_epoch()).count();
      for (std::size_t i = first; i < first + count; ++i) sum += map.try_acquire_at(time, all[i]);
      benchmark::DoNotOptimize(sum);
    });
    now += 2s;
    batch.time([&](std::size_t first, std::size_t count) {
      limiter.try_acquire_many(std::span(all).subspan(first, count), now,
                               std::span(passed.get(), requests));
    });
    least.time([&](std::size_t, std::size_t count) { memory.run(count); });
    now += 2s;
    whole.time([&](std::size_t first, std::size_t count) {
      limiter.try_acquire_many(std::span(all).subspan(first, count), now, decisions);
    });
  }
  state.counters["single"] = single.ns();
  state.counters["batch"] = batch.ns();
  state.counters["decisions"] = whole.ns();
  state.counters["map"] = peer.ns();
  state.counters["dram"] = least.ns();
  state.counters["vs_map"] = peer.ns() / single.ns();
  state.counters["batch_vs_map"] = peer.ns() / batch.ns();
  state.counters["bytes_per_key"] =
      static_cast<double>(limiter.size_bytes()) / static_cast<double>(keys);
}

void rounds(benchmark::internal::Benchmark* b) { b->Iterations(4)->Unit(benchmark::kMillisecond); }

BENCHMARK_TEMPLATE(run, quoin::keyed_limiter<std::uint64_t>)->Apply(rounds);
BENCHMARK_TEMPLATE(run, quoin::compact_keyed_limiter<std::uint64_t>)->Apply(rounds);
BENCHMARK_TEMPLATE(run, quoin::keyed_limiter<std::string>)->Apply(rounds);
BENCHMARK_TEMPLATE(run, quoin::compact_keyed_limiter<std::string>)->Apply(rounds);

}  // namespace

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // Each table in memory of its own, as one that is made early in a program: what the table before
  // it has left in the heap is in small pages, and stays so (half the speed, for ten megabytes).
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
