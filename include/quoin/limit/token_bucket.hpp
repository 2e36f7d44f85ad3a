// SPDX-License-Identifier: BSL-1.0
/// @file
/// A token bucket: so many tokens come back in so long, a full bucket may be spent at once, and who
/// finds too few is told when to come again.
///
/// Use it for "100 a second, 20 at once": requests, bytes, attempts. For one quota of each user,
/// `keyed_limiter`; for a strict "never more than N in any minute", `sliding_log`; for an even
/// outflow, `leaky_queue`.
///
/// Guarantee   exact for every rate and for ever: a token comes back each per/count nanoseconds as a
///             rational number, never rounded. In any time d no more than burst + d·count/per tokens
///             pass (and those of debts), whatever order the times come in.
/// Cost        try_acquire_at: about 3 ns, a multiplication; fields of the answer that are not read
///             cost nothing. try_acquire: and a reading of the clock, which is ten times as long.
///             atomic_token_bucket: one compare-and-swap; a refusal writes nothing.
/// Memory      96 bytes; atomic_token_bucket: ten cache lines, so that readers do not disturb writers.
/// Threads     token_bucket: like a standard container. atomic_token_bucket: concurrent, all but its
///             construction and destruction; lock-free, but where a quota or, twice in 2^58 units of
///             time, its base is changed. Each operation takes effect at one moment; it publishes no
///             other memory. When many threads hurry to one bucket, `token_lease` saves them from
///             waiting for its line.
/// Bytes       format id 0x0701, docs/formats.md#buckets; times are kept relative to `now`.
/// Source      ITU-T I.371 annex A, the generic cell rate algorithm: docs/formats.md#buckets.
///
/// Bounds      of a quota whose rate is count/per, with T = per/count nanoseconds = p/q in lowest
///             terms: burst·p and max_debt·p up to 2^58. So a full bucket takes up to 9 years / q to
///             fill; 1 a day: a burst of 3335; 3 a second: 2^58/10^9, 288 million; 10^9 a second: 2^58;
///             999 999 937 a second: 288 million. Another one is refused, never rounded.
/// Time        a `now` before an earlier one never brings tokens back: the bucket waits until its
///             clock has caught up. When that would last `max_backward_step` longer than any debt,
///             the clock has been set anew, and the bucket goes on from the next request, empty (a
///             `peek` or `time_until` changes nothing). All times that the clock can tell are good.
/// Rate 0      what the bucket holds passes once (`rate{0, 1s}` with a burst of 0: nothing ever).
///
/// @code
/// quoin::token_bucket bucket({.rate = quoin::per_second(100), .burst = 20});
/// if (const auto d = bucket.try_acquire(); !d) reply_429(d.retry_after);
/// bucket.try_acquire_at(now, 3);                    // three tokens or none, at a time of its clock
/// const auto r = bucket.reserve(5);                 // as soon as there are five
/// if (r) sleep_for(r.wait);
/// bucket.debit(response.size());                    // spent already: the next ones wait for it
/// quoin::atomic_token_bucket shared({.rate = quoin::per_second(100)});  // the same, for all threads
/// @endcode
#ifndef QUOIN_LIMIT_TOKEN_BUCKET_HPP
#define QUOIN_LIMIT_TOKEN_BUCKET_HPP

#include <quoin/detail/limit_atomic_gcra.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_gcra_core.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

template <class Clock, template <class> class Atomic>
class atomic_token_bucket;

/// A token bucket in the time of `Clock`. A new one is full.
/// @tparam Clock  from <chrono> or of the same shape; one whose `now` is not static (`manual_clock`)
///                is given to the constructor.
template <class Clock = std::chrono::steady_clock>
class token_bucket : public detail::limiter_face<detail::token_bucket_core, Clock> {
  using face = detail::limiter_face<detail::token_bucket_core, Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// Size of the serialized form.
  [[nodiscard]] static constexpr std::size_t serialized_size() noexcept {
    return detail::gcra_form_size;
  }

  /// The bucket as it is at `now`, to go on at any other time on any clock.
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    std::vector<std::byte> bytes(serialized_size());
    detail::write_gcra(bytes, format, this->core_, detail::nanoseconds_of(now));
    return bytes;
  }
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_at(this->clock_.now()); }

  /// The bucket that `to_bytes_at` wrote, as if its `now` were this one: time between the two does
  /// not count. A full one comes back as new. An error for other bytes.
  [[nodiscard]] static expected<token_bucket, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now) requires detail::static_clock<Clock> {
    return read(bytes, now, detail::clock_reference<Clock>());
  }
  [[nodiscard]] static expected<token_bucket, error> from_bytes_at(std::span<const std::byte> bytes,
                                                                   time_point now,
                                                                   const Clock& clock) {
    return read(bytes, now, detail::clock_reference<Clock>(clock));
  }
  static expected<token_bucket, error> from_bytes_at(std::span<const std::byte>, time_point,
                                                     const Clock&&) = delete;

 private:
  template <class, template <class> class>
  friend class atomic_token_bucket;

  static constexpr std::uint16_t format = 0x0701;

  [[nodiscard]] static expected<token_bucket, error> read(std::span<const std::byte> bytes,
                                                          time_point now,
                                                          detail::clock_reference<Clock> clock) {
    const auto core = detail::read_gcra(bytes, format, detail::nanoseconds_of(now));
    if (!core) return unexpected(core.error());
    return token_bucket(*core, clock);
  }
};

token_bucket(const token_bucket_options&)->token_bucket<>;
template <class Clock>
token_bucket(const token_bucket_options&, const Clock&) -> token_bucket<Clock>;

/// A token bucket for any number of threads: what `token_bucket` answers, from one word. Neither
/// copied nor moved: threads hold references to it.
/// @tparam Atomic  `std::atomic`, or what a test puts in its place.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic>
class atomic_token_bucket
    : public detail::limiter_face<detail::atomic_token_bucket_core<Atomic>, Clock> {
  using face = detail::limiter_face<detail::atomic_token_bucket_core<Atomic>, Clock>;

 public:
  using face::face;

  /// Goes on with what `from` holds, in its clock's time.
  explicit atomic_token_bucket(const token_bucket<Clock>& from) noexcept
      : face(from.clock_, from.core_) {}

  /// The bucket as it is at one moment, to be looked at or serialized.
  [[nodiscard]] token_bucket<Clock> snapshot() const noexcept {
    return token_bucket<Clock>(this->core_.snapshot(), this->clock_);
  }
};

atomic_token_bucket(const token_bucket_options&)->atomic_token_bucket<>;
template <class Clock>
atomic_token_bucket(const token_bucket_options&, const Clock&) -> atomic_token_bucket<Clock>;
template <class Clock>
atomic_token_bucket(const token_bucket<Clock>&) -> atomic_token_bucket<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
