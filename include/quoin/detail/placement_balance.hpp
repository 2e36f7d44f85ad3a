// SPDX-License-Identifier: BSL-1.0
/// @file
/// Tokens for a node that joins a ring, such that loads become even: not at random, but where the
/// most loaded nodes own most.
///
/// With random tokens loads deviate by 1/√V whatever is done (18 % at 32 tokens a node). Here the
/// node that joins takes one range from each of the most loaded ones, as many as it has tokens, and
/// of each as much as brings all of them and itself to one level: of all ways to take from these
/// nodes the one that leaves the least variance. Each of its tokens splits one of their largest
/// ranges. Nothing moves between other nodes. (Apache Cassandra's token allocator is of this kind.)
///
/// Arithmetic is of integers, so that the tokens are the same on every platform.
#ifndef QUOIN_DETAIL_PLACEMENT_BALANCE_HPP
#define QUOIN_DETAIL_PLACEMENT_BALANCE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/placement_ranges.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// Chooses tokens. A node is entitled to a share in proportion to the number of its tokens.
class token_balancer {
 public:
  /// For a ring of nodes 0 … `nodes` - 1, each with a token. Keeps a reference to the tokens.
  token_balancer(const token_ring& ring, std::size_t nodes) : ring_(ring), loads_(nodes) {
    for_each_range(ring.tokens, [&](hash_range range, std::size_t i) {
      load& l = loads_[ring.nodes[i]];
      l.share += is_whole_ring(range) ? whole : width_of(range) >> unit_bits;
      l.largest.push_back({width_of(range), i});
    });
    for (const std::uint32_t node : ring.nodes) ++loads_[node].tokens;
  }

  /// `count` tokens that nobody has, ascending, for one more node. For the first node they are
  /// spread evenly from `start` on. O(tokens + nodes · log nodes), and as often as a node gives up
  /// several ranges a walk through its ranges.
  [[nodiscard]] std::vector<std::uint64_t> tokens_for(std::size_t count, std::uint64_t start) {
    if (ring_.tokens.empty()) return evenly_spread(count, start);
    choose_donors(count);
    share_out(count);
    std::vector<std::uint64_t> tokens;
    for (const std::size_t donor : donors_) take_from(loads_[donor], tokens);
    fill_up(tokens, count);
    sort(tokens);
    return tokens;
  }

 private:
  struct owned {
    std::uint64_t width;
    std::size_t position;
  };
  struct load {
    std::uint64_t share = 0;  // in units of 2^unit_bits hashes
    std::uint64_t tokens = 0;
    std::uint64_t gives = 0;       // so much of its share
    std::size_t cuts = 0;          // by so many tokens
    std::vector<owned> largest{};  // its ranges

    /// Share for each token, in units of 2^-16: no more than 2^63.
    [[nodiscard]] std::uint64_t level() const noexcept { return (share << 16) / tokens; }
  };

  static constexpr unsigned unit_bits = 17;
  static constexpr std::uint64_t whole = std::uint64_t{1} << (64 - unit_bits);

  /// The width of the whole ring, which does not fit, is one less.
  [[nodiscard]] static std::uint64_t width_of(const hash_range& range) noexcept {
    return is_whole_ring(range) ? UINT64_MAX : range.last - range.after;
  }

  [[nodiscard]] static std::vector<std::uint64_t> evenly_spread(std::size_t count,
                                                                std::uint64_t start) {
    std::vector<std::uint64_t> tokens;
    const std::uint64_t step = UINT64_MAX / count;
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(start + i * step);
    sort(tokens);
    return tokens;
  }

