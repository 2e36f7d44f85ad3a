// SPDX-License-Identifier: BSL-1.0
/// @file
/// How the library says no.
///
/// A caller's mistake (an option out of range) throws `std::invalid_argument`; without exceptions
/// the same text goes to the failure handler. Input from outside (bytes, text) never does either:
/// it gives a `quoin::error` inside a `quoin::expected`.
#ifndef QUOIN_DETAIL_ERROR_HPP
#define QUOIN_DETAIL_ERROR_HPP

#include <quoin/detail/config.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// What is wrong with input from outside.
enum class errc : std::uint8_t {
  truncated,            ///< the input ends before its own description says it should
  trailing_bytes,       ///< the input goes on after its end
  bad_magic,            ///< it does not begin as this format begins
  wrong_format,         ///< a native form, but of another type
  unsupported_version,  ///< of a later version than this library reads
  bad_value,            ///< a field has a value that the format does not permit
  checksum_mismatch,    ///< the bytes are not those that were written
  incompatible,         ///< well-formed, but not for this object: another hash, seed or shape
  too_large,            ///< more than this platform can address
};

/// Why input was refused: a code to branch on, where in the input, and a sentence for people.
class error {
 public:
  /// `text` must outlive the error: a string literal. `size_stated` is the size that the input
  /// itself says it has, where that is what is wrong.
  constexpr error(errc code, std::uint64_t position, const char* text,
                  std::uint64_t size_stated = 0) noexcept
      : text_(text), position_(position), size_stated_(size_stated), code_(code) {}

  [[nodiscard]] constexpr errc code() const noexcept { return code_; }

  /// Offset in bytes (in characters for text) of the field at fault, from the start of the input.
  [[nodiscard]] constexpr std::uint64_t position() const noexcept { return position_; }

  /// The size in bytes that the input should have by its own description, when it has another one
  /// (`errc::truncated`, `errc::trailing_bytes`); 0 when that is unknown or not the matter.
  [[nodiscard]] constexpr std::uint64_t size_stated() const noexcept { return size_stated_; }

  /// What was wrong, without the position.
  [[nodiscard]] constexpr const char* text() const noexcept { return text_; }

  /// What was wrong and where: "checksum mismatch: … (at byte 1048)", "… (at byte 9 of 1056)".
  [[nodiscard]] std::string message() const {
    std::string place = " (at byte " + std::to_string(position_);
    if (size_stated_ != 0) place += " of " + std::to_string(size_stated_);
    return text_ + place + ")";
  }

  friend constexpr bool operator==(const error& a, const error& b) noexcept {
    return a.code_ == b.code_ && a.position_ == b.position_;
  }

 private:
  const char* text_;
  std::uint64_t position_;
  std::uint64_t size_stated_;
  errc code_;
};

/// Called with the text of a caller's mistake when the translation unit has no exceptions. It must
/// not return; if it does, the program aborts.
using failure_handler = void (*)(const char* text);

namespace detail {

inline void print_failure(const char* text) { std::fprintf(stderr, "%s\n", text); }

inline failure_handler current_failure_handler = &print_failure;

[[noreturn]] QUOIN_COLD inline void hand_over_failure(const char* text) {
  current_failure_handler(text);
  std::abort();
}

/// Reports a caller's mistake: throws `std::invalid_argument` or calls the failure handler.
[[noreturn]] QUOIN_COLD inline void fail(const char* text) {
#if QUOIN_HAS_EXCEPTIONS
  throw std::invalid_argument(text);
#else
  hand_over_failure(text);
#endif
}

/// Fails with "<type>: <parameter> = <value>, must be <permitted>".
template <class T>
requires std::is_arithmetic_v<T>
[[noreturn]] QUOIN_COLD void fail_argument(const char* type, const char* parameter, T value,
                                           const char* permitted) {
  char text[256];
  if constexpr (std::is_floating_point_v<T>) {
    std::snprintf(text, sizeof text, "quoin::%s: %s = %g, must be %s", type, parameter,
                  static_cast<double>(value), permitted);
  } else if constexpr (std::is_signed_v<T>) {
    std::snprintf(text, sizeof text, "quoin::%s: %s = %lld, must be %s", type, parameter,
                  static_cast<long long>(value), permitted);
  } else {
    std::snprintf(text, sizeof text, "quoin::%s: %s = %llu, must be %s", type, parameter,
                  static_cast<unsigned long long>(value), permitted);
  }
  fail(text);
}

}  // namespace detail

/// Replaces the failure handler and returns the one before it. Not thread-safe: call it at
/// start-up.
inline failure_handler set_failure_handler(failure_handler handler) noexcept {
  const failure_handler before = detail::current_failure_handler;
  detail::current_failure_handler = handler == nullptr ? &detail::print_failure : handler;
  return before;
}

}  // namespace quoin::inline QUOIN_ABI

#endif
