// SPDX-License-Identifier: BSL-1.0
/// @file
/// How a Maglev table is filled, and the remainder that finds an entry of it.
#ifndef QUOIN_DETAIL_PLACEMENT_MAGLEV_HPP
#define QUOIN_DETAIL_PLACEMENT_MAGLEV_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/placement_double.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// `x % divisor` for every 64-bit `x`, in two multiplications.
///
/// With m = ⌊(2^64 - 1) / d⌋ the estimate q = ⌊x·m / 2^64⌋ is the quotient or one less: m is less
/// than 2^64 / d by at most 1, hence x·m / 2^64 less than x / d by at most x / 2^64, below 1. So the
/// remainder x - q·d lies below 2·d, and one subtraction ends it. (Exact multipliers that need
/// none exist for some divisors, 65537 among them; a table may have any prime.)
class fast_remainder {
 public:
  constexpr explicit fast_remainder(std::uint32_t divisor) noexcept
      : reciprocal_(~std::uint64_t{0} / divisor), divisor_(divisor) {}

  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint32_t operator()(
      std::uint64_t x) const noexcept {
    const std::uint64_t rest = x - mul_high(x, reciprocal_) * divisor_;
    return static_cast<std::uint32_t>(rest < divisor_ ? rest : rest - divisor_);
  }

  [[nodiscard]] constexpr std::uint32_t divisor() const noexcept {
    return static_cast<std::uint32_t>(divisor_);
  }

 private:
  std::uint64_t reciprocal_;
  std::uint64_t divisor_;
};

[[nodiscard]] constexpr bool is_prime(std::uint32_t n) noexcept {
  if (n % 2 == 0) return n == 2;
  for (std::uint32_t i = 3; std::uint64_t{i} * i <= n; i += 2) {
    if (n % i == 0) return false;
  }
  return n > 1;
}

/// The order in which a node asks for entries: `offset`, `offset + skip`, … modulo the table's size.
struct maglev_order {
  std::uint32_t offset;  ///< below the size
  std::uint32_t skip;    ///< 1 to the size - 1
};

/// Whose turn it is, as Envoy has it: a node of the greatest weight takes an entry in each round, one
/// of a third of that in every third. Weights are normalized doubles, added up.
/// @tparam Double  part of the type, as two units of a program may be compiled with options that give
///                 them different ones, and the linker keeps one body of each function.
template <class Double>
class maglev_turns {
 public:
  /// `weights` of which the sum is `total`, below 2^32.
  maglev_turns(std::span<const std::uint32_t> weights, std::uint64_t total) {
    std::uint32_t greatest = 0;
    for (const std::uint32_t weight : weights) {
      equal_ = equal_ && weight == weights[0];
      greatest = max_of(greatest, weight);
    }
    if (equal_) return;
    skewed_ = greatest > 8 * (total / weights.size());
    const auto sum = static_cast<std::uint32_t>(total);
    greatest_ = Double::ratio(greatest, sum);
    nodes_.reserve(weights.size());
    for (const std::uint32_t weight : weights) {
      nodes_.push_back({Double::ratio(weight, sum), Double()});
    }
  }

  /// In most rounds few nodes take an entry.
  [[nodiscard]] bool skewed() const noexcept { return skewed_; }

  /// The first round after `round`, in which `node` has taken an entry, in which it takes another;
  /// `last + 1` if that is after `last`.
  [[nodiscard]] std::uint64_t next(std::size_t node, std::uint64_t round,
                                   std::uint64_t last) noexcept {
    if (equal_) return round + 1;
    turns& turn = nodes_[node];
    turn.target = turn.target + greatest_;
    const auto is_early = [&](std::uint64_t r) { return Double(r) * turn.weight < turn.target; };
    if (!is_early(round + 1)) return round + 1;
    if (is_early(last)) return last + 1;
    // The quotient is rounded, and so is the product that decides: they differ by next to nothing.
    std::uint64_t due = max_of((turn.target / turn.weight).ceil(), round + 2);
    while (is_early(due)) ++due;
    while (!is_early(due - 1)) --due;
    return due;
  }

 private:
  struct turns {
    Double weight, target;
  };
  std::vector<turns> nodes_;
  Double greatest_;
  bool equal_ = true;
  bool skewed_ = false;
};

/// Makes a heap of one whose first element alone is too large: the least is first.
inline void sift_down(std::span<std::uint64_t> heap) noexcept {
  const std::uint64_t value = heap[0];
  std::size_t at = 0;
  for (std::size_t child = 1; child < heap.size(); child = 2 * at + 1) {
    if (child + 1 < heap.size() && heap[child + 1] < heap[child]) ++child;
    if (heap[child] >= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}

/// Fills `table`, whose size is prime, with the numbers of the nodes: listing 1 of the paper, with
/// turns by weight. Expected O(size · log(size)): where few nodes are due, rounds in which a node takes
/// nothing are passed over (the listing and Envoy ask every node in every round).
template <class Entry, class Double>
void fill_maglev(std::span<const maglev_order> orders, maglev_turns<Double> turns,
                 std::span<Entry> table) {
  const auto size = static_cast<std::uint32_t>(table.size());
  std::vector<maglev_order> nodes(orders.begin(), orders.end());  // offset: where it asks next
  std::vector<std::uint64_t> taken(table.size() / 64 + 1);        // a 16th of the table: cached
  const auto advance = [size](maglev_order& node) {
    node.offset += node.skip;
    if (node.offset >= size) node.offset -= size;
  };
  const auto take = [&](std::size_t i) {
    maglev_order& node = nodes[i];
    while ((taken[node.offset / 64] >> node.offset % 64 & 1) != 0) advance(node);
    taken[node.offset / 64] |= std::uint64_t{1} << node.offset % 64;
    table[node.offset] = static_cast<Entry>(i);
    advance(node);
  };
  // In each round the heaviest node takes an entry, so that there are at most `size` of them; more
  // only where roundings add up, in tables far larger than these.
  const std::uint64_t last = 2 * std::uint64_t{size};
  std::vector<std::uint64_t> due;  // the round in which a node is next, and its number below
  due.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) due.push_back(std::uint64_t{1} << 32 | i);
  const auto take_turn = [&](std::uint64_t& turn) {
    const auto i = static_cast<std::uint32_t>(turn);
    take(i);
    turn = turns.next(i, turn >> 32, last) << 32 | i;
  };
  std::uint32_t filled = 0;
  if (turns.skewed()) {
    for (; filled < size; ++filled) {
      take_turn(due[0]);
      sift_down(due);
    }
  }
  for (std::uint64_t round = 1; filled < size; ++round) {  // cheaper when most nodes are due
    for (std::size_t i = 0; i < nodes.size() && filled < size; ++i) {
      if (due[i] >> 32 > round) continue;
      take_turn(due[i]);
      ++filled;
    }
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
