// SPDX-License-Identifier: BSL-1.0
// Included before all else in every test: the library's own invariants stop the program.
#ifndef QUOIN_TESTS_SUPPORT_HARD_ASSERT_HPP
#define QUOIN_TESTS_SUPPORT_HARD_ASSERT_HPP

#define QUOIN_ASSERT(condition) ((condition) ? static_cast<void>(0) : __builtin_trap())

#endif
