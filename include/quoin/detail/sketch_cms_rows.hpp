// SPDX-License-Identifier: BSL-1.0
/// @file
/// Where a key's counters lie in a count-min sketch: the layouts.
#ifndef QUOIN_DETAIL_SKETCH_CMS_ROWS_HPP
#define QUOIN_DETAIL_SKETCH_CMS_ROWS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/keys.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The types of a count-min sketch's counters.
template <class T>
concept count_min_counter = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

/// A policy that turns a key's hash into one column for each row: constructed from the hash and the
/// width, its `next()` gives a column, below the width, at each call. See `multiplied_columns`.
template <class T>
concept count_min_columns = std::constructible_from<T, std::uint64_t, std::uint64_t> &&
    requires(T columns) {
  { columns.next() } -> std::same_as<std::uint64_t>;
};

/// The default policy: multiplies the hash for each row and scales the product, all of its 64 bits,
/// to the width. A multiplicative congruential generator with the hash as its state (Steele, Vigna
/// 2022, "Computationally easy, spectrally good multipliers").
class multiplied_columns {
 public:
  static constexpr std::uint32_t id = 2;  ///< names this policy in serialized forms
  static constexpr std::uint64_t factor = 0xf1357aea2e62a9c5u;

  constexpr multiplied_columns(std::uint64_t hash, std::uint64_t width) noexcept
      : state_(hash), width_(width) {}

  /// The next column, below `width`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t next() noexcept {
    // Multiplied before the first use: whoever sends keys to one of many sketches by the high bits
    // of the hash would else use a part of the first row only.
    state_ *= factor;
    return detail::mul_high(state_, width_);
  }

 private:
  std::uint64_t state_;
  std::uint64_t width_;
};

/// The textbook's layout: row after row, a key anywhere in each. A key touches `depth` cache lines.
template <count_min_columns Columns = multiplied_columns>
struct classic_rows {
  static constexpr std::uint32_t id = detail::hash_id<Columns>;  ///< in serialized forms

  /// Rows of a key that share a cache line.
  [[nodiscard]] static constexpr unsigned rows_per_line(unsigned /*depth*/) noexcept { return 1; }

  /// What the width must be a multiple of.
  template <class Counter>
  [[nodiscard]] static constexpr std::uint64_t width_unit(unsigned /*depth*/) noexcept {
    return 1;
  }

  /// Calls `f(row, place)` for the counters of the key whose hash is `hash`; places are counted in
  /// counters from the first.
  template <class Counter, class F>
  QUOIN_ALWAYS_INLINE static constexpr void for_each_place(std::uint64_t hash, std::uint64_t width,
                                                           unsigned depth, F f) {
    Columns columns(hash, width);
    for (unsigned row = 0; row < depth; ++row) f(row, row * width + columns.next());
  }

  /// The place of column `column` of row `row`.
  template <class Counter>
  [[nodiscard]] static constexpr std::uint64_t place_of(unsigned row, std::uint64_t column,
                                                        std::uint64_t width,
                                                        unsigned /*depth*/) noexcept {
    return row * width + column;
  }
};

/// The default layout. The rows of an even depth from 4 on go two to a cache line, so that a key
/// touches depth / 2 lines; rows of other depths have lines of their own.
///
/// A pair of rows is an array of lines, of which either row has half of each. A key has one line in
/// it and one counter in each half: in every single row its counter is as random as in the classic
/// layout, but two keys that share the line are likelier to share both counters. With one pair
/// alone that is fatal (1 in 64 of the keys beside a heavy one inherit its whole count), with two
/// or more, whose lines are independent, it is not: docs/design/blocked-count-min.md.
struct blocked_rows {
  static constexpr std::uint32_t id = 1;  ///< names this layout in serialized forms

  /// A row's counters in a line that two rows share: a power of two.
  template <class Counter>
  static constexpr std::uint64_t half = 32 / sizeof(Counter);

  [[nodiscard]] static constexpr unsigned rows_per_line(unsigned depth) noexcept {
    return depth >= 4 && depth % 2 == 0 ? 2 : 1;
  }

  template <class Counter>
  [[nodiscard]] static constexpr std::uint64_t width_unit(unsigned depth) noexcept {
    return 2 * half<Counter> / rows_per_line(depth);
  }

  template <class Counter, class F>
  QUOIN_ALWAYS_INLINE static constexpr void for_each_place(std::uint64_t hash, std::uint64_t width,
                                                           unsigned depth, F f) {
    if (rows_per_line(depth) == 1) {
      classic_rows<>::for_each_place<Counter>(hash, width, depth, f);
      return;
    }
    constexpr std::uint64_t h = half<Counter>;
    multiplied_columns draws(hash, width * h);  // lines times the column pairs of a line
    for (unsigned row = 0; row < depth; row += 2) {
      const std::uint64_t draw = draws.next(), line = row * width + draw / (h * h) * (2 * h);
      f(row, line + draw / h % h);
      f(row + 1, line + h + draw % h);
    }
  }

  template <class Counter>
  [[nodiscard]] static constexpr std::uint64_t place_of(unsigned row, std::uint64_t column,
                                                        std::uint64_t width,
                                                        unsigned depth) noexcept {
    if (rows_per_line(depth) == 1) return row * width + column;
    constexpr std::uint64_t h = half<Counter>;
    return row / 2 * 2 * width + column / h * (2 * h) + row % 2 * h + column % h;
  }
};

}  // namespace quoin::inline QUOIN_ABI

#endif
