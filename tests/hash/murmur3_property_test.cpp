// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/murmur3.hpp>

#include "hash_testing.hpp"

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace quoin_test;

// A sign spreads to the bits above it in its word: the eighth byte of the tail has none.
RC_GTEST_PROP(murmur3_property, cassandra_differs_only_by_high_bytes_in_the_tail,
              (std::uint64_t seed)) {
  std::vector<unsigned char> bytes = random_bytes(*rc::gen::inRange<std::size_t>(0, 64), seed);
  const std::size_t tail = bytes.size() - bytes.size() % 16;
  const auto only_high = *rc::gen::inRange<std::size_t>(0, 16);  // in the tail
  bool spreads = false;
  for (std::size_t i = tail; i < bytes.size(); ++i) {
    const bool high = i - tail == only_high;
    bytes[i] = static_cast<unsigned char>((bytes[i] & 0x7f) | (high ? 0x80 : 0));
    spreads = spreads || (high && only_high != 7);
  }
  RC_ASSERT((quoin::murmur3_x64_128_cassandra(bytes, seed) !=
             quoin::murmur3_x64_128(bytes, seed)) == spreads);
}

}  // namespace
