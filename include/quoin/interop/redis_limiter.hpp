// SPDX-License-Identifier: BSL-1.0
/// @file
/// Rate limiters that many processes share through a Redis server, by any client of it.
///
/// There is no connection here: a limiter makes a question (a Lua script and its arguments), the
/// caller's client asks it, and the question reads the answer. Each question is one round trip, and
/// nothing of it can come between: Redis runs a script as one step.
///
/// Guarantee   redis_token_bucket decides as token_bucket does with the same options at the same times,
///             all fields of the answer included; redis_fixed_window and redis_sliding_window as
///             fixed_window and sliding_window do, but in whole microseconds: a wait is rounded up;
///             redis_sliding_log as sliding_log, if times do not go back. That is as long as the
///             server has the key: it drops one that is full again, `keep` after that. Numbers in Lua
///             are doubles, so quotas have tighter bounds.
/// Cost        of the server, 10 to 30 µs for a question; of redis_sliding_log, O(cost · log n).
/// Memory      on the server one short string for each key, about 100 bytes; a log has one member of a
///             sorted set for each request that counts. Keys expire by themselves.
/// Time        is the caller's (`…_at`), so clocks of all callers should agree; or that of the server,
///             in microseconds, which needs no agreement and one call more in the script.
/// Threads     value types.
///
/// @code
/// const quoin::redis_token_bucket bucket({.rate = quoin::per_second(100), .burst = 20});
/// const auto question = bucket.try_acquire();                          // at the server's time
/// auto reply = ask(question.evalsha("limit:user:42"));                 // your client, or:
/// if (reply.is_no_script()) reply = ask(question.eval("limit:user:42"));
/// if (const auto d = question.answer_of(reply); d && !*d) reply_429(d->retry_after);
/// @endcode
/// With a client that takes a list of words: EVALSHA `question.sha1()` 1 key and `question[i]` for
/// all i below `question.size()`.
#ifndef QUOIN_INTEROP_REDIS_LIMITER_HPP
#define QUOIN_INTEROP_REDIS_LIMITER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_gcra.hpp>
#include <quoin/detail/limit_redis_bucket.hpp>
#include <quoin/detail/limit_redis_windows.hpp>
#include <quoin/detail/redis_question.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// A token bucket on a server, for as many keys as are asked for: see `token_bucket`.
///
/// Bounds: with T = per/count ns = p/q in lowest terms, burst·p and max_debt·p up to 2^51 (one a day:
/// a burst of 26; 1000 a day: 26,062; 3 a second: 2.2 million), so may q, and `max_backward_step` up to
/// 2^51 ns, 26 days. Other quotas are refused.
///
/// Another quota for a key that the server has: the bucket is full at the same time as before, at
/// once or later. A rate of zero begins empty, and so does one after it; its keys do not expire.
class redis_token_bucket {
 public:
  /// Throws `std::invalid_argument` for options out of range.
  explicit redis_token_bucket(const token_bucket_options& options,
                              std::chrono::milliseconds keep = redis_default_keep)
      : quota_(detail::checked_quota(type, options)),
        step_(options.max_backward_step.count()),
        keep_(keep.count()) {
    constexpr std::int64_t most = std::int64_t{1} << 51;
    const auto largest = static_cast<std::uint64_t>(most / quota_.token);
    const auto refuse = [&](const char* parameter, std::uint64_t value) {
      detail::fail_quota(type, {parameter, static_cast<std::int64_t>(value), nullptr, largest});
    };
    if (quota_.capacity > most) refuse("burst", quota_.limit);
    if (quota_.lending - quota_.capacity > most) {
      refuse("max_debt",
             static_cast<std::uint64_t>((quota_.lending - quota_.capacity) / quota_.token));
    }
    if (quota_.tick > most) {
      detail::fail_argument(type, "rate.count", options.rate.count, "at most 2^51 at this rate");
    }
    if (step_ > most) {
      detail::fail_argument(type, "max_backward_step", step_, "0 to 2^51 ns");
    }
    if (keep_ < 0 || keep_ > std::int64_t{1} << 40) {
      detail::fail_argument(type, "keep", keep_, "0 to 2^40 ms");
    }
  }

