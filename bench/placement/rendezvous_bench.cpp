// SPDX-License-Identifier: BSL-1.0
// Owners beside the textbook's: a good hash of key and node together for each node, and with weights
// -w / ln u of it in doubles.
#include <quoin/placement/rendezvous.hpp>

#include "bench_support.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace quoin_bench;

struct textbook {
  std::vector<std::uint64_t> ids;
  std::vector<double> weights;

  std::uint64_t by_draw(std::uint64_t hash) const {
    std::uint64_t best = 0, owner = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::uint64_t draw = quoin::hash{ids[i]}(hash);
      if (draw > best) best = draw, owner = i;
    }
    return owner;
  }

  std::uint64_t by_weight(std::uint64_t hash) const {
    double best = 0;
    std::uint64_t owner = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::uint64_t draw = quoin::hash{ids[i]}(hash);
      const double u = (static_cast<double>(draw >> 11) + 0.5) * 0x1p-53;
      const double score = -weights[i] / std::log(u);
      if (score > best) best = score, owner = i;
    }
    return owner;
  }
};

/// `n` nodes, of weights 1 to `weights`.
quoin::rendezvous<> nodes(std::size_t n, std::uint32_t weights) {
  std::vector<quoin::weighted_node<std::string>> all;
  std::uint32_t i = 0;
  for (auto& name : node_names(n)) all.push_back({name, 1 + i++ % weights});
  return quoin::rendezvous<>(all);
}

textbook same(const quoin::rendezvous<>& all) {
  textbook other;
  for (const auto& node : all.nodes()) other.ids.push_back(quoin::hash{}(node));
  for (const auto weight : all.weights()) other.weights.push_back(weight);
  return other;
}

void owner(benchmark::State& state) {
  const auto hashes = random_hashes(2048);
  const auto all = nodes(static_cast<std::size_t>(state.range(0)), 1);
  const auto other = same(all);
  run_against(state, hashes.size(),
              for_each_hash(hashes, [&](std::uint64_t h) { return all.owner_index_of_hash(h); }),
              for_each_hash(hashes, [&](std::uint64_t h) { return other.by_draw(h); }));
}
BENCHMARK(owner)->Apply(node_counts);

void owner_by_weight(benchmark::State& state) {
  const auto hashes = random_hashes(2048);
  const auto all = nodes(static_cast<std::size_t>(state.range(0)), 5);
  const auto other = same(all);
  run_against(state, hashes.size(),
              for_each_hash(hashes, [&](std::uint64_t h) { return all.owner_index_of_hash(h); }),
              for_each_hash(hashes, [&](std::uint64_t h) { return other.by_weight(h); }));
}
BENCHMARK(owner_by_weight)->Apply(node_counts);

void owners_many(benchmark::State& state) {
  const auto hashes = random_hashes(2048);
  std::vector<std::uint32_t> out(hashes.size());
  const auto all = nodes(static_cast<std::size_t>(state.range(0)), 1);
  const auto other = same(all);
  run_against(
      state, hashes.size(), [&] { all.owners_of_hash_many(hashes, out); },
      for_each_hash(hashes, [&](std::uint64_t h) { return other.by_draw(h); }));
}
BENCHMARK(owners_many)->Apply(node_counts);

void three_replicas(benchmark::State& state) {
  const auto hashes = random_hashes(2048);
  const auto all = nodes(static_cast<std::size_t>(state.range(0)), 1);
  const auto other = same(all);
  run_against(state, hashes.size(),
              for_each_hash(hashes,
                            [&](std::uint64_t h) {
                              std::uint32_t out[3];
                              all.replicas_of_hash(h, out);
                              return std::uint64_t{out[2]};
                            }),
              for_each_hash(hashes, [&](std::uint64_t h) { return other.by_draw(h); }));
}
BENCHMARK(three_replicas)->Apply(node_counts);

}  // namespace

BENCHMARK_MAIN();
