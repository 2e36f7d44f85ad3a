// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the rings of other systems share: named servers in the order of a configuration, and the
/// tokens of each.
#ifndef QUOIN_DETAIL_PLACEMENT_SERVERS_HPP
#define QUOIN_DETAIL_PLACEMENT_SERVERS_HPP

#include <quoin/detail/bytes.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_errors.hpp>
#include <quoin/detail/placement_tokens.hpp>
#include <quoin/detail/xxh64.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A server as it stands in a configuration.
struct weighted_server {
  std::string name;
  std::uint32_t weight = 1;  ///< at least 1

  friend bool operator==(const weighted_server&, const weighted_server&) = default;
};

namespace detail {

/// Writes `number` in decimal at `out`, which has room for ten digits; gives their count.
[[nodiscard]] inline std::size_t write_decimal(std::uint32_t number, char* out) noexcept {
  char digits[10];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (std::size_t i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  return count;
}

/// A text that ends in a number: "10.0.1.1-0", "10.0.1.1-1", …
class numbered_text {
 public:
  explicit numbered_text(std::string prefix)
      : text_(std::move(prefix)), prefix_size_(text_.size()) {
    text_.resize(prefix_size_ + 10);
  }
  /// The text with `number`, until the next call.
  [[nodiscard]] std::string_view with(std::uint32_t number) noexcept {
    const std::size_t digits = write_decimal(number, text_.data() + prefix_size_);
    return {text_.data(), prefix_size_ + digits};
  }

 private:
  std::string text_;
  std::size_t prefix_size_;
};

/// Names and weights of servers in their order, and the table of their tokens.
template <class Token>
struct server_tokens {
  std::vector<std::string> names;
  std::vector<std::uint32_t> weights;
  std::vector<std::uint32_t> counts;  ///< tokens of each
  token_table<Token> table;

  server_tokens() = default;
  server_tokens(const server_tokens& other)
      : names(other.names),
        weights(other.weights),
        counts(other.counts),
        table(other.table.merged({}, {})) {}
  server_tokens(server_tokens&&) noexcept = default;
  server_tokens& operator=(const server_tokens& other) {
    if (this != &other) *this = server_tokens(other);
    return *this;
  }
  server_tokens& operator=(server_tokens&& other) noexcept {
    server_tokens taken(std::move(other));  // so that one that is assigned to itself stays whole
    names.swap(taken.names);
    weights.swap(taken.weights);
    counts.swap(taken.counts);
    table.swap(taken.table);
    return *this;
  }
  ~server_tokens() = default;

  /// Appends `servers`. `identity(name)` is what makes their tokens: no two may have the same. If
  /// this fails, the object is to be thrown away.
  template <class Identity>
  void append(const char* type, std::span<const weighted_server> servers, Identity identity) {
    names.reserve(names.size() + servers.size());
    weights.reserve(weights.size() + servers.size());
    for (const weighted_server& server : servers) {
      if (server.name.empty()) fail_node(type, server.name, "has no name");
      if (server.weight == 0) fail_argument(type, "weight", server.weight, "at least 1");
      names.push_back(server.name);
      weights.push_back(server.weight);
    }
    refuse_twins(type, identity);
  }

  /// Takes the server out of the lists; the table stays as it is.
  void erase(std::size_t index) {
    const auto at = static_cast<std::ptrdiff_t>(index);
    names.erase(names.begin() + at);
    weights.erase(weights.begin() + at);
    if (!counts.empty()) counts.erase(counts.begin() + at);
  }

 private:
  template <class Identity>
  void refuse_twins(const char* type, Identity identity) const {
    std::vector<token_point<std::uint64_t>> hashes;
    hashes.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string_view name = identity(names[i]);
      hashes.push_back({xxh64(name.data(), name.size()), static_cast<std::uint32_t>(i)});
    }
    sort_points(hashes);
    std::size_t first = 0;  // of those whose hash is the same: names, or anything made to collide
    for (std::size_t i = 1; i < hashes.size(); ++i) {
      if (hashes[i].token != hashes[first].token) first = i;
      const std::string& later = names[hashes[i].node];
      for (std::size_t k = first; k < i; ++k) {
        if (identity(later) == identity(names[hashes[k].node])) {
          fail_node(type, later, "is in the ring already");
        }
      }
    }
  }
};

/// What those rings have in common: all but what makes the points of a key and of a server.
/// @tparam Ring  has `type`, the name it goes by in messages, and `point_of(key)`; for this class
///               alone `identity_of(name)`, which two servers must not have in common,
///               `counts_of(weights)`, how many points each server has, and
///               `append_points(name, count, number, out)`, which makes them.
template <class Ring, class Token>
class server_ring {
 public:
  /// Adds a server after those that are there. O(points).
  /// @param name    as the ring says
  /// @param weight  at least 1; sums and numbers of points have limits that the ring states
  /// Throws `std::invalid_argument` for an empty name, one whose points are there already, or a
  /// weight out of range. If anything throws, nothing changes.
  void add(std::string_view name, std::uint32_t weight = 1) {
    const weighted_server one[] = {{std::string(name), weight}};
    add_many(one);
  }

