// SPDX-License-Identifier: BSL-1.0
// Characterizes how evenly `hash_ring` spreads keys: the tables of docs/accuracy-ring.md.
//
//   hash_ring_accuracy [RINGS]      (default 100; a minute on one core)
//
// Shares are exact (detail/placement_ring_load.hpp), so that no sample of keys adds noise: what is
// averaged over is rings, which differ in their seed. The last table counts keys nevertheless.
#include <quoin/placement/hash_ring.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::uint32_t>;

std::vector<std::uint32_t> nodes(std::uint32_t n) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t i = 0; i < n; ++i) result.push_back(i);
  return result;
}

struct summary {
  double mean = 0, least = 1e9, most = 0, max = 0, min = 0;
};

/// Of the standard deviation over rings its mean and extremes; the mean of the most and the least
/// loaded node.
summary of_rings(std::uint32_t n, std::uint32_t v, std::uint32_t probes, std::uint64_t rings) {
  summary s;
  for (std::uint64_t seed = 0; seed < rings; ++seed) {
    const auto balance =
        ring({.virtual_nodes = v, .probes = probes, .seed = seed}, nodes(n)).balance();
    s.mean += balance.standard_deviation / static_cast<double>(rings);
    s.least = std::min(s.least, balance.standard_deviation);
    s.most = std::max(s.most, balance.standard_deviation);
    s.max += balance.max / static_cast<double>(rings);
    s.min += balance.min / static_cast<double>(rings);
  }
  return s;
}

void print(std::uint32_t n, std::uint32_t v, std::uint32_t probes, std::uint64_t rings) {
  const summary s = of_rings(n, v, probes, rings);
  const double law = probes == 1 ? (n - 1.0) / (1.0 * n * v + 1) : 1 / (2 * (2.0 * probes - 1) * v);
  std::printf("| %4u | %4u | %2u | %5.2f %% | %5.2f %% to %5.2f %% | %5.2f %%", n, v, probes,
              100 * s.mean, 100 * s.least, 100 * s.most, 100 * std::sqrt(law));
  std::printf(" | %.3f | %.3f |\n", s.max, s.min);
  std::fflush(stdout);
}

/// Deviation of the numbers of a million keys against that of the shares.
void count_keys(std::uint32_t v, std::uint32_t probes) {
  constexpr std::uint64_t keys = 1 << 20;
  constexpr std::uint32_t n = 100;
  double counted = 0, exact = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const ring r({.virtual_nodes = v, .probes = probes, .seed = seed}, nodes(n));
    std::vector<std::uint64_t> hashes(keys);
    for (std::uint64_t i = 0; i < keys; ++i) hashes[i] = quoin::hash{99 + seed}(i);
    std::vector<std::uint32_t> owners(keys), counts(n);
    r.owners_of_hash_many(hashes, owners);
    for (const auto owner : owners) ++counts[owner];
    double variance = 0;
    for (const auto count : counts) variance += std::pow(count * (1.0 * n / keys) - 1, 2) / n;
    counted += variance / 10;
    exact += std::pow(r.balance().standard_deviation, 2) / 10;
  }
  const double chance = (n - 1.0) / keys;
  std::printf("| %4u | %2u | %5.2f %% | %5.2f %% |\n", v, probes, 100 * std::sqrt(counted),
              100 * std::sqrt(exact + chance));
}

}  // namespace

int main(int argc, char** argv) {
  const int rings = argc > 1 ? std::atoi(argv[1]) : 100;
  if (rings < 1) {
    std::fprintf(stderr, "usage: %s [RINGS]\n", argv[0]);
    return 2;
  }
  std::puts("| N | V | K | deviation | of single rings | law | most loaded | least loaded |");
  std::puts("|---|---|---|---|---|---|---|---|");
  for (const std::uint32_t n : {10u, 100u, 1000u}) {
    for (const std::uint32_t v : {100u, 160u, 200u}) {
      for (const std::uint32_t probes : {1u, 2u, 3u, 4u, 8u}) {
        if (n == 1000 && probes != 1 && probes != 2 && probes != 8) continue;
        const int used = n == 1000 ? std::max(rings / 10, 1) : rings;
        print(n, v, probes, static_cast<std::uint64_t>(used));
      }
    }
  }
  std::puts(
      "\n| V | K | deviation of 2^20 keys | of the shares, and of chance |\n|---|---|---|---|");
  for (const std::uint32_t probes : {1u, 2u, 8u}) count_keys(200, probes);
}
