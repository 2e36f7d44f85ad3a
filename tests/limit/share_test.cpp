// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/share.hpp>

#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/sliding_window.hpp>

#include "window_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

static_assert(sizeof(void*) != 8 || sizeof(quoin::shared_window<>) == 320, "as its page says");

using namespace std::chrono_literals;
using namespace quoin_test;
using quoin::manual_clock;
using quoin::shared_form;
using quoin::shared_window_options;
using plain_node = quoin::shared_window<manual_clock>;

static_assert(quoin::limiter<plain_node>);

/// Its verbs, each compiled once: they are inlined wherever they are called.
struct node : plain_node {
  using plain_node::plain_node;
  [[gnu::noinline]] quoin::decision try_acquire_at(time_point now, std::uint64_t cost = 1) {
    return plain_node::try_acquire_at(now, cost);
  }
  [[gnu::noinline]] quoin::decision peek_at(time_point now, std::uint64_t cost = 1) const {
    return plain_node::peek_at(now, cost);
  }
  [[gnu::noinline]] std::uint64_t acquire_up_to_at(time_point now, std::uint64_t cost) {
    return plain_node::acquire_up_to_at(now, cost);
  }
  [[gnu::noinline]] std::uint64_t merge_at(time_point now, const node& other) {
    return plain_node::merge_at(now, other);
  }
  [[gnu::noinline]] quoin::expected<std::uint64_t, quoin::error> merge_bytes_at(
      time_point now, std::span<const std::byte> bytes) {
    return plain_node::merge_bytes_at(now, bytes);
  }
  [[gnu::noinline]] std::vector<std::byte> to_bytes() const { return plain_node::to_bytes(); }
};

const manual_clock none;

node node_of(shared_window_options options, std::uint64_t id) {
  options.node = id;
  return node(options, none);
}

TEST(SharedWindow, CountsWhatItHears) {
  node a({.rate = quoin::per_second(10), .node = 7, .form = shared_form::fixed}, none);
  node b({.rate = quoin::per_second(10), .node = 3, .form = shared_form::fixed}, none);
  EXPECT_TRUE(a.try_acquire_at(at(100ms), 6));
  EXPECT_EQ(b.merge_at(at(101ms), a), 6u);
  EXPECT_EQ(b.merge_at(at(101ms), a), 0u) << "twice is once";
  const auto refused = b.try_acquire_at(at(200ms), 5);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.remaining, 4u);
  EXPECT_EQ(refused.retry_after, 800ms);
  EXPECT_EQ(b.acquire_up_to_at(at(200ms), 5), 4u);
  EXPECT_EQ(b.try_acquire_at(at(200ms), 11).reason, quoin::limit_reason::cost_above_limit);
  ASSERT_TRUE(a.merge_bytes_at(at(300ms), b.to_bytes()).has_value());
  EXPECT_EQ(a.knowledge_at(at(300ms)).own, 6u);
  EXPECT_EQ(a.knowledge_at(at(300ms)).others, 4u);
  EXPECT_FALSE(a.try_acquire_at(at(300ms)));
  a.refund_at(at(400ms), 2);
  EXPECT_EQ(a.peek_at(at(400ms)).remaining, 2u);
  EXPECT_EQ(b.merge_at(at(400ms), a), 0u) << "what comes back is this node's";
  EXPECT_TRUE(a.try_acquire_at(at(400ms), 2));
  EXPECT_EQ(a.knowledge_at(at(400ms)).own, 6u);
  a.refund_at(at(999ms), 3);  // of no use to the next window
  EXPECT_EQ(a.peek_at(at(1s)).remaining, 10u);
  a.refund_at(at(1s), 2);
  EXPECT_EQ(a.acquire_up_to_at(at(1s), 20), 10u);
  a.set_limit(12);
  EXPECT_EQ(a.peek_at(at(1s)).remaining, 2u);
  a.set_limit(0);
  EXPECT_EQ(a.try_acquire_at(at(1s)).reason, quoin::limit_reason::no_rate);
  a.set_limit(12);
  a.reset();
  EXPECT_EQ(a.peek_at(at(1s)).remaining, 12u);
  EXPECT_TRUE(a.try_acquire_at(at(1s), 3));
  EXPECT_EQ(b.merge_at(at(1s), a), 10u) << "a count never falls";
}

