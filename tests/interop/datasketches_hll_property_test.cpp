// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/datasketches_hll.hpp>

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using sketch = quoin::datasketches_hll<>;
using type = quoin::datasketches_hll_type;
using mode = quoin::datasketches_hll_mode;
using form = quoin::datasketches_form;

/// The registers as the paper words them, straight from the hashes.
struct model {
  explicit model(unsigned precision) : registers(std::size_t{1} << precision, 0) {}

  void insert(const quoin::hash128& hash) {
    const auto at = static_cast<std::size_t>(hash.lo % registers.size());
    unsigned zeros = 0;
    while (zeros < 62 && (hash.hi << zeros >> 63) == 0) ++zeros;
    registers[at] = std::max(registers[at], zeros + 1);
  }

  std::vector<unsigned> registers;
};

std::vector<quoin::hash128> some_hashes() {
  const auto n = *rc::gen::element<std::size_t>(0, 3, 8, 30, 300, 3'000);
  const auto first = *rc::gen::arbitrary<std::uint64_t>();
  const auto shift = *rc::gen::inRange(0, 40);  // small registers, then ever larger ones
  std::vector<quoin::hash128> hashes(n);
  for (std::size_t i = 0; i < n; ++i) {
    hashes[i] = quoin::datasketches_hash{}(first + i);
    hashes[i].hi >>= shift * static_cast<int>(i % 2);
  }
  return hashes;
}

void check_registers(sketch s, const model& m) {
  if (s.mode() != mode::registers) return;
  s.set_type(type::hll_8);
  const auto bytes = s.to_bytes();
  double sum = 0;
  std::uint32_t zeros = 0;
  for (std::size_t i = 0; i < m.registers.size(); ++i) {
    RC_ASSERT(std::to_integer<unsigned>(bytes[40 + i]) == m.registers[i]);
    sum += std::ldexp(1, -static_cast<int>(m.registers[i]));
    zeros += m.registers[i] == 0 ? 1u : 0u;
  }
  const auto real = [&](std::size_t at) {
    return std::bit_cast<double>(quoin::detail::load_le<std::uint64_t>(&bytes[at]));
  };
  RC_ASSERT(std::fabs(real(16) + real(24) - sum) < 1e-9);
  RC_ASSERT(quoin::detail::load_le<std::uint32_t>(&bytes[32]) == zeros);
}

RC_GTEST_PROP(datasketches_hll_property, holds_the_registers_of_the_model, ()) {
  const auto precision = *rc::gen::inRange(4u, 13u);
  const auto t = static_cast<type>(*rc::gen::inRange(0, 3));
  sketch s({.precision = precision, .type = t, .start_full_size = *rc::gen::arbitrary<bool>()});
  model m(precision);
  for (int round = 0; round < 4; ++round) {
    const auto hashes = some_hashes();
    for (const auto& hash : hashes) m.insert(hash);
    if (*rc::gen::arbitrary<bool>()) {
      s.insert_hash_many(hashes);
    } else {
      for (const auto& hash : hashes) s.insert_hash(hash);
    }
    check_registers(s, m);
    const auto f = *rc::gen::element(form::compact, form::updatable);
    auto back = sketch::from_bytes(s.to_bytes(f));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->estimate() == s.estimate());
    check_registers(*back, m);
    if (*rc::gen::arbitrary<bool>()) s = *back;
    if (*rc::gen::arbitrary<bool>()) s.set_type(static_cast<type>(*rc::gen::inRange(0, 3)));
  }
}

RC_GTEST_PROP(datasketches_hll_property, merges_to_the_same_whatever_the_order, ()) {
  std::vector<sketch> parts;
  unsigned least = 12;
  const auto n = *rc::gen::inRange<std::size_t>(2, 5);
  std::vector<quoin::hash128> all;
  for (std::size_t i = 0; i < n; ++i) {
    const auto precision = *rc::gen::inRange(8u, 13u);
    parts.emplace_back(quoin::datasketches_hll_options{
        .precision = precision, .type = static_cast<type>(*rc::gen::inRange(0, 3))});
    const auto hashes = some_hashes();
    parts.back().insert_hash_many(hashes);
    all.insert(all.end(), hashes.begin(), hashes.end());
    if (parts.back().mode() == mode::registers) least = std::min(least, precision);
  }
  const std::vector<sketch> sources = parts;
  sketch forward({.precision = 12}), backward = forward;
  for (std::size_t i = 0; i < n; ++i) {
    forward.merge(parts[i]);
    backward.merge(parts[n - 1 - i]);
  }
  RC_ASSERT(parts == sources);
  model m(forward.precision());
  for (const auto& hash : all) m.insert(hash);
  check_registers(forward, m);
  RC_ASSERT(forward.mode() == backward.mode());
  if (forward.mode() != mode::registers) {
    RC_ASSERT(forward.estimate() == backward.estimate());
    return;
  }
  RC_ASSERT(forward.precision() == backward.precision());
  RC_ASSERT(forward.precision() == least);
  check_registers(backward, m);
  if (!forward.in_order() && !backward.in_order()) RC_ASSERT(forward == backward);
}

}  // namespace
