// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/heavy_hitters.hpp>

#include "hash/hash_testing.hpp"
#include "sketch/heavy_testing.hpp"
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
#include <memory_resource>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using quoin_test::broken_promise;
using quoin_test::exact_weights;
using quoin_test::split_mix;
using numbers = quoin::heavy_hitters<std::uint64_t>;
using words = quoin::heavy_hitters<std::string>;
using word = quoin::heavy_hitter<std::string>;
using number = quoin::heavy_hitter<std::uint64_t>;
using report = quoin::heavy_hitters_report;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no exception";
}

/// Keys of which the r-th most frequent has about 1/r of the weight of the first.
std::vector<std::uint64_t> skewed(std::size_t n, std::uint64_t seed) {
  std::vector<std::uint64_t> keys(n);
  for (auto& key : keys) {
    const std::uint64_t x = split_mix(seed);
    key = (std::uint64_t{1} << (x % 16)) + (x >> 32) % (std::uint64_t{1} << (x % 16));
  }
  return keys;
}

// --- everyday use -------------------------------------------------------------------------------

TEST(heavy_hitters, counts_exactly_while_there_is_room) {
  words w({.capacity = 1'000});
  const std::string the = "the";
  EXPECT_TRUE(w.empty());
  w.add("the");
  w.add(the, 3);
  w.add(std::string_view("of"), 2);
  w.add("");
  EXPECT_EQ(w.top(10), (std::vector<word>{{"the", 4, 0}, {"of", 2, 0}, {"", 1, 0}}));
  EXPECT_EQ(w.top(1), (std::vector<word>{{"the", 4, 0}}));
  EXPECT_EQ(w.top(0), std::vector<word>{});
  EXPECT_EQ(w.estimate("of"), 2u);
  EXPECT_EQ(w.estimate("and"), 0u);
  EXPECT_TRUE(w.contains(""));
  EXPECT_FALSE(w.contains("and"));
  EXPECT_EQ(w.total(), 7u);
  EXPECT_EQ(w.size(), 3u);
  EXPECT_EQ(w.max_error(), 0u);
  EXPECT_EQ(w.capacity(), 1'000u);
}

TEST(heavy_hitters, evicts_all_that_reach_no_further_than_the_mth) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u}) h.add(key);
  EXPECT_EQ(h.size(), 4u) << "2m keys fit: 1×5, 2×3, 3×2, 4×1";
  EXPECT_EQ(h.max_error(), 0u);
  h.add(5);
  EXPECT_EQ(h.max_error(), 3u) << "the second largest count: 2, 3 and 4 go";
  EXPECT_EQ(h.top(9), (std::vector<number>{{1, 5, 0}, {5, 4, 3}}));
  h.add(2);
  EXPECT_EQ(h.top(9), (std::vector<number>{{1, 5, 0}, {2, 4, 3}, {5, 4, 3}})) << "ties by key";
  EXPECT_EQ(h.lower_bound(2), 1u);
  EXPECT_EQ(h.upper_bound(2), 4u);
  EXPECT_EQ(h.upper_bound(3), 3u);
  EXPECT_EQ(h.lower_bound(3), 0u);
  EXPECT_EQ(h.total(), 13u);
}

TEST(heavy_hitters, ties_are_ordered_by_error_and_then_by_key) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 2u, 3u, 4u, 5u, 6u, 6u, 6u}) h.add(key);
  EXPECT_EQ(h.max_error(), 1u);
  EXPECT_EQ(h.top(3), (std::vector<number>{{1, 4, 0}, {6, 4, 1}, {5, 2, 1}}));
  words w({.capacity = 10});
  for (const char* key : {"b", "\xff", "a", "ab", ""}) w.add(key);
  EXPECT_EQ(w.top(9),
            (std::vector<word>{{"", 1, 0}, {"a", 1, 0}, {"ab", 1, 0}, {"b", 1, 0}, {"\xff", 1, 0}}))
      << "bytes are unsigned";
}

TEST(heavy_hitters, lists_by_threshold) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u, 5u, 2u, 5u}) h.add(key);
  ASSERT_EQ(h.top(9), (std::vector<number>{{1, 5, 0}, {5, 5, 3}, {2, 4, 3}}));
  EXPECT_EQ(h.frequent(4, report::no_false_positives), (std::vector<number>{{1, 5, 0}}));
  EXPECT_EQ(h.frequent(4, report::no_false_negatives), (std::vector<number>{{1, 5, 0}, {5, 5, 3}}));
  EXPECT_EQ(h.frequent(5, report::no_false_negatives), std::vector<number>{});
  EXPECT_EQ(h.frequent(0, report::no_false_positives).size(), 3u);
  EXPECT_EQ(h.frequent(1, report::no_false_positives).size(), 2u) << "2 has 1 at least";
}

