// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/murmur2.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace quoin_test;

TEST(murmur2, smhasher_verification_code) {
  EXPECT_EQ(smhasher_verification([](byte_span bytes, std::uint32_t seed) {
              return little_endian(quoin::murmur2_64a(bytes, seed));
            }),
            0x1f0d3804u);
}

/// The definition, one byte after the other.
std::uint64_t by_definition(byte_span bytes, std::uint64_t seed) {
  const std::uint64_t m = 0xc6a4a7935bd1e995u;
  std::uint64_t h = seed ^ (std::uint64_t{bytes.size()} * m);
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t k = 0;
    for (std::size_t b = 8; b-- > 0;) k = k << 8 | bytes[i + b];
    k *= m;
    k ^= k >> 47;
    k *= m;
    h ^= k;
    h *= m;
  }
  if (i < bytes.size()) {
    for (std::size_t b = bytes.size() - i; b-- > 0;) h ^= std::uint64_t{bytes[i + b]} << (8 * b);
    h *= m;
  }
  h ^= h >> 47;
  h *= m;
  return h ^ (h >> 47);
}

// Peers that widen the last bytes with their sign differ here.
TEST(murmur2, every_length_with_low_and_high_bytes) {
  for (std::size_t size = 0; size < 100; ++size) {
    for (const int high : {0, 1}) {
      std::vector<unsigned char> bytes = random_bytes(size, size + 3);
      for (auto& byte : bytes) {
        byte = static_cast<unsigned char>(high != 0 ? byte | 0x80 : byte & 0x7f);
      }
      EXPECT_EQ(quoin::murmur2_64a(bytes, 0xadc83b19u), by_definition(bytes, 0xadc83b19u)) << size;
      const std::string chars(bytes.begin(), bytes.end());
      EXPECT_EQ(quoin::murmur2_64a(chars), by_definition(bytes, 0)) << size << ": char is signed";
    }
  }
}

TEST(murmur2, whatever_holds_the_bytes) {
  const std::uint64_t expected = quoin::murmur2_64a(std::string_view("hello"), 7);
  const std::array<std::byte, 5> bytes{std::byte{'h'}, std::byte{'e'}, std::byte{'l'},
                                       std::byte{'l'}, std::byte{'o'}};
  EXPECT_EQ(quoin::murmur2_64a("hello", 7), expected);
  EXPECT_EQ(quoin::murmur2_64a(bytes, 7), expected);
  EXPECT_EQ(quoin::murmur2_64a(std::span<const std::byte>(bytes), 7), expected);
  EXPECT_EQ(quoin::murmur2_64a(std::string("hello"), 7), expected);
  EXPECT_NE(quoin::murmur2_64a("hello", 8), expected);
  EXPECT_EQ(quoin::murmur2_64a(""), 0u);
}

TEST(murmur2, constant_expressions_agree) {
  static constexpr auto bytes = constant_bytes<61>();
  constexpr std::uint64_t h = quoin::murmur2_64a(bytes, 3);
  const std::vector<unsigned char> copy(bytes.begin(), bytes.end());
  EXPECT_EQ(h, quoin::murmur2_64a(copy, 3));
}

TEST(murmur2, all_lengths_digest) {
  EXPECT_EQ(digest_of_all_lengths([](byte_span bytes, std::uint64_t seed) {
              return quoin::murmur2_64a(bytes, seed);
            }),
            digest_of_all_lengths(by_definition));
}

}  // namespace
