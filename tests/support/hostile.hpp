// SPDX-License-Identifier: BSL-1.0
// Systematic damage to a serialized form. A decoder must give an error or a valid object for each.
#ifndef QUOIN_TESTS_SUPPORT_HOSTILE_HPP
#define QUOIN_TESTS_SUPPORT_HOSTILE_HPP

#include <cstddef>
#include <span>
#include <vector>

namespace quoin_test {

/// Calls `f(span)` with each proper prefix of `bytes`, in an allocation of exactly its size so that
/// AddressSanitizer sees a read past its end.
template <class F>
void for_each_truncation(std::span<const std::byte> bytes, F f) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto kept = bytes.first(size);
    const std::vector<std::byte> copy(kept.begin(), kept.end());
    f(std::span<const std::byte>(copy));
  }
}

/// Calls `f(span)` with each copy of `bytes` in which one bit is inverted.
template <class F>
void for_each_bit_flip(std::span<const std::byte> bytes, F f) {
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  for (std::size_t bit = 0; bit < 8 * copy.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1u << (bit % 8));
    copy[bit / 8] ^= mask;
    f(std::span<const std::byte>(copy));
    copy[bit / 8] ^= mask;
  }
}

}  // namespace quoin_test

#endif
