// SPDX-License-Identifier: BSL-1.0
/// @file
/// Hash slots: keys fall into 16,384 slots once and for all, and a map says which node holds each.
///
/// This is how Redis Cluster places keys: `hash_slot` is its CLUSTER KEYSLOT, `hash_slots` the map
/// that its clients keep. Use it to route to such a cluster, and to plan how slots should move when
/// nodes come, go or grow. Slots are moved by hand or by plan, not by hashing: as with `hash_ring`,
/// what need not move stays.
///
/// Guarantee   slot for slot Redis', tags in braces included. A plan moves the fewest slots that
///             give each node its share by weight, rounded up or down.
/// Cost        `hash_slot`: eight bytes of the key at a time, 4 KiB of tables. `owner`: that and
///             one load from 32 KiB. Plans: one pass over the slots.
/// Threads     like a standard container.
/// Source      Redis Cluster specification, "Key distribution model" and "Hash tags".
///
/// @code
/// quoin::hash_slot("{user:42}.name");                        // == hash_slot("user:42")
/// quoin::hash_slots<> now({{"10.0.0.1:6379"}, {"10.0.0.2:6379"}});  // half of the slots each
/// now.owner("{user:42}.name");
/// quoin::hash_slots<> next = now;
/// next.add("10.0.0.3:6379");
/// next.rebalance();
/// for (const auto& move : quoin::slot_moves(now, next)) migrate(move.slots, *move.from, *move.to);
/// @endcode
#ifndef QUOIN_PLACEMENT_HASH_SLOTS_HPP
#define QUOIN_PLACEMENT_HASH_SLOTS_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_crc16.hpp>
#include <quoin/detail/placement_weighted.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// Where the first `c` from `from` on is; the size if there is none.
template <byte_like Byte>
[[nodiscard]] constexpr std::size_t find_byte(byte_view<Byte> bytes, char c,
                                              std::size_t from) noexcept {
  if (!std::is_constant_evaluated() && from < bytes.size) {
    const void* const at = std::memchr(bytes.data + from, c, bytes.size - from);
    if (at == nullptr) return bytes.size;
    return static_cast<std::size_t>(static_cast<const Byte*>(at) - bytes.data);
  }
  while (from < bytes.size && static_cast<char>(bytes.data[from]) != c) ++from;
  return from;
}

}  // namespace detail

/// How many slots there are.
inline constexpr std::uint32_t hash_slot_count = 16384;

/// The slot of `key`, 0 … 16383: the CRC-16 of its tag, the bytes between the first `{` and the
/// first `}` behind that, or of all of it if there is no tag or an empty one. O(size).
template <detail::byte_range Key>
[[nodiscard]] constexpr std::uint16_t hash_slot(const Key& key) noexcept {
  const auto bytes = detail::bytes_of(key);
  const auto find = [&](char c, std::size_t from) { return detail::find_byte(bytes, c, from); };
  std::size_t begin = 0, size = bytes.size;
  if (const std::size_t open = find('{', 0); open < bytes.size) {
    const std::size_t close = find('}', open + 1);
    if (close < bytes.size && close > open + 1) {
      begin = open + 1;
      size = close - begin;
    }
  }
  return detail::crc16(bytes.data + begin, size) % hash_slot_count;
}

/// The slots from `first` to `last`, both included.
struct slot_range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  /// How many those are, at least 1; `first` is not above `last`.
  [[nodiscard]] constexpr std::uint32_t size() const noexcept { return last - first + 1u; }
  friend constexpr bool operator==(const slot_range&, const slot_range&) = default;
};

/// Slots that another node holds than before.
template <class Node>
struct slot_move {
  slot_range slots;
  std::optional<Node> from;  ///< who held them; nobody if empty
  std::optional<Node> to;    ///< who holds them now

  friend bool operator==(const slot_move&, const slot_move&) = default;
};

/// Which node holds which slot. A value type; if a change throws, nothing changes.
/// @tparam Node  copyable, ordered by <; up to 16,384 of them.
template <detail::placement_node Node = std::string>
class hash_slots {
 public:
  using node_type = Node;

  /// Without nodes. So is one that was moved from.
  hash_slots() = default;

