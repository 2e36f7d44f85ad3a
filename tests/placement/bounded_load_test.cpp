// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/bounded_load.hpp>

#include <quoin/placement/hash_ring.hpp>
#include <quoin/placement/maglev_table.hpp>
#include <quoin/placement/rendezvous.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using table = quoin::maglev_table<std::uint32_t>;
using bounded = quoin::bounded_load<table>;

static_assert(quoin::placement<bounded>);
static_assert(!std::is_move_constructible_v<bounded> && !std::is_copy_constructible_v<bounded>);
static_assert(std::is_nothrow_move_assignable_v<bounded::token>);

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 15}(i); }

table nodes(std::uint32_t n, std::uint32_t weights = 1) {
  std::vector<quoin::weighted_node<std::uint32_t>> all;
  for (std::uint32_t i = 0; i < n; ++i) all.push_back({i, 1 + i % weights});
  return table(all, {.table_size = 1009});
}

/// A placement with nothing but what the concept asks.
struct bare {
  std::vector<std::string> names;
  [[nodiscard]] std::size_t size() const { return names.size(); }
  [[nodiscard]] const std::vector<std::string>& nodes() const { return names; }
  [[nodiscard]] const std::string& owner_of_hash(std::uint64_t hash) const {
    return names[static_cast<std::size_t>(hash % names.size())];
  }
};
static_assert(quoin::placement<bare>);

/// The same, but that its list of nodes is gone at once.
struct fleeting : bare {
  [[nodiscard]] std::vector<std::string> nodes() const { return names; }
};
static_assert(quoin::detail::lasting_nodes<bare> && quoin::detail::lasting_nodes<table>);
static_assert(quoin::placement<fleeting> && !quoin::detail::lasting_nodes<fleeting>);

/// The same with weights of the caller's.
struct weighed : bare {
  std::vector<std::uint64_t> all;
  [[nodiscard]] const std::vector<std::uint64_t>& weights() const { return all; }
};

/// The same with weights as a ring has them, in tokens.
struct tokened : bare {
  [[nodiscard]] std::uint32_t virtual_nodes_of(const std::string& node) const {
    return node == "a" ? 160 : 480;
  }
};
static_assert(requires(const quoin::hash_ring<>& ring, const tokened& like_it) {
  ring.virtual_nodes_of(like_it.nodes()[0]);
});

/// The same, but that something happens before it answers.
struct meddled : bare {
  static inline std::function<void()> meanwhile;
  [[nodiscard]] const std::string& owner_of_hash(std::uint64_t hash) const {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    return bare::owner_of_hash(hash);
  }
};

TEST(BoundedLoad, AKeyGoesHomeWhileThereIsRoom) {
  bounded load(nodes(10), {.epsilon = 0.25});
  const table plain = nodes(10);
  std::vector<bounded::token> held;
  std::size_t at_home = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    held.push_back(load.acquire_hash(random_number(i)));
    at_home += held.back().node() == plain.owner_of_hash(random_number(i));
  }
  EXPECT_GT(at_home, 900u);
  EXPECT_EQ(load.total_load(), 1000u);
  held.clear();
  EXPECT_EQ(load.total_load(), 0u);
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(load.load(i), 0u);
}

// At every moment of filling up, with keys spread evenly and with one key only.
TEST(BoundedLoad, NoNodeExceedsItsBound) {
  for (const double epsilon : {0.001, 0.1, 0.25, 1.0, 100.0}) {
    for (const std::uint32_t weights : {1u, 3u}) {
      for (const bool hot : {false, true}) {
        bounded load(nodes(12, weights), {.epsilon = epsilon});
        double total_weight = 0;
        for (const auto weight : load.placement().weights()) total_weight += weight;
        for (std::uint64_t m = 1; m <= 600; ++m) {
          const auto i = load.acquire_index_of_hash(hot ? 7 : random_number(m));
          const double share = load.placement().weights()[i] / total_weight;
          const auto most = std::ceil((1 + epsilon) * share * static_cast<double>(m) * (1 + 1e-12));
          ASSERT_LE(static_cast<double>(load.load(i)), most) << epsilon << ' ' << m;
          ASSERT_EQ(load.total_load(), m);
        }
      }
    }
  }
}

