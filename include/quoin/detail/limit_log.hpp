// SPDX-License-Identifier: BSL-1.0
/// @file
/// The algorithm of `sliding_log`: a ring of the times of the last admissions.
#ifndef QUOIN_DETAIL_LIMIT_LOG_HPP
#define QUOIN_DETAIL_LIMIT_LOG_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_window_math.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// Whether what is exactly one window old still counts.
enum class log_edge : std::uint8_t {
  open,    ///< no: at most the limit in any (t - window, t], as ZREMRANGEBYSCORE 0 t-window has it
  closed,  ///< yes: in any [t - window, t]
};

/// The quota of a sliding log.
struct sliding_log_options {
  quoin::rate rate;  ///< at most so many, below 2^31, in any window so long, 1 ns or more
  log_edge edge = log_edge::open;  ///< of the window
  bool keep_refused = false;  ///< refused requests count, too: who never pauses is never let in
  /// A clock that goes back further behind the latest admission than this, >= 0, has been set anew.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const sliding_log_options&,
                                   const sliding_log_options&) = default;
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

/// In the place of an atomic where one thread is alone.
template <class T>
class plain_cell {
 public:
  constexpr plain_cell(T value = T()) noexcept : value_(value) {}
  [[nodiscard]] constexpr T load(std::memory_order) const noexcept { return value_; }
  constexpr void store(T value, std::memory_order) noexcept { value_ = value; }
  constexpr bool compare_exchange_strong(T& expected, T value, std::memory_order,
                                         std::memory_order) noexcept {
    if (value_ != expected) return false;
    value_ = value;
    return true;
  }

 private:
  T value_;
};

[[nodiscard]] constexpr window_fault fault_of(const sliding_log_options& options) noexcept {
  const auto per = options.rate.per.count(), step = options.max_backward_step.count();
  if (per < 1) return {"rate.per", static_cast<std::uint64_t>(per), "1 ns or more"};
  if (step < 0) return {"max_backward_step", static_cast<std::uint64_t>(step), "0 or more"};
  if (options.rate.count >> 31 != 0) {
    return {"rate.count", options.rate.count, "below 2^31 (each takes 8 bytes)"};
  }
  return {};
}

[[nodiscard]] inline const sliding_log_options& checked_log(const char* type,
                                                            const sliding_log_options& options) {
  const window_fault fault = fault_of(options);
  if (fault.parameter == nullptr) return options;
  if (fault.permitted[0] == 'b') {
    fail_argument(type, fault.parameter, fault.value, fault.permitted);
  }
  fail_argument(type, fault.parameter, static_cast<std::int64_t>(fault.value), fault.permitted);
}

/// A ring with a cell for each token of the limit, and a head: the cell of the oldest admission,
/// which the next one takes over if that one's time is a window ago. n tokens take n cells. The
/// head moves by one compare-and-swap; then the new time is written.
///
/// A cell is a time, counted from -2^62, and a bit that is inverted each time round. It tells a
/// cell whose new time has not been written yet, which counts as just taken: nothing is ever let in
/// that should not, and nobody waits for anybody. Each cell is taken at most once in a window,
/// whatever the order of things. So no window has more admissions than there are cells, if the head
/// is never at a cell before its turn: it is compared with what it was when the cells were read.
/// (It would have to go round 2^32 times in between to be mistaken.)
///
/// Times are non-decreasing round the ring: one that is before the latest is written as that.
template <template <class> class Cell, class Allocator>
class log_core {
  using cell = Cell<std::uint64_t>;
  using cell_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<cell>;
  static constexpr bool alone = std::is_copy_constructible_v<cell>;
  static constexpr std::int64_t never_taken = -(std::int64_t{1} << 62);
  static constexpr auto relaxed = std::memory_order_relaxed;
  static constexpr auto acquire = std::memory_order_acquire;
  static constexpr auto release = std::memory_order_release;

 public:
  using options_type = sliding_log_options;

  explicit log_core(const options_type& options, const Allocator& allocator = Allocator())
      : options_(checked_log(alone ? "sliding_log" : "atomic_sliding_log", options)),
        limit_(options.rate.count),
        span_(span_of(options)),
        cells_(static_cast<std::size_t>(limit_), cell_allocator(allocator)) {}

