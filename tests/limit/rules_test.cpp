// SPDX-License-Identifier: BSL-1.0
#include <quoin/limit/rules.hpp>

#include <quoin/limit/keyed_limiter.hpp>

#include <pthread.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using quoin::limit_rule;
using quoin::limit_rules;
using quoin::rule_entry;
using entries = std::vector<rule_entry>;

std::uint64_t limit_of(const limit_rules& rules, const entries& request) {
  const limit_rule* rule = rules.match(request);
  return rule == nullptr ? 0 : rule->limit->count;
}

// The examples of the service's documentation.
TEST(LimitRules, LimitMarketingMessagesToANumber) {
  const limit_rules rules("messaging",
                          {{.key = "message_type",
                            .value = "marketing",
                            .rules = {{.key = "to_number", .limit = quoin::per_day(5)}}},
                           {.key = "to_number", .limit = quoin::per_day(100)}});
  const entries marketing{{"message_type", "marketing"}, {"to_number", "2061234567"}};
  const entries number{{"to_number", "2061234567"}};
  EXPECT_EQ(limit_of(rules, marketing), 5u);
  EXPECT_EQ(limit_of(rules, number), 100u);
  EXPECT_EQ(limit_of(rules, {{"message_type", "transactional"}, {"to_number", "1"}}), 0u);
  EXPECT_EQ(limit_of(rules, {{"message_type", "marketing"}}), 0u) << "a place, not a limit";
  EXPECT_EQ(limit_of(rules, {{"to_number", "1"}, {"message_type", "marketing"}}), 0u);
  EXPECT_EQ(limit_of(rules, {{"to_number", "1"}, {"x", "y"}}), 0u) << "it goes on";
  EXPECT_EQ(limit_of(rules, {}), 0u);
  EXPECT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules.key_of(number), "9:messaging9:to_number10:2061234567");
}

TEST(LimitRules, TakeTheVeryValueThenAPrefixThenAnyValue) {
  const limit_rules rules(
      "edge", {{.key = "remote_address", .limit = quoin::per_second(10)},
               {.key = "remote_address", .value = "50.0.0.5", .limit = quoin::per_second(0)},
               {.key = "remote_address", .value = "50.0.*", .limit = quoin::per_second(7)},
               {.key = "remote_address", .value = "50.*", .limit = quoin::per_second(8)},
               {.key = "remote_address", .value = "51.0.0.1", .unlimited = true},
               {.key = "path", .value = "*", .limit = quoin::per_second(3)},
               {.key = "user",
                .value = "vip",
                .rules = {{.key = "path", .value = "/a", .limit = quoin::per_second(1)}}},
               {.key = "user", .rules = {{.key = "path", .limit = quoin::per_second(2)}}}});
  EXPECT_EQ(limit_of(rules, {{"remote_address", "1.2.3.4"}}), 10u);
  EXPECT_NE(rules.match(entries{{"remote_address", "50.0.0.5"}}), nullptr);
  EXPECT_EQ(limit_of(rules, {{"remote_address", "50.0.0.5"}}), 0u);
  EXPECT_EQ(limit_of(rules, {{"remote_address", "50.0.0.6"}}), 7u);
  EXPECT_EQ(limit_of(rules, {{"remote_address", "50.1"}}), 8u);
  EXPECT_EQ(limit_of(rules, {{"remote_address", "50"}}), 10u);
  EXPECT_EQ(limit_of(rules, {{"remote_address", ""}}), 10u);
  EXPECT_TRUE(rules.match(entries{{"remote_address", "51.0.0.1"}})->unlimited);
  EXPECT_EQ(limit_of(rules, {{"path", ""}}), 3u);
  EXPECT_EQ(limit_of(rules, {{"user", "vip"}, {"path", "/a"}}), 1u);
  EXPECT_EQ(limit_of(rules, {{"user", "vip"}, {"path", "/b"}}), 0u) << "what was taken stays taken";
  EXPECT_EQ(limit_of(rules, {{"user", "joe"}, {"path", "/b"}}), 2u);
}

TEST(LimitRules, ReplaceOthersOfTheSameRequest) {
  const limit_rules rules(
      "api", {{.key = "kind", .value = "read", .limit = quoin::per_second(10), .name = "reads"},
              {.key = "endpoint",
               .value = "/big",
               .limit = quoin::per_second(50),
               .shadow = true,
               .replaces = {"reads", "other"}},
              {.key = "endpoint", .limit = quoin::per_second(5), .name = "endpoints"}});
  const entries read{{"kind", "read"}}, big{{"endpoint", "/big"}}, small{{"endpoint", "/small"}};
  const std::array<std::span<const rule_entry>, 3> one{read, big, small};
  const auto left = rules.match_all(one);
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0], nullptr);
  EXPECT_EQ(left[1], rules.match(big));
  EXPECT_TRUE(left[1]->shadow);
  EXPECT_EQ(left[2], rules.match(small));
  const std::array<std::span<const rule_entry>, 2> other{read, small};
  EXPECT_EQ(rules.match_all(other)[0], rules.match(read));
  EXPECT_TRUE(rules.match_all({}).empty());
}

