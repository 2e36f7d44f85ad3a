// SPDX-License-Identifier: BSL-1.0
// Compares the placements, as the table of docs/placement.md: time of a lookup given a 64-bit hash,
// evenness, what moves beyond need when one node leaves, and memory.
//
//   placement_comparison [NODES...]     (default 10 100 1000; a minute on one core)
//
// `ns` is the least of many runs over the same hashes, one lookup after another without waiting;
// `in a chain` makes each wait for the one before. `deviation` is the standard deviation of the
// nodes' loads over their mean, less what sampling adds; `peak` the greatest load over the mean.
// `moved` is the part of the keys of other nodes that get another owner when one node leaves.
#include <quoin/placement/hash_slots.hpp>
#include <quoin/placement/jump_back_hash.hpp>
#include <quoin/placement/jump_hash.hpp>
#include <quoin/placement/maglev_table.hpp>
#include <quoin/placement/rendezvous.hpp>
#if __has_include(<quoin/placement/hash_ring.hpp>)
#include <quoin/placement/hash_ring.hpp>
#define WITH_HASH_RING 1
#else
#define WITH_HASH_RING 0
#endif
#if __has_include(<quoin/placement/ketama_ring.hpp>)
#include <quoin/placement/ketama_ring.hpp>
#define WITH_KETAMA_RING 1
#else
#define WITH_KETAMA_RING 0
#endif

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

using strings = std::vector<std::string>;

std::uint64_t random_number(std::uint64_t i) { return quoin::hash{.seed = 99}(i); }

strings names_of(std::size_t n) {
  strings names;
  for (std::size_t i = 0; i < n; ++i) names.push_back("node-" + std::to_string(i) + ".eu:11211");
  return names;
}

std::vector<quoin::weighted_node<std::string>> weighted(const strings& names,
                                                        std::uint32_t weights) {
  std::vector<quoin::weighted_node<std::string>> all;
  std::uint32_t i = 0;
  for (const auto& name : names) all.push_back({name, 1 + i++ % weights});
  return all;
}

// --- textbook forms -------------------------------------------------------------------------------

struct modulo {
  strings names;
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash % names.size());
  }
  [[nodiscard]] const strings& nodes() const { return names; }
};

struct jump : modulo {
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    return quoin::jump_hash(hash, static_cast<std::uint32_t>(names.size()));
  }
};

struct jump_back : modulo {
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    return quoin::jump_back_hash(hash, static_cast<std::uint32_t>(names.size()));
  }
};

/// 160 points for each node in a std::map.
struct map_ring : modulo {
  std::map<std::uint64_t, std::uint32_t> points;
  explicit map_ring(const strings& all) : modulo{all} {
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      for (std::uint64_t v = 0; v < 160; ++v) points[quoin::hash{}(all[i], v)] = i;
    }
  }
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    const auto at = points.lower_bound(hash);
    return at == points.end() ? points.begin()->second : at->second;
  }
};

// --- measurements ---------------------------------------------------------------------------------

template <class Placement>
std::uint32_t index_of(const Placement& p, std::uint64_t hash) {
  if constexpr (requires { p.owner_index_of_hash(hash); }) {
    return p.owner_index_of_hash(hash);
  } else {
    return static_cast<std::uint32_t>(&p.owner_of_hash(hash) - &*p.nodes().begin());
  }
}

template <class Placement>
double nanoseconds(const Placement& p, bool chained) {
  std::vector<std::uint64_t> hashes(1 << 14);
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = random_number(i);
  double best = 1e9;
  volatile std::uint64_t sink = 0;
  const std::uint64_t nothing = sink;  // the compiler does not know
  const auto enough = std::chrono::steady_clock::now() + std::chrono::milliseconds(150);
  for (int run = 0; run < 5 || std::chrono::steady_clock::now() < enough; ++run) {
    std::uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    if (chained) {
      for (const std::uint64_t hash : hashes) sum = index_of(p, hash ^ (sum & nothing));
    } else {
      for (const std::uint64_t hash : hashes) sum += index_of(p, hash);
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    sink = sink + (sum & nothing);
    best = std::min(best, taken.count() / static_cast<double>(hashes.size()));
  }
  return best;
}

struct spread {
  double deviation, peak;
};

template <class Placement>
spread spread_of(const Placement& p, std::size_t n, std::uint64_t keys) {
  std::vector<double> loads(n);
  for (std::uint64_t i = 0; i < keys; ++i) loads[index_of(p, random_number(i))] += 1;
  const double mean = static_cast<double>(keys) / static_cast<double>(n);
  double squares = 0, peak = 0;
  for (const double load : loads) {
    squares += (load / mean - 1) * (load / mean - 1);
    peak = std::max(peak, load / mean);
  }
  const double sampling = (static_cast<double>(n) - 1) / static_cast<double>(keys);
  const double variance = squares / static_cast<double>(n) - sampling;
  return {variance > 0 ? std::sqrt(variance) : 0, peak};
}

template <class Placement>
double moved_in_vain(const Placement& before, const Placement& after, const std::string& gone) {
  constexpr std::uint64_t keys = 200'000;
  double moved = 0, others = 0;
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::string& owner = before.nodes()[index_of(before, random_number(i))];
    if (owner == gone) continue;
    others += 1;
    moved += after.nodes()[index_of(after, random_number(i))] != owner;
  }
  return moved / others;
}

