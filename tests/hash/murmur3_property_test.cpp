// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/murmur3.hpp>

#include "hash_testing.hpp"

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace quoin_test;

RC_GTEST_PROP(murmur3_property, cassandra_differs_only_by_high_bytes_in_the_tail,
              (const std::vector<unsigned char>& bytes, std::uint64_t seed)) {
  const std::size_t tail = bytes.size() % 16;
  const bool high = std::any_of(bytes.end() - static_cast<std::ptrdiff_t>(tail), bytes.end(),
                                [](unsigned char byte) { return byte >= 0x80; });
  RC_ASSERT((quoin::murmur3_x64_128_cassandra(bytes, seed) !=
             quoin::murmur3_x64_128(bytes, seed)) == high);
}

}  // namespace
