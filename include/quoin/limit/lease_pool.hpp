// SPDX-License-Identifier: BSL-1.0
/// @file
/// One limit for many processes: the pool of tokens that their `leased_limiter`s lease from.
///
/// Use it when a limit is of all nodes together and a question to a server for each request is too
/// slow or too much: nodes decide by themselves, and ask the pool a few times a second. There is no
/// transport here: the pool answers a `lease_request` with a `lease_grant`, and how they travel is
/// the caller's matter. Where each node sees fewer requests than it would send messages, ask a server
/// each time (interop/redis_limiter.hpp). docs/shared-limits.md compares them.
///
/// Guarantee   in any time d all nodes together let pass at most burst + d·count/per, which is what
///             one `token_bucket` promises: a token that a node holds counts as one that the bucket
///             still has, and nothing comes back for it until the pool is told that it is spent.
///             That is so whatever messages are lost, doubled, late or out of order, and whichever
///             nodes die, but for `lapse::returns` and for nodes with a `fallback`, as they say.
/// Accuracy    the price is at the other end: what is spent comes back only once it is reported, so
///             the burst has to hold all that nodes have in hand. Intervals are cut to a quarter of the
///             time in which it comes back; half a second's worth loses next to nothing by that.
/// Fairness    max-min over what nodes want: nobody holds more than another one that wants more,
///             but for less than a token, which goes round. A node that exaggerates gets no more
///             than an equal share, once it holds no more: one that does not give back what is above
///             it is not renewed, and what it holds is taken back after a term. One that
///             also lies about what it needs can hold that much for one term of four or so.
/// Needs       where a node refuses a cost that is above its share, it gets the whole of it in turn,
///             and nothing before; in the mean, what passes so is its part of the rate, if nodes ask
///             often enough. A cost above the burst never passes. Where a node also has many small
///             costs, they come first, as with one bucket.
/// Cost        grant_at: O(nodes), 40 ns with 10 of them, 0.5 µs with 1000 and 30 µs with 2^14; at which
///             n leases end at once, O(nodes log nodes): 0.2 ms if all of 2^14 do.
/// Memory      about 100 bytes for each of `capacity` nodes, taken at construction.
/// Threads     like a standard container.
/// Source      Bertsekas, Gallager, "Data Networks", 2nd ed. 1992, section 6.5.2: max-min fairness.
///             Leases: Gray, Cheriton, SOSP 1989.
///
/// A lease ends when its node has not asked for a `term`. Nodes count from before they asked, by
/// their own clock, and a 64th less: so no clocks are compared, and a node stops before the pool takes
/// back, unless their clocks differ in speed by more than 1.5 %.
///
/// A pool that takes the place of another one, which may have leases out, is told `restarted`: it
/// grants nothing for a term, while the old leases run out, and is empty then, as all of them may have
/// been spent at the last moment.
///
/// Nodes are trusted to report what they spend. A number in a request that cannot be true is taken
/// for the next one that can.
///
/// @code
/// quoin::lease_pool pool({.rate = quoin::per_second(10'000), .burst = 5'000});
/// on_message([&](const quoin::lease_request& request) { reply(pool.grant(request)); });
/// @endcode
#ifndef QUOIN_LIMIT_LEASE_POOL_HPP
#define QUOIN_LIMIT_LEASE_POOL_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/limit_lease_pool.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// A pool in the time of `Clock`, which has to be a steady one: a `now` before an earlier one counts
/// as that one.
/// @tparam Clock  as for `token_bucket`.
template <class Clock = std::chrono::steady_clock>
class lease_pool {
 public:
  using clock_type = Clock;
  using time_point = typename Clock::time_point;

  /// Throws `std::invalid_argument` when an option is out of range.
  explicit lease_pool(const lease_pool_options& options) requires detail::static_clock<Clock>
      : core_(options) {}
  /// In the time of `clock`, which must outlive the pool and its copies.
  lease_pool(const lease_pool_options& options, const Clock& clock)
      : clock_(clock), core_(options) {}
  lease_pool(const lease_pool_options&, const Clock&&) = delete;

  /// Answers a node. Each request gets its answer, which may be nothing.
  lease_grant grant_at(time_point now, const lease_request& request) noexcept {
    return core_.grant(detail::nanoseconds_of(now), request);
  }
  lease_grant grant(const lease_request& request) noexcept {
    return grant_at(clock_.now(), request);
  }

  /// Takes back what was not renewed in time, as each request does before it is answered.
  void advance_to(time_point now) noexcept { core_.advance(detail::nanoseconds_of(now)); }

  /// Another quota. What is leased stays leased, even if that is more than the new burst. Throws as
  /// the constructor, and then nothing has changed.
  void reconfigure_at(time_point now, quoin::rate rate, std::uint64_t burst = 0) {
    core_.reconfigure(detail::nanoseconds_of(now), rate, burst);
  }
  void reconfigure(quoin::rate rate, std::uint64_t burst = 0) {
    reconfigure_at(clock_.now(), rate, burst);
  }

  /// Tokens that nobody holds, at the last time given.
  [[nodiscard]] std::uint64_t available() const noexcept { return core_.available(); }
  /// Tokens that nodes hold, as far as they have told.
  [[nodiscard]] std::uint64_t leased() const noexcept { return core_.leased(); }
  /// Tokens of leases that were not renewed, of all time.
  [[nodiscard]] std::uint64_t lapsed() const noexcept { return core_.lapsed(); }
  /// Nodes that have a lease.
  [[nodiscard]] std::size_t nodes() const noexcept { return core_.nodes(); }
  /// As they were given, with the quota of now.
  [[nodiscard]] const lease_pool_options& options() const noexcept { return core_.options(); }

 private:
  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  detail::lease_pool_core core_;
};

lease_pool(const lease_pool_options&)->lease_pool<>;
template <class Clock>
lease_pool(const lease_pool_options&, const Clock&) -> lease_pool<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
