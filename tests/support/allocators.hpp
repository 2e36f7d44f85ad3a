// SPDX-License-Identifier: BSL-1.0
// Allocators that keep accounts, and that fail on demand.
#ifndef QUOIN_TESTS_SUPPORT_ALLOCATORS_HPP
#define QUOIN_TESTS_SUPPORT_ALLOCATORS_HPP

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace quoin_test {

/// What the allocators that share it have done. Outlives them.
struct memory_account {
  std::size_t live_bytes = 0;
  std::size_t largest_request = 0;                                    ///< in bytes
  std::size_t requests = 0;                                           ///< granted or not
  std::size_t requests_until_failure = static_cast<std::size_t>(-1);  ///< 0: the next one throws
};

/// A stateful allocator that books into a `memory_account` and throws `std::bad_alloc` when the
/// account says so. Two are equal when they share the account.
template <class T>
class accounted_allocator {
 public:
  using value_type = T;

  explicit accounted_allocator(memory_account& account) noexcept : account_(&account) {}
  template <class U>
  accounted_allocator(const accounted_allocator<U>& other) noexcept : account_(other.account()) {}

  T* allocate(std::size_t n) {
    ++account_->requests;
    account_->largest_request = std::max(account_->largest_request, n * sizeof(T));
    if (account_->requests_until_failure-- == 0) {
      account_->requests_until_failure = 0;
      throw std::bad_alloc();
    }
    T* p = std::allocator<T>().allocate(n);
    account_->live_bytes += n * sizeof(T);
    return p;
  }

  void deallocate(T* p, std::size_t n) noexcept {
    account_->live_bytes -= n * sizeof(T);
    std::allocator<T>().deallocate(p, n);
  }

  [[nodiscard]] memory_account* account() const noexcept { return account_; }

  template <class U>
  friend bool operator==(const accounted_allocator& a, const accounted_allocator<U>& b) noexcept {
    return a.account() == b.account();
  }

 private:
  memory_account* account_;
};

}  // namespace quoin_test

#endif
