// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/crc32c.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

// RFC 3720, B.4.
TEST(crc32c, rfc_3720_examples) {
  std::array<unsigned char, 32> bytes{};
  EXPECT_EQ(quoin::crc32c(bytes), 0x8a9136aau);
  bytes.fill(0xff);
  EXPECT_EQ(quoin::crc32c(bytes), 0x62a8ab43u);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<unsigned char>(i);
  EXPECT_EQ(quoin::crc32c(bytes), 0x46dd794eu);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<unsigned char>(31 - i);
  EXPECT_EQ(quoin::crc32c(bytes), 0x113fdb5cu);
  const unsigned char read_command[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(quoin::crc32c(read_command), 0xd9963a56u);
}

TEST(crc32c, check_value) {
  static_assert(quoin::crc32c("123456789") == 0xe3069283u);
  EXPECT_EQ(quoin::crc32c(std::string("123456789")), 0xe3069283u);
  EXPECT_EQ(quoin::crc32c(""), 0u);
}

// Bit by bit, from the polynomial as the RFC writes it.
std::uint32_t by_definition(byte_span bytes) {
  std::uint32_t state = 0xffffffffu;
  for (const unsigned char byte : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const bool out = ((state & 1) ^ ((byte >> bit) & 1u)) != 0;
      state = (state >> 1) ^ (out ? 0x82f63b78u : 0u);
    }
  }
  return ~state;
}

TEST(crc32c, every_length_by_definition_at_every_level) {
  const std::vector<unsigned char> bytes = random_bytes(1300 + 8);
  for (std::size_t size = 0; size <= 1300; ++size) {
    const auto part = byte_span(bytes).subspan(size % 8, size);
    const std::uint32_t expected = by_definition(part);
    EXPECT_EQ(quoin::crc32c(part), expected) << size;
    detail::for_each_isa([&](quoin::isa level) {
      EXPECT_EQ(~detail::crc32c_at(level, ~0u, part.data(), size), expected)
          << to_string(level) << ' ' << size;
    });
  }
}

TEST(crc32c, long_inputs_at_every_level) {
  const std::vector<unsigned char> bytes = random_bytes(40000);
  for (const std::size_t size : {6143u, 6144u, 6145u, 12288u, 12700u, 20000u, 40000u}) {
    const std::uint32_t expected = detail::crc32c_portable(5u, bytes.data(), size);
    detail::for_each_isa([&](quoin::isa level) {
      EXPECT_EQ(detail::crc32c_at(level, 5u, bytes.data(), size), expected)
          << to_string(level) << ' ' << size;
    });
  }
  EXPECT_EQ(quoin::crc32c(bytes), by_definition(bytes));
}

TEST(crc32c, in_pieces_as_at_once) {
  const std::vector<unsigned char> bytes = random_bytes(1000);
  const std::uint32_t whole = quoin::crc32c(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::uint32_t head = quoin::crc32c(byte_span(bytes).first(cut));
    EXPECT_EQ(quoin::crc32c(byte_span(bytes).subspan(cut), head), whole) << cut;
  }
}

TEST(crc32c, finds_every_single_and_double_bit_error_of_a_small_frame) {
  std::vector<unsigned char> bytes = random_bytes(24);
  const std::uint32_t crc = quoin::crc32c(bytes);
  const auto flip = [&](std::size_t bit) {
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1u << (bit % 8)));
  };
  for (std::size_t i = 0; i < 192; ++i) {
    flip(i);
    EXPECT_NE(quoin::crc32c(bytes), crc);
    for (std::size_t j = i + 1; j < 192; ++j) {
      flip(j);
      EXPECT_NE(quoin::crc32c(bytes), crc);
      flip(j);
    }
    flip(i);
  }
}

}  // namespace
