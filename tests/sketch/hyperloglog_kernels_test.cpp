// SPDX-License-Identifier: BSL-1.0
// The parts of HyperLogLog one by one: the estimator, tokens, folding, packing, and every kernel
// against the scalar one.
#include <quoin/detail/sketch_hll_kernels.hpp>

#include "hash/hash_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <vector>

namespace {

namespace detail = quoin::detail;
using quoin_test::split_mix;
using registers = std::vector<std::uint8_t>;

// --- estimator ----------------------------------------------------------------------------------

TEST(hll_estimate, sigma_and_tau_are_their_series) {
  for (const double x : {0.0, 1e-9, 0.1, 0.5, 0.9, 0.999}) {
    double sum = x, power = x, tau = 1 - x, root = x;
    for (int k = 1; k < 60; ++k) {
      power *= power;
      root = std::sqrt(root);
      sum += power * std::ldexp(1.0, k - 1);
      tau -= (1 - root) * (1 - root) * std::ldexp(1.0, -k);
    }
    EXPECT_NEAR(detail::hll_sigma(x), sum, 1e-12 * (1 + sum)) << x;
    EXPECT_NEAR(detail::hll_tau(x), x == 0 ? 0 : tau / 3, 1e-12) << x;
  }
  EXPECT_EQ(detail::hll_sigma(1), std::numeric_limits<double>::infinity());
  EXPECT_EQ(detail::hll_tau(1), 0);
}

TEST(hll_estimate, histogram_and_sums_agree) {
  std::uint64_t state = 1;
  for (const unsigned q : {10u, 50u, 60u}) {
    for (int round = 0; round < 200; ++round) {
      std::vector<std::uint32_t> histogram(q + 2);
      for (auto& count : histogram) {
        count = split_mix(state) % 3 == 0 ? static_cast<std::uint32_t>(split_mix(state) % 100) : 0;
      }
      histogram[1] += 1;
      double m = 0, between = 0;
      for (unsigned k = 0; k <= q + 1; ++k) {
        m += histogram[k];
        if (k >= 1 && k <= q) between += std::ldexp(histogram[k], -static_cast<int>(k));
      }
      const double expected = detail::hll_estimate(std::span<const std::uint32_t>(histogram));
      EXPECT_NEAR(detail::hll_estimate(m, histogram[0], histogram[q + 1], between, q), expected,
                  1e-12 * expected);
    }
  }
}

TEST(hll_estimate, ends_of_the_range) {
  EXPECT_EQ(detail::hll_estimate(16, 16, 0, 0, 60), 0);
  EXPECT_EQ(detail::hll_estimate(16, 0, 16, 0, 60), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(detail::hll_estimate(16384, 16383, 0, 0.5, 50), 1, 1e-3);
}

// --- tokens -------------------------------------------------------------------------------------

/// Leading zeros by counting.
unsigned rank_of(std::uint64_t hash, unsigned precision) {
  unsigned rank = 1;
  for (unsigned bit = precision; bit < 64 && (hash >> (63 - bit) & 1) == 0; ++bit) ++rank;
  return rank;
}

std::vector<std::uint64_t> telling_hashes() {
  std::vector<std::uint64_t> hashes{0, 1, ~std::uint64_t{0}};
  std::uint64_t state = 2;
  for (unsigned bit = 0; bit < 64; ++bit) {
    hashes.push_back(std::uint64_t{1} << bit);
    hashes.push_back(split_mix(state) >> bit);
    hashes.push_back(split_mix(state) >> bit | std::uint64_t{1} << 63);
    hashes.push_back(split_mix(state) & ~(~std::uint64_t{0} >> 16 >> (bit % 40)));
  }
  return hashes;
}

TEST(hll_token, knows_the_update_of_every_precision) {
  for (const std::uint64_t hash : telling_hashes()) {
    const std::uint32_t token = detail::hll_token(hash);
    EXPECT_TRUE(detail::is_hll_token(token));
    for (unsigned p = 1; p <= 26; ++p) {
      const detail::hll_update update = detail::hll_update_of(hash, p);
      EXPECT_EQ(update.index, hash >> (64 - p));
      EXPECT_EQ(update.rank, rank_of(hash, p)) << hash << ' ' << p;
      const detail::hll_update same = detail::hll_update_of_token(token, p);
      EXPECT_EQ(same.index, update.index) << hash << ' ' << p;
      EXPECT_EQ(same.rank, update.rank) << hash << ' ' << p;
    }
  }
  EXPECT_FALSE(detail::is_hll_token(0));
  EXPECT_FALSE(detail::is_hll_token(1u << 6));
  EXPECT_FALSE(detail::is_hll_token(40));
  EXPECT_TRUE(detail::is_hll_token(39));
}

TEST(hll_token, count_inverts_the_expected_number) {
  EXPECT_DOUBLE_EQ(detail::hll_count_of_tokens(0), 0);
  EXPECT_DOUBLE_EQ(detail::hll_count_of_tokens(1), 1);
  for (const double n : {2.0, 10.0, 1e3, 2048.0, 1e4, 1e5, 262144.0}) {
    double expected = 0;  // distinct tokens of n hashes: each of 2^26·39 with its own probability
    for (unsigned rank = 1; rank <= 39; ++rank) {
      const double p = std::ldexp(1.0, -26 - static_cast<int>(std::min(rank, 38u)));
      expected -= std::ldexp(std::expm1(n * std::log1p(-p)), 26);
    }
    EXPECT_NEAR(detail::hll_count_of_tokens(expected) / n, 1, 1e-8) << n;
  }
}

TEST(hll_token, most_tokens_grows_with_the_precision_and_fits) {
  for (unsigned p = 4; p <= 21; ++p) {
    EXPECT_GE(detail::hll_most_tokens(p), detail::hll_most_tokens(std::max(4u, p - 1)));
    EXPECT_LE(4 * detail::hll_most_slots(p), std::max(64u, 1u << p)) << "no more than registers";
    EXPECT_EQ(detail::hll_slots_for(detail::hll_most_tokens(p)), detail::hll_most_slots(p));
  }
  EXPECT_EQ(detail::hll_most_tokens(14), 2048u);
}

TEST(hll_token, set_is_a_set_and_its_row_is_sorted) {
  std::uint64_t state = 3;
  for (const std::uint32_t slots : {16u, 64u, 4096u}) {
    for (const bool crowded : {false, true}) {  // all in one corner: still correct, and sorted soon
      std::vector<std::uint32_t> memory(slots);
      detail::hll_token_set set(memory.data(), slots,
                                detail::hll_token_set::salt_for(memory.data()));
      std::set<std::uint32_t> model;
      while (model.size() < detail::hll_tokens_of_slots(slots)) {
        auto token = detail::hll_token(split_mix(state));
        if (crowded) token &= 0x3ffff;
        if (!detail::is_hll_token(token)) continue;
        EXPECT_EQ(set.contains(token), model.contains(token));
        EXPECT_EQ(set.add(token), model.insert(token).second);
        EXPECT_FALSE(set.add(token));
      }
      std::vector<std::byte> row(4 * model.size());
      detail::write_sorted_tokens(set, row.data());
      std::size_t i = 0;
      for (const std::uint32_t token : model) {
        EXPECT_EQ(detail::load_le<std::uint32_t>(&row[4 * i++]), token);
      }
    }
  }
}

TEST(hll_token, row_of_equal_high_bits_sorts) {
  for (const std::size_t n : {0u, 1u, 2u, 24u, 25u, 100u, 5000u}) {
    std::vector<std::byte> bytes(4 * n);
    detail::hll_token_row row(bytes.data());
    for (std::size_t i = 0; i < n; ++i) row.put(i, static_cast<std::uint32_t>(n - i) * 2);
    row.sort(0, n, 23);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(row.at(i), 2 * (i + 1));
    for (std::size_t i = 0; i < n; ++i) row.put(i, 7);  // all alike, which no set is
    row.sort(0, n, 23);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(row.at(i), 7u);
  }
}

// --- registers ----------------------------------------------------------------------------------

registers filled(unsigned precision, std::uint64_t first, std::uint64_t n) {
  registers out(std::size_t{1} << precision);
  for (std::uint64_t i = 0; i < n; ++i) {
    std::uint64_t state = first + i;
    const detail::hll_update update = detail::hll_update_of(split_mix(state), precision);
    out[update.index] = std::max(out[update.index], static_cast<std::uint8_t>(update.rank));
  }
  return out;
}

/// Registers of all sorts: sparse, usual, far out, saturated, wild.
std::vector<registers> telling_registers(unsigned precision) {
  const std::size_t m = std::size_t{1} << precision;
  std::vector<registers> all{registers(m), registers(m, static_cast<std::uint8_t>(65 - precision))};
  for (const double load : {0.01, 0.5, 3.0, 20.0}) {
    const double n = load * static_cast<double>(m);
    if (n < 3e5) all.push_back(filled(precision, 7, static_cast<std::uint64_t>(n) + 1));
  }
  std::uint64_t state = precision;
  for (const unsigned centre : {12u, 25u, 40u, 65u}) {  // as if by 2^centre · m hashes
    registers r(m);
    for (auto& rank : r) {
      const unsigned own = rank_of(split_mix(state), 1) + centre;
      rank = static_cast<std::uint8_t>(std::min(own, 65 - precision));
    }
    all.push_back(r);
  }
  registers wild(m);
  for (auto& rank : wild) rank = static_cast<std::uint8_t>(split_mix(state) % (66 - precision));
  all.push_back(wild);
  for (auto& rank : wild) rank = split_mix(state) % 50 == 0 ? rank : 11;
  all.push_back(wild);
  return all;
}

detail::hll_tally tally_of(const registers& r, unsigned precision) {
  detail::hll_tally tally;
  for (const unsigned rank : r) {
    tally.zeros += rank == 0;
    tally.saturated += rank == 65 - precision;
    tally.chance += rank == 65 - precision ? 0 : std::uint64_t{1} << (64 - precision - rank);
  }
  return tally;
}

TEST(hll_kernels, tally_and_merge_equal_counting) {
  detail::for_each_isa([](quoin::isa level) {
    const detail::hll_kernels kernels = detail::hll_kernels_of(level);
    for (const unsigned p : {4u, 5u, 6u, 7u, 8u, 11u, 14u}) {
      const auto all = telling_registers(p);
      for (const auto& a : all) {
        ASSERT_EQ(kernels.tally(a.data(), p), tally_of(a, p)) << to_string(level) << ' ' << p;
        for (const auto& b : all) {
          registers both(a.size());
          for (std::size_t i = 0; i < a.size(); ++i) both[i] = std::max(a[i], b[i]);
          ASSERT_EQ(kernels.tally_union(a.data(), b.data(), p), tally_of(both, p)) << p;
          registers merged = a;
          ASSERT_EQ(kernels.merge(merged.data(), b.data(), p), tally_of(both, p)) << p;
          ASSERT_EQ(merged, both);
        }
      }
    }
  });
}

TEST(hll_kernels, insert_equals_one_by_one) {
  detail::for_each_isa([](quoin::isa level) {
    const detail::hll_kernels kernels = detail::hll_kernels_of(level);
    for (unsigned p = 4; p <= 21; ++p) {
      std::uint64_t state = p;
      registers batch(std::size_t{1} << p), single = batch;
      batch[0] = single[0] = 1;  // never all 0: then the chance of a change is 2^64 / 2^64
      detail::hll_tally tally = tally_of(batch, p), expected = tally;
      detail::hll_stream stream{1, p % 2 == 0}, expected_stream = stream;
      for (std::size_t n = 0; n <= detail::hll_batch; ++n) {
        std::vector<std::uint64_t> hashes(n);
        for (auto& hash : hashes) {
          hash = split_mix(state);
          if (split_mix(state) % 8 == 0) hash &= ~(~std::uint64_t{0} >> p);  // saturates
          if (split_mix(state) % 8 == 0) hash = hashes[0];
        }
        kernels.insert(batch.data(), p, hashes.data(), n, tally, stream);
        for (const auto hash : hashes) {
          detail::hll_raise(single.data(), p, detail::hll_update_of(hash, p), expected,
                            expected_stream);
        }
        ASSERT_EQ(tally, expected) << p << ' ' << n;
        ASSERT_DOUBLE_EQ(stream.count, expected_stream.count) << p << ' ' << n;
        std::vector<std::uint32_t> tokens(n);
        kernels.make_tokens(hashes.data(), n, tokens.data());
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(tokens[i], detail::hll_token(hashes[i]));
      }
      ASSERT_EQ(batch, single);
      ASSERT_EQ(tally, tally_of(batch, p)) << "kept along, the same as counted anew";
    }
  });
}

TEST(hll_kernels, registers_set_twice_are_marked_and_their_hashes_kept) {
  detail::for_each_isa([](quoin::isa level) {
    const detail::hll_kernels kernels = detail::hll_kernels_of(level);
    for (const unsigned p : {11u, 14u}) {
      for (const std::size_t n : {0u, 1u, 3u, 256u, 2048u}) {
        std::uint64_t state = n;
        std::vector<std::uint64_t> hashes(n), expected;
        for (auto& hash : hashes) hash = split_mix(state);
        registers count(std::size_t{1} << p), marked = count;
        const auto index_of = [&](auto hash) { return static_cast<std::size_t>(hash >> (64 - p)); };
        std::size_t marks = 0;
        for (const auto hash : hashes) marks += count[index_of(hash)]++ != 0;
        ASSERT_EQ(kernels.set_or_mark(marked.data(), p, hashes.data(), n), marks);
        for (std::size_t i = 0; i < count.size(); ++i) {
          ASSERT_EQ(marked[i] >= detail::hll_mark, count[i] > 1);
          ASSERT_EQ(marked[i] == 0, count[i] == 0);
        }
        for (const auto hash : hashes) {
          const auto index = index_of(hash);
          if (count[index] > 1) expected.push_back(hash);
          ASSERT_TRUE(count[index] > 1 || marked[index] == rank_of(hash, p));
        }
        hashes.resize(kernels.keep_marked(marked.data(), p, hashes.data(), n));
        ASSERT_EQ(hashes, expected);
      }
    }
  });
}

TEST(hll_token, is_that_of_the_hash_that_stands_for_it) {
  for (const auto hash : telling_hashes()) {
    const std::uint32_t token = detail::hll_token(hash);
    ASSERT_EQ(detail::hll_token(detail::hll_hash_giving(token)), token);
  }
}

TEST(hll_fold, is_building_at_the_lower_precision) {
  for (const std::uint64_t n : {1u, 100u, 5000u}) {
    const registers high = filled(10, 5, n);
    for (unsigned p = 4; p <= 10; ++p) {
      const registers expected = filled(p, 5, n);
      registers low(std::size_t{1} << p);
      detail::hll_fold_all(high.data(), low.size(), 10 - p, low.data());
      EXPECT_EQ(low, expected);
      registers into = filled(p, 100'000, 50), both = into;
      detail::hll_fold_into(high.data(), into.size(), 10 - p, into.data());
      for (std::size_t i = 0; i < both.size(); ++i) both[i] = std::max(both[i], low[i]);
      EXPECT_EQ(into, both);
    }
  }
}

TEST(hll_pack, keeps_all_values_and_refuses_more) {
  for (const unsigned p : {4u, 5u, 8u, 12u}) {
    for (const auto& r : telling_registers(p)) {
      std::vector<std::byte> packed(detail::hll_packed_size(r.size()));
      detail::hll_pack(r.data(), r.size(), packed.data());
      for (std::size_t i = 0; i < r.size(); i += 7) {  // as specified, bit by bit
        unsigned value = 0;
        for (std::size_t bit = 6 * i; bit < 6 * i + 6; ++bit) {
          value |= (std::to_integer<unsigned>(packed[bit / 8]) >> bit % 8 & 1) << (bit - 6 * i);
        }
        ASSERT_EQ(value, r[i]);
      }
      registers back(r.size());
      ASSERT_TRUE(detail::hll_unpack(packed.data(), r.size(), 65 - p, back.data()));
      ASSERT_EQ(back, r);
      const unsigned most = *std::max_element(r.begin(), r.end());
      ASSERT_TRUE(detail::hll_unpack(packed.data(), r.size(), most, back.data()));
      if (most == 0) continue;
      ASSERT_FALSE(detail::hll_unpack(packed.data(), r.size(), most - 1, back.data()));
    }
  }
}

}  // namespace
