// SPDX-License-Identifier: BSL-1.0
/// @file
/// A consistent-hash ring: which node owns a key, when nodes come and go and differ in capacity.
///
/// Use it to spread keys over nodes so that a node that joins or leaves moves its own share of the
/// keys and no other: no key moves between two nodes that stay. Prefer `ketama_ring` where clients
/// of memcached must agree, `maglev_table` where evenness counts for more than a few keys moved,
/// `jump_hash` for numbered shards of which only the last ever leaves.
///
/// Guarantee   a node owns its part of the hashes, by weight, with a relative deviation of
///             √((N − 1) / (N·V + 1)) for N nodes of V tokens: 7.1 % at V = 200, not the 5 % that
///             textbooks quote from a lucky sample. With K > 1 `probes` a key goes to the token
///             nearest to any of K places: 1 / √(2·(2K − 1)·V), 4.1 % with two at V = 100, 1.3 % with
///             eight at V = 200 (docs/accuracy-ring.md). With balanced allocation below 1 % with 32
///             tokens a node. `balance()` says what this very ring has.
/// Cost        owner: 2 to 5 ns in the cache, 3 cache lines; each further probe the same again.
///             A change: a copy of the tokens, 0.2 ms for 160,000 of them. A copy of a ring: one
///             atomic addition.
/// Memory      at most 16 bytes a token where there are many, 12 and 4 to 8 KiB where few; 8 more once
///             replicas were asked for (see `cached_replicas`).
/// Threads     a value type. Copies share what they hold and may be used in different threads.
/// Bytes       format 0x0301, docs/formats.md.
/// Source      Karger et al. 1997 (rings); DeCandia et al. 2007 (virtual nodes); Appleton, O'Reilly
///             2015 (probes; in one direction); search: detail/placement_tokens.hpp; shares and
///             deviation under K probes: detail/placement_ring_load.hpp.
///
/// @code
/// quoin::hash_ring<std::string> ring({.virtual_nodes = 160});
/// ring.add("cache-1", {.weight = 2, .zone = "eu-1"});
/// ring.add("cache-2");
/// const std::string& node = ring.owner("user:42");
/// ring.owners_many(keys, out);          // numbers in ring.nodes(), or pointers
/// ring.replace("cache-2", "cache-3");   // moves the keys of cache-2, and nothing else
/// for (const auto& node : ring.replicas("user:42", 3)) write(node);  // zones apart
/// @endcode
#ifndef QUOIN_PLACEMENT_HASH_RING_HPP
#define QUOIN_PLACEMENT_HASH_RING_HPP

#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_ranges.hpp>
#include <quoin/detail/placement_replica_set.hpp>
#include <quoin/detail/placement_ring_bytes.hpp>
#include <quoin/detail/placement_ring_replicas.hpp>
#include <quoin/detail/placement_shared.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A node and what is told of it, for rings built from many.
template <class Node>
struct ring_member {
  Node node;
  ring_node_options options = {};
};

/// How evenly a ring spreads its keys: the shares of its nodes, each as a multiple of what its
/// weight entitles it to.
struct ring_balance {
  double min = 0;                 ///< of the least loaded node
  double max = 0;                 ///< of the most loaded one: peak to mean where weights are equal
  double standard_deviation = 0;  ///< around 1
};

/// The ring. Nodes are values that compare with < and that `Hash` hashes: strings, integers, types
/// of your own. A moved-from ring may only be destroyed, assigned to or swapped.
/// @tparam Hash  a hasher of keys and nodes, default- or seed-constructible. One that is not
///               avalanching (see `is_avalanching_v`) is mixed here.
template <class Node = std::string, class Hash = hash>
class hash_ring {
  using state = detail::ring_state<Node>;

 public:
  using node_type = Node;
  using hasher_type = Hash;
  using member = ring_member<Node>;

  // --- construction -----------------------------------------------------------------------------

