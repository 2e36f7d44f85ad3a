// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/clock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>

namespace {

using namespace std::chrono_literals;
using quoin::manual_clock;
using quoin::detail::clock_reference;
using time_point = manual_clock::time_point;

static_assert(quoin::detail::static_clock<std::chrono::steady_clock>);
static_assert(quoin::detail::static_clock<std::chrono::system_clock>);
static_assert(!quoin::detail::static_clock<manual_clock>);
static_assert(std::is_empty_v<clock_reference<std::chrono::steady_clock>>);
static_assert(!std::is_default_constructible_v<clock_reference<manual_clock>>);
static_assert(std::is_trivially_copyable_v<manual_clock>);

TEST(manual_clock, moves_when_told_to) {
  manual_clock clock;
  EXPECT_EQ(clock.now(), time_point());
  clock.advance(5s);
  EXPECT_EQ(clock.now(), time_point(5s));
  clock.advance(-7s);
  EXPECT_EQ(clock.now(), time_point(-2s));
  clock.set(time_point(1h));
  EXPECT_EQ(clock.now(), time_point(1h));
  EXPECT_EQ(manual_clock(time_point(3s)).now(), time_point(3s));
}

TEST(manual_clock, stops_at_the_ends) {
  manual_clock clock(time_point::max() - 1ns);
  clock.advance(1ns);
  EXPECT_EQ(clock.now(), time_point::max());
  clock.advance(1ns);
  EXPECT_EQ(clock.now(), time_point::max());
  clock.advance(manual_clock::duration::min());
  EXPECT_EQ(clock.now(), time_point(-1ns));
  clock.advance(manual_clock::duration::min());
  EXPECT_EQ(clock.now(), time_point::min());
  clock.advance(manual_clock::duration::max());
  EXPECT_EQ(clock.now(), time_point(-1ns));
}

TEST(clock_reference, is_shared_by_its_copies) {
  manual_clock clock;
  const clock_reference<manual_clock> one(clock);
  const auto other = one;
  clock.advance(9s);
  EXPECT_EQ(one.now(), time_point(9s));
  EXPECT_EQ(other.now(), time_point(9s));
}

TEST(clock_reference, of_a_clock_that_is_a_type) {
  const auto before = std::chrono::steady_clock::now();
  const clock_reference<std::chrono::steady_clock> given{std::chrono::steady_clock{}}, none;
  EXPECT_GE(given.now(), before);
  EXPECT_GE(none.now(), before);
}

}  // namespace
