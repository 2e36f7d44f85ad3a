// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/placement_replica_cache.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using quoin::detail::no_node;
using quoin::detail::node_list;
using quoin::detail::rack_table;
using quoin::detail::replica_cache;
using quoin::detail::replica_nodes;
using quoin::detail::ring_replicas;

using list = std::vector<std::uint32_t>;

list as_list(const node_list& nodes) { return list(nodes.begin(), nodes.end()); }

/// A ring, and where its nodes stand.
struct cluster {
  std::vector<std::uint64_t> tokens;
  list nodes, zones, racks;
  bool zoned = true, racked = true;

  [[nodiscard]] quoin::detail::token_ring ring() const { return {tokens, nodes}; }
  [[nodiscard]] rack_table table() const { return {zones, racks, zoned, racked}; }
  [[nodiscard]] std::size_t size() const { return zones.size(); }

  /// Steps clockwise from `position` to the first token of `node`.
  [[nodiscard]] std::size_t distance(std::size_t position, std::uint32_t node) const {
    std::size_t steps = 0;
    while (nodes[(position + steps) % nodes.size()] != node) ++steps;
    return steps;
  }

  /// The next by the definition, among nodes that `fit`: fewest of `taken` in its zone, then in its
  /// rack, then the nearest.
  template <class Fit>
  [[nodiscard]] std::uint32_t next(std::size_t position, const list& taken, Fit fit) const {
    std::tuple<std::ptrdiff_t, std::ptrdiff_t, std::size_t> best{};
    std::uint32_t found = no_node;
    for (std::uint32_t node = 0; node < size(); ++node) {
      if (std::count(taken.begin(), taken.end(), node) != 0 || !fit(node)) continue;
      const auto in_zone = std::count_if(taken.begin(), taken.end(),
                                         [&](std::uint32_t t) { return zones[t] == zones[node]; });
      const auto in_rack = std::count_if(taken.begin(), taken.end(),
                                         [&](std::uint32_t t) { return racks[t] == racks[node]; });
      const auto here = std::tuple(in_zone, in_rack, distance(position, node));
      if (found == no_node || here < best) std::tie(best, found) = std::pair(here, node);
    }
    return found;
  }

  [[nodiscard]] list replicas(std::size_t position, std::size_t n) const {
    list taken;
    while (taken.size() < std::min(n, size())) {
      taken.push_back(next(position, taken, [](std::uint32_t) { return true; }));
    }
    return taken;
  }
};

bool repeats(const list& nodes, const list& labels) {
  std::set<std::uint32_t> seen;
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](std::uint32_t node) { return !seen.insert(labels[node]).second; });
}

/// Up to 12 nodes in up to 4 zones of up to 3 racks each, without gaps in the numbers.
cluster random_cluster(std::mt19937_64& random) {
  cluster c;
  const auto nodes = static_cast<std::uint32_t>(random() % 12 + 1);
  const std::uint64_t zones = random() % 4 + 1, racks = random() % 3 + 1;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places, different;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    places.emplace_back(random() % zones, random() % racks);
    for (std::uint64_t t = random() % 5 + 1; t > 0; --t) c.nodes.push_back(node);
  }
  std::shuffle(c.nodes.begin(), c.nodes.end(), random);
  for (std::uint64_t i = 0; i < c.nodes.size(); ++i) c.tokens.push_back(i * 1000);
  std::set<std::uint64_t> zone_names;
  for (const auto& p : places) zone_names.insert(p.first);
  different = places;
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  for (const auto& p : places) {
    c.zones.push_back(
        static_cast<std::uint32_t>(std::distance(zone_names.begin(), zone_names.find(p.first))));
    c.racks.push_back(static_cast<std::uint32_t>(
        std::lower_bound(different.begin(), different.end(), p) - different.begin()));
  }
  return c;
}

TEST(PlacementReplicas, AreApartByTheRule) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 2'000; ++trial) {
    const cluster c = random_cluster(random);
    const rack_table table = c.table();
    const auto n = static_cast<std::size_t>(random() % 14);
    const auto position = static_cast<std::size_t>(random() % c.tokens.size());
    const replica_nodes found = replicas_at(c.ring(), position, n, table);
    const list expected = c.replicas(position, n);
    ASSERT_EQ(as_list(found.nodes), expected) << trial;
    EXPECT_EQ(found.short_of, n - expected.size());
    EXPECT_EQ(found.zones_repeated(), repeats(expected, c.zones));
    EXPECT_EQ(found.racks_repeated(), repeats(expected, c.racks));
  }
}

