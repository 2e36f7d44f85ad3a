// SPDX-License-Identifier: BSL-1.0
/// @file
/// How many at once: a limit on what is in flight, that stays as it is or finds out for itself.
///
/// Use it to protect what becomes slow when it is asked for too much at once: a database, a service,
/// a pool of threads. No rate says that: by Little's law what is in flight is rate · time, and it is
/// the time that grows. Who gets no permit is refused at once, and waits nowhere.
///
/// Guarantee   no more than `limit` in flight, of what was let in since the limit was last raised; a
///             permit gives back what it took exactly once, whichever way its scope is left.
/// Cost        try_acquire and release: plain 1 ns together; atomic one exchange each, a refusal
///             writes nothing; adaptive: and two readings of the clock.
/// Memory      16 bytes; atomic one cache line, adaptive three with its algorithm.
/// Threads     concurrency_limiter: like a standard container. atomic_concurrency_limiter,
///             adaptive_concurrency_limiter: concurrent; the former lock-free. The algorithm of the
///             latter sees one sample at a time; a success that comes just then is not looked at.
///             A permit belongs to one thread at a time.
/// Adaptive    `aimd_limit` rises by 1 in a round trip in which nothing went wrong, and falls by a
///             tenth when something did: for what says when it has too much to do. `gradient_limit`
///             falls when round trips are longer than they use to be: for what only becomes slow.
///             Both fall once for all that was in flight when they fell, and rise only when at least
///             half of the limit is in use: what is not asked for proves nothing.
/// Source      Chiu, Jain 1989, "Analysis of the increase and decrease algorithms for congestion
///             avoidance in computer networks" (AIMD); Netflix concurrency-limits, README and
///             Gradient2Limit (the gradient); its issues 34 and 37 (the shortest round trip ever is no
///             measure of an idle server).
///
/// @code
/// quoin::atomic_concurrency_limiter to_database(64);
/// if (const auto permit = to_database.try_acquire()) query();     // given back at the end of the scope
///
/// quoin::adaptive_concurrency_limiter to_service(quoin::gradient_limit({.highest = 500}));
/// if (auto permit = to_service.try_acquire()) {
///   if (call() == timed_out) permit.drop(); else permit.succeed();  // neither: says nothing
/// }
/// @endcode
#ifndef QUOIN_LIMIT_CONCURRENCY_LIMITER_HPP
#define QUOIN_LIMIT_CONCURRENCY_LIMITER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/clock.hpp>
#include <quoin/detail/error.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// Leave to be one of those in flight, given back when it ends. Move-only; the limiter has to outlive
/// it. One that was refused is `false` and gives nothing back.
template <class Limiter>
class [[nodiscard]] concurrency_permit {
 public:
  /// A refusal.
  concurrency_permit() noexcept = default;
  concurrency_permit(concurrency_permit&& other) noexcept
      : limiter_(std::exchange(other.limiter_, nullptr)), cost_(other.cost_) {}
  concurrency_permit& operator=(concurrency_permit&& other) noexcept {
    if (this == &other) return *this;
    release();
    limiter_ = std::exchange(other.limiter_, nullptr);
    cost_ = other.cost_;
    return *this;
  }
  ~concurrency_permit() { release(); }

  [[nodiscard]] explicit operator bool() const noexcept { return limiter_ != nullptr; }
  /// What it took.
  [[nodiscard]] std::uint64_t cost() const noexcept { return limiter_ == nullptr ? 0 : cost_; }

  /// Gives it back now.
  void release() noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back(cost_);
  }

 private:
  friend Limiter;
  concurrency_permit(Limiter& limiter, std::uint64_t cost) noexcept
      : limiter_(&limiter), cost_(cost) {}

  Limiter* limiter_ = nullptr;
  std::uint64_t cost_ = 0;
};

/// So many at once, for one thread (of an event loop, of coroutines). Neither copied nor moved:
/// permits refer to it.
class concurrency_limiter {
 public:
  using permit = concurrency_permit<concurrency_limiter>;

  /// @param limit  at once; 0 lets nothing in
  explicit concurrency_limiter(std::uint64_t limit) noexcept : limit_(limit) {}
  concurrency_limiter(const concurrency_limiter&) = delete;
  concurrency_limiter& operator=(const concurrency_limiter&) = delete;

