// SPDX-License-Identifier: BSL-1.0
// Random histories of a ring against the list of all tokens.
#include <quoin/placement/hash_ring.hpp>

#include "placement/ring_model.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::string>;
using quoin_test::ring_model;

struct history {
  ring real;
  ring_model model;
  history(std::uint32_t virtual_nodes, std::uint32_t probes)
      : real({.virtual_nodes = virtual_nodes, .probes = probes}), model(virtual_nodes, probes) {}
};

std::string name_of(std::uint64_t draw) { return "n" + std::to_string(draw % 12); }

/// One change, drawn from the bits of `draw`; the owners of `hashes` before and after.
void change(history& h, std::uint64_t draw) {
  const std::string node = name_of(draw >> 8), other = name_of(draw >> 16);
  const double weight = static_cast<double>(1 + (draw >> 24) % 24) / 8;
  const std::string zone(static_cast<std::size_t>((draw >> 32) % 3), 'z');
  const std::string rack(static_cast<std::size_t>((draw >> 40) % 3), 'r');
  const bool is_there = h.model.nodes().contains(node);
  if (!is_there) {
    h.real.add(node, {.weight = weight, .zone = zone, .rack = rack});
    h.model.add(node, weight, zone, rack);
  } else if (draw % 3 == 0) {
    h.real.remove(node);
    h.model.remove(node);
  } else if (draw % 3 == 1 && !h.model.nodes().contains(other)) {
    h.real.replace(node, other);
    h.model.replace(node, other);
  } else {
    h.real.set_weight(node, weight);
    h.model.set_weight(node, weight);
  }
}

RC_GTEST_PROP(HashRingProperties, IsTheModelAfterAnyHistory, ()) {
  history h(*rc::gen::inRange<std::uint32_t>(1, 12), *rc::gen::inRange<std::uint32_t>(1, 4));
  for (const auto draw : *rc::gen::arbitrary<std::vector<std::uint64_t>>()) {
    const ring before = h.real;
    change(h, quoin::hash{}(draw));
    RC_ASSERT(h.real.epoch() == before.epoch() + 1);
    RC_ASSERT(h.real.token_count() == h.model.tokens().size());
    for (std::uint64_t key = 0; key < 10 && !h.real.empty(); ++key) {
      const std::uint64_t hash = quoin::hash{draw}(key);
      RC_ASSERT(h.real.owner_of_hash(hash) == h.model.owner_of_hash(hash));
    }
  }
  for (std::size_t i = 0; i < h.real.token_count(); ++i) {
    RC_ASSERT(h.real.tokens()[i] == h.model.tokens()[i].first);
    RC_ASSERT(h.real.nodes()[h.real.token_owners()[i]] == h.model.tokens()[i].second);
  }
  for (const auto& [node, entry] : h.model.nodes()) {
    RC_ASSERT(h.real.zone_of(node) == entry.zone && h.real.rack_of(node) == entry.rack);
    RC_ASSERT(h.real.virtual_nodes_of(node) == h.model.points_of(node));
  }
  RC_ASSERT(*ring::from_bytes(h.real.to_bytes()) == h.real);
}

/// The law of consistent hashing: a key that moves goes to a node that came or grew, or leaves one
/// that went or shrank.
RC_GTEST_PROP(HashRingProperties, MovesNoKeyBetweenNodesThatStayAsTheyAre, ()) {
  history h(*rc::gen::inRange<std::uint32_t>(1, 12), *rc::gen::inRange<std::uint32_t>(1, 4));
  for (const auto draw : *rc::gen::arbitrary<std::vector<std::uint64_t>>()) {
    const ring before = h.real;
    change(h, quoin::hash{}(draw));
    if (before.empty() || h.real.empty()) continue;
    const auto stays = [&](const std::string& node) {
      return before.contains(node) && h.real.contains(node) &&
             before.virtual_nodes_of(node) == h.real.virtual_nodes_of(node);
    };
    for (std::uint64_t key = 0; key < 50; ++key) {
      if (!would_move(before, h.real, key)) continue;
      RC_ASSERT(!stays(before.owner(key)) || !stays(h.real.owner(key)));
    }
  }
}

}  // namespace
