// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registers of a DataSketches HLL sketch, one byte each, and what its serialized form keeps
/// beside them.
///
/// - `hip`, the historic inverse probability estimate (Cohen 2014, Ting 2014): before a register
///   changes, 1 over the chance that a new key changes any is added. It holds for the stream that
///   one sketch saw, not for merged sketches, which are "out of order" and keep 0.
/// - `kxq0`, `kxq1`: Σ 2^−r over the registers below 32 and from 32 on. Both sums are exact in a
///   `double`, so that they do not depend on the order of updates.
/// - For HLL_4, `cur_min`, the least register, `at_cur_min`, how many there are, and the table of
///   exceptions: registers that a nibble cannot hold, of `cur_min + 15` and above. Its slots are
///   serialized, and depend on the order of all that happened. For HLL_6 and HLL_8 `cur_min` is 0,
///   and `at_cur_min` counts the zeros.
#ifndef QUOIN_DETAIL_DATASKETCHES_REGISTERS_HPP
#define QUOIN_DETAIL_DATASKETCHES_REGISTERS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/datasketches_coupons.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// 2^−`exponent`, for exponents from 0 to 1022.
[[nodiscard]] constexpr double inverse_power(unsigned exponent) noexcept {
  return std::bit_cast<double>(std::uint64_t{1023 - exponent} << 52);
}