  /// Leave for `cost` more, all or none. A cost of 0 always gets it.
  permit try_acquire(std::uint64_t cost = 1) noexcept {
    if (cost != 0 && (in_flight_ >= limit_ || cost > limit_ - in_flight_)) return {};
    in_flight_ += cost;
    return {*this, cost};
  }

  [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
  /// Another limit; what is in flight stays so, even if it is more.
  void set_limit(std::uint64_t limit) noexcept { limit_ = limit; }

 private:
  friend permit;
  void give_back(std::uint64_t cost) noexcept { in_flight_ -= cost; }

  std::uint64_t limit_;
  std::uint64_t in_flight_ = 0;
};

/// So many at once, for any number of threads.
/// @tparam Atomic  `std::atomic`, or what a test puts in its place.
template <template <class> class Atomic = std::atomic>
class alignas(64) basic_atomic_concurrency_limiter {
 public:
  using permit = concurrency_permit<basic_atomic_concurrency_limiter>;

  explicit basic_atomic_concurrency_limiter(std::uint64_t limit) noexcept : limit_(limit) {}
  basic_atomic_concurrency_limiter(const basic_atomic_concurrency_limiter&) = delete;
  basic_atomic_concurrency_limiter& operator=(const basic_atomic_concurrency_limiter&) = delete;

  /// As of `concurrency_limiter`. What was done under a permit that was given back happens before
  /// what is done under one that could be got only for that.
  permit try_acquire(std::uint64_t cost = 1) noexcept {
    if (!take(cost).passes) return {};
    return {*this, cost};
  }

  [[nodiscard]] std::uint64_t in_flight() const noexcept {
    return in_flight_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }
  void set_limit(std::uint64_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

 private:
  friend permit;
  template <class, class>
  friend class adaptive_concurrency_limiter;

  /// What a request found and took.
  struct taken {
    bool passes = false;
    std::uint64_t in_flight = 0;  ///< with it
  };
  taken take(std::uint64_t cost) noexcept {
    std::uint64_t now = in_flight_.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint64_t most = limit();
      if (cost != 0 && (now >= most || cost > most - now)) return {};
      if (in_flight_.compare_exchange_weak(now, now + cost, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
        return {true, now + cost};
      }
    }
  }
  void give_back(std::uint64_t cost) noexcept {
    in_flight_.fetch_sub(cost, std::memory_order_release);
  }

  Atomic<std::uint64_t> limit_;
  Atomic<std::uint64_t> in_flight_{0};
};

using atomic_concurrency_limiter = basic_atomic_concurrency_limiter<>;

// --- limits that adapt ----------------------------------------------------------------------------

/// What is known of a request when it is over.
struct concurrency_sample {
  std::chrono::nanoseconds round_trip{0};  ///< how long it took, >= 0
  std::uint64_t in_flight = 0;             ///< when it began, itself too
  std::uint64_t serial = 0;                ///< how many began before it
  std::uint64_t begun = 0;                 ///< how many have begun when it is over
  bool dropped = false;                    ///< it failed for too much load: timed out, refused
};

/// What an adaptive limiter asks for its limit: `limit()`, at least 1, and `update(sample)`.
template <class T>
concept concurrency_algorithm = requires(T& algorithm, const T& same,
                                         const concurrency_sample& sample) {
  { same.limit() } -> std::same_as<std::uint64_t>;
  algorithm.update(sample);
};

namespace detail {

/// A limit in steps of 2^-16, in its bounds; and for which requests it has fallen already.
class adapting_limit {
 public:
  static constexpr std::uint64_t one = 1 << 16;

  adapting_limit(const char* type, std::uint64_t initial, std::uint64_t lowest,
                 std::uint64_t highest)
      : value_(initial * one), lowest_(lowest * one), highest_(highest * one) {
    constexpr std::uint64_t most = 1 << 24;
    if (lowest < 1 || lowest > most) fail_argument(type, "lowest", lowest, "in [1, 2^24]");
    if (highest < lowest || highest > most) {
      fail_argument(type, "highest", highest, "in [lowest, 2^24]");
    }
    if (initial < lowest || initial > highest) {
      fail_argument(type, "initial", initial, "in [lowest, highest]");
    }
  }

