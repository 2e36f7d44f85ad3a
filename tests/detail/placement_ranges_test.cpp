// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/placement_ranges.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace {

using quoin::hash_range;
using quoin::detail::is_whole_ring;
using quoin::detail::no_node;
using quoin::detail::owner_move;
using quoin::detail::replica_move;
using quoin::detail::token_ring;

constexpr std::uint64_t top = UINT64_MAX;

/// A ring in arrays of its own.
struct ring {
  std::vector<std::uint64_t> tokens;
  std::vector<std::uint32_t> nodes;

  ring(std::vector<std::pair<std::uint64_t, std::uint32_t>> points) {
    std::sort(points.begin(), points.end());
    for (const auto& [token, node] : points) {
      tokens.push_back(token);
      nodes.push_back(node);
    }
  }
  [[nodiscard]] token_ring view() const { return {tokens, nodes}; }

  /// By the definition: the first token that is not less, in the order of (token, node).
  [[nodiscard]] std::uint32_t owner(std::uint64_t hash) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (hash <= tokens[i]) return nodes[i];
    }
    return nodes[0];
  }

  /// The first `n` nodes met from `hash` on.
  [[nodiscard]] std::vector<std::uint32_t> replicas(std::size_t position, std::size_t n) const {
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < nodes.size() && found.size() < n; ++i) {
      const std::uint32_t node = nodes[(position + i) % nodes.size()];
      if (std::find(found.begin(), found.end(), node) == found.end()) found.push_back(node);
    }
    return found;
  }
};

/// Rings of up to 12 tokens, some alike, some at the ends, for as many as 4 nodes.
ring random_ring(std::mt19937_64& random) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> points;
  for (std::uint64_t n = random() % 12 + 1; n > 0; --n) {
    const std::uint64_t small = random() % 10;
    const std::uint64_t token = random() % 3 == 0 ? top - small % 3 : small << (random() % 2 * 60);
    points.emplace_back(token, static_cast<std::uint32_t>(random() % 4));
  }
  return points;
}

/// Every hash at which anything can change, and its neighbours.
std::set<std::uint64_t> hashes_of_interest(const ring& a, const ring& b) {
  std::set<std::uint64_t> hashes{0, 1, top, top / 2};
  for (const auto* tokens : {&a.tokens, &b.tokens}) {
    for (const std::uint64_t t : *tokens) hashes.insert({t - 1, t, t + 1});
  }
  return hashes;
}

TEST(PlacementRanges, KnowWhatTheyContain) {
  const hash_range plain{10, 20}, wrapping{top - 1, 3}, one{7, 8}, whole{}, other_whole{5, 5};
  for (const std::uint64_t in : {11u, 20u}) EXPECT_TRUE(plain.contains(in));
  for (const std::uint64_t out : {std::uint64_t{10}, std::uint64_t{21}, top}) {
    EXPECT_FALSE(plain.contains(out));
  }
  for (const std::uint64_t in : {top, std::uint64_t{0}, std::uint64_t{3}}) {
    EXPECT_TRUE(wrapping.contains(in));
  }
  EXPECT_FALSE(wrapping.contains(4));
  EXPECT_FALSE(wrapping.contains(top - 1));
  EXPECT_TRUE(one.contains(8));
  EXPECT_FALSE(one.contains(7));
  for (const std::uint64_t any : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{6}, top}) {
    EXPECT_TRUE(whole.contains(any) && other_whole.contains(any));
  }
  EXPECT_DOUBLE_EQ(wrapping.share(), 5 * 0x1p-64);
  EXPECT_DOUBLE_EQ((hash_range{0, std::uint64_t{1} << 62}.share()), 0.25);
  EXPECT_DOUBLE_EQ(whole.share(), 1);
}

TEST(PlacementRanges, OfNodesCoverTheRingOnce) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 2'000; ++trial) {
    const ring a = random_ring(random);
    std::vector<std::vector<hash_range>> ranges;
    std::vector<double> shares(4);
    shares_of_nodes(a.view(), shares);
    for (std::uint32_t node = 0; node < 4; ++node) {
      ranges.push_back(ranges_of_node(a.view(), node));
      double sum = 0;
      for (const auto& r : ranges.back()) {
        sum += r.share();
        for (const auto& s : ranges.back()) EXPECT_TRUE(is_whole_ring(r) || r.last != s.after);
      }
      EXPECT_NEAR(sum, shares[node], 1e-15);
    }
    for (const std::uint64_t hash : hashes_of_interest(a, a)) {
      for (std::uint32_t node = 0; node < 4; ++node) {
        const auto n = std::count_if(ranges[node].begin(), ranges[node].end(),
                                     [&](const hash_range& r) { return r.contains(hash); });
        ASSERT_EQ(n, a.owner(hash) == node) << trial << ' ' << hash;
      }
      ASSERT_EQ(a.nodes[a.view().position_of(hash)], a.owner(hash));
    }
    EXPECT_NEAR(shares[0] + shares[1] + shares[2] + shares[3], 1, 1e-15);
  }
}

