// SPDX-License-Identifier: BSL-1.0
/// @file
/// The exact false-positive rate of the Parquet Bloom filter, and the sizes that follow from it.
///
/// A key leaves i given bits of a block alone when it goes to another block, or, with probability
/// (31/32)^i, when it comes. By inclusion and exclusion over the bits of a foreign key that stay
/// unset, as in detail/filter_line_model.hpp,
///
///     P(false positive) = Σ_i C(8, i) · (−1)^i · (1 − (1 − (31/32)^i) / blocks)^keys.
#ifndef QUOIN_DETAIL_PARQUET_BLOOM_MODEL_HPP
#define QUOIN_DETAIL_PARQUET_BLOOM_MODEL_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/parquet_header.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// The false-positive rate with `keys` distinct keys in `blocks` blocks; absolute error about
/// 1e-14.
[[nodiscard]] inline double parquet_rate(double keys, double blocks) noexcept {
  double sum = 0, coefficient = 1, untouched = 1;
  for (int i = 0; i <= 8; ++i) {
    sum += coefficient * __builtin_exp(keys * __builtin_log1p(-(1 - untouched) / blocks));
    coefficient *= -(8.0 - i) / (i + 1);
    untouched *= 31.0 / 32;
  }
  return min_of(max_of(sum, 0.0), 1.0);
}

/// The bytes that the options ask for, or `std::invalid_argument`. Without `size_bytes` a power of
/// two from 32 bytes to 128 MiB, as other writers choose.
template <class Options>
[[nodiscard]] std::uint32_t plan_parquet_bloom(const Options& o) {
  constexpr const char* type = "parquet_bloom_filter";
  if (o.size_bytes != 0) {
    if (o.size_bytes % parquet_block_bytes != 0 || o.size_bytes > parquet_max_bytes) {
      fail_argument(type, "size_bytes", o.size_bytes, "a multiple of 32 below 2^31");
    }
    return static_cast<std::uint32_t>(o.size_bytes);
  }
  if (o.capacity == 0) fail_argument(type, "capacity", o.capacity, "at least 1");
  const double rate = o.false_positive_rate, density = o.bits_per_key;
  if (density != 0) {
    if (!(density > 0 && density <= 64)) {
      fail_argument(type, "bits_per_key", density, "in (0, 64]");
    }
  } else if (!(rate > 0 && rate < 1)) {
    fail_argument(type, "false_positive_rate", rate, "in (0, 1), or bits_per_key given");
  }
  const auto keys = static_cast<double>(o.capacity);
  for (std::uint32_t bytes = parquet_block_bytes; bytes <= std::uint32_t{128} << 20; bytes *= 2) {
    const bool enough = density != 0 ? 8.0 * bytes >= keys * density
                                     : parquet_rate(keys, bytes / parquet_block_bytes) <= rate;
    if (enough) return bytes;
  }
  fail_argument(type, "capacity", o.capacity, "one that 128 MiB serve, or size_bytes given");
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
