// SPDX-License-Identifier: BSL-1.0
#include <quoin/filter/bloom_filter.hpp>
#include <quoin/hash/xxh64.hpp>

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
#include <functional>
#include <limits>
#include <memory_resource>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using filter = quoin::bloom_filter<>;
using view = quoin::bloom_filter_view<>;
using bytes = std::vector<std::byte>;

filter filled(std::uint64_t first, std::uint64_t n, std::uint64_t seed = 0) {
  filter f({.capacity = 1000, .bits_per_key = 10, .seed = seed});
  for (std::uint64_t i = 0; i < n; ++i) f.insert(first + i);
  return f;
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

// --- the textbook's example ---------------------------------------------------------------------

/// A "hash" that is the two indices that the book gives the name, in one number.
struct book_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::string_view name) const {
    if (name == "john") return 0x85;
    if (name == "dave") return 0x53;
    if (name == "peter") return 0x92;
    if (name == "donald") return 0x73;
    return 0x83;  // sarah
  }
};

class book_indices {
 public:
  book_indices(std::uint64_t hash, std::uint64_t /*bits*/) : left_(hash) {}
  std::uint64_t next() {
    const std::uint64_t index = left_ & 15;
    left_ >>= 4;
    return index;
  }

 private:
  std::uint64_t left_;
};

using book_filter = quoin::bloom_filter<book_hash, std::allocator<std::byte>, book_indices>;

std::string bits_of(const book_filter& f) {
  std::string bits;
  for (std::uint64_t i = 0; i < f.bit_count(); ++i) bits += f.bit(i) ? '1' : '0';
  return bits;
}

TEST(bloom_filter, example_of_the_textbook) {
  book_filter f({.bit_count = 10, .hash_count = 2});
  EXPECT_EQ(f.bit_count(), 10u);
  EXPECT_EQ(bits_of(f), "0000000000");
  f.insert("john");
  EXPECT_EQ(bits_of(f), "0000010010");
  f.insert("dave");
  EXPECT_EQ(bits_of(f), "0001010010");
  f.insert("peter");
  EXPECT_EQ(bits_of(f), "0011010011");
  EXPECT_FALSE(f.contains("donald")) << "bit 7 is not set";
  EXPECT_TRUE(f.contains("sarah")) << "a false positive: bit 3 from dave, bit 8 from john";
  EXPECT_EQ(f.bits_set(), 5u);
  EXPECT_DOUBLE_EQ(f.false_positive_rate(), 0.25);
  EXPECT_NEAR(f.estimated_count(), std::log(0.5) / (2 * std::log(0.9)), 1e-12);
  EXPECT_NEAR(f.estimated_count(), 3.466, 0.2) << "-m/k ln(1 - X/m), which is for large m";
  const std::vector<std::string> names{"john", "dave", "peter", "donald", "sarah"};
  std::array<bool, 5> hits{};
  f.contains_many(names, hits);
  EXPECT_EQ(hits, (std::array{true, true, true, false, true}));
  const auto back = book_filter::from_bytes(f.to_bytes());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, f);
  EXPECT_FALSE(filter::from_bytes(f.to_bytes())) << "other hashes, other indices";
}

// --- everyday use -------------------------------------------------------------------------------

TEST(bloom_filter, remembers_what_was_inserted) {
  quoin::bloom_filter seen({.capacity = 1'000'000, .false_positive_rate = 0.01});
  const std::string url = "https://example.org/";
  EXPECT_FALSE(seen.contains(url));
  seen.insert(url);
  EXPECT_TRUE(seen.contains(std::string_view(url)));
  EXPECT_TRUE(seen.contains("https://example.org/"));
  EXPECT_FALSE(seen.contains("https://example.org/2"));
  EXPECT_TRUE(seen.try_insert(42));
  EXPECT_FALSE(seen.try_insert(std::int64_t{42}));
  seen.insert(std::pair(url, 7));
  EXPECT_TRUE(seen.contains(std::pair(std::string_view(url), 7)));
}

TEST(bloom_filter, try_insert_says_whether_a_bit_was_new) {
  filter f({.capacity = 50, .bits_per_key = 4});
  for (int i = 0; i < 500; ++i) {
    const bool there = f.contains(i);
    const std::uint64_t before = f.bits_set();
    EXPECT_EQ(f.try_insert(i), !there);
    EXPECT_EQ(f.bits_set() > before, !there);
  }
}