  /// Adds all of `servers`, as `add` of one after the other, at once: O(points) for all together.
  void add_many(std::span<const weighted_server> servers) {
    auto next = lists();
    next.append(Ring::type, servers,
                [this](std::string_view name) { return ring().identity_of(name); });
    update(std::move(next), not_removed);
  }

  /// Removes a server; those after it move up. O(points). Throws `std::invalid_argument` if it is
  /// not there under this very name; if anything throws, nothing changes.
  void remove(std::string_view name) {
    const std::size_t index = index_of(name);
    auto next = lists();
    next.erase(index);
    update(std::move(next), index);
  }

  /// Changes a weight, and the points of all whose number of them changes by it. O(points). Throws
  /// as `add` and `remove`; if anything throws, nothing changes.
  void set_weight(std::string_view name, std::uint32_t weight) {
    const std::size_t index = index_of(name);
    if (weight == 0) fail_argument(Ring::type, "weight", weight, "at least 1");
    auto next = lists();
    next.weights[index] = weight;
    update(std::move(next), not_removed);
  }

  /// Removes all servers. The options stay.
  void clear() noexcept { state_ = {}; }

  /// The server of `key`, any range of bytes or a string literal: the one with the first point that
  /// is not less than the key's, or else with the first of all. O(size of the key); the reference
  /// holds until the next change. Throws `std::out_of_range` when there is no server.
  template <byte_range Key>
  [[nodiscard]] const std::string& owner(const Key& key) const {
    return state_.names[owner_index(key)];
  }

  /// The same as a number: the position in `nodes()`.
  template <byte_range Key>
  [[nodiscard]] std::uint32_t owner_index(const Key& key) const {
    return owner_index_of_point(ring().point_of(key));
  }

  /// The server of a ready point, of any other hash of keys. O(1). Throw as `owner`.
  [[nodiscard]] const std::string& owner_of_point(Token point) const {
    return state_.names[owner_index_of_point(point)];
  }
  [[nodiscard]] std::uint32_t owner_index_of_point(Token point) const {
    if (state_.table.empty()) [[unlikely]]
      fail_empty(Ring::type);
    return state_.table.owner(point);
  }

  /// The server of the lower bits of `hash`, as many as a point has, taken as a point. Others agree
  /// only if their points are those: it is there for code written for any placement.
  [[nodiscard]] const std::string& owner_of_hash(std::uint64_t hash) const {
    return owner_of_point(static_cast<Token>(hash));
  }
  [[nodiscard]] std::uint32_t owner_index_of_hash(std::uint64_t hash) const {
    return owner_index_of_point(static_cast<Token>(hash));
  }

