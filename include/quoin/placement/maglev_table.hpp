// SPDX-License-Identifier: BSL-1.0
/// @file
/// Maglev hashing: the owner of a key is one load from a table, and every node owns as much of it as
/// its weight says.
///
/// Use it where lookups are many and evenness counts: routers, load balancers, caches. A change of
/// the nodes moves a few more keys than it must (below); where not one may move, as for stored data,
/// take `hash_ring` or `rendezvous`.
///
/// Guarantee   entries of nodes of equal weight differ by one at most. Entry for entry Envoy's table
///             ("maglev" policy, without locality weights) when nodes are named as there, and thus
///             the paper's: offset = XXH64(name) mod M, skip = XXH64(name, seed 1) mod (M - 1) + 1;
///             the order in which nodes came does not matter.
/// Disruption  with 65,537 entries the removal of one of 10, 100, 1,000 nodes moves, beside that
///             node's keys, 0.3, 0.6, 0.6 % of the others (ten times the entries: 0.05, 0.1, 0.3 %).
/// Cost        lookup: two multiplications and one load, from 128 KiB for up to 65,535 nodes. Change:
///             the table is built anew, O(M log M), 1 to 2 ms at the default size, 2 to
///             4 with weights.
/// Threads     like a standard container: any number of readers, or one writer.
/// Source      Eisenbud et al. 2016, "Maglev: a fast and reliable software network load balancer",
///             NSDI, section 3.4; weights: Envoy's maglev_lb.cc.
///
/// @code
/// quoin::maglev_table<> table({{"10.0.0.1:80"}, {"10.0.0.2:80", 2}});  // the second twice as able
/// const std::string& node = table.owner("user:42");
/// table.add("10.0.0.3:80");
/// table.remove("10.0.0.1:80");
/// @endcode
#ifndef QUOIN_PLACEMENT_MAGLEV_TABLE_HPP
#define QUOIN_PLACEMENT_MAGLEV_TABLE_HPP

#include <quoin/detail/keys.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_maglev.hpp>
#include <quoin/detail/placement_weighted.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// The size of the table.
struct maglev_options {
  /// M, a prime from 2 to 2^31 - 1 and no less than the number of nodes: a hundred entries for each
  /// node keep nodes within 1 %. Envoy takes up to 5,000,011.
  std::uint32_t table_size = 65537;
  std::uint64_t seed = 0;  ///< of `Hash`, which hashes keys; the table does not depend on it

  friend bool operator==(const maglev_options&, const maglev_options&) = default;
};

/// The table. A value type.
/// @tparam Node  copyable, ordered by <. Its name is its bytes if it has bytes (as a string), else
///               those of its `quoin::hash`.
/// @tparam Hash  a hasher of the keys. Envoy's own are XXH64 of what its hash policies select.
template <detail::placement_node Node = std::string, class Hash = hash>
class maglev_table {
 public:
  using node_type = Node;
  using hasher_type = Hash;

  /// Without nodes. Throws `std::invalid_argument` unless the table's size is prime.
  explicit maglev_table(const maglev_options& options = {})
      : remainder_(require_size(options.table_size)),
        seed_(options.seed),
        hash_(detail::make_hash<Hash>(options.seed)) {}

  /// Of `nodes`, as by `add_many`.
  explicit maglev_table(std::span<const weighted_node<Node>> nodes,
                        const maglev_options& options = {})
      : maglev_table(options) {
    add_many(nodes);
  }
  maglev_table(std::initializer_list<weighted_node<Node>> nodes, const maglev_options& options = {})
      : maglev_table(std::span(nodes.begin(), nodes.size()), options) {}

  // --- change -------------------------------------------------------------------------------------

  /// Adds a node. Throws `std::invalid_argument` if it is there, if `weight` is 0, if all weights
  /// come to 2^32 or if the table has fewer entries than nodes. Whatever throws, nothing changes.
  /// Builds the table, O(M log M), as every change does.
  void add(const Node& node, std::uint32_t weight = 1) {
    const weighted_node<Node> one[] = {{node, weight}};
    add_many(one);
  }

  /// Adds all of `nodes`, and builds the table once.
  void add_many(std::span<const weighted_node<Node>> nodes) { rebuild(nodes_.with(type, nodes)); }

  /// Removes a node. Throws `std::invalid_argument` if it is not there.
  void remove(const Node& node) { rebuild(nodes_.without(nodes_.index_of(type, node))); }

  /// Gives a node another weight. Throws as `add` and `remove`.
  void set_weight(const Node& node, std::uint32_t weight) {
    rebuild(nodes_.reweighted(type, nodes_.index_of(type, node), weight));
  }

  void clear() noexcept {
    nodes_ = {};
    small_.clear();
    large_.clear();
  }

  // --- lookup -------------------------------------------------------------------------------------

