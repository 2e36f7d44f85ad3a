// SPDX-License-Identifier: BSL-1.0
// Atomic limiters under every order of the atomic operations of two or three threads: what they
// answer, and what is left at the end, is what the value form says of some order of whole requests.
// So no more passes than may, nothing that was given back is lost, and a new quota is taken by all.
#include "support/interleave.hpp"

#include <quoin/limit/concurrency_limiter.hpp>
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/sliding_log.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace {

using quoin::inherit;
using quoin_test::explore;
using quoin_test::interleaved_atomic;
using quoin_test::interleaver;
using quoin_test::interleaving_options;
using clock_type = quoin::manual_clock;

const clock_type epoch;

clock_type::time_point at(std::int64_t now) {
  return clock_type::time_point(std::chrono::nanoseconds(now));
}

enum class verb { acquire, up_to, refund, debit, reserve, peek, reset, reconfigure };

template <class Options>
struct request {
  verb what;
  std::int64_t now = 0;
  std::uint64_t cost = 1;
  Options to{};
  inherit how = inherit::tokens;
};

// Where code is slow, the first orders of a third of the pairs will do.
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
constexpr bool slow = false;
#else
constexpr bool slow = true;
#endif
constexpr std::size_t every_so_many = slow ? 3 : 1;
constexpr std::uint64_t most_runs = slow ? 300 : 20'000;

/// All that an answer says.
using answer = std::array<std::int64_t, 6>;

answer words(const quoin::decision& d) {
  return {d.allowed,
          static_cast<std::int64_t>(d.reason),
          static_cast<std::int64_t>(d.limit),
          static_cast<std::int64_t>(d.remaining),
          d.retry_after.count(),
          d.reset_after.count()};
}

template <class Limiter, class Options>
answer apply(Limiter& limiter, const request<Options>& r) {
  switch (r.what) {
    case verb::acquire:
      return words(limiter.try_acquire_at(at(r.now), r.cost));
    case verb::peek:
      return words(limiter.peek_at(at(r.now), r.cost));
    case verb::debit:
      if constexpr (requires { limiter.debit_at(at(0), 1); }) {
        return words(limiter.debit_at(at(r.now), r.cost));
      }
      return {};
    case verb::up_to:
      return {static_cast<std::int64_t>(limiter.acquire_up_to_at(at(r.now), r.cost))};
    case verb::refund:
      limiter.refund_at(at(r.now), r.cost);
      return {};
    case verb::reset:
      limiter.reset();
      return {};
    case verb::reconfigure:
      if constexpr (requires { limiter.reconfigure_at(at(0), r.to); }) {
        limiter.reconfigure_at(at(r.now), r.to, r.how);
      }
      return {};
    case verb::reserve:
      break;
  }
  if constexpr (requires { limiter.reserve_at(at(0)); }) {
    const quoin::reservation granted = limiter.reserve_at(at(r.now), r.cost);
    return {granted.granted, static_cast<std::int64_t>(granted.reason), granted.wait.count()};
  }
  return {};
}

/// The answers of each thread, one after the other, and to a last look.
using outcome = std::vector<std::vector<answer>>;

template <class Limiter, class Options>
outcome finished(const Limiter& limiter, outcome answers, std::int64_t end) {
  answers.push_back({words(limiter.peek_at(at(end), 1)), words(limiter.peek_at(at(end), 0))});
  return answers;
}

/// The outcomes of whole requests in every order that keeps that of each thread.
template <class Limiter, class Options>
void one_after_the_other(const Limiter& limiter,
                         const std::vector<std::vector<request<Options>>>& threads,
                         const outcome& answers, std::int64_t end, std::set<outcome>& all) {
  bool done = true;
  for (std::size_t t = 0; t < threads.size(); ++t) {
    if (answers[t].size() == threads[t].size()) continue;
    done = false;
    Limiter next = limiter;
    outcome more = answers;
    more[t].push_back(apply(next, threads[t][answers[t].size()]));
    one_after_the_other(next, threads, more, end, all);
  }
  if (done) all.insert(finished<Limiter, Options>(limiter, answers, end));
}

/// Whether nothing more passed in `some` than in one of `all`.
bool no_more_passed(const outcome& some, const std::set<outcome>& all) {
  for (const outcome& other : all) {
    bool less = true;
    for (std::size_t t = 0; t + 1 < some.size(); ++t) {
      for (std::size_t i = 0; i < some[t].size(); ++i) less &= some[t][i][0] <= other[t][i][0];
    }
    if (less) return true;
  }
  return false;
}

/// How much was looked at, of all tests.
std::uint64_t orders = 0;

/// @tparam Exact  every field counts, and what is left at the end; else less may pass.
template <class Value, class Shared, bool Exact, class Options>
void expect_some_order(const char* name, const Options& options,
                       const std::vector<request<Options>>& before,
                       const std::vector<std::vector<request<Options>>>& threads,
                       const interleaving_options& how) {
  std::int64_t end = 0;
  for (const auto& thread : threads) {
    for (const auto& r : thread) end = r.now > end ? r.now : end;
  }
  std::set<outcome> permitted, seen;
  Value begin(options, epoch);
  for (const auto& r : before) apply(begin, r);
  one_after_the_other(begin, threads, outcome(threads.size()), end, permitted);
  const auto result = explore(how, [&](interleaver& run) {
    Shared limiter(options, epoch);
    for (const auto& r : before) apply(limiter, r);
    outcome answers(threads.size());
    const auto body = [&](std::size_t t) {
      for (const auto& r : threads[t]) answers[t].push_back(apply(limiter, r));
    };
    if (threads.size() == 2) {
      run({[&] { body(0); }, [&] { body(1); }});
    } else {
      run({[&] { body(0); }, [&] { body(1); }, [&] { body(2); }});
    }
    seen.insert(finished<Shared, Options>(limiter, answers, end));
  });
  orders += result.orders;
  EXPECT_TRUE(slow || result.complete) << name << ": more than " << result.orders << " orders";
  for (const outcome& o : seen) {
    if (Exact ? permitted.count(o) != 0 : no_more_passed(o, permitted)) continue;
    std::string text;
    for (const auto& thread : o) {
      text += "\n ";
      for (const answer& a : thread) {
        for (const std::int64_t word : a) text += ' ' + std::to_string(word);
        text += ';';
      }
    }
    ADD_FAILURE() << name << ": no order of whole requests gives" << text;
    return;
  }
  ::testing::Test::RecordProperty(name, std::to_string(result.orders) + " orders, " +
                                            std::to_string(seen.size()) + " outcomes");
}

/// What every limiter is put through: each two requests at once on a limiter that is full, and on
/// one that is nearly empty; and some longer stories. `more` and `less` are quotas to change to.
template <class Value, class Shared, bool Exact = true, class Options>
void race(const Options& quota, const Options& more, const Options& less, std::int64_t later) {
  using r = request<Options>;
  const r one{verb::acquire, 0, 1}, two{verb::acquire, 0, 2}, next{verb::acquire, later, 2};
  std::vector<r> all{one, two, next, r{verb::up_to, 0, 2}, r{verb::refund, 0, 2}, r{verb::reset}};
  if constexpr (requires(Value & v) { v.debit_at(at(0), 1); }) all.push_back({verb::debit, 0, 4});
  if constexpr (requires(Value & v) { v.reserve_at(at(0)); }) all.push_back({verb::reserve, 0, 2});
  constexpr bool reconfigures = requires(Value & v, const Options& o) {
    v.reconfigure_at(at(0), o);
  };
  if constexpr (reconfigures) {
    all.push_back({verb::reconfigure, 0, 0, more, inherit::share});
    all.push_back({verb::reconfigure, 0, 0, less, inherit::tokens});
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i; j < all.size(); j += every_so_many) {
      const std::string name = std::to_string(i) + " and " + std::to_string(j);
      const auto run = [&](const std::vector<r>& before, const char* when) {
        expect_some_order<Value, Shared, Exact>((name + when).c_str(), quota, before,
                                                {{all[i]}, {all[j]}},
                                                {.spurious_failures = 1, .most_runs = most_runs});
      };
      run({two}, ", not full");
      if (i < 3) run({}, ", full");
    }
  }
  const r grow{verb::reconfigure, 0, 0, more}, shrink{verb::reconfigure, 0, 0, less};
  const auto run = [&](const char* name, const std::vector<r>& before,
                       const std::vector<std::vector<r>>& threads) {
    expect_some_order<Value, Shared, Exact>(name, quota, before, threads, {.most_runs = most_runs});
  };
  run("two and one", {one}, {{one, one}, {one}});
  if constexpr (Exact) run("three", {one}, {{one}, {one}, {one}});
  run("refund", {}, {{two, r{verb::refund, 0, 2}}, {two}});
  run("clocks that differ", {one}, {{next}, {r{verb::acquire, 2 * later, 1}}});
  if constexpr (!reconfigures) return;
  run("two quotas", {one}, {{one}, {grow, shrink}});
  run("one quota, two requests", {one}, {{one, two}, {grow}});
}

