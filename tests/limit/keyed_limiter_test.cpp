// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/keyed_limiter.hpp>

#include <gtest/gtest.h>

#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = quoin::manual_clock;
using time_point = clock_type::time_point;
/// The verbs that are asked most, compiled once: they are made to be inlined, and hundreds of them are
/// too many for a compiler.
template <class Limiter>
struct called : Limiter {
  using Limiter::Limiter;
  using time_point = typename Limiter::time_point;
  using number = std::uint64_t;

  [[gnu::noinline]] auto try_acquire_at(time_point now, number key, number cost = 1) {
    return Limiter::try_acquire_at(now, key, cost);
  }
  [[gnu::noinline]] auto acquire_up_to_at(time_point now, number key, number cost) {
    return Limiter::acquire_up_to_at(now, key, cost);
  }
  [[gnu::noinline]] auto peek_at(time_point now, number key, number cost = 1) const {
    return Limiter::peek_at(now, key, cost);
  }
  [[gnu::noinline]] auto debit_at(time_point now, number key, number cost) {
    return Limiter::debit_at(now, key, cost);
  }
  [[gnu::noinline]] auto reserve_at(time_point now, number key, number cost,
                                    std::chrono::nanoseconds max_wait = quoin::never) {
    return Limiter::reserve_at(now, key, cost, max_wait);
  }
};
using exact = called<quoin::keyed_limiter<std::uint64_t, clock_type>>;
using compact = called<quoin::compact_keyed_limiter<std::uint64_t, clock_type>>;
using quoin::limit_reason;
using quoin::when_full;

const clock_type clock_at_zero;
constexpr time_point start{std::chrono::hours(1000)};

constexpr quoin::keyed_limiter_options usual{
    .rate = {10, 1s}, .burst = 3, .capacity = 1000, .seed = 1, .own_quotas = 4};

template <class Limiter>
class KeyedLimiter : public testing::Test {};
using both = testing::Types<exact, compact>;
TYPED_TEST_SUITE(KeyedLimiter, both);

/// A tick of either, in the usual options: the slack of a bucket that begins to be used.
template <class Limiter>
constexpr auto tick = std::is_same_v<Limiter, exact> ? 0ns : 60us;

TYPED_TEST(KeyedLimiter, LimitsEachKey) {
  TypeParam limiter(usual, clock_at_zero);
  const auto first = limiter.try_acquire_at(start, 1, 2);
  EXPECT_TRUE(first && first.limit == 3 && first.retry_after == 0ns);
  const time_point next = start + tick<TypeParam>;
  EXPECT_TRUE(limiter.try_acquire_at(next, 1));
  const auto refused = limiter.try_acquire_at(next, 1, 2);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.reason, limit_reason::limited);
  EXPECT_LE(refused.retry_after, 200ms);
  EXPECT_GE(refused.retry_after, 200ms - 2 * tick<TypeParam>);
  EXPECT_FALSE(limiter.peek_at(next + refused.retry_after - 1ns, 1, 2));
  EXPECT_TRUE(limiter.peek_at(next + refused.retry_after, 1, 2));
  EXPECT_EQ(limiter.time_until_at(next, 1, 2), refused.retry_after);
  EXPECT_TRUE(limiter.try_acquire_at(next, 2, 3));  // another key
  EXPECT_EQ(limiter.count_at(next), 2u);
  const auto beyond = limiter.try_acquire_at(next, 3, 4);
  EXPECT_EQ(beyond.reason, limit_reason::cost_above_limit);
  EXPECT_EQ(beyond.retry_after, quoin::never);
  EXPECT_TRUE(limiter.try_acquire_at(next, 1, 0));
  const auto done = limiter.statistics();
  EXPECT_EQ(done, (quoin::keyed_limiter_statistics{4, 2, 2, 0, 0, 0}));
}

