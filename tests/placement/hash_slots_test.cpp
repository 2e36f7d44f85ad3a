// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/hash_slots.hpp>

#include "support/scarce_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
using quoin::hash_slot_count;
using slots = quoin::hash_slots<>;
using numbers = quoin::hash_slots<int>;
using ranges = std::vector<quoin::slot_range>;

static_assert(quoin::placement<slots> && quoin::placement<numbers>);

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 13}(i); }

// --- keys -----------------------------------------------------------------------------------------

// What redis-server 7.0.15 says to CLUSTER KEYSLOT.
TEST(HashSlots, PutsKeysWhereRedisDoes) {
  const std::pair<std::string_view, unsigned> answers[] = {
      {"", 0},
      {"foo", 12182},
      {"123456789", 12739},
      {"{user:42}.name", 15880},
      {"user:42", 15880},
      {"foo{}{bar}", 8363},
      {"foo{{bar}}zap", 4015},
      {"foo{bar}{zap}", 5061},
      {"}{", 12793},
      {"{}", 15257},
      {"{", 4092},
      {"a}b{c}d", 7365},
      {"user:{1000}:following:and:followers", 11326},
      {"\x00\xff\x80{\x00}"sv, 0},
  };
  for (const auto& [key, slot] : answers) EXPECT_EQ(quoin::hash_slot(key), slot) << key;
  static_assert(quoin::hash_slot("{user:42}.name") == quoin::hash_slot("user:42"));
  const std::vector<std::byte> bytes{std::byte{'f'}, std::byte{'o'}, std::byte{'o'}};
  EXPECT_EQ(quoin::hash_slot(bytes), 12182);
}

TEST(HashSlots, ChecksumsAreThoseOfTheStandard) {
  static_assert(quoin::detail::crc16("123456789", 9) == 0x31c3);
  for (std::size_t size = 0; size < 40; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i)
      bytes += static_cast<char>(random_number(100 * size + i));
    unsigned crc = 0;  // bit by bit
    for (const char c : bytes) {
      crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
      for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0u)) & 0xffff;
    }
    EXPECT_EQ(quoin::detail::crc16(bytes.data(), size), crc) << size;
  }
}

// --- the map --------------------------------------------------------------------------------------

