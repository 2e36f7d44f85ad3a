// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a keyed limiter answers, in nanoseconds and by hash.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_CORE_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_CORE_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_table.hpp>
#include <quoin/detail/limit_table_hash.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI {

/// The quota of each key, and how many keys there may be.
struct keyed_limiter_options {
  quoin::rate rate;            ///< tokens that come back; a count of 0 lets no key in, ever
  std::uint64_t burst = 0;     ///< tokens of a full bucket; 0: `rate.count`. With a count of 0: 0
  std::uint64_t capacity = 0;  ///< keys whose buckets are not full, at once, >= 1
  /// Of the hash. 0 draws one from the operating system, which is what keys from outside need; give
  /// one that they cannot know, or any for the same table in each run.
  std::uint64_t seed = 0;
  quoin::when_full when_full = quoin::when_full::evict;
  std::uint64_t own_quotas = 0;  ///< keys that `set_quota` may give one of their own, up to 2^24
  /// A clock that goes back further than this, >= 0, has been set anew: each bucket goes on from
  /// there, empty.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

inline void check_table_rate(const rate& rate, std::uint64_t burst) {
  constexpr const char* type = "keyed_limiter";
  constexpr std::int64_t most = std::int64_t{1} << 58;
  if (rate.per.count() < 1 || rate.per.count() > most) {
    fail_argument(type, "rate.per", rate.per.count(), "1 ns to 2^58 ns");
  }
  if (rate.count > static_cast<std::uint64_t>(most)) {
    fail_argument(type, "rate.count", rate.count, "at most 2^58");
  }
  if (rate.count == 0 && burst != 0) {
    fail_argument(type, "burst", burst, "0 where nothing comes back: that would be kept for ever");
  }
}

template <class Slots, class Allocator>
class table_core {
 public:
  using table_type = limit_table<Slots, Allocator>;
  using scale_type = typename table_type::scale_type;

  table_core(const keyed_limiter_options& options, const Allocator& allocator)
      : table_(lines_for(options), options.own_quotas, scale_for(options), {}, options.when_full,
               allocator) {
    table_.set_quota(checked_quota(options.rate, options.burst));
  }

  [[nodiscard]] table_type& table() noexcept { return table_; }
  [[nodiscard]] const table_type& table() const noexcept { return table_; }

  /// The quota in the ticks of this table; fails if it does not fit.
  [[nodiscard]] table_quota checked_quota(const rate& rate, std::uint64_t burst) const {
    check_table_rate(rate, burst);
    const scale_type& scale = table_.scale();
    const table_quota quota = scale.quota(rate, burst == 0 ? rate.count : burst);
    if (quota.capacity > scale_type::most || 2 * quota.capacity + scale.step() >= scale.reach()) {
      fail_argument("keyed_limiter", "burst", quota.limit,
                    "less, or the rate higher: see `Bounds`");
    }
    return quota;
  }

  /// Everything of a batch that is the same for all keys.
  struct moment {
    std::int64_t now;
    std::uint64_t tick;
    table_quota shared;
    bool all_share;
  };
  [[nodiscard]] moment at(std::int64_t now) const noexcept {
    return {now, table_.scale().tick_at(now), table_.quota(), table_.own().size() == 0};
  }

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t hash,
                                           std::uint64_t cost) noexcept {
    const decision answer = try_acquire(at(now), hash, cost);
    table_.count(answer.allowed ? 1 : 0, answer.allowed ? 0 : 1);
    return answer;
  }

