// SPDX-License-Identifier: BSL-1.0
/// @file
/// One limit for many processes: the side of a node, which decides by tokens that it has leased.
///
/// Use it with a `lease_pool` that all nodes can reach. Requests are decided here and at once; a few
/// times a second the node tells the pool what it spent and is given more. There is no transport
/// here: the caller carries `lease_request`s there and `lease_grant`s back, while requests go on, or
/// gives a function that does it at once.
///
/// Guarantee   lets nothing pass that the pool has not granted, nor after the lease ran out; see
///             `lease_pool` for what all nodes together keep. With a `fallback`, a node whose lease has
///             run out lets pass what that bucket holds: all together, that many times their number
///             more.
/// Cost        try_acquire_at: 1 to 2 ns. try_acquire: and a reading of the clock. A message each
///             `renew_after` of the pool while the node is busy, two in a `term` when it is quiet and
///             holds something, none when it holds nothing.
/// Memory      360 bytes.
/// Threads     like a standard container.
///
/// The node asks for twice what it spends, or refuses, in one interval and a round trip, and
/// again when half of that is spent. When it is quiet it wants half as much at each request, and
/// gives back the rest, as it does what is above `hold_at_most` of the last answer. A cost that
/// is above its share passes when the pool gives it whole, in turn; not where the node spends on
/// small costs what came for it. After a request that brought no answer it asks again, each time
/// twice as late, up to 32 intervals.
///
/// Answers: `limit` is the most that ever passes at once: the pool's burst, as its last answer has it,
/// or `max_wanted` if that is less. A cost above it is `cost_above_limit`, and nothing is asked for on
/// its account but whether that is still so, twice in a term. `remaining` is what the node holds.
/// `retry_after` is when more can have come, an estimate: nobody here knows what the pool will grant.
/// What passes by the fallback says `limit_reason::soft_limit`.
///
/// @code
/// quoin::leased_limiter limiter({.node = random_64_bits()});
/// // wherever requests come in:
/// if (!limiter.try_acquire()) refuse();
/// // after that, or on a timer:
/// if (const auto now = limiter.now(); limiter.due_at(now)) send(limiter.request_at(now));
/// // when an answer of the pool comes in:
/// limiter.granted_at(limiter.now(), grant);
/// // or, where a request can wait for a round trip:
/// limiter.try_acquire(1, [&](const auto& request) { return ask(request); });  // an optional grant
/// @endcode
#ifndef QUOIN_LIMIT_LEASED_LIMITER_HPP
#define QUOIN_LIMIT_LEASED_LIMITER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_gcra_core.hpp>
#include <quoin/detail/limit_lease.hpp>

#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// Who a node is and how it leases.
struct leased_limiter_options {
  /// A number that no other node has, nor had this one before it was restarted: 64 random bits.
  std::uint64_t node = 0;
  /// Tokens that it asks for at most: what is lost if it dies. A cost above this never passes.
  std::uint64_t max_wanted = std::uint64_t{1} << 32;
  /// Between requests until the pool has said otherwise, 1 µs to an hour.
  std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
  /// What passes while there is no lease, because the pool cannot be reached: nothing, or this rate
  /// with a burst of its count.
  quoin::rate fallback = {0, std::chrono::seconds(1)};

  friend constexpr bool operator==(const leased_limiter_options&,
                                   const leased_limiter_options&) = default;
};

namespace detail {

class leased_limiter_core {
 public:
  using options_type = leased_limiter_options;

  explicit leased_limiter_core(const options_type& options)
      : most_(options.max_wanted),
        options_(checked(options)),
        fallback_({.rate = options.fallback, .max_debt = 0}, "leased_limiter", "fallback"),
        renew_after_(options.interval.count()),
        least_wait_(renew_after_ / 8) {}

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    if (cost <= held_ && now < valid_until_) [[likely]] {
      held_ -= cost;
      return {.allowed = true, .limit = most_, .remaining = held_};
    }
    return try_acquire_slowly(now, cost);
  }

