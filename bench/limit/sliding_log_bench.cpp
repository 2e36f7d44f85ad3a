// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form an addition.
#include <quoin/limit/sliding_log.hpp>

#include "window_bench.hpp"

int main(int argc, char** argv) {
  constexpr quoin::sliding_log_options all{.rate = {1000, std::chrono::nanoseconds(100'000)}};
  constexpr quoin::sliding_log_options none{.rate = quoin::per_hour(1)};
  return quoin_bench::run<quoin::sliding_log<>, quoin::atomic_sliding_log<>>(argc, argv, all, none);
}
