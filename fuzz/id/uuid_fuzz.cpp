// SPDX-License-Identifier: BSL-1.0
// Text from anywhere against a reader that takes one character at a time.
#include <quoin/id/uuid.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using quoin::uuid;

struct plain_reading {
  bool good = true;
  std::size_t fault = 0;
  uuid::bytes_type bytes{};
};

plain_reading read_plainly(std::string_view text) {
  plain_reading r;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size() && r.good; ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const int c = static_cast<unsigned char>(text[i]);
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    r.good = hyphen ? c == '-' : value >= 0;
    r.fault = i;
    if (!hyphen && r.good) {
      auto& byte = r.bytes[digits / 2];
      byte = static_cast<unsigned char>(byte << 4 | value);
      ++digits;
    }
  }
  return r;
}

void check_any(std::string_view text) {
  const auto any = uuid::parse_any(text);
  if (!any) {
    QUOIN_FUZZ_CHECK(any.error().position() <= text.size());
    return;
  }
  std::string digits, expected;
  const std::size_t skipped = text.front() == '{' ? 1 : text[3] == ':' ? 9 : 0;
  for (const char c : text.substr(skipped, text.size() - skipped - (skipped == 1))) {
    if (c != '-') digits += static_cast<char>(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
  }
  for (const char c : any->to_string()) {
    if (c != '-') expected += c;
  }
  QUOIN_FUZZ_CHECK(digits == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto read = uuid::parse(text);
  if (size != uuid::text_size) {
    QUOIN_FUZZ_CHECK(!read && read.error().code() != quoin::errc::bad_value);
  } else {
    const plain_reading plain = read_plainly(text);
    QUOIN_FUZZ_CHECK(read.has_value() == plain.good);
    if (read) {
      QUOIN_FUZZ_CHECK(read->bytes() == plain.bytes && *uuid::parse(read->to_string()) == *read);
      QUOIN_FUZZ_CHECK(read->to_v6().to_v1().time() == read->time());
    } else {
      QUOIN_FUZZ_CHECK(read.error().position() == plain.fault);
    }
  }
  check_any(text);
  return 0;
}
