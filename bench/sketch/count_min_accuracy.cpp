// SPDX-License-Identifier: BSL-1.0
// Characterizes the count-min sketch: excess over the truth per layout and way of updating at equal
// bytes, as the tables of docs/accuracy-count-min.md.
//
//   count_min_accuracy [TRIALS]      (default 20; a minute on one core)
//
// Each trial counts a million keys drawn from Zipf(s) over a million under a seed of its own, in 256
// KiB of 32-bit counters, and asks for every key drawn. `mean`, `p99.9` and `max` are of the excess;
// quotients are against the textbook's sketch (classic rows, plain update, depth 4).
#include <quoin/sketch/count_min_sketch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

constexpr std::size_t draws = 1'000'000, universe = 1'000'000;
constexpr std::uint64_t memory = 1 << 18;

struct stream {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> distinct;
  std::vector<std::uint64_t> counts;  // of `distinct`
};

stream zipf(double exponent) {
  std::vector<double> sums(universe);
  double sum = 0;
  for (std::size_t i = 0; i < universe; ++i) {
    sums[i] = sum += std::pow(static_cast<double>(i + 1), -exponent);
  }
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> counts(universe);
  stream s;
  for (std::size_t i = 0; i < draws; ++i) {
    const double at = std::generate_canonical<double, 53>(random) * sum;
    const auto key = std::lower_bound(sums.begin(), sums.end(), at) - sums.begin();
    s.keys.push_back(static_cast<std::uint64_t>(key));
    ++counts[static_cast<std::size_t>(key)];
  }
  for (std::size_t i = 0; i < universe; ++i) {
    if (counts[i] == 0) continue;
    s.distinct.push_back(i);
    s.counts.push_back(counts[i]);
  }
  return s;
}

struct excess {
  double mean = 0, p999 = 0, max = 0;
};

template <class Sketch>
excess measure(const stream& s, unsigned depth, bool conservative, int trials) {
  excess all;
  std::vector<std::uint64_t> estimates(s.distinct.size());
  for (int trial = 1; trial <= trials; ++trial) {
    Sketch sketch({.depth = depth,
                   .bytes = memory,
                   .conservative = conservative,
                   .seed = static_cast<std::uint64_t>(trial)});
    sketch.add_many(s.keys);
    sketch.estimate_many(s.distinct, estimates);
    double sum = 0;
    for (std::size_t i = 0; i < estimates.size(); ++i) {
      estimates[i] -= s.counts[i];
      sum += static_cast<double>(estimates[i]);
    }
    std::sort(estimates.begin(), estimates.end());
    all.mean += sum / static_cast<double>(estimates.size()) / trials;
    all.p999 += static_cast<double>(estimates[estimates.size() * 999 / 1000]) / trials;
    all.max += static_cast<double>(estimates.back()) / trials;
  }
  return all;
}

void print(const char* layout, unsigned depth, bool conservative, const excess& e,
           const excess& base) {
  std::printf("| %s | %u | %s | %.2f | %.1f | %.0f | %.3f | %.3f |\n", layout, depth,
              conservative ? "conservative" : "plain", e.mean, e.p999, e.max, e.mean / base.mean,
              e.p999 / base.p999);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 20;
  if (trials < 1 || trials > 1'000'000) {
    std::fprintf(stderr, "usage: %s [TRIALS]\n", argv[0]);
    return 2;
  }
  for (const double exponent : {0.8, 1.0, 1.2}) {
    const stream s = zipf(exponent);
    std::printf(
        "\nZipf(%g), %zu distinct keys\n\n| layout | depth | update | mean | p99.9 | max | mean / "
        "textbook | p99.9 / textbook |\n|---|---|---|---|---|---|---|---|\n",
        exponent, s.distinct.size());
    const excess base = measure<quoin::classic_count_min_sketch<>>(s, 4, false, trials);
    print("classic", 4, false, base, base);
    print("classic", 4, true, measure<quoin::classic_count_min_sketch<>>(s, 4, true, trials), base);
    print("blocked", 4, false, measure<quoin::count_min_sketch<>>(s, 4, false, trials), base);
    for (const unsigned depth : {4u, 3u, 6u, 8u}) {
      print("blocked", depth, true, measure<quoin::count_min_sketch<>>(s, depth, true, trials),
            base);
    }
  }
}
