// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which bits of an id say what: time, datacenter, worker, sequence, in any order and of any width.
#ifndef QUOIN_DETAIL_ID_LAYOUT_HPP
#define QUOIN_DETAIL_ID_LAYOUT_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_error.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

namespace detail {

enum class id_part : std::uint8_t { time, datacenter, worker, sequence, none };

}  // namespace detail

/// The time since the layout's epoch, in its units.
template <unsigned Bits>
struct time_field {
  static constexpr detail::id_part part = detail::id_part::time;
  static constexpr unsigned bits = Bits;
};
/// Which datacenter: a worker's number may be used once in each.
template <unsigned Bits>
struct datacenter_field {
  static constexpr detail::id_part part = detail::id_part::datacenter;
  static constexpr unsigned bits = Bits;
};
/// Who made the id: machine, process, shard. No two may use one number at a time.
template <unsigned Bits>
struct worker_field {
  static constexpr detail::id_part part = detail::id_part::worker;
  static constexpr unsigned bits = Bits;
};
/// Which of the ids that the worker made in this unit of time.
template <unsigned Bits>
struct sequence_field {
  static constexpr detail::id_part part = detail::id_part::sequence;
  static constexpr unsigned bits = Bits;
};
/// States that all 64 bits are used: late ids are negative as `std::int64_t`.
struct no_sign_bit {
  static constexpr detail::id_part part = detail::id_part::none;
  static constexpr unsigned bits = 0;
};

namespace detail {

/// Where a part is: `bits` of them, from bit `shift` on. None where `bits` is 0.
struct id_slot {
  unsigned bits = 0;
  unsigned shift = 0;
  unsigned times = 0;  // how often the layout names it

  [[nodiscard]] constexpr std::uint64_t largest() const noexcept {
    return bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
  }
  [[nodiscard]] constexpr std::uint64_t of(std::uint64_t id) const noexcept {
    return id >> shift & largest();
  }
};

template <class... Fields>
[[nodiscard]] constexpr id_slot id_slot_of(id_part part) noexcept {
  id_slot found;
  unsigned below = (0u + ... + Fields::bits);
  const auto look = [&](unsigned bits, id_part is) {
    below -= bits;
    if (is == part) found = {bits, below, found.times + 1};
  };
  (look(Fields::bits, Fields::part), ...);
  return found;
}

/// Whether all times of so many bits, and the one after them, can be told.
template <class Unit, class Duration>
[[nodiscard]] constexpr bool id_times_end(std::int64_t epoch_ms, unsigned time_bits) noexcept {
  using ms = std::chrono::duration<std::int64_t, std::milli>;
  const std::int64_t ticks = std::int64_t{1} << time_bits;
  std::int64_t length = 0, end = 0;
  return !__builtin_mul_overflow(ticks, Duration(Unit(1)).count(), &length) &&
         !__builtin_add_overflow(length, Duration(ms(epoch_ms)).count(), &end);
}

}  // namespace detail

/// What a layout has room for.
struct snowflake_capacity {
  std::uint64_t ids_per_tick;    ///< of one worker in one unit of time
  std::uint64_t ids_per_second;  ///< of one worker, rounded down
  std::uint64_t workers;         ///< in all datacenters
  std::uint64_t ticks;           ///< units of time before the first that cannot be told

  friend bool operator==(const snowflake_capacity&, const snowflake_capacity&) = default;
};

/// Which bits of an id say what. All of it is static, and computed when it can be when compiling.
///
/// @tparam Unit     what the time counts, a `std::chrono` duration: milliseconds, or
///                  `duration<std::int64_t, std::ratio<1, 100>>` for 10 ms.
/// @tparam EpochMs  time 0, in milliseconds since 1970-01-01 UTC; may be negative.
/// @tparam Fields   from the highest bits to the lowest: one `time_field` and, below it, one
///                  `sequence_field`; at most one `worker_field` and `datacenter_field`. 63 bits in all,
///                  or 64 with `no_sign_bit`.
///
/// @code
/// using orders = quoin::snowflake_layout<std::chrono::milliseconds, 1735689600000,
///                                        quoin::time_field<41>, quoin::worker_field<8>,
///                                        quoin::sequence_field<14>>;
/// static_assert(orders::capacity().ids_per_second == 16'384'000);
/// @endcode
template <class Unit, std::int64_t EpochMs, class... Fields>
class snowflake_layout {
  static constexpr detail::id_slot time_ = detail::id_slot_of<Fields...>(detail::id_part::time);
  static constexpr detail::id_slot datacenter_ =
      detail::id_slot_of<Fields...>(detail::id_part::datacenter);
  static constexpr detail::id_slot worker_ = detail::id_slot_of<Fields...>(detail::id_part::worker);
  static constexpr detail::id_slot sequence_ =
      detail::id_slot_of<Fields...>(detail::id_part::sequence);
  static constexpr bool signed_ = detail::id_slot_of<Fields...>(detail::id_part::none).times == 0;

