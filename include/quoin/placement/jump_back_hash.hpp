// SPDX-License-Identifier: BSL-1.0
/// @file
/// JumpBackHash: what `jump_hash` does, in constant expected time and without a division.
///
/// Use it for shards numbered 0 … n - 1, added and removed at the end only, when nobody else must
/// come to the same buckets as the older `jump_hash`.
///
/// Guarantee   even as a fair die is; from n to n + 1 buckets exactly those keys move that go to the
///             new bucket. Bucket for bucket hash4j's `jumpBackHashSplitMix64`. The same everywhere.
/// Cost        about two random numbers on average, whatever n: fewest when n is just below a
///             power of two. No memory.
/// Threads     a pure function.
/// Source      Ertl 2024, "JumpBackHash: say goodbye to the modulo operation to distribute keys
///             uniformly to buckets", arXiv:2403.18682, algorithm 4.
///
/// @code
/// std::uint32_t shard = quoin::jump_back_hash(quoin::hash{}(key), 100);  // 0 … 99
/// @endcode
#ifndef QUOIN_PLACEMENT_JUMP_BACK_HASH_HPP
#define QUOIN_PLACEMENT_JUMP_BACK_HASH_HPP

#include <quoin/detail/error.hpp>

#include <bit>
#include <cstdint>
#include <initializer_list>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// SplitMix64 (Steele, Lea, Flood 2014).
[[nodiscard]] constexpr std::uint64_t next_split_mix(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

}  // namespace detail

/// The bucket, 0 … `buckets` - 1, of the key whose 64-bit hash is `hash`, any number. Throws
/// `std::invalid_argument` unless `buckets` is 1 to 2^31 - 1 (from 2^31 on the halves of a draw are
/// too short). Expected O(1).
[[nodiscard]] constexpr std::uint32_t jump_back_hash(std::uint64_t hash, std::uint32_t buckets) {
  if (buckets == 0 || buckets > INT32_MAX) {
    detail::fail_argument("jump_back_hash", "buckets", buckets, "1 to 2^31 - 1");
  }
  if (buckets == 1) return 0;
  const std::uint64_t draw = detail::next_split_mix(hash);
  // Bit i says whether the key jumps within [2^i, 2^(i + 1)): the last such jump below `buckets`
  // is found from above.
  auto jumps = static_cast<std::uint32_t>(draw ^ draw >> 32) & ~0u >> std::countl_zero(buckets - 1);
  while (jumps != 0) {
    const std::uint32_t low = std::bit_floor(jumps);
    // One half of the draw or the other, by the parity of the jumps left: neither is used twice.
    const auto half = static_cast<std::uint32_t>(draw >> (std::popcount(jumps) % 2 * 32));
    std::uint32_t bucket = low + (half & (low - 1));
    if (bucket < buckets) return bucket;
    // It was beyond; where it came from is within the interval, or it came from below.
    for (bool inside = true; inside;) {
      const std::uint64_t next = detail::next_split_mix(hash);
      for (const auto part :
           {static_cast<std::uint32_t>(next), static_cast<std::uint32_t>(next >> 32)}) {
        bucket = part & (2 * low - 1);
        inside = bucket >= low;
        if (!inside) break;
        if (bucket < buckets) return bucket;
      }
    }
    jumps ^= low;
  }
  return 0;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
