// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/base58.hpp>

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
#include <vector>

#if QUOIN_WITH_GMP
#include <gmp.h>
#endif

namespace {

using quoin::base58;
using quoin::errc;
using quoin::error;
using quoin::expected;
using quoin::flickr_base58;
using quoin::ripple_base58;

constexpr std::uint64_t max_u64 = std::numeric_limits<std::uint64_t>::max();

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

/// The functions of one alphabet, each compiled once.
struct codec {
  std::string_view alphabet;
  std::string (*encode)(std::uint64_t);
  expected<std::uint64_t, error> (*decode)(std::string_view);
  std::string (*encode_fixed)(std::uint64_t, std::size_t width);
  expected<std::uint64_t, error> (*decode_fixed)(std::string_view, std::size_t width);
  std::string (*encode_bytes)(const bytes&);
  expected<std::vector<std::byte>, error> (*decode_bytes)(std::string_view);
  expected<std::size_t, error> (*decode_bytes_to)(std::span<unsigned char>, std::string_view);
};

template <class T>
codec codec_of() {
  return {{T::alphabet.characters, 58},
          [](std::uint64_t n) { return T::encode(n); },
          T::decode,
          [](std::uint64_t n, std::size_t width) { return T::encode_fixed(n, width); },
          T::decode_fixed,
          T::encode_bytes,
          [](std::string_view text) { return T::decode_bytes(text); },
          [](std::span<unsigned char> out, std::string_view text) {
            return T::decode_bytes_to(out, text);
          }};
}

/// Rows that go up, rows that do not, and no rows.
const codec codecs[] = {codec_of<base58>(), codec_of<flickr_base58>(), codec_of<ripple_base58>()};

/// Bitcoin's rule, byte after byte and digit after digit.
std::string by_definition(std::string_view alphabet, bytes number) {
  std::string text;
  const auto zeros = static_cast<std::size_t>(
      std::find_if(number.begin(), number.end(), [](auto byte) { return byte != 0; }) -
      number.begin());
  number.erase(number.begin(), number.begin() + static_cast<std::ptrdiff_t>(zeros));
  while (!number.empty()) {
    unsigned rest = 0;
    for (unsigned char& byte : number) {
      rest = rest * 256 + byte;
      byte = static_cast<unsigned char>(rest / 58);
      rest %= 58;
    }
    text += alphabet[rest];
    if (number.front() == 0) number.erase(number.begin());
  }
  text.append(zeros, alphabet[0]);
  std::reverse(text.begin(), text.end());
  return text;
}

std::string by_definition(std::string_view alphabet, std::uint64_t n, std::size_t width = 1) {
  std::string text;
  for (; n != 0; n /= 58) text += alphabet[static_cast<std::size_t>(n % 58)];
  while (text.size() < width) text += alphabet[0];
  std::reverse(text.begin(), text.end());
  return text;
}

bytes bytes_of_hex(std::string_view hex) {
  bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const auto digit = static_cast<unsigned char>(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    out[i / 2] = static_cast<unsigned char>(out[i / 2] * 16 + digit);
  }
  return out;
}

[[gnu::noinline]] void expect_bytes(const codec& c, const bytes& value, std::string_view text) {
  ASSERT_TRUE(same(c.encode_bytes(value), text));
  const auto back = c.decode_bytes(text).value();
  ASSERT_TRUE(back.size() == value.size() &&
              std::equal(back.begin(), back.end(), std::as_bytes(std::span(value)).begin()))
      << text;
  bytes exactly(value.size(), 0xa5);
  ASSERT_TRUE(same(c.decode_bytes_to(exactly, text).value(), value.size()));
  ASSERT_TRUE(exactly == value) << text;
}

[[gnu::noinline]] void expect_that(const error& e, errc code, std::uint64_t position) {
  EXPECT_TRUE(e == error(code, position, "")) << e.message() << " instead of " << position;
}

template <class Result>
[[gnu::noinline]] void expect_error(const Result& result, errc code, std::uint64_t position) {
  ASSERT_FALSE(result);
  expect_that(result.error(), code, position);
}

// ---- bytes --------------------------------------------------------------------------------------

// What Bitcoin Core asks of its own, and the examples of draft-msporny-base58-03.
TEST(base58, known_pairs) {
  struct pair {
    std::string_view hex, text;
  };
  for (
      const auto& [hex, text] : {
          pair{"", ""},
          {"61", "2g"},
          {"626262", "a3gV"},
          {"636363", "aPEr"},
          {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
          {"00eb15231dfceb60925886b67d065299925915aeb172c06647",
           "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
          {"516b6fcd0f", "ABnLTmg"},
          {"bf4f89001e670274dd", "3SEo3LWLoPntC"},
          {"572e4794", "3EFU7m"},
          {"ecac89cad93923c02321", "EJDM8drfXA6uyA"},
          {"10c8511e", "Rt5zm"},
          {"00000000000000000000", "1111111111"},
          {"271f359e", "zzzzy"},
          {"271f359f", "zzzzz"},
          {"271f35a0", "211111"},
          {"271f35a1", "211112"},
          {"000111d38e5fc9071ffcd20b4a763cc9ae4f252bb4e48fd66a835e252ada93ff480d6dd43dc62a641155a5",
           "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"},
          {"0000287fb4cd", "11233QC4"},
      }) {
    expect_bytes(codecs[0], bytes_of_hex(hex), text);
  }
  const auto of_text = [](std::string_view s) { return bytes(s.begin(), s.end()); };
  expect_bytes(codecs[0], of_text("Hello World!"), "2NEpo7TZRRrLZSi2U");
  expect_bytes(codecs[0], of_text("The quick brown fox jumps over the lazy dog."),
               "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z");
  expect_bytes(codecs[0], bytes(40), std::string(40, '1'));
  bytes one_at_the_end(40);
  one_at_the_end.back() = 1;
  std::string ones(39, '1');
  expect_bytes(codecs[0], one_at_the_end, ones.append("2"));
  bytes far(88);
  for (const unsigned char byte : bytes_of_hex("ec39d04c37e71e5d591881f6")) far.push_back(byte);
  ones.assign(88, '1');
  expect_bytes(codecs[0], far, ones.append("5TYzLYH1udmLdzCLM"));
  bytes all(256);
  for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<unsigned char>(i);
  expect_bytes(
      codecs[0], all,
      "1cWB5HCBdLjAuqGGReWE3R3CguuwSjw6RHn39s2yuDRTS5NsBgNiFpWgAnEx6VQi8csexkgYw3mdYrMHr8x9i7aEw"
      "P8kZ7vccXWqKDvGv3u1GxFKPuAkn8JCPPGDMf3vMMnbzm6Nh9zh1gcNsMvH3ZNLmP5fSG6DGbbi2tuwMWPthr4boW"
      "wCxf7ewSgNQeacyozhKDDQQ1qL5fQFUW52QKUZDZ5fw3KXNQJMcNTcaB723LchjeKun7MuGW5qyCBZYzA1KjofN1g"
      "YBV3NqyhQJ3Ns746GNuf9N2pQPmHz4xpnSrrfCvy6TVVz5d4PdrjeshsWQwpZsZGzvbdAdN8MKV5QsBDY");
  // The account of no one, at its end a checksum, in Ripple's order.
  expect_bytes(codecs[2],
               bytes_of_hex("000000000000000000000000000000000000000000"
                            "94a00911"),
               "rrrrrrrrrrrrrrrrrrrrrhoLvTp");
}

// Every size to 100 bytes and some to the largest; few and many zeros in front; all ones.
TEST(base58, bytes_of_every_size) {
  std::uint64_t state = 5;
  for (std::size_t size = 0; size <= base58::max_bytes; size += size < 100 ? 1 : 231) {
    for (int trial = 0; trial < 6; ++trial) {
      bytes value(size, 0xff);
      for (auto& byte : value) {
        if (trial > 0) byte = static_cast<unsigned char>(next_random(state) >> 40);
      }
      const auto some = static_cast<std::size_t>(next_random(state) % (size + 1));
      const std::size_t zeros = trial == 2 ? size : trial > 3 ? some : 0;
      for (std::size_t i = 0; i < zeros; ++i) value[i] = 0;
      for (const codec& c : codecs) expect_bytes(c, value, by_definition(c.alphabet, value));
    }
  }
}

// Around each power of 58, where a digit comes in front.
TEST(base58, bytes_around_powers) {
  bytes power{1};
  for (int exponent = 0; exponent < 100; ++exponent) {
    bytes less = power;
    for (std::size_t i = less.size(); i-- > 0 && less[i]-- == 0;) {
    }
    while (!less.empty() && less[0] == 0) less.erase(less.begin());
    for (const codec& c : codecs) {
      expect_bytes(c, power,
                   c.alphabet[1] + std::string(static_cast<std::size_t>(exponent), c.alphabet[0]));
      expect_bytes(c, less, std::string(static_cast<std::size_t>(exponent), c.alphabet[57]));
    }
    unsigned carry = 0;
    for (std::size_t i = power.size(); i-- > 0; carry >>= 8) {
      carry += power[i] * 58u;
      power[i] = static_cast<unsigned char>(carry & 0xff);
    }
    if (carry != 0) power.insert(power.begin(), static_cast<unsigned char>(carry));
  }
}

[[gnu::noinline]] void expect_canonical(const codec& c, std::string_view text) {
  const std::size_t foreign = text.find_first_not_of(c.alphabet);
  const auto value = c.decode_bytes(text);
  ASSERT_TRUE(value.has_value() == (foreign == std::string_view::npos)) << text;
  if (value) {
    bytes number(value->size());
    std::transform(value->begin(), value->end(), number.begin(),
                   [](std::byte b) { return std::to_integer<unsigned char>(b); });
    ASSERT_TRUE(same(by_definition(c.alphabet, number), text));
    ASSERT_TRUE(same(c.encode_bytes(number), text));
  } else {
    expect_that(value.error(), errc::bad_value, foreign);
  }
  const auto n = c.decode(text);
  const bool minimal =
      foreign == std::string_view::npos && (text.size() == 1 || text[0] != c.alphabet[0]);
  ASSERT_TRUE(n.has_value() == minimal) << text;
  if (n) {
    ASSERT_TRUE(same(c.encode(*n), text));
  }
}

// All texts of one and two bytes; of three, all with characters of the alphabet and their
// neighbours in ASCII.
TEST(base58, every_short_text) {
  std::string some(base58::alphabet.characters, 58);
  some += "/0:@IO[`l{";
  some += '\0';
  some += static_cast<char>(0xb1);
  for (const codec& c : codecs) {
    char text[3];
    for (int i = 0; i < 256; ++i) {
      text[0] = static_cast<char>(i);
      expect_canonical(c, {text, 1});
      for (int j = 0; j < 256; ++j) {
        text[1] = static_cast<char>(j);
        expect_canonical(c, {text, 2});
      }
    }
    if (&c == &codecs[1]) continue;
    for (const char first : some) {
      for (const char second : some) {
        for (const char third : some) {
          text[0] = first;
          text[1] = second;
          text[2] = third;
          expect_canonical(c, {text, 3});
        }
      }
    }
  }
}

// Every byte at every place of texts of many lengths.
TEST(base58, foreign_characters_are_found) {
  for (const codec& c : codecs) {
    for (const std::size_t size : {1u, 7u, 8u, 11u, 16u, 17u, 33u, 44u, 64u, 88u, 97u, 120u}) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, c.alphabet[1]);
        for (int i = 0; i < 256; ++i) {
          text[at] = static_cast<char>(i);
          if (c.alphabet.find(text[at]) != std::string_view::npos) continue;
          const auto value = c.decode_bytes(text);
          ASSERT_FALSE(value) << text;
          ASSERT_TRUE(same(value.error().position(), at)) << text;
          if (size > 11) continue;
          ASSERT_TRUE(same(c.decode(text).error().position(), at)) << text;
          ASSERT_TRUE(same(c.decode_fixed(text, size).error().position(), at)) << text;
        }
      }
    }
  }
}

