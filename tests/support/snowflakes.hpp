// SPDX-License-Identifier: BSL-1.0
// What the tests of snowflakes have in common.
#ifndef QUOIN_TESTS_SUPPORT_SNOWFLAKES_HPP
#define QUOIN_TESTS_SUPPORT_SNOWFLAKES_HPP

#include <quoin/id/snowflake.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace quoin_test {

using sys_ms = std::chrono::sys_time<std::chrono::milliseconds>;

constexpr sys_ms unix_ms(std::int64_t ms) { return sys_ms(std::chrono::milliseconds(ms)); }

/// 20 bits of milliseconds since 1970, 4 of worker, 3 of sequence.
using small = quoin::snowflake_layout<std::chrono::milliseconds, 0, quoin::time_field<20>,
                                      quoin::worker_field<4>, quoin::sequence_field<3>>;

inline quoin::manual_clock::time_point at(std::chrono::nanoseconds time) {
  return quoin::manual_clock::time_point(time);
}

/// That `next` fails, and says why and `more`.
template <class Generator>
void expect_failure(Generator& ids, quoin::id_error code, const std::string& more = "") {
  std::string text = "an id";
  try {
    static_cast<void>(ids.next());
  } catch (const quoin::id_failure& e) {
    EXPECT_EQ(e.code(), code);
    text = static_cast<const std::runtime_error&>(e).what();
  }
  EXPECT_EQ(text, "quoin::snowflake_generator: no id: " + (quoin::to_text(code) + more));
}

}  // namespace quoin_test

#endif
