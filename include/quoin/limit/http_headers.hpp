// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a rate limiter tells the clients of an HTTP server, and how they read it.
///
/// `rate_limit_headers` makes the headers that everybody sends (`X-RateLimit-*`, `Retry-After`)
/// out of a decision; `write_rate_limit` and `write_rate_limit_policy` those that are to become
/// the standard (`RateLimit`, `RateLimit-Policy`).
///
/// Guarantee   all durations are in whole seconds, rounded up: who waits so long is not too early.
/// Cost        no allocation; a few ns for each header.
/// Threads     value types and pure functions.
/// Source      RFC 9110 section 10.2.3 (Retry-After); draft-ietf-httpapi-ratelimit-headers-10;
///             RFC 9651 (structured fields). The X- headers are a custom, not a standard.
///
/// @code
/// if (const quoin::decision d = bucket.try_acquire(); !d) {
///   response.status = 429;
///   for (const auto [name, value] : quoin::rate_limit_headers(d)) response.set(name, value);
///   char text[64];
///   const quoin::quota_state state{"default", d.remaining, d.reset_after};
///   response.set("RateLimit", quoin::write_rate_limit(text, state).value());
/// }
/// @endcode
#ifndef QUOIN_LIMIT_HTTP_HEADERS_HPP
#define QUOIN_LIMIT_HTTP_HEADERS_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_structured.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// Rounded up; 0 for what is past.
[[nodiscard]] constexpr std::uint64_t whole_seconds(std::chrono::nanoseconds time) noexcept {
  const auto ns = static_cast<std::int64_t>(time.count());
  return ns <= 0 ? 0 : static_cast<std::uint64_t>((ns - 1) / 1'000'000'000 + 1);
}

}  // namespace detail

/// A number as the text of a header, or no text. Convertible to `std::string_view`, which is valid
/// as long as the value lives.
class header_value {
 public:
  constexpr header_value() noexcept = default;
  constexpr explicit header_value(std::uint64_t number) noexcept {
    detail::text_writer to(text_, sizeof text_);
    to.put_number(number);
    size_ = static_cast<std::uint8_t>(to.size());
  }

  /// True where the header is not to be sent.
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr std::string_view view() const& noexcept { return {text_, size_}; }
  std::string_view view() const&& = delete;
  constexpr operator std::string_view() const& noexcept { return view(); }
  operator std::string_view() const&& = delete;

 private:
  char text_[20] = {};
  std::uint8_t size_ = 0;
};

/// The value of `Retry-After`: seconds, rounded up. Empty, and the header not to be sent, where the
/// decision is not a refusal or no wait helps (`retry_after` is `never`).
[[nodiscard]] constexpr header_value retry_after_value(const decision& d) noexcept {
  if (d.allowed || d.retry_after == never) return {};
  return header_value(detail::whole_seconds(d.retry_after));
}

/// A header and its value.
struct http_header {
  std::string_view name, value;
};

/// The customary headers of one answer, in this order; a range of `http_header`, which are valid as
/// long as it lives.
///   X-RateLimit-Limit      `limit`
///   X-RateLimit-Remaining  `remaining`
///   X-RateLimit-Reset      `reset_after` in seconds, or when that is in seconds since 1970; not
///                          there if it never comes
///   Retry-After            see `retry_after_value`; not there if empty
class rate_limit_headers {
 public:
  static constexpr std::size_t capacity = 4;

  /// With the seconds until the reset, which needs no common clock.
  constexpr explicit rate_limit_headers(const decision& d) noexcept
      : rate_limit_headers(d, std::chrono::nanoseconds(0)) {}

