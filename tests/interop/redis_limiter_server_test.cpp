// SPDX-License-Identifier: BSL-1.0
// Decision for decision with a live redis-server: the scripts there, the limiters of limit/ here, the
// same times for both.
#include <quoin/interop/redis_limiter.hpp>
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/sliding_log.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/token_bucket.hpp>

#include "support/limit_oracle.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#if QUOIN_TEST_REDIS_SERVER

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
using namespace quoin_test;
using std::chrono::nanoseconds;

/// A clock whose times are given.
struct wall {
  using duration = nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = quoin::redis_time;
  static time_point now() { return {}; }
};

struct draws {
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return (*this)() % n; }
  /// Up to `most`, small ones as likely as large ones.
  std::uint64_t sized(std::uint64_t most) {
    const std::uint64_t range = most >> below(64);
    return range == 0 ? below(2) : (*this)() % (range == ~std::uint64_t{0} ? range : range + 1);
  }
};

/// One server for all tests here; a test without it is skipped.
class redis_limiter_server : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (redis_server::installed()) server_ = std::make_unique<redis_server>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!server_) GTEST_SKIP() << "redis-server is not installed (Debian: redis-tools)";
    ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
    ASSERT_EQ(server_->call({"SCRIPT", "FLUSH"}).text, "OK");
  }

  static void send(const char* name, std::string_view script, const quoin::redis_command& command,
                   std::string_view key) {
    std::vector<std::string> words{"1", std::string(key)};
    for (std::size_t i = 0; i < command.size(); ++i) words.emplace_back(command[i]);
    server_->send(name, script, words);
  }

  /// Gives the script to the server, which calls it as we do.
  static void load(const quoin::redis_command& command) {
    ASSERT_EQ(server_->call({"SCRIPT", "LOAD", command.script()}).text, command.sha1());
  }

  static std::vector<std::int64_t> receive() {
    const redis_reply reply = server_->receive();
    std::vector<std::int64_t> integers;
    EXPECT_EQ(reply.type, '*') << reply.text;
    if (reply.type != '*') return integers;
    for (int left = std::stoi(reply.text); left > 0; --left) {
      const redis_reply element = server_->receive();
      EXPECT_EQ(element.type, ':');
      integers.push_back(element.integer);
    }
    return integers;
  }

  /// Asks, and will compare the answer.
  template <class Question, class Answer>
  void ask(const std::string& key, const Question& question, const Answer& wanted,
           const std::string& what) {
    send("EVALSHA", question.sha1(), question, key);
    checks_.push_back([=] {
      const auto integers = receive();
      const auto got = question.answer_of(integers);
      if (got.has_value() && *got == wanted) return true;
      std::string text;
      for (const auto x : integers) text += ' ' + std::to_string(x);
      if constexpr (std::is_same_v<Answer, std::uint64_t>) text += " not " + std::to_string(wanted);
      for (std::size_t i = 0; i < question.size(); ++i)
        text += " [" + std::string(question[i]) + ']';
      ADD_FAILURE() << key << ' ' << what << text << (got ? "" : " cannot be read");
      return false;
    });
  }

  bool settle() {
    bool good = true;
    while (!checks_.empty()) {
      good = checks_.front()() && good;
      checks_.pop_front();
    }
    return good;
  }

  static inline std::unique_ptr<redis_server> server_;
  std::deque<std::function<bool()>> checks_;
};

