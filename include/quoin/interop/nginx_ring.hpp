// SPDX-License-Identifier: BSL-1.0
/// @file
/// The ring of nginx's `hash $key consistent`: the same key goes to the same server, as it does
/// with Perl's Cache::Memcached::Fast and Cloudflare's pingora-ketama.
///
/// Use it to know where an nginx sends a request, or to share its caches. For a ring of your own
/// take `hash_ring`: it is more even at a quarter of the points and moves less.
///
/// Guarantee   the points of nginx, 160 for each unit of weight: weights are absolute, a server
///             keeps its points whoever comes or goes. nginx drops all but one of equal points;
///             here all stay and the first server's owns the keys, so that the others have theirs
///             when it leaves. An empty key has a place here; nginx gives it to all in turns.
/// Cost        owner: the CRC-32 of the key and two or three cache lines. add, remove: O(points).
/// Threads     like a standard container.
/// Source      nginx 1.22, src/http/modules/ngx_http_upstream_hash_module.c.
///
/// @code
/// quoin::nginx_ring ring({{"10.0.0.1:443", 2}, {"10.0.0.2:443", 1}});
/// const std::string& server = ring.owner("/some/path");  // hash $request_uri consistent;
/// @endcode
#ifndef QUOIN_INTEROP_NGINX_RING_HPP
#define QUOIN_INTEROP_NGINX_RING_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_servers.hpp>
#include <quoin/hash/crc32.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// Host and port of the argument of a `server` directive.
struct nginx_address {
  std::string_view host, port;

  explicit nginx_address(std::string_view server) noexcept : host(server) {
    if (is_unix_socket(server)) {
      host.remove_prefix(5);
      return;
    }
    std::size_t digits = 0;
    while (digits < server.size() && server[server.size() - 1 - digits] >= '0' &&
           server[server.size() - 1 - digits] <= '9') {
      ++digits;
    }
    if (digits == server.size() || server[server.size() - 1 - digits] != ':') return;
    host.remove_suffix(digits + 1);
    port = server.substr(server.size() - digits);
  }

  static bool is_unix_socket(std::string_view server) noexcept {
    constexpr std::string_view prefix = "unix:";
    if (server.size() < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      const char c = server[i];
      if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != prefix[i]) return false;
    }
    return true;
  }
};

}  // namespace detail

/// See the top of this file; changes, lookup and inspection are those of `detail::server_ring`.
///
/// The name of a server is the argument of nginx's `server`, as it stands there: "10.0.0.1:443",
/// "10.0.0.1" (which is another than "10.0.0.1:80"), "[::1]:80", "unix:/path". For each unit of
/// weight there are 160 points, at most 2^31 in all (2^27 where pointers have 32 bits).
class nginx_ring : public detail::server_ring<nginx_ring, std::uint32_t> {
 public:
  static constexpr const char* type = "nginx_ring";

  /// A ring without servers.
  nginx_ring() = default;

  /// A ring of `servers`, as by `add_many`.
  explicit nginx_ring(std::span<const weighted_server> servers) { add_many(servers); }
  nginx_ring(std::initializer_list<weighted_server> servers)
      : nginx_ring(std::span(servers.begin(), servers.size())) {}

  /// The point of `key`: its CRC-32.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t point_of(const Key& key) const noexcept {
    return crc32(key);
  }

  friend bool operator==(const nginx_ring& a, const nginx_ring& b) noexcept {
    return a.has_servers_of(b);
  }

 private:
  friend server_ring;
  using point_list = std::vector<detail::token_point<std::uint32_t>>;

  [[nodiscard]] static std::string_view identity_of(std::string_view name) noexcept { return name; }

  [[nodiscard]] static std::vector<std::uint32_t> counts_of(
      const std::vector<std::uint32_t>& weights) {
    std::uint64_t total = 0;
    for (const std::uint32_t weight : weights) total += std::uint64_t{weight} * 160;
    if (total > detail::largest_token_count) {
      detail::fail_argument(type, "points", total,
                            sizeof(std::size_t) < 8
                                ? "at most 2^27, of which 160 are one unit of weight"
                                : "at most 2^31, of which 160 are one unit of weight");
    }
    std::vector<std::uint32_t> counts;
    counts.reserve(weights.size());
    for (const std::uint32_t weight : weights) counts.push_back(160 * weight);
    return counts;
  }

  /// Each point is the CRC of the host, a zero, the port and the point before.
  static void append_points(std::string_view name, std::uint32_t count, std::uint32_t number,
                            point_list& out) {
    const detail::nginx_address address(name);
    const char zero[] = {'\0'};
    std::uint32_t base = crc32(address.host);
    base = crc32(std::string_view(zero, 1), base);
    base = crc32(address.port, base);
    std::uint32_t point = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      unsigned char before[4];
      detail::store_le(before, point);
      point = crc32(before, base);
      out.push_back({point, number});
    }
  }
};

static_assert(placement<nginx_ring>);

}  // namespace quoin::inline QUOIN_ABI

#endif
