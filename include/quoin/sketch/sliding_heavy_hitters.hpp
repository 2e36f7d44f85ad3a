// SPDX-License-Identifier: BSL-1.0
/// @file
/// The most frequent keys of the last hour: `heavy_hitters` over a window that slides.
///
/// Use it for trends, where the time that counts is that of the events themselves. They may come out
/// of order within the window; later ones are counted as late and left out. For a past that fades
/// instead of ending, use `heavy_hitters::decay`.
///
/// Guarantee   that of `heavy_hitters` for the window: of its total weight N, no error exceeds
///             N / capacity. What it holds depends on the events and their order alone, not on when
///             they arrive or when questions are asked.
/// Cost        add: as `heavy_hitters`. Questions about all keys merge the panes: O(panes · capacity).
/// Memory      that of `panes` summaries.
/// Threads     like a standard container.
///
/// The window is made of panes of equal width; it ends with the pane of the latest event (the
/// watermark) and moves on pane by pane. So it covers between (1 - 1/panes) of its length and all.
///
/// @code
/// using namespace std::chrono_literals;
/// quoin::sliding_heavy_hitters<std::string, std::chrono::system_clock> trends(
///     {.capacity = 500, .window = 1h, .panes = 60});
/// if (!trends.add_at(event.time, event.tag)) ++dropped;  // more than an hour behind the latest
/// for (const auto& t : trends.top(10)) print(t.key, t.count, t.error);
/// @endcode
#ifndef QUOIN_SKETCH_SLIDING_HEAVY_HITTERS_HPP
#define QUOIN_SKETCH_SLIDING_HEAVY_HITTERS_HPP

#include <quoin/sketch/heavy_hitters.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How exact, how long and how smooth.
template <class Duration>
struct sliding_heavy_hitters_options {
  std::uint64_t capacity = 0;  ///< m: no error exceeds 1/m of the window's weight; 1 to 2^28
  Duration window{};           ///< a positive multiple of `panes` ticks
  std::uint32_t panes = 8;  ///< 1 to 65536; more make the window's begin finer and merging slower
  std::uint64_t seed = 0;   ///< of the hash; a random one when others choose the keys
};

/// The window. A value type; a moved-from one may only be destroyed or assigned to.
/// @tparam Clock  whose time points the events carry, from <chrono> or of the same shape. It is never
///                asked for the time.
template <class Key, class Clock, class Hash = hash, class Allocator = std::allocator<std::byte>>
class sliding_heavy_hitters {
 public:
  using summary_type = heavy_hitters<Key, Hash, Allocator>;
  using key_view = typename summary_type::key_view;
  using item = typename summary_type::item;
  using time_point = typename Clock::time_point;
  using duration = typename Clock::duration;

  static_assert(std::integral<typename duration::rep>,
                "quoin::sliding_heavy_hitters: Clock must count in integers");

  /// An empty window. Throws `std::invalid_argument` when an option is out of range.
  explicit sliding_heavy_hitters(const sliding_heavy_hitters_options<duration>& options,
                                 const Allocator& allocator = Allocator())
      : width_(checked_window(options.window, checked_panes(options.panes)) / options.panes) {
    panes_.reserve(options.panes);
    for (std::uint32_t i = 0; i < options.panes; ++i) {
      panes_.push_back(
          summary_type({.capacity = options.capacity, .seed = options.seed}, allocator));
    }
  }

  /// If there is no memory nothing changes.
  sliding_heavy_hitters& operator=(const sliding_heavy_hitters& other) {
    sliding_heavy_hitters copy(other);
    return *this = std::move(copy);
  }
  sliding_heavy_hitters(const sliding_heavy_hitters&) = default;
  sliding_heavy_hitters(sliding_heavy_hitters&&) noexcept = default;
  sliding_heavy_hitters& operator=(sliding_heavy_hitters&&) noexcept = default;
  ~sliding_heavy_hitters() = default;

  // --- add --------------------------------------------------------------------------------------

  /// Adds `weight` to `key` at `time`, which moves the window if it is the latest so far. False, and
  /// nothing but the late counts changed, when `time` is before the window. One time far in the
  /// future ends the window: check times that come from outside. O(1) amortized.
  bool add_at(time_point time, key_view key, std::uint64_t weight = 1) {
    const std::int64_t pane = pane_of(time);
    if (!started_ || pane > newest_) move_to(pane);
    if (distance(pane, newest_) >= panes_.size()) {
      ++late_count_;
      late_weight_ += detail::min_of(weight, ~std::uint64_t{0} - late_weight_);
      return false;
    }
    pane_at(pane).add(key, weight);
    return true;
  }

  /// Moves the window as an event at `time` would; never back.
  void advance_to(time_point time) {
    const std::int64_t pane = pane_of(time);
    if (!started_ || pane > newest_) move_to(pane);
  }

