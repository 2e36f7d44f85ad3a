// SPDX-License-Identifier: BSL-1.0
/// @file
/// UUIDs: 128 bits that need nobody's permission to be unique, made, read, written and put in
/// order.
///
/// Use them where several makers of ids cannot agree on who is who; where they can, a Snowflake id
/// takes half the room. Of the versions take 7, whose order is that of time, or 4 where an id must
/// not tell when it was made.
///
/// Guarantee   no generator makes an id twice, nor do two, or a process and its child after a fork,
///             but by an accident of 54 random bits (version 7, and only within one nanosecond) or
///             122 (version 4). Version 7 never goes back, whatever its clock does. Text is read
///             strictly: what is refused says at which character.
/// Cost        write_to, parse: 4 to 5 ns. uuid_v7_generator::next: a compare-and-swap, a SipHash
///             and a reading of the clock (41 ns where that takes 28), which those do without that
///             come less than 1500 ticks of the processor's counter after one (29 ns; x86-64: 0.3
///             to 0.6 us, AArch64: 1 us); version 4: an addition and two SipHashes, 24 ns. Nothing
///             is allocated but by to_string.
/// Threads     uuid: a value type of 16 bytes without alignment, to be copied as bytes. Generators:
///             concurrent, all but construction and destruction; lock-free; one word that all
///             threads write, in relaxed order: ids publish no other memory.
/// Forks       are noticed if made by `fork`, which runs the handlers of pthread_atfork; `vfork`
///             and a bare clone do not. In the child's own handlers that were registered before the
///             first generator was made, ids are still those of the parent: make none there.
/// Bytes       those of RFC 9562, docs/formats.md#uuid.
/// Source      RFC 9562.
///
/// @code
/// quoin::uuid_v7_generator ids;                   // one for all threads
/// const quoin::uuid key = ids.next();
/// const auto read = quoin::uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
/// if (!read) reply_400(read.error().message());   // "a UUID has a hyphen here (at byte 8)"
/// read->time();                                   // 2022-02-22 19:22:22 UTC
/// std::string text = key.to_string();             // in lower case
/// std::map<quoin::uuid, row, quoin::uuid_time_order> rows;  // version 1 by its time, too
/// @endcode
#ifndef QUOIN_ID_UUID_HPP
#define QUOIN_ID_UUID_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/clock.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_128.hpp>
#include <quoin/detail/id_ticks.hpp>
#include <quoin/detail/id_uuid_random.hpp>
#include <quoin/detail/id_uuid_text.hpp>
#include <quoin/detail/id_wait.hpp>  // coarse_system_clock
#include <quoin/hash/siphash.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// Whose definition the bits of a UUID follow (RFC 9562, section 4.1).
enum class uuid_variant : std::uint8_t {
  ncs,        ///< of Apollo's network computing system, 1988; also that of `uuid::nil()`
  rfc9562,    ///< with a version, all that are made today
  microsoft,  ///< of early COM
  future,     ///< reserved; also that of `uuid::max()`
};

/// An instant as UUIDs tell them, in steps of 100 ns of Unix time.
using uuid_time =
    std::chrono::time_point<std::chrono::system_clock,
                            std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>>;

/// A UUID of any version and variant. They are ordered by their bytes, which is the order of their
/// text in either case and, of versions 6 and 7, that of their time.
class uuid : public detail::id_128<uuid> {
 public:
  /// Number of characters of the text.
  static constexpr std::size_t text_size = detail::uuid_text_size;

  using detail::id_128<uuid>::id_128;

  /// 00000000-0000-0000-0000-000000000000, which stands for none.
  [[nodiscard]] static constexpr uuid nil() noexcept { return {}; }
  /// ffffffff-ffff-ffff-ffff-ffffffffffff, after all others.
  [[nodiscard]] static constexpr uuid max() noexcept { return {UINT64_MAX, UINT64_MAX}; }

  // ---- Text

  /// The UUID that `text` is: 36 characters, hexadecimal digits of either case in groups of 8, 4,
  /// 4, 4 and 12 with hyphens between. Any version and variant. An error for anything else, blanks
  /// around it included: `truncated` or `trailing_bytes` if its size is wrong, else `bad_value` at
  /// the first character that has no place there.
  [[nodiscard]] static constexpr expected<uuid, error> parse(std::string_view text) noexcept {
    uuid result;
    if (text.size() == text_size && detail::read_uuid(text.data(), result.bytes_.data())) {
      return result;
    }
    return unexpected(detail::uuid_text_error(text, 1));
  }

