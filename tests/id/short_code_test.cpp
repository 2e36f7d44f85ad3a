// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/short_code.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace {

using quoin::errc;
using quoin::short_code_error;
using quoin::short_codes;
using words = std::vector<std::string_view>;

constexpr quoin::siphash_key key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

TEST(short_codes, are_the_ciphers_numbers_in_base62) {
  for (std::size_t width = 1; width <= short_codes::max_width; ++width) {
    const short_codes codes({.key = key, .width = width});
    const quoin::id_cipher cipher({.key = key, .size = quoin::base62::max_of_width(width) + 1});
    EXPECT_EQ(codes.width(), width);
    EXPECT_EQ(codes.capacity(), cipher.size());
    for (const std::uint64_t n : {std::uint64_t{0}, cipher.size() / 3, cipher.size() - 1}) {
      const std::string code = codes.encode(n).value();
      EXPECT_EQ(code, quoin::base62::encode_fixed(cipher.encrypt(n), width));
      EXPECT_EQ(codes.decode(code).value(), n);
    }
    EXPECT_EQ(codes.encode(cipher.size()).error(), short_code_error::exhausted);
    EXPECT_EQ(codes.next_allowed(cipher.size()).error(), short_code_error::exhausted);
    EXPECT_EQ(codes.remaining(cipher.size() - 2), 2u);
    EXPECT_EQ(codes.remaining(~std::uint64_t{0}), 0u);
  }
}

TEST(short_codes, are_the_same_everywhere) {
  const short_codes codes({.key = key});
  const std::string_view wanted[] = {"emZ3U7o", "Gj6f8Cu", "bYGZQ5m", "21gmVGT"};
  for (std::uint64_t n = 0; n < 4; ++n) EXPECT_EQ(codes.encode(n).value(), wanted[n]);
  const quoin::basic_short_codes<quoin::basic_base62<quoin::digits_upper_lower>> others(
      {.key = key});
  std::string swapped(wanted[0]);
  for (char& c : swapped)
    c = c >= 'a' ? static_cast<char>(c - 32) : c >= 'A' ? static_cast<char>(c + 32) : c;
  EXPECT_EQ(others.encode(0).value(), swapped);
}

TEST(short_codes, each_number_has_one) {
  const short_codes codes({.key = key, .width = 3});
  std::unordered_set<std::string> seen;
  for (std::uint64_t n = 0; n < 30'000; ++n) {
    const std::string code = codes.encode(n).value();
    ASSERT_EQ(code.size(), 3u);
    ASSERT_TRUE(seen.insert(code).second) << code;
    ASSERT_EQ(codes.decode(code).value(), n);
  }
}

TEST(short_codes, refuse_other_texts_and_say_where) {
  const short_codes codes({.key = key, .width = 7});
  EXPECT_EQ(codes.decode("").error().code(), errc::truncated);
  EXPECT_EQ(codes.decode("abcdef").error().code(), errc::truncated);
  EXPECT_EQ(codes.decode("abcdefgh").error().code(), errc::trailing_bytes);
  for (std::size_t at = 0; at < 7; ++at) {
    for (const char foreign : {' ', '-', '/', '\0', '\xff'}) {
      std::string text = "ZZZZZZZ";
      EXPECT_TRUE(codes.decode(text));
      text[at] = foreign;
      ASSERT_FALSE(codes.decode(text));
      EXPECT_EQ(codes.decode(text).error().code(), errc::bad_value);
      EXPECT_EQ(codes.decode(text).error().position(), at);
    }
  }
}

