// SPDX-License-Identifier: BSL-1.0
/// @file
/// The pipeline around the blocked Bloom filter's kernels: hash a block of keys, prefetch its
/// lines, and meanwhile serve the block before it.
#ifndef QUOIN_DETAIL_FILTER_LINE_BATCH_HPP
#define QUOIN_DETAIL_FILTER_LINE_BATCH_HPP

#include <quoin/detail/filter_line_simd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

namespace quoin::inline QUOIN_ABI::detail {

/// Splits `n` keys into blocks. For each, in order, `hash(first, count, out)` writes the hashes and
/// then `serve(first, hashes, count)` is called with them, padded to whole groups. For a table that
/// outgrows the second-level cache the lines of a block are prefetched while the one before it is
/// served: 64 keys ahead hides a memory access, and 16 would already fill the miss buffers.
template <bool Write, class Table, class Hash, class Serve>
void for_each_line_batch(const Table& table, std::size_t n, Hash hash, Serve serve) {
  alignas(64) std::uint64_t hashes[2][line_batch];
  const auto load = [&](std::size_t first, std::uint64_t* out) {
    const std::size_t count = std::min(n - first, line_batch);
    hash(first, count, out);
    for (std::size_t i = count; i % line_group != 0; ++i) out[i] = out[i - 1];
  };
  if (table.size <= l2_cache_bytes() / 64) {
    for (std::size_t first = 0; first < n; first += line_batch) {
      load(first, hashes[0]);
      serve(first, hashes[0], std::min(n - first, line_batch));
    }
    return;
  }
  for (std::size_t first = 0; first < n + line_batch; first += line_batch) {
    const std::size_t turn = first / line_batch % 2;
    if (first < n) {
      load(first, hashes[turn]);
      for (std::size_t i = 0; i < std::min(n - first, line_batch); ++i) {
        __builtin_prefetch(table.line_of(hashes[turn][i]), Write ? 1 : 0);
      }
    }
    if (first >= line_batch) {
      const std::size_t before = first - line_batch;
      serve(before, hashes[1 - turn], std::min(n - before, line_batch));
    }
  }
}

/// Inserts `n` keys as they come.
template <class Hash>
void insert_in_order(const line_table& table, std::size_t n, Hash hash) {
  const line_kernels kernels = line_kernels_of(active_isa(), table.k);
  for_each_line_batch<true>(table, n, hash,
                            [&](std::size_t, const std::uint64_t* hashes, std::size_t count) {
                              kernels.insert(table, hashes, count);
                            });
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
