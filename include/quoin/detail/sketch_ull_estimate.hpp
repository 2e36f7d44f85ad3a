// SPDX-License-Identifier: BSL-1.0
/// @file
/// How many distinct hashes an UltraLogLog has seen, from its registers alone: the optimal estimator
/// of the "further generalized remaining area" kind.
///
/// Ertl 2023, "UltraLogLog" (arXiv:2308.16862), section 3.5. Each register adds 2^(−τ·rank)·η_x to a
/// sum S, x being what it knows of the two ranks below its highest; then
///
///     n = m·(m / S)^(1/τ) / (1 + (1 + τ)·v / 2m)
///
/// with relative standard error √(v / m). A register of rank r and of n/m = λ hashes has with
/// y = λ·2^−r and the probability p_x(y) = e^−y·(1 − e^−y)·(e^−2y or 1 − e^−2y)·(e^−4y or 1 − e^−4y)
/// the highest rank r and the bits x, so that with A_x(s) = ∫ y^(s−1)·p_x(y) dy
///
///     η_x = ln 2 · A_x(τ)/A_x(2τ) / Σ A_x(τ)²/A_x(2τ),   v = (ln 2 / Σ A_x(τ)²/A_x(2τ) − 1) / τ²,
///
/// and τ is where v is least (tests/sketch/ultraloglog_estimate_test.cpp derives them all).
///
/// This takes ranks to be without limit. Where they are not, with few hashes or with about 2^64, the
/// register counts for what it would be on average if they went on, given what it is: ranks 0, −1, …
/// with probabilities that go on doubling, and 65 − precision, … that go on halving. The λ needed for
/// that is the likeliest one for the registers concerned.
#ifndef QUOIN_DETAIL_SKETCH_ULL_ESTIMATE_HPP
#define QUOIN_DETAIL_SKETCH_ULL_ESTIMATE_HPP

#include <quoin/detail/sketch_ull_registers.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr double ull_tau = 0.8194911610847060149;
inline constexpr double ull_per_rank = 0.5666417621041758124;  ///< 2^−τ
inline constexpr double ull_variance = 0.6118931496978436689;  ///< v
inline constexpr double ull_eta[4] = {4.663135584295240486, 2.137850249813715068,
                                      2.781144721869759893, 0.982408249269999493};

/// How many registers have each value.
struct ull_histogram {
  std::uint32_t of[256] = {};
};

/// Four counters of each value, so that equal registers in a row do not wait for one another.
[[nodiscard]] inline ull_histogram ull_count(const std::uint8_t* registers,
                                             std::size_t n) noexcept {
  ull_histogram counts[4];
  for (std::size_t i = 0; i < n; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) ++counts[k].of[registers[i + k]];
  }
  for (std::size_t value = 0; value < 256; ++value) {
    counts[0].of[value] += counts[1].of[value] + counts[2].of[value] + counts[3].of[value];
  }
  return counts[0];
}

/// The mean of η_x when the rank next to the highest is unknown with the probability `next`, and
/// the one after with `second`.
[[nodiscard]] inline double ull_mean_eta(double next, double second) noexcept {
  return next * (second * ull_eta[0] + (1 - second) * ull_eta[1]) +
         (1 - next) * (second * ull_eta[2] + (1 - second) * ull_eta[3]);
}

/// The y ∈ [0, 1] that makes y^a·(1 − y)^b·(1 + y)^c largest.
[[nodiscard]] inline double ull_likeliest(double a, double b, double c) noexcept {
  const double all = a + b + c;
  return (c - b + __builtin_sqrt((c - b) * (c - b) + 4 * a * all)) / (2 * all);
}

/// What a register without a hash counts for, when rank 0 would be missing with probability `z` < 1.
/// About log2(m) steps.
[[nodiscard]] inline double ull_below(double z) noexcept {
  double missing = 1;  // of all ranks from that of the step up: z^(2^j − 1)
  double sum = 0, before = -1;
  int step = 0;
  for (double scale = 1; step < 256 && sum != before; scale /= ull_per_rank, ++step) {
    const double next = z * z;
    before = sum;
    sum += scale * missing * (1 - z) * ull_mean_eta(next, next * next);
    missing *= z;
    z = next;
  }
  return sum;
}

