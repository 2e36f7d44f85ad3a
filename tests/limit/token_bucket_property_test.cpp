// SPDX-License-Identifier: BSL-1.0
// Any operations at any times against a bucket that counts its tokens.
#include <quoin/limit/token_bucket.hpp>

#include "support/limit_oracle.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using nanoseconds = std::chrono::nanoseconds;
using time_point = quoin::manual_clock::time_point;
using bucket = quoin::token_bucket<quoin::manual_clock>;

const quoin::manual_clock epoch;

quoin_test::bucket_quota any_quota() {
  const auto count = *rc::gen::element<std::uint64_t>(0, 1, 3, 7, 60, 1000, 999'999'937);
  const auto per = *rc::gen::element<std::int64_t>(1, 10, 1000, 1'000'000'000, 86'400'000'000'000);
  const auto largest = (std::uint64_t{1} << 58) / static_cast<std::uint64_t>(per);
  const auto burst = *rc::gen::inRange<std::uint64_t>(1, 40);
  return {count, per, burst < largest ? burst : largest};
}

RC_GTEST_PROP(token_bucket, counts_tokens, ()) {
  const quoin_test::bucket_quota quota = any_quota();
  bucket subject({.rate = {quota.count, nanoseconds(quota.per)},
                  .burst = quota.burst,
                  .max_backward_step = nanoseconds::max()},
                 epoch);
  quoin_test::level_oracle model(quota);
  const std::int64_t step =
      quota.count == 0 ? quota.per : 1 + quota.per / static_cast<std::int64_t>(quota.count);
  std::int64_t now = *rc::gen::element<std::int64_t>(0, -5, 1'700'000'000'000'000'000);
  for (int i = 0; i < 60; ++i) {
    now += *rc::gen::inRange<std::int64_t>(-2 * step, 5 * step);
    const auto cost = *rc::gen::inRange<std::uint64_t>(0, quota.burst + 2);
    const time_point time{nanoseconds(now)};
    RC_ASSERT(subject.peek_at(time, cost) == model.peek(now, cost));
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        RC_ASSERT(subject.acquire_up_to_at(time, cost) == model.acquire_up_to(now, cost));
        break;
      case 1: {
        const bool refused =
            subject.debit_at(time, cost).reason == quoin::limit_reason::debt_above_limit;
        if (!refused && cost != 0) model.debit(now, cost);
        break;
      }
      case 2:
        subject.refund_at(time, cost);
        if (cost != 0) model.refund(now, cost);
        break;
      case 3: {
        const auto wait = model.peek(now, cost).retry_after;
        const auto r = subject.reserve_at(time, cost, nanoseconds(3 * step));
        RC_ASSERT(r.wait == wait);
        if (r && cost != 0) model.debit(now, cost);
        RC_ASSERT(r.granted == (r.reason == quoin::limit_reason::none));
        RC_ASSERT(!r.granted || r.wait <= nanoseconds(3 * step));
        break;
      }
      default:
        RC_ASSERT(subject.try_acquire_at(time, cost) == model.try_acquire(now, cost));
    }
    if (i % 16 == 0) {
      const auto bytes = subject.to_bytes_at(time);
      const auto read = bucket::from_bytes_at(bytes, time, epoch);
      RC_ASSERT(read.has_value());
      RC_ASSERT(read->to_bytes_at(time) == bytes);
      RC_ASSERT(read->peek_at(time, cost) == model.peek(now, cost));
    }
  }
}

// Whatever the order of the times, no window holds more than its rate and one burst.
RC_GTEST_PROP(token_bucket, no_window_holds_more_than_it_may, ()) {
  const auto count = *rc::gen::inRange<std::int64_t>(1, 20);
  const auto per = *rc::gen::inRange<std::int64_t>(1, 200);
  const auto burst = *rc::gen::inRange<std::int64_t>(1, 20);
  bucket subject({.rate = {static_cast<std::uint64_t>(count), nanoseconds(per)},
                  .burst = static_cast<std::uint64_t>(burst)},
                 epoch);
  std::vector<std::int64_t> admitted(600, 0);
  for (int i = 0; i < 300; ++i) {
    const auto now = *rc::gen::inRange<std::size_t>(0, admitted.size());
    const auto cost = *rc::gen::inRange<std::int64_t>(1, burst + 1);
    if (subject.try_acquire_at(time_point(nanoseconds(now)), static_cast<std::uint64_t>(cost))) {
      admitted[now] += cost;
    }
  }
  for (std::size_t begin = 0; begin < admitted.size(); ++begin) {
    std::int64_t sum = 0;
    for (std::size_t end = begin; end < admitted.size(); ++end) {
      sum += admitted[end];
      RC_ASSERT(sum <= burst + static_cast<std::int64_t>(end - begin) * count / per);
    }
  }
}

}  // namespace