  [[nodiscard]] std::uint64_t whole() const noexcept { return value_ / one; }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  void set(std::uint64_t value) noexcept { value_ = max_of(lowest_, min_of(highest_, value)); }

  /// Whether as much is asked for as would tell if more were good.
  [[nodiscard]] bool in_use(std::uint64_t in_flight) const noexcept {
    return in_flight >= (whole() + 1) / 2;
  }

  /// Whether `sample` began after the limit fell last; from now on it has fallen for all that have.
  [[nodiscard]] bool may_fall(const concurrency_sample& sample) noexcept {
    if (sample.serial < fallen_) return false;
    fallen_ = sample.begun;
    return true;
  }

 private:
  std::uint64_t value_, lowest_, highest_;
  std::uint64_t fallen_ = 0;
};

[[nodiscard]] inline std::uint64_t checked_share(const char* type, const char* name, double share,
                                                 double least, double most, const char* permitted) {
  if (!(share >= least && share <= most)) fail_argument(type, name, share, permitted);
  return static_cast<std::uint64_t>(share * static_cast<double>(adapting_limit::one));
}

}  // namespace detail

struct aimd_limit_options {
  std::uint64_t initial = 10;    ///< in [lowest, highest]
  std::uint64_t lowest = 1;      ///< at least 1
  std::uint64_t highest = 1000;  ///< up to 2^24
  double backoff = 0.9;          ///< to what part the limit falls, in [0.1, 0.99]
  /// A round trip that is longer than this, > 0, is as good as a drop.
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
};

/// Additive increase, multiplicative decrease: 1/limit more with each success while at least half of
/// the limit is in use, so about 1 in a round trip; backoff · limit when a request was dropped that
/// had begun since it fell last.
class aimd_limit {
 public:
  /// Throws `std::invalid_argument` when an option is out of range.
  explicit aimd_limit(const aimd_limit_options& options = {})
      : limit_("aimd_limit", options.initial, options.lowest, options.highest),
        backoff_(detail::checked_share("aimd_limit", "backoff", options.backoff, 0.1, 0.99,
                                       "in [0.1, 0.99]")),
        timeout_(options.timeout) {
    const std::int64_t timeout = timeout_.count();
    if (timeout < 1) detail::fail_argument("aimd_limit", "timeout", timeout, "1 ns or more");
  }

  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_.whole(); }

  void update(const concurrency_sample& sample) noexcept {
    constexpr std::uint64_t one = detail::adapting_limit::one;
    if (sample.dropped || sample.round_trip > timeout_) {
      if (limit_.may_fall(sample)) limit_.set(limit_.value() * backoff_ / one);
    } else if (limit_.in_use(sample.in_flight)) {
      // One above 2^16 rises by less than it is kept in: what successes are worth is added up.
      const std::uint64_t value = limit_.value(), worth = rest_ + one * one;
      limit_.set(value + worth / value);
      rest_ = worth % value;
    }
  }

