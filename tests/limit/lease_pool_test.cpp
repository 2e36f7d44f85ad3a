// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/lease_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using namespace std::chrono_literals;
using quoin::lapse;
using quoin::lease_grant;
using quoin::lease_pool_options;
using quoin::lease_request;
using quoin::limit_reason;
using quoin::manual_clock;
using pool = quoin::lease_pool<manual_clock>;

/// A node without an opinion: keeps the totals.
struct node {
  lease_request request;
  std::uint64_t held = 0;

  lease_grant ask(pool& from, std::uint64_t wanted) {
    ++request.sequence;
    request.wanted = wanted;
    const lease_grant g = from.grant(request);
    if (g.lease != request.lease) {
      request.lease = g.lease;
      request.spent = request.returned = 0;
    }
    held = g.granted - request.spent - request.returned;
    return g;
  }
  void spend(std::uint64_t tokens) {
    request.spent += tokens;
    held -= tokens;
  }
};

node named(std::uint64_t id) { return {.request = {.node = id}}; }

/// The level by pouring one token after the other to one who wants more and has least.
std::vector<std::uint64_t> poured(const std::vector<std::uint64_t>& wants, std::uint64_t all) {
  std::vector<std::uint64_t> has(wants.size());
  for (; all != 0; --all) {
    std::size_t least = wants.size();
    for (std::size_t i = 0; i < wants.size(); ++i) {
      if (has[i] < wants[i] && (least == wants.size() || has[i] < has[least])) least = i;
    }
    if (least == wants.size()) break;
    ++has[least];
  }
  return has;
}

TEST(max_min, is_what_pouring_gives) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint64_t> wants(static_cast<std::size_t>(random() % 9));
    for (auto& want : wants) want = random() % 20;
    std::sort(wants.begin(), wants.end());
    const std::uint64_t all = random() % 100;
    const auto level = quoin::detail::max_min_level_of(wants, all);
    const auto has = poured(wants, all);
    std::uint64_t more = 0;
    for (std::size_t i = 0; i < wants.size(); ++i) {
      const bool cut = level.among != 0 && wants[i] > level.whole;
      more += cut ? has[i] - level.whole : 0;
      ASSERT_TRUE(cut ? has[i] == level.whole || has[i] == level.whole + 1 : has[i] == wants[i]);
    }
    ASSERT_EQ(more, level.among == 0 ? 0 : level.rest);
    if (wants.empty()) continue;
    auto changed = wants;
    changed[static_cast<std::size_t>(random() % changed.size())] = random() % 25;
    std::uint64_t from = 0, to = 0;
    for (std::size_t i = 0; i < wants.size(); ++i) {
      if (changed[i] != wants[i]) from = wants[i], to = changed[i];
    }
    if (from == to) continue;
    quoin::detail::replace_sorted(wants, from, to);
    auto sorted = changed;
    std::sort(changed.begin(), changed.end());
    ASSERT_EQ(wants, changed);
    quoin::detail::sort_ascending(sorted);
    ASSERT_EQ(sorted, changed);
  }
}

TEST(lease_pool, refuses_options_out_of_range) {
  const auto fails = [](lease_pool_options options) {
    EXPECT_THROW(quoin::lease_pool<>{options}, std::invalid_argument);
  };
  const lease_pool_options good{.rate = quoin::per_second(100)};
  auto bad = good;
  fails({.rate = {1, 0s}});
  bad.capacity = 0;
  fails(bad);
  bad.capacity = (std::size_t{1} << 14) + 1;
  fails(bad);
  bad = good;
  bad.interval = 999'999ns;
  fails(bad);
  bad = good;
  bad.term = 399ms;
  fails(bad);
  bad = good;
  bad.first_lease = 0;
  fails(bad);
  bad.first_lease = (std::uint64_t{1} << 63) + 1;
  fails(bad);
  EXPECT_EQ(quoin::lease_pool<>(good).options(), good);
}

