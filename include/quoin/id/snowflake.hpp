// SPDX-License-Identifier: BSL-1.0
/// @file
/// Ids of 64 bits that many machines make without asking one another: time, who made it, and a
/// number; in the order of time.
///
/// Use it for keys that are stored in order of time, and where 64 bits must do. Each maker needs a
/// number of its own; where nobody gives such numbers, take `uuid_v7_generator`. For short codes,
/// a dense counter (`counter_range`): a snowflake is 11 digits in base 62.
///
/// Guarantee   one generator never gives an id twice, and each is greater than all it gave before,
///             whatever its clock says. Two never give the same if their workers differ (or their
///             datacenters). No id tells a time after the last one of its layout: then there are
///             none. An id's time is that of the clock when it was made, or, as the options permit,
///             up to `max_lead` and `max_backward` together ahead of it.
/// Restarts    nothing is repeated if the clock has not gone back while nobody looked: a generator
///             that is told no `not_before` makes no id of the unit of time in which it is
///             constructed, so that its first `next` waits for the next one, up to a whole unit.
///             Where the clock may go back, and with `exhaustion::lead`, whose ids are ahead of it,
///             take a guard: it saves a mark ahead of every id, and the next run gives it as
///             `not_before`; or, for an orderly end, keep `unused_from()`.
/// Clocks      that leap ahead take the ids with them, and come back to a generator that finds
///             itself ahead of them: beyond `max_backward` it makes none until they are there
///             again. The system's clock is not read for an id that comes less than 1500 ticks of
///             the processor's counter after a reading (x86-64: 0.3 to 0.6 us; AArch64: 1 us): that
///             one is of the time of the last id, so that it may be as much late, more if the
///             counters of two cores disagree, and so is the finding that the clock was set back,
///             or that a time given to `try_next_at` is ahead of it. What is refused is refused by
///             a reading; and neither uniqueness nor growth depends on the counter. Other clocks
///             are read for each id.
/// Cost        try_next: one compare-and-swap and a reading of the counter, 12 ns, or of the clock,
///             38; 8 ns with `coarse_system_clock`, which gives `ids_per_tick` ids in each of its
///             steps of some milliseconds unless ids may lead (`exhaustion::lead`). reserve: the
///             same for up to `ids_per_tick` ids at once. At 4096 a millisecond all generators are
///             as fast as their layout, 244 ns an id: this one sleeps nine tenths of that.
/// Waiting     sleeps, holds nothing, and spins for 20 us in one call at most.
/// Memory      two cache lines; three with a guard.
/// Threads     snowflake_generator: concurrent, all but its construction and destruction; lock-free
///             (all but saving a mark). snowflake_sequence: like a standard container. A child
///             process has to make its own, with another worker.
/// Bytes       docs/formats.md#snowflake-ids.
/// Source      Twitter's announcement and code of 2010; docs/id.md compares the layouts.
///
/// @code
/// quoin::snowflake_generator<quoin::twitter_layout> ids({.worker = 378});
/// const std::uint64_t id = ids.next();
/// for (const std::uint64_t one : ids.reserve(64)) use(one);  // 64 at once, or what is left
/// const auto made = quoin::twitter_layout::decode(id);       // its time, worker and sequence
/// if (const auto maybe = ids.try_next()) use(*maybe);        // never waits
/// @endcode
#ifndef QUOIN_ID_SNOWFLAKE_HPP
#define QUOIN_ID_SNOWFLAKE_HPP

#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_guard.hpp>
#include <quoin/detail/id_layout.hpp>
#include <quoin/detail/id_snowflake_core.hpp>
#include <quoin/detail/id_ticks.hpp>
#include <quoin/detail/id_wait.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <type_traits>
#include <utility>

