// SPDX-License-Identifier: BSL-1.0
/// @file
/// Arithmetic and byte order, each exact on every platform and usable in constant expressions.
#ifndef QUOIN_DETAIL_BITS_HPP
#define QUOIN_DETAIL_BITS_HPP

#include <quoin/detail/config.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// The types that may stand for a byte of input.
template <class T>
concept byte_like = std::same_as<T, std::byte> || std::same_as<T, unsigned char> ||
    std::same_as<T, char> || std::same_as<T, signed char> || std::same_as<T, char8_t>;

template <std::unsigned_integral T>
[[nodiscard]] constexpr T byteswap(T x) noexcept {
  if constexpr (sizeof(T) == 1) {
    return x;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(x);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(x);
  } else {
    static_assert(sizeof(T) == 8, "byteswap takes 8-, 16-, 32- and 64-bit integers");
    return __builtin_bswap64(x);
  }
}

/// `x` if the machine is little-endian, else `x` with its bytes reversed: the way to and from
/// little-endian bytes of a whole word.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T to_le(T x) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    return x;
  } else {
    return byteswap(x);
  }
}

/// The unsigned integer stored at `p` in little-endian order. `p` needs no alignment.
template <std::unsigned_integral T, byte_like Byte>
[[nodiscard]] constexpr T load_le(const Byte* p) noexcept {
  if (std::is_constant_evaluated()) {
    T x = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      x = static_cast<T>(
          x | static_cast<T>(static_cast<T>(static_cast<unsigned char>(p[i])) << (8 * i)));
    }
    return x;
  }
  T x;
  std::memcpy(&x, p, sizeof x);
  return to_le(x);
}

/// The unsigned integer stored at `p` in big-endian order. `p` needs no alignment.
template <std::unsigned_integral T, byte_like Byte>
[[nodiscard]] constexpr T load_be(const Byte* p) noexcept {
  return byteswap(load_le<T>(p));
}

/// Stores `x` at `p` in little-endian order. `p` needs no alignment.
template <std::unsigned_integral T, byte_like Byte>
constexpr void store_le(Byte* p, T x) noexcept {
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      p[i] = static_cast<Byte>(static_cast<unsigned char>(x >> (8 * i)));
    }
    return;
  }
  x = to_le(x);
  std::memcpy(p, &x, sizeof x);
}

/// Stores `x` at `p` in big-endian order. `p` needs no alignment.
template <std::unsigned_integral T, byte_like Byte>
constexpr void store_be(Byte* p, T x) noexcept {
  store_le(p, byteswap(x));
}

/// A 128-bit product in two halves.
struct uint128_halves {
  std::uint64_t lo;
  std::uint64_t hi;
};

/// `a * b` in full, from four 32-bit products: the reference for `mul_full`, and what 32-bit
/// targets run.
[[nodiscard]] constexpr uint128_halves mul_full_portable(std::uint64_t a,
                                                         std::uint64_t b) noexcept {
  const std::uint64_t a_lo = a & 0xffffffffu, a_hi = a >> 32;
  const std::uint64_t b_lo = b & 0xffffffffu, b_hi = b >> 32;
  const std::uint64_t low = a_lo * b_lo;
  const std::uint64_t cross = a_hi * b_lo + (low >> 32);  // cannot overflow: (2^32-1)^2 + 2^32-1
  const std::uint64_t middle = a_lo * b_hi + (cross & 0xffffffffu);
  return {(middle << 32) | (low & 0xffffffffu), a_hi * b_hi + (cross >> 32) + (middle >> 32)};
}

/// `a * b` in full.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr uint128_halves mul_full(std::uint64_t a,
                                                                    std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using uint128 = unsigned __int128;
  const uint128 product = static_cast<uint128>(a) * b;
  return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
#else
  return mul_full_portable(a, b);
#endif
}

/// `floor(a * b / 2^64)`: maps a uniform 64-bit `a` to `[0, b)` without division or modulo bias
/// beyond `b / 2^64` (Lemire 2019, "Fast random integer generation in an interval").
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t mul_high(std::uint64_t a,
                                                                   std::uint64_t b) noexcept {
  return mul_full(a, b).hi;
}

/// The two halves of `a * b`, xored.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t mul_fold(std::uint64_t a,
                                                                   std::uint64_t b) noexcept {
  const uint128_halves product = mul_full(a, b);
  return product.lo ^ product.hi;
}

/// Sets `*result` to `a + b`; false (and an unspecified `*result`) when it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr bool checked_add(T a, T b, T* result) noexcept {
  return !__builtin_add_overflow(a, b, result);
}

/// Sets `*result` to `a * b`; false (and an unspecified `*result`) when it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr bool checked_mul(T a, T b, T* result) noexcept {
  return !__builtin_mul_overflow(a, b, result);
}

/// `std::min` and `std::max` of <algorithm>, whose inclusion costs as much as <vector>.
template <class T>
[[nodiscard]] constexpr T min_of(T a, T b) noexcept {
  return b < a ? b : a;
}
template <class T>
[[nodiscard]] constexpr T max_of(T a, T b) noexcept {
  return a < b ? b : a;
}

/// `ceil(a / b)` without overflow; `b` is not 0.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T ceil_div(T a, T b) noexcept {
  return static_cast<T>(a / b + (a % b != 0));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
