// SPDX-License-Identifier: BSL-1.0
// The AVX-512 kernels of the filter and of the integer mixer on machines without AVX-512: compiled
// against SIMDe, which spells each intrinsic in portable code. A program of its own, for its inline
// functions are not those of others.
#include <gtest/gtest.h>

#if defined(__x86_64__) && __has_include(<simde/x86/avx512.h>)

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors as arguments, without their registers

// Not on trial, and with assembler that wants true registers: before SIMDe takes the names of the
// intrinsics.
#include <quoin/hash/xxh3.hpp>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

// What SIMDe 0.7 lacks.

/// Narrow integers, each made so wide that they fill a register.
template <class Narrow, class Wide, class Vector>
simde__m512i widened(const Vector& x) {
  Wide out[64 / sizeof(Wide)];
  for (std::size_t i = 0; i < std::size(out); ++i) {
    Narrow in;
    std::memcpy(&in, reinterpret_cast<const char*>(&x) + i * sizeof in, sizeof in);
    out[i] = static_cast<Wide>(in);
  }
  return simde_mm512_loadu_si512(out);
}

inline long long reduced_by_or(simde__m512i x) {
  long long words[8], all = 0;
  simde_mm512_storeu_si512(words, x);
  for (const long long word : words) all |= word;
  return all;
}

#define _mm512_cvtepi32_epi64(x) widened<std::int32_t, std::int64_t>(x)
#define _mm512_cvtepu32_epi64(x) widened<std::uint32_t, std::int64_t>(x)
#define _mm512_cvtepu8_epi64(x) widened<std::uint8_t, std::int64_t>(x)
#define _mm512_cvtepu8_epi32(x) widened<std::uint8_t, std::int32_t>(x)
#define _mm512_reduce_or_epi64(x) reduced_by_or(x)

#undef QUOIN_TARGET_AVX2
#define QUOIN_TARGET_AVX2
#undef QUOIN_TARGET_AVX512
#define QUOIN_TARGET_AVX512
#include <quoin/filter/blocked_bloom_filter.hpp>

#include "hash/hash_testing.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using words = std::vector<std::uint64_t>;

words random_hashes(std::size_t n, std::uint64_t state) {
  words hashes(n);
  for (auto& hash : hashes) hash = split_mix(state);
  return hashes;
}

TEST(blocked_bloom_avx512_emulated, equals_the_scalar_kernels) {
  for (unsigned k = 1; k <= 16; ++k) {
    const auto emulated = detail::line_kernels_of(quoin::isa::avx512, k);
    const auto scalar = detail::line_kernels_of(quoin::isa::scalar, k);
    for (const std::uint64_t lines : {1u, 9u, 100u}) {
      words expected(8 * lines), actual(8 * lines);
      for (std::size_t n = 1; n <= detail::line_batch; ++n) {
        words in = random_hashes(n, 100 * k + n);
        while (in.size() % detail::line_group != 0) in.push_back(in.back());
        words probes = random_hashes(in.size(), 7000 * k + n);
        for (std::size_t i = 0; i < n; i += 3) probes[i] = in[i];
        emulated.insert({actual.data(), lines, k}, in.data(), n);
        scalar.insert({expected.data(), lines, k}, in.data(), n);
        ASSERT_EQ(actual, expected) << k << ' ' << n;
        const detail::const_line_table table{actual.data(), lines, k};
        const std::uint64_t mask = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
        ASSERT_EQ(emulated.contains(table, in.data(), n) & mask, mask) << k << ' ' << n;
        ASSERT_EQ(emulated.contains(table, probes.data(), n) & mask,
                  scalar.contains(table, probes.data(), n) & mask)
            << k << ' ' << n;
        if (n % 16 == 0) {  // empty again, to keep hits and misses in balance
          actual.assign(actual.size(), 0);
          expected = actual;
        }
      }
    }
  }
}

template <class Int>
void expect_mixed() {
  std::vector<Int> keys;
  for (const auto x : random_hashes(60, 1)) keys.push_back(static_cast<Int>(x));
  keys.push_back(std::numeric_limits<Int>::min());
  keys.push_back(std::numeric_limits<Int>::max());
  for (std::size_t n = 0; n <= keys.size(); ++n) {
    const Int* const last = keys.data() + (keys.size() - n);
    words out(n + 1, 99);
    detail::mix_many_avx512(last, n, 0x123456789abcdef0u, out.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(out[i], quoin::hash{0x123456789abcdef0u}(last[i])) << n << ' ' << i;
    }
    EXPECT_EQ(out[n], 99u) << "one beyond the end";
  }
}

TEST(hash_avx512_emulated, equals_one_by_one) {
  expect_mixed<std::int32_t>();
  expect_mixed<std::uint32_t>();
  expect_mixed<std::int64_t>();
  expect_mixed<std::uint64_t>();
}

}  // namespace

#else
TEST(blocked_bloom_avx512_emulated, equals_the_scalar_kernels) {
  GTEST_SKIP() << "needs x86-64 and SIMDe";
}
#endif
