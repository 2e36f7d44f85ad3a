// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/limit_oracle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::multi_decision;
using quoin::never;
using bucket = quoin::token_bucket<manual_clock>;
using window = quoin::fixed_window<manual_clock>;
using shared_bucket = quoin::atomic_token_bucket<manual_clock>;
using shared_window = quoin::atomic_fixed_window<manual_clock>;
using pair = quoin::multi_limiter<bucket, bucket>;

static_assert(quoin::limiter<pair>);
static_assert(quoin::limiter<quoin::multi_limiter<bucket&, quoin::soft_limit<window&>>>);
static_assert(std::is_trivially_copyable_v<bucket>);
static_assert(std::is_copy_constructible_v<pair>);
static_assert(!std::is_copy_constructible_v<quoin::multi_limiter<shared_bucket>>);

manual_clock::time_point at(std::chrono::nanoseconds time) {
  return manual_clock::time_point(time);
}

const manual_clock epoch;

bucket per(quoin::rate rate, std::uint64_t burst) {
  return bucket({.rate = rate, .burst = burst}, epoch);
}

pair second_and_hour() {
  return pair(per(quoin::per_second(1), 1), per(quoin::per_hour(100), 100));
}

TEST(MultiLimiter, OneASecondAndAHundredAnHour) {
  pair limits = second_and_hour();
  EXPECT_TRUE(limits.try_acquire_at(at(0s)));
  const multi_decision d = limits.try_acquire_at(at(400ms));
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.reason, limit_reason::limited);
  EXPECT_EQ(d.index, 0u);
  EXPECT_EQ(d.retry_after, 600ms);
  EXPECT_EQ(d.reset_after, 36s - 400ms);
  EXPECT_EQ(d.limit, 1u);
  EXPECT_EQ(d.remaining, 0u);

  int allowed = 1;
  for (int i = 1; i <= 3600; ++i) allowed += limits.try_acquire_at(at(i * 1s)).allowed;
  EXPECT_EQ(allowed, 200);  // a full bucket, and the hundred that came back
  const multi_decision last = limits.try_acquire_at(at(3601s));
  EXPECT_EQ(last.index, 1u);
  EXPECT_EQ(last.retry_after, 35s);
  EXPECT_FALSE(limits.peek_at(at(3636s - 1ns)));
  EXPECT_TRUE(limits.peek_at(at(3636s)));
}

TEST(MultiLimiter, ARefusalTakesNothing) {
  quoin::multi_limiter limits(per(quoin::per_second(10), 10), per(quoin::per_second(1), 2),
                              per(quoin::per_second(5), 5));
  EXPECT_EQ(limits.size(), 3u);
  EXPECT_FALSE(limits.try_acquire_at(at(0s), 3));
  EXPECT_EQ(limits.get<0>().peek_at(at(0s)).remaining, 10u);
  EXPECT_EQ(limits.get<2>().peek_at(at(0s)).remaining, 5u);
  EXPECT_EQ(limits.try_acquire_at(at(0s), 3).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(limits.try_acquire_at(at(0s), 3).retry_after, never);
  EXPECT_EQ(limits.time_until_at(at(0s), 6), never);
  const multi_decision two = limits.try_acquire_at(at(0s), 2);
  EXPECT_TRUE(two.allowed);
  EXPECT_EQ(two.index, 1u);
  EXPECT_EQ(two.limit, 2u);
  EXPECT_EQ(two.remaining, 0u);
  EXPECT_EQ(two.reset_after, 2s);
  EXPECT_TRUE(limits.try_acquire_at(at(0s), 0));
  EXPECT_EQ(limits.get<0>().peek_at(at(0s)).remaining, 8u);
}

TEST(MultiLimiter, UpToWhatAllHave) {
  bucket endpoint = per(quoin::per_second(10), 10), user = per(quoin::per_second(1), 4);
  bucket advice = per(quoin::per_second(1), 1);
  auto path = quoin::limit_path(endpoint, quoin::soft(advice), user);
  EXPECT_EQ(path.acquire_up_to_at(at(0s), 6), 4u);
  EXPECT_EQ(endpoint.peek_at(at(0s)).remaining, 6u);
  EXPECT_EQ(advice.peek_at(at(0s)).remaining, 0u);
  EXPECT_EQ(path.acquire_up_to_at(at(0s), 6), 0u);
  EXPECT_EQ(path.acquire_up_to_at(at(2s), 1), 1u);
  path.refund_at(at(2s), 2);
  EXPECT_EQ(user.peek_at(at(2s)).remaining, 3u);
  path.reset();
  EXPECT_EQ(endpoint.peek_at(at(2s)).remaining, 10u);
  EXPECT_EQ(quoin::limit_path(quoin::soft(advice)).acquire_up_to_at(at(2s), 5), 5u);
}

TEST(MultiLimiter, ReportsASoftLimitAndLetsPass) {
  bucket hard = per(quoin::per_second(1), 5), gentle = per(quoin::per_second(1), 2);
  auto soft = quoin::soft(gentle);
  auto limits = quoin::limit_path(soft, hard);
  for (int i = 0; i < 5; ++i) {
    const multi_decision d = limits.try_acquire_at(at(0s));
    EXPECT_TRUE(d.allowed);
    EXPECT_EQ(d.reason, i < 2 ? limit_reason::none : limit_reason::soft_limit);
    EXPECT_EQ(d.index, i < 2 ? 1u : 0u);
    EXPECT_EQ(d.remaining, static_cast<std::uint64_t>(4 - i));
    EXPECT_EQ(d.limit, 5u);
    EXPECT_EQ(d.retry_after, 0s);
  }
  const multi_decision d = limits.try_acquire_at(at(0s));
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.reason, limit_reason::limited);
  EXPECT_EQ(d.index, 1u);
  EXPECT_EQ(d.retry_after, 1s);
  EXPECT_EQ(gentle.peek_at(at(0s)).reset_after, 2s) << "what was beyond it is not counted";
  auto only = quoin::limit_path(quoin::soft(gentle));
  EXPECT_EQ(only.try_acquire_at(at(0s), 99).reason, limit_reason::soft_limit);
}