TEST(bloom_filter, batches_of_whatever_is_contiguous) {
  filter one_by_one({.capacity = 100, .bits_per_key = 12}), batch = one_by_one;
  const std::vector<std::string> words{"ab", "", "cd", std::string(500, 'x')};
  std::array<int, 3> array{1, 2, 3};
  const std::uint64_t c_array[] = {4, 5, 6};
  for (const auto& word : words) one_by_one.insert(word);
  for (const auto x : array) one_by_one.insert(x);
  for (const auto x : c_array) one_by_one.insert(x);
  batch.insert_many(words);
  batch.insert_many(std::span(array));
  batch.insert_many(c_array);
  batch.insert_many(std::vector<int>());
  EXPECT_EQ(batch, one_by_one);
  std::array<bool, 5> hits{};
  batch.contains_many(words, hits);
  EXPECT_EQ(hits, (std::array{true, true, true, true, false})) << "the rest is left alone";
  std::array<std::uint64_t, 1> mask{~std::uint64_t{0}};
  batch.contains_many(std::vector<int>{1, 1000, 2, 1001}, mask);
  EXPECT_EQ(mask[0], 5u);
}

TEST(bloom_filter, try_insert_of_many_is_one_after_the_other) {
  filter batch({.capacity = 100, .bits_per_key = 12}), one_by_one = batch;
  const std::vector<std::string> words{"a", "b", "a", "", "b", "", "c"};
  std::array<bool, 8> fresh{false, true, true, false, true, true, false, true};
  batch.try_insert_many(words, fresh);
  EXPECT_EQ(fresh, (std::array{true, true, false, true, false, false, true, true}))
      << "the rest is left alone";
  for (const auto& word : words) one_by_one.insert(word);
  EXPECT_EQ(batch, one_by_one);
  bool small[2];
  EXPECT_THROW(batch.try_insert_many(words, small), std::invalid_argument);
  EXPECT_THROW(batch.try_insert_hash_many(std::vector<std::uint64_t>(3), small),
               std::invalid_argument);
  EXPECT_EQ(batch, one_by_one);
}

TEST(bloom_filter, output_too_small_is_refused_before_anything_is_written) {
  const filter f = filled(0, 10);
  const std::vector<std::uint64_t> keys(65, 3);
  std::vector<std::uint64_t> mask(1, 77);
  bool hits[64] = {};
  EXPECT_THROW(f.contains_many(keys, mask), std::invalid_argument);
  EXPECT_THROW(f.contains_hash_many(keys, mask), std::invalid_argument);
  EXPECT_THROW(f.contains_many(keys, hits), std::invalid_argument);
  EXPECT_THROW(f.contains_hash_many(keys, hits), std::invalid_argument);
  EXPECT_EQ(mask[0], 77u);
}

/// Batches do what single operations do, for a table near the core (`bits` small) and a far one.
void expect_batches_agree(std::uint64_t bits, unsigned k, std::size_t n) {
  filter one({.bit_count = bits, .hash_count = k}), many = one, hashed = one;
  std::uint64_t state = bits + k + n;
  std::vector<std::uint64_t> keys(n), strangers(n), hashes(n);
  for (std::size_t i = 0; i < n; ++i) {
    keys[i] = split_mix(state);
    strangers[i] = i % 3 == 0 ? keys[i] : split_mix(state);
    hashes[i] = quoin::hash{}(keys[i]);
    one.insert(keys[i]);
  }
  many.insert_many(keys);
  hashed.insert_hash_many(hashes);
  EXPECT_EQ(many, one);
  EXPECT_EQ(hashed, one);
  std::vector<std::uint64_t> mask((n + 63) / 64, ~std::uint64_t{0});
  const auto hits = std::make_unique<bool[]>(n);
  one.contains_many(strangers, mask);
  one.contains_many(strangers, std::span(hits.get(), n));
  std::size_t differing = 0;
  for (std::size_t i = 0; i < 64 * mask.size(); ++i) {
    const bool expected = i < n && one.contains(strangers[i]);
    differing += (mask[i / 64] >> (i % 64) & 1) != expected;
    if (i < n) differing += hits[i] != expected;
  }
  EXPECT_EQ(differing, 0u) << bits << " bits, k = " << k << ", n = " << n;
  one.contains_hash_many(hashes, mask);
  one.contains_hash_many(hashes, std::span(hits.get(), n));
  EXPECT_TRUE(std::all_of(hits.get(), hits.get() + n, [](bool hit) { return hit; }));
}