TEST(lease_pool, what_is_held_counts_as_not_spent) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100), .burst = 50}, clock);
  node a = named(7);
  lease_grant g = a.ask(p, 30);
  EXPECT_EQ(g.lease, 1u);
  EXPECT_EQ(g.granted, 30u);
  EXPECT_EQ(g.reason, limit_reason::none);
  EXPECT_EQ(g.valid_for, 2s - 31250us);
  EXPECT_EQ(g.renew_after, 100ms);
  EXPECT_EQ(p.available(), 20u);
  EXPECT_EQ(p.leased(), 30u);
  EXPECT_EQ(p.nodes(), 1u);
  clock.advance(1s);
  a.spend(25);
  g = a.ask(p, 45);
  EXPECT_EQ(g.granted, 50u) << "nothing came back for what it held: 5 of 50 less 25";
  EXPECT_EQ(g.reason, limit_reason::limited);
  EXPECT_EQ(p.available(), 0u);
  clock.advance(200ms);
  g = a.ask(p, 45);
  EXPECT_EQ(g.granted, 70u) << "now 20 did";
  a.request.returned = 40;
  g = a.ask(p, 5);
  EXPECT_EQ(a.held, 5u);
  EXPECT_EQ(p.available(), 40u);
  clock.advance(50ms);
  p.advance_to(clock.now());
  EXPECT_EQ(p.available(), 45u) << "and no more";
}

TEST(lease_pool, shares_equally_among_those_who_want_more) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000), .burst = 100}, clock);
  std::vector<node> nodes;
  for (std::uint64_t i = 0; i < 5; ++i) nodes.push_back(named(i));
  const std::uint64_t wants[] = {1000, 3, 50, 1000, 10};
  std::uint64_t passed[5] = {};
  for (int round = 0; round < 220; ++round) {
    for (std::size_t i = 0; i < 5; ++i) {
      if (nodes[i].held > nodes[i].request.wanted) FAIL();
      if (round >= 20) passed[i] += nodes[i].held;
      nodes[i].spend(nodes[i].held);
      nodes[i].ask(p, wants[i]);
      clock.advance(10ms);
    }
  }
  // 50 tokens a round of 50 ms: 3, 10, and a third of 37 each.
  EXPECT_EQ(passed[1], 600u);
  EXPECT_EQ(passed[4], 2000u);
  for (const std::size_t i : std::initializer_list<std::size_t>{0, 2, 3}) {
    EXPECT_NEAR(static_cast<double>(passed[i]), 200 * 37 / 3.0, 200 * 37 / 300.0);
  }
}

TEST(lease_pool, lets_fractions_of_a_token_go_round) {
  // 10 tokens a second for 40 nodes that ask once a second, one after the other or all at once.
  for (const bool together : {false, true}) {
    manual_clock clock;
    pool p({.rate = quoin::per_second(10), .burst = 100, .interval = 1s, .chunk = 0}, clock);
    std::vector<node> nodes;
    std::vector<std::uint64_t> passed(40);
    for (std::uint64_t i = 0; i < 40; ++i) nodes.push_back(named(i));
    for (int round = 0; round < 1100; ++round) {
      for (std::size_t i = 0; i < 40; ++i) {
        if (round >= 100) passed[i] += nodes[i].held;
        nodes[i].spend(nodes[i].held);
        nodes[i].ask(p, 5);
        if (!together) clock.advance(25ms);
      }
      if (together) clock.advance(1s);
    }
    const auto [least, most] = std::minmax_element(passed.begin(), passed.end());
    EXPECT_GE(*least, together ? 125u : 240u) << "whoever always asks last finds a little less";
    EXPECT_LE(*most, together ? 300u : 260u);
  }
}

TEST(lease_pool, answers_again_what_it_answered) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100)}, clock);
  node a = named(1);
  const lease_grant first = a.ask(p, 10);
  a.spend(10);
  a.ask(p, 10);
  const lease_grant second = a.ask(p, 30);
  EXPECT_EQ(second.granted, 40u);
  EXPECT_EQ(p.grant(a.request), second) << "doubled";
  lease_request old = a.request;
  old.sequence = 2;
  EXPECT_EQ(p.grant(old).lease, 0u) << "overtaken";
  EXPECT_EQ(p.grant({.node = 1, .sequence = 1, .wanted = 10}).lease, 0u)
      << "the first one, again: " << first.granted;
  EXPECT_EQ(p.leased(), 30u);
  EXPECT_EQ(p.nodes(), 1u);
}

