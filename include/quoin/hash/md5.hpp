// SPDX-License-Identifier: BSL-1.0
/// @file
/// MD5, because other systems place and name their data by it: ketama rings of memcached clients,
/// Debian's file lists, `Content-MD5`, PostgreSQL's `md5()`.
///
/// Use it to agree with one of those and for nothing else: it protects from nobody. Collisions take
/// seconds to make, prefixes may be chosen, and `siphash.hpp` is ten times as fast where a key can
/// be kept secret. For fingerprints prefer `xxh3_64`.
///
/// Guarantee   the value of RFC 1321 on every platform, also in constant expressions.
/// Cost        one chain of 64 dependent steps for every 64 bytes, the last block holding at most
///             55: about 90 ns for a short key. Nothing is allocated.
/// Threads     a pure function.
/// Source      RFC 1321, section 3.
///
/// @code
/// quoin::md5_digest d = quoin::md5("abc");        // 90 01 50 98 …
/// bool same = quoin::md5(file) == expected;
/// @endcode
#ifndef QUOIN_HASH_MD5_HPP
#define QUOIN_HASH_MD5_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// The 16 bytes of an MD5, in the order in which they are written as text.
using md5_digest = std::array<unsigned char, 16>;

namespace detail {

/// floor(2^32 |sin(i + 1)|).
inline constexpr std::uint32_t md5_constants[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

inline constexpr int md5_rotations[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

using md5_words = std::array<std::uint32_t, 4>;

inline constexpr md5_words md5_start = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

/// Step `I` of 64 on the state `s` and the block `x`. Of the four words, those at b, c and d have
/// been through one, two and three steps more than the one at a, which this step replaces.
template <std::size_t I>
QUOIN_ALWAYS_INLINE constexpr void md5_step(md5_words& s,
                                            const std::array<std::uint32_t, 16>& x) noexcept {
  constexpr std::size_t round = I / 16;
  constexpr std::size_t word = round == 0   ? I
                               : round == 1 ? (5 * I + 1) % 16
                               : round == 2 ? (3 * I + 5) % 16
                                            : 7 * I % 16;
  std::uint32_t& a = s[(64 - I) % 4];
  const std::uint32_t b = s[(65 - I) % 4], c = s[(66 - I) % 4], d = s[(67 - I) % 4];
  // The sum of a, the word and the constant does not wait for the step before.
  const std::uint32_t ready = a + x[word] + md5_constants[I];
  std::uint32_t sum = 0;
  if constexpr (round == 0) {
    sum = ready + (d ^ (b & (c ^ d)));
  } else if constexpr (round == 1) {
    sum = ready + (c & ~d) + (b & d);  // two terms without a common bit: the latter alone waits
  } else if constexpr (round == 2) {
    sum = ready + (b ^ (c ^ d));
  } else {
    sum = ready + (c ^ (b | ~d));
  }
  a = b + std::rotl(sum, md5_rotations[round][I % 4]);
}

/// Takes the 64 bytes at `p` into the state.
template <byte_like Byte>
constexpr void md5_block(md5_words& state, const Byte* p) noexcept {
  std::array<std::uint32_t, 16> x{};
  for (std::size_t i = 0; i < 16; ++i) x[i] = load_le<std::uint32_t>(p + 4 * i);
  md5_words s = state;
  [&]<std::size_t... I>(std::index_sequence<I...>) { (md5_step<I>(s, x), ...); }
  (std::make_index_sequence<64>());
  for (std::size_t i = 0; i < 4; ++i) state[i] += s[i];
}

/// The four words of the MD5; their little-endian bytes are the digest.
template <byte_like Byte>
[[nodiscard]] constexpr md5_words md5(const Byte* p, std::size_t size) noexcept {
  md5_words state = md5_start;
  std::size_t left = size;
  for (; left >= 64; left -= 64, p += 64) md5_block(state, p);
  std::array<unsigned char, 128> end{};
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < left; ++i) end[i] = static_cast<unsigned char>(p[i]);
  } else if (left != 0) {
    std::memcpy(end.data(), p, left);  // in words, which the loads below do not have to wait for
  }
  end[left] = 0x80;
  const std::size_t padded = left < 56 ? 64 : 128;
  store_le(end.data() + padded - 8, std::uint64_t{size} << 3);
  md5_block(state, end.data());
  if (padded == 128) md5_block(state, end.data() + 64);
  return state;
}

}  // namespace detail

/// The MD5 of `bytes`: any contiguous range of a byte type, or a string literal (without its
/// terminator). O(size), no errors.
template <detail::byte_range Bytes>
[[nodiscard]] constexpr md5_digest md5(const Bytes& bytes) noexcept {
  const auto view = detail::bytes_of(bytes);
  const detail::md5_words words = detail::md5(view.data, view.size);
  md5_digest digest{};
  for (std::size_t i = 0; i < 4; ++i) detail::store_le(digest.data() + 4 * i, words[i]);
  return digest;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
