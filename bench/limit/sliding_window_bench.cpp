// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form a counter under a comparison of times.
#include <quoin/limit/sliding_window.hpp>

#include "window_bench.hpp"

int main(int argc, char** argv) {
  constexpr quoin::sliding_window_options all{.rate = {100'000'000, std::chrono::milliseconds(1)}};
  constexpr quoin::sliding_window_options none{.rate = quoin::per_hour(1)};
  return quoin_bench::run<quoin::sliding_window<>, quoin::atomic_sliding_window<>>(argc, argv, all,
                                                                                   none);
}
