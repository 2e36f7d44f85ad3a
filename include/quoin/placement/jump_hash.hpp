// SPDX-License-Identifier: BSL-1.0
/// @file
/// Jump consistent hashing: which of n numbered buckets a key belongs to, without any table.
///
/// Use it for shards that are numbered 0 … n - 1 and are added and removed at the end only: data
/// files, partitions, shards of a database. Where any node may leave, take `hash_ring`,
/// `rendezvous` or `maglev_table`.
///
/// Guarantee   even as a fair die is; from n to n + 1 buckets exactly those keys move that go to the
///             new bucket, 1/(n + 1) of all. Bucket for bucket the published algorithm (Go, Rust and
///             C ports; Guava rounds once where the paper rounds twice: with 1,000 buckets it
///             differs for three keys in 10^9). The same on every platform, also where `double` is
///             wider than it should be.
/// Cost        ln n + 0.6 steps, each a division; no memory. `jump_hash_many` overlaps the steps of
///             many keys.
/// Threads     a pure function.
/// Source      Lamping, Veach 2014, "A fast, minimal memory, consistent hash algorithm",
///             arXiv:1406.2294, figure 1.
///
/// @code
/// std::uint32_t shard = quoin::jump_hash(quoin::hash{}(key), 100);  // 0 … 99
/// quoin::jump_hash_many(hashes, 100, shards);
/// @endcode
#ifndef QUOIN_PLACEMENT_JUMP_HASH_HPP
#define QUOIN_PLACEMENT_JUMP_HASH_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_double.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// Where the key in bucket `b` jumps to: `state` is its generator, which moves on. Below 2^63.
template <class Double>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t jump_from(std::uint32_t b,
                                                                    std::uint64_t& state) noexcept {
  constexpr std::uint32_t range = std::uint32_t{1} << 31;
  state = state * 2862933555777941757u + 1;
  const auto draw = static_cast<std::uint32_t>((state >> 33) + 1);  // 1 … 2^31
  return (Double(std::uint64_t{b} + 1) * Double::ratio(range, draw)).floor();
}

template <class Double>
[[nodiscard]] constexpr std::uint32_t jump_to_bucket(std::uint64_t state,
                                                     std::uint32_t buckets) noexcept {
  std::uint32_t b = 0;
  for (std::uint64_t next; (next = jump_from<Double>(b, state)) < buckets;) {
    b = static_cast<std::uint32_t>(next);
  }
  return b;
}

/// Up to 128 keys in passes: one step of each that still jumps, and those that landed drop out. The
/// steps of a pass are independent of one another and of any branch.
inline void jump_block(const std::uint64_t* hashes, std::size_t n, std::uint32_t buckets,
                       std::uint32_t* out) noexcept {
  std::uint64_t states[128];
  std::uint32_t at[128];
  std::uint32_t places[128];
  for (std::size_t i = 0; i < n; ++i) {
    states[i] = hashes[i];
    at[i] = 0;
    places[i] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t left = n; left != 0;) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < left; ++i) {
      std::uint64_t state = states[i];
      const std::uint64_t next = jump_from<strict_double>(at[i], state);
      const std::uint32_t place = places[i];
      out[place] = at[i];  // right when it is the last
      states[kept] = state;
      at[kept] = static_cast<std::uint32_t>(next);
      places[kept] = place;
      kept += next < buckets;
    }
    left = kept;
  }
}

constexpr void require_buckets(std::uint32_t buckets) {
  if (buckets == 0) fail_argument("jump_hash", "buckets", buckets, "at least 1");
}

}  // namespace detail

/// The bucket, 0 … `buckets` - 1, of the key whose 64-bit hash is `hash`. The hash may be any number,
/// also a counter: the generator inside mixes. Throws `std::invalid_argument` if `buckets` is 0.
/// O(log buckets).
[[nodiscard]] constexpr std::uint32_t jump_hash(std::uint64_t hash, std::uint32_t buckets) {
  detail::require_buckets(buckets);
  return detail::jump_to_bucket<detail::strict_double>(hash, buckets);
}

/// `out[i] = jump_hash(hashes[i], buckets)` for all hashes, several times as fast. Throws
/// `std::invalid_argument`, with nothing written, if `buckets` is 0 or `out` is shorter.
inline void jump_hash_many(std::span<const std::uint64_t> hashes, std::uint32_t buckets,
                           std::span<std::uint32_t> out) {
  detail::require_buckets(buckets);
  if (out.size() < hashes.size()) {
    detail::fail_argument("jump_hash_many", "out.size()", out.size(), "at least that of hashes");
  }
  for (std::size_t i = 0; i < hashes.size(); i += 128) {
    const std::size_t n = detail::min_of<std::size_t>(128, hashes.size() - i);
    detail::jump_block(hashes.data() + i, n, buckets, out.data() + i);
  }
}

}  // namespace quoin::inline QUOIN_ABI

#endif
