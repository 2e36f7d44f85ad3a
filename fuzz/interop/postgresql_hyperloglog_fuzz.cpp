// SPDX-License-Identifier: BSL-1.0
// The decoder on raw bytes; what it takes goes through its bytes again and stays itself in a union.
#include <quoin/interop/postgresql_hyperloglog.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sketch = quoin::postgresql_hyperloglog;
  const auto form = std::as_bytes(std::span(data, size));
  auto s = sketch::from_bytes(form);
  if (!s) {
    QUOIN_FUZZ_CHECK(s.error().position() <= size);
    return 0;
  }
  const auto bytes = s->to_bytes();
  const auto again = sketch::from_bytes(bytes);
  QUOIN_FUZZ_CHECK(again.has_value() && *again == *s && again->to_bytes() == bytes);
  QUOIN_FUZZ_CHECK(!(s->estimate() < 0));
  sketch merged = *s, empty(*s);
  merged.merge(*again);
  QUOIN_FUZZ_CHECK(merged == *s);
  empty.clear();
  const bool defined = s->kind() != sketch::kind_type::undefined;
  quoin_fuzz::input in(data, size);
  while (!in.empty()) {
    const auto hash = in.take<std::uint64_t>();
    merged.add_hash(hash);
    empty.add_hash(hash);
  }
  empty.merge(*s);
  QUOIN_FUZZ_CHECK(!defined || empty.elements().size() == merged.elements().size() ||
                   !empty.registers().empty());
  QUOIN_FUZZ_CHECK(sketch::from_bytes(merged.to_bytes()).has_value());
  return 0;
}
