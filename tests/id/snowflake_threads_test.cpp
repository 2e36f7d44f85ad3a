// SPDX-License-Identifier: BSL-1.0
// Snowflakes of many threads and processes; and of two threads in every order, with their clock, their
// marks and the counter that saves readings of the clock.
#include <quoin/id/snowflake.hpp>

#include "support/counted_clock.hpp"
#include "support/interleave.hpp"
#include "support/snowflakes.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::clock_back;
using quoin::exhaustion;
using quoin::id_error;
using quoin::manual_clock;
using quoin::twitter_layout;
using milliseconds = std::chrono::milliseconds;
using quoin_test::at;
using quoin_test::small;
using quoin_test::sys_ms;

const char* const early = quoin::to_text(id_error::too_early);
const char* const exhausted = quoin::to_text(id_error::exhausted);
const char* const set_back = quoin::to_text(id_error::clock_back);

template <class Generator>
std::vector<std::uint64_t> ids_of_threads(Generator& ids, int threads, std::size_t each) {
  std::vector<std::vector<std::uint64_t>> made(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  for (auto& mine : made) {
    running.emplace_back([&ids, &mine, each] {
      mine.reserve(each);
      while (mine.size() < each) {
        if (mine.size() % 3 == 0) {
          for (const std::uint64_t id : ids.reserve(5)) mine.push_back(id);
        } else {
          mine.push_back(ids.next());
        }
      }
    });
  }
  for (auto& thread : running) thread.join();
  std::vector<std::uint64_t> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end())) << "each thread sees them grow";
    all.insert(all.end(), mine.begin(), mine.end());
  }
  return all;
}

void expect_all_different(std::vector<std::uint64_t> ids) {
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

#if defined(__OPTIMIZE__) && !UNDER_THREAD_SANITIZER
constexpr std::size_t many = 20'000;
#else
constexpr std::size_t many = 2'000;
#endif

TEST(SnowflakeThreads, EightThreads) {
  quoin::snowflake_generator<twitter_layout> waiting({.worker = 5});
  expect_all_different(ids_of_threads(waiting, 8, many));
  quoin::snowflake_generator<quoin::sonyflake_layout> leading(
      {.on_exhaustion = exhaustion::lead, .max_lead = 1h, .start_bits = 4});
  expect_all_different(ids_of_threads(leading, 8, many));
}

TEST(SnowflakeThreads, EightThreadsAndAGuard) {
  std::atomic<std::int64_t> saved{0};
  std::atomic<int> inside{0}, calls{0};
  quoin::snowflake_generator<twitter_layout, std::chrono::system_clock, std::function<bool(sys_ms)>>
      ids({.guard_interval = 4ms}, [&](sys_ms mark) {
        EXPECT_EQ(++inside, 1) << "one at a time";
        EXPECT_GT(mark.time_since_epoch().count(), saved) << "each later than the last";
        std::this_thread::sleep_for(100us);
        const bool works = ++calls % 5 != 0;
        if (works) saved = mark.time_since_epoch().count();
        --inside;
        return works;
      });
  static_cast<void>(ids.next());
  std::vector<std::thread> running;
  std::atomic<std::uint64_t> given{0};
  for (int t = 0; t < 8; ++t) {
    running.emplace_back([&] {
      for (std::size_t i = 0; i < many / 4; ++i) {
        const auto id = ids.try_next();
        if (!id) continue;
        ++given;
        ASSERT_LT(twitter_layout::decode(*id).time.time_since_epoch().count(), saved.load());
      }
    });
  }
  for (auto& thread : running) thread.join();
  EXPECT_GT(given, 0u);
}

TEST(SnowflakeThreads, FourProcesses) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "threads of a child process";
  std::vector<int> pipes;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      quoin::snowflake_generator<twitter_layout> ids({.worker = worker});
      const auto made = ids_of_threads(ids, 2, many);
      std::size_t size = made.size() * sizeof made[0];
      const char* from = reinterpret_cast<const char*>(made.data());
      while (size != 0) {
        const ssize_t written = ::write(ends[1], from, size);
        if (written <= 0) ::_exit(1);
        from += written;
        size -= static_cast<std::size_t>(written);
      }
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    ::close(ends[1]);
    pipes.push_back(ends[0]);
  }
  std::vector<std::uint64_t> all;
  for (const int from : pipes) {
    std::string bytes;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(from, buffer, sizeof buffer)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(from);
    int status = 1;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(status, 0);
    const std::size_t before = all.size();
    all.resize(before + bytes.size() / sizeof all[0]);
    std::memcpy(all.data() + before, bytes.data(), bytes.size());
  }
  EXPECT_GE(all.size(), 8 * many);
  expect_all_different(std::move(all));
}

