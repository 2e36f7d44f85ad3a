// SPDX-License-Identifier: BSL-1.0
/// @file
/// Consistent hashing with bounded loads: no node has more than (1 + ε) times its share of what is
/// going on, and a key goes to its own node whenever that has room.
///
/// Use it around any placement when keys differ in popularity or requests in length: a router of
/// requests, an assigner of sessions or partitions. Each use of a node is a token; while tokens are
/// held they count. A hot key then spreads over several nodes, which a plain placement never does.
///
/// Guarantee   whenever a token is given, its node has at most ⌈(1 + ε) · w/Σw · m⌉ tokens, where m
///             is how many there are in all, this one included, and those that other threads are just
///             asking for or giving back. (As tokens are given back m shrinks, and a node may hold
///             more than that until its own are.) With the same loads a key goes to the same node:
///             its owner or, where that is full, the owner of its hash hashed with 1, 2, … 64, and
///             then the next node in `nodes()` with room. So what overflows spreads over all nodes,
///             and does not fill up the neighbour.
/// Cost        the placement's lookup and two atomic additions, one of them on a counter that all
///             threads share. Where the owner is full, (1 + ε)/ε lookups more on average at most,
///             whatever the load. 72 bytes a node beside the placement.
/// Threads     concurrent: all operations at once, lock-free. Counters are relaxed atomics, as what
///             they count is read by nothing else; only taking a token and the look at the total
///             after it are in one order for all threads, so that the bound holds. The placement
///             itself does not change.
/// Source      Mirrokni, Thorup, Zadimoghaddam 2018, "Consistent hashing with bounded loads";
///             jumping instead of probing the next: Chen, Coleman, Shrivastava 2021.
///
/// @code
/// quoin::bounded_load router(quoin::maglev_table<>({{"a"}, {"b"}, {"c"}}), {.epsilon = 0.25});
/// {
///   const auto token = router.acquire(session);  // counts until its end
///   send(request, token.node());
/// }
/// @endcode
#ifndef QUOIN_PLACEMENT_BOUNDED_LOAD_HPP
#define QUOIN_PLACEMENT_BOUNDED_LOAD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_lease.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How much more than its share a node may have.
struct bounded_load_options {
  /// 0.001 to 100, in steps of 2^-20; small values even out, large ones keep keys at home.
  double epsilon = 0.25;
  std::uint64_t seed = 0;  ///< of `Hash`: give the one that the placement's own lookups use
};

namespace detail {

/// What `nodes()` refers to stays with the placement: it is a view or a reference.
template <class P>
concept lasting_nodes = std::is_reference_v<decltype(std::declval<const P&>().nodes())> ||
    std::is_trivially_destructible_v<decltype(std::declval<const P&>().nodes())>;

}  // namespace detail

/// Where tokens are given and counted. It stays where it is: tokens point to it.
/// @tparam Placement  any placement whose `nodes()` is a view or a reference with random access. It
///                    does not change in here. Weights are those of its `weights()`, if it has
///                    unsigned integers of that name, or of its `virtual_nodes_of(node)`: as
///                    `hash_ring` rounds weights.
/// @tparam Hash       a hasher of the keys.
template <placement Placement, class Hash = hash>
requires detail::lasting_nodes<Placement>
class bounded_load {
 public:
  using node_type =
      std::remove_cvref_t<decltype(*std::declval<const Placement&>().nodes().begin())>;

  /// The use of a node: counts until it is destroyed, assigned to or told `release()`; has `node()`
  /// and `index()`. Must not outlive the `bounded_load` that gave it.
  using token = detail::node_lease<bounded_load>;

  /// Around `placement`. Throws `std::invalid_argument` if ε is out of range, if there are no nodes, or
  /// if all weights come to 0 or to 2^63.
  explicit bounded_load(Placement placement, const bounded_load_options& options = {})
      : placement_(std::move(placement)),
        counts_(placement_.size()),
        hash_(detail::make_hash<Hash>(options.seed)) {
    if (!(options.epsilon >= 0.001 && options.epsilon <= 100)) {
      detail::fail_argument(type, "epsilon", options.epsilon, "0.001 to 100");
    }
    if (counts_.empty()) detail::fail_argument(type, "placement.size()", 0, "at least 1");
    set_shares(options.epsilon);
  }
  bounded_load(const bounded_load&) = delete;
  bounded_load& operator=(const bounded_load&) = delete;

