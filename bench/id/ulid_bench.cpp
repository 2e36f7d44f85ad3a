// SPDX-License-Identifier: BSL-1.0
// What ULIDs cost, in nanoseconds: the least of all turns.
#include <quoin/id/ulid.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>

#include "bench_support.hpp"

namespace {

using id_bench::calls;
using id_bench::clock_type;
using id_bench::infinite;
using id_bench::time;
using quoin::ulid;

void ulids(benchmark::State& state) {
  quoin::ulid_generator ids;
  std::array<ulid, 256> values;
  std::array<std::string, 256> texts;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = ids.next();
    texts[i] = values[i].to_string();
  }
  char out[ulid::text_size] = {};
  double write = infinite, parse = infinite, clock = infinite, next = infinite, fresh = infinite;
  std::chrono::milliseconds later(0);
  const auto now = std::chrono::system_clock::now();
  for (auto _ : state) {
    time(write, [&](std::size_t i) {
      values[i % 256].write_to(out);
      benchmark::ClobberMemory();
      return out[0];
    });
    time(parse, [&](std::size_t i) { return *ulid::parse(texts[i % 256]); });
    time(clock, [](std::size_t) { return std::chrono::system_clock::now(); });
    time(next, [&](std::size_t) { return ids.next(); });
    quoin::ulid_generator other;
    time(fresh, [&](std::size_t) { return other.next_at(now + ++later); });
  }
  state.counters["write"] = write;
  state.counters["parse"] = parse;
  state.counters["clock"] = clock;
  state.counters["next"] = next;
  state.counters["next_at_of_another_millisecond"] = fresh;
}
BENCHMARK(ulids)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
