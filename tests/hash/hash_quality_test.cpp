// SPDX-License-Identifier: BSL-1.0
// Is the default hash as good as random, also on keys that are anything but?
//
// Each test gives a score: its statistic over the threshold that a random function stays below with
// a probability of all but `false_alarm`. The keys are fixed, so a test passes always or never; ten
// tests at 1e-7 each make the false-alarm rate of the whole file 1e-6. Every test must also reject
// a bad function: else it would prove nothing.
#include <quoin/hash/hash.hpp>

#include "hash_testing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace quoin_test;

constexpr double false_alarm = 1e-6 / 32;
constexpr std::uint64_t seeds[] = {0, 0x123456789abcdef0u};

using integers = std::vector<std::uint64_t>;

// --- functions on trial -------------------------------------------------------------------------

constexpr auto default_hash(std::uint64_t seed) {
  return [=](const auto& key) { return quoin::hash{seed}(key); };
}

constexpr auto multiply = [](std::uint64_t x) { return x * 0x9e3779b97f4a7c15u; };

// SplitMix64: two output bits that flip as one with some input bits, all else is good.
constexpr auto split_mix_once = [](std::uint64_t x) { return split_mix(x); };

// The default mixer less its first shift.
constexpr auto shift_forgotten = [](std::uint64_t x) {
  x = (x ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 32) * 0x94d049bb133111ebu;
  return x ^ x >> 32;
};

// FNV-1a (Fowler, Noll, Vo): widely used, and weak in its high bits.
constexpr auto fnv = [](std::string_view text) {
  std::uint64_t x = 0xcbf29ce484222325u;
  for (const char c : text) x = (x ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return x;
};

// --- statistics ---------------------------------------------------------------------------------

/// |z| that none of `cells` sums of fair coins exceeds, but with probability `false_alarm`.
/// Hoeffding 1963: P(|z| ≥ t) ≤ 2 exp(−t²/2) holds for every number of coins.
double largest_z(double cells) { return std::sqrt(2 * std::log(2 * cells / false_alarm)); }

/// `z` of heads among `coins` fair coins.
double z_of(std::uint64_t heads, double coins) {
  return std::abs(2 * static_cast<double>(heads) - coins) / std::sqrt(coins);
}

/// Column j of the result holds bit j of each of the 64 rows.
std::array<std::uint64_t, 64> transposed(std::array<std::uint64_t, 64> rows) {
  std::uint64_t mask = 0xffffffffu;
  for (unsigned j = 32; j != 0; j /= 2, mask ^= mask << j) {
    for (unsigned k = 0; k < 64; k = (k + j + 1) & ~j) {
      const std::uint64_t swapped = (rows[k] >> j ^ rows[k + j]) & mask;
      rows[k] ^= swapped << j;
      rows[k + j] ^= swapped;
    }
  }
  return rows;
}

/// For each input bit: how the output bits flip with it. `use(flips)` gets 64 vectors, one per
/// output bit, with one bit per key.
template <class Hash, class Use>
void for_each_input_bit(Hash hash, const integers& keys, Use use) {
  std::array<std::vector<std::uint64_t>, 64> flips;
  for (auto& column : flips) column.resize(keys.size() / 64);
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (std::size_t block = 0; block < keys.size() / 64; ++block) {
      std::array<std::uint64_t, 64> rows;
      for (std::size_t i = 0; i < 64; ++i) {
        const std::uint64_t key = keys[64 * block + i];
        rows[i] = hash(key) ^ hash(key ^ std::uint64_t{1} << bit);
      }
      rows = transposed(rows);
      for (std::size_t j = 0; j < 64; ++j) flips[j][block] = rows[j];
    }
    use(flips);
  }
}

/// Every input bit flips every output bit with probability 1/2.
template <class Hash>
double avalanche_score(Hash hash, const integers& keys) {
  double worst = 0;
  for_each_input_bit(hash, keys, [&](const auto& flips) {
    for (const auto& column : flips) {
      std::uint64_t heads = 0;
      for (const auto word : column) heads += static_cast<unsigned>(std::popcount(word));
      worst = std::max(worst, z_of(heads, static_cast<double>(keys.size())));
    }
  });
  return worst / largest_z(64 * 64);
}

