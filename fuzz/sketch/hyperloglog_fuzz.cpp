// SPDX-License-Identifier: BSL-1.0
// Three bodies, chosen by the first byte: the decoder on raw bytes, operations against a set of the
// hashes inserted, and every kernel against the scalar one.
#include <quoin/sketch/hyperloglog.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace {

namespace detail = quoin::detail;
using sketch = quoin::hyperloglog<>;

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
    QUOIN_FUZZ_CHECK(s->size_bytes() <= 64 + 3 * bytes.size());
    QUOIN_FUZZ_CHECK(s->estimate() >= 0 && s->estimate_from_state() >= 0);
    const auto [low, high] = s->confidence_interval(2);
    QUOIN_FUZZ_CHECK(low >= 0 && high >= s->estimate());
    sketch other = *s;
    other.insert(1);
    other.downsize(4);
    const double both = s->union_estimate(other);
    QUOIN_FUZZ_CHECK(both >= 0);
    other.merge(*s);
    QUOIN_FUZZ_CHECK(sketch::from_bytes(other.to_bytes()).value() == other);
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
    const auto what = in.take_in<std::uint8_t>(0, 7);
    switch (what) {
      case 0: {
        const auto hash = in.take<std::uint64_t>();
        s.insert_hash(hash);
        hashes.insert(hash);
        break;
      }
      case 1:
      case 2:
      case 3: {
        std::vector<std::uint64_t> keys(in.take<std::uint16_t>() % (what == 1 ? 8u : 600u));
        const std::uint64_t first = in.take<std::uint16_t>();
        for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = first + i;
        std::set<std::uint64_t> more;
        for (const std::uint64_t key : keys) more.insert(quoin::hash{}(key));
        if (what == 3) {
          const unsigned p = in.take_in<std::uint8_t>(4, 12);
          const sketch other = of(more, p);
          const double promised = s.union_estimate(other);
          s.merge(other);
          precision = std::min(p, precision);
          QUOIN_FUZZ_CHECK(quoin_fuzz::about_equal(promised, s.estimate_from_state()) ||
                           quoin_fuzz::about_equal(promised, s.estimate()));
        } else {
          s.insert_many(keys);
        }
        hashes.insert(more.begin(), more.end());
        break;
      }
      case 4:
        precision = std::min<unsigned>(precision, in.take_in<std::uint8_t>(4, 12));
        s.downsize(precision);
        break;
      case 5:
        s = sketch::from_bytes(s.to_bytes({.stream_estimate = in.take<bool>()})).value();
        break;
      case 6: {
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
}

void compare_kernels(quoin_fuzz::input in) {
  const unsigned precision = in.take_in<std::uint8_t>(4, 12);
  const std::size_t m = std::size_t{1} << precision;
  const unsigned base = in.take_in<std::uint8_t>(0, 65), spread = in.take_in<std::uint8_t>(1, 66);
  std::vector<std::uint8_t> rows[2];
  for (auto& row : rows) {
    row.resize(m);
    std::uint64_t state = in.take<std::uint64_t>();
    for (auto& rank : row) {
      state = quoin::hash{}(state);
      rank = static_cast<std::uint8_t>(
          std::min<unsigned>(65 - precision, base + static_cast<unsigned>(state % spread)));
    }
    for (int i = 0; i < 20 && !in.empty(); ++i) {
      row[in.take<std::uint16_t>() % m] =
          in.take_in<std::uint8_t>(0, static_cast<std::uint8_t>(65 - precision));
    }
  }
  std::vector<std::uint64_t> hashes(in.take_in<std::uint8_t>(0, 255));
  for (auto& hash : hashes) hash = in.take<std::uint64_t>();
  const auto scalar = detail::hll_kernels_of(quoin::isa::scalar);
  detail::for_each_isa([&](quoin::isa level) {
    const auto kernels = detail::hll_kernels_of(level);
    auto a = rows[0], b = rows[0];
    auto tally = scalar.tally(a.data(), precision), expected = tally;
    QUOIN_FUZZ_CHECK(kernels.tally(a.data(), precision) == expected);
    QUOIN_FUZZ_CHECK(kernels.tally_union(a.data(), rows[1].data(), precision) ==
                     scalar.tally_union(a.data(), rows[1].data(), precision));
    detail::hll_stream one, two;
    kernels.insert(a.data(), precision, hashes.data(), hashes.size(), tally, one);
    scalar.insert(b.data(), precision, hashes.data(), hashes.size(), expected, two);
    QUOIN_FUZZ_CHECK(a == b && tally == expected);
    QUOIN_FUZZ_CHECK(kernels.merge(a.data(), rows[1].data(), precision) ==
                     scalar.merge(b.data(), rows[1].data(), precision));
    QUOIN_FUZZ_CHECK(a == b);
    QUOIN_FUZZ_CHECK(scalar.tally(a.data(), precision) == kernels.tally(b.data(), precision));
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
