// SPDX-License-Identifier: BSL-1.0
// Lookups in `hash_ring` given the 64-bit hash, against three ways to do without an index: a
// std::map, std::lower_bound in a sorted array of tokens, and the bisection of Envoy's ring hash
// (which compares twice a step, as the original ketama does). 160 virtual nodes; the argument is the
// number of nodes. And replicas beside the owner alone. All take turns; counters are nanoseconds of
// the fastest of many rounds and ratios of those.
#include <quoin/placement/hash_ring.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using ring = quoin::hash_ring<std::string>;
using clock_type = std::chrono::steady_clock;

constexpr std::uint32_t virtual_nodes = 160;
constexpr std::size_t lookups = 16384;
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < n; ++i) result.push_back("10.0." + std::to_string(i) + ".1:11211");
  return result;
}

std::vector<std::uint64_t> hashes_of_keys() {
  std::vector<std::uint64_t> hashes(lookups);
  for (std::size_t i = 0; i < lookups; ++i) hashes[i] = quoin::hash{7}(i);
  return hashes;
}

/// Keeps the shortest time of `f`, in nanoseconds over `count`. It runs three times in a row, so
/// that each contender once finds the cache as it left it.
template <class F>
void time(double& best, double count, F f) {
  for (int run = 0; run < 3; ++run) {
    const auto start = clock_type::now();
    f();
    const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
    best = std::min(best, taken.count() / count);
  }
}

/// Envoy's RingHashLoadBalancer::Ring::chooseHost: halve until the token is not less and the one
/// before it is less.
struct bisection {
  struct entry {
    std::uint64_t token;
    std::uint32_t node;
  };
  std::vector<entry> entries;

  explicit bisection(const ring& r) {
    for (std::size_t i = 0; i < r.token_count(); ++i) {
      entries.push_back({r.tokens()[i], r.token_owners()[i]});
    }
  }

  [[nodiscard]] std::uint32_t owner(std::uint64_t hash) const {
    std::int64_t low = 0, high = static_cast<std::int64_t>(entries.size());
    for (;;) {
      const std::int64_t middle = (low + high) / 2;
      if (middle == static_cast<std::int64_t>(entries.size())) return entries[0].node;
      const auto at = static_cast<std::size_t>(middle);
      const std::uint64_t value = entries[at].token;
      const std::uint64_t before = middle == 0 ? 0 : entries[at - 1].token;
      if (hash <= value && hash > before) return entries[at].node;
      if (value < hash) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
      if (low > high) return entries[0].node;
    }
  }
};

template <class Owner>
void time_owners(double& best, const std::vector<std::uint64_t>& hashes, Owner owner) {
  time(best, lookups, [&] {
    std::uint32_t sum = 0;
    for (const std::uint64_t hash : hashes) sum += owner(hash);
    benchmark::DoNotOptimize(sum);
  });
}

void lookup(benchmark::State& state) {
  const ring r({.virtual_nodes = virtual_nodes}, names(static_cast<std::size_t>(state.range(0))));
  const auto hashes = hashes_of_keys();
  std::vector<std::uint32_t> out(lookups);
  std::map<std::uint64_t, std::uint32_t> tree;
  for (std::size_t i = 0; i < r.token_count(); ++i)
    tree.emplace(r.tokens()[i], r.token_owners()[i]);
  const bisection envoy(r);
  double single = infinity, latency = infinity, batch = infinity;
  double in_tree = infinity, in_array = infinity, in_envoy = infinity;
  for (auto _ : state) {
    time_owners(single, hashes, [&](std::uint64_t h) { return r.owner_index_of_hash(h); });
    time(latency, lookups, [&] {
      std::uint64_t last = 0;
      for (const std::uint64_t hash : hashes) {
        last = r.owner_index_of_hash(hash ^ last * 0x9e3779b97f4a7c15u);
      }
      benchmark::DoNotOptimize(last);
    });
    time(batch, lookups, [&] { r.owners_of_hash_many(hashes, out); });
    time_owners(in_tree, hashes, [&](std::uint64_t h) {
      const auto at = tree.lower_bound(h);
      return at == tree.end() ? tree.begin()->second : at->second;
    });
    time_owners(in_array, hashes, [&](std::uint64_t h) {
      const auto at = std::lower_bound(r.tokens().begin(), r.tokens().end(), h);
      const auto position = static_cast<std::size_t>(at - r.tokens().begin());
      return r.token_owners()[position == r.token_count() ? 0 : position];
    });
    time_owners(in_envoy, hashes, [&](std::uint64_t h) { return envoy.owner(h); });
    for (std::size_t i = 0; i < lookups; ++i) {
      if (out[i] != envoy.owner(hashes[i])) state.SkipWithError("an owner differs");
    }
  }
  state.counters["single_ns"] = single;
  state.counters["latency_ns"] = latency;
  state.counters["batch_ns"] = batch;
  state.counters["map_ns"] = in_tree;
  state.counters["lower_bound_ns"] = in_array;
  state.counters["envoy_ns"] = in_envoy;
  state.counters["map_ratio"] = in_tree / batch;
  state.counters["envoy_ratio"] = in_envoy / batch;
}
BENCHMARK(lookup)->Arg(10)->Arg(100)->Arg(1000)->Iterations(40);

