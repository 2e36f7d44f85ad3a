// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/md5.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace quoin_test;

std::string hex(const quoin::md5_digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// RFC 1321, A.5.
TEST(md5, rfc_1321_test_suite) {
  const struct {
    const char* text;
    const char* digest;
  } suite[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
       "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
  };
  for (const auto& [text, digest] : suite) {
    EXPECT_EQ(hex(quoin::md5(std::string_view(text))), digest) << text;
  }
}

/// Section 3 of the RFC, word by word.
quoin::md5_digest by_definition(byte_span bytes) {
  std::vector<unsigned char> message(bytes.begin(), bytes.end());
  message.push_back(0x80);
  while (message.size() % 64 != 56) message.push_back(0);
  for (unsigned i = 0; i < 8; ++i) {
    message.push_back(static_cast<unsigned char>(std::uint64_t{bytes.size()} * 8 >> (8 * i)));
  }
  const int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  std::uint32_t a = 0x67452301, b = 0xefcdab89, c = 0x98badcfe, d = 0x10325476;
  for (std::size_t block = 0; block < message.size(); block += 64) {
    const std::uint32_t aa = a, bb = b, cc = c, dd = d;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t round = i / 16;
      const std::uint32_t f = round == 0   ? (b & c) | (~b & d)
                              : round == 1 ? (b & d) | (c & ~d)
                              : round == 2 ? b ^ c ^ d
                                           : c ^ (b | ~d);
      const std::size_t steps[4] = {i, 5 * i + 1, 3 * i + 5, 7 * i};
      const std::size_t word = block + 4 * (steps[round] % 16);
      std::uint32_t x = 0;
      for (std::size_t k = 4; k-- > 0;) x = x << 8 | message[word + k];
      const double sine = std::fabs(std::sin(static_cast<double>(i + 1)));
      const auto constant = static_cast<std::uint32_t>(4294967296.0 * sine);
      const std::uint32_t sum = a + f + x + constant;
      a = d;
      d = c;
      c = b;
      b += std::rotl(sum, rotations[round][i % 4]);
    }
    a += aa;
    b += bb;
    c += cc;
    d += dd;
  }
  quoin::md5_digest digest{};
  const std::uint32_t words[4] = {a, b, c, d};
  for (std::size_t i = 0; i < 16; ++i) {
    digest[i] = static_cast<unsigned char>(words[i / 4] >> (8 * (i % 4)));
  }
  return digest;
}

TEST(md5, every_length_by_definition) {
  const std::vector<unsigned char> bytes = random_bytes(300 + 8);
  for (std::size_t size = 0; size <= 300; ++size) {
    const auto part = byte_span(bytes).subspan(size % 8, size);
    EXPECT_EQ(hex(quoin::md5(part)), hex(by_definition(part))) << size;
  }
}

TEST(md5, whatever_holds_the_bytes_and_in_constant_expressions) {
  static constexpr auto bytes = constant_bytes<130>();
  constexpr quoin::md5_digest digest = quoin::md5(bytes);
  const std::vector<unsigned char> copy(bytes.begin(), bytes.end());
  EXPECT_EQ(quoin::md5(copy), digest);
  EXPECT_EQ(quoin::md5(std::string(copy.begin(), copy.end())), digest);
  EXPECT_EQ(quoin::md5(std::as_bytes(std::span(copy))), digest);
  static_assert(quoin::md5("abc")[0] == 0x90);
}

}  // namespace
