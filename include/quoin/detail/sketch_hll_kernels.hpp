// SPDX-License-Identifier: BSL-1.0
/// @file
/// Batch kernels of HyperLogLog: which hashes raise a register, and the tally of registers on the
/// way through a merge.
///
/// An update in two passes: the first, which only reads, compares all hashes with their registers
/// and lists, without a branch, those that may raise one; the second does the few that are left
/// (one in 30 by the time n = 256 m) with all that hangs on a change. In one pass the branch on
/// "raises" is mispredicted while the sketch fills, and a store may be to the next load's address.
///
/// The tally is Σ 2^(q − r) over bytes r. Nearly all registers of a sketch lie within sixteen ranks
/// (outside: one in 4000), so two byte shuffles turn 32 registers into 2^(15 − (r − base)), high and
/// low byte, and the sum of absolute differences adds them up; the rare ones are added by hand.
#ifndef QUOIN_DETAIL_SKETCH_HLL_KERNELS_HPP
#define QUOIN_DETAIL_SKETCH_HLL_KERNELS_HPP

#include <quoin/detail/cpu.hpp>
#include <quoin/detail/sketch_hll_registers.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

#if QUOIN_X86_64
#include <immintrin.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// Hashes per call of `insert`.
inline constexpr std::size_t hll_batch = 256;

/// The bit of a register that several hashes were for.
inline constexpr std::uint32_t hll_mark = 0x80;

/// One level's kernels.
struct hll_kernels {
  /// Writes the tokens of `n` hashes.
  void (*make_tokens)(const std::uint64_t* hashes, std::size_t n, std::uint32_t* out) noexcept;
  /// Sets registers that are 0 by `n` hashes, and marks the others that these are for. Returns how
  /// many hashes that were.
  std::size_t (*set_or_mark)(std::uint8_t* registers, unsigned precision,
                             const std::uint64_t* hashes, std::size_t n) noexcept;
  /// Moves those of `n` hashes whose registers are marked to the front; returns how many.
  std::size_t (*keep_marked)(const std::uint8_t* registers, unsigned precision,
                             std::uint64_t* hashes, std::size_t n) noexcept;
  /// Does the updates of `n` ≤ `hll_batch` hashes, in order.
  void (*insert)(std::uint8_t* registers, unsigned precision, const std::uint64_t* hashes,
                 std::size_t n, hll_tally& tally, hll_stream& stream) noexcept;
  /// The tally of `2^precision` registers.
  hll_tally (*tally)(const std::uint8_t* registers, unsigned precision) noexcept;
  /// The tally of the union of `a` and `b`.
  hll_tally (*tally_union)(const std::uint8_t* a, const std::uint8_t* b,
                           unsigned precision) noexcept;
  /// Makes `a` the union of `a` and `b`; returns its tally.
  hll_tally (*merge)(std::uint8_t* a, const std::uint8_t* b, unsigned precision) noexcept;
};

QUOIN_ALWAYS_INLINE void hll_make_tokens(const std::uint64_t* hashes, std::size_t n,
                                         std::uint32_t* out) noexcept {
#pragma GCC unroll 4
  for (std::size_t i = 0; i < n; ++i) out[i] = hll_token(hashes[i]);
}

inline void hll_make_tokens_scalar(const std::uint64_t* hashes, std::size_t n,
                                   std::uint32_t* out) noexcept {
  hll_make_tokens(hashes, n, out);
}

QUOIN_ALWAYS_INLINE std::size_t hll_set_or_mark(std::uint8_t* registers, unsigned precision,
                                                const std::uint64_t* hashes,
                                                std::size_t n) noexcept {
  std::size_t marks = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < n; ++i) {
    const hll_update update = hll_update_of(hashes[i], precision);
    const std::uint32_t mark = registers[update.index] != 0;
    registers[update.index] = static_cast<std::uint8_t>(update.rank | mark << 7);
    marks += mark;
  }
  return marks;
}

inline std::size_t hll_set_or_mark_scalar(std::uint8_t* registers, unsigned precision,
                                          const std::uint64_t* hashes, std::size_t n) noexcept {
  return hll_set_or_mark(registers, precision, hashes, n);
}

QUOIN_ALWAYS_INLINE std::size_t hll_keep_marked(const std::uint8_t* registers, unsigned precision,
                                                std::uint64_t* hashes, std::size_t n) noexcept {
  std::size_t kept = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t hash = hashes[i];
    hashes[kept] = hash;
    kept += static_cast<std::size_t>(registers[hash >> (64 - precision)] >> 7);
  }
  return kept;
}

inline std::size_t hll_keep_marked_scalar(const std::uint8_t* registers, unsigned precision,
                                          std::uint64_t* hashes, std::size_t n) noexcept {
  return hll_keep_marked(registers, precision, hashes, n);
}

