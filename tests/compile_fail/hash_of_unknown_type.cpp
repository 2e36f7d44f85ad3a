// SPDX-License-Identifier: BSL-1.0
// refused: quoin::hash: no hash for this type
#include <quoin/hash/hash.hpp>

namespace user {

struct point {
  int x, y;
};

#ifdef FIXED
constexpr std::uint64_t quoin_hash(const point& p, quoin::hash h) { return h(p.x, p.y); }
#endif

}  // namespace user

int main() { return quoin::hash{}(user::point{1, 2}) == 0; }
