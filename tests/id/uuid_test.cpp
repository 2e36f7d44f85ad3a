// SPDX-License-Identifier: BSL-1.0
#include <quoin/id/uuid.hpp>

#include <quoin/hash/hash.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <optional>
#include <random>
#include <ratio>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "support/counted_clock.hpp"
#include "support/interleave.hpp"

#if QUOIN_WITH_UUID
#include <uuid/uuid.h>
#endif

namespace {

using namespace std::chrono_literals;
using quoin::errc;
using quoin::uuid;
using quoin::uuid_time;
using quoin::uuid_variant;

static_assert(sizeof(uuid) == 16 && alignof(uuid) == 1);
static_assert(std::is_trivially_copyable_v<uuid>);
static_assert(uuid() == uuid::nil() && uuid::nil() < uuid::max());
static_assert(uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").value() ==
              uuid(0x017f22e279b07cc3, 0x98c4dc0c0c07398f));
static_assert(!uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398G"));

uuid id(std::string_view text) { return uuid::parse(text).value(); }

// Unix milliseconds of a time, or nothing.
std::optional<std::int64_t> milliseconds(const uuid& u) {
  if (!u.time()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(u.time()->time_since_epoch())
      .count();
}

TEST(uuid, examples_of_rfc_9562) {
  const struct {
    const char* text;
    int version;
    std::optional<std::int64_t> time;
  } vectors[] = {
      {"c232ab00-9414-11ec-b3c8-9f6bdeced846", 1, 1645557742000},  // A.1
      {"5df41881-3aed-3515-88a7-2f4a814cf09e", 3, {}},             // A.2
      {"919108f7-52d1-4320-9bac-f847db4148a8", 4, {}},             // A.3
      {"2ed6657d-e927-568b-95e1-2665a8aea6a2", 5, {}},             // A.4
      {"1ec9414c-232a-6b00-b3c8-9f6bdeced846", 6, 1645557742000},  // A.5
      {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 7, 1645557742000},  // A.6
      {"2489e9ad-2ee2-8e00-8ec9-32d5f69181c0", 8, {}},             // B.1
      {"5c146b14-3c52-8afd-938a-375d0df1fbf6", 8, {}},             // B.2
  };
  for (const auto& v : vectors) {
    const uuid u = id(v.text);
    EXPECT_EQ(u.version(), v.version) << v.text;
    EXPECT_EQ(u.variant(), uuid_variant::rfc9562) << v.text;
    EXPECT_EQ(milliseconds(u), v.time) << v.text;
    EXPECT_EQ(u.to_string(), v.text);
  }
  const uuid v1 = id(vectors[0].text), v6 = id(vectors[4].text);
  EXPECT_EQ(v1.clock_sequence(), 0x33c8);
  EXPECT_EQ(v1.node(), 0x9f6bdeced846u);
  EXPECT_EQ(v6.clock_sequence(), 0x33c8);
  EXPECT_EQ(v6.node(), 0x9f6bdeced846u);
  EXPECT_EQ(v1.to_v6(), v6);
  EXPECT_EQ(v6.to_v1(), v1);
  EXPECT_EQ(v6.to_v6(), v6);
  EXPECT_EQ(id(vectors[2].text).to_v1(), id(vectors[2].text));
}

TEST(uuid, nil_max_and_what_is_not_of_the_rfc) {
  EXPECT_EQ(uuid::nil().to_string(), "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(uuid::max().to_string(), "ffffffff-ffff-ffff-ffff-ffffffffffff");
  EXPECT_TRUE(uuid::nil().is_nil());
  EXPECT_FALSE(uuid::max().is_nil());
  for (unsigned byte = 0; byte < 256; ++byte) {  // table 1 of section 4.1
    const uuid u(0x1000, std::uint64_t{byte} << 56);
    const uuid_variant expected = (byte & 0x80) == 0      ? uuid_variant::ncs
                                  : (byte & 0xc0) == 0x80 ? uuid_variant::rfc9562
                                  : (byte & 0xe0) == 0xc0 ? uuid_variant::microsoft
                                                          : uuid_variant::future;
    EXPECT_EQ(u.variant(), expected) << byte;
    EXPECT_EQ(u.version(), expected == uuid_variant::rfc9562 ? 1 : 0) << byte;
    EXPECT_EQ(u.time().has_value(), u.version() == 1) << byte;
  }
}

TEST(uuid, times_at_the_ends_of_their_fields) {
  constexpr std::uint64_t low = std::uint64_t{1} << 63;
  const auto ticks = [](const uuid& u) { return u.time()->time_since_epoch().count(); };
  EXPECT_EQ(ticks(uuid(0x1000, low)), -0x01b21dd213814000);
  EXPECT_EQ(ticks(uuid(0xffffffffffff1fff, low)), 0x0fffffffffffffff - 0x01b21dd213814000);
  EXPECT_EQ(ticks(uuid(0xffffffffffff6fff, low)), 0x0fffffffffffffff - 0x01b21dd213814000);
  EXPECT_EQ(ticks(uuid(0x138140001dd211b2, low)), 0) << "1970 in version 1";
  EXPECT_EQ(ticks(uuid(0x7000, low)), 0);
  EXPECT_EQ(ticks(uuid(0xffffffffffff7fff, low)), 281474976710655 * 10000);
}

TEST(uuid, ranges_of_version_7) {
  const auto at = [](auto since) { return uuid_time(since); };
  EXPECT_EQ(uuid::v7_first_at(at(1645557742000ms)).to_string(),
            "017f22e2-79b0-7000-8000-000000000000");
  EXPECT_EQ(uuid::v7_last_at(at(1645557742000ms + 999us)).to_string(),
            "017f22e2-79b0-7fff-bfff-ffffffffffff");
  EXPECT_EQ(uuid::v7_first_at(at(-1s)), uuid::v7_first_at(at(0s)));
  EXPECT_EQ(milliseconds(uuid::v7_last_at(uuid_time::max())), 281474976710655);
  EXPECT_EQ(uuid::v7_last_at(at(3ms)).version(), 7);
  EXPECT_EQ(uuid::v7_first_at(at(3ms)).variant(), uuid_variant::rfc9562);
  EXPECT_LT(uuid::v7_last_at(at(3ms)), uuid::v7_first_at(at(4ms)));
}

// Every character at every place: accepted where it may stand, and nowhere else.
TEST(uuid, refuses_every_fault_of_one_character_at_its_place) {
  const std::string good = "a1B2c3D4-e5F6-7a8b-9C0d-0123456789eF";
  const uuid expected = id(good);
  EXPECT_EQ(expected, uuid(0xa1b2c3d4e5f67a8b, 0x9c0d0123456789ef));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[i] = static_cast<char>(byte);
      const auto read = uuid::parse(text);
      const auto digit =
          std::string_view("0123456789abcdef")
              .find(static_cast<char>(byte >= 'A' && byte <= 'F' ? byte + 32 : byte));
      const bool legal = good[i] == '-' ? byte == '-' : digit != std::string_view::npos;
      ASSERT_EQ(read.has_value(), legal) << i << ' ' << byte;
      uuid::bytes_type portable;
      const bool digits_read =
          quoin::detail::read_hex_digits_portable(text.data(), 1, portable.data());
      ASSERT_EQ(digits_read, legal || good[i] == '-');
      if (!legal) {
        ASSERT_EQ(read.error().code(), errc::bad_value);
        ASSERT_EQ(read.error().position(), i);
      } else if (good[i] != '-') {
        std::string digits = text;
        digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
        ASSERT_EQ(*read, uuid(std::stoull(digits.substr(0, 16), nullptr, 16),
                              std::stoull(digits.substr(16), nullptr, 16)));
      }
    }
  }
}

TEST(uuid, refuses_other_sizes) {
  const std::string good = "a1b2c3d4-e5f6-7a8b-9c0d-0123456789ef";
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::vector<char> exactly(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    const auto read = uuid::parse(std::string_view(exactly.data(), size));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), errc::truncated);
    EXPECT_EQ(read.error().position(), size);
    EXPECT_EQ(read.error().size_stated(), 36u);
  }
  const auto read = uuid::parse(good + "\n");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), errc::trailing_bytes);
  EXPECT_EQ(read.error().position(), 36u);
  EXPECT_FALSE(uuid::parse("{" + good + "}"));
  EXPECT_FALSE(uuid::parse("a1b2c3d4e5f67a8b9c0d0123456789ef"));
}

