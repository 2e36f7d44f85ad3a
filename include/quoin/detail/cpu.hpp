// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which instruction sets this process may use, found once at run time.
///
/// Batch kernels exist at up to four levels and are chosen per batch, never per key. The level is
/// the best that the processor has *and* the operating system saves (CPUID alone does not say the
/// latter: XCR0 is read too). The environment variable `QUOIN_ISA` = `scalar`, `neon`, `avx2` or
/// `avx512` lowers the choice, for tests and benchmarks; it never raises it.
#ifndef QUOIN_DETAIL_CPU_HPP
#define QUOIN_DETAIL_CPU_HPP

#include <quoin/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#if QUOIN_X86_64
#include <cpuid.h>
#endif

namespace quoin::inline QUOIN_ABI {

/// Levels of batch kernels. Every level gives the same results, bit for bit.
enum class isa : std::uint8_t {
  scalar,  ///< portable C++ (on x86-64: SSE2, on AArch64: what the compiler makes of it)
  neon,    ///< AArch64 Advanced SIMD
  avx2,    ///< x86-64 with AVX2, BMI1, BMI2, LZCNT, POPCNT, SSE4.2 (Haswell 2013, Zen 2017)
  avx512,  ///< the above and AVX-512 F, BW, DQ, VL, VBMI, IFMA (Ice Lake 2019, Zen 4 2022)
};

/// The name that `QUOIN_ISA` takes for `level`.
[[nodiscard]] constexpr std::string_view to_string(isa level) noexcept {
  switch (level) {
    case isa::neon:
      return "neon";
    case isa::avx2:
      return "avx2";
    case isa::avx512:
      return "avx512";
    default:
      return "scalar";
  }
}

namespace detail {

#if QUOIN_X86_64
/// The operating system's share of the answer: which register state it saves (XCR0).
inline std::uint64_t saved_register_state() noexcept {
  std::uint32_t lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return lo | (static_cast<std::uint64_t>(hi) << 32);
}

inline isa detect_isa() noexcept {
  std::uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return isa::scalar;
  constexpr std::uint32_t leaf1 =
      1u << 20 | 1u << 23 | 1u << 27 | 1u << 28;  // SSE4.2 POPCNT OSXSAVE AVX
  if ((c & leaf1) != leaf1) return isa::scalar;
  const std::uint64_t saved = saved_register_state();
  if ((saved & 0x6) != 0x6) return isa::scalar;  // XMM, YMM
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) == 0 || (c & 1u << 5) == 0)
    return isa::scalar;  // LZCNT
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return isa::scalar;
  constexpr std::uint32_t avx2 = 1u << 3 | 1u << 5 | 1u << 8;  // BMI1 AVX2 BMI2
  if ((b & avx2) != avx2) return isa::scalar;
  constexpr std::uint32_t avx512 =
      1u << 16 | 1u << 17 | 1u << 21 | 1u << 30 | 1u << 31;  // F DQ IFMA BW VL
  constexpr std::uint32_t vbmi = 1u << 1;                    // in ECX
  const bool has_avx512 = (b & avx512) == avx512 && (c & vbmi) != 0 && (saved & 0xe6) == 0xe6;
  return has_avx512 ? isa::avx512 : isa::avx2;
}
#elif QUOIN_AARCH64
inline isa detect_isa() noexcept { return isa::neon; }  // part of the base architecture
#else
inline isa detect_isa() noexcept { return isa::scalar; }
#endif

/// `wanted` (a value of `QUOIN_ISA`) if it names a level below `best`, else `best`.
[[nodiscard]] constexpr isa lower_isa(isa best, std::string_view wanted) noexcept {
  for (const isa level : {isa::scalar, isa::neon, isa::avx2, isa::avx512}) {
    if (level < best && wanted == to_string(level)) {
      return level == isa::neon ? isa::scalar : level;  // x86-64 has no NEON: the next lower level
    }
  }
  return best;
}

/// The best level of this machine, whatever `QUOIN_ISA` says.
inline isa best_isa() noexcept {
  static const isa best = detect_isa();
  return best;
}

/// Size of a core's own level-2 cache in bytes: what lies inside it needs no prefetch. A guess
/// where the processor does not say. It steers speed only, never a result.
inline std::size_t l2_cache_bytes() noexcept {
  static const std::size_t bytes = [] {
    std::size_t kib = 512;
#if QUOIN_X86_64
    std::uint32_t a, b, c, d;
    if (__get_cpuid(0x80000006, &a, &b, &c, &d) != 0 && c >> 16 != 0) kib = c >> 16;
#endif
    return kib * 1024;
  }();
  return bytes;
}

/// Calls `f(level)` for each level that can run here, lowest first: how tests reach every kernel.
template <class F>
void for_each_isa(F f) {
  for (const isa level : {isa::scalar, isa::neon, isa::avx2, isa::avx512}) {
    const bool x86_level = level == isa::avx2 || level == isa::avx512;
    if (level == isa::scalar || level == best_isa() || (x86_level && level < best_isa())) f(level);
  }
}

}  // namespace detail

/// The level that batch operations use in this process: the machine's best, or a lower one named in
/// the environment variable `QUOIN_ISA`. Read once, at the first call; thread-safe.
[[nodiscard]] inline isa active_isa() noexcept {
  static const isa active = [] {
    const char* wanted = std::getenv("QUOIN_ISA");
    return detail::lower_isa(detail::best_isa(), wanted == nullptr ? "" : wanted);
  }();
  return active;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
