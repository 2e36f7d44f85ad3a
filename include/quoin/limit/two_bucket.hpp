// SPDX-License-Identifier: BSL-1.0
/// @file
/// Two buckets, as DynamoDB has them for a partition: one of what is allocated, one of what was not
/// used of it.
///
/// Use it where a steady rate is sold, and idle time may be caught up with for a while: 2000 units
/// a second, and what was left of the last 300 seconds. Each request says whether it drew on that,
/// so that one client's burst can be let pass only while its neighbours leave room:
///
/// Semantics   tokens come at `rate` into the allocated bucket; what it has no room for goes into
///             the burst bucket, up to `burst`, and is lost beyond that. A request takes whole
///             tokens of the allocated bucket first, and what that lacks from the burst bucket, all
///             or nothing.
/// Guarantee   exact: together they let in what one `token_bucket` with a burst of `allocated` +
///             `burst` does, no more and no less, as each gets what the other does not take. A
///             decision that is allowed has `limit_reason::soft_limit` if it drew on the burst
///             bucket.
/// Cost        that of two token buckets: try_acquire_at 2 to 3 ns; atomic_two_bucket two
///             compare-and-swaps; a refusal writes nothing.
/// Threads     two_bucket: like a standard container. atomic_two_bucket: concurrent, lock-free. The
///             sum is exact always; of requests at the same time it may be another one that is said
///             to have drawn on the burst.
/// Bytes       format id 0x0706, docs/formats.md#two-buckets; times are kept relative to `now`.
/// Source      Elhemali et al., "Amazon DynamoDB: A Scalable, Predictably Performant, and Fully
///             Managed NoSQL Database Service", USENIX ATC 2022, section 4.
///
/// @code
/// quoin::two_bucket partition({.rate = quoin::per_second(2000)});  // saves up for 300 s
/// const auto d = partition.peek(cost);
/// if (d.reason == quoin::limit_reason::soft_limit && !node.try_acquire(cost)) return busy();
/// if (!partition.try_acquire(cost)) return throttle();
/// @endcode
#ifndef QUOIN_LIMIT_TWO_BUCKET_HPP
#define QUOIN_LIMIT_TWO_BUCKET_HPP

#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_atomic_gcra.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_gcra_core.hpp>
#include <quoin/detail/limit_window_math.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// The quota of two buckets.
struct two_bucket_options {
  quoin::rate rate;             ///< tokens that come, as for `token_bucket`
  std::uint64_t allocated = 0;  ///< tokens of a full allocated bucket; 0: `rate.count`
  /// Time whose tokens fill the burst bucket, >= 0.
  std::chrono::nanoseconds burst = std::chrono::seconds(300);
  /// As for `token_bucket`.
  std::chrono::nanoseconds max_backward_step = std::chrono::minutes(1);

  friend constexpr bool operator==(const two_bucket_options&, const two_bucket_options&) = default;
};

template <class Clock, template <class> class Atomic>
class atomic_two_bucket;

namespace detail {

/// `Bucket` is a core of one bucket: one is of all tokens, and decides; the other one, of the
/// allocated ones, follows. So what the burst bucket holds is the difference.
template <class Bucket>
class two_bucket_core {
 public:
  using options_type = two_bucket_options;

  explicit two_bucket_core(const options_type& options)
      : options_(options), all_(checked(options)), allocated_(first(options)) {}
  two_bucket_core(const options_type& options, const token_bucket_core& all,
                  const token_bucket_core& allocated)
      : options_(options), all_(all), allocated_(allocated) {}

  [[nodiscard]] const Bucket& all() const noexcept { return all_; }
  [[nodiscard]] const Bucket& allocated() const noexcept { return allocated_; }

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    decision d = all_.try_acquire(now, cost);
    if (d.allowed && !allocated_.try_acquire(now, cost) &&  // the usual case, without a division
        allocated_.acquire_up_to(now, cost) != cost) {
      d.reason = limit_reason::soft_limit;
    }
    return d;
  }