  QUOIN_ALWAYS_INLINE decision try_acquire(const moment& when, std::uint64_t hash,
                                           std::uint64_t cost) noexcept {
    const table_quota quota = quota_at(when, hash);
    if (cost == 0 || cost > quota.limit) [[unlikely]]
      return peek(when, hash, cost);
    const std::uint64_t units = cost * quota.token;
    const table_answer got = table_.update(when.tick, hash, quota, [&](std::uint64_t ahead) {
      return ahead + units <= quota.capacity ? units : 0;
    });
    return got.taken ? allowed(when, quota, got.ahead) : refused(when, quota, got, cost);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision peek(const moment& when, std::uint64_t hash,
                                                  std::uint64_t cost) const noexcept {
    const table_quota quota = quota_at(when, hash);
    const std::uint64_t ahead = table_.look(when.tick, hash, quota);
    const bool passes =
        cost == 0 || (cost <= quota.limit && ahead + cost * quota.token <= quota.capacity);
    return passes ? allowed(when, quota, ahead) : refused(when, quota, {ahead}, cost);
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t hash, std::uint64_t cost) noexcept {
    const moment when = at(now);
    const table_quota quota = quota_at(when, hash);
    std::uint64_t taken = 0;
    const table_answer got = table_.update(when.tick, hash, quota, [&](std::uint64_t ahead) {
      taken = min_of(cost, remaining(quota, ahead));
      return taken * quota.token;
    });
    table_.count(got.taken ? 1 : 0, got.taken || cost == 0 ? 0 : 1);
    return got.taken ? taken : 0;
  }

  /// Takes tokens of the future too, down to a debt of a whole bucket.
  decision debit(std::int64_t now, std::uint64_t hash, std::uint64_t cost) noexcept {
    const moment when = at(now);
    const table_quota quota = quota_at(when, hash);
    if (cost == 0) return peek(when, hash, 0);
    table_answer got{table_.look(when.tick, hash, quota)};
    if (cost <= 2 * quota.limit) {
      const std::uint64_t units = cost * quota.token;
      got = table_.update(when.tick, hash, quota, [&](std::uint64_t ahead) {
        return ahead + units <= 2 * quota.capacity ? units : 0;
      });
    }
    table_.count(got.taken ? 1 : 0, got.taken ? 0 : 1);
    if (got.taken) return allowed(when, quota, got.ahead);
    decision answer = refused(when, quota, got, cost);
    if (got.full || quota.limit == 0) return answer;
    answer.reason = limit_reason::debt_above_limit;
    answer.retry_after =
        cost > 2 * quota.limit
            ? never
            : table_.scale().wait(now, got.ahead + cost * quota.token - 2 * quota.capacity);
    return answer;
  }

  reservation reserve(std::int64_t now, std::uint64_t hash, std::uint64_t cost,
                      std::chrono::nanoseconds max_wait) noexcept {
    if (cost == 0) return {.granted = true};
    const moment when = at(now);
    const table_quota quota = quota_at(when, hash);
    if (cost > quota.limit) {
      table_.count(0, 1);
      return {.reason = reason_of(quota, cost), .wait = never};
    }
    const std::uint64_t units = cost * quota.token;
    reservation answer;
    const table_answer got = table_.update(when.tick, hash, quota, [&](std::uint64_t ahead) {
      const std::uint64_t after = ahead + units;
      answer.wait = table_.scale().wait(now, after - min_of(after, quota.capacity));
      answer.reason = limit_reason::limited;
      if (answer.wait > max_wait) return std::uint64_t{0};
      answer.reason = limit_reason::debt_above_limit;
      return after <= 2 * quota.capacity ? units : 0;
    });
    table_.count(got.taken ? 1 : 0, got.taken ? 0 : 1);
    if (got.taken) {
      answer.granted = true;
      answer.reason = limit_reason::none;
      answer.cost = cost;
    } else if (got.full) {
      answer.reason = limit_reason::table_full;
      answer.wait = table_.scale().wait(now, got.ahead);
    }
    return answer;
  }

  void refund(std::int64_t now, std::uint64_t hash, std::uint64_t cost) noexcept {
    const moment when = at(now);
    const table_quota quota = quota_at(when, hash);
    const std::uint64_t ticks = cost > 2 * quota.limit ? ~std::uint64_t{0} : cost * quota.token;
    if (cost != 0) table_.refund(when.tick, hash, ticks);
  }

  /// Asks for `n` keys, whose hashes `hashes(first, count, out)` gives, and tells
  /// `answer(i, decision)`: the lines of a block are fetched while the block before it is served, and
  /// the second lines of those that need them a few keys ahead.
  template <class Hashes, class Answer>
  void try_acquire_many(std::int64_t now, std::size_t n, Hashes hashes, std::uint64_t cost,
                        Answer answer) {
    constexpr std::size_t block = 32, ahead = 6;
    const moment when = at(now);
    std::uint64_t ready[2][block];
    std::uint64_t passed = 0;
    const auto fetch = [&](std::size_t first, std::uint64_t* out) {
      const std::size_t count = min_of(n - first, block);
      hashes(first, count, out);
      for (std::size_t i = 0; i < count; ++i) table_.prefetch(out[i]);
    };
    if (n != 0) fetch(0, ready[0]);
    for (std::size_t first = 0, turn = 0; first < n; first += block, turn = 1 - turn) {
      if (n - first > block) fetch(first + block, ready[1 - turn]);
      const std::size_t count = min_of(n - first, block);
      for (std::size_t i = 0; i < count; ++i) {
        if (i + ahead < count) table_.prefetch_second(ready[turn][i + ahead]);
        const decision got = try_acquire(when, ready[turn][i], cost);
        passed += got.allowed ? 1 : 0;
        answer(first + i, got);
      }
    }
    table_.count(passed, n - passed);
  }

 private:
  [[nodiscard]] static std::size_t lines_for(const keyed_limiter_options& options) {
    const std::uint64_t most = static_cast<std::uint64_t>(PTRDIFF_MAX) / 20;
    if (options.capacity == 0 || options.capacity > most) {
      fail_argument("keyed_limiter", "capacity", options.capacity,
                    "1 or more that fit into memory");
    }
    if (options.own_quotas > std::uint64_t{1} << 24) {
      fail_argument("keyed_limiter", "own_quotas", options.own_quotas, "at most 2^24");
    }
    // What all keys share comes out of their bytes, where there are many.
    std::uint64_t bytes = options.capacity * Slots::bytes_per_key;
    if (bytes > 64 * sizeof(table_control)) bytes -= sizeof(table_control) + sizeof(cache_line);
    return static_cast<std::size_t>(ceil_div(bytes, std::uint64_t{sizeof(cache_line)}));
  }

  [[nodiscard]] static scale_type scale_for(const keyed_limiter_options& options) {
    check_table_rate(options.rate, options.burst);
    const std::int64_t step = options.max_backward_step.count();
    if (step < 0) fail_argument("keyed_limiter", "max_backward_step", step, "0 or more");
    const rate rate = options.rate.count == 0 ? per_second(1) : options.rate;
    const std::uint64_t burst = options.burst == 0 ? rate.count : options.burst;
    if (burst > scale_type::most) {
      fail_argument("keyed_limiter", "burst", burst,
                    Slots::bits == 62 ? "up to 2^58" : "up to 2^36");
    }
    return scale_type(rate, burst, step);
  }

  [[nodiscard]] table_quota quota_at(const moment& when, std::uint64_t hash) const noexcept {
    if (when.all_share) [[likely]]
      return when.shared;
    return table_.quota_of(hash);
  }

  [[nodiscard]] static std::uint64_t remaining(const table_quota& quota,
                                               std::uint64_t ahead) noexcept {
    return ahead >= quota.capacity ? 0 : (quota.capacity - ahead) / quota.token;
  }

  [[nodiscard]] static limit_reason reason_of(const table_quota& quota,
                                              std::uint64_t cost) noexcept {
    return refusal_of(cost, quota.limit);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision allowed(const moment& when, const table_quota& quota,
                                                     std::uint64_t ahead) const noexcept {
    return {.allowed = true,
            .limit = quota.limit,
            .remaining = remaining(quota, ahead),
            .reset_after = table_.scale().wait(when.now, ahead)};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision refused(const moment& when, const table_quota& quota,
                                                     const table_answer& got,
                                                     std::uint64_t cost) const noexcept {
    decision answer{.allowed = false,
                    .reason = got.full ? limit_reason::table_full : reason_of(quota, cost),
                    .limit = quota.limit,
                    .remaining = got.full ? quota.limit : remaining(quota, got.ahead),
                    .retry_after = never,
                    .reset_after = table_.scale().wait(when.now, got.full ? 0 : got.ahead)};
    if (got.full) {
      answer.retry_after = table_.scale().wait(when.now, got.ahead);
    } else if (cost <= quota.limit) {
      const std::uint64_t ticks = got.ahead + cost * quota.token;
      answer.retry_after = table_.scale().wait(when.now, ticks - min_of(ticks, quota.capacity));
    }
    return answer;
  }

  table_type table_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
