// SPDX-License-Identifier: BSL-1.0
/// @file
/// Many 64-bit numbers to base62 text of 11 digits each, and back, with NEON: eight at a time, in any
/// alphabet.
///
/// The kernels calculate as the portable code does, with four numbers below 62^4 in a register; what
/// splits a number into three, high halves of 64-bit products, stays scalar.
#ifndef QUOIN_DETAIL_ID_BASE62_NEON_HPP
#define QUOIN_DETAIL_ID_BASE62_NEON_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/id_base62_digits.hpp>
#include <quoin/detail/id_base62_number.hpp>
#include <quoin/detail/id_base62_sixteen.hpp>

#include <cstddef>
#include <cstdint>

#if QUOIN_AARCH64
#include <arm_neon.h>

namespace quoin::inline QUOIN_ABI::detail {

/// A table of 128 bytes in two halves: NEON looks up in 64 at a time.
struct base62_table_neon {
  uint8x16x4_t low, high;
};

/// What `base62_digits` does, for four numbers below 62^4.
///
/// ⌊2^20 / 62⌋ + 1 = 16913 is too large by less than 2^-15 of it, and pairs are below 2^12.
[[nodiscard]] QUOIN_ALWAYS_INLINE uint8x16_t base62_digits_neon(uint32x4_t fours) noexcept {
  const uint32x4_t reciprocal = vdupq_n_u32(base62_reciprocal_e2);
  const uint64x2_t low = vmull_u32(vget_low_u32(fours), vget_low_u32(reciprocal));
  const uint64x2_t high = vmull_high_u32(fours, reciprocal);
  const uint32x4_t first =
      vshrq_n_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)), 11);
  const uint32x4_t second = vmlsq_n_u32(fours, first, base62_e2);
  const int16x8_t pairs = vreinterpretq_s16_u32(vsliq_n_u32(first, second, 16));
  const int16x8_t tens = vshrq_n_s16(vqdmulhq_n_s16(pairs, 16913), 5);  // doubled: / 2^15
  const int16x8_t units = vmlsq_n_s16(pairs, tens, 62);
  return vreinterpretq_u8_s16(vsliq_n_s16(tens, units, 8));
}

/// Writes the texts of `base62_step` numbers.
QUOIN_ALWAYS_INLINE void base62_write_step_neon(char* out, const std::uint64_t* numbers,
                                                const uint8x16x4_t& characters) noexcept {
  std::uint64_t heads[base62_step / 2], tails[base62_step];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < base62_step; ++i) {
    const std::uint64_t head = numbers[i] / base62_e8;
    tails[i] = base62_fours(numbers[i] - head * base62_e8);
    heads[i / 2] = i % 2 == 0 ? head : heads[i / 2] | head << 32;
  }
  uint8x16_t three[2], eight[4];
  const auto text_of = [&characters](std::uint64_t first, std::uint64_t second) noexcept {
    const uint64x2_t fours = vcombine_u64(vcreate_u64(first), vcreate_u64(second));
    return vqtbl4q_u8(characters, base62_digits_neon(vreinterpretq_u32_u64(fours)));
  };
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) eight[i] = text_of(tails[2 * i], tails[2 * i + 1]);
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 2; ++i) {
    // The first digit of four is 0: three characters come first, then one that is written over.
    const uint8x16_t four = text_of(heads[2 * i], heads[2 * i + 1]);
    three[i] = vreinterpretq_u8_u32(vshrq_n_u32(vreinterpretq_u32_u8(four), 8));
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < base62_step; ++i, out += base62_width_64) {
    const uint64x2_t eights = vreinterpretq_u64_u8(eight[i / 2]);
    const uint32x4_t threes = vreinterpretq_u32_u8(three[i / 4]);
    store_le(out, i % 4 == 0   ? vgetq_lane_u32(threes, 0)
                  : i % 4 == 1 ? vgetq_lane_u32(threes, 1)
                  : i % 4 == 2 ? vgetq_lane_u32(threes, 2)
                               : vgetq_lane_u32(threes, 3));
    store_le(out + 3, i % 2 == 0 ? vgetq_lane_u64(eights, 0) : vgetq_lane_u64(eights, 1));
  }
}

/// Writes as many of `count` numbers as are whole steps, and returns how many.
template <base62_alphabet Alphabet>
std::size_t base62_write_steps_neon(char* out, const std::uint64_t* numbers,
                                    std::size_t count) noexcept {
  const uint8x16x4_t characters =
      vld1q_u8_x4(reinterpret_cast<const std::uint8_t*>(base62_characters_of<Alphabet>.characters));
  std::size_t i = 0;
  for (; count - i >= base62_step; i += base62_step, out += base62_step * base62_width_64) {
    base62_write_step_neon(out, numbers + i, characters);
  }
  return i;
}

/// The digit of each of 128 bytes and 1 more, and 0 for what is foreign, as NEON has it for an index
/// that is beyond a table.
template <base62_alphabet Alphabet>
struct base62_digits_and_one {
  std::uint8_t values[128] = {};

  constexpr base62_digits_and_one() noexcept {
    for (std::size_t i = 0; i < 62; ++i) {
      values[static_cast<unsigned char>(Alphabet[i])] = static_cast<std::uint8_t>(i + 1);
    }
  }
};

