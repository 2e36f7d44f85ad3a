// SPDX-License-Identifier: BSL-1.0
/// @file
/// The hash of keys: one 64-bit value per key, the same on every platform, today and in ten years.
///
/// Use it for anything that is stored, sent or compared with another machine's; all sketches and
/// filters here take it by default. It is not secret-keyed: with a random `seed` it survives
/// accidents, not an attacker who sees its effects; then hash with `siphash.hpp` and pass the
/// result to the `…_hash` operations.
///
/// Guarantee   equal keys, equal hashes: integers and enums by value whatever their width,
///             all strings and byte ranges by content, pairs and tuples element by element.
///             Integers never collide in all 64 bits. Every input bit flips every output bit with
///             probability 1/2 (tested). Golden values hold it still.
/// Cost        integers ~1 ns alone, less than half of it in batches; strings as XXH3-64.
/// Threads     a pure function.
/// Source      strings: XXH3-64 with the seed; integers: detail/hash_mix.hpp; docs/hash.md.
///
/// @code
/// std::uint64_t a = quoin::hash{}("user:42");            // == quoin::xxh3_64("user:42")
/// std::uint64_t b = quoin::hash{.seed = 7}(42);          // any integer, enum, floating point
/// std::uint64_t c = quoin::hash{}(std::pair("eu", 42));  // == quoin::hash{}("eu", 42)
/// struct point { int x, y; };                            // a type of your own joins by ADL:
/// constexpr std::uint64_t quoin_hash(const point& p, quoin::hash h) { return h(p.x, p.y); }
/// @endcode
#ifndef QUOIN_HASH_HASH_HPP
#define QUOIN_HASH_HASH_HPP

#include <quoin/detail/hash_mix.hpp>
#include <quoin/hash/xxh3.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace quoin::inline QUOIN_ABI {

struct hash;

namespace detail {

template <class T>
concept has_quoin_hash = requires(const T& key, const hash& h) {
  { quoin_hash(key, h) } -> std::same_as<std::uint64_t>;
};

template <class T>
concept tuple_like = requires {
  std::tuple_size<T>::value;
};

template <class T>
concept c_string = std::same_as < std::decay_t<T>,
const char* > || std::same_as<std::decay_t<T>, char*>;

}  // namespace detail

/// The default hasher. A value type: two with the same `seed` are the same function.
///
/// `operator()` takes integers, enums, `float` and `double` (0.0 equals −0.0, all NaN are one),
/// everything with bytes in a row (string literals, `std::string`, `std::span<const std::byte>`,
/// …), `const char*` (up to its zero), pairs, tuples, arrays, and types with a `quoin_hash` found
/// by ADL. Other pointers are refused: an address is not stable.
struct hash {
  using is_avalanching = void;  ///< every bit of the result is good: no mixing needed
  using is_transparent = void;  ///< takes any key type

  /// Names this function in serialized forms.
  static constexpr std::uint32_t id = 1;

  std::uint64_t seed = 0;  ///< any value; another seed gives another function

  /// The hash of one key.
  template <class T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t operator()(
      const T& key) const noexcept {
    if constexpr (detail::has_quoin_hash<T>) {
      return quoin_hash(key, *this);
    } else if constexpr (std::same_as<T, char>) {
      return detail::mix(static_cast<unsigned char>(key), seed);  // signed here, unsigned there
    } else if constexpr (std::integral<T> && sizeof(T) <= 8) {    // no 128-bit extensions
      return detail::mix(static_cast<std::uint64_t>(key), seed);
    } else if constexpr (std::is_enum_v<T>) {
      return (*this)(static_cast<std::underlying_type_t<T>>(key));
    } else if constexpr (std::same_as<T, float> || std::same_as<T, double>) {
      return detail::mix(canonical_bits(key), seed);
    } else if constexpr (detail::byte_range<T>) {
      return xxh3_64(key, seed);
    } else if constexpr (detail::c_string<T>) {
      return xxh3_64(std::string_view(key), seed);
    } else if constexpr (detail::tuple_like<T>) {
      return std::apply(*this, key);
    } else {
      static_assert(
          !sizeof(T*),
          "quoin::hash: no hash for this type: give it a function found by ADL, "
          "std::uint64_t quoin_hash(const T& key, quoin::hash h) { return h(key.member, …); }");
    }
  }

  /// The hash of several values in order: each is hashed with the hash of those before as its seed.
  template <class T, class... More>
  requires(sizeof...(More) > 0) [[nodiscard]] constexpr std::uint64_t operator()(
      const T& first, const More&... more) const noexcept {
    return hash{(*this)(first)}(more...);
  }

  /// The hash of nothing: of an empty tuple.
  [[nodiscard]] constexpr std::uint64_t operator()() const noexcept { return detail::mix(0, seed); }

  /// `out[i] = (*this)(keys[i])` for all keys; 4- and 8-byte integers go through SIMD kernels.
  /// `keys` is a contiguous range; `out` has at least as many elements (else nothing beyond it is
  /// written and the rest of the keys is left out).
  template <class Keys>
  void hash_many(const Keys& keys, std::span<std::uint64_t> out) const noexcept {
    const std::span all(keys);
    const std::size_t n = all.size() < out.size() ? all.size() : out.size();
    using key_type = std::remove_cv_t<typename decltype(all)::element_type>;
    if constexpr (detail::batch_integer<key_type> && !detail::has_quoin_hash<key_type>) {
      detail::mix_many_of<key_type>(active_isa())(all.data(), n, seed, out.data());
    } else {
      for (std::size_t i = 0; i < n; ++i) out[i] = (*this)(all[i]);
    }
  }

  friend constexpr bool operator==(const hash&, const hash&) = default;

 private:
  /// The bits of `x` as a double, with one zero and one NaN.
  static constexpr std::uint64_t canonical_bits(double x) noexcept {
    if (x == 0) return 0;
    return x != x ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(x);
  }
};

/// True when all 64 bits of what `Hash` returns are as good as random, so that it needs no mixing:
/// `Hash::is_avalanching` exists and is not a false constant (the convention of Boost.Unordered and
/// ankerl::unordered_dense).
template <class Hash>
inline constexpr bool is_avalanching_v = [] {
  if constexpr (requires { typename Hash::is_avalanching; }) {
    if constexpr (requires { Hash::is_avalanching::value; })
      return bool{Hash::is_avalanching::value};
    return true;
  }
  return false;
}();

namespace detail {

/// A hasher for keys of type `Key`.
template <class Hash, class Key>
concept hashes = requires(const Hash& h, const Key& key) {
  { h(key) } -> std::convertible_to<std::uint64_t>;
};

/// The 64 good bits of `key` under `h`: mixed here when `h` does not mix.
template <class Hash, class Key>
requires hashes<Hash, Key>
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t hash_key(const Hash& h, const Key& key) {
  const auto value = h(key);
  if constexpr (is_avalanching_v<Hash> && sizeof value >= 8) {
    return static_cast<std::uint64_t>(value);
  } else {
    return mix(static_cast<std::uint64_t>(value), 0);
  }
}

/// `out[i] = hash_key(h, keys[i])`.
template <class Hash, class Key>
void hash_keys(const Hash& h, std::span<Key> keys, std::uint64_t* out) {
  if constexpr (std::same_as<Hash, hash>) {
    h.hash_many(keys, std::span(out, keys.size()));
  } else {
    for (std::size_t i = 0; i < keys.size(); ++i) out[i] = hash_key(h, keys[i]);
  }
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
