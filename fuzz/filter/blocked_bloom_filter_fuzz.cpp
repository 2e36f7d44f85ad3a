// SPDX-License-Identifier: BSL-1.0
// Three bodies, chosen by the first byte: the decoder on raw bytes, operations against a set of the
// keys inserted, and every kernel against the scalar one.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace {

namespace detail = quoin::detail;
using filter = quoin::blocked_bloom_filter<>;
using words = std::vector<std::uint64_t>;

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      detail::store_le(&bytes[end], detail::xxh64(bytes.data(), end, 0));
    }
    const auto f = filter::from_bytes(bytes);
    const auto v = quoin::blocked_bloom_filter_view<>::from_bytes(bytes);
    QUOIN_FUZZ_CHECK(f.has_value() == v.has_value());
    if (!f) {
      QUOIN_FUZZ_CHECK(f.error() == v.error() && f.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(f->to_bytes() == bytes);
    QUOIN_FUZZ_CHECK(f->contains(1) == v->contains(1));
    QUOIN_FUZZ_CHECK(f->bits_set() == v->bits_set());
    QUOIN_FUZZ_CHECK(f->false_positive_rate() >= 0 && f->false_positive_rate() <= 1);
    QUOIN_FUZZ_CHECK(f->estimated_count() >= 0);
  }
}

void operate(quoin_fuzz::input in) {
  const std::uint64_t capacity = in.take_in<std::uint16_t>(1, 400);
  const unsigned k = in.take_in<std::uint8_t>(1, 16);
  filter f(
      {.capacity = capacity, .bits_per_key = 10, .seed = in.take<std::uint8_t>(), .hash_count = k});
  filter other = f;
  std::set<std::uint64_t> keys, others;
  for (int step = 0; step < 100 && !in.empty(); ++step) {
    const auto what = in.take_in<std::uint8_t>(0, 7);
    const std::uint64_t key = in.take<std::uint16_t>();
    switch (what) {
      case 0: {
        const bool there = f.contains(key);
        QUOIN_FUZZ_CHECK(there || !keys.contains(key));
        QUOIN_FUZZ_CHECK(f.try_insert(key) == !there);
        keys.insert(key);
        break;
      }
      case 1:
        other.insert(key);
        others.insert(key);
        break;
      case 2: {
        words run(in.take_in<std::uint8_t>(0, 70));
        for (std::size_t i = 0; i < run.size(); ++i) run[i] = key + i;
        f.insert_many(run);
        keys.insert(run.begin(), run.end());
        break;
      }
      case 3:
        f.merge(other);
        keys.insert(others.begin(), others.end());
        break;
      case 4:
        f.intersect(other);
        std::erase_if(keys, [&](std::uint64_t each) { return !others.contains(each); });
        break;
      case 5:
        swap(f, other);
        swap(keys, others);
        break;
      case 6:
        f = *filter::from_bytes(f.to_bytes());
        break;
      default:
        if (key % 16 != 0) break;
        f.clear();
        keys.clear();
    }
  }
  const words all(keys.begin(), keys.end());
  words mask(all.size() / 64 + 1);
  f.contains_many(all, mask);
  for (std::size_t i = 0; i < all.size(); ++i) {
    QUOIN_FUZZ_CHECK((mask[i / 64] >> i % 64 & 1) == 1);
    QUOIN_FUZZ_CHECK(f.contains(all[i]));
  }
  QUOIN_FUZZ_CHECK(!f.empty() || all.empty());
  QUOIN_FUZZ_CHECK(f.estimated_union(other) >= f.estimated_count());
}

void compare_kernels(quoin_fuzz::input in) {
  const unsigned k = in.take_in<std::uint8_t>(1, 16);
  const std::size_t lines = in.take_in<std::uint8_t>(1, 20);
  const auto scalar = detail::line_kernels_of(quoin::isa::scalar, k);
  words inserted(8 * lines);                     // by the scalar kernels
  std::vector<std::pair<words, words>> batches;  // hashes inserted and hashes looked up
  while (!in.empty() && batches.size() < 8) {
    const std::size_t n = in.take_in<std::uint8_t>(1, detail::line_batch);
    auto& [to_insert, to_find] = batches.emplace_back();
    for (std::size_t i = 0; i < n; ++i) {
      const auto hash = in.take<std::uint64_t>();
      to_insert.push_back(hash);
      to_find.push_back(hash ^ std::uint64_t{1} << hash % 64);
    }
    while (to_insert.size() % detail::line_group != 0) {
      to_insert.push_back(to_insert.back());
      to_find.push_back(to_find.back());
    }
    scalar.insert({inserted.data(), lines, k}, to_insert.data(), to_insert.size());
  }
  detail::for_each_isa([&](quoin::isa level) {
    const auto kernels = detail::line_kernels_of(level, k);
    words table(8 * lines);
    for (const auto& [to_insert, to_find] : batches) {
      kernels.insert({table.data(), lines, k}, to_insert.data(), to_insert.size());
    }
    QUOIN_FUZZ_CHECK(table == inserted);
    const detail::const_line_table read{table.data(), lines, k};
    for (const auto& [to_insert, to_find] : batches) {
      const std::size_t n = to_find.size();
      const std::uint64_t all = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
      QUOIN_FUZZ_CHECK((kernels.contains(read, to_insert.data(), n) & all) == all);
      QUOIN_FUZZ_CHECK((kernels.contains(read, to_find.data(), n) & all) ==
                       (scalar.contains(read, to_find.data(), n) & all));
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  switch (in.take_in<std::uint8_t>(0, 2)) {
    case 0:
      decode(in.rest());
      break;
    case 1:
      operate(in);
      break;
    default:
      compare_kernels(in);
  }
  return 0;
}
