// SPDX-License-Identifier: BSL-1.0
/// @file
/// Coupons and registers of an HLL sketch from a serialized form whose fields have been checked:
/// every coupon, register and exception is examined before it is believed.
#ifndef QUOIN_DETAIL_DATASKETCHES_HLL_READ_HPP
#define QUOIN_DETAIL_DATASKETCHES_HLL_READ_HPP

#include <quoin/detail/datasketches_coupons.hpp>
#include <quoin/detail/datasketches_hll_form.hpp>
#include <quoin/detail/datasketches_registers.hpp>
#include <quoin/detail/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

/// True, or what is wrong.
using hll_check = expected<bool, error>;

/// The coupons of a list, in their order.
template <class Allocator>
[[nodiscard]] hll_check read_hll_list(const datasketches_hll_image& form,
                                      coupon_table<Allocator>& table) {
  for (std::size_t i = 0; i < form.entry_count(); ++i) {
    const std::uint32_t coupon = form.entry(i);
    if (i >= form.count) {
      if (coupon != 0) return bad_hll(form.entry_position(i), "quoin: a coupon after the last");
      continue;
    }
    if (coupon_value(coupon) == 0) {
      return bad_hll(form.entry_position(i), "quoin: a coupon that no key has");
    }
    std::uint32_t* const place = table.find_in_list(coupon);
    if (*place != 0) return bad_hll(form.entry_position(i), "quoin: a coupon twice");
    table.put(place, coupon, false);
  }
  return true;
}

/// The coupons of a set. The compact form has them in the order of their slots; DataSketches
/// inserts them in that order into a small table that grows, which decides their new slots.
template <class Allocator>
[[nodiscard]] hll_check read_hll_set(const datasketches_hll_image& form,
                                     coupon_table<Allocator>& table) {
  for (std::size_t i = 0; i < form.entry_count(); ++i) {
    const std::uint32_t coupon = form.entry(i);
    if (coupon == 0 && !form.compact()) continue;
    if (coupon_value(coupon) == 0) {
      return bad_hll(form.entry_position(i), "quoin: a coupon that no key has");
    }
    if (table.count() == form.count) return bad_hll(8, "quoin: more coupons than were announced");
    std::uint32_t* const place = form.compact() ? table.find(coupon) : table.slot(i);
    if (*place != 0) return bad_hll(form.entry_position(i), "quoin: a coupon twice");
    table.put(place, coupon, form.compact());
  }
  if (table.count() != form.count) return bad_hll(8, "quoin: fewer coupons than were announced");
  if (!form.compact() && !table.is_placed()) {
    return bad_hll(12, "quoin: a coupon in a slot where no lookup finds it, or twice");
  }
  return true;
}

/// The exceptions of an HLL_4, into the table and into the registers.
template <class Allocator>
[[nodiscard]] hll_check read_hll_exceptions(const datasketches_hll_image& form,
                                            hll_registers<Allocator>& registers) {
  const std::span values = registers.mutable_values();
  const int threshold = form.cur_min + 15;
  std::uint32_t expected_count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == threshold) {
      ++expected_count;
    } else if (values[i] > 63) {
      return bad_hll(40 + i / 2, "quoin: a register above 63");
    }
  }
  if (form.count != expected_count) {
    return bad_hll(36, "quoin: the number of exceptions is not that of the registers they are for");
  }
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < form.entry_count(); ++i) {
    const std::uint32_t entry = form.entry(i), address = coupon_address(entry);
    if (entry == 0 && !form.compact()) continue;
    const bool asked =
        address < values.size() &&
        (std::to_integer<unsigned>(form.registers[address / 2]) >> 4 * (address % 2) & 15) == 15;
    if (!asked || coupon_value(entry) < threshold || ++count > form.count ||
        !registers.restore_exception(form.lg, entry)) {
      return bad_hll(form.entry_position(i), "quoin: an exception that no register asks for");
    }
    values[address] = coupon_value(entry);
  }
  if (count != form.count) return bad_hll(36, "quoin: fewer exceptions than were announced");
  return true;
}

/// Whether minimum and count can be those of registers that sum up to `s`: the least register in an
/// HLL_4, the zeros in HLL_6 and HLL_8. After an estimate of a union these have the least register
/// all the same, whose count later updates leave as it is.
[[nodiscard]] inline bool has_right_minimum(const datasketches_hll_image& form,
                                            const register_summary& s) noexcept {
  if (form.type == 0) return form.cur_min == s.least && form.at_cur_min == s.at_least;
  if (form.cur_min == 0) return form.at_cur_min == s.zeros;
  const std::uint32_t now = form.cur_min == s.least ? s.at_least : 0;
  return form.cur_min <= s.least && form.at_cur_min >= now &&
         form.at_cur_min <= std::uint32_t{1} << form.precision;
}

/// Whether the accounts in `form` can be those of registers that sum up to `s`.
[[nodiscard]] inline hll_check check_hll_accounts(const datasketches_hll_image& form,
                                                  const register_summary& s) noexcept {
  if (!has_right_minimum(form, s)) {
    return bad_hll(32, "quoin: the minimum or its number is not that of the registers");
  }
  if (form.empty() != (s.zeros >> form.precision != 0)) {
    return bad_hll(5, "quoin: the flag of emptiness contradicts the registers");
  }
  const double difference = form.kxq0 + form.kxq1 - (s.kxq0 + s.kxq1);
  if (form.in_order() && !(difference < 1e-9 && difference > -1e-9)) {
    return bad_hll(16, "quoin: the sum of powers is not that of the registers");
  }
  return true;
}

/// The registers with their accounts; `registers` are zero before.
template <class Allocator>
[[nodiscard]] hll_check read_hll_registers(const datasketches_hll_image& form,
                                           hll_registers<Allocator>& registers) {
  const std::span values = registers.mutable_values();
  unpack_registers(form.type, form.registers, form.cur_min, values);
  if (form.type == 0) {
    if (const auto read = read_hll_exceptions(form, registers); !read) return read;
  } else if (form.type == 1) {
    if (form.registers.back() != std::byte{0}) {
      return bad_hll(40 + form.registers.size() - 1, "quoin: padding that is not zero");
    }
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] > 63) return bad_hll(40 + i, "quoin: a register above 63");
    }
  }
  const register_summary sums = summarize(values);
  if (const auto right = check_hll_accounts(form, sums); !right) return right;
  registers.restore_sums(sums);
  registers.restore(form.cur_min, form.at_cur_min);
  registers.set_hip(form.hip);
  if (!form.in_order()) registers.set_out_of_order();
  return true;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
