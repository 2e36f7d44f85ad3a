// SPDX-License-Identifier: BSL-1.0
// The numbers behind UltraLogLog: constants derived anew, hash4j's results, and every kernel against
// the definition.
#include <quoin/sketch/ultraloglog.hpp>

#include "hash/hash_testing.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using sketch = quoin::ultraloglog<>;

// --- constants ----------------------------------------------------------------------------------

/// ∫ y^(s−1)·p_x(y) dy, multiplied out: a sum of ±∫ y^(s−1)·e^(−a·y) dy = ±Γ(s)·a^(−s).
double integral(unsigned x, double s) {
  double sum = 0;
  for (unsigned product = 0; product < 8; ++product) {
    const bool self = product & 1, next = product & 2, second = product & 4;
    if ((!(x & 2) && !next) || (!(x & 1) && !second)) continue;  // a factor without the 1
    const double sign = (self ? -1 : 1) * ((x & 2) && next ? -1 : 1) * ((x & 1) && second ? -1 : 1);
    sum += sign * std::pow(1 + self + 2 * next + 4 * second, -s);
  }
  return std::tgamma(s) * sum;
}

double sum_of_ratios(double tau) {
  double sum = 0;
  for (unsigned x = 0; x < 4; ++x) sum += std::pow(integral(x, tau), 2) / integral(x, 2 * tau);
  return sum;
}

double variance(double tau) { return (std::log(2.0) / sum_of_ratios(tau) - 1) / (tau * tau); }

TEST(ultraloglog_constants, are_those_of_the_least_variance) {
  const double tau = detail::ull_tau;
  EXPECT_NEAR(variance(tau), detail::ull_variance, 1e-13);
  // A parabola through three points has its least value where v has, up to its third derivative.
  const double h = 1e-3, low = variance(tau - h), middle = variance(tau), high = variance(tau + h);
  EXPECT_GT(low, middle);
  EXPECT_GT(high, middle);
  EXPECT_NEAR(h * (low - high) / (2 * (low - 2 * middle + high)), 0, 1e-5);
  EXPECT_NEAR(std::exp2(-tau), detail::ull_per_rank, 1e-15);
  for (unsigned x = 0; x < 4; ++x) {
    const double eta = std::log(2.0) * integral(x, tau) / integral(x, 2 * tau) / sum_of_ratios(tau);
    EXPECT_NEAR(eta, detail::ull_eta[x], 1e-12);
  }
  EXPECT_NEAR(std::sqrt(detail::ull_variance), 0.7822, 5e-5);
}

// --- hash4j -------------------------------------------------------------------------------------

struct reference {
  unsigned precision;
  std::uint64_t n;
  std::uint64_t state;    ///< a digest of its registers
  std::uint64_t at_four;  ///< and of them at precision 4
  double estimate;        ///< by its OPTIMAL_FGRA_ESTIMATOR, with a τ that is 2.4e-8 less
  double martingale;
};

// What hash4j (commit 41d814f) says of n hashes: those of the generator that begins at n.
constexpr reference references[] = {
    {4, 1, 0x4f5958e18u, 0x4f5958e18u, 1.0309258746639294, 1.0000000000000000},
    {4, 2, 0x34f0cce1cu, 0x34f0cce1cu, 1.9755393348981150, 2.0158730158730160},
    {4, 3, 0x687cdf7ab22d982cu, 0x687cdf7ab22d982cu, 3.1429177797805345, 3.0729084710201944},
    {4, 10, 0x700781c41ca3dff7u, 0x700781c41ca3dff7u, 9.4953390627589460, 10.182088640937446},
    {4, 100, 0x9b6ac8e1f8a37b58u, 0x9b6ac8e1f8a37b58u, 111.09029638679192, 112.87814638434148},
    {4, 10000, 0x47bc99cf96836469u, 0x47bc99cf96836469u, 11573.962328395064, 11433.518976086720},
    {4, 1000000, 0x588cc018d2677c1cu, 0x588cc018d2677c1cu, 1135801.6454325381, 1095435.8757500210},
    {12, 1, 0xeaf0481f99eef254u, 0x4f5958e18u, 0.99992910043332050, 1.0000000000000000},
    {12, 2, 0xa02373b547e8f980u, 0x34f0cce1cu, 1.9999790735434390, 2.0001220852154800},
    {12, 3, 0x5e009dd11bcde178u, 0x687cdf7ab22d982cu, 3.0000395203075674, 3.0003052242179830},
    {12, 10, 0xb7b35496901a0104u, 0x700781c41ca3dff7u, 10.005009744738768, 10.004198766043757},
    {12, 100, 0x65428b27a2af0c2cu, 0x9b6ac8e1f8a37b58u, 99.927182215554880, 99.483328522945330},
    {12, 10000, 0x21cfb254d8115089u, 0x47bc99cf96836469u, 10021.856853232532, 9943.2837824406300},
    {12, 1000000, 0x63589269852ea0afu, 0x588cc018d2677c1cu, 1002441.9759280209, 998827.83989079240},
    {15, 1, 0xf4ab098adae2c344u, 0x4f5958e18u, 1.0000139235915309, 1.0000000000000000},
    {15, 2, 0x7a0ebd18ccb0e8fcu, 0x34f0cce1cu, 2.0000812947156900, 2.0000171664323770},
    {15, 3, 0xd619fa665d5bc4b0u, 0x687cdf7ab22d982cu, 3.0000667095073843, 3.0000343328720300},
    {15, 10, 0x6ad1bfe239791ee8u, 0x700781c41ca3dff7u, 10.001055689100841, 10.000566765500027},
    {15, 100, 0xdb3c1b8b90f279dcu, 0x9b6ac8e1f8a37b58u, 100.11317533595954, 100.06319986592605},
    {15, 10000, 0xfc4fc9ed48ee594au, 0x47bc99cf96836469u, 10046.417879786590, 10036.843013822652},
    {15, 1000000, 0xd58f393c1d7689eau, 0x588cc018d2677c1cu, 1000565.4553387985, 1000577.5610858778},
};

