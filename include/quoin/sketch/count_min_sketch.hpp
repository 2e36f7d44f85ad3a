// SPDX-License-Identifier: BSL-1.0
/// @file
/// A count-min sketch: how often was each key seen, in memory that does not grow with the keys.
///
/// Use it to count more keys than fit in a map when an answer a little too high is good enough:
/// hits per URL, packets per flow, the frequency that a cache admits by. Keys cannot be listed; for
/// the most frequent ones take `heavy_hitters`.
///
/// Guarantee   never below the truth (while no counter has saturated); above it by more than ε · total() with
///             a chance of at most `delta(ε)`, for each key. In practice far less: conservative
///             update, the default, halves the mean error of the plain sketch of equal size
///             (docs/accuracy-count-min.md).
/// Cost        add, estimate: depth / 2 cache lines and no branch on the data. The `_many` forms
///             find the counters by SIMD and overlap the cache misses.
/// Memory      width · depth counters of 8, 16, 32 (the default) or 64 bits. They saturate.
/// Threads     like a standard container; `concurrent_count_min_sketch` takes concurrent adds.
/// Bytes       format 0x0202, docs/formats.md; the same on every platform and instruction set.
/// Source      Cormode, Muthukrishnan 2005; conservative update: Estan, Varghese 2002; count-mean-
///             min: Deng, Rafiei 2007; layout: detail/sketch_cms_rows.hpp, bounds: …_plan.hpp.
///
/// @code
/// quoin::count_min_sketch hits({.width = 1 << 16, .depth = 4});
/// hits.add(url);
/// hits.add(other_url, 3);
/// hits.add_many(urls);                        // several times as fast
/// std::uint64_t n = hits.estimate(url);       // ≥ the truth
/// hits.halve();                               // forget slowly
/// @endcode
#ifndef QUOIN_SKETCH_COUNT_MIN_SKETCH_HPP
#define QUOIN_SKETCH_COUNT_MIN_SKETCH_HPP

#include <quoin/detail/memory.hpp>
#include <quoin/detail/sketch_cms_form.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How large. Give one of `width`, `epsilon` (with `delta`) and `bytes`.
struct count_min_options {
  std::uint64_t width = 0;   ///< w, counters per row, 1 to 2^56; rounded up to whole cache lines
  unsigned depth = 0;        ///< d, rows, 1–16; 0: 4, or the best for `epsilon` and `delta`
  double epsilon = 0;        ///< error as a fraction of the total weight, (0, 1), exceeded …
  double delta = 0.01;       ///< … with this chance at most, [1e-18, 1)
  std::uint64_t bytes = 0;   ///< memory of the counters, at most
  bool conservative = true;  ///< conservative update; false: plain, see `inner_product`
  std::uint64_t seed = 0;    ///< of the hash; a random one when others choose the keys
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
///
/// An even depth from 4 on costs depth / 2 cache lines per key, any other `depth` lines: 4, 6 and 8
/// are the depths to take. What more than 4 buys is a thinner tail, at the same bytes a higher mean.
/// @tparam Counter    std::uint8_t, 16, 32 or 64. A counter stays at its largest value once there.
/// @tparam Hash       a hasher of the keys, default- or seed-constructible (`quoin::hash` takes
///                    all). One that is not avalanching (see `is_avalanching_v`) is mixed here.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
/// @tparam Layout     `blocked_rows`, or `classic_rows<Columns>` for the textbook's, where a policy
///                    gives the columns (other systems' layouts, worked examples).
template <count_min_counter Counter = std::uint32_t, class Hash = hash,
          class Allocator = std::allocator<std::byte>, class Layout = blocked_rows>
class count_min_sketch {
  struct alignas(64) line {
    Counter counters[64 / sizeof(Counter)];
    friend bool operator==(const line&, const line&) = default;
  };

 public:
  using counter_type = Counter;
  using hasher_type = Hash;
  using allocator_type = Allocator;
  using layout_type = Layout;

  /// The largest count: an estimate of this is "at least this".
  static constexpr std::uint64_t max_count = std::numeric_limits<Counter>::max();

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit count_min_sketch(const count_min_options& options,
                            const Allocator& allocator = Allocator())
      : count_min_sketch(detail::plan_cms<Layout, Counter>(options), options.seed,
                         options.conservative, allocator) {}

