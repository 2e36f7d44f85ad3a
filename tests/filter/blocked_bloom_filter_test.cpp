// SPDX-License-Identifier: BSL-1.0
#include <quoin/filter/blocked_bloom_filter.hpp>
#include <quoin/hash/xxh64.hpp>

#include "hash/hash_testing.hpp"
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
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
using filter = quoin::blocked_bloom_filter<>;
using view = quoin::blocked_bloom_filter_view<>;
using bytes = std::vector<std::byte>;

/// `n` integers from `first` on in a filter for 1000.
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

// --- everyday use -------------------------------------------------------------------------------

TEST(blocked_bloom_filter, remembers_what_was_inserted) {
  quoin::blocked_bloom_filter seen({.capacity = 1'000'000, .bits_per_key = 10});
  const std::string url = "https://example.org/";
  EXPECT_FALSE(seen.contains(url));
  seen.insert(url);
  EXPECT_TRUE(seen.contains(url));
  EXPECT_TRUE(seen.contains(std::string_view(url)));
  EXPECT_TRUE(seen.contains("https://example.org/"));
  EXPECT_FALSE(seen.contains("https://example.org/2"));
  EXPECT_TRUE(seen.try_insert(42));
  EXPECT_FALSE(seen.try_insert(std::int64_t{42}));
  EXPECT_TRUE(seen.contains(std::uint16_t{42}));
  seen.insert(std::pair(url, 7));
  EXPECT_TRUE(seen.contains(std::pair(std::string_view(url), 7)));
}

TEST(blocked_bloom_filter, batches_of_whatever_is_contiguous) {
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
  EXPECT_EQ(batch, one_by_one);
  batch.insert_many(std::vector<int>());
  EXPECT_EQ(batch, one_by_one);

  std::array<bool, 5> hits{};
  batch.contains_many(words, hits);
  EXPECT_EQ(hits, (std::array{true, true, true, true, false})) << "the rest is left alone";
  std::array<std::uint64_t, 1> mask{~std::uint64_t{0}};
  batch.contains_many(array, mask);
  EXPECT_EQ(mask[0], 7u);
  const std::vector<int> strangers{1, 1000, 2, 1001};
  batch.contains_many(strangers, mask);
  EXPECT_EQ(mask[0], 5u);
}

TEST(blocked_bloom_filter, output_too_small_is_refused_before_anything_is_written) {
  const filter f = filled(0, 10);
  const std::vector<std::uint64_t> keys(65, 3);
  std::vector<std::uint64_t> mask(1, 77);
  bool hits[64] = {};
  EXPECT_THROW(f.contains_many(keys, mask), std::invalid_argument);
  EXPECT_THROW(f.contains_hash_many(keys, mask), std::invalid_argument);
  EXPECT_THROW(f.contains_many(keys, hits), std::invalid_argument);
  EXPECT_THROW(f.contains_hash_many(keys, hits), std::invalid_argument);
  EXPECT_EQ(mask[0], 77u);
  EXPECT_TRUE(std::none_of(std::begin(hits), std::end(hits), [](bool hit) { return hit; }));
}

TEST(blocked_bloom_filter, hashes_made_elsewhere) {
  filter f({.capacity = 100, .bits_per_key = 10, .seed = 9});
  const std::uint64_t hash = f.hash_function()("key");
  EXPECT_EQ(hash, quoin::hash{9}("key"));
  EXPECT_TRUE(f.try_insert_hash(hash));
  EXPECT_FALSE(f.try_insert_hash(hash));
  EXPECT_TRUE(f.contains("key"));
  EXPECT_TRUE(f.contains_hash(hash));
  EXPECT_EQ(f.seed(), 9u);
}

TEST(blocked_bloom_filter, try_insert_says_whether_a_bit_was_new) {
  filter f({.capacity = 50, .bits_per_key = 4});
  std::uint64_t fresh = 0;
  for (int i = 0; i < 500; ++i) {
    const bool there = f.contains(i);
    const std::uint64_t before = f.bits_set();
    EXPECT_EQ(f.try_insert(i), !there);
    EXPECT_EQ(f.bits_set() > before, !there);
    fresh += !there;
    EXPECT_FALSE(f.try_insert(i));
  }
  EXPECT_LT(fresh, 500u) << "so full a filter takes new keys for old ones";
}

