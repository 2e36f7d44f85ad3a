// SPDX-License-Identifier: BSL-1.0
// A request's beginning and end, beside the textbook's form: a lock around nginx' loop over the nodes.
#include <quoin/placement/balancer.hpp>

#include "bench_support.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace {

using namespace quoin_bench;

class textbook {
 public:
  explicit textbook(std::size_t n) : wealth_(n), in_flight_(n) {}

  std::size_t begin() {
    const std::lock_guard lock(mutex_);
    std::size_t richest = 0;
    for (std::size_t i = 0; i < wealth_.size(); ++i) {
      if (++wealth_[i] > wealth_[richest]) richest = i;
    }
    wealth_[richest] -= static_cast<std::int64_t>(wealth_.size());
    ++in_flight_[richest];
    return richest;
  }
  void end(std::size_t index) {
    const std::lock_guard lock(mutex_);
    --in_flight_[index];
  }

 private:
  std::mutex mutex_;
  std::vector<std::int64_t> wealth_;
  std::vector<std::size_t> in_flight_;
};

void request(benchmark::State& state, quoin::balance policy) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<quoin::weighted_node<std::string>> nodes;
  for (auto& name : node_names(n)) nodes.push_back({name, 1});
  quoin::balancer<> all(nodes, {.policy = policy});
  textbook other(n);
  constexpr std::size_t requests = 2000;
  run_against(
      state, requests,
      [&] {
        for (std::size_t i = 0; i < requests; ++i) {
          const auto lease = all.acquire();
          benchmark::DoNotOptimize(lease.index());
        }
      },
      [&] {
        for (std::size_t i = 0; i < requests; ++i) other.end(other.begin());
      });
}
BENCHMARK_CAPTURE(request, round_robin, quoin::balance::round_robin)->Apply(node_counts);
BENCHMARK_CAPTURE(request, weighted_round_robin, quoin::balance::weighted_round_robin)
    ->Apply(node_counts);
BENCHMARK_CAPTURE(request, least_connections, quoin::balance::least_connections)
    ->Apply(node_counts);
BENCHMARK_CAPTURE(request, two_choices, quoin::balance::two_choices)->Apply(node_counts);

}  // namespace

BENCHMARK_MAIN();
