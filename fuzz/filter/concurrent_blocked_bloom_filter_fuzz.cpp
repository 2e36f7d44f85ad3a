// SPDX-License-Identifier: BSL-1.0
// The concurrent filter in one thread, operation by operation against the plain one.
#include <quoin/filter/concurrent_blocked_bloom_filter.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::blocked_bloom_options options{.capacity = in.take_in<std::uint16_t>(1, 2000),
                                             .bits_per_key = 8,
                                             .seed = in.take<std::uint8_t>(),
                                             .hash_count = in.take_in<std::uint8_t>(1, 16)};
  quoin::concurrent_blocked_bloom_filter<> one(options);
  quoin::blocked_bloom_filter<> other(options);
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 3);
    const std::uint64_t key = in.take<std::uint16_t>();
    switch (what) {
      case 0:
        QUOIN_FUZZ_CHECK(one.try_insert(key) == other.try_insert(key));
        break;
      case 1:
        QUOIN_FUZZ_CHECK(one.contains(key) == other.contains(key));
        break;
      case 2: {
        const std::vector<std::uint64_t> keys(in.take<std::uint8_t>(), key);
        one.insert_many(keys);
        other.insert_many(keys);
        break;
      }
      default:
        QUOIN_FUZZ_CHECK(one.snapshot() == other);
    }
  }
  QUOIN_FUZZ_CHECK(std::move(one).release() == other);
  return 0;
}
