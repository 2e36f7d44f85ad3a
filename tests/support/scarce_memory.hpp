// SPDX-License-Identifier: BSL-1.0
// `operator new` that fails on demand, for types that take no allocator. It replaces that of the
// whole program: at most one file of a test includes this.
#ifndef QUOIN_TESTS_SUPPORT_SCARCE_MEMORY_HPP
#define QUOIN_TESTS_SUPPORT_SCARCE_MEMORY_HPP

#include <cstddef>
#include <cstdlib>
#include <new>

namespace quoin_test {

inline constexpr std::size_t enough_memory = static_cast<std::size_t>(-1);

/// How many requests are granted from now on.
inline std::size_t requests_until_failure = enough_memory;

/// Calls `change(object)` with memory for no request, for one, for two, … until there is enough, and
/// `unchanged(object)` after each that threw. Gives how often that was.
template <class T, class Change, class Unchanged>
std::size_t starve(T& object, Change change, Unchanged unchanged) {
  for (std::size_t failures = 0;; ++failures) {
    requests_until_failure = failures;
    try {
      change(object);
      requests_until_failure = enough_memory;
      return failures;
    } catch (const std::bad_alloc&) {
      requests_until_failure = enough_memory;
      unchanged(object);
    }
  }
}

}  // namespace quoin_test

// Not inlined, or else the compiler sees memory of malloc() given to operator delete, and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (quoin_test::requests_until_failure == 0) throw std::bad_alloc();
  if (quoin_test::requests_until_failure != quoin_test::enough_memory) {
    --quoin_test::requests_until_failure;
  }
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

#endif
