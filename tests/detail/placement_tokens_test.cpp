// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/placement_tokens.hpp>
#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using quoin::detail::dropped_node;
using quoin::detail::sort_points;
using quoin::detail::token_point;
using quoin::detail::token_table;

template <class Token>
class PlacementTokens : public ::testing::Test {
 protected:
  using ring_points = std::vector<token_point<Token>>;
  static constexpr Token top = std::numeric_limits<Token>::max();

  /// Rings of every character: uniform, in few clusters, dense, with equal tokens and with both
  /// ends of the ring taken.
  static std::vector<ring_points> rings() {
    std::vector<ring_points> all;
    std::uint64_t draw = 0;
    for (const std::size_t size : {1u, 2u, 3u, 5u, 16u, 100u, 1000u, 20000u}) {
      for (int kind = 0; kind < 5; ++kind) {
        ring_points ring;
        for (std::uint32_t i = 0; i < size; ++i) {
          auto token = static_cast<Token>(quoin::hash{}(++draw));
          if (kind == 1) token = static_cast<Token>(token >> (token % 3 * 14));
          if (kind == 2) token = static_cast<Token>(top - token % size);
          if (kind == 3) token = i == 0 ? top : i == 1 ? Token{0} : token;
          if (kind == 4) token = static_cast<Token>((token & 7) << (sizeof(Token) * 8 - 3));
          ring.push_back({token, i});
        }
        all.push_back(ring);
      }
    }
    return all;
  }

  static ring_points sorted(ring_points ring) {
    std::sort(ring.begin(), ring.end());
    return ring;
  }

  static void expect_points(const token_table<Token>& table, const ring_points& ring) {
    ASSERT_EQ(table.size(), ring.size());
    for (std::size_t i = 0; i < ring.size(); ++i) {
      ASSERT_EQ(table.tokens()[i], ring[i].token);
      ASSERT_EQ(table.nodes()[i], ring[i].node);
      ASSERT_EQ(table.node_at(i), ring[i].node);
    }
  }

  /// Every token, its neighbours, the ends of the ring and hashes, against a bisection.
  static void expect_owners(const token_table<Token>& table, const ring_points& ring) {
    std::vector<Token> hashes{0, 1, top, static_cast<Token>(top - 1)};
    for (std::size_t i = 0; i < ring.size(); i += 1 + ring.size() / 500) {
      for (const int step : {-1, 0, 1}) {
        hashes.push_back(static_cast<Token>(ring[i].token + static_cast<Token>(step)));
      }
      hashes.push_back(static_cast<Token>(quoin::hash{1}(i)));
    }
    std::vector<std::uint32_t> owners(hashes.size());
    table.owners(hashes, owners.data());
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      const auto next =
          std::lower_bound(ring.begin(), ring.end(), token_point<Token>{hashes[i], 0});
      const auto at = next == ring.end() ? ring.begin() : next;
      ASSERT_EQ(table.position_of(hashes[i]), static_cast<std::size_t>(at - ring.begin()));
      ASSERT_EQ(table.position_of(hashes[i], table.nodes().data()), table.position_of(hashes[i]));
      ASSERT_EQ(table.owner(hashes[i]), at->node);
      ASSERT_EQ(owners[i], at->node);
    }
  }
};

using TokenTypes = ::testing::Types<std::uint64_t, std::uint32_t>;
TYPED_TEST_SUITE(PlacementTokens, TokenTypes);

TYPED_TEST(PlacementTokens, FindsWhatABisectionFinds) {
  for (const auto& ring : TestFixture::rings()) {
    const auto points = TestFixture::sorted(ring);
    const token_table<TypeParam> table(points);
    TestFixture::expect_points(table, points);
    TestFixture::expect_owners(table, points);
  }
}

TYPED_TEST(PlacementTokens, SortsLikeASortByTokenAndThenByNode) {
  for (auto ring : TestFixture::rings()) {
    const auto expected = TestFixture::sorted(ring);
    sort_points(ring);
    ASSERT_EQ(ring, expected);
  }
  std::vector<token_point<TypeParam>> none;
  sort_points(none);
  EXPECT_TRUE(none.empty());
}

TYPED_TEST(PlacementTokens, MergesRunsAndRenumbers) {
  for (const auto& ring : TestFixture::rings()) {
    // Of seven nodes those whose number is in `leaving` go, and node 3 of the new numbering comes.
    for (const unsigned leaving : {0u, 1u, 0x12u, 0x40u, 0x7fu}) {
      std::vector<std::uint32_t> renumbered;
      for (std::uint32_t node = 0, next = 0; node < 7; ++node) {
        const bool leaves = (leaving >> node & 1) != 0;
        renumbered.push_back(leaves ? dropped_node : next == 3 ? ++next : next);
        next += leaves ? 0 : 1;
      }
      std::vector<token_point<TypeParam>> before, added, after;
      for (const auto& point : ring) {
        if (point.node % 8 == 7) {
          added.push_back({point.token, 3});
        } else {
          before.push_back({point.token, point.node % 8});
          const auto number = renumbered[point.node % 8];
          if (number != dropped_node) after.push_back({point.token, number});
        }
      }
      after.insert(after.end(), added.begin(), added.end());
      before = TestFixture::sorted(before);
      added = TestFixture::sorted(added);
      after = TestFixture::sorted(after);
      const auto merged = token_table<TypeParam>(before).merged(added, renumbered);
      TestFixture::expect_points(merged, after);
      if (!after.empty()) TestFixture::expect_owners(merged, after);
    }
  }
}

TYPED_TEST(PlacementTokens, KeepsNumbersWhereNoneAreGiven) {
  const auto points = TestFixture::sorted(TestFixture::rings().back());
  const token_table<TypeParam> none;
  EXPECT_TRUE(none.merged({}, {}).empty());
  const auto all = none.merged(points, {});
  TestFixture::expect_points(all, points);
  TestFixture::expect_owners(all, points);
  TestFixture::expect_points(all.merged({}, {}), points);
}

TYPED_TEST(PlacementTokens, MovesAndLeavesNothingBehind) {
  const auto points = TestFixture::sorted(TestFixture::rings()[20]);
  token_table<TypeParam> a(points), b;
  b = std::move(a);
  TestFixture::expect_points(b, points);
  a = token_table<TypeParam>();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(a.memory_bytes(), 0u);
  EXPECT_GE(b.memory_bytes(), points.size() * (sizeof(TypeParam) + 4));
}

TEST(PlacementTokensMemory, TakesSixteenBytesAPointWhereThereAreMany) {
  std::vector<token_point<std::uint64_t>> points;
  for (std::uint32_t i = 0; i < 160000; ++i) points.push_back({quoin::hash{}(i), i});
  sort_points(points);
  EXPECT_LE(token_table<std::uint64_t>(points).memory_bytes(), 16 * points.size());
}

}  // namespace
