// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/datasketches_hll.hpp>

#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace detail = quoin::detail;
using sketch = quoin::datasketches_hll<>;
using type = quoin::datasketches_hll_type;
using mode = quoin::datasketches_hll_mode;
using form = quoin::datasketches_form;
using quoin::errc;

constexpr std::array types{type::hll_4, type::hll_6, type::hll_8};
constexpr std::array forms{form::compact, form::updatable};

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

/// A sketch of the keys `first`, `first + 1`, …
sketch of(unsigned precision, type t, std::uint64_t n, std::uint64_t first = 1) {
  sketch s({.precision = precision, .type = t});
  for (std::uint64_t key = first; key < first + n; ++key) s.insert(key);
  return s;
}

/// A sketch with registers too large for a nibble: the keys are rare ones.
sketch with_exceptions() {
  sketch s = of(6, type::hll_4, 1'000);
  for (const std::uint64_t key : {503'824u, 1'004'990u, 2'048'382u, 2'144'141u, 2'437'500u}) {
    s.insert(key);
  }
  return s;
}

/// What a sketch knows of its keys whatever its type: coupons, in the order of their numbers, or
/// registers.
std::vector<std::uint32_t> content_of(const sketch& s) {
  sketch plain = s;
  plain.set_type(type::hll_8);
  const auto bytes = plain.to_bytes();
  std::vector<std::uint32_t> content;
  if (s.mode() == mode::registers) {
    for (std::size_t i = 40; i < bytes.size(); ++i) {
      content.push_back(std::to_integer<std::uint32_t>(bytes[i]));
    }
    return content;
  }
  for (std::size_t i = s.mode() == mode::list ? 8 : 12; i < bytes.size(); i += 4) {
    content.push_back(detail::load_le<std::uint32_t>(&bytes[i]));
  }
  std::sort(content.begin(), content.end());
  return content;
}

// Published by DataSketches' own tools, and what its C++ library serializes.
TEST(datasketches_hll, writes_the_bytes_of_datasketches) {
  EXPECT_EQ(hex(of(12, type::hll_8, 0).to_bytes()), "0201070c030c0008");
  EXPECT_EQ(hex(of(12, type::hll_8, 3).to_bytes()), "0201070c030803082bf2fb06862ff90d75816607");
  EXPECT_EQ(
      hex(of(4, type::hll_4, 100).to_bytes()),
      "0a01070400080202ad5f88e56ba05440000000000000fb3f0000000000000000030000000000000002512141"
      "21031025");
  EXPECT_EQ(
      hex(of(4, type::hll_6, 100).to_bytes()),
      "0a01070400080006ad5f88e56ba05440000000000000fb3f0000000000000000000000000000000084301c03"
      "3118035108c2701000");
  EXPECT_EQ(
      hex(of(4, type::hll_8, 100).to_bytes()),
      "0a0107040008000aad5f88e56ba05440000000000000fb3f0000000000000000000000000000000004020307"
      "030403060304050202030704");
}

struct golden {
  std::string_view name;
  sketch s;
  form f;
};

std::vector<golden> goldens() {
  std::vector<golden> all;
  all.push_back({"list", of(12, type::hll_4, 7), form::updatable});
  all.push_back({"set", of(9, type::hll_6, 40), form::compact});
  all.push_back({"set_updatable", of(10, type::hll_4, 90), form::updatable});
  all.push_back({"hll4", of(6, type::hll_4, 100), form::compact});
  all.push_back({"hll4_exceptions", with_exceptions(), form::compact});
  all.push_back({"hll4_updatable", with_exceptions(), form::updatable});
  all.push_back({"hll6", of(5, type::hll_6, 1'000), form::compact});
  all.push_back({"hll8", of(5, type::hll_8, 1'000), form::updatable});
  sketch merged = of(6, type::hll_4, 1'000);
  merged.merge(of(7, type::hll_8, 1'000, 500));
  all.push_back({"merged", merged, form::compact});
  return all;
}

TEST(datasketches_hll, keeps_its_bytes) {
  for (const golden& g : goldens()) {
    quoin_test::expect_golden("datasketches_hll_" + std::string(g.name) + ".bin",
                              g.s.to_bytes(g.f));
  }
}

TEST(datasketches_hll, goes_from_a_list_to_a_set_to_registers) {
  for (const type t : types) {
    sketch s({.precision = 10, .type = t});
    std::uint64_t key = 0;
    const auto grow_to = [&](std::uint64_t n) {
      while (key < n) s.insert(++key);
    };
    EXPECT_EQ(s.mode(), mode::list);
    EXPECT_TRUE(s.empty());
    grow_to(7);
    EXPECT_EQ(s.mode(), mode::list);
    EXPECT_EQ(s.serialized_size(), 8 + 4 * 7u);
    grow_to(8);
    EXPECT_EQ(s.mode(), mode::set);
    EXPECT_EQ(s.serialized_size(form::updatable), 12 + 4 * 32u);
    grow_to(25);
    EXPECT_EQ(s.serialized_size(form::updatable), 12 + 4 * 64u);
    grow_to(96);
    EXPECT_EQ(s.mode(), mode::set);
    EXPECT_EQ(s.serialized_size(form::updatable), 12 + 4 * 128u);
    grow_to(97);
    EXPECT_EQ(s.mode(), mode::registers);
    EXPECT_EQ(s.estimate(), detail::estimate_at_transition(10));
    sketch small({.precision = 7, .type = t});
    for (key = 1; key <= 8; ++key) small.insert(key);
    EXPECT_EQ(small.mode(), mode::registers);
    EXPECT_DOUBLE_EQ(small.estimate(), 8.0000001390775086);
  }
}

TEST(datasketches_hll, takes_a_key_once) {
  for (const std::uint64_t n : {5u, 50u, 500u}) {
    const sketch once = of(10, type::hll_4, n);
    sketch twice = once;
    for (std::uint64_t key = 1; key <= n; ++key) twice.insert(key);
    EXPECT_EQ(twice, once);
  }
}

TEST(datasketches_hll, ignores_keys_without_bytes) {
  sketch s;
  s.insert("");
  s.insert(std::string());
  s.insert(std::vector<std::byte>());
  s.insert_many(std::vector<std::string>{"", "", ""});
  EXPECT_TRUE(s.empty());
  s.insert_many(std::vector<std::string>{"", "a", "", "b"});
  sketch same;
  same.insert("a");
  same.insert(std::string_view("b"));
  EXPECT_EQ(s, same);
  EXPECT_EQ(s.estimate(), detail::coupon_estimate(2));
}

template <class Key>
void expect_equal_batches(std::uint64_t n) {
  std::vector<Key> keys(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = static_cast<Key>(static_cast<double>(i) * 0.75 - 20);
  }
  std::vector<quoin::hash128> hashes;
  for (const Key key : keys) hashes.push_back(quoin::datasketches_hash{}(key));
  for (const type t : types) {
    sketch one({.precision = 9, .type = t}), batch = one, hashed = one;
    for (const Key key : keys) one.insert(key);
    batch.insert_many(keys);
    hashed.insert_hash_many(hashes);
    EXPECT_EQ(batch, one);
    EXPECT_EQ(hashed, one);
  }
}

TEST(datasketches_hll, inserts_in_batches_what_it_inserts_singly) {
  for (const std::uint64_t n : {0u, 1u, 63u, 64u, 65u, 5'000u}) {
    expect_equal_batches<std::int64_t>(n);
    expect_equal_batches<std::int32_t>(n);
    expect_equal_batches<std::int16_t>(n);
    expect_equal_batches<float>(n);
    expect_equal_batches<double>(n);
  }
}

TEST(datasketches_hll, keeps_registers_and_sums_through_conversions) {
  for (const std::uint64_t n : {5u, 50u, 2'000u, 100'000u}) {
    const sketch first = of(8, type::hll_4, n);
    for (const type t : types) {
      sketch s = first;
      s.set_type(t);
      EXPECT_EQ(s.type(), t);
      EXPECT_EQ(s.estimate(), first.estimate());
      EXPECT_EQ(s, of(8, t, n)) << "in the order of one stream, conversion is invisible here";
      for (const type u : types) {
        sketch back = s;
        back.set_type(u);
        EXPECT_EQ(content_of(back), content_of(first));
      }
    }
  }
}

TEST(datasketches_hll, reads_what_it_writes) {
  for (const golden& g : goldens()) {
    for (const type t : types) {
      sketch s = g.s;
      s.set_type(t);
      for (const form f : forms) {
        const auto bytes = s.to_bytes(f);
        const auto back = sketch::from_bytes(bytes);
        ASSERT_TRUE(back.has_value()) << g.name << ": " << back.error().message();
        EXPECT_EQ(back->estimate(), s.estimate());
        EXPECT_EQ(back->to_bytes(f).size(), bytes.size());
        EXPECT_EQ(back->in_order(), s.in_order());
        EXPECT_EQ(content_of(*back), content_of(s));
        const bool reorders = s.mode() == mode::set || t == type::hll_4;
        if (!reorders || f == form::updatable) {
          EXPECT_EQ(back->to_bytes(f), bytes) << g.name;
        }
      }
    }
  }
}

TEST(datasketches_hll, begins_with_registers_if_asked) {
  sketch s({.precision = 5, .type = type::hll_6, .start_full_size = true});
  EXPECT_TRUE(s.empty());
  EXPECT_EQ(s.mode(), mode::registers);
  EXPECT_EQ(s.estimate(), 0);
  EXPECT_EQ(hex(s.to_bytes()).substr(0, 16), "0a010705002c0006");
  EXPECT_EQ(*sketch::from_bytes(s.to_bytes()), s);
  s.insert(1);
  EXPECT_EQ(s.estimate(), 1);
  s.clear();
  EXPECT_EQ(s.mode(), mode::registers);
  EXPECT_TRUE(s.empty());
  sketch list = of(5, type::hll_6, 100);
  list.clear();
  EXPECT_EQ(list, sketch({.precision = 5, .type = type::hll_6}));
}

// Measured means within 5 standard errors: less than one false alarm in 10^6 for each, by the
// central limit theorem, for the fixed keys of the test.
TEST(datasketches_hll, estimates_without_bias) {
  constexpr int trials = 60;
  for (const std::uint64_t n : {20u, 300u, 6'000u}) {
    double stream = 0, merged = 0, error_stream = 0, error_merged = 0;
    for (std::uint64_t trial = 0; trial < trials; ++trial) {
      const std::uint64_t first = trial << 32;
      const sketch s = of(10, type::hll_8, n, first);
      sketch m = of(10, type::hll_8, n / 2, first);
      m.merge(of(10, type::hll_8, n - n / 2, first + n / 2));
      const auto truth = static_cast<double>(n);
      stream += s.estimate() / truth - 1;
      merged += m.estimate() / truth - 1;
      error_stream = s.relative_standard_error();
      error_merged = m.relative_standard_error();
    }
    EXPECT_LT(std::fabs(stream / trials), 5 * error_stream / std::sqrt(trials)) << n;
    EXPECT_LT(std::fabs(merged / trials), 5 * error_merged / std::sqrt(trials)) << n;
  }
}

TEST(datasketches_hll, estimates_coupons_by_the_inverse_of_their_expectation) {
  for (const std::uint32_t coupons : {1u, 8u, 25u, 1'000u, 50'000u, 196'609u}) {
    const double n = detail::coupon_estimate(coupons);
    double expected = 0;
    for (int v = 1; v <= 63; ++v) {
      expected +=
          std::ldexp(-std::expm1(n * std::log1p(-std::ldexp(1, -std::min(v, 62) - 26))), 26);
    }
    EXPECT_NEAR(expected / coupons, 1, 1e-6);
  }
  for (unsigned precision = 4; precision <= 21; ++precision) {
    EXPECT_DOUBLE_EQ(detail::estimate_at_transition(precision),
                     detail::coupon_estimate(detail::coupons_at_transition(precision)));
  }
}

// The union of DataSketches 5.2 takes a union that it made smaller for an empty one, and forgets
// it: with the sketches of this test it returns 50 K, 1 M or 1.1 M depending on the order.
TEST(datasketches_hll, merges_in_any_order) {
  const std::array parts{of(12, type::hll_8, 5'000), of(10, type::hll_6, 5'000, 10'001),
                         of(12, type::hll_4, 90'000, 20'001)};
  std::array order{0u, 1u, 2u};
  const sketch first = [&] {
    sketch s({.precision = 12});
    for (const sketch& part : parts) s.merge(part);
    return s;
  }();
  EXPECT_EQ(first.precision(), 10u);
  EXPECT_FALSE(first.in_order());
  EXPECT_NEAR(first.estimate() / 100'000, 1, 4 * first.relative_standard_error());
  sketch all = of(10, type::hll_8, 5'000);
  for (std::uint64_t key = 10'001; key <= 15'000; ++key) all.insert(key);
  for (std::uint64_t key = 20'001; key <= 110'000; ++key) all.insert(key);
  EXPECT_EQ(content_of(first), content_of(all));
  do {
    sketch s({.precision = 12});
    for (const unsigned i : order) s.merge(parts[i]);
    EXPECT_EQ(s.to_bytes(), first.to_bytes());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(datasketches_hll, merges_to_the_registers_of_the_union) {
  for (const type t : types) {
    for (const type u : types) {
      for (const std::uint64_t n : {3u, 60u, 4'000u}) {
        for (const std::uint64_t m : {0u, 4u, 70u, 5'000u}) {
          sketch a = of(9, t, n), b = of(11, u, m, n / 2), all = of(9, t, n);
          const sketch source = b;
          for (std::uint64_t key = n / 2; key < n / 2 + m; ++key) all.insert(key);
          a.merge(b);
          EXPECT_EQ(b, source);
          EXPECT_EQ(a.type(), t);
          if (a.mode() == mode::registers && all.mode() == mode::registers) {
            EXPECT_EQ(content_of(a), content_of(all)) << n << ' ' << m;
          }
          EXPECT_NEAR(a.estimate(), all.estimate(),
                      1 + 4 * (a.relative_standard_error() * all.estimate()));
          const auto back = sketch::from_bytes(a.to_bytes());
          ASSERT_TRUE(back.has_value()) << back.error().message();
          EXPECT_EQ(back->estimate(), a.estimate());
        }
      }
    }
  }
}

TEST(datasketches_hll, merges_with_itself_and_with_nothing) {
  for (const std::uint64_t n : {0u, 5u, 50u, 5'000u}) {
    sketch s = of(9, type::hll_4, n);
    const sketch before = s;
    s.merge(sketch({.precision = 4}));
    EXPECT_EQ(s, before);
    s.merge(s);
    EXPECT_EQ(content_of(s), content_of(before));
    sketch into({.precision = 12, .type = type::hll_4});
    into.merge(before);
    EXPECT_EQ(into.estimate(), before.estimate());
  }
}

// What was merged has lost the order of its keys, for those who take it over, too.
TEST(datasketches_hll, takes_over_that_the_order_was_lost) {
  sketch merged = of(9, type::hll_8, 2'000);
  merged.merge(of(9, type::hll_8, 2'000, 2'001));
  ASSERT_FALSE(merged.in_order());
  for (const std::uint64_t n : {0u, 3u}) {
    sketch s = of(9, type::hll_8, n);
    s.merge(merged);
    EXPECT_FALSE(s.in_order());
    EXPECT_EQ(s.estimate(), merged.estimate()) << "keys 1 to 3 are in it";
  }
}

// A stream that goes on after its sketch was folded to a lower precision keeps a good estimate.
TEST(datasketches_hll, goes_on_counting_after_it_was_folded) {
  sketch s({.precision = 9, .type = type::hll_8});
  for (std::uint64_t key = 1; key <= 10; ++key) s.insert(key);
  s.merge(of(13, type::hll_4, 40'000, 11));
  EXPECT_TRUE(s.in_order());
  for (std::uint64_t key = 100'001; key <= 160'000; ++key) s.insert(key);
  EXPECT_NEAR(s.estimate() / 100'010, 1, 4 * s.relative_standard_error());
}

TEST(datasketches_hll, refuses_options_out_of_range) {
  EXPECT_THROW(sketch({.precision = 3}), std::invalid_argument);
  EXPECT_THROW(sketch({.precision = 22}), std::invalid_argument);
  EXPECT_THROW(sketch({.type = static_cast<type>(3)}), std::invalid_argument);
  std::vector<std::byte> small(7);
  EXPECT_THROW(sketch().write_to(small), std::invalid_argument);
}

void expect_sound(const sketch& s) {
  EXPECT_GE(s.estimate(), 0);
  for (const form f : forms) {
    const auto bytes = s.to_bytes(f);
    const auto back = sketch::from_bytes(bytes);
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(back->estimate(), s.estimate());
  }
}

TEST(datasketches_hll, survives_every_truncation_and_bit_flip) {
  for (const golden& g : goldens()) {
    const auto bytes = g.s.to_bytes(g.f);
    quoin_test::for_each_truncation(bytes, [&](std::span<const std::byte> cut) {
      const auto read = sketch::from_bytes(cut);
      ASSERT_FALSE(read.has_value()) << g.name << ' ' << cut.size();
      EXPECT_LE(read.error().position(), cut.size());
    });
    quoin_test::for_each_bit_flip(bytes, [&](std::span<const std::byte> flipped) {
      const auto read = sketch::from_bytes(flipped);
      if (read) {
        expect_sound(*read);
      } else {
        EXPECT_LE(read.error().position(), bytes.size());
      }
    });
  }
}

struct damage {
  std::string_view golden;
  std::size_t at;
  std::vector<unsigned> bytes;
  errc code;
  std::uint64_t position;
};

TEST(datasketches_hll, says_what_is_wrong_and_where) {
  const std::vector<damage> cases{
      {"hll8", 2, {8}, errc::bad_magic, 2},
      {"hll8", 1, {2}, errc::unsupported_version, 1},
      {"hll8", 7, {3}, errc::bad_value, 7},
      {"hll8", 7, {14}, errc::bad_value, 7},
      {"hll8", 0, {3}, errc::bad_value, 0},
      {"hll8", 3, {3}, errc::bad_value, 3},
      {"hll8", 3, {22}, errc::bad_value, 3},
      {"hll8", 3, {6}, errc::truncated, 72},
      {"hll8", 3, {4}, errc::trailing_bytes, 56},
      {"hll8", 40, {64}, errc::bad_value, 40},
      {"hll8", 71, {255}, errc::bad_value, 71},
      {"hll8", 14, {0xf0, 0x7f}, errc::bad_value, 8},   // infinite
      {"hll8", 14, {0xf8, 0x7f}, errc::bad_value, 8},   // not a number
      {"hll8", 15, {0xc0}, errc::bad_value, 8},         // negative
      {"hll8", 22, {0xf8, 0x7f}, errc::bad_value, 16},  // not a number
      {"hll8", 30, {0xf8, 0x7f}, errc::bad_value, 24},  // not a number
      {"hll8", 31, {0xc0}, errc::bad_value, 24},        // −2
      {"hll8", 22, {0x10, 0x40}, errc::bad_value, 16},  // not the sum
      {"hll8", 32, {1}, errc::bad_value, 32},
      {"hll8", 36, {1}, errc::bad_value, 36},
      {"hll8", 6, {64}, errc::bad_value, 6},
      {"hll8", 5, {4}, errc::bad_value, 5},
      {"hll6", 64, {1}, errc::bad_value, 64},
      {"hll4", 32, {0, 1}, errc::bad_value, 32},
      {"hll4_exceptions", 36, {0}, errc::trailing_bytes, 72},
      {"hll4_exceptions", 36, {64}, errc::bad_value, 36},
      {"hll4_updatable", 4, {9}, errc::bad_value, 4},
      {"list", 6, {8}, errc::bad_value, 6},
      {"list", 6, {0}, errc::bad_value, 5},
      {"list", 5, {4}, errc::bad_value, 5},
      {"list", 8, {0, 0, 0, 0}, errc::bad_value, 8},
      {"list", 11, {3}, errc::bad_value, 11 - 3},  // below: a coupon twice
      {"list", 36, {0, 0, 0, 4}, errc::bad_value, 36},
      {"set", 3, {7}, errc::bad_value, 3},
      {"set", 8, {0}, errc::bad_value, 8},
      {"set", 8, {49}, errc::bad_value, 8},
      {"set", 8, {41}, errc::truncated, 172},
      {"set", 8, {39}, errc::trailing_bytes, 168},
      {"set", 5, {12}, errc::bad_value, 5},
      {"set_updatable", 4, {6}, errc::bad_value, 4},
      {"set_updatable", 4, {8}, errc::bad_value, 4},
      {"set_updatable", 8, {89}, errc::bad_value, 8},
      {"set_updatable", 8, {91}, errc::bad_value, 8},
  };
  const auto all = goldens();
  for (const damage& d : cases) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const golden& g) { return g.name == d.golden; });
    ASSERT_NE(found, all.end());
    auto bytes = found->s.to_bytes(found->f);
    for (std::size_t i = 0; i < d.bytes.size(); ++i) {
      bytes[d.at + i] = static_cast<std::byte>(d.bytes[i]);
    }
    if (d.golden == "list" && d.at == 11) {  // the second coupon becomes the first
      std::copy_n(bytes.begin() + 8, 4, bytes.begin() + 12);
      bytes[11] = bytes[15] = std::byte{4};
    }
    const auto read = sketch::from_bytes(bytes);
    ASSERT_FALSE(read.has_value()) << d.golden << ' ' << d.at;
    EXPECT_EQ(read.error().code(), d.code) << d.golden << ' ' << d.at << read.error().message();
    if (d.at != 11) {
      EXPECT_EQ(read.error().position(), d.position)
          << d.golden << ' ' << d.at << ' ' << read.error().message();
    }
  }
  auto twice = of(9, type::hll_6, 40).to_bytes();
  std::copy_n(twice.begin() + 12, 4, twice.begin() + 16);
  EXPECT_FALSE(sketch::from_bytes(twice).has_value());
}

TEST(datasketches_hll, refuses_exceptions_that_contradict_the_registers) {
  const auto good = with_exceptions().to_bytes();
  ASSERT_EQ(std::to_integer<unsigned>(good[36]), 5u);
  const std::size_t first = 72;
  const auto refused = [&](auto change) {
    auto bytes = good;
    change(bytes);
    return !sketch::from_bytes(bytes).has_value();
  };
  ASSERT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([&](auto& b) { std::copy_n(b.begin() + 72, 4, b.begin() + 76); }));
  EXPECT_TRUE(refused([&](auto& b) { b[first + 1] = std::byte{1}; }));       // no such register
  EXPECT_TRUE(refused([&](auto& b) { b[first] ^= std::byte{1}; }));          // another register
  EXPECT_TRUE(refused([&](auto& b) { b[first + 3] = std::byte{1 << 2}; }));  // too small
  EXPECT_TRUE(refused([&](auto& b) { std::fill_n(b.begin() + 72, 4, std::byte{0}); }));
  EXPECT_TRUE(refused([&](auto& b) { b[6] = std::byte{60}; }));  // registers above 63
}

// After a union DataSketches 5.2 could write stale sums beside good registers.
TEST(datasketches_hll, computes_the_sums_of_merged_sketches_anew) {
  sketch s = of(6, type::hll_8, 1'000);
  s.merge(of(6, type::hll_8, 1'000, 2'000));
  auto bytes = s.to_bytes();
  detail::store_le(&bytes[16], std::bit_cast<std::uint64_t>(64.0));
  const auto read = sketch::from_bytes(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->estimate(), s.estimate());
  EXPECT_EQ(read->to_bytes(), s.to_bytes());
}

// An estimate of a union leaves its mark in what DataSketches serializes: a minimum in an HLL_8.
TEST(datasketches_hll, accepts_a_minimum_where_none_is_needed) {
  sketch s = of(4, type::hll_8, 1'000);
  s.merge(of(4, type::hll_8, 1'000, 2'000));
  const auto registers = content_of(s);
  const auto least = *std::min_element(registers.begin(), registers.end());
  ASSERT_GT(least, 0u);
  auto bytes = s.to_bytes();
  bytes[6] = static_cast<std::byte>(least);
  bytes[32] = static_cast<std::byte>(std::count(registers.begin(), registers.end(), least));
  const auto read = sketch::from_bytes(bytes);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->estimate(), s.estimate());
  EXPECT_EQ(read->to_bytes(), bytes);
  bytes[6] = static_cast<std::byte>(least + 1);
  EXPECT_FALSE(sketch::from_bytes(bytes).has_value());
}

using accounted = quoin::datasketches_hll<quoin_test::accounted_allocator<std::byte>>;

TEST(datasketches_hll, allocates_no_more_than_the_input_justifies) {
  for (const golden& g : goldens()) {
    quoin_test::memory_account account;
    const auto bytes = g.s.to_bytes(g.f);
    {
      const auto read =
          accounted::from_bytes(bytes, quoin_test::accounted_allocator<std::byte>(account));
      ASSERT_TRUE(read.has_value());
      EXPECT_LE(account.largest_request, 4 * bytes.size()) << g.name;
    }
    EXPECT_EQ(account.live_bytes, 0u);
  }
  quoin_test::memory_account account;
  auto huge = of(8, type::hll_4, 1'000).to_bytes();
  huge[3] = std::byte{21};
  EXPECT_FALSE(
      accounted::from_bytes(huge, quoin_test::accounted_allocator<std::byte>(account)).has_value());
  EXPECT_EQ(account.requests, 0u);
}

TEST(datasketches_hll, is_unchanged_when_memory_runs_out) {
  for (const type t : types) {
    quoin_test::memory_account account;
    const quoin_test::accounted_allocator<std::byte> allocator(account);
    accounted s({.precision = 8, .type = t}, allocator);
    const sketch expected = of(8, t, 60'000);
    for (std::uint64_t key = 1; key <= 60'000; ++key) {
      const std::size_t before = account.requests;
      account.requests_until_failure = 0;
      bool failed = false;
      try {
        s.insert(key);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      account.requests_until_failure = static_cast<std::size_t>(-1);
      EXPECT_EQ(failed, account.requests != before);
      if (failed) s.insert(key);
    }
    EXPECT_EQ(s.to_bytes(form::updatable), expected.to_bytes(form::updatable));
    accounted other({.precision = 7, .type = t}, allocator);
    for (std::uint64_t key = 1; key <= 1'000; ++key) other.insert(~key);
    const accounted copy = s;
    for (std::size_t granted = 0;; ++granted) {
      account.requests_until_failure = granted;
      bool failed = false;
      try {
        s.merge(other);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      account.requests_until_failure = static_cast<std::size_t>(-1);
      if (!failed) break;
      EXPECT_EQ(s, copy);
    }
    EXPECT_EQ(s.precision(), 7u);
  }
}

TEST(datasketches_hll_memory, merging_and_exceptions_stay_in_the_memory_of_their_resource) {
  using pmr = quoin::datasketches_hll<std::pmr::polymorphic_allocator<std::byte>>;
  std::pmr::monotonic_buffer_resource here;
  pmr a({.precision = 12}, &here), b({.precision = 12}, &here);
  a.insert(1);
  b.insert(2);
  a.merge(b);
  EXPECT_EQ(a.get_allocator().resource(), &here);
  EXPECT_NEAR(a.estimate(), 2, 1e-3);
  pmr few({.precision = 4}, &here);
  for (std::uint64_t key = 0; key < 200'000; ++key) few.insert(key);
  EXPECT_EQ(few.get_allocator().resource(), &here);
}

TEST(datasketches_hll_memory, an_assignment_that_fails_changes_nothing) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  accounted small({.precision = 4}, allocator), large({.precision = 12}, allocator);
  for (std::uint64_t key = 0; key < 1'000; ++key) small.insert(key);
  for (std::uint64_t key = 0; key < 100'000; ++key) large.insert(key);
  const auto before = small.to_bytes(form::updatable);
  for (std::size_t granted = 0;; ++granted) {
    ASSERT_LT(granted, 100u);
    account.requests_until_failure = granted;
    bool failed = false;
    try {
      small = large;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    account.requests_until_failure = static_cast<std::size_t>(-1);
    if (!failed) break;
    ASSERT_EQ(small.to_bytes(form::updatable), before);
  }
  EXPECT_EQ(small.to_bytes(form::updatable), large.to_bytes(form::updatable));
}

TEST(datasketches_hll_memory, swapping_takes_the_memory_along) {
  using pmr = quoin::datasketches_hll<std::pmr::polymorphic_allocator<std::byte>>;
  std::pmr::monotonic_buffer_resource here, there;
  pmr a({.precision = 8}, &here), b({.precision = 12}, &there);
  for (std::uint64_t key = 0; key < 5'000; ++key) a.insert(key);
  b.insert(std::uint64_t{1});
  swap(a, b);
  EXPECT_EQ(a.get_allocator().resource(), &there);
  EXPECT_EQ(b.precision(), 8u);
  a.insert(std::uint64_t{2});
  EXPECT_NEAR(a.estimate(), 2, 1e-3);
  swap(a, a);
  EXPECT_NEAR(a.estimate(), 2, 1e-3);
}

}  // namespace
