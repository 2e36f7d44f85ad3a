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
  }
  return results;
}
