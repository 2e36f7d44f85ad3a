// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/two_bucket.hpp>

#include <quoin/limit/token_bucket.hpp>

#include "window_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;
using namespace quoin_test;
using quoin::limit_reason;
using quoin::manual_clock;
using buckets = quoin::two_bucket<manual_clock>;
using atomic_buckets = quoin::atomic_two_bucket<manual_clock>;

static_assert(quoin::limiter<buckets> && quoin::limiter<atomic_buckets>);

const manual_clock none;

// 20,000 units for 10 partitions: 2000 each, and of the last 300 s what was not used.
TEST(TwoBucket, DrawsOnTheBurstWhenTheAllocatedIsEmpty) {
  buckets b({.rate = quoin::per_second(2000)}, none);
  EXPECT_EQ(b.allocated_at(at(0s)), 2000u);
  EXPECT_EQ(b.burst_at(at(0s)), 600'000u);
  EXPECT_EQ(b.peek_at(at(0s), 2000).reason, limit_reason::none);
  EXPECT_EQ(b.peek_at(at(0s), 2001).reason, limit_reason::soft_limit);
  EXPECT_EQ(b.try_acquire_at(at(0s), 1500).reason, limit_reason::none);
  const auto d = b.try_acquire_at(at(0s), 1500);
  EXPECT_TRUE(d.allowed);
  EXPECT_EQ(d.reason, limit_reason::soft_limit);
  EXPECT_EQ(b.allocated_at(at(0s)), 0u);
  EXPECT_EQ(b.burst_at(at(0s)), 599'000u);
  // A second fills the allocated bucket, the next one goes into the burst bucket.
  EXPECT_EQ(b.allocated_at(at(1s)), 2000u);
  EXPECT_EQ(b.burst_at(at(1s)), 599'000u);
  EXPECT_EQ(b.burst_at(at(1250ms)), 599'500u);
  EXPECT_EQ(b.burst_at(at(9s)), 600'000u);
  EXPECT_EQ(b.acquire_up_to_at(at(9s), 1'000'000), 602'000u);
  EXPECT_EQ(b.try_acquire_at(at(9s)).retry_after, 500us);
  b.refund_at(at(9s), 3000);
  EXPECT_EQ(b.allocated_at(at(9s)) + b.burst_at(at(9s)), 3000u);
  b.reset();
  EXPECT_EQ(b.burst_at(at(0s)), 600'000u);
}

TEST(TwoBucket, RefusesOptionsOutOfRange) {
  EXPECT_THROW(buckets({.rate = {1, 0s}}, none), std::invalid_argument);
  EXPECT_THROW(buckets({.rate = {1, 1s}, .burst = -1s}, none), std::invalid_argument);
  EXPECT_THROW(buckets({.rate = {1, 1s}, .max_backward_step = -1s}, none), std::invalid_argument);
  EXPECT_THROW(buckets({.rate = {~std::uint64_t{0}, 1s}}, none), std::invalid_argument);
  try {
    buckets({.rate = quoin::per_second(999'999'937)}, none);
    ADD_FAILURE();
  } catch (const std::invalid_argument& e) {
    EXPECT_EQ(std::string_view(e.what()).find("quoin::two_bucket: allocated + rate * burst = "),
              0u);
  }
  EXPECT_EQ(buckets({.rate = {5, 1s}, .allocated = 7, .burst = 0s}, none).burst_at(at(0s)), 0u);
}

// In whole tokens: allocated first, the rest from the burst; refills the other way round.
TEST(TwoBucket, LetsInWhatOneBucketOfBothDoesAndSplitsItByTheDefinition) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    const quoin::two_bucket_options options{.rate = {1, 1s}, .allocated = 5, .burst = 20s};
    buckets two(options, none);
    atomic_buckets shared(options, none);
    quoin::token_bucket one({.rate = {1, 1s}, .burst = 25}, none);
    std::mt19937_64 random(seed);
    std::uint64_t allocated = 5, burst = 20;
    std::int64_t now = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t step = random() % 10 == 0 ? random() % 30 : random() % 3;
      now += static_cast<std::int64_t>(step);
      const std::uint64_t here = std::min(step, 5 - allocated);
      allocated += here;
      burst = std::min<std::uint64_t>(20, burst + step - here);
      const auto when = at(std::chrono::seconds(now));
      ASSERT_EQ(two.allocated_at(when), allocated);
      ASSERT_EQ(two.burst_at(when), burst);
      const std::uint64_t cost = random() % 8;
      const auto d = two.try_acquire_at(when, cost);
      ASSERT_EQ(d, shared.try_acquire_at(when, cost));
      auto same = one.try_acquire_at(when, cost);
      ASSERT_EQ(d.allowed, cost <= allocated + burst);
      if (d.allowed && cost > allocated) same.reason = limit_reason::soft_limit;
      ASSERT_EQ(d, same);
      if (!d.allowed) continue;
      const std::uint64_t first = std::min(cost, allocated);
      allocated -= first;
      burst -= cost - first;
    }
  }
}

TEST(AtomicTwoBucket, NeverLetsMoreInThanBothHold) {
  for (const unsigned threads : {2u, 4u, 8u}) {
    atomic_buckets b(
        {.rate = {1, 10ns}, .allocated = 50, .burst = 500ns, .max_backward_step = quoin::never},
        none);
    const auto times = admissions(b, threads, 4000, 1);
    EXPECT_LE(most_within(times, 1000), 200u);  // 100 at once and 100 that come
    EXPECT_LE(times.size(), 100 + threads * 400);
  }
}

TEST(TwoBucket, KeepsItsBytes) {
  buckets b({.rate = quoin::per_second(2000), .allocated = 500}, none);
  b.try_acquire_at(at(5s), 1234);
  const auto bytes = b.to_bytes_at(at(5s + 7ns));
  expect_golden("limit/two_bucket.bin", bytes);
  expect_harmless<buckets>(read_golden("limit/two_bucket.bin"));
  const auto back = buckets::from_bytes_at(bytes, at(-1h), none);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->options(), b.options());
  EXPECT_EQ(back->burst_at(at(-1h)), 599'266u);
  const atomic_buckets shared(*back);
  EXPECT_EQ(shared.snapshot().to_bytes_at(at(-1h)), bytes);
  for (const std::size_t offset : {8u, 16u, 24u, 32u, 40u, 48u}) {
    EXPECT_FALSE(buckets::from_bytes_at(patched(bytes, offset, 1), at(0s), none).has_value());
  }
}

}  // namespace
