// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/redis_hyperloglog.hpp>

#include "interop/redis_hyperloglog_testing.hpp"

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace quoin_test;
using sketch = quoin::redis_hyperloglog;
using hashes = std::vector<std::uint64_t>;

hashes any_hashes() {
  const auto n = *rc::gen::inRange<std::size_t>(0, 700);
  clustered_hashes draw(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::element(50u, 5'000u));
  hashes result(n);
  for (auto& hash : result) hash = draw();
  return result;
}

quoin::redis_hyperloglog_options any_options() {
  return {
      *rc::gen::oneOf(rc::gen::inRange(0u, 200u), rc::gen::just(3'000u), rc::gen::just(100'000u))};
}

RC_GTEST_PROP(redis_hyperloglog_property, registers_are_the_largest_ranks, ()) {
  sketch r(any_options());
  std::vector<std::uint8_t> model(16'384);
  for (const auto hash : any_hashes()) {
    std::uint8_t& rank = model[hash & 0x3fff];
    std::uint8_t longest = 1;
    while (longest < 51 && (hash >> (13 + longest) & 1) == 0) ++longest;
    const bool raised = longest > rank;
    if (raised) rank = longest;
    RC_ASSERT(r.add_hash(hash) == raised);
    RC_ASSERT(r.is_dense() || r.serialized_size() <= std::max(18u, r.options().sparse_max_bytes));
  }
  RC_ASSERT(r.registers() == model);
  const auto other = sketch::from_registers(model, r.options());
  RC_ASSERT(other.has_value());
  RC_ASSERT(*other == r);
  RC_ASSERT(other->estimate() == r.estimate());
}

// In bytes: the edits of a batch are those of its elements one by one.
RC_GTEST_PROP(redis_hyperloglog_property, batches_leave_the_same_bytes, ()) {
  sketch one(any_options()), batch = one;
  for (int i = 0; i < 3; ++i) {
    const hashes all = any_hashes();
    bool changed = false;
    for (const auto hash : all) changed |= one.add_hash(hash);
    RC_ASSERT(batch.add_hash_many(all) == changed);
    RC_ASSERT(batch.to_bytes() == one.to_bytes());
    if (i == 1) RC_ASSERT(one.count() == batch.count());
  }
  const auto back = sketch::from_bytes(batch.bytes(), batch.options());
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->to_bytes() == one.to_bytes());
}

RC_GTEST_PROP(redis_hyperloglog_property, merging_is_adding, ()) {
  const hashes x = any_hashes(), y = any_hashes();
  const auto options = any_options();
  sketch a(options), b(any_options()), both(options);
  a.add_hash_many(x);
  b.add_hash_many(y);
  both.add_hash_many(x);
  both.add_hash_many(y);
  if (*rc::gen::arbitrary<bool>()) b.make_dense();
  sketch ab = a, ba = b, at_once = a;
  ab.merge(b);
  ba.merge(a);
  RC_ASSERT(ab == both);
  RC_ASSERT(ba == both);
  RC_ASSERT(ab.estimate() == both.estimate());
  RC_ASSERT(a.union_count(b) == both.estimate());
  const sketch sources[] = {b, a, b};
  at_once.merge_many(sources);
  RC_ASSERT(at_once == both);
  ab.merge(a);
  RC_ASSERT(ab == both);
}

}  // namespace