namespace quoin::inline QUOIN_ABI {

// --- layouts -------------------------------------------------------------------------------------

/// 41 bits of milliseconds since 2010-11-04, 10 of worker, 12 of sequence; to 2080-07-10.
using twitter_layout = snowflake_layout<std::chrono::milliseconds, 1288834974657, time_field<41>,
                                        worker_field<10>, sequence_field<12>>;
/// The same with the worker's bits as 5 of datacenter and 5 of worker.
using twitter_original_layout =
    snowflake_layout<std::chrono::milliseconds, 1288834974657, time_field<41>, datacenter_field<5>,
                     worker_field<5>, sequence_field<12>>;
/// 42 bits of milliseconds since 2015, 5 of worker (as a datacenter), 5 of process, 12 of sequence.
using discord_layout =
    snowflake_layout<std::chrono::milliseconds, 1420070400000, no_sign_bit, time_field<42>,
                     datacenter_field<5>, worker_field<5>, sequence_field<12>>;
/// 41 bits of milliseconds since 2011-08-24, 13 of shard, 10 of sequence.
using instagram_layout = snowflake_layout<std::chrono::milliseconds, 1314220021721, no_sign_bit,
                                          time_field<41>, worker_field<13>, sequence_field<10>>;
/// 39 bits of 10 milliseconds since 2025, 8 of sequence, 16 of machine: 25 600 a second. (Sonyflake
/// before version 2 has the same from 2014-09-01, 1409529600000.)
using sonyflake_layout =
    snowflake_layout<std::chrono::duration<std::int64_t, std::ratio<1, 100>>, 1735689600000,
                     time_field<39>, sequence_field<8>, worker_field<16>>;
/// 53 bits, which a double tells exactly, as JavaScript wants it: 41 of milliseconds since 2025, 6
/// of worker, 6 of sequence: 64 000 a second; to 2094.
using js_safe_layout = snowflake_layout<std::chrono::milliseconds, 1735689600000, time_field<41>,
                                        worker_field<6>, sequence_field<6>>;
/// The host first: 6 bits of it, 32 of time, 4 of counter. Not in the order of time across hosts,
/// and in milliseconds its time is over after 49 days and 17 hours; in seconds after 136 years, at
/// 16 ids a second.
template <std::int64_t EpochMs, class Unit = std::chrono::milliseconds>
using hosted_counter_layout =
    snowflake_layout<Unit, EpochMs, worker_field<6>, time_field<32>, sequence_field<4>>;

/// Ids that are equally far apart.
class id_range {
 public:
  class iterator {
   public:
    using value_type = std::uint64_t;
    using difference_type = std::ptrdiff_t;

    constexpr iterator() noexcept = default;
    constexpr iterator(std::uint64_t id, std::uint64_t step) noexcept : id_(id), step_(step) {}
    [[nodiscard]] constexpr std::uint64_t operator*() const noexcept { return id_; }
    constexpr iterator& operator++() noexcept {
      id_ += step_;
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      ++*this;
      return old;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    std::uint64_t id_ = 0;
    std::uint64_t step_ = 1;
  };

  constexpr id_range() noexcept = default;
  constexpr id_range(std::uint64_t first, std::uint64_t count, std::uint64_t step) noexcept
      : first_(first), count_(count), step_(step) {}

  /// How many there are.
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return count_ == 0; }
  /// The first of them, where there are any.
  [[nodiscard]] constexpr std::uint64_t first() const noexcept { return first_; }
  /// 1, but in a layout whose sequence is not the lowest field.
  [[nodiscard]] constexpr std::uint64_t step() const noexcept { return step_; }
  /// Id number `i`, less than `size()`.
  [[nodiscard]] constexpr std::uint64_t operator[](std::uint64_t i) const noexcept {
    return first_ + i * step_;
  }
  [[nodiscard]] constexpr iterator begin() const noexcept { return {first_, step_}; }
  [[nodiscard]] constexpr iterator end() const noexcept { return {(*this)[count_], step_}; }

 private:
  std::uint64_t first_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t step_ = 1;
};

/// Makes ids, for any number of threads. Neither copied nor moved.
/// @tparam Layout  a `snowflake_layout`.
/// @tparam Clock   from <chrono> or of the same shape, which counts integers from 1970 on; one
///                 whose `now` is not static (`manual_clock`) is given to the constructor. If it
///                 has `sleep_for(nanoseconds)`, waiting is done by that. Ids in the time of a
///                 `manual_clock`, which stands still for who waits, begin in the unit of time that
///                 it shows: give `not_before` to one that stands for a restart.
/// @tparam Guard   see `snowflake_guard`; `guarded_snowflake` finds its type.
/// @tparam Atomic  `std::atomic`, or what a test puts in its place; so with `Ticks`, the counter.
template <class Layout, class Clock = std::chrono::system_clock, snowflake_guard Guard = no_guard,
          template <class> class Atomic = std::atomic, class Ticks = detail::ticks_for<Clock>>
class snowflake_generator {
  using rules = detail::snowflake_rules<Layout>;
  using marks = detail::snowflake_marks<Layout, Guard, Atomic>;

  static_assert(!std::same_as<Clock, std::chrono::steady_clock>,
                "quoin::snowflake_generator: a steady clock begins anew with the machine, and so "
                "would the ids");

 public:
  using layout_type = Layout;
  using time_point = typename Clock::time_point;

  /// Throws `std::invalid_argument` when an option is out of range.
  explicit snowflake_generator(const snowflake_options& options,
                               Guard guard = Guard()) requires detail::static_clock<Clock>
      : snowflake_generator(options, detail::id_clock<Clock>(), std::move(guard)) {}
  /// In the time of `clock`, which must outlive the generator.
  snowflake_generator(const snowflake_options& options, const Clock& clock, Guard guard = Guard())
      : snowflake_generator(options, detail::id_clock<Clock>(clock), std::move(guard)) {}
  snowflake_generator(const snowflake_options&, const Clock&&, Guard = Guard()) = delete;

