// SPDX-License-Identifier: BSL-1.0
#include <quoin/filter/bloom_filter.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <vector>

namespace {

using filter = quoin::bloom_filter<>;
using hashes = std::vector<std::uint64_t>;

/// A filter as a set of indices.
class model {
 public:
  model(std::uint64_t bits, unsigned k) : bits_(bits), k_(k) {}

  std::vector<std::uint64_t> indices_of(std::uint64_t hash) const {
    quoin::multiplied_indices indices(hash, bits_);
    std::vector<std::uint64_t> all(k_);
    std::generate(all.begin(), all.end(), [&] { return indices.next(); });
    return all;
  }
  bool insert(std::uint64_t hash) {
    const std::size_t before = set_.size();
    const auto indices = indices_of(hash);
    set_.insert(indices.begin(), indices.end());
    return set_.size() > before;
  }
  bool contains(std::uint64_t hash) const {
    const auto indices = indices_of(hash);
    return std::all_of(indices.begin(), indices.end(), [&](auto i) { return set_.contains(i); });
  }
  std::set<std::uint64_t>& set() { return set_; }

 private:
  std::uint64_t bits_;
  unsigned k_;
  std::set<std::uint64_t> set_;
};

struct shape {
  std::uint64_t bits = *rc::gen::inRange<std::uint64_t>(1, 3000);
  unsigned k = *rc::gen::inRange(1u, 65u);

  filter make(const hashes& keys = {}) const {
    filter f({.bit_count = bits, .hash_count = k});
    f.insert_hash_many(keys);
    return f;
  }
};

RC_GTEST_PROP(bloom_filter_property, does_what_a_set_of_indices_does,
              (const hashes& keys, const hashes& strangers)) {
  const shape s;
  filter f = s.make();
  model m(s.bits, s.k);
  for (const auto key : keys) RC_ASSERT(f.try_insert_hash(key) == m.insert(key));
  RC_ASSERT(f == s.make(keys));
  filter batch = s.make(), one_by_one = batch;
  const auto fresh = std::make_unique<bool[]>(keys.size() + 1);
  batch.try_insert_hash_many(keys, std::span(fresh.get(), keys.size()));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    RC_ASSERT(fresh[i] == one_by_one.try_insert_hash(keys[i]));
  }
  RC_ASSERT(batch == f);
  RC_ASSERT(f.bits_set() == m.set().size());
  RC_ASSERT(f.empty() == keys.empty());
  for (const auto key : strangers) RC_ASSERT(f.contains_hash(key) == m.contains(key));
  for (std::uint64_t i = 0; i < s.bits; ++i) RC_ASSERT(f.bit(i) == m.set().contains(i));
  std::vector<std::uint64_t> mask((strangers.size() + 63) / 64);
  f.contains_hash_many(strangers, mask);
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    RC_ASSERT((mask[i / 64] >> (i % 64) & 1) == m.contains(strangers[i]));
  }
}

RC_GTEST_PROP(bloom_filter_property, laws_of_sets,
              (const hashes& a, const hashes& b, const hashes& c)) {
  const shape s;
  const auto merged = [](filter x, const filter& y) {
    x.merge(y);
    return x;
  };
  const auto common = [](filter x, const filter& y) {
    x.intersect(y);
    return x;
  };
  const filter x = s.make(a), y = s.make(b), z = s.make(c);
  RC_ASSERT(merged(x, y) == merged(y, x));
  RC_ASSERT(merged(merged(x, y), z) == merged(x, merged(y, z)));
  RC_ASSERT(merged(x, x) == x);
  RC_ASSERT(common(x, y) == common(y, x));
  RC_ASSERT(common(x, merged(x, y)) == x);
  const double both = x.estimated_union(y), united = merged(x, y).estimated_count();
  RC_ASSERT(both == united || (std::isinf(both) && std::isinf(united)));
}

RC_GTEST_PROP(bloom_filter_property, bytes_give_it_back, (const hashes& keys)) {
  const filter f = shape{}.make(keys);
  const auto bytes = f.to_bytes();
  const auto back = filter::from_bytes(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == f);
  RC_ASSERT(back->to_bytes() == bytes);
}

}  // namespace
