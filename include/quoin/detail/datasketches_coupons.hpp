// SPDX-License-Identifier: BSL-1.0
/// @file
/// Coupons: what a DataSketches HLL sketch keeps of a key, and the tables that hold them.
///
/// A coupon is 26 bits of address, of which a register of the sketch takes the lowest, below 6 bits
/// of value: one more than the leading zeros of the other half of the hash, 63 at most. No coupon
/// is 0, which marks an empty slot.
#ifndef QUOIN_DETAIL_DATASKETCHES_COUPONS_HPP
#define QUOIN_DETAIL_DATASKETCHES_COUPONS_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint32_t coupon_address_mask = (1u << 26) - 1;

/// The coupon of a key whose 128-bit hash is `lo`, `hi`.
[[nodiscard]] constexpr std::uint32_t make_coupon(std::uint64_t lo, std::uint64_t hi) noexcept {
  // The 2 stands for the limit of 62 leading zeros.
  const auto value = static_cast<std::uint32_t>(std::countl_zero(hi | 2)) + 1;
  return value << 26 | (static_cast<std::uint32_t>(lo) & coupon_address_mask);
}

[[nodiscard]] constexpr std::uint32_t coupon_address(std::uint32_t coupon) noexcept {
  return coupon & coupon_address_mask;
}

[[nodiscard]] constexpr std::uint8_t coupon_value(std::uint32_t coupon) noexcept {
  return static_cast<std::uint8_t>(coupon >> 26);
}

/// The smallest `lg` at least `least` for which `count` entries fill at most three quarters of 2^lg
/// slots: where a table that grows one entry at a time ends.
[[nodiscard]] constexpr unsigned coupon_table_lg(std::uint32_t count, unsigned least) noexcept {
  unsigned lg = least;
  while (4 * std::uint64_t{count} > std::uint64_t{3} << lg) ++lg;
  return lg;
}

/// A hash table of coupons whose slots are the serialized form: its probing and the moments of its
/// growth are DataSketches'. It serves as the set of coupons (entries differ in any bit) and as the
/// map from a register to a value too large for its nibble (entries differ in the address).
template <class Allocator>
class coupon_table {
 public:
  using vector =
      std::vector<std::uint32_t,
                  typename std::allocator_traits<Allocator>::template rebind_alloc<std::uint32_t>>;

  explicit coupon_table(const Allocator& allocator)
      : slots_(typename vector::allocator_type(allocator)) {}

  /// An empty table of 2^lg slots.
  coupon_table(unsigned lg, const Allocator& allocator)
      : slots_(std::size_t{1} << lg, 0, typename vector::allocator_type(allocator)) {}

  /// A copy whose memory is from `allocator`.
  coupon_table(const coupon_table& other, const Allocator& allocator)
      : slots_(other.slots_, typename vector::allocator_type(allocator)), count_(other.count_) {}

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::span<const std::uint32_t> slots() const noexcept { return slots_; }
  [[nodiscard]] unsigned lg_size() const noexcept {
    return slots_.empty() ? 0 : static_cast<unsigned>(std::countr_zero(slots_.size()));
  }

  [[nodiscard]] std::uint32_t* slot(std::size_t i) noexcept { return &slots_[i]; }

  /// Where `coupon` is, or the next empty slot, in a table that is filled from the front.
  [[nodiscard]] std::uint32_t* find_in_list(std::uint32_t coupon) noexcept {
    std::uint32_t* at = slots_.data();
    while (*at != 0 && *at != coupon) ++at;
    return at;
  }

  /// Where `coupon` is, or the empty slot where it would go. The table has an empty slot.
  [[nodiscard]] std::uint32_t* find(std::uint32_t coupon) noexcept {
    return probe(slots_, coupon, [=](std::uint32_t entry) { return entry == coupon; });
  }

  /// Where the entry with this address is, or the empty slot where it would go.
  [[nodiscard]] std::uint32_t* find_address(std::uint32_t address) noexcept {
    return probe(slots_, address,
                 [=](std::uint32_t entry) { return coupon_address(entry) == address; });
  }

  /// True when one more entry would fill more than three quarters.
  [[nodiscard]] bool is_full() const noexcept {
    return 4 * (std::uint64_t{count_} + 1) > 3 * std::uint64_t{slots_.size()};
  }

