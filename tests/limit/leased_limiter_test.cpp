// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/lease_pool.hpp>
#include <quoin/limit/leased_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::decision;
using quoin::lease_grant;
using quoin::lease_request;
using quoin::leased_limiter_options;
using quoin::limit_reason;
using quoin::manual_clock;
using quoin::never;
using limiter = quoin::leased_limiter<manual_clock>;
using pool = quoin::lease_pool<manual_clock>;
using time_point = manual_clock::time_point;

static_assert(quoin::limiter<limiter>);
static_assert(quoin::limiter<quoin::leased_limiter<>>);

constexpr time_point at(std::chrono::nanoseconds time) { return time_point(time); }

TEST(leased_limiter, refuses_options_out_of_range) {
  const auto fails = [](const leased_limiter_options& options) {
    EXPECT_THROW(quoin::leased_limiter<>{options}, std::invalid_argument);
  };
  fails({.max_wanted = 0});
  fails({.max_wanted = (std::uint64_t{1} << 58) + 1});
  fails({.interval = 999ns});
  fails({.fallback = {1, 0s}});
}

TEST(leased_limiter, asks_when_it_lacks_and_spends_what_it_is_given) {
  manual_clock clock;
  limiter one({.node = 5}, clock);
  EXPECT_FALSE(one.due_at(at(0s))) << "nobody asked for anything";
  decision d = one.try_acquire(2);
  EXPECT_FALSE(d.allowed);
  EXPECT_EQ(d.reason, limit_reason::limited);
  ASSERT_TRUE(one.due_at(at(0s)));
  EXPECT_EQ(one.request_at(at(0s)), (lease_request{5, 0, 1, 0, 0, 4, 2}));
  EXPECT_FALSE(one.due_at(at(99ms)));
  EXPECT_TRUE(one.granted_at(at(2ms), {5, 3, 1, 4, 2s, 100ms}));
  EXPECT_FALSE(one.granted_at(at(2ms), {5, 3, 1, 4, 2s, 100ms})) << "doubled";
  EXPECT_FALSE(one.granted_at(at(2ms), {5, 3, 2, 9, 2s, 100ms})) << "never asked";
  EXPECT_EQ(one.peek_at(at(2ms), 4).remaining, 4u);
  d = one.try_acquire_at(at(2ms), 3);
  EXPECT_TRUE(d);
  EXPECT_EQ(d.remaining, 1u);
  EXPECT_EQ(d.limit, std::uint64_t{1} << 32) << "no pool has said that it has less";
  EXPECT_FALSE(one.due_at(at(12ms))) << "an eighth of an interval";
  ASSERT_TRUE(one.due_at(at(13ms)));
  // 3 in 25 ms are 12.24 in 102 ms.
  EXPECT_EQ(one.request_at(at(25ms)), (lease_request{5, 3, 2, 3, 0, 26}));
  EXPECT_FALSE(one.granted_at(at(26ms), {})) << "to no request";
  one.granted_at(at(26ms), {5, 3, 2, 28, 2s, 100ms});
  EXPECT_EQ(one.held_at(at(26ms)), 25u);
  EXPECT_EQ(one.acquire_up_to_at(at(26ms), 30), 25u);
  one.refund_at(at(26ms), 9);
  EXPECT_EQ(one.held_at(at(26ms)), 9u);
  one.refund_at(at(26ms), 90);
  EXPECT_EQ(one.held_at(at(26ms)), 25u) << "what was reported is gone";
  EXPECT_EQ(one.try_acquire_at(at(26ms), 0).remaining, 25u);
}

TEST(leased_limiter, wants_less_when_it_is_quiet) {
  manual_clock clock;
  limiter one({.node = 5}, clock);
  pool p({.rate = quoin::per_second(1000)}, clock);
  EXPECT_FALSE(one.try_acquire(8));
  std::uint64_t messages = 0;
  for (int ms = 0; ms < 20'000; ++ms, clock.advance(1ms)) {
    if (!one.due_at(clock.now())) continue;
    ++messages;
    one.granted_at(clock.now(), p.grant(one.request_at(clock.now())));
    EXPECT_EQ(p.leased(), one.held_at(clock.now()));
    EXPECT_EQ(p.leased(), 32u >> messages) << "16 at first";
  }
  EXPECT_EQ(messages, 6u);
  p.advance_to(clock.now());
  EXPECT_EQ(p.nodes(), 0u);
  EXPECT_EQ(p.lapsed(), 0u);
}