TEST(BoundedLoad, CapacitiesAreRoundedUpAndComeToEnough) {
  for (const std::uint32_t n : {1u, 3u, 7u, 100u}) {
    const bounded load(nodes(n), {.epsilon = 0.1});
    for (std::size_t total = 1; total < 400; ++total) {
      std::size_t all = 0;
      for (std::uint32_t i = 0; i < n; ++i) all += load.capacity(i, total);
      ASSERT_GE(all, total);
      // 0.1 is rounded down to a multiple of 2^-20; the fraction is never that near to an integer.
      ASSERT_EQ(load.capacity(0, total), (total * 1153433 + n * 1048576u - 1) / (n * 1048576u));
    }
  }
}

TEST(BoundedLoad, CapacitiesEndWithTheirType) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  const bounded one(nodes(1), {.epsilon = 100});
  EXPECT_EQ(one.capacity(0, most), most);
  EXPECT_EQ(one.capacity(0, most / 101 + 1), most);
  EXPECT_EQ(one.capacity(0, most / 101), most / 101 * 101);
  EXPECT_EQ(bounded(nodes(2), {.epsilon = 1}).capacity(0, most), most);
}

TEST(BoundedLoad, TakesTheWeightsOfThePlacement) {
  const quoin::bounded_load<tokened> of_ring({{{"a", "b"}}}, {.epsilon = 0.5});
  EXPECT_EQ(of_ring.capacity(0, 80), 30u);
  EXPECT_EQ(of_ring.capacity(1, 80), 90u);
  // Together more than 2^32, as those of a ketama_ring may be.
  const std::uint64_t half = std::uint64_t{1} << 62;
  const quoin::bounded_load<weighed> large({{{"a", "b"}}, {half, half - 1}}, {.epsilon = 0.5});
  EXPECT_EQ(large.capacity(0, 100), 75u);
  EXPECT_EQ(large.capacity(1, 100), 75u);
  // A node without weight gets nothing.
  quoin::bounded_load<weighed> load({{{"a", "b"}}, {0, 1}});
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(load.acquire_index_of_hash(i), 1u);
  using weights = std::vector<std::uint64_t>;
  for (const auto& bad : {weights{0, 0}, weights{half, half}, weights{1, ~std::uint64_t{0}}}) {
    EXPECT_THROW(quoin::bounded_load<weighed>(weighed{{{"a", "b"}}, bad}), std::invalid_argument);
  }
}

// Tokens given back by others between the count of all and the look at the node.
TEST(BoundedLoad, IsBoundedWhenOthersGiveBackMeanwhile) {
  quoin::bounded_load<meddled> load({{{"a", "b", "c", "d", "e"}}}, {.epsilon = 0.1});
  std::vector<quoin::bounded_load<meddled>::token> held;
  for (std::uint64_t i = 0; i < 500; ++i) held.push_back(load.acquire_hash(i));
  meddled::meanwhile = [&] {
    std::erase_if(held, [](const auto& token) { return token.index() != 2; });
  };
  const auto token = load.acquire_hash(2);
  EXPECT_EQ(load.load(2), 100u) << "is full";
  EXPECT_NE(token.index(), 2u);
  EXPECT_EQ(load.total_load(), 101u);
}

TEST(BoundedLoad, ALookupThatThrowsTakesNoToken) {
  quoin::bounded_load<meddled> load({{{"a", "b", "c"}}});
  meddled::meanwhile = [] { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(load.acquire_hash(2)), std::runtime_error);
  EXPECT_EQ(load.total_load(), 0u);
}

