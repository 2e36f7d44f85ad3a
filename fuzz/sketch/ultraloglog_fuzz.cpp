// SPDX-License-Identifier: BSL-1.0
// Three bodies, chosen by the first byte: the decoder on raw bytes, operations against a set of the
// hashes inserted, and every kernel against the scalar one.
#include <quoin/sketch/ultraloglog.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace {

namespace detail = quoin::detail;
using sketch = quoin::ultraloglog<>;

void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      detail::store_le(&bytes[end], detail::xxh64(bytes.data(), end, 0));
    }
    const auto s = sketch::from_bytes(bytes);
    if (!s) {
      QUOIN_FUZZ_CHECK(s.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(s->to_bytes({.stream_estimate = true}) == bytes);
    QUOIN_FUZZ_CHECK(s->size_bytes() <= 48 + bytes.size());
    QUOIN_FUZZ_CHECK(s->estimate() >= 0 && s->estimate_from_state() >= 0);
    const auto [low, high] = s->confidence_interval(2);
    QUOIN_FUZZ_CHECK(low >= 0 && high >= s->estimate());
    if (s->precision() > 14) continue;
    sketch other = *s;
    other.insert(1);
    other.downsize(4);
    other.merge(*s);
    QUOIN_FUZZ_CHECK(sketch::from_bytes(other.to_bytes()).value() == other);
    QUOIN_FUZZ_CHECK(s->to_hyperloglog().estimate() >= 0);
  }
}

void operate(quoin_fuzz::input in) {
  unsigned precision = in.take_in<std::uint8_t>(4, 12);
  sketch s({.precision = precision});
  std::set<std::uint64_t> hashes;
  const auto of = [](const std::set<std::uint64_t>& all, unsigned p) {
    sketch built({.precision = p});
    for (const std::uint64_t hash : all) built.insert_hash(hash);
    return built;
  };
  for (int step = 0; step < 50 && !in.empty(); ++step) {
    const auto what = in.take_in<std::uint8_t>(0, 6);
    switch (what) {
      case 0: {
        const auto hash = in.take<std::uint64_t>();
        s.insert_hash(hash);
        hashes.insert(hash);
        break;
      }
      case 1:
      case 2: {
        std::vector<std::uint64_t> keys(in.take<std::uint16_t>() % 600u);
        const std::uint64_t first = in.take<std::uint16_t>();
        for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = first + i;
        std::set<std::uint64_t> more;
        for (const std::uint64_t key : keys) more.insert(quoin::hash{}(key));
        if (what == 2) {
          const unsigned p = in.take_in<std::uint8_t>(4, 12);
          s.merge(of(more, p));
          precision = std::min(p, precision);
        } else {
          s.insert_many(keys);
        }
        hashes.insert(more.begin(), more.end());
        break;
      }
      case 3:
        precision = std::min<unsigned>(precision, in.take_in<std::uint8_t>(4, 12));
        s.downsize(precision);
        break;
      case 4:
        s = sketch::from_bytes(s.to_bytes({.stream_estimate = in.take<bool>()})).value();
        break;
      case 5: {
        const sketch before = s;
        s.merge(before);
        QUOIN_FUZZ_CHECK(s == before);
        break;
      }
      default:
        if (in.take<std::uint8_t>() % 16 != 0) break;
        s.clear();
        hashes.clear();
    }
  }
  QUOIN_FUZZ_CHECK(s.precision() == precision);
  QUOIN_FUZZ_CHECK(s == of(hashes, precision));
  QUOIN_FUZZ_CHECK(s.to_bytes() == of(hashes, precision).to_bytes());
  QUOIN_FUZZ_CHECK(s.empty() == hashes.empty());
  quoin::hyperloglog<> ranks({.precision = precision});
  for (const std::uint64_t hash : hashes) ranks.insert_hash(hash);
  std::vector<std::uint8_t> mine(std::size_t{1} << precision), theirs = mine;
  s.to_hyperloglog().copy_registers(precision, mine);
  ranks.copy_registers(precision, theirs);
  QUOIN_FUZZ_CHECK(mine == theirs);
}

void compare_kernels(quoin_fuzz::input in) {
  const unsigned precision = in.take_in<std::uint8_t>(4, 10);
  const std::size_t m = std::size_t{1} << precision;
  std::vector<std::uint8_t> rows[2];
  for (auto& row : rows) {
    row.resize(std::max<std::size_t>(64, m));
    std::uint64_t state = in.take<std::uint64_t>();
    for (std::size_t i = 0; i < m; ++i) {
      state = quoin::hash{}(state);
      const auto value = static_cast<std::uint8_t>(state);
      if (detail::is_ull_register(value, precision)) row[i] = value;
    }
  }
  std::vector<std::uint64_t> hashes(in.take_in<std::uint8_t>(0, 255));
  for (auto& hash : hashes) hash = in.take<std::uint64_t>();
  const auto scalar = detail::ull_kernels_of(quoin::isa::scalar);
  detail::for_each_isa([&](quoin::isa level) {
    const auto kernels = detail::ull_kernels_of(level);
    auto a = rows[0], b = rows[0];
    detail::ull_stream one, two;
    kernels.insert(a.data(), precision, hashes.data(), hashes.size(), one);
    scalar.insert(b.data(), precision, hashes.data(), hashes.size(), two);
    QUOIN_FUZZ_CHECK(a == b && one.chance == two.chance);
    kernels.merge(a.data(), rows[1].data(), a.size());
    scalar.merge(b.data(), rows[1].data(), b.size());
    QUOIN_FUZZ_CHECK(a == b);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  switch (in.take_in<std::uint8_t>(0, 2)) {
    case 0:
      decode(in.rest());
      break;
    case 1:
      operate(in);
      break;
    default:
      compare_kernels(in);
  }
  return 0;
}