  /// Puts `coupon` into the empty slot at `place` and, with `grow`, doubles a table that is more
  /// than three quarters full. Strong guarantee.
  void put(std::uint32_t* place, std::uint32_t coupon, bool grow) {
    vector bigger(slots_.get_allocator());
    if (grow && is_full()) bigger.resize(2 * slots_.size());
    *place = coupon;
    ++count_;
    if (bigger.empty()) return;
    for (const std::uint32_t entry : slots_) {
      if (entry != 0) *probe(bigger, entry, [](std::uint32_t) { return false; }) = entry;
    }
    slots_.swap(bigger);
  }

  /// True when every entry is where lookups find it, and there once.
  [[nodiscard]] bool is_placed() noexcept {
    for (std::uint32_t& entry : slots_) {
      if (entry != 0 && find(entry) != &entry) return false;
    }
    return true;
  }

  void swap(coupon_table& other) noexcept {
    slots_.swap(other.slots_);
    std::swap(count_, other.count_);
  }

  friend bool operator==(const coupon_table&, const coupon_table&) = default;

 private:
  /// Double hashing by the address: the low bits begin, the bits above them, made odd, are the
  /// step, so that a probe sees every slot.
  template <class Same>
  static std::uint32_t* probe(vector& slots, std::uint32_t coupon, Same same) noexcept {
    const auto mask = static_cast<std::uint32_t>(slots.size() - 1);
    const std::uint32_t address = coupon_address(coupon);
    const std::uint32_t step = address >> std::countr_zero(slots.size()) | 1;
    std::uint32_t at = address & mask;
    while (slots[at] != 0 && !same(slots[at])) at = (at + step) & mask;
    return &slots[at];
  }

  vector slots_;
  std::uint32_t count_ = 0;
};

/// How many keys `coupons` distinct coupons stand for: the inverse of their expected number among n
/// keys, C(n) = Σ_{v=1}^{63} 2^26·(1 − (1 − 2^−(v + 26))^n) with the last probability doubled, by a
/// cubic through DataSketches' own points of that curve. The points are constants of the format:
/// the estimate at the transition to registers is kept in the serialized form. Exact to 1e-6 for
/// what a sketch can hold, 196609 coupons.
[[nodiscard]] inline double coupon_estimate(std::uint32_t coupons) noexcept {
  constexpr double known[8] = {0, 1, 20, 400, 8'000, 160'000, 300'000, 600'000};
  constexpr double keys[8] = {0.0,
                              1.0,
                              20.0000009437402611,
                              400.0003963713384110,
                              8000.1589294602090376,
                              160063.6067763759638183,
                              300223.7071597663452849,
                              600895.5933856170158833};
  const auto x = static_cast<double>(coupons);
  unsigned first = 0;  // the points at first … first + 3 lie around x
  while (first < 4 && x >= known[first + 2]) ++first;
  double sum = 0;
  for (unsigned i = first; i < first + 4; ++i) {
    double above = 1, below = 1;
    for (unsigned j = first; j < first + 4; ++j) {
      if (j == i) continue;
      above *= x - known[j];
      below *= known[i] - known[j];
    }
    sum += keys[i] * above / below;
  }
  return max_of(sum, x);
}

/// Coupons of a sketch with 2^`precision` registers at the moment when it makes registers of them.
[[nodiscard]] constexpr std::uint32_t coupons_at_transition(unsigned precision) noexcept {
  return precision < 8 ? 8 : (3u << (precision - 5)) + 1;
}

/// `coupon_estimate(coupons_at_transition(precision))`, whose very bits are part of the serialized
/// form: in a table, because a processor that computes with more digits would arrive at others.
[[nodiscard]] constexpr double estimate_at_transition(unsigned precision) noexcept {
  constexpr double by_precision[14] = {
      0x1.900001900001ep+4,  0x1.8800031000073p+5,  0x1.84000610001c2p+6,  0x1.82000c10006f3p+7,
      0x1.8100181001b9dp+8,  0x1.8080301006ddep+9,  0x1.804060101b6ffp+10, 0x1.8020c0106dbdap+11,
      0x1.80118011b6ffap+12, 0x1.800b0016d600ap+13, 0x1.800a002b5abbfp+14, 0x1.800e007d968fdp+15,
      0x1.801901c6d8c37p+16, 0x1.803086ec3f653p+17};
  return precision < 8 ? 0x1.0000004aaaaadp+3 : by_precision[precision - 8];
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
