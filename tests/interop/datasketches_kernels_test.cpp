// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/datasketches_kernels.hpp>
#include <quoin/interop/datasketches_hash.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

namespace detail = quoin::detail;

std::vector<std::uint64_t> words() {
  std::vector<std::uint64_t> all{0, 1, ~std::uint64_t{0}, 0x8000000000000000u, 0xffffffffu};
  while (all.size() < 4'099) all.push_back(all.back() * 0x9e3779b97f4a7c15u + 1);
  return all;
}

TEST(datasketches_kernels, hash_a_word_as_murmur3_hashes_its_bytes) {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{9001}, ~std::uint64_t{0}}) {
    for (const std::uint64_t word : words()) {
      const quoin::hash128 expected = quoin::datasketches_hash{seed}(word);
      const detail::uint128_halves hash = detail::murmur_of_word(word, seed);
      ASSERT_EQ(hash.lo, expected.lo);
      ASSERT_EQ(hash.hi, expected.hi);
    }
  }
}

TEST(datasketches_kernels, equal_the_portable_one_on_every_level) {
  const auto all = words();
  detail::for_each_isa([&](quoin::isa level) {
    const detail::datasketches_kernels kernels = detail::datasketches_kernels_of(level);
    for (const std::size_t n : {0u, 1u, 3u, 4u, 5u, 63u, 4'099u}) {
      std::vector<std::uint32_t> coupons(n + 1, 7), expected(n + 1, 7);
      kernels.coupons(all.data(), n, 9001, coupons.data());
      detail::coupons_scalar(all.data(), n, 9001, expected.data());
      EXPECT_EQ(coupons, expected) << to_string(level) << ' ' << n;
      std::vector<std::uint64_t> hashes(n + 1, 7), portable(n + 1, 7);
      kernels.low_hashes(all.data(), n, 123, hashes.data());
      detail::low_hashes_scalar(all.data(), n, 123, portable.data());
      EXPECT_EQ(hashes, portable) << to_string(level) << ' ' << n;
    }
  });
}

TEST(datasketches_kernels, make_coupons_of_any_number_of_zeros) {
  for (unsigned zeros = 0; zeros < 64; ++zeros) {
    const std::uint32_t coupon =
        detail::make_coupon(0xfedcba9876543210u, ~std::uint64_t{0} >> zeros);
    EXPECT_EQ(detail::coupon_value(coupon), zeros < 62 ? zeros + 1 : 63u);
    EXPECT_EQ(detail::coupon_address(coupon), 0x76543210u & 0x3ffffffu);
  }
  EXPECT_EQ(detail::coupon_value(detail::make_coupon(0, 0)), 63u);
}

}  // namespace
