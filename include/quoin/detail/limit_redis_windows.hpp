// SPDX-License-Identifier: BSL-1.0
/// @file
/// How the answers of windows on a Redis server are read.
#ifndef QUOIN_DETAIL_LIMIT_REDIS_WINDOWS_HPP
#define QUOIN_DETAIL_LIMIT_REDIS_WINDOWS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_gcra.hpp>
#include <quoin/detail/redis_question.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// The quota of a limiter by windows. Times are in whole microseconds there, so `rate.per`, at most
/// 2^52 of them (142 years), and `offset` must be, and a `now` is rounded down.
struct redis_window_options {
  quoin::rate rate;                    ///< so many, at most 2^52, in each window, which is so long
  std::chrono::nanoseconds offset{0};  ///< of the windows' begins from multiples of `rate.per`
  /// A clock that goes back further behind the window's begin than this, from 0 to 2^53 ns, has been
  /// set anew: nothing is left in the window of the new time.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);
  std::chrono::milliseconds keep = redis_default_keep;  ///< beyond the time that counts
};

namespace detail {

/// A quota in microseconds, and what was asked.
struct redis_window_question {
  std::int64_t limit, per, offset, step, keep;
  std::uint64_t cost = 0;
  bool peek = false;

  [[nodiscard]] static redis_window_question of(const char* type, const redis_window_options& o) {
    constexpr std::int64_t most = std::int64_t{1} << 52;
    const std::int64_t per = o.rate.per.count(), offset = o.offset.count();
    const std::int64_t step = o.max_backward_step.count();
    if (o.rate.count > static_cast<std::uint64_t>(most)) {
      fail_argument(type, "rate.count", o.rate.count, "at most 2^52");
    }
    if (per < 1000 || per % 1000 != 0 || per / 1000 > most) {
      fail_argument(type, "rate.per", per, "whole microseconds, 1 to 2^52");
    }
    if (offset % 1000 != 0) fail_argument(type, "offset", offset, "whole microseconds");
    if (step < 0 || step > redis_exact) {
      fail_argument(type, "max_backward_step", step, "0 to 2^53 ns");
    }
    if (o.keep.count() < 0 || o.keep.count() > std::int64_t{1} << 40) {
      fail_argument(type, "keep", static_cast<std::int64_t>(o.keep.count()), "0 to 2^40 ms");
    }
    return {static_cast<std::int64_t>(o.rate.count), per / 1000, offset / 1000 % (per / 1000),
            step / 1000, static_cast<std::int64_t>(o.keep.count())};
  }

  /// The cost as the scripts take it: what is above every limit stays so.
  [[nodiscard]] constexpr std::int64_t number() const noexcept {
    return static_cast<std::int64_t>(min_of(cost, static_cast<std::uint64_t>(redis_exact)));
  }
  [[nodiscard]] static constexpr bool is_count(std::int64_t x) noexcept {
    return x >= 0 && x <= redis_exact;
  }
  [[nodiscard]] static constexpr bool is_time(std::int64_t x) noexcept {
    return x >= -redis_exact && x <= redis_exact;
  }

  /// From `now` to `then`.
  [[nodiscard]] static constexpr std::chrono::nanoseconds wait(std::int64_t now,
                                                               std::int64_t then) noexcept {
    const std::int64_t time = max_of<std::int64_t>(then - now, 0);
    return time > INT64_MAX / 1000 ? never : std::chrono::nanoseconds(time * 1000);
  }

  /// The answer but for its times, when `used` counts before it, or nothing if `taken` is not what
  /// there was to take.
  [[nodiscard]] bool answer(std::int64_t used, std::int64_t taken, decision* d) const noexcept {
    const std::int64_t left = max_of<std::int64_t>(limit - used, 0);
    d->allowed = cost == 0 || number() <= left;
    if (taken != (d->allowed ? number() : 0)) return false;
    d->limit = static_cast<std::uint64_t>(limit);
    d->remaining = static_cast<std::uint64_t>(peek ? left : left - taken);
    if (d->allowed) return true;
    d->reason = refusal_of(cost, d->limit);
    d->retry_after = cost <= d->limit ? std::chrono::nanoseconds(0) : never;
    return true;
  }
};

/// {taken, begin, count, now}
struct redis_fixed_window_reader : redis_window_question {
  static constexpr std::size_t size = 4;

