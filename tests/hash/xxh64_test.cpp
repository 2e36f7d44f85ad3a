// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh64.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if QUOIN_WITH_XXHASH
#include <xxhash.h>
#endif

namespace {

using namespace quoin_test;

TEST(xxh64, published_values) {
  EXPECT_EQ(quoin::xxh64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(quoin::xxh64("abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(quoin::xxh64("a"), 0xd24ec4f1a98c6e5bu);
}

TEST(xxh64, smhasher_verification_code) {
  EXPECT_EQ(smhasher_verification([](byte_span bytes, std::uint32_t seed) {
              return little_endian(quoin::xxh64(bytes, seed));
            }),
            0x024b7cf4u);
}

TEST(xxh64, whatever_holds_the_bytes) {
  const std::uint64_t expected = quoin::xxh64(std::string_view("hello"));
  const std::array<std::byte, 5> bytes{std::byte{'h'}, std::byte{'e'}, std::byte{'l'},
                                       std::byte{'l'}, std::byte{'o'}};
  const unsigned char raw[] = {'h', 'e', 'l', 'l', 'o'};
  EXPECT_EQ(quoin::xxh64("hello"), expected);
  EXPECT_EQ(quoin::xxh64(std::string("hello")), expected);
  EXPECT_EQ(quoin::xxh64(std::vector<char>{'h', 'e', 'l', 'l', 'o'}), expected);
  EXPECT_EQ(quoin::xxh64(bytes), expected);
  EXPECT_EQ(quoin::xxh64(std::span<const std::byte>(bytes)), expected);
  EXPECT_EQ(quoin::xxh64(raw), expected);
  EXPECT_EQ(quoin::xxh64(std::u8string_view(u8"hello")), expected);
}

TEST(xxh64, a_char_array_ends_at_its_first_zero_or_its_end) {
  const char padded[8] = {'h', 'e', 'l', 'l', 'o'};
  const char full[5] = {'h', 'e', 'l', 'l', 'o'};
  EXPECT_EQ(quoin::xxh64(padded), quoin::xxh64("hello"));
  EXPECT_EQ(quoin::xxh64(full), quoin::xxh64("hello"));
  EXPECT_NE(quoin::xxh64(std::string_view("hello", 6)), quoin::xxh64("hello"));
}

TEST(xxh64, pointers_are_refused) {
  static_assert(!quoin::detail::byte_range<const char*>);
  static_assert(!quoin::detail::byte_range<std::vector<int>>);
  static_assert(quoin::detail::byte_range<std::string>);
}

TEST(xxh64, empty_may_be_null) {
  EXPECT_EQ(quoin::xxh64(std::string_view()), quoin::xxh64(""));
  EXPECT_EQ(quoin::xxh64(std::span<const std::byte>()), quoin::xxh64(""));
}

TEST(xxh64, constant_expressions_agree) {
  static constexpr auto bytes = constant_bytes<100>();
  constexpr std::uint64_t h = quoin::xxh64(bytes, 3);
  EXPECT_EQ(h, quoin::xxh64(std::vector<unsigned char>(bytes.begin(), bytes.end()), 3));
}

TEST(xxh64, all_lengths_digest) {
  EXPECT_EQ(digest_of_all_lengths(
                [](byte_span bytes, std::uint64_t seed) { return quoin::xxh64(bytes, seed); }),
            0xa54fe45353c2b478u);
}

#if QUOIN_WITH_XXHASH
TEST(xxh64, equals_libxxhash) {
  const std::vector<unsigned char> bytes = random_bytes(4096 + 64);
  std::uint64_t state = 11;
  for (std::size_t size = 0; size <= 4096; ++size) {
    const std::uint64_t seed = split_mix(state);
    const auto part = byte_span(bytes).subspan(size % 64, size);
    ASSERT_EQ(quoin::xxh64(part, seed), XXH64(part.data(), size, seed)) << size;
  }
}
#endif

}  // namespace
