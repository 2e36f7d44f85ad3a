// SPDX-License-Identifier: BSL-1.0
/// @file
/// Small HyperLogLogs: a set of 32-bit tokens in place of registers.
///
/// A token keeps of a hash its 26 highest bits and the rank of the other 38 (their leading zeros
/// plus one, 1–39). From these 32 bits follows, exactly, what the hash does to the registers of
/// every precision up to 26 (Ertl 2023, "UltraLogLog", section 3.4, after Heule, Nunkesser, Hall
/// 2013, section 5.3). No token is 0, which marks a free slot.
///
/// Two of n distinct hashes share a token with probability Σ_r (2^−26·2^−r)² = 2^−26 / 3: sets of a
/// thousand are counted with an error of 0.005 %.
#ifndef QUOIN_DETAIL_SKETCH_HLL_TOKENS_HPP
#define QUOIN_DETAIL_SKETCH_HLL_TOKENS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/hash/hash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned hll_token_index_bits = 26;
inline constexpr unsigned hll_max_token_rank = 64 - hll_token_index_bits + 1;  // 39

/// What a hash does to the registers: raises number `index` to `rank` if it is lower.
struct hll_update {
  std::uint32_t index;
  std::uint32_t rank;
};

/// Leading zeros + 1 of the low `64 - precision` bits of `hash`; one more than there are bits when
/// all are 0.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint32_t hll_rank(std::uint64_t hash,
                                                                   unsigned precision) noexcept {
  const std::uint64_t rest = hash << precision | std::uint64_t{1} << (precision - 1);
  return static_cast<std::uint32_t>(__builtin_clzll(rest)) + 1;
}

/// The update of `hash` at `precision` ∈ [1, 32].
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr hll_update hll_update_of(std::uint64_t hash,
                                                                     unsigned precision) noexcept {
  return {static_cast<std::uint32_t>(hash >> (64 - precision)), hll_rank(hash, precision)};
}

[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint32_t hll_token(std::uint64_t hash) noexcept {
  const hll_update update = hll_update_of(hash, hll_token_index_bits);
  return update.index << 6 | update.rank;
}

/// A hash that gives `token`: what it does to registers of any precision, all of these do.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t hll_hash_giving(
    std::uint32_t token) noexcept {
  constexpr unsigned rest = 64 - hll_token_index_bits;
  return std::uint64_t{token >> 6} << rest | std::uint64_t{1} << rest >> token % 64;
}

/// The update at `precision` ∈ [1, 26] of the hashes that gave `token`.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr hll_update hll_update_of_token(
    std::uint32_t token, unsigned precision) noexcept {
  return hll_update_of(hll_hash_giving(token), precision);
}

/// False for what no hash gives: damage.
[[nodiscard]] constexpr bool is_hll_token(std::uint32_t token) noexcept {
  return token % 64 >= 1 && token % 64 <= hll_max_token_rank;
}

/// Distinct hashes, from the number of their distinct tokens (up to 2^20 or so): the inverse, to
/// third order, of E[t] = n − C(n,2)·Σp² + C(n,3)·Σp³ with Σp² = 2^−26 / 3 and Σp³ = 2^−52 / 7.
/// What is left out is below 10^−8 of n.
[[nodiscard]] constexpr double hll_count_of_tokens(double tokens) noexcept {
  constexpr double square = 1.0 / (3.0 * (1u << 26)), cube = 1.0 / (7.0 * (1ull << 52));
  return tokens * (1 + (tokens - 1) * (square / 2 + tokens * (square * square / 2 - cube / 6)));
}

/// Relative standard deviation of that count: the number of collisions is as good as Poisson with
/// the mean C(n,2)·Σp², so it is √(Σp² / 2) whatever n.
inline constexpr double hll_error_of_tokens = 4.983e-5;

// --- the set ------------------------------------------------------------------------------------

/// Slots of the largest set of tokens at `precision`: it takes no more memory than registers do,
/// but at least a cache line.
[[nodiscard]] constexpr std::uint32_t hll_most_slots(unsigned precision) noexcept {
  return precision <= 6 ? 16 : std::uint32_t{1} << (precision - 2);
}

/// The most tokens that `slots` slots hold: fuller, each insertion would be a branch mispredicted.
[[nodiscard]] constexpr std::uint32_t hll_tokens_of_slots(std::uint32_t slots) noexcept {
  return slots / 2;
}

/// The most tokens that a sketch of `precision` keeps, T(p). One more distinct token and it has
/// registers: which of the two it has is a function of the set alone, as T grows with p.
[[nodiscard]] constexpr std::uint32_t hll_most_tokens(unsigned precision) noexcept {
  return hll_tokens_of_slots(hll_most_slots(precision));
}

/// The fewest slots for `tokens` tokens: a power of two, at least 16.
[[nodiscard]] constexpr std::uint32_t hll_slots_for(std::uint32_t tokens) noexcept {
  std::uint32_t slots = 16;
  while (hll_tokens_of_slots(slots) < tokens) slots *= 2;
  return slots;
}

/// An open-addressing set of tokens with linear probing in memory that someone else owns: its
/// lookups. `salt` decides who collides, never what is in the set: bytes from outside cannot be
/// made to crowd one corner of it.
class hll_token_view {
 public:
  hll_token_view(const void* memory, std::uint32_t slots, std::uint32_t salt) noexcept
      : memory_(static_cast<const unsigned char*>(memory)),
        slots_(slots),
        shift_(static_cast<unsigned>(33 - std::bit_width(slots))),
        salt_(salt) {}