TEST(leased_limiter, holds_nothing_after_its_lease) {
  manual_clock clock(at(50ms));
  limiter one({.node = 5, .max_wanted = 100}, clock);
  const lease_request request = one.request_at(at(10ms));
  EXPECT_EQ(request.sequence, 1u);
  one.granted_at(at(50ms), {5, 1, 1, 10, 100ms, 10ms});
  EXPECT_TRUE(one.try_acquire_at(at(110ms) - 1ns)) << "from when it was asked for";
  EXPECT_EQ(one.held_at(at(110ms)), 0u);
  const decision d = one.try_acquire_at(at(110ms));
  EXPECT_FALSE(d);
  EXPECT_EQ(d.remaining, 0u);
  EXPECT_EQ(d.retry_after, 25ms) << "as long as the answer took, at most a quarter of the lease";
  EXPECT_EQ(one.time_until_at(at(110ms), 101), never);
  EXPECT_EQ(one.peek_at(at(110ms), 101).reason, limit_reason::cost_above_limit);
  one.request_at(at(120ms));
  one.granted_at(at(121ms), {5, 1, 2, 12, 100ms, 10ms});
  EXPECT_EQ(one.held_at(at(121ms)), 4u) << "it kept two, and got two";
}

TEST(leased_limiter, takes_answers_in_any_order) {
  manual_clock clock;
  limiter one({.node = 5}, clock);
  EXPECT_FALSE(one.try_acquire(10));
  one.request_at(at(0ms));
  one.granted_at(at(1ms), {5, 7, 1, 10, 1s, 10ms});
  one.try_acquire_at(at(1ms), 10);
  one.request_at(at(10ms));
  one.request_at(at(20ms));
  EXPECT_TRUE(one.granted_at(at(30ms), {5, 7, 3, 30, 1s, 10ms}));
  EXPECT_FALSE(one.granted_at(at(30ms), {5, 7, 2, 20, 1s, 10ms}));
  EXPECT_EQ(one.held_at(at(30ms)), 20u);
  // Another lease: only by the answer to the last request.
  one.request_at(at(40ms));
  one.request_at(at(50ms));
  const std::uint64_t held = one.held_at(at(51ms));
  EXPECT_NE(held, 0u);
  EXPECT_FALSE(one.granted_at(at(51ms), {5, 8, 4, 5, 1s, 10ms}));
  EXPECT_EQ(one.held_at(at(51ms)), held);
  EXPECT_FALSE(one.granted_at(at(51ms), {5, 8, 5, 0, 1s, 10ms})) << "a new pool that still waits";
  EXPECT_EQ(one.held_at(at(51ms)), held);
  EXPECT_TRUE(one.granted_at(at(52ms), {5, 8, 5, 5, 1s, 10ms}));
  EXPECT_EQ(one.held_at(at(52ms)), 5u);
  // Not of a lease that was dropped.
  one.request_at(at(60ms));
  one.reset();
  EXPECT_FALSE(one.granted_at(at(61ms), {5, 8, 6, 40, 1s, 10ms}));
  EXPECT_EQ(one.held_at(at(61ms)), 0u);
  EXPECT_EQ(one.request_at(at(61ms)), (lease_request{5, 0, 7, 0, 0, 0}));
  // Nor with a clock that went back.
  one.granted_at(at(62ms), {5, 9, 7, 5, 1s, 10ms});
  EXPECT_EQ(one.held_at(at(62ms)), 5u);
  EXPECT_FALSE(one.due_at(at(61ms)));
  EXPECT_TRUE(one.due_at(at(10ms)));
  EXPECT_EQ(one.request_at(at(10ms)).lease, 0u);
  EXPECT_EQ(one.held_at(at(10ms)), 0u);
}

