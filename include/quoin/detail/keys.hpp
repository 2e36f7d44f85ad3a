// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every structure that hashes its keys shares: hashers, their names in serialized forms, and
/// the hashes of a batch.
#ifndef QUOIN_DETAIL_KEYS_HPP
#define QUOIN_DETAIL_KEYS_HPP

#include <quoin/detail/error.hpp>
#include <quoin/hash/hash.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

/// Whether `Hash` is a family of functions, one for each seed.
template <class Hash>
inline constexpr bool takes_seed =
    std::same_as<Hash, hash> || std::constructible_from<Hash, std::uint64_t>;

/// A `Hash` of `seed`. A hasher that takes no seed has only the seed 0.
template <class Hash>
[[nodiscard]] Hash make_hash(std::uint64_t seed) {
  if constexpr (std::same_as<Hash, hash>) {
    return hash{seed};
  } else if constexpr (takes_seed<Hash>) {
    return Hash(seed);
  } else {
    if (seed != 0) fail_argument("hash", "seed", seed, "0 for a hasher that takes no seed");
    return Hash();
  }
}

/// What a serialized form calls a hasher or an index policy: its member `id`, or 0 without one.
template <class T>
inline constexpr std::uint32_t hash_id = [] {
  if constexpr (requires { T::id; }) return std::uint32_t{T::id};
  return std::uint32_t{0};
}();

template <class Key, class Hash>
concept hashable_by = hashes<Hash, Key>;

template <class Key, class Hash>
inline constexpr bool nothrow_hashable_by =
    noexcept(std::declval<const Hash&>()(std::declval<const Key&>()));

/// `hashes(first, count, out)` of keys that `hash` hashes on the way.
template <class Hash, class Key>
[[nodiscard]] auto hashes_of(const Hash& hash, std::span<const Key> keys) noexcept {
  return [&hash, keys](std::size_t first, std::size_t count, std::uint64_t* out) {
    hash_keys(hash, keys.subspan(first, count), out);
  };
}

/// `hashes(first, count, out)` of keys hashed already.
[[nodiscard]] inline auto hashes_of(std::span<const std::uint64_t> hashes) noexcept {
  return [hashes](std::size_t first, std::size_t count, std::uint64_t* out) {
    if (count != 0) std::memcpy(out, hashes.data() + first, 8 * count);
  };
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
