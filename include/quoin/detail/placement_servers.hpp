// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the rings of other systems share: named servers in the order of a configuration, and the
/// tokens of each.
#ifndef QUOIN_DETAIL_PLACEMENT_SERVERS_HPP
#define QUOIN_DETAIL_PLACEMENT_SERVERS_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/placement_tokens.hpp>
#include <quoin/detail/xxh64.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A server as it stands in a configuration.
struct weighted_server {
  std::string name;
  std::uint32_t weight = 1;  ///< at least 1
};

namespace detail {

/// Throws `std::out_of_range` or calls the failure handler.
[[noreturn]] QUOIN_COLD inline void fail_lookup(const char* type, const char* what,
                                                std::string_view name = {}) {
  std::string text = std::string("quoin::") + type + ": " + what;
  if (name.data() != nullptr) text.append(" \"").append(name).append("\"");
#if QUOIN_HAS_EXCEPTIONS
  throw std::out_of_range(text);
#else
  hand_over_failure(text.c_str());
#endif
}

/// `fail_argument` of text.
[[noreturn]] QUOIN_COLD inline void fail_server(const char* type, std::string_view name,
                                                const char* permitted) {
  const std::string text = std::string("quoin::") + type + ": server = \"" + std::string(name) +
                           "\", must be " + permitted;
  fail(text.c_str());
}

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
  server_tokens& operator=(server_tokens&&) noexcept = default;
  ~server_tokens() = default;

  [[nodiscard]] std::uint32_t owner(const char* type, Token token) const {
    if (table.empty()) [[unlikely]]
      fail_lookup(type, "there is no server to own a key");
    return table.owner(token);
  }

  void owners(const char* type, std::span<const Token> tokens, std::uint32_t* out) const {
    if (tokens.empty()) return;
    if (table.empty()) [[unlikely]]
      fail_lookup(type, "there is no server to own a key");
    table.owners(tokens, out);
  }

  [[nodiscard]] std::size_t index_of(const char* type, std::string_view name) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return i;
    }
    fail_lookup(type, "there is no server", name);
  }

  /// Appends `servers`. `identity(name)` is what makes their tokens: no two may have the same. If
  /// this fails, the object is to be thrown away.
  template <class Identity>
  void append(const char* type, std::span<const weighted_server> servers, Identity identity) {
    names.reserve(names.size() + servers.size());
    weights.reserve(weights.size() + servers.size());
    for (const weighted_server& server : servers) {
      if (server.name.empty()) fail_server(type, server.name, "a name of at least one character");
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
    for (std::size_t i = 1; i < hashes.size(); ++i) {
      const std::string& later = names[hashes[i].node];
      if (hashes[i].token == hashes[i - 1].token &&
          identity(later) == identity(names[hashes[i - 1].node])) {
        fail_server(type, later, "one that is not there yet");
      }
    }
  }
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
