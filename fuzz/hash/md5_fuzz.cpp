// SPDX-License-Identifier: BSL-1.0
// MD5 of the whole against its blocks one by one, with a padding of the fuzzer's own.
#include <quoin/hash/md5.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace detail = quoin::detail;
  std::vector<unsigned char> message(data, data + size);
  message.push_back(0x80);
  while (message.size() % 64 != 56) message.push_back(0);
  for (unsigned i = 0; i < 8; ++i) {
    message.push_back(static_cast<unsigned char>(std::uint64_t{size} * 8 >> (8 * i)));
  }
  detail::md5_words state = detail::md5_start;
  for (std::size_t i = 0; i < message.size(); i += 64) detail::md5_block(state, &message[i]);
  QUOIN_FUZZ_CHECK(detail::md5(data, size) == state);
  return 0;
}
