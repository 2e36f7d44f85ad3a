// SPDX-License-Identifier: BSL-1.0
/// @file
/// The pipeline around the blocked Bloom filter's kernels: hash a block of keys, prefetch its
/// lines, and meanwhile serve the block before it.
#ifndef QUOIN_DETAIL_FILTER_LINE_BATCH_HPP
#define QUOIN_DETAIL_FILTER_LINE_BATCH_HPP

#include <quoin/detail/filter_line_simd.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace quoin::inline QUOIN_ABI::detail {

/// Splits `n` keys into blocks. For each, in order, `hash(first, count, out)` writes the hashes and
/// then `serve(first, hashes, count, next)` is called with them, padded to whole groups, and with
/// the hashes of the block to come, whose lines it prefetches: 64 keys ahead hides a memory access.
/// For a table within the second-level cache, and for the last block, `next` is null. (A last block
/// that is shorter is prefetched beyond its end: then hashes of an earlier block stand there.)
template <class Table, class Hash, class Serve>
void for_each_line_batch(const Table& table, std::size_t n, Hash hash, Serve serve) {
  alignas(64) std::uint64_t hashes[2][line_batch] = {};
  const auto load = [&](std::size_t first, std::uint64_t* out) {
    const std::size_t count = min_of(n - first, line_batch);
    hash(first, count, out);
    for (std::size_t i = count; i % line_group != 0; ++i) out[i] = out[i - 1];
  };
  const bool far = table.size > l2_cache_bytes() / 64;
  std::size_t turn = 0;
  if (n != 0) load(0, hashes[0]);
  if (far) {
    for (const std::uint64_t each : hashes[0]) prefetch_line(table, each);
  }
  for (std::size_t first = 0; first < n; first += line_batch, turn = 1 - turn) {
    const bool more = n - first > line_batch;
    if (more) load(first + line_batch, hashes[1 - turn]);
    serve(first, hashes[turn], min_of(n - first, line_batch),
          far && more ? hashes[1 - turn] : static_cast<const std::uint64_t*>(nullptr));
  }
}

/// Inserts `n` keys as they come.
template <class Hash>
void insert_in_order(const line_table& table, std::size_t n, Hash hash) {
  const line_kernels kernels = line_kernels_of(active_isa(), table.k);
  for_each_line_batch(
      table, n, hash,
      [&](std::size_t, const std::uint64_t* hashes, std::size_t count, const std::uint64_t* next) {
        kernels.insert(table, hashes, count, next);
      });
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
