// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/sliding_count_min_sketch.hpp>

#include "hash/hash_testing.hpp"
#include "support/allocators.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory_resource>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::manual_clock;
using quoin_test::split_mix;
using duration = manual_clock::duration;
using time_point = manual_clock::time_point;
using window = quoin::sliding_count_min_sketch<std::uint32_t, manual_clock>;

constexpr std::int64_t first_tick = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t last_tick = std::numeric_limits<std::int64_t>::max();

constexpr time_point at(std::int64_t seconds) { return time_point(std::chrono::seconds(seconds)); }
constexpr time_point tick(std::int64_t ticks) { return time_point(duration(ticks)); }

static_assert(std::is_nothrow_move_constructible_v<window>);
static_assert(std::is_copy_assignable_v<window>);
static_assert(!std::is_constructible_v<window, window::options_type>, "a clock is needed");
static_assert(!std::is_constructible_v<window, window::options_type, manual_clock>,
              "one that outlives the window");

TEST(sliding_count_min_sketch, the_clock_slides_the_window) {
  manual_clock clock;
  quoin::sliding_count_min_sketch hits({.width = 4096, .window = 60s, .panes = 6}, clock);
  EXPECT_TRUE(hits.add("a", 3));
  clock.advance(30s);
  EXPECT_TRUE(hits.add("a"));
  EXPECT_TRUE(hits.add("b", 5));
  EXPECT_EQ(hits.estimate("a"), 4u);
  EXPECT_EQ(hits.estimate("b"), 5u);
  EXPECT_EQ(hits.total(), 9u);
  clock.advance(40s);
  EXPECT_EQ(hits.estimate("a"), 1u) << "the pane from 0 to 10 goes";
  EXPECT_EQ(hits.estimate("b"), 5u);
  EXPECT_EQ(hits.total(), 6u);
  EXPECT_EQ(hits.estimate("never"), 0u);
  clock.advance(30s);
  EXPECT_EQ(hits.estimate("a"), 0u);
  EXPECT_EQ(hits.total(), 0u);
  EXPECT_EQ(hits.window_begin(), at(-30)) << "questions do not move it";
}

TEST(sliding_count_min_sketch, in_the_time_of_a_real_clock) {
  quoin::sliding_count_min_sketch hits({.width = 4096, .window = 1h, .panes = 12});
  static_assert(std::is_same_v<decltype(hits)::time_point, std::chrono::steady_clock::time_point>);
  EXPECT_TRUE(hits.add("a", 2));
  EXPECT_TRUE(hits.add("a"));
  EXPECT_TRUE(hits.add_at(std::chrono::steady_clock::now() - 30min, "a"));
  EXPECT_EQ(hits.estimate("a"), 4u);
  EXPECT_EQ(hits.window(), 1h);
  EXPECT_EQ(hits.pane_length(), 5min);
}

TEST(sliding_count_min_sketch, covers_the_window_and_less_than_a_pane_more) {
  for (const std::uint32_t panes : {1u, 2u, 3u, 7u}) {
    for (const std::int64_t length : {1, 2, 5}) {
      const std::int64_t window_length = panes * length;
      for (std::int64_t t = -9; t <= 9; ++t) {
        manual_clock clock;
        window w({.width = 64, .window = duration(window_length), .panes = panes}, clock);
        ASSERT_TRUE(w.add_at(tick(t), 1));
        for (std::int64_t later = 0; later <= window_length; ++later) {
          ASSERT_EQ(w.estimate_at(tick(t + later), 1), 1u) << t << " + " << later;
        }
        ASSERT_EQ(w.estimate_at(tick(t + window_length + length), 1), 0u) << t;
        clock.set(tick(t));
        clock.advance(duration(window_length));
        ASSERT_TRUE(w.add(1));
        ASSERT_EQ(w.estimate(1), 2u);
      }
    }
  }
}

