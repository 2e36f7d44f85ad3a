// SPDX-License-Identifier: BSL-1.0
/// @file
/// What `id_radix_words.hpp` needs of base 62.
#ifndef QUOIN_DETAIL_ID_BASE62_WORDS_HPP
#define QUOIN_DETAIL_ID_BASE62_WORDS_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/id_alphabet_rows.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>
#include <quoin/detail/id_radix_words.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

template <>
struct radix_kernel<62> {
  static constexpr std::uint64_t characters_per_byte = 5'770'676'104;
  static constexpr std::size_t bits_per_thousand = 5955;

  template <auto Alphabet, unsigned Drop = 0>
  static QUOIN_ALWAYS_INLINE constexpr void put_sixteen(char* out, radix_sixteen fours) noexcept {
    base62_put_sixteen<Alphabet, Drop>(out, {fours.first, fours.second});
  }

  template <auto Alphabet>
  [[nodiscard]] static QUOIN_ALWAYS_INLINE constexpr bool fours_of(radix_sixteen text,
                                                                   radix_sixteen& fours) noexcept {
    base62_sixteen numbers{};
    const bool good = base62_fours_of<Alphabet>({text.first, text.second}, numbers);
    fours = {numbers.first, numbers.second};
    return good;
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