TEST(LimitRules, RefuseRulesThatMeanNothing) {
  const auto refused = [](std::vector<limit_rule> list, std::string_view why) {
    try {
      const limit_rules rules("d", std::move(list));
      ADD_FAILURE() << why;
    } catch (const std::invalid_argument& e) {
      EXPECT_NE(std::string_view(e.what()).find(why), std::string_view::npos) << e.what();
    }
  };
  refused({{.key = ""}}, "has a key");
  refused({{.key = "a", .rules = {{.key = ""}}}}, "has a key");
  refused({{.key = "a"}, {.key = "b"}, {.key = "a"}}, "two of it");
  refused({{.key = "a", .value = "1*"}, {.key = "a", .value = "1*"}}, "two of it");
  refused({{.key = "a", .limit = quoin::rate{1, std::chrono::nanoseconds(0)}}}, "limit.per");
  refused({{.key = "a", .limit = quoin::per_day(1), .unlimited = true}}, "unlimited");
  refused({{.key = "a", .name = "n", .replaces = {"n"}}}, "replaces");
  refused({{.key = "a", .replaces = {""}}}, "replaces");
}

TEST(LimitRules, KeysTellEntriesApart) {
  const limit_rules rules("d", {}), other("e", {});
  const std::vector<entries> all{{},
                                 {{"a", "b"}},
                                 {{"a", ""}, {"b", ""}},
                                 {{"a_b", ""}},
                                 {{"a", "b"}, {"", ""}},
                                 {{"a", "b1:c1:d"}},
                                 {{"a", "b"}, {"c", "d"}},
                                 {{"", "ab"}},
                                 {{std::string_view("a\0", 2), "b"}}};
  std::set<std::string> keys;
  for (const entries& request : all) {
    EXPECT_TRUE(keys.insert(rules.key_of(request)).second);
    EXPECT_TRUE(keys.insert(other.key_of(request)).second);
  }
  quoin::keyed_limiter<std::string> limiter(
      {.rate = quoin::per_day(1), .burst = 1, .capacity = 100});
  EXPECT_TRUE(limiter.try_acquire(rules.key_of(all[1])));
  EXPECT_FALSE(limiter.try_acquire(rules.key_of(all[1])));
  EXPECT_TRUE(limiter.try_acquire(other.key_of(all[1])));
}

