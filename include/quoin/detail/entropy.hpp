// SPDX-License-Identifier: BSL-1.0
/// @file
/// Bytes that nobody can know.
#ifndef QUOIN_DETAIL_ENTROPY_HPP
#define QUOIN_DETAIL_ENTROPY_HPP

#include <quoin/detail/error.hpp>

#include <sys/random.h>  // getentropy: here on macOS …
#include <unistd.h>      // … and here on Linux and the BSDs

namespace quoin::inline QUOIN_ABI::detail {

/// A `T` of integers whose bits are all from the operating system, which soon after its start waits
/// until it has some. Fails where there are none to be had: never less than they should be.
template <class T>
requires(sizeof(T) <= 256) [[nodiscard]] T random_from_system() {
  T value;
  if (getentropy(&value, sizeof value) != 0) {
    fail("quoin: the operating system gives no random bytes");
  }
  return value;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
