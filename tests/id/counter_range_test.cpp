// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/counter_range.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using quoin::counter_block;
using quoin::counter_checkpoint;
using quoin::counter_error;
using quoin::counter_range;

/// Gives blocks in a row.
struct coordinator {
  std::uint64_t size = 10;
  std::uint64_t next = 100;
  std::uint64_t asked = 0;
  bool away = false;

  std::optional<counter_block> operator()() {
    ++asked;
    if (away) return std::nullopt;
    next += size;
    return counter_block{next - size, size};
  }
};

TEST(counter_range, counts_through_its_blocks) {
  coordinator from;
  counter_range ids({.low_water = 3}, [&] { return from(); });
  static_assert(!std::is_copy_constructible_v<decltype(ids)>);
  static_assert(sizeof ids <= 256, "four cache lines");
  EXPECT_EQ(from.asked, 0u);
  EXPECT_EQ(ids.remaining(), 0u);
  for (std::uint64_t i = 100; i < 200; ++i) {
    ASSERT_EQ(ids.next().value(), i);
    const std::uint64_t left =
        9 - i % 10;  // fetched before the number after the third from the end
    EXPECT_EQ(from.asked, i / 10 - 9 + (left < 3 ? 1u : 0u)) << i;
  }
  EXPECT_EQ(ids.remaining(), 10u);
  EXPECT_EQ(ids.unused(), (counter_checkpoint{{200, 0}, {200, 10}}));
}

TEST(counter_range, reserves_what_is_left_of_a_block) {
  coordinator from;
  counter_range ids({.low_water = 0}, [&] { return from(); });
  EXPECT_EQ(ids.reserve(0).value(), counter_block());
  EXPECT_EQ(ids.reserve(4).value(), (counter_block{100, 4}));
  EXPECT_EQ(ids.reserve(100).value(), (counter_block{104, 6}));
  EXPECT_EQ(from.asked, 1u) << "a low-water mark of 0 fetches when none is left";
  EXPECT_EQ(ids.next().value(), 110u);
  EXPECT_EQ(ids.reserve(~std::uint64_t{0}).value(), (counter_block{111, 9}));
}

TEST(counter_range, a_coordinator_that_is_away_is_asked_again_now_and_then) {
  coordinator from{.size = 1024};
  counter_range ids({.low_water = 512}, [&] { return from(); });
  ASSERT_EQ(ids.next().value(), 100u);
  from.away = true;
  for (std::uint64_t i = 1; i < 1024; ++i) ASSERT_EQ(ids.next().value(), 100 + i);
  EXPECT_GT(from.asked, 5u);
  EXPECT_LT(from.asked, 14u) << "each time that half of what is left is gone";
  EXPECT_EQ(ids.next().error(), counter_error::refill_failed);
  EXPECT_EQ(ids.reserve(5).error(), counter_error::refill_failed);
  from.away = false;
  EXPECT_EQ(ids.next().value(), 1124u);
}

TEST(counter_range, says_why_there_is_no_number) {
  std::optional<counter_block> answer = counter_block{7, 0};
  bool saves = true;
  counter_range ids(
      {}, [&] { return answer; }, [&](const counter_checkpoint&) { return saves; });
  EXPECT_EQ(ids.next().error(), counter_error::exhausted);
  answer = counter_block{2, ~std::uint64_t{0}};
  EXPECT_EQ(ids.next().error(), counter_error::bad_block);
  answer = counter_block{1, ~std::uint64_t{0}};  // up to the last number of all
  saves = false;
  EXPECT_EQ(ids.next().error(), counter_error::checkpoint_failed);
  EXPECT_EQ(ids.remaining(), ~std::uint64_t{0}) << "it was fetched, and is kept";
  saves = true;
  EXPECT_EQ(ids.next().value(), 1u);
  for (int e = 1; e <= 4; ++e) EXPECT_STRNE(to_text(static_cast<counter_error>(e)), "unknown");
  EXPECT_STREQ(to_text(counter_error{}), "unknown");
}

TEST(counter_range, refuses_wrong_options) {
  const auto make = [](const quoin::counter_range_options& options) {
    counter_range(options, coordinator(), [](const counter_checkpoint&) { return true; });
  };
  EXPECT_THROW(make({.checkpoint_interval = 0}), std::invalid_argument);
  EXPECT_THROW(make({.resume = {{2, ~std::uint64_t{0}}, {}}}), std::invalid_argument);
  EXPECT_THROW(make({.resume = {{}, {2, ~std::uint64_t{0}}}}), std::invalid_argument);
}