/// `hip + registers / (kxq0 + kxq1)`, each of the three operations rounded to a `double`: the bits
/// are serialized.
[[nodiscard]] inline double hip_step(double hip, double registers, double kxq0,
                                     double kxq1) noexcept {
#if defined(__i386__) && __FLT_EVAL_METHOD__ != 0
  // The x87 unit rounds to 64 digits, and again when it stores. Bits 8 and 9 of its control word
  // make it round to 53 at once.
  std::uint16_t usual = 0;
  asm("fnstcw %0" : "=m"(usual));
  const auto narrow = static_cast<std::uint16_t>((usual & ~0x300u) | 0x200u);
  double result = 0;
  asm("fldcw %[narrow]\n\tfldl %[kxq0]\n\tfaddl %[kxq1]\n\tfdivrl %[registers]\n\t"
      "faddl %[hip]\n\tfstpl %[result]\n\tfldcw %[usual]"
      : [result] "=m"(result)
      : [narrow] "m"(narrow), [usual] "m"(usual), [kxq0] "m"(kxq0), [kxq1] "m"(kxq1),
        [registers] "m"(registers), [hip] "m"(hip)
      : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  return result;
#else
  return hip + registers / (kxq0 + kxq1);
#endif
}

/// Slots of the smallest table of exceptions, as a power of two.
[[nodiscard]] constexpr unsigned exceptions_lg(unsigned precision) noexcept {
  if (precision < 7) return 2;
  if (precision < 10) return 3;
  if (precision < 12) return 4;
  return precision < 14 ? 5 : precision - 8;
}

/// What can be told of registers by looking at them.
struct register_summary {
  double kxq0 = 0;
  double kxq1 = 0;
  std::uint32_t zeros = 0;
  std::uint32_t saturated = 0;  ///< that hold 63, the highest value
  std::uint32_t at_least = 0;   ///< that hold `least`
  std::uint8_t least = 0;
};

/// `values` are below 64, a multiple of 4 of them, at least one. O(size).
[[nodiscard]] inline register_summary summarize(std::span<const std::uint8_t> values) noexcept {
  std::uint32_t counts[4][64] = {};  // four, so that equal neighbours do not wait for each other
  for (std::size_t i = 0; i < values.size(); i += 4) {
    for (std::size_t j = 0; j < 4; ++j) ++counts[j][values[i + j]];
  }
  register_summary s;
  for (unsigned v = 64; v-- > 0;) {
    const std::uint32_t count = counts[0][v] + counts[1][v] + counts[2][v] + counts[3][v];
    (v < 32 ? s.kxq0 : s.kxq1) += count * inverse_power(v);
    if (v == 0) s.zeros = count;
    if (v == 63) s.saturated = count;
    if (count != 0) {
      s.least = static_cast<std::uint8_t>(v);
      s.at_least = count;
    }
  }
  return s;
}

/// The registers with their accounts. `Nibbles` in its operations: whether the sketch is an HLL_4.
template <class Allocator>
class hll_registers {
 public:
  using table = coupon_table<Allocator>;
  using vector =
      std::vector<std::uint8_t,
                  typename std::allocator_traits<Allocator>::template rebind_alloc<std::uint8_t>>;

  /// No registers.
  explicit hll_registers(const Allocator& allocator)
      : values_(typename vector::allocator_type(allocator)), exceptions_(allocator) {}

  /// A copy whose memory is from `allocator`.
  hll_registers(const hll_registers& other, const Allocator& allocator)
      : values_(other.values_, typename vector::allocator_type(allocator)),
        exceptions_(other.exceptions_, allocator),
        hip_(other.hip_),
        kxq0_(other.kxq0_),
        kxq1_(other.kxq1_),
        at_cur_min_(other.at_cur_min_),
        cur_min_(other.cur_min_),
        in_order_(other.in_order_) {}

  /// 2^`precision` registers that are 0.
  hll_registers(unsigned precision, const Allocator& allocator)
      : values_(std::size_t{1} << precision, 0, typename vector::allocator_type(allocator)),
        exceptions_(allocator),
        kxq0_(static_cast<double>(std::uint32_t{1} << precision)),
        at_cur_min_(std::uint32_t{1} << precision) {}

  [[nodiscard]] std::span<const std::uint8_t> values() const noexcept { return values_; }
  [[nodiscard]] std::span<std::uint8_t> mutable_values() noexcept { return values_; }
  [[nodiscard]] const table& exceptions() const noexcept { return exceptions_; }
  [[nodiscard]] double hip() const noexcept { return hip_; }
  [[nodiscard]] bool in_order() const noexcept { return in_order_; }
  [[nodiscard]] std::uint8_t cur_min() const noexcept { return cur_min_; }
  [[nodiscard]] std::uint32_t at_cur_min() const noexcept { return at_cur_min_; }
  [[nodiscard]] unsigned precision() const noexcept {
    return static_cast<unsigned>(std::countr_zero(values_.size()));
  }
  [[nodiscard]] bool empty() const noexcept {
    return cur_min_ == 0 && at_cur_min_ == values_.size();
  }

  /// The sums: kept while in order, else O(size).
  [[nodiscard]] register_summary sums() const noexcept {
    return in_order_ ? register_summary{.kxq0 = kxq0_, .kxq1 = kxq1_} : summarize(values_);
  }

  /// Raises the register of `coupon` to its value if it is lower. Strong guarantee.
  template <bool Nibbles>
  QUOIN_ALWAYS_INLINE void insert(std::uint32_t coupon) {
    const std::size_t at = coupon & (values_.size() - 1);
    if (coupon_value(coupon) > values_[at]) raise_apart<Nibbles>(at, coupon_value(coupon));
  }

  /// `insert` of each, as if one after another.
  template <bool Nibbles>
  void insert_many(std::span<const std::uint32_t> coupons) {
    for (const std::uint32_t coupon : coupons) {
      const std::size_t at = coupon & (values_.size() - 1);
      if (coupon_value(coupon) > values_[at]) raise<Nibbles>(at, coupon_value(coupon));
    }
  }

  void set_hip(double hip) noexcept { hip_ = hip; }
  void set_out_of_order() noexcept {
    in_order_ = false;
    hip_ = 0;
  }

  /// Takes accounts as they were serialized.
  void restore(std::uint8_t cur_min, std::uint32_t at_cur_min) noexcept {
    cur_min_ = cur_min;
    at_cur_min_ = at_cur_min;
  }
  void restore_sums(const register_summary& sums) noexcept {
    kxq0_ = sums.kxq0;
    kxq1_ = sums.kxq1;
  }

  /// Adds an exception in the order in which it was serialized; false if the register has one.
  bool restore_exception(unsigned lg, std::uint32_t entry) {
    if (exceptions_.slots().empty()) exceptions_ = table(lg, get_allocator());
    std::uint32_t* const place = exceptions_.find_address(coupon_address(entry));
    if (*place != 0) return false;
    exceptions_.put(place, entry, true);
    return true;
  }

  /// The accounts as they are after the registers were set in their order, lowest address first,
  /// which is what DataSketches does in every conversion and after every union. `hip` and the order
  /// stay. O(size). Strong guarantee but for `cur_min`.
  void recount(bool nibbles) {
    if (!nibbles && !in_order_) {  // the sums are not kept: `sums`
      table none(get_allocator());
      exceptions_.swap(none);
      restore(0, count_zeros());
      return;
    }
    const register_summary s = summarize(values_);
    table fresh(get_allocator());
    if (nibbles) {
      for (std::uint32_t i = 0; i < values_.size(); ++i) {
        if (values_[i] >= 15) note(fresh, i, values_[i]);
      }
      raise_floor(fresh, 0, s.least);
    }
    exceptions_.swap(fresh);
    restore_sums(s);
    cur_min_ = nibbles ? s.least : std::uint8_t{0};
    at_cur_min_ = nibbles ? s.at_least : s.zeros;
  }

  /// Every register becomes the larger of itself and those of `other`, which has no fewer, that
  /// share its low bits of the address. The accounts do not follow.
  void take_larger(std::span<const std::uint8_t> other) noexcept {
    for (std::size_t from = 0; from < other.size(); from += values_.size()) {
      larger_bytes(values_.data(), other.data() + from, values_.size());
    }
  }

  [[nodiscard]] Allocator get_allocator() const noexcept {
    return Allocator(values_.get_allocator());
  }

  void swap(hll_registers& other) noexcept {
    values_.swap(other.values_);
    exceptions_.swap(other.exceptions_);
    std::swap(hip_, other.hip_);
    std::swap(kxq0_, other.kxq0_);
    std::swap(kxq1_, other.kxq1_);
    std::swap(at_cur_min_, other.at_cur_min_);
    std::swap(cur_min_, other.cur_min_);
    std::swap(in_order_, other.in_order_);
  }

  /// Equal when they serialize equally. (`kxq0` and `kxq1` follow from the registers.)
  friend bool operator==(const hll_registers& a, const hll_registers& b) noexcept {
    return a.values_ == b.values_ && a.exceptions_ == b.exceptions_ && a.hip_ == b.hip_ &&
           a.at_cur_min_ == b.at_cur_min_ && a.cur_min_ == b.cur_min_ && a.in_order_ == b.in_order_;
  }

 private:
  typedef std::uint8_t byte_vector __attribute__((vector_size(16)));

  /// `size` is a multiple of 16.
  static void larger_bytes(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; i += sizeof(byte_vector)) {
      byte_vector a, b;
      std::memcpy(&a, to + i, sizeof a);
      std::memcpy(&b, from + i, sizeof b);
      a = a > b ? a : b;
      std::memcpy(to + i, &a, sizeof a);
    }
  }

  /// Out of the way of inserts that change nothing: most, soon.
  template <bool Nibbles>
  __attribute__((noinline)) void raise_apart(std::size_t at, std::uint8_t value) {
    raise<Nibbles>(at, value);
  }

  [[nodiscard]] std::uint32_t count_zeros() const noexcept {
    std::uint32_t zeros = 0;
    for (std::size_t from = 0; from < values_.size();) {
      const std::size_t end = min_of(values_.size(), from + 255 * sizeof(byte_vector));
      byte_vector counts = {};
      for (; from < end; from += sizeof(byte_vector)) {
        byte_vector values;
        std::memcpy(&values, values_.data() + from, sizeof values);
        const byte_vector one = byte_vector{} + 1;
        counts += values == 0 ? one : byte_vector{};
      }
      for (unsigned i = 0; i < sizeof counts; ++i) zeros += counts[i];
    }
    return zeros;
  }

  /// Raises a register that is below `value`.
  template <bool Nibbles>
  QUOIN_ALWAYS_INLINE void raise(std::size_t at, std::uint8_t value) {
    const std::uint8_t before = values_[at];
    if constexpr (Nibbles) {
      const bool plain = value < cur_min_ + 15 && (before != cur_min_ || at_cur_min_ != 1);
      if (__builtin_expect(!plain, 0)) {
        keep_nibbles(at, value);
      } else {
        at_cur_min_ -= before == cur_min_;
      }
    } else {
      at_cur_min_ -= before == 0;
    }
    values_[at] = value;
    if (!in_order_) return;
    hip_ = hip_step(hip_, static_cast<double>(values_.size()), kxq0_, kxq1_);
    if (__builtin_expect(value < 32, 1)) {  // one addition, as exact as the two
      kxq0_ += inverse_power(value) - inverse_power(before);
    } else {
      (before < 32 ? kxq0_ : kxq1_) -= inverse_power(before);
      kxq1_ += inverse_power(value);
    }
  }

  /// What becomes of minimum and exceptions when the register `at` is raised to `value`.
  QUOIN_COLD void keep_nibbles(std::size_t at, std::uint8_t value) {
    const auto address = static_cast<std::uint32_t>(at);
    const bool last_at_min = values_[at] == cur_min_ && at_cur_min_ == 1;
    if (!last_at_min) {
      if (value >= cur_min_ + 15) note(exceptions_, address, value);
      at_cur_min_ -= values_[at] == cur_min_;
      return;
    }
    const std::uint8_t before = std::exchange(values_[at], value);
    const register_summary s = summarize(values_);
    values_[at] = before;
    table next(exceptions_, get_allocator());
    if (value >= cur_min_ + 15) note(next, address, value);
    raise_floor(next, cur_min_, s.least);
    exceptions_.swap(next);
    cur_min_ = s.least;
    at_cur_min_ = s.at_least;
  }

  /// Adds or replaces the exception of a register.
  void note(table& exceptions, std::uint32_t address, std::uint8_t value) const {
    if (exceptions.slots().empty()) exceptions = table(exceptions_lg(precision()), get_allocator());
    const std::uint32_t entry = std::uint32_t{value} << 26 | address;
    std::uint32_t* const place = exceptions.find_address(address);
    if (*place != 0) {
      *place = entry;
    } else {
      exceptions.put(place, entry, true);
    }
  }

  /// Drops what is no exception any more when the minimum goes up from `from` to `to`, one step at
  /// a time and with a new table for each, because that decides the slots.
  void raise_floor(table& exceptions, unsigned from, unsigned to) const {
    for (unsigned floor = from + 1; floor <= to && exceptions.count() != 0; ++floor) {
      table kept(get_allocator());
      for (const std::uint32_t entry : exceptions.slots()) {
        if (coupon_value(entry) >= floor + 15) {
          note(kept, coupon_address(entry), coupon_value(entry));
        }
      }
      exceptions.swap(kept);
    }
  }

  vector values_;
  table exceptions_;
  double hip_ = 0;
  double kxq0_ = 0;  // both only while in order
  double kxq1_ = 0;
  std::uint32_t at_cur_min_ = 0;
  std::uint8_t cur_min_ = 0;
  bool in_order_ = true;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
