// SPDX-License-Identifier: BSL-1.0
/// @file
/// The most frequent keys of a stream, in memory that does not grow with it.
///
/// Use it for "which pages, words, customers, addresses most?" when there are too many distinct ones
/// to count them all. It answers for keys that are frequent, with bounds that always hold; ask
/// `count_min_sketch` about keys of your own choosing.
///
/// Guarantee   of N = `total()` and m = `capacity`: every key with a weight above N / m is
///             monitored. A monitored key's weight is `count` at most and `count - error` at least;
///             any other key's at most `max_error()`, which is ≤ N / m and no monitored key's count.
///             `merge` keeps all that, in any order. Always, whatever the stream and the hash.
/// Cost        add: O(1) amortized, one search of a hash table; no allocation per key, strings
///             included. `add_many` overlaps hashing and searches.
/// Memory      36 to 44 bytes (with keys of 8) for each of up to 2m keys, as they come; the strings'
///             own bytes besides, all in one array.
/// Threads     like a standard container.
/// Bytes       format 0x0203, docs/formats.md, for integers, enums and strings.
/// Source      Space-Saving (Metwally, Agrawal, El Abbadi 2005) with evictions in bulk, as Misra and
///             Gries 1982 subtract; merging: Agarwal et al. 2012, "Mergeable summaries".
///
/// What it holds depends on the stream alone: neither on the hash and its seed nor on chance. Keys
/// with equal counts are ordered by error, then by `<` (types without it: by hash).
///
/// When 2m keys are monitored and a new one comes, v, the m-th largest count, becomes the
/// `max_error()`, and all keys with a count of at most v go. New keys begin with that as error. Each
/// time at least m keys lose the weight by which v grew, so v · m ≤ N. A heap or sorted
/// buckets that evict the least key alone have the same guarantee from m keys and take five times
/// as long.
///
/// @code
/// quoin::heavy_hitters<std::string> words({.capacity = 1'000});
/// words.add("the");  words.add(word, 3);                       // literals, strings, views
/// words.add_many(batch);                                       // 1.5 times as fast for integers
/// for (const auto& w : words.top(10)) print(w.key, w.count, w.error);
/// words.merge(of_another_machine);
/// @endcode
#ifndef QUOIN_SKETCH_HEAVY_HITTERS_HPP
#define QUOIN_SKETCH_HEAVY_HITTERS_HPP

#include <quoin/detail/sketch_heavy_bytes.hpp>
#include <quoin/detail/sketch_heavy_table.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How exact.
struct heavy_hitters_options {
  std::uint64_t capacity = 0;  ///< m: no error exceeds 1/m of the total weight; 1 to 2^28
  std::uint64_t seed = 0;      ///< of the hash; a random one when others choose the keys
};

/// A key with its weight: `count` at most, `count - error` at least.
template <class Key>
struct heavy_hitter {
  Key key;
  std::uint64_t count;
  std::uint64_t error;

  [[nodiscard]] std::uint64_t lower_bound() const noexcept { return count - error; }
  friend bool operator==(const heavy_hitter&, const heavy_hitter&) = default;
};

/// Which mistakes `heavy_hitters::frequent` must not make.
enum class heavy_hitters_report : std::uint8_t {
  no_false_positives,  ///< only keys that surely exceed the threshold
  no_false_negatives,  ///< all that may
};

/// The summary. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Key        `std::string` (then all operations take `std::string_view`), integers, or any
///                    copyable type that `Hash` hashes and `==` compares.
/// @tparam Hash       a hasher of the keys; with another one only speed differs.
/// @tparam Allocator  any standard allocator.
template <class Key, class Hash = hash, class Allocator = std::allocator<std::byte>>
class heavy_hitters {
  using table_type = detail::heavy_table<Key, Allocator>;

 public:
  using key_type = Key;
  using key_view = detail::heavy_view<Key>;  ///< how keys are passed
  using item = heavy_hitter<Key>;
  using hasher_type = Hash;
  using allocator_type = Allocator;

  static_assert(detail::hashable_by<std::remove_cvref_t<key_view>, Hash>,
                "quoin::heavy_hitters: Hash must take the keys (of strings, std::string_view)");

  /// An empty summary. Throws `std::invalid_argument` when the capacity is out of range.
  explicit heavy_hitters(const heavy_hitters_options& options,
                         const Allocator& allocator = Allocator())
      : table_(allocator),
        capacity_(checked(options.capacity)),
        seed_(options.seed),
        hash_(detail::make_hash<Hash>(options.seed)) {}

