// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/concurrency_limiter.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::aimd_limit;
using quoin::atomic_concurrency_limiter;
using quoin::concurrency_limiter;
using quoin::concurrency_sample;
using quoin::gradient_limit;
using quoin::manual_clock;
template <class Algorithm>
using adaptive = quoin::adaptive_concurrency_limiter<Algorithm, manual_clock>;

static_assert(!std::is_copy_constructible_v<concurrency_limiter::permit>);
static_assert(std::is_nothrow_move_constructible_v<concurrency_limiter::permit>);
static_assert(!std::is_move_constructible_v<concurrency_limiter>);
static_assert(!std::is_copy_constructible_v<adaptive<aimd_limit>::permit>);
static_assert(std::is_nothrow_move_assignable_v<adaptive<aimd_limit>::permit>);
static_assert(sizeof(concurrency_limiter) == 16 && sizeof(atomic_concurrency_limiter) == 64);

template <class Limiter>
class ConcurrencyLimiter : public testing::Test {};
using both_forms = testing::Types<concurrency_limiter, atomic_concurrency_limiter>;
TYPED_TEST_SUITE(ConcurrencyLimiter, both_forms);

TYPED_TEST(ConcurrencyLimiter, LetsInSoManyAtOnce) {
  TypeParam limiter(3);
  auto first = limiter.try_acquire();
  EXPECT_TRUE(first);
  EXPECT_EQ(first.cost(), 1u);
  {
    const auto second = limiter.try_acquire(2);
    EXPECT_TRUE(second);
    EXPECT_EQ(limiter.in_flight(), 3u);
    const auto third = limiter.try_acquire();
    EXPECT_FALSE(third);
    EXPECT_EQ(third.cost(), 0u);
    EXPECT_TRUE(limiter.try_acquire(0));
  }
  EXPECT_EQ(limiter.in_flight(), 1u);
  EXPECT_FALSE(limiter.try_acquire(3));
  EXPECT_FALSE(limiter.try_acquire(~std::uint64_t{0}));
  auto moved = std::move(first);
  first.release();
  EXPECT_EQ(limiter.in_flight(), 1u);
  auto other = limiter.try_acquire(2);
  other = std::move(moved);
  EXPECT_EQ(limiter.in_flight(), 1u) << "what it held goes back";
  limiter.set_limit(0);
  EXPECT_FALSE(limiter.try_acquire());
  EXPECT_EQ(limiter.in_flight(), 1u);
  limiter.set_limit(2);
  EXPECT_EQ(limiter.limit(), 2u);
  EXPECT_TRUE(limiter.try_acquire());
  other.release();
  other.release();
  EXPECT_EQ(limiter.in_flight(), 0u);
}

TYPED_TEST(ConcurrencyLimiter, CountsUpToAllThatIsCounted) {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  TypeParam limiter(most);
  {
    const auto all = limiter.try_acquire(most);
    EXPECT_TRUE(all);
    EXPECT_EQ(limiter.in_flight(), most);
    EXPECT_FALSE(limiter.try_acquire());
    EXPECT_TRUE(limiter.try_acquire(0));
  }
  EXPECT_EQ(limiter.in_flight(), 0u);
  const auto nearly = limiter.try_acquire(most - 1), last = limiter.try_acquire();
  EXPECT_TRUE(nearly && last);
}

TEST(AtomicConcurrencyLimiter, IsNeverExceededByThreads) {
  atomic_concurrency_limiter limiter(3);
  std::atomic<int> inside{0}, most{0};
  std::atomic<std::uint64_t> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const auto permit = limiter.try_acquire(i % 3 == 0 ? 2 : 1);
        if (!permit) continue;
        const int now = inside += static_cast<int>(permit.cost());
        int before = most.load();
        while (now > before && !most.compare_exchange_weak(before, now)) {
        }
        ++passed;
        inside -= static_cast<int>(permit.cost());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 3);
  EXPECT_EQ(limiter.in_flight(), 0u);
  EXPECT_GT(passed.load(), 0u);
}

// --- algorithms -----------------------------------------------------------------------------------