 private:
  detail::adapting_limit limit_;
  std::uint64_t backoff_;
  std::chrono::nanoseconds timeout_;
  std::uint64_t rest_ = 0;  ///< times 2^-32 / limit: by what it has still to rise
};

struct gradient_limit_options {
  std::uint64_t initial = 20;    ///< in [lowest, highest]
  std::uint64_t lowest = 1;      ///< at least 1
  std::uint64_t highest = 1000;  ///< up to 2^24
  std::uint64_t queue = 4;       ///< that may form, 1 to 2^16: what the limit strives to rise by
  std::uint64_t samples = 10;    ///< of which the mean is taken, 1 to 2^16
  std::uint64_t memory = 600;    ///< means of so many, 1 to 2^16, make what is usual
  double tolerance = 1.5;        ///< times as long as usual is good, in [1, 16]
  double smoothing = 0.2;        ///< how far to go at once, in [0.01, 1]
};

/// The gradient of round trips, as in Netflix' Gradient2: with s the mean of the last samples and l
/// the exponential mean of these, of weight 2/(memory + 1) (of the first 10, plain),
///     gradient = tolerance · l / s, in [1/2, 1];   limit += smoothing · (gradient · limit + queue − limit)
/// and l shrinks by a tenth whenever it is more than twice s: a long overload is forgotten soon. One
/// that was dropped is a gradient of 1/2 without a queue: so drops bring the limit down to `lowest`,
/// round trips that are only long no further than to 2 · queue. It follows slow drifts: what lasts
/// for `memory` means is usual.
class gradient_limit {
 public:
  /// Throws `std::invalid_argument` when an option is out of range.
  explicit gradient_limit(const gradient_limit_options& options = {})
      : limit_(type, options.initial, options.lowest, options.highest),
        queue_(checked("queue", options.queue, 1, "in [1, 2^16]")),
        samples_(checked("samples", options.samples, 1, "in [1, 2^16]")),
        memory_(checked("memory", options.memory, 1, "in [1, 2^16]")),
        tolerance_(
            detail::checked_share(type, "tolerance", options.tolerance, 1, 16, "in [1, 16]")),
        smoothing_(
            detail::checked_share(type, "smoothing", options.smoothing, 0.01, 1, "in [0.01, 1]")) {}

  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_.whole(); }
  /// What a round trip usually takes; 0 before the first mean.
  [[nodiscard]] std::chrono::nanoseconds usual() const noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>((usual_ + one / 2) / one));
  }

  void update(const concurrency_sample& sample) noexcept {
    if (sample.dropped) {
      if (limit_.may_fall(sample)) approach(limit_.value() / 2);
      return;
    }
    // A round trip counts from 1 ns up to an hour: so the sum of 2^16 is below 2^58.
    constexpr std::int64_t hour = 3'600'000'000'000;
    const std::int64_t time = detail::min_of<std::int64_t>(sample.round_trip.count(), hour);
    sum_ += static_cast<std::uint64_t>(detail::max_of<std::int64_t>(time, 1));
    in_flight_ = detail::max_of(in_flight_, sample.in_flight);
    if (++count_ < samples_) return;
    const std::uint64_t mean = sum_ / count_;
    learn(mean);
    if (limit_.in_use(in_flight_)) judge(mean, sample);
    sum_ = count_ = in_flight_ = 0;
  }

 private:
  static constexpr const char* type = "gradient_limit";
  static constexpr std::uint64_t one = detail::adapting_limit::one;
  static constexpr std::uint64_t first_ones = 10;

  [[nodiscard]] static std::uint64_t checked(const char* name, std::uint64_t value,
                                             std::uint64_t least, const char* permitted) {
    if (value < least || value > one) detail::fail_argument(type, name, value, permitted);
    return value;
  }

  /// In steps of 2^-16 ns, since of a difference a share of 2/(memory + 1) is learned: below 2^59.
  void learn(std::uint64_t nanoseconds) noexcept {
    const std::uint64_t mean = nanoseconds * one;
    if (means_ < first_ones) {
      ++means_;
      usual_ = (usual_ * (means_ - 1) + mean) / means_;
    } else if (mean > usual_) {
      usual_ += 2 * (mean - usual_) / (memory_ + 1);
    } else {
      usual_ -= 2 * (usual_ - mean) / (memory_ + 1);
    }
    if (usual_ / 2 > mean) usual_ -= usual_ / 10;
  }

  void judge(std::uint64_t mean, const concurrency_sample& sample) noexcept {
    // tolerance · usual is below 2^20 · 2^42.
    const std::uint64_t bound = (usual_ / one * tolerance_ + usual_ % one * tolerance_ / one) / one;
    std::uint64_t gradient = one;
    if (bound < mean) {
      gradient = static_cast<std::uint64_t>(detail::max_of(
          0.5 * static_cast<double>(one),
          static_cast<double>(bound) / static_cast<double>(mean) * static_cast<double>(one)));
      // So small a share that the limit falls: once for those that suffered together.
      const bool falls = limit_.value() * gradient / one + queue_ * one < limit_.value();
      if (falls && !limit_.may_fall(sample)) return;
    }
    approach(limit_.value() * gradient / one + queue_ * one);
  }

  void approach(std::uint64_t aim) noexcept {
    const std::uint64_t now = limit_.value();
    limit_.set(aim > now ? now + (aim - now) * smoothing_ / one
                         : now - (now - aim) * smoothing_ / one);
  }

  detail::adapting_limit limit_;
  std::uint64_t queue_, samples_, memory_, tolerance_, smoothing_;
  std::uint64_t sum_ = 0, count_ = 0, in_flight_ = 0;  ///< of the samples since the last mean
  std::uint64_t usual_ = 0, means_ = 0;                ///< in 2^-16 ns
};

