// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: who owns it? The directory spread over nodes that come, go and fail.
#include <quoin/placement/hash_ring.hpp>
#include <quoin/placement/ring_changes.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using ring = quoin::hash_ring<std::string>;

std::string line_of(const place& p) {
  return p.name + '\t' + p.country + '\t' + std::to_string(p.population);
}

/// Bytes of the directory by node, were `r` to say who keeps what.
std::map<std::string, std::uint64_t> spread(const ring& r, const std::vector<place>& places) {
  std::map<std::string, std::uint64_t> bytes;
  for (const std::string& node : r.nodes()) bytes[node] = 0;
  for (const place& p : places) bytes[r.owner(p.name)] += line_of(p).size();
  return bytes;
}

void draw(const ring& r, const std::vector<place>& places) {
  const auto bytes = spread(r, places);
  std::uint64_t all = 0;
  for (const auto& [node, size] : bytes) all += size;
  for (const auto& [node, size] : bytes) {
    const double share = static_cast<double>(size) / static_cast<double>(all);
    const auto blocks = static_cast<std::size_t>(std::lround(share * 100));
    std::string bar;
    for (std::size_t i = 0; i < blocks; ++i) bar += "█";
    std::printf("  %-10s %-4s %9s B  %4.1f %%  %s\n", node.c_str(),
                std::string(r.zone_of(node)).c_str(), grouped(size).c_str(), 100 * share,
                bar.c_str());
  }
}

/// Bytes that change their node between two rings, which differ in `who`, and the promise that they
/// had to.
std::uint64_t moved(const ring& before, const ring& after, const std::string& who,
                    const std::vector<place>& places) {
  std::uint64_t bytes = 0;
  for (const place& p : places) {
    const std::string& from = before.owner(p.name);
    const std::string& to = after.owner(p.name);
    if (from == to) continue;
    bytes += line_of(p).size();
    require(from == who || to == who, "nothing moves between nodes that stay as they are");
  }
  return bytes;
}

/// The same if the node were the hash modulo the number of nodes.
std::uint64_t moved_by_modulo(std::size_t before, std::size_t after,
                              const std::vector<place>& places) {
  std::uint64_t bytes = 0;
  for (const place& p : places) {
    const std::uint64_t h = quoin::hash{}(p.name);
    if (h % before != h % after) bytes += line_of(p).size();
  }
  return bytes;
}

ring six_nodes() {
  ring r({.virtual_nodes = 160});
  for (const char* const zone : {"eu-1", "eu-2", "us-1"}) {
    for (const char* const number : {"a", "b"}) {
      r.add(std::string(zone) + number, {.zone = zone});
    }
  }
  return r;
}

void tell_spread(const ring& r, const std::vector<place>& places) {
  section("Six nodes in three zones  ring.add(\"eu-1a\", {.zone = \"eu-1\"}), .owner(name)");
  draw(r, places);
  const quoin::ring_balance b = r.balance();
  std::printf("\n  By the ring itself: the fullest node has %.2f of its due, the emptiest %.2f.\n",
              b.max, b.min);
  const ring probing({.virtual_nodes = 160, .probes = 4}, r.nodes());
  std::printf("  With .probes = 4: %.2f and %.2f.\n", probing.balance().max, probing.balance().min);
}

void tell_changes(const ring& r, const std::vector<place>& places) {
  section("What moves?  bytes, against a hash modulo the number of nodes");
  std::puts("  change                               moved   by modulo");
  const auto row = [&](const char* what, const ring& after, const char* who) {
    const std::uint64_t bytes = moved(r, after, who, places);
    const bool counts = r.size() != after.size();  // all that a modulo knows of nodes
    std::printf("  %-32s %9s   %9s\n", what, grouped(bytes).c_str(),
                counts ? grouped(moved_by_modulo(r.size(), after.size(), places)).c_str() : "-");
    return bytes;
  };
  ring joined = r;
  joined.add("us-1c", {.zone = "us-1"});
  const std::uint64_t taken = row("us-1c joins", joined, "us-1c");
  require(4 * taken < moved_by_modulo(6, 7, places), "a modulo moves several times as much");
  ring left = r;
  left.remove("eu-2b");
  row("eu-2b leaves", left, "eu-2b");
  ring heavier = r;
  heavier.set_weight("eu-1a", 2);
  row("eu-1a counts double", heavier, "eu-1a");
  ring replaced = r;
  replaced.replace("us-1b", "us-1z");
  const std::uint64_t inherited = row("us-1z replaces us-1b", replaced, "us-1b");
  require(inherited == spread(r, places)["us-1b"], "a node that replaces another inherits it all");
}

/// A zone goes down: who serves the towns then, and who keeps what for whom?
void tell_failure(const ring& r, const std::vector<place>& places) {
  section("What if a zone fails?  ring.replicas(name, 3, healthy)");
  const std::string down = "eu-2";
  const auto healthy = [&](const std::string& node) { return r.zone_of(node) != down; };
  std::size_t apart = 0, hints = 0;
  std::map<std::string, std::size_t> kept;
  for (const place& p : places) {
    const auto replicas = r.replicas(p.name, 3);
    apart += !replicas.zones_repeated();
    const auto now = r.replicas(p.name, 3, healthy);
    require(now.size() == 3, "four healthy nodes make three replicas");
    for (std::size_t i = 0; i < now.size(); ++i) {
      require(healthy(now[i]), "no replica on a node that is down");
      if (now.hint_for(i) == nullptr) continue;
      require(r.zone_of(*now.hint_for(i)) == down, "who stands in does so for a node that is down");
      ++kept[now[i]];
      ++hints;
    }
  }
  require(apart == places.size(), "three zones hold three replicas");
  std::printf("  Every town has its three replicas in three zones. Without %s %s of them stand\n",
              down.c_str(), grouped(hints).c_str());
  std::puts("  elsewhere, each with the name of the node that it is kept for:");
  for (const auto& [node, towns] : kept) {
    std::printf("  %-10s keeps %6s\n", node.c_str(), grouped(towns).c_str());
  }
}

void tell_plan(const ring& r) {
  section("Which ranges are to be copied?  quoin::moved_ranges(before, after)");
  ring after = r;
  after.add("us-1c", {.zone = "us-1"});
  std::map<std::string, std::size_t> ranges;
  for (const auto& move : quoin::moved_ranges(r, after)) {
    require(move.to == "us-1c", "only the new node receives");
    ++ranges[move.from];
  }
  for (const auto& [node, count] : ranges) {
    std::printf("  %-10s hands over %3zu ranges\n", node.c_str(), count);
  }
  std::printf("  %.1f %% of all hashes, its own share.\n", 100 * quoin::moved_share(r, after));
}

}  // namespace

void who_owns_it(const std::vector<place>& places) {
  chapter("Who owns it?", "quoin::hash_ring");
  std::puts("\nThe lines of the directory, each on the node that the ring names for the town.");
  const ring r = six_nodes();
  tell_spread(r, places);
  tell_changes(r, places);
  tell_plan(r);
  tell_failure(r, places);
}

}  // namespace city_directory
