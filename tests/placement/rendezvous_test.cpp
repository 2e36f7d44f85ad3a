// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/rendezvous.hpp>

#include "support/fragile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using nodes = quoin::rendezvous<>;
using numbered = quoin::rendezvous<std::uint32_t>;
using numbers = std::vector<std::uint32_t>;

static_assert(quoin::placement<nodes> && quoin::placement<numbered>);

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 14}(i); }

/// Nodes 0 … n - 1; weights 1, or of `weight(i)`.
template <class Weight>
numbered weighted(std::uint32_t n, Weight weight) {
  std::vector<quoin::weighted_node<std::uint32_t>> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back({i, weight(i)});
  return numbered(all);
}
numbered alike(std::uint32_t n) {
  return weighted(n, [](std::uint32_t) { return 1u; });
}
std::uint32_t one_to_five(std::uint32_t i) { return i % 5 + 1; }

// --- logarithms -----------------------------------------------------------------------------------

std::vector<std::uint64_t> draws() {
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < 3000; ++i) all.push_back(random_number(i) >> i % 64);
  for (std::size_t i = 0; i < 3000; ++i) all.push_back(~all[i]);
  for (unsigned zeros = 0; zeros < 64; ++zeros) {  // the edges of pieces
    for (std::uint64_t i = 64; i < 128; ++i) {
      const std::uint64_t edge = zeros <= 57 ? i << (57 - zeros) : i >> (zeros - 57);
      for (std::uint64_t off = 0; off < 4; ++off) all.push_back(edge + off - 3);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Rendezvous, LogarithmsAreExactEnough) {
  for (const std::uint64_t draw : draws()) {
    const double actual = static_cast<double>(quoin::detail::minus_log(draw)) * 0x1p-58;
    const double missing = static_cast<double>(~draw) * 0x1p-64;
    const double expected = missing < 0.5 ? -std::log1p(-missing)
                                          : -std::log((static_cast<double>(draw) + 1) * 0x1p-64);
    ASSERT_NEAR(actual, expected, 0x1p-44 + 1e-14 * expected) << draw;
    ASSERT_GE(quoin::detail::minus_log(draw), quoin::detail::cheap_log(draw)) << draw;
  }
  EXPECT_EQ(quoin::detail::minus_log(~std::uint64_t{0}), 0u);
}

TEST(Rendezvous, LogarithmsNeverRise) {
  std::uint64_t before = ~std::uint64_t{0};
  for (const std::uint64_t draw : draws()) {
    const std::uint64_t log = quoin::detail::minus_log(draw);
    ASSERT_LE(log, before) << draw;
    before = log;
  }
}

// --- owners ---------------------------------------------------------------------------------------

/// Owners by the definition, in floating point.
std::uint32_t by_definition(const numbered& n, std::uint64_t hash) {
  double best = -1;
  std::uint32_t owner = 0;
  for (std::uint32_t i = 0; i < n.size(); ++i) {
    using namespace quoin::detail;
    const rendezvous_seed seed{name_hash(n.nodes()[i], 2), name_hash(n.nodes()[i], 3) | 1};
    const double missing = static_cast<double>(~rendezvous_draw(seed, hash)) * 0x1p-64;
    const double score = -1.0 * n.weights()[i] / std::log1p(-missing);
    if (score > best) best = score, owner = i;
  }
  return owner;
}

// A tie within the rounding of doubles has a chance of about 1e-12 a key.
TEST(Rendezvous, IsTheDefinition) {
  for (const std::uint32_t n : {1u, 2u, 10u, 100u}) {
    const numbered all[] = {alike(n), weighted(n, one_to_five),
                            weighted(n, [](std::uint32_t i) { return 1u << i % 24; })};
    for (const auto& each : all) {
      for (std::uint64_t i = 0; i < 1000; ++i) {
        const std::uint64_t hash = random_number(i);
        ASSERT_EQ(each.owner_index_of_hash(hash), by_definition(each, hash)) << n << ' ' << i;
      }
    }
  }
}

// Chi-squared of 50,000 keys, whose hashes are random or a counter (which draws survive, though
// nothing is promised of such): beyond mean + 5 sd with probability below 1e-4 in each of the 12.
TEST(Rendezvous, IsEvenByWeight) {
  for (const std::uint32_t n : {3u, 10u, 100u}) {
    const numbered all[] = {alike(n), weighted(n, one_to_five)};
    for (const auto& each : all) {
      const double total = std::accumulate(each.weights().begin(), each.weights().end(), 0.0);
      for (const bool counter : {false, true}) {
        constexpr std::uint64_t keys = 50'000;
        numbers count(n);
        for (std::uint64_t i = 0; i < keys; ++i) {
          ++count[each.owner_index_of_hash(counter ? i : random_number(i))];
        }
        double chi_squared = 0;
        for (std::uint32_t i = 0; i < n; ++i) {
          const double mean = keys * each.weights()[i] / total;
          chi_squared += (count[i] - mean) * (count[i] - mean) / mean;
        }
        EXPECT_LT(chi_squared, n - 1 + 5 * std::sqrt(2.0 * (n - 1))) << n << ' ' << counter;
      }
    }
  }
}

// Every ordered pair of first and second replica is as likely as another: the draws of nodes do not
// depend on one another. The same threshold.
TEST(Rendezvous, SecondsAreEvenToo) {
  constexpr std::uint32_t n = 12;
  const numbered all = alike(n);
  for (const bool counter : {false, true}) {
    constexpr std::uint64_t keys = 100'000;
    numbers count(n * n);
    for (std::uint64_t i = 0; i < keys; ++i) {
      std::uint32_t two[2];
      all.replicas_of_hash(counter ? i : random_number(i), two);
      ++count[two[0] * n + two[1]];
    }
    const double pairs = n * (n - 1), mean = keys / pairs;
    double chi_squared = 0;
    for (std::uint32_t i = 0; i < n * n; ++i) {
      if (i % (n + 1) != 0) chi_squared += (count[i] - mean) * (count[i] - mean) / mean;
    }
    EXPECT_LT(chi_squared, pairs - 1 + 5 * std::sqrt(2 * (pairs - 1))) << counter;
  }
}

TEST(Rendezvous, MovesOnlyWhatItMust) {
  for (const bool with_weights : {false, true}) {
    const numbered before = with_weights ? weighted(20, one_to_five) : alike(20);
    numbered less(before), more(before), heavier(before), lighter(before);
    less.remove(7);
    more.add(100, 3);
    heavier.set_weight(7, 9);
    lighter.set_weight(4, with_weights ? 4 : 1);
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      const std::uint64_t hash = random_number(i);
      const std::uint32_t owner = before.owner_of_hash(hash);
      const auto unmoved_or = [&](const numbered& after, std::uint32_t from, std::uint32_t to) {
        const std::uint32_t now = after.owner_of_hash(hash);
        return now == owner || owner == from || now == to;
      };
      ASSERT_TRUE(unmoved_or(less, 7, ~0u));
      ASSERT_NE(less.owner_of_hash(hash), 7u);
      ASSERT_TRUE(unmoved_or(more, ~0u, 100));
      ASSERT_TRUE(unmoved_or(heavier, ~0u, 7));
      ASSERT_TRUE(unmoved_or(lighter, 4, ~0u));
    }
  }
}

