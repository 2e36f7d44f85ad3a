// SPDX-License-Identifier: BSL-1.0
// Makers, a store, and whatever comes between them, in an order that the input says; and any bytes
// as a record.
#include <quoin/id/worker_lease.hpp>

#include "support/input.hpp"
#include "support/lease_world.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace {

void read_record(std::span<const std::uint8_t> bytes) {
  const auto record = quoin::worker_record::from_bytes(std::as_bytes(bytes));
  if (!record) {
    QUOIN_FUZZ_CHECK(record.error().position() <= bytes.size());
    return;
  }
  const auto again = record->to_bytes();
  QUOIN_FUZZ_CHECK(again.size() == bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    QUOIN_FUZZ_CHECK(std::to_integer<std::uint8_t>(again[i]) == bytes[i]);
  }
}

/// Any record with the right frame, and a lease that comes upon it.
void meet_record(quoin_fuzz::input& in) {
  struct one {
    quoin::worker_record* row;
    std::optional<quoin::worker_record> read(std::uint64_t /*worker*/) { return *row; }
    std::optional<bool> compare_and_set(std::uint64_t /*worker*/, const quoin::worker_record& from,
                                        const quoin::worker_record& to) {
      QUOIN_FUZZ_CHECK(from == *row && to.token > from.token);
      QUOIN_FUZZ_CHECK(from.token == 0 || to.end >= from.end);
      *row = to;
      return true;
    }
  };
  using mark = quoin::worker_record::time_point;
  quoin::worker_record row{in.take<std::uint64_t>(), in.take<std::uint64_t>(),
                           in.take<std::uint64_t>(), mark(mark::duration(in.take<std::int64_t>())),
                           in.take<bool>()};
  if (row.token == 0 || row.token > quoin::worker_record::last_token) row = {};
  const quoin::worker_record before = row;
  const quoin::manual_clock clock(
      quoin::manual_clock::time_point(std::chrono::nanoseconds(in.take<std::int64_t>())));
  quoin::worker_lease<one, quoin::manual_clock> lease(
      {.workers = 1, .store_may_forget = in.take<bool>(), .incarnation = 7}, one{&row}, clock);
  const auto number = lease.acquire();
  const bool acquired = number || number.error() == quoin::worker_error::too_early;
  QUOIN_FUZZ_CHECK(acquired == (row != before));
  QUOIN_FUZZ_CHECK(!acquired || before.token == 0 || lease.begins() >= before.end);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_record({data, size});
  quoin_fuzz::input in(data, size);
  meet_record(in);
  const auto choose = [&in](std::uint64_t below) {
    return in.take_in<std::uint16_t>(0, static_cast<std::uint16_t>(below - 1));
  };
  quoin_test::lease_world_options options;
  options.workers = in.take_in<std::uint8_t>(1, 8);
  options.holders = in.take_in<std::uint8_t>(2, 7);
  options.faults = in.take<std::uint8_t>() / 2;
  options.forgets = in.take<bool>();
  const bool by_rights = in.take<bool>();
  options.clock_error = by_rights ? options.skew / 2 : in.take<std::uint16_t>() / 4;
  quoin_test::lease_world world(options, choose);
  while (!in.empty()) {
    world.step();
    QUOIN_FUZZ_CHECK(world.broken() == nullptr);
  }
  QUOIN_FUZZ_CHECK(world.recovers() && world.broken() == nullptr);
  QUOIN_FUZZ_CHECK(world.overlaps() == 0 || options.forgets || !by_rights);
  return 0;
}
