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
/// Guarantee   the points of libmemcached 1.1.4 as built for x86-64 or ARM64, its `float` arithmetic
///             included, for any number of servers (it aborts above 100). Equal points belong to the
///             server that comes first, as in 1.1; the order in 1.0 depended on `qsort`. A key byte
///             above 0x7f enters all hashes but MD5 and CRC with its sign, as on x86.
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

class ketama_ring {
 public:
  /// A ring without servers.
  explicit ketama_ring(const ketama_options& options = {}) noexcept : options_(options) {}

  /// A ring of `servers`, as by `add_many`.
  explicit ketama_ring(std::span<const weighted_server> servers, const ketama_options& options = {})
      : options_(options) {
    add_many(servers);
  }
  ketama_ring(std::initializer_list<weighted_server> servers, const ketama_options& options = {})
      : ketama_ring(std::span(servers.begin(), servers.size()), options) {}

  /// Adds a server after those that are there. O(points).
  /// @param name    "host:port", the port in decimal as a number is written; "host" is the same as
  ///                "host:11211". A Unix socket of libmemcached is "/path:0". With `verbatim`, any.
  /// @param weight  at least 1 (where libmemcached is given 0 it takes 1)
  /// Throws `std::invalid_argument` for an empty name, one whose points are there already, or a
  /// weight of 0. If anything throws, nothing changes.
  void add(std::string_view name, std::uint32_t weight = 1) {
    const weighted_server one[] = {{std::string(name), weight}};
    add_many(one);
  }

  /// Adds all of `servers`, as `add` of one after the other, at once: O(points) for all together.
  void add_many(std::span<const weighted_server> servers) {
    auto next = lists();
    next.append("ketama_ring", servers, [this](std::string_view name) { return identity(name); });
    rebuild(std::move(next), -1);
  }

  /// Removes a server; those after it move up. O(points). Throws `std::out_of_range` if it is not
  /// there under this very name; if anything throws, nothing changes.
  void remove(std::string_view name) {
    const std::size_t index = state_.index_of("ketama_ring", name);
    auto next = lists();
    next.erase(index);
    rebuild(std::move(next), static_cast<std::ptrdiff_t>(index));
  }

  /// Changes a weight, and with it the points of all whose share of the total changes. O(points).
  /// Throws as `add` and `remove`; if anything throws, nothing changes.
  void set_weight(std::string_view name, std::uint32_t weight) {
    const std::size_t index = state_.index_of("ketama_ring", name);
    if (weight == 0) detail::fail_argument("ketama_ring", "weight", weight, "at least 1");
    auto next = lists();
    next.weights[index] = weight;
    rebuild(std::move(next), -1);
  }

  void clear() noexcept { state_ = {}; }

  /// The server of `key`, any range of bytes or a string literal: the one with the first point that
  /// is not less than the key's, or else with the first of all. Throws `std::out_of_range` when
  /// there is no server.
  template <detail::byte_range Key>
  [[nodiscard]] const std::string& owner(const Key& key) const {
    return state_.names[owner_index(key)];
  }

