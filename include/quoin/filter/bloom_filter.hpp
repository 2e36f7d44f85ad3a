// SPDX-License-Identifier: BSL-1.0
/// @file
/// The classic Bloom filter: the fewest bits per key, any size and any number of hashes.
///
/// Use it when the filter is sent or stored and each bit counts. Prefer `blocked_bloom_filter` when
/// nanoseconds are dearer: it touches one cache line per key where this one touches k, for 4 % more
/// bits at 1 %. It answers "no" or "probably"; keys cannot be listed or removed.
///
/// Guarantee   no false negatives. False positives: `expected_false_positive_rate(n)`, which
///             measurement meets within 0.5 % from 1000 bits on: 2.16 % at 8 bits per key, 0.82 %
///             at 10, 0.31 % at 12, 0.046 % at 16. Below n / 2^64 no 64-bit hash gets.
/// Cost        insert: k cache lines; contains: k for a hit, little more than 3 for a miss, tested
///             together. The `_many` forms overlap hashing and cache misses.
/// Memory      capacity · bits_per_key / 8 bytes, rounded up to 64.
/// Threads     like a standard container.
/// Bytes       format 0x0101, docs/formats.md; the same on every platform.
/// Source      Bloom 1970; the rate with its variance: detail/filter_bloom.hpp.
///
/// @code
/// quoin::bloom_filter seen({.capacity = 1'000'000, .false_positive_rate = 0.01});
/// seen.insert(url);
/// if (!seen.contains(other_url)) crawl(other_url);   // certainly not inserted
/// if (seen.try_insert(third_url)) crawl(third_url);  // was new
/// std::vector<std::byte> bytes = seen.to_bytes();
/// @endcode
#ifndef QUOIN_FILTER_BLOOM_FILTER_HPP
#define QUOIN_FILTER_BLOOM_FILTER_HPP

#include <quoin/detail/filter_bloom.hpp>
#include <quoin/detail/filter_bloom_reads.hpp>
#include <quoin/detail/filter_common.hpp>
#include <quoin/detail/memory.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How large and how exact. Give `capacity` and one of the two densities, or the exact `bit_count`.
struct bloom_options {
  std::uint64_t capacity = 0;      ///< distinct keys expected, ≥ 1; more raise the rate, gently
  double bits_per_key = 0;         ///< (0, 64]
  double false_positive_rate = 0;  ///< (4.5e-14, 1); used when `bits_per_key` is 0
  std::uint64_t seed = 0;          ///< of the hash; a random one when others choose the keys
  std::uint64_t bit_count = 0;     ///< m, 1 to 2^63, instead of a density
  unsigned hash_count = 0;         ///< k, bits per key: 1–64, or 0 for the best at that density
};

/// The indices of a key's bits: the default policy of `bloom_filter`.
///
/// An index policy is a type that is constructed from a key's hash and the number of bits,
/// and whose `next()` gives one index below that number at each call. This one multiplies the hash
/// by a constant each time and scales the product, all of its 64 bits, to the table: a
/// multiplicative congruential generator with the hash as its state. Its false positives are those
/// of independent indices, for 100 bits as for 2^33 (measured), where double hashing has 40 % more
/// for 100 bits and 4 % more for 1000.
class multiplied_indices {
 public:
  /// Names this policy in serialized forms.
  static constexpr std::uint32_t id = 1;

  constexpr multiplied_indices(std::uint64_t hash, std::uint64_t bits) noexcept
      : state_(hash), bits_(bits) {}

  /// The next index, below `bits`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t next() noexcept {
    // Steele, Vigna 2022, "Computationally easy, spectrally good multipliers". Multiplied before
    // the first use: whoever sends keys to one of many filters by the hash's high bits would else
    // leave most of each filter's table to the other k - 1 indices.
    state_ *= 0xf1357aea2e62a9c5u;
    return detail::mul_high(state_, bits_);
  }

 private:
  std::uint64_t state_;
  std::uint64_t bits_;
};

/// A policy that turns a hash into indices, see `multiplied_indices`.
template <class T>
concept bloom_indices = std::constructible_from<T, std::uint64_t, std::uint64_t> &&
    requires(T indices) {
  { indices.next() } -> std::same_as<std::uint64_t>;
};

/// A Bloom filter in someone else's memory (a mapped file, a received message), read in place: all
/// lookups and estimates of `bloom_filter`, no copy. The memory must outlive it.
template <class Hash = hash, bloom_indices Indices = multiplied_indices>
class bloom_filter_view
    : public detail::bloom_filter_reads<bloom_filter_view<Hash, Indices>, Hash, Indices> {
 public:
  /// Opens what `bloom_filter::to_bytes` gave, at any alignment. O(size), for the checksum;
  /// allocates nothing.
  [[nodiscard]] static expected<bloom_filter_view, error> from_bytes(
      std::span<const std::byte> bytes) noexcept(detail::nothrow_hasher<Hash>) {
    const auto form = detail::read_bloom_filter<Hash, Indices>(bytes);
    if (!form) return unexpected(form.error());
    return bloom_filter_view(*form);
  }

  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return form_.seed; }

 private:
  friend detail::bloom_filter_reads<bloom_filter_view, Hash, Indices>;

  explicit bloom_filter_view(const detail::bloom_filter_form& form)
      : form_(form), hash_(detail::make_hash<Hash>(form.seed)) {}

  [[nodiscard]] detail::const_bloom_table table() const noexcept {
    return {reinterpret_cast<const unsigned char*>(form_.payload), form_.bits, form_.k};
  }

  detail::bloom_filter_form form_;
  [[no_unique_address]] Hash hash_;
};

