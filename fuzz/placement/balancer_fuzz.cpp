// SPDX-License-Identifier: BSL-1.0
// Requests that begin and end: what is in flight is counted, the least loaded is chosen.
#include <quoin/placement/balancer.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto n = in.take_in<std::uint8_t>(1, 12);
  std::vector<quoin::weighted_node<std::uint8_t>> nodes;
  for (std::uint8_t i = 0; i < n; ++i) nodes.push_back({i, in.take_in<std::uint8_t>(1, 9)});
  quoin::balancer<std::uint8_t> all(
      nodes, {.policy = static_cast<quoin::balance>(in.take_in<std::uint8_t>(0, 3)),
              .seed = in.take<std::uint32_t>()});
  std::vector<decltype(all)::lease> held;
  std::vector<std::uint64_t> counts(n);
  while (!in.empty()) {
    const auto what = in.take<std::uint8_t>();
    if (what % 3 == 2 && !held.empty()) {
      std::swap(held[what / 4 % held.size()], held.back());
      --counts[held.back().index()];
      held.pop_back();
    } else {
      held.push_back(all.acquire());
      const std::uint32_t chosen = held.back().index();
      QUOIN_FUZZ_CHECK(chosen < n);
      if (all.options().policy == quoin::balance::least_connections) {
        for (std::uint32_t i = 0; i < n; ++i) {
          QUOIN_FUZZ_CHECK((counts[chosen] + 1) * nodes[i].weight <=
                           (counts[i] + 1) * nodes[chosen].weight);
        }
      }
      ++counts[chosen];
    }
    for (std::uint32_t i = 0; i < n; ++i) QUOIN_FUZZ_CHECK(all.in_flight(i) == counts[i]);
  }
  return 0;
}
