// SPDX-License-Identifier: BSL-1.0
/// @file
/// CRC-32C on the state between the two inversions: portable, and with the processor's instruction.
///
/// Polynomials are kept reflected, as the CRC itself: bit 31 is the coefficient of x^0.
/// Source: RFC 3720, 12.1 and B.4; three streams: Gopal et al. 2011, "Fast CRC computation for
/// iSCSI polynomial using CRC32 instruction".
#ifndef QUOIN_DETAIL_HASH_CRC32C_HPP
#define QUOIN_DETAIL_HASH_CRC32C_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/config.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/hash_crc.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

#if QUOIN_AARCH64 && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint32_t crc32c_polynomial = 0x82f63b78u;

[[nodiscard]] constexpr std::uint32_t crc32c_times_x(std::uint32_t a) noexcept {
  return crc_times_x<crc32c_polynomial>(a);
}

/// `a` times `b`.
[[nodiscard]] constexpr std::uint32_t crc32c_times(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1, b = crc32c_times_x(b)) {
    if ((a & bit) != 0) product ^= b;
  }
  return product;
}

template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t crc32c_portable(std::uint32_t state, const Byte* p,
                                                      std::size_t size) noexcept {
  return crc_portable<crc32c_polynomial>(state, p, size);
}

#if QUOIN_X86_64 || QUOIN_AARCH64

/// Entry `[k][i]` is what byte `k` of the state, being `i`, becomes when `Block` zero bytes follow.
/// `Block` is a power of 2.
template <std::size_t Block>
inline constexpr std::array<crc_table, 4> crc32c_shift_tables = [] {
  std::uint32_t power = 0x00800000u;  // x^8
  for (std::size_t bytes = 1; bytes < Block; bytes *= 2) power = crc32c_times(power, power);
  std::array<crc_table, 4> tables{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      const std::size_t first = std::size_t{1} << bit;
      const std::uint32_t image = crc32c_times(std::uint32_t{1} << (8 * k + bit), power);
      for (std::size_t i = 0; i < first; ++i) tables[k][first + i] = tables[k][i] ^ image;
    }
  }
  return tables;
}();

/// `state` after `Block` more bytes of zero.
template <std::size_t Block>
[[nodiscard]] inline std::uint32_t crc32c_shift(std::uint32_t state) noexcept {
  const auto& tables = crc32c_shift_tables<Block>;
  return tables[0][state & 0xff] ^ tables[1][(state >> 8) & 0xff] ^
         tables[2][(state >> 16) & 0xff] ^ tables[3][state >> 24];
}

#if QUOIN_X86_64
#define QUOIN_TARGET_CRC32C QUOIN_TARGET_AVX2
// Builtins and not <immintrin.h>, which would make this header five times as dear to include.
QUOIN_TARGET_CRC32C QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step(std::uint64_t state,
                                                                  const unsigned char* p) noexcept {
  return __builtin_ia32_crc32di(state, load_le<std::uint64_t>(p));
}
QUOIN_TARGET_CRC32C QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step_half(
    std::uint64_t state, const unsigned char* p) noexcept {
  return __builtin_ia32_crc32si(static_cast<std::uint32_t>(state), load_le<std::uint32_t>(p));
}
QUOIN_TARGET_CRC32C QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step_byte(std::uint64_t state,
                                                                       unsigned char x) noexcept {
  return __builtin_ia32_crc32qi(static_cast<std::uint32_t>(state), x);
}
/// Whether the machine has the instruction: part of the level.
[[nodiscard]] inline bool crc32c_in_hardware(isa level) noexcept { return level >= isa::avx2; }
#else
#define QUOIN_TARGET_CRC32C
// Assembly and not <arm_acle.h>, which Clang 14 empties without -march=…+crc.
QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step(std::uint64_t state,
                                              const unsigned char* p) noexcept {
  auto crc = static_cast<std::uint32_t>(state);
  __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
          : "+r"(crc)
          : "r"(load_le<std::uint64_t>(p)));
  return crc;
}
QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step_half(std::uint64_t state,
                                                   const unsigned char* p) noexcept {
  auto crc = static_cast<std::uint32_t>(state);
  __asm__(".arch_extension crc\n\tcrc32cw %w0, %w0, %w1"
          : "+r"(crc)
          : "r"(load_le<std::uint32_t>(p)));
  return crc;
}
QUOIN_ALWAYS_INLINE std::uint64_t crc32c_step_byte(std::uint64_t state, unsigned char x) noexcept {
  auto crc = static_cast<std::uint32_t>(state);
  __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
          : "+r"(crc)
          : "r"(static_cast<std::uint32_t>(x)));
  return crc;
}
/// Whether the machine has the instruction, which the base architecture leaves out.
[[nodiscard]] inline bool crc32c_in_hardware(isa level) noexcept {
#if defined(__linux__)
  static const bool has_crc = (getauxval(AT_HWCAP) & (1u << 7)) != 0;  // HWCAP_CRC32
  return has_crc && level == isa::neon;
#elif defined(__APPLE__)
  return level == isa::neon;
#else
  static_cast<void>(level);
  return false;
#endif
}
#endif

/// All runs of three blocks: the instruction takes three cycles but starts in each, so three
/// streams go at once and are then joined.
template <std::size_t Block>
QUOIN_TARGET_CRC32C QUOIN_ALWAYS_INLINE std::uint64_t crc32c_triples(std::uint64_t state,
                                                                     const unsigned char*& p,
                                                                     std::size_t& size) noexcept {
  for (; size >= 3 * Block; size -= 3 * Block, p += 3 * Block) {
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < Block; i += 8) {
      state = crc32c_step(state, p + i);
      second = crc32c_step(second, p + Block + i);
      third = crc32c_step(third, p + 2 * Block + i);
    }
    state = crc32c_shift<Block>(static_cast<std::uint32_t>(state)) ^ second;
    state = crc32c_shift<Block>(static_cast<std::uint32_t>(state)) ^ third;
  }
  return state;
}

QUOIN_TARGET_CRC32C inline std::uint32_t crc32c_hardware(std::uint32_t state,
                                                         const unsigned char* p,
                                                         std::size_t size) noexcept {
  std::uint64_t wide = crc32c_triples<2048>(state, p, size);
  wide = crc32c_triples<128>(wide, p, size);
  for (; size >= 8; size -= 8, p += 8) wide = crc32c_step(wide, p);
  if (size >= 4) {
    wide = crc32c_step_half(wide, p);
    size -= 4;
    p += 4;
  }
  for (; size > 0; --size, ++p) wide = crc32c_step_byte(wide, *p);
  return static_cast<std::uint32_t>(wide);
}
#undef QUOIN_TARGET_CRC32C

#endif

/// The state after `size` more bytes, with what `level` offers.
[[nodiscard]] inline std::uint32_t crc32c_at(isa level, std::uint32_t state, const unsigned char* p,
                                             std::size_t size) noexcept {
#if QUOIN_X86_64 || QUOIN_AARCH64
  if (crc32c_in_hardware(level)) return crc32c_hardware(state, p, size);
#endif
  static_cast<void>(level);
  return crc32c_portable(state, p, size);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