/// The filter. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Hash       a hasher of the keys, default- or seed-constructible (`quoin::hash` takes
///                    all). One that is not avalanching (see `is_avalanching_v`) is mixed here.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
/// @tparam Indices    how a hash becomes k indices; another one serves other systems' layouts and
///                    worked examples.
template <class Hash = hash, class Allocator = std::allocator<std::byte>,
          bloom_indices Indices = multiplied_indices>
class bloom_filter
    : public detail::bloom_filter_reads<bloom_filter<Hash, Allocator, Indices>, Hash, Indices> {
 public:
  using hasher_type = Hash;
  using allocator_type = Allocator;

  /// An empty filter. Throws `std::invalid_argument` naming the option that is out of range.
  explicit bloom_filter(const bloom_options& options, const Allocator& allocator = Allocator())
      : bloom_filter(detail::plan_bloom_filter(options), options.seed, allocator) {}

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `key`. O(k).
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
    return detail::bloom_insert<Indices>(mutable_table(), hash);
  }

  /// Inserts every key of a contiguous range: hashing and memory accesses overlap. Same result as
  /// inserting one by one.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const std::span all(keys);
    using key = typename decltype(all)::element_type;
    insert_each(all.size(), detail::hashes_of(hash_, std::span<const key>(all)),
                [](std::size_t, bool) {});
  }

  /// `insert_many` for keys hashed already.
  void insert_hash_many(std::span<const std::uint64_t> hashes) {
    insert_each(hashes.size(), detail::hashes_of(hashes), [](std::size_t, bool) {});
  }

  /// `fresh[i] = try_insert(keys[i])` for a contiguous range of keys, in their order: of a key that
  /// comes twice only the first is fresh. `fresh` has as many elements at least (else throws
  /// `std::invalid_argument`, with nothing inserted). Hashing and memory accesses overlap.
  template <class Keys>
  void try_insert_many(const Keys& keys, std::span<bool> fresh) {
    const std::span all(keys);
    using key = typename decltype(all)::element_type;
    detail::require_room(fresh.size(), all.size());
    insert_each(all.size(), detail::hashes_of(hash_, std::span<const key>(all)),
                [=](std::size_t i, bool is_new) { fresh[i] = is_new; });
  }

  /// `try_insert_many` for keys hashed already.
  void try_insert_hash_many(std::span<const std::uint64_t> hashes, std::span<bool> fresh) {
    detail::require_room(fresh.size(), hashes.size());
    insert_each(hashes.size(), detail::hashes_of(hashes),
                [=](std::size_t i, bool is_new) { fresh[i] = is_new; });
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Makes this the filter of the union: bit for bit as if all keys of `other` had been inserted.
  /// Throws `std::invalid_argument`, with nothing changed, unless `is_compatible(other)`. O(size).
  void merge(const bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a | b; });
  }

  /// Keeps what both have: no false negatives for keys in both; more false positives than a filter
  /// built from the common keys. Throws like `merge`. O(size).
  void intersect(const bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a & b; });
  }

  /// Forgets every key. O(size).
  void clear() noexcept { lines_.clear(); }

  void swap(bloom_filter& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(plan_, other.plan_);
    std::swap(seed_, other.seed_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(bloom_filter& a, bloom_filter& b) noexcept { a.swap(b); }

  /// Equal shape, seed and bits: what equal sets of keys give in any order.
  friend bool operator==(const bloom_filter& a, const bloom_filter& b) noexcept {
    return a.is_compatible(b) && a.lines_ == b.lines_;
  }

  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
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
  /// allocates less than 64 bytes more than `bytes.size()`. O(size).
  [[nodiscard]] static expected<bloom_filter, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_bloom_filter<Hash, Indices>(bytes);
    if (!form) return unexpected(form.error());
    bloom_filter filter(detail::bloom_plan{form->bits, form->k}, form->seed, allocator);
    std::memcpy(filter.lines_.data(), form->payload, filter.size_bytes());
    return filter;
  }

 private:
  friend detail::bloom_filter_reads<bloom_filter, Hash, Indices>;

  bloom_filter(detail::bloom_plan plan, std::uint64_t seed, const Allocator& allocator)
      : lines_(detail::size_of_table(detail::ceil_div<std::uint64_t>(plan.bits, 512)), allocator),
        plan_(plan),
        seed_(seed),
        hash_(detail::make_hash<Hash>(seed)) {}

  [[nodiscard]] detail::const_bloom_table table() const noexcept {
    return {reinterpret_cast<const unsigned char*>(lines_.data()), plan_.bits, plan_.k};
  }
  [[nodiscard]] detail::bloom_table mutable_table() noexcept {
    return {reinterpret_cast<unsigned char*>(lines_.data()), plan_.bits, plan_.k};
  }

  template <class Hashes, class Tell>
  void insert_each(std::size_t n, Hashes hashes, Tell tell) {
    detail::bloom_insert_many<Indices>(mutable_table(), n, hashes, tell);
  }

  template <class Combine>
  void combine(const bloom_filter& other, Combine f) {
    this->require_compatible(other);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      for (std::size_t w = 0; w < 8; ++w) {
        std::uint64_t& mine = lines_.data()[i].words[w];
        mine = f(mine, other.lines_.data()[i].words[w]);
      }
    }
  }

  detail::line_array<Allocator> lines_;
  detail::bloom_plan plan_;
  std::uint64_t seed_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
