// SPDX-License-Identifier: BSL-1.0
// Three buckets as one, the second of them soft, against the definition of each.
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/input.hpp"
#include "support/limit_oracle.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using bucket = quoin::token_bucket<quoin::manual_clock>;

const quoin::manual_clock epoch;

/// A quota, to all of `parts` as well.
bucket take_bucket(quoin_fuzz::input& in, std::vector<quoin_test::level_oracle>& parts) {
  const std::uint64_t count = in.take_in<std::uint32_t>(1, 1'000'000'000);
  const std::int64_t per = in.take_in<std::uint32_t>(1, 4'000'000'000u);
  const std::uint64_t burst = in.take_in<std::uint16_t>(1, 40);
  parts.emplace_back(quoin_test::bucket_quota{count, per, burst, INT64_C(60'000'000'000), burst});
  return bucket({.rate = {count, std::chrono::nanoseconds(per)}, .burst = burst}, epoch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  std::vector<quoin_test::level_oracle> parts;
  bucket first = take_bucket(in, parts), second = take_bucket(in, parts);
  quoin::multi_limiter limits(first, quoin::soft(second), take_bucket(in, parts));
  std::int64_t now = in.take<std::int32_t>() * INT64_C(1'000'000'007);
  while (!in.empty()) {
    now += in.take<std::int32_t>() >> in.take_in<std::uint8_t>(0, 31);
    const auto what = in.take<std::uint8_t>();
    const std::uint64_t cost = in.take_in<std::uint8_t>(0, 44);
    const auto time = quoin::manual_clock::time_point(std::chrono::nanoseconds(now));
    const quoin::decision a = parts[0].peek(now, cost), c = parts[2].peek(now, cost);
    if (what % 8 == 0) {
      std::uint64_t most = std::min({cost, a.remaining, c.remaining});
      QUOIN_FUZZ_CHECK(limits.acquire_up_to_at(time, cost) == most);
      parts[0].try_acquire(now, most);
      parts[1].acquire_up_to(now, most);
      parts[2].try_acquire(now, most);
    } else {
      const bool passes = a.allowed && c.allowed;
      const bool within = parts[1].peek(now, cost).allowed;
      QUOIN_FUZZ_CHECK(limits.peek_at(time, cost).allowed == passes);
      const quoin::multi_decision d = limits.try_acquire_at(time, cost);
      QUOIN_FUZZ_CHECK(d.allowed == passes);
      QUOIN_FUZZ_CHECK((d.reason == quoin::limit_reason::soft_limit) == (passes && !within));
      QUOIN_FUZZ_CHECK(d.retry_after == std::max(a.retry_after, c.retry_after));
      QUOIN_FUZZ_CHECK(d.index < 3);
      for (auto& part : parts) {  // who refuses notices that the clock was set anew
        if (passes || !part.peek(now, cost).allowed) part.try_acquire(now, cost);
      }
      QUOIN_FUZZ_CHECK(d.remaining ==
                       std::min(parts[0].peek(now, 0).remaining, parts[2].peek(now, 0).remaining));
    }
    QUOIN_FUZZ_CHECK(limits.get<1>().peek_at(time).remaining == parts[1].peek(now, 1).remaining);
  }
  return 0;
}