TEST(AimdLimit, RisesByOneInARoundTripAndFallsOnceForAll) {
  aimd_limit limit({.initial = 10, .highest = 12, .backoff = 0.5});
  std::uint64_t serial = 0;
  const auto success = [&](std::uint64_t in_flight) {
    limit.update(
        {.round_trip = 1ms, .in_flight = in_flight, .serial = serial, .begun = serial + 1});
    ++serial;
  };
  for (int i = 0; i < 50; ++i) success(4);
  EXPECT_EQ(limit.limit(), 10u) << "less than half is in use";
  for (int i = 0; i < 9; ++i) success(10);
  EXPECT_EQ(limit.limit(), 10u);
  for (int i = 0; i < 3; ++i) success(10);
  EXPECT_EQ(limit.limit(), 11u);
  for (int i = 0; i < 100; ++i) success(12);
  EXPECT_EQ(limit.limit(), 12u);
  // Ten in flight that fail together are one failure.
  for (std::uint64_t i = 0; i < 10; ++i) {
    limit.update({.in_flight = 12, .serial = serial + i, .begun = serial + 10, .dropped = true});
  }
  EXPECT_EQ(limit.limit(), 6u);
  limit.update(
      {.round_trip = 5s + 1ns, .in_flight = 6, .serial = serial + 10, .begun = serial + 11});
  EXPECT_EQ(limit.limit(), 3u) << "a timeout of a later one";
  for (std::uint64_t i = 0; i < 10; ++i) {
    limit.update({.serial = serial + 20 + i, .begun = serial + 21 + i, .dropped = true});
  }
  EXPECT_EQ(limit.limit(), 1u);
}

// Each success is 1/limit more, also where that is less than what the limit is kept in.
TEST(AimdLimit, RisesByOneInARoundTripAtAnyHeight) {
  for (const std::uint64_t initial : {1000u, 40'000u, 65'536u, 1'000'000u}) {
    aimd_limit limit({.initial = initial, .highest = 1 << 24});
    for (std::uint64_t i = 0; i < 3 * initial + 20; ++i) {
      limit.update({.round_trip = 1ms, .in_flight = initial, .serial = i, .begun = i + 1});
    }
    EXPECT_EQ(limit.limit(), initial + 3);
  }
}

/// Gives `limit` `n` means of equal round trips.
void feed(gradient_limit& limit, int n, std::chrono::nanoseconds time, std::uint64_t& serial) {
  for (int i = 0; i < 10 * n; ++i) {
    ++serial;
    limit.update({.round_trip = time,
                  .in_flight = limit.limit(),
                  .serial = serial,
                  .begun = serial + limit.limit()});
  }
}

TEST(GradientLimit, FollowsItsFormula) {
  std::uint64_t serial = 0;
  gradient_limit limit({.initial = 100, .memory = 99, .smoothing = 1});
  feed(limit, 1, 10ms, serial);
  EXPECT_EQ(limit.limit(), 104u) << "and room for a queue";
  EXPECT_EQ(limit.usual(), 10ms);
  feed(limit, 9, 10ms, serial);
  EXPECT_EQ(limit.limit(), 140u);
  feed(limit, 1, 14ms, serial);
  EXPECT_EQ(limit.limit(), 144u) << "within the tolerance";
  EXPECT_EQ(limit.usual(), 10'080us);
  feed(limit, 1, 20ms, serial);
  // usual = 10.08 + 0.02 · 9.92 = 10.2784; gradient 1.5 · 10.2784 / 20 = 0.77088; 115.006
  EXPECT_EQ(limit.limit(), 115u);
  feed(limit, 1, 1s, serial);
  EXPECT_EQ(limit.limit(), 115u) << "they began before it fell";
  serial += 200;
  feed(limit, 1, 1s, serial);
  EXPECT_EQ(limit.limit(), 61u) << "by half at most";
  limit.update({.serial = serial + 200, .begun = serial + 201, .dropped = true});
  EXPECT_EQ(limit.limit(), 30u) << "by half, and there is no room for a queue";
  // After an overload what is usual comes down fast.
  feed(limit, 10, 10ms, serial);
  EXPECT_LT(limit.usual(), 20ms);
}

TEST(GradientLimit, FallsWithEachDropDownToTheLowest) {
  for (const std::uint64_t initial : {1u, 7u, 100u}) {
    gradient_limit limit({.initial = initial, .queue = 1 << 16});
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::uint64_t before = limit.limit();
      limit.update({.serial = i, .begun = i, .dropped = true});
      ASSERT_LE(limit.limit(), before);
    }
    EXPECT_EQ(limit.limit(), 1u);
  }
}

