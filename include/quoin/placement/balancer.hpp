// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which node takes the next request, when any may: round robin, least connections, power of two
/// choices.
///
/// Use it where requests have no home: stateless servers, replicas that all hold the key. Where a key
/// should come back to the same node, take a placement (with `bounded_load` around it, it balances,
/// too).
///
/// Guarantee   `round_robin` and `weighted_round_robin` give every node exactly its share in each
///             round, in nginx' smooth order of `nodes()`, whoever asks (but that one round is cut
///             short when the counter of turns begins again: with 32 bits every 2^32 requests). The
///             others look at requests in flight.
/// Cost        one atomic addition for the turn, one each for the beginning and the end of a request;
///             `least_connections` reads all nodes, `two_choices` two of them.
/// Threads     concurrent: all operations at once, lock-free. Counters are relaxed atomics, as nothing
///             else hangs on them; loads that change while they are read make a choice less good,
///             never wrong.
/// Source      smooth weighted round robin: nginx, ngx_http_upstream_round_robin.c; two choices: Azar,
///             Broder, Karlin, Upfal 1999, Mitzenmacher 2001.
///
/// @code
/// quoin::balancer<> servers({{"a"}, {"b"}, {"c", 2}}, {.policy = quoin::balance::two_choices});
/// {
///   const auto lease = servers.acquire();  // in flight until its end
///   send(request, lease.node());
/// }
/// @endcode
#ifndef QUOIN_PLACEMENT_BALANCER_HPP
#define QUOIN_PLACEMENT_BALANCER_HPP

#include <quoin/detail/placement_lease.hpp>
#include <quoin/detail/placement_weighted.hpp>
#include <quoin/hash/hash.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How a `balancer` chooses.
enum class balance : std::uint8_t {
  round_robin,           ///< one after the other; weights do not matter
  weighted_round_robin,  ///< as often as weights say, and as evenly spread as they permit
  least_connections,     ///< the least requests in flight by weight; of equals the next in turn
  /// The one with less in flight by weight of two at random: nearly as good, at any number of nodes.
  /// All nodes are as likely to be among the two: of n nodes none takes more than 2/n, however heavy.
  two_choices,
};

/// What a `balancer` is made with.
struct balancer_options {
  balance policy = balance::two_choices;
  std::uint64_t seed = 0;  ///< of the choices at random

  friend bool operator==(const balancer_options&, const balancer_options&) = default;
};

/// A set of nodes that does not change. It stays where it is: leases point to it.
/// @tparam Node  copyable, ordered by <.
template <detail::placement_node Node = std::string>
class balancer {
 public:
  using node_type = Node;

  /// A request in flight: ends when it is destroyed, assigned to or told `release()`; has `node()` and
  /// `index()`. Must not outlive the balancer that gave it.
  using lease = detail::node_lease<balancer>;

  /// Of `nodes`. Throws `std::invalid_argument` for no nodes, a node given twice, weights of 0 or of
  /// 2^32 together, a policy that is none, and in `weighted_round_robin` for weights that, divided by
  /// what they have in common, come to more than 2^20: the order of a round is kept, 4 bytes a turn.
  /// O(n log n); for `weighted_round_robin` O(nodes · turns of a round).
  explicit balancer(std::span<const weighted_node<Node>> nodes,
                    const balancer_options& options = {})
      : nodes_(detail::weighted_nodes<Node>().with(type, nodes)),
        options_(options),
        loads_(nodes.size()) {
    if (nodes.empty()) detail::fail_argument(type, "size", 0, "at least 1");
    if (options.policy > balance::two_choices) {
      detail::fail_argument(type, "policy", static_cast<unsigned>(options.policy),
                            "one of enum balance");
    }
    if (options.policy == balance::weighted_round_robin) plan_round();
  }
  balancer(std::initializer_list<weighted_node<Node>> nodes, const balancer_options& options = {})
      : balancer(std::span(nodes.begin(), nodes.size()), options) {}
  balancer(const balancer&) = delete;
  balancer& operator=(const balancer&) = delete;

