// SPDX-License-Identifier: BSL-1.0
// Held to libmemcached itself where it is installed, elsewhere to what it gave.
#include <quoin/hash/xxh64.hpp>
#include <quoin/placement/ketama_ring.hpp>

#include "support/scarce_memory.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if QUOIN_WITH_MEMCACHED
#include <libmemcached/memcached.h>
#endif

namespace {

using quoin::ketama_hash;
using quoin::ketama_naming;
using quoin::ketama_options;
using quoin::ketama_ring;
using quoin::weighted_server;

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::size_t random_below(std::uint64_t& state, std::size_t n) {
  return static_cast<std::size_t>(split_mix(state) % n);
}

std::string random_key(std::uint64_t& state) {
  std::string key(1 + random_below(state, 40), ' ');
  for (char& c : key) c = static_cast<char>(split_mix(state) >> 40);
  return key;
}

/// Servers as they stand in configurations: some share an address, some have the usual port, some
/// none; weights of all sizes.
std::vector<weighted_server> random_servers(std::uint64_t& state, std::size_t count) {
  std::vector<weighted_server> servers;
  const std::uint64_t spread = split_mix(state) % 4;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = "10." + std::to_string(split_mix(state) % 3) + ".7." + std::to_string(i);
    const std::uint64_t port = split_mix(state) % 3;
    if (port == 1) name += ":11211";
    if (port == 2) name += ":" + std::to_string(1 + split_mix(state) % 65535);
    const std::uint64_t draw = split_mix(state);
    const std::uint64_t weights[] = {1, 1 + draw % 8, 1 + draw % 1000,
                                     1 + (draw % 4294967295u >> (draw >> 59))};
    servers.push_back({name, static_cast<std::uint32_t>(weights[spread])});
  }
  return servers;
}

/// One number for all points and whose they are.
std::uint64_t digest(const ketama_ring& ring) {
  std::vector<unsigned char> bytes(8 * ring.points().size());
  for (std::size_t i = 0; i < ring.points().size(); ++i) {
    quoin::detail::store_le(&bytes[8 * i], ring.points()[i]);
    quoin::detail::store_le(&bytes[8 * i + 4], ring.point_owners()[i]);
  }
  return quoin::xxh64(bytes);
}

const std::vector<weighted_server> eight = {{"10.0.1.1:11211", 600},  {"10.0.1.2:11211", 300},
                                            {"10.0.1.3:11211", 200},  {"10.0.1.4:11211", 350},
                                            {"10.0.1.5:11211", 1000}, {"10.0.1.6:11211", 800},
                                            {"10.0.1.7:11211", 950},  {"10.0.1.8:11211", 100}};

