// SPDX-License-Identifier: BSL-1.0
/// @file
/// The two things that are called a leaky bucket: a meter that overflows, and a queue that drips.
///
/// `leaky_bucket`  Each request pours its cost into a bucket that leaks at the rate; what does not
///                 fit is refused. It is the token bucket looked at from the other side (the level
///                 is what the tokens lack) and has its arithmetic and its guarantee; use it where
///                 one speaks of levels.
/// `leaky_queue`   Requests wait in a bounded queue and leave it one by one, an interval apart,
///                 however they came. Use it to give something slow an even load.
///
/// Guarantee   leaky_bucket: as `token_bucket`, in exact rational time. leaky_queue: what leaves is
///             never closer together than per/count, and not further either while there is something
///             to leave and somebody takes it in time: the interval is rational and nothing drifts.
///             First in, first out; never more than `capacity` wait.
/// Cost        leaky_bucket: as `token_bucket`. leaky_queue: a few ns, no allocation after the first.
/// Memory      leaky_queue: room for `capacity` items from the start.
/// Threads     leaky_bucket, leaky_queue: like a standard container. atomic_leaky_bucket: concurrent,
///             as `atomic_token_bucket`.
/// Bytes       leaky_bucket: format id 0x0702, docs/formats.md#buckets.
///
/// Old requests and new ones: a queue that is full for long holds nothing but old requests, and new
/// ones find no room (`queue_overflow::refuse`). With `drop_oldest` a new one is always taken and the
/// one that has waited longest goes, whose sender has most likely given up; all others move up.
///
/// @code
/// quoin::leaky_bucket meter({.rate = quoin::per_second(100), .capacity = 20});
/// if (!meter.try_acquire(cost)) overflow();
///
/// quoin::leaky_queue<request> waiting({.rate = quoin::per_second(10), .capacity = 100,
///                                      .when_full = quoin::queue_overflow::drop_oldest});
/// if (auto pushed = waiting.push(std::move(r)); pushed.dropped) reply_503(*pushed.dropped);
/// while (auto next = waiting.pop()) run(std::move(*next));
/// sleep_for(waiting.time_until());  // until the next one may run
/// @endcode
#ifndef QUOIN_LIMIT_LEAKY_BUCKET_HPP
#define QUOIN_LIMIT_LEAKY_BUCKET_HPP

#include <quoin/detail/limit_atomic_gcra.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_gcra_core.hpp>
#include <quoin/detail/limit_schedule.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How much fits, and how fast it leaks.
struct leaky_bucket_options {
  quoin::rate rate;            ///< of the leak; at most 2^58 in at most 2^58 ns
  std::uint64_t capacity = 0;  ///< 0: `rate.count`; bounded as the burst of a `token_bucket`
  /// As of a `token_bucket`: after a larger step back of the clock the bucket goes on from there,
  /// full of water.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const leaky_bucket_options&,
                                   const leaky_bucket_options&) = default;
};

namespace detail {

[[nodiscard]] constexpr token_bucket_options as_tokens(
    const leaky_bucket_options& options) noexcept {
  return {.rate = options.rate,
          .burst = options.capacity,
          .max_debt = 0,
          .max_backward_step = options.max_backward_step};
}

/// A bucket of tokens whose room is that of the water.
template <class Bucket>
class leaky_bucket_core {
 public:
  using options_type = leaky_bucket_options;

  explicit leaky_bucket_core(const options_type& options)
      : tokens_(token_bucket_core(as_tokens(options), "leaky_bucket", "capacity")) {}
  explicit leaky_bucket_core(const token_bucket_core& tokens) noexcept : tokens_(tokens) {}

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    return tokens_.try_acquire(now, cost);
  }
  [[nodiscard]] decision peek(std::int64_t now, std::uint64_t cost) const noexcept {
    return tokens_.peek(now, cost);
  }
  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    return tokens_.acquire_up_to(now, cost);
  }
  void refund(std::int64_t now, std::uint64_t cost) noexcept { tokens_.refund(now, cost); }
  void reset() noexcept { tokens_.reset(); }
  void reconfigure(std::int64_t now, const options_type& options, inherit what) {
    tokens_.reconfigure(now, as_tokens(options), what, "leaky_bucket", "capacity");
  }
  [[nodiscard]] options_type options() const noexcept {
    const token_bucket_options options = tokens_.options();
    return {options.rate, options.burst, options.max_backward_step};
  }
  [[nodiscard]] const Bucket& tokens() const noexcept { return tokens_; }

 private:
  Bucket tokens_;
};

}  // namespace detail

template <class Clock, template <class> class Atomic>
class atomic_leaky_bucket;

