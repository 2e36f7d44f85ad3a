// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/hash.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

constexpr quoin::hash h;
constexpr quoin::hash seeded{.seed = 0x123456789abcdef0u};

// The integers come from the formula in detail/hash_mix.hpp worked out with unbounded integers, the
// strings from XXH3-64. Stored data depends on each of these values: they never change.
TEST(hash, values_that_never_change) {
  EXPECT_EQ(h(0), 0x5c76a44389c46cf5u);
  EXPECT_EQ(h(1), 0x39b1d3a7aa645b95u);
  EXPECT_EQ(h(-1), 0xd4c50e41e633823au);
  EXPECT_EQ(h(0xffffffffu), 0x6c95c8f6a99d2ccdu);
  EXPECT_EQ(h(42), 0xbb2bc41819a6d540u);
  EXPECT_EQ(seeded(42), 0x9b2c0d67564158d5u);
  EXPECT_EQ(h('a'), 0x5b6c6a2a7a230750u);
  EXPECT_EQ(h(1.0), 0x762d88622782582cu);
  EXPECT_EQ(h(1.5f), 0x1ec0069428bcf6ccu);
  EXPECT_EQ(h(-1e300), 0xb4f84899712c2db4u);
  EXPECT_EQ(h(std::numeric_limits<double>::quiet_NaN()), 0xfaad8f1ba5c7001bu);
  EXPECT_EQ(h(std::numeric_limits<double>::infinity()), 0xb61ddf8d0cabdfefu);
  EXPECT_EQ(h(""), 0x2d06800538d394c2u);
  EXPECT_EQ(h("user:42"), 0x9fc1e605fa7174aau);
  EXPECT_EQ(seeded("user:42"), 0xd5c0713f0245e8f7u);
  EXPECT_EQ(h(std::string(300, 'x')), 0xa5d1b4607dc83554u);
  EXPECT_EQ(h(1, 2), 0xe36c84255c202f56u);
  EXPECT_EQ(h(2, 1), 0x1e2340d3d0f897f2u);
  EXPECT_EQ(h("eu", 42), 0x85bcf51d3a43de9bu);
  EXPECT_EQ(h(1, 2, 3), 0xf1e21e3b4adb88cfu);
  EXPECT_EQ(seeded("eu", 42, 1.5), 0x643b09431585b82cu);
  EXPECT_EQ(quoin::hash::id, 1u) << "the name of these values in serialized forms";
}

TEST(hash, integers_by_value_whatever_their_width) {
  for (const int x : {0, 1, 42, 127, -1, -42, -128}) {
    const std::uint64_t expected = h(std::int64_t{x});
    EXPECT_EQ(h(static_cast<std::int8_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<std::int16_t>(x)), expected) << x;
    EXPECT_EQ(h(x), expected) << x;
    EXPECT_EQ(h(static_cast<long>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<std::uint64_t>(x)), expected) << "negatives as two's complement";
    if (x < 0) continue;
    EXPECT_EQ(h(static_cast<std::uint8_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<std::uint16_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<std::uint32_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<char>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<char8_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<char16_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<char32_t>(x)), expected) << x;
    EXPECT_EQ(h(static_cast<wchar_t>(x)), expected) << x;
  }
  EXPECT_EQ(h(true), h(1));
  EXPECT_EQ(h(false), h(0));
  EXPECT_NE(h(std::int32_t{-1}), h(std::uint32_t{0xffffffffu})) << "different values";
}

TEST(hash, char_is_unsigned_everywhere) {
  EXPECT_EQ(h('\xff'), h(255));
  EXPECT_EQ(h(static_cast<signed char>(-1)), h(-1));
}

enum class narrow : std::uint8_t { a = 200 };
enum class negative : std::int16_t { a = -3 };
enum class of_char : char { a = '\xfe' };
enum plain { plain_a = 7 };