 public:
  /// Bits of an id that are used.
  static constexpr unsigned bits = (0u + ... + Fields::bits);
  static constexpr unsigned time_bits = time_.bits;
  static constexpr unsigned datacenter_bits = datacenter_.bits;
  static constexpr unsigned worker_bits = worker_.bits;
  static constexpr unsigned sequence_bits = sequence_.bits;

  static_assert(time_.times == 1 && time_.bits >= 1, "quoin::snowflake_layout: one time_field");
  static_assert(sequence_.times == 1 && sequence_.bits >= 1,
                "quoin::snowflake_layout: one sequence_field");
  static_assert(worker_.times <= 1, "quoin::snowflake_layout: at most one worker_field");
  static_assert(datacenter_.times <= 1, "quoin::snowflake_layout: at most one datacenter_field");
  static_assert(bits <= 64, "quoin::snowflake_layout: the fields have more than 64 bits");
  static_assert(bits <= 63 || !signed_,
                "quoin::snowflake_layout: 64 bits, of which the highest is the sign of a "
                "std::int64_t: name no_sign_bit among the fields if that is meant");
  static_assert(time_.shift >= sequence_.shift + sequence_.bits,
                "quoin::snowflake_layout: the time is above the sequence, so that ids grow");
  static_assert(time_.bits + sequence_.bits <= 63,
                "quoin::snowflake_layout: time and sequence have at most 63 bits together");

  /// What the time counts, and what it can be told in exactly: milliseconds or finer.
  using unit = std::chrono::duration<std::int64_t, typename Unit::period>;
  using duration = std::common_type_t<unit, std::chrono::duration<std::int64_t, std::milli>>;
  using time_point = std::chrono::time_point<std::chrono::system_clock, duration>;

  /// An id taken apart. Parts that the layout does not have are 0.
  struct parts {
    time_point time{};  ///< when the unit of time began
    std::uint64_t datacenter = 0;
    std::uint64_t worker = 0;
    std::uint64_t sequence = 0;

    friend bool operator==(const parts&, const parts&) = default;
  };

  /// Time 0.
  [[nodiscard]] static constexpr time_point epoch() noexcept {
    return time_point(std::chrono::duration<std::int64_t, std::milli>(EpochMs));
  }
  /// The first time that an id cannot tell any more.
  [[nodiscard]] static constexpr time_point wraps_at() noexcept { return start_of(ticks); }
  /// What there is room for.
  [[nodiscard]] static constexpr snowflake_capacity capacity() noexcept {
    using period = typename unit::period;
    const std::uint64_t per_tick = std::uint64_t{1} << sequence_bits;
    const auto num = static_cast<std::uint64_t>(period::num);
    const auto den = static_cast<std::uint64_t>(period::den);
    const std::uint64_t per_second =
        per_tick > ~std::uint64_t{0} / den ? ~std::uint64_t{0} / num : per_tick * den / num;
    return {per_tick, per_second, std::uint64_t{1} << (worker_bits + datacenter_bits),
            static_cast<std::uint64_t>(ticks)};
  }
  /// The largest id: all bits 1.
  [[nodiscard]] static constexpr std::uint64_t max_id() noexcept {
    return ~std::uint64_t{0} >> (64 - bits);
  }

  /// Takes an id apart. Any number gives parts; one that is larger than `max_id()` is of another
  /// layout, and what is above is left out.
  [[nodiscard]] static constexpr parts decode(std::uint64_t id) noexcept {
    return {start_of(static_cast<std::int64_t>(time_.of(id))), datacenter_.of(id), worker_.of(id),
            sequence_.of(id)};
  }

  /// The id of these parts, of the unit of time that `parts.time` lies in. `too_early` before the
  /// epoch, `time_over` from `wraps_at()` on, `out_of_range` for another part that does not fit.
  [[nodiscard]] static constexpr expected<std::uint64_t, id_error> encode(
      const parts& parts) noexcept {
    const std::int64_t tick = tick_of(parts.time.time_since_epoch());
    if (tick < 0) return unexpected(id_error::too_early);
    if (tick >= ticks) return unexpected(id_error::time_over);
    if (parts.datacenter > datacenter_.largest() || parts.worker > worker_.largest() ||
        parts.sequence > sequence_.largest()) {
      return unexpected(id_error::out_of_range);
    }
    return static_cast<std::uint64_t>(tick) << time_.shift | parts.sequence << sequence_.shift |
           maker(parts.datacenter, parts.worker);
  }

