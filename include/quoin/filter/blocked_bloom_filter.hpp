// SPDX-License-Identifier: BSL-1.0
/// @file
/// A Bloom filter whose every operation touches one cache line: the one to take by default.
///
/// Use it when most lookups miss and a miss must be cheap: "is this key in that file at all?",
/// "have I seen this before?". Prefer `bloom_filter` when bits are dearer than nanoseconds (it
/// needs 4 % fewer at 1 %). It answers "no" or "probably"; keys cannot be listed or removed.
///
/// Guarantee   no false negatives. False positives: `expected_false_positive_rate(n)`, an exact
///             formula: 2.34 % at 8 bits per key, 0.97 % at 10, 0.42 % at 12, 0.090 % at 16.
/// Cost        insert, contains: 1 cache line, no branch on the data. The `_many` forms run SIMD
///             kernels chosen at run time and overlap the cache misses.
/// Memory      capacity · bits_per_key / 8 bytes, rounded up to 64.
/// Threads     like a standard container; `concurrent_blocked_bloom_filter` takes concurrent
///             inserts.
/// Bytes       format 0x0102, docs/formats.md; the same on every platform and instruction set.
/// Source      blocking: Putze, Sanders, Singler 2007; layout: detail/filter_line.hpp; the
///             formula: detail/filter_line_model.hpp.
///
/// @code
/// quoin::blocked_bloom_filter seen({.capacity = 1'000'000, .bits_per_key = 10});
/// seen.insert(url);
/// if (!seen.contains(other_url)) crawl(other_url);   // certainly not inserted
/// if (seen.try_insert(third_url)) crawl(third_url);  // was new
/// seen.insert_many(urls);                            // several times as fast
/// std::vector<std::byte> bytes = seen.to_bytes();
/// @endcode
#ifndef QUOIN_FILTER_BLOCKED_BLOOM_FILTER_HPP
#define QUOIN_FILTER_BLOCKED_BLOOM_FILTER_HPP

#include <quoin/detail/filter_line_bulk.hpp>
#include <quoin/detail/filter_line_one.hpp>
#include <quoin/detail/filter_line_reads.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How large and how exact. Give `capacity` and one of the two densities.
struct blocked_bloom_options {
  std::uint64_t capacity = 0;      ///< distinct keys expected, ≥ 1; more raise the rate, gently
  double bits_per_key = 0;         ///< (0, 64]
  double false_positive_rate = 0;  ///< (1.4e-8, 1); used when `bits_per_key` is 0
  std::uint64_t seed = 0;          ///< of the hash; a random one when others choose the keys
  unsigned hash_count = 0;         ///< k, bits per key: 1–16, or 0 for the best at that density
};

/// A blocked Bloom filter in someone else's memory (a mapped file, a received message), read in
/// place: all lookups and estimates of `blocked_bloom_filter`, no copy. The memory must outlive it.
template <class Hash = hash>
class blocked_bloom_filter_view
    : public detail::line_filter_reads<blocked_bloom_filter_view<Hash>, Hash> {
 public:
  /// Opens what `blocked_bloom_filter::to_bytes` gave. `bytes` must be aligned to 8 (memory from
  /// an allocator or `mmap` is). O(size), for the checksum; allocates nothing.
  [[nodiscard]] static expected<blocked_bloom_filter_view, error> from_bytes(
      std::span<const std::byte> bytes) noexcept(detail::nothrow_hasher<Hash>) {
    const auto form = detail::read_line_filter<Hash>(bytes);
    if (!form) return unexpected(form.error());
    // 8 also where the compiler would be content with less: what opens here opens everywhere.
    if (reinterpret_cast<std::uintptr_t>(form->payload) % 8 != 0) {
      return unexpected(error{errc::incompatible, 0, "quoin: a view needs bytes aligned to 8"});
    }
    return blocked_bloom_filter_view(*form);
  }

 private:
  friend detail::line_filter_reads<blocked_bloom_filter_view, Hash>;

  explicit blocked_bloom_filter_view(const detail::line_filter_form& form)
      : form_(form), hash_(detail::make_hash<Hash>(form.seed)) {}

  [[nodiscard]] detail::const_line_table table() const noexcept {
    return {reinterpret_cast<const std::uint64_t*>(form_.payload), form_.lines, form_.k};
  }
  [[nodiscard]] const Hash& hasher() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t seed_of_hash() const noexcept { return form_.seed; }

  detail::line_filter_form form_;
  [[no_unique_address]] Hash hash_;
};

