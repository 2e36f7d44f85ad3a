// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/assign.hpp>

#include <gtest/gtest.h>

#include "support/allocators.hpp"

#include <array>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <utility>
#include <vector>

namespace {

/// Two containers of one allocator: what the functions are for.
template <class Allocator>
class pair_of_vectors {
 public:
  using vector = std::vector<int, Allocator>;

  explicit pair_of_vectors(const Allocator& allocator, int n = 0)
      : a(static_cast<std::size_t>(n), n, allocator),
        b(static_cast<std::size_t>(n), -n, allocator) {}
  pair_of_vectors(const pair_of_vectors& other, const Allocator& allocator)
      : a(other.a, allocator), b(other.b, allocator) {}
  pair_of_vectors(const pair_of_vectors&) = default;
  pair_of_vectors(pair_of_vectors&&) noexcept = default;
  ~pair_of_vectors() = default;
  pair_of_vectors& operator=(const pair_of_vectors& other) {
    return quoin::detail::copy_assign(*this, other);
  }
  pair_of_vectors& operator=(pair_of_vectors&& other) noexcept(
      quoin::detail::move_assigns_in_place<Allocator>) {
    return quoin::detail::move_assign(*this, std::move(other));
  }

  [[nodiscard]] Allocator get_allocator() const { return a.get_allocator(); }
  [[nodiscard]] bool holds(int n) const {
    const auto size = static_cast<std::size_t>(n);
    return a.size() == size && b.size() == size && (n == 0 || (a.back() == n && b.back() == -n));
  }

  vector a, b;
};

using in_heap = pair_of_vectors<std::allocator<int>>;
using in_arena = pair_of_vectors<std::pmr::polymorphic_allocator<int>>;
using accounted = pair_of_vectors<quoin_test::accounted_allocator<int>>;

/// One that goes along with every assignment.
template <class T>
struct propagating : quoin_test::accounted_allocator<T> {
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using quoin_test::accounted_allocator<T>::accounted_allocator;
  template <class U>
  propagating(const propagating<U>& other) noexcept : quoin_test::accounted_allocator<T>(other) {}
};

TEST(assign, whether_a_move_may_copy_is_known_at_compile_time) {
  static_assert(std::is_nothrow_move_assignable_v<in_heap>);
  static_assert(!std::is_nothrow_move_assignable_v<in_arena>);
  static_assert(std::is_nothrow_move_assignable_v<pair_of_vectors<propagating<int>>>);
}

TEST(assign, leaves_all_as_it_was_when_there_is_no_memory) {
  quoin_test::memory_account account;
  const quoin_test::accounted_allocator<int> allocator(account);
  accounted to(allocator, 2);
  const accounted from(allocator, 5);
  for (const std::size_t granted : {std::size_t{0}, std::size_t{1}}) {
    account.requests_until_failure = granted;
    EXPECT_THROW(to = from, std::bad_alloc);
    EXPECT_TRUE(to.holds(2));
  }
  account.requests_until_failure = 2;
  to = from;
  EXPECT_TRUE(to.holds(5));
}

TEST(assign, to_itself_changes_nothing) {
  in_heap h({}, 3);
  const in_heap& same = h;
  h = same;
  EXPECT_TRUE(h.holds(3));
  h = std::move(const_cast<in_heap&>(same));
  EXPECT_TRUE(h.holds(3));
  quoin::detail::swap_whole(h, h);
  EXPECT_TRUE(h.holds(3));
}

TEST(assign, memory_of_another_resource_is_copied_and_that_of_the_same_is_taken) {
  std::array<std::byte, 1024> buffer;
  std::pmr::monotonic_buffer_resource arena(buffer.data(), buffer.size(),
                                            std::pmr::null_memory_resource());
  in_arena here(&arena, 4);
  const int* const data = here.a.data();
  in_arena there(std::pmr::get_default_resource(), 1);
  there = std::move(here);
  EXPECT_TRUE(there.holds(4));
  EXPECT_EQ(there.get_allocator().resource(), std::pmr::get_default_resource());
  EXPECT_NE(there.a.data(), data);
  in_arena neighbour(&arena, 1);
  here = in_arena(&arena, 4);
  const int* const taken = here.a.data();
  neighbour = std::move(here);
  EXPECT_TRUE(neighbour.holds(4));
  EXPECT_EQ(neighbour.a.data(), taken);
}

TEST(assign, an_allocator_that_propagates_comes_along) {
  quoin_test::memory_account one, other;
  using both = pair_of_vectors<propagating<int>>;
  both to(propagating<int>(one), 1);
  const both from(propagating<int>(other), 2);
  to = from;
  EXPECT_EQ(to.get_allocator().account(), &other);
  EXPECT_TRUE(to.holds(2));
  EXPECT_EQ(one.live_bytes, 0u);
  both last(propagating<int>(one), 3);
  to = std::move(last);
  EXPECT_EQ(to.get_allocator().account(), &one);
  EXPECT_TRUE(to.holds(3));
}

TEST(assign, swap_takes_unequal_allocators_along) {
  quoin_test::memory_account one, other;
  accounted a(quoin_test::accounted_allocator<int>(one), 1);
  accounted b(quoin_test::accounted_allocator<int>(other), 2);
  quoin::detail::swap_whole(a, b);
  EXPECT_TRUE(a.holds(2));
  EXPECT_TRUE(b.holds(1));
  EXPECT_EQ(a.get_allocator().account(), &other);
  EXPECT_EQ(b.get_allocator().account(), &one);
}

}  // namespace
