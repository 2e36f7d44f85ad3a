// SPDX-License-Identifier: BSL-1.0
/// @file
/// One bucket by the arithmetic of limit_gcra.hpp, as a plain value, and its bytes.
#ifndef QUOIN_DETAIL_LIMIT_GCRA_CORE_HPP
#define QUOIN_DETAIL_LIMIT_GCRA_CORE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_gcra.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

/// The algorithm of `token_bucket`, and of `leaky_bucket`, which says the same of its room.
class token_bucket_core {
 public:
  using options_type = token_bucket_options;

  explicit token_bucket_core(const options_type& options, const char* type = "token_bucket",
                             const char* burst_name = "burst")
      : quota_(checked_quota(type, options, burst_name)), options_(options) {}

  /// From valid options and a state that they permit.
  token_bucket_core(const options_type& options, const gcra_quota& quota,
                    const gcra_state& state) noexcept
      : time_(state.time), quota_(quota), ahead_(state.ahead), options_(options) {}

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    const gcra_moment at = arrive(now);
    if (cost == 0) return gcra_allowed(quota_, at, 0);
    if (cost <= quota_.limit) {
      const std::int64_t units = units_of(cost);
      if (at.load + units <= quota_.capacity) return take(now, at, units);
    }
    return gcra_refused(quota_, at, cost, quota_.capacity, gcra_reason(quota_, cost));
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision peek(std::int64_t now,
                                                  std::uint64_t cost) const noexcept {
    const gcra_moment at = look(now);
    if (cost == 0 || (cost <= quota_.limit && at.load + units_of(cost) <= quota_.capacity)) {
      return gcra_allowed(quota_, at, 0);
    }
    return gcra_refused(quota_, at, cost, quota_.capacity, gcra_reason(quota_, cost));
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    const gcra_moment at = arrive(now);
    const std::uint64_t taken = min_of(cost, gcra_remaining(quota_, at.load));
    if (taken != 0) take(now, at, units_of(taken));
    return taken;
  }

  decision debit(std::int64_t now, std::uint64_t cost) noexcept {
    const gcra_moment at = arrive(now);
    if (cost == 0) return gcra_allowed(quota_, at, 0);
    if (cost <= largest_debit()) {
      const std::int64_t units = units_of(cost);
      if (at.load + units <= quota_.lending) return take(now, at, units);
    }
    return gcra_refused(quota_, at, cost, quota_.lending, limit_reason::debt_above_limit);
  }

  reservation reserve(std::int64_t now, std::uint64_t cost,
                      std::chrono::nanoseconds max_wait) noexcept {
    if (cost == 0) return {.granted = true};
    if (cost > quota_.limit) return {.reason = gcra_reason(quota_, cost), .wait = never};
    const gcra_moment at = arrive(now);
    const std::int64_t units = units_of(cost);
    reservation answer{.wait = gcra_wait(quota_, at, at.ahead + units - quota_.capacity)};
    if (answer.wait == never || answer.wait > max_wait) {
      answer.reason = gcra_reason(quota_, cost);
    } else if (at.load + units > quota_.lending) {
      answer.reason = limit_reason::debt_above_limit;
    } else {
      take(now, at, units);
      answer.granted = true;
      answer.cost = cost;
    }
    return answer;
  }

  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    const gcra_moment at = gcra_at(quota_, state(), now);  // however late it comes
    // Of a full bucket, `now` must not become the arrival time, which is earlier.
    if (cost == 0 || at.load == 0) return;
    set(gcra_refunded(quota_, at, cost));
  }

  void reset() noexcept { set({}); }

  void reconfigure(std::int64_t now, const options_type& options, inherit what,
                   const char* type = "token_bucket", const char* burst_name = "burst") {
    const gcra_quota quota = checked_quota(type, options, burst_name);
    const gcra_moment at = arrive(now);
    set({now, gcra_inherited(quota_, at.load, quota, what)});
    quota_ = quota;
    options_ = options;
  }

  [[nodiscard]] const options_type& options() const noexcept { return options_; }
  [[nodiscard]] const gcra_quota& quota() const noexcept { return quota_; }
  [[nodiscard]] gcra_state state() const noexcept { return {time_, ahead_}; }

  /// The bucket at `now`, which is not changed by that.
  [[nodiscard]] QUOIN_ALWAYS_INLINE gcra_moment look(std::int64_t now) const noexcept {
    return gcra_at(quota_, now < time_ ? resumed(now) : state(), now);
  }

 private:
  [[nodiscard]] gcra_state resumed(std::int64_t now) const noexcept {
    return gcra_resumed(quota_, state(), now, options_.max_backward_step.count());
  }

  QUOIN_COLD void resume(std::int64_t now) noexcept { set(resumed(now)); }

  void set(const gcra_state& state) noexcept {
    time_ = state.time;
    ahead_ = state.ahead;
  }

  QUOIN_ALWAYS_INLINE gcra_moment arrive(std::int64_t now) noexcept {
    if (now < time_) [[unlikely]]
      resume(now);
    return gcra_at(quota_, state(), now);
  }

  QUOIN_ALWAYS_INLINE decision take(std::int64_t now, const gcra_moment& at,
                                    std::int64_t units) noexcept {
    time_ = now;
    ahead_ = at.load + units;  // no more than is lent: it fits
    return gcra_allowed(quota_, at, units);
  }

  [[nodiscard]] std::int64_t units_of(std::uint64_t cost) const noexcept {
    return static_cast<std::int64_t>(cost) * quota_.token;
  }

  [[nodiscard]] std::uint64_t largest_debit() const noexcept {
    return static_cast<std::uint64_t>(quota_.lending / quota_.token);
  }

  // Apart, or compilers write them as one vector, which the next reading of either has to wait for.
  std::int64_t time_ = gcra_state().time;
  gcra_quota quota_;
  std::int64_t ahead_ = gcra_state().ahead;
  options_type options_;
};