  /// All of `cost` or nothing, at a time or at the server's.
  [[nodiscard]] auto try_acquire_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask(&now, "take", decision_reader(cost));
  }
  [[nodiscard]] auto try_acquire(std::uint64_t cost = 1) const noexcept {
    return ask(nullptr, "take", decision_reader(cost));
  }

  /// Takes nothing.
  [[nodiscard]] auto peek_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask(&now, "peek", peek_reader(cost));
  }
  [[nodiscard]] auto peek(std::uint64_t cost = 1) const noexcept {
    return ask(nullptr, "peek", peek_reader(cost));
  }

  /// As many as there are, at most `cost`.
  [[nodiscard]] auto acquire_up_to_at(redis_time now, std::uint64_t cost) const noexcept {
    return ask(&now, "some", detail::redis_bucket_taken{{quota_, cost, quota_.capacity}});
  }
  [[nodiscard]] auto acquire_up_to(std::uint64_t cost) const noexcept {
    return ask(nullptr, "some", detail::redis_bucket_taken{{quota_, cost, quota_.capacity}});
  }

  /// Tokens that are spent already: the bucket may owe.
  [[nodiscard]] auto debit_at(redis_time now, std::uint64_t cost) const noexcept {
    return ask(&now, "take", debit_reader(cost));
  }
  [[nodiscard]] auto debit(std::uint64_t cost) const noexcept {
    return ask(nullptr, "take", debit_reader(cost));
  }

  /// Tokens at once or in advance, and how long to wait for them, at most `max_wait`.
  [[nodiscard]] auto reserve_at(redis_time now, std::uint64_t cost = 1,
                                std::chrono::nanoseconds max_wait = never) const noexcept {
    return ask(&now, reserves(cost) ? "take" : "peek", reservation_reader(cost, max_wait));
  }
  [[nodiscard]] auto reserve(std::uint64_t cost = 1,
                             std::chrono::nanoseconds max_wait = never) const noexcept {
    return ask(nullptr, reserves(cost) ? "take" : "peek", reservation_reader(cost, max_wait));
  }

  /// Gives back what was not used. Answers what there was before.
  [[nodiscard]] auto refund_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask(&now, cost == 0 ? "peek" : "back", detail::redis_bucket_refund{{quota_, cost, 0}});
  }
  [[nodiscard]] auto refund(std::uint64_t cost = 1) const noexcept {
    return ask(nullptr, cost == 0 ? "peek" : "back",
               detail::redis_bucket_refund{{quota_, cost, 0}});
  }

 private:
  static constexpr const char* type = "redis_token_bucket";

  struct command : redis_command {
    command() noexcept : redis_command(detail::redis_bucket_lua) {}
    using redis_command::add;
    using redis_command::add_time;
  };

  [[nodiscard]] detail::redis_bucket_decision decision_reader(std::uint64_t cost) const noexcept {
    return {{quota_, cost, quota_.capacity}};
  }
  [[nodiscard]] detail::redis_bucket_decision peek_reader(std::uint64_t cost) const noexcept {
    return {{quota_, cost, quota_.capacity, true}};
  }
  [[nodiscard]] detail::redis_bucket_decision debit_reader(std::uint64_t cost) const noexcept {
    return {{quota_, cost, quota_.lending}, true};
  }
  /// Whether there is anything to ask for.
  [[nodiscard]] bool reserves(std::uint64_t cost) const noexcept {
    return cost != 0 && cost <= quota_.limit;
  }
  /// The wait is at most `max_wait` if load + units <= capacity + max_wait · tick.
  [[nodiscard]] detail::redis_bucket_reservation reservation_reader(
      std::uint64_t cost, std::chrono::nanoseconds max_wait) const noexcept {
    std::int64_t most = quota_.lending, ahead = 0;
    const auto wait = detail::max_of<std::int64_t>(max_wait.count(), 0);
    if (!__builtin_mul_overflow(wait, quota_.tick, &ahead) && ahead < most - quota_.capacity) {
      most = quota_.capacity + ahead;
    }
    if (max_wait.count() < 0 || cost > quota_.limit) most = 0;  // lets nothing pass
    return {{quota_, cost, most}, max_wait};
  }

  template <class Reader>
  [[nodiscard]] redis_question<Reader> ask(const redis_time* now, std::string_view verb,
                                           const Reader& reader) const noexcept {
    command c;
    c.template add_time<std::chrono::seconds>(now);
    if (now == nullptr) {
      c.add("");
    } else {
      c.add(static_cast<std::int64_t>(
          (*now - std::chrono::floor<std::chrono::seconds>(*now)).count()));
    }
    c.add(verb);
    c.add(reader.units());
    for (const std::int64_t x :
         {quota_.token, quota_.tick, reader.most, quota_.capacity, quota_.lending, step_, keep_}) {
      c.add(x);
    }
    return {c, reader};
  }

  detail::gcra_quota quota_;
  std::int64_t step_, keep_;
};