  /// The node of `key`. Throws `std::out_of_range` when there are no nodes, as all lookups do.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] const Node& owner(const Key& key) const {
    return owner_of_hash(detail::hash_key(hash_, key));
  }

  /// Its position in `nodes()`.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return owner_index_of_hash(detail::hash_key(hash_, key));
  }

  /// The node of the key whose 64-bit hash is `hash`: entry `hash % table_size()`.
  [[nodiscard]] const Node& owner_of_hash(std::uint64_t hash) const {
    return nodes_.nodes()[owner_index_of_hash(hash)];
  }

  /// Its position in `nodes()`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    const std::uint32_t entry = remainder_(hash);
    if (!small_.empty()) return small_[entry];
    if (large_.empty()) detail::fail_empty(type);
    return large_[entry];
  }

  /// The node for another attempt at the same key: the same as before for `attempt` 0, and then
  /// whichever Envoy takes; two attempts may give one node.
  [[nodiscard]] const Node& owner_of_attempt(std::uint64_t hash, std::uint32_t attempt) const {
    return owner_of_hash(attempt == 0 ? hash : hash ^ (~std::uint64_t{0} - attempt + 1));
  }

  /// `out[i] =` the position in `nodes()` of the owner of `keys[i]`, for a contiguous range of keys.
  /// `out` has as many elements at least (else throws `std::invalid_argument`).
  template <class Keys>
  void owners_many(const Keys& keys, std::span<std::uint32_t> out) const {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    each_block(all.size(), out, detail::hashes_of(hash_, std::span<const key_type>(all)));
  }

  /// `owners_many` for keys hashed already.
  void owners_of_hash_many(std::span<const std::uint64_t> hashes,
                           std::span<std::uint32_t> out) const {
    each_block(hashes.size(), out, detail::hashes_of(hashes));
  }

  // --- what there is ------------------------------------------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] bool contains(const Node& node) const { return nodes_.contains(node); }

  /// The position of a node in `nodes()`. Throws `std::invalid_argument` if it is not there.
  [[nodiscard]] std::uint32_t index_of(const Node& node) const {
    return static_cast<std::uint32_t>(nodes_.index_of(type, node));
  }

  /// The nodes in their order, and their weights.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_.nodes(); }
  [[nodiscard]] std::span<const std::uint32_t> weights() const noexcept { return nodes_.weights(); }

  [[nodiscard]] std::uint32_t table_size() const noexcept { return remainder_.divisor(); }

  /// The position in `nodes()` that entry `i` holds; `i` is below `table_size()`.
  [[nodiscard]] std::uint32_t entry(std::uint32_t i) const { return owner_index_of_hash(i); }

  /// The part of all hashes that `node` owns, [0, 1]: its entries. O(M). Throws `std::invalid_argument`
  /// if it is not there.
  [[nodiscard]] double load_share(const Node& node) const {
    const std::uint32_t index = index_of(node);
    std::uint32_t entries = 0;
    for (std::uint32_t i = 0; i < table_size(); ++i) entries += entry(i) == index;
    return static_cast<double>(entries) / table_size();
  }

  /// Memory of the table, without that of the nodes' names.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return small_.size() * sizeof(std::uint16_t) + large_.size() * sizeof(std::uint32_t);
  }

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }

  /// Equal nodes, weights, size and seed, hence equal owners.
  friend bool operator==(const maglev_table& a, const maglev_table& b) {
    return a.nodes_ == b.nodes_ && a.table_size() == b.table_size() && a.seed_ == b.seed_;
  }

 private:
  static constexpr const char* type = "maglev_table";
  static constexpr std::size_t most_small = 65535;

  static std::uint32_t require_size(std::uint32_t size) {
    if (size > INT32_MAX || !detail::is_prime(size)) {
      detail::fail_argument(type, "table_size", size, "a prime below 2^31");
    }
    return size;
  }

  void rebuild(detail::weighted_nodes<Node> nodes) {
    if (nodes.size() > table_size()) {
      detail::fail_argument(type, "table_size", table_size(), "at least the number of nodes");
    }
    std::vector<std::uint16_t> small;
    std::vector<std::uint32_t> large;
    if (nodes.size() > most_small) {
      large = filled<std::uint32_t>(nodes);
    } else if (nodes.size() != 0) {
      small = filled<std::uint16_t>(nodes);
    }
    nodes_ = std::move(nodes);
    small_ = std::move(small);
    large_ = std::move(large);
  }

  template <class Entry>
  [[nodiscard]] std::vector<Entry> filled(const detail::weighted_nodes<Node>& nodes) const {
    const std::uint32_t size = table_size();
    std::vector<detail::maglev_order> orders;
    orders.reserve(nodes.size());
    for (const Node& node : nodes.nodes()) {
      orders.push_back({static_cast<std::uint32_t>(detail::name_hash(node, 0) % size),
                        static_cast<std::uint32_t>(detail::name_hash(node, 1) % (size - 1) + 1)});
    }
    std::vector<Entry> table(size);
    detail::fill_maglev<Entry>(
        orders, detail::maglev_turns<detail::strict_double>(nodes.weights(), nodes.total_weight()),
        table);
    return table;
  }

  /// Lookup after lookup is fast enough (the loads do not wait for one another); what a batch saves
  /// is hashing keys one by one and asking each time how wide entries are.
  template <class Hashes>
  void each_block(std::size_t n, std::span<std::uint32_t> out, Hashes hashes_of_block) const {
    if (out.size() < n) {
      detail::fail_argument(type, "out.size()", out.size(), "at least the number of keys");
    }
    if (n == 0) return;
    if (empty()) detail::fail_empty(type);
    constexpr std::size_t block = 256;
    std::uint64_t hashes[block];
    for (std::size_t i = 0; i < n; i += block) {
      const std::size_t count = detail::min_of(block, n - i);
      hashes_of_block(i, count, hashes);
      if (!small_.empty()) {
        for (std::size_t k = 0; k < count; ++k) out[i + k] = small_[remainder_(hashes[k])];
      } else {
        for (std::size_t k = 0; k < count; ++k) out[i + k] = large_[remainder_(hashes[k])];
      }
    }
  }

  detail::weighted_nodes<Node> nodes_;
  std::vector<std::uint16_t> small_;  // one of the two is empty, both without nodes
  std::vector<std::uint32_t> large_;
  detail::fast_remainder remainder_;
  std::uint64_t seed_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
