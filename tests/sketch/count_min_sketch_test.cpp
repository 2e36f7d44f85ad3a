// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh64.hpp>
#include <quoin/sketch/count_min_sketch.hpp>

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
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using sketch = quoin::count_min_sketch<>;
using bytes = std::vector<std::byte>;

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

/// A "hash" that is the five columns that the book gives the letter, the first one lowest.
struct book_hash {
  using is_avalanching = void;
  std::uint64_t operator()(char letter) const {
    switch (letter) {
      case 'A':
        return 0x98420;
      case 'B':
        return 0x27431;
      case 'C':
        return 0x97340;
      default:
        return 0x17538;
    }
  }
};

class book_columns {
 public:
  book_columns(std::uint64_t hash, std::uint64_t /*width*/) : left_(hash) {}
  std::uint64_t next() {
    const std::uint64_t column = left_ & 15;
    left_ >>= 4;
    return column;
  }

 private:
  std::uint64_t left_;
};

using book_sketch = quoin::classic_count_min_sketch<std::uint32_t, book_hash,
                                                    std::allocator<std::byte>, book_columns>;

using table = std::array<std::string_view, 5>;

table strings_of(const book_sketch& s, std::array<std::string, 5>& memory) {
  table rows;
  for (unsigned row = 0; row < 5; ++row) {
    memory[row].clear();
    for (std::uint64_t column = 0; column < 10; ++column) {
      memory[row] += static_cast<char>('0' + s.counter(row, column));
    }
    rows[row] = memory[row];
  }
  return rows;
}

struct book_row {
  std::string_view letters;
  table plain;
  table conservative;
  std::array<std::uint64_t, 4> estimates;  ///< of A, B, C, D; the same in both
};

// The tables as they follow from the book's hashes. After AABD the plain and the conservative one
// part for the first time where A and B share column 4 of row 3.
const book_row book_rows[] = {
    {"",
     {"0000000000", "0000000000", "0000000000", "0000000000", "0000000000"},
     {"0000000000", "0000000000", "0000000000", "0000000000", "0000000000"},
     {0, 0, 0, 0}},
    {"A",
     {"1000000000", "0010000000", "0000100000", "0000000010", "0000000001"},
     {"1000000000", "0010000000", "0000100000", "0000000010", "0000000001"},
     {1, 0, 0, 0}},
    {"AA",
     {"2000000000", "0020000000", "0000200000", "0000000020", "0000000002"},
     {"2000000000", "0020000000", "0000200000", "0000000020", "0000000002"},
     {2, 0, 0, 0}},
    {"AAB",
     {"2100000000", "0021000000", "0000300000", "0000000120", "0010000002"},
     {"2100000000", "0021000000", "0000200000", "0000000120", "0010000002"},
     {2, 1, 0, 0}},
    {"AABD",
     {"2100000010", "0022000000", "0000310000", "0000000220", "0110000002"},
     {"2100000010", "0021000000", "0000210000", "0000000120", "0110000002"},
     {2, 1, 0, 1}},
    {"AABDBAADBB",
     {"4400000020", "0046000000", "0000820000", "0000000640", "0240000004"},
     {"4400000020", "0044000000", "0000420000", "0000000440", "0240000004"},
     {4, 4, 0, 2}},
};

void expect_book(bool conservative) {
  for (const book_row& expected : book_rows) {
    book_sketch s({.width = 10, .depth = 5, .conservative = conservative});
    for (const char letter : expected.letters) s.add(letter);
    std::array<std::string, 5> memory;
    EXPECT_EQ(strings_of(s, memory), conservative ? expected.conservative : expected.plain)
        << expected.letters;
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(s.estimate("ABCD"[i]), expected.estimates[i]) << expected.letters << i;
    }
    EXPECT_EQ(s.total(), expected.letters.size());
  }
}

TEST(count_min_sketch, example_of_the_textbook) { expect_book(false); }

TEST(count_min_sketch, example_of_the_textbook_conservative) { expect_book(true); }

/// Every prefix against arrays of counters, which know nothing of the sketch.
TEST(count_min_sketch, example_of_the_textbook_letter_by_letter) {
  const std::string_view stream = "AABDBAADBB";
  for (const bool conservative : {false, true}) {
    book_sketch s({.width = 10, .depth = 5, .conservative = conservative});
    std::uint64_t rows[5][10] = {};
    for (const char letter : stream) {
      const std::uint64_t columns = book_hash{}(letter);
      std::uint64_t least = 100;
      for (unsigned i = 0; i < 5; ++i) least = std::min(least, rows[i][columns >> (4 * i) & 15]);
      for (unsigned i = 0; i < 5; ++i) {
        std::uint64_t& cell = rows[i][columns >> (4 * i) & 15];
        cell = conservative ? std::max(cell, least + 1) : cell + 1;
      }
      EXPECT_EQ(s.add(letter), least + 1);
      for (unsigned row = 0; row < 5; ++row) {
        for (std::uint64_t column = 0; column < 10; ++column) {
          EXPECT_EQ(s.counter(row, column), rows[row][column]);
        }
      }
    }
  }
}