// The weight of a mean halves with every 0.35 · memory that follow.
TEST(GradientLimit, LearnsWhatLastsHoweverShort) {
  for (const std::uint64_t memory : {1u, 600u, 1u << 16}) {
    gradient_limit limit({.samples = 1, .memory = memory});
    const auto lasts = [&](std::chrono::nanoseconds time) {
      for (std::uint64_t i = 0; i < 20 * memory + 100; ++i) {
        limit.update({.round_trip = time, .in_flight = 1});
      }
      EXPECT_NEAR(static_cast<double>(limit.usual().count()), static_cast<double>(time.count()), 1)
          << memory;
    };
    lasts(400ns);
    lasts(690ns);
    lasts(10us);
    lasts(40us);
    lasts(39'990ns);
    lasts(1h);
  }
}

TEST(GradientLimit, IsNotMovedByExtremes) {
  for (const auto time : {-1h, 0h, 2'000'000h}) {
    gradient_limit limit({.samples = 1, .memory = 1, .tolerance = 16, .smoothing = 1});
    for (std::uint64_t i = 0; i < 50; ++i) {
      limit.update({.round_trip = time, .in_flight = ~std::uint64_t{0}, .serial = i, .begun = i});
      EXPECT_GE(limit.limit(), 20u);
      EXPECT_LE(limit.limit(), 1000u);
    }
    EXPECT_LE(limit.usual(), 1h);
  }
}

template <class Make>
void expect_refused(std::string_view name, Make make) {
  try {
    make();
    ADD_FAILURE() << name;
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string_view(e.what()).find(name), std::string_view::npos) << e.what();
  }
}

TEST(AdaptiveLimits, RefuseOptionsOutOfRange) {
  expect_refused("lowest = 0", [] { aimd_limit({.lowest = 0}); });
  expect_refused("highest = 5", [] { aimd_limit({.lowest = 6, .highest = 5}); });
  expect_refused("highest = ", [] { aimd_limit({.highest = (1 << 24) + 1}); });
  expect_refused("initial = 10", [] { aimd_limit({.highest = 9}); });
  expect_refused("backoff = 1", [] { aimd_limit({.backoff = 1}); });
  expect_refused("timeout = 0", [] { aimd_limit({.timeout = 0ns}); });
  expect_refused("initial = 0", [] { gradient_limit({.initial = 0}); });
  expect_refused("queue = 0", [] { gradient_limit({.queue = 0}); });
  expect_refused("queue = 65537", [] { gradient_limit({.queue = 65537}); });
  expect_refused("samples = 0", [] { gradient_limit({.samples = 0}); });
  expect_refused("memory = 0", [] { gradient_limit({.memory = 0}); });
  expect_refused("tolerance = ", [] { gradient_limit({.tolerance = 0.9}); });
  expect_refused("smoothing = 0", [] { gradient_limit({.smoothing = 0}); });
}

// --- the limiter that adapts ----------------------------------------------------------------------

TEST(AdaptiveConcurrencyLimiter, TellsTheAlgorithmWhatItsPermitsSay) {
  manual_clock clock;
  adaptive<aimd_limit> limiter(aimd_limit({.initial = 2, .backoff = 0.5, .timeout = 10ms}), clock);
  auto a = limiter.try_acquire(), b = limiter.try_acquire();
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(limiter.try_acquire());
  EXPECT_EQ(limiter.in_flight(), 2u);
  a.succeed();
  a.succeed();
  EXPECT_FALSE(a);
  EXPECT_EQ(limiter.limit(), 2u) << "2.5";
  auto c = std::move(b);
  c.succeed();
  b.succeed();
  EXPECT_EQ(limiter.limit(), 2u) << "2.9";
  EXPECT_EQ(limiter.in_flight(), 0u);
  limiter.try_acquire().succeed();
  EXPECT_EQ(limiter.limit(), 3u);
  {
    const auto silent = limiter.try_acquire();
    clock.advance(1h);
  }
  EXPECT_EQ(limiter.limit(), 3u);
  auto slow = limiter.try_acquire();
  clock.advance(11ms);
  slow.succeed();
  EXPECT_EQ(limiter.limit(), 1u);
  EXPECT_TRUE(limiter.try_acquire());
  limiter.try_acquire().drop();
  EXPECT_EQ(limiter.limit(), 1u);
  EXPECT_EQ(limiter.in_flight(), 0u);
}

