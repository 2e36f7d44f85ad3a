// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/hash.hpp>
#include <quoin/id/worker_lease.hpp>

#include "support/golden.hpp"
#include "support/hostile.hpp"
#include "support/interleave.hpp"
#include "support/lease_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::manual_clock;
using quoin::twitter_layout;
using quoin::worker_error;
using quoin::worker_record;
using std::chrono::milliseconds;
using mark = worker_record::time_point;

manual_clock::time_point at(milliseconds ms) { return manual_clock::time_point(ms); }
mark mark_at(milliseconds ms) { return mark(ms); }

/// What a request comes to.
enum class fate { done, lost, reply_lost, doubled, throws };
struct no_way {};

struct table {
  std::map<std::uint64_t, worker_record> rows;
  std::deque<fate> next;            // of requests to come; then all is well
  std::deque<worker_record> stale;  // what readings give; then what there is
  std::function<void()> meanwhile;  // once, before a record is replaced
  std::uint64_t asked = 0;
  std::vector<std::uint64_t> read;

  fate take() {
    ++asked;
    if (next.empty()) return fate::done;
    const fate f = next.front();
    next.pop_front();
    if (f == fate::throws) throw no_way();
    return f;
  }
};

/// Points to a table.
struct store {
  table* rows;

  [[nodiscard]] std::optional<worker_record> read(std::uint64_t worker) const {
    rows->read.push_back(worker);
    if (rows->take() != fate::done) return std::nullopt;
    if (rows->stale.empty()) return rows->rows[worker];
    const worker_record answer = rows->stale.front();
    rows->stale.pop_front();
    return answer;
  }
  [[nodiscard]] quoin::expected<bool, int> compare_and_set(std::uint64_t worker,
                                                           const worker_record& from,
                                                           const worker_record& to) const {
    if (rows->meanwhile) std::exchange(rows->meanwhile, nullptr)();
    const fate f = rows->take();
    if (f == fate::lost) return quoin::unexpected(1);
    const bool same = rows->rows[worker] == from;
    if (same) rows->rows[worker] = to;
    if (f == fate::reply_lost) return quoin::unexpected(1);
    return same && f != fate::doubled;
  }
};

using table_lease = quoin::worker_lease<store, manual_clock>;
const manual_clock epoch;  // all calls give their time

quoin::worker_lease_options options(std::uint64_t holder, std::uint64_t workers = 1) {
  return {.holder = holder, .workers = workers, .term = 10s, .max_clock_skew = 1s};
}

TEST(WorkerLease, TheExample) {
  table rows;
  const store my_store{&rows};
  quoin::worker_lease lease({.holder = quoin::hash{}("host", 8080), .workers = 1024}, my_store);
  ASSERT_TRUE(lease.acquire());
  EXPECT_TRUE(lease.holds());
  auto ids = quoin::leased_snowflake<twitter_layout>(lease);
  const std::uint64_t id = ids.next();
  EXPECT_EQ(twitter_layout::decode(id).worker, lease.worker());
  EXPECT_GE(twitter_layout::decode(id).time, lease.begins());
  EXPECT_LT(twitter_layout::decode(id).time, lease.ends());
  ASSERT_TRUE(lease.renew());
  EXPECT_GT(ids.next(), id);
  EXPECT_EQ(lease.release(ids.unused_from()).value(), ids.unused_from());
  EXPECT_FALSE(lease.holds());
  EXPECT_EQ(rows.rows[lease.worker()].end, ids.unused_from());
  EXPECT_FALSE(rows.rows[lease.worker()].held);
}

TEST(WorkerLease, EachFindsANumberAndAgainTheSame) {
  for (const std::uint64_t workers : {1u, 2u, 6u, 97u, 128u}) {
    table rows;
    std::deque<table_lease> all;
    std::set<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < workers; ++i) {
      all.emplace_back(options(i, workers), store{&rows}, epoch);
      numbers.insert(all.back().acquire_at(at(0s)).value());
      EXPECT_EQ(all.back().token(), 1u);
    }
    EXPECT_EQ(numbers.size(), workers);
    EXPECT_EQ(*numbers.rbegin(), workers - 1);

    table_lease another(options(workers, workers), store{&rows}, epoch);
    rows.read.clear();
    EXPECT_EQ(another.acquire_at(at(0s)).error(), worker_error::no_free_worker);
    EXPECT_EQ(rows.read.size(), workers) << "each once";
    EXPECT_EQ(std::set(rows.read.begin(), rows.read.end()).size(), workers);

    const std::uint64_t home = rows.read.front();
    const auto of_home = std::find_if(all.begin(), all.end(),
                                      [&](const table_lease& l) { return l.worker() == home; });
    ASSERT_TRUE(of_home->release());
    EXPECT_EQ(another.acquire_at(at(0s)).value(), home);
    EXPECT_EQ(another.token(), 2u);
    for (int run = 0; run < 3; ++run) {
      ASSERT_TRUE(another.release());
      table_lease again(options(workers, workers), store{&rows}, epoch);
      EXPECT_EQ(again.acquire_at(at(0s)).value(), home) << "a restart finds what it had";
      ASSERT_TRUE(again.release());
      rows.read.clear();
      ASSERT_TRUE(another.acquire_at(at(0s)));
      EXPECT_EQ(rows.read.front(), home) << "and so does a search that begins anew";
    }
  }
}