std::size_t memory_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// `make(names)` gives the placement; `gone` is the number of the node that leaves.
template <class Make>
void row(const char* name, std::size_t n, std::size_t gone, Make make) {
  const strings names = names_of(n);
  const std::size_t before = memory_in_use();
  const auto p = make(names);
  const std::size_t bytes = memory_in_use() - before;
  strings fewer(names);
  fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(gone));
  const double vain = moved_in_vain(p, make(fewer), names[gone]);
  const double ns = nanoseconds(p, false);
  const auto keys = static_cast<std::uint64_t>(2e9 / (ns + 50));
  const spread s = spread_of(p, n, keys);
  std::printf("| %-28s | %6zu | %7.1f | %7.1f | %8.2f %% | %6.3f | %8.3f %% | %8.1f |\n", name, n,
              ns, nanoseconds(p, true), 100 * s.deviation, s.peak, 100 * vain,
              static_cast<double>(bytes) / 1024);
  std::fflush(stdout);
}

void rows(std::size_t n) {
  const std::size_t middle = n / 2;
  row("`hash % n`", n, n - 1, [](const strings& names) { return modulo{names}; });
  row("ring, 160 tokens, `std::map`", n, middle,
      [](const strings& names) { return map_ring(names); });
#if WITH_HASH_RING
  const auto ring = [](std::uint32_t virtual_nodes, std::uint32_t probes) {
    return [=](const strings& names) {
      quoin::hash_ring<std::string> all({.virtual_nodes = virtual_nodes, .probes = probes});
      for (const auto& name : names) all.add(name);
      return all;
    };
  };
  row("`hash_ring`, 160 tokens", n, middle, ring(160, 1));
  row("`hash_ring`, 100, 2 probes", n, middle, ring(100, 2));
  row("`hash_ring`, 200, 8 probes", n, middle, ring(200, 8));
#endif
#if WITH_KETAMA_RING
  row("`ketama_ring`", n, middle, [](const strings& names) {
    std::vector<quoin::weighted_server> servers;
    for (const auto& name : names) servers.push_back({name});
    return quoin::ketama_ring(servers);
  });
#endif
  row("`maglev_table`, 65,537", n, middle,
      [](const strings& names) { return quoin::maglev_table<>(weighted(names, 1)); });
  row("`maglev_table`, 655,373", n, middle, [](const strings& names) {
    return quoin::maglev_table<>(weighted(names, 1), {.table_size = 655373});
  });
  row("`rendezvous`", n, middle,
      [](const strings& names) { return quoin::rendezvous<>(weighted(names, 1)); });
  row("`jump_hash`", n, n - 1, [](const strings& names) { return jump{{names}}; });
  row("`jump_back_hash`", n, n - 1, [](const strings& names) { return jump_back{{names}}; });
  row("`hash_slots`", n, middle, [n](const strings& names) {
    quoin::hash_slots<> all(weighted(names_of(n), 1));
    for (const auto& name : names_of(n)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) all.remove(name);
    }
    all.rebalance();
    return all;
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::printf(
      "| placement                    |  nodes |      ns | chained | deviation  |   peak |"
      "     moved  |      KiB |\n|---|---|---|---|---|---|---|---|\n");
  std::vector<std::size_t> counts{10, 100, 1000};
  if (argc > 1) counts.clear();
  for (int i = 1; i < argc; ++i) counts.push_back(static_cast<std::size_t>(std::atoi(argv[i])));
  for (const std::size_t n : counts) rows(n);
  return 0;
}
