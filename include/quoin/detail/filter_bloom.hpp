// SPDX-License-Identifier: BSL-1.0
/// @file
/// The classic Bloom filter's bits: one key at a time, in batches, and the sizes that its
/// false-positive rate asks for.
///
/// The table is an array of little-endian 64-bit words on every machine, bit i being bit i % 64 of
/// word i / 64 and so bit i % 8 of byte i / 8: it *is* its serialized payload.
#ifndef QUOIN_DETAIL_FILTER_BLOOM_HPP
#define QUOIN_DETAIL_FILTER_BLOOM_HPP

#include <quoin/detail/cpu.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/filter_common.hpp>

#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned max_bloom_hashes = 64;
inline constexpr std::uint64_t most_bloom_bits = std::uint64_t{1} << 63;
inline constexpr double max_bloom_density = 64;  // bits per key: 64-bit hashes promise no more

// --- the false-positive rate --------------------------------------------------------------------

/// The false-positive rate with `keys` distinct keys of `k` independent bits each in a table of
/// `bits`: the mean of (fill)^k, from the mean and the variance of the fill when k·keys balls fall
/// into `bits` urns. The usual (1 − (1 − 1/m)^kn)^k leaves the variance out and is 1 % too low for
/// 100 keys; what is left out here is of order 1/m².
[[nodiscard]] inline double bloom_rate(double keys, double bits, unsigned k) noexcept {
  if (keys == 0) return 0;
  if (bits < 2) return 1;
  const double balls = keys * k;
  const double unset = __builtin_exp(balls * __builtin_log1p(-1 / bits));
  const double both_unset = __builtin_exp(balls * __builtin_log1p(-2 / bits));
  const double fill = 1 - unset;
  const double variance = max_of(0.0, both_unset * (1 - 1 / bits) + unset / bits - unset * unset);
  const double spread = k * (k - 1.0) / 2 * variance / (fill * fill);
  return min_of(1.0, __builtin_pow(fill, k) * (1 + spread));
}

/// The k of the fewest false positives at `bits_per_key`: ln 2 · bits/key, rounded to the better
/// neighbour.
[[nodiscard]] inline unsigned best_bloom_hashes(double bits_per_key) noexcept {
  const double ideal = min_of(bits_per_key * 0.69314718055994531, max_bloom_hashes - 1.0);
  const unsigned low = max_of(1u, static_cast<unsigned>(ideal));
  const auto log_rate = [=](unsigned k) {
    return k * __builtin_log1p(-__builtin_exp(-static_cast<double>(k) / bits_per_key));
  };
  return log_rate(low) <= log_rate(low + 1) ? low : low + 1;
}

/// The least number of bits in which `keys` keys of `k` bits each have at most `rate` false
/// positives, or 0 when `most` bits have more.
[[nodiscard]] inline std::uint64_t least_bloom_bits(double keys, double rate, unsigned k,
                                                    std::uint64_t most) noexcept {
  if (bloom_rate(keys, static_cast<double>(most), k) > rate) return 0;
  std::uint64_t low = 0, high = most;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (bloom_rate(keys, static_cast<double>(middle), k) > rate ? low : high) = middle;
  }
  return high;
}

/// Size and number of hashes of a table.
struct bloom_plan {
  std::uint64_t bits;
  unsigned k;
};

/// The smallest table for `rate`, with k as given or, where that is 0, the best.
[[nodiscard]] inline bloom_plan plan_bloom_rate(double capacity, double rate, unsigned k,
                                                std::uint64_t most) {
  if (k != 0) return {least_bloom_bits(capacity, rate, k, most), k};
  const double ideal = min_of(-__builtin_log2(rate), max_bloom_hashes - 1.0);
  const unsigned low = max_of(1u, static_cast<unsigned>(ideal));
  const bloom_plan fewer{least_bloom_bits(capacity, rate, low, most), low};
  const bloom_plan more{least_bloom_bits(capacity, rate, low + 1, most), low + 1};
  const bool take_fewer = more.bits == 0 || (fewer.bits != 0 && fewer.bits <= more.bits);
  return take_fewer ? fewer : more;
}

