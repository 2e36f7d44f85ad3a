// SPDX-License-Identifier: BSL-1.0
/// @file
/// Tokens of a shared bucket in the hand of one thread.
///
/// Use it when many threads hurry to one `atomic_token_bucket`: the line of that bucket goes from
/// core to core at every call, and that is what they wait for. A lease takes a chunk of tokens at
/// once and spends them without touching anything shared, nor asking a clock. Where a bucket is
/// usually empty there is nothing to lease, and no gain.
///
/// Guarantee   no token is spent twice. In any time d no more pass than burst + d·count/per, and
///             what the leases hold when it begins: `chunk` for each of them at most. With one lease
///             per thread that is chunk · threads. A chunk of 1 adds nothing to hold.
/// Cost        try_acquire: 1 ns, and once in a chunk what the bucket costs.
/// Threads     each lease belongs to one thread at a time; the bucket to all.
///
/// What is held and not spent goes back when the lease ends (or is told to `release`); until then
/// others cannot have it. So a chunk should be small beside the burst: a hundredth, or what a thread
/// spends in a millisecond. It goes back as of the time of the last chunk: to a window that has ended
/// since, not to the one after it. To lease costs a few times what the bucket itself does: chunks of
/// less than 16 save nothing.
///
/// @code
/// quoin::atomic_token_bucket bucket({.rate = quoin::per_second(10'000'000), .burst = 100'000});
/// // in each thread:
/// quoin::token_lease lease(bucket, 256);
/// while (auto request = next()) {
///   if (lease.try_acquire()) serve(*request);
/// }
/// @endcode
#ifndef QUOIN_LIMIT_LEASE_HPP
#define QUOIN_LIMIT_LEASE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// A lease on `Bucket`, an `atomic_token_bucket` or another limiter that threads may share.
template <limiter Bucket>
class token_lease {
 public:
  using time_point = typename Bucket::time_point;

  /// Holds nothing yet. `bucket` must outlive it; `chunk`, >= 1, is taken from it at once.
  token_lease(Bucket& bucket, std::uint64_t chunk) : bucket_(&bucket), chunk_(chunk) {
    if (chunk == 0) detail::fail_argument("token_lease", "chunk", chunk, "at least 1");
  }
  token_lease(Bucket&&, std::uint64_t) = delete;

  token_lease(token_lease&& other) noexcept
      : bucket_(other.bucket_), chunk_(other.chunk_), held_(other.held_), since_(other.since_) {
    other.held_ = 0;
  }
  token_lease& operator=(token_lease&& other) noexcept {
    if (this == &other) return *this;
    release();
    bucket_ = other.bucket_;
    chunk_ = other.chunk_;
    held_ = other.held_;
    since_ = other.since_;
    other.held_ = 0;
    return *this;
  }

  /// Gives back what is held.
  ~token_lease() { release(); }

  /// Takes `cost` tokens, all or none: of those that are held, or of the bucket and a chunk with
  /// them. `limit` and `remaining` tell of what is held; `retry_after` and the reason of a refusal
  /// are the bucket's, for what is lacking.
  QUOIN_ALWAYS_INLINE decision try_acquire_at(time_point now, std::uint64_t cost = 1) noexcept {
    if (cost > held_) [[unlikely]] {
      if (const decision refusal = lease_at(now, cost); !refusal) return refusal;
    }
    return spend(cost);
  }
  /// The clock is asked only when tokens have to be leased.
  QUOIN_ALWAYS_INLINE decision try_acquire(std::uint64_t cost = 1) noexcept {
    if (cost > held_) [[unlikely]] {
      if (const decision refusal = lease_at(bucket_->now(), cost); !refusal) return refusal;
    }
    return spend(cost);
  }

  /// Gives back what is held, to be leased by others.
  void release() noexcept {
    if (held_ != 0) bucket_->refund_at(since_, held_);
    held_ = 0;
  }

  /// Tokens that are held.
  [[nodiscard]] std::uint64_t held() const noexcept { return held_; }
  [[nodiscard]] std::uint64_t chunk() const noexcept { return chunk_; }

 private:
  QUOIN_ALWAYS_INLINE decision spend(std::uint64_t cost) noexcept {
    held_ -= cost;
    return {.allowed = true, .limit = chunk_, .remaining = held_};
  }

  /// Holds `cost` tokens afterwards and is allowed, or says why not.
  QUOIN_COLD decision lease_at(time_point now, std::uint64_t cost) noexcept {
    const std::uint64_t lacking = cost - held_;
    since_ = now;
    decision refusal;
    if (lacking > chunk_) {  // all or none: what others could use is not held for a refusal
      refusal = bucket_->try_acquire_at(now, lacking);
      if (refusal.allowed) held_ = cost;
    } else {
      held_ += bucket_->acquire_up_to_at(now, chunk_);
    }
    if (held_ >= cost) return {.allowed = true};
    if (lacking <= chunk_) refusal = bucket_->peek_at(now, cost - held_);
    if (refusal.allowed) refusal.reason = limit_reason::limited;  // came back just now
    if (held_ > chunk_) {
      bucket_->refund_at(now, held_ - chunk_);
      held_ = chunk_;
    }
    refusal.allowed = false;
    refusal.limit = chunk_;
    refusal.remaining = held_;
    return refusal;
  }

  Bucket* bucket_;
  std::uint64_t chunk_;
  std::uint64_t held_ = 0;
  time_point since_{};
};

}  // namespace quoin::inline QUOIN_ABI

#endif