std::uint64_t digest(const std::vector<std::uint8_t>& registers) {
  std::uint64_t sum = 0;
  for (const std::uint8_t value : registers) sum = 31 * sum + value;
  return sum;
}

TEST(ultraloglog_reference, states_and_estimates_are_those_of_hash4j) {
  for (const reference& r : references) {
    sketch s({.precision = r.precision});
    std::uint64_t state = r.n;
    std::vector<std::uint64_t> hashes(static_cast<std::size_t>(r.n));
    for (auto& hash : hashes) hash = split_mix(state);
    s.insert_hash_many(hashes);
    std::vector<std::uint8_t> registers(std::size_t{1} << r.precision), folded(16);
    s.copy_registers(r.precision, registers);
    s.copy_registers(4, folded);
    EXPECT_EQ(digest(registers), r.state) << r.precision << ' ' << r.n;
    EXPECT_EQ(digest(folded), r.at_four) << r.precision << ' ' << r.n;
    EXPECT_NEAR(s.estimate_from_state() / r.estimate, 1, 5e-8) << r.precision << ' ' << r.n;
    EXPECT_NEAR(s.estimate() / r.martingale, 1, 1e-12) << r.precision << ' ' << r.n;
    const auto back = sketch::from_registers(registers, {.precision = r.precision});
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, s);
  }
}

TEST(ultraloglog_reference, so_are_estimates_near_the_end_of_the_hashes) {
  constexpr double expected[] = {5.3991898494806620e+18, 8.5009506946946550e+18};
  for (const unsigned p : {4u, 10u}) {
    std::uint64_t state = 1;
    std::vector<std::uint8_t> registers(std::size_t{1} << p);
    for (std::size_t i = 0; i < registers.size(); ++i) {
      const std::uint64_t draw = split_mix(state);
      const unsigned less = i % 3 == 0 ? 0 : draw >> 32 & 7;
      const auto more = static_cast<unsigned>(draw & 3);
      registers[i] = static_cast<std::uint8_t>(detail::min_of(255u, 252 - less + more));
    }
    const auto s = sketch::from_registers(registers, {.precision = p});
    ASSERT_TRUE(s);
    EXPECT_NEAR(s->estimate() / expected[p == 10], 1, 5e-8);
  }
}

// --- registers and kernels ----------------------------------------------------------------------

/// All registers that some hashes give at `precision`.
std::vector<std::uint8_t> valid_registers(unsigned precision) {
  std::vector<std::uint8_t> all{0};
  for (unsigned place = precision - 1; place < 64; ++place) {
    for (unsigned x = 0; x < 4; ++x) {
      if (place == precision - 1 && x != 0) continue;
      if (place == precision && x % 2 != 0) continue;
      all.push_back(static_cast<std::uint8_t>(4 * place + x));
    }
  }
  return all;
}

