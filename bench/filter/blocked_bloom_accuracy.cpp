// SPDX-License-Identifier: BSL-1.0
// Characterizes the blocked Bloom filter: measured false positives against the two formulas, as the
// table of docs/accuracy-bloom.md.
//
//   blocked_bloom_accuracy [PROBES_PER_DENSITY]      (default 2e8; a minute on one core)
//
// A million keys per filter, eight filters under different seeds; no probe was inserted, since the
// hash of integers is a bijection. `expected` is expected_false_positive_rate(keys), the mean over
// hash functions; `bits` is false_positive_rate(), from the bits of these filters; the deviation is
// what chance allows the last quotient: 1 / √(false positives).
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::uint64_t keys = 1'000'000;
constexpr std::uint64_t filters = 8;

void characterize(double bits_per_key, std::uint64_t probes) {
  constexpr std::uint64_t block = 1 << 16;
  std::vector<std::uint64_t> batch(block), mask(block / 64);
  std::uint64_t hits = 0, asked = 0;
  double expected = 0, bits = 0;
  unsigned k = 0;
  for (std::uint64_t seed = 0; seed < filters; ++seed) {
    quoin::blocked_bloom_filter filter(
        {.capacity = keys, .bits_per_key = bits_per_key, .seed = seed});
    for (std::uint64_t key = 0; key < keys; ++key) filter.insert(key);
    k = filter.hash_count();
    expected += filter.expected_false_positive_rate(keys) / filters;
    bits += filter.false_positive_rate() / filters;
    const std::uint64_t end = probes / filters * (seed + 1);
    for (std::uint64_t key = keys; asked < end; asked += block) {
      for (auto& probe : batch) probe = key++;
      filter.contains_many(batch, mask);
      for (const auto word : mask) hits += static_cast<unsigned>(std::popcount(word));
    }
  }
  const double measured = static_cast<double>(hits) / static_cast<double>(asked);
  std::printf("| %2g | %2u | %.4e | %.4e | %.4e | %.4f | %.4f | %.4f |\n", bits_per_key, k,
              expected, bits, measured, measured / expected, measured / bits,
              1 / std::sqrt(static_cast<double>(hits)));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const double probes = argc > 1 ? std::atof(argv[1]) : 2e8;
  if (!(probes >= 1e6 && probes <= 1e12)) {
    std::fprintf(stderr, "usage: %s [PROBES_PER_DENSITY]   (1e6 to 1e12)\n", argv[0]);
    return 2;
  }
  std::puts(
      "| bits per key | k | expected | bits | measured | measured / expected | measured / bits | "
      "deviation |\n|---|---|---|---|---|---|---|---|");
  for (const double bits_per_key : {8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0}) {
    characterize(bits_per_key, static_cast<std::uint64_t>(probes));
  }
}
