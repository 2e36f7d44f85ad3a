// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/datasketches_count_min.hpp>

#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace detail = quoin::detail;
using sketch = quoin::datasketches_count_min<>;
using quoin::errc;

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

sketch example() {
  sketch s({.width = 5, .depth = 3});
  s.add(1, 2);
  s.add(2, 3);
  return s;
}

// What DataSketches' C++ library serializes.
TEST(datasketches_count_min, writes_the_bytes_of_datasketches) {
  EXPECT_EQ(hex(sketch({.width = 5, .depth = 3}).to_bytes()), "02011201000000000500000003cc9300");
  EXPECT_EQ(hex(example().to_bytes()),
            "02011200000000000500000003cc9300050000000000000000000000000000000000000000000000"
            "00000000000000000500000000000000000000000000000003000000000000000000000000000000"
            "00000000000000000200000000000000000000000000000000000000000000000300000000000000"
            "000000000000000000000000000000000200000000000000");
}

TEST(datasketches_count_min, keeps_its_bytes) {
  quoin::datasketches_count_min<double> s({.width = 11, .depth = 2, .seed = 77});
  s.add("quoin", 0.5);
  s.add("stone", -1.25);
  s.add(std::int64_t{-1}, 3);
  quoin_test::expect_golden("datasketches_count_min_double.bin", s.to_bytes());
  quoin_test::expect_golden("datasketches_count_min.bin", example().to_bytes());
}

// The row seeds that GNU's standard library draws for the seeds 9001, 0 (which it takes for 1) and
// one beyond 32 bits.
TEST(datasketches_count_min, draws_the_seeds_of_the_rows) {
  std::uint64_t seeds[3] = {};
  detail::fill_count_min_seeds(9001, seeds);
  EXPECT_EQ(seeds[0], 0x3e2f341aa14fc70cu);
  EXPECT_EQ(seeds[1], 0x5c069e43fce813ceu);
  EXPECT_EQ(seeds[2], 0x9d8635c136501eb7u);
  std::uint64_t zero[2] = {}, one[2] = {}, modulus[2] = {};
  detail::fill_count_min_seeds(0, zero);
  detail::fill_count_min_seeds(1, one);
  detail::fill_count_min_seeds(0x7fffffff, modulus);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(zero[i] + 1, one[i]);
    EXPECT_EQ(modulus[i] - 0x7fffffff, zero[i]);
  }
}

TEST(datasketches_count_min, never_counts_too_few) {
  sketch s({.width = 50, .depth = 4});
  std::map<std::uint64_t, std::uint64_t> truth;
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    const std::uint64_t key = i * i % 211;
    s.add(key, i % 3);
    truth[key] += i % 3;
  }
  std::uint64_t total = 0, beyond = 0;
  for (const auto& [key, count] : truth) {
    EXPECT_GE(s.estimate(key), count);
    EXPECT_EQ(s.upper_bound(key), s.estimate(key));
    beyond += s.lower_bound(key) > count ? 1u : 0u;
    total += count;
  }
  EXPECT_EQ(s.total(), total);
  EXPECT_LE(beyond, truth.size() / 20) << "e^-4 of the keys is 1.8 %";
  EXPECT_NEAR(s.epsilon(), std::exp(1.0) / 50, 1e-12);
}

template <class Key>
void expect_equal_batches() {
  std::vector<Key> keys(300);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<Key>(i % 37) - Key{5};
  sketch one({.width = 64, .depth = 5}), many = one;
  for (const Key key : keys) one.add(key, 7);
  many.add_many(keys, 7);
  EXPECT_EQ(many, one);
}

TEST(datasketches_count_min, adds_in_batches_what_it_adds_singly) {
  expect_equal_batches<std::int64_t>();
  expect_equal_batches<std::int32_t>();
  expect_equal_batches<double>();
  sketch one({.width = 30, .depth = 2}), many = one;
  const std::vector<std::string> texts{"a", "", "b", "a", ""};
  for (const std::string& text : texts) one.add(text);
  many.add_many(texts);
  EXPECT_EQ(many, one);
  EXPECT_EQ(many.total(), 3u);
  EXPECT_EQ(many.estimate(""), 0u);
  EXPECT_EQ(many.estimate("a"), 2u);
}

