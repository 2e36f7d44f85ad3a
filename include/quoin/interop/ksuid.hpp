// SPDX-License-Identifier: BSL-1.0
/// @file
/// Segment's KSUID: 20 bytes that sort by time, as 27 characters.
///
/// Use it to read and write the ids of systems that have them: strictly, one text for one id. The
/// original takes characters outside the alphabet for digits. For ids of your own prefer version 7
/// of UUID, which is a standard.
///
/// Guarantee   `parse` accepts exactly the texts that `to_string` writes. Ids, their bytes and their
///             texts sort alike: by seconds, then by payload.
/// Cost        base62 of 20 bytes: docs/benchmarks.md. Allocates only in `to_string`.
/// Threads     a value type.
/// Bytes       docs/formats.md#ksuid.
/// Source      github.com/segmentio/ksuid.
///
/// @code
/// quoin::ksuid id = quoin::ksuid::parse("0ujtsYcgvSTl8PAuAdqWYSMnLOv").value();
/// std::chrono::sys_seconds made = id.time();  // 2017-10-10 04:00:47
/// @endcode
#ifndef QUOIN_INTEROP_KSUID_HPP
#define QUOIN_INTEROP_KSUID_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/id/base62.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// A KSUID. All 2^160 values are valid; without arguments, the nil one.
class ksuid {
 public:
  static constexpr std::size_t size = 20;          ///< bytes
  static constexpr std::size_t text_size = 27;     ///< characters
  static constexpr std::size_t payload_size = 16;  ///< bytes after the time

  /// What times count from: 2014-05-13 16:53:20.
  static constexpr std::chrono::sys_seconds epoch{std::chrono::seconds(1'400'000'000)};

  constexpr ksuid() noexcept = default;
  constexpr explicit ksuid(const std::array<std::byte, size>& bytes) noexcept : bytes_(bytes) {}

  /// The id of a time and 16 bytes, which are to be random. Throws `std::invalid_argument` unless
  /// `time` is `epoch` or at most 2^32 − 1 seconds later (2150-06-19).
  constexpr ksuid(std::chrono::sys_seconds time,
                  const std::array<std::byte, payload_size>& payload) {
    constexpr std::chrono::seconds most(0xffffffff);
    if (time < epoch || time > epoch + most) {  // before the difference, which may overflow
      detail::fail_argument("ksuid", "seconds since 1970", time.time_since_epoch().count(),
                            "in [1400000000, 5694967295]");
    }
    detail::store_be(bytes_.data(), static_cast<std::uint32_t>((time - epoch).count()));
    for (std::size_t i = 0; i < payload_size; ++i) bytes_[4 + i] = payload[i];
  }

  [[nodiscard]] static constexpr ksuid max() noexcept {
    ksuid id;
    id.bytes_.fill(std::byte{0xff});
    return id;
  }

  /// The id of 27 characters. The error, with its position: another length (`errc::truncated`,
  /// `errc::trailing_bytes`), a foreign character or a number beyond 20 bytes (`errc::bad_value`).
  [[nodiscard]] static constexpr expected<ksuid, error> parse(std::string_view text) noexcept {
    const auto bytes = codec::decode_bytes<size>(text);
    if (!bytes) return unexpected<error>(bytes.error());
    return ksuid(*bytes);
  }

  constexpr void write_to(std::span<char, text_size> out) const noexcept {
    static_cast<void>(codec::encode_bytes_to(out, bytes_));
  }
  [[nodiscard]] std::string to_string() const { return codec::encode_bytes(bytes_); }

  /// When it was made.
  [[nodiscard]] constexpr std::chrono::sys_seconds time() const noexcept {
    return epoch + std::chrono::seconds(timestamp());
  }
  /// Seconds since `epoch`.
  [[nodiscard]] constexpr std::uint32_t timestamp() const noexcept {
    return detail::load_be<std::uint32_t>(bytes_.data());
  }
  [[nodiscard]] constexpr std::span<const std::byte, payload_size> payload() const& noexcept {
    return std::span(bytes_).template last<payload_size>();
  }
  std::span<const std::byte, payload_size> payload() const&& = delete;
  [[nodiscard]] constexpr const std::array<std::byte, size>& bytes() const& noexcept {
    return bytes_;
  }
  [[nodiscard]] constexpr std::array<std::byte, size> bytes() const&& noexcept { return bytes_; }

  friend constexpr auto operator<=>(const ksuid&, const ksuid&) = default;

 private:
  using codec = basic_base62<digits_upper_lower>;

  std::array<std::byte, size> bytes_{};
};

}  // namespace quoin::inline QUOIN_ABI

#endif
