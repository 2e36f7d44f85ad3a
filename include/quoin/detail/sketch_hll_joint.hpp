// SPDX-License-Identifier: BSL-1.0
/// @file
/// The maximum of the likelihood of detail/sketch_hll_joint_model.hpp, and how far to trust it.
///
/// Newton's method on the logarithms of the rates, from the estimates of inclusion and exclusion; by
/// Fisher's scoring where the likelihood is not concave; each step shortened until it gains. A rate
/// whose best value is 0 (no key in both, equal sets) is put there and left out of the steps, since
/// its logarithm would never arrive.
///
/// Errors: the inverse of Fisher's information is the variance of an estimate of the *rates*. The
/// number of keys itself scatters about its rate as a Poisson variable, so the variance of an
/// estimate of the number of keys is that much less. Without the difference, the error of 100 keys
/// in 16384 registers would be given as ±10 keys; it is ±0.6.
#ifndef QUOIN_DETAIL_SKETCH_HLL_JOINT_HPP
#define QUOIN_DETAIL_SKETCH_HLL_JOINT_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/sketch_hll_estimate.hpp>
#include <quoin/detail/sketch_hll_joint_model.hpp>

namespace quoin::inline QUOIN_ABI::detail {

/// Replaces the lower half of a symmetric matrix by L with L·Lᵀ = M; false if it is not positive
/// definite, or so barely that rounding decides.
[[nodiscard]] inline bool factor(joint_matrix& m) noexcept {
  for (unsigned j = 0; j < 3; ++j) {
    double pivot = m[j][j];
    for (unsigned k = 0; k < j; ++k) pivot -= m[j][k] * m[j][k];
    if (!(pivot > 1e-13 * m[j][j])) return false;
    m[j][j] = __builtin_sqrt(pivot);
    for (unsigned i = j + 1; i < 3; ++i) {
      for (unsigned k = 0; k < j; ++k) m[i][j] -= m[i][k] * m[j][k];
      m[i][j] /= m[j][j];
    }
  }
  return true;
}

/// The solution x of L·Lᵀ·x = b.
[[nodiscard]] inline joint_vector solve(const joint_matrix& l, joint_vector b) noexcept {
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned k = 0; k < i; ++k) b[i] -= l[i][k] * b[k];
    b[i] /= l[i][i];
  }
  for (unsigned i = 3; i-- > 0;) {
    for (unsigned k = i + 1; k < 3; ++k) b[i] -= l[k][i] * b[k];
    b[i] /= l[i][i];
  }
  return b;
}

/// An information about the rates as one about their logarithms; 1 for those that stay.
[[nodiscard]] inline joint_matrix in_logarithms(const joint_matrix& information,
                                                const joint_vector& rates,
                                                const bool (&stays)[3]) noexcept {
  joint_matrix m;
  for (unsigned i = 0; i < 3; ++i) {
    for (unsigned j = 0; j < 3; ++j) {
      const bool left_out = stays[i] || stays[j];
      m[i][j] = left_out ? (i == j) : information[i][j] * rates[i] * rates[j];
    }
  }
  return m;
}

/// Fisher's information about the rates.
[[nodiscard]] inline joint_matrix expected_information(const joint_counts& counts,
                                                       const joint_vector& rates) noexcept {
  const joint_counts expected = expected_counts(counts.q, counts.registers, rates);
  return slopes_of_log_likelihood(expected, rates).information;
}

/// The search for the rates of greatest likelihood.
class joint_search {
 public:
  /// From `start`, each > 0; a rate that is `absent` is 0.
  joint_search(const joint_counts& counts, const joint_vector& start,
               const bool (&absent)[3]) noexcept
      : counts_(counts), most_(0x1p64 / counts.registers), rates_(start) {
    for (unsigned i = 0; i < 3; ++i) {
      at_zero_[i] = keep_[i] = absent[i];
      rates_[i] = absent[i] ? 0 : min_of(start[i], most_);
    }
    likelihood_ = log_likelihood(counts_, rates_);
    while (steps_ < most_steps && (improve() || leave_zero())) ++steps_;
  }

  /// Keys / registers, in [0, 2^64 / registers].
  [[nodiscard]] const joint_vector& rates() const noexcept { return rates_; }
  [[nodiscard]] bool at_zero(unsigned i) const noexcept { return at_zero_[i]; }
  [[nodiscard]] unsigned steps() const noexcept { return steps_; }

  static constexpr unsigned most_steps = 100;  ///< about 8 are taken as a rule

