// SPDX-License-Identifier: BSL-1.0
// Nodes, a pool, and messages that the fuzzer keeps, repeats, reorders or forges: as long as none is
// forged, one bucket would have let pass what they did.
#include <quoin/limit/lease_pool.hpp>
#include <quoin/limit/leased_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/input.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

void operate(quoin_fuzz::input in) {
  const std::uint64_t rate = in.take_in<std::uint16_t>(1, 1000);
  const std::uint64_t burst = in.take_in<std::uint16_t>(1, 1000);
  bool honest = true;
  quoin::manual_clock clock;
  quoin::lease_pool pool({.rate = quoin::per_second(rate), .burst = burst}, clock);
  quoin::token_bucket oracle({.rate = quoin::per_second(rate), .burst = burst}, clock);
  std::array nodes{quoin::leased_limiter({.node = 1}, clock),
                   quoin::leased_limiter({.node = 2, .max_wanted = 50}, clock)};
  std::array<quoin::lease_request, 8> requests{};
  std::array<quoin::lease_grant, 8> grants{};
  for (auto& request : requests) request.node = 3;
  while (!in.empty()) {
    const std::size_t i = in.take_in<std::uint8_t>(0, 1);
    const std::size_t place = 4 * i + in.take_in<std::uint8_t>(0, 3);
    auto& node = nodes[i];
    clock.advance(std::chrono::microseconds(in.take<std::uint16_t>() * 8));
    switch (in.take<std::uint8_t>() % 8) {
      case 0:
        requests[place] = node.request_at(clock.now());
        break;
      case 1:
        grants[place] = pool.grant(requests[place]);
        break;
      case 2:
        node.granted_at(clock.now(), grants[place]);
        break;
      case 3:
        node.reset();
        break;
      case 4:
        if (in.take<std::uint8_t>() != 0) break;
        honest = false;
        grants[place].lease = in.take<std::uint8_t>();
        grants[place].granted = in.take<std::uint64_t>();
        grants[place].valid_for = std::chrono::nanoseconds(in.take<std::int64_t>());
        grants[place].renew_after = std::chrono::nanoseconds(in.take<std::int64_t>());
        grants[place].limit = in.take<std::uint64_t>();
        break;
      default: {
        const std::uint64_t cost = in.take_in<std::uint8_t>(1, 60),
                            held = node.held_at(clock.now());
        const auto looked = node.peek(cost);
        const auto d = node.try_acquire(cost);
        QUOIN_FUZZ_CHECK(d.allowed == (cost <= held) && looked.allowed == d.allowed);
        QUOIN_FUZZ_CHECK(d.remaining == held - (d.allowed ? cost : 0));
        QUOIN_FUZZ_CHECK(!d.allowed || d.retry_after.count() == 0);
        QUOIN_FUZZ_CHECK(d.retry_after.count() >= 0);
        QUOIN_FUZZ_CHECK(d.allowed || (cost > d.limit) == (d.retry_after == quoin::never));
        if (d && honest) QUOIN_FUZZ_CHECK(oracle.try_acquire(cost).allowed);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
