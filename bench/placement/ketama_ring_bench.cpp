// SPDX-License-Identifier: BSL-1.0
// Lookup by key on weighted rings, one by one and in a batch, against libmemcached in turns; and the
// building of rings.
#include <quoin/placement/ketama_ring.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#if QUOIN_WITH_MEMCACHED
#include <libmemcached/memcached.h>
#endif

namespace {

using clock_type = std::chrono::steady_clock;

std::vector<quoin::weighted_server> servers_of(benchmark::State& state) {
  std::vector<quoin::weighted_server> servers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    servers.push_back({"10.0.1." + std::to_string(i), 100 + static_cast<std::uint32_t>(i % 7)});
  }
  return servers;
}

std::vector<std::string> keys_of_sixteen_bytes() {
  std::vector<std::string> keys;
  for (int i = 0; i < 1024; ++i) keys.push_back("session:" + std::to_string(10'000'000 + i * 7919));
  return keys;
}

/// Nanoseconds per key of `f()`, which looks up `count` keys.
template <class F>
double time(std::size_t count, F f) {
  const auto start = clock_type::now();
  benchmark::DoNotOptimize(f());
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  return taken.count() / static_cast<double>(count);
}

void lookup(benchmark::State& state) {
  const auto servers = servers_of(state);
  const quoin::ketama_ring ring(servers);
  const auto keys = keys_of_sixteen_bytes();
  std::vector<std::uint32_t> out(keys.size());
  double one = std::numeric_limits<double>::infinity(), many = one, bare = one, peer = one;
#if QUOIN_WITH_MEMCACHED
  memcached_st* const client = memcached_create(nullptr);
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  memcached_server_list_st list = nullptr;
  memcached_return_t result;
  for (const auto& [name, weight] : servers) {
    list = memcached_server_list_append_with_weight(list, name.c_str(), 11211, weight, &result);
  }
  if (servers.size() <= 100) memcached_server_push(client, list);  // more: it aborts
  memcached_server_list_free(list);
#endif
  for (auto _ : state) {
    one = std::min(one, time(keys.size(), [&] {
                     std::uint32_t sum = 0;
                     for (const auto& key : keys) sum += ring.owner_index(key);
                     return sum;
                   }));
    many = std::min(many, time(keys.size(), [&] {
                      ring.owners_many(keys, out);
                      return out[0];
                    }));
    bare = std::min(bare, time(keys.size(), [&] {
                      std::size_t sum = 0;
                      std::uint32_t point = 1;
                      for (std::size_t i = 0; i < keys.size(); ++i) {
                        sum += ring.owner_of_point(point *= 2654435769u).size();
                      }
                      return sum;
                    }));
#if QUOIN_WITH_MEMCACHED
    if (servers.size() > 100) continue;
    peer = std::min(peer, time(keys.size(), [&] {
                      std::uint32_t sum = 0;
                      for (const auto& key : keys) {
                        sum += memcached_generate_hash(client, key.data(), key.size());
                      }
                      return sum;
                    }));
#endif
  }
#if QUOIN_WITH_MEMCACHED
  memcached_free(client);
#endif
  state.counters["ns"] = one;
  state.counters["ns_many"] = many;
  state.counters["ns_of_point"] = bare;
  if (peer < std::numeric_limits<double>::infinity()) {
    state.counters["libmemcached_ns"] = peer;
    state.counters["speedup"] = peer / one;
    state.counters["speedup_many"] = peer / many;
  }
}
BENCHMARK(lookup)->Arg(10)->Arg(100)->Arg(1000);

void build(benchmark::State& state) {
  const auto servers = servers_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(quoin::ketama_ring(servers).size());
}
BENCHMARK(build)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void build_one_by_one(benchmark::State& state) {
  const auto servers = servers_of(state);
  for (auto _ : state) {
    quoin::ketama_ring ring;
    for (const auto& [name, weight] : servers) ring.add(name, weight);
    benchmark::DoNotOptimize(ring.size());
  }
}
BENCHMARK(build_one_by_one)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
