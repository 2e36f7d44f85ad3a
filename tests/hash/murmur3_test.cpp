// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/murmur3.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace quoin_test;

TEST(murmur3, smhasher_verification_codes) {
  EXPECT_EQ(smhasher_verification([](byte_span bytes, std::uint32_t seed) {
              return little_endian(quoin::murmur3_x86_32(bytes, seed));
            }),
            0xb0f57ee3u);
  EXPECT_EQ(smhasher_verification([](byte_span bytes, std::uint32_t seed) {
              const quoin::hash128 h = quoin::murmur3_x64_128(bytes, seed);
              std::array<unsigned char, 16> out;
              quoin::detail::store_le(out.data(), h.lo);
              quoin::detail::store_le(out.data() + 8, h.hi);
              return out;
            }),
            0x6384ba69u);
}

TEST(murmur3, known_values_x86_32) {
  EXPECT_EQ(quoin::murmur3_x86_32(""), 0u);
  EXPECT_EQ(quoin::murmur3_x86_32("", 1), 0x514e28b7u);
  EXPECT_EQ(quoin::murmur3_x86_32("", 0xffffffffu), 0x81f16f39u);
  EXPECT_EQ(quoin::murmur3_x86_32("\xff\xff\xff\xff"), 0x76293b50u);
  EXPECT_EQ(quoin::murmur3_x86_32("aaaa", 0x9747b28cu), 0x5a97808au);
  EXPECT_EQ(quoin::murmur3_x86_32("Hello, world!", 0x9747b28cu), 0x24884cbau);
  EXPECT_EQ(quoin::murmur3_x86_32("The quick brown fox jumps over the lazy dog", 0x9747b28cu),
            0x2fa826cdu);
}

TEST(murmur3, known_values_x64_128) {
  EXPECT_EQ(quoin::murmur3_x64_128(""), (quoin::hash128{0, 0}));
  EXPECT_EQ(quoin::murmur3_x64_128("The quick brown fox jumps over the lazy dog"),
            (quoin::hash128{0xe34bbc7bbc071b6cu, 0x7a433ca9c49a9347u}));
}

// Tokens as the drivers of Cassandra publish them.
TEST(murmur3, cassandra_tokens) {
  const auto token = [](const std::string& key) {
    return static_cast<std::int64_t>(quoin::murmur3_x64_128_cassandra(key).lo);
  };
  std::string mixed;
  for (int i = 0; i < 10; ++i) mixed += std::string("\x00\xff\x10\xfa\x99", 5);
  EXPECT_EQ(token("123"), -7468325962851647638);
  EXPECT_EQ(token(mixed), 5837342703291459765);
  EXPECT_EQ(token(std::string(8, '\xfe')), -8927430733708461935);
  EXPECT_EQ(token(std::string(8, '\x10')), 1446172840243228796);
  EXPECT_EQ(token("9223372036854775807"), 7162290910810015547);
}

// The tail alone, from the definition: `signed` widening as Java does it, one byte after another.
quoin::hash128 signed_tail_by_definition(byte_span bytes) {
  const auto multiply = [](std::uint64_t k, std::uint64_t a, int r, std::uint64_t b) {
    return std::rotl(k * a, r) * b;
  };
  std::uint64_t k1 = 0, k2 = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    const std::int64_t wide = bytes[i] < 128 ? bytes[i] : std::int64_t{bytes[i]} - 256;
    (i < 8 ? k1 : k2) ^= static_cast<std::uint64_t>(wide) << (8 * (i % 8));
  }
  std::uint64_t h1 = 0, h2 = 0;
  h2 ^= multiply(k2, 0x4cf5ad432745937fu, 33, 0x87c37b91114253d5u);
  h1 ^= multiply(k1, 0x87c37b91114253d5u, 31, 0x4cf5ad432745937fu);
  h1 ^= bytes.size();
  h2 ^= bytes.size();
  h1 += h2;
  h2 += h1;
  for (std::uint64_t* h : {&h1, &h2}) {
    *h ^= *h >> 33;
    *h *= 0xff51afd7ed558ccdu;
    *h ^= *h >> 33;
    *h *= 0xc4ceb9fe1a85ec53u;
    *h ^= *h >> 33;
  }
  h1 += h2;
  h2 += h1;
  return {h1, h2};
}

TEST(murmur3, tails_of_every_length_with_high_bytes) {
  for (std::size_t size = 0; size < 16; ++size) {
    for (const int high : {0, 1}) {
      std::vector<unsigned char> bytes = random_bytes(size, size + 3);
      for (auto& byte : bytes) {
        byte = static_cast<unsigned char>(high != 0 ? byte | 0x80 : byte & 0x7f);
      }
      const auto cassandra = quoin::murmur3_x64_128_cassandra(bytes);
      EXPECT_EQ(cassandra, signed_tail_by_definition(bytes)) << size;
      EXPECT_EQ(cassandra == quoin::murmur3_x64_128(bytes), high == 0 || size == 0) << size;
    }
  }
}

TEST(murmur3, whole_blocks_have_no_tail_to_differ_in) {
  const std::vector<unsigned char> bytes(64, 0xff);
  EXPECT_EQ(quoin::murmur3_x64_128_cassandra(bytes, 4), quoin::murmur3_x64_128(bytes, 4));
}

TEST(murmur3, constant_expressions_agree) {
  static constexpr auto bytes = constant_bytes<61>();
  constexpr quoin::hash128 wide = quoin::murmur3_x64_128(bytes, 3);
  constexpr std::uint32_t narrow = quoin::murmur3_x86_32(bytes, 3);
  const std::vector<unsigned char> copy(bytes.begin(), bytes.end());
  EXPECT_EQ(wide, quoin::murmur3_x64_128(copy, 3));
  EXPECT_EQ(narrow, quoin::murmur3_x86_32(copy, 3));
}

TEST(murmur3, all_lengths_digests) {
  EXPECT_EQ(digest_of_all_lengths([](byte_span bytes, std::uint64_t seed) {
              const quoin::hash128 h = quoin::murmur3_x64_128(bytes, seed);
              return h.lo ^ std::rotl(h.hi, 1);
            }),
            0xc326f558042e3baau);
  EXPECT_EQ(digest_of_all_lengths([](byte_span bytes, std::uint64_t seed) {
              const quoin::hash128 h = quoin::murmur3_x64_128_cassandra(bytes, seed);
              return h.lo ^ std::rotl(h.hi, 1);
            }),
            0x526d9f4146b91126u);
  EXPECT_EQ(digest_of_all_lengths([](byte_span bytes, std::uint64_t seed) {
              return std::uint64_t{quoin::murmur3_x86_32(bytes, static_cast<std::uint32_t>(seed))};
            }),
            0x612c5832e2939678u);
}

}  // namespace