TEST(WorkerLease, OneCallAsksABoundedNumberOfTimes) {
  table rows;
  for (std::uint64_t w = 0; w < 100; ++w) rows.rows[w] = {1, 1, 1, mark_at(1h), true};
  auto few = options(7, 100);
  few.max_probes = 16;
  table_lease l(few, store{&rows}, epoch);
  rows.rows.erase(99);
  std::uint64_t calls = 1;
  while (l.acquire_at(at(0s)).value_or(0) != 99) {
    EXPECT_LE(rows.asked, 16 * calls) << "goes on where it was";
    ASSERT_LT(++calls, 8u);
  }
  // All are free, and each is lost to another.
  for (auto& [worker, row] : rows.rows) row = {};
  table_lease unlucky(few, store{&rows}, epoch);
  rows.asked = 0;
  for (int i = 0; i < 16; ++i)
    rows.next.insert(rows.next.end(), {fate::done, fate::lost, fate::done});
  EXPECT_EQ(unlucky.acquire_at(at(0s)).error(), worker_error::no_free_worker);
  EXPECT_EQ(rows.asked, 48u);
}

TEST(WorkerLease, OthersWaitForTheEndAndWhatClocksMayDiffer) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch), b(options(2), store{&rows}, epoch);
  ASSERT_TRUE(a.acquire_at(at(100s)));
  EXPECT_EQ(a.begins(), mark_at(100s));
  EXPECT_EQ(a.ends(), mark_at(110s));
  EXPECT_EQ(a.when_to_renew(), mark_at(100s + 3333ms));
  EXPECT_TRUE(a.holds_at(at(110s) - 1ns));
  EXPECT_FALSE(a.holds_at(at(110s)));
  EXPECT_EQ(b.acquire_at(at(111s) - 1ns).error(), worker_error::no_free_worker);
  EXPECT_FALSE(b.holds_at(at(0s)));
  EXPECT_EQ(b.acquire_at(at(111s)).value(), 0u);
  EXPECT_EQ(b.begins(), mark_at(110s)) << "where the other may have come";
  EXPECT_EQ(b.token(), a.token() + 1);
  EXPECT_EQ(a.renew_at(at(111s)).error(), worker_error::lost);
  EXPECT_FALSE(a.holds_at(at(100s)));
  EXPECT_EQ(a.renew_at(at(111s)).error(), worker_error::not_held);
  EXPECT_EQ(a.release().error(), worker_error::not_held);
  // What they may differ by is rounded up.
  rows.rows[0] = {1, 1, 1, mark_at(110s), true};
  auto close = options(3);
  close.max_clock_skew = 1ns;
  table_lease c(close, store{&rows}, epoch);
  EXPECT_EQ(c.acquire_at(at(110s)).error(), worker_error::no_free_worker);
  EXPECT_TRUE(c.acquire_at(at(110s + 1ms)));
}

TEST(WorkerLease, IsRenewed) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch), b(options(2), store{&rows}, epoch);
  EXPECT_EQ(a.renew_at(at(0s)).error(), worker_error::not_held);
  ASSERT_TRUE(a.acquire_at(at(100s)));
  const std::uint64_t token = a.token();
  ASSERT_TRUE(a.renew_at(at(104s)));
  EXPECT_EQ(a.ends(), mark_at(114s));
  EXPECT_EQ(a.begins(), mark_at(100s));
  EXPECT_EQ(b.acquire_at(at(112s)).error(), worker_error::no_free_worker);
  // By a clock that went back there is nothing to do.
  const std::uint64_t asked = rows.asked;
  ASSERT_TRUE(a.renew_at(at(50s)));
  EXPECT_EQ(a.ends(), mark_at(114s));
  EXPECT_EQ(rows.asked, asked);
  // After the end, too, where nobody else came.
  ASSERT_TRUE(a.acquire_at(at(500s)));
  EXPECT_EQ(a.ends(), mark_at(510s));
  EXPECT_EQ(a.token(), token);
}

TEST(WorkerLease, RepliesThatAreLostAreFoundInTheStore) {
  for (const fate f : {fate::reply_lost, fate::doubled}) {
    table rows;
    rows.next = {fate::done, f};
    table_lease a(options(1), store{&rows}, epoch);
    EXPECT_TRUE(a.acquire_at(at(100s)));
    rows.next = {f};
    EXPECT_TRUE(a.renew_at(at(105s)));
    EXPECT_EQ(a.ends(), mark_at(115s));
    rows.next = {f};
    EXPECT_EQ(a.release().value(), mark_at(100s));
    EXPECT_FALSE(rows.rows[0].held);
  }
}