  /// The same in any of the dresses that UUIDs go about in: as for `parse`, as 32 digits without
  /// hyphens, either of them in braces ("{…}") or behind "urn:uuid:" (in either case).
  [[nodiscard]] static constexpr expected<uuid, error> parse_any(std::string_view text) noexcept {
    std::size_t skipped = 0;
    std::string_view inner = text;
    if (detail::begins_as_urn(text)) {
      skipped = detail::urn_prefix.size();
    } else if (!text.empty() && text.front() == '{') {
      skipped = 1;
      if (text.back() != '}') {
        return unexpected(error(errc::bad_value, text.size(), "a brace is not closed"));
      }
      inner.remove_suffix(1);
    }
    inner.remove_prefix(skipped);
    uuid result;
    const std::size_t gap = inner.size() == 32 ? 0 : 1;
    if (inner.size() == 32 + 4 * gap &&
        (gap == 0 ? detail::read_hex_digits(inner.data(), 0, result.bytes_.data())
                  : detail::read_uuid(inner.data(), result.bytes_.data()))) {
      return result;
    }
    const error e = detail::uuid_text_error(inner, gap);
    return unexpected(error(e.code(), e.position() + skipped, e.text()));
  }

  /// Writes the text, in lower case and without a zero at the end.
  constexpr void write_to(std::span<char, text_size> out) const noexcept {
    detail::write_uuid(bytes_.data(), out.data());
  }

  /// The text, in lower case.
  [[nodiscard]] std::string to_string() const {
    std::string text(text_size, '\0');
    detail::write_uuid(bytes_.data(), text.data());
    return text;
  }

  // ---- What it says

  [[nodiscard]] constexpr bool is_nil() const noexcept { return *this == uuid(); }

  [[nodiscard]] constexpr uuid_variant variant() const noexcept {
    const unsigned char byte = bytes_[8];
    if (byte < 0x80) return uuid_variant::ncs;
    if (byte < 0xc0) return uuid_variant::rfc9562;
    return byte < 0xe0 ? uuid_variant::microsoft : uuid_variant::future;
  }

  /// 1 to 8 are defined; 0 if the variant is not `rfc9562`, which alone has versions.
  [[nodiscard]] constexpr int version() const noexcept {
    return variant() == uuid_variant::rfc9562 ? bytes_[6] >> 4 : 0;
  }

