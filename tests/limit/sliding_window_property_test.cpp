// SPDX-License-Identifier: BSL-1.0
// Any requests at any times against a count of each window that is kept for ever, and the atomic
// forms with it.
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/sliding_window.hpp>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>

namespace {

using nanoseconds = std::chrono::nanoseconds;
using quoin::decision;
using quoin::limit_reason;
using time_point = quoin::manual_clock::time_point;

const quoin::manual_clock epoch;

/// By the definitions, in whole numbers; nothing is forgotten.
struct window_model {
  std::uint64_t limit;
  std::int64_t per, offset;
  std::uint64_t half;  ///< what a fraction is rounded to: 0 down, `per` - 1 up
  bool fades;          ///< the window before weighs, too
  std::int64_t reached = INT64_MIN;
  std::map<std::int64_t, std::uint64_t> counts = {};

  [[nodiscard]] std::int64_t window_of(std::int64_t now) const {
    const std::int64_t since = now - offset;
    return std::max(reached, since / per - (since % per < 0 ? 1 : 0));
  }
  [[nodiscard]] std::uint64_t count(std::int64_t window) const {
    const auto found = counts.find(window);
    return found == counts.end() ? 0 : found->second;
  }
  /// Of what is current at `now`, and of what fades.
  [[nodiscard]] std::uint64_t weight(std::int64_t now) const {
    const std::int64_t window = window_of(now), begin = window * per + offset;
    const auto left = static_cast<std::uint64_t>(per - std::max(now - begin, std::int64_t{0}));
    const std::uint64_t before = fades ? count(window - 1) : 0;
    return count(window) + (before * left + half) / static_cast<std::uint64_t>(per);
  }
  [[nodiscard]] bool passes(std::int64_t now, std::uint64_t cost) const {
    return cost == 0 || (cost <= limit && weight(now) <= limit - cost);
  }
  [[nodiscard]] std::uint64_t remaining(std::int64_t now) const {
    return limit - std::min(limit, weight(now));
  }
  [[nodiscard]] nanoseconds reset_after(std::int64_t now) const {
    const std::int64_t window = window_of(now);
    std::int64_t windows = count(window) == 0 ? 0 : fades ? 2 : 1;
    if (windows == 0 && fades && count(window - 1) != 0) windows = 1;
    return nanoseconds(windows == 0 ? 0 : (window + windows) * per + offset - now);
  }
  void take(std::int64_t now, std::uint64_t cost) {
    if (cost == 0) return;
    reached = window_of(now);
    counts[reached] += cost;
  }
  void refund(std::int64_t now, std::uint64_t cost) {
    const std::int64_t window = window_of(now);
    if (now < window * per + offset) return;  // of one that has ended
    const std::uint64_t here = std::min(cost, count(window));
    const std::uint64_t before = fades ? std::min(cost - here, count(window - 1)) : 0;
    if (here + before == 0) return;
    counts[window] -= here;
    counts[window - 1] -= before;
    reached = window;
  }

  /// Whether `d` is what there is to say at `now` of a request that passed or did not.
  void check(const decision& d, std::int64_t now, std::uint64_t cost, bool passed) const {
    RC_ASSERT(d.allowed == passed);
    RC_ASSERT(d.limit == limit);
    RC_ASSERT(d.remaining == remaining(now));
    RC_ASSERT(d.reset_after == reset_after(now));
    if (passed) {
      RC_ASSERT(d.reason == limit_reason::none);
      RC_ASSERT(d.retry_after == nanoseconds(0));
    } else if (cost > limit) {
      RC_ASSERT(d.reason == (limit == 0 ? limit_reason::no_rate : limit_reason::cost_above_limit));
      RC_ASSERT(d.retry_after == quoin::never);
    } else {
      RC_ASSERT(d.reason == limit_reason::limited);
      RC_ASSERT(passes(now + d.retry_after.count(), cost));
      RC_ASSERT(!passes(now + d.retry_after.count() - 1, cost));
    }
  }
};

/// Asks a limiter, its atomic form and the model for the same.
template <class Limiter, class Atomic>
void ask(typename Limiter::options_type options, bool fades, bool up) {
  options.rate = {*rc::gen::inRange<std::uint64_t>(1, 12),
                  nanoseconds(*rc::gen::element<std::int64_t>(1, 2, 7, 1000, 1'000'000'007))};
  const std::int64_t per = options.rate.per.count();
  options.offset = nanoseconds(*rc::gen::inRange<std::int64_t>(-2 * per, 2 * per));
  options.max_backward_step = nanoseconds::max();
  Limiter subject(options, epoch);
  Atomic twin(subject);
  window_model model{options.rate.count, per, options.offset.count(),
                     up ? static_cast<std::uint64_t>(per - 1) : 0, fades};
  std::int64_t now = *rc::gen::element<std::int64_t>(0, -5, 1'700'000'000'000'000'000);
  for (int i = 0; i < 80; ++i) {
    now += *rc::gen::inRange<std::int64_t>(-per / 2, per) / *rc::gen::element<std::int64_t>(1, 8);
    if (*rc::gen::inRange(0, 16) == 0) now += 2 * per;
    const auto cost = *rc::gen::inRange<std::uint64_t>(0, model.limit + 2);
    const time_point time{nanoseconds(now)};
    const bool passes = model.passes(now, cost);
    const decision seen = subject.peek_at(time, cost);
    model.check(seen, now, cost, passes);
    RC_ASSERT(twin.peek_at(time, cost) == seen);
    switch (*rc::gen::inRange(0, 5)) {
      case 0: {
        const std::uint64_t taken = std::min(cost, model.remaining(now));
        RC_ASSERT(subject.acquire_up_to_at(time, cost) == taken);
        RC_ASSERT(twin.acquire_up_to_at(time, cost) == taken);
        model.take(now, taken);
        break;
      }
      case 1:
        subject.refund_at(time, cost);
        twin.refund_at(time, cost);
        model.refund(now, cost);
        break;
      default: {
        const decision d = subject.try_acquire_at(time, cost);
        RC_ASSERT(twin.try_acquire_at(time, cost) == d);
        if (passes) model.take(now, cost);
        model.check(d, now, cost, passes);
      }
    }
  }
}

using fixed = quoin::fixed_window<quoin::manual_clock>;
using sliding = quoin::sliding_window<quoin::manual_clock>;

RC_GTEST_PROP(fixed_window, counts_each_window, ()) {
  ask<fixed, quoin::atomic_fixed_window<quoin::manual_clock>>({}, false, false);
}

RC_GTEST_PROP(sliding_window, weighs_the_window_before, ()) {
  quoin::sliding_window_options options;
  const bool up = *rc::gen::arbitrary<bool>();
  options.fractions = up ? quoin::weight::up : quoin::weight::down;
  ask<sliding, quoin::atomic_sliding_window<quoin::manual_clock>>(options, true, up);
}

}  // namespace