/// The shape that the options ask for, or `std::invalid_argument`.
template <class Options>
[[nodiscard]] bloom_plan plan_bloom_filter(const Options& o) {
  constexpr const char* type = "bloom_filter";
  if (o.hash_count > max_bloom_hashes) {
    fail_argument(type, "hash_count", o.hash_count, "1 to 64, or 0 for the best");
  }
  if (o.bit_count > most_bloom_bits) fail_argument(type, "bit_count", o.bit_count, "at most 2^63");
  const auto capacity = static_cast<double>(o.capacity);
  if (o.bit_count != 0) {
    if (o.hash_count != 0) return {o.bit_count, o.hash_count};
    if (o.capacity == 0)
      fail_argument(type, "capacity", o.capacity, "at least 1, or hash_count given");
    return {o.bit_count, best_bloom_hashes(static_cast<double>(o.bit_count) / capacity)};
  }
  if (o.capacity == 0) fail_argument(type, "capacity", o.capacity, "at least 1");
  if (!(capacity * max_bloom_density < static_cast<double>(most_bloom_bits))) {
    fail_argument(type, "capacity", o.capacity, "below 2^57");
  }
  if (o.bits_per_key != 0) {
    if (!(o.bits_per_key > 0 && o.bits_per_key <= max_bloom_density)) {
      fail_argument(type, "bits_per_key", o.bits_per_key, "in (0, 64]");
    }
    const double bits = capacity * o.bits_per_key;
    const auto whole = static_cast<std::uint64_t>(bits);
    return {whole + (static_cast<double>(whole) < bits),
            o.hash_count != 0 ? o.hash_count : best_bloom_hashes(o.bits_per_key)};
  }
  const double rate = o.false_positive_rate;
  if (rate == 0) fail_argument(type, "bits_per_key", 0, "given, or else false_positive_rate");
  if (!(rate > 0 && rate < 1)) fail_argument(type, "false_positive_rate", rate, "in (0, 1)");
  const bloom_plan plan = plan_bloom_rate(capacity, rate, o.hash_count, o.capacity * 64);
  if (plan.bits == 0) {
    fail_argument(type, "false_positive_rate", rate, "one that 64 bits per key reach (4.5e-14)");
  }
  return plan;
}

// --- one key ------------------------------------------------------------------------------------

/// A table as the operations see it.
template <class Byte>
struct basic_bloom_table {
  Byte* bytes;
  std::uint64_t bits;  ///< ≥ 1
  unsigned k;          ///< 1–64

  /// Where the 64-bit word of bit `index` lies.
  [[nodiscard]] QUOIN_ALWAYS_INLINE Byte* word_of(std::uint64_t index) const noexcept {
    QUOIN_ASSERT(index < bits);
    return bytes + 8 * static_cast<std::size_t>(index / 64);
  }
};

using bloom_table = basic_bloom_table<unsigned char>;
using const_bloom_table = basic_bloom_table<const unsigned char>;

/// Whether the next `count` bits of a key are all set.
template <class Indices>
[[nodiscard]] QUOIN_ALWAYS_INLINE bool next_bits_set(const_bloom_table table, Indices& indices,
                                                     unsigned count) noexcept {
  std::uint64_t all = 1;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t index = indices.next();
    all &= load_le<std::uint64_t>(table.word_of(index)) >> (index % 64);
  }
  return (all & 1) != 0;
}

/// Bits that are tested together before the first branch. In a half-full table one test leaves half
/// of the misses, a coin toss for the branch predictor, and three leave an eighth.
inline constexpr unsigned bloom_head = 3;

template <class Indices>
[[nodiscard]] QUOIN_ALWAYS_INLINE bool bloom_contains(const_bloom_table table,
                                                      std::uint64_t hash) noexcept {
  Indices indices(hash, table.bits);
  const unsigned head = min_of(table.k, bloom_head);
  return next_bits_set(table, indices, head) && next_bits_set(table, indices, table.k - head);
}

