// SPDX-License-Identifier: BSL-1.0
// What the tests of Redis' HyperLogLog share.
#ifndef QUOIN_TESTS_INTEROP_REDIS_HYPERLOGLOG_TESTING_HPP
#define QUOIN_TESTS_INTEROP_REDIS_HYPERLOGLOG_TESTING_HPP

#include <quoin/detail/bits.hpp>

#include "hash/hash_testing.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quoin_test {

/// The element of 8 bytes whose hash in Redis is `hash`: every step of MurmurHash64A can be undone.
/// With it a test chooses registers and ranks.
[[nodiscard]] inline std::string element_of_hash(std::uint64_t hash) {
  constexpr std::uint64_t m = 0xc6a4a7935bd1e995u;
  std::uint64_t inverse = m;  // correct in 3 bits; each step doubles them (Newton)
  for (int i = 0; i < 5; ++i) inverse *= 2 - m * inverse;
  const auto undo = [](std::uint64_t x) { return x ^ (x >> 47); };
  const std::uint64_t state = undo(undo(hash) * inverse);
  const std::uint64_t word = state * inverse ^ (0xadc83b19u ^ (8 * m));
  std::string element(8, '\0');
  quoin::detail::store_le(element.data(), undo(word * inverse) * inverse);
  return element;
}

/// A hash that goes to the register `index` (< 2^14) with the rank `rank` (1 to 51).
[[nodiscard]] constexpr std::uint64_t hash_at(std::uint32_t index, unsigned rank) {
  return index | (rank <= 50 ? std::uint64_t{1} << (13 + rank) : 0);
}

[[nodiscard]] inline std::string element_at(std::uint32_t index, unsigned rank) {
  return element_of_hash(hash_at(index, rank));
}

/// Registers close to each other, in runs that meet, split and join; now and then far away ones,
/// and a rank about the largest that the sparse form can hold once in `rare`.
class clustered_hashes {
 public:
  clustered_hashes(std::uint64_t seed, std::uint64_t rare) : state_(seed), rare_(rare) {
    base_ = static_cast<std::uint32_t>(split_mix(state_));
    width_ = 1 + static_cast<std::uint32_t>(split_mix(state_) % 300);
    ranks_ = 1 + static_cast<unsigned>(split_mix(state_) % 4);
  }

  std::uint64_t operator()() {
    const std::uint64_t draw = split_mix(state_);
    const auto high = static_cast<std::uint32_t>(draw >> 32);
    if (draw % rare_ == 0) return hash_at(high >> 18, 30 + high % 22);
    if (draw % 16 == 1) return split_mix(state_);
    const std::uint32_t index = (base_ + high % width_) & 0x3fff;
    return hash_at(index, 1 + static_cast<unsigned>(draw >> 8) % ranks_);
  }

 private:
  std::uint64_t state_, rare_;
  std::uint32_t base_, width_;
  unsigned ranks_;
};

}  // namespace quoin_test

#endif
