// SPDX-License-Identifier: BSL-1.0
/// @file
/// A count-min sketch that any number of threads add to and ask at once.
///
/// Use it to count from many threads without a sketch for each and a merge. `snapshot()` copies it
/// while others go on; `release()` gives the sketch itself, whose batches are faster.
///
/// Guarantee   no count is lost. Plain update: the same counters as `count_min_sketch`, bit for
///             bit. Conservative update: an estimate is never below what was added before it; it
///             may be above that of one thread's sketch, never above the plain one.
/// Cost        add: the cache lines of `count_min_sketch`, an atomic operation per counter, and for
///             conservative update a spin lock, one of 64 chosen by the key.
/// Threads     concurrent: all operations but construction, destruction and `release()` from any
///             number of threads. Counters are relaxed atomics: no other memory is published
///             through them. Plain update and `estimate` are lock-free.
/// Bytes       through `snapshot()` or `release()`.
///
/// @code
/// quoin::concurrent_count_min_sketch hits({.width = 1 << 16});
/// hits.add(url);                                      // from any thread
/// std::uint64_t n = hits.estimate(url);
/// quoin::count_min_sketch all = std::move(hits).release();
/// @endcode
#ifndef QUOIN_SKETCH_CONCURRENT_COUNT_MIN_SKETCH_HPP
#define QUOIN_SKETCH_CONCURRENT_COUNT_MIN_SKETCH_HPP

#include <quoin/sketch/count_min_sketch.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#if defined(__unix__)
#include <sched.h>
#endif

namespace quoin::inline QUOIN_ABI {

/// The sketch. Neither copied nor moved: threads hold references to it.
/// @tparam Counter, Hash, Allocator  as for `count_min_sketch`.
template <count_min_counter Counter = std::uint32_t, class Hash = hash,
          class Allocator = std::allocator<std::byte>>
class concurrent_count_min_sketch {
 public:
  using sketch_type = count_min_sketch<Counter, Hash, Allocator>;

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit concurrent_count_min_sketch(const count_min_options& options,
                                       const Allocator& allocator = Allocator())
      : sketch_(options, allocator) {}

  /// Goes on with what `sketch` holds.
  explicit concurrent_count_min_sketch(sketch_type sketch) noexcept : sketch_(std::move(sketch)) {}

  concurrent_count_min_sketch(const concurrent_count_min_sketch&) = delete;
  concurrent_count_min_sketch& operator=(const concurrent_count_min_sketch&) = delete;

  /// Counts `key` `weight` times; returns its estimate, with at least this and all that happened
  /// before. O(depth).
  template <detail::hashable_by<Hash> Key>
  std::uint64_t add(const Key& key,
                    std::uint64_t weight = 1) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return add_hash(detail::hash_key(sketch_.hash_, key), weight);
  }

  /// `add` of the key whose 64-bit hash is `hash`.
  std::uint64_t add_hash(std::uint64_t hash, std::uint64_t weight = 1) noexcept {
    return detail::with_cms_depth(sketch_.depth(), [&](auto depth) {
      return detail::with_cms_cells<blocked_rows, depth()>(
          sketch_.table(), hash, [&](const auto& cells) { return count(cells, hash, weight); });
    });
  }

  /// `add(key, weight)` for every key of a contiguous range, with their cache lines prefetched.
  template <class Keys>
  void add_many(const Keys& keys, std::uint64_t weight = 1) {
    const std::span all(keys);
    std::uint64_t blocks[2][detail::cms_block];  // of hashes: that served and the one ahead
    const auto hash_block = sketch_.hashes_of(all);
    const auto hashes = [&](std::size_t first, std::size_t n, std::uint64_t* out) {
      hash_block(first, n, out);
      std::memcpy(blocks[first / detail::cms_block % 2], out, 8 * n);
    };
    detail::with_cms_depth(sketch_.depth(), [&](auto depth) {
      detail::cms_for_each<blocked_rows, depth()>(
          sketch_.table(), all.size(), hashes, [&](std::size_t i, const auto& cells) {
            const std::size_t block = i / detail::cms_block % 2;
            count(cells, blocks[block][i % detail::cms_block], weight);
          });
    });
  }