TEST(SharedWindow, HearsOfTheWindowsBesideItsOwn) {
  node ahead({.rate = quoin::per_second(10), .node = 1}, none);
  node behind({.rate = quoin::per_second(10), .node = 2}, none);
  ahead.try_acquire_at(at(1990ms), 3);
  ahead.try_acquire_at(at(2s), 4);
  EXPECT_EQ(behind.merge_at(at(1995ms), ahead), 3u) << "what is of the next window is not heard";
  EXPECT_EQ(behind.merge_at(at(2s), ahead), 4u);
  EXPECT_EQ(behind.knowledge_at(at(2s)).others, 4u);
  node later({.rate = quoin::per_second(10), .node = 3}, none);
  EXPECT_EQ(later.merge_at(at(3s), ahead), 4u) << "of the window before";
  EXPECT_EQ(later.peek_at(at(3s)).remaining, 6u);
  EXPECT_EQ(later.peek_at(at(3500ms)).remaining, 8u);
  EXPECT_EQ(later.merge_at(at(4s), ahead), 0u);
  EXPECT_EQ(later.merge_at(at(500ms), ahead), 0u);
  EXPECT_EQ(later.merge_at(at(9s), later), 0u) << "of itself, and of a window long past";
}

TEST(SharedWindow, AloneIsAWindowOfItsKind) {
  const quoin::rate rate{20, 1000ns};
  std::mt19937_64 random(1);
  node fixed_node({.rate = rate, .form = shared_form::fixed, .offset = 17ns}, none);
  node sliding_node({.rate = rate, .offset = 17ns}, none);
  quoin::fixed_window fixed({.rate = rate, .offset = 17ns, .max_debt = 0}, none);
  quoin::sliding_window sliding(
      {.rate = rate, .fractions = quoin::weight::up, .offset = 17ns, .max_debt = 0}, none);
  std::int64_t now = -50'000;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(random() % (i % 100 == 0 ? 3000u : 100u));
    const auto time = at(nanoseconds(now));
    const std::uint64_t cost = random() % 8 == 0 ? random() % 25 : random() % 5;
    ASSERT_EQ(fixed_node.peek_at(time, cost), fixed.peek_at(time, cost));
    ASSERT_EQ(sliding_node.peek_at(time, cost), sliding.peek_at(time, cost));
    if (i % 16 == 0) {
      ASSERT_EQ(fixed_node.acquire_up_to_at(time, cost), fixed.acquire_up_to_at(time, cost));
      ASSERT_EQ(sliding_node.acquire_up_to_at(time, cost), sliding.acquire_up_to_at(time, cost));
    } else {
      ASSERT_EQ(fixed_node.try_acquire_at(time, cost), fixed.try_acquire_at(time, cost));
      expect_exact_retry(sliding_node, now, cost);
      ASSERT_EQ(sliding_node.try_acquire_at(time, cost), sliding.try_acquire_at(time, cost));
    }
  }
}

/// What one node knows, in the plainest way: of each window, of each node, a count.
using plain_knowledge = std::map<std::int64_t, std::map<std::uint64_t, std::uint64_t>>;

std::uint64_t sum_of(plain_knowledge& known, std::int64_t window) {
  std::uint64_t sum = 0;
  for (const auto& [id, count] : known[window]) sum += count;
  return sum;
}