TEST(hash, enums_by_value) {
  EXPECT_EQ(h(narrow::a), h(200));
  EXPECT_EQ(h(negative::a), h(-3));
  EXPECT_EQ(h(of_char::a), h(254));
  EXPECT_EQ(h(plain_a), h(7));
}

TEST(hash, floating_point_by_value) {
  EXPECT_EQ(h(-0.0), h(0.0));
  EXPECT_EQ(h(-0.0f), h(0.0));
  EXPECT_EQ(h(0.1f), h(static_cast<double>(0.1f)));
  EXPECT_NE(h(0.1f), h(0.1)) << "different values";
  EXPECT_NE(h(1.0), h(-1.0));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(h(-nan), h(nan));
  EXPECT_EQ(h(std::bit_cast<double>(std::uint64_t{0x7ff0000000000123u})), h(nan)) << "signalling";
  EXPECT_EQ(h(std::numeric_limits<float>::quiet_NaN()), h(nan));
  EXPECT_NE(h(std::numeric_limits<double>::denorm_min()), h(0.0));
}

TEST(hash, strings_by_content_whatever_holds_them) {
  const char* const pointer = "a\xe9z";
  const std::string text = pointer;
  const std::uint64_t expected = quoin::xxh3_64(text, seeded.seed);
  EXPECT_EQ(seeded("a\xe9z"), expected);
  EXPECT_EQ(seeded(pointer), expected);
  EXPECT_EQ(seeded(text), expected);
  EXPECT_EQ(seeded(std::string_view(text)), expected);
  EXPECT_EQ(seeded(std::as_bytes(std::span(text))), expected);
  EXPECT_EQ(seeded(std::vector<unsigned char>(text.begin(), text.end())), expected);
  EXPECT_EQ(seeded(std::array<char, 3>{'a', '\xe9', 'z'}), expected);
  char buffer[16] = "a\xe9z";
  char* const writable = buffer;
  EXPECT_EQ(seeded(buffer), expected) << "up to the first zero";
  EXPECT_EQ(seeded(writable), expected);
  EXPECT_NE(seeded(std::string("a\xe9z\0", 4)), expected) << "a zero in a string counts";
}

TEST(hash, pairs_tuples_and_arrays_element_by_element) {
  const std::string eu = "eu";
  EXPECT_EQ(h(std::pair(eu, 42)), h("eu", 42));
  EXPECT_EQ(h(std::tuple(eu, 42)), h("eu", 42));
  EXPECT_EQ(h(std::tuple(1, 2, 3)), h(std::array{1, 2, 3}));
  EXPECT_EQ(h(std::tuple(5)), h(5));
  EXPECT_EQ(h(std::tuple()), h());
  EXPECT_EQ(h(std::pair(1, std::pair(2, 3))), h(1, std::pair(2, 3)));
  EXPECT_EQ(h(1, 2), quoin::hash{h(1)}(2)) << "the hash of those before is the seed of the next";
  EXPECT_NE(h(1, 2), h(2, 1));
  EXPECT_NE(h("ab", "c"), h("a", "bc"));
  EXPECT_EQ(h(std::pair(1, 2), 3), h(1, 2, 3)) << "nesting does not count";
  EXPECT_NE(seeded(1, 2), h(1, 2));
}

TEST(hash, seeds_are_other_functions) {
  for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{1} << 63}) {
    const quoin::hash other{seed};
    EXPECT_NE(other(5), h(5));
    EXPECT_NE(other("abc"), h("abc"));
    EXPECT_NE(other(1.5), h(1.5));
    EXPECT_NE(other(), h());
    EXPECT_FALSE(other == h);
  }
  EXPECT_TRUE(quoin::hash{7} == quoin::hash{.seed = 7});
}

struct point {
  int x, y;
};
constexpr std::uint64_t quoin_hash(const point& p, quoin::hash with) { return with(p.x, p.y); }