  snowflake_generator(const snowflake_generator&) = delete;
  snowflake_generator& operator=(const snowflake_generator&) = delete;
  /// Only of a `snowflake_sequence`; one that was moved from may only be destroyed or assigned to.
  snowflake_generator(snowflake_generator&&) noexcept = default;
  snowflake_generator& operator=(snowflake_generator&&) noexcept = default;
  ~snowflake_generator() = default;

  // --- that wait ---------------------------------------------------------------------------------

  /// An id. Waits as the options say. Where they say error, the clock is back too far, the layout's
  /// time is over or a mark cannot be saved, there is none, and that is a failure: it throws
  /// `id_failure`, a `std::runtime_error` that says how far the clock is behind or which mark it
  /// is, or calls the failure handler. Programs that mean to go on then ask `try_next`.
  [[nodiscard]] std::uint64_t next() { return id_of(take_or_wait(1).first); }

  /// 1 to `count` ids of one unit of time, as many as are left in it; none if `count` is 0. Waits
  /// and fails like `next`.
  [[nodiscard]] id_range reserve(std::uint64_t count) {
    return count == 0 ? id_range() : range_of(take_or_wait(count));
  }

  // --- that do not -------------------------------------------------------------------------------

  /// An id, or why there is none now. (One that comes upon a mark waits until it is saved, if no
  /// other thread is already at that.)
  [[nodiscard]] QUOIN_ALWAYS_INLINE expected<std::uint64_t, id_error> try_next() {
    const detail::id_run run = take_now(1);
    if (!run) [[unlikely]]
      return unexpected(run.reason());
    return id_of(run.first);
  }
  /// The same at a time of the clock's that the caller has read, or of events: of events from
  /// before the generator was constructed where `not_before` says so. Threads that give times in
  /// another order get what they would if the clock went back.
  [[nodiscard]] expected<std::uint64_t, id_error> try_next_at(time_point now) {
    const detail::id_run run = take_at(now, 1);
    if (!run) return unexpected(run.reason());
    return id_of(run.first);
  }

  /// 1 to `count` ids of one unit of time, as many as are left in it, or why there is none now.
  [[nodiscard]] expected<id_range, id_error> try_reserve(std::uint64_t count) {
    return count == 0 ? id_range() : checked(take_now(count));
  }
  [[nodiscard]] expected<id_range, id_error> try_reserve_at(time_point now, std::uint64_t count) {
    return count == 0 ? id_range() : checked(take_at(now, count));
  }

