// SPDX-License-Identifier: BSL-1.0
// No value depends on where the bytes lie or what type they have, and equal lengths of whole words
// never collide in their last word.
#include <quoin/hash/murmur2.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto seed = in.take<std::uint64_t>();
  const auto shift = in.take_in<std::uint8_t>(0, 63);
  const auto bytes = in.rest();
  std::vector<char> buffer(shift);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  const auto moved = std::span<char>(buffer).subspan(shift);
  const std::uint64_t h = quoin::murmur2_64a(bytes, seed);
  QUOIN_FUZZ_CHECK(quoin::murmur2_64a(moved, seed) == h);
  if (moved.empty()) return 0;
  // Every step is a bijection of the state and of the word that enters it.
  moved.back() = static_cast<char>(moved.back() ^ 1);
  QUOIN_FUZZ_CHECK(quoin::murmur2_64a(moved, seed) != h);
  QUOIN_FUZZ_CHECK(quoin::murmur2_64a(bytes, seed + 1) != h);
  return 0;
}
