// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh3.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if QUOIN_WITH_XXHASH
#include <xxhash.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#endif

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

std::uint64_t portable(byte_span bytes, std::uint64_t seed) {
  return detail::xxh3_long(bytes.data(), bytes.size(), seed, detail::xxh3_add_all<unsigned char>);
}

TEST(xxh3, published_value) { EXPECT_EQ(quoin::xxh3_64(""), 0x2d06800538d394c2u); }

TEST(xxh3, whatever_holds_the_bytes) {
  const std::string text(300, 'x');
  const std::uint64_t expected = quoin::xxh3_64(text);
  EXPECT_EQ(quoin::xxh3_64(std::string_view(text)), expected);
  EXPECT_EQ(quoin::xxh3_64(std::as_bytes(std::span(text))), expected);
  EXPECT_EQ(quoin::xxh3_64(std::vector<signed char>(300, 'x')), expected);
  EXPECT_EQ(quoin::xxh3_64("xyz"), quoin::xxh3_64(std::string("xyz")));
  EXPECT_EQ(quoin::xxh3_64(std::string_view()), quoin::xxh3_64(""));
}

constexpr auto constant = constant_bytes<3000>();

template <std::size_t Size>
void expect_constant_agrees() {
  constexpr std::uint64_t h =
      quoin::xxh3_64(std::span<const unsigned char>(constant.data(), Size), 5);
  const std::vector<unsigned char> bytes(constant.begin(), constant.begin() + Size);
  EXPECT_EQ(h, quoin::xxh3_64(bytes, 5)) << Size;
}

TEST(xxh3, constant_expressions_agree) {
  expect_constant_agrees<0>();
  expect_constant_agrees<2>();
  expect_constant_agrees<7>();
  expect_constant_agrees<16>();
  expect_constant_agrees<100>();
  expect_constant_agrees<200>();
  expect_constant_agrees<241>();
  expect_constant_agrees<3000>();
}

TEST(xxh3, every_kernel_equals_the_portable_one) {
  const std::vector<unsigned char> bytes = random_bytes(8192 + 64);
  detail::for_each_isa([&](quoin::isa level) {
    for (std::size_t size = 241; size <= 8192; ++size) {
      const auto part = byte_span(bytes).subspan(size % 64, size);
      const std::uint64_t seed = size % 3 == 0 ? 0 : size * 0x9e3779b97f4a7c15u;
      ASSERT_EQ(detail::xxh3_long(part.data(), size, seed, detail::xxh3_kernel_of(level)),
                portable(part, seed))
          << to_string(level) << ' ' << size;
    }
  });
}

TEST(xxh3, all_lengths_digest) {
  EXPECT_EQ(digest_of_all_lengths(
                [](byte_span bytes, std::uint64_t seed) { return quoin::xxh3_64(bytes, seed); }),
            0x6367a35220eaf9b1u);
}

TEST(xxh3, every_bit_of_the_input_and_the_seed_counts) {
  for (const std::size_t size :
       {1u, 3u, 4u, 8u, 9u, 16u, 17u, 64u, 128u, 129u, 240u, 241u, 1100u}) {
    std::vector<unsigned char> bytes = random_bytes(size);
    const std::uint64_t h = quoin::xxh3_64(bytes, 1);
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      const auto mask = static_cast<unsigned char>(1u << (bit % 8));
      bytes[bit / 8] ^= mask;
      EXPECT_NE(quoin::xxh3_64(bytes, 1), h) << size << ' ' << bit;
      bytes[bit / 8] ^= mask;
    }
    EXPECT_NE(quoin::xxh3_64(bytes, 2), h);
    EXPECT_NE(quoin::xxh3_64(bytes, std::uint64_t{1} | std::uint64_t{1} << 63), h);
  }
}

#if QUOIN_WITH_XXHASH
TEST(xxh3, equals_libxxhash) {
  const std::vector<unsigned char> bytes = random_bytes(4096 + 64);
  std::uint64_t state = 11;
  for (std::size_t size = 0; size <= 4096; ++size) {
    for (const std::uint64_t seed : {std::uint64_t{0}, split_mix(state)}) {
      const auto part = byte_span(bytes).subspan(size % 64, size);
      ASSERT_EQ(quoin::xxh3_64(part, seed), XXH3_64bits_withSeed(part.data(), size, seed)) << size;
    }
  }
}

TEST(xxh3, equals_libxxhash_on_megabytes) {
  const std::vector<unsigned char> bytes = random_bytes((5u << 20) + 77);
  for (const std::size_t size : {std::size_t{1} << 20, std::size_t{3} << 20, bytes.size()}) {
    const auto part = byte_span(bytes).first(size);
    EXPECT_EQ(quoin::xxh3_64(part, 9), XXH3_64bits_withSeed(part.data(), size, 9)) << size;
  }
}

#if defined(__linux__) && defined(__LP64__)
TEST(xxh3, equals_libxxhash_beyond_32_bits_of_length) {
  constexpr std::size_t size = (std::size_t{1} << 32) + 1000;
  void* const zeros =
      mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) GTEST_SKIP() << "no address space for 4 GiB of zeros";
  const byte_span part(static_cast<const unsigned char*>(zeros), size);
  EXPECT_EQ(quoin::xxh3_64(part), XXH3_64bits(zeros, size));
  munmap(zeros, size);
}
#endif
#endif

}  // namespace
