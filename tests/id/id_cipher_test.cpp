// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/id_cipher.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

using quoin::id_cipher;
using quoin::siphash_key;

constexpr siphash_key key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
constexpr std::uint64_t size_6 = 56'800'235'584u, size_7 = 3'521'614'606'208u;

static_assert(id_cipher({.key = key, .size = size_7}).encrypt(0) == 816'260'507'682u);
static_assert(id_cipher({.key = key, .size = size_7}).decrypt(816'260'507'682u) == 0);

TEST(id_cipher, is_the_same_everywhere) {
  struct row {
    std::uint64_t size;
    std::array<std::uint64_t, 4> of;  // 0, 1 (or the last), size / 3, size - 1
  };
  // Calculated by another implementation after docs/formats.md, in integers of any length.
  constexpr row rows[] = {
      {1u, {0u, 0u, 0u, 0u}},
      {2u, {1u, 0u, 1u, 0u}},
      {62u, {41u, 30u, 5u, 53u}},
      {3844u, {896u, 1240u, 513u, 1861u}},
      {238328u, {12040u, 141601u, 9606u, 98453u}},
      {14776336u, {13995882u, 9333943u, 11023507u, 1844315u}},
      {916132832u, {422635652u, 477665741u, 42833153u, 429225556u}},
      {size_6, {38409593918u, 48321586111u, 55133045212u, 15655156508u}},
      {size_7, {816260507682u, 2403108684410u, 208781167927u, 1801845719508u}},
      {218340105584896u, {174291630144187u, 161150878230007u, 51540162294865u, 188978133711468u}},
      {13537086546263552u,
       {5623191689103619u, 1685068722114596u, 13423509599070612u, 1026666056162068u}},
      {839299365868340224u,
       {822652698916659461u, 417912857036674810u, 769978563188384146u, 825202535574193u}},
      {9223372036854775808u,
       {8207523425261980838u, 920577394376824134u, 4272085179520534148u, 3854398143968029104u}},
      {1000003u, {490515u, 796979u, 353437u, 770568u}},
  };
  for (const row& r : rows) {
    const id_cipher cipher({.key = key, .size = r.size});
    EXPECT_EQ(cipher.size(), r.size);
    const std::uint64_t numbers[] = {0, r.size == 1 ? 0 : 1u, r.size / 3, r.size - 1};
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(cipher.encrypt(numbers[i]), r.of[i]) << numbers[i] << " below " << r.size;
      EXPECT_EQ(cipher.decrypt(r.of[i]), numbers[i]) << r.of[i] << " below " << r.size;
    }
  }
}

/// The permutation as docs/formats.md tells it, step by step, of numbers below `n`.
class by_the_formula {
 public:
  by_the_formula(const siphash_key& k, std::uint64_t n) : key_(k), n_(n) {
    for (std::uint64_t step = std::uint64_t{1} << 31; step != 0; step /= 2) {
      if ((a_ + step - 1) * (a_ + step - 1) < n) a_ += step;
    }
    b_ = (n + a_ - 1) / a_;
  }
  [[nodiscard]] std::uint64_t lower_halves() const { return b_; }
  [[nodiscard]] std::uint64_t encrypt(std::uint64_t x) const {
    do {
      std::uint64_t h = x / b_, l = x % b_;
      for (std::uint64_t i = 0; i < 6; i += 2) {
        h = (h + f(i, l, a_)) % a_;
        l = (l + f(i + 1, h, b_)) % b_;
      }
      x = h * b_ + l;
    } while (x >= n_);
    return x;
  }

 private:
  [[nodiscard]] std::uint64_t f(std::uint64_t i, std::uint64_t v, std::uint64_t modulus) const {
    const std::uint64_t z = (v + word(2 * i)) * 0x9e3779b97f4a7c15u;
    return quoin::detail::mul_high((z ^ (z >> 32)) * (word(2 * i + 1) | 1), modulus);
  }
  [[nodiscard]] std::uint64_t word(std::uint64_t j) const {
    unsigned char message[24] = {'i', 'd', '_', 'c', 'i', 'p', 'h', '1'};
    quoin::detail::store_le(message + 8, n_);
    quoin::detail::store_le(message + 16, j);
    return quoin::siphash_2_4(message, key_);
  }

  siphash_key key_;
  std::uint64_t n_, a_ = 1, b_ = 1;
};

/// Numbers around those where the upper half changes, of sizes of every length.
TEST(id_cipher, is_what_the_formula_says) {
  std::uint64_t walked = 0;
  for (int bits = 0; bits <= 63; ++bits) {
    for (std::uint64_t below = 0; below < 5; ++below) {
      const std::uint64_t most = std::uint64_t{1} << bits;
      const std::uint64_t size = below == 4 ? most / 7 * 5 + 1 : most - below;
      if (size == 0 || size > most) continue;
      const id_cipher cipher({.key = {key.k0, size}, .size = size});
      const by_the_formula formula({key.k0, size}, size);
      const std::uint64_t b = formula.lower_halves();
      walked += size % b != 0 ? 1 : 0;
      for (const std::uint64_t times :
           {std::uint64_t{0}, std::uint64_t{1}, size / b / 3, size / b}) {
        for (const std::uint64_t x : {times * b, times * b - 1, times * b + b / 2}) {
          if (x >= size) continue;
          ASSERT_EQ(cipher.encrypt(x), formula.encrypt(x)) << x << " below " << size;
          ASSERT_EQ(cipher.decrypt(formula.encrypt(x)), x) << x << " below " << size;
        }
      }
    }
  }
  EXPECT_GT(walked, 100u);
}

void expect_bijection(const id_cipher& cipher, bool back) {
  std::vector<bool> seen(static_cast<std::size_t>(cipher.size()));
  for (std::uint64_t x = 0; x < cipher.size(); ++x) {
    const std::uint64_t y = cipher.encrypt(x);
    ASSERT_LT(y, cipher.size());
    ASSERT_FALSE(seen[static_cast<std::size_t>(y)]) << y << " twice below " << cipher.size();
    seen[static_cast<std::size_t>(y)] = true;
    if (back) {
      ASSERT_EQ(cipher.decrypt(y), x);
    }
  }
}

TEST(id_cipher, is_a_bijection) {
  for (std::uint64_t size = 1; size <= 260; ++size) {
    expect_bijection(id_cipher({.key = {size, 7}, .size = size}), true);
  }
  expect_bijection(id_cipher({.key = key, .size = 62 * 62 * 62}), true);
  expect_bijection(id_cipher({.key = key, .size = 99'991}), true);
#if defined(__x86_64__) && defined(__OPTIMIZE__)  // slow without, and under emulation
  // Of all codes of four digits.
  expect_bijection(id_cipher({.key = key, .size = 62 * 62 * 62 * 62}), false);
#endif
}

TEST(id_cipher, leads_back_at_the_edges_of_every_size) {
  for (int bits = 1; bits <= 63; ++bits) {
    for (std::uint64_t below = 0; below < 3; ++below) {
      const std::uint64_t size = (std::uint64_t{1} << bits) - below;
      if (size == 0) continue;
      const id_cipher cipher({.key = {size, below}, .size = size});
      for (const std::uint64_t x : {std::uint64_t{0}, size / 2, size - 1}) {
        ASSERT_LT(cipher.encrypt(x), size);
        ASSERT_EQ(cipher.decrypt(cipher.encrypt(x)), x);
        ASSERT_EQ(cipher.encrypt(cipher.decrypt(x)), x);
      }
    }
  }
}

TEST(id_cipher, refuses_what_is_out_of_range) {
  EXPECT_THROW(id_cipher({.key = key, .size = 0}), std::invalid_argument);
  EXPECT_THROW(id_cipher({.key = key, .size = (std::uint64_t{1} << 63) + 1}),
               std::invalid_argument);
  EXPECT_THROW(id_cipher({.key = {0, 0}, .size = 62}), std::invalid_argument);  // forgotten
  EXPECT_FALSE(id_cipher({.key = {0, 1}, .size = 62}) == id_cipher({.key = {1, 0}, .size = 62}));
  const id_cipher cipher({.key = key, .size = 62});
  for (const std::uint64_t x : {std::uint64_t{62}, ~std::uint64_t{0}}) {
    EXPECT_THROW(static_cast<void>(cipher.encrypt(x)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(cipher.decrypt(x)), std::invalid_argument);
  }
  EXPECT_TRUE(cipher == id_cipher({.key = key, .size = 62}));
  EXPECT_FALSE(cipher == id_cipher({.key = key, .size = 63}));
}

// --- like a random permutation ------------------------------------------------------------------
// Each statistic is compared with its distribution under a random permutation at 6.5 standard
// deviations (chi-square by Wilson and Hilferty's approximation): a false alarm has a chance below
// 10^-9 for each of fewer than 400 of them, and keys and numbers are fixed.

constexpr double most_deviation = 6.5;

/// `hits` of `n` trials of chance `p`, in standard deviations from the mean.
double deviation(std::uint64_t hits, double n, double p) {
  return (static_cast<double>(hits) - n * p) / std::sqrt(n * p * (1 - p));
}

/// The chi-square statistic of equally probable `cells` as a standard normal variable.
double chi_square(const std::vector<std::uint64_t>& cells) {
  double n = 0, sum = 0;
  for (const std::uint64_t c : cells) n += static_cast<double>(c);
  const double expected = n / static_cast<double>(cells.size());
  for (const std::uint64_t c : cells) {
    const double d = static_cast<double>(c) - expected;
    sum += d * d / expected;
  }
  const double freedom = static_cast<double>(cells.size() - 1), spread = 2 / (9 * freedom);
  return (std::cbrt(sum / freedom) - (1 - spread)) / std::sqrt(spread);
}

constexpr std::array<std::uint64_t, 6> powers = {1, 62, 3844, 238328, 14776336, 916132832};

/// Which of six digits are the same in both, added to `same`.
void count_same(std::uint64_t a, std::uint64_t b, std::array<std::uint64_t, 6>& same) {
  for (std::size_t i = 0; i < 6; ++i) same[i] += a / powers[i] % 62 == b / powers[i] % 62 ? 1u : 0u;
}

TEST(id_cipher, each_digit_of_the_number_changes_every_digit_of_the_code) {
  constexpr std::uint64_t n = 20'000;
  const id_cipher cipher({.key = key, .size = size_6});
  for (std::size_t digit = 0; digit < 6; ++digit) {
    std::array<std::uint64_t, 6> same{};
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t x = i * 2'840'011u;  // all over the range
      const std::uint64_t other = (x + powers[digit] * (1 + i % 61)) % size_6;
      count_same(cipher.encrypt(x), cipher.encrypt(other), same);
    }
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_LT(std::fabs(deviation(same[i], n, 1 / 62.0)), most_deviation)
          << "digit " << digit << " of the number, " << i << " of the code";
    }
  }
}

TEST(id_cipher, each_bit_of_the_key_changes_every_digit_of_the_code) {
  constexpr std::uint64_t n = 1'000;
  const id_cipher cipher({.key = key, .size = size_6});
  for (unsigned bit = 0; bit < 128; ++bit) {
    siphash_key other = key;
    (bit < 64 ? other.k0 : other.k1) ^= std::uint64_t{1} << (bit % 64);
    const id_cipher changed({.key = other, .size = size_6});
    std::array<std::uint64_t, 6> same{};
    for (std::uint64_t x = 0; x < n; ++x) count_same(cipher.encrypt(x), changed.encrypt(x), same);
    std::uint64_t sum = 0;
    for (const std::uint64_t s : same) sum += s;
    EXPECT_LT(std::fabs(deviation(sum, 6 * n, 1 / 62.0)), most_deviation) << "bit " << bit;
  }
}

TEST(id_cipher, numbers_in_a_row_give_codes_without_a_trace_of_it) {
  constexpr std::uint64_t n = 60'000, cells = 64;
  for (const std::uint64_t size : {size_6, size_7, std::uint64_t{1} << 63}) {
    const id_cipher cipher({.key = key, .size = size});
    const auto cell = [&](std::uint64_t y, std::uint64_t of) {
      return static_cast<std::size_t>(y / (size / of + 1));
    };
    std::vector<std::uint64_t> where(cells), last(62);
    for (std::uint64_t x = 0; x < n; ++x) {
      ++where[cell(cipher.encrypt(x), cells)];
      ++last[static_cast<std::size_t>(cipher.encrypt(x) % 62)];
    }
    EXPECT_LT(chi_square(where), most_deviation) << size;
    EXPECT_LT(chi_square(last), most_deviation) << size;
    for (const std::uint64_t lag : {1u, 2u, 62u, 3844u, 238328u, 1876602u}) {
      std::vector<std::uint64_t> differences(cells), pairs(cells);
      for (std::uint64_t x = 0; x < n; ++x) {
        const std::uint64_t a = cipher.encrypt(x), b = cipher.encrypt(x + lag);
        ++differences[cell(b >= a ? b - a : b + (size - a), cells)];
        ++pairs[cell(a, 8) * 8 + cell(b, 8)];
      }
      EXPECT_LT(chi_square(differences), most_deviation) << size << ", lag " << lag;
      EXPECT_LT(chi_square(pairs), most_deviation) << size << ", lag " << lag;
    }
  }
}

TEST(id_cipher, keys_draw_pairs_of_codes_of_one_digit_evenly) {
  for (const std::uint64_t lag : {1u, 8u}) {  // 8: the same lower half
    std::vector<std::uint64_t> pairs(std::size_t{62} * 61);
    for (std::uint64_t k = 0; k < 40'000; ++k) {
      const id_cipher cipher({.key = {1, k}, .size = 62});
      const std::uint64_t a = cipher.encrypt(20), b = cipher.encrypt(20 + lag);
      ++pairs[static_cast<std::size_t>(61 * a + b - (b > a ? 1 : 0))];
    }
    EXPECT_LT(chi_square(pairs), most_deviation) << lag;
  }
}

}  // namespace