  /// No id was given of this time or a later one: what the next run has to be given as `not_before`
  /// after an orderly end.
  [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> unused_from() const noexcept {
    return detail::id_millisecond_of<Layout>(
        rules::unused_tick(word_.load(std::memory_order_acquire)));
  }

 private:
  snowflake_generator(const snowflake_options& options, detail::id_clock<Clock> clock, Guard guard)
      : rules_(options, present_of(clock), name),
        clock_(clock),
        marks_(options, rules_.first(), std::move(guard), name),
        word_(rules_.first()) {}

  static constexpr const char* name = "snowflake_generator";

  [[nodiscard]] std::uint64_t id_of(std::uint64_t word) const noexcept {
    return Layout::compose(word, rules_.maker());
  }
  [[nodiscard]] id_range range_of(const detail::id_run& run) const noexcept {
    return {id_of(run.first), run.count, Layout::step};
  }
  [[nodiscard]] static std::int64_t tick_of(time_point time) noexcept {
    return Layout::tick_of(time.time_since_epoch());
  }
  /// Time that only the caller moves is not waited for.
  [[nodiscard]] static std::int64_t present_of(const detail::id_clock<Clock>& clock) {
    if constexpr (std::same_as<Clock, manual_clock>) return -1;
    return tick_of(clock.now());
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::int64_t tick_now() const { return tick_of(clock_.now()); }

  /// Up to `most` words, not 0, at the time that `read` gives. What is refused is refused by a time
  /// that was read after the word: between the two another thread may have read a later one.
  template <class Read>
  QUOIN_ALWAYS_INLINE detail::id_run take(std::uint64_t most, detail::id_refusal& why, Read read) {
    std::uint64_t word = word_.load(std::memory_order_acquire);
    std::int64_t now = read();
    bool read_after = true;
    for (;;) {
      const detail::id_run run = rules_.run(word, now, most);
      if (!run) [[unlikely]] {
        if (read_after) {
          why = rules_.refusal(word, now);
          return detail::id_run::none(why.reason);
        }
        now = read();
        read_after = true;
        continue;
      }
      if (!marks_.covers(run.first)) [[unlikely]] {
        const id_error reason = marks_.renew(run.first);
        if (reason != id_error{}) {
          why = {reason, reason == id_error::guard_busy};
          return detail::id_run::none(reason);
        }
      }
      if (word_.compare_exchange_weak(word, run.first + run.count, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) [[likely]] {
        return run;
      }
      read_after = false;
    }
  }

  /// At a time that is given, or at the present one.
  [[nodiscard]] detail::id_run take_at(time_point now, std::uint64_t most) {
    detail::id_refusal why;
    return take(most, why, [now] { return tick_of(now); });
  }
  QUOIN_ALWAYS_INLINE detail::id_run take_now(std::uint64_t most) {
    const auto anew = [ this, most ]() __attribute__((always_inline)) {
      detail::id_refusal why;
      return take(most, why, [this] { return tick_now(); });
    };
    return reading_.take([this, most] { return take_again(most); }, anew);
  }

  /// Of the unit of time of the last id, if that has some left: their mark is that id's.
  QUOIN_ALWAYS_INLINE detail::id_run take_again(std::uint64_t most) {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const detail::id_run run = rules::rest(word, most);
      if (!run || word_.compare_exchange_weak(word, word + run.count, std::memory_order_acq_rel,
                                              std::memory_order_relaxed)) [[likely]] {
        return run;
      }
    }
  }

  [[nodiscard]] expected<id_range, id_error> checked(const detail::id_run& run) const noexcept {
    if (!run) return unexpected(run.reason());
    return range_of(run);
  }

  QUOIN_ALWAYS_INLINE detail::id_run take_or_wait(std::uint64_t most) {
    const detail::id_run run = take_now(most);
    if (run) [[likely]]
      return run;
    return wait_and_take(most, run.reason());
  }

  QUOIN_COLD detail::id_run wait_and_take(std::uint64_t most, id_error reason) {
    if (reason == id_error::guard_failed) fail({reason});  // asked once, that may take long
    std::chrono::nanoseconds spin = detail::id_most_spin;
    std::chrono::nanoseconds nap(50'000);  // while another thread saves a mark, longer each time
    for (;;) {
      detail::id_refusal why;
      const detail::id_run run = take(most, why, [this] { return tick_now(); });
      if (run) return run;
      if (!why.waits) fail(why);
      if (why.reason == id_error::guard_busy) {
        detail::id_sleep(nap);
        nap = detail::min_of(2 * nap, std::chrono::nanoseconds(4'000'000));
      } else {
        clock_.pause(time_until(why.until), spin);
      }
    }
  }

  [[nodiscard]] std::chrono::nanoseconds time_until(std::int64_t tick) const {
    const auto now = clock_.now().time_since_epoch();
    const std::int64_t left = tick - Layout::tick_of(now);
    if (left <= 0) return std::chrono::nanoseconds(0);
    if (left > rules::ticks_in(detail::id_most_sleep) + 1) return detail::id_most_sleep;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Layout::until(tick, now));
  }

  [[noreturn]] QUOIN_COLD void fail(const detail::id_refusal& why) const {
    char more[64] = "";
    if (why.reason == id_error::clock_back || why.reason == id_error::too_early) {
      using unit = typename Layout::unit::period;
      std::snprintf(more, sizeof more, ", by %.3f s",
                    static_cast<double>(why.behind) * unit::num / unit::den);
    } else if (why.reason == id_error::guard_failed) {
      const std::int64_t tick =
          detail::max_of(tick_now(), rules::tick_of(word_.load(std::memory_order_acquire)));
      const std::int64_t mark = marks_.mark_for(tick).time_since_epoch().count();
      std::snprintf(more, sizeof more, ", that of %lld ms since 1970",
                    static_cast<long long>(mark));
    }
    detail::fail_id(name, why.reason, more);
  }

  // What all threads read, and apart from it what they write.
  alignas(64) rules rules_;
  detail::id_clock<Clock> clock_;
  [[no_unique_address]] marks marks_;
  alignas(64) Atomic<std::uint64_t> word_;
  [[no_unique_address]] detail::last_reading<Ticks, Atomic> reading_;
};

/// A generator for one thread, which may be moved.
template <class Layout, class Clock = std::chrono::system_clock, snowflake_guard Guard = no_guard>
using snowflake_sequence = snowflake_generator<Layout, Clock, Guard, detail::plain_word>;

/// A generator of `Layout` with a guard, whose type it finds:
/// `auto ids = guarded_snowflake<twitter_layout>(options, guard);`
template <class Layout, class Clock = std::chrono::system_clock, snowflake_guard Guard>
[[nodiscard]] snowflake_generator<Layout, Clock, Guard> guarded_snowflake(
    const snowflake_options& options, Guard guard) {
  return snowflake_generator<Layout, Clock, Guard>(options, std::move(guard));
}

}  // namespace quoin::inline QUOIN_ABI

#endif