TEST(WorkerLease, WhatIsUnclearIsSettledByTheNextCall) {
  table rows;
  table_lease a(options(1, 8), store{&rows}, epoch);
  rows.next = {fate::done, fate::reply_lost, fate::lost};
  EXPECT_EQ(a.acquire_at(at(100s)).error(), worker_error::store_failed);
  EXPECT_FALSE(a.holds_at(at(100s)));
  rows.next = {fate::lost};
  EXPECT_EQ(a.acquire_at(at(101s)).error(), worker_error::store_failed);
  EXPECT_TRUE(a.acquire_at(at(102s)));
  EXPECT_EQ(a.begins(), mark_at(100s)) << "nothing was made by anybody since";
  EXPECT_EQ(a.ends(), mark_at(112s));
  EXPECT_EQ(rows.rows.size(), 1u);
  // A renewal.
  rows.next = {fate::reply_lost, fate::lost};
  EXPECT_EQ(a.renew_at(at(105s)).error(), worker_error::store_failed);
  EXPECT_EQ(a.ends(), mark_at(112s)) << "not known yet";
  EXPECT_TRUE(a.renew_at(at(103s))) << "by a clock that went back meanwhile";
  EXPECT_EQ(a.ends(), mark_at(115s)) << "and a mark never does";
  // A release, by one who cannot come back to it.
  rows.next = {fate::lost, fate::lost};
  EXPECT_EQ(a.release().error(), worker_error::store_failed);
  EXPECT_EQ(a.renew_at(at(106s)).error(), worker_error::not_held);
  EXPECT_TRUE(rows.rows[a.worker()].held);
  // One that is not known to be held is released when that is known.
  rows.rows.clear();
  table_lease b(options(2, 8), store{&rows}, epoch);
  rows.next = {fate::done, fate::reply_lost, fate::lost, fate::lost};
  EXPECT_EQ(b.acquire_at(at(100s)).error(), worker_error::store_failed);
  EXPECT_EQ(b.release().error(), worker_error::store_failed);
  EXPECT_TRUE(b.release());
}

TEST(WorkerLease, ARecordThatCannotBeReadStopsNobodyForGood) {
  table rows;
  table_lease a(options(1, 8), store{&rows}, epoch);
  rows.next = {fate::lost};
  EXPECT_EQ(a.acquire_at(at(0s)).error(), worker_error::store_failed);
  EXPECT_TRUE(a.acquire_at(at(0s)));
  ASSERT_EQ(rows.read.size(), 2u);
  EXPECT_NE(rows.read[0], rows.read[1]);
}

TEST(WorkerLease, WhatTheStoreThrowsPassesThrough) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch);
  rows.next = {fate::done, fate::throws};
  EXPECT_THROW(static_cast<void>(a.acquire_at(at(0s))), no_way);
  EXPECT_FALSE(a.holds_at(at(0s)));
  EXPECT_TRUE(a.acquire_at(at(0s)));
  rows.next = {fate::throws};
  EXPECT_THROW(static_cast<void>(a.renew_at(at(1s))), no_way);
  EXPECT_TRUE(a.holds_at(at(9s)));
  EXPECT_TRUE(a.renew_at(at(1s)));
  rows.next = {fate::throws};
  EXPECT_THROW(static_cast<void>(a.release()), no_way);
  EXPECT_EQ(a.renew_at(at(2s)).error(), worker_error::not_held);
}

// Two of one name write the same token at the same time; one is told nothing.
TEST(WorkerLease, ANamesakesRecordIsNotOnesOwn) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch), b(options(1), store{&rows}, epoch);
  rows.meanwhile = [&] {
    EXPECT_TRUE(b.acquire_at(at(0s)));
    rows.next = {fate::lost};
  };
  EXPECT_EQ(a.acquire_at(at(0s)).error(), worker_error::no_free_worker);
  EXPECT_TRUE(b.holds_at(at(0s)));
  EXPECT_NE(rows.rows[0].incarnation, 0u);
}

// Two attempts in one millisecond, with stale readings: what the first one wrote has another beginning.
TEST(WorkerLease, AnEarlierAttemptIsNotTheLastOne) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch), b(options(2), store{&rows}, epoch);
  ASSERT_TRUE(b.acquire_at(at(100s)));
  const worker_record first = rows.rows[0];
  ASSERT_TRUE(b.renew_at(at(130s)));
  ASSERT_TRUE(b.release(mark_at(130s + 1ms)));
  const worker_record last = rows.rows[0];
  rows.next = {fate::done, fate::reply_lost};
  rows.stale = {last, last};
  EXPECT_EQ(a.acquire_at(at(130s)).error(), worker_error::no_free_worker);
  EXPECT_TRUE(rows.rows[0].held);
  rows.stale = {first};
  EXPECT_TRUE(!a.acquire_at(at(130s)) || a.begins() >= last.end);
  EXPECT_TRUE(a.acquire_at(at(142s)));
  EXPECT_EQ(a.begins(), mark_at(140s));
}

TEST(WorkerLease, TokensGrow) {
  table rows;
  table_lease a(options(1), store{&rows}, epoch), b(options(2), store{&rows}, epoch);
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    for (table_lease* const l : {&a, &b}) {
      ASSERT_TRUE(l->acquire_at(at(1000s)));
      EXPECT_EQ(l->token(), last == 0 ? 1'000'000 : last + 1);
      last = l->token();
      ASSERT_TRUE(l->release());
    }
  }
  rows.rows.clear();  // and in a store that has forgotten, by the clock
  ASSERT_TRUE(a.acquire_at(at(1001s)));
  EXPECT_GT(a.token(), last);
  // The last one is given to nobody.
  rows.rows[0] = {worker_record::last_token - 1, 1, 1, {}, false};
  ASSERT_TRUE(b.acquire_at(at(1002s)));
  EXPECT_EQ(b.token(), worker_record::last_token);
  ASSERT_TRUE(b.release());
  EXPECT_EQ(b.acquire_at(at(1002s)).error(), worker_error::no_free_worker);
  rows.rows.clear();
  table_lease late(options(1), store{&rows}, epoch);
  ASSERT_TRUE(late.acquire_at(manual_clock::time_point::max()));
  table_lease early(options(1), store{&rows}, epoch);
  rows.rows.clear();
  ASSERT_TRUE(early.acquire_at(manual_clock::time_point::min()));
  EXPECT_EQ(early.token(), 1u);
}