  /// A ring without nodes. Throws `std::invalid_argument` naming the option that is out of range.
  explicit hash_ring(const hash_ring_options& options = {})
      : hash_(detail::make_hash<Hash>(options.seed)) {
    if (options.virtual_nodes - 1 >= detail::largest_virtual_nodes) {
      detail::fail_argument("hash_ring", "virtual_nodes", options.virtual_nodes, "1 to 2^20");
    }
    if (options.probes - 1 >= detail::most_probes) {
      detail::fail_argument("hash_ring", "probes", options.probes, "1 to 64");
    }
    if (options.cached_replicas > detail::node_list::inline_size) {
      detail::fail_argument("hash_ring", "cached_replicas", options.cached_replicas, "0 to 8");
    }
    if (options.allocation == token_allocation::balanced && options.probes != 1) {
      detail::fail_argument("hash_ring", "probes", options.probes, "1 with balanced allocation");
    }
    state empty;
    empty.options = options;
    state_ = shared(std::move(empty));
  }

  /// A ring of `nodes`, each of weight 1; throws as `add_many`.
  hash_ring(const hash_ring_options& options, std::span<const Node> nodes) : hash_ring(options) {
    add_many(nodes);
  }

  /// A ring of `members`; throws as `add_many`.
  hash_ring(const hash_ring_options& options, std::span<const member> members)
      : hash_ring(options) {
    add_many(members);
  }

  // --- nodes ------------------------------------------------------------------------------------
  // Each makes a new state of the ring, counted by `epoch()`; if it throws nothing has changed.
  // O(tokens). What `nodes()` and the lookups gave is then no longer valid for this ring; copies
  // made before keep the old state.

  /// Adds a node with `weight · virtual_nodes` tokens, rounded, but at least one. Takes keys from
  /// the others, its share in all, and moves none between them. Throws `std::invalid_argument` with
  /// the name of a node that is there already, and for a weight that is not above 0.
  void add(const Node& node, const ring_node_options& options = {}) {
    const member one{node, options};
    add_many(std::span(&one, 1));
  }

  /// Adds nodes of weight 1 at once: O(tokens) for all of them together.
  void add_many(std::span<const Node> nodes) {
    std::vector<member> members;
    members.reserve(nodes.size());
    for (const Node& node : nodes) members.push_back({node, {}});
    add_many(members);
  }

  /// Adds members at once: O(tokens) for all of them together, but with balanced allocation, where
  /// they join one after the other in ascending order, for each. Throws as `add`.
  void add_many(std::span<const member> members) {
    if (members.empty()) return;
    const auto order = detail::sorted_order(members.size(), [&](std::size_t a, std::size_t b) {
      return members[a].node < members[b].node;
    });
    std::vector<detail::ring_arrival<Node>> coming;
    coming.reserve(members.size());
    for (const std::uint32_t i : order) {
      const auto& [node, options] = members[i];
      if (contains(node) || (!coming.empty() && !(coming.back().node < node))) {
        detail::fail_node("hash_ring", node, "is in the ring already");
      }
      require_label("zone.size()", options.zone);
      require_label("rack.size()", options.rack);
      coming.push_back({node,
                        {detail::hash_key(hash_, node), options.weight, points_of(options.weight)},
                        options.zone,
                        options.rack});
    }
    detail::separate_seeds(state_->entries, coming);
    const std::size_t count = checked_token_count(coming);
    if (options().allocation == token_allocation::balanced) {
      return become(detail::joined_balanced(*state_, std::move(coming)));
    }
    detail::ring_points points;
    points.reserve(count);
    for (std::uint32_t i = 0; i < coming.size(); ++i) {
      detail::add_points(points, coming[i].entry.token_seed, i, 0, coming[i].entry.points);
    }
    detail::sort_points(points);
    become(detail::changed(*state_, {}, std::move(coming), std::move(points)));
  }

  /// Removes a node: its keys go to the others, and no other key moves. Throws
  /// `std::invalid_argument` with the name of a node that is not there.
  void remove(const Node& node) {
    const std::uint32_t number = index_of(node);
    become(detail::changed(*state_, std::span(&number, 1), {}, {}));
  }

