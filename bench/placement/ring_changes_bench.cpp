// SPDX-License-Identifier: BSL-1.0
// What a plan costs: of one node that joins a ring of 100 nodes with 160 tokens each, in three
// zones, for owners alone and for three replicas; beside a copy of all tokens, the least that any
// comparison must read.
#include <quoin/placement/ring_changes.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

quoin::hash_ring<std::string> ring_of(int nodes) {
  quoin::hash_ring<std::string> ring({.virtual_nodes = 160});
  std::vector<quoin::ring_member<std::string>> members;
  for (int i = 0; i < nodes; ++i) {
    members.push_back({"node-" + std::to_string(i),
                       {.zone = std::to_string(i % 3), .rack = std::to_string(i / 3 % 4)}});
  }
  ring.add_many(members);
  return ring;
}

struct change {
  quoin::hash_ring<std::string> before = ring_of(100);
  quoin::hash_ring<std::string> after = before;
  change() { after.add("new", {.zone = "z1"}); }
};

void copy_of_tokens(benchmark::State& state) {
  const change c;
  for (auto _ : state) {
    std::vector<std::uint64_t> tokens(c.before.tokens().begin(), c.before.tokens().end());
    benchmark::DoNotOptimize(tokens.data());
  }
}
BENCHMARK(copy_of_tokens);

void moved_ranges(benchmark::State& state) {
  const change c;
  for (auto _ : state) benchmark::DoNotOptimize(quoin::moved_ranges(c.before, c.after));
}
BENCHMARK(moved_ranges);

void moved_ranges_of_three_replicas(benchmark::State& state) {
  const change c;
  for (auto _ : state) benchmark::DoNotOptimize(quoin::moved_ranges(c.before, c.after, 3));
}
BENCHMARK(moved_ranges_of_three_replicas);

}  // namespace

BENCHMARK_MAIN();
