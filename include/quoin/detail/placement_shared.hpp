// SPDX-License-Identifier: BSL-1.0
/// @file
/// A pointer that shares what nobody changes: a copy costs one atomic addition.
#ifndef QUOIN_DETAIL_PLACEMENT_SHARED_HPP
#define QUOIN_DETAIL_PLACEMENT_SHARED_HPP

#include <quoin/detail/config.hpp>

#include <atomic>
#include <cstddef>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

/// Owns a constant `T` together with its copies, which may be used and dropped in different
/// threads; one pointer object is used like a plain variable. A moved-from one owns nothing.
/// (`std::shared_ptr` is the same for three times the cost of inclusion and twice the size.)
template <class T>
class shared_const {
 public:
  shared_const() noexcept = default;

  /// Makes the shared object of `value`.
  explicit shared_const(T&& value) : block_(new counted{std::move(value)}) {}

  shared_const(const shared_const& other) noexcept : block_(other.block_) {
    // A new owner comes from one that exists: nothing has to be ordered.
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  shared_const(shared_const&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  shared_const& operator=(shared_const other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~shared_const() {
    // The last owner must see all that the others did before it frees the object.
    if (block_ != nullptr && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete block_;
    }
  }

  [[nodiscard]] const T& operator*() const noexcept { return block_->value; }
  [[nodiscard]] const T* operator->() const noexcept { return &block_->value; }

  /// True when there is an object.
  [[nodiscard]] explicit operator bool() const noexcept { return block_ != nullptr; }

  /// True when both own the same object.
  friend bool operator==(const shared_const& a, const shared_const& b) noexcept {
    return a.block_ == b.block_;
  }

 private:
  struct counted {
    T value;
    std::atomic<std::size_t> owners = 1;
  };

  counted* block_ = nullptr;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