/// Sets the bits of a key; true if one of them was not set before.
template <class Indices>
QUOIN_ALWAYS_INLINE bool bloom_insert(bloom_table table, std::uint64_t hash) noexcept {
  Indices indices(hash, table.bits);
  std::uint64_t missing = 0;
  const auto set_next = [&] {
    const std::uint64_t index = indices.next();
    const std::uint64_t mask = std::uint64_t{1} << (index % 64);
    const auto word = load_le<std::uint64_t>(table.word_of(index));
    missing |= mask & ~word;
    store_le(table.word_of(index), word | mask);
  };
  unsigned i = 0;
  for (; i + 4 <= table.k; i += 4) {  // unrolled by hand: 10 % faster, and no compiler does it
    set_next();
    set_next();
    set_next();
    set_next();
  }
  for (; i < table.k; ++i) set_next();
  return missing != 0;
}

// --- batches ------------------------------------------------------------------------------------

/// Whether a table of `bits` is so far from the core that prefetching pays: in a third-level cache
/// close by it costs more than it saves.
[[nodiscard]] inline bool is_far(std::uint64_t bits) noexcept {
  return bits / 8 > 8 * l2_cache_bytes();
}

/// Inserts `n` keys, whose hashes `hashes(first, count, out)` writes, and calls `tell(i, is_new)`
/// for each. The lines of 16 keys are fetched while the 16 before them are set: that many already
/// fill the miss buffers.
template <class Indices, class Hashes, class Tell>
void bloom_insert_many(bloom_table table, std::size_t n, Hashes hashes, Tell tell) {
  constexpr std::size_t block = 16;
  std::uint64_t ring[2][block];
  const bool far = is_far(table.bits);
  const auto size_of_block = [=](std::size_t first) { return min_of(n - first, block); };
  const auto load = [&](std::size_t first, std::uint64_t* out) {
    const std::size_t count = size_of_block(first);
    hashes(first, count, out);
    if (!far) return;
    for (std::size_t i = 0; i < count; ++i) {
      Indices indices(out[i], table.bits);
      for (unsigned j = 0; j < table.k; ++j) __builtin_prefetch(table.word_of(indices.next()), 1);
    }
  };
  if (n != 0) load(0, ring[0]);
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t turn = first / block % 2;
    if (n - first > block) load(first + block, ring[1 - turn]);
    for (std::size_t i = 0; i < size_of_block(first); ++i) {
      tell(first + i, bloom_insert<Indices>(table, ring[turn][i]));
    }
  }
}

/// Looks up the `n` keys whose hashes `hashes(first, count, out)` writes, and calls
/// `take(first, hits, count)` for each 64 in turn. In a far table the first bits of the key 64 ahead
/// are fetched with each lookup. Rejected: testing one bit of all 64 keys, then another of those
/// left, and so on, each round fetching for the next. It reads the least memory for misses, but took
/// 15 % longer for them and 60 % longer for hits, at 6 to 125 MB.
template <class Indices, class Hashes, class Take>
void bloom_contains_many(const_bloom_table table, std::size_t n, Hashes hashes, Take take) {
  constexpr std::size_t block = 64;
  std::uint64_t ring[2][block];
  const bool far = is_far(table.bits);
  const unsigned head = min_of(table.k, bloom_head);
  const auto size_of_block = [=](std::size_t first) { return min_of(n - first, block); };
  if (n != 0) hashes(0, size_of_block(0), ring[0]);
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t turn = first / block % 2, count = size_of_block(first);
    const std::size_t next = n - first > block ? size_of_block(first + block) : 0;
    if (next != 0) hashes(first + block, next, ring[1 - turn]);
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (far && i < next) {
        Indices indices(ring[1 - turn][i], table.bits);
        for (unsigned j = 0; j < head; ++j) __builtin_prefetch(table.word_of(indices.next()));
      }
      hits |= std::uint64_t{bloom_contains<Indices>(table, ring[turn][i])} << i;
    }
    take(first, hits, count);
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
