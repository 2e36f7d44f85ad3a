// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/placement_balance.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace {

/// A ring that nodes join and leave.
struct growing_ring {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> points;
  std::uint32_t nodes = 0;

  [[nodiscard]] std::vector<std::uint64_t> tokens() const {
    std::vector<std::uint64_t> all;
    for (const auto& p : points) all.push_back(p.first);
    return all;
  }
  [[nodiscard]] std::vector<std::uint32_t> owners() const {
    std::vector<std::uint32_t> all;
    for (const auto& p : points) all.push_back(p.second);
    return all;
  }

  std::vector<std::uint64_t> join(std::size_t count, std::uint64_t start = 0) {
    const auto t = tokens();
    const auto o = owners();
    const auto chosen = quoin::detail::token_balancer({t, o}, nodes).tokens_for(count, start);
    for (const std::uint64_t token : chosen) points.emplace_back(token, nodes);
    ++nodes;
    std::sort(points.begin(), points.end());
    return chosen;
  }

  void leave(std::uint32_t node) {
    std::erase_if(points, [&](const auto& p) { return p.second == node; });
    --nodes;
    for (auto& p : points) p.second -= p.second > node;
  }

  /// Deviation of the loads in relation to the numbers of tokens: standard, and the largest.
  [[nodiscard]] std::pair<double, double> deviation() const {
    const auto t = tokens();
    const auto o = owners();
    std::vector<double> shares(nodes), counts(nodes);
    quoin::detail::shares_of_nodes({t, o}, shares);
    for (const std::uint32_t node : o) ++counts[node];
    double squares = 0, largest = 0;
    for (std::uint32_t i = 0; i < nodes; ++i) {
      const double load = shares[i] / (counts[i] / static_cast<double>(t.size()));
      squares += (load - 1) * (load - 1);
      largest = std::max(largest, load);
    }
    return {std::sqrt(squares / nodes), largest};
  }
};

TEST(PlacementBalance, KeepsNodesThatJoinOneByOneEven) {
  for (const std::size_t count : {8u, 16u, 32u}) {
    growing_ring ring;
    double worst = 0;
    for (int i = 0; i < 100; ++i) {
      ring.join(count, 12345);
      worst = std::max(worst, ring.deviation().first);
    }
    EXPECT_LT(ring.deviation().first, 0.05) << count;
    EXPECT_LT(worst, count == 32 ? 0.05 : 0.1) << count;
  }
}

TEST(PlacementBalance, RecoversFromNodesThatLeave) {
  for (const std::uint32_t leaving : {1u, 5u, 10u, 20u}) {
    growing_ring ring;
    for (int i = 0; i < 100; ++i) ring.join(32);
    std::mt19937_64 random(leaving);
    for (std::uint32_t i = 0; i < leaving; ++i) {
      ring.leave(static_cast<std::uint32_t>(random() % ring.nodes));
    }
    // Each heir of a range of a node that left has 1/32 more: about 32 heirs for each.
    EXPECT_LT(ring.deviation().first, 0.02 + std::sqrt(leaving / 32.0) / 10) << leaving;
    for (std::uint32_t i = 0; i < leaving; ++i) ring.join(32);
    EXPECT_LT(ring.deviation().first, 0.05);
  }
}

TEST(PlacementBalance, RespectsWeights) {
  growing_ring ring;
  for (std::size_t i = 0; i < 60; ++i) ring.join(16 * (1 + i % 3));
  EXPECT_LT(ring.deviation().first, 0.05);
}

TEST(PlacementBalance, GivesAsManyFreshTokensAsAskedFor) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 300; ++trial) {
    growing_ring ring;
    for (int joins = 0; joins < 12; ++joins) {
      const auto count = static_cast<std::size_t>(random() % 9 + 1);
      const std::uint32_t before = ring.nodes;
      const auto tokens = ring.join(count, random());
      ASSERT_EQ(tokens.size(), count);
      ASSERT_EQ(ring.nodes, before + 1);
      for (std::size_t i = 1; i < ring.points.size(); ++i) {
        ASSERT_NE(ring.points[i - 1].first, ring.points[i].first) << trial;
      }
      if (ring.nodes > 2 && random() % 4 == 0) {
        ring.leave(static_cast<std::uint32_t>(random() % ring.nodes));
      }
    }
  }
}

TEST(PlacementBalance, GivesFreshTokensWhereThereIsHardlyRoom) {
  // Tokens close together but for one gap, whose cut lies right behind one of them.
  std::vector<std::uint64_t> tokens;
  std::vector<std::uint32_t> nodes;
  for (std::uint64_t i = 0; i < 40; ++i) {
    tokens.push_back(i < 20 ? 1000 + i : 1100 + 2 * i);
    nodes.push_back(static_cast<std::uint32_t>(i % 2));
  }
  for (const std::size_t count : {1u, 3u, 50u, 5000u}) {
    auto fresh = quoin::detail::token_balancer({tokens, nodes}, 2).tokens_for(count, 0);
    ASSERT_EQ(fresh.size(), count);
    fresh.insert(fresh.end(), tokens.begin(), tokens.end());
    std::sort(fresh.begin(), fresh.end());
    EXPECT_EQ(std::adjacent_find(fresh.begin(), fresh.end()), fresh.end()) << count;
  }
}

// The same everywhere, as rings are made up of these.
TEST(PlacementBalance, GivesTheSameTokensOnEveryPlatform) {
  growing_ring ring;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    for (const std::uint64_t token : ring.join(4 + i % 5, 7)) sum = sum * 31 + token;
  }
  EXPECT_EQ(sum, 16172866948491046223u);
}

}  // namespace
