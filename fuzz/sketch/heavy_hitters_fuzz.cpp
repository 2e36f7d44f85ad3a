// SPDX-License-Identifier: BSL-1.0
// Two bodies: the decoder on raw bytes, and operations against exact counts.
#include <quoin/sketch/heavy_hitters.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace {

using words = quoin::heavy_hitters<std::string>;
using numbers = quoin::heavy_hitters<std::uint64_t>;

template <class Summary>
void decode_one(std::span<const std::byte> bytes) {
  auto h = Summary::from_bytes(bytes);
  if (!h) {
    QUOIN_FUZZ_CHECK(h.error().position() <= bytes.size());
    return;
  }
  const auto written = h->to_bytes();
  QUOIN_FUZZ_CHECK(std::equal(written.begin(), written.end(), bytes.begin(), bytes.end()));
  QUOIN_FUZZ_CHECK(h->top(h->size()).size() == h->size());
  Summary twice = *h;
  if (h->total() <= UINT64_MAX / 2) twice.merge(*h);
  twice.decay(0.3);
  for (std::uint64_t i = 0; i < 40; ++i) {
    if constexpr (std::is_same_v<Summary, words>) {
      twice.add(std::to_string(i), UINT64_MAX / 64);
    } else {
      twice.add(i, UINT64_MAX / 64);
    }
  }
  QUOIN_FUZZ_CHECK(*Summary::from_bytes(twice.to_bytes()) == twice);
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
    decode_one<words>(bytes);
    decode_one<numbers>(bytes);
  }
}

/// A summary of strings, one of numbers filled in batches, and the truth. Most weights are multiples
/// of 2^32, so that they can be halved now and then.
struct trio {
  words strings;
  numbers batch;
  std::map<std::uint64_t, std::uint64_t> truth;
  std::uint64_t total = 0;
  std::uint64_t slack = 0;  ///< what halving may have added to the error

  explicit trio(std::uint64_t m) : strings({.capacity = m}), batch({.capacity = m}) {}

  static std::string name(std::uint64_t key) {
    return std::string(static_cast<std::size_t>(key % 40), 'x') + std::to_string(key);
  }

  void add(std::uint64_t key, std::uint64_t weight) {
    strings.add(name(key), weight);
    batch.add(key, weight);
    truth[key] += weight;
    total += weight;
  }

  /// Whether halving is exact in the truth.
  [[nodiscard]] bool is_even() const {
    for (const auto& entry : truth) {
      if (entry.second % 2 != 0) return false;
    }
    return slack % 2 == 0;
  }

  void check() const {
    QUOIN_FUZZ_CHECK(strings.size() == batch.size());
    QUOIN_FUZZ_CHECK(strings.max_error() == batch.max_error());
    QUOIN_FUZZ_CHECK(strings.total() == batch.total() && batch.total() - total <= slack);
    QUOIN_FUZZ_CHECK(batch.max_error() <= total / batch.capacity() + slack);
    QUOIN_FUZZ_CHECK(batch.size() <= 2 * batch.capacity());
    for (const auto& [key, weight] : truth) {
      QUOIN_FUZZ_CHECK(batch.lower_bound(key) <= weight && weight <= batch.upper_bound(key));
      QUOIN_FUZZ_CHECK(batch.lower_bound(key) == strings.lower_bound(name(key)));
      QUOIN_FUZZ_CHECK(batch.upper_bound(key) == strings.upper_bound(name(key)));
    }
    for (const auto& item : batch.top(batch.size())) {
      QUOIN_FUZZ_CHECK(truth.contains(item.key) && item.count > batch.max_error());
    }
  }
};

void operate(quoin_fuzz::input in) {
  trio a(in.take_in<std::uint8_t>(1, 40)), b(a.batch.capacity());
  unsigned halvings = 0;
  while (!in.empty()) {
    const auto what = in.take_in<std::uint8_t>(0, 9);
    const std::uint64_t key = in.take_in<std::uint16_t>(0, 300);
    switch (what) {
      case 0:
      case 1:
      case 2:
        a.add(key, std::uint64_t{1} << 32);
        break;
      case 3:
        a.add(key, std::uint64_t{in.take<std::uint16_t>()} << 32);
        break;
      case 4:
        b.add(key, std::uint64_t{1} << 32);
        break;
      case 5: {
        std::vector<std::uint64_t> keys;
        for (std::uint64_t i = 0; i < 90; ++i) keys.push_back(key + i * i % (key + 1));
        for (const auto each : keys) a.strings.add(trio::name(each));
        for (const auto each : keys) a.truth[each] += 1;
        a.batch.add_many(keys);
        a.total += keys.size();
        break;
      }
      case 6:
        if (a.total >= std::uint64_t{1} << 60) break;
        a.strings.merge(b.strings);
        a.batch.merge(b.batch);
        for (const auto& [k, weight] : b.truth) a.truth[k] += weight;
        a.total += b.total;
        a.slack += b.slack;
        break;
      case 7:
        std::swap(a, b);
        break;
      case 8:
        if (++halvings > 20 || !a.is_even()) break;
        a.strings.decay(0.5);
        a.batch.decay(0.5);
        for (auto& entry : a.truth) entry.second /= 2;
        a.total /= 2;
        a.slack += 4;
        break;
      default:
        if (key % 16 != 0) break;
        a = trio(a.batch.capacity());
    }
    if (a.total >= std::uint64_t{1} << 61) return;
  }
  a.check();
  b.check();
  QUOIN_FUZZ_CHECK(*words::from_bytes(a.strings.to_bytes()) == a.strings);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  operate(quoin_fuzz::input(data, size));
  return 0;
}
