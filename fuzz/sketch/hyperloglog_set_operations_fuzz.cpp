// SPDX-License-Identifier: BSL-1.0
// Two sketches of any keys, and of any hashes, have finite sizes in common that add up; any registers
// have a fit.
#include <quoin/sketch/hyperloglog_set_operations.hpp>

#include "support/input.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using sketch = quoin::hyperloglog<>;

void check_sizes(const quoin::set_sizes& e) {
  for (const double x : {e.left_only, e.right_only, e.intersection, e.union_size, e.jaccard}) {
    QUOIN_FUZZ_CHECK(std::isfinite(x) && x >= 0);
  }
}

void check_near(double a, double b, double near) { QUOIN_FUZZ_CHECK(std::fabs(a - b) <= near); }

void check_pair(const sketch& left, const sketch& right) {
  const auto e = quoin::estimate_joint(left, right);
  check_sizes(e);
  check_sizes(e.standard_error);
  const double all = e.union_size;
  check_near(e.left_only + e.right_only + e.intersection, all, 1e-9 * all);
  QUOIN_FUZZ_CHECK(all <= 0x1p64 * (1 + 1e-9) && e.jaccard <= 1);
  const auto swapped = quoin::estimate_joint(right, left);
  check_near(swapped.union_size, all, 1e-6 * all);
  check_sizes(quoin::estimate_by_inclusion_exclusion(left, right));
  if (left.empty() || right.empty()) QUOIN_FUZZ_CHECK(e.intersection == 0);
  if (left == right) QUOIN_FUZZ_CHECK(e.jaccard == 1 && e.left_only == 0 && e.right_only == 0);
}

void run_sketches(quoin_fuzz::input& in) {
  sketch sketches[2] = {sketch({.precision = in.take_in<std::uint8_t>(4, 11)}),
                        sketch({.precision = in.take_in<std::uint8_t>(4, 11)})};
  while (!in.empty()) {
    const auto what = in.take<std::uint8_t>();
    std::vector<std::uint64_t> hashes;
    if ((what & 4) != 0) {
      hashes.push_back(in.take<std::uint64_t>());  // of as many leading zeros as you please
    } else {
      const std::uint64_t first = in.take<std::uint8_t>();
      const std::uint64_t count = in.take<std::uint16_t>() % 4096;
      for (std::uint64_t i = 0; i < count; ++i) {
        hashes.push_back(quoin::detail::hash_key(quoin::hash{}, 1000 * first + i));
      }
    }
    if ((what & 1) != 0) sketches[0].insert_hash_many(hashes);
    if ((what & 2) != 0) sketches[1].insert_hash_many(hashes);
  }
  check_pair(sketches[0], sketches[1]);
}

void run_registers(quoin_fuzz::input& in) {
  constexpr unsigned precision = 5, most = 65 - precision;
  std::uint8_t left[32], right[32];
  for (std::size_t i = 0; i < 32; ++i) {
    left[i] = in.take_in<std::uint8_t>(0, most);
    right[i] = in.take_in<std::uint8_t>(0, most);
  }
  const auto counts = quoin::detail::count_register_pairs(left, right, precision);
  double pairs = 0;
  for (const auto& n : counts.rank) pairs += n.left_less + n.left_more + n.equal;
  QUOIN_FUZZ_CHECK(pairs == 32);
  const auto fit = quoin::detail::fit_joint(counts);
  QUOIN_FUZZ_CHECK(fit.steps <= quoin::detail::joint_search::most_steps);
  check_sizes(quoin::detail::sizes_of(fit));
  check_sizes(quoin::detail::sizes_of(fit).standard_error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  if (in.take<bool>()) {
    run_registers(in);
  } else {
    run_sketches(in);
  }
  return 0;
}
