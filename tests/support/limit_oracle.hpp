// SPDX-License-Identifier: BSL-1.0
// What rate limiters must answer, by the definitions and in exact integers: slow, and obviously right.
#ifndef QUOIN_TESTS_SUPPORT_LIMIT_ORACLE_HPP
#define QUOIN_TESTS_SUPPORT_LIMIT_ORACLE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/limit_decision.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>

namespace quoin_test {

/// A signed integer of 128 bits, on every platform. A result that does not fit stops the program.
struct wide {
  std::int64_t high = 0;
  std::uint64_t low = 0;  ///< two's complement

  wide() = default;
  wide(std::int64_t x) : high(x < 0 ? -1 : 0), low(static_cast<std::uint64_t>(x)) {}
  static wide from_unsigned(std::uint64_t x) {
    wide result;
    result.low = x;
    return result;
  }

  friend auto operator<=>(const wide&, const wide&) = default;  // the high word comes first

  friend wide operator-(const wide& x) {
    if (x == wide{INT64_MIN, 0, words{}}) std::abort();
    const std::uint64_t lower = ~x.low + 1;
    return {static_cast<std::int64_t>(~static_cast<std::uint64_t>(x.high) + (lower == 0)), lower,
            words{}};
  }
  friend wide operator+(const wide& a, const wide& b) {
    wide sum;
    sum.low = a.low + b.low;
    sum.high = static_cast<std::int64_t>(static_cast<std::uint64_t>(a.high) +
                                         static_cast<std::uint64_t>(b.high) + (sum.low < a.low));
    if ((a.high < 0) == (b.high < 0) && (sum.high < 0) != (a.high < 0)) std::abort();
    return sum;
  }
  friend wide operator-(const wide& a, const wide& b) { return a + -b; }

  /// `a * b`.
  static wide product(std::uint64_t a, std::uint64_t b) {
    const auto halves = quoin::detail::mul_full(a, b);
    if (halves.hi >> 63 != 0) std::abort();
    return {static_cast<std::int64_t>(halves.hi), halves.lo, words{}};
  }
  static wide product(std::int64_t a, std::uint64_t b) {
    const auto magnitude = static_cast<std::uint64_t>(a);
    return a < 0 ? -product(0 - magnitude, b) : product(magnitude, b);
  }

  /// The largest integer that is not above `x / d`, by long division.
  static wide floor_divide(const wide& x, std::uint64_t d) {
    if (x.high < 0) return -ceil_divide(-x, d);
#if defined(__SIZEOF_INT128__)
    __extension__ using uint128 = unsigned __int128;
    const uint128 quotient = ((static_cast<uint128>(x.high) << 64) | x.low) / d;
    return {static_cast<std::int64_t>(quotient >> 64), static_cast<std::uint64_t>(quotient),
            words{}};
#else
    return long_divide(x, d);
#endif
  }
  /// The smallest integer that is not below `x / d`.
  static wide ceil_divide(const wide& x, std::uint64_t d) {
    if (x.high < 0) return -floor_divide(-x, d);
    return floor_divide(x + from_unsigned(d) - 1, d);
  }

  /// `x / d` for `x >= 0`, digit by digit in base 2.
  static wide long_divide(const wide& x, std::uint64_t d) {
    std::uint64_t rest = 0, upper = 0, lower = 0;
    for (int bit = 127; bit >= 0; --bit) {
      const std::uint64_t word = bit >= 64 ? static_cast<std::uint64_t>(x.high) : x.low;
      const bool carry = rest >> 63 != 0;
      rest = rest << 1 | (word >> (bit % 64) & 1);
      const bool fits = carry || rest >= d;
      if (fits) rest -= d;
      (bit >= 64 ? upper : lower) |= static_cast<std::uint64_t>(fits) << (bit % 64);
    }
    return {static_cast<std::int64_t>(upper), lower, words{}};
  }

  /// As a number of tokens, 0 for negative ones and at most `most`.
  [[nodiscard]] std::uint64_t clamped(std::uint64_t most) const {
    if (high < 0) return 0;
    return high > 0 || low > most ? most : low;
  }
  /// As a wait, `never` for what is too long.
  [[nodiscard]] std::chrono::nanoseconds wait() const {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(clamped(INT64_MAX)));
  }

 private:
  struct words {};
  wide(std::int64_t h, std::uint64_t l, words) : high(h), low(l) {}
};

/// A quota of a bucket.
struct bucket_quota {
  std::uint64_t count = 1;  ///< tokens …
  std::int64_t per = 1;     ///< … in so many nanoseconds
  std::uint64_t burst = 1;
  std::int64_t max_backward_step = INT64_MAX;
  std::uint64_t max_debt = 0;
};

