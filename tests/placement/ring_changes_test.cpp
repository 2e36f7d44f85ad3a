// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/ring_changes.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::string>;
using names = std::vector<std::string>;

ring ring_of(int nodes, quoin::hash_ring_options options = {.virtual_nodes = 8}) {
  ring r(options);
  for (int i = 0; i < nodes; ++i) {
    r.add("n" + std::to_string(i), {.zone = "z" + std::to_string(i % 3)});
  }
  return r;
}

/// Every hash at which anything can change, its neighbours, and some more.
std::vector<std::uint64_t> hashes_of_interest(const ring& a, const ring& b) {
  std::vector<std::uint64_t> hashes{0, UINT64_MAX};
  for (const ring* r : {&a, &b}) {
    for (const std::uint64_t t : r->tokens()) hashes.insert(hashes.end(), {t - 1, t, t + 1});
  }
  return hashes;
}

/// A change of any kind.
ring changed(ring r, std::mt19937_64& random) {
  for (std::uint64_t n = random() % 3 + 1; n > 0; --n) {
    const std::string node = "n" + std::to_string(random() % 8);
    const double weight = static_cast<double>(random() % 4 + 1) / 2;
    if (!r.contains(node)) {
      r.add(node, {.weight = weight, .zone = "z" + std::to_string(random() % 3)});
    } else if (random() % 2 == 0 && r.size() > 1) {
      r.remove(node);
    } else if (random() % 2 == 0) {
      r.set_weight(node, weight);
    } else if (!r.contains(node + "b")) {
      r.replace(node, node + "b");
    }
  }
  return r;
}

TEST(HashRange, GoesRound) {
  constexpr std::uint64_t top = UINT64_MAX;
  using range = quoin::hash_range;
  const struct {
    range r;
    std::uint64_t hash;
    bool inside;
  } cases[] = {{{10, 20}, 10, false}, {{10, 20}, 11, true}, {{10, 20}, 20, true},
               {{10, 20}, 21, false}, {{20, 10}, 21, true}, {{20, 10}, top, true},
               {{20, 10}, 0, true},   {{20, 10}, 10, true}, {{20, 10}, 11, false},
               {{20, 10}, 20, false}, {{top, 0}, 0, true},  {{top, 0}, top, false},
               {{7, 7}, 7, true},     {{7, 7}, 8, true},    {{8, 7}, 8, false}};
  for (const auto& [r, hash, inside] : cases) {
    EXPECT_EQ(r.contains(hash), inside) << r.after << ' ' << r.last << ' ' << hash;
  }
  EXPECT_DOUBLE_EQ((range{7, 7}).share(), 1);
  EXPECT_DOUBLE_EQ((range{top, (std::uint64_t{1} << 62) - 1}).share(), 0.25);
  EXPECT_DOUBLE_EQ((range{0, std::uint64_t{1} << 63}).share(), 0.5);
}

TEST(RingChanges, AreExact) {
  std::mt19937_64 random(1);
  ring before = ring_of(5);
  for (int trial = 0; trial < 60; ++trial) {
    const ring after = changed(before, random);
    const auto moves = quoin::moved_ranges(before, after);
    double share = 0;
    for (const auto& move : moves) share += move.range.share();
    EXPECT_NEAR(share, quoin::moved_share(before, after), 1e-12);
    EXPECT_NEAR(share, quoin::fetched_share(before, after, 1), 1e-12);
    for (const std::uint64_t hash : hashes_of_interest(before, after)) {
      const std::string &from = before.owner_of_hash(hash), &to = after.owner_of_hash(hash);
      int found = 0;
      for (const auto& move : moves) {
        if (!move.range.contains(hash)) continue;
        ++found;
        ASSERT_TRUE(move.from == from && move.to == to);
      }
      ASSERT_EQ(found, from != to);
    }
    before = after;
  }
}

TEST(RingChanges, OfReplicasAreExact) {
  std::mt19937_64 random(2);
  ring before = ring_of(5);
  for (int trial = 0; trial < 60; ++trial) {
    const ring after = changed(before, random);
    const std::size_t n = random() % 4 + 1;
    const auto moves = quoin::moved_ranges(before, after, n);
    double share = 0;
    for (const auto& move : moves) share += move.range.share();
    EXPECT_NEAR(share, quoin::fetched_share(before, after, n), 1e-12);
    for (const std::uint64_t hash : hashes_of_interest(before, after)) {
      const auto had = before.replicas_of_hash(hash, n), has = after.replicas_of_hash(hash, n);
      const std::set<std::string> once(had.begin(), had.end()), now(has.begin(), has.end());
      std::set<std::string> fetching;
      for (const auto& move : moves) {
        if (!move.range.contains(hash)) continue;
        EXPECT_TRUE(fetching.insert(move.to).second);
        EXPECT_TRUE(once.count(move.from) != 0 && once.count(move.to) == 0 && now.count(move.to));
        EXPECT_EQ(move.from_keeps, now.count(move.from) != 0);
        EXPECT_TRUE(!move.other || (once.count(*move.other) != 0 && now.count(*move.other) != 0));
      }
      for (const std::string& node : now) ASSERT_EQ(fetching.count(node), 1 - once.count(node));
    }
    before = after;
  }
}

TEST(RingChanges, MoveNothingBetweenNodesThatStay) {
  const ring before = ring_of(6);
  ring after = before;
  after.add("new", {.weight = 2, .zone = "z1"});
  for (const auto& move : quoin::moved_ranges(before, after)) EXPECT_EQ(move.to, "new");
  for (const auto& move : quoin::moved_ranges(after, before)) EXPECT_EQ(move.from, "new");
  ring replaced = before;
  replaced.replace("n3", "n3-again");
  for (const auto& move : quoin::moved_ranges(before, replaced, 3)) {
    EXPECT_TRUE(move.from == "n3" && move.to == "n3-again" && !move.from_keeps && move.other);
  }
  EXPECT_NEAR(quoin::fetched_share(before, replaced, 1), before.load_share("n3"), 1e-12);
}

TEST(RingChanges, OfOneNodeByAnotherAreOneRange) {
  const ring a({}, names{"a"}), b({}, names{"b"});
  const auto moves = quoin::moved_ranges(a, b);
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0], (quoin::moved_range<std::string>{{}, "a", "b"}));
  const auto copies = quoin::moved_ranges(a, ring({}, names{"a", "b"}), 2);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_TRUE(copies[0].from == "a" && copies[0].to == "b" && copies[0].from_keeps);
  EXPECT_FALSE(copies[0].other);
  EXPECT_TRUE(quoin::moved_ranges(ring(), a).empty());
  EXPECT_TRUE(quoin::moved_ranges(a, ring(), 2).empty());
  EXPECT_TRUE(quoin::moved_ranges(a, a).empty());
}

TEST(RingChanges, RefuseRingsWithoutRangesOrOfOtherHashes) {
  const ring one = ring_of(2), probing = ring_of(2, {.probes = 2}),
             seeded = ring_of(2, {.seed = 1});
  EXPECT_THROW(static_cast<void>(quoin::moved_ranges(one, probing)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(quoin::moved_ranges(probing, one, 2)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(quoin::moved_ranges(one, seeded)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(quoin::fetched_share(seeded, one, 2)), std::invalid_argument);
}

}  // namespace