  /// Puts `replacement` in the place of `node`: it inherits tokens, weight, zone and rack, so that
  /// the keys of `node` move to it and no other key moves. Throws `std::invalid_argument` with the
  /// name if `node` is not there or `replacement` is.
  void replace(const Node& node, const Node& replacement) {
    const std::uint32_t number = index_of(node);
    if (contains(replacement)) {
      detail::fail_node("hash_ring", replacement, "is in the ring already");
    }
    const auto& [zone, rack] = state_->racks.of(number);
    std::vector<detail::ring_arrival<Node>> coming;
    coming.push_back({replacement, state_->entries[number], zone, rack});
    detail::ring_points points;
    for (const std::uint64_t token : state_->tokens_of(number)) points.push_back({token, 0});
    become(detail::changed(*state_, std::span(&number, 1), std::move(coming), std::move(points)));
  }

  /// Changes the weight of a node: it keeps the tokens it has and gets more, or keeps some of them,
  /// so that keys move to the node or from it and not between others. Throws
  /// `std::invalid_argument` for an unknown node or a weight that is not above 0.
  void set_weight(const Node& node, double weight) {
    const std::uint32_t number = index_of(node);
    const std::uint32_t points = points_of(weight);
    check_token_count(token_count() - state_->entries[number].points + points);
    become(detail::reweighted(*state_, number, weight, points));
  }

  /// The nodes in ascending order. Valid until the ring changes and no copy is left.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return state_->nodes; }

  [[nodiscard]] std::size_t size() const noexcept { return state_->nodes.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  [[nodiscard]] bool contains(const Node& node) const {
    return state_->find(node) != detail::dropped_node;
  }

  /// The number of a node: its position in `nodes()`. O(log n) comparisons. Throws
  /// `std::invalid_argument` with the name of a node that is not there.
  [[nodiscard]] std::uint32_t index_of(const Node& node) const {
    const std::uint32_t number = state_->find(node);
    if (number == detail::dropped_node) {
      detail::fail_node("hash_ring", node, "is not in the ring");
    }
    return number;
  }

  /// What is known of a node; throw as `index_of`.
  [[nodiscard]] double weight_of(const Node& node) const { return entry_of(node).weight; }
  [[nodiscard]] std::uint32_t virtual_nodes_of(const Node& node) const {
    return entry_of(node).points;
  }
  [[nodiscard]] std::string_view zone_of(const Node& node) const {
    return state_->zones.of(index_of(node));
  }
  [[nodiscard]] std::string_view rack_of(const Node& node) const {
    return state_->racks.of(index_of(node)).second;
  }

  // --- lookup -----------------------------------------------------------------------------------
  // Without nodes each throws `std::out_of_range`.

  /// The node that owns `key`. Valid until the ring changes and no copy is left.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] const Node& owner(const Key& key) const {
    return owner_of_hash(detail::hash_key(hash_, key));
  }

  /// The node that owns the key whose 64-bit hash is `hash`. All 64 bits must be good.
  [[nodiscard]] const Node& owner_of_hash(std::uint64_t hash) const {
    return state_->nodes[owner_index_of_hash(hash)];
  }

