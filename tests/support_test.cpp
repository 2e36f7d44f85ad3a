// SPDX-License-Identifier: BSL-1.0
// The tests' own tools: what measures must itself be right.
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include "fuzz/support/input.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace {

const std::vector<std::byte> sample = {std::byte{1}, std::byte{2}, std::byte{3}};

TEST(Hostile, EveryProperPrefixOnce) {
  std::vector<std::size_t> sizes;
  quoin_test::for_each_truncation(sample, [&](std::span<const std::byte> bytes) {
    sizes.push_back(bytes.size());
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), sample.begin()));
  });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(Hostile, EverySingleBitOnce) {
  std::set<std::vector<std::byte>> seen;
  quoin_test::for_each_bit_flip(sample, [&](std::span<const std::byte> bytes) {
    int differing_bits = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      differing_bits += std::popcount(std::to_integer<unsigned>(bytes[i] ^ sample[i]));
    }
    EXPECT_EQ(differing_bits, 1);
    seen.emplace(bytes.begin(), bytes.end());
  });
  EXPECT_EQ(seen.size(), 24u);
}

TEST(Allocators, Accounts) {
  quoin_test::memory_account account;
  {
    std::vector<std::uint32_t, quoin_test::accounted_allocator<std::uint32_t>> v(
        quoin_test::accounted_allocator<std::uint32_t>{account});
    v.reserve(10);
    EXPECT_EQ(account.live_bytes, 40u);
    EXPECT_EQ(account.largest_request, 40u);
    account.requests_until_failure = 0;
    EXPECT_THROW(v.reserve(100), std::bad_alloc);
    EXPECT_THROW(v.reserve(100), std::bad_alloc);
    EXPECT_EQ(account.largest_request, 400u);
    EXPECT_EQ(account.live_bytes, 40u);
  }
  EXPECT_EQ(account.live_bytes, 0u);
  EXPECT_EQ(account.requests, 3u);
}

TEST(FuzzInput, ReadsLittleEndianAndZeroPastTheEnd) {
  const std::uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 0xff};
  quoin_fuzz::input in(bytes, sizeof bytes);
  EXPECT_EQ(in.take<std::uint16_t>(), 0x0201u);
  EXPECT_EQ(in.take<std::uint32_t>(), 0x06050403u);
  EXPECT_EQ(in.take<std::int8_t>(), -1);
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(in.take<std::uint64_t>(), 0u);
}

TEST(FuzzInput, TakeInCoversItsRange) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto b = static_cast<std::uint8_t>(byte);
    quoin_fuzz::input in(&b, 1);
    EXPECT_EQ(in.take_in<std::uint8_t>(3, 7), 3 + byte % 5);
    quoin_fuzz::input again(&b, 1);
    EXPECT_EQ(again.take_in<std::uint8_t>(0, 255), byte);
  }
}

}  // namespace
