// SPDX-License-Identifier: BSL-1.0
// What a decision costs, and what the processor asks for its parts. Each counter is the least of all
// turns in nanoseconds; those whose names end in `_vs_…` are ratios of such. "A double in a CAS loop"
// is a bucket that keeps the time of its emptiness as a double, "mutex" one of two doubles in a lock.
#include <quoin/limit/token_bucket.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

#include "bucket_bench.hpp"

namespace {

using quoin_bench::at, quoin_bench::calls, quoin_bench::clock_type, quoin_bench::infinite,
    quoin_bench::time;
using seconds = std::chrono::duration<double>;

double as_seconds(clock_type::time_point time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

class double_in_a_cas_loop {
 public:
  double_in_a_cas_loop(double rate, double burst) : rate_(rate), burst_(burst) {}

  bool try_acquire_at(clock_type::time_point now, double cost = 1) {
    const double time = as_seconds(now);
    double empty_since = empty_since_.load(std::memory_order_relaxed);
    for (;;) {
      const double tokens = std::min((time - empty_since) * rate_, burst_);
      if (tokens < cost) return false;
      if (empty_since_.compare_exchange_weak(empty_since, time - (tokens - cost) / rate_,
                                             std::memory_order_relaxed)) {
        return true;
      }
    }
  }

 private:
  double rate_, burst_;
  alignas(64) std::atomic<double> empty_since_{0};
};

class doubles_and_a_mutex {
 public:
  doubles_and_a_mutex(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  bool try_acquire_at(clock_type::time_point now, double cost = 1) {
    const std::lock_guard lock(mutex_);
    const double time = as_seconds(now);
    tokens_ = std::min(burst_, tokens_ + (time - time_) * rate_);
    time_ = time;
    if (tokens_ < cost) return false;
    tokens_ -= cost;
    return true;
  }

 private:
  std::mutex mutex_;
  double rate_, burst_, tokens_, time_ = 0;
};

const quoin::token_bucket_options often{.rate = quoin::per_second(400'000'000), .burst = 1000};
const quoin::token_bucket_options seldom{.rate = quoin::per_hour(1), .burst = 1};

void value(benchmark::State& state) {
  double allow = infinite, remaining = infinite, refuse = infinite;
  for (auto _ : state) {
    quoin::token_bucket b(often);
    quoin::token_bucket empty(seldom);
    benchmark::DoNotOptimize(&b);
    benchmark::DoNotOptimize(&empty);
    time(allow, [&](std::size_t i) { return b.try_acquire_at(at(i)).allowed; });
    time(remaining, [&](std::size_t i) { return b.try_acquire_at(at(calls + i)).remaining; });
    empty.try_acquire_at(at(0));
    time(refuse, [&](std::size_t i) { return empty.try_acquire_at(at(i)).allowed; });
  }
  state.counters["allow"] = allow;
  state.counters["allow_and_remaining"] = remaining;
  state.counters["refuse"] = refuse;
}
BENCHMARK(value)->Unit(benchmark::kMillisecond);

void atomic(benchmark::State& state) {
  double cas = infinite, clock = infinite, clock_and_cas = infinite;
  double allow = infinite, refuse = infinite, now = infinite;
  double cas_loop = infinite, cas_loop_refuse = infinite, mutex = infinite;
  for (auto _ : state) {
    alignas(64) std::atomic<std::uint64_t> word{0};
    const auto add = [&](std::uint64_t x) {
      std::uint64_t old = word.load(std::memory_order_relaxed);
      while (!word.compare_exchange_weak(old, old + x, std::memory_order_relaxed)) {
      }
      return old;
    };
    quoin::atomic_token_bucket b(often), own(often), empty(seldom);
    double_in_a_cas_loop d(4e8, 1000), d_empty(1.0 / 3600, 1);
    doubles_and_a_mutex m(4e8, 1000);
    empty.try_acquire_at(at(0));
    d_empty.try_acquire_at(at(0));
    time(cas, add);
    time(allow, [&](std::size_t i) { return b.try_acquire_at(at(i)).allowed; });
    time(refuse, [&](std::size_t i) { return empty.try_acquire_at(at(i)).allowed; });
    time(cas_loop, [&](std::size_t i) { return d.try_acquire_at(at(i)); });
    time(cas_loop_refuse, [&](std::size_t i) { return d_empty.try_acquire_at(at(i)); });
    time(mutex, [&](std::size_t i) { return m.try_acquire_at(at(i)); });
    time(clock, [&](std::size_t) { return clock_type::now().time_since_epoch().count(); });
    time(clock_and_cas, [&](std::size_t) {
      return add(static_cast<std::uint64_t>(clock_type::now().time_since_epoch().count()));
    });
    time(now, [&](std::size_t) { return own.try_acquire().allowed; });
  }
  state.counters["cas"] = cas;
  state.counters["allow"] = allow;
  state.counters["allow_vs_cas"] = allow / cas;
  state.counters["refuse"] = refuse;
  state.counters["double_in_a_cas_loop"] = cas_loop;
  state.counters["double_in_a_cas_loop_refuse"] = cas_loop_refuse;
  state.counters["mutex"] = mutex;
  state.counters["clock"] = clock;
  state.counters["clock_and_cas"] = clock_and_cas;
  state.counters["own_clock"] = now;
  state.counters["own_clock_vs_clock_and_cas"] = now / clock_and_cas;
}
BENCHMARK(atomic)->Unit(benchmark::kMillisecond);

/// Two threads on one bucket that has enough for both: nanoseconds of each for a call.
template <class Bucket>
double both(Bucket& b) {
  std::atomic<int> waiting{2};
  const auto work = [&] {
    --waiting;
    while (waiting.load() != 0) {
    }
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < calls; ++i) {
      sum += static_cast<std::uint64_t>(static_cast<bool>(b.try_acquire_at(at(0))));
    }
    benchmark::DoNotOptimize(sum);
  };
  std::thread other(work);
  const auto start = clock_type::now();
  work();
  other.join();
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  return taken.count() / static_cast<double>(calls);
}

void two_threads(benchmark::State& state) {
  double ours = infinite, cas_loop = infinite, mutex = infinite;
  for (auto _ : state) {
    quoin::atomic_token_bucket b({.rate = quoin::per_second(1000), .burst = 4 * calls});
    double_in_a_cas_loop d(1000, 4 * calls);
    doubles_and_a_mutex m(1000, 4 * calls);
    ours = std::min(ours, both(b));
    cas_loop = std::min(cas_loop, both(d));
    mutex = std::min(mutex, both(m));
  }
  state.counters["atomic"] = ours;
  state.counters["double_in_a_cas_loop"] = cas_loop;
  state.counters["mutex"] = mutex;
}
BENCHMARK(two_threads)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