/// Options that a bucket on a server takes.
quoin::token_bucket_options random_quota(draws& draw) {
  for (;;) {
    quoin::token_bucket_options o;
    o.rate = {draw.sized(10'000'000'000), nanoseconds(1 + draw.sized(86'400'000'000'000 * 30))};
    if (draw.below(3) == 0) o.rate.per = 1s;
    o.burst = draw.sized(1000);
    if (draw.below(4) == 0) o.max_debt = draw.sized(2000);
    o.max_backward_step = draw.below(2) == 0 ? nanoseconds(1min) : nanoseconds(draw.sized(1 << 20));
    quoin::detail::gcra_quota quota;
    if (quoin::detail::gcra_quota_of(o, &quota).parameter == nullptr &&
        quota.capacity <= std::int64_t{1} << 51 &&
        quota.lending - quota.capacity <= std::int64_t{1} << 51) {
      return o;
    }
  }
}

nanoseconds random_origin(draws& draw) {
  constexpr std::int64_t origins[] = {0, 1'700'000'000'000'000'000, 315'360'000'000'000'000,
                                      -1'000'000'000, 1'234'567'890'999'999'999};
  return nanoseconds(origins[draw.below(5)]) + nanoseconds(draw.below(1'000'000'000));
}

TEST_F(redis_limiter_server, a_hundred_thousand_decisions_of_buckets) {
  draws draw{1};
  load(quoin::redis_token_bucket({.rate = quoin::per_second(1)}).peek());
  std::uint64_t allowed = 0, refused = 0, decisions = 0;
  for (int round = 0; round < 700; ++round) {
    const auto options = random_quota(draw);
    const quoin::redis_token_bucket there(options, 1h);
    quoin::token_bucket<wall> here(options);
    const std::string key = "bucket:" + std::to_string(round);
    quoin::redis_time now(random_origin(draw));
    // As much time as brings back a token or two, on average.
    const std::uint64_t pace = 1 + 4 * static_cast<std::uint64_t>(options.rate.per.count()) /
                                       std::max<std::uint64_t>(options.rate.count, 1);
    for (int i = 0; i < 220; ++i) {
      const std::uint64_t kind = draw.below(100);
      if (kind < 60) now += nanoseconds(draw.sized(pace));
      if (kind == 60) now += nanoseconds(draw.sized(86'400'000'000'000 * 400));
      if (kind > 90)
        now -= nanoseconds(draw.sized(static_cast<std::uint64_t>(
            2 * std::min<std::int64_t>(options.max_backward_step.count(), 1'000'000'000))));
      if (kind == 61) now -= 2min;
      const std::uint64_t most = std::max<std::uint64_t>(here.options().burst, 1);
      const std::uint64_t cost =
          draw.below(3) != 0 ? 1 : draw.sized(draw.below(5) == 0 ? ~std::uint64_t{0} : most + 2);
      const std::string what = std::to_string(i) + " cost " + std::to_string(cost);
      const std::uint64_t verb = draw.below(20);
      if (verb < 14) {
        const auto d = here.try_acquire_at(now, cost);
        (d ? allowed : refused) += 1;
        ++decisions;
        ask(key, there.try_acquire_at(now, cost), d, "take " + what);
      } else if (verb == 14) {
        ask(key, there.peek_at(now, cost), here.peek_at(now, cost), "peek " + what);
      } else if (verb == 15) {
        ask(key, there.debit_at(now, cost), here.debit_at(now, cost), "debit " + what);
      } else if (verb < 18) {
        const nanoseconds wait =
            draw.below(3) == 0 ? quoin::never : nanoseconds(draw.sized(4 * pace));
        ask(key, there.reserve_at(now, cost, wait), here.reserve_at(now, cost, wait),
            "reserve " + what);
      } else if (verb == 18) {
        ask(key, there.acquire_up_to_at(now, cost), here.acquire_up_to_at(now, cost),
            "some " + what);
      } else {
        const std::uint64_t back = std::min(cost, most);
        ask(key, there.refund_at(now, back), here.peek_at(now, 0).remaining, "refund " + what);
        here.refund_at(now, back);
      }
    }
    if (round % 10 == 9) {
      ASSERT_TRUE(settle()) << round;
      ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
    }
  }
  EXPECT_GE(decisions, 100'000u);
  EXPECT_GT(allowed, decisions / 5);
  EXPECT_GT(refused, decisions / 5);
}

/// The decision of an oracle that counts in microseconds.
quoin::decision of_microseconds(quoin::decision d) {
  if (d.retry_after != quoin::never) d.retry_after *= 1000;
  d.reset_after *= 1000;
  return d;
}

/// Asks `there(options)` and `here(options)` the same, at times that go on.
template <class There, class Here>
std::uint64_t trace_of_windows(draws& draw, const std::string& name, std::uint64_t most,
                               There there, Here here, auto ask) {
  const std::int64_t per = 1 + static_cast<std::int64_t>(draw.sized(86'400'000'000 * 3));
  const std::uint64_t limit = draw.sized(most);
  const auto limiter = there(
      quoin::redis_window_options{.rate = {limit, std::chrono::microseconds(per)}, .keep = 1h});
  auto oracle = here(limit, per);
  std::int64_t now = random_origin(draw).count() / 1000;
  std::uint64_t allowed = 0;
  for (int i = 0; i < 150; ++i) {
    if (draw.below(3) != 0)
      now += static_cast<std::int64_t>(draw.sized(static_cast<std::uint64_t>(per) / 4));
    if (draw.below(30) == 0)
      now += static_cast<std::int64_t>(draw.sized(static_cast<std::uint64_t>(3 * per)));
    if (draw.below(30) == 0) now += per;
    const std::uint64_t cost = draw.below(2) == 0 ? 1 + limit / 8 : draw.sized(limit + 2);
    const quoin::redis_time time{std::chrono::microseconds(now)};
    const auto d = of_microseconds(oracle.try_acquire(now, cost));
    if (cost == 0 && !d.allowed) continue;  // nothing always passes, also when too much was kept
    allowed += d.allowed;
    // A remainder of a microsecond is none.
    ask(name, limiter.try_acquire_at(time + nanoseconds(draw.below(1000)), cost), d,
        std::to_string(i) + " cost " + std::to_string(cost));
  }
  return allowed;
}

TEST_F(redis_limiter_server, decisions_of_windows) {
  draws draw{2};
  load(quoin::redis_fixed_window({.rate = quoin::per_second(1)}).peek());
  load(quoin::redis_sliding_window({.rate = quoin::per_second(1)}).peek());
  load(quoin::redis_sliding_log({.rate = quoin::per_second(1)}).peek());
  const auto ask_of = [this](const auto&... arguments) { ask(arguments...); };
  std::uint64_t allowed = 0;
  for (int round = 0; round < 80; ++round) {
    const std::string number = std::to_string(round);
    const bool up = draw.below(2) == 0, refused = draw.below(2) == 0;
    allowed += trace_of_windows(
        draw, "fixed:" + number, std::uint64_t{1} << 52,
        [](const auto& options) { return quoin::redis_fixed_window(options); },
        [](std::uint64_t limit, std::int64_t per) { return fixed_window_oracle(limit, per); },
        ask_of);
    allowed += trace_of_windows(
        draw, "sliding:" + number, std::uint64_t{1} << 52,
        [&](const auto& options) { return quoin::redis_sliding_window(options, up); },
        [&](std::uint64_t limit, std::int64_t per) {
          return weighted_window_oracle(limit, per,
                                        up ? oracle_rounding::up : oracle_rounding::down);
        },
        ask_of);
    allowed += trace_of_windows(
        draw, "log:" + number, 60,
        [&](const auto& options) {
          return quoin::redis_sliding_log(options, {.closed = up, .keep_refused = refused});
        },
        [&](std::uint64_t limit, std::int64_t per) {
          return sliding_log_oracle(limit, per, {up, refused});
        },
        ask_of);
    if (round % 10 == 9) {
      ASSERT_TRUE(settle()) << round;
      ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
    }
  }
  EXPECT_GT(allowed, 10'000u);
}

/// As a limiter says it whose times are whole microseconds.
quoin::decision in_microseconds(quoin::decision d) {
  for (nanoseconds* const wait : {&d.retry_after, &d.reset_after}) {
    if (*wait != quoin::never) *wait = std::chrono::ceil<std::chrono::microseconds>(*wait);
  }
  return d;
}

/// All verbs of windows, at times that go back, too, if the server can tell what was before.
template <class There, class Here>
void verbs_of_windows(draws& draw, const std::string& name, bool back, const There& there,
                      Here& here, auto ask) {
  const auto per = static_cast<std::uint64_t>(here.options().rate.per / 1us);
  const std::uint64_t limit = here.options().rate.count;
  quoin::redis_time now(std::chrono::floor<std::chrono::microseconds>(random_origin(draw)));
  const auto steps = [&](std::uint64_t most) {
    return std::chrono::microseconds(draw.sized(most));
  };
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t kind = draw.below(100), verb = draw.below(10);
    if (kind < 60) now += steps(per / 8);
    if (kind == 60) now += steps(4 * per);
    if (back && kind > 92) now -= steps(per);
    if (back && kind == 61) now -= steps(4 * per);
    const std::uint64_t cost = draw.below(2) == 0 ? 1 + limit / 8 : draw.sized(limit + 2);
    const std::string what = std::to_string(i) + " cost " + std::to_string(cost);
    if (verb < 6) {
      ask(name, there.try_acquire_at(now, cost), in_microseconds(here.try_acquire_at(now, cost)),
          "take " + what);
    } else if (verb == 6) {
      ask(name, there.peek_at(now, cost), in_microseconds(here.peek_at(now, cost)), "peek " + what);
    } else if (verb < 9) {
      ask(name, there.acquire_up_to_at(now, cost), here.acquire_up_to_at(now, cost),
          "some " + what);
    } else {
      ask(name, there.refund_at(now, cost), here.peek_at(now, 0).remaining, "refund " + what);
      here.refund_at(now, cost);
    }
  }
}

TEST_F(redis_limiter_server, all_verbs_of_windows) {
  draws draw{3};
  load(quoin::redis_fixed_window({.rate = quoin::per_second(1)}).peek());
  load(quoin::redis_sliding_window({.rate = quoin::per_second(1)}).peek());
  load(quoin::redis_sliding_log({.rate = quoin::per_second(1)}).peek());
  const auto ask_of = [this](const auto&... arguments) { ask(arguments...); };
  for (int round = 0; round < 50; ++round) {
    const quoin::redis_window_options options{
        .rate = {draw.sized(std::uint64_t{1} << 52),
                 std::chrono::microseconds(1 + draw.sized(86'400'000'000))},
        .offset = std::chrono::microseconds(draw.sized(1'000'000'000)) - 500s,
        .max_backward_step = std::chrono::microseconds(draw.sized(100'000'000)),
        .keep = 1h};
    const bool up = draw.below(2) == 0;
    quoin::fixed_window<wall> fixed({.rate = options.rate,
                                     .offset = options.offset,
                                     .max_backward_step = options.max_backward_step});
    verbs_of_windows(draw, "fixed:" + std::to_string(round), true,
                     quoin::redis_fixed_window(options), fixed, ask_of);
    quoin::sliding_window<wall> sliding({.rate = options.rate,
                                         .fractions = up ? quoin::weight::up : quoin::weight::down,
                                         .offset = options.offset,
                                         .max_backward_step = options.max_backward_step});
    verbs_of_windows(draw, "sliding:" + std::to_string(round), true,
                     quoin::redis_sliding_window(options, up), sliding, ask_of);
    const bool refused = draw.below(2) == 0;
    const quoin::redis_window_options small{.rate = {options.rate.count % 50, options.rate.per},
                                            .keep = 1h};
    quoin::sliding_log<wall> log({.rate = small.rate,
                                  .edge = up ? quoin::log_edge::closed : quoin::log_edge::open,
                                  .keep_refused = refused});
    verbs_of_windows(draw, "log:" + std::to_string(round), false,
                     quoin::redis_sliding_log(small, {.closed = up, .keep_refused = refused}), log,
                     ask_of);
    if (round % 10 == 9) {
      ASSERT_TRUE(settle()) << round;
      ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
    }
  }
}

// --- how a server is used -------------------------------------------------------------------------

TEST_F(redis_limiter_server, runs_scripts_by_name_once_it_has_them) {
  const auto question = quoin::redis_token_bucket({.rate = quoin::per_hour(1)}).try_acquire();
  send("EVALSHA", question.sha1(), question, "k");
  const redis_reply missing = server_->receive();
  EXPECT_EQ(missing.type, '-');
  EXPECT_TRUE(quoin::is_redis_no_script(missing.text)) << missing.text;
  send("EVAL", question.script(), question, "k");
  EXPECT_TRUE(question.answer_of(receive()).value().allowed);
  send("EVALSHA", question.sha1(), question, "k");
  const auto refused = question.answer_of(receive()).value();  // within an hour, by its own clock
  EXPECT_FALSE(refused.allowed);
  EXPECT_GT(refused.retry_after, 0s);
  EXPECT_LE(refused.retry_after, 1h);
}

TEST_F(redis_limiter_server, tells_the_time) {
  const quoin::redis_window_options hour{.rate = quoin::per_hour(3)};
  const quoin::redis_fixed_window fixed(hour);
  const quoin::redis_sliding_window sliding(hour, true);
  const quoin::redis_sliding_log log(hour);
  const auto count = [](const auto& limiter, const std::string& key) {
    int allowed = 0;
    for (int i = 0; i < 5; ++i) {
      const auto question = limiter.try_acquire();
      send("EVAL", question.script(), question, key);
      allowed += question.answer_of(receive()).value().allowed;
    }
    return allowed;
  };
  EXPECT_GE(count(fixed, "fixed"), 3);  // four or five when an hour begins meanwhile
  EXPECT_EQ(count(sliding, "sliding"), 3);
  EXPECT_EQ(count(log, "log"), 3);
}

/// Milliseconds until the server drops the key, -1 for never, -2 if it does not have it.
std::int64_t time_to_live(redis_server& server, std::string_view key) {
  return server.call({"PTTL", key}).integer;
}

// A quota that is full again within a second is kept all the same, and no key for ever.
TEST_F(redis_limiter_server, keeps_keys_as_long_as_they_count) {
  const quoin::redis_time now(1'700'000'000s);
  const auto take = [&](const auto& limiter, const std::string& key, std::uint64_t cost) {
    const auto question = limiter.try_acquire_at(now, cost);
    send("EVAL", question.script(), question, key);
    EXPECT_TRUE(question.answer_of(receive()).value().allowed) << key;
    return time_to_live(*server_, key);
  };
  using namespace quoin;
  const auto within = [](std::int64_t ms, std::int64_t from, std::int64_t to) {
    return ms >= from && ms <= to;
  };
  EXPECT_TRUE(within(take(redis_token_bucket({.rate = {6000, 1s}, .burst = 6001}, 10s), "a", 1),
                     5'000, 10'001));
  EXPECT_TRUE(within(take(redis_token_bucket({.rate = {1, 100s}}, 0s), "b", 1), 50'000, 100'000));
  EXPECT_EQ(take(redis_token_bucket({.rate = {0, 1s}, .burst = 3}), "c", 1), -1);
  EXPECT_TRUE(
      within(take(redis_fixed_window({.rate = {5, 7s}, .keep = 60s}), "d", 1), 30'000, 67'001));
  EXPECT_TRUE(
      within(take(redis_sliding_window({.rate = {5, 7s}, .keep = 60s}), "e", 1), 30'000, 74'001));
  EXPECT_TRUE(
      within(take(redis_sliding_log({.rate = {5, 7s}, .keep = 60s}), "f", 2), 30'000, 67'002));
  const auto full = redis_token_bucket({.rate = {1, 1s}}, 0ms).refund_at(now);
  send("EVAL", full.script(), full, "g");
  EXPECT_EQ(full.answer_of(receive()).value(), 1u);
  std::this_thread::sleep_for(5ms);
  EXPECT_EQ(time_to_live(*server_, "g"), -2);
}

TEST_F(redis_limiter_server, says_when_a_key_is_something_else) {
  const quoin::redis_window_options second{.rate = quoin::per_second(1)};
  const auto refused = [](const quoin::redis_command& question, const std::string& key,
                          std::string_view error) {
    send("EVAL", question.script(), question, key);
    const redis_reply reply = server_->receive();
    EXPECT_EQ(reply.type, '-') << key;
    EXPECT_NE(reply.text.find(error), std::string::npos) << reply.text;
  };
  ASSERT_EQ(server_->call({"SET", "text", "12"}).text, "OK");
  ASSERT_EQ(server_->call({"LPUSH", "list", "12"}).integer, 1);
  const auto bucket = quoin::redis_token_bucket({.rate = quoin::per_second(1)}).try_acquire();
  refused(bucket, "text", "not a bucket");
  refused(bucket, "list", "WRONGTYPE");
  refused(quoin::redis_fixed_window(second).try_acquire(), "text", "not a window");
  refused(quoin::redis_sliding_window(second).try_acquire(), "text", "not a sliding window");
  refused(quoin::redis_sliding_log(second).try_acquire(), "text", "WRONGTYPE");
}

// Another quota: the bucket is full again when it would have been.
TEST_F(redis_limiter_server, takes_another_quota) {
  const quoin::redis_time now(1'700'000'000s);
  const auto at = [&](const quoin::token_bucket_options& options, std::uint64_t cost) {
    const auto question = quoin::redis_token_bucket(options, 1h).try_acquire_at(now, cost);
    send("EVAL", question.script(), question, "k");
    return question.answer_of(receive()).value();
  };
  EXPECT_EQ(at({.rate = {1, 1s}, .burst = 10}, 4).reset_after, 4s);
  EXPECT_EQ(at({.rate = {3, 2s}, .burst = 10}, 0).reset_after, 4s);
  const auto more = at({.rate = {3, 2s}, .burst = 10}, 1);
  EXPECT_EQ(more.remaining, 3u);  // six in four seconds, and one
  EXPECT_EQ(more.reset_after, 4'666'666'667ns);
  EXPECT_EQ(at({.rate = {0, 1s}, .burst = 10}, 1).reason, quoin::limit_reason::no_rate);
}

TEST_F(redis_limiter_server, looks_takes_some_and_gives_back) {
  const quoin::redis_window_options ten{.rate = {10, 60s}, .keep = 1h};
  const auto trace = [](const auto& limiter, const std::string& key) {
    quoin::redis_time now(1'700'000'000s);
    const auto ask = [&](const auto& question) {
      send("EVAL", question.script(), question, key);
      return question.answer_of(receive()).value();
    };
    EXPECT_EQ(ask(limiter.peek_at(now, 10)).remaining, 10u) << key;
    EXPECT_EQ(time_to_live(*server_, key), -2) << key;
    EXPECT_EQ(ask(limiter.acquire_up_to_at(now, 7)), 7u) << key;
    EXPECT_EQ(ask(limiter.acquire_up_to_at(now, 7)), 3u) << key;
    EXPECT_EQ(ask(limiter.acquire_up_to_at(now, 7)), 0u) << key;
    EXPECT_FALSE(ask(limiter.peek_at(now, 1)).allowed) << key;
    EXPECT_EQ(ask(limiter.refund_at(now, 4)), 0u) << key;
    EXPECT_EQ(ask(limiter.peek_at(now, 1)).remaining, 4u) << key;
    EXPECT_EQ(ask(limiter.refund_at(now, 100)), 4u) << key;
    EXPECT_EQ(ask(limiter.try_acquire_at(now, 9)).remaining, 1u) << key;
    // A clock that went back a little brings nothing back, …
    EXPECT_EQ(ask(limiter.peek_at(now - 50s, 1)).remaining, 1u) << key;
    EXPECT_TRUE(ask(limiter.try_acquire_at(now - 50s, 1)).allowed) << key;
    EXPECT_FALSE(ask(limiter.try_acquire_at(now, 1)).allowed) << key;
    // … and one that was set back goes on from there.
    now -= 24h;
    EXPECT_FALSE(ask(limiter.try_acquire_at(now, 1)).allowed) << key;
    EXPECT_LE(ask(limiter.peek_at(now, 1)).retry_after, 120s) << key;
    EXPECT_TRUE(ask(limiter.try_acquire_at(now + 120s, 10)).allowed) << key;
  };
  trace(quoin::redis_fixed_window(ten), "fixed");
  trace(quoin::redis_sliding_window(ten), "sliding");
  trace(quoin::redis_sliding_log(ten), "log");
  trace(quoin::redis_sliding_log(ten, {.closed = true, .keep_refused = false}), "closed log");
}

}  // namespace

#else

TEST(redis_limiter_server, decides_as_here) { GTEST_SKIP() << "needs x86-64 without emulation"; }

#endif
