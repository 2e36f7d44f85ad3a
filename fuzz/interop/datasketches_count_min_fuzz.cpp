// SPDX-License-Identifier: BSL-1.0
// The decoder on raw bytes with several types of weights, and counts against a map.
#include <quoin/interop/datasketches_count_min.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace {

template <class Weight>
void decode(std::span<const std::byte> bytes) {
  auto s = quoin::datasketches_count_min<Weight>::from_bytes(bytes);
  if (!s) {
    QUOIN_FUZZ_CHECK(s.error().position() <= bytes.size());
    return;
  }
  const auto back = quoin::datasketches_count_min<Weight>::from_bytes(s->to_bytes());
  QUOIN_FUZZ_CHECK(back.has_value());
  QUOIN_FUZZ_CHECK(*back == *s);
  if (std::uint64_t{s->width()} * s->depth() > 100'000)
    return;  // counters are made by the first add
  s->add(1);
  s->merge(*back);
  static_cast<void>(s->lower_bound(1));
}

void operate(quoin_fuzz::input in) {
  quoin::datasketches_count_min s({.width = in.take_in<std::uint8_t>(3, 255),
                                   .depth = in.take_in<std::uint8_t>(1, 7),
                                   .seed = in.take<std::uint64_t>()});
  std::map<std::uint64_t, std::uint64_t> truth;
  std::uint64_t total = 0;
  while (!in.empty()) {
    const std::uint64_t key = in.take<std::uint8_t>(), weight = in.take<std::uint8_t>();
    s.add(key, weight);
    truth[key] += weight;
    total += weight;
  }
  QUOIN_FUZZ_CHECK(s.total() == total);
  for (const auto& [key, count] : truth) QUOIN_FUZZ_CHECK(s.estimate(key) >= count);
  const auto back = quoin::datasketches_count_min<>::from_bytes(s.to_bytes(), s.seed());
  QUOIN_FUZZ_CHECK(back.has_value());
  QUOIN_FUZZ_CHECK(*back == s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : std::span(data, size)) bytes.push_back(static_cast<std::byte>(b));
  decode<std::uint64_t>(bytes);
  decode<std::int32_t>(bytes);
  decode<double>(bytes);
  operate(quoin_fuzz::input(data, size));
  return 0;
}
