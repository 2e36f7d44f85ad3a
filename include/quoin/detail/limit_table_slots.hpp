// SPDX-License-Identifier: BSL-1.0
/// @file
/// How a keyed limiter keeps keys in lines of 64 bytes, and how threads change them.
///
/// A slot has a mark (what is left of the key's hash), the instant at which its bucket will be full,
/// and a word that is changed by one compare-and-swap; a slot changes its key only under the lock of
/// the key that comes. All is plain memory, zero at first, used through atomic operations.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_SLOTS_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_SLOTS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

[[nodiscard]] inline std::uint64_t load_word(const std::uint64_t& word) noexcept {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}
inline void store_word(std::uint64_t& word, std::uint64_t value) noexcept {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}
[[nodiscard]] inline bool swap_word(std::uint64_t& word, std::uint64_t old,
                                    std::uint64_t value) noexcept {
  return __atomic_compare_exchange_n(&word, &old, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/// Bit i is `is(i)`. Unrolled: a request is to be short, so that the misses of the
/// one after it begin before its own have ended.
template <class F, unsigned... I>
[[nodiscard]] QUOIN_ALWAYS_INLINE unsigned slots_where(F is,
                                                       std::integer_sequence<unsigned, I...>) {
  return (... | (unsigned{is(I)} << I));
}

/// Four keys a line: the whole hash, and a word of 62 bits of instant and 2 of version.
///
/// Who takes a slot for another key makes the word `busy` and counts the version up, then writes the
/// hash, then the word. Who changes the word of a key has read the word before the hash, so that the
/// word was this key's or an earlier one's; if its swap succeeds, the word was that key's until then.
/// Only if the slot went to four other keys in between, and the instant is the same tick again, would
/// it charge the wrong one.
struct exact_slots {
  static constexpr unsigned bits = 62;
  static constexpr unsigned per_line = 4;
  static constexpr std::uint64_t bytes_per_key = 19;
  static constexpr std::uint64_t busy = 1;  ///< an instant, like 0 for none

  /// What a slot shows of the key with `hash`; never 0, which an untouched slot shows.
  [[nodiscard]] static constexpr std::uint64_t mark(std::uint64_t hash) noexcept {
    return hash == 0 ? 1 : hash;
  }
  [[nodiscard]] static constexpr std::uint64_t instant(std::uint64_t word) noexcept {
    return word >> 2;
  }
  /// `word` with another instant. Two ticks in a turn of the ring are reserved, and count as the next.
  [[nodiscard]] static constexpr std::uint64_t with_instant(std::uint64_t word,
                                                            std::uint64_t at) noexcept {
    return max_of(at, busy + 1) << 2 | (word & 3);
  }
  [[nodiscard]] static constexpr std::uint64_t without_instant(std::uint64_t word) noexcept {
    return word & 3;
  }
  [[nodiscard]] static constexpr bool is_vacant(std::uint64_t word) noexcept {
    return word >> 2 == 0;
  }
  [[nodiscard]] static constexpr bool is_busy(std::uint64_t word) noexcept {
    return word >> 2 == busy;
  }

  [[nodiscard]] static auto& word_of(auto& line, unsigned slot) noexcept {
    return line.words[2 * slot + 1];
  }
  /// Of a slot whose word was read before.
  [[nodiscard]] static std::uint64_t mark_at(const cache_line& line, unsigned slot,
                                             std::uint64_t /*word*/) noexcept {
    return load_word(line.words[2 * slot]);
  }

  /// A bit for each slot that shows `mark`.
  [[nodiscard]] static unsigned matches(const cache_line& line, std::uint64_t mark) noexcept {
    return slots_where([&](unsigned i) { return load_word(line.words[2 * i]) == mark; },
                       std::make_integer_sequence<unsigned, per_line>());
  }

  /// Gives a slot whose word is `word` to the key of `mark`; false if the word has changed.
  [[nodiscard]] static bool take(cache_line& line, unsigned slot, std::uint64_t word,
                                 std::uint64_t mark, std::uint64_t at) noexcept {
    const std::uint64_t version = (word + 1) & 3;
    if (!swap_word(line.words[2 * slot + 1], word, busy << 2 | version)) return false;
    store_word(line.words[2 * slot], mark);
    store_word(line.words[2 * slot + 1], with_instant(version, at));
    return true;
  }
};

/// Eight keys a line, a word each: 24 bits of hash above 40 bits of instant. One swap changes both,
/// and whoever finds the same word finds the same state.
struct compact_slots {
  static constexpr unsigned bits = 40;
  static constexpr unsigned per_line = 8;
  static constexpr std::uint64_t bytes_per_key = 10;

  /// The lowest bits of the hash, which have no part in the choice of the first line.
  [[nodiscard]] static constexpr std::uint64_t mark(std::uint64_t hash) noexcept {
    return max_of(hash & 0xffffff, std::uint64_t{1});
  }
  [[nodiscard]] static constexpr std::uint64_t instant(std::uint64_t word) noexcept {
    return word & ((std::uint64_t{1} << bits) - 1);
  }
  [[nodiscard]] static constexpr std::uint64_t with_instant(std::uint64_t word,
                                                            std::uint64_t at) noexcept {
    return (word >> bits) << bits | at;
  }
  [[nodiscard]] static constexpr std::uint64_t without_instant(std::uint64_t) noexcept { return 0; }
  [[nodiscard]] static constexpr bool is_vacant(std::uint64_t word) noexcept { return word == 0; }
  [[nodiscard]] static constexpr bool is_busy(std::uint64_t) noexcept { return false; }

  [[nodiscard]] static auto& word_of(auto& line, unsigned slot) noexcept {
    return line.words[slot];
  }
  [[nodiscard]] static std::uint64_t mark_at(const cache_line& /*line*/, unsigned /*slot*/,
                                             std::uint64_t word) noexcept {
    return word >> bits;
  }

  [[nodiscard]] static unsigned matches(const cache_line& line, std::uint64_t mark) noexcept {
    return slots_where([&](unsigned i) { return load_word(line.words[i]) >> bits == mark; },
                       std::make_integer_sequence<unsigned, per_line>());
  }

  [[nodiscard]] static bool take(cache_line& line, unsigned slot, std::uint64_t word,
                                 std::uint64_t mark, std::uint64_t at) noexcept {
    return swap_word(line.words[slot], word, mark << bits | at);
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
