// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a ring answers when it is asked for replicas.
#ifndef QUOIN_DETAIL_PLACEMENT_REPLICA_SET_HPP
#define QUOIN_DETAIL_PLACEMENT_REPLICA_SET_HPP

#include <quoin/detail/placement_replicas.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// Different nodes that hold a key, in the order of preference, the owner first. Up to eight without
/// an allocation. It refers to the nodes of the ring: valid until that changes and no copy is left.
template <class Node>
class replica_set {
 public:
  using value_type = Node;

  /// A forward iterator over nodes.
  class iterator {
   public:
    using value_type = Node;
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    iterator(const Node* nodes, const std::uint32_t* at) noexcept : nodes_(nodes), at_(at) {}
    [[nodiscard]] const Node& operator*() const noexcept { return nodes_[*at_]; }
    [[nodiscard]] const Node* operator->() const noexcept { return nodes_ + *at_; }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    const Node* nodes_ = nullptr;
    const std::uint32_t* at_ = nullptr;
  };

  /// The `n` replicas of `hash` by the state of a ring, and those `found` among `nodes`. Rings make
  /// these.
  template <class Ring>
  QUOIN_ALWAYS_INLINE replica_set(const Ring& ring, std::uint64_t hash, std::size_t n)
      : nodes_(ring.nodes.data()), found_(replicas_of(ring, hash, n)) {}
  replica_set(const Node* nodes, detail::replica_nodes&& found) noexcept
      : nodes_(nodes), found_(std::move(found)) {}

  [[nodiscard]] std::size_t size() const noexcept { return found_.nodes.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const Node& operator[](std::size_t i) const noexcept {
    return nodes_[found_.nodes[i]];
  }
  [[nodiscard]] iterator begin() const noexcept { return {nodes_, found_.nodes.begin()}; }
  [[nodiscard]] iterator end() const noexcept { return {nodes_, found_.nodes.end()}; }

  /// The numbers of the nodes in `nodes()` of the ring.
  [[nodiscard]] std::span<const std::uint32_t> indices() const noexcept {
    return {found_.nodes.begin(), size()};
  }

  /// How many fewer these are than were asked for, as there are no more (healthy) nodes.
  [[nodiscard]] std::size_t short_of() const noexcept { return found_.short_of; }

  /// True when two of them are in one zone, or one rack, as there were no others. Never where no
  /// node of the ring states a zone (a rack).
  [[nodiscard]] bool zones_repeated() const noexcept { return found_.zones_repeated(); }
  [[nodiscard]] bool racks_repeated() const noexcept { return found_.racks_repeated(); }

 protected:
  const Node* nodes_;
  detail::replica_nodes found_;
};

/// Healthy nodes that take a key, some in place of others that are down: of a sloppy quorum.
template <class Node>
class healthy_replica_set : public replica_set<Node> {
 public:
  /// The set `found` of `nodes`; rings make these.
  healthy_replica_set(const Node* nodes, detail::replica_stand_ins&& found) noexcept
      : replica_set<Node>(nodes, std::move(found.replicas)), hints_(std::move(found.hints)) {}

  /// The node in whose place the i-th one stands: it keeps a hint with the data, and hands them over
  /// when that one is back. nullptr for a node that is meant to hold the key.
  [[nodiscard]] const Node* hint_for(std::size_t i) const noexcept {
    return hints_[i] == detail::no_node ? nullptr : this->nodes_ + hints_[i];
  }

 private:
  detail::node_list hints_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