QUOIN_ALWAYS_INLINE void hll_insert(std::uint8_t* registers, unsigned precision,
                                    const std::uint64_t* hashes, std::size_t n, hll_tally& tally,
                                    hll_stream& stream) noexcept {
  std::uint32_t raises[hll_batch];  // index (at most 21 bits) and 8 bits of rank
  std::size_t count = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < n; ++i) {
    const hll_update update = hll_update_of(hashes[i], precision);
    raises[count] = update.index << 8 | update.rank;
    count += update.rank > registers[update.index];
  }
  hll_tally new_tally = tally;  // copies, which stores to bytes cannot change
  hll_stream new_stream = stream;
  for (std::size_t i = 0; i < count; ++i) {
    hll_raise(registers, precision, {raises[i] >> 8, raises[i] & 0xff}, new_tally, new_stream);
  }
  tally = new_tally;
  stream = new_stream;
}

inline void hll_insert_scalar(std::uint8_t* registers, unsigned precision,
                              const std::uint64_t* hashes, std::size_t n, hll_tally& tally,
                              hll_stream& stream) noexcept {
  hll_insert(registers, precision, hashes, n, tally, stream);
}

/// Where a walk over two rows of registers gets its bytes and leaves them.
enum class hll_walk { one, two, merging };

template <hll_walk Walk>
QUOIN_ALWAYS_INLINE hll_tally hll_tally_scalar(const std::uint8_t* a, const std::uint8_t* b,
                                               std::uint8_t* out, unsigned precision) noexcept {
  hll_tally tally;
  for (std::size_t i = 0; i < std::size_t{1} << precision; ++i) {
    const std::uint8_t rank = Walk == hll_walk::one ? a[i] : max_of(a[i], b[i]);
    if constexpr (Walk == hll_walk::merging) out[i] = rank;
    hll_count(tally, precision, rank);
  }
  return tally;
}

#if QUOIN_X86_64

QUOIN_TARGET_AVX2 inline void hll_make_tokens_avx2(const std::uint64_t* hashes, std::size_t n,
                                                   std::uint32_t* out) noexcept {
  hll_make_tokens(hashes, n, out);
}

// The portable code with LZCNT and the shifts of BMI2.
QUOIN_TARGET_AVX2 inline std::size_t hll_set_or_mark_avx2(std::uint8_t* registers,
                                                          unsigned precision,
                                                          const std::uint64_t* hashes,
                                                          std::size_t n) noexcept {
  return hll_set_or_mark(registers, precision, hashes, n);
}

QUOIN_TARGET_AVX2 inline std::size_t hll_keep_marked_avx2(const std::uint8_t* registers,
                                                          unsigned precision, std::uint64_t* hashes,
                                                          std::size_t n) noexcept {
  return hll_keep_marked(registers, precision, hashes, n);
}

QUOIN_TARGET_AVX2 inline void hll_insert_avx2(std::uint8_t* registers, unsigned precision,
                                              const std::uint64_t* hashes, std::size_t n,
                                              hll_tally& tally, hll_stream& stream) noexcept {
  hll_insert(registers, precision, hashes, n, tally, stream);
}

#endif

#if QUOIN_X86_64 || QUOIN_AARCH64

/// The least of the sixteen ranks to serve by shuffle: four below the logarithm of the registers'
/// harmonic mean, by the first 64 of them. The highest keeps saturated registers out.
[[nodiscard]] inline unsigned hll_window(const std::uint8_t* a, const std::uint8_t* b,
                                         unsigned precision) noexcept {
  std::uint64_t sum = 1;
  for (std::size_t i = 0; i < 64; ++i) sum += hll_weight(precision, max_of(a[i], b[i]));
  const unsigned mean =
      64 - precision + 6 - min_of(70 - precision, static_cast<unsigned>(std::bit_width(sum) - 1));
  return min_of(mean < 4 ? 0 : mean - 4, 49 - precision);
}

#endif

#if QUOIN_X86_64

/// The registers outside the window among 128: the shuffles left out one below, and took one above
/// for sixteen (or 32, …) ranks less. Apart, for it would cost the loop its registers.
QUOIN_TARGET_AVX2 QUOIN_COLD inline void hll_recount_avx2(const std::uint8_t* a,
                                                          const std::uint8_t* b, unsigned precision,
                                                          unsigned base,
                                                          hll_tally& tally) noexcept {
  const __m256i top = _mm256_set1_epi8(15);
  const __m256i first = _mm256_set1_epi8(static_cast<char>(base));
  for (std::size_t i = 0; i < 128; i += 32) {
    const __m256i rank =
        _mm256_max_epu8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
    const __m256i place = _mm256_sub_epi8(rank, first);
    const __m256i inside = _mm256_cmpeq_epi8(_mm256_min_epu8(place, top), place);
    auto outside = ~static_cast<unsigned>(_mm256_movemask_epi8(inside));
    for (; outside != 0; outside &= outside - 1) {
      const std::size_t at = i + static_cast<unsigned>(__builtin_ctz(outside));
      const unsigned r = max_of(a[at], b[at]);
      hll_count(tally, precision, r);
      if (r > base) tally.chance -= hll_weight(precision, base + (r - base) % 16);
    }
  }
}

