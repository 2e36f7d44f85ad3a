// SPDX-License-Identifier: BSL-1.0
/// @file
/// Which quota a request falls under: rules over descriptors, as the rate limit service of Lyft and
/// Envoy has them, and the key to count it under.
///
/// Use it in front of a `keyed_limiter`, `redis_token_bucket` and the like, where limits are said as
/// "five messages a day to each number, if they are marketing". A request is described by a list of
/// entries (key, value), from the general to the special; rules are a tree of the same.
///
/// Match       entry by entry, level by level: a rule of that key and that very value; if there is
///             none, the first in the list of that key whose value ends with `*` and begins like it;
///             if there is none, the rule of that key without a value. What was taken is not taken
///             back: if the next level has no rule for the next entry, none applies. A limit applies
///             to a request that ends where it stands, and not to one that goes on or stops before.
/// Count       under the domain and all entries, keys and values: so a rule without a value counts
///             each value by itself. Keys of different entries differ.
/// Cost        match: for an entry on a level with n rules O(log n) comparisons, and one for each rule
///             of it that ends with `*`; no allocation. Construction: O(n log n) comparisons for a
///             level, and no deeper a stack for deeper trees, be they at fault.
/// Memory      that of the strings and 200 bytes for each rule.
/// Threads     concurrent reads; immutable.
/// Source      github.com/envoyproxy/ratelimit at 008b66a, README and src/config/config_impl.go. There
///             values with `*` are looked for on the first level alone, and a key and a value are one
///             text: a rule for the key `a_b` there also is one for the key `a` and the value `b`.
///
/// @code
/// using namespace quoin;
/// const limit_rules rules("messaging",
///     {{.key = "message_type", .value = "marketing",
///       .rules = {{.key = "to_number", .limit = per_day(5)}}},
///      {.key = "to_number", .limit = per_day(100)}});
/// const rule_entry request[] = {{"message_type", "marketing"}, {"to_number", number}};
/// if (const limit_rule* rule = rules.match(request)) {
///   limiter_of(*rule->limit).try_acquire(rules.key_of(request));
/// }
/// @endcode
#ifndef QUOIN_LIMIT_RULES_HPP
#define QUOIN_LIMIT_RULES_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_max_min.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A rule for an entry of a request, and those below it for the next one.
struct limit_rule {
  std::string key;                 ///< of the entry; not empty
  std::string value = {};          ///< of the entry; empty: any; `abc*`: any that begins with abc
  std::optional<rate> limit = {};  ///< of requests that end here; none: no rule of its own
  bool unlimited = false;          ///< such requests always pass; instead of `limit`
  bool shadow = false;             ///< to be reported and not enforced
  std::string name = {};           ///< by which others replace it
  std::vector<std::string> replaces = {};  ///< names of rules that do not apply where this one does
  std::vector<limit_rule> rules = {};      ///< for the next entry
};

/// What is said of a request.
struct rule_entry {
  std::string_view key;
  std::string_view value;

  friend constexpr bool operator==(const rule_entry&, const rule_entry&) = default;
};

/// The rules of one domain.
class limit_rules {
 public:
  /// Throws `std::invalid_argument` for a rule without a key, two of one key and value on one level,
  /// a limit over no time, one that is `unlimited` besides, and one that replaces itself.
  explicit limit_rules(std::string domain, std::vector<limit_rule> rules)
      : domain_(std::move(domain)) {
    // Taken apart before anything can be at fault: the tree's own destructor goes as deep as it is.
    std::vector<std::vector<limit_rule>>
        lists;                        // the one below rule i, counted through all, is i + 1
    std::vector<std::size_t> firsts;  // the number of each list's first rule
    std::size_t count = 0;
    lists.push_back(std::move(rules));
    for (std::size_t l = 0; l < lists.size(); ++l) {
      const std::size_t size = lists[l].size();
      for (std::size_t j = 0; j < size; ++j) {
        std::vector<limit_rule> below = std::exchange(lists[l][j].rules, {});
        lists.push_back(std::move(below));
      }
      firsts.push_back(std::exchange(count, count + size));
    }
    top_ = add(lists[0], 0);
    std::vector<std::size_t> waiting;  // nodes without their levels; the next one is last
    const auto wait = [&](const level& at) {
      for (std::size_t i = at.last; i-- > at.first;) waiting.push_back(i);
    };
    wait(top_);
    while (!waiting.empty()) {
      const std::size_t i = waiting.back();
      waiting.pop_back();
      const std::size_t list = nodes_[i].below.first;
      const level below = add(lists[list], firsts[list]);
      nodes_[i].below = below;
      wait(below);
    }
  }

  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  /// The number of rules, those without a limit too.
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

