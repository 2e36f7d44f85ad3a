// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which nodes hold the replicas of a key: a walk round the ring, apart from each other by a rule.
///
/// The owner comes first. Each further replica is, clockwise from the owner's token, the first node
/// that has none yet and stands in a zone with as few replicas as any that has such nodes, and there
/// in a rack with as few as any. So zones are distinct as long as there are zones, then filled evenly,
/// and racks within them; where nobody states zones or racks these are the first distinct nodes.
#ifndef QUOIN_DETAIL_PLACEMENT_REPLICAS_HPP
#define QUOIN_DETAIL_PLACEMENT_REPLICAS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/placement_ranges.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// A list of node numbers that needs memory of its own only when it is longer than eight.
class node_list {
 public:
  static constexpr std::size_t inline_size = 8;

  node_list() noexcept {}

  /// The first `n` of `nodes`, at most `inline_size`.
  template <std::size_t N>
  QUOIN_ALWAYS_INLINE node_list(const std::uint32_t (&nodes)[N], std::size_t n) noexcept
      : size_(static_cast<std::uint32_t>(n)) {
    for (std::size_t i = 0; i < min_of(N, inline_size); ++i) inline_[i] = nodes[i];
  }

  node_list(const node_list& other) : node_list() {
    for (const std::uint32_t node : other) push_back(node);
  }
  node_list(node_list&& other) noexcept { take(other); }
  node_list& operator=(node_list other) noexcept {
    take(other);
    return *this;
  }
  ~node_list() { delete[] more_; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const std::uint32_t* begin() const noexcept {
    return size_ <= inline_size ? inline_ : more_;
  }
  [[nodiscard]] const std::uint32_t* end() const noexcept { return begin() + size_; }
  [[nodiscard]] std::uint32_t operator[](std::size_t i) const noexcept { return begin()[i]; }

  void push_back(std::uint32_t node) {
    if (size_ < inline_size) {
      inline_[size_++] = node;
    } else {
      if ((size_ & (size_ - 1)) == 0) grow();
      more_[size_++] = node;
    }
  }

 private:
  /// Makes room for as many again.
  void grow() {
    std::uint32_t* const room = new std::uint32_t[2 * std::size_t{size_}];
    for (std::size_t i = 0; i < size_; ++i) room[i] = begin()[i];
    delete[] std::exchange(more_, room);
  }

  void take(node_list& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    for (std::size_t i = 0; i < min_of(std::size_t{size_}, inline_size); ++i) {
      inline_[i] = other.inline_[i];
    }
    std::swap(more_, other.more_);
  }

  std::uint32_t size_ = 0;
  std::uint32_t inline_[inline_size];  // of which those behind the last are never written
  std::uint32_t* more_ = nullptr;      // a power of two, when eight are not enough
};

/// Replicas in the order of preference, and what of the rule they could not meet.
struct replica_nodes {
  replica_nodes() noexcept = default;

  /// The first `n` of `list`. (Compilers clear an aggregate before they fill it, all eight nodes.)
  template <std::size_t N>
  QUOIN_ALWAYS_INLINE replica_nodes(const std::uint32_t (&list)[N], std::size_t n,
                                    std::size_t missing, std::uint32_t twice) noexcept
      : nodes(list, n), short_of(static_cast<std::uint32_t>(missing)), repeated(twice) {}

  node_list nodes;
  std::uint32_t short_of = 0;  // so many fewer than were asked for
  std::uint32_t repeated = 0;  // what two of them share: `zone_repeated`, `rack_repeated` or both

  static constexpr std::uint32_t zone_repeated = 1;
  static constexpr std::uint32_t rack_repeated = 2;

