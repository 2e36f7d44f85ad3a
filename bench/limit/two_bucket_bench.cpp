// SPDX-License-Identifier: BSL-1.0
// A request with the time given, beside the floor: a loop around one compare-and-swap on a word, or
// for the plain form an addition.
#include <quoin/limit/two_bucket.hpp>

#include "window_bench.hpp"

int main(int argc, char** argv) {
  constexpr quoin::two_bucket_options all{.rate = quoin::per_second(10'000'000)};
  constexpr quoin::two_bucket_options none{.rate = quoin::per_hour(1)};
  return quoin_bench::run<quoin::two_bucket<>, quoin::atomic_two_bucket<>>(argc, argv, all, none);
}