TEST(lease_pool, does_not_believe_what_cannot_be) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100)}, clock);
  node a = named(1);
  a.ask(p, ~std::uint64_t{0});
  EXPECT_EQ(a.held, 100u);
  EXPECT_EQ(p.grant({1, 1, 2, ~std::uint64_t{0}, ~std::uint64_t{0}, 5}).granted, 100u);
  EXPECT_EQ(p.leased(), 0u);
  EXPECT_EQ(p.grant({1, 1, 3, 3, 3, 5}).granted, 100u)
      << "less spent than before, and full of none";
  clock.advance(10s);
  EXPECT_EQ(p.grant({1, 1, 4, 3, 3, 5}).lease, 2u) << "the lease had run out";
  EXPECT_EQ(p.leased(), 5u);
}

TEST(lease_pool, takes_back_what_is_not_renewed) {
  for (const lapse policy : {lapse::spends, lapse::returns}) {
    manual_clock clock;
    pool p({.rate = quoin::per_second(10), .burst = 100, .on_lapse = policy}, clock);
    node a = named(1), b = named(2);
    a.ask(p, 60);
    clock.advance(1999ms);
    b.ask(p, 40);
    EXPECT_EQ(b.held, 40u);
    EXPECT_EQ(p.nodes(), 2u);
    clock.advance(1ms);
    p.advance_to(clock.now());
    EXPECT_EQ(p.nodes(), 1u);
    EXPECT_EQ(p.lapsed(), 60u);
    EXPECT_EQ(p.leased(), 40u);
    EXPECT_EQ(p.available(), policy == lapse::spends ? 0u : 60u);
    clock.advance(1s);
    p.advance_to(clock.now());
    EXPECT_EQ(p.available(), policy == lapse::spends ? 10u : 60u);
    const lease_grant g = a.ask(p, 5);
    EXPECT_EQ(g.lease, 3u);
    EXPECT_EQ(g.granted, 5u);
  }
}

TEST(lease_pool, a_node_that_forgot_its_lease_gets_another) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(10), .burst = 100}, clock);
  node a = named(1);
  a.ask(p, 60);
  a.request.lease = 0;
  EXPECT_EQ(a.ask(p, 60).granted, 40u) << "what it held counts as spent";
  EXPECT_EQ(p.lapsed(), 60u);
  EXPECT_EQ(p.leased(), 40u);
}

TEST(lease_pool, has_room_for_so_many_nodes) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(10), .capacity = 2, .term = 1s}, clock);
  node a = named(1), b = named(2), c = named(3);
  a.ask(p, 1);
  b.ask(p, 1);
  const lease_grant g = c.ask(p, 1);
  EXPECT_EQ(g.lease, 0u);
  EXPECT_EQ(g.reason, limit_reason::table_full);
  EXPECT_EQ(g.renew_after, 250ms);
  clock.advance(1s);
  EXPECT_EQ(c.ask(p, 1).granted, 1u);
  EXPECT_EQ(p.nodes(), 1u);
}

TEST(lease_pool, in_the_place_of_another_one_waits_for_a_term) {
  manual_clock clock(manual_clock::time_point(1h));
  pool p({.rate = quoin::per_second(100), .first_lease = 1000, .restarted = true}, clock);
  node a = named(1);
  EXPECT_EQ(a.ask(p, 10).granted, 0u);
  EXPECT_EQ(a.request.lease, 1000u);
  EXPECT_EQ(p.available(), 0u);
  clock.advance(1999ms);
  EXPECT_EQ(a.ask(p, 10).granted, 0u);
  clock.advance(1ms);
  EXPECT_EQ(a.ask(p, 10).granted, 0u) << "all may have been spent just now";
  clock.advance(300ms);
  EXPECT_EQ(a.ask(p, 10).granted, 10u);
  EXPECT_EQ(p.available(), 20u);
}

TEST(lease_pool, spreads_the_messages_of_many_nodes) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000), .chunk = 10}, clock);
  lease_grant g;
  for (std::uint64_t i = 0; i < 20; ++i) g = named(i).ask(p, 1);
  EXPECT_EQ(g.renew_after, 200ms) << "20 nodes, 10 tokens each";
  for (std::uint64_t i = 20; i < 1000; ++i) g = named(i).ask(p, 1);
  EXPECT_EQ(g.renew_after, 250ms) << "what fills a quarter of the burst";
  p.reconfigure(quoin::per_second(1000), 40);
  EXPECT_EQ(named(5000).ask(p, 1).renew_after, 10ms) << "a burst is all that can be in hand";
}

