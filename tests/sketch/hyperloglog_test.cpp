// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh64.hpp>
#include <quoin/sketch/hyperloglog.hpp>

#include "hash/hash_testing.hpp"
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
#include <limits>
#include <memory_resource>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using sketch = quoin::hyperloglog<>;
using bytes = std::vector<std::byte>;

/// The integers from `first` on, `n` of them.
sketch filled(unsigned precision, std::uint64_t first, std::uint64_t n, std::uint64_t seed = 0) {
  sketch s({.precision = precision, .seed = seed});
  for (std::uint64_t i = 0; i < n; ++i) s.insert(first + i);
  return s;
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no exception";
}

// --- everyday use -------------------------------------------------------------------------------

TEST(hyperloglog, counts_what_is_distinct) {
  quoin::hyperloglog visitors({.precision = 14});
  EXPECT_TRUE(visitors.empty());
  EXPECT_EQ(visitors.estimate(), 0);
  const std::string ip = "192.0.2.1";
  visitors.insert(ip);
  visitors.insert("192.0.2.2");
  visitors.insert(std::string_view("192.0.2.1"));
  EXPECT_NEAR(visitors.estimate(), 2, 1e-6);
  EXPECT_FALSE(visitors.empty());
  const std::vector<int> ips{1, 2, 3, 2, 1};
  visitors.insert_many(ips);
  EXPECT_NEAR(visitors.estimate(), 5, 1e-6);
  const auto [low, high] = visitors.confidence_interval(2);
  EXPECT_LE(low, 5.0001);
  EXPECT_GE(low, 5);
  EXPECT_GE(high, 5);
  quoin::hyperloglog others({.precision = 14});
  others.insert(std::uint16_t{3});
  others.insert(std::pair("eu", 7));
  EXPECT_NEAR(visitors.union_estimate(others), 6, 1e-6);
  visitors.merge(others);
  EXPECT_NEAR(visitors.estimate(), 6, 1e-6);
}

TEST(hyperloglog, has_usual_defaults) {
  const quoin::hyperloglog s;
  EXPECT_EQ(s.precision(), 14u);
  EXPECT_EQ(s.seed(), 0u);
  EXPECT_EQ(s.size_bytes(), 0u);
  EXPECT_EQ(s, sketch({.precision = 14}));
}

TEST(hyperloglog, batches_of_whatever_is_contiguous) {
  for (const unsigned p : {4u, 9u, 14u}) {
    sketch one_by_one({.precision = p}), batch = one_by_one, hashed = one_by_one;
    std::vector<std::uint64_t> keys, hashes;
    for (std::size_t size : {0u, 1u, 7u, 255u, 256u, 257u, 3000u, 20'000u}) {
      keys.resize(size);
      hashes.resize(size);
      for (std::size_t i = 0; i < size; ++i) {
        keys[i] = i % (size / 2 + 1) + size;
        hashes[i] = quoin::hash{}(keys[i]);
        one_by_one.insert(keys[i]);
      }
      batch.insert_many(keys);
      hashed.insert_hash_many(hashes);
      ASSERT_EQ(batch, one_by_one) << p << ' ' << size;
      ASSERT_EQ(hashed, one_by_one);
      // (x87 arithmetic rounds sums where the compiler happens to store them.)
      ASSERT_NEAR(batch.estimate(), one_by_one.estimate(), 1e-12 * one_by_one.estimate());
      ASSERT_EQ(batch.to_bytes(), one_by_one.to_bytes());
    }
    const std::vector<std::string> words{"ab", "", "cd", std::string(500, 'x')};
    const std::array<short, 3> shorts{1, 2, 3};
    for (const auto& word : words) one_by_one.insert(word);
    for (const auto x : shorts) one_by_one.insert(x);
    batch.insert_many(words);
    batch.insert_many(shorts);
    EXPECT_EQ(batch, one_by_one);
  }
}

TEST(hyperloglog, clear_swap_copy_move) {
  sketch a = filled(10, 0, 100), b = filled(12, 1000, 5000, 3);
  const sketch a_before = a, b_before = b;
  a.swap(b);
  EXPECT_EQ(a, b_before);
  EXPECT_EQ(b, a_before);
  EXPECT_DOUBLE_EQ(a.estimate(), b_before.estimate());
  a.insert(1002);
  EXPECT_EQ(a, b_before) << "the hash moves along";
  swap(a, b);
  EXPECT_EQ(a, a_before);
  sketch moved = std::move(b);
  EXPECT_EQ(moved, b_before);
  b = moved;
  EXPECT_EQ(b, b_before);
  b.clear();
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.size_bytes(), 0u);
  EXPECT_EQ(b.estimate(), 0);
  EXPECT_EQ(b, sketch({.precision = 12, .seed = 3}));
  for (std::uint64_t i = 0; i < 5000; ++i) b.insert(1000 + i);
  EXPECT_EQ(b, b_before);
  EXPECT_DOUBLE_EQ(b.estimate(), b_before.estimate());
}

