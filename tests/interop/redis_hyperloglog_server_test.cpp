// SPDX-License-Identifier: BSL-1.0
// Byte for byte with a live redis-server: the same commands there and here.
#include <quoin/interop/redis_hyperloglog.hpp>

#include "interop/redis_hyperloglog_testing.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#if QUOIN_TEST_REDIS_SERVER

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace quoin_test;
using sketch = quoin::redis_hyperloglog;
using strings = std::vector<std::string>;

std::string string_of(const sketch& s) {
  const auto bytes = s.to_bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One server for all tests here; a test without it is skipped.
class redis_hyperloglog_server : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (redis_server::installed()) server_ = std::make_unique<redis_server>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!server_) GTEST_SKIP() << "redis-server is not installed (Debian: redis-tools)";
    ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
    use_limit(3000);
  }

  void use_limit(std::uint32_t bytes) {
    limit_ = bytes;
    ASSERT_EQ(server_->call({"CONFIG", "SET", "hll-sparse-max-bytes", std::to_string(bytes)}).text,
              "OK");
  }

  /// Will compare the next answer.
  void expect(std::function<void(const redis_reply&)> check) {
    checks_.push_back(std::move(check));
  }
  void expect_integer(std::uint64_t value, const std::string& what) {
    expect([=](const redis_reply& r) {
      ASSERT_EQ(r.type, ':') << what << ' ' << r.text;
      ASSERT_EQ(static_cast<std::uint64_t>(r.integer), value) << what;
    });
  }

  void add(const std::string& key, sketch& s, const strings& elements) {
    const bool missing = made_.insert(key).second;
    server_->send("PFADD", key, elements);
    expect_integer(s.add_many(elements) || missing, "PFADD " + key);
  }
  void count(const std::string& key, sketch& s) {
    made_.insert(key);
    server_->send({"PFCOUNT", key});
    expect_integer(s.count(), "PFCOUNT " + key);
  }
  void compare(const std::string& key, const sketch& s) {
    server_->send({"GET", key});
    expect([key, expected = string_of(s)](const redis_reply& r) {
      ASSERT_TRUE(r.text == expected)
          << key << ": " << r.text.size() << " bytes there, " << expected.size() << " here";
      const auto back = sketch::from_bytes(std::as_bytes(std::span(r.text)));
      ASSERT_TRUE(back.has_value()) << back.error().message();
      ASSERT_TRUE(string_of(*back) == expected);
    });
  }
  void settle() {
    auto checks = std::exchange(checks_, {});
    for (auto& check : checks) {
      check(server_->receive());
      if (HasFatalFailure()) break;
    }
  }

  static inline std::unique_ptr<redis_server> server_;
  std::uint32_t limit_ = 3000;
  std::set<std::string> made_;
  std::vector<std::function<void(const redis_reply&)>> checks_;
};

/// How many elements a random set has: most are small, some become dense.
std::size_t random_size(std::uint64_t& state) {
  const std::uint64_t kind = split_mix(state) % 100, draw = split_mix(state);
  if (kind < 60) return draw % 40;
  if (kind < 90) return draw % 400;
  return draw % (kind < 99 ? 2'500 : 20'000);
}

