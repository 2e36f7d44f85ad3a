// SPDX-License-Identifier: BSL-1.0
// Any text: what is decoded encodes to itself. Any number and any bytes: they come back.
#include <quoin/id/base58.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

template <class Codec>
void read(std::string_view text) {
  const auto n = Codec::decode_128(text);
  if (n) QUOIN_FUZZ_CHECK(Codec::encode(*n) == text);
  if (!n) QUOIN_FUZZ_CHECK(n.error().position() <= text.size());
  const auto fixed = Codec::decode_fixed(text, text.size());
  if (fixed) QUOIN_FUZZ_CHECK(Codec::encode_fixed(*fixed, text.size()) == text);
  if (!fixed) QUOIN_FUZZ_CHECK(fixed.error().position() <= text.size());
  const auto narrow = Codec::decode(text);
  QUOIN_FUZZ_CHECK(narrow.has_value() == (n && n->hi == 0));
  if (narrow) QUOIN_FUZZ_CHECK(*narrow == n->lo && fixed == narrow);
}

template <class Codec>
void read_bytes(std::string_view text, std::size_t room) {
  const auto bytes = Codec::decode_bytes(text);
  if (bytes) QUOIN_FUZZ_CHECK(Codec::encode_bytes(*bytes) == text);
  if (!bytes) QUOIN_FUZZ_CHECK(bytes.error().position() <= text.size());
  std::vector<std::byte> out(std::min(room, Codec::max_bytes));
  const auto exactly = Codec::decode_bytes_to(std::span(out), text);
  QUOIN_FUZZ_CHECK(exactly.has_value() == (bytes && bytes->size() == out.size()));
  if (exactly) QUOIN_FUZZ_CHECK(out == *bytes);
  if (!exactly) QUOIN_FUZZ_CHECK(exactly.error().position() <= text.size());
  const auto within = Codec::decode_bytes_within(std::span(out), text);
  QUOIN_FUZZ_CHECK(within.has_value() == (bytes && bytes->size() <= out.size()));
  if (within) QUOIN_FUZZ_CHECK(std::equal(bytes->begin(), bytes->end(), out.begin()));
}

template <class Codec>
void write(std::span<const std::uint8_t> bytes) {
  bytes = bytes.first(std::min(bytes.size(), Codec::max_bytes));
  const std::string text = Codec::encode_bytes(bytes);
  const auto back = Codec::decode_bytes(text);
  QUOIN_FUZZ_CHECK(back && std::ranges::equal(*back, std::as_bytes(bytes)));
  const auto n = quoin_fuzz::input(bytes.data(), bytes.size()).take<std::uint64_t>();
  QUOIN_FUZZ_CHECK(Codec::decode(Codec::encode(n)).value_or(~n) == n);
  QUOIN_FUZZ_CHECK(Codec::encode_fixed(n).ends_with(Codec::encode(n)));
}

template <class Codec>
void try_all(quoin_fuzz::input in) {
  const auto room = in.take<std::uint8_t>();
  const auto bytes = in.rest();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  read<Codec>(text);
  read_bytes<Codec>(text, room);
  write<Codec>(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  if (in.take<bool>()) {
    try_all<quoin::base58>(in);
  } else {
    try_all<quoin::ripple_base58>(in);
  }
  return 0;
}