/// Nodes whose messages are late, lost, doubled, passed on, or of clocks that differ.
void expect_as_plainly_counted(shared_form form, std::uint64_t seed) {
  constexpr std::uint64_t nodes = 5, limit = 30;
  constexpr std::int64_t per = 1000;
  constexpr std::uint64_t span = 1000;
  struct message {
    std::vector<std::byte> bytes;
    plain_knowledge says;
    std::int64_t window;
  };
  std::mt19937_64 random(seed);
  std::vector<node> subjects;
  std::vector<plain_knowledge> models(nodes);
  for (std::uint64_t id = 0; id < nodes; ++id) {
    subjects.push_back(node_of({.rate = {limit, nanoseconds(per)}, .form = form}, 90 - 10 * id));
  }
  std::vector<message> sent;
  std::int64_t now = 5000;
  for (int i = 0; i < 4000; ++i) {
    now += static_cast<std::int64_t>(random() % 40);
    const auto who = static_cast<std::size_t>(random() % nodes);
    const std::int64_t here = now + static_cast<std::int64_t>(who) * 30;  // its clock
    const std::int64_t window = here / per;
    const std::uint64_t id = 90 - 10 * std::uint64_t{who};
    node& subject = subjects[who];
    plain_knowledge& known = models[who];
    if (random() % 4 == 0) {
      subject.try_acquire_at(at(nanoseconds(here)), 0);  // so that it writes of this window
      sent.push_back({subject.to_bytes(), known, window});
    } else if (random() % 3 == 0 && !sent.empty()) {
      const message& heard = sent[static_cast<std::size_t>(random() % sent.size())];
      const auto learned = subject.merge_bytes_at(at(nanoseconds(here)), heard.bytes);
      ASSERT_TRUE(learned.has_value());
      std::uint64_t more = 0;
      for (const auto& [of, counts] : heard.says) {
        if (of != heard.window && of != heard.window - 1) continue;  // not in the message
        if (of != window && of != window - 1) continue;              // of no use
        for (const auto& [node_id, count] : counts) {
          auto& mine = known[of][node_id];
          more += count > mine ? count - mine : 0;
          mine = std::max(mine, count);
        }
      }
      ASSERT_EQ(*learned, more);
    } else {
      const std::uint64_t cost = 1 + random() % 4;
      const std::uint64_t current = sum_of(known, window), previous = sum_of(known, window - 1);
      const auto left = static_cast<std::uint64_t>(per - here % per);
      const bool fits = form == shared_form::fixed
                            ? current + cost <= limit
                            : (current + cost) * span + previous * left <= limit * span;
      ASSERT_EQ(subject.peek_at(at(nanoseconds(here)), cost).allowed, fits);
      ASSERT_EQ(subject.try_acquire_at(at(nanoseconds(here)), cost).allowed, fits);
      if (fits) known[window][id] += cost;
    }
    const auto told = subject.knowledge_at(at(nanoseconds(here)));
    ASSERT_EQ(told.own, known[window][id]);
    ASSERT_EQ(told.own + told.others, sum_of(known, window));
  }
}

TEST(SharedWindow, DecidesByTheGreatestCountsThatItHasHeard) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    expect_as_plainly_counted(shared_form::fixed, seed);
    expect_as_plainly_counted(shared_form::sliding, seed);
  }
}

// Whatever the order, by whichever way: in the end all know the same, and deltas do as well.
TEST(SharedWindow, ConvergesInAnyOrder) {
  std::mt19937_64 random(2);
  for (int turn = 0; turn < 50; ++turn) {
    std::vector<node> nodes;
    std::uint64_t all = 0;
    for (std::uint64_t id = 0; id < 6; ++id) {
      nodes.push_back(node_of({.rate = quoin::per_second(1000)}, random()));
      all += nodes.back().acquire_up_to_at(at(10s), random() % 50);
    }
    node in_order = node_of({.rate = quoin::per_second(1000)}, 1);
    node in_disorder = node_of({.rate = quoin::per_second(1000)}, 1);
    for (const node& n : nodes) in_order.merge_at(at(10s), n);
    std::shuffle(nodes.begin(), nodes.end(), random);
    for (std::size_t i = 1; i < nodes.size(); ++i) nodes[i].merge_at(at(10s), nodes[i - 1]);
    const std::uint64_t before = in_disorder.version();
    in_disorder.merge_at(at(10s), nodes[3]);
    in_disorder.merge_at(at(10s), nodes.back());
    in_disorder.merge_at(at(10s), nodes[2]);
    EXPECT_EQ(in_order.to_bytes(), in_disorder.to_bytes());
    EXPECT_EQ(in_order.knowledge_at(at(10s)).others, all);
    EXPECT_GT(in_disorder.version(), before);
    const std::uint64_t told = in_order.version();
    EXPECT_EQ(in_order.to_bytes_since(told).size(), 72u) << "itself";
    nodes[0].acquire_up_to_at(at(10s), 5);
    in_order.merge_at(at(10s), nodes[0]);
    EXPECT_EQ(in_order.to_bytes_since(told).size(), 96u);
    EXPECT_EQ(in_disorder.merge_bytes_at(at(10s), in_order.to_bytes_since(told)).value(), 5u);
    EXPECT_EQ(in_order.to_bytes(), in_disorder.to_bytes());
  }
}