TEST(leased_limiter, asks_ever_more_rarely_when_nobody_answers) {
  manual_clock clock;
  limiter one({.node = 5}, clock);
  std::vector<int> asked;
  for (int ms = 0; ms < 10'000; ++ms, clock.advance(1ms)) {
    EXPECT_FALSE(one.try_acquire());
    if (!one.due_at(clock.now())) continue;
    asked.push_back(ms);
    EXPECT_LE(one.request_at(clock.now()).wanted, 202u);
  }
  EXPECT_EQ(asked, (std::vector<int>{0, 100, 300, 700, 1500, 3100, 6300, 9500}));
}

TEST(leased_limiter, falls_back_while_there_is_no_lease) {
  manual_clock clock;
  limiter one({.node = 5, .fallback = quoin::per_second(10)}, clock);
  for (int i = 0; i < 10; ++i) {
    const decision d = one.try_acquire();
    EXPECT_TRUE(d);
    EXPECT_EQ(d.reason, limit_reason::soft_limit);
  }
  decision d = one.try_acquire();
  EXPECT_FALSE(d);
  EXPECT_EQ(d.retry_after, 12500us) << "an eighth of an interval: when the pool may have answered";
  EXPECT_TRUE(one.due_at(clock.now()));
  EXPECT_EQ(one.request_at(clock.now()).wanted, 22u);
  EXPECT_EQ(one.peek().retry_after, 12500us);
  one.granted_at(clock.now(), {5, 1, 1, 2, 1s, 100ms});
  EXPECT_EQ(one.try_acquire().reason, limit_reason::none);
  EXPECT_EQ(one.peek(2).reason, limit_reason::limited);
  clock.advance(1s);
  EXPECT_EQ(one.peek().reason, limit_reason::soft_limit);
  EXPECT_EQ(one.acquire_up_to(20), 10u);
}

TEST(leased_limiter, asks_at_once_if_it_may) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100)}, clock);
  limiter one({.node = 1}, clock);
  int questions = 0;
  const auto ask = [&](const lease_request& request) {
    ++questions;
    clock.advance(5ms);
    return std::optional(p.grant(request));
  };
  EXPECT_TRUE(one.try_acquire(1, ask));
  EXPECT_TRUE(one.try_acquire(1, ask));
  EXPECT_EQ(questions, 1);
  EXPECT_FALSE(one.try_acquire(1, ask)) << "not again so soon";
  EXPECT_EQ(questions, 1);
  clock.advance(25ms);
  EXPECT_FALSE(
      one.try_acquire(1, [](const lease_request&) { return std::optional<lease_grant>(); }));
  clock.advance(100ms);
  EXPECT_TRUE(one.try_acquire(1, ask));
}

TEST(leased_limiter, wants_what_a_cost_after_a_long_quiet_needs) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100)}, clock);
  limiter one({.node = 1}, clock);
  const auto ask = [&](const lease_request& request) { return std::optional(p.grant(request)); };
  for (const std::uint64_t cost : {4u, 40u, 90u, 100u}) {
    EXPECT_TRUE(one.try_acquire(cost, ask)) << cost;
    clock.advance(100s);
  }
}

TEST(leased_limiter, needs_what_it_refused_and_not_what_passed) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000)}, clock);
  limiter one({.node = 1}, clock);
  static_cast<void>(one.try_acquire_at(clock.now(), 10));
  one.granted_at(clock.now(), p.grant(one.request_at(clock.now())));
  clock.advance(1s);
  EXPECT_FALSE(one.try_acquire_at(clock.now(), 500));
  for (const std::uint64_t cost : {0u, 3u}) {
    EXPECT_EQ(one.acquire_up_to_at(clock.now(), cost), cost);
  }
  const lease_request request = one.request_at(clock.now());
  EXPECT_EQ(request.needed, 500u);
  EXPECT_GE(request.wanted, 500u);
}

