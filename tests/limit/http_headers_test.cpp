// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/http_headers.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
using quoin::decision;
using quoin::limit_reason;
using quoin::quota_policy;
using quoin::quota_state;

std::string joined(const quoin::rate_limit_headers& headers) {
  std::string text;
  for (const auto [name, value] : headers) {
    text += name;
    text += ": ";
    text += value;
    text += '\n';
  }
  return text;
}

// --- the customary headers ------------------------------------------------------------------------

TEST(HttpHeaders, SayWhatADecisionSays) {
  const decision allowed{true, limit_reason::none, 20, 7, 0s, 1500ms};
  EXPECT_EQ(joined(quoin::rate_limit_headers(allowed)),
            "X-RateLimit-Limit: 20\nX-RateLimit-Remaining: 7\nX-RateLimit-Reset: 2\n");
  const decision refused{false, limit_reason::limited, 20, 0, 200ms, 2s};
  const quoin::rate_limit_headers headers(refused);
  EXPECT_EQ(joined(headers),
            "X-RateLimit-Limit: 20\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2\n"
            "Retry-After: 1\n");
  ASSERT_EQ(headers.size(), 4u);
  EXPECT_EQ(headers[3].name, "Retry-After");
}

TEST(HttpHeaders, SayNothingWhereNoWaitHelps) {
  const decision refused{false, limit_reason::cost_above_limit, 20, 20, quoin::never, quoin::never};
  EXPECT_EQ(joined(quoin::rate_limit_headers(refused)),
            "X-RateLimit-Limit: 20\nX-RateLimit-Remaining: 20\n");
  EXPECT_TRUE(quoin::retry_after_value(refused).empty());
}

