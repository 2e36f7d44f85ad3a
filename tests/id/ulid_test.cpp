// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/ulid.hpp>

#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>

namespace {

using namespace std::chrono_literals;
using quoin::errc;
using quoin::id_error;
using quoin::ulid;
using manual = quoin::manual_clock;

static_assert(sizeof(ulid) == 16 && alignof(ulid) == 1);
static_assert(std::is_trivially_copyable_v<ulid>);
static_assert(ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value() ==
              ulid(0x01563e3ab5d3d676, 0x4c61efb99302bd5b));
static_assert(
    !std::is_constructible_v<quoin::ulid_generator<manual>, quoin::ulid_generator_options, manual>,
    "a clock that outlives the generator");

ulid id(std::string_view text) { return ulid::parse(text).value(); }

manual::time_point at(std::chrono::nanoseconds time) { return manual::time_point(time); }

TEST(ulid, examples_of_the_specification) {
  const ulid a = id("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(a.time().time_since_epoch(), 1469922850259ms);
  EXPECT_EQ(a.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(a.bytes()[0], 0x01);
  EXPECT_EQ(a.bytes()[15], 0x5b);
  EXPECT_EQ(ulid(a.bytes()), a);

  const std::optional<ulid> b = id("01BX5ZZKBKACTAV9WEVGEMMVRZ").successor();
  ASSERT_TRUE(b);
  EXPECT_EQ(b->to_string(), "01BX5ZZKBKACTAV9WEVGEMMVS0");
  EXPECT_EQ(id("01BX5ZZKBKZZZZZZZZZZZZZZZZ").successor(), std::nullopt);
  EXPECT_EQ(id("01BX5ZZKBK0000ZZZZZZZZZZZZ").successor()->to_string(),
            "01BX5ZZKBK0001000000000000");
  EXPECT_EQ(id("01BX5ZZKBKZZZVZZZZZZZZZZZZ").successor(), id("01BX5ZZKBKZZZW000000000000"));

  EXPECT_EQ(ulid().to_string(), "00000000000000000000000000");
  EXPECT_EQ(ulid(UINT64_MAX, UINT64_MAX).to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  const auto above = ulid::parse("80000000000000000000000000");
  ASSERT_FALSE(above);
  EXPECT_EQ(above.error().position(), 0u);
}

// Every character at every place: accepted where it may stand, and nowhere else.
TEST(ulid, refuses_every_fault_of_one_character_at_its_place) {
  const std::string good = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[i] = static_cast<char>(byte);
      const auto upper = static_cast<char>(byte >= 'a' && byte <= 'z' ? byte - 32 : byte);
      const bool legal = digits.find(upper) < (i == 0 ? 8u : 32u);
      const auto read = ulid::parse(text);
      ASSERT_EQ(read.has_value(), legal) << i << ' ' << byte;
      if (legal) {
        text[i] = upper;
        ASSERT_EQ(read->to_string(), text);
      } else {
        ASSERT_EQ(read.error().code(), errc::bad_value);
        ASSERT_EQ(read.error().position(), i);
      }
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto read = ulid::parse(std::string_view(good).substr(0, size));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), errc::truncated);
    EXPECT_EQ(read.error().position(), size);
    EXPECT_EQ(read.error().size_stated(), 26u);
  }
  const auto longer = ulid::parse(good + ' ');
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), errc::trailing_bytes);
}

TEST(ulid, is_its_number_in_five_bits_each) {
  std::mt19937_64 random(5);
  std::unordered_set<ulid> seen;
  for (int i = 0; i < 1000; ++i) {
    const ulid a(random() >> (i % 64), random()), b(a.high(), random());
    std::uint64_t high = a.high(), low = a.low();
    std::string expected(26, '0');
    for (std::size_t k = 26; k-- > 0; low = low >> 5 | high << 59, high >>= 5) {
      expected[k] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[low & 31];
    }
    ASSERT_EQ(a.to_string(), expected);
    ASSERT_EQ(id(expected), a);
    ASSERT_EQ(a < b, a.to_string() < b.to_string());
    ASSERT_EQ(quoin::hash{}(a), quoin::hash{}(a.bytes()));
    seen.insert(a);
    ASSERT_TRUE(seen.contains(a) && !seen.contains(b));
  }
}