using quoin_test::interleaved_atomic;

// Where code is slow, the first orders will do.
#if defined(__x86_64__) && defined(__OPTIMIZE__)
constexpr std::uint64_t most_runs = 20'000;
#else
constexpr std::uint64_t most_runs = 300;
#endif

/// Every order of the atomic operations of two threads, on a unit of time that nearly ends, and one
/// whose clock has read a later time.
TEST(SnowflakeThreads, EveryOrderOfTwoThreads) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const manual_clock clock;
  for (const std::int64_t second : {10, 9, 11}) {
    const auto result = quoin_test::explore(
        {.spurious_failures = 1, .most_runs = most_runs}, [&](quoin_test::interleaver& run) {
          quoin::snowflake_generator<small, manual_clock, quoin::no_guard, interleaved_atomic> ids(
              {}, clock);
          ASSERT_EQ(ids.try_reserve_at(at(10ms), 5)->size(), 5u);
          std::vector<std::uint64_t> made[2];
          const auto take = [&](std::size_t thread, std::int64_t ms) {
            for (int i = 0; i < 2; ++i) {
              if (const auto id = ids.try_next_at(at(ms * 1ms))) made[thread].push_back(*id);
            }
          };
          run({[&] { take(0, 10); }, [&] { take(1, second); }});
          std::set<std::uint64_t> all;
          for (const auto& mine : made) {
            EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
            for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second);
          }
          EXPECT_EQ(all.size(), second == 11 ? 4u : 3u);
        });
    EXPECT_GT(result.orders, 1u);
  }
}

/// A millisecond later at each reading.
struct ticking_clock {
  using duration = milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ticking_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;

  time_point now() const { return time_point(milliseconds(readings.fetch_add(1))); }

  mutable interleaved_atomic<std::int64_t> readings{100};
};

/// A thread that was slow to use what it read of the clock has not seen it go back.
TEST(SnowflakeThreads, EveryOrderOfTwoThreadsAndTheirClock) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const auto result =
      quoin_test::explore({.most_runs = most_runs}, [](quoin_test::interleaver& run) {
        const ticking_clock clock;
        quoin::snowflake_generator<small, ticking_clock, quoin::no_guard, interleaved_atomic> ids(
            {.on_clock_back = clock_back::error}, clock);
        std::vector<std::uint64_t> made[2];
        const auto take = [&](std::size_t thread) {
          for (int i = 0; i < 2; ++i) made[thread].push_back(ids.try_next().value_or(0));
        };
        run({[&] { take(0); }, [&] { take(1); }});
        std::set<std::uint64_t> all{0};
        for (const auto& mine : made) {
          for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second) << id;
        }
      });
  EXPECT_GT(result.orders, 10u);
}

TEST(SnowflakeThreads, EveryOrderOfTwoThreadsAndAMark) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const manual_clock clock;
  const auto result =
      quoin_test::explore({.most_runs = most_runs}, [&](quoin_test::interleaver& run) {
        std::vector<sys_ms> disk;
        const auto save = [&](sys_ms mark) {
          disk.push_back(mark);
          return true;
        };
        quoin::snowflake_generator<small, manual_clock, decltype(save), interleaved_atomic> ids(
            {.guard_interval = 2ms}, clock, save);
        const auto take = [&](std::int64_t first) {
          for (std::int64_t ms = first; ms < first + 2; ++ms) {
            const auto id = ids.try_next_at(at(ms * 1ms));
            if (id) {
              EXPECT_LT(small::decode(*id).time, disk.back());
            } else {
              EXPECT_EQ(id.error(), id_error::guard_busy);
            }
          }
        };
        run({[&] { take(10); }, [&] { take(11); }});
        EXPECT_TRUE(std::is_sorted(disk.begin(), disk.end()));
      });
  EXPECT_GT(result.orders, 10u);
}

// --- a clock that is not read for each id ---------------------------------------------------------

using counted = quoin_test::counted_clock<milliseconds>;
template <template <class> class Atomic>
using counted_generator =
    quoin::snowflake_generator<small, counted, quoin::no_guard, Atomic, counted::ticks>;
constexpr std::int64_t window = counted::ticks::most();

std::int64_t ms_of(std::uint64_t id) { return small::decode(id).time.time_since_epoch().count(); }