  /// Of `nodes`, in whose order the slots are dealt out, as many to each as its weight says. Throws
  /// as `add`.
  explicit hash_slots(std::span<const weighted_node<Node>> nodes) : hash_slots() {
    place(nodes_.with(type, nodes));
    rebalance();
  }
  hash_slots(std::initializer_list<weighted_node<Node>> nodes)
      : hash_slots(std::span(nodes.begin(), nodes.size())) {}

  // --- change ------------------------------------------------------------------------------------

  /// Adds a node, which holds no slot yet. Throws `std::invalid_argument` if it is there, if
  /// `weight` is 0, if all weights come to 2^32 or if there are 16,384 nodes.
  /// O(slots + nodes · log(nodes)).
  void add(const Node& node, std::uint32_t weight = 1) {
    const weighted_node<Node> one[] = {{node, weight}};
    place(nodes_.with(type, one));
  }

  /// Removes a node. Nobody holds its slots until they are assigned or `rebalance` is called.
  /// Throws `std::invalid_argument` if it is not there. O(slots + nodes · log(nodes)).
  void remove(const Node& node) { place(nodes_.without(nodes_.index_of(type, node))); }

  /// Gives a node another weight, for `rebalance`. Throws as `add` and `remove`. O(nodes).
  void set_weight(const Node& node, std::uint32_t weight) {
    nodes_ = nodes_.reweighted(type, nodes_.index_of(type, node), weight);
  }

  /// Gives slots to a node, whoever held them. Throws `std::invalid_argument` if the node is not
  /// there or the slots are not. O(slots given).
  void assign(slot_range slots, const Node& node) {
    set(slots, static_cast<std::uint16_t>(index_of(node)));
  }
  void assign(std::uint32_t slot, const Node& node) { assign(only(slot), node); }

  /// Takes slots from whoever holds them. Throws `std::invalid_argument` if there are none such.
  void unassign(slot_range slots) { set(slots, nobody); }
  void unassign(std::uint32_t slot) { unassign(only(slot)); }

  /// Gives each node its share of the slots by weight, rounded up or down, with the fewest moves:
  /// who has too many gives the highest, and where rounding leaves a choice, who has one more keeps
  /// it. Deterministic. O(slots + nodes²). Does nothing without nodes.
  void rebalance() {
    if (size() == 0) return;
    std::vector<std::uint32_t> held = held_by_each();
    const std::vector<std::uint32_t> target = shares(held);
    make_room();
    std::size_t to = 0;
    const auto give = [&](std::size_t slot) {
      while (held[to] >= target[to]) ++to;
      owners_[slot] = static_cast<std::uint16_t>(to);
      ++held[to];
    };
    for (std::size_t slot = 0; slot < hash_slot_count; ++slot) {
      if (owners_[slot] == nobody) give(slot);
    }
    for (std::size_t slot = hash_slot_count; slot-- > 0;) {
      const std::uint16_t from = owners_[slot];
      if (held[from] <= target[from]) continue;
      --held[from];
      give(slot);
    }
  }

  // --- lookup ------------------------------------------------------------------------------------

  /// The node that holds the slot of `key`, bytes or a string literal. Throws `std::out_of_range`
  /// if nobody does, as all lookups but `find_owner` do. The reference holds until nodes change.
  template <detail::byte_range Key>
  [[nodiscard]] const Node& owner(const Key& key) const {
    return owner_of_slot(hash_slot(key));
  }