  /// When it was made, by its maker's clock: of versions 1 and 6 in steps of 100 ns from 1582 to
  /// 5236, of version 7 in milliseconds from 1970 to 10889. Nothing of other versions.
  [[nodiscard]] constexpr std::optional<uuid_time> time() const noexcept {
    const auto ticks = [](std::uint64_t since, std::int64_t epoch) {
      return uuid_time(uuid_time::duration(static_cast<std::int64_t>(since) + epoch));
    };
    switch (version()) {
      case 1:
      case 6:
        return ticks(gregorian_ticks(), -unix_epoch);
      case 7:
        return ticks((high() >> 16) * 10'000, 0);
      default:
        return std::nullopt;
    }
  }

  /// The 14 bits of versions 1 and 6 that a maker changes when its clock was set back.
  [[nodiscard]] constexpr std::uint16_t clock_sequence() const noexcept {
    return static_cast<std::uint16_t>(low() >> 48 & 0x3fff);
  }
  /// The 48 bits of versions 1 and 6 that name their maker, often an address of its network card.
  [[nodiscard]] constexpr std::uint64_t node() const noexcept { return low() & 0xffffffffffffu; }

  // ---- Versions 1 and 6: the same in two orders

  /// Of version 1 the version 6 with the same time, clock sequence and node, whose order of bytes
  /// is that of time; any other one as it is.
  [[nodiscard]] constexpr uuid to_v6() const noexcept {
    if (version() != 1) return *this;
    const std::uint64_t time = gregorian_ticks();
    return {time >> 12 << 16 | 0x6000 | (time & 0xfff), low()};
  }

  /// Of version 6 the version 1 with the same time, clock sequence and node; any other one as it
  /// is.
  [[nodiscard]] constexpr uuid to_v1() const noexcept {
    if (version() != 6) return *this;
    const std::uint64_t time = gregorian_ticks();
    return {time << 32 | (time >> 32 & 0xffff) << 16 | 0x1000 | time >> 48, low()};
  }

  // ---- Version 7: where a range of time begins and ends

  /// The first of all UUIDs of version 7 that were made at `time`, rounded down to milliseconds:
  /// for "made since …" in a table that has them in order. Times before 1970 give the first of all,
  /// those after 10889 the first of the last millisecond.
  [[nodiscard]] static constexpr uuid v7_first_at(uuid_time time) noexcept {
    return {v7_milliseconds(time) << 16 | 0x7000, std::uint64_t{1} << 63};
  }
  /// The last one.
  [[nodiscard]] static constexpr uuid v7_last_at(uuid_time time) noexcept {
    return {v7_milliseconds(time) << 16 | 0x7fff, ~(std::uint64_t{1} << 62)};
  }

 private:
  /// From 1582-10-15, the first day of the Gregorian calendar, to 1970, in steps of 100 ns.
  static constexpr std::int64_t unix_epoch = 0x01b21dd213814000;

  [[nodiscard]] constexpr std::uint64_t gregorian_ticks() const noexcept {
    const std::uint64_t word = high();
    return version() == 6 ? word >> 16 << 12 | (word & 0xfff)
                          : (word & 0xfff) << 48 | (word >> 16 & 0xffff) << 32 | word >> 32;
  }

  [[nodiscard]] static constexpr std::uint64_t v7_milliseconds(uuid_time time) noexcept {
    const std::int64_t ticks = time.time_since_epoch().count();
    constexpr std::uint64_t last = (std::uint64_t{1} << 48) - 1;
    return ticks < 0 ? 0 : detail::min_of(static_cast<std::uint64_t>(ticks) / 10'000, last);
  }
};

/// The order of bytes, but with version 1 as if it were version 6: by time, then by clock sequence
/// and node. A version 1 and the version 6 of the same are equal in it.
struct uuid_time_order {
  [[nodiscard]] constexpr bool operator()(const uuid& a, const uuid& b) const noexcept {
    return a.to_v6() < b.to_v6();
  }
};

/// How a generator of UUIDs works.
struct uuid_generator_options {
  /// The key of what is random; none: one from the operating system, which nobody knows. For tests:
  /// two with one key repeat each other.
  std::optional<siphash_key> key = std::nullopt;
};

/// Makes UUIDs of version 4: 122 random bits. For any number of threads; neither copied nor moved.
class uuid_v4_generator {
 public:
  /// Fails if the operating system has no random bytes to give.
  explicit uuid_v4_generator(const uuid_generator_options& options = {}) : random_(options.key) {}

  uuid_v4_generator(const uuid_v4_generator&) = delete;
  uuid_v4_generator& operator=(const uuid_v4_generator&) = delete;

  /// Another one. Lock-free: one addition to a counter that all threads share.
  [[nodiscard]] uuid next() noexcept {
    return make(count_.fetch_add(1, std::memory_order_relaxed));
  }

  /// Fills `out` with others, at the price of one addition.
  void next_many(std::span<uuid> out) noexcept {
    std::uint64_t count = count_.fetch_add(out.size(), std::memory_order_relaxed);
    for (uuid& id : out) id = make(count++);
  }

 private:
  [[nodiscard]] uuid make(std::uint64_t count) const noexcept {
    return {(random_(2 * count) & ~std::uint64_t{0xf000}) | 0x4000,
            random_(2 * count + 1) >> 2 | std::uint64_t{1} << 63};
  }

  detail::secret_function random_;
  std::atomic<std::uint64_t> count_{0};
};

/// Makes UUIDs of version 7, each greater than all it made before, whatever its clock does. For any
/// number of threads; neither copied nor moved.
///
/// It counts nanoseconds, from 1970 to 2554. When its clock is not past the last id, because it is
/// coarse or was set back, the next id is one nanosecond later; nobody calls `next` that often, so
/// that its ids are ahead of their clock only after it was set back, by as much as it was (`lead`),
/// until it has caught up, or of a coarse one by less than a step. `next_many` takes n nanoseconds
/// at once: ids of others are ahead by up to so much while it fills, and by ever more if all
/// threads together make more than one a nanosecond for long. An id has milliseconds, 12 bits of
/// 1/4096 ms (RFC 9562, section 6.2, method 3), 8 of 256ths of that (method 1), and 54 random ones.
///
/// An id that was given out before another was asked for, by any thread, is less than that one.
/// @tparam Clock  tells Unix time, of which that before 1970 and after 2262 is taken for the ends;
///                one whose `now` is not static is given to the constructor. `coarse_system_clock`
///                costs a quarter of the usual one, and tells the time to some milliseconds.
/// @tparam Atomic `std::atomic`, or what a test puts in its place; so with `Ticks`, the counter.
template <class Clock = std::chrono::system_clock, template <class> class Atomic = std::atomic,
          class Ticks = detail::ticks_for<Clock>>
class uuid_v7_generator {
  static_assert(
      !std::is_same_v<Clock, std::chrono::steady_clock>,
      "quoin::uuid_v7_generator: a steady clock begins anew with the machine, and so would "
      "the times of the ids");

 public:
  using time_point = typename Clock::time_point;

  /// Fails if the operating system has no random bytes to give.
  explicit uuid_v7_generator(
      const uuid_generator_options& options = {}) requires detail::static_clock<Clock>
      : random_(options.key) {}
  uuid_v7_generator(const uuid_generator_options& options, const Clock& clock)
      : clock_(clock), random_(options.key) {}
  uuid_v7_generator(const uuid_generator_options&, const Clock&&) = delete;

  uuid_v7_generator(const uuid_v7_generator&) = delete;
  uuid_v7_generator& operator=(const uuid_v7_generator&) = delete;

  /// The next id. Lock-free: a reading of the clock and one compare-and-swap; never waits. On
  /// x86-64 and AArch64 `std::chrono::system_clock` is read but once in 1500 ticks of the
  /// processor's counter, or in a microsecond, within which ids are one nanosecond apart; so late
  /// may be their time, and more if the counters of two cores disagree.
  [[nodiscard]] uuid next() noexcept {
    const claim c = claim_now(1);
    return make(c.first, c.random);
  }
  [[nodiscard]] uuid next_at(time_point now) noexcept {
    const claim c = claim_from(detail::unix_time<std::chrono::nanoseconds>(now), 1);
    return make(c.first, c.random);
  }

  /// Fills `out` with ids in ascending order, at the price of one. The last of n tells a time n ns
  /// after the first.
  void next_many(std::span<uuid> out) noexcept {
    if (!out.empty()) fill(out, claim_now(out.size()));
  }
  void next_many_at(time_point now, std::span<uuid> out) noexcept {
    const std::uint64_t time = detail::unix_time<std::chrono::nanoseconds>(now);
    if (!out.empty()) fill(out, claim_from(time, out.size()));
  }

  /// How far the last id is ahead of the clock: 0, but after that was set back or many were made at
  /// once.
  [[nodiscard]] std::chrono::nanoseconds lead() const noexcept { return lead_at(clock_.now()); }
  [[nodiscard]] std::chrono::nanoseconds lead_at(time_point now) const noexcept {
    const std::uint64_t last = last_.load(std::memory_order_relaxed);
    const std::uint64_t time = detail::unix_time<std::chrono::nanoseconds>(now);
    const std::uint64_t lead = last > time ? last - time : 0;
    constexpr std::uint64_t longest = INT64_MAX;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(detail::min_of(lead, longest)));
  }

 private:
  /// What one call takes: all times from `first`, whose id has the bits `random`.
  struct claim {
    std::uint64_t first, random;
    explicit operator bool() const noexcept { return true; }
  };

  QUOIN_ALWAYS_INLINE claim claim_now(std::uint64_t count) noexcept {
    const auto anew = [this, count] {
      return claim_from(detail::unix_time<std::chrono::nanoseconds>(clock_.now()), count);
    };
    return reading_.take([this, count] { return claim_from(0, count); }, anew);
  }

  /// Each value of `last_` has one that comes after it, so that its random bits are used once. They
  /// are those of the value before because that one is there while the clock is still being read.
  /// The clock ends at 2^63 ns: after that it takes 292 years of ids to come to the end of `last_`.
  QUOIN_ALWAYS_INLINE claim claim_from(std::uint64_t time, std::uint64_t count) noexcept {
    std::uint64_t before = last_.load(std::memory_order_relaxed);
    const std::uint64_t guess = before, random = random_(guess);
    std::uint64_t first = detail::max_of(time, before + 1);
    while (!last_.compare_exchange_weak(before, first + (count - 1), std::memory_order_relaxed)) {
      first = detail::max_of(time, before + 1);
    }
    return {first, before == guess ? random : random_(before)};
  }

  void fill(std::span<uuid> out, const claim& c) const noexcept {
    std::uint64_t time = c.first;
    out[0] = make(time, c.random);
    for (uuid& id : out.subspan(1)) {
      const std::uint64_t random = random_(time);
      id = make(++time, random);
    }
  }

  /// There are 2^20 places for the 10^6 nanoseconds of a millisecond: each has its own, in order.
  [[nodiscard]] static uuid make(std::uint64_t time, std::uint64_t random) noexcept {
    const std::uint64_t fraction = time % 1'000'000 * 16384 / 15625;
    return {time / 1'000'000 << 16 | 0x7000 | fraction >> 8,
            std::uint64_t{1} << 63 | (fraction & 0xff) << 54 | random >> 10};
  }

  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  detail::secret_function random_;
  Atomic<std::uint64_t> last_{0};
  [[no_unique_address]] detail::last_reading<Ticks, Atomic> reading_;
};

uuid_v7_generator()->uuid_v7_generator<>;
uuid_v7_generator(const uuid_generator_options&)->uuid_v7_generator<>;
template <class Clock>
uuid_v7_generator(const uuid_generator_options&, const Clock&) -> uuid_v7_generator<Clock>;

}  // namespace quoin::inline QUOIN_ABI

/// For the hash tables of the standard library.
template <>
struct std::hash<quoin::uuid> : quoin::detail::id_hash<quoin::uuid> {};

#endif
