// SPDX-License-Identifier: BSL-1.0
/// @file
/// What must be moved when a ring changes: which ranges, from where to where, and how much that is.
///
/// Use it to plan the work that a change of nodes makes before the ring is put into use: a storage
/// node streams ranges, a cache warms them. Both rings are values, so a change can be tried on a
/// copy and thrown away.
///
/// Guarantee   exact, and as few ranges as there can be. Of rings that differ by nodes that joined or
///             left, no range moves between two nodes that are in both.
/// Cost        O(tokens of both); for sets of replicas O(tokens of both) walks round the ring.
/// Threads     functions of constants.
///
/// @code
/// auto after = ring;
/// after.add("store-9", {.zone = "eu-2"});
/// for (const auto& [range, from, to] : quoin::moved_ranges(ring, after)) stream(range, from, to);
/// for (const auto& move : quoin::moved_ranges(ring, after, 3)) fetch(move.to, move.range, move.from);
/// double of_all = quoin::fetched_share(ring, after, 3);  // moved_share for owners alone
/// @endcode
#ifndef QUOIN_PLACEMENT_RING_CHANGES_HPP
#define QUOIN_PLACEMENT_RING_CHANGES_HPP

#include <quoin/detail/placement_ranges.hpp>
#include <quoin/placement/hash_ring.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A range of hashes that `to` owns instead of `from`.
template <class Node>
struct moved_range {
  hash_range range;
  Node from;
  Node to;

  friend bool operator==(const moved_range&, const moved_range&) = default;
};

/// A range of hashes of which `to` must fetch a replica: it holds one now and held none before.
template <class Node>
struct moved_replica {
  hash_range range;
  Node from;                  ///< held one before: the one that hands its own on, if one does
  Node to;                    ///< holds one from now on
  std::optional<Node> other;  ///< holds one before and after: to be asked if `from` is down
  bool from_keeps;            ///< `from` holds it after, too; otherwise it may delete it thereafter

  friend bool operator==(const moved_replica&, const moved_replica&) = default;
};

namespace detail {

/// The nodes of two rings numbered alike: those of the one before first, as they are there.
template <class Ring>
class common_numbers {
 public:
  using node_type = typename Ring::node_type;

  /// Fails unless the two place keys by the same hashes, and in ranges.
  common_numbers(const Ring& before, const Ring& after, const char* function)
      : before_(before), after_(after) {
    if (before.options().seed != after.options().seed) {
      fail_argument(function, "seed of after", after.options().seed, "that of before");
    }
    const std::uint32_t probes = max_of(before.options().probes, after.options().probes);
    if (probes != 1) fail_argument(function, "probes", probes, "1 for nodes to own ranges");
    std::uint32_t next = static_cast<std::uint32_t>(before.size());
    for (std::size_t i = 0, j = 0; j < after.size(); ++j) {  // both ascend
      while (i < before.size() && before.nodes()[i] < after.nodes()[j]) ++i;
      const bool stays = i < before.size() && !(after.nodes()[j] < before.nodes()[i]);
      numbers_.push_back(stays ? static_cast<std::uint32_t>(i) : next++);
      if (!stays) joined_.push_back(static_cast<std::uint32_t>(j));
    }
  }

  [[nodiscard]] std::uint32_t of_after(std::uint32_t number) const noexcept {
    return numbers_[number];
  }

  [[nodiscard]] const node_type& name(std::uint32_t number) const noexcept {
    if (number < before_.size()) return before_.nodes()[number];
    return after_.nodes()[joined_[number - before_.size()]];
  }

  [[nodiscard]] token_ring ring_before() const noexcept {
    return {before_.tokens(), before_.token_owners()};
  }

  /// The ring after in these numbers, which `numbers` takes.
  [[nodiscard]] token_ring ring_after(std::vector<std::uint32_t>& numbers) const {
    numbers.clear();
    numbers.reserve(after_.token_owners().size());
    for (const std::uint32_t node : after_.token_owners()) numbers.push_back(of_after(node));
    return {after_.tokens(), numbers};
  }

 private:
  const Ring& before_;
  const Ring& after_;
  std::vector<std::uint32_t> numbers_;  // of the nodes of after
  std::vector<std::uint32_t> joined_;   // numbers in after of those that are new
};

/// What must be fetched, in common numbers.
template <class Ring>
[[nodiscard]] std::vector<replica_move> replica_moves_of(const Ring& before, const Ring& after,
                                                         std::size_t n,
                                                         const common_numbers<Ring>& numbers) {
  const auto all = [](const replica_set<typename Ring::node_type>& set, auto number_of) {
    node_list nodes;
    for (const std::uint32_t node : set.indices()) nodes.push_back(number_of(node));
    return nodes;
  };
  return replica_moves(
      before.tokens(), after.tokens(),
      [&](std::size_t i) {
        return all(before.replicas_of_hash(before.tokens()[i], n),
                   [](std::uint32_t node) { return node; });
      },
      [&](std::size_t j) {
        return all(after.replicas_of_hash(after.tokens()[j], n),
                   [&](std::uint32_t node) { return numbers.of_after(node); });
      });
}

}  // namespace detail

/// What changes its owner when `after` takes the place of `before`, as few ranges as there can be,
/// ascending (the first may begin before the end of the ring). From or to a ring without nodes
/// nothing moves. Throws `std::invalid_argument` if either ring has more than one probe, or if their
/// seeds differ. O(tokens of both).
template <class Node, class Hash>
[[nodiscard]] std::vector<moved_range<Node>> moved_ranges(const hash_ring<Node, Hash>& before,
                                                          const hash_ring<Node, Hash>& after) {
  const detail::common_numbers numbers(before, after, "moved_ranges");
  std::vector<std::uint32_t> nodes_after;
  std::vector<moved_range<Node>> moved;
  for (const auto& move : owner_moves(numbers.ring_before(), numbers.ring_after(nodes_after))) {
    moved.push_back({move.range, numbers.name(move.from), numbers.name(move.to)});
  }
  return moved;
}

/// What must be fetched when `after` takes the place of `before` and each key is held by `n`
/// replicas: for each range and node that holds it now and did not before, from whom. A node that
/// gives a range up hands it on, one to one; where a node is added to fewer than `n`, one that keeps
/// its own gives a copy. `other` says who else can. Throws as the other form. O(tokens of both · n).
template <class Node, class Hash>
[[nodiscard]] std::vector<moved_replica<Node>> moved_ranges(const hash_ring<Node, Hash>& before,
                                                            const hash_ring<Node, Hash>& after,
                                                            std::size_t n) {
  const detail::common_numbers numbers(before, after, "moved_ranges");
  std::vector<moved_replica<Node>> moved;
  for (const auto& move : replica_moves_of(before, after, n, numbers)) {
    std::optional<Node> other;
    if (move.other != detail::no_node) other = numbers.name(move.other);
    moved.push_back({move.range, numbers.name(move.from), numbers.name(move.to), std::move(other),
                     move.from_keeps});
  }
  return moved;
}

/// How much must be fetched when each key is held by `n` replicas, in multiples of all keys: 0 to
/// `n`. Throws as `moved_ranges`.
template <class Node, class Hash>
[[nodiscard]] double fetched_share(const hash_ring<Node, Hash>& before,
                                   const hash_ring<Node, Hash>& after, std::size_t n) {
  const detail::common_numbers numbers(before, after, "fetched_share");
  return share_of_moves(replica_moves_of(before, after, n, numbers));
}

}  // namespace quoin::inline QUOIN_ABI

#endif