/// Needs 128 registers or more. `b` is `a` for a walk over one row.
template <hll_walk Walk, bool CountZeros>
QUOIN_TARGET_AVX2 hll_tally hll_tally_window_avx2(const std::uint8_t* a, const std::uint8_t* b,
                                                  std::uint8_t* out, unsigned precision,
                                                  unsigned base) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i first = _mm256_set1_epi8(static_cast<char>(base));
  const __m256i beyond = _mm256_set1_epi8(-16);  // bits of a place that is none of the sixteen
  const __m256i high_bytes = _mm256_setr_epi8(-128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0,
                                              -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i low_bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1,
                                             0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1);
  __m256i high = zero, low = zero, zeros = zero;
  hll_tally tally;
  for (std::size_t i = 0; i < std::size_t{1} << precision; i += 128) {
    __m256i all = zero, zeros_here = zero;
#pragma GCC unroll 4
    for (std::size_t at = i; at < i + 128; at += 32) {
      __m256i rank = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + at));
      if constexpr (Walk != hll_walk::one) {
        rank = _mm256_max_epu8(rank, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + at)));
      }
      if constexpr (Walk == hll_walk::merging) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + at), rank);
      }
      if constexpr (CountZeros) {
        zeros_here = _mm256_sub_epi8(zeros_here, _mm256_cmpeq_epi8(rank, zero));
      }
      const __m256i place = _mm256_sub_epi8(rank, first);
      high = _mm256_add_epi64(high, _mm256_sad_epu8(_mm256_shuffle_epi8(high_bytes, place), zero));
      low = _mm256_add_epi64(low, _mm256_sad_epu8(_mm256_shuffle_epi8(low_bytes, place), zero));
      all = _mm256_or_si256(all, place);
    }
    if constexpr (CountZeros) zeros = _mm256_add_epi64(zeros, _mm256_sad_epu8(zeros_here, zero));
    if (_mm256_testz_si256(all, beyond) == 0) {
      hll_recount_avx2(a + i, b + i, precision, base, tally);
    }
  }
  alignas(32) std::uint64_t sums[3][4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums[0]), high);
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums[1]), low);
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums[2]), zeros);
  const unsigned scale = 49 - precision - base;  // q - 15 - base
  for (unsigned lane = 0; lane < 4; ++lane) {
    tally.chance += sums[0][lane] << (scale + 8);
    tally.chance += sums[1][lane] << scale;
    tally.zeros += static_cast<std::uint32_t>(sums[2][lane]);
  }
  return tally;
}

template <hll_walk Walk>
QUOIN_TARGET_AVX2 inline hll_tally hll_tally_avx2(const std::uint8_t* a, const std::uint8_t* b,
                                                  std::uint8_t* out, unsigned precision) noexcept {
  if (precision < 7) return hll_tally_scalar<Walk>(a, b, out, precision);
  const unsigned base = hll_window(a, b, precision);
  return base == 0 ? hll_tally_window_avx2<Walk, true>(a, b, out, precision, 0)
                   : hll_tally_window_avx2<Walk, false>(a, b, out, precision, base);
}

#endif

/// The kernels of a level. (AVX-512 brings nothing here that was measured.)
[[nodiscard]] inline hll_kernels hll_kernels_of([[maybe_unused]] isa level) noexcept {
#if QUOIN_X86_64
  if (level >= isa::avx2) {
    return {&hll_make_tokens_avx2,
            &hll_set_or_mark_avx2,
            &hll_keep_marked_avx2,
            &hll_insert_avx2,
            [](const std::uint8_t* a, unsigned p) noexcept {
              return hll_tally_avx2<hll_walk::one>(a, a, nullptr, p);
            },
            [](const std::uint8_t* a, const std::uint8_t* b, unsigned p) noexcept {
              return hll_tally_avx2<hll_walk::two>(a, b, nullptr, p);
            },
            [](std::uint8_t* a, const std::uint8_t* b, unsigned p) noexcept {
              return hll_tally_avx2<hll_walk::merging>(a, b, a, p);
            }};
  }
#endif
  return {&hll_make_tokens_scalar,
          &hll_set_or_mark_scalar,
          &hll_keep_marked_scalar,
          &hll_insert_scalar,
          [](const std::uint8_t* a, unsigned p) noexcept {
            return hll_tally_scalar<hll_walk::one>(a, a, nullptr, p);
          },
          [](const std::uint8_t* a, const std::uint8_t* b, unsigned p) noexcept {
            return hll_tally_scalar<hll_walk::two>(a, b, nullptr, p);
          },
          [](std::uint8_t* a, const std::uint8_t* b, unsigned p) noexcept {
            return hll_tally_scalar<hll_walk::merging>(a, b, a, p);
          }};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
