// SPDX-License-Identifier: BSL-1.0
/// @file
/// Replica sets that a ring remembers.
#ifndef QUOIN_DETAIL_PLACEMENT_REPLICA_CACHE_HPP
#define QUOIN_DETAIL_PLACEMENT_REPLICA_CACHE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/placement_replicas.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

/// Replica sets of one size, remembered for each token once they have been asked for. Any number of
/// threads use it at once, without waiting: a word is written whole, and all write the same.
///
/// A word of 64 bits tells three nodes, one of 32 bits one. The first words of all tokens stand
/// together, so that a set of three costs what an owner costs: one load of a small array. (A word of
/// its own for each node took half as much again in memory and up to twice as long.)
class replica_cache {
 public:
  /// Of rings with more nodes nothing is remembered.
  static constexpr std::size_t most_nodes = std::size_t{1} << 19;

  replica_cache() noexcept = default;

  /// For `n` replicas at each of `tokens`, which belong to `nodes` nodes. Remembers nothing if there
  /// is no memory. Zeroed memory that is not touched costs no pages.
  replica_cache(std::size_t tokens, std::size_t nodes, std::size_t n) noexcept
      : tokens_(tokens),
        words_(n != 0 && n <= node_list::inline_size && nodes <= most_nodes
                   ? static_cast<std::size_t*>(
                         std::calloc(tokens, (n + per_word - 1) / per_word * sizeof(std::size_t)))
                   : nullptr),
        n_(words_ == nullptr ? 0 : n),
        nodes_(nodes),
        in_a_word_(min_of(min_of(n_, nodes), per_word)) {}

  replica_cache(replica_cache&& other) noexcept { swap(other); }
  replica_cache& operator=(replica_cache&& other) noexcept {
    swap(other);
    return *this;
  }
  ~replica_cache() { std::free(words_); }

  /// Replicas in each set; 0 if there is nothing to be remembered.
  [[nodiscard]] std::size_t replicas() const noexcept { return n_; }

  /// The first words of all tokens; then come the second ones, and so on.
  [[nodiscard]] const std::size_t* words() const noexcept { return words_; }

  /// Sets of up to so many nodes are told by the first word alone.
  [[nodiscard]] std::size_t in_a_word() const noexcept { return in_a_word_; }

  /// A word, 0 if it is not known yet. Relaxed: it stands for itself, what it was made of does not
  /// change.
  [[nodiscard]] std::size_t word(std::size_t position, std::size_t i = 0) const noexcept {
    return __atomic_load_n(words_ + i * tokens_ + position, __ATOMIC_RELAXED);
  }

  /// The first `n` of the set that `word`, which is not 0, tells, 1 to `in_a_word()`: those are the
  /// set of `n`.
  [[nodiscard]] static QUOIN_ALWAYS_INLINE replica_nodes nodes_of(std::size_t word,
                                                                  std::size_t n) noexcept {
    std::uint32_t nodes[per_word];
    unpack(word, nodes);
    return {nodes, n, 0, repeated_in(word, n)};
  }

  /// Whether the set of `n` at `position` is known.
  [[nodiscard]] bool knows(std::size_t position, std::size_t n) const noexcept {
    if (n - 1 >= n_) return false;
    const std::size_t size = min_of(n, nodes_);
    bool all = true;
    for (std::size_t i = 0; i * per_word < size; ++i) all &= word(position, i) != 0;
    return all;
  }

  /// That set, which is known.
  [[nodiscard]] replica_nodes load(std::size_t position, std::size_t n) const noexcept {
    const std::size_t size = min_of(n, nodes_);
    std::uint32_t nodes[node_list::inline_size + per_word] = {};
    std::size_t last = 0;
    for (std::size_t i = 0; i * per_word < size; ++i) {
      last = word(position, i);
      unpack(last, nodes + i * per_word);
    }
    return {nodes, size, n - size, repeated_in(last, (size - 1) % per_word + 1)};
  }

  /// Remembers `set`, of `replicas()` nodes or, if they are fewer, all.
  void store(std::size_t position, const replica_nodes& set, const rack_table& racks) const {
    replica_nodes so_far;
    for (std::size_t first = 0; first < set.nodes.size(); first += per_word) {
      std::size_t word = known;
      for (std::size_t i = first; i < min_of(first + per_word, set.nodes.size()); ++i) {
        racks.add(set.nodes[i], so_far);
        const std::size_t field = set.nodes[i] | std::size_t{so_far.repeated} << node_bits;
        word |= field << field_bits * (i - first);
      }
      __atomic_store_n(words_ + first / per_word * tokens_ + position, word, __ATOMIC_RELAXED);
    }
  }

 private:
  // From the lowest bits on a word has fields of a node and what the nodes up to it repeat; the
  // highest bit is set.
  static constexpr unsigned node_bits = 19;
  static constexpr unsigned field_bits = node_bits + 2;
  static constexpr std::size_t per_word = 8 * sizeof(std::size_t) / field_bits;
  static constexpr std::size_t known = ~(~std::size_t{0} >> 1);

  static QUOIN_ALWAYS_INLINE void unpack(std::size_t word, std::uint32_t* nodes) noexcept {
    for (std::size_t i = 0; i < per_word; ++i) {
      nodes[i] = static_cast<std::uint32_t>(word >> field_bits * i & (most_nodes - 1));
    }
  }

  /// What the first `n` nodes of a word repeat, and those before.
  [[nodiscard]] static std::uint32_t repeated_in(std::size_t word, std::size_t n) noexcept {
    return static_cast<std::uint32_t>(word >> (field_bits * n - 2) & 3);
  }

  void swap(replica_cache& other) noexcept {
    std::swap(tokens_, other.tokens_);
    std::swap(words_, other.words_);
    std::swap(n_, other.n_);
    std::swap(nodes_, other.nodes_);
    std::swap(in_a_word_, other.in_a_word_);
  }

  std::size_t tokens_ = 0;
  std::size_t* words_ = nullptr;
  std::size_t n_ = 0;
  std::size_t nodes_ = 0;
  std::size_t in_a_word_ = 0;
};

/// All that a ring keeps to choose replicas by.
struct ring_replicas {
  rack_table racks;
  replica_cache cache;

  /// `replicas_at`, from memory if it can be.
  [[nodiscard]] QUOIN_ALWAYS_INLINE replica_nodes find(const token_ring& ring, std::size_t position,
                                                       std::size_t n) const {
    return cache.knows(position, n) ? cache.load(position, n) : search(ring, position, n);
  }

  /// `replicas_at`, and remembers the set that is remembered there.
  [[nodiscard]] QUOIN_COLD replica_nodes search(const token_ring& ring, std::size_t position,
                                                std::size_t n) const {
    if (n - 1 < cache.replicas()) {
      cache.store(position, replicas_at(ring, position, cache.replicas(), racks), racks);
    }
    return replicas_at(ring, position, n, racks);
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
    const T* const found = get();
    return found != nullptr ? *found : *made_first(new T(make()));
  }

  /// nullptr when it is not made yet.
  [[nodiscard]] const T* get() const noexcept { return __atomic_load_n(&made_, __ATOMIC_ACQUIRE); }

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
