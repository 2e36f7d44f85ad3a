// SPDX-License-Identifier: BSL-1.0
// The CRC in pieces, and byte by byte, against the CRC at once.
#include <quoin/hash/crc32.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto cut = in.take<std::uint16_t>();
  const auto bytes = in.rest();
  const std::size_t head = cut % (bytes.size() + 1);
  const std::uint32_t crc = quoin::crc32(bytes);
  QUOIN_FUZZ_CHECK(quoin::crc32(bytes.subspan(head), quoin::crc32(bytes.first(head))) == crc);
  std::uint32_t bytewise = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytewise = quoin::crc32(bytes.subspan(i, 1), bytewise);
  }
  QUOIN_FUZZ_CHECK(bytewise == crc);
  return 0;
}
