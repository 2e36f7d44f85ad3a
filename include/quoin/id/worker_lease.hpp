// SPDX-License-Identifier: BSL-1.0
/// @file
/// Who gives each maker of ids its number: a lease on one of them, kept in any store that can
/// compare and set.
///
/// Use it where makers come and go, and `snowflake_generator` needs a number that no other has:
/// rows of a table, keys of etcd, Redis or DynamoDB, files. Where an orchestrator numbers them
/// already and never runs two of one number, take that number and a guard.
///
/// Guarantee   no id is made twice under one number, whatever the clocks of the holders say,
///             however long any of them stops and whatever becomes of its requests: a record says
///             of its holder that it makes no id of the time `end` or later, a holder makes none
///             before that is in the store, and the next one makes none of a time before it. So
///             their ids differ in their time, and it is the ids' time that the lease covers. What
///             it rests on is that the store compares and sets atomically and forgets nothing (but
///             see `store_may_forget`); readings may be stale.
///             Clocks that differ by no more than `max_clock_skew` let no two makers hold one
///             number at one time, by `holds()`. If they differ by more, a live holder may be
///             robbed: it learns so when it renews, and still no id is made twice.
///             Tokens grow with each change of holder, past releases and, as far as clocks agree,
///             stores that were emptied (with `store_may_forget`: that lost what was written last).
/// Requests    that are lost, late, doubled or whose replies are lost leave nothing unclear for
///             longer than the store is out of reach: what is in the store says who wrote it.
/// Cost        renew: one compare-and-set, each third of a term; acquire: a reading for each number
///             looked at and a compare-and-set for the one taken, at most three operations a
///             number. An id: nothing, but a call of the guard for each half of `guard_interval`.
/// Threads     one at a time for all but the guards, which any thread calls while another renews.
///             Pure: no thread of its own, no sleep, no clock but the one given. A child process
///             has to make its own.
/// Bytes       docs/formats.md#worker-record.
/// Source      Gray and Cheriton 1989 for leases; docs/id.md#numbers-for-makers says why times are
///             compared here and not watched for.
///
/// @code
/// quoin::worker_lease lease({.holder = quoin::hash{}(host, port), .workers = 1024}, my_store);
/// while (!lease.acquire()) sleep(1s);
/// auto ids = quoin::leased_snowflake<quoin::twitter_layout>(lease);
/// // In another thread, at lease.when_to_renew(), and each second while it says store_failed:
/// if (const auto kept = lease.renew(); !kept && kept.error() == worker_error::lost) restart();
/// // At the end, when nobody asks `ids` any more:
/// lease.release(ids.unused_from());
/// @endcode
#ifndef QUOIN_ID_WORKER_LEASE_HPP
#define QUOIN_ID_WORKER_LEASE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/clock.hpp>
#include <quoin/detail/entropy.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_lease_cover.hpp>
#include <quoin/detail/id_lease_record.hpp>
#include <quoin/detail/xxh64.hpp>
#include <quoin/id/snowflake.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>
#include <utility>

namespace quoin::inline QUOIN_ABI {

struct worker_lease_options {
  /// Who this is, by a name that stays over restarts: the hash of a host's name and a port, of a
  /// pod's name. It says at which number the search begins, so that a maker that comes again finds
  /// the one it had. Two of one name take each other nothing.
  std::uint64_t holder = 0;
  std::uint64_t workers = 0;  ///< there are the numbers from 0 to this, exclusive; 1 to 2^32