TEST(uuid, in_other_dresses) {
  const std::string plain = "a1b2c3d4-e5f6-7a8b-9c0d-0123456789ef",
                    bare = "A1B2C3D4e5f67a8b9c0d0123456789ef";
  const uuid expected = id(plain);
  for (const std::string& inner : {plain, bare}) {
    for (const std::string& text :
         {inner, "{" + inner + "}", "urn:uuid:" + inner, "URN:Uuid:" + inner}) {
      const auto read = uuid::parse_any(text);
      ASSERT_TRUE(read) << text << ": " << read.error().message();
      EXPECT_EQ(*read, expected);
    }
  }
  const struct {
    std::string text;
    std::uint64_t position;
  } faults[] = {
      {"", 0},
      {"{", 1},
      {"{}", 1},
      {"{" + plain, 37},
      {plain + "}", 36},
      {"urn:uuid:{" + plain + "}", 45},
      {"urn:uuid:a1b2c3d4-e5f6-7a8b-9c0d-0123456789e_", 44},
      {"{a1b2c3d4_e5f6-7a8b-9c0d-0123456789ef}", 9},
      {"a1b2c3d4e5f67a8b9c0d0123456789eg", 31},
      {"a1b2c3d4-e5f67a8b9c0d0123456789e", 8},
      {"urn:uuid" + plain, 36},
  };
  for (const auto& fault : faults) {
    const auto read = uuid::parse_any(fault.text);
    ASSERT_FALSE(read) << fault.text;
    EXPECT_EQ(read.error().position(), fault.position) << fault.text;
  }
}