TEST(sliding_count_min_sketch, boundaries_of_panes) {
  manual_clock clock;
  window w({.width = 64, .window = 60s, .panes = 6}, clock);
  EXPECT_EQ(w.window_begin(), time_point::min());
  EXPECT_TRUE(w.add_at(at(10) - 1ns, "old", 9));
  EXPECT_TRUE(w.add_at(at(10), "new", 2));
  EXPECT_EQ(w.window_begin(), at(-50));
  EXPECT_EQ(w.total_at(at(70) - 1ns), 11u);
  EXPECT_EQ(w.total_at(at(70)), 2u);
  EXPECT_EQ(w.total_at(at(80) - 1ns), 2u);
  EXPECT_EQ(w.total_at(at(80)), 0u);
  EXPECT_TRUE(w.add_at(at(70) - 1ns, "newest"));
  EXPECT_EQ(w.window_begin(), at(0));
  EXPECT_TRUE(w.add_at(at(0), "just"));
  EXPECT_FALSE(w.add_at(at(0) - 1ns, "late"));
  EXPECT_EQ(w.total_at(at(0)), 13u);
  EXPECT_TRUE(w.add_at(at(70), "newest"));
  EXPECT_EQ(w.window_begin(), at(10));
  EXPECT_EQ(w.estimate_at(at(70), "old"), 0u);
  EXPECT_EQ(w.total_at(at(70)), 4u);
}

TEST(sliding_count_min_sketch, takes_events_out_of_order_and_reports_late_ones) {
  manual_clock clock(at(100));
  window w({.width = 64, .window = 60s, .panes = 6}, clock);
  EXPECT_TRUE(w.add("a"));
  clock.set(at(40));
  EXPECT_TRUE(w.add("a")) << "the window begins at 40";
  clock.set(at(40) - 1ns);
  EXPECT_FALSE(w.add("a", 7));
  EXPECT_FALSE(w.add_at(time_point::min(), "a"));
  EXPECT_FALSE(w.add_hash_at(time_point::min(), 5, 2));
  const std::vector<int> keys{1, 2, 3};
  const std::vector<std::uint64_t> weights{10, 20, 30};
  EXPECT_FALSE(w.add_many(keys, 4));
  EXPECT_FALSE(w.add_many(keys, weights));
  EXPECT_EQ(w.late_count(), 9u);
  EXPECT_EQ(w.late_weight(), 7u + 1 + 2 + 12 + 60);
  EXPECT_EQ(w.total(), 2u);
  EXPECT_EQ(w.estimate("a"), 2u) << "a clock that went back asks about the window as it is";
  EXPECT_EQ(w.estimate(1), 0u);
  EXPECT_FALSE(w.add_at(at(0), "a", ~std::uint64_t{0}));
  EXPECT_FALSE(w.add_many_at(at(0), keys, ~std::uint64_t{0}));
  EXPECT_EQ(w.late_weight(), ~std::uint64_t{0});
  EXPECT_EQ(w.late_count(), 13u);
  w.advance_to(at(20));
  EXPECT_EQ(w.window_begin(), at(40)) << "never back";
  w.advance_to(at(110));
  EXPECT_EQ(w.window_begin(), at(50));
  EXPECT_EQ(w.total(), 1u);
}

TEST(sliding_count_min_sketch, far_jumps) {
  manual_clock clock;
  window w({.width = 64, .window = 60ns, .panes = 60}, clock);
  for (int round = 0; round < 40; ++round) {
    ASSERT_TRUE(w.add(round, 2));
    ASSERT_EQ(w.total(), 2u);
    ASSERT_EQ(w.estimate(round), 2u);
    // 2^57 ticks: the ring's places repeat after 61, so some jumps land on the place of old counts.
    clock.advance(duration((std::int64_t{1} << 57) / 61 * 61));
    ASSERT_EQ(w.total(), 0u);
  }
  EXPECT_EQ(w.late_count(), 0u);
}

