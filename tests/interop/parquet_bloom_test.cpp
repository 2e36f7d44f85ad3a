// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/parquet_bloom.hpp>

#include "hash/hash_testing.hpp"
#include "support/allocators.hpp"
#include "support/golden.hpp"
#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin::errc;
using quoin_test::split_mix;
using filter = quoin::parquet_bloom_filter<>;
using view = quoin::parquet_bloom_filter_view;
using bytes = std::vector<std::byte>;

bytes bytes_from(std::initializer_list<unsigned> values) {
  bytes result;
  for (const unsigned v : values) result.push_back(static_cast<std::byte>(v));
  return result;
}

// --- the published file -------------------------------------------------------------------------

/// SHA-256 (FIPS 180-4) of fewer than 2^32 bytes, as hexadecimal digits.
std::string sha256(std::span<const std::byte> data) {
  bytes padded(data.begin(), data.end());
  padded.push_back(std::byte{0x80});
  while (padded.size() % 64 != 56) padded.push_back(std::byte{0});
  padded.resize(padded.size() + 8);
  detail::store_be(&padded[padded.size() - 8], std::uint64_t{8} * data.size());
  // The constants are the first 32 bits of the fractions of the cube and square roots of primes.
  std::array<std::uint32_t, 64> k{};
  std::array<std::uint32_t, 8> state{};
  const auto fraction = [](long double x) {
    return static_cast<std::uint32_t>((x - std::floor(x)) * 4294967296.0L);
  };
  std::size_t primes = 0;
  for (unsigned n = 2; primes < 64; ++n) {
    bool prime = true;
    for (unsigned d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    if (!prime) continue;
    if (primes < 8) state[primes] = fraction(std::sqrt(static_cast<long double>(n)));
    k[primes++] = fraction(std::cbrt(static_cast<long double>(n)));
  }
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 64; ++i) {
      if (i < 16) {
        w[i] = detail::load_be<std::uint32_t>(&padded[at + 4 * i]);
        continue;
      }
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto s = state;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t e = s[4], a = s[0];
      const std::uint32_t t1 = s[7] + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                               ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
      const std::uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) +
                               ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
      s = {t1 + t2, s[0], s[1], s[2], s[3] + t1, s[4], s[5], s[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) state[i] += s[i];
  }
  std::string digits;
  for (const std::uint32_t word : state) {
    for (unsigned shift = 32; shift > 0;) digits += "0123456789abcdef"[word >> (shift -= 4) & 15];
  }
  return digits;
}

/// The filter of data/bloom_filter.xxhash.bin in apache/parquet-testing.
filter published_filter() {
  filter f({.size_bytes = 1024});
  for (const char* word : {"hello", "parquet", "bloom", "filter"}) f.insert(word);
  return f;
}

TEST(parquet_bloom, writes_the_published_file) {
  EXPECT_EQ(quoin::parquet_hash{}("hello"), 0x26c7827d889f6da3u);
  EXPECT_EQ(quoin::parquet_hash{}("parquet"), 0x3c9d29275c52e429u);
  EXPECT_EQ(quoin::parquet_hash{}("bloom"), 0x50c8fb9e62dbc53cu);
  EXPECT_EQ(quoin::parquet_hash{}("filter"), 0x2a5736cdfcd7a9a1u);
  const bytes form = published_filter().to_bytes();
  ASSERT_EQ(form.size(), 1040u);
  const bytes header =
      bytes_from({0x15, 0x80, 0x10, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0});
  EXPECT_TRUE(std::equal(header.begin(), header.end(), form.begin()));
  for (std::size_t block = 0; block < 32; ++block) {
    const auto part = std::span(form).subspan(16 + 32 * block, 32);
    const bool used = block == 4 || block == 5 || block == 7 || block == 10;
    EXPECT_EQ(std::any_of(part.begin(), part.end(), [](std::byte b) { return b != std::byte{}; }),
              used)
        << block;
  }
  if (sizeof(long double) > 8) {  // else the constants are too coarse
    ASSERT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256(form), "1e7e1500b81d0f1b149fa8c3415c0f4c97e0c14cb9c8d125f0baec2b224492bf");
  }
}