/// The meter. A new one is empty. `limit` of a decision is the capacity, `remaining` the room.
/// @tparam Clock  as of `token_bucket`.
template <class Clock = std::chrono::steady_clock>
class leaky_bucket
    : public detail::limiter_face<detail::leaky_bucket_core<detail::token_bucket_core>, Clock> {
  using core_type = detail::leaky_bucket_core<detail::token_bucket_core>;
  using face = detail::limiter_face<core_type, Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// What is in the bucket, rounded up.
  [[nodiscard]] std::uint64_t level_at(time_point now) const noexcept {
    const decision d = this->peek_at(now, 0);
    return d.limit - d.remaining;
  }
  [[nodiscard]] std::uint64_t level() const noexcept { return level_at(this->clock_.now()); }

  /// Size of the serialized form.
  [[nodiscard]] static constexpr std::size_t serialized_size() noexcept {
    return detail::gcra_form_size;
  }

  /// The bucket as it is at `now`, to go on at any other time on any clock.
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    std::vector<std::byte> bytes(serialized_size());
    detail::write_gcra(bytes, format, this->core_.tokens(), detail::nanoseconds_of(now));
    return bytes;
  }
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_at(this->clock_.now()); }

  /// The bucket that `to_bytes_at` wrote, as if its `now` were this one. An error for other bytes.
  [[nodiscard]] static expected<leaky_bucket, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now) requires detail::static_clock<Clock> {
    return read(bytes, now, detail::clock_reference<Clock>());
  }
  [[nodiscard]] static expected<leaky_bucket, error> from_bytes_at(std::span<const std::byte> bytes,
                                                                   time_point now,
                                                                   const Clock& clock) {
    return read(bytes, now, detail::clock_reference<Clock>(clock));
  }
  static expected<leaky_bucket, error> from_bytes_at(std::span<const std::byte>, time_point,
                                                     const Clock&&) = delete;

 private:
  template <class, template <class> class>
  friend class atomic_leaky_bucket;

  static constexpr std::uint16_t format = 0x0702;

  [[nodiscard]] static expected<leaky_bucket, error> read(std::span<const std::byte> bytes,
                                                          time_point now,
                                                          detail::clock_reference<Clock> clock) {
    const auto tokens = detail::read_gcra(bytes, format, detail::nanoseconds_of(now));
    if (!tokens) return unexpected(tokens.error());
    if (tokens->options().max_debt != 0) {
      return unexpected(error(errc::bad_value, 32, "quoin: a leaky bucket lends nothing"));
    }
    return leaky_bucket(core_type(*tokens), clock);
  }
};

leaky_bucket(const leaky_bucket_options&)->leaky_bucket<>;
template <class Clock>
leaky_bucket(const leaky_bucket_options&, const Clock&) -> leaky_bucket<Clock>;

/// The meter for any number of threads, from one word, as `atomic_token_bucket`.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic>
class atomic_leaky_bucket
    : public detail::limiter_face<
          detail::leaky_bucket_core<detail::atomic_token_bucket_core<Atomic>>, Clock> {
  using face =
      detail::limiter_face<detail::leaky_bucket_core<detail::atomic_token_bucket_core<Atomic>>,
                           Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// Goes on with what `from` holds, in its clock's time.
  explicit atomic_leaky_bucket(const leaky_bucket<Clock>& from) noexcept
      : face(from.clock_, from.core_.tokens()) {}

  /// What is in the bucket, rounded up.
  [[nodiscard]] std::uint64_t level_at(time_point now) const noexcept {
    const decision d = this->peek_at(now, 0);
    return d.limit - d.remaining;
  }
  [[nodiscard]] std::uint64_t level() const noexcept { return level_at(this->clock_.now()); }

  /// The bucket as it is at one moment.
  [[nodiscard]] leaky_bucket<Clock> snapshot() const noexcept {
    return leaky_bucket<Clock>(
        detail::leaky_bucket_core<detail::token_bucket_core>(this->core_.tokens().snapshot()),
        this->clock_);
  }
};

atomic_leaky_bucket(const leaky_bucket_options&)->atomic_leaky_bucket<>;
template <class Clock>
atomic_leaky_bucket(const leaky_bucket_options&, const Clock&) -> atomic_leaky_bucket<Clock>;
template <class Clock>
atomic_leaky_bucket(const leaky_bucket<Clock>&) -> atomic_leaky_bucket<Clock>;

// --- the queue ------------------------------------------------------------------------------------

/// Who goes when a queue is full.
enum class queue_overflow : std::uint8_t {
  refuse,       ///< the new one
  drop_oldest,  ///< the one that has waited longest
};

/// How fast it drains, and how many may wait.
struct leaky_queue_options {
  quoin::rate rate;            ///< of what leaves; not 0, at most 2^58 in at most 2^58 ns
  std::uint64_t capacity = 0;  ///< >= 1; bounded as the burst of a `token_bucket`
  queue_overflow when_full = queue_overflow::refuse;
  /// A `pop` that comes later than it could have, by no more than this, >= 0, does not make the
  /// ones after it later: they follow at their own times. 0: never closer than an interval.
  std::chrono::nanoseconds max_lateness{0};
  /// When the next one would wait for an interval and this longer, >= 0, the clock has been set back,
  /// and it waits for an interval.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);
};

