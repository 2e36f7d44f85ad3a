// SPDX-License-Identifier: BSL-1.0
/// @file
/// Never more than so many in any window of time: a log of when the last ones were let in.
///
/// Use it where a limit is a promise ("never more than 100 in any minute", to a partner who
/// counts), and limits are small enough for 8 bytes each. `sliding_window` comes near that in one
/// word.
///
/// Guarantee   exact: any time as long as the window has at most `rate.count` admissions, whichever
///             way its edges are (`log_edge`), whatever the order in which threads come. While
///             fewer than that were let in, all are.
/// Cost        try_acquire_at: 3 to 4 ns; two cells and the head, and of n tokens n cells. Fields of
///             the answer that are not read cost nothing; `remaining` is a search, O(log remaining).
///             atomic_sliding_log: one compare-and-swap of the head; a refusal writes nothing unless
///             refusals are kept.
/// Memory      8 bytes for each token of the limit, allocated once.
/// Threads     sliding_log: like a standard container. atomic_sliding_log: concurrent, lock-free. A
///             thread that is held up between the swap and its note of the time keeps those tokens
///             taken until it goes on. Refunds take out the oldest, not the latest: none that comes
///             in between is lost. `reset`, and a clock that has been set anew, change each cell by
///             itself.
/// Bytes       format id 0x0704, docs/formats.md#sliding-log; times are kept relative to `now`.
///
/// Refused     requests are forgotten. With `keep_refused` they count like others, as in the log of
///             some textbooks: at a request each second against 2 a minute, 2 are let in, not 20,
///             in 10 minutes.
/// Time        a `now` before the latest admission is noted as that one's. If it is more than
///             `max_backward_step` before it, the clock has been set anew: all that was let in
///             later counts as let in now. Times more than 146 years from the epoch are taken for
///             those.
///
/// @code
/// quoin::sliding_log partner({.rate = quoin::per_minute(100)});
/// if (const auto d = partner.try_acquire(); !d) sleep_for(d.retry_after);
/// partner.try_acquire_at(now, 3);  // three or none, at a time of its clock
/// @endcode
#ifndef QUOIN_LIMIT_SLIDING_LOG_HPP
#define QUOIN_LIMIT_SLIDING_LOG_HPP

#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_log.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

template <class Clock, template <class> class Atomic, class Allocator>
class atomic_sliding_log;

