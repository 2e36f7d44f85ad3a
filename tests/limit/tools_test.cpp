// SPDX-License-Identifier: BSL-1.0
// What the tests of the limiters measure with must itself be right.
#include "support/interleave.hpp"
#include "support/limit_oracle.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using quoin_test::wide;
using namespace std::chrono_literals;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t minute = 60 * second;

TEST(Wide, EqualsSmallIntegers) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto a = static_cast<std::int64_t>(random()) >> (random() % 32 + 32);
    const auto b = static_cast<std::int64_t>(random()) >> (random() % 32 + 32);
    const auto d = random() % 1000 + 1;
    ASSERT_EQ(wide(a) + wide(b), wide(a + b));
    ASSERT_EQ(wide(a) - wide(b), wide(a - b));
    ASSERT_EQ(wide(a) < wide(b), a < b);
    const auto low =
        a >= 0 ? a / static_cast<std::int64_t>(d)
               : -((-a + static_cast<std::int64_t>(d) - 1) / static_cast<std::int64_t>(d));
    ASSERT_EQ(wide::floor_divide(a, d), wide(low));
    ASSERT_EQ(wide::ceil_divide(a, d), -wide::floor_divide(-wide(a), d));
    ASSERT_EQ(wide::product(a, static_cast<std::uint64_t>(b < 0 ? -b : b)),
              wide(a * (b < 0 ? -b : b)));
  }
}

TEST(Wide, DividesWhatItMultiplied) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t a = random() >> (random() % 64), d = (random() >> (random() % 64)) | 1;
    if (quoin::detail::mul_full(a, d).hi >> 62 != 0) continue;
    const wide rest = wide::from_unsigned(random() % d);
    const wide x = wide::product(a, d) + rest;
    ASSERT_EQ(wide::floor_divide(x, d), wide::from_unsigned(a));
    ASSERT_EQ(wide::long_divide(x, d), wide::from_unsigned(a));
    ASSERT_EQ(x - wide::product(a, d), rest);
    ASSERT_EQ(wide::floor_divide(-x, d), -wide::ceil_divide(x, d));
  }
  EXPECT_EQ(wide::from_unsigned(UINT64_MAX).clamped(7), 7u);
  EXPECT_EQ(wide(-1).clamped(7), 0u);
  EXPECT_EQ((wide::from_unsigned(UINT64_MAX) + 1).wait(), quoin::never);
}