  // --- tokens -------------------------------------------------------------------------------------

  /// A token for the use of `key`'s node, or of another if that is full. Expected O(lookup).
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] token acquire(const Key& key) {
    return acquire_hash(detail::hash_key(hash_, key));
  }

  /// The same for the key whose 64-bit hash is `hash`.
  [[nodiscard]] token acquire_hash(std::uint64_t hash) {
    return {this, acquire_index_of_hash(hash)};
  }

  /// The same without a token: the position in `nodes()`, to be given to `release_index` once.
  [[nodiscard]] std::uint32_t acquire_index_of_hash(std::uint64_t hash) {
    // First the total, then the node (and back in the other order): the nodes' counts never come to
    // more than the total, so that one of them has room.
    request asked(total_);
    for (;;) {
      const std::uint32_t index = first_of(hash, [&](std::uint32_t i) { return takes_one(i); });
      if (index != none) return asked.is_granted(), index;
    }
  }

  /// Gives back what `acquire_index_of_hash` returned. Throws `std::invalid_argument`, and changes
  /// nothing, if there is no such index or nothing to give back there.
  void release_index(std::uint32_t index) {
    static_cast<void>(detail::at_index(type, counts_, index));
    if (!give_back(index)) detail::fail_argument(type, "load(index)", 0, "at least 1");
  }

  // --- what there is ------------------------------------------------------------------------------

  /// The node that `acquire_hash` would take now, if nobody else did.
  [[nodiscard]] const node_type& owner_of_hash(std::uint64_t hash) const {
    for (;;) {
      const std::size_t total = total_load() + 1;
      const std::uint32_t index = first_of(
          hash, [&](std::uint32_t i) { return counts_[i].load() < most_of(shares_[i], total); });
      if (index != none) return node_at(index);
    }
  }
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] const node_type& owner(const Key& key) const {
    return owner_of_hash(detail::hash_key(hash_, key));
  }

  /// Tokens held of the node at `index`. Throws `std::invalid_argument` unless it is below `size()`.
  [[nodiscard]] std::size_t load(std::uint32_t index) const {
    return detail::at_index(type, counts_, index).load();
  }
  /// Tokens held of all nodes.
  [[nodiscard]] std::size_t total_load() const noexcept { return total_.load(); }

  /// How many tokens the node at `index` may have while there are `total`: ⌈(1 + ε) · w/Σw · total⌉,
  /// or the greatest `std::size_t` if that is less. Throws as `load`.
  [[nodiscard]] std::size_t capacity(std::uint32_t index, std::size_t total) const {
    return most_of(detail::at_index(type, shares_, index), total);
  }

  [[nodiscard]] const Placement& placement() const noexcept { return placement_; }
  [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }
  [[nodiscard]] decltype(auto) nodes() const
      noexcept(noexcept(std::declval<const Placement&>().nodes())) {
    return placement_.nodes();
  }

 private:
  friend token;

  /// A token that is asked for and counts in the total; no longer if none is granted, as a lookup of
  /// the placement threw.
  class request {
   public:
    explicit request(detail::lone_counter& total) noexcept : total_(&total) {
      total.value.fetch_add(1, std::memory_order_relaxed);
    }
    request(const request&) = delete;
    request& operator=(const request&) = delete;
    ~request() {
      if (total_ != nullptr) total_->take_one();
    }
    void is_granted() noexcept { total_ = nullptr; }

   private:
    detail::lone_counter* total_;
  };

  static constexpr const char* type = "bounded_load";
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::uint64_t most_jumps = 64;

  [[nodiscard]] const node_type& node_at(std::uint32_t index) const {
    return placement_.nodes().begin()[static_cast<std::ptrdiff_t>(index)];
  }

  [[nodiscard]] std::uint32_t index_of_hash(std::uint64_t hash) const {
    if constexpr (requires { placement_.owner_index_of_hash(hash); }) {
      return placement_.owner_index_of_hash(hash);
    } else {
      const auto& owner = placement_.owner_of_hash(hash);
      std::uint32_t index = 0;
      while (!(node_at(index) == owner)) ++index;
      return index;
    }
  }

  /// The first node that `takes(index)`, in the order of `hash`; `none` if there is none.
  template <class Takes>
  [[nodiscard]] std::uint32_t first_of(std::uint64_t hash, Takes takes) const {
    const std::uint32_t home = index_of_hash(hash);
    if (takes(home)) return home;
    for (std::uint64_t jump = 1; jump <= most_jumps; ++jump) {
      const std::uint32_t index = index_of_hash(quoin::hash{jump}(hash));
      if (takes(index)) return index;
    }
    for (std::size_t step = 1; step < size(); ++step) {
      const auto index = static_cast<std::uint32_t>((home + step) % size());
      if (takes(index)) return index;
    }
    return none;
  }

  [[nodiscard]] bool takes_one(std::uint32_t index) noexcept {
    std::atomic<std::size_t>& count = counts_[index].value;
    std::size_t now = count.load(std::memory_order_relaxed);
    while (now < most_of(shares_[index], total_.load())) {
      if (!count.compare_exchange_weak(now, now + 1, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
        continue;
      }
      // Others may have given tokens back since the total was read.
      if (now < most_of(shares_[index], total_.value.load(std::memory_order_seq_cst))) return true;
      counts_[index].take_one();
      return false;
    }
    return false;
  }

  bool give_back(std::uint32_t index) noexcept {
    return counts_[index].take_one() && total_.take_one();
  }

  [[nodiscard]] static std::size_t most_of(std::uint64_t share, std::size_t total) noexcept {
    const detail::uint128_halves product = detail::mul_full(share, total);
    const std::uint64_t whole = product.hi << 8 | product.lo >> 56;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    if (product.hi >> 56 != 0 || whole >= most) return most;
    return static_cast<std::size_t>(whole + (product.lo << 8 != 0));
  }

  [[nodiscard]] std::vector<std::uint64_t> weights_of_nodes() const {
    std::vector<std::uint64_t> weights(size(), 1);
    if constexpr (requires { placement_.weights()[0]; }) {
      if constexpr (std::is_unsigned_v<std::remove_cvref_t<decltype(placement_.weights()[0])>>) {
        for (std::size_t i = 0; i < size(); ++i) weights[i] = placement_.weights()[i];
      }
    } else if constexpr (requires { placement_.virtual_nodes_of(node_at(0)); }) {
      for (std::uint32_t i = 0; i < size(); ++i) {
        weights[i] = placement_.virtual_nodes_of(node_at(i));
      }
    }
    return weights;
  }

  /// (1 + ε) · w/Σw in units of 2^-56, rounded down: the bound holds exactly. They come to more than
  /// 1 together, since ε is far above what rounding takes away.
  void set_shares(double epsilon) {
    const std::uint64_t factor =
        ((std::uint64_t{1} << 20) + static_cast<std::uint64_t>(epsilon * 0x1p20)) << 36;
    const std::vector<std::uint64_t> weights = weights_of_nodes();
    constexpr std::uint64_t most = ~std::uint64_t{0} >> 1;
    std::uint64_t total = 0;
    for (const std::uint64_t weight : weights) {
      if (weight > most - total) {
        detail::fail_argument(type, "weight", weight, "below 2^63 together with those before it");
      }
      total += weight;
    }
    if (total == 0) detail::fail_argument(type, "sum of weights", total, "at least 1");
    shares_.reserve(size());
    for (const std::uint64_t weight : weights) shares_.push_back(part(factor, weight, total));
  }

  /// ⌊a · b / c⌋ for b ≤ c < 2^63, multiplying and dividing bit by bit.
  [[nodiscard]] static std::uint64_t part(std::uint64_t a, std::uint64_t b,
                                          std::uint64_t c) noexcept {
    std::uint64_t quotient = 0, rest = 0;
    const auto carry = [&] {
      if (rest < c) return;
      rest -= c;
      ++quotient;
    };
    for (int place = 63; place >= 0; --place) {
      quotient *= 2;
      rest *= 2;
      carry();
      rest += (a >> place & 1) != 0 ? b : 0;
      carry();
    }
    return quotient;
  }

  Placement placement_;
  std::vector<detail::lone_counter> counts_;
  std::vector<std::uint64_t> shares_;
  detail::lone_counter total_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
