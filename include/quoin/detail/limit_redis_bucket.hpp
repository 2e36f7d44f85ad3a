// SPDX-License-Identifier: BSL-1.0
/// @file
/// How the answers of a bucket on a Redis server are read: by the arithmetic of the buckets here, so
/// that both say the same.
#ifndef QUOIN_DETAIL_LIMIT_REDIS_BUCKET_HPP
#define QUOIN_DETAIL_LIMIT_REDIS_BUCKET_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_gcra.hpp>
#include <quoin/detail/redis_question.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// What a question to a bucket was, and its answer: {units taken, ahead before, back}.
struct redis_bucket_reader {
  static constexpr std::size_t size = 3;

  gcra_quota quota;
  std::uint64_t cost = 0;
  std::int64_t most = 0;  ///< that may be ahead after it
  bool peek = false;

  /// Units of the cost, or so many that no bucket has them.
  [[nodiscard]] constexpr std::int64_t units() const noexcept {
    const auto largest = static_cast<std::uint64_t>(redis_exact / quota.token);
    return cost > largest ? redis_exact : static_cast<std::int64_t>(cost) * quota.token;
  }

  /// The bucket before the question, at the time of it.
  [[nodiscard]] constexpr bool moment(const std::int64_t* reply, gcra_moment* at) const noexcept {
    const std::int64_t ahead = reply[1], back = reply[2];
    if (ahead < 0 || ahead > redis_exact || back < 0 || back > redis_exact) {
      return false;
    }
    *at = gcra_at(quota, {back, ahead}, 0);
    return true;
  }
};

struct redis_bucket_decision : redis_bucket_reader {
  using answer = decision;
  bool debit = false;

  [[nodiscard]] expected<decision, error> read(const std::int64_t* reply) const noexcept {
    gcra_moment at{};
    if (!moment(reply, &at)) return unexpected(bad_redis_reply(1));
    const std::int64_t wanted = units();
    const bool passes = cost == 0 || (wanted <= most && at.load <= most - wanted);
    if (reply[0] != (passes ? wanted : 0)) return unexpected(bad_redis_reply(0));
    if (passes) return gcra_allowed(quota, at, peek ? 0 : wanted);
    return gcra_refused(quota, at, cost, most,
                        debit ? limit_reason::debt_above_limit : gcra_reason(quota, cost));
  }
};

struct redis_bucket_reservation : redis_bucket_reader {
  using answer = reservation;
  std::chrono::nanoseconds max_wait{0};

  [[nodiscard]] expected<reservation, error> read(const std::int64_t* reply) const noexcept {
    gcra_moment at{};
    if (!moment(reply, &at)) return unexpected(bad_redis_reply(1));
    const std::int64_t wanted = units();
    const bool passes = cost == 0 || (wanted <= most && at.load <= most - wanted);
    if (reply[0] != (passes ? wanted : 0)) return unexpected(bad_redis_reply(0));
    if (cost > quota.limit) return reservation{.reason = gcra_reason(quota, cost), .wait = never};
    reservation r{.granted = passes, .wait = std::chrono::nanoseconds(0)};
    if (cost == 0) return r;
    r.wait = gcra_wait(quota, at, at.ahead + wanted - quota.capacity);
    if (passes) {
      r.cost = cost;
    } else {
      const bool long_wait = r.wait == never || r.wait > max_wait;
      r.reason = long_wait ? gcra_reason(quota, cost) : limit_reason::debt_above_limit;
    }
    return r;
  }
};

/// As many as there were.
struct redis_bucket_taken : redis_bucket_reader {
  using answer = std::uint64_t;

  [[nodiscard]] expected<std::uint64_t, error> read(const std::int64_t* reply) const noexcept {
    gcra_moment at{};
    if (!moment(reply, &at)) return unexpected(bad_redis_reply(1));
    const std::uint64_t taken = min_of(cost, gcra_remaining(quota, at.load));
    if (reply[0] != static_cast<std::int64_t>(taken) * quota.token) {
      return unexpected(bad_redis_reply(0));
    }
    return taken;
  }
};

/// What there was before a refund.
struct redis_bucket_refund : redis_bucket_reader {
  using answer = std::uint64_t;

  [[nodiscard]] expected<std::uint64_t, error> read(const std::int64_t* reply) const noexcept {
    gcra_moment at{};
    if (reply[0] != 0 || !moment(reply, &at)) return unexpected(bad_redis_reply(1));
    return gcra_remaining(quota, at.load);
  }
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