// --- windows ----------------------------------------------------------------------------------------

/// So many in each window, on a server: see `fixed_window`.
class redis_fixed_window
    : public detail::redis_window_verbs<redis_fixed_window, detail::redis_fixed_window_reader> {
  using verbs = detail::redis_window_verbs<redis_fixed_window, detail::redis_fixed_window_reader>;
  friend verbs;

 public:
  /// Throws `std::invalid_argument` for options out of range.
  explicit redis_fixed_window(const redis_window_options& options)
      : verbs({detail::redis_window_question::of("redis_fixed_window", options)}) {}

 private:
  [[nodiscard]] static constexpr const detail::redis_script& script() noexcept {
    return detail::redis_fixed_window_lua;
  }
  static void write(command& c, const detail::redis_fixed_window_reader& r) noexcept {
    for (const std::int64_t x : {r.offset, r.step, r.keep}) c.add(x);
  }
};

/// The window before counts as far as it overlaps the last `rate.per`, on a server: see
/// `sliding_window`.
class redis_sliding_window
    : public detail::redis_window_verbs<redis_sliding_window, detail::redis_sliding_window_reader> {
  using verbs =
      detail::redis_window_verbs<redis_sliding_window, detail::redis_sliding_window_reader>;
  friend verbs;

 public:
  /// Throws `std::invalid_argument` for options out of range.
  /// @param round_up  whether parts of a request count as one, or as none
  explicit redis_sliding_window(const redis_window_options& options, bool round_up = false)
      : verbs({detail::redis_window_question::of("redis_sliding_window", options), round_up}) {}

 private:
  [[nodiscard]] static constexpr const detail::redis_script& script() noexcept {
    return detail::redis_sliding_window_lua;
  }
  static void write(command& c, const detail::redis_sliding_window_reader& r) noexcept {
    for (const std::int64_t x : {r.offset, r.step, r.keep, std::int64_t{r.up}}) c.add(x);
  }
};

/// What a sliding log on a server does at its edges.
struct redis_sliding_log_policy {
  bool closed = false;        ///< a request exactly as old as the window counts; or not
  bool keep_refused = false;  ///< refused requests count, too: who does not stop gets nothing
};

/// Never more than the limit in any time as long as the window, on a server: see `sliding_log`. The
/// limit is the number of members of a sorted set: at most 2^20. `offset` has no meaning.
///
/// A clock that has been set back makes times to come those of now.
class redis_sliding_log
    : public detail::redis_window_verbs<redis_sliding_log, detail::redis_sliding_log_reader> {
  using verbs = detail::redis_window_verbs<redis_sliding_log, detail::redis_sliding_log_reader>;
  friend verbs;

 public:
  /// Throws `std::invalid_argument` for options out of range.
  explicit redis_sliding_log(const redis_window_options& options,
                             const redis_sliding_log_policy& policy = {})
      : verbs(checked(options, policy)) {}

 private:
  [[nodiscard]] static detail::redis_sliding_log_reader checked(
      const redis_window_options& options, const redis_sliding_log_policy& policy) {
    if (options.rate.count > std::uint64_t{1} << 20) {
      detail::fail_argument("redis_sliding_log", "rate.count", options.rate.count, "at most 2^20");
    }
    return {detail::redis_window_question::of("redis_sliding_log", options), policy.closed,
            policy.keep_refused};
  }
  [[nodiscard]] static constexpr const detail::redis_script& script() noexcept {
    return detail::redis_sliding_log_lua;
  }
  static void write(command& c, const detail::redis_sliding_log_reader& r) noexcept {
    for (const std::int64_t x :
         {r.step, r.keep, std::int64_t{r.closed}, std::int64_t{r.keep_refused}}) {
      c.add(x);
    }
  }
};

// --- limiters of others -----------------------------------------------------------------------------

/// What CL.THROTTLE of redis-cell answers: whether refused, the limit (its `max_burst` + 1), what
/// remains, the seconds until a retry (-1 when allowed, or when no wait helps) and until it is full.
struct redis_cell_answer {
  std::int64_t integers[5];

  friend constexpr bool operator==(const redis_cell_answer&, const redis_cell_answer&) = default;
};

