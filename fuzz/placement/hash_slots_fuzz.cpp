// SPDX-License-Identifier: BSL-1.0
// The map against an array; keys against the checksum bit by bit.
#include <quoin/placement/hash_slots.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::uint32_t slot_bit_by_bit(std::string_view key) {
  if (const auto open = key.find('{'); open != key.npos) {
    const auto close = key.find('}', open + 1);
    if (close != key.npos && close != open + 1) key = key.substr(open + 1, close - open - 1);
  }
  unsigned crc = 0;
  for (const char c : key) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0u)) & 0xffff;
  }
  return crc % 16384;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto text = in.take_bytes(in.take_in<std::uint8_t>(0, 40));
  const std::string key(text.begin(), text.end());
  QUOIN_FUZZ_CHECK(quoin::hash_slot(key) == slot_bit_by_bit(key));

  quoin::hash_slots<int> map;
  std::vector<int> model(quoin::hash_slot_count, -1);
  for (int steps = 0; !in.empty() && steps < 40; ++steps) {
    const auto what = in.take_in<std::uint8_t>(0, 4);
    const int node = in.take_in<std::uint8_t>(0, 15);
    const auto a = in.take_in<std::uint16_t>(0, 16383), b = in.take_in<std::uint16_t>(0, 16383);
    const quoin::slot_range range{a < b ? a : b, a < b ? b : a};
    if (!map.contains(node)) {
      map.add(node, a + 1u);
    } else if (what == 0) {
      map.remove(node);
      for (int& owner : model) owner = owner == node ? -1 : owner;
    } else if (what == 1) {
      map.set_weight(node, a + 1u);
    } else if (what == 2) {
      map.unassign(range);
      for (unsigned slot = range.first; slot <= range.last; ++slot) model[slot] = -1;
    } else {
      map.assign(range, node);
      for (unsigned slot = range.first; slot <= range.last; ++slot) model[slot] = node;
    }
  }
  for (std::uint32_t slot = 0; slot < quoin::hash_slot_count; ++slot) {
    const int* const owner = map.find_owner(slot);
    QUOIN_FUZZ_CHECK((owner == nullptr ? -1 : *owner) == model[slot]);
  }
  quoin::hash_slots<int> after(map);
  after.rebalance();
  QUOIN_FUZZ_CHECK(after.empty() || after.unassigned().empty());
  const auto moves = quoin::slot_moves(map, after);
  std::uint64_t total = 0;
  for (const std::uint32_t weight : after.weights()) total += weight;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const int node = after.nodes()[i];
    const std::uint64_t product = std::uint64_t{after.weights()[i]} * quoin::hash_slot_count;
    const std::uint32_t held = after.slot_count(node);
    QUOIN_FUZZ_CHECK(held >= product / total && held <= (product + total - 1) / total);
    std::uint32_t given = 0, taken = 0;  // nobody does both, nor more than the difference
    for (const auto& move : moves) {
      given += move.from == node ? move.slots.size() : 0;
      taken += move.to == node ? move.slots.size() : 0;
    }
    QUOIN_FUZZ_CHECK(given == 0 || taken == 0);
    QUOIN_FUZZ_CHECK(map.slot_count(node) - given + taken == held);
  }
  for (const auto& move : moves) {
    for (std::uint32_t slot = move.slots.first; slot <= move.slots.last; ++slot) {
      const int from = move.from ? *move.from : -1;
      QUOIN_FUZZ_CHECK(model[slot] == from && move.to == after.owner_of_slot(slot));
    }
  }
  return 0;
}