TEST(ultraloglog_registers, are_sets_of_three_places) {
  for (const unsigned p : {4u, 5u, 12u, 26u}) {
    const auto all = valid_registers(p);
    std::size_t valid = 0;
    for (unsigned value = 0; value < 256; ++value) valid += detail::is_ull_register(value, p);
    EXPECT_EQ(valid, all.size());
    for (const std::uint8_t a : all) {
      EXPECT_TRUE(detail::is_ull_register(a, p));
      const std::uint64_t places = a == 0 ? 0 : detail::ull_places(a);
      EXPECT_EQ(detail::ull_certain(a), static_cast<unsigned>(std::popcount(places)));
      std::uint64_t weight = 0;
      for (unsigned place = p - 1; place < 64; ++place) {
        const std::uint8_t told = detail::ull_register(places | std::uint64_t{1} << place);
        EXPECT_EQ(detail::is_ull_news(a, place), told != a);
        if (told != a) weight += place == 63 ? 1 : std::uint64_t{1} << (62 - place);
      }
      EXPECT_EQ(detail::ull_weight(a, p), weight);
      for (const std::uint8_t b : all) {
        const std::uint64_t both = places | (b == 0 ? 0 : detail::ull_places(b));
        EXPECT_EQ(detail::ull_union(a, b), both == 0 ? 0 : detail::ull_register(both));
      }
    }
  }
}

TEST(ultraloglog_kernels, equal_the_definition) {
  for (const unsigned p : {4u, 6u, 11u}) {
    const auto valid = valid_registers(p);
    const std::size_t m = detail::max_of<std::size_t>(64, std::size_t{1} << p);
    std::uint64_t state = p;
    for (int round = 0; round < 40; ++round) {
      std::vector<std::uint8_t> a(m), b(m);
      for (std::size_t i = 0; i < std::size_t{1} << p; ++i) {
        const auto draw = [&](std::size_t n) {
          return static_cast<std::size_t>(split_mix(state) % n);
        };
        const std::size_t near = draw(valid.size());
        a[i] = valid[near];
        b[i] = valid[(near + draw(round % 2 == 0 ? 14 : valid.size())) % valid.size()];
      }
      std::vector<std::uint64_t> hashes(static_cast<std::size_t>(round) * 6);
      for (auto& hash : hashes) hash = split_mix(state) >> split_mix(state) % 60;
      auto united = a, inserted = a;
      for (std::size_t i = 0; i < m; ++i) united[i] = detail::ull_union(a[i], b[i]);
      detail::ull_stream expected;
      for (const auto hash : hashes) {
        detail::ull_insert(inserted.data(), p, detail::ull_update_of(hash, p), expected);
      }
      detail::for_each_isa([&](quoin::isa level) {
        const auto kernels = detail::ull_kernels_of(level);
        auto merged = a, filled = a;
        kernels.merge(merged.data(), b.data(), m);
        EXPECT_EQ(merged, united);
        detail::ull_stream stream;
        kernels.insert(filled.data(), p, hashes.data(), hashes.size(), stream);
        EXPECT_EQ(filled, inserted);
        EXPECT_EQ(stream.chance, expected.chance);
        EXPECT_NEAR(stream.count, expected.count, 1e-12 * expected.count);
      });
    }
  }
}

TEST(ultraloglog_estimate, has_no_gap_from_one_hash_to_the_last) {
  // Registers as hashes leave them, for counts from 1 to 2^62: the estimate
  // follows, through both ends of the ranks.
  EXPECT_EQ(detail::ull_estimate({{1024}}, 10), 0);
  detail::ull_histogram full;
  full.of[255] = 1024;
  EXPECT_EQ(detail::ull_estimate(full, 10), std::numeric_limits<double>::infinity());
  std::uint64_t state = 5;
  const unsigned p = 12;
  const double m = 4096;
  double before = 0;
  for (double n = 1; n < 0x1p63; n *= 4) {
    std::vector<std::uint8_t> registers(std::size_t{1} << p);
    for (auto& value : registers) {
      // Of each rank some hash came with probability 1 − e^(−n·(hashes of that rank) / 2^64).
      std::uint64_t places = 0;
      for (unsigned place = p - 1; place < 64; ++place) {
        const double chance = std::exp2(place == 63 ? -64 : -2.0 - place);
        if (static_cast<double>(split_mix(state)) * 0x1p-64 < -std::expm1(-n * chance)) {
          places |= std::uint64_t{1} << place;
        }
      }
      value = places == 0 ? std::uint8_t{0} : detail::ull_register(places);
    }
    const double estimate =
        detail::ull_estimate(detail::ull_count(registers.data(), registers.size()), p);
    EXPECT_GE(estimate, before);
    before = estimate;
    // Poisson: n has the standard deviation √n besides. A false alarm in 10^6 seeds for each count,
    // and this seed is fixed.
    const double error = std::sqrt(n + n * n * detail::ull_variance / m);
    EXPECT_NEAR(estimate, n, 4.9 * (n < 8 ? 3 : 1) * error) << n;
  }
}

}  // namespace
