// SPDX-License-Identifier: BSL-1.0
/// @file
/// Rendezvous hashing (highest random weight): every node draws for every key, the best draw owns it.
///
/// Use it for up to some dozens of nodes, or where replicas matter most: it needs no memory to speak
/// of, is as even as random can be, exact in weights, never moves a key between two nodes that stay,
/// and its first n nodes are a ready replica list. It asks every node for every key: for hundreds of
/// nodes and many lookups take `maglev_table` or `hash_ring`.
///
/// Guarantee   node i owns w_i / Σw of the keys. When a node comes, goes or changes its weight, keys
///             move to it or from it, and no other. The same owners on every platform: draws and
///             logarithms are integers.
/// Cost        owner: 1 to 1.7 ns a node, with weights 2 to 4 ns and a logarithm or two. 20 bytes a
///             node beside its name, 28 when weights differ.
/// Threads     like a standard container.
/// Source      Thaler, Ravishankar 1996; weights: Schindelhauer, Schomaker 2005 ("logarithmic
///             method"), Mosharraf 2014.
///
/// @code
/// quoin::rendezvous<> nodes({{"a"}, {"b"}, {"c", 2}});     // c owns half of the keys
/// const std::string& node = nodes.owner("user:42");
/// for (const auto i : nodes.replicas("user:42", 2)) write(nodes.nodes()[i], value);
/// @endcode
#ifndef QUOIN_PLACEMENT_RENDEZVOUS_HPP
#define QUOIN_PLACEMENT_RENDEZVOUS_HPP

#include <quoin/detail/keys.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_rendezvous.hpp>
#include <quoin/detail/placement_weighted.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How keys and nodes are hashed.
struct rendezvous_options {
  std::uint64_t seed = 0;  ///< a random one when others choose the keys

  friend bool operator==(const rendezvous_options&, const rendezvous_options&) = default;
};

/// A set of nodes with weights. A value type.
/// @tparam Node  copyable, ordered by <. Its name is its bytes if it has bytes (as a string), else
///               those of its `quoin::hash`.
/// @tparam Hash  a hasher of the keys.
template <detail::placement_node Node = std::string, class Hash = hash>
class rendezvous {
 public:
  using node_type = Node;
  using hasher_type = Hash;

  /// Without nodes.
  explicit rendezvous(const rendezvous_options& options = {})
      : seed_(options.seed), hash_(detail::make_hash<Hash>(options.seed)) {}

  /// Of `nodes`, as by `add_many`.
  explicit rendezvous(std::span<const weighted_node<Node>> nodes,
                      const rendezvous_options& options = {})
      : rendezvous(options) {
    add_many(nodes);
  }
  rendezvous(std::initializer_list<weighted_node<Node>> nodes,
             const rendezvous_options& options = {})
      : rendezvous(std::span(nodes.begin(), nodes.size()), options) {}

  // --- change -------------------------------------------------------------------------------------

  /// Adds a node. Throws `std::invalid_argument` if it is there, if `weight` is 0 or if all weights
  /// come to 2^32. Whatever throws, nothing changes. O(nodes), as every change.
  void add(const Node& node, std::uint32_t weight = 1) {
    const weighted_node<Node> one[] = {{node, weight}};
    add_many(one);
  }

  /// Adds all of `nodes`, in any order.
  void add_many(std::span<const weighted_node<Node>> nodes) { become(nodes_.with(type, nodes)); }

  /// Removes a node. Throws `std::invalid_argument` if it is not there.
  void remove(const Node& node) { become(nodes_.without(nodes_.index_of(type, node))); }

  /// Gives a node another weight. Throws as `add` and `remove`.
  void set_weight(const Node& node, std::uint32_t weight) {
    become(nodes_.reweighted(type, nodes_.index_of(type, node), weight));
  }

  void clear() noexcept {
    nodes_ = {};
    seeds_.clear();
    inverse_.clear();
  }

  // --- lookup -------------------------------------------------------------------------------------
  // Without nodes each throws `std::out_of_range`. O(nodes).