TEST(heavy_hitters, says_which_of_the_top_are_certain) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u, 5u, 2u, 5u}) h.add(key);
  EXPECT_EQ(h.guaranteed_top(1), (std::vector<number>{{1, 5, 0}})) << "5 has 5 at most";
  EXPECT_EQ(h.guaranteed_top(2), (std::vector<number>{{1, 5, 0}}));
  EXPECT_EQ(h.guaranteed_top(3), (std::vector<number>{{1, 5, 0}})) << "others have 3 at most";
  EXPECT_EQ(h.guaranteed_top(0), std::vector<number>{});
  numbers exact({.capacity = 9});
  for (const unsigned key : {1u, 1u, 2u, 3u}) exact.add(key);
  EXPECT_EQ(exact.guaranteed_top(1).size(), 1u);
  EXPECT_EQ(exact.guaranteed_top(2).size(), 2u) << "2 and 3 are even: either is among the top 2";
  EXPECT_EQ(exact.guaranteed_top(9).size(), 3u);
}

TEST(heavy_hitters, total_stops_at_its_limit) {
  numbers h({.capacity = 1});
  h.add(1, most - 2);
  h.add(2, 5);
  EXPECT_EQ(h.total(), most);
  EXPECT_EQ(h.estimate(2), 2u);
  h.add(3);
  h.add_many(std::vector<std::uint64_t>(100, 1));
  EXPECT_EQ(h.size(), 2u) << "nothing is left for 3";
  EXPECT_EQ(h.estimate(1), most - 2);
  h.clear();
  h.add(4, 0);
  EXPECT_TRUE(h.empty());
  EXPECT_EQ(h.size(), 0u) << "a weight of 0 is nothing";
}

TEST(heavy_hitters, clear_swap_move) {
  words a({.capacity = 2}), b({.capacity = 3, .seed = 7});
  for (const char* key : {"x", "y", "z", "u", "v", "w"}) a.add(key);
  const words copy = a;
  swap(a, b);
  EXPECT_EQ(b, copy);
  EXPECT_NE(a, copy);
  EXPECT_EQ(a.seed(), 7u);
  words moved = std::move(b);
  EXPECT_EQ(moved, copy);
  moved.clear();
  EXPECT_TRUE(moved.empty());
  EXPECT_EQ(moved.max_error(), 0u);
  EXPECT_EQ(moved, words({.capacity = 2}));
  moved.add("again");
  EXPECT_EQ(moved.top(1), (std::vector<word>{{"again", 1, 0}}));
}

TEST(heavy_hitters, options_out_of_range_are_named) {
  EXPECT_EQ(message_of([] { numbers({}); }),
            "quoin::heavy_hitters: capacity = 0, must be 1 to 2^28");
  EXPECT_THROW(numbers({.capacity = (std::uint64_t{1} << 28) + 1}), std::invalid_argument);
  EXPECT_NO_THROW(numbers({.capacity = std::uint64_t{1} << 28})) << "memory comes with the keys";
  EXPECT_THROW((quoin::heavy_hitters<int, std::hash<int>>({.capacity = 1, .seed = 1})),
               std::invalid_argument);
}

// --- the guarantee ------------------------------------------------------------------------------

void expect_promises(std::uint64_t capacity, const std::vector<std::uint64_t>& stream) {
  numbers h({.capacity = capacity});
  exact_weights<std::uint64_t> exact;
  std::size_t i = 0;
  for (const std::uint64_t key : stream) {
    h.add(key);
    exact.add(key);
    if (++i % 97 == 0) {
      ASSERT_EQ(broken_promise(h, exact), "") << "after " << i;
    }
  }
  ASSERT_EQ(broken_promise(h, exact), "");
}

TEST(heavy_hitters_guarantee, holds_for_adversarial_streams) {
  for (const std::uint64_t m : {1u, 2u, 3u, 10u, 33u}) {
    std::vector<std::uint64_t> distinct, round_m, round_2m, sawtooth, late;
    for (std::uint64_t i = 0; i < 1500; ++i) {
      distinct.push_back(i);
      round_m.push_back(i % (m + 1));
      round_2m.push_back(i % (2 * m + 1));
      late.push_back(i < 1000 ? i : 7);
    }
    for (std::uint64_t height = 1; sawtooth.size() < 1500; ++height) {
      for (std::uint64_t i = 0; i < height; ++i) sawtooth.push_back(height % 3 == 0 ? i : height);
    }
    for (const auto* stream : {&distinct, &round_m, &round_2m, &sawtooth, &late}) {
      expect_promises(m, *stream);
    }
    expect_promises(m, skewed(1500, m));
  }
}

TEST(heavy_hitters_guarantee, holds_for_weights_of_any_size) {
  std::uint64_t state = 5;
  for (const unsigned bits : {2u, 7u, 13u, 30u, 40u}) {
    for (const std::uint64_t m : {1u, 4u, 20u}) {
      numbers h({.capacity = m});
      exact_weights<std::uint64_t> exact;
      for (int i = 0; i < 800; ++i) {
        const std::uint64_t key = split_mix(state) % 100, x = split_mix(state);
        const std::uint64_t weight = (x >> 8) % (std::uint64_t{1} << (x % bits + 1));
        h.add(key, weight);
        if (weight != 0) exact.add(key, weight);
      }
      EXPECT_EQ(broken_promise(h, exact), "") << bits << " bits, m = " << m;
    }
  }
}