TEST(SnowflakeThreads, ReadsTheClockWhenItsCounterSaysSo) {
  counted::time.store(99);
  counted_generator<interleaved_atomic> ids({.on_clock_back = clock_back::error});
  const auto ask_at = [&](std::int64_t ms) {
    counted::time.store(ms);
    const auto id = ids.try_next();
    return id ? std::to_string(ms_of(*id)) : quoin::to_text(id.error());
  };
  EXPECT_EQ(ask_at(99), early) << "nothing is given before anything was read";
  EXPECT_EQ(ask_at(100), "100");
  EXPECT_EQ(ask_at(103), "100") << "read just now";
  EXPECT_EQ(ask_at(104), "104");
  EXPECT_EQ(ask_at(103), set_back) << "the counter, too";
  EXPECT_EQ(ask_at(103), set_back) << "that reading gave nothing";
  EXPECT_EQ(ask_at(105), "104");
  EXPECT_EQ(ids.try_reserve(7)->size(), 6u) << "what is left of that millisecond";
  EXPECT_EQ(ask_at(105), "105") << "nothing is left";
  EXPECT_EQ(ids.try_reserve(7)->size(), 7u);
  EXPECT_EQ(ask_at(105), exhausted) << "says the clock";
  EXPECT_EQ(ids.try_next_at(counted::time_point(107ms)).value_or(0) >> 7, 107u);
  EXPECT_EQ(ask_at(108), "107") << "a time that was given is as good";
  EXPECT_EQ(ask_at(109), "109");
  counted::counter_is_ahead = 5;
  EXPECT_EQ(ask_at(105), "109") << "the clock was set, and the counter does not say so";
  counted::counter_is_ahead = 9;
  EXPECT_EQ(ask_at(105), set_back) << "until that is seen";
  counted::counter_is_ahead = 0;
}

