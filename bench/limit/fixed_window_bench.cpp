// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form a counter under a comparison of times.
#include <quoin/limit/fixed_window.hpp>

#include "window_bench.hpp"

int main(int argc, char** argv) {
  constexpr quoin::fixed_window_options all{.rate = quoin::per_hour(1'000'000'000)};
  constexpr quoin::fixed_window_options none{.rate = quoin::per_hour(1)};
  return quoin_bench::run<quoin::fixed_window<>, quoin::atomic_fixed_window<>>(argc, argv, all,
                                                                               none);
}
