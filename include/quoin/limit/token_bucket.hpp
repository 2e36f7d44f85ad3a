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
/// Memory      104 bytes.
/// Threads     like a standard container.
/// Bytes       format id 0x0701, docs/formats.md#buckets; times are kept relative to `now`.
/// Source      ITU-T I.371 annex A, the generic cell rate algorithm: docs/formats.md#buckets.
///
/// Bounds      of a quota whose rate is count/per, with T = per/count nanoseconds = p/q in lowest
///             terms: burst·p and max_debt·p up to 2^58. So a full bucket takes up to 9 years / q to
///             fill; 1 a day: a burst of 3336; 3 a second: 2^58/10^9, 288 million; 10^9 a second: 2^58;
///             999 999 937 a second: 288 million. Another one is refused, never rounded.
/// Time        a `now` before an earlier one never brings tokens back: the bucket waits until its
///             clock has caught up. One that is more than `max_backward_step` earlier is that of a clock
///             that has been set anew, and the bucket goes on from there, empty. All times that the
///             clock can tell are good.
/// Rate 0      what the bucket holds passes once (`rate{0, 1s}` with a burst of 0: nothing ever).
///
/// @code
/// quoin::token_bucket bucket({.rate = quoin::per_second(100), .burst = 20});
/// if (const auto d = bucket.try_acquire(); !d) reply_429(d.retry_after);
/// bucket.try_acquire_at(now, 3);                    // three tokens or none, at a time of its clock
/// const auto r = bucket.reserve(5);                 // as soon as there are five
/// if (r) sleep_for(r.wait);
/// bucket.debit(response.size());                    // spent already: the next ones wait for it
/// @endcode
#ifndef QUOIN_LIMIT_TOKEN_BUCKET_HPP
#define QUOIN_LIMIT_TOKEN_BUCKET_HPP

#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_gcra_core.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

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

}  // namespace quoin::inline QUOIN_ABI

#endif