TEST(Rendezvous, ReplicasAreTheOwnersOnceTheFirstAreGone) {
  for (const bool with_weights : {false, true}) {
    const numbered all = with_weights ? weighted(9, one_to_five) : alike(9);
    for (std::uint64_t i = 0; i < 300; ++i) {
      const std::uint64_t hash = random_number(i);
      numbered left(all);
      numbers expected;
      while (!left.empty()) {
        const std::uint32_t owner = left.owner_of_hash(hash);
        expected.push_back(owner);
        // Weights stay unlike: what is compared is one order.
        left.remove(owner);
      }
      for (std::size_t n = 0; n < 11; ++n) {
        numbers out(n);
        const std::size_t found = all.replicas_of_hash(hash, out);
        ASSERT_EQ(found, std::min<std::size_t>(n, 9));
        ASSERT_TRUE(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(found),
                               expected.begin()))
            << i << ' ' << n;
      }
    }
  }
  EXPECT_EQ(alike(5).replicas("key", 3).size(), 3u);
  EXPECT_EQ(alike(2).replicas("key", 3).size(), 2u);
  EXPECT_TRUE(nodes().replicas("key", 3).empty());
}

TEST(Rendezvous, LooksUpManyAsOne) {
  for (const bool with_weights : {false, true}) {
    nodes all({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}, {.seed = 3});
    if (with_weights) all.set_weight("b", 3);
    std::vector<std::string> keys;
    std::vector<std::uint64_t> hashes;
    for (std::size_t i = 0; i < 333; ++i) {
      keys.push_back("key " + std::to_string(i));
      hashes.push_back(quoin::hash{3}(keys.back()));
    }
    numbers of_keys(333), of_hashes(334, 77);
    all.owners_many(keys, of_keys);
    all.owners_of_hash_many(hashes, of_hashes);
    for (std::size_t i = 0; i < 333; ++i) {
      ASSERT_EQ(of_keys[i], all.owner_index(keys[i]));
      ASSERT_EQ(of_hashes[i], of_keys[i]);
      ASSERT_EQ(all.nodes()[of_keys[i]], all.owner(keys[i]));
    }
    EXPECT_EQ(of_hashes[333], 77u);
    EXPECT_THROW(all.owners_many(keys, std::span(of_keys).first(332)), std::invalid_argument);
  }
}