TEST(uuid, orders) {
  // By bytes, and version 1 by its time: the low bits of that come first in its text.
  const uuid early = id("ffffffff-9414-11ec-8000-000000000000"),
             late = id("00000000-9415-11ec-8000-000000000000");
  EXPECT_GT(early, late);
  EXPECT_LT(*early.time(), *late.time());
  const quoin::uuid_time_order before;
  EXPECT_TRUE(before(early, late));
  EXPECT_FALSE(before(late, early));
  EXPECT_FALSE(before(early, early.to_v6()) || before(early.to_v6(), early));
  EXPECT_LT(early.to_v6(), late.to_v6());

  std::mt19937_64 random(9562);
  for (int i = 0; i < 1000; ++i) {
    const uuid a(random(), random()), b(a.high(), random());
    EXPECT_EQ(a < b, a.to_string() < b.to_string());
    const uuid v1((a.high() & ~std::uint64_t{0xf000}) | 0x1000,
                  b.low() >> 2 | std::uint64_t{1} << 63);
    EXPECT_EQ(v1.to_v6().version(), 6);
    EXPECT_EQ(v1.to_v6().time(), v1.time());
    EXPECT_EQ(v1.to_v6().to_v1(), v1);
  }
}

TEST(uuid, is_a_key) {
  const uuid u = id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  EXPECT_EQ(quoin::hash{.seed = 7}(u), quoin::hash{.seed = 7}(u.bytes()));
  std::unordered_set<uuid> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(uuid(i / 10, i % 10)).second);
  EXPECT_TRUE(seen.contains(uuid(99, 9)));
  std::set<std::size_t> hashes;
  for (const uuid& key : seen) hashes.insert(std::hash<uuid>{}(key));
  EXPECT_GT(hashes.size(), 990u) << "1000 of 2^32: 0.0001 pairs are expected to collide";
}

// Text and bytes of anything, by the definition and as libuuid has them.
TEST(uuid, hashes_for_std_hide_no_half) {
  std::set<std::size_t> seen;
  for (std::uint32_t i = 0; i < 100; ++i) {
    seen.insert(std::hash<uuid>()({0x9e3779b97f4a7c15u, i}));
    seen.insert(std::hash<uuid>()({i, 0xbf58476d1ce4e5b9u}));
  }
  EXPECT_EQ(seen.size(), 200u);
}

