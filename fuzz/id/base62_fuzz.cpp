// SPDX-License-Identifier: BSL-1.0
// Any text: what is decoded encodes to itself. Any number and any bytes: they come back. Many at once
// are as one by one, at every level.
#include <quoin/id/base62.hpp>

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
  const auto n = Codec::decode(text);
  if (n) QUOIN_FUZZ_CHECK(Codec::encode(*n) == text);
  if (!n) QUOIN_FUZZ_CHECK(n.error().position() <= text.size());
  const auto fixed = Codec::decode_fixed(text, text.size());
  if (fixed) QUOIN_FUZZ_CHECK(Codec::encode_fixed(*fixed, text.size()) == text);
  if (!fixed) QUOIN_FUZZ_CHECK(fixed.error().position() <= text.size());
  if (n) QUOIN_FUZZ_CHECK(fixed == n);
}

template <class Codec>
void write(std::uint64_t n) {
  const std::string text = Codec::encode(n);
  QUOIN_FUZZ_CHECK(Codec::decode(text).value_or(~n) == n);
  const std::string fixed = Codec::encode_fixed(n, 11);
  QUOIN_FUZZ_CHECK(Codec::decode_fixed(fixed).value_or(~n) == n);
  QUOIN_FUZZ_CHECK(fixed.ends_with(text));
}

template <class Codec>
void read_wide(std::string_view text) {
  const auto n = Codec::decode_128(text);
  if (n) QUOIN_FUZZ_CHECK(Codec::encode(*n) == text);
  if (!n) QUOIN_FUZZ_CHECK(n.error().position() <= text.size());
  const auto bytes = Codec::decode_bytes(text);
  if (bytes) QUOIN_FUZZ_CHECK(Codec::encode_bytes(*bytes) == text);
  if (!bytes) QUOIN_FUZZ_CHECK(bytes.error().position() <= text.size());
}

template <class Codec>
void write_wide(std::span<const std::uint8_t> bytes) {
  bytes = bytes.first(std::min(bytes.size(), Codec::max_bytes));
  const auto back = Codec::decode_bytes(Codec::encode_bytes(bytes));
  QUOIN_FUZZ_CHECK(back && std::ranges::equal(*back, std::as_bytes(bytes)));
}

template <class Codec>
void many(std::string_view text) {
  const std::size_t count = text.size() / 11;
  std::size_t good = 0;
  while (good < count && Codec::decode_fixed(text.substr(good * 11, 11))) ++good;
  std::vector<std::uint64_t> numbers(count);
  quoin::detail::for_each_isa([&](quoin::isa level) {
    QUOIN_FUZZ_CHECK(quoin::detail::base62_read_many<Codec::alphabet>(
                         level, text.data(), numbers.data(), count) == good);
    std::string back(good * 11, '?');
    quoin::detail::base62_write_many<Codec::alphabet>(level, back.data(), numbers.data(), good);
    QUOIN_FUZZ_CHECK(back == text.substr(0, good * 11));
  });
}

template <class Codec>
void try_all(quoin_fuzz::input in) {
  const auto bytes = in.rest();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  read<Codec>(text);
  read_wide<Codec>(text);
  many<Codec>(text);
  write_wide<Codec>(bytes);
  write<Codec>(quoin_fuzz::input(bytes.data(), bytes.size()).take<std::uint64_t>());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  if (in.take<bool>()) {
    try_all<quoin::base62>(in);
  } else {
    try_all<quoin::basic_base62<"~!AbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeFgHiJkLmNoPqRsTuVwX">>(
        in);
  }
  return 0;
}