TEST(HashSlots, DealsOutByWeight) {
  const slots three({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(three.slots_of("a"), (ranges{{0, 5461}}));
  EXPECT_EQ(three.slots_of("b"), (ranges{{5462, 10922}}));
  EXPECT_EQ(three.slots_of("c"), (ranges{{10923, 16383}}));
  const slots weighted({{"small", 1}, {"large", 3}});
  EXPECT_EQ(weighted.slots_of("large"), (ranges{{0, 12287}}));
  EXPECT_EQ(weighted.slot_count("small"), 4096u);
  EXPECT_TRUE(weighted.unassigned().empty());
  EXPECT_EQ(three.owner("{user:42}.name"), "c");
  EXPECT_EQ(three.owner_of_slot(5461), "a");
  EXPECT_EQ(three.owner_of_hash(16384 * 5 + 7), "a");
}

TEST(HashSlots, AreMovedByHand) {
  slots map;
  map.add("a");
  map.add("b", 5);
  EXPECT_EQ(map.unassigned(), (ranges{{0, 16383}}));
  map.assign({0, 16383}, "a");
  map.assign(12182, "b");
  EXPECT_EQ(map.owner("foo"), "b");
  EXPECT_EQ(map.slots_of("a"), (ranges{{0, 12181}, {12183, 16383}}));
  map.unassign({0, 99});
  EXPECT_EQ(map.find_owner(99), nullptr);
  EXPECT_EQ(map.unassigned(), (ranges{{0, 99}}));
  map.remove("a");
  EXPECT_EQ(map.slots_of("b"), (ranges{{12182, 12182}}));
  EXPECT_EQ(map.owner("foo"), "b");
  map.add("0, which comes first");  // the others move up in nodes()
  EXPECT_EQ(map.owner("foo"), "b");
  EXPECT_EQ(map.slot_count("0, which comes first"), 0u);
  EXPECT_EQ(std::vector(map.weights().begin(), map.weights().end()),
            (std::vector<std::uint32_t>{1, 5}));
  EXPECT_TRUE(map.contains("b") && !map.contains("a") && map.size() == 2);
}

TEST(HashSlots, ListsMoves) {
  slots before({{"a"}, {"b"}});
  slots after(before);
  EXPECT_TRUE(slot_moves(before, after).empty());
  after.add("c");
  after.assign({10, 20}, "c");
  after.assign({21, 21}, "b");
  after.assign({8190, 8195}, "c");
  after.unassign({16383, 16383});
  using move = quoin::slot_move<std::string>;
  EXPECT_EQ(quoin::slot_moves(before, after),
            (std::vector<move>{{{10, 20}, "a", "c"},
                               {{21, 21}, "a", "b"},
                               {{8190, 8191}, "a", "c"},
                               {{8192, 8195}, "b", "c"},
                               {{16383, 16383}, "b", std::nullopt}}));
  EXPECT_EQ(slot_moves(slots(), before), (std::vector<move>{{{0, 8191}, std::nullopt, "a"},
                                                            {{8192, 16383}, std::nullopt, "b"}}));
}

std::uint32_t moved(const numbers& before, const numbers& after) {
  std::uint32_t sum = 0;
  for (const auto& move : slot_moves(before, after)) sum += move.from ? move.slots.size() : 0;
  return sum;
}

/// The fewest slots that must leave their holders so that each holds its quota, rounded up or down:
/// all ways to round, one by one.
std::uint32_t fewest_moves(const numbers& map) {
  const std::size_t n = map.size();
  const std::uint64_t total =
      std::accumulate(map.weights().begin(), map.weights().end(), std::uint64_t{0});
  std::vector<std::uint64_t> held;
  for (const int node : map.nodes()) held.push_back(map.slot_count(node));
  std::uint32_t best = UINT32_MAX;
  for (unsigned up = 0; up < 1u << n; ++up) {
    std::uint64_t sum = 0;
    std::uint32_t moves = 0;
    bool possible = true;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t product = std::uint64_t{map.weights()[i]} * hash_slot_count;
      const bool one_more = (up >> i & 1) != 0;
      possible = possible && !(one_more && product % total == 0);
      const std::uint64_t share = product / total + one_more;
      sum += share;
      moves += static_cast<std::uint32_t>(held[i] > share ? held[i] - share : 0);
    }
    if (possible && sum == hash_slot_count) best = std::min(best, moves);
  }
  return best;
}

TEST(HashSlots, MovesNoMoreThanItMust) {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    auto random = [i = trial << 32]() mutable { return random_number(i++); };
    numbers map;
    const int n = 1 + static_cast<int>(random() % 9);
    for (int node = 0; node < n; ++node)
      map.add(node, 1 + static_cast<std::uint32_t>(random() % 5));
    if (trial % 3 != 0) map.rebalance();
    for (int i = 0; i < 12; ++i) {
      const auto first = static_cast<std::uint16_t>(random() % hash_slot_count);
      const auto last =
          static_cast<std::uint16_t>(std::min<std::uint64_t>(first + random() % 999, 16383));
      if (i % 4 == 3) {
        map.unassign({first, last});
      } else {
        map.assign({first, last}, static_cast<int>(random() % static_cast<unsigned>(n)));
      }
    }
    map.add(n);
    if (trial % 2 == 0) map.set_weight(0, 7);
    numbers after(map);
    after.rebalance();
    ASSERT_EQ(moved(map, after), fewest_moves(map)) << trial;
    ASSERT_TRUE(after.unassigned().empty());
    const std::uint64_t total =
        std::accumulate(map.weights().begin(), map.weights().end(), std::uint64_t{0});
    for (std::size_t i = 0; i < after.size(); ++i) {
      const std::uint64_t product = std::uint64_t{after.weights()[i]} * hash_slot_count;
      const std::uint32_t count = after.slot_count(after.nodes()[i]);
      ASSERT_TRUE(count == product / total ||
                  (count == product / total + 1 && product % total != 0));
    }
    numbers again(after);
    again.rebalance();
    ASSERT_EQ(again, after);
  }
}

TEST(HashSlots, GivesNobodyMoreThanAWholeShare) {
  numbers map;
  for (const std::uint32_t weight : {3u, 2u, 1u}) map.add(-static_cast<int>(weight), weight);
  map.assign({0, 16383}, -3);
  map.rebalance();
  EXPECT_EQ(map.slot_count(-3), 8192u);  // a half, also of those who hold more
  EXPECT_EQ(map.slot_count(-2), 5461u);
  EXPECT_EQ(map.slot_count(-1), 2731u);
}

TEST(HashSlots, AJoiningNodeTakesFromAllAndALeavingOneGivesToAll) {
  numbers four;
  for (int node = 0; node < 4; ++node) four.add(node);
  four.rebalance();
  numbers five(four);
  five.add(4);
  five.rebalance();
  EXPECT_EQ(moved(four, five), 3276u);  // ⌊16384 / 5⌋
  std::set<int> donors;
  for (const auto& move : slot_moves(four, five)) {
    EXPECT_EQ(move.to, 4);
    donors.insert(*move.from);
  }
  EXPECT_EQ(donors.size(), 4u);
  numbers back(five);
  back.remove(4);
  back.rebalance();
  for (int node = 0; node < 4; ++node) EXPECT_EQ(back.slot_count(node), 4096u);
  EXPECT_EQ(slot_moves(five, back).size(), five.slots_of(4).size());  // each goes back whole
}

