// SPDX-License-Identifier: BSL-1.0
// What an id costs. At 41/10/12 that is what the layout permits, 4096 a millisecond, for everybody:
// `of_limit` says how much of it was reached, `cpu_of_limit` how busy the processor was meanwhile.
// Elsewhere each counter is the least of all turns in nanoseconds; those whose names end in `_vs_…` are
// ratios of such. "mutex" is a generator with two integers in a lock.
#include <quoin/id/snowflake.hpp>

#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;
using quoin::twitter_layout;
/// Not bound by its limit: a million ids a millisecond.
using wide =
    quoin::snowflake_layout<std::chrono::milliseconds, 1735689600000, quoin::time_field<41>,
                            quoin::worker_field<2>, quoin::sequence_field<20>>;

constexpr double infinite = std::numeric_limits<double>::infinity();

/// The system's clock, which is read for each id as any other is.
struct clock_of_each : std::chrono::system_clock {
  using time_point = std::chrono::system_clock::time_point;
  static time_point now() { return std::chrono::system_clock::now(); }
};

/// The counter that says whether the system's clock was read just now; where there is none, that clock.
template <class Ticks>
std::uint64_t counter_now() {
  if constexpr (requires { Ticks::now(); }) {
    return Ticks::now();
  } else {
    return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  }
}

/// The usual way: waits by reading the clock again and again while it holds the lock.
template <class Layout>
class mutex_generator {
 public:
  std::uint64_t next() {
    const std::lock_guard lock(mutex_);
    std::int64_t now = tick();
    if (now <= time_) {
      sequence_ = (sequence_ + 1) & ((std::uint64_t{1} << Layout::sequence_bits) - 1);
      if (sequence_ == 0) {
        while (now <= time_) now = tick();
      } else {
        now = time_;
      }
    } else {
      sequence_ = 0;
    }
    time_ = now;
    return static_cast<std::uint64_t>(time_) << (64 - Layout::time_bits - 1) | sequence_;
  }

 private:
  static std::int64_t tick() {
    return Layout::tick_of(std::chrono::system_clock::now().time_since_epoch());
  }

  std::mutex mutex_;
  std::int64_t time_ = 0;
  std::uint64_t sequence_ = 0;
};

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// How much of 4.096 million ids a second `threads` threads make together, and on how much of a
/// processor.
template <class Generator>
void at_the_limit(benchmark::State& state, Generator& ids) {
  const auto threads = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t all = 4'096'000;
  double most = 0, busy = 0;
  for (auto _ : state) {
    std::vector<std::thread> running;
    const double cpu = cpu_seconds();
    const auto start = steady::now();
    for (std::size_t t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (std::size_t i = 0; i < all / threads; ++i) benchmark::DoNotOptimize(ids.next());
      });
    }
    for (auto& thread : running) thread.join();
    const double taken = std::chrono::duration<double>(steady::now() - start).count();
    if (1 / taken > most) {
      most = 1 / taken;
      busy = (cpu_seconds() - cpu) / taken;
    }
  }
  state.counters["of_limit"] = most;
  state.counters["cpu_of_limit"] = busy;
}

void twitter(benchmark::State& state) {
  quoin::snowflake_generator<twitter_layout> ids({});
  at_the_limit(state, ids);
}
BENCHMARK(twitter)->Arg(1)->Arg(2)->Arg(8)->Iterations(2)->UseRealTime()->Unit(
    benchmark::kMillisecond);

