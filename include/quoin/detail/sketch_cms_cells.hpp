// SPDX-License-Identifier: BSL-1.0
/// @file
/// What is done to a key's counters in a count-min sketch: one key at a time, and in batches.
#ifndef QUOIN_DETAIL_SKETCH_CMS_CELLS_HPP
#define QUOIN_DETAIL_SKETCH_CMS_CELLS_HPP

#include <quoin/detail/cpu.hpp>
#include <quoin/detail/sketch_cms_rows.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned max_cms_depth = 16;

/// A table as the operations see it: `depth` rows of `width` counters in some layout.
template <class Counter>
struct cms_table {
  Counter* counters;
  std::uint64_t width;
  unsigned depth;
};

/// `a + b`, or the largest value where that does not fit.
template <std::unsigned_integral T>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr T saturating_add(T a, T b) noexcept {
  const T sum = static_cast<T>(a + b);
  return sum < a ? std::numeric_limits<T>::max() : sum;
}

/// `a * b`, or the largest value where that does not fit.
[[nodiscard]] constexpr std::uint64_t saturating_multiply(std::uint64_t a,
                                                          std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  return checked_mul(a, b, &product) ? product : std::numeric_limits<std::uint64_t>::max();
}

/// `value`, or the largest `T` where that is less.
template <std::unsigned_integral T>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr T saturating_to(std::uint64_t value) noexcept {
  return static_cast<T>(min_of<std::uint64_t>(value, std::numeric_limits<T>::max()));
}

/// Calls `f` with the depth as a constant if it is the usual one, else with 0.
template <class F>
QUOIN_ALWAYS_INLINE auto with_cms_depth(unsigned depth, F f) {
  return depth == 4 ? f(std::integral_constant<unsigned, 4>{})
                    : f(std::integral_constant<unsigned, 0>{});
}

// --- one key ------------------------------------------------------------------------------------

/// The counters of a key, one in each row, at `places[0]`, `places[stride]`, … (which must outlive
/// this). `Depth` is the table's, or 0 if it is known at run time only.
template <unsigned Depth, class Counter>
class cms_cells {
  using value = std::remove_const_t<Counter>;

 public:
  QUOIN_ALWAYS_INLINE cms_cells(const cms_table<Counter>& table, const std::uint64_t* places,
                                std::size_t stride) noexcept
      : counters_(table.counters),
        places_(places),
        stride_(stride),
        depth_(Depth == 0 ? table.depth : Depth) {
    QUOIN_ASSERT(depth_ == table.depth);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE value least() const noexcept {
    value least = at(0);
    for (unsigned i = 1; i < depth_; ++i) least = min_of<value>(least, at(i));
    return least;
  }

  /// Adds `weight` to every counter; returns the least of them.
  QUOIN_ALWAYS_INLINE value add(value weight) const noexcept {
    value least = std::numeric_limits<value>::max();
    for (unsigned i = 0; i < depth_; ++i) {
      const value sum = saturating_add<value>(at(i), weight);
      at(i) = sum;
      least = min_of(least, sum);
    }
    return least;
  }

  /// Raises every counter to the least of them plus `weight`; returns that. Stores always: a branch
  /// on "does it need raising?" is mispredicted too often.
  QUOIN_ALWAYS_INLINE value raise(value weight) const noexcept {
    const value raised = saturating_add(least(), weight);
    for (unsigned i = 0; i < depth_; ++i) {
      at(i) = max_of<value>(at(i), raised);
    }
    return raised;
  }

  /// The key's counter in row `row`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE Counter& at(unsigned row) const noexcept {
    return counters_[static_cast<std::size_t>(places_[row * stride_])];
  }

 private:
  Counter* counters_;
  const std::uint64_t* places_;
  std::size_t stride_;
  unsigned depth_;
};

