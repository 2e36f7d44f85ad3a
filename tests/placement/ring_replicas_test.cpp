// SPDX-License-Identifier: BSL-1.0
// Replicas and ranges of a `hash_ring`.
#include <quoin/placement/hash_ring.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::string>;
using names = std::vector<std::string>;

names names_of(const quoin::replica_set<std::string>& set) { return names(set.begin(), set.end()); }

/// `nodes` nodes in `zones` zones with two racks each.
ring cluster(int nodes, int zones, quoin::hash_ring_options options = {.virtual_nodes = 8}) {
  ring r(options);
  for (int i = 0; i < nodes; ++i) {
    r.add("n" + std::to_string(i),
          {.zone = "z" + std::to_string(i % zones), .rack = "r" + std::to_string(i / zones % 2)});
  }
  return r;
}

/// By the definition: the next is the one with the fewest replicas in its zone, then in its rack,
/// then the nearest.
names replicas_by_definition(const ring& r, std::uint64_t hash, std::size_t n) {
  std::map<std::string, std::uint64_t> distance;
  for (std::size_t i = 0; i < r.tokens().size(); ++i) {
    const std::string& node = r.nodes()[r.token_owners()[i]];
    const std::uint64_t steps = r.tokens()[i] - hash;
    const auto [at, fresh] = distance.try_emplace(node, steps);
    if (!fresh) at->second = std::min(at->second, steps);
  }
  names taken;
  while (taken.size() < std::min(n, r.size())) {
    using rank = std::tuple<std::ptrdiff_t, std::ptrdiff_t, std::uint64_t, std::string>;
    std::set<rank> ranks;
    for (const auto& at : distance) {
      const std::string& node = at.first;
      if (std::count(taken.begin(), taken.end(), node) != 0) continue;
      const auto like = [&](bool racks) {
        return std::count_if(taken.begin(), taken.end(), [&](const std::string& t) {
          return r.zone_of(t) == r.zone_of(node) && (!racks || r.rack_of(t) == r.rack_of(node));
        });
      };
      ranks.insert({like(false), like(true), at.second, node});
    }
    taken.push_back(std::get<3>(*ranks.begin()));
  }
  return taken;
}

TEST(RingReplicas, AreApartByTheRuleWhetherRememberedOrNot) {
  std::mt19937_64 random(1);
  for (const int zones : {1, 2, 3, 5}) {
    for (const std::uint32_t cached : {0u, 3u, 8u}) {
      const ring r = cluster(9, zones, {.virtual_nodes = 6, .cached_replicas = cached});
      // Tokens are 54: with 50 hashes, each asked for in two rounds and in many sizes, sets are found
      // both when they are known and when they are not.
      std::vector<std::uint64_t> hashes{UINT64_MAX, 0};
      while (hashes.size() < 50) hashes.push_back(random());
      for (std::size_t trial = 0; trial < 4 * hashes.size(); ++trial) {
        const std::uint64_t hash = hashes[trial % hashes.size()];
        const auto n = static_cast<std::size_t>(random() % 11);
        const auto set = r.replicas_of_hash(hash, n);
        ASSERT_EQ(names_of(set), replicas_by_definition(r, hash, n));
        EXPECT_EQ(set.short_of(), n - set.size());
        EXPECT_EQ(set.zones_repeated(), set.size() > static_cast<std::size_t>(zones));
        EXPECT_TRUE(set.empty() || set[0] == r.owner_of_hash(hash));
        EXPECT_EQ(set.indices().size(), set.size());
        const quoin::replica_set<std::string> copy = set;
        EXPECT_EQ(names_of(copy), names_of(set));
      }
    }
  }
}

TEST(RingReplicas, WithoutZonesAreTheNextNodes) {
  const names nodes{"a", "b", "c", "d"};
  const ring r({.virtual_nodes = 4}, nodes);
  const auto set = r.replicas("key", 3);
  EXPECT_EQ(set.size(), 3u);
  EXPECT_EQ(*set.begin(), r.owner("key"));
  EXPECT_EQ(std::set(set.begin(), set.end()).size(), 3u);
  EXPECT_FALSE(set.zones_repeated() || set.racks_repeated());
  EXPECT_EQ(r.replicas("key", 9).short_of(), 5u);
  EXPECT_TRUE(r.replicas("key", 0).empty());
  EXPECT_THROW(static_cast<void>(ring().replicas("key", 1)), std::out_of_range);
}

TEST(RingReplicas, SayWhatTheyRepeat) {
  ring r({.virtual_nodes = 4});
  r.add("a", {.zone = "x", .rack = "1"});
  r.add("b", {.zone = "x", .rack = "2"});
  r.add("c", {.zone = "x", .rack = "2"});
  const auto two = r.replicas("key", 2), three = r.replicas("key", 3);
  EXPECT_TRUE(two.zones_repeated());
  EXPECT_FALSE(two.racks_repeated());
  EXPECT_TRUE(three.zones_repeated() && three.racks_repeated());
  EXPECT_FALSE(r.replicas("key", 1).zones_repeated()) << "also when three are remembered";
}

TEST(RingReplicas, WithProbesBeginWithTheOwner) {
  const ring r = cluster(8, 3, {.virtual_nodes = 8, .probes = 3});
  for (std::uint64_t key = 0; key < 200; ++key) {
    const auto set = r.replicas(key, 3);
    EXPECT_EQ(set[0], r.owner(key));
    EXPECT_FALSE(set.zones_repeated());
  }
}

TEST(RingReplicas, OfHealthyNodesKeepHints) {
  const ring r = cluster(9, 3);
  for (std::uint64_t key = 0; key < 200; ++key) {
    const auto meant = r.replicas(key, 3);
    const std::string down = meant[static_cast<std::size_t>(key % 3)];
    const auto set = r.replicas(key, 3, [&](const std::string& node) { return node != down; });
    ASSERT_EQ(set.size(), 3u);
    EXPECT_FALSE(set.zones_repeated()) << "the stand-in is in the zone of the one that is down";
    for (std::size_t i = 0; i < 3; ++i) {
      if (meant[i] == down) {
        EXPECT_EQ(*set.hint_for(i), down);
        EXPECT_EQ(std::count(meant.begin(), meant.end(), set[i]), 0);
      } else {
        EXPECT_EQ(set.hint_for(i), nullptr);
        EXPECT_EQ(set[i], meant[i]);
      }
    }
    const auto none = r.replicas(key, 3, [](const std::string&) { return false; });
    EXPECT_EQ(none.short_of(), 3u);
  }
}

TEST(RingReplicas, OutliveTheRingInACopy) {
  ring r = cluster(5, 5);
  const ring copy = r;
  const auto set = r.replicas("key", 2);
  const names before = names_of(set);
  r.remove(before[0]);
  EXPECT_EQ(names_of(set), before);
  EXPECT_EQ(r.replicas("key", 1)[0], before[1]) << "the next in line takes over";
}

TEST(RingReplicas, HowManyAreRememberedIsNoPartOfTheRing) {
  const ring a = cluster(3, 3, {.cached_replicas = 5}), b = cluster(3, 3, {.cached_replicas = 0});
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.to_bytes(), b.to_bytes());
  EXPECT_THROW(ring({.cached_replicas = 9}), std::invalid_argument);
}

}  // namespace