  /// The node that owns `key`.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] const Node& owner(const Key& key) const {
    return owner_of_hash(detail::hash_key(hash_, key));
  }

  /// The node that owns the key whose 64-bit hash is `hash`. All 64 bits must be good.
  [[nodiscard]] const Node& owner_of_hash(std::uint64_t hash) const {
    return nodes_.nodes()[owner_index_of_hash(hash)];
  }

  /// Their positions in `nodes()`.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return owner_index_of_hash(detail::hash_key(hash_, key));
  }
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    if (seeds_.empty()) detail::fail_empty(type);
    return inverse_.empty() ? largest_draw(hash) : race(hash);
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

  // --- replicas -----------------------------------------------------------------------------------

  /// The `n` best nodes for `key`, the owner first, as positions in `nodes()`; all of them if there
  /// are fewer. When a node goes, the others move up, and one more joins at the end; by weight like
  /// drawing n without putting back. O(nodes + n²·log(nodes)) expected.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::vector<std::uint32_t> replicas(const Key& key, std::size_t n) const {
    std::vector<std::uint32_t> best(detail::min_of(n, size()));
    replicas_of_hash(detail::hash_key(hash_, key), best);
    return best;
  }

  /// Writes the `out.size()` best nodes, all if there are fewer, and returns how many those are.
  std::size_t replicas_of_hash(std::uint64_t hash, std::span<std::uint32_t> out) const {
    const std::size_t n = detail::min_of(out.size(), size());
    if (n == 0) return 0;
    detail::runner few[16];
    std::vector<detail::runner> many;
    if (n > 16) many.resize(n);
    detail::runner* const best = n > 16 ? many.data() : few;
    std::size_t kept = 0;
    std::uint64_t time = ~std::uint64_t{0};  // of the last of those kept, once there are n
    for (std::uint32_t i = 0; i < size(); ++i) {
      if (earliest(i, hash) > time) continue;
      const detail::runner next = runner_of(i, hash);
      std::size_t at = kept;
      while (at > 0 && next.is_before(best[at - 1])) --at;
      if (at == n) continue;
      if (kept < n) ++kept;
      for (std::size_t k = kept - 1; k > at; --k) best[k] = best[k - 1];
      best[at] = next;
      if (kept == n) time = time_of(best[n - 1]);
    }
    for (std::size_t k = 0; k < n; ++k) out[k] = best[k].index;
    return n;
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

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }

  /// Equal nodes, weights and seed, hence equal owners.
  friend bool operator==(const rendezvous& a, const rendezvous& b) {
    return a.nodes_ == b.nodes_ && a.seed_ == b.seed_;
  }

 private:
  static constexpr const char* type = "rendezvous";
  static constexpr std::size_t block = 16;

  void become(detail::weighted_nodes<Node> nodes) {
    std::vector<detail::rendezvous_seed> seeds;
    std::vector<std::uint64_t> inverse;
    seeds.reserve(nodes.size());
    bool alike = true;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const Node& node = nodes.nodes()[i];
      seeds.push_back({detail::name_hash(node, 2), detail::name_hash(node, 3) | 1});
      alike = alike && nodes.weights()[i] == nodes.weights()[0];
    }
    for (std::size_t i = 0; i < nodes.size() && !alike; ++i) {
      inverse.push_back(~std::uint64_t{0} / nodes.weights()[i]);
    }
    nodes_ = std::move(nodes);
    seeds_ = std::move(seeds);
    inverse_ = std::move(inverse);
  }

  [[nodiscard]] bool alike() const noexcept { return inverse_.empty(); }

  [[nodiscard]] detail::runner runner_of(std::uint32_t i, std::uint64_t hash) const noexcept {
    const std::uint64_t draw = detail::rendezvous_draw(seeds_[i], hash);
    // Of nodes alike logarithms would give the same order.
    return {alike() ? ~draw : detail::minus_log(draw), draw, nodes_.weights()[i], i};
  }

  /// When it comes in, rounded down.
  [[nodiscard]] std::uint64_t time_of(const detail::runner& r) const noexcept {
    return alike() ? r.log : r.log / r.weight;
  }

  /// At most `time_of(runner_of(i, hash))`, at next to no cost: (1 - u) / w, or exactly it when nodes
  /// are alike.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t earliest(std::size_t i,
                                                           std::uint64_t hash) const noexcept {
    const std::uint64_t draw = detail::rendezvous_draw(seeds_[i], hash);
    return alike() ? ~draw : detail::mul_high(detail::cheap_log(draw), inverse_[i]);
  }

  /// `f(0)` … `f(count - 1)`, four at a time: an optimizer that does not unroll would count as long as
  /// it multiplies.
  template <class F>
  static QUOIN_ALWAYS_INLINE void for_each_of(std::size_t count, F f) noexcept {
    std::size_t k = 0;
    for (; k + 4 <= count; k += 4) f(k), f(k + 1), f(k + 2), f(k + 3);
    for (; k < count; ++k) f(k);
  }

  /// Nodes alike. In blocks, since the largest of a few numbers takes no branch, and which of them it
  /// was is asked only of blocks that lead.
  [[nodiscard]] std::uint32_t largest_draw(std::uint64_t hash) const noexcept {
    std::uint64_t best = 0;
    std::size_t index = 0;
    for (std::size_t i = 0; i < seeds_.size(); i += block) {
      const std::size_t count = detail::min_of(block, seeds_.size() - i);
      std::uint64_t draws[block];
      std::uint64_t largest = 0;
      for_each_of(count, [&, seeds = &seeds_[i]](std::size_t k) {
        draws[k] = detail::rendezvous_draw(seeds[k], hash);
        largest = detail::max_of(largest, draws[k]);
      });
      if (largest <= best) continue;
      best = largest;
      index = i;
      for (std::size_t k = 0; draws[k] != largest; ++k) ++index;
    }
    return static_cast<std::uint32_t>(index);
  }

  /// Nodes of several weights. Bounds first: few nodes but the one of the least bound are ever asked
  /// for a logarithm.
  [[nodiscard]] std::uint32_t race(std::uint64_t hash) const noexcept {
    detail::runner best{~std::uint64_t{0}, 0, 1, 0};
    std::uint64_t time = ~std::uint64_t{0};
    for (std::size_t i = 0; i < seeds_.size(); i += block) {
      const std::size_t count = detail::min_of(block, seeds_.size() - i);
      std::uint64_t bounds[block];
      std::uint64_t least = ~std::uint64_t{0};
      for_each_of(count, [&, seeds = &seeds_[i], inverse = &inverse_[i]](std::size_t k) {
        const std::uint64_t draw = detail::rendezvous_draw(seeds[k], hash);
        bounds[k] = detail::mul_high(detail::cheap_log(draw), inverse[k]);
        least = detail::min_of(least, bounds[k]);
      });
      if (least > time) continue;
      std::size_t first = 0;
      while (bounds[first] != least) ++first;
      const auto ask = [&](std::size_t k) {
        const detail::runner next = runner_of(static_cast<std::uint32_t>(i + k), hash);
        if (!next.is_before(best)) return;
        best = next;
        time = best.log / best.weight;
      };
      ask(first);
      for (std::size_t k = 0; k < count; ++k) {
        if (bounds[k] <= time && k != first) ask(k);
      }
    }
    return best.index;
  }

  template <class Hashes>
  void each_block(std::size_t n, std::span<std::uint32_t> out, Hashes hashes_of_block) const {
    if (out.size() < n) {
      detail::fail_argument(type, "out.size()", out.size(), "at least the number of keys");
    }
    if (n == 0) return;
    if (empty()) detail::fail_empty(type);
    std::uint64_t hashes[64];
    for (std::size_t i = 0; i < n; i += 64) {
      const std::size_t count = detail::min_of<std::size_t>(64, n - i);
      hashes_of_block(i, count, hashes);
      for (std::size_t k = 0; k < count; ++k) out[i + k] = owner_index_of_hash(hashes[k]);
    }
  }

  detail::weighted_nodes<Node> nodes_;
  std::vector<detail::rendezvous_seed> seeds_;
  std::vector<std::uint64_t>
      inverse_;  // of the weights, in units of 2^-64; empty if they are alike
  std::uint64_t seed_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
