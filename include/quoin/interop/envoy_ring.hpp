// SPDX-License-Identifier: BSL-1.0
/// @file
/// The ring of Envoy's `RING_HASH` load balancer: the same hash goes to the same host.
///
/// Use it to know where an Envoy, or a service mesh of them, sends a request. For a ring of your
/// own take `hash_ring`: it is more even at fewer points, and a change of weights moves less.
///
/// Guarantee   the points of Envoy's ring as built for x86-64: "address_0", "address_1", … by XXH64
///             or MurmurHash2, as many as its running sums in `double` give to each host in turn.
///             Of equal points the first host's owns the keys; Envoy leaves that to its sort.
/// Cost        owner: one hash of the key and two or three cache lines. add, remove: O(points), and
///             hashes for those hosts only whose number of points changes.
/// Threads     like a standard container.
/// Source      Envoy, source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc.
///
/// @code
/// quoin::envoy_ring ring({{"10.0.0.1:80", 1}, {"10.0.0.2:80", 2}});
/// const std::string& host = ring.owner(header);  // hash_policy: header
/// @endcode
#ifndef QUOIN_INTEROP_ENVOY_RING_HPP
#define QUOIN_INTEROP_ENVOY_RING_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_concept.hpp>
#include <quoin/detail/placement_double.hpp>
#include <quoin/detail/placement_servers.hpp>
#include <quoin/detail/xxh64.hpp>
#include <quoin/hash/murmur2.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// What makes points of hosts. (Keys are hashed by XXH64 in either case.)
enum class envoy_hash : std::uint8_t {
  xxh64,    ///< XX_HASH, the default
  murmur2,  ///< MURMUR_HASH_2, as of libstdc++ with its seed 0xc70f6907
};

/// As in Envoy's `ring_hash_lb_config`.
struct envoy_ring_options {
  std::uint32_t minimum_ring_size = 1024;
  std::uint32_t maximum_ring_size = 8'388'608;  ///< at most that
  envoy_hash hash_function = envoy_hash::xxh64;
  friend constexpr bool operator==(const envoy_ring_options&, const envoy_ring_options&) = default;
};

/// See the top of this file; changes, lookup and inspection are those of `detail::server_ring`.
///
/// The name of a host is "address:port" ("[::1]:80"), or its hostname or the `hash_key` of its
/// metadata when Envoy is set to hash those. A weight is its `load_balancing_weight`; the sum of
/// all is below 2^32.
class envoy_ring : public detail::server_ring<envoy_ring, std::uint64_t> {
 public:
  static constexpr const char* type = "envoy_ring";

  /// A ring without hosts. Throws `std::invalid_argument` for sizes out of range.
  explicit envoy_ring(const envoy_ring_options& options = {}) : options_(options) {
    if (options.maximum_ring_size == 0 || options.maximum_ring_size > 8'388'608) {
      detail::fail_argument(type, "maximum_ring_size", options.maximum_ring_size, "1 to 8388608");
    }
    if (options.minimum_ring_size == 0 || options.minimum_ring_size > options.maximum_ring_size) {
      detail::fail_argument(type, "minimum_ring_size", options.minimum_ring_size,
                            "1 to maximum_ring_size");
    }
  }

  /// A ring of `hosts`, as by `add_many`.
  explicit envoy_ring(std::span<const weighted_server> hosts,
                      const envoy_ring_options& options = {})
      : envoy_ring(options) {
    add_many(hosts);
  }
  envoy_ring(std::initializer_list<weighted_server> hosts, const envoy_ring_options& options = {})
      : envoy_ring(std::span(hosts.begin(), hosts.size()), options) {}

  /// The point of `key`: its XXH64, what a `hash_policy` of one header, cookie or query parameter
  /// makes of the value.
  template <detail::byte_range Key>
  [[nodiscard]] std::uint64_t point_of(const Key& key) const noexcept {
    const auto view = detail::bytes_of(key);
    return detail::xxh64(view.data, view.size);
  }

  [[nodiscard]] const envoy_ring_options& options() const noexcept { return options_; }

  friend bool operator==(const envoy_ring& a, const envoy_ring& b) noexcept {
    return a.options_ == b.options_ && a.has_servers_of(b);
  }

 private:
  friend server_ring;
  // In integers on every platform: sums of products are what compilers fuse, with one rounding of
  // two, where processors can (AArch64, s390x, `-mfma`), and hosts would have other points there.
  using real = detail::soft_double;
  using point_list = std::vector<detail::token_point<std::uint64_t>>;

  [[nodiscard]] static std::string_view identity_of(std::string_view name) noexcept { return name; }

  /// The lightest host has a whole number of points if the ring may be so large; then each host in
  /// turn has as many as bring their number up to the sum of what was due so far.
  [[nodiscard]] std::vector<std::uint32_t> counts_of(
      const std::vector<std::uint32_t>& weights) const {
    std::vector<std::uint32_t> counts;
    counts.reserve(weights.size());
    if (weights.empty()) return counts;
    std::uint64_t sum = 0;
    std::uint32_t least = weights[0];
    for (const std::uint32_t weight : weights) {
      sum += weight;
      least = detail::min_of(least, weight);
    }
    if (sum > 0xffffffff) detail::fail_argument(type, "sum of weights", sum, "below 2^32");
    const auto total = static_cast<std::uint32_t>(sum);
    const real lightest = real::ratio(least, total);
    const real whole((lightest * real(options_.minimum_ring_size)).ceil());
    const real largest(options_.maximum_ring_size);
    const real scale = detail::min_of(whole / lightest, largest);
    real due;
    std::uint64_t made = 0;
    for (const std::uint32_t weight : weights) {
      due = due + scale * real::ratio(weight, total);
      const std::uint64_t then = detail::max_of(made, due.ceil());
      counts.push_back(static_cast<std::uint32_t>(then - made));
      made = then;
    }
    return counts;
  }

  void append_points(std::string_view name, std::uint32_t count, std::uint32_t number,
                     point_list& out) const {
    detail::numbered_text text(std::string(name) + "_");
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string_view hashed = text.with(i);
      const std::uint64_t point = options_.hash_function == envoy_hash::xxh64
                                      ? detail::xxh64(hashed.data(), hashed.size())
                                      : murmur2_64a(hashed, 0xc70f6907);
      out.push_back({point, number});
    }
  }

  envoy_ring_options options_;
};

static_assert(placement<envoy_ring>);

}  // namespace quoin::inline QUOIN_ABI

#endif