  /// With the time of the reset as seconds since 1970, as GitHub has it. `now` is before 2262.
  rate_limit_headers(const decision& d, std::chrono::system_clock::time_point now) noexcept
      : rate_limit_headers(
            d, std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch())) {}

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  /// @param i  below `size()`
  [[nodiscard]] constexpr http_header operator[](std::size_t i) const& noexcept {
    constexpr std::string_view names[] = {"X-RateLimit-Limit", "X-RateLimit-Remaining",
                                          "X-RateLimit-Reset", "Retry-After"};
    return {names[name_[i]], value_[i].view()};
  }

  class iterator {
   public:
    constexpr http_header operator*() const noexcept { return (*all_)[at_]; }
    constexpr iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    friend constexpr bool operator==(const iterator&, const iterator&) = default;

   private:
    friend rate_limit_headers;
    constexpr iterator(const rate_limit_headers* all, std::size_t at) noexcept
        : all_(all), at_(at) {}

    const rate_limit_headers* all_;
    std::size_t at_;
  };
  [[nodiscard]] constexpr iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] constexpr iterator end() const noexcept { return {this, size_}; }

 private:
  constexpr rate_limit_headers(const decision& d, std::chrono::nanoseconds epoch) noexcept {
    add(0, header_value(d.limit));
    add(1, header_value(d.remaining));
    if (d.reset_after != never) add(2, header_value(reset(epoch, d.reset_after)));
    if (const header_value retry = retry_after_value(d); !retry.empty()) add(3, retry);
  }

  /// The sum in seconds, rounded up, which in nanoseconds could overflow.
  [[nodiscard]] static constexpr std::uint64_t reset(std::chrono::nanoseconds epoch,
                                                     std::chrono::nanoseconds after) noexcept {
    constexpr std::chrono::seconds second(1);
    if (epoch.count() <= 0) return detail::whole_seconds(after);
    if (after.count() <= 0) return detail::whole_seconds(epoch);
    const std::uint64_t whole = static_cast<std::uint64_t>(epoch / second + after / second);
    return whole + detail::whole_seconds(epoch % second + after % second);
  }

  constexpr void add(std::uint8_t name, const header_value& value) noexcept {
    name_[size_] = name;
    value_[size_++] = value;
  }

  header_value value_[capacity];
  std::uint8_t name_[capacity] = {};
  std::size_t size_ = 0;
};

// --- the standard to be -----------------------------------------------------------------------------

/// What a server permits: a member of `RateLimit-Policy`. Numbers above fifteen digits, the most
/// that a structured field has, are written as 999999999999999.
struct quota_policy {
  std::string_view name;               ///< printable ASCII; quotes and backslashes are escaped
  std::uint64_t quota = 0;             ///< `q`
  std::chrono::nanoseconds window{0};  ///< `w`, in seconds, rounded up; left out when 0 or less
  std::string_view unit = {};  ///< `qu`: "content-bytes", …; empty: requests, and left out
};

/// What is left of it: a member of `RateLimit`, with the same clamp.
struct quota_state {
  std::string_view name;                         ///< of the policy
  std::uint64_t remaining = 0;                   ///< `r`
  std::chrono::nanoseconds reset_after = never;  ///< `t`, in seconds, rounded up; `never`: left out
};

namespace detail {

/// Writes the list of `items`, each by `write(item)` behind its name.
template <class Item, class Write>
[[nodiscard]] constexpr expected<std::string_view, error> write_quota_list(
    std::span<char> to, std::span<const Item> items, Write write) noexcept {
  text_writer out(to.data(), to.size());
  for (const Item& item : items) {
    for (std::size_t i = 0; i < item.name.size(); ++i) {
      if (!is_structured_character(item.name[i])) {
        return unexpected(
            error(errc::bad_value, i, "quoin: a name with other than printable ASCII"));
      }
    }
    if (&item != items.data()) out.put(',');
    out.put_string(item.name);
    if (!write(out, item)) {
      return unexpected(error(errc::bad_value, 0, "quoin: a unit with other than printable ASCII"));
    }
  }
  if (out.size() > to.size()) {
    return unexpected(error(errc::too_large, to.size(),
                            "quoin: the header is longer than its memory", out.size()));
  }
  return std::string_view(to.data(), out.size());
}

[[nodiscard]] constexpr bool write_policy(text_writer& out, const quota_policy& policy) noexcept {
  out.put(";q=");
  out.put_integer(policy.quota);
  if (!policy.unit.empty()) {
    out.put(";qu=");
    out.put_string(policy.unit);
  }
  if (policy.window.count() > 0) {
    out.put(";w=");
    out.put_integer(whole_seconds(policy.window));
  }
  for (const char c : policy.unit) {
    if (!is_structured_character(c)) return false;
  }
  return true;
}

[[nodiscard]] constexpr bool write_state(text_writer& out, const quota_state& state) noexcept {
  out.put(";r=");
  out.put_integer(state.remaining);
  if (state.reset_after != never) {
    out.put(";t=");
    out.put_integer(whole_seconds(state.reset_after));
  }
  return true;
}

}  // namespace detail

