// SPDX-License-Identifier: BSL-1.0
/// @file
/// A blocked Bloom filter that any number of threads fill and ask at once, without locks.
///
/// Use it to build one filter from many threads, or to share a growing "have I seen this?" set.
/// When the last key is in, `release()` it into a `blocked_bloom_filter`, whose batch lookups use
/// SIMD (here every word is read as an atomic); `snapshot()` copies it while others go on.
///
/// Guarantee   the same bits, rates and bytes as `blocked_bloom_filter` from the same keys. A key
///             is found by every lookup that its insertion happens before.
/// Cost        1 cache line; an insert writes only the words that lack a bit, so that keys seen
///             often are read-only traffic.
/// Threads     concurrent: all operations but construction, destruction and `release()` from any
///             number of threads. Relaxed atomic operations suffice: bits are only ever set, and
///             no other memory is published through them.
/// Bytes       through `snapshot()` or `release()`.
///
/// @code
/// quoin::concurrent_blocked_bloom_filter seen({.capacity = 1'000'000, .bits_per_key = 10});
/// seen.insert(url);                                   // from any thread
/// if (seen.try_insert(other_url)) crawl(other_url);   // see try_insert on races
/// quoin::blocked_bloom_filter frozen = std::move(seen).release();
/// @endcode
#ifndef QUOIN_FILTER_CONCURRENT_BLOCKED_BLOOM_FILTER_HPP
#define QUOIN_FILTER_CONCURRENT_BLOCKED_BLOOM_FILTER_HPP

#include <quoin/filter/blocked_bloom_filter.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// The filter. Neither copied nor moved: threads hold references to it.
/// @tparam Hash, Allocator  as for `blocked_bloom_filter`.
template <class Hash = hash, class Allocator = std::allocator<std::byte>>
class concurrent_blocked_bloom_filter {
 public:
  using filter_type = blocked_bloom_filter<Hash, Allocator>;

  /// An empty filter. Throws `std::invalid_argument` naming the option that is out of range.
  explicit concurrent_blocked_bloom_filter(const blocked_bloom_options& options,
                                           const Allocator& allocator = Allocator())
      : filter_(options, allocator) {}

  /// Goes on with what `filter` holds.
  explicit concurrent_blocked_bloom_filter(filter_type filter) noexcept
      : filter_(std::move(filter)) {}

  concurrent_blocked_bloom_filter(const concurrent_blocked_bloom_filter&) = delete;
  concurrent_blocked_bloom_filter& operator=(const concurrent_blocked_bloom_filter&) = delete;

