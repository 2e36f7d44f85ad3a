// SPDX-License-Identifier: BSL-1.0
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace {

using filter = quoin::blocked_bloom_filter<>;
using keys = std::vector<std::uint64_t>;

/// An empty filter of any shape, small enough for keys to meet.
filter any_filter() {
  return filter({.capacity = *rc::gen::inRange<std::uint64_t>(1, 500),
                 .bits_per_key = static_cast<double>(*rc::gen::inRange(1, 65)),
                 .seed = *rc::gen::arbitrary<std::uint64_t>(),
                 .hash_count = *rc::gen::inRange(0u, 17u)});
}

filter with(filter f, const keys& all) {
  f.insert_many(all);
  return f;
}

RC_GTEST_PROP(blocked_bloom_property, no_false_negatives, (const std::vector<std::string>& all)) {
  filter f = any_filter();
  f.insert_many(all);
  for (const auto& key : all) RC_ASSERT(f.contains(key));
  const auto hits = std::make_unique<bool[]>(all.size() + 1);
  f.contains_many(all, std::span(hits.get(), all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) RC_ASSERT(hits[i]);
}

RC_GTEST_PROP(blocked_bloom_property, batches_equal_one_by_one, (const keys& in)) {
  const auto repeats = *rc::gen::inRange<std::size_t>(1, 8);
  keys all;
  for (std::size_t i = 0; i < repeats; ++i) {
    for (const auto key : in) all.push_back(key + i);
  }
  const filter empty = any_filter(), batch = with(empty, all);
  filter one_by_one = empty;
  for (const auto key : all) one_by_one.insert(key);
  RC_ASSERT(batch == one_by_one);
  keys probes = all, mask(all.size() / 64 + 1);
  for (auto& probe : probes) probe += 7;
  batch.contains_many(probes, mask);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    RC_ASSERT((mask[i / 64] >> i % 64 & 1) == batch.contains(probes[i]));
  }
}

RC_GTEST_PROP(blocked_bloom_property, try_insert_of_many_is_one_after_the_other, (const keys& in)) {
  keys all;  // the same few keys again and again, near each other and far apart
  const auto repeats = *rc::gen::inRange<std::size_t>(1, 8);
  for (std::size_t i = 0; i < repeats; ++i) {
    for (const auto key : in) all.insert(all.end(), {key % 50, key});
  }
  filter batch = any_filter(), one_by_one = batch;
  const auto fresh = std::make_unique<bool[]>(all.size() + 1);
  batch.try_insert_many(all, std::span(fresh.get(), all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    RC_ASSERT(fresh[i] == one_by_one.try_insert(all[i]));
  }
  RC_ASSERT(batch == one_by_one);
}

RC_GTEST_PROP(blocked_bloom_property, merge_is_a_union, (keys a, keys b, keys c)) {
  const filter empty = any_filter();
  const auto merged = [](filter x, const filter& y) {
    x.merge(y);
    return x;
  };
  const filter fa = with(empty, a), fb = with(empty, b), fc = with(empty, c);
  RC_ASSERT(merged(fa, fb) == with(fa, b));
  RC_ASSERT(merged(fa, fb) == merged(fb, fa));
  RC_ASSERT(merged(merged(fa, fb), fc) == merged(fa, merged(fb, fc)));
  RC_ASSERT(merged(fa, fa) == fa);
  RC_ASSERT(merged(fa, empty) == fa);
}

RC_GTEST_PROP(blocked_bloom_property, intersect_is_a_meet, (keys a, keys b, keys c)) {
  const filter empty = any_filter();
  const auto common = [](filter x, const filter& y) {
    x.intersect(y);
    return x;
  };
  const auto merged = [](filter x, const filter& y) {
    x.merge(y);
    return x;
  };
  const filter fa = with(empty, a), fb = with(empty, b), fc = with(empty, c);
  RC_ASSERT(common(fa, fb) == common(fb, fa));
  RC_ASSERT(common(common(fa, fb), fc) == common(fa, common(fb, fc)));
  RC_ASSERT(common(fa, fa) == fa);
  RC_ASSERT(common(fa, empty) == empty);
  RC_ASSERT(common(fa, merged(fa, fb)) == fa);
  RC_ASSERT(merged(fa, common(fa, fb)) == fa);
  for (const auto key : c) RC_ASSERT(common(with(fa, c), with(fb, c)).contains(key));
}

RC_GTEST_PROP(blocked_bloom_property, estimates_are_consistent, (keys a, keys b)) {
  const filter empty = any_filter(), fa = with(empty, a), fb = with(empty, b);
  // Some 32-bit targets round differently in registers and in memory.
  constexpr double slack = 1e-9;
  const double both = fa.estimated_union(fb) * (1 + slack);
  RC_ASSERT(both >= fa.estimated_count() && both >= fb.estimated_count());
  RC_ASSERT(both >= with(fa, b).estimated_count());
  RC_ASSERT(both * (1 - 3 * slack) <= with(fa, b).estimated_count());
  RC_ASSERT(fa.estimated_intersection(fb) >= 0);
  const double jaccard = fa.estimated_jaccard(fb);
  RC_ASSERT(jaccard >= 0 && jaccard <= 1 + slack);
  RC_ASSERT(std::abs(jaccard - fb.estimated_jaccard(fa)) <= slack);
  const double rate = fa.false_positive_rate();
  RC_ASSERT(rate >= 0 && rate <= 1 + slack);
  RC_ASSERT(rate <= with(fa, b).false_positive_rate() + slack);
}

RC_GTEST_PROP(blocked_bloom_property, bytes_come_back, (const keys& all)) {
  const filter f = with(any_filter(), all);
  const auto bytes = f.to_bytes();
  RC_ASSERT(bytes.size() == f.serialized_size());
  const auto back = filter::from_bytes(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == f);
  const auto view = quoin::blocked_bloom_filter_view<>::from_bytes(bytes);
  RC_ASSERT(view.has_value());
  for (const auto key : all) RC_ASSERT(view->contains(key));
  RC_ASSERT(view->bits_set() == f.bits_set());
}

RC_GTEST_PROP(blocked_bloom_property, bytes_of_others_are_no_danger,
              (const std::vector<std::uint8_t>& noise)) {
  RC_ASSERT(!filter::from_bytes(std::as_bytes(std::span(noise))));
}

// --- sequences of commands against a set --------------------------------------------------------

struct model {
  std::set<std::uint64_t> inserted;
};
using command = rc::state::Command<model, filter>;

struct insert : command {
  keys all = *rc::gen::container<keys>(rc::gen::inRange<std::uint64_t>(0, 500));
  void apply(model& m) const override { m.inserted.insert(all.begin(), all.end()); }
  void run(const model&, filter& f) const override { f.insert_many(all); }
  void show(std::ostream& os) const override { os << "insert " << rc::toString(all); }
};

struct try_insert : command {
  std::uint64_t key = *rc::gen::inRange<std::uint64_t>(0, 500);
  void apply(model& m) const override { m.inserted.insert(key); }
  void run(const model& m, filter& f) const override {
    const bool there = f.contains(key);
    if (m.inserted.count(key) != 0) RC_ASSERT(there);
    RC_ASSERT(f.try_insert(key) == !there);
  }
  void show(std::ostream& os) const override { os << "try_insert " << key; }
};

struct look : command {
  void run(const model& m, filter& f) const override {
    const keys all(m.inserted.begin(), m.inserted.end());
    keys mask(all.size() / 64 + 1);
    f.contains_many(all, mask);
    for (std::size_t i = 0; i < all.size(); ++i) RC_ASSERT((mask[i / 64] >> i % 64 & 1) == 1u);
    RC_ASSERT(f.empty() == all.empty());
    filter expected = f;
    expected.clear();
    RC_ASSERT(with(expected, all) == f);
  }
  void show(std::ostream& os) const override { os << "look"; }
};

struct clear : command {
  void apply(model& m) const override { m.inserted.clear(); }
  void run(const model&, filter& f) const override { f.clear(); }
  void show(std::ostream& os) const override { os << "clear"; }
};

struct save_and_load : command {
  void run(const model&, filter& f) const override { f = filter::from_bytes(f.to_bytes()).value(); }
  void show(std::ostream& os) const override { os << "save_and_load"; }
};

RC_GTEST_PROP(blocked_bloom_property, behaves_like_a_set_with_false_positives, ()) {
  filter f = any_filter();
  rc::state::check(
      model(), f,
      rc::state::gen::execOneOfWithArgs<insert, try_insert, look, clear, save_and_load>());
}

}  // namespace