  /// The number in `nodes()` of the node that owns `key`.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return owner_index_of_hash(detail::hash_key(hash_, key));
  }

  /// The number in `nodes()` of the node that owns the key whose hash is `hash`.
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    const state& ring = *state_;
    if (ring.tokens.empty()) [[unlikely]]
      detail::fail_empty("hash_ring");
    if (ring.options.probes == 1) return ring.tokens.owner(hash);
    return detail::nearest_owner(ring.tokens, ring.options.probes, hash);
  }

  /// The owners of a contiguous range of keys: `out[i]` is the number in `nodes()` of the node that
  /// owns `keys[i]`, the fastest form. `out` has as many elements at least (else throws
  /// `std::invalid_argument`). Hashing and cache misses overlap.
  template <class Keys>
  void owners_many(const Keys& keys, std::span<std::uint32_t> out) const {
    each_block(hashes_of(keys), std::span(keys).size(), out);
  }

  /// The same with pointers into `nodes()`.
  template <class Keys>
  void owners_many(const Keys& keys, std::span<const Node*> out) const {
    each_block(hashes_of(keys), std::span(keys).size(), out);
  }

  /// `owners_many` for keys hashed already.
  void owners_of_hash_many(std::span<const std::uint64_t> hashes,
                           std::span<std::uint32_t> out) const {
    require_nodes(hashes.size(), out.size());
    if (!hashes.empty()) owners_of_block(hashes, out.data());
  }
  void owners_of_hash_many(std::span<const std::uint64_t> hashes,
                           std::span<const Node*> out) const {
    each_block(detail::hashes_of(hashes), hashes.size(), out);
  }

  // --- replicas ---------------------------------------------------------------------------------
  // Each next replica is, clockwise from the owner's token, the first node that has none yet in a
  // zone with as few as any, and there in a rack with as few as any: different zones as long as
  // there are any, then evenly filled ones, and so with racks. The set of n begins with that of
  // n - 1. Up to 8 are found without an allocation, up to `cached_replicas` at the cost of a lookup
  // once they were asked for. What could not be met the set says.

  /// The `n` nodes that hold `key`, its owner first; all nodes if there are no more. Throws
  /// `std::out_of_range` without nodes.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] replica_set<Node> replicas(const Key& key, std::size_t n) const {
    return replicas_of_hash(detail::hash_key(hash_, key), n);
  }

  /// The `n` nodes that hold the key whose hash is `hash`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE replica_set<Node> replicas_of_hash(std::uint64_t hash,
                                                                       std::size_t n) const {
    return {*state_, hash, n};
  }

  /// Of the `n` nodes that hold `key` those that are healthy, and for each other one a stand-in by
  /// the same rule among healthy nodes that do not hold the key, with a hint for whom: a sloppy
  /// quorum. O(1) if all `n` are healthy, else O(nodes) for each that is not.
  /// @param healthy  predicate of a node
  template <detail::hashable_by<Hash> Key, class Healthy>
  requires std::predicate<Healthy&, const Node&>
  [[nodiscard]] healthy_replica_set<Node> replicas(const Key& key, std::size_t n,
                                                   Healthy healthy) const {
    return replicas_of_hash(detail::hash_key(hash_, key), n, healthy);
  }

  /// `replicas(key, n, healthy)` of the key whose hash is `hash`.
  template <class Healthy>
  requires std::predicate<Healthy&, const Node&>
  [[nodiscard]] healthy_replica_set<Node> replicas_of_hash(std::uint64_t hash, std::size_t n,
                                                           Healthy healthy) const {
    return {state_->nodes.data(), detail::healthy_replicas_of(*state_, hash, n, healthy)};
  }

  // --- ownership --------------------------------------------------------------------------------

  /// The tokens of a node, ascending. O(tokens). Throws as `index_of`.
  [[nodiscard]] std::vector<std::uint64_t> tokens_of(const Node& node) const {
    return state_->tokens_of(index_of(node));
  }

  /// The ranges of hashes that a node owns, ascending, as few as there can be. O(tokens). Throws as
  /// `index_of`, and `std::invalid_argument` naming `probes` when those are more than one: the keys
  /// of a node are then scattered over the whole ring.
  [[nodiscard]] std::vector<hash_range> ranges_of(const Node& node) const {
    const std::uint32_t number = index_of(node);
    if (options().probes != 1) {
      detail::fail_argument("hash_ring", "probes", options().probes, "1 for nodes to own ranges");
    }
    return detail::ranges_of_node({tokens(), token_owners()}, number);
  }

  /// The part of all keys that a node owns, exactly, whatever the number of probes (see
  /// detail/placement_ring_load.hpp). O(tokens). Throws as `index_of`.
  [[nodiscard]] double load_share(const Node& node) const {
    const std::uint32_t number = index_of(node);
    return load_shares()[number];
  }

  /// The parts of all nodes, in the order of `nodes()`; they add up to 1. O(tokens).
  [[nodiscard]] std::vector<double> load_shares() const {
    return detail::load_shares(state_->tokens, state_->options.probes, size());
  }

  /// How evenly the keys are spread; all 0 without nodes. O(tokens).
  [[nodiscard]] ring_balance balance() const {
    double weights = 0;
    for (const auto& entry : state_->entries) weights += entry.weight;
    ring_balance result;
    const std::vector<double> shares = load_shares();
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const double load = shares[i] / (state_->entries[i].weight / weights);
      result.min = i == 0 ? load : detail::min_of(result.min, load);
      result.max = detail::max_of(result.max, load);
      result.standard_deviation += (load - 1) * (load - 1) / static_cast<double>(shares.size());
    }
    result.standard_deviation = __builtin_sqrt(result.standard_deviation);
    return result;
  }

  // --- introspection ----------------------------------------------------------------------------

  [[nodiscard]] const hash_ring_options& options() const noexcept { return state_->options; }

  /// Changes since the ring was made; `add_many` is one.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return state_->epoch; }

  [[nodiscard]] std::size_t token_count() const noexcept { return state_->tokens.size(); }

  /// All tokens in ascending order, equal ones by node, and the number of the node of each: the
  /// ring itself. Valid until the ring changes and no copy is left.
  [[nodiscard]] std::span<const std::uint64_t> tokens() const noexcept {
    return state_->tokens.tokens();
  }
  [[nodiscard]] std::span<const std::uint32_t> token_owners() const noexcept {
    return state_->tokens.nodes();
  }

  /// The zone and the rack of each node, in the order of `nodes()`, as small numbers: equal ones
  /// for equal names. Racks of different zones are different.
  [[nodiscard]] std::span<const std::uint32_t> zone_numbers() const noexcept {
    return state_->zones.numbers;
  }
  [[nodiscard]] std::span<const std::uint32_t> rack_numbers() const noexcept {
    return state_->racks.numbers;
  }

  /// The same options, nodes with the same attributes, and tokens; not necessarily as many changes.
  friend bool operator==(const hash_ring& a, const hash_ring& b) {
    if (a.state_ == b.state_) return true;
    return a.alike(b.options()) && a.state_->nodes == b.state_->nodes &&
           a.state_->entries == b.state_->entries && a.state_->racks == b.state_->racks &&
           a.state_->tokens == b.state_->tokens;
  }

  void swap(hash_ring& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(hash_ring& a, hash_ring& b) noexcept { a.swap(b); }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of `to_bytes()`.
  [[nodiscard]] std::size_t serialized_size()
      const noexcept requires detail::serializable_node<Node> {
    return detail::framed_size(detail::ring_parameters, detail::ring_payload_size(*state_));
  }

  /// The native form, tokens included: another language needs no hash function to read it. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const requires detail::serializable_node<Node> {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// Writes the native form into `out` and returns its size. Throws `std::invalid_argument`, with
  /// nothing written, when it does not fit.
  std::size_t write_to(std::span<std::byte> out) const requires detail::serializable_node<Node> {
    const std::size_t needed = serialized_size();
    if (out.size() < needed) {
      detail::fail_argument("hash_ring", "out.size()", out.size(), "at least serialized_size()");
    }
    detail::write_ring<Node, Hash>(*state_, out.first(needed));
    return needed;
  }

  /// The ring that `to_bytes` wrote, or why not. Never throws for the content of `bytes`, and
  /// allocates in proportion to their number, whatever they say. O(size).
  [[nodiscard]] static expected<hash_ring, error> from_bytes(
      std::span<const std::byte> bytes) requires detail::serializable_node<Node> {
    auto read = detail::ring_reader<Node, Hash>::read(bytes);
    if (!read) return unexpected(read.error());
    return hash_ring(std::move(*read));
  }

 private:
  using shared = detail::shared_const<state>;
  static constexpr std::size_t block = 128;

  explicit hash_ring(state&& ring)
      : hash_(detail::make_hash<Hash>(ring.options.seed)), state_(std::move(ring)) {}

  [[nodiscard]] bool alike(hash_ring_options other) const noexcept {
    other.cached_replicas = options().cached_replicas;
    return options() == other;
  }

  void become(state&& next) { state_ = shared(std::move(next)); }

  [[nodiscard]] const detail::ring_entry& entry_of(const Node& node) const {
    return state_->entries[index_of(node)];
  }

  [[nodiscard]] std::uint32_t points_of(double weight) const {
    const auto points = detail::points_of_weight(weight, state_->options.virtual_nodes);
    if (points == 0) {
      detail::fail_argument("hash_ring", "weight", weight,
                            "above 0 and at most 2^28 / virtual_nodes");
    }
    return points;
  }

  static void require_label(const char* what, const std::string& label) {
    if (label.size() > detail::longest_label) {
      detail::fail_argument("hash_ring", what, label.size(), "at most 255");
    }
  }

  static void check_token_count(std::uint64_t count) {
    if (count > detail::largest_token_count) {
      detail::fail_argument("hash_ring", "number of tokens", count, "at most 2^31");
    }
  }

  /// The number of tokens that come, if there is room for them.
  template <class Coming>
  [[nodiscard]] std::size_t checked_token_count(const Coming& coming) const {
    std::uint64_t count = 0;
    for (const auto& arrival : coming) count += arrival.entry.points;
    check_token_count(count + token_count());
    return static_cast<std::size_t>(count);
  }

  void require_nodes(std::size_t keys, std::size_t room) const {
    if (room < keys) {
      detail::fail_argument("hash_ring", "out.size()", room, "at least the number of keys");
    }
    if (keys != 0 && empty()) detail::fail_empty("hash_ring");
  }

  template <class Keys>
  [[nodiscard]] auto hashes_of(const Keys& keys) const {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    return detail::hashes_of(hash_, std::span<const key_type>(all));
  }

  void owners_of_block(std::span<const std::uint64_t> hashes, std::uint32_t* out) const noexcept {
    if (state_->options.probes == 1) return state_->tokens.owners(hashes, out);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      out[i] = detail::nearest_owner(state_->tokens, state_->options.probes, hashes[i]);
    }
  }

  template <class Hashes, class Out>
  void each_block(Hashes hashes_of_block, std::size_t n, std::span<Out> out) const {
    require_nodes(n, out.size());
    std::uint64_t hashes[block];
    for (std::size_t first = 0; first < n; first += block) {
      const std::size_t count = detail::min_of(block, n - first);
      hashes_of_block(first, count, hashes);
      if constexpr (std::same_as<Out, std::uint32_t>) {
        owners_of_block({hashes, count}, &out[first]);
      } else {
        std::uint32_t numbers[block];
        owners_of_block({hashes, count}, numbers);
        for (std::size_t i = 0; i < count; ++i) out[first + i] = &state_->nodes[numbers[i]];
      }
    }
  }

  [[no_unique_address]] Hash hash_;
  shared state_;
};

