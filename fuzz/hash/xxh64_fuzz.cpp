// SPDX-License-Identifier: BSL-1.0
// The value does not depend on where the bytes lie or what type they have.
#include <quoin/hash/xxh64.hpp>

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
  std::vector<char> moved(shift);
  moved.insert(moved.end(), bytes.begin(), bytes.end());
  QUOIN_FUZZ_CHECK(quoin::xxh64(bytes, seed) ==
                   quoin::xxh64(std::span<const char>(moved).subspan(shift), seed));
  return 0;
}
