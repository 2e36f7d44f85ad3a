// SPDX-License-Identifier: BSL-1.0
/// @file
/// The pool of tokens that nodes lease, over nanoseconds.
#ifndef QUOIN_DETAIL_LIMIT_LEASE_POOL_HPP
#define QUOIN_DETAIL_LIMIT_LEASE_POOL_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_division.hpp>
#include <quoin/detail/limit_gcra_core.hpp>
#include <quoin/detail/limit_lease.hpp>
#include <quoin/detail/limit_max_min.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// What becomes of tokens that were leased when their node no longer answers. Nobody knows whether it
/// has spent them.
enum class lapse : std::uint8_t {
  spends,  ///< they count as spent: the limit always holds, and what was not spent is lost
  returns,  ///< they go back: nothing is lost, and what was spent passes once more, at most what such
            ///< nodes held
};

/// The quota of a pool and how it leases.
struct lease_pool_options {
  quoin::rate rate;             ///< as for `token_bucket`
  std::uint64_t burst = 0;      ///< as for `token_bucket`; 0: `rate.count`
  std::size_t capacity = 1024;  ///< nodes at the same time, 1 to 2^14
  /// From one request of a busy node to its next one, 1 ms to an hour; at most a quarter of what fills
  /// the burst.
  std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
  /// How long a lease lasts without being renewed, 4 intervals to a week; 0: 20 intervals.
  std::chrono::nanoseconds term{0};
  /// Tokens that a message should be worth. Where so many nodes share so little that it would be
  /// fewer, intervals become longer; up to a quarter of what fills the burst, and of `term`.
  std::uint32_t chunk = 4;
  lapse on_lapse = lapse::spends;
  /// The number of the first lease, 1 to 2^63. No other pool that these nodes ask may have given it: the
  /// nanoseconds since 1970 when it starts, for one that may be restarted.
  std::uint64_t first_lease = 1;
  bool restarted = false;  ///< others may hold leases of a pool that is no more

  friend constexpr bool operator==(const lease_pool_options&, const lease_pool_options&) = default;
};

namespace detail {

/// The pool, over nanoseconds.
///
/// `total_` is a bucket of all tokens there are, those that are leased included. To lease changes
/// nothing of it; to spend takes from it. So it is full, and nothing comes back, while nodes hold all
/// of it. What it really holds is at most that, as reports come later than what they tell of.
class lease_pool_core {
 public:
  explicit lease_pool_core(const lease_pool_options& options)
      : total_(bucket_of(options), "lease_pool"), options_(checked(options)) {
    leases_.reserve(options.capacity);
    wants_.reserve(options.capacity);
    next_lease_ = options.first_lease;
    quiet_ = options.restarted;
    longest_interval_ = longest_interval();
  }

  lease_grant grant(std::int64_t now, const lease_request& request) noexcept {
    advance(now);
    lease* of = find(request.node);
    if (of != nullptr && request.sequence <= of->sequence) {  // doubled, or overtaken
      if (request.lease == of->number && request.sequence == of->sequence) return answer(*of);
      return {.node = request.node,
              .sequence = request.sequence,
              .renew_after = nanoseconds(interval()),
              .limit = total_.quota().limit};
    }
    if (of == nullptr) {
      of = add(request.node);
      if (of == nullptr) {
        return {.node = request.node,
                .sequence = request.sequence,
                .renew_after = nanoseconds(term() / 4),
                .reason = limit_reason::table_full,
                .limit = total_.quota().limit};
      }
    } else if (request.lease != of->number) {  // has forgotten what it held
      settle(of->held(), now_);
      begin(*of);
    } else {
      report(*of, request);
    }
    if (of->held() <= of->hold_at_most) of->gives_back_by = INT64_MAX;
    of->sequence = request.sequence;
    of->deadline = min_of(later_time(now_, term()), of->gives_back_by);
    next_deadline_ = min_of(next_deadline_, of->deadline);
    const std::uint64_t limit = total_.quota().limit;
    want(*of, min_of(request.wanted, limit));
    const std::uint64_t needed = request.needed <= limit ? request.needed : 0;  // never passes
    bound(*of, lease_more(*of, min_of(needed, of->wanted)));
    return answer(*of);
  }

  void reconfigure(std::int64_t now, quoin::rate rate, std::uint64_t burst) {
    lease_pool_options changed = options_;
    changed.rate = rate;
    changed.burst = burst;
    advance(now);
    total_.reconfigure(now_, bucket_of(changed), inherit::tokens, "lease_pool");
    options_ = changed;
    longest_interval_ = longest_interval();
  }