  [[nodiscard]] bool zones_repeated() const noexcept { return (repeated & zone_repeated) != 0; }
  [[nodiscard]] bool racks_repeated() const noexcept { return (repeated & rack_repeated) != 0; }
};

/// Replicas that are healthy, and the node that each stands in for, or no_node.
struct replica_stand_ins {
  replica_nodes replicas;
  node_list hints;
};

/// How many replicas a node's zone and rack have.
struct crowding {
  std::uint32_t in_zone = 0;
  std::uint32_t in_rack = 0;
  friend bool operator==(const crowding&, const crowding&) = default;
  friend bool operator<(const crowding& a, const crowding& b) noexcept {
    return a.in_zone != b.in_zone ? a.in_zone < b.in_zone : a.in_rack < b.in_rack;
  }
};

/// Where the nodes 0, 1, … stand.
class rack_table {
 public:
  /// Nodes that nobody places.
  explicit rack_table(std::size_t nodes = 0) noexcept : nodes_(nodes) {}

  /// @param zone_of, rack_of  of each node the numbers of its zone and its rack, from 0 without
  ///                          gaps; those of one rack are in one zone
  /// @param zones_stated, racks_stated  whether sharing one is worth a word
  rack_table(std::span<const std::uint32_t> zone_of, std::span<const std::uint32_t> rack_of,
             bool zones_stated, bool racks_stated)
      : nodes_(rack_of.size()), zones_stated_(zones_stated), racks_stated_(racks_stated) {
    if (!placed()) return;
    for (std::size_t node = 0; node < nodes_; ++node) {
      if (rack_of[node] >= racks_.size()) racks_.resize(rack_of[node] + std::size_t{1});
      racks_[rack_of[node]].zone = zone_of[node];
      ++racks_[rack_of[node]].nodes;
      zones_ = max_of(zones_, zone_of[node] + std::size_t{1});
    }
    places_.reserve(nodes_);
    for (std::size_t node = 0; node < nodes_; ++node) {
      places_.push_back({zone_of[node], rack_of[node]});
    }
  }

  [[nodiscard]] std::size_t nodes() const noexcept { return nodes_; }

  /// False when all nodes are alike to the rule.
  [[nodiscard]] bool placed() const noexcept { return zones_stated_ || racks_stated_; }

  /// How many of `taken` are in the zone and in the rack of `node`.
  [[nodiscard]] crowding at(std::uint32_t node, const node_list& taken) const noexcept {
    return placed() ? at(places_[node], taken) : crowding();
  }

  /// Adds `node`, and says what that repeats.
  void add(std::uint32_t node, replica_nodes& to) const {
    const crowding met = at(node, to.nodes);
    if (zones_stated_ && met.in_zone > 0) to.repeated |= replica_nodes::zone_repeated;
    if (racks_stated_ && met.in_rack > 0) to.repeated |= replica_nodes::rack_repeated;
    to.nodes.push_back(node);
  }

  /// What the best of the nodes not in `taken`, of which there are, would meet.
  /// O(1) while there are zones without any, then O(racks).
  [[nodiscard]] crowding least(const node_list& taken) const noexcept {
    if (!placed() || zones_in(taken) < zones_) return {};
    crowding best{no_node, no_node};
    for (std::uint32_t rack = 0; rack < racks_.size(); ++rack) {
      const crowding here = at({racks_[rack].zone, rack}, taken);
      if (here.in_rack < racks_[rack].nodes && here < best) best = here;
    }
    return best;
  }

  /// What the best of the nodes that `fit` would meet; none meets that if none fits. O(nodes).
  template <class Fit>
  [[nodiscard]] crowding least(const node_list& taken, Fit fit) const {
    crowding best{no_node, no_node};
    for (std::uint32_t node = 0; node < nodes_ && !(best == crowding()); ++node) {
      const crowding here = at(node, taken);
      if (here < best && fit(node)) best = here;
    }
    return best;
  }

 private:
  struct place {
    std::uint32_t zone;
    std::uint32_t rack;
  };
  struct rack_facts {
    std::uint32_t zone = 0;
    std::uint32_t nodes = 0;
  };

  [[nodiscard]] crowding at(place here, const node_list& taken) const noexcept {
    crowding met;
    for (const std::uint32_t other : taken) {
      met.in_zone += places_[other].zone == here.zone;
      met.in_rack += places_[other].rack == here.rack;
    }
    return met;
  }

