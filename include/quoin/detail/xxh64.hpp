// SPDX-License-Identifier: BSL-1.0
/// @file
/// XXH64 itself, apart from its public face `hash/xxh64.hpp`, because frames end in one.
/// Source: the xxHash specification 0.1.1, "XXH64 algorithm description".
#ifndef QUOIN_DETAIL_XXH64_HPP
#define QUOIN_DETAIL_XXH64_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint64_t xxh64_prime1 = 0x9e3779b185ebca87u;
inline constexpr std::uint64_t xxh64_prime2 = 0xc2b2ae3d27d4eb4fu;
inline constexpr std::uint64_t xxh64_prime3 = 0x165667b19e3779f9u;
inline constexpr std::uint64_t xxh64_prime4 = 0x85ebca77c2b2ae63u;
inline constexpr std::uint64_t xxh64_prime5 = 0x27d4eb2f165667c5u;

[[nodiscard]] constexpr std::uint64_t xxh64_round(std::uint64_t lane, std::uint64_t word) noexcept {
  return std::rotl(lane + word * xxh64_prime2, 31) * xxh64_prime1;
}

[[nodiscard]] constexpr std::uint64_t xxh64_avalanche(std::uint64_t h) noexcept {
  h = (h ^ (h >> 33)) * xxh64_prime2;
  h = (h ^ (h >> 29)) * xxh64_prime3;
  return h ^ (h >> 32);
}

/// All whole 32-byte blocks (at least one): four independent lanes, then folded into one.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint64_t xxh64_blocks(const Byte* p, std::size_t size,
                                                   std::uint64_t seed) noexcept {
  std::uint64_t a = seed + xxh64_prime1 + xxh64_prime2;
  std::uint64_t b = seed + xxh64_prime2;
  std::uint64_t c = seed;
  std::uint64_t d = seed - xxh64_prime1;
  for (; size >= 32; size -= 32, p += 32) {
    a = xxh64_round(a, load_le<std::uint64_t>(p));
    b = xxh64_round(b, load_le<std::uint64_t>(p + 8));
    c = xxh64_round(c, load_le<std::uint64_t>(p + 16));
    d = xxh64_round(d, load_le<std::uint64_t>(p + 24));
  }
  std::uint64_t h = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
  for (const std::uint64_t lane : {a, b, c, d}) {
    h = (h ^ xxh64_round(0, lane)) * xxh64_prime1 + xxh64_prime4;
  }
  return h;
}

/// The XXH64 of `size` bytes at `p`, which needs no alignment and may be null when `size` is 0.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint64_t xxh64(const Byte* p, std::size_t size,
                                            std::uint64_t seed = 0) noexcept {
  std::uint64_t h = size >= 32 ? xxh64_blocks(p, size, seed) : seed + xxh64_prime5;
  h += size;
  if (size >= 32) p += size & ~std::size_t{31};
  std::size_t left = size & 31;
  for (; left >= 8; left -= 8, p += 8) {
    h = std::rotl(h ^ xxh64_round(0, load_le<std::uint64_t>(p)), 27) * xxh64_prime1 + xxh64_prime4;
  }
  if (left >= 4) {
    h = std::rotl(h ^ load_le<std::uint32_t>(p) * xxh64_prime1, 23) * xxh64_prime2 + xxh64_prime3;
    left -= 4;
    p += 4;
  }
  for (; left > 0; --left, ++p) {
    h = std::rotl(h ^ static_cast<unsigned char>(*p) * xxh64_prime5, 11) * xxh64_prime1;
  }
  return xxh64_avalanche(h);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