TEST(blocked_bloom_filter, try_insert_of_many_is_one_after_the_other) {
  filter batch({.capacity = 100, .bits_per_key = 12}), one_by_one = batch;
  const std::vector<std::string> words{"a", "b", "a", "", "b", "", "c"};
  std::array<bool, 9> fresh{false, true, true, false, true, true, false, true, false};
  batch.try_insert_many(words, fresh);
  EXPECT_EQ(fresh, (std::array{true, true, false, true, false, false, true, true, false}))
      << "the rest is left alone";
  for (const auto& word : words) one_by_one.insert(word);
  EXPECT_EQ(batch, one_by_one);
  const std::vector<std::uint64_t> hashes{batch.hash_function()("c"), 5, 5};
  batch.try_insert_hash_many(hashes, fresh);
  EXPECT_EQ((std::array{fresh[0], fresh[1], fresh[2]}), (std::array{false, true, false}));
  const filter before = batch;
  bool small[2];
  EXPECT_THROW(batch.try_insert_many(words, small), std::invalid_argument);
  EXPECT_THROW(batch.try_insert_hash_many(hashes, small), std::invalid_argument);
  EXPECT_EQ(batch, before);
}

TEST(blocked_bloom_filter, clear_empty_swap_move) {
  filter a = filled(0, 100), b = filled(1000, 5, 3);
  const filter a_before = a, b_before = b;
  EXPECT_FALSE(a.empty());
  a.swap(b);
  EXPECT_EQ(a, b_before);
  EXPECT_EQ(b, a_before);
  EXPECT_TRUE(a.contains(1002)) << "the hash moves with the bits";
  swap(a, b);
  EXPECT_EQ(a, a_before);
  filter moved = std::move(a);
  EXPECT_EQ(moved, a_before);
  a = std::move(b);  // NOLINT(bugprone-use-after-move): assignment is what it may be used for
  EXPECT_EQ(a, b_before);
  b = moved;
  EXPECT_EQ(b, a_before);
  b.clear();
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.bits_set(), 0u);
  EXPECT_FALSE(b.contains(0));
  EXPECT_EQ(b.bit_count(), a_before.bit_count());
  EXPECT_EQ(b, filled(0, 0));
}

TEST(blocked_bloom_filter, equal_sets_are_equal_whatever_the_order) {
  filter a = filled(0, 0), b = filled(0, 0);
  for (int i = 0; i < 200; ++i) a.insert(i);
  for (int i = 199; i >= 0; --i) b.insert(i);
  EXPECT_TRUE(a == b);
  b.insert(200);
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(filled(0, 0) == filled(0, 0, 1)) << "seeds";
  EXPECT_FALSE(filled(0, 0) == filter({.capacity = 100, .bits_per_key = 10})) << "sizes";
  EXPECT_FALSE(filled(0, 0) == filter({.capacity = 1000, .bits_per_key = 10, .hash_count = 5}));
}

// --- options ------------------------------------------------------------------------------------

