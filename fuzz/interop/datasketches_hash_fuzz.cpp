// SPDX-License-Identifier: BSL-1.0
// Keys of every kind against the hash of their bytes.
#include <quoin/interop/datasketches_hash.hpp>

#include "support/input.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  quoin_fuzz::input in(data, size);
  const auto word = in.take<std::uint64_t>();
  const quoin::datasketches_hash hash{in.take<std::uint64_t>()};
  std::array<std::uint8_t, 8> plain{};
  quoin::detail::store_le(plain.data(), word);
  QUOIN_FUZZ_CHECK(hash(word) == quoin::murmur3_x64_128(plain, hash.seed));
  const auto narrow = static_cast<std::int32_t>(static_cast<std::uint32_t>(word));
  QUOIN_FUZZ_CHECK(hash(narrow) == hash(std::int64_t{narrow}));
  const auto real = std::bit_cast<double>(word);
  const bool canonical = real == real && real != 0;
  QUOIN_FUZZ_CHECK(!canonical || hash(real) == hash(word));
  QUOIN_FUZZ_CHECK(hash(bytes) == quoin::murmur3_x64_128(bytes, hash.seed));
  return 0;
}
