// SPDX-License-Identifier: BSL-1.0
/// @file
/// The frame around every native serialized form.
///
/// | bytes | field                                                            |
/// |-------|------------------------------------------------------------------|
/// | 0–1   | `'Q'`, `'N'`                                                     |
/// | 2–3   | format id, little-endian: which type (the list: docs/formats.md) |
/// | 4     | version of that type's form, from 1                              |
/// | 5     | flags of that type's form                                        |
/// | 6–7   | size of the parameters in bytes, little-endian, a multiple of 8  |
/// | 8–    | parameters, then payload, all little-endian                      |
/// | last 8| XXH64 with seed 0 of everything before it, little-endian         |
#ifndef QUOIN_DETAIL_FRAME_HPP
#define QUOIN_DETAIL_FRAME_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/xxh64.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t frame_header_size = 8;
inline constexpr std::size_t frame_trailer_size = 8;

/// What tells one native form from another.
struct frame_id {
  std::uint16_t format;
  std::uint8_t version;
  std::uint8_t flags = 0;
};

/// Size of a frame around `parameters` + `payload` bytes.
[[nodiscard]] constexpr std::size_t framed_size(std::size_t parameters,
                                                std::size_t payload) noexcept {
  return frame_header_size + parameters + payload + frame_trailer_size;
}

/// Writes a frame from its start to its end into memory of the right size.
class frame_writer {
 public:
  /// `out` has `framed_size(parameters, payload)` bytes.
  frame_writer(std::span<std::byte> out, frame_id id, std::size_t parameters) noexcept
      : out_(out), at_(out.data() + frame_header_size) {
    out[0] = std::byte{'Q'};
    out[1] = std::byte{'N'};
    store_le(&out[2], id.format);
    out[4] = std::byte{id.version};
    out[5] = std::byte{id.flags};
    store_le(&out[6], static_cast<std::uint16_t>(parameters));
  }

  template <std::unsigned_integral T>
  void put(T value) noexcept {
    store_le(at_, value);
    at_ += sizeof value;
  }

  /// Writes `size` bytes as they are in memory.
  void put_bytes(const void* bytes, std::size_t size) noexcept {
    if (size != 0) std::memcpy(at_, bytes, size);
    at_ += size;
  }

  /// The place of the next `size` bytes, which the caller writes there.
  [[nodiscard]] std::byte* place_of(std::size_t size) noexcept {
    std::byte* const place = at_;
    at_ += size;
    return place;
  }

  /// Writes the trailer; everything before it must have been put.
  void finish() noexcept {
    QUOIN_ASSERT(at_ == out_.data() + out_.size() - frame_trailer_size);
    put(xxh64(out_.data(), out_.size() - frame_trailer_size, 0));
  }

 private:
  std::span<std::byte> out_;
  std::byte* at_;
};

/// The inside of a frame whose magic, format, version, sizes and checksum have been verified.
struct frame_view {
  std::span<const std::byte> parameters;
  std::span<const std::byte> payload;
  std::uint8_t flags;
};

/// What a type's parameters say of the size of its payload when they say nothing believable.
inline constexpr std::uint64_t unknown_size = ~std::uint64_t{0};

/// Opens a frame. Checks everything that can be known without the type: it reads no byte outside
/// `bytes`, allocates nothing, and costs one pass (the checksum).
/// @param payload_size  `payload_size(p)` is the size in bytes of the payload that the parameters
///                      at `p` announce, or `unknown_size`. It tells a form cut short from a
///                      damaged one, and bounds nothing: the parameters are not verified yet.
template <class PayloadSize>
[[nodiscard]] expected<frame_view, error> open_frame(std::span<const std::byte> bytes, frame_id id,
                                                     std::size_t parameters,
                                                     PayloadSize payload_size) noexcept {
  using fail = unexpected<error>;
  if (bytes.size() < 2 || bytes[0] != std::byte{'Q'} || bytes[1] != std::byte{'N'}) {
    if (bytes.size() < 2) return fail({errc::truncated, bytes.size(), "quoin: input too short"});
    return fail({errc::bad_magic, 0, "quoin: not a native form (it does not begin with 'QN')"});
  }
  if (bytes.size() < framed_size(parameters, 0)) {
    return fail({errc::truncated, bytes.size(), "quoin: input ends within the header"});
  }
  if (load_le<std::uint16_t>(&bytes[2]) != id.format) {
    return fail({errc::wrong_format, 2, "quoin: a native form of another type"});
  }
  if (bytes[4] == std::byte{0} || bytes[4] > std::byte{id.version}) {
    return fail({errc::unsupported_version, 4, "quoin: a version that this library cannot read"});
  }
  if (load_le<std::uint16_t>(&bytes[6]) != parameters) {
    return fail({errc::bad_value, 6, "quoin: size of the parameters is wrong for this type"});
  }
  const std::uint64_t stated = payload_size(&bytes[frame_header_size]);
  if (const std::uint64_t frame = framed_size(parameters, 0); stated < unknown_size - frame) {
    const std::uint64_t size = frame + stated;
    if (bytes.size() < size) {
      return fail({errc::truncated, bytes.size(), "quoin: input ends within the payload", size});
    }
    if (bytes.size() > size) {
      return fail({errc::trailing_bytes, size, "quoin: input goes on after its end", size});
    }
  }
  const std::size_t end = bytes.size() - frame_trailer_size;
  if (xxh64(bytes.data(), end, 0) != load_le<std::uint64_t>(&bytes[end])) {
    return fail({errc::checksum_mismatch, end,
                 "quoin: checksum mismatch: the bytes are not those that were written"});
  }
  const auto body = bytes.subspan(frame_header_size, end - frame_header_size);
  return frame_view{body.first(parameters), body.subspan(parameters),
                    std::to_integer<std::uint8_t>(bytes[5])};
}

/// `open_frame` for a type whose parameters do not tell the size of its payload.
[[nodiscard]] inline expected<frame_view, error> open_frame(std::span<const std::byte> bytes,
                                                            frame_id id,
                                                            std::size_t parameters) noexcept {
  return open_frame(bytes, id, parameters, [](const std::byte*) { return unknown_size; });
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