TEST(short_codes, leave_out_reserved_ones) {
  const short_codes all({.key = key, .width = 2});
  const words reserved = {"ZZ", "q1", "Z", "long", "?!"}, blocked = {"X", "7"};
  const short_codes codes({.key = key, .width = 2, .reserved = reserved, .blocked = blocked});
  const words whole = {"ZZ", "zz", "Zz", "zZ", "q1", "Q1"};
  std::size_t left_out = 0;
  for (std::uint64_t n = 0; n < codes.capacity(); ++n) {
    const std::string code = all.encode(n).value();
    const bool is_left_out = std::count(whole.begin(), whole.end(), code) != 0 ||
                             code.find_first_of("xX7") != std::string::npos;
    left_out += is_left_out ? 1u : 0u;
    EXPECT_EQ(codes.is_reserved(code), is_left_out) << code;
    const auto encoded = codes.encode(n);
    ASSERT_EQ(encoded.has_value(), !is_left_out) << code;
    if (!is_left_out) {
      EXPECT_EQ(*encoded, code);
      EXPECT_EQ(codes.next_allowed(n).value(), n);
    } else {
      EXPECT_EQ(encoded.error(), short_code_error::reserved);
      const auto next = codes.next_allowed(n);
      EXPECT_TRUE(!next || (*next > n && codes.encode(*next)));
    }
    EXPECT_EQ(codes.decode(code).value(), n) << "given before the word was reserved";
  }
  EXPECT_EQ(left_out, 6u + (62 * 62 - 59 * 59));
  const words everything = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
                            "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x",
                            "y", "z", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  const short_codes none({.key = key, .width = 2, .blocked = everything});
  EXPECT_EQ(none.next_allowed(0).error(), short_code_error::exhausted);
  // 62^7 attempts would take days.
  const short_codes long_ones({.key = key, .width = 7, .blocked = everything});
  EXPECT_EQ(long_ones.next_allowed(0).error(), short_code_error::reserved);
  EXPECT_EQ(long_ones.next_allowed(long_ones.capacity() - 9).error(), short_code_error::exhausted);
}

TEST(short_codes, try_as_many_numbers_as_they_say_and_no_more) {
  // All but 0: one code of width 3 is left, "000".
  const words all_but_one = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
                             "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x",
                             "y", "z", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  const short_codes codes({.key = {1, 2}, .width = 3, .blocked = all_but_one});
  const std::uint64_t only = codes.decode("000").value(), steps = short_codes::most_steps;
  ASSERT_GT(only, steps);
  ASSERT_LT(only, codes.capacity() - steps);
  EXPECT_EQ(codes.next_allowed(only).value(), only);
  EXPECT_EQ(codes.next_allowed(only - 1).value(), only);
  EXPECT_EQ(codes.next_allowed(only + 1 - steps).value(), only) << "the last that is tried";
  EXPECT_EQ(codes.next_allowed(only - steps).error(), short_code_error::reserved);
  EXPECT_EQ(codes.next_allowed(only + 1).error(), short_code_error::reserved);
  EXPECT_EQ(codes.next_allowed(codes.capacity() - steps).error(), short_code_error::exhausted);
  EXPECT_EQ(codes.next_allowed(codes.capacity() - steps - 1).error(), short_code_error::reserved);
}

TEST(short_codes, refuse_wrong_options) {
  const words empty = {""};
  EXPECT_THROW(short_codes({.key = key, .width = 0}), std::invalid_argument);
  EXPECT_THROW(short_codes({.key = key, .width = 11}), std::invalid_argument);
  EXPECT_THROW(short_codes({.key = {}, .width = 7}), std::invalid_argument);  // forgotten
  EXPECT_THROW(short_codes({.key = key, .reserved = empty}), std::invalid_argument);
  EXPECT_THROW(short_codes({.key = key, .blocked = empty}), std::invalid_argument);
  char room[6];
  EXPECT_THROW(static_cast<void>(short_codes({.key = key}).encode_to(room, 1)),
               std::invalid_argument);
  EXPECT_STRNE(to_text(short_code_error::exhausted), to_text(short_code_error::reserved));
  EXPECT_STREQ(to_text(short_code_error{}), "unknown");
}

}  // namespace
