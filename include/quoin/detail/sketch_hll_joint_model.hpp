// SPDX-License-Identifier: BSL-1.0
/// @file
/// What two HyperLogLog sketches of one precision say together about the keys in the left one alone,
/// in the right one alone and in both: the sufficient statistic and its likelihood.
///
/// The model: the keys of each of the three disjoint sets fall on a register as a Poisson process of
/// rate λ (keys / registers), and a register holds the greatest rank that fell on it. A stream of
/// rate λ leaves rank k out with probability e^(-λ·t), t = 2^-min(k, q), so that with
/// E = 1 - e^(-λ·t) one register pair (i, j) has the probability
///
///   i < j   P_left+both(i) · P_right(j)          P_λ(k) = e^(-λ·t)·E for 0 < k ≤ q,
///   i > j   P_left(i) · P_right+both(j)                   e^(-λ) at 0, E at q + 1
///   i = j   e^(-Λ·t) · Q,  Q = E_both + (1 - E_both)·E_left·E_right,  Λ the sum of the rates
///
/// (at k = 0 without Q, at k = q + 1 without e^(-Λ·t)). So five counts for each rank suffice.
/// Source: Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches",
/// arXiv:1702.01284, joint estimation. All terms of E and Q are positive: nothing cancels.
#ifndef QUOIN_DETAIL_SKETCH_HLL_JOINT_MODEL_HPP
#define QUOIN_DETAIL_SKETCH_HLL_JOINT_MODEL_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// One number for each of the three disjoint sets.
struct joint_vector {
  double of[3];
  double& operator[](unsigned i) noexcept { return of[i]; }
  const double& operator[](unsigned i) const noexcept { return of[i]; }
};
struct joint_matrix {
  joint_vector row[3];
  joint_vector& operator[](unsigned i) noexcept { return row[i]; }
  const joint_vector& operator[](unsigned i) const noexcept { return row[i]; }
};

enum joint_set : unsigned { in_left, in_right, in_both };  ///< indices of the two above

/// How many register pairs have, for one rank k, ... Real numbers: expectations fit in, too.
struct joint_counts_of_rank {
  double left_less = 0;   ///< left = k < right
  double left_more = 0;   ///< left = k > right
  double right_less = 0;  ///< right = k < left
  double right_more = 0;  ///< right = k > left
  double equal = 0;       ///< left = k = right
};

/// The sufficient statistic of two sketches.
struct joint_counts {
  unsigned q;  ///< ranks are 0 … q + 1
  double registers;
  joint_counts_of_rank rank[64];
};

/// How often each pair of ranks (i, j) occurs: cell 64·i + j. Two tables, filled in turn and added
/// up: increments of one cell would wait for each other, and in a sketch that is not full nearly all
/// pairs are (0, 0). Four tables would fill the first-level cache.
class joint_histogram {
 public:
  /// Counts two arrays of `registers` bytes below 64, a multiple of 8.
  joint_histogram(const std::uint8_t* left, const std::uint8_t* right,
                  std::size_t registers) noexcept {
    constexpr std::uint64_t low = 0x00ff00ff00ff00ffu;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < registers; i += 8) {
      const auto l = load_le<std::uint64_t>(left + i), r = load_le<std::uint64_t>(right + i);
      seen |= l | r;
      count(cells_[0], ((l & low) << 6) + (r & low));
      count(cells_[1], ((l >> 8 & low) << 6) + (r >> 8 & low));
    }
    for (unsigned shift = 32; shift >= 8; shift /= 2) seen |= seen >> shift;
    end_ = 1u << std::bit_width(seen & 0xff);
    for (unsigned i = 0; i < 64 * end_; ++i) cells_[0][i] += cells_[1][i];
  }

  /// All ranks are below: a power of two, at most 64.
  [[nodiscard]] unsigned end() const noexcept { return end_; }
  /// The cells (i, 0), (i, 1), …
  [[nodiscard]] const std::uint32_t* row(unsigned i) const noexcept { return cells_[0] + 64 * i; }

 private:
  QUOIN_ALWAYS_INLINE static void count(std::uint32_t* cells, std::uint64_t four) noexcept {
    ++cells[four & 0xffff];
    ++cells[four >> 16 & 0xffff];
    ++cells[four >> 32 & 0xffff];
    ++cells[four >> 48];
  }

  std::uint32_t cells_[2][64 * 64] = {};
  unsigned end_;
};