  struct state {
    std::int64_t begin, previous, current, now;
  };
  [[nodiscard]] bool read_state(const std::int64_t* reply, state* s) const noexcept {
    *s = {reply[1], 0, reply[2], reply[3]};
    return is_time(s->begin) && is_count(s->current) && is_time(s->now) && s->now - s->begin < per;
  }
  [[nodiscard]] static std::int64_t used(const state& s) noexcept { return s.current; }
  [[nodiscard]] std::int64_t passes_at(const state& s) const noexcept { return s.begin + per; }
  [[nodiscard]] std::int64_t new_at(const state& s) const noexcept {
    return s.current == 0 ? s.now : s.begin + per;
  }
};

/// {taken, begin, previous, count, now}
struct redis_sliding_window_reader : redis_window_question {
  static constexpr std::size_t size = 5;
  bool up = false;

  using state = redis_fixed_window_reader::state;
  [[nodiscard]] bool read_state(const std::int64_t* reply, state* s) const noexcept {
    *s = {reply[1], reply[2], reply[3], reply[4]};
    return is_time(s->begin) && is_count(s->previous) && is_count(s->current) && is_time(s->now) &&
           s->now - s->begin < per;
  }
  [[nodiscard]] std::int64_t used(const state& s) const noexcept {
    const std::int64_t overlap = per - max_of<std::int64_t>(s.now - s.begin, 0);
    return s.current + weight(s.previous, overlap);
  }
  /// When `cost` passes, at most the limit, if it does not now.
  [[nodiscard]] std::int64_t passes_at(const state& s) const noexcept {
    const std::int64_t left = limit - s.current - number();
    if (left >= 0 && s.previous > 0) {
      const std::int64_t overlap = largest_overlap(s.previous, left);
      if (overlap > 0) return s.begin + per - overlap;
    }
    if (s.current == 0) return s.begin + per;
    const std::int64_t overlap = min_of(per, largest_overlap(s.current, limit - number()));
    return s.begin + 2 * per - overlap;
  }
  [[nodiscard]] std::int64_t new_at(const state& s) const noexcept {
    if (s.current != 0) return s.begin + 2 * per;
    return s.previous != 0 ? s.begin + per : s.now;
  }

 private:
  [[nodiscard]] std::int64_t weight(std::int64_t previous, std::int64_t overlap) const noexcept {
    const std::int64_t floor = scaled(previous, overlap, per);
    return floor + (up && !is_product(floor, previous, overlap) ? 1 : 0);
  }
  /// The longest overlap at which `previous` weighs no more than `left`.
  [[nodiscard]] std::int64_t largest_overlap(std::int64_t previous,
                                             std::int64_t left) const noexcept {
    if (up) return scaled(left, per, previous);
    const std::int64_t overlap = scaled(left + 1, per, previous);
    return overlap - (weight(previous, overlap) > left ? 1 : 0);
  }
  /// Whether a · per = b · c.
  [[nodiscard]] bool is_product(std::int64_t a, std::int64_t b, std::int64_t c) const noexcept {
    const auto full = [](std::int64_t x, std::int64_t y) {
      return mul_full(static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y));
    };
    const uint128_halves x = full(a, per), y = full(b, c);
    return x.lo == y.lo && x.hi == y.hi;
  }
};

/// {taken, count, time that must leave, latest, now}
struct redis_sliding_log_reader : redis_window_question {
  static constexpr std::size_t size = 5;
  bool closed = false;  ///< what is exactly as old as the window counts
  bool keep_refused = false;

  struct state {
    std::int64_t count, leaves, latest, now;
  };
  [[nodiscard]] bool read_state(const std::int64_t* reply, state* s) const noexcept {
    *s = {reply[1], reply[2], reply[3], reply[4]};
    return is_count(s->count) && is_time(s->leaves) && is_time(s->latest) && is_time(s->now);
  }
  [[nodiscard]] static std::int64_t used(const state& s) noexcept { return s.count; }
  [[nodiscard]] std::int64_t passes_at(const state& s) const noexcept {
    return s.leaves + per + (closed ? 1 : 0);
  }
  [[nodiscard]] std::int64_t new_at(const state& s) const noexcept {
    return s.latest + per + (closed ? 1 : 0);
  }
};

