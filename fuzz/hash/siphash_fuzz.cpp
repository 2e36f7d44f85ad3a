// SPDX-License-Identifier: BSL-1.0
// The value does not depend on where the bytes lie, and a key read from bytes is that key.
#include <quoin/hash/siphash.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  std::uint8_t key_bytes[16];
  for (auto& byte : key_bytes) byte = in.take<std::uint8_t>();
  const auto shift = in.take_in<std::uint8_t>(0, 63);
  const auto bytes = in.rest();
  std::vector<char> buffer(shift);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  const auto moved = std::span<const char>(buffer).subspan(shift);

  quoin_fuzz::input key_input(key_bytes, sizeof key_bytes);
  quoin::siphash_key key{};
  key.k0 = key_input.take<std::uint64_t>();
  key.k1 = key_input.take<std::uint64_t>();
  QUOIN_FUZZ_CHECK(quoin::siphash_key::from_bytes(key_bytes) == key);
  QUOIN_FUZZ_CHECK(quoin::siphash_2_4(bytes, key) == quoin::siphash_2_4(moved, key));
  QUOIN_FUZZ_CHECK(quoin::siphash_1_3(bytes, key) == quoin::siphash_1_3(moved, key));
  return 0;
}