TEST(uuid, writes_what_it_reads) {
  std::mt19937_64 random(4122);
  for (int i = 0; i < 2000; ++i) {
    const uuid u(random(), random());
    char text[uuid::text_size], portable[uuid::text_size];
    u.write_to(text);
    quoin::detail::write_uuid_portable(u.bytes().data(), portable);
    ASSERT_TRUE(std::equal(text, text + sizeof text, portable));
    std::string expected;
    for (std::size_t k = 0; k < 16; ++k) {
      if (k == 4 || k == 6 || k == 8 || k == 10) expected += '-';
      expected += "0123456789abcdef"[u.bytes()[k] >> 4];
      expected += "0123456789abcdef"[u.bytes()[k] & 15];
    }
    ASSERT_EQ(std::string_view(text, sizeof text), expected);
    ASSERT_EQ(u.to_string(), expected);
    ASSERT_EQ(id(expected), u);
    uuid::bytes_type read;
    ASSERT_TRUE(quoin::detail::read_hex_digits_portable(text, 1, read.data()));
    ASSERT_EQ(read, u.bytes());
#if QUOIN_WITH_UUID
    char peer[37];
    uuid_unparse_lower(u.bytes().data(), peer);
    ASSERT_EQ(expected, peer);
    uuid_unparse_upper(u.bytes().data(), peer);
    ASSERT_EQ(id(peer), u);
    uuid_t bytes;
    ASSERT_EQ(uuid_parse(peer, bytes), 0);
    ASSERT_TRUE(std::equal(u.bytes().begin(), u.bytes().end(), bytes));
#endif
  }
}

// ---- Generators

constexpr quoin::siphash_key fixed_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
using manual = quoin::manual_clock;

manual::time_point at(std::int64_t nanoseconds) {
  return manual::time_point(std::chrono::nanoseconds(nanoseconds));
}

// The nanosecond that a version 7 was made for: the first one whose fraction is not below its own.
std::uint64_t nanosecond_of(const uuid& u) {
  const std::uint64_t fraction = (u.high() & 0xfff) << 8 | (u.low() >> 54 & 0xff);
  return (u.high() >> 16) * 1'000'000 + ((fraction * 1'000'000 + 0xfffff) >> 20);
}

std::uint64_t siphash_of(std::uint64_t x) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(x >> (8 * i));
  return quoin::siphash_2_4(bytes, fixed_key);
}

TEST(uuid_v7_generator, follows_every_trace_of_a_clock) {
  std::mt19937_64 random(7);
  manual clock(at(1'645'557'742'000'000'000));
  quoin::uuid_v7_generator ids({.key = fixed_key}, clock);
  std::uint64_t last = 0;
  uuid before;
  std::vector<uuid> many(5);
  for (int i = 0; i < 20'000; ++i) {
    switch (random() % 6) {
      case 0:  // back or forward, as a clock is set
        clock.advance(
            std::chrono::nanoseconds(static_cast<std::int64_t>(random()) >> (random() % 64)));
        if (clock.now() > at(std::int64_t{1} << 62))
          clock.set(at(static_cast<std::int64_t>(random() >> 8)));
        break;
      case 1:  // a second again
        clock.advance(-1s);
        break;
      case 2:
      case 3:
        clock.advance(std::chrono::nanoseconds(random() % 1000));
        break;
      default:;  // stands still
    }
    const std::int64_t now = std::max<std::int64_t>(0, clock.now().time_since_epoch().count());
    const auto time = static_cast<std::uint64_t>(now);
    const std::size_t n = i % 7 == 0 ? many.size() : 1;
    if (n == 1) {
      many[0] = ids.next();
    } else {
      ids.next_many(many);
    }
    for (std::size_t k = 0; k < n; ++k) {
      const uuid u = many[k];
      const std::uint64_t expected = k == 0 && time > last ? time : last + 1;
      ASSERT_LT(before, u);
      ASSERT_EQ(nanosecond_of(u), expected);
      ASSERT_EQ(u.version(), 7);
      ASSERT_EQ(u.variant(), uuid_variant::rfc9562);
      ASSERT_EQ(milliseconds(u), static_cast<std::int64_t>(expected / 1'000'000));
      ASSERT_EQ(u.low() << 10 >> 10, siphash_of(last) >> 10);
      last = expected;
      before = u;
    }
    ASSERT_EQ(static_cast<std::uint64_t>(ids.lead().count()), last - std::min(last, time));
  }
}

TEST(uuid_v7_generator, tells_the_time) {
  quoin::uuid_v7_generator<> ids;
  const auto start = std::chrono::system_clock::now();
  const uuid a = ids.next(), b = ids.next_at(start - 1h);
  const auto end = std::chrono::system_clock::now();
  EXPECT_LT(a, b);
  EXPECT_GT(*a.time() + 2s, start) << "unless the clock is set while this runs";
  EXPECT_LT(*a.time() - 2s, end);
  EXPECT_LT(ids.lead_at(end + 2s).count(), 1);
  EXPECT_GT(ids.lead_at(start - 1h), 59min);
  EXPECT_NE(quoin::uuid_v7_generator{}.next(), quoin::uuid_v7_generator{}.next());
}

