// SPDX-License-Identifier: BSL-1.0
// Any text: what is decoded strictly encodes to itself, what is decoded leniently to a text that says
// the same. Any number and any bytes: they come back.
#include <quoin/id/base32.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using quoin::base32;

void read(std::string_view text) {
  const auto n = base32::decode_128(text), any = base32::decode_any_128(text);
  if (n) QUOIN_FUZZ_CHECK(base32::encode(*n) == text && any == n);
  if (!n) QUOIN_FUZZ_CHECK(n.error().position() <= text.size());
  if (any) QUOIN_FUZZ_CHECK(base32::decode_128(base32::encode(*any)) == any);
  if (!any) QUOIN_FUZZ_CHECK(any.error().position() <= text.size());
  const auto narrow = base32::decode(text), narrow_any = base32::decode_any(text);
  QUOIN_FUZZ_CHECK(narrow.has_value() == (n && n->hi == 0));
  QUOIN_FUZZ_CHECK(narrow_any.has_value() == (any && any->hi == 0));
  if (narrow_any) QUOIN_FUZZ_CHECK(*narrow_any == any->lo);
  const auto fixed = base32::decode_fixed_128(text, text.size());
  if (fixed) QUOIN_FUZZ_CHECK(base32::encode_fixed(*fixed, text.size()) == text && fixed == any);
}

void read_checked(std::string_view text) {
  const auto n = base32::decode_checked_128(text), any = base32::decode_any_checked_128(text);
  if (n) QUOIN_FUZZ_CHECK(base32::encode_checked(*n) == text && any == n);
  if (!n) QUOIN_FUZZ_CHECK(n.error().position() <= text.size());
  if (any) QUOIN_FUZZ_CHECK(base32::decode_checked_128(base32::encode_checked(*any)) == any);
  if (!any) QUOIN_FUZZ_CHECK(any.error().position() <= text.size());
}

void bytes_and_back(std::string_view text, std::span<const std::uint8_t> bytes) {
  const auto value = base32::decode_bytes(text);
  if (value) QUOIN_FUZZ_CHECK(base32::encode_bytes(*value) == text);
  if (!value) QUOIN_FUZZ_CHECK(value.error().position() <= text.size());
  bytes = bytes.first(std::min(bytes.size(), base32::max_bytes));
  const auto back = base32::decode_bytes(base32::encode_bytes(bytes));
  if (bytes.empty()) return;
  QUOIN_FUZZ_CHECK(back && std::ranges::equal(*back, std::as_bytes(bytes)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  read_checked(text);
  bytes_and_back(text, bytes);
  const auto n = quoin_fuzz::input(data, size).take<std::uint64_t>();
  QUOIN_FUZZ_CHECK(base32::decode(base32::encode(n)).value_or(~n) == n);
  QUOIN_FUZZ_CHECK(base32::decode_any_checked(base32::encode_checked(n)).value_or(~n) == n);
  return 0;
}