/// Why more than `limit` do not pass: where that is nothing, there is nothing to split.
inline quoin::limit_reason above(std::uint64_t limit) {
  return limit == 0 ? quoin::limit_reason::no_rate : quoin::limit_reason::cost_above_limit;
}

/// What both formulations of a bucket make of the tokens it has: the fields of a decision. All in
/// units of 1/per of a token, of which `count` come back in a nanosecond.
inline quoin::decision bucket_decision(const bucket_quota& quota, wide level, std::uint64_t cost) {
  const wide full = wide::product(quota.burst, static_cast<std::uint64_t>(quota.per));
  quoin::decision d;
  d.limit = quota.burst;
  // More than ever fits is not multiplied out: a cost is any number of 64 bits.
  if (cost > quota.burst) {
    d.reason = above(quota.burst);
    d.retry_after = quoin::never;
  } else {
    const wide asked = wide::product(cost, static_cast<std::uint64_t>(quota.per));
    d.allowed = cost == 0 || asked <= level;
    if (d.allowed) {
      level = level - asked;
    } else if (quota.count == 0) {
      d.reason = quoin::limit_reason::no_rate;
      d.retry_after = quoin::never;
    } else {
      d.reason = quoin::limit_reason::limited;
      d.retry_after = wide::ceil_divide(asked - level, quota.count).wait();
    }
  }
  d.remaining =
      wide::floor_divide(level, static_cast<std::uint64_t>(quota.per)).clamped(quota.burst);
  if (level < full) {
    d.reset_after =
        quota.count == 0 ? quoin::never : wide::ceil_divide(full - level, quota.count).wait();
  }
  return d;
}

/// A bucket by its level: so many tokens at such a time, more come with time, never more than fit.
/// A clock at which it lacks more than the greatest debt and what comes in `max_backward_step` has
/// been set anew, and it is empty.
class level_oracle {
 public:
  explicit level_oracle(const bucket_quota& quota) : quota_(quota) {}

  [[nodiscard]] quoin::decision peek(std::int64_t now, std::uint64_t cost) const {
    quoin::decision d = bucket_decision(quota_, level_at(now), cost);
    const quoin::decision before = bucket_decision(quota_, level_at(now), 0);
    d.remaining = before.remaining;
    d.reset_after = before.reset_after;
    return d;
  }
  quoin::decision try_acquire(std::int64_t now, std::uint64_t cost) {
    const wide level = level_at(now);
    const quoin::decision d = bucket_decision(quota_, level, cost);
    if (d.allowed && cost != 0) {
      set(now, level - tokens(cost));
    } else if (is_set_anew(now)) {
      set(now, level);
    }
    return d;
  }
  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) {
    const std::uint64_t most = std::min(cost, bucket_decision(quota_, level_at(now), 0).remaining);
    return try_acquire(now, most) ? most : 0;
  }
  /// Takes tokens whether they are there or not.
  void debit(std::int64_t now, std::uint64_t cost) { set(now, level_at(now) - tokens(cost)); }
  /// A full one is left alone: it was full earlier, and that is not taken back.
  void refund(std::int64_t now, std::uint64_t cost) {
    const wide full = tokens(quota_.burst), level = level_of_past_at(now);
    if (level < full) set(now, std::min(full, level + tokens(cost)));
  }

  /// The tokens at `now`, of which a token is `per`.
  [[nodiscard]] wide level_at(std::int64_t now) const {
    return is_set_anew(now) ? wide(0) : level_of_past_at(now);
  }

 private:
  [[nodiscard]] wide tokens(std::uint64_t n) const {
    return wide::product(n, static_cast<std::uint64_t>(quota_.per));
  }
  [[nodiscard]] wide level_of_past_at(std::int64_t now) const {
    if (!used_) return tokens(quota_.burst);
    const wide elapsed = wide(now) - wide(time_);
    const wide come = elapsed < 0 ? -wide::product((-elapsed).low, quota_.count)
                                  : wide::product(elapsed.low, quota_.count);
    return std::min(tokens(quota_.burst), level_ + come);
  }
  [[nodiscard]] bool is_set_anew(std::int64_t now) const {
    const wide owed = -level_of_past_at(now) - tokens(quota_.max_debt);
    return quota_.count != 0 && owed > wide::product(quota_.max_backward_step, quota_.count);
  }
  void set(std::int64_t now, wide level) {
    used_ = true;
    time_ = now;
    level_ = level;
  }

  bucket_quota quota_;
  bool used_ = false;
  std::int64_t time_ = 0;  ///< when the level was `level_`
  wide level_;
};