TEST(hyperloglog, equality_is_that_of_the_sets) {
  EXPECT_EQ(filled(10, 0, 50), filled(10, 0, 50));
  EXPECT_FALSE(filled(10, 0, 50) == filled(10, 1, 50));
  EXPECT_FALSE(filled(10, 0, 50) == filled(10, 0, 51));
  EXPECT_FALSE(filled(10, 0, 50) == filled(11, 0, 50));
  EXPECT_FALSE(filled(10, 0, 50) == filled(10, 0, 50, 1));
  EXPECT_FALSE(filled(10, 0, 50) == filled(10, 0, 500));
  EXPECT_FALSE(filled(10, 0, 5000) == filled(10, 1, 10'000));
}

// --- options ------------------------------------------------------------------------------------

TEST(hyperloglog_options, out_of_range_names_parameter_value_and_range) {
  for (const unsigned p : {0u, 3u, 22u, 64u, ~0u}) {
    EXPECT_EQ(message_of([&] { const sketch s({.precision = p}); }),
              "quoin::hyperloglog: precision = " + std::to_string(p) + ", must be 4 to 21");
  }
  sketch s = filled(10, 0, 10);
  const sketch before = s;
  EXPECT_NE(message_of([&] { s.downsize(11); }).find("precision = 11"), std::string::npos);
  EXPECT_NE(message_of([&] { s.downsize(3); }).find("precision = 3"), std::string::npos);
  std::vector<std::uint8_t> out(1024);
  EXPECT_THROW(s.copy_registers(11, out), std::invalid_argument);
  EXPECT_THROW(s.copy_registers(3, out), std::invalid_argument);
  EXPECT_THROW(s.copy_registers(10, std::span(out).first(1023)), std::invalid_argument);
  EXPECT_EQ(s, before);
}

// --- representations ----------------------------------------------------------------------------

TEST(hyperloglog_state, turns_into_registers_at_a_number_of_tokens_that_only_precision_decides) {
  for (const unsigned p : {4u, 7u, 10u, 14u}) {
    const std::uint32_t most = detail::hll_most_tokens(p);
    sketch s({.precision = p});
    std::uint64_t state = 1;
    std::vector<std::uint64_t> hashes(most);
    for (auto& hash : hashes) hash = split_mix(state);
    for (std::uint32_t i = 0; i < most; ++i) {
      s.insert_hash(hashes[i]);
      s.insert_hash(hashes[i / 2]);
      EXPECT_NEAR(s.estimate(), i + 1, 1e-3 * (i + 1));
      EXPECT_FALSE(s.has_stream_estimate());
      EXPECT_LT(s.relative_standard_error(), 1e-4);
    }
    EXPECT_EQ(s.serialized_size(), 32 + 4 * most);
    EXPECT_LE(s.size_bytes(), std::max<std::size_t>(64, std::size_t{1} << p));
    s.insert_hash_many(hashes);
    EXPECT_FALSE(s.has_stream_estimate()) << "no token more";
    const double before = s.estimate();
    s.insert_hash(split_mix(state));
    EXPECT_TRUE(s.has_stream_estimate());
    // One hash raises the count by 1 / p: below 9 in the worst case of 16 registers and 9 hashes.
    EXPECT_GE(s.estimate(), before);
    EXPECT_LE(s.estimate(), before + 9);
    EXPECT_EQ(s.serialized_size(), 32 + (std::size_t{3} << p) / 4);
  }
}

TEST(hyperloglog_state, long_batches_turn_into_registers_like_single_hashes) {
  for (const unsigned p : {10u, 11u, 14u}) {
    const std::uint32_t most = detail::hll_most_tokens(p);
    std::uint64_t state = p;
    std::vector<std::uint64_t> fresh(2 * most + 600);
    for (auto& hash : fresh) hash = split_mix(state);
    // Where the batch has an earlier hash again (or one with the same token, or for the same
    // register), from where on it has nothing new, how many it has and how many tokens there are.
    const std::size_t never = fresh.size();
    for (const std::size_t again : {never, std::size_t{7}, std::size_t{most} - 1}) {
      for (const std::uint64_t change : {0u, 1u, 1u << 31}) {
        for (const std::size_t stale : {std::size_t{most} - 1, std::size_t{most}, never}) {
          for (const std::uint32_t before : {0u, 100u, most - 1, most}) {
            for (const std::size_t n : {most + 1, most + 300, 2 * most + 500}) {
              auto hashes = fresh;
              if (again != never) hashes[again] = hashes[again / 2] ^ change;
              for (std::size_t i = stale; i < hashes.size(); ++i) hashes[i] = hashes[i % 100];
              sketch batch({.precision = p}), single({.precision = p});
              for (std::size_t i = 0; i < before; ++i) {
                batch.insert_hash(fresh[n - 1 - i]);
                single.insert_hash(fresh[n - 1 - i]);
              }
              batch.insert_hash_many(std::span(hashes).first(n));
              for (std::size_t i = 0; i < n; ++i) single.insert_hash(hashes[i]);
              ASSERT_EQ(batch, single) << p << ' ' << again << ' ' << stale << ' ' << before;
              ASSERT_EQ(batch.has_stream_estimate(), single.has_stream_estimate());
              ASSERT_NEAR(batch.estimate(), single.estimate(), 1e-12 * single.estimate());
              ASSERT_NEAR(batch.estimate_from_state(), single.estimate_from_state(),
                          1e-12 * single.estimate());
            }
          }
        }
      }
    }
  }
}

TEST(hyperloglog_state, long_batches_of_tokens_that_crowd_are_as_good) {
  // Tokens from outside may all be for one register: more than a quarter of them then are marked.
  const std::uint32_t most = detail::hll_most_tokens(14);
  std::vector<std::uint64_t> crowd(most), fresh(3 * most);
  for (std::uint32_t i = 0; i < most; ++i) crowd[i] = std::uint64_t{i + 1} << 38;
  std::uint64_t state = 1;
  for (auto& hash : fresh) hash = split_mix(state);
  for (const std::uint32_t before : {most / 16, most / 2, most}) {
    sketch batch({.precision = 14});
    for (std::uint32_t i = 0; i < before; ++i) batch.insert_hash(crowd[i]);
    sketch single = batch;
    batch.insert_hash_many(fresh);
    for (const auto hash : fresh) single.insert_hash(hash);
    EXPECT_EQ(batch, single);
    EXPECT_NEAR(batch.estimate(), single.estimate(), 1e-12 * single.estimate());
  }
}

TEST(hyperloglog_state, registers_are_those_of_the_definition) {
  for (const std::uint64_t n : {0u, 1u, 60u, 3000u}) {
    const sketch s = filled(11, 9, n, 5);
    for (unsigned p = 4; p <= 11; ++p) {
      std::vector<std::uint8_t> expected(std::size_t{1} << p), actual(expected.size() + 3, 99);
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t hash = quoin::hash{5}(9 + i);
        std::uint8_t rank = 1;
        while (rank < 65 - p && (hash << p >> (64 - rank) & 1) == 0) ++rank;
        std::uint8_t& there = expected[static_cast<std::size_t>(hash >> (64 - p))];
        there = std::max(there, rank);
      }
      s.copy_registers(p, actual);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), actual.begin())) << n << ' ' << p;
      EXPECT_EQ(actual[expected.size()], 99) << "nothing beyond";
    }
  }
}