  /// The most loaded nodes, at most `count`, as long as they are above the level of those before and
  /// of the new one together; and that level.
  void choose_donors(std::size_t count) {
    std::vector<std::size_t> order(loads_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    merge_runs(order,
               [&](std::size_t a, std::size_t b) { return loads_[a].level() > loads_[b].level(); });
    std::uint64_t shares = 0, tokens = count;
    donors_.clear();
    level_ = 0;
    for (const std::size_t node : order) {
      if (donors_.size() == count || loads_[node].level() <= level_) break;
      donors_.push_back(node);
      shares += loads_[node].share;
      tokens += loads_[node].tokens;
      level_ = (shares << 16) / tokens;
    }
  }

  /// How much each gives, and by how many cuts: one each, the others in proportion.
  void share_out(std::size_t count) {
    std::uint64_t sum = 0;
    for (const std::size_t donor : donors_) {
      load& l = loads_[donor];
      l.gives = l.share - (level_ * l.tokens >> 16);
      l.cuts = 1;
      sum += l.gives;
    }
    std::size_t left = count - donors_.size();
    if (left == 0) return;
    const std::uint64_t each = sum / left + 1;
    for (const std::size_t donor : donors_) {
      const auto more = static_cast<std::size_t>(loads_[donor].gives / each);
      loads_[donor].cuts += more;
      left -= more;
    }
    for (std::size_t i = 0; left > 0; --left, ++i) ++loads_[donors_[i % donors_.size()]].cuts;
  }

  /// Cuts the largest ranges, each in the same proportion: the new token owns the first part.
  void take_from(load& l, std::vector<std::uint64_t>& tokens) const {
    l.cuts = min_of(l.cuts, l.largest.size());
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < l.cuts; ++k) {
      for (std::size_t i = k + 1; i < l.largest.size(); ++i) {
        if (l.largest[k].width < l.largest[i].width) std::swap(l.largest[k], l.largest[i]);
      }
      sum += l.largest[k].width >> unit_bits;
    }
    // At most 15/16 of a range: what is left must still be worth a token.
    const std::uint64_t part =
        min_of<std::uint64_t>((l.gives << 16) / max_of<std::uint64_t>(sum, 1), 0xf000);
    for (std::size_t k = 0; k < l.cuts; ++k) {
      const owned& range = l.largest[k];
      if (range.width < 2) continue;
      const std::uint64_t taken = max_of<std::uint64_t>(mul_high(range.width, part << 48), 1);
      const std::uint64_t last = ring_.tokens[range.position];
      tokens.push_back(last - range.width + taken);
    }
  }

  /// Adds tokens right before those that were chosen, where there are fewer than `count`: they own
  /// next to nothing, but a node has as many as it was told to.
  void fill_up(std::vector<std::uint64_t>& tokens, std::size_t count) const {
    std::vector<std::uint64_t> chosen = tokens, more;
    sort(chosen);
    std::uint64_t back = 1;
    for (std::size_t i = 0; chosen.size() + more.size() < count;) {
      while (chosen.size() + more.size() < count) {
        const std::uint64_t token = tokens[i] - back;
        if (!has(ring_.tokens, token) && !has(chosen, token)) more.push_back(token);
        if (++i == tokens.size()) i = 0, ++back;
      }
      sort(more);  // two that were chosen may be neighbours
      std::size_t kept = 0;
      for (const std::uint64_t token : more) {
        if (kept == 0 || more[kept - 1] != token) more[kept++] = token;
      }
      more.resize(kept);
    }
    tokens.insert(tokens.end(), more.begin(), more.end());
  }

  [[nodiscard]] static bool has(std::span<const std::uint64_t> sorted,
                                std::uint64_t token) noexcept {
    const token_ring all{sorted, {}};
    return !sorted.empty() && sorted[all.position_of(token)] == token;
  }

  static void sort(std::vector<std::uint64_t>& tokens) {
    merge_runs(tokens, [](std::uint64_t a, std::uint64_t b) { return a < b; });
  }

  /// Sorts stably.
  template <class T, class Less>
  static void merge_runs(std::vector<T>& items, Less less) {
    std::vector<T> from(items);
    for (std::size_t run = 1; run < items.size(); run *= 2) {
      from.swap(items);
      for (std::size_t begin = 0; begin < items.size(); begin += 2 * run) {
        const std::size_t middle = min_of(begin + run, items.size());
        const std::size_t end = min_of(begin + 2 * run, items.size());
        for (std::size_t out = begin, a = begin, b = middle; out < end; ++out) {
          const bool takes_b = a == middle || (b < end && less(from[b], from[a]));
          items[out] = from[takes_b ? b++ : a++];
        }
      }
    }
  }

  token_ring ring_;
  std::vector<load> loads_;
  std::vector<std::size_t> donors_;  // from the most loaded on
  std::uint64_t level_ = 0;          // to which they come down
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
