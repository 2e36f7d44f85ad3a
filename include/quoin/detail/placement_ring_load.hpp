// SPDX-License-Identifier: BSL-1.0
/// @file
/// Where keys with several probes go, and how evenly: exactly, not by trial.
///
/// With K > 1 probes a key goes to the token that is nearest to any of them, on either side: half of
/// each gap between two tokens is near the one, half near the other. A probe falls into a given half,
/// of length b, at a distance uniform in [0, b]. Among all halves the distance of a probe is at most x
/// with the probability F(x) = Σ min(b_s, x), the ring being 1 round; the token at the end of this
/// half wins with a probe at x when the K − 1 others are farther from theirs. Hence a half is worth
///
///     share = K · ∫₀ᵇ (1 − F(x))^(K−1) dx.
///
/// F is linear between one length and the next longer, so that the integral is a sum over the gaps in
/// the order of their lengths. With random tokens lengths are exponential, and the relative variance
/// of the share of a token comes to 1 / (2·(2K − 1)), so that a node of V tokens deviates by
/// 1 / √(2·(2K − 1)·V). (To look for the nearest token in one direction alone costs as much and gives
/// twice the variance.)
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

/// A token near a hash.
struct near_token {
  std::size_t position;
  std::uint64_t distance;
};

/// The nearer of two, or `a`. Without a branch: nobody could predict it.
[[nodiscard]] QUOIN_ALWAYS_INLINE near_token nearer(near_token a, near_token b) noexcept {
  const bool takes_b = b.distance < a.distance;
  const std::size_t mask = std::size_t{0} - takes_b;
  return {a.position ^ ((a.position ^ b.position) & mask), min_of(a.distance, b.distance)};
}

/// The token nearest to `place`, on either side; of two equally near the one that follows it.
[[nodiscard]] QUOIN_ALWAYS_INLINE near_token nearest_token(const ring_tokens& tokens,
                                                           std::uint64_t place) noexcept {
  const std::size_t after = tokens.position_of(place);
  const std::size_t before = (after == 0 ? tokens.size() : after) - 1;
  const near_token up{after, tokens.tokens()[after] - place};
  return nearer(up, {before, place - tokens.tokens()[before]});
}

/// The position of the token nearest to one of `probes` places; of several equally near the first.
[[nodiscard]] inline std::size_t nearest_position(const ring_tokens& tokens, std::uint32_t probes,
                                                  std::uint64_t hash) noexcept {
  near_token nearest = nearest_token(tokens, hash);
  for (std::uint32_t j = 1; j < probes; ++j) {
    nearest = nearer(nearest, nearest_token(tokens, ring_probe(hash, j)));
  }
  return nearest.position;
}

/// The node of that token.
[[nodiscard]] inline std::uint32_t nearest_owner(const ring_tokens& tokens, std::uint32_t probes,
                                                 std::uint64_t hash) noexcept {
  return tokens.node_at(nearest_position(tokens, probes, hash));
}

/// The gap before each token, with the position of that, on a ring of which not all tokens are the
/// same.
[[nodiscard]] inline ring_points gaps_of(const ring_tokens& tokens) {
  ring_points gaps(tokens.size());
  std::uint64_t before = tokens.tokens().back();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    gaps[i] = {tokens.tokens()[i] - before, static_cast<std::uint32_t>(i)};
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
  const std::uint32_t first = tokens.node_at(0), last = tokens.node_at(tokens.size() - 1);
  if (tokens.tokens().front() == tokens.tokens().back()) {
    shares[first] += 0.5;
    shares[probes == 1 ? first : last] += 0.5;
    return shares;
  }
  ring_points gaps = gaps_of(tokens);
  if (probes == 1) {
    for (const auto& gap : gaps) {
      shares[tokens.node_at(gap.node)] += static_cast<double>(gap.token) * 0x1p-64;
    }
    return shares;
  }
  sort_points(gaps);
  double share = 0, farther = 1;  // of half a gap as long as those so far; 1 − F there
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double longer = static_cast<double>(gaps[i].token - before) * 0x1p-64;
    const double rest = max_of(farther - longer * static_cast<double>(gaps.size() - i), 0.0);
    share += longer / 2 * sum_of_products(farther, rest, probes - 1);
    const std::size_t token = gaps[i].node;
    shares[tokens.node_at(token)] += share;
    shares[token == 0 ? last : tokens.node_at(token - 1)] += share;
    farther = rest;
    before = gaps[i].token;
  }
  return shares;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
