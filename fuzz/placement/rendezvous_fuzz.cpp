// SPDX-License-Identifier: BSL-1.0
// A set of nodes under changes: replicas are the owners once the first are gone, a change moves no
// key between nodes that stay, batches are as single lookups.
#include <quoin/placement/rendezvous.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::rendezvous<std::uint8_t> all;
  std::map<std::uint8_t, std::uint32_t> model;
  std::vector<std::uint64_t> hashes;
  for (int i = 0; i < 6; ++i) hashes.push_back(in.take<std::uint64_t>());
  for (int steps = 0; !in.empty() && steps < 48; ++steps) {
    const bool removes = in.take<bool>();
    const auto node = in.take<std::uint8_t>();
    const auto weight = in.take_in<std::uint32_t>(1, 1u << 26);
    const auto before = all;
    const bool was_there = all.contains(node);
    const std::uint32_t old = was_there ? before.weights()[before.index_of(node)] : 0;
    if (was_there && removes) {
      all.remove(node);
      model.erase(node);
    } else {
      was_there ? all.set_weight(node, weight) : all.add(node, weight);
      model[node] = weight;
    }
    const std::uint32_t now = was_there && removes ? 0 : weight;
    for (const std::uint64_t hash : hashes) {
      if (before.empty() || all.empty()) continue;
      const std::uint8_t from = before.owner_of_hash(hash), to = all.owner_of_hash(hash);
      QUOIN_FUZZ_CHECK(from == to || (now > old ? to : from) == node);
    }
  }
  QUOIN_FUZZ_CHECK(all.size() == model.size());
  if (all.empty()) return 0;
  std::vector<std::uint32_t> owners(hashes.size());
  all.owners_of_hash_many(hashes, owners);
  std::vector<quoin::weighted_node<std::uint8_t>> nodes;
  for (const auto& [node, weight] : model) nodes.push_back({node, weight});
  QUOIN_FUZZ_CHECK(all == quoin::rendezvous<std::uint8_t>(nodes));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    QUOIN_FUZZ_CHECK(owners[i] == all.owner_index_of_hash(hashes[i]));
    std::uint32_t three[3];
    const std::size_t found = all.replicas_of_hash(hashes[i], three);
    auto left = all;
    for (std::size_t k = 0; k < found; ++k) {
      QUOIN_FUZZ_CHECK(all.nodes()[three[k]] == left.owner_of_hash(hashes[i]));
      left.remove(all.nodes()[three[k]]);
    }
    QUOIN_FUZZ_CHECK(found == 3 || left.empty());
  }
  return 0;
}
