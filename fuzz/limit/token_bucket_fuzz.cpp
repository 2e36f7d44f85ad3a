// SPDX-License-Identifier: BSL-1.0
// Any operations at any times against a bucket that counts its tokens, and forms from anywhere.
#include <quoin/limit/token_bucket.hpp>

#include "support/input.hpp"
#include "support/limit_oracle.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {

using nanoseconds = std::chrono::nanoseconds;
using bucket = quoin::token_bucket<quoin::manual_clock>;

const quoin::manual_clock epoch;

bucket::time_point at(std::int64_t now) { return bucket::time_point(nanoseconds(now)); }

void operate(quoin_fuzz::input in) {
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  const std::uint64_t count = in.take<std::uint64_t>() >> in.take_in<std::uint8_t>(24, 63);
  const auto per = 1 + (in.take<std::uint64_t>() >> in.take_in<std::uint8_t>(24, 63));
  const std::uint64_t burst = in.take_in<std::uint64_t>(1, (std::uint64_t{1} << 58) / most);
  const quoin_test::bucket_quota quota{count, static_cast<std::int64_t>(per), burst};
  bucket subject({.rate = {count, nanoseconds(quota.per)},
                  .burst = burst,
                  .max_backward_step = nanoseconds::max()},
                 epoch);
  quoin_test::level_oracle model(quota);
  std::int64_t now = in.take<std::int64_t>() >> 2;
  while (!in.empty()) {
    const auto action = in.take<std::uint8_t>();
    now += in.take<std::int64_t>() >> in.take_in<std::uint8_t>(16, 63);
    const std::uint64_t cost = in.take_in<std::uint32_t>(0, 300000);
    const quoin::decision before = model.peek(now, cost);
    QUOIN_FUZZ_CHECK(subject.peek_at(at(now), cost) == before);
    switch (action % 5) {
      case 0:
        QUOIN_FUZZ_CHECK(subject.acquire_up_to_at(at(now), cost) == model.acquire_up_to(now, cost));
        break;
      case 1:
        if (subject.debit_at(at(now), cost) && cost != 0) model.debit(now, cost);
        break;
      case 2:
        subject.refund_at(at(now), cost);
        if (cost != 0) model.refund(now, cost);
        break;
      case 3: {
        const quoin::reservation r = subject.reserve_at(at(now), cost);
        QUOIN_FUZZ_CHECK(r.wait == before.retry_after);
        if (r && cost != 0) model.debit(now, cost);
        break;
      }
      default:
        QUOIN_FUZZ_CHECK(subject.try_acquire_at(at(now), cost) == model.try_acquire(now, cost));
    }
  }
}

void read(std::span<const std::byte> bytes, std::int64_t now) {
  const auto subject = bucket::from_bytes_at(bytes, at(now), epoch);
  if (!subject) return;
  const auto written = subject->to_bytes_at(at(now));
  const auto again = bucket::from_bytes_at(written, at(now), epoch);
  QUOIN_FUZZ_CHECK(again.has_value() && again->to_bytes_at(at(now)) == written);
  QUOIN_FUZZ_CHECK(again->peek_at(at(now)) == subject->peek_at(at(now)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const bool decode = in.take<bool>();
  if (!decode) {
    operate(in);
    return 0;
  }
  const auto now = in.take<std::int64_t>();
  const auto bytes = in.rest();
  read(std::as_bytes(bytes), now);
  return 0;
}
