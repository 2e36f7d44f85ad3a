// SPDX-License-Identifier: BSL-1.0
/// @file
/// IEEE 754 double arithmetic that rounds after every operation, on every platform.
///
/// Jump hashing and Envoy's weighted Maglev are defined by C++ code on `double`. Registers wider
/// than a double (the x87) and `-ffast-math` round otherwise than that code did on its authors'
/// machines, and some keys would go elsewhere. There the same operations are done in integers.
#ifndef QUOIN_DETAIL_PLACEMENT_DOUBLE_HPP
#define QUOIN_DETAIL_PLACEMENT_DOUBLE_HPP

#include <quoin/detail/bits.hpp>

#include <bit>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// A positive double or zero, as integers: `mantissa · 2^exponent`. Rounds to nearest, ties to
/// even; knows no infinity and no subnormals, which what uses it cannot reach.
class soft_double {
 public:
  constexpr soft_double() = default;

  /// `a` rounded to a double.
  constexpr explicit soft_double(std::uint64_t a) noexcept : soft_double({a, 0}, 0, false) {}

  /// `a / b`; `b` is not 0.
  [[nodiscard]] static constexpr soft_double ratio(std::uint32_t a, std::uint32_t b) noexcept {
    // Long division to 96 binary places, of which 65 at least are after the first one.
    std::uint64_t digits[4] = {};
    std::uint64_t rest = a;
    for (auto& digit : digits) {
      digit = rest / b;
      rest = rest % b << 32;
    }
    return {{digits[2] << 32 | digits[3], digits[0] << 32 | digits[1]}, -96, rest != 0};
  }

  [[nodiscard]] friend constexpr soft_double operator*(soft_double a, soft_double b) noexcept {
    return {mul_full(a.mantissa_, b.mantissa_), a.exponent_ + b.exponent_, false};
  }

  [[nodiscard]] friend constexpr soft_double operator+(soft_double a, soft_double b) noexcept {
    if (a < b) return b + a;
    if (b.mantissa_ == 0) return a;
    const int shift = a.exponent_ - b.exponent_;  // ≥ 0: of b to the right, from 64 places up
    if (shift >= 64) return {{0, a.mantissa_}, a.exponent_ - 64, true};  // b is less than a tie
    uint128_halves sum{shift == 0 ? 0 : b.mantissa_ << (64 - shift), b.mantissa_ >> shift};
    sum.hi += a.mantissa_;
    return {sum, a.exponent_ - 64, false};
  }

  /// `b` is not 0. Long division to 64 places.
  [[nodiscard]] friend constexpr soft_double operator/(soft_double a, soft_double b) noexcept {
    std::uint64_t quotient = 0, rest = a.mantissa_;
    for (int place = 0; place < 64; ++place) {
      const bool one = rest >= b.mantissa_;
      quotient = quotient << 1 | one;
      rest = (rest - (one ? b.mantissa_ : 0)) << 1;
    }
    return {{quotient, 0}, a.exponent_ - b.exponent_ - 63, rest != 0};
  }

  [[nodiscard]] friend constexpr bool operator<(soft_double a, soft_double b) noexcept {
    if (a.mantissa_ == 0 || b.mantissa_ == 0) return a.mantissa_ < b.mantissa_;
    return a.exponent_ == b.exponent_ ? a.mantissa_ < b.mantissa_ : a.exponent_ < b.exponent_;
  }

  /// The integer part, which is below 2^64.
  [[nodiscard]] constexpr std::uint64_t floor() const noexcept {
    if (exponent_ >= 0) return mantissa_ << exponent_;
    return exponent_ <= -64 ? 0 : mantissa_ >> -exponent_;
  }

  /// The least integer that is not less; below 2^53.
  [[nodiscard]] constexpr std::uint64_t ceil() const noexcept {
    return floor() + (soft_double(floor()) < *this);
  }

 private:
  /// `x · 2^exponent` rounded, where `more` says that a bit less than the last one is left out.
  constexpr soft_double(uint128_halves x, int exponent, bool more) noexcept {
    if (x.hi == 0 && x.lo == 0) return;
    const int width = x.hi != 0 ? 128 - std::countl_zero(x.hi) : 64 - std::countl_zero(x.lo);
    if (width <= 53) {
      mantissa_ = x.lo << (53 - width);
      exponent_ = exponent - (53 - width);
      return;
    }
    const int shift = width - 53;  // 1 … 75
    const bool half = bit(x, shift - 1);
    const uint128_halves kept = shifted_right(x, shift);
    more = more || !is_multiple(x, shift - 1);
    mantissa_ = kept.lo + (half && (more || kept.lo % 2 != 0));
    exponent_ = exponent + shift;
    if (mantissa_ >> 53 != 0) {
      mantissa_ >>= 1;
      ++exponent_;
    }
  }

  static constexpr bool bit(uint128_halves x, int i) noexcept {
    return ((i < 64 ? x.lo >> i : x.hi >> (i - 64)) & 1) != 0;
  }
  static constexpr bool is_multiple(uint128_halves x, int power) noexcept {
    if (power == 0) return true;
    if (power <= 64) return x.lo << (64 - power) == 0;
    return x.lo == 0 && x.hi << (128 - power) == 0;
  }
  static constexpr uint128_halves shifted_right(uint128_halves x, int n) noexcept {
    if (n >= 64) return {x.hi >> (n - 64), 0};
    return {x.lo >> n | x.hi << (64 - n), x.hi >> n};
  }

  std::uint64_t mantissa_ = 0;  // 0, or its highest bit is bit 52
  int exponent_ = 0;
};

/// The same by the processor.
class hard_double {
 public:
  constexpr hard_double() = default;
  constexpr explicit hard_double(std::uint64_t a) noexcept  // from signed is one instruction
      : value_(static_cast<double>(static_cast<std::int64_t>(a))) {}
  [[nodiscard]] static constexpr hard_double ratio(std::uint32_t a, std::uint32_t b) noexcept {
    return of(static_cast<double>(a) / static_cast<double>(b));
  }
  [[nodiscard]] friend constexpr hard_double operator*(hard_double a, hard_double b) noexcept {
    return of(a.value_ * b.value_);
  }
  [[nodiscard]] friend constexpr hard_double operator+(hard_double a, hard_double b) noexcept {
    return of(a.value_ + b.value_);
  }
  [[nodiscard]] friend constexpr hard_double operator/(hard_double a, hard_double b) noexcept {
    return of(a.value_ / b.value_);
  }
  [[nodiscard]] friend constexpr bool operator<(hard_double a, hard_double b) noexcept {
    return a.value_ < b.value_;
  }
  [[nodiscard]] constexpr std::uint64_t floor() const noexcept {  // below 2^63
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value_));
  }
  [[nodiscard]] constexpr std::uint64_t ceil() const noexcept {
    return floor() + (hard_double(floor()) < *this);
  }

 private:
  static constexpr hard_double of(double value) noexcept {
    hard_double result;
    result.value_ = value;
    return result;
  }
  double value_ = 0;
};

/// Whether the compiler's `double` rounds after every operation.
#if defined(__FLT_EVAL_METHOD__) && !defined(__FAST_MATH__)
inline constexpr bool double_rounds_at_once = __FLT_EVAL_METHOD__ == 0 || __FLT_EVAL_METHOD__ == 1;
#else
inline constexpr bool double_rounds_at_once = false;
#endif

/// Results are the same whichever it is. Not for data members of types whose name does not say it:
/// units of one program may differ in it.
using strict_double = std::conditional_t<double_rounds_at_once, hard_double, soft_double>;

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