TEST(blocked_bloom_options, shape) {
  const auto shape = [](const quoin::blocked_bloom_options& options) {
    const filter f(options);
    EXPECT_EQ(f.size_bytes() * 8, f.bit_count());
    return std::pair(f.bit_count(), f.hash_count());
  };
  using pair = std::pair<std::uint64_t, unsigned>;
  EXPECT_EQ(shape({.capacity = 1, .bits_per_key = 1}), pair(512, 1));
  EXPECT_EQ(shape({.capacity = 64, .bits_per_key = 8}), pair(512, 5));
  EXPECT_EQ(shape({.capacity = 65, .bits_per_key = 8}), pair(1024, 5)) << "rounded up";
  EXPECT_EQ(shape({.capacity = 512'000, .bits_per_key = 10}), pair(5'120'000, 6));
  EXPECT_EQ(shape({.capacity = 512'000, .bits_per_key = 12}), pair(6'144'000, 7));
  EXPECT_EQ(shape({.capacity = 512'000, .bits_per_key = 14}), pair(7'168'000, 8));
  EXPECT_EQ(shape({.capacity = 512'000, .bits_per_key = 64}), pair(32'768'000, 16));
  EXPECT_EQ(shape({.capacity = 512'000, .bits_per_key = 10, .hash_count = 16}),
            pair(5'120'000, 16));
  EXPECT_EQ(shape({.capacity = 64, .bits_per_key = 8, .false_positive_rate = 1e-6}), pair(512, 5))
      << "bits_per_key goes first";
}

TEST(blocked_bloom_options, promised_rate_is_kept_and_no_more) {
  for (const std::uint64_t capacity : {1u, 7u, 1000u, 1'000'000u}) {
    for (const double rate : {0.999, 0.5, 0.3, 0.1, 0.02, 0.01, 0.001, 1e-4, 1e-5, 1e-6, 1.4e-8}) {
      const filter f({.capacity = capacity, .false_positive_rate = rate});
      EXPECT_LE(f.expected_false_positive_rate(capacity), rate) << capacity;
      if (capacity < 1'000'000) continue;
      EXPECT_GT(f.expected_false_positive_rate(capacity), rate * 0.999) << "wasteful at " << rate;
    }
  }
  for (unsigned k = 1; k <= 16; ++k) {
    const filter f({.capacity = 1000, .false_positive_rate = 0.02, .hash_count = k});
    EXPECT_EQ(f.hash_count(), k);
    EXPECT_LE(f.expected_false_positive_rate(1000), 0.02);
  }
}

TEST(blocked_bloom_options, out_of_range_names_parameter_value_and_range) {
  const auto refusal = [](const quoin::blocked_bloom_options& options) {
    return message_of([&] { const filter f(options); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::string name = "quoin::blocked_bloom_filter: ";
  EXPECT_EQ(refusal({.bits_per_key = 10}), name + "capacity = 0, must be at least 1");
  EXPECT_EQ(refusal({.capacity = 1}),
            name + "bits_per_key = 0, must be given, or else false_positive_rate");
  EXPECT_EQ(refusal({.capacity = 1, .bits_per_key = 10, .hash_count = 17}),
            name + "hash_count = 17, must be 1 to 16, or 0 for the best");
  for (const auto& [value, text] : {std::pair(-1.0, "-1"),
                                    {64.01, "64.01"},
                                    {inf, "inf"},
                                    {-inf, "-inf"},
                                    {-1e-300, "-1e-300"}}) {
    EXPECT_EQ(refusal({.capacity = 1, .bits_per_key = value}),
              name + "bits_per_key = " + text + ", must be in (0, 64]");
  }
  EXPECT_NE(refusal({.capacity = 1, .bits_per_key = nan}).find("bits_per_key = "), name.npos);
  for (const auto& [value, text] :
       {std::pair(-0.1, "-0.1"), {1.0, "1"}, {2.0, "2"}, {inf, "inf"}}) {
    EXPECT_EQ(refusal({.capacity = 1, .false_positive_rate = value}),
              name + "false_positive_rate = " + text + ", must be in (0, 1)");
  }
  EXPECT_NE(refusal({.capacity = 1, .false_positive_rate = nan}).find("false_positive_rate = "),
            name.npos);
  EXPECT_EQ(refusal({.capacity = 1, .false_positive_rate = 1e-9}),
            name + "false_positive_rate = 1e-09, must be one that 64 bits per key reach (1.4e-8)");
  EXPECT_NE(refusal({.capacity = 1, .false_positive_rate = 1e-3, .hash_count = 1}).find("1.4e-8"),
            name.npos)
      << "not with one bit per key";
  EXPECT_EQ(refusal({.capacity = ~std::uint64_t{0}, .bits_per_key = 64}),
            name + "capacity = 18446744073709551615, must be of a filter below 2^63 bytes");
}

#if !defined(SANITIZED)  // AddressSanitizer takes such a request for a defect
TEST(blocked_bloom_options, more_than_there_is_memory_is_an_exception) {
  // 2^62 bytes: below what can be named, above what can be had.
  const quoin::blocked_bloom_options options{.capacity = std::uint64_t{1} << 59,
                                             .bits_per_key = 64};
  EXPECT_ANY_THROW(const filter f(options));
}
#endif

TEST(blocked_bloom_options, borders_are_inside) {
  EXPECT_NO_THROW(filter({.capacity = 1, .bits_per_key = 64}));
  EXPECT_NO_THROW(filter({.capacity = 1, .bits_per_key = 1e-300}));
  EXPECT_NO_THROW(filter({.capacity = 1, .false_positive_rate = 1.4e-8}));
  EXPECT_NO_THROW(filter({.capacity = 1, .false_positive_rate = 1 - 1e-16}));
  EXPECT_NO_THROW(filter({.capacity = 1, .bits_per_key = 8, .hash_count = 1}));
  EXPECT_NO_THROW(filter({.capacity = 1, .bits_per_key = 8, .hash_count = 16}));
}

#if defined(__x86_64__) && !defined(SANITIZED)
TEST(blocked_bloom_options, more_than_4_gigabits) {
  std::unique_ptr<filter> f;
  try {
    f = std::make_unique<filter>(
        quoin::blocked_bloom_options{.capacity = std::uint64_t{1} << 30, .bits_per_key = 8});
  } catch (const std::bad_alloc&) {
    GTEST_SKIP() << "needs 1 GiB";
  }
  ASSERT_EQ(f->bit_count(), std::uint64_t{1} << 33);
  std::vector<std::uint64_t> keys(10'000);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = i;
  f->insert_many(keys);
  EXPECT_EQ(f->bits_set(), 5 * keys.size()) << "no two keys meet in so large a table";
  f->insert_hash(~std::uint64_t{0});
  EXPECT_TRUE(f->contains_hash(~std::uint64_t{0})) << "in the last line";
  f->insert_hash(0);
  for (const auto key : keys) ASSERT_TRUE(f->contains(key));
  EXPECT_NEAR(f->estimated_count(), 10'002, 0.1);
}
#endif

// --- sets ---------------------------------------------------------------------------------------

TEST(blocked_bloom_sets, union_is_the_filter_of_all_keys) {
  filter a = filled(0, 300);
  const filter b = filled(200, 300);
  EXPECT_TRUE(a.is_compatible(b));
  const double promised = a.estimated_union(b);
  a.merge(b);
  EXPECT_EQ(a, filled(0, 500));
  EXPECT_EQ(a.estimated_count(), promised);
  filter itself = b;
  itself.merge(itself);
  EXPECT_EQ(itself, b);
}

TEST(blocked_bloom_sets, intersection_keeps_what_both_have) {
  filter a = filled(0, 300);
  const filter b = filled(200, 300);
  a.intersect(b);
  for (std::uint64_t i = 200; i < 300; ++i) EXPECT_TRUE(a.contains(i));
  EXPECT_LT(a.bits_set(), b.bits_set());
  a.intersect(filled(0, 0));
  EXPECT_TRUE(a.empty());
}

TEST(blocked_bloom_sets, unlike_filters_are_refused_and_nothing_changes) {
  filter f = filled(0, 100);
  const filter before = f;
  const std::pair<filter, std::string> others[] = {
      {filter({.capacity = 2000, .bits_per_key = 10}), "sizes"},
      {filter({.capacity = 1000, .bits_per_key = 10, .hash_count = 7}), "bits per key"},
      {filter({.capacity = 1000, .bits_per_key = 10, .seed = 1}), "seeds"},
  };
  for (const auto& [other, word] : others) {
    const filter& o = other;
    EXPECT_FALSE(f.is_compatible(o));
    EXPECT_NE(message_of([&] { f.merge(o); }).find(word), word.npos);
    EXPECT_NE(message_of([&] { f.intersect(o); }).find(word), word.npos);
    EXPECT_THROW(static_cast<void>(f.estimated_union(o)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(f.estimated_intersection(o)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(f.estimated_jaccard(o)), std::invalid_argument);
    EXPECT_EQ(f, before) << word;
  }
}

TEST(blocked_bloom_sets, estimates_of_nothing_and_of_everything) {
  const filter nothing = filled(0, 0);
  EXPECT_EQ(nothing.estimated_count(), 0);
  EXPECT_EQ(nothing.estimated_union(nothing), 0);
  EXPECT_EQ(nothing.estimated_intersection(nothing), 0);
  EXPECT_EQ(nothing.estimated_jaccard(nothing), 1);
  EXPECT_EQ(nothing.false_positive_rate(), 0);
  EXPECT_EQ(nothing.expected_false_positive_rate(0), 0);
  filter full({.capacity = 1, .bits_per_key = 8});
  for (int i = 0; i < 20'000; ++i) full.insert(i);
  ASSERT_EQ(full.bits_set(), 512u);
  EXPECT_EQ(full.estimated_count(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(full.false_positive_rate(), 1);
  EXPECT_NEAR(full.expected_false_positive_rate(20'000), 1, 1e-12);

  filter some({.capacity = 64, .bits_per_key = 8});
  for (int i = 0; i < 20; ++i) some.insert(i);
  for (const auto& [a, b] : {std::pair(&full, &some), std::pair(&some, &full)}) {
    EXPECT_EQ(a->estimated_union(*b), std::numeric_limits<double>::infinity());
    EXPECT_DOUBLE_EQ(a->estimated_intersection(*b), some.estimated_count())
        << "a full one has them all";
    EXPECT_EQ(a->estimated_jaccard(*b), 0);
  }
  EXPECT_EQ(full.estimated_intersection(full), std::numeric_limits<double>::infinity());
  EXPECT_EQ(full.estimated_jaccard(full), 1);
}

// --- other hashers ------------------------------------------------------------------------------

struct constant_if_unmixed {  // only the low bits differ: useless unless mixed
  std::uint64_t operator()(std::uint64_t x) const { return x & 0xffff; }
};
struct seeded_hasher {
  using is_avalanching = void;
  static constexpr std::uint32_t id = 77;
  explicit seeded_hasher(std::uint64_t s) : seed(s) {}
  std::uint64_t operator()(std::string_view text) const { return quoin::xxh3_64(text, ~seed); }
  std::uint64_t seed;
};
struct throwing_hasher {
  std::uint64_t operator()(int x) const {
    if (x < 0) throw std::runtime_error("no hash");
    return static_cast<std::uint64_t>(x);
  }
};

TEST(blocked_bloom_hashers, of_the_standard_library) {
  quoin::blocked_bloom_filter<std::hash<int>> f({.capacity = 10'000, .bits_per_key = 10});
  std::vector<int> keys(10'000);
  for (int i = 0; i < 10'000; ++i) keys[static_cast<std::size_t>(i)] = i;
  auto one_by_one = f;
  for (const int key : keys) one_by_one.insert(key);
  f.insert_many(keys);
  EXPECT_EQ(f, one_by_one);
  int hits = 0;
  for (int i = 10'000; i < 110'000; ++i) hits += f.contains(i);
  // 1e5 probes at 0.97 % expect 970 ± 31; nine sigmas are less probable than 1e-18.
  EXPECT_LT(hits, 970 + 9 * 31) << "the identity is mixed";
}

TEST(blocked_bloom_hashers, that_do_not_mix) {
  quoin::blocked_bloom_filter<constant_if_unmixed> f({.capacity = 1000, .bits_per_key = 16});
  for (std::uint64_t i = 0; i < 1000; ++i) f.insert(i);
  EXPECT_GT(f.bits_set(), 7 * 1000u) << "spread over the lines";
}

TEST(blocked_bloom_hashers, with_a_seed) {
  using seeded = quoin::blocked_bloom_filter<seeded_hasher>;
  seeded f({.capacity = 100, .bits_per_key = 10, .seed = 5});
  f.insert("a");
  EXPECT_TRUE(f.contains_hash(quoin::xxh3_64("a", ~std::uint64_t{5})));
  const auto back = seeded::from_bytes(f.to_bytes());
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->contains("a"));
  EXPECT_EQ(filter::from_bytes(f.to_bytes()).error().code(), quoin::errc::incompatible);
  EXPECT_EQ(view::from_bytes(f.to_bytes()).error().code(), quoin::errc::incompatible);
}

TEST(blocked_bloom_hashers, without_a_seed_have_seed_0_only) {
  using unseeded = quoin::blocked_bloom_filter<std::hash<int>>;
  EXPECT_NE(message_of([] {
              unseeded f({.capacity = 1, .bits_per_key = 8, .seed = 3});
            }).find("seed = 3"),
            std::string::npos);
}

struct seed_refusing_hasher {
  explicit seed_refusing_hasher(std::uint64_t s) {
    if (s == 13) throw std::runtime_error("not this seed");
  }
  std::uint64_t operator()(int x) const { return static_cast<std::uint64_t>(x); }
};

TEST(blocked_bloom_hashers, whose_construction_throws_throw_through) {
  using refusing_view = quoin::blocked_bloom_filter_view<seed_refusing_hasher>;
  static_assert(!noexcept(refusing_view::from_bytes({})));
  static_assert(noexcept(view::from_bytes({})));
  using refusing = quoin::blocked_bloom_filter<seed_refusing_hasher>;
  bytes form = refusing({.capacity = 100, .bits_per_key = 10}).to_bytes();
  EXPECT_TRUE(refusing_view::from_bytes(form));
  form[16] = std::byte{13};
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  EXPECT_THROW(static_cast<void>(refusing_view::from_bytes(form)), std::runtime_error);
  EXPECT_THROW(static_cast<void>(refusing::from_bytes(form)), std::runtime_error);
}

TEST(blocked_bloom_hashers, that_throw_change_nothing) {
  quoin::blocked_bloom_filter<throwing_hasher> f({.capacity = 100, .bits_per_key = 10});
  static_assert(!noexcept(f.insert(1)) && !noexcept(f.contains(1)) && !noexcept(f.try_insert(1)));
  static_assert(noexcept(std::declval<filter&>().insert(1)));
  static_assert(noexcept(std::declval<const filter&>().contains(1)));
  f.insert(1);
  const auto before = f;
  EXPECT_THROW(f.insert(-1), std::runtime_error);
  EXPECT_THROW(static_cast<void>(f.try_insert(-1)), std::runtime_error);
  EXPECT_THROW(static_cast<void>(f.contains(-1)), std::runtime_error);
  EXPECT_EQ(f, before);
  EXPECT_THROW(f.insert_many(std::vector<int>{2, 3, -1}), std::runtime_error);
  EXPECT_TRUE(f.contains(1)) << "a batch may have inserted some of its keys; none is lost";
}

// --- memory -------------------------------------------------------------------------------------

using accounted =
    quoin::blocked_bloom_filter<quoin::hash, quoin_test::accounted_allocator<std::byte>>;

TEST(blocked_bloom_memory, one_allocation_of_the_stated_size_all_given_back) {
  quoin_test::memory_account account;
  {
    accounted f({.capacity = 1000, .bits_per_key = 10},
                quoin_test::accounted_allocator<std::byte>(account));
    EXPECT_EQ(account.live_bytes, f.size_bytes());
    EXPECT_EQ(account.requests, 1u);
    EXPECT_EQ(f.get_allocator().account(), &account);
    f.insert_many(std::vector<int>{1, 2, 3});
    EXPECT_EQ(account.requests, 1u);
    const accounted copy = f;
    EXPECT_EQ(account.live_bytes, 2 * f.size_bytes());
    const accounted moved = std::move(f);
    EXPECT_EQ(account.requests, 2u);
    EXPECT_EQ(moved, copy);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(blocked_bloom_memory, failures_leave_the_target_as_it_was) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  accounted large({.capacity = 9000, .bits_per_key = 10, .seed = 2}, allocator);
  accounted small({.capacity = 100, .bits_per_key = 12}, allocator);
  large.insert(1);
  small.insert(2);
  const accounted before = small;
  const bytes form = large.to_bytes();
  const std::size_t live = account.live_bytes;
  account.requests_until_failure = 0;
  EXPECT_THROW(accounted({.capacity = 10, .bits_per_key = 10}, allocator), std::bad_alloc);
  EXPECT_THROW(const accounted copy = large, std::bad_alloc);
  EXPECT_THROW(small = large, std::bad_alloc);
  EXPECT_THROW(static_cast<void>(accounted::from_bytes(form, allocator)), std::bad_alloc);
  EXPECT_EQ(account.live_bytes, live);
  EXPECT_EQ(small, before);
  account.requests_until_failure = static_cast<std::size_t>(-1);
  small = large;
  EXPECT_EQ(small, large);
  EXPECT_TRUE(small.contains(1)) << "the seed came along";
}

TEST(blocked_bloom_memory, pmr) {
  std::array<std::byte, 8192> buffer;
  std::pmr::monotonic_buffer_resource arena(buffer.data(), buffer.size(),
                                            std::pmr::null_memory_resource());
  using in_arena = quoin::blocked_bloom_filter<quoin::hash, std::pmr::polymorphic_allocator<>>;
  in_arena f({.capacity = 1000, .bits_per_key = 10}, &arena);
  f.insert("a");
  EXPECT_TRUE(f.contains("a"));
  EXPECT_EQ(f.get_allocator().resource(), &arena);
  const in_arena copy = f;
  EXPECT_EQ(copy.get_allocator().resource(), std::pmr::get_default_resource());
  EXPECT_EQ(copy, f);
  EXPECT_THROW(in_arena({.capacity = 10'000, .bits_per_key = 10}, &arena), std::bad_alloc);
  const auto back = in_arena::from_bytes(f.to_bytes(), &arena);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->get_allocator().resource(), &arena);
}

// --- bytes --------------------------------------------------------------------------------------

/// Filters of both kinds of line whose forms are kept in tests/golden.
filter golden_filter(unsigned k) {
  filter f({.capacity = 100, .bits_per_key = 10, .seed = 0x123456789abcdef0u, .hash_count = k});
  for (int i = 0; i < 40; ++i) f.insert(i);
  for (const auto* word : {"", "corner", "stone"}) f.insert(word);
  for (int i = 0; i < 40; ++i) f.insert(std::pair("key", i));
  return f;
}

std::string golden_name(unsigned k) {
  return "blocked_bloom_filter_k" + std::to_string(k) + ".bin";
}

TEST(blocked_bloom_bytes, never_change) {
  for (const unsigned k : {6u, 8u, 12u}) {
    quoin_test::expect_golden(golden_name(k), golden_filter(k).to_bytes());
  }
}

TEST(blocked_bloom_bytes, golden_files_open_to_what_was_saved) {
  for (const unsigned k : {6u, 8u, 12u}) {
    const bytes golden = quoin_test::read_golden(golden_name(k));
    const auto f = filter::from_bytes(golden);
    ASSERT_TRUE(f) << f.error().message();
    EXPECT_EQ(*f, golden_filter(k));
    EXPECT_TRUE(f->contains("corner"));
    EXPECT_TRUE(f->contains(std::pair("key", 39)));
  }
}

TEST(blocked_bloom_bytes, are_as_specified) {
  const filter f = golden_filter(12);
  const bytes form = f.to_bytes();
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(form[i]); };
  ASSERT_EQ(form.size(), f.serialized_size());
  ASSERT_EQ(form.size(), 64 + f.size_bytes() + 8);
  const unsigned header[] = {'Q', 'N', 2, 1, 1, 0, 56, 0};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(at(i), header[i]) << i;
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[8]), f.size_bytes() / 64);
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[16]), 0x123456789abcdef0u);
  EXPECT_EQ(detail::load_le<std::uint32_t>(&form[24]), 1u) << "quoin::hash";
  EXPECT_EQ(at(28), 12u);
  for (std::size_t i = 29; i < 64; ++i) EXPECT_EQ(at(i), 0u) << i;
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[form.size() - 8]),
            quoin::xxh64(std::span(form).first(form.size() - 8), 0));
}

TEST(blocked_bloom_bytes, round_trip) {
  for (const std::uint64_t n : {0u, 1u, 1000u}) {
    const filter f = filled(7, n, n);
    const bytes form = f.to_bytes();
    bytes larger(form.size() + 3, std::byte{9});
    EXPECT_EQ(f.write_to(larger), form.size());
    EXPECT_TRUE(std::equal(form.begin(), form.end(), larger.begin()));
    EXPECT_EQ(larger[form.size()], std::byte{9});
    const auto back = filter::from_bytes(form);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, f);
    EXPECT_EQ(back->to_bytes(), form);
    bytes smaller(form.size() - 1);
    EXPECT_THROW(f.write_to(smaller), std::invalid_argument);
  }
}

TEST(blocked_bloom_bytes, cut_short_is_said_with_both_sizes) {
  const bytes form = golden_filter(6).to_bytes();
  const auto cut = filter::from_bytes(std::span(form).first(100));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().message(), "quoin: input ends within the payload (at byte 100 of " +
                                       std::to_string(form.size()) + ")");
}

TEST(blocked_bloom_bytes, every_damage_is_noticed) {
  const bytes form = quoin_test::read_golden(golden_name(12));
  const auto refused = [](std::span<const std::byte> damaged) {
    EXPECT_FALSE(filter::from_bytes(damaged));
    EXPECT_FALSE(view::from_bytes(damaged));
  };
  quoin_test::for_each_truncation(form, refused);
  quoin_test::for_each_bit_flip(form, refused);
  bytes longer = form;
  longer.push_back(std::byte{0});
  refused(longer);
}

/// The form of a filter with `change` done to it and a checksum that fits.
template <class Change>
bytes forged(Change change) {
  bytes form = golden_filter(6).to_bytes();
  change(form);
  const auto body = std::span(form).first(form.size() - 8);
  detail::store_le(&form[form.size() - 8], quoin::xxh64(body, 0));
  return form;
}

TEST(blocked_bloom_bytes, forged_headers_are_refused_with_reason_and_place) {
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
    const auto v = view::from_bytes(form);
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error(), f.error());
  };
  const std::uint64_t lines = golden_filter(6).size_bytes() / 64;
  EXPECT_TRUE(filter::from_bytes(forged(u8(28, 6)))) << "forged into what it was";
  expect(forged(u8(0, 'q')), errc::bad_magic, 0);
  expect(forged(u8(2, 1)), errc::wrong_format, 2);
  expect(forged(u8(4, 0)), errc::unsupported_version, 4);
  expect(forged(u8(4, 2)), errc::unsupported_version, 4);
  expect(forged(u8(5, 1)), errc::bad_value, 5);
  expect(forged(u8(6, 48)), errc::bad_value, 6);
  for (const std::uint64_t absurd : {std::uint64_t{0}, std::uint64_t{1} << 61,
                                     (std::uint64_t{1} << 58) + lines, ~std::uint64_t{0}}) {
    expect(forged(u64(8, absurd)), errc::bad_value, 8);
  }
  const std::uint64_t size = golden_filter(6).serialized_size();
  expect(forged(u64(8, lines - 1)), errc::trailing_bytes, size - 64);
  for (const std::uint64_t more : {lines + 1, (std::uint64_t{1} << 32) + lines}) {
    expect(forged(u64(8, more)), errc::truncated, size);
  }
  expect(forged([](bytes& form) { form.erase(form.begin() + 64); }), errc::truncated, size - 1);
  expect(forged([](bytes& form) {
           form.resize(72);
           detail::store_le(&form[8], std::uint64_t{0});
         }),
         errc::bad_value, 8);
  for (const unsigned k : {0u, 17u, 255u}) expect(forged(u8(28, k)), errc::bad_value, 28);
  for (std::size_t place = 29; place < 64; ++place) {
    expect(forged(u8(place, 128)), errc::bad_value, place);
  }
  for (const unsigned id : {0u, 2u, 255u}) expect(forged(u8(24, id)), errc::incompatible, 24);
  expect(forged(u8(27, 1)), errc::incompatible, 24);
}

TEST(blocked_bloom_bytes, a_seed_is_refused_by_hashers_that_take_none) {
  using unseeded = quoin::blocked_bloom_filter<std::hash<int>>;
  bytes form = unseeded({.capacity = 100, .bits_per_key = 10}).to_bytes();
  EXPECT_TRUE(unseeded::from_bytes(form));
  form[16] = std::byte{1};
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  ASSERT_FALSE(unseeded::from_bytes(form));
  EXPECT_EQ(unseeded::from_bytes(form).error().position(), 16u);
}

TEST(blocked_bloom_bytes, memory_asked_for_is_bounded_by_the_input) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  const bytes form = quoin_test::read_golden(golden_name(6));
  quoin_test::for_each_bit_flip(form, [&](std::span<const std::byte> damaged) {
    EXPECT_FALSE(accounted::from_bytes(damaged, allocator));
  });
  EXPECT_EQ(account.requests, 0u);
  const auto huge = forged([](bytes& b) { detail::store_le(&b[8], std::uint64_t{1} << 40); });
  EXPECT_FALSE(accounted::from_bytes(huge, allocator));
  EXPECT_EQ(account.requests, 0u);
  ASSERT_TRUE(accounted::from_bytes(form, allocator));
  EXPECT_LE(account.largest_request, form.size());
}

// --- views --------------------------------------------------------------------------------------

TEST(blocked_bloom_views, answer_like_the_filter) {
  const filter f = filled(0, 1000, 4), other = filled(500, 1000, 4);
  const bytes form = f.to_bytes();
  const auto v = view::from_bytes(form);
  ASSERT_TRUE(v) << v.error().message();
  EXPECT_EQ(v->bit_count(), f.bit_count());
  EXPECT_EQ(v->hash_count(), f.hash_count());
  EXPECT_EQ(v->seed(), 4u);
  EXPECT_EQ(v->bits_set(), f.bits_set());
  EXPECT_EQ(v->estimated_count(), f.estimated_count());
  EXPECT_EQ(v->false_positive_rate(), f.false_positive_rate());
  EXPECT_EQ(v->estimated_intersection(other), f.estimated_intersection(other));
  EXPECT_EQ(other.estimated_jaccard(*v), other.estimated_jaccard(f));
  EXPECT_TRUE(v->is_compatible(f));
  EXPECT_FALSE(v->empty());
  std::vector<std::uint64_t> keys(3000), ours(47), theirs(47);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    keys[static_cast<std::size_t>(i)] = i;
    ASSERT_EQ(v->contains(i), f.contains(i));
  }
  v->contains_many(keys, ours);
  f.contains_many(keys, theirs);
  EXPECT_EQ(ours, theirs);
  bytes again(v->serialized_size());
  v->write_to(again);
  EXPECT_EQ(again, form);
}

TEST(blocked_bloom_views, need_alignment) {
  const bytes form = golden_filter(6).to_bytes();
  alignas(8) std::array<std::byte, 1024> memory;
  ASSERT_LT(form.size() + 8, memory.size());
  for (std::size_t shift = 0; shift <= 8; ++shift) {
    std::copy(form.begin(), form.end(), memory.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto there = std::span<const std::byte>(memory).subspan(shift, form.size());
    const auto v = view::from_bytes(there);
    EXPECT_EQ(v.has_value(), shift % 8 == 0) << shift;
    if (!v) {
      EXPECT_EQ(v.error().code(), quoin::errc::incompatible);
    }
    EXPECT_TRUE(filter::from_bytes(there)) << "a copy needs none";
  }
}

}  // namespace