/// No two output bits flip together, or apart, more often than chance has it.
template <class Hash>
double independence_score(Hash hash, const integers& keys) {
  double worst = 0;
  for_each_input_bit(hash, keys, [&](const auto& flips) {
    for (std::size_t a = 0; a < 64; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        std::uint64_t heads = 0;
        for (std::size_t i = 0; i < flips[a].size(); ++i) {
          heads += static_cast<unsigned>(std::popcount(flips[a][i] ^ flips[b][i]));
        }
        worst = std::max(worst, z_of(heads, static_cast<double>(keys.size())));
      }
    }
  });
  return worst / largest_z(64 * 64 * 63 / 2);
}

/// Pearson's chi-square of the values of `bits` bits from `shift` on, over what a uniform function
/// stays within on both sides (too even is not random, either). Laurent and Massart 2000, lemma 1:
/// P(X ≥ d + 2√(dx) + 2x) ≤ e^−x and P(X ≤ d − 2√(dx)) ≤ e^−x for d degrees of freedom.
double uniformity_score(const integers& hashes, unsigned shift, unsigned bits, double tests) {
  std::vector<std::uint32_t> bins(std::size_t{1} << bits);
  for (const auto h : hashes) ++bins[static_cast<std::size_t>(h >> shift & (bins.size() - 1))];
  const double mean = static_cast<double>(hashes.size()) / static_cast<double>(bins.size());
  double chi2 = 0;
  for (const auto count : bins) chi2 += (count - mean) * (count - mean) / mean;
  const auto d = static_cast<double>(bins.size() - 1);
  const double x = std::log(2 * tests / false_alarm);
  return std::max((chi2 - d) / (2 * std::sqrt(d * x) + 2 * x), (d - chi2) / (2 * std::sqrt(d * x)));
}

/// The worst of all aligned bytes and 12-bit windows of the hashes of each set of keys: bytes for
/// the sake of positions in a line, windows for that of tables.
template <class Hash, class Sets>
double distribution_score(Hash hash, const Sets& sets) {
  const double tests = static_cast<double>(sets.size()) * (8 + 5);
  double worst = 0;
  for (const auto& keys : sets) {
    integers hashes;
    for (const auto& key : keys) hashes.push_back(hash(key));
    for (unsigned i = 0; i < 8; ++i) {
      worst = std::max(worst, uniformity_score(hashes, 8 * i, 8, tests));
    }
    for (unsigned i = 0; i < 5; ++i) {
      worst = std::max(worst, uniformity_score(hashes, 13 * i, 12, tests));
    }
  }
  return worst;
}

// --- keys ---------------------------------------------------------------------------------------

integers random_keys(std::size_t n) {
  integers keys(n);
  std::uint64_t state = 5;
  for (auto& key : keys) key = split_mix(state);
  return keys;
}

integers progression(std::uint64_t first, std::uint64_t step, std::size_t n = 1 << 15) {
  integers keys(n);
  for (std::size_t i = 0; i < n; ++i) keys[i] = first + i * step;
  return keys;
}

/// All words with at most three bits set.
integers sparse_words() {
  integers keys{0};
  for (unsigned a = 0; a < 64; ++a) {
    keys.push_back(1ull << a);
    for (unsigned b = 0; b < a; ++b) {
      keys.push_back(1ull << a | 1ull << b);
      for (unsigned c = 0; c < b; ++c) keys.push_back(1ull << a | 1ull << b | 1ull << c);
    }
  }
  return keys;
}

