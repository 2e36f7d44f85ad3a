// SPDX-License-Identifier: BSL-1.0
/// @file
/// A window that nodes share, as one of them knows it, in integer nanoseconds.
#ifndef QUOIN_DETAIL_LIMIT_SHARED_CORE_HPP
#define QUOIN_DETAIL_LIMIT_SHARED_CORE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_division.hpp>
#include <quoin/detail/limit_shared.hpp>
#include <quoin/detail/limit_window_math.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// Which admissions a shared window counts.
enum class shared_form : std::uint8_t {
  sliding,  ///< as `sliding_window` with `weight::up`: those of the window before, too, fading
  fixed,    ///< as `fixed_window`: those of the current window
};

/// The quota of a shared window, and this node's place among the others.
struct shared_window_options {
  quoin::rate rate;        ///< of all nodes together; `count` up to 2^62, `per` 1 ns or more
  std::uint64_t node = 0;  ///< this one's id, of no other node and no earlier life
  shared_form form = shared_form::sliding;
  /// 0: a node takes what it knows to be left. Else it takes its share, anew when it hears something
  /// and this has passed: the time in which all hear of all, such as the interval of messages.
  std::chrono::nanoseconds share_interval{0};
  std::uint64_t nodes = 1;  ///< that share, at least, 1 to `max_nodes`: those not heard of yet
  /// That let something in in two windows, this one too, 1 to 2^20: bounds memory. What is left of it is
  /// for those that did before, whose shares fade.
  std::uint64_t max_nodes = 1024;
  std::chrono::nanoseconds offset{0};  ///< of the windows' begins from multiples of `rate.per`
  /// A clock that goes back further behind the window's begin than this, >= 0, has been set anew.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const shared_window_options&,
                                   const shared_window_options&) = default;
};

/// What a node knows of the current window.
struct shared_knowledge {
  std::uint64_t own = 0;     ///< what it let in itself
  std::uint64_t others = 0;  ///< what it has heard that others let in
  std::size_t nodes = 1;     ///< that are known, itself too: of the last windows
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

/// `Quota` is that of a sliding window, whose arithmetic this is.
template <class Quota>
class shared_window_core {
  using quota_type = Quota;

 public:
  using options_type = shared_window_options;

  explicit shared_window_core(const options_type& options)
      : options_(checked(options)),
        quota_(options.rate),
        grid_{options.rate.per.count(), options.offset.count()} {
    own_.node = options.node;
    begin_anew(grid_.first());
  }

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    settle(now);
    const bool passes = cost == 0 || lets_in(at_, now, cost);
    if (passes) take(cost);
    return answer(at_, now, cost, passes);
  }

