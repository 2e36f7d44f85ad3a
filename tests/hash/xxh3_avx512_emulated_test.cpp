// SPDX-License-Identifier: BSL-1.0
// The AVX-512 kernel on machines without AVX-512: compiled against SIMDe, which spells each
// intrinsic in portable code. A program of its own, for its inline functions are not those of
// others.
#include <gtest/gtest.h>

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors as arguments, without their registers

#include <immintrin.h>  // before SIMDe takes its names

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#define QUOIN_TARGET_AVX512
#include <quoin/hash/xxh3.hpp>

#include "hash_testing.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

TEST(xxh3_avx512_emulated, equals_the_portable_kernel) {
  const std::vector<unsigned char> bytes = random_bytes(4200 + 64);
  for (std::size_t size = 241; size <= 4200; ++size) {
    const unsigned char* const p = bytes.data() + size % 64;
    const std::uint64_t seed = size % 3 == 0 ? 0 : size * 0x9e3779b97f4a7c15u;
    ASSERT_EQ(detail::xxh3_long(p, size, seed, detail::xxh3_add_all_avx512),
              detail::xxh3_long(p, size, seed, detail::xxh3_add_all<unsigned char>))
        << size;
  }
}

}  // namespace

#else
TEST(xxh3_avx512_emulated, equals_the_portable_kernel) { GTEST_SKIP() << "needs x86-64 and SIMDe"; }
#endif