/// The statistic of two arrays of 2^precision registers, which are at most 65 - precision. For 2^14
/// registers about 8 µs, most of which are the increments.
[[nodiscard]] inline joint_counts count_register_pairs(const std::uint8_t* left,
                                                       const std::uint8_t* right,
                                                       unsigned precision) noexcept {
  const std::size_t registers = std::size_t{1} << precision;
  const joint_histogram pairs(left, right, registers);
  std::uint32_t right_less[64] = {}, right_more[64] = {};
  joint_counts counts{64 - precision, static_cast<double>(registers), {}};
  for (unsigned i = 0; i < pairs.end(); ++i) {
    const std::uint32_t* const row = pairs.row(i);
    std::uint32_t left_less = 0, left_more = 0;
    for (unsigned j = 0; j < i; ++j) {
      left_more += row[j];
      right_less[j] += row[j];
    }
    for (unsigned j = i + 1; j < pairs.end(); ++j) {
      left_less += row[j];
      right_more[j] += row[j];
    }
    counts.rank[i].left_less = left_less;
    counts.rank[i].left_more = left_more;
    counts.rank[i].equal = row[i];
  }
  for (unsigned k = 0; k < pairs.end(); ++k) {
    counts.rank[k].right_less = right_less[k];
    counts.rank[k].right_more = right_more[k];
  }
  return counts;
}

/// Calls `f(k, t, hit)` for each rank k = q + 1 … 0, with t as above and E of the three streams.
template <class F>
void for_each_rank(unsigned q, const joint_vector& rates, F f) noexcept {
  double t = 1 / static_cast<double>(std::uint64_t{1} << q);
  joint_vector hit;
  for (unsigned i = 0; i < 3; ++i) hit[i] = -__builtin_expm1(-rates[i] * t);
  f(q + 1, t, hit);
  for (unsigned k = q;; --k) {
    f(k, t, hit);
    if (k == 0) return;
    t *= 2;
    for (double& e : hit.of) e *= 2 - e;  // E(2y) = E(y)·(2 - E(y)): errors do not grow
  }
}

/// E of two streams together, in terms without cancellation.
[[nodiscard]] constexpr double hit_of_either(double e, double f) noexcept {
  return e + (1 - e) * f;
}

/// Q: that a rank is the greatest in both registers, given that none is greater in either.
[[nodiscard]] inline double hit_of_both(const joint_vector& hit) noexcept {
  return hit_of_either(hit[in_both], hit[in_left] * hit[in_right]);
}

/// Logarithm of the likelihood of `counts`: -∞ where a rate is 0 that cannot be.
[[nodiscard]] inline double log_likelihood(const joint_counts& counts,
                                           const joint_vector& rates) noexcept {
  const double left = rates[in_left] + rates[in_both];
  const double right = rates[in_right] + rates[in_both];
  const auto term = [](double n, double p) { return n == 0 ? 0.0 : n * __builtin_log(p); };
  double sum = 0;
  for_each_rank(counts.q, rates, [&](unsigned k, double t, const joint_vector& hit) {
    const joint_counts_of_rank& n = counts.rank[k];
    if (k <= counts.q) {
      sum -= t * (n.left_less * left + n.left_more * rates[in_left] + n.right_less * right +
                  n.right_more * rates[in_right] + n.equal * (left + rates[in_right]));
    }
    if (k > 0) {
      sum += term(n.left_less, hit_of_either(hit[in_left], hit[in_both])) +
             term(n.left_more, hit[in_left]) +
             term(n.right_less, hit_of_either(hit[in_right], hit[in_both])) +
             term(n.right_more, hit[in_right]) + term(n.equal, hit_of_both(hit));
    }
  });
  return sum;
}

/// First and negative second derivatives of a logarithm of a likelihood.
struct joint_slopes {
  joint_vector gradient{};
  joint_matrix information{};
};

