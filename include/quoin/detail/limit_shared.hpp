// SPDX-License-Identifier: BSL-1.0
/// @file
/// The arithmetic of a window that nodes share: counts of each node that only grow, what of them is
/// known here, and this node's part of what is left.
#ifndef QUOIN_DETAIL_LIMIT_SHARED_HPP
#define QUOIN_DETAIL_LIMIT_SHARED_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/limit_division.hpp>
#include <quoin/detail/limit_window_math.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// The most that a count, or a sum of counts, is.
inline constexpr std::uint64_t shared_most = std::uint64_t{1} << 62;

/// What a node has let in, in the window before and in the current one.
struct shared_counts {
  std::uint64_t node = 0;
  std::uint64_t current = 0;
  std::uint64_t previous = 0;
};

/// What is known of a node. Merging takes the greater of two counts: a G-counter for each window.
struct shared_entry : shared_counts {
  std::uint64_t faded = 0;    ///< counts of windows before, halved with each; local
  std::uint64_t changed = 0;  ///< by which version of all this

  /// What it uses in a window, of late, if `windows` more have passed.
  [[nodiscard]] constexpr std::uint64_t use(std::uint64_t windows) const noexcept {
    if (windows == 0) return previous + faded;
    const std::uint64_t after_one = current + (faded + previous) / 2;
    if (windows == 1) return after_one;
    return windows - 1 < 64 ? after_one >> (windows - 1) : 0;
  }
  constexpr void pass(std::uint64_t windows) noexcept {
    faded = windows == 1 ? (faded + previous) / 2 : use(windows);
    previous = windows == 1 ? current : 0;
    current = 0;
  }
  /// Only this node's share remembers it.
  [[nodiscard]] constexpr bool silent() const noexcept { return current == 0 && previous == 0; }
  [[nodiscard]] constexpr bool forgotten() const noexcept { return silent() && faded == 0; }
};

/// Some number, another one of each pair.
[[nodiscard]] constexpr std::uint64_t shared_mix(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t x = mul_fold(a ^ 0x9e3779b97f4a7c15u, 0xd1342543de82ef95u) ^ b;
  return mul_fold(x ^ 0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu);
}

/// A part of something: from `low` to `high` of `of`.
struct shared_part {
  std::uint64_t low = 0;
  std::uint64_t high = 1;
  std::uint64_t of = 1;

  /// So many of `tokens`; the parts of all nodes are all of the tokens, whatever `turn` is, which
  /// decides who gets those that do not divide.
  [[nodiscard]] constexpr std::uint64_t share(std::uint64_t tokens,
                                              std::uint64_t turn) const noexcept {
    const std::uint64_t shift = turn % of;
    return divide(mul_add(high, tokens, shift), of) - divide(mul_add(low, tokens, shift), of);
  }
};

/// The nodes other than this one, by their ids.
class shared_nodes {
 public:
  [[nodiscard]] const std::vector<shared_entry>& all() const noexcept { return all_; }
  [[nodiscard]] std::uint64_t current() const noexcept { return current_; }
  [[nodiscard]] std::uint64_t previous() const noexcept { return previous_; }

  void clear() noexcept {
    all_.clear();
    current_ = previous_ = 0;
    active_ = 0;
  }

  void pass(std::uint64_t windows) noexcept {
    std::size_t kept = 0;
    for (shared_entry& node : all_) {
      node.pass(windows);
      if (!node.forgotten()) all_[kept++] = node;
    }
    all_.resize(kept);
    add_up();
  }

