// SPDX-License-Identifier: BSL-1.0
// Beside `jump_hash`, whose place it takes.
#include <quoin/placement/jump_back_hash.hpp>

#include <quoin/placement/jump_hash.hpp>

#include "bench_support.hpp"

#include <cstdint>

namespace {

using namespace quoin_bench;

void beside_jump_hash(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  const auto n = static_cast<std::uint32_t>(state.range(0));
  run_against(state, hashes.size(),
              for_each_hash(hashes, [n](std::uint64_t h) { return quoin::jump_back_hash(h, n); }),
              for_each_hash(hashes, [n](std::uint64_t h) { return quoin::jump_hash(h, n); }));
}
BENCHMARK(beside_jump_hash)->Apply(node_counts)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