  /// Takes back what has not been renewed until `now`.
  void advance(std::int64_t now) noexcept {
    if (!begun_) {
      begun_ = true;
      now_ = now;
      quiet_until_ = later_time(now, term());
    }
    now_ = max_of(now, now_);
    if (quiet_ && now_ >= quiet_until_) {
      quiet_ = false;
      total_.acquire_up_to(quiet_until_, total_.quota().limit);
    }
    if (now_ < next_deadline_) return;
    next_deadline_ = INT64_MAX;
    std::size_t ended = 0;
    std::uint64_t lost = 0;
    std::int64_t last = INT64_MIN;
    for (std::size_t i = 0; i < leases_.size();) {
      if (leases_[i].deadline > now_ || leases_[i].deadline == INT64_MAX) {  // at the end of time
        next_deadline_ = min_of(next_deadline_, leases_[i].deadline);
        ++i;
      } else {
        lost += leases_[i].held();
        last = max_of(last, leases_[i].deadline);
        if (leases_[i].gives_back_by <= now_) distrusted_ = later_time(now_, 2 * term());
        if (++ended <= few) {
          want(leases_[i], ~std::uint64_t{0});
          wants_.pop_back();
        }
        leases_[i] = leases_.back();
        leases_.pop_back();
      }
    }
    settle(lost, last);  // no later than then: what has come back since is there
    if (ended <= few) return;
    wants_.clear();
    for (const lease& each : leases_) wants_.push_back(each.wanted);
    sort_ascending(wants_);
  }

  [[nodiscard]] std::uint64_t available() const noexcept {
    if (quiet_) return 0;
    const std::uint64_t all = total_.peek(now_, 0).remaining;
    return all - min_of(all, leased_);
  }
  [[nodiscard]] std::uint64_t leased() const noexcept { return leased_; }
  [[nodiscard]] std::uint64_t lapsed() const noexcept { return lapsed_; }
  [[nodiscard]] std::size_t nodes() const noexcept { return leases_.size(); }
  [[nodiscard]] const lease_pool_options& options() const noexcept { return options_; }

 private:
  using nanoseconds = std::chrono::nanoseconds;
  static constexpr std::size_t few = 16;  // wants that are taken out one by one

  struct lease {
    std::uint64_t node, number, sequence, granted, spent, returned, wanted;
    std::uint32_t credit;  // of a token, in 2^-32: what `wanted` was cut down to, in parts
    bool met;              // holds what it wanted, as of the last request
    std::int64_t deadline;
    std::uint64_t hold_at_most;  // as it was told
    std::int64_t gives_back_by;  // down to that; else it is not renewed
    std::int64_t served;         // until when what it was given whole is its due

    [[nodiscard]] std::uint64_t held() const noexcept { return granted - spent - returned; }
  };

  [[nodiscard]] static token_bucket_options bucket_of(const lease_pool_options& options) noexcept {
    return {.rate = options.rate, .burst = options.burst, .max_debt = 0};
  }

  [[nodiscard]] static const lease_pool_options& checked(const lease_pool_options& options) {
    constexpr auto type = "lease_pool";
    constexpr std::int64_t hour = 3'600'000'000'000;
    const std::int64_t interval = options.interval.count(), term = options.term.count();
    if (options.capacity < 1 || options.capacity > std::size_t{1} << 14) {
      fail_argument(type, "capacity", options.capacity, "1 to 2^14");
    }
    if (interval < 1'000'000 || interval > hour) {
      fail_argument(type, "interval", interval, "1 ms to 1 h");
    }
    if (term != 0 && (term < 4 * interval || term > 168 * hour)) {
      fail_argument(type, "term", term, "4 intervals to a week, or 0");
    }
    if (options.first_lease < 1 || options.first_lease > std::uint64_t{1} << 63) {
      fail_argument(type, "first_lease", options.first_lease, "1 to 2^63");
    }
    return options;
  }

  [[nodiscard]] static std::int64_t later_time(std::int64_t time, std::int64_t by) noexcept {
    std::int64_t sum = 0;
    return __builtin_add_overflow(time, by, &sum) ? INT64_MAX : sum;
  }

  [[nodiscard]] std::int64_t term() const noexcept {
    const std::int64_t term = options_.term.count();
    return term != 0 ? term : 20 * options_.interval.count();
  }

  /// Time in which `tokens` come back, or `most` if that is less.
  [[nodiscard]] std::int64_t time_of(std::uint64_t tokens, std::int64_t most) const noexcept {
    const auto per = static_cast<std::uint64_t>(options_.rate.per.count());
    std::uint64_t product = 0;
    if (options_.rate.count == 0 || !checked_mul(tokens, per, &product)) return most;
    return static_cast<std::int64_t>(
        min_of(product / options_.rate.count, static_cast<std::uint64_t>(most)));
  }