TEST(hyperloglog_state, saturated_registers_are_an_infinite_count) {
  sketch s({.precision = 4});
  for (std::uint64_t i = 0; i < 16; ++i) {
    for (std::uint64_t j = 0; j < 64; ++j) s.insert_hash(i << 60 | std::uint64_t{1} << j >> 4);
    EXPECT_GT(s.estimate(), 0);
  }
  for (std::uint64_t i = 0; i < 16; ++i) s.insert_hash(i << 60);
  EXPECT_EQ(s.estimate_from_state(), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isfinite(s.estimate()));
  const sketch before = s;
  s.insert_hash(0);
  EXPECT_EQ(s, before);
  EXPECT_EQ(sketch::from_bytes(s.to_bytes()).value(), s);
}

// --- how exact ----------------------------------------------------------------------------------

// 400 trials of random hashes. The mean deviates from n by at most 4.5 of its standard deviations,
// and the scatter lies within ±20 % of theory's (its own is 3.5 %): together a false alarm in 10^5
// seeds, and this seed is fixed.
TEST(hyperloglog_accuracy, means_and_scatters_are_those_of_theory) {
  constexpr int trials = 400;
  constexpr unsigned p = 8;
  for (const std::size_t n : {300u, 1000u, 20'000u}) {
    double sum[2] = {}, squares[2] = {};
    std::uint64_t state = n;
    std::vector<std::uint64_t> hashes(n);
    for (int i = 0; i < trials; ++i) {
      sketch s({.precision = p});
      for (auto& hash : hashes) hash = split_mix(state);
      s.insert_hash_many(hashes);
      const double errors[] = {s.estimate() / static_cast<double>(n) - 1,
                               s.estimate_from_state() / static_cast<double>(n) - 1};
      for (int k = 0; k < 2; ++k) {
        sum[k] += errors[k];
        squares[k] += errors[k] * errors[k];
      }
    }
    const double theory[] = {std::sqrt(std::log(2) / 256), std::sqrt((3 * std::log(2) - 1) / 256)};
    for (int k = 0; k < 2; ++k) {
      const double scatter = std::sqrt(squares[k] / trials);
      EXPECT_LT(std::abs(sum[k] / trials), 4.5 * scatter / std::sqrt(trials)) << n << ' ' << k;
      EXPECT_LT(scatter, 1.2 * theory[k]) << n << ' ' << k;
      if (n < 20'000) continue;  // still below the limit for many keys
      EXPECT_GT(scatter, 0.8 * theory[k]) << n << ' ' << k;
    }
  }
}

TEST(hyperloglog_accuracy, errors_are_those_of_theory) {
  sketch s = filled(14, 0, 100'000);
  EXPECT_NEAR(s.relative_standard_error(), 0.8326 / 128, 1e-6);
  const double n = s.estimate(), error = s.relative_standard_error();
  const auto one = s.confidence_interval(1);
  EXPECT_DOUBLE_EQ(one.low, n / (1 + error));
  EXPECT_DOUBLE_EQ(one.high, n / (1 - error));
  s.merge(filled(14, 50'000, 50'000));
  EXPECT_FALSE(s.has_stream_estimate());
  EXPECT_NEAR(s.relative_standard_error(), 1.0390 / 128, 1e-6);
  EXPECT_DOUBLE_EQ(s.estimate(), s.estimate_from_state());
  EXPECT_EQ(s.confidence_interval(1000).high, std::numeric_limits<double>::infinity());
  EXPECT_GT(s.confidence_interval(1000).low, 16'000) << "registers that are not 0";
  EXPECT_EQ(sketch().relative_standard_error(), 0);
  EXPECT_EQ(filled(14, 0, 1).relative_standard_error(), 0);
  EXPECT_EQ(filled(14, 0, 100).confidence_interval(5).low, 100);
}

// --- sets ---------------------------------------------------------------------------------------

TEST(hyperloglog_sets, union_is_the_sketch_of_all_keys) {
  for (const std::uint64_t n : {10u, 100u, 1500u, 50'000u}) {
    for (const std::uint64_t m : {10u, 100u, 1500u, 50'000u}) {
      for (const unsigned p : {9u, 12u, 14u}) {
        sketch a = filled(12, 0, n);
        const sketch b = filled(p, n / 2, m), b_before = b;
        const double promised = a.union_estimate(b);
        EXPECT_DOUBLE_EQ(promised, b.union_estimate(a));
        a.merge(b);
        const sketch expected = filled(std::min(p, 12u), 0, std::max(n, n / 2 + m));
        EXPECT_EQ(a, expected) << n << ' ' << m << ' ' << p;
        EXPECT_EQ(a.to_bytes(), expected.to_bytes());
        EXPECT_DOUBLE_EQ(a.estimate_from_state(), expected.estimate_from_state());
        EXPECT_NEAR(promised / expected.estimate_from_state(), 1, 0.2);
        EXPECT_EQ(b, b_before);
      }
    }
  }
}

TEST(hyperloglog_sets, with_nothing_or_itself_nothing_is_lost) {
  sketch s = filled(10, 0, 5000);
  const sketch before = s;
  s.merge(sketch({.precision = 10}));
  s.merge(s);
  EXPECT_EQ(s, before);
  EXPECT_DOUBLE_EQ(s.estimate(), before.estimate()) << "still counted along the stream";
  sketch empty({.precision = 10});
  empty.merge(s);
  EXPECT_EQ(empty, before);
  EXPECT_DOUBLE_EQ(empty.estimate(), before.estimate());
  s.merge(sketch({.precision = 6}));
  EXPECT_EQ(s, filled(6, 0, 5000));
  sketch small({.precision = 5});
  small.merge(before);
  EXPECT_EQ(small, filled(5, 0, 5000));
  EXPECT_EQ(small.precision(), 5u);
  sketch a = filled(10, 0, 5000);
  a.merge(filled(10, 7, 1));
  EXPECT_FALSE(a.has_stream_estimate()) << "what came in did not come through the stream";
}

TEST(hyperloglog_sets, tokens_merged_into_registers_begin_a_stream) {
  sketch a = filled(10, 0, 100);
  a.merge(filled(10, 100, 100));
  EXPECT_TRUE(a.has_stream_estimate());
  EXPECT_NEAR(a.estimate(), 200, 0.1);
  EXPECT_EQ(a, filled(10, 0, 200));
  sketch b = filled(12, 0, 400);
  b.downsize(8);
  EXPECT_TRUE(b.has_stream_estimate());
  EXPECT_NEAR(b.estimate(), 400, 0.1);
  EXPECT_EQ(b, filled(8, 0, 400));
}

TEST(hyperloglog_sets, downsizing_is_building_smaller) {
  for (const std::uint64_t n : {0u, 5u, 40u, 700u, 30'000u}) {
    sketch s = filled(14, 3, n);
    for (unsigned p = 14; p >= 4; --p) {
      const double before = s.estimate();
      s.downsize(p);
      EXPECT_EQ(s.precision(), p);
      EXPECT_EQ(s, filled(p, 3, n)) << n << ' ' << p;
      EXPECT_EQ(s.to_bytes(), filled(p, 3, n).to_bytes());
      EXPECT_DOUBLE_EQ(s.estimate(), before) << "what was counted stays";
    }
  }
}

TEST(hyperloglog_sets, other_seeds_are_refused_and_nothing_changes) {
  sketch s = filled(10, 0, 100);
  const sketch before = s, other = filled(10, 0, 100, 1);
  EXPECT_FALSE(s.is_compatible(other));
  EXPECT_NE(message_of([&] { s.merge(other); }).find("seeds"), std::string::npos);
  EXPECT_THROW(static_cast<void>(s.union_estimate(other)), std::invalid_argument);
  EXPECT_THROW(s.merge(sketch({.precision = 4, .seed = 1})), std::invalid_argument);
  EXPECT_EQ(s, before);
}

// --- other hashers ------------------------------------------------------------------------------

struct unmixed {  // only the low bits differ: useless unless mixed
  std::uint64_t operator()(std::uint64_t x) const { return x; }
};
struct throwing_hasher {
  std::uint64_t operator()(int x) const {
    if (x < 0) throw std::runtime_error("negative");
    return static_cast<std::uint64_t>(x);
  }
};

TEST(hyperloglog_hashers, that_do_not_mix_are_mixed) {
  quoin::hyperloglog<unmixed> s({.precision = 12});
  std::vector<std::uint64_t> keys(50'000);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = i;
  s.insert_many(keys);
  EXPECT_NEAR(s.estimate(), 50'000, 50'000 * 5 * s.relative_standard_error());
  EXPECT_NE(message_of([] { const quoin::hyperloglog<unmixed> t({.seed = 3}); }).find("seed = 3"),
            std::string::npos);
}

TEST(hyperloglog_hashers, that_throw_change_nothing) {
  quoin::hyperloglog<throwing_hasher> s({.precision = 10});
  s.insert(1);
  const auto before = s;
  EXPECT_THROW(s.insert(-1), std::runtime_error);
  EXPECT_EQ(s, before);
  EXPECT_THROW(s.insert_many(std::vector<int>{2, -1}), std::runtime_error);
  s.insert(2);
  EXPECT_NEAR(s.estimate(), 2, 1e-6);
}

// --- memory -------------------------------------------------------------------------------------

using accounted = quoin::hyperloglog<quoin::hash, quoin_test::accounted_allocator<std::byte>>;

TEST(hyperloglog_memory, is_small_while_keys_are_few_and_all_given_back) {
  quoin_test::memory_account account;
  {
    accounted s({.precision = 12}, quoin_test::accounted_allocator<std::byte>(account));
    EXPECT_EQ(account.requests, 0u) << "an empty sketch has no memory";
    for (int i = 0; i < 5000; ++i) {
      s.insert(i);
      ASSERT_EQ(account.live_bytes, s.size_bytes());
      ASSERT_LE(s.size_bytes(), std::max(64, std::min(4096, 16 * (i + 1))));
    }
    EXPECT_EQ(s.get_allocator().account(), &account);
    const accounted copy = s;
    EXPECT_EQ(account.live_bytes, 8192u);
    const auto requests = account.requests;
    const accounted moved = std::move(s);
    EXPECT_EQ(account.requests, requests);
    EXPECT_EQ(moved, copy);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(hyperloglog_memory, a_batch_makes_room_for_what_is_distinct_in_it) {
  const std::vector<std::uint64_t> same(100'000, 7);
  sketch s({.precision = 14});
  s.insert_many(same);
  EXPECT_LE(s.size_bytes(), 64u);
  EXPECT_NEAR(s.estimate(), 1, 1e-9);
}

TEST(hyperloglog_memory, failures_leave_the_target_as_it_was) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  const auto make = [&](unsigned precision, int first, int n) {
    accounted s({.precision = precision}, allocator);
    for (int i = 0; i < n; ++i) s.insert(first + i);
    return s;
  };
  const auto fails = [&](accounted& s, auto operation) {
    const accounted before = s;
    const double estimate = s.estimate();
    account.requests_until_failure = 0;
    EXPECT_THROW(operation(s), std::bad_alloc);
    account.requests_until_failure = static_cast<std::size_t>(-1);
    EXPECT_EQ(s, before);
    EXPECT_EQ(s.precision(), before.precision());
    EXPECT_EQ(s.estimate(), estimate);
    operation(s);
  };
  accounted nothing = make(10, 0, 0), full = make(10, 0, 8), tokens = make(10, 0, 128);
  const accounted some = make(10, 1000, 100), registers = make(12, 1000, 5000);
  fails(nothing, [](accounted& s) { s.insert(1); });
  fails(full, [](accounted& s) { s.insert(100); });
  fails(tokens, [](accounted& s) { s.insert(1000); });
  accounted a = make(10, 0, 20), b = make(10, 0, 100), c = make(10, 0, 10), d = make(12, 0, 5000);
  accounted e = make(14, 0, 600), f = make(10, 0, 0), g = make(12, 0, 5000);
  fails(a, [&](accounted& s) { s.merge(some); });
  fails(b, [&](accounted& s) { s.merge(some); });
  fails(c, [&](accounted& s) { s.merge(registers); });
  fails(d, [&](accounted& s) { s.merge(some); });
  fails(e, [&](accounted& s) { s.downsize(8); });
  fails(f, [&](accounted& s) { s.merge(registers); });
  fails(g, [&](accounted& s) { s.downsize(8); });
  accounted h = make(10, 0, 5);
  fails(h, [&](accounted& s) { s = registers; });
  const bytes forms[] = {some.to_bytes(), registers.to_bytes()};
  const std::size_t live = account.live_bytes;
  for (const auto& form : forms) {
    account.requests_until_failure = 0;
    EXPECT_THROW(static_cast<void>(accounted::from_bytes(form, allocator)), std::bad_alloc);
    account.requests_until_failure = static_cast<std::size_t>(-1);
  }
  EXPECT_EQ(account.live_bytes, live);
}

TEST(hyperloglog_memory, pmr) {
  std::array<std::byte, 16384> buffer;
  std::pmr::monotonic_buffer_resource arena(buffer.data(), buffer.size(),
                                            std::pmr::null_memory_resource());
  using in_arena = quoin::hyperloglog<quoin::hash, std::pmr::polymorphic_allocator<>>;
  in_arena s({.precision = 10}, &arena);
  for (int i = 0; i < 1000; ++i) s.insert(i);
  EXPECT_EQ(s.get_allocator().resource(), &arena);
  const in_arena copy = s;
  EXPECT_EQ(copy.get_allocator().resource(), std::pmr::get_default_resource());
  EXPECT_EQ(copy, s);
  s.merge(copy);
  s.clear();
  s.merge(copy);
  EXPECT_EQ(s.get_allocator().resource(), &arena);
  EXPECT_EQ(s, copy);
  const auto back = in_arena::from_bytes(s.to_bytes(), &arena);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->get_allocator().resource(), &arena);
}

// --- bytes --------------------------------------------------------------------------------------

constexpr std::uint64_t golden_seed = 0x123456789abcdef0u;

/// Tokens, registers, and registers with the count of the stream, as kept in tests/golden.
sketch golden_sketch(const std::string& what) {
  sketch s = filled(what == "tokens" ? 10 : 5, 0, what == "tokens" ? 30 : 60, golden_seed);
  for (const auto* word : {"", "corner", "stone"}) s.insert(word);
  return s;
}

bytes golden_form(const std::string& what) {
  return golden_sketch(what).to_bytes({.stream_estimate = what == "stream"});
}

const std::string golden_kinds[] = {"tokens", "registers", "stream"};

std::string golden_name(const std::string& what) { return "hyperloglog_" + what + ".bin"; }

TEST(hyperloglog_bytes, never_change) {
  for (const auto& what : golden_kinds) {
    if (what == "stream") continue;  // a floating-point sum: the last bit is the platform's
    quoin_test::expect_golden(golden_name(what), golden_form(what));
  }
}

TEST(hyperloglog_bytes, golden_files_open_to_what_was_saved) {
  for (const auto& what : {"tokens", "registers"}) {
    const auto s = sketch::from_bytes(quoin_test::read_golden(golden_name(what)));
    ASSERT_TRUE(s) << s.error().message();
    EXPECT_EQ(*s, golden_sketch(what));
    EXPECT_DOUBLE_EQ(s->estimate(), golden_sketch(what).estimate_from_state());
  }
}

TEST(hyperloglog_bytes, are_as_specified) {
  for (const auto& what : golden_kinds) {
    const sketch s = golden_sketch(what);
    const bytes form = golden_form(what);
    const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(form[i]); };
    const unsigned flags = what == "tokens" ? 0 : what == "registers" ? 1 : 3;
    const unsigned header[] = {'Q', 'N', 1, 2, 1, flags, 16, 0};
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(at(i), header[i]) << i;
    EXPECT_EQ(detail::load_le<std::uint64_t>(&form[8]), golden_seed);
    EXPECT_EQ(detail::load_le<std::uint32_t>(&form[16]), 1u) << "quoin::hash";
    EXPECT_EQ(at(20), what == "tokens" ? 10u : 5u);
    for (std::size_t i = 21; i < 24; ++i) EXPECT_EQ(at(i), 0u) << i;
    EXPECT_EQ(detail::load_le<std::uint64_t>(&form[form.size() - 8]),
              quoin::xxh64(std::span(form).first(form.size() - 8), 0));
    if (what == "tokens") {
      ASSERT_EQ(form.size(), 24 + 4 * 33 + 8u);
      std::vector<std::uint32_t> tokens;
      for (std::uint64_t i = 0; i < 30; ++i) {
        tokens.push_back(detail::hll_token(quoin::hash{golden_seed}(i)));
      }
      for (const auto* word : {"", "corner", "stone"}) {
        tokens.push_back(detail::hll_token(quoin::hash{golden_seed}(word)));
      }
      std::sort(tokens.begin(), tokens.end());
      for (std::size_t i = 0; i < 33; ++i) {
        EXPECT_EQ(detail::load_le<std::uint32_t>(&form[24 + 4 * i]), tokens[i]);
      }
      continue;
    }
    const std::size_t start = what == "stream" ? 32 : 24;
    ASSERT_EQ(form.size(), start + 24 + 8);
    std::vector<std::uint8_t> registers(32);
    s.copy_registers(5, registers);
    for (std::size_t i = 0; i < 32; ++i) {
      unsigned value = 0;
      for (unsigned bit = 0; bit < 6; ++bit) {
        const std::size_t place = 6 * i + bit;
        value |= (at(start + place / 8) >> place % 8 & 1) << bit;
      }
      EXPECT_EQ(value, registers[i]);
    }
    if (what == "stream") {
      EXPECT_EQ(std::bit_cast<double>(detail::load_le<std::uint64_t>(&form[24])), s.estimate());
    }
  }
}

TEST(hyperloglog_bytes, round_trip) {
  for (const std::uint64_t n : {0u, 1u, 100u, 512u, 513u, 20'000u}) {
    const sketch s = filled(12, 7, n, n);
    for (const bool stream : {false, true}) {
      const bytes form = s.to_bytes({.stream_estimate = stream});
      EXPECT_EQ(form.size(), s.serialized_size({.stream_estimate = stream}));
      bytes larger(form.size() + 3, std::byte{9});
      EXPECT_EQ(s.write_to(larger, {.stream_estimate = stream}), form.size());
      EXPECT_TRUE(std::equal(form.begin(), form.end(), larger.begin()));
      EXPECT_EQ(larger[form.size()], std::byte{9});
      const auto back = sketch::from_bytes(form);
      ASSERT_TRUE(back);
      EXPECT_EQ(*back, s);
      EXPECT_EQ(back->to_bytes({.stream_estimate = stream}), form);
      EXPECT_EQ(back->has_stream_estimate(), stream && s.has_stream_estimate());
      EXPECT_EQ(back->estimate(), stream ? s.estimate() : s.estimate_from_state());
      sketch more = *back, all = s;
      for (std::uint64_t i = 0; i < 2000; ++i) more.insert(i), all.insert(i);
      EXPECT_EQ(more, all);
      bytes smaller(form.size() - 1);
      EXPECT_THROW(s.write_to(smaller, {.stream_estimate = stream}), std::invalid_argument);
    }
  }
}

TEST(hyperloglog_bytes, every_damage_is_noticed) {
  for (const auto& what : golden_kinds) {
    const bytes form = golden_form(what);
    const auto refused = [](std::span<const std::byte> damaged) {
      EXPECT_FALSE(sketch::from_bytes(damaged));
    };
    quoin_test::for_each_truncation(form, refused);
    quoin_test::for_each_bit_flip(form, refused);
    bytes longer = form;
    longer.push_back(std::byte{0});
    refused(longer);
  }
}

/// A golden form with `change` done to it and a checksum that fits.
template <class Change>
bytes forged(const std::string& what, Change change) {
  bytes form = golden_form(what);
  change(form);
  const auto body = std::span(form).first(form.size() - 8);
  detail::store_le(&form[form.size() - 8], quoin::xxh64(body, 0));
  return form;
}

TEST(hyperloglog_bytes, forgeries_are_refused_or_open_to_a_valid_sketch) {
  for (const auto& what : golden_kinds) {
    quoin_test::for_each_bit_flip(golden_form(what), [&](std::span<const std::byte> flipped) {
      const bytes form = forged(what, [&](bytes& f) { f.assign(flipped.begin(), flipped.end()); });
      const auto s = sketch::from_bytes(form);
      if (!s) {
        EXPECT_LT(s.error().position(), form.size());
        return;
      }
      EXPECT_EQ(s->to_bytes({.stream_estimate = true}), form);
      EXPECT_GE(s->estimate(), 0);
    });
  }
}

TEST(hyperloglog_bytes, forgeries_are_refused_with_reason_and_place) {
  using quoin::errc;
  const auto u8 = [](std::size_t place, unsigned value) {
    return [=](bytes& form) { form[place] = static_cast<std::byte>(value); };
  };
  const auto u32 = [](std::size_t place, std::uint32_t value) {
    return [=](bytes& form) { detail::store_le(&form[place], value); };
  };
  const auto count = [](double value) {
    return [=](bytes& form) { detail::store_le(&form[24], std::bit_cast<std::uint64_t>(value)); };
  };
  const auto cut = [](std::size_t size) {
    return [=](bytes& form) { form.resize(form.size() - size); };
  };
  const auto expect = [](const bytes& form, errc code, std::uint64_t place) {
    const auto s = sketch::from_bytes(form);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error(), quoin::error(code, place, "")) << s.error().message();
  };
  for (const auto& what : golden_kinds) {
    EXPECT_TRUE(sketch::from_bytes(forged(what, u8(0, 'Q')))) << "forged into what it was";
    expect(forged(what, u8(0, 'q')), errc::bad_magic, 0);
    expect(forged(what, u8(2, 2)), errc::wrong_format, 2);
    expect(forged(what, u8(4, 2)), errc::unsupported_version, 4);
    expect(forged(what, u8(5, 4)), errc::bad_value, 5);
    expect(forged(what, u8(5, 2)), errc::bad_value, 5);
    expect(forged(what, u8(6, 24)), errc::bad_value, 6);
    expect(forged(what, u8(16, 2)), errc::incompatible, 16);
    expect(forged(what, u8(20, 3)), errc::bad_value, 20);
    expect(forged(what, u8(20, 22)), errc::bad_value, 20);
    expect(forged(what, u8(23, 1)), errc::bad_value, 21);
  }
  expect(forged("tokens", cut(2)), errc::bad_value, 24);
  EXPECT_TRUE(sketch::from_bytes(forged("tokens", cut(4)))) << "one token fewer";
  expect(forged("tokens", u8(20, 6)), errc::bad_value, 24);  // 8 tokens at most
  expect(forged("tokens", u32(24, 0)), errc::bad_value, 24);
  expect(forged("tokens", u32(28, 0xffffffff)), errc::bad_value, 28);
  expect(forged("tokens", u32(28, 0xffffffc1)), errc::bad_value, 32);  // the next is below it
  expect(forged("registers", cut(3)), errc::bad_value, 20);
  expect(forged("registers", u8(20, 6)), errc::bad_value, 20);
  expect(forged("registers", [](bytes& f) { std::fill(f.begin() + 24, f.end(), std::byte{}); }),
         errc::bad_value, 24);
  expect(forged("registers", u8(24, 63)), errc::bad_value, 24);  // a rank above 60
  for (const double x : {0.0, -1.0, 1.0, std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    expect(forged("stream", count(x)), errc::bad_value, 24);
  }
  EXPECT_DOUBLE_EQ(sketch::from_bytes(forged("stream", count(1e9))).value().estimate(), 1e9);
  EXPECT_EQ(quoin::hyperloglog<unmixed>::from_bytes(golden_form("tokens")).error().position(), 8u);
}

TEST(hyperloglog_bytes, tokens_that_crowd_cost_no_more_than_others) {
  // Consecutive tokens, as no hash gives them: they must not make one long run in the table.
  constexpr unsigned precision = 16;
  const std::uint32_t n = detail::hll_most_tokens(precision);
  bytes form(24 + 4 * std::size_t{n} + 8);
  detail::frame_writer writer(form, detail::hll_frame, detail::hll_parameters);
  writer.put(std::uint64_t{0});
  writer.put(std::uint32_t{1});
  writer.put(std::uint32_t{precision});
  for (std::uint32_t i = 0; i < n; ++i) writer.put((i / 39 << 6) + i % 39 + 1);
  writer.finish();
  const auto s = sketch::from_bytes(form);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->to_bytes(), form);
  EXPECT_NEAR(s->estimate(), n, 0.001 * n);
}

TEST(hyperloglog_state,
     a_table_made_for_a_higher_precision_holds_no_more_tokens_than_the_lower_one_may) {
  sketch s({.precision = 14});
  std::vector<std::uint64_t> keys(1000);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = i % 2;
  s.insert_many(keys);  // makes room for many
  s.downsize(4);
  sketch merged({.precision = 4});
  sketch roomy({.precision = 14});
  roomy.insert_many(keys);
  merged.merge(roomy);
  sketch expected({.precision = 4});
  expected.insert_many(std::span(keys).first(2));
  for (std::uint64_t key = 10; key < 20; ++key) {
    s.insert(key);
    merged.insert_many(std::span(&key, 1));
    expected.insert(key);
    ASSERT_EQ(s, expected) << key;
    ASSERT_EQ(merged, expected) << key;
    ASSERT_EQ(s.to_bytes(), expected.to_bytes());
    ASSERT_TRUE(sketch::from_bytes(s.to_bytes()).has_value());
  }
}

}  // namespace
