// SPDX-License-Identifier: BSL-1.0
#include <quoin/hash/xxh64.hpp>
#include <quoin/interop/nginx_ring.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using quoin::nginx_ring;
using quoin::weighted_server;

// Where nginx 1.22.1 sent requests for /item/0, /item/1, …: `hash $request_uri consistent`, the
// servers below, max_fails=0, from its log of $upstream_addr.
TEST(nginx_ring, as_a_running_nginx) {
  const nginx_ring ring({{"127.0.1.1:9", 3},
                         {"127.0.1.2:9", 1},
                         {"127.0.1.3", 1},
                         {"unix:/nonexistent/quoin.socket", 2},
                         {"127.0.1.2:19", 7}});
  std::string owners;
  for (int i = 0; i < 4000; ++i) {
    owners += static_cast<char>('0' + ring.owner_index("/item/" + std::to_string(i)));
  }
  EXPECT_EQ(
      owners.substr(0, 100),
      "4324334030402404434033224433044243444422440134334344040401444440040404444430404404043143"
      "004023144441");
  EXPECT_EQ(quoin::xxh64(owners), 0xef44fc2ceafb6bdfu);
}

// The expectations of pingora-ketama 0.8, which are nginx's.
TEST(nginx_ring, as_pingora_expects) {
  const nginx_ring two({{"127.0.0.1:7777"}, {"127.0.0.1:7778"}});
  const std::pair<std::string_view, std::string_view> owners[] = {
      {"/some/path", "127.0.0.1:7778"},
      {"/some/longer/path", "127.0.0.1:7777"},
      {"/sad/zaidoon", "127.0.0.1:7778"},
      {"/g", "127.0.0.1:7777"},
      {"/pingora/team/is/cool/and/this/is/a/long/uri", "127.0.0.1:7778"},
      {"/i/am/not/confident/in/this/code", "127.0.0.1:7777"}};
  for (const auto& [path, server] : owners) EXPECT_EQ(two.owner(path), server) << path;
  nginx_ring ten;
  for (int i = 1; i <= 10; ++i) ten.add("127.0.0." + std::to_string(i) + ":6443");
  for (int i = 10; i <= 11; ++i) {
    EXPECT_EQ(ten.owner("a"), "127.0.0.10:6443") << i;
    EXPECT_EQ(ten.owner("b"), "127.0.0.5:6443") << i;
    if (i == 10) ten.add("127.0.0.11:6443");
  }
}

TEST(nginx_ring, points_step_by_step) {
  nginx_ring ring;
  std::map<std::uint32_t, std::string> model;
  for (int i = 1; i <= 9; ++i) {
    const std::string host = "10.0.0." + std::to_string(i);
    ring.add(host + ":443", 20);
    std::uint32_t point = 0;
    for (int k = 0; k < 160 * 20; ++k) {
      std::string text = host + std::string(1, '\0') + "443";
      for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(point >> shift);
      point = quoin::crc32(text);
      model.emplace(point, host + ":443");
    }
  }
  EXPECT_EQ(ring.points().size(), 28'800u);
  for (const auto& [point, server] : model) ASSERT_EQ(ring.owner_of_point(point), server);
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "/" + std::to_string(i);
    auto found = model.lower_bound(quoin::crc32(key));
    if (found == model.end()) found = model.begin();
    ASSERT_EQ(ring.owner(key), found->second) << key;
  }
}

TEST(nginx_ring, host_and_port_of_a_server) {
  using quoin::detail::nginx_address;
  const struct {
    const char* server;
    std::string_view host, port;
  } addresses[] = {{"a:80", "a", "80"},         {"a", "a", ""},         {"a:", "a", ""},
                   {"[::1]:80", "[::1]", "80"}, {"[::1]", "[::1]", ""}, {"80", "80", ""},
                   {"unix:/x:1", "/x:1", ""},   {"UNIX:/x", "/x", ""},  {"unix", "unix", ""}};
  for (const auto& [server, host, port] : addresses) {
    EXPECT_EQ(nginx_address(server).host, host) << server;
    EXPECT_EQ(nginx_address(server).port, port) << server;
  }
}

// These two have the same host and no port.
TEST(nginx_ring, equal_points_belong_to_the_first_server) {
  nginx_ring ring({{"unix:a"}, {"b"}, {"a"}});
  const nginx_ring without({{"unix:a"}, {"b"}});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(ring.owner(std::to_string(i)), without.owner(std::to_string(i)));
  }
  ring.remove("unix:a");
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(ring.owner(std::to_string(i)) == "b", without.owner(std::to_string(i)) == "b");
  }
}

TEST(nginx_ring, changes_leave_the_points_of_others) {
  nginx_ring ring({{"a:1", 1}, {"b:1", 2}, {"c:1", 3}});
  ring.remove("b:1");
  EXPECT_EQ(ring, nginx_ring({{"a:1", 1}, {"c:1", 3}}));
  ring.set_weight("a:1", 5);
  ring.add("b:1", 2);
  const nginx_ring fresh({{"a:1", 5}, {"c:1", 3}, {"b:1", 2}});
  EXPECT_EQ(ring, fresh);
  EXPECT_EQ(ring.points_of("a:1"), 800u);
  ASSERT_EQ(ring.points().size(), fresh.points().size());
  for (std::size_t i = 0; i < ring.points().size(); ++i) {
    ASSERT_EQ(ring.points()[i], fresh.points()[i]);
    ASSERT_EQ(ring.point_owners()[i], fresh.point_owners()[i]);
  }
  EXPECT_TRUE(ring.starved().empty());
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(std::to_string(i));
  std::vector<std::uint32_t> out(100);
  ring.owners_many(keys, out);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(ring.nodes()[out[i]], ring.owner(keys[i]));
}

#if defined(__cpp_exceptions)

TEST(nginx_ring, refuses) {
  nginx_ring ring({{"a:1", 1}});
  EXPECT_THROW(ring.add("a:1"), std::invalid_argument);
  EXPECT_THROW(ring.add(""), std::invalid_argument);
  EXPECT_THROW(ring.add("b", 0), std::invalid_argument);
  EXPECT_THROW(ring.add("b", 13'421'773), std::invalid_argument);  // one point over 2^31
  EXPECT_THROW(ring.set_weight("a:1", 0), std::invalid_argument);
  EXPECT_THROW(ring.set_weight("b", 1), std::invalid_argument);
  EXPECT_THROW(ring.remove("a"), std::invalid_argument);
  EXPECT_EQ(ring, nginx_ring({{"a:1", 1}}));
  EXPECT_THROW(static_cast<void>(nginx_ring().owner("key")), std::out_of_range);
}

#endif

}  // namespace