  /// Inserts `key`. O(1), lock-free.
  template <detail::hashable_by<Hash> Key>
  void insert(const Key& key) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    try_insert(key);
  }

  /// Inserts the key whose 64-bit hash is `hash`.
  void insert_hash(std::uint64_t hash) noexcept { try_insert_hash(hash); }

  /// Inserts `key`; true if this call set one of its bits. For a key that no other thread inserts
  /// at the same moment that means what it means in `blocked_bloom_filter`: it is new. If several
  /// threads insert the same new key at the same moment, at least one gets true, and each that set
  /// a bit of it does: then more than one may. (As ever, a false positive gets false.)
  template <detail::hashable_by<Hash> Key>
  bool try_insert(const Key& key) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return try_insert_hash(detail::hash_key(filter_.hash_function(), key));
  }

  /// `try_insert` of the key whose hash is `hash`.
  bool try_insert_hash(std::uint64_t hash) noexcept { return set(filter_.mutable_table(), hash); }

  /// Inserts every key of a contiguous range, with their cache lines prefetched.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const detail::line_table t = filter_.mutable_table();
    for_each_hash(t, std::span(keys), [&](std::size_t, std::uint64_t hash) { set(t, hash); });
  }

  /// False: no insertion of `key` happened before. True: one probably did, or is under way.
  template <detail::hashable_by<Hash> Key>
  [[nodiscard]] bool contains(const Key& key) const
      noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return contains_hash(detail::hash_key(filter_.hash_function(), key));
  }

  /// `contains` for the key whose hash is `hash`.
  [[nodiscard]] bool contains_hash(std::uint64_t hash) const noexcept {
    return in(filter_.table(), hash);
  }

  /// `hits[i] = contains(keys[i])` for a contiguous range of keys, with their cache lines
  /// prefetched; `hits` has as many elements at least (else throws `std::invalid_argument`).
  template <class Keys>
  void contains_many(const Keys& keys, std::span<bool> hits) const {
    const std::span all(keys);
    detail::require_room(hits.size(), all.size());
    const detail::const_line_table t = filter_.table();
    for_each_hash(t, all, [&](std::size_t i, std::uint64_t hash) { hits[i] = in(t, hash); });
  }

  /// A copy of what is in now; of keys being inserted meanwhile, some or none. O(size).
  [[nodiscard]] filter_type snapshot() const {
    const detail::const_line_table from = filter_.table();
    filter_type copy({from.size, from.k}, filter_.seed(), filter_.get_allocator());
    std::uint64_t* const to = copy.mutable_table().words;
    for (std::size_t i = 0; i < 8 * from.size; ++i) {
      to[i] = __atomic_load_n(from.words + i, __ATOMIC_RELAXED);
    }
    return copy;
  }

  /// The filter itself, once no other thread uses this object (join them first). O(1); what is left
  /// may only be destroyed.
  [[nodiscard]] filter_type release() && noexcept { return std::move(filter_); }

  /// Size of the table in bits.
  [[nodiscard]] std::uint64_t bit_count() const noexcept { return filter_.bit_count(); }
  /// Size of the table in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return filter_.size_bytes(); }
  /// Bits per key.
  [[nodiscard]] unsigned hash_count() const noexcept { return filter_.hash_count(); }
  [[nodiscard]] std::uint64_t seed() const noexcept { return filter_.seed(); }

 private:
  static bool set(const detail::line_table& t, std::uint64_t hash) noexcept {
    std::uint64_t* const line = t.line_of(hash);
    std::uint64_t added = 0;
    detail::line_probe(hash, t.k).for_each_bit([&](unsigned word, unsigned bit) {
      const std::uint64_t mask = detail::to_le(std::uint64_t{1} << bit);
      if ((__atomic_load_n(line + word, __ATOMIC_RELAXED) & mask) == 0) {
        added |= mask & ~__atomic_fetch_or(line + word, mask, __ATOMIC_RELAXED);
      }
    });
    return added != 0;
  }

  [[nodiscard]] static bool in(const detail::const_line_table& t, std::uint64_t hash) noexcept {
    const std::uint64_t* const line = t.line_of(hash);
    std::uint64_t missing = 0;
    detail::line_probe(hash, t.k).for_each_bit([&](unsigned word, unsigned bit) {
      const std::uint64_t mask = detail::to_le(std::uint64_t{1} << bit);
      missing |= mask & ~__atomic_load_n(line + word, __ATOMIC_RELAXED);
    });
    return missing == 0;
  }

  /// Calls `serve(i, hash of keys[i])` for all keys, their lines fetched in time.
  template <class Table, class Key, std::size_t Extent, class Serve>
  void for_each_hash(const Table& t, std::span<Key, Extent> keys, Serve serve) const {
    detail::for_each_line_batch(
        t, keys.size(), detail::hashes_of(filter_.hash_function(), std::span<const Key>(keys)),
        [&](std::size_t first, const std::uint64_t* hashes, std::size_t count,
            const std::uint64_t* next) {
          for (std::size_t i = 0; i < count; ++i) {
            if (next != nullptr) detail::prefetch_line(t, next[i]);
            serve(first + i, hashes[i]);
          }
        });
  }

  filter_type filter_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
