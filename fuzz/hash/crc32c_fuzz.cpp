// SPDX-License-Identifier: BSL-1.0
// The CRC in pieces against the CRC at once, at every level.
#include <quoin/hash/crc32c.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace detail = quoin::detail;
  quoin_fuzz::input in(data, size);
  const auto state = in.take<std::uint32_t>();
  const auto cut = in.take<std::uint16_t>();
  const auto repeats = in.take_in<std::uint8_t>(1, 128);
  const auto unit = in.rest();
  std::vector<unsigned char> bytes;
  for (unsigned i = 0; i < repeats; ++i) bytes.insert(bytes.end(), unit.begin(), unit.end());

  const std::uint32_t crc = detail::crc32c_portable(state, bytes.data(), bytes.size());
  detail::for_each_isa([&](quoin::isa level) {
    QUOIN_FUZZ_CHECK(detail::crc32c_at(level, state, bytes.data(), bytes.size()) == crc);
  });
  const std::span<const unsigned char> all(bytes);
  const std::size_t head = cut % (bytes.size() + 1);
  QUOIN_FUZZ_CHECK(quoin::crc32c(all.subspan(head), quoin::crc32c(all.first(head), ~state)) ==
                   ~crc);
  return 0;
}
