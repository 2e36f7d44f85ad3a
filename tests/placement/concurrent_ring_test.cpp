// SPDX-License-Identifier: BSL-1.0
#include <quoin/placement/concurrent_ring.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

/// A placement whose memory says whether it is whole: all nodes have the same name.
struct even_ring {
  std::vector<std::uint64_t> names;

  even_ring(std::size_t size, std::uint64_t name) : names(size, name) { ++alive; }
  even_ring(const even_ring& other) : names(other.names) {
    if (copies == 0) throw std::bad_alloc();
    if (copies > 0) --copies;
    ++alive;
  }
  even_ring(even_ring&& other) noexcept : names(std::move(other.names)) { ++alive; }
  even_ring& operator=(const even_ring&) = default;
  even_ring& operator=(even_ring&&) = default;
  ~even_ring() { --alive; }

  [[nodiscard]] std::size_t size() const { return names.size(); }
  [[nodiscard]] const std::uint64_t& owner_of_hash(std::uint64_t hash) const {
    return names.at(static_cast<std::size_t>(hash % (names.empty() ? 1 : names.size())));
  }
  [[nodiscard]] const std::uint64_t& owner(int key) const {
    return owner_of_hash(static_cast<std::uint64_t>(key));
  }

  static inline std::atomic<int> alive = 0;
  static inline int copies = -1;  // those still possible, if not below 0
};

using ring = quoin::concurrent_ring<even_ring>;

TEST(ConcurrentRing, IsWhereThreadsLeaveIt) {
  static_assert(!std::is_copy_constructible_v<ring> && !std::is_move_constructible_v<ring>);
  static_assert(std::is_move_constructible_v<ring::reader> &&
                !std::is_copy_constructible_v<ring::reader>);
  static_assert(std::is_same_v<ring::node_type, std::uint64_t>);
}

TEST(ConcurrentRing, GivesTheLastOnePublished) {
  ring r(even_ring(3, 7));
  EXPECT_EQ(r.owner(1), 7u);
  EXPECT_EQ(r.generation(), 0u);
  r.publish(even_ring(4, 8));
  EXPECT_EQ(r.owner_of_hash(2), 8u);
  EXPECT_EQ(r.snapshot().size(), 4u);
  EXPECT_EQ(r.previous().names, even_ring(3, 7).names);
  r.update([](even_ring& next) { next.names.assign(5, next.names[0] + 1); });
  EXPECT_EQ(r.owner(0), 9u);
  EXPECT_EQ(r.generation(), 2u);
  EXPECT_EQ(r.read()->size(), 5u);
}

TEST(ConcurrentRing, KeepsGenerations) {
  ring r(even_ring(1, 0), {.generations = 3});
  EXPECT_EQ(r.read().generations(), 1u);
  EXPECT_THROW(static_cast<void>(r.previous()), std::invalid_argument);
  r.publish(even_ring(1, 1));
  EXPECT_EQ(r.recent_owners(0), (std::vector<std::uint64_t>{1, 0}));
  r.publish(even_ring(0, 2));
  EXPECT_EQ(r.recent_owners(0), (std::vector<std::uint64_t>{1, 0})) << "one is empty";
  r.publish(even_ring(1, 1));
  EXPECT_EQ(r.recent_owners_of_hash(0), (std::vector<std::uint64_t>{1})) << "each once";
  EXPECT_EQ(r.read().generations(), 3u);
  EXPECT_EQ(r.previous(1).size(), 0u);
  EXPECT_EQ(r.previous(2).names[0], 1u);
  EXPECT_THROW(static_cast<void>(r.previous(3)), std::invalid_argument);
  ring only(even_ring(1, 0), {.generations = 1});
  only.publish(even_ring(1, 1));
  EXPECT_EQ(only.recent_owners(0), (std::vector<std::uint64_t>{1}));
}

TEST(ConcurrentRing, RefusesToKeepNoneOrTooMany) {
  EXPECT_THROW(ring(even_ring(1, 0), {.generations = 0}), std::invalid_argument);
  EXPECT_THROW(ring(even_ring(1, 0), {.generations = 1025}), std::invalid_argument);
}

