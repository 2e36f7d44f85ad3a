// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a `hash_ring` is made of, and how one state of it becomes the next.
///
/// A state never changes. Nodes stand in the order of their names and go by their numbers in it, so
/// that rings of the same nodes are the same whatever came first. A change makes a new state from the
/// old one by merging what comes into what stays: nodes, labels and tokens, each in one pass.
#ifndef QUOIN_DETAIL_PLACEMENT_RING_STATE_HPP
#define QUOIN_DETAIL_PLACEMENT_RING_STATE_HPP

#include <quoin/detail/placement_balance.hpp>
#include <quoin/detail/placement_errors.hpp>
#include <quoin/detail/placement_replica_cache.hpp>
#include <quoin/detail/placement_tokens.hpp>
#include <quoin/hash/hash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// Where the tokens of a node that joins are put.
enum class token_allocation : std::uint8_t {
  random,    ///< hashes: a ring is made up of its nodes, whatever came first
  balanced,  ///< splitting ranges of the most loaded nodes: even with few tokens, but the tokens
             ///< depend on what came first, so that all who ask must have this ring, by its bytes
};

/// How many tokens, where, and how many probes.
struct hash_ring_options {
  std::uint32_t virtual_nodes = 160;  ///< tokens of a node of weight 1: 1 to 2^20
  std::uint32_t probes = 1;           ///< K, places where a key looks for a token: 1–64
  std::uint64_t seed = 0;             ///< of the hash; a random one when others choose the keys
  /// Sets of up to so many replicas are remembered once they were asked for, 0 to 8: up to three in 8
  /// bytes for each token, six in 16, eight in 24 (on 32-bit machines in 4 each). Not in rings of
  /// more than 2^19 nodes. A matter of speed alone: no part of the serialized form.
  std::uint32_t cached_replicas = 3;
  /// `balanced` needs `probes = 1`; 16 to 32 virtual nodes are enough for it.
  token_allocation allocation = token_allocation::random;

  friend bool operator==(const hash_ring_options&, const hash_ring_options&) = default;
};

/// What is told of a node that joins a ring.
struct ring_node_options {
  double weight = 1;  ///< of its load, relative to others: above 0
  /// Of failures: a data centre, an availability zone; none is one too. At most 255 bytes.
  std::string zone = {};
  std::string rack = {};  ///< within the zone; at most 255 bytes

  friend bool operator==(const ring_node_options&, const ring_node_options&) = default;
};

