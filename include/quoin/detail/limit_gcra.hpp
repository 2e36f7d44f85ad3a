// SPDX-License-Identifier: BSL-1.0
/// @file
/// The arithmetic of buckets: the generic cell rate algorithm (ITU-T I.371, annex A) in exact
/// rational time.
///
/// A bucket that holds `burst` tokens and gets `count` back in each `per` is one instant, the
/// theoretical arrival time at which it will be full again. A token is per/count = token/tick
/// nanoseconds, in lowest terms. In units of 1/tick ns all is whole: a token costs `token` units, a
/// nanosecond gives `tick` back, and n tokens pass at `now` if
///     max(arrival - now, 0) + n * token <= burst * token.
/// No rate is rounded, and nothing drifts. A rate of zero has tick = 0 and units of tokens.
#ifndef QUOIN_DETAIL_LIMIT_GCRA_HPP
#define QUOIN_DETAIL_LIMIT_GCRA_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_division.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace quoin::inline QUOIN_ABI {

/// The quota of a bucket.
struct token_bucket_options {
  /// What `max_debt` is unless said otherwise: as much as the burst.
  static constexpr std::uint64_t as_burst = ~std::uint64_t{0};

  quoin::rate rate;  ///< tokens that come back: at most 2^58, in at most 2^58 ns (9 years)
  /// Tokens of a full bucket; 0: `rate.count`. With per/count = p/q in lowest terms, burst · p is at
  /// most 2^58.
  std::uint64_t burst = 0;
  /// Tokens that `debit` and `reserve` may owe; max_debt · p is at most 2^58.
  std::uint64_t max_debt = as_burst;
  /// A clock that is this much, >= 0, behind the time at which the greatest debt would have been made
  /// has been set back: the bucket goes on from there, empty.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const token_bucket_options&,
                                   const token_bucket_options&) = default;
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

/// No bucket and no debt is more units than this, nor any time or count of a rate.
inline constexpr std::int64_t gcra_most = std::int64_t{1} << 58;
/// More than any bucket and debt together: what does not fit into a comparison.
inline constexpr std::int64_t gcra_beyond = std::int64_t{1} << 62;

/// A quota in units.
struct gcra_quota {
  std::int64_t token = 1;     ///< units of a token, >= 1
  std::int64_t tick = 0;      ///< units that come back in a nanosecond
  std::int64_t capacity = 0;  ///< of a full bucket
  std::int64_t lending = 0;   ///< `capacity` and the greatest debt
  std::uint64_t limit = 0;    ///< tokens of a full bucket
};

/// What is wrong with an option, if `parameter` is not null.
struct gcra_fault {
  const char* parameter = nullptr;
  std::int64_t value = 0;
  const char* permitted = nullptr;  ///< null: up to `largest`, for this rate
  std::uint64_t largest = 0;
};

/// `options` in units to `*quota`, or what is wrong with them.
/// @param burst  what `options.burst` is called where they come from.
[[nodiscard]] constexpr gcra_fault gcra_quota_of(const token_bucket_options& options,
                                                 gcra_quota* quota,
                                                 const char* burst_name = "burst") noexcept {
  constexpr auto most = static_cast<std::uint64_t>(gcra_most);
  const std::int64_t per = options.rate.per.count();
  const std::int64_t step = options.max_backward_step.count();
  const std::uint64_t count = options.rate.count;
  const auto fault = [](const char* parameter, auto value, const char* permitted,
                        std::uint64_t largest = 0) {
    return gcra_fault{parameter, static_cast<std::int64_t>(value), permitted, largest};
  };
  if (per < 1 || per > gcra_most) return fault("rate.per", per, "1 ns to 2^58 ns");
  if (count > most) return fault("rate.count", count, nullptr, most);
  if (step < 0) return fault("max_backward_step", step, "0 or more");
  const auto time = static_cast<std::uint64_t>(per);
  const std::uint64_t shared = greatest_common_divisor(time, count);
  const std::uint64_t token = count == 0 ? 1 : time / shared;
  const std::uint64_t largest = most / token;
  const std::uint64_t burst = options.burst == 0 ? count : options.burst;
  if (burst > largest) {  // by the name of what the caller gave
    const char* name = options.burst == 0 ? "rate.count (all at once)" : burst_name;
    return fault(name, burst, nullptr, largest);
  }
  const bool as_burst = options.max_debt == token_bucket_options::as_burst;
  const std::uint64_t debt = as_burst ? burst : options.max_debt;
  if (debt > largest) return fault("max_debt", debt, nullptr, largest);
  *quota = {.token = static_cast<std::int64_t>(token),
            .tick = static_cast<std::int64_t>(count == 0 ? 0 : count / shared),
            .capacity = static_cast<std::int64_t>(burst * token),
            .lending = static_cast<std::int64_t>((burst + debt) * token),
            .limit = burst};
  return {};
}

