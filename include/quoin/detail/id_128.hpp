// SPDX-License-Identifier: BSL-1.0
/// @file
/// What ids of 128 bits have in common: their bytes, as two numbers too, and their order.
#ifndef QUOIN_DETAIL_ID_128_HPP
#define QUOIN_DETAIL_ID_128_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// The base of `Id`. Ids are ordered by their bytes, and only among their own kind.
template <class Id>
class id_128 {
 public:
  using bytes_type = std::array<unsigned char, 16>;

  /// All bits 0.
  constexpr id_128() noexcept = default;
  /// The id of these bytes, the first ones the first of its text.
  constexpr explicit id_128(const bytes_type& bytes) noexcept : bytes_(bytes) {}
  /// The id whose first 64 bits are the number `high`, and whose last are `low`.
  constexpr id_128(std::uint64_t high, std::uint64_t low) noexcept {
    store_be(bytes_.data(), high);
    store_be(bytes_.data() + 8, low);
  }

  [[nodiscard]] constexpr const bytes_type& bytes() const noexcept { return bytes_; }
  /// The first eight bytes as a number, which orders before `low`.
  [[nodiscard]] constexpr std::uint64_t high() const noexcept {
    return load_be<std::uint64_t>(bytes_.data());
  }
  [[nodiscard]] constexpr std::uint64_t low() const noexcept {
    return load_be<std::uint64_t>(bytes_.data() + 8);
  }

  friend constexpr bool operator==(const Id& a, const Id& b) noexcept {
    return a.bytes() == b.bytes();
  }
  friend constexpr std::strong_ordering operator<=>(const Id& a, const Id& b) noexcept {
    const auto order = a.high() <=> b.high();
    return order != 0 ? order : a.low() <=> b.low();
  }

  /// A key for `quoin::hash` and all that takes it: the hash of its bytes.
  template <class Hash>
  friend constexpr std::uint64_t quoin_hash(const Id& id, const Hash& hash) noexcept {
    return hash(id.bytes());
  }

 protected:
  bytes_type bytes_{};
};

/// What `std::hash<Id>` is. `quoin::hash` mixes better, and takes a seed, as ids from foes want it.
template <class Id>
struct id_hash {
  [[nodiscard]] constexpr std::size_t operator()(const Id& id) const noexcept {
    return static_cast<std::size_t>(
        mul_fold(id.high() ^ 0x9e3779b97f4a7c15u, id.low() ^ 0xbf58476d1ce4e5b9u) ^ id.high() ^
        id.low());  // no factor of 0 hides the other
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