TEST(heavy_hitters_guarantee, every_key_above_its_share_is_listed) {
  const auto stream = skewed(50'000, 3);
  numbers h({.capacity = 100});
  exact_weights<std::uint64_t> exact;
  h.add_many(stream);
  for (const auto key : stream) exact.add(key);
  const std::uint64_t share = h.total() / 100;
  const auto listed = h.frequent(share, report::no_false_negatives);
  std::size_t heavy = 0;
  for (const auto& [key, weight] : exact.weights()) {
    if (weight <= static_cast<double>(share)) continue;
    ++heavy;
    EXPECT_TRUE(std::any_of(listed.begin(), listed.end(),
                            [k = key](const number& item) { return item.key == k; }));
  }
  EXPECT_GT(heavy, 5u);
  for (const auto& item : h.frequent(share, report::no_false_positives)) {
    EXPECT_GT(exact.weights().at(item.key), static_cast<double>(share));
  }
}

TEST(heavy_hitters_guarantee, depends_on_the_stream_alone) {
  const auto stream = skewed(20'000, 9);
  numbers a({.capacity = 50}), b({.capacity = 50, .seed = 12345});
  quoin::heavy_hitters<std::uint64_t, std::hash<std::uint64_t>> c({.capacity = 50});
  for (const auto key : stream) {
    a.add(key);
    b.add(key);
    c.add(key);
  }
  EXPECT_EQ(a.top(100), b.top(100));
  EXPECT_EQ(a.top(100), c.top(100));
  EXPECT_EQ(a.max_error(), b.max_error());
  EXPECT_NE(a, b) << "another seed, another object";
}

/// A hash that sends all keys to few places.
struct poor_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t key) const { return (key % 3) << 32; }
};

TEST(heavy_hitters_guarantee, holds_whatever_the_hash) {
  quoin::heavy_hitters<std::uint64_t, poor_hash> h({.capacity = 20});
  numbers good({.capacity = 20});
  const auto stream = skewed(5'000, 4);
  h.add_many(stream);
  good.add_many(stream);
  EXPECT_EQ(h.top(40), good.top(40));
}

TEST(heavy_select, finds_the_kth_largest_of_any_counts) {
  quoin::detail::heavy_select select;
  std::uint64_t state = 1;
  for (int round = 0; round < 400; ++round) {
    const std::uint64_t floor = round % 5 == 0 ? 0 : split_mix(state) >> (split_mix(state) % 64);
    const unsigned bits = static_cast<unsigned>(split_mix(state) % 64);
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(split_mix(state) % 60 + 1));
    for (auto& count : counts) {
      const std::uint64_t above = split_mix(state) >> bits >> (split_mix(state) % 8);
      count = floor + 1 + std::min(above, most - floor - 1);
      if (floor == most) count = most;
    }
    if (floor == most) continue;
    auto sorted = counts;
    std::sort(sorted.rbegin(), sorted.rend());
    for (const std::size_t k : {std::size_t{1}, counts.size(), counts.size() / 2 + 1}) {
      ASSERT_EQ(select.kth_largest(counts.data(), counts.size(), k, floor), sorted[k - 1])
          << "round " << round << ", k = " << k;
    }
  }
}

// --- batches ------------------------------------------------------------------------------------