  /// The node for the next request.
  [[nodiscard]] lease acquire() noexcept {
    const std::uint32_t index = choose(turn_.value.fetch_add(1, std::memory_order_relaxed));
    loads_[index].value.fetch_add(1, std::memory_order_relaxed);
    return {this, index};
  }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  /// The nodes in their order, and their weights.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_.nodes(); }
  [[nodiscard]] std::span<const std::uint32_t> weights() const noexcept { return nodes_.weights(); }
  [[nodiscard]] const balancer_options& options() const noexcept { return options_; }

  /// Requests in flight at the node at `index`. Throws `std::invalid_argument` unless it is below
  /// `size()`.
  [[nodiscard]] std::size_t in_flight(std::uint32_t index) const {
    return detail::at_index(type, loads_, index).load();
  }

 private:
  static constexpr const char* type = "balancer";

  friend lease;

  [[nodiscard]] const Node& node_at(std::uint32_t index) const noexcept { return nodes()[index]; }
  void give_back(std::uint32_t index) noexcept {
    loads_[index].value.fetch_sub(1, std::memory_order_relaxed);
  }

  /// One round in nginx' order: each time every node gains its weight, and the richest pays them all.
  void plan_round() {
    std::uint64_t common = 0;
    // Euclid's algorithm (<numeric> costs more than all this).
    for (std::uint64_t weight : weights()) {
      while (weight != 0) common = std::exchange(weight, common % weight);
    }
    const std::uint64_t total = nodes_.total_weight() / common;
    if (total > std::uint64_t{1} << 20) {
      detail::fail_argument(type, "sum of weights over their divisor", total, "at most 2^20");
    }
    round_.reserve(static_cast<std::size_t>(total));
    std::vector<std::int64_t> wealth(size());
    for (std::uint64_t i = 0; i < total; ++i) {
      std::size_t richest = 0;
      for (std::size_t k = 0; k < size(); ++k) {
        wealth[k] += static_cast<std::int64_t>(weights()[k] / common);
        if (wealth[k] > wealth[richest]) richest = k;
      }
      wealth[richest] -= static_cast<std::int64_t>(total);
      round_.push_back(static_cast<std::uint32_t>(richest));
    }
  }

  [[nodiscard]] std::uint32_t choose(std::size_t turn) const noexcept {
    switch (options_.policy) {
      case balance::round_robin:
        return static_cast<std::uint32_t>(turn % size());
      case balance::weighted_round_robin:
        return round_[turn % round_.size()];
      case balance::least_connections:
        return least_loaded(turn);
      default:
        return better_of_two(turn);
    }
  }

  /// The requests that the node would have by its weight, as a fraction `first / second`.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> busy(std::uint32_t index) const noexcept {
    return {std::uint64_t{loads_[index].load()} + 1, weights()[index]};
  }

  [[nodiscard]] std::uint32_t least_loaded(std::size_t turn) const noexcept {
    auto best = static_cast<std::uint32_t>(turn % size());
    auto least = busy(best);
    for (std::size_t i = 1; i < size(); ++i) {
      const auto index = static_cast<std::uint32_t>((turn % size() + i) % size());
      const auto next = busy(index);
      if (next.first * least.second < least.first * next.second) best = index, least = next;
    }
    return best;
  }

  [[nodiscard]] std::uint32_t better_of_two(std::size_t turn) const noexcept {
    if (size() == 1) return 0;
    const std::uint64_t random = hash{options_.seed}(std::uint64_t{turn});
    const auto n = static_cast<std::uint32_t>(size());
    const auto below = [](std::uint64_t half, std::uint32_t limit) {
      return static_cast<std::uint32_t>((half & 0xffffffffu) * limit >> 32);
    };
    const std::uint32_t a = below(random, n), step = 1 + below(random >> 32, n - 1);
    const std::uint32_t b = a < n - step ? a + step : a - (n - step);
    const auto of_a = busy(a), of_b = busy(b);
    return of_b.first * of_a.second < of_a.first * of_b.second ? b : a;
  }

  detail::weighted_nodes<Node> nodes_;
  balancer_options options_;
  std::vector<std::uint32_t> round_;
  std::vector<detail::lone_counter> loads_;
  detail::lone_counter turn_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