TEST(sliding_count_min_sketch, times_at_the_ends_of_the_clock) {
  for (const std::int64_t length :
       {std::int64_t{1}, std::int64_t{3}, std::int64_t{1} << 32, last_tick / 6, last_tick / 2}) {
    for (const std::uint32_t panes : {1u, 2u, 5u}) {
      if (length > last_tick / panes) continue;
      manual_clock clock;
      window w({.width = 64, .window = duration(length * panes), .panes = panes}, clock);
      ASSERT_TRUE(w.add_at(time_point::min(), 1));
      ASSERT_EQ(w.window_begin(), time_point::min());
      ASSERT_EQ(w.estimate_at(time_point::min(), 1), 1u);
      ASSERT_EQ(w.estimate_at(tick(first_tick + length * panes), 1), 1u);
      ASSERT_EQ(w.estimate_at(time_point::max(), 1), 0u);
      ASSERT_TRUE(w.add_at(time_point::max(), 2));
      ASSERT_GE(w.window_begin(), tick(last_tick - length * panes - (length - 1)));
      ASSERT_LE(w.window_begin(), tick(last_tick - length * panes));
      ASSERT_FALSE(w.add_at(time_point::min(), 3)) << "not the tick after the last";
      ASSERT_FALSE(w.add_at(tick(first_tick + 1), 3));
      ASSERT_FALSE(w.add_at(w.window_begin() - 1ns, 3));
      ASSERT_TRUE(w.add_at(w.window_begin(), 4));
      for (const auto time : {time_point::min(), at(0), time_point::max()}) {
        ASSERT_EQ(w.total_at(time), 2u);
        ASSERT_EQ(w.estimate_at(time, 2), 1u);
      }
    }
  }
}

/// Events in exact counts for each pane, and in a sketch for each.
class model {
 public:
  model(std::int64_t length, std::uint32_t panes, const quoin::count_min_options& options)
      : length_(length), panes_(panes), empty_(options) {}

  bool add(std::int64_t time, std::uint64_t key, std::uint64_t weight) {
    const std::int64_t epoch = epoch_of(time);
    if (!sketches_.empty() && distance(epoch, newest_) > panes_) {
      ++late_count;
      late_weight += weight;
      return false;
    }
    newest_ = sketches_.empty() ? epoch : std::max(newest_, epoch);
    sketches_.try_emplace(epoch, empty_).first->second.add(key, weight);
    events_.push_back({time, key, weight});
    return true;
  }

  std::uint64_t estimate(std::int64_t time, std::uint64_t key) const {
    std::uint64_t sum = 0;
    for (const auto& [epoch, sketch] : sketches_) {
      if (distance(epoch, end(time)) <= panes_) sum += sketch.estimate(key);
    }
    return sum;
  }

  /// Of the events that `seen(time of the event)` selects among those of live panes.
  template <class Seen>
  std::map<std::uint64_t, std::uint64_t> truth(std::int64_t time, Seen seen) const {
    std::map<std::uint64_t, std::uint64_t> counts;
    for (const auto& e : events_) {
      if (seen(e.time) && distance(epoch_of(e.time), end(time)) <= panes_)
        counts[e.key] += e.weight;
    }
    return counts;
  }

  std::uint64_t late_count = 0, late_weight = 0;

 private:
  struct event {
    std::int64_t time;
    std::uint64_t key, weight;
  };

  std::int64_t epoch_of(std::int64_t time) const {
    return time >= 0 ? time / length_ : -((-(time + 1)) / length_) - 1;
  }
  static std::uint64_t distance(std::int64_t from, std::int64_t to) {
    return from > to ? 0 : static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  }
  std::int64_t end(std::int64_t time) const {
    return sketches_.empty() ? epoch_of(time) : std::max(newest_, epoch_of(time));
  }

  std::int64_t length_;
  std::uint64_t panes_;
  quoin::count_min_sketch<> empty_;
  std::map<std::int64_t, quoin::count_min_sketch<>> sketches_;
  std::vector<event> events_;
  std::int64_t newest_ = 0;
};

