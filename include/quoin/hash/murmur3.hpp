// SPDX-License-Identifier: BSL-1.0
/// @file
/// MurmurHash3, because other systems' data was placed by it: Cassandra, ScyllaDB, Kafka clients,
/// Elasticsearch, Redis modules, DataSketches, Spark.
///
/// Use it to agree with one of those. For anything new prefer `xxh3_64`, two to three times as
/// fast. An attacker who picks the input can make collisions under any seed: see `siphash.hpp`.
///
/// Guarantee   the values of the reference implementation on a little-endian machine, on every
///             platform, also in constant expressions.
/// Cost        reads each byte once; about 5 bytes (x64) or 2 bytes (x86) per nanosecond.
/// Threads     pure functions.
/// Source      Austin Appleby, SMHasher, MurmurHash3 (public domain); the names of the variants are
///             from there and do not mean that they need that processor.
///
/// @code
/// std::uint64_t token = quoin::murmur3_x64_128_cassandra("user:42").lo;
/// std::uint32_t slot  = quoin::murmur3_x86_32("user:42", 0x9747b28c);
/// @endcode
#ifndef QUOIN_HASH_MURMUR3_HPP
#define QUOIN_HASH_MURMUR3_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// A 128-bit hash. The reference writes `lo` first.
struct hash128 {
  std::uint64_t lo;  ///< the half that users of one half take
  std::uint64_t hi;

  friend constexpr bool operator==(const hash128&, const hash128&) = default;
};

namespace detail {

[[nodiscard]] constexpr std::uint64_t murmur3_avalanche(std::uint64_t h) noexcept {
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

/// What a word of the even kind is before it meets the state.
[[nodiscard]] constexpr std::uint64_t murmur3_even(std::uint64_t word) noexcept {
  return std::rotl(word * 0x87c37b91114253d5u, 31) * 0x4cf5ad432745937fu;
}

[[nodiscard]] constexpr std::uint64_t murmur3_odd(std::uint64_t word) noexcept {
  return std::rotl(word * 0x4cf5ad432745937fu, 33) * 0x87c37b91114253d5u;
}

/// The last `size` (0 to 8) bytes as a word. `SignedTail` widens each byte as Java does its `byte`;
/// the sign bits then overlap, and the reference xors.
template <bool SignedTail, byte_like Byte>
[[nodiscard]] constexpr std::uint64_t murmur3_tail(const Byte* p, std::size_t size) noexcept {
  if constexpr (!SignedTail) return load_le_tail(p, size);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto wide = static_cast<std::int64_t>(static_cast<signed char>(p[i]));
    word ^= static_cast<std::uint64_t>(wide) << (8 * i);
  }
  return word;
}

template <bool SignedTail, byte_like Byte>
[[nodiscard]] constexpr hash128 murmur3_x64_128(const Byte* p, std::size_t size,
                                                std::uint64_t seed) noexcept {
  std::uint64_t a = seed, b = seed;
  std::size_t left = size;
  for (; left >= 16; left -= 16, p += 16) {
    a = std::rotl(a ^ murmur3_even(load_le<std::uint64_t>(p)), 27) + b;
    a = a * 5 + 0x52dce729u;
    b = std::rotl(b ^ murmur3_odd(load_le<std::uint64_t>(p + 8)), 31) + a;
    b = b * 5 + 0x38495ab5u;
  }
  if (left > 8) b ^= murmur3_odd(murmur3_tail<SignedTail>(p + 8, left - 8));
  if (left > 0) a ^= murmur3_even(murmur3_tail<SignedTail>(p, left < 8 ? left : 8));
  a ^= size;
  b ^= size;
  a += b;
  b += a;
  a = murmur3_avalanche(a);
  b = murmur3_avalanche(b);
  a += b;
  return {a, b + a};
}

[[nodiscard]] constexpr std::uint32_t murmur3_word32(std::uint32_t word) noexcept {
  return std::rotl(word * 0xcc9e2d51u, 15) * 0x1b873593u;
}

template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t murmur3_x86_32(const Byte* p, std::size_t size,
                                                     std::uint32_t seed) noexcept {
  std::uint32_t h = seed;
  std::size_t left = size;
  for (; left >= 4; left -= 4, p += 4) {
    h = std::rotl(h ^ murmur3_word32(load_le<std::uint32_t>(p)), 13) * 5 + 0xe6546b64u;
  }
  h ^= murmur3_word32(static_cast<std::uint32_t>(load_le_tail(p, left)));
  h ^= static_cast<std::uint32_t>(size);
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

}  // namespace detail

/// MurmurHash3_x64_128 of `bytes`: any contiguous range of a byte type, or a string literal
/// (without its terminator). O(size), no errors.
/// @param seed  any value. The reference takes 32 bits, which are the lower ones here.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr hash128 murmur3_x64_128(const Bytes& bytes,
                                                std::uint64_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::murmur3_x64_128<false>(view.data, view.size, seed);
}

/// The variant of Apache Cassandra and ScyllaDB, whose Java widens the last `size % 16` bytes with
/// their sign: it differs from `murmur3_x64_128` when one of them, other than the eighth, is 0x80
/// or above. The token of a partition key is `lo` with seed 0, as a signed number (and the largest
/// in place of the smallest).
template <detail::byte_range Bytes>
[[nodiscard]] constexpr hash128 murmur3_x64_128_cassandra(const Bytes& bytes,
                                                          std::uint64_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::murmur3_x64_128<true>(view.data, view.size, seed);
}

/// MurmurHash3_x86_32 of `bytes`, as above. The reference counts in 32 bits: of a length of 4 GiB
/// or more the lower 32 bits enter the hash.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint32_t murmur3_x86_32(const Bytes& bytes,
                                                     std::uint32_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::murmur3_x86_32(view.data, view.size, seed);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