/// Whatever the counter and the clock say: ids grow, and none is ahead of all that the clock ever said.
TEST(SnowflakeThreads, NeedsNoCounterToGrow) {
  std::uint64_t random = 1;
  const auto draw = [&](std::uint64_t n) {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::int64_t>((random >> 33) % n);
  };
  counted::time.store(1000);
  counted_generator<quoin::detail::plain_word> ids({.not_before = sys_ms(1000ms)});
  std::uint64_t last = 0;
  std::int64_t latest = 1000, given = 0;
  for (int i = 0; i < 50'000; ++i) {
    counted::time.store(counted::time.load() + draw(9) - (draw(2) == 0 ? 4 : 3));
    latest = std::max(latest, counted::time.load());
    counted::counter_is_ahead = draw(50) == 0 ? -(std::int64_t{1} << 62) : draw(20) - 10;
    const auto run = ids.try_reserve(1 + static_cast<std::uint64_t>(draw(4)));
    if (!run) continue;
    ASSERT_GT(run->first(), last);
    last = (*run)[run->size() - 1];
    ASSERT_LE(ms_of(last), latest);
    ++given;
  }
  counted::counter_is_ahead = 0;
  EXPECT_GT(given, 10'000);
}

/// The same with a guard that fails now and then, over restarts, with all policies: what the counter
/// saves is a reading, never a mark.
TEST(SnowflakeThreads, NeedsNoCounterForItsMarks) {
  std::uint64_t random = 2;
  const auto draw = [&](std::uint64_t n) {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::int64_t>((random >> 33) % n);
  };
  sys_ms saved, begin(1000ms);
  bool fails = false;
  const auto save = [&](sys_ms mark) {
    if (!fails) saved = mark;
    return !fails;
  };
  counted::time.store(1000);
  std::uint64_t last = 0;
  int given = 0;
  for (int life = 0; life < 200; ++life) {
    saved = sys_ms(milliseconds(INT64_MIN));
    quoin::snowflake_generator<small, counted, decltype(save), quoin::detail::plain_word,
                               counted::ticks>
        ids({.on_exhaustion = static_cast<exhaustion>(draw(3)),
             .max_lead = milliseconds(draw(20)),
             .on_clock_back = static_cast<clock_back>(draw(3)),
             .max_backward = milliseconds(draw(30)),
             .not_before = begin,
             .guard_interval = milliseconds(1 + draw(20)),
             .start_bits = static_cast<unsigned>(draw(2))},
            save);
    for (int i = 0; i < 200; ++i) {
      counted::time.store(counted::time.load() + draw(9) - (draw(2) == 0 ? 4 : 3));
      counted::counter_is_ahead = draw(50) == 0 ? -(std::int64_t{1} << 62) : draw(20) - 10;
      fails = draw(8) == 0;
      const auto run = ids.try_reserve(1 + static_cast<std::uint64_t>(draw(6)));
      if (!run) continue;
      ASSERT_GT(run->first(), last);
      last = (*run)[run->size() - 1];
      ASSERT_LT(small::decode(last).time, saved);
      ASSERT_LT(small::decode(last).time, ids.unused_from());
      ++given;
    }
    begin = draw(2) == 0 && saved > sys_ms(0ms) ? saved : ids.unused_from();
    counted::time.store(begin.time_since_epoch().count() - draw(10));
  }
  counted::counter_is_ahead = 0;
  EXPECT_GT(given, 10'000);
}

/// The system's clock and the processor's counter: an id is of a time between two readings, or of a
/// millisecond before, however long this thread is stopped anywhere.
TEST(SnowflakeThreads, TellsTheTimeByTheProcessorsCounter) {
  quoin::snowflake_generator<twitter_layout> ids({.worker = 1});
  const auto now = [] {
    return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  };
  static_cast<void>(ids.next());
  sys_ms latest = now();  // a clock that is set back meanwhile is no failure
  for (int i = 0; i < 20'000; ++i) {
    const sys_ms before = now();
    const auto id = ids.try_next();
    latest = std::max(latest, now());
    if (!id) continue;
    const sys_ms time = twitter_layout::decode(*id).time;
    ASSERT_LE(time, latest);
    ASSERT_GE(time, before - 1ms);
  }
}

/// Every order of two threads whose readings are old, and of which one lets time pass: no id is of a
/// time older than promised, nor ahead of the clock, and none is refused for want of a reading.
TEST(SnowflakeThreads, EveryOrderOfTwoThreadsAndACounter) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  for (const std::uint64_t used : {1u, 7u}) {
    for (const std::int64_t later : {3, 10}) {
      const auto result =
          quoin_test::explore({.most_runs = most_runs}, [&](quoin_test::interleaver& run) {
            counted::time.store(99);
            counted_generator<interleaved_atomic> ids({});
            counted::time.store(100);
            ASSERT_EQ(ids.try_reserve(used)->size(), used);
            counted::time.store(100 + later);
            std::vector<std::uint64_t> made[2];
            const auto take = [&](std::size_t thread) {
              const std::int64_t asked = counted::time.load();
              const auto id = ids.try_next();
              ASSERT_TRUE(id) << "of each millisecond there is enough";
              made[thread].push_back(*id);
              EXPECT_GT(ms_of(*id) + window, asked);
              EXPECT_LE(ms_of(*id), 100 + later + window);
            };
            run({[&] {
                   take(0);
                   counted::time.store(100 + later + window);
                   take(0);
                 },
                 [&] {
                   take(1);
                   take(1);
                 }});
            std::set<std::uint64_t> all;
            for (const auto& mine : made) {
              EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
              for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second);
            }
          });
      EXPECT_TRUE(result.complete || most_runs < 10'000) << "where code is slow";
      EXPECT_GT(result.orders, 10u);
    }
  }
}

/// … and a guard: none is at or beyond what was saved.
TEST(SnowflakeThreads, EveryOrderOfTwoThreadsACounterAndAMark) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const auto result = quoin_test::explore({.most_runs = most_runs}, [&](quoin_test::interleaver&
                                                                            run) {
    counted::time.store(99);
    sys_ms saved;
    const auto save = [&](sys_ms mark) {
      saved = mark;
      return true;
    };
    quoin::snowflake_generator<small, counted, decltype(save), interleaved_atomic, counted::ticks>
        ids({.guard_interval = 2ms}, save);
    counted::time.store(100);
    ASSERT_EQ(ids.try_reserve(7)->size(), 7u);
    counted::time.store(102);
    std::vector<std::uint64_t> made[2];
    const auto take = [&](std::size_t thread) {
      const auto id = ids.try_next();
      if (!id) return;
      EXPECT_LT(small::decode(*id).time, saved);
      made[thread].push_back(*id);
    };
    run({[&] {
           take(0);
           counted::time.store(106);
           take(0);
         },
         [&] {
           take(1);
           take(1);
         }});
    std::set<std::uint64_t> all;
    for (const auto& mine : made) {
      EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
      for (const std::uint64_t id : mine) EXPECT_TRUE(all.insert(id).second);
    }
  });
  EXPECT_GT(result.orders, 10u);
}

}  // namespace
