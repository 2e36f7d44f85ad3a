// SPDX-License-Identifier: BSL-1.0
// The concurrent sketch in one thread, operation by operation against the plain one.
#include <quoin/sketch/concurrent_hyperloglog.hpp>

#include "support/input.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::hyperloglog_options options{.precision = in.take_in<std::uint8_t>(4, 11),
                                           .seed = in.take<std::uint8_t>()};
  quoin::concurrent_hyperloglog<> one(options);
  quoin::hyperloglog<> other(options);
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 4);
    const std::uint64_t key = in.take<std::uint16_t>();
    switch (what) {
      case 0:
        one.insert(key);
        other.insert(key);
        break;
      case 1: {
        const auto hash = in.take<std::uint64_t>();
        one.insert_hash(hash);
        other.insert_hash(hash);
        break;
      }
      case 2: {
        std::vector<std::uint64_t> keys;
        for (std::uint64_t i = 0; i < key % 2048; ++i) keys.push_back(key + i);
        one.insert_many(keys);
        other.insert_many(keys);
        break;
      }
      case 3: {
        quoin::hyperloglog<> more({.precision = options.precision + in.take_in<std::uint8_t>(0, 2),
                                   .seed = options.seed});
        for (std::uint64_t i = 0; i < key % 512; ++i) more.insert(3 * key + i);
        one.merge(more);
        other.merge(more);
        break;
      }
      default:
        QUOIN_FUZZ_CHECK(one.snapshot() == other);
    }
  }
  const auto last = one.snapshot();
  QUOIN_FUZZ_CHECK(last == other && last.to_bytes() == other.to_bytes());
  const double n = one.estimate(), expected = other.estimate_from_state();
  QUOIN_FUZZ_CHECK(n == expected || std::fabs(n - expected) <= 1e-9 * expected);
  return 0;
}
