// SPDX-License-Identifier: BSL-1.0
// What the tests of all limiters by windows ask.
#ifndef QUOIN_TESTS_LIMIT_WINDOW_TESTING_HPP
#define QUOIN_TESTS_LIMIT_WINDOW_TESTING_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/limit_decision.hpp>

#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace quoin_test {

using nanoseconds = std::chrono::nanoseconds;

/// A time of `manual_clock`, which all of these limiters are in.
[[nodiscard]] inline quoin::manual_clock::time_point at(std::chrono::nanoseconds time) {
  return quoin::manual_clock::time_point(time);
}

/// Times to ask at: mostly forward by up to `step`, at times far, at times back, at times extreme.
class wandering_time {
 public:
  wandering_time(std::uint64_t seed, std::int64_t step) : random_(seed), step_(step) {}

  std::int64_t next() {
    const auto kind = random_() % 256;
    if (kind == 0) {
      now_ = static_cast<std::int64_t>(random_());
    } else if (kind == 1) {
      now_ = random_() % 2 == 0 ? INT64_MAX : INT64_MIN;
    } else if (kind < 8) {
      now_ = moved(now_, -draw(far_));
    } else if (kind < 16) {
      now_ = moved(now_, draw(far_));
    } else {
      now_ = moved(now_, draw(step_));
    }
    return now_;
  }
  std::uint64_t draw_below(std::uint64_t n) { return random_() % n; }

 private:
  std::int64_t draw(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below + 1));
  }
  static std::int64_t moved(std::int64_t time, std::int64_t by) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(time, by, &sum)) return by < 0 ? INT64_MIN : INT64_MAX;
    return sum;
  }

  std::mt19937_64 random_;
  std::int64_t step_;
  std::int64_t far_ = step_ < INT64_MAX / 200 ? 200 * step_ : INT64_MAX - 1;
  std::int64_t now_ = 0;
};

/// A refused request passes after `retry_after` and not one nanosecond earlier.
template <class Limiter>
void expect_exact_retry(Limiter limiter, std::int64_t now, std::uint64_t cost) {
  const quoin::decision d = limiter.try_acquire_at(at(nanoseconds(now)), cost);
  std::int64_t then = 0;
  if (d.allowed || d.retry_after == quoin::never) return;
  if (__builtin_add_overflow(now, d.retry_after.count(), &then)) return;
  ASSERT_GT(d.retry_after.count(), 0);
  EXPECT_TRUE(limiter.peek_at(at(nanoseconds(then)), cost).allowed) << now << " " << cost;
  EXPECT_FALSE(limiter.peek_at(at(nanoseconds(then - 1)), cost).allowed) << now << " " << cost;
}

/// Asks a value and an atomic limiter the same, all verbs, at times that wander: the same answers,
/// and each of them exact.
template <class Value, class Atomic, class Options>
void expect_equal_answers(const std::vector<Options>& quotas, std::uint64_t seed, int rounds) {
  const quoin::manual_clock clock;
  Value value(quotas[0], clock);
  Atomic atomic(quotas[0], clock);
  const Options* quota = &quotas[0];
  wandering_time time(seed, quota->rate.per.count() / 4 + 1);
  for (int i = 0; i < rounds; ++i) {
    const std::int64_t when = time.next();
    const auto now = at(nanoseconds(when));
    const std::uint64_t cost = time.draw_below(std::min<std::uint64_t>(quota->rate.count, 9) + 3);
    ASSERT_EQ(value.peek_at(now, cost), atomic.peek_at(now, cost)) << i;
    expect_exact_retry(value, when, cost);
    const auto verb = time.draw_below(64);
    if (verb == 0) {
      value.reset();
      atomic.reset();
    } else if (verb == 1) {
      quota = &quotas[static_cast<std::size_t>(time.draw_below(quotas.size()))];
      const auto what = static_cast<quoin::inherit>(time.draw_below(4));
      value.reconfigure_at(now, *quota, what);
      atomic.reconfigure_at(now, *quota, what);
      ASSERT_EQ(atomic.options(), *quota);
    } else if (verb < 6) {
      ASSERT_EQ(value.debit_at(now, cost), atomic.debit_at(now, cost)) << i;
    } else if (verb < 10) {
      value.refund_at(now, cost);
      atomic.refund_at(now, cost);
    } else if (verb < 14) {
      ASSERT_EQ(value.acquire_up_to_at(now, cost), atomic.acquire_up_to_at(now, cost)) << i;
    } else if (verb < 24) {
      if constexpr (requires { value.reserve_at(now, cost); }) {
        const auto r = value.reserve_at(now, cost);
        ASSERT_EQ(r, atomic.reserve_at(now, cost)) << i;
      }
    } else {
      ASSERT_EQ(value.try_acquire_at(now, cost), atomic.try_acquire_at(now, cost)) << i;
    }
    if (i % 16 == 0) {  // what a value writes, and what an atomic form is of one, goes on alike
      const auto back = Value::from_bytes_at(atomic.snapshot().to_bytes_at(now), now, clock);
      ASSERT_TRUE(back.has_value()) << back.error().message();
      const Atomic again(value);
      for (const std::uint64_t n : {0u, 1u, 3u}) {
        ASSERT_EQ(value.peek_at(now, n), again.peek_at(now, n)) << i;
        ASSERT_EQ(value.peek_at(now, n).remaining, back->peek_at(now, n).remaining) << i;
      }
    }
  }
}

