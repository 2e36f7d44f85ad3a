// SPDX-License-Identifier: BSL-1.0
// Operations of one thread against the sequential sketch: the same counters, in both ways.
#include <quoin/sketch/concurrent_count_min_sketch.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

template <class Counter>
void operate(quoin_fuzz::input in) {
  const auto width = in.take_in<std::uint16_t>(1, 500);
  const auto depth = in.take_in<std::uint8_t>(1, 16);
  const bool conservative = in.take<bool>();
  quoin::count_min_sketch<Counter> model(
      {.width = width, .depth = depth, .conservative = conservative});
  quoin::concurrent_count_min_sketch<Counter> s(model);
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 2);
    const std::uint64_t key = in.take<std::uint8_t>(), weight = in.take<std::uint16_t>();
    const std::vector<std::uint64_t> run(static_cast<std::size_t>(key), key % 7);
    switch (what) {
      case 0:
        QUOIN_FUZZ_CHECK(s.add(key, weight) == model.add(key, weight));
        break;
      case 1:
        s.add_many(run, weight);
        model.add_many(run, weight);
        break;
      default:
        QUOIN_FUZZ_CHECK(s.estimate(key) == model.estimate(key));
        QUOIN_FUZZ_CHECK(s.total() == model.total());
    }
  }
  QUOIN_FUZZ_CHECK(s.snapshot() == model);
  QUOIN_FUZZ_CHECK(std::move(s).release() == model);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate<std::uint32_t>(quoin_fuzz::input(data, size));
  operate<std::uint8_t>(quoin_fuzz::input(data, size));
  return 0;
}