  [[nodiscard]] decision peek(std::int64_t now, std::uint64_t cost) const noexcept {
    decision d = all_.peek(now, cost);
    if (d.allowed && !allocated_.peek(now, cost).allowed) d.reason = limit_reason::soft_limit;
    return d;
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    const std::uint64_t taken = all_.acquire_up_to(now, cost);
    allocated_.acquire_up_to(now, taken);
    return taken;
  }

  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    all_.refund(now, cost);
    allocated_.refund(now, cost);
  }

  void reset() noexcept {
    all_.reset();
    allocated_.reset();
  }

  [[nodiscard]] const options_type& options() const noexcept { return options_; }

  [[nodiscard]] std::uint64_t allocated(std::int64_t now) const noexcept {
    return min_of(allocated_.peek(now, 0).remaining, all_.peek(now, 0).remaining);
  }
  [[nodiscard]] std::uint64_t burst(std::int64_t now) const noexcept {
    const std::uint64_t all = all_.peek(now, 0).remaining;
    return all - min_of(all, allocated_.peek(now, 0).remaining);
  }

  /// Buckets that are these options'.
  [[nodiscard]] static bool are_of(const options_type& options, const token_bucket_core& all,
                                   const token_bucket_core& allocated) {
    return all.options() == whole(options) && allocated.options() == first(options);
  }

 private:
  static constexpr const char* type = "two_bucket";

  [[nodiscard]] static token_bucket_options first(const options_type& options) {
    const auto per = options.rate.per.count();
    const auto step = options.max_backward_step.count();
    if (per < 1) fail_argument(type, "rate.per", static_cast<std::int64_t>(per), "1 ns or more");
    if (step < 0) {
      fail_argument(type, "max_backward_step", static_cast<std::int64_t>(step), "0 or more");
    }
    return {.rate = options.rate,
            .burst = options.allocated,
            .max_debt = 0,
            .max_backward_step = options.max_backward_step};
  }
  [[nodiscard]] static token_bucket_options whole(const options_type& options) {
    token_bucket_options all = first(options);
    const auto time = options.burst.count();
    if (time < 0) fail_argument(type, "burst", static_cast<std::int64_t>(time), "0 or more");
    const auto per = static_cast<std::uint64_t>(options.rate.per.count());
    const auto saved = mul_full(options.rate.count, static_cast<std::uint64_t>(time));
    const std::uint64_t most = saved.hi < per ? divide(saved, per) : ~std::uint64_t{0};
    const std::uint64_t base = all.burst == 0 ? options.rate.count : all.burst;
    if (!checked_add(base, most, &all.burst)) all.burst = ~std::uint64_t{0};
    return all;
  }

  [[nodiscard]] static token_bucket_options checked(const options_type& options) {
    const token_bucket_options all = whole(options);
    static_cast<void>(checked_quota(type, all, "allocated + rate * burst"));
    return all;
  }

  options_type options_;
  Bucket all_;
  Bucket allocated_;
};

/// What both forms add to the verbs.
template <class Bucket, class Clock>
class two_bucket_face : public limiter_face<two_bucket_core<Bucket>, Clock> {
  using face = limiter_face<two_bucket_core<Bucket>, Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// Whole tokens in the allocated bucket and in the burst bucket.
  [[nodiscard]] std::uint64_t allocated_at(time_point now) const noexcept {
    return this->core_.allocated(nanoseconds_of(now));
  }
  [[nodiscard]] std::uint64_t allocated() const noexcept {
    return allocated_at(this->clock_.now());
  }
  [[nodiscard]] std::uint64_t burst_at(time_point now) const noexcept {
    return this->core_.burst(nanoseconds_of(now));
  }
  [[nodiscard]] std::uint64_t burst() const noexcept { return burst_at(this->clock_.now()); }
};

}  // namespace detail

/// Two buckets in the time of `Clock`. New ones are full.
/// @tparam Clock  from <chrono> or of the same shape; one whose `now` is not static (`manual_clock`)
///                is given to the constructor.
template <class Clock = std::chrono::steady_clock>
class two_bucket : public detail::two_bucket_face<detail::token_bucket_core, Clock> {
  using core = detail::two_bucket_core<detail::token_bucket_core>;
  using face = detail::two_bucket_face<detail::token_bucket_core, Clock>;
  template <class, template <class> class>
  friend class atomic_two_bucket;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// Size of the serialized form.
  [[nodiscard]] static constexpr std::size_t serialized_size() noexcept {
    return detail::framed_size(parameters, 2 * detail::gcra_form_size);
  }