  /// No id that is made at `time` or later is smaller; and `last_id_at`: none that is made at `time` or
  /// earlier is larger. So `id BETWEEN first_id_at(a) AND last_id_at(b)` finds all ids from a to b, and
  /// of others those in the units of time that a and b lie in. Times before the epoch are taken for the
  /// epoch, those after the last for the last.
  template <class Duration>
  [[nodiscard]] static constexpr std::uint64_t first_id_at(
      std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept {
    require_time_first();
    return static_cast<std::uint64_t>(nearest_tick(time.time_since_epoch())) << time_.shift;
  }
  template <class Duration>
  [[nodiscard]] static constexpr std::uint64_t last_id_at(
      std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept {
    return first_id_at(time) | (max_id() >> time_bits);
  }

  // --- for generators: times as ticks, which count units since the epoch ----------------------------

  /// The first tick that cannot be told.
  static constexpr std::int64_t ticks = std::int64_t{1} << time_.bits;

  /// When `tick` begins; 0 to `ticks`.
  [[nodiscard]] static constexpr time_point start_of(std::int64_t tick) noexcept {
    return epoch() + duration(unit(tick));
  }

  /// The tick that a time lies in, at most 2^62 from 0 either way.
  template <std::signed_integral Rep, class Period>
  [[nodiscard]] static constexpr std::int64_t tick_of(
      std::chrono::duration<Rep, Period> since_1970) noexcept {
    using scale = scale_of<Period>;
    std::int64_t time = 0;
    if (__builtin_mul_overflow(std::int64_t{since_1970.count()}, scale::per_count, &time)) {
      return since_1970.count() < 0 ? -farthest : farthest;
    }
    const std::uint64_t to = static_cast<std::uint64_t>(time);
    const std::uint64_t from = static_cast<std::uint64_t>(scale::epoch);
    if (time >= scale::epoch) {
      const std::uint64_t whole = (to - from) / scale::per_tick;
      return whole > farthest ? farthest : static_cast<std::int64_t>(whole);
    }
    const std::uint64_t begun = (from - to - 1) / scale::per_tick + 1;
    return begun > farthest ? -farthest : -static_cast<std::int64_t>(begun);
  }

  /// How long it is until `tick` begins, which must be soon: less than 2^62 of what is counted.
  template <std::signed_integral Rep, class Period>
  [[nodiscard]] static constexpr auto until(
      std::int64_t tick, std::chrono::duration<Rep, Period> since_1970) noexcept {
    using scale = scale_of<Period>;
    const std::uint64_t from = static_cast<std::uint64_t>(since_1970.count()) *
                               static_cast<std::uint64_t>(scale::per_count);
    const std::uint64_t to = static_cast<std::uint64_t>(scale::epoch) +
                             static_cast<std::uint64_t>(tick) * scale::per_tick;
    return typename scale::common(static_cast<std::int64_t>(to - from));
  }

  /// The bits of an id that say who made it.
  [[nodiscard]] static constexpr std::uint64_t maker(std::uint64_t datacenter,
                                                     std::uint64_t worker) noexcept {
    return datacenter << datacenter_.shift | worker << worker_.shift;
  }
  /// The id of a tick and a sequence number, `tick << sequence_bits | sequence`.
  [[nodiscard]] static constexpr std::uint64_t compose(std::uint64_t word,
                                                       std::uint64_t maker) noexcept {
    if constexpr (time_.shift == sequence_.shift + sequence_.bits) {
      return word << sequence_.shift | maker;
    } else {
      return word >> sequence_bits << time_.shift |
             (word & sequence_.largest()) << sequence_.shift | maker;
    }
  }
  /// By how much ids grow whose sequence grows by 1.
  static constexpr std::uint64_t step = std::uint64_t{1} << sequence_.shift;

 private:
  static constexpr std::int64_t farthest = std::int64_t{1} << 62;

  /// What a clock's counts, the units and the epoch all are whole numbers of.
  template <class Period>
  struct scale_of {
    using common = std::common_type_t<std::chrono::duration<std::int64_t, Period>, duration>;
    static constexpr std::int64_t per_count =
        common(std::chrono::duration<std::int64_t, Period>(1)).count();
    static constexpr auto per_tick = static_cast<std::uint64_t>(common(unit(1)).count());
    static constexpr std::int64_t epoch =
        common(std::chrono::duration<std::int64_t, std::milli>(EpochMs)).count();
  };

  static_assert(detail::id_times_end<unit, duration>(EpochMs, time_.bits),
                "quoin::snowflake_layout: the last time is beyond std::chrono's");

  static constexpr void require_time_first() noexcept {
    static_assert(time_.shift + time_.bits == bits,
                  "quoin::snowflake_layout: ids are in the order of time only if it is the first "
                  "field");
  }

  template <class Duration>
  [[nodiscard]] static constexpr std::int64_t nearest_tick(Duration since_1970) noexcept {
    const std::int64_t tick = tick_of(since_1970);
    return tick < 0 ? 0 : tick < ticks ? tick : ticks - 1;
  }
};

}  // namespace quoin::inline QUOIN_ABI

#endif
