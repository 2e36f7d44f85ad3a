// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form that limiters by windows share.
#ifndef QUOIN_DETAIL_LIMIT_WINDOW_FORM_HPP
#define QUOIN_DETAIL_LIMIT_WINDOW_FORM_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_window_core.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

// The form: docs/formats.md#windows.
inline constexpr std::size_t window_parameters = 64;
inline constexpr std::size_t window_form_size = framed_size(window_parameters, 0);

/// Writes `at` as it is at `now`.
template <class Quota>
void write_window(std::span<std::byte> out, const window_view<Quota>& at,
                  std::int64_t now) noexcept {
  const auto options = at.plan.options();
  const auto s = at.plan.settled(at.state, now);
  const auto counts = Quota::counts(s);
  const bool used = counts.current != 0 || counts.previous != 0;
  frame_writer to(out, {.format = Quota::format, .version = 1, .flags = at.plan.quota.flags()},
                  window_parameters);
  to.put(options.rate.count);
  to.put(static_cast<std::uint64_t>(options.rate.per.count()));
  to.put(static_cast<std::uint64_t>(options.offset.count()));
  to.put(options.max_debt);
  to.put(static_cast<std::uint64_t>(options.max_backward_step.count()));
  to.put(counts.current);
  to.put(counts.previous);
  to.put(used && now < s.begin ? time_between(at.plan.grid().begin(now), s.begin)
                               : std::uint64_t{0});
  to.finish();
}

/// What `bytes` say, as it goes on at `now`.
template <class Quota>
[[nodiscard]] expected<window_view<Quota>, error> read_window(std::span<const std::byte> bytes,
                                                              std::int64_t now) noexcept {
  const auto frame = open_frame(bytes, {.format = Quota::format, .version = 1}, window_parameters,
                                [](const std::byte*) { return std::uint64_t{0}; });
  if (!frame) return unexpected(frame.error());
  const auto field = [&](std::size_t i) {
    return load_le<std::uint64_t>(&frame->parameters[8 * i]);
  };
  const auto time = [&](std::size_t i) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(field(i)));
  };
  const auto bad = [](std::size_t at, const char* text) {
    return unexpected(error(errc::bad_value, at, text));
  };
  typename Quota::options_type options;
  options.rate = {field(0), time(1)};
  options.offset = time(2);
  options.max_debt = field(3);
  options.max_backward_step = time(4);
  if (!Quota::read_flags(frame->flags, options)) {
    return bad(5, "quoin: flags that this version does not have");
  }
  if (window_plan<Quota>::fault_of(options).parameter != nullptr) {
    return bad(frame_header_size, "quoin: a quota that no window has");
  }
  const auto plan = window_plan<Quota>::of(options);
  if (field(5) > plan.quota.most || field(6) > plan.quota.most_previous()) {
    return bad(frame_header_size + 40, "quoin: more than such a window counts");
  }
  const std::uint64_t ahead = field(7), per = static_cast<std::uint64_t>(plan.quota.per);
  const bool used = field(5) != 0 || field(6) != 0;
  if (ahead % per != 0 || ahead / per > field(4) / per + 1 || (ahead != 0 && !used)) {
    return bad(frame_header_size + 56, "quoin: ahead of its clock by more than the greatest step");
  }
  if (!used) return window_view<Quota>{plan, plan.fresh()};
  std::int64_t begin = plan.grid().begin(now);
  if (ahead <= time_between(begin, INT64_MAX)) begin = later_by(begin, ahead);
  return window_view<Quota>{plan, Quota::state_of(begin, {field(5), field(6)})};
}

/// What value forms add to the verbs: `Self` is the public type of the limiter.
template <class Self, class Quota, class Face>
class window_bytes : public Face {
  using clock = typename Face::clock_type;

 public:
  using time_point = typename Face::time_point;
  using Face::Face;

  /// Size of the serialized form.
  [[nodiscard]] static constexpr std::size_t serialized_size() noexcept { return window_form_size; }

  /// The limiter as it is at `now`, to go on at any other time on any clock.
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    std::vector<std::byte> bytes(serialized_size());
    write_window(bytes, this->core_.view(), nanoseconds_of(now));
    return bytes;
  }
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_at(this->clock_.now()); }

  /// The limiter that `to_bytes_at` wrote, as if its `now` were this one: what the window of the
  /// one counted, the window of the other does. An error for other bytes.
  [[nodiscard]] static expected<Self, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now) requires static_clock<clock> {
    return read(bytes, now, clock_reference<clock>());
  }
  [[nodiscard]] static expected<Self, error> from_bytes_at(std::span<const std::byte> bytes,
                                                           time_point now, const clock& of) {
    return read(bytes, now, clock_reference<clock>(of));
  }
  static expected<Self, error> from_bytes_at(std::span<const std::byte>, time_point,
                                             const clock&&) = delete;

 private:
  [[nodiscard]] static expected<Self, error> read(std::span<const std::byte> bytes, time_point now,
                                                  clock_reference<clock> of) {
    const auto view = read_window<Quota>(bytes, nanoseconds_of(now));
    if (!view) return unexpected(view.error());
    return Self(of, *view);
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
