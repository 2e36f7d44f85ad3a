// SPDX-License-Identifier: BSL-1.0
/// @file
/// The table of monitored keys behind `heavy_hitters`.
///
/// Entries lie in rows (keys, counts, errors, tags) in the order of their arrival; an
/// open-addressing index of 32-bit words finds them. Of a key's 32-bit tag the low bits say where its
/// word is looked for first; the word has the entry's number in those bits and the rest of the tag
/// in the others, so that a word that matches is nearly always the key's. Nothing is ever removed
/// from the index: evictions come in bulk and rebuild it. Keys that stay go first then, and take the
/// places where they are looked for first.
#ifndef QUOIN_DETAIL_SKETCH_HEAVY_TABLE_HPP
#define QUOIN_DETAIL_SKETCH_HEAVY_TABLE_HPP

#include <quoin/detail/assign.hpp>
#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

template <class Key>
inline constexpr bool is_heavy_string = std::same_as<Key, std::string>;

/// Keys that are copied in a register.
template <class Key>
concept plain_key = std::is_scalar_v<Key>;

/// How a key is passed: strings as views, so that none is constructed to look one up.
template <class Key>
using heavy_view = std::conditional_t<is_heavy_string<Key>, std::string_view,
                                      std::conditional_t<std::is_scalar_v<Key>, Key, const Key&>>;

/// The k-th largest of many counts, in passes over 64 bins.
class heavy_select {
 public:
  /// The k-th largest of `counts[0..n)`, 1 ≤ k ≤ n; all are above `floor`. O(n). Counts of keys that
  /// come to be evicted lie just above the floor as a rule, or as far above it as the last time,
  /// and then one or two passes are enough.
  [[nodiscard]] std::uint64_t kth_largest(const std::uint64_t* counts, std::size_t n, std::size_t k,
                                          std::uint64_t floor) noexcept {
    if (count_above(counts, n, floor + 1) < k) return floor + 1;
    std::uint64_t low = floor + 1, span = ~std::uint64_t{0} - low;
    unsigned shift = first_shift_;
    bool narrowing = false;
    for (;;) {
      std::uint32_t bins[bin_count];
      fill(bins, counts, n, low, span, shift);
      std::size_t bin = bin_count - 1;
      while (bins[bin] < k) k -= bins[bin--];
      if (bin == bin_count - 1 && !narrowing && shift < 58) {  // it has all that is above, too
        low += std::uint64_t{bin_count - 1} << shift;
        span = ~std::uint64_t{0} - low;
        shift = min_of(shift + 6, 58u);
        continue;
      }
      low += static_cast<std::uint64_t>(bin) << shift;
      if (shift == 0) break;
      narrowing = true;
      span = (std::uint64_t{1} << shift) - 1;
      shift = shift < 6 ? 0 : shift - 6;
    }
    first_shift_ = 0;
    while ((low - floor) >> first_shift_ >= bin_count / 2) ++first_shift_;
    return low;
  }

 private:
  static constexpr std::size_t bin_count = 64;

  [[nodiscard]] static std::size_t count_above(const std::uint64_t* counts, std::size_t n,
                                               std::uint64_t least) noexcept {
    std::size_t above = 0;
    for (std::size_t i = 0; i < n; ++i) above += counts[i] > least;
    return above;
  }

  /// How many counts c with c - low ≤ span lie in each bin of 2^shift; the last has all above, too.
  static void fill(std::uint32_t* bins, const std::uint64_t* counts, std::size_t n,
                   std::uint64_t low, std::uint64_t span, unsigned shift) noexcept {
    std::uint32_t parts[4][bin_count] = {};  // neighbours that share a bin need not wait
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t above = counts[i] - low;
      const auto bin =
          static_cast<std::size_t>(min_of<std::uint64_t>(above >> shift, bin_count - 1));
      parts[i % 4][bin] += above <= span;
    }
    for (std::size_t b = 0; b < bin_count; ++b) {
      bins[b] = parts[0][b] + parts[1][b] + parts[2][b] + parts[3][b];
    }
  }

  unsigned first_shift_ = 0;  ///< steers speed only
};

