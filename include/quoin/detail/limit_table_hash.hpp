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

/// SipHash-1-3 of any key under a secret seed: nobody who does not know the seed can tell which keys
/// share a line of a table, or find two that share a hash, better than by chance.
///
/// Takes what `quoin::hash` takes, and equal keys have equal hashes as there. That holds for keys of
/// bytes, integers, enums, floating point, pairs, tuples and arrays of them. A type that joins by its
/// own `quoin_hash` is first hashed by `quoin::hash` under the seed, which is no secret-keyed function:
/// give such keys to the `_hash` operations, hashed by your own.
struct secret_hash {
  using is_avalanching = void;
  using is_transparent = void;

  /// Names this function in serialized forms.
  static constexpr std::uint32_t id = 2;

  /// The function of `seed`: 64 random bits that nobody else knows.
  constexpr explicit secret_hash(std::uint64_t seed) noexcept
      : secret_{detail::mix(seed, 1), detail::mix(seed, 2)}, seed_(seed) {}

  template <class T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t operator()(
      const T& key) const noexcept {
    if constexpr (detail::has_quoin_hash<T>) {
      return of_word(quoin_hash(key, hash{seed_}));
    } else if constexpr (std::same_as<T, char>) {
      return of_word(static_cast<unsigned char>(key));  // signed here, unsigned there
    } else if constexpr (std::integral<T> && sizeof(T) <= 8) {
      return of_word(static_cast<std::uint64_t>(key));
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
      return of_word(hash{}(key));
    }
  }

 private:
  [[nodiscard]] constexpr std::uint64_t of_words(std::uint64_t first,
                                                 std::uint64_t second) const noexcept {
    detail::siphash_state s = start();
    s.add<1>(first);
    s.add<1>(second);
    return finish(s, 16);
  }

  [[nodiscard]] constexpr std::uint64_t of_word(std::uint64_t word) const noexcept {
    detail::siphash_state s = start();
    s.add<1>(word);
    return finish(s, 8);
  }

  [[nodiscard]] constexpr detail::siphash_state start() const noexcept {
    return {secret_.k0 ^ 0x736f6d6570736575u, secret_.k1 ^ 0x646f72616e646f6du,
            secret_.k0 ^ 0x6c7967656e657261u, secret_.k1 ^ 0x7465646279746573u};
  }

  [[nodiscard]] static constexpr std::uint64_t finish(detail::siphash_state s,
                                                      std::uint64_t size) noexcept {
    s.add<1>(size << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  }

  siphash_key secret_;
  std::uint64_t seed_;
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