inline constexpr std::size_t gcra_parameters = 56;
inline constexpr std::size_t gcra_form_size = framed_size(gcra_parameters, 0);

/// Writes the form of `core` at `now`: docs/formats.md#buckets. `out` has `gcra_form_size` bytes.
inline void write_gcra(std::span<std::byte> out, std::uint16_t format,
                       const token_bucket_core& core, std::int64_t now) noexcept {
  const token_bucket_options& options = core.options();
  const gcra_moment at = core.look(now);
  const std::int64_t tick = core.quota().tick;
  constexpr std::uint64_t longest = ~std::uint64_t{0} >> 1;
  const std::uint64_t wait =
      tick == 0 ? 0 : min_of(at.back(), longest) + static_cast<std::uint64_t>(at.ahead / tick);
  frame_writer to(out, {.format = format, .version = 1}, gcra_parameters);
  to.put(options.rate.count);
  to.put(static_cast<std::uint64_t>(options.rate.per.count()));
  to.put(options.burst);
  to.put(options.max_debt);
  to.put(static_cast<std::uint64_t>(options.max_backward_step.count()));
  to.put(min_of(wait, longest));
  to.put(static_cast<std::uint64_t>(tick == 0 ? at.ahead : at.ahead % tick));
  to.finish();
}

/// The bucket whose form is `bytes`, as it goes on at `now`.
[[nodiscard]] inline expected<token_bucket_core, error> read_gcra(std::span<const std::byte> bytes,
                                                                  std::uint16_t format,
                                                                  std::int64_t now) noexcept {
  const auto frame = open_frame(bytes, {.format = format, .version = 1}, gcra_parameters,
                                [](const std::byte*) { return std::uint64_t{0}; });
  if (!frame) return unexpected(frame.error());
  const auto field = [&](std::size_t i) {
    return load_le<std::uint64_t>(&frame->parameters[8 * i]);
  };
  const auto time = [&](std::size_t i) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(field(i)));
  };
  const auto bad = [](std::size_t i, const char* text) {
    return unexpected(error(errc::bad_value, i, text));
  };
  const token_bucket_options options{.rate = {field(0), time(1)},
                                     .burst = field(2),
                                     .max_debt = field(3),
                                     .max_backward_step = time(4)};
  if (frame->flags != 0) return bad(5, "quoin: flags that this version does not have");
  gcra_quota quota;
  if (gcra_quota_of(options, &quota).parameter != nullptr) {
    return bad(frame_header_size, "quoin: a quota that no bucket has");
  }
  const auto lending = static_cast<std::uint64_t>(quota.lending);
  const auto tick = static_cast<std::uint64_t>(quota.tick);
  const std::uint64_t wait = field(5), units = field(6);
  if (wait >> 63 != 0 || wait > (tick == 0 ? 0 : field(4) + lending / tick + 1)) {
    return bad(frame_header_size + 40, "quoin: owes more than this bucket lends");
  }
  if (tick == 0 ? units > lending : units >= tick) {
    return bad(frame_header_size + 48, "quoin: more units than there may be");
  }
  if (wait == 0 && units == 0) return token_bucket_core(options, quota, {});
  std::uint64_t all = 0;
  gcra_state state{now, static_cast<std::int64_t>(units)};
  if (checked_mul(wait, tick, &all) && all <= lending) {
    state.ahead += static_cast<std::int64_t>(all);
  } else if (__builtin_add_overflow(now, static_cast<std::int64_t>(wait), &state.time)) {
    state.time = INT64_MAX;
  }
  return token_bucket_core(options, quota, state);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
