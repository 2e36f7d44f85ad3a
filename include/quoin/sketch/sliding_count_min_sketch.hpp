// SPDX-License-Identifier: BSL-1.0
/// @file
/// How often was each key seen in the last hour: `count_min_sketch` over a window that slides.
///
/// Use it for rates per key in memory that grows neither with keys nor with time: requests per
/// client, failures per host. Time is the clock's, or that of the events themselves (`…_at`), which
/// may come out of order within the window; later ones are counted as late and left out. For a past
/// that fades instead of ending, use `count_min_sketch::decay`.
///
/// Guarantee   `estimate` is never below the weight of the key in the last `window()` (unless
///             `saturated()`). It is an estimate of the weight in the live panes, which go back at
///             least one window and less than one pane more; of their `total()`, it is too high by
///             more than ε with a chance of at most `delta(ε)`: the bound of one sketch, however
///             many panes. (A key has the same counters in all panes, and the sum of the panes'
///             minima is at most the minimum of the sums, which is the estimate of one sketch.)
/// Cost        add_at: as `count_min_sketch` and two comparisons. add: that and a reading of the
///             clock. A new pane is cleared when it is first used, however far time has jumped:
///             O(width · depth), once per pane. estimate: (panes + 1) · depth / 2 cache lines.
/// Memory      panes + 1 times that of a `count_min_sketch`.
/// Threads     like a standard container.
/// Bytes       through `summary()`, a `count_min_sketch`. A window has no form of its own.
///
/// Panes begin at multiples of their length from the clock's epoch. The window ends at the latest
/// time that an event or `advance_to` brought, or at the time of the question if that is later: a
/// clock that goes back takes nothing out of the window and brings nothing back into it.
///
/// @code
/// using namespace std::chrono_literals;
/// quoin::sliding_count_min_sketch hits({.width = 1 << 16, .window = 1h, .panes = 12});
/// hits.add(client);
/// if (hits.estimate(client) > 1000) throttle(client);  // more than 1000 in 60 to 65 minutes
/// if (!hits.add_at(event.time, event.client)) ++dropped;  // over an hour behind the latest
/// @endcode
#ifndef QUOIN_SKETCH_SLIDING_COUNT_MIN_SKETCH_HPP
#define QUOIN_SKETCH_SLIDING_COUNT_MIN_SKETCH_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/sketch/count_min_sketch.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How large, how exact, how long and how smooth. Give one of `width`, `epsilon` (with `delta`) and
/// `bytes`.
template <class Duration>
struct sliding_count_min_options {
  std::uint64_t width = 0;  ///< counters per row of a pane, 1 to 2^56; rounded up to whole lines
  unsigned depth = 0;       ///< rows, 1–16; 0: 4, or the best for `epsilon` and `delta`
  double epsilon = 0;       ///< error as a fraction of the live panes' weight, (0, 1), exceeded …
  double delta = 0.01;      ///< … with this chance at most, [1e-18, 1)
  std::uint64_t bytes = 0;  ///< memory of the counters of all panes, at most
  bool conservative = true;  ///< conservative update; false: plain
  Duration window{};         ///< a positive multiple of `panes` ticks
  std::uint32_t panes = 8;   ///< 1 to 65536; more make the window's begin finer and asking slower
  std::uint64_t seed = 0;    ///< of the hash; a random one when others choose the keys
};

/// The window. A value type; a moved-from one may only be destroyed or assigned to.
/// @tparam Counter    as for `count_min_sketch`, of each pane.
/// @tparam Clock      from <chrono> or of the same shape, counting in integers. One whose `now` is
///                    not static (`manual_clock`) is given to the constructor.
/// @tparam Hash, Allocator  as for `count_min_sketch`.
template <count_min_counter Counter = std::uint32_t, class Clock = std::chrono::steady_clock,
          class Hash = hash, class Allocator = std::allocator<std::byte>>
