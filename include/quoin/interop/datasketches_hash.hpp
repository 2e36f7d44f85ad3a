// SPDX-License-Identifier: BSL-1.0
/// @file
/// The hash by which Apache DataSketches places keys: MurmurHash3_x64_128 of the key's canonical
/// bytes.
///
/// Use it to hash a key once for several `datasketches_…` sketches, or to reproduce a hash that
/// another language's DataSketches made. For structures of your own prefer `quoin::hash`.
///
/// Guarantee   the hashes of datasketches-cpp for keys of the same C++ type, and of -java for the
///             Java type of the same meaning, on every platform.
/// Cost        about 5 ns for a number, 2 ns in the batches of the sketches; 5 bytes per nanosecond
///             for strings.
/// Threads     pure functions.
/// Source      datasketches-cpp, the `update` functions of its sketches.
///
/// @code
/// quoin::hash128 h = quoin::datasketches_hash{}(std::string_view("user:42"));
/// @endcode
#ifndef QUOIN_INTEROP_DATASKETCHES_HASH_HPP
#define QUOIN_INTEROP_DATASKETCHES_HASH_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/hash/hash.hpp>
#include <quoin/hash/murmur3.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// An integer of 1 to 8 bytes. `bool` and character types are none: what their value is differs
/// between the languages that DataSketches speaks.
template <class T>
concept datasketches_integer = std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, bool> &&
                               !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                               !std::same_as<T, char8_t> && !std::same_as<T, char16_t> &&
                               !std::same_as<T, char32_t>;

/// The eight bytes that stand for `value`, as a little-endian word. Integers narrower than 64 bits
/// are taken as signed, unsigned ones too: `std::uint32_t{0xffffffff}` is −1, as in DataSketches.
template <datasketches_integer T>
[[nodiscard]] constexpr std::uint64_t datasketches_word(T value) noexcept {
  return static_cast<std::uint64_t>(
      static_cast<std::int64_t>(static_cast<std::make_signed_t<T>>(value)));
}

/// Likewise for numbers with a fraction: the bits of the `double`, with one zero and one NaN.
template <class T>
requires(std::same_as<T, float> || std::same_as<T, double>) [[nodiscard]] constexpr std::uint64_t
    datasketches_word(T value) noexcept {
  if (value == 0) return 0;
  if (value != value) return 0x7ff8000000000000u;
  return std::bit_cast<std::uint64_t>(static_cast<double>(value));
}

/// What is hashed as eight bytes.
template <class T>
concept datasketches_number = requires(T value) {
  detail::datasketches_word(value);
};

}  // namespace detail

/// A key of DataSketches: an integer (but `bool` and characters), `float`, `double`, and everything
/// with bytes in a row: strings (UTF-8, to agree with other languages), spans of bytes.
template <class T>
concept datasketches_key = detail::datasketches_integer<T> || std::same_as<T, float> ||
    std::same_as<T, double> || detail::byte_range<T> || detail::c_string<T>;

/// MurmurHash3_x64_128 as DataSketches uses it. A value type.
struct datasketches_hash {
  using is_transparent = void;  ///< takes any key type

  /// The seed of every sketch that was not given another.
  static constexpr std::uint64_t default_seed = 9001;

  std::uint64_t seed = default_seed;  ///< any value; sketches of one seed go together

  /// The hash of one key. All integers and floating-point numbers are hashed as 8 bytes, so that
  /// 1 is the same key in every width; 1 and 1.0 differ.
  template <datasketches_key T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr hash128 operator()(const T& key) const noexcept {
    if constexpr (detail::byte_range<T>) {
      return murmur3_x64_128(key, seed);
    } else if constexpr (detail::c_string<T>) {
      return murmur3_x64_128(std::string_view(key), seed);
    } else {
      std::array<unsigned char, 8> bytes{};
      detail::store_le(bytes.data(), detail::datasketches_word(key));
      return detail::murmur3_x64_128<false>(bytes.data(), bytes.size(), seed);
    }
  }

  /// The 16 bits by which a serialized sketch names its seed.
  [[nodiscard]] constexpr std::uint16_t seed_hash() const noexcept {
    const datasketches_hash zero{0};
    return static_cast<std::uint16_t>(zero(static_cast<std::uint64_t>(seed)).lo);
  }

  friend constexpr bool operator==(const datasketches_hash&, const datasketches_hash&) = default;
};

namespace detail {

/// True for a key that DataSketches ignores: a string or span without bytes.
template <class T>
[[nodiscard]] constexpr bool datasketches_ignores(const T& key) noexcept {
  if constexpr (byte_range<T>) {
    return bytes_of(key).size == 0;
  } else if constexpr (c_string<T>) {
    return *key == '\0';
  } else {
    return false;
  }
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
