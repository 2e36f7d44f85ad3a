// SPDX-License-Identifier: BSL-1.0
// Requests at times that go on, of which no window has too many, and back; both forms alike; refunds,
// after which what is said to remain passes and no more; raw bytes.
#include <quoin/limit/sliding_log.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::manual_clock clock;
  using time_point = quoin::manual_clock::time_point;
  const auto flags = in.take<std::uint8_t>();
  const quoin::sliding_log_options options{
      .rate = {in.take_in<std::uint8_t>(0, 40),
               std::chrono::nanoseconds(in.take_in<std::uint16_t>(1, 999))},
      .edge = (flags & 1) != 0 ? quoin::log_edge::closed : quoin::log_edge::open,
      .keep_refused = (flags & 2) != 0,
      .max_backward_step = std::chrono::nanoseconds(in.take<std::uint8_t>())};
  quoin::sliding_log value(options, clock);
  quoin::atomic_sliding_log atomic(options, clock);
  quoin::atomic_sliding_log refunded(options, clock);
  std::vector<std::int64_t> admitted;
  std::int64_t time = 0;
  bool forward = true;
  while (!in.empty()) {
    const auto verb = in.take<std::uint8_t>();
    if (verb == 255) break;
    const auto step = in.take<std::int8_t>();
    time += std::int64_t{step} << (verb % 16 == 0 ? 30 : 0);
    forward = forward && step >= 0 && verb % 8 != 1;
    const time_point now{std::chrono::nanoseconds(time)};
    const std::uint64_t cost = in.take<std::uint8_t>() % 8;
    QUOIN_FUZZ_CHECK(value.peek_at(now, cost) == atomic.peek_at(now, cost));
    if (verb % 4 == 3) refunded.refund_at(now, cost);
    const std::uint64_t left = refunded.try_acquire_at(now, verb % 5).remaining;
    QUOIN_FUZZ_CHECK(refunded.peek_at(now, left) && !refunded.peek_at(now, left + 1));
    if (verb % 8 == 1) {
      value.reset();
      atomic.reset();
    } else if (verb % 8 == 2) {
      const std::uint64_t taken = value.acquire_up_to_at(now, cost);
      QUOIN_FUZZ_CHECK(taken == atomic.acquire_up_to_at(now, cost));
      admitted.insert(admitted.end(), static_cast<std::size_t>(taken), time);
    } else {
      const auto d = value.try_acquire_at(now, cost);
      QUOIN_FUZZ_CHECK(d == atomic.try_acquire_at(now, cost));
      if (d) admitted.insert(admitted.end(), static_cast<std::size_t>(cost), time);
    }
    const std::size_t limit = static_cast<std::size_t>(options.rate.count);
    if (forward && admitted.size() > limit) {
      QUOIN_FUZZ_CHECK(admitted.back() -
                           *(admitted.end() - 1 - static_cast<std::ptrdiff_t>(limit)) >=
                       options.rate.per.count());
    }
    if (verb >= 250) {
      const auto back =
          decltype(value)::from_bytes_at(atomic.snapshot_at(now).to_bytes_at(now), now, clock);
      QUOIN_FUZZ_CHECK(back.has_value() && back->peek_at(now) == value.peek_at(now));
    }
  }
  const time_point now{std::chrono::nanoseconds(time)};
  const auto raw = decltype(value)::from_bytes_at(std::as_bytes(in.rest()), now, clock);
  if (raw) QUOIN_FUZZ_CHECK(decltype(value)::from_bytes_at(raw->to_bytes_at(now), now, clock));
  return 0;
}
