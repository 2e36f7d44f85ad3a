// SPDX-License-Identifier: BSL-1.0
/// @file
/// Nodes with weights, in the order of the nodes themselves: the same whatever came first.
#ifndef QUOIN_DETAIL_PLACEMENT_WEIGHTED_HPP
#define QUOIN_DETAIL_PLACEMENT_WEIGHTED_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/placement_errors.hpp>
#include <quoin/hash/xxh64.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A node and how much it can bear beside others. The sum of all weights is below 2^32.
template <class Node>
struct weighted_node {
  Node node;
  std::uint32_t weight = 1;  ///< at least 1

  friend bool operator==(const weighted_node&, const weighted_node&) = default;
};

namespace detail {

/// The XXH64 of a node's name: the bytes of one that has bytes (a string), else the 8 bytes,
/// little-endian, of its `quoin::hash`.
template <class Node>
[[nodiscard]] std::uint64_t name_hash(const Node& node, std::uint64_t seed) {
  if constexpr (byte_range<Node>) {
    return quoin::xxh64(node, seed);
  } else {
    unsigned char bytes[8];
    store_le(bytes, hash{}(node));
    return quoin::xxh64(bytes, seed);
  }
}

template <class Node>
concept placement_node = std::copyable<Node> && requires(const Node& a, const Node& b) {
  { a < b } -> std::convertible_to<bool>;
  {name_hash(a, 0)};
};

/// A list never changes: `with` and `without` give another one.
/// @tparam Node  copyable, ordered by <, made of bytes or hashed by `quoin::hash`.
template <placement_node Node>
class weighted_nodes {
 public:
  weighted_nodes() = default;

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const std::vector<std::uint32_t>& weights() const noexcept { return weights_; }
  [[nodiscard]] std::uint64_t total_weight() const noexcept { return total_; }

  /// Where `node` is, or would be.
  [[nodiscard]] std::size_t position_of(const Node& node) const {
    std::size_t low = 0, high = nodes_.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (nodes_[middle] < node) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Whether that is where `node` is.
  [[nodiscard]] bool has_at(std::size_t at, const Node& node) const {
    return at < nodes_.size() && !(node < nodes_[at]);
  }

  [[nodiscard]] bool contains(const Node& node) const { return has_at(position_of(node), node); }

  /// Where `node` is. Throws `std::invalid_argument` with its name if it is not there.
  [[nodiscard]] std::size_t index_of(const char* type, const Node& node) const {
    const std::size_t at = position_of(node);
    if (!has_at(at, node)) fail_node(type, node, "is not there");
    return at;
  }

  /// The nodes of both. Throws `std::invalid_argument` for a node that would be there twice and for
  /// weights out of range.
  [[nodiscard]] weighted_nodes with(const char* type,
                                    std::span<const weighted_node<Node>> coming) const {
    const std::vector<std::size_t> order = sorted(coming);
    weighted_nodes all;
    all.nodes_.reserve(size() + coming.size());
    all.weights_.reserve(size() + coming.size());
    std::size_t old = 0;
    for (const std::size_t i : order) {
      while (old < size() && nodes_[old] < coming[i].node)
        all.append(type, nodes_[old], weights_[old]), ++old;
      all.append(type, coming[i].node, coming[i].weight);
    }
    for (; old < size(); ++old) all.append(type, nodes_[old], weights_[old]);
    return all;
  }

  /// The nodes but that at `index`.
  [[nodiscard]] weighted_nodes without(std::size_t index) const {
    weighted_nodes rest(*this);
    rest.total_ -= weights_[index];
    rest.nodes_.erase(rest.nodes_.begin() + static_cast<std::ptrdiff_t>(index));
    rest.weights_.erase(rest.weights_.begin() + static_cast<std::ptrdiff_t>(index));
    return rest;
  }

  /// The same nodes, that at `index` with another weight.
  [[nodiscard]] weighted_nodes reweighted(const char* type, std::size_t index,
                                          std::uint32_t weight) const {
    weighted_nodes other(*this);
    other.total_ += require_weight(type, weight, total_ - weights_[index]) - weights_[index];
    other.weights_[index] = weight;
    return other;
  }

  friend bool operator==(const weighted_nodes& a, const weighted_nodes& b) {
    return a.nodes_ == b.nodes_ && a.weights_ == b.weights_;
  }

 private:
  static std::uint64_t require_weight(const char* type, std::uint32_t weight,
                                      std::uint64_t others) {
    if (weight == 0) fail_argument(type, "weight", weight, "at least 1");
    if (others + weight > UINT32_MAX) {
      fail_argument(type, "sum of weights", others + weight, "below 2^32");
    }
    return weight;
  }

  /// The numbers of `coming` in the order of their nodes (by merging ever longer runs: <algorithm>
  /// would cost more to include than all this).
  static std::vector<std::size_t> sorted(std::span<const weighted_node<Node>> coming) {
    std::vector<std::size_t> order(coming.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::vector<std::size_t> from(order);
    for (std::size_t run = 1; run < order.size(); run *= 2) {
      from.swap(order);
      for (std::size_t begin = 0; begin < from.size(); begin += 2 * run) {
        const std::size_t middle = min_of(begin + run, from.size());
        const std::size_t end = min_of(begin + 2 * run, from.size());
        for (std::size_t out = begin, a = begin, b = middle; out < end; ++out) {
          const bool takes_b =
              a == middle || (b < end && coming[from[b]].node < coming[from[a]].node);
          order[out] = from[takes_b ? b++ : a++];
        }
      }
    }
    return order;
  }

  void append(const char* type, const Node& node, std::uint32_t weight) {
    if (!nodes_.empty() && !(nodes_.back() < node)) fail_node(type, node, "is there already");
    total_ += require_weight(type, weight, total_);
    nodes_.push_back(node);
    weights_.push_back(weight);
  }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> weights_;
  std::uint64_t total_ = 0;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