TEST(base58, errors_of_bytes) {
  for (const codec& c : codecs) {
    for (const std::size_t size : {1u, 5u, 16u, 25u, 32u, 64u, 70u, 100u}) {
      const std::string text = c.encode_bytes(bytes(size, 0xff));
      bytes out(size);
      // One more than the largest, at every digit.
      for (std::size_t at = 0; at < text.size(); ++at) {
        const std::size_t digit = c.alphabet.find(text[at]);
        if (digit == 57) continue;
        std::string above = text;
        above[at] = c.alphabet[digit + 1];
        expect_error(c.decode_bytes_to(out, above), errc::bad_value, at);
      }
      expect_error(c.decode_bytes_to(out, text + c.alphabet[0]), errc::trailing_bytes, text.size());
      // Fewer bytes, and more zeros.
      bytes smaller(size, 0xff);
      smaller.pop_back();
      const std::string fewer = c.encode_bytes(smaller);
      expect_error(c.decode_bytes_to(out, fewer), errc::truncated, fewer.size());
      expect_error(c.decode_bytes_to(out, ""), errc::truncated, 0);
      const std::string zeros(size, c.alphabet[0]);
      ASSERT_TRUE(same(c.decode_bytes_to(out, zeros).value(), size));
      expect_error(c.decode_bytes_to(out, zeros + c.alphabet[0]), errc::bad_value, size);
      expect_error(c.decode_bytes_to(out, zeros + c.alphabet[1]), errc::bad_value, size);
    }
  }
  bytes out(4);
  expect_error(base58::decode_bytes_to(std::span(out), "1zzzzz"), errc::bad_value, 1);
  const auto longer = base58::decode_bytes_to(std::span(out), "1111111");
  expect_error(longer, errc::trailing_bytes, 6);
  EXPECT_TRUE(same(longer.error().size_stated(), 6));
  EXPECT_TRUE(same(base58::decode_bytes_within(std::span(out), "1112").value(), 4));
  EXPECT_TRUE(same(base58::decode_bytes_within(std::span(out), "12").value(), 2));
  EXPECT_TRUE(out[0] == 0 && out[1] == 1);
  EXPECT_TRUE(same(base58::decode_bytes_within(std::span(out), "").value(), 0));
  expect_error(base58::decode_bytes_within(std::span(out), "11111"), errc::bad_value, 4);
}

