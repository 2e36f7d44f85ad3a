// SPDX-License-Identifier: BSL-1.0
// Tokens taken and given back: the bound at each, the counts at the end.
#include <quoin/placement/bounded_load.hpp>

#include <quoin/placement/rendezvous.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::rendezvous<std::uint8_t> nodes;
  const auto n = in.take_in<std::uint8_t>(1, 20);
  for (std::uint8_t i = 0; i < n; ++i) nodes.add(i, in.take_in<std::uint8_t>(1, 9));
  quoin::bounded_load load(nodes, {.epsilon = in.take_in<std::uint16_t>(1, 4000) / 1000.0});
  std::vector<decltype(load)::token> held;
  std::vector<std::size_t> counts(n);
  while (!in.empty()) {
    const auto what = in.take<std::uint8_t>();
    if (what % 4 == 0 && !held.empty()) {
      std::swap(held[what / 4 % held.size()], held.back());
      --counts[held.back().index()];
      held.pop_back();
      continue;
    }
    const std::uint64_t hash = what % 4 == 1 ? 0 : in.take<std::uint16_t>();
    const std::uint8_t would = load.owner_of_hash(hash);
    held.push_back(load.acquire_hash(hash));
    const std::uint32_t i = held.back().index();
    QUOIN_FUZZ_CHECK(held.back().node() == would);
    QUOIN_FUZZ_CHECK(++counts[i] == load.load(i));
    QUOIN_FUZZ_CHECK(counts[i] <= load.capacity(i, held.size()));
    QUOIN_FUZZ_CHECK(load.total_load() == held.size());
  }
  for (std::uint32_t i = 0; i < n; ++i) QUOIN_FUZZ_CHECK(load.load(i) == counts[i]);
  return 0;
}
