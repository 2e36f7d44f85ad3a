// SPDX-License-Identifier: BSL-1.0
// Three bodies: the decoder on raw bytes, operations against the values themselves, and every
// kernel against the scalar one.
#include <quoin/sketch/quantiles.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using sketch = quoin::quantile_sketch<>;

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums or sizes: every input is also tried with those that fit.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 112) {
      const std::size_t end = bytes.size() - 8;
      quoin::detail::store_le(&bytes[96], std::uint64_t{end - 104});
      quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end));
    }
    const auto s = sketch::from_bytes(bytes);
    if (!s) {
      QUOIN_FUZZ_CHECK(s.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(s->to_bytes() == bytes);
    sketch twice = *s;
    if (s->count() <= std::uint64_t{1} << 62) twice.merge(*s);
    if (s->empty()) continue;
    double before = s->min();
    for (const double q : {0.0, 0.01, 0.5, 0.99, 1.0}) {
      const double x = s->quantile(q);
      const quoin::quantile_range bounds = s->quantile_bounds(q);
      QUOIN_FUZZ_CHECK(before <= x && x <= s->max());
      QUOIN_FUZZ_CHECK(bounds.lower <= x && x <= bounds.upper);
      QUOIN_FUZZ_CHECK(s->rank(x) <= s->count());
      before = x;
    }
  }
}

void operate(quoin_fuzz::input in) {
  const double accuracies[] = {0.5, 0.05, 0.01};
  const quoin::quantile_options options{
      .relative_accuracy = accuracies[in.take_in<std::uint8_t>(0, 2)],
      .max_buckets = in.take_in<std::uint16_t>(0, 300)};
  sketch a(options), b(options);
  std::vector<double> in_a, in_b;
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 5);
    double x = std::bit_cast<double>(in.take<std::uint64_t>());
    if (what != 5 && !std::isfinite(x)) x = 1;
    switch (what) {
      case 0:
        a.insert(x);
        in_a.push_back(x);
        break;
      case 1:
        b.insert(std::abs(x), 2);
        in_b.insert(in_b.end(), 2, std::abs(x));
        break;
      case 2: {
        std::vector<double> run(in.take_in<std::uint16_t>(0, 600), std::abs(x));
        for (std::size_t i = 0; i < run.size(); ++i) run[i] *= 1 + static_cast<double>(i % 7);
        a.insert_many(run);
        in_a.insert(in_a.end(), run.begin(), run.end());
        break;
      }
      case 3:
        if (in_a.size() + in_b.size() > 20'000) break;
        a.merge(b);
        in_a.insert(in_a.end(), in_b.begin(), in_b.end());
        break;
      case 4:
        swap(a, b);
        swap(in_a, in_b);
        break;
      default:
        a.insert(x);
        if (!std::isnan(x)) in_a.push_back(x);
    }
  }
  QUOIN_FUZZ_CHECK(a.count() == in_a.size());
  QUOIN_FUZZ_CHECK(*sketch::from_bytes(a.to_bytes()) == a);
  if (in_a.empty()) return;
  std::sort(in_a.begin(), in_a.end());
  sketch again(options);
  again.insert_many(in_a);
  again.insert(std::nan(""), a.nan_count());
  QUOIN_FUZZ_CHECK(again == a);
  const std::size_t step = in_a.size() / 64 + 1;
  for (std::size_t i = 0; i + 1 < in_a.size(); i += step) {
    const double q = (static_cast<double>(i) + 0.5) / static_cast<double>(in_a.size() - 1);
    const quoin::quantile_range bounds = a.quantile_bounds(q);
    QUOIN_FUZZ_CHECK(bounds.lower <= in_a[i] && in_a[i] <= bounds.upper);
  }
}

void compare_kernels(quoin_fuzz::input in) {
  namespace detail = quoin::detail;
  const detail::log_mapping<std::allocator<std::byte>> mapping(in.take_in<std::uint16_t>(1, 500),
                                                               {});
  std::vector<double> values;
  while (!in.empty() && values.size() < detail::quantile_block) {
    values.push_back(std::bit_cast<double>(in.take<std::uint64_t>()));
  }
  if (values.empty()) return;
  std::uint32_t expected[detail::quantile_block], actual[detail::quantile_block];
  detail::block_ends ends{}, same{};
  const std::size_t n = values.size();
  const bool plain = detail::bucket_block_scalar(mapping.map(), values.data(), n, expected, &ends);
  detail::for_each_isa([&](quoin::isa level) {
    const detail::quantile_kernel kernel = detail::quantile_kernel_of(level);
    QUOIN_FUZZ_CHECK(kernel(mapping.map(), values.data(), n, actual, &same) == plain);
    if (!plain) return;
    QUOIN_FUZZ_CHECK(std::equal(expected, expected + n, actual));
    QUOIN_FUZZ_CHECK(same.least == ends.least && same.greatest == ends.greatest);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  operate(quoin_fuzz::input(data, size));
  compare_kernels(quoin_fuzz::input(data, size));
  return 0;
}
