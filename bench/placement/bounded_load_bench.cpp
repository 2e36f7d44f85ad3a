// SPDX-License-Identifier: BSL-1.0
// A token taken and given back, while others are held, beside the textbook's form: a lock, a map of
// loads by node, and the next node in order when one is full.
#include <quoin/placement/bounded_load.hpp>

#include <quoin/placement/maglev_table.hpp>

#include "bench_support.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using namespace quoin_bench;

constexpr double epsilon = 0.1;

quoin::maglev_table<> nodes(std::size_t n) {
  std::vector<quoin::weighted_node<std::string>> all;
  for (auto& name : node_names(n)) all.push_back({name, 1});
  return quoin::maglev_table<>(all);
}

class textbook {
 public:
  explicit textbook(const quoin::maglev_table<>& table) : table_(table) {}

  std::string acquire(std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    ++total_;
    const auto most = static_cast<std::size_t>(std::ceil(
        (1 + epsilon) * static_cast<double>(total_) / static_cast<double>(table_.size())));
    for (std::size_t i = table_.owner_index_of_hash(hash);; i = (i + 1) % table_.size()) {
      const std::string& node = table_.nodes()[i];
      if (loads_[node] < most) return ++loads_[node], node;
    }
  }
  void release(const std::string& node) {
    const std::lock_guard lock(mutex_);
    --total_;
    --loads_[node];
  }

 private:
  std::mutex mutex_;
  const quoin::maglev_table<>& table_;
  std::unordered_map<std::string, std::size_t> loads_;
  std::size_t total_ = 0;
};

void acquire_and_release(benchmark::State& state) {
  const auto hashes = random_hashes(1 << 13);
  const auto table = nodes(static_cast<std::size_t>(state.range(0)));
  quoin::bounded_load<quoin::maglev_table<>> load(table, {.epsilon = epsilon});
  textbook other(table);
  for (std::size_t i = 0; i < 10'000; ++i) {
    static_cast<void>(load.acquire_index_of_hash(hashes[i % hashes.size()]));
    other.acquire(hashes[i % hashes.size()]);
  }
  run_against(state, hashes.size(),
              for_each_hash(hashes,
                            [&](std::uint64_t h) {
                              const auto token = load.acquire_hash(h);
                              return std::uint64_t{token.index()};
                            }),
              for_each_hash(hashes, [&](std::uint64_t h) {
                const auto node = other.acquire(h);
                other.release(node);
                return std::uint64_t{node.size()};
              }));
}
BENCHMARK(acquire_and_release)->Apply(node_counts);

}  // namespace

BENCHMARK_MAIN();
