// SPDX-License-Identifier: BSL-1.0
/// @file
/// Assignment and swap of types that keep their memory in several containers of one allocator.
///
/// Member by member, an assignment that runs out of memory leaves some members of the old object
/// beside some of the new, and a swap of unequal allocators that do not propagate is undefined. Here
/// an object is replaced by one that was made whole before. `T` has `get_allocator()`, a move
/// constructor that does not throw and, as the containers of the standard library, a constructor
/// `T(other, allocator)` that copies into memory from `allocator`.
#ifndef QUOIN_DETAIL_ASSIGN_HPP
#define QUOIN_DETAIL_ASSIGN_HPP

#include <quoin/detail/config.hpp>

#include <new>
#include <type_traits>
#include <utility>
#include <vector>  // for std::allocator_traits: <memory> costs three times as much to compile

namespace quoin::inline QUOIN_ABI::detail {

template <class T>
using allocator_traits_of =
    std::allocator_traits<decltype(std::declval<const T&>().get_allocator())>;

/// `to` becomes `by`, allocator included: what construction does whatever the allocator says of
/// assignment and swap.
template <class T>
T& replace(T& to, T&& by) noexcept {
  static_assert(std::is_nothrow_move_constructible_v<T>);
  to.~T();
  return *::new (static_cast<void*>(&to)) T(std::move(by));
}

/// Copy assignment. If there is no memory nothing changes.
template <class T>
T& copy_assign(T& to, const T& from) {
  if (&to == &from) return to;
  constexpr bool propagates = allocator_traits_of<T>::propagate_on_container_copy_assignment::value;
  return replace(to, T(from, propagates ? from.get_allocator() : to.get_allocator()));
}

/// Whether `move_assign` never copies.
template <class Allocator>
inline constexpr bool move_assigns_in_place =
    std::allocator_traits<Allocator>::propagate_on_container_move_assignment::value ||
    std::allocator_traits<Allocator>::is_always_equal::value;

/// Move assignment. Memory of an unequal allocator that does not propagate is copied; if there is
/// none nothing changes.
template <class T>
T& move_assign(T& to, T&& from) noexcept(
    move_assigns_in_place<typename allocator_traits_of<T>::allocator_type>) {
  if (&to == &from) return to;
  if (allocator_traits_of<T>::propagate_on_container_move_assignment::value ||
      to.get_allocator() == from.get_allocator()) {
    return replace(to, std::move(from));
  }
  return replace(to, T(std::as_const(from), to.get_allocator()));
}

/// Swap. Allocators go with their memory.
template <class T>
void swap_whole(T& a, T& b) noexcept {
  if (&a == &b) return;
  T before(std::move(a));
  replace(a, std::move(b));
  replace(b, std::move(before));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
