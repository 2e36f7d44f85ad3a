// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: may it pass? Queries to the directory, limited for each client and for all.
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/sliding_log.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using namespace std::chrono_literals;
using clock = quoin::manual_clock;
using times = std::vector<clock::time_point>;

constexpr std::size_t seconds_told = 60;

/// `n` queries, evenly from `begin` to `end`.
void add(times& trace, std::chrono::nanoseconds begin, std::chrono::nanoseconds end, int n) {
  for (int i = 0; i < n; ++i) trace.emplace_back(begin + (end - begin) * i / n);
}

/// A minute of one client: calm, two bursts about an edge of windows, a flood, a last burst.
times one_bursty_minute() {
  times trace;
  add(trace, 0s, 15s, 45);
  add(trace, 19500ms, 20s, 40);
  add(trace, 20s, 20500ms, 40);
  add(trace, 30s, 48s, 180);
  add(trace, 55s, 55100ms, 60);
  return trace;
}

/// One letter for each second; a full block is 16 queries or more.
std::string line(const times& trace) {
  static const char* const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<std::size_t> counts(seconds_told);
  for (const auto t : trace) {
    ++counts[static_cast<std::size_t>(t.time_since_epoch() / std::chrono::seconds(1))];
  }
  std::string text;
  for (const std::size_t n : counts) text += blocks[std::min<std::size_t>((n + 1) / 2, 8)];
  return text;
}

/// The most of `trace` in any time that is `span` long.
std::size_t most_within(const times& trace, std::chrono::nanoseconds span) {
  std::size_t first = 0, most = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    while (trace[i] - trace[first] >= span) ++first;
    most = std::max(most, i - first + 1);
  }
  return most;
}

/// Asks `limiter` for each query of `trace` and draws what it answers.
template <class Limiter>
void tell(const char* name, Limiter limiter, const times& trace, std::size_t promised) {
  times allowed, denied;
  for (const auto now : trace) {
    const quoin::decision d = limiter.try_acquire_at(now);
    (d ? allowed : denied).push_back(now);
    if (d) continue;
    require(limiter.peek_at(now + d.retry_after).allowed, "who waits as told is let in");
    require(!limiter.peek_at(now + d.retry_after - 1ns).allowed, "no shorter wait would do");
  }
  const std::size_t most = most_within(allowed, 10s);
  std::printf("  %-15s %s %4zu, %2zu in 10 s\n", name, line(allowed).c_str(), allowed.size(), most);
  std::printf("  %-15s %s %4zu\n", "   denied", line(denied).c_str(), denied.size());
  require(most <= promised, "no more in any ten seconds than promised");
}

void tell_algorithms() {
  section("Forty in ten seconds  limiter.try_acquire_at(now); allowed, and the most in any 10 s");
  const clock epoch;
  const times trace = one_bursty_minute();
  const quoin::rate forty{40, 10s};
  std::printf("  %-15s %s %4zu\n\n", "queries", line(trace).c_str(), trace.size());
  tell("token_bucket", quoin::token_bucket({.rate = forty, .burst = 10}, epoch), trace, 50);
  tell("fixed_window", quoin::fixed_window({.rate = forty}, epoch), trace, 80);
  tell("sliding_window", quoin::sliding_window({.rate = forty}, epoch), trace, 80);
  tell("sliding_log", quoin::sliding_log({.rate = forty}, epoch), trace, 40);
  std::puts(
      "\n  The bucket lets ten at once and then four a second; the fixed window lets twice its");
  std::puts(
      "  limit over the edge at 20 s; the sliding one remembers the window before, the log all times.");
}

/// Each country is a client and asks as often as it has towns; all share the service.
void tell_clients(const std::vector<place>& places) {
  section("Each client and all of them  quoin::limit_path(client, service).try_acquire_at(now)");
  struct account {
    quoin::token_bucket<clock> bucket;
    std::uint64_t passed = 0, by_client = 0, by_service = 0;
  };
  const clock epoch;
  quoin::token_bucket service({.rate = quoin::per_second(1000), .burst = 100}, epoch);
  std::map<std::string, account> clients;
  clock::time_point now{};
  for (const place& p : places) {
    now += 500us;  // two thousand queries a second
    auto& client = clients.try_emplace(p.country, account{{{.rate = quoin::per_second(50)}, epoch}})
                       .first->second;
    const auto d = quoin::limit_path(client.bucket, service).try_acquire_at(now);
    ++(d ? client.passed : d.index == 0 ? client.by_client : client.by_service);
  }
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  std::uint64_t passed = 0;
  std::vector<const decltype(clients)::value_type*> rows;
  for (const auto& row : clients) {
    passed += row.second.passed;
    rows.push_back(&row);
    require(static_cast<double>(row.second.passed) <= 50 + 50 * seconds,
            "no client above its rate");
  }
  require(static_cast<double>(passed) <= 100 + 1000 * seconds, "no more than the service bears");
  std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
    const auto asked = [](const account& c) { return c.passed + c.by_client + c.by_service; };
    return asked(a->second) > asked(b->second);
  });
  std::printf("  %s queries in %.1f s, %s passed. The clients that ask most:\n",
              grouped(places.size()).c_str(), seconds, grouped(passed).c_str());
  std::puts("  client   passed   over its 50 a second   over the 1000 of all");
  for (std::size_t i = 0; i < 5 && i < rows.size(); ++i) {
    const account& c = rows[i]->second;
    std::printf("  %-6s   %6s   %20s   %20s\n", rows[i]->first.c_str(), grouped(c.passed).c_str(),
                grouped(c.by_client).c_str(), grouped(c.by_service).c_str());
  }
}

}  // namespace

void may_it_pass(const std::vector<place>& places) {
  chapter("May it pass?",
          "quoin::token_bucket, fixed_window, sliding_window, sliding_log, multi_limiter");
  std::puts("\nA client whose queries come in bursts, under limits of several kinds.");
  tell_algorithms();
  tell_clients(places);
}

}  // namespace city_directory
