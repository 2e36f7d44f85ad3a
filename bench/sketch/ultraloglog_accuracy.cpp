// SPDX-License-Identifier: BSL-1.0
// Characterizes UltraLogLog: bias and relative standard error over many trials, as the tables of
// docs/accuracy-ultraloglog.md.
//
//   ultraloglog_accuracy [TRIALS [LARGEST]]               (default 1000 1e7; a minute on one core)
//
// Errors are given times √m, so that precisions compare; `stream` is estimate() of a sketch that was
// never merged, `state` is estimate_from_state(), which is what estimate() gives after merging.
#include <quoin/sketch/ultraloglog.hpp>

#include "distinct_accuracy.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 1000;
  const double largest = argc > 2 ? std::atof(argv[2]) : 1e7;
  if (trials < 1 || trials > 1'000'000 || !(largest >= 10 && largest <= 1e10)) {
    std::fprintf(stderr, "usage: %s [TRIALS [LARGEST]]\n", argv[0]);
    return 2;
  }
  for (const unsigned precision : {8u, 10u, 12u}) {
    quoin_bench::print(precision,
                       quoin_bench::characterize<quoin::ultraloglog<>>(precision, trials, largest),
                       trials);
  }
}
