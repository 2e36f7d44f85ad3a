// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/crc32c.hpp>

#include "hash_testing.hpp"

#include <rapidcheck.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

namespace detail = quoin::detail;
using namespace quoin_test;

RC_GTEST_PROP(crc32c_property, any_cut_gives_the_same, (std::uint64_t seed)) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 30000);
  const auto cut = *rc::gen::inRange<std::size_t>(0, size + 1);
  const std::vector<unsigned char> bytes = random_bytes(size, seed);
  const std::uint32_t head = quoin::crc32c(byte_span(bytes).first(cut));
  RC_ASSERT(quoin::crc32c(byte_span(bytes).subspan(cut), head) == quoin::crc32c(bytes));
}

RC_GTEST_PROP(crc32c_property, levels_agree, (std::uint64_t seed, std::uint32_t state)) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 30000);
  const std::vector<unsigned char> bytes = random_bytes(size, seed);
  const std::uint32_t expected = detail::crc32c_portable(state, bytes.data(), size);
  detail::for_each_isa([&](quoin::isa level) {
    RC_ASSERT(detail::crc32c_at(level, state, bytes.data(), size) == expected);
  });
}

// A CRC is affine: a ^ b ^ c of equal lengths hashes to the sum of the three.
RC_GTEST_PROP(crc32c_property, affine, (std::uint64_t seed)) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 3000);
  const auto a = random_bytes(size, seed), b = random_bytes(size, seed + 1),
             c = random_bytes(size, seed + 2);
  std::vector<unsigned char> sum(size);
  for (std::size_t i = 0; i < size; ++i) sum[i] = static_cast<unsigned char>(a[i] ^ b[i] ^ c[i]);
  RC_ASSERT(quoin::crc32c(sum) == (quoin::crc32c(a) ^ quoin::crc32c(b) ^ quoin::crc32c(c)));
}

}  // namespace
