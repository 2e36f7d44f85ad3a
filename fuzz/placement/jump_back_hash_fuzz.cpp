// SPDX-License-Identifier: BSL-1.0
// A bucket below n, and the same one for every count of buckets down to itself.
#include <quoin/placement/jump_back_hash.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  while (!in.empty()) {
    const auto buckets = in.take_in<std::uint32_t>(1, INT32_MAX);
    const auto hash = in.take<std::uint64_t>();
    const std::uint32_t bucket = quoin::jump_back_hash(hash, buckets);
    QUOIN_FUZZ_CHECK(bucket < buckets);
    const std::uint32_t fewer = bucket + 1 + in.take<std::uint32_t>() % (buckets - bucket);
    QUOIN_FUZZ_CHECK(quoin::jump_back_hash(hash, fewer) == bucket);
    QUOIN_FUZZ_CHECK(bucket == 0 || quoin::jump_back_hash(hash, bucket) < bucket);
  }
  return 0;
}