std::vector<integers> low_entropy_integers() {
  std::vector<integers> sets;
  for (unsigned shift = 0; shift <= 48; ++shift) sets.push_back(progression(0, 1ull << shift));
  for (const std::uint64_t step : {3u, 10u, 1000u, 4095u, 65537u, 1000000007u}) {
    sets.push_back(progression(0, step));
    sets.push_back(progression(~0ull, 0 - step));  // downwards from the top
  }
  sets.push_back(progression(0x00007f12'34560000u, 16));               // addresses
  sets.push_back(progression(1'700'000'000'000'000'000u, 1'000'000));  // nanoseconds
  sets.push_back(sparse_words());
  integers inverted = sparse_words(), gray = progression(0, 1), grid;
  for (auto& key : inverted) key = ~key;
  for (auto& key : gray) key ^= key >> 1;
  for (std::uint64_t i = 0; i < 1 << 15; ++i) grid.push_back((i >> 8) << 32 | (i & 255));
  sets.push_back(inverted);
  sets.push_back(gray);
  sets.push_back(grid);
  return sets;
}

std::vector<std::vector<std::string>> short_strings() {
  std::vector<std::vector<std::string>> sets;
  const auto add = [&](auto make) {
    auto& set = sets.emplace_back();
    for (unsigned i = 0; i < 1 << 15; ++i) set.push_back(make(i));
  };
  add([](unsigned i) { return std::to_string(i); });
  add([](unsigned i) { return "key_" + std::to_string(100000 + i); });
  add([](unsigned i) { return std::to_string(i) + "@example.org"; });
  add([](unsigned i) { return "https://example.org/articles/" + std::to_string(i) + ".html"; });
  for (const unsigned length : {3u, 5u, 8u, 9u, 16u, 17u, 40u}) {
    add([=](unsigned i) {  // three letters among equal ones, at changing places
      std::string text(length, 'a');
      for (unsigned j = 0; j < 3; ++j, i /= 32) {
        text[(length - 1) * j / 2] = static_cast<char>('A' + i % 32);
      }
      return text;
    });
  }
  add([](unsigned i) {
    return std::string(i % 2 == 0 ? 2 : 4, static_cast<char>(i >> 1)) + static_cast<char>(i >> 9);
  });
  return sets;
}

// --- verdicts -----------------------------------------------------------------------------------

TEST(hash_quality, avalanche) {
  for (const std::uint64_t seed : seeds) {
    EXPECT_LT(avalanche_score(default_hash(seed), random_keys(1 << 15)), 1) << seed;
    EXPECT_LT(avalanche_score(default_hash(seed), progression(0, 1)), 1) << seed;
  }
  EXPECT_GT(avalanche_score(multiply, random_keys(1 << 15)), 1);
  EXPECT_GT(avalanche_score(shift_forgotten, random_keys(1 << 15)), 1);
}

TEST(hash_quality, avalanche_of_the_seed) {
  EXPECT_LT(avalanche_score([](std::uint64_t seed) { return quoin::hash{seed}(42); },
                            random_keys(1 << 15)),
            1);
  EXPECT_GT(avalanche_score([](std::uint64_t seed) { return quoin::hash{}(42) ^ seed; },
                            random_keys(1 << 15)),
            1);
}

// XXH3 keeps no such promise for pairs of output bits, so that is asked of integers alone.
TEST(hash_quality, avalanche_of_strings) {
  for (const std::size_t size : {8u, 16u, 24u, 100u, 200u, 300u}) {
    for (const std::size_t place : {std::size_t{0}, (size - 8) / 2, size - 8}) {
      std::string text(size, 'x');
      const auto hash_of_text = [&](std::uint64_t x) {
        quoin::detail::store_le(text.data() + place, x);
        return quoin::hash{}(text);
      };
      EXPECT_LT(avalanche_score(hash_of_text, random_keys(1 << 12)), 1) << size << ' ' << place;
    }
  }
  std::string text(8, 'x');
  EXPECT_GT(avalanche_score(
                [&](std::uint64_t x) {
                  quoin::detail::store_le(text.data(), x);
                  return fnv(text);
                },
                random_keys(1 << 12)),
            1);
}

TEST(hash_quality, bit_independence) {
  for (const std::uint64_t seed : seeds) {
    EXPECT_LT(independence_score(default_hash(seed), random_keys(1 << 13)), 1) << seed;
    EXPECT_LT(independence_score(default_hash(seed), progression(0, 1, 1 << 13)), 1) << seed;
  }
  EXPECT_GT(independence_score(multiply, random_keys(1 << 13)), 1);
  EXPECT_GT(independence_score(split_mix_once, random_keys(1 << 13)), 1);
}

TEST(hash_quality, low_entropy_integers) {
  const auto sets = low_entropy_integers();
  for (const std::uint64_t seed : seeds) {
    EXPECT_LT(distribution_score(default_hash(seed), sets), 1) << seed;
  }
  EXPECT_GT(distribution_score(multiply, sets), 1);
  EXPECT_GT(distribution_score(shift_forgotten, sets), 1);
}

TEST(hash_quality, short_strings) {
  const auto sets = short_strings();
  for (const std::uint64_t seed : seeds) {
    EXPECT_LT(distribution_score(default_hash(seed), sets), 1) << seed;
  }
  EXPECT_GT(distribution_score(fnv, sets), 1);
}

TEST(hash_quality, pairs_of_small_integers) {
  std::vector<std::vector<std::pair<int, int>>> sets(2);
  for (int i = 0; i < 1 << 15; ++i) {
    sets[0].push_back({i / 256, i % 256});
    sets[1].push_back({i, i});
  }
  EXPECT_LT(distribution_score(default_hash(0), sets), 1);
  EXPECT_GT(distribution_score(
                [](const std::pair<int, int>& key) {
                  return quoin::hash{}(key.first) ^ quoin::hash{}(key.second);
                },
                sets),
            1);
}

}  // namespace