  // --- ask --------------------------------------------------------------------------------------

  /// The whole window in one summary, with all that `heavy_hitters` can tell. Throws
  /// `std::invalid_argument` when its weight exceeds 2^64 - 1. O(panes · capacity).
  [[nodiscard]] summary_type summary() const {
    summary_type all = panes_.front();
    for (std::size_t i = 1; i < panes_.size(); ++i) {
      if (!panes_[i].empty()) all.merge(panes_[i]);
    }
    return all;
  }

  /// `summary().top(k)`.
  [[nodiscard]] std::vector<item> top(std::size_t k) const { return summary().top(k); }

  /// The weight of `key` in the window is at least this. O(panes).
  [[nodiscard]] std::uint64_t lower_bound(key_view key) const {
    return sum([key](const summary_type& pane) { return pane.lower_bound(key); });
  }

  /// The weight of `key` in the window is at most this. O(panes).
  [[nodiscard]] std::uint64_t upper_bound(key_view key) const {
    return sum([key](const summary_type& pane) { return pane.upper_bound(key); });
  }

  /// The sum of all weights in the window; at most 2^64 - 1. O(panes).
  [[nodiscard]] std::uint64_t total() const noexcept {
    return sum([](const summary_type& pane) { return pane.total(); });
  }

  /// Events before this are late; it only moves forward. `time_point::min()` before the first.
  [[nodiscard]] time_point window_begin() const noexcept {
    if (!started_) return time_point::min();
    std::int64_t begin;
    if (__builtin_sub_overflow(newest_, static_cast<std::int64_t>(panes_.size() - 1), &begin) ||
        __builtin_mul_overflow(begin, width_, &begin) ||
        begin < static_cast<std::int64_t>(time_point::min().time_since_epoch().count())) {
      return time_point::min();
    }
    return time_point(duration(static_cast<typename duration::rep>(begin)));
  }

  /// Events that were late, and their weight.
  [[nodiscard]] std::uint64_t late_count() const noexcept { return late_count_; }
  [[nodiscard]] std::uint64_t late_weight() const noexcept { return late_weight_; }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return panes_.front().capacity(); }
  [[nodiscard]] std::size_t pane_count() const noexcept { return panes_.size(); }

  /// Forgets all events and times; keeps the memory.
  void clear() noexcept {
    for (summary_type& pane : panes_) pane.clear();
    late_count_ = late_weight_ = 0;
    started_ = false;
  }

 private:
  [[nodiscard]] static std::size_t checked_panes(std::uint32_t panes) {
    if (panes == 0 || panes > 65536) {
      detail::fail_argument("sliding_heavy_hitters", "panes", panes, "1 to 65536");
    }
    return panes;
  }

  [[nodiscard]] static std::int64_t checked_window(duration window, std::size_t panes) {
    const auto ticks = static_cast<std::int64_t>(window.count());
    if (ticks <= 0 || ticks % static_cast<std::int64_t>(panes) != 0) {
      detail::fail_argument("sliding_heavy_hitters", "window", ticks,
                            "a positive multiple of panes, in ticks of the clock");
    }
    return ticks;
  }

  /// ⌊time / width⌋, also before the epoch.
  [[nodiscard]] std::int64_t pane_of(time_point time) const noexcept {
    const auto ticks = static_cast<std::int64_t>(time.time_since_epoch().count());
    return ticks / width_ - (ticks % width_ < 0);
  }

  /// `to - from` ≥ 0, which may exceed the signed range.
  [[nodiscard]] static std::uint64_t distance(std::int64_t from, std::int64_t to) noexcept {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  }

  [[nodiscard]] summary_type& pane_at(std::int64_t pane) noexcept {
    const auto count = static_cast<std::int64_t>(panes_.size());
    return panes_[static_cast<std::size_t>((pane % count + count) % count)];
  }

  void move_to(std::int64_t pane) {
    if (started_) {
      const std::uint64_t steps =
          detail::min_of<std::uint64_t>(distance(newest_, pane), panes_.size());
      for (std::uint64_t i = 0; i < steps; ++i)
        pane_at(pane - static_cast<std::int64_t>(i)).clear();
    }
    newest_ = pane;
    started_ = true;
  }

  template <class F>
  [[nodiscard]] std::uint64_t sum(F of_pane) const {
    std::uint64_t all = 0;
    for (const summary_type& pane : panes_) {
      all += detail::min_of<std::uint64_t>(of_pane(pane), ~std::uint64_t{0} - all);
    }
    return all;
  }

  std::vector<summary_type> panes_;  ///< a ring: pane p is at p mod their number
  std::int64_t width_;               ///< of a pane, in ticks
  std::int64_t newest_ = 0;
  std::uint64_t late_count_ = 0;
  std::uint64_t late_weight_ = 0;
  bool started_ = false;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
