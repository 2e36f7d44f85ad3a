// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/redis_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
using integers = std::vector<std::int64_t>;
using quoin::errc;
using quoin::limit_reason;
using std::chrono::nanoseconds;

const quoin::token_bucket_options hundred{.rate = quoin::per_second(100), .burst = 20};
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

std::string words(const quoin::redis_command& command) {
  std::string text;
  for (std::size_t i = 0; i < command.size(); ++i) text += '[' + std::string(command[i]) + ']';
  return text;
}

// --- questions ------------------------------------------------------------------------------------

TEST(RedisLimiter, AsksInWords) {
  const quoin::redis_token_bucket bucket(hundred);
  const quoin::redis_time now(1'700'000'000s + 5ns);
  EXPECT_EQ(
      words(bucket.try_acquire_at(now, 3)),
      "[1700000000][5][take][30000000][10000000][1][200000000][200000000][400000000][60000000000][1000]");
  EXPECT_EQ(
      words(bucket.try_acquire_at(quoin::redis_time(-1ns))),
      "[-1][999999999][take][10000000][10000000][1][200000000][200000000][400000000][60000000000][1000]");
  EXPECT_EQ(
      words(bucket.debit(2)),
      "[][][take][20000000][10000000][1][400000000][200000000][400000000][60000000000][1000]");
  EXPECT_EQ(
      words(bucket.reserve(1, 50ms)),
      "[][][take][10000000][10000000][1][250000000][200000000][400000000][60000000000][1000]");
  const quoin::redis_window_options day{.rate = quoin::per_day(7), .offset = 1h};
  EXPECT_EQ(words(quoin::redis_fixed_window(day).peek_at(now)),
            "[1700000000000000][peek][1][7][86400000000][3600000000][60000000][1000]");
  EXPECT_EQ(words(quoin::redis_sliding_window(day, true).acquire_up_to(9)),
            "[][some][9][7][86400000000][3600000000][60000000][1000][1]");
  EXPECT_EQ(words(quoin::redis_sliding_log(day, {.closed = true}).refund(2)),
            "[][back][2][7][86400000000][60000000][1000][1][0]");
  EXPECT_EQ(words(quoin::redis_fixed_window(day).try_acquire(~std::uint64_t{0})).substr(0, 26),
            "[][take][9007199254740992]");
}

TEST(RedisLimiter, SpeaksTheProtocol) {
  const auto question = quoin::redis_fixed_window({.rate = quoin::per_second(5)}).try_acquire();
  EXPECT_EQ(question.evalsha("k\r\n"),
            "*12\r\n$7\r\nEVALSHA\r\n$40\r\n" + std::string(question.sha1()) +
                "\r\n$1\r\n1\r\n$3\r\nk\r\n\r\n$0\r\n\r\n$4\r\ntake\r\n$1\r\n1\r\n$1\r\n5\r\n"
                "$7\r\n1000000\r\n$1\r\n0\r\n$8\r\n60000000\r\n$4\r\n1000\r\n");
  const std::string script(question.script());
  EXPECT_EQ(question.load(), "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$" +
                                 std::to_string(script.size()) + "\r\n" + script + "\r\n");
  EXPECT_TRUE(question.eval("k").starts_with("*12\r\n$4\r\nEVAL\r\n$" +
                                             std::to_string(script.size()) + "\r\n" + script));
}

/// SHA-1 (FIPS 180-4, section 6.1) in hexadecimal.
std::string sha1(std::string_view text) {
  std::string padded(text);
  padded += '\x80';
  padded.resize((padded.size() + 8 + 63) / 64 * 64 - 8);
  for (int shift = 56; shift >= 0; shift -= 8) {
    padded += static_cast<char>(std::uint64_t{8} * text.size() >> shift);
  }
  std::uint32_t state[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    std::uint32_t words[80];
    for (std::size_t i = 0; i < 16; ++i) {
      words[i] = quoin::detail::load_be<std::uint32_t>(&padded[at + 4 * i]);
    }
    for (std::size_t i = 16; i < 80; ++i) {
      words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (std::size_t i = 0; i < 80; ++i) {
      constexpr std::uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
      const std::uint32_t choice = (b & c) | (~b & d), majority = (b & c) | (b & d) | (c & d);
      const std::uint32_t mixes[] = {choice, b ^ c ^ d, majority, b ^ c ^ d};
      const std::uint32_t next = std::rotl(a, 5) + mixes[i / 20] + e + constants[i / 20] + words[i];
      e = std::exchange(d,
                        std::exchange(c, std::rotl(std::exchange(b, std::exchange(a, next)), 30)));
    }
    const std::uint32_t sums[] = {a, b, c, d, e};
    for (std::size_t i = 0; i < 5; ++i) state[i] += sums[i];
  }
  std::string digits;
  for (std::size_t i = 0; i < 40; ++i) {
    digits += "0123456789abcdef"[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
  }
  return digits;
}

TEST(RedisLimiter, KnowsTheNamesOfScripts) {
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1(std::string(55, 'a')), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(sha1(std::string(64, 'a')), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
  using namespace quoin::detail;
  for (const redis_script& script : {redis_bucket_lua, redis_fixed_window_lua,
                                     redis_sliding_window_lua, redis_sliding_log_lua}) {
    EXPECT_EQ(script.sha1, sha1(script.text)) << script.text.substr(0, 100);
  }
}

// --- answers --------------------------------------------------------------------------------------

TEST(RedisLimiter, ReadsAnswersOfBuckets) {
  const quoin::redis_token_bucket bucket(hundred);
  const auto question = bucket.try_acquire(3);
  const auto allowed = question.answer_of(integers{30'000'000, 170'000'000, 0}).value();
  EXPECT_TRUE(allowed.allowed);
  EXPECT_EQ(allowed.remaining, 0u);
  EXPECT_EQ(allowed.reset_after, 200ms);
  const auto refused = question.answer_of(integers{0, 170'000'001, 0}).value();
  EXPECT_EQ(refused.reason, limit_reason::limited);
  EXPECT_EQ(refused.retry_after, 1ns);
  EXPECT_EQ(bucket.try_acquire(21).answer_of(integers{0, 0, 0}).value().reason,
            limit_reason::cost_above_limit);
  EXPECT_EQ(bucket.debit(41).answer_of(integers{0, 0, 0}).value().reason,
            limit_reason::debt_above_limit);
  EXPECT_EQ(bucket.acquire_up_to(9).answer_of(integers{20'000'000, 175'000'000, 0}).value(), 2u);
  const auto wait = bucket.reserve(2).answer_of(integers{20'000'000, 200'000'000, 0}).value();
  EXPECT_TRUE(wait.granted);
  EXPECT_EQ(wait.wait, 20ms);
}

using reading = std::function<bool(const integers&)>;

/// Whether an answer can be read.
template <class Question>
reading reads(const Question& question) {
  return [question](const integers& answer) {
    const auto read = question.answer_of(answer);
    EXPECT_TRUE(read.has_value() || read.error().code() == errc::bad_value);
    return read.has_value();
  };
}

/// Everything that no limiter says, or says to another question.
void refuses_nonsense(const reading& reads, const integers& good) {
  ASSERT_TRUE(reads(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const std::int64_t x :
         {least, least + 1, std::int64_t{-1} << 54, std::int64_t{1} << 54, most - 1, most}) {
      integers bad = good;
      bad[i] = x;
      EXPECT_FALSE(reads(bad)) << i << ' ' << x;
    }
    integers shorter = good;
    shorter.resize(i);
    EXPECT_FALSE(reads(shorter));
  }
  integers longer = good;
  longer.push_back(0);
  EXPECT_FALSE(reads(longer));
  integers other = good;
  ++other[0];  // more than was asked for
  EXPECT_FALSE(reads(other));
}

TEST(RedisLimiter, RefusesAnswersThatNoLimiterGives) {
  const quoin::redis_token_bucket bucket(hundred);
  refuses_nonsense(reads(bucket.try_acquire(1)), {10'000'000, 5, 0});
  refuses_nonsense(reads(bucket.try_acquire(1)), {0, 195'000'000, 0});
  refuses_nonsense(reads(bucket.reserve(1)), {10'000'000, 5, 7});
  refuses_nonsense(reads(bucket.acquire_up_to(3)), {30'000'000, 5, 7});
  refuses_nonsense(reads(bucket.refund(3)), {0, 5, 7});
  const quoin::redis_window_options options{.rate = {7, 60s}};
  const quoin::redis_fixed_window fixed(options);
  refuses_nonsense(reads(fixed.try_acquire(2)), {2, 60'000'000, 5, 61'000'000});
  refuses_nonsense(reads(fixed.acquire_up_to(9)), {2, 60'000'000, 5, 61'000'000});
  refuses_nonsense(reads(fixed.refund(9)), {0, 60'000'000, 5, 61'000'000});
  const quoin::redis_sliding_window sliding(options);
  refuses_nonsense(reads(sliding.try_acquire(2)), {2, 60'000'000, 2, 3, 61'000'000});
  refuses_nonsense(reads(quoin::redis_sliding_log(options).try_acquire(2)), {2, 5, 0, 60, 61});
}

// --- the texts ------------------------------------------------------------------------------------

// Limit 7 a minute, 5 in the window before, 3 in this one, of which 30 % have passed: 3 + 5 · 0.7
// = 6.5. Rounded down one more passes, rounded up none.
TEST(RedisLimiter, WeighsTheWindowBefore) {
  const quoin::redis_window_options options{.rate = {7, 60s}};
  const integers at{1, 60'000'000, 5, 3, 78'000'000};
  const auto down = quoin::redis_sliding_window(options).try_acquire().answer_of(at).value();
  EXPECT_TRUE(down.allowed);
  EXPECT_EQ(down.remaining, 0u);
  EXPECT_EQ(down.reset_after, 102s);
  const integers next{0, 60'000'000, 5, 4, 78'000'000};
  const auto refused = quoin::redis_sliding_window(options).try_acquire().answer_of(next).value();
  EXPECT_EQ(refused.retry_after, 6s + 1us);  // 5 · 0.6 is 3 still
  const integers none{0, 60'000'000, 5, 3, 78'000'000};
  const auto up = quoin::redis_sliding_window(options, true).try_acquire().answer_of(none).value();
  EXPECT_EQ(up.retry_after, 6s);
  // 42 before, 18 now, a quarter has passed: 18 + 0.75 · 42 = 49.5.
  const quoin::redis_window_options fifty{.rate = {50, 60s}};
  const integers answer{0, 0, 42, 18, 15'000'000};
  EXPECT_EQ(quoin::redis_sliding_window(fifty).peek(2).answer_of(answer).value().remaining, 1u);
  EXPECT_EQ(quoin::redis_sliding_window(fifty, true).peek(1).answer_of(answer).value().remaining,
            0u);
}

TEST(RedisLimiter, SpeaksAsRedisCell) {
  // CL.THROTTLE user123 15 30 60
  const quoin::token_bucket_options options{.rate = {30, 60s}, .burst = 16};
  EXPECT_EQ(quoin::redis_cell_command("user123", options),
            "*6\r\n$11\r\nCL.THROTTLE\r\n$7\r\nuser123\r\n$2\r\n15\r\n$2\r\n30\r\n$2\r\n60\r\n"
            "$1\r\n1\r\n");
  quoin::token_bucket bucket(options);
  const auto first = bucket.try_acquire_at({});
  EXPECT_EQ(quoin::to_redis_cell(first), (quoin::redis_cell_answer{{0, 16, 15, -1, 2}}));
  EXPECT_EQ(quoin::from_redis_cell(integers{0, 16, 15, -1, 2}).value(), first);
  EXPECT_EQ(quoin::to_redis_cell(bucket.try_acquire_at({}, 17)),
            (quoin::redis_cell_answer{{1, 16, 15, -1, 2}}));
  EXPECT_EQ(quoin::to_redis_cell(bucket.try_acquire_at({}, 16)),
            (quoin::redis_cell_answer{{1, 16, 15, 2, 2}}));
  const auto refused = quoin::from_redis_cell(integers{1, 16, 0, 2, 32}).value();
  EXPECT_EQ(refused.reason, limit_reason::limited);
  EXPECT_EQ(refused.retry_after, 2s);
  EXPECT_EQ(quoin::from_redis_cell(integers{1, 16, 0, -1, 2}).value().reason,
            quoin::limit_reason::cost_above_limit);
  EXPECT_EQ(quoin::from_redis_cell(integers{1, 0, 0, -1, 0}).value().reason,
            quoin::limit_reason::no_rate);
  EXPECT_EQ(quoin::from_redis_cell(integers{1, 16, 0, -1, most}).value().reset_after, quoin::never);
  for (const integers& bad :
       {integers{2, 16, 15, -1, 2}, integers{0, -1, 15, -1, 2}, integers{0, 16, 17, -1, 2},
        integers{0, 16, -1, -1, 2}, integers{0, 16, 15, -2, 2}, integers{0, 16, 15, -1, -1},
        integers{0, 16, 15, -1}, integers{}}) {
    EXPECT_FALSE(quoin::from_redis_cell(bad).has_value());
  }
  EXPECT_THROW(static_cast<void>(quoin::redis_cell_command("k", {.rate = {0, 1s}})),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(quoin::redis_cell_command("k", {.rate = {1, 1500ms}})),
               std::invalid_argument);
}

TEST(RedisLimiter, UnderstandsRedisRate) {
  const std::string_view fresh = "*4\r\n:1\r\n:9\r\n$2\r\n-1\r\n$19\r\n0.19999998807907104\r\n";
  const auto reply = quoin::read_redis_reply(fresh).value();
  EXPECT_EQ(reply.size(), fresh.size());
  const auto d = quoin::from_redis_rate(reply.values(), 10).value();
  EXPECT_TRUE(d.allowed);
  EXPECT_EQ(d.limit, 10u);
  EXPECT_EQ(d.remaining, 9u);
  EXPECT_EQ(d.reset_after, 199'999'989ns);
  const quoin::redis_value refused[] = {
      {0, {}, false}, {0, {}, false}, {0, "1.5e-05", true}, {0, "2", true}};
  EXPECT_EQ(quoin::from_redis_rate(refused, 10).value().retry_after, 15us);
  for (std::size_t i = 0; i < 4; ++i) {
    for (const quoin::redis_value& bad :
         {quoin::redis_value{-1, {}, false}, {0, "x", true}, {0, "-2", true}}) {
      quoin::redis_value values[] = {refused[0], refused[1], refused[2], refused[3]};
      values[i] = bad;
      EXPECT_FALSE(quoin::from_redis_rate(values, 10).has_value()) << i;
    }
  }
  EXPECT_FALSE(quoin::from_redis_rate(std::span(refused, 3), 10).has_value());
}

TEST(RedisLimiter, ReadsDecimalSeconds) {
  const std::pair<std::string_view, std::int64_t> cases[] = {
      {"0", 0},
      {"1", 1'000'000'000},
      {"0.2", 200'000'000},
      {"1.000000001", 1'000'000'001},
      {"1.0000000001", 1'000'000'001},
      {"1e-9", 1},
      {"1e-30", 1},
      {"0e-30", 0},
      {"0e999", 0},
      {"1.25e2", 125'000'000'000},
      {"1e+1", 10'000'000'000},
      {"9223372036.854775807", most},
      {"9223372036.8547758065", most},
      {"123456789.123456789123456789", 123'456'789'123'456'790},
      {"1e10", most},
      {"1e300", most},
      {"99999999999999999999999999", most},
      {"", -1},
      {".5", -1},
      {"5.", -1},
      {"1.2.3", -1},
      {"-1", -1},
      {"+1", -1},
      {"1e", -1},
      {"1e-", -1},
      {"1 ", -1},
      {"inf", -1},
      {"nan", -1},
      {"0x1", -1},
  };
  for (const auto& [text, wanted] : cases) {
    std::int64_t got = -1;
    const bool read = quoin::detail::read_decimal_seconds(text, &got);
    EXPECT_EQ(read ? got : -1, wanted) << text;
  }
  std::int64_t ignored = 0;
  EXPECT_FALSE(quoin::detail::read_decimal_seconds("0." + std::string(500, '0') + '1', &ignored));
}

// --- the protocol ---------------------------------------------------------------------------------

TEST(RedisLimiter, ReadsRepliesInPieces) {
  const auto question = quoin::redis_token_bucket(hundred).try_acquire(3);
  const std::string_view text = "*3\r\n:30000000\r\n:0\r\n:0\r\n";
  const std::string two = std::string(text) + "+OK\r\n";
  const auto reply = quoin::read_redis_reply(two).value();
  EXPECT_EQ(reply.size(), text.size());
  EXPECT_EQ(question.answer_of(reply).value().remaining, 17u);
  for (const std::string_view whole : {text, "-NOSCRIPT No matching script.\r\n"sv, "*-1\r\n"sv,
                                       "*2\r\n$3\r\na\r\n\r\n:-9\r\n"sv}) {
    EXPECT_TRUE(quoin::read_redis_reply(whole).has_value()) << whole;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto read = quoin::read_redis_reply({cut.data(), cut.size()});
      ASSERT_FALSE(read.has_value()) << whole << size;
      EXPECT_EQ(read.error().code(), errc::truncated) << whole << size;
    }
  }
}

TEST(RedisLimiter, TellsErrorsOfTheServer) {
  const auto question = quoin::redis_token_bucket(hundred).try_acquire(3);
  const auto missing = quoin::read_redis_reply("-NOSCRIPT No matching script.\r\n").value();
  EXPECT_TRUE(missing.is_no_script());
  EXPECT_EQ(question.answer_of(missing).error().code(), errc::incompatible);
  const auto wrong = quoin::read_redis_reply("-WRONGTYPE no\r\n").value();
  EXPECT_FALSE(wrong.is_no_script());
  EXPECT_EQ(wrong.error_text(), "WRONGTYPE no");
  EXPECT_TRUE(quoin::is_redis_no_script("NOSCRIPT No matching script. Please use EVAL."));
  EXPECT_FALSE(quoin::is_redis_no_script("NOSCRIPTS") || quoin::is_redis_no_script(""));
  const auto text = quoin::read_redis_reply("*3\r\n:1\r\n$1\r\n2\r\n:3\r\n").value();
  EXPECT_EQ(question.answer_of(text).error().position(), 1u);
}

TEST(RedisLimiter, RefusesOtherReplies) {
  for (const std::string_view text :
       {"+OK\r\n"sv, ":1\r\n"sv, "$1\r\na\r\n"sv, "*7\r\n"sv, "*-2\r\n"sv,
        "*99999999999999999999\r\n"sv, "*1\r\n*0\r\n"sv, "*1\r\n:\r\n"sv, "*1\r\n:1a\r\n"sv,
        "*1\r\n:1\n"sv, "*1\r\n:9223372036854775808\r\n"sv, "*1\r\n$-1\r\n"sv, "*1\r\n$5000\r\n"sv,
        "*1\r\n$1\r\nab\r\n"sv, "-\r\n"sv, "-a\nb\r\n"sv, "\r\n"sv}) {
    const auto read = quoin::read_redis_reply(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code(), errc::bad_value) << text;
  }
  std::string endless(5000, 'x');
  endless[0] = '-';
  EXPECT_EQ(quoin::read_redis_reply(endless).error().code(), errc::bad_value);
  EXPECT_EQ(quoin::read_redis_reply("*1\r\n:-9223372036854775808\r\n").value().values()[0].integer,
            least);
}

// --- options --------------------------------------------------------------------------------------

TEST(RedisLimiter, RefusesWhatDoublesCannotCount) {
  using bucket = quoin::redis_token_bucket;
  EXPECT_NO_THROW(bucket({.rate = quoin::per_day(1), .burst = 26}));
  EXPECT_THROW(bucket({.rate = quoin::per_day(1), .burst = 27}), std::invalid_argument);
  EXPECT_THROW(bucket({.rate = quoin::per_day(1), .burst = 1, .max_debt = 27}),
               std::invalid_argument);
  EXPECT_THROW(bucket({.rate = {(std::uint64_t{1} << 51) + 1, 2ns}, .burst = 1}),
               std::invalid_argument);
  EXPECT_THROW(bucket({.rate = quoin::per_second(1), .max_backward_step = 24h * 27}),
               std::invalid_argument);
  EXPECT_THROW(bucket({.rate = {1, 0ns}}), std::invalid_argument);
  EXPECT_THROW(bucket(hundred, -1ms), std::invalid_argument);
  const auto refused = [](const quoin::redis_window_options& options) {
    EXPECT_THROW(quoin::redis_fixed_window{options}, std::invalid_argument);
    EXPECT_THROW(quoin::redis_sliding_window{options}, std::invalid_argument);
    EXPECT_THROW(quoin::redis_sliding_log{options}, std::invalid_argument);
  };
  refused({.rate = {1, 0ns}});
  refused({.rate = {1, 1001ns}});
  refused({.rate = {(std::uint64_t{1} << 52) + 1, 1s}});
  refused({.rate = {1, 24h * 366 * 143}});
  refused({.rate = {1, 1s}, .offset = 1ns});
  refused({.rate = {1, 1s}, .max_backward_step = -1ns});
  refused({.rate = {1, 1s}, .keep = -1ms});
  EXPECT_THROW(quoin::redis_sliding_log({.rate = {(1 << 20) + 1, 1s}}), std::invalid_argument);
}

}  // namespace
