// SPDX-License-Identifier: BSL-1.0
// refused: quoin::hash: no hash for this type
#include <quoin/filter/blocked_bloom_filter.hpp>

struct point {
  int x, y;
};

int main() {
  quoin::blocked_bloom_filter<> filter({.capacity = 10, .bits_per_key = 10});
#ifdef FIXED
  filter.insert(std::pair(1, 2));
#else
  filter.insert(point{1, 2});
#endif
}
