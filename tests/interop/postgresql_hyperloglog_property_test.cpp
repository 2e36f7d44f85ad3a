// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/postgresql_hyperloglog.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace {

using sketch = quoin::postgresql_hyperloglog;
using hashes = std::vector<std::uint64_t>;

quoin::postgresql_hyperloglog_options any_options() {
  return {.log2m = *rc::gen::inRange(4u, 9u),
          .register_width = *rc::gen::inRange(1u, 9u),
          .explicit_threshold = *rc::gen::element(-1, 0, 1, 8, 64),
          .sparse = *rc::gen::arbitrary<bool>(),
          .max_sparse = *rc::gen::element(-1, -1, 0, 10)};
}

/// Bits of every kind, so that indexes meet and ranks are long.
hashes any_hashes() {
  const auto n = *rc::gen::inRange<std::size_t>(0, 100);
  return *rc::gen::container<hashes>(
      n, rc::gen::map(
             rc::gen::pair(
                 rc::gen::inRange(std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max()),
                 rc::gen::inRange(0u, 56u)),
             [](const auto& draw) { return draw.first << 8 << draw.second | draw.first % 200; }));
}

RC_GTEST_PROP(postgresql_hyperloglog_property, holds_what_was_added, ()) {
  const auto options = any_options();
  sketch s(options);
  std::set<std::int64_t> elements;
  std::map<std::size_t, unsigned> ranks;
  for (const auto hash : any_hashes()) {
    s.add_hash(hash);
    elements.insert(static_cast<std::int64_t>(hash));
    std::uint64_t bits = hash >> options.log2m;
    unsigned rank = bits == 0 ? 0 : 1;
    for (; bits != 0 && bits % 2 == 0; bits /= 2) ++rank;
    const unsigned capped = std::min(rank, (1u << options.register_width) - 1);
    unsigned& most = ranks[static_cast<unsigned>(hash % (std::uint64_t{1} << options.log2m))];
    most = std::max(most, capped);
  }
  if (s.registers().empty()) {
    RC_ASSERT(s.elements().size() == elements.size());
    RC_ASSERT(s.estimate() == static_cast<double>(elements.size()));
    std::size_t i = 0;
    for (const auto element : elements) {
      RC_ASSERT(static_cast<std::int64_t>(s.elements()[i++]) == element);
    }
  } else {
    for (std::size_t i = 0; i < s.registers().size(); ++i) {
      const auto found = ranks.find(i);
      RC_ASSERT(s.registers()[i] == (found == ranks.end() ? 0 : found->second));
    }
  }
  const auto back = sketch::from_bytes(s.to_bytes(), options.max_sparse);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == s);
  RC_ASSERT(back->to_bytes() == s.to_bytes());
  RC_ASSERT(s.to_bytes().size() == s.serialized_size());
}

RC_GTEST_PROP(postgresql_hyperloglog_property, merging_is_adding, ()) {
  const hashes x = any_hashes(), y = any_hashes();
  sketch a(any_options()), b = a, both = a;
  a.add_hash_many(x);
  b.add_hash_many(y);
  both.add_hash_many(x);
  both.add_hash_many(y);
  sketch ab = a, ba = b;
  ab.merge(b);
  ba.merge(a);
  RC_ASSERT(ab == both);
  RC_ASSERT(ba.to_bytes() == both.to_bytes());
  ab.merge(a);
  RC_ASSERT(ab == both);
}

}  // namespace
