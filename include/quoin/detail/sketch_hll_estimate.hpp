// SPDX-License-Identifier: BSL-1.0
/// @file
/// How many distinct hashes a HyperLogLog has seen: Ertl's improved raw estimator.
///
/// Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches" (arXiv:1702.01284),
/// algorithm 6. One formula from the first hash to the saturation of the hash itself, without bias
/// tables and without a switch between ranges:
///
///     n = m² / (2 ln 2) / (m·σ(C₀/m) + Σ_{k=1}^{q} C_k·2^−k + m·τ(1 − C_{q+1}/m)·2^−q)
///
/// for m registers, C_k of which hold k ∈ [0, q + 1]. Only C₀, C_{q+1} and the sum are needed, no
/// histogram. Relative standard error √(3 ln 2 − 1) / √m = 1.04 / √m.
#ifndef QUOIN_DETAIL_SKETCH_HLL_ESTIMATE_HPP
#define QUOIN_DETAIL_SKETCH_HLL_ESTIMATE_HPP

#include <quoin/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

/// 1 / (2 ln 2), the limit of HyperLogLog's α_m.
inline constexpr double hll_alpha = 0.721347520444481703680;

/// σ(x) = x + Σ_{k≥1} x^(2^k)·2^(k−1) for x ∈ [0, 1]: what the registers still zero stand for.
/// Infinite at 1. O(log m) steps.
[[nodiscard]] inline double hll_sigma(double x) noexcept {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double power = 1, sum = x, before = 0;
  do {
    x *= x;
    before = sum;
    sum += x * power;
    power += power;
  } while (before != sum);
  return sum;
}

/// τ(x) = (1 − x − Σ_{k≥1} (1 − x^(2^−k))²·2^−k) / 3 for x ∈ [0, 1]: what saturated registers stand
/// for. 0 at both ends.
[[nodiscard]] inline double hll_tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double power = 1, sum = 1 - x, before = 0;
  do {
    x = __builtin_sqrt(x);
    before = sum;
    power *= 0.5;
    sum -= (1 - x) * (1 - x) * power;
  } while (before != sum);
  return sum / 3;
}

/// The estimate from `registers` (m), how many of them are 0 (C₀), how many are saturated (C_{q+1},
/// the value that means "more than q leading zeros"), and `between`: the sum of 2^−r over the
/// registers 1 ≤ r ≤ q. Infinite when all are saturated.
[[nodiscard]] inline double hll_estimate(double registers, double zeros, double saturated,
                                         double between, unsigned q) noexcept {
  if (zeros == registers) return 0;
  double z = between + registers * hll_sigma(zeros / registers);
  if (saturated != 0) {
    const double scale = 1 / static_cast<double>(std::uint64_t{1} << q);
    z += registers * hll_tau((registers - saturated) / registers) * scale;
  }
  return hll_alpha * registers * registers / z;
}

/// The same from the histogram: `histogram[k]` registers hold k, for k = 0 … q + 1. The operations
/// are those of Redis' `hllCount` in its order, so that the result has the same bits (where
/// `double` is evaluated as such); Redis rounds it to an integer with `llround`.
template <class Count>
[[nodiscard]] double hll_estimate(std::span<const Count> histogram) noexcept {
  const std::size_t q = histogram.size() - 2;
  double m = 0;  // a sum of integers: exact
  for (const Count count : histogram) m += static_cast<double>(count);
  double z = m * hll_tau((m - static_cast<double>(histogram[q + 1])) / m);
  for (std::size_t k = q; k >= 1; --k) {
    z += static_cast<double>(histogram[k]);
    z *= 0.5;
  }
  z += m * hll_sigma(static_cast<double>(histogram[0]) / m);
  return hll_alpha * m * m / z;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
