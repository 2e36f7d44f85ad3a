// SPDX-License-Identifier: BSL-1.0
// What a plan costs: of one node that joins a ring of 100 nodes with 160 tokens each, in three
// zones, for owners alone and for three replicas; beside a copy of all tokens, the least that any
// comparison must read. And replicas of a key, remembered and not, beside the owner alone.
#include <quoin/placement/ring_changes.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

quoin::hash_ring<std::string> ring_of(std::int64_t nodes, std::uint32_t cached = 3) {
  quoin::hash_ring<std::string> ring({.virtual_nodes = 160, .cached_replicas = cached});
  std::vector<quoin::ring_member<std::string>> members;
  for (std::int64_t i = 0; i < nodes; ++i) {
    members.push_back({"node-" + std::to_string(i),
                       {.zone = "z" + std::to_string(i % 3), .rack = std::to_string(i / 3 % 4)}});
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

/// Runs `lookup(hash)` on hashes that repeat, so that all sets were asked for before.
template <class Lookup>
void look_up(benchmark::State& state, Lookup lookup) {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 1 << 14; ++i) hashes.push_back(quoin::hash{}(i));
  for (const std::uint64_t hash : hashes) benchmark::DoNotOptimize(lookup(hash));
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(lookup(hashes[i++ % hashes.size()]));
}

void owner(benchmark::State& state) {
  const auto ring = ring_of(state.range(0));
  look_up(state, [&](std::uint64_t hash) { return ring.owner_index_of_hash(hash); });
}
BENCHMARK(owner)->Arg(10)->Arg(100)->Arg(1000);

void three_replicas(benchmark::State& state) {
  const auto ring = ring_of(state.range(0));
  look_up(state, [&](std::uint64_t hash) { return ring.replicas_of_hash(hash, 3).indices()[2]; });
}
BENCHMARK(three_replicas)->Arg(10)->Arg(100)->Arg(1000);

void three_replicas_by_walking(benchmark::State& state) {
  const auto ring = ring_of(state.range(0), 0);
  look_up(state, [&](std::uint64_t hash) { return ring.replicas_of_hash(hash, 3).indices()[2]; });
}
BENCHMARK(three_replicas_by_walking)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