class sliding_count_min_sketch {
 public:
  using sketch_type = count_min_sketch<Counter, Hash, Allocator>;
  using time_point = typename Clock::time_point;
  using duration = typename Clock::duration;
  using options_type = sliding_count_min_options<typename Clock::duration>;

  static_assert(std::signed_integral<typename duration::rep> && sizeof(typename duration::rep) <= 8,
                "quoin::sliding_count_min_sketch: Clock must count in signed integers");

  /// The largest count of a pane: see `saturated()`.
  static constexpr std::uint64_t max_count = sketch_type::max_count;

  /// An empty window. Throws `std::invalid_argument` when an option is out of range.
  explicit sliding_count_min_sketch(const options_type& options,
                                    const std::type_identity_t<Allocator>& allocator =
                                        Allocator()) requires detail::static_clock<Clock>
      : sliding_count_min_sketch(options, detail::clock_reference<Clock>(), allocator) {}

  /// An empty window in the time of `clock`, which must outlive it and its copies.
  sliding_count_min_sketch(const options_type& options, const Clock& clock,
                           const Allocator& allocator = Allocator())
      : sliding_count_min_sketch(options, detail::clock_reference<Clock>(clock), allocator) {}
  sliding_count_min_sketch(const options_type&, const Clock&&,
                           const Allocator& = Allocator()) = delete;

  /// An assignment that runs out of memory changes nothing.
  sliding_count_min_sketch& operator=(const sliding_count_min_sketch& other) {
    sliding_count_min_sketch copy(other);
    return *this = std::move(copy);
  }
  sliding_count_min_sketch(const sliding_count_min_sketch&) = default;
  sliding_count_min_sketch(sliding_count_min_sketch&&) noexcept = default;
  sliding_count_min_sketch& operator=(sliding_count_min_sketch&&) noexcept = default;
  ~sliding_count_min_sketch() = default;

  // --- counting ---------------------------------------------------------------------------------

  /// Counts `key` `weight` times at `time`, which moves the window if it is the latest so far.
  /// False, and nothing but the late counts changed, when `time` is before `window_begin()`. One
  /// time far in the future ends the window: check times that come from outside. O(depth) and,
  /// with the first event of a pane, O(width · depth).
  template <detail::hashable_by<Hash> Key>
  bool add_at(time_point time, const Key& key, std::uint64_t weight = 1) {
    return add_hash_at(time, detail::hash_key(hash_function(), key), weight);
  }
  /// `add_at` of the clock's time. Late if the clock went back by more than the window.
  template <detail::hashable_by<Hash> Key>
  bool add(const Key& key, std::uint64_t weight = 1) {
    return add_at(clock_.now(), key, weight);
  }

  /// `add_at` of the key whose 64-bit hash is `hash`: see `count_min_sketch::add_hash`.
  bool add_hash_at(time_point time, std::uint64_t hash, std::uint64_t weight = 1) noexcept {
    sketch_type* const pane = pane_of(time);
    if (pane == nullptr) return count_late(1, weight);
    pane->add_hash(hash, weight);
    return true;
  }
  bool add_hash(std::uint64_t hash, std::uint64_t weight = 1) {
    return add_hash_at(clock_.now(), hash, weight);
  }

  /// `add_at(time, key, weight)` for every key of a contiguous range, in order: the same result,
  /// with hashing and memory accesses overlapped.
  template <class Keys>
  bool add_many_at(time_point time, const Keys& keys, std::uint64_t weight = 1) {
    const std::span all(keys);
    if (all.empty()) return true;
    sketch_type* const pane = pane_of(time);
    if (pane == nullptr) return count_late(all.size(), weight);
    pane->add_many(all, weight);
    return true;
  }
  template <class Keys>
  bool add_many(const Keys& keys, std::uint64_t weight = 1) {
    return add_many_at(clock_.now(), keys, weight);
  }