/// A key's tag: bit 31 is set, so that no word of an entry is 0.
[[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t heavy_tag(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32) | 0x80000000u;
}

/// Monitored keys: the weight of each is `count` at most and `count - error` at least.
template <class Key, class Allocator>
class heavy_table {
  template <class T>
  using row = std::vector<T, typename std::allocator_traits<Allocator>::template rebind_alloc<T>>;

  /// Of a string only its end within `bytes_`: it begins where that of the entry before ends.
  using stored = std::conditional_t<is_heavy_string<Key>, std::size_t, Key>;

  /// Whether the row of keys is made ahead, as that of counts is, instead of key by key.
  static constexpr bool plain = is_heavy_string<Key> || plain_key<Key>;

 public:
  using view = heavy_view<Key>;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  static constexpr std::size_t block_size = 64;  ///< of `add_block`

  explicit heavy_table(const Allocator& allocator)
      : counts_(allocator),
        errors_(allocator),
        tags_(allocator),
        keys_(allocator),
        bytes_(allocator),
        index_(first_words, 0, allocator) {}

  /// A copy whose memory is from `allocator`.
  heavy_table(const heavy_table& other, const Allocator& allocator)
      : counts_(other.counts_, allocator),
        errors_(other.errors_, allocator),
        tags_(other.tags_, allocator),
        keys_(other.keys_, allocator),
        bytes_(other.bytes_, allocator),
        index_(other.index_, allocator),
        size_(other.size_),
        mask_(other.mask_),
        select_(other.select_) {}

  heavy_table(const heavy_table&) = default;
  heavy_table(heavy_table&&) noexcept = default;
  ~heavy_table() = default;

  heavy_table& operator=(const heavy_table& other) { return copy_assign(*this, other); }
  heavy_table& operator=(heavy_table&& other) noexcept(move_assigns_in_place<Allocator>) {
    return move_assign(*this, std::move(other));
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Entries that fit before `reserve` is needed.
  [[nodiscard]] std::size_t room() const noexcept { return counts_.size(); }

  [[nodiscard]] std::uint64_t& count(std::size_t slot) noexcept { return counts_[slot]; }
  [[nodiscard]] std::uint64_t count(std::size_t slot) const noexcept { return counts_[slot]; }
  [[nodiscard]] std::uint64_t& error(std::size_t slot) noexcept { return errors_[slot]; }
  [[nodiscard]] std::uint64_t error(std::size_t slot) const noexcept { return errors_[slot]; }

  /// The key of an entry. A string's bytes stay where they are until the table changes.
  [[nodiscard]] QUOIN_ALWAYS_INLINE view key(std::size_t slot) const noexcept {
    if constexpr (is_heavy_string<Key>) {
      const std::size_t begin = slot == 0 ? 0 : keys_[slot - 1];
      return {bytes_.data() + begin, keys_[slot] - begin};
    } else {
      return keys_[slot];
    }
  }

  /// Where a key is, or where its word belongs.
  struct place {
    std::size_t slot;  ///< npos: not here
    std::size_t at;    ///< in the index
  };

  /// Nearly all searches end at the first two words, and those for new keys without a branch
  /// that depends on which of them is free.
  [[nodiscard]] QUOIN_ALWAYS_INLINE place find(std::uint32_t tag, view wanted) const {
    return find(index_.data(), mask_, tag, wanted);
  }

  /// Brings the word where `tag` is looked for first into the cache.
  void prefetch(std::uint32_t tag) const noexcept { __builtin_prefetch(&index_[tag & mask_]); }

  /// Appends an entry for a key that is not here, at the place that `find` gave; `size() < room()`.
  /// Changes nothing if memory runs out or a copy of the key throws.
  QUOIN_ALWAYS_INLINE void push(std::size_t at, std::uint32_t tag, view key, std::uint64_t count,
                                std::uint64_t error) {
    if constexpr (is_heavy_string<Key>) {
      const std::size_t end = bytes_.size() + key.size();
      bytes_.insert(bytes_.end(), key.begin(), key.end());
      keys_[size_] = end;
    } else if constexpr (plain) {
      keys_[size_] = key;
    } else {
      keys_.push_back(key);
    }
    counts_[size_] = count;
    errors_[size_] = error;
    tags_[size_] = tag;
    ++size_;
    index_[at] = (tag & ~mask_) | static_cast<std::uint32_t>(size_);
  }

  /// What `find` and then `push` or an addition of 1 would do for each of `n` keys, `block_size` at
  /// most; `size() + n ≤ room()`, and the table is not empty. All keys are first tried where they are looked for first,
  /// without a branch on the outcome, which nobody could predict; those that are not there are few
  /// (in skewed streams) or new.
  void add_block(const Key* keys, const std::uint64_t* hashes, std::size_t n,
                 std::uint64_t offset) requires plain_key<Key> {
    const std::uint32_t mask = mask_;
    std::uint32_t* const index = index_.data();
    Key* const own = keys_.data();
    std::uint64_t* const counts = counts_.data();
    std::uint32_t hits[block_size], others[block_size];
    std::size_t hit_count = 0, other_count = 0;
    if (few_hits_) {
      for (; other_count < n; ++other_count)
        others[other_count] = static_cast<std::uint32_t>(other_count);
    }
    for (std::size_t i = other_count; i < n; ++i) {
      const std::uint32_t word = index[static_cast<std::uint32_t>(hashes[i] >> 32) & mask];
      const std::uint32_t slot = (word & mask) - std::uint32_t{word != 0};
      const bool hit = own[slot] == keys[i];
      hits[hit_count] = slot;
      hit_count += hit;
      others[other_count] = static_cast<std::uint32_t>(i);
      other_count += !hit;
    }
    for (std::size_t i = 0; i < hit_count; ++i) ++counts[hits[i]];
    std::uint64_t* const errors = errors_.data();
    std::uint32_t* const tags = tags_.data();
    std::size_t size = size_;
    for (std::size_t i = 0; i < other_count; ++i) {
      const Key key = keys[others[i]];
      const std::uint32_t tag = heavy_tag(hashes[others[i]]);
      const place at = find(index, mask, tag, key);
      if (at.slot != npos) {
        ++counts[at.slot];
        continue;
      }
      own[size] = key;
      counts[size] = offset + 1;
      errors[size] = offset;
      tags[size] = tag;
      ++size;
      index[at.at] = (tag & ~mask) | static_cast<std::uint32_t>(size);
    }
    few_hits_ = n - (size - size_) < n / 4;
    size_ = size;
  }

  /// Makes room for `entries`; the places that `find` gave are void. Changes nothing if memory runs
  /// out.
  QUOIN_COLD void reserve(std::size_t entries) {
    std::size_t words = index_.size();
    while (words / 2 < entries) words *= 2;
    if constexpr (plain) {
      if (keys_.size() < entries) keys_.resize(entries);
    } else {
      keys_.reserve(entries);
    }
    if (errors_.size() < entries) errors_.resize(entries);
    if (tags_.size() < entries) tags_.resize(entries);
    if (index_.size() < words) {
      index_.resize(words);
      mask_ = static_cast<std::uint32_t>(words - 1);
      rebuild();
    }
    if (counts_.size() < entries) counts_.resize(entries);
  }

  /// The k-th largest count, 1 ≤ k ≤ size(); all counts are above `floor`. O(size).
  [[nodiscard]] std::uint64_t kth_largest(std::size_t k, std::uint64_t floor) noexcept {
    return select_.kth_largest(counts_.data(), size_, k, floor);
  }

  /// Removes every entry whose count is at most `most`. O(size).
  QUOIN_COLD void evict(std::uint64_t most) {
    std::uint64_t *const counts = counts_.data(), *const errors = errors_.data();
    std::uint32_t* const tags = tags_.data();
    stored* const keys = keys_.data();
    const std::size_t size = size_;
    std::size_t kept = 0, begin = 0, bytes = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const bool keep = counts[i] > most;
      if constexpr (is_heavy_string<Key>) {
        const std::size_t end = keys[i];
        if (keep && begin != bytes)
          std::memmove(bytes_.data() + bytes, bytes_.data() + begin, end - begin);
        bytes += keep ? end - begin : 0;
        begin = end;
        keys[kept] = bytes;
      } else if constexpr (plain_key<Key>) {
        keys[kept] = keys[i];  // without a branch: which are kept is anybody's guess
      } else if (keep && kept != i) {
        keys[kept] = std::move(keys[i]);
      }
      counts[kept] = counts[i];
      errors[kept] = errors[i];
      tags[kept] = tags[i];
      kept += keep;
    }
    shrink(kept, bytes);
  }

  void clear() noexcept { shrink(0, 0); }

  void swap(heavy_table& other) noexcept { swap_whole(*this, other); }

  /// Bytes of all strings.
  [[nodiscard]] std::size_t text_bytes() const noexcept { return bytes_.size(); }

  [[nodiscard]] Allocator get_allocator() const noexcept {
    return Allocator(counts_.get_allocator());
  }

 private:
  static constexpr std::size_t first_words = 16;

  [[nodiscard]] QUOIN_ALWAYS_INLINE place find(const std::uint32_t* index, std::uint32_t mask,
                                               std::uint32_t tag, view wanted) const {
    const std::size_t first = tag & mask, second = (first + 1) & mask;
    const std::uint32_t a = index[first], b = index[second];
    if ((a ^ tag) <= mask) {
      const std::size_t slot = (a & mask) - 1;
      if (key(slot) == wanted) return {slot, first};
    } else if (((b ^ tag) > mask) & ((a == 0) | (b == 0))) {
      return {npos, a == 0 ? first : second};
    }
    return find_far(tag, wanted);
  }

  [[nodiscard]] __attribute__((noinline)) place find_far(std::uint32_t tag, view wanted) const {
    for (std::size_t at = tag & mask_;; at = (at + 1) & mask_) {
      const std::uint32_t word = index_[at];
      if (word == 0) return {npos, at};
      if ((word ^ tag) > mask_) continue;
      const std::size_t slot = (word & mask_) - 1;
      if (key(slot) == wanted) return {slot, at};
    }
  }

  void shrink(std::size_t entries, std::size_t bytes) noexcept {
    size_ = entries;
    if constexpr (is_heavy_string<Key>)
      bytes_.erase(bytes_.begin() + static_cast<std::ptrdiff_t>(bytes), bytes_.end());
    if constexpr (!plain) {
      keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(entries), keys_.end());
    }
    rebuild();
  }

  void rebuild() noexcept {
    std::memset(index_.data(), 0, index_.size() * sizeof(std::uint32_t));
    for (std::size_t i = 0; i < size_; ++i) {
      std::size_t at = tags_[i] & mask_;
      while (index_[at] != 0) at = (at + 1) & mask_;
      index_[at] = (tags_[i] & ~mask_) | static_cast<std::uint32_t>(i + 1);
    }
  }

  row<std::uint64_t> counts_;
  row<std::uint64_t> errors_;
  row<std::uint32_t> tags_;
  row<stored> keys_;
  row<char> bytes_;  ///< of strings
  row<std::uint32_t> index_;
  std::size_t size_ = 0;
  std::uint32_t mask_ = first_words - 1;
  heavy_select select_;
  bool few_hits_ = false;  ///< in the last block; steers speed only
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
