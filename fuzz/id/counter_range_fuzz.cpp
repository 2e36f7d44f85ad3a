// SPDX-License-Identifier: BSL-1.0
// A counter whose coordinator, disk and process fail where the input says: no number comes twice, and
// what a crash loses was not yet on the disk.
#include <quoin/id/counter_range.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace {

using quoin::counter_block;
using quoin::counter_checkpoint;

struct crash {};

struct world {
  quoin_fuzz::input in;
  std::uint64_t coordinator = 0;
  counter_checkpoint disk{};

  void maybe_crash() {
    if (in.take_in<std::uint8_t>(0, 15) == 1) throw crash();
  }
  std::optional<counter_block> fetch() {
    maybe_crash();
    const std::uint64_t count = in.take_in<std::uint8_t>(0, 60);
    if (count == 60) return std::nullopt;
    coordinator += count;
    return counter_block{coordinator - count, count};
  }
  bool persist(const counter_checkpoint& c) {
    maybe_crash();
    if (in.take_in<std::uint8_t>(0, 7) == 1) return false;
    disk = c;
    maybe_crash();
    return true;
  }
};

bool is_in(const counter_block& block, std::uint64_t id) { return id - block.first < block.count; }

void live(world& w, std::uint64_t& next) {
  quoin::counter_range ids(
      {.checkpoint_interval = w.in.take_in<std::uint8_t>(1, 30),
       .low_water = w.in.take<std::uint8_t>(),
       .resume = w.disk},
      [&] { return w.fetch(); }, [&](const counter_checkpoint& c) { return w.persist(c); });
  while (!w.in.empty()) {
    const auto action = w.in.take<std::uint8_t>();
    if (action == 255) return;
    if (action == 254) {
      ids.refill();
      continue;
    }
    const auto got = ids.reserve(action);
    for (std::uint64_t i = 0; got && i < got->count; ++i) {
      const std::uint64_t id = got->first + i;
      QUOIN_FUZZ_CHECK(id >= next && id < w.coordinator);  // blocks come in order here
      QUOIN_FUZZ_CHECK(!is_in(w.disk.current, id) && !is_in(w.disk.next, id));
      next = id + 1;
    }
    QUOIN_FUZZ_CHECK(next + ids.remaining() <= w.coordinator);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  world w{quoin_fuzz::input(data, size)};
  std::uint64_t next = 0;
  while (!w.in.empty()) {
    try {
      live(w, next);
    } catch (const crash&) {
    }
  }
  return 0;
}
