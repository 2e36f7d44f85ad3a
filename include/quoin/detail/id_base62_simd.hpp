// SPDX-License-Identifier: BSL-1.0
/// @file
/// Many 64-bit numbers to base62 text of 11 digits each, and back: which kernel for which processor
/// and alphabet, and what these leave over, one by one.
#ifndef QUOIN_DETAIL_ID_BASE62_SIMD_HPP
#define QUOIN_DETAIL_ID_BASE62_SIMD_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/id_base62_avx2.hpp>
#include <quoin/detail/id_base62_avx512.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_neon.hpp>
#include <quoin/detail/id_base62_number.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// Writes as many of `count` numbers as the kernel of `level` takes, and returns how many.
template <base62_alphabet Alphabet>
[[nodiscard]] std::size_t base62_write_steps([[maybe_unused]] isa level, [[maybe_unused]] char* out,
                                             [[maybe_unused]] const std::uint64_t* numbers,
                                             [[maybe_unused]] std::size_t count) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) return base62_write_steps_avx512<Alphabet>(out, numbers, count);
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (level == isa::avx2) return base62_write_steps_avx2<Alphabet>(out, numbers, count);
  }
#elif QUOIN_AARCH64
  if (level == isa::neon) return base62_write_steps_neon<Alphabet>(out, numbers, count);
#endif
  return 0;
}

/// Reads as many of `count` numbers as the kernel of `level` takes, without a fault in what it takes
/// at a time, and returns how many.
template <base62_alphabet Alphabet>
[[nodiscard]] std::size_t base62_read_steps([[maybe_unused]] isa level,
                                            [[maybe_unused]] const char* text,
                                            [[maybe_unused]] std::uint64_t* numbers,
                                            [[maybe_unused]] std::size_t count) noexcept {
#if QUOIN_X86_64
  if (level == isa::avx512) return base62_read_steps_avx512<Alphabet>(text, numbers, count);
  if constexpr (base62_rows_of<Alphabet>.usual) {
    if (level == isa::avx2) return base62_read_steps_avx2<Alphabet>(text, numbers, count);
  }
#elif QUOIN_AARCH64
  if (level == isa::neon) return base62_read_steps_neon<Alphabet>(text, numbers, count);
#endif
  return 0;
}

/// Writes `count` numbers, at `level`.
template <base62_alphabet Alphabet>
void base62_write_many(isa level, char* out, const std::uint64_t* numbers,
                       std::size_t count) noexcept {
  for (std::size_t i = base62_write_steps<Alphabet>(level, out, numbers, count); i < count; ++i) {
    base62_write<Alphabet>(out + i * base62_width_64, numbers[i]);
  }
}

/// Reads up to `count` numbers, at `level`, and returns how many: all, or those before the first
/// fault. What `numbers` hold from there on is unspecified.
template <base62_alphabet Alphabet>
[[nodiscard]] std::size_t base62_read_many(isa level, const char* text, std::uint64_t* numbers,
                                           std::size_t count) noexcept {
  for (std::size_t i = base62_read_steps<Alphabet>(level, text, numbers, count); i < count; ++i) {
    std::uint64_t n = 0;
    if (!base62_read<Alphabet>(text + i * base62_width_64, base62_width_64, n)) return i;
    numbers[i] = n;
  }
  return count;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