TEST(parquet_bloom, never_changes) {
  filter f({.size_bytes = 96});
  for (const std::int32_t x : {0, 1, -1, 1 << 30}) f.insert(x);
  for (const std::int64_t x : {0, 1, -1, 1 << 30}) f.insert(x);
  f.insert(1.5f);
  f.insert(1.5);
  f.insert("");
  f.insert("stone");
  quoin_test::expect_golden("parquet_bloom.bin", f.to_bytes());
}

// --- values -------------------------------------------------------------------------------------

TEST(parquet_hash, is_that_of_the_plain_encoding) {
  const quoin::parquet_hash hash;
  const auto plain = [](std::initializer_list<unsigned> values) {
    return quoin::xxh64(bytes_from(values));
  };
  EXPECT_EQ(hash(std::int32_t{-2}), plain({0xfe, 0xff, 0xff, 0xff}));
  EXPECT_EQ(hash(std::uint32_t{0x01020304}), plain({4, 3, 2, 1}));
  EXPECT_EQ(hash(std::int64_t{-2}), plain({0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(hash(std::uint64_t{0x0102030405060708}), plain({8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(hash(1.0f), plain({0, 0, 0x80, 0x3f}));
  EXPECT_EQ(hash(-0.0), plain({0, 0, 0, 0, 0, 0, 0, 0x80}));
  EXPECT_EQ(hash("ab"), plain({'a', 'b'})) << "no length before it";
  EXPECT_EQ(hash(std::string("ab")), hash("ab"));
  EXPECT_EQ(hash(bytes_from({'a', 'b'})), hash("ab"));
  const char* const pointer = "ab";
  EXPECT_EQ(hash(pointer), hash("ab"));
  EXPECT_NE(hash(std::int32_t{1}), hash(std::int64_t{1}));
  static_assert(quoin::parquet_hash{}(std::int32_t{7}) != 0);
  static_assert(!quoin::parquet_value<std::int16_t>, "widen it to what the column holds");
  static_assert(!quoin::parquet_value<bool>);
  static_assert(!quoin::parquet_value<std::vector<int>>);
}

TEST(parquet_bloom, everyday_use) {
  quoin::parquet_bloom_filter f({.capacity = 1000, .false_positive_rate = 0.01});
  EXPECT_TRUE(f.empty());
  EXPECT_TRUE(f.try_insert("a"));
  EXPECT_FALSE(f.try_insert(std::string("a")));
  EXPECT_TRUE(f.contains("a"));
  EXPECT_FALSE(f.contains("b"));
  EXPECT_FALSE(f.empty());
  EXPECT_EQ(f.bits_set(), 8u);
  const std::vector<std::string> words{"x", "y"};
  f.insert_many(words);
  bool hits[3] = {false, false, true};
  f.contains_many(words, hits);
  EXPECT_TRUE(hits[0] && hits[1] && hits[2]);
  EXPECT_THROW(f.contains_many(words, std::span(hits, 1)), std::invalid_argument);
  filter g({.size_bytes = 64});
  swap(f, g);
  EXPECT_TRUE(g.contains("x"));
  EXPECT_EQ(f.size_bytes(), 64u);
  g.clear();
  EXPECT_TRUE(g.empty());
}

TEST(parquet_bloom, batches_agree_with_single_operations_on_every_level) {
  std::uint64_t state = 1;
  for (const std::uint32_t blocks : {1u, 3u, 100u, 70'000u}) {
    for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 63u, 64u, 65u, 1000u}) {
      filter one({.size_bytes = blocks * 32}), batch = one;
      std::vector<std::uint64_t> hashes(n), strangers(n);
      for (std::size_t i = 0; i < n; ++i) {
        hashes[i] = split_mix(state);
        strangers[i] = i % 2 == 0 ? hashes[i] : split_mix(state);
        one.insert_hash(hashes[i]);
      }
      batch.insert_hash_many(hashes);
      EXPECT_EQ(batch, one);
      std::vector<std::uint64_t> mask((n + 63) / 64, ~std::uint64_t{0});
      one.contains_hash_many(strangers, mask);
      for (std::size_t i = 0; i < 64 * mask.size(); ++i) {
        ASSERT_EQ(mask[i / 64] >> (i % 64) & 1, i < n && one.contains_hash(strangers[i]));
      }
      detail::for_each_isa([&](quoin::isa level) {
        const detail::parquet_kernels kernels = detail::parquet_kernels_of(level);
        const std::size_t count = std::min<std::size_t>(n, 64), padded = (count + 7) / 8 * 8;
        std::vector<std::uint64_t> group(padded, n == 0 ? 0 : hashes[0]);
        std::copy_n(hashes.begin(), count, group.begin());
        bytes by_kernel(32 * std::size_t{blocks} + 1), by_one = by_kernel;
        // An odd address: kernels need no alignment.
        const detail::parquet_table t{reinterpret_cast<unsigned char*>(by_kernel.data()) + 1,
                                      blocks};
        const detail::parquet_table u{reinterpret_cast<unsigned char*>(by_one.data()) + 1, blocks};
        kernels.insert(t, group.data(), count);
        detail::parquet_insert_scalar(u, group.data(), count);
        EXPECT_EQ(by_kernel, by_one) << to_string(level);
        std::copy_n(strangers.begin(), count, group.begin());
        const std::uint64_t kept = count == 0 ? 0 : ~std::uint64_t{0} >> (64 - count);
        const detail::const_parquet_table c{t.bytes, blocks};
        EXPECT_EQ(kernels.contains(c, group.data(), count) & kept,
                  detail::parquet_contains_scalar(c, group.data(), count) & kept)
            << to_string(level);
      });
    }
  }
}

// --- options and rates --------------------------------------------------------------------------

TEST(parquet_bloom_options, sizes_are_powers_of_two_unless_given) {
  EXPECT_EQ(filter({.capacity = 1, .bits_per_key = 1}).size_bytes(), 32u);
  EXPECT_EQ(filter({.capacity = 100, .bits_per_key = 10}).size_bytes(), 128u);
  EXPECT_EQ(filter({.capacity = 1024, .bits_per_key = 8}).size_bytes(), 1024u);
  EXPECT_EQ(filter({.size_bytes = 96}).size_bytes(), 96u);
  EXPECT_EQ(filter({.size_bytes = 96}).block_count(), 3u);
  const filter f({.capacity = 26'214, .false_positive_rate = 0.0127});
  EXPECT_EQ(f.block_count(), 1024u);
  EXPECT_NEAR(f.expected_false_positive_rate(26'214), 0.0126, 5e-5)
      << "the specification's example";
}

TEST(parquet_bloom_options, out_of_range_is_refused) {
  const auto refused = [](const quoin::parquet_bloom_options& o, std::string_view parameter) {
    try {
      filter{o};
    } catch (const std::invalid_argument& e) {
      return std::string_view(e.what()).find(parameter) != std::string_view::npos;
    }
    return false;
  };
  EXPECT_TRUE(refused({}, "capacity = 0"));
  EXPECT_TRUE(refused({.capacity = 1}, "false_positive_rate = 0"));
  EXPECT_TRUE(refused({.capacity = 1, .false_positive_rate = 1}, "false_positive_rate = 1"));
  EXPECT_TRUE(refused({.capacity = 1, .bits_per_key = 65}, "bits_per_key = 65"));
  EXPECT_TRUE(refused({.capacity = 1, .bits_per_key = std::nan("")}, "bits_per_key"));
  EXPECT_TRUE(refused({.size_bytes = 31}, "size_bytes = 31"));
  EXPECT_TRUE(refused({.size_bytes = std::uint64_t{1} << 31}, "size_bytes"));
  EXPECT_TRUE(refused({.capacity = 1'000'000'000, .bits_per_key = 8}, "128 MiB"));
  EXPECT_TRUE(refused({.capacity = 1'000'000'000, .false_positive_rate = 0.01}, "128 MiB"));
}

// Probes of one filter whose exact rate is known: binomial. |z| > 4.9 has probability 1e-6; the
// fill of 4096 blocks leaves the mean rate uncertain by about 1 %, and it is told apart.
TEST(parquet_bloom_model, holds) {
  std::uint64_t state = 5;
  for (const std::uint64_t keys : {60'000u, 100'000u, 130'000u}) {
    filter f({.size_bytes = 4096 * 32});
    for (std::uint64_t i = 0; i < keys; ++i) f.insert(split_mix(state));
    const double rate = f.false_positive_rate();
    EXPECT_NEAR(rate / f.expected_false_positive_rate(keys), 1, 0.06);
    constexpr int probes = 1'000'000;
    double hits = 0;
    for (int i = 0; i < probes; ++i) hits += f.contains(split_mix(state));
    EXPECT_NEAR(hits, probes * rate, 4.9 * std::sqrt(probes * rate * (1 - rate)));
    EXPECT_NEAR(f.estimated_count() / static_cast<double>(keys), 1, 0.01);
  }
  EXPECT_NEAR(detail::parquet_rate(8, 1), std::pow(1 - std::pow(31.0 / 32, 8), 8), 1e-13)
      << "one block: the lanes are independent";
  EXPECT_EQ(detail::parquet_rate(0, 5), 0);
}

TEST(parquet_bloom_sets, union_intersection_estimates) {
  filter a({.size_bytes = 1 << 16}), b = a, all = a;
  for (std::int64_t i = 0; i < 20'000; ++i) a.insert(i), all.insert(i);
  for (std::int64_t i = 10'000; i < 30'000; ++i) b.insert(i), all.insert(i);
  EXPECT_NEAR(a.estimated_union(b), 30'000, 600);
  EXPECT_NEAR(a.estimated_intersection(b), 10'000, 900);
  EXPECT_NEAR(a.estimated_jaccard(b), 1.0 / 3, 0.04);
  filter both = a;
  both.intersect(b);
  for (std::int64_t i = 10'000; i < 20'000; ++i) EXPECT_TRUE(both.contains(i));
  a.merge(b);
  EXPECT_EQ(a, all);
  filter other({.size_bytes = 1 << 15});
  EXPECT_THROW(a.merge(other), std::invalid_argument);
  EXPECT_THROW(a.intersect(other), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(a.estimated_union(other)), std::invalid_argument);
  EXPECT_NE(a, other);
  EXPECT_EQ(a, all);
}

// --- bytes --------------------------------------------------------------------------------------

/// `header` and a bit set of `size` bytes.
bytes with_bitset(bytes header, std::size_t size = 32) {
  header.resize(header.size() + size, std::byte{0x5a});
  return header;
}

void expect_refused(const bytes& form, errc code, std::uint64_t place) {
  const auto f = filter::from_bytes(form);
  ASSERT_FALSE(f);
  EXPECT_EQ(f.error(), quoin::error(code, place, "")) << f.error().message();
  EXPECT_EQ(view::from_bytes(form).error(), f.error());
}

TEST(parquet_bloom_bytes, round_trip_of_every_size) {
  for (const std::uint32_t size : {32u, 64u, 96u, 4064u, 8160u, 8192u, 1u << 20, (1u << 20) + 32}) {
    filter f({.size_bytes = size});
    f.insert_many(std::vector<std::int64_t>{1, 2, 3});
    const bytes form = f.to_bytes();
    ASSERT_EQ(form.size(), f.serialized_size());
    EXPECT_EQ(quoin::parquet_bloom_length(std::span(form).first(19)).value(), form.size());
    const auto back = filter::from_bytes(form);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, f);
    bytes shifted(form.size() + 1);
    f.write_to(std::span(shifted).subspan(1));
    const auto v = view::from_bytes(std::span(shifted).subspan(1));
    ASSERT_TRUE(v);
    EXPECT_TRUE(v->contains(std::int64_t{3}));
    EXPECT_EQ(v->contains(std::int32_t{3}), f.contains(std::int32_t{3}));
    EXPECT_DOUBLE_EQ(v->estimated_jaccard(f), 1);  // 32-bit x86 keeps 80 bits in registers
    bytes smaller(form.size() - 1);
    EXPECT_THROW(f.write_to(smaller), std::invalid_argument);
  }
}

TEST(parquet_bloom_bytes, damage_gives_an_error_or_a_filter_and_never_much_memory) {
  using accounted = quoin::parquet_bloom_filter<quoin_test::accounted_allocator<std::byte>>;
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  const bytes form = quoin_test::read_golden("parquet_bloom.bin");
  quoin_test::for_each_truncation(form, [&](std::span<const std::byte> damaged) {
    const auto f = accounted::from_bytes(damaged, allocator);
    ASSERT_FALSE(f);
    EXPECT_EQ(f.error().code(), errc::truncated);
    EXPECT_EQ(f.error().position(), damaged.size());
    const auto header = form.size() - 96;
    EXPECT_EQ(f.error().size_stated(), damaged.size() < header ? 0 : form.size());
  });
  EXPECT_EQ(account.requests, 0u);
  std::size_t accepted = 0;
  quoin_test::for_each_bit_flip(form, [&](std::span<const std::byte> damaged) {
    const auto f = accounted::from_bytes(damaged, allocator);
    accepted += f.has_value();
    EXPECT_EQ(view::from_bytes(damaged).has_value(), f.has_value());
    if (f) {
      EXPECT_EQ(f->to_bytes(), bytes(damaged.begin(), damaged.end()));
    }
  });
  EXPECT_EQ(accepted, 8u * 96) << "the bit set has no checksum; of the header no bit is idle";
  EXPECT_LT(account.largest_request, form.size() + 64);
  EXPECT_EQ(account.live_bytes, 0u);
}

TEST(parquet_bloom_bytes, fields_in_any_order_and_unknown_ones_are_read) {
  // 4, then 1 (long form of the field's id), then 2, 3 and unknown fields of every type.
  const bytes any_order = with_bitset(bytes_from({
      0x4c, 0x1c, 0,    0,              // 4: compression
      0x05, 0x02, 0x40,                 // 1: numBytes = 32
      0x1c, 0x1c, 0x15, 0x02, 0,    0,  // 2: algorithm, with a field inside BLOCK
      0x1c, 0x1c, 0,    0,              // 3: hash
      0x21, 0x12, 0x13, 0xff,           // 5, 6: true, false; 7: i8
      0x14, 0x80, 0x01, 0x15, 0x01,     // 8: i16; 9: i32
      0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,  // 10: i64
      0x17, 1,    2,    3,    4,    5,    6,    7,    8,                 // 11: double
      0x18, 0x02, 'a',  'b',                                             // 12: binary
      0x19, 0x21, 1,    2,                                               // 13: list of 2 booleans
      0x1a, 0xf5, 0x01, 0x07,        // 14: set of 1 i32, long size
      0x1b, 0x00,                    // 15: empty map
      0x1b, 0x01, 0x38, 0x07, 0x00,  // 16: map of one i8 to an empty binary
      0x1c, 0x15, 0x02, 0x00,        // 17: struct with an i32
      0x1d, 1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
      11,   12,   13,   14,   15,   16,  // 18: uuid
      0x00,
  }));
  const auto f = filter::from_bytes(any_order);
  ASSERT_TRUE(f) << f.error().message();
  EXPECT_EQ(f->size_bytes(), 32u);
  EXPECT_EQ(f->bits_set(), 32u * 4);
}

TEST(parquet_bloom_bytes, hostile_headers_are_refused_with_reason_and_place) {
  const auto numbered = [](std::initializer_list<unsigned> number) {
    bytes header = bytes_from({0x15});
    for (const unsigned b : number) header.push_back(static_cast<std::byte>(b));
    for (int i = 0; i < 3; ++i) {
      for (const unsigned b : {0x1cu, 0x1cu, 0u, 0u}) header.push_back(static_cast<std::byte>(b));
    }
    header.push_back(std::byte{0});
    return with_bitset(header);
  };
  EXPECT_TRUE(filter::from_bytes(numbered({0x40})));
  expect_refused(numbered({0x00}), errc::bad_value, 2);                           // 0
  expect_refused(numbered({0x3f}), errc::bad_value, 2);                           // -32
  expect_refused(numbered({0x20}), errc::bad_value, 2);                           // 16
  expect_refused(numbered({0x80, 0x80, 0x80, 0x80, 0x10}), errc::bad_value, 6);   // 2^31
  expect_refused(numbered({0x80, 0x01}), errc::truncated, 48);                    // 64
  expect_refused(numbered({0xc0, 0xff, 0xff, 0xff, 0x0f}), errc::truncated, 51);  // 2^31 - 32
  expect_refused(numbered({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
                 errc::bad_value, 11);
  bytes longer = numbered({0x40});
  longer.push_back(std::byte{0});
  expect_refused(longer, errc::trailing_bytes, 47);

  expect_refused(with_bitset(bytes_from({0})), errc::bad_value, 1);  // nothing there
  expect_refused(with_bitset(bytes_from({0x15, 0x40, 0})), errc::bad_value, 3);
  expect_refused(with_bitset(bytes_from({0x15, 0x40, 0x05, 0x02, 0x40})), errc::bad_value, 4);
  expect_refused(with_bitset(bytes_from({0x16, 0x40})), errc::bad_value, 1);  // numBytes as i64
  expect_refused(with_bitset(bytes_from({0x2c, 0x2c})), errc::incompatible, 2);
  expect_refused(with_bitset(bytes_from({0x3c, 0x2c})), errc::incompatible, 2);
  expect_refused(with_bitset(bytes_from({0x4c, 0x2c})), errc::incompatible, 2);
  expect_refused(with_bitset(bytes_from({0x2c, 0x00})), errc::bad_value, 2);  // empty union
  expect_refused(with_bitset(bytes_from({0x25, 0x00})), errc::bad_value, 1);  // no union
  expect_refused(with_bitset(bytes_from({0x2c, 0x15, 0x00})), errc::bad_value, 2);
  expect_refused(with_bitset(bytes_from({0x2c, 0x1c, 0x00, 0x0c, 0x02})), errc::bad_value, 5);
  expect_refused(bytes_from({0x58, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}), errc::truncated, 6);
  expect_refused(bytes_from({0x59, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}), errc::truncated, 8);
  expect_refused(bytes_from({0x59, 0x20, 1}), errc::bad_value, 2);  // list of unknown type
  expect_refused(bytes_from({0x5e, 1}), errc::bad_value, 1);
  expect_refused(bytes_from({0x05, 0xff, 0xff, 0x07}), errc::bad_value, 4);  // field -65536

  const bytes nested_structs(100'000, std::byte{0x5c});
  expect_refused(nested_structs, errc::bad_value, 17);
  bytes nested_lists(100'000, std::byte{0x19});
  nested_lists[0] = std::byte{0x59};
  expect_refused(nested_lists, errc::bad_value, 17);
}

}  // namespace
