// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/base32.hpp>

#include "support/guarded_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using quoin::base32;
using quoin::errc;
using quoin::error;
using quoin::expected;
using quoin::uint128;

constexpr std::uint64_t max_u64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state ^ state >> 29;
}

using bytes = std::vector<unsigned char>;

/// Comparisons of a kind are compiled once.
[[gnu::noinline]] bool same(std::string_view a, std::string_view b) {
  EXPECT_EQ(a, b);
  return a == b;
}
[[gnu::noinline]] bool same(std::uint64_t a, std::uint64_t b) {
  EXPECT_EQ(a, b);
  return a == b;
}
[[gnu::noinline]] bool same(const expected<std::uint64_t, error>& a, std::uint64_t b) {
  return a.has_value() ? same(*a, b) : (ADD_FAILURE() << a.error().message(), false);
}

[[gnu::noinline]] void expect_that(const error& e, errc code, std::uint64_t position) {
  EXPECT_TRUE(e == error(code, position, "")) << e.message() << " instead of " << position;
}

template <class Result>
[[gnu::noinline]] void expect_error(const Result& result, errc code, std::uint64_t position) {
  ASSERT_FALSE(result);
  expect_that(result.error(), code, position);
}

/// Bit by bit, from the lowest on.
std::string by_definition(const bytes& number, std::size_t width) {
  std::string text(width, '0');
  for (std::size_t bit = 0; bit < 8 * number.size(); ++bit) {
    if ((number[number.size() - 1 - bit / 8] >> (bit % 8) & 1) == 0) continue;
    char& c = text[width - 1 - bit / 5];
    c = digits[digits.find(c) + (std::size_t{1} << (bit % 5))];
  }
  return text;
}

bytes bytes_of(uint128 n) {
  bytes value;
  for (unsigned i = 16; i-- > 0;) {
    value.push_back(static_cast<unsigned char>((i < 8 ? n.lo : n.hi) >> (8 * (i % 8)) & 0xff));
  }
  return value;
}

std::string minimal(uint128 n) {
  const std::string text = by_definition(bytes_of(n), 26);
  return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
}

// ---- numbers ------------------------------------------------------------------------------------

