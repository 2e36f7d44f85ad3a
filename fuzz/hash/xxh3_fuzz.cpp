// SPDX-License-Identifier: BSL-1.0
// Every kernel against the portable one, and the constant-expression path against the run-time one.
#include <quoin/hash/xxh3.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace detail = quoin::detail;
  quoin_fuzz::input in(data, size);
  const auto seed = in.take<std::uint64_t>();
  const auto repeats = in.take_in<std::uint8_t>(1, 64);  // long inputs from short files
  const auto unit = in.rest();
  std::vector<unsigned char> bytes;
  for (unsigned i = 0; i < repeats; ++i) bytes.insert(bytes.end(), unit.begin(), unit.end());

  const std::uint64_t h = quoin::xxh3_64(bytes, seed);
  QUOIN_FUZZ_CHECK(quoin::xxh3_64(std::as_bytes(std::span(bytes)), seed) == h);
  if (bytes.size() > 240) {
    QUOIN_FUZZ_CHECK(detail::xxh3_long(bytes.data(), bytes.size(), seed,
                                       detail::xxh3_add_all<unsigned char>) == h);
    detail::for_each_isa([&](quoin::isa level) {
      QUOIN_FUZZ_CHECK(
          detail::xxh3_long(bytes.data(), bytes.size(), seed, detail::xxh3_kernel_of(level)) == h);
    });
  }
  return 0;
}