/// The value of `RateLimit-Policy`, `"burst";q=100;w=60,"daily";q=1000;w=86400`: the part of `to`
/// that it fills. Errors: `errc::bad_value` for a character that no String may hold, at its place in
/// the name; `errc::too_large`, with `size_stated()` the size it takes, when `to` is smaller. Empty
/// for no policies: then do not send it.
[[nodiscard]] constexpr expected<std::string_view, error> write_rate_limit_policy(
    std::span<char> to, std::span<const quota_policy> policies) noexcept {
  return detail::write_quota_list(to, policies, detail::write_policy);
}
[[nodiscard]] constexpr expected<std::string_view, error> write_rate_limit_policy(
    std::span<char> to, const quota_policy& policy) noexcept {
  return write_rate_limit_policy(to, std::span(&policy, 1));
}

/// The value of `RateLimit`, `"default";r=50;t=30`; as `write_rate_limit_policy`.
[[nodiscard]] constexpr expected<std::string_view, error> write_rate_limit(
    std::span<char> to, std::span<const quota_state> states) noexcept {
  return detail::write_quota_list(to, states, detail::write_state);
}
[[nodiscard]] constexpr expected<std::string_view, error> write_rate_limit(
    std::span<char> to, const quota_state& state) noexcept {
  return write_rate_limit(to, std::span(&state, 1));
}

// --- reading, on the client's side ------------------------------------------------------------------

/// A member of `RateLimit` or `RateLimit-Policy`; -1 for what it does not say.
struct rate_limit_item {
  std::string_view name;  ///< part of the text, with its backslashes: compare it by `is_named`
  std::int64_t quota = -1;
  std::int64_t remaining = -1;
  std::chrono::seconds window{-1};
  std::chrono::seconds reset_after{-1};

  [[nodiscard]] constexpr bool is_named(std::string_view other) const noexcept {
    std::size_t at = 0;
    for (std::size_t i = 0; i < name.size(); ++i, ++at) {
      if (name[i] == '\\') ++i;
      if (at >= other.size() || name[i] != other[at]) return false;
    }
    return at == other.size();
  }
};

/// Reads the members of a field one after another.
///
/// @code
/// quoin::rate_limit_reader in(response.header("RateLimit"));
/// for (quoin::rate_limit_item item; in.next(item).value_or(false);) pace(item);
/// @endcode
class rate_limit_reader {
 public:
  /// Reads `text`, which must outlive the reader and its items.
  constexpr explicit rate_limit_reader(std::string_view text) noexcept : in_(text) {
    in_.skip_spaces();
  }

  /// True and the next member, or false at the end. An error, here and from here on, for what is no
  /// list of names with parameters, or where `q`, `r`, `w` or `t` is no integer ≥ 0 (`-0` is none,
  /// and of one that is repeated each has to be): such a field is to be ignored as a whole. Other
  /// parameters are skipped.
  [[nodiscard]] constexpr expected<bool, error> next(rate_limit_item& item) noexcept {
    if (!failed_ && in_.at_end()) return false;
    item = {};
    failed_ = failed_ || !read(item);
    if (!failed_) return true;
    return unexpected(
        error(errc::bad_value, in_.position(), "quoin: not a list of rate limits (RFC 9651)"));
  }

 private:
  constexpr bool read(rate_limit_item& item) noexcept {
    const bool named = in_.peek() == '"' ? in_.string(item.name) : in_.token(item.name);
    if (!named) return false;
    while (in_.take(';')) {
      in_.skip_spaces();
      std::string_view key;
      if (!in_.key(key) || !parameter(key, item)) return false;
    }
    in_.skip_blanks();
    if (!in_.take(',')) return in_.at_end();
    in_.skip_blanks();
    return !in_.at_end();
  }

  constexpr bool parameter(std::string_view key, rate_limit_item& item) noexcept {
    const bool known = key == "q" || key == "r" || key == "w" || key == "t";
    if (!in_.take('=')) return !known;
    if (!known) return in_.skip_item();
    std::int64_t value = 0;
    if (!in_.integer(value)) return false;
    if (key == "q") item.quota = value;
    if (key == "r") item.remaining = value;
    if (key == "w") item.window = std::chrono::seconds(value);
    if (key == "t") item.reset_after = std::chrono::seconds(value);
    return true;
  }

