// SPDX-License-Identifier: BSL-1.0
// The AVX-512 kernels of base62 on machines without AVX-512: compiled against SIMDe, which spells
// each intrinsic in portable code. A program of its own, for its inline functions are not those of
// others.
#include <gtest/gtest.h>

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors as arguments, without their registers

#include <immintrin.h>  // before SIMDe takes its names

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

// What SIMDe 0.7 lacks, or has amiss.

using lanes = std::array<std::uint64_t, 8>;

inline lanes lanes_of(simde__m512i x) {
  lanes out;
  std::memcpy(out.data(), &x, sizeof out);
  return out;
}

/// The lower or upper 52 bits of the product of the lower 52 bits of `a` and `b`, added to `c`.
inline simde__m512i fused_52(simde__m512i c, simde__m512i a, simde__m512i b, unsigned shift) {
  constexpr std::uint64_t mask = (std::uint64_t{1} << 52) - 1;
  const lanes x = lanes_of(a), y = lanes_of(b);
  lanes out = lanes_of(c);
  for (std::size_t i = 0; i < out.size(); ++i) {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(x[i] & mask) * (y[i] & mask);
    out[i] += static_cast<std::uint64_t>(product >> shift) & mask;
  }
  return simde_mm512_loadu_si512(out.data());
}

inline simde__mmask8 is_less(simde__m512i a, simde__m512i b) {
  const lanes x = lanes_of(a), y = lanes_of(b);
  unsigned less = 0;
  for (std::size_t i = 0; i < x.size(); ++i) less |= (x[i] < y[i] ? 1u : 0u) << i;
  return static_cast<simde__mmask8>(less);
}

#undef _mm512_madd_epi16  // with arguments of its masked form
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
#define _mm512_madd52lo_epu64(c, a, b) fused_52(c, a, b, 0)
#define _mm512_madd52hi_epu64(c, a, b) fused_52(c, a, b, 52)
#undef _mm512_cmplt_epu64_mask
#define _mm512_cmplt_epu64_mask(a, b) is_less(a, b)
#undef _mm512_cmpgt_epu64_mask
#define _mm512_cmpgt_epu64_mask(a, b) is_less(b, a)

#undef QUOIN_TARGET_AVX2
#define QUOIN_TARGET_AVX2
#undef QUOIN_TARGET_AVX512
#define QUOIN_TARGET_AVX512
#include <quoin/id/base62.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin::isa;
using numbers = std::vector<std::uint64_t>;

constexpr std::uint64_t max_u64 = std::numeric_limits<std::uint64_t>::max();
constexpr quoin::base62_alphabet odd{
    "~!AbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeFgHiJkLmNoPqRsTuVwX"};

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state ^ state >> 29;
}

/// The kernels of one alphabet, and the code that takes one number after the other.
struct codec {
  std::string_view alphabet;
  void (*write)(isa, char*, const std::uint64_t*, std::size_t) noexcept;
  std::size_t (*read)(isa, const char*, std::uint64_t*, std::size_t) noexcept;

  std::string text_of(isa level, const numbers& in) const {
    std::string out(in.size() * 11 + 1, '?');
    write(level, out.data(), in.data(), in.size());
    return out;
  }
};

template <auto Alphabet>
constexpr codec codec_of{{Alphabet.characters, 62},
                         detail::base62_write_many<Alphabet>,
                         detail::base62_read_many<Alphabet>};

const codec codecs[] = {codec_of<quoin::digits_lower_upper>, codec_of<quoin::digits_upper_lower>,
                        codec_of<quoin::lower_upper_digits>, codec_of<odd>};

void expect_same(const codec& c, const numbers& in) {
  const std::string text = c.text_of(isa::avx512, in);
  ASSERT_EQ(text, c.text_of(isa::scalar, in));
  numbers out(in.size() + 1, 99);
  ASSERT_EQ(c.read(isa::avx512, text.data(), out.data(), in.size()), in.size());
  EXPECT_EQ(out.back(), 99u) << "one beyond the end";
  out.pop_back();
  ASSERT_EQ(out, in);
}