TEST(LimitOracle, TwoFormulationsOfABucketAgree) {
  std::mt19937_64 random(3);
  const std::uint64_t counts[] = {1, 3, 7, 97, 600'000'000, 999'999'937, 1'000'000'000};
  for (const std::uint64_t count : counts) {
    for (const std::int64_t per : {second, minute, 86'400 * second}) {
      const quoin_test::bucket_quota quota{count, per, random() % 20 + 1};
      quoin_test::level_oracle level(quota);
      quoin_test::gcra_oracle gcra(quota);
      std::int64_t now = static_cast<std::int64_t>(random() % 1'700'000'000) * second;
      const std::uint64_t mean = static_cast<std::uint64_t>(per) / count + 1;
      std::uint64_t allowed = 0;
      for (int i = 0; i < 2'000; ++i) {
        now += static_cast<std::int64_t>(random() % (4 * mean));
        if (random() % 50 == 0) now -= static_cast<std::int64_t>(random() % (8 * mean));
        const std::uint64_t cost = random() % 4 == 0 ? random() % 24 : 1;
        const quoin::decision d = level.try_acquire(now, cost);
        ASSERT_EQ(d, gcra.try_acquire(now, cost)) << count << " in " << per << ", " << i;
        allowed += d.allowed;
      }
      ASSERT_GT(allowed, 100u);
    }
  }
}

TEST(LimitOracle, BucketOfTheText) {  // four tokens, two a second
  quoin_test::level_oracle bucket({2, second, 4});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.try_acquire(0, 1));
  const quoin::decision d = bucket.try_acquire(0, 1);
  EXPECT_EQ(d.retry_after, 500ms);
  EXPECT_EQ(d.reset_after, 2s);
  EXPECT_FALSE(bucket.try_acquire(second / 2 - 1, 1));
  EXPECT_TRUE(bucket.try_acquire(second / 2, 1));
  bucket.debit(second / 2, 3);
  EXPECT_EQ(bucket.try_acquire(second, 1).retry_after, 1500ms);
  bucket.refund(second, 2);
  EXPECT_EQ(bucket.peek(second, 1).retry_after, 500ms);
  bucket.refund(second, UINT64_MAX);
  EXPECT_EQ(bucket.peek(second, 1).remaining, 4u);
}

TEST(LimitOracle, BucketOnAClockThatIsSetAnewIsEmpty) {
  quoin_test::level_oracle bucket(
      {.count = 2, .per = second, .burst = 4, .max_backward_step = minute, .max_debt = 3});
  bucket.debit(10 * minute, 4);  // empty: a minute and the time of three tokens may be lacking
  EXPECT_EQ(bucket.peek(9 * minute - 3 * second / 2, 1).retry_after, 62s);
  EXPECT_EQ(bucket.peek(9 * minute - 3 * second / 2 - 1, 1).retry_after, 500ms);
}

TEST(LimitOracle, FixedWindowLetsTwiceTheLimitOverAnEdge) {
  quoin_test::fixed_window_oracle window(5, minute);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(window.try_acquire(30 * second + i, 1));
  EXPECT_EQ(window.try_acquire(50 * second, 1).retry_after, 10s);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(window.try_acquire(minute + i, 1));
  EXPECT_FALSE(window.try_acquire(minute + 30 * second, 1));
  EXPECT_EQ(quoin_test::window_of(-1, minute), -1);
  EXPECT_EQ(quoin_test::window_of(-minute, minute), -1);
}

TEST(LimitOracle, LogOfTheText) {
  quoin_test::sliding_log_oracle log(2, minute, {.keeps_boundary = true, .keeps_refused = true});
  EXPECT_TRUE(log.try_acquire(1 * second, 1));
  EXPECT_TRUE(log.try_acquire(30 * second, 1));
  EXPECT_FALSE(log.try_acquire(50 * second, 1));
  EXPECT_TRUE(log.try_acquire(100 * second, 1));  // 1:01:40: what came at 1:00:40 would still count
  for (const bool keeps : {true, false}) {
    quoin_test::sliding_log_oracle starved(2, minute, {.keeps_refused = keeps});
    int accepted = 0;
    for (int i = 0; i < 600; ++i) accepted += starved.try_acquire(i * second, 1).allowed;
    EXPECT_EQ(accepted, keeps ? 2 : 20);
  }
}

TEST(LimitOracle, WeightedWindowOfTheTexts) {
  // Seven a minute, five in the minute before, three in this, of which 30 % are over.
  using quoin_test::oracle_rounding;
  for (const auto rounding : {oracle_rounding::down, oracle_rounding::up}) {
    quoin_test::weighted_window_oracle window(7, minute, rounding);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(window.try_acquire(0, 1));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(window.try_acquire(minute + 18 * second, 1).allowed,
                rounding == oracle_rounding::down || i < 3);
    }
    EXPECT_EQ(window.scaled_count(minute + 18 * second), wide(13 * minute / 2));
    EXPECT_EQ(window.try_acquire(minute + 18 * second, 1).allowed,
              rounding == oracle_rounding::down);
    EXPECT_FALSE(window.try_acquire(minute + 18 * second, 1));
  }
  // 42 in the minute before, 18 in the first 15 seconds of this one: 49.5.
  quoin_test::weighted_window_oracle window(50, minute, oracle_rounding::exact);
  EXPECT_TRUE(window.try_acquire(0, 42));
  EXPECT_TRUE(window.try_acquire(minute + 15 * second, 18));
  EXPECT_EQ(window.scaled_count(minute + 15 * second), wide(99 * minute / 2));
  const quoin::decision d = window.try_acquire(minute + 15 * second, 1);
  EXPECT_EQ(d.remaining, 0u);
  EXPECT_EQ(d.retry_after,
            std::chrono::nanoseconds(714'285'715));  // half a request, at 0.7 a second
}

// --- the interleaver ------------------------------------------------------------------------------

using counter = quoin_test::interleaved_atomic<std::uint64_t>;
using quoin_test::explore;
using quoin_test::interleaver;

TEST(Interleaver, FindsTheLostUpdate) {  // "counter 3, both write 4, should be 5"
  std::set<std::uint64_t> ends;
  const auto result = explore({}, [&](interleaver& run) {
    counter count{3};
    const auto add_one = [&] { count.store(count.load() + 1); };
    run({add_one, add_one});
    ends.insert(count.load());
  });
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(ends, (std::set<std::uint64_t>{4, 5}));
}

TEST(Interleaver, FindsNothingInACounterThatIsRight) {
  for (const std::size_t failures : {0u, 1u, 2u}) {
    std::uint64_t right = 0;
    const auto result = explore({.spurious_failures = failures}, [&](interleaver& run) {
      counter count{3};
      const auto add_one = [&] {
        std::uint64_t seen = count.load();
        while (!count.compare_exchange_weak(seen, seen + 1)) {
        }
      };
      run({add_one, add_one, add_one});
      right += count.load() == 6;
    });
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(right, result.orders);
    EXPECT_GT(result.orders, 6u);
  }
}

TEST(Interleaver, RunsEachOrderOnce) {
  for (const bool every : {false, true}) {
    std::set<std::vector<int>> orders;
    const auto result = explore({.every_order = every}, [&](interleaver& run) {
      counter turn{0};
      std::vector<int> order;
      const auto body = [&](int name) {
        for (int i = 0; i < 3; ++i) {
          turn.fetch_add(1);
          order.push_back(name);
        }
      };
      run({[&] { body(1); }, [&] { body(2); }, [&] { body(3); }});
      orders.insert(order);
    });
    EXPECT_EQ(result.orders, 1680u);  // 9! / (3! 3! 3!): all meet on one word
    EXPECT_EQ(orders.size(), 1680u);
    EXPECT_TRUE(result.complete);
  }
}

TEST(Interleaver, RunsOnceWhatDoesNotMeet) {
  const auto result = explore({}, [&](interleaver& run) {
    counter a{0}, b{0}, shared{7};
    run({[&] { a.store(shared.load()); }, [&] { b.store(shared.load()); }});
    EXPECT_EQ(a.load() + b.load(), 14u);
  });
  EXPECT_EQ(result.orders, 1u);
  EXPECT_EQ(result.pruned, 0u);
}

TEST(Interleaver, LoopsThatWaitEnd) {
  const auto result = explore({}, [&](interleaver& run) {
    counter lock{0}, guarded{0};
    const auto body = [&] {
      while (lock.exchange(1) != 0) {
      }
      guarded.store(guarded.load() + 1);
      lock.store(0);
    };
    run({body, body, body});
    EXPECT_EQ(guarded.load(), 3u);
  });
  EXPECT_TRUE(result.complete);
}

/// What a random program of atomic operations can end with.
std::set<std::vector<std::uint64_t>> outcomes(std::uint64_t seed, bool every_order,
                                              std::size_t failures,
                                              quoin_test::interleaving_result& result) {
  std::set<std::vector<std::uint64_t>> all;
  result =
      explore({.spurious_failures = failures, .every_order = every_order}, [&](interleaver& run) {
        counter words[2];
        std::vector<std::uint64_t> seen(3);
        const auto body = [&](std::size_t me) {
          std::mt19937_64 random(seed * 3 + me);
          std::uint64_t x = me + 1;
          for (int i = 0; i < 3; ++i) {
            counter& word = words[random() % 2];
            switch (random() % 5) {
              case 0:
                x = 31 * x + word.load();
                break;
              case 1:
                word.store(x);
                break;
              case 2:
                x = 31 * x + word.fetch_add(x);
                break;
              case 3:
                x = 31 * x + word.exchange(x);
                break;
              default: {
                std::uint64_t expected = 0;
                x = 31 * x + word.compare_exchange_weak(expected, x) + 7 * expected;
              }
            }
          }
          seen[me] = x;
        };
        if (seed % 2 == 0) {
          run({[&] { body(0); }, [&] { body(1); }});
        } else {
          run({[&] { body(0); }, [&] { body(1); }, [&] { body(2); }});
        }
        seen.push_back(words[0].load());
        seen.push_back(words[1].load());
        all.insert(seen);
      });
  return all;
}

TEST(Interleaver, LeavesOutNothingThatMakesADifference) {
  std::uint64_t orders = 0, reduced = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    for (const std::size_t failures : {0u, 1u}) {
      quoin_test::interleaving_result all, fewer;
      const auto wanted = outcomes(seed, true, failures, all);
      ASSERT_EQ(outcomes(seed, false, failures, fewer), wanted) << seed;
      ASSERT_TRUE(all.complete && fewer.complete);
      orders += all.orders;
      reduced += fewer.orders + fewer.pruned;
    }
  }
  EXPECT_LT(reduced * 3, orders);
  RecordProperty("orders", std::to_string(orders) + " and " + std::to_string(reduced));
}

}  // namespace