  detail::structured_cursor in_;
  bool failed_ = false;
};

namespace detail {

/// Whether `text` is `form`, where 'a' is a letter, '0' a digit and '_' a digit or a space.
[[nodiscard]] constexpr bool has_form(std::string_view text, std::string_view form) noexcept {
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = is_structured_digit(text[i]);
    const bool fits = form[i] == '0'   ? digit
                      : form[i] == '_' ? digit || text[i] == ' '
                      : form[i] == 'a' ? is_structured_alpha(text[i])
                                       : text[i] == form[i];
    if (!fits) return false;
  }
  return true;
}

/// Reads a date in one of the three forms of HTTP (RFC 9110 section 5.6.7), of which only the first
/// is still written, into seconds since 1970. False for anything else.
/// @param now  the year of now: of two digits, a year is the one nearest to it, at most 50 later.
[[nodiscard]] constexpr bool read_http_date(std::string_view text, int now,
                                            std::int64_t& seconds) noexcept {
  constexpr std::string_view days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr struct {
    std::string_view form;  // after the name of the day, which is short or whole
    bool is_short;
    std::size_t day, month, year, time;
  } forms[] = {{", 00 aaa 0000 00:00:00 GMT", true, 2, 5, 9, 14},
               {", 00-aaa-00 00:00:00 GMT", false, 2, 5, 9, 12},
               {" aaa _0 00:00:00 0000", true, 5, 1, 17, 8}};
  for (const auto& form : forms) {
    unsigned weekday = 0;
    const auto name = [&] { return form.is_short ? days[weekday].substr(0, 3) : days[weekday]; };
    while (weekday < 7 && text.substr(0, text.find_first_of(", ")) != name()) ++weekday;
    if (weekday == 7) continue;
    const std::string_view rest = text.substr(name().size());
    if (!has_form(rest, form.form)) continue;
    const auto two = [&](std::size_t at) {
      return 10 * (rest[at] == ' ' ? 0 : rest[at] - '0') + (rest[at + 1] - '0');
    };
    int year = two(form.year);
    if (form.is_short) {
      year = 100 * year + two(form.year + 2);
    } else {
      year += now - now % 100;
      year += year > now + 50 ? -100 : year <= now - 50 ? 100 : 0;
    }
    const std::size_t month = months.find(rest.substr(form.month, 3));
    const int hour = two(form.time), minute = two(form.time + 3), second = two(form.time + 6);
    if (month % 3 != 0 || month >= months.size()) return false;
    const std::chrono::year_month_day date(std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                           std::chrono::day(static_cast<unsigned>(two(form.day))));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
    const std::chrono::sys_days midnight(date);
    seconds = std::int64_t{midnight.time_since_epoch().count()} * 86400 + hour * 3600 +
              minute * 60 + second;
    return std::chrono::weekday(midnight).c_encoding() == weekday;
  }
  return false;
}

}  // namespace detail

/// How long `Retry-After` asks to wait: seconds, or the time until a date, rounded up and 0 when it
/// is past. At most 2^33 s (272 years), so that it fits in nanoseconds; a longer wait is shortened
/// to that. Errors: `errc::bad_value` for what is neither.
[[nodiscard]] inline expected<std::chrono::seconds, error> parse_retry_after(
    std::string_view text,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) noexcept {
  constexpr std::int64_t most = std::int64_t{1} << 33;
  std::int64_t seconds = 0;
  std::size_t digits = 0;
  while (digits < text.size() && detail::is_structured_digit(text[digits])) {
    seconds = 10 * seconds + (text[digits++] - '0');
    if (seconds > most) seconds = most;
  }
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  if (digits == 0 && detail::read_http_date(text, static_cast<int>(today.year()), seconds)) {
    const auto since = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    seconds -= static_cast<std::int64_t>(since);
    seconds = seconds < 0 ? 0 : seconds > most ? most : seconds;
    return std::chrono::seconds(seconds);
  }
  if (digits == 0 || digits != text.size()) {
    return unexpected(error(errc::bad_value, digits, "quoin: neither seconds nor a date of HTTP"));
  }
  return std::chrono::seconds(seconds);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