// --- caution --------------------------------------------------------------------------------------

/// Nodes that used so much of the last window each, and know it.
std::vector<node> acquainted(const shared_window_options& options,
                             const std::vector<std::uint64_t>& used) {
  std::vector<node> nodes;
  for (std::uint64_t id = 0; id < used.size(); ++id) nodes.push_back(node_of(options, id * 5 % 8));
  for (std::size_t i = 0; i < used.size(); ++i) {
    EXPECT_TRUE(nodes[i].try_acquire_at(at(500ms), used[i]));
  }
  for (int round = 0; round < 2; ++round) {
    for (node& to : nodes) {
      for (const node& from : nodes) to.merge_at(at(900ms), from);
    }
  }
  return nodes;
}

TEST(SharedWindow, SharesAddUpToWhatThereIs) {
  for (const std::uint64_t limit : {10u, 100u, 1001u, 40'000u}) {
    const shared_window_options options{.rate = quoin::per_second(limit),
                                        .form = shared_form::fixed,
                                        .share_interval = 100ms,
                                        .nodes = 5,
                                        .max_nodes = 10};
    auto nodes = acquainted(options, {1, 1, 1, limit / 8, limit / 5});
    std::vector<std::uint64_t> taken;
    std::uint64_t all = 0;
    for (node& n : nodes) {
      EXPECT_LE(n.peek_at(at(1s)).remaining, limit);
      taken.push_back(n.acquire_up_to_at(at(1s), limit));
      EXPECT_FALSE(n.try_acquire_at(at(1999ms)));
      EXPECT_EQ(n.try_acquire_at(at(1999ms)).retry_after, 1ms);
      all += taken.back();
    }
    EXPECT_EQ(all, limit);
    if (limit >= 1001) {
      EXPECT_NEAR(static_cast<double>(taken[4]) / static_cast<double>(limit),
                  0.25 / 5 + 0.75 * 8 / 13, 0.01);
      EXPECT_NEAR(static_cast<double>(taken[0]) / static_cast<double>(limit), 0.25 / 5, 0.01);
    }
    // What is heard is shared out again, not before the interval has passed.
    EXPECT_EQ(nodes[0].merge_at(at(1050ms), nodes[4]), taken[4]);
    EXPECT_FALSE(nodes[0].try_acquire_at(at(1050ms)));
  }
}

TEST(SharedWindow, SharesGrowAsTheWindowBeforeFades) {
  const shared_window_options options{
      .rate = quoin::per_second(1000), .share_interval = 100ms, .nodes = 4};
  auto nodes = acquainted(options, {100, 200, 250, 250});
  std::uint64_t all = 0;
  for (int ms = 1000; ms < 2000; ms += 10) {
    for (node& n : nodes) all += n.acquire_up_to_at(at(std::chrono::milliseconds(ms)), 1000);
    const auto there = static_cast<std::uint64_t>(200 + (ms - 1000) * 8 / 10);
    EXPECT_LE(all, there);
    EXPECT_GE(all + 5, there) << "a fraction of a token for each node";
  }
}

TEST(SharedWindow, SaysWhenItsShareWillHaveGrown) {
  const shared_window_options options{
      .rate = quoin::per_second(1000), .share_interval = 100ms, .nodes = 4};
  auto nodes = acquainted(options, {100, 200, 250, 250});
  int grown = 0, beyond = 0;
  for (int ms = 1000; ms < 2000; ms += 37) {
    const std::int64_t now = ms * 1'000'000, end = 2'000'000'000;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      nodes[i].acquire_up_to_at(at(nanoseconds(now)), i * 20);
      for (const std::uint64_t cost : {1u, 2u, 10u, 100u, 900u}) {
        const auto d = nodes[i].peek_at(at(nanoseconds(now)), cost);
        if (d.allowed) continue;
        const std::int64_t then = now + d.retry_after.count();
        if (then < end) expect_exact_retry(nodes[i], now, cost);
        EXPECT_FALSE(then == end && nodes[i].peek_at(at(nanoseconds(end - 1)), cost).allowed);
        ++(then < end ? grown : beyond);
      }
    }
    if (ms % 5 == 0) nodes[0].merge_at(at(nanoseconds(now)), nodes[1]);
  }
  EXPECT_GT(grown, 50);
  EXPECT_GT(beyond, 50);
}