TEST(MultiLimiter, AHierarchyOfAnyKind) {  // endpoint, user, all
  manual_clock clock;
  window endpoint({.rate = quoin::per_second(3)}, clock);
  shared_bucket all({.rate = quoin::per_second(4), .burst = 4}, clock);
  bucket users[] = {bucket({.rate = quoin::per_second(2), .burst = 2}, clock),
                    bucket({.rate = quoin::per_second(2), .burst = 2}, clock)};
  const auto ask = [&](int user) {
    return quoin::limit_path(endpoint, users[user], all).try_acquire();
  };
  EXPECT_TRUE(ask(0));
  EXPECT_TRUE(ask(0));
  EXPECT_EQ(ask(0).index, 1u);
  EXPECT_TRUE(ask(1));
  EXPECT_EQ(ask(1).index, 0u);
  EXPECT_EQ(all.peek().remaining, 1u);
  clock.advance(1s);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(ask(i));
  EXPECT_TRUE(ask(1));
  EXPECT_EQ(ask(0).index, 0u) << "the endpoint for a second, the user for half of one";
  auto inner = quoin::limit_path(endpoint, users[0]);
  auto nested = quoin::limit_path(all, inner);
  EXPECT_FALSE(nested.try_acquire());
  clock.advance(10s);
  EXPECT_TRUE(nested.try_acquire(2));
  EXPECT_EQ(endpoint.peek().remaining, 1u);
  EXPECT_EQ(nested.now(), clock.now());
}

