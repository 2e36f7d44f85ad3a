// SPDX-License-Identifier: BSL-1.0
// Any text: what is an id is written back as it was. Any 20 bytes: they come back.
#include <quoin/interop/ksuid.hpp>

#include "support/input.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto id = quoin::ksuid::parse(text);
  if (id) QUOIN_FUZZ_CHECK(id->to_string() == text);
  if (!id) QUOIN_FUZZ_CHECK(id.error().position() <= size);

  std::array<std::byte, quoin::ksuid::size> bytes{};
  for (std::size_t i = 0; i < bytes.size() && i < size; ++i) bytes[i] = std::byte{data[i]};
  const quoin::ksuid made(bytes);
  QUOIN_FUZZ_CHECK(quoin::ksuid::parse(made.to_string()) == made);
  QUOIN_FUZZ_CHECK((made <=> quoin::ksuid()) == (made.to_string() <=> quoin::ksuid().to_string()));
  return 0;
}
