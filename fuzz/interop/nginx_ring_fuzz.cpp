// SPDX-License-Identifier: BSL-1.0
// Any history of changes, of any names, against a std::map of points that were made step by step.
#include <quoin/interop/nginx_ring.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::nginx_ring ring;
  std::vector<quoin::weighted_server> servers;
  for (int step = 0; step < 12 && !in.empty(); ++step) {
    const auto weight = in.take_in<std::uint8_t>(1, 8);
    const bool removes = in.take<bool>();
    const auto bytes = in.take_bytes(in.take_in<std::uint8_t>(1, 12));
    const std::string name(bytes.begin(), bytes.end());
    if (name.empty()) break;
    const auto found = std::find_if(servers.begin(), servers.end(),
                                    [&](const auto& server) { return server.name == name; });
    if (found == servers.end()) {
      servers.push_back({name, weight});
      ring.add(name, weight);
    } else if (removes) {
      servers.erase(found);
      ring.remove(name);
    } else {
      found->weight = weight;
      ring.set_weight(name, weight);
    }
  }
  std::map<std::uint32_t, std::string> points;
  for (const auto& [name, weight] : servers) {
    const quoin::detail::nginx_address address(name);
    std::uint32_t point = 0;
    for (std::uint32_t i = 0; i < 160 * weight; ++i) {
      std::string text = std::string(address.host) + '\0' + std::string(address.port);
      for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(point >> shift);
      points.emplace(point = quoin::crc32(text), name);
    }
  }
  QUOIN_FUZZ_CHECK(ring.points().empty() == points.empty());
  for (const auto& [point, server] : points) {
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point) == server);
    const auto after = points.upper_bound(point);
    QUOIN_FUZZ_CHECK(ring.owner_of_point(point + 1) ==
                     (after == points.end() ? points.begin() : after)->second);
  }
  return 0;
}
