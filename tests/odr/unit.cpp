// SPDX-License-Identifier: BSL-1.0
// Compiled twice, with and without -mavx2, and linked into one program: the linker keeps one body
// of each inline function for both, and either must give what the other would.
#include "results.hpp"

#include <quoin/quoin.hpp>

#include <cstdint>
#include <span>
#include <vector>

std::vector<std::uint64_t> UNIT() {
  std::vector<std::uint64_t> results;
  std::vector<unsigned char> bytes(3000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(i * 37 + i / 251);
  for (const std::size_t size : {0u, 7u, 16u, 100u, 200u, 300u, 3000u}) {
    const std::span<const unsigned char> part(bytes.data(), size);
    results.push_back(quoin::xxh64(part));
    results.push_back(quoin::xxh3_64(part, size));
    results.push_back(quoin::murmur3_x64_128(part).lo);
    results.push_back(quoin::siphash_2_4(part, quoin::siphash_key{1, 2}));
    results.push_back(quoin::crc32c(part));
    results.push_back(quoin::hash{size}(part));
  }
  std::vector<std::uint64_t> keys(100), hashes(100);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = i * 0x9e3779b97f4a7c15u;
  quoin::hash{}.hash_many(keys, hashes);
  results.insert(results.end(), hashes.begin(), hashes.end());

  quoin::blocked_bloom_filter<> filter({.capacity = 1000, .bits_per_key = 10});
  filter.insert_many(std::span(keys).first(50));
  for (const auto key : keys) results.push_back(filter.contains(key));
  results.push_back(quoin::xxh64(filter.to_bytes()));
  return results;
}