TEST(Rendezvous, IsTheSameOnEveryPlatform) {
  std::uint64_t digest = 0;
  for (const auto& all : {alike(7), weighted(50, one_to_five),
                          weighted(20, [](std::uint32_t i) { return 1u << i; })}) {
    for (std::uint64_t i = 0; i < 2000; ++i) {
      digest = quoin::hash{digest}(all.owner_of_hash(random_number(i)));
    }
  }
  EXPECT_EQ(digest, 15540307860079230329u);
  EXPECT_EQ(nodes({{"a"}, {"b"}, {"c", 2}}).owner("user:42"), "b");
}

TEST(Rendezvous, HoldsASetOfNodes) {
  nodes one({{"a"}, {"b", 2}, {"c"}});
  nodes other;
  other.add("c");
  other.add("b");
  other.add("x");
  other.add("a");
  other.remove("x");
  other.set_weight("b", 2);
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.owner("key"), other.owner("key"));
  EXPECT_TRUE(one.contains("b") && !one.contains("x"));
  EXPECT_EQ(one.index_of("c"), 2u);
  EXPECT_EQ(one.weights()[1], 2u);
  EXPECT_FALSE(one == nodes({{"a"}, {"b", 2}, {"c"}}, {.seed = 1}));
  EXPECT_THROW(one.add("a"), std::invalid_argument);
  EXPECT_THROW(one.add("d", 0), std::invalid_argument);
  EXPECT_THROW(one.add("d", ~0u), std::invalid_argument);
  EXPECT_THROW(one.remove("d"), std::invalid_argument);
  EXPECT_THROW(one.set_weight("d", 1), std::invalid_argument);
  EXPECT_EQ(one, other);
  one.clear();
  EXPECT_TRUE(one.empty());
  EXPECT_THROW(static_cast<void>(one.owner("key")), std::out_of_range);
  numbers out(1);
  EXPECT_THROW(one.owners_many(std::vector<int>{1}, out), std::out_of_range);
  const nodes moved(std::move(other));
  EXPECT_EQ(moved.size(), 3u);
  EXPECT_EQ(other, nodes());  // NOLINT: its state is known
  EXPECT_THROW(static_cast<void>(other.owner("key")), std::out_of_range);
  other.add("d", 2);
  other.add("e");
  auto& same = other;
  other = same;
  EXPECT_EQ(other.size(), 2u);
  EXPECT_EQ(other.replicas("key", ~std::size_t{0}).size(), 2u);
}

TEST(Rendezvous, DecidesARaceThatIsATie) {
  using quoin::detail::runner;
  const auto expect_before = [](const runner& a, const runner& b) {
    EXPECT_TRUE(a.is_before(b));
    EXPECT_FALSE(b.is_before(a));
  };
  expect_before({2, 9, 1, 1}, {4, 8, 2, 0});                     // 2 / 1 = 4 / 2: the larger draw
  expect_before({2, 9, 1, 0}, {4, 9, 2, 1});                     // then the lesser index
  expect_before({2, 9, 1, 0}, {2, 9, 1, 1});                     // also of equal weights
  expect_before({2, 8, 1, 1}, {5, 9, 2, 0});                     // 2 < 5 / 2
  expect_before({(1ull << 63) - 1, 1, 1, 1}, {~0ull, 9, 2, 0});  // by 1 / 2, beyond 53 bits
}

// Every change fails at each copy of a node in turn, and then succeeds.
TEST(Rendezvous, IsAsItWasWhenAChangeFails) {
  quoin_test::expect_whole_after_failures(
      quoin::rendezvous<quoin_test::fragile>(quoin_test::some_fragile_nodes()));
}

}  // namespace
