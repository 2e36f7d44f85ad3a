// SPDX-License-Identifier: BSL-1.0
/// @file
/// ULIDs: a time and a random number in 26 letters that sort as they do.
///
/// Use them where ids are read out and typed: no hyphens, one case, none of I, L, O and U. The 128
/// bits are a UUID's, but say no version; for a generator of many threads prefer `uuid_v7_generator`.
///
/// Guarantee   each id of a generator is greater than all before, whatever its clock does. Text is
///             read strictly: letters of either case and nothing in the place of others.
/// Cost        write_to: about 9 ns, parse: 16; next: a reading of the clock, and two SipHashes for the
///             first id of each millisecond. Nothing is allocated but by to_string.
/// Threads     like a standard container; after a fork, parent and child make different ids, within
///             the millisecond of their last common one, too (`vfork` and a bare clone are not noticed).
/// Bytes       docs/formats.md#ulid.
/// Source      the specification of ULIDs, of 2019: github.com/ulid/spec.
///
/// @code
/// quoin::ulid_generator ids;
/// std::string text = ids.next().to_string();  // 01ARZ3NDEKTSV4RRFFQ69G5FAV
/// const auto read = quoin::ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
/// read->time();                               // 2016-07-30 23:54:10.259
/// @endcode
#ifndef QUOIN_ID_ULID_HPP
#define QUOIN_ID_ULID_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/clock.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/id_128.hpp>
#include <quoin/detail/id_error.hpp>
#include <quoin/detail/id_ulid_text.hpp>
#include <quoin/detail/id_uuid_random.hpp>
#include <quoin/hash/siphash.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// An instant as ULIDs tell them, in milliseconds of Unix time.
using ulid_time = std::chrono::time_point<std::chrono::system_clock,
                                          std::chrono::duration<std::int64_t, std::milli>>;

/// A ULID. Ordered by their bytes, which is the order of their text and of their time.
class ulid : public detail::id_128<ulid> {
 public:
  /// Number of characters of the text.
  static constexpr std::size_t text_size = detail::ulid_text_size;

  using detail::id_128<ulid>::id_128;

  /// The ULID that `text` is: 26 digits and letters of either case without I, L, O and U, the first
  /// not above 7. An error for anything else: `truncated` or `trailing_bytes` if its size is wrong,
  /// else `bad_value` at the first character that may not stand at its place.
  [[nodiscard]] static constexpr expected<ulid, error> parse(std::string_view text) noexcept {
    ulid result;
    if (text.size() == text_size && detail::read_ulid(text.data(), result.bytes_.data())) {
      return result;
    }
    return unexpected(detail::ulid_text_error(text));
  }

  /// Writes the text, in upper case and without a zero at the end.
  constexpr void write_to(std::span<char, text_size> out) const noexcept {
    detail::write_ulid(high(), low(), out.data());
  }

  /// The text, in upper case.
  [[nodiscard]] std::string to_string() const {
    std::string text(text_size, '\0');
    detail::write_ulid(high(), low(), text.data());
    return text;
  }

  /// When it was made, by its maker's clock: from 1970 to 10889.
  [[nodiscard]] constexpr ulid_time time() const noexcept {
    return ulid_time(ulid_time::duration(static_cast<std::int64_t>(high() >> 16)));
  }

  /// The next ULID of the same millisecond; nothing after the last one.
  [[nodiscard]] constexpr std::optional<ulid> successor() const noexcept {
    const std::uint64_t next = low() + 1, first = high() + (next == 0 ? 1 : 0);
    if (first >> 16 != high() >> 16) return std::nullopt;
    return ulid(first, next);
  }

