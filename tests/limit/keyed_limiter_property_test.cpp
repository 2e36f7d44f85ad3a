// SPDX-License-Identifier: BSL-1.0
// Random histories of a few keys against one exact bucket for each.
#include <quoin/limit/keyed_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "support/limit_oracle.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = quoin::manual_clock;
using time_point = clock_type::time_point;
using exact = quoin::keyed_limiter<std::uint8_t, clock_type>;
using compact = quoin::compact_keyed_limiter<std::uint8_t, clock_type>;
using bucket = quoin::token_bucket<clock_type>;

const clock_type clock_at_zero;

struct step {
  std::uint8_t what, key, cost;
  std::uint32_t after;  ///< in 1/2^30 of the time of a token, about
};

std::vector<step> any_history() {
  using parts = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint32_t>;
  std::vector<step> history;
  for (const auto& [what, key, cost, after] : *rc::gen::arbitrary<std::vector<parts>>()) {
    // Half of all steps come at once, so that buckets run empty.
    history.push_back({what, static_cast<std::uint8_t>(key % 5),
                       static_cast<std::uint8_t>(cost % 6), after % 2 == 0 ? 0 : after});
  }
  return history;
}

quoin::rate any_of(const std::vector<quoin::rate>& rates) {
  return rates[*rc::gen::inRange<std::size_t>(0, rates.size())];
}

/// Clocks that begin at boot, at the epoch, ten years after it, and before.
time_point any_start() {
  return time_point(std::chrono::nanoseconds(*rc::gen::element<std::int64_t>(
      0, 1'700'000'000'000'000'000, 2'015'360'000'000'000'000, -5'000'000'000, INT64_MIN / 2)));
}

std::int64_t time_after(const step& s, const quoin::rate& rate) {
  const double token =
      static_cast<double>(rate.per.count()) / static_cast<double>(rate.count) / (1 << 30);
  return static_cast<std::int64_t>(static_cast<double>(s.after) * token);
}

RC_GTEST_PROP(ExactKeyedLimiter, AnswersAsABucketForEachKey, ()) {
  const auto rate = any_of({{1, 24h},
                            {1, 1s},
                            {3, 1s},
                            {60, 1min},
                            {7, 1min},
                            {17, 1s},
                            {1000, 1s},
                            {1'000'000'000, 1s},
                            {146, 1us},
                            {600'000'000, 1s},
                            {30, 1s}});
  const std::uint64_t burst = *rc::gen::inRange<std::uint64_t>(1, 9);
  exact limiter({.rate = rate, .burst = burst, .capacity = 500, .seed = 3}, clock_at_zero);
  std::map<std::uint8_t, bucket> model;
  time_point now = any_start();
  for (const step& s : any_history()) {
    now += std::chrono::nanoseconds(time_after(s, rate));
    bucket& one = model.try_emplace(s.key, quoin::token_bucket_options{rate, burst}, clock_at_zero)
                      .first->second;
    switch (s.what % 8) {
      default:
        RC_ASSERT(limiter.try_acquire_at(now, s.key, s.cost) == one.try_acquire_at(now, s.cost));
        break;
      case 3:
        RC_ASSERT(limiter.acquire_up_to_at(now, s.key, s.cost) ==
                  one.acquire_up_to_at(now, s.cost));
        break;
      case 4:
        RC_ASSERT(limiter.debit_at(now, s.key, s.cost) == one.debit_at(now, s.cost));
        break;
      case 5: {
        const auto wait = std::chrono::nanoseconds(time_after({0, 0, 0, s.after / 2}, rate));
        RC_ASSERT(limiter.reserve_at(now, s.key, s.cost, wait) ==
                  one.reserve_at(now, s.cost, wait));
        break;
      }
      case 6:
        limiter.refund_at(now, s.key, s.cost);
        one.refund_at(now, s.cost);
        break;
      case 7:
        if (s.cost != 0) break;
        limiter.reset(s.key);
        one.reset();
    }
    RC_ASSERT(limiter.peek_at(now, s.key, s.cost) == one.peek_at(now, s.cost));
  }
}

/// Never more than an exact bucket, and not much later: what an idle time ends in, and no more,
/// is rounded up, by `late`.
template <class Limiter>
void check_rounded(const quoin::rate& rate, std::chrono::nanoseconds late) {
  const std::uint64_t burst = *rc::gen::inRange<std::uint64_t>(1, 9);
  Limiter limiter({.rate = rate, .burst = burst, .capacity = 500, .seed = 3}, clock_at_zero);
  std::map<std::uint8_t, quoin_test::gcra_oracle> model;
  time_point now = any_start();
  for (const step& s : any_history()) {
    if (s.cost == 0) continue;
    now += std::chrono::nanoseconds(time_after(s, rate));
    const quoin_test::bucket_quota quota{rate.count, rate.per.count(), burst, INT64_MAX};
    auto& one = model.try_emplace(s.key, quota).first->second;
    const auto got = limiter.try_acquire_at(now, s.key, s.cost);
    const std::int64_t ns = now.time_since_epoch().count();
    if (got) {
      RC_ASSERT(one.try_acquire(ns, s.cost).allowed);
      continue;
    }
    auto before = one;
    RC_ASSERT(!before.try_acquire(ns - 2 * late.count(), s.cost).allowed);
    if (got.retry_after == quoin::never) continue;
    RC_ASSERT(!limiter.peek_at(now + got.retry_after - 1ns, s.key, s.cost));
    RC_ASSERT(limiter.peek_at(now + got.retry_after, s.key, s.cost).allowed);
  }
}

RC_GTEST_PROP(ExactKeyedLimiter, NeverAdmitsMoreAtRatesThatAreRounded, ()) {
  check_rounded<exact>(
      any_of({{997, 1s}, {999'999'937, 1s}, {1009, 1min}, {7919, 1h}, {1'234'567, 24h}}), 1ns);
}

RC_GTEST_PROP(CompactKeyedLimiter, NeverAdmitsMore, ()) {
  const auto rate =
      any_of({{1, 24h}, {1, 1s}, {3, 1s}, {60, 1min}, {997, 1s}, {1000, 1s}, {20'000, 1s}});
  check_rounded<compact>(rate, 60us);
}

RC_GTEST_PROP(CompactKeyedLimiter, NeverAdmitsMoreAtHighRates, ()) {  // a token's time is the tick
  const auto rate = any_of({{1'000'000, 1s}, {999'983, 1s}});
  check_rounded<compact>(rate, 1001ns);
}

}  // namespace