TEST(bloom_filter, batches_agree_with_single_operations) {
  for (const unsigned k : {1u, 2u, 3u, 4u, 5u, 7u, 64u}) {
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 65u, 300u, 1000u}) {
      expect_batches_agree(n * k * 3 / 2 + 1, k, n);
    }
  }
  const std::uint64_t far = 8 * (8 * detail::l2_cache_bytes()) + 12345;
  ASSERT_TRUE(detail::is_far(far));
  for (const unsigned k : {1u, 2u, 3u, 4u, 7u, 64u}) {
    for (const std::size_t n : {0u, 1u, 16u, 17u, 64u, 65u, 129u, 1000u}) {
      expect_batches_agree(far, k, n);
    }
  }
  expect_batches_agree(far, 7, static_cast<std::size_t>(far / 100));
}

TEST(bloom_filter, clear_empty_swap_move) {
  filter a = filled(0, 100), b({.capacity = 7, .bits_per_key = 20, .seed = 3});
  const filter a_copy = a;
  EXPECT_FALSE(a.empty());
  EXPECT_TRUE(b.empty());
  swap(a, b);
  EXPECT_EQ(b, a_copy);
  EXPECT_EQ(a.seed(), 3u);
  EXPECT_EQ(a.bit_count(), 140u);
  filter moved = std::move(b);
  EXPECT_EQ(moved, a_copy);
  moved.clear();
  EXPECT_TRUE(moved.empty());
  EXPECT_EQ(moved.bits_set(), 0u);
  EXPECT_NE(moved, a_copy);
}

// --- options ------------------------------------------------------------------------------------

TEST(bloom_options, shape) {
  EXPECT_EQ(filter({.capacity = 100, .bits_per_key = 10}).bit_count(), 1000u);
  EXPECT_EQ(filter({.capacity = 3, .bits_per_key = 3.1}).bit_count(), 10u) << "rounded up";
  EXPECT_EQ(filter({.capacity = 100, .bits_per_key = 10}).hash_count(), 7u);
  EXPECT_EQ(filter({.capacity = 100, .bits_per_key = 10, .hash_count = 3}).hash_count(), 3u);
  EXPECT_EQ(filter({.capacity = 100, .bit_count = 801}).bit_count(), 801u);
  EXPECT_EQ(filter({.capacity = 100, .bit_count = 801}).hash_count(), 6u);
  EXPECT_EQ(filter({.capacity = 1, .bit_count = 10'000}).hash_count(), 64u) << "capped";
  EXPECT_EQ(filter({.bit_count = 1, .hash_count = 64}).size_bytes(), 8u);
  EXPECT_EQ(filter({.bit_count = 65, .hash_count = 1}).size_bytes(), 16u);
}

TEST(bloom_options, default_k_is_the_best) {
  for (int tenths = 1; tenths <= 640; ++tenths) {
    const double density = tenths / 10.0;
    const unsigned k = detail::best_bloom_hashes(density);
    const auto rate = [=](unsigned i) {
      return i < 1 || i > 64 ? 1.0 : std::pow(-std::expm1(-static_cast<double>(i) / density), i);
    };
    EXPECT_LE(rate(k), rate(k - 1)) << density;
    EXPECT_LE(rate(k), rate(k + 1)) << density;
  }
}

TEST(bloom_options, promised_rate_is_kept_and_no_more) {
  for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{10}, std::uint64_t{1000},
                                std::uint64_t{1'000'000}, std::uint64_t{1} << 40}) {
    for (const double rate : {0.5, 0.1, 0.01, 1e-3, 1e-6, 1e-12}) {
      const quoin::bloom_options options{.capacity = n, .false_positive_rate = rate};
      const detail::bloom_plan plan = detail::plan_bloom_filter(options);
      const auto keys = static_cast<double>(n), bits = static_cast<double>(plan.bits);
      EXPECT_LE(detail::bloom_rate(keys, bits, plan.k), rate);
      if (plan.bits < std::uint64_t{1} << 50) {
        EXPECT_GT(detail::bloom_rate(keys, bits - 1, plan.k), rate) << n << " " << rate;
      }
      for (const unsigned k : {plan.k - 1, plan.k + 1}) {
        if (k == 0) continue;
        const auto other = detail::plan_bloom_filter(
            quoin::bloom_options{.capacity = n, .false_positive_rate = rate, .hash_count = k});
        EXPECT_GE(other.bits, plan.bits) << "fewest bits with the best k";
      }
    }
  }
}

TEST(bloom_options, out_of_range_names_parameter_value_and_range) {
  const auto refusal = [](const quoin::bloom_options& o) { return message_of([&] { filter{o}; }); };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal({}), "quoin::bloom_filter: capacity = 0, must be at least 1");
  EXPECT_EQ(refusal({.capacity = 1}),
            "quoin::bloom_filter: bits_per_key = 0, must be given, or else false_positive_rate");
  EXPECT_EQ(refusal({.capacity = 1, .bits_per_key = 64.5}),
            "quoin::bloom_filter: bits_per_key = 64.5, must be in (0, 64]");
  EXPECT_EQ(refusal({.capacity = 1, .bits_per_key = -1}),
            "quoin::bloom_filter: bits_per_key = -1, must be in (0, 64]");
  EXPECT_NE(refusal({.capacity = 1, .bits_per_key = nan}).find("bits_per_key"), std::string::npos);
  EXPECT_EQ(refusal({.capacity = 1, .false_positive_rate = 1}),
            "quoin::bloom_filter: false_positive_rate = 1, must be in (0, 1)");
  EXPECT_NE(refusal({.capacity = 1, .false_positive_rate = nan}).find("_rate"), std::string::npos);
  EXPECT_EQ(refusal({.capacity = 1000, .false_positive_rate = 1e-14}),
            "quoin::bloom_filter: false_positive_rate = 1e-14, must be one that 64 bits per key "
            "reach (4.5e-14)");
  EXPECT_NE(refusal({.capacity = 9, .false_positive_rate = 1e-3, .hash_count = 1}).find("_rate"),
            std::string::npos)
      << "1000 bits per key with one hash";
  EXPECT_EQ(refusal({.capacity = 1, .bits_per_key = 8, .hash_count = 65}),
            "quoin::bloom_filter: hash_count = 65, must be 1 to 64, or 0 for the best");
  EXPECT_EQ(refusal({.bit_count = 10}),
            "quoin::bloom_filter: capacity = 0, must be at least 1, or hash_count given");
  EXPECT_NE(refusal({.bit_count = ~std::uint64_t{0}, .hash_count = 1}).find("bit_count"),
            std::string::npos);
  EXPECT_NE(refusal({.capacity = std::uint64_t{1} << 57, .bits_per_key = 1}).find("capacity"),
            std::string::npos);
}

