// SPDX-License-Identifier: BSL-1.0
/// @file
/// One limit of many nodes that tell one another what they have let in.
///
/// Use it where nodes gossip anyway and no request may wait for a centre: each decides alone, by
/// what it has let in itself and what it has heard of the others. A limit that must hold exactly
/// needs a centre (`interop/redis_limiter.hpp`) or tokens that are handed out (leases).
///
/// Guarantee   each node counts its own admissions of a window, and only that: counts of others
///             merge by the greater one, in any order, twice or by way of third nodes. At each
///             admission what is known, with it, is within the limit. So in a window there are at
///             most limit + u, where u is what the others had let in and whoever let the last one
///             in had not heard of. Without caution u is up to limit · (nodes − 1), when all are
///             asked at once; at an even load, what comes in while a message is under way.
/// Caution     with `share_interval`, a node takes at most its share of what is left until it hears
///             more (and the interval has passed): by three quarters in proportion to what it used
///             in the windows before, by one quarter evenly. Shares that nodes compute from the same
///             counts and at the same moment add up to all there is, to the token; computed at
///             different ones, or by nodes that do not know of one another yet, no more of them than
///             `nodes`, they are rounded up by less than one each. So if in a window nobody hears
///             more, the limit is exceeded rarely and by few: of 600 random windows of 2 to 61 nodes
///             that all knew of one another, in none; where a third of the nodes had been silent, in
///             95, by up to 4; where no node knew of any other, in 209, by up to 10. With more
///             silent nodes than `nodes` says, each of those takes a share too many. A node that is
///             silent keeps half its share from window to window, as long as there is room for it in
///             `max_nodes`. The price: tokens that wait for a node which does not come; and a request
///             that costs more than the node's share of the limit may never pass there, though all
///             together have room for it. Costs should be small beside limit / nodes.
/// Waiting     `retry_after` is exact if nothing more is heard or asked for. With `share_interval` it
///             is so within the window: what this node's share does not grow to until the window
///             ends is told to come again then, and may be refused again. What is heard may let it
///             pass earlier, or later.
/// Cost        try_acquire_at: 1 to 4 ns. merge: 10 ns for each node that the message names; the
///             first request of a window: some ns for each node that is known.
/// Memory      320 bytes and 40 for each other node that let something in of late.
/// Threads     like a standard container.
/// Bytes       messages: format id 0x0708, docs/formats.md#shared-windows.
///
/// Windows     as of `fixed_window` and `sliding_window`, aligned to the epoch of the clock, which
///             has to be about the same everywhere: `system_clock`. A message of the next window is
///             heard in part, of what it says of this one; of the one before, too.
/// Nodes       have ids. A node that begins anew takes another one (a random one, say). Under its
///             old id it has to `merge` what another node knows before it lets anything in:
///             otherwise its admissions are not noticed until they exceed those that others
///             remember. Two nodes of one id are half as strict.
/// Time        as of `sliding_window`: on a clock that has been set back further than
///             `max_backward_step` nothing passes in the window of `now`, and it knows of nobody.
/// Refunds     of the current window are used again by this node; others are not told.
/// Source      Shapiro, Preguiça, Baquero, Zawirski 2011, "A comprehensive study of convergent and
///             commutative replicated data types", 3.1.1 (G-counter).
///
/// @code
/// quoin::shared_window limit({.rate = quoin::per_second(1000), .node = my_id});
/// if (const auto d = limit.try_acquire(); !d) reply_429(d.retry_after);
/// // every 100 ms, to some peers or all of them:
/// send(peer, limit.to_bytes());
/// // and of each message:
/// if (!limit.merge_bytes(message)) complain();
/// @endcode
#ifndef QUOIN_LIMIT_SHARE_HPP
#define QUOIN_LIMIT_SHARE_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_face.hpp>
#include <quoin/detail/limit_shared.hpp>
#include <quoin/detail/limit_shared_core.hpp>
#include <quoin/limit/sliding_window.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI {

namespace detail {

struct shared_window_quota : sliding_window_quota {
  explicit shared_window_quota(const rate& rate) noexcept
      : sliding_window_quota({.rate = rate, .fractions = weight::up}, rate.count) {}
};
using shared_core = shared_window_core<shared_window_quota>;

}  // namespace detail

/// A limit that nodes share, as one of them knows it. A new one knows of no admissions.
/// @tparam Clock  from <chrono> or of the same shape, and about the same on all nodes; one whose
///                `now` is not static (`manual_clock`) is given to the constructor.
template <class Clock = std::chrono::system_clock>
class shared_window : public detail::limiter_face<detail::shared_core, Clock> {
  using face = detail::limiter_face<detail::shared_core, Clock>;

 public:
  using time_point = typename face::time_point;
  using face::face;

  /// Another limit from now on, up to 2^62; what was let in counts. Others may still have the old one.
  void set_limit(std::uint64_t limit) { this->core_.set_limit(limit); }

  /// What is known of the window of `now`.
  [[nodiscard]] shared_knowledge knowledge_at(time_point now) const noexcept {
    return this->core_.knowledge(detail::nanoseconds_of(now));
  }
  [[nodiscard]] shared_knowledge knowledge() const noexcept {
    return knowledge_at(this->clock_.now());
  }

  /// Learns what `other` knows: commutative, associative, idempotent. Throws
  /// `std::invalid_argument` if its windows are not these, or `max_nodes` are exceeded, and then
  /// nothing has changed.
  /// @return  how many admissions it had not known. O(nodes) of both.
  template <class Other>
  std::uint64_t merge_at(time_point now, const shared_window<Other>& other) {
    const detail::shared_core& from = other.core_;
    if (&from == &this->core_) return 0;
    if (!this->core_.same_windows(from.options())) {
      detail::fail_argument("shared_window", "other.options().rate.per",
                            static_cast<std::int64_t>(from.options().rate.per.count()),
                            "windows of the same length and offset");
    }
    const std::size_t place = from.own_place();
    const std::uint64_t learned =
        this->core_.hear(detail::nanoseconds_of(now), from.options().node, from.begin(),
                         from.count(), [&](std::size_t i) { return from.entry(i, place); });
    if (learned == detail::shared_core::too_many) {
      detail::fail_argument("shared_window", "other.knowledge().nodes",
                            std::uint64_t{other.core_.count()},
                            "no more than max_nodes with those that are known");
    }
    return learned;
  }
  template <class Other>
  std::uint64_t merge(const shared_window<Other>& other) {
    return merge_at(this->clock_.now(), other);
  }