/// True when `key` has another owner in `after` than in `before`, which share a hash and a seed.
/// Throws `std::out_of_range` when one is empty.
template <class Node, class Hash, detail::hashable_by<Hash> Key>
[[nodiscard]] bool would_move(const hash_ring<Node, Hash>& before,
                              const hash_ring<Node, Hash>& after, const Key& key) {
  return !(before.owner(key) == after.owner(key));
}

/// The part of all keys that have another owner in `after` than in `before`: with one probe exactly,
/// in O(tokens); with several from a sample of `samples` hashes, always the same ones, so that the
/// standard error is √(p(1 − p) / samples). Throws `std::out_of_range` when one ring is empty.
template <class Node, class Hash>
[[nodiscard]] double moved_share(const hash_ring<Node, Hash>& before,
                                 const hash_ring<Node, Hash>& after,
                                 std::uint32_t samples = 1u << 16) {
  if (before.empty() || after.empty()) detail::fail_empty("hash_ring");
  const auto moves = [&](std::uint32_t from, std::uint32_t to) {
    return !(before.nodes()[from] == after.nodes()[to]);
  };
  if (before.options().probes == 1 && after.options().probes == 1) {
    detail::range_sum moved;
    detail::for_each_overlap(before.tokens(), after.tokens(),
                             [&](hash_range range, std::size_t i, std::size_t j) {
                               if (moves(before.token_owners()[i], after.token_owners()[j])) {
                                 moved.add(range);
                               }
                             });
    return moved.share();
  }
  std::uint32_t moved = 0;
  for (std::uint32_t i = 0; i < samples; ++i) {
    const std::uint64_t h = hash{}(i);
    moved += moves(before.owner_index_of_hash(h), after.owner_index_of_hash(h));
  }
  return static_cast<double>(moved) / samples;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
