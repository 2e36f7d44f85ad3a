// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/datasketches_hash.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr quoin::datasketches_hash ds;

TEST(datasketches_hash, is_murmur3_of_the_eight_bytes_of_a_number) {
  const std::vector<std::byte> bytes{std::byte{0x15}, std::byte{0xcd}, std::byte{0x5b},
                                     std::byte{0x07}, std::byte{0},    std::byte{0},
                                     std::byte{0},    std::byte{0}};
  EXPECT_EQ(ds(std::uint64_t{123'456'789}), quoin::murmur3_x64_128(bytes, 9001));
  EXPECT_EQ(ds(bytes), ds(std::uint64_t{123'456'789}));
  static_assert(ds(std::uint64_t{1}) == ds(1));
}

TEST(datasketches_hash, widens_narrow_integers_with_their_sign) {
  const quoin::hash128 minus_one = ds(std::int64_t{-1});
  EXPECT_EQ(ds(std::int32_t{-1}), minus_one);
  EXPECT_EQ(ds(std::int16_t{-1}), minus_one);
  EXPECT_EQ(ds(std::int8_t{-1}), minus_one);
  EXPECT_EQ(ds(std::uint32_t{0xffffffffu}), minus_one);
  EXPECT_EQ(ds(std::uint16_t{0xffff}), minus_one);
  EXPECT_EQ(ds(std::uint8_t{0xff}), minus_one);
  EXPECT_EQ(ds(~std::uint64_t{0}), minus_one);
  EXPECT_EQ(ds(std::uint32_t{7}), ds(std::uint64_t{7}));
}

TEST(datasketches_hash, takes_numbers_with_a_fraction_as_doubles) {
  EXPECT_EQ(ds(0.5f), ds(0.5));
  EXPECT_EQ(ds(0.5), ds(std::bit_cast<std::uint64_t>(0.5)));
  EXPECT_EQ(ds(-0.0), ds(0.0));
  EXPECT_EQ(ds(0.0), ds(0));
  const double nan = std::bit_cast<double>(std::uint64_t{0x7ff8000000000000u});
  EXPECT_EQ(ds(nan), ds(std::uint64_t{0x7ff8000000000000u}));
  EXPECT_EQ(ds(std::bit_cast<double>(std::uint64_t{0xfff8000000000001u})), ds(nan));
  EXPECT_EQ(ds(std::numeric_limits<float>::quiet_NaN()), ds(nan));
  EXPECT_NE(ds(1.0), ds(1));
}

TEST(datasketches_hash, takes_text_by_its_bytes) {
  const char* text = "cornerstone";
  EXPECT_EQ(ds("cornerstone"), quoin::murmur3_x64_128(std::string_view(text), 9001));
  EXPECT_EQ(ds(text), ds("cornerstone"));
  EXPECT_EQ(ds(std::string(text)), ds("cornerstone"));
  EXPECT_NE(quoin::datasketches_hash{1}("cornerstone"), ds("cornerstone"));
}

TEST(datasketches_hash, names_its_seed_by_sixteen_bits) {
  EXPECT_EQ(ds.seed_hash(), 0x93cc);  // as in every serialized form with the default seed
  EXPECT_NE(quoin::datasketches_hash{123}.seed_hash(), ds.seed_hash());
}

TEST(datasketches_hash, takes_only_keys_that_mean_the_same_everywhere) {
  static_assert(quoin::datasketches_key<std::uint8_t>);
  static_assert(quoin::datasketches_key<long long>);
  static_assert(quoin::datasketches_key<float>);
  static_assert(quoin::datasketches_key<char[4]>);
  static_assert(quoin::datasketches_key<std::vector<unsigned char>>);
  static_assert(!quoin::datasketches_key<bool>);
  static_assert(!quoin::datasketches_key<char>);
  static_assert(!quoin::datasketches_key<wchar_t>);
  static_assert(!quoin::datasketches_key<char32_t>);
  static_assert(!quoin::datasketches_key<long double>);
  static_assert(!quoin::datasketches_key<int*>);
}

}  // namespace
