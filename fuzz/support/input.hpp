// SPDX-License-Identifier: BSL-1.0
// A reader that turns the bytes of a fuzzer into values, the same ones on every platform.
#ifndef QUOIN_FUZZ_SUPPORT_INPUT_HPP
#define QUOIN_FUZZ_SUPPORT_INPUT_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <type_traits>

namespace quoin_fuzz {

/// Equal up to the rounding of intermediate results, which x87 arithmetic keeps longer or shorter
/// as the compiler pleases.
[[nodiscard]] inline bool about_equal(double a, double b) noexcept {
  const double difference = a < b ? b - a : a - b;
  return a == b || difference <= 1e-12 * (a < 0 ? -a : a);
}

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) noexcept : left_(data, size) {}

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }

  /// The next little-endian integer; bytes missing at the end read as 0, so a body never has to
  /// ask.
  template <std::integral T>
  T take() noexcept {
    std::uint64_t x = 0;
    const auto bytes = take_bytes(sizeof(T));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      x |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    if constexpr (std::same_as<T, bool>) {
      return (x & 1) != 0;
    } else {
      return static_cast<T>(x);
    }
  }

  /// An integer in `[lo, hi]`.
  template <std::unsigned_integral T>
  T take_in(T lo, T hi) noexcept {
    const std::uint64_t width = static_cast<std::uint64_t>(hi) - lo;
    const std::uint64_t x = take<T>();
    return static_cast<T>(width == UINT64_MAX ? x : lo + x % (width + 1));
  }

  /// The next `n` bytes, fewer at the end.
  std::span<const std::uint8_t> take_bytes(std::size_t n) noexcept {
    const auto taken = left_.first(std::min(n, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

  /// All that is left.
  std::span<const std::uint8_t> rest() noexcept { return take_bytes(left_.size()); }

 private:
  std::span<const std::uint8_t> left_;
};

/// Stops the program, which every fuzzer and the replay report as a finding, unless `condition`
/// holds.
#define QUOIN_FUZZ_CHECK(condition) \
  ((condition)                      \
       ? static_cast<void>(0)       \
       : (std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), std::abort()))

}  // namespace quoin_fuzz

#endif