// Whatever is in it, with the width as what there may be.
TEST(base58, texts_too_long_for_the_output) {
  for (const codec& c : codecs) {
    for (const std::size_t size : {0u, 1u, 4u, 25u, 32u, 64u, 100u}) {
      const std::size_t width = base58::max_width_of_bytes(size);
      bytes out(size);
      for (const std::size_t longer :
           {width + 1, width + 16, std::size_t{1399}, std::size_t{5000}}) {
        for (const char character : {c.alphabet[0], c.alphabet[1], c.alphabet[57], '0', '-'}) {
          const std::string text(longer, character);
          const auto exactly = c.decode_bytes_to(out, text);
          expect_error(exactly, errc::trailing_bytes, width);
          EXPECT_TRUE(same(exactly.error().size_stated(), width));
          expect_error(base58::decode_bytes_within(std::span(out), text), errc::trailing_bytes,
                       width);
        }
      }
    }
  }
  expect_error(base58::decode_bytes<32>(std::string(45, '1')), errc::trailing_bytes, 44);
}

// No load and no store beyond a text and its bytes.
TEST(base58, nothing_else_is_touched) {
  const quoin_test::guarded_pages all_texts(1399), all_bytes(1024);
  std::uint64_t state = 13;
  for (std::size_t size = 0; size <= base58::max_bytes; size += size < 130 ? 1 : 149) {
    for (const bool at_end : {false, true}) {
      bytes value(size);
      for (auto& byte : value) byte = static_cast<unsigned char>(next_random(state) >> 40);
      if (size % 3 == 0) std::fill_n(value.begin(), size / 3, static_cast<unsigned char>(0));
      const std::string text = by_definition(codecs[0].alphabet, value);
      const std::span in(all_bytes.bytes(at_end, size), size);
      std::copy(value.begin(), value.end(), in.begin());
      const std::span out(reinterpret_cast<char*>(all_texts.bytes(at_end, text.size())),
                          text.size());
      ASSERT_TRUE(same(base58::encode_bytes_to(out, in), text.size()));
      const std::string_view written(out.data(), out.size());
      ASSERT_TRUE(same(written, text));
      std::fill(in.begin(), in.end(), static_cast<unsigned char>(0xa5));
      ASSERT_TRUE(same(base58::decode_bytes_to(in, written).value(), size));
      ASSERT_TRUE(std::equal(in.begin(), in.end(), value.begin()));
      ASSERT_TRUE(same(base58::decode_bytes_within(in, written).value(), size));
    }
  }
}

