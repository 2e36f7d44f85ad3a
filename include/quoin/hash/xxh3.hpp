// SPDX-License-Identifier: BSL-1.0
/// @file
/// XXH3-64: the fingerprint to choose when nothing prescribes another.
///
/// Use it for strings and files alike: short inputs cost a few multiplications, long ones run as
/// wide as the processor allows, found out at run time. Prefer `quoin::hash` for keys in the
/// library's own structures (it takes any type), and `siphash.hpp` where an attacker picks the
/// input: a secret seed does not make XXH3 safe from crafted collisions.
///
/// Guarantee   the value that xxHash 0.8 gives as `XXH3_64bits_withSeed`, on every platform and
///             instruction set, also in constant expressions; good dispersion in all 64 bits.
/// Cost        up to 16 bytes: inlined, 10 to 20 instructions, 1 or 2 multiplications. Above 240
///             bytes: SSE2, AVX2, AVX-512 or NEON, memory-bound outside the cache.
/// Threads     a pure function.
/// Source      Yann Collet, xxHash specification 0.2.0.
///
/// @code
/// std::uint64_t h = quoin::xxh3_64("hello");
/// std::uint64_t other = quoin::xxh3_64(std::span<const std::byte>(file), 42);  // seed 42
/// @endcode
#ifndef QUOIN_HASH_XXH3_HPP
#define QUOIN_HASH_XXH3_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/hash_xxh3.hpp>
#include <quoin/detail/hash_xxh3_simd.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

namespace detail {

// Three functions at run time above 16 bytes, none inlined: the call is little beside the work,
// every user of a short key would pay for it in code size, and apart the first need not save
// registers for the others. A seed of 0 folds into the keys, which saves two additions per 16
// bytes.

[[nodiscard]] __attribute__((noinline)) inline std::uint64_t xxh3_run_17_to_128(
    const unsigned char* p, std::size_t size, std::uint64_t seed) noexcept {
  return seed == 0 ? xxh3_17_to_128(p, size, 0) : xxh3_17_to_128(p, size, seed);
}

[[nodiscard]] __attribute__((noinline)) inline std::uint64_t xxh3_run_129_to_240(
    const unsigned char* p, std::size_t size, std::uint64_t seed) noexcept {
  return seed == 0 ? xxh3_129_to_240(p, size, 0) : xxh3_129_to_240(p, size, seed);
}

[[nodiscard]] __attribute__((noinline)) inline std::uint64_t xxh3_run_above_240(
    const unsigned char* p, std::size_t size, std::uint64_t seed) noexcept {
  return xxh3_long(p, size, seed, xxh3_kernel_of(active_isa()));
}

/// XXH3-64 of `size` bytes at `p`, which needs no alignment and may be null when `size` is 0.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_64(const Byte* p, std::size_t size,
                                                                  std::uint64_t seed) noexcept {
  if (size <= 16) return xxh3_short(p, size, seed);
  if (std::is_constant_evaluated()) {
    if (size <= 128) return xxh3_17_to_128(p, size, seed);
    if (size <= 240) return xxh3_129_to_240(p, size, seed);
    return xxh3_long(p, size, seed, xxh3_add_all<Byte>);
  }
  const auto* const bytes = reinterpret_cast<const unsigned char*>(p);
  if (size <= 128) return xxh3_run_17_to_128(bytes, size, seed);
  if (size <= 240) return xxh3_run_129_to_240(bytes, size, seed);
  return xxh3_run_above_240(bytes, size, seed);
}

}  // namespace detail

/// XXH3-64 of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
/// @param seed  any value; another seed gives another hash function.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint64_t xxh3_64(const Bytes& bytes, std::uint64_t seed = 0) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::xxh3_64(view.data, view.size, seed);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