TYPED_TEST(KeyedLimiter, GivesBackLendsAndForgets) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_EQ(limiter.acquire_up_to_at(start, 1, 9), 3u);
  const time_point now = start + tick<TypeParam>;
  EXPECT_EQ(limiter.acquire_up_to_at(now, 1, 9), 0u);
  limiter.refund_at(now, 1, 2);
  EXPECT_EQ(limiter.peek_at(now, 1).remaining, 2u);
  EXPECT_TRUE(limiter.debit_at(now, 1, 4));
  EXPECT_EQ(limiter.debit_at(now, 1, 2).reason, limit_reason::debt_above_limit);
  EXPECT_EQ(limiter.debit_at(now, 1, 7).retry_after, quoin::never);
  limiter.refund_at(now, 1, 100);
  EXPECT_EQ(limiter.count_at(now), 0u);
  const auto soon = limiter.reserve_at(now, 1, 3);
  EXPECT_TRUE(soon && soon.wait == 0ns && soon.cost == 3);
  const time_point later = now + tick<TypeParam>;
  EXPECT_EQ(limiter.reserve_at(later, 1, 1, 50ms).reason, limit_reason::limited);
  const auto waits = limiter.reserve_at(later, 1, 2);
  EXPECT_TRUE(waits && waits.wait <= 200ms && waits.wait > 199ms);
  limiter.cancel_at(later, 1, waits);
  EXPECT_TRUE(limiter.try_acquire_at(later + 100ms, 1));
  EXPECT_FALSE(limiter.try_acquire_at(later + 100ms, 1));
  limiter.reset(1);
  EXPECT_TRUE(limiter.try_acquire_at(later + 100ms, 1, 3));
  limiter.try_acquire_at(later, 2);
  limiter.clear();
  EXPECT_EQ(limiter.count_at(later), 0u);
}

TYPED_TEST(KeyedLimiter, TakesQuotasOfKeysOfTheirOwn) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_TRUE(limiter.set_quota(7, {100, 1s}, 50));
  EXPECT_TRUE(limiter.set_quota(8, {0, 1s}));
  EXPECT_TRUE(limiter.set_quota(9, {1, 1s}) && limiter.set_quota(10, {1, 1s}));
  EXPECT_FALSE(limiter.set_quota(11, {1, 1s}));
  EXPECT_TRUE(limiter.set_quota(10, {2, 1s}));
  EXPECT_TRUE(limiter.try_acquire_at(start, 7, 50));
  EXPECT_EQ(limiter.try_acquire_at(start, 8).reason, limit_reason::no_rate);
  EXPECT_TRUE(limiter.try_acquire_at(start, 10, 2));
  EXPECT_TRUE(limiter.try_acquire_at(start, 1, 3));
  const auto passed = std::make_unique<bool[]>(3);
  limiter.try_acquire_many(std::vector<std::uint64_t>{8, 9, 2}, start, std::span(passed.get(), 3));
  EXPECT_TRUE(!passed[0] && passed[1] && passed[2]);
  EXPECT_TRUE(limiter.clear_quota(7) && limiter.clear_quota(9) && limiter.clear_quota(8));
  EXPECT_FALSE(limiter.clear_quota(7));
  EXPECT_EQ(limiter.peek_at(start, 7).limit, 3u);
  EXPECT_EQ(limiter.peek_at(start, 10).limit, 2u);
  EXPECT_TRUE(limiter.try_acquire_at(start, 8));
}

TYPED_TEST(KeyedLimiter, GoesOnEmptyWhereTheClockWasSetBack) {
  for (const std::chrono::minutes back : {5min, 18000min}) {
    TypeParam limiter(usual, clock_at_zero);
    EXPECT_TRUE(limiter.try_acquire_at(start, 1));
    const time_point now = start - back;
    EXPECT_EQ(limiter.peek_at(now, 1).remaining, 0u);
    EXPECT_FALSE(limiter.try_acquire_at(now, 1));
    EXPECT_TRUE(limiter.try_acquire_at(now + 101ms, 1));  // a token has come back since
    EXPECT_FALSE(limiter.try_acquire_at(now + 101ms, 1));
    EXPECT_TRUE(limiter.try_acquire_at(now + 500ms, 1, 3));
  }
}

TYPED_TEST(KeyedLimiter, RefusesAKeyOnceAfterMostOfATurnOfItsRing) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_TRUE(limiter.try_acquire_at(start, 1));
  for (int days = 200; days < 100'000; days += 20) {
    const time_point now = start + days * 24h;
    if (!limiter.try_acquire_at(now, 1)) {
      EXPECT_TRUE(limiter.try_acquire_at(now + 400ms, 1, 3)) << days;
    }
    limiter.reset(1);
    EXPECT_TRUE(limiter.try_acquire_at(start, 1));
  }
}