#ifndef SANITIZED  // whose allocators end the program instead
TEST(bloom_options, more_than_there_is_memory_is_an_exception) {
  EXPECT_THROW(filter({.bit_count = std::uint64_t{1} << 63, .hash_count = 1}), std::exception);
}
#endif

// --- indices and rates --------------------------------------------------------------------------

/// What many implementations do: the i-th index is h1 + i · h2.
class double_hashing {
 public:
  double_hashing(std::uint64_t hash, std::uint64_t bits)
      : at_(hash), step_(hash * 0x9fb21c651e98df25u), bits_(bits) {}
  std::uint64_t next() {
    at_ += step_;
    return detail::mul_high(at_, bits_);
  }

 private:
  std::uint64_t at_, step_, bits_;
};

/// Standard deviations between the false positives of `filters` filters and the model's mean.
template <class Indices>
double deviations(std::uint64_t keys, double density, int filters, int probes) {
  using tested = quoin::bloom_filter<quoin::hash, std::allocator<std::byte>, Indices>;
  std::uint64_t state = keys;
  double sum = 0, squares = 0, expected = 0;
  for (int i = 0; i < filters; ++i) {
    tested f({.capacity = keys, .bits_per_key = density});
    for (std::uint64_t j = 0; j < keys; ++j) f.insert_hash(split_mix(state));
    double hits = 0;
    for (int j = 0; j < probes; ++j) hits += f.contains_hash(split_mix(state));
    sum += hits / probes;
    squares += hits / probes * (hits / probes);
    expected = f.expected_false_positive_rate(keys);
  }
  const double mean = sum / filters;
  const double variance = (squares / filters - mean * mean) / (filters - 1);
  return (mean - expected) / std::sqrt(variance);
}

// False alarms: |z| > 4.9 has probability 1e-6 for each of the five cases.
TEST(bloom_indices, false_positives_are_those_of_independent_indices) {
  EXPECT_LT(std::abs(deviations<quoin::multiplied_indices>(10, 10, 4000, 400)), 4.9);
  EXPECT_LT(std::abs(deviations<quoin::multiplied_indices>(100, 10, 800, 4000)), 4.9);
  EXPECT_LT(std::abs(deviations<quoin::multiplied_indices>(100, 16, 800, 8000)), 4.9);
  EXPECT_LT(std::abs(deviations<quoin::multiplied_indices>(1000, 8, 100, 20000)), 4.9);
  EXPECT_LT(std::abs(deviations<quoin::multiplied_indices>(100'000, 12, 8, 200'000)), 4.9);
}

TEST(bloom_indices, the_test_above_refuses_double_hashing) {
  EXPECT_GT(deviations<double_hashing>(10, 10, 4000, 400), 4.9);
  EXPECT_GT(deviations<double_hashing>(100, 16, 800, 8000), 4.9);
}