TEST(BoundedLoad, GivesBackWhatWasTakenOnly) {
  bounded load(nodes(3));
  EXPECT_THROW(load.release_index(0), std::invalid_argument);
  EXPECT_THROW(load.release_index(3), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(load.load(3)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(load.capacity(3, 1)), std::invalid_argument);
  const std::uint32_t index = load.acquire_index_of_hash(5);
  load.release_index(index);
  EXPECT_THROW(load.release_index(index), std::invalid_argument);
  {
    const auto token = load.acquire_hash(5);
    load.release_index(token.index());  // a token that has an owner: given back twice, counted once
  }
  EXPECT_EQ(load.total_load(), 0u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(load.load(i), 0u);
}

TEST(BoundedLoad, OverflowsTheSameWayEachTime) {
  std::vector<std::uint32_t> first;
  for (int round = 0; round < 2; ++round) {
    bounded load(nodes(10), {.epsilon = 0.1});
    std::vector<std::uint32_t> went;
    for (std::uint64_t i = 0; i < 500; ++i) {
      const std::uint64_t hash = random_number(i % 20);
      const std::uint32_t would = load.owner_of_hash(hash);
      went.push_back(load.acquire_index_of_hash(hash));
      ASSERT_EQ(load.placement().nodes()[went.back()], would);
    }
    if (round == 0) first = went;
    EXPECT_EQ(went, first);
  }
  // A hot key spreads over all nodes, evenly.
  bounded load(nodes(10), {.epsilon = 0.1});
  for (int i = 0; i < 1000; ++i) static_cast<void>(load.acquire_index_of_hash(42));
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_GE(load.load(i), 1u);
}

TEST(BoundedLoad, TokensCountOnce) {
  bounded load(nodes(3));
  auto one = load.acquire("key");
  EXPECT_TRUE(one);
  EXPECT_EQ(one.node(), load.placement().nodes()[one.index()]);
  bounded::token two(std::move(one));
  EXPECT_FALSE(one);  // NOLINT: it is of no node now
  EXPECT_EQ(load.total_load(), 1u);
  two = load.acquire("key");
  EXPECT_EQ(load.total_load(), 1u);
  auto& same = two;
  two = std::move(same);
  EXPECT_TRUE(two);
  two.release();
  two.release();
  EXPECT_EQ(load.total_load(), 0u);
  load.release_index(load.acquire_index_of_hash(5));
  EXPECT_EQ(load.total_load(), 0u);
  EXPECT_EQ(load.owner("key"), load.placement().owner("key"));
}

TEST(BoundedLoad, TakesAnyPlacement) {
  quoin::bounded_load<bare> load(bare{{"a", "b", "c"}}, {.epsilon = 0.001});
  std::vector<quoin::bounded_load<bare>::token> held;
  for (int i = 0; i < 9; ++i) held.push_back(load.acquire_hash(1));
  EXPECT_EQ(held.front().node(), "b");
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_LE(load.load(i), 4u);
  quoin::bounded_load router(quoin::rendezvous<>({{"a"}, {"b", 3}}), {.epsilon = 0.5});
  EXPECT_EQ(router.capacity(1, 80), 90u);
  EXPECT_EQ(router.size(), 2u);
  EXPECT_EQ(router.nodes()[1], "b");
}

TEST(BoundedLoad, RefusesWhatCannotBe) {
  for (const double epsilon : {0.0, -1.0, 0.0009, 101.0, std::nan("")}) {
    EXPECT_THROW(bounded(nodes(3), {.epsilon = epsilon}), std::invalid_argument) << epsilon;
  }
  EXPECT_THROW(bounded(nodes(0)), std::invalid_argument);
}

// --- threads --------------------------------------------------------------------------------------

constexpr std::uint32_t threads = 4;

template <class F>
void in_threads(F f) {
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> pool;
  for (std::uint32_t t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      start.arrive_and_wait();
      f(t);
    });
  }
  for (auto& thread : pool) thread.join();
}

TEST(BoundedLoad, IsBoundedWhenThreadsFillIt) {
  bounded load(nodes(9, 3), {.epsilon = 0.1});
  in_threads([&](std::uint32_t t) {
    for (std::uint64_t i = 0; i < 3000; ++i) {
      static_cast<void>(
          load.acquire_index_of_hash(random_number(i % 5 == 0 ? 0 : threads * i + t)));
    }
  });
  EXPECT_EQ(load.total_load(), 3000u * threads);
  std::size_t sum = 0;
  for (std::uint32_t i = 0; i < 9; ++i) {
    EXPECT_LE(load.load(i), load.capacity(i, load.total_load()));
    sum += load.load(i);
  }
  EXPECT_EQ(sum, load.total_load());
}

TEST(BoundedLoad, IsBoundedWhileTokensComeAndGo) {
  bounded load(nodes(5), {.epsilon = 0.1});
  constexpr std::size_t held_by_each = 50;
  in_threads([&](std::uint32_t t) {
    std::vector<bounded::token> held(held_by_each);
    for (std::size_t i = 0; i < 5000; ++i) {
      auto& slot = held[i % held_by_each];
      slot.release();
      slot = load.acquire_hash(random_number(i % 3 == 0 ? 1 : threads * std::uint64_t{i} + t));
      EXPECT_LE(load.load(slot.index()), load.capacity(slot.index(), threads * held_by_each));
    }
  });
  EXPECT_EQ(load.total_load(), 0u);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(load.load(i), 0u);
}

}  // namespace