  /// The first and the last ULID of the millisecond of `time`, rounded down: for "made since …" in
  /// a table that has them in order. Times before 1970 are taken for that, those after 10889 for
  /// the last millisecond.
  [[nodiscard]] static constexpr ulid first_at(ulid_time time) noexcept {
    return {milliseconds(time) << 16, 0};
  }
  [[nodiscard]] static constexpr ulid last_at(ulid_time time) noexcept {
    return {milliseconds(time) << 16 | 0xffff, UINT64_MAX};
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t milliseconds(ulid_time time) noexcept {
    constexpr std::int64_t last = (std::int64_t{1} << 48) - 1;
    const std::int64_t count = time.time_since_epoch().count();
    return count < 0 ? 0 : static_cast<std::uint64_t>(detail::min_of(count, last));
  }
};

/// How a generator of ULIDs works.
struct ulid_generator_options {
  /// The key of what is random; none: one from the operating system, which nobody knows. For tests:
  /// two with one key repeat each other.
  std::optional<siphash_key> key = std::nullopt;
  /// All ids are greater than this one: the last that is known to have been made.
  ulid after = {};
};

/// Makes ULIDs: at a new millisecond with 80 random bits, within one and when its clock was set back
/// the successor of the last one, as the specification has it; a child of `fork` leaps ahead by 56
/// random bits before its first successor. Not for several threads at once.
/// @tparam Clock  tells Unix time; one whose `now` is not static is given to the constructor.
template <class Clock = std::chrono::system_clock>
class ulid_generator {
  static_assert(
      !std::is_same_v<Clock, std::chrono::steady_clock>,
      "quoin::ulid_generator: a steady clock begins anew with the machine, and so would the "
      "ids");

 public:
  using time_point = typename Clock::time_point;

  /// Fails if the operating system has no random bytes to give.
  explicit ulid_generator(
      const ulid_generator_options& options = {}) requires detail::static_clock<Clock>
      : random_(options.key), last_(options.after) {}
  ulid_generator(const ulid_generator_options& options, const Clock& clock)
      : clock_(clock), random_(options.key), last_(options.after) {}
  ulid_generator(const ulid_generator_options&, const Clock&&) = delete;

  // A copy would make the same ids.
  ulid_generator(const ulid_generator&) = delete;
  ulid_generator& operator=(const ulid_generator&) = delete;

  /// The next id. There is none if the last one was the last of its millisecond and the clock is not
  /// past that, which within one of n ids has a probability of n / 2^80, and for a child of `fork` one
  /// of 2^-24; nor in the year 10889. Then it throws `id_failure`, or calls the failure handler.
  [[nodiscard]] ulid next() { return checked(try_next()); }
  [[nodiscard]] ulid next_at(time_point now) { return checked(try_next_at(now)); }

  /// The next id, or why there is none: `exhausted`, `time_over`.
  [[nodiscard]] expected<ulid, id_error> try_next() noexcept { return try_next_at(clock_.now()); }
  [[nodiscard]] expected<ulid, id_error> try_next_at(time_point now) noexcept {
    const std::uint64_t time = detail::unix_time<std::chrono::milliseconds>(now);
    if (time >> 48 != 0) return unexpected(id_error::time_over);
    std::optional<ulid> next;
    if (time > last_.high() >> 16) {
      next = ulid(time << 16 | random_(2 * count_) >> 48, random_(2 * count_ + 1));
    } else if (process_ == random_.process()) [[likely]] {
      next = last_.successor();
    } else {  // the parent gives the successor
      next = after_last(random_(2 * count_) >> 8);
    }
    if (!next) return unexpected(id_error::exhausted);
    ++count_;
    process_ = random_.process();
    return last_ = *next;
  }

 private:
  [[nodiscard]] static ulid checked(const expected<ulid, id_error>& id) {
    if (!id) [[unlikely]]
      detail::fail_id("ulid_generator", id.error());
    return *id;
  }

  /// The ULID `steps` after the successor of the last one, in the same millisecond.
  [[nodiscard]] std::optional<ulid> after_last(std::uint64_t steps) const noexcept {
    const std::uint64_t low = last_.low() + steps;
    const std::uint64_t high = last_.high() + (low < steps ? 1 : 0);
    if (high >> 16 != last_.high() >> 16) return std::nullopt;
    return ulid(high, low).successor();
  }

  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  detail::secret_function random_;
  std::uint64_t count_ = 0;
  std::uint64_t process_ = random_.process();  // which made the last one
  ulid last_;
};

ulid_generator()->ulid_generator<>;
ulid_generator(const ulid_generator_options&)->ulid_generator<>;
template <class Clock>
ulid_generator(const ulid_generator_options&, const Clock&) -> ulid_generator<Clock>;

}  // namespace quoin::inline QUOIN_ABI

/// For the hash tables of the standard library.
template <>
struct std::hash<quoin::ulid> : quoin::detail::id_hash<quoin::ulid> {};

#endif
