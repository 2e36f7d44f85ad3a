// SPDX-License-Identifier: BSL-1.0
// What UUIDs cost. Each counter is the least of all turns in nanoseconds; those whose names end in
// `_vs_…` are ratios of such. The floor of a generator for many threads is a reading of its clock
// and an exchange of one word ("clock_and_cas"); Boost's generators are for one thread.
#include <quoin/id/uuid.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if __has_include(<boost/uuid/uuid_io.hpp>)
#define QUOIN_WITH_BOOST_UUID 1
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#else
#define QUOIN_WITH_BOOST_UUID 0
#endif
#if __has_include(<boost/uuid/time_generator_v7.hpp>)
#define QUOIN_WITH_BOOST_V7 1
#include <boost/uuid/time_generator_v7.hpp>
#else
#define QUOIN_WITH_BOOST_V7 0
#endif
#if QUOIN_WITH_UUID
#include <uuid/uuid.h>
#endif

#include "bench_support.hpp"

namespace {

using id_bench::calls;
using id_bench::clock_type;
using id_bench::infinite;
using id_bench::time;
using quoin::uuid;

void text(benchmark::State& state) {
  quoin::uuid_v4_generator ids;
  std::array<uuid, 256> values;
  ids.next_many(values);
  std::array<std::string, 256> texts;
  std::transform(values.begin(), values.end(), texts.begin(),
                 [](const uuid& u) { return u.to_string(); });
  char out[40] = {};
  double write = infinite, parse = infinite, parse_any = infinite;
  [[maybe_unused]] double peer_write = infinite, peer_parse = infinite;
  [[maybe_unused]] double boost_write = infinite, boost_parse = infinite;
  for (auto _ : state) {
    time(write, [&](std::size_t i) {
      values[i % 256].write_to(std::span<char, uuid::text_size>(out, uuid::text_size));
      benchmark::ClobberMemory();
      return out[0];
    });
    time(parse, [&](std::size_t i) { return *uuid::parse(texts[i % 256]); });
    time(parse_any, [&](std::size_t i) { return *uuid::parse_any(texts[i % 256]); });
#if QUOIN_WITH_UUID
    time(peer_write, [&](std::size_t i) {
      uuid_unparse_lower(values[i % 256].bytes().data(), out);
      benchmark::ClobberMemory();
      return out[0];
    });
    time(peer_parse, [&](std::size_t i) {
      uuid::bytes_type bytes;
      uuid_parse(texts[i % 256].c_str(), bytes.data());
      return bytes;
    });
#endif
#if QUOIN_WITH_BOOST_UUID
    boost::uuids::uuid u;
    std::copy(values[7].bytes().begin(), values[7].bytes().end(), u.begin());
    time(boost_write, [&](std::size_t) {
      benchmark::DoNotOptimize(u);
      boost::uuids::to_chars(u, out, out + 36);
      benchmark::ClobberMemory();
      return out[0];
    });
    boost::uuids::string_generator read;
    time(boost_parse, [&](std::size_t i) { return read(texts[i % 256]); });
#endif
  }
  state.counters["write"] = write;
  state.counters["parse"] = parse;
  state.counters["parse_any"] = parse_any;
#if QUOIN_WITH_UUID
  state.counters["libuuid_write"] = peer_write;
  state.counters["libuuid_parse"] = peer_parse;
  state.counters["libuuid_vs_write"] = peer_write / write;
  state.counters["libuuid_vs_parse"] = peer_parse / parse;
#endif
#if QUOIN_WITH_BOOST_UUID
  state.counters["boost_write"] = boost_write;
  state.counters["boost_parse"] = boost_parse;
#endif
}
BENCHMARK(text)->Unit(benchmark::kMillisecond);

void generators(benchmark::State& state) {
  double clock = infinite, clock_and_cas = infinite, v7 = infinite, v7_at = infinite,
         v7_many = infinite;
  double v4 = infinite, v4_many = infinite, v7_coarse = infinite;
  [[maybe_unused]] double peer_v4 = infinite, boost_v4 = infinite, boost_v7 = infinite;
  alignas(64) std::atomic<std::uint64_t> word{0};
  alignas(64) quoin::uuid_v7_generator<> ids;
  alignas(64) quoin::uuid_v7_generator<quoin::coarse_system_clock> coarse;
  alignas(64) quoin::uuid_v4_generator random;
  std::vector<uuid> many(64);
  for (auto _ : state) {
    time(clock, [](std::size_t) { return std::chrono::system_clock::now(); });
    time(clock_and_cas, [&](std::size_t) {
      const auto now =
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
      std::uint64_t last = word.load(std::memory_order_relaxed), next = 0;
      do {
        next = std::max(now, last + 1);
      } while (!word.compare_exchange_weak(last, next, std::memory_order_relaxed));
      return next;
    });
    time(v7, [&](std::size_t) { return ids.next(); });
    time(v7_coarse, [&](std::size_t) { return coarse.next(); });
    const auto now = std::chrono::system_clock::now();
    time(v7_at, [&](std::size_t) { return ids.next_at(now); });
    time(v7_many, [&](std::size_t i) {
      if (i % many.size() == 0) ids.next_many(many);
      return many[i % many.size()];
    });
    time(v4, [&](std::size_t) { return random.next(); });
    time(v4_many, [&](std::size_t i) {
      if (i % many.size() == 0) random.next_many(many);
      return many[i % many.size()];
    });
#if QUOIN_WITH_UUID
    time(peer_v4, [](std::size_t) {
      uuid::bytes_type bytes;
      uuid_generate_random(bytes.data());
      return bytes;
    });
#endif
#if QUOIN_WITH_BOOST_UUID
    static boost::uuids::random_generator_mt19937 peer;
    time(boost_v4, [&](std::size_t) { return peer(); });
#endif
#if QUOIN_WITH_BOOST_V7
    static boost::uuids::time_generator_v7 timed;
    time(boost_v7, [&](std::size_t) { return timed(); });
#endif
  }
  state.counters["clock"] = clock;
  state.counters["clock_and_cas"] = clock_and_cas;
  state.counters["v7"] = v7;
  state.counters["v7_vs_clock_and_cas"] = v7 / clock_and_cas;
  state.counters["v7_coarse_clock"] = v7_coarse;
  state.counters["v7_at"] = v7_at;
  state.counters["v7_many"] = v7_many;
  state.counters["v4"] = v4;
  state.counters["v4_many"] = v4_many;
#if QUOIN_WITH_UUID
  state.counters["libuuid_v4"] = peer_v4;
#endif
#if QUOIN_WITH_BOOST_UUID
  state.counters["boost_v4_mt19937"] = boost_v4;
#endif
#if QUOIN_WITH_BOOST_V7
  state.counters["boost_v7"] = boost_v7;
  state.counters["boost_v7_vs_v7"] = boost_v7 / v7;
#endif
}
BENCHMARK(generators)->Unit(benchmark::kMillisecond);

/// Two threads that ask one generator: nanoseconds of each for an id.
template <class Generator>
double both(Generator& ids) {
  std::atomic<int> waiting{2};
  const auto work = [&] {
    --waiting;
    while (waiting.load() != 0) {
    }
    for (std::size_t i = 0; i < calls; ++i) {
      auto value = ids.next();
      benchmark::DoNotOptimize(value);
    }
  };
  std::thread other(work);
  const auto start = clock_type::now();
  work();
  other.join();
  const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
  return taken.count() / static_cast<double>(calls);
}

void two_threads(benchmark::State& state) {
  double v4 = infinite, v7 = infinite;
  quoin::uuid_v7_generator<> ids;
  quoin::uuid_v4_generator random;
  for (auto _ : state) {
    v7 = std::min(v7, both(ids));
    v4 = std::min(v4, both(random));
  }
  state.counters["v7"] = v7;
  state.counters["v4"] = v4;
}
BENCHMARK(two_threads)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
