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
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// A list of node numbers that needs memory of its own only when it is longer than eight.
class node_list {
 public:
  static constexpr std::size_t inline_size = 8;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const std::uint32_t* begin() const noexcept {
    return size_ <= inline_size ? inline_ : more_.data();
  }
  [[nodiscard]] const std::uint32_t* end() const noexcept { return begin() + size_; }
  [[nodiscard]] std::uint32_t operator[](std::size_t i) const noexcept { return begin()[i]; }

  /// Becomes `n` nodes, at most `inline_size`.
  void assign(const std::uint32_t* nodes, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) inline_[i] = nodes[i];
    size_ = n;
  }

  void push_back(std::uint32_t node) {
    if (size_ < inline_size) {
      inline_[size_] = node;
    } else {
      if (size_ == inline_size) more_.assign(inline_, inline_ + inline_size);
      more_.push_back(node);
    }
    ++size_;
  }

 private:
  std::size_t size_ = 0;
  std::uint32_t inline_[inline_size] = {};
  std::vector<std::uint32_t> more_;
};

/// Replicas in the order of preference, and what of the rule they could not meet.
struct replica_nodes {
  node_list nodes;
  std::uint32_t short_of = 0;   // so many fewer than were asked for
  bool zones_repeated = false;  // two of them share a zone
  bool racks_repeated = false;  // two of them share a rack
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
    to.zones_repeated |= zones_stated_ && met.in_zone > 0;
    to.racks_repeated |= racks_stated_ && met.in_rack > 0;
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

/// Replica sets of one size, remembered for each token once they have been asked for. Any number of
/// threads use it at once, without waiting: a word is written whole, and all write the same.
class replica_cache {
 public:
  replica_cache() noexcept = default;

  /// For `n` replicas at each of `tokens`. Remembers nothing if there is no memory. Zeroed memory
  /// that is not touched costs no pages.
  replica_cache(std::size_t tokens, std::size_t n) noexcept
      : words_(n != 0 && n <= node_list::inline_size
                   ? static_cast<std::uint32_t*>(std::calloc(tokens, n * sizeof(std::uint32_t)))
                   : nullptr),
        n_(words_ == nullptr ? 0 : n) {}

  replica_cache(replica_cache&& other) noexcept
      : words_(std::exchange(other.words_, nullptr)), n_(std::exchange(other.n_, 0)) {}
  replica_cache& operator=(replica_cache&& other) noexcept {
    std::swap(words_, other.words_);
    std::swap(n_, other.n_);
    return *this;
  }
  ~replica_cache() { std::free(words_); }

  /// Replicas in each set; 0 if there is nothing to be remembered.
  [[nodiscard]] std::size_t replicas() const noexcept { return n_; }

  /// Reads into `found`, which is new, the first `n` of the set at `position`, 1 to `replicas()`:
  /// those are the set of `n`. False if it is not known yet.
  [[nodiscard]] bool load(std::size_t position, std::size_t n,
                          replica_nodes& found) const noexcept {
    const std::uint32_t* const words = words_ + position * n_;
    // Relaxed: a word stands for itself, what it was made of does not change.
    std::uint32_t word = __atomic_load_n(words, __ATOMIC_RELAXED);
    std::uint32_t nodes[node_list::inline_size];
    std::size_t size = 0;
    for (std::uint32_t last = word; last != nobody;) {
      if (last == 0) return false;
      word = last;
      nodes[size++] = (word & node_mask) - 1;
      if (size == n) break;
      last = __atomic_load_n(words + size, __ATOMIC_RELAXED);
    }
    found.nodes.assign(nodes, size);
    found.short_of = static_cast<std::uint32_t>(n - size);
    found.zones_repeated = (word & zone_flag) != 0;  // by this node or one before
    found.racks_repeated = (word & rack_flag) != 0;
    return true;
  }

  /// Remembers `set`, of `replicas()` nodes or fewer.
  void store(std::size_t position, const replica_nodes& set, const rack_table& racks) const {
    std::uint32_t* const words = words_ + position * n_;
    replica_nodes so_far;
    for (std::size_t i = 0; i < n_; ++i) {
      std::uint32_t word = nobody;
      if (i < set.nodes.size()) {
        racks.add(set.nodes[i], so_far);
        word = set.nodes[i] + 1;
        if (word >= nobody) return;  // more nodes than a word can tell
        word |= (so_far.zones_repeated ? zone_flag : 0) | (so_far.racks_repeated ? rack_flag : 0);
      }
      __atomic_store_n(words + i, word, __ATOMIC_RELAXED);
    }
  }

 private:
  // A word is 0 while unknown, else the node + 1 and what the nodes up to it repeat.
  static constexpr std::uint32_t zone_flag = std::uint32_t{1} << 31;
  static constexpr std::uint32_t rack_flag = std::uint32_t{1} << 30;
  static constexpr std::uint32_t node_mask = rack_flag - 1;
  static constexpr std::uint32_t nobody = node_mask;

  std::uint32_t* words_ = nullptr;
  std::size_t n_ = 0;
};

/// All that a ring keeps to choose replicas by.
struct ring_replicas {
  rack_table racks;
  replica_cache cache;

  /// `replicas_at` into `found`, which is new, from memory if it can be.
  void find(const token_ring& ring, std::size_t position, std::size_t n,
            replica_nodes& found) const {
    if (n - 1 < cache.replicas()) {
      if (cache.load(position, n, found)) [[likely]]
        return;
      cache.store(position, replicas_at(ring, position, cache.replicas(), racks), racks);
    }
    found = replicas_at(ring, position, n, racks);
  }
};

/// A `T` that is made when it is first asked for, by whichever thread comes first. Move-only.
template <class T>
class made_once {
 public:
  made_once() noexcept = default;
  made_once(made_once&& other) noexcept : made_(std::exchange(other.made_, nullptr)) {}
  made_once& operator=(made_once&& other) noexcept {
    std::swap(made_, other.made_);
    return *this;
  }
  ~made_once() { delete made_; }

  /// From any number of threads at once; all get the same, though several may make one.
  template <class Make>
  [[nodiscard]] const T& get(Make make) const {
    T* found = __atomic_load_n(&made_, __ATOMIC_ACQUIRE);
    return found != nullptr ? *found : *made_first(new T(make()));
  }

 private:
  [[nodiscard]] QUOIN_COLD const T* made_first(T* made) const noexcept {
    T* found = nullptr;
    if (__atomic_compare_exchange_n(&made_, &found, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
      return made;
    }
    delete made;
    return found;
  }

  mutable T* made_ = nullptr;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
