// SPDX-License-Identifier: BSL-1.0
// What the fuzz targets of all limiters by windows do.
#ifndef QUOIN_FUZZ_LIMIT_WINDOW_FUZZ_HPP
#define QUOIN_FUZZ_LIMIT_WINDOW_FUZZ_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/limit_decision.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin_fuzz {

using time_point = quoin::manual_clock::time_point;

template <class Options>
Options window_options(input& in) {
  Options options;
  options.rate.count = in.take_in<std::uint16_t>(0, 300);
  options.rate.per = std::chrono::nanoseconds(in.take_in<std::uint32_t>(1, 5000));
  options.offset = std::chrono::nanoseconds(in.take<std::int16_t>());
  if (in.take<bool>()) options.max_debt = in.take<std::uint8_t>();
  options.max_backward_step = std::chrono::nanoseconds(in.take<std::uint16_t>());
  return options;
}

/// The first byte that is 255 ends the verbs; what follows is read as a serialized form.
template <class Value, class Atomic, class Options>
void try_windows(input& in, const Options& options) {
  const quoin::manual_clock clock;
  Value value(options, clock);
  Atomic atomic(options, clock);
  std::int64_t time = 0;
  while (!in.empty()) {
    const auto verb = in.take<std::uint8_t>();
    if (verb == 255) break;
    const auto step = in.take<std::int16_t>();
    if (__builtin_add_overflow(time, std::int64_t{step} << (verb % 5 == 0 ? 40 : 0), &time)) {
      time = step < 0 ? INT64_MIN : INT64_MAX;
    }
    const time_point now{std::chrono::nanoseconds(time)};
    const std::uint64_t cost = in.take<std::uint8_t>();
    QUOIN_FUZZ_CHECK(value.peek_at(now, cost) == atomic.peek_at(now, cost));
    switch (verb % 8) {
      case 0:
        QUOIN_FUZZ_CHECK(value.debit_at(now, cost) == atomic.debit_at(now, cost));
        break;
      case 1:
        value.refund_at(now, cost), atomic.refund_at(now, cost);
        break;
      case 2: {
        Options next = options;
        next.rate.count = cost;
        value.reconfigure_at(now, next, static_cast<quoin::inherit>(verb / 8 % 4));
        atomic.reconfigure_at(now, next, static_cast<quoin::inherit>(verb / 8 % 4));
        break;
      }
      case 3:
        QUOIN_FUZZ_CHECK(value.acquire_up_to_at(now, cost) == atomic.acquire_up_to_at(now, cost));
        break;
      case 4:
        if constexpr (requires { value.reserve_at(now, cost); }) {
          QUOIN_FUZZ_CHECK(value.reserve_at(now, cost) == atomic.reserve_at(now, cost));
          break;
        }
        [[fallthrough]];
      default: {
        const auto d = value.try_acquire_at(now, cost);
        QUOIN_FUZZ_CHECK(d == atomic.try_acquire_at(now, cost));
        QUOIN_FUZZ_CHECK(d.remaining <= d.limit && d.allowed == (d.retry_after.count() == 0));
        std::int64_t then = 0;
        if (!d.allowed && d.retry_after != quoin::never &&
            !__builtin_add_overflow(time, d.retry_after.count(), &then)) {
          QUOIN_FUZZ_CHECK(value.peek_at(time_point(std::chrono::nanoseconds(then)), cost).allowed);
          const time_point earlier(std::chrono::nanoseconds(then - 1));
          QUOIN_FUZZ_CHECK(!value.peek_at(earlier, cost).allowed);
        }
      }
    }
    if (verb >= 248) {
      const auto back = Value::from_bytes_at(atomic.snapshot().to_bytes_at(now), now, clock);
      QUOIN_FUZZ_CHECK(back.has_value());
      QUOIN_FUZZ_CHECK(back->peek_at(now).remaining == value.peek_at(now).remaining);
    }
  }
  const auto rest = in.rest();
  const time_point now{std::chrono::nanoseconds(time)};
  const auto raw = Value::from_bytes_at(std::as_bytes(rest), now, clock);
  if (raw) {
    const auto bytes = raw->to_bytes_at(now);
    QUOIN_FUZZ_CHECK(Value::from_bytes_at(bytes, now, clock).has_value());
  }
}

}  // namespace quoin_fuzz

#endif