template <class Window>
struct redis_window_decision : Window {
  using answer = decision;

  [[nodiscard]] expected<decision, error> read(const std::int64_t* reply) const noexcept {
    typename Window::state s{};
    decision d;
    if (!this->read_state(reply, &s)) return unexpected(bad_redis_reply(1));
    if (!Window::answer(this->used(s), reply[0], &d)) return unexpected(bad_redis_reply(0));
    if (d.reason == limit_reason::limited) d.retry_after = this->wait(s.now, this->passes_at(s));
    if constexpr (requires { s.current; }) s.current += this->peek ? 0 : reply[0];
    if constexpr (requires { this->keep_refused; }) {
      if (this->keep_refused && !this->peek && d.reason == limit_reason::limited) d.remaining = 0;
    }
    d.reset_after = this->wait(s.now, this->new_at(s));
    return d;
  }
};

/// How many were taken.
template <class Window>
struct redis_window_taken : Window {
  using answer = std::uint64_t;

  [[nodiscard]] expected<std::uint64_t, error> read(const std::int64_t* reply) const noexcept {
    typename Window::state s{};
    if (!this->read_state(reply, &s)) return unexpected(bad_redis_reply(1));
    const std::int64_t left = max_of<std::int64_t>(this->limit - this->used(s), 0);
    if (reply[0] != min_of(this->number(), left)) return unexpected(bad_redis_reply(0));
    return static_cast<std::uint64_t>(reply[0]);
  }
};

/// What was left before a refund.
template <class Window>
struct redis_window_refund : Window {
  using answer = std::uint64_t;

  [[nodiscard]] expected<std::uint64_t, error> read(const std::int64_t* reply) const noexcept {
    typename Window::state s{};
    if (reply[0] != 0 || !this->read_state(reply, &s)) return unexpected(bad_redis_reply(1));
    return static_cast<std::uint64_t>(max_of<std::int64_t>(this->limit - this->used(s), 0));
  }
};

/// The verbs of all limiters by windows. `Limiter::write(command, question)` appends the arguments
/// after the limit.
template <class Limiter, class Window>
class redis_window_verbs {
 public:
  /// All of `cost` or nothing, at a time or at the server's.
  [[nodiscard]] auto try_acquire_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_decision<Window>>(&now, "take", cost);
  }
  [[nodiscard]] auto try_acquire(std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_decision<Window>>(nullptr, "take", cost);
  }

  /// Takes nothing.
  [[nodiscard]] auto peek_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_decision<Window>>(&now, "peek", cost);
  }
  [[nodiscard]] auto peek(std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_decision<Window>>(nullptr, "peek", cost);
  }

  /// As many as there are, at most `cost`.
  [[nodiscard]] auto acquire_up_to_at(redis_time now, std::uint64_t cost) const noexcept {
    return ask<redis_window_taken<Window>>(&now, "some", cost);
  }
  [[nodiscard]] auto acquire_up_to(std::uint64_t cost) const noexcept {
    return ask<redis_window_taken<Window>>(nullptr, "some", cost);
  }

  /// Gives back what was not used. Answers what was left before.
  [[nodiscard]] auto refund_at(redis_time now, std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_refund<Window>>(&now, "back", cost);
  }
  [[nodiscard]] auto refund(std::uint64_t cost = 1) const noexcept {
    return ask<redis_window_refund<Window>>(nullptr, "back", cost);
  }

 protected:
  explicit redis_window_verbs(const Window& window) noexcept : window_(window) {}

  struct command : redis_command {
    explicit command(const redis_script& script) noexcept : redis_command(script) {}
    using redis_command::add;
    using redis_command::add_time;
  };

 private:
  template <class Reader>
  [[nodiscard]] redis_question<Reader> ask(const redis_time* now, std::string_view verb,
                                           std::uint64_t cost) const noexcept {
    Reader reader{window_};
    reader.cost = cost;
    reader.peek = verb == "peek";
    command c(Limiter::script());
    c.template add_time<std::chrono::microseconds>(now);
    c.add(verb);
    for (const std::int64_t x : {reader.number(), reader.limit, reader.per}) c.add(x);
    Limiter::write(c, reader);
    return {c, reader};
  }

  Window window_;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
