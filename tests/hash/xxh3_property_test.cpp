// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh3.hpp>

#include "hash_testing.hpp"

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

RC_GTEST_PROP(xxh3_property, kernels_agree, (std::uint64_t seed)) {
  const auto size = *rc::gen::inRange<std::size_t>(241, 20000);
  const auto start = *rc::gen::inRange<std::size_t>(0, 64);
  const std::vector<unsigned char> bytes = random_bytes(size + start, seed);
  const unsigned char* const p = bytes.data() + start;
  const std::uint64_t expected =
      detail::xxh3_long(p, size, seed, detail::xxh3_add_all<unsigned char>);
  detail::for_each_isa([&](quoin::isa level) {
    RC_ASSERT(detail::xxh3_long(p, size, seed, detail::xxh3_kernel_of(level)) == expected);
  });
}

RC_GTEST_PROP(xxh3_property, alignment_does_not_matter,
              (const std::vector<unsigned char>& bytes, std::uint64_t seed)) {
  const auto start = *rc::gen::inRange<std::size_t>(0, 64);
  std::vector<unsigned char> moved(start);
  moved.insert(moved.end(), bytes.begin(), bytes.end());
  RC_ASSERT(quoin::xxh3_64(byte_span(moved).subspan(start), seed) == quoin::xxh3_64(bytes, seed));
}

}  // namespace
