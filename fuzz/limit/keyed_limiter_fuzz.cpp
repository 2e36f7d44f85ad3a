// SPDX-License-Identifier: BSL-1.0
// Two bodies, chosen by the first byte: the decoder on raw bytes, and operations against an exact
// bucket for each key.
#include <quoin/limit/keyed_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace {

using clock_type = quoin::manual_clock;
using time_point = clock_type::time_point;
using exact = quoin::keyed_limiter<std::uint8_t, clock_type>;
using compact = quoin::compact_keyed_limiter<std::uint8_t, clock_type>;
using bucket = quoin::token_bucket<clock_type>;

const clock_type clock_at_zero;
constexpr quoin::keyed_limiter_options usual{
    .rate = {7, std::chrono::seconds(1)}, .burst = 5, .capacity = 40, .seed = 42};

template <class Limiter>
void decode(std::span<const std::uint8_t> raw) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t b : raw) bytes.push_back(static_cast<std::byte>(b));
  // Fuzzers do not guess checksums: every input is also tried with one that fits.
  for (const bool fix : {false, true}) {
    if (fix && bytes.size() >= 8) {
      const std::size_t end = bytes.size() - 8;
      quoin::detail::store_le(&bytes[end], quoin::detail::xxh64(bytes.data(), end, 0));
    }
    const time_point now{std::chrono::hours(1)};
    auto limiter = Limiter::from_bytes_at(bytes, now, usual, clock_at_zero);
    if (!limiter) {
      QUOIN_FUZZ_CHECK(limiter.error().position() <= bytes.size());
      continue;
    }
    QUOIN_FUZZ_CHECK(limiter->count_at(now) <= bytes.size() / 16);
    const auto before = limiter->peek_at(now, 1);
    const auto again = Limiter::from_bytes_at(limiter->to_bytes_at(now), now, usual, clock_at_zero);
    QUOIN_FUZZ_CHECK(again && again->count_at(now) == limiter->count_at(now));
    QUOIN_FUZZ_CHECK(limiter->try_acquire_at(now, 1).allowed == before.allowed);
  }
}

void operate(quoin_fuzz::input in) {
  const quoin::rate rate{in.take_in<std::uint8_t>(1, 146), std::chrono::microseconds(1)};
  const std::uint64_t burst = in.take_in<std::uint8_t>(1, 100);
  exact one({.rate = rate, .burst = burst, .capacity = 500, .seed = 3}, clock_at_zero);
  compact other({.rate = rate, .burst = burst, .capacity = 500, .seed = 3}, clock_at_zero);
  std::map<std::uint8_t, bucket> model, allowed;
  time_point now{std::chrono::nanoseconds(in.take<std::int64_t>() / 2)};
  for (int i = 0; i < 200 && !in.empty(); ++i) {
    const auto what = in.take<std::uint8_t>();
    const auto key = in.take_in<std::uint8_t>(0, 9);
    const std::uint64_t cost = in.take_in<std::uint8_t>(0, 20);
    now += std::chrono::nanoseconds(in.take<std::uint16_t>());
    const quoin::token_bucket_options quota{rate, burst};
    bucket& is = model.try_emplace(key, quota, clock_at_zero).first->second;
    bucket& more = allowed.try_emplace(key, quota, clock_at_zero).first->second;
    switch (what % 6) {
      case 0:
        QUOIN_FUZZ_CHECK(one.acquire_up_to_at(now, key, cost) == is.acquire_up_to_at(now, cost));
        break;
      case 1:
        QUOIN_FUZZ_CHECK(one.debit_at(now, key, cost) == is.debit_at(now, cost));
        break;
      case 2:
        QUOIN_FUZZ_CHECK(one.reserve_at(now, key, cost) == is.reserve_at(now, cost));
        break;
      case 3:
        one.refund_at(now, key, cost);
        is.refund_at(now, cost);
        break;
      default:
        QUOIN_FUZZ_CHECK(one.try_acquire_at(now, key, cost) == is.try_acquire_at(now, cost));
        if (other.try_acquire_at(now, key, cost)) {
          QUOIN_FUZZ_CHECK(more.try_acquire_at(now, cost).allowed);
        }
    }
    QUOIN_FUZZ_CHECK(one.peek_at(now, key, cost) == is.peek_at(now, cost));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  switch (in.take_in<std::uint8_t>(0, 2)) {
    case 0:
      decode<exact>(in.rest());
      break;
    case 1:
      decode<compact>(in.rest());
      break;
    default:
      operate(in);
  }
  return 0;
}