  /// Tokens that come back in `time`, or the burst if that is less.
  [[nodiscard]] std::uint64_t tokens_of(std::int64_t time) const noexcept {
    const auto per = static_cast<std::uint64_t>(options_.rate.per.count());
    const uint128_halves product = mul_full(static_cast<std::uint64_t>(time), options_.rate.count);
    const std::uint64_t burst = total_.quota().limit;
    return product.hi >= per ? burst : min_of(divide(product, per), burst);
  }

  /// A burst is what can be in hand, so it has to last for some intervals.
  [[nodiscard]] std::int64_t longest_interval() const noexcept {
    const std::int64_t fill = time_of(total_.quota().limit, INT64_MAX);
    return max_of(min_of(fill / 4, term() / 4), std::int64_t{1'000'000});
  }

  [[nodiscard]] std::int64_t interval() const noexcept {
    std::int64_t wished = options_.interval.count();
    if (options_.rate.count == 0) return wished;
    const std::uint64_t tokens = std::uint64_t{options_.chunk} * leases_.size();
    wished = max_of(wished, time_of(tokens, longest_interval_));
    return min_of(wished, longest_interval_);
  }

  [[nodiscard]] lease* find(std::uint64_t node) noexcept {
    for (lease& each : leases_) {
      if (each.node == node) return &each;
    }
    return nullptr;
  }

  [[nodiscard]] lease* add(std::uint64_t node) noexcept {
    if (leases_.size() == options_.capacity) return nullptr;
    leases_.push_back({.node = node,
                       .number = 0,
                       .sequence = 0,
                       .granted = 0,
                       .spent = 0,
                       .returned = 0,
                       .wanted = ~std::uint64_t{0},
                       .credit = static_cast<std::uint32_t>(next_lease_ * 0x9E3779B9u),
                       .met = false,
                       .deadline = 0,
                       .hold_at_most = 0,
                       .gives_back_by = 0,
                       .served = distrusted_});
    wants_.push_back(~std::uint64_t{0});
    begin(leases_.back());
    return &leases_.back();
  }

  void begin(lease& of) noexcept {
    of.number = next_lease_++;
    of.granted = of.spent = of.returned = 0;
    of.hold_at_most = ~std::uint64_t{0};
    of.gives_back_by = INT64_MAX;
  }

  /// What the node has told since its last request.
  void report(lease& of, const lease_request& request) noexcept {
    const std::uint64_t spent = min_of(request.spent - min_of(request.spent, of.spent), of.held());
    take(spent, now_);
    of.spent += spent;
    leased_ -= spent;
    const std::uint64_t returned =
        min_of(request.returned - min_of(request.returned, of.returned), of.held());
    of.returned += returned;
    leased_ -= returned;
  }

  /// Nothing more will be heard of `tokens` that were held until `then`.
  void settle(std::uint64_t tokens, std::int64_t then) noexcept {
    if (options_.on_lapse == lapse::spends) take(tokens, then);
    leased_ -= tokens;
    lapsed_ += tokens;
  }

  /// There are as many, unless the quota has become smaller.
  void take(std::uint64_t tokens, std::int64_t then) noexcept {
    if (tokens != 0) total_.acquire_up_to(then, tokens);
  }

  void want(lease& of, std::uint64_t wanted) noexcept {
    replace_sorted(wants_, of.wanted, wanted);
    of.wanted = wanted;
  }

  /// Returns what `of` may hold.
  std::uint64_t lease_more(lease& of, std::uint64_t needed) noexcept {
    if (collector_ == of.number || now_ >= collects_until_) release();
    const std::uint64_t all = quiet_ ? 0 : total_.peek(now_, 0).remaining;
    const max_min_level level = max_min_level_of(wants_, without(shared(all), collects_));
    const std::uint64_t free = without(without(all, leased_), lacks_);
    std::uint64_t share = of.wanted, most = of.wanted;
    if (level.among != 0 && needed > of.held() && needed > max_of(level.whole, std::uint64_t{1})) {
      share = most = share_of_needy(of, needed, level.among, free);
    } else if (level.among != 0 && of.wanted > level.whole) {
      const std::uint32_t before = of.credit;
      of.credit += static_cast<std::uint32_t>((level.rest << 32) / level.among);
      share = level.whole + (of.credit < before ? 1 : 0);
      const max_min_level most_level = max_min_level_of(wants_, without(all, collects_));
      const std::uint64_t one = collects_ == 0 ? 1 : 0;  // that goes round
      if (most_level.among != 0) most = min_of(most, most_level.whole + one);
    }
    const std::uint64_t held = of.held();
    const std::uint64_t more = min_of(without(share, held), free);
    of.granted += more;
    leased_ += more;
    of.met = held + more >= of.wanted;
    return max_of(share, most);
  }