TYPED_TEST(KeyedLimiter, TakesARefundOfOldForNothingElse) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_TRUE(limiter.try_acquire_at(start, 1));
  const time_point now = start + 400s;
  EXPECT_TRUE(limiter.try_acquire_at(now, 1, 3));
  limiter.refund_at(start, 1, 1);
  EXPECT_EQ(limiter.acquire_up_to_at(now + tick<TypeParam>, 1, 9), 1u);
}

TYPED_TEST(KeyedLimiter, IsReconfigured) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_TRUE(limiter.try_acquire_at(start, 1, 3));
  limiter.reconfigure({20, 1s}, 6);
  EXPECT_EQ(limiter.options().burst, 6u);
  const time_point now = start + tick<TypeParam>;
  EXPECT_EQ(limiter.acquire_up_to_at(now, 1, 9), 0u);  // full in 300 ms, as before
  EXPECT_EQ(limiter.acquire_up_to_at(now + 150ms, 1, 9), 3u);
  EXPECT_THROW(limiter.reconfigure({1, 0s}), std::invalid_argument);
  EXPECT_EQ(limiter.peek_at(now, 2).limit, 6u);
  limiter.reconfigure({0, 1s});
  EXPECT_EQ(limiter.try_acquire_at(now, 2).reason, limit_reason::no_rate);
}

TYPED_TEST(KeyedLimiter, NeverBringsTokensBackWithTheClock) {
  TypeParam limiter(usual, clock_at_zero);
  EXPECT_TRUE(limiter.try_acquire_at(start, 1, 3));
  EXPECT_FALSE(limiter.try_acquire_at(start - 30s, 1));
  EXPECT_GT(limiter.peek_at(start - 30s, 1).retry_after, 30s);
  const auto anew = limiter.peek_at(start - 120s, 1, 2);  // empty, from there
  EXPECT_TRUE(!anew && anew.retry_after <= 200ms && anew.retry_after > 199ms);
  EXPECT_TRUE(limiter.try_acquire_at(time_point::min(), 2, 3));
  EXPECT_TRUE(limiter.try_acquire_at(time_point::max(), 3, 3));
  EXPECT_FALSE(limiter.try_acquire_at(time_point::max(), 3, 3));
}