 private:
  /// One step; false if there is no better place, to within a 10^-10 of each rate.
  bool improve() noexcept {
    const joint_slopes s = slopes_of_log_likelihood(counts_, rates_);
    joint_vector step = step_for(s);
    double greatest = 0;
    for (const double d : step.of) greatest = max_of(greatest, __builtin_fabs(d));
    if (!(greatest > 1e-10)) return false;
    for (unsigned i = 0; i < 3; ++i) {
      if (step[i] < -0.5 && put_to_zero(i)) return true;
    }
    if (greatest > 2) {  // a factor of e^2 at most
      for (double& d : step.of) d *= 2 / greatest;
    }
    double gain = 0;
    for (unsigned i = 0; i < 3; ++i) gain += s.gradient[i] * rates_[i] * step[i];
    return go(step, gain);
  }

  /// The step for the logarithms of the rates; 0 for those that stay.
  [[nodiscard]] joint_vector step_for(const joint_slopes& s) const noexcept {
    joint_vector gradient{};
    bool stays[3];
    for (unsigned i = 0; i < 3; ++i) {
      stays[i] = at_zero_[i] || (rates_[i] >= most_ && s.gradient[i] > 0);
      if (!stays[i]) gradient[i] = rates_[i] * s.gradient[i];
    }
    joint_matrix m = in_logarithms(s.information, rates_, stays);
    for (unsigned i = 0; i < 3; ++i) m[i][i] -= gradient[i];
    if (factor(m)) return solve(m, gradient);
    m = in_logarithms(expected_information(counts_, rates_), rates_, stays);
    // Where only a sum of rates is known (every key is in a full sketch), the matrix is singular.
    for (unsigned i = 0; i < 3; ++i) m[i][i] *= 1 + 1e-6;
    return factor(m) ? solve(m, gradient) : joint_vector{};
  }

  /// Goes along `step`, half as far until the likelihood grows in proportion to `gain`, the growth
  /// that the slope promises. A gain that rounding would hide is taken on trust.
  bool go(const joint_vector& step, double gain) noexcept {
    double part = 1;
    for (unsigned tries = 0; tries < 40; ++tries, part /= 2) {
      joint_vector there = rates_;
      for (unsigned i = 0; i < 3; ++i) {
        if (step[i] != 0) there[i] = min_of(most_, there[i] * __builtin_exp(part * step[i]));
      }
      const double likelihood = log_likelihood(counts_, there);
      if (!(likelihood >= likelihood_ + 1e-4 * part * gain) && !(gain < 1e-6)) continue;
      rates_ = there;
      likelihood_ = likelihood;
      return true;
    }
    return false;
  }

  /// Puts rate `i` to 0 if that is better than where it is and no greater value near 0 is.
  bool put_to_zero(unsigned i) noexcept {
    if (keep_[i]) return false;
    joint_vector there = rates_;
    there[i] = 0;
    const double likelihood = log_likelihood(counts_, there);
    if (!(likelihood >= likelihood_)) return false;
    if (slopes_of_log_likelihood(counts_, there).gradient[i] > 0) return false;
    rates_ = there;
    likelihood_ = likelihood;
    return at_zero_[i] = true;
  }

  /// Sets out again with a rate that was put to 0 and should not stay there now that the others have
  /// moved; once for each.
  bool leave_zero() noexcept {
    const joint_slopes s = slopes_of_log_likelihood(counts_, rates_);
    for (unsigned i = 0; i < 3; ++i) {
      if (keep_[i] || !at_zero_[i]) continue;
      if (!(s.gradient[i] > 1e-9 * counts_.registers)) continue;
      keep_[i] = true;
      at_zero_[i] = false;
      rates_[i] = 1 / counts_.registers;  // one key
      likelihood_ = log_likelihood(counts_, rates_);
      return true;
    }
    return false;
  }

  const joint_counts& counts_;
  double most_;
  joint_vector rates_;
  double likelihood_;
  bool at_zero_[3];
  bool keep_[3];  ///< not to be put to 0 (again), or absent
  unsigned steps_ = 0;
};

/// The rate of one sketch, `values(n)` of whose registers have each rank, or of a union: Ertl's
/// estimate, at most all hashes there are.
template <class Values>
[[nodiscard]] double rate_of_one(const joint_counts& counts, Values values) noexcept {
  const unsigned q = counts.q;
  double between = 0, t = 1;
  for (unsigned k = 1; k <= q; ++k) between += (t /= 2) * values(counts.rank[k]);
  const double keys = hll_estimate(counts.registers, values(counts.rank[0]),
                                   values(counts.rank[q + 1]), between, q);
  return min_of(keys, 0x1p64) / counts.registers;
}

