// SPDX-License-Identifier: BSL-1.0
// Integers against doubles, batches against single keys, one bucket more against one less.
#include <quoin/placement/jump_hash.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quoin::detail;
  quoin_fuzz::input in(data, size);
  const auto buckets = in.take_in<std::uint32_t>(1, ~std::uint32_t{0});
  std::vector<std::uint64_t> hashes;
  while (!in.empty()) hashes.push_back(in.take<std::uint64_t>());
  std::vector<std::uint32_t> out(hashes.size());
  quoin::jump_hash_many(hashes, buckets, out);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::uint32_t bucket = quoin::jump_hash(hashes[i], buckets);
    QUOIN_FUZZ_CHECK(bucket == out[i] && bucket < buckets);
    QUOIN_FUZZ_CHECK(bucket == jump_to_bucket<soft_double>(hashes[i], buckets));
    if (bucket + 1 < buckets) {
      QUOIN_FUZZ_CHECK(quoin::jump_hash(hashes[i], buckets - 1) == bucket);
    }
  }
  return 0;
}