// Released by one whose clock was ahead: who would take it now had no ids for as long.
TEST(WorkerLease, ANumberThatWasUsedAheadOfTheClockIsLeftAlone) {
  table rows;
  rows.rows[0] = {5, 1, 1, mark_at(20s), false};
  auto brief = options(2);
  brief.term = 100ms;
  table_lease a(brief, store{&rows}, epoch);
  EXPECT_EQ(a.acquire_at(at(19s) - 1ns).error(), worker_error::no_free_worker);
  ASSERT_TRUE(a.acquire_at(at(19s)));
  EXPECT_EQ(a.begins(), mark_at(20s));
  EXPECT_EQ(a.ends(), mark_at(20s)) << "a mark never goes back";
  EXPECT_EQ(a.release(mark_at(1s)).value(), mark_at(20s));
}

// --- with a generator ----------------------------------------------------------------------------

using layout = twitter_layout;
constexpr milliseconds first_ms = layout::epoch().time_since_epoch();
milliseconds time_of(std::uint64_t id) {
  return layout::decode(id).time.time_since_epoch() - first_ms;
}
manual_clock::time_point in_layout(milliseconds ms) { return at(first_ms + ms); }

TEST(WorkerLease, AGeneratorMakesIdsWhileTheLeaseLasts) {
  table rows;
  manual_clock clock(in_layout(100s));
  table_lease a(options(1), store{&rows}, clock), b(options(2), store{&rows}, clock);
  ASSERT_TRUE(a.acquire());
  auto ids = quoin::leased_snowflake<layout>(a, clock);
  std::uint64_t made = 0, last = 0;
  for (milliseconds now = 100s; now < 130s; now += 10ms) {
    if (const auto id = ids.try_next_at(in_layout(now))) {
      ++made;
      last = *id;
    } else {
      EXPECT_EQ(id.error(), quoin::id_error::guard_failed);
    }
    if (now == 105s) {
      EXPECT_TRUE(a.renew_at(in_layout(now)));
    }
  }
  EXPECT_LT(time_of(last), 115s);
  EXPECT_GT(time_of(last), 115s - 1s - 11ms) << "to a guard's interval of the end";
  EXPECT_GT(made, 1390u);
  // It slept for an hour; another has the number; what it read of its clock before is still in
  // hand.
  clock.set(in_layout(3600s));
  ASSERT_TRUE(b.acquire());
  auto others = quoin::leased_snowflake<layout>(b, clock);
  EXPECT_EQ(time_of(others.try_next_at(in_layout(0s + 115s)).value()), 115s);
  EXPECT_EQ(ids.try_next().error(), quoin::id_error::guard_failed);
  const auto old = ids.try_next_at(in_layout(114s - 10ms));
  EXPECT_TRUE(!old || time_of(*old) < 115s);
  EXPECT_EQ(a.renew().error(), worker_error::lost);
  EXPECT_EQ(ids.try_next().error(), quoin::id_error::guard_failed);
  EXPECT_THROW(static_cast<void>(ids.next()), quoin::id_failure);
}

TEST(WorkerLease, WhoIsRobbedStopsWhenItLearnsSo) {
  table rows;
  manual_clock clock(in_layout(100s));
  table_lease a(options(1), store{&rows}, clock), b(options(2), store{&rows}, clock);
  ASSERT_TRUE(a.acquire());
  auto ids = quoin::leased_snowflake<layout>(a, clock);
  ASSERT_TRUE(ids.try_next_at(in_layout(100s)));
  ASSERT_TRUE(b.acquire_at(in_layout(111s))) << "by a clock that is ahead";
  EXPECT_TRUE(ids.try_next_at(in_layout(103s))) << "still before any of the other's";
  EXPECT_EQ(a.renew_at(in_layout(104s)).error(), worker_error::lost);
  EXPECT_EQ(ids.try_next_at(in_layout(105s)).error(), quoin::id_error::guard_failed);
  // Nor is a number one's own that a hand has released.
  table other;
  auto known = options(1);
  known.incarnation = 7;
  table_lease c(known, store{&other}, clock);
  ASSERT_TRUE(c.acquire());
  other.rows[0].held = false;
  EXPECT_EQ(c.renew_at(in_layout(104s)).error(), worker_error::lost);
}

TEST(WorkerLease, AReleasedNumberBeginsWhereItsIdsEnded) {
  for (const bool exactly : {false, true}) {
    table rows;
    manual_clock clock(in_layout(100s));
    table_lease a(options(1), store{&rows}, clock), b(options(2), store{&rows}, clock);
    ASSERT_TRUE(a.acquire());
    EXPECT_EQ(a.begins(), mark_at(first_ms + 100s));
    auto ids = quoin::leased_snowflake<layout>(a, clock, {.guard_interval = 400ms});
    ASSERT_TRUE(ids.try_next_at(in_layout(103s)));
    const auto unused = ids.unused_from();
    EXPECT_EQ(unused, mark_at(first_ms + 103s + 1ms));
    const mark left = (exactly ? a.release(unused) : a.release()).value();
    EXPECT_EQ(left, exactly ? unused : mark_at(first_ms + 103s + 400ms));
    ASSERT_TRUE(b.acquire_at(in_layout(103s)));
    EXPECT_EQ(b.begins(), left);
    auto others = quoin::leased_snowflake<layout>(b, clock);
    // The first generator was not told. It makes what it may, and all is before the others' ids.
    for (milliseconds now = 103s; !exactly && now < 104s; now += 1ms) {
      const auto id = ids.try_next_at(in_layout(now));
      EXPECT_EQ(id.has_value(), now < 103s + 400ms);
    }
    EXPECT_EQ(time_of(others.try_next_at(in_layout(104s)).value()), 104s);
  }
}

