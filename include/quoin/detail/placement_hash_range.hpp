// SPDX-License-Identifier: BSL-1.0
/// @file
/// A piece of a ring of hashes.
#ifndef QUOIN_DETAIL_PLACEMENT_HASH_RANGE_HPP
#define QUOIN_DETAIL_PLACEMENT_HASH_RANGE_HPP

#include <quoin/detail/config.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The hashes after `after` up to and with `last`, upwards and round: a piece of a ring, as the
/// token `last` owns it when `after` is the token before. With `after == last` the whole ring.
struct hash_range {
  std::uint64_t after;
  std::uint64_t last;

  /// True when `hash` lies in the range.
  [[nodiscard]] constexpr bool contains(std::uint64_t hash) const noexcept {
    return after == last || hash - after - 1 < last - after;
  }

  /// The part of the ring that it is, (0, 1].
  [[nodiscard]] constexpr double share() const noexcept {
    return after == last ? 1.0 : static_cast<double>(last - after) * 0x1p-64;
  }

  friend constexpr bool operator==(const hash_range&, const hash_range&) = default;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
