// SPDX-License-Identifier: BSL-1.0
/// @file
/// The error of a count-min sketch, and the shape that a promise of error asks for.
///
/// With weights summing to N in rows of w counters, each row's excess (what other keys add to a
/// key's counter) has the mean N / w at most. Let t = τ · N / w and let q be the chance that the
/// excess is above t in every row that the key has in one cache line.
///
/// - One row to a line: q ≤ 1 / τ (Markov), as in the classic sketch.
/// - Two rows of h counters each: given the other keys in the line, with weights w_j, the rows are
///   independent, and in each the excess is above t with a chance of at most
///   E min(1, excess / t) ≤ Y / h, where Y = Σ min(1, w_j / t). So q ≤ E Y² / h². As each key is in
///   the line with the chance h / w, the mean of Y is μ ≤ h / τ and its variance at most μ:
///   q ≤ (μ² + μ) / h² ≤ 1 / τ² + 1 / (hτ).
///
/// Lines are independent, so the chance of an excess above t in all rows is q to the number of
/// lines. Conservative update only lowers counters: the same bounds hold, far from reached.
#ifndef QUOIN_DETAIL_SKETCH_CMS_PLAN_HPP
#define QUOIN_DETAIL_SKETCH_CMS_PLAN_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/sketch_cms_cells.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace quoin::inline QUOIN_ABI::detail {

/// The error of rows in some layout: how rows share lines.
struct cms_model {
  double columns;      ///< of a row in a line that it shares with another, or 0 when none is shared
  unsigned lines;      ///< lines that a key touches
  std::uint64_t unit;  ///< what widths are multiples of

  template <class Layout, class Counter>
  [[nodiscard]] static constexpr cms_model of(unsigned depth) noexcept {
    const unsigned together = Layout::rows_per_line(depth);
    const std::uint64_t unit = Layout::template width_unit<Counter>(depth);
    return {together == 2 ? static_cast<double>(unit) : 0, depth / together, unit};
  }

  /// The chance that the excess is above τ · N / w in all rows, at most.
  [[nodiscard]] double tail(double tau) const noexcept {
    if (!(tau > 0)) return 1;
    const double q = columns == 0 ? 1 / tau : 1 / (tau * tau) + 1 / (columns * tau);
    return q >= 1 ? 1 : __builtin_pow(q, lines);
  }

  /// The least τ whose `tail` is `delta`, in (0, 1).
  [[nodiscard]] double tau(double delta) const noexcept {
    const double q = __builtin_pow(delta, 1.0 / lines);
    if (columns == 0) return 1 / q;
    const double a = 1 / columns;
    return (a + __builtin_sqrt(a * a + 4 * q)) / (2 * q);
  }

  /// The least width whose excess is above ε · N with a chance of at most `delta`.
  [[nodiscard]] double width(double epsilon, double delta) const noexcept {
    return __builtin_ceil(tau(delta) / epsilon / static_cast<double>(unit)) *
           static_cast<double>(unit);
  }
};

struct cms_shape {
  std::uint64_t width;
  unsigned depth;
};

inline constexpr std::uint64_t max_cms_width = std::uint64_t{1} << 56;

/// The depth for ε and δ: of the depths without a line wasted, the least whose table is within an
/// eighth of the smallest. Each line costs time.
template <class Layout, class Counter>
[[nodiscard]] unsigned plan_cms_depth(double epsilon, double delta) noexcept {
  const auto size = [=](unsigned depth) {
    return depth * cms_model::of<Layout, Counter>(depth).width(epsilon, delta);
  };
  const unsigned step = Layout::rows_per_line(4);
  double least = size(4);
  for (unsigned depth = 4; depth <= max_cms_depth; depth += step) {
    least = min_of(least, size(depth));
  }
  unsigned depth = 4;
  while (size(depth) > least * 1.125) depth += step;
  return depth;
}

/// The shape that the options ask for, or `std::invalid_argument`.
template <class Layout, class Counter, class Options>
[[nodiscard]] cms_shape plan_cms(const Options& o) {
  constexpr const char* type = "count_min_sketch";
  if (o.depth > max_cms_depth) {
    fail_argument(type, "depth", o.depth, "1 to 16, or 0 for the best");
  }
  if ((o.width != 0) + (o.epsilon != 0) + (o.bytes != 0) != 1) {
    fail("quoin::count_min_sketch: give one of width, epsilon and bytes");
  }
  if (o.width > max_cms_width) fail_argument(type, "width", o.width, "at most 2^56");
  unsigned depth = o.depth == 0 ? 4 : o.depth;
  double width = static_cast<double>(o.width);
  if (o.epsilon != 0) {
    if (!(o.epsilon > 0 && o.epsilon < 1)) fail_argument(type, "epsilon", o.epsilon, "in (0, 1)");
    if (!(o.delta >= 1e-18 && o.delta < 1)) {
      fail_argument(type, "delta", o.delta, "in [1e-18, 1)");
    }
    if (o.depth == 0) depth = plan_cms_depth<Layout, Counter>(o.epsilon, o.delta);
    width = cms_model::of<Layout, Counter>(depth).width(o.epsilon, o.delta);
    if (!(width <= static_cast<double>(max_cms_width))) {
      fail_argument(type, "epsilon", o.epsilon, "one that 2^56 counters per row reach");
    }
  }
  const std::uint64_t unit = Layout::template width_unit<Counter>(depth);
  if (o.bytes != 0) {
    const std::uint64_t columns = o.bytes / (depth * sizeof(Counter)) / unit * unit;
    if (columns == 0) {
      fail_argument(type, "bytes", o.bytes, "at least one line, or one counter, for each row");
    }
    if (columns > max_cms_width) fail_argument(type, "bytes", o.bytes, "at most 2^56");
    return {columns, depth};
  }
  const std::uint64_t columns = o.width != 0 ? o.width : static_cast<std::uint64_t>(width);
  return {ceil_div(columns, unit) * unit, depth};
}

/// Lines of 64 bytes that hold a table.
template <class Counter>
[[nodiscard]] std::size_t lines_of_cms(cms_shape shape) {
  std::uint64_t bytes = 0;
  constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max() / 2 - 63;
  if (!checked_mul<std::uint64_t>(shape.width, shape.depth * sizeof(Counter), &bytes) ||
      bytes > most) {
    fail("quoin::count_min_sketch: the table is larger than this platform can address");
  }
  return static_cast<std::size_t>(ceil_div<std::uint64_t>(bytes, 64));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