/// What was taken in a window that has ended is not given back to a later one, nor does such a refund
/// say that the clock was set back, however old it is.
template <class Limiter, class Options>
void expect_nothing_back_from_the_past(Options options) {
  const quoin::manual_clock clock;
  for (const auto step : {nanoseconds(0), nanoseconds(std::chrono::seconds(10))}) {
    options.rate = quoin::per_second(3);
    options.max_backward_step = step;
    Limiter limiter(options, clock);
    const auto before = at(std::chrono::seconds(100)), now = at(std::chrono::seconds(102));
    EXPECT_TRUE(limiter.try_acquire_at(before, 2));
    EXPECT_TRUE(limiter.try_acquire_at(now, 2));
    limiter.refund_at(before, 2);
    EXPECT_EQ(limiter.peek_at(now).remaining, 1u);
    limiter.refund_at(at(std::chrono::seconds(1)), 2);
    EXPECT_EQ(limiter.peek_at(now).remaining, 1u);
    limiter.refund_at(now, 1);
    EXPECT_EQ(limiter.peek_at(now).remaining, 2u);
  }
}

/// No damage to bytes does harm: an error, or a limiter that answers.
template <class Value>
void expect_harmless(std::span<const std::byte> golden) {
  const quoin::manual_clock clock;
  for_each_truncation(golden, [&](std::span<const std::byte> bytes) {
    EXPECT_FALSE(Value::from_bytes_at(bytes, at(nanoseconds(0)), clock).has_value());
  });
  for_each_bit_flip(golden, [&](std::span<const std::byte> bytes) {
    EXPECT_FALSE(Value::from_bytes_at(bytes, at(nanoseconds(0)), clock).has_value());
  });
}

/// Bytes like `golden` with another word at `offset`, and the checksum put right.
[[nodiscard]] inline std::vector<std::byte> patched(std::vector<std::byte> golden,
                                                    std::size_t offset, std::uint64_t word) {
  quoin::detail::store_le(&golden[offset], word);
  const std::size_t end = golden.size() - 8;
  quoin::detail::store_le(&golden[end], quoin::detail::xxh64(golden.data(), end, 0));
  return golden;
}

/// Bytes like `golden` with all flags, and the checksum put right.
[[nodiscard]] inline std::vector<std::byte> with_all_flags(const std::vector<std::byte>& golden) {
  const auto header = quoin::detail::load_le<std::uint64_t>(golden.data());
  return patched(golden, 0, header | std::uint64_t{0xff} << 40);
}

/// Lets `threads` ask at times that go on together, and returns when each admission was, in order.
template <class Limiter>
std::vector<std::int64_t> admissions(Limiter& limiter, unsigned threads, int requests,
                                     std::int64_t step) {
  std::atomic<std::int64_t> time{0};
  std::vector<std::vector<std::int64_t>> admitted(threads);
  std::vector<std::thread> running;
  for (unsigned t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (int i = 0; i < requests; ++i) {
        const std::int64_t now = time.fetch_add(step, std::memory_order_relaxed);
        const auto cost = static_cast<std::uint64_t>(i % 7 == 0 ? 2 : 1);
        if (!limiter.try_acquire_at(at(nanoseconds(now)), cost)) continue;
        for (std::uint64_t n = 0; n < cost; ++n) admitted[t].push_back(now);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  std::vector<std::int64_t> all;
  for (const auto& some : admitted) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  return all;
}

/// The most admissions in any time [t, t + window).
[[nodiscard]] inline std::size_t most_within(const std::vector<std::int64_t>& times,
                                             std::int64_t window) {
  std::size_t most = 0, first = 0;
  for (std::size_t last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

}  // namespace quoin_test

#endif