TEST(WorkerLease, OnlyTheLastGeneratorOfALeaseIsGivenMarks) {
  table rows;
  manual_clock clock(in_layout(100s));
  table_lease a(options(1), store{&rows}, clock);
  EXPECT_THROW(static_cast<void>(quoin::leased_snowflake<layout>(a, clock)), std::invalid_argument);
  ASSERT_TRUE(a.acquire());
  auto first = quoin::leased_snowflake<layout>(a, clock);
  const std::uint64_t id = first.try_next().value();
  auto second = quoin::leased_snowflake<layout>(a, clock);
  EXPECT_EQ(second.try_next().error(), quoin::id_error::too_early) << "the first may come here";
  EXPECT_TRUE(first.try_next());
  EXPECT_EQ(first.try_next_at(in_layout(102s)).error(), quoin::id_error::guard_failed);
  EXPECT_GT(second.try_next_at(in_layout(102s)).value(), id);
  // Nor does the next lease permit them any.
  ASSERT_TRUE(a.release());
  ASSERT_TRUE(a.acquire_at(in_layout(103s)));
  EXPECT_EQ(second.try_next_at(in_layout(106s)).error(), quoin::id_error::guard_failed);
  auto third = quoin::leased_snowflake<layout>(a, clock);
  EXPECT_TRUE(third.try_next_at(in_layout(106s)));
}

TEST(WorkerLease, ATermIsNotShorterThanWhatMarksAreMadeOf) {
  using in_seconds = quoin::hosted_counter_layout<0, std::chrono::seconds>;
  for (const milliseconds term : {7999ms, 8000ms}) {
    table rows;
    manual_clock clock(at(100s));
    table_lease a({.holder = 1, .workers = 1, .term = term}, store{&rows}, clock);
    ASSERT_TRUE(a.acquire());
    quoin::snowflake_options made;
    if (term < 8s) {
      EXPECT_THROW(static_cast<void>(a.guard<in_seconds>(made)), std::invalid_argument);
    } else {
      EXPECT_NO_THROW(static_cast<void>(a.guard<in_seconds>(made)));
    }
    EXPECT_NO_THROW(static_cast<void>(a.guard<layout>(made)));
  }
}

TEST(WorkerLease, LargeNumbersAreTheDatacentersToo) {
  using original = quoin::twitter_original_layout;
  std::set<std::uint64_t> makers;
  table rows;
  manual_clock clock(at(original::epoch().time_since_epoch() + 100s));
  for (std::uint64_t i = 0; i < 1024; ++i) {
    table_lease l(options(i, 1024), store{&rows}, clock);
    ASSERT_TRUE(l.acquire());
    auto ids = quoin::leased_snowflake<original>(l, clock);
    const auto made = original::decode(ids.try_next_at(clock.now() + 1s).value());
    makers.insert(made.datacenter << 5 | made.worker);
    EXPECT_EQ(made.datacenter << 5 | made.worker, l.worker());
  }
  EXPECT_EQ(makers.size(), 1024u);
  // Few numbers leave the datacenter to the caller.
  table here;
  table_lease few(options(1, 32), store{&here}, clock);
  ASSERT_TRUE(few.acquire());
  auto ids = quoin::leased_snowflake<original>(few, clock, {.datacenter = 3});
  EXPECT_EQ(original::decode(ids.try_next_at(clock.now() + 1s).value()).datacenter, 3u);
  table_lease many(options(1, 1025), store{&here}, clock);
  while (!many.acquire()) clock.advance(1s);
  EXPECT_THROW(static_cast<void>(quoin::leased_snowflake<original>(many, clock)),
               std::invalid_argument);
}

TEST(WorkerLease, AStoreThatMayForgetIsWaitedFor) {
  table rows;
  manual_clock clock(in_layout(100s));
  auto careful = options(1);
  careful.store_may_forget = true;
  table_lease a(careful, store{&rows}, clock);
  careful.holder = 2;
  table_lease b(careful, store{&rows}, clock);
  EXPECT_EQ(a.acquire().error(), worker_error::too_early);
  EXPECT_EQ(a.begins(), mark_at(first_ms + 111s));
  EXPECT_EQ(a.ends(), a.begins());
  clock.advance(10s);
  ASSERT_TRUE(a.renew());
  EXPECT_EQ(a.ends(), mark_at(first_ms + 120s));
  rows.rows.clear();
  clock.advance(5s);
  ASSERT_TRUE(a.renew()) << "nobody has it: it is written anew";
  EXPECT_EQ(rows.rows[0].end, mark_at(first_ms + 125s));
  // And if somebody has, ids begin after those of the one who was forgotten.
  rows.rows.clear();
  EXPECT_EQ(b.acquire().error(), worker_error::too_early);
  EXPECT_GE(b.begins(), a.ends() + 1s);
  clock.advance(1s);
  EXPECT_EQ(a.renew().error(), worker_error::lost);
  // Only while the lease lasts: later it may have forgotten another who came and is not done.
  clock.advance(9s);
  ASSERT_TRUE(b.renew());
  rows.rows.clear();
  clock.advance(10s);
  EXPECT_EQ(b.renew().error(), worker_error::lost);
  // Tokens grow also where the last writings are lost.
  const worker_record long_ago{5, 1, 1, mark_at(0s), false};
  std::uint64_t last = b.token();
  for (table_lease* const l : {&a, &b, &a}) {
    rows.rows[0] = long_ago;
    clock.advance(1ms);
    EXPECT_EQ(l->acquire().error(), worker_error::too_early);
    EXPECT_GT(l->token(), last);
    last = l->token();
    if (l == &a) {
      ASSERT_TRUE(a.release());
    }
  }
  clock.advance(5s);
  EXPECT_EQ(b.renew().error(), worker_error::lost);
}