/// Adds those of n·log E for the streams `sets` together.
template <std::size_t N>
void add_hit(joint_slopes& s, double n, double t, double e, const joint_set (&sets)[N]) noexcept {
  if (n == 0) return;
  const double score = t * (1 - e) / e;
  for (const joint_set i : sets) {
    s.gradient[i] += n * score;
    for (const joint_set j : sets) s.information[i][j] += n * score * (t + score);
  }
}

/// Adds those of n·log Q.
inline void add_hit_of_both(joint_slopes& s, double n, double t, const joint_vector& hit) noexcept {
  if (n == 0) return;
  const double q = hit_of_both(hit);
  const double a = hit[in_left], b = hit[in_right], without = (1 - hit[in_both]) / q;
  const joint_vector score{
      {t * without * (1 - a) * b, t * without * (1 - b) * a, t * without * (1 - a * b)}};
  for (unsigned i = 0; i < 3; ++i) {
    s.gradient[i] += n * score[i];
    for (unsigned j = 0; j < 3; ++j) s.information[i][j] += n * score[i] * score[j];
    s.information[i][i] += n * t * score[i];
  }
  const double left_right = -n * t * t * without * (1 - a) * (1 - b);
  const auto add = [&](joint_set i, joint_set j, double x) {
    s.information[i][j] += x;
    s.information[j][i] += x;
  };
  add(in_left, in_right, left_right);
  add(in_left, in_both, n * t * score[in_left]);
  add(in_right, in_both, n * t * score[in_right]);
}

/// The derivatives of `log_likelihood`, which must be finite there.
[[nodiscard]] inline joint_slopes slopes_of_log_likelihood(const joint_counts& counts,
                                                           const joint_vector& rates) noexcept {
  joint_slopes s;
  for_each_rank(counts.q, rates, [&](unsigned k, double t, const joint_vector& hit) {
    const joint_counts_of_rank& n = counts.rank[k];
    if (k <= counts.q) {
      s.gradient[in_left] -= t * (n.left_less + n.left_more + n.equal);
      s.gradient[in_right] -= t * (n.right_less + n.right_more + n.equal);
      s.gradient[in_both] -= t * (n.left_less + n.right_less + n.equal);
    }
    if (k > 0) {
      add_hit(s, n.left_less, t, hit_of_either(hit[in_left], hit[in_both]), {in_left, in_both});
      add_hit(s, n.left_more, t, hit[in_left], {in_left});
      add_hit(s, n.right_less, t, hit_of_either(hit[in_right], hit[in_both]), {in_right, in_both});
      add_hit(s, n.right_more, t, hit[in_right], {in_right});
      add_hit_of_both(s, n.equal, t, hit);
    }
  });
  return s;
}

/// What `rates` let expect of the counts. With them, `slopes_of_log_likelihood` gives Fisher's
/// (expected) information.
[[nodiscard]] inline joint_counts expected_counts(unsigned q, double registers,
                                                  const joint_vector& rates) noexcept {
  joint_counts counts{q, registers, {}};
  for_each_rank(q, rates, [&](unsigned k, double t, const joint_vector& hit) {
    static_cast<void>(t);
    const double a = hit[in_left], b = hit[in_right];
    const double left = hit_of_either(a, hit[in_both]), right = hit_of_either(b, hit[in_both]);
    const bool first = k == 0, last = k == q + 1;
    // That a stream has no rank above k, at least one of k, and at most k - 1.
    const auto none_above = [&](double e) { return last ? 1 : 1 - e; };
    const auto at = [&](double e) { return none_above(e) * (first ? 1 : e); };
    const auto below = [&](double e) { return first ? 0 : none_above(e) * (1 - e); };
    joint_counts_of_rank& n = counts.rank[k];
    n.left_less = registers * at(left) * (1 - none_above(b));
    n.left_more = registers * at(a) * below(right);
    n.right_less = registers * at(right) * (1 - none_above(a));
    n.right_more = registers * at(b) * below(left);
    n.equal = registers * none_above(a) * none_above(right) * (first ? 1 : hit_of_both(hit));
  });
  return counts;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