/// `f(cells)` with the counters of the key whose hash is `hash`.
template <class Layout, unsigned Depth, class Counter, class F>
QUOIN_ALWAYS_INLINE auto with_cms_cells(const cms_table<Counter>& table, std::uint64_t hash, F f) {
  std::uint64_t places[Depth == 0 ? max_cms_depth : Depth] = {};
  Layout::template for_each_place<std::remove_const_t<Counter>>(
      hash, table.width, Depth == 0 ? table.depth : Depth,
      [&places](unsigned row, std::uint64_t place) { places[row] = place; });
  return f(cms_cells<Depth, Counter>(table, places, 1));
}

// --- the places of many keys --------------------------------------------------------------------

/// Keys per block, whose places are found together.
inline constexpr std::size_t cms_block = 64;

/// Writes the place of hash number k in each row to `out[row * cms_block + k]`. The AVX2 kernel
/// reads hashes and writes places in whole groups of four.
using cms_place_function = void (*)(const std::uint64_t* hashes, std::size_t n, std::uint64_t width,
                                    unsigned depth, std::uint64_t* out) noexcept;

template <class Layout, class Counter>
void cms_places_scalar(const std::uint64_t* hashes, std::size_t n, std::uint64_t width,
                       unsigned depth, std::uint64_t* out) noexcept {
  for (std::size_t k = 0; k < n; ++k) {
    Layout::template for_each_place<Counter>(
        hashes[k], width, depth,
        [=](unsigned row, std::uint64_t place) { out[row * cms_block + k] = place; });
  }
}

#if QUOIN_X86_64

/// Four states of `multiplied_columns` at once, for draws below 2^32.
class cms_draws_avx2 {
 public:
  QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE cms_draws_avx2(const std::uint64_t* hashes,
                                                       std::uint64_t below) noexcept
      : state_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(hashes))),
        below_(_mm256_set1_epi64x(static_cast<long long>(below))) {}

  /// A 64-bit product is three 32-bit ones here, and the high half of one by 32 bits two.
  [[nodiscard]] QUOIN_TARGET_AVX2 QUOIN_ALWAYS_INLINE __m256i next() noexcept {
    const __m256i factor = _mm256_set1_epi64x(static_cast<long long>(multiplied_columns::factor));
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(state_, _mm256_srli_epi64(factor, 32)),
                                           _mm256_mul_epu32(_mm256_srli_epi64(state_, 32), factor));
    state_ = _mm256_add_epi64(_mm256_mul_epu32(state_, factor), _mm256_slli_epi64(cross, 32));
    const __m256i low = _mm256_srli_epi64(_mm256_mul_epu32(state_, below_), 32);
    const __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(state_, 32), below_);
    return _mm256_srli_epi64(_mm256_add_epi64(high, low), 32);
  }

 private:
  __m256i state_;
  __m256i below_;
};

/// A row to itself: the draw is the column.
QUOIN_TARGET_AVX2 inline void cms_places_avx2(const std::uint64_t* hashes, std::size_t n,
                                              std::uint64_t width, unsigned depth,
                                              std::uint64_t* out) noexcept {
  for (std::size_t k = 0; k < n; k += 4) {
    cms_draws_avx2 draws(hashes + k, width);
    for (unsigned row = 0; row < depth; ++row) {
      const __m256i first = _mm256_set1_epi64x(static_cast<long long>(row * width));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + row * cms_block + k),
                          _mm256_add_epi64(first, draws.next()));
    }
  }
}

