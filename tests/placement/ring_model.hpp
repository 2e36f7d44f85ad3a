// SPDX-License-Identifier: BSL-1.0
// What a hash ring is, with neither speed nor memory in mind: all tokens in a list, which is searched
// from end to end.
#ifndef QUOIN_TESTS_PLACEMENT_RING_MODEL_HPP
#define QUOIN_TESTS_PLACEMENT_RING_MODEL_HPP

#include <quoin/hash/hash.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace quoin_test {

class ring_model {
 public:
  struct entry {
    double weight;
    std::uint64_t seed;
    std::string zone;
    std::string rack;
  };

  explicit ring_model(std::uint32_t virtual_nodes = 160, std::uint32_t probes = 1,
                      std::uint64_t seed = 0)
      : virtual_nodes_(virtual_nodes), probes_(probes), seed_(seed) {}

  void add(const std::string& node, double weight = 1, const std::string& zone = "",
           const std::string& rack = "") {
    const std::uint64_t first = quoin::hash{seed_}(node);
    std::uint64_t seed = first;
    for (std::uint64_t step = 1; has_seed(seed); ++step) seed = quoin::hash{step}(first);
    nodes_[node] = {weight, seed, zone, rack};
    tokens_.clear();
  }
  void remove(const std::string& node) {
    nodes_.erase(node);
    tokens_.clear();
  }
  void replace(const std::string& node, const std::string& by) {
    nodes_[by] = nodes_.at(node);
    remove(node);
  }
  void set_weight(const std::string& node, double weight) {
    nodes_.at(node).weight = weight;
    tokens_.clear();
  }

  [[nodiscard]] const std::map<std::string, entry>& nodes() const { return nodes_; }

  [[nodiscard]] std::uint32_t points_of(const std::string& node) const {
    return std::max(
        1u, static_cast<std::uint32_t>(std::floor(nodes_.at(node).weight * virtual_nodes_ + 0.5)));
  }

  /// All tokens with their nodes, by token and then by node.
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& tokens() const {
    if (tokens_.empty()) {
      for (const auto& [node, e] : nodes_) {
        for (std::uint32_t i = 0; i < points_of(node); ++i) {
          tokens_.emplace_back(quoin::hash{e.seed}(i), node);
        }
      }
      std::sort(tokens_.begin(), tokens_.end());
    }
    return tokens_;
  }

  /// With one probe the node of the next token; with several that of the nearest to any of them, on
  /// either side.
  [[nodiscard]] const std::string& owner_of_hash(std::uint64_t hash) const {
    const std::string* owner = nullptr;
    std::uint64_t least = UINT64_MAX;
    for (std::uint32_t j = 0; j < probes_; ++j) {
      const std::uint64_t place = j == 0 ? hash : quoin::hash{j}(hash);
      const auto* after = &tokens().front();
      const auto* before = &tokens().back();
      for (const auto& token : tokens()) {
        if (token.first - place < after->first - place) after = &token;
      }
      for (const auto& token :
           tokens()) {  // of equal ones the last; the place itself is not before
        if (place - token.first - 1 <= place - before->first - 1) before = &token;
      }
      const std::uint64_t up = after->first - place;
      const std::uint64_t down = before->first == place ? UINT64_MAX : place - before->first;
      const bool is_after = probes_ == 1 || up <= down;
      if (owner != nullptr && (is_after ? up : down) >= least) continue;
      owner = is_after ? &after->second : &before->second;
      least = is_after ? up : down;
    }
    return *owner;
  }

 private:
  [[nodiscard]] bool has_seed(std::uint64_t seed) const {
    return std::any_of(nodes_.begin(), nodes_.end(),
                       [&](const auto& each) { return each.second.seed == seed; });
  }

  std::uint32_t virtual_nodes_;
  std::uint32_t probes_;
  std::uint64_t seed_;
  std::map<std::string, entry> nodes_;
  mutable std::vector<std::pair<std::uint64_t, std::string>> tokens_;
};

}  // namespace quoin_test

#endif