/// Mostly small steps either way, now and then a leap: far, to an end, or back.
std::int64_t next_time(std::int64_t now, std::int64_t length, std::uint64_t x) {
  const std::uint64_t step = (x >> 16) % static_cast<std::uint64_t>(8 * length);
  const auto move = [now](std::uint64_t by) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(now) + by);  // may wrap
  };
  switch (x % 400) {
    case 0:
      return first_tick + static_cast<std::int64_t>(step);
    case 1:
      return last_tick - static_cast<std::int64_t>(step);
    case 2:
      return static_cast<std::int64_t>(x >> 20);
    case 3:
      return move(step << 20);
    default:
      return x % 400 < 120 ? move(0 - step) : move(step / 4);
  }
}

TEST(sliding_count_min_sketch, against_exact_counts_in_any_time) {
  std::uint64_t state = 11;
  for (int trial = 0; trial < 60; ++trial) {
    const auto panes = static_cast<std::uint32_t>(1 + split_mix(state) % 9);
    const auto length = static_cast<std::int64_t>(1 + split_mix(state) % 20);
    const bool conservative = trial % 2 == 0;
    const unsigned depth = trial % 3 == 0 ? 3 : 4;
    const quoin::count_min_options shape{
        .width = 64, .depth = depth, .conservative = conservative, .seed = 5};
    manual_clock clock;
    window w({.width = 64,
              .depth = depth,
              .conservative = conservative,
              .window = duration(length * panes),
              .panes = panes,
              .seed = 5},
             clock);
    model exact(length, panes, shape);
    std::int64_t now = trial % 5 == 0 ? last_tick - 4000 : static_cast<std::int64_t>(trial) - 30;
    for (int i = 0; i < 300; ++i) {
      now = next_time(now, length, split_mix(state));
      clock.set(tick(now));
      const std::uint64_t x = split_mix(state), key = x >> 40 >> (x % 24), weight = x % 5;
      ASSERT_EQ(w.add(key, weight), exact.add(now, key, weight)) << trial << ' ' << i;
      if (i % 30 != 0) continue;
      const std::int64_t asked = next_time(now, length, split_mix(state));
      const auto live = exact.truth(asked, [](std::int64_t) { return true; });
      quoin::count_min_sketch one({.width = 64, .depth = depth, .conservative = false, .seed = 5});
      std::uint64_t total = 0;
      for (const auto& [each, count] : live) {
        one.add(each, count);
        total += count;
      }
      ASSERT_EQ(w.total_at(tick(asked)), total);
      const auto summary = w.summary_at(tick(asked));
      ASSERT_EQ(summary.total(), total);
      for (const auto& [each, count] : live) {
        const std::uint64_t estimate = w.estimate_at(tick(asked), each);
        ASSERT_EQ(estimate, exact.estimate(asked, each));
        ASSERT_GE(estimate, count);
        ASSERT_LE(estimate, summary.estimate(each));
        ASSERT_LE(summary.estimate(each), one.estimate(each));
        ASSERT_LE(estimate, one.estimate(each)) << "the bound of one sketch";
        ASSERT_EQ(w.upper_bound_at(tick(asked), each), estimate);
        ASSERT_LE(w.lower_bound_at(tick(asked), each), estimate);
      }
    }
    EXPECT_EQ(w.late_count(), exact.late_count);
    EXPECT_EQ(w.late_weight(), exact.late_weight);
  }
}

TEST(sliding_count_min_sketch, is_never_below_the_last_window) {
  std::uint64_t state = 4;
  manual_clock clock;
  window w({.width = 256, .window = 1000ns, .panes = 10}, clock);
  model exact(100, 10, {.width = 256});
  std::int64_t now = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t x = split_mix(state);
    now += static_cast<std::int64_t>(x >> 60);
    const std::int64_t time = now - static_cast<std::int64_t>(x % 800);
    ASSERT_TRUE(w.add_at(tick(time), x >> 50));
    exact.add(time, x >> 50, 1);
    if (i % 100 != 0) continue;
    const auto last = exact.truth(now, [now](std::int64_t t) { return t >= now - 1000; });
    for (const auto& [key, count] : last) ASSERT_GE(w.estimate_at(tick(now), key), count);
    const auto longer = exact.truth(now, [now](std::int64_t t) { return t > now - 1100; });
    std::uint64_t total = 0;
    for (const auto& each : longer) total += each.second;
    ASSERT_EQ(w.total_at(tick(now)), total) << "nothing older is live";
  }
}

