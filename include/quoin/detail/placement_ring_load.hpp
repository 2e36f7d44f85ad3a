// SPDX-License-Identifier: BSL-1.0
/// @file
/// Where keys with several probes go, and how evenly: exactly, not by trial.
///
/// With K probes a key goes to the token that lies nearest after any of them, so that small gaps
/// between tokens matter less than they do for one. A probe falls into the gap before token t, of
/// length a, at a distance uniform in [0, a]. Among all gaps the distance of a probe is at most x
/// with the probability F(x) = Σ min(a_s, x), the ring being 1 round; t wins with a probe at x when
/// the K − 1 others are farther. Hence
///
///     share(t) = K · ∫₀ᵃ (1 − F(x))^(K−1) dx,
///
/// which is a itself when K = 1. F is linear between one length of gap and the next longer, so that
/// the integral is a sum over the gaps in the order of their lengths.
#ifndef QUOIN_DETAIL_PLACEMENT_RING_LOAD_HPP
#define QUOIN_DETAIL_PLACEMENT_RING_LOAD_HPP

#include <quoin/detail/placement_ring_state.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// The j-th place where a key looks; the first is its hash.
[[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t ring_probe(std::uint64_t h,
                                                                     std::uint32_t j) noexcept {
  return j == 0 ? h : hash{j}(h);
}

/// The node at the least distance from one of `probes` places; of equal ones the first.
[[nodiscard]] inline std::uint32_t nearest_owner(const ring_tokens& tokens, std::uint32_t probes,
                                                 std::uint64_t hash) noexcept {
  std::size_t nearest = tokens.position_of(hash);
  std::uint64_t distance = tokens.tokens()[nearest] - hash;
  for (std::uint32_t j = 1; j < probes; ++j) {
    const std::uint64_t probe = ring_probe(hash, j);
    const std::size_t position = tokens.position_of(probe);
    const bool nearer = tokens.tokens()[position] - probe < distance;
    nearest = nearer ? position : nearest;
    distance = nearer ? tokens.tokens()[position] - probe : distance;
  }
  return tokens.node_at(nearest);
}

/// The gap before each token, on a ring of which not all tokens are the same.
[[nodiscard]] inline ring_points gaps_of(const ring_tokens& tokens) {
  ring_points gaps(tokens.size());
  std::uint64_t before = tokens.tokens().back();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    gaps[i] = {tokens.tokens()[i] - before, tokens.node_at(i)};
    before = tokens.tokens()[i];
  }
  return gaps;
}

/// Σ a^m · b^(n−m) over m = 0 … n, which is (a^(n+1) − b^(n+1)) / (a − b) without a difference.
[[nodiscard]] inline double sum_of_products(double a, double b, std::uint32_t n) noexcept {
  double sum = 1, power = 1;
  for (std::uint32_t m = 1; m <= n; ++m) sum = sum * b + (power *= a);
  return sum;
}

/// The part of all hashes that each of `nodes` owns; the parts add up to 1. O(n), for K > 1 with a
/// radix sort and K multiplications a token.
[[nodiscard]] inline std::vector<double> load_shares(const ring_tokens& tokens,
                                                     std::uint32_t probes, std::size_t nodes) {
  std::vector<double> shares(nodes);
  if (tokens.empty()) return shares;
  if (tokens.tokens().front() == tokens.tokens().back()) {
    shares[tokens.node_at(0)] = 1;
    return shares;
  }
  ring_points gaps = gaps_of(tokens);
  if (probes == 1) {
    for (const auto& gap : gaps) shares[gap.node] += static_cast<double>(gap.token) * 0x1p-64;
    return shares;
  }
  sort_points(gaps);
  double share = 0, farther = 1;  // of a token with the gaps so far; 1 − F at the last of them
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double longer = static_cast<double>(gaps[i].token - before) * 0x1p-64;
    const double rest = max_of(farther - longer * static_cast<double>(gaps.size() - i), 0.0);
    share += longer * sum_of_products(farther, rest, probes - 1);
    shares[gaps[i].node] += share;
    farther = rest;
    before = gaps[i].token;
  }
  return shares;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
