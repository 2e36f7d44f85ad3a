// SPDX-License-Identifier: BSL-1.0
/// @file
/// The numbers that codecs write: integers of at most 64 bits, and 128 bits as two of them.
#ifndef QUOIN_DETAIL_ID_INTEGER_HPP
#define QUOIN_DETAIL_ID_INTEGER_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// A number of 128 bits, as much of one as codecs need.
struct uint128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  friend constexpr auto operator<=>(const uint128&, const uint128&) = default;
};

namespace detail {

template <class T, class... Types>
concept one_of = (std::same_as<T, Types> || ...);

/// The integers that are numbers and lose nothing in 64 bits.
template <class T>
concept codec_integer = std::integral<T> && sizeof(T) <= sizeof(std::uint64_t) &&
                        !one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;

/// A number to be written: from such an integer, not from whatever else converts to one.
class codec_number {
 public:
  /// Fails for a negative one.
  template <codec_integer T>
  constexpr codec_number(T n) noexcept(std::is_unsigned_v<T>)
      : value_(static_cast<std::uint64_t>(n)) {
    if constexpr (std::is_signed_v<T>) {
      if (n < 0) fail_argument("encode", "n", n, "at least 0");
    }
  }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
