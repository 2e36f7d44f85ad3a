// SPDX-License-Identifier: BSL-1.0
// The decoder on raw bytes, and what follows from every sketch that it accepts; operations against
// registers kept by hand.
#include <quoin/interop/datasketches_hll.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using sketch = quoin::datasketches_hll<>;
using type = quoin::datasketches_hll_type;
using mode = quoin::datasketches_hll_mode;
using form = quoin::datasketches_form;

/// Both forms of `s` are read again, as sketches that know the same.
void check_sound(const sketch& s) {
  QUOIN_FUZZ_CHECK(s.estimate() >= 0);
  for (const form f : {form::compact, form::updatable}) {
    const auto bytes = s.to_bytes(f);
    QUOIN_FUZZ_CHECK(bytes.size() == s.serialized_size(f));
    auto back = sketch::from_bytes(bytes);
    QUOIN_FUZZ_CHECK(back.has_value());
    QUOIN_FUZZ_CHECK(quoin_fuzz::about_equal(back->estimate(), s.estimate()));
    sketch plain = s;
    plain.set_type(type::hll_8);
    back->set_type(type::hll_8);
    if (s.mode() != mode::set)
      QUOIN_FUZZ_CHECK(back->to_bytes(f).size() == plain.to_bytes(f).size());
    if (s.mode() == mode::registers && s.type() != type::hll_8) {
      QUOIN_FUZZ_CHECK(back->to_bytes() == plain.to_bytes());
    }
  }
}

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  auto s = sketch::from_bytes(bytes);
  if (!s) {
    QUOIN_FUZZ_CHECK(s.error().position() <= bytes.size());
    return;
  }
  check_sound(*s);
  sketch merged({.precision = 11});
  for (std::uint64_t key = 0; key < 200; ++key) merged.insert(key);
  merged.merge(*s);
  check_sound(merged);
  for (std::uint64_t key = 0; key < 200; ++key) s->insert(key);
  s->merge(*s);
  check_sound(*s);
}

void operate(quoin_fuzz::input in) {
  const auto precision = in.take_in<unsigned char>(4, 10);
  const auto t = static_cast<type>(in.take_in<unsigned char>(0, 2));
  sketch s({.precision = precision, .type = t, .start_full_size = in.take<bool>()});
  std::vector<unsigned> registers(std::size_t{1} << precision);
  while (!in.empty()) {
    const auto address = in.take<std::uint32_t>();
    const auto zeros = in.take_in<unsigned char>(0, 63);
    s.insert_hash({address, std::uint64_t{1} << (63 - zeros)});
    unsigned& held = registers[address % registers.size()];
    held = std::max(held, std::min(zeros + 1u, 63u));
  }
  check_sound(s);
  if (s.mode() != mode::registers) return;
  s.set_type(type::hll_8);
  const auto bytes = s.to_bytes();
  for (std::size_t i = 0; i < registers.size(); ++i) {
    QUOIN_FUZZ_CHECK(std::to_integer<unsigned>(bytes[40 + i]) == registers[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  operate(quoin_fuzz::input(data, size));
  return 0;
}