  /// The same as a number: the position in `nodes()`.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return require_holder(hash_slot(key));
  }

  /// The node that holds `slot`, below 16384.
  [[nodiscard]] const Node& owner_of_slot(std::uint32_t slot) const {
    return nodes_.nodes()[require_holder(slot)];
  }

  /// The same, or null if nobody does.
  [[nodiscard]] const Node* find_owner(std::uint32_t slot) const noexcept {
    const std::uint16_t index = holder(slot);
    return index == nobody ? nullptr : &nodes_.nodes()[index];
  }

  /// The node of slot `hash` mod 16384, for code written for any placement; of a key that Redis
  /// knows ask `owner`.
  [[nodiscard]] const Node& owner_of_hash(std::uint64_t hash) const {
    return nodes_.nodes()[owner_index_of_hash(hash)];
  }
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    return require_holder(static_cast<std::uint32_t>(hash % hash_slot_count));
  }

  /// The owners of a contiguous range of keys: `out[i] = owner_index(keys[i])`. `out` has as many
  /// elements at least (else throws `std::invalid_argument`). Where nobody holds the slot of a key,
  /// those before it are written.
  template <class Keys>
  void owners_many(const Keys& keys, std::span<std::uint32_t> out) const {
    const std::span all(keys);
    if (out.size() < all.size()) {
      detail::fail_argument(type, "out.size()", out.size(), "at least the number of keys");
    }
    for (std::size_t i = 0; i < all.size(); ++i) out[i] = owner_index(all[i]);
  }

  // --- what there is -----------------------------------------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] bool contains(const Node& node) const { return nodes_.contains(node); }

  /// The position of a node in `nodes()`. Throws `std::invalid_argument` if it is not there.
  /// O(log(nodes)).
  [[nodiscard]] std::uint32_t index_of(const Node& node) const {
    return static_cast<std::uint32_t>(nodes_.index_of(type, node));
  }

  /// The nodes in their order, and their weights.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_.nodes(); }
  [[nodiscard]] std::span<const std::uint32_t> weights() const noexcept { return nodes_.weights(); }

  /// The slots of a node, in ascending order. Throws `std::invalid_argument` if it is not there.
  /// O(slots).
  [[nodiscard]] std::vector<slot_range> slots_of(const Node& node) const {
    return ranges_of(static_cast<std::uint16_t>(index_of(node)));
  }

  /// The slots that nobody holds. O(slots).
  [[nodiscard]] std::vector<slot_range> unassigned() const { return ranges_of(nobody); }

  /// How many slots a node holds. Throws `std::invalid_argument` if it is not there. O(slots).
  [[nodiscard]] std::uint32_t slot_count(const Node& node) const {
    const auto index = static_cast<std::uint16_t>(index_of(node));
    std::uint32_t count = 0;
    for (const std::uint16_t owner : owners_) count += owner == index;
    return count;
  }

  /// Equal nodes, weights and slots.
  friend bool operator==(const hash_slots& a, const hash_slots& b) {
    if (a.nodes_.nodes() != b.nodes_.nodes()) return false;
    if (a.nodes_.weights() != b.nodes_.weights()) return false;
    for (std::uint32_t slot = 0; slot < hash_slot_count; ++slot) {
      if (a.holder(slot) != b.holder(slot)) return false;
    }
    return true;
  }

 private:
  static constexpr const char* type = "hash_slots";
  static constexpr std::uint16_t nobody = 0xffff;

  [[noreturn]] static QUOIN_COLD void fail_slot(std::uint32_t slot) {
    const std::string text = "quoin::hash_slots: nobody holds slot " + std::to_string(slot);
#if QUOIN_HAS_EXCEPTIONS
    throw std::out_of_range(text);
#else
    detail::hand_over_failure(text.c_str());
#endif
  }

  static slot_range only(std::uint32_t slot) {
    if (slot >= hash_slot_count) detail::fail_argument(type, "slot", slot, "0 to 16383");
    const auto number = static_cast<std::uint16_t>(slot);
    return {number, number};
  }

  /// Who holds `slot`: nobody if there is no such slot.
  [[nodiscard]] std::uint16_t holder(std::size_t slot) const noexcept {
    return slot < owners_.size() ? owners_[slot] : nobody;
  }
  [[nodiscard]] std::uint16_t require_holder(std::uint32_t slot) const {
    const std::uint16_t index = holder(slot);
    if (index == nobody) [[unlikely]]
      fail_slot(slot);
    return index;
  }

  void make_room() {
    if (owners_.empty()) owners_.assign(hash_slot_count, nobody);
  }

  /// Takes other nodes; slots stay with those that are in both lists.
  void place(detail::weighted_nodes<Node> nodes) {
    if (nodes.size() > hash_slot_count) {
      detail::fail_argument(type, "size", nodes.size(), "at most 16384");
    }
    std::vector<std::uint16_t> numbers(nodes_.size(), nobody);  // of the nodes from now on
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const std::size_t at = nodes.position_of(nodes_.nodes()[i]);
      if (nodes.has_at(at, nodes_.nodes()[i])) numbers[i] = static_cast<std::uint16_t>(at);
    }
    for (std::uint16_t& owner : owners_) {
      if (owner != nobody) owner = numbers[owner];
    }
    nodes_ = std::move(nodes);
  }

  void set(slot_range slots, std::uint16_t owner) {
    if (slots.last >= hash_slot_count || slots.first > slots.last) {
      detail::fail_argument(type, "slots.last", slots.last, "slots.first to 16383");
    }
    make_room();
    for (std::size_t slot = slots.first; slot <= slots.last; ++slot) owners_[slot] = owner;
  }

  [[nodiscard]] std::vector<slot_range> ranges_of(std::uint16_t owner) const {
    std::vector<slot_range> ranges;
    for (std::uint32_t slot = 0; slot < hash_slot_count; ++slot) {
      if (holder(slot) != owner) continue;
      const auto here = static_cast<std::uint16_t>(slot);
      if (!ranges.empty() && ranges.back().last + 1u == slot) {
        ranges.back().last = here;
      } else {
        ranges.push_back({here, here});
      }
    }
    return ranges;
  }

  [[nodiscard]] std::vector<std::uint32_t> held_by_each() const {
    std::vector<std::uint32_t> held(size());
    for (const std::uint16_t owner : owners_) {
      if (owner != nobody) ++held[owner];
    }
    return held;
  }

  /// What each should hold: its quota rounded down, and one more for as many as it takes. Those who
  /// hold more than their quota come first, since each of them then moves one slot less; then the
  /// larger remainder.
  [[nodiscard]] std::vector<std::uint32_t> shares(const std::vector<std::uint32_t>& held) const {
    const std::uint64_t total = nodes_.total_weight();
    std::vector<std::uint32_t> share(size());
    std::vector<std::uint64_t> claim(size());  // 0: none, or served
    std::uint32_t left = hash_slot_count;
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint64_t product = std::uint64_t{nodes_.weights()[i]} * hash_slot_count;
      share[i] = static_cast<std::uint32_t>(product / total);
      claim[i] = product % total;
      if (claim[i] != 0 && held[i] > share[i]) claim[i] += total;
      left -= share[i];
    }
    for (; left != 0; --left) {
      std::size_t first = 0;
      for (std::size_t i = 1; i < size(); ++i) {
        if (claim[i] > claim[first]) first = i;
      }
      ++share[first];
      claim[first] = 0;
    }
    return share;
  }

  detail::weighted_nodes<Node> nodes_;
  // Of each slot: a position in nodes_, or nobody. Empty until slots are given.
  std::vector<std::uint16_t> owners_;
};

