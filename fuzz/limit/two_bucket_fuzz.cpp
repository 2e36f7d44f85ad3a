// SPDX-License-Identifier: BSL-1.0
// Both forms answer as one bucket of both does, at any times; and raw bytes.
#include <quoin/limit/token_bucket.hpp>
#include <quoin/limit/two_bucket.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::manual_clock clock;
  using time_point = quoin::manual_clock::time_point;
  const quoin::two_bucket_options options{
      .rate = {in.take_in<std::uint8_t>(1, 9),
               std::chrono::nanoseconds(in.take_in<std::uint8_t>(1, 99))},
      .allocated = in.take_in<std::uint8_t>(1, 40),
      .burst = std::chrono::nanoseconds(in.take<std::uint16_t>()),
      .max_backward_step = std::chrono::nanoseconds(in.take<std::uint8_t>())};
  quoin::two_bucket value(options, clock);
  quoin::atomic_two_bucket atomic(options, clock);
  const std::uint64_t saved = options.rate.count *
                              static_cast<std::uint64_t>(options.burst.count()) /
                              static_cast<std::uint64_t>(options.rate.per.count());
  quoin::token_bucket one({.rate = options.rate,
                           .burst = options.allocated + saved,
                           .max_debt = 0,
                           .max_backward_step = options.max_backward_step},
                          clock);
  std::int64_t time = 0;
  while (!in.empty()) {
    const auto verb = in.take<std::uint8_t>();
    if (verb == 255) break;
    time += std::int64_t{in.take<std::int8_t>()} << (verb % 16 == 0 ? 30 : 0);
    const time_point now{std::chrono::nanoseconds(time)};
    const std::uint64_t cost = in.take<std::uint8_t>() % 64;
    if (verb % 8 == 1) {
      value.refund_at(now, cost), atomic.refund_at(now, cost), one.refund_at(now, cost);
    } else {
      const auto d = value.try_acquire_at(now, cost);
      QUOIN_FUZZ_CHECK(d == atomic.try_acquire_at(now, cost));
      const auto same = one.try_acquire_at(now, cost);
      QUOIN_FUZZ_CHECK(d.allowed == same.allowed && d.remaining == same.remaining);
      QUOIN_FUZZ_CHECK(value.allocated_at(now) + value.burst_at(now) == d.remaining);
    }
  }
  const time_point now{std::chrono::nanoseconds(time)};
  const auto raw = decltype(value)::from_bytes_at(std::as_bytes(in.rest()), now, clock);
  if (raw) QUOIN_FUZZ_CHECK(decltype(value)::from_bytes_at(raw->to_bytes_at(now), now, clock));
  return 0;
}
