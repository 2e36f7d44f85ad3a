// SPDX-License-Identifier: BSL-1.0
// Any history of changes against a std::map of the points of the servers that are left.
#include <quoin/placement/ketama_ring.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using model = std::map<std::uint32_t, std::uint32_t>;

/// The text before the number of a point. A port is what follows the last colon.
std::string text_of(const std::string& name, quoin::ketama_naming naming) {
  const auto colon = name.rfind(':');
  const std::string port = colon == name.npos ? "11211" : name.substr(colon + 1);
  const std::string host = name.substr(0, colon);
  switch (naming) {
    case quoin::ketama_naming::libmemcached:
      return port == "11211" ? host : name;
    case quoin::ketama_naming::spymemcached:
      return "/" + host + ":" + port;
    case quoin::ketama_naming::verbatim:
      break;
  }
  return name;
}

model points_of(const std::vector<quoin::weighted_server>& servers,
                const quoin::ketama_options& options) {
  namespace detail = quoin::detail;
  std::uint64_t total = 0;
  for (const auto& server : servers) total += server.weight;
  model points;
  for (std::size_t s = servers.size(); s-- > 0;) {
    const auto owner = static_cast<std::uint32_t>(s);
    const auto& [name, weight] = servers[s];
    const std::uint32_t groups =
        detail::ketama_groups(weight, total, static_cast<std::uint32_t>(servers.size()));
    for (std::uint32_t i = 0; i < (options.weighted ? groups : 100); ++i) {
      const std::string text = text_of(name, options.naming) + "-" + std::to_string(i);
      if (options.weighted) {
        for (const std::uint32_t word : detail::md5(text.data(), text.size())) points[word] = owner;
      } else {
        points[detail::ketama_point(options.hash, text.data(), text.size())] = owner;
      }
    }
  }
  return points;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::ketama_options options{
      .hash = static_cast<quoin::ketama_hash>(in.take_in<std::uint8_t>(0, 7)),
      .naming = static_cast<quoin::ketama_naming>(in.take_in<std::uint8_t>(0, 2)),
      .weighted = in.take<bool>()};
  quoin::ketama_ring ring(options);
  std::vector<quoin::weighted_server> servers;
  for (int step = 0; step < 12 && !in.empty(); ++step) {
    const auto action = in.take<std::uint8_t>();
    const char* const names[] = {"s0", "s0:11211", "s1", "s1:1", "::1:11211", "/socket:0"};
    const std::string name = names[in.take<std::uint8_t>() % 6];
    const auto weight = in.take_in<std::uint32_t>(1, 0xffffffff) >> (action / 8);
    const auto found = std::find_if(servers.begin(), servers.end(),
                                    [&](const auto& server) { return server.name == name; });
    const std::string text = text_of(name, options.naming);
    const bool twin = found == servers.end() &&
                      std::any_of(servers.begin(), servers.end(), [&](const auto& server) {
                        return text_of(server.name, options.naming) == text;
                      });
    if (twin) {
      try {
        ring.add(name);
        QUOIN_FUZZ_CHECK(false);
      } catch (const std::invalid_argument&) {
      }
    } else if (found == servers.end()) {
      servers.push_back({name, std::max<std::uint32_t>(weight, 1)});
      ring.add(name, servers.back().weight);
    } else if (action % 2 == 0) {
      servers.erase(found);
      ring.remove(name);
    } else {
      found->weight = std::max<std::uint32_t>(weight, 1);
      ring.set_weight(name, found->weight);
    }
  }
  const model points = points_of(servers, options);
  QUOIN_FUZZ_CHECK(ring.size() == servers.size());
  QUOIN_FUZZ_CHECK(ring.points().empty() == points.empty());
  if (points.empty()) return 0;
  for (const auto& [point, owner] : points) {
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point) == servers[owner].name);
    const auto after = points.upper_bound(point);
    const auto& next = after == points.end() ? *points.begin() : *after;
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point + 1) == servers[next.second].name);
  }
  return 0;
}