/// Two makers and a store that may forget.
struct forgetful {
  table rows;
  manual_clock clock{in_layout(100s)};
  table_lease a{careful(1), store{&rows}, clock}, b{careful(2), store{&rows}, clock};

  static quoin::worker_lease_options careful(std::uint64_t holder) {
    auto o = options(holder);
    o.store_may_forget = true;
    return o;
  }
  static void take(table_lease& l) { EXPECT_EQ(l.acquire().error(), worker_error::too_early); }
};

TEST(WorkerLease, OfAStoreThatMayForgetAnEndIsForGood) {
  for (const bool asks_before : {false, true}) {
    forgetful w;
    forgetful::take(w.a);
    w.clock.advance(10s);
    ASSERT_TRUE(w.a.renew());
    const auto others = [&] {  // take the number, and are forgotten
      const worker_record before = w.rows.rows[0];
      w.clock.advance(11s);
      forgetful::take(w.b);
      w.clock.advance(9s);
      ASSERT_TRUE(w.b.renew());
      w.rows.rows[0] = before;
    };
    if (asks_before) {
      w.clock.advance(9s);
      w.rows.meanwhile = others;
    } else {
      others();
    }
    EXPECT_EQ(w.a.renew().error(), worker_error::lost);
    EXPECT_FALSE(w.a.holds());
    w.clock.advance(1s);
    EXPECT_TRUE(w.b.renew()) << "writes its record again";
    EXPECT_EQ(w.rows.rows[0].token, w.b.token());
  }
}

// Why a store may not forget twice in a term: who lasts through both has ids when the next one has.
TEST(WorkerLease, AStoreThatForgetsTooOftenHasIdsMadeTwice) {
  forgetful w;
  forgetful::take(w.a);
  w.clock.advance(10s);
  ASSERT_TRUE(w.a.renew());
  w.rows.rows.clear();
  forgetful::take(w.b);
  w.clock.advance(4s);
  ASSERT_TRUE(w.b.renew());
  w.rows.rows.clear();
  w.clock.advance(1s);
  ASSERT_TRUE(w.a.renew());
  auto ids = quoin::leased_snowflake<layout>(w.a, w.clock);
  auto others = quoin::leased_snowflake<layout>(w.b, w.clock);
  w.clock.advance(7s);
  EXPECT_EQ(time_of(ids.try_next().value()), time_of(others.try_next().value()));
}

TEST(WorkerLease, IdsBeginATermAfterTheStoreHasTheRecord) {
  for (const bool heard : {true, false}) {
    forgetful w;
    const auto others = [&] {
      forgetful::take(w.b);
      w.clock.advance(10s);
      ASSERT_TRUE(w.b.renew());
      w.rows.rows.clear();
      if (!heard) w.rows.next = {fate::reply_lost, fate::lost};
    };
    w.rows.meanwhile = others;
    EXPECT_EQ(w.a.acquire().error(), heard ? worker_error::too_early : worker_error::store_failed);
    EXPECT_EQ(w.a.acquire().error(), worker_error::too_early);
    EXPECT_GE(w.a.begins(), w.b.ends() + 1s);
  }
}

// The header's example, where a number's ids begin later than `next` waits.
TEST(WorkerLease, IsAcquiredWhenItsIdsBegin) {
  for (const bool forgets : {false, true}) {
    table rows;
    manual_clock clock(in_layout(100s));
    if (!forgets) rows.rows[0] = {5, 1, 1, mark_at(first_ms + 130s), false};
    table_lease a({.holder = 1,
                   .workers = 1,
                   .term = 29s,
                   .max_clock_skew = 30s * (forgets ? 0 : 1),
                   .store_may_forget = forgets},
                  store{&rows}, clock);
    int asked = 0;
    for (quoin::expected<std::uint64_t, worker_error> is = a.acquire(); !is; is = a.acquire()) {
      EXPECT_EQ(is.error(), worker_error::too_early);
      ASSERT_LT(++asked, 40);
      clock.advance(1s);
    }
    EXPECT_EQ(asked, forgets ? 28 : 29) << "up to a second `next` waits";
    auto ids = quoin::leased_snowflake<layout>(a, clock);
    clock.advance(1s);
    EXPECT_EQ(time_of(ids.next()), forgets ? 129s : 130s);
    EXPECT_TRUE(a.holds());
  }
}