TEST(leased_limiter, peeks_without_a_lease_as_it_answers) {
  manual_clock clock;
  for (const std::uint64_t fallback : {0u, 5u}) {
    limiter one({.node = 1, .fallback = quoin::per_second(fallback)}, clock);
    for (const std::uint64_t cost : {0u, 5u, 6u}) {
      const decision peeked = one.peek_at(clock.now(), cost);
      const decision answered = one.try_acquire_at(clock.now(), cost);
      EXPECT_EQ(peeked.allowed, answered.allowed) << cost;
      EXPECT_EQ(peeked.reason, answered.reason) << cost;
      EXPECT_EQ(peeked.limit, answered.limit) << cost;
      one.refund_at(clock.now(), cost);
    }
  }
}

// --- nodes, a pool, and a network that loses, doubles and delays ------------------------------------

struct world {
  struct message {
    time_point when;
    std::size_t node = 0;
    bool to_pool = false;
    lease_request request;
    lease_grant grant;
    bool operator<(const message& other) const { return when > other.when; }
  };
  struct options {
    std::uint64_t rate = 1000, burst = 500;
    std::size_t nodes = 4;
    std::chrono::nanoseconds interval = 100ms, delay = 5ms;
    unsigned lost = 0, doubled = 0;  // of 100
    unsigned deaths = 0;             // of 10'000 ticks
    unsigned restarts = 0;           // of the pool, likewise
    unsigned skew = 0;               // of the clocks, 0.1 %
    double load = 2;                 // of the rate
    std::uint64_t most_cost = 4;     // one of ten is up to this
  };
  struct machine {
    limiter limits;
    double speed;
  };

  explicit world(const options& given, std::uint64_t seed) : o(given), random(seed) {
    for (std::size_t i = 0; i < o.nodes; ++i) nodes.push_back(born());
    oracle.emplace(quoin::token_bucket_options{.rate = quoin::per_second(o.rate), .burst = o.burst},
                   clock);
    start_pool(false);
  }

  bool chance(unsigned of, unsigned in) { return random() % in < of; }
  machine born() {
    const double skew = 0.001 * static_cast<double>(o.skew);
    const double speed = 1 + skew * (static_cast<double>(random() % 201) - 100) / 100;
    return {limiter({.node = random(), .interval = o.interval}, clock), speed};
  }
  void start_pool(bool restarted) {
    central.emplace(quoin::lease_pool_options{.rate = quoin::per_second(o.rate),
                                              .burst = o.burst,
                                              .capacity = 64,
                                              .interval = o.interval,
                                              .first_lease = ++pools << 32,
                                              .restarted = restarted},
                    clock);
  }
  time_point local(const machine& m) const {
    return at(std::chrono::nanoseconds(static_cast<std::int64_t>(
        m.speed * static_cast<double>(clock.now().time_since_epoch().count()))));
  }
  void send(message m) {
    const auto delay = static_cast<std::uint64_t>(o.delay.count());
    for (int copies = chance(o.doubled, 100) ? 2 : 1; copies != 0; --copies) {
      m.when = clock.now() + std::chrono::nanoseconds(random() % (2 * delay + 1));
      if (!chance(o.lost, 100)) on_way.push(m);
    }
  }
  void deliver() {
    while (!on_way.empty() && on_way.top().when <= clock.now()) {
      message m = on_way.top();
      on_way.pop();
      if (m.to_pool) {
        m.grant = central->grant(m.request);
        m.to_pool = false;
        send(m);
      } else {
        nodes[m.node].limits.granted_at(local(nodes[m.node]), m.grant);
      }
    }
  }
  /// A millisecond. The oracle is one bucket that sees all that passes.
  void tick() {
    deliver();
    if (chance(o.restarts, 10'000)) start_pool(true);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (chance(o.deaths, 10'000)) nodes[i] = born();
      machine& m = nodes[i];
      const time_point now = local(m);
      double due = o.load * static_cast<double>(o.rate) / 1000 / static_cast<double>(nodes.size());
      while (due > 0 && static_cast<double>(random() % 10'000) < due * 10'000) {
        due -= 1;
        const std::uint64_t cost = chance(1, 10) ? random() % o.most_cost : 1;
        if (!m.limits.try_acquire_at(now, cost)) continue;
        passed += cost;
        over += oracle->try_acquire(cost) ? 0u : 1u;
        if (chance(1, 50)) m.limits.refund_at(now, 0);
      }
      if (m.limits.due_at(now)) {
        ++messages;
        send({{}, i, true, m.limits.request_at(now), {}});
      }
    }
    clock.advance(1ms);
  }

