// SPDX-License-Identifier: BSL-1.0
// What the programs share that characterize counters of distinct keys: bias and relative standard
// error over many trials.
#ifndef QUOIN_BENCH_SKETCH_DISTINCT_ACCURACY_HPP
#define QUOIN_BENCH_SKETCH_DISTINCT_ACCURACY_HPP

#include <quoin/hash/hash.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace quoin_bench {

/// The mean and the scatter of relative errors.
struct errors {
  double sum = 0, squares = 0;
  void add(double error) {
    sum += error;
    squares += error * error;
  }
};

struct checkpoint {
  std::uint64_t n;
  errors stream, state;
};

inline std::vector<checkpoint> checkpoints(double largest) {
  std::vector<checkpoint> all;
  for (double power = 10; power <= largest; power *= 10) {
    for (const double times : {1.0, 2.0, 5.0}) {
      if (times * power <= largest) {
        all.push_back({static_cast<std::uint64_t>(times * power), {}, {}});
      }
    }
  }
  return all;
}

/// Inserts 64-bit hashes of integers, distinct since that hash is a bijection, into one sketch for each
/// trial and reads its estimates on the way.
template <class Sketch>
std::vector<checkpoint> characterize(unsigned precision, int trials, double largest) {
  std::vector<checkpoint> all = checkpoints(largest);
  std::vector<std::uint64_t> counters, hashes;
  std::uint64_t next = std::uint64_t{precision} << 58;
  for (int trial = 0; trial < trials; ++trial) {
    Sketch sketch({.precision = precision});
    std::uint64_t n = 0;
    for (checkpoint& c : all) {
      while (n < c.n) {
        const std::uint64_t step = c.n - n < 4096 ? c.n - n : 4096;
        counters.resize(static_cast<std::size_t>(step));
        hashes.resize(counters.size());
        for (auto& counter : counters) counter = next++;
        quoin::hash{0x5eed}.hash_many(counters, hashes);
        sketch.insert_hash_many(hashes);
        n += step;
      }
      c.stream.add(sketch.estimate() / static_cast<double>(n) - 1);
      c.state.add(sketch.estimate_from_state() / static_cast<double>(n) - 1);
    }
  }
  return all;
}

inline double rms(const errors& e, int trials) { return std::sqrt(e.squares / trials); }

inline void print(unsigned precision, const std::vector<checkpoint>& all, int trials) {
  const double root = std::sqrt(std::ldexp(1.0, static_cast<int>(precision)));
  std::printf(
      "\nprecision %u, %d trials\n\n"
      "| n | bias %% (stream) | bias %% (state) | ± by chance | error·√m (stream) | error·√m "
      "(state) |\n|---|---|---|---|---|---|\n",
      precision, trials);
  for (const checkpoint& c : all) {
    std::printf("| %.0e | %+.4f | %+.4f | %.4f | %.3f | %.3f |\n", static_cast<double>(c.n),
                100 * c.stream.sum / trials, 100 * c.state.sum / trials,
                100 * rms(c.state, trials) / std::sqrt(trials), root * rms(c.stream, trials),
                root * rms(c.state, trials));
  }
  std::fflush(stdout);
}

}  // namespace quoin_bench

#endif