/// As many at once as `Algorithm` finds good, for any number of threads.
/// @tparam Clock  from <chrono> or of the same shape, steady; one whose `now` is not static
///                (`manual_clock`) is given to the constructor.
template <class Algorithm, class Clock = std::chrono::steady_clock>
class adaptive_concurrency_limiter {
  static_assert(concurrency_algorithm<Algorithm>);

 public:
  class [[nodiscard]] permit;

  explicit adaptive_concurrency_limiter(
      const Algorithm& algorithm = Algorithm()) requires detail::static_clock<Clock>
      : in_flight_(algorithm.limit()), algorithm_(algorithm) {}
  /// In the time of `clock`, which must outlive the limiter.
  adaptive_concurrency_limiter(const Algorithm& algorithm, const Clock& clock)
      : in_flight_(algorithm.limit()), clock_(clock), algorithm_(algorithm) {}
  adaptive_concurrency_limiter(const Algorithm&, const Clock&&) = delete;
  adaptive_concurrency_limiter(const adaptive_concurrency_limiter&) = delete;
  adaptive_concurrency_limiter& operator=(const adaptive_concurrency_limiter&) = delete;

  /// Leave for one more.
  permit try_acquire() noexcept {
    const auto taken = in_flight_.take(1);
    if (!taken.passes) return {};
    return {*this, taken.in_flight, begun_.fetch_add(1, std::memory_order_relaxed), clock_.now()};
  }

  [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_.in_flight(); }
  /// What the algorithm finds good at the moment.
  [[nodiscard]] std::uint64_t limit() const noexcept { return in_flight_.limit(); }

 private:
  void finish(concurrency_sample sample, typename Clock::time_point begin) noexcept {
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.now() - begin);
    sample.round_trip = detail::max_of(time, std::chrono::nanoseconds(0));
    while (busy_.exchange(true, std::memory_order_acquire)) {
      if (!sample.dropped) return;  // one of many; what was dropped is said
    }
    sample.begun = begun_.load(std::memory_order_relaxed);
    algorithm_.update(sample);
    in_flight_.set_limit(algorithm_.limit());
    busy_.store(false, std::memory_order_release);
  }

  basic_atomic_concurrency_limiter<> in_flight_;
  std::atomic<std::uint64_t> begun_{0};
  std::atomic<bool> busy_{false};
  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  Algorithm algorithm_;
};

/// As `concurrency_permit`, and tells how it went. One that ends without a word says nothing of the
/// load: use that for what failed for other reasons.
template <class Algorithm, class Clock>
class [[nodiscard]] adaptive_concurrency_limiter<Algorithm, Clock>::permit {
 public:
  permit() noexcept = default;
  permit(permit&& other) noexcept
      : limiter_(std::exchange(other.limiter_, nullptr)),
        sample_(other.sample_),
        begin_(other.begin_) {}
  permit& operator=(permit&& other) noexcept {
    if (this == &other) return *this;
    release();
    limiter_ = std::exchange(other.limiter_, nullptr);
    sample_ = other.sample_;
    begin_ = other.begin_;
    return *this;
  }
  ~permit() { release(); }

  [[nodiscard]] explicit operator bool() const noexcept { return limiter_ != nullptr; }

  /// It went well: its round trip counts.
  void succeed() noexcept { finish(false); }
  /// It failed for too much load (timed out, refused by a queue that was full): the limit falls.
  void drop() noexcept { finish(true); }
  /// Gives it back without a word.
  void release() noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->in_flight_.give_back(1);
  }

 private:
  friend adaptive_concurrency_limiter;
  permit(adaptive_concurrency_limiter& limiter, std::uint64_t in_flight, std::uint64_t serial,
         typename Clock::time_point begin) noexcept
      : limiter_(&limiter), begin_(begin) {
    sample_.in_flight = in_flight;
    sample_.serial = serial;
  }

  void finish(bool dropped) noexcept {
    if (limiter_ == nullptr) return;
    sample_.dropped = dropped;
    limiter_->finish(sample_, begin_);
    release();
  }

  adaptive_concurrency_limiter* limiter_ = nullptr;
  concurrency_sample sample_;
  typename Clock::time_point begin_{};
};

}  // namespace quoin::inline QUOIN_ABI

#endif