void lookup_probes(benchmark::State& state) {
  const auto probes = static_cast<std::uint32_t>(state.range(0));
  const ring r({.virtual_nodes = virtual_nodes, .probes = probes}, names(100));
  const auto hashes = hashes_of_keys();
  std::vector<std::uint32_t> out(lookups);
  double single = infinity, batch = infinity;
  for (auto _ : state) {
    time_owners(single, hashes, [&](std::uint64_t h) { return r.owner_index_of_hash(h); });
    time(batch, lookups, [&] { r.owners_of_hash_many(hashes, out); });
  }
  state.counters["single_ns"] = single;
  state.counters["batch_ns"] = batch;
}
BENCHMARK(lookup_probes)->Arg(1)->Arg(2)->Arg(8)->Iterations(40);

/// Three replicas of a key in three zones of four racks, remembered and not, all nodes of each set
/// being looked at; and the owner alone on the same ring.
void replicas(benchmark::State& state) {
  std::vector<ring::member> members;
  for (const std::string& name : names(static_cast<std::size_t>(state.range(0)))) {
    const std::size_t i = members.size();
    members.push_back({name, {.zone = std::to_string(i % 3), .rack = std::to_string(i / 3 % 4)}});
  }
  const ring r({.virtual_nodes = virtual_nodes}, members);
  const ring forgetful({.virtual_nodes = virtual_nodes, .cached_replicas = 0}, members);
  const auto hashes = hashes_of_keys();
  const auto sum_of_three = [](const ring& from, std::uint64_t hash) {
    const auto set = from.replicas_of_hash(hash, 3);
    const auto nodes = set.indices();
    return nodes[0] + nodes[1] + nodes[2] + set.zones_repeated();
  };
  double owner = infinity, latency = infinity, three = infinity, walk = infinity;
  for (auto _ : state) {
    time_owners(owner, hashes, [&](std::uint64_t h) { return r.owner_index_of_hash(h); });
    time_owners(three, hashes, [&](std::uint64_t h) { return sum_of_three(r, h); });
    time(latency, lookups, [&] {
      std::uint64_t last = 0;
      for (const std::uint64_t hash : hashes) {
        last = sum_of_three(r, hash ^ last * 0x9e3779b97f4a7c15u);
      }
      benchmark::DoNotOptimize(last);
    });
    time_owners(walk, hashes, [&](std::uint64_t h) { return sum_of_three(forgetful, h); });
    for (const std::uint64_t hash : hashes) {
      if (sum_of_three(r, hash) != sum_of_three(forgetful, hash)) {
        state.SkipWithError("a replica differs");
      }
    }
  }
  state.counters["owner_ns"] = owner;
  state.counters["three_ns"] = three;
  state.counters["three_latency_ns"] = latency;
  state.counters["three_by_walking_ns"] = walk;
}
BENCHMARK(replicas)->Arg(10)->Arg(100)->Arg(1000)->Iterations(40);

/// In milliseconds; the peer of a change is what rings without merging do, a copy and a sort of all
/// tokens.
void change(benchmark::State& state) {
  const auto nodes = names(static_cast<std::size_t>(state.range(0)));
  const auto last = nodes.back();
  double build = infinity, in = infinity, out = infinity, sort = infinity;
  const ring full({.virtual_nodes = virtual_nodes}, nodes);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> shuffled;
  for (std::size_t i = 0; i < full.token_count(); ++i) {
    shuffled.emplace_back(full.tokens()[i], full.token_owners()[i]);
  }
  std::stable_sort(shuffled.begin(), shuffled.end(),
                   [](const auto& a, const auto& b) { return a.second < b.second; });
  for (auto _ : state) {
    ring r = full, smaller = full;
    smaller.remove(last);
    auto all = shuffled;
    time(build, 1e6, [&] { r = ring({.virtual_nodes = virtual_nodes}, nodes); });
    time(out, 1e6, [&] { (r = full).remove(last); });
    time(in, 1e6, [&] { (r = smaller).add(last); });
    time(sort, 1e6, [&] { std::sort((all = shuffled).begin(), all.end()); });
  }
  state.counters["build_ms"] = build;
  state.counters["in_ms"] = in;
  state.counters["out_ms"] = out;
  state.counters["sort_ms"] = sort;
}
BENCHMARK(change)->Arg(10)->Arg(100)->Arg(1000)->Iterations(20);

}  // namespace

BENCHMARK_MAIN();