// Of several faults it is the first in the order of the list, but for stars that come twice.
TEST(LimitRules, SayWhichFaultComesFirst) {
  const auto fault = [](std::vector<limit_rule> list) {
    try {
      const limit_rules rules("d", std::move(list));
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const limit_rule none{.key = ""}, a{.key = "a"}, b{.key = "b", .value = "1"};
  const limit_rule star{.key = "s", .value = "1*"}, z{.key = "z", .value = "1*"};
  const auto ends = [&](std::vector<limit_rule> list, const std::string& end) {
    const std::string text = fault(std::move(list));
    EXPECT_TRUE(text.size() > end.size() && text.substr(text.size() - end.size()) == end) << text;
  };
  ends({b, a, a, none, b}, "rule a : there are two of it");
  ends({b, a, b, a, none}, "rule b 1: there are two of it");
  ends({b, a, none, b, a}, "a rule has a key");
  ends({star, star, none}, "a rule has a key");
  ends({star, z, z, a, star, a}, "rule a : there are two of it");
  ends({star, z, z, a, star}, "rule z 1*: there are two of it");
  ends({{.key = "y", .rules = {none}}, {.key = "x", .rules = {a, a}}}, "there are two of it");
}

// So many that comparing each with each would take half a minute; in the worst orders.
TEST(LimitRules, AreMadeOfManyInNoTime) {
  constexpr std::size_t n = 30'000;
  const auto value_of = [](std::size_t i) {
    std::string value = std::to_string(i);
    return std::string(6 - value.size(), '0').append(value);
  };
  for (int kind = 0; kind < 3; ++kind) {
    std::vector<limit_rule> list(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t place = kind == 0 ? i : n - 1 - i;
      list[i].key = "k";
      list[i].value = value_of(place).append(kind == 2 ? "*" : "");
      list[i].limit = quoin::per_day(place + 1);
    }
    const limit_rules rules("d", std::move(list));
    EXPECT_EQ(rules.size(), n);
    for (const std::size_t i : {std::size_t{0}, n / 3, n - 1}) {
      EXPECT_EQ(limit_of(rules, {{"k", value_of(i)}}), i + 1);
    }
  }
}

/// A rule below the other; the last one has a limit.
std::vector<limit_rule> deep_rules(std::size_t deep) {
  std::vector<limit_rule> nested;
  for (std::size_t i = 0; i < deep; ++i) {
    std::vector<limit_rule> above(1);
    above[0].key = "k";
    if (i == 0) above[0].limit = quoin::per_day(7);
    above[0].rules = std::move(nested);
    nested = std::move(above);
  }
  return nested;
}

/// With a stack of 256 kB, of which a tree that is gone through by recursion needs more.
void with_a_small_stack(void (*what)()) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread{};
  const auto run = [](void* call) -> void* {
    (*static_cast<void (**)()>(call))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &what), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(LimitRules, AreOfAnyDepthAndAtFaultInAnyDepth) {
  constexpr std::size_t deep = 20'000;
  with_a_small_stack([] {
    const limit_rules rules("d", deep_rules(deep));
    EXPECT_EQ(limit_of(rules, entries(deep, rule_entry{"k", "v"})), 7u);
    std::vector<limit_rule> wrong = deep_rules(deep);
    wrong[0].key.clear();
    EXPECT_THROW(limit_rules("d", std::move(wrong)), std::invalid_argument);
    wrong = deep_rules(deep);
    wrong.emplace_back();
    wrong[1].key = "k";
    EXPECT_THROW(limit_rules("d", std::move(wrong)), std::invalid_argument);
  });
}

// --- against the definition, on trees at random ---------------------------------------------------

const std::vector<std::string> keys{"a", "b", "ab"}, values{"", "x", "xy", "*", "x*", "xy*", "y"};

std::vector<limit_rule> any_rules(std::mt19937_64& random, int depth, std::uint64_t& number) {
  std::vector<limit_rule> rules;
  std::set<std::pair<std::string, std::string>> used;
  const auto any = [&](const std::vector<std::string>& of) {
    return of[static_cast<std::size_t>(random() % of.size())];
  };
  for (auto n = random() % 8; n != 0; --n) {
    limit_rule rule{.key = any(keys), .value = any(values)};
    if (!used.insert({rule.key, rule.value}).second) continue;
    if (random() % 3 != 0) rule.limit = quoin::per_second(++number);
    if (depth != 0) rule.rules = any_rules(random, depth - 1, number);
    rules.push_back(rule);
  }
  return rules;
}

const limit_rule* by_definition(const std::vector<limit_rule>& rules,
                                std::span<const rule_entry> request) {
  if (request.empty()) return nullptr;
  const auto first = [&](auto fits) -> const limit_rule* {
    for (const limit_rule& rule : rules) {
      if (rule.key == request[0].key && fits(std::string_view(rule.value))) return &rule;
    }
    return nullptr;
  };
  const std::string_view value = request[0].value;
  const auto star = [](std::string_view v) { return !v.empty() && v.back() == '*'; };
  const limit_rule* rule = first([&](auto v) { return v == value && !v.empty(); });
  if (rule == nullptr) {
    rule = first([&](auto v) {
      return star(v) && value.size() + 1 >= v.size() &&
             std::equal(v.begin(), v.end() - 1, value.begin());
    });
  }
  if (rule == nullptr) rule = first([](auto v) { return v.empty(); });
  if (rule == nullptr || request.size() > 1) {
    return rule == nullptr ? nullptr : by_definition(rule->rules, request.subspan(1));
  }
  return rule->limit ? rule : nullptr;
}

TEST(LimitRules, MatchAsTheirDefinitionSays) {
  std::mt19937_64 random(3);
  std::size_t found = 0;
  for (int turn = 0; turn < 200; ++turn) {
    std::uint64_t number = 0;
    const auto tree = any_rules(random, 2, number);
    const limit_rules rules("d", tree);
    for (int i = 0; i < 60; ++i) {
      entries request;
      for (auto n = random() % 4; n != 0; --n) {
        request.push_back({keys[static_cast<std::size_t>(random() % keys.size())],
                           values[static_cast<std::size_t>(random() % values.size())]});
      }
      const limit_rule* expected = by_definition(tree, request);
      const limit_rule* rule = rules.match(request);
      ASSERT_EQ(rule == nullptr, expected == nullptr);
      if (rule == nullptr) continue;
      ASSERT_EQ(rule->limit, expected->limit);
      ++found;
    }
  }
  EXPECT_GT(found, 1000u);
}

}  // namespace