// Each id of the system's clock, though that is not read for each.
TEST(uuid_v7_generator, is_never_long_behind_its_clock) {
  quoin::uuid_v7_generator<> ids;
  std::vector<uuid> some(3);
  uuid last = ids.next();
  for (int i = 0; i < 2000; ++i) {
    if (i % 500 == 1) std::this_thread::sleep_for(2ms);
    ids.next_many(some);
    const uuid next = i % 3 == 0 ? some[0] : ids.next();
    ASSERT_LT(last, next);
    if (i % 500 == 1) {
      EXPECT_GT(nanosecond_of(next) - nanosecond_of(last), 1000000u);
    }
    last = ids.next();
  }
}

// Who asks 5 us after the last one gets no earlier time than that at which it asks: no reading of the
// clock serves so long, whatever else the machine does meanwhile. Setting the clock back in these 50
// ms is all that fails it.
TEST(uuid_v7_generator, takes_no_old_reading_of_its_clock) {
  quoin::uuid_v7_generator<> ids;
  const auto now = [] {
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  };
  for (int i = 0; i < 10'000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 5us) {
    }
    const auto asked = static_cast<std::uint64_t>(now());
    ASSERT_GE(nanosecond_of(ids.next()), asked);
  }
}

// Clocks of other units, and of times that a UUID cannot tell.
template <class Duration>
struct odd_clock {
  using duration = Duration;
  using rep = typename duration::rep;
  using period = typename duration::period;
  using time_point = std::chrono::time_point<odd_clock>;
  static constexpr bool is_steady = false;
  static time_point now() { return time_point(duration(1)); }
};

template <class Duration>
std::uint64_t nanosecond_at(std::int64_t count) {
  quoin::uuid_v7_generator<odd_clock<Duration>> ids;
  return nanosecond_of(ids.next_at(typename odd_clock<Duration>::time_point(Duration(count))));
}