  /// How often `key` was counted by all that happened before, or more. O(depth), lock-free.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] std::uint64_t estimate(const Key& key) const
      noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return estimate_hash(detail::hash_key(sketch_.hash_, key));
  }

  /// `estimate` for the key whose hash is `hash`.
  [[nodiscard]] std::uint64_t estimate_hash(std::uint64_t hash) const noexcept {
    return detail::with_cms_depth(sketch_.depth(), [&](auto depth) -> std::uint64_t {
      return detail::with_cms_cells<blocked_rows, depth()>(
          sketch_.table(), hash, [&](const auto& cells) { return least_of(cells); });
    });
  }

  /// Sum of the weights added by all that happened before.
  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = sketch_.total_;
    for (const stripe& each : stripes_) {
      sum = detail::saturating_add(sum, __atomic_load_n(&each.total, __ATOMIC_RELAXED));
    }
    return sum;
  }

  /// A copy of the counts as they are; of adds under way meanwhile, some rows or none. Every key's
  /// estimate in it has at least what happened before. O(size).
  [[nodiscard]] sketch_type snapshot() const {
    sketch_type copy({sketch_.width(), sketch_.depth()}, sketch_.seed(), sketch_.is_conservative(),
                     sketch_.get_allocator());
    const std::span<const Counter> from = sketch_.counters();
    const std::span<Counter> to = copy.counters();
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = load(from[i]);
    copy.total_ = total();
    return copy;
  }

  /// The sketch itself, once no other thread uses this object (join them first). O(1); what is left
  /// may only be destroyed.
  [[nodiscard]] sketch_type release() && noexcept {
    sketch_.total_ = total();
    return std::move(sketch_);
  }

  /// Counters per row.
  [[nodiscard]] std::uint64_t width() const noexcept { return sketch_.width(); }
  /// Rows.
  [[nodiscard]] unsigned depth() const noexcept { return sketch_.depth(); }
  /// Size of the counters in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return sketch_.size_bytes(); }
  [[nodiscard]] bool is_conservative() const noexcept { return sketch_.is_conservative(); }
  [[nodiscard]] std::uint64_t seed() const noexcept { return sketch_.seed(); }

 private:
  /// A share of the total, and the lock of the keys counted there, on a line of their own.
  struct alignas(64) stripe {
    std::uint64_t total = 0;
    bool locked = false;
  };

  [[nodiscard]] static Counter load(const Counter& counter) noexcept {
    return __atomic_load_n(&counter, __ATOMIC_RELAXED);
  }

  /// Replaces `x` by `f(x)`, unless that is `x`; returns it.
  template <class T, class F>
  static T update(T& x, F f) noexcept {
    T old = __atomic_load_n(&x, __ATOMIC_RELAXED);
    T wanted = f(old);
    while (wanted != old && !__atomic_compare_exchange_n(&x, &old, wanted, true, __ATOMIC_RELAXED,
                                                         __ATOMIC_RELAXED)) {
      wanted = f(old);
    }
    return wanted;
  }

  template <class Cells>
  [[nodiscard]] Counter least_of(const Cells& cells) const noexcept {
    Counter least = load(cells.at(0));
    for (unsigned row = 1; row < sketch_.depth(); ++row) {
      least = detail::min_of(least, load(cells.at(row)));
    }
    return least;
  }

  template <class Cells>
  std::uint64_t count(const Cells& cells, std::uint64_t hash, std::uint64_t weight) noexcept {
    stripe& mine = stripes_[hash % stripes];
    update(mine.total, [=](std::uint64_t sum) { return detail::saturating_add(sum, weight); });
    const Counter counts = detail::saturating_to<Counter>(weight);
    if (sketch_.is_conservative()) return raise(cells, mine, counts);
    Counter least = std::numeric_limits<Counter>::max();
    for (unsigned row = 0; row < sketch_.depth(); ++row) {
      const Counter sum =
          update(cells.at(row), [=](Counter old) { return detail::saturating_add(old, counts); });
      least = detail::min_of(least, sum);
    }
    return least;
  }

  /// Two threads that count one key at once must not both raise its counters to the same value: a
  /// lock keeps them apart. Keys under different locks may share counters, which only ever rise.
  template <class Cells>
  Counter raise(const Cells& cells, stripe& mine, Counter counts) noexcept {
    for (unsigned tries = 1; __atomic_exchange_n(&mine.locked, true, __ATOMIC_ACQUIRE); ++tries) {
#if defined(__unix__)
      if (tries % 64 == 0) sched_yield();  // its holder may have lost its core
#endif
    }
    const Counter raised = detail::saturating_add(least_of(cells), counts);
    for (unsigned row = 0; row < sketch_.depth(); ++row) {
      update(cells.at(row), [=](Counter old) { return detail::max_of(old, raised); });
    }
    __atomic_store_n(&mine.locked, false, __ATOMIC_RELEASE);
    return raised;
  }

  static constexpr std::size_t stripes = 64;

  sketch_type sketch_;
  stripe stripes_[stripes];
};

}  // namespace quoin::inline QUOIN_ABI

#endif
