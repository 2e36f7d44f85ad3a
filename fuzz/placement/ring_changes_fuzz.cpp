// SPDX-License-Identifier: BSL-1.0
// A small ring, changed in any way, against what the owners and replicas of hashes say.
#include <quoin/placement/ring_changes.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::uint8_t>;

void change(ring& r, quoin_fuzz::input& in) {
  const auto node = in.take_in<std::uint8_t>(0, 7), other = in.take_in<std::uint8_t>(0, 7);
  const double weight = in.take_in<std::uint8_t>(1, 12) / 4.0;
  if (!r.contains(node)) {
    r.add(node, {.weight = weight, .zone = std::string(1, static_cast<char>('a' + other % 3))});
  } else if (weight < 1) {
    r.remove(node);
  } else if (!r.contains(other)) {
    r.replace(node, other);
  } else {
    r.set_weight(node, weight);
  }
}

void check_at(const ring& before, const ring& after, std::size_t n, std::uint64_t hash,
              const std::vector<quoin::moved_range<std::uint8_t>>& moved,
              const std::vector<quoin::moved_replica<std::uint8_t>>& fetched) {
  const std::uint8_t from = before.owner_of_hash(hash), to = after.owner_of_hash(hash);
  std::size_t moves = 0, fetches = 0;
  for (const auto& move : moved) {
    if (!move.range.contains(hash)) continue;
    ++moves;
    QUOIN_FUZZ_CHECK(move.from == from && move.to == to);
  }
  QUOIN_FUZZ_CHECK(moves == (from != to));
  const auto once = before.replicas_of_hash(hash, n), now = after.replicas_of_hash(hash, n);
  const auto in = [](const auto& set, std::uint8_t node) {
    return std::find(set.begin(), set.end(), node) != set.end();
  };
  for (const auto& move : fetched) {
    if (!move.range.contains(hash)) continue;
    ++fetches;
    QUOIN_FUZZ_CHECK(in(once, move.from) && !in(once, move.to) && in(now, move.to));
    QUOIN_FUZZ_CHECK(move.from_keeps == in(now, move.from));
  }
  for (const std::uint8_t node : now) fetches -= !in(once, node);
  QUOIN_FUZZ_CHECK(fetches == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, std::min<std::size_t>(size, 64));
  ring before({.virtual_nodes = in.take_in<std::uint32_t>(1, 6)});
  const std::size_t n = in.take_in<std::uint8_t>(1, 4);
  before.add(200);
  while (!in.empty()) {
    ring after = before;
    for (auto changes = in.take_in<std::uint8_t>(1, 3); changes > 0; --changes) change(after, in);
    const auto moved = quoin::moved_ranges(before, after);
    const auto fetched = quoin::moved_ranges(before, after, n);
    for (const ring* r : {&before, &after}) {
      for (const std::uint64_t token : r->tokens()) {
        check_at(before, after, n, token, moved, fetched);
        check_at(before, after, n, token + 1, moved, fetched);
      }
    }
    before = after;
  }
  return 0;
}
