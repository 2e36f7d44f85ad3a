// SPDX-License-Identifier: BSL-1.0
/// @file
/// Who owns which part of a ring of sorted tokens, and what changes hands between two such rings.
///
/// Each token owns the hashes that follow the token before it, up to and including itself; the first
/// one also those after the last. Of equal tokens the first in the array owns, the others nothing.
#ifndef QUOIN_DETAIL_PLACEMENT_RANGES_HPP
#define QUOIN_DETAIL_PLACEMENT_RANGES_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/placement_hash_range.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint32_t no_node = UINT32_MAX;

[[nodiscard]] constexpr bool is_whole_ring(const hash_range& range) noexcept {
  return range.after == range.last;
}

/// Tokens in ascending order and the node of each.
struct token_ring {
  std::span<const std::uint64_t> tokens;
  std::span<const std::uint32_t> nodes;

  /// The token that owns `hash`, by bisection. The ring is not empty.
  [[nodiscard]] std::size_t position_of(std::uint64_t hash) const noexcept {
    std::size_t low = 0, high = tokens.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (tokens[middle] < hash) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == tokens.size() ? 0 : low;
  }
};

/// Calls `f(range, i)` for each token `i` that owns anything, in ascending order.
template <class F>
void for_each_range(std::span<const std::uint64_t> tokens, F f) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::uint64_t after = i == 0 ? tokens.back() : tokens[i - 1];
    if (i == 0 || tokens[i] != after) f(hash_range{after, tokens[i]}, i);
  }
}

/// Cuts the ring at the tokens of both: calls `f(range, i, j)` for each piece, in ascending order,
/// with the tokens `a[i]` and `b[j]` that own it. Neither is empty. O(a.size() + b.size()).
template <class F>
void for_each_overlap(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b, F f) {
  std::uint64_t after = max_of(a.back(), b.back());
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const std::uint64_t last = i == a.size() ? b[j] : j == b.size() ? a[i] : min_of(a[i], b[j]);
    f(hash_range{after, last}, i == a.size() ? 0 : i, j == b.size() ? 0 : j);
    while (i < a.size() && a[i] == last) ++i;
    while (j < b.size() && b[j] == last) ++j;
    after = last;
  }
}

/// Collects ranges, each with what is to be said of it, and joins those that touch and say the same:
/// the list is then the shortest there is. `Item` has a `range` and `says_the_same(const Item&)`.
template <class Item>
class joined_ranges {
 public:
  /// From here on come ranges of the next piece, which begins where the last one ended.
  void next_piece() {
    touching_.swap(latest_);
    latest_.clear();
  }

  void add(const Item& item) {
    for (const std::size_t k : touching_) {
      if (items_[k].range.last == item.range.after && items_[k].says_the_same(item)) {
        items_[k].range.last = item.range.last;
        latest_.push_back(k);
        return;
      }
    }
    latest_.push_back(items_.size());
    items_.push_back(item);
  }

  /// The list, once all pieces of the ring were added in ascending order.
  [[nodiscard]] std::vector<Item> take() && {
    join_ends();
    for (Item& item : items_) {
      if (is_whole_ring(item.range)) item.range = hash_range();
    }
    return std::move(items_);
  }

 private:
  /// What ends with the last piece goes on in the first.
  void join_ends() {
    for (std::size_t n = latest_.size(); n-- > 0;) {
      const std::size_t k = latest_[n];
      const Item end = items_[k];
      for (std::size_t first = 0; first < k && !is_whole_ring(end.range); ++first) {
        Item& begin = items_[first];
        if (begin.range.after != end.range.last || !begin.says_the_same(end)) continue;
        begin.range.after = end.range.after;
        erased(k);
        break;
      }
    }
  }

  void erased(std::size_t k) {
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(k));
    for (std::size_t& other : latest_) other -= other > k;
  }

  std::vector<Item> items_;
  std::vector<std::size_t> touching_;  // items that end where the current piece begins
  std::vector<std::size_t> latest_;    // items that end with the current piece
};

/// One range of a node.
struct owned_range {
  hash_range range;
  [[nodiscard]] bool says_the_same(const owned_range&) const noexcept { return true; }
};

/// The ranges of `node`, in ascending order, as few as there can be. O(tokens).
[[nodiscard]] inline std::vector<hash_range> ranges_of_node(const token_ring& ring,
                                                            std::uint32_t node) {
  joined_ranges<owned_range> joined;
  for_each_range(ring.tokens, [&](hash_range range, std::size_t i) {
    joined.next_piece();
    if (ring.nodes[i] == node) joined.add({range});
  });
  std::vector<hash_range> ranges;
  for (const owned_range& owned : std::move(joined).take()) ranges.push_back(owned.range);
  return ranges;
}

/// Adds up ranges that do not overlap, exactly as long as they are not the whole ring.
class range_sum {
 public:
  void add(hash_range range) noexcept {
    if (is_whole_ring(range)) ++whole_rings_;
    const std::uint64_t sum = width_ + (range.last - range.after);
    whole_rings_ += sum < width_;
    width_ = sum;
  }