/// A server of `workers`, each busy for 10 ms with a request, behind a queue without an end, and
/// clients that would have 200 requests in flight at all times. The mean of the limit in the last
/// of so many requests, and the longest round trip among them.
struct load {
  double limit = 0;
  std::chrono::nanoseconds longest{0};
};
template <class Algorithm>
load simulate(const Algorithm& algorithm, std::size_t workers, int requests) {
  manual_clock clock;
  adaptive<Algorithm> limiter(algorithm, clock);
  using permit = typename adaptive<Algorithm>::permit;
  struct running {
    manual_clock::time_point begin, end;
    permit leave;
  };
  std::vector<running>
      flight;  // in the order of their ends: all take as long, first come first served
  std::vector<manual_clock::time_point> free_at(workers);
  load found;
  std::size_t done = 0;
  for (int finished = 0; finished < requests;) {
    while (flight.size() - done < 200) {
      permit leave = limiter.try_acquire();
      if (!leave) break;
      auto& worker = *std::min_element(free_at.begin(), free_at.end());
      worker = std::max(worker, clock.now()) + 10ms;
      flight.push_back({clock.now(), worker, std::move(leave)});
    }
    running& next = flight[done++];
    clock.set(next.end);
    const auto took = next.end - next.begin;
    next.leave.succeed();
    if (++finished > requests - 1000) {
      found.limit += static_cast<double>(limiter.limit()) / 1000;
      found.longest = std::max<std::chrono::nanoseconds>(found.longest, took);
    }
  }
  return found;
}

TEST(AdaptiveConcurrencyLimiter, FindsAboutAsManyAsCanBeServed) {
  for (const std::size_t workers : {10u, 40u}) {
    const load gradient =
        simulate(gradient_limit({.initial = 5, .memory = 20'000}), workers, 20'000);
    // Round trips are 10 ms up to `workers` in flight, and limit / workers times that beyond.
    EXPECT_GE(gradient.limit, static_cast<double>(workers));
    EXPECT_LE(gradient.limit, 2.5 * static_cast<double>(workers));
    EXPECT_LE(gradient.longest, 40ms);
    const load aimd = simulate(aimd_limit({.timeout = 20ms}), workers, 20'000);
    EXPECT_GE(aimd.limit, static_cast<double>(workers));
    EXPECT_LE(aimd.limit, 2.1 * static_cast<double>(workers));
    EXPECT_LE(aimd.longest, 30ms);
  }
}

/// Lets another permit end while it learns of one, as another thread may.
struct interrupted {
  std::function<void()> meanwhile;

  [[nodiscard]] std::uint64_t limit() const noexcept { return 2; }
  void update(const concurrency_sample&) { meanwhile(); }
};

TEST(AdaptiveConcurrencyLimiter, WaitsForNoOtherToSayThatAllIsWell) {
  const manual_clock clock;
  int updates = 0;
  adaptive<interrupted>::permit other;
  adaptive<interrupted> limiter(interrupted{[&] {
                                  ++updates;
                                  other.succeed();
                                }},
                                clock);
  auto permit = limiter.try_acquire();
  other = limiter.try_acquire();
  EXPECT_EQ(limiter.in_flight(), 2u);
  permit.succeed();
  EXPECT_EQ(updates, 1);
  EXPECT_EQ(limiter.in_flight(), 0u);
}

TEST(AdaptiveConcurrencyLimiter, CountsRightUnderThreads) {
  quoin::adaptive_concurrency_limiter<aimd_limit> limiter(aimd_limit({.highest = 20}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&limiter, t] {
      for (int i = 0; i < 5000; ++i) {
        auto permit = limiter.try_acquire();
        if (i % 16 == 15 - t) permit.drop();
        if (i % 3 != 0) permit.succeed();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(limiter.in_flight(), 0u);
  EXPECT_GE(limiter.limit(), 1u);
  EXPECT_LE(limiter.limit(), 20u);
}

}  // namespace