/// Two rows to a line: `blocked_rows::for_each_place`.
template <class Counter>
QUOIN_TARGET_AVX2 void cms_paired_places_avx2(const std::uint64_t* hashes, std::size_t n,
                                              std::uint64_t width, unsigned depth,
                                              std::uint64_t* out) noexcept {
  constexpr std::uint64_t half = blocked_rows::half<Counter>;
  constexpr int bits = std::countr_zero(half);
  const __m256i columns = _mm256_set1_epi64x(static_cast<long long>(half - 1));
  const __m256i beside = _mm256_set1_epi64x(static_cast<long long>(half));
  for (std::size_t k = 0; k < n; k += 4) {
    cms_draws_avx2 draws(hashes + k, width * half);
    for (unsigned row = 0; row < depth; row += 2) {
      const __m256i draw = draws.next();
      const __m256i line =
          _mm256_add_epi64(_mm256_set1_epi64x(static_cast<long long>(row * width)),
                           _mm256_slli_epi64(_mm256_srli_epi64(draw, 2 * bits), bits + 1));
      const __m256i first = _mm256_and_si256(_mm256_srli_epi64(draw, bits), columns);
      const __m256i second = _mm256_add_epi64(beside, _mm256_and_si256(draw, columns));
      auto* const to = reinterpret_cast<__m256i*>(out + row * cms_block + k);
      _mm256_storeu_si256(to, _mm256_add_epi64(line, first));
      _mm256_storeu_si256(to + cms_block / 4, _mm256_add_epi64(line, second));
    }
  }
}

#endif

/// The kernel of a level for a table.
template <class Layout, class Counter>
[[nodiscard]] inline cms_place_function cms_places_of([[maybe_unused]] isa level,
                                                      [[maybe_unused]] std::uint64_t width,
                                                      [[maybe_unused]] unsigned depth) noexcept {
#if QUOIN_X86_64
  if constexpr (std::same_as<Layout, blocked_rows> || std::same_as<Layout, classic_rows<>>) {
    const bool paired = Layout::rows_per_line(depth) == 2;
    const std::uint64_t below = width * (paired ? blocked_rows::half<Counter> : 1);
    if (level >= isa::avx2 && below >> 32 == 0) {
      return paired ? &cms_paired_places_avx2<Counter> : &cms_places_avx2;
    }
  }
#endif
  return &cms_places_scalar<Layout, Counter>;
}

// --- batches ------------------------------------------------------------------------------------

/// Calls `serve(k, cells)` with the counters of each key, k = 0 … n − 1 in this order, where
/// `hashes(first, count, out)` writes the hashes. In a table beyond the second-level cache the
/// lines of the key 64 ahead are fetched with each key served.
template <class Layout, unsigned Depth, class Counter, class Hashes, class Serve>
void cms_for_each(const cms_table<Counter>& table, std::size_t n, Hashes hashes, Serve serve) {
  const unsigned depth = Depth == 0 ? table.depth : Depth;
  const unsigned step = Layout::rows_per_line(depth);
  const auto places =
      cms_places_of<Layout, std::remove_const_t<Counter>>(active_isa(), table.width, depth);
  const bool far = table.width * depth * sizeof(Counter) > l2_cache_bytes();
  std::uint64_t hashed[cms_block] = {};
  std::uint64_t ring[2][(Depth == 0 ? max_cms_depth : Depth) * cms_block];
  const auto load = [&](std::size_t first, std::uint64_t* out) {
    const std::size_t count = min_of(n - first, cms_block);
    hashes(first, count, hashed);
    places(hashed, count, table.width, depth, out);
    return count;
  };
  std::size_t turn = 0, count = n == 0 ? 0 : load(0, ring[0]);
  for (std::size_t first = 0; first < n; first += cms_block, turn = 1 - turn) {
    const std::size_t ahead = n - first > cms_block ? load(first + cms_block, ring[1 - turn]) : 0;
    for (std::size_t k = 0; k < count; ++k) {
      if (far && k < ahead) {
        for (unsigned row = 0; row < depth; row += step) {
          const std::uint64_t place = ring[1 - turn][row * cms_block + k];
          __builtin_prefetch(table.counters + static_cast<std::size_t>(place),
                             std::is_const_v<Counter> ? 0 : 1);
        }
      }
      serve(first + k, cms_cells<Depth, Counter>(table, ring[turn] + k, cms_block));
    }
    count = ahead;
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
