// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>

namespace {

namespace detail = quoin::detail;

TEST(error, tells_code_place_and_sentence) {
  constexpr quoin::error e(quoin::errc::checksum_mismatch, 1048, "quoin: checksum mismatch");
  static_assert(e.code() == quoin::errc::checksum_mismatch && e.position() == 1048);
  EXPECT_STREQ(e.text(), "quoin: checksum mismatch");
  EXPECT_EQ(e.message(), "quoin: checksum mismatch (at byte 1048)");
  EXPECT_EQ(e.size_stated(), 0u);
  constexpr quoin::error cut(quoin::errc::truncated, 100, "quoin: input ends early", 1056);
  static_assert(cut.size_stated() == 1056);
  EXPECT_EQ(cut.message(), "quoin: input ends early (at byte 100 of 1056)");
}

TEST(error, equal_by_code_and_place) {
  using quoin::errc;
  const quoin::error e(errc::truncated, 3, "a");
  EXPECT_TRUE(e == quoin::error(errc::truncated, 3, "b"));
  EXPECT_FALSE(e == quoin::error(errc::truncated, 4, "a"));
  EXPECT_FALSE(e == quoin::error(errc::bad_magic, 3, "a"));
}

template <class T>
std::string message_for(T value) {
  try {
    detail::fail_argument("some_type", "size", value, "less");
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

TEST(fail_argument, names_type_parameter_value_and_range) {
  EXPECT_EQ(message_for(7u), "quoin::some_type: size = 7, must be less");
  EXPECT_EQ(message_for(-7), "quoin::some_type: size = -7, must be less");
  EXPECT_EQ(message_for(std::int8_t{-7}), "quoin::some_type: size = -7, must be less");
  EXPECT_EQ(message_for(0.25), "quoin::some_type: size = 0.25, must be less");
  EXPECT_EQ(message_for(std::numeric_limits<std::uint64_t>::max()),
            "quoin::some_type: size = 18446744073709551615, must be less");
  EXPECT_EQ(message_for(std::numeric_limits<std::int64_t>::min()),
            "quoin::some_type: size = -9223372036854775808, must be less");
}

TEST(fail_argument, cuts_what_is_too_long) {
  const std::string endless(1000, 'x');
  try {
    detail::fail_argument(endless.c_str(), "size", 1, "less");
  } catch (const std::invalid_argument& e) {
    EXPECT_EQ(std::string(e.what()).size(), 255u);
  }
}

TEST(failure_handler, is_replaced_and_given_back) {
  const quoin::failure_handler mine = [](const char*) {};
  const quoin::failure_handler original = quoin::set_failure_handler(mine);
  EXPECT_EQ(quoin::set_failure_handler(nullptr), mine);
  EXPECT_EQ(quoin::set_failure_handler(original), &detail::print_failure) << "null is the default";
}

TEST(failure_handler, gets_the_text) {
  const quoin::failure_handler original =
      quoin::set_failure_handler([](const char* text) { throw std::runtime_error(text); });
  try {
    detail::hand_over_failure("the reason");
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "the reason");
  }
  quoin::set_failure_handler(original);
}

TEST(failure_handler, prints_unless_replaced) {
  testing::internal::CaptureStderr();
  detail::print_failure("the reason");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "the reason\n");
}

}  // namespace