namespace detail {

/// The numbers below `n` in the order that `less` gives them, equal ones as they are: merges ever
/// longer runs (<algorithm> would cost more to include than this).
template <class Less>
[[nodiscard]] std::vector<std::uint32_t> sorted_order(std::size_t n, Less less) {
  std::vector<std::uint32_t> order(n), from(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::uint32_t>(i);
  for (std::size_t run = 1; run < n; run *= 2) {
    from.swap(order);
    for (std::size_t begin = 0; begin < n; begin += 2 * run) {
      const std::size_t middle = min_of(begin + run, n), end = min_of(begin + 2 * run, n);
      for (std::size_t out = begin, a = begin, b = middle; out < end; ++out) {
        const bool takes_b = a == middle || (b < end && less(from[b], from[a]));
        order[out] = from[takes_b ? b++ : a++];
      }
    }
  }
  return order;
}

/// Position of the first of `sorted` that is not less than `value`.
template <class T, class U>
[[nodiscard]] std::size_t lower_bound_of(const std::vector<T>& sorted, const U& value) {
  std::size_t low = 0, high = sorted.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (sorted[middle] < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// A label of each node, such as its zone: different ones in their order, nodes by their numbers.
template <class Label>
struct node_labels {
  std::vector<Label> names;            ///< ascending, each of at least one node
  std::vector<std::uint32_t> numbers;  ///< of each node: a position in `names`

  [[nodiscard]] const Label& of(std::size_t node) const noexcept { return names[numbers[node]]; }

  /// With the labels of `coming`, ascending by node, put in at their new numbers, and without those
  /// of nodes that leave (see `token_table::merged`).
  [[nodiscard]] node_labels merged(const std::vector<std::pair<std::uint32_t, Label>>& coming,
                                   std::span<const std::uint32_t> renumbered) const {
    constexpr std::uint32_t unused = dropped_node;
    const auto order = sorted_order(coming.size(), [&](std::uint32_t a, std::uint32_t b) {
      return coming[a].second < coming[b].second;
    });
    std::vector<std::uint32_t> place(names.size(), unused);
    std::size_t staying = 0;
    for (std::size_t node = 0; node < numbers.size(); ++node) {
      if (renumbered[node] == dropped_node) continue;
      place[numbers[node]] = 0;
      ++staying;
    }

    node_labels result;
    result.numbers.resize(staying + coming.size());
    const auto add_name = [&](const Label& name) {
      if (result.names.empty() || result.names.back() < name) result.names.push_back(name);
      return static_cast<std::uint32_t>(result.names.size() - 1);
    };
    std::size_t next = 0;
    const auto add_coming_below = [&](const Label* end) {
      for (; next < order.size(); ++next) {
        const auto& [node, name] = coming[order[next]];
        if (end != nullptr && !(name < *end)) return;
        result.numbers[node] = add_name(name);
      }
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (place[i] == unused) continue;
      add_coming_below(&names[i]);
      place[i] = add_name(names[i]);
    }
    add_coming_below(nullptr);
    for (std::size_t node = 0; node < numbers.size(); ++node) {
      if (renumbered[node] != dropped_node) result.numbers[renumbered[node]] = place[numbers[node]];
    }
    return result;
  }

  friend bool operator==(const node_labels&, const node_labels&) = default;
};

/// A node but for its name and labels.
struct ring_entry {
  /// Random tokens are the hashes of 0, 1, … under this seed, those of the first balanced node begin
  /// here.
  std::uint64_t token_seed;
  double weight;
  std::uint32_t points;  ///< number of its tokens

  friend bool operator==(const ring_entry&, const ring_entry&) = default;
};

/// The i-th token of a node: a larger weight adds tokens and moves none.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t ring_token(std::uint64_t token_seed,
                                                                     std::uint32_t i) noexcept {
  return hash{token_seed}(i);
}

using ring_tokens = token_table<std::uint64_t>;
using ring_points = std::vector<token_point<std::uint64_t>>;

template <class Node>
struct ring_state {
  hash_ring_options options;
  std::uint64_t epoch = 0;  ///< changes so far
  std::vector<Node> nodes;  ///< ascending
  std::vector<ring_entry> entries;
  node_labels<std::string> zones;
  node_labels<std::pair<std::string, std::string>> racks;  ///< with their zones
  ring_tokens tokens;
  made_once<ring_replicas> replicas = {};

  /// The number of `node`, or `dropped_node` when it is not there.
  [[nodiscard]] std::uint32_t find(const Node& node) const {
    const std::size_t at = lower_bound_of(nodes, node);
    const bool found = at < nodes.size() && !(node < nodes[at]);
    return found ? static_cast<std::uint32_t>(at) : dropped_node;
  }

  [[nodiscard]] token_ring view() const noexcept { return {tokens.tokens(), tokens.nodes()}; }

  /// What replicas are chosen by.
  [[nodiscard]] const ring_replicas& replica_choice() const {
    return replicas.get([this] { return make_replicas(); });
  }

  [[nodiscard]] ring_replicas make_replicas() const {
    bool racks_stated = false;
    for (const auto& label : racks.names) racks_stated = racks_stated || !label.second.empty();
    const bool zones_stated = zones.names.size() > 1 || !zones.names[0].empty();
    return {rack_table(zones.numbers, racks.numbers, zones_stated, racks_stated),
            replica_cache(tokens.size(), nodes.size(), options.cached_replicas)};
  }

  /// The tokens of a node, ascending.
  [[nodiscard]] std::vector<std::uint64_t> tokens_of(std::uint32_t node) const {
    std::vector<std::uint64_t> result;
    result.reserve(entries[node].points);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens.node_at(i) == node) result.push_back(tokens.tokens()[i]);
    }
    return result;
  }
};

/// A node that joins, and where: with the points that it brings, their node being its number among
/// those that join.
template <class Node>
struct ring_arrival {
  Node node;
  ring_entry entry;
  std::string zone;
  std::string rack;
};

inline constexpr std::uint32_t largest_virtual_nodes = 1u << 20;
inline constexpr std::uint32_t most_probes = 64;
inline constexpr std::uint32_t largest_node_points = 1u << 28;
inline constexpr std::size_t longest_label = 255;  ///< each rack has a copy of its zone's

/// `weight · virtual_nodes`, rounded (halves up), but at least 1; 0 for a weight that cannot be.
/// Exact on every platform: a product of integers.
[[nodiscard]] inline std::uint32_t points_of_weight(double weight,
                                                    std::uint32_t virtual_nodes) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(weight);
  if (!(weight > 0) || bits >> 52 >= 1023 + 29) return 0;
  // weight = mantissa / 2^(half + 1): subnormal ones are as good as 0.
  const std::uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  const std::uint64_t half = 1023 + 52 - 1 - (bits >> 52);
  const uint128_halves product = mul_full(mantissa, virtual_nodes);
  if (half >= 128) return 1;  // it is 23 or more
  const std::uint64_t doubled =
      half >= 64 ? product.hi >> (half - 64) : product.hi << (64 - half) | product.lo >> half;
  const std::uint64_t points = doubled / 2 + doubled % 2;
  if (points > largest_node_points) return 0;
  return max_of(static_cast<std::uint32_t>(points), 1u);
}