/// The book's figures 3.8(e) and (f) as printed: increments are missing in them.
TEST(count_min_sketch, what_the_textbook_prints_is_not_what_follows) {
  std::array<std::string, 5> memory;
  book_sketch s({.width = 10, .depth = 5, .conservative = false});
  for (const char letter : std::string_view("AAB")) s.add(letter);
  EXPECT_NE(strings_of(s, memory)[4], "0000000002") << "figure 3.8(e), row h5";
  s.add('D');
  EXPECT_NE(strings_of(s, memory)[0], "2100000000") << "figure 3.8(f), row h1";
  EXPECT_NE(strings_of(s, memory)[4], "0000000002") << "figure 3.8(f), row h5";
}

// --- everyday use -------------------------------------------------------------------------------

TEST(count_min_sketch, counts) {
  quoin::count_min_sketch hits({.width = 1 << 16, .depth = 4});
  const std::string url = "https://example.org/";
  EXPECT_EQ(hits.estimate(url), 0u);
  EXPECT_TRUE(hits.empty());
  EXPECT_EQ(hits.add(url), 1u);
  EXPECT_EQ(hits.add(std::string_view(url), 3), 4u);
  hits.add_many(std::vector<std::string>{url, "other", url});
  EXPECT_EQ(hits.estimate(url), 6u);
  EXPECT_EQ(hits.estimate("other"), 1u);
  EXPECT_EQ(hits.total(), 7u);
  EXPECT_EQ(hits.upper_bound(url), 6u);
  EXPECT_EQ(hits.lower_bound(url), 6u) << "an error below 1 is none";
  EXPECT_FALSE(hits.saturated());
  hits.halve();
  EXPECT_EQ(hits.estimate(url), 3u);
  EXPECT_EQ(hits.total(), 3u);
  hits.clear();
  EXPECT_TRUE(hits.empty());
  EXPECT_EQ(hits.estimate(url), 0u);
}

TEST(count_min_sketch, weight_zero_changes_nothing) {
  sketch s({.width = 64});
  s.add("a", 5);
  const sketch before = s;
  EXPECT_EQ(s.add("a", 0), 5u);
  s.add_many(std::vector<int>{1, 2, 3}, 0);
  EXPECT_EQ(s, before);
}

TEST(count_min_sketch, clear_swap_move) {
  sketch a({.width = 100}), b({.width = 20, .depth = 3, .conservative = false, .seed = 3});
  a.add("x", 10);
  const sketch a_copy = a;
  swap(a, b);
  EXPECT_EQ(b, a_copy);
  EXPECT_EQ(a.seed(), 3u);
  EXPECT_EQ(a.depth(), 3u);
  EXPECT_FALSE(a.is_conservative());
  EXPECT_EQ(a.add("y", 2), 2u);
  sketch moved = std::move(b);
  EXPECT_EQ(moved, a_copy);
  a = a_copy;
  EXPECT_EQ(a.estimate("x"), 10u);
  moved.clear();
  EXPECT_NE(moved, a_copy);
}

// --- layouts and batches ------------------------------------------------------------------------

template <class Counter, class Layout = quoin::blocked_rows>
using sketch_of = quoin::count_min_sketch<Counter, quoin::hash, std::allocator<std::byte>, Layout>;

/// Calls `f(sketch)` with an empty sketch of each counter type and layout.
template <class F>
void for_each_type(const quoin::count_min_options& options, F f) {
  f(sketch_of<std::uint8_t>(options));
  f(sketch_of<std::uint16_t>(options));
  f(sketch_of<std::uint32_t>(options));
  f(sketch_of<std::uint64_t>(options));
  f(sketch_of<std::uint8_t, quoin::classic_rows<>>(options));
  f(sketch_of<std::uint32_t, quoin::classic_rows<>>(options));
}

/// Every row and column has a place of its own, and a key's places are its columns' in each row,
/// those of two rows in one line where the layout says so.
TEST(count_min_layout, places_are_a_bijection) {
  for (unsigned depth = 1; depth <= 16; ++depth) {
    for_each_type({.width = 70, .depth = depth}, [&](const auto& s) {
      using type = std::remove_cvref_t<decltype(s)>;
      using layout = typename type::layout_type;
      using counter = typename type::counter_type;
      std::vector<int> row_at(static_cast<std::size_t>(s.width() * depth), -1);
      for (unsigned row = 0; row < depth; ++row) {
        for (std::uint64_t column = 0; column < s.width(); ++column) {
          const auto place = static_cast<std::size_t>(
              layout::template place_of<counter>(row, column, s.width(), depth));
          ASSERT_LT(place, row_at.size());
          ASSERT_EQ(row_at[static_cast<std::size_t>(place)], -1);
          row_at[static_cast<std::size_t>(place)] = static_cast<int>(row);
        }
      }
      std::uint64_t state = depth;
      for (int i = 0; i < 300; ++i) {
        unsigned next = 0;
        std::set<std::uint64_t> lines;
        layout::template for_each_place<counter>(
            split_mix(state), s.width(), depth, [&](unsigned row, std::uint64_t place) {
              ASSERT_EQ(row, next++);
              ASSERT_LT(place, row_at.size());
              ASSERT_EQ(row_at[static_cast<std::size_t>(place)], static_cast<int>(row));
              lines.insert(place * sizeof(counter) / 64);
            });
        ASSERT_EQ(next, depth);
        ASSERT_LE(lines.size(), depth / layout::rows_per_line(depth));
      }
    });
  }
}