TEST(ConcurrentRing, StaysAsItWasWhenAChangeFails) {
  ring r(even_ring(2, 5));
  EXPECT_THROW(r.update([](even_ring& next) {
    next.names.clear();
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(r.owner(0), 5u);
  EXPECT_EQ(r.generation(), 0u);
  r.publish(even_ring(2, 6));  // the lock was given back
  EXPECT_EQ(r.owner(0), 6u);
  // No memory for the first copy of a ring, for the second, …
  for (int copies = 0; r.generation() < 2; ++copies) {
    even_ring::copies = copies;
    try {
      r.update([](even_ring& next) { next.names[0] = 7; });
    } catch (const std::bad_alloc&) {
    }
    even_ring::copies = -1;
    EXPECT_EQ(r.read()->names[0], copies < 2 ? 6u : 7u) << copies;
    EXPECT_EQ(r.previous().names[0], copies < 2 ? 5u : 6u) << copies;
  }
  const ring none(even_ring(0, 0));
  EXPECT_THROW(static_cast<void>(none.owner(0)), std::out_of_range);
}

TEST(ConcurrentRing, AReadingKeepsItsRing) {
  even_ring::alive = 0;
  {
    ring r(even_ring(3, 1), {.generations = 1});
    const ring other(even_ring(3, 5));  // a late reading of `r` might be waited for, too
    auto first = r.read();
    auto moved = std::move(first);
    std::thread publisher([&] { r.publish(even_ring(3, 2)); });
    while (r.owner(0) != 2) std::this_thread::yield();
    EXPECT_EQ(moved->owner(0), 1u) << "the publisher waits";
    EXPECT_EQ(moved.generation(), 0u);
    {
      auto second = other.read();
      std::swap(moved, second);  // the reading of the first ends here
    }
    publisher.join();
    EXPECT_EQ(moved->owner(0), 5u);
    EXPECT_EQ(r.owner(0), 2u);
    EXPECT_EQ(even_ring::alive, 2) << "the first is freed";
  }
  EXPECT_EQ(even_ring::alive, 0);
}

// Readers see whole rings, in the order of their publication, and each a ring at least as new as
// what was published when they began.
TEST(ConcurrentRing, ReadersGoOnDuringTenThousandPublications) {
  constexpr std::uint64_t publications = 10'000;
  even_ring::alive = 0;
  {
    ring r(even_ring(8, 0));
    std::atomic<std::uint64_t> published = 0;
    std::atomic<bool> failed = false;
    const auto reading = [&] {
      for (std::uint64_t last = 0; last < publications; std::this_thread::yield()) {
        const std::uint64_t least = published.load();
        const auto now = r.read();
        const std::uint64_t name = now->owner_of_hash(0);
        bool whole = name >= least && name >= last && now.generation() == name;
        for (const std::uint64_t other : now->names) whole = whole && other == name;
        if (name > 0) whole = whole && now.previous().owner_of_hash(5) == name - 1;
        if (!whole) failed = true;
        last = name;
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back(reading);
    for (std::uint64_t i = 1; i <= publications; ++i) {
      r.publish(even_ring(8, i));
      published = i;
    }
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(failed);
    EXPECT_EQ(even_ring::alive, 2) << "all but two are freed";
  }
  EXPECT_EQ(even_ring::alive, 0);
}

TEST(ConcurrentRing, LosesNoUpdate) {
  constexpr std::uint64_t threads = 4, updates = 500;
  ring r(even_ring(4, 0));
  std::vector<std::thread> pool;
  for (std::uint64_t t = 0; t < threads; ++t) {
    pool.emplace_back([&] {
      for (std::uint64_t i = 0; i < updates; ++i) {
        r.update([](even_ring& next) { next.names.assign(4, next.names[0] + 1); });
      }
    });
  }
  for (auto& thread : pool) thread.join();
  EXPECT_EQ(r.owner(0), threads * updates);
  EXPECT_EQ(r.generation(), threads * updates);
}

}  // namespace