template <base62_alphabet Alphabet>
inline constexpr base62_digits_and_one<Alphabet> base62_digits_and_one_of{};

/// The values of each four digits.
[[nodiscard]] QUOIN_ALWAYS_INLINE uint32x4_t base62_fours_of_neon(uint8x16_t digits) noexcept {
  const uint16x8_t both = vreinterpretq_u16_u8(digits);
  const uint16x8_t tens = vandq_u16(both, vdupq_n_u16(0xff));
  const uint32x4_t pairs = vreinterpretq_u32_u16(vmlaq_n_u16(vshrq_n_u16(both, 8), tens, 62));
  const uint32x4_t first = vandq_u32(pairs, vdupq_n_u32(0xffff));
  return vmlaq_n_u32(vshrq_n_u32(pairs, 16), first, base62_e2);
}

/// The digits of 16 characters, each below 62 if `least` is then above 0 in all bytes.
[[nodiscard]] QUOIN_ALWAYS_INLINE uint8x16_t base62_digits_of_neon(uint8x16_t text,
                                                                   const base62_table_neon& table,
                                                                   uint8x16_t& least) noexcept {
  const uint8x16_t found =
      vqtbx4q_u8(vqtbl4q_u8(table.low, text), table.high, vsubq_u8(text, vdupq_n_u8(64)));
  least = vminq_u8(least, found);
  return vsubq_u8(found, vdupq_n_u8(1));
}

/// Two numbers of their three and eight first and last digits' values; lanes of `fits` become 0 where
/// one is beyond 64 bits.
[[nodiscard]] QUOIN_ALWAYS_INLINE uint64x2_t base62_join_neon(uint32x2_t head, uint32x4_t fours,
                                                              uint64x2_t& fits) noexcept {
  constexpr std::uint64_t largest = ~std::uint64_t{0} / base62_e8;  // of all values of a head
  const uint64x2_t both = vreinterpretq_u64_u32(fours);
  const uint64x2_t tail = vmlal_n_u32(vshrq_n_u64(both, 32), vmovn_u64(both), base62_e4);
  const uint64x2_t high = vmull_n_u32(head, static_cast<std::uint32_t>(base62_e8 >> 32));
  const uint64x2_t product =
      vmlal_n_u32(vshlq_n_u64(high, 32), head, static_cast<std::uint32_t>(base62_e8 & 0xffffffffu));
  const uint64x2_t n = vaddq_u64(product, tail);
  const uint64x2_t small = vcleq_u64(vmovl_u32(head), vdupq_n_u64(largest));
  fits = vandq_u64(fits, vandq_u64(small, vcgeq_u64(n, tail)));
  return n;
}

/// Reads `base62_step` numbers; false where one is at fault.
[[nodiscard]] QUOIN_ALWAYS_INLINE bool base62_read_step_neon(
    const char* text, std::uint64_t* numbers, const base62_table_neon& table) noexcept {
  uint8x16_t least = vdupq_n_u8(0xff);
  uint64x2_t fits = vdupq_n_u64(~std::uint64_t{0});
#pragma GCC unroll 2
  for (std::size_t half = 0; half < 2; ++half, text += base62_step / 2 * base62_width_64) {
    const auto three = [text](std::size_t i) noexcept {  // and one more
      return std::uint64_t{load_le<std::uint32_t>(text + i * base62_width_64)};
    };
    const auto eight = [text](std::size_t i) noexcept {
      return vcreate_u64(load_le<std::uint64_t>(text + i * base62_width_64 + 3));
    };
    const uint64x2_t threes = vcombine_u64(vcreate_u64(three(0) | three(1) << 32),
                                           vcreate_u64(three(2) | three(3) << 32));
    const uint8x16_t digits = base62_digits_of_neon(vreinterpretq_u8_u64(threes), table, least);
    // The digit that is not theirs goes, and a 0 comes first.
    const uint32x4_t heads =
        base62_fours_of_neon(vreinterpretq_u8_u32(vshlq_n_u32(vreinterpretq_u32_u8(digits), 8)));
#pragma GCC unroll 2
    for (std::size_t i = 0; i < 2; ++i) {
      const uint8x16_t eights = vreinterpretq_u8_u64(vcombine_u64(eight(2 * i), eight(2 * i + 1)));
      const uint32x4_t fours = base62_fours_of_neon(base62_digits_of_neon(eights, table, least));
      vst1q_u64(numbers + 4 * half + 2 * i,
                base62_join_neon(i == 0 ? vget_low_u32(heads) : vget_high_u32(heads), fours, fits));
    }
  }
  return vminvq_u8(least) != 0 && vminvq_u32(vreinterpretq_u32_u64(fits)) != 0;
}

/// Reads as many of `count` numbers as are whole steps without a fault, and returns how many.
template <base62_alphabet Alphabet>
[[nodiscard]] std::size_t base62_read_steps_neon(const char* text, std::uint64_t* numbers,
                                                 std::size_t count) noexcept {
  const std::uint8_t* const values = base62_digits_and_one_of<Alphabet>.values;
  const base62_table_neon table{vld1q_u8_x4(values), vld1q_u8_x4(values + 64)};
  std::size_t i = 0;
  for (; count - i >= base62_step; i += base62_step, text += base62_step * base62_width_64) {
    if (!base62_read_step_neon(text, numbers + i, table)) break;
  }
  return i;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif

#endif