TEST(WorkerLease, RefusesWrongOptions) {
  const auto make = [](const quoin::worker_lease_options& o) {
    table_lease(o, store{nullptr}, epoch);
  };
  EXPECT_NO_THROW(make({.workers = std::uint64_t{1} << 32, .term = 10ms, .max_clock_skew = 0ns}));
  EXPECT_THROW(make({.workers = 0}), std::invalid_argument);
  EXPECT_THROW(make({.workers = (std::uint64_t{1} << 32) + 1}), std::invalid_argument);
  EXPECT_THROW(make({.workers = 1, .term = 10ms - 1ns}), std::invalid_argument);
  EXPECT_THROW(make({.workers = 1, .term = -1h}), std::invalid_argument);
  EXPECT_THROW(make({.workers = 1, .term = std::chrono::nanoseconds::max()}),
               std::invalid_argument);
  EXPECT_THROW(make({.workers = 1, .max_clock_skew = -1ns}), std::invalid_argument);
  EXPECT_THROW(make({.workers = 1, .max_probes = 0}), std::invalid_argument);
  EXPECT_NO_THROW(make({.workers = 1, .term = 9s, .max_clock_skew = 10s}));
  EXPECT_THROW(
      make({.workers = 1, .term = 9s, .max_clock_skew = 9s + 1ns, .store_may_forget = true}),
      std::invalid_argument);
  for (int e = 1; e <= 5; ++e) EXPECT_STRNE(to_text(static_cast<worker_error>(e)), "unknown");
  EXPECT_STREQ(to_text(worker_error{}), "unknown");
}

// --- bytes ---------------------------------------------------------------------------------------

const worker_record held{0x0102030405060708, 0x1112131415161718, 0x2122232425262728,
                         mark_at(1735689600123ms), true};

TEST(WorkerLease, ARecordHasItsBytes) {
  for (const bool is_held : {true, false}) {
    worker_record r = held;
    r.held = is_held;
    if (!is_held) r.end = mark_at(-1ms);
    const auto bytes = r.to_bytes();
    static_assert(bytes.size() == 48 && bytes.size() == worker_record::serialized_size);
    quoin_test::expect_golden(is_held ? "worker_record_held.bin" : "worker_record_released.bin",
                              bytes);
    EXPECT_EQ(worker_record::from_bytes(bytes).value(), r);
    const auto refused = [](std::span<const std::byte> damaged) {
      EXPECT_FALSE(worker_record::from_bytes(damaged));
    };
    quoin_test::for_each_truncation(bytes, refused);
    quoin_test::for_each_bit_flip(bytes, refused);
    std::vector<std::byte> longer(bytes.begin(), bytes.end());
    longer.push_back(std::byte{0});
    refused(longer);
  }
  const auto refusal = [](const worker_record& r) {
    return worker_record::from_bytes(r.to_bytes()).error();
  };
  EXPECT_EQ(refusal(worker_record()).position(), 8u);
  worker_record wrong = held;
  wrong.token = worker_record::last_token + 1;
  EXPECT_EQ(refusal(wrong).position(), 8u);
  wrong = held;
  wrong.incarnation = 0;
  EXPECT_EQ(refusal(wrong).position(), 24u);
  std::vector<std::byte> flags(48);
  quoin::detail::frame_writer out(flags, {0x0801, 1, 2}, 32);
  for (const std::uint64_t word : {1u, 2u, 3u, 4u}) out.put(word);
  out.finish();
  EXPECT_EQ(worker_record::from_bytes(flags).error().position(), 5u);
}

// --- threads -------------------------------------------------------------------------------------

using quoin_test::interleaved_atomic;

/// A generator's mark against the beginning of another use.
TEST(WorkerLease, EveryOrderOfAMarkAndANewUse) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  int permitted = 0, refused = 0;
  const auto result = quoin_test::explore(
      {.spurious_failures = 1, .most_runs = 20'000}, [&](quoin_test::interleaver& run) {
        quoin::detail::lease_cover<interleaved_atomic> cover;
        cover.take(100, 200);
        const std::uint64_t use = cover.begin_use();
        bool may = false, may_too = false;
        std::int64_t begin = 0;
        run({[&] { may = cover.permit(use, 150); }, [&] { may_too = cover.permit(use, 140); },
             [&] {
               cover.begin_use();
               begin = cover.given();
             }});
        EXPECT_TRUE(!may || begin >= 150);
        EXPECT_TRUE(!may_too || begin >= 140);
        ++(may ? permitted : refused);
        EXPECT_FALSE(cover.permit(use, 150));
      });
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.orders, 10u);
  EXPECT_GT(permitted, 0);
  EXPECT_GT(refused, 0);
}
/// … against the end of the lease and the beginning of another.
TEST(WorkerLease, EveryOrderOfAMarkAndAnotherLease) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const auto result = quoin_test::explore({.most_runs = 20'000}, [](quoin_test::interleaver& run) {
    quoin::detail::lease_cover<interleaved_atomic> cover;
    cover.take(100, 200);
    const std::uint64_t use = cover.begin_use();
    bool may = false, beyond = false;
    std::int64_t released = 0;
    run({[&] {
           may = cover.permit(use, 150);
           beyond = cover.permit(use, 250);
         },
         [&] {
           cover.stop();
           released = cover.given();
           cover.take(released, 300);
           cover.extend(400);
         }});
    EXPECT_TRUE(!may || released >= 150);
    EXPECT_FALSE(beyond);
  });
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.orders, 5u);
}

