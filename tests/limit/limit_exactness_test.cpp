// SPDX-License-Identifier: BSL-1.0
// Every limiter decides as the exact definition does, in every field, at every rate, wherever its
// clock began and however long it has run.
#include "support/limit_oracle.hpp"

#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/sliding_log.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using quoin_test::bucket_quota;
using clock_type = quoin::manual_clock;

// Ten million decisions where that takes seconds; a fiftieth where code is slow.
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
constexpr std::uint64_t effort = 50;
#else
constexpr std::uint64_t effort = 1;
#endif

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t day = 86'400 * second;
constexpr std::int64_t year = 365 * day + day / 4;

clock_type::time_point at(std::int64_t now) {
  return clock_type::time_point(std::chrono::nanoseconds(now));
}

std::string text(const quoin::decision& d) {
  return std::string(d.allowed ? "yes" : "no") + " reason " + std::to_string(int(d.reason)) +
         " limit " + std::to_string(d.limit) + " remaining " + std::to_string(d.remaining) +
         " retry " + std::to_string(d.retry_after.count()) + " reset " +
         std::to_string(d.reset_after.count());
}

/// Where the clock of a trace begins, and what it does between two thirds of its requests.
struct beginning {
  const char* name;
  std::int64_t origin;
  std::int64_t jump = 0;        ///< once, after a third
  std::uint64_t idle_gaps = 0;  ///< so many, of up to ten seconds' worth of refill and a day
};
constexpr beginning beginnings[] = {
    {"epoch", 0},
    {"before the epoch", -3 * year},
    {"2023", 1'700'000'000 * second},
    {"ten years up", 12'345 * second, 10 * year},
    {"idle now and then", 1'700'000'000 * second, 10 * year, 3000},
};

/// Requests like those that limiters meet: bursts, a steady stream, pauses.
class trace {
 public:
  /// @param mean  nanoseconds between two requests of the steady stream, if that ends in 50 years.
  trace(const beginning& b, std::int64_t mean, std::uint64_t requests, std::uint64_t seed)
      : begin_(b),
        random_(seed),
        now_(b.origin),
        mean_(std::min(mean, 50 * year / static_cast<std::int64_t>(requests))),
        requests_(requests) {}

  [[nodiscard]] bool more() const { return made_ < requests_; }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::uint64_t made() const { return made_; }
  std::uint64_t random(std::uint64_t below) { return random_() % below; }

  void step() {
    if (++made_ == requests_ / 3) now_ += begin_.jump;
    const auto mean = static_cast<std::uint64_t>(mean_);
    if (random(std::max(requests_, 8 * begin_.idle_gaps)) < begin_.idle_gaps) {
      now_ += static_cast<std::int64_t>(random(random(2) == 0 ? 64 * mean + 1 : 86'400'000'000));
      return;
    }
    if (random(64) == 0) bursting_ = random(3) == 0;
    if (!bursting_) now_ += static_cast<std::int64_t>(random(2 * mean + 2));
  }

 private:
  beginning begin_;
  std::mt19937_64 random_;
  std::int64_t now_;
  std::int64_t mean_;
  std::uint64_t requests_;
  std::uint64_t made_ = 0;
  bool bursting_ = false;
};

/// Decisions compared so far, of all limiters.
std::uint64_t compared = 0, allowed = 0;

/// Asks both the same things; false at the first difference.
template <class Limiter, class Oracle>
bool equal_answers(Limiter& limiter, Oracle& oracle, trace requests, std::uint64_t largest_cost) {
  while (requests.more()) {
    requests.step();
    const std::uint64_t cost = requests.random(8) == 0 ? requests.random(largest_cost + 3) : 1;
    const quoin::decision wanted = oracle.try_acquire(requests.now(), cost);
    const quoin::decision given = limiter.try_acquire_at(at(requests.now()), cost);
    ++compared;
    allowed += wanted.allowed;
    if (given != wanted) {
      ADD_FAILURE() << "request " << requests.made() << " of " << cost << " at " << requests.now()
                    << ":\n  " << text(given) << "\n  " << text(wanted) << " by the definition";
      return false;
    }
  }
  return true;
}

struct bucket_case {
  std::uint64_t count;
  std::int64_t per;
  std::uint64_t burst;
};
constexpr bucket_case bucket_cases[] = {
    {1, day, 1},
    {1, day, 3000},
    {3, 7 * day, 5},
    {1, 3600 * second, 24},
    {7, 60 * second, 7},
    {3, second, 10},
    {97, second, 20},
    {1'000, second, 1},
    {999'983, second, 1'000},
    {1'000'000'000, day, 12'345},
    {600'000'000, second, 100},
    {999'999'937, second, 50},
    {1'000'000'000, second, 1'000'000},
    {1'000'000'000, second, 3},
};

template <class Bucket>
void compare_buckets(std::uint64_t requests) {
  const clock_type clock;
  std::uint64_t seed = 0;
  for (const bucket_case& c : bucket_cases) {
    for (const beginning& b : beginnings) {
      const quoin::rate rate{c.count, std::chrono::nanoseconds(c.per)};
      Bucket bucket({.rate = rate, .burst = c.burst}, clock);
      quoin_test::level_oracle oracle(bucket_quota{c.count, c.per, c.burst});
      const std::int64_t mean = c.per / static_cast<std::int64_t>(c.count);
      if (!equal_answers(bucket, oracle, trace(b, mean, requests, ++seed), c.burst)) {
        FAIL() << c.count << " in " << c.per << " ns, burst " << c.burst << ", " << b.name;
      }
    }
  }
}

TEST(LimitExactness, TokenBucket) {
  compare_buckets<quoin::token_bucket<clock_type>>(1'600 * effort);
}
TEST(LimitExactness, AtomicTokenBucket) {
  compare_buckets<quoin::atomic_token_bucket<clock_type>>(1'000 * effort);
}

struct window_case {
  std::uint64_t limit;
  std::int64_t window;
};
constexpr window_case window_cases[] = {
    {1, day},          {5, 60 * second}, {7, 7 * day}, {100, second},
    {97, 999'999'937}, {12'345, 1'000},  {3, 7},
};

/// @param Oracle  of a limit and a window, and of `rules`.
template <class Oracle, class Make, class... Rules>
void compare_windows(std::uint64_t requests, Make make, Rules... rules) {
  std::uint64_t seed = 100;
  for (const window_case& c : window_cases) {
    for (const beginning& b : beginnings) {
      auto limiter = make(quoin::rate{c.limit, std::chrono::nanoseconds(c.window)});
      Oracle oracle(c.limit, c.window, rules...);
      const std::int64_t mean = c.window / static_cast<std::int64_t>(c.limit);
      if (!equal_answers(limiter, oracle, trace(b, mean, requests, ++seed),
                         std::min<std::uint64_t>(c.limit, 20))) {
        FAIL() << c.limit << " in " << c.window << " ns, " << b.name;
      }
    }
  }
}

TEST(LimitExactness, FixedWindow) {
  const clock_type clock;
  compare_windows<quoin_test::fixed_window_oracle>(600 * effort, [&](quoin::rate rate) {
    return quoin::fixed_window<clock_type>({.rate = rate}, clock);
  });
  compare_windows<quoin_test::fixed_window_oracle>(600 * effort, [&](quoin::rate rate) {
    return quoin::atomic_fixed_window<clock_type>({.rate = rate}, clock);
  });
}

TEST(LimitExactness, SlidingWindow) {
  const clock_type clock;
  for (const auto rounding : {quoin_test::oracle_rounding::down, quoin_test::oracle_rounding::up}) {
    const bool down = rounding == quoin_test::oracle_rounding::down;
    const auto fractions = down ? quoin::weight::down : quoin::weight::up;
    const auto make = [&]<class Limiter>(Limiter*) {
      return
          [&](quoin::rate rate) { return Limiter({.rate = rate, .fractions = fractions}, clock); };
    };
    compare_windows<quoin_test::weighted_window_oracle>(
        100 * effort, make(static_cast<quoin::sliding_window<clock_type>*>(nullptr)), rounding);
    compare_windows<quoin_test::weighted_window_oracle>(
        100 * effort, make(static_cast<quoin::atomic_sliding_window<clock_type>*>(nullptr)),
        rounding);
  }
}

TEST(LimitExactness, SlidingLog) {
  const clock_type clock;
  for (const bool keeps_boundary : {false, true}) {
    for (const bool keeps_refused : {false, true}) {
      const quoin_test::log_rules rules{keeps_boundary, keeps_refused};
      const auto make = [&]<class Limiter>(Limiter*) {
        return [&](quoin::rate rate) {
          return Limiter({.rate = rate,
                          .edge = keeps_boundary ? quoin::log_edge::closed : quoin::log_edge::open,
                          .keep_refused = keeps_refused},
                         clock);
        };
      };
      compare_windows<quoin_test::sliding_log_oracle>(
          60 * effort, make(static_cast<quoin::sliding_log<clock_type>*>(nullptr)), rules);
      compare_windows<quoin_test::sliding_log_oracle>(
          60 * effort, make(static_cast<quoin::atomic_sliding_log<clock_type>*>(nullptr)), rules);
    }
  }
}

TEST(LimitExactness, ThatWasMuch) {
  RecordProperty("compared", std::to_string(compared));
  RecordProperty("allowed", std::to_string(allowed));
  EXPECT_GT(allowed, compared / 4);
  EXPECT_GT(compared - allowed, compared / 4);
  EXPECT_GE(compared, 200'000 * effort);
}

}  // namespace
