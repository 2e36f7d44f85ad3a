// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a node and the pool that it leases tokens from tell each other.
#ifndef QUOIN_DETAIL_LIMIT_LEASE_HPP
#define QUOIN_DETAIL_LIMIT_LEASE_HPP

#include <quoin/detail/limit_decision.hpp>

#include <chrono>
#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// From a node to its pool. All counts are totals since the lease began, so that a message may be
/// lost, doubled or overtaken by the next one.
struct lease_request {
  std::uint64_t node = 0;      ///< who asks
  std::uint64_t lease = 0;     ///< the lease that the totals are of; 0: none
  std::uint64_t sequence = 0;  ///< of this node's requests, rising from 1
  std::uint64_t spent = 0;     ///< tokens of the lease that are spent
  std::uint64_t returned = 0;  ///< tokens of it that the node no longer holds, unspent
  std::uint64_t wanted = 0;    ///< tokens that it would like to hold after the answer
  std::uint64_t needed = 0;    ///< the least cost that it refused since its last request, or 0

  friend constexpr bool operator==(const lease_request&, const lease_request&) = default;
};

/// From the pool to a node.
struct lease_grant {
  std::uint64_t node = 0;                   ///< to whom
  std::uint64_t lease = 0;                  ///< which lease this is of; 0: the node has none
  std::uint64_t sequence = 0;               ///< of the request that this answers
  std::uint64_t granted = 0;                ///< tokens since the lease began
  std::chrono::nanoseconds valid_for{0};    ///< from when the node sent that request
  std::chrono::nanoseconds renew_after{0};  ///< the node asks again, if it needs to, after this
  /// `none`: holds what it wanted; `limited`: less; `table_full`: there are too many nodes.
  limit_reason reason = limit_reason::none;
  /// What the node holds above this it gives back with its next request.
  std::uint64_t hold_at_most = ~std::uint64_t{0};
  std::uint64_t limit = ~std::uint64_t{0};  ///< the pool's burst: a cost above it never passes

  friend constexpr bool operator==(const lease_grant&, const lease_grant&) = default;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