TEST(SharedWindow, SilenceHalvesAShareInEachWindow) {
  const shared_window_options options{
      .rate = quoin::per_second(8000), .form = shared_form::fixed, .share_interval = 100ms};
  auto nodes = acquainted(options, {2000, 2000});
  // It uses 2000, and half of what it used before, and so on; the other half as much as before. A
  // quarter is for both alike: 4000, 1000 + 3/4 · 6000, …
  const std::vector<std::uint64_t> shares{4000, 5500, 6250, 6625};
  for (int s = 1; s < 18; ++s) {
    const auto now = at(std::chrono::seconds(s));
    if (const auto i = static_cast<std::size_t>(s - 1); i < shares.size()) {
      EXPECT_EQ(nodes[0].peek_at(now).remaining, shares[i]);
    }
    EXPECT_EQ(nodes[0].acquire_up_to_at(now, 2000), 2000u);
  }
  EXPECT_EQ(nodes[0].peek_at(at(18s)).remaining, 8000u) << "forgotten in the end";
  EXPECT_EQ(nodes[0].knowledge_at(at(18s)).nodes, 1u);
}

TEST(SharedWindow, SilentNodesTakeNoMoreThanTheirPlaces) {
  for (const std::uint64_t limit : {10u, 1000u}) {
    std::uint64_t all = 0;
    const std::uint64_t turns = 200;
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      std::uint64_t sum = 0;
      for (std::uint64_t id = 0; id < 20; ++id) {
        node n = node_of({.rate = quoin::per_second(limit),
                          .form = shared_form::fixed,
                          .share_interval = 100ms,
                          .nodes = 20},
                         id + 100 * turn);
        sum += n.acquire_up_to_at(at(5s), limit);
      }
      EXPECT_LE(sum, limit + 20);
      all += sum;
    }
    // 200 · 20 nodes, each of which gets one of `limit` in 20 more or not: half of them about, for
    // 10; 6 standard deviations are 190.
    EXPECT_NEAR(static_cast<double>(all), static_cast<double>(limit * turns), 190);
  }
}

/// How far above its limit what nodes let in comes, when each takes all of its share at some moments
/// of a window in which nobody hears anything. In the window before `silent` of three let nothing in.
std::uint64_t excess_of_deaf_window(std::mt19937_64& random, shared_form form, unsigned silent) {
  constexpr std::int64_t per = 1'000'000'000;
  const std::uint64_t count = 2 + random() % 60;
  const std::uint64_t span = count << random() % 8, limit = count + random() % span;
  const shared_window_options options{
      .rate = quoin::per_second(limit), .form = form, .share_interval = 100ms, .nodes = count};
  std::vector<node> nodes;
  for (std::uint64_t i = 0; i < count; ++i) nodes.push_back(node_of(options, random()));
  node all = node_of(options, random());
  std::uint64_t before = 0;
  for (node& n : nodes) {
    if (random() % 3 < silent) continue;
    before += n.acquire_up_to_at(at(1s), 1 + random() % (limit / count));
    all.merge_at(at(1s), n);
  }
  for (node& n : nodes) n.merge_at(at(1s), all);
  std::vector<std::pair<std::int64_t, std::size_t>> asked;
  for (std::size_t i = 0; i < 2 * nodes.size(); ++i) {
    asked.emplace_back(2 * per + static_cast<std::int64_t>(random() % per), i / 2);
  }
  std::sort(asked.begin(), asked.end());
  std::uint64_t taken = 0, excess = 0;
  for (const auto& [now, who] : asked) {
    taken += nodes[who].acquire_up_to_at(at(nanoseconds(now)), limit);
    const auto left = static_cast<std::uint64_t>(3 * per - now);
    const bool fades = form == shared_form::sliding;
    const std::uint64_t all_of_it = taken + (fades ? (before * left + per - 1) / per : 0);
    excess = std::max(excess, all_of_it - std::min(all_of_it, limit));
  }
  return excess;
}

