// SPDX-License-Identifier: BSL-1.0
// Two bodies: the decoder on raw bytes, and histories of changes against the list of all tokens.
#include <quoin/placement/hash_ring.hpp>

#include "placement/ring_model.hpp"
#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::string>;

template <class Ring>
void decode_one(std::span<const std::byte> bytes) {
  const auto read = Ring::from_bytes(bytes);
  if (!read) {
    QUOIN_FUZZ_CHECK(read.error().position() <= bytes.size());
    return;
  }
  const auto written = read->to_bytes();
  QUOIN_FUZZ_CHECK(std::equal(written.begin(), written.end(), bytes.begin(), bytes.end()));
  if (read->empty()) return;
  Ring changed = *read;
  const auto node = read->nodes()[read->owner_index_of_hash(bytes.size())];
  changed.remove(node);
  changed.add(node);
  changed.set_weight(node, 1e-3);
  static_cast<void>(changed.balance());
  QUOIN_FUZZ_CHECK(*Ring::from_bytes(changed.to_bytes()) == changed);
}

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end));
    }
    decode_one<ring>(bytes);
    decode_one<quoin::hash_ring<std::int32_t>>(bytes);
  }
}

void check(const ring& r, const quoin_test::ring_model& model, std::uint64_t hash) {
  QUOIN_FUZZ_CHECK(r.size() == model.nodes().size());
  QUOIN_FUZZ_CHECK(r.token_count() == model.tokens().size());
  if (r.empty()) return;
  QUOIN_FUZZ_CHECK(r.owner_of_hash(hash) == model.owner_of_hash(hash));
  std::uint32_t zones = 0;
  for (std::size_t i = 0; i < r.size(); ++i) {
    const auto& entry = model.nodes().at(r.nodes()[i]);
    QUOIN_FUZZ_CHECK(r.zone_of(r.nodes()[i]) == entry.zone);
    QUOIN_FUZZ_CHECK(r.rack_of(r.nodes()[i]) == entry.rack);
    QUOIN_FUZZ_CHECK(quoin_fuzz::about_equal(r.weight_of(r.nodes()[i]), entry.weight));
    zones = std::max(zones, r.zone_numbers()[i] + 1);
  }
  QUOIN_FUZZ_CHECK(zones <= 4);
}

void operate(quoin_fuzz::input in) {
  const auto virtual_nodes = in.take_in<std::uint8_t>(1, 8);
  const auto probes = in.take_in<std::uint8_t>(1, 3);
  const auto seed = in.take<std::uint8_t>();
  ring r({.virtual_nodes = virtual_nodes, .probes = probes, .seed = seed});
  quoin_test::ring_model model(virtual_nodes, probes, seed);
  for (int steps = 0; steps < 100 && !in.empty(); ++steps) {
    const auto what = in.take_in<std::uint8_t>(0, 4);
    const std::string node(1, static_cast<char>('a' + in.take_in<std::uint8_t>(0, 9)));
    const std::string other(1, static_cast<char>('a' + in.take_in<std::uint8_t>(0, 9)));
    const double weight = in.take_in<std::uint8_t>(1, 32) / 8.0;
    const std::string zone(in.take<std::uint8_t>() % 4, 'z'), rack(node == "a" ? "r" : "");
    const bool is_there = model.nodes().contains(node);
    if (what < 2 && !is_there) {
      r.add(node, {.weight = weight, .zone = zone, .rack = rack});
      model.add(node, weight, zone, rack);
    } else if (what == 2 && is_there) {
      r.remove(node);
      model.remove(node);
    } else if (what == 3 && is_there && !model.nodes().contains(other)) {
      r.replace(node, other);
      model.replace(node, other);
    } else if (what == 4 && is_there) {
      r.set_weight(node, weight);
      model.set_weight(node, weight);
    }
    check(r, model, quoin::hash{}(steps));
  }
  for (std::size_t i = 0; i < r.token_count(); ++i) {
    QUOIN_FUZZ_CHECK(r.tokens()[i] == model.tokens()[i].first);
    QUOIN_FUZZ_CHECK(r.nodes()[r.token_owners()[i]] == model.tokens()[i].second);
  }
  QUOIN_FUZZ_CHECK(*ring::from_bytes(r.to_bytes()) == r);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  operate(quoin_fuzz::input(data, size));
  return 0;
}