/// A decision as redis-cell would say it, its seconds rounded up.
[[nodiscard]] constexpr redis_cell_answer to_redis_cell(const decision& d) noexcept {
  const auto seconds = [](std::chrono::nanoseconds time) {
    const auto ns = static_cast<std::int64_t>(time.count());
    return ns <= 0 ? 0 : (ns - 1) / 1'000'000'000 + 1;
  };
  const auto count = [](std::uint64_t n) {
    return static_cast<std::int64_t>(detail::min_of(n, static_cast<std::uint64_t>(INT64_MAX)));
  };
  const bool waits = !d.allowed && d.retry_after != never;
  return {{d.allowed ? 0 : 1, count(d.limit), count(d.remaining),
           waits ? seconds(d.retry_after) : -1, seconds(d.reset_after)}};
}

/// The decision that redis-cell's five integers say; `errc::bad_value` if they say none.
[[nodiscard]] inline expected<decision, error> from_redis_cell(
    std::span<const std::int64_t> integers) noexcept {
  if (integers.size() != 5) return unexpected(detail::bad_redis_reply(0));
  const std::int64_t limited = integers[0], limit = integers[1], remaining = integers[2];
  const std::int64_t retry = integers[3], reset = integers[4];
  if (limited != 0 && limited != 1) return unexpected(detail::bad_redis_reply(0));
  if (limit < 0 || remaining < 0 || remaining > limit)
    return unexpected(detail::bad_redis_reply(1));
  if (retry < -1 || reset < 0) return unexpected(detail::bad_redis_reply(3));
  const auto wait = [](std::int64_t seconds) {
    return seconds > INT64_MAX / 1'000'000'000
               ? never
               : std::chrono::nanoseconds(std::chrono::seconds(seconds));
  };
  decision d;
  d.allowed = limited == 0;
  d.limit = static_cast<std::uint64_t>(limit);
  d.remaining = static_cast<std::uint64_t>(remaining);
  d.reset_after = wait(reset);
  if (!d.allowed) {
    d.reason = limit == 0  ? limit_reason::no_rate
               : retry < 0 ? limit_reason::cost_above_limit
                           : limit_reason::limited;
    d.retry_after = retry < 0 ? never : wait(retry);
  }
  return d;
}

/// CL.THROTTLE in the protocol of Redis, as redis-cell takes a quota.
/// Throws `std::invalid_argument` unless the burst is at least 1 and `rate.per` whole seconds.
[[nodiscard]] inline std::string redis_cell_command(std::string_view key,
                                                    const token_bucket_options& options,
                                                    std::uint64_t cost = 1) {
  const std::uint64_t burst = options.burst == 0 ? options.rate.count : options.burst;
  const std::int64_t per = options.rate.per.count();
  if (burst == 0) detail::fail_argument("redis_cell_command", "burst", burst, "at least 1");
  if (per < 1 || per % 1'000'000'000 != 0) {
    detail::fail_argument("redis_cell_command", "rate.per", per, "whole seconds in nanoseconds");
  }
  std::string text;
  detail::append_redis_count(text, 6);
  detail::append_redis_part(text, "CL.THROTTLE");
  detail::append_redis_part(text, key);
  for (const std::uint64_t x :
       {burst - 1, options.rate.count, static_cast<std::uint64_t>(per / 1'000'000'000), cost}) {
    detail::append_redis_part(text, std::to_string(x));
  }
  return text;
}

/// The decision that the script of go-redis/redis_rate answers: how many were allowed, what remains,
/// and as text the seconds until a retry (-1 when allowed) and until it is full, here rounded up to
/// nanoseconds. `errc::bad_value` for anything else.
/// @param limit  its `Limit.Burst`, which it does not repeat.
[[nodiscard]] inline expected<decision, error> from_redis_rate(std::span<const redis_value> values,
                                                               std::uint64_t limit) noexcept {
  if (values.size() != 4) return unexpected(detail::bad_redis_reply(0));
  for (std::size_t i = 0; i < 4; ++i) {
    if (values[i].is_text != (i >= 2) || values[i].integer < 0) {
      return unexpected(detail::bad_redis_reply(i));
    }
  }
  decision d;
  d.allowed = values[2].text == "-1";
  d.limit = limit;
  d.remaining = static_cast<std::uint64_t>(values[1].integer);
  std::int64_t retry = 0, reset = 0;
  if (!d.allowed && !detail::read_decimal_seconds(values[2].text, &retry)) {
    return unexpected(detail::bad_redis_reply(2));
  }
  if (!detail::read_decimal_seconds(values[3].text, &reset)) {
    return unexpected(detail::bad_redis_reply(3));
  }
  if (!d.allowed) d.reason = limit_reason::limited;
  d.retry_after = std::chrono::nanoseconds(retry);
  d.reset_after = std::chrono::nanoseconds(reset);
  return d;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