// The figures of the header. Seeds are fixed, and all of it is integers.
TEST(SharedWindow, SharesOfOneWindowExceedItOnlyByTheSilentAndByFew) {
  std::mt19937_64 random(1);
  const auto over = [&](unsigned silent) {
    std::pair<int, std::uint64_t> windows{0, 0};
    for (int i = 0; i < 600; ++i) {
      const auto form = i % 2 == 0 ? shared_form::fixed : shared_form::sliding;
      const std::uint64_t excess = excess_of_deaf_window(random, form, silent);
      windows.first += excess != 0 ? 1 : 0;
      windows.second = std::max(windows.second, excess);
    }
    return windows;
  };
  using pair = std::pair<int, std::uint64_t>;
  EXPECT_EQ(over(0), pair(0, 0)) << "all know of all";
  EXPECT_EQ(over(1), pair(95, 4)) << "a third was silent";
  EXPECT_EQ(over(3), pair(209, 10)) << "nobody knows of anybody";
}

// --- misfortunes ----------------------------------------------------------------------------------

TEST(SharedWindow, AClockThatIsSetBackLetsNothingInAndForgets) {
  node a({.rate = quoin::per_second(10), .node = 1, .max_backward_step = 1s}, none);
  EXPECT_TRUE(a.try_acquire_at(at(100s), 4));
  EXPECT_EQ(a.try_acquire_at(at(99500ms), 1).remaining, 5u) << "a little back: the same window";
  EXPECT_EQ(a.peek_at(at(50'250ms)).retry_after, 750ms);
  const auto d = a.try_acquire_at(at(50'250ms));
  EXPECT_FALSE(d);
  EXPECT_EQ(d.retry_after, 750ms);
  EXPECT_EQ(d.remaining, 0u);
  EXPECT_EQ(a.acquire_up_to_at(at(50'999ms), 3), 0u);
  EXPECT_EQ(a.acquire_up_to_at(at(51s), 30), 10u);
  for (const auto end : {INT64_MIN, INT64_MAX, INT64_MIN}) {
    a.try_acquire_at(at(nanoseconds(end)));
    a.refund_at(at(nanoseconds(end)));
    EXPECT_LE(a.peek_at(at(nanoseconds(end))).remaining, 10u);
  }
}

TEST(SharedWindow, ANodeThatBeginsAnewReadsBackWhatOthersKnow) {
  const shared_window_options options{.rate = quoin::per_second(10), .node = 5};
  node before(options, none), witness = node_of(options, 6);
  before.try_acquire_at(at(1s), 6);
  witness.merge_at(at(1s), before);
  node after(options, none), stranger = node_of(options, 55);
  EXPECT_EQ(after.merge_at(at(1s), witness), 6u);
  EXPECT_EQ(after.knowledge_at(at(1s)).own, 6u);
  EXPECT_TRUE(after.try_acquire_at(at(1s), 2));
  EXPECT_EQ(witness.merge_at(at(1s), after), 2u);
  EXPECT_TRUE(stranger.try_acquire_at(at(1s), 2));
  EXPECT_EQ(witness.merge_at(at(1s), stranger), 2u) << "or is another node";
  EXPECT_FALSE(witness.try_acquire_at(at(1s)));
}

TEST(SharedWindow, RefusesNodesWithoutRoomAndChangesNothing) {
  const shared_window_options options{.rate = quoin::per_second(10), .max_nodes = 3};
  node a = node_of(options, 1), b = node_of(options, 2);
  for (std::uint64_t id = 10; id < 12; ++id) {
    node other = node_of(options, id);
    other.try_acquire_at(at(1s));
    (id % 2 == 0 ? a : b).merge_at(at(1s), other);
  }
  b.try_acquire_at(at(1s));
  const auto bytes = a.to_bytes();
  EXPECT_THROW(a.merge_at(at(1s), b), std::invalid_argument);
  EXPECT_EQ(a.merge_bytes_at(at(1s), b.to_bytes()).error().code(), quoin::errc::incompatible);
  EXPECT_EQ(a.to_bytes(), bytes);
  EXPECT_EQ(a.peek_at(at(3s)).remaining, 10u);
  EXPECT_TRUE(a.try_acquire_at(at(3s)));
  b.try_acquire_at(at(3s));
  EXPECT_EQ(a.merge_at(at(3s), b), 1u) << "the others were forgotten";
  node coarse({.rate = quoin::per_minute(10)}, none),
      shifted({.rate = {10, 1s}, .offset = 1ms}, none);
  EXPECT_THROW(a.merge_at(at(1s), coarse), std::invalid_argument);
  EXPECT_THROW(a.merge_at(at(1s), shifted), std::invalid_argument);
  for (node* other : {&coarse, &shifted}) {
    EXPECT_EQ(a.merge_bytes_at(at(1s), other->to_bytes()).error().code(),
              quoin::errc::incompatible);
  }
}

// What only its share remembers does not count, and makes room: a thousand nodes of a minute ago
// keep no new one out.
TEST(SharedWindow, SilentNodesKeepNobodyOut) {
  constexpr std::uint64_t most = 8;
  const shared_window_options options{
      .rate = quoin::per_second(1000), .share_interval = 1ns, .max_nodes = most};
  node a = node_of(options, 1'000'000);
  const auto hear_of = [&](int second, std::uint64_t id, std::uint64_t used) {
    node other = node_of(options, id);
    EXPECT_TRUE(other.try_acquire_at(at(std::chrono::seconds(second)), used));
    const auto learned = a.merge_bytes_at(at(std::chrono::seconds(second)), other.to_bytes());
    EXPECT_LE(a.knowledge_at(at(std::chrono::seconds(second))).nodes, most);
    return learned.has_value();
  };
  for (int second = 1; second < 60; ++second) {
    for (std::uint64_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(hear_of(second, static_cast<std::uint64_t>(second) * 3 + i, 100)) << second;
    }
  }
  // Of those that are silent the ones that used least go first, and none of which news have come.
  node b = node_of({.rate = quoin::per_second(1000), .max_nodes = 5}, 0);
  node all = node_of({.rate = quoin::per_second(1000)}, 0);
  const auto told = [&](int second, std::vector<std::pair<std::uint64_t, std::uint64_t>> used) {
    node teller = node_of({.rate = quoin::per_second(1000)}, 99);
    for (const auto& [id, count] : used) {
      node other = node_of(options, id);
      EXPECT_TRUE(other.try_acquire_at(at(std::chrono::seconds(second)), count));
      teller.merge_at(at(std::chrono::seconds(second)), other);
    }
    const auto bytes = teller.to_bytes();
    EXPECT_EQ(b.merge_bytes_at(at(std::chrono::seconds(second)), bytes).has_value(),
              all.merge_bytes_at(at(std::chrono::seconds(second)), bytes).has_value());
  };
  told(1, {{1, 40}, {2, 90}, {3, 10}, {4, 30}});
  told(4, {{3, 7}, {5, 1}, {6, 1}});
  EXPECT_EQ(b.knowledge_at(at(4s)).nodes, 5u) << "itself, 2, 3, 5 and 6";
  EXPECT_EQ(b.knowledge_at(at(4s)).others, 9u);
  EXPECT_EQ(all.knowledge_at(at(4s)).nodes, 7u);
  node fifth = node_of(options, 7);
  fifth.try_acquire_at(at(4s));
  EXPECT_EQ(b.merge_at(at(4s), fifth), 1u) << "in the place of 2";
  // Told of without a count, it is as silent as before.
  node c = node_of({.rate = quoin::per_second(1000), .max_nodes = 2}, 0), two = node_of(options, 1);
  c.merge_at(at(1s), node_of(options, 1));
  EXPECT_TRUE(two.try_acquire_at(at(1s), 64));
  EXPECT_EQ(c.merge_at(at(1s), two), 64u);
  EXPECT_TRUE(fifth.try_acquire_at(at(5s)));
  EXPECT_TRUE(two.try_acquire_at(at(5s)));
  EXPECT_EQ(fifth.merge_at(at(5s), two), 1u);
  EXPECT_EQ(c.merge_bytes_at(at(5s), patched(fifth.to_bytes(), 48, 0)).value(), 2u);
  EXPECT_EQ(c.knowledge_at(at(5s)).nodes, 2u);
  node sixth = node_of(options, 8);
  sixth.try_acquire_at(at(4s));
  EXPECT_THROW(b.merge_at(at(4s), sixth), std::invalid_argument) << "nobody is silent";
}

TEST(SharedWindow, RefusesOptionsOutOfRange) {
  const auto refused = [](const shared_window_options& options) {
    EXPECT_THROW(node(options, none), std::invalid_argument);
  };
  refused({.rate = {1, 0s}});
  refused({.rate = {(std::uint64_t{1} << 62) + 1, 1s}});
  refused({.rate = {1, 1s}, .share_interval = -1ns});
  refused({.rate = {1, 1s}, .nodes = 0});
  refused({.rate = {1, 1s}, .nodes = 11, .max_nodes = 10});
  refused({.rate = {1, 1s}, .max_nodes = 0});
  refused({.rate = {1, 1s}, .max_nodes = (1u << 20) + 1});
  refused({.rate = {1, 1s}, .max_backward_step = -1ns});
  node n({.rate = {1, 1s}}, none);
  EXPECT_THROW(n.set_limit(~std::uint64_t{0}), std::invalid_argument);
}

// --- bytes ----------------------------------------------------------------------------------------

TEST(SharedWindow, KeepsItsBytes) {
  const shared_window_options options{.rate = quoin::per_minute(1000)};
  node a = node_of(options, 0x1122334455667788), b = node_of(options, 3);
  b.try_acquire_at(at(1'700'000'000s), 100);
  a.try_acquire_at(at(1'700'000'000s), 7);
  a.try_acquire_at(at(1'700'000'060s), 9);
  a.merge_at(at(1'700'000'060s), b);
  const auto bytes = a.to_bytes();
  expect_golden("limit/shared_window.bin", bytes);
  const auto heard = [&](std::span<const std::byte> of) {
    node c = node_of(options, 4);
    const auto learned = c.merge_bytes_at(at(1'700'000'060s), of);
    EXPECT_LE(c.peek_at(at(1'700'000'060s)).remaining, 1000u);
    return learned;
  };
  EXPECT_EQ(heard(bytes).value(), 116u);
  for_each_truncation(bytes, [&](auto cut) { EXPECT_FALSE(heard(cut).has_value()); });
  for_each_bit_flip(bytes, [&](auto flipped) { EXPECT_FALSE(heard(flipped).has_value()); });
  // With the right checksum: other counts are good, up to 2^62, and nothing else.
  EXPECT_FALSE(heard(patched(bytes, 8, 0)).has_value());
  EXPECT_FALSE(heard(patched(bytes, 8, 1)).has_value());
  EXPECT_FALSE(heard(patched(bytes, 16, 1)).has_value());
  EXPECT_FALSE(heard(patched(bytes, 32, 1)).has_value());
  EXPECT_EQ(heard(patched(bytes, 32, ~std::uint64_t{0})).error().position(), 32u);
  EXPECT_EQ(heard(with_all_flags(bytes)).error().position(), 5u);
  EXPECT_FALSE(heard(patched(bytes, 40, ~std::uint64_t{0})).has_value()) << "not in order";
  EXPECT_FALSE(heard(patched(bytes, 48, ~std::uint64_t{0})).has_value());
  EXPECT_EQ(heard(patched(bytes, 72, 1u << 31)).value(), (1u << 31) + 107u);
}

}  // namespace