  /// How long a lease lasts from when it was asked for; rounded down to milliseconds, 10 ms to 2^40
  /// ms. For more than half of it the store may be away; after a crash the number is free when all
  /// of it, and `max_clock_skew`, is over.
  std::chrono::nanoseconds term{30'000'000'000};
  /// The most by which the clocks of two makers differ; rounded up to milliseconds, 0 to 2^40 ms.
  std::chrono::nanoseconds max_clock_skew{1'000'000'000};

  std::uint64_t max_probes = 1024;  ///< how many numbers one `acquire` looks at; 1 or more

  /// For a store that may come back empty, or without its last writings (Redis, replicated or not):
  /// ids begin a term and `max_clock_skew` after a number was taken, when whatever lease was
  /// forgotten is over; until then `acquire` says `too_early`, and is to be asked again and again.
  /// It may forget once in two terms, and all makers must have the same options. A lease that has
  /// ended is over, and clocks are read also where the time is given. `max_clock_skew` is a term at
  /// most.
  bool store_may_forget = false;

  /// Where this maker's incarnations begin, one for each attempt to take a number. For tests; 0: from
  /// the operating system's random bytes.
  std::uint64_t incarnation = 0;
};

/// A store of records, one for each number. `read(worker)` gives the record, `worker_record()`
/// where there is none; `compare_and_set(worker, from, to)` replaces it by `to` if it is `from`, in
/// one step, and says whether it was. Both give an `expected`, a `std::optional` or the like;
/// nothing, or an exception, which passes through, says that it is not known what has happened.
template <class T>
concept worker_store = requires(T& store, std::uint64_t worker, const worker_record& record) {
  {static_cast<bool>(store.read(worker))};
  { *store.read(worker) } -> std::convertible_to<worker_record>;
  {static_cast<bool>(store.compare_and_set(worker, record, record))};
  { *store.compare_and_set(worker, record, record) } -> std::convertible_to<bool>;
};

namespace detail {

[[nodiscard]] constexpr std::uint64_t common_divisor(std::uint64_t a, std::uint64_t b) noexcept {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

}  // namespace detail

/// A number's lease: acquires, renews and releases it. Neither copied nor moved: guards refer to
/// it.
/// @tparam Clock  `std::chrono::system_clock`, or another that counts integers from 1970 on, in
///                milliseconds or finer, as the generator's does; see `snowflake_generator`.
template <worker_store Store, class Clock = std::chrono::system_clock>
class worker_lease {
  static_assert(!std::same_as<Clock, std::chrono::steady_clock>,
                "quoin::worker_lease: a steady clock begins anew with the machine");
  static_assert(std::ratio_less_equal_v<typename Clock::period, std::milli>,
                "quoin::worker_lease: the clock counts milliseconds or finer");

 public:
  /// Of marks and ends: milliseconds since 1970.
  using mark = worker_record::time_point;
  using time_point = typename Clock::time_point;
  /// The number, or why there is none.
  using result = expected<std::uint64_t, worker_error>;

  /// Throws `std::invalid_argument` when an option is out of range. Asks the store nothing yet.
  explicit worker_lease(const worker_lease_options& options,
                        Store store = Store()) requires detail::static_clock<Clock>
      : worker_lease(options, std::move(store), detail::clock_reference<Clock>()) {}
  /// In the time of `clock`, which must outlive the lease.
  worker_lease(const worker_lease_options& options, Store store, const Clock& clock)
      : worker_lease(options, std::move(store), detail::clock_reference<Clock>(clock)) {}
  worker_lease(const worker_lease_options&, Store, const Clock&&) = delete;

  worker_lease(const worker_lease&) = delete;
  worker_lease& operator=(const worker_lease&) = delete;

  /// Takes a number that is free, beginning at the one that the holder's name leads to; renews the
  /// lease if there is one. `no_free_worker`: the next call goes on with other numbers where there
  /// are more than `max_probes`. `store_failed`: nothing is held yet, though it may be by the next
  /// call. `too_early`: a number is held, and its ids begin more than a second from now, be it for
  /// `store_may_forget` or that it was used ahead of this clock: this keeps the lease until they do.
  result acquire() {
    return acquired([this] { return ms_of(clock_.now()); });
  }
  /// The same at a time of the clock's, read before. (With `store_may_forget` the clock is read, too.)
  result acquire_at(time_point now) {
    return acquired([now] { return ms_of(now); });
  }

  /// Lets the lease end a term from now. `store_failed`: it lasts as long as before, ask again
  /// soon. `lost`: it is over, and its generators make no ids. Also of use after the lease has
  /// ended: it goes on, if nobody else has taken the number meanwhile. (With `store_may_forget` it is
  /// `lost` then, as nobody knows.)
  result renew() { return renewed(ms_of(clock_.now())); }
  result renew_at(time_point now) { return renewed(ms_of(now)); }

  /// Gives the number back, to be taken by anybody at once: its next ids begin where the generator
  /// was permitted to come, at most `guard_interval` after its last id. The generator may still be
  /// asked; it soon has no ids. Gives the mark. `store_failed`: the number is not held any more
  /// either way, but it may be that others get it only when the lease has ended.
  expected<mark, worker_error> release() { return released(cover_.never); }
  /// The same where the next ids begin at `unused`: the generator's `unused_from()`, which must not
  /// make any ids after that was asked.
  expected<mark, worker_error> release(mark unused) {
    return released(detail::max_of(count(unused), begin_));
  }

  /// Whether a number is held and, at the time of the clock, the lease has not ended.
  [[nodiscard]] bool holds() const { return holds_at(clock_.now()); }
  [[nodiscard]] bool holds_at(time_point now) const {
    return state_ == state::held && ms_of(now) < count(own_.end);
  }
  /// When to renew what is held: a third of the term after it was last done.
  [[nodiscard]] mark when_to_renew() const noexcept {
    return mark_at(below(count(own_.end), term_ - term_ / 3));
  }

  // --- of the number that is held, or was last asked for -----------------------------------------

  [[nodiscard]] std::uint64_t worker() const noexcept { return worker_; }
  /// The fencing token; see `worker_record`.
  [[nodiscard]] std::uint64_t token() const noexcept { return own_.token; }
  /// Ids of times from this one on …
  [[nodiscard]] mark begins() const noexcept { return mark_at(begin_); }
  /// … up to this one, exclusive, are this holder's alone.
  [[nodiscard]] mark ends() const noexcept { return own_.end; }

  /// For a generator of `Layout`, and rather called by `leased_snowflake`: sets the worker's
  /// number, of which the high bits are the datacenter where the workers' field has too few, and
  /// `not_before` in `options`, and a `guard_interval` of no more than an eighth of the term. The
  /// guard is for that one generator: those of guards that were given before get no more marks.
  /// Requires that a number is held. Throws `std::invalid_argument` if the layout has too few
  /// workers, or a unit of time longer than an eighth of the term: ids would come with gaps.
  template <class Layout>
  [[nodiscard]] worker_lease_guard guard(snowflake_options& options) {
    if (state_ != state::held) detail::fail("quoin::worker_lease: guard() without a number");
    if (workers_ > Layout::capacity().workers) {
      detail::fail_argument(name, "workers", workers_, "no more than the layout has");
    }
    const std::chrono::nanoseconds eighth = std::chrono::nanoseconds(mark::duration(term_)) / 8;
    if (detail::snowflake_rules<Layout>::ticks_in(eighth) == 0) {
      detail::fail_argument(name, "term", term_, "8 of the layout's units of time or more, in ms");
    }
    constexpr std::uint64_t mine = (std::uint64_t{1} << Layout::worker_bits) - 1;
    options.worker = worker_ & mine;
    if (workers_ - 1 > mine) options.datacenter = worker_ >> Layout::worker_bits;
    const std::uint64_t use = cover_.begin_use();
    options.not_before = mark_at(cover_.given());
    options.guard_interval = detail::min_of(options.guard_interval, eighth);
    return {cover_, use};
  }

 private:
  enum class state : std::uint8_t {
    none,
    unsure,  ///< `own_` was sent to be written for `worker_`, and it is not known what came of it
    held,    ///< `own_` was written
  };
  static constexpr const char* name = "worker_lease";
  static constexpr int attempts = 3;  ///< to write what replaces an own record
  static constexpr std::int64_t soon = 1000;

  worker_lease(const worker_lease_options& options, Store store,
               detail::clock_reference<Clock> clock)
      : store_(std::move(store)),
        clock_(clock),
        workers_(options.workers),
        probes_(detail::min_of(options.max_probes, options.workers)),
        term_(ms_in(options.term, 0, 10, "term", "10 ms to 2^40 ms")),
        skew_(ms_in(options.max_clock_skew, 999'999, 0, "max_clock_skew", "0 to 2^40 ms")),
        holder_(options.holder),
        incarnation_(options.incarnation),
        forgets_(options.store_may_forget) {
    if (workers_ == 0 || workers_ > std::uint64_t{1} << 32) {
      detail::fail_argument(name, "workers", workers_, "1 to 2^32");
    }
    if (probes_ == 0) detail::fail_argument(name, "max_probes", probes_, "1 or more");
    if (forgets_ && skew_ > term_) {
      detail::fail_argument(name, "max_clock_skew", skew_, "a term where the store may forget");
    }
    while (incarnation_ == 0) incarnation_ = detail::random_from_system<std::uint64_t>();
    // All numbers in turn, in another order for each holder: who finds one taken does not follow
    // who was there before.
    next_ = home_ = detail::xxh64_avalanche(holder_ + 1) % workers_;
    step_ = 1 + detail::xxh64_avalanche(~holder_) % workers_;
    while (detail::common_divisor(step_, workers_) != 1) ++step_;
  }

  // --- time, in milliseconds ---------------------------------------------------------------------

  [[nodiscard]] static std::int64_t ms_of(time_point time) noexcept {
    return std::chrono::floor<mark::duration>(time.time_since_epoch()).count();
  }
  [[nodiscard]] static std::int64_t count(mark time) noexcept {
    return time.time_since_epoch().count();
  }
  [[nodiscard]] static mark mark_at(std::int64_t ms) noexcept { return mark(mark::duration(ms)); }
  [[nodiscard]] static std::int64_t above(std::int64_t time, std::int64_t span) noexcept {
    return time > INT64_MAX - span ? INT64_MAX : time + span;
  }
  [[nodiscard]] static std::int64_t below(std::int64_t time, std::int64_t span) noexcept {
    return time < INT64_MIN + span ? INT64_MIN : time - span;
  }
  [[nodiscard]] static std::int64_t ms_in(std::chrono::nanoseconds time, std::int64_t round,
                                          std::int64_t least, const char* option,
                                          const char* permitted) {
    const std::int64_t ns = time.count();
    const std::int64_t ms = ns < 0 ? -1 : ns / 1'000'000 + (ns % 1'000'000 + round) / 1'000'000;
    if (ms < least || ms > std::int64_t{1} << 40) {
      detail::fail_argument(name, option, ns, permitted);
    }
    return ms;
  }

  // --- acquiring ---------------------------------------------------------------------------------

  template <class Now>
  result acquired(Now now) {
    if (state_ == state::unsure) {
      if (const worker_error reason = look(); reason != worker_error{}) return unexpected(reason);
    }
    if (state_ == state::held) {
      const result kept = renewed(now());
      return kept ? begun(now()) : kept;
    }
    for (std::uint64_t i = 0; i < probes_; ++i) {
      worker_ = next_;
      next_ = (next_ + step_) % workers_;
      if (const worker_error reason = try_take(now()); reason != worker_error{}) {
        return unexpected(reason);
      }
      if (state_ == state::held) return begun(now());
    }
    return unexpected(worker_error::no_free_worker);
  }

  /// The number, if a generator's `next` would not have to wait for long.
  [[nodiscard]] result begun(std::int64_t now) const noexcept {
    if (begin_ > above(now, soon)) return unexpected(worker_error::too_early);
    return worker_;
  }

  /// Takes `worker_` if it is free at `now`, a time before anything that is asked here.
  QUOIN_COLD worker_error try_take(std::int64_t now) {
    auto&& read = store_.read(worker_);
    if (!static_cast<bool>(read)) return worker_error::store_failed;
    const worker_record found = *read;
    if (!is_free(found, now)) return {};
    begin_ = found.token == 0 ? now : count(found.end);
    if (forgets_) begin_ = detail::max_of(begin_, waited(now));
    // The mark never goes back, not even if it is further ahead than the new lease ends.
    own_ = {token_after(found, now), holder_, next_incarnation(),
            mark_at(detail::max_of(above(now, term_), begin_)), true};
    state_ = state::unsure;
    auto&& set = store_.compare_and_set(worker_, found, own_);
    if (!static_cast<bool>(set) || !static_cast<bool>(*set)) return look();
    hold();
    return {};
  }

  /// When all leases that were renewed before `now` are over by all clocks.
  [[nodiscard]] std::int64_t waited(std::int64_t now) const noexcept {
    return above(above(now, term_), skew_);
  }

  /// Of this attempt alone: what an earlier one sent, and what it took for the mark before it, may
  /// still turn up.
  [[nodiscard]] std::uint64_t next_incarnation() noexcept {
    do {
      incarnation_ += 0x9e3779b97f4a7c15u;  // all 2^64 in turn
    } while (incarnation_ == 0);
    return incarnation_;
  }

  /// A holder's lease is over when its clock says so, whichever of those that there may be it is.
  /// What was released far ahead of this clock would have no ids for as long.
  [[nodiscard]] bool is_free(const worker_record& found, std::int64_t now) const noexcept {
    if (found.token == 0) return true;
    if (found.token >= worker_record::last_token) return false;
    return count(found.end) <= (found.held ? below(now, skew_) : above(now, skew_));
  }

  /// Where tokens may be forgotten, more than any that was given before: fewer than one a millisecond.
  [[nodiscard]] std::uint64_t token_after(const worker_record& found,
                                          std::int64_t now) const noexcept {
    const std::uint64_t next = found.token + 1;
    if ((found.token != 0 && !forgets_) || now < 1) return next;
    return detail::max_of(
        next, detail::min_of(static_cast<std::uint64_t>(now), worker_record::last_token - 1));
  }

  /// Whether the record that was sent is there. (Another's answer, "no", may be to a second sending
  /// of what the first one did.)
  QUOIN_COLD worker_error look() {
    auto&& read = store_.read(worker_);
    if (!static_cast<bool>(read)) return worker_error::store_failed;
    state_ = state::none;
    if (worker_record(*read) == own_) hold();
    return {};
  }

  void hold() {
    state_ = state::held;
    // What the store forgot before it had this record ends before that.
    if (forgets_) begin_ = detail::max_of(begin_, waited(ms_of(clock_.now())));
    stored_ = own_;
    next_ = home_;
    cover_.take(begin_, count(own_.end));
  }

  // --- holding -----------------------------------------------------------------------------------

  QUOIN_COLD result renewed(std::int64_t now) {
    if (state_ != state::held) return unexpected(worker_error::not_held);
    worker_record to = own_;
    to.end = mark_at(detail::max_of(count(own_.end), above(now, term_)));
    if (to.end == own_.end) return worker_;  // the clock has gone back: records are never repeated
    const std::int64_t end = count(own_.end);
    worker_error reason = has_ended(end, now) ? worker_error::lost : replace(to, now < end);
    // What was written may be in the place of another's record that came after this lease.
    if (has_ended(end, ms_of(clock_.now()))) reason = worker_error::lost;
    if (reason == worker_error::lost) {
      state_ = state::none;
      cover_.stop();
      return unexpected(reason);
    }
    cover_.extend(count(own_.end));
    if (reason != worker_error{}) return unexpected(reason);
    return worker_;
  }

  /// For good: of who took the number after its end, a store that forgets may know nothing.
  [[nodiscard]] bool has_ended(std::int64_t end, std::int64_t now) const noexcept {
    return forgets_ && now >= end;
  }

  QUOIN_COLD expected<mark, worker_error> released(std::int64_t unused) {
    if (state_ == state::unsure) {
      if (const worker_error reason = look(); reason != worker_error{}) return unexpected(reason);
    }
    if (state_ != state::held) return unexpected(worker_error::not_held);
    // Never to be revived: the record that was held would come again, and with it a late release.
    state_ = state::none;
    cover_.stop();
    worker_record to = own_;
    to.held = false;
    to.end = detail::min_of(own_.end, mark_at(unused == cover_.never ? cover_.given() : unused));
    const worker_error reason = replace(to, false);
    if (reason != worker_error{}) return unexpected(reason);
    return own_.end;
  }

  /// Writes `to` where an own record is, or, if it `lasts`, may be forgotten.
  QUOIN_COLD worker_error replace(const worker_record& to, bool lasts) {
    for (int i = 0; i < attempts; ++i) {
      auto&& set = store_.compare_and_set(worker_, stored_, to);
      const bool done = static_cast<bool>(set) && static_cast<bool>(*set);
      if (!done) {
        auto&& read = store_.read(worker_);
        if (!static_cast<bool>(read)) return worker_error::store_failed;
        stored_ = *read;
      }
      if (done || stored_ == to) {
        own_ = stored_ = to;
        return {};
      }
      if (stored_.token == own_.token && stored_.incarnation == own_.incarnation && stored_.held) {
        if (stored_.end > own_.end) own_ = stored_;  // by a renewal that was late
        if (to.held && to.end <= own_.end) return {};
      } else if (!lasts || !is_past()) {
        return worker_error::lost;
      }
    }
    return worker_error::store_failed;
  }

  /// Whether `stored_` is of a time before this lease: a stale reading, or all that is left in a
  /// store that forgets. Who took the number since it forgot has a lease that ends later.
  [[nodiscard]] bool is_past() const noexcept {
    return stored_.token < own_.token && (stored_.token == 0 || stored_.end < own_.end);
  }

  Store store_;
  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  std::uint64_t workers_;
  std::uint64_t probes_;
  std::int64_t term_;
  std::int64_t skew_;
  std::uint64_t holder_;
  std::uint64_t incarnation_;  ///< the last one
  bool forgets_;

  state state_ = state::none;
  std::uint64_t home_ = 0;  ///< where the search begins, and by which steps it goes on: these have
  std::uint64_t step_ = 1;  ///< no factor in common with the number of numbers
  std::uint64_t next_ = 0;
  std::uint64_t worker_ = 0;
  std::int64_t begin_ = 0;
  worker_record own_;
  worker_record stored_;  ///< what the store has, as far as is known
  detail::lease_cover<std::atomic> cover_;
};

/// A generator of ids under the number that `lease` holds, which must outlive it. It makes ids of
/// the time of the lease alone: after what was made before, and never beyond what the store knows
/// of; where it comes to the end there is none, with `id_error::guard_failed`, until the lease is
/// renewed. If it is lost, make another generator after the next `acquire`. Worker, datacenter
/// (where the lease needs it) and `not_before` of the options are set, the rest holds.
template <class Layout, class Clock = std::chrono::system_clock, class Lease>
[[nodiscard]] snowflake_generator<Layout, Clock, worker_lease_guard> leased_snowflake(
    Lease& lease, snowflake_options options = {}) {
  const worker_lease_guard guard = lease.template guard<Layout>(options);
  return snowflake_generator<Layout, Clock, worker_lease_guard>(options, guard);
}
/// In the time of `clock`, which must outlive the generator.
template <class Layout, class Clock, class Lease>
requires requires { typename Clock::time_point; }
[[nodiscard]] snowflake_generator<Layout, Clock, worker_lease_guard> leased_snowflake(
    Lease& lease, const Clock& clock, snowflake_options options = {}) {
  const worker_lease_guard guard = lease.template guard<Layout>(options);
  return snowflake_generator<Layout, Clock, worker_lease_guard>(options, clock, guard);
}
template <class Layout, class Clock, class Lease>
requires requires { typename Clock::time_point; }
void leased_snowflake(Lease&, const Clock&&, snowflake_options = {}) = delete;

}  // namespace quoin::inline QUOIN_ABI

#endif
