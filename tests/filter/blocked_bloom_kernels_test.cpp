// SPDX-License-Identifier: BSL-1.0
// Where the bits lie, and that every kernel, batch size and way of building puts them there.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include "hash/hash_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <set>
#include <span>
#include <vector>

namespace {
bool no_memory_without_throwing = false;
}

// The scratch memory of bulk loads is asked for in this way, and may be refused.
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  if (no_memory_without_throwing) return nullptr;
  try {
    return ::operator new[](size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using words = std::vector<std::uint64_t>;

words random_hashes(std::size_t n, std::uint64_t state) {
  words hashes(n);
  for (auto& hash : hashes) hash = split_mix(state);
  return hashes;
}

/// Lines of a table on the heap, so that AddressSanitizer sees its ends.
struct table {
  table(std::size_t lines, unsigned k) : memory(8 * lines), view{memory.data(), lines, k} {}
  [[nodiscard]] detail::const_line_table read() const { return {memory.data(), view.size, view.k}; }

  words memory;
  detail::line_table view;
};

// --- the layout ---------------------------------------------------------------------------------

/// The numbers of a key's bits in the table, from the description in detail/filter_line.hpp by
/// schoolbook arithmetic on single bits and bytes: bit b is bit b % 8 of byte b / 8.
std::set<std::uint64_t> bits_by_the_book(std::uint64_t hash, std::uint64_t lines, unsigned k) {
  std::uint64_t line = 0;  // hash · lines / 2^64, for lines < 2^32
  line = ((hash >> 32) * lines + ((hash & 0xffffffffu) * lines >> 32)) >> 32;
  const unsigned lanes = k <= 8 ? 8 : 16, width = 512 / lanes;
  std::array<std::uint64_t, 16> bytes{};
  for (unsigned i = 0; i < 16; ++i) {
    const std::uint64_t product = i < 8 ? (hash & 0xffffffffu) * 0x9fb21c651e98df25u
                                        : (hash >> 16 & 0xffffffffu) * 0xd6e8feb86659fd93u;
    bytes[i] = product >> 8 * (i % 8) & 255;
  }
  std::set<std::uint64_t> bits;
  for (unsigned i = 0; i < k; ++i) {
    const unsigned lane = static_cast<unsigned>((hash >> 32) + i) % lanes;
    bits.insert(512 * line + width * lane + bytes[lane] % width);
  }
  return bits;
}

std::set<std::uint64_t> bits_of(const words& memory) {
  std::vector<unsigned char> bytes(8 * memory.size());
  std::memcpy(bytes.data(), memory.data(), bytes.size());
  std::set<std::uint64_t> bits;
  for (std::size_t b = 0; b < 8 * bytes.size(); ++b) {
    if ((bytes[b / 8] >> b % 8 & 1) != 0) bits.insert(b);
  }
  return bits;
}

TEST(blocked_bloom_layout, is_as_described) {
  for (unsigned k = 1; k <= 16; ++k) {
    for (const std::size_t lines : {1u, 3u, 64u}) {
      words hashes = random_hashes(40, k);
      hashes.insert(hashes.end(), {0, ~std::uint64_t{0}, 1, std::uint64_t{15} << 32});
      for (const auto hash : hashes) {
        table t(lines, k);
        const auto expected = bits_by_the_book(hash, lines, k);
        ASSERT_EQ(expected.size(), k) << "no two bits of a key coincide";
        EXPECT_TRUE(detail::line_probe(hash, k).set(t.view.line_of(hash)));
        ASSERT_EQ(bits_of(t.memory), expected) << "k = " << k << ", hash = " << hash;
      }
    }
  }
}

TEST(blocked_bloom_layout, a_key_is_there_when_all_its_bits_are) {
  for (unsigned k = 1; k <= 16; ++k) {
    for (const auto hash : random_hashes(20, k)) {
      table t(5, k);
      const detail::line_probe probe(hash, k);
      std::uint64_t* const line = t.view.line_of(hash);
      EXPECT_FALSE(probe.in(line));
      EXPECT_TRUE(probe.set(line));
      EXPECT_TRUE(probe.in(line));
      EXPECT_FALSE(probe.set(line)) << "nothing new";
      for (const auto bit : bits_by_the_book(hash, 5, k)) {
        t.memory[static_cast<std::size_t>(bit / 64)] ^= detail::to_le(std::uint64_t{1} << bit % 64);
        EXPECT_FALSE(probe.in(line)) << "one bit less";
        EXPECT_TRUE(probe.set(line)) << "one bit more";
        EXPECT_TRUE(probe.in(line));
      }
    }
  }
}

static_assert([] {
  std::uint64_t line[8] = {};
  const detail::line_probe probe(0x123456789abcdef0u, 7);
  return !probe.in(line) && probe.set(line) && probe.in(line) && !probe.set(line);
}());

// --- kernels ------------------------------------------------------------------------------------

/// `hashes[0 … n)`, padded to a whole group as the kernels want it and not a word further.
words padded(const words& hashes, std::size_t n) {
  words out(hashes.begin(), hashes.begin() + static_cast<std::ptrdiff_t>(n));
  while (out.size() % detail::line_group != 0) out.push_back(out.back());
  return out;
}

constexpr std::uint64_t low_bits(std::size_t n) {
  return n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

TEST(blocked_bloom_kernels, of_one_key_equal_the_scalar_ones) {
  for (unsigned k = 1; k <= 16; ++k) {
    for (const std::size_t lines : {1u, 3u, 40u}) {
      table expected(lines, k), actual(lines, k);
      for (const auto hash : random_hashes(30 * lines, k + lines)) {
        const detail::line_probe probe(hash, k);
        const std::uint64_t* const line = expected.view.line_of(hash);
        ASSERT_EQ(detail::line_contains(actual.read(), hash), probe.in(line)) << k;
        ASSERT_EQ(detail::line_try_insert(actual.view, hash),
                  probe.set(expected.view.line_of(hash)))
            << k;
        ASSERT_EQ(actual.memory, expected.memory) << k;
        ASSERT_TRUE(detail::line_contains(actual.read(), hash));
      }
    }
  }
}

TEST(blocked_bloom_kernels, equal_the_scalar_ones) {
  detail::for_each_isa([&](quoin::isa level) {
    for (unsigned k = 1; k <= 16; ++k) {
      const detail::line_kernels kernels = detail::line_kernels_of(level, k);
      const detail::line_kernels scalar = detail::line_kernels_of(quoin::isa::scalar, k);
      for (const std::size_t lines : {1u, 2u, 9u, 100u}) {
        table expected(lines, k), actual(lines, k);
        for (std::size_t n = 1; n <= detail::line_batch; ++n) {
          const words in = padded(random_hashes(n, 100 * k + n), n);
          kernels.insert(actual.view, in.data(), n);
          scalar.insert(expected.view, in.data(), n);
          ASSERT_EQ(actual.memory, expected.memory) << to_string(level) << ' ' << k << ' ' << n;
          EXPECT_EQ(kernels.contains(actual.read(), in.data(), n) & low_bits(n), low_bits(n));
          if (n % 16 == 0) {  // empty again, to keep hits and misses in balance
            std::fill(actual.memory.begin(), actual.memory.end(), 0);
            expected.memory = actual.memory;
          }
          words probes = padded(random_hashes(n, 7000 * k + n), n);
          for (std::size_t i = 0; i < n; i += 3) probes[i] = in[i];
          ASSERT_EQ(kernels.contains(actual.read(), probes.data(), n) & low_bits(n),
                    scalar.contains(expected.read(), probes.data(), n) & low_bits(n))
              << to_string(level) << ' ' << k << ' ' << n;
        }
      }
    }
  });
}

// Each single bit of a full line, taken away, must be missed by exactly the keys that have it.
TEST(blocked_bloom_kernels, miss_every_single_bit) {
  const words hashes = random_hashes(detail::line_batch, 1);
  detail::for_each_isa([&](quoin::isa level) {
    for (unsigned k = 1; k <= 16; ++k) {
      const detail::line_kernels kernels = detail::line_kernels_of(level, k);
      const detail::line_kernels scalar = detail::line_kernels_of(quoin::isa::scalar, k);
      for (unsigned bit = 0; bit < 512; ++bit) {
        table t(1, k);
        std::fill(t.memory.begin(), t.memory.end(), ~std::uint64_t{0});
        t.memory[bit / 64] ^= std::uint64_t{1} << bit % 64;
        ASSERT_EQ(kernels.contains(t.read(), hashes.data(), hashes.size()),
                  scalar.contains(t.read(), hashes.data(), hashes.size()))
            << to_string(level) << ' ' << k << ' ' << bit;
      }
    }
  });
}

// --- batches ------------------------------------------------------------------------------------

quoin::blocked_bloom_filter<> filter_of(std::uint64_t lines, unsigned k) {
  return quoin::blocked_bloom_filter({.capacity = 64 * lines, .bits_per_key = 8, .hash_count = k});
}

void expect_batches_equal_one_by_one(std::uint64_t lines, unsigned k, std::size_t most) {
  const words hashes = random_hashes(most, k), others = random_hashes(most, 1000 + k);
  for (std::size_t n = 0; n <= most; ++n) {
    const auto in = std::span(hashes).first(n);
    words probes(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < n; i += 2) probes[i] = hashes[i];
    auto expected = filter_of(lines, k), actual = filter_of(lines, k);
    ASSERT_EQ(actual.bit_count(), 512 * lines);
    for (const auto hash : in) expected.insert_hash(hash);
    actual.insert_hash_many(in);
    ASSERT_EQ(actual, expected) << k << ' ' << n;

    const auto hits = std::make_unique<bool[]>(n + 1);
    hits[n] = true;
    actual.contains_hash_many(probes, std::span(hits.get(), n));
    EXPECT_TRUE(hits[n]) << "one beyond the end";
    words mask(n / 64 + 1, 0x5555);
    actual.contains_hash_many(probes, mask);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(hits[i], expected.contains_hash(probes[i])) << k << ' ' << n << ' ' << i;
      ASSERT_EQ((mask[i / 64] >> i % 64 & 1) != 0, hits[i]) << k << ' ' << n << ' ' << i;
    }
    if (n % 64 == 0) {
      EXPECT_EQ(mask[n / 64], 0x5555u) << "one word beyond the end";
    } else {
      EXPECT_EQ(mask[n / 64] >> n % 64, 0u) << "bits beyond the last key";
    }
  }
}

TEST(blocked_bloom_batches, equal_one_by_one_in_the_cache) {
  for (unsigned k = 1; k <= 16; ++k) expect_batches_equal_one_by_one(3, k, 130);
}

TEST(blocked_bloom_batches, equal_one_by_one_beyond_the_cache) {
  const std::uint64_t lines = detail::l2_cache_bytes() / 64 + 1;
  const words hashes = random_hashes(5000, 1);
  for (const unsigned k : {1u, 6u, 8u, 9u, 16u}) {
    for (const std::size_t n : {0u, 1u, 63u, 64u, 65u, 128u, 129u, 200u, 5000u}) {
      const auto in = std::span(hashes).first(n);
      auto expected = filter_of(lines, k), actual = filter_of(lines, k);
      for (const auto hash : in) expected.insert_hash(hash);
      actual.insert_hash_many(in);
      ASSERT_EQ(actual, expected) << k << ' ' << n;
      words mask(n / 64 + 1);
      actual.contains_hash_many(in, mask);
      for (std::size_t i = 0; i < n; ++i) ASSERT_TRUE(mask[i / 64] >> i % 64 & 1) << n << ' ' << i;
      actual.clear();
      actual.contains_hash_many(in, mask);
      EXPECT_TRUE(std::all_of(mask.begin(), mask.end(), [](auto word) { return word == 0; }));
    }
  }
}

// --- bulk loads ---------------------------------------------------------------------------------

TEST(blocked_bloom_bulk, sorted_by_region_equals_in_order) {
  for (const std::size_t lines : {std::size_t{1} << 14, (std::size_t{3} << 14) + 77}) {
    for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 1000u, 600'000u}) {
      const words hashes = random_hashes(n, n);
      table expected(lines, 6), actual(lines, 6);
      {
        detail::line_bulk_inserter inserter(actual.view);
        ASSERT_TRUE(inserter.ready());
        for (const auto hash : hashes) inserter.put(hash);
        inserter.finish();
      }
      for (const auto hash : hashes) detail::line_probe(hash, 6).set(expected.view.line_of(hash));
      ASSERT_TRUE(actual.memory == expected.memory) << lines << ' ' << n;
    }
  }
}

TEST(blocked_bloom_bulk, keys_of_one_region_fill_its_bucket_again_and_again) {
  table expected(1 << 15, 8), actual(1 << 15, 8);
  detail::line_bulk_inserter inserter(actual.view);
  std::uint64_t state = 1;
  for (int i = 0; i < 500'000; ++i) {
    const std::uint64_t hash = ~(split_mix(state) >> 1);  // in the upper half of the table
    inserter.put(hash);
    detail::line_probe(hash, 8).set(expected.view.line_of(hash));
  }
  inserter.finish();
  EXPECT_TRUE(actual.memory == expected.memory);
}

// 64 MiB of filter and as much of scratch: the smallest load that takes this way by itself.
TEST(blocked_bloom_bulk, is_taken_by_itself_and_does_without_scratch_memory) {
  const std::uint64_t lines = std::uint64_t{1} << 20;
  const words hashes = random_hashes(static_cast<std::size_t>(4 * lines), 1);
  auto sorted = filter_of(lines, 6), in_order = filter_of(lines, 6);
  ASSERT_TRUE(detail::line_bulk_inserter::pays({nullptr, lines, 6}, hashes.size()));
  EXPECT_FALSE(detail::line_bulk_inserter::pays({nullptr, lines, 6}, hashes.size() / 2));
  EXPECT_FALSE(detail::line_bulk_inserter::pays({nullptr, lines / 2, 6}, hashes.size()));
  sorted.insert_hash_many(hashes);
  no_memory_without_throwing = true;
  in_order.insert_hash_many(hashes);
  no_memory_without_throwing = false;
  EXPECT_TRUE(sorted == in_order);
  for (std::size_t i = 0; i < hashes.size(); i += 1000)
    ASSERT_TRUE(sorted.contains_hash(hashes[i]));
}

}  // namespace
