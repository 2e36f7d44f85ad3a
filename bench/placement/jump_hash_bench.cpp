// SPDX-License-Identifier: BSL-1.0
// One key at a time beside the paper's own code, and the batch beside one at a time.
#include <quoin/placement/jump_hash.hpp>

#include "bench_support.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace quoin_bench;

/// Figure 1 of the paper.
std::int32_t textbook(std::uint64_t key, std::int32_t buckets) {
  std::int64_t b = -1, j = 0;
  while (j < buckets) {
    b = j;
    key = key * 2862933555777941757u + 1;
    j = static_cast<std::int64_t>(
        static_cast<double>(b + 1) *
        (static_cast<double>(std::int64_t{1} << 31) / static_cast<double>((key >> 33) + 1)));
  }
  return static_cast<std::int32_t>(b);
}

void one_by_one(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  const auto n = static_cast<std::uint32_t>(state.range(0));
  run_against(state, hashes.size(),
              for_each_hash(hashes, [n](std::uint64_t h) { return quoin::jump_hash(h, n); }),
              for_each_hash(hashes, [n](std::uint64_t h) {
                return static_cast<std::uint64_t>(textbook(h, static_cast<std::int32_t>(n)));
              }));
}
BENCHMARK(one_by_one)->Apply(node_counts);

void many(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 14);
  std::vector<std::uint32_t> out(hashes.size());
  const auto n = static_cast<std::uint32_t>(state.range(0));
  run_against(
      state, hashes.size(), [&] { quoin::jump_hash_many(hashes, n, out); },
      for_each_hash(hashes, [n](std::uint64_t h) {
        return static_cast<std::uint64_t>(textbook(h, static_cast<std::int32_t>(n)));
      }));
}
BENCHMARK(many)->Apply(node_counts);

}  // namespace

BENCHMARK_MAIN();