  options o;
  std::mt19937_64 random;
  manual_clock clock;
  std::optional<pool> central;
  std::optional<quoin::token_bucket<manual_clock>> oracle;
  std::vector<machine> nodes;
  std::priority_queue<message> on_way;
  std::uint64_t pools = 0, passed = 0, over = 0, messages = 0;
};

TEST(leased_limiter, all_nodes_together_pass_what_one_bucket_would) {
  std::mt19937_64 random(5);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    world::options o;
    o.rate = std::uint64_t{10} << random() % 9;
    o.burst = 1 + random() % o.rate;
    o.nodes = 1 + random() % 8;
    o.interval = std::chrono::milliseconds(5 + random() % 100);
    o.delay = std::chrono::milliseconds(random() % 60);
    o.lost = static_cast<unsigned>(random() % 2 * random() % 40);
    o.doubled = static_cast<unsigned>(random() % 2 * random() % 40);
    o.deaths = static_cast<unsigned>(random() % 2 * random() % 20);
    o.restarts = static_cast<unsigned>(random() % 2 * random() % 8);
    o.skew = static_cast<unsigned>(random() % 2 * 7);
    o.load = static_cast<double>(1 + random() % 40) / 10;
    if (seed % 3 == 0) o.most_cost = o.burst + 1;
    world w(o, seed);
    for (int ms = 0; ms < 3000; ++ms) w.tick();
    ASSERT_EQ(w.over, 0u) << seed;
  }
}

TEST(leased_limiter, gives_back_what_it_is_told_to) {
  manual_clock clock;
  limiter one({.node = 5}, clock);
  EXPECT_FALSE(one.try_acquire(50));
  EXPECT_FALSE(one.try_acquire(20));
  EXPECT_EQ(one.request_at(at(0s)), (lease_request{5, 0, 1, 0, 0, 140, 20}));
  one.granted_at(at(1ms), {5, 3, 1, 140, 2s, 80ms, limit_reason::none, 30});
  EXPECT_TRUE(one.try_acquire_at(at(2ms), 10));
  EXPECT_FALSE(one.due_at(at(9ms)));
  EXPECT_TRUE(one.due_at(at(10ms)));
  const lease_request request = one.request_at(at(10ms));
  EXPECT_EQ(request.spent, 10u);
  EXPECT_EQ(request.returned, 100u);
  EXPECT_EQ(request.needed, 0u);
  EXPECT_EQ(one.held_at(at(10ms)), 30u);
}

/// What passes in a minute of `nodes` that want `cost` again and again.
std::uint64_t passed_of_cost(std::size_t nodes, std::uint64_t cost, std::uint64_t quiet_cost) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000), .burst = 1000}, clock);
  quoin::token_bucket oracle({.rate = quoin::per_second(1000), .burst = 1000}, clock);
  std::vector<limiter> each;
  for (std::size_t i = 0; i < nodes; ++i) each.emplace_back(leased_limiter_options{i + 1}, clock);
  std::uint64_t passed = 0;
  for (std::size_t ms = 0; ms < 60'000; ++ms, clock.advance(1ms)) {
    limiter& one = each[ms % nodes];
    const std::uint64_t now = ms % nodes == 0 && quiet_cost != 0 ? quiet_cost : cost;
    if (one.try_acquire(now)) {
      passed += now == cost ? cost : 0;
      EXPECT_TRUE(oracle.try_acquire(now));
    }
    if (one.due_at(clock.now())) one.granted_at(clock.now(), p.grant(one.request_at(clock.now())));
  }
  return passed;
}

