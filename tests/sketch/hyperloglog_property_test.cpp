// SPDX-License-Identifier: BSL-1.0
#include <quoin/sketch/hyperloglog.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

namespace {

namespace detail = quoin::detail;
using sketch = quoin::hyperloglog<>;
using keys = std::vector<std::uint64_t>;

/// Some consecutive keys: sizes on both sides of what tokens are kept for.
keys any_keys() {
  const auto first = *rc::gen::inRange<std::uint64_t>(0, 3000);
  const auto size = *rc::gen::weightedElement<std::size_t>({{3, 1}, {3, 6}, {3, 50}, {2, 700}});
  keys all(*rc::gen::inRange<std::size_t>(0, size + 1));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = first + i;
  return all;
}

/// Low precisions, whose borders are soon crossed.
unsigned any_precision() { return *rc::gen::inRange(4u, 12u); }

sketch of(const keys& all, unsigned precision) {
  sketch s({.precision = precision, .seed = 1});
  for (const auto key : all) s.insert(key);
  return s;
}

// --- orders -------------------------------------------------------------------------------------

RC_GTEST_PROP(hyperloglog_property, order_and_repetition_do_not_matter, ()) {
  const unsigned precision = any_precision();
  keys all = any_keys();
  const sketch expected = of(all, precision);
  keys shuffled = *rc::gen::arbitrary<bool>() ? all : keys(all.rbegin(), all.rend());
  shuffled.insert(shuffled.end(), all.begin(), all.end());
  const sketch actual = of(shuffled, precision);
  RC_ASSERT(actual == expected);
  RC_ASSERT(actual.to_bytes() == expected.to_bytes());
  RC_ASSERT(actual.estimate_from_state() == expected.estimate_from_state());
}

RC_GTEST_PROP(hyperloglog_property, batches_equal_single_insertions, ()) {
  const unsigned precision = any_precision();
  sketch one_by_one({.precision = precision, .seed = 1}), batches = one_by_one;
  for (int i = 0; i < 3; ++i) {
    const keys all = any_keys();
    for (const auto key : all) one_by_one.insert(key);
    batches.insert_many(all);
    RC_ASSERT(batches == one_by_one);
    RC_ASSERT(std::abs(batches.estimate() - one_by_one.estimate()) <=
              1e-12 * one_by_one.estimate());
  }
}

/// Merges sketches of these keys at these precisions in the order of a random binary tree.
sketch merged_somehow(std::vector<sketch> all) {
  while (all.size() > 1) {
    const auto i = *rc::gen::inRange<std::size_t>(0, all.size());
    sketch other = all[i];
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    const auto j = *rc::gen::inRange<std::size_t>(0, all.size());
    const sketch before = other;
    all[j].merge(other);
    RC_ASSERT(other == before);
    if (*rc::gen::inRange(0, 4) == 0) all[j].merge(before);
    static_cast<void>(all[j].estimate());
  }
  return all[0];
}

RC_GTEST_PROP(hyperloglog_property, merging_in_any_order_at_mixed_precisions_gives_the_same_bytes,
              ()) {
  std::vector<sketch> parts;
  std::set<std::uint64_t> united;
  unsigned least = 21;
  const auto count = *rc::gen::inRange<std::size_t>(1, 6);
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned precision = any_precision();
    const keys all = any_keys();
    least = std::min(least, precision);
    united.insert(all.begin(), all.end());
    parts.push_back(of(all, precision));
  }
  const auto expected = of(keys(united.begin(), united.end()), least).to_bytes();
  RC_ASSERT(merged_somehow(parts).to_bytes() == expected);
  RC_ASSERT(merged_somehow(parts).to_bytes() == expected);
}

RC_GTEST_PROP(hyperloglog_property, union_estimate_is_that_of_the_union, ()) {
  const sketch a = of(any_keys(), any_precision()), b = of(any_keys(), any_precision());
  sketch both = a;
  both.merge(b);
  const double promised = a.union_estimate(b);
  RC_ASSERT(promised == b.union_estimate(a));
  if (a.has_stream_estimate() || b.has_stream_estimate() || !both.has_stream_estimate()) {
    RC_ASSERT(promised == both.estimate_from_state());
  } else {
    RC_ASSERT(promised == both.estimate());
  }
}

