// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of a HyperLogLog, docs/formats.md (0x0201).
#ifndef QUOIN_DETAIL_SKETCH_HLL_FORM_HPP
#define QUOIN_DETAIL_SKETCH_HLL_FORM_HPP

#include <quoin/detail/frame.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/sketch_hll_registers.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr frame_id hll_frame{0x0201, 1};
inline constexpr std::size_t hll_parameters = 16;
inline constexpr std::uint8_t hll_flag_registers = 1;  ///< registers, not tokens
inline constexpr std::uint8_t hll_flag_stream = 2;     ///< the count of the stream stands before

/// A native form whose frame, parameters and tokens have been checked; registers are still packed.
struct hll_form {
  std::uint64_t seed;
  unsigned precision;
  bool has_registers;
  hll_stream stream;
  std::span<const std::byte> body;  ///< tokens or packed registers
};

[[nodiscard]] constexpr std::size_t hll_form_size(bool registers, bool stream, unsigned precision,
                                                  std::uint32_t tokens) noexcept {
  const std::size_t body =
      registers ? hll_packed_size(std::size_t{1} << precision) : std::size_t{4} * tokens;
  return framed_size(hll_parameters, (stream ? 8 : 0) + body);
}

/// True when `body` is a row of tokens, strictly ascending, that a sketch of `precision` may keep.
[[nodiscard]] inline expected<bool, error> check_hll_tokens(std::span<const std::byte> body,
                                                            unsigned precision,
                                                            std::size_t place) noexcept {
  using fail = unexpected<error>;
  if (body.size() % 4 != 0 || body.size() / 4 > hll_most_tokens(precision)) {
    return fail({errc::bad_value, place, "quoin: no number of tokens that this precision keeps"});
  }
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < body.size(); i += 4) {
    const auto token = load_le<std::uint32_t>(&body[i]);
    if (!is_hll_token(token) || token <= before) {
      return fail({errc::bad_value, place + i, "quoin: no token, or out of order"});
    }
    before = token;
  }
  return true;
}

template <class Hash>
[[nodiscard]] expected<hll_form, error> read_hll_form(std::span<const std::byte> bytes) noexcept {
  using fail = unexpected<error>;
  const auto frame = open_frame(bytes, hll_frame, hll_parameters);
  if (!frame) return fail(frame.error());
  if (frame->flags > (hll_flag_registers | hll_flag_stream) || frame->flags == hll_flag_stream) {
    return fail({errc::bad_value, 5, "quoin: flags that no hyperloglog has"});
  }
  const std::byte* const p = frame->parameters.data();
  hll_form form{load_le<std::uint64_t>(p),
                std::to_integer<unsigned>(p[12]),
                (frame->flags & hll_flag_registers) != 0,
                {},
                frame->payload};
  if (!takes_seed<Hash> && form.seed != 0) {
    return fail({errc::incompatible, 8, "quoin: made with a seed, which this hash does not take"});
  }
  if (load_le<std::uint32_t>(p + 8) != hash_id<Hash>) {
    return fail({errc::incompatible, 16, "quoin: made with another hash function"});
  }
  if (form.precision < hll_min_precision || form.precision > hll_max_precision) {
    return fail({errc::bad_value, 20, "quoin: a precision outside 4 to 21"});
  }
  if (p[13] != std::byte{0} || p[14] != std::byte{0} || p[15] != std::byte{0}) {
    return fail({errc::bad_value, 21, "quoin: reserved bytes are not 0"});
  }
  constexpr std::size_t start = frame_header_size + hll_parameters;
  if (!form.has_registers) {
    const auto checked = check_hll_tokens(form.body, form.precision, start);
    if (!checked) return fail(checked.error());
    return form;
  }
  form.stream.valid = (frame->flags & hll_flag_stream) != 0;
  if (bytes.size() != hll_form_size(true, form.stream.valid, form.precision, 0)) {
    return fail({errc::bad_value, 20, "quoin: size does not match the precision"});
  }
  if (form.stream.valid) {
    form.stream.count = std::bit_cast<double>(load_le<std::uint64_t>(form.body.data()));
    form.body = form.body.subspan(8);
  }
  return form;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
