// SPDX-License-Identifier: BSL-1.0
/// @file
/// MurmurHash64A, the 64-bit MurmurHash2, because other systems' data was placed by it: Redis'
/// HyperLogLog and the RedisBloom module among them.
///
/// Use it to agree with one of those. For anything new prefer `xxh3_64`, several times as fast
/// on long inputs and without this one's flaw that some inputs collide under every seed. An
/// attacker who picks the input can make collisions at will: see `siphash.hpp`.
///
/// Guarantee   the values of the reference implementation on a little-endian machine, on every
///             platform, also in constant expressions.
/// Cost        reads each byte once; about 4 bytes per nanosecond.
/// Threads     pure functions.
/// Source      Austin Appleby, SMHasher, MurmurHash2 (public domain), MurmurHash64A.
///
/// @code
/// std::uint64_t h = quoin::murmur2_64a("user:42", 0xadc83b19);  // as PFADD of Redis hashes it
/// @endcode
#ifndef QUOIN_HASH_MURMUR2_HPP
#define QUOIN_HASH_MURMUR2_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

namespace detail {

inline constexpr std::uint64_t murmur2_multiplier = 0xc6a4a7935bd1e995u;

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t murmur2_shift_xor(
    std::uint64_t x) noexcept {
  return x ^ (x >> 47);
}

template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t murmur2_64a(const Byte* p,
                                                                      std::size_t size,
                                                                      std::uint64_t seed) noexcept {
  constexpr std::uint64_t m = murmur2_multiplier;
  std::uint64_t h = seed ^ (size * m);
  std::size_t left = size;
  for (; left >= 8; left -= 8, p += 8) {
    h = (h ^ (murmur2_shift_xor(load_le<std::uint64_t>(p) * m) * m)) * m;
  }
  if (left != 0) h = (h ^ load_le_tail(p, left)) * m;
  return murmur2_shift_xor(murmur2_shift_xor(h) * m);
}

}  // namespace detail

/// MurmurHash64A of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
/// @param seed  any value. Redis' HyperLogLog takes 0xadc83b19.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint64_t murmur2_64a(const Bytes& bytes,
                                                  std::uint64_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::murmur2_64a(view.data, view.size, seed);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
