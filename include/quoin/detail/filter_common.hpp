// SPDX-License-Identifier: BSL-1.0
/// @file
/// What all filters share: the size of their tables and the batch lookups.
#ifndef QUOIN_DETAIL_FILTER_COMMON_HPP
#define QUOIN_DETAIL_FILTER_COMMON_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/keys.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

// --- memory -------------------------------------------------------------------------------------

/// `lines` of 64 bytes as a size in memory.
[[nodiscard]] inline std::size_t size_of_table(std::uint64_t lines) {
  constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max() / 128;
  if (lines > most) fail("quoin: the filter is larger than this platform can address");
  return static_cast<std::size_t>(lines);
}

// --- hashers ------------------------------------------------------------------------------------

/// Whether a view's hasher is made and moved without an exception.
template <class Hash>
inline constexpr bool nothrow_hasher = std::same_as<Hash, hash> ||
                                       (std::is_nothrow_move_constructible_v<Hash> &&
                                        (takes_seed<Hash>
                                             ? std::is_nothrow_constructible_v<Hash, std::uint64_t>
                                             : std::is_nothrow_default_constructible_v<Hash>));

// --- batches ------------------------------------------------------------------------------------

/// Writes bit i of `bits` to `out[i]` for i < n ≤ 64.
inline void spread_bits(std::uint64_t bits, std::size_t n, bool* out) noexcept {
  std::uint64_t bytes[8];
  for (std::uint64_t& eight : bytes) {
    // Copies 8 bits into 8 bytes, keeps bit j of byte j, and turns "not 0" into 1.
    const std::uint64_t spread = (bits & 0xff) * 0x0101010101010101u & 0x8040201008040201u;
    eight = to_le((spread + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u);
    bits >>= 8;
  }
  std::memcpy(out, bytes, n);
}

inline void require_room(std::size_t size, std::size_t needed) {
  if (size < needed) fail_argument("filter", "size of the output", size, "that of the input");
}

/// The lookups of a filter `Derived` whose keys `Hash` hashes. `Derived` has `hash_function()`,
/// `contains_hash()`, `estimated_count()`, `estimated_union()` and
/// `look_up(n, hashes, take)`, which calls `take(first, bits, count)` for each 64 keys.
template <class Derived, class Hash>
class filter_reads {
 public:
  /// False: `key` was certainly not inserted. True: it probably was.
  template <hashable_by<Hash> Key>
  [[nodiscard]] bool contains(const Key& key) const noexcept(nothrow_hashable_by<Key, Hash>) {
    return self().contains_hash(hash_key(self().hash_function(), key));
  }

  /// `hits[i] = contains(keys[i])` for a contiguous range of keys; `hits` has as many elements at
  /// least (else throws `std::invalid_argument`). Several times as fast as one by one.
  template <class Keys>
  void contains_many(const Keys& keys, std::span<bool> hits) const {
    const std::span all(keys);
    require_room(hits.size(), all.size());
    self().look_up(all.size(), hashes_of_keys(all), store_in(hits));
  }

  /// The same as a bit mask: bit i % 64 of `mask[i / 64]` for `keys[i]`; bits beyond the last key
  /// in its word are 0.
  template <class Keys>
  void contains_many(const Keys& keys, std::span<std::uint64_t> mask) const {
    const std::span all(keys);
    require_room(mask.size(), ceil_div<std::size_t>(all.size(), 64));
    self().look_up(all.size(), hashes_of_keys(all), store_in(mask));
  }

  /// `contains_many` for keys hashed already.
  void contains_hash_many(std::span<const std::uint64_t> hashes, std::span<bool> hits) const {
    require_room(hits.size(), hashes.size());
    self().look_up(hashes.size(), hashes_of(hashes), store_in(hits));
  }

  /// `contains_many` for keys hashed already, to a bit mask.
  void contains_hash_many(std::span<const std::uint64_t> hashes,
                          std::span<std::uint64_t> mask) const {
    require_room(mask.size(), ceil_div<std::size_t>(hashes.size(), 64));
    self().look_up(hashes.size(), hashes_of(hashes), store_in(mask));
  }

  /// Distinct keys in both, estimated as |A| + |B| − |A ∪ B|. Its error is that of the three
  /// counts, so a small overlap of large sets drowns in it. Never negative. A full filter holds
  /// every key, as far as it can tell: in common with another one it has what that one has.
  /// Throws unless compatible. O(size).
  template <class Other>
  [[nodiscard]] double estimated_intersection(const filter_reads<Other, Hash>& other) const {
    const double either = self().estimated_union(other.self());
    const double mine = self().estimated_count(), theirs = other.self().estimated_count();
    if (mine == infinite || theirs == infinite) return min_of(mine, theirs);
    return max_of(0.0, mine + theirs - either);
  }

  /// |A ∩ B| / |A ∪ B|, estimated; 1 for two empty or two full filters, 0 if only one is full.
  /// Throws unless compatible. O(size).
  template <class Other>
  [[nodiscard]] double estimated_jaccard(const filter_reads<Other, Hash>& other) const {
    const double either = self().estimated_union(other.self());
    const double both = estimated_intersection(other);
    return both == either ? 1 : both / either;
  }

 private:
  template <class, class>
  friend class filter_reads;

  static constexpr double infinite = std::numeric_limits<double>::infinity();

  [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }

  template <class Key, std::size_t Extent>
  [[nodiscard]] auto hashes_of_keys(std::span<Key, Extent> keys) const noexcept {
    return hashes_of(self().hash_function(), std::span<const Key>(keys));
  }

  [[nodiscard]] static auto store_in(std::span<bool> hits) noexcept {
    return [hits](std::size_t first, std::uint64_t bits, std::size_t n) {
      spread_bits(bits, n, hits.data() + first);
    };
  }

  [[nodiscard]] static auto store_in(std::span<std::uint64_t> mask) noexcept {
    return [mask](std::size_t first, std::uint64_t bits, std::size_t n) {
      mask[first / 64] = n == 64 ? bits : bits & ((std::uint64_t{1} << n) - 1);
    };
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