// An integer by another name: the batch form must ask for its hash, too.
enum class odd_one : std::uint64_t {};
constexpr std::uint64_t quoin_hash(odd_one x, quoin::hash with) {
  return with(static_cast<std::uint64_t>(x) / 2);
}

TEST(hash, types_of_users_join_by_adl) {
  EXPECT_EQ(seeded(point{1, 2}), seeded(1, 2));
  EXPECT_EQ(h(std::pair(point{1, 2}, 3)), quoin::hash{h(1, 2)}(3));
  EXPECT_EQ(h(odd_one{5}), h(2));
  const std::vector<odd_one> keys{odd_one{5}, odd_one{4}};
  std::vector<std::uint64_t> out(2);
  h.hash_many(keys, out);
  EXPECT_EQ(out, (std::vector{h(2), h(2)}));
}

static_assert(quoin::hash{}(42) == 0xbb2bc41819a6d540u);
static_assert(quoin::hash{}("user:42") == 0x9fc1e605fa7174aau);
static_assert(quoin::hash{}(std::pair(1, 2)) == quoin::hash{}(1, 2));
static_assert(quoin::hash{}(1.0) == 0x762d88622782582cu);
static_assert(quoin::hash{3}(point{1, 2}) == quoin::hash{3}(1, 2));
static_assert(std::is_trivially_copyable_v<quoin::hash> && sizeof(quoin::hash) == 8);

// --- batches ------------------------------------------------------------------------------------

template <class Int>
std::vector<Int> random_integers(std::size_t n) {
  std::vector<Int> keys(n);
  std::uint64_t state = 3;
  for (auto& key : keys) key = static_cast<Int>(split_mix(state));
  const std::vector<Int> edges{0, std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()};
  for (std::size_t i = 0; i < n && i < edges.size(); ++i) keys[n - 1 - i] = edges[i];
  return keys;
}

template <class Int>
class batches : public testing::Test {};
using integer_types =
    testing::Types<std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, long, unsigned long,
                   long long, unsigned long long, wchar_t, char32_t>;
TYPED_TEST_SUITE(batches, integer_types);

TYPED_TEST(batches, every_kernel_equals_one_by_one) {
  using integer = TypeParam;
  const std::vector<integer> keys = random_integers<integer>(80);
  for (const std::uint64_t seed : {std::uint64_t{0}, seeded.seed, ~std::uint64_t{0}}) {
    detail::for_each_isa([&](quoin::isa level) {
      for (std::size_t n = 0; n <= 70; ++n) {
        const std::size_t start = n % 9;
        std::vector<std::uint64_t> out(n + 1, 99);
        detail::mix_many_of<integer>(level)(keys.data() + start, n, seed, out.data());
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_EQ(out[i], quoin::hash{seed}(keys[start + i])) << to_string(level) << ' ' << n;
        }
        EXPECT_EQ(out[n], 99u) << "one beyond the end";
      }
    });
  }
}

