// SPDX-License-Identifier: BSL-1.0
// A pool that is told anything: what it leases is never more than there is.
#include <quoin/limit/lease_pool.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

void operate(quoin_fuzz::input in) {
  const std::uint64_t burst = in.take_in<std::uint16_t>(1, 1000);
  const auto policy = in.take<bool>() ? quoin::lapse::returns : quoin::lapse::spends;
  const quoin::manual_clock clock;
  quoin::lease_pool pool({.rate = {in.take<std::uint8_t>(), std::chrono::milliseconds(100)},
                          .burst = burst,
                          .capacity = 5,
                          .on_lapse = policy,
                          .restarted = in.take<bool>()},
                         clock);
  std::int64_t time = in.take<std::int64_t>();
  const auto number = [&] {
    return in.take<std::uint8_t>() == 0 ? in.take<std::uint64_t>() : in.take<std::uint8_t>();
  };
  while (!in.empty()) {
    const bool leap = in.take<std::uint8_t>() == 0;
    const std::int64_t step = leap ? in.take<std::int64_t>() : in.take<std::uint32_t>();
    if (__builtin_add_overflow(time, step, &time)) time = 0;
    const quoin::manual_clock::time_point now{std::chrono::nanoseconds(time)};
    quoin::lease_request request{.node = in.take_in<std::uint8_t>(0, 6)};
    request.lease = number();
    request.sequence = number();
    request.spent = number();
    request.returned = number();
    request.wanted = number();
    request.needed = number();
    const std::uint64_t leased = pool.leased();
    const quoin::lease_grant grant = pool.grant_at(now, request);
    QUOIN_FUZZ_CHECK(grant.sequence == request.sequence);
    QUOIN_FUZZ_CHECK(grant.granted == 0 || grant.lease != 0);
    QUOIN_FUZZ_CHECK(grant.valid_for.count() >= 0 && grant.renew_after.count() > 0);
    QUOIN_FUZZ_CHECK(pool.leased() + pool.available() <= burst);
    QUOIN_FUZZ_CHECK(pool.leased() <= leased + burst && pool.nodes() <= 5);
    QUOIN_FUZZ_CHECK(pool.nodes() != 0 || pool.leased() == 0);
    const quoin::lease_grant again = pool.grant_at(now, request);
    QUOIN_FUZZ_CHECK(again.lease == 0 || again.lease == request.lease);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