TEST(base32, known_pairs) {
  for (const auto& [n, text, symbol] : {std::tuple{std::uint64_t{0}, "0", '0'},
                                        {31, "Z", 'Z'},
                                        {32, "10", '*'},
                                        {36, "14", 'U'},
                                        {37, "15", '0'},
                                        {42, "1A", '5'},
                                        {1234, "16J", 'D'},
                                        {1'000'000'000, "XSNJG0", '1'},
                                        {1'650'553'701, "1H62WV5", 'J'},
                                        {max_u64, "FZZZZZZZZZZZZ", 'B'}}) {
    EXPECT_TRUE(same(base32::encode(n), text));
    EXPECT_TRUE(same(base32::decode(text), n));
    EXPECT_TRUE(same(base32::decode_any(text), n));
    EXPECT_EQ(base32::check_symbol(n), symbol) << n;
    EXPECT_TRUE(same(base32::encode_checked(n), text + std::string(1, symbol)));
    EXPECT_TRUE(same(base32::decode_checked(text + std::string(1, symbol)), n));
  }
}

// Around every power of 2, and numbers of every size: as by definition, and back.
TEST(base32, numbers_of_every_size) {
  std::uint64_t state = 1;
  const auto check = [](std::uint64_t n) {
    const std::string text = minimal({0, n});
    ASSERT_TRUE(same(base32::encode(n), text));
    ASSERT_TRUE(same(base32::width_of(n), text.size()));
    ASSERT_TRUE(same(base32::decode(text), n));
    ASSERT_TRUE(same(base32::decode_any(text), n));
    ASSERT_TRUE(same(base32::decode_checked(base32::encode_checked(n)), n));
    for (const std::size_t width : {text.size(), std::size_t{13}, std::size_t{20}}) {
      const std::string fixed = std::string(width - text.size(), '0') + text;
      ASSERT_TRUE(same(base32::encode_fixed(n, width), fixed));
      ASSERT_TRUE(same(base32::decode_fixed(fixed, width), n));
      ASSERT_TRUE(same(base32::decode_any(fixed), n));
    }
  };
  for (unsigned i = 0; i < 64; ++i) {
    for (std::uint64_t d = 0; d < 3; ++d) check((std::uint64_t{1} << i) + d - 1);
    for (int j = 0; j < 50; ++j) check(next_random(state) >> i);
  }
}

TEST(base32, numbers_of_128_bits) {
  std::uint64_t state = 3;
  for (unsigned i = 0; i < 2000; ++i) {
    const uint128 n{i % 3 == 0 ? 0 : next_random(state) >> i % 64, next_random(state)};
    const std::string text = minimal(n), wide = std::string(30 - text.size(), '0') + text;
    ASSERT_TRUE(same(base32::encode(n), text));
    ASSERT_TRUE(base32::decode_128(text).value() == n) << text;
    ASSERT_TRUE(base32::decode_any_128(wide).value() == n) << text;
    ASSERT_TRUE(same(base32::encode_fixed(n, 30), wide));
    ASSERT_TRUE(base32::decode_fixed_128(wide, 30).value() == n) << wide;
    ASSERT_TRUE(base32::decode_checked_128(base32::encode_checked(n)).value() == n) << text;
    ASSERT_TRUE(base32::decode_any_checked_128(base32::encode_checked(n)).value() == n) << text;
    if (n.hi == 0) {
      ASSERT_EQ(base32::check_symbol(n), base32::check_symbol(n.lo));
    }
    // Horner's rule over the digits, modulo 37.
    unsigned rest = 0;
    for (const char c : text) rest = (rest * 32 + static_cast<unsigned>(digits.find(c))) % 37;
    ASSERT_EQ(base32::check_symbol(n), (std::string(digits) + "*~$=U")[rest]) << text;
  }
  EXPECT_TRUE(same(base32::encode(uint128{max_u64, max_u64}), "7" + std::string(25, 'Z')));
  EXPECT_TRUE(same(base32::encode(uint128{}), "0"));
  EXPECT_TRUE(same(base32::encode_fixed(uint128{1, 0}).size(), 26));
  expect_error(base32::decode_128("8" + std::string(25, '0')), errc::bad_value, 0);
  expect_error(base32::decode_any_128("80" + std::string(24, '0')), errc::bad_value, 25);
  expect_error(base32::decode_128(std::string(27, 'Z')), errc::bad_value, 0);
  EXPECT_THROW(static_cast<void>(base32::encode_fixed(uint128{1, 0}, 10)), std::invalid_argument);
}

[[gnu::noinline]] void expect_canonical(std::string_view text) {
  const std::size_t foreign = text.find_first_not_of(digits);
  const auto n = base32::decode(text);
  ASSERT_TRUE(n.has_value() ==
              (foreign == std::string_view::npos && (text.size() == 1 || text[0] != '0')))
      << text;
  if (n) {
    ASSERT_TRUE(same(base32::encode(*n), text));
  } else {
    expect_that(n.error(), errc::bad_value, foreign == std::string_view::npos ? 0 : foreign);
  }
}

/// What Crockford's page lets a character say.
std::string_view said(char c) {
  const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (c == '-') return "";
  if (upper == 'I' || upper == 'L') return "1";
  if (upper == 'O') return "0";
  const std::size_t at = digits.find(upper);
  return at == std::string_view::npos ? "?" : digits.substr(at, 1);
}

[[gnu::noinline]] void expect_lenient(std::string_view text) {
  std::string heard;
  for (const char c : text) heard += said(c);
  const auto n = base32::decode_any(text);
  if (heard.empty()) return expect_error(n, errc::truncated, text.size());
  const std::size_t zeros = std::min(heard.find_first_not_of('0'), heard.size() - 1);
  const auto strict = base32::decode(std::string_view(heard).substr(zeros));
  ASSERT_TRUE(n.has_value() == strict.has_value()) << text;
  if (n) {
    ASSERT_TRUE(same(*n, *strict)) << text;
  }
}

// All texts of one and two bytes; of three, all with digits, letters and some others.
TEST(base32, every_short_text) {
  const std::string some = std::string(digits) + "ILOUiloupzAa/:@[`{-*" + '\0' + '\xb0';
  char text[3];
  for (int i = 0; i < 256; ++i) {
    text[0] = static_cast<char>(i);
    expect_canonical({text, 1});
    expect_lenient({text, 1});
    for (int j = 0; j < 256; ++j) {
      text[1] = static_cast<char>(j);
      expect_canonical({text, 2});
      expect_lenient({text, 2});
    }
  }
  for (const char first : some) {
    for (const char second : some) {
      for (const char third : some) {
        text[0] = first;
        text[1] = second;
        text[2] = third;
        expect_canonical({text, 3});
        expect_lenient({text, 3});
      }
    }
  }
}

// Every byte at every place of texts of every length.
TEST(base32, foreign_characters_are_found) {
  for (std::size_t size = 1; size <= 26; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, '1');
      for (int i = 0; i < 256; ++i) {
        text[at] = static_cast<char>(i);
        if (digits.find(text[at]) != std::string_view::npos) continue;
        for (const auto& n : {base32::decode_128(text), base32::decode_fixed_128(text, size)}) {
          ASSERT_FALSE(n) << text;
          ASSERT_TRUE(same(n.error().position(), at)) << text;
        }
        if (said(text[at]) == "?") {
          ASSERT_TRUE(same(base32::decode_any_128(text).error().position(), at)) << text;
        }
      }
    }
  }
}

