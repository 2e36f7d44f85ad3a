// SPDX-License-Identifier: BSL-1.0
// Two bodies: the decoder on raw bytes, and operations against a map of the counts.
#include <quoin/sketch/count_min_sketch.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace {

template <class Sketch>
void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end));
    }
    auto s = Sketch::from_bytes(bytes);
    if (!s) {
      QUOIN_FUZZ_CHECK(s.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(s->to_bytes() == bytes);
    const std::uint64_t before = s->estimate(1);
    QUOIN_FUZZ_CHECK(s->add(1, 5) >= std::min(before + 5, s->max_count) || before + 5 < before);
    QUOIN_FUZZ_CHECK(s->lower_bound(1) <= s->upper_bound(1));
  }
}

using counts = std::map<std::uint64_t, std::uint64_t>;

template <class Sketch>
void operate(quoin_fuzz::input in) {
  const auto width = in.take_in<std::uint16_t>(1, 2000);
  const auto depth = in.take_in<std::uint8_t>(1, 16);
  const bool conservative = in.take<bool>();
  Sketch s({.width = width, .depth = depth, .conservative = conservative});
  Sketch other = s;
  counts truth, others;
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 5);
    const std::uint64_t key = in.take<std::uint8_t>(), weight = in.take<std::uint8_t>();
    const std::vector<std::uint64_t> run{key, key + 1, key};
    switch (what) {
      case 0:
        truth[key] += weight;
        QUOIN_FUZZ_CHECK(s.add(key, weight) == s.estimate(key));
        break;
      case 1:
        others[key] += weight;
        other.add(key, weight);
        break;
      case 2:
        s.add_many(run, weight);
        for (const auto each : run) truth[each] += weight;
        break;
      case 3:
        s.merge(other, weight % 4);
        for (const auto& [each, count] : others) truth[each] += count * (weight % 4);
        break;
      case 4:
        swap(s, other);
        swap(truth, others);
        break;
      default:
        if (key % 16 != 0) break;
        s.clear();
        truth.clear();
    }
  }
  std::vector<std::uint64_t> keys;
  for (const auto& [key, count] : truth) {
    QUOIN_FUZZ_CHECK(s.estimate(key) >= std::min(count, s.max_count));
    keys.push_back(key);
  }
  std::vector<std::uint64_t> estimates(keys.size());
  s.estimate_many(keys, estimates);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    QUOIN_FUZZ_CHECK(estimates[i] == s.estimate(keys[i]));
  }
  QUOIN_FUZZ_CHECK(*Sketch::from_bytes(s.to_bytes()) == s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode<quoin::count_min_sketch<>>({data, size});
  decode<quoin::classic_count_min_sketch<std::uint64_t>>({data, size});
  operate<quoin::count_min_sketch<>>(quoin_fuzz::input(data, size));
  operate<quoin::count_min_sketch<std::uint8_t>>(quoin_fuzz::input(data, size));
  return 0;
}