  // --- add --------------------------------------------------------------------------------------

  /// Adds `weight` to the weight of `key`; O(1) amortized. The total weight stops at 2^64 - 1: what
  /// would exceed it is left out.
  void add(key_view key, std::uint64_t weight = 1) {
    add_hash(detail::hash_key(hash_, key), key, weight);
  }

  /// `add` for a key whose hash, `hash_function()(key)`, is known.
  QUOIN_ALWAYS_INLINE void add_hash(std::uint64_t hash, key_view key, std::uint64_t weight = 1) {
    weight = detail::min_of(weight, ~std::uint64_t{0} - total_);
    if (weight == 0) return;
    const std::uint32_t tag = detail::heavy_tag(hash);
    auto place = table_.find(tag, key);
    if (place.slot != table_type::npos) {
      table_.count(place.slot) += weight;
    } else {
      if (table_.size() >= room_) {
        make_room();
        place = table_.find(tag, key);
      }
      table_.push(place.at, tag, key, offset_ + weight, offset_);
    }
    total_ += weight;
  }

  /// Adds 1 for every key of a contiguous range. Same result as adding them one by one.
  template <class Keys>
  void add_many(const Keys& keys) {
    const std::span all(keys);
    for (std::size_t i = 0; i < all.size(); i += table_type::block_size) {
      add_block(all.subspan(i, detail::min_of(all.size() - i, table_type::block_size)));
    }
  }

  /// Adds `weights[i]` for `keys[i]`, in order. Throws `std::invalid_argument`, with nothing
  /// added, when there are not as many weights as keys.
  template <class Keys>
  void add_many(const Keys& keys, std::span<const std::uint64_t> weights) {
    const std::span all(keys);
    if (weights.size() != all.size()) {
      detail::fail_argument("heavy_hitters", "number of weights", weights.size(),
                            "that of the keys");
    }
    for (std::size_t i = 0; i < all.size(); ++i) add(all[i], weights[i]);
  }

  // --- ask --------------------------------------------------------------------------------------

  /// The `k` keys of the largest counts, largest first; fewer if fewer are monitored.
  /// O(size + k log k).
  [[nodiscard]] std::vector<item> top(std::size_t k) const { return items(sorted(k)); }

  /// Those of `top(k)` that surely are among the k most frequent keys of the stream: no other key
  /// can have more than they have at least.
  [[nodiscard]] std::vector<item> guaranteed_top(std::size_t k) const {
    auto slots = sorted(k < size() ? k + 1 : k);
    const std::uint64_t best_other = slots.size() > k ? table_.count(slots[k]) : offset_;
    if (slots.size() > k) slots.pop_back();
    std::erase_if(slots, [&](std::uint32_t slot) { return lower(slot) < best_other; });
    return items(slots);
  }

  /// Keys whose weight exceeds `threshold`, largest count first: those that surely do, or all
  /// that may. Below `max_error()` no list can be complete, since keys that are not monitored
  /// may exceed the threshold, too. O(size + r log r) for r keys.
  [[nodiscard]] std::vector<item> frequent(std::uint64_t threshold,
                                           heavy_hitters_report report) const {
    auto slots = sorted(size());
    std::erase_if(slots, [&](std::uint32_t slot) {
      return (report == heavy_hitters_report::no_false_positives ? lower(slot)
                                                                 : table_.count(slot)) <= threshold;
    });
    return items(slots);
  }

  /// The weight of `key`, at most `max_error()` too high; 0 when it is not monitored.
  [[nodiscard]] std::uint64_t estimate(key_view key) const {
    const std::size_t slot = find(key);
    return slot == table_type::npos ? 0 : table_.count(slot);
  }

  /// The weight of `key` is at least this.
  [[nodiscard]] std::uint64_t lower_bound(key_view key) const {
    const std::size_t slot = find(key);
    return slot == table_type::npos ? 0 : lower(slot);
  }

  /// The weight of `key` is at most this.
  [[nodiscard]] std::uint64_t upper_bound(key_view key) const {
    const std::size_t slot = find(key);
    return slot == table_type::npos ? offset_ : table_.count(slot);
  }

  /// Whether `key` is monitored.
  [[nodiscard]] bool contains(key_view key) const { return find(key) != table_type::npos; }

