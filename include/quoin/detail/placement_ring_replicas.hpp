// SPDX-License-Identifier: BSL-1.0
/// @file
/// The replicas of a hash on a ring.
///
/// Once a set of up to three was asked for, it is a word at the position of its token, which a lookup
/// reads in place of the number of the owner. What else there is to be done is kept out of line: a
/// caller that looks at some nodes of a set has that in registers and never sees it written.
#ifndef QUOIN_DETAIL_PLACEMENT_RING_REPLICAS_HPP
#define QUOIN_DETAIL_PLACEMENT_RING_REPLICAS_HPP

#include <quoin/detail/placement_ring_load.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// The position of the token that owns `hash`. Throws `std::out_of_range` without tokens.
template <class Node>
[[nodiscard]] std::size_t position_of_hash(const ring_state<Node>& ring, std::uint64_t hash) {
  if (ring.tokens.empty()) fail_empty("hash_ring");
  return ring.options.probes == 1 ? ring.tokens.position_of(hash)
                                  : nearest_position(ring.tokens, ring.options.probes, hash);
}

/// `replicas_of`, whatever `n` and the ring are, and when the set is not known yet.
template <class Node>
[[nodiscard]] __attribute__((noinline)) replica_nodes find_replicas(const ring_state<Node>& ring,
                                                                    std::uint64_t hash,
                                                                    std::size_t n) {
  const std::size_t position = position_of_hash(ring, hash);
  return ring.replica_choice().find(ring.view(), position, n);
}

/// The `n` replicas of `hash`. Throws `std::out_of_range` without tokens.
template <class Node>
[[nodiscard]] QUOIN_ALWAYS_INLINE replica_nodes replicas_of(const ring_state<Node>& ring,
                                                            std::uint64_t hash, std::size_t n) {
  const ring_replicas* const choice = ring.replicas.get();  // none in a ring without tokens
  if (choice != nullptr && n - 1 < choice->cache.in_a_word() && ring.options.probes == 1)
      [[likely]] {
    const replica_cache& cache = choice->cache;
    const std::size_t position = ring.tokens.position_of(hash, cache.words());
    if (const std::size_t word = cache.word(position); word != 0) [[likely]]
      return replica_cache::nodes_of(word, n);
  }
  return find_replicas(ring, hash, n);
}

/// Those of the `n` replicas of `hash` that are healthy, and stand-ins with hints for the others.
template <class Node, class Healthy>
[[nodiscard]] replica_stand_ins healthy_replicas_of(const ring_state<Node>& ring,
                                                    std::uint64_t hash, std::size_t n,
                                                    Healthy& healthy) {
  const std::size_t position = position_of_hash(ring, hash);
  const ring_replicas& choice = ring.replica_choice();
  return healthy_replicas_at(
      ring.view(), position, choice.find(ring.view(), position, n), choice.racks,
      [&](std::uint32_t node) { return static_cast<bool>(healthy(ring.nodes[node])); });
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