TEST(HashSlots, AreEmptyWhenMovedFrom) {
  slots map({{"a"}, {"b"}});
  const slots taken(std::move(map));
  EXPECT_TRUE(map.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(map.find_owner(0), nullptr);
  EXPECT_EQ(map.find_owner(16384), nullptr);
  EXPECT_EQ(map.unassigned(), (ranges{{0, 16383}}));
  EXPECT_THROW(static_cast<void>(map.owner("foo")), std::out_of_range);
  EXPECT_EQ(map, slots());
  map.rebalance();
  map.unassign({0, 5});
  EXPECT_EQ(slot_moves(map, taken), slot_moves(slots(), taken));
  map.add("b");
  map.add("a");
  EXPECT_EQ(map.slot_count("a"), 0u);
  map.rebalance();
  EXPECT_EQ(map, taken);
  const auto& self = map;
  map = self;
  EXPECT_EQ(map, taken);
}

TEST(HashSlots, AreEqualHoweverTheyCameToBe) {
  slots never, no_more;
  never.add("a");
  no_more.add("a");
  no_more.assign({0, 16383}, "a");
  EXPECT_NE(never, no_more);
  no_more.unassign({0, 16383});
  EXPECT_EQ(never, no_more);
  EXPECT_EQ(no_more, never);
  no_more.set_weight("a", 2);
  EXPECT_NE(never, no_more);
}

TEST(HashSlots, StayAsTheyWereWithoutMemory) {
  const slots before({{"the first of some nodes"}, {"the second of some nodes"}});
  const auto unchanged = [&](const slots& map) { ASSERT_EQ(map, before); };
  slots map(before);
  EXPECT_GT(quoin_test::starve(
                map, [](slots& m) { m.add("the third of some nodes"); }, unchanged),
            4u);
  map = before;
  EXPECT_GT(quoin_test::starve(
                map, [](slots& m) { m.remove(m.nodes()[0]); }, unchanged),
            2u);
  map = before;
  EXPECT_GT(quoin_test::starve(
                map, [](slots& m) { m.set_weight(m.nodes()[0], 3); }, unchanged),
            2u);
  slots none;
  none.add("a");
  const slots nothing_held(none);
  const auto still_nothing = [&](const slots& m) { ASSERT_EQ(m, nothing_held); };
  EXPECT_GT(quoin_test::starve(
                none, [](slots& m) { m.assign(0, "a"); }, still_nothing),
            0u);
  EXPECT_EQ(none.slot_count("a"), 1u);
  none = nothing_held;
  EXPECT_GT(quoin_test::starve(
                none, [](slots& m) { m.rebalance(); }, still_nothing),
            2u);
  EXPECT_EQ(none.slot_count("a"), hash_slot_count);
}

TEST(HashSlots, LooksUpManyAsOne) {
  const slots map({{"a"}, {"b"}, {"c"}});
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.push_back("key:" + std::to_string(i));
  std::vector<std::uint32_t> out(keys.size());
  map.owners_many(keys, out);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(map.nodes()[out[i]], map.owner(keys[i]));
    EXPECT_EQ(out[i], map.owner_index(keys[i]));
    EXPECT_EQ(out[i], map.owner_index_of_hash(quoin::hash_slot(keys[i]) + 16384 * i));
  }
}

TEST(HashSlots, RefusesWhatCannotBe) {
  slots map({{"a"}, {"b"}});
  const slots before(map);
  EXPECT_THROW(map.add("a"), std::invalid_argument);
  EXPECT_THROW(map.add("c", 0), std::invalid_argument);
  EXPECT_THROW(map.assign({5, 4}, "a"), std::invalid_argument);
  EXPECT_THROW(map.assign({5, 16384}, "a"), std::invalid_argument);
  EXPECT_THROW(map.assign({5, 6}, "c"), std::invalid_argument);
  for (const std::uint32_t slot : {16384u, 65536u, 65536u + 12182}) {
    EXPECT_THROW(map.assign(slot, "a"), std::invalid_argument) << slot;
    EXPECT_THROW(map.unassign(slot), std::invalid_argument) << slot;
  }
  EXPECT_THROW(map.unassign({0, 16384}), std::invalid_argument);
  EXPECT_THROW(map.remove("c"), std::invalid_argument);
  EXPECT_THROW(map.set_weight("c", 1), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(map.slots_of("c")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(map.owner_of_slot(16384)), std::out_of_range);
  EXPECT_EQ(map, before);
  slots none;
  none.rebalance();
  EXPECT_EQ(none, slots());
  EXPECT_THROW(static_cast<void>(none.owner("foo")), std::out_of_range);
  EXPECT_THROW(static_cast<void>(none.owner_of_hash(1)), std::out_of_range);
  std::uint32_t out[2];
  const std::string keys[] = {"foo", "bar"};
  EXPECT_THROW(none.owners_many(std::span<const std::string>(keys), out), std::out_of_range);
  EXPECT_THROW(none.owners_many(std::span<const std::string>(keys), std::span(out, 1)),
               std::invalid_argument);
  numbers full;
  std::vector<quoin::weighted_node<int>> many(hash_slot_count);
  for (int i = 0; i < static_cast<int>(many.size()); ++i)
    many[static_cast<std::size_t>(i)].node = i;
  full = numbers(many);
  EXPECT_EQ(full.owner_of_slot(16383), 16383);
  EXPECT_THROW(full.add(-1), std::invalid_argument);
}

}  // namespace
