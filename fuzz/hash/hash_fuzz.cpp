// SPDX-License-Identifier: BSL-1.0
// Batches at every level against one key at a time, and equal contents in different holders.
#include <quoin/hash/hash.hpp>

#include "support/input.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

template <class Int>
void compare_batches(quoin_fuzz::input in, std::uint64_t seed) {
  std::vector<Int> keys;
  while (!in.empty() && keys.size() < 100) keys.push_back(in.take<Int>());
  const quoin::hash hash{seed};
  std::vector<std::uint64_t> out(keys.size());
  quoin::detail::for_each_isa([&](quoin::isa level) {
    quoin::detail::mix_many_of<Int>(level)(keys.data(), keys.size(), seed, out.data());
    for (std::size_t i = 0; i < keys.size(); ++i) QUOIN_FUZZ_CHECK(out[i] == hash(keys[i]));
  });
  for (const Int key : keys) {
    QUOIN_FUZZ_CHECK(hash(key) == hash(static_cast<std::int64_t>(key)));
    QUOIN_FUZZ_CHECK(hash(std::array{key, key}) == hash(key, key));
  }
}

void compare_holders(std::span<const std::uint8_t> bytes, std::uint64_t seed) {
  const quoin::hash hash{seed};
  const std::string text(bytes.begin(), bytes.end());
  const std::uint64_t h = hash(text);
  QUOIN_FUZZ_CHECK(hash(std::string_view(text)) == h);
  QUOIN_FUZZ_CHECK(hash(bytes) == h);
  QUOIN_FUZZ_CHECK(hash(std::as_bytes(bytes)) == h);
  if (text.find('\0') == text.npos) QUOIN_FUZZ_CHECK(hash(text.c_str()) == h);
  QUOIN_FUZZ_CHECK(hash(std::pair(text, 1)) == hash(std::string_view(text), 1));
  double number = 0;
  if (bytes.size() >= sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  QUOIN_FUZZ_CHECK((number == 0) == (hash(number) == hash(0.0)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto what = in.take_in<std::uint8_t>(0, 4);
  const auto seed = in.take<std::uint64_t>();
  switch (what) {
    case 0:
      compare_batches<std::int32_t>(in, seed);
      break;
    case 1:
      compare_batches<std::uint32_t>(in, seed);
      break;
    case 2:
      compare_batches<std::int64_t>(in, seed);
      break;
    case 3:
      compare_batches<std::uint64_t>(in, seed);
      break;
    default:
      compare_holders(in.rest(), seed);
  }
  return 0;
}