/// Appends the tokens `first` to `last - 1` of the sequence of a seed.
inline void add_points(ring_points& points, std::uint64_t token_seed, std::uint32_t node,
                       std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t i = first; i < last; ++i) points.push_back({ring_token(token_seed, i), node});
}

/// Makes the seeds of those that join differ from all others: the tokens of a node that another has
/// replaced stay with the other. A seed s that is taken becomes hash{1}(s), hash{2}(s), … A bisection
/// each, so that seeds from outside, which may be any, cost no more than their number.
template <class Node>
void separate_seeds(const std::vector<ring_entry>& there, std::vector<ring_arrival<Node>>& coming) {
  ring_points taken;
  for (const auto& entry : there) taken.push_back({entry.token_seed, 0});
  sort_points(taken);
  const auto is_taken = [&](std::uint64_t seed) {
    const std::size_t at = lower_bound_of(taken, ring_points::value_type{seed, 0});
    return at < taken.size() && taken[at].token == seed;
  };
  std::vector<std::uint64_t> first;
  for (const auto& arrival : coming) first.push_back(arrival.entry.token_seed);
  std::vector<std::uint64_t> steps(coming.size());
  for (bool again = true; again;) {
    again = false;
    ring_points seeds;
    for (std::uint32_t i = 0; i < coming.size(); ++i) {
      std::uint64_t& seed = coming[i].entry.token_seed;
      while (is_taken(seed)) seed = hash{++steps[i]}(first[i]);
      seeds.push_back({seed, i});
    }
    sort_points(seeds);
    std::uint64_t equal = 0;  // before this one: they step apart
    for (std::size_t k = 1; k < seeds.size(); ++k) {
      equal = seeds[k].token == seeds[k - 1].token ? equal + 1 : 0;
      if (equal == 0) continue;
      const std::uint32_t i = seeds[k].node;
      steps[i] += equal;
      coming[i].entry.token_seed = hash{steps[i]}(first[i]);
      again = true;
    }
  }
}