TEST(base62_avx512_emulated, random_numbers_of_every_size) {
  std::uint64_t state = 1;
  for (const codec& c : codecs) {
    for (std::size_t count = 0; count <= 40; ++count) {
      numbers in(count);
      for (auto& n : in) n = next_random(state) >> (next_random(state) % 64);
      expect_same(c, in);
    }
  }
}

// A kernel that leaves all to the code behind it would be right, too.
TEST(base62_avx512_emulated, takes_whole_steps) {
  const numbers in(19, max_u64);
  numbers out(19);
  std::string text(19 * 11, '?');
  EXPECT_EQ(detail::base62_write_steps<odd>(isa::avx512, text.data(), in.data(), 19), 16u);
  EXPECT_EQ(detail::base62_read_steps<odd>(isa::avx512, text.data(), out.data(), 19), 16u);
}

// Where a quotient steps: around multiples of each power of 62, of the least and the most.
TEST(base62_avx512_emulated, where_quotients_step) {
  std::uint64_t state = 2, power = 62;
  for (int exponent = 1; exponent <= 10; ++exponent, power *= 62) {
    numbers in;
    const std::uint64_t most = max_u64 / power;
    for (std::uint64_t i = 0; i < 800; ++i) {
      const std::uint64_t factor = i < 100   ? i % (most + 1)
                                   : i < 200 ? most - i % (most + 1)
                                             : next_random(state) % (most + 1);
      for (std::uint64_t d = 0; d < 3; ++d) in.push_back(factor * power + d - 1);
    }
    expect_same(codecs[1], in);
  }
}

// Each byte in each place of each text: the same first fault as one by one. Among the largest any
// change upwards is too much, among zeros nothing is.
TEST(base62_avx512_emulated, foreign_characters) {
  for (std::size_t trial = 0; trial < 4; ++trial) {
    const codec& c = codecs[trial % 2 == 0 ? 1 : 3];
    const numbers in(9, trial < 2 ? 0 : max_u64);
    std::string text = c.text_of(isa::scalar, in);
    numbers out(in.size()), expected(in.size());
    for (std::size_t at = 0; at < 8 * 11; ++at) {
      const char was = text[at];
      for (int i = 0; i < 256; ++i) {
        text[at] = static_cast<char>(i);
        const std::size_t good = c.read(isa::scalar, text.data(), expected.data(), in.size());
        ASSERT_EQ(c.read(isa::avx512, text.data(), out.data(), in.size()), good) << at << ' ' << i;
        if (good == in.size()) {
          ASSERT_EQ(out, expected) << at << ' ' << i;
        }
      }
      text[at] = was;
    }
  }
}

// Texts of 11 digits around 2^64, and any: what is too large is refused.
TEST(base62_avx512_emulated, numbers_too_large) {
  std::uint64_t state = 3;
  for (const codec& c : codecs) {
    for (int trial = 0; trial < 3000; ++trial) {
      std::string text = c.text_of(isa::scalar, numbers(8, max_u64));
      const std::size_t number = next_random(state) % 8;
      for (std::size_t i = next_random(state) % 11; i < 11; ++i) {
        text[11 * number + i] = c.alphabet[next_random(state) % 62];
      }
      numbers out(8), expected(8);
      const std::size_t good = c.read(isa::scalar, text.data(), expected.data(), 8);
      ASSERT_EQ(c.read(isa::avx512, text.data(), out.data(), 8), good) << text;
      if (good == 8) {
        ASSERT_EQ(out, expected) << text;
      }
    }
  }
}

}  // namespace

#else
TEST(base62_avx512_emulated, equals_the_portable_kernel) {
  GTEST_SKIP() << "needs x86-64 and SIMDe";
}
#endif
