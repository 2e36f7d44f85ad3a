// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of DataSketches' HLL sketches: its fields, read and checked, and the packing
/// of registers. All numbers are little-endian.
///
/// | byte  | field                                                                              |
/// |-------|------------------------------------------------------------------------------------|
/// | 0     | 4-byte words before the data: 2 (list), 3 (set), 10 (registers)                    |
/// | 1, 2  | version 1, family 7                                                                |
/// | 3     | precision                                                                          |
/// | 4     | log2 of the slots of the list, the set or the table of exceptions (0 without one)  |
/// | 5     | flags: 4 empty, 8 compact, 16 out of order, 32 began with registers                |
/// | 6     | coupons in a list; `cur_min` with registers                                        |
/// | 7     | mode: 0 list, 1 set, 2 registers; plus 4 × type: 0 HLL_4, 1 HLL_6, 2 HLL_8         |
/// | 8–    | list: coupons. Set: count, coupons. Registers: hip, kxq0, kxq1, at_cur_min, number |
/// |       | of exceptions, registers from byte 40, exceptions                                  |
///
/// Compact leaves out the empty slots of the tables.
#ifndef QUOIN_DETAIL_DATASKETCHES_HLL_FORM_HPP
#define QUOIN_DETAIL_DATASKETCHES_HLL_FORM_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/datasketches_coupons.hpp>
#include <quoin/detail/datasketches_registers.hpp>
#include <quoin/detail/expected.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr unsigned hll_flag_empty = 4, hll_flag_compact = 8, hll_flag_out_of_order = 16,
                          hll_flag_full_size = 32;
inline constexpr unsigned hll_mode_list = 0, hll_mode_set = 1, hll_mode_registers = 2;
inline constexpr unsigned hll_list_lg = 3, hll_set_lg = 5;
inline constexpr std::uint32_t hll_list_slots = 1u << hll_list_lg;

/// Bytes before the coupons or the registers.
[[nodiscard]] constexpr std::size_t hll_preamble(unsigned mode) noexcept {
  return mode == hll_mode_list ? 8 : mode == hll_mode_set ? 12 : 40;
}

/// Bytes of the registers, for type 0 (HLL_4), 1 (HLL_6) or 2 (HLL_8).
[[nodiscard]] constexpr std::size_t hll_register_bytes(unsigned type, unsigned precision) noexcept {
  const std::size_t registers = std::size_t{1} << precision;
  return type == 0 ? registers / 2 : type == 1 ? registers / 4 * 3 + 1 : registers;
}

/// A serialized form whose fields are within bounds and whose size is right. What the coupons, the
/// registers and the exceptions say is not checked yet.
struct datasketches_hll_image {
  unsigned mode = 0;
  unsigned type = 0;
  unsigned precision = 0;
  unsigned flags = 0;
  unsigned lg = 0;          ///< of the slots of the set or of the exceptions
  std::uint32_t count = 0;  ///< coupons or exceptions
  std::uint8_t cur_min = 0;
  std::uint32_t at_cur_min = 0;
  double hip = 0, kxq0 = 0, kxq1 = 0;
  std::span<const std::byte> entries;    ///< coupons or exceptions
  std::span<const std::byte> registers;  ///< packed

  [[nodiscard]] bool compact() const noexcept { return (flags & hll_flag_compact) != 0; }
  [[nodiscard]] bool in_order() const noexcept { return (flags & hll_flag_out_of_order) == 0; }
  [[nodiscard]] bool empty() const noexcept { return (flags & hll_flag_empty) != 0; }

  [[nodiscard]] std::uint32_t entry(std::size_t i) const noexcept {
    return load_le<std::uint32_t>(&entries[4 * i]);
  }
  [[nodiscard]] std::size_t entry_count() const noexcept { return entries.size() / 4; }
  /// Where entry `i` is, for errors.
  [[nodiscard]] std::uint64_t entry_position(std::size_t i) const noexcept {
    return hll_preamble(mode) + registers.size() + 4 * i;
  }
};

[[nodiscard]] constexpr unexpected<error> bad_hll(std::uint64_t position,
                                                  const char* text) noexcept {
  return unexpected(error(errc::bad_value, position, text));
}

