// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which bucket a value falls into, when buckets are equally wide on a logarithmic scale.
///
/// Each octave [2^e, 2^(e+1)) is cut into B buckets at 2^e · 2^(i/B). With B a whole number the
/// exponent of an IEEE double gives the octave and its fraction the bucket within, the same in every
/// octave: no logarithm is needed, and nothing but integer arithmetic, so that a value has the same
/// bucket on every machine. A bucket [lo, hi) stands for 2·lo·hi / (lo + hi), which is within
/// (hi − lo) / (hi + lo) = tanh(ln 2 / 2B) of all its values: relative accuracy at the price of the
/// fewest buckets, but for rounding B up (35 for 34.7 at 1 %).
#ifndef QUOIN_DETAIL_SKETCH_QUANTILE_MAPPING_HPP
#define QUOIN_DETAIL_SKETCH_QUANTILE_MAPPING_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/memory.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

// --- IEEE 754 doubles ---------------------------------------------------------------------------

static_assert(std::numeric_limits<double>::is_iec559 && sizeof(double) == 8);

inline constexpr unsigned fraction_bits = 52;
inline constexpr std::uint64_t fraction_mask = (std::uint64_t{1} << fraction_bits) - 1;
inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
inline constexpr std::uint64_t least_normal = std::uint64_t{1} << fraction_bits;
inline constexpr std::uint64_t infinity_bits = std::uint64_t{0x7ff} << fraction_bits;
inline constexpr std::uint32_t octaves_of_double = 2046;

/// Whether the magnitude with these bits has a bucket: it is neither 0, subnormal, infinite nor NaN.
[[nodiscard]] constexpr bool has_bucket(std::uint64_t magnitude) noexcept {
  return magnitude - least_normal < infinity_bits - least_normal;
}

// --- 2^(i/B) ------------------------------------------------------------------------------------

inline constexpr std::uint64_t one_q62 = std::uint64_t{1} << 62;
inline constexpr std::uint64_t two_q62 = std::uint64_t{1} << 63;

/// `a · b` in units of 2^-62, rounded down; 2 if the product is larger.
[[nodiscard]] constexpr std::uint64_t multiply_q62(std::uint64_t a, std::uint64_t b) noexcept {
  const uint128_halves product = mul_full(a, b);
  return product.hi >> 61 != 0 ? two_q62 : product.hi << 2 | product.lo >> 62;
}

/// `base^exponent` in units of 2^-62, or 2 if it is larger; 1 ≤ base ≤ 2. From the highest bit down,
/// so that no square exceeds the result. Too small by less than 2^-49: each product loses 2^-62.
[[nodiscard]] constexpr std::uint64_t power_q62(std::uint64_t base,
                                                std::uint32_t exponent) noexcept {
  std::uint64_t result = one_q62;
  for (std::uint32_t bit = std::bit_floor(exponent); bit != 0; bit >>= 1) {
    result = multiply_q62(result, result);
    if ((exponent & bit) != 0) result = multiply_q62(result, base);
  }
  return result;
}

/// 2^(1/n) in units of 2^-62: the largest number whose `power_q62` of n stays below 2.
[[nodiscard]] constexpr std::uint64_t root_of_two_q62(std::uint32_t n) noexcept {
  std::uint64_t low = one_q62, high = two_q62;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (power_q62(middle, n) < two_q62 ? low : high) = middle;
  }
  return low;
}

// --- the mapping --------------------------------------------------------------------------------

inline constexpr std::uint32_t most_buckets_per_octave =
    3466;  // 0.01 %; the cells have room for 4095

/// The mapping as the operations see it.
struct bucket_map {
  const std::uint64_t* cells;
  unsigned cell_shift;
  std::uint32_t per_octave;

  /// The bucket of the magnitude with these bits, from 0 on; rising with the magnitude.
  ///
  /// An octave is divided evenly into cells so narrow that at most one bucket begins within each. A
  /// cell holds the number of that bucket less its first fraction, as one fixed-point number: adding
  /// the fraction of a value carries into the number exactly if the value lies beyond.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t index_of(std::uint64_t magnitude) const noexcept {
    const std::uint64_t fraction = magnitude & fraction_mask;
    const std::uint64_t cell = cells[static_cast<std::size_t>(fraction >> cell_shift)];
    const auto octave = static_cast<std::uint32_t>(magnitude >> fraction_bits) - 1;
    return octave * per_octave + static_cast<std::uint32_t>((cell + fraction) >> fraction_bits);
  }
};

/// Cuts octaves into `per_octave` buckets.
template <class Allocator>
class log_mapping {
 public:
  log_mapping(std::uint32_t per_octave, const Allocator& allocator)
      : per_octave_(per_octave),
        cell_shift_(fraction_bits - cell_bits(per_octave)),
        root_(root_of_two_q62(per_octave)),
        cells_(ceil_div<std::size_t>(std::size_t{1} << cell_bits(per_octave), 8), allocator) {
    const std::size_t count = std::size_t{1} << cell_bits(per_octave);
    std::uint64_t* const cells = cells_.data()->words;
    std::uint64_t bucket = 0, next = fraction_of(1);
    for (std::size_t i = 0; i < count; ++i) {
      while (next <= std::uint64_t{i} << cell_shift_) {
        ++bucket;
        next = fraction_of(static_cast<std::uint32_t>(bucket) + 1);
      }
      cells[i] = ((bucket + 1) << fraction_bits) - next;
    }
  }

  [[nodiscard]] std::uint32_t per_octave() const noexcept { return per_octave_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return cells_.size() * 64; }

  [[nodiscard]] bucket_map map() const noexcept {
    return {cells_.data()->words, cell_shift_, per_octave_};
  }

  /// The least value of bucket `index`, which is also the end of the one below it.
  [[nodiscard]] double lower_bound(std::uint32_t index) const noexcept {
    const std::uint64_t exponent = index / per_octave_ + std::uint64_t{1};
    return std::bit_cast<double>(exponent << fraction_bits | fraction_of(index % per_octave_));
  }

  /// (g − 1) / (g + 1) where g = 2^(1/B) is the ratio of a bucket's ends.
  [[nodiscard]] double relative_accuracy() const noexcept {
    const double excess = static_cast<double>(root_ - one_q62) / static_cast<double>(one_q62);
    return excess / (2 + excess);
  }

  [[nodiscard]] auto get_allocator() const noexcept { return cells_.get_allocator(); }

  log_mapping(const log_mapping& other, const Allocator& allocator)
      : per_octave_(other.per_octave_),
        cell_shift_(other.cell_shift_),
        root_(other.root_),
        cells_(other.cells_, allocator) {}

 private:
  /// Cells of an octave: 2^this. Bucket i begins at 2^(i/B), so none is narrower than ln 2 / B.
  [[nodiscard]] static constexpr unsigned cell_bits(std::uint32_t per_octave) noexcept {
    return static_cast<unsigned>(std::bit_width(per_octave + per_octave / 2));
  }

  /// The fraction at which bucket `i` ≤ B of an octave begins, in units of 2^-52.
  [[nodiscard]] std::uint64_t fraction_of(std::uint32_t i) const noexcept {
    if (i == per_octave_) return std::uint64_t{1} << fraction_bits;
    return (power_q62(root_, i) - one_q62) >> (62 - fraction_bits);
  }

  std::uint32_t per_octave_;
  unsigned cell_shift_;
  std::uint64_t root_;
  line_array<Allocator> cells_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
