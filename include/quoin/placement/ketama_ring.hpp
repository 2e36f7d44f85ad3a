// SPDX-License-Identifier: BSL-1.0
/// @file
/// The ring of memcached clients, point for point: the same key goes to the same server as with
/// libmemcached, spymemcached or twemproxy.
///
/// Use it beside such clients, or in place of one whose data must be found. For a ring of your own
/// take `hash_ring`: it is several times as fast (an MD5 costs more than all else here), never
/// leaves a small weight without a point, and moves less when weights change.
///
///     client                                    options
///     libmemcached, KETAMA_WEIGHTED             {}
///     libmemcached, KETAMA, all weights 1       {.hash = one_at_a_time, .weighted = false}
///     libmemcached, KETAMA, any weight above 1  {.hash = one_at_a_time}
///     libmemcached, KETAMA_SPY when weighted;   {.naming = spymemcached}
///     spymemcached, addresses without a name
///     spymemcached, "name/address:port"         {.naming = verbatim}
///     twemproxy, servers without names          {.hash = fnv1a_64, or its `hash:`}
///     twemproxy, servers with names             {.hash = the same, .naming = verbatim}
///
/// Guarantee   the points of libmemcached 1.1.4 as built for x86-64 or ARM64, its `float`
///             arithmetic included, for any number of servers (it aborts above 100). Equal points
///             belong to the server that comes first, as in 1.1; the order in 1.0 depended on
///             `qsort`. A key byte above 0x7f enters all hashes but MD5 and CRC with its sign, as
///             on x86.
/// Cost        owner: one hash of the key and two or three cache lines; MD5 is 90 % of it.
///             add, remove: O(points), and hashes for those servers only whose share changed.
///             Memory 8 to 12 bytes per point, and 64 KiB or less of index.
/// Threads     like a standard container.
/// Source      libmemcached 1.1.4, src/libmemcached/hosts.cc; twemproxy 0.5, nc_ketama.c.
///
/// @code
/// quoin::ketama_ring ring;
/// ring.add("10.0.1.1:11211", 600);
/// ring.add("10.0.1.2:11211", 300);
/// const std::string& server = ring.owner("user:42");
/// @endcode
#ifndef QUOIN_PLACEMENT_KETAMA_RING_HPP
#define QUOIN_PLACEMENT_KETAMA_RING_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_ketama.hpp>
#include <quoin/detail/placement_servers.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// Which client to agree with: see the table above.
struct ketama_options {
  /// Of keys; when not `weighted`, of points too.
  ketama_hash hash = ketama_hash::md5;
  ketama_naming naming = ketama_naming::libmemcached;
  /// True: 160 points for a server of mean weight, by MD5, four from each. False: 100 for each,
  /// whatever its weight, by `hash`.
  bool weighted = true;
  friend constexpr bool operator==(const ketama_options&, const ketama_options&) = default;
};

/// See the top of this file; changes, lookup and inspection are those of `detail::server_ring`.
///
/// Names of servers are "host:port", the port in decimal as a number is written; "host" is the same
/// as "host:11211". After an IPv6 address the port always stands, since nothing else in "::1:11211"
/// says where the address ends. A Unix socket of libmemcached is "/path:0". With `verbatim`, any
/// text. Lengths have no limit here; libmemcached takes hosts of 1,024 bytes at most, and twemproxy
/// reads past a buffer where a name, a hyphen and a number come to more than 85.
///
/// Weights are at least 1 (where libmemcached is given 0 it takes 1); there are at most 2^23
/// servers.
class ketama_ring : public detail::server_ring<ketama_ring, std::uint32_t> {
 public:
  static constexpr const char* type = "ketama_ring";

  /// A ring without servers.
  explicit ketama_ring(const ketama_options& options = {}) noexcept : options_(options) {}

  /// A ring of `servers`, as by `add_many`.
  explicit ketama_ring(std::span<const weighted_server> servers, const ketama_options& options = {})
      : options_(options) {
    add_many(servers);
  }
  ketama_ring(std::initializer_list<weighted_server> servers, const ketama_options& options = {})
      : ketama_ring(std::span(servers.begin(), servers.size()), options) {}

  /// The point of `key` under the options' hash.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t point_of(const Key& key) const noexcept {
    const auto view = detail::bytes_of(key);
    return detail::ketama_point(options_.hash, view.data, view.size);
  }

  [[nodiscard]] const ketama_options& options() const noexcept { return options_; }

  friend bool operator==(const ketama_ring& a, const ketama_ring& b) noexcept {
    return a.options_ == b.options_ && a.has_servers_of(b);
  }

 private:
  friend server_ring;
  using point_list = std::vector<detail::token_point<std::uint32_t>>;

  [[nodiscard]] std::string_view identity_of(std::string_view name) const noexcept {
    return detail::ketama_identity(options_.naming, name);
  }

  [[nodiscard]] std::vector<std::uint32_t> counts_of(
      const std::vector<std::uint32_t>& weights) const {
    // So many have less than 2^31 points together, whatever their weights.
    constexpr std::size_t most = std::size_t{1} << 23;
    if (weights.size() > most) {
      detail::fail_argument(type, "servers", weights.size(), "at most 2^23");
    }
    const auto servers = static_cast<std::uint32_t>(weights.size());
    std::uint64_t total = 0;
    for (const std::uint32_t weight : weights) total += weight;
    std::vector<std::uint32_t> counts;
    counts.reserve(servers);
    for (const std::uint32_t weight : weights) {
      counts.push_back(options_.weighted ? 4 * detail::ketama_groups(weight, total, servers) : 100);
    }
    return counts;
  }

  void append_points(std::string_view name, std::uint32_t count, std::uint32_t node,
                     point_list& out) const {
    detail::numbered_text text(detail::ketama_prefix(options_.naming, name));
    if (!options_.weighted) {
      for (std::uint32_t i = 0; i < count; ++i) out.push_back({point_of(text.with(i)), node});
      return;
    }
    for (std::uint32_t i = 0; i < count / 4; ++i) {
      const std::string_view hashed = text.with(i);
      for (const std::uint32_t word : detail::md5(hashed.data(), hashed.size())) {
        out.push_back({word, node});
      }
    }
  }

  ketama_options options_;
};

static_assert(placement<ketama_ring>);

}  // namespace quoin::inline QUOIN_ABI

#endif