/// The state after `leaving` (ascending numbers) have left and `coming` (ascending names, none of
/// them there) have joined with `points` (by token, then by number in `coming`).
template <class Node>
[[nodiscard]] ring_state<Node> changed(const ring_state<Node>& before,
                                       std::span<const std::uint32_t> leaving,
                                       std::vector<ring_arrival<Node>> coming, ring_points points) {
  ring_state<Node> after;
  after.options = before.options;
  after.epoch = before.epoch + 1;
  const std::size_t size = before.nodes.size() - leaving.size() + coming.size();
  after.nodes.reserve(size);
  after.entries.reserve(size);
  std::vector<std::uint32_t> renumbered(before.nodes.size()), numbers(coming.size());
  std::vector<std::pair<std::uint32_t, std::string>> zones;
  std::vector<std::pair<std::uint32_t, std::pair<std::string, std::string>>> racks;
  std::size_t next = 0;
  const auto join_before = [&](const Node* end) {
    for (; next < coming.size() && (end == nullptr || coming[next].node < *end); ++next) {
      ring_arrival<Node>& arrival = coming[next];
      numbers[next] = static_cast<std::uint32_t>(after.nodes.size());
      zones.emplace_back(numbers[next], arrival.zone);
      racks.emplace_back(numbers[next],
                         std::pair(std::move(arrival.zone), std::move(arrival.rack)));
      after.nodes.push_back(std::move(arrival.node));
      after.entries.push_back(arrival.entry);
    }
  };
  for (std::uint32_t node = 0; node < before.nodes.size(); ++node) {
    if (!leaving.empty() && leaving.front() == node) {
      leaving = leaving.subspan(1);
      renumbered[node] = dropped_node;
      continue;
    }
    join_before(&before.nodes[node]);
    renumbered[node] = static_cast<std::uint32_t>(after.nodes.size());
    after.nodes.push_back(before.nodes[node]);
    after.entries.push_back(before.entries[node]);
  }
  join_before(nullptr);
  for (auto& point : points) point.node = numbers[point.node];
  after.zones = before.zones.merged(zones, renumbered);
  after.racks = before.racks.merged(racks, renumbered);
  after.tokens = before.tokens.merged(points, renumbered);
  return after;
}

/// The state after `coming` have joined one after the other, each with balanced tokens.
template <class Node>
[[nodiscard]] ring_state<Node> joined_balanced(const ring_state<Node>& before,
                                               std::vector<ring_arrival<Node>> coming) {
  ring_state<Node> after;
  const ring_state<Node>* now = &before;
  for (auto& arrival : coming) {
    ring_points points;
    for (const std::uint64_t token :
         token_balancer(now->view(), now->nodes.size())
             .tokens_for(arrival.entry.points, arrival.entry.token_seed)) {
      points.push_back({token, 0});
    }
    std::vector<ring_arrival<Node>> one;
    one.push_back(std::move(arrival));
    after = changed(*now, {}, std::move(one), std::move(points));
    now = &after;
  }
  after.epoch = before.epoch + 1;
  return after;
}

/// The points that `reweighted` puts in: `count` of those that the node has, or so many more.
template <class Node>
[[nodiscard]] ring_points balanced_points(const ring_state<Node>& before, std::uint32_t node,
                                          std::uint32_t count) {
  const std::uint64_t old_count = before.entries[node].points;
  ring_points points;
  if (count > old_count) {
    token_balancer balancer(before.view(), before.nodes.size());
    const auto more = static_cast<std::size_t>(count - old_count);
    for (const std::uint64_t token : balancer.tokens_for(more, 0)) points.push_back({token, node});
  } else if (count < old_count) {
    std::uint64_t i = 0;  // every so manieth stays
    for (const std::uint64_t token : before.tokens_of(node)) {
      if (i * count / old_count != (i + 1) * count / old_count) points.push_back({token, node});
      ++i;
    }
  }
  return points;
}

/// The state in which `node` has `weight` and `count` tokens: the first so many of its sequence, or
/// those it has with others that even out the loads, or some of those it has.
template <class Node>
[[nodiscard]] ring_state<Node> reweighted(const ring_state<Node>& before, std::uint32_t node,
                                          double weight, std::uint32_t count) {
  const std::uint32_t old_count = before.entries[node].points;
  const bool grows = count >= old_count;
  ring_points points;
  if (before.options.allocation == token_allocation::balanced) {
    points = balanced_points(before, node, count);
  } else {
    add_points(points, before.entries[node].token_seed, node, grows ? old_count : 0, count);
    sort_points(points);
  }
  std::vector<std::uint32_t> renumbered;
  if (!grows) {
    for (std::uint32_t i = 0; i < before.nodes.size(); ++i) renumbered.push_back(i);
    renumbered[node] = dropped_node;
  }
  ring_state<Node> after{before.options,
                         before.epoch + 1,
                         before.nodes,
                         before.entries,
                         before.zones,
                         before.racks,
                         before.tokens.merged(points, renumbered)};
  after.entries[node].weight = weight;
  after.entries[node].points = count;
  return after;
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
