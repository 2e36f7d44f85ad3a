// SPDX-License-Identifier: BSL-1.0
/// @file
/// XXH3-64 in portable code: the short and medium inputs, and the reference for the kernels of
/// `detail/hash_xxh3_simd.hpp`.
/// Source: the xxHash specification 0.2.0, "XXH3 algorithm overview".
#ifndef QUOIN_DETAIL_HASH_XXH3_HPP
#define QUOIN_DETAIL_HASH_XXH3_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/xxh64.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// The default secret of the specification. Words are read from it at any offset.
alignas(64) inline constexpr unsigned char xxh3_secret[192] = {
    // clang-format off
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
    // clang-format on
};

inline constexpr std::uint64_t xxh3_prime32_1 = 0x9e3779b1u;
inline constexpr std::uint64_t xxh3_prime32_2 = 0x85ebca77u;
inline constexpr std::uint64_t xxh3_prime32_3 = 0xc2b2ae3du;

inline constexpr std::size_t xxh3_stripe = 64;             // bytes added to the lanes at once
inline constexpr std::size_t xxh3_stripes_per_block = 16;  // then the lanes are scrambled
inline constexpr std::size_t xxh3_scramble_offset = 128;   // in the secret
inline constexpr std::size_t xxh3_last_stripe_offset = 121;
inline constexpr std::size_t xxh3_merge_offset = 11;

/// The eight 64-bit lanes of a long input.
using xxh3_lanes = std::array<std::uint64_t, 8>;

inline constexpr xxh3_lanes xxh3_initial_lanes = {xxh3_prime32_3, xxh64_prime1,  xxh64_prime2,
                                                  xxh64_prime3,   xxh64_prime4,  xxh3_prime32_2,
                                                  xxh64_prime5,   xxh3_prime32_1};

/// The constant word of the secret at `offset`, known when compiling.
template <std::size_t Offset>
inline constexpr std::uint64_t xxh3_secret_word = load_le<std::uint64_t>(xxh3_secret + Offset);

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_avalanche(std::uint64_t h) noexcept {
  h = (h ^ (h >> 37)) * 0x165667919e3779f9u;
  return h ^ (h >> 32);
}

/// 1 to 3 bytes.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_1_to_3(const Byte* p,
                                                                      std::size_t size,
                                                                      std::uint64_t seed) noexcept {
  constexpr std::uint32_t flip =
      load_le<std::uint32_t>(xxh3_secret) ^ load_le<std::uint32_t>(xxh3_secret + 4);
  const auto first = static_cast<std::uint32_t>(static_cast<unsigned char>(p[0]));
  const auto middle = static_cast<std::uint32_t>(static_cast<unsigned char>(p[size >> 1]));
  const auto last = static_cast<std::uint32_t>(static_cast<unsigned char>(p[size - 1]));
  const std::uint32_t word =
      first << 16 | middle << 24 | last | static_cast<std::uint32_t>(size) << 8;
  return xxh64_avalanche(word ^ (flip + seed));
}

/// 4 to 8 bytes: two overlapping words.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_4_to_8(const Byte* p,
                                                                      std::size_t size,
                                                                      std::uint64_t seed) noexcept {
  constexpr std::uint64_t flip = xxh3_secret_word<8> ^ xxh3_secret_word<16>;
  constexpr std::uint64_t prime = 0x9fb21c651e98df25u;
  seed ^= static_cast<std::uint64_t>(byteswap(static_cast<std::uint32_t>(seed))) << 32;
  const std::uint64_t first = load_le<std::uint32_t>(p);
  const std::uint64_t last = load_le<std::uint32_t>(p + size - 4);
  std::uint64_t h = (last + (first << 32)) ^ (flip - seed);
  h = (h ^ std::rotl(h, 49) ^ std::rotl(h, 24)) * prime;
  h = (h ^ ((h >> 35) + size)) * prime;
  return h ^ (h >> 28);
}

/// 9 to 16 bytes: two overlapping words.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_9_to_16(
    const Byte* p, std::size_t size, std::uint64_t seed) noexcept {
  constexpr std::uint64_t flip_first = xxh3_secret_word<24> ^ xxh3_secret_word<32>;
  constexpr std::uint64_t flip_last = xxh3_secret_word<40> ^ xxh3_secret_word<48>;
  const std::uint64_t first = load_le<std::uint64_t>(p) ^ (flip_first + seed);
  const std::uint64_t last = load_le<std::uint64_t>(p + size - 8) ^ (flip_last - seed);
  return xxh3_avalanche(size + byteswap(first) + last + mul_fold(first, last));
}

/// At most 16 bytes. `p` may be null when `size` is 0.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_short(const Byte* p,
                                                                     std::size_t size,
                                                                     std::uint64_t seed) noexcept {
  if (size > 8) return xxh3_9_to_16(p, size, seed);
  if (size >= 4) return xxh3_4_to_8(p, size, seed);
  if (size > 0) return xxh3_1_to_3(p, size, seed);
  return xxh64_avalanche(seed ^ xxh3_secret_word<56> ^ xxh3_secret_word<64>);
}