/// The sum over the registers of rank 0, 1 and 2.
[[nodiscard]] inline double ull_sum_low(const ull_histogram& counts, unsigned precision) noexcept {
  const double zero = counts.of[0], one = counts.of[4 * precision - 4],
               two = counts.of[4 * precision], both = counts.of[4 * precision + 2];
  const double others = static_cast<double>(std::uint64_t{1} << precision) - zero;
  if (zero + one + two + both == 0) return 0;
  // y = e^(−λ/4) is the probability that a register has no rank above 2.
  double z = ull_likeliest(4 * zero + 2 * one + 3 * two + both, others + both, one + both);
  z *= z;
  z *= z;
  double sum = 0;
  if (zero != 0) sum += zero * ull_below(z);
  sum += one * ull_per_rank * ull_mean_eta(z, z * z);
  sum += ull_per_rank * ull_per_rank * (two * ull_mean_eta(1, z) + both * ull_mean_eta(0, z));
  return sum;
}

/// The sum over the registers of the highest rank there is, in units of 2^(−τ·rank): negative when
/// all are saturated.
[[nodiscard]] inline double ull_sum_high(const ull_histogram& counts, unsigned precision) noexcept {
  const double c[4] = {static_cast<double>(counts.of[252]), static_cast<double>(counts.of[253]),
                       static_cast<double>(counts.of[254]), static_cast<double>(counts.of[255])};
  const double all = c[0] + c[1] + c[2] + c[3];
  if (all == 0) return 0;
  const double others = static_cast<double>(std::uint64_t{1} << precision) - all;
  // y is the probability that a register has not the highest rank, and also that it has not the
  // next, which is as likely; the one after is missing with y².
  const double y = ull_likeliest(others + c[0] + c[1] + 2 * (c[0] + c[2]),
                                 all + c[2] + c[3] + c[1] + c[3], c[1] + c[3]);
  if (y == 0) return -1;
  // The highest rank stands for ranks that go on: `missing` is the probability that the rank of the
  // step is missing, and also that all above it are; `seen` = 1 − missing without cancellation.
  double missing = __builtin_sqrt(y), seen = (1 - y) / (1 + missing);
  const double first = missing * seen, after_first = missing;
  missing = __builtin_sqrt(missing);
  seen /= 1 + missing;
  const double second = ull_per_rank * missing * seen;
  double later = 0, before = -1, scale = ull_per_rank;
  double next = missing, after_next = after_first;  // missing, of the two ranks below
  for (int step = 0; step < 256 && later != before;
       ++step) {  // never equal where registers are wider
    scale *= ull_per_rank;
    missing = __builtin_sqrt(missing);
    seen /= 1 + missing;
    before = later;
    later += scale * missing * seen * ull_mean_eta(next, after_next);
    after_next = next;
    next = missing;
  }
  double sum = 0;
  for (unsigned x = 0; x < 4; ++x) {
    const double has_next = x / 2;
    sum += c[x] * (first * ull_eta[x] + second * ull_mean_eta(after_first, 1 - has_next) + later);
  }
  return sum / (1 - y);
}

/// The estimate. Infinite when all registers are saturated. O(1): less than a microsecond.
[[nodiscard]] inline double ull_estimate(const ull_histogram& counts, unsigned precision) noexcept {
  const auto m = static_cast<double>(std::uint64_t{1} << precision);
  if (counts.of[0] == m) return 0;
  double sum = ull_sum_high(counts, precision);
  if (sum < 0) return std::numeric_limits<double>::infinity();
  for (unsigned place = 62; place > precision; --place) {  // Horner's rule in 2^−τ
    sum *= ull_per_rank;
    for (unsigned x = 0; x < 4; ++x) sum += counts.of[4 * place + x] * ull_eta[x];
  }
  sum = sum * (ull_per_rank * ull_per_rank * ull_per_rank) + ull_sum_low(counts, precision);
  return m * __builtin_pow(m / sum, 1 / ull_tau) / (1 + (1 + ull_tau) * ull_variance / (2 * m));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