  /// A message for other nodes: all that this one knows.
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return to_bytes_since(0); }
  /// What has changed since `version()` was `version`, for who has got that; always what this node
  /// has let in.
  [[nodiscard]] std::vector<std::byte> to_bytes_since(std::uint64_t version) const {
    const auto told = [version](const detail::shared_entry& node) {
      return node.changed > version && (node.current != 0 || node.previous != 0);
    };
    const detail::shared_core& core = this->core_;
    const std::size_t place = core.own_place();
    std::size_t count = 0;
    for (std::size_t i = 0; i < core.count(); ++i) {
      count += i == place || told(core.entry(i, place)) ? 1u : 0u;
    }
    std::vector<std::byte> bytes(detail::framed_size(parameters, entry_size * count));
    detail::frame_writer to(bytes, {.format = format, .version = 1}, parameters);
    to.put(static_cast<std::uint64_t>(core.options().rate.per.count()));
    to.put(static_cast<std::uint64_t>(core.begin()));
    to.put(core.options().node);
    to.put(std::uint64_t{count});
    for (std::size_t i = 0; i < core.count(); ++i) {
      const detail::shared_entry node = core.entry(i, place);
      if (i != place && !told(node)) continue;
      to.put(node.node);
      to.put(node.current);
      to.put(node.previous);
    }
    to.finish();
    return bytes;
  }
  /// Becomes greater whenever something is learned.
  [[nodiscard]] std::uint64_t version() const noexcept { return this->core_.version(); }

  /// Learns what a message says; an error for other bytes, for other windows, and when there would
  /// be more than `max_nodes`: then nothing has changed, not even of nodes that are known, until the
  /// sender leaves some out (`to_bytes_since`). Messages are trusted: who invents nodes keeps others
  /// out for two windows.
  /// @return  how many admissions it had not known.
  expected<std::uint64_t, error> merge_bytes_at(time_point now, std::span<const std::byte> bytes) {
    const auto frame =
        detail::open_frame(bytes, {.format = format, .version = 1}, parameters, payload_size);
    if (!frame) return unexpected(frame.error());
    const auto fail = [](errc code, std::uint64_t position, const char* text) {
      return unexpected(error(code, position, text));
    };
    const std::byte* const p = frame->parameters.data();
    const auto per = static_cast<std::int64_t>(detail::load_le<std::uint64_t>(p));
    const auto begin = static_cast<std::int64_t>(detail::load_le<std::uint64_t>(p + 8));
    if (frame->flags != 0) return fail(errc::bad_value, 5, "quoin: flags that are not known");
    if (per < 1) return fail(errc::bad_value, 8, "quoin: windows of no length");
    const options_type& options = this->core_.options();
    const detail::window_grid grid{options.rate.per.count(), options.offset.count()};
    if (per != grid.per || grid.phase(begin) != 0) {
      return fail(errc::incompatible, 8, "quoin: other windows than these");
    }
    const std::size_t count = frame->payload.size() / entry_size;
    if (count * entry_size != frame->payload.size() ||
        count != detail::load_le<std::uint64_t>(p + 24)) {
      return fail(errc::bad_value, 32, "quoin: not as many nodes as there are said to be");
    }
    const auto entry = [data = frame->payload.data()](std::size_t i) {
      const auto field = [&](std::size_t j) {
        return detail::load_le<std::uint64_t>(data + entry_size * i + 8 * j);
      };
      return detail::shared_counts{field(0), field(1), field(2)};
    };
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t at = detail::frame_header_size + parameters + entry_size * i;
      const detail::shared_counts node = entry(i);
      if (i != 0 && node.node <= entry(i - 1).node) {
        return fail(errc::bad_value, at, "quoin: nodes that are not in the order of their ids");
      }
      if (node.current > detail::shared_most || node.previous > detail::shared_most) {
        return fail(errc::bad_value, at + 8, "quoin: more than a window counts");
      }
    }
    const std::uint64_t learned = this->core_.hear(
        detail::nanoseconds_of(now), detail::load_le<std::uint64_t>(p + 16), begin, count, entry);
    if (learned == detail::shared_core::too_many) {
      return fail(errc::incompatible, 32, "quoin: more nodes than max_nodes");
    }
    return learned;
  }
  expected<std::uint64_t, error> merge_bytes(std::span<const std::byte> bytes) {
    return merge_bytes_at(this->clock_.now(), bytes);
  }

 private:
  template <class>
  friend class shared_window;
  using options_type = shared_window_options;

  static constexpr std::uint16_t format = 0x0708;
  static constexpr std::size_t parameters = 32;
  static constexpr std::size_t entry_size = 24;

  [[nodiscard]] static std::uint64_t payload_size(const std::byte* p) noexcept {
    const std::uint64_t count = detail::load_le<std::uint64_t>(p + 24);
    return count <= detail::unknown_size / entry_size / 2 ? count * entry_size
                                                          : detail::unknown_size;
  }
};

shared_window(const shared_window_options&)->shared_window<>;
template <class Clock>
shared_window(const shared_window_options&, const Clock&) -> shared_window<Clock>;

}  // namespace quoin::inline QUOIN_ABI

#endif