/// What became of a `push`.
template <class T>
struct queued {
  bool accepted = false;
  limit_reason reason = limit_reason::none;  ///< `queue_full` when it was refused
  /// Until its turn, if nobody before it is dropped; when refused, until there is room.
  std::chrono::nanoseconds wait{0};
  std::optional<T> dropped;  ///< who had to go: the oldest, or the new one itself

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return accepted; }
};

/// The queue. A value type; a moved-from one may only be destroyed or assigned to.
/// @tparam T  what waits; moves without throwing.
template <class T, class Clock = std::chrono::steady_clock>
class leaky_queue {
 public:
  using value_type = T;
  using clock_type = Clock;
  using time_point = typename Clock::time_point;
  using duration = std::chrono::nanoseconds;
  using options_type = leaky_queue_options;

  static_assert(std::is_nothrow_move_constructible_v<T>, "quoin::leaky_queue: T must move safely");

  /// An empty queue, whose first one leaves at once. Throws `std::invalid_argument` when an option
  /// is out of range.
  explicit leaky_queue(const options_type& options) requires detail::static_clock<Clock>
      : leaky_queue(options, detail::clock_reference<Clock>()) {}
  /// In the time of `clock`, which must outlive the queue and its copies.
  leaky_queue(const options_type& options, const Clock& clock)
      : leaky_queue(options, detail::clock_reference<Clock>(clock)) {}
  leaky_queue(const options_type&, const Clock&&) = delete;

  /// Lets `item` wait for its turn.
  queued<T> push_at(time_point now, T item) noexcept {
    const std::int64_t time = detail::nanoseconds_of(now);
    schedule_.settle(time);
    queued<T> answer;
    if (size_ == slots_.size()) {
      if (options_.when_full == queue_overflow::refuse) {
        answer.reason = limit_reason::queue_full;
        answer.wait = schedule_.wait(time, 0);
        answer.dropped.emplace(std::move(item));
        return answer;
      }
      answer.dropped = take();
    }
    if (size_ == 0) schedule_.begin(time);
    const std::size_t from_end = slots_.size() - first_;
    slots_[size_ < from_end ? first_ + size_ : size_ - from_end].emplace(std::move(item));
    answer.accepted = true;
    answer.wait = schedule_.wait(time, size_);
    ++size_;
    return answer;
  }
  queued<T> push(T item) noexcept { return push_at(clock_.now(), std::move(item)); }

  /// The one whose turn it is, or none. Call it until there is none.
  [[nodiscard]] std::optional<T> pop_at(time_point now) noexcept {
    const std::int64_t time = detail::nanoseconds_of(now);
    schedule_.settle(time);
    if (size_ == 0 || schedule_.wait(time, 0) > duration(0)) return std::nullopt;
    schedule_.advance(time);
    return take();
  }
  [[nodiscard]] std::optional<T> pop() noexcept { return pop_at(clock_.now()); }

  /// Until `pop_at` gives one: 0 if it does now, `never` if nobody waits.
  [[nodiscard]] duration time_until_at(time_point now) const noexcept {
    if (size_ == 0) return never;
    detail::drip_schedule schedule = schedule_;
    schedule.settle(detail::nanoseconds_of(now));
    return schedule.wait(detail::nanoseconds_of(now), 0);
  }
  [[nodiscard]] duration time_until() const noexcept { return time_until_at(clock_.now()); }

  /// Forgets all that wait; the interval since the last one goes on.
  void clear() noexcept {
    while (size_ != 0) take();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }
  [[nodiscard]] const options_type& options() const noexcept { return options_; }

 private:
  leaky_queue(const options_type& options, detail::clock_reference<Clock> clock)
      : clock_(clock),
        options_(options),
        schedule_(interval_of(options), options.max_lateness.count(),
                  options.max_backward_step.count()),
        slots_(static_cast<std::size_t>(options.capacity)) {}

  [[nodiscard]] static detail::gcra_quota interval_of(const options_type& options) {
    constexpr const char* name = "leaky_queue";
    constexpr std::uint64_t most = static_cast<std::size_t>(-1) / sizeof(std::optional<T>) / 2;
    if (options.rate.count == 0) {
      detail::fail_argument(name, "rate.count", options.rate.count, "at least 1");
    }
    if (options.capacity == 0 || options.capacity > most) {
      detail::fail_argument(name, "capacity", options.capacity, "at least 1, and fit into memory");
    }
    if (options.max_lateness.count() < 0) {
      detail::fail_argument(name, "max_lateness", options.max_lateness.count(), "0 or more");
    }
    return detail::checked_quota(name,
                                 {.rate = options.rate,
                                  .burst = options.capacity,
                                  .max_debt = 0,
                                  .max_backward_step = options.max_backward_step},
                                 "capacity");
  }

  std::optional<T> take() noexcept {
    std::optional<T> oldest = std::move(slots_[first_]);
    slots_[first_].reset();
    first_ = first_ + 1 == slots_.size() ? 0 : first_ + 1;
    --size_;
    return oldest;
  }

  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  options_type options_;
  detail::drip_schedule schedule_;
  std::vector<std::optional<T>> slots_;  // a ring
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
