// SPDX-License-Identifier: BSL-1.0
// Rings whose tokens even out the loads.
#include <quoin/placement/hash_ring.hpp>
#include <quoin/placement/ring_changes.hpp>

#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<int>;
using quoin::token_allocation;

ring balanced(int nodes, std::uint32_t tokens) {
  ring r({.virtual_nodes = tokens, .allocation = token_allocation::balanced});
  for (int node = 0; node < nodes; ++node) r.add(node * 7 % nodes);
  return r;
}

TEST(RingAllocation, IsEvenWithFewTokens) {
  for (const std::uint32_t tokens : {16u, 32u}) {
    const ring r = balanced(100, tokens);
    EXPECT_EQ(r.token_count(), 100 * tokens);
    EXPECT_LT(r.balance().standard_deviation, 0.05) << tokens;
    const ring random({.virtual_nodes = tokens}, r.nodes());
    EXPECT_GT(random.balance().standard_deviation, 0.1) << tokens;  // 1/√tokens is 0.25, 0.18
  }
}

TEST(RingAllocation, MovesNothingBetweenNodesThatStay) {
  ring r = balanced(20, 16);
  const auto change = [&](int changed, auto f) {
    const ring before = r;
    f();
    EXPECT_EQ(r.epoch(), before.epoch() + 1);
    for (const auto& move : quoin::moved_ranges(before, r)) {
      EXPECT_TRUE(move.from == changed || move.to == changed);
    }
  };
  change(100, [&] { r.add(100, {.weight = 2}); });
  EXPECT_EQ(r.virtual_nodes_of(100), 32u);
  EXPECT_NEAR(r.load_share(100), 2.0 / 22, 0.01);
  change(3, [&] { r.set_weight(3, 4); });
  EXPECT_EQ(r.tokens_of(3).size(), 64u);
  EXPECT_NEAR(r.load_share(3), 4.0 / 25, 0.03);
  change(3, [&] { r.set_weight(3, 1); });
  EXPECT_EQ(r.tokens_of(3).size(), 16u);
  change(5, [&] { r.remove(5); });
  const auto inherited = r.tokens_of(6);
  const double share = r.load_share(6);
  r.replace(6, 600);
  EXPECT_EQ(r.tokens_of(600), inherited);
  EXPECT_EQ(r.load_share(600), share);
  r.add(6);
  EXPECT_EQ(r.size(), 21u);
  while (!r.empty()) r.remove(r.nodes()[0]);
  r.add(1);
  EXPECT_EQ(r.load_share(1), 1);
}

TEST(RingAllocation, JoinsManyAsOneAfterTheOther) {
  const std::vector<int> nodes = {9, 4, 1, 7};
  const quoin::hash_ring_options options = {.virtual_nodes = 8,
                                            .allocation = token_allocation::balanced};
  const ring at_once(options, nodes);
  ring one_by_one(options);
  for (const int node : {1, 4, 7, 9}) one_by_one.add(node);
  EXPECT_EQ(at_once, one_by_one);
  EXPECT_EQ(at_once.epoch(), 1u);
  EXPECT_FALSE(at_once == ring({.virtual_nodes = 8}, nodes));
}

TEST(RingAllocation, NeedsOneProbe) {
  EXPECT_THROW(ring({.probes = 2, .allocation = token_allocation::balanced}),
               std::invalid_argument);
}

TEST(RingAllocation, IsKeptInBytes) {
  ring r = balanced(3, 4);
  r.set_weight(1, 2);
  r.replace(2, -5);
  const auto bytes = r.to_bytes();
  quoin_test::expect_golden("hash_ring_balanced.bin", bytes);
  auto read = ring::from_bytes(bytes);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, r);
  EXPECT_EQ(read->to_bytes(), bytes);
  for (ring* const each : {&r, &*read}) each->add(77);
  EXPECT_EQ(*read, r);
  quoin_test::for_each_truncation(bytes,
                                  [](auto damaged) { EXPECT_FALSE(ring::from_bytes(damaged)); });
  quoin_test::for_each_bit_flip(bytes, [&](auto damaged) {
    EXPECT_FALSE(ring::from_bytes(damaged));
    std::vector<std::byte> repaired(damaged.begin(), damaged.end());
    const std::size_t end = repaired.size() - 8;
    quoin::detail::store_le(&repaired[end], quoin::detail::xxh64(repaired.data(), end));
    if (const auto accepted = ring::from_bytes(repaired)) {
      EXPECT_EQ(accepted->to_bytes(), repaired);
      EXPECT_TRUE(accepted->contains(accepted->owner_of_hash(1)));
      ring more = *accepted;
      more.add(12345);
    }
  });
}

TEST(RingAllocation, RefusesTokensThatAreNobodys) {
  const auto good = balanced(2, 2).to_bytes();
  constexpr std::size_t tokens = 56 + 16 + 2 * 32, numbers = tokens + 4 * 8;
  const auto says = [&](std::size_t at, auto value) {
    auto bytes = good;
    quoin::detail::store_le(&bytes[at], value);
    quoin::detail::store_le(&bytes[bytes.size() - 8],
                            quoin::detail::xxh64(bytes.data(), bytes.size() - 8));
    const auto read = ring::from_bytes(bytes);
    return read ? std::string("accepted") : std::string(read.error().text());
  };
  EXPECT_NE(says(30, std::uint16_t{2}).find("allocation"), std::string::npos);
  EXPECT_NE(says(12, 2u).find("allocation"), std::string::npos);
  EXPECT_NE(says(30, std::uint16_t{0}).find("not a token"), std::string::npos);
  EXPECT_NE(says(tokens, UINT64_MAX).find("not in order"), std::string::npos);
  EXPECT_NE(says(numbers, 2u).find("no node"), std::string::npos);
  const auto first = quoin::detail::load_le<std::uint32_t>(&good[numbers]);
  EXPECT_NE(says(numbers, 1 - first).find("one too many"), std::string::npos);
}

}  // namespace