/// Takes `sizes` of entries and checks that the input ends with them.
[[nodiscard]] inline expected<datasketches_hll_image, error> end_datasketches_hll(
    datasketches_hll_image form, std::span<const std::byte> bytes, std::uint64_t entries) noexcept {
  const std::size_t before = hll_preamble(form.mode) + form.registers.size();
  const std::uint64_t left = bytes.size() - before;
  if (left < 4 * entries) {
    return unexpected(error(errc::truncated, bytes.size(), "quoin: input ends within the sketch"));
  }
  if (left > 4 * entries) {
    return unexpected(
        error(errc::trailing_bytes, before + 4 * entries, "quoin: input goes on after the sketch"));
  }
  form.entries = bytes.subspan(before);
  return form;
}

[[nodiscard]] inline expected<datasketches_hll_image, error> read_hll_list(
    datasketches_hll_image form, std::span<const std::byte> bytes) noexcept {
  form.count = std::to_integer<std::uint32_t>(bytes[6]);
  if (form.count >= hll_list_slots) return bad_hll(6, "quoin: a list of more than 7 coupons");
  if (form.empty() != (form.count == 0)) {
    return bad_hll(5, "quoin: the flag of emptiness contradicts the number of coupons");
  }
  return end_datasketches_hll(form, bytes, form.compact() ? form.count : hll_list_slots);
}

[[nodiscard]] inline expected<datasketches_hll_image, error> read_hll_set(
    datasketches_hll_image form, std::span<const std::byte> bytes) noexcept {
  form.count = load_le<std::uint32_t>(&bytes[8]);
  if (form.precision < 8)
    return bad_hll(3, "quoin: a set of coupons in a sketch of this precision");
  if (form.count == 0 || form.count >= coupons_at_transition(form.precision)) {
    return bad_hll(8, "quoin: more coupons, or fewer, than a set of this precision holds");
  }
  if (form.empty()) return bad_hll(5, "quoin: a set of coupons marked as empty");
  if (form.compact()) return end_datasketches_hll(form, bytes, form.count);
  form.lg = std::to_integer<unsigned>(bytes[4]);
  if (form.lg < coupon_table_lg(form.count, hll_set_lg) || form.lg > form.precision - 3) {
    return bad_hll(4, "quoin: a set of coupons of impossible size");
  }
  return end_datasketches_hll(form, bytes, std::uint64_t{1} << form.lg);
}

/// True for what an account can be: neither negative nor infinite nor no number.
[[nodiscard]] constexpr bool is_hll_sum(double x) noexcept { return x >= 0 && x <= 1e300; }

[[nodiscard]] inline expected<datasketches_hll_image, error> read_hll_registers(
    datasketches_hll_image form, std::span<const std::byte> bytes) noexcept {
  const auto real = [&](std::size_t at) {
    return std::bit_cast<double>(load_le<std::uint64_t>(&bytes[at]));
  };
  form.cur_min = std::to_integer<std::uint8_t>(bytes[6]);
  form.hip = real(8);
  form.kxq0 = real(16);
  form.kxq1 = real(24);
  form.at_cur_min = load_le<std::uint32_t>(&bytes[32]);
  form.count = load_le<std::uint32_t>(&bytes[36]);
  if (form.cur_min > 63) return bad_hll(6, "quoin: a minimum that no register can hold");
  if (!is_hll_sum(form.hip)) return bad_hll(8, "quoin: an estimate that is no count");
  // Some versions account −1 in kxq1 for what is 1 too many in kxq0.
  if (!is_hll_sum(form.kxq0)) return bad_hll(16, "quoin: a sum that is no sum of powers");
  if (!is_hll_sum(form.kxq0 + form.kxq1))
    return bad_hll(24, "quoin: a sum that is no sum of powers");
  if (form.type != 0 && form.count != 0) return bad_hll(36, "quoin: exceptions without nibbles");
  if (form.count >> form.precision != 0)
    return bad_hll(36, "quoin: more exceptions than registers");
  const std::size_t size = hll_register_bytes(form.type, form.precision);
  if (bytes.size() - 40 < size) {
    return unexpected(
        error(errc::truncated, bytes.size(), "quoin: input ends within the registers"));
  }
  form.registers = bytes.subspan(40, size);
  const unsigned least = exceptions_lg(form.precision);
  form.lg = coupon_table_lg(form.count, least);
  if (form.type != 0 || form.compact()) return end_datasketches_hll(form, bytes, form.count);
  if (form.count != 0 && bytes[4] != static_cast<std::byte>(form.lg)) {
    return bad_hll(4, "quoin: a table of exceptions of impossible size");
  }
  return end_datasketches_hll(form, bytes, std::uint64_t{1} << form.lg);
}

