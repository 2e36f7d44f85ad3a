// SPDX-License-Identifier: BSL-1.0
// Two bodies: the decoder on raw bytes, and operations against a set of the keys inserted.
#include <quoin/filter/bloom_filter.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace {

using filter = quoin::bloom_filter<>;

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end));
    }
    const auto f = filter::from_bytes(bytes);
    const auto v = quoin::bloom_filter_view<>::from_bytes(bytes);
    QUOIN_FUZZ_CHECK(f.has_value() == v.has_value());
    if (!f) {
      QUOIN_FUZZ_CHECK(f.error() == v.error() && f.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(f->to_bytes() == bytes);
    QUOIN_FUZZ_CHECK(f->contains(1) == v->contains(1));
    QUOIN_FUZZ_CHECK(f->bits_set() == v->bits_set());
    QUOIN_FUZZ_CHECK(f->false_positive_rate() >= 0 && f->false_positive_rate() <= 1);
  }
}

void operate(quoin_fuzz::input in) {
  const auto bits = in.take_in<std::uint16_t>(1, 5000);
  const auto k = in.take_in<std::uint8_t>(1, 64);
  filter f({.bit_count = bits, .hash_count = k});
  filter other = f;
  std::set<std::uint64_t> keys, others;
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 6);
    const std::uint64_t key = in.take<std::uint16_t>();
    const std::vector<std::uint64_t> run{key, key + 1, key + 2};
    switch (what) {
      case 0:
        QUOIN_FUZZ_CHECK(f.try_insert(key) || f.contains(key));
        keys.insert(key);
        break;
      case 1:
        other.insert(key);
        others.insert(key);
        break;
      case 2:
        f.insert_many(run);
        keys.insert(run.begin(), run.end());
        break;
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
      default:
        if (key % 16 != 0) break;
        f.clear();
        keys.clear();
    }
  }
  const std::vector<std::uint64_t> all(keys.begin(), keys.end());
  std::vector<std::uint64_t> mask((all.size() + 63) / 64);
  f.contains_many(all, mask);
  for (std::size_t i = 0; i < all.size(); ++i) {
    QUOIN_FUZZ_CHECK((mask[i / 64] >> (i % 64) & 1) != 0);
    QUOIN_FUZZ_CHECK(f.contains(all[i]));
  }
  QUOIN_FUZZ_CHECK(*filter::from_bytes(f.to_bytes()) == f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  operate(quoin_fuzz::input(data, size));
  return 0;
}