TEST(PlacementReplicas, WithoutPlacesAreTheFirstDifferentNodes) {
  std::mt19937_64 random(2);
  for (int trial = 0; trial < 1'000; ++trial) {
    const cluster c = random_cluster(random);
    const rack_table alike(c.size());
    EXPECT_FALSE(alike.placed());
    const auto n = static_cast<std::size_t>(random() % 14);
    const auto position = static_cast<std::size_t>(random() % c.tokens.size());
    list expected;
    for (std::size_t i = 0; i < c.nodes.size() && expected.size() < n; ++i) {
      const std::uint32_t node = c.nodes[(position + i) % c.nodes.size()];
      if (std::count(expected.begin(), expected.end(), node) == 0) expected.push_back(node);
    }
    const replica_nodes found = replicas_at(c.ring(), position, n, alike);
    ASSERT_EQ(as_list(found.nodes), expected);
    EXPECT_FALSE(found.zones_repeated() || found.racks_repeated());
    EXPECT_EQ(as_list(replicas_at(c.ring(), position, n, {c.zones, c.racks, false, false}).nodes),
              expected);
  }
}

// A, B, C, D, E clockwise, three replicas: what A owns is at A, B and C; when A is down D takes it,
// with a hint for A.
TEST(PlacementReplicas, AreHandedToTheNextHealthyNodeWithAHint) {
  const cluster c{{1, 2, 3, 4, 5}, {0, 1, 2, 3, 4}, {}, {}};
  const rack_table alike(5);
  const replica_nodes meant = replicas_at(c.ring(), 0, 3, alike);
  EXPECT_EQ(as_list(meant.nodes), (list{0, 1, 2}));
  const auto without = [&](list down) {
    return healthy_replicas_at(c.ring(), 0, meant, alike, [down](std::uint32_t node) {
      return std::count(down.begin(), down.end(), node) == 0;
    });
  };
  EXPECT_EQ(as_list(without({}).replicas.nodes), (list{0, 1, 2}));
  EXPECT_EQ(as_list(without({}).hints), (list{no_node, no_node, no_node}));
  EXPECT_EQ(as_list(without({0}).replicas.nodes), (list{3, 1, 2}));
  EXPECT_EQ(as_list(without({0}).hints), (list{0, no_node, no_node}));
  EXPECT_EQ(as_list(without({1, 3, 0}).replicas.nodes), (list{4, 2}));
  EXPECT_EQ(as_list(without({1, 3, 0}).hints), (list{0, no_node}));
  EXPECT_EQ(without({1, 3, 0}).replicas.short_of, 1u);
  EXPECT_EQ(without({0, 1, 2, 3, 4}).replicas.short_of, 3u);
}

TEST(PlacementReplicas, StandNoOneInWhoFallsIllWhileAsked) {
  const cluster c{{10, 20, 30}, {0, 1, 2}, {0, 0, 0}, {0, 0, 0}};
  const rack_table alike(3);
  for (int answers = 0; answers < 6; ++answers) {
    int asked = 0;
    const auto found = quoin::detail::healthy_replicas_at(
        c.ring(), 0, replicas_at(c.ring(), 0, 1, alike), alike,
        [&](std::uint32_t node) { return node != 0 && asked++ < answers; });
    EXPECT_EQ(found.replicas.nodes.size() + found.replicas.short_of, 1u);
  }
}

TEST(PlacementReplicas, StandInsKeepToTheRule) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 2'000; ++trial) {
    const cluster c = random_cluster(random);
    const rack_table table = c.table();
    const auto n = static_cast<std::size_t>(random() % 12);
    const auto position = static_cast<std::size_t>(random() % c.tokens.size());
    const std::uint64_t down = random();
    const auto healthy = [&](std::uint32_t node) { return (down >> node & 1) == 0; };
    const replica_nodes meant = replicas_at(c.ring(), position, n, table);
    const auto found = healthy_replicas_at(c.ring(), position, meant, table, healthy);
    list standing, nodes, hints;
    for (const std::uint32_t node : meant.nodes) {
      if (healthy(node)) standing.push_back(node);
    }
    for (const std::uint32_t node : meant.nodes) {
      const std::uint32_t takes =
          healthy(node) ? node : c.next(position, standing, [&](std::uint32_t other) {
            return healthy(other) && !lists_node(meant.nodes, other);
          });
      if (takes == no_node) continue;
      nodes.push_back(takes);
      hints.push_back(takes == node ? no_node : node);
      if (takes != node) standing.push_back(takes);
    }
    ASSERT_EQ(as_list(found.replicas.nodes), nodes) << trial;
    ASSERT_EQ(as_list(found.hints), hints) << trial;
    EXPECT_EQ(found.replicas.short_of, n - nodes.size());
    EXPECT_EQ(found.replicas.zones_repeated(), repeats(nodes, c.zones));
    EXPECT_EQ(found.replicas.racks_repeated(), repeats(nodes, c.racks));
  }
}