  /// A part of what one cost needs is of no use, and if all nodes held such parts, nothing would ever
  /// come back. So it is everything or nothing, as often as `among` such nodes get at the rate; and
  /// when there is not enough, what comes back is kept for the one who asked first.
  std::uint64_t share_of_needy(lease& of, std::uint64_t needed, std::uint64_t among,
                               std::uint64_t free) noexcept {
    constexpr std::int64_t week = 604'800'000'000'000;
    const std::uint64_t held = of.held();
    std::uint64_t tokens = 0;
    const bool long_ago = !checked_mul(needed, among, &tokens);
    const std::int64_t turn = options_.rate.count == 0 ? 0
                              : long_ago               ? week
                                                       : time_of(tokens, week);
    if (now_ < later_time(of.served, turn)) return 0;
    if (needed - held <= free) {
      std::int64_t recently = 0;  // what it was late by, up to this, it may make up for
      if (__builtin_sub_overflow(now_, turn / 2, &recently)) recently = now_;
      of.served = max_of(later_time(of.served, turn), recently);
      return needed;
    }
    if (collector_ != 0) return 0;
    collector_ = of.number;
    collects_ = needed;
    lacks_ = needed - held;
    collects_until_ = later_time(now_, 4 * interval());
    return held;
  }

  void release() noexcept { collector_ = collects_ = lacks_ = 0; }

  /// A node that holds more than `most` is told to give back, and has a term to do so. If it was told
  /// before, it may know only that: the greatest of what it was told since is what counts.
  void bound(lease& of, std::uint64_t most) noexcept {
    if (of.held() <= most) {
      of.gives_back_by = INT64_MAX;
      of.hold_at_most = ~std::uint64_t{0};
    } else if (of.gives_back_by == INT64_MAX) {
      of.gives_back_by = later_time(now_, term());
      of.hold_at_most = most;
    } else {
      of.hold_at_most = max_of(of.hold_at_most, most);
    }
  }

  [[nodiscard]] static std::uint64_t without(std::uint64_t all, std::uint64_t some) noexcept {
    return all - min_of(all, some);
  }

  /// What all nodes may hold: the least of `all` in the last interval, as what is spent and not yet
  /// reported is not there; at least what comes back in one. So a token goes round fairly whether
  /// nodes ask one by one or all at once.
  [[nodiscard]] std::uint64_t shared(std::uint64_t all) noexcept {
    const std::int64_t length = interval();
    if (now_ >= lows_until_) {
      const bool long_ago = now_ >= later_time(lows_until_, length);
      low_before_ = long_ago ? all : low_;
      low_ = all;
      lows_until_ = later_time(now_, length);
    }
    low_ = min_of(low_, all);
    return max_of(min_of(low_, low_before_), tokens_of(length));
  }

  [[nodiscard]] lease_grant answer(const lease& of) const noexcept {
    const std::int64_t left = min_of(of.deadline - now_, term());
    return {.node = of.node,
            .lease = of.number,
            .sequence = of.sequence,
            .granted = of.granted,
            .valid_for = nanoseconds(left - left / 64),
            .renew_after = nanoseconds(interval()),
            .reason = of.met ? limit_reason::none : limit_reason::limited,
            .hold_at_most = of.hold_at_most,
            .limit = total_.quota().limit};
  }

  token_bucket_core total_;
  lease_pool_options options_;
  std::vector<lease> leases_;
  std::vector<std::uint64_t> wants_;  // of all leases, ascending
  std::uint64_t next_lease_ = 1;
  std::uint64_t leased_ = 0, lapsed_ = 0;
  std::uint64_t low_ = 0, low_before_ = 0;  // of `total_`, until `lows_until_` and before
  std::int64_t now_ = 0, next_deadline_ = INT64_MAX, quiet_until_ = 0, longest_interval_ = 0;
  std::int64_t lows_until_ = INT64_MIN;
  // The lease that tokens are kept for until it can be given what it needs, and what it lacks.
  std::uint64_t collector_ = 0, collects_ = 0, lacks_ = 0;
  std::int64_t collects_until_ = INT64_MIN;
  std::int64_t distrusted_ =
      INT64_MIN;  // no turns before, for new leases: others did not give back
  bool begun_ = false, quiet_ = false;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