TEST(counter_range, goes_on_in_blocks_longer_than_a_slot) {
  constexpr std::uint64_t slot = 0xffffffffu;
  const std::uint64_t first = ~std::uint64_t{0} - 2 * slot - 4;
  std::uint64_t asked = 0;
  const auto fetch = [&]() -> std::optional<counter_block> {
    return ++asked == 1 ? counter_block{first, 2 * slot + 5} : counter_block{};
  };
  counter_range ids({}, fetch);
  EXPECT_EQ(ids.reserve(slot + 1).value(), (counter_block{first, slot}));
  EXPECT_EQ(ids.reserve(1).value(), (counter_block{first + slot, 1}));
  EXPECT_EQ(ids.unused(), (counter_checkpoint{{first + slot + 1, slot + 4}, {}}));
  EXPECT_EQ(ids.reserve(slot).value(), (counter_block{first + slot + 1, slot - 1}));
  EXPECT_EQ(ids.reserve(slot).value(), (counter_block{first + 2 * slot, 5}));
  EXPECT_EQ(ids.next().error(), counter_error::exhausted) << "the last was 2^64 - 1";
}

TEST(counter_range, checkpoints_ahead_and_resumes) {
  coordinator from{.size = 100};
  std::vector<counter_checkpoint> written;
  const auto persist = [&](const counter_checkpoint& c) {
    written.push_back(c);
    return true;
  };
  const auto fetch = [&] { return from(); };
  counter_checkpoint at_end;
  {
    counter_range ids({.checkpoint_interval = 10, .low_water = 0}, fetch, persist);
    ASSERT_EQ(ids.next().value(), 100u);
    EXPECT_EQ(written.back(), (counter_checkpoint{{110, 90}, {}}));
    for (std::uint64_t i = 101; i <= 105; ++i) ASSERT_EQ(ids.next().value(), i);
    EXPECT_EQ(written.size(), 2u) << "half of it is gone";
    EXPECT_EQ(written.back(), (counter_checkpoint{{115, 85}, {}}));
    EXPECT_EQ(ids.reserve(100).value(), (counter_block{106, 9})) << "no further than it is written";
    at_end = ids.unused();
    EXPECT_EQ(at_end, (counter_checkpoint{{115, 85}, {}}));
  }
  counter_range again({.checkpoint_interval = 10, .low_water = 50, .resume = at_end}, fetch,
                      persist);
  EXPECT_EQ(again.remaining(), 85u);
  for (std::uint64_t i = 115; i < 180; ++i) ASSERT_EQ(again.next().value(), i);
  EXPECT_EQ(from.asked, 2u);
  EXPECT_EQ(written.back().next, (counter_block{200, 100}))
      << "what was fetched ahead is kept, too";
  const counter_checkpoint last = written.back();
  counter_range third({.resume = last}, fetch, persist);
  EXPECT_EQ(third.reserve(1).value().first, last.current.first);
  while (third.remaining() > 100) ASSERT_TRUE(third.reserve(7));
  EXPECT_EQ(third.next().value(), 200u);
  counter_range fourth({.resume = {{}, {500, 1}}}, fetch, persist);
  EXPECT_EQ(fourth.next().value(), 500u);
}

// As if it had failed: what is written off is given, and then it is called again.
TEST(counter_range, what_a_callback_throws_stops_no_number_that_may_be_given) {
  struct full_disk {};
  for (const bool of_fetch : {false, true}) {
    coordinator from{.size = 1000};
    bool throws = false;
    int calls = 0;
    const auto maybe = [&](bool mine) {
      if (!throws || !mine) return;
      ++calls;
      throw full_disk();
    };
    counter_range ids(
        {.checkpoint_interval = 100, .low_water = of_fetch ? 950u : 0u},
        [&] {
          maybe(of_fetch);
          return from();
        },
        [&](const counter_checkpoint&) {
          maybe(!of_fetch);
          return true;
        });
    ASSERT_EQ(ids.next().value(), 100u);
    throws = true;
    std::uint64_t expected = 101;
    for (int thrown = 0; expected < 200;) {
      try {
        ASSERT_EQ(ids.next().value(), expected);
        ++expected;
      } catch (const full_disk&) {
        ASSERT_EQ(++thrown, 1);
      }
    }
    EXPECT_EQ(calls, 1);
    throws = false;
    EXPECT_EQ(ids.next().value(), 200u);
  }
}

TEST(counter_range, refill_does_ahead_what_is_due) {
  coordinator from;
  counter_range ids({.low_water = 10}, [&] { return from(); });
  ids.refill();
  EXPECT_EQ(from.asked, 2u);
  EXPECT_EQ(ids.remaining(), 20u);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(ids.next());
  EXPECT_EQ(from.asked, 2u);
  ids.refill();
  EXPECT_EQ(from.asked, 3u);
}

/// The generator of splitmix64, for repeatable choices.
struct choices {
  std::uint64_t state;
  std::uint64_t below(std::uint64_t n) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
  }
};