  /// In rings: 1 is all of one.
  [[nodiscard]] double share() const noexcept {
    return whole_rings_ + static_cast<double>(width_) * 0x1p-64;
  }

 private:
  std::uint64_t width_ = 0;
  double whole_rings_ = 0;
};

/// The part of the ring that each of nodes 0 … `shares.size()` - 1 owns. O(tokens).
inline void shares_of_nodes(const token_ring& ring, std::span<double> shares) {
  std::vector<range_sum> sums(shares.size());
  for_each_range(ring.tokens,
                 [&](hash_range range, std::size_t i) { sums[ring.nodes[i]].add(range); });
  for (std::size_t node = 0; node < shares.size(); ++node) shares[node] = sums[node].share();
}

/// A range that another node owns than before, by the numbers of nodes.
struct owner_move {
  hash_range range;
  std::uint32_t from;
  std::uint32_t to;

  [[nodiscard]] bool says_the_same(const owner_move& other) const noexcept {
    return from == other.from && to == other.to;
  }
  friend bool operator==(const owner_move&, const owner_move&) = default;
};

/// What changes its owner between two rings, as few ranges as there can be, in ascending order. The
/// nodes of both are numbered alike. Nothing if either is empty. O(tokens of both).
[[nodiscard]] inline std::vector<owner_move> owner_moves(const token_ring& before,
                                                         const token_ring& after) {
  if (before.tokens.empty() || after.tokens.empty()) return {};
  joined_ranges<owner_move> joined;
  for_each_overlap(before.tokens, after.tokens,
                   [&](hash_range range, std::size_t i, std::size_t j) {
                     joined.next_piece();
                     const std::uint32_t from = before.nodes[i], to = after.nodes[j];
                     if (from != to) joined.add({range, from, to});
                   });
  return std::move(joined).take();
}

/// A range that `to` must fetch, as it holds a replica now and did not before.
struct replica_move {
  hash_range range;
  std::uint32_t from;   // held it before; gives it up, unless `from_keeps`
  std::uint32_t to;     // holds it from now on
  std::uint32_t other;  // holds it before and after and is not `from`, or no_node
  bool from_keeps;      // `from` holds it after, too

  [[nodiscard]] bool says_the_same(const replica_move& that) const noexcept {
    return from == that.from && to == that.to && other == that.other &&
           from_keeps == that.from_keeps;
  }
  friend bool operator==(const replica_move&, const replica_move&) = default;
};

template <class List>
[[nodiscard]] bool lists_node(const List& list, std::uint32_t node) {
  for (const std::uint32_t each : list) {
    if (each == node) return true;
  }
  return false;
}

/// The first of `list` from `p` on that is (`wanted`) or is not among `others`; the end if none is.
template <class List>
[[nodiscard]] const std::uint32_t* next_among(const List& list, const std::uint32_t* p,
                                              const List& others, bool wanted) {
  while (p != list.end() && lists_node(others, *p) != wanted) ++p;
  return p;
}

/// Adds to `joined` what the nodes in `now` but not in `once` must fetch of `range`: the first of
/// them from the first that gives it up, and so on, so that each copy is handed on by its holder;
/// when nobody (else) gives up, from the first that keeps it, or else from the first that had it.
template <class List>
void add_replica_moves(joined_ranges<replica_move>& joined, hash_range range, const List& once,
                       const List& now) {
  const std::uint32_t* const keeps = next_among(once, once.begin(), now, true);
  const std::uint32_t* leaves = next_among(once, once.begin(), now, false);
  for (const std::uint32_t to : now) {
    if (lists_node(once, to)) continue;
    const std::uint32_t* from = leaves != once.end()  ? leaves
                                : keeps != once.end() ? keeps
                                                      : once.begin();
    if (leaves != once.end()) leaves = next_among(once, leaves + 1, now, false);
    const std::uint32_t* other = keeps;
    if (other == from) other = next_among(once, other + 1, now, true);
    joined.add({range, *from, to, other == once.end() ? no_node : *other, lists_node(now, *from)});
  }
}

/// What must be fetched so that the replica sets of `before` become those of `after`.
/// `once(i)` and `now(j)` give the replicas at token `i` and `j`, numbered alike, as containers of
/// std::uint32_t with pointers for iterators. Nothing if either is empty.
template <class Once, class Now>
[[nodiscard]] std::vector<replica_move> replica_moves(std::span<const std::uint64_t> before,
                                                      std::span<const std::uint64_t> after,
                                                      Once once, Now now) {
  if (before.empty() || after.empty()) return {};
  joined_ranges<replica_move> joined;
  for_each_overlap(before, after, [&](hash_range range, std::size_t i, std::size_t j) {
    joined.next_piece();
    add_replica_moves(joined, range, once(i), now(j));
  });
  return std::move(joined).take();
}

/// The sum of `moves`, in rings.
template <class Moves>
[[nodiscard]] double share_of_moves(const Moves& moves) {
  range_sum sum;
  for (const auto& move : moves) sum.add(move.range);
  return sum.share();
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
