// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the compiler and the target offer: the only macros of the library besides the version.
///
/// No layout, no result and no inline function body may depend on `-m` flags: the linker keeps one
/// body of an inline function for the whole program. So nothing here tests `__AVX2__` and the like;
/// kernels carry their instruction set as a function attribute and are chosen at run time (see
/// `detail/cpu.hpp`).
#ifndef QUOIN_DETAIL_CONFIG_HPP
#define QUOIN_DETAIL_CONFIG_HPP

#include <quoin/version.hpp>

/// 1 when the translation unit has exceptions. Without them a caller's mistake goes to
/// `quoin::set_failure_handler`.
#if defined(__cpp_exceptions)
#define QUOIN_HAS_EXCEPTIONS 1
#else
#define QUOIN_HAS_EXCEPTIONS 0
#endif

/// Define `QUOIN_NO_SIMD`, in all of a program or none, for a build with portable code only. It
/// changes speed, never results.
#if defined(__x86_64__) && !defined(QUOIN_NO_SIMD)
#define QUOIN_X86_64 1
#else
#define QUOIN_X86_64 0
#endif
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) && \
    !defined(QUOIN_NO_SIMD)
#define QUOIN_AARCH64 1
#else
#define QUOIN_AARCH64 0
#endif

/// The checked tests make it `inline`: each hot function is then compiled once a program.
#ifndef QUOIN_ALWAYS_INLINE
#define QUOIN_ALWAYS_INLINE inline __attribute__((always_inline))
#endif
/// For what a hot function must not carry: error paths.
#define QUOIN_COLD __attribute__((noinline, cold))

/// Instruction sets of the kernels, as function attributes. A lambda inside does not inherit them.
#ifndef QUOIN_TARGET_AVX2
#define QUOIN_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,sse4.2")))
#endif
#ifndef QUOIN_TARGET_AVX512
#define QUOIN_TARGET_AVX512                                                       \
  __attribute__((                                                                 \
      target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512ifma,avx2,bmi," \
             "bmi2,lzcnt,popcnt,sse4.2")))
#endif

/// Around kernels with AVX-512 intrinsics: GCC 12 finds its own `_mm512_undefined_epi32`
/// uninitialized (PR 105593), in every program that inlines one.
#if defined(__GNUC__) && !defined(__clang__)
#define QUOIN_BEGIN_AVX512                                                             \
  _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wuninitialized\"") \
      _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define QUOIN_END_AVX512 _Pragma("GCC diagnostic pop")
#else
#define QUOIN_BEGIN_AVX512
#define QUOIN_END_AVX512
#endif

/// `QUOIN_ASSERT(condition)` guards the library's own invariants. It does nothing unless defined by
/// the user before the first include (the tests define it as a hard check).
#ifndef QUOIN_ASSERT
#define QUOIN_ASSERT(condition) static_cast<void>(0)
#endif

#endif