TEST(datasketches_count_min, finds_the_remainder_without_a_division) {
  for (const std::uint32_t width : {3u, 4u, 5u, 1'000u, 1u << 20, (1u << 30) - 1}) {
    if (width > 2'000'000) continue;  // the counters would take a gigabyte
    sketch s({.width = width, .depth = 1});
    std::vector<std::uint64_t> counts(width);
    std::uint64_t seed = 0;
    detail::fill_count_min_seeds(9001, std::span(&seed, 1));
    for (std::uint64_t key = 0; key < 500; ++key) {
      s.add(key);
      ++counts[static_cast<std::size_t>(quoin::datasketches_hash{seed}(key).lo % width)];
    }
    const auto bytes = s.to_bytes();
    for (std::size_t i = 0; i < width; ++i) {
      ASSERT_EQ(detail::load_le<std::uint64_t>(&bytes[24 + 8 * i]), counts[i]);
    }
  }
}

TEST(datasketches_count_min, merges_counters) {
  sketch a({.width = 20, .depth = 3}), b = a, both = a;
  for (std::uint64_t key = 0; key < 100; ++key) {
    a.add(key);
    b.add(key, 2);
    both.add(key, 3);
  }
  sketch empty({.width = 20, .depth = 3});
  empty.merge(a);
  EXPECT_EQ(empty, a);
  a.merge(b);
  EXPECT_EQ(a, both);
  EXPECT_THROW(a.merge(sketch({.width = 21, .depth = 3})), std::invalid_argument);
  EXPECT_THROW(a.merge(sketch({.width = 20, .depth = 2})), std::invalid_argument);
  EXPECT_THROW(a.merge(sketch({.width = 20, .depth = 3, .seed = 1})), std::invalid_argument);
  EXPECT_EQ(a, both);
  a.clear();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(a, sketch({.width = 20, .depth = 3}));
}

TEST(datasketches_count_min, counts_signed_weights_and_fractions) {
  quoin::datasketches_count_min<std::int32_t> s({.width = 9, .depth = 2});
  s.add("a", 5);
  s.add("a", -2);
  EXPECT_EQ(s.estimate("a"), 3);
  EXPECT_EQ(s.total(), 7);
  s.add("b", std::numeric_limits<std::int32_t>::max());  // the total wraps: no overflow
  s.add("b", std::numeric_limits<std::int32_t>::min());
  quoin::datasketches_count_min<float> f({.width = 9, .depth = 2});
  f.add("a", 0.5f);
  f.add("a", -0.25f);
  EXPECT_EQ(f.estimate("a"), 0.25f);
  EXPECT_EQ(f.total(), 0.75f);
  const auto back = quoin::datasketches_count_min<float>::from_bytes(f.to_bytes());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, f);
}

TEST(datasketches_count_min, refuses_options_out_of_range) {
  EXPECT_THROW(sketch({.width = 2, .depth = 1}), std::invalid_argument);
  EXPECT_THROW(sketch({.width = 3, .depth = 0}), std::invalid_argument);
  EXPECT_THROW(sketch({.width = 3, .depth = 256}), std::invalid_argument);
  EXPECT_THROW(sketch({.width = 1u << 30, .depth = 1}), std::invalid_argument);
  EXPECT_THROW(sketch({.width = 1u << 29, .depth = 2}), std::invalid_argument);
  std::vector<std::byte> small(15);
  EXPECT_THROW(example().write_to(small), std::invalid_argument);
}

TEST(datasketches_count_min, survives_every_truncation_and_bit_flip) {
  const auto bytes = example().to_bytes();
  quoin_test::for_each_truncation(bytes, [&](std::span<const std::byte> cut) {
    const auto read = sketch::from_bytes(cut);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), errc::truncated);
  });
  quoin_test::for_each_bit_flip(bytes, [&](std::span<const std::byte> flipped) {
    const auto read = sketch::from_bytes(flipped);
    if (read) {
      EXPECT_EQ(read->to_bytes().size(), bytes.size());
    }
  });
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_EQ(sketch::from_bytes(longer).error().code(), errc::trailing_bytes);
}