TEST(bloom_indices, reach_every_bit_evenly_beyond_2_to_the_32) {
  const std::uint64_t bits = (std::uint64_t{1} << 36) + 12345;
  std::uint64_t state = 1;
  std::array<double, 64> counts{};
  std::uint64_t highest = 0, low_bits = 0;
  for (int i = 0; i < 20'000; ++i) {
    quoin::multiplied_indices indices(split_mix(state), bits);
    for (int j = 0; j < 16; ++j) {
      const std::uint64_t index = indices.next();
      ASSERT_LT(index, bits);
      highest = std::max(highest, index);
      low_bits += index & 1;
      ++counts[static_cast<std::size_t>(index / (bits / 64 + 1))];
    }
  }
  double chi_square = 0;
  for (const double c : counts) chi_square += (c - 5000) * (c - 5000) / 5000;
  EXPECT_LT(chi_square, 131) << "63 degrees of freedom, false alarms 1e-6";
  EXPECT_GT(highest, bits - bits / 1000);
  EXPECT_NEAR(static_cast<double>(low_bits), 160'000, 4.9 * 283);
}

/// The mean of (fill)^k by brute force: every way to throw the balls, for tiny tables.
double rate_by_enumeration(int balls, int bits, unsigned k) {
  std::vector<double> chance(static_cast<std::size_t>(bits) + 1);  // of so many bits set
  chance[0] = 1;
  for (int i = 0; i < balls; ++i) {
    for (int set = bits; set >= 0; --set) {
      const auto s = static_cast<std::size_t>(set);
      chance[s] = chance[s] * set / bits + (set > 0 ? chance[s - 1] * (bits - set + 1) / bits : 0);
    }
  }
  double rate = 0;
  for (int set = 0; set <= bits; ++set) {
    rate += chance[static_cast<std::size_t>(set)] * std::pow(static_cast<double>(set) / bits, k);
  }
  return rate;
}

TEST(bloom_model, is_the_mean_over_all_tables) {
  for (const int keys : {1, 10, 100, 300}) {
    for (const auto& [bits, k] :
         {std::pair(keys * 8, 6u), std::pair(keys * 10, 7u), std::pair(keys * 16, 11u)}) {
      const double exact = rate_by_enumeration(keys * static_cast<int>(k), bits, k);
      const double model = detail::bloom_rate(keys, bits, k);
      const double order = static_cast<double>(k) / bits;
      EXPECT_NEAR(model / exact, 1, 4 * order * order) << keys << " keys, " << bits << " bits";
    }
  }
  EXPECT_NEAR(detail::bloom_rate(1e6, 1e7, 7), 0.0081937, 1e-7);
  EXPECT_EQ(detail::bloom_rate(0, 100, 7), 0);
  EXPECT_EQ(detail::bloom_rate(1, 1, 7), 1);
  EXPECT_NEAR(detail::bloom_rate(1, 2, 1), 0.5, 1e-15);
}

// --- sets ---------------------------------------------------------------------------------------

TEST(bloom_sets, union_is_the_filter_of_all_keys) {
  filter a = filled(0, 300), b = filled(200, 400), all = filled(0, 600);
  const filter b_before = b;
  a.merge(b);
  EXPECT_EQ(a, all);
  EXPECT_EQ(b, b_before);
}

TEST(bloom_sets, intersection_keeps_what_both_have) {
  filter a = filled(0, 300);
  a.intersect(filled(200, 400));
  for (std::uint64_t i = 200; i < 300; ++i) EXPECT_TRUE(a.contains(i));
  a.intersect(filled(5000, 0));
  EXPECT_TRUE(a.empty());
}

TEST(bloom_sets, unlike_filters_are_refused_and_nothing_changes) {
  filter a = filled(0, 300);
  const filter before = a;
  const filter size({.capacity = 1001, .bits_per_key = 10}),
      seed = filled(0, 9, 1), k({.capacity = 1000, .bits_per_key = 10, .hash_count = 6});
  for (const filter* other : {&size, &seed, &k}) {
    EXPECT_FALSE(a.is_compatible(*other));
    EXPECT_THROW(a.merge(*other), std::invalid_argument);
    EXPECT_THROW(a.intersect(*other), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(a.estimated_union(*other)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(a.estimated_intersection(*other)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(a.estimated_jaccard(*other)), std::invalid_argument);
    EXPECT_NE(a, *other);
  }
  EXPECT_EQ(a, before);
}

TEST(bloom_sets, estimates_with_a_full_filter) {
  filter full({.bit_count = 100, .hash_count = 3}), some = full;
  for (int i = 0; i < 1000; ++i) full.insert(i);
  for (int i = 0; i < 10; ++i) some.insert(i);
  ASSERT_EQ(full.bits_set(), 100u);
  EXPECT_EQ(full.estimated_count(), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(full.estimated_intersection(some), some.estimated_count());
  EXPECT_DOUBLE_EQ(some.estimated_intersection(full), some.estimated_count());
  EXPECT_EQ(full.estimated_jaccard(some), 0);
  EXPECT_EQ(full.estimated_jaccard(full), 1);
}

// Bits set have a standard deviation below sqrt(m · fill · (1 − fill)); 4.9 of them: 1e-6.
TEST(bloom_sets, estimates) {
  const std::uint64_t n = 100'000;
  filter a({.capacity = n, .bits_per_key = 10}), b = a;
  for (std::uint64_t i = 0; i < n; ++i) a.insert(i);
  for (std::uint64_t i = n / 2; i < n + n / 2; ++i) b.insert(i);
  const double fill = 1 - std::exp(-0.7);
  const double deviation = std::sqrt(1e6 * fill * (1 - fill)) / 7 / (1 - fill);
  EXPECT_NEAR(a.estimated_count(), 1e5, 4.9 * deviation);
  EXPECT_NEAR(a.estimated_union(b), 1.5e5, 4.9 * 2 * deviation);
  EXPECT_NEAR(a.estimated_intersection(b), 5e4, 4.9 * 4 * deviation);
  EXPECT_NEAR(a.estimated_jaccard(b), 1.0 / 3, 0.02);
  EXPECT_NEAR(a.false_positive_rate() / a.expected_false_positive_rate(n), 1, 0.02);
}

TEST(bloom_sets, estimates_of_nothing_and_of_everything) {
  filter none({.capacity = 10, .bits_per_key = 10}), full = none;
  EXPECT_EQ(none.estimated_count(), 0);
  EXPECT_EQ(none.false_positive_rate(), 0);
  EXPECT_EQ(none.expected_false_positive_rate(0), 0);
  EXPECT_EQ(none.estimated_jaccard(full), 1);
  EXPECT_EQ(none.estimated_intersection(full), 0);
  for (int i = 0; i < 10'000; ++i) full.insert(i);
  EXPECT_EQ(full.bits_set(), 100u);
  EXPECT_EQ(full.false_positive_rate(), 1);
  EXPECT_TRUE(std::isinf(full.estimated_count()));
  filter one_bit({.bit_count = 1, .hash_count = 3});
  EXPECT_EQ(one_bit.estimated_count(), 0);
  one_bit.insert(7);
  EXPECT_EQ(one_bit.estimated_count(), 1);
  EXPECT_TRUE(one_bit.contains(8));
}

// --- hashers and memory -------------------------------------------------------------------------

TEST(bloom_hashers, of_the_standard_library) {
  quoin::bloom_filter<std::hash<int>> f({.capacity = 1000, .bits_per_key = 10});
  for (int i = 0; i < 1000; ++i) f.insert(i);
  int wrong = 0;
  for (int i = 1000; i < 11'000; ++i) wrong += f.contains(i);
  EXPECT_LT(wrong, 82 + 4.9 * 9.1) << "std::hash<int> is the identity; it is mixed";
  EXPECT_THROW(quoin::bloom_filter<std::hash<int>>({.capacity = 1, .bits_per_key = 1, .seed = 1}),
               std::invalid_argument);
}

using accounted = quoin::bloom_filter<quoin::hash, quoin_test::accounted_allocator<std::byte>>;

TEST(bloom_memory, one_allocation_of_the_stated_size_all_given_back) {
  quoin_test::memory_account account;
  {
    accounted f({.capacity = 1000, .bits_per_key = 10},
                quoin_test::accounted_allocator<std::byte>(account));
    EXPECT_EQ(account.requests, 1u);
    EXPECT_EQ(account.live_bytes, 1280u) << "1250 in whole lines";
    f.insert_many(std::vector<int>(1000, 5));
    EXPECT_EQ(account.requests, 1u);
    account.requests_until_failure = 0;
    EXPECT_THROW(accounted copy(f), std::bad_alloc);
    EXPECT_TRUE(f.contains(5));
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(bloom_memory, pmr) {
  std::array<std::byte, 4096> buffer;
  std::pmr::monotonic_buffer_resource arena(buffer.data(), buffer.size(),
                                            std::pmr::null_memory_resource());
  using in_arena = quoin::bloom_filter<quoin::hash, std::pmr::polymorphic_allocator<>>;
  in_arena f({.capacity = 1000, .bits_per_key = 10}, &arena);
  f.insert("a");
  EXPECT_TRUE(f.contains("a"));
  EXPECT_EQ(f.get_allocator().resource(), &arena);
}

// --- bytes --------------------------------------------------------------------------------------

filter golden_filter() {
  filter f({.seed = 0x123456789abcdef0u, .bit_count = 1001, .hash_count = 7});
  for (int i = 0; i < 40; ++i) f.insert(i);
  for (const auto* word : {"", "corner", "stone"}) f.insert(word);
  for (int i = 0; i < 40; ++i) f.insert(std::pair("key", i));
  return f;
}

constexpr const char* golden_name = "bloom_filter.bin";

TEST(bloom_bytes, never_change) {
  quoin_test::expect_golden(golden_name, golden_filter().to_bytes());
  const auto f = filter::from_bytes(quoin_test::read_golden(golden_name));
  ASSERT_TRUE(f) << f.error().message();
  EXPECT_EQ(*f, golden_filter());
  EXPECT_TRUE(f->contains("corner"));
}

TEST(bloom_bytes, are_as_specified) {
  const filter f = golden_filter();
  const bytes form = f.to_bytes();
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(form[i]); };
  ASSERT_EQ(form.size(), f.serialized_size());
  ASSERT_EQ(form.size(), 40u + 128 + 8);
  const unsigned header[] = {'Q', 'N', 1, 1, 1, 0, 32, 0};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(at(i), header[i]) << i;
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[8]), 1001u);
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[16]), 0x123456789abcdef0u);
  EXPECT_EQ(detail::load_le<std::uint32_t>(&form[24]), 1u) << "quoin::hash";
  EXPECT_EQ(detail::load_le<std::uint32_t>(&form[28]), 1u) << "quoin::multiplied_indices";
  EXPECT_EQ(at(32), 7u);
  for (std::size_t i = 33; i < 40; ++i) EXPECT_EQ(at(i), 0u) << i;
  for (std::size_t i = 0; i < 1001; ++i) EXPECT_EQ(at(40 + i / 8) >> (i % 8) & 1, f.bit(i)) << i;
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[form.size() - 8]),
            quoin::xxh64(std::span(form).first(form.size() - 8), 0));
}

TEST(bloom_bytes, round_trip) {
  for (const std::uint64_t bits : {1u, 63u, 64u, 65u, 511u, 512u, 513u}) {
    filter f({.seed = bits, .bit_count = bits, .hash_count = 2});
    for (int i = 0; i < 40; ++i) f.insert(i);
    const bytes form = f.to_bytes();
    bytes larger(form.size() + 3, std::byte{9});
    EXPECT_EQ(f.write_to(larger), form.size());
    EXPECT_EQ(larger[form.size()], std::byte{9});
    const auto back = filter::from_bytes(form);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, f);
    EXPECT_EQ(back->to_bytes(), form);
    bytes smaller(form.size() - 1);
    EXPECT_THROW(f.write_to(smaller), std::invalid_argument);
  }
}