  /// Of the `count` nodes that `read(i)` tells, sorted: how many are not known yet, and whether with
  /// them no more than `most` are not silent.
  struct arrivals {
    std::size_t strangers = 0;
    bool fit = true;
  };
  template <class Read>
  [[nodiscard]] arrivals arriving(std::size_t count, Read read, std::uint64_t most) const noexcept {
    std::size_t at = 0, strangers = 0, woken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const shared_counts heard = read(i);
      if (heard.current == 0 && heard.previous == 0) continue;
      while (at < all_.size() && all_[at].node < heard.node) ++at;
      if (at == all_.size() || all_[at].node != heard.node) {
        ++strangers;
      } else {
        woken += all_[at].silent() ? 1u : 0u;
      }
    }
    return {strangers, std::uint64_t{active_} + woken + strangers <= most};
  }

  /// Takes the greater counts of nodes that fit; `strangers` is what `arriving` said. If there are
  /// more than `most` then, those go of whom nothing was heard of late.
  /// @return  how many admissions that is more than was known.
  template <class Read>
  std::uint64_t learn(std::size_t count, Read read, std::size_t strangers, std::uint64_t most,
                      std::uint64_t version) {
    if (strangers != 0) {
      const auto kept = static_cast<std::size_t>(
          min_of(most, std::uint64_t{all_.size()} + strangers) - strangers);
      all_.reserve(kept + strangers);  // before anything changes
      if (kept < all_.size()) forget(all_.size() - kept, count, read);
      make_room(count, read, strangers);
    }
    std::uint64_t learned = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const shared_counts heard = read(i);
      if (heard.current == 0 && heard.previous == 0) continue;
      while (all_[at].node != heard.node) ++at;
      const std::uint64_t more = raise(all_[at], heard);
      if (more != 0) all_[at].changed = version;
      learned = min_of(learned + more, shared_most);
    }
    add_up();
    return learned;
  }

  static std::uint64_t raise(shared_counts& known, const shared_counts& heard) noexcept {
    const std::uint64_t current = max_of(known.current, heard.current);
    const std::uint64_t previous = max_of(known.previous, heard.previous);
    const std::uint64_t more = current - known.current + (previous - known.previous);
    known.current = current;
    known.previous = previous;
    return more;
  }

 private:
  /// Keeps those nodes that are not silent, or of which `read` tells a count, or `drop` says no.
  template <class Read, class Drop>
  void keep(std::size_t count, Read read, Drop drop) noexcept {
    std::size_t kept = 0, i = 0;
    for (const shared_entry& node : all_) {
      while (i < count && read(i).node < node.node) ++i;
      const shared_counts heard = i < count ? read(i) : shared_counts{};
      const bool told = heard.node == node.node && (heard.current != 0 || heard.previous != 0);
      if (told || !node.silent() || !drop(node)) all_[kept++] = node;
    }
    all_.resize(kept);
  }

  /// `n` of the silent nodes of which `read` does not tell: those that used least, by powers of 2.
  template <class Read>
  void forget(std::size_t n, std::size_t count, Read read) noexcept {
    std::size_t of_width[65] = {};
    const auto width = [](const shared_entry& node) {
      return static_cast<std::size_t>(std::bit_width(node.faded));
    };
    keep(count, read, [&](const shared_entry& node) { return ++of_width[width(node)], false; });
    std::size_t widest = 0;
    for (; of_width[widest] < n; ++widest) n -= of_width[widest];
    keep(count, read, [&](const shared_entry& node) {
      return width(node) < widest || (width(node) == widest && n != 0 && n-- != 0);
    });
  }

  /// From the back, so that each moves once.
  template <class Read>
  void make_room(std::size_t count, Read read, std::size_t strangers) {
    std::size_t from = all_.size(), to = from + strangers;
    all_.resize(to);
    for (std::size_t i = count; to != from;) {
      const shared_counts heard = read(--i);
      if (heard.current == 0 && heard.previous == 0) continue;
      while (from != 0 && all_[from - 1].node > heard.node) all_[--to] = all_[--from];
      if (from != 0 && all_[from - 1].node == heard.node) continue;
      all_[--to] = shared_entry{{heard.node}};
    }
  }

  void add_up() noexcept {
    current_ = previous_ = 0;
    active_ = 0;
    for (const shared_entry& node : all_) {
      active_ += node.silent() ? 0u : 1u;
      current_ = min_of(current_ + node.current, shared_most);
      previous_ = min_of(previous_ + node.previous, shared_most);
    }
  }

  std::vector<shared_entry> all_;
  std::uint64_t current_ = 0;
  std::uint64_t previous_ = 0;
  std::size_t active_ = 0;  ///< that are not silent
};

/// The part of `own`, one of `expected` nodes or more, when `windows` more have passed and window
/// `number` begins. Three quarters go by use, one quarter evenly. Nodes in use come in the order of
/// their ids; after them one of the places that are left over, for one that was silent.
[[nodiscard]] inline shared_part part_of(const shared_entry& own,
                                         const std::vector<shared_entry>& others,
                                         std::uint64_t expected, std::uint64_t windows,
                                         std::uint64_t number) noexcept {
  // Above 2^42 in a window all are alike: so sums stay within 64 bits, of 2^20 nodes at most.
  const auto use_of = [windows](const shared_entry& node) {
    return min_of(node.use(windows), std::uint64_t{1} << 42);
  };
  std::uint64_t known = 1, sum = use_of(own);
  for (const shared_entry& node : others) {
    known += use_of(node) != 0 ? 1u : 0u;
    sum += use_of(node);
  }
  // 32 bits of the sum, so that the weights of all have 54 together.
  const int excess = static_cast<int>(std::bit_width(sum)) - 32;
  const int scale = max_of(excess, 0);
  std::uint64_t total = use_of(own) >> scale;
  for (const shared_entry& node : others) total += use_of(node) >> scale;
  const std::uint64_t nodes = max_of(known, expected), even = max_of<std::uint64_t>(total, 1);
  const auto weight = [&](const shared_entry& node) {
    return 3 * nodes * (use_of(node) >> scale) + even;
  };
  std::uint64_t before = 0, active = 0;
  for (const shared_entry& node : others) {
    if (use_of(node) == 0) continue;
    active += weight(node);
    if (node.node < own.node) before += weight(node);
  }
  const std::uint64_t free = nodes - known;
  shared_part part;
  part.of = active + weight(own) + free * even;
  part.low = use_of(own) != 0 ? before : active + shared_mix(own.node, number) % (free + 1) * even;
  part.high = part.low + weight(own);
  return part;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
