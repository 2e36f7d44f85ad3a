// SPDX-License-Identifier: BSL-1.0
// Any key, any size, any number: there and back, within the size; small sizes as a whole.
#include <quoin/id/id_cipher.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

/// The format, once: the corpora run where the bytes of a word are in another order, too.
bool is_the_same_everywhere() {
  const quoin::id_cipher cipher(
      {.key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u}, .size = 3'521'614'606'208u});
  return cipher.encrypt(0) == 816'260'507'682u && cipher.decrypt(2'403'108'684'410u) == 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool same = is_the_same_everywhere();
  QUOIN_FUZZ_CHECK(same);
  quoin_fuzz::input in(data, size);
  const auto k0 = in.take<std::uint64_t>(), k1 = in.take<std::uint64_t>();
  if ((k0 | k1) == 0) return 0;  // refused
  const auto shift = in.take_in<std::uint8_t>(0, 63);
  const std::uint64_t most = (in.take<std::uint64_t>() >> 1 >> shift) + 1;
  const quoin::id_cipher cipher({.key = {k0, k1}, .size = most});
  do {
    const std::uint64_t x = in.take<std::uint64_t>() % most;
    const std::uint64_t y = cipher.encrypt(x);
    QUOIN_FUZZ_CHECK(y < most);
    QUOIN_FUZZ_CHECK(cipher.decrypt(y) == x);
    QUOIN_FUZZ_CHECK(cipher.encrypt(cipher.decrypt(x)) == x);
  } while (!in.empty());
  if (most > 1000) return 0;
  std::vector<bool> seen(static_cast<std::size_t>(most));
  for (std::uint64_t x = 0; x < most; ++x) {
    const auto y = static_cast<std::size_t>(cipher.encrypt(x));
    QUOIN_FUZZ_CHECK(!seen[y]);
    seen[y] = true;
  }
  return 0;
}