TEST(bloom_bytes, cut_short_is_said_with_both_sizes) {
  const bytes form = golden_filter().to_bytes();
  const auto cut = filter::from_bytes(std::span(form).first(100));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().message(), "quoin: input ends within the payload (at byte 100 of 176)");
}

TEST(bloom_bytes, every_damage_is_noticed) {
  quoin_test::memory_account account;
  const bytes form = quoin_test::read_golden(golden_name);
  const auto refused = [&](std::span<const std::byte> damaged) {
    EXPECT_FALSE(
        accounted::from_bytes(damaged, quoin_test::accounted_allocator<std::byte>(account)));
    EXPECT_FALSE(view::from_bytes(damaged));
  };
  quoin_test::for_each_truncation(form, refused);
  quoin_test::for_each_bit_flip(form, refused);
  bytes longer = form;
  longer.push_back(std::byte{0});
  refused(longer);
  EXPECT_EQ(account.requests, 0u) << "nothing is allocated for what is refused";
  EXPECT_TRUE(accounted::from_bytes(form, quoin_test::accounted_allocator<std::byte>(account)));
  EXPECT_LT(account.largest_request, form.size() + 64);
}

template <class Change>
bytes forged(Change change) {
  bytes form = golden_filter().to_bytes();
  change(form);
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  return form;
}