TEST(Interleavings, FixedWindow) {
  using options = quoin::fixed_window_options;
  const auto per = std::chrono::nanoseconds(10);
  race<quoin::fixed_window<clock_type>, quoin::atomic_fixed_window<clock_type, interleaved_atomic>>(
      options{.rate = {3, per}}, options{.rate = {5, 2 * per}}, options{.rate = {1, per}}, 10);
}

TEST(Interleavings, SlidingWindow) {
  using options = quoin::sliding_window_options;
  const auto per = std::chrono::nanoseconds(10);
  race<quoin::sliding_window<clock_type>,
       quoin::atomic_sliding_window<clock_type, interleaved_atomic>>(
      options{.rate = {3, per}}, options{.rate = {5, 2 * per}}, options{.rate = {1, per}}, 15);
}

/// While one thread has taken its cells and not yet written its time there, others see less room: of
/// two that would both pass one after the other, one may be refused.
TEST(Interleavings, SlidingLog) {
  using options = quoin::sliding_log_options;
  const auto per = std::chrono::nanoseconds(10);
  race<quoin::sliding_log<clock_type>, quoin::atomic_sliding_log<clock_type, interleaved_atomic>,
       false>(options{.rate = {3, per}}, options{.rate = {5, 2 * per}}, options{.rate = {1, per}},
              15);
}

