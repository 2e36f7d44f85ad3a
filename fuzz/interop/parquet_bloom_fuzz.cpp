// SPDX-License-Identifier: BSL-1.0
// The decoder on raw bytes, and every kernel against the portable one.
#include <quoin/interop/parquet_bloom.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

namespace detail = quoin::detail;

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  const auto f = quoin::parquet_bloom_filter<>::from_bytes(bytes);
  const auto v = quoin::parquet_bloom_filter_view::from_bytes(bytes);
  const auto length = quoin::parquet_bloom_length(bytes);
  QUOIN_FUZZ_CHECK(f.has_value() == v.has_value());
  if (!f) {
    QUOIN_FUZZ_CHECK(f.error() == v.error() && f.error().position() <= bytes.size());
    return;
  }
  QUOIN_FUZZ_CHECK(length.has_value() && *length == bytes.size());
  QUOIN_FUZZ_CHECK(f->contains("a") == v->contains("a"));
  QUOIN_FUZZ_CHECK(f->false_positive_rate() <= 1);
  // The header may be written in more ways than one; the bit set may not.
  const auto again = f->to_bytes();
  const auto tail = [&](std::span<const std::byte> form) { return form.last(f->size_bytes()); };
  QUOIN_FUZZ_CHECK(std::equal(tail(again).begin(), tail(again).end(), tail(bytes).begin()));
}

void run_kernels(quoin_fuzz::input in) {
  const auto blocks = in.take_in<std::uint8_t>(1, 16);
  std::vector<std::uint64_t> hashes(64);
  for (auto& hash : hashes) hash = in.take<std::uint64_t>();
  std::vector<unsigned char> expected(32u * blocks);
  const auto rest = in.take_bytes(expected.size());
  std::copy(rest.begin(), rest.end(), expected.begin());
  const std::vector<unsigned char> before = expected;
  const std::uint64_t hits =
      detail::parquet_contains_scalar({before.data(), blocks}, hashes.data(), 64);
  detail::parquet_insert_scalar({expected.data(), blocks}, hashes.data(), 64);
  detail::for_each_isa([&](quoin::isa level) {
    const detail::parquet_kernels kernels = detail::parquet_kernels_of(level);
    std::vector<unsigned char> table = before;
    QUOIN_FUZZ_CHECK(kernels.contains({table.data(), blocks}, hashes.data(), 64) == hits);
    kernels.insert({table.data(), blocks}, hashes.data(), 64);
    QUOIN_FUZZ_CHECK(table == expected);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  run_kernels(quoin_fuzz::input(data, size));
  return 0;
}