/// Where the search sets out: inclusion and exclusion of the three rates. Nothing is in common with
/// an empty sketch, and two full ones, which have nothing more to tell, are taken as equal.
struct joint_start {
  joint_vector rates;
  bool absent[3];
};

[[nodiscard]] inline joint_start start_of_joint(const joint_counts& counts) noexcept {
  using rank = joint_counts_of_rank;
  const double left =
      rate_of_one(counts, [](const rank& n) { return n.left_less + n.left_more + n.equal; });
  const double right =
      rate_of_one(counts, [](const rank& n) { return n.right_less + n.right_more + n.equal; });
  const double all =
      rate_of_one(counts, [](const rank& n) { return n.left_more + n.right_more + n.equal; });
  const bool full = counts.rank[counts.q + 1].equal == counts.registers;
  const double least = all / counts.registers;  // below what inclusion and exclusion can see
  return {
      {{max_of(least, all - right), max_of(least, all - left), max_of(least, left + right - all)}},
      {left == 0 || full, right == 0 || full, left == 0 || right == 0}};
}

/// Estimated numbers of keys.
struct joint_fit {
  joint_vector keys;
  joint_matrix covariance;  ///< of keys; see `error_at_zero` for one that is 0
  unsigned steps;
};

/// How many keys there may be of a set that has 0 in the estimate: with that many the likelihood is
/// down by half a unit, as it is one standard error from a maximum inside. `slope` and `curvature` of
/// its logarithm are those at 0, for a key; 1 + slope is the likelihood of one key more to that of
/// none, so that n keys, rather than a rate of n, cost n·log(1 + slope).
[[nodiscard]] inline double error_at_zero(double slope, double curvature) noexcept {
  if (!(slope > -1)) return 0;
  const double cost = max_of(0.0, -__builtin_log1p(slope));
  const double bend = max_of(0.0, curvature);
  const double divisor = cost + __builtin_sqrt(cost * cost + bend);
  return divisor > 0 ? 1 / divisor : 0;
}

/// The variances of the keys about `rates`, as the file comment has them.
[[nodiscard]] inline joint_matrix covariance_of_keys(const joint_counts& counts,
                                                     const joint_search& found,
                                                     const bool (&absent)[3]) noexcept {
  const joint_vector& rates = found.rates();
  const double registers = counts.registers;
  const bool stays[3] = {found.at_zero(0), found.at_zero(1), found.at_zero(2)};
  joint_matrix covariance{};

  joint_matrix l = in_logarithms(expected_information(counts, rates), rates, stays);
  if (factor(l)) {
    for (unsigned j = 0; j < 3; ++j) {
      joint_vector unit{};
      unit[j] = 1;
      const joint_vector column = solve(l, unit);
      for (unsigned i = 0; i < 3; ++i) {
        covariance[i][j] = registers * rates[i] * registers * rates[j] * column[i];
      }
      covariance[j][j] = max_of(0.0, covariance[j][j] - registers * rates[j]);
    }
  }

  const joint_slopes s = slopes_of_log_likelihood(counts, rates);
  l = in_logarithms(s.information, rates, stays);
  const bool concave = factor(l);
  for (unsigned i = 0; i < 3; ++i) {
    if (!stays[i] || absent[i]) continue;
    double curvature = s.information[i][i];
    joint_vector moved{};  // how the others follow when this one leaves 0
    if (concave) {
      joint_vector cross{};
      for (unsigned j = 0; j < 3; ++j) cross[j] = stays[j] ? 0 : s.information[i][j] * rates[j];
      moved = solve(l, cross);
      for (unsigned j = 0; j < 3; ++j) curvature -= cross[j] * moved[j];
      for (unsigned j = 0; j < 3; ++j) moved[j] *= -rates[j];
    }
    moved[i] = 1;
    const double error =
        error_at_zero(s.gradient[i] / registers, curvature / (registers * registers));
    for (unsigned j = 0; j < 3; ++j) {
      for (unsigned k = 0; k < 3; ++k) covariance[j][k] += error * error * moved[j] * moved[k];
    }
  }
  return covariance;
}

/// The estimate of greatest likelihood. Deterministic; about 15 µs.
[[nodiscard]] inline joint_fit fit_joint(const joint_counts& counts) noexcept {
  const joint_start start = start_of_joint(counts);
  const joint_search found(counts, start.rates, start.absent);
  joint_fit fit{found.rates(), covariance_of_keys(counts, found, start.absent), found.steps()};
  const double all = found.rates()[0] + found.rates()[1] + found.rates()[2];
  const double keys = min_of(counts.registers, 0x1p64 / max_of(all, 1.0));
  for (double& x : fit.keys.of) x *= keys;
  return fit;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