TEST(ulid, ranges_of_time) {
  const auto at_time = [](auto since) { return quoin::ulid_time(since); };
  EXPECT_EQ(ulid::first_at(at_time(1469922850259ms)).to_string(), "01ARZ3NDEK0000000000000000");
  EXPECT_EQ(ulid::last_at(at_time(1469922850259ms)).to_string(), "01ARZ3NDEKZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(ulid::first_at(at_time(-1ms)), ulid());
  EXPECT_EQ(ulid::last_at(quoin::ulid_time::max()), ulid(UINT64_MAX, UINT64_MAX));
}

TEST(ulid_generator, follows_every_trace_of_a_clock) {
  std::mt19937_64 random(26);
  manual clock(at(1469922850259ms));
  quoin::ulid_generator ids({.key = quoin::siphash_key{1, 2}}, clock);
  ulid last;
  std::unordered_set<std::uint64_t> lows;
  for (int i = 0; i < 5000; ++i) {
    switch (random() % 4) {
      case 0:
        clock.advance(std::chrono::milliseconds(static_cast<std::int64_t>(random() % 21) - 10));
        break;
      case 1:
        clock.advance(std::chrono::nanoseconds(static_cast<std::int64_t>(random() % 1'000'000)));
        break;
      default:;
    }
    const auto next = i % 2 == 0 ? ids.next() : ids.try_next();
    ASSERT_TRUE(next);
    ASSERT_LT(last, *next);
    const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.now().time_since_epoch());
    if (now > last.time().time_since_epoch()) {
      ASSERT_EQ(next->time().time_since_epoch(), now);
      ASSERT_TRUE(lows.insert(next->low()).second) << "random anew";
    } else {
      ASSERT_EQ(next, last.successor());
    }
    last = *next;
  }
}

TEST(ulid_generator, says_when_there_are_no_more) {
  const manual clock(at(1469922850259ms));
  const ulid end = id("01ARZ3NDEKZZZZZZZZZZZZZZZY");
  quoin::ulid_generator ids({.after = end}, clock);
  EXPECT_EQ(ids.next(), end.successor());
  EXPECT_EQ(ids.try_next().error(), id_error::exhausted);
  EXPECT_EQ(ids.try_next_at(at(0ms)).error(), id_error::exhausted);
  try {
    static_cast<void>(ids.next());
    ADD_FAILURE();
  } catch (const quoin::id_failure& e) {
    EXPECT_EQ(e.code(), id_error::exhausted);
    EXPECT_STREQ(e.what(), "quoin::ulid_generator: no id: all ids of this time are given");
  }
  EXPECT_EQ(ids.next_at(clock.now() + 1ms).time().time_since_epoch(), 1469922850260ms);
  EXPECT_EQ(ids.next_at(at(-1h)).time().time_since_epoch(), 1469922850260ms);

  struct long_clock {
    using duration = std::chrono::hours;
    using time_point = std::chrono::time_point<long_clock, duration>;
    time_point now() const { return time_point::max(); }
  };
  const long_clock far;
  quoin::ulid_generator late({}, far);
  EXPECT_EQ(late.try_next().error(), id_error::time_over);
  EXPECT_THROW(static_cast<void>(late.next()), std::runtime_error);
  EXPECT_TRUE(late.try_next_at(long_clock::time_point(1h)));
}

// What a child of `fork` makes, against what its parent makes meanwhile.
template <class Clock>
void expect_another_child(quoin::ulid_generator<Clock>& ids, ulid before) {
  constexpr std::size_t n = 4;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  ulid mine[n], its[n];
  for (ulid& id : mine) id = ids.next();
  if (child == 0) _exit(write(ends[1], mine, sizeof mine) == sizeof mine ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(read(ends[0], its, sizeof its), static_cast<ssize_t>(sizeof its));
  close(ends[0]);
  close(ends[1]);
  std::set<ulid> all;
  for (const auto& made : {mine, its}) {
    ulid last = before;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_LT(last, made[i]);
      EXPECT_EQ(made[i].time(), mine[0].time());
      EXPECT_TRUE(all.insert(made[i]).second);
      last = made[i];
    }
  }
}

TEST(ulid_generator, another_one_makes_others_and_so_does_a_child) {
  EXPECT_NE(quoin::ulid_generator{}.next(), quoin::ulid_generator{}.next());
  manual clock(at(9ms));
  quoin::ulid_generator ids({.key = quoin::siphash_key{1, 2}}, clock);
  expect_another_child(ids, {});
  expect_another_child(ids, ids.next());  // within the millisecond of an id of both
  clock.set(at(3ms));
  expect_another_child(ids, ids.next());
  const ulid after = ulid::first_at(quoin::ulid_time(7h));
  quoin::ulid_generator later({.key = quoin::siphash_key{1, 2}, .after = after}, clock);
  expect_another_child(later, after);
}

}  // namespace