struct crash {};

/// A server that crashes at any point, its coordinator and its disk.
struct world {
  choices pick;
  std::uint64_t interval;
  std::uint64_t next = 0;
  counter_checkpoint disk{};
  std::set<std::uint64_t> handed{};
  std::uint64_t lost = 0, permitted = 0;

  void maybe_crash() {
    if (pick.below(40) == 0) throw crash();
  }
  std::optional<counter_block> fetch() {
    maybe_crash();
    if (pick.below(8) == 0) return std::nullopt;
    const std::uint64_t count = 1 + pick.below(50);
    next += count;
    permitted += count;  // until it is on the disk
    maybe_crash();
    return counter_block{next - count, count};
  }
  bool persist(const counter_checkpoint& c) {
    maybe_crash();
    if (pick.below(8) == 0) return false;
    disk = c;
    permitted = interval;
    maybe_crash();
    return true;
  }
  [[nodiscard]] std::uint64_t on_disk() const { return disk.current.count + disk.next.count; }

  void live() {
    counter_range ids(
        {.checkpoint_interval = interval, .low_water = pick.below(30), .resume = disk},
        [this] { return fetch(); }, [this](const counter_checkpoint& c) { return persist(c); });
    for (int step = 0; step < 200; ++step) {
      const auto got = ids.reserve(pick.below(4) == 0 ? pick.below(20) : 1);
      for (std::uint64_t i = 0; got && i < got->count; ++i) {
        const std::uint64_t id = got->first + i;
        ASSERT_TRUE(handed.insert(id).second) << id << " twice";
        ASSERT_GE(id - disk.current.first, disk.current.count) << id << " would come again";
        ASSERT_GE(id - disk.next.first, disk.next.count) << id << " would come again";
      }
      ASSERT_EQ(handed.size() + lost + ids.remaining(), next);
      if (pick.below(10) == 0) ids.refill();
    }
    maybe_crash();
    disk = ids.unused();
  }
};

TEST(counter_range, gives_no_number_twice_wherever_it_crashes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    world w{.pick = {seed}, .interval = 1 + seed % 25};
    for (int life = 0; life < 10; ++life) {
      w.permitted = w.interval;
      try {
        w.live();
      } catch (const crash&) {
      }
      const std::uint64_t lost = w.next - w.handed.size() - w.on_disk();
      ASSERT_LE(lost - w.lost, w.permitted) << "seed " << seed;
      w.lost = lost;
      if (HasFatalFailure()) FAIL() << "seed " << seed;
    }
  }
}

TEST(counter_range, threads_share_it) {
  constexpr std::size_t threads = 4, each = 20'000;
  coordinator from{.size = 37, .next = 0};
  std::uint64_t granted_to = 0;
  const auto persist = [&](const counter_checkpoint& c) {
    granted_to = std::max(granted_to, c.current.first);
    return true;
  };
  counter_range ids(
      {.checkpoint_interval = 7, .low_water = 10}, [&] { return from(); }, persist);
  std::vector<std::uint64_t> seen[threads];
  std::vector<std::thread> running;
  for (auto& mine : seen) {
    running.emplace_back([&ids, &mine] {
      while (mine.size() < each) {
        const auto got = ids.reserve(mine.size() % 16 == 0 ? 5 : 1);
        for (std::uint64_t i = 0; i < got->count; ++i) mine.push_back(got->first + i);
        if (mine.size() % 1000 == 0) ids.refill();
      }
    });
  }
  for (auto& thread : running) thread.join();
  std::vector<std::uint64_t> all;
  for (const auto& mine : seen) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i) << "each once, none left out";
  EXPECT_EQ(all.size() + ids.remaining(), from.next);
  EXPECT_GE(granted_to, all.back());
}

TEST(counter_range, threads_that_only_count_lose_none) {
  constexpr std::size_t threads = 4, each = 200'000;
  coordinator from{.size = 1'000'000, .next = 0};
  counter_range ids({}, [&] { return from(); });
  std::vector<std::uint8_t> given(threads * each);
  std::latch start(threads);
  std::vector<std::thread> running;
  std::vector<std::uint64_t> seen[threads];
  for (auto& mine : seen) {
    mine.reserve(each);
    running.emplace_back([&] {
      start.arrive_and_wait();
      for (std::size_t i = 0; i < each; ++i) mine.push_back(*ids.next());
    });
  }
  for (auto& thread : running) thread.join();
  for (const auto& mine : seen) {
    for (const std::uint64_t number : mine) {
      ASSERT_LT(number, given.size());
      ASSERT_EQ(given[static_cast<std::size_t>(number)]++, 0) << number << " was given twice";
    }
  }
}

}  // namespace
