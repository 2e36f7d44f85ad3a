// SPDX-License-Identifier: BSL-1.0
// Lookups beside the textbook's (a table of node numbers of one word each, entry `hash % size`) and
// building beside its listing.
#include <quoin/placement/maglev_table.hpp>

#include "bench_support.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace quoin_bench;

std::vector<quoin::weighted_node<std::string>> nodes(std::size_t n) {
  std::vector<quoin::weighted_node<std::string>> all;
  for (auto& name : node_names(n)) all.push_back({name, 1});
  return all;
}

/// As Envoy keeps it, with an index for its pointer.
struct textbook {
  std::vector<std::uint64_t> table;
  std::uint64_t size;
  explicit textbook(const quoin::maglev_table<>& t) : size(t.table_size()) {
    for (std::uint32_t i = 0; i < size; ++i) table.push_back(t.entry(i));
  }
  std::uint64_t operator()(std::uint64_t hash) const { return table[hash % size]; }
};

void lookup(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  const quoin::maglev_table<> table(nodes(static_cast<std::size_t>(state.range(0))));
  const textbook other(table);
  run_against(state, hashes.size(),
              for_each_hash(hashes, [&](std::uint64_t h) { return table.owner_index_of_hash(h); }),
              for_each_hash(hashes, [&](std::uint64_t h) { return other(h); }));
}
BENCHMARK(lookup)->Apply(node_counts);

void lookup_in_a_chain(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  const quoin::maglev_table<> table(nodes(static_cast<std::size_t>(state.range(0))));
  const textbook other(table);
  run_against(state, hashes.size(),
              in_a_chain(hashes,
                         [&](std::uint64_t h) {
                           return std::uint64_t{table.owner_index_of_hash(h)} << 40;
                         }),
              in_a_chain(hashes, [&](std::uint64_t h) { return other(h) << 40; }));
}
BENCHMARK(lookup_in_a_chain)->Apply(node_counts);

void lookup_many(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  std::vector<std::uint32_t> out(hashes.size());
  const quoin::maglev_table<> table(nodes(static_cast<std::size_t>(state.range(0))));
  const textbook other(table);
  run_against(
      state, hashes.size(), [&] { table.owners_of_hash_many(hashes, out); },
      for_each_hash(hashes, [&](std::uint64_t h) { return other(h); }));
}
BENCHMARK(lookup_many)->Apply(node_counts);

/// Listing 1 of the paper.
std::size_t textbook_build(const std::vector<quoin::weighted_node<std::string>>& all,
                           std::uint64_t size) {
  std::vector<std::uint64_t> offset, skip, next(all.size()), table(size, UINT64_MAX);
  for (const auto& n : all) {
    offset.push_back(quoin::xxh64(n.node) % size);
    skip.push_back(quoin::xxh64(n.node, 1) % (size - 1) + 1);
  }
  for (std::uint64_t filled = 0;;) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::uint64_t c;
      do c = (offset[i] + next[i]++ * skip[i]) % size;
      while (table[c] != UINT64_MAX);
      table[c] = i;
      if (++filled == size) return table[0];
    }
  }
}

void build(benchmark::State& state) {
  const auto all = nodes(static_cast<std::size_t>(state.range(0)));
  const auto size = static_cast<std::uint32_t>(state.range(1));
  run_against(
      state, 1,
      [&] {
        benchmark::DoNotOptimize(quoin::maglev_table<>(all, {.table_size = size}).size_bytes());
      },
      [&] { benchmark::DoNotOptimize(textbook_build(all, size)); });
}
BENCHMARK(build)->ArgsProduct({{10, 100, 1000}, {65537, 655373}});

}  // namespace

BENCHMARK_MAIN();