void twitter_mutex(benchmark::State& state) {
  mutex_generator<twitter_layout> ids;
  at_the_limit(state, ids);
}
BENCHMARK(twitter_mutex)
    ->Arg(1)
    ->Arg(2)
    ->Arg(8)
    ->Iterations(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

constexpr std::size_t calls = 100'000;

/// Keeps in `best` the least nanoseconds for each of `calls` ids that `f()` makes, `each` at a time.
template <class F>
void time_of(double& best, std::size_t each, F f) {
  std::uint64_t sum = 0;
  const auto start = steady::now();
  for (std::size_t i = 0; i < calls; i += each) sum += static_cast<std::uint64_t>(f());
  benchmark::DoNotOptimize(sum);
  const std::chrono::duration<double, std::nano> taken = steady::now() - start;
  best = std::min(best, taken.count() / static_cast<double>(calls));
}

void one_thread(benchmark::State& state) {
  using ticks = quoin::detail::ticks_for<std::chrono::system_clock>;
  double system = infinite, coarse = infinite, cas = infinite, system_cas = infinite,
         coarse_cas = infinite, counter = infinite, counter_cas = infinite;
  double next = infinite, next_reading = infinite, next_coarse = infinite, sequence = infinite,
         sequence_coarse = infinite, reserve = infinite, reserve_coarse = infinite,
         mutex = infinite;
  quoin::snowflake_generator<wide> ids({});
  quoin::snowflake_generator<wide, clock_of_each> reading({});
  quoin::snowflake_generator<wide, quoin::coarse_system_clock> cheap({});
  quoin::snowflake_sequence<wide> mine({});
  quoin::snowflake_sequence<wide, quoin::coarse_system_clock> plain({});
  mutex_generator<wide> locked;
  alignas(64) std::atomic<std::uint64_t> word{0};
  const auto add = [&](std::uint64_t x) {
    std::uint64_t old = word.load(std::memory_order_relaxed);
    while (!word.compare_exchange_weak(old, old + x, std::memory_order_relaxed)) {
    }
    return old;
  };
  const auto system_now = [] {
    return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  };
  const auto coarse_now = [] {
    return static_cast<std::uint64_t>(quoin::coarse_system_clock::now().time_since_epoch().count());
  };
  for (auto _ : state) {
    time_of(system, 1, system_now);
    time_of(coarse, 1, coarse_now);
    time_of(counter, 1, counter_now<ticks>);
    time_of(cas, 1, [&] { return add(1); });
    time_of(counter_cas, 1, [&] { return add(counter_now<ticks>()); });
    time_of(system_cas, 1, [&] { return add(system_now()); });
    time_of(coarse_cas, 1, [&] { return add(coarse_now()); });
    time_of(next, 1, [&] { return ids.next(); });
    time_of(next_reading, 1, [&] { return reading.next(); });
    time_of(next_coarse, 1, [&] { return cheap.next(); });
    time_of(sequence, 1, [&] { return mine.next(); });
    time_of(sequence_coarse, 1, [&] { return plain.next(); });
    time_of(reserve, 64, [&] {
      std::uint64_t sum = 0;
      for (const std::uint64_t id : ids.reserve(64)) sum += id;
      return sum;
    });
    time_of(reserve_coarse, 64, [&] {
      std::uint64_t sum = 0;
      for (const std::uint64_t id : cheap.reserve(64)) sum += id;
      return sum;
    });
    time_of(mutex, 1, [&] { return locked.next(); });
  }
  state.counters["clock"] = system;
  state.counters["coarse_clock"] = coarse;
  state.counters["cas"] = cas;
  state.counters["next"] = next;
  state.counters["counter"] = counter;
  state.counters["counter_and_cas"] = counter_cas;
  state.counters["next_vs_counter_and_cas"] = next / counter_cas;
  state.counters["next_of_other_clocks"] = next_reading;
  state.counters["next_of_other_clocks_vs_clock_and_cas"] = next_reading / system_cas;
  state.counters["next_coarse"] = next_coarse;
  state.counters["next_coarse_vs_clock_and_cas"] = next_coarse / coarse_cas;
  state.counters["sequence"] = sequence;
  state.counters["sequence_coarse"] = sequence_coarse;
  state.counters["reserve_64"] = reserve;
  state.counters["reserve_64_coarse"] = reserve_coarse;
  state.counters["mutex"] = mutex;
  state.counters["mutex_vs_next"] = mutex / next;
}
BENCHMARK(one_thread)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