TEST(PlacementRanges, MovedOnesAreExactAndFewest) {
  std::mt19937_64 random(2);
  for (int trial = 0; trial < 3'000; ++trial) {
    const ring a = random_ring(random), b = random_ring(random);
    const auto moves = owner_moves(a.view(), b.view());
    for (const std::uint64_t hash : hashes_of_interest(a, b)) {
      const std::uint32_t from = a.owner(hash), to = b.owner(hash);
      int found = 0;
      for (const owner_move& m : moves) {
        if (!m.range.contains(hash)) continue;
        ++found;
        ASSERT_TRUE(m.from == from && m.to == to) << trial << ' ' << hash;
      }
      ASSERT_EQ(found, from != to) << trial << ' ' << hash;
    }
    for (const owner_move& m : moves) {
      EXPECT_TRUE(!is_whole_ring(m.range) || m.range == hash_range());
      for (const owner_move& next : moves) {
        EXPECT_FALSE(&m != &next && m.range.last == next.range.after && m.says_the_same(next));
      }
    }
  }
}

TEST(PlacementRanges, OfRingsThatAreEmptyOrTheSameDoNotMove) {
  const ring none({}), some({{5, 0}, {9, 1}}), one({{5, 0}}), other({{9, 1}});
  EXPECT_TRUE(owner_moves(none.view(), some.view()).empty());
  EXPECT_TRUE(owner_moves(some.view(), none.view()).empty());
  EXPECT_TRUE(owner_moves(some.view(), some.view()).empty());
  EXPECT_TRUE(ranges_of_node(none.view(), 0).empty());
  EXPECT_EQ(owner_moves(one.view(), other.view()), (std::vector<owner_move>{{{}, 0, 1}}));
  EXPECT_EQ(owner_moves(one.view(), some.view()), (std::vector<owner_move>{{{5, 9}, 0, 1}}));
}

/// What `replica_moves` says of a hash.
std::vector<replica_move> moves_at(const std::vector<replica_move>& moves, std::uint64_t hash) {
  std::vector<replica_move> found;
  for (const replica_move& m : moves) {
    if (m.range.contains(hash)) found.push_back(m);
  }
  return found;
}

bool has(const std::vector<std::uint32_t>& list, std::uint32_t node) {
  return std::find(list.begin(), list.end(), node) != list.end();
}

/// Pointers for iterators, which `replica_moves` asks for.
struct list_view {
  std::vector<std::uint32_t> nodes;
  [[nodiscard]] const std::uint32_t* begin() const { return nodes.data(); }
  [[nodiscard]] const std::uint32_t* end() const { return nodes.data() + nodes.size(); }
};

TEST(PlacementRanges, OfReplicasAreFetchedByThoseThatLackThem) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 2'000; ++trial) {
    const ring a = random_ring(random), b = random_ring(random);
    const auto n = static_cast<std::size_t>(random() % 3 + 1);
    const auto once = [&](std::size_t i) { return list_view{a.replicas(i, n)}; };
    const auto now = [&](std::size_t i) { return list_view{b.replicas(i, n)}; };
    const auto moves = quoin::detail::replica_moves(a.tokens, b.tokens, once, now);
    for (const std::uint64_t hash : hashes_of_interest(a, b)) {
      const auto before = a.replicas(a.view().position_of(hash), n);
      const auto after = b.replicas(b.view().position_of(hash), n);
      std::set<std::uint32_t> to, from;
      for (const replica_move& m : moves_at(moves, hash)) {
        EXPECT_TRUE(to.insert(m.to).second) << "fetched twice";
        EXPECT_TRUE(has(before, m.from) && has(after, m.to) && !has(before, m.to));
        EXPECT_EQ(m.from_keeps, has(after, m.from));
        from.insert(m.from);
        if (m.other != no_node) {
          EXPECT_TRUE(m.other != m.from && has(before, m.other) && has(after, m.other));
        } else {
          for (const std::uint32_t x : before) EXPECT_TRUE(x == m.from || !has(after, x));
        }
      }
      const auto leaving = static_cast<std::size_t>(std::count_if(
          before.begin(), before.end(), [&](std::uint32_t x) { return !has(after, x); }));
      EXPECT_TRUE(to.size() > leaving || from.size() == to.size()) << "not each by its holder";
      for (const std::uint32_t x : after) EXPECT_EQ(to.count(x), !has(before, x)) << trial;
    }
    for (const replica_move& m : moves) {
      for (const replica_move& next : moves) {
        EXPECT_FALSE(&m != &next && m.range.last == next.range.after && m.says_the_same(next));
      }
    }
    if (n == 1) {
      EXPECT_DOUBLE_EQ(share_of_moves(moves), share_of_moves(owner_moves(a.view(), b.view())));
    }
  }
}

TEST(PlacementRanges, ANodeThatComesOrGoesMovesNothingBetweenTheOthers) {
  std::mt19937_64 random(4);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> points;
    for (std::uint32_t i = 0; i < 60; ++i) points.emplace_back(random(), i % 6);
    const ring all(points);
    std::erase_if(points, [](const auto& p) { return p.second == 5; });
    const ring fewer(points);
    for (const owner_move& m : owner_moves(fewer.view(), all.view())) EXPECT_EQ(m.to, 5u);
    std::vector<double> shares(6);
    shares_of_nodes(all.view(), shares);
    const auto leaving = owner_moves(all.view(), fewer.view());
    for (const owner_move& m : leaving) EXPECT_EQ(m.from, 5u);
    EXPECT_NEAR(share_of_moves(leaving), shares[5], 1e-15);
  }
}

}  // namespace