/// … of another number, which begins earlier, is used, and ends.
TEST(WorkerLease, EveryOrderOfAMarkAndAnEarlierLease) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  const auto result = quoin_test::explore({.spurious_failures = 1, .most_runs = 20'000},
                                          [](quoin_test::interleaver& run) {
                                            quoin::detail::lease_cover<interleaved_atomic> cover;
                                            cover.take(100, 200);
                                            const std::uint64_t use = cover.begin_use();
                                            bool may = false, next_may = false;
                                            std::int64_t begin = 0, released = 0, next_released = 0;
                                            run({[&] { may = cover.permit(use, 150); },
                                                 [&] {
                                                   cover.stop();
                                                   released = cover.given();
                                                   cover.take(50, 300);
                                                   const std::uint64_t next = cover.begin_use();
                                                   begin = cover.given();
                                                   next_may = cover.permit(next, 120);
                                                   cover.stop();
                                                   next_released = cover.given();
                                                 }});
                                            EXPECT_TRUE(!may || released >= 150);
                                            EXPECT_GE(begin, 50);
                                            EXPECT_TRUE(next_may);
                                            EXPECT_GE(next_released, 120);
                                          });
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.orders, 100u);
}

TEST(WorkerLease, ThreadsAndRealTime) {
  table rows;
  std::mutex mutex;
  struct locked {
    store to;
    std::mutex* mutex;
    [[nodiscard]] std::optional<worker_record> read(std::uint64_t worker) const {
      const std::lock_guard lock(*mutex);
      return to.read(worker);
    }
    [[nodiscard]] std::optional<bool> compare_and_set(std::uint64_t worker,
                                                      const worker_record& from,
                                                      const worker_record& to_write) const {
      const std::lock_guard lock(*mutex);
      return to.compare_and_set(worker, from, to_write).value();
    }
  };
  constexpr std::size_t makers = 3;
  std::vector<std::uint64_t> made[makers];
  const auto make = [&](std::size_t me) {
    for (int life = 0; life < 4; ++life) {
      quoin::worker_lease lease({.holder = me, .workers = 2, .term = 40ms, .max_clock_skew = 0ns},
                                locked{{&rows}, &mutex});
      for (int i = 0; i < 400 && !lease.acquire(); ++i) std::this_thread::sleep_for(1ms);
      if (!lease.holds()) continue;
      auto ids = quoin::leased_snowflake<layout>(lease);
      std::thread renewer([&] {  // two go on, one is let to end
        for (int i = 0; i < 4; ++i) {
          std::this_thread::sleep_for(5ms);
          if (me != 0) static_cast<void>(lease.renew());
        }
      });
      for (int i = 0; i < 25; ++i) {
        for (int k = 0; k < 100; ++k) {
          if (const auto id = ids.try_next()) made[me].push_back(*id);
        }
        std::this_thread::sleep_for(1ms);
      }
      renewer.join();
      if (life % 2 == 0) static_cast<void>(lease.release(ids.unused_from()));
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < makers; ++i) threads.emplace_back(make, i);
  for (auto& t : threads) t.join();
  std::vector<std::uint64_t> all;
  for (const auto& m : made) all.insert(all.end(), m.begin(), m.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_FALSE(all.empty());
}

// --- everything that may go wrong ----------------------------------------------------------------

/// Numbers that look like chance: the splitmix64 of Steele, Lea and Flood.
struct chance {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t below) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
  }
};

struct totals {
  std::uint64_t ids = 0, overlaps = 0, settled = 0, lost = 0, taken_over = 0, released = 0,
                refused = 0;
};

totals run_worlds(const quoin_test::lease_world_options& base, std::uint64_t seed) {
  totals sum;
  for (unsigned run = 0; run < 100; ++run) {
    quoin_test::lease_world_options options = base;
    options.workers = 1 + run % 8;
    options.holders = 2 + run / 8 % 6;
    options.faults = run % 3 * base.faults;
    quoin_test::lease_world world(options, chance{seed + run});
    for (int i = 0; i < 600 && world.broken() == nullptr; ++i) world.step();
    EXPECT_EQ(world.broken(), nullptr) << world.broken() << " in run " << run;
    EXPECT_TRUE(world.recovers()) << run;
    EXPECT_EQ(world.broken(), nullptr) << world.broken() << " at last in run " << run;
    const auto& seen = world.seen();
    sum.ids += world.ids();
    sum.overlaps += world.overlaps();
    sum.settled += seen.settled;
    sum.lost += seen.lost;
    sum.taken_over += seen.taken_over;
    sum.released += seen.released;
    sum.refused += seen.refused;
    if (testing::Test::HasFailure()) break;
  }
  // Without these it was no test.
  for (const std::uint64_t n :
       {sum.ids / 3, sum.settled, sum.lost, sum.taken_over, sum.released, sum.refused}) {
    EXPECT_GT(n, 1000u);
  }
  return sum;
}

TEST(WorkerLease, NoIdIsMadeTwiceAndNoNumberHeldByTwo) {
  EXPECT_EQ(run_worlds({}, 1000).overlaps, 0u);
}

TEST(WorkerLease, NoIdIsMadeTwiceByClocksThatAreWrong) {
  const totals wrong = run_worlds({.clock_error = 2000}, 2000);
  EXPECT_GT(wrong.overlaps, 0u) << "this is what max_clock_skew is for, and all that it is for";
  run_worlds({.skew = 0, .clock_error = 40}, 3000);
}

TEST(WorkerLease, NoIdIsMadeTwiceThoughTheStoreForgets) { run_worlds({.forgets = true}, 4000); }

}  // namespace
