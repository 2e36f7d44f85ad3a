// SPDX-License-Identifier: BSL-1.0
// Events at any times against exact counts of the panes.
#include <quoin/sketch/sliding_heavy_hitters.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

namespace {

using window_type = quoin::sliding_heavy_hitters<std::uint64_t, std::chrono::system_clock>;
using duration = window_type::duration;
using time_point = window_type::time_point;

std::int64_t pane_of(std::int64_t tick, std::int64_t width) {
  const std::int64_t pane = tick / width;
  return tick % width < 0 ? pane - 1 : pane;
}

void operate(quoin_fuzz::input in) {
  const auto panes = in.take_in<std::uint8_t>(1, 9);
  const auto width = std::int64_t{in.take_in<std::uint8_t>(1, 20)};
  window_type window({.capacity = in.take_in<std::uint8_t>(1, 20),
                      .window = duration(width * panes),
                      .panes = panes});
  std::map<std::int64_t, std::map<std::uint64_t, std::uint64_t>> truth;
  std::uint64_t late = 0;
  while (!in.empty()) {
    const std::int64_t tick =
        in.take_in<std::uint8_t>(0, 30) == 0 ? in.take<std::int64_t>() : in.take<std::int8_t>();
    const std::uint64_t key = in.take_in<std::uint8_t>(0, 60);
    const std::int64_t pane = pane_of(tick, width);
    const bool on_time =
        truth.empty() || pane >= truth.rbegin()->first ||
        static_cast<std::uint64_t>(truth.rbegin()->first) - static_cast<std::uint64_t>(pane) <
            panes;
    QUOIN_FUZZ_CHECK(window.add_at(time_point(duration(tick)), key, key + 1) == on_time);
    late += !on_time;
    if (!on_time) continue;
    truth[pane][key] += key + 1;
    while (static_cast<std::uint64_t>(truth.rbegin()->first) -
               static_cast<std::uint64_t>(truth.begin()->first) >=
           panes) {
      truth.erase(truth.begin());
    }
  }
  std::map<std::uint64_t, std::uint64_t> sums;
  std::uint64_t total = 0;
  for (const auto& pane : truth) {
    for (const auto& [key, weight] : pane.second) {
      sums[key] += weight;
      total += weight;
    }
  }
  const auto all = window.summary();
  QUOIN_FUZZ_CHECK(window.late_count() == late);
  QUOIN_FUZZ_CHECK(window.total() == total && all.total() == total);
  QUOIN_FUZZ_CHECK(all.max_error() <= total / window.capacity());
  for (const auto& [key, weight] : sums) {
    QUOIN_FUZZ_CHECK(window.lower_bound(key) <= weight && weight <= window.upper_bound(key));
    QUOIN_FUZZ_CHECK(all.lower_bound(key) <= weight && weight <= all.upper_bound(key));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
