// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of a count-min sketch, docs/formats.md (0x0202).
#ifndef QUOIN_DETAIL_SKETCH_CMS_FORM_HPP
#define QUOIN_DETAIL_SKETCH_CMS_FORM_HPP

#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/sketch_cms_plan.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr frame_id cms_frame{0x0202, 1};
inline constexpr std::size_t cms_parameters = 56;  // so that counters begin at a multiple of 64

/// A native form that has been checked.
struct cms_form {
  cms_shape shape;
  std::uint64_t seed;
  std::uint64_t total;
  bool conservative;
  const std::byte* payload;
};

/// Bytes of the counters that the parameters at `p` announce.
[[nodiscard]] inline std::uint64_t cms_payload_size(const std::byte* p) noexcept {
  const std::uint64_t row =
      std::to_integer<std::uint64_t>(p[32]) * std::to_integer<unsigned>(p[33]);
  std::uint64_t bytes = 0;
  return checked_mul(load_le<std::uint64_t>(p), row, &bytes) ? bytes : unknown_size;
}

template <class Layout, class Counter, class Hash>
[[nodiscard]] expected<cms_form, error> read_cms(std::span<const std::byte> bytes) noexcept {
  const auto frame = open_frame(bytes, cms_frame, cms_parameters, cms_payload_size);
  if (!frame) return unexpected(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto width = load_le<std::uint64_t>(p);
  const auto seed = load_le<std::uint64_t>(p + 8);
  const auto total = load_le<std::uint64_t>(p + 16);
  const auto depth = std::to_integer<unsigned>(p[32]);
  const auto bad = [](errc code, std::uint64_t position, const char* text) {
    return unexpected(error{code, position, text});
  };
  if (frame->flags != 0) return bad(errc::bad_value, 5, "quoin: flags must be 0");
  if (depth < 1 || depth > max_cms_depth) {
    return bad(errc::bad_value, 40, "quoin: number of rows must be 1 to 16");
  }
  if (p[33] != std::byte{sizeof(Counter)}) {
    return bad(errc::incompatible, 41, "quoin: the sketch has counters of another size");
  }
  if (load_le<std::uint32_t>(p + 24) != hash_id<Hash>) {
    return bad(errc::incompatible, 32, "quoin: the sketch was built with another hash function");
  }
  if (load_le<std::uint32_t>(p + 28) != Layout::id) {
    return bad(errc::incompatible, 36, "quoin: the sketch was built with another layout");
  }
  if (width == 0 || width > max_cms_width ||
      width % Layout::template width_unit<Counter>(depth) != 0 ||
      cms_payload_size(p) != frame->payload.size()) {
    return bad(errc::bad_value, 8, "quoin: width does not match the depth or the payload's size");
  }
  if (!takes_seed<Hash> && seed != 0) {
    return bad(errc::incompatible, 16,
               "quoin: the sketch has a seed, its hash function takes none");
  }
  if (p[34] > std::byte{1}) {
    return bad(errc::bad_value, 42, "quoin: way of updating must be 0 or 1");
  }
  for (std::size_t i = 35; i < cms_parameters; ++i) {
    if (p[i] != std::byte{0}) return bad(errc::bad_value, 8 + i, "quoin: reserved bytes must be 0");
  }
  return cms_form{{width, depth}, seed, total, p[34] == std::byte{1}, frame->payload.data()};
}

/// Writes a form to `out`, which has exactly its size.
template <class Layout, class Counter, class Hash>
void write_cms(std::span<std::byte> out, const cms_form& form, std::span<const Counter> counters) {
  frame_writer writer(out, cms_frame, cms_parameters);
  writer.put(form.shape.width);
  writer.put(form.seed);
  writer.put(form.total);
  writer.put(hash_id<Hash>);
  writer.put(std::uint32_t{Layout::id});
  writer.put(static_cast<std::uint8_t>(form.shape.depth));
  writer.put(static_cast<std::uint8_t>(sizeof(Counter)));
  writer.put(static_cast<std::uint8_t>(form.conservative));
  for (std::size_t i = 35; i < cms_parameters; ++i) writer.put(std::uint8_t{0});
  if constexpr (std::endian::native == std::endian::little || sizeof(Counter) == 1) {
    writer.put_bytes(counters.data(), counters.size_bytes());
  } else {
    for (const Counter counter : counters) writer.put(counter);
  }
  writer.finish();
}

/// Reads the counters of a checked form.
template <class Counter>
void read_cms_counters(const std::byte* payload, std::span<Counter> counters) noexcept {
  if constexpr (std::endian::native == std::endian::little || sizeof(Counter) == 1) {
    std::memcpy(counters.data(), payload, counters.size_bytes());
  } else {
    for (Counter& counter : counters) {
      counter = load_le<Counter>(payload);
      payload += sizeof(Counter);
    }
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
