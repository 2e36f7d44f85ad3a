// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/counter_range.hpp>

#include "support/interleave.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
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
  // Numbers that would come twice.
  EXPECT_THROW(make({.resume = {{5, 10}, {14, 1}}}), std::invalid_argument);
  EXPECT_THROW(make({.resume = {{5, 10}, {0, 6}}}), std::invalid_argument);
  EXPECT_NO_THROW(make({.resume = {{5, 10}, {15, 1}}}));
  EXPECT_NO_THROW(make({.resume = {{5, 10}, {0, 5}}}));
  EXPECT_NO_THROW(make({.resume = {{5, 0}, {0, 50}}}));
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

std::uint64_t locks = 0;

/// Counts how often one is to be taken.
template <class T>
struct counting_atomic : std::atomic<T> {
  using std::atomic<T>::atomic;
  T exchange(T value, std::memory_order order) noexcept {
    locks += std::is_same_v<T, bool> ? 1u : 0u;
    return std::atomic<T>::exchange(value, order);
  }
};

TEST(counter_range, a_disk_that_fails_is_asked_once_ahead_and_once_for_each_number_there_is_not) {
  coordinator from{.size = 1000};
  bool saves = true;
  std::uint64_t asked = 0;
  const auto persist = [&](const counter_checkpoint&) {
    ++asked;
    return saves;
  };
  const auto fetch = [&] { return from(); };
  counter_range<decltype(fetch), decltype(persist), counting_atomic> ids(
      {.checkpoint_interval = 100, .low_water = 930}, fetch, persist);
  ASSERT_EQ(ids.next().value(), 100u);
  saves = false;
  from.away = true;
  asked = locks = 0;
  for (std::uint64_t i = 101; i < 200; ++i) ASSERT_EQ(ids.next().value(), i);
  EXPECT_EQ(from.asked, 2u) << "at the low-water mark, which comes after half of the interval";
  EXPECT_EQ(asked, 1u) << "ahead of need";
  EXPECT_EQ(locks, 2u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ids.next().error(), counter_error::checkpoint_failed);
  EXPECT_EQ(asked, 4u);
  saves = true;
  for (std::uint64_t i = 200; i < 300; ++i) ASSERT_EQ(ids.next().value(), i);
  EXPECT_EQ(asked, 6u) << "when it is needed, and ahead again";
  EXPECT_EQ(ids.reserve(1000).value(), (counter_block{300, 100}));
  EXPECT_EQ(asked, 7u);
  saves = false;
  EXPECT_EQ(ids.next().error(), counter_error::checkpoint_failed);
  EXPECT_EQ(asked, 8u) << "not ahead, and then again";
}

TEST(counter_range, counts_to_the_last_number_of_all) {
  constexpr std::uint64_t last = ~std::uint64_t{0};
  std::optional<counter_block> answer = counter_block{last, 1};
  counter_checkpoint disk;
  const auto fetch = [&] { return std::exchange(answer, counter_block()); };
  const auto persist = [&](const counter_checkpoint& c) {
    disk = c;
    return true;
  };
  const quoin::counter_range_options options{.checkpoint_interval = last, .low_water = last};
  counter_range ids(options, fetch, persist);
  EXPECT_EQ(ids.next().value(), last);
  EXPECT_EQ(ids.next().error(), counter_error::exhausted);
  EXPECT_EQ(disk.current.count + disk.next.count, 0u);
  EXPECT_EQ(ids.remaining(), 0u);
  counter_range again({.resume = {{last - 1, 2}, {}}}, fetch, persist);
  EXPECT_EQ(again.next().value(), last - 1);
  EXPECT_EQ(again.unused(), (counter_checkpoint{{last, 1}, {}}));
  EXPECT_EQ(again.reserve(last).value(), (counter_block{last, 1}));
}

TEST(counter_range, takes_no_block_that_overlaps_the_one_in_use) {
  std::optional<counter_block> answer = counter_block{100, 10};
  counter_range ids({.low_water = 0}, [&] { return answer; });
  while (ids.reserve(7)->first + 3 < 110) {
  }
  for (const counter_block wrong : {counter_block{100, 10}, counter_block{109, 1},
                                    counter_block{0, 101}, counter_block{0, ~std::uint64_t{0}}}) {
    answer = wrong;
    EXPECT_EQ(ids.next().error(), counter_error::bad_block) << wrong.first;
  }
  for (const counter_block right : {counter_block{99, 1}, counter_block{100, 1}}) {
    answer = right;
    EXPECT_EQ(ids.next().value(), right.first) << "of another block than the last";
  }
  answer = counter_block{~std::uint64_t{0}, 1};
  EXPECT_EQ(ids.next().value(), ~std::uint64_t{0});
  EXPECT_EQ(ids.next().error(), counter_error::bad_block);
  // Nor where it is handed out in pieces: numbers of the first are those of the block too.
  constexpr std::uint64_t piece = 0xffffffff;
  for (const bool resumed : {false, true}) {
    answer = counter_block{50, 2 * piece + 10};
    quoin::counter_range_options options{.low_water = 0};
    if (resumed) options.resume.current = std::exchange(answer, std::nullopt).value();
    counter_range longer(options, [&] { return answer; });
    for (const std::uint64_t count : {piece, piece, std::uint64_t{10}}) {
      EXPECT_EQ(longer.reserve(~std::uint64_t{0})->count, count);
    }
    for (const counter_block wrong : {counter_block{60, 10}, counter_block{0, 51},
                                      counter_block{50 + piece, 1}, counter_block{49, 99}}) {
      answer = wrong;
      EXPECT_EQ(longer.next().error(), counter_error::bad_block) << wrong.first;
    }
    answer = counter_block{0, 50};
    EXPECT_EQ(longer.next().value(), 0u);
  }
}