  // --- counting ---------------------------------------------------------------------------------

  /// Counts `key` `weight` times; returns its estimate after that. O(depth).
  template <detail::hashable_by<Hash> Key>
  std::uint64_t add(const Key& key,
                    std::uint64_t weight = 1) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return add_hash(detail::hash_key(hash_, key), weight);
  }

  /// `add` of the key whose 64-bit hash is `hash`: a key hashed once serves many structures. All 64
  /// bits must be good, and estimates must use the same hash.
  std::uint64_t add_hash(std::uint64_t hash, std::uint64_t weight = 1) noexcept {
    total_ = detail::saturating_add(total_, weight);
    const Counter counts = detail::saturating_to<Counter>(weight);
    return detail::with_cms_depth(shape_.depth, [&](auto depth) -> std::uint64_t {
      return detail::with_cms_cells<Layout, depth()>(table(), hash, [&](const auto& cells) {
        return conservative_ ? cells.raise(counts) : cells.add(counts);
      });
    });
  }

  /// `add(key, weight)` for every key of a contiguous range, in order: the same result, with
  /// hashing and memory accesses overlapped.
  template <class Keys>
  void add_many(const Keys& keys, std::uint64_t weight = 1) {
    const std::span all(keys);
    add_equally(all.size(), hashes_of(all), weight);
  }

  /// `add(keys[i], weights[i])` for all i. Throws `std::invalid_argument`, with nothing changed,
  /// unless there are as many weights as keys.
  template <class Keys>
  void add_many(const Keys& keys, std::span<const std::uint64_t> weights) {
    const std::span all(keys);
    require_size("weights", weights.size(), all.size());
    for (const std::uint64_t weight : weights) total_ = detail::saturating_add(total_, weight);
    add_each(all.size(), hashes_of(all),
             [weights](std::size_t i) { return detail::saturating_to<Counter>(weights[i]); });
  }

  /// `add_many` for keys hashed already.
  void add_hash_many(std::span<const std::uint64_t> hashes, std::uint64_t weight = 1) {
    add_equally(hashes.size(), detail::hashes_of(hashes), weight);
  }