TEST(lease_pool, small_bursts_do_not_make_messages_frequent) {
  manual_clock clock;
  for (const std::uint64_t burst : {1u, 3u, 4u, 7u}) {
    pool p({.rate = quoin::per_second(1), .burst = burst, .term = 100s}, clock);
    EXPECT_EQ(named(1).ask(p, 5).renew_after, static_cast<int>(burst) * 250ms);
  }
  pool p({.rate = {1, 24h}, .burst = 1}, clock);
  EXPECT_EQ(named(1).ask(p, 5).renew_after, 500ms) << "a quarter of the term";
}

TEST(lease_pool, goes_on_when_many_leases_end_at_once) {
  for (const std::size_t left : {0u, 1u, 200u, 990u}) {
    manual_clock clock;
    pool p({.rate = quoin::per_second(1000)}, clock);
    std::vector<node> nodes;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      nodes.push_back(named(i));
      nodes.back().ask(p, i * 7919 % 10);
    }
    clock.advance(1s);
    for (std::size_t i = 0; i < left; ++i) nodes[i * 7 % 1000].ask(p, 3 + i % 7);
    clock.advance(1s);
    p.advance_to(clock.now());
    EXPECT_EQ(p.nodes(), left);
    clock.advance(1s);
    p.advance_to(clock.now());
    EXPECT_EQ(p.nodes(), 0u);
    EXPECT_EQ(p.leased(), 0u);
    clock.advance(1s);
    node last = named(5000);
    EXPECT_EQ(last.ask(p, 5).granted, 5u) << "no want of another is left";
  }
}

TEST(lease_pool, nobody_keeps_all_for_long) {
  // One asks alone, is given all, and renews that for ever without spending or giving back.
  manual_clock clock;
  pool p({.rate = quoin::per_second(10'000), .burst = 5'000}, clock);
  node hoarder = named(1), other = named(2);
  EXPECT_EQ(hoarder.ask(p, ~std::uint64_t{0}).hold_at_most, ~std::uint64_t{0});
  std::uint64_t passed = 0;
  for (int i = 0; i < 600; ++i, clock.advance(100ms)) {
    passed += other.held;
    other.spend(other.held);
    other.ask(p, 100);
    const lease_grant g = hoarder.ask(p, ~std::uint64_t{0});
    if (i == 0) {
      EXPECT_EQ(g.hold_at_most, 4901u);
    }
  }
  EXPECT_GE(passed, 570u * 100) << "all but the first term";
  EXPECT_GE(p.lapsed(), 5000u);
}

TEST(lease_pool, nobody_keeps_all_by_saying_that_it_is_needed) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(10'000), .burst = 5'000}, clock);
  node hoarder = named(1), other = named(2);
  std::uint64_t passed = 0;
  for (int i = 0; i < 600; ++i, clock.advance(100ms)) {
    hoarder.request.needed = 5000;
    hoarder.ask(p, ~std::uint64_t{0});
    passed += other.held;
    other.spend(other.held);
    other.ask(p, 1000);
  }
  EXPECT_GE(passed, 600u * 1000 / 8);
}

TEST(lease_pool, gives_what_was_given_back_to_others) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(10), .burst = 1000}, clock);
  node a = named(1), b = named(2);
  a.ask(p, 1000);
  b.ask(p, 300);
  EXPECT_EQ(b.held, 0u);
  lease_grant g = a.ask(p, 1000);
  EXPECT_EQ(g.hold_at_most, 701u);
  a.request.returned = 299;
  clock.advance(1900ms);
  g = a.ask(p, 1000);
  EXPECT_EQ(g.hold_at_most, ~std::uint64_t{0});
  EXPECT_EQ(g.valid_for, 2s - 31250us);
  EXPECT_EQ(b.ask(p, 300).granted, 299u);
  // One that does not give back is not renewed, and is told how long its lease still lasts.
  node c = named(3);
  c.ask(p, 500);
  g = a.ask(p, 1000);
  EXPECT_EQ(g.hold_at_most, 351u);
  clock.advance(1s);
  g = a.ask(p, 1000);
  EXPECT_EQ(g.valid_for, 1s - 15625us);
  b.ask(p, 300);
  clock.advance(1s);
  EXPECT_NE(a.ask(p, 1000).lease, g.lease);
  EXPECT_EQ(p.lapsed(), 701u);
}

