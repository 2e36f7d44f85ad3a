// SPDX-License-Identifier: BSL-1.0
// Text from anywhere: what is accepted is the text of what was read.
#include <quoin/id/ulid.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(data, data + size);
  const auto read = quoin::ulid::parse(text);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  if (read) {
    QUOIN_FUZZ_CHECK(read->to_string() == text);
    const auto next = read->successor();
    QUOIN_FUZZ_CHECK(!next || (*read < *next && next->time() == read->time()));
    return 0;
  }
  if (size != quoin::ulid::text_size) {
    QUOIN_FUZZ_CHECK(read.error().code() != quoin::errc::bad_value);
    return 0;
  }
  const auto place = static_cast<std::size_t>(read.error().position());
  QUOIN_FUZZ_CHECK(place < size);
  text[place] = '7';  // a digit that may stand everywhere: the fault was there, and none before
  for (std::size_t i = place + 1; i < size; ++i) text[i] = '0';
  QUOIN_FUZZ_CHECK(quoin::ulid::parse(text).has_value());
  return 0;
}