namespace detail {

/// Equal nodes, or none on both sides.
template <class A, class B>
[[nodiscard]] bool same_holder(const A& a, const B& b) {
  if (!a || !b) return !a && !b;
  return !(*a < *b) && !(*b < *a);
}

}  // namespace detail

/// What it takes to come from `before` to `after`, in ascending order, in as few ranges as there
/// can be. Nodes are the same that are equal, whatever their weights. O(slots).
template <class Node>
[[nodiscard]] std::vector<slot_move<Node>> slot_moves(const hash_slots<Node>& before,
                                                      const hash_slots<Node>& after) {
  const auto copy = [](const Node* node) {
    return node == nullptr ? std::optional<Node>() : std::optional<Node>(*node);
  };
  std::vector<slot_move<Node>> moves;
  for (std::uint32_t slot = 0; slot < hash_slot_count; ++slot) {
    const Node* const from = before.find_owner(slot);
    const Node* const to = after.find_owner(slot);
    if (detail::same_holder(from, to)) continue;
    const auto here = static_cast<std::uint16_t>(slot);
    if (!moves.empty()) {
      slot_move<Node>& last = moves.back();
      if (last.slots.last + 1u == slot && detail::same_holder(last.from, from) &&
          detail::same_holder(last.to, to)) {
        last.slots.last = here;
        continue;
      }
    }
    moves.push_back({{here, here}, copy(from), copy(to)});
  }
  return moves;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
