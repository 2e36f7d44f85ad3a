// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/memory.hpp>

#include "support/allocators.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

namespace {

namespace detail = quoin::detail;
using lines = detail::line_array<std::allocator<std::byte>>;
using accounted = detail::line_array<quoin_test::accounted_allocator<std::byte>>;

static_assert(sizeof(detail::cache_line) == 64 && alignof(detail::cache_line) == 64);

TEST(line_array, zero_and_aligned) {
  for (const std::size_t size : {1u, 3u, 1000u, 200'000u}) {  // the last asks for huge pages
    errno = 17;
    const lines a(size);
    EXPECT_EQ(errno, 17) << "a hint that is not taken is no error";
    ASSERT_EQ(a.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(a.data()[i], detail::cache_line{}) << i;
  }
}

TEST(line_array, value_semantics) {
  lines a(3), b(3), c(4);
  EXPECT_EQ(a, b);
  EXPECT_FALSE(a == c);
  a.data()[2].words[7] = 5;
  EXPECT_FALSE(a == b);
  lines copy = a;
  EXPECT_EQ(copy, a);
  copy.data()[0].words[0] = 1;
  EXPECT_FALSE(copy == a) << "memory of its own";
  c = a;
  EXPECT_EQ(c, a);
  c.swap(b);
  EXPECT_EQ(b, a);
  const lines moved = std::move(b);
  EXPECT_EQ(moved, a);
  EXPECT_EQ(b.size(), 0u);  // NOLINT(bugprone-use-after-move): documented
  a.clear();
  EXPECT_EQ(a, c);
  EXPECT_EQ(a.size(), 3u);
  b.clear();
}

TEST(line_array, allocators) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<std::byte> allocator(account);
  {
    accounted a(10, allocator);
    EXPECT_EQ(account.live_bytes, 640u);
    EXPECT_EQ(account.requests, 1u) << "memory is taken once";
    EXPECT_TRUE(a.get_allocator() == allocator);
    accounted b = a;
    EXPECT_EQ(account.requests, 2u);
    account.requests_until_failure = 0;
    EXPECT_THROW(const accounted copy = a, std::bad_alloc);
    EXPECT_THROW(accounted(5, allocator), std::bad_alloc);
    EXPECT_EQ(account.live_bytes, 1280u);
  }
  EXPECT_EQ(account.live_bytes, 0u);
}

/// An accounted allocator that assignment hands on, if asked to.
template <class T, bool Copy, bool Move>
struct handed_on : quoin_test::accounted_allocator<T> {
  using propagate_on_container_copy_assignment = std::bool_constant<Copy>;
  using propagate_on_container_move_assignment = std::bool_constant<Move>;
  using propagate_on_container_swap = std::false_type;
  template <class U>
  struct rebind {
    using other = handed_on<U, Copy, Move>;
  };
  using quoin_test::accounted_allocator<T>::accounted_allocator;
  template <class U>
  handed_on(const handed_on<U, Copy, Move>& other) noexcept
      : quoin_test::accounted_allocator<T>(other) {}
};

template <bool Copy, bool Move>
void expect_strong_assignment() {
  using allocator = handed_on<std::byte, Copy, Move>;
  using array = detail::line_array<allocator>;
  quoin_test::memory_account here, there;
  {
    array a(3, allocator(here)), b(10, allocator(there));
    a.data()[2].words[7] = 5;
    b.data()[9].words[0] = 6;
    const array a_before = a, b_before = b;
    here.requests_until_failure = there.requests_until_failure = 0;
    EXPECT_THROW(a = b, std::bad_alloc);
    if (!Move) {
      EXPECT_THROW(a = std::move(b), std::bad_alloc);
    }
    EXPECT_EQ(a, a_before);
    EXPECT_EQ(b, b_before);
    here.requests_until_failure = there.requests_until_failure = static_cast<std::size_t>(-1);
    a = b;
    EXPECT_EQ(a, b_before);
    EXPECT_EQ(a.get_allocator().account(), Copy ? &there : &here);
    a = static_cast<const array&>(a);
    EXPECT_EQ(a, b_before);
    a = a_before;
    EXPECT_EQ(a.get_allocator().account(), &here);
    a = std::move(b);
    EXPECT_EQ(a, b_before);
    EXPECT_EQ(b.size(), 0u);  // NOLINT(bugprone-use-after-move): documented
    EXPECT_EQ(a.get_allocator().account(), Move ? &there : &here);
    b = a_before;
    EXPECT_EQ(b, a_before);
  }
  EXPECT_EQ(here.live_bytes, 0u);
  EXPECT_EQ(there.live_bytes, 0u);
}

TEST(line_array, assignment_without_memory_changes_nothing) {
  expect_strong_assignment<false, false>();
  expect_strong_assignment<false, true>();
  expect_strong_assignment<true, false>();
  expect_strong_assignment<true, true>();
}

TEST(line_array, memory_resources_are_not_passed_on_to_copies) {
  std::pmr::monotonic_buffer_resource arena;
  using in_arena = detail::line_array<std::pmr::polymorphic_allocator<>>;
  in_arena a(5, &arena);
  EXPECT_EQ(a.get_allocator().resource(), &arena);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0u);
  const in_arena copy = a;
  EXPECT_EQ(copy.get_allocator().resource(), std::pmr::get_default_resource());
  in_arena elsewhere(2);
  elsewhere = std::move(a);  // memory of another resource cannot be taken over
  EXPECT_EQ(elsewhere, copy);
  EXPECT_EQ(a.size(), 0u);  // NOLINT(bugprone-use-after-move): documented
  EXPECT_EQ(elsewhere.get_allocator().resource(), std::pmr::get_default_resource());
}

}  // namespace