TEST(sliding_count_min_sketch, batches_equal_single_operations) {
  std::uint64_t state = 8;
  for (const bool conservative : {true, false}) {
    manual_clock clock;
    const window::options_type options{
        .width = 512, .conservative = conservative, .window = 50ns, .panes = 5};
    window single(options, clock), batch(options, clock), hashed(options, clock);
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 120; ++i) {
      const std::uint64_t x = split_mix(state);
      clock.set(tick(i - static_cast<std::int64_t>(x % 70)));
      std::vector<std::uint64_t> keys(static_cast<std::size_t>(x >> 8) % 40);
      std::vector<std::uint64_t> weights(keys.size());
      for (auto& key : keys) key = split_mix(state) % 500;
      for (auto& weight : weights) weight = i % 2 == 0 ? 3 : split_mix(state) % 9;
      bool taken = true;
      for (std::size_t k = 0; k < keys.size(); ++k) {
        taken = single.add(keys[k], weights[k]);
        hashed.add_hash(hashed.hash_function()(keys[k]), weights[k]);
      }
      if (i % 2 == 0) {
        ASSERT_EQ(batch.add_many(keys, 3), taken);
      } else {
        ASSERT_EQ(batch.add_many(keys, weights), taken);
      }
      ASSERT_EQ(batch.window_begin(), single.window_begin());
      all.insert(all.end(), keys.begin(), keys.end());
      ASSERT_TRUE(batch.summary() == single.summary());
      ASSERT_TRUE(hashed.summary() == single.summary());
    }
    ASSERT_GT(all.size(), 1000u) << "several blocks";
    std::vector<std::uint64_t> estimates(all.size(), 77);
    batch.estimate_many(all, estimates);
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(estimates[i], single.estimate(all[i]));
      ASSERT_EQ(estimates[i], single.estimate_hash(single.hash_function()(all[i])));
    }
    EXPECT_EQ(batch.late_count(), single.late_count());
    EXPECT_EQ(batch.late_weight(), single.late_weight());
    EXPECT_GT(batch.late_count(), 0u);
  }
}

TEST(sliding_count_min_sketch, batches_of_other_sizes_change_nothing) {
  manual_clock clock;
  window w({.width = 64, .window = 60s, .panes = 6}, clock);
  const std::vector<int> keys{1, 2, 3}, none;
  const std::vector<std::uint64_t> weights{1, 2};
  std::vector<std::uint64_t> estimates(2);
  EXPECT_THROW(w.add_many_at(at(1000), keys, weights), std::invalid_argument);
  EXPECT_EQ(w.window_begin(), time_point::min());
  EXPECT_THROW(w.estimate_many(keys, estimates), std::invalid_argument);
  EXPECT_TRUE(w.add_many_at(at(1000), none));
  EXPECT_TRUE(w.add_many_at(at(1000), none, std::span<const std::uint64_t>()));
  EXPECT_EQ(w.window_begin(), time_point::min()) << "no event, no time";
  EXPECT_EQ(w.total(), 0u);
}

TEST(sliding_count_min_sketch, counters_of_panes_saturate) {
  manual_clock clock;
  quoin::sliding_count_min_sketch<std::uint8_t, manual_clock> w(
      {.width = 64, .window = 60s, .panes = 6}, clock);
  w.add(1, 200);
  EXPECT_FALSE(w.saturated());
  clock.advance(10s);
  w.add(1, 200);
  EXPECT_FALSE(w.saturated());
  EXPECT_EQ(w.estimate(1), 400u) << "a pane counts to 255, the window further";
  w.add(1, 200);
  EXPECT_TRUE(w.saturated());
  EXPECT_EQ(w.estimate(1), 200u + w.max_count);
  EXPECT_EQ(w.total(), 600u);
  clock.advance(70s);
  EXPECT_FALSE(w.saturated()) << "of live panes";
  quoin::sliding_count_min_sketch<std::uint64_t, manual_clock> wide(
      {.width = 64, .window = 60s, .panes = 6}, clock);
  wide.add(1, ~std::uint64_t{0} - 1);
  clock.advance(10s);
  wide.add(1, 2);
  EXPECT_EQ(wide.estimate(1), ~std::uint64_t{0});
  EXPECT_EQ(wide.total(), ~std::uint64_t{0});
}