/// A sliding log in the time of `Clock`. A new one is full. A value type; a moved-from one may only be
/// destroyed or assigned to.
/// @tparam Clock  from <chrono> or of the same shape; one whose `now` is not static (`manual_clock`)
///                is given to the constructor.
/// @tparam Allocator  of the ring; rebound.
template <class Clock = std::chrono::steady_clock, class Allocator = std::allocator<std::byte>>
class sliding_log
    : public detail::limiter_face<detail::log_core<detail::plain_cell, Allocator>, Clock> {
  using core = detail::log_core<detail::plain_cell, Allocator>;
  using face = detail::limiter_face<core, Clock>;
  template <class, template <class> class, class>
  friend class atomic_sliding_log;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// With memory from `allocator`.
  sliding_log(const sliding_log_options& options, const Clock& clock, const Allocator& allocator)
      : face(detail::clock_reference<Clock>(clock), options, allocator) {}

  [[nodiscard]] Allocator get_allocator() const noexcept { return this->core_.allocator(); }

  /// Size of the serialized form.
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return detail::framed_size(parameters, payload_size(this->core_.options().rate.count));
  }

  /// The log as it is at `now`, to go on at any other time on any clock.
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    const std::int64_t time = core::within_range(detail::nanoseconds_of(now));
    const sliding_log_options options = this->core_.options();
    const std::vector<std::int64_t> times = this->core_.times(time);
    std::vector<std::byte> bytes(serialized_size());
    const unsigned flags =
        (options.edge == log_edge::closed ? 1u : 0u) | (options.keep_refused ? 2u : 0u);
    detail::frame_writer to(
        bytes, {.format = format, .version = 1, .flags = static_cast<std::uint8_t>(flags)},
        parameters);
    to.put(options.rate.count);
    to.put(static_cast<std::uint64_t>(options.rate.per.count()));
    to.put(static_cast<std::uint64_t>(options.max_backward_step.count()));
    to.put(static_cast<std::uint64_t>(times.size()));
    for (std::uint64_t i = times.size(); i < options.rate.count; ++i) to.put(std::uint64_t{0});
    for (const std::int64_t each : times) to.put(static_cast<std::uint64_t>(time - each));
    to.finish();
    return bytes;
  }
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_at(this->clock_.now()); }

  /// The log that `to_bytes_at` wrote, as if its `now` were this one: time between the two does not
  /// count. An error for other bytes.
  [[nodiscard]] static expected<sliding_log, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now,
      const Allocator& allocator = Allocator()) requires detail::static_clock<Clock> {
    return read(bytes, now, detail::clock_reference<Clock>(), allocator);
  }
  [[nodiscard]] static expected<sliding_log, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now, const Clock& clock,
      const Allocator& allocator = Allocator()) {
    return read(bytes, now, detail::clock_reference<Clock>(clock), allocator);
  }
  static expected<sliding_log, error> from_bytes_at(std::span<const std::byte>, time_point,
                                                    const Clock&&,
                                                    const Allocator& = Allocator()) = delete;

 private:
  static constexpr std::uint16_t format = 0x0704;
  static constexpr std::size_t parameters = 32;

  [[nodiscard]] static std::size_t payload_size(std::uint64_t limit) noexcept {
    return static_cast<std::size_t>(8 * limit);
  }

  [[nodiscard]] static expected<sliding_log, error> read(std::span<const std::byte> bytes,
                                                         time_point now,
                                                         detail::clock_reference<Clock> clock,
                                                         const Allocator& allocator) {
    const auto field = [](const std::byte* from, std::size_t i) {
      return detail::load_le<std::uint64_t>(from + 8 * i);
    };
    const auto frame = detail::open_frame(
        bytes, {.format = format, .version = 1}, parameters, [&](const std::byte* p) {
          const std::uint64_t limit = field(p, 0);
          return limit >> 31 == 0 ? 8 * limit : detail::unknown_size;
        });
    if (!frame) return unexpected(frame.error());
    const auto bad = [](std::size_t i, const char* text) {
      return unexpected(error(errc::bad_value, i, text));
    };
    const std::byte* const p = frame->parameters.data();
    const auto time = [&](std::size_t i) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(field(p, i)));
    };
    const sliding_log_options options{
        .rate = {field(p, 0), time(1)},
        .edge = (frame->flags & 1) != 0 ? log_edge::closed : log_edge::open,
        .keep_refused = (frame->flags & 2) != 0,
        .max_backward_step = time(2)};
    if (frame->flags > 3) return bad(5, "quoin: flags that this version does not have");
    const std::uint64_t limit = options.rate.count, used = field(p, 3);
    if (detail::fault_of(options).parameter != nullptr || frame->payload.size() != 8 * limit) {
      return bad(8, "quoin: a quota that no log has");
    }
    if (used > limit) return bad(32, "quoin: more admissions than the limit");
    const std::int64_t here = core::within_range(detail::nanoseconds_of(now));
    std::vector<std::int64_t> times;
    times.reserve(static_cast<std::size_t>(used));
    auto youngest = options.rate.per.count();
    for (std::size_t i = 0; i < limit; ++i) {
      const auto age = static_cast<std::int64_t>(field(frame->payload.data(), i));
      const std::size_t position = 40 + 8 * i;
      if (i < limit - used) {
        if (age != 0) return bad(position, "quoin: an admission that is not counted");
        continue;
      }
      if (age > youngest || (age < 0 && age < -options.max_backward_step.count())) {
        return bad(position, "quoin: admissions out of order or out of the window");
      }
      if (age == options.rate.per.count() && options.edge == log_edge::open) {
        return bad(position, "quoin: an admission that has left the window");
      }
      youngest = age;
      std::int64_t then = 0;
      if (__builtin_sub_overflow(here, age, &then)) then = age < 0 ? INT64_MAX : INT64_MIN;
      times.push_back(core::within_range(then));
    }
    return sliding_log(clock, options, std::span<const std::int64_t>(times), allocator);
  }

  sliding_log(detail::clock_reference<Clock> clock, const sliding_log_options& options,
              std::span<const std::int64_t> times, const Allocator& allocator)
      : face(clock, options, times, allocator) {}
};

sliding_log(const sliding_log_options&)->sliding_log<>;
template <class Clock>
sliding_log(const sliding_log_options&, const Clock&) -> sliding_log<Clock>;

/// A sliding log for any number of threads. It keeps its quota.
/// @tparam Atomic  `std::atomic`, or what stands for it in tests.
template <class Clock = std::chrono::steady_clock, template <class> class Atomic = std::atomic,
          class Allocator = std::allocator<std::byte>>
class atomic_sliding_log : public detail::limiter_face<detail::log_core<Atomic, Allocator>, Clock> {
  using face = detail::limiter_face<detail::log_core<Atomic, Allocator>, Clock>;
  using value_type = sliding_log<Clock, Allocator>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// With memory from `allocator`.
  atomic_sliding_log(const sliding_log_options& options, const Clock& clock,
                     const Allocator& allocator)
      : face(detail::clock_reference<Clock>(clock), options, allocator) {}

  /// Goes on at `now` from `from`, on its clock.
  atomic_sliding_log(const value_type& from, time_point now)
      : atomic_sliding_log(from.clock_, from.core_.options(),
                           from.core_.times(detail::nanoseconds_of(now)), from.get_allocator()) {}

  /// What counts at `now`, as a value. What others let in meanwhile may be in it or not.
  [[nodiscard]] value_type snapshot_at(time_point now) const {
    return value_type(this->clock_, this->core_.options(),
                      this->core_.times(detail::nanoseconds_of(now)), this->core_.allocator());
  }

 private:
  atomic_sliding_log(detail::clock_reference<Clock> clock, const sliding_log_options& options,
                     const std::vector<std::int64_t>& times, const Allocator& allocator)
      : face(clock, options, std::span<const std::int64_t>(times), allocator) {}
};

atomic_sliding_log(const sliding_log_options&)->atomic_sliding_log<>;
template <class Clock>
atomic_sliding_log(const sliding_log_options&, const Clock&) -> atomic_sliding_log<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