/// Each kernel finds the places that `for_each_place` gives; beyond 2^32 draws the scalar one does.
template <class Layout, class Counter>
void expect_kernels_agree() {
  std::uint64_t state = 5;
  std::uint64_t hashes[detail::cms_block];
  for (auto& hash : hashes) hash = split_mix(state);
  hashes[0] = 0;
  hashes[1] = ~std::uint64_t{0};
  for (const unsigned depth : {1u, 2u, 3u, 4u, 6u, 7u, 16u}) {
    const std::uint64_t unit = Layout::template width_unit<Counter>(depth);
    for (const std::uint64_t width :
         {unit, 3 * unit, 1000 * unit, (std::uint64_t{1} << 26) - unit, std::uint64_t{1} << 26,
          std::uint64_t{1} << 31, (std::uint64_t{1} << 32) + 64, detail::max_cms_width}) {
      std::vector<std::uint64_t> expected(detail::max_cms_depth * detail::cms_block), got;
      detail::cms_places_scalar<Layout, Counter>(hashes, detail::cms_block, width, depth,
                                                 expected.data());
      Layout::template for_each_place<Counter>(
          hashes[7], width, depth, [&](unsigned row, std::uint64_t place) {
            EXPECT_EQ(place, expected[row * detail::cms_block + 7]);
          });
      detail::for_each_isa([&](quoin::isa level) {
        got.assign(expected.size(), 0);
        detail::cms_places_of<Layout, Counter>(level, width, depth)(hashes, detail::cms_block,
                                                                    width, depth, got.data());
        EXPECT_EQ(got, expected) << to_string(level) << ' ' << width << 'x' << depth;
      });
    }
  }
}

TEST(count_min_layout, kernels_agree_with_the_portable_code) {
  expect_kernels_agree<quoin::blocked_rows, std::uint8_t>();
  expect_kernels_agree<quoin::blocked_rows, std::uint16_t>();
  expect_kernels_agree<quoin::blocked_rows, std::uint32_t>();
  expect_kernels_agree<quoin::blocked_rows, std::uint64_t>();
  expect_kernels_agree<quoin::classic_rows<>, std::uint32_t>();
}

/// Batches do what single operations do, in their order: conservative update depends on it.
template <class Sketch>
void expect_batches_agree(const Sketch& empty, std::size_t n) {
  Sketch one = empty, many = empty, hashed = empty, weighted = empty, one_weighted = empty;
  std::uint64_t state = n;
  std::vector<std::uint64_t> keys(n), hashes(n), weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    keys[i] = split_mix(state) % (n / 4 + 1);
    hashes[i] = quoin::hash{}(keys[i]);
    weights[i] = split_mix(state) % 5;
    one.add(keys[i], 2);
    one_weighted.add(keys[i], weights[i]);
  }
  many.add_many(keys, 2);
  hashed.add_hash_many(hashes, 2);
  weighted.add_many(keys, weights);
  EXPECT_EQ(many, one);
  EXPECT_EQ(hashed, one);
  EXPECT_EQ(weighted, one_weighted);
  std::vector<std::uint64_t> estimates(n), estimates_hashed(n);
  one.estimate_many(keys, estimates);
  one.estimate_hash_many(hashes, estimates_hashed);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < n; ++i) differing += estimates[i] != one.estimate(keys[i]);
  EXPECT_EQ(differing, 0u);
  EXPECT_EQ(estimates, estimates_hashed);
}

TEST(count_min_sketch, batches_agree_with_single_operations) {
  for (const bool conservative : {false, true}) {
    for (const unsigned depth : {1u, 2u, 3u, 4u, 5u, 6u, 16u}) {
      for (const std::size_t n : {0u, 1u, 3u, 63u, 64u, 65u, 129u, 1000u}) {
        for_each_type({.width = n / 8 + 1, .depth = depth, .conservative = conservative},
                      [n](const auto& s) { expect_batches_agree(s, n); });
      }
    }
    const std::uint64_t far = 2 * detail::l2_cache_bytes();
    for (const std::size_t n : {1u, 64u, 100u, 5000u}) {
      expect_batches_agree(sketch({.bytes = far, .conservative = conservative}), n);
      expect_batches_agree(sketch({.depth = 6, .bytes = far, .conservative = conservative}), n);
    }
  }
}

TEST(count_min_sketch, sizes_that_do_not_match_are_refused_before_anything_is_written) {
  sketch s({.width = 64});
  s.add(1);
  const sketch before = s;
  const std::vector<std::uint64_t> keys{1, 2, 3}, weights{1, 2};
  std::vector<std::uint64_t> out(2, 77);
  EXPECT_THROW(s.add_many(keys, weights), std::invalid_argument);
  EXPECT_THROW(s.estimate_many(keys, out), std::invalid_argument);
  EXPECT_THROW(s.estimate_hash_many(keys, out), std::invalid_argument);
  EXPECT_EQ(s, before);
  EXPECT_EQ(out[0], 77u);
}