TEST(heavy_hitters_batch, does_what_single_additions_do) {
  for (const std::uint64_t m : {1u, 20u, 31u, 32u, 33u, 64u, 200u, 5'000u}) {
    const auto stream = skewed(9'000, m);
    numbers one({.capacity = m}), many = one;
    for (const auto key : stream) one.add(key);
    const std::span<const std::uint64_t> all(stream);
    for (std::size_t i = 0; i < all.size(); i += 150) {
      many.add_many(all.subspan(i, std::min<std::size_t>(all.size() - i, i % 4 == 0 ? 150 : 149)));
      if (i % 4 != 0 && i + 149 < all.size()) many.add(all[i + 149]);
    }
    EXPECT_EQ(many, one) << m;
    EXPECT_EQ(many.total(), stream.size());
  }
}

TEST(heavy_hitters_batch, of_all_kinds_of_streams) {
  for (const std::uint64_t m : {40u, 1000u}) {
    for (const std::uint64_t keys : {1u, 64u, 65u, 2'000u, 1'000'000u}) {
      std::uint64_t state = m + keys;
      std::vector<std::uint64_t> stream(20'000);
      for (auto& key : stream) key = split_mix(state) % keys;
      numbers one({.capacity = m}), many = one;
      for (const auto key : stream) one.add(key);
      many.add_many(stream);
      EXPECT_EQ(many, one) << m << " of " << keys;
    }
  }
}

TEST(heavy_hitters_batch, takes_whatever_is_contiguous) {
  words one({.capacity = 3}), many = one;
  const std::vector<std::string> strings{"a", "b", "", "a", std::string(100, 'x')};
  const std::array<std::string_view, 3> views{"b", "c", "d"};
  const char* const literals[] = {"e", "a"};
  for (const auto& key : strings) one.add(key);
  for (const auto key : views) one.add(key);
  for (const char* key : literals) one.add(key);
  many.add_many(strings);
  many.add_many(views);
  many.add_many(literals);
  many.add_many(std::vector<std::string>());
  EXPECT_EQ(many, one);
  numbers wide({.capacity = 3});
  wide.add_many(std::vector<unsigned>{1, 2, 1});
  EXPECT_EQ(wide.estimate(1), 2u) << "converted one by one";
}

TEST(heavy_hitters_batch, with_weights) {
  const std::vector<std::uint64_t> keys{1, 2, 1}, weights{5, 6, 7};
  numbers h({.capacity = 3});
  h.add_many(keys, weights);
  EXPECT_EQ(h.top(2), (std::vector<number>{{1, 12, 0}, {2, 6, 0}}));
  const numbers before = h;
  EXPECT_THROW(h.add_many(keys, std::span(weights).first(2)), std::invalid_argument);
  EXPECT_EQ(h, before);
}

// --- keys ---------------------------------------------------------------------------------------

struct point {
  int x, y;
  std::string name = "a name too long for the small buffer of a string";
  bool operator==(const point&) const = default;
};

std::uint64_t quoin_hash(const point& p, quoin::hash h) { return h(p.x, p.y); }

TEST(heavy_hitters_keys, of_a_users_own_type) {
  quoin::heavy_hitters<point> h({.capacity = 5});
  for (int i = 0; i < 300; ++i) h.add(point{i % 30, i % 2 == 0 ? 1 : 2});
  for (int i = 0; i < 90; ++i) h.add(point{-1, -1});
  EXPECT_EQ(h.top(1).front().key, (point{-1, -1}));
  EXPECT_LE(h.max_error(), 390u / 5);
  EXPECT_GE(h.upper_bound(point{-1, -1}), 90u);
  EXPECT_LE(h.lower_bound(point{-1, -1}), 90u);
  const auto copy = h;
  EXPECT_EQ(copy, h);
  h.merge(copy);
  EXPECT_EQ(h.total(), 780u);
}

TEST(heavy_hitters_keys, without_an_order_of_their_own_are_listed_in_one_all_the_same) {
  quoin::heavy_hitters<point> a({.capacity = 50}), b = a;
  for (int i = 0; i < 50; ++i) {
    a.add(point{i, 0});
    b.add(point{49 - i, 0});
  }
  const auto listed = a.top(50), other = b.top(50);
  ASSERT_EQ(listed.size(), 50u);
  ASSERT_EQ(other.size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(listed[i].key, other[i].key) << i;
}

TEST(heavy_hitters, are_equal_only_with_the_same_keys_and_counts) {
  const auto of = [](std::uint64_t key, std::uint64_t count, std::uint64_t other_count) {
    numbers h({.capacity = 3});
    h.add(key, count);
    h.add(7, other_count);
    return h;
  };
  EXPECT_EQ(of(1, 2, 3), of(1, 2, 3));
  EXPECT_NE(of(1, 2, 3), of(1, 3, 2)) << "other counts of the same total";
  EXPECT_NE(of(1, 2, 3), of(2, 2, 3)) << "other keys";
  numbers exact({.capacity = 1}), inexact = exact;
  for (const unsigned key : {1u, 1u, 1u, 2u, 3u}) inexact.add(key);  // the last one evicts
  exact.add(9);
  exact.clear();
  EXPECT_NE(exact, inexact);
}

TEST(heavy_hitters_keys, pairs_enums_floating_point) {
  enum class colour : std::uint8_t { red, blue };
  quoin::heavy_hitters<colour> colours({.capacity = 2});
  colours.add(colour::blue);
  EXPECT_EQ(colours.top(1).front().key, colour::blue);
  quoin::heavy_hitters<double> reals({.capacity = 2});
  reals.add(0.0);
  reals.add(-0.0);
  EXPECT_EQ(reals.estimate(0.0), 2u);
  quoin::heavy_hitters<std::pair<int, std::string>> pairs({.capacity = 2});
  pairs.add({1, "a"});
  pairs.add({1, "b"}, 2);
  EXPECT_EQ(pairs.top(1).front().key, (std::pair<int, std::string>(1, "b")));
}

TEST(heavy_hitters_keys, hashed_once_for_many_structures) {
  words h({.capacity = 2, .seed = 3});
  const std::uint64_t hash = h.hash_function()("key");
  h.add_hash(hash, "key", 2);
  h.add("key");
  EXPECT_EQ(h.estimate("key"), 3u);
  EXPECT_EQ(h.size(), 1u);
}

TEST(heavy_hitters_keys, strings_of_all_lengths_survive_evictions) {
  words h({.capacity = 8});
  exact_weights<std::string> exact;
  std::uint64_t state = 8;
  for (int i = 0; i < 4'000; ++i) {
    const std::uint64_t x = split_mix(state), id = x % 5 == 0 ? x % 500 : x % 12;
    const std::string key(static_cast<std::size_t>(id % 70), static_cast<char>('a' + id % 26));
    h.add(key, 1 + id % 3);
    exact.add(key, 1 + id % 3);
    if (i % 50 == 0) {
      ASSERT_EQ(broken_promise(h, exact), "");
    }
  }
  EXPECT_EQ(broken_promise(h, exact), "");
}

// --- memory -------------------------------------------------------------------------------------

template <class Key>
using accounted =
    quoin::heavy_hitters<Key, quoin::hash, quoin_test::accounted_allocator<std::byte>>;

TEST(heavy_hitters_memory, no_allocation_per_update) {
  quoin_test::memory_account account;
  {
    accounted<std::string> h({.capacity = 100},
                             quoin_test::accounted_allocator<std::byte>(account));
    EXPECT_EQ(h.get_allocator().account(), &account);
    std::uint64_t state = 2;
    const auto run = [&] {
      for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t x = split_mix(state);
        h.add("a key that no small buffer holds: " + std::to_string(x % (x % 2 ? 50 : 100'000)));
      }
    };
    run();
    const std::size_t requests = account.requests;
    EXPECT_LT(requests, 60u);
    run();
    EXPECT_LE(account.requests, requests + 1) << "at most once more for longer keys";
    EXPECT_LT(account.live_bytes, 200u * (44 + 16 + 2 * 45));
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(heavy_hitters_memory, comes_with_the_keys) {
  quoin_test::memory_account account;
  accounted<std::uint64_t> h({.capacity = std::uint64_t{1} << 28},
                             quoin_test::accounted_allocator<std::byte>(account));
  EXPECT_LT(account.live_bytes, 100u);
  for (std::uint64_t i = 0; i < 1000; ++i) h.add(i);
  EXPECT_LT(account.live_bytes, 1024u * (28 + 16) + 1);
}

template <class Key>
void expect_whole_without_memory(std::function<Key(std::uint64_t)> key_of) {
  using summary = accounted<Key>;
  for (std::size_t failing = 0; failing < 40; ++failing) {
    quoin_test::memory_account account;
    const quoin_test::accounted_allocator<std::byte> allocator(account);
    summary h({.capacity = 30}, allocator);
    exact_weights<Key> exact;
    account.requests_until_failure = failing;
    for (std::uint64_t i = 0; i < 100; ++i) {
      try {
        h.add(key_of(i % 77), 1 + i % 3);
        exact.add(key_of(i % 77), 1 + i % 3);
      } catch (const std::bad_alloc&) {
        account.requests_until_failure = static_cast<std::size_t>(-1);
      }
    }
    ASSERT_EQ(broken_promise(h, exact), "") << failing;
  }
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  summary a({.capacity = 30}, allocator), b({.capacity = 30}, allocator);
  for (std::uint64_t i = 0; i < 50; ++i) (i % 2 ? a : b).add(key_of(i));
  const summary before = a;
  for (std::size_t failing = 0;; ++failing) {
    account.requests_until_failure = failing;
    try {
      a.merge(b);
      break;
    } catch (const std::bad_alloc&) {
      account.requests_until_failure = static_cast<std::size_t>(-1);
      ASSERT_EQ(a, before);
    }
  }
  EXPECT_EQ(a.total(), 50u);
}

TEST(heavy_hitters_memory, running_out_of_it_loses_one_key_at_most) {
  expect_whole_without_memory<std::uint64_t>([](std::uint64_t i) { return i; });
  expect_whole_without_memory<std::string>([](std::uint64_t i) {
    return std::string(static_cast<std::size_t>(i % 40), 'k') + std::to_string(i);
  });
  expect_whole_without_memory<std::pair<int, int>>(
      [](std::uint64_t i) { return std::pair(static_cast<int>(i), 1); });
}

// --- merge and decay ----------------------------------------------------------------------------

TEST(heavy_hitters_merge, widens_what_the_other_may_have_missed) {
  numbers a({.capacity = 1}), b({.capacity = 1});
  for (const unsigned key : {1u, 1u, 1u, 2u, 3u}) a.add(key);
  for (const unsigned key : {3u, 3u, 4u, 5u}) b.add(key);
  ASSERT_EQ(a.top(2), (std::vector<number>{{3, 4, 3}}));
  ASSERT_EQ(b.top(2), (std::vector<number>{{5, 3, 2}}));
  a.merge(b);
  EXPECT_EQ(a.total(), 9u);
  EXPECT_EQ(a.max_error(), 5u);
  EXPECT_EQ(a.top(2), (std::vector<number>{{3, 6, 5}, {5, 6, 5}}));
}

TEST(heavy_hitters_merge, of_partitions_widens_nothing) {
  numbers a({.capacity = 10}), b = a, whole = a;
  for (std::uint64_t i = 0; i < 19; ++i) {
    (i % 2 ? a : b).add(i, i + 1);
    whole.add(i, i + 1);
  }
  const auto exact = whole.top(20);
  a.merge_partitioned(b);
  EXPECT_EQ(a, whole) << "exact sums stay exact";
  numbers c({.capacity = 2}), d({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u, 5u}) c.add(key);
  for (const unsigned key : {10u, 10u, 10u, 10u, 11u}) d.add(key);
  c.merge_partitioned(d);
  EXPECT_EQ(c.max_error(), 3u) << "that of the worse one";
  EXPECT_EQ(c.top(9), (std::vector<number>{{1, 5, 0}, {10, 4, 0}, {5, 4, 3}})) << "11 has gone";
  EXPECT_EQ(c.total(), 17u);
}

TEST(heavy_hitters_merge, with_itself_and_with_nothing) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u, 5u}) h.add(key);
  const numbers before = h;
  h.merge(numbers({.capacity = 2}));
  EXPECT_EQ(h, before);
  h.merge(h);
  EXPECT_EQ(h.top(2), (std::vector<number>{{1, 10, 0}, {5, 8, 6}}));
  EXPECT_EQ(h.max_error(), 6u);
  numbers other({.capacity = 2, .seed = 99});
  other.merge(before);
  EXPECT_EQ(other.top(9), before.top(9)) << "seeds need not agree";
}

TEST(heavy_hitters_merge, of_unequal_capacities_keeps_the_bounds) {
  const auto stream = skewed(6'000, 11);
  numbers small({.capacity = 10}), large({.capacity = 300});
  exact_weights<std::uint64_t> exact;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    (i % 2 ? small : large).add(stream[i]);
    exact.add(stream[i]);
  }
  numbers both = small;
  both.merge(large);
  EXPECT_EQ(broken_promise(both, exact), "");
  both = large;
  both.merge(small);
  EXPECT_LE(both.max_error(), 3000u / 10 + 3000u / 300);
  EXPECT_EQ(broken_promise(both, exact, 300), "");
}

TEST(heavy_hitters_merge, refuses_a_total_that_does_not_fit) {
  numbers a({.capacity = 2}), b = a;
  a.add(1, most - 1);
  b.add(2, 2);
  const numbers before = a;
  EXPECT_THROW(a.merge(b), std::invalid_argument);
  EXPECT_THROW(a.merge_partitioned(b), std::invalid_argument);
  EXPECT_EQ(a, before);
}

TEST(heavy_hitters_decay, halves) {
  numbers h({.capacity = 100});
  h.add(1, 101);
  h.add(2, 10);
  h.add(3, 1);
  h.decay(0.5);
  EXPECT_EQ(h.total(), 56u);
  EXPECT_EQ(h.max_error(), 1u);
  EXPECT_EQ(h.top(9), (std::vector<number>{{1, 51, 1}, {2, 5, 0}})) << "50.5 is between 50 and 51";
  h.decay(1);
  EXPECT_EQ(h.total(), 56u);
  h.decay(0);
  EXPECT_EQ(h, numbers({.capacity = 100}));
}

TEST(heavy_hitters_decay, of_the_largest_weights) {
  numbers h({.capacity = 2});
  h.add(1, most);
  h.decay(0.75);
  EXPECT_EQ(h.total(), most / 4 * 3 + 3);
  EXPECT_EQ(h.estimate(1), h.total());
  h.decay(0x1p-60);
  EXPECT_EQ(h.total(), 12u);
}

TEST(heavy_hitters_decay, refuses_what_is_no_factor) {
  numbers h({.capacity = 2});
  h.add(1);
  const numbers before = h;
  for (const double factor : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(h.decay(factor), std::invalid_argument);
  }
  EXPECT_EQ(h, before);
}

TEST(heavy_hitters_decay, again_and_again_adds_little_error) {
  numbers h({.capacity = 20});
  exact_weights<std::uint64_t> exact;
  const auto stream = skewed(40'000, 6);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    h.add(stream[i]);
    exact.add(stream[i]);
    if (i % 1000 == 999) {
      h.decay(0.5);
      exact.decay(0.5);
      ASSERT_EQ(broken_promise(h, exact, 2 / (1 - 0.5)), "") << i;
    }
  }
}

// --- bytes --------------------------------------------------------------------------------------

numbers golden_numbers() {
  numbers h({.capacity = 4, .seed = 0x0123456789abcdefu});
  for (const auto key : skewed(300, 1)) h.add(key * 0x9e3779b97f4a7c15u, 1 + key % 5);
  return h;
}

words golden_words() {
  words h({.capacity = 5});
  for (const char* key : {"to", "be", "or", "not", "to", "be", "that", "is", "the", "question",
                          "whether", "tis", "nobler", "in", "the", "mind", "to", "suffer", ""}) {
    h.add(key);
  }
  return h;
}

TEST(heavy_hitters_bytes, golden) {
  quoin_test::expect_golden("sketch/heavy_hitters_u64.bin", golden_numbers().to_bytes());
  quoin_test::expect_golden("sketch/heavy_hitters_string.bin", golden_words().to_bytes());
  const auto n = numbers::from_bytes(quoin_test::read_golden("sketch/heavy_hitters_u64.bin"));
  const auto w = words::from_bytes(quoin_test::read_golden("sketch/heavy_hitters_string.bin"));
  ASSERT_TRUE(n && w);
  EXPECT_EQ(*n, golden_numbers());
  EXPECT_EQ(*w, golden_words());
}

TEST(heavy_hitters_bytes, are_the_same_however_the_state_came_about) {
  numbers a({.capacity = 9}), b = a;
  for (std::uint64_t i = 0; i < 9; ++i) a.add(i % 4);
  for (std::uint64_t i = 9; i-- > 0;) b.add(i % 4);
  EXPECT_EQ(a.to_bytes(), b.to_bytes());
  numbers read = *numbers::from_bytes(a.to_bytes());
  for (std::uint64_t i = 0; i < 100; ++i) {
    a.add(i % 37);
    read.add(i % 37);
  }
  EXPECT_EQ(read, a) << "it goes on as if it had never been written";
}

TEST(heavy_hitters_bytes, damage_is_an_error) {
  const auto sound = golden_words().to_bytes(), of_numbers = golden_numbers().to_bytes();
  const auto refused = [](std::span<const std::byte> bytes) {
    EXPECT_FALSE(words::from_bytes(bytes));
    EXPECT_FALSE(numbers::from_bytes(bytes));
  };
  quoin_test::for_each_truncation(sound, refused);
  quoin_test::for_each_bit_flip(sound, refused);
  quoin_test::for_each_truncation(of_numbers, refused);
  quoin_test::for_each_bit_flip(of_numbers, refused);
}

/// `bytes` with the integer at `at` replaced and a checksum that fits.
template <class T>
std::vector<std::byte> forged(std::vector<std::byte> bytes, std::size_t at, T value) {
  quoin::detail::store_le(&bytes[at], value);
  const std::size_t end = bytes.size() - 8;
  quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end, 0));
  return bytes;
}

TEST(heavy_hitters_bytes, lies_are_an_error) {
  numbers h({.capacity = 2});
  for (const unsigned key : {1u, 1u, 1u, 1u, 1u, 2u, 2u, 2u, 3u, 3u, 4u, 5u, 2u, 5u}) h.add(key);
  // Rows at 56, 80, 104: {1, 5, 0}, {5, 5, 3}, {2, 4, 3}; total 14, offset 3.
  const auto sound = h.to_bytes();
  ASSERT_TRUE(numbers::from_bytes(sound));
  const auto position = [&](std::size_t at, auto value) {
    const auto read = numbers::from_bytes(forged(sound, at, value));
    return read ? std::uint64_t{0} : read.error().position();
  };
  using u64 = std::uint64_t;
  EXPECT_EQ(position(5, std::uint8_t{1}), 5u);
  EXPECT_EQ(position(8, u64{0}), 8u);
  EXPECT_EQ(position(8, u64{1} << 29), 8u);
  EXPECT_EQ(position(8, u64{1}), 48u) << "more keys than the capacity allows";
  EXPECT_EQ(position(24, std::uint32_t{2}), 24u) << "another hash";
  EXPECT_EQ(position(28, std::uint16_t{0x0802}), 28u) << "signed keys";
  EXPECT_EQ(position(30, std::uint16_t{1}), 30u);
  EXPECT_EQ(position(32, u64{4}), 56u) << "a count above the total";
  EXPECT_EQ(position(32, u64{7}), 32u) << "lower bounds that add up to more than the total";
  EXPECT_EQ(position(32, u64{2}), 40u);
  EXPECT_EQ(position(40, u64{4}), 104u) << "a count not above the offset";
  EXPECT_EQ(position(40, u64{2}), 80u) << "an error above the offset";
  EXPECT_EQ(position(48, u64{2}), 32u) << "bytes after the last key";
  EXPECT_EQ(position(48, u64{4}), 48u);
  EXPECT_EQ(position(48, most), 48u);
  EXPECT_EQ(position(96, u64{1}), 80u) << "one key twice";
  EXPECT_EQ(position(104, u64{5}), 104u) << "not in order";
  EXPECT_EQ(position(72, u64{6}), 0u) << "any other key will do";
  const auto of_bytes = quoin::heavy_hitters<std::int8_t>({.capacity = 2});
  auto narrow = of_bytes;
  narrow.add(-1);
  ASSERT_TRUE(quoin::heavy_hitters<std::int8_t>::from_bytes(narrow.to_bytes()));
  EXPECT_FALSE(quoin::heavy_hitters<std::int8_t>::from_bytes(
      forged(narrow.to_bytes(), 72, std::uint64_t{255})))
      << "-1 has 64 bits set";
  words w({.capacity = 2});
  w.add("abc");
  EXPECT_FALSE(words::from_bytes(forged(w.to_bytes(), 72, std::uint64_t{4})));
  EXPECT_FALSE(words::from_bytes(forged(w.to_bytes(), 72, std::uint64_t{2})));
  EXPECT_FALSE(words::from_bytes(forged(w.to_bytes(), 72, most)));
}

TEST(heavy_hitters_bytes, of_small_integers_enums_and_seeds) {
  enum class level : std::int16_t { low = -5, high = 9 };
  quoin::heavy_hitters<level> h({.capacity = 3, .seed = 42});
  h.add(level::low, 7);
  h.add(level::high, 9);
  const auto back = quoin::heavy_hitters<level>::from_bytes(h.to_bytes());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, h);
  EXPECT_EQ(back->estimate(level::low), 7u);
  EXPECT_FALSE(quoin::heavy_hitters<std::int32_t>::from_bytes(h.to_bytes())) << "another width";
  EXPECT_FALSE((quoin::heavy_hitters<level, std::hash<level>>::from_bytes(h.to_bytes())));
  std::vector<std::byte> roomy(h.serialized_size() + 5);
  EXPECT_EQ(h.write_to(roomy), h.serialized_size());
  EXPECT_THROW(h.write_to(std::span(roomy).first(20)), std::invalid_argument);
}

TEST(heavy_hitters_bytes, allocate_no_more_than_they_justify) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  numbers h({.capacity = std::uint64_t{1} << 28});
  h.add(1);
  const auto bytes = h.to_bytes();
  ASSERT_TRUE(accounted<std::uint64_t>::from_bytes(bytes, allocator));
  EXPECT_LE(account.largest_request, 64u);
  EXPECT_FALSE(
      accounted<std::uint64_t>::from_bytes(forged(bytes, 48, std::uint64_t{1} << 28), allocator));
  EXPECT_LE(account.largest_request, 64u);
}

TEST(heavy_hitters_memory, an_assignment_that_fails_changes_nothing) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  accounted<std::uint64_t> few({.capacity = 8}, allocator), many({.capacity = 1'000}, allocator);
  for (std::uint64_t key = 0; key < 1'500; ++key) many.add(key);
  for (std::uint64_t key = 0; key < 8; ++key) few.add(key);
  const auto before = few.to_bytes();
  for (std::size_t granted = 0;; ++granted) {
    ASSERT_LT(granted, 100u);
    account.requests_until_failure = granted;
    bool failed = false;
    try {
      few = many;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    account.requests_until_failure = static_cast<std::size_t>(-1);
    if (!failed) break;
    ASSERT_EQ(few.to_bytes(), before);
    few.add(3, 0);
  }
  EXPECT_EQ(few, many);
  few.add(1);
}

TEST(heavy_hitters_memory, merging_stays_in_the_memory_of_its_resource) {
  std::pmr::monotonic_buffer_resource here, there;
  using pmr =
      quoin::heavy_hitters<std::string, quoin::hash, std::pmr::polymorphic_allocator<std::byte>>;
  pmr a({.capacity = 4}, &here), b({.capacity = 4}, &there);
  for (int i = 0; i < 40; ++i) {
    a.add(std::to_string(i % 5));
    b.add(std::to_string(i % 7));
  }
  a.merge(b);
  EXPECT_EQ(a.get_allocator().resource(), &here);
  a.add("more");
  EXPECT_EQ(a.total(), 81u);
}

TEST(heavy_hitters_strings, the_empty_one_is_a_key) {
  words h({.capacity = 2});
  h.add("");
  ASSERT_TRUE(words::from_bytes(h.to_bytes()));
  h.add("a");
  h.add("b");
  h.add("c", 6);
  h.add("", 10);
  h.add("d");  // evicts, and moves what stays together
  EXPECT_GE(h.estimate(""), 11u);
  EXPECT_TRUE(words::from_bytes(h.to_bytes()));
}

TEST(heavy_hitters_merging, keys_in_both_parts_against_the_promise_leave_the_summary_sound) {
  numbers a({.capacity = 1}), b({.capacity = 1});
  for (numbers* h : {&a, &b}) {
    for (const std::uint64_t key : {1u, 2u, 3u}) h->add(key, 5);
    h->add(9, 20);
  }
  a.merge_partitioned(b);
  EXPECT_TRUE(numbers::from_bytes(a.to_bytes()));
}

}  // namespace