/// The filter. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Hash       a hasher of the keys, default- or seed-constructible (`quoin::hash` takes
/// all).
///                    One that is not avalanching (see `is_avalanching_v`) is mixed here.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
template <class Hash = hash, class Allocator = std::allocator<std::byte>>
class blocked_bloom_filter
    : public detail::line_filter_reads<blocked_bloom_filter<Hash, Allocator>, Hash> {
 public:
  using hasher_type = Hash;
  using allocator_type = Allocator;

  /// An empty filter. Throws `std::invalid_argument` naming the option that is out of range.
  explicit blocked_bloom_filter(const blocked_bloom_options& options,
                                const Allocator& allocator = Allocator())
      : blocked_bloom_filter(
            detail::plan_line_filter("blocked_bloom_filter", options.capacity, options.bits_per_key,
                                     options.false_positive_rate, options.hash_count),
            options.seed, allocator) {}

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `key`. O(1), one cache line.
  template <detail::hashable_by<Hash> Key>
  void insert(const Key& key) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    insert_hash(detail::hash_key(hash_, key));
  }

  /// Inserts the key whose 64-bit hash is `hash`: a key hashed once serves many structures.
  /// All 64 bits must be good, and lookups must use the same hash.
  void insert_hash(std::uint64_t hash) noexcept { try_insert_hash(hash); }

  /// Inserts `key`; true if it was certainly not there before. False for a key inserted before, and
  /// for a new one with the probability of a false positive.
  template <detail::hashable_by<Hash> Key>
  bool try_insert(const Key& key) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    return try_insert_hash(detail::hash_key(hash_, key));
  }

  /// `try_insert` of the key whose hash is `hash`.
  bool try_insert_hash(std::uint64_t hash) noexcept {
    return detail::line_try_insert(mutable_table(), hash);
  }

  /// Inserts every key of a contiguous range: hashing, memory accesses and bit setting overlap.
  /// Bulk loads far beyond the cache are sorted by region first, with scratch memory of at most the
  /// filter's own size (left out if there is none). Same result as inserting one by one.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    detail::insert_in_bulk(mutable_table(), all.size(),
                           detail::hashes_of(hash_, std::span<const key_type>(all)));
  }

  /// `insert_many` for keys hashed already.
  void insert_hash_many(std::span<const std::uint64_t> hashes) {
    detail::insert_in_bulk(mutable_table(), hashes.size(), detail::hashes_of(hashes));
  }

  /// `fresh[i] = try_insert(keys[i])` for a contiguous range of keys, in their order: of a key that
  /// comes twice only the first is fresh. `fresh` has as many elements at least (else throws
  /// `std::invalid_argument`, with nothing inserted). Hashing and cache misses overlap.
  template <class Keys>
  void try_insert_many(const Keys& keys, std::span<bool> fresh) {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    try_insert_each(all.size(), detail::hashes_of(hash_, std::span<const key_type>(all)), fresh);
  }

  /// `try_insert_many` for keys hashed already.
  void try_insert_hash_many(std::span<const std::uint64_t> hashes, std::span<bool> fresh) {
    try_insert_each(hashes.size(), detail::hashes_of(hashes), fresh);
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Makes this the filter of the union: bit for bit as if all keys of `other` had been inserted.
  /// Throws `std::invalid_argument`, with nothing changed, unless `is_compatible(other)`. O(size).
  void merge(const blocked_bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a | b; });
  }

  /// Keeps what both have: no false negatives for keys in both; more false positives than a filter
  /// built from the common keys. Throws like `merge`. O(size).
  void intersect(const blocked_bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a & b; });
  }

  /// Forgets every key. O(size).
  void clear() noexcept { lines_.clear(); }

  void swap(blocked_bloom_filter& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(seed_, other.seed_);
    std::swap(k_, other.k_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(blocked_bloom_filter& a, blocked_bloom_filter& b) noexcept { a.swap(b); }

  /// Equal shape, seed and bits: what equal sets of keys give in any order.
  friend bool operator==(const blocked_bloom_filter& a, const blocked_bloom_filter& b) noexcept {
    return a.is_compatible(b) && a.lines_ == b.lines_;
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(lines_.get_allocator());
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// The native form: `serialized_size()` bytes. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(this->serialized_size());
    this->write_to(bytes);
    return bytes;
  }

  /// The filter that `to_bytes` wrote, or why not. Never throws for the content of `bytes` and
  /// never allocates more than `bytes.size()`. O(size).
  [[nodiscard]] static expected<blocked_bloom_filter, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_line_filter<Hash>(bytes);
    if (!form) return unexpected(form.error());
    blocked_bloom_filter filter({form->lines, form->k}, form->seed, allocator);
    std::memcpy(filter.lines_.data(), form->payload, filter.size_bytes());
    return filter;
  }

 private:
  friend detail::line_filter_reads<blocked_bloom_filter, Hash>;
  template <class, class>
  friend class concurrent_blocked_bloom_filter;

  blocked_bloom_filter(detail::line_filter_plan plan, std::uint64_t seed,
                       const Allocator& allocator)
      : lines_(detail::size_of_table(plan.lines), allocator),
        seed_(seed),
        k_(plan.k),
        hash_(detail::make_hash<Hash>(seed)) {}

  [[nodiscard]] detail::const_line_table table() const noexcept {
    return {lines_.data()->words, lines_.size(), k_};
  }
  [[nodiscard]] detail::line_table mutable_table() noexcept {
    return {lines_.data()->words, lines_.size(), k_};
  }
  [[nodiscard]] const Hash& hasher() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t seed_of_hash() const noexcept { return seed_; }

  template <class Hashes>
  void try_insert_each(std::size_t n, Hashes hashes_of_block, std::span<bool> fresh) {
    detail::require_room(fresh.size(), n);
    const detail::line_table t = mutable_table();
    detail::for_each_line_batch(t, n, hashes_of_block,
                                [&](std::size_t first, const std::uint64_t* hashes,
                                    std::size_t count, const std::uint64_t* next) {
                                  for (std::size_t i = 0; i < count; ++i) {
                                    if (next != nullptr) detail::prefetch_line(t, next[i]);
                                    fresh[first + i] = try_insert_hash(hashes[i]);
                                  }
                                });
  }

  template <class Combine>
  void combine(const blocked_bloom_filter& other, Combine f) {
    this->require_compatible(other);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      for (std::size_t w = 0; w < 8; ++w) {
        std::uint64_t& mine = lines_.data()[i].words[w];
        mine = f(mine, other.lines_.data()[i].words[w]);
      }
    }
  }

  detail::line_array<Allocator> lines_;
  std::uint64_t seed_;
  unsigned k_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