  /// The rule that says how a request with these entries is limited (`limit`, or `unlimited`); null
  /// if none does. It lives as long as the rules; its own `rules` are empty.
  [[nodiscard]] const limit_rule* match(std::span<const rule_entry> entries) const noexcept {
    const level* at = &top_;
    const node* found = nullptr;
    for (const rule_entry& entry : entries) {
      found = find(*at, entry);
      if (found == nullptr) return nullptr;
      at = &found->below;
    }
    const bool says = found != nullptr && (found->rule.limit || found->rule.unlimited);
    return says ? &found->rule : nullptr;
  }

  /// For each of the lists of entries that describe one request, its rule; null, too, for a rule that
  /// another one of them replaces. The request passes if it passes all of them.
  [[nodiscard]] std::vector<const limit_rule*> match_all(
      std::span<const std::span<const rule_entry>> descriptors) const {
    std::vector<const limit_rule*> found;
    found.reserve(descriptors.size());
    for (const auto& entries : descriptors) found.push_back(match(entries));
    std::vector<const limit_rule*> left = found;
    for (const limit_rule*& rule : left) {
      if (rule == nullptr || rule->name.empty()) continue;
      for (const limit_rule* other : found) {
        if (other != nullptr && replaces(*other, rule->name)) rule = nullptr;
        if (rule == nullptr) break;
      }
    }
    return left;
  }

  /// What a request with these entries is counted under: `domain` and each entry's key and value,
  /// where each is preceded by its length, so that other entries have another key. It is the same in
  /// all processes.
  [[nodiscard]] std::string key_of(std::span<const rule_entry> entries) const {
    std::string key;
    put(key, domain_);
    for (const rule_entry& entry : entries) {
      put(key, entry.key);
      put(key, entry.value);
    }
    return key;
  }

 private:
  /// Nodes `[first, last)`: up to `sorted` by key and value, then those that end with `*` as given.
  struct level {
    std::size_t first = 0;
    std::size_t sorted = 0;
    std::size_t last = 0;
  };
  struct node {
    limit_rule rule;
    level below;
  };