TEST(base58, the_longest) {
  EXPECT_TRUE(same(base58::max_width_of_bytes(0), 0));
  EXPECT_TRUE(same(base58::max_width_of_bytes(25), 35));
  EXPECT_TRUE(same(base58::max_width_of_bytes(32), 44));
  EXPECT_TRUE(same(base58::max_width_of_bytes(64), 88));
  EXPECT_TRUE(same(base58::max_width_of_bytes(1024), 1399));
  expect_error(base58::decode_bytes(std::string(1400, '1')), errc::too_large, 1399);
  expect_error(base58::decode_bytes(std::string(1399, '1')), errc::bad_value, 1024);
  expect_error(base58::decode_bytes(std::string(1399, 'z')), errc::bad_value, 0);
  EXPECT_TRUE(same(base58::decode_bytes(std::string(1024, '1')).value().size(), 1024));
  EXPECT_THROW(static_cast<void>(base58::encode_bytes(bytes(1025))), std::invalid_argument);
  bytes too_many(1025);
  EXPECT_THROW(static_cast<void>(base58::decode_bytes_to(std::span(too_many), "")),
               std::invalid_argument);
  char text[1500] = "?";
  EXPECT_TRUE(same(base58::encode_bytes_to(text, too_many), 0));
  EXPECT_TRUE(text[0] == '?');
}