TEST(counter_range, others_go_on_while_one_fetches) {
  coordinator from;
  std::uint64_t others = 0;
  std::function<void()> meanwhile = [] {};
  counter_range ids({.low_water = 5}, [&] {
    if (from.asked == 1) meanwhile();
    return from();
  });
  meanwhile = [&] { std::thread([&] { others = ids.next().value(); }).join(); };
  for (std::uint64_t i = 100; i < 105; ++i) ASSERT_EQ(ids.next().value(), i);
  EXPECT_EQ(ids.next().value(), 106u);
  EXPECT_EQ(others, 105u);
}

TEST(counter_range, two_share_a_coordinator) {
  coordinator from;
  const auto fetch = [&] { return from(); };
  counter_range first({.low_water = 4}, fetch), second({.low_water = 0}, fetch);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(seen.insert((i % 3 == 0 ? first : second).next().value()).second);
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

// --- every order of two threads ------------------------------------------------------------------

using quoin_test::interleaved_atomic;

// Where code is slow, the first orders will do.
#if defined(__x86_64__) && defined(__OPTIMIZE__)
constexpr std::uint64_t most_runs = 20'000;
#else
constexpr std::uint64_t most_runs = 200;
#endif

/// What threads do. Callbacks succeed unless their texts say what becomes of one call after the
/// other: '0' fails, '!' throws before anything is done, '?' after it was done.
struct plan {
  const char* what;
  std::uint64_t interval, low_water, size;  ///< of a block
  std::uint64_t before;                     ///< numbers taken before the threads begin
  std::size_t first, second;                ///< numbers that they take
  std::string_view fetches = "", persists = "";
};

/// One order of it: the coordinator, the disk and what was handed out.
class ordered_world {
 public:
  explicit ordered_world(const plan& p)
      : plan_(p),
        ids_({.checkpoint_interval = p.interval, .low_water = p.low_water}, {this}, {this}) {
    for (std::uint64_t i = 0; i < p.before; ++i) take(0, 1);
  }

  void run(quoin_test::interleaver& threads) {
    left_of_plan_ = {plan_.fetches, plan_.persists};
    threads({[this] { take_some(0, plan_.first, 1); }, [this] { take_some(1, plan_.second, 2); }});
    const bool fails = plan_.fetches.find_first_not_of('.') != std::string_view::npos ||
                       plan_.persists.find_first_not_of('.') != std::string_view::npos;
    EXPECT_TRUE(fails || refused_ == 0) << plan_.what;
    end();
  }

  /// One thread alone; returns how often it got none.
  std::uint64_t run() {
    left_of_plan_ = {plan_.fetches, plan_.persists};
    take_some(0, plan_.first, 1);
    take_some(0, plan_.second, 2);
    end();
    return refused_;
  }

 private:
  struct fault {};
  struct fetch {
    ordered_world* self;
    std::optional<counter_block> operator()() const { return self->fetched(); }
  };
  struct persist {
    ordered_world* self;
    bool operator()(const counter_checkpoint& c) const { return self->persisted(c); }
  };
  struct script {
    std::string_view fetches, persists;
  };

  void end() {
    left_of_plan_ = {};
    EXPECT_EQ(handed_.size() + ids_.remaining() + lost_, next_) << plan_.what << ": none is lost";
    is_over_ = true;
    while (take(2, 3)) {
    }
    EXPECT_EQ(handed_.size() + lost_, next_) << plan_.what << ": all come in the end";
    for (const auto& mine : seen_) EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
  }

  static char next_of(std::string_view& calls) {
    if (calls.empty()) return '.';
    const char call = calls.front();
    calls.remove_prefix(1);
    return call;
  }

  std::optional<counter_block> fetched() {
    const char call = next_of(left_of_plan_.fetches);
    if (call == '!') throw fault();
    if (call == '0') return std::nullopt;
    if (is_over_) return counter_block();
    next_ += plan_.size;
    if (call == '?') {
      lost_ += plan_.size;
      throw fault();
    }
    return counter_block{next_ - plan_.size, plan_.size};
  }

  bool persisted(const counter_checkpoint& c) {
    const char call = next_of(left_of_plan_.persists);
    if (call == '!') throw fault();
    if (call == '0') return false;
    written_.fetch_add(1);  // so that it counts whether a number comes before
    disk_ = c;
    for (const std::uint64_t id : handed_) EXPECT_FALSE(is_on_disk(id)) << plan_.what << ": " << id;
    if (call == '?') throw fault();
    return true;
  }

  bool is_on_disk(std::uint64_t id) const {
    return id - disk_.current.first < disk_.current.count ||
           id - disk_.next.first < disk_.next.count;
  }

  void take_some(std::size_t thread, std::size_t times, std::uint64_t most) {
    for (std::size_t i = 0; i < times; ++i) refused_ += take(thread, most) ? 0u : 1u;
  }

  bool take(std::size_t thread, std::uint64_t most) {
    counter_block got;
    try {
      got = most == 1 ? counter_block{ids_.next().value_or(none), 1}
                      : ids_.reserve(most).value_or(counter_block());
    } catch (const fault&) {
      return false;
    }
    if (got.count == 0 || got.first == none) return false;
    static_cast<void>(written_.load());
    for (std::uint64_t id = got.first; id < got.first + got.count; ++id) {
      EXPECT_TRUE(handed_.insert(id).second) << plan_.what << ": " << id << " twice";
      EXPECT_FALSE(is_on_disk(id)) << plan_.what << ": " << id << " would come again";
      seen_[thread].push_back(id);
    }
    return true;
  }

  static constexpr std::uint64_t none = ~std::uint64_t{0};

  const plan& plan_;
  script left_of_plan_{};
  bool is_over_ = false;
  std::uint64_t next_ = 0, refused_ = 0, lost_ = 0;
  interleaved_atomic<std::uint64_t> written_{0};
  counter_checkpoint disk_{};
  std::set<std::uint64_t> handed_;
  std::vector<std::uint64_t> seen_[3];
  counter_range<fetch, persist, interleaved_atomic> ids_;
};

TEST(counter_range, any_call_may_fail) {
  for (const std::uint64_t interval : {1u, 3u, 100u}) {
    for (const std::uint64_t low_water : {0u, 2u, 50u}) {
      for (const std::uint64_t size : {1u, 4u, 30u}) {
        for (const char fault : {'0', '!', '?'}) {
          for (std::size_t call = 0; call < 16; ++call) {
            const std::string calls = std::string(call, '.') + fault;
            plan p{calls.c_str(), interval, low_water, size, 0, 12, 6, calls, ""};
            EXPECT_LE(ordered_world(p).run(), 1u) << calls;
            p.fetches.swap(p.persists);
            EXPECT_LE(ordered_world(p).run(), 1u) << calls;
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

TEST(counter_range, every_order_of_two_threads) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const plan plans[] = {
      {"within a block", 10, 0, 20, 1, 2, 2},
      {"the first block", 10, 0, 20, 0, 2, 1},
      {"a checkpoint ahead", 4, 0, 20, 2, 1, 1},
      {"a checkpoint ahead, and the next one", 2, 0, 20, 1, 1, 1},
      {"a checkpoint at each number", 1, 0, 20, 1, 1, 1},
      {"the low-water mark", 10, 3, 6, 2, 2, 1},
      {"the low-water mark at the end of a block", 10, 1, 2, 1, 1, 1},
      {"the end of a block", 10, 0, 3, 2, 2, 1},
      {"the next block", 10, 0, 3, 3, 2, 1},
      {"the next block, fetched before", 10, 2, 3, 3, 1, 1},
      {"blocks of one number", 10, 0, 1, 0, 1, 1},
      {"no block ahead", 10, 3, 6, 2, 2, 1, "0"},
      {"no block", 10, 0, 3, 2, 2, 2, "00"},
      {"no checkpoint ahead", 4, 0, 20, 2, 2, 1, "", "0"},
      {"no checkpoint", 2, 0, 20, 1, 1, 1, "", "00"},
      {"no checkpoint of the next block", 10, 2, 3, 2, 2, 2, "", "00"},
      {"a fetch ahead throws", 10, 3, 6, 2, 2, 1, "!"},
      {"a fetch throws", 10, 0, 3, 2, 2, 1, "!"},
      {"a checkpoint ahead throws", 4, 0, 20, 2, 2, 1, "", "!"},
      {"a checkpoint throws", 10, 0, 3, 2, 2, 1, "", "!"},
      {"a checkpoint is written and throws", 4, 2, 6, 2, 2, 1, "", "??"},
  };
  for (const plan& p : plans) {
    const auto result = quoin_test::explore({.most_runs = most_runs},
                                            [&](auto& threads) { ordered_world(p).run(threads); });
    EXPECT_GT(result.orders, 1u) << p.what;
    EXPECT_TRUE(result.complete || most_runs < 1000) << p.what;
    if (HasFailure()) break;
  }
}

}  // namespace
