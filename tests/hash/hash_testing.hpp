// SPDX-License-Identifier: BSL-1.0
// What the tests of the hash functions share.
#ifndef QUOIN_TESTS_HASH_HASH_TESTING_HPP
#define QUOIN_TESTS_HASH_HASH_TESTING_HPP

#include <quoin/detail/bits.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin_test {

using byte_span = std::span<const unsigned char>;

/// SplitMix64 (Steele, Lea, Flood 2014): the same bytes on every platform.
[[nodiscard]] constexpr std::uint64_t split_mix(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

[[nodiscard]] inline std::vector<unsigned char> random_bytes(std::size_t size,
                                                             std::uint64_t seed = 1) {
  std::vector<unsigned char> bytes(size);
  for (auto& byte : bytes) byte = static_cast<unsigned char>(split_mix(seed) >> 56);
  return bytes;
}

/// A fixed array of random bytes, also for constant expressions.
template <std::size_t N>
[[nodiscard]] constexpr std::array<unsigned char, N> constant_bytes() noexcept {
  std::array<unsigned char, N> bytes{};
  std::uint64_t state = 7;
  for (auto& byte : bytes) byte = static_cast<unsigned char>(split_mix(state) >> 56);
  return bytes;
}

/// One number for the hashes of all lengths from 0 to 4096 under several seeds: what the platforms
/// without an oracle compare with. `hash(span, seed)`.
template <class Hash>
[[nodiscard]] std::uint64_t digest_of_all_lengths(Hash hash) {
  const std::vector<unsigned char> bytes = random_bytes(4096 + 64);
  std::uint64_t digest = 0;
  for (std::size_t size = 0; size <= 4096; ++size) {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0x123456789abcdef0u}}) {
      const std::uint64_t h = hash(byte_span(bytes).subspan(size % 64, size), seed);
      digest = (std::rotl(digest, 5) ^ h) * 0x9e3779b97f4a7c15u;
    }
  }
  return digest;
}

/// The verification code of SMHasher: keys {}, {0}, {0, 1}, … under the seeds 256, 255, …; then the
/// hash of all those hashes. `hash(span, seed)` gives the bytes of one hash.
template <class Hash>
[[nodiscard]] std::uint32_t smhasher_verification(Hash hash) {
  std::array<unsigned char, 256> key{};
  for (std::size_t i = 0; i < 256; ++i) key[i] = static_cast<unsigned char>(i);
  std::vector<unsigned char> hashes;
  for (std::size_t i = 0; i < 256; ++i) {
    const auto one = hash(byte_span(key).first(i), static_cast<std::uint32_t>(256 - i));
    hashes.insert(hashes.end(), one.begin(), one.end());
  }
  return quoin::detail::load_le<std::uint32_t>(hash(byte_span(hashes), 0u).data());
}

/// A word as SMHasher sees it.
template <class T>
[[nodiscard]] std::array<unsigned char, sizeof(T)> little_endian(T x) {
  std::array<unsigned char, sizeof(T)> bytes;
  quoin::detail::store_le(bytes.data(), x);
  return bytes;
}

}  // namespace quoin_test

#endif