  /// Different zones of `taken`.
  [[nodiscard]] std::size_t zones_in(const node_list& taken) const noexcept {
    std::size_t zones = 0;
    for (const std::uint32_t* p = taken.begin(); p != taken.end(); ++p) {
      bool fresh = true;
      for (const std::uint32_t* q = taken.begin(); q != p && fresh; ++q) {
        fresh = places_[*q].zone != places_[*p].zone;
      }
      zones += fresh;
    }
    return zones;
  }

  std::vector<place> places_;  // of nodes
  std::vector<rack_facts> racks_;
  std::size_t nodes_ = 0;
  std::size_t zones_ = 0;
  bool zones_stated_ = false;
  bool racks_stated_ = false;
};

/// The first token from `position` on, clockwise, whose node is fit to be the next; each token is
/// looked at once. The position of none is `ring.tokens.size()`.
template <class Fit>
[[nodiscard]] std::size_t walk_to(const token_ring& ring, std::size_t position, Fit fit) {
  const std::size_t size = ring.nodes.size();
  for (std::size_t steps = 0; steps < size; ++steps) {
    if (fit(ring.nodes[position])) return position;
    if (++position == size) position = 0;
  }
  return size;
}

/// The replicas of what the token at `position` owns: `n` of them, or all nodes there are. Every
/// node has a token. Expected O(n) tokens when nodes are many and zones are mixed, O(tokens) at
/// worst.
[[nodiscard]] inline replica_nodes replicas_at(const token_ring& ring, std::size_t position,
                                               std::size_t n, const rack_table& racks) {
  replica_nodes found;
  const std::size_t most = min_of(n, racks.nodes());
  crowding wanted;
  for (std::size_t at = position; found.nodes.size() < most;) {
    // What was passed by does not become fit while the rule stays the same: replicas only crowd.
    if (const crowding next = racks.least(found.nodes); !(next == wanted)) {
      wanted = next;
      at = position;
    }
    at = walk_to(ring, at, [&](std::uint32_t node) {
      return !lists_node(found.nodes, node) && racks.at(node, found.nodes) == wanted;
    });
    if (at == ring.nodes.size()) break;
    racks.add(ring.nodes[at], found);
  }
  found.short_of = static_cast<std::uint32_t>(n - found.nodes.size());
  return found;
}

/// Those of `meant` that are healthy, and in place of each other one a stand-in with a hint for it:
/// by the same rule, among healthy nodes that are not meant. Nobody stands in when there are no more
/// of these. O(1) if all are healthy, else O(nodes + tokens passed) for each that is not.
/// @param healthy  predicate of the number of a node
template <class Healthy>
[[nodiscard]] replica_stand_ins healthy_replicas_at(const token_ring& ring, std::size_t position,
                                                    const replica_nodes& meant,
                                                    const rack_table& racks, Healthy healthy) {
  node_list standing;  // whom stand-ins keep apart from
  for (const std::uint32_t node : meant.nodes) {
    if (healthy(node)) standing.push_back(node);
  }
  const auto free = [&](std::uint32_t node) {
    return !lists_node(meant.nodes, node) && !lists_node(standing, node) && healthy(node);
  };
  replica_stand_ins found;
  found.replicas.short_of = meant.short_of;
  const std::size_t sound = standing.size();
  for (std::size_t i = 0, next = 0; i < meant.nodes.size(); ++i) {
    const std::uint32_t node = meant.nodes[i];
    if (next < sound && standing[next] == node) {
      ++next;
      racks.add(node, found.replicas);
      found.hints.push_back(no_node);
      continue;
    }
    const crowding least = racks.least(standing, free);
    if (least.in_zone == no_node) {  // nobody is free
      ++found.replicas.short_of;
      continue;
    }
    const std::size_t at = walk_to(ring, position, [&](std::uint32_t other) {
      return racks.at(other, standing) == least && free(other);
    });
    if (at == ring.nodes.size()) {  // not any more: `healthy` has changed its mind
      ++found.replicas.short_of;
      continue;
    }
    standing.push_back(ring.nodes[at]);
    racks.add(ring.nodes[at], found.replicas);
    found.hints.push_back(node);
  }
  return found;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