/// 16 bytes at `p`, keyed by the 16 bytes of the secret at `offset`.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_mix16(const Byte* p,
                                                                     std::size_t offset,
                                                                     std::uint64_t seed) noexcept {
  const unsigned char* const key = xxh3_secret + offset;
  return mul_fold(load_le<std::uint64_t>(p) ^ (load_le<std::uint64_t>(key) + seed),
                  load_le<std::uint64_t>(p + 8) ^ (load_le<std::uint64_t>(key + 8) - seed));
}

/// 17 to 128 bytes, from both ends towards the middle.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_17_to_128(
    const Byte* p, std::size_t size, std::uint64_t seed) noexcept {
  const Byte* const end = p + size;
  std::uint64_t h = size * xxh64_prime1;
  if (size > 96) h += xxh3_mix16(p + 48, 96, seed) + xxh3_mix16(end - 64, 112, seed);
  if (size > 64) h += xxh3_mix16(p + 32, 64, seed) + xxh3_mix16(end - 48, 80, seed);
  if (size > 32) h += xxh3_mix16(p + 16, 32, seed) + xxh3_mix16(end - 32, 48, seed);
  return xxh3_avalanche(h + xxh3_mix16(p, 0, seed) + xxh3_mix16(end - 16, 16, seed));
}

/// 129 to 240 bytes.
template <byte_like Byte>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t xxh3_129_to_240(
    const Byte* p, std::size_t size, std::uint64_t seed) noexcept {
  std::uint64_t h = size * xxh64_prime1;
  for (std::size_t i = 0; i < 128; i += 16) h += xxh3_mix16(p + i, i, seed);
  h = xxh3_avalanche(h);
  for (std::size_t i = 128; i + 16 <= size; i += 16) h += xxh3_mix16(p + i, i - 125, seed);
  return xxh3_avalanche(h + xxh3_mix16(p + size - 16, 119, seed));
}

/// The secret for a seed other than 0, for long inputs.
inline constexpr void xxh3_seeded_secret(unsigned char (&secret)[192],
                                         std::uint64_t seed) noexcept {
  for (std::size_t i = 0; i < 192; i += 16) {
    store_le(secret + i, load_le<std::uint64_t>(xxh3_secret + i) + seed);
    store_le(secret + i + 8, load_le<std::uint64_t>(xxh3_secret + i + 8) - seed);
  }
}

/// Adds one stripe of 64 bytes.
template <byte_like Byte>
constexpr void xxh3_add_stripe(xxh3_lanes& lanes, const Byte* p,
                               const unsigned char* key) noexcept {
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint64_t word = load_le<std::uint64_t>(p + 8 * i);
    const std::uint64_t keyed = word ^ load_le<std::uint64_t>(key + 8 * i);
    lanes[i ^ 1] += word;
    lanes[i] += (keyed & 0xffffffffu) * (keyed >> 32);
  }
}

/// What follows each block of 16 stripes.
constexpr void xxh3_scramble(xxh3_lanes& lanes, const unsigned char* key) noexcept {
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint64_t lane = lanes[i];
    lanes[i] = (lane ^ (lane >> 47) ^ load_le<std::uint64_t>(key + 8 * i)) * xxh3_prime32_1;
  }
}

/// The lanes of an input of more than 240 bytes. The last stripe may overlap the one before it.
template <byte_like Byte>
constexpr void xxh3_add_all(xxh3_lanes& lanes, const Byte* p, std::size_t size,
                            const unsigned char* secret) noexcept {
  const Byte* const last = p + size - xxh3_stripe;
  std::size_t in_block = 0;
  for (std::size_t left = (size - 1) / xxh3_stripe; left > 0; --left, p += xxh3_stripe) {
    xxh3_add_stripe(lanes, p, secret + 8 * in_block);
    if (++in_block == xxh3_stripes_per_block) {
      xxh3_scramble(lanes, secret + xxh3_scramble_offset);
      in_block = 0;
    }
  }
  xxh3_add_stripe(lanes, last, secret + xxh3_last_stripe_offset);
}

/// The hash of a long input from its lanes.
constexpr std::uint64_t xxh3_merge(const xxh3_lanes& lanes, std::size_t size,
                                   const unsigned char* secret) noexcept {
  const unsigned char* const key = secret + xxh3_merge_offset;
  std::uint64_t h = size * xxh64_prime1;
  for (std::size_t i = 0; i < 8; i += 2) {
    h += mul_fold(lanes[i] ^ load_le<std::uint64_t>(key + 8 * i),
                  lanes[i + 1] ^ load_le<std::uint64_t>(key + 8 * i + 8));
  }
  return xxh3_avalanche(h);
}

/// More than 240 bytes, `add_all(lanes, p, size, secret)` being the kernel.
template <byte_like Byte, class AddAll>
[[nodiscard]] constexpr std::uint64_t xxh3_long(const Byte* p, std::size_t size, std::uint64_t seed,
                                                AddAll add_all) noexcept {
  xxh3_lanes lanes = xxh3_initial_lanes;
  if (seed == 0) {
    add_all(lanes, p, size, xxh3_secret);
    return xxh3_merge(lanes, size, xxh3_secret);
  }
  alignas(64) unsigned char secret[192] = {};
  xxh3_seeded_secret(secret, seed);
  add_all(lanes, p, size, secret);
  return xxh3_merge(lanes, size, secret);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