  /// The slot that holds `token`, or the free one where it belongs. Needs memory.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t find(std::uint32_t token) const noexcept {
    std::uint32_t slot = token * salt_ >> shift_;
    for (std::uint32_t there = at(slot); there != token && there != 0; there = at(slot)) {
      slot = (slot + 1) & (slots_ - 1);
    }
    return slot;
  }

  [[nodiscard]] bool contains(std::uint32_t token) const noexcept {
    return slots_ != 0 && at(find(token)) != 0;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t at(std::uint32_t slot) const noexcept {
    std::uint32_t token;
    std::memcpy(&token, memory_ + std::size_t{4} * slot, sizeof token);
    return token;
  }

  /// Calls `f(token)` for each token, in no order. Tokens are picked out of their slots without a
  /// branch: whether a slot is free cannot be foreseen.
  template <class F>
  void for_each(F f) const {
    std::uint32_t tokens[64];
    for (std::uint32_t first = 0; first < slots_; first += 64) {
      std::size_t count = 0;
      for (std::uint32_t slot = first; slot < min_of(first + 64, slots_); ++slot) {
        tokens[count] = at(slot);
        count += at(slot) != 0;
      }
      for (std::size_t i = 0; i < count; ++i) f(tokens[i]);
    }
  }

 private:
  const unsigned char* memory_;
  std::uint32_t slots_;  ///< a power of two, or 0
  unsigned shift_;
  std::uint32_t salt_;
};

/// The same set, to be written. The memory is zero at first.
class hll_token_set : public hll_token_view {
 public:
  hll_token_set(void* memory, std::uint32_t slots, std::uint32_t salt) noexcept
      : hll_token_view(memory, slots, salt), memory_(static_cast<unsigned char*>(memory)) {}

  /// A salt for a set in `memory`: odd, and as hard to foresee as the address is.
  [[nodiscard]] static std::uint32_t salt_for(const void* memory) noexcept {
    return static_cast<std::uint32_t>(hash{}(reinterpret_cast<std::uintptr_t>(memory))) | 1;
  }

  /// Adds a token; true if it was not there. There must be a free slot. (Adding a batch in steps
  /// without a branch was no faster: each load then waits for the store before it.)
  QUOIN_ALWAYS_INLINE bool add(std::uint32_t token) noexcept {
    const std::uint32_t slot = find(token);
    if (at(slot) != 0) return false;
    std::memcpy(memory_ + std::size_t{4} * slot, &token, sizeof token);
    return true;
  }

 private:
  unsigned char* memory_;
};

/// Distinct ones among up to 256 tokens there are at least; about 200 if they all are.
[[nodiscard]] inline std::size_t hll_distinct(const std::uint32_t* tokens, std::size_t n) noexcept {
  std::uint8_t seen[512] = {};
  for (std::size_t i = 0; i < n; ++i) seen[tokens[i] >> 23] = 1;
  std::size_t count = 0;
  for (const std::uint8_t one : seen) count += one;
  return count;
}

// --- the sorted form ----------------------------------------------------------------------------

/// Little-endian tokens in a row, as the serialized form has them.
class hll_token_row {
 public:
  explicit hll_token_row(std::byte* bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint32_t at(std::size_t i) const noexcept {
    return load_le<std::uint32_t>(bytes_ + 4 * i);
  }
  void put(std::size_t i, std::uint32_t token) noexcept { store_le(bytes_ + 4 * i, token); }

  /// Sorts [first, last), whose tokens agree in all bits above `bit`: by that bit into two halves
  /// and so on, which takes at most 32 passes whatever the tokens are; the last few by insertion.
  void sort(std::size_t first, std::size_t last, unsigned bit) noexcept {
    while (last - first > 24 && bit < 32) {
      const std::size_t middle = partition(first, last, bit);
      --bit;  // wraps below 0, which ends the loop
      sort(first, middle, bit);
      first = middle;
    }
    if (last - first <= 24) sort_few(first, last);
  }

 private:
  [[nodiscard]] std::size_t partition(std::size_t first, std::size_t last, unsigned bit) noexcept {
    for (;;) {
      while (first < last && (at(first) >> bit & 1) == 0) ++first;
      while (first < last && (at(last - 1) >> bit & 1) == 1) --last;
      if (first == last) return first;
      const std::uint32_t high = at(first);
      put(first, at(last - 1));
      put(last - 1, high);
    }
  }

  void sort_few(std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = first + 1; i < last; ++i) {
      const std::uint32_t token = at(i);
      std::size_t to = i;
      for (; to > first && at(to - 1) > token; --to) put(to, at(to - 1));
      put(to, token);
    }
  }

  std::byte* bytes_;
};

/// Writes the tokens of `set` in ascending order, 4 bytes each: spread by their first eight bits,
/// then sorted where they lie.
inline void write_sorted_tokens(const hll_token_view& set, std::byte* out) noexcept {
  std::uint32_t ends[256] = {};
  set.for_each([&](std::uint32_t token) { ++ends[token >> 24]; });
  std::uint32_t starts[256];
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < 256; ++i) {
    starts[i] = sum;
    sum += ends[i];
    ends[i] = starts[i];
  }
  hll_token_row row(out);
  set.for_each([&](std::uint32_t token) { row.put(ends[token >> 24]++, token); });
  for (unsigned i = 0; i < 256; ++i) row.sort(starts[i], ends[i], 23);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
