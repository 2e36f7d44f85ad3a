// SPDX-License-Identifier: BSL-1.0
// Any history of changes against a std::map of the points of the hosts that are left.
#include <quoin/interop/envoy_ring.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace {

/// How many points each host has, by Envoy's loop: one after the other, in doubles.
std::vector<std::uint32_t> counts_of(const std::vector<quoin::weighted_server>& hosts,
                                     const quoin::envoy_ring_options& options) {
  using real = quoin::detail::soft_double;
  std::uint32_t total = 0, least = UINT32_MAX;
  for (const auto& host : hosts) {
    total += host.weight;
    least = std::min(least, host.weight);
  }
  std::vector<std::uint32_t> counts;
  if (hosts.empty()) return counts;
  const real lightest = real::ratio(least, total);
  real scale = real((lightest * real(options.minimum_ring_size)).ceil()) / lightest;
  if (real(options.maximum_ring_size) < scale) scale = real(options.maximum_ring_size);
  real target;
  std::uint64_t current = 0;
  for (const auto& host : hosts) {
    target = target + scale * real::ratio(host.weight, total);
    counts.push_back(0);
    for (; real(current) < target; ++current) ++counts.back();
  }
  return counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::envoy_ring_options options;
  options.maximum_ring_size = in.take_in<std::uint16_t>(1, 4096);
  options.minimum_ring_size =
      in.take_in<std::uint16_t>(1, static_cast<std::uint16_t>(options.maximum_ring_size));
  options.hash_function = in.take<bool>() ? quoin::envoy_hash::murmur2 : quoin::envoy_hash::xxh64;
  quoin::envoy_ring ring(options);
  std::vector<quoin::weighted_server> hosts;
  for (int step = 0; step < 16 && !in.empty(); ++step) {
    const std::string name = "h" + std::to_string(in.take<std::uint8_t>() % 8);
    const std::uint32_t bound = in.take<bool>() ? 9 : 500'000'000;
    const std::uint32_t weight = in.take_in<std::uint32_t>(1, bound);
    const bool removes = in.take<bool>();
    const auto found = std::find_if(hosts.begin(), hosts.end(),
                                    [&](const auto& host) { return host.name == name; });
    if (found == hosts.end()) {
      hosts.push_back({name, weight});
      ring.add(name, weight);
    } else if (removes) {
      hosts.erase(found);
      ring.remove(name);
    } else {
      found->weight = weight;
      ring.set_weight(name, weight);
    }
  }
  std::map<std::uint64_t, std::string> points;
  std::size_t count = 0;
  const auto counts = counts_of(hosts, options);
  for (const auto& [name, weight] : hosts) {
    QUOIN_FUZZ_CHECK(ring.points_of(name) == counts[ring.index_of(name)]);
    for (std::uint32_t i = 0; i < ring.points_of(name); ++i, ++count) {
      const std::string text = name + "_" + std::to_string(i);
      points.emplace(options.hash_function == quoin::envoy_hash::murmur2
                         ? quoin::murmur2_64a(text, 0xc70f6907)
                         : ring.point_of(text),
                     name);
    }
  }
  QUOIN_FUZZ_CHECK(ring.points().size() == count);
  QUOIN_FUZZ_CHECK(count <= options.maximum_ring_size + std::size_t{1});
  for (const auto& [point, host] : points) {
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point) == host);
    const auto after = points.upper_bound(point);
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point + 1) ==
                     (after == points.end() ? points.begin() : after)->second);
  }
  return 0;
}
