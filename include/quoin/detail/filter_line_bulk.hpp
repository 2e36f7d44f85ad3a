// SPDX-License-Identifier: BSL-1.0
/// @file
/// Bulk building of blocked Bloom filters far larger than the cache.
#ifndef QUOIN_DETAIL_FILTER_LINE_BULK_HPP
#define QUOIN_DETAIL_FILTER_LINE_BULK_HPP

#include <quoin/detail/filter_line_batch.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace quoin::inline QUOIN_ABI::detail {

/// Inserts hashes region by region: each of up to 256 regions of the table collects its hashes in a
/// bucket, and a full bucket is inserted at once, while its region is in the cache. Memory moves in
/// streams then, not in random lines, which is the only way below one cache miss per key.
class line_bulk_inserter {
 public:
  /// Hashes per bucket for every line of its region: the region is fetched once for as many.
  static constexpr std::uint64_t keys_per_line = 8;

  /// True when sorting pays: a table far above the caches, and keys enough to fill the buckets.
  [[nodiscard]] static bool pays(const line_table& table, std::size_t n) noexcept {
    return table.size >= least_lines && n / keys_per_line >= table.size / 2;
  }

  explicit line_bulk_inserter(const line_table& table) noexcept
      : table_(table),
        regions_(min_of<std::uint64_t>(most_regions, table.size / lines_per_region)),
        capacity_(static_cast<std::size_t>(table.size * keys_per_line / regions_)),
        hashes_(new (std::nothrow) std::uint64_t[capacity_ * regions_]) {}

  line_bulk_inserter(const line_bulk_inserter&) = delete;
  line_bulk_inserter& operator=(const line_bulk_inserter&) = delete;

  ~line_bulk_inserter() { delete[] hashes_; }

  /// False when there was no memory for the buckets.
  [[nodiscard]] bool ready() const noexcept { return hashes_ != nullptr; }

  void put(std::uint64_t hash) noexcept {
    const auto region = static_cast<std::size_t>(mul_high(hash, regions_));
    staged_[region][counts_[region] % staging] = hash;
    if (++counts_[region] % staging == 0) unload(region);
  }

  /// Inserts all that is still waiting.
  void finish() noexcept {
    for (std::size_t region = 0; region < regions_; ++region) {
      insert(staged_[region], counts_[region] % staging);
      counts_[region] -= counts_[region] % staging;
      insert_bucket(region);
    }
  }

 private:
  static constexpr std::uint64_t most_regions = 256;
  static constexpr std::uint64_t lines_per_region = std::uint64_t{1} << 14;  // 1 MiB
  static constexpr std::uint64_t least_lines = std::uint64_t{1} << 20;       // 64 MiB
  static constexpr std::size_t staging = 8;  // one cache line of hashes leaves at a time

  void unload(std::size_t region) noexcept {
    std::memcpy(hashes_ + region * capacity_ + counts_[region] - staging, staged_[region],
                sizeof staged_[region]);
    if (counts_[region] + staging > capacity_) insert_bucket(region);
  }

  void insert_bucket(std::size_t region) noexcept {
    insert(hashes_ + region * capacity_, counts_[region]);
    counts_[region] = 0;
  }

  void insert(const std::uint64_t* hashes, std::size_t n) noexcept {
    insert_in_order(table_, n, [=](std::size_t first, std::size_t count, std::uint64_t* out) {
      std::memcpy(out, hashes + first, 8 * count);
    });
  }

  line_table table_;
  std::uint64_t regions_;
  std::size_t capacity_;  ///< of a bucket, in hashes
  std::uint64_t* hashes_;
  std::size_t counts_[most_regions] = {};
  alignas(64) std::uint64_t staged_[most_regions][staging];
};

/// Inserts `n` keys, whose hashes `hash(first, count, out)` writes, by whichever way is faster.
template <class Hash>
void insert_in_bulk(const line_table& table, std::size_t n, Hash hash) {
  if (line_bulk_inserter::pays(table, n)) {
    line_bulk_inserter inserter(table);
    if (inserter.ready()) {
      std::uint64_t hashes[line_batch];
      for (std::size_t first = 0; first < n; first += line_batch) {
        const std::size_t count = min_of(n - first, line_batch);
        hash(first, count, hashes);
        for (std::size_t i = 0; i < count; ++i) inserter.put(hashes[i]);
      }
      inserter.finish();
      return;
    }
  }
  insert_in_order(table, n, hash);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