  [[nodiscard]] decision peek(std::int64_t now, std::uint64_t cost) const noexcept {
    if (cost == 0) return {.allowed = true, .limit = most_, .remaining = held(now)};
    if (now >= valid_until_) {
      const decision d = fallback_.peek(now, cost);
      return d.allowed ? by_fallback(d) : refused_by_both(refused(now, cost), d);
    }
    if (cost <= held_) return {.allowed = true, .limit = most_, .remaining = held_};
    return refused(now, cost);
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    std::uint64_t taken = 0;
    if (now >= valid_until_) {
      taken = fallback_.acquire_up_to(now, cost);
      demand(cost, 1);
    } else {
      taken = min_of(cost, held_);
      held_ -= taken;
      demand(cost - taken, 1);
    }
    return taken;
  }

  /// What the pool was told to be spent is gone.
  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    const std::uint64_t back = min_of(cost, spent() - reported_);
    held_ += back;
    if (cost > back && now >= valid_until_) fallback_.refund(now, cost - back);
  }

  void reset() noexcept {
    forget();
    fallback_.reset();
    wanted_ = unmet_ = 0;
    needed_ = ~std::uint64_t{0};
    doubts_ = false;
    not_before_ = INT64_MIN;
  }

  [[nodiscard]] bool due(std::int64_t now) const noexcept {
    if (sequence_ != 0 && now < asked()) return true;  // the clock was set back
    if (now < not_before_) return false;
    if (unmet_ != 0 || held_ > hold_at_most_ || (doubts_ && now >= keep_alive_)) return true;
    if (wanted_ == 0 && held_ == 0) return spent() != reported_;
    return held_ <= wanted_ / 2 || now >= keep_alive_;
  }

  [[nodiscard]] lease_request request(std::int64_t now) noexcept {
    if (sequence_ != 0 && now < asked()) forget();  // times of before mean nothing now
    wanted_ = wanted(now);
    const std::uint64_t keeps = min_of(min_of(held_, wanted_), hold_at_most_);
    returned_ += held_ - keeps;
    held_ = keeps;
    reported_ = spent();
    const std::uint64_t needed = unmet_ == 0 ? 0 : needed_;
    unmet_ = 0;
    needed_ = ~std::uint64_t{0};
    doubts_ = false;
    asked_[++sequence_ % remembered] = now;
    not_before_ = later(now, renew_after_ << min_of(unanswered_, 5u));
    ++unanswered_;
    answer_at_ = later(now, round_trip_);
    return {.node = options_.node,
            .lease = lease_,
            .sequence = sequence_,
            .spent = reported_,
            .returned = returned_,
            .wanted = wanted_,
            .needed = needed};
  }

  bool granted(std::int64_t now, const lease_grant& grant) noexcept {
    if (grant.node != options_.node || grant.sequence <= answered_ || grant.sequence > sequence_ ||
        sequence_ - grant.sequence >= remembered) {
      return false;  // another node's, doubled, overtaken, too late, or never asked for
    }
    const std::int64_t asked = asked_[grant.sequence % remembered];
    renew_after_ = within(grant.renew_after, 1000, hour);
    most_ = min_of(grant.limit, options_.max_wanted);
    if (grant.lease == 0) return false;
    if (grant.lease != lease_) {
      // What the pool has taken back is still good here for as long as it was said to be.
      if (grant.sequence != sequence_ || (grant.granted == 0 && now < valid_until_)) return false;
      forget();
      lease_ = grant.lease;
    }
    answered_ = grant.sequence;
    unanswered_ = 0;
    hold_at_most_ = grant.hold_at_most;
    if (grant.granted > granted_) {
      held_ += grant.granted - granted_;
      granted_ = grant.granted;
    }
    const std::int64_t valid_for = within(grant.valid_for, 0, 168 * hour);
    valid_until_ = max_of(valid_until_, later(asked, valid_for));
    keep_alive_ = later(asked, valid_for / 2);
    const bool met = grant.reason == limit_reason::none;
    not_before_ = later(asked, met ? renew_after_ / 8 : renew_after_);
    if (now > asked) round_trip_ = min_of(between(asked, now), valid_for / 4);
    answer_at_ = later(not_before_, round_trip_);
    least_wait_ = max_of(renew_after_ / 8, round_trip_);
    return true;
  }

  [[nodiscard]] const options_type& options() const noexcept { return options_; }
  [[nodiscard]] std::uint64_t held(std::int64_t now) const noexcept {
    return now < valid_until_ ? held_ : 0;
  }

 private:
  static constexpr std::int64_t hour = 3'600'000'000'000;
  static constexpr std::uint64_t remembered = 8;  // requests that an answer may be late by

  [[nodiscard]] static const options_type& checked(const options_type& options) {
    constexpr auto type = "leased_limiter";
    const std::int64_t interval = options.interval.count();
    if (options.max_wanted < 1 || options.max_wanted > std::uint64_t{1} << 58) {
      fail_argument(type, "max_wanted", options.max_wanted, "1 to 2^58");
    }
    if (interval < 1000 || interval > hour) {
      fail_argument(type, "interval", interval, "1 us to 1 h");
    }
    return options;
  }

  [[nodiscard]] static std::int64_t later(std::int64_t time, std::int64_t by) noexcept {
    std::int64_t sum = 0;
    return __builtin_add_overflow(time, by, &sum) ? INT64_MAX : sum;
  }
  [[nodiscard]] static std::int64_t between(std::int64_t earlier, std::int64_t later) noexcept {
    const std::uint64_t time =
        static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier);
    return static_cast<std::int64_t>(min_of(time, static_cast<std::uint64_t>(INT64_MAX)));
  }
  [[nodiscard]] static std::int64_t within(std::chrono::nanoseconds time, std::int64_t least,
                                           std::int64_t most) noexcept {
    return min_of(max_of(static_cast<std::int64_t>(time.count()), least), most);
  }

  [[nodiscard]] std::uint64_t spent() const noexcept { return granted_ - returned_ - held_; }
  [[nodiscard]] std::int64_t asked() const noexcept { return asked_[sequence_ % remembered]; }

  void demand(std::uint64_t cost, std::uint64_t least) noexcept {
    if (cost == 0) return;  // all passed: nothing is lacking
    needed_ = min_of(needed_, least);
    if (!checked_add(unmet_, cost, &unmet_)) unmet_ = ~std::uint64_t{0};
  }

  /// Not cold: under overload this is what happens.
  [[gnu::noinline]] decision try_acquire_slowly(std::int64_t now, std::uint64_t cost) noexcept {
    if (cost == 0) return {.allowed = true, .limit = most_, .remaining = held(now)};
    if (cost <= most_) {
      demand(cost, cost);
    } else if (cost <= options_.max_wanted) {
      doubts_ = true;
    }
    if (options_.fallback.count != 0 && now >= valid_until_) return fall_back(now, cost);
    return refused(now, cost);
  }

  QUOIN_COLD decision fall_back(std::int64_t now, std::uint64_t cost) noexcept {
    const decision d = fallback_.try_acquire(now, cost);
    return d.allowed ? by_fallback(d) : refused_by_both(refused(now, cost), d);
  }

  [[nodiscard]] static decision by_fallback(decision d) noexcept {
    d.reason = limit_reason::soft_limit;
    return d;
  }

  [[nodiscard]] static decision refused_by_both(decision d, const decision& fallback) noexcept {
    if (fallback.reason == limit_reason::limited) {
      d.reason = limit_reason::limited;
      d.retry_after = min_of(d.retry_after, fallback.retry_after);
    }
    return d;
  }

  [[nodiscard]] decision refused(std::int64_t now, std::uint64_t cost) const noexcept {
    const std::int64_t wait = max_of(answer_at_ > now ? between(now, answer_at_) : 0, least_wait_);
    return {.reason = refusal_of(cost, most_),
            .limit = most_,
            .remaining = held(now),
            .retry_after = cost > most_ ? never : std::chrono::nanoseconds(wait)};
  }

  /// Twice the demand of an interval and a round trip, as it was since the last request; what passes
  /// after a long time of quiet all the same is the least cost that was refused.
  [[nodiscard]] std::uint64_t wanted(std::int64_t now) const noexcept {
    std::uint64_t demand = 0;
    if (!checked_add(spent() - reported_, unmet_, &demand)) demand = ~std::uint64_t{0};
    if (demand != 0 && sequence_ != 0 && now > asked()) {
      const std::int64_t elapsed = max_of(between(asked(), now), renew_after_ / 8);
      const auto round = static_cast<std::uint64_t>(renew_after_ + round_trip_);
      const uint128_halves scaled = mul_full(demand, round);
      const auto over = static_cast<std::uint64_t>(elapsed);
      demand = scaled.hi >= over ? most_ : divide(scaled, over) + 1;
    }
    const std::uint64_t least = unmet_ == 0 ? 0 : needed_;
    return min_of(max_of(2 * min_of(demand, most_), max_of(wanted_ / 2, least)), most_);
  }

  /// Holds nothing, and has no lease. Answers that are still on their way tell of the old one.
  void forget() noexcept {
    answered_ = sequence_;
    lease_ = granted_ = returned_ = held_ = reported_ = 0;
    hold_at_most_ = ~std::uint64_t{0};
    valid_until_ = keep_alive_ = INT64_MIN;
  }

  std::uint64_t held_ = 0;
  std::int64_t valid_until_ = INT64_MIN;
  std::uint64_t most_;  // that ever passes at once
  std::uint64_t wanted_ = 0;
  std::uint64_t unmet_ = 0;  // demand since the last request that nothing leased was spent on
  std::uint64_t needed_ = ~std::uint64_t{0};  // least cost in that
  std::uint64_t hold_at_most_ = ~std::uint64_t{0};
  std::uint64_t lease_ = 0, granted_ = 0, returned_ = 0;
  std::uint64_t reported_ = 0;  // of what is spent, at the last request
  std::uint64_t sequence_ = 0, answered_ = 0;
  std::int64_t not_before_ = INT64_MIN, keep_alive_ = INT64_MIN;
  options_type options_;
  token_bucket_core fallback_;
  std::int64_t renew_after_;
  std::int64_t answer_at_ = INT64_MIN, least_wait_;  // when more can have come; what it takes
  std::int64_t round_trip_ = 0;
  unsigned unanswered_ = 0;
  bool doubts_ = false;  // whether the pool still has no more than `most_`: a cost was above it
  std::int64_t asked_[remembered] = {};
};

}  // namespace detail