TEST(leased_limiter, costs_above_a_share_pass_in_turn) {
  EXPECT_GE(passed_of_cost(2, 600, 0), 61'000u * 8 / 10);
  EXPECT_GE(passed_of_cost(3, 1000, 0), 61'000u * 8 / 10) << "all of the burst";
  EXPECT_GE(passed_of_cost(100, 64, 0), 61'000u * 8 / 10);
  EXPECT_GE(passed_of_cost(10, 250, 1), 61'000u * 7 / 10) << "one of them with small costs";
  EXPECT_EQ(passed_of_cost(2, 1001, 0), 0u);
}

/// As a bucket of that burst would.
TEST(leased_limiter, says_of_a_cost_above_the_burst_what_a_bucket_says) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000), .burst = 50}, clock);
  quoin::token_bucket bucket({.rate = quoin::per_second(1000), .burst = 50}, clock);
  limiter one({.node = 5}, clock);
  const auto renew = [&] {
    ASSERT_TRUE(one.due_at(clock.now()));
    const lease_request request = one.request_at(clock.now());
    one.granted_at(clock.now(), p.grant(request));
  };
  EXPECT_EQ(one.try_acquire(51).reason, limit_reason::limited) << "nobody has said so yet";
  renew();
  const decision d = one.try_acquire(51), of_bucket = bucket.try_acquire(51);
  EXPECT_EQ(d.reason, of_bucket.reason);
  EXPECT_EQ(d.retry_after, of_bucket.retry_after);
  EXPECT_EQ(d.limit, of_bucket.limit);
  EXPECT_EQ(one.peek(51).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(one.time_until_at(clock.now(), 51), never);
  EXPECT_EQ(one.try_acquire(50).limit, 50u);
  // Nor does it ask for more because of that; but now and then, if that is still so.
  one.reset();
  int messages = 0;
  for (int ms = 0; ms < 10'000; ++ms, clock.advance(1ms)) {
    EXPECT_FALSE(one.try_acquire(60));
    if (!one.due_at(clock.now())) continue;
    ++messages;
    const lease_request request = one.request_at(clock.now());
    EXPECT_EQ(request.wanted, 0u);
    EXPECT_EQ(request.needed, 0u);
    one.granted_at(clock.now(), p.grant(request));
  }
  EXPECT_LE(messages, 12) << "two in a term";
  p.reconfigure(quoin::per_second(1000), 80);
  clock.advance(1s);
  EXPECT_EQ(one.try_acquire(60).reason, limit_reason::cost_above_limit);
  renew();
  EXPECT_EQ(one.try_acquire(60).reason, limit_reason::limited);
  EXPECT_EQ(one.try_acquire(81).reason, limit_reason::cost_above_limit);
  p.reconfigure(quoin::per_second(0), 0);
  clock.advance(1s);
  renew();
  EXPECT_EQ(one.try_acquire().reason, limit_reason::no_rate);
}

TEST(leased_limiter, a_fallback_may_let_pass_what_the_pool_never_would) {
  manual_clock clock;
  limiter one({.node = 5, .max_wanted = 5, .fallback = quoin::per_second(10)}, clock);
  EXPECT_TRUE(one.try_acquire(8));
  const decision d = one.try_acquire(8);
  EXPECT_EQ(d.reason, limit_reason::limited);
  EXPECT_EQ(d.retry_after, 600ms);
  EXPECT_EQ(one.try_acquire(11).reason, limit_reason::cost_above_limit);
  EXPECT_EQ(one.try_acquire(11).retry_after, never);
}

TEST(leased_limiter, all_of_the_rate_passes) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    world::options o{.nodes = 10, .load = 2};
    o.rate = 10'000;
    o.burst = 3'000;
    world w(o, seed);
    for (int ms = 0; ms < 3000; ++ms) w.tick();
    EXPECT_EQ(w.over, 0u);
    EXPECT_GE(w.passed, 30'000u * 97 / 100);
    EXPECT_LE(w.messages, 3u * 10 * 10 * 3 / 2) << "ten a second of each node";
  }
}

}  // namespace
