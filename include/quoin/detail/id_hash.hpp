// SPDX-License-Identifier: BSL-1.0
/// @file
/// The hash of an id of 128 bits that the tables of the standard library take.
#ifndef QUOIN_DETAIL_ID_HASH_HPP
#define QUOIN_DETAIL_ID_HASH_HPP

#include <quoin/detail/bits.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// What `std::hash<Id>` is. `quoin::hash` mixes better, and takes a seed, as ids from foes want it.
template <class Id>
struct id_hash {
  [[nodiscard]] constexpr std::size_t operator()(const Id& id) const noexcept {
    return static_cast<std::size_t>(
        mul_fold(id.high() ^ 0x9e3779b97f4a7c15u, id.low() ^ 0xbf58476d1ce4e5b9u) ^ id.high() ^
        id.low());  // no factor of 0 hides the other
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
