// SPDX-License-Identifier: BSL-1.0
// What it takes to find the rule of a request with two entries among many, and to write its key.
#include <quoin/limit/rules.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace {

quoin::limit_rules rules_of(std::size_t n) {
  std::vector<quoin::limit_rule> users;
  for (std::size_t i = 0; i < n; ++i) {
    users.push_back({.key = "user",
                     .value = "user-" + std::to_string(i * 7919 % n),
                     .limit = quoin::per_second(10)});
  }
  users.push_back({.key = "user", .limit = quoin::per_second(1)});
  std::vector<quoin::limit_rule> top;
  top.push_back({.key = "endpoint", .value = "/v1/messages", .rules = std::move(users)});
  return quoin::limit_rules("api", std::move(top));
}

void match(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const quoin::limit_rules rules = rules_of(n);
  std::vector<std::string> users;
  for (std::size_t i = 0; i < 64; ++i) users.push_back("user-" + std::to_string(i * 31 % (2 * n)));
  std::size_t i = 0;
  for (auto _ : state) {
    const quoin::rule_entry request[] = {{"endpoint", "/v1/messages"}, {"user", users[i++ % 64]}};
    benchmark::DoNotOptimize(rules.match(request));
  }
}
BENCHMARK(match)->Arg(1)->Arg(100)->Arg(5000);

void key(benchmark::State& state) {
  const quoin::limit_rules rules = rules_of(1);
  const quoin::rule_entry request[] = {{"endpoint", "/v1/messages"}, {"user", "user-12345"}};
  for (auto _ : state) benchmark::DoNotOptimize(rules.key_of(request));
}
BENCHMARK(key);

}  // namespace

BENCHMARK_MAIN();