  /// The same as a number: the position in `nodes()`, what `memcached_generate_hash` gives.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return state_.owner("ketama_ring", point_of(key));
  }

  /// The server of a ready point, of any other hash of 32 bits.
  [[nodiscard]] const std::string& owner_of_point(std::uint32_t point) const {
    return state_.names[state_.owner("ketama_ring", point)];
  }

  /// The server of the lower 32 bits of `hash`, taken as a point. No other client would agree,
  /// unless they are one: it is there for code written for any placement.
  [[nodiscard]] const std::string& owner_of_hash(std::uint64_t hash) const {
    return owner_of_point(static_cast<std::uint32_t>(hash));
  }

  /// `out[i] = owner_index(keys[i])`. Throws `std::invalid_argument` unless both are of one size.
  template <detail::byte_range Key>
  void owners_many(std::span<const Key> keys, std::span<std::uint32_t> out) const {
    if (keys.size() != out.size()) {
      detail::fail_argument("ketama_ring", "out.size()", out.size(), "the number of keys");
    }
    constexpr std::size_t block = 64;
    std::uint32_t points[block];
    for (std::size_t i = 0; i < keys.size(); i += block) {
      const std::size_t n = detail::min_of(block, keys.size() - i);
      for (std::size_t k = 0; k < n; ++k) points[k] = point_of(keys[i + k]);
      state_.owners("ketama_ring", std::span<const std::uint32_t>(points, n), &out[i]);
    }
  }

  /// The point of `key` under the options' hash.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint32_t point_of(const Key& key) const noexcept {
    const auto view = detail::bytes_of(key);
    return detail::ketama_point(options_.hash, view.data, view.size);
  }

  [[nodiscard]] std::size_t size() const noexcept { return state_.names.size(); }
  [[nodiscard]] bool empty() const noexcept { return state_.names.empty(); }
  [[nodiscard]] const ketama_options& options() const noexcept { return options_; }

  /// The servers in their order.
  [[nodiscard]] std::span<const std::string> nodes() const noexcept { return state_.names; }

  /// Their weights.
  [[nodiscard]] std::span<const std::uint32_t> weights() const noexcept { return state_.weights; }

  /// All points in ascending order, and the number of the server of each.
  [[nodiscard]] std::span<const std::uint32_t> points() const noexcept {
    return state_.table.tokens();
  }
  [[nodiscard]] std::span<const std::uint32_t> point_owners() const noexcept {
    return state_.table.nodes();
  }

  /// How many points a server has: 0 when its weight is so small beside the others' that the formula
  /// of ketama gives it none, and thus no key. Throws `std::out_of_range` if it is not there.
  [[nodiscard]] std::uint32_t points_of(std::string_view name) const {
    return state_.counts[state_.index_of("ketama_ring", name)];
  }

  /// The servers without a point: none of their memory is used. To be looked at after a change of
  /// weights, as no other client says it.
  [[nodiscard]] std::vector<std::string> starved() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < size(); ++i) {
      if (state_.counts[i] == 0) names.push_back(state_.names[i]);
    }
    return names;
  }

  friend bool operator==(const ketama_ring& a, const ketama_ring& b) noexcept {
    return a.options_ == b.options_ && a.state_.names == b.state_.names &&
           a.state_.weights == b.state_.weights;
  }

 private:
  using state = detail::server_tokens<std::uint32_t>;
  using point_list = std::vector<detail::token_point<std::uint32_t>>;

  [[nodiscard]] std::string_view identity(std::string_view name) const noexcept {
    return detail::ketama_identity(options_.naming, name);
  }

  /// The servers without their points.
  [[nodiscard]] state lists() const {
    state next;
    next.names = state_.names;
    next.weights = state_.weights;
    next.counts = state_.counts;
    return next;
  }

  /// Makes the table of `next`, which is this ring after a change: `removed` is the number that a
  /// server had which is no more, or -1. Servers that have as many points as before keep theirs.
  void rebuild(state&& next, std::ptrdiff_t removed) {
    const std::size_t size = next.names.size();
    const std::vector<std::uint32_t> before = std::exchange(next.counts, counts_of(next.weights));
    point_list added;
    std::vector<std::uint32_t> renumbered(state_.names.size(), detail::dropped_node);
    for (std::size_t i = 0; i < size; ++i) {
      if (i < before.size() && before[i] == next.counts[i]) {
        const bool moved_up = removed >= 0 && i >= static_cast<std::size_t>(removed);
        renumbered[i + moved_up] = static_cast<std::uint32_t>(i);
      } else {
        append_points(next.names[i], next.counts[i], static_cast<std::uint32_t>(i), added);
      }
    }
    detail::sort_points(added);
    next.table = state_.table.merged(added, renumbered);
    state_ = std::move(next);
  }

  [[nodiscard]] std::vector<std::uint32_t> counts_of(
      const std::vector<std::uint32_t>& weights) const {
    // So many have less than 2^31 points together, whatever their weights.
    constexpr std::size_t most = std::size_t{1} << 23;
    if (weights.size() > most) {
      detail::fail_argument("ketama_ring", "servers", weights.size(), "at most 2^23");
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
  state state_;
};

static_assert(placement<ketama_ring>);

}  // namespace quoin::inline QUOIN_ABI

#endif