  static void put(std::string& key, std::string_view part) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
  }

  [[nodiscard]] static bool replaces(const limit_rule& rule, std::string_view name) noexcept {
    for (const std::string& replaced : rule.replaces) {
      if (replaced == name) return true;
    }
    return false;
  }

  [[nodiscard]] static bool is_prefix(const limit_rule& rule) noexcept {
    return !rule.value.empty() && rule.value.back() == '*';
  }

  /// -1, 0 or 1: by key, then by value.
  [[nodiscard]] static int order(const limit_rule& rule, std::string_view key,
                                 std::string_view value) noexcept {
    const int by_key = std::string_view(rule.key).compare(key);
    return by_key != 0 ? by_key : std::string_view(rule.value).compare(value);
  }

  [[nodiscard]] const node* exactly(const level& at, std::string_view key,
                                    std::string_view value) const noexcept {
    std::size_t low = at.first, high = at.sorted;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const int found = order(nodes_[middle].rule, key, value);
      if (found == 0) return &nodes_[middle];
      if (found < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return nullptr;
  }

  [[nodiscard]] const node* find(const level& at, const rule_entry& entry) const noexcept {
    if (!entry.value.empty()) {
      if (const node* found = exactly(at, entry.key, entry.value)) return found;
    }
    const bool star = !entry.value.empty() && entry.value.back() == '*';
    for (std::size_t i = at.sorted; star && i < at.last; ++i) {  // that very value
      if (order(nodes_[i].rule, entry.key, entry.value) == 0) return &nodes_[i];
    }
    for (std::size_t i = at.sorted; i < at.last; ++i) {
      const limit_rule& rule = nodes_[i].rule;
      const std::string_view begin(rule.value.data(), rule.value.size() - 1);
      if (entry.key == rule.key && entry.value.substr(0, begin.size()) == begin) return &nodes_[i];
    }
    return exactly(at, entry.key, {});
  }

  static void check(bool good, const char* what, const limit_rule& rule) {
    if (good) return;
    const std::string text =
        std::string("quoin::limit_rules: rule ") + rule.key + " " + rule.value + ": " + what;
    detail::fail(text.c_str());
  }
  static void check(const limit_rule& rule) {
    check(!rule.key.empty(), "a rule has a key", rule);
    check(!rule.limit || rule.limit->per.count() >= 1, "limit.per must be 1 ns or more", rule);
    check(!rule.limit || !rule.unlimited, "has a limit and is unlimited", rule);
    for (const std::string& name : rule.replaces) {
      check(!name.empty() && name != rule.name, "replaces another rule, by its name", rule);
    }
  }

  /// Appends a level. Its nodes have no levels below them yet, but in their place the number of the
  /// list that these are to be made of.
  level add(std::vector<limit_rule>& rules, std::size_t number) {
    if (rules.empty()) return {nodes_.size(), nodes_.size(), nodes_.size()};
    std::vector<std::size_t> prefixes;
    const std::vector<std::size_t> sorted = in_order(rules);
    const std::size_t twice = second_of_two(rules, sorted, false);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      check(rules[i]);
      check(i != twice, "there are two of it", rules[i]);
      if (is_prefix(rules[i])) prefixes.push_back(i);
    }
    const std::size_t both = second_of_two(rules, sorted, true);
    check(both == rules.size(), "there are two of it", rules[both % rules.size()]);
    level at;
    at.first = nodes_.size();
    for (const std::size_t i : sorted) {
      if (!is_prefix(rules[i])) nodes_.push_back({std::move(rules[i]), {number + i + 1}});
    }
    at.sorted = nodes_.size();
    for (const std::size_t i : prefixes) {
      nodes_.push_back({std::move(rules[i]), {number + i + 1}});
    }
    at.last = nodes_.size();
    return at;
  }

  /// Places of `rules` by key and value, of those of both alike as given.
  [[nodiscard]] static std::vector<std::size_t> in_order(const std::vector<limit_rule>& rules) {
    std::vector<std::size_t> places(rules.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    detail::sort_by(places, [&](std::size_t a, std::size_t b) {
      const int by = order(rules[a], rules[b].key, rules[b].value);
      return by != 0 ? by < 0 : a < b;
    });
    return places;
  }

  /// The first rule that is as one before it, of those that are prefixes or of those that are not; the
  /// number of rules if there is none.
  [[nodiscard]] static std::size_t second_of_two(const std::vector<limit_rule>& rules,
                                                 const std::vector<std::size_t>& sorted,
                                                 bool prefixes) noexcept {
    std::size_t first = rules.size();
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      const limit_rule& rule = rules[sorted[i]];
      if (sorted[i] < first && is_prefix(rule) == prefixes &&
          order(rules[sorted[i - 1]], rule.key, rule.value) == 0) {
        first = sorted[i];
      }
    }
    return first;
  }

  std::string domain_;
  std::vector<node> nodes_;
  level top_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