  /// The buckets as they are at `now`, to go on at any other time on any clock.
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    const two_bucket_options options = this->core_.options();
    std::vector<std::byte> bytes(serialized_size());
    detail::frame_writer to(bytes, {.format = format, .version = 1}, parameters);
    to.put(options.rate.count);
    to.put(static_cast<std::uint64_t>(options.rate.per.count()));
    to.put(options.allocated);
    to.put(static_cast<std::uint64_t>(options.burst.count()));
    to.put(static_cast<std::uint64_t>(options.max_backward_step.count()));
    for (const auto* bucket : {&this->core_.all(), &this->core_.allocated()}) {
      const std::span<std::byte> place(to.place_of(detail::gcra_form_size), detail::gcra_form_size);
      detail::write_gcra(place, 0x0701, *bucket, detail::nanoseconds_of(now));
    }
    to.finish();
    return bytes;
  }
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_at(this->clock_.now()); }

  /// The buckets that `to_bytes_at` wrote, as if its `now` were this one: time between the two does
  /// not count. An error for other bytes.
  [[nodiscard]] static expected<two_bucket, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now) requires detail::static_clock<Clock> {
    return read(bytes, now, detail::clock_reference<Clock>());
  }
  [[nodiscard]] static expected<two_bucket, error> from_bytes_at(std::span<const std::byte> bytes,
                                                                 time_point now,
                                                                 const Clock& clock) {
    return read(bytes, now, detail::clock_reference<Clock>(clock));
  }
  static expected<two_bucket, error> from_bytes_at(std::span<const std::byte>, time_point,
                                                   const Clock&&) = delete;

 private:
  static constexpr std::uint16_t format = 0x0706;
  static constexpr std::size_t parameters = 40;

  [[nodiscard]] static expected<two_bucket, error> read(std::span<const std::byte> bytes,
                                                        time_point now,
                                                        detail::clock_reference<Clock> clock) {
    const auto frame = detail::open_frame(
        bytes, {.format = format, .version = 1}, parameters,
        [](const std::byte*) { return std::uint64_t{2 * detail::gcra_form_size}; });
    if (!frame) return unexpected(frame.error());
    const auto field = [&](std::size_t i) {
      return detail::load_le<std::uint64_t>(&frame->parameters[8 * i]);
    };
    const auto time = [&](std::size_t i) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(field(i)));
    };
    const auto bad = [](std::size_t i, const char* text) {
      return unexpected(error(errc::bad_value, i, text));
    };
    const auto forms = frame->payload;
    const std::int64_t here = detail::nanoseconds_of(now);
    const auto all = detail::read_gcra(forms.first(detail::gcra_form_size), 0x0701, here);
    if (!all) return unexpected(all.error());
    const auto allocated = detail::read_gcra(forms.subspan(detail::gcra_form_size), 0x0701, here);
    if (!allocated) return unexpected(allocated.error());
    const two_bucket_options options{.rate = {field(0), time(1)},
                                     .allocated = field(2),
                                     .burst = time(3),
                                     .max_backward_step = time(4)};
    if (frame->flags != 0) return bad(5, "quoin: flags that this version does not have");
    if (options.rate.per.count() < 1 || options.burst.count() < 0 ||
        options.max_backward_step.count() < 0 || !core::are_of(options, *all, *allocated)) {
      return bad(8, "quoin: a quota that is not that of the buckets");
    }
    return two_bucket(clock, options, *all, *allocated);
  }

  two_bucket(detail::clock_reference<Clock> clock, const two_bucket_options& options,
             const detail::token_bucket_core& all, const detail::token_bucket_core& allocated)
      : face(clock, options, all, allocated) {}
};

two_bucket(const two_bucket_options&)->two_bucket<>;
template <class Clock>
two_bucket(const two_bucket_options&, const Clock&) -> two_bucket<Clock>;

/// Two buckets for any number of threads.
/// @tparam Atomic  `std::atomic`, or what stands for it in tests.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic>
class atomic_two_bucket
    : public detail::two_bucket_face<detail::atomic_token_bucket_core<Atomic>, Clock> {
  using face = detail::two_bucket_face<detail::atomic_token_bucket_core<Atomic>, Clock>;

 public:
  using face::face;

  /// Goes on from `from`, on its clock.
  explicit atomic_two_bucket(const two_bucket<Clock>& from)
      : face(from.clock_, from.core_.options(), from.core_.all(), from.core_.allocated()) {}

  /// As it is now, as a value. What others take meanwhile may be missing in one of the buckets.
  [[nodiscard]] two_bucket<Clock> snapshot() const noexcept {
    return two_bucket<Clock>(this->clock_, this->core_.options(), this->core_.all().snapshot(),
                             this->core_.allocated().snapshot());
  }
};

atomic_two_bucket(const two_bucket_options&)->atomic_two_bucket<>;
template <class Clock>
atomic_two_bucket(const two_bucket_options&, const Clock&) -> atomic_two_bucket<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