// As many characters as there are, and not one more.
TEST(base58, room_of_the_output) {
  std::uint64_t state = 7;
  for (std::size_t size = 1; size < 120; size += size < 40 ? 1 : 9) {
    bytes value(size);
    for (auto& byte : value) byte = static_cast<unsigned char>(next_random(state) >> 40);
    const std::string text = base58::encode_bytes(value);
    std::string room(text.size() + 1, '?');
    EXPECT_TRUE(same(base58::encode_bytes_to(std::span(room).first(text.size() - 1), value), 0));
    EXPECT_TRUE(same(room, std::string(text.size() + 1, '?')));
    EXPECT_TRUE(
        same(base58::encode_bytes_to(std::span(room).first(text.size()), value), text.size()));
    EXPECT_TRUE(same(room, text + '?'));
  }
  char text[12] = "???????????";
  EXPECT_TRUE(same(base58::encode_to(std::span(text, 1), 58), 0));
  EXPECT_TRUE(text[0] == '?');
  EXPECT_TRUE(same(base58::encode_to(std::span(text, 2), 58), 2));
  EXPECT_TRUE(same(text, "21?????????"));
  EXPECT_FALSE(base58::encode_fixed_to(std::span(text, 1), 58));
  EXPECT_THROW(static_cast<void>(base58::encode_fixed(58, 1)), std::invalid_argument);
}