  /// `add_at(time, keys[i], weights[i])` for all i. Throws `std::invalid_argument`, with nothing
  /// changed, unless there are as many weights as keys.
  template <class Keys>
  bool add_many_at(time_point time, const Keys& keys, std::span<const std::uint64_t> weights) {
    const std::span all(keys);
    require_size("weights", weights.size(), all.size());
    if (all.empty()) return true;
    sketch_type* const pane = pane_of(time);
    if (pane == nullptr) {
      for (const std::uint64_t weight : weights) count_late(1, weight);
      return false;
    }
    pane->add_many(all, weights);
    return true;
  }
  template <class Keys>
  bool add_many(const Keys& keys, std::span<const std::uint64_t> weights) {
    return add_many_at(clock_.now(), keys, weights);
  }

  /// Moves the window as an event at `time` would; never back.
  void advance_to(time_point time) noexcept { static_cast<void>(pane_of(time)); }

  // --- asking -----------------------------------------------------------------------------------

  /// How often `key` was counted in the window that ends at `time`, or more; a time before the
  /// latest event's asks about the window as it is. Changes nothing. O(panes · depth).
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t estimate_at(time_point time, const Key& key) const {
    return estimate_hash_at(time, detail::hash_key(hash_function(), key));
  }
  /// `estimate_at` of the clock's time.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t estimate(const Key& key) const {
    return estimate_at(clock_.now(), key);
  }

  /// `estimate_at` of the key whose hash is `hash`.
  [[nodiscard]] std::uint64_t estimate_hash_at(time_point time, std::uint64_t hash) const noexcept {
    return estimate_to(end_of(time), hash);
  }
  [[nodiscard]] std::uint64_t estimate_hash(std::uint64_t hash) const {
    return estimate_hash_at(clock_.now(), hash);
  }

  /// `estimates[i] = estimate_at(time, keys[i])` for a contiguous range of keys; `estimates` has as
  /// many elements (else throws `std::invalid_argument`). Up to twice as fast as one by one when
  /// panes exceed the L2 cache; else no faster.
  template <class Keys>
  void estimate_many_at(time_point time, const Keys& keys,
                        std::span<std::uint64_t> estimates) const {
    const std::span all(keys);
    require_size("size of the output", estimates.size(), all.size());
    const auto hashes = detail::hashes_of(hash_function(),
                                          std::span<const typename decltype(all)::value_type>(all));
    const std::int64_t end = end_of(time);
    constexpr std::size_t block = 256;  // 4 KB of the stack
    std::uint64_t hashed[block], counts[block];
    for (std::size_t first = 0; first < all.size(); first += block) {
      const std::size_t n = detail::min_of(all.size() - first, block);
      const std::span<std::uint64_t> sums = estimates.subspan(first, n);
      hashes(first, n, hashed);
      for (std::uint64_t& sum : sums) sum = 0;
      for_each_live(end, [&](const sketch_type& pane) {
        pane.estimate_hash_many(std::span<const std::uint64_t>(hashed, n),
                                std::span<std::uint64_t>(counts, n));
        for (std::size_t i = 0; i < n; ++i) sums[i] = detail::saturating_add(sums[i], counts[i]);
      });
    }
  }
  template <class Keys>
  void estimate_many(const Keys& keys, std::span<std::uint64_t> estimates) const {
    estimate_many_at(clock_.now(), keys, estimates);
  }

  /// The sum of the weights in the live panes (N), at most 2^64 - 1. O(panes).
  [[nodiscard]] std::uint64_t total_at(time_point time) const noexcept {
    return sum_to(end_of(time), [](const sketch_type& pane) { return pane.total(); });
  }
  [[nodiscard]] std::uint64_t total() const { return total_at(clock_.now()); }

  /// The live panes in one sketch, with all that `count_min_sketch` can do. Its estimates may be a
  /// little higher than those here, never above those of one plain sketch. O(panes · width · depth).
  [[nodiscard]] sketch_type summary_at(time_point time) const {
    sketch_type all = panes_.front().counts;
    all.clear();
    for_each_live(end_of(time), [&all](const sketch_type& pane) { all.merge(pane); });
    return all;
  }
  [[nodiscard]] sketch_type summary() const { return summary_at(clock_.now()); }

  // --- bounds -----------------------------------------------------------------------------------

  /// What the weight of `key` in the live panes certainly does not exceed, unless `saturated()`:
  /// the estimate.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t upper_bound_at(time_point time, const Key& key) const {
    return estimate_at(time, key);
  }
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t upper_bound(const Key& key) const {
    return estimate(key);
  }

  /// What the weight of `key` in the live panes is below with a chance of at most `delta`, in
  /// (0, 1): the estimate less `epsilon(delta)` · total.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t lower_bound_at(time_point time, const Key& key,
                                             double delta = 0.01) const {
    const double error = epsilon(delta) * static_cast<double>(total_at(time));
    const std::uint64_t most = estimate_at(time, key);
    return error < static_cast<double>(most) ? most - static_cast<std::uint64_t>(error) : 0;
  }
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t lower_bound(const Key& key, double delta = 0.01) const {
    return lower_bound_at(clock_.now(), key, delta);
  }

  /// The ε that `delta(ε)` meets. Throws `std::invalid_argument` unless `delta` is in (0, 1).
  [[nodiscard]] double epsilon(double delta) const { return panes_.front().counts.epsilon(delta); }

  /// The chance, at most, that an estimate is more than `epsilon` · total too high: that of
  /// `count_min_sketch::delta`.
  [[nodiscard]] double delta(double epsilon) const noexcept {
    return panes_.front().counts.delta(epsilon);
  }

  /// Whether a counter of a live pane is at its largest value: then estimates may be too low.
  /// O(panes · width · depth).
  [[nodiscard]] bool saturated_at(time_point time) const noexcept {
    bool any = false;
    for_each_live(end_of(time), [&any](const sketch_type& pane) { any |= pane.saturated(); });
    return any;
  }
  [[nodiscard]] bool saturated() const { return saturated_at(clock_.now()); }

  // --- window and shape -------------------------------------------------------------------------

  /// The length that the live panes cover at least; with `pane_length()` more they never do.
  [[nodiscard]] duration window() const noexcept {
    return duration(
        static_cast<typename duration::rep>(length_ * static_cast<std::int64_t>(pane_count())));
  }
  [[nodiscard]] duration pane_length() const noexcept {
    return duration(static_cast<typename duration::rep>(length_));
  }
  /// Panes to a window. One more is kept: the newest is not full.
  [[nodiscard]] std::size_t pane_count() const noexcept { return panes_.size() - 1; }

  /// Events before this are late; it only moves forward. `time_point::min()` before the first.
  [[nodiscard]] time_point window_begin() const noexcept {
    constexpr auto least = static_cast<std::int64_t>(time_point::min().time_since_epoch().count());
    std::int64_t begin = 0;
    if (__builtin_sub_overflow(newest_, static_cast<std::int64_t>(pane_count()), &begin) ||
        __builtin_mul_overflow(begin, length_, &begin) || begin < least) {
      return time_point::min();
    }
    return time_point(duration(static_cast<typename duration::rep>(begin)));
  }

  /// Events that were late, and their weight; at most 2^64 - 1.
  [[nodiscard]] std::uint64_t late_count() const noexcept { return late_count_; }
  [[nodiscard]] std::uint64_t late_weight() const noexcept { return late_weight_; }

  /// Counters per row (w) and rows (d) of each pane.
  [[nodiscard]] std::uint64_t width() const noexcept { return panes_.front().counts.width(); }
  [[nodiscard]] unsigned depth() const noexcept { return panes_.front().counts.depth(); }
  /// Size of the counters of all panes in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return panes_.size() * panes_.front().counts.size_bytes();
  }
  [[nodiscard]] bool is_conservative() const noexcept {
    return panes_.front().counts.is_conservative();
  }
  [[nodiscard]] std::uint64_t seed() const noexcept { return panes_.front().counts.seed(); }
  [[nodiscard]] const Hash& hash_function() const noexcept {
    return panes_.front().counts.hash_function();
  }

  /// Forgets all events and times; keeps the memory. O(panes · width · depth).
  void clear() noexcept {
    for (slot& each : panes_) each.counts.clear();
    newest_ = std::numeric_limits<std::int64_t>::min();
    first_tick_ = 1;
    last_tick_ = 0;
    late_count_ = late_weight_ = 0;
  }

 private:
  /// The sketch of one epoch: the times t with ⌊t / length⌋ = epoch. What it holds is out of date
  /// once another epoch has its place in the ring, and is cleared when that is first counted in.
  struct slot {
    sketch_type counts;
    std::int64_t epoch;
  };

  sliding_count_min_sketch(const options_type& options, detail::clock_reference<Clock> clock,
                           const Allocator& allocator)
      : length_(checked_length(options)), clock_(clock) {
    // No copies of one: a memory resource is not passed on to copies.
    panes_.reserve(std::size_t{options.panes} + 1);
    for (std::uint32_t i = 0; i <= options.panes; ++i) {
      panes_.push_back({sketch_type(plan(options), allocator), 0});
    }
  }

  /// The length of a pane in ticks.
  [[nodiscard]] static std::int64_t checked_length(const options_type& options) {
    if (options.panes == 0 || options.panes > 65536) {
      detail::fail_argument("sliding_count_min_sketch", "panes", options.panes, "1 to 65536");
    }
    const auto ticks = static_cast<std::int64_t>(options.window.count());
    if (ticks <= 0 || ticks % options.panes != 0) {
      detail::fail_argument("sliding_count_min_sketch", "window", ticks,
                            "a positive multiple of panes, in ticks of the clock");
    }
    return ticks / options.panes;
  }

  /// The options of one pane. Bytes for none of them are refused there, as too few.
  [[nodiscard]] static count_min_options plan(const options_type& o) {
    const std::uint64_t bytes = o.bytes / (std::uint64_t{o.panes} + 1);
    return {.width = o.width,
            .depth = o.depth,
            .epsilon = o.epsilon,
            .delta = o.delta,
            .bytes = o.bytes == 0 ? 0 : detail::max_of<std::uint64_t>(bytes, 1),
            .conservative = o.conservative,
            .seed = o.seed};
  }

  [[nodiscard]] static std::int64_t ticks_of(time_point time) noexcept {
    return static_cast<std::int64_t>(time.time_since_epoch().count());
  }

  /// ⌊ticks / length⌋, also before the clock's epoch.
  [[nodiscard]] std::int64_t epoch_of(std::int64_t ticks) const noexcept {
    return ticks / length_ - (ticks % length_ < 0);
  }

  /// Whether the window that ends with the epoch `end` ≥ `epoch` reaches back to `epoch`. Their
  /// distance may exceed the signed range.
  [[nodiscard]] bool reaches(std::int64_t end, std::int64_t epoch) const noexcept {
    return static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(epoch) < panes_.size();
  }

  /// The sketch to count an event at `time` in; null if it is late. Most events belong to the
  /// newest pane, whose bounds are kept: no division for them.
  [[nodiscard]] QUOIN_ALWAYS_INLINE sketch_type* pane_of(time_point time) noexcept {
    const std::int64_t ticks = ticks_of(time);
    if (ticks >= first_tick_ && ticks <= last_tick_) return &panes_[newest_place_].counts;
    return other_pane_of(ticks);
  }

  [[nodiscard]] sketch_type* other_pane_of(std::int64_t ticks) noexcept {
    const std::int64_t epoch = epoch_of(ticks);
    if (epoch <= newest_) return reaches(newest_, epoch) ? &panes_[open(epoch)].counts : nullptr;
    newest_ = epoch;
    newest_place_ = open(epoch);
    // The first and the last epoch may be cut short by the range of the clock.
    const std::int64_t into = ticks % length_ + (ticks % length_ < 0 ? length_ : 0);
    if (__builtin_sub_overflow(ticks, into, &first_tick_)) {
      first_tick_ = std::numeric_limits<std::int64_t>::min();
    }
    if (__builtin_add_overflow(ticks, length_ - 1 - into, &last_tick_)) {
      last_tick_ = std::numeric_limits<std::int64_t>::max();
    }
    return &panes_[newest_place_].counts;
  }

  /// The place of an epoch that the window reaches, ready to count in.
  [[nodiscard]] std::size_t open(std::int64_t epoch) noexcept {
    const auto count = static_cast<std::int64_t>(panes_.size());
    const auto place = static_cast<std::size_t>((epoch % count + count) % count);
    slot& opened = panes_[place];
    if (opened.epoch != epoch) {
      if (!opened.counts.empty()) opened.counts.clear();
      opened.epoch = epoch;
    }
    return place;
  }

  /// The last epoch of the window that ends at `time` or with the newest pane.
  [[nodiscard]] std::int64_t end_of(time_point time) const noexcept {
    return detail::max_of(newest_, epoch_of(ticks_of(time)));
  }

  /// `f(counts)` for each pane of the window that ends with the epoch `end`.
  template <class F>
  void for_each_live(std::int64_t end, F f) const {
    for (const slot& each : panes_) {
      if (reaches(end, each.epoch) && !each.counts.empty()) f(each.counts);
    }
  }

  template <class F>
  [[nodiscard]] std::uint64_t sum_to(std::int64_t end, F of_pane) const {
    std::uint64_t sum = 0;
    for_each_live(end, [&](const sketch_type& counts) {
      sum = detail::saturating_add<std::uint64_t>(sum, of_pane(counts));
    });
    return sum;
  }

  /// Finds the key's places once for all panes: that halves the time, as the processor then
  /// overlaps the cache misses of several.
  [[nodiscard]] std::uint64_t estimate_to(std::int64_t end, std::uint64_t hash) const noexcept {
    return detail::with_cms_depth(depth(), [&](auto constant) -> std::uint64_t {
      constexpr unsigned fixed = constant();
      std::uint64_t places[fixed == 0 ? detail::max_cms_depth : fixed] = {};
      blocked_rows::for_each_place<Counter>(
          hash, width(), fixed == 0 ? depth() : fixed,
          [&](unsigned row, std::uint64_t place) { places[row] = place; });
      return sum_to(end, [&places](const sketch_type& pane) -> std::uint64_t {
        return detail::cms_cells<fixed, const Counter>(pane.table(), places, 1).least();
      });
    });
  }

  bool count_late(std::uint64_t count, std::uint64_t weight) noexcept {
    late_count_ = detail::saturating_add(late_count_, count);
    late_weight_ = detail::saturating_add(late_weight_, detail::saturating_multiply(count, weight));
    return false;
  }

  static void require_size(const char* what, std::size_t size, std::size_t wanted) {
    if (size != wanted) {
      detail::fail_argument("sliding_count_min_sketch", what, size, "that of the input");
    }
  }

  std::int64_t length_;      ///< of a pane, in ticks
  std::vector<slot> panes_;  ///< a ring: epoch e is at e mod their number
  std::int64_t newest_ = std::numeric_limits<std::int64_t>::min();  ///< epoch; before all at first
  std::int64_t first_tick_ = 1;  ///< the newest pane's first and last, or none
  std::int64_t last_tick_ = 0;
  std::size_t newest_place_ = 0;
  std::uint64_t late_count_ = 0;
  std::uint64_t late_weight_ = 0;
  [[no_unique_address]] detail::clock_reference<Clock> clock_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