using shared_bucket = quoin::atomic_token_bucket<clock_type, interleaved_atomic>;
using bucket = quoin::token_bucket<clock_type>;
using bucket_options = quoin::token_bucket_options;

TEST(Interleavings, TokenBucket) {
  const auto per = std::chrono::nanoseconds(5);
  race<bucket, shared_bucket>(bucket_options{.rate = {1, per}, .burst = 3},
                              bucket_options{.rate = {2, per}, .burst = 5},
                              bucket_options{.rate = {3, 7 * per}, .burst = 1}, 10);
}

/// Times so far apart that the word cannot tell both from one base.
TEST(Interleavings, TokenBucketThatMovesItsBase) {
  const std::int64_t far = 200'000'000;
  const bucket_options quota{.rate = quoin::per_second(999'999'937), .burst = 3};
  using r = request<bucket_options>;
  const r now{verb::acquire, 0, 2}, later{verb::acquire, far, 2}, latest{verb::acquire, 2 * far, 3},
      back{verb::refund, far, 2};
  const auto run = [&](const char* name, const std::vector<std::vector<r>>& threads) {
    expect_some_order<bucket, shared_bucket, true>(name, quota, {}, threads,
                                                   {.most_runs = most_runs});
  };
  run("both", {{later}, {later}});
  run("one still before", {{now}, {later}});
  run("to two bases", {{later}, {latest}});
  run("refund", {{back}, {later}});
  run("quota",
      {{later},
       {r{verb::reconfigure, far, 0, {.rate = {1, std::chrono::seconds(1)}, .burst = 2}}}});
}

/// Two limits at once: what is given back is all there again, and each keeps its promise.
TEST(Interleavings, MultiLimiter) {
  const bucket_options two{.rate = {0, std::chrono::nanoseconds(1)}, .burst = 2};
  const bucket_options three{.rate = {0, std::chrono::nanoseconds(1)}, .burst = 3};
  std::set<std::uint64_t> totals;
  const auto result = explore({.most_runs = most_runs}, [&](interleaver& run) {
    shared_bucket a(two, epoch), b(three, epoch);
    bool passed[2] = {};
    run({[&] { passed[0] = quoin::limit_path(a, b).try_acquire_at(at(0), 2).allowed; },
         [&] { passed[1] = quoin::limit_path(b, a).try_acquire_at(at(0), 2).allowed; }});
    const std::uint64_t total = 2 * (std::uint64_t{passed[0]} + std::uint64_t{passed[1]});
    EXPECT_LE(total, 2u);
    EXPECT_EQ(a.peek_at(at(0)).remaining, 2 - total);
    EXPECT_EQ(b.peek_at(at(0)).remaining, 3 - total);
    totals.insert(total);
  });
  EXPECT_TRUE(slow || result.complete);
  // One passes, or each found the other's half: the transient that the header tells of.
  EXPECT_TRUE(slow || totals == (std::set<std::uint64_t>{0, 2}));
  orders += result.orders;
}

/// Two that would be in flight where one may, twice each: never both, and not none.
TEST(Interleavings, ConcurrencyLimiter) {
  const auto result =
      explore({.spurious_failures = 1, .most_runs = most_runs}, [](interleaver& run) {
        quoin::basic_atomic_concurrency_limiter<interleaved_atomic> limiter(1);
        std::uint64_t inside = 0, passed = 0;
        const auto one = [&] {
          auto permit = limiter.try_acquire();
          inside += permit.cost();
          passed += permit.cost();
          EXPECT_LE(inside, 1u);
          EXPECT_GE(limiter.in_flight(), inside);  // others may come before this is read
          inside -= permit.cost();
        };
        const auto twice = [&] { one(), one(); };
        run({twice, twice});
        EXPECT_GE(passed, 2u);
        EXPECT_EQ(limiter.in_flight(), 0u);
      });
  EXPECT_TRUE(slow || result.complete);
  orders += result.orders;
}

TEST(Interleavings, ThatWasMuch) {
  RecordProperty("orders", std::to_string(orders));
  EXPECT_GT(orders, slow ? 1'000u : 100'000u);
}

}  // namespace