TEST(uuid_v7_generator, with_clocks_of_any_unit) {
  using std::chrono::hours, std::chrono::microseconds, std::chrono::milliseconds;
  EXPECT_EQ(nanosecond_at<hours>(1), 3'600'000'000'000u);
  EXPECT_EQ(nanosecond_at<milliseconds>(7), 7'000'000u);
  EXPECT_EQ(nanosecond_at<microseconds>(7501), 7'501'000u);
  EXPECT_EQ((nanosecond_at<std::chrono::duration<std::int64_t, std::pico>>(7999)), 7u);
  using thirds = std::chrono::duration<std::int64_t, std::ratio<1, 60>>;  // of 50 ms
  EXPECT_EQ(nanosecond_at<thirds>(7), 116'666'666u);
  EXPECT_EQ(nanosecond_at<thirds>(std::int64_t{60} * 3'155'760'000), 3'155'760'000'000'000'000u);
  EXPECT_EQ(nanosecond_at<thirds>(553'402'322'211), 9'223'372'036'850'000'000u);
  EXPECT_EQ(nanosecond_at<thirds>(553'402'322'212), std::uint64_t{INT64_MAX}) << "2262";
  EXPECT_EQ(nanosecond_at<hours>(INT64_MAX), std::uint64_t{INT64_MAX});
  EXPECT_EQ(nanosecond_at<milliseconds>(INT64_MAX), std::uint64_t{INT64_MAX});
  for (const std::int64_t early : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    EXPECT_EQ(nanosecond_at<hours>(early), 1u) << "0 is before the first";
    EXPECT_EQ(nanosecond_at<milliseconds>(early), 1u);
    EXPECT_EQ(nanosecond_at<std::chrono::nanoseconds>(early), 1u);
  }
  using clock = odd_clock<milliseconds>;
  quoin::uuid_v7_generator<clock> ids;
  const uuid last = ids.next_at(clock::time_point::max());
  EXPECT_EQ(nanosecond_of(ids.next_at(clock::time_point::max())), std::uint64_t{1} << 63);
  EXPECT_LT(last, ids.next());
  EXPECT_EQ(ids.lead_at(clock::time_point::max()), 2ns);
  EXPECT_EQ(ids.lead_at(clock::time_point::min()), std::chrono::nanoseconds::max());
}

// All of two milliseconds, in order and each with its own place.
TEST(uuid_v7_generator, tells_every_nanosecond) {
  const manual clock(at(5'000'000));
  quoin::uuid_v7_generator ids({.key = fixed_key}, clock);
  std::vector<uuid> some(1000);
  std::uint64_t next = 5'000'000;
  uuid before;
  for (int i = 0; i < 2'000; ++i) {
    if (i % 200 > 2 && i % 200 < 198) continue;
    ids.next_many_at(at(i * 1000 + 5'000'000), some);
    if (nanosecond_of(some[0]) > next) next = nanosecond_of(some[0]);
    for (const uuid& u : some) {
      ASSERT_EQ(nanosecond_of(u), next++);
      ASSERT_LT(before, u);
      before = u;
    }
  }
}

TEST(uuid_v4_generator, is_two_words_of_its_function) {
  quoin::uuid_v4_generator ids({.key = fixed_key});
  std::vector<uuid> many(3);
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (i % 10 == 5) ids.next_many(many);
    const uuid u = i % 10 == 5   ? many[0]
                   : i % 10 == 6 ? many[1]
                   : i % 10 == 7 ? many[2]
                                 : ids.next();
    ASSERT_EQ(u.high(), (siphash_of(2 * i) & ~std::uint64_t{0xf000}) | 0x4000);
    ASSERT_EQ(u.low() << 2, siphash_of(2 * i + 1) >> 2 << 2);
    ASSERT_EQ(u.version(), 4);
    ASSERT_EQ(u.variant(), uuid_variant::rfc9562);
  }
  EXPECT_NE(quoin::uuid_v4_generator().next(), quoin::uuid_v4_generator().next());
}

// Of n fair bits more than 6 standard deviations too many are set with probability 2e-9; for 176
// bits in all the false-alarm rate is 4e-7.
TEST(uuid, random_bits_are_fair) {
  manual clock;
  quoin::uuid_v4_generator v4({.key = fixed_key});
  quoin::uuid_v7_generator v7({.key = fixed_key}, clock);
  constexpr int n = 4096;
  std::array<int, 122 + 54> set{};
  for (int i = 0; i < n; ++i) {
    const uuid a = v4.next(), b = v7.next();
    std::size_t bit = 0;
    const auto count = [&](std::uint64_t word, int first, int last) {
      for (int k = first; k < last; ++k) set[bit++] += static_cast<int>(word >> k & 1);
    };
    count(a.high(), 0, 12);
    count(a.high(), 16, 64);
    count(a.low(), 0, 62);
    count(b.low(), 0, 54);
  }
  for (const int count : set) EXPECT_LE(std::abs(count - n / 2), 6 * 32);
}

template <class Generator>
std::vector<uuid> from_threads(Generator& ids, std::size_t threads, std::size_t each) {
  std::vector<uuid> all(threads * each);
  std::latch start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> makers;
  for (std::size_t t = 0; t < threads; ++t) {
    makers.emplace_back([&, t] {
      start.arrive_and_wait();
      const auto mine = std::span(all).subspan(t * each, each);
      for (std::size_t i = 0; i < each; ++i) {
        if (i % 64 == 0 && i + 16 < each) {
          ids.next_many(mine.subspan(i, 16));
          i += 15;
        } else {
          mine[i] = ids.next();
        }
      }
    });
  }
  for (std::thread& maker : makers) maker.join();
  return all;
}

TEST(uuid_generators, threads_never_get_the_same) {
  constexpr std::size_t threads = 4, each = 30'000;
  quoin::uuid_v4_generator v4;
  quoin::uuid_v7_generator<> v7;
  manual still;
  quoin::uuid_v7_generator frozen({}, still);
  std::vector<uuid> made[] = {from_threads(v7, threads, each), from_threads(frozen, threads, each),
                              from_threads(v4, threads, each)};
  for (std::size_t g = 0; g < 2; ++g) {
    for (std::size_t i = 1; i < made[g].size(); ++i) {
      if (i % each == 0) continue;
      ASSERT_LT(nanosecond_of(made[g][i - 1]), nanosecond_of(made[g][i]));
    }
  }
  for (auto& ids : made) {
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  }
  for (std::size_t i = 0; i < threads * each; ++i) ASSERT_EQ(nanosecond_of(made[1][i]), i + 1);
  // Nor the same random bits: two of 120,000 times 54 bits are equal by chance once in 2.5 million runs.
  for (const auto& ids : {made[0], made[1]}) {
    std::vector<std::uint64_t> random;
    for (const uuid& id : ids) random.push_back(id.low() << 10);
    std::sort(random.begin(), random.end());
    EXPECT_EQ(std::adjacent_find(random.begin(), random.end()), random.end());
  }
}

// Two threads with two ids each, one by one and both at once, at times before, at and after each other's.
TEST(uuid_v7_generator, every_order_of_two_threads) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  using quoin_test::interleaved_atomic;
  const manual still;
  for (const std::int64_t second : {9, 10, 11, 12}) {
    const auto result = quoin_test::explore({.spurious_failures = 1}, [&](auto& run) {
      quoin::uuid_v7_generator<manual, interleaved_atomic> ids({.key = fixed_key}, still);
      uuid one[2], both[2];
      run({[&] {
             for (uuid& id : one) id = ids.next_at(at(10));
           },
           [&] { ids.next_many_at(at(second), both); }});
      EXPECT_LT(one[0], one[1]);
      EXPECT_LT(both[0], both[1]);
      std::set<std::uint64_t> times, random;
      for (const uuid& id : {one[0], one[1], both[0], both[1]}) {
        times.insert(nanosecond_of(id));
        random.insert(id.low() << 10);
      }
      EXPECT_EQ(times.size(), 4u);
      EXPECT_EQ(random.size(), 4u);
      EXPECT_LE(*times.rbegin(), 15u);
    });
    EXPECT_TRUE(result.complete);
    EXPECT_GT(result.orders, 10u);
  }
}

// The same where the clock is not read for each, while time passes: no id tells an older time than is
// promised.
TEST(uuid_v7_generator, every_order_of_two_threads_and_a_counter) {
  if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "it does not know contexts";
  using clock = quoin_test::counted_clock<std::chrono::nanoseconds>;
  for (const std::int64_t later : {3, 20}) {
    const auto result = quoin_test::explore({}, [&](auto& run) {
      clock::time.store(1000);
      quoin::uuid_v7_generator<clock, quoin_test::interleaved_atomic, clock::ticks> ids(
          {.key = fixed_key});
      EXPECT_EQ(nanosecond_of(ids.next()), 1000u);
      clock::time.store(1000 + later);
      std::set<std::uint64_t> all;
      const auto take = [&](std::uint64_t& last) {
        const auto asked = static_cast<std::uint64_t>(clock::time.load());
        const std::uint64_t time = nanosecond_of(ids.next());
        EXPECT_GT(time + clock::ticks::most(), asked);
        EXPECT_LE(time, 1012u + static_cast<std::uint64_t>(later));
        EXPECT_GT(time, last);
        EXPECT_TRUE(all.insert(time).second);
        last = time;
      };
      run({[&] {
             std::uint64_t last = 1000;
             take(last);
             clock::time.store(1010 + later);
             take(last);
           },
           [&] {
             std::uint64_t last = 1000;
             take(last);
             take(last);
           }});
    });
    EXPECT_TRUE(result.complete);
    EXPECT_GT(result.orders, 10u);
  }
}

// What a child of `fork` makes, against what its parent makes after the same ids at the same time.
template <class Generator>
void expect_another_child(Generator& ids) {
  constexpr std::size_t n = 8;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  uuid mine[n], its[n];
  ids.next_many(mine);
  if (child == 0) _exit(write(ends[1], mine, sizeof mine) == sizeof mine ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(read(ends[0], its, sizeof its), static_cast<ssize_t>(sizeof its));
  close(ends[0]);
  close(ends[1]);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NE(mine[i], its[i]);
    EXPECT_NE(mine[i].low() << 10, its[i].low() << 10);
  }
}

TEST(uuid_generators, a_child_never_repeats_its_parent) {
  manual still(at(1'000'000));
  quoin::uuid_v7_generator v7({.key = fixed_key}, still);
  quoin::uuid_v4_generator v4({.key = fixed_key});
  static_cast<void>(v7.next());
  expect_another_child(v7);
  expect_another_child(v4);
  // The children of one parent are strangers, too: each has a key of its own.
  expect_another_child(v7);
}

}  // namespace
