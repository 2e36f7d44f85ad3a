// SPDX-License-Identifier: BSL-1.0
/// @file
/// What makes ids that grow: one word, the next tick and sequence number that nobody has.
///
/// Everything below the word is given away and it only grows, so no id is given twice, whatever the
/// clock says and however many threads ask. The clock says only where the word may jump to, and how
/// far ahead it may be.
#ifndef QUOIN_DETAIL_ID_SNOWFLAKE_CORE_HPP
#define QUOIN_DETAIL_ID_SNOWFLAKE_CORE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/id_error.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// What a generator does when all ids of the present unit of time are given.
enum class exhaustion : std::uint8_t {
  wait,   ///< `next` sleeps until the next unit of time
  error,  ///< `next` fails
  lead,   ///< goes on in the next units of time, `max_lead` ahead of the clock at most, then `wait`
};

/// What a generator does when the clock is before the last id.
enum class clock_back : std::uint8_t {
  continue_,  ///< gives what is left of the last id's unit of time, then as `exhaustion` says
  wait,       ///< `next` sleeps until the clock has caught up
  error,      ///< `next` fails
};

/// Who makes the ids, and what they do when there is none. `wait` and `continue_` hold for a clock
/// that is up to `max_backward` behind; beyond, all policies say that it was set back.
struct snowflake_options {
  std::uint64_t worker = 0;      ///< as many as the layout has bits for
  std::uint64_t datacenter = 0;  ///< likewise; 0 where it has none

  exhaustion on_exhaustion = exhaustion::wait;
  std::chrono::nanoseconds max_lead{10'000'000};  ///< of `exhaustion::lead`; rounded down to units
  clock_back on_clock_back = clock_back::continue_;
  std::chrono::nanoseconds max_backward{5'000'000'000};  ///< 0 or more; rounded down to units

  /// No id is of a time before this one: the last mark that a guard saved, or what the run before
  /// said is unused. `next` waits for it if it is no further ahead than `max_backward` or
  /// `guard_interval`, whichever is longer, and fails else. If it is not given, ids begin in the unit
  /// of time after the one in which the generator is constructed.
  std::chrono::time_point<std::chrono::system_clock,
                          std::chrono::duration<std::int64_t, std::milli>>
      not_before{std::chrono::duration<std::int64_t, std::milli>(INT64_MIN)};
  /// How far ahead of the ids a guard's mark is set, and so how long a restart may have to wait.
  std::chrono::nanoseconds guard_interval{1'000'000'000};

  /// Each unit of time begins at one of 2^start_bits sequence numbers, in turn, instead of at 0: so
  /// that `id % n` is even where few ids are made. As many fewer than `ids_per_tick` are left then.
  /// (One that a lead came to first begins at 0, and leaps to its number when the clock has come.)
  unsigned start_bits = 0;
};

/// No guard: who restarts a generator must know that the clock has not gone back meanwhile, and, if
/// ids may be ahead of it, give `unused_from()` of the run before as `not_before`.
struct no_guard {};

namespace detail {

/// A word of one thread, with the face of an atomic one.
template <class T>
class plain_word {
 public:
  plain_word() noexcept = default;
  explicit plain_word(T value) noexcept : value_(value) {}
  [[nodiscard]] T load(std::memory_order) const noexcept { return value_; }
  void store(T value, std::memory_order) noexcept { value_ = value; }
  T exchange(T value, std::memory_order) noexcept {
    const T old = value_;
    value_ = value;
    return old;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order, std::memory_order) noexcept {
    static_cast<void>(expected);
    value_ = value;
    return true;
  }

 private:
  T value_{};
};

/// A run of words, all in one tick; or none, and why. (In two registers: in memory an id costs 7 ns
/// more.)
struct id_run {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  [[nodiscard]] static constexpr id_run none(id_error reason) noexcept {
    return {static_cast<std::uint64_t>(reason), 0};
  }
  [[nodiscard]] constexpr id_error reason() const noexcept { return static_cast<id_error>(first); }
  explicit constexpr operator bool() const noexcept { return count != 0; }
};

/// The same for who may wait.
struct id_refusal {
  id_error reason{};
  bool waits = false;       // `next` waits, by the options …
  std::int64_t until = 0;   // … until the clock is in this tick
  std::int64_t behind = 0;  // how many ticks the clock is behind the last id, or the first one
};

/// What may be given at a state and a time. No state of its own.
template <class Layout>
class snowflake_rules {
 public:
  /// `present` is the tick in which a generator before this one may have made ids; less than 0: none.
  snowflake_rules(const snowflake_options& options, std::int64_t present, const char* type)
      : maker_(Layout::maker(options.datacenter, options.worker)),
        lead_(options.on_exhaustion == exhaustion::lead ? ticks_in(options.max_lead) : 0),
        backward_(ticks_in(options.max_backward)),
        longest_start_(max_of(backward_, ticks_in(options.guard_interval) + 1)),
        on_exhaustion_(options.on_exhaustion),
        on_clock_back_(options.on_clock_back) {
    require(options.worker, Layout::worker_bits, type, "worker");
    require(options.datacenter, Layout::datacenter_bits, type, "datacenter");
    not_negative(options.max_lead, type, "max_lead");
    not_negative(options.max_backward, type, "max_backward");
    if (options.start_bits >= Layout::sequence_bits) {
      fail_argument(type, "start_bits", options.start_bits, "less than the bits of the sequence");
    }
    if (options.start_bits != 0) {
      start_shift_ = 64 - options.start_bits;
      start_mask_ = (std::uint64_t{1} << options.start_bits) - 1;
    }
    const bool told = options.not_before != snowflake_options().not_before;
    const std::int64_t tick = told ? first_tick_from(options.not_before) : present + 1;
    first_ = word_of(min_of(max_of(tick, std::int64_t{0}), Layout::ticks));
  }

  /// Words from here on are beyond the layout.
  static constexpr std::uint64_t end = static_cast<std::uint64_t>(Layout::ticks)
                                       << Layout::sequence_bits;

  [[nodiscard]] static constexpr std::uint64_t word_of(std::int64_t tick) noexcept {
    return static_cast<std::uint64_t>(tick) << Layout::sequence_bits;
  }
  [[nodiscard]] static constexpr std::int64_t tick_of(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word >> Layout::sequence_bits);
  }

  /// The word of the first id.
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint64_t maker() const noexcept { return maker_; }

  /// Up to `most`, not 0, from `word` on, when the clock says `now`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE id_run run(std::uint64_t word, std::int64_t now,
                                               std::uint64_t most) const noexcept {
    std::uint64_t first = word;
    if (now >= tick_of(word)) [[likely]] {
      if (now >= Layout::ticks) return {};
      first = max_of(word, word_of(now) + start_at(now));
    } else if (tick_of(word) > now + lead_ && !goes_on(word, now)) {
      return {};
    } else if (word >= end) {
      return {};
    }
    const std::uint64_t left = per_tick - (first & (per_tick - 1));
    return {first, min_of(most, left)};
  }

  /// Up to `most`, not 0, of the last id's tick; none if that is used up.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static id_run rest(std::uint64_t word,
                                                       std::uint64_t most) noexcept {
    const std::uint64_t used = word & (per_tick - 1);
    return {word, used == 0 ? 0 : min_of(most, per_tick - used)};
  }

