// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/bits.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

namespace detail = quoin::detail;

// SplitMix64 (Steele, Lea, Flood 2014): a known sequence without <random>.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr std::array<std::uint64_t, 8> edges = {
    0, 1, 0xffffffffu, 0x100000000u, 1u << 31, ~0ull >> 1, 0x8000000000000000u, ~0ull,
};

// a * b by schoolbook on single bits: slow, and right by inspection.
detail::uint128_halves mul_by_bits(std::uint64_t a, std::uint64_t b) {
  detail::uint128_halves sum{0, 0};
  for (unsigned i = 0; i < 64; ++i) {
    if ((b >> i & 1) == 0) continue;
    const std::uint64_t lo = a << i;
    sum.lo += lo;
    sum.hi += (i == 0 ? 0 : a >> (64 - i)) + (sum.lo < lo ? 1 : 0);
  }
  return sum;
}

void expect_products(std::uint64_t a, std::uint64_t b) {
  const auto expected = mul_by_bits(a, b);
  for (const auto& actual : {detail::mul_full(a, b), detail::mul_full_portable(a, b)}) {
    EXPECT_EQ(actual.lo, expected.lo) << a << " * " << b;
    EXPECT_EQ(actual.hi, expected.hi) << a << " * " << b;
  }
  EXPECT_EQ(detail::mul_high(a, b), expected.hi);
  EXPECT_EQ(detail::mul_fold(a, b), expected.hi ^ expected.lo);
}

TEST(Bits, FullProductsOfEdges) {
  for (const auto a : edges) {
    for (const auto b : edges) expect_products(a, b);
  }
}

TEST(Bits, FullProductsOfRandomNumbers) {
  std::uint64_t state = 1;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t a = next(state), b = next(state);
    expect_products(a, b);
    expect_products(a >> (i % 64), b);
  }
}

template <class Byte>
void expect_byte_order() {
  std::array<Byte, 9> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<Byte>(0xf1 + i);
  const Byte* p = bytes.data() + 1;  // unaligned
  EXPECT_EQ(detail::load_le<std::uint8_t>(p), 0xf2u);
  EXPECT_EQ(detail::load_le<std::uint16_t>(p), 0xf3f2u);
  EXPECT_EQ(detail::load_le<std::uint32_t>(p), 0xf5f4f3f2u);
  EXPECT_EQ(detail::load_le<std::uint64_t>(p), 0xf9f8f7f6f5f4f3f2u);
  EXPECT_EQ(detail::load_be<std::uint8_t>(p), 0xf2u);
  EXPECT_EQ(detail::load_be<std::uint16_t>(p), 0xf2f3u);
  EXPECT_EQ(detail::load_be<std::uint32_t>(p), 0xf2f3f4f5u);
  EXPECT_EQ(detail::load_be<std::uint64_t>(p), 0xf2f3f4f5f6f7f8f9u);

  std::array<Byte, 9> stored{bytes[0]};
  detail::store_le(stored.data() + 1, std::uint64_t{0xf9f8f7f6f5f4f3f2u});
  EXPECT_EQ(stored, bytes);
  detail::store_be(stored.data() + 1, std::uint64_t{0xf2f3f4f5f6f7f8f9u});
  EXPECT_EQ(stored, bytes);
  detail::store_le(stored.data() + 1, std::uint16_t{0});
  EXPECT_EQ(stored[3], bytes[3]) << "a store writes its own bytes only";
}

TEST(Bits, ByteOrderForEveryKindOfByte) {
  expect_byte_order<std::byte>();
  expect_byte_order<unsigned char>();
  expect_byte_order<char>();
  expect_byte_order<signed char>();
  expect_byte_order<char8_t>();
}

TEST(Bits, ByteswapOfEachWidth) {
  EXPECT_EQ(detail::byteswap(std::uint8_t{0x12}), 0x12u);
  EXPECT_EQ(detail::byteswap(std::uint16_t{0x1234}), 0x3412u);
  EXPECT_EQ(detail::byteswap(std::uint32_t{0x12345678u}), 0x78563412u);
  EXPECT_EQ(detail::byteswap(std::uint64_t{0x123456789abcdef0u}), 0xf0debc9a78563412u);
}

template <class T>
constexpr bool round_trips(T x) {
  unsigned char bytes[sizeof(T)] = {};
  detail::store_le(bytes, x);
  const bool le =
      detail::load_le<T>(bytes) == x && detail::load_be<T>(bytes) == detail::byteswap(x);
  detail::store_be(bytes, x);
  return le && detail::load_be<T>(bytes) == x;
}

// The constant-evaluation branches are other code than the run-time ones.
static_assert(round_trips<std::uint8_t>(0xfe));
static_assert(round_trips<std::uint16_t>(0xfedc));
static_assert(round_trips<std::uint32_t>(0xfedcba98u));
static_assert(round_trips<std::uint64_t>(0xfedcba9876543210u));
static_assert(detail::load_le<std::uint32_t>("\x01\x02\x03\x04") == 0x04030201u);
static_assert(detail::load_be<std::uint32_t>("\x01\x02\x03\xff") == 0x010203ffu);
static_assert(detail::mul_full(~0ull, ~0ull).hi == ~0ull - 1 &&
              detail::mul_full(~0ull, ~0ull).lo == 1);

TEST(Bits, RoundTrips) {
  for (const auto x : edges) {
    EXPECT_TRUE(round_trips(x));
    EXPECT_TRUE(round_trips(static_cast<std::uint32_t>(x >> 16)));
    EXPECT_TRUE(round_trips(static_cast<std::uint16_t>(x >> 24)));
  }
}

TEST(Bits, CheckedArithmeticAtTheBorder) {
  constexpr auto max32 = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t r = 0;
  EXPECT_TRUE(detail::checked_add(max32 - 1, 1u, &r));
  EXPECT_EQ(r, max32);
  EXPECT_FALSE(detail::checked_add(max32, 1u, &r));
  EXPECT_TRUE(detail::checked_mul(65'535u, 65'537u, &r));
  EXPECT_EQ(r, max32);
  EXPECT_FALSE(detail::checked_mul(65'536u, 65'536u, &r));
  std::uint64_t q = 0;
  EXPECT_TRUE(detail::checked_mul(std::uint64_t{max32}, std::uint64_t{max32}, &q));
  EXPECT_FALSE(detail::checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32, &q));
  EXPECT_FALSE(detail::checked_add(~std::uint64_t{0}, std::uint64_t{1}, &q));
}

TEST(Bits, CeilDivDoesNotOverflow) {
  EXPECT_EQ(detail::ceil_div(0u, 5u), 0u);
  EXPECT_EQ(detail::ceil_div(1u, 5u), 1u);
  EXPECT_EQ(detail::ceil_div(5u, 5u), 1u);
  EXPECT_EQ(detail::ceil_div(6u, 5u), 2u);
  EXPECT_EQ(detail::ceil_div(~0ull, 2ull), 1ull << 63);
  EXPECT_EQ(detail::ceil_div(std::uint8_t{255}, std::uint8_t{2}), 128u);
}

}  // namespace
