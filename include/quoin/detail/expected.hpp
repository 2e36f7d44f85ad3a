// SPDX-License-Identifier: BSL-1.0
/// @file
/// `quoin::expected<T, E>`: a value or the reason why there is none, with the interface of C++23's
/// `std::expected`.
///
/// It is the same type under every `-std=`: a type that became `std::expected` in some translation
/// units of a program would give one function two return types under one symbol.
#ifndef QUOIN_DETAIL_EXPECTED_HPP
#define QUOIN_DETAIL_EXPECTED_HPP

#include <quoin/detail/error.hpp>

#include <concepts>
#include <string>  // also for std::construct_at: <memory> costs more
#include <type_traits>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// An `E` on its way into an `expected<T, E>`: `return quoin::unexpected(my_error);`.
template <class E>
class unexpected {
 public:
  constexpr explicit unexpected(E error) noexcept(std::is_nothrow_move_constructible_v<E>)
      : error_(std::move(error)) {}
  [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
  [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }

 private:
  E error_;
};

/// Either a `T` or an `E`. Value type; `T` and `E` are object types.
///
/// `operator*` and `operator->` require `has_value()`, `error()` its opposite; `value()` checks,
/// and a missing value is a caller's mistake (see `quoin::set_failure_handler`).
template <class T, class E>
class [[nodiscard]] expected {
 public:
  using value_type = T;
  using error_type = E;

  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_constructible_v<E>,
                "quoin::expected: moving a T or an E must not throw");

  constexpr expected() noexcept(
      std::is_nothrow_default_constructible_v<T>) requires std::default_initializable<T>
      : value_(), has_value_(true) {}

  template <class U = T>
  requires(std::constructible_from<T, U> &&
           !std::same_as<std::remove_cvref_t<U>,
                         expected>) constexpr explicit(!std::convertible_to<U, T>)
      expected(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>)
      : value_(std::forward<U>(value)), has_value_(true) {}

  template <class G>
  requires std::constructible_from<E, G>
  constexpr expected(unexpected<G> error) noexcept(std::is_nothrow_constructible_v<E, G>)
      : error_(std::move(error).error()), has_value_(false) {}

  constexpr expected(const expected& other) : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(&value_, other.value_);
    } else {
      std::construct_at(&error_, other.error_);
    }
  }

  constexpr expected(expected&& other) noexcept : has_value_(other.has_value_) {
    take(std::move(other));
  }

  constexpr expected& operator=(const expected& other) {
    if (this != &other) *this = expected(other);  // a copy that throws leaves this one whole
    return *this;
  }

  constexpr expected& operator=(expected&& other) noexcept {
    if (this == &other) return *this;
    destroy();
    has_value_ = other.has_value_;
    take(std::move(other));
    return *this;
  }

  constexpr ~expected() { destroy(); }

  [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] constexpr T& operator*() & noexcept { return value_; }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return value_; }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(**this); }
  [[nodiscard]] constexpr T* operator->() noexcept { return &value_; }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return &value_; }

  [[nodiscard]] constexpr E& error() & noexcept { return error_; }
  [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
  [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error()); }

  /// The value; without one, fails with the error's own message if it has one.
  [[nodiscard]] constexpr T& value() & {
    require_value();
    return **this;
  }
  [[nodiscard]] constexpr const T& value() const& {
    require_value();
    return **this;
  }
  [[nodiscard]] constexpr T&& value() && {
    require_value();
    return std::move(**this);
  }

  template <class U>
  [[nodiscard]] constexpr T value_or(U&& fallback) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
  }
  template <class U>
  [[nodiscard]] constexpr T value_or(U&& fallback) && {
    return has_value() ? std::move(**this) : static_cast<T>(std::forward<U>(fallback));
  }

  /// `f(value)`, which is itself an `expected<_, E>`, or the error.
  template <class F>
  constexpr auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (has_value()) return std::forward<F>(f)(std::move(**this));
    return unexpected<E>(std::move(error()));
  }

  /// An `expected` of `f(value)`, or the error.
  template <class F>
  constexpr auto transform(F&& f) && -> expected<std::invoke_result_t<F, T&&>, E> {
    if (has_value()) return std::forward<F>(f)(std::move(**this));
    return unexpected<E>(std::move(error()));
  }

  friend constexpr bool operator==(const expected& a, const expected& b) requires(
      std::equality_comparable<T>&& std::equality_comparable<E>) {
    if (a.has_value() != b.has_value()) return false;
    return a.has_value() ? *a == *b : a.error() == b.error();
  }

 private:
  constexpr void require_value() const {
    if (has_value()) return;
    if constexpr (std::same_as<E, quoin::error>) {
      detail::fail(error().message().c_str());
    } else {
      detail::fail("quoin::expected: value() called on an error");
    }
  }

  constexpr void take(expected&& other) noexcept {
    if (has_value_) {
      std::construct_at(&value_, std::move(other.value_));
    } else {
      std::construct_at(&error_, std::move(other.error_));
    }
  }

  constexpr void destroy() noexcept {
    if (has_value_) {
      std::destroy_at(&value_);
    } else {
      std::destroy_at(&error_);
    }
  }

  union {
    T value_;
    E error_;
  };
  bool has_value_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
