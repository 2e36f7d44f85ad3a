// SPDX-License-Identifier: BSL-1.0
// What it costs to read a ring that others replace, in one and two threads: beside a ring that is
// not shared, one behind a mutex, one behind a readers-writer lock, and one behind an atomic
// std::shared_ptr. The ring is an array, so that the lookup itself is next to nothing; times are per
// lookup. Then what a publication costs while nobody and while one thread reads.
#include <quoin/placement/concurrent_ring.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace {

struct array_ring {
  std::uint32_t nodes[16] = {1, 2, 3, 4, 5};

  [[nodiscard]] std::size_t size() const { return 16; }
  [[nodiscard]] const std::uint32_t& owner_of_hash(std::uint64_t hash) const {
    return nodes[hash >> 60];
  }
};

template <class Lookup>
void look_up(benchmark::State& state, Lookup lookup) {
  std::uint64_t hash = 1;
  for (auto _ : state) {
    hash = hash * 0x9e3779b97f4a7c15u + 1;
    benchmark::DoNotOptimize(lookup(hash));
  }
}

quoin::concurrent_ring<array_ring>& concurrent() {
  static quoin::concurrent_ring<array_ring> ring((array_ring()));
  return ring;
}

void not_shared(benchmark::State& state) {
  const array_ring ring;
  look_up(state, [&](std::uint64_t hash) { return ring.owner_of_hash(hash); });
}
BENCHMARK(not_shared);

void concurrent_ring(benchmark::State& state) {
  look_up(state, [](std::uint64_t hash) { return concurrent().owner_of_hash(hash); });
}
BENCHMARK(concurrent_ring)->Threads(1)->Threads(2)->UseRealTime();

void concurrent_ring_one_reading(benchmark::State& state) {
  const auto reader = concurrent().read();
  look_up(state, [&](std::uint64_t hash) { return reader->owner_of_hash(hash); });
}
BENCHMARK(concurrent_ring_one_reading)->Threads(1)->Threads(2)->UseRealTime();

void mutex(benchmark::State& state) {
  static std::mutex lock;
  static const array_ring ring;
  look_up(state, [](std::uint64_t hash) {
    const std::lock_guard held(lock);
    return ring.owner_of_hash(hash);
  });
}
BENCHMARK(mutex)->Threads(1)->Threads(2)->UseRealTime();

void readers_writer_lock(benchmark::State& state) {
  static std::shared_mutex lock;
  static const array_ring ring;
  look_up(state, [](std::uint64_t hash) {
    const std::shared_lock held(lock);
    return ring.owner_of_hash(hash);
  });
}
BENCHMARK(readers_writer_lock)->Threads(1)->Threads(2)->UseRealTime();

void atomic_shared_ptr(benchmark::State& state) {
  static const auto ring = std::make_shared<const array_ring>();
  look_up(state, [](std::uint64_t hash) { return std::atomic_load(&ring)->owner_of_hash(hash); });
}
BENCHMARK(atomic_shared_ptr)->Threads(1)->Threads(2)->UseRealTime();

void publish(benchmark::State& state) {
  quoin::concurrent_ring<array_ring> ring((array_ring()));
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (state.range(0) != 0 && !done) benchmark::DoNotOptimize(ring.owner_of_hash(1));
  });
  for (auto _ : state) ring.publish(array_ring());
  done = true;
  reader.join();
}
BENCHMARK(publish)->ArgName("readers")->Arg(0)->Arg(1)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