TEST(base58, constant_expressions) {
  static_assert(base58::decode("21").value() == 58);
  static_assert(!base58::decode("0"));
  static_assert(base58::decode_bytes<5>("ABnLTmg").value()[4] == std::byte{0x0f});
  static_assert(!base58::decode_bytes<4>("ABnLTmg"));
  constexpr auto text = [] {
    std::array<char, 7> out{};
    const std::array<unsigned char, 5> value{0x51, 0x6b, 0x6f, 0xcd, 0x0f};
    return base58::encode_bytes_to(out, value) == 7 ? out : std::array<char, 7>{};
  }();
  EXPECT_TRUE(same({text.data(), text.size()}, "ABnLTmg"));
  constexpr std::size_t of_32 = [] {
    std::array<char, 44> out{};
    std::array<unsigned char, 32> value{};
    value.fill(0xff);
    std::array<unsigned char, 32> back{};
    const std::size_t size = ripple_base58::encode_bytes_to(out, value);
    return ripple_base58::decode_bytes_to(std::span(back), {out.data(), size}) && back == value
               ? size
               : 0;
  }();
  static_assert(of_32 == 44);
}

template <class T>
concept has_bytes = requires(const T& value, std::span<char> out) {
  base58::encode_bytes(value);
  base58::encode_bytes_to(out, value);
};

// An array of `char` would be text to its first zero, and bytes behind it lost.
TEST(base58, arrays_of_char_are_not_taken_for_text) {
  static_assert(!has_bytes<char[16]> && !has_bytes<int[4]>);
  static_assert(has_bytes<unsigned char[16]> && has_bytes<std::string_view>);
}

// ---- numbers ------------------------------------------------------------------------------------

// Around every power of 58 and of 2, and numbers of every size: as by definition, and back.
TEST(base58, numbers_of_every_size) {
  std::uint64_t state = 1;
  for (const codec& c : codecs) {
    const auto check = [&c](std::uint64_t n) {
      const std::string text = by_definition(c.alphabet, n);
      ASSERT_TRUE(same(c.encode(n), text));
      ASSERT_TRUE(same(c.decode(text).value(), n));
      for (const std::size_t width : {text.size(), std::size_t{11}, std::size_t{20}}) {
        const std::string fixed = by_definition(c.alphabet, n, width);
        ASSERT_TRUE(same(c.encode_fixed(n, width), fixed));
        ASSERT_TRUE(same(c.decode_fixed(fixed, width).value(), n));
      }
    };
    std::uint64_t power = 1;
    for (std::size_t i = 0; i < 64; ++i) {
      for (std::uint64_t d = 0; d < 3; ++d) {
        check(power + d - 1);
        check((std::uint64_t{1} << i) + d - 1);
      }
      for (int j = 0; j < 50; ++j) check(next_random(state) >> i);
      power = i % 11 == 10 ? 1 : power * 58;
    }
  }
}

