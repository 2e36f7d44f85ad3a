// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/postgresql_hyperloglog.hpp>

#include "hash/hash_testing.hpp"
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace quoin_test;
using quoin::errc;
using sketch = quoin::postgresql_hyperloglog;
using kind = sketch::kind_type;
using bytes = std::vector<std::byte>;

bytes from_hex(std::string_view digits) {
  bytes result;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    result.push_back(
        static_cast<std::byte>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return result;
}

std::string hex(std::span<const std::byte> form) {
  std::string digits;
  for (const std::byte b : form) {
    digits += "0123456789ABCDEF"[std::to_integer<unsigned>(b) >> 4];
    digits += "0123456789ABCDEF"[std::to_integer<unsigned>(b) & 15];
  }
  return digits;
}

sketch read(std::string_view digits) {
  auto r = sketch::from_bytes(from_hex(digits));
  EXPECT_TRUE(r.has_value()) << digits << ' ' << r.error().message();
  return r ? *r : sketch();
}

// --- published values ---------------------------------------------------------------------------

// Rows of murmur_bigint.csv and murmur_bytea.csv of postgresql-hll.
TEST(postgresql_hyperloglog_hash, rows_of_the_extension) {
  const quoin::postgresql_hyperloglog_hash hash, seeded{2'147'483'647};
  EXPECT_EQ(hash(std::int64_t{5797898885857920721}),
            static_cast<std::uint64_t>(-4071349394507855115));
  EXPECT_EQ(hash(std::int64_t{-945726292679342924}),
            static_cast<std::uint64_t>(-876529480041849111));
  EXPECT_EQ(seeded(std::int64_t{2270991379979347231}), 3264963771496493983u);
  EXPECT_EQ(hash(from_hex("9E")), 8141503599900859852u);
  EXPECT_EQ(hash(from_hex("261470F4B3D653DDDB9E7E2E6BF288E4931BABC1F8EB")),
            static_cast<std::uint64_t>(-8958648116580389164));
}

TEST(postgresql_hyperloglog_hash, types_differ_as_in_the_database) {
  const quoin::postgresql_hyperloglog_hash hash;
  EXPECT_NE(hash(std::int32_t{1}), hash(std::int64_t{1}));
  EXPECT_EQ(hash(std::int16_t{-2}), hash(from_hex("FEFF")));
  EXPECT_EQ(hash(true), hash(from_hex("01")));
  const char* const pointer = "abc";
  EXPECT_EQ(hash("abc"), hash(pointer));
  EXPECT_EQ(hash(std::string("abc")), hash(from_hex("616263")));
}

// The specification's examples: 2048 registers of 6 bits, two of them set; four of 5 bits.
TEST(postgresql_hyperloglog_bytes, examples_of_the_specification) {
  const sketch s = read("13AB7F016344B4C0");
  EXPECT_EQ(s.kind(), kind::sparse);
  EXPECT_EQ(s.registers()[11], 6);
  EXPECT_EQ(s.registers()[1099], 19);
  EXPECT_EQ(hex(s.to_bytes()), "13AB7F016344B4C0");
  EXPECT_EQ(s.options().log2m, 11u);
  EXPECT_EQ(s.options().register_width, 6u);
  EXPECT_EQ(s.options().explicit_threshold, -1);
  bytes four(3);
  quoin::detail::high_bit_writer bits(four.data());
  for (const unsigned rank : {0u, 1u, 2u, 3u}) bits.put(rank, 5);
  bits.finish();
  EXPECT_EQ(hex(four), "004430");
  const sketch two = read("128B7FCBA79700677CDEAA0000000000000001");
  ASSERT_EQ(two.elements().size(), 2u);
  EXPECT_EQ(two.elements()[0], 0xcba79700677cdeaau) << "negative, so before 1";
  EXPECT_EQ(two.elements()[1], 1u);
  EXPECT_EQ(two.estimate(), 2);
}

// Rows of cumulative_add_sparse_step.csv: added hash, cardinality, bytes.
TEST(postgresql_hyperloglog, adds_like_the_extension) {
  struct row {
    std::uint64_t hash;
    double cardinality;
    const char* form;
  };
  constexpr row rows[] = {{2048, 1.0002442201269182, "138B480001"},
                          {4097, 2.000977198748901, "138B4800010022"},
                          {8194, 3.0021994137521975, "138B48000100220043"},
                          {16387, 4.003911343725148, "138B480001002200430064"},
                          {32772, 5.006113467958146, "138B4800010022004300640085"}};
  sketch s = read("138B48");
  for (const row& r : rows) {
    EXPECT_TRUE(s.add_hash(r.hash));
    EXPECT_EQ(hex(s.to_bytes()), r.form);
    EXPECT_DOUBLE_EQ(s.estimate(), r.cardinality);
    EXPECT_FALSE(s.add_hash(r.hash));
  }
}

// Rows of cumulative_union_explicit_promotion.csv.
TEST(postgresql_hyperloglog, unites_like_the_extension) {
  sketch all = read("118B48");
  for (const char* one :
       {"128B48BB1AD57319B89CD8", "128B4868FB0E6F684DF992", "128B48352CCCFC0946B8F0"}) {
    all.merge(read(one));
  }
  EXPECT_EQ(hex(all.to_bytes()), "128B48BB1AD57319B89CD8352CCCFC0946B8F068FB0E6F684DF992");
  EXPECT_EQ(all.estimate(), 3);
  EXPECT_EQ(all.options().explicit_threshold, 128);
}

// --- behaviour ----------------------------------------------------------------------------------

TEST(postgresql_hyperloglog, everyday_use) {
  sketch s;
  EXPECT_EQ(s.kind(), kind::empty);
  EXPECT_EQ(hex(s.to_bytes()), "118B7F");
  EXPECT_EQ(s.estimate(), 0);
  EXPECT_TRUE(s.add("alice"));
  EXPECT_FALSE(s.add(std::string("alice")));
  EXPECT_TRUE(s.add(std::int64_t{42}));
  EXPECT_EQ(s.kind(), kind::explicit_set);
  EXPECT_EQ(s.estimate(), 2);
  EXPECT_TRUE(s.add_many(std::vector<std::string>{"bob", "alice", "carol"}));
  EXPECT_EQ(s.estimate(), 4);
  for (int i = 4; i < 160; ++i) s.add(i);
  EXPECT_EQ(s.estimate(), 160);
  EXPECT_EQ(s.kind(), kind::explicit_set) << "as many as take the bytes of the full form";
  EXPECT_TRUE(s.add("one more"));
  EXPECT_EQ(s.kind(), kind::sparse);
  EXPECT_NEAR(s.estimate(), 161, 5);
  EXPECT_TRUE(s.elements().empty());
  for (int i = 0; i < 5000; ++i) s.add(i);
  EXPECT_EQ(s.kind(), kind::full);
  EXPECT_EQ(s.serialized_size(), 3u + 1280);
  std::array<std::byte, 100> small;
  EXPECT_THROW(s.write_to(small), std::invalid_argument);
  sketch t;
  swap(s, t);
  EXPECT_EQ(s, sketch());
  t.clear();
  EXPECT_EQ(t, sketch());
}

TEST(postgresql_hyperloglog, thresholds_choose_the_form) {
  sketch none({.explicit_threshold = 0}), full({.explicit_threshold = 0, .sparse = false});
  EXPECT_EQ(hex(none.to_bytes()), "118B40");
  EXPECT_EQ(hex(full.to_bytes()), "118B00");
  none.add("a");
  full.add("a");
  EXPECT_EQ(none.kind(), kind::sparse);
  EXPECT_EQ(full.kind(), kind::full);
  sketch four({.explicit_threshold = 4, .max_sparse = 5});
  EXPECT_EQ(hex(four.to_bytes()), "118B43");
  for (int i = 0; i < 4; ++i) four.add(i);
  EXPECT_EQ(four.kind(), kind::explicit_set);
  four.add(4);
  EXPECT_EQ(four.kind(), kind::sparse);
  four.add(5);
  EXPECT_EQ(four.kind(), kind::full);
  EXPECT_EQ(four.options().max_sparse, 5);
  // 20 pairs of 10 bits are fewer than 32 registers of 5; 16 pairs of 10 bits are not.
  sketch tight({.log2m = 5, .explicit_threshold = 0});
  for (std::uint64_t i = 0; i < 16; ++i) {
    EXPECT_NE(tight.kind(), kind::full);
    tight.add_hash(i | 32);
  }
  EXPECT_EQ(tight.kind(), kind::full);
}

TEST(postgresql_hyperloglog, ranks_are_capped_and_zero_raises_nothing) {
  sketch s({.explicit_threshold = 0});
  s.add_hash(7);
  EXPECT_EQ(hex(s.to_bytes()), "138B40") << "registers, none of them set";
  EXPECT_EQ(s.estimate(), 0);
  s.add_hash(std::uint64_t{1} << 63 | 5);
  EXPECT_EQ(s.registers()[5], 31) << "as much as 5 bits hold";
  sketch wide({.register_width = 8, .explicit_threshold = 0});
  wide.add_hash(std::uint64_t{1} << 63 | 5);
  EXPECT_EQ(wide.registers()[5], 53);
}

/// Estimates are α · m² / Σ 2^-rank, with constants of their own for the smallest m.
TEST(postgresql_hyperloglog, the_smallest_have_constants_of_their_own) {
  const double many = 0.7213 / (1 + 1.079 / 128);
  for (const auto& [log2m, alpha] : {std::pair(4u, 0.673), {5u, 0.697}, {6u, 0.709}, {7u, many}}) {
    sketch s({.log2m = log2m, .explicit_threshold = 0});
    const std::uint64_t registers = std::uint64_t{1} << log2m;
    for (std::uint64_t i = 0; i < registers; ++i) s.add_hash(i | registers << 7);  // of rank 8
    EXPECT_DOUBLE_EQ(s.estimate(), alpha * static_cast<double>(registers) * 256) << log2m;
  }
}

TEST(postgresql_hyperloglog, undefined_remains_undefined) {
  sketch u = read("108B7F"), s;
  s.add("a");
  EXPECT_EQ(u.kind(), kind::undefined);
  EXPECT_TRUE(std::isnan(u.estimate()));
  EXPECT_FALSE(u.add("a"));
  u.merge(s);
  EXPECT_EQ(hex(u.to_bytes()), "108B7F");
  s.merge(u);
  EXPECT_EQ(s, u);
  const sketch nothing = read("128B7F");
  EXPECT_EQ(nothing.kind(), kind::explicit_set) << "explicitly nothing";
  EXPECT_EQ(hex(nothing.to_bytes()), "128B7F");
}

TEST(postgresql_hyperloglog, merges) {
  std::uint64_t state = 5;
  for (const int n : {0, 3, 100, 161, 3'000}) {
    for (const int m : {0, 5, 100, 161, 3'000}) {
      sketch a, b, both;
      for (int i = 0; i < n + m; ++i) {
        const std::uint64_t hash = split_mix(state);
        (i < n ? a : b).add_hash(hash);
        both.add_hash(hash);
        if (i % 5 == 0) a.add_hash(hash), b.add_hash(hash);
      }
      sketch ab = a, ba = b;
      ab.merge(b);
      ba.merge(a);
      EXPECT_EQ(ab, both);
      EXPECT_EQ(ba, both);
      ab.merge(ab);
      EXPECT_EQ(ab, both);
    }
  }
  sketch s, other({.log2m = 12});
  s.add("a");
  const sketch before = s;
  EXPECT_THROW(s.merge(other), std::invalid_argument);
  EXPECT_THROW(s.merge(sketch({.sparse = false})), std::invalid_argument);
  EXPECT_EQ(s, before);
}

TEST(postgresql_hyperloglog, every_shape_goes_through_its_bytes) {
  std::uint64_t state = 9;
  for (unsigned log2m = 4; log2m <= 17; ++log2m) {
    for (unsigned width = 1; width <= 8; ++width) {
      sketch s({.log2m = log2m, .register_width = width, .explicit_threshold = 0});
      for (std::size_t n = 0; n <= 100; n = 2 * n + 1) {
        while (s.registers().empty() || n-- > 0) s.add_hash(split_mix(state));
        const bytes form = s.to_bytes();
        const auto back = sketch::from_bytes(form);
        ASSERT_TRUE(back.has_value()) << log2m << ' ' << width << ' ' << back.error().message();
        EXPECT_EQ(*back, s);
        EXPECT_EQ(form.size(), s.serialized_size());
        if (s.kind() == kind::full) break;
        n = 100;
        for (int i = 0; i < 3000; ++i) s.add_hash(split_mix(state));
        n = 30;
      }
    }
  }
}

// Five standard deviations: 6e-7 for each; the estimator's bias around 2.5 m is 2 % at most.
TEST(postgresql_hyperloglog, counts_within_its_error) {
  std::uint64_t state = 3;
  for (const int n : {500, 3'000, 20'000, 500'000}) {
    sketch s;
    for (int i = 0; i < n; ++i) s.add_hash(split_mix(state));
    EXPECT_NEAR(s.estimate() / n, 1, 5 * 1.04 / std::sqrt(2048) + 0.02);
  }
  sketch linear;  // between 1.5 and 2.5 m
  for (int i = 0; i < 4'200; ++i) linear.add_hash(split_mix(state));
  const auto zeros = std::count(linear.registers().begin(), linear.registers().end(), 0);
  EXPECT_DOUBLE_EQ(linear.estimate(), 2048 * std::log(2048.0 / static_cast<double>(zeros)));
  sketch coarse({.register_width = 4, .explicit_threshold = 0});  // ranks up to 15
  for (int i = 0; i < 3'000'000; ++i) coarse.add_hash(split_mix(state));
  EXPECT_NEAR(coarse.estimate() / 3e6, 1, 0.2) << "the correction for large sets";
}

TEST(postgresql_hyperloglog_options, out_of_range_is_refused) {
  const auto refused = [](const quoin::postgresql_hyperloglog_options& o, std::string_view name) {
    try {
      sketch{o};
    } catch (const std::invalid_argument& e) {
      return std::string_view(e.what()).find(name) != std::string_view::npos;
    }
    return false;
  };
  EXPECT_TRUE(refused({.log2m = 3}, "log2m = 3"));
  EXPECT_TRUE(refused({.log2m = 18}, "log2m = 18"));
  EXPECT_TRUE(refused({.register_width = 0}, "register_width = 0"));
  EXPECT_TRUE(refused({.register_width = 9}, "register_width = 9"));
  EXPECT_TRUE(refused({.explicit_threshold = -2}, "explicit_threshold = -2"));
  EXPECT_TRUE(refused({.explicit_threshold = 3}, "explicit_threshold = 3"));
  EXPECT_TRUE(refused({.explicit_threshold = 16'385}, "explicit_threshold = 16385"));
  for (const int threshold : {8'192, 32'768, 1 << 30}) {  // all that the bytes can say
    const sketch s({.explicit_threshold = threshold});
    const auto back = sketch::from_bytes(s.to_bytes());
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(sketch(back->options()).options().explicit_threshold, threshold);
  }
}

TEST(postgresql_hyperloglog_memory, failures_change_nothing) {
  memory_account account;
  using accounted = quoin::basic_postgresql_hyperloglog<accounted_allocator<std::byte>>;
  {
    accounted s({.explicit_threshold = 2}, accounted_allocator<std::byte>(account));
    s.add("a");
    s.add("b");
    const auto before = s.to_bytes();
    account.requests_until_failure = 0;
    EXPECT_THROW(s.add("c"), std::bad_alloc);
    EXPECT_EQ(s.to_bytes(), before);
    account.requests_until_failure = static_cast<std::size_t>(-1);
    EXPECT_TRUE(s.add("c"));
    EXPECT_EQ(account.live_bytes, 2048u);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

// --- bytes from outside -------------------------------------------------------------------------

void expect_refused(std::string_view digits, errc code, std::uint64_t position) {
  const auto r = sketch::from_bytes(from_hex(digits));
  ASSERT_FALSE(r.has_value()) << digits;
  EXPECT_EQ(r.error().code(), code) << digits << ' ' << r.error().message();
  EXPECT_EQ(r.error().position(), position) << digits << ' ' << r.error().message();
}

TEST(postgresql_hyperloglog_bytes, hostile_forms_are_refused) {
  expect_refused("", errc::truncated, 0);
  expect_refused("118B", errc::truncated, 2);
  expect_refused("218B7F", errc::unsupported_version, 0);
  expect_refused("158B7F", errc::bad_value, 0);
  expect_refused("11837F", errc::incompatible, 1);  // 8 registers
  expect_refused("119F7F", errc::incompatible, 1);  // 2^31
  expect_refused("139F7F0000000000", errc::incompatible, 1);
  expect_refused("118BFF", errc::bad_value, 2);  // the padding bit
  expect_refused("118B60", errc::bad_value, 2);  // a cutoff of 32
  expect_refused("118B7F00", errc::trailing_bytes, 3);
  expect_refused("108B7F00", errc::trailing_bytes, 3);
  expect_refused("128B7F00000000000000", errc::truncated, 10);
  expect_refused("128B7F00000000000000010000000000000001", errc::bad_value, 11);
  expect_refused("128B7F0000000000000001FFFFFFFFFFFFFFFF", errc::bad_value, 11);
  expect_refused("138B7F00", errc::truncated, 4);
  expect_refused("138B7F0000", errc::bad_value, 3);      // rank 0
  expect_refused("138B7F00220001", errc::bad_value, 5);  // register 0 after 1
  expect_refused("138B7F00220022", errc::bad_value, 5);  // register 1 twice
  expect_refused("13AB7F016344B4C1", errc::bad_value, 7);
  expect_refused("13EB7F0006C0", errc::bad_value, 3);  // 54 of at most 53
  expect_refused("14047F", errc::truncated, 3);
}

TEST(postgresql_hyperloglog_bytes, padding_and_sizes_of_the_full_form) {
  // 16 registers of 1 bit.
  EXPECT_EQ(read("14047F8001").registers()[15], 1);
  expect_refused("14047F80", errc::truncated, 4);
  expect_refused("14047F800100", errc::trailing_bytes, 5);
  // Pairs of 5 bits: what is left may be as long as one of them.
  const sketch two = read("13047F08C0");
  EXPECT_EQ(two.registers()[0] + two.registers()[1], 2);
  EXPECT_EQ(hex(two.to_bytes()), "13047F08C0");
  expect_refused("13047F08C1", errc::bad_value, 4);
  const std::string explicit_form = "128B7F" + std::string(16 * 16'384, '0');
  expect_refused(explicit_form, errc::too_large, 3);
}

TEST(postgresql_hyperloglog_bytes, damage_gives_an_error_or_a_valid_sketch) {
  sketch few, some, many;
  for (int i = 0; i < 20; ++i) few.add(i);
  for (int i = 0; i < 200; ++i) some.add(i);
  for (int i = 0; i < 10'000; ++i) many.add(i);
  const auto use = [](std::span<const std::byte> input) {
    auto r = sketch::from_bytes(input);
    if (!r) {
      EXPECT_LE(r.error().position(), input.size());
      return;
    }
    const auto form = r->to_bytes();
    const auto again = sketch::from_bytes(form);
    EXPECT_TRUE(again.has_value() && *again == *r);
    EXPECT_FALSE(r->estimate() < 0);
    r->add("a");
  };
  const std::pair<const char*, const sketch*> goldens[] = {
      {"postgresql_hyperloglog_explicit.bin", &few},
      {"postgresql_hyperloglog_sparse.bin", &some},
      {"postgresql_hyperloglog_full.bin", &many}};
  for (const auto& [name, s] : goldens) {
    expect_golden(name, s->to_bytes());
    const bytes golden = read_golden(name);
    EXPECT_TRUE(sketch::from_bytes(golden).has_value());
    for_each_truncation(golden, use);
    for_each_bit_flip(golden, use);
  }
}

}  // namespace