TEST(bloom_bytes, forged_headers_are_refused_with_reason_and_place) {
  using quoin::errc;
  const auto u64 = [](std::size_t place, std::uint64_t value) {
    return [=](bytes& form) { detail::store_le(&form[place], value); };
  };
  const auto u8 = [](std::size_t place, unsigned value) {
    return [=](bytes& form) { form[place] = static_cast<std::byte>(value); };
  };
  const auto expect = [](const bytes& form, errc code, std::uint64_t place) {
    const auto f = filter::from_bytes(form);
    ASSERT_FALSE(f);
    EXPECT_EQ(f.error(), quoin::error(code, place, "")) << f.error().message();
    EXPECT_EQ(view::from_bytes(form).error(), f.error());
  };
  EXPECT_TRUE(filter::from_bytes(forged(u8(32, 7)))) << "forged into what it was";
  expect(forged(u8(5, 1)), errc::bad_value, 5);
  for (const std::uint64_t absurd :
       {std::uint64_t{0}, (std::uint64_t{1} << 63) + 1001, ~std::uint64_t{0}}) {
    expect(forged(u64(8, absurd)), errc::bad_value, 8);
  }
  expect(forged(u64(8, 960)), errc::trailing_bytes, 168);
  expect(forged(u64(8, 1025)), errc::truncated, 176);
  expect(forged(u64(8, std::uint64_t{1} << 63)), errc::truncated, 176);
  expect(forged([](bytes& form) { form.erase(form.begin() + 64); }), errc::truncated, 175);
  expect(forged(u8(24, 2)), errc::incompatible, 24);
  expect(forged(u8(28, 0)), errc::incompatible, 28);
  for (const unsigned k : {0u, 65u, 255u}) expect(forged(u8(32, k)), errc::bad_value, 32);
  for (std::size_t place = 33; place < 40; ++place) {
    expect(forged(u8(place, 128)), errc::bad_value, place);
  }
  for (std::size_t bit = 1001; bit < 1024; ++bit) {
    expect(forged([=](bytes& form) { form[40 + bit / 8] |= std::byte{1} << (bit % 8); }),
           errc::bad_value, 160);
  }
}