/// A node in the time of `Clock`, which has to be a steady one. If it is set back, or stands still
/// while the pool's goes on (as the steady clock of Linux does while the machine sleeps), what the node
/// holds may pass after the pool has taken it back: that much more, once. A node whose clock was set
/// back to before it last asked is due at once, and drops what it holds when it asks.
///
/// The verbs are those of all limiters. `acquire_up_to` takes what is held. `refund` gives back what
/// was spent since the last request. `reset` drops the lease; the pool takes it back by its term or
/// with the next request.
/// @tparam Clock  as for `token_bucket`.
template <class Clock = std::chrono::steady_clock>
class leased_limiter : public detail::limiter_face<detail::leased_limiter_core, Clock> {
  using face = detail::limiter_face<detail::leased_limiter_core, Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;
  using face::try_acquire;

  /// Whether it is time to ask the pool.
  [[nodiscard]] bool due_at(time_point now) const noexcept {
    return this->core_.due(detail::nanoseconds_of(now));
  }

  /// What to send to the pool, at `now`. It may be asked for whether it is due or not.
  lease_request request_at(time_point now) noexcept {
    return this->core_.request(detail::nanoseconds_of(now));
  }

  /// The pool's answer, that arrives at `now`. Answers may come in any order, twice, or never.
  /// @return  whether it told anything new.
  bool granted_at(time_point now, const lease_grant& grant) noexcept {
    return this->core_.granted(detail::nanoseconds_of(now), grant);
  }

  /// Takes `cost` tokens, and asks the pool at once if there are too few and it is time to.
  /// @param ask  called with a `lease_request`; returns what is true and points to a `lease_grant`
  ///             (`std::optional`, `expected`), or what is not when there was no answer.
  template <class Ask>
  decision try_acquire(std::uint64_t cost, Ask&& ask) {
    const time_point now = this->now();
    decision d = this->try_acquire_at(now, cost);
    if (d.allowed || !due_at(now)) return d;
    if (const auto grant = ask(request_at(now))) {
      const time_point later = this->now();
      granted_at(later, *grant);
      d = this->try_acquire_at(later, cost);
    }
    return d;
  }

  /// Tokens that it holds and may spend.
  [[nodiscard]] std::uint64_t held_at(time_point now) const noexcept {
    return this->core_.held(detail::nanoseconds_of(now));
  }
};

leased_limiter(const leased_limiter_options&)->leased_limiter<>;
template <class Clock>
leased_limiter(const leased_limiter_options&, const Clock&) -> leased_limiter<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
