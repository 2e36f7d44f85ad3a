// SPDX-License-Identifier: BSL-1.0
// Leases on one bucket whose rate is zero: every token is in the bucket, held, or spent.
#include <quoin/limit/lease.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/input.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace {

using bucket = quoin::atomic_token_bucket<quoin::manual_clock>;

void operate(quoin_fuzz::input in) {
  const std::uint64_t burst = in.take_in<std::uint16_t>(1, 1000);
  const quoin::manual_clock clock;
  bucket b({.rate = quoin::per_second(0), .burst = burst}, clock);
  std::uint64_t spent = 0;
  const auto left = [&] { return b.peek_at(bucket::time_point(), 0).remaining; };
  {
    const auto chunk = [&] { return std::uint64_t{in.take_in<std::uint8_t>(1, 60)}; };
    std::array leases{quoin::token_lease(b, chunk()), quoin::token_lease(b, chunk()),
                      quoin::token_lease(b, chunk())};
    while (!in.empty()) {
      auto& lease = leases[in.take_in<std::uint8_t>(0, 2)];
      const auto action = in.take<std::uint8_t>();
      const bucket::time_point now(std::chrono::nanoseconds(in.take<std::int64_t>()));
      const std::uint64_t cost = in.take_in<std::uint8_t>(0, 120);
      if (action % 8 == 0) {
        lease.release();
      } else if (action % 8 == 1) {
        lease = std::move(leases[0]);
      } else {
        const quoin::decision d = lease.try_acquire_at(now, cost);
        if (d) spent += cost;
        QUOIN_FUZZ_CHECK(d.remaining == lease.held());
        QUOIN_FUZZ_CHECK(d.allowed || cost > lease.held());
      }
      std::uint64_t held = 0;
      for (const auto& each : leases) {
        QUOIN_FUZZ_CHECK(each.held() <= each.chunk());
        held += each.held();
      }
      QUOIN_FUZZ_CHECK(left() + held + spent == burst);
    }
  }
  QUOIN_FUZZ_CHECK(left() + spent == burst);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