/// A bucket by the theoretical arrival time of ATM cells (ITU-T I.371, Annex A): when it will be
/// full again, in units of 1/count of a nanosecond.
class gcra_oracle {
 public:
  /// The rate is not zero.
  explicit gcra_oracle(const bucket_quota& quota)
      : quota_(quota),
        tolerance_(wide::product(quota.burst, static_cast<std::uint64_t>(quota.per))) {}

  quoin::decision try_acquire(std::int64_t now, std::uint64_t cost) {
    const wide clock = wide::product(now, quota_.count);
    const wide start = used_ ? std::max(arrival_, clock) : clock;
    quoin::decision d;
    d.limit = quota_.burst;
    wide then = start;
    if (cost > quota_.burst) {
      d.reason = above(quota_.burst);
      d.retry_after = quoin::never;
    } else {
      const wide next = start + wide::product(cost, static_cast<std::uint64_t>(quota_.per));
      const wide too_early = next - tolerance_ - clock;  // it conforms from here on
      d.allowed = cost == 0 || too_early <= 0;
      if (d.allowed) {
        then = next;
        if (cost != 0) used_ = true, arrival_ = next;
      } else {
        d.reason = quoin::limit_reason::limited;
        d.retry_after = wide::ceil_divide(too_early, quota_.count).wait();
      }
    }
    d.remaining =
        wide::floor_divide(tolerance_ - (then - clock), static_cast<std::uint64_t>(quota_.per))
            .clamped(quota_.burst);
    d.reset_after = wide::ceil_divide(then - clock, quota_.count).wait();
    return d;
  }

 private:
  bucket_quota quota_;
  wide tolerance_;
  wide arrival_;
  bool used_ = false;
};

/// The number of the aligned window of `now`, also before the epoch.
inline std::int64_t window_of(std::int64_t now, std::int64_t window) {
  return now / window - (now % window < 0 ? 1 : 0);
}

/// At most `limit` in each aligned window. A clock that goes back stays in the latest window.
class fixed_window_oracle {
 public:
  fixed_window_oracle(std::uint64_t limit, std::int64_t window) : limit_(limit), window_(window) {}

  quoin::decision try_acquire(std::int64_t now, std::uint64_t cost) {
    if (!used_ || window_of(now, window_) > index_) {
      used_ = true;
      index_ = window_of(now, window_);
      taken_ = 0;
    }
    const wide end = wide::product(index_, static_cast<std::uint64_t>(window_)) + wide(window_);
    quoin::decision d;
    d.limit = limit_;
    if (cost > limit_) {
      d.reason = above(limit_);
      d.retry_after = quoin::never;
    } else if (cost <= limit_ - taken_) {
      d.allowed = true;
      taken_ += cost;
    } else {
      d.reason = quoin::limit_reason::limited;
      d.retry_after = (end - wide(now)).wait();
    }
    d.remaining = limit_ - taken_;
    if (taken_ != 0) d.reset_after = (end - wide(now)).wait();
    return d;
  }

 private:
  std::uint64_t limit_;
  std::int64_t window_;
  bool used_ = false;
  std::int64_t index_ = 0;
  std::uint64_t taken_ = 0;
};

/// What a log counts besides what it let in within a window of now.
struct log_rules {
  bool keeps_boundary = false;  ///< what is exactly a window old
  bool keeps_refused = false;   ///< what was refused
};

/// At most `limit` in any window whatever, from the stamps of all that was let in. Times do not go
/// back.
class sliding_log_oracle {
 public:
  sliding_log_oracle(std::uint64_t limit, std::int64_t window, log_rules rules = {})
      : limit_(limit), window_(window), rules_(rules) {}

  quoin::decision try_acquire(std::int64_t now, std::uint64_t cost) {
    while (!stamps_.empty() && !counts(stamps_.front(), now)) stamps_.pop_front();
    quoin::decision d;
    d.limit = limit_;
    const std::uint64_t taken = taken_at(now);
    if (cost > limit_) {
      d.reason = above(limit_);
      d.retry_after = quoin::never;
    } else if (cost == 0 || (taken <= limit_ && cost <= limit_ - taken)) {
      d.allowed = true;
    } else {
      d.reason = quoin::limit_reason::limited;
    }
    if (cost != 0 && cost <= limit_ && (d.allowed || rules_.keeps_refused)) {
      stamps_.push_back({now, cost});
    }
    if (d.reason == quoin::limit_reason::limited) d.retry_after = wait_for(now, cost);
    const std::uint64_t after = taken_at(now);
    d.remaining = after < limit_ ? limit_ - after : 0;
    if (!stamps_.empty()) d.reset_after = leaves(stamps_.back()) - std::chrono::nanoseconds(now);
    return d;
  }