TEST(PlacementReplicas, AreRemembered) {
  std::mt19937_64 random(4);
  for (int trial = 0; trial < 300; ++trial) {
    const cluster c = random_cluster(random);
    const rack_table table = c.table();
    const auto n = static_cast<std::size_t>(random() % 8 + 1);
    replica_cache cache(c.tokens.size(), c.size(), n);
    ASSERT_EQ(cache.replicas(), n);
    EXPECT_LE(cache.in_a_word(), std::min(n, c.size()));
    const auto expect = [&](const replica_nodes& again, std::size_t position, std::size_t size) {
      const replica_nodes set = replicas_at(c.ring(), position, size, table);
      EXPECT_EQ(as_list(again.nodes), as_list(set.nodes));
      EXPECT_TRUE(again.short_of == set.short_of && again.repeated == set.repeated);
    };
    for (std::size_t position = 0; position < c.tokens.size(); ++position) {
      EXPECT_FALSE(cache.knows(position, 1));
      EXPECT_EQ(cache.word(position), 0u);
      cache.store(position, replicas_at(c.ring(), position, n, table), table);
      for (std::size_t fewer = 1; fewer <= n; ++fewer) {
        ASSERT_TRUE(cache.knows(position, fewer));
        expect(cache.load(position, fewer), position, fewer);
        if (fewer > cache.in_a_word()) continue;
        EXPECT_EQ(cache.words()[position], cache.word(position));
        expect(replica_cache::nodes_of(cache.word(position), fewer), position, fewer);
      }
      EXPECT_FALSE(cache.knows(position, 0) || cache.knows(position, n + 1));
    }
    replica_cache moved(std::move(cache));
    EXPECT_FALSE(cache.knows(0, 1));
    EXPECT_TRUE(cache.replicas() == 0 && cache.in_a_word() == 0);
    EXPECT_TRUE(moved.knows(0, 1));
  }
}

TEST(PlacementReplicas, AreRememberedWhateverTheirNumbers) {
  constexpr std::size_t most = replica_cache::most_nodes;
  list zones(most, 0), racks;
  for (std::uint32_t i = 0; i < most; ++i) racks.push_back(i);
  const rack_table table(zones, racks, true, true);
  const replica_cache cache(2, most, 3);
  replica_nodes set;
  for (const std::size_t node : {most - 1, std::size_t{0}, most - 2}) {
    table.add(static_cast<std::uint32_t>(node), set);
  }
  cache.store(1, set, table);
  EXPECT_FALSE(cache.knows(0, 3));
  EXPECT_EQ(as_list(cache.load(1, 3).nodes), as_list(set.nodes));
  EXPECT_EQ(cache.load(1, 3).repeated, replica_nodes::zone_repeated);
  EXPECT_EQ(cache.load(1, 1).repeated, 0u);

  EXPECT_EQ(replica_cache(2, most + 1, 3).replicas(), 0u);
  EXPECT_EQ(replica_cache(10, 10, 0).replicas(), 0u);
  EXPECT_EQ(replica_cache(10, 10, 9).replicas(), 0u);
}

TEST(PlacementReplicas, AreAListOfAnyLength) {
  list expected;
  node_list nodes, other;
  other.push_back(7);
  for (std::uint32_t i = 0; i < 70; ++i) {
    ASSERT_EQ(as_list(nodes), expected);
    const node_list copy = nodes;
    EXPECT_EQ(as_list(copy), expected);
    other = copy;
    EXPECT_EQ(as_list(other), expected);
    node_list moved = std::move(other);
    EXPECT_EQ(as_list(moved), expected);
    EXPECT_EQ(other.size(), 0u);
    other.push_back(i);
    EXPECT_EQ(as_list(other), list{i});
    moved = std::move(other);
    EXPECT_EQ(as_list(moved), list{i});
    other = node_list();
    nodes.push_back(i * i);
    expected.push_back(i * i);
    EXPECT_EQ(nodes[i], i * i);
  }
}

TEST(PlacementReplicas, AreRememberedByManyThreadsAtOnce) {
  std::mt19937_64 random(5);
  const cluster c = random_cluster(random);
  const quoin::detail::made_once<ring_replicas> made;
  const auto ask = [&] {
    const ring_replicas& all = made.get([&] {
      return ring_replicas{c.table(), replica_cache(c.tokens.size(), c.size(), 4)};
    });
    for (std::size_t i = 0; i < 20 * c.tokens.size(); ++i) {
      const std::size_t position = i % c.tokens.size(), n = i % 6;
      ASSERT_EQ(as_list(all.find(c.ring(), position, n).nodes), c.replicas(position, n));
    }
  };
  std::thread one(ask), two(ask);
  one.join();
  two.join();
}

}  // namespace