TEST(bloom_bytes, a_seed_is_refused_by_hashers_that_take_none) {
  using unseeded = quoin::bloom_filter<std::hash<int>>;
  bytes form = unseeded({.capacity = 100, .bits_per_key = 10}).to_bytes();
  EXPECT_TRUE(unseeded::from_bytes(form));
  form[16] = std::byte{1};
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  ASSERT_FALSE(unseeded::from_bytes(form));
  EXPECT_EQ(unseeded::from_bytes(form).error().position(), 16u);
}

struct seed_refusing_hasher {
  explicit seed_refusing_hasher(std::uint64_t s) {
    if (s == 13) throw std::runtime_error("not this seed");
  }
  std::uint64_t operator()(int x) const { return static_cast<std::uint64_t>(x); }
};

TEST(bloom_views, of_hashers_whose_construction_throws_throw_through) {
  using refusing_view = quoin::bloom_filter_view<seed_refusing_hasher>;
  static_assert(!noexcept(refusing_view::from_bytes({})));
  static_assert(noexcept(view::from_bytes({})));
  using refusing = quoin::bloom_filter<seed_refusing_hasher>;
  bytes form = refusing({.capacity = 100, .bits_per_key = 10}).to_bytes();
  EXPECT_TRUE(refusing_view::from_bytes(form));
  form[16] = std::byte{13};
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  EXPECT_THROW(static_cast<void>(refusing_view::from_bytes(form)), std::runtime_error);
}

TEST(bloom_views, answer_like_the_filter_at_any_alignment) {
  const filter f = filled(0, 500, 4), other = filled(400, 100, 4);
  for (std::size_t shift = 0; shift < 9; ++shift) {
    bytes memory(shift + f.serialized_size());
    f.write_to(std::span(memory).subspan(shift));
    const auto v = view::from_bytes(std::span(memory).subspan(shift));
    ASSERT_TRUE(v);
    for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(v->contains(i), f.contains(i));
    EXPECT_EQ(v->bits_set(), f.bits_set());
    EXPECT_EQ(v->seed(), 4u);
    EXPECT_EQ(v->hash_count(), f.hash_count());
    EXPECT_EQ(v->false_positive_rate(), f.false_positive_rate());
    EXPECT_EQ(v->estimated_union(other), f.estimated_union(other));
    EXPECT_EQ(other.estimated_jaccard(*v), other.estimated_jaccard(f));
    EXPECT_TRUE(v->is_compatible(f));
    const std::vector<int> keys{1, 2, 100'000};
    bool hits[3];
    v->contains_many(keys, hits);
    EXPECT_TRUE(hits[0] && hits[1]);
    EXPECT_EQ(hits[2], f.contains(100'000));
    bytes again(f.serialized_size());
    v->write_to(again);
    EXPECT_EQ(again, f.to_bytes());
  }
}

}  // namespace
