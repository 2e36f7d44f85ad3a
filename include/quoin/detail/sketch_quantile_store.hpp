// SPDX-License-Identifier: BSL-1.0
/// @file
/// Counters of buckets: an array over those that are in use, growing with them up to a limit.
#ifndef QUOIN_DETAIL_SKETCH_QUANTILE_STORE_HPP
#define QUOIN_DETAIL_SKETCH_QUANTILE_STORE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

/// Buckets from `first` to `last`, none if `first > last`.
struct bucket_range {
  std::uint32_t first = 1;
  std::uint32_t last = 0;

  [[nodiscard]] constexpr bool empty() const noexcept { return first > last; }
  [[nodiscard]] constexpr std::uint32_t size() const noexcept {
    return empty() ? 0 : last - first + 1;
  }
  /// The smallest range that contains both.
  [[nodiscard]] constexpr bucket_range with(bucket_range other) const noexcept {
    if (empty()) return other;
    if (other.empty()) return *this;
    return {min_of(first, other.first), max_of(last, other.last)};
  }
  friend bool operator==(const bucket_range&, const bucket_range&) = default;
};

/// Counters of the buckets from the highest ever used down to the `most`-th from it, the floor. What
/// falls below the floor is only counted. So the state depends on the values put in and not on
/// their order: the floor follows from the highest, and it only ever rises.
template <class Allocator>
class bucket_store {
 public:
  bucket_store(std::uint32_t most, const Allocator& allocator)
      : counts_(0, allocator), most_(most) {}

  bucket_store(const bucket_store& other, const Allocator& allocator)
      : counts_(other.counts_, allocator),
        below_(other.below_),
        most_(other.most_),
        first_(other.first_),
        size_(other.size_) {}

  // --- counting ---------------------------------------------------------------------------------

  /// Counts `n` > 0 more in bucket `index`. Strong: if there is no memory nothing changes.
  QUOIN_ALWAYS_INLINE void add(std::uint32_t index, std::uint64_t n) {
    const std::uint32_t place = index - first_;
    if (place < size_) [[likely]] {
      words()[place] += n;
    } else {
      add_outside(index, n);
    }
  }

  /// Counts one more in each of `n` buckets, all of which have counters.
  void add_all(const std::uint32_t* indices, std::size_t n) noexcept {
    std::uint64_t* const counters = words();
    for (std::size_t i = 0; i < n; ++i) ++counters[indices[i] - first_];
  }

  /// True when all of `range` has counters, which it is given if it may have them.
  [[nodiscard]] bool make_room(bucket_range range) {
    if (covers(range)) return true;
    const bucket_range all = used().with(range);
    if (range.first < floor_under(all.last)) return false;
    rearrange(range);
    return true;
  }

  /// Adds what `other` counted; same `most`.
  void merge(const bucket_store& other) {
    const bucket_range theirs = other.used();
    if (!theirs.empty() && !covers(theirs)) rearrange(theirs);
    for (std::uint32_t i = theirs.first; !theirs.empty() && i <= theirs.last; ++i) {
      const std::uint32_t place = i - first_;
      (place < size_ ? words()[place] : below_) += other.count(i);
    }
    below_ += other.below_;
  }

  void clear() noexcept {
    counts_.clear();
    below_ = 0;
  }

  // --- reading ----------------------------------------------------------------------------------

  /// From the lowest to the highest bucket that is not empty. O(size).
  [[nodiscard]] bucket_range used() const noexcept {
    std::uint32_t first = 0, end = size_;
    while (first < end && words()[first] == 0) ++first;
    while (end > first && words()[end - 1] == 0) --end;
    return first == end ? bucket_range{} : bucket_range{first_ + first, first_ + end - 1};
  }

  /// Whether all of `range` has counters.
  [[nodiscard]] bool covers(bucket_range range) const noexcept {
    return range.empty() || (range.first - first_ < size_ && range.last - first_ < size_);
  }

  [[nodiscard]] std::uint64_t count(std::uint32_t index) const noexcept {
    const std::uint32_t place = index - first_;
    return place < size_ ? words()[place] : 0;
  }

  /// What fell below the floor.
  [[nodiscard]] std::uint64_t below() const noexcept { return below_; }
  void set_below(std::uint64_t n) noexcept { below_ = n; }

  /// The lowest bucket that may be in use.
  [[nodiscard]] std::uint32_t floor() const noexcept {
    const bucket_range range = used();
    return range.empty() ? 0 : floor_under(range.last);
  }

  [[nodiscard]] std::uint32_t most() const noexcept { return most_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return counts_.size() * 64; }

  friend bool operator==(const bucket_store& a, const bucket_store& b) noexcept {
    const bucket_range range = a.used();
    if (a.below_ != b.below_ || a.most_ != b.most_ || range != b.used()) return false;
    for (std::uint32_t i = range.first; i <= range.last; ++i) {
      if (a.count(i) != b.count(i)) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint32_t least_size = 64;

  [[nodiscard]] std::uint64_t* words() noexcept { return counts_.data()->words; }
  [[nodiscard]] const std::uint64_t* words() const noexcept { return counts_.data()->words; }

  [[nodiscard]] std::uint32_t floor_under(std::uint32_t last) const noexcept {
    return last < most_ ? 0 : last - most_ + 1;
  }

  QUOIN_COLD void add_outside(std::uint32_t index, std::uint64_t n) {
    const bool is_floor_known = size_ == most_ && words()[size_ - 1] != 0;
    if (!(is_floor_known && index < first_)) rearrange({index, index});
    const std::uint32_t place = index - first_;
    (place < size_ ? words()[place] : below_) += n;
  }

  /// Moves the counters so that those of `range`, above the floor, are among them, and counts what
  /// comes to lie below it.
  void rearrange(bucket_range range) {
    const bucket_range old = used(), all = old.with(range);
    const bucket_range kept{max_of(all.first, floor_under(all.last)), all.last};
    const std::uint32_t wanted = max_of(kept.size() + kept.size() / 2, least_size);
    const std::size_t lines = ceil_div<std::size_t>(min_of(wanted, most_), 8);
    const auto size = min_of(static_cast<std::uint32_t>(8 * lines), most_);
    // Most of the room to spare goes to the side that grows.
    const std::uint32_t spare = size - kept.size();
    const bool is_growing_down = !old.empty() && range.first < old.first;
    const std::uint32_t below = is_growing_down ? spare - spare / 4 : spare / 4;
    const std::uint32_t first = kept.first - min_of(kept.first, below);
    line_array<Allocator> counts(lines, Allocator(counts_.get_allocator()));
    std::uint64_t* const to = counts.data()->words;
    for (std::uint32_t i = old.first; i <= old.last; ++i) {
      (i < kept.first ? below_ : to[i - first]) += count(i);
    }
    replace(counts_, std::move(counts));
    first_ = first;
    size_ = size;
  }

  line_array<Allocator> counts_;  ///< of buckets `first_` to `first_ + size_ - 1`
  std::uint64_t below_ = 0;
  std::uint32_t most_;
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;  ///< at most `most_`
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
