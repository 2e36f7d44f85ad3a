// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every placement can do, whatever its algorithm: say which node owns a hash.
#ifndef QUOIN_DETAIL_PLACEMENT_CONCEPT_HPP
#define QUOIN_DETAIL_PLACEMENT_CONCEPT_HPP

#include <quoin/detail/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// Satisfied by `hash_ring`, `ketama_ring`, `maglev_table`, `rendezvous` and their like, so that a
/// router can be written once and its algorithm chosen afterwards.
///
/// `p.owner_of_hash(h)` is the node that owns the 64-bit hash `h`, compared by == with those of
/// `p.nodes()`, a range; `p.size()` is how many those are. Asking an empty placement for an owner
/// throws std::out_of_range.
template <class P>
concept placement = requires(const P& p, std::uint64_t hash) {
  { p.size() } -> std::same_as<std::size_t>;
  p.nodes().begin();
  p.nodes().end();
  { p.owner_of_hash(hash) == *p.nodes().begin() } -> std::convertible_to<bool>;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
