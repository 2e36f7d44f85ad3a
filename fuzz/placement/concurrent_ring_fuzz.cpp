// SPDX-License-Identifier: BSL-1.0
// The concurrent ring in one thread against the list of all that was published.
#include <quoin/placement/concurrent_ring.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

/// A placement of few words: bytes name the nodes.
struct byte_ring {
  std::vector<std::uint8_t> nodes;

  [[nodiscard]] std::size_t size() const { return nodes.size(); }
  [[nodiscard]] const std::uint8_t& owner_of_hash(std::uint64_t hash) const {
    return nodes.at(static_cast<std::size_t>(hash % std::max<std::uint64_t>(nodes.size(), 1)));
  }
};

struct refusal {};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto kept = in.take_in<std::uint8_t>(1, 5);
  const auto take_ring = [&] {
    const auto bytes = in.take_bytes(in.take_in<std::uint8_t>(0, 7));
    return byte_ring{{bytes.begin(), bytes.end()}};
  };
  std::vector<byte_ring> published{take_ring()};
  quoin::concurrent_ring<byte_ring> ring(published[0], {.generations = kept});
  while (!in.empty()) {
    switch (in.take_in<std::uint8_t>(0, 3)) {
      case 0:
        published.push_back(take_ring());
        ring.publish(published.back());
        break;
      case 1: {
        const auto node = in.take<std::uint8_t>();
        published.push_back(published.back());
        published.back().nodes.push_back(node);
        ring.update([&](byte_ring& next) { next.nodes.push_back(node); });
        break;
      }
      case 2:
        try {
          ring.update([](byte_ring& next) {
            next.nodes.clear();
            throw refusal();
          });
          QUOIN_FUZZ_CHECK(false);
        } catch (const refusal&) {
        }
        break;
      default: {
        const std::uint64_t hash = in.take<std::uint16_t>();
        std::vector<std::uint8_t> owners;
        const std::size_t past = std::min<std::size_t>(kept, published.size());
        for (std::size_t back = 0; back < past; ++back) {
          const byte_ring& old = published[published.size() - 1 - back];
          QUOIN_FUZZ_CHECK(ring.previous(back).nodes == old.nodes);
          if (old.size() == 0) continue;
          const std::uint8_t owner = old.owner_of_hash(hash);
          if (std::count(owners.begin(), owners.end(), owner) == 0) owners.push_back(owner);
        }
        QUOIN_FUZZ_CHECK(ring.recent_owners_of_hash(hash) == owners);
        QUOIN_FUZZ_CHECK(ring.read().generations() == past);
      }
    }
    QUOIN_FUZZ_CHECK(ring.generation() == published.size() - 1);
    QUOIN_FUZZ_CHECK(ring.snapshot().nodes == published.back().nodes);
  }
  return 0;
}