  /// With the times of another one, oldest first, none of them later than the next.
  log_core(const options_type& options, std::span<const std::int64_t> times,
           const Allocator& allocator)
      : log_core(options, allocator) {
    for (std::size_t i = 0; i < times.size(); ++i) {
      cells_[cells_.size() - times.size() + i].store(encoded(times[i], 0), relaxed);
    }
  }

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t time, std::uint64_t cost) noexcept {
    return take(within_range(time), cost, options_.keep_refused);
  }

  [[nodiscard]] decision peek(std::int64_t time, std::uint64_t cost) const noexcept {
    const std::int64_t now = within_range(time);
    const place head = load_head();
    const bool passes = cost == 0 || (cost <= limit_ && have_gone(head, cost, now));
    return answer(head, now, cost, passes);
  }

  std::uint64_t acquire_up_to(std::int64_t time, std::uint64_t cost) noexcept {
    const std::int64_t now = within_range(time);
    std::uint64_t n = min_of(cost, take(now, 0, false).remaining);
    while (n != 0) {
      const decision d = take(now, n, false);
      if (d) break;
      n = min_of(n - 1, d.remaining);
    }
    return n;
  }

  /// The latest go, or if others may come in between the oldest.
  void refund(std::int64_t time, std::uint64_t cost) noexcept {
    const place head = load_head();
    const std::uint64_t first = gone(head, within_range(time));
    const std::uint64_t n = min_of(cost, limit_ - first);
    if constexpr (alone) {
      place at = head;
      for (std::uint64_t i = 0; i < n; ++i) {
        at = before(at);
        cell_at(at).store(encoded(never_taken, at.lap), relaxed);
      }
      head_.store(word_of(at), relaxed);
    } else {
      // As old as what has gone before them, so that what has gone stays one run from the head on,
      // also at earlier times. (If that is taken just now, they would not have gone.)
      const std::int64_t now = within_range(time);
      std::int64_t old = never_taken;
      if (first != 0) old = time_of(cell_at(after(head, first - 1)).load(acquire));
      if (!has_gone(old, now)) old = never_taken;
      for (std::uint64_t i = first; i < first + n; ++i) {
        replace_time(cell_at(after(head, i)),
                     [old](std::int64_t then) { return min_of(then, old); });
      }
    }
  }

  void reset() noexcept {
    for (cell& each : cells_) replace_time(each, [](std::int64_t) { return never_taken; });
  }

  void reconfigure(std::int64_t time, const options_type& options, inherit what) requires alone {
    const std::int64_t now = within_range(time);
    std::vector<std::int64_t> live = times(now);
    const std::uint64_t limit = checked_log("sliding_log", options).rate.count;
    const auto used =
        static_cast<std::size_t>(inherited_use(live.size(), limit_, limit, limit, what));
    if (what == inherit::nothing) live.clear();
    if (used < live.size()) {
      live.erase(live.begin(), live.end() - static_cast<std::ptrdiff_t>(used));
    }
    live.resize(used, live.empty() ? now : max_of(now, live.back()));
    // What was taken stays taken, if only just, where the new window is shorter.
    const std::uint64_t back = span_of(options) - 1,
                        since_first = time_between(never_taken + 1, now);
    const std::int64_t first = now - static_cast<std::int64_t>(min_of(back, since_first));
    for (std::int64_t& taken : live) taken = max_of(taken, first);
    *this = log_core(options, live, Allocator(cells_.get_allocator()));
  }

  /// Times that still count at `now`, in order.
  [[nodiscard]] std::vector<std::int64_t> times(std::int64_t time_now) const {
    const std::int64_t now = within_range(time_now);
    std::vector<std::int64_t> all;
    all.reserve(cells_.size());
    const place head = load_head();
    const bool anew = set_anew(newest(head), now);
    for (std::uint64_t i = 0; i < limit_; ++i) {
      const std::int64_t time = time_of(cell_at(after(head, i)).load(acquire));
      if (!has_gone(time, now)) all.push_back(anew ? min_of(time, now) : time);
    }
    for (std::size_t i = 1; i < all.size(); ++i) {  // others may have moved the head: nearly sorted
      for (std::size_t k = i; k > 0 && all[k] < all[k - 1]; --k) std::swap(all[k], all[k - 1]);
    }
    return all;
  }

  [[nodiscard]] options_type options() const noexcept { return options_; }
  [[nodiscard]] Allocator allocator() const noexcept { return Allocator(cells_.get_allocator()); }
  [[nodiscard]] std::uint64_t span() const noexcept { return span_; }

  /// Times further from the epoch than 146 years are taken for those.
  [[nodiscard]] static constexpr std::int64_t within_range(std::int64_t time) noexcept {
    return min_of(max_of(time, never_taken + 1), -(never_taken + 1));
  }

 private:
  /// A turn round the ring, modulo 2^32, and a cell.
  struct place {
    std::uint64_t lap;
    std::uint64_t index;
  };
  [[nodiscard]] static std::uint64_t word_of(const place& at) noexcept {
    return at.lap << 32 | at.index;
  }
  [[nodiscard]] place load_head() const noexcept {
    const std::uint64_t word = head_.load(acquire);
    return {word >> 32, word & 0xffffffffu};
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE place after(const place& at, std::uint64_t n) const noexcept {
    const std::uint64_t index = at.index + n;
    return index < limit_ ? place{at.lap, index} : place{at.lap + 1, index - limit_};
  }
  [[nodiscard]] place before(const place& at) const noexcept {
    return at.index != 0 ? place{at.lap, at.index - 1} : place{at.lap - 1, limit_ - 1};
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE const cell& cell_at(const place& at) const noexcept {
    return cells_[static_cast<std::size_t>(at.index)];
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE cell& cell_at(const place& at) noexcept {
    return cells_[static_cast<std::size_t>(at.index)];
  }

  /// A time as it is between its turn and the next one, which is `lap`.
  [[nodiscard]] static std::uint64_t encoded(std::int64_t time, std::uint64_t lap) noexcept {
    return static_cast<std::uint64_t>(time - never_taken) << 1 | (lap & 1);
  }
  [[nodiscard]] static std::int64_t time_of(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>(value >> 1) + never_taken;
  }
  /// Nobody sees a log between the swap and the note who is alone with it.
  [[nodiscard]] static bool is_written(std::uint64_t value, const place& at) noexcept {
    return alone || ((value ^ at.lap) & 1) == 0;
  }

  [[nodiscard]] static std::uint64_t span_of(const options_type& options) noexcept {
    return static_cast<std::uint64_t>(options.rate.per.count()) +
           (options.edge == log_edge::closed ? 1 : 0);
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE bool has_gone(std::int64_t time,
                                                  std::int64_t now) const noexcept {
    return time == never_taken || (now >= time && time_between(time, now) >= span_);
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE bool has_gone(const place& at,
                                                  std::int64_t now) const noexcept {
    const std::uint64_t value = cell_at(at).load(acquire);
    return is_written(value, at) && has_gone(time_of(value), now);
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE bool have_gone(const place& head, std::uint64_t n,
                                                   std::int64_t now) const noexcept {
    for (std::uint64_t i = n; i-- > 0;) {
      if (!has_gone(after(head, i), now)) return false;
    }
    return true;
  }

  /// How many from the head on have gone: by steps that double, then by halves. Pure, like all that
  /// only tells: it costs nothing where nobody reads it, although the cells are atomic.
  [[nodiscard]] __attribute__((pure, noinline)) std::uint64_t gone(
      place head, std::int64_t now) const noexcept {
    std::uint64_t low = 0, high = limit_;
    bool found = false;
    for (std::uint64_t step = 1; low < high; step *= 2) {
      if (found) step = (high - low + 1) / 2;
      const std::uint64_t probe = min_of(step, high - low) + low - 1;
      if (has_gone(after(head, probe), now)) {
        low = probe + 1;
      } else {
        high = probe;
        found = true;
      }
    }
    return low;
  }

  [[nodiscard]] std::int64_t newest(const place& head) const noexcept {
    if (limit_ == 0) return never_taken;
    const place at = before(head);
    const std::uint64_t value = cell_at(at).load(acquire);
    return is_written(value, {at.lap + 1, at.index}) ? time_of(value) : never_taken;
  }
  [[nodiscard]] bool set_anew(std::int64_t latest, std::int64_t now) const noexcept {
    return now < latest && time_between(now, latest) >
                               static_cast<std::uint64_t>(options_.max_backward_step.count());
  }
  /// All that was let in later counts as let in now.
  QUOIN_COLD void come_back(std::int64_t now) noexcept {
    for (cell& each : cells_) {
      replace_time(each, [now](std::int64_t time) { return min_of(time, now); });
    }
  }
  template <class F>
  static void replace_time(cell& at, F f) noexcept {
    std::uint64_t value = at.load(acquire);
    for (;;) {
      const std::uint64_t next = encoded(f(time_of(value)), value);
      if (next == value ||
          at.compare_exchange_strong(value, next, std::memory_order_acq_rel, acquire)) {
        return;
      }
    }
  }

  QUOIN_ALWAYS_INLINE decision take(std::int64_t now, std::uint64_t cost, bool keep) noexcept {
    for (;;) {
      const place head = load_head();
      const std::int64_t latest = newest(head);
      if (set_anew(latest, now)) [[unlikely]] {
        come_back(now);
        continue;
      }
      const bool passes = cost == 0 || (cost <= limit_ && have_gone(head, cost, now));
      if (cost == 0 || (!passes && (!keep || cost > limit_ || !all_written(head, cost)))) {
        if (passes || head_.load(acquire) == word_of(head)) return answer(head, now, cost, passes);
        continue;  // what was read was no one state
      }
      const std::int64_t time = max_of(now, latest);
      const place next = after(head, cost);
      std::uint64_t expected = word_of(head);
      if (!head_.compare_exchange_strong(expected, word_of(next), std::memory_order_acq_rel,
                                         relaxed)) {
        continue;
      }
      for (std::uint64_t i = 0; i < cost; ++i) {
        const place at = after(head, i);
        cell_at(at).store(encoded(time, at.lap + 1), release);
      }
      return answer(next, now, cost, passes);
    }
  }

  [[nodiscard]] bool all_written(const place& head, std::uint64_t n) const noexcept {
    for (std::uint64_t i = 0; i < n; ++i) {
      const place at = after(head, i);
      if (!is_written(cell_at(at).load(acquire), at)) return false;
    }
    return true;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision answer(const place& head, std::int64_t now,
                                                    std::uint64_t cost,
                                                    bool passes) const noexcept {
    decision d;
    d.allowed = passes;
    d.limit = limit_;
    d.remaining = gone(head, now);
    d.reset_after = reset_after(head, now);
    if (passes) return d;
    d.reason = refusal_of(cost, limit_);
    d.retry_after = cost <= limit_ ? retry_after(head, now, cost) : never;
    return d;
  }

  [[nodiscard]] __attribute__((pure, noinline)) std::chrono::nanoseconds reset_after(
      place head, std::int64_t now) const noexcept {
    const std::int64_t latest = newest(head);
    if (has_gone(latest, now)) return std::chrono::nanoseconds(0);
    return wait_until(now, set_anew(latest, now) ? now : latest, span_);
  }

  [[nodiscard]] __attribute__((pure, noinline)) std::chrono::nanoseconds retry_after(
      place head, std::int64_t now, std::uint64_t cost) const noexcept {
    const place last = after(head, cost - 1);
    const std::uint64_t value = cell_at(last).load(acquire);
    const std::int64_t time = is_written(value, last) ? time_of(value) : now;
    return wait_until(now, set_anew(newest(head), now) ? min_of(time, now) : time, span_);
  }

  options_type options_;
  std::uint64_t limit_;
  std::uint64_t span_;
  std::vector<cell, cell_allocator> cells_;
  alignas(alone ? 8 : 64) cell head_{0};
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