/// Checks all that can be checked without looking at coupons or registers. Allocates nothing.
[[nodiscard]] inline expected<datasketches_hll_image, error> read_datasketches_hll(
    std::span<const std::byte> bytes) noexcept {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  const auto too_short = [&] {
    return unexpected(error(errc::truncated, bytes.size(), "quoin: input ends within the header"));
  };
  if (bytes.size() < 8) return too_short();
  if (at(2) != 7) {
    return unexpected(error(errc::bad_magic, 2, "quoin: not an HLL sketch of DataSketches"));
  }
  if (at(1) != 1) {
    return unexpected(
        error(errc::unsupported_version, 1, "quoin: an HLL sketch of unknown version"));
  }
  datasketches_hll_image form;
  form.mode = at(7) & 3;
  form.type = at(7) >> 2 & 3;
  form.precision = at(3);
  form.flags = at(5);
  if (form.mode == 3 || form.type == 3) return bad_hll(7, "quoin: unknown mode or type of sketch");
  if (at(0) != hll_preamble(form.mode) / 4) {
    return bad_hll(0, "quoin: the size of the header contradicts the mode");
  }
  if (form.precision < 4 || form.precision > 21) {
    return bad_hll(3, "quoin: a precision that is not in [4, 21]");
  }
  if (bytes.size() < hll_preamble(form.mode)) return too_short();
  if (form.mode == hll_mode_list) return read_hll_list(form, bytes);
  return form.mode == hll_mode_set ? read_hll_set(form, bytes) : read_hll_registers(form, bytes);
}

/// Packs registers as `type` has them. `cur_min` is 0 but for HLL_4.
inline void pack_registers(unsigned type, std::span<const std::uint8_t> values,
                           std::uint8_t cur_min, std::byte* out) noexcept {
  const std::size_t n = values.size();
  if (type == 0) {
    const auto nibble = [&](std::size_t i) { return min_of(values[i] - cur_min, 15); };
    for (std::size_t i = 0; i < n; i += 2) {
      out[i / 2] = static_cast<std::byte>(nibble(i) | nibble(i + 1) << 4);
    }
  } else if (type == 1) {
    for (std::size_t i = 0; i < n; i += 4, out += 3) {
      const std::uint32_t four = values[i] | std::uint32_t{values[i + 1]} << 6 |
                                 std::uint32_t{values[i + 2]} << 12 |
                                 std::uint32_t{values[i + 3]} << 18;
      out[0] = static_cast<std::byte>(four & 0xff);
      out[1] = static_cast<std::byte>(four >> 8 & 0xff);
      out[2] = static_cast<std::byte>(four >> 16);
    }
    out[0] = std::byte{0};  // so that every register could be read as part of two bytes
  } else {
    std::memcpy(out, values.data(), n);
  }
}

/// The inverse, without a check of the values: those of HLL_8 may be above 63. A nibble of 15 is
/// left as it is: `cur_min + 15`.
inline void unpack_registers(unsigned type, std::span<const std::byte> in, std::uint8_t cur_min,
                             std::span<std::uint8_t> values) noexcept {
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(in[i]); };
  if (type == 0) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<std::uint8_t>((at(i / 2) >> 4 * (i % 2) & 15) + cur_min);
    }
  } else if (type == 1) {
    for (std::size_t i = 0, j = 0; i < values.size(); i += 4, j += 3) {
      const std::uint32_t four = at(j) | at(j + 1) << 8 | at(j + 2) << 16;
      for (unsigned r = 0; r < 4; ++r) values[i + r] = four >> 6 * r & 63;
    }
  } else {
    std::memcpy(values.data(), in.data(), values.size());
  }
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