  /// No monitored key's `error` is larger, and no other key's weight; at most `total() / capacity()`
  /// unless `decay` or a merge with one of smaller capacity said otherwise.
  [[nodiscard]] std::uint64_t max_error() const noexcept { return offset_; }
  /// The sum of all weights.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  /// Keys monitored, at most `2 * capacity()`.
  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return table_.get_allocator(); }

  // --- combine ----------------------------------------------------------------------------------

  /// Makes this a summary of both streams. All bounds hold, and `max_error()` ≤ N₁/m₁ + N₂/m₂ for
  /// any number of merges in any order: N/m for equal capacities. The capacity stays this one's.
  /// Throws, with nothing changed, when the total weight would exceed 2^64 - 1. O(size).
  void merge(const heavy_hitters& other) {
    combine(other, other.offset_, offset_, offset_ + other.offset_);
  }

  /// `merge` of streams that have no key in common (each key goes to one machine): no count or error
  /// grows, so what was exact stays exact, and `max_error()` becomes the larger of the two at
  /// first. A key that is in both streams all the same makes its upper bound wrong.
  void merge_partitioned(const heavy_hitters& other) {
    combine(other, 0, 0, detail::max_of(offset_, other.offset_));
  }

  /// Multiplies all weights by `factor`, in [0, 1] (else throws `std::invalid_argument`), so that
  /// the past counts less. Bounds are rounded outwards, and `max_error()` grows by less than 2, so
  /// that by regular decay it has at most 2 / (1 - factor) on top of N/m. Keys that
  /// `max_error()` reaches go. O(size).
  void decay(double factor) {
    if (!(factor >= 0 && factor <= 1)) {
      detail::fail_argument("heavy_hitters", "factor", factor, "in [0, 1]");
    }
    if (factor == 1) return;
    const auto scale = static_cast<std::uint64_t>(factor * 0x1p64);  // exact, like what follows
    const auto scaled_up = [scale](std::uint64_t x) {
      const auto product = detail::mul_full(x, scale);
      return product.hi + (product.lo != 0);
    };
    total_ = scaled_up(total_);
    offset_ = detail::min_of(scaled_up(offset_) + 1, total_);
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint64_t least = detail::mul_high(lower(i), scale);
      table_.count(i) = scaled_up(table_.count(i));
      table_.error(i) = table_.count(i) - least;
    }
    table_.evict(offset_);
  }

  /// Forgets everything but the options; keeps the memory.
  void clear() noexcept {
    table_.clear();
    total_ = 0;
    offset_ = 0;
  }

  void swap(heavy_hitters& other) noexcept {
    table_.swap(other.table_);
    std::swap(capacity_, other.capacity_);
    std::swap(seed_, other.seed_);
    std::swap(total_, other.total_);
    std::swap(offset_, other.offset_);
    std::swap(room_, other.room_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(heavy_hitters& a, heavy_hitters& b) noexcept { a.swap(b); }

  /// Equal options, and the same keys with the same counts and errors.
  friend bool operator==(const heavy_hitters& a, const heavy_hitters& b) {
    if (a.capacity_ != b.capacity_ || a.seed_ != b.seed_ || a.total_ != b.total_ ||
        a.offset_ != b.offset_ || a.size() != b.size()) {
      return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t slot = b.find(a.table_.key(i));
      if (slot == table_type::npos || a.table_.count(i) != b.table_.count(slot) ||
          a.table_.error(i) != b.table_.error(slot)) {
        return false;
      }
    }
    return true;
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of `to_bytes()`. O(size) for strings.
  [[nodiscard]] std::size_t serialized_size()
      const noexcept requires detail::heavy_serializable<Key> {
    return detail::framed_size(detail::heavy_parameters, detail::heavy_row_bytes * size()) +
           table_.text_bytes();
  }

  /// The native form: equal summaries give equal bytes. O(size log size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const requires detail::heavy_serializable<Key> {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// Writes `to_bytes()` to the start of `out`, `serialized_size()` bytes at least (else throws
  /// `std::invalid_argument`). Returns how many were written.
  std::size_t write_to(std::span<std::byte> out) const requires detail::heavy_serializable<Key> {
    const std::size_t needed = serialized_size();
    if (out.size() < needed) {
      detail::fail_argument("heavy_hitters", "size of the output", out.size(),
                            "serialized_size() at least");
    }
    const auto slots = sorted(size());
    auto w = detail::write_heavy_form<Key, Hash>(
        out.first(needed), {capacity_, seed_, total_, offset_, slots.size(), {}});
    for (const std::uint32_t slot : slots) {
      w.put(table_.count(slot));
      w.put(table_.error(slot));
      if constexpr (detail::is_heavy_string<Key>) {
        w.put(std::uint64_t{table_.key(slot).size()});
      } else {
        w.put(static_cast<std::uint64_t>(table_.key(slot)));
      }
    }
    if constexpr (detail::is_heavy_string<Key>) {
      for (const std::uint32_t slot : slots) {
        w.put_bytes(table_.key(slot).data(), table_.key(slot).size());
      }
    }
    w.finish();
    return needed;
  }

  /// The summary that `to_bytes` wrote, or why not. Never throws for the content of `bytes`, and
  /// allocates in proportion to their number, whatever they say. O(size).
  [[nodiscard]] static expected<heavy_hitters, error> from_bytes(
      std::span<const std::byte> bytes,
      const Allocator& allocator = Allocator()) requires detail::heavy_serializable<Key> {
    const auto form = detail::read_heavy_form<Key, Hash>(bytes);
    if (!form) return unexpected(form.error());
    heavy_hitters read({.capacity = form->capacity, .seed = form->seed}, allocator);
    read.total_ = form->total;
    read.offset_ = form->offset;
    read.reserve(form->rows);
    detail::heavy_row_reader<Key> rows(*form);
    std::uint64_t certain = 0;
    for (std::size_t i = 0; i < form->rows; ++i) {
      const std::size_t at = 56 + detail::heavy_row_bytes * i;
      if (!rows.next()) {
        return detail::heavy_error(errc::bad_value, at + 16, "quoin: not a key of this type");
      }
      if (rows.count <= read.offset_ || rows.count > read.total_ || rows.error > read.offset_ ||
          !detail::checked_add(certain, rows.count - rows.error, &certain)) {
        return detail::heavy_error(errc::bad_value, at, "quoin: a count or an error out of bounds");
      }
      const auto place = read.append(rows.key, rows.count, rows.error);
      if (!place || (i != 0 && !read.before(i - 1, i))) {
        return detail::heavy_error(errc::bad_value, at, "quoin: keys not in order, or one twice");
      }
    }
    if (certain > read.total_ || rows.left() != 0) {
      return detail::heavy_error(errc::bad_value, 32, "quoin: sizes or weights that do not add up");
    }
    return read;
  }

 private:
  template <std::same_as<heavy_hitters> Same>  // which braces are not: they are options
  heavy_hitters(const Same& other, const Allocator& allocator)
      : table_(other.table_, allocator),
        capacity_(other.capacity_),
        seed_(other.seed_),
        total_(other.total_),
        offset_(other.offset_),
        room_(other.room_),
        hash_(other.hash_) {}

  [[nodiscard]] static std::size_t checked(std::uint64_t capacity) {
    if (capacity == 0 || capacity > detail::largest_heavy_capacity) {
      detail::fail_argument("heavy_hitters", "capacity", capacity, "1 to 2^28");
    }
    return static_cast<std::size_t>(capacity);
  }

  [[nodiscard]] std::size_t find(key_view key) const {
    return table_.find(detail::heavy_tag(detail::hash_key(hash_, key)), key).slot;
  }

  [[nodiscard]] std::uint64_t lower(std::size_t slot) const noexcept {
    return table_.count(slot) - table_.error(slot);
  }

  void reserve(std::size_t entries) {
    if (table_.room() < entries) table_.reserve(entries);
    room_ = detail::min_of(table_.room(), 2 * capacity_);
  }

  /// Room for one more key: memory, as long as there are fewer than 2m, else an eviction.
  QUOIN_COLD void make_room() {
    if (size() >= 2 * capacity_) {
      evict();
    } else {
      reserve(detail::min_of(detail::max_of<std::size_t>(8, 2 * size()), 2 * capacity_));
    }
  }

  void evict() {
    offset_ = table_.kth_largest(capacity_, offset_);
    table_.evict(offset_);
  }

  /// Adds a key with its bounds; false, and nothing done, when it is there. There must be room.
  bool append(key_view key, std::uint64_t count, std::uint64_t error) {
    const std::uint32_t tag = detail::heavy_tag(detail::hash_key(hash_, key));
    const auto place = table_.find(tag, key);
    if (place.slot != table_type::npos) return false;
    table_.push(place.at, tag, key, count, error);
    return true;
  }

  template <class Element>
  void add_block(std::span<Element> keys) {
    using element = std::remove_cv_t<Element>;
    if constexpr (detail::plain_key<Key> && std::same_as<element, Key>) {
      std::uint64_t hashes[table_type::block_size];
      detail::hash_keys(hash_, keys, hashes);
      // While nothing is evicted, the order of additions makes no difference.
      if (size() != 0 && size() + keys.size() <= room_ && ~total_ >= keys.size()) {
        table_.add_block(keys.data(), hashes, keys.size(), offset_);
        total_ += keys.size();
      } else {
        for (std::size_t i = 0; i < keys.size(); ++i) add_hash(hashes[i], keys[i]);
      }
    } else if constexpr (detail::is_heavy_string<Key>) {
      std::uint64_t hashes[table_type::block_size];
      for (std::size_t i = 0; i < keys.size(); ++i) {
        hashes[i] = detail::hash_key(hash_, key_view(keys[i]));
        table_.prefetch(detail::heavy_tag(hashes[i]));
      }
      for (std::size_t i = 0; i < keys.size(); ++i) add_hash(hashes[i], keys[i]);
    } else {
      for (const auto& key : keys) add(key);
    }
  }

  /// Keys of this one alone get `mine_more` on top of their bounds, those of `other` alone
  /// `theirs_more`: as much as the summary that lacks them may have missed.
  void combine(const heavy_hitters& other, std::uint64_t mine_more, std::uint64_t theirs_more,
               std::uint64_t offset) {
    if (other.total_ > ~total_) {
      detail::fail_argument("heavy_hitters", "total weight to merge", other.total_,
                            "at most 2^64 - 1 less that of the summary");
    }
    heavy_hitters both(*this, get_allocator());  // if memory runs out, this one has not changed
    for (std::size_t i = 0; i < both.size(); ++i) {
      both.table_.count(i) += mine_more;
      both.table_.error(i) += mine_more;
    }
    both.reserve(size() + other.size());
    for (std::size_t i = 0; i < other.size(); ++i) {
      const std::uint64_t count = other.table_.count(i), error = other.table_.error(i);
      if (both.append(other.table_.key(i), count + theirs_more, error + theirs_more)) continue;
      const std::size_t slot = both.find(other.table_.key(i));
      both.table_.count(slot) += count - mine_more;
      both.table_.error(slot) += error - mine_more;  // modulo 2^64: the sum is not negative
    }
    both.total_ += other.total_;
    // (Of keys in both streams, which there should be none of, two errors have been added.)
    for (std::size_t i = 0; i < both.size(); ++i)
      offset = detail::max_of(offset, both.table_.error(i));
    both.offset_ = offset;
    both.table_.evict(offset);
    if (both.size() > 2 * capacity_) both.evict();
    swap(both);
  }

  // --- order ------------------------------------------------------------------------------------

  /// Whether slot `a` comes before slot `b` in every list.
  [[nodiscard]] bool before(std::size_t a, std::size_t b) const {
    if (table_.count(a) != table_.count(b)) return table_.count(a) > table_.count(b);
    if (table_.error(a) != table_.error(b)) return table_.error(a) < table_.error(b);
    if constexpr (std::totally_ordered<Key>) {
      return table_.key(a) < table_.key(b);
    } else {
      return detail::hash_key(hash_, table_.key(a)) < detail::hash_key(hash_, table_.key(b));
    }
  }

  /// The first `k` slots in the order of lists.
  [[nodiscard]] std::vector<std::uint32_t> sorted(std::size_t k) const {
    std::vector<std::uint32_t> slots(size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::uint32_t>(i);
    const auto end = slots.begin() + static_cast<std::ptrdiff_t>(detail::min_of(k, slots.size()));
    std::partial_sort(slots.begin(), end, slots.end(),
                      [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
    slots.erase(end, slots.end());
    return slots;
  }

  [[nodiscard]] std::vector<item> items(const std::vector<std::uint32_t>& slots) const {
    std::vector<item> list;
    list.reserve(slots.size());
    for (const std::uint32_t slot : slots) {
      list.push_back({Key(table_.key(slot)), table_.count(slot), table_.error(slot)});
    }
    return list;
  }

  table_type table_;
  std::size_t capacity_;
  std::uint64_t seed_;
  std::uint64_t total_ = 0;
  std::uint64_t offset_ = 0;  ///< below every count; the weight of any other key at most
  std::size_t room_ = 0;      ///< keys that fit before `make_room`
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
