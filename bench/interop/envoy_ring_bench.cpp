// SPDX-License-Identifier: BSL-1.0
// Lookup by key on a ring of 65,536 points, one by one and in a batch.
#include <quoin/interop/envoy_ring.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

quoin::envoy_ring ring_of(benchmark::State& state) {
  std::vector<quoin::weighted_server> servers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    servers.push_back({"10.0.1." + std::to_string(i) + ":80"});
  }
  return quoin::envoy_ring(servers, {.minimum_ring_size = 65536});
}

std::vector<std::string> paths() {
  std::vector<std::string> keys;
  for (int i = 0; i < 1024; ++i) keys.push_back("/item/" + std::to_string(10'000'000 + i * 7919));
  return keys;
}

void owner(benchmark::State& state) {
  const auto ring = ring_of(state);
  const auto keys = paths();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ring.owner_index(keys[++i % 1024]));
}
BENCHMARK(owner)->Arg(10)->Arg(100)->Arg(1000);

void owners_many(benchmark::State& state) {
  const auto ring = ring_of(state);
  const auto keys = paths();
  std::vector<std::uint32_t> out(keys.size());
  for (auto _ : state) {
    ring.owners_many(keys, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 1024);
}
BENCHMARK(owners_many)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