TEST(HttpHeaders, TellTheTimeOfTheResetWhenAsked) {
  const decision d{true, limit_reason::none, 1, 0, 0s, 1300ms};
  const auto at = [&](auto since) {
    const quoin::rate_limit_headers headers(
        d, std::chrono::system_clock::time_point(
               std::chrono::duration_cast<std::chrono::system_clock::duration>(since)));
    return std::string(headers[2].value);
  };
  EXPECT_EQ(at(1'700'000'000s), "1700000002");
  EXPECT_EQ(at(1'700'000'000'700ms), "1700000002");
  EXPECT_EQ(at(1'700'000'000'701ms), "1700000003");
  EXPECT_EQ(at(-5s), "2");
  const decision longest{true, limit_reason::none, 1, 0, 0s, quoin::never - 1ns};
  const quoin::rate_limit_headers headers(longest, std::chrono::system_clock::time_point::max());
  EXPECT_EQ(headers[2].value, "18446744074");
}

TEST(HttpHeaders, RoundUp) {
  const std::pair<std::chrono::nanoseconds, std::string_view> cases[] = {
      {-1s, "0"},      {0ns, "0"},
      {1ns, "1"},      {1s, "1"},
      {1s + 1ns, "2"}, {59'999'999'999ns, "60"},
      {1h, "3600"},    {quoin::never - 1ns, "9223372037"},
  };
  for (const auto& [wait, text] : cases) {
    decision d;
    d.retry_after = wait;
    const quoin::header_value value = quoin::retry_after_value(d);
    EXPECT_EQ(value.view(), text);
  }
  decision d;
  d.limit = d.remaining = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(quoin::rate_limit_headers(d)[0].value.size(), 20u);
}

TEST(HttpHeaders, AreThereAtCompileTime) {
  constexpr quoin::header_value five(5);
  static_assert(five.view() == "5");
  static_assert(quoin::rate_limit_headers(decision{}).size() == 4);
}

// --- the standard to be ---------------------------------------------------------------------------

TEST(HttpHeaders, WriteTheExamplesOfTheDraft) {
  char text[128];
  const quota_policy policies[] = {{"burst", 100, 60s}, {"daily", 1000, 24h}};
  EXPECT_EQ(quoin::write_rate_limit_policy(text, policies).value(),
            R"("burst";q=100;w=60,"daily";q=1000;w=86400)");
  EXPECT_EQ(quoin::write_rate_limit(text, quota_state{"default", 50, 30s}).value(),
            R"("default";r=50;t=30)");
  EXPECT_EQ(
      quoin::write_rate_limit_policy(text, quota_policy{"peruser", 65535, 10s, "content-bytes"})
          .value(),
      R"("peruser";q=65535;qu="content-bytes";w=10)");
}

TEST(HttpHeaders, LeaveOutWhatIsNotSaidAndClampWhatIsTooLong) {
  char text[128];
  EXPECT_EQ(quoin::write_rate_limit(text, quota_state{"", 0}).value(), R"("";r=0)");
  EXPECT_EQ(quoin::write_rate_limit(text, quota_state{"a", 999'999'999'999'999, 0s}).value(),
            R"("a";r=999999999999999;t=0)");
  EXPECT_EQ(quoin::write_rate_limit_policy(
                text, quota_policy{"a", std::numeric_limits<std::uint64_t>::max(), 1ns})
                .value(),
            R"("a";q=999999999999999;w=1)");
  EXPECT_EQ(quoin::write_rate_limit_policy(text, quota_policy{"a", 1, -1s}).value(), R"("a";q=1)");
  EXPECT_EQ(quoin::write_rate_limit(text, std::span<const quota_state>()).value(), "");
}

TEST(HttpHeaders, EscapeNamesAndRefuseWhatNoStringHolds) {
  char text[128];
  EXPECT_EQ(quoin::write_rate_limit(text, quota_state{R"(a "b" \ ~)", 1}).value(),
            R"("a \"b\" \\ ~";r=1)");
  for (const std::string_view bad : {"ab\n"sv, "ab\x7f"sv, "ab\0"sv, "ab\xc3\xa4"sv}) {
    const auto written = quoin::write_rate_limit(text, quota_state{bad, 1});
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code(), quoin::errc::bad_value);
    EXPECT_EQ(written.error().position(), 2u);
  }
  EXPECT_EQ(quoin::write_rate_limit_policy(text, quota_policy{"a", 1, 1s, "b\r\n"}).error().code(),
            quoin::errc::bad_value);
}

TEST(HttpHeaders, SayHowMuchMemoryTheyNeed) {
  const quota_state states[] = {{"one", 1, 1s}, {"two \" two", 22, 22s}};
  char text[64];
  const std::size_t size = quoin::write_rate_limit(text, states).value().size();
  for (std::size_t capacity = 0; capacity < size; ++capacity) {
    std::vector<char> memory(capacity);
    const auto written = quoin::write_rate_limit(memory, states);
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code(), quoin::errc::too_large);
    EXPECT_EQ(written.error().size_stated(), size);
  }
  std::vector<char> exact(size);
  EXPECT_TRUE(quoin::write_rate_limit(exact, states).has_value());
}

// --- reading --------------------------------------------------------------------------------------

TEST(HttpHeaders, ReadWhatTheyWrite) {
  char text[160];
  const quota_state states[] = {{R"(q "\)", 12, 34s}, {"daily", 0}};
  quoin::rate_limit_reader in(quoin::write_rate_limit(text, states).value());
  quoin::rate_limit_item item;
  ASSERT_TRUE(in.next(item).value());
  EXPECT_TRUE(item.is_named(R"(q "\)"));
  EXPECT_FALSE(item.is_named("q") || item.is_named(R"(q "\ )") || item.is_named(item.name));
  EXPECT_EQ(item.remaining, 12);
  EXPECT_EQ(item.reset_after, 34s);
  EXPECT_EQ(item.quota, -1);
  ASSERT_TRUE(in.next(item).value());
  EXPECT_TRUE(item.is_named("daily"));
  EXPECT_EQ(item.remaining, 0);
  EXPECT_EQ(item.reset_after, -1s);
  EXPECT_FALSE(in.next(item).value());
  EXPECT_FALSE(in.next(item).value());
}

/// The items as "name q r w t; …", or "error at …".
std::string read(std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());  // AddressSanitizer sees its end
  quoin::rate_limit_reader in(std::string_view(exact.data(), exact.size()));
  std::string all;
  for (quoin::rate_limit_item item;;) {
    const auto more = in.next(item);
    if (!more) {
      EXPECT_EQ(in.next(item).error(), more.error()) << "an error that does not stay";
      return "error at " + std::to_string(more.error().position());
    }
    if (!*more) return all;
    all += std::string(item.name) + ' ' + std::to_string(item.quota) + ' ' +
           std::to_string(item.remaining) + ' ' + std::to_string(item.window.count()) + ' ' +
           std::to_string(item.reset_after.count()) + ';';
  }
}

TEST(HttpHeaders, ReadStructuredFields) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"   ", ""},
      {R"(  "a";q=1;w=2 )", "a 1 -1 2 -1;"},
      {"\"a\";r=1 \t,\t \"b\";t=2\t", "a -1 1 -1 -1;b -1 -1 -1 2;"},
      {"token/1;  r=7", "token/1 -1 7 -1 -1;"},
      {"*;r=7;r=8", "* -1 8 -1 -1;"},
      {R"(a;r=1;pk=:c2FsdA==:;x;y=?1;z=1.25;u="s\"\\";v=tok;w=5;d=@-12;e=%"f%c3";*-_.0=-3)",
       "a -1 1 5 -1;"},
      {R"(a;x=%"\";r=5)", "a -1 5 -1 -1;"},
      {"a;q=999999999999999", "a 999999999999999 -1 -1 -1;"},
      // What is none.
      {"\t\"a\"", "error at 0"},
      {R"("a",)", "error at 4"},
      {R"("a", ,"b")", "error at 5"},
      {R"("a" "b")", "error at 4"},
      {R"("a)", "error at 2"},
      {R"("a\)", "error at 3"},
      {R"("a\b")", "error at 3"},
      {"\"a\x01\"", "error at 2"},
      {"\"a\xff\"", "error at 2"},
      {"(\"a\")", "error at 0"},
      {"1;r=1", "error at 0"},
      {"a;r=1000000000000000", "error at 19"},
      {"a;r=-1", "error at 4"},
      {"a;r=1.5", "error at 5"},
      {"a;r=\"1\"", "error at 4"},
      {"a;r", "error at 3"},
      {"a;R=1", "error at 2"},
      {"a;x=", "error at 4"},
      {"a;x=?2", "error at 5"},
      {"a;x=:*:", "error at 5"},
      {"a;x=:aa", "error at 7"},
      {"a;x=1.", "error at 6"},
      {"a;x=1.2345", "error at 10"},
      {"a;x=1234567890123.1", "error at 19"},
      {"a;x=1234567890123456", "error at 20"},
      {"a;x=-", "error at 5"},
      {"a;x=@1.5", "error at 6"},
      {"a;x=%x", "error at 5"},
      {R"(a;x=%"%zz")", "error at 7"},
      {R"(a;x=%"%C3")", "error at 7"},
      {R"(a;x=%"%c")", "error at 8"},
      {R"(a;x=%"c)", "error at 7"},
      {"a;x=%\"\x01\"", "error at 6"},
      {"a ;r=1", "error at 2"},
      {"\0"sv, "error at 0"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(read(text), wanted) << text;
}

TEST(HttpHeaders, ReadRetryAfter) {
  const std::chrono::system_clock::time_point now(784'111'000s);  // 06 Nov 1994 08:36:40
  const std::pair<std::string_view, std::int64_t> cases[] = {
      {"0", 0},
      {"120", 120},
      {"007", 7},
      {"99999999999999999999999999", std::int64_t{1} << 33},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 777},
      {"Sun, 06 Nov 1994 08:36:39 GMT", 0},
      {"Thu, 29 Feb 1996 00:00:00 GMT", 41'441'000},
      {"Fri, 31 Dec 9999 23:59:60 GMT", std::int64_t{1} << 33},
      {"", -1},
      {"-1", -1},
      {"1.5", -1},
      {" 1", -1},
      {"1 ", -1},
      {"Mon, 06 Nov 1994 08:49:37 GMT", -1},
      {"Thu, 30 Feb 1996 00:00:00 GMT", -1},
      {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
      {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
      {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
      {"Sun, 06 ovD 1994 08:49:37 GMT", -1},
      {"unM, 06 Nov 1994 08:49:37 GMT", -1},
      {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
      {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
      // The forms of old.
      {"Sunday, 06-Nov-94 08:49:37 GMT", 777},
      {"Saturday, 06-Nov-44 08:49:37 GMT", -1},
      {"Sunday, 06-Nov-44 08:49:37 GMT", 1'577'923'977},
      {"Monday, 06-Nov-45 08:49:37 GMT", -1},
      {"Tuesday, 06-Nov-45 08:49:37 GMT", 0},
      {"Sun, 06-Nov-94 08:49:37 GMT", -1},
      {"Sunday, 06 Nov 1994 08:49:37 GMT", -1},
      {"Sun Nov  6 08:49:37 1994", 777},
      {"Sun Nov 06 08:49:37 1994", 777},
      {"Sun Nov 13 08:49:37 1994", 777 + 7 * 86400},
      {"Sun Nov 6 08:49:37 1994", -1},
      {"Sun,  6 Nov 1994 08:49:37 GMT", -1},
      {"Sun Nov  6  8:49:37 1994", -1},
      {"Sunday", -1},
      {"Sun", -1},
  };
  for (const auto& [text, seconds] : cases) {
    const auto wait = quoin::parse_retry_after(text, now);
    EXPECT_EQ(wait.has_value() ? wait->count() : -1, seconds) << text;
  }
  EXPECT_EQ(quoin::parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 1ns).value(), 777s);
  EXPECT_EQ(quoin::parse_retry_after("5").value(), 5s);
}

}  // namespace
