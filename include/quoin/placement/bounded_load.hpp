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
///             is how many there are in all, this one included. (As tokens are given back m shrinks,
///             and a node may hold more than that until its own are.) With the same loads a key goes
///             to the same node: its owner or, where that is full, the owner of its hash hashed with
///             1, 2, … 64, and then the next node in `nodes()` with room. So what overflows spreads
///             over all nodes, and does not fill up the neighbour.
/// Cost        the placement's lookup and two atomic additions, one of them on a counter that all
///             threads share. Where the owner is full, (1 + ε)/ε lookups more on average at most,
///             whatever the load.
/// Threads     concurrent: all operations at once, lock-free. Counters are relaxed atomics: what they
///             count is read by nothing else, and the bound follows from the order of changes to each
///             one alone. The placement itself does not change.
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
#include <quoin/detail/placement_errors.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How much more than its share a node may have.
struct bounded_load_options {
  double epsilon = 0.25;   ///< 0.001 to 100; small values even out, large ones keep keys at home
  std::uint64_t seed = 0;  ///< of `Hash`: give the one that the placement's own lookups use
};

/// Where tokens are given and counted. It stays where it is: tokens point to it.
/// @tparam Placement  any placement whose `nodes()` is a view or a reference with random access. It
///                    does not change in here. Weights are those of its `weights()`, if it has
///                    integers of that name.
/// @tparam Hash       a hasher of the keys.
template <placement Placement, class Hash = hash>
class bounded_load {
 public:
  using node_type =
      std::remove_cvref_t<decltype(*std::declval<const Placement&>().nodes().begin())>;

  /// The use of a node. Ends when it is destroyed, assigned to or told to; must not outlive the
  /// `bounded_load` that gave it.
  class token {
   public:
    /// Of no node.
    token() = default;
    token(token&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), index_(other.index_) {}
    token& operator=(token&& other) noexcept {
      token taken(std::move(other));
      std::swap(owner_, taken.owner_);
      std::swap(index_, taken.index_);
      return *this;
    }
    ~token() { release(); }

    /// True until it is given back or moved from.
    [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }

    /// The node, and its position in `nodes()`. Only while the token is held.
    [[nodiscard]] const node_type& node() const noexcept { return owner_->node_at(index_); }
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }

    /// Gives it back now.
    void release() noexcept {
      if (owner_ != nullptr) std::exchange(owner_, nullptr)->release_index(index_);
    }

   private:
    friend bounded_load;
    token(bounded_load* owner, std::uint32_t index) noexcept : owner_(owner), index_(index) {}

    bounded_load* owner_ = nullptr;
    std::uint32_t index_ = 0;
  };

  /// Around `placement`. Throws `std::invalid_argument` if ε is out of range or if there are no nodes.
  explicit bounded_load(Placement placement, const bounded_load_options& options = {})
      : placement_(std::move(placement)),
        counts_(placement_.size()),
        hash_(detail::make_hash<Hash>(options.seed)) {
    constexpr const char* type = "bounded_load";
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
    std::size_t total = total_.value.fetch_add(1, std::memory_order_relaxed) + 1;
    for (;; total = total_.value.load(std::memory_order_relaxed)) {
      const std::uint32_t index =
          first_of(hash, [&](std::uint32_t i) { return takes_one(i, total); });
      if (index != none) return index;
    }
  }

  /// Gives back what `acquire_index_of_hash` returned.
  void release_index(std::uint32_t index) noexcept {
    counts_[index].value.fetch_sub(1, std::memory_order_relaxed);
    total_.value.fetch_sub(1, std::memory_order_relaxed);
  }

  // --- what there is ------------------------------------------------------------------------------

  /// The node that `acquire_hash` would take now, if nobody else did.
  [[nodiscard]] const node_type& owner_of_hash(std::uint64_t hash) const {
    for (;;) {
      const std::size_t total = total_load() + 1;
      const std::uint32_t index =
          first_of(hash, [&](std::uint32_t i) { return load(i) < capacity(i, total); });
      if (index != none) return node_at(index);
    }
  }
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] const node_type& owner(const Key& key) const {
    return owner_of_hash(detail::hash_key(hash_, key));
  }

  /// Tokens held of the node at `index`, and of all.
  [[nodiscard]] std::size_t load(std::uint32_t index) const noexcept {
    return counts_[index].value.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t total_load() const noexcept {
    return total_.value.load(std::memory_order_relaxed);
  }

  /// How many tokens the node at `index` may have while there are `total`: ⌈(1 + ε) · w/Σw · total⌉.
  [[nodiscard]] std::size_t capacity(std::uint32_t index, std::size_t total) const noexcept {
    const detail::uint128_halves product = detail::mul_full(shares_[index], total);
    return static_cast<std::size_t>((product.hi << 8 | product.lo >> 56) + (product.lo << 8 != 0));
  }

  [[nodiscard]] const Placement& placement() const noexcept { return placement_; }
  [[nodiscard]] std::size_t size() const noexcept { return counts_.size(); }
  [[nodiscard]] decltype(auto) nodes() const noexcept { return placement_.nodes(); }

 private:
  struct alignas(64) counter {  // a cache line each: nodes do not wait for one another
    std::atomic<std::size_t> value = 0;
  };
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

  [[nodiscard]] bool takes_one(std::uint32_t index, std::size_t total) noexcept {
    const std::size_t most = capacity(index, total);
    std::atomic<std::size_t>& count = counts_[index].value;
    std::size_t now = count.load(std::memory_order_relaxed);
    while (now < most) {
      if (count.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  /// (1 + ε) · w/Σw in units of 2^-56, rounded down: the bound holds exactly. They come to more than
  /// 1 together, since ε is far above what rounding takes away.
  void set_shares(double epsilon) {
    const std::uint64_t factor =
        ((std::uint64_t{1} << 20) + static_cast<std::uint64_t>(epsilon * 0x1p20)) << 36;
    std::vector<std::uint64_t> weights(size(), 1);
    if constexpr (requires { placement_.weights()[0] + 1u; }) {
      using weight = std::remove_cvref_t<decltype(placement_.weights()[0])>;
      if constexpr (std::is_unsigned_v<weight>) {
        for (std::size_t i = 0; i < size(); ++i) weights[i] = placement_.weights()[i];
      }
    }
    std::uint64_t total = 0;
    for (const std::uint64_t weight : weights) total += weight;
    for (const std::uint64_t weight : weights) {
      // factor · weight / total, in two steps; the sum of weights is below 2^32.
      shares_.push_back(factor / total * weight + factor % total * weight / total);
    }
  }

  Placement placement_;
  std::vector<counter> counts_;
  std::vector<std::uint64_t> shares_;
  counter total_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
