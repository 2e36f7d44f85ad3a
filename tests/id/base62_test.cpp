// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/base62.hpp>

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
#include <utility>
#include <vector>

#if QUOIN_WITH_GMP
#include <gmp.h>
#endif

namespace {

using quoin::base62;
using quoin::errc;
using quoin::error;
using quoin::expected;
using by_ascii = quoin::basic_base62<quoin::digits_upper_lower>;
using letters_first = quoin::basic_base62<quoin::lower_upper_digits>;
/// No class of characters in a row: the way with tables.
using shuffled = quoin::basic_base62<  //
    "~!AbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeFgHiJkLmNoPqRsTuVwX">;

constexpr std::uint64_t max_u64 = std::numeric_limits<std::uint64_t>::max();

std::uint64_t power(std::size_t exponent) {
  std::uint64_t n = 1;
  while (exponent-- > 0) n *= 62;
  return n;
}

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
[[gnu::noinline]] bool same(const expected<std::uint64_t, error>& a, std::uint64_t b) {
  EXPECT_TRUE(a == b) << b;
  return a == b;
}
[[gnu::noinline]] bool same(std::uint64_t a, std::uint64_t b) {
  EXPECT_EQ(a, b);
  return a == b;
}

/// The functions of one alphabet, each compiled once; those of bytes for some.
struct codec {
  std::string_view alphabet;
  std::string (*encode)(std::uint64_t);
  expected<std::uint64_t, error> (*decode)(std::string_view);
  std::string (*encode_fixed)(std::uint64_t, std::size_t width);
  expected<std::uint64_t, error> (*decode_fixed)(std::string_view, std::size_t width);
  std::string (*encode_bytes)(const bytes&) = nullptr;
  expected<std::vector<std::byte>, error> (*decode_bytes)(std::string_view) = nullptr;
};

template <class T, bool OfBytes>
codec codec_of() {
  codec c{{T::alphabet.characters, 62},
          [](std::uint64_t n) { return T::encode(n); },
          T::decode,
          [](std::uint64_t n, std::size_t width) { return T::encode_fixed(n, width); },
          T::decode_fixed};
  if constexpr (OfBytes) {
    c.encode_bytes = T::encode_bytes;
    c.decode_bytes = [](std::string_view text) { return T::decode_bytes(text); };
  }
  return c;
}

const codec codecs[] = {codec_of<base62, false>(), codec_of<by_ascii, true>(),
                        codec_of<letters_first, false>(), codec_of<shuffled, true>()};

/// Digit by digit.
std::string by_definition(std::string_view alphabet, std::uint64_t n, std::size_t width = 1) {
  std::string text;
  for (; n != 0; n /= 62) text += alphabet[static_cast<std::size_t>(n % 62)];
  while (text.size() < width) text += alphabet[0];
  std::reverse(text.begin(), text.end());
  return text;
}

[[gnu::noinline]] void expect_pair(const codec& c, std::uint64_t n, std::string_view text) {
  EXPECT_TRUE(same(c.encode(n), text));
  EXPECT_TRUE(same(c.decode(text), n));
}

TEST(base62, known_pairs) {
  expect_pair(codecs[0], 0, "0");
  expect_pair(codecs[0], 61, "Z");
  expect_pair(codecs[0], 11157, "2TX");
  expect_pair(codecs[0], 2009215674938, "zn9edcu");
  expect_pair(codecs[0], power(7) - 1, "ZZZZZZZ");
  expect_pair(codecs[0], 365'000'000'000, "6qpENMc");
  expect_pair(codecs[0], max_u64 / 2, "aZl8N0y58M7");
  expect_pair(codecs[0], max_u64, "lYGhA16ahyf");
  expect_pair(codecs[1], 0xffffffff, "4gfFC3");
  expect_pair(codecs[1], max_u64 / 2, "AzL8n0Y58m7");
  expect_pair(codecs[1], max_u64, "LygHa16AHYF");
  expect_pair(codecs[1], 2009215674938, "ZN9EDCU");
  expect_pair(codecs[1], (std::uint64_t{1} << 42) - 1, "1FQfCxG3");
  for (const auto& [n, text] : {std::pair{std::uint64_t{0}, "a"},
                                {25, "z"},
                                {26, "A"},
                                {51, "Z"},
                                {52, "0"},
                                {61, "9"},
                                {62, "ba"},
                                {power(6) - 1, "999999"},
                                {power(6), "baaaaaa"},
                                {power(7) - 1, "9999999"},
                                {power(7), "baaaaaaa"},
                                {364'999'999'999, "gAzOXWl"},
                                {(std::uint64_t{1} << 42) - 1, "bpAPm7qd"},
                                {3644115347004, "bcjSuMR6"},
                                {219141302019, "d1mIJxv"},
                                {max_u64 / 2, "k9viXaIfiWh"},
                                {max_u64, "v8QrKbgkrIp"}}) {
    expect_pair(codecs[2], n, text);
  }
  using capitals_first =
      quoin::basic_base62<"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789">;
  static_assert(capitals_first::decode("V8qRkBGKRiP").value() == max_u64);
}

// A textbook prints keoeNx for 9234529445: it is that of 9223788073.
TEST(base62, misprinted_pair) {
  expect_pair(codecs[2], 9234529445, "ke7i7t");
  expect_pair(codecs[2], 9223788073, "keoeNx");
  EXPECT_TRUE(same(letters_first::encode_fixed(9234529445, 7), "ake7i7t"));
}

// Seven digits hold 3.5e12: a Snowflake id never fits, nor do all numbers of 42 bits.
TEST(base62, what_seven_digits_hold) {
  EXPECT_TRUE(same(base62::max_of_width(7), 3'521'614'606'207));
  EXPECT_TRUE(same(base62::width_of(1541815603606036480), 11));
  EXPECT_TRUE(same(base62::width_of((std::uint64_t{1} << 42) - 1), 8));
  std::array<char, 7> text{};
  EXPECT_TRUE(base62::encode_fixed_to(text, power(7) - 1));
  text.fill('?');
  EXPECT_FALSE(base62::encode_fixed_to(text, power(7)));
  EXPECT_TRUE(text[0] == '?');
}

TEST(base62, constant_expressions) {
  static_assert(base62::decode("2TX").value() == 11157);
  static_assert(!base62::decode("lYGhA16ahyg"));
  static_assert(shuffled::decode("!~").value() == 62);
  constexpr auto text = [] {
    std::array<char, 13> out{};
    return base62::encode_fixed_to(out, max_u64) ? out : std::array<char, 13>{};
  }();
  EXPECT_TRUE(same(std::string_view(text.data(), text.size()), "00lYGhA16ahyf"));
  constexpr auto minimal = [] {
    std::array<char, 4> out{};
    return base62::encode_to(out, 11157) == 3 ? out : std::array<char, 4>{};
  }();
  EXPECT_TRUE(same(std::string_view(minimal.data(), 3), "2TX"));
}

template <class T>
concept number = requires(const T& n, std::span<char> out) {
  base62::encode(n);
  base62::encode_to(out, n);
  base62::encode_fixed(n);
  base62::encode_fixed_to(out, n);
  base62::width_of(n);
};

// No silent change on the way to 64 bits: not of 1.9, nor of -1, nor of a character.
TEST(base62, integers_alone_are_numbers) {
  static_assert(number<int> && number<unsigned> && number<unsigned char> && number<short>);
  static_assert(number<long> && number<unsigned long> && number<unsigned long long>);
  static_assert(!number<bool> && !number<char> && !number<char8_t> && !number<wchar_t>);
  static_assert(!number<float> && !number<double> && !number<errc> && !number<const char*>);
#if defined(__SIZEOF_INT128__)
  __extension__ using wide = unsigned __int128;
  static_assert(!number<wide>);
#endif
  EXPECT_TRUE(same(base62::encode(11157), "2TX"));
  EXPECT_TRUE(same(base62::encode(std::uint8_t{255}), "47"));
  char room[11];
  EXPECT_THROW(static_cast<void>(base62::encode(-1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(base62::encode_to(room, -1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(base62::encode_fixed_to(room, -1)), std::invalid_argument);
}

// Around every power of 62 and of 2, and numbers of every size: as by definition, and back.
TEST(base62, numbers_of_every_size) {
  std::uint64_t state = 1;
  for (const codec& c : codecs) {
    const auto check = [&c](std::uint64_t n) {
      const std::string text = by_definition(c.alphabet, n);
      ASSERT_TRUE(same(c.encode(n), text));
      ASSERT_TRUE(same(c.decode(text), n));
      for (const std::size_t width : {text.size(), std::size_t{11}, std::size_t{20}}) {
        const std::string fixed = by_definition(c.alphabet, n, width);
        ASSERT_TRUE(same(c.encode_fixed(n, width), fixed));
        ASSERT_TRUE(same(c.decode_fixed(fixed, width), n));
      }
    };
    for (std::size_t i = 0; i < 64; ++i) {
      for (std::uint64_t d = 0; d < 3; ++d) {
        check(power(i % 11) + d - 1);
        check((std::uint64_t{1} << i) + d - 1);
      }
      for (int j = 0; j < 50; ++j) check(next_random(state) >> i);
    }
  }
}

/// What is to be said of any text: whether each character is one of the alphabet's, by search.
bool is_canonical(std::string_view alphabet, std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == alphabet[0])) return false;
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

[[gnu::noinline]] void expect_canonical(const codec& c, std::string_view text) {
  const auto n = c.decode(text);
  ASSERT_TRUE(n.has_value() == is_canonical(c.alphabet, text)) << text;
  if (n) {
    ASSERT_TRUE(same(c.encode(*n), text));
  } else {
    ASSERT_TRUE(n.error().code() == errc::bad_value);
  }
}

// All texts of one and two bytes; of three, all with characters of the alphabet and their
// neighbours in ASCII.
TEST(base62, every_short_text) {
  std::string some(base62::alphabet.characters, 62);
  some += "/:@[`{-";
  some += '\0';
  some += static_cast<char>(0xb0);
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

// Every byte at every place of texts of every length.
TEST(base62, foreign_characters_are_found) {
  for (const codec& c : codecs) {
    for (std::size_t size = 1; size <= 12; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, c.alphabet[1]);
        for (int i = 0; i < 256; ++i) {
          text[at] = static_cast<char>(i);
          if (c.alphabet.find(text[at]) != std::string_view::npos) continue;
          for (const auto& n : {c.decode(text), c.decode_fixed(text, size)}) {
            ASSERT_FALSE(n) << text;
            ASSERT_TRUE(same(n.error().position(), at)) << text;
          }
        }
      }
    }
  }
}

[[gnu::noinline]] void expect_that(const error& e, errc code, std::uint64_t position) {
  EXPECT_TRUE(e == error(code, position, "")) << e.message() << " instead of " << position;
}

template <class Result>
[[gnu::noinline]] void expect_error(const Result& result, errc code, std::uint64_t position) {
  ASSERT_FALSE(result);
  expect_that(result.error(), code, position);
}

TEST(base62, errors_of_the_minimal_form) {
  expect_error(codecs[0].decode(""), errc::truncated, 0);
  expect_error(codecs[0].decode({}), errc::truncated, 0);
  expect_error(codecs[0].decode("02TX"), errc::bad_value, 0);
  expect_error(codecs[0].decode("00"), errc::bad_value, 0);
  expect_error(codecs[0].decode("lYGhA16ahyg"), errc::bad_value, 10);
  expect_error(codecs[0].decode("lYHhA16ahyf"), errc::bad_value, 2);
  expect_error(codecs[0].decode("m0000000000"), errc::bad_value, 0);
  expect_error(codecs[0].decode("ZZZZZZZZZZZ"), errc::bad_value, 0);
  expect_error(codecs[0].decode("100000000000"), errc::bad_value, 0);
  expect_error(codecs[0].decode("9999999999999999"), errc::bad_value, 0);
  expect_error(codecs[0].decode("1000000000000000-"), errc::bad_value, 16);
  expect_error(codecs[0].decode(" 2TX"), errc::bad_value, 0);
  expect_error(codecs[0].decode(std::string_view("2TX\0", 4)), errc::bad_value, 3);
}

TEST(base62, errors_of_the_fixed_form) {
  expect_error(codecs[0].decode_fixed("00002TX", 8), errc::truncated, 7);
  expect_error(codecs[0].decode_fixed("00002TX", 6), errc::trailing_bytes, 6);
  EXPECT_TRUE(same(base62::decode_fixed("00002TX").error().size_stated(), 11));
  expect_error(codecs[0].decode_fixed("", 0), errc::truncated, 0);
  expect_error(codecs[0].decode_fixed("2", 0), errc::trailing_bytes, 0);
  expect_error(codecs[0].decode_fixed("1lYGhA16ahyf", 12), errc::bad_value, 0);
  expect_error(codecs[0].decode_fixed("010000000000000", 15), errc::bad_value, 1);
  expect_error(codecs[0].decode_fixed("0lYGhA16ahyg", 12), errc::bad_value, 11);
  EXPECT_TRUE(same(codecs[0].decode_fixed("0lYGhA16ahyf", 12).value(), max_u64));
}

TEST(base62, room_of_the_output) {
  char text[12] = "???????????";
  EXPECT_TRUE(same(base62::encode_to(std::span(text, 2), 11157), 0));
  EXPECT_TRUE(text[0] == '?');
  EXPECT_TRUE(same(base62::encode_to(std::span(text, 3), 11157), 3));
  EXPECT_TRUE(same(text, "2TX????????"));
  EXPECT_FALSE(base62::encode_fixed_to(std::span(text, 0), 0));
  EXPECT_THROW(static_cast<void>(base62::encode_fixed(62, 1)), std::invalid_argument);
  EXPECT_TRUE(same(base62::encode_fixed(61, 1), "Z"));
}

// ---- 128 bits and bytes -------------------------------------------------------------------------

/// The text of a number by long division, byte after byte.
std::string text_by_definition(std::string_view alphabet, bytes number, std::size_t width) {
  std::string text(width, alphabet[0]);
  for (std::size_t i = width; i-- > 0;) {
    unsigned rest = 0;
    for (unsigned char& byte : number) {
      rest = rest * 256 + byte;
      byte = static_cast<unsigned char>(rest / 62);
      rest %= 62;
    }
    text[i] = alphabet[rest];
  }
  for (const unsigned char byte : number) EXPECT_TRUE(byte == 0);  // it has room
  return text;
}

bytes bytes_of_hex(std::string_view hex) {
  bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const auto digit = static_cast<unsigned char>(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'A' + 10);
    out[i / 2] = static_cast<unsigned char>(out[i / 2] * 16 + digit);
  }
  return out;
}

[[gnu::noinline]] void expect_bytes(const codec& c, const bytes& value, std::string_view text) {
  ASSERT_TRUE(same(c.encode_bytes(value), text));
  const auto back = c.decode_bytes(text).value();
  ASSERT_TRUE(same(back.size(), value.size()));
  for (std::size_t i = 0; i < value.size(); ++i) {
    ASSERT_TRUE(std::to_integer<unsigned char>(back[i]) == value[i]) << i;
  }
}

TEST(base62, known_pairs_of_bytes) {
  expect_bytes(codecs[1], bytes_of_hex("017F22E279B07CC398C4DC0C0C07398F"),
               "02p5oQZoHTv0zeY5yG21K3");
  expect_bytes(codecs[1], bytes_of_hex("0669F7EFB5A1CD34B5F99D1154FB6853345C9735"),
               "0ujtsYcgvSTl8PAuAdqWYSMnLOv");
  expect_bytes(codecs[1], bytes(16, 0xff), "7n42DGM5Tflk9n8mt7Fhc7");
  expect_bytes(codecs[1], bytes(20, 0xff), "aWgEPTl1tmebfsQzFP4bxwgy80V");
  expect_bytes(codecs[1], bytes(32, 0xff), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
  expect_bytes(codecs[1], {'H', 'e', 'l', 'l', 'o'}, "5TP3P3v");
  expect_bytes(codecs[1], {}, "");
  expect_bytes(codecs[1], {0, 0, 0}, "00000");
  expect_bytes(codecs[1], {0, 61}, "00z");
}

[[gnu::noinline]] void expect_pair_of_128(quoin::uint128 n, std::string_view text) {
  ASSERT_TRUE(same(base62::encode(n), text));
  ASSERT_TRUE(base62::decode_128(text).value() == n) << text;
  std::string wide(30 - text.size(), '0');
  wide += text;
  ASSERT_TRUE(same(base62::encode_fixed(n, 30), wide));
  ASSERT_TRUE(base62::decode_fixed_128(wide, 30).value() == n) << wide;
}

TEST(base62, known_pairs_of_128_bits) {
  expect_pair_of_128({}, "0");
  expect_pair_of_128({1, 0}, "lYGhA16ahyg");
  expect_pair_of_128({0, 11157}, "2TX");
  expect_pair_of_128({max_u64, max_u64}, "7N42dgm5tFLK9N8MT7fHC7");
  EXPECT_TRUE(same(base62::encode_fixed(quoin::uint128{0, 11157}).size(), 22));
  EXPECT_THROW(static_cast<void>(base62::encode_fixed(quoin::uint128{1, 0}, 10)),
               std::invalid_argument);
  static_assert(base62::decode_128("lYGhA16ahyg").value() == quoin::uint128{1, 0});
  static_assert(base62::decode_fixed_128("002TX", 5).value().lo == 11157);
  expect_error(base62::decode_128(""), errc::truncated, 0);
  expect_error(base62::decode_128("01"), errc::bad_value, 0);
  expect_error(base62::decode_128("7N42dgm5tFLK9N8MT7fHC8"), errc::bad_value, 21);
  expect_error(base62::decode_128("17N42dgm5tFLK9N8MT7fHC7"), errc::bad_value, 0);
  expect_error(base62::decode_128("7N42dgm5tFLK9N8MT7fHC-"), errc::bad_value, 21);
  expect_error(base62::decode_fixed_128("017N42dgm5tFLK9N8MT7fHC7", 24), errc::bad_value, 1);
  std::uint64_t state = 3;
  for (unsigned i = 0; i < 2000; ++i) {
    const unsigned shift = i % 64;
    const quoin::uint128 n{i % 3 == 0 ? 0 : next_random(state) >> shift, next_random(state)};
    expect_pair_of_128(n, base62::encode(n));
    if (n.hi == 0) {
      ASSERT_TRUE(same(base62::encode(n), base62::encode(n.lo)));
    }
  }
}

TEST(base62, constant_expressions_of_bytes) {
  constexpr auto text = [] {
    std::array<char, 22> out{};
    const std::array<unsigned char, 16> value{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return by_ascii::encode_bytes_to(out, value) == 22 ? out : std::array<char, 22>{};
  }();
  EXPECT_TRUE(same({text.data(), text.size()}, "7n42DGM5Tflk9n8mt7Fhc7"));
  static_assert(by_ascii::decode_bytes<5>("5TP3P3v").value()[4] == std::byte{'o'});
  constexpr char last = [] {
    char out[5] = {};
    return by_ascii::decode_bytes_to(std::span(out), "5TP3P3v") ? out[4] : '?';
  }();
  EXPECT_TRUE(last == 'o');
}

template <class T>
concept has_bytes = requires(const T& bytes, std::span<char> out) {
  by_ascii::encode_bytes(bytes);
  by_ascii::encode_bytes_to(out, bytes);
};

// An array of `char` would be text to its first zero, and bytes behind it lost.
TEST(base62, arrays_of_char_are_not_taken_for_text) {
  static_assert(!has_bytes<char[16]> && !has_bytes<int[4]>);
  static_assert(has_bytes<unsigned char[16]> && has_bytes<std::string_view>);
  constexpr auto text = [] {
    const char raw[] = {1, 0, 0, 61};
    std::array<char, 6> out{};
    return by_ascii::encode_bytes_to(out, std::span(raw)) == 6 ? out : std::array<char, 6>{};
  }();
  EXPECT_TRUE(by_ascii::decode_bytes<4>({text.data(), 6}).value()[3] == std::byte{61});
}

// The least w with 62^w ≥ 256^size, and every size another: by counting in the number 256^size − 1.
TEST(base62, widths_of_bytes) {
  EXPECT_TRUE(same(base62::width_of_bytes(0), 0));
  EXPECT_TRUE(same(base62::width_of_bytes(16), 22));
  EXPECT_TRUE(same(base62::width_of_bytes(1024), 1376));
  std::vector<std::uint64_t> power_of_62{62};  // words, the lowest first
  std::size_t width = 1;
  for (std::size_t size = 1; size <= base62::max_bytes; ++size) {
    // 62^w ≥ 256^size where it has more than size bytes (it is no power of 2).
    const auto large_enough = [&] {
      const std::size_t words = power_of_62.size();
      return words > size / 8 + 1 ||
             (words == size / 8 + 1 && power_of_62.back() >> (8 * (size % 8)) != 0);
    };
    while (!large_enough()) {
      std::uint64_t carry = 0;
      for (std::uint64_t& word : power_of_62) {
        const auto product = quoin::detail::mul_full(word, 62);
        word = product.lo + carry;
        carry = product.hi + (word < carry);
      }
      if (carry != 0) power_of_62.push_back(carry);
      ++width;
    }
    ASSERT_TRUE(same(base62::width_of_bytes(size), width)) << size;
  }
}

// Every size to 70 bytes and some to the largest; few and many zeros in front; all ones.
TEST(base62, bytes_of_every_size) {
  std::uint64_t state = 5;
  for (std::size_t size = 1; size <= base62::max_bytes; size += size < 70 ? 1 : 159) {
    for (int trial = 0; trial < 6; ++trial) {
      bytes value(size, 0xff);
      for (auto& byte : value) {
        if (trial > 0) byte = static_cast<unsigned char>(next_random(state) >> 40);
      }
      const auto some = static_cast<std::size_t>(next_random(state) % size);
      const std::size_t zeros = trial == 2 ? size : trial > 2 ? some : 0;
      for (std::size_t i = 0; i < zeros; ++i) value[i] = 0;
      for (const codec& c : {codecs[1], codecs[3]}) {
        expect_bytes(c, value, text_by_definition(c.alphabet, value, base62::width_of_bytes(size)));
      }
    }
  }
}

TEST(base62, errors_of_bytes) {
  for (const std::size_t size : {1u, 5u, 8u, 16u, 20u, 21u, 32u, 100u}) {
    std::string text = codecs[1].encode_bytes(bytes(size, 0xff));
    std::vector<std::byte> out(size);
    // One more than the largest, at every digit.
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == 'z') continue;
      std::string above = text;
      above[at] =
          by_ascii::alphabet[std::string_view(by_ascii::alphabet.characters, 62).find(text[at]) +
                             1];
      expect_error(codecs[1].decode_bytes(above), errc::bad_value, at);
      expect_error(by_ascii::decode_bytes_to(std::span(out), above), errc::bad_value, at);
      above[at] = '_';
      expect_error(codecs[1].decode_bytes(above), errc::bad_value, at);
    }
    expect_error(by_ascii::decode_bytes_to(std::span(out), std::string_view(text).substr(1)),
                 errc::truncated, text.size() - 1);
    expect_error(by_ascii::decode_bytes_to(std::span(out), text + "0"), errc::trailing_bytes,
                 text.size());
  }
  expect_error(codecs[1].decode_bytes("0"), errc::truncated, 1);     // one byte is two
  expect_error(codecs[1].decode_bytes("0000"), errc::truncated, 4);  // three are five
  expect_error(codecs[1].decode_bytes(std::string(1377, '0')), errc::too_large, 1376);
  EXPECT_TRUE(same(codecs[1].decode_bytes(std::string(1376, '0')).value().size(), 1024));
  EXPECT_THROW(static_cast<void>(codecs[1].encode_bytes(bytes(1025))), std::invalid_argument);
  std::vector<std::byte> too_many(1025);
  EXPECT_THROW(static_cast<void>(by_ascii::decode_bytes_to(std::span(too_many), "")),
               std::invalid_argument);
  char text[22] = "?";
  EXPECT_TRUE(same(by_ascii::encode_bytes_to(std::span(text, 21), bytes(16)), 0));
  EXPECT_TRUE(same(by_ascii::encode_bytes_to(text, bytes()), 0));
  EXPECT_TRUE(text[0] == '?');
}

#if QUOIN_WITH_GMP
TEST(base62, as_gmp) {
  std::uint64_t state = 9;
  mpz_t number;
  mpz_init(number);
  for (std::size_t size = 1; size <= 40; ++size) {
    for (int trial = 0; trial < 200; ++trial) {
      bytes value(size);
      for (auto& byte : value) byte = static_cast<unsigned char>(next_random(state) >> 40);
      if (trial % 4 == 0) value[0] = 0;
      mpz_import(number, size, 1, 1, 1, 0, value.data());
      char text[64];
      mpz_get_str(text, 62, number);
      std::string wide(text);
      while (wide.size() < by_ascii::width_of_bytes(size)) wide.insert(wide.begin(), '0');
      expect_bytes(codecs[1], value, wide);
    }
  }
  mpz_clear(number);
}
#endif

// ---- many numbers -------------------------------------------------------------------------------

TEST(base62, spans_of_many) {
  const std::uint64_t numbers[] = {1, 2};
  std::string text(22, '?');
  EXPECT_THROW(base62::encode_many(numbers, std::span(text).first(21)), std::invalid_argument);
  EXPECT_TRUE(same(text, std::string(22, '?')));
  base62::encode_many(numbers, text);
  EXPECT_TRUE(same(text, "0000000000100000000002"));
  std::vector<std::uint64_t> out(2);
  EXPECT_THROW(static_cast<void>(base62::decode_many(text, std::span(out).first(1))),
               std::invalid_argument);
  EXPECT_TRUE(base62::decode_many(text, out) == std::size_t{2});
  EXPECT_TRUE((out == std::vector<std::uint64_t>{1, 2}));
  const auto cut = base62::decode_many(std::string_view(text).substr(0, 21), out);
  expect_error(cut, errc::truncated, 21);
  EXPECT_TRUE(same(cut.error().size_stated(), 22));
  text[15] = '_';
  expect_error(base62::decode_many(text, out), errc::bad_value, 15);
  text[0] = 'Z';
  expect_error(base62::decode_many(text, out), errc::bad_value, 0);
  EXPECT_TRUE(same(base62::decode_many("", {}).value(), 0));
}

}  // namespace