[[noreturn]] QUOIN_COLD inline void fail_quota(const char* type, const gcra_fault& fault) {
  if (fault.permitted != nullptr) {
    fail_argument(type, fault.parameter, fault.value, fault.permitted);
  }
  char permitted[64];
  std::snprintf(permitted, sizeof permitted, "at most %llu at this rate",
                static_cast<unsigned long long>(fault.largest));
  fail_argument(type, fault.parameter, static_cast<std::uint64_t>(fault.value), permitted);
}

/// The quota of valid options; fails by the name of `type` on others.
[[nodiscard]] inline gcra_quota checked_quota(const char* type, const token_bucket_options& options,
                                              const char* burst_name = "burst") {
  gcra_quota quota;
  if (const gcra_fault fault = gcra_quota_of(options, &quota, burst_name);
      fault.parameter != nullptr) {
    fail_quota(type, fault);
  }
  return quota;
}

/// The theoretical arrival time: `ahead` units, >= 0, after `time` in nanoseconds. `time` is the
/// latest `now` at which something was taken; a bucket that was never used has been full forever.
struct gcra_state {
  std::int64_t time = INT64_MIN;
  std::int64_t ahead = 0;

  friend constexpr bool operator==(const gcra_state&, const gcra_state&) = default;
};

/// A bucket at some `now`.
struct gcra_moment {
  std::int64_t now;
  std::int64_t time;   ///< `now`, or the time of the state if that is later
  std::int64_t ahead;  ///< from there to the arrival time, in units, >= 0
  std::int64_t load;   ///< from `now` to the arrival time, in units, at most `gcra_beyond`

  /// Nanoseconds by which `now` is before `time`.
  [[nodiscard]] constexpr std::uint64_t back() const noexcept {
    return static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(now);
  }
};

/// The state to go on from at a `now` before its time: itself, or an empty bucket at `now` when the
/// arrival time is further off than `step` and the greatest debt: then the clock has been set anew.
[[nodiscard]] constexpr gcra_state gcra_resumed(const gcra_quota& quota, const gcra_state& state,
                                                std::int64_t now, std::int64_t step) noexcept {
  if (quota.tick == 0) return state;
  const std::uint64_t back =
      static_cast<std::uint64_t>(state.time) - static_cast<std::uint64_t>(now);
  const auto usual = static_cast<std::uint64_t>(step);
  // (back - step) * tick > lending - ahead, where both differences may be negative.
  const std::int64_t left = quota.lending - state.ahead;
  const std::int64_t room = left / quota.tick - (left % quota.tick < 0 ? 1 : 0);
  const bool anew = room < 0 ? back >= usual || usual - back < static_cast<std::uint64_t>(-room)
                             : back > usual && back - usual > static_cast<std::uint64_t>(room);
  return anew ? gcra_state{now, quota.capacity} : state;
}

/// The load at `back` nanoseconds before the time of a state.
[[nodiscard]] QUOIN_COLD constexpr std::int64_t gcra_load_before(std::int64_t tick,
                                                                 std::int64_t ahead,
                                                                 std::uint64_t back) noexcept {
  std::uint64_t more = 0;
  const bool fits = checked_mul(back, static_cast<std::uint64_t>(tick), &more) &&
                    more < static_cast<std::uint64_t>(gcra_beyond - ahead);
  return fits ? ahead + static_cast<std::int64_t>(more) : gcra_beyond;
}

/// `state` at a `now` that is not further back than it may be.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr gcra_moment gcra_at(const gcra_quota& quota,
                                                                const gcra_state& state,
                                                                std::int64_t now) noexcept {
  if (now < state.time) [[unlikely]] {
    const std::uint64_t behind =
        static_cast<std::uint64_t>(state.time) - static_cast<std::uint64_t>(now);
    return {now, state.time, state.ahead, gcra_load_before(quota.tick, state.ahead, behind)};
  }
  const std::uint64_t passed =
      static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(state.time);
  std::uint64_t back = 0;
  const bool some = checked_mul(passed, static_cast<std::uint64_t>(quota.tick), &back) &&
                    back < static_cast<std::uint64_t>(state.ahead);
  const std::int64_t ahead = some ? state.ahead - static_cast<std::int64_t>(back) : 0;
  return {now, now, ahead, ahead};
}

/// Nanoseconds from `now` until the arrival time is `excess` units less ahead of it than it is of
/// `moment.time`; rounded up, and 0 if it is already.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::chrono::nanoseconds gcra_wait(
    const gcra_quota& quota, const gcra_moment& moment, std::int64_t excess) noexcept {
  if (quota.tick == 0) return excess > 0 ? never : std::chrono::nanoseconds(0);
  const std::int64_t after = excess / quota.tick + (excess % quota.tick > 0 ? 1 : 0);
  const std::uint64_t back = moment.back();
  const auto later = static_cast<std::uint64_t>(after);
  if (after < 0 && back < 0 - later) return std::chrono::nanoseconds(0);
  const std::uint64_t wait = back + later;  // modulo 2^64
  constexpr auto longest = static_cast<std::uint64_t>(INT64_MAX);
  if (wait > longest || (after >= 0 && wait < back)) return never;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(wait));
}

