// SPDX-License-Identifier: BSL-1.0
// Texts as codes, numbers as codes, under words of the input's: what is accepted leads back to the
// same text, and no code that is given contains a blocked word.
#include <quoin/id/short_code.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

std::string text_of(quoin_fuzz::input& in, std::size_t size) {
  std::string text;
  for (const std::uint8_t c : in.take_bytes(size)) text += static_cast<char>(c);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::siphash_key key{in.take<std::uint64_t>(), in.take<std::uint64_t>()};
  if ((key.k0 | key.k1) == 0) return 0;  // refused
  const std::size_t width = in.take_in<std::uint8_t>(1, 10);
  std::string a = text_of(in, in.take_in<std::uint8_t>(1, 3));
  a += 'a';
  std::string b = text_of(in, width);
  b += '1';
  const std::string_view blocked[] = {a, b};
  const quoin::short_codes codes({.key = key, .width = width, .blocked = blocked});
  while (!in.empty()) {
    const std::string text = text_of(in, in.take_in<std::uint8_t>(1, 11));
    if (const auto number = codes.decode(text)) {
      QUOIN_FUZZ_CHECK(*number < codes.capacity() && text.size() == width);
      const auto code = codes.encode(*number);
      QUOIN_FUZZ_CHECK(code.has_value() != codes.is_reserved(text));
      QUOIN_FUZZ_CHECK(!code || *code == text);
    }
    const auto next = codes.next_allowed(in.take<std::uint64_t>() % codes.capacity());
    if (!next) continue;
    const auto code = codes.encode(*next);
    QUOIN_FUZZ_CHECK(code && code->find(a) == std::string::npos);
    QUOIN_FUZZ_CHECK(codes.decode(*code).value() == *next);
  }
  return 0;
}
