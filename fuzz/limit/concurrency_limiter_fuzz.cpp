// SPDX-License-Identifier: BSL-1.0
// Permits that are taken, moved and given back in any order: both fixed forms count as a model does,
// and adaptive limits stay in their bounds.
#include <quoin/limit/concurrency_limiter.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using std::chrono::nanoseconds;

void operate(quoin_fuzz::input& in) {
  std::uint64_t limit = in.take<std::uint8_t>(), in_flight = 0;
  quoin::concurrency_limiter plain(limit);
  quoin::atomic_concurrency_limiter atomic(limit);
  std::vector<quoin::concurrency_limiter::permit> permits;
  std::vector<quoin::atomic_concurrency_limiter::permit> shared;
  for (int i = 0; i < 200 && !in.empty(); ++i) {
    const auto verb = in.take<std::uint8_t>(), what = in.take<std::uint8_t>();
    if (verb % 8 == 7) {
      limit = what;
      plain.set_limit(limit), atomic.set_limit(limit);
    } else if (verb % 8 >= 4 && !permits.empty()) {
      const std::size_t which = what % permits.size();
      in_flight -= permits[which].cost();
      if (verb % 8 == 4) {
        permits[which].release(), shared[which].release();
      } else if (which + 1 != permits.size()) {
        permits[which] = std::move(permits.back()), shared[which] = std::move(shared.back());
        permits.pop_back(), shared.pop_back();
      } else {
        permits.pop_back(), shared.pop_back();
      }
    } else {
      const std::uint64_t cost = what % 16;
      permits.push_back(plain.try_acquire(cost));
      shared.push_back(atomic.try_acquire(cost));
      const bool fits = cost == 0 || in_flight + cost <= limit;
      if (fits) in_flight += cost;
      QUOIN_FUZZ_CHECK(static_cast<bool>(permits.back()) == fits);
      QUOIN_FUZZ_CHECK(static_cast<bool>(shared.back()) == fits);
    }
    QUOIN_FUZZ_CHECK(plain.in_flight() == in_flight && atomic.in_flight() == in_flight);
  }
}

template <class Algorithm>
void adapt(quoin_fuzz::input& in, const Algorithm& algorithm) {
  quoin::manual_clock clock;
  quoin::adaptive_concurrency_limiter limiter(algorithm, clock);
  std::vector<typename decltype(limiter)::permit> permits;
  for (int i = 0; i < 300 && !in.empty(); ++i) {
    const auto verb = in.take<std::uint8_t>();
    clock.advance(nanoseconds(in.take<std::int16_t>()) *
                  (verb % 16 == 0 ? 1'000'000'000'000 : 1000));
    if (verb % 4 == 0 || permits.empty()) {
      const bool room = limiter.in_flight() < limiter.limit();
      if (auto permit = limiter.try_acquire()) {
        QUOIN_FUZZ_CHECK(room);
        permits.push_back(std::move(permit));
      } else {
        QUOIN_FUZZ_CHECK(!room);
      }
    } else {
      std::swap(permits[verb / 16 % permits.size()], permits.back());
      if (verb % 4 == 1) permits.back().succeed();
      if (verb % 4 == 2) permits.back().drop();
      permits.pop_back();
    }
    QUOIN_FUZZ_CHECK(limiter.in_flight() == permits.size());
    QUOIN_FUZZ_CHECK(limiter.limit() >= 2 && limiter.limit() <= 50);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto kind = in.take<std::uint8_t>();
  const std::uint64_t initial = in.take_in<std::uint8_t>(2, 50);
  if (kind % 4 == 0) {
    adapt(in,
          quoin::aimd_limit({.initial = initial,
                             .lowest = 2,
                             .highest = 50,
                             .timeout = nanoseconds(in.take_in<std::uint32_t>(1, 50'000'000))}));
  } else if (kind % 4 == 1) {
    adapt(in, quoin::gradient_limit({.initial = initial,
                                     .lowest = 2,
                                     .highest = 50,
                                     .queue = in.take_in<std::uint8_t>(1, 255),
                                     .samples = in.take_in<std::uint8_t>(1, 5),
                                     .memory = in.take_in<std::uint8_t>(1, 50),
                                     .smoothing = in.take<bool>() ? 1 : 0.2}));
  } else {
    operate(in);
  }
  return 0;
}
