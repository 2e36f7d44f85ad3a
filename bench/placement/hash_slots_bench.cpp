// SPDX-License-Identifier: BSL-1.0
// The slot of a key beside the reference form: one table, a byte at a time.
#include <quoin/placement/hash_slots.hpp>

#include "bench_support.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace quoin_bench;

std::uint32_t textbook(const std::string& key) {
  static const auto table = [] {
    std::array<std::uint16_t, 256> rows{};
    for (unsigned byte = 0; byte < 256; ++byte) {
      unsigned crc = byte << 8;
      for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021u : 0u);
      rows[byte] = static_cast<std::uint16_t>(crc);
    }
    return rows;
  }();
  std::string_view tag = key;
  if (const auto open = key.find('{'); open != std::string::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string::npos && close > open + 1) {
      tag = tag.substr(open + 1, close - open - 1);
    }
  }
  unsigned crc = 0;
  for (const char c : tag) {
    crc = (crc << 8 & 0xffff) ^ table[(crc >> 8 ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return crc % 16384;
}

void slot_of_key(benchmark::State& state) {
  std::vector<std::string> keys;
  for (const std::uint64_t hash : random_hashes(4096)) {
    std::string key(static_cast<std::size_t>(state.range(0)), 'x');
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = static_cast<char>('a' + (hash >> i % 60) % 26);
    }
    keys.push_back(key);
  }
  const auto each = [&](auto slot) {
    return [&keys, slot] {
      std::uint64_t sum = 0;
      for (const auto& key : keys) sum += slot(key);
      benchmark::DoNotOptimize(sum);
    };
  };
  run_against(state, keys.size(),
              each([](const std::string& key) { return quoin::hash_slot(key); }),
              each([](const std::string& key) { return textbook(key); }));
}
BENCHMARK(slot_of_key)->Arg(4)->Arg(10)->Arg(16)->Arg(32)->Arg(100);

}  // namespace

BENCHMARK_MAIN();