  /// The owners of a contiguous range of keys: `out[i] = owner_index(keys[i])`, with cache misses
  /// that overlap. `out` has as many elements at least (else throws `std::invalid_argument`).
  /// Throws `std::out_of_range` for a key when there is no server.
  template <class Keys>
  void owners_many(const Keys& keys, std::span<std::uint32_t> out) const {
    const std::span all(keys);
    if (out.size() < all.size()) {
      fail_argument(Ring::type, "out.size()", out.size(), "at least the number of keys");
    }
    if (!all.empty() && state_.table.empty()) fail_empty(Ring::type);
    constexpr std::size_t block = 64;
    Token points[block];
    for (std::size_t i = 0; i < all.size(); i += block) {
      const std::size_t n = min_of(block, all.size() - i);
      ring().points_of_keys(all.subspan(i, n), points);
      state_.table.owners({points, n}, &out[i]);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return state_.names.size(); }
  [[nodiscard]] bool empty() const noexcept { return state_.names.empty(); }

  /// Whether there is a server of this very name. O(servers).
  [[nodiscard]] bool contains(std::string_view name) const noexcept {
    return position_of(name) != size();
  }

  /// The position of a server in `nodes()`. Throws `std::invalid_argument` if it is not there under
  /// this very name. O(servers).
  [[nodiscard]] std::uint32_t index_of(std::string_view name) const {
    const std::size_t at = position_of(name);
    if (at == size()) fail_node(Ring::type, name, "is not in the ring");
    return static_cast<std::uint32_t>(at);
  }

  /// The servers in their order, and their weights.
  [[nodiscard]] std::span<const std::string> nodes() const noexcept { return state_.names; }
  [[nodiscard]] std::span<const std::uint32_t> weights() const noexcept { return state_.weights; }

  /// All points in ascending order, and the number of the server of each. Of equal ones only the
  /// first owns keys.
  [[nodiscard]] std::span<const Token> points() const noexcept { return state_.table.tokens(); }
  [[nodiscard]] std::span<const std::uint32_t> point_owners() const noexcept {
    return state_.table.nodes();
  }

  /// How many points a server has. Throws as `index_of`. O(servers).
  [[nodiscard]] std::uint32_t points_of(std::string_view name) const {
    return state_.counts[index_of(name)];
  }

  /// The servers without a point, whose share of the weights is so small that the formula gives
  /// them none: no key is theirs. To be looked at after a change, as no other client says it.
  /// O(servers).
  [[nodiscard]] std::vector<std::string> starved() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < size(); ++i) {
      if (state_.counts[i] == 0) names.push_back(state_.names[i]);
    }
    return names;
  }

 protected:
  server_ring() = default;

  /// The same servers in the same order: the same ring, if the options are, too.
  [[nodiscard]] bool has_servers_of(const server_ring& other) const noexcept {
    return state_.names == other.state_.names && state_.weights == other.state_.weights;
  }

  template <class Keys>
  void points_of_keys(const Keys& keys, Token* out) const noexcept {
    for (const auto& key : keys) *out++ = ring().point_of(key);
  }

 private:
  static constexpr std::size_t not_removed = static_cast<std::size_t>(-1);

  [[nodiscard]] const Ring& ring() const noexcept { return static_cast<const Ring&>(*this); }

  [[nodiscard]] std::size_t position_of(std::string_view name) const noexcept {
    std::size_t i = 0;
    while (i < size() && state_.names[i] != name) ++i;
    return i;
  }

  /// The servers and how many points they have, without the points.
  [[nodiscard]] server_tokens<Token> lists() const {
    server_tokens<Token> next;
    next.names = state_.names;
    next.weights = state_.weights;
    next.counts = state_.counts;
    return next;
  }

  /// Takes up `next`, this ring after a change, whose `counts` are still those before it for the
  /// servers that were there. Servers that have as many points as before keep theirs.
  /// @param removed  the number that a server had which is no more, or `not_removed`
  void update(server_tokens<Token>&& next, std::size_t removed) {
    std::vector<std::uint32_t> counts = ring().counts_of(next.weights);
    const std::vector<std::uint32_t> before = std::exchange(next.counts, std::move(counts));
    std::vector<token_point<Token>> added;
    std::vector<std::uint32_t> renumbered(state_.names.size(), dropped_node);
    for (std::size_t i = 0; i < next.names.size(); ++i) {
      const auto number = static_cast<std::uint32_t>(i);
      if (i < before.size() && before[i] == next.counts[i]) {
        renumbered[i + (i >= removed)] = number;
      } else {
        ring().append_points(next.names[i], next.counts[i], number, added);
      }
    }
    sort_points(added);
    next.table = state_.table.merged(added, renumbered);
    state_ = std::move(next);
  }

  server_tokens<Token> state_;
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
