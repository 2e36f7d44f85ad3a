// SPDX-License-Identifier: BSL-1.0
// The variants agree where they must, and no value depends on where the bytes lie.
#include <quoin/hash/murmur3.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto seed = in.take<std::uint64_t>();
  const auto seed32 = static_cast<std::uint32_t>(seed);
  const auto shift = in.take_in<std::uint8_t>(0, 63);
  const auto bytes = in.rest();
  std::vector<char> buffer(shift);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  const auto moved = std::span<const char>(buffer).subspan(shift);

  // The sign of the eighth byte of the tail has no bits left to spread to.
  const auto tail = bytes.last(bytes.size() % 16);
  bool sign_spreads = false;
  for (std::size_t i = 0; i < tail.size(); ++i) sign_spreads |= i != 7 && tail[i] >= 0x80;
  const quoin::hash128 h = quoin::murmur3_x64_128(bytes, seed);
  QUOIN_FUZZ_CHECK(quoin::murmur3_x64_128(moved, seed) == h);
  QUOIN_FUZZ_CHECK((quoin::murmur3_x64_128_cassandra(moved, seed) == h) == !sign_spreads);
  QUOIN_FUZZ_CHECK(quoin::murmur3_x86_32(moved, seed32) == quoin::murmur3_x86_32(bytes, seed32));
  return 0;
}
