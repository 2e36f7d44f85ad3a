// SPDX-License-Identifier: BSL-1.0
/// @file
/// The version of the library, and the inline namespace that carries it in every symbol.
#ifndef QUOIN_VERSION_HPP
#define QUOIN_VERSION_HPP

#define QUOIN_VERSION_MAJOR 0
#define QUOIN_VERSION_MINOR 1
#define QUOIN_VERSION_PATCH 0

/// The name of the inline namespace: it changes with every release that may change a type's layout,
/// so that objects of two such releases never meet under one symbol. Units without exceptions have
/// one of their own, since their functions report mistakes otherwise.
#if defined(__cpp_exceptions)
#define QUOIN_ABI v0_1
#else
#define QUOIN_ABI v0_1_no_exceptions
#endif

namespace quoin::inline QUOIN_ABI {

inline constexpr int version_major = QUOIN_VERSION_MAJOR;
inline constexpr int version_minor = QUOIN_VERSION_MINOR;
inline constexpr int version_patch = QUOIN_VERSION_PATCH;

}  // namespace quoin::inline QUOIN_ABI

#endif
