// SPDX-License-Identifier: BSL-1.0
// The queue against one that keeps its times as fractions; the meter, plain and atomic, against a
// bucket that counts; forms from anywhere.
#include <quoin/limit/leaky_bucket.hpp>

#include "support/input.hpp"
#include "support/limit_oracle.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

namespace {

using nanoseconds = std::chrono::nanoseconds;
using meter = quoin::leaky_bucket<quoin::manual_clock>;

const quoin::manual_clock epoch;

meter::time_point at(std::int64_t now) { return meter::time_point(nanoseconds(now)); }

void queue(quoin_fuzz::input in) {
  const std::int64_t count = in.take_in<std::uint16_t>(1, 1000);
  const std::int64_t per = in.take_in<std::uint16_t>(1, 5000);
  const std::uint64_t capacity = in.take_in<std::uint8_t>(1, 12);
  const std::int64_t lateness = in.take_in<std::uint16_t>(0, 3000);
  const bool refuse = in.take<bool>();
  quoin::leaky_queue<int, quoin::manual_clock> subject(
      {.rate = {static_cast<std::uint64_t>(count), nanoseconds(per)},
       .capacity = capacity,
       .when_full = refuse ? quoin::queue_overflow::refuse : quoin::queue_overflow::drop_oldest,
       .max_lateness = nanoseconds(lateness)},
      epoch);
  std::deque<int> waiting;
  std::int64_t next = -1'000'000 * count;  // in nanoseconds / count
  std::int64_t now = 0;
  for (int i = 0; !in.empty(); ++i) {
    now = std::max(now + in.take<std::int16_t>() / 4, std::int64_t{0});
    const auto wait = [&](std::size_t place) {
      const std::int64_t left = next + static_cast<std::int64_t>(place) * per - now * count;
      return nanoseconds(left <= 0 ? 0 : (left + count - 1) / count);
    };
    if (in.take<bool>()) {
      const auto pushed = subject.push_at(at(now), i);
      const bool full = waiting.size() == capacity;
      QUOIN_FUZZ_CHECK(pushed.dropped.has_value() == full);
      QUOIN_FUZZ_CHECK(pushed.accepted == (!full || !refuse));
      if (full) QUOIN_FUZZ_CHECK(*pushed.dropped == (refuse ? i : waiting.front()));
      if (full && !refuse) waiting.pop_front();
      if (waiting.empty()) next = std::max(next, now * count);
      QUOIN_FUZZ_CHECK(pushed.wait == wait(pushed ? waiting.size() : 0));
      if (pushed) waiting.push_back(i);
    } else {
      if (!waiting.empty()) QUOIN_FUZZ_CHECK(subject.time_until_at(at(now)) == wait(0));
      const auto popped = subject.pop_at(at(now));
      QUOIN_FUZZ_CHECK(popped.has_value() == (!waiting.empty() && next <= now * count));
      if (popped) {
        QUOIN_FUZZ_CHECK(*popped == waiting.front());
        waiting.pop_front();
        if ((now * count - next) / count > lateness) next = (now - lateness) * count;
        next += per;
      }
    }
    QUOIN_FUZZ_CHECK(subject.size() == waiting.size());
  }
}

void fill(quoin_fuzz::input in) {
  const quoin_test::bucket_quota quota{in.take_in<std::uint32_t>(0, 1'000'000'000),
                                       in.take_in<std::uint32_t>(1, 1'000'000'000),
                                       in.take_in<std::uint32_t>(1, 1'000'000)};
  meter subject({.rate = {quota.count, nanoseconds(quota.per)},
                 .capacity = quota.burst,
                 .max_backward_step = nanoseconds::max()},
                epoch);
  quoin::atomic_leaky_bucket twin(subject);
  quoin_test::level_oracle model(quota);
  std::int64_t now = in.take<std::int64_t>() >> 2;
  while (!in.empty()) {
    now += in.take<std::int64_t>() >> in.take_in<std::uint8_t>(16, 63);
    const std::uint64_t cost = in.take_in<std::uint32_t>(0, 1'000'001);
    const quoin::decision d = model.try_acquire(now, cost);
    QUOIN_FUZZ_CHECK(subject.try_acquire_at(at(now), cost) == d);
    QUOIN_FUZZ_CHECK(twin.try_acquire_at(at(now), cost) == d);
    QUOIN_FUZZ_CHECK(subject.level_at(at(now)) == d.limit - d.remaining);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto kind = in.take<std::uint8_t>();
  if (kind % 3 == 0) {
    queue(in);
  } else if (kind % 3 == 1) {
    fill(in);
  } else {
    const auto bytes = in.rest();
    const auto read = meter::from_bytes_at(std::as_bytes(bytes), at(7), epoch);
    if (read) QUOIN_FUZZ_CHECK(read->level_at(at(7)) <= read->peek_at(at(7)).limit);
  }
  return 0;
}
