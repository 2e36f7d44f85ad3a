// SPDX-License-Identifier: BSL-1.0
/// @file
/// The hash of keys that an attacker picks, and where its secret comes from.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_HASH_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_HASH_HPP

#include <quoin/detail/keys.hpp>
#include <quoin/hash/hash.hpp>
#include <quoin/hash/siphash.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>
#elif defined(__unix__)
#include <unistd.h>
#endif

namespace quoin::inline QUOIN_ABI {

/// A hash of any key under a secret seed, safe from whoever picks the keys and does not know the seed.
///
/// Bytes are hashed by SipHash-1-3: a pseudorandom function as far as is known. Numbers, in a tenth of
/// its instructions, by a strongly universal function (Dietzfelbinger 1996), then mixed: of any two
/// that were picked without knowing hashes, the hashes are as good as independent, so that nobody aims
/// at a line or a collision better than by chance; it is not proved of those who can watch lines.
///
/// Takes what `quoin::hash` takes: integers, enums, floating point, bytes, and pairs, tuples and arrays
/// of them. A type that joins by its own `quoin_hash` is hashed by `quoin::hash` under the seed first,
/// which is not safe in this sense: give such keys to the `_hash` operations, hashed by your own.
struct secret_hash {
  using is_avalanching = void;
  using is_transparent = void;

  /// Names this function in serialized forms.
  static constexpr std::uint32_t id = 2;

  /// The function of `seed`: 64 random bits that nobody else knows.
  constexpr explicit secret_hash(std::uint64_t seed) noexcept
      : secret_{detail::mix(seed, 1), detail::mix(seed, 2)}, seed_(seed) {
    for (std::uint64_t i = 0; i < 4; ++i) factor_[i] = of_words(seed, i);
  }

  template <class T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t operator()(
      const T& key) const noexcept {
    if constexpr (detail::has_quoin_hash<T>) {
      return of_number(quoin_hash(key, hash{seed_}));
    } else if constexpr (std::same_as<T, char>) {
      return of_number(static_cast<unsigned char>(key));  // signed here, unsigned there
    } else if constexpr (std::integral<T> && sizeof(T) <= 8) {
      return of_number(static_cast<std::uint64_t>(key));
    } else if constexpr (std::is_enum_v<T>) {
      return (*this)(static_cast<std::underlying_type_t<T>>(key));
    } else if constexpr (detail::byte_range<T>) {
      return siphash_1_3(key, secret_);
    } else if constexpr (detail::c_string<T>) {
      return siphash_1_3(std::string_view(key), secret_);
    } else if constexpr (detail::tuple_like<T>) {
      return std::apply(
          [&](const auto&... each) {
            std::uint64_t chain = sizeof...(each);
            ((chain = of_words(chain, (*this)(each))), ...);
            return chain;
          },
          key);
    } else {  // floating point: quoin::hash knows which are equal, and is a bijection of the rest
      return of_number(hash{}(key));
    }
  }

 private:
  /// SipHash-1-3 of 16 bytes.
  [[nodiscard]] constexpr std::uint64_t of_words(std::uint64_t first,
                                                 std::uint64_t second) const noexcept {
    detail::siphash_state s{secret_.k0 ^ 0x736f6d6570736575u, secret_.k1 ^ 0x646f72616e646f6du,
                            secret_.k0 ^ 0x6c7967656e657261u, secret_.k1 ^ 0x7465646279746573u};
    for (const std::uint64_t word : {first, second, std::uint64_t{16} << 56}) s.add<1>(word);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  }

  /// The upper half of a · x + b in 128 bits, mixed.
  [[nodiscard]] constexpr std::uint64_t of_number(std::uint64_t x) const noexcept {
    const detail::uint128_halves low = detail::mul_full(factor_[0], x);
    const std::uint64_t carry = low.lo + factor_[2] < low.lo ? 1 : 0;
    return detail::mix(low.hi + factor_[1] * x + factor_[3] + carry, 0);
  }

  siphash_key secret_;
  std::uint64_t seed_;
  std::uint64_t factor_[4] = {};  ///< a and b, the lower half first
};

namespace detail {

/// 64 bits from the operating system that nobody can guess; not 0.
[[nodiscard]] QUOIN_COLD inline std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  while (seed == 0) {
#if defined(__linux__)
    const bool drawn = getrandom(&seed, sizeof seed, 0) == sizeof seed;
#elif defined(__unix__) || defined(__APPLE__)
    const bool drawn = getentropy(&seed, sizeof seed) == 0;
#else
    const bool drawn = false;
#endif
    if (!drawn) fail("quoin: the system gives no random bits: say .seed");
  }
  return seed;
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
