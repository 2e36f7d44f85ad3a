// SPDX-License-Identifier: BSL-1.0
// Any operations at any times against a bucket that counts its tokens, and the atomic one with it.
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
  quoin::atomic_token_bucket twin(subject);
  quoin_test::level_oracle model(quota);
  const std::int64_t step =
      quota.count == 0 ? quota.per : 1 + quota.per / static_cast<std::int64_t>(quota.count);
  std::int64_t now = *rc::gen::element<std::int64_t>(0, -5, 1'700'000'000'000'000'000);
  for (int i = 0; i < 60; ++i) {
    now += *rc::gen::inRange<std::int64_t>(-2 * step, 5 * step);
    const auto cost = *rc::gen::inRange<std::uint64_t>(0, quota.burst + 2);
    const time_point time{nanoseconds(now)};
    RC_ASSERT(subject.peek_at(time, cost) == model.peek(now, cost));
    RC_ASSERT(twin.peek_at(time, cost) == model.peek(now, cost));
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        RC_ASSERT(subject.acquire_up_to_at(time, cost) == twin.acquire_up_to_at(time, cost));
        model.acquire_up_to(now, cost);
        break;
      case 1: {
        const quoin::decision d = subject.debit_at(time, cost);
        RC_ASSERT(twin.debit_at(time, cost) == d);
        if (d.allowed && cost != 0) model.debit(now, cost);
        break;
      }
      case 2:
        subject.refund_at(time, cost);
        twin.refund_at(time, cost);
        if (cost != 0) model.refund(now, cost);
        break;
      case 3: {
        const auto wait = model.peek(now, cost).retry_after;
        const auto r = subject.reserve_at(time, cost, nanoseconds(3 * step));
        RC_ASSERT(r.wait == wait);
        RC_ASSERT(twin.reserve_at(time, cost, nanoseconds(3 * step)) == r);
        if (r && cost != 0) model.debit(now, cost);
        RC_ASSERT(r.granted == (r.reason == quoin::limit_reason::none));
        RC_ASSERT(!r.granted || r.wait <= nanoseconds(3 * step));
        break;
      }
      default: {
        const quoin::decision d = subject.try_acquire_at(time, cost);
        RC_ASSERT(twin.try_acquire_at(time, cost) == d);
        RC_ASSERT(model.try_acquire(now, cost) == d);
      }
    }
    if (i % 16 == 0) {
      const auto bytes = subject.to_bytes_at(time);
      RC_ASSERT(twin.snapshot().to_bytes_at(time) == bytes);
      const auto read = bucket::from_bytes_at(bytes, time, epoch);
      RC_ASSERT(read.has_value());
      RC_ASSERT(read->to_bytes_at(time) == bytes);
      RC_ASSERT(read->peek_at(time, cost) == model.peek(now, cost));
    }
  }
}

// A clock that is set back, quotas that change: the two forms stay alike.
RC_GTEST_PROP(token_bucket, both_forms_are_one_bucket, ()) {
  const auto any_options = [] {
    const quoin_test::bucket_quota quota = any_quota();
    return quoin::token_bucket_options{
        .rate = {quota.count, nanoseconds(quota.per)},
        .burst = quota.burst,
        .max_debt = *rc::gen::element<std::uint64_t>(0, 1, quota.burst),
        .max_backward_step = nanoseconds(*rc::gen::element<std::int64_t>(0, 5, 1'000'000'000))};
  };
  bucket subject(any_options(), epoch);
  quoin::atomic_token_bucket twin(subject);
  for (int i = 0; i < 40; ++i) {
    const auto now = *rc::gen::arbitrary<std::int64_t>() >> *rc::gen::inRange(0, 60);
    const auto cost = *rc::gen::inRange<std::uint64_t>(0, 42);
    const time_point time{nanoseconds(now)};
    RC_ASSERT(subject.peek_at(time, cost) == twin.peek_at(time, cost));
    switch (*rc::gen::inRange(0, 6)) {
      case 0: {
        const auto options = any_options();
        const auto what = static_cast<quoin::inherit>(*rc::gen::inRange(0, 4));
        subject.reconfigure_at(time, options, what);
        twin.reconfigure_at(time, options, what);
        break;
      }
      case 1:
        RC_ASSERT(subject.debit_at(time, cost) == twin.debit_at(time, cost));
        break;
      case 2:
        subject.refund_at(time, cost);
        twin.refund_at(time, cost);
        break;
      case 3:
        RC_ASSERT(subject.reserve_at(time, cost) == twin.reserve_at(time, cost));
        break;
      default:
        RC_ASSERT(subject.try_acquire_at(time, cost) == twin.try_acquire_at(time, cost));
    }
    RC_ASSERT(subject.to_bytes_at(time) == twin.snapshot().to_bytes_at(time));
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
