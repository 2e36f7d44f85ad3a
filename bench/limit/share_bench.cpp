// SPDX-License-Identifier: BSL-1.0
// What a shared window takes beyond a sliding window of one process: for a request, with and without
// shares; and for a message, by the number of nodes that it names.
#include <quoin/limit/share.hpp>
#include <quoin/limit/sliding_window.hpp>

#include "window_bench.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = quoin::manual_clock;
using node = quoin::shared_window<clock_type>;

const clock_type none;
constexpr std::uint64_t most = std::uint64_t{1} << 40;

/// Windows of 1 s, so that requests 100 ns apart begin a new one now and then.
void request(benchmark::State& state, std::uint64_t limit, std::chrono::nanoseconds interval) {
  node shared({.rate = quoin::per_second(limit), .share_interval = interval}, none);
  quoin::sliding_window alone({.rate = quoin::per_second(limit)}, none);
  quoin_bench::compare(state, shared, [&alone, base = std::int64_t{0}](std::int64_t) mutable {
    const clock_type::time_point now(std::chrono::nanoseconds(base += 100));
    return alone.try_acquire_at(now).allowed ? 1u : 0u;
  });
}
BENCHMARK_CAPTURE(request, allow, most, 0ns);
BENCHMARK_CAPTURE(request, allow_share, most, 100ms);
BENCHMARK_CAPTURE(request, deny, 1, 0ns);
BENCHMARK_CAPTURE(request, deny_share, 1, 100ms);

/// Nanoseconds to write a message and to merge it, for each of the nodes that it names.
void message(benchmark::State& state) {
  const auto nodes = static_cast<std::uint64_t>(state.range(0));
  const clock_type::time_point now(10s);
  node from({.rate = quoin::per_second(most), .max_nodes = nodes + 2}, none);
  const node to({.rate = quoin::per_second(most), .node = 1, .max_nodes = nodes + 2}, none);
  for (std::uint64_t id = 1; id < nodes; ++id) {
    node other({.rate = quoin::per_second(most), .node = id * 0x9e3779b97f4a7c15u}, none);
    other.try_acquire_at(now);
    from.merge_at(now, other);
  }
  double written = 1e18, merged = 1e18, known = 1e18;
  for (auto _ : state) {
    std::vector<std::byte> bytes;
    const auto write = [&](std::int64_t) {
      bytes = from.to_bytes();
      return bytes.size();
    };
    written = std::min(written, quoin_bench::nanoseconds_each(1, write));
    node fresh = to;
    const auto merge = [&](std::int64_t) { return fresh.merge_bytes_at(now, bytes).value(); };
    merged = std::min(merged, quoin_bench::nanoseconds_each(1, merge));
    known = std::min(known, quoin_bench::nanoseconds_each(1, merge));
  }
  const auto each = static_cast<double>(nodes);
  state.counters["write_ns_each"] = written / each;
  state.counters["merge_ns_each"] = merged / each;
  state.counters["again_ns_each"] = known / each;
}
BENCHMARK(message)->Arg(10)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