/// A second after a clock was set back, how far it may be, one passes; of threads' limiters, one is
/// asked after the other.
TEST(MultiLimiter, GoesOnWhenAClockHasBeenSetBack) {
  for (const auto back : {std::chrono::hours(1), std::chrono::hours(87'600)}) {
    manual_clock clock(at(10h));
    const auto passes_soon = [&](auto limits) {
      clock.set(at(10h));
      EXPECT_EQ(limits.acquire_up_to(1), 1u);
      clock.set(at(10h - back));
      EXPECT_EQ(limits.try_acquire().retry_after, 1s);
      clock.advance(1s);
      EXPECT_TRUE(limits.try_acquire());
      clock.set(at(10h - 2 * back));
      EXPECT_EQ(limits.acquire_up_to(1), 0u);
      clock.advance(1s);
      EXPECT_EQ(limits.acquire_up_to(1), 1u);
      clock.set(at(10h - 3 * back));
      EXPECT_TRUE(limits.try_acquire(0));
      clock.advance(1s);
      EXPECT_TRUE(limits.try_acquire());
    };
    const quoin::token_bucket_options one = {.rate = quoin::per_second(1), .burst = 1};
    const quoin::fixed_window_options five = {.rate = quoin::per_second(5)};
    passes_soon(quoin::multi_limiter(bucket(one, clock), window(five, clock)));
    passes_soon(quoin::multi_limiter(window(five, clock), quoin::soft(bucket(one, clock)),
                                     quoin::multi_limiter(bucket(one, clock))));
    shared_bucket wide({.rate = quoin::per_second(5)}, clock), tight(one, clock);
    shared_window all(five, clock);
    passes_soon(quoin::limit_path(wide, tight, all));
  }
}

/// Three buckets, the second of them soft, beside their definitions.
TEST(MultiLimiter, EqualsTheDefinitionsOfItsParts) {
  std::mt19937_64 random(5);
  const quoin_test::bucket_quota quotas[] = {
      {3, 1'000'000'000, 4}, {97, 60'000'000'000, 2}, {999'983, 86'400'000'000'000, 9}};
  std::vector<quoin_test::level_oracle> parts(std::begin(quotas), std::end(quotas));
  const auto made = [&](int i) {
    return per({quotas[i].count, std::chrono::nanoseconds(quotas[i].per)}, quotas[i].burst);
  };
  quoin::multi_limiter limits(made(0), quoin::soft(made(1)), made(2));
  std::int64_t now = 1'700'000'000'000'000'000;
  int allowed = 0, soft = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(random() % 800'000'000);
    const std::uint64_t cost = random() % 4 == 0 ? random() % 11 : 1;
    const quoin::decision before[] = {parts[0].peek(now, cost), parts[1].peek(now, cost),
                                      parts[2].peek(now, cost)};
    const bool passes = before[0].allowed && before[2].allowed;
    ASSERT_EQ(limits.peek_at(at(std::chrono::nanoseconds(now)), cost).allowed, passes);
    const multi_decision d = limits.try_acquire_at(at(std::chrono::nanoseconds(now)), cost);
    ASSERT_EQ(d.allowed, passes);
    if (passes) {
      for (auto& part : parts) part.try_acquire(now, cost);
      ASSERT_EQ(d.reason, before[1].allowed ? limit_reason::none : limit_reason::soft_limit);
      ASSERT_EQ(d.retry_after, 0ns);
      ++allowed;
      soft += d.reason == limit_reason::soft_limit;
    } else {
      const auto& longest = before[d.index];
      ASSERT_TRUE(d.index != 1 && !longest.allowed);
      ASSERT_EQ(d.retry_after, std::max(before[0].retry_after, before[2].retry_after));
      ASSERT_EQ(d.retry_after, longest.retry_after);
      ASSERT_EQ(d.reason, longest.reason);
    }
    std::chrono::nanoseconds reset{0};
    std::uint64_t remaining = UINT64_MAX;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const quoin::decision after = parts[k].peek(now, 0);
      reset = std::max(reset, after.reset_after);
      if (k != 1) remaining = std::min(remaining, after.remaining);
    }
    ASSERT_EQ(d.reset_after, reset);
    ASSERT_EQ(d.remaining, remaining);
  }
  EXPECT_GT(allowed, 2'000);
  EXPECT_GT(soft, 100);
}

TEST(MultiLimiter, ThreadsTakeNoMoreThanEachAllows) {
  manual_clock clock;
  shared_bucket tight({.rate = quoin::per_second(0), .burst = 500}, clock);
  shared_bucket wide({.rate = quoin::per_second(0), .burst = 700}, clock);
  shared_window all({.rate = quoin::per_day(100'000)}, clock);
  std::atomic<std::uint64_t> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        const bool here = t % 2 == 0 ? quoin::limit_path(all, tight, wide).try_acquire().allowed
                                     : quoin::limit_path(wide, all, tight).try_acquire().allowed;
        passed += here;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  // Somebody may be refused in passing, but what is left must be there.
  EXPECT_LE(passed, 500u);
  EXPECT_EQ(tight.peek().remaining, 500 - passed);
  EXPECT_EQ(wide.peek().remaining, 700 - passed);
  EXPECT_EQ(all.peek().remaining, 100'000 - passed);
}

}  // namespace
