// SPDX-License-Identifier: BSL-1.0
/// @file
/// XXH64: the 64-bit fingerprint that many file formats carry.
///
/// Use it to read or write a format that says "XXH64" (Parquet Bloom filters, LZ4 and Zstandard
/// frames, this library's own). For anything new prefer `xxh3_64`, which is faster at every length.
/// An attacker who picks the input can make collisions, whatever the seed: see `siphash.hpp`.
///
/// Guarantee   the same value on every platform, also in constant expressions.
/// Cost        reads each byte once, about 10 bytes per nanosecond; a dozen instructions to finish.
/// Threads     a pure function.
/// Source      Yann Collet, "xxHash fast digest algorithm", specification 0.1.1.
///
/// @code
/// std::uint64_t h = quoin::xxh64("hello");
/// std::uint64_t other = quoin::xxh64(std::span<const std::byte>(file), 42);  // seed 42
/// @endcode
#ifndef QUOIN_HASH_XXH64_HPP
#define QUOIN_HASH_XXH64_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/xxh64.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// The XXH64 of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
/// @param seed  any value; another seed gives another hash function.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint64_t xxh64(const Bytes& bytes, std::uint64_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::xxh64(view.data, view.size, seed);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