TEST(base58, widths_of_numbers) {
  EXPECT_TRUE(same(base58::max_width, 11));
  EXPECT_TRUE(same(base58::max_width_128, 22));
  EXPECT_TRUE(same(base58::max_of_width(0), 0));
  EXPECT_TRUE(same(base58::max_of_width(2), 58 * 58 - 1));
  EXPECT_TRUE(same(base58::max_of_width(10), 430'804'206'899'405'823));
  EXPECT_TRUE(same(base58::max_of_width(11), max_u64));
  EXPECT_TRUE(same(base58::width_of(base58::max_of_width(10)), 10));
  EXPECT_TRUE(same(base58::width_of(0), 1));
  EXPECT_TRUE(same(base58::encode(max_u64), "jpXCZedGfVQ"));
  EXPECT_THROW(static_cast<void>(base58::encode(-1)), std::invalid_argument);
}

TEST(base58, errors_of_numbers) {
  expect_error(base58::decode(""), errc::truncated, 0);
  expect_error(base58::decode("12"), errc::bad_value, 0);
  expect_error(base58::decode("jpXCZedGfVR"), errc::bad_value, 10);
  expect_error(base58::decode("jpYCZedGfVQ"), errc::bad_value, 2);
  expect_error(base58::decode("zzzzzzzzzzz"), errc::bad_value, 0);
  expect_error(base58::decode("211111111111"), errc::bad_value, 0);
  expect_error(base58::decode("21111111111-"), errc::bad_value, 11);
  expect_error(base58::decode_fixed("1112", 5), errc::truncated, 4);
  expect_error(base58::decode_fixed("1112", 3), errc::trailing_bytes, 3);
  expect_error(base58::decode_fixed("", 0), errc::truncated, 0);
  expect_error(base58::decode_fixed("1jpXCZedGfVR", 12), errc::bad_value, 11);
  expect_error(base58::decode_fixed("2jpXCZedGfVQ", 12), errc::bad_value, 0);
}

[[gnu::noinline]] void expect_pair_of_128(quoin::uint128 n, std::string_view text) {
  ASSERT_TRUE(same(base58::encode(n), text));
  ASSERT_TRUE(base58::decode_128(text).value() == n) << text;
  std::string wide(30 - text.size(), '1');
  wide += text;
  ASSERT_TRUE(same(base58::encode_fixed(n, 30), wide));
  ASSERT_TRUE(base58::decode_fixed_128(wide, 30).value() == n) << wide;
}

TEST(base58, numbers_of_128_bits) {
  std::uint64_t state = 3;
  for (unsigned i = 0; i < 2000; ++i) {
    const unsigned shift = i % 64;
    const quoin::uint128 n{i % 3 == 0 ? 0 : next_random(state) >> shift, next_random(state)};
    bytes value;
    for (unsigned j = 16; j-- > 0;) {
      const std::uint64_t half = j < 8 ? n.lo : n.hi;
      value.push_back(static_cast<unsigned char>(half >> (8 * (j % 8)) & 0xff));
    }
    while (value.size() > 1 && value[0] == 0) value.erase(value.begin());
    expect_pair_of_128(n, by_definition(codecs[0].alphabet, value));
  }
  expect_pair_of_128({}, "1");
  expect_pair_of_128({max_u64, max_u64}, "YcVfxkQb6JRzqk5kF2tNLv");
  expect_error(base58::decode_128("YcVfxkQb6JRzqk5kF2tNLw"), errc::bad_value, 21);
  expect_error(base58::decode_fixed_128("2YcVfxkQb6JRzqk5kF2tNLv", 23), errc::bad_value, 0);
  EXPECT_THROW(static_cast<void>(base58::encode_fixed(quoin::uint128{1, 0}, 10)),
               std::invalid_argument);
}

#if QUOIN_WITH_GMP
TEST(base58, as_gmp) {
  constexpr std::string_view digits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::uint64_t state = 9;
  mpz_t number;
  mpz_init(number);
  for (std::size_t size = 1; size <= 128; ++size) {
    for (int trial = 0; trial < 50; ++trial) {
      bytes value(size);
      for (auto& byte : value) byte = static_cast<unsigned char>(next_random(state) >> 40);
      if (trial % 4 == 0) value[0] = 0;
      mpz_import(number, size, 1, 1, 1, 0, value.data());
      char text[200];
      mpz_get_str(text, 58, number);
      std::string expected(value[0] == 0 ? 1 : 0, '1');
      for (const char* p = text; *p != '\0' && mpz_sgn(number) != 0; ++p) {
        expected += base58::alphabet[digits.find(*p)];
      }
      if (size > 1 && value[0] == 0 && value[1] == 0) continue;
      expect_bytes(codecs[0], value, expected);
    }
  }
  mpz_clear(number);
}
#endif

}  // namespace
