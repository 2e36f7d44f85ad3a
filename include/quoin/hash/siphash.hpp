// SPDX-License-Identifier: BSL-1.0
/// @file
/// SipHash: the keyed hash for inputs that an attacker picks.
///
/// Use it, with a key that the attacker cannot know, wherever crafted collisions would hurt: hash
/// tables and filters filled from the network. `siphash_2_4` is the published strength;
/// `siphash_1_3` is what Rust and Ruby use for their tables, at half the price. For trusted input
/// prefer `xxh3_64`. It is no substitute for a cryptographic hash where the key is public.
///
/// Guarantee   the values of the reference implementation on every platform, also in constant
///             expressions. A pseudorandom function as far as is known, the key being secret.
/// Cost        8 bytes per step of 2 or 1 rounds: about 2 and 3 bytes per nanosecond.
/// Threads     pure functions.
/// Source      Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF".
///
/// @code
/// const quoin::siphash_key key{secret_word(), secret_word()};
/// std::uint64_t h = quoin::siphash_2_4(request.path(), key);
/// @endcode
#ifndef QUOIN_HASH_SIPHASH_HPP
#define QUOIN_HASH_SIPHASH_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// 128 bits that nobody else knows.
struct siphash_key {
  std::uint64_t k0;  ///< the first 8 bytes of the key, little-endian
  std::uint64_t k1;  ///< the last 8 bytes

  /// The key that the reference reads from these 16 bytes.
  template <detail::byte_like Byte>
  [[nodiscard]] static constexpr siphash_key from_bytes(const Byte (&bytes)[16]) noexcept {
    return {detail::load_le<std::uint64_t>(bytes + 0), detail::load_le<std::uint64_t>(bytes + 8)};
  }

  friend constexpr bool operator==(const siphash_key&, const siphash_key&) = default;
};

namespace detail {

struct siphash_state {
  std::uint64_t v0, v1, v2, v3;

  QUOIN_ALWAYS_INLINE constexpr void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32) + v3;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  template <int Rounds>
  QUOIN_ALWAYS_INLINE constexpr void add(std::uint64_t word) noexcept {
    v3 ^= word;
    for (int i = 0; i < Rounds; ++i) round();
    v0 ^= word;
  }
};

/// SipHash-c-d with c = `Rounds` per word and d = `FinalRounds`.
template <int Rounds, int FinalRounds, byte_like Byte>
[[nodiscard]] constexpr std::uint64_t siphash(const Byte* p, std::size_t size,
                                              const siphash_key& key) noexcept {
  siphash_state s{key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
                  key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
  std::size_t left = size;
  for (; left >= 8; left -= 8, p += 8) s.add<Rounds>(load_le<std::uint64_t>(p));
  s.add<Rounds>(load_le_tail(p, left) | static_cast<std::uint64_t>(size) << 56);
  s.v2 ^= 0xff;
  for (int i = 0; i < FinalRounds; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace detail

/// SipHash-2-4 of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint64_t siphash_2_4(const Bytes& bytes,
                                                  const siphash_key& key) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::siphash<2, 4>(view.data, view.size, key);
}

/// SipHash-1-3 of `bytes`, as above.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr std::uint64_t siphash_1_3(const Bytes& bytes,
                                                  const siphash_key& key) noexcept {
  const auto view = detail::bytes_of(bytes);
  return detail::siphash<1, 3>(view.data, view.size, key);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