TEST(lease_pool, another_quota_leaves_leases_alone) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100)}, clock);
  node a = named(1);
  a.ask(p, 80);
  p.reconfigure(quoin::per_second(10));
  EXPECT_EQ(p.options().rate, quoin::per_second(10));
  EXPECT_EQ(p.leased(), 80u);
  EXPECT_EQ(p.available(), 0u);
  a.spend(80);
  EXPECT_EQ(a.ask(p, 10).granted, 80u);
  clock.advance(100ms);
  EXPECT_EQ(a.ask(p, 10).granted, 81u);
  EXPECT_THROW(p.reconfigure({1, 0s}), std::invalid_argument);
  EXPECT_EQ(p.options().rate, quoin::per_second(10));
}

TEST(lease_pool, counts_what_lapses_as_spent_when_the_lease_ended) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(100), .burst = 100, .interval = 10ms, .term = 1s}, clock);
  node a = named(1), b = named(2);
  a.ask(p, 60);
  clock.advance(100ms);
  b.ask(p, 40);
  EXPECT_EQ(p.available(), 0u);
  clock.advance(1500ms);  // nobody asks for half a second after the last lease ended
  p.advance_to(clock.now());
  EXPECT_EQ(p.lapsed(), 100u);
  EXPECT_EQ(p.available(), 50u);
}

/// What a node spends beside one that never does, and needs so much at once.
std::uint64_t spent_beside(std::uint64_t needed) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(1000), .burst = 1000}, clock);
  node small = named(1), large = named(2);
  std::uint64_t passed = 0;
  for (int i = 0; i < 100; ++i, clock.advance(100ms)) {
    large.request.needed = needed;
    EXPECT_EQ(large.ask(p, 1000).limit, 1000u);
    EXPECT_EQ(small.ask(p, 300).limit, 1000u);
    passed += small.held;
    small.spend(small.held);
  }
  return passed;
}

TEST(lease_pool, keeps_nothing_for_a_cost_that_never_passes) {
  const std::uint64_t passed = spent_beside(0);
  EXPECT_GE(passed, 7000u);
  EXPECT_EQ(spent_beside(1001), passed);
  EXPECT_EQ(spent_beside(~std::uint64_t{0}), passed);
}

TEST(lease_pool, of_no_rate_leases_its_burst_once) {
  manual_clock clock;
  pool p({.rate = quoin::per_second(0), .burst = 5}, clock);
  node a = named(1);
  EXPECT_EQ(a.ask(p, 10).granted, 5u);
  a.spend(5);
  clock.advance(1s);
  EXPECT_EQ(a.ask(p, 10).granted, 5u);
}

TEST(lease_pool, takes_an_earlier_time_for_the_last_one) {
  manual_clock clock(manual_clock::time_point(10s));
  pool p({.rate = quoin::per_second(10)}, clock);
  node a = named(1);
  a.ask(p, 10);
  a.spend(10);
  a.ask(p, 10);
  clock.set(manual_clock::time_point::min());
  EXPECT_EQ(a.ask(p, 10).granted, 10u);
  clock.set(manual_clock::time_point::max());
  EXPECT_EQ(a.ask(p, 10).granted, 10u);
  EXPECT_EQ(p.leased(), 10u);
}

TEST(lease_pool, ends_no_lease_at_the_end_of_time) {
  const manual_clock clock(manual_clock::time_point::max());
  pool p({.rate = quoin::per_second(10)}, clock);
  const quoin::lease_request request{.node = 1, .sequence = 1, .wanted = 4};
  const quoin::lease_grant first = p.grant(request);
  EXPECT_EQ(first.granted, 4u);
  EXPECT_EQ(p.grant({.node = 1, .lease = first.lease, .sequence = 2, .wanted = 4}).lease,
            first.lease);
  EXPECT_EQ(p.nodes(), 1u);
}

}  // namespace