TYPED_TEST(KeyedLimiter, RefusesBadOptions) {
  const auto refuses = [](auto change) {
    auto options = usual;
    change(options);
    EXPECT_THROW(TypeParam(options, clock_at_zero), std::invalid_argument);
  };
  refuses([](auto& o) { o.capacity = 0; });
  refuses([](auto& o) { o.capacity = ~std::uint64_t{0}; });
  refuses([](auto& o) { o.rate.per = 0s; });
  refuses([](auto& o) { o.rate.count = ~std::uint64_t{0}; });
  refuses([](auto& o) { o.rate.count = 0; });
  refuses([](auto& o) { o.burst = ~std::uint64_t{0}; });
  refuses([](auto& o) { o.own_quotas = ~std::uint64_t{0}; });
  refuses([](auto& o) { o.max_backward_step = -1ns; });
  TypeParam usual_one(usual, clock_at_zero);
  EXPECT_THROW(usual_one.reconfigure({1, 1s}, std::uint64_t{1} << 57), std::invalid_argument);
  EXPECT_EQ(usual_one.peek_at(start, 1).limit, 3u);
  auto options = usual;
  options.rate = {1'000'000'007, 1s};
  options.burst = 0;
  EXPECT_EQ(TypeParam(options, clock_at_zero).peek_at(start, 1).limit, 1'000'000'007u);
  options.rate = {1, std::chrono::hours(24 * 365)};
  options.max_backward_step = 1h;
  TypeParam yearly(options, clock_at_zero);
  EXPECT_TRUE(yearly.try_acquire_at(start, 1));
  EXPECT_FALSE(yearly.try_acquire_at(start + std::chrono::hours(24 * 365) - 1ns, 1));
}

/// Hashes whose first line is `line` of `lines`, all 64 bits different.
std::uint64_t hash_in(std::uint64_t line, std::uint64_t lines, std::uint64_t i) {
  const std::uint64_t width = ~std::uint64_t{0} / lines;
  return line * width + width / 4 + quoin::hash{3}(i) % (width / 2);
}

TYPED_TEST(KeyedLimiter, DoesAsToldWhenAllSlotsAreInUse) {
  for (const when_full policy : {when_full::evict, when_full::deny, when_full::allow}) {
    auto options = usual;
    options.when_full = policy;
    TypeParam limiter(options, clock_at_zero);
    const std::size_t lines = (limiter.size_bytes() - sizeof(quoin::detail::table_control)) / 64;
    std::uint64_t admitted = 0;
    // An attacker who knows the seed aims at one line: only that one and the second ones suffer.
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      const std::uint64_t hash = hash_in(5, lines, i);
      const auto d = limiter.try_acquire_hash_at(start + std::chrono::nanoseconds(i), hash);
      if (policy == when_full::deny && !d) {
        ASSERT_EQ(d.reason, limit_reason::table_full);
        ASSERT_TRUE(d.retry_after > 0ns && d.retry_after <= 101ms);
      } else {
        ASSERT_TRUE(d) << i;
        ++admitted;
      }
    }
    const auto done = limiter.statistics();
    EXPECT_EQ(done.allowed, admitted);
    EXPECT_EQ(done.denied, 40'000 - admitted);
    EXPECT_EQ(done.refused != 0, policy == when_full::deny);
    EXPECT_EQ(done.evicted != 0, policy == when_full::evict);
    EXPECT_EQ(done.untracked != 0, policy == when_full::allow);
    EXPECT_EQ(done.admitted + done.untracked, admitted);
    EXPECT_EQ(limiter.count_at(start + 50us), done.admitted - done.evicted);
    EXPECT_TRUE(limiter.try_acquire_hash_at(start + 1s, hash_in(5, lines, 50'000)));
  }
}

TYPED_TEST(KeyedLimiter, LendsToNobodyWithoutASlot) {
  auto options = usual;
  options.capacity = 1;  // one line
  options.when_full = when_full::deny;
  TypeParam limiter(options, clock_at_zero);
  std::uint64_t key = 0;
  for (; limiter.reserve_at(start, key, 1); ++key) ASSERT_LT(key, 9u);
  const auto none = limiter.reserve_at(start, key, 3);
  EXPECT_EQ(none.reason, limit_reason::table_full);
  EXPECT_GE(none.wait, 100ms - tick<TypeParam>);
  EXPECT_LE(none.wait, 100ms + tick<TypeParam>);
  EXPECT_EQ(limiter.acquire_up_to_at(start, key, 2), 0u);
  EXPECT_EQ(limiter.debit_at(start, key, 2).reason, limit_reason::table_full);
  EXPECT_FALSE(limiter.reserve_at(start + none.wait - 1ns, key, 3));
  EXPECT_TRUE(limiter.reserve_at(start + none.wait, key, 3));
}

TYPED_TEST(KeyedLimiter, EvictsWhoeverIsNearestToFull) {
  auto options = usual;
  options.capacity = 1;  // one line
  TypeParam limiter(options, clock_at_zero);
  const std::uint64_t slots = std::is_same_v<TypeParam, exact> ? 4 : 8;
  for (std::uint64_t i = 1; i <= slots; ++i) {
    EXPECT_TRUE(limiter.try_acquire_hash_at(start, i, i == 3 ? 1 : 2));
  }
  EXPECT_TRUE(limiter.try_acquire_hash_at(start, 100, 3));
  for (std::uint64_t i = 1; i <= slots; ++i) {
    EXPECT_EQ(limiter.peek_hash_at(start, i).reset_after == 0ns, i == 3);
  }
  EXPECT_EQ(limiter.statistics().evicted, 1u);
}

TYPED_TEST(KeyedLimiter, HoldsAsManyKeysAsItSays) {
  for (const auto& [of_capacity, lost] :
       {std::pair(1.0, std::is_same_v<TypeParam, exact> ? 0.036 : 0.0075), std::pair(1.2, 0.22)}) {
    auto options = usual;
    options.capacity = 50'000;
    options.own_quotas = 0;
    options.when_full = when_full::deny;
    TypeParam limiter(options, clock_at_zero);
    const std::size_t memory = limiter.size_bytes();
    EXPECT_LE(memory, options.capacity * (std::is_same_v<TypeParam, exact> ? 19 : 10));
    const auto keys = static_cast<std::uint64_t>(of_capacity * 50'000);
    for (std::uint64_t key = 0; key < keys; ++key) limiter.try_acquire_at(start, key);
    const double refused = static_cast<double>(limiter.statistics().refused);
    EXPECT_LT(refused, lost * static_cast<double>(keys));
    EXPECT_GT(refused, 0);
    EXPECT_EQ(limiter.size_bytes(), memory);
    // All of them are full again, and their slots are anybody's: others find room as ever.
    for (std::uint64_t key = 0; key < 40'000; ++key) limiter.try_acquire_at(start + 1s, ~key);
    EXPECT_LT(static_cast<double>(limiter.statistics().refused), refused + 400);
  }
}

TYPED_TEST(KeyedLimiter, BatchesEqualSingleRequests) {
  TypeParam one(usual, clock_at_zero), many(usual, clock_at_zero), hashed(usual, clock_at_zero);
  std::vector<std::uint64_t> keys, hashes;
  for (std::uint64_t i = 0; i < 333; ++i) keys.push_back(quoin::hash{}(i) % 90);
  for (const auto key : keys) hashes.push_back(one.hash_of(key));
  std::vector<quoin::decision> decisions(keys.size());
  const auto passed = std::make_unique<bool[]>(keys.size());
  for (int round = 0; round < 4; ++round) {
    const time_point now = start + round * 70ms;
    many.try_acquire_many(keys, now, decisions, 2);
    hashed.try_acquire_hash_many(hashes, now, std::span(passed.get(), keys.size()), 2);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(decisions[i], one.try_acquire_at(now, keys[i], 2)) << i;
      ASSERT_EQ(decisions[i].allowed, passed[i]);
    }
  }
  EXPECT_EQ(one.statistics(), many.statistics());
  EXPECT_EQ(one.to_bytes_at(start), many.to_bytes_at(start));
  decisions.pop_back();
  EXPECT_THROW(many.try_acquire_many(keys, start, decisions), std::invalid_argument);
  decisions.resize(333);
  many.try_acquire_many(keys, decisions);
  many.try_acquire_many(std::vector<std::uint64_t>(), decisions);
}

TEST(ExactKeyedLimiter, TakesKeysOfManyTypes) {
  quoin::keyed_limiter<std::string> names({.rate = {1, 1h}, .burst = 1, .capacity = 100});
  const char* const pointer = "ann";
  EXPECT_TRUE(names.try_acquire("ann"));
  EXPECT_FALSE(names.try_acquire(std::string("ann")));
  EXPECT_FALSE(names.try_acquire(std::string_view("ann")));
  EXPECT_FALSE(names.try_acquire(pointer));
  EXPECT_TRUE(names.try_acquire(""));
  EXPECT_NE(names.options().seed, 0u);
  quoin::keyed_limiter<std::pair<std::string, int>> pairs(
      {.rate = {1, 1h}, .burst = 1, .capacity = 100});
  EXPECT_TRUE(pairs.try_acquire(std::pair(std::string("a"), 1)));
  EXPECT_FALSE(pairs.try_acquire(std::pair("a", 1)));
  EXPECT_TRUE(pairs.try_acquire(std::pair(std::string("a"), 2)));
  quoin::keyed_limiter<std::uint32_t> numbers({.rate = {1, 1h}, .burst = 1, .capacity = 100});
  EXPECT_TRUE(numbers.try_acquire(7));
  EXPECT_FALSE(numbers.try_acquire(7ull) || numbers.try_acquire('\7'));
  static_assert(!std::is_invocable_v<decltype([](auto& l, auto k) -> decltype(l.reset(k)) {}),
                                     decltype(numbers)&, const char*>);
}

TEST(ExactKeyedLimiter, HashesUnderASecret) {
  const quoin::secret_hash h(5), other(6);
  EXPECT_EQ(h(std::string("key")), h("key"));
  EXPECT_NE(h("key"), other("key"));
  EXPECT_EQ(h(-1), h(-1ll));
  EXPECT_EQ(h('\xff'), h(255));
  EXPECT_EQ(h(0.0), h(-0.0));
  EXPECT_NE(h(std::pair(1, 2)), h(std::pair(2, 1)));
  const quoin::siphash_key key{quoin::detail::mix(5, 1), quoin::detail::mix(5, 2)};
  EXPECT_EQ(h("key"), quoin::siphash_1_3("key", key));
  for (int i = 1; i < 1000; ++i) ASSERT_NE(h(i), h(i - 1));
}

TEST(CompactKeyedLimiter, SharesAsSeldomAsTheFormulaSays) {
  // One line of 8 slots, all in use: a new key meets one of k = 7 others (the second line is the
  // same) with probability 1 - (1 - 2^-24)^7. Hashes with 12 random bits of tag make that
  // 1 - (1 - 2^-12)^7; of 40,000 keys 68.3 share, standard deviation 8.3: 5 of them either way
  // happen by chance once in 1.7 million.
  auto options = usual;
  options.capacity = 1;
  options.when_full = when_full::deny;
  double shared = 0;
  for (std::uint64_t round = 0; round < 40'000; ++round) {
    compact limiter(options, clock_at_zero);
    const auto tag = [&](std::uint64_t i) { return quoin::hash{round}(i) % 4096 + 1; };
    for (std::uint64_t i = 0; i < 7; ++i) limiter.try_acquire_hash_at(start, tag(i), 3);
    if (!limiter.try_acquire_hash_at(start, tag(7), 3)) ++shared;
  }
  EXPECT_NEAR(shared, 40'000 * (1 - std::pow(1 - 1.0 / 4096, 7)), 42);
}

template <class Limiter>
Limiter golden_limiter() {
  Limiter limiter({.rate = {7, 1s}, .burst = 5, .capacity = 40, .seed = 42}, clock_at_zero);
  for (std::uint64_t key = 0; key < 12; ++key) limiter.try_acquire_at(start, key, key % 5 + 1);
  return limiter;
}

TYPED_TEST(KeyedLimiter, KeepsItsBytes) {
  const bool is_exact = std::is_same_v<TypeParam, exact>;
  const TypeParam limiter = golden_limiter<TypeParam>();
  const auto bytes = limiter.to_bytes_at(start + 100ms);
  quoin_test::expect_golden(
      is_exact ? "limit/keyed_limiter_exact.bin" : "limit/keyed_limiter_compact.bin", bytes);
  const time_point other = start - 500h;
  const auto read = [&](std::span<const std::byte> from) {
    return TypeParam::from_bytes_at(from, other, limiter.options(), clock_at_zero);
  };
  const auto copy = read(bytes);
  ASSERT_TRUE(copy) << copy.error().message();
  for (std::uint64_t key = 0; key < 20; ++key) {
    const auto was = limiter.peek_at(start + 100ms, key), is = copy->peek_at(other, key);
    EXPECT_EQ(was.remaining, is.remaining) << key;
    EXPECT_LE(was.reset_after, is.reset_after);
    EXPECT_GE(was.reset_after + 2 * tick<TypeParam>, is.reset_after);
  }
  quoin_test::for_each_truncation(bytes, [&](auto cut) { EXPECT_FALSE(read(cut)); });
  quoin_test::for_each_bit_flip(bytes, [&](auto bad) { EXPECT_FALSE(read(bad)); });
  quoin_test::for_each_bit_flip(bytes, [&](auto bad) {  // with a checksum that fits
    std::vector<std::byte> sealed(bad.begin(), bad.end());
    const std::size_t end = sealed.size() - 8;
    quoin::detail::store_le(&sealed[end], quoin::detail::xxh64(sealed.data(), end, 0));
    if (const auto got = read(sealed)) {
      EXPECT_LE(got->count_at(other), 12u);
    } else {
      EXPECT_LE(got.error().position(), sealed.size());
    }
  });
  auto options = limiter.options();
  options.rate = {100, 1s};  // another rate: buckets are full at the same time as before
  options.burst = 100;
  options.capacity = is_exact ? 1000 : 40;
  const auto changed = TypeParam::from_bytes_at(bytes, other, options, clock_at_zero);
  ASSERT_TRUE(changed);
  EXPECT_NEAR(static_cast<double>(changed->peek_at(other, 4).reset_after.count()),
              static_cast<double>(limiter.peek_at(start + 100ms, 4).reset_after.count()), 60e3);
}

TEST(ExactKeyedLimiter, RefusesTheBytesOfOthers) {
  const auto bytes = golden_limiter<compact>().to_bytes_at(start);
  const auto wrong = exact::from_bytes_at(bytes, start, usual, clock_at_zero);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), quoin::errc::incompatible);
  auto larger = usual;
  larger.capacity = 70;
  EXPECT_FALSE(compact::from_bytes_at(bytes, start, larger, clock_at_zero));
}

TEST(ExactKeyedLimiter, AsksItsAllocatorOnceAndForAll) {
  using allocator = quoin_test::accounted_allocator<std::byte>;
  using limiter_type =
      quoin::keyed_limiter<std::uint64_t, clock_type, quoin::secret_hash, allocator>;
  quoin_test::memory_account account;
  {
    limiter_type limiter(usual, clock_at_zero, allocator(account));
    const auto requests = account.requests;
    EXPECT_EQ(account.live_bytes, limiter.size_bytes());
    for (std::uint64_t key = 0; key < 5000; ++key) limiter.try_acquire_at(start, key);
    EXPECT_EQ(account.requests, requests);
    limiter_type moved = std::move(limiter);
    EXPECT_FALSE(moved.try_acquire_at(start, 4999, 3));
  }
  EXPECT_EQ(account.live_bytes, 0u);
  for (std::size_t until = 0; until < 3; ++until) {
    account.requests_until_failure = until;
    EXPECT_THROW(limiter_type(usual, clock_at_zero, allocator(account)), std::bad_alloc);
    EXPECT_EQ(account.live_bytes, 0u);
  }
}

struct seedless {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key * 0x9e3779b97f4a7c15u; }
};

TEST(ExactKeyedLimiter, RefusesSeedsThatItsHashHasNot) {
  const auto forged = [](const auto& limiter, std::uint64_t seed) {
    auto bytes = limiter.to_bytes_at(start);
    quoin::detail::store_le(&bytes[8], seed);
    const std::size_t end = bytes.size() - 8;
    quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end, 0));
    return limiter.from_bytes_at(bytes, start, usual, clock_at_zero);
  };
  const exact secret(usual, clock_at_zero);
  EXPECT_TRUE(forged(secret, 2));
  EXPECT_EQ(forged(secret, 0).error().position(), 8u);
  auto options = usual;
  options.seed = 0;
  const quoin::keyed_limiter<std::uint64_t, clock_type, seedless> open(options, clock_at_zero);
  EXPECT_TRUE(forged(open, 0));
  EXPECT_EQ(forged(open, 2).error().position(), 8u);
}

/// A table of one line, in ticks of a nanosecond: what threads do to one another, in one.
template <class Slots>
using small_table = quoin::detail::limit_table<Slots, std::allocator<std::byte>>;

template <class Slots>
void expect_second_thoughts() {
  const quoin::detail::table_quota quota{1, 100, 100};
  small_table<Slots> table(1, 0, {{1, 1ns}, 100, 0}, quota, when_full::evict, {});
  const auto take = [&](std::uint64_t ticks) {
    return table.update(7, 5, quota, [=](std::uint64_t) { return ticks; });
  };
  take(1);
  const std::uint64_t first = take(10).ahead;
  for (const std::uint64_t ticks : {0u, 20u}) {
    int asked = 0;
    const auto got = table.update(7, 5, quota, [&](std::uint64_t) {
      if (++asked == 1) take(30);
      return ticks;
    });
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(got.ahead, first + 30 + (ticks == 0 ? 0 : 30 + ticks));
  }
}

TEST(KeyedLimiterTable, ThinksAgainWhereAnotherThreadWasFaster) {
  expect_second_thoughts<quoin::detail::exact_slots>();
  expect_second_thoughts<quoin::detail::compact_slots>();
}

template <class F>
void in_threads(F f) {
  constexpr std::uint64_t threads = 4;
  std::barrier begin(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> pool;
  for (std::uint64_t t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      begin.arrive_and_wait();
      f(t);
    });
  }
  for (auto& thread : pool) thread.join();
}

TYPED_TEST(KeyedLimiter, NeverLetsThreadsOverTheLimit) {
  // Keys come in, and slots of others are taken over, in each phase; time stands still within one.
  auto options = usual;
  options.capacity = 600;
  options.when_full = when_full::deny;
  TypeParam limiter(options, clock_at_zero);
  constexpr std::size_t keys = 300, phases = 12;
  std::vector<std::atomic<std::uint64_t>> admitted(keys * phases);
  std::barrier phase_ends(4);
  in_threads([&](std::uint64_t t) {
    for (std::size_t phase = 0; phase < phases; ++phase) {
      const time_point now = start + std::chrono::seconds(phase);
      for (std::size_t i = 0; i < 4 * keys; ++i) {
        const std::size_t key = (i * 7 + (t == 0 ? 1 : 0)) % keys;
        if (limiter.try_acquire_at(now, phase * keys / 2 + key)) {
          ++admitted[phase * keys + key];
        }
      }
      phase_ends.arrive_and_wait();
    }
  });
  const std::uint64_t least = std::is_same_v<TypeParam, exact> ? 3 : 2;  // the last: a tick later
  const std::uint64_t refused = limiter.statistics().refused;
  std::uint64_t full = 0;
  for (const auto& each : admitted) {
    EXPECT_LE(each, 3u);
    if (each >= least) ++full;
  }
  EXPECT_GE(full + refused, admitted.size());
}

TYPED_TEST(KeyedLimiter, StaysInOrderUnderThreads) {
  // Eviction, resets, refunds, quotas and reconfiguration at once: sanitizers look on.
  auto options = usual;
  options.capacity = 64;
  TypeParam limiter(options, clock_at_zero);
  std::atomic<std::int64_t> time{0};
  in_threads([&](std::uint64_t t) {
    std::vector<std::uint64_t> keys(50);
    const auto passed = std::make_unique<bool[]>(keys.size());
    for (std::uint64_t i = 0; i < 1500; ++i) {
      const time_point now = start + std::chrono::microseconds(time.fetch_add(20));
      const std::uint64_t key = quoin::hash{t}(i) % 150;
      limiter.try_acquire_at(now, key, 1 + i % 3);
      if (i % 7 == 0) limiter.refund_at(now, key);
      if (i % 31 == 0) limiter.reset(key);
      if (t == 0 && i % 5 == 0) limiter.set_quota(key % 5, {i % 40, 1s}, i % 40 == 0 ? 0 : 9);
      if (t == 1 && i % 5 == 0) limiter.clear_quota(key % 5);
      if (t == 2 && i % 20 == 0) limiter.reconfigure({10 + i % 9, 1s}, 3 + i % 3);
      if (i % 50 == 0) {
        for (std::size_t k = 0; k < keys.size(); ++k) keys[k] = (key + k) % 150;
        limiter.try_acquire_many(keys, now, std::span(passed.get(), keys.size()));
        EXPECT_LE(limiter.count_at(now), 100u);
        EXPECT_LE(limiter.to_bytes_at(now).size(), 64u + 100 * 16);
      }
    }
  });
  const auto done = limiter.statistics();
  EXPECT_GE(done.allowed + done.denied, 4u * 1500);
}

TYPED_TEST(KeyedLimiter, ForgetsAllThatWasThereUnderThreads) {
  auto options = usual;
  options.rate = {1, 1s};
  options.burst = 200'000;
  options.capacity = 1;
  TypeParam limiter(options, clock_at_zero);
  std::atomic<std::uint64_t> begun{0}, ended{0};
  std::thread asks([&] {
    for (std::uint64_t i = 0; i < options.burst - 1; ++i) {
      ++begun;
      limiter.try_acquire_at(start, 1);
      ++ended;
    }
  });
  for (std::uint64_t before = 0; before < options.burst - 1;) {
    before = ended;
    limiter.clear();
    const std::uint64_t left = limiter.peek_at(start, 1).remaining;
    ASSERT_GE(left + (begun - before) + 1, options.burst);  // a tick may cost a whole one
  }
  asks.join();
}

}  // namespace