  /// How often `key` was counted, or more. O(depth).
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t estimate(const Key& key) const
      noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return estimate_hash(detail::hash_key(hash_, key));
  }

  /// `estimate` for the key whose hash is `hash`.
  [[nodiscard]] std::uint64_t estimate_hash(std::uint64_t hash) const noexcept {
    return detail::with_cms_depth(shape_.depth, [&](auto depth) -> std::uint64_t {
      return detail::with_cms_cells<Layout, depth()>(
          table(), hash, [](const auto& cells) { return cells.least(); });
    });
  }

  /// `estimates[i] = estimate(keys[i])` for a contiguous range of keys; `estimates` has as many
  /// elements (else throws `std::invalid_argument`). Several times as fast as one by one.
  template <class Keys>
  void estimate_many(const Keys& keys, std::span<std::uint64_t> estimates) const {
    const std::span all(keys);
    require_size("size of the output", estimates.size(), all.size());
    estimate_each(all.size(), hashes_of(all), estimates.data());
  }

  /// `estimate_many` for keys hashed already.
  void estimate_hash_many(std::span<const std::uint64_t> hashes,
                          std::span<std::uint64_t> estimates) const {
    require_size("size of the output", estimates.size(), hashes.size());
    estimate_each(hashes.size(), detail::hashes_of(hashes), estimates.data());
  }

  /// The estimate of least bias, count-mean-min: the median over the rows of the counter less what
  /// other keys add to it on average, within [0, `estimate(key)`]. Better than `estimate` for rare
  /// keys in an even distribution, but on either side of the truth. Throws `std::invalid_argument`
  /// for a conservative sketch, whose rows do not sum to the total.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] double estimate_debiased(const Key& key) const {
    require_plain("estimate_debiased");
    const auto hash = detail::hash_key(hash_, key);
    double rows[detail::max_cms_depth] = {};
    const auto others = static_cast<double>(shape_.width) - 1;
    Layout::template for_each_place<Counter>(
        hash, shape_.width, shape_.depth, [&](unsigned row, std::uint64_t place) {
          const auto count = static_cast<double>(counters()[static_cast<std::size_t>(place)]);
          const double noise = others == 0 ? 0 : (static_cast<double>(total_) - count) / others;
          unsigned i = row;
          for (; i > 0 && rows[i - 1] > count - noise; --i) rows[i] = rows[i - 1];
          rows[i] = count - noise;
        });
    const double median = (rows[(shape_.depth - 1) / 2] + rows[shape_.depth / 2]) / 2;
    return detail::max_of(0.0, detail::min_of(median, static_cast<double>(estimate_hash(hash))));
  }

  // --- bounds -----------------------------------------------------------------------------------

  /// What the count of `key` certainly does not exceed, if the estimate is below `max_count` and
  /// `decay` was not called: the estimate.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t upper_bound(const Key& key) const
      noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return estimate(key);
  }

  /// What the count of `key` is below with a chance of at most `delta`, in (0, 1): the estimate less
  /// `epsilon(delta)` · total().
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t lower_bound(const Key& key, double delta = 0.01) const {
    const double error = epsilon(delta) * static_cast<double>(total_);
    const std::uint64_t most = estimate(key);
    return error < static_cast<double>(most) ? most - static_cast<std::uint64_t>(error) : 0;
  }

  /// The ε that `delta(ε)` meets. Throws `std::invalid_argument` unless `delta` is in (0, 1).
  [[nodiscard]] double epsilon(double delta) const {
    if (!(delta > 0 && delta < 1)) {
      detail::fail_argument("count_min_sketch", "delta", delta, "in (0, 1)");
    }
    return model().tau(delta) / static_cast<double>(shape_.width);
  }

  /// The chance, at most, that the estimate of a key is more than `epsilon` · total() too high: with
  /// τ = ε · width, it is τ^-depth for rows that have lines of their own, and (1/τ² + 1/(hτ))^(depth
  /// / 2) for those that share them, h counters each (detail/sketch_cms_plan.hpp). It holds for
  /// plain update, whatever the keys; for conservative update it is far from reached.
  [[nodiscard]] double delta(double epsilon) const noexcept {
    return model().tail(epsilon * static_cast<double>(shape_.width));
  }

  // --- sketches ---------------------------------------------------------------------------------

  /// Adds the counts of `other`, each `weight` times. Estimates stay above the truth; those of
  /// plain sketches are the ones of one sketch of all keys, those of conservative ones a little
  /// higher. Throws `std::invalid_argument`, with nothing changed, unless `is_compatible(other)`.
  /// O(size).
  void merge(const count_min_sketch& other, std::uint64_t weight = 1) {
    require_compatible(other);
    total_ = detail::saturating_add(total_, detail::saturating_multiply(other.total_, weight));
    const std::span<const Counter> theirs = other.counters();
    const std::span<Counter> mine = counters();
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const std::uint64_t added = detail::saturating_multiply(theirs[i], weight);
      mine[i] = detail::saturating_add(mine[i], detail::saturating_to<Counter>(added));
    }
  }

  /// Multiplies every count by `factor`, in [0, 1], and rounds down: old counts fade. A key whose
  /// count is decayed again and again is under-estimated by less than 1 / (1 − factor) for it, unless a
  /// counter of it was saturated: what that one could not hold stays lost, and `saturated()` no
  /// longer tells.
  /// Throws `std::invalid_argument` outside [0, 1]. O(size); exact, the same on every platform.
  void decay(double factor) {
    if (!(factor >= 0 && factor <= 1)) {
      detail::fail_argument("count_min_sketch", "factor", factor, "in [0, 1]");
    }
    if (factor == 1) return;
    const auto scale = static_cast<std::uint64_t>(factor * 0x1p64);
    for (Counter& c : counters()) c = static_cast<Counter>(detail::mul_high(c, scale));
    total_ = detail::mul_high(total_, scale);
  }

  /// `decay(0.5)`.
  void halve() { decay(0.5); }

  /// Σ over keys of the count here times the count in `other` (the size of a join), or more; above
  /// it by ε · total() · other.total() at most with the chance 1 − `delta(ε)`. Throws
  /// `std::invalid_argument` unless compatible and plain: conservative rows may be below. O(size).
  [[nodiscard]] double inner_product(const count_min_sketch& other) const {
    require_compatible(other);
    require_plain("inner_product");
    double least = std::numeric_limits<double>::infinity();
    for (unsigned row = 0; row < shape_.depth; ++row) {
      double sum = 0;
      for (std::uint64_t column = 0; column < shape_.width; ++column) {
        sum += static_cast<double>(counter(row, column)) *
               static_cast<double>(other.counter(row, column));
      }
      least = detail::min_of(least, sum);
    }
    return least;
  }

  /// True when both have the same width, depth, seed and way of updating.
  [[nodiscard]] bool is_compatible(const count_min_sketch& other) const noexcept {
    return shape_.width == other.shape_.width && shape_.depth == other.shape_.depth &&
           seed_ == other.seed_ && conservative_ == other.conservative_;
  }

  /// Forgets every count. O(size).
  void clear() noexcept {
    lines_.clear();
    total_ = 0;
  }

  void swap(count_min_sketch& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(shape_, other.shape_);
    std::swap(seed_, other.seed_);
    std::swap(total_, other.total_);
    std::swap(conservative_, other.conservative_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(count_min_sketch& a, count_min_sketch& b) noexcept { a.swap(b); }

  /// Compatible, with equal counters and totals. Plain sketches of equal multisets of keys are
  /// equal in any order; conservative ones depend on the order of the keys.
  friend bool operator==(const count_min_sketch& a, const count_min_sketch& b) noexcept {
    return a.is_compatible(b) && a.total_ == b.total_ && a.lines_ == b.lines_;
  }

  // --- shape and content ------------------------------------------------------------------------

  /// Counters per row (w).
  [[nodiscard]] std::uint64_t width() const noexcept { return shape_.width; }
  /// Rows (d).
  [[nodiscard]] unsigned depth() const noexcept { return shape_.depth; }
  /// Size of the counters in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return counters().size_bytes(); }
  [[nodiscard]] bool is_conservative() const noexcept { return conservative_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(lines_.get_allocator());
  }

  /// Sum of the weights added (N); stays at 2^64 − 1 once there.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }

  /// Whether a counter is at its largest value: then the keys whose estimate is `max_count` may have
  /// been counted more often than that. O(size).
  [[nodiscard]] bool saturated() const noexcept {
    bool any = false;
    for (const Counter c : counters()) any |= c == max_count;
    return any;
  }

  /// The counter in column `column` < `width()` of row `row` < `depth()`.
  [[nodiscard]] Counter counter(unsigned row, std::uint64_t column) const noexcept {
    QUOIN_ASSERT(row < shape_.depth && column < shape_.width);
    return counters()[static_cast<std::size_t>(
        Layout::template place_of<Counter>(row, column, shape_.width, shape_.depth))];
  }

  /// All counters, row after row, of a sketch in classic rows: for other systems' formats.
  [[nodiscard]] std::span<const Counter> rows() const noexcept
      requires(!std::same_as<Layout, blocked_rows>) {
    return counters();
  }

  /// A sketch in classic rows with these counters, row after row, and this total: what `rows()` and
  /// `total()` gave. Throws `std::invalid_argument` unless `rows` has width · depth elements.
  [[nodiscard]] static count_min_sketch from_rows(
      const count_min_options& options, std::span<const Counter> rows, std::uint64_t total,
      const Allocator& allocator = Allocator()) requires(!std::same_as<Layout, blocked_rows>) {
    count_min_sketch sketch(options, allocator);
    require_size("size of rows", rows.size(), sketch.counters().size());
    std::memcpy(sketch.counters().data(), rows.data(), rows.size_bytes());
    sketch.total_ = total;
    return sketch;
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes.
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return detail::framed_size(detail::cms_parameters, size_bytes());
  }

  /// Writes the native form to the front of `out`, which has `serialized_size()` bytes at least
  /// (else throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    if (out.size() < size) require_size("size of the output", out.size(), size);
    detail::write_cms<Layout, Counter, Hash>(
        out.first(size), {shape_, seed_, total_, conservative_, nullptr}, counters());
    return size;
  }

  /// The native form: `serialized_size()` bytes. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// The sketch that `to_bytes` wrote, or why not. Never throws for the content of `bytes` and
  /// allocates less than 64 bytes more than `bytes.size()`. O(size).
  [[nodiscard]] static expected<count_min_sketch, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_cms<Layout, Counter, Hash>(bytes);
    if (!form) return unexpected(form.error());
    count_min_sketch sketch(form->shape, form->seed, form->conservative, allocator);
    detail::read_cms_counters(form->payload, sketch.counters());
    sketch.total_ = form->total;
    return sketch;
  }

 private:
  template <count_min_counter, class, class>
  friend class concurrent_count_min_sketch;
  template <count_min_counter, class, class, class>
  friend class sliding_count_min_sketch;

  count_min_sketch(detail::cms_shape shape, std::uint64_t seed, bool conservative,
                   const Allocator& allocator)
      : lines_(detail::lines_of_cms<Counter>(shape), allocator),
        shape_(shape),
        seed_(seed),
        conservative_(conservative),
        hash_(detail::make_hash<Hash>(seed)) {}

  [[nodiscard]] std::span<Counter> counters() noexcept {
    return {lines_.data()->counters, static_cast<std::size_t>(shape_.width * shape_.depth)};
  }
  [[nodiscard]] std::span<const Counter> counters() const noexcept {
    return {lines_.data()->counters, static_cast<std::size_t>(shape_.width * shape_.depth)};
  }
  [[nodiscard]] detail::cms_table<Counter> table() noexcept {
    return {lines_.data()->counters, shape_.width, shape_.depth};
  }
  [[nodiscard]] detail::cms_table<const Counter> table() const noexcept {
    return {lines_.data()->counters, shape_.width, shape_.depth};
  }
  [[nodiscard]] detail::cms_model model() const noexcept {
    return detail::cms_model::of<Layout, Counter>(shape_.depth);
  }

  template <class Key, std::size_t Extent>
  [[nodiscard]] auto hashes_of(std::span<Key, Extent> keys) const noexcept {
    return detail::hashes_of(hash_, std::span<const Key>(keys));
  }

  /// Totals grow before counters do: if a hasher throws, the total is too high, and bounds hold.
  template <class Hashes>
  void add_equally(std::size_t n, Hashes hashes, std::uint64_t weight) {
    total_ = detail::saturating_add(total_, detail::saturating_multiply(n, weight));
    const Counter counts = detail::saturating_to<Counter>(weight);
    add_each(n, hashes, [counts](std::size_t) { return counts; });
  }

  template <class Hashes, class Counts>
  void add_each(std::size_t n, Hashes hashes, Counts counts) {
    detail::with_cms_depth(shape_.depth, [&](auto depth) {
      if (conservative_) {
        detail::cms_for_each<Layout, depth()>(
            table(), n, hashes, [=](std::size_t i, const auto& cells) { cells.raise(counts(i)); });
      } else {
        detail::cms_for_each<Layout, depth()>(
            table(), n, hashes, [=](std::size_t i, const auto& cells) { cells.add(counts(i)); });
      }
    });
  }

  template <class Hashes>
  void estimate_each(std::size_t n, Hashes hashes, std::uint64_t* estimates) const {
    detail::with_cms_depth(shape_.depth, [&](auto depth) {
      detail::cms_for_each<Layout, depth()>(
          table(), n, hashes,
          [=](std::size_t i, const auto& cells) { estimates[i] = cells.least(); });
    });
  }

  static void require_size(const char* what, std::size_t size, std::size_t wanted) {
    if (size != wanted) {
      detail::fail_argument("count_min_sketch", what, size, "that of the input");
    }
  }
  void require_plain(const char* operation) const {
    if (conservative_) {
      detail::fail_argument("count_min_sketch", operation, 1u, "of sketches with plain update");
    }
  }
  void require_compatible(const count_min_sketch& other) const {
    if (!is_compatible(other)) {
      detail::fail(
          "quoin::count_min_sketch: sketches of different width, depth, seed or way of "
          "updating cannot be combined");
    }
  }

  detail::line_array<Allocator, line> lines_;
  detail::cms_shape shape_;
  std::uint64_t seed_;
  std::uint64_t total_ = 0;
  bool conservative_;
  [[no_unique_address]] Hash hash_;
};

/// The sketch in the textbook's layout: `depth` cache lines per key, the bound δ = (ε · width)^-depth.
template <count_min_counter Counter = std::uint32_t, class Hash = hash,
          class Allocator = std::allocator<std::byte>,
          count_min_columns Columns = multiplied_columns>
using classic_count_min_sketch = count_min_sketch<Counter, Hash, Allocator, classic_rows<Columns>>;

}  // namespace quoin::inline QUOIN_ABI

#endif