TEST(ketama_ring, owners_that_clients_agree_on) {
  const ketama_ring ring(eight);
  EXPECT_EQ(ring.size(), 8u);
  EXPECT_EQ(ring.points().size(), 1264u);
  EXPECT_EQ(ring.owner("SVa_]_V41)"), "10.0.1.7:11211");
  EXPECT_EQ(ring.owner("foo"), "10.0.1.8:11211");
  EXPECT_EQ(ring.owner(std::string("user:42")), "10.0.1.5:11211");
  // Beyond the last point: the first one's.
  EXPECT_EQ(ring.point_of("VDEAAAAA"), 0xfffcd1b5u);
  EXPECT_GT(ring.point_of("VDEAAAAA"), ring.points().back());
  EXPECT_EQ(ring.owner("VDEAAAAA"), "10.0.1.3:11211");
  EXPECT_EQ(ring.owner_index("VDEAAAAA"), 2u);
  EXPECT_EQ(ring.owner_of_point(0xfffcd1b5u), "10.0.1.3:11211");
  EXPECT_EQ(ring.owner_of_hash(0x12345678'fffcd1b5u), "10.0.1.3:11211");
}

// The values of libmemcached 1.1.4 for x86-64; `crc32` is twemproxy's crc32a.
TEST(ketama_ring, hashes_of_keys) {
  const struct {
    ketama_hash hash;
    std::uint32_t of_ascii, of_latin_1;
  } values[] = {
      {ketama_hash::md5, 0x2a40415d, 0x7e2f721a},
      {ketama_hash::one_at_a_time, 0xc8fd181b, 0xacd0b404},
      {ketama_hash::crc, 0x00003610, 0x0000119f},
      {ketama_hash::crc32, quoin::crc32("hello"), quoin::crc32("h\xe9llo")},
      {ketama_hash::fnv1_64, 0xbdbdd4c7, 0xa7c188a3},
      {ketama_hash::fnv1a_64, 0x80aabd0b, 0xa7fa8dbf},
      {ketama_hash::fnv1_32, 0xb6fa7167, 0xbf2733c3},
      {ketama_hash::fnv1a_32, 0x4f9f2cab, 0x5ef5565f},
  };
  for (const auto& [hash, of_ascii, of_latin_1] : values) {
    const ketama_ring ring({.hash = hash});
    EXPECT_EQ(ring.point_of("hello"), of_ascii) << int(hash);
    EXPECT_EQ(ring.point_of("h\xe9llo"), of_latin_1) << int(hash);
  }
}

/// What each client's options give for the same servers, as checked against libmemcached below.
const struct flavor {
  ketama_options options;
  std::uint64_t digest;
} flavors[] = {
    {{}, 0xc620cb6e9058b51d},
    {{.naming = ketama_naming::spymemcached}, 0xb2787831fd50caae},
    {{.naming = ketama_naming::verbatim}, 0xe0356453224c2755},
    {{.hash = ketama_hash::one_at_a_time, .weighted = false}, 0x1384bc7f33556b68},
    {{.hash = ketama_hash::md5, .weighted = false}, 0xd7493ad9bfdc6380},
    {{.hash = ketama_hash::crc, .weighted = false}, 0x9fb1c5cbbf51f1e2},
    {{.hash = ketama_hash::fnv1_64, .weighted = false}, 0xe8516461a2d57bff},
    {{.hash = ketama_hash::fnv1a_64, .weighted = false}, 0xcfba3b0e8c134f7c},
    {{.hash = ketama_hash::fnv1_32, .weighted = false}, 0x73e306d65623dfae},
    {{.hash = ketama_hash::fnv1a_32, .weighted = false}, 0x708abd3505cc80a0},
    {{.hash = ketama_hash::one_at_a_time, .naming = ketama_naming::spymemcached, .weighted = false},
     0x6a3ad4f8ca1c44ae},
};

TEST(ketama_ring, the_same_points_everywhere) {
  for (const auto& [options, expected] : flavors) {
    std::uint64_t state = 4;
    std::uint64_t both = 0;
    for (std::size_t list = 0; list < 12; ++list) {
      both = both * 31 + digest(ketama_ring(random_servers(state, 1 + list * 9), options));
    }
    EXPECT_EQ(both, expected) << std::hex << both << " of hash " << int(options.hash);
  }
}

#if QUOIN_WITH_MEMCACHED

/// The library's own handle with the same servers. It never connects.
class client {
 public:
  client(std::span<const weighted_server> servers, const ketama_options& options)
      : client(servers, options,
               options.weighted ? MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED : MEMCACHED_BEHAVIOR_KETAMA) {}
  client(std::span<const weighted_server> servers, const ketama_options& options,
         memcached_behavior_t ketama)
      : handle_(memcached_create(nullptr)) {
    set(ketama, 1);
    if (options.naming == ketama_naming::spymemcached) {
      set(MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY);
    }
    const std::map<ketama_hash, memcached_hash_t> hashes = {
        {ketama_hash::md5, MEMCACHED_HASH_MD5},
        {ketama_hash::one_at_a_time, MEMCACHED_HASH_DEFAULT},
        {ketama_hash::crc, MEMCACHED_HASH_CRC},
        {ketama_hash::fnv1_64, MEMCACHED_HASH_FNV1_64},
        {ketama_hash::fnv1a_64, MEMCACHED_HASH_FNV1A_64},
        {ketama_hash::fnv1_32, MEMCACHED_HASH_FNV1_32},
        {ketama_hash::fnv1a_32, MEMCACHED_HASH_FNV1A_32}};
    set(MEMCACHED_BEHAVIOR_HASH, static_cast<std::uint64_t>(hashes.at(options.hash)));
    memcached_server_list_st list = nullptr;
    for (const auto& server : servers) {
      const std::size_t colon = server.name.find(':');
      const std::string host = server.name.substr(0, colon);
      const int port = colon == std::string::npos ? 0 : std::stoi(server.name.substr(colon + 1));
      memcached_return_t result = MEMCACHED_SUCCESS;
      list = memcached_server_list_append_with_weight(
          list, host.c_str(), static_cast<in_port_t>(port == 0 ? 11211 : port),
          options.weighted ? server.weight : 1, &result);
      EXPECT_EQ(result, MEMCACHED_SUCCESS) << server.name;
    }
    EXPECT_EQ(memcached_server_push(handle_, list), MEMCACHED_SUCCESS);
    memcached_server_list_free(list);
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { memcached_free(handle_); }

  [[nodiscard]] std::uint32_t owner(const std::string& key) const {
    return memcached_generate_hash(handle_, key.data(), key.size());
  }

  /// Its points, which its header declares but does not describe.
  void expect_points(const ketama_ring& ring) const {
    struct item {
      std::uint32_t index, value;
    };
    const auto* const items = reinterpret_cast<const item*>(handle_->ketama.continuum);
    ASSERT_EQ(ring.points().size(), handle_->ketama.continuum_points_counter);
    for (std::size_t i = 0; i < ring.points().size(); ++i) {
      ASSERT_EQ(ring.points()[i], items[i].value) << i;
      ASSERT_EQ(ring.point_owners()[i], items[i].index) << i;
    }
  }

 private:
  void set(memcached_behavior_t behavior, std::uint64_t value) {
    EXPECT_EQ(memcached_behavior_set(handle_, behavior, value), MEMCACHED_SUCCESS);
  }
  memcached_st* handle_;
};

TEST(ketama_ring, hashes_of_libmemcached) {
  std::uint64_t state = 1;
  const ketama_hash hashes[] = {
      ketama_hash::one_at_a_time, ketama_hash::md5,     ketama_hash::crc,     ketama_hash::fnv1_64,
      ketama_hash::fnv1a_64,      ketama_hash::fnv1_32, ketama_hash::fnv1a_32};  // in its order
  for (int i = 0; i < 7000; ++i) {
    const std::string key = random_key(state);
    ASSERT_EQ(
        ketama_ring({.hash = hashes[i % 7]}).point_of(key),
        memcached_generate_hash_value(key.data(), key.size(), static_cast<memcached_hash_t>(i % 7)))
        << i % 7;
  }
}

TEST(ketama_ring, point_for_point_with_libmemcached) {
  for (const auto& [options, ignored] : flavors) {
    if (options.naming == ketama_naming::verbatim) continue;
    std::uint64_t state = 4, keys = 5;
    for (std::size_t list = 0; list < 12; ++list) {
      const auto servers = random_servers(state, 1 + list * 9);  // those of the digests above
      const ketama_ring ring(servers, options);
      const client peer(servers, options);
      peer.expect_points(ring);
      for (int i = 0; i < 300; ++i) {
        const std::string key = random_key(keys);
        ASSERT_EQ(ring.owner_index(key), peer.owner(key));
      }
    }
  }
}

// What becomes of MEMCACHED_BEHAVIOR_KETAMA when a server comes with a weight: points by MD5 and by
// weight, keys by the hash that was set.
TEST(ketama_ring, weights_without_being_told_so_as_libmemcached) {
  const ketama_options options{.hash = ketama_hash::one_at_a_time};
  std::uint64_t state = 6, keys = 7;
  for (std::size_t list = 0; list < 8; ++list) {
    auto servers = random_servers(state, 1 + list * 14);
    servers.back().weight = 2;
    const ketama_ring ring(servers, options);
    const client peer(servers, options, MEMCACHED_BEHAVIOR_KETAMA);
    peer.expect_points(ring);
    for (int i = 0; i < 300; ++i) {
      const std::string key = random_key(keys);
      ASSERT_EQ(ring.owner_index(key), peer.owner(key));
    }
  }
}

// Equal weights too, whose shares `float` does not always make equal to 40 groups.
TEST(ketama_ring, every_count_of_equal_servers_as_libmemcached) {
  for (std::size_t count = 1; count <= 100; ++count) {
    std::vector<weighted_server> servers;
    for (std::size_t i = 0; i < count; ++i) {
      servers.push_back({"cache-" + std::to_string(i), 7});
    }
    client(servers, {}).expect_points(ketama_ring(servers));
  }
}

TEST(ketama_ring, a_hundred_thousand_keys_on_fifty_lists_as_libmemcached) {
  std::uint64_t state = 2;
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back(random_key(state));
  std::vector<std::uint32_t> owners(keys.size());
  for (int list = 0; list < 50; ++list) {
    const auto servers = random_servers(state, 1 + random_below(state, 100));
    const client peer(servers, {});
    ketama_ring(servers).owners_many(keys, owners);
    std::size_t differing = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) differing += owners[i] != peer.owner(keys[i]);
    ASSERT_EQ(differing, 0u) << list;
  }
}

#else

TEST(ketama_ring, point_for_point_with_libmemcached) {
  GTEST_SKIP() << "libmemcached is not installed (Debian: libmemcached-dev)";
}

#endif

// More than the hundred at which libmemcached aborts, against the definition. Shares are powers of
// two here, and no operation rounds.
TEST(ketama_ring, two_hundred_and_fifty_six_servers) {
  std::vector<weighted_server> servers;
  std::map<std::uint32_t, std::uint32_t> model;
  for (std::uint32_t s = 256; s-- > 0;) {  // the first of the list has the last word
    const std::string name = "cache-" + std::to_string(s);
    const std::uint32_t weight = s % 2 == 0 ? 1 : 3;
    servers.insert(servers.begin(), {name, weight});
    for (std::uint32_t i = 0; i < weight * 20; ++i) {
      const auto bytes = quoin::md5(name + "-" + std::to_string(i));
      for (std::size_t k = 0; k < 16; k += 4) {
        model[quoin::detail::load_le<std::uint32_t>(&bytes[k])] = s;
      }
    }
  }
  const ketama_ring ring(servers);
  EXPECT_EQ(ring.points().size(), 160u * 256);
  std::uint64_t state = 3;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = random_key(state);
    auto found = model.lower_bound(ring.point_of(key));
    if (found == model.end()) found = model.begin();
    ASSERT_EQ(ring.owner_index(key), found->second);
  }
}

TEST(ketama_ring, one_by_one_as_all_at_once) {
  for (const bool weighted : {true, false}) {
    std::uint64_t state = 5;
    const ketama_options options{.weighted = weighted};
    ketama_ring ring(options);
    std::vector<weighted_server> servers;
    const auto pool = random_servers(state, 60);
    std::size_t next = 0;
    for (int step = 0; step < 150; ++step) {
      const std::uint64_t draw = split_mix(state);
      if (servers.empty() || (draw % 4 < 2 && next < pool.size())) {
        ring.add(pool[next].name, pool[next].weight);
        servers.push_back(pool[next++]);
        if (next == pool.size()) next = 0;
        if (servers.size() == pool.size()) break;
      } else if (draw % 4 == 2) {
        weighted_server& server = servers[random_below(state, servers.size())];
        server.weight = static_cast<std::uint32_t>(1 + (draw >> 32) % 5);
        ring.set_weight(server.name, server.weight);
      } else {
        const std::size_t at = random_below(state, servers.size());
        ring.remove(servers[at].name);
        servers.erase(servers.begin() + static_cast<std::ptrdiff_t>(at));
      }
      const ketama_ring fresh(servers, options);
      ASSERT_EQ(ring, fresh) << step;
      ASSERT_EQ(digest(ring), digest(fresh)) << step;
      ASSERT_EQ(ring.size(), servers.size());
      for (const auto& server : servers) {
        ASSERT_EQ(ring.points_of(server.name), fresh.points_of(server.name));
      }
    }
  }
}

TEST(ketama_ring, says_which_servers_have_no_point) {
  ketama_ring ring({{"big", 1000}, {"small", 10}, {"tiny", 1}});
  EXPECT_EQ(ring.points_of("tiny"), 0u);
  EXPECT_EQ(ring.points_of("small"), 4u);
  EXPECT_EQ(ring.starved(), std::vector<std::string>{"tiny"});
  ring.set_weight("tiny", 10);
  EXPECT_TRUE(ring.starved().empty());
  EXPECT_EQ(ring.weights()[2], 10u);
}

TEST(ketama_ring, the_usual_port_is_no_part_of_a_name) {
  const ketama_ring with({{"a:11211", 1}, {"b:11212", 1}}), without({{"a", 1}, {"b:11212", 1}});
  EXPECT_EQ(digest(with), digest(without));
  const ketama_options spy{.naming = ketama_naming::spymemcached};
  EXPECT_EQ(digest(ketama_ring({{"a", 1}}, spy)), digest(ketama_ring({{"a:11211", 1}}, spy)));
  EXPECT_NE(digest(ketama_ring({{"a", 1}}, spy)), digest(ketama_ring({{"a", 1}})));
  const ketama_options verbatim{.naming = ketama_naming::verbatim};
  EXPECT_NE(digest(ketama_ring({{"a", 1}}, verbatim)),
            digest(ketama_ring({{"a:11211", 1}}, verbatim)));
  // What is hashed, before the number: a socket, IPv6 addresses, names that are only a port.
  const struct {
    std::string name, usual, spy;
  } texts[] = {{"/tmp/socket:0", "/tmp/socket:0", "//tmp/socket:0"},
               {"::1:11211", "::1", "/::1:11211"},
               {"::1:11212", "::1:11212", "/::1:11212"},
               {"[::1]:11211", "[::1]", "/[::1]:11211"},
               {"a:", "a:", "/a::11211"},
               {":11211", ":11211", "/:11211"},
               {"11211", "11211", "/11211:11211"}};
  for (const auto& [name, usual_text, spy_text] : texts) {
    EXPECT_EQ(digest(ketama_ring({{name, 1}})), digest(ketama_ring({{usual_text, 1}}, verbatim)));
    EXPECT_EQ(digest(ketama_ring({{name, 1}}, spy)),
              digest(ketama_ring({{spy_text, 1}}, verbatim)));
  }
}

TEST(ketama_ring, names_of_any_length) {
  const std::string name(100'000, 'n');
  const ketama_ring ring({{"a", 1}, {name, 1}});
  EXPECT_EQ(ring.points_of(name), 160u);
  const auto first = quoin::md5(name + "-0");
  EXPECT_EQ(ring.owner_of_point(quoin::detail::load_le<std::uint32_t>(first.data())), name);
}

TEST(ketama_ring, owners_many_as_one_by_one) {
  const ketama_ring ring(eight);
  std::uint64_t state = 6;
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) keys.push_back(random_key(state));
  for (const std::size_t count : {0u, 1u, 63u, 64u, 65u, 500u}) {
    std::vector<std::uint32_t> owners(count);
    ring.owners_many(std::span<const std::string>(keys).first(count), owners);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(owners[i], ring.owner_index(keys[i])) << i;
  }
}

TEST(ketama_ring, knows_its_servers) {
  ketama_ring ring(eight);
  EXPECT_TRUE(ring.contains("10.0.1.3:11211"));
  EXPECT_FALSE(ring.contains("10.0.1.3"));  // the same points, but not the name
  EXPECT_EQ(ring.index_of("10.0.1.3:11211"), 2u);
  for (const auto& server : eight) ring.remove(server.name);
  EXPECT_TRUE(ring.empty() && ring.points().empty() && ring.point_owners().empty());
  EXPECT_FALSE(ring.contains("10.0.1.3:11211"));
  ring.add("last", 4'294'967'295u);
  EXPECT_EQ(ring.owner("key"), "last");
  EXPECT_EQ(ring.points_of("last"), 160u);
}

TEST(ketama_ring, a_value) {
  ketama_ring ring(eight);
  const std::uint64_t before = digest(ring);
  ketama_ring copy = ring;
  copy.add("another");
  EXPECT_NE(copy, ring);
  EXPECT_EQ(digest(ring), before);
  copy = ring;
  EXPECT_EQ(digest(copy), before);
  const ketama_ring moved = std::move(copy);
  EXPECT_EQ(digest(moved), before);
  ring.clear();
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.nodes().empty());
  ring.add_many(eight);
  EXPECT_EQ(digest(ring), before);
  ring.add_many({});
  EXPECT_EQ(ring, moved);
  const auto& self = ring;
  ring = self;
  EXPECT_EQ(digest(ring), before);
  auto& same = ring;
  ring = std::move(same);
  EXPECT_EQ(digest(ring), before);
  EXPECT_EQ(ring.owner("foo"), "10.0.1.8:11211");
}

TEST(ketama_ring, empty_when_moved_from) {
  ketama_ring ring(eight);
  const ketama_ring taken = std::move(ring);
  EXPECT_TRUE(ring.empty() && ring.points().empty());  // NOLINT(bugprone-use-after-move)
  ring.add_many(eight);
  EXPECT_EQ(ring, taken);
  EXPECT_EQ(digest(ring), digest(taken));
}

#if defined(__cpp_exceptions)

template <class Exception, class F>
std::string what_of(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "nothing thrown";
}

TEST(ketama_ring, refuses_and_stays_as_it_was) {
  ketama_ring ring(eight);
  const std::uint64_t before = digest(ring);
  using invalid = std::invalid_argument;
  EXPECT_EQ(what_of<invalid>([&] { ring.add("10.0.1.3"); }),
            "quoin::ketama_ring: node \"10.0.1.3\" is in the ring already");
  EXPECT_EQ(what_of<invalid>([&] { ring.add("x", 0); }),
            "quoin::ketama_ring: weight = 0, must be at least 1");
  EXPECT_EQ(what_of<invalid>([&] { ring.add(""); }), "quoin::ketama_ring: node \"\" has no name");
  EXPECT_EQ(what_of<invalid>([&] { ring.set_weight("10.0.1.3:11211", 0); }),
            "quoin::ketama_ring: weight = 0, must be at least 1");
  const std::vector<weighted_server> twins = {{"new", 1}, {"other", 1}, {"new:11211", 2}};
  EXPECT_THROW(ring.add_many(twins), invalid);
  std::vector<std::uint32_t> out(1);
  const std::string keys[] = {"one", "two"};
  EXPECT_THROW(ring.owners_many(keys, out), invalid);
  EXPECT_EQ(what_of<invalid>([&] { ring.remove("10.0.1.3"); }),
            "quoin::ketama_ring: node \"10.0.1.3\" is not in the ring");
  EXPECT_THROW(static_cast<void>(ring.points_of("x")), invalid);
  EXPECT_THROW(ring.set_weight("x", 1), invalid);
  EXPECT_EQ(digest(ring), before);
  EXPECT_EQ(ring, ketama_ring(eight));
}

/// Another text with the XXH64 of `text`, from 64 bytes up: a lane of the hash takes bytes 0 to 7,
/// then, after a step that can be undone, adds a multiple of bytes 32 to 39.
std::string with_the_same_hash(std::string text) {
  constexpr std::uint64_t p1 = 0x9e3779b185ebca87, p2 = 0xc2b2ae3d27d4eb4f;
  std::uint64_t inverse = p2;  // of p2 modulo 2^64, by Newton's iteration
  for (int i = 0; i < 6; ++i) inverse *= 2 - p2 * inverse;
  const auto lane_after = [&] {
    const auto word = quoin::detail::load_le<std::uint64_t>(text.data());
    return std::rotl(p1 + p2 + word * p2, 31) * p1;
  };
  const std::uint64_t before = lane_after();
  text[0] = static_cast<char>(text[0] ^ 1);
  const auto later = quoin::detail::load_le<std::uint64_t>(&text[32]);
  quoin::detail::store_le(&text[32], later + (before - lane_after()) * inverse);
  return text;
}

TEST(ketama_ring, finds_twins_among_names_that_collide) {
  const std::string name(64, 'n'), other = with_the_same_hash(name);
  ASSERT_EQ(quoin::xxh64(name), quoin::xxh64(other));
  ASSERT_NE(name, other);
  ketama_ring ring({{name, 1}, {other, 1}});
  EXPECT_EQ(ring.size(), 2u);
  EXPECT_THROW(ring.add(name), std::invalid_argument);
  EXPECT_THROW(ring.add(other), std::invalid_argument);
}

TEST(ketama_ring, stays_as_it_was_without_memory) {
  ketama_ring ring(eight);
  const std::uint64_t before = digest(ring);
  const auto unchanged = [&](const ketama_ring& left) {
    ASSERT_EQ(left.size(), eight.size());
    ASSERT_EQ(digest(left), before);
  };
  const std::vector<weighted_server> more = {{"a server whose name is long enough", 3}, {"b", 1}};
  ketama_ring copy(ring);
  EXPECT_GT(quoin_test::starve(
                copy, [&](auto& r) { r.add_many(more); }, unchanged),
            10u);
  copy = ring;
  EXPECT_GT(quoin_test::starve(
                copy, [](auto& r) { r.remove("10.0.1.4:11211"); }, unchanged),
            5u);
  copy = ring;
  EXPECT_GT(quoin_test::starve(
                copy, [](auto& r) { r.set_weight("10.0.1.4:11211", 5); }, unchanged),
            5u);
  copy = ring;
  const ketama_ring one({{"a", 1}});
  EXPECT_GT(quoin_test::starve(
                copy, [&](auto& r) { r = one; }, unchanged),
            3u);
  EXPECT_EQ(copy, one);
}

TEST(ketama_ring, quotes_the_beginning_of_a_long_name) {
  ketama_ring ring;
  const std::string begin = "quoin::ketama_ring: node \"", end = "…\" is not in the ring";
  for (std::size_t size = 97; size <= 100; ++size) {  // no character of UTF-8 is cut in two
    const std::string name = std::string(size, 'n') + "\u00e9\u20ac" + std::string(50, 'n');
    const std::string quoted = name.substr(0, size == 97 ? 99 : size == 98 ? 100 : size);
    EXPECT_EQ(what_of<std::invalid_argument>([&] { ring.remove(name); }), begin + quoted + end);
  }
  const std::string zeros(200, '\x80');  // nothing but continuation
  EXPECT_NE(what_of<std::invalid_argument>([&] { ring.remove(zeros); }), "nothing thrown");
}

TEST(ketama_ring, nobody_owns_a_key_of_an_empty_ring) {
  const ketama_ring ring;
  EXPECT_EQ(what_of<std::out_of_range>([&] { static_cast<void>(ring.owner("key")); }),
            "quoin::ketama_ring: there are no nodes");
  EXPECT_THROW(static_cast<void>(ring.owner_of_hash(1)), std::out_of_range);
  const std::string keys[] = {"one"};
  std::uint32_t out[1];
  EXPECT_THROW(ring.owners_many(keys, out), std::out_of_range);
  ring.owners_many(std::span<const std::string>(), {});
}

#endif

}  // namespace
