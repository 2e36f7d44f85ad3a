// SPDX-License-Identifier: BSL-1.0
// What a lease costs: an id of a generator whose number is leased beside one without a guard, taken
// in turns, each the least in nanoseconds; a renewal; and finding the one number of 1024 that is
// free, in a table in memory: what is left is the search's own, which a store's answers are added
// to.
#include <quoin/id/worker_lease.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bench_support.hpp"

namespace {

using quoin::worker_record;
using namespace std::chrono_literals;

struct table {
  std::array<worker_record, 1024>* rows;

  [[nodiscard]] std::optional<worker_record> read(std::uint64_t worker) const {
    return (*rows)[static_cast<std::size_t>(worker)];
  }
  [[nodiscard]] std::optional<bool> compare_and_set(std::uint64_t worker, const worker_record& from,
                                                    const worker_record& to) const {
    if ((*rows)[static_cast<std::size_t>(worker)] != from) return false;
    (*rows)[static_cast<std::size_t>(worker)] = to;
    return true;
  }
};

/// Not bound by its limit: a million ids a millisecond.
using wide =
    quoin::snowflake_layout<std::chrono::milliseconds, 1735689600000, quoin::time_field<41>,
                            quoin::worker_field<2>, quoin::sequence_field<20>>;

void id(benchmark::State& state) {
  std::array<worker_record, 1024> rows{};
  quoin::worker_lease lease({.workers = 4}, table{&rows});
  if (!lease.acquire()) return state.SkipWithError("no number");
  quoin::snowflake_generator<wide> plain({});
  auto leased = quoin::leased_snowflake<wide>(lease);
  double without = id_bench::infinite, with = id_bench::infinite;
  for (auto _ : state) {
    id_bench::time(without, [&](std::size_t) { return plain.next(); });
    id_bench::time(with, [&](std::size_t) { return leased.next(); });
    if (!lease.renew()) return state.SkipWithError("not renewed");
  }
  state.counters["plain_ns"] = without;
  state.counters["leased_ns"] = with;
  state.counters["leased_vs_plain"] = with / without;
}
BENCHMARK(id)->Iterations(100)->Unit(benchmark::kMillisecond);

void renew(benchmark::State& state) {
  std::array<worker_record, 1024> rows{};
  quoin::manual_clock clock;
  quoin::worker_lease<table, quoin::manual_clock> lease({.workers = 4}, table{&rows}, clock);
  if (!lease.acquire()) return state.SkipWithError("no number");
  for (auto _ : state) {
    clock.advance(1ms);
    benchmark::DoNotOptimize(lease.renew());
  }
}
BENCHMARK(renew);

/// Each time for another holder, whose search begins elsewhere and goes another way.
void acquire_the_free_one_of_1024(benchmark::State& state) {
  std::array<worker_record, 1024> rows{};
  const quoin::manual_clock clock;
  for (auto& row : rows) row = {1, 1, 1, worker_record::time_point(1h), true};
  std::uint64_t holder = 0;
  for (auto _ : state) {
    rows[static_cast<std::size_t>(holder * 389 % 1024)] = {};
    quoin::worker_lease<table, quoin::manual_clock> lease(
        {.holder = holder++, .workers = 1024, .incarnation = 1}, table{&rows}, clock);
    benchmark::DoNotOptimize(lease.acquire());
    rows[static_cast<std::size_t>(lease.worker())] = {1, 1, 1, worker_record::time_point(1h), true};
  }
}
BENCHMARK(acquire_the_free_one_of_1024);

}  // namespace

BENCHMARK_MAIN();
