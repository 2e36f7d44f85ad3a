// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/parquet_bloom.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using filter = quoin::parquet_bloom_filter<>;
using hashes = std::vector<std::uint64_t>;

constexpr std::uint32_t salts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                    0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

/// The bits of a key as the specification words them.
std::set<std::uint64_t> bits_of(std::uint64_t hash, std::uint64_t blocks) {
  const std::uint64_t block = ((hash >> 32) * blocks) >> 32;
  const auto key = static_cast<std::uint32_t>(hash);
  std::set<std::uint64_t> bits;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::uint32_t y = static_cast<std::uint32_t>(key * salts[i]) >> 27;
    bits.insert(256 * block + 32 * i + y);
  }
  return bits;
}

RC_GTEST_PROP(parquet_bloom_property, sets_the_bits_of_the_specification, (const hashes& keys)) {
  const auto blocks = *rc::gen::inRange<std::uint64_t>(1, 50);
  filter f({.size_bytes = 32 * blocks}), batch = f;
  std::set<std::uint64_t> bits;
  for (const auto key : keys) {
    const auto added = bits_of(key, blocks);
    const std::size_t before = bits.size();
    bits.insert(added.begin(), added.end());
    RC_ASSERT(f.try_insert_hash(key) == (bits.size() > before));
    RC_ASSERT(f.contains_hash(key));
  }
  batch.insert_hash_many(keys);
  RC_ASSERT(batch == f);
  const auto form = f.to_bytes();
  const std::size_t header = form.size() - f.size_bytes();
  for (std::uint64_t i = 0; i < 256 * blocks; ++i) {
    const auto byte = std::to_integer<unsigned>(form[header + static_cast<std::size_t>(i / 8)]);
    RC_ASSERT((byte >> (i % 8) & 1) == bits.contains(i));
  }
  const auto back = filter::from_bytes(form);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == f);
}

RC_GTEST_PROP(parquet_bloom_property, merge_is_a_union,
              (const std::vector<std::string>& a, const std::vector<std::string>& b)) {
  filter x({.size_bytes = 96}), y = x, both = x;
  x.insert_many(a);
  y.insert_many(b);
  both.insert_many(a);
  both.insert_many(b);
  filter xy = x, yx = y;
  xy.merge(y);
  yx.merge(x);
  RC_ASSERT(xy == yx);
  RC_ASSERT(xy == both);
}

}  // namespace