template <class Key>
void expect_batch(const std::vector<Key>& keys) {
  std::vector<std::uint64_t> out(keys.size());
  seeded.hash_many(keys, out);
  for (std::size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(out[i], seeded(keys[i])) << i;
}

TEST(hash, batches_of_every_kind_of_key) {
  expect_batch(random_integers<std::int8_t>(37));
  expect_batch(random_integers<std::uint16_t>(37));
  expect_batch(random_integers<int>(37));
  expect_batch(random_integers<std::uint64_t>(1000));
  expect_batch(std::vector<char>{'a', '\xff'});
  expect_batch(std::vector<double>{0.0, -0.0, 1.5});
  expect_batch(std::vector<std::string>{"", "a", std::string(1000, 'b')});
  expect_batch(std::vector<std::string_view>{"", "a"});
  expect_batch(std::vector<const char*>{"x", "yz"});
  expect_batch(std::vector<std::pair<int, std::string>>{{1, "a"}, {2, "b"}});
  expect_batch(std::vector<point>{{1, 2}, {3, 4}});
  expect_batch(std::vector<narrow>{narrow::a});
}

TEST(hash, batches_from_whatever_is_contiguous) {
  std::array<int, 5> keys{1, 2, 3, 4, 5};
  const int c_array[] = {1, 2, 3, 4, 5};
  const auto hashed = [](const auto& all) {
    std::vector<std::uint64_t> out(5);
    h.hash_many(all, out);
    return out;
  };
  const std::vector<std::uint64_t> expected = hashed(std::vector<int>{1, 2, 3, 4, 5});
  EXPECT_EQ(hashed(keys), expected);
  EXPECT_EQ(hashed(c_array), expected);
  EXPECT_EQ(hashed(std::span(keys)), expected);
  EXPECT_EQ(hashed(std::span<const int>(keys)), expected);
}

TEST(hash, batches_write_no_more_than_the_shorter_side) {
  const std::vector<std::uint32_t> keys{1, 2, 3};
  std::vector<std::uint64_t> out(5, 9);
  h.hash_many(keys, out);
  EXPECT_EQ(out, (std::vector<std::uint64_t>{h(1), h(2), h(3), 9, 9}));
  out.assign(5, 9);
  h.hash_many(keys, std::span(out).first(2));
  EXPECT_EQ(out, (std::vector<std::uint64_t>{h(1), h(2), 9, 9, 9}));
  h.hash_many(keys, std::span<std::uint64_t>());
  h.hash_many(std::vector<int>(), out);
  EXPECT_EQ(out, (std::vector<std::uint64_t>{h(1), h(2), 9, 9, 9}));
}

// --- other hashers ------------------------------------------------------------------------------

template <class Result>
struct identity {
  Result operator()(std::uint64_t x) const { return static_cast<Result>(x); }
};
struct tagged_by_void : identity<std::uint64_t> {
  using is_avalanching = void;
};
struct tagged_by_true : identity<std::uint64_t> {
  using is_avalanching = std::true_type;
};
struct tagged_by_false : identity<std::uint64_t> {
  using is_avalanching = std::false_type;
};
struct short_one : identity<std::uint32_t> {
  using is_avalanching = void;
};

static_assert(quoin::is_avalanching_v<quoin::hash>);
static_assert(quoin::is_avalanching_v<tagged_by_void>);
static_assert(quoin::is_avalanching_v<tagged_by_true>);
static_assert(!quoin::is_avalanching_v<tagged_by_false>);
static_assert(!quoin::is_avalanching_v<identity<std::uint64_t>>);
static_assert(!quoin::is_avalanching_v<std::hash<int>>);
static_assert(!quoin::is_avalanching_v<std::uint64_t (*)(int)>);

TEST(hash, hashers_that_do_not_mix_are_mixed) {
  const std::uint64_t five = 5;
  EXPECT_EQ(detail::hash_key(tagged_by_void(), five), 5u);
  EXPECT_EQ(detail::hash_key(tagged_by_true(), five), 5u);
  EXPECT_EQ(detail::hash_key(tagged_by_false(), five), h(5));
  EXPECT_EQ(detail::hash_key(identity<std::uint64_t>(), five), h(5));
  EXPECT_EQ(detail::hash_key(short_one(), five), h(5)) << "good, but of 32 bits only";
  EXPECT_EQ(detail::hash_key(seeded, five), seeded(5));
}

TEST(hash, batches_of_other_hashers_equal_one_by_one) {
  const std::vector<std::uint64_t> keys = random_integers<std::uint64_t>(100);
  const auto expect_same = [&](auto hasher) {
    std::vector<std::uint64_t> out(keys.size());
    detail::hash_keys(hasher, std::span<const std::uint64_t>(keys), out.data());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(out[i], detail::hash_key(hasher, keys[i]));
    }
  };
  expect_same(seeded);
  expect_same(tagged_by_void());
  expect_same(tagged_by_false());
  expect_same(short_one());
  expect_same(std::hash<std::uint64_t>());
}

}  // namespace