  [[nodiscard]] decision peek(std::int64_t now, std::uint64_t cost) const noexcept {
    const moment at = moment_of(now);
    return answer(at, now, cost, cost == 0 || lets_in(at, now, cost));
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    settle(now);
    const std::uint64_t taken = min_of(cost, remaining(at_, now));
    take(taken);
    return taken;
  }

  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    if (now < at_.sum.begin) return;  // later windows have nothing to give back
    settle(now);
    const std::uint64_t back = min_of(cost, own_.current - credit_);
    credit_ += back;
    at_.sum.current -= back;
    at_.taken -= min_of(at_.taken, back);
  }

  void reset() noexcept {
    others_.clear();
    own_.previous = own_.faded = 0;
    credit_ = own_.current;
    begin_anew(at_.sum.begin);
  }

  [[nodiscard]] const options_type& options() const noexcept { return options_; }

  void set_limit(std::uint64_t limit) {
    check_limit(limit);
    options_.rate.count = quota_.limit = limit;
  }

  [[nodiscard]] shared_knowledge knowledge(std::int64_t now) const noexcept {
    const std::size_t nodes = others_.all().size() + 1;
    if (moment_of(now).sum.begin != at_.sum.begin) return {0, 0, nodes};
    return {own_.current - credit_, others_.current(), nodes};
  }

  // --- what nodes tell one another ----------------------------------------------------------------

  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] std::int64_t begin() const noexcept { return at_.sum.begin; }

  /// Of all nodes by their ids, this one too: 0 <= i < `count()`.
  [[nodiscard]] std::size_t count() const noexcept { return others_.all().size() + 1; }
  [[nodiscard]] shared_entry entry(std::size_t i, std::size_t own_place) const noexcept {
    if (i == own_place) return own_;
    return others_.all()[i < own_place ? i : i - 1];
  }
  [[nodiscard]] std::size_t own_place() const noexcept {
    std::size_t low = 0, high = others_.all().size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (others_.all()[middle].node < own_.node) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  [[nodiscard]] bool same_windows(const options_type& other) const noexcept {
    return other.rate.per == options_.rate.per &&
           window_grid{grid_.per, other.offset.count()}.phase(0) == grid_.phase(0);
  }

  /// Hears of `count` nodes, `read(i)` of each, by their ids, in the window that begins at `begin`,
  /// from node `from`.
  /// @return  how many more admissions are known now; `too_many` if there is no room for the nodes.
  static constexpr std::uint64_t too_many = ~std::uint64_t{0};
  template <class Read>
  std::uint64_t hear(std::int64_t now, std::uint64_t from, std::int64_t begin, std::size_t count,
                     Read read) {
    settle(now);
    const int shift = shift_of(begin);
    if (shift > 1) return 0;
    shared_counts own{own_.node};
    const auto heard = [&](std::size_t i) {
      shared_counts x = aligned(read(i), shift);
      if (x.node != own_.node) return x;
      own = x;
      return shared_counts{x.node};
    };
    const std::uint64_t most = options_.max_nodes - 1;
    const auto [strangers, fit] = others_.arriving(count, heard, most);
    if (!fit) return too_many;
    std::uint64_t learned = others_.learn(count, heard, strangers, most, version_ + 1);
    learned += shared_nodes::raise(own_, own);
    if (learned != 0) ++version_;
    at_.sum.current = own_.current - credit_ + others_.current();
    at_.sum.previous = sliding() ? own_.previous + others_.previous() : 0;
    const auto waited = static_cast<std::uint64_t>(options_.share_interval.count());
    if (waited != 0 && from != own_.node &&
        (now < at_.since || time_between(at_.since, now) >= waited)) {
      at_.part = part_of(own_, others_.all(), options_.nodes, 0, number(at_));
      share_out(at_, now);
    }
    return learned;
  }

 private:
  /// What decides, in one window.
  struct moment {
    typename Quota::state sum{};  ///< of all that is known, without what was given back
    bool stopped = false;         ///< the clock has been set back
    shared_part part;
    std::int64_t since = 0;   ///< when what was left was shared out
    std::uint64_t room = 0;   ///< what was left then
    std::uint64_t share = 0;  ///< the part of this node
    std::uint64_t taken = 0;  ///< of it
  };

  static void check_limit(std::uint64_t limit) {
    if (limit > shared_most) fail_argument("shared_window", "rate.count", limit, "at most 2^62");
  }
  [[nodiscard]] static const options_type& checked(const options_type& options) {
    const auto bad = [](const char* name, auto value, const char* permitted) {
      fail_argument("shared_window", name, value, permitted);
    };
    const std::int64_t per = options.rate.per.count();
    const std::int64_t interval = options.share_interval.count();
    const std::int64_t step = options.max_backward_step.count();
    constexpr std::uint64_t most_nodes = 1 << 20;
    check_limit(options.rate.count);
    if (per < 1) bad("rate.per", per, "1 ns or more");
    if (interval < 0) bad("share_interval", interval, "0 or more");
    if (options.max_nodes < 1 || options.max_nodes > most_nodes) {
      bad("max_nodes", options.max_nodes, "in [1, 2^20]");
    }
    if (options.nodes < 1 || options.nodes > options.max_nodes) {
      bad("nodes", options.nodes, "in [1, max_nodes]");
    }
    if (step < 0) bad("max_backward_step", step, "0 or more");
    return options;
  }

  [[nodiscard]] bool sliding() const noexcept { return options_.form == shared_form::sliding; }
  [[nodiscard]] bool cautious() const noexcept { return options_.share_interval.count() != 0; }
  [[nodiscard]] std::uint64_t span() const noexcept {
    return static_cast<std::uint64_t>(quota_.per);
  }
  [[nodiscard]] std::uint64_t number(const moment& at) const noexcept {
    return time_between(INT64_MIN, at.sum.begin) / span();
  }

  // --- windows -------------------------------------------------------------------------------------

  [[nodiscard]] QUOIN_ALWAYS_INLINE bool within(std::int64_t now) const noexcept {
    return now >= at_.sum.begin && time_between(at_.sum.begin, now) < span();
  }

  QUOIN_ALWAYS_INLINE void settle(std::int64_t now) noexcept {
    if (within(now)) [[likely]]
      return;
    move(now);
  }
  QUOIN_COLD void move(std::int64_t now) noexcept {
    const moment next = moved(now);
    if (next.sum.begin == at_.sum.begin) return;
    if (next.stopped) {
      others_.clear();
      own_ = shared_entry{{own_.node}};
    } else {
      const std::uint64_t windows = windows_to(now);
      others_.pass(windows);
      own_.pass(windows);
    }
    credit_ = 0;
    at_ = next;
  }

  [[nodiscard]] moment moment_of(std::int64_t now) const noexcept {
    return within(now) ? at_ : moved(now);
  }
  [[nodiscard]] std::uint64_t windows_to(std::int64_t now) const noexcept {
    return time_between(at_.sum.begin, now) / span();
  }

  /// At a time outside the window.
  [[nodiscard]] moment moved(std::int64_t now) const noexcept {
    moment next;
    if (now >= at_.sum.begin) {
      const std::uint64_t windows = windows_to(now);
      next.sum.begin = later_by(at_.sum.begin, windows * span());
      next.sum.previous = windows == 1 && sliding() ? own_.current + others_.current() : 0;
      if (cautious()) {
        next.part = part_of(own_, others_.all(), options_.nodes, windows, number(next));
        share_out(next, now);
      }
      return next;
    }
    const auto step = static_cast<std::uint64_t>(options_.max_backward_step.count());
    next.sum.begin = grid_.begin(now);
    if (time_between(now, at_.sum.begin) <= step || next.sum.begin == at_.sum.begin) return at_;
    next.stopped = true;
    return next;
  }

  /// Without a past, in the window that begins at `begin`.
  void begin_anew(std::int64_t begin) noexcept {
    at_ = moment{};
    at_.sum.begin = begin;
    if (!cautious()) return;
    at_.part = part_of(own_, {}, options_.nodes, 0, number(at_));
    share_out(at_, begin);
  }

  // --- deciding ------------------------------------------------------------------------------------

  void share_out(moment& at, std::int64_t now) const noexcept {
    at.since = now;
    at.taken = 0;
    at.room = quota_.remaining(at.sum, now);
    at.share = at.part.share(at.room, shared_mix(number(at), at.room));
  }

  /// What this node may still take until it hears more. What fades meanwhile is shared as well.
  [[nodiscard]] std::uint64_t left_of_share(const moment& at, std::int64_t now) const noexcept {
    const std::uint64_t room = quota_.remaining(at.sum, now) + at.taken;
    std::uint64_t share = at.share;
    if (room > at.room) {
      share += divide(mul_full(at.part.high - at.part.low, room - at.room), at.part.of);
    }
    return share - min_of(share, at.taken);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE bool lets_in(const moment& at, std::int64_t now,
                                                 std::uint64_t cost) const noexcept {
    if (at.stopped || !quota_.passes(at.sum, now, cost, quota_.limit)) return false;
    if (!cautious() || (at.taken <= at.share && cost <= at.share - at.taken)) return true;
    return cost <= left_of_share(at, now);
  }

  QUOIN_ALWAYS_INLINE void take(std::uint64_t cost) noexcept {
    const std::uint64_t again = min_of(cost, credit_);
    credit_ -= again;
    own_.current += cost - again;
    at_.sum.current += cost;
    at_.taken += cost;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t remaining(const moment& at,
                                                            std::int64_t now) const noexcept {
    if (at.stopped) return 0;
    const std::uint64_t left = quota_.remaining(at.sum, now);
    return cautious() ? min_of(left, left_of_share(at, now)) : left;
  }

  /// Until `cost` passes if nothing else is heard or asked for: exact within the window.
  [[nodiscard]] std::chrono::nanoseconds wait(const moment& at, std::int64_t now,
                                              std::uint64_t cost) const noexcept {
    const std::chrono::nanoseconds end = wait_until(now, at.sum.begin, span());
    if (at.stopped || !sliding()) return end;
    if (quota_.passes(at.sum, now, cost, quota_.limit)) return wait_for_share(at, now, cost, end);
    const std::chrono::nanoseconds all = quota_.wait(at.sum, now, cost, quota_.limit);
    return all < end ? max_of(all, wait_for_share(at, now, cost, end)) : all;
  }
  /// Until the window before has faded so far that the share has grown to it, `end` at most.
  [[nodiscard]] std::chrono::nanoseconds wait_for_share(
      const moment& at, std::int64_t now, std::uint64_t cost,
      std::chrono::nanoseconds end) const noexcept {
    if (!cautious() || cost <= left_of_share(at, now)) return std::chrono::nanoseconds(0);
    const std::uint64_t part = at.part.high - at.part.low, more = at.taken + cost - at.share;
    const std::uint64_t most = quota_.limit - min_of(quota_.limit, at.room);
    if (more > divide(mul_full(part, most), at.part.of)) return end;
    const std::uint64_t room = at.room + divide(mul_add(more, at.part.of, part - 1), part);
    if (room - at.taken > quota_.limit) return end;
    return min_of(end, quota_.wait(at.sum, now, room - at.taken, quota_.limit));
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision answer(const moment& at, std::int64_t now,
                                                    std::uint64_t cost,
                                                    bool passes) const noexcept {
    decision d;
    d.allowed = passes;
    d.limit = quota_.limit;
    d.remaining = remaining(at, now);
    if (sliding()) {
      d.reset_after = quota_.reset_after(at.sum, now);
    } else if (at.sum.current != 0) {
      d.reset_after = wait_until(now, at.sum.begin, span());
    }
    if (at.stopped) d.reset_after = wait_until(now, at.sum.begin, span());
    if (!passes) {
      d.reason = refusal_of(cost, quota_.limit);
      d.retry_after = cost <= quota_.limit ? wait(at, now, cost) : never;
    }
    return d;
  }

  // --- hearing -------------------------------------------------------------------------------------

  /// Windows by which that which begins at `begin` is later: -1, 0 or 1; 2 for others.
  [[nodiscard]] int shift_of(std::int64_t begin) const noexcept {
    if (begin == at_.sum.begin) return 0;
    const bool later = begin > at_.sum.begin;
    const std::uint64_t distance =
        later ? time_between(at_.sum.begin, begin) : time_between(begin, at_.sum.begin);
    if (distance != span()) return 2;
    return later ? 1 : -1;
  }
  [[nodiscard]] static shared_counts aligned(const shared_counts& told, int shift) noexcept {
    if (shift == 0) return {told.node, told.current, told.previous};
    if (shift > 0) return {told.node, told.previous, 0};
    return {told.node, 0, told.current};
  }

  options_type options_;
  quota_type quota_;
  window_grid grid_;
  moment at_;
  shared_entry own_;
  std::uint64_t credit_ = 0;  ///< of `own_.current`, given back and not taken again
  shared_nodes others_;
  std::uint64_t version_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
