// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/balancer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using quoin::balance;
using servers = quoin::balancer<>;
using numbers = quoin::balancer<std::uint32_t>;

static_assert(!std::is_move_constructible_v<servers> && !std::is_copy_constructible_v<servers>);

std::vector<quoin::weighted_node<std::uint32_t>> numbered(std::uint32_t n) {
  std::vector<quoin::weighted_node<std::uint32_t>> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back({i, 1});
  return all;
}

std::string turns(servers& all, int n) {
  std::string names;
  for (int i = 0; i < n; ++i) names += all.acquire().node();
  return names;
}

TEST(Balancer, GoesRound) {
  servers all({{"b"}, {"a"}, {"c", 7}}, {.policy = balance::round_robin});
  EXPECT_EQ(turns(all, 7), "abcabca");
}

// The example of nginx' change that made the order smooth: 5, 1, 1.
TEST(Balancer, GoesRoundByWeightAsNginxDoes) {
  servers all({{"a", 5}, {"b"}, {"c"}}, {.policy = balance::weighted_round_robin});
  EXPECT_EQ(turns(all, 14), "aabacaaaabacaa");
  servers scaled({{"a", 500'000}, {"b", 100'000}, {"c", 100'000}},
                 {.policy = balance::weighted_round_robin});
  EXPECT_EQ(turns(scaled, 7), "aabacaa");
  servers alike({{"a", 3}, {"b", 3}}, {.policy = balance::weighted_round_robin});
  EXPECT_EQ(turns(alike, 4), "abab");
}

TEST(Balancer, TakesTheNodeWithTheLeastInFlight) {
  servers all({{"a"}, {"b"}, {"c", 2}}, {.policy = balance::least_connections});
  std::vector<servers::lease> held;
  for (int i = 0; i < 400; ++i) held.push_back(all.acquire());
  EXPECT_EQ(all.in_flight(0), 100u);
  EXPECT_EQ(all.in_flight(1), 100u);
  EXPECT_EQ(all.in_flight(2), 200u);
  std::erase_if(held, [](const auto& lease) { return lease.node() == "b"; });
  for (int i = 0; i < 100; ++i) {
    held.push_back(all.acquire());
    EXPECT_EQ(held.back().node(), "b");
  }
  // Of nodes alike each gets its turn, also when requests end before the next one comes.
  numbers idle(numbered(5), {.policy = balance::least_connections});
  std::vector<int> count(5);
  for (int i = 0; i < 50; ++i) ++count[idle.acquire().index()];
  EXPECT_EQ(count, std::vector<int>(5, 10));
}

// 10,000 balls into 100 bins: the fullest has log log 100 / log 2 + O(1) above the mean of 100, where
// one random choice would give about 100 + 2.6·10. Twelve above is beyond what theory expects by far.
TEST(Balancer, TwoChoicesAreNearlyAsGoodAsAll) {
  for (const std::uint64_t seed : {0u, 1u, 2u}) {
    numbers all(numbered(100), {.policy = balance::two_choices, .seed = seed});
    std::vector<numbers::lease> held;
    for (int i = 0; i < 10'000; ++i) held.push_back(all.acquire());
    std::size_t most = 0;
    for (std::uint32_t i = 0; i < 100; ++i) most = std::max(most, all.in_flight(i));
    EXPECT_LE(most, 112u);
  }
  numbers two(numbered(2), {.policy = balance::two_choices});
  const auto first = two.acquire(), second = two.acquire();
  EXPECT_NE(first.index(), second.index());
  numbers one(numbered(1), {.policy = balance::two_choices});
  EXPECT_EQ(one.acquire().index(), 0u);
}

TEST(Balancer, LeasesCountOnce) {
  servers all({{"a"}, {"b"}}, {.policy = balance::round_robin});
  auto one = all.acquire();
  servers::lease two(std::move(one));
  EXPECT_TRUE(!one && two);  // NOLINT: it is of no node now
  EXPECT_EQ(all.in_flight(0), 1u);
  two = all.acquire();
  EXPECT_EQ(all.in_flight(0), 0u);
  EXPECT_EQ(all.in_flight(1), 1u);
  two.release();
  two.release();
  EXPECT_EQ(all.in_flight(1), 0u);
}

TEST(Balancer, RefusesWhatCannotBe) {
  using list = std::vector<quoin::weighted_node<std::string>>;
  EXPECT_THROW(servers(list{}), std::invalid_argument);
  EXPECT_THROW(servers(list{{"a"}, {"a"}}), std::invalid_argument);
  EXPECT_THROW(servers(list{{"a", 0}}), std::invalid_argument);
  const list uneven{{"a", 1u << 20}, {"b", 1}};
  EXPECT_THROW(servers(uneven, {.policy = balance::weighted_round_robin}), std::invalid_argument);
  EXPECT_EQ(servers(uneven).size(), 2u);
  EXPECT_THROW(servers(uneven, {.policy = static_cast<balance>(4)}), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(servers(uneven).in_flight(2)), std::invalid_argument);
}

// --- threads --------------------------------------------------------------------------------------

template <class F>
void in_threads(F f) {
  constexpr int threads = 4;
  std::barrier start(threads);
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      start.arrive_and_wait();
      f(t);
    });
  }
  for (auto& thread : pool) thread.join();
}

TEST(Balancer, TurnsAreSharedOutExactlyAmongThreads) {
  numbers all(numbered(7), {.policy = balance::round_robin});
  std::vector<std::vector<numbers::lease>> held(4);
  in_threads([&](int t) {
    for (int i = 0; i < 700; ++i) held[static_cast<std::size_t>(t)].push_back(all.acquire());
  });
  for (std::uint32_t i = 0; i < 7; ++i) EXPECT_EQ(all.in_flight(i), 400u);
}

TEST(Balancer, LosesNoRequestInFlight) {
  for (const auto policy : {balance::least_connections, balance::two_choices}) {
    quoin::balancer<std::uint32_t> all(numbered(5), {.policy = policy});
    in_threads([&](int) {
      std::vector<quoin::balancer<std::uint32_t>::lease> held(10);
      for (std::size_t i = 0; i < 2000; ++i) held[i % 10] = all.acquire();
    });
    for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(all.in_flight(i), 0u);
  }
}

}  // namespace
