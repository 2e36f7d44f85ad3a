// SPDX-License-Identifier: BSL-1.0
/// @file
/// The ring of nginx's `hash $key consistent`: the same key goes to the same server, as it does with
/// Perl's Cache::Memcached::Fast and Cloudflare's pingora-ketama.
///
/// Use it to know where an nginx sends a request, or to share its caches. For a ring of your own
/// take `hash_ring`: it is more even at a quarter of the points and moves less.
///
/// Guarantee   the points of nginx, 160 for each unit of weight: weights are absolute, a server
///             keeps its points whoever comes or goes. nginx drops all but one of equal points; here
///             all stay and the first server's owns the keys, so that the others have theirs when it
///             leaves.
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

/// See the top of this file; lookup and inspection are those of `detail::server_ring`.
class nginx_ring : public detail::server_ring<nginx_ring, std::uint32_t> {
 public:
  static constexpr const char* type = "nginx_ring";

  /// A ring without servers.
  nginx_ring() = default;

  /// A ring of `servers`, as by `add_many`.
  explicit nginx_ring(std::span<const weighted_server> servers) { add_many(servers); }
  nginx_ring(std::initializer_list<weighted_server> servers)
      : nginx_ring(std::span(servers.begin(), servers.size())) {}

  /// Adds a server after those that are there. O(points).
  /// @param name    the argument of nginx's `server`, as it stands there: "10.0.0.1:443",
  ///                "10.0.0.1" (which is another than "10.0.0.1:80"), "unix:/path"
  /// @param weight  at least 1; there are 160 points for each unit, and at most 2^31 in all
  /// Throws `std::invalid_argument` for an empty name, one that is there already, or such a weight.
  /// If anything throws, nothing changes.
  void add(std::string_view name, std::uint32_t weight = 1) {
    const weighted_server one[] = {{std::string(name), weight}};
    add_many(one);
  }

  /// Adds all of `servers`, as `add` of one after the other, at once: O(points) for all together.
  void add_many(std::span<const weighted_server> servers) {
    auto next = lists();
    next.append(type, servers, [](std::string_view name) { return name; });
    rebuild(std::move(next));
  }

  /// Removes a server; those after it move up. O(points). Throws `std::invalid_argument` if it is
  /// not there; if anything throws, nothing changes.
  void remove(std::string_view name) {
    const std::size_t index = index_of(name);
    auto next = lists();
    next.erase(index);
    rebuild(std::move(next), static_cast<std::ptrdiff_t>(index));
  }

  /// Changes a weight. O(points). Throws as `add` and `remove`; if anything throws, nothing changes.
  void set_weight(std::string_view name, std::uint32_t weight) {
    const std::size_t index = index_of(name);
    if (weight == 0) detail::fail_argument(type, "weight", weight, "at least 1");
    auto next = lists();
    next.weights[index] = weight;
    rebuild(std::move(next));
  }

  /// The point of `key`: its CRC-32.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t point_of(const Key& key) const noexcept {
    return crc32(key);
  }

  friend bool operator==(const nginx_ring& a, const nginx_ring& b) noexcept {
    return a.state_.names == b.state_.names && a.state_.weights == b.state_.weights;
  }

 private:
  using point_list = std::vector<detail::token_point<std::uint32_t>>;

  void rebuild(detail::server_tokens<std::uint32_t>&& next, std::ptrdiff_t removed = -1) {
    std::uint64_t total = 0;
    for (const std::uint32_t weight : next.weights) total += std::uint64_t{weight} * 160;
    if (total > detail::largest_token_count) {
      detail::fail_argument(type, "points", total, "at most 2^31, of which 160 are one unit");
    }
    std::vector<std::uint32_t> counts;
    counts.reserve(next.weights.size());
    for (const std::uint32_t weight : next.weights) counts.push_back(160 * weight);
    update(std::move(next), std::move(counts), removed, append_points);
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
