// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/expected.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using quoin::errc;
using quoin::error;
using quoin::expected;
using quoin::unexpected;

constexpr error cut_short{errc::truncated, 7, "quoin: input too short"};

expected<int, error> halved(int x) {
  if (x % 2 != 0) return unexpected(error{errc::bad_value, 1, "odd"});
  return x / 2;
}

TEST(expected, a_value) {
  expected<std::string, error> e = "abc";
  ASSERT_TRUE(e.has_value());
  EXPECT_TRUE(static_cast<bool>(e));
  EXPECT_EQ(*e, "abc");
  EXPECT_EQ(e->size(), 3u);
  EXPECT_EQ(e.value(), "abc");
  e.value() = "d";
  EXPECT_EQ(std::as_const(e).value(), "d");
  EXPECT_EQ(e.value_or("x"), "d");
  EXPECT_EQ(std::move(e).value_or("x"), "d");
  expected<std::string, error> f = "long enough for an allocation of its own";
  const std::string taken = *std::move(f);
  EXPECT_EQ(taken.size(), 40u);
  EXPECT_EQ((expected<int, error>()), 0) << "a default value";
}

TEST(expected, an_error) {
  expected<std::string, error> e = unexpected(cut_short);
  ASSERT_FALSE(e.has_value());
  EXPECT_EQ(e.error(), cut_short);
  EXPECT_EQ(std::as_const(e).error().position(), 7u);
  EXPECT_EQ(e.value_or("x"), "x");
  EXPECT_EQ(std::move(e).value_or("y"), "y");
  EXPECT_EQ(std::move(e).error().code(), errc::truncated);
}

TEST(expected, value_of_an_error_fails_with_its_message) {
  const expected<int, error> e = unexpected(cut_short);
  try {
    static_cast<void>(e.value());
    FAIL() << "no exception";
  } catch (const std::invalid_argument& failure) {
    EXPECT_EQ(failure.what(), cut_short.message());
  }
  expected<int, std::string> other = unexpected(std::string("mine"));
  EXPECT_THROW(static_cast<void>(other.value()), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(std::move(other).value()), std::invalid_argument);
}

TEST(expected, chains) {
  EXPECT_EQ(*halved(12).and_then(halved), 3);
  EXPECT_EQ(halved(6).and_then(halved).error().code(), errc::bad_value);
  EXPECT_EQ(halved(5).and_then(halved).error().code(), errc::bad_value);
  EXPECT_EQ(*halved(12).transform([](int x) { return std::to_string(x); }), "6");
  EXPECT_EQ(halved(5).transform([](int x) { return x + 1; }).error().position(), 1u);
}

TEST(expected, compares) {
  EXPECT_TRUE(halved(4) == halved(4));
  EXPECT_FALSE(halved(4) == halved(6));
  EXPECT_TRUE(halved(3) == halved(5));
  EXPECT_FALSE(halved(4) == halved(5));
  EXPECT_FALSE(halved(5) == halved(4));
}

// Each of the four ways from one state to the other must end one life and begin another: a counter
// of the objects alive sees a destructor too many or too few, AddressSanitizer what it leads to.
struct counted {
  static inline int alive = 0;
  explicit counted(int x) : value(std::make_unique<int>(x)) { ++alive; }
  counted(const counted& other) : counted(*other.value) {
    if (*value < 0) throw std::runtime_error("not to be copied");
  }
  counted(counted&& other) noexcept : value(std::move(other.value)) { ++alive; }
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
  std::unique_ptr<int> value;
};

TEST(expected, assignment_between_all_states) {
  using either = expected<counted, std::string>;
  const std::string text = "an error long enough for an allocation of its own";
  {
    const either values[] = {either(counted(1)), either(counted(2)), either(unexpected(text)),
                             either(unexpected(text + "!"))};
    for (const either& from : values) {
      for (const either& to : values) {
        either copied = to, moved = to, source = from;
        copied = from;
        moved = std::move(source);
        for (const either* result : {&copied, &moved}) {
          ASSERT_EQ(result->has_value(), from.has_value());
          if (from) {
            EXPECT_EQ(*(*result)->value, *from->value);
          } else {
            EXPECT_EQ(result->error(), from.error());
          }
        }
        either& itself = copied;
        copied = itself;
        copied = std::move(itself);
        EXPECT_EQ(copied.has_value(), from.has_value());
      }
    }
  }
  EXPECT_EQ(counted::alive, 0);
}

TEST(expected, copies_that_throw_leave_the_target_whole) {
  using either = expected<counted, std::string>;
  {
    const either bad{counted(-1)};
    either target = unexpected(std::string("still here"));
    EXPECT_THROW(target = bad, std::runtime_error);
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error(), "still here");
    EXPECT_THROW(const either copy = bad, std::runtime_error);
  }
  EXPECT_EQ(counted::alive, 0);
}

constexpr bool works_in_constant_expressions() {
  expected<int, error> e = 5;
  const expected<int, error> f = e;
  e = unexpected(cut_short);
  return f.has_value() && *f == 5 && !e && e.error() == cut_short && e.value_or(3) == 3;
}
static_assert(works_in_constant_expressions());

static_assert(!std::is_convertible_v<int, expected<std::unique_ptr<int>, error>>);
static_assert(std::is_convertible_v<const char*, expected<std::string, error>>);
static_assert(std::is_move_constructible_v<expected<std::unique_ptr<int>, error>>);

}  // namespace
