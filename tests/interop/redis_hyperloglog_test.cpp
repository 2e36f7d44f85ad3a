// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/redis_hyperloglog.hpp>

#include "interop/redis_hyperloglog_testing.hpp"
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace quoin_test;
using quoin::errc;
using sketch = quoin::redis_hyperloglog;
using bytes = std::vector<std::byte>;

bytes bytes_of(std::string_view text) {
  bytes result;
  for (const char c : text) result.push_back(static_cast<std::byte>(c));
  return result;
}

std::string hex(std::span<const std::byte> form) {
  std::string digits;
  for (const std::byte b : form) {
    digits += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    digits += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return digits;
}

std::vector<std::string> numbered(int first, int last) {
  std::vector<std::string> elements;
  for (int i = first; i <= last; ++i) elements.push_back("e" + std::to_string(i));
  return elements;
}

// --- what redis-server 7.0.15 was seen to do ----------------------------------------------------

TEST(redis_hyperloglog, a_new_one_is_a_key_without_elements) {
  sketch r;
  EXPECT_EQ(hex(r.bytes()), "48594c4c0100000000000000000000807fff");
  EXPECT_FALSE(r.count_is_kept());
  EXPECT_EQ(r.count(), 0u);
  EXPECT_EQ(hex(r.bytes()), "48594c4c0100000000000000000000007fff");
}

TEST(redis_hyperloglog, seven_letters) {
  sketch r;
  EXPECT_TRUE(r.add_many(std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"}));
  EXPECT_EQ(hex(r.bytes()),
            "48594c4c010000000000000000000080"
            "466d80560c80443c84388050b184498c80426d80425a");
  EXPECT_EQ(r.count(), 7u);
  EXPECT_EQ(hex(r.bytes()).substr(16, 16), "0700000000000000");
  EXPECT_FALSE(r.add("c"));
  EXPECT_TRUE(r.count_is_kept()) << "nothing has changed";
  EXPECT_TRUE(r.add("h"));
  EXPECT_EQ(hex(r.bytes()).substr(16, 16), "0700000000000080") << "the old count stays, marked";
}

TEST(redis_hyperloglog, a_thousand_elements) {
  sketch r;
  for (const auto& element : numbered(1, 1000)) r.add(element);
  EXPECT_EQ(r.count(), 1008u);
  EXPECT_EQ(r.serialized_size(), 1906u);
  EXPECT_FALSE(r.is_dense());
  expect_golden("redis_hyperloglog_sparse.bin", r.bytes());
  r.add_many(numbered(1001, 5000));
  EXPECT_TRUE(r.is_dense());
  EXPECT_EQ(r.serialized_size(), 12'304u);
  r.count();
  expect_golden("redis_hyperloglog_dense.bin", r.bytes());
}

// --- single parts -------------------------------------------------------------------------------

TEST(redis_hyperloglog_hash, takes_what_has_bytes) {
  const quoin::redis_hyperloglog_hash hash;
  const std::string text = "abc";
  const char* const pointer = "abc";
  EXPECT_EQ(hash("abc"), quoin::murmur2_64a(text, 0xadc83b19u));
  EXPECT_EQ(hash(pointer), hash("abc"));
  EXPECT_EQ(hash(std::string_view(text)), hash("abc"));
  EXPECT_EQ(hash(bytes_of("abc")), hash("abc"));
  static_assert(!quoin::redis_element<int>, "PFADD would take its digits");
  for (const std::uint64_t h : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 47}) {
    EXPECT_EQ(hash(element_of_hash(h)), h);
  }
}

// The text's example: 30-bit hashes, their zeros at the end, and 2^(L+1) from the largest.
TEST(redis_hyperloglog, ranks_count_zeros_from_the_low_end) {
  constexpr std::pair<std::uint64_t, unsigned> rows[] = {{0b111011100110101100101000000000, 9},
                                                         {0b111011100110101100101000001100, 2},
                                                         {0b111011100110101100001000000010, 1},
                                                         {0b100011100110101100101000000001, 0}};
  unsigned longest = 0;
  sketch r;
  for (const auto& [bits, zeros] : rows) {
    EXPECT_EQ(quoin::detail::redis_rank(bits << 14 | 77), zeros + 1);
    EXPECT_EQ(quoin::detail::redis_index(bits << 14 | 77), 77u);
    if (zeros != 9) longest = std::max(longest, zeros);  // the names; the first is an ID
    if (zeros != 9) r.add_hash(std::rotl(bits, 34));
  }
  EXPECT_EQ(1u << (longest + 1), 8u) << "what one register makes of three names";
  EXPECT_EQ(quoin::detail::redis_rank(0), 51u);
  EXPECT_EQ(quoin::detail::redis_rank(std::uint64_t{1} << 63), 50u);
}

// Not so: that 2^(L+1) for the mean L of the counters is the number. The factor m is missing.
TEST(redis_hyperloglog, mean_of_the_registers_alone_is_no_estimate) {
  sketch r;
  constexpr int n = 100'000;
  r.add_many(numbered(1, n));
  double sum = 0;
  for (const std::uint8_t rank : r.registers()) sum += rank == 0 ? 0 : rank - 1;
  EXPECT_LT(std::exp2(sum / 16384 + 1), n / 1000.0);
  EXPECT_NEAR(static_cast<double>(r.count()), n, 5 * r.relative_standard_error() * n);
}

TEST(redis_hyperloglog, sparse_until_a_rank_or_the_size_is_too_large) {
  sketch rank;
  EXPECT_TRUE(rank.add(element_at(16383, 32)));
  EXPECT_FALSE(rank.is_dense());
  EXPECT_TRUE(rank.add(element_at(5, 33)));
  EXPECT_TRUE(rank.is_dense());
  EXPECT_EQ(rank.registers()[5], 33);
  EXPECT_EQ(rank.registers()[16383], 32);
  EXPECT_FALSE(rank.add(element_at(5, 1)));
  EXPECT_TRUE(rank.add(element_at(5, 51)));
  EXPECT_EQ(rank.registers()[5], 51);

  sketch size({.sparse_max_bytes = 21}), less({.sparse_max_bytes = 20});
  EXPECT_TRUE(size.add(element_at(1000, 1)));  // 1000 zeros, one, 15383 zeros
  EXPECT_EQ(size.serialized_size(), 21u);
  EXPECT_TRUE(size.add(element_at(1000, 2))) << "no larger";
  EXPECT_FALSE(size.is_dense());
  EXPECT_TRUE(size.add(element_at(2000, 1)));
  EXPECT_TRUE(size.is_dense());
  EXPECT_TRUE(less.add(element_at(1000, 1)));
  EXPECT_TRUE(less.is_dense());
  EXPECT_EQ(less.options().sparse_max_bytes, 20u);
}

TEST(redis_hyperloglog, equal_neighbours_join_up_to_four) {
  sketch r;
  for (const std::uint32_t i : {0u, 2u, 1u, 3u, 4u}) r.add(element_at(i, 1));
  EXPECT_EQ(hex(r.bytes().subspan(16)), "83807ffa") << "four, one, 16379 zeros";
  r.add(element_at(1, 2));
  EXPECT_EQ(hex(r.bytes().subspan(16)),
            "808482"
            "7ffa")
      << "one, a two, three joined";
}

TEST(redis_hyperloglog, merges_and_unions) {
  sketch a, b, both;
  a.add_many(numbered(1, 600));
  b.add_many(numbered(400, 1000));
  both.add_many(numbered(1, 1000));
  const sketch before = b;
  EXPECT_EQ(a.union_count(b), both.estimate());
  EXPECT_EQ(sketch::union_count(std::vector<sketch>{a, b, both}), both.estimate());
  EXPECT_EQ(sketch::union_count(std::span<const sketch>()), 0u);
  a.count();
  a.merge(b);
  EXPECT_FALSE(a.count_is_kept());
  EXPECT_EQ(a, both);
  EXPECT_FALSE(a.is_dense());
  EXPECT_EQ(b.to_bytes(), before.to_bytes());
  EXPECT_EQ(a.count(), 1008u);
  a.count();
  a.merge_many({});
  EXPECT_FALSE(a.count_is_kept()) << "PFMERGE forgets, also without a source";
  sketch large;
  large.add_many(numbered(1, 20'000));
  sketch c = b, d = large;
  c.merge(large);
  d.merge(b);
  EXPECT_TRUE(c.is_dense());
  EXPECT_EQ(c, d);
  EXPECT_EQ(c, large) << "a superset";
  c.merge(c);
  EXPECT_EQ(c, large);
}

TEST(redis_hyperloglog, batches_of_every_size) {
  for (const std::size_t n : {0u, 1u, 23u, 24u, 25u, 127u, 129u, 8'191u, 8'192u, 40'000u}) {
    std::uint64_t state = n;
    for (const bool dense : {false, true}) {
      sketch one, many;
      if (dense) one.make_dense(), many.make_dense();
      std::vector<std::uint64_t> hashes(n);
      bool changed = false;
      for (auto& hash : hashes) changed |= one.add_hash(hash = split_mix(state));
      EXPECT_EQ(many.add_hash_many(hashes), changed);
      EXPECT_EQ(many.to_bytes(), one.to_bytes()) << n;
      EXPECT_FALSE(many.add_hash_many(hashes));
    }
  }
}

TEST(redis_hyperloglog, other_forms_of_the_same) {
  sketch r;
  r.add_many(numbered(1, 100));
  r.count();
  sketch dense = r;
  dense.make_dense();
  EXPECT_TRUE(dense.is_dense() && dense.count_is_kept());
  EXPECT_EQ(dense, r);
  EXPECT_EQ(dense.estimate(), r.estimate());
  EXPECT_EQ(r.register_count(), 16384u);
  const auto again = sketch::from_registers(r.registers());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, r);
  EXPECT_FALSE(again->is_dense());
  std::vector<std::uint8_t> registers(16384, 51);
  const auto full = sketch::from_registers(registers);
  ASSERT_TRUE(full.has_value());
  EXPECT_TRUE(full->is_dense());
  EXPECT_EQ(full->registers(), registers);
  EXPECT_EQ(full->estimate(), std::uint64_t{1} << 63) << "more than can be told";
  registers[9] = 52;
  EXPECT_EQ(sketch::from_registers(registers).error(), quoin::error(errc::bad_value, 9, ""));
  registers.pop_back();
  EXPECT_EQ(sketch::from_registers(registers).error(), quoin::error(errc::truncated, 16383, ""));
  registers.resize(16385);
  EXPECT_EQ(sketch::from_registers(registers).error(),
            quoin::error(errc::trailing_bytes, 16384, ""));
  swap(r, dense);
  EXPECT_TRUE(r.is_dense() && !dense.is_dense());
  r.clear();
  EXPECT_EQ(r.to_bytes(), sketch().to_bytes());
  std::array<std::byte, 17> small;
  EXPECT_THROW(r.write_to(small), std::invalid_argument);
  std::array<std::byte, 20> enough;
  EXPECT_EQ(r.write_to(enough), 18u);
}

// Five standard deviations: 6e-7 for each n.
TEST(redis_hyperloglog, counts_within_its_error) {
  std::uint64_t state = 11;
  for (const int n : {100, 1'000, 10'000, 100'000, 1'000'000}) {
    sketch r;
    std::vector<std::uint64_t> hashes;
    for (int i = 0; i < n; ++i) hashes.push_back(split_mix(state));
    r.add_hash_many(hashes);
    EXPECT_NEAR(static_cast<double>(r.count()), n, 5 * r.relative_standard_error() * n + 1);
  }
}

TEST(redis_hyperloglog_memory, allocators_are_used_and_failures_change_nothing) {
  memory_account account;
  using accounted = quoin::basic_redis_hyperloglog<accounted_allocator<std::byte>>;
  const accounted_allocator<std::byte> allocator(account);
  {
    accounted small({}, allocator), large({}, allocator);
    EXPECT_LE(account.live_bytes, 36u);
    small.add("a");
    large.add_many(numbered(1, 5000));
    EXPECT_EQ(account.largest_request, 12'304u);
    EXPECT_EQ(small.get_allocator(), allocator);
    const auto before = small.to_bytes();
    account.requests_until_failure = 0;
    EXPECT_THROW(small.merge(large), std::bad_alloc);
    EXPECT_THROW(small.make_dense(), std::bad_alloc);
    EXPECT_THROW(small.add(element_at(1, 40)), std::bad_alloc);
    EXPECT_THROW(small.add_many(numbered(1, 1000)), std::bad_alloc);
    EXPECT_EQ(small.to_bytes(), before);
    account.requests_until_failure = static_cast<std::size_t>(-1);
    small.merge(large);
    EXPECT_EQ(small.to_bytes().size(), 12'304u);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

// --- bytes from outside -------------------------------------------------------------------------

constexpr std::string_view empty_header("HYLL\1\0\0\0\0\0\0\0\0\0\0\0", 16);

void expect_refused(std::string_view payload, errc code, std::uint64_t position) {
  const bytes input = bytes_of(std::string(empty_header) + std::string(payload));
  const auto r = sketch::from_bytes(input);
  ASSERT_FALSE(r.has_value());
  EXPECT_EQ(r.error().code(), code) << r.error().message();
  EXPECT_EQ(r.error().position(), position) << r.error().message();
}

TEST(redis_hyperloglog_bytes, hostile_runs_are_refused) {
  using namespace std::string_literals;
  const std::string all = "\x7f\xff";  // 16384 zeros
  EXPECT_TRUE(sketch::from_bytes(bytes_of(std::string(empty_header) + all)).has_value());
  expect_refused("", errc::truncated, 16);
  expect_refused("\x7f", errc::truncated, 16);
  expect_refused("\x7f\xfe", errc::truncated, 18);
  expect_refused(all + "\x7f", errc::truncated, 18);
  expect_refused(all + "\0"s, errc::bad_value, 18);
  expect_refused(all + "\x80", errc::bad_value, 18);
  expect_refused(all + all, errc::bad_value, 18);
  expect_refused("\x7f\xfe\x81", errc::bad_value, 18);  // two, where one is left
  // CVE-2025-32023: so many runs that 16384 times as many registers overflow 32 bits.
  std::string overflow;
  for (int i = 0; i < 131'073; ++i) overflow += all;
  expect_refused(overflow, errc::bad_value, 18);
  expect_refused(overflow + "\x83", errc::bad_value, 18);
  expect_refused(std::string(32'768, '\x7f'), errc::bad_value, 18);
  expect_refused(std::string(16'385, '\x80'), errc::bad_value, 16 + 16'384);
  expect_refused(std::string(16'383, '\x80'), errc::truncated, 16 + 16'383);
  EXPECT_TRUE(sketch::from_bytes(bytes_of(std::string(empty_header) + std::string(16'384, '\x80')))
                  .has_value())
      << "longer than the server lets it become, but well-formed";
}

TEST(redis_hyperloglog_bytes, hostile_headers_are_refused) {
  bytes good = sketch().to_bytes();
  const auto code = [](const bytes& input) { return sketch::from_bytes(input).error(); };
  bytes bad = good;
  bad[3] = std::byte{'l'};
  EXPECT_EQ(code(bad), quoin::error(errc::bad_magic, 0, ""));
  bad = good;
  bad[4] = std::byte{2};
  EXPECT_EQ(code(bad), quoin::error(errc::bad_value, 4, ""));
  bad[4] = std::byte{0};
  EXPECT_EQ(code(bad), quoin::error(errc::truncated, 18, ""));
  bad.resize(12'304);
  EXPECT_EQ(code(bad), quoin::error(errc::bad_value, 16, "")) << "runs are no registers";
  bad.resize(12'305);
  EXPECT_EQ(code(bad), quoin::error(errc::trailing_bytes, 12'304, ""));
  sketch dense;
  dense.make_dense();
  bad = dense.to_bytes();
  EXPECT_TRUE(sketch::from_bytes(bad).has_value());
  bad[16 + 12'287] = static_cast<std::byte>(51 << 2);
  EXPECT_EQ(sketch::from_bytes(bad)->registers()[16'383], 51);
  bad[16 + 12'287] = static_cast<std::byte>(52 << 2);
  EXPECT_EQ(code(bad), quoin::error(errc::bad_value, 16 + 12'287, ""));
  bad[16 + 4] = std::byte{0x40};  // register 6 lies in two bytes
  bad[16 + 5] = std::byte{0x03};
  EXPECT_EQ(code(bad), quoin::error(errc::bad_value, 16 + 4, ""));
}

// As in the server: nobody looks at the reserved bytes, and a count that is there is believed.
TEST(redis_hyperloglog_bytes, reserved_bytes_and_a_kept_count_are_taken_as_they_are) {
  bytes input = bytes_of(std::string("HYLL\1xyz\5\0\0\0\0\0\0\0\x7f\xff", 18));
  auto r = sketch::from_bytes(input);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->to_bytes(), input);
  EXPECT_EQ(r->count(), 5u);
  EXPECT_EQ(r->estimate(), 0u);
  r->add("a");
  EXPECT_EQ(r->count(), 1u);
  r->make_dense();
  EXPECT_EQ(hex(r->bytes().first(8)), "48594c4c0078797a");
}

TEST(redis_hyperloglog_bytes, damage_gives_an_error_or_a_valid_sketch) {
  std::size_t taken = 0;
  const auto use = [&](std::span<const std::byte> input) {
    auto r = sketch::from_bytes(input);
    if (!r) {
      EXPECT_LE(r.error().position(), input.size());
      return;
    }
    EXPECT_EQ(r->bytes().size(), input.size());
    if (++taken % 64 != 0 && r->is_dense()) return;
    EXPECT_LE(r->estimate(), std::uint64_t{1} << 63);
    r->add("a");
    r->add_many(numbered(1, 30));
    EXPECT_TRUE(sketch::from_bytes(r->bytes()).has_value());
  };
  for (const char* name : {"redis_hyperloglog_sparse.bin", "redis_hyperloglog_dense.bin"}) {
    const bytes golden = read_golden(name);
    ASSERT_TRUE(sketch::from_bytes(golden).has_value());
    for_each_truncation(golden, [&](std::span<const std::byte> input) {
      EXPECT_FALSE(sketch::from_bytes(input).has_value());
    });
    for_each_bit_flip(golden, use);
  }
  EXPECT_GT(taken, 1000u);
}

TEST(redis_hyperloglog_sparse, the_last_run_is_edited_in_place) {
  sketch r;
  r.add_hash(16'383 | std::uint64_t{1} << 14);
  r.add_hash(16'383 | std::uint64_t{1} << 15);
  EXPECT_EQ(r.registers().back(), 2);
  EXPECT_TRUE(sketch::from_bytes(r.to_bytes()).has_value());
}

}  // namespace