// 10^4 cases of three sketches, without RapidCheck's cost for each.
TEST(hyperloglog_laws, merge_commutes_associates_and_is_idempotent) {
  std::uint64_t state = 1;
  const auto draw = [&](std::uint64_t most) { return quoin::hash{}(state++) % (most + 1); };
  for (int i = 0; i < 10'000; ++i) {
    sketch parts[3] = {sketch({.precision = 4}), sketch({.precision = 4}),
                       sketch({.precision = 4})};
    for (auto& part : parts) {
      part = sketch({.precision = static_cast<unsigned>(4 + draw(6))});
      const std::uint64_t first = draw(100), size = draw(draw(3) == 0 ? 300 : 20);
      for (std::uint64_t key = first; key < first + size; ++key) part.insert(key);
    }
    const auto& [a, b, c] = parts;
    sketch ab = a, ba = b, bc = b;
    ab.merge(b);
    ba.merge(a);
    ASSERT_EQ(ab.to_bytes(), ba.to_bytes());
    bc.merge(c);
    sketch ab_c = ab, a_bc = a, c_ba = c;
    ab_c.merge(c);
    a_bc.merge(bc);
    c_ba.merge(ba);
    ASSERT_EQ(ab_c.to_bytes(), a_bc.to_bytes());
    ASSERT_EQ(ab_c.to_bytes(), c_ba.to_bytes());
    ab_c.merge(b);
    ab_c.merge(bc);
    ASSERT_EQ(ab_c.to_bytes(), a_bc.to_bytes());
  }
}

// --- sequences of commands against a set of hashes ----------------------------------------------

struct model {
  std::set<std::uint64_t> hashes;
  unsigned precision = 0;

  /// The registers by the definition.
  [[nodiscard]] std::vector<std::uint8_t> registers() const {
    std::vector<std::uint8_t> all(std::size_t{1} << precision);
    for (const std::uint64_t hash : hashes) {
      std::uint8_t rank = 1;
      while (rank < 65 - precision && (hash << precision >> (64 - rank) & 1) == 0) ++rank;
      std::uint8_t& there = all[static_cast<std::size_t>(hash >> (64 - precision))];
      there = std::max(there, rank);
    }
    return all;
  }
};
using command = rc::state::Command<model, sketch>;

struct insert : command {
  keys all = any_keys();
  void apply(model& m) const override {
    for (const auto key : all) m.hashes.insert(quoin::hash{1}(key));
  }
  void run(const model&, sketch& s) const override {
    for (const auto key : all) s.insert(key);
  }
  void show(std::ostream& os) const override { os << "insert " << all.size(); }
};

struct insert_many : insert {
  void run(const model&, sketch& s) const override { s.insert_many(all); }
  void show(std::ostream& os) const override { os << "insert_many " << all.size(); }
};

struct merge : insert {
  unsigned precision = any_precision();
  void apply(model& m) const override {
    insert::apply(m);
    m.precision = std::min(m.precision, precision);
  }
  void run(const model&, sketch& s) const override { s.merge(of(all, precision)); }
  void show(std::ostream& os) const override {
    os << "merge " << all.size() << " at " << precision;
  }
};

struct downsize : command {
  unsigned precision;
  explicit downsize(const model& m) : precision(*rc::gen::inRange(4u, m.precision + 1)) {}
  void checkPreconditions(const model& m) const override { RC_PRE(precision <= m.precision); }
  void apply(model& m) const override { m.precision = precision; }
  void run(const model&, sketch& s) const override { s.downsize(precision); }
  void show(std::ostream& os) const override { os << "downsize " << precision; }
};

struct look : command {
  void run(const model& m, sketch& s) const override {
    std::vector<std::uint8_t> registers(std::size_t{1} << m.precision);
    s.copy_registers(m.precision, registers);
    RC_ASSERT(registers == m.registers());
    RC_ASSERT(s.precision() == m.precision);
    RC_ASSERT(s.empty() == m.hashes.empty());
    sketch again({.precision = m.precision, .seed = 1});
    for (const auto hash : m.hashes) again.insert_hash(hash);
    RC_ASSERT(s == again);
    RC_ASSERT(s.to_bytes() == again.to_bytes());
    const auto n = static_cast<double>(m.hashes.size());
    const double sure = 8 * s.relative_standard_error() * n + 1e-9;  // 8 sigmas, skew included
    if (m.precision >= 8) RC_ASSERT(std::abs(s.estimate() - n) <= sure);
  }
  void show(std::ostream& os) const override { os << "look"; }
};

struct clear : command {
  void apply(model& m) const override { m.hashes.clear(); }
  void run(const model&, sketch& s) const override { s.clear(); }
  void show(std::ostream& os) const override { os << "clear"; }
};

struct save_and_load : command {
  bool stream = *rc::gen::arbitrary<bool>();
  void run(const model&, sketch& s) const override {
    s = sketch::from_bytes(s.to_bytes({.stream_estimate = stream})).value();
  }
  void show(std::ostream& os) const override { os << "save_and_load " << stream; }
};

RC_GTEST_PROP(hyperloglog_property, behaves_like_a_set_of_hashes, ()) {
  model m;
  m.precision = any_precision();
  sketch s({.precision = m.precision, .seed = 1});
  rc::state::check(m, s,
                   rc::state::gen::execOneOfWithArgs<insert, insert_many, merge, downsize, look,
                                                     clear, save_and_load>());
}

}  // namespace
