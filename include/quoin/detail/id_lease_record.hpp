// SPDX-License-Identifier: BSL-1.0
/// @file
/// What is kept of one worker's number where all makers of ids can see it, and why a maker has
/// none.
#ifndef QUOIN_DETAIL_ID_LEASE_RECORD_HPP
#define QUOIN_DETAIL_ID_LEASE_RECORD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <span>

namespace quoin::inline QUOIN_ABI {

/// Why a maker of ids holds no number, or does not know whether it does.
enum class worker_error : std::uint8_t {
  no_free_worker = 1,  ///< all that were looked at are held, or marked as used for a while yet
  store_failed,        ///< the store did not answer, or contradicted itself: try again
  lost,                ///< the number is another's now; its former holder makes no ids any more
  not_held,            ///< there is nothing to renew or to release
  too_early,           ///< a number was taken, and its ids begin later: try again
};

/// `error` as words: "all numbers that were looked at …".
[[nodiscard]] constexpr const char* to_text(worker_error error) noexcept {
  switch (error) {
    case worker_error::no_free_worker:
      return "all numbers that were looked at are held or used ahead of the clock";
    case worker_error::store_failed:
      return "the store gave no answer that settles it";
    case worker_error::lost:
      return "the number is another holder's now";
    case worker_error::not_held:
      return "no number is held";
    case worker_error::too_early:
      return "the number's ids begin later";
  }
  return "unknown";
}

/// What a store keeps of one number. A value type; equal records have equal bytes, and no record
/// ever comes back once it was replaced, so that a store may compare either.
struct worker_record {
  /// Milliseconds since 1970, as the marks of `snowflake_guard`.
  using time_point = std::chrono::time_point<std::chrono::system_clock,
                                             std::chrono::duration<std::int64_t, std::milli>>;

  /// The fencing token, which grows with every change of holder: what sees it with the ids can
  /// refuse those of a former one. 0: there is no record, nobody ever held the number.
  std::uint64_t token = 0;
  std::uint64_t holder = 0;       ///< who holds or held it, as `worker_lease_options::holder`
  std::uint64_t incarnation = 0;  ///< which attempt of that holder's; not 0
  time_point end{};   ///< no id of this time or later was or will be made under this token
  bool held = false;  ///< false after a release

  friend constexpr bool operator==(const worker_record&, const worker_record&) = default;

  /// Tokens are from 1 to this. (A number that has come there is not given any more.)
  static constexpr std::uint64_t last_token = ~std::uint64_t{0} >> 1;
  static constexpr std::size_t serialized_size = detail::framed_size(32, 0);

  /// Its bytes: docs/formats.md#worker-record. Requires a token and an incarnation.
  [[nodiscard]] std::array<std::byte, serialized_size> to_bytes() const noexcept {
    std::array<std::byte, serialized_size> bytes;
    detail::frame_writer out(bytes, {format, 1, static_cast<std::uint8_t>(held ? 1 : 0)}, 32);
    out.put(token);
    out.put(holder);
    out.put(incarnation);
    out.put(static_cast<std::uint64_t>(end.time_since_epoch().count()));
    out.finish();
    return bytes;
  }

  /// The record whose bytes these are, or what is wrong with them. (That there is no record at all
  /// is for the store to tell: `worker_record()`.)
  [[nodiscard]] static expected<worker_record, error> from_bytes(
      std::span<const std::byte> bytes) noexcept {
    const auto frame = detail::open_frame(bytes, {format, 1}, 32,
                                          [](const std::byte*) { return std::uint64_t{0}; });
    if (!frame) return unexpected(frame.error());
    const auto word = [&](std::size_t i) {
      return detail::load_le<std::uint64_t>(&frame->parameters[8 * i]);
    };
    if (frame->flags > 1) return unexpected(error(errc::bad_value, 5, "quoin: unknown flags"));
    if (word(0) == 0 || word(0) > last_token) {
      return unexpected(error(errc::bad_value, 8, "quoin: a token is from 1 to 2^63 - 1"));
    }
    if (word(2) == 0) {
      return unexpected(error(errc::bad_value, 24, "quoin: an incarnation is not 0"));
    }
    return worker_record{word(0), word(1), word(2),
                         time_point(time_point::duration(static_cast<std::int64_t>(word(3)))),
                         frame->flags == 1};
  }

 private:
  static constexpr std::uint16_t format = 0x0801;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
