// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/crc32.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace quoin_test;

TEST(crc32, check_values) {
  static_assert(quoin::crc32("123456789") == 0xcbf43926u);
  EXPECT_EQ(quoin::crc32(std::string("123456789")), 0xcbf43926u);
  EXPECT_EQ(quoin::crc32(""), 0u);
  // The last chunk of a PNG, the alphabet, 32 zeros: as zlib gives them.
  EXPECT_EQ(quoin::crc32("IEND"), 0xae426082u);
  EXPECT_EQ(quoin::crc32("abcdefghijklmnopqrstuvwxyz"), 0x4c2750bdu);
  EXPECT_EQ(quoin::crc32(std::array<unsigned char, 32>{}), 0x190a55adu);
}

// Bit by bit, from the polynomial x^32 + x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7
// + x^5 + x^4 + x^2 + x + 1.
std::uint32_t by_definition(byte_span bytes) {
  std::uint32_t polynomial = 0;
  for (const int power : {26, 23, 22, 16, 12, 11, 10, 8, 7, 5, 4, 2, 1, 0}) {
    polynomial |= std::uint32_t{1} << (31 - power);
  }
  std::uint32_t state = 0xffffffffu;
  for (const unsigned char byte : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool out = ((state & 1) ^ ((byte >> bit) & 1u)) != 0;
      state = (state >> 1) ^ (out ? polynomial : 0u);
    }
  }
  return ~state;
}

TEST(crc32, every_length_by_definition) {
  const std::vector<unsigned char> bytes = random_bytes(600 + 8);
  for (std::size_t size = 0; size <= 600; ++size) {
    const auto part = byte_span(bytes).subspan(size % 8, size);
    EXPECT_EQ(quoin::crc32(part), by_definition(part)) << size;
  }
}

TEST(crc32, in_pieces_as_at_once) {
  const std::vector<unsigned char> bytes = random_bytes(100);
  const std::uint32_t whole = quoin::crc32(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::uint32_t head = quoin::crc32(byte_span(bytes).first(cut));
    EXPECT_EQ(quoin::crc32(byte_span(bytes).subspan(cut), head), whole) << cut;
  }
}

}  // namespace