TEST(datasketches_count_min, says_what_is_wrong_and_where) {
  const auto refused = [](std::size_t at, unsigned value, errc code, std::uint64_t position) {
    auto bytes = example().to_bytes();
    bytes[at] = static_cast<std::byte>(value);
    const auto read = sketch::from_bytes(bytes);
    ASSERT_FALSE(read.has_value()) << at;
    EXPECT_EQ(read.error().code(), code) << at;
    EXPECT_EQ(read.error().position(), position) << at;
  };
  refused(0, 3, errc::bad_value, 0);
  refused(1, 2, errc::unsupported_version, 1);
  refused(2, 7, errc::bad_magic, 2);
  refused(3, 2, errc::bad_value, 3);
  refused(3, 1, errc::trailing_bytes, 16);
  refused(8, 2, errc::bad_value, 8);
  refused(11, 64, errc::bad_value, 8);
  refused(12, 0, errc::bad_value, 8);
  refused(12, 4, errc::truncated, 144);
  refused(13, 0, errc::incompatible, 13);
  refused(16, 6, errc::bad_value, 16);  // the total
  refused(24, 1, errc::bad_value, 16);  // a counter
  EXPECT_EQ(sketch::from_bytes(example().to_bytes(), 1).error().code(), errc::incompatible);
  quoin::datasketches_count_min<double> s({.width = 3, .depth = 1});
  s.add("a");
  for (const double wrong : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(), 5.0, -5.0}) {
    for (const std::size_t at : {16u, 24u}) {
      auto bytes = s.to_bytes();
      detail::store_le(&bytes[at], std::bit_cast<std::uint64_t>(wrong));
      const bool larger_total = at == 16 && wrong == 5.0;
      EXPECT_EQ(quoin::datasketches_count_min<double>::from_bytes(bytes).has_value(), larger_total);
    }
  }
}

// Sixteen bytes may announce eight gigabytes of counters, all 0.
TEST(datasketches_count_min, allocates_no_more_than_the_input_justifies) {
  using accounted =
      quoin::datasketches_count_min<std::uint64_t, quoin_test::accounted_allocator<std::byte>>;
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  const auto huge = sketch({.width = (1u << 30) - 1, .depth = 1}).to_bytes();
  EXPECT_TRUE(accounted::from_bytes(huge, 9001, allocator).has_value());
  EXPECT_LE(account.largest_request, 8u);
  const auto bytes = example().to_bytes();
  EXPECT_TRUE(accounted::from_bytes(bytes, 9001, allocator).has_value());
  EXPECT_LE(account.largest_request, bytes.size());
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(datasketches_count_min_bounds, are_defined_when_the_total_has_wrapped) {
  quoin::datasketches_count_min<> s({.width = 100, .depth = 3});
  s.add(std::uint64_t{1}, ~std::uint64_t{0});
  s.add(std::uint64_t{2}, 2);
  EXPECT_LE(s.lower_bound(std::uint64_t{1}), s.estimate(std::uint64_t{1}));
  quoin::datasketches_count_min<std::int32_t> t({.width = 100, .depth = 3});
  t.add(std::uint64_t{1}, std::numeric_limits<std::int32_t>::max());
  t.add(std::uint64_t{2}, 2);
  EXPECT_GE(t.lower_bound(std::uint64_t{1}), 0);
}

TEST(datasketches_count_min_memory, an_assignment_that_fails_changes_nothing) {
  using accounted =
      quoin::datasketches_count_min<std::uint64_t, quoin_test::accounted_allocator<std::byte>>;
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  accounted wide({.width = 65'536, .depth = 4}, allocator),
      small({.width = 3, .depth = 200}, allocator);
  small.add(std::uint64_t{1});
  for (std::size_t granted = 0;; ++granted) {
    ASSERT_LT(granted, 100u);
    account.requests_until_failure = granted;
    bool failed = false;
    try {
      wide = small;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    account.requests_until_failure = static_cast<std::size_t>(-1);
    if (!failed) break;
    ASSERT_EQ(wide.width(), 65'536u);
    ASSERT_TRUE(wide.empty());
  }
  wide.add(std::uint64_t{2});
  EXPECT_EQ(wide.estimate(std::uint64_t{1}), 1u);
}

}  // namespace
