// SPDX-License-Identifier: BSL-1.0
/// @file
/// The exact false-positive rate of the blocked Bloom filter, and the sizes that follow from it.
///
/// A foreign key needs its k bits Q all set by the keys of its line. By inclusion and exclusion
/// over the bits S ⊆ Q that stay unset,
///
///     P(j keys cover Q) = Σ_S (−1)^|S| · a_S^j,   a_S = mean over lanes r of (1 − 1/w)^|S ∩ W_r|,
///
/// where W_r are the k lanes from r on and w is the width of a lane: a_S is the chance that one key
/// leaves S alone. The number of keys in a line is binomial, so the sum over j closes:
///
///     P(false positive) = Σ_S (−1)^|S| · (1 − (1 − a_S) / lines)^keys.
///
/// Many subsets share one a_S: at most 215 terms remain for any k.
#ifndef QUOIN_DETAIL_FILTER_LINE_MODEL_HPP
#define QUOIN_DETAIL_FILTER_LINE_MODEL_HPP

#include <quoin/detail/filter_line.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// The sum above for one k. Construction takes O(2^k · 16) steps, about 2 ms for k = 16.
class line_model {
 public:
  explicit line_model(unsigned k) {
    const unsigned lanes = line_lanes(k);
    std::array<double, max_line_hashes + 1> untouched{1};  // (1 - 1/w)^i
    for (unsigned i = 1; i <= k; ++i) untouched[i] = untouched[i - 1] * (1 - lanes / 512.0);
    const std::uint32_t all = (1u << lanes) - 1;
    const std::uint32_t window = (1u << k) - 1;
    for (std::uint32_t subset = 0; subset <= window; ++subset) {
      double sum = 0;
      for (unsigned r = 0; r < lanes; ++r) {
        const std::uint32_t shifted = (window << r | window >> (lanes - r)) & all;
        sum += untouched[static_cast<unsigned>(std::popcount(shifted & subset))];
      }
      add(1 - sum / lanes, std::popcount(subset) % 2 == 0 ? 1.0 : -1.0);
    }
  }

  /// False-positive rate with `keys` distinct keys in `lines` lines; absolute error about 1e-14.
  [[nodiscard]] double rate(double keys, double lines) const noexcept {
    double sum = 0;
    for (const term& t : terms_) {
      // lines = 1 and touched = 1 give log(0) = -inf: every key touches every bit of the subset.
      sum +=
          t.coefficient * __builtin_exp(keys == 0 ? 0 : keys * __builtin_log1p(-t.touched / lines));
    }
    return clamp_to_rate(sum);
  }

  /// The same per line, as the number of lines grows: `load` keys per line on average.
  [[nodiscard]] double rate_of_load(double load) const noexcept {
    double sum = 0;
    for (const term& t : terms_) sum += t.coefficient * __builtin_exp(-load * t.touched);
    return clamp_to_rate(sum);
  }

 private:
  struct term {
    double touched;  ///< 1 − a_S
    double coefficient;
  };

  /// Adds to the term with this `touched`, in sorted order.
  void add(double touched, double coefficient) {
    constexpr double same = 1e-12;  // far below the least difference, far above rounding
    std::size_t low = 0, high = terms_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (terms_[middle].touched < touched - same) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == terms_.size() || terms_[low].touched > touched + same) {
      terms_.insert(terms_.begin() + static_cast<std::ptrdiff_t>(low), {touched, 0});
    }
    terms_[low].coefficient += coefficient;
  }

  [[nodiscard]] static double clamp_to_rate(double x) noexcept { return x < 0 ? 0 : x > 1 ? 1 : x; }

  std::vector<term> terms_;
};

/// Up to `bits_per_key`, `k` bits per key give the fewest false positives, namely `rate` there.
struct line_density {
  unsigned k;
  double bits_per_key;
  double rate;
};

/// From `line_model`, which the tests hold it to. k = 9 is never best: 16 lanes begin to pay at 10.
inline constexpr std::array<line_density, 15> line_densities{{
    {1, 2.10, 3.78855e-1},
    {2, 3.60, 1.83118e-1},
    {3, 5.09, 9.04244e-2},
    {4, 6.61, 4.45230e-2},
    {5, 8.32, 2.04322e-2},
    {6, 10.21, 8.92057e-3},
    {7, 12.24, 3.81360e-3},
    {8, 15.78, 9.80859e-4},
    {10, 17.53, 5.08207e-4},
    {11, 20.59, 1.70668e-4},
    {12, 24.22, 5.20714e-5},
    {13, 28.45, 1.48698e-5},
    {14, 33.24, 4.15189e-6},
    {15, 38.48, 1.18788e-6},
    {16, 64.00, 1.33118e-8},
}};

/// The best k at `bits_per_key`.
[[nodiscard]] constexpr unsigned best_line_hashes(double bits_per_key) noexcept {
  for (const line_density& d : line_densities) {
    if (bits_per_key <= d.bits_per_key) return d.k;
  }
  return max_line_hashes;
}

/// The least density that reaches `rate`, or 0 when 64 bits per key do not. With `k` = 0 the best k
/// is taken.
[[nodiscard]] inline double line_bits_per_key(double rate, unsigned k) {
  if (k == 0) {
    for (const line_density& d : line_densities) {
      if (k == 0 && d.rate <= rate) k = d.k;
    }
    if (k == 0) return 0;
  }
  const line_model model(k);
  double low = 0, high = 64;
  if (model.rate_of_load(line_bits / high) > rate) return 0;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (model.rate_of_load(line_bits / middle) > rate ? low : high) = middle;
  }
  return high;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
