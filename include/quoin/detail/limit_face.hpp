// SPDX-License-Identifier: BSL-1.0
/// @file
/// The verbs of all limiters, said once: each with the time given and with the clock's.
#ifndef QUOIN_DETAIL_LIMIT_FACE_HPP
#define QUOIN_DETAIL_LIMIT_FACE_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/limit_decision.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// A limiter is an algorithm over integer nanoseconds, `Core`, and this face. What the algorithm
/// cannot do, the face does not offer. `Core` has `options_type` and, with `now` in nanoseconds,
///   decision      try_acquire(now, cost)         decision peek(now, cost) const
///   uint64_t      acquire_up_to(now, cost)       void     refund(now, cost)      void reset()
///   and, if it can, decision debit(now, cost),   reservation reserve(now, cost, max_wait)
///   and void reconfigure(now, options, inherit).
template <class Core, class Clock>
class limiter_face {
 public:
  using clock_type = Clock;
  using time_point = typename Clock::time_point;
  using duration = std::chrono::nanoseconds;
  using options_type = typename Core::options_type;

  /// Throws `std::invalid_argument` when an option is out of range.
  explicit limiter_face(const options_type& options) requires static_clock<Clock> : core_(options) {
  }
  /// In the time of `clock`, which must outlive the limiter and its copies.
  limiter_face(const options_type& options, const Clock& clock) : clock_(clock), core_(options) {}
  limiter_face(const options_type&, const Clock&&) = delete;

  // --- asking -----------------------------------------------------------------------------------

  /// Takes `cost` tokens if there are as many, all or none. A cost of 0 always passes and takes
  /// nothing. A `now` before one that was given earlier never brings tokens back. Like all that may
  /// take, and for a cost of 0, too, it notices a clock that has been set anew, and goes on there.
  QUOIN_ALWAYS_INLINE decision try_acquire_at(time_point now, std::uint64_t cost = 1) noexcept {
    return core_.try_acquire(nanoseconds_of(now), cost);
  }
  QUOIN_ALWAYS_INLINE decision try_acquire(std::uint64_t cost = 1) noexcept {
    return try_acquire_at(clock_.now(), cost);
  }

  /// Takes as many as there are, at most `cost`; returns how many.
  std::uint64_t acquire_up_to_at(time_point now, std::uint64_t cost) noexcept {
    return core_.acquire_up_to(nanoseconds_of(now), cost);
  }
  std::uint64_t acquire_up_to(std::uint64_t cost) noexcept {
    return acquire_up_to_at(clock_.now(), cost);
  }

  /// What `try_acquire_at` would answer, but `remaining` is what there is before it. It changes
  /// nothing: on a clock that has been set anew the same wait begins at each look, until
  /// `try_acquire_at` is asked.
  [[nodiscard]] decision peek_at(time_point now, std::uint64_t cost = 1) const noexcept {
    return core_.peek(nanoseconds_of(now), cost);
  }
  [[nodiscard]] decision peek(std::uint64_t cost = 1) const noexcept {
    return peek_at(clock_.now(), cost);
  }

  /// The wait before `cost` tokens would pass: 0 if they would now, `never` if no wait helps. As
  /// `peek_at`: who waits without taking calls `try_acquire_at(now, 0)` first.
  [[nodiscard]] duration time_until_at(time_point now, std::uint64_t cost = 1) const noexcept {
    return peek_at(now, cost).retry_after;
  }
  [[nodiscard]] duration time_until(std::uint64_t cost = 1) const noexcept {
    return time_until_at(clock_.now(), cost);
  }

  // --- tokens of the future ---------------------------------------------------------------------

  /// Takes `cost` tokens at once or in advance, and says how long to wait before using them.
  /// Refused, and nothing taken, if the wait would be longer than `max_wait`.
  reservation reserve_at(time_point now, std::uint64_t cost = 1,
                         duration max_wait = never) noexcept requires requires(Core& core) {
    core.reserve(0, cost, max_wait);
  }
  { return core_.reserve(nanoseconds_of(now), cost, max_wait); }
  reservation reserve(std::uint64_t cost = 1, duration max_wait = never) noexcept requires
      requires(Core& core) {
    core.reserve(0, cost, max_wait);
  }
  { return reserve_at(clock_.now(), cost, max_wait); }

  /// Gives back what `reserve` granted and was not used. Later reservations keep their waits.
  void cancel_at(time_point now, const reservation& granted) noexcept requires
      requires(Core& core) {
    core.reserve(0, 1, never);
  }
  { refund_at(now, granted.cost); }
  void cancel(const reservation& granted) noexcept requires requires(Core& core) {
    core.reserve(0, 1, never);
  }
  { cancel_at(clock_.now(), granted); }

  /// Takes `cost` tokens that are already spent, whether there are as many or not: the limiter may
  /// go into debt. Refused only beyond its bound on debts.
  decision debit_at(time_point now, std::uint64_t cost) noexcept requires requires(Core& core) {
    core.debit(0, cost);
  }
  { return core_.debit(nanoseconds_of(now), cost); }
  decision debit(std::uint64_t cost) noexcept requires requires(Core& core) { core.debit(0, cost); }
  { return debit_at(clock_.now(), cost); }

  // --- changing ---------------------------------------------------------------------------------

  /// Gives back `cost` tokens that were taken and not used; it never becomes fuller than full. The
  /// best `now` is that of the taking, however long ago: windows get back what was theirs, not more.
  void refund_at(time_point now, std::uint64_t cost = 1) noexcept {
    core_.refund(nanoseconds_of(now), cost);
  }
  void refund(std::uint64_t cost = 1) noexcept { refund_at(clock_.now(), cost); }

  /// As new: full, without a past.
  void reset() noexcept { core_.reset(); }

  /// Another quota from now on. Throws as the constructor, and then nothing has changed.
  void reconfigure_at(time_point now, const options_type& options,
                      inherit what = inherit::tokens) requires requires(Core& core) {
    core.reconfigure(0, options, what);
  }
  { core_.reconfigure(nanoseconds_of(now), options, what); }
  void reconfigure(const options_type& options, inherit what = inherit::tokens) requires
      requires(Core& core) {
    core.reconfigure(0, options, what);
  }
  { reconfigure_at(clock_.now(), options, what); }

  /// The time of its clock.
  [[nodiscard]] time_point now() const { return clock_.now(); }

  /// The quota, as it was given.
  [[nodiscard]] options_type options() const noexcept { return core_.options(); }

 protected:
  explicit limiter_face(Core core,
                        clock_reference<Clock> clock) requires std::move_constructible<Core>
      : clock_(clock), core_(static_cast<Core&&>(core)) {}
  /// The core made in its place, from whatever it is made of.
  template <class... Arguments>
  limiter_face(clock_reference<Clock> clock, const Arguments&... arguments)
      : clock_(clock), core_(arguments...) {}

  /// For a core that cannot be moved.
  template <class From>
  limiter_face(clock_reference<Clock> clock, const From& from) : clock_(clock), core_(from) {}

  [[no_unique_address]] clock_reference<Clock> clock_;
  Core core_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
