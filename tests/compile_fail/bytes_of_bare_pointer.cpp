// SPDX-License-Identifier: BSL-1.0
// refused: no matching function for call to .*xxh64
#include <quoin/hash/xxh64.hpp>

#include <string_view>

int main(int, char** argv) {
#ifdef FIXED
  return quoin::xxh64(std::string_view(argv[0], 3)) == 0;
#else
  return quoin::xxh64(argv[0], 3) == 0;  // is 3 a length or a seed?
#endif
}