  /// What counts at `now`.
  [[nodiscard]] std::uint64_t taken_at(std::int64_t now) const {
    std::uint64_t taken = 0;
    for (const stamp& s : stamps_) taken += counts(s, now) ? s.cost : 0;
    return taken;
  }

 private:
  struct stamp {
    std::int64_t time;
    std::uint64_t cost;
  };
  [[nodiscard]] bool counts(const stamp& s, std::int64_t now) const {
    const wide age = wide(now) - wide(s.time);
    return rules_.keeps_boundary ? age <= wide(window_) : age < wide(window_);
  }
  /// The first time at which `s` does not count.
  [[nodiscard]] std::chrono::nanoseconds leaves(const stamp& s) const {
    return std::chrono::nanoseconds(s.time + window_ + (rules_.keeps_boundary ? 1 : 0));
  }
  [[nodiscard]] std::chrono::nanoseconds wait_for(std::int64_t now, std::uint64_t cost) const {
    std::uint64_t taken = taken_at(now);
    for (const stamp& s : stamps_) {  // it can pass only when one of them leaves
      taken -= s.cost;
      if (taken <= limit_ - cost) return leaves(s) - std::chrono::nanoseconds(now);
    }
    std::abort();
  }

  std::uint64_t limit_;
  std::int64_t window_;
  log_rules rules_;
  std::deque<stamp> stamps_;
};

/// How much of the window before still counts is rarely a whole number of requests.
enum class oracle_rounding { down, up, exact };

/// The weighted counter: what this aligned window has, and of the one before the share that still
/// lies within one window of now. Times do not go back.
class weighted_window_oracle {
 public:
  weighted_window_oracle(std::uint64_t limit, std::int64_t window, oracle_rounding rounding)
      : limit_(limit), window_(window), rounding_(rounding) {}

  quoin::decision try_acquire(std::int64_t now, std::uint64_t cost) {
    const std::int64_t index = window_of(now, window_);
    if (!used_ || index != index_) {
      before_ = used_ && index - 1 == index_ ? current_ : 0;
      current_ = 0;
      index_ = index;
      used_ = true;
    }
    quoin::decision d;
    d.limit = limit_;
    if (cost > limit_) {
      d.reason = above(limit_);
      d.retry_after = quoin::never;
    } else if (cost == 0 || passes(now, cost)) {
      d.allowed = true;
      current_ += cost;
    } else {
      d.reason = quoin::limit_reason::limited;
      d.retry_after = first([&](std::int64_t time) { return passes(time, cost); }, now);
    }
    std::uint64_t above = limit_ + 1;  // the first that does not pass lies up to here
    while (above - d.remaining > 1) {
      const std::uint64_t middle = d.remaining + (above - d.remaining) / 2;
      (passes(now, middle) ? d.remaining : above) = middle;
    }
    d.reset_after = first([&](std::int64_t time) { return scaled_count(time) == 0; }, now);
    return d;
  }

  /// What counts at `time`, which is not before the last one, times the window's nanoseconds.
  [[nodiscard]] wide scaled_count(std::int64_t time) const {
    const auto width = static_cast<std::uint64_t>(window_);
    const std::int64_t index = window_of(time, window_);
    const std::int64_t gone = time - index * window_;
    const auto weight = static_cast<std::uint64_t>(window_ - gone);
    if (index == index_) return wide::product(current_, width) + wide::product(before_, weight);
    return index == index_ + 1 ? wide::product(current_, weight) : wide(0);
  }

 private:
  [[nodiscard]] bool passes(std::int64_t time, std::uint64_t cost) const {
    const auto width = static_cast<std::uint64_t>(window_);
    wide count = scaled_count(time);
    if (rounding_ == oracle_rounding::down) {
      count = wide::product(wide::floor_divide(count, width).low, width);
    } else if (rounding_ == oracle_rounding::up) {
      count = wide::product(wide::ceil_divide(count, width).low, width);
    }
    return count + wide::product(cost, width) <= wide::product(limit_, width);
  }

  /// The wait until `holds`, which from some time within two windows on it does.
  template <class Holds>
  [[nodiscard]] std::chrono::nanoseconds first(Holds holds, std::int64_t now) const {
    if (holds(now)) return std::chrono::nanoseconds(0);
    std::int64_t no = 0, yes = 2 * window_;
    while (yes - no > 1) {
      const std::int64_t middle = no + (yes - no) / 2;
      (holds(now + middle) ? yes : no) = middle;
    }
    return std::chrono::nanoseconds(yes);
  }

  std::uint64_t limit_;
  std::int64_t window_;
  oracle_rounding rounding_;
  bool used_ = false;
  std::int64_t index_ = 0;
  std::uint64_t before_ = 0;
  std::uint64_t current_ = 0;
};

}  // namespace quoin_test

#endif