TEST_F(redis_hyperloglog_server, ten_thousand_sets_after_the_same_commands) {
  std::uint64_t state = 1;
  for (int round = 0; round < 100; ++round) {
    constexpr std::uint32_t limits[] = {3000, 3000, 3000, 1, 1, 1, 0, 700, 15'000, 40'000};
    const std::uint32_t limit = limits[round % 10];
    // Near the sizes that small sets have, so that some end right at it.
    use_limit(limit == 1 ? 16 + static_cast<std::uint32_t>(split_mix(state) % 60) : limit);
    std::vector<sketch> sets(100, sketch({.sparse_max_bytes = limit_}));
    for (std::size_t i = 0; i < sets.size(); ++i) {
      const std::string key = std::to_string(round) + ":" + std::to_string(i);
      std::size_t left = random_size(state);
      const bool clustered = split_mix(state) % 2 == 0;
      clustered_hashes hashes(split_mix(state), 2'000);
      const std::uint64_t range = 1 + split_mix(state) % 30'000;  // duplicates, some or many
      add(key, sets[i], {});
      while (left > 0) {
        const std::uint64_t draw = split_mix(state);
        const std::size_t chunk = std::min<std::size_t>(left, 1 + draw % (draw % 3 == 0 ? 3 : 500));
        left -= chunk;
        strings elements;
        while (elements.size() < chunk) {
          elements.push_back(clustered ? element_of_hash(hashes())
                                       : "e" + std::to_string(split_mix(state) % range));
        }
        add(key, sets[i], elements);
        if (draw % 5 == 0) count(key, sets[i]);
      }
      if (i > 1 && split_mix(state) % 4 == 0) {
        const std::size_t a = split_mix(state) % i, b = split_mix(state) % i;
        const std::string prefix = std::to_string(round) + ":";
        server_->send({"PFMERGE", key, prefix + std::to_string(a), prefix + std::to_string(b)});
        expect([](const redis_reply& r) { ASSERT_EQ(r.text, "OK"); });
        const sketch others[] = {sets[a], sets[b]};
        sets[i].merge_many(others);
        server_->send({"PFCOUNT", key, prefix + std::to_string(a)});
        expect_integer(sets[i].union_count(sets[a]), "PFCOUNT of two");
      }
      compare(key, sets[i]);
      count(key, sets[i]);
      compare(key, sets[i]);
    }
    settle();
    if (HasFatalFailure()) return;
    ASSERT_EQ(server_->call({"FLUSHALL"}).text, "OK");
  }
}

// What is written here goes on there: SET, then PFADD, PFMERGE and PFCOUNT on what was set.
TEST_F(redis_hyperloglog_server, goes_on_with_our_bytes) {
  std::uint64_t state = 2;
  for (int round = 0; round < 300; ++round) {
    sketch a({.sparse_max_bytes = limit_}), b = a;
    clustered_hashes hashes(split_mix(state), 5'000);
    for (std::size_t n = random_size(state); n > 0; --n) a.add_hash(hashes());
    for (std::size_t n = random_size(state); n > 0; --n) b.add_hash(split_mix(state));
    if (round % 7 == 0) a.make_dense();
    if (round % 3 == 0) a.count();
    server_->send({"SET", "a", string_of(a)});
    expect([](const redis_reply& r) { ASSERT_EQ(r.text, "OK"); });
    server_->send({"SET", "b", string_of(b)});
    expect([](const redis_reply& r) { ASSERT_EQ(r.text, "OK"); });
    made_ = {"a", "b"};
    server_->send({"PFCOUNT", "a", "b"});
    const sketch both[] = {a, b};
    expect_integer(sketch::union_count(both), "PFCOUNT a b");
    count("a", a);
    strings more;
    for (int i = 0; i < 20; ++i) more.push_back(element_of_hash(hashes()));
    add("a", a, more);
    compare("a", a);
    server_->send({"PFMERGE", "b", "a"});
    expect([](const redis_reply& r) { ASSERT_EQ(r.text, "OK"); });
    b.merge(a);
    compare("b", b);
    count("b", b);
    compare("b", b);
    settle();
    if (HasFatalFailure()) return;
  }
}

// Forms that the server reads but does not write: wide runs of few zeros, equal neighbours apart,
// reserved bytes, a kept count that is a lie.
TEST_F(redis_hyperloglog_server, keeps_what_is_odd) {
  std::uint64_t state = 3;
  for (int round = 0; round < 300; ++round) {
    std::string odd = "HYLL\x01";
    odd += static_cast<char>(split_mix(state));
    odd += static_cast<char>(split_mix(state));
    odd += static_cast<char>(split_mix(state));
    for (int i = 0; i < 8; ++i) odd += static_cast<char>(split_mix(state));
    for (std::size_t covered = 0; covered < 16384;) {
      const std::uint64_t draw = split_mix(state);
      const std::size_t left = 16384 - covered;
      const std::size_t wide = std::min<std::size_t>(left, 1 + (draw >> 8) % 300);
      const std::size_t narrow = std::min<std::size_t>(left, 1 + (draw >> 8) % 64);
      const std::size_t equal = std::min<std::size_t>(left, 1 + (draw >> 8) % 4);
      switch (draw % 4) {
        case 0:
          odd += static_cast<char>(0x40 | (wide - 1) >> 8);
          odd += static_cast<char>(wide - 1);
          covered += wide;
          break;
        case 1:
          odd += static_cast<char>(narrow - 1);
          covered += narrow;
          break;
        default:
          odd += static_cast<char>(0x80 | (draw >> 16) % 3 << 2 | (equal - 1));
          covered += equal;
      }
    }
    use_limit(round % 2 == 0 ? 3000 : 40'000);
    auto read = sketch::from_bytes(std::as_bytes(std::span(odd)), {.sparse_max_bytes = limit_});
    ASSERT_TRUE(read.has_value()) << read.error().message();
    ASSERT_TRUE(string_of(*read) == odd);
    server_->send({"SET", "odd", odd});
    expect([](const redis_reply& r) { ASSERT_EQ(r.text, "OK"); });
    made_ = {"odd"};
    count("odd", *read);
    clustered_hashes hashes(split_mix(state), 1'000);
    for (int i = 0; i < 30; ++i) {
      strings elements;
      for (std::uint64_t n = split_mix(state) % 60; n > 0; --n) {
        elements.push_back(element_of_hash(hashes()));
      }
      add("odd", *read, elements);
      compare("odd", *read);
    }
    count("odd", *read);
    compare("odd", *read);
    settle();
    if (HasFatalFailure()) return;
  }
}

TEST_F(redis_hyperloglog_server, saturated_registers) {
  sketch full({.sparse_max_bytes = limit_});
  strings elements;
  for (std::uint32_t i = 0; i < 16384; ++i) {
    elements.push_back(element_at(i, 51));
    if (elements.size() < 4096) continue;
    add("full", full, elements);
    count("full", full);
    compare("full", full);
    elements.clear();
  }
  settle();
}

}  // namespace

#else

TEST(redis_hyperloglog_server, byte_for_byte) { GTEST_SKIP() << "needs x86-64 without emulation"; }

#endif