TEST(base32, errors_of_numbers) {
  expect_error(base32::decode(""), errc::truncated, 0);
  expect_error(base32::decode("01"), errc::bad_value, 0);
  expect_error(base32::decode("G000000000000"), errc::bad_value, 0);
  expect_error(base32::decode("10000000000000"), errc::bad_value, 0);
  expect_error(base32::decode("16j"), errc::bad_value, 2);
  expect_error(base32::decode("16-J"), errc::bad_value, 2);
  expect_error(base32::decode_fixed("0016J", 6), errc::truncated, 5);
  expect_error(base32::decode_fixed("0016J", 4), errc::trailing_bytes, 4);
  expect_error(base32::decode_fixed("0G000000000000", 14), errc::bad_value, 1);
  expect_error(base32::decode_any(""), errc::truncated, 0);
  expect_error(base32::decode_any("--"), errc::truncated, 2);
  expect_error(base32::decode_any("16U"), errc::bad_value, 2);
  expect_error(base32::decode_any("g-000000-000000"), errc::bad_value, 14);
  EXPECT_TRUE(same(base32::decode_any("--0016--j-"), 1234));
  EXPECT_TRUE(same(base32::decode_any("oOilIL"), 32 * 32 * 32 + 32 * 32 + 33));
  EXPECT_TRUE(same(base32::decode_any(std::string(1000, '0') + "fzzzz-zzzz-zzzz"), max_u64));
  EXPECT_THROW(static_cast<void>(base32::encode(-1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(base32::encode_fixed(32, 1)), std::invalid_argument);
}

// Each other digit and each swap of two neighbours is found; so is each other symbol.
TEST(base32, slips_are_found_by_the_check_symbol) {
  std::uint64_t state = 5;
  const std::string symbols = std::string(digits) + "*~$=U";
  for (unsigned i = 0; i < 200; ++i) {
    const std::string text = base32::encode_checked(next_random(state) >> (4 + i % 60));
    const std::size_t last = text.size() - 1;
    for (std::size_t at = 0; at < last; ++at) {
      std::string slip = text;
      for (const char c : digits) {
        slip[at] = c;
        if (c != text[at])
          expect_error(base32::decode_any_checked(slip), errc::checksum_mismatch, last);
      }
      slip = text;
      if (at + 1 == last || slip[at] == slip[at + 1]) continue;
      std::swap(slip[at], slip[at + 1]);
      expect_error(base32::decode_any_checked(slip), errc::checksum_mismatch, last);
    }
    for (const char c : symbols) {
      if (c == text[last]) continue;
      const std::string slip = text.substr(0, last) + c;
      expect_error(base32::decode_checked(slip), errc::checksum_mismatch, last);
      expect_error(base32::decode_any_checked(slip), errc::checksum_mismatch, last);
    }
  }
}

TEST(base32, checked_texts) {
  EXPECT_TRUE(same(base32::decode_any_checked("l-6j-d--"), 1234));
  EXPECT_TRUE(same(base32::decode_any_checked("14u"), 36));
  EXPECT_TRUE(same(base32::decode_any_checked("15o"), 37));
  EXPECT_TRUE(same(base32::decode_any_checked("0-0"), 0));
  expect_error(base32::decode_checked("14u"), errc::bad_value, 2);
  expect_error(base32::decode_checked("016JD"), errc::bad_value, 0);
  expect_error(base32::decode_checked("16jD"), errc::bad_value, 2);
  expect_error(base32::decode_checked("16JE"), errc::checksum_mismatch, 3);
  expect_error(base32::decode_checked("16J!"), errc::bad_value, 3);
  expect_error(base32::decode_checked("0"), errc::truncated, 1);
  expect_error(base32::decode_checked(""), errc::truncated, 0);
  expect_error(base32::decode_any_checked(""), errc::truncated, 0);
  expect_error(base32::decode_any_checked("--"), errc::truncated, 2);
  expect_error(base32::decode_any_checked("-0"), errc::truncated, 1);
  expect_error(base32::decode_any_checked("16j!-"), errc::bad_value, 3);
  expect_error(base32::decode_any_checked("1!jd"), errc::bad_value, 1);
  char room[] = "????";
  EXPECT_TRUE(same(base32::encode_checked_to(std::span(room, 3), 1234), 0));
  EXPECT_TRUE(same(base32::encode_checked_to(std::span(room, 0), 0), 0));
  EXPECT_TRUE(same(room, "????"));
  EXPECT_TRUE(same(base32::encode_checked_to(std::span(room, 4), 1234), 4));
  EXPECT_TRUE(same({room, 4}, "16JD"));
}

TEST(base32, constant_expressions) {
  static_assert(base32::decode("16J").value() == 1234);
  static_assert(base32::decode_any("l-6j").value() == 1234);
  static_assert(base32::decode_any_checked("l-6j-d").value() == 1234);
  static_assert(!base32::decode_checked("16JE"));
  static_assert(base32::decode_bytes<5>("91JPRV3F").value()[4] == std::byte{'o'});
  static_assert(!base32::decode_bytes<1>("80"));
  constexpr auto text = [] {
    std::array<char, 26> out{};
    return base32::encode_fixed_to(out, uint128{max_u64, 31}) ? out : std::array<char, 26>{};
  }();
  EXPECT_TRUE(same({text.data(), text.size()}, "7ZZZZZZZZZZZZG00000000000Z"));
}

// ---- bytes --------------------------------------------------------------------------------------

// Every size to 70 bytes and the largest; all ones, too; and everything that differs in a digit.
TEST(base32, bytes_of_every_size) {
  std::uint64_t state = 7;
  for (std::size_t size = 0; size <= base32::max_bytes; size += size < 70 ? 1 : 159) {
    for (int trial = 0; trial < 4; ++trial) {
      bytes value(size, 0xff);
      for (auto& byte : value) {
        if (trial > 0) byte = static_cast<unsigned char>(next_random(state) >> 40);
      }
      if (trial == 3 && size != 0) value[0] = 0;
      const std::string text = by_definition(value, (8 * size + 4) / 5);
      ASSERT_TRUE(same(base32::width_of_bytes(size), text.size()));
      ASSERT_TRUE(same(base32::encode_bytes(value), text));
      const auto back = base32::decode_bytes(text);
      if (size == 0) continue;
      ASSERT_TRUE(std::equal(value.begin(), value.end(),
                             reinterpret_cast<const unsigned char*>(back.value().data())));
    }
  }
}

template <class T>
concept encodes_bytes = requires(const T& value) {
  base32::encode_bytes(value);
};
template <class T>
concept writes_bytes = requires(const T& value, std::span<char> out) {
  base32::encode_bytes_to(out, value);
};

// An array of `char` would be text to its first zero, and bytes behind it lost.
TEST(base32, arrays_of_char_are_not_taken_for_text) {
  static_assert(!encodes_bytes<char[16]> && !writes_bytes<char[16]>);
  static_assert(encodes_bytes<unsigned char[16]> && writes_bytes<std::string_view>);
}

// No load and no store beyond a text and its bytes.
TEST(base32, nothing_else_is_touched) {
  const quoin_test::guarded_pages all_texts(1639), all_bytes(1024);
  std::uint64_t state = 13;
  for (std::size_t size = 1; size <= base32::max_bytes; size += size < 70 ? 1 : 159) {
    for (const bool at_end : {false, true}) {
      bytes value(size);
      for (auto& byte : value) byte = static_cast<unsigned char>(next_random(state) >> 40);
      const std::string text = by_definition(value, base32::width_of_bytes(size));
      const std::span in(all_bytes.bytes(at_end, size), size);
      std::copy(value.begin(), value.end(), in.begin());
      const std::span out(reinterpret_cast<char*>(all_texts.bytes(at_end, text.size())),
                          text.size());
      ASSERT_TRUE(same(base32::encode_bytes_to(out, in), text.size()));
      const std::string_view written(out.data(), out.size());
      ASSERT_TRUE(same(written, text));
      std::fill(in.begin(), in.end(), static_cast<unsigned char>(0xa5));
      ASSERT_TRUE(base32::decode_bytes_to(in, written).has_value());
      ASSERT_TRUE(std::equal(in.begin(), in.end(), value.begin()));
    }
  }
}

TEST(base32, errors_of_bytes) {
  for (const std::size_t size : {1u, 2u, 3u, 4u, 5u, 6u, 9u, 10u, 16u, 20u, 33u}) {
    const std::string text = base32::encode_bytes(bytes(size, 0xff));
    bytes out(size);
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string foreign = text;
      foreign[at] = 'z';
      expect_error(base32::decode_bytes_to(std::span(out), foreign), errc::bad_value, at);
    }
    if (text[0] != 'Z') {
      std::string above(text.size(), '0');
      above[0] = digits[digits.find(text[0]) + 1];
      expect_error(base32::decode_bytes_to(std::span(out), above), errc::bad_value, 0);
      expect_error(base32::decode_bytes(above), errc::bad_value, 0);
    }
    expect_error(base32::decode_bytes_to(std::span(out), text.substr(1)), errc::truncated,
                 text.size() - 1);
    expect_error(base32::decode_bytes_to(std::span(out), text + '0'), errc::trailing_bytes,
                 text.size());
  }
  expect_error(base32::decode_bytes("0"), errc::truncated, 1);
  expect_error(base32::decode_bytes("000"), errc::truncated, 3);
  expect_error(base32::decode_bytes(std::string(1640, '0')), errc::too_large, 1639);
  EXPECT_TRUE(same(base32::decode_bytes(std::string(1639, '0')).value().size(), 1024));
  EXPECT_THROW(static_cast<void>(base32::encode_bytes(bytes(1025))), std::invalid_argument);
  bytes too_many(1025);
  EXPECT_THROW(static_cast<void>(base32::decode_bytes_to(std::span(too_many), "")),
               std::invalid_argument);
  char text[22] = "?";
  EXPECT_TRUE(same(base32::encode_bytes_to(std::span(text, 7), bytes(5)), 0));
  EXPECT_TRUE(same(base32::encode_bytes_to(text, bytes()), 0));
  EXPECT_TRUE(text[0] == '?');
}

}  // namespace
