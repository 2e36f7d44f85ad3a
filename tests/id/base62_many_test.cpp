// SPDX-License-Identifier: BSL-1.0
// The kernels for many numbers at once, at each level that can run here, beside definitions.
#include <quoin/id/base62.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using quoin::error;
using quoin::expected;

constexpr std::uint64_t max_u64 = std::numeric_limits<std::uint64_t>::max();
/// No class of characters in a row: the way with tables.
constexpr quoin::base62_alphabet shuffled{
    "~!AbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeFgHiJkLmNoPqRsTuVwX"};

std::uint64_t power(std::size_t exponent) {
  std::uint64_t n = 1;
  while (exponent-- > 0) n *= 62;
  return n;
}

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state ^ state >> 29;
}

/// Comparisons of a kind are compiled once.
[[gnu::noinline]] bool same(std::string_view a, std::string_view b) {
  EXPECT_EQ(a, b);
  return a == b;
}
[[gnu::noinline]] bool same(std::uint64_t a, std::uint64_t b) {
  EXPECT_EQ(a, b);
  return a == b;
}

struct codec {
  std::string_view alphabet;
  expected<std::uint64_t, error> (*decode_fixed)(std::string_view, std::size_t width);
  void (*write)(quoin::isa, char*, const std::uint64_t*, std::size_t);
  std::size_t (*read)(quoin::isa, const char*, std::uint64_t*, std::size_t);
};

template <auto Alphabet>
constexpr codec codec_of{{Alphabet.characters, 62},
                         quoin::basic_base62<Alphabet>::decode_fixed,
                         quoin::detail::base62_write_many<Alphabet>,
                         quoin::detail::base62_read_many<Alphabet>};

const codec codecs[] = {codec_of<quoin::digits_lower_upper>, codec_of<quoin::digits_upper_lower>,
                        codec_of<quoin::lower_upper_digits>, codec_of<shuffled>};

/// Digit by digit.
std::string by_definition(std::string_view alphabet, std::uint64_t n) {
  std::string text(11, alphabet[0]);
  for (std::size_t i = text.size(); n != 0; n /= 62) {
    text[--i] = alphabet[static_cast<std::size_t>(n % 62)];
  }
  return text;
}

// The kernels write and read what the portable code does.
TEST(base62_many, many_as_one_by_one) {
  std::uint64_t state = 11;
  std::vector<std::uint64_t> numbers(100);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = i < 64       ? next_random(state) >> i
                 : i % 2 == 0 ? max_u64 - i + 64
                              : power(i % 11) - 1;
  }
  for (const codec& c : codecs) {
    for (std::size_t count = 0; count <= numbers.size(); count += count < 20 ? 1 : 40) {
      std::string expected;
      for (std::size_t i = 0; i < count; ++i) expected += by_definition(c.alphabet, numbers[i]);
      quoin::detail::for_each_isa([&](quoin::isa level) {
        std::string text(count * 11, '?');
        c.write(level, text.data(), numbers.data(), count);
        ASSERT_TRUE(same(text, expected)) << to_string(level);
        std::vector<std::uint64_t> back(count);
        ASSERT_TRUE(same(c.read(level, text.data(), back.data(), count), count));
        ASSERT_TRUE(std::equal(back.begin(), back.end(), numbers.begin()));
      });
    }
  }
}

// A kernel that leaves all to the code behind it would be right, too.
TEST(base62_many, kernels_take_whole_steps) {
  const std::vector<std::uint64_t> numbers(99, max_u64);
  std::string text(numbers.size() * 11, '?');
  std::vector<std::uint64_t> back(numbers.size());
  quoin::detail::for_each_isa([&](quoin::isa level) {
    const std::size_t expected = level == quoin::isa::scalar ? 0 : 96;
    constexpr auto usual = quoin::digits_lower_upper;
    ASSERT_TRUE(same(quoin::detail::base62_write_steps<usual>(level, text.data(), numbers.data(),
                                                              numbers.size()),
                     expected));
    ASSERT_TRUE(same(
        quoin::detail::base62_read_steps<usual>(level, text.data(), back.data(), numbers.size()),
        expected));
  });
}

// Where a quotient steps: around multiples of 62^4 and of 62^2.
TEST(base62_many, many_where_quotients_step) {
  std::uint64_t state = 13;
  std::vector<std::uint64_t> numbers(3000);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint64_t step = power(i % 2 == 0 ? 4 : 2);
    const std::uint64_t n = next_random(state) >> (i % 40);
    numbers[i] = n - n % step + i % 3 - (n < step ? 0 : 1);
  }
  std::string expected;
  for (const std::uint64_t n : numbers) expected += by_definition(codecs[0].alphabet, n);
  quoin::detail::for_each_isa([&](quoin::isa level) {
    std::string text(expected.size(), '?');
    codecs[0].write(level, text.data(), numbers.data(), numbers.size());
    ASSERT_TRUE(same(text, expected)) << to_string(level);
  });
}

/// Each byte in each place of the first texts, of which each is `fill`.
void expect_same_faults(const codec& c, std::uint64_t fill) {
  const std::vector<std::uint64_t> numbers(19, fill);
  std::string text(numbers.size() * 11, '?');
  c.write(quoin::isa::scalar, text.data(), numbers.data(), numbers.size());
  std::vector<std::uint64_t> out(numbers.size());
  for (std::size_t at = 0; at < 9 * 11; ++at) {
    const char was = text[at];
    for (int i = 0; i < 256; ++i) {
      text[at] = static_cast<char>(i);
      const std::size_t index = at / 11;
      const auto one = c.decode_fixed(std::string_view(text).substr(index * 11, 11), 11);
      const std::size_t expected = one ? out.size() : index;
      quoin::detail::for_each_isa([&](quoin::isa level) {
        ASSERT_TRUE(same(c.read(level, text.data(), out.data(), out.size()), expected));
      });
      if (one) {
        ASSERT_TRUE(same(out[index], *one));
      }
    }
    text[at] = was;
  }
}

// The same first fault at every level: among the largest, where any change upwards is too much, and
// among zeros, where nothing is.
TEST(base62_many, faults_among_many) {
  for (const codec& c : codecs) {
    expect_same_faults(c, max_u64);
    expect_same_faults(c, 0);
  }
}

}  // namespace