TEST(sliding_count_min_sketch, bounds_are_those_of_one_sketch) {
  manual_clock clock;
  window w({.epsilon = 0.01, .delta = 0.001, .window = 60s, .panes = 6}, clock);
  const quoin::count_min_sketch<> one({.epsilon = 0.01, .delta = 0.001});
  EXPECT_EQ(w.width(), one.width());
  EXPECT_EQ(w.depth(), one.depth());
  EXPECT_LE(w.delta(0.01), 0.001);
  EXPECT_DOUBLE_EQ(w.delta(0.02), one.delta(0.02));
  EXPECT_DOUBLE_EQ(w.epsilon(0.1), one.epsilon(0.1));
  w.add(1, 1000);
  clock.advance(30s);
  w.add(2, 9000);
  EXPECT_EQ(w.upper_bound(2), 9000u);
  EXPECT_EQ(w.lower_bound(2, 0.001), 9000u - static_cast<std::uint64_t>(w.epsilon(0.001) * 10'000));
  EXPECT_EQ(w.lower_bound(1, 1e-12), 0u);
  EXPECT_THROW(static_cast<void>(w.lower_bound(1, 0.0)), std::invalid_argument);
}

TEST(sliding_count_min_sketch, copies_and_clear) {
  manual_clock clock(at(1'000'000));
  window w({.width = 64, .window = 60s, .panes = 6, .seed = 3}, clock);
  w.add(1, 5);
  window copy = w;
  copy.add(1);
  EXPECT_EQ(w.estimate(1), 5u);
  EXPECT_EQ(copy.estimate(1), 6u);
  clock.advance(70s);
  EXPECT_EQ(copy.estimate(1), 0u) << "in the time of the same clock";
  EXPECT_FALSE(w.add_at(at(1), 1) || copy.add_at(at(1), 1));
  w.clear();
  EXPECT_EQ(w.late_count(), 0u);
  EXPECT_EQ(w.window_begin(), time_point::min());
  EXPECT_TRUE(w.add_at(at(2), 1)) << "times begin anew";
  EXPECT_EQ(w.estimate_at(at(2), 1), 1u);
  const window moved = std::move(w);
  EXPECT_EQ(moved.estimate_at(at(2), 1), 1u);
  EXPECT_EQ(moved.seed(), 3u);
  EXPECT_TRUE(moved.is_conservative());
}

/// A clock of few ticks, which is a type.
struct coarse_clock {
  using duration = std::chrono::duration<std::int16_t, std::ratio<60>>;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<coarse_clock>;
  static time_point now() noexcept { return time_point(duration(std::int16_t{7})); }
};

TEST(sliding_count_min_sketch, any_clock_that_counts_in_integers) {
  using coarse = quoin::sliding_count_min_sketch<std::uint32_t, coarse_clock>;
  coarse w({.width = 64, .window = coarse_clock::duration(32'000), .panes = 2});
  EXPECT_EQ(w.window().count(), 32'000);
  EXPECT_EQ(w.pane_length().count(), 16'000);
  EXPECT_TRUE(w.add_at(coarse_clock::time_point::min(), 1));
  EXPECT_EQ(w.window_begin(), coarse_clock::time_point::min());
  EXPECT_TRUE(w.add(1));
  EXPECT_EQ(w.estimate(1), 1u);
  EXPECT_EQ(w.window_begin().time_since_epoch().count(), -32'000);
  EXPECT_EQ(w.total_at(coarse_clock::time_point::max()), 1u);
}

TEST(sliding_count_min_sketch, memory) {
  quoin_test::memory_account account;
  {
    const quoin_test::accounted_allocator<std::byte> allocator(account);
    manual_clock clock;
    quoin::sliding_count_min_sketch<std::uint32_t, manual_clock, quoin::hash,
                                    quoin_test::accounted_allocator<std::byte>>
        w({.bytes = 7 * 4096 + 100, .window = 60s, .panes = 6}, clock, allocator);
    EXPECT_EQ(w.size_bytes(), 7u * 4096);
    EXPECT_EQ(w.pane_count(), 6u);
    EXPECT_EQ(account.live_bytes, w.size_bytes());
    const std::size_t requests = account.requests;
    for (int i = 0; i < 1000; ++i) {
      w.add(i);
      clock.advance(1s);
    }
    w.clear();
    EXPECT_EQ(account.requests, requests) << "no allocation but at construction";
    account.requests_until_failure = 3;
    EXPECT_THROW(auto copy = w, std::bad_alloc);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(sliding_count_min_sketch, an_assignment_that_fails_changes_nothing) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  manual_clock clock;
  using accounted = quoin::sliding_count_min_sketch<std::uint32_t, manual_clock, quoin::hash,
                                                    quoin_test::accounted_allocator<std::byte>>;
  accounted w({.width = 64, .window = 60s, .panes = 6}, clock, allocator);
  const accounted other({.width = 4096, .depth = 6, .window = 8s, .panes = 2}, clock, allocator);
  w.add(1, 5);
  for (std::size_t granted = 0; granted < 3; ++granted) {
    account.requests_until_failure = granted;
    EXPECT_THROW(w = other, std::bad_alloc);
    EXPECT_EQ(w.estimate(1), 5u);
    EXPECT_EQ(w.window(), 60s);
  }
  account.requests_until_failure = static_cast<std::size_t>(-1);
  w = other;
  EXPECT_EQ(w.estimate(1), 0u);
  EXPECT_EQ(w.window(), 8s);
  EXPECT_EQ(w.depth(), 6u);
}

TEST(sliding_count_min_sketch, takes_all_panes_from_its_memory_resource) {
  std::pmr::monotonic_buffer_resource resource(std::pmr::new_delete_resource());
  manual_clock clock;
  std::pmr::memory_resource* const before =
      std::pmr::set_default_resource(std::pmr::null_memory_resource());
  quoin::sliding_count_min_sketch<std::uint32_t, manual_clock, quoin::hash,
                                  std::pmr::polymorphic_allocator<std::byte>>
      w({.width = 64, .window = 60s, .panes = 6}, clock, &resource);
  std::pmr::set_default_resource(before);
  EXPECT_TRUE(w.add(1));
  EXPECT_EQ(w.estimate(1), 1u);
}

TEST(sliding_count_min_sketch, options_out_of_range) {
  manual_clock clock;
  const auto make = [&clock](const window::options_type& options) { window w(options, clock); };
  EXPECT_THROW(make({.width = 0, .window = 8s}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .window = 0s}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .window = -8s}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .window = 8s, .panes = 0}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .window = 65537s, .panes = 65537}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .window = 9ns, .panes = 8}), std::invalid_argument);
  EXPECT_THROW(make({.width = 64, .bytes = 64, .window = 8s}), std::invalid_argument);
  EXPECT_THROW(make({.bytes = 5, .window = 8s}), std::invalid_argument);
  EXPECT_THROW(make({.epsilon = 2, .window = 8s}), std::invalid_argument);
  try {
    make({.width = std::uint64_t{1} << 50, .window = 9ns, .panes = 65536});
    FAIL();
  } catch (const std::invalid_argument& failure) {
    EXPECT_STREQ(failure.what(),
                 "quoin::sliding_count_min_sketch: window = 9, must be a positive multiple of "
                 "panes, in ticks of the clock");
  }
}

}  // namespace