  /// Why `run` is empty.
  [[nodiscard]] QUOIN_COLD id_refusal refusal(std::uint64_t word, std::int64_t now) const noexcept {
    if (now >= Layout::ticks || word >= end) return {id_error::time_over};
    const std::int64_t until = tick_of(word) - lead_;
    if (word == first_) {
      return {id_error::too_early, until - now <= longest_start_, until, tick_of(word) - now};
    }
    const std::int64_t behind = last_tick(word) - now;
    const bool near = behind - lead_ <= backward_;
    if (behind > lead_ && !(near && on_clock_back_ == clock_back::continue_)) {
      return {id_error::clock_back, near && on_clock_back_ == clock_back::wait, until, behind};
    }
    return {id_error::exhausted, on_exhaustion_ != exhaustion::error, until, behind};
  }

  /// The first time of which no id was given when `word` was the next one.
  [[nodiscard]] static constexpr std::int64_t unused_tick(std::uint64_t word) noexcept {
    return last_tick(word) + 1;
  }

  [[nodiscard]] static std::int64_t ticks_in(std::chrono::nanoseconds time) noexcept {
    using unit = typename Layout::unit;
    using common = std::common_type_t<unit, std::chrono::nanoseconds>;
    constexpr std::int64_t per_ns = common(std::chrono::nanoseconds(1)).count();
    constexpr std::int64_t per_unit = common(unit(1)).count();
    std::int64_t all = 0;
    if (__builtin_mul_overflow(std::int64_t{time.count()}, per_ns, &all)) return most_ticks;
    return min_of(all / per_unit, most_ticks);
  }

 private:
  static constexpr std::uint64_t per_tick = std::uint64_t{1} << Layout::sequence_bits;
  static constexpr std::int64_t most_ticks = std::int64_t{1} << 61;

  /// The first tick that does not begin before `time`.
  template <class Time>
  [[nodiscard]] static std::int64_t first_tick_from(Time time) noexcept {
    const std::int64_t tick = Layout::tick_of(time.time_since_epoch());
    if (tick < 0 || tick >= Layout::ticks) return tick;
    return tick + (Layout::start_of(tick) < time ? 1 : 0);
  }

  /// The tick of the last id, or -1 before the first tick.
  [[nodiscard]] static constexpr std::int64_t last_tick(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word - 1) >> Layout::sequence_bits;
  }

  /// Whether there is more of the last id's tick, and it may be given though the clock is before it.
  [[nodiscard]] bool goes_on(std::uint64_t word, std::int64_t now) const noexcept {
    return on_clock_back_ == clock_back::continue_ && last_tick(word) == tick_of(word) &&
           tick_of(word) - (now + lead_) <= backward_;
  }

  /// Multiples of the golden ratio: as even as can be, whichever ticks come.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t start_at(std::int64_t tick) const noexcept {
    return static_cast<std::uint64_t>(tick) * 0x9e3779b97f4a7c15u >> start_shift_ & start_mask_;
  }

  static void require(std::uint64_t value, unsigned bits, const char* type, const char* name) {
    if (bits == 0 ? value == 0 : value >> (bits - 1) >> 1 == 0) return;
    fail_argument(
        type, name, value,
        bits == 0 ? "0: the layout has no such field" : "less than 2 to the bits of its field");
  }
  static void not_negative(std::chrono::nanoseconds value, const char* type, const char* name) {
    if (value.count() < 0) fail_argument(type, name, std::int64_t{value.count()}, "0 or more ns");
  }

  std::uint64_t first_ = 0;
  std::uint64_t maker_;
  std::int64_t lead_;
  std::int64_t backward_;
  std::int64_t longest_start_;  // how far ahead the first id may be for `next` to wait for it
  std::uint64_t start_mask_ = 0;
  unsigned start_shift_ = 0;
  exhaustion on_exhaustion_;
  clock_back on_clock_back_;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
