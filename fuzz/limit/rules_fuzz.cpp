// SPDX-License-Identifier: BSL-1.0
// Trees of rules and requests at random: what is found stands where the entries lead, by the key and
// a value that fits; keys of different requests differ.
#include <quoin/limit/rules.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

std::string any_text(quoin_fuzz::input& in) {
  std::string text;
  for (auto n = in.take<std::uint8_t>() % 4; n != 0; --n)
    text += "ab*:1"[in.take<std::uint8_t>() % 5];
  return text;
}

std::vector<quoin::limit_rule> any_rules(quoin_fuzz::input& in, int depth) {
  std::vector<quoin::limit_rule> rules;
  for (auto n = in.take<std::uint8_t>() % 6; n != 0; --n) {
    quoin::limit_rule rule{.key = any_text(in) + "k", .value = any_text(in)};
    bool twice = false;
    for (const auto& other : rules) {
      twice = twice || (other.key == rule.key && other.value == rule.value);
    }
    if (twice) continue;
    rule.name = rule.value;
    if (in.take<bool>()) rule.limit = quoin::per_second(1);
    if (depth != 0) rule.rules = any_rules(in, depth - 1);
    rules.push_back(std::move(rule));
  }
  return rules;
}

bool fits(std::string_view rule, std::string_view value) {
  if (rule.empty() || rule == value) return true;
  return rule.back() == '*' && value.substr(0, rule.size() - 1) == rule.substr(0, rule.size() - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::limit_rules rules(any_text(in), any_rules(in, 2));
  std::vector<std::pair<std::string, std::string>> before;
  std::string key_before;
  for (int i = 0; i < 50 && !in.empty(); ++i) {
    std::vector<std::pair<std::string, std::string>> texts(in.take_in<std::uint8_t>(0, 3));
    for (auto& [key, value] : texts) key = any_text(in) + "k", value = any_text(in);
    std::vector<quoin::rule_entry> request;
    for (const auto& [key, value] : texts) request.push_back({key, value});
    if (const quoin::limit_rule* rule = rules.match(request)) {
      QUOIN_FUZZ_CHECK(!request.empty() && rule->limit && rule->rules.empty());
      QUOIN_FUZZ_CHECK(rule->key == request.back().key && fits(rule->value, request.back().value));
      const std::span<const quoin::rule_entry> one(request);
      QUOIN_FUZZ_CHECK(rules.match_all({&one, 1}).front() == rule);
    }
    std::string key = rules.key_of(request);
    QUOIN_FUZZ_CHECK((key == key_before) == (texts == before) || i == 0);
    key_before = std::move(key), before = std::move(texts);
  }
  return 0;
}