/// Whole tokens that pass when the arrival time is `load` units ahead.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t gcra_remaining(
    const gcra_quota& quota, std::int64_t load) noexcept {
  if (load > quota.capacity) return 0;
  return static_cast<std::uint64_t>(quota.capacity - load) /
         static_cast<std::uint64_t>(quota.token);
}

/// The answer that lets pass: `units` have been taken at `moment`, or none were.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr decision gcra_allowed(const gcra_quota& quota,
                                                                  const gcra_moment& moment,
                                                                  std::int64_t units) noexcept {
  return {.allowed = true,
          .limit = quota.limit,
          .remaining = gcra_remaining(quota, moment.load + units),
          .reset_after = gcra_wait(quota, moment, moment.ahead + units)};
}

/// The answer that does not: nothing was taken, and `most` units may be ahead after `cost` tokens.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr decision gcra_refused(const gcra_quota& quota,
                                                                  const gcra_moment& moment,
                                                                  std::uint64_t cost,
                                                                  std::int64_t most,
                                                                  limit_reason reason) noexcept {
  decision answer{.allowed = false,
                  .reason = reason,
                  .limit = quota.limit,
                  .remaining = gcra_remaining(quota, moment.load),
                  .retry_after = never,
                  .reset_after = gcra_wait(quota, moment, moment.ahead)};
  if (cost <= static_cast<std::uint64_t>(most) / static_cast<std::uint64_t>(quota.token)) {
    const std::int64_t units = static_cast<std::int64_t>(cost) * quota.token;
    answer.retry_after = gcra_wait(quota, moment, moment.ahead + units - most);
  }
  return answer;
}

/// Why `cost` tokens, at least one, do not pass, or do not pass yet.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr limit_reason gcra_reason(const gcra_quota& quota,
                                                                     std::uint64_t cost) noexcept {
  const limit_reason reason = refusal_of(cost, quota.limit);
  return reason == limit_reason::limited && quota.tick == 0 ? limit_reason::no_rate : reason;
}

/// The state after `cost` tokens came back to a bucket that is not full at `moment`: the arrival time
/// is so much earlier, but not before `now`.
[[nodiscard]] constexpr gcra_state gcra_refunded(const gcra_quota& quota, const gcra_moment& moment,
                                                 std::uint64_t cost) noexcept {
  const auto most = static_cast<std::uint64_t>(gcra_beyond / quota.token);
  const std::int64_t units = static_cast<std::int64_t>(min_of(cost, most)) * quota.token;
  if (moment.load <= quota.lending) {
    return {moment.now, max_of(moment.load - units, std::int64_t{0})};
  }
  if (units <= moment.ahead) return {moment.time, moment.ahead - units};
  if (quota.tick == 0) return {moment.time, 0};
  const std::int64_t before = units - moment.ahead;  // of `moment.time`
  if (static_cast<std::uint64_t>(before / quota.tick) >= moment.back()) return {moment.now, 0};
  const std::int64_t earlier = before / quota.tick + (before % quota.tick > 0 ? 1 : 0);
  return {moment.time - earlier, earlier * quota.tick - before};
}

/// floor(a * b / c) for c > 0, at most 2^63 - 1 either way.
[[nodiscard]] constexpr std::int64_t scaled(std::int64_t a, std::int64_t b,
                                            std::int64_t c) noexcept {
  const bool negative = a < 0;
  const auto divisor = static_cast<std::uint64_t>(c);
  const uint128_halves product =
      mul_full(static_cast<std::uint64_t>(negative ? -a : a), static_cast<std::uint64_t>(b));
  constexpr auto most = static_cast<std::uint64_t>(INT64_MAX);
  if (product.hi >= divisor) return negative ? -INT64_MAX : INT64_MAX;
  std::uint64_t quotient = divide(product, divisor);
  if (negative && quotient * divisor != product.lo && quotient < most) ++quotient;
  quotient = min_of(quotient, most);
  return negative ? -static_cast<std::int64_t>(quotient) : static_cast<std::int64_t>(quotient);
}

/// How far ahead the arrival time is under `to` when it was `ahead` under `from`. No more tokens
/// than there were, and no greater debt than `to` lends.
[[nodiscard]] constexpr std::int64_t gcra_inherited(const gcra_quota& from, std::int64_t ahead,
                                                    const gcra_quota& to, inherit what) noexcept {
  if (what == inherit::full) return 0;
  if (what == inherit::nothing) return to.capacity;
  const std::int64_t units = from.capacity - ahead;
  std::int64_t left = 0;
  if (what == inherit::tokens) {
    left = scaled(units, to.token, from.token);
  } else if (from.capacity != 0) {
    left = scaled(units, to.capacity, from.capacity);
  }
  return to.capacity - max_of(min_of(left, to.capacity), to.capacity - to.lending);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