/// Each row of a plain sketch sums to the total; a conservative one has at most that in each cell.
TEST(count_min_sketch, rows_sum_to_the_total) {
  for (const unsigned depth : {1u, 3u, 4u, 8u}) {
    for_each_type({.width = 256, .depth = depth, .conservative = false}, [&](auto s) {
      auto conservative =
          std::remove_cvref_t<decltype(s)>({.width = 256, .depth = depth, .conservative = true});
      for (int key = 0; key < 500; ++key) {
        s.add(key % 90);
        conservative.add(key % 90);
      }
      for (unsigned row = 0; row < depth; ++row) {
        std::uint64_t sum = 0;
        for (std::uint64_t column = 0; column < s.width(); ++column) {
          sum += s.counter(row, column);
          EXPECT_LE(conservative.counter(row, column), s.counter(row, column));
        }
        EXPECT_EQ(sum, s.total());
      }
    });
  }
}

// --- saturation ---------------------------------------------------------------------------------

TEST(count_min_sketch, counters_stay_at_their_maximum) {
  for (const bool conservative : {false, true}) {
    quoin::count_min_sketch<std::uint8_t> s({.width = 64, .conservative = conservative});
    EXPECT_EQ(s.add("a", 254), 254u);
    EXPECT_FALSE(s.saturated());
    EXPECT_EQ(s.add("a", 1), 255u);
    EXPECT_TRUE(s.saturated());
    EXPECT_EQ(s.add("a", 1), 255u);
    EXPECT_EQ(s.add("a", 256), 255u);
    EXPECT_EQ(s.add("b", std::numeric_limits<std::uint64_t>::max()), s.max_count);
    EXPECT_EQ(s.total(), std::numeric_limits<std::uint64_t>::max());
    s.add_many(std::vector<int>(300, 7));
    EXPECT_EQ(s.estimate(7), 255u);
    EXPECT_EQ(s.total(), std::numeric_limits<std::uint64_t>::max());
    auto merged = s;
    merged.merge(s);
    EXPECT_EQ(merged.estimate("a"), 255u);
    merged.merge(s, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(merged.estimate("a"), 255u);
  }
  quoin::count_min_sketch<std::uint64_t> wide({.width = 16});
  wide.add("a", std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_FALSE(wide.saturated());
  EXPECT_EQ(wide.add("a", 2), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(wide.saturated());
  wide.merge(wide, 3);
  EXPECT_EQ(wide.estimate("a"), std::numeric_limits<std::uint64_t>::max());
}

// --- merge, decay, products ---------------------------------------------------------------------

TEST(count_min_sketch, merge_of_plain_sketches_is_the_sketch_of_both) {
  sketch a({.width = 100, .conservative = false}), b = a, both = a;
  for (int i = 0; i < 1000; ++i) {
    a.add(i % 70);
    b.add(i % 33, 2);
    both.add(i % 70);
    both.add(i % 33, 6);
  }
  a.merge(b, 3);
  EXPECT_EQ(a, both);
  a.merge(b, 0);
  EXPECT_EQ(a, both);
}

TEST(count_min_sketch, merge_of_conservative_sketches_stays_above_the_truth) {
  sketch a({.width = 64}), b = a, plain({.width = 64, .conservative = false});
  std::vector<std::uint64_t> truth(500);
  std::uint64_t state = 1;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t key = split_mix(state) % 500;
    (i % 2 == 0 ? a : b).add(key);
    plain.add(key);
    ++truth[static_cast<std::size_t>(key)];
  }
  a.merge(b);
  EXPECT_EQ(a.total(), 5000u);
  for (std::uint64_t key = 0; key < 500; ++key) {
    EXPECT_GE(a.estimate(key), truth[static_cast<std::size_t>(key)]);
    EXPECT_LE(a.estimate(key), plain.estimate(key));
  }
}

TEST(count_min_sketch, what_does_not_match_is_not_merged) {
  sketch a({.width = 64});
  a.add(1);
  const sketch before = a;
  for (const quoin::count_min_options& options : {quoin::count_min_options{.width = 72},
                                                  {.width = 64, .depth = 6},
                                                  {.width = 64, .seed = 1},
                                                  {.width = 64, .conservative = false}}) {
    sketch other(options);
    other.add(2);
    EXPECT_FALSE(a.is_compatible(other));
    EXPECT_THROW(a.merge(other), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(a.inner_product(other)), std::invalid_argument);
    EXPECT_NE(a, other);
  }
  EXPECT_EQ(a, before);
}

TEST(count_min_sketch, decay_rounds_down) {
  sketch s({.width = 1 << 12});
  for (int i = 1; i < 50; ++i) s.add(i, static_cast<std::uint64_t>(i));
  sketch same = s;
  same.decay(1);
  EXPECT_EQ(same, s);
  s.decay(0.25);
  for (int i = 1; i < 50; ++i) EXPECT_EQ(s.estimate(i), static_cast<std::uint64_t>(i) / 4);
  EXPECT_EQ(s.total(), 49u * 50 / 2 / 4);
  s.decay(0);
  for (int i = 1; i < 50; ++i) EXPECT_EQ(s.estimate(i), 0u);
  EXPECT_TRUE(s.empty());
  for (const double wrong : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THROW(s.decay(wrong), std::invalid_argument);
  }
  quoin::count_min_sketch<std::uint64_t> wide({.width = 64});
  wide.add(1, std::uint64_t{1} << 63);
  wide.decay(0.75);
  EXPECT_EQ(wide.estimate(1), std::uint64_t{3} << 61) << "exact beyond 53 bits";
}

/// What decay promises: below the decayed truth by less than 1 / (1 − factor).
TEST(count_min_sketch, decayed_again_and_again) {
  sketch s({.width = 1 << 12});
  double truth = 0;
  std::uint64_t state = 3;
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t weight = split_mix(state) % 4;
    s.add("key", weight);
    truth = (truth + static_cast<double>(weight)) * 0.75;
    s.decay(0.75);
    EXPECT_LE(static_cast<double>(s.estimate("key")), truth + 1e-9);
    EXPECT_GT(static_cast<double>(s.estimate("key")), truth - 4);
  }
}

TEST(count_min_sketch, inner_product) {
  sketch a({.width = 1 << 12, .conservative = false}),
      b = a, narrow_a({.width = 8, .conservative = false}), narrow_b = narrow_a;
  double truth = 0;
  for (int i = 0; i < 40; ++i) {
    const auto weight_a = static_cast<std::uint64_t>(i),
               weight_b = static_cast<std::uint64_t>(i % 7);
    a.add(i, weight_a);
    b.add(i, weight_b);
    narrow_a.add(i, weight_a);
    narrow_b.add(i, weight_b);
    truth += static_cast<double>(weight_a * weight_b);
  }
  EXPECT_DOUBLE_EQ(a.inner_product(b), truth) << "no two keys share a counter in some row";
  EXPECT_DOUBLE_EQ(b.inner_product(a), truth);
  EXPECT_GT(narrow_a.inner_product(narrow_b), truth);
  const sketch conservative({.width = 64});
  EXPECT_EQ(message_of([&] { static_cast<void>(conservative.inner_product(conservative)); }),
            "quoin::count_min_sketch: inner_product = 1, must be of sketches with plain update");
}

TEST(count_min_sketch, debiased_estimates) {
  sketch s({.width = 256, .conservative = false}), conservative({.width = 256});
  std::uint64_t state = 9;
  constexpr std::uint64_t keys = 5000;
  for (std::uint64_t key = 0; key < keys; ++key) s.add(key, 10);
  double raw = 0, debiased = 0;
  for (std::uint64_t key = 0; key < keys; ++key) {
    const auto estimate = static_cast<double>(s.estimate(key));
    const double d = s.estimate_debiased(key);
    EXPECT_GE(d, 0);
    EXPECT_LE(d, estimate);
    raw += estimate - 10;
    debiased += d - 10;
  }
  // A row's noise has mean 195 and deviation 44: the least of four is far above the truth, their
  // median, cut at zero, is not. The bound is a tenth of the plain error.
  EXPECT_LT(std::abs(debiased), raw / 10);
  EXPECT_THROW(static_cast<void>(conservative.estimate_debiased(1)), std::invalid_argument);
  sketch odd({.width = 1 << 14, .depth = 5, .conservative = false});
  odd.add("a", 16384);
  EXPECT_NEAR(odd.estimate_debiased("a"), 16384, 1e-9);
  EXPECT_EQ(odd.estimate_debiased("b"), 0);
  static_cast<void>(split_mix(state));
  quoin::classic_count_min_sketch<> one_column({.width = 1, .conservative = false});
  one_column.add(1, 4);
  EXPECT_EQ(one_column.estimate_debiased(2), 4) << "nothing to tell noise from";
}

// --- bounds -------------------------------------------------------------------------------------

TEST(count_min_bounds, formulas) {
  const double e = 2.718281828459045;
  const quoin::classic_count_min_sketch<> classic({.width = 2000, .depth = 5});
  EXPECT_NEAR(classic.delta(e / 2000), std::exp(-5), 1e-12) << "the textbook's";
  EXPECT_NEAR(classic.epsilon(std::exp(-5)), e / 2000, 1e-12);
  const sketch blocked({.width = 2000, .depth = 4});
  const double q = 1 / (e * e) + 1 / (8 * e);
  EXPECT_NEAR(blocked.delta(e / 2000), q * q, 1e-12);
  for (const double delta : {0.5, 0.1, 0.01, 1e-6}) {
    for_each_type({.width = 512, .depth = 6},
                  [&](const auto& s) { EXPECT_NEAR(s.delta(s.epsilon(delta)) / delta, 1, 1e-9); });
  }
  EXPECT_EQ(blocked.delta(0), 1);
  EXPECT_EQ(blocked.delta(-1), 1);
  EXPECT_EQ(blocked.delta(1e-9), 1);
  EXPECT_LE(blocked.delta(1), 1e-8);
  for (const double wrong : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_THROW(static_cast<void>(blocked.epsilon(wrong)), std::invalid_argument);
  }
}

/// The chance of an excess above ε · N over many hash functions stays below `delta(ε)`, for streams
/// made to hurt the blocked layout: few heavy keys, so that sharing their line matters most.
/// False-alarm rate: the bound is a supremum, so each count is at most binomial(trials, delta); five
/// deviations above it have a chance below 1e-6.
void expect_bound_holds(unsigned heavy_keys, unsigned light_keys, bool conservative) {
  constexpr int trials = 3000;
  constexpr std::uint64_t light = 1, heavy = 400;
  for (const double delta : {0.2, 0.05, 0.01}) {
    int above = 0;
    for (int trial = 0; trial < trials; ++trial) {
      sketch s({.width = 64,
                .conservative = conservative,
                .seed = static_cast<std::uint64_t>(trial) + 1});
      for (unsigned i = 0; i < light_keys; ++i) s.add(std::pair(1, i), light);
      for (unsigned i = 0; i < heavy_keys; ++i) s.add(std::pair(2, i), heavy);
      const double error = s.epsilon(delta) * static_cast<double>(s.total());
      above += static_cast<double>(s.estimate("stranger")) > error;
      if (trial == 0) {
        EXPECT_GE(s.lower_bound("stranger", delta), 0u);
      }
    }
    const double expected = trials * delta;
    EXPECT_LE(above, expected + 5 * std::sqrt(expected)) << delta;
  }
}

TEST(count_min_bounds, hold_for_few_heavy_keys) {
  expect_bound_holds(3, 0, false);
  expect_bound_holds(10, 0, true);
  expect_bound_holds(20, 30, false);
}

/// The excess of a row has the mean N / w exactly, in every row of every layout: over 4000 hash
/// functions its mean is within five deviations (false alarms: 6e-7 per row).
TEST(count_min_bounds, mean_excess_of_each_row) {
  constexpr int trials = 4000, keys = 100;
  for_each_type({.width = 128, .depth = 4}, [&](const auto& shape) {
    using type = std::remove_cvref_t<decltype(shape)>;
    double sums[4] = {};
    for (int trial = 0; trial < trials; ++trial) {
      type s({.width = 128, .conservative = false, .seed = static_cast<std::uint64_t>(trial) + 77});
      for (int key = 0; key < keys; ++key) s.add(key);
      type::layout_type::template for_each_place<typename type::counter_type>(
          quoin::hash{s.seed()}("stranger"), s.width(), 4, [&](unsigned row, std::uint64_t place) {
            for (std::uint64_t column = 0; column < s.width(); ++column) {
              if (type::layout_type::template place_of<typename type::counter_type>(
                      row, column, s.width(), 4) == place) {
                sums[row] += static_cast<double>(s.counter(row, column));
              }
            }
          });
    }
    const double mean = keys / 128.0, deviation = std::sqrt(mean / trials);
    for (const double sum : sums) EXPECT_NEAR(sum / trials, mean, 5 * deviation);
  });
}

// --- options ------------------------------------------------------------------------------------

TEST(count_min_options, shape) {
  EXPECT_EQ(sketch({.width = 1 << 16}).depth(), 4u);
  EXPECT_EQ(sketch({.width = 1 << 16}).width(), 1u << 16);
  EXPECT_EQ(sketch({.width = 1}).width(), 8u) << "half a line of 32-bit counters";
  EXPECT_EQ(sketch({.width = 9}).width(), 16u);
  EXPECT_EQ(sketch({.width = 1, .depth = 3}).width(), 16u) << "a whole line";
  EXPECT_EQ(quoin::count_min_sketch<std::uint8_t>({.width = 1}).width(), 32u);
  EXPECT_EQ(quoin::count_min_sketch<std::uint64_t>({.width = 1}).width(), 4u);
  EXPECT_EQ(quoin::classic_count_min_sketch<>({.width = 7}).width(), 7u);
  EXPECT_EQ(sketch({.bytes = 1 << 20}).size_bytes(), 1u << 20);
  EXPECT_EQ(sketch({.bytes = (1 << 20) + 127}).size_bytes(), 1u << 20);
  EXPECT_EQ(sketch({.depth = 6, .bytes = 1 << 20}).width(), (1u << 20) / 24 / 8 * 8);
  EXPECT_TRUE(sketch({.width = 1}).is_conservative());
}

TEST(count_min_options, epsilon_and_delta_are_kept) {
  for (const double epsilon : {0.1, 0.01, 1e-4}) {
    for (const double delta : {0.3, 0.01, 1e-4, 1e-9}) {
      for_each_type({.epsilon = epsilon, .delta = delta}, [&](const auto& s) {
        EXPECT_LE(s.delta(epsilon), delta * (1 + 1e-9)) << epsilon << ' ' << delta;
        EXPECT_GE(s.depth(), 4u);
        using layout = typename std::remove_cvref_t<decltype(s)>::layout_type;
        EXPECT_EQ(s.depth() % layout::rows_per_line(s.depth()), 0u);
      });
      const sketch given({.depth = 5, .epsilon = epsilon, .delta = delta});
      EXPECT_EQ(given.depth(), 5u);
      EXPECT_LE(given.delta(epsilon), delta * (1 + 1e-9));
    }
  }
  EXPECT_EQ(sketch({.epsilon = 0.001}).depth(), 4u) << "delta = 1 % unless given";
}

TEST(count_min_options, out_of_range) {
  const auto message = [](const quoin::count_min_options& options) {
    return message_of([&] { sketch s(options); });
  };
  EXPECT_EQ(message({}), "quoin::count_min_sketch: give one of width, epsilon and bytes");
  EXPECT_EQ(message({.width = 1, .bytes = 1}),
            "quoin::count_min_sketch: give one of width, epsilon and bytes");
  EXPECT_EQ(message({.width = 1, .depth = 17}),
            "quoin::count_min_sketch: depth = 17, must be 1 to 16, or 0 for the best");
  EXPECT_EQ(message({.width = (std::uint64_t{1} << 56) + 1}),
            "quoin::count_min_sketch: width = 72057594037927937, must be at most 2^56");
  EXPECT_EQ(message({.epsilon = 1}), "quoin::count_min_sketch: epsilon = 1, must be in (0, 1)");
  EXPECT_EQ(message({.epsilon = -1}), "quoin::count_min_sketch: epsilon = -1, must be in (0, 1)");
  EXPECT_EQ(message({.epsilon = std::nan("")}).substr(0, 33), "quoin::count_min_sketch: epsilon ");
  EXPECT_EQ(message({.epsilon = 0.1, .delta = 0}),
            "quoin::count_min_sketch: delta = 0, must be in [1e-18, 1)");
  EXPECT_EQ(message({.epsilon = 1e-300}),
            "quoin::count_min_sketch: epsilon = 1e-300, must be one "
            "that 2^56 counters per row reach");
  EXPECT_EQ(message({.bytes = 127}),
            "quoin::count_min_sketch: bytes = 127, must be at least one "
            "line, or one counter, for each row");
  EXPECT_NE(message({.bytes = ~std::uint64_t{0}}), "no exception");
  EXPECT_EQ(
      message_of([] {
        quoin::count_min_sketch<std::uint64_t>({.width = std::uint64_t{1} << 56, .depth = 16});
      }),
      "quoin::count_min_sketch: the table is larger than this platform can address");
}

// --- allocators ---------------------------------------------------------------------------------

using accounted =
    quoin::count_min_sketch<std::uint32_t, quoin::hash, quoin_test::accounted_allocator<std::byte>>;

TEST(count_min_sketch, allocators) {
  quoin_test::memory_account account;
  {
    accounted s({.width = 1024}, quoin_test::accounted_allocator<std::byte>(account));
    EXPECT_EQ(account.live_bytes, s.size_bytes());
    s.add(1);
    std::vector<int> keys(1000, 3);
    const std::size_t requests = account.requests;
    s.add_many(keys);
    EXPECT_EQ(account.requests, requests) << "counting allocates nothing";
    EXPECT_EQ(s.get_allocator().account(), &account);
    const accounted copy = s;
    EXPECT_EQ(copy, s);
  }
  EXPECT_EQ(account.live_bytes, 0u);
  account.requests_until_failure = 0;
  EXPECT_THROW(accounted({.width = 64}, quoin_test::accounted_allocator<std::byte>(account)),
               std::bad_alloc);
}

// --- classic rows for other systems -------------------------------------------------------------

TEST(classic_count_min_sketch, rows_go_out_and_come_back) {
  using classic = quoin::classic_count_min_sketch<std::uint64_t>;
  classic s({.width = 7, .depth = 3, .conservative = false});
  for (int i = 0; i < 100; ++i) s.add(i);
  EXPECT_EQ(s.rows().size(), 21u);
  for (unsigned row = 0; row < 3; ++row) {
    for (std::uint64_t column = 0; column < 7; ++column) {
      EXPECT_EQ(s.rows()[static_cast<std::size_t>(row * 7 + column)], s.counter(row, column));
    }
  }
  const quoin::count_min_options options{.width = 7, .depth = 3, .conservative = false};
  EXPECT_EQ(classic::from_rows(options, s.rows(), s.total()), s);
  EXPECT_THROW(static_cast<void>(classic::from_rows(options, s.rows().first(20), 0)),
               std::invalid_argument);
}

// --- bytes --------------------------------------------------------------------------------------

sketch golden_blocked() {
  sketch s({.width = 16, .seed = 5});
  for (std::uint32_t i = 0; i < 100; ++i) s.add(i, i);
  s.add("quoin", 0x12345678);
  return s;
}

auto golden_small() {
  quoin::count_min_sketch<std::uint8_t> s({.width = 32, .conservative = false});
  for (std::uint32_t i = 0; i < 100; ++i) s.add(i, i % 50);
  return s;
}

auto golden_classic() {
  quoin::classic_count_min_sketch<std::uint64_t> s({.width = 7, .depth = 3});
  for (std::uint32_t i = 0; i < 30; ++i) s.add(i, i);
  s.add("quoin", 0x123456789abcdef0);
  return s;
}

TEST(count_min_bytes, golden) {
  quoin_test::expect_golden("count_min_sketch_u32.bin", golden_blocked().to_bytes());
  quoin_test::expect_golden("count_min_sketch_u8.bin", golden_small().to_bytes());
  quoin_test::expect_golden("count_min_sketch_classic_u64.bin", golden_classic().to_bytes());
  EXPECT_EQ(*sketch::from_bytes(quoin_test::read_golden("count_min_sketch_u32.bin")),
            golden_blocked());
}

TEST(count_min_bytes, there_and_back) {
  for (const unsigned depth : {1u, 3u, 4u, 16u}) {
    for (const bool conservative : {false, true}) {
      for_each_type({.width = 33, .depth = depth, .conservative = conservative, .seed = 9},
                    [&](auto s) {
                      using type = std::remove_cvref_t<decltype(s)>;
                      for (int i = 0; i < 200; ++i) s.add(i % 40, 3);
                      const bytes form = s.to_bytes();
                      EXPECT_EQ(form.size(), s.serialized_size());
                      EXPECT_EQ(form.size(), 72 + s.size_bytes());
                      const auto back = type::from_bytes(form);
                      ASSERT_TRUE(back) << back.error().message();
                      EXPECT_EQ(*back, s);
                      EXPECT_EQ(back->to_bytes(), form);
                      EXPECT_EQ(back->is_conservative(), conservative);
                      bytes larger(form.size() + 1, std::byte{9});
                      EXPECT_EQ(s.write_to(larger), form.size());
                      EXPECT_EQ(larger[form.size()], std::byte{9});
                      bytes smaller(form.size() - 1);
                      EXPECT_THROW(s.write_to(smaller), std::invalid_argument);
                    });
    }
  }
}

template <class Sketch>
void expect_every_damage_noticed(std::string_view name) {
  const bytes form = quoin_test::read_golden(name);
  const auto refused = [](std::span<const std::byte> damaged) {
    EXPECT_FALSE(Sketch::from_bytes(damaged));
  };
  quoin_test::for_each_truncation(form, refused);
  quoin_test::for_each_bit_flip(form, refused);
  bytes longer = form;
  longer.push_back(std::byte{0});
  refused(longer);
  EXPECT_TRUE(Sketch::from_bytes(form));
}

TEST(count_min_bytes, every_damage_is_noticed) {
  expect_every_damage_noticed<sketch>("count_min_sketch_u32.bin");
  expect_every_damage_noticed<quoin::count_min_sketch<std::uint8_t>>("count_min_sketch_u8.bin");
  expect_every_damage_noticed<quoin::classic_count_min_sketch<std::uint64_t>>(
      "count_min_sketch_classic_u64.bin");
}

template <class Change>
bytes forged(Change change) {
  bytes form = golden_blocked().to_bytes();
  change(form);
  detail::store_le(&form[form.size() - 8], quoin::xxh64(std::span(form).first(form.size() - 8), 0));
  return form;
}

TEST(count_min_bytes, forged_headers_are_refused_with_reason_and_place) {
  using quoin::errc;
  const auto u64 = [](std::size_t place, std::uint64_t value) {
    return [=](bytes& form) { detail::store_le(&form[place], value); };
  };
  const auto u8 = [](std::size_t place, unsigned value) {
    return [=](bytes& form) { form[place] = static_cast<std::byte>(value); };
  };
  quoin_test::memory_account account;
  const auto expect = [&](const bytes& form, errc code, std::uint64_t place) {
    const auto s = accounted::from_bytes(form, quoin_test::accounted_allocator<std::byte>(account));
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error(), quoin::error(code, place, "")) << s.error().message();
  };
  EXPECT_TRUE(sketch::from_bytes(forged(u8(40, 4)))) << "forged into what it was";
  expect(forged(u8(5, 1)), errc::bad_value, 5);
  expect(forged(u64(8, 0)), errc::trailing_bytes, 72);
  expect(forged(u64(8, 17)), errc::truncated, 328);
  for (const std::uint64_t wrong : {std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    EXPECT_FALSE(sketch::from_bytes(forged(u64(8, wrong))));
  }
  expect(forged([&](bytes& form) {
           u64(8, 4)(form);
           u8(40, 16)(form);
         }),
         errc::bad_value, 8);
  expect(forged(u8(32, 2)), errc::incompatible, 32);
  for (const unsigned depth : {0u, 17u}) {  // with as many counters as that takes
    expect(forged([&](bytes& form) {
             form.resize(72 + 16 * depth * 4);
             u8(40, depth)(form);
           }),
           errc::bad_value, 40);
  }
  expect(forged(u8(36, 2)), errc::incompatible, 36);
  expect(forged(u8(42, 2)), errc::bad_value, 42);
  for (std::size_t place = 43; place < 64; ++place) {
    expect(forged(u8(place, 128)), errc::bad_value, place);
  }
  EXPECT_EQ(account.requests, 0u) << "nothing is allocated for what is refused";
  const bytes form = golden_blocked().to_bytes();
  EXPECT_TRUE(accounted::from_bytes(form, quoin_test::accounted_allocator<std::byte>(account)));
  EXPECT_LT(account.largest_request, form.size() + 64);
}

TEST(count_min_bytes, sketches_of_other_types_are_refused) {
  using quoin::errc;
  const auto code = [](const auto& result) { return result ? errc{} : result.error().code(); };
  const bytes form = golden_blocked().to_bytes();
  EXPECT_EQ(code(quoin::count_min_sketch<std::uint64_t>::from_bytes(form)), errc::incompatible);
  EXPECT_EQ(code(quoin::classic_count_min_sketch<>::from_bytes(form)), errc::incompatible);
  using other_hash = quoin::count_min_sketch<std::uint32_t, std::hash<std::uint32_t>>;
  EXPECT_EQ(code(other_hash::from_bytes(form)), errc::incompatible);
  bytes unseeded = other_hash({.width = 8}).to_bytes();
  EXPECT_TRUE(other_hash::from_bytes(unseeded));
  unseeded[16] = std::byte{1};
  detail::store_le(&unseeded[unseeded.size() - 8],
                   quoin::xxh64(std::span(unseeded).first(unseeded.size() - 8), 0));
  EXPECT_EQ(other_hash::from_bytes(unseeded).error().position(), 16u);
  EXPECT_THROW(other_hash({.width = 8, .seed = 1}), std::invalid_argument);
}

}  // namespace
