// SPDX-License-Identifier: BSL-1.0
/// @file
/// Bulk building of blocked Bloom filters far larger than the cache.
#ifndef QUOIN_DETAIL_FILTER_LINE_BULK_HPP
#define QUOIN_DETAIL_FILTER_LINE_BULK_HPP

#include <quoin/detail/filter_line_batch.hpp>
#include <quoin/detail/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace quoin::inline QUOIN_ABI::detail {

/// Copies one cache line of hashes to memory that will not be read soon: past the caches, so that
/// the line need not be fetched first.
inline void stream_line(const std::uint64_t* from, std::uint64_t* to) noexcept {
#if QUOIN_X86_64
  for (int i = 0; i < 4; ++i) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i,
                     _mm_load_si128(reinterpret_cast<const __m128i*>(from) + i));
  }
#else
  std::memcpy(to, from, 64);
#endif
}

/// Inserts hashes region by region: each region of the table collects its hashes in a bucket, and a
/// full bucket is inserted at once, while its region is in the second-level cache. Memory moves in
/// streams then, not in random lines, which is the only way below one cache miss per key.
class line_bulk_inserter {
 public:
  /// True when sorting pays: a table far above the caches, and keys enough to fill the buckets.
  [[nodiscard]] static bool pays(const line_table& table, std::size_t n) noexcept {
    return table.size >= least_lines && n / keys_per_line >= table.size / 2;
  }

  explicit line_bulk_inserter(const line_table& table) noexcept
      : table_(table),
        kernels_(line_kernels_of(active_isa(), table.k)),
        regions_(static_cast<std::size_t>(
            min_of<std::uint64_t>(most_regions, ceil_div(table.size, lines_per_region)))),
        capacity_(static_cast<std::size_t>(table.size / regions_ * keys_per_line)),
        buckets_(new (std::nothrow) cache_line[capacity_ / 8 * regions_]) {
    if (ready()) advise_huge_pages(buckets_, capacity_ * regions_ * 8);
  }

  line_bulk_inserter(const line_bulk_inserter&) = delete;
  line_bulk_inserter& operator=(const line_bulk_inserter&) = delete;

  ~line_bulk_inserter() { delete[] buckets_; }

  /// False when there was no memory for the buckets.
  [[nodiscard]] bool ready() const noexcept { return buckets_ != nullptr; }

  void put(std::uint64_t hash) noexcept {
    const auto region = static_cast<std::size_t>(mul_high(hash, regions_));
    const std::size_t count = counts_[region]++;
    staged_[region].words[count % 8] = hash;
    if (count % 8 == 7) unload(region);
  }

  /// Inserts all that is still waiting.
  void finish() noexcept {
    for (std::size_t region = 0; region < regions_; ++region) {
      const std::size_t staged = counts_[region] % 8;
      cache_line& last = staged_[region];
      for (std::size_t i = staged; i != 0 && i < 8; ++i) last.words[i] = last.words[0];
      insert(last.words, staged);
      insert(bucket(region), counts_[region] - staged);
      counts_[region] = 0;
    }
  }

 private:
  static constexpr std::uint64_t lines_per_region = std::uint64_t{1} << 12;  // 256 KiB: in any L2
  static constexpr std::uint64_t most_regions = 512;  // whose staged lines just fit in any L1 or L2
  static constexpr std::uint64_t least_lines = std::uint64_t{1} << 20;  // 64 MiB
  static constexpr std::uint64_t keys_per_line = 8;  // of a region, before it is fetched

  [[nodiscard]] std::uint64_t* bucket(std::size_t region) noexcept {
    return buckets_[region * (capacity_ / 8)].words;
  }

  void unload(std::size_t region) noexcept {
    const std::size_t count = counts_[region];
    stream_line(staged_[region].words, bucket(region) + (count - 8));
    if (count == capacity_) {
      insert(bucket(region), count);
      counts_[region] = 0;
    }
  }

  /// Inserts `n` hashes in a row, whole groups of which may be read.
  void insert(const std::uint64_t* hashes, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; i += line_batch) {
      const bool more = n - i >= 2 * line_batch;
      kernels_.insert(table_, hashes + i, min_of(n - i, line_batch),
                      more ? hashes + i + line_batch : nullptr);
    }
  }

  line_table table_;
  line_kernels kernels_;
  std::size_t regions_;
  std::size_t capacity_;  ///< of a bucket, in hashes, a multiple of 8
  cache_line* buckets_;
  std::size_t counts_[most_regions] = {};
  cache_line staged_[most_regions];
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
