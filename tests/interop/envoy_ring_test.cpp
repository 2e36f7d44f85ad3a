// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/envoy_ring.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using quoin::envoy_hash;
using quoin::envoy_ring;
using quoin::weighted_server;

using ring_points = std::vector<std::pair<std::string, std::uint64_t>>;

ring_points points_of(const envoy_ring& ring) {
  ring_points points;
  for (std::size_t i = 0; i < ring.points().size(); ++i) {
    points.emplace_back(ring.nodes()[ring.point_owners()[i]], ring.points()[i]);
  }
  return points;
}

// The rings that Envoy's own tests write down (ring_hash_lb_test.cc).
TEST(envoy_ring, basic) {
  const envoy_ring ring({{"127.0.0.1:90"},
                         {"127.0.0.1:91"},
                         {"127.0.0.1:92"},
                         {"127.0.0.1:93"},
                         {"127.0.0.1:94"},
                         {"127.0.0.1:95"}},
                        {.minimum_ring_size = 12});
  EXPECT_EQ(points_of(ring), (ring_points{{"127.0.0.1:94", 833437586790550860u},
                                          {"127.0.0.1:92", 928266305478181108u},
                                          {"127.0.0.1:90", 1033482794131418490u},
                                          {"127.0.0.1:95", 3551244743356806947u},
                                          {"127.0.0.1:93", 3851675632748031481u},
                                          {"127.0.0.1:91", 5583722120771150861u},
                                          {"127.0.0.1:91", 6311230543546372928u},
                                          {"127.0.0.1:93", 7700377290971790572u},
                                          {"127.0.0.1:95", 13144177310400110813u},
                                          {"127.0.0.1:92", 13444792449719432967u},
                                          {"127.0.0.1:94", 15516499411664133160u},
                                          {"127.0.0.1:90", 16117243373044804889u}}));
  const std::pair<std::uint64_t, std::uint32_t> owners[] = {{0, 4},
                                                            {~std::uint64_t{0}, 4},
                                                            {3551244743356806947u, 5},
                                                            {3551244743356806948u, 3},
                                                            {16117243373044804880u, 0}};
  for (const auto& [hash, host] : owners) EXPECT_EQ(ring.owner_index_of_hash(hash), host) << hash;
}

TEST(envoy_ring, with_murmur2) {
  const envoy_ring ring({{"127.0.0.1:80"},
                         {"127.0.0.1:81"},
                         {"127.0.0.1:82"},
                         {"127.0.0.1:83"},
                         {"127.0.0.1:84"},
                         {"127.0.0.1:85"}},
                        {.minimum_ring_size = 12, .hash_function = envoy_hash::murmur2});
  EXPECT_EQ(points_of(ring), (ring_points{{"127.0.0.1:85", 1358027074129602068u},
                                          {"127.0.0.1:83", 4361834613929391114u},
                                          {"127.0.0.1:84", 7224494972555149682u},
                                          {"127.0.0.1:81", 7701421856454313576u},
                                          {"127.0.0.1:82", 8649315368077433379u},
                                          {"127.0.0.1:84", 8739448859063030639u},
                                          {"127.0.0.1:81", 9887544217113020895u},
                                          {"127.0.0.1:82", 10150910876324007731u},
                                          {"127.0.0.1:83", 15168472011420622455u},
                                          {"127.0.0.1:80", 15427156902705414897u},
                                          {"127.0.0.1:85", 16375050414328759093u},
                                          {"127.0.0.1:80", 17613279263364193813u}}));
}

TEST(envoy_ring, by_hostname) {
  const envoy_ring ring({{"90"}, {"91"}, {"92"}, {"93"}, {"94"}, {"95"}},
                        {.minimum_ring_size = 12});
  EXPECT_EQ(points_of(ring), (ring_points{{"95", 1975508444536362413u},
                                          {"95", 2376063919839173711u},
                                          {"93", 2386806903309390596u},
                                          {"94", 6749904478991551885u},
                                          {"93", 6803900775736438537u},
                                          {"92", 7225015537174310577u},
                                          {"90", 8787465352164086522u},
                                          {"92", 11282020843382717940u},
                                          {"91", 13723418369486627818u},
                                          {"90", 13776502110861797421u},
                                          {"91", 14338313586354474791u},
                                          {"94", 15364271037087512980u}}));
}

std::vector<std::uint32_t> counts_of(const envoy_ring& ring) {
  std::vector<std::uint32_t> counts;
  for (const auto& name : ring.nodes()) counts.push_back(ring.points_of(name));
  return counts;
}

// As Envoy's loop does it, one point after the other.
std::vector<std::uint32_t> by_definition(const std::vector<weighted_server>& hosts,
                                         const quoin::envoy_ring_options& options) {
  using real = quoin::detail::soft_double;
  std::uint32_t total = 0, least = 0xffffffff;
  for (const auto& host : hosts) {
    total += host.weight;
    least = std::min(least, host.weight);
  }
  const real lightest = real::ratio(least, total);
  real scale = real((lightest * real(options.minimum_ring_size)).ceil()) / lightest;
  if (real(options.maximum_ring_size) < scale) scale = real(options.maximum_ring_size);
  real target;
  std::uint64_t current = 0;
  std::vector<std::uint32_t> counts;
  for (const auto& host : hosts) {
    target = target + scale * real::ratio(host.weight, total);
    counts.push_back(0);
    for (; real(current) < target; ++current) ++counts.back();
  }
  return counts;
}

TEST(envoy_ring, numbers_of_points) {
  const std::vector<weighted_server> even = {{"a"}, {"b"}, {"c"}, {"d"}};
  const auto counts = [](const std::vector<weighted_server>& hosts, std::uint32_t least,
                         std::uint32_t most) {
    return counts_of(envoy_ring(hosts, {.minimum_ring_size = least, .maximum_ring_size = most}));
  };
  using numbers = std::vector<std::uint32_t>;
  EXPECT_EQ(counts(even, 1024, 8'388'608), (numbers{256, 256, 256, 256}));
  EXPECT_EQ(counts(even, 1, 6), (numbers{1, 1, 1, 1}));
  EXPECT_EQ(counts(even, 6, 6), (numbers{2, 1, 2, 1}));  // 1.5 for each
  EXPECT_EQ(counts(even, 2, 2), (numbers{1, 0, 1, 0}));
  EXPECT_EQ(counts({{"a", 1}, {"b", 2}, {"c", 3}}, 6, 8'388'608), (numbers{1, 2, 3}));
  EXPECT_EQ(counts({{"a", 1}, {"b", 1'000'000}}, 1024, 4096), (numbers{1, 4095}));
  std::uint64_t state = 1;
  const auto below = [&](std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>((state >> 32) % n);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<weighted_server> hosts;
    for (std::uint32_t i = 0; i <= below(30); ++i) {
      hosts.push_back({std::to_string(i), 1 + below(round % 3 == 0 ? 1'000'000 : 9)});
    }
    const std::uint32_t most = 1 + below(3000);
    const quoin::envoy_ring_options options{.minimum_ring_size = 1 + below(most),
                                            .maximum_ring_size = most};
    ASSERT_EQ(counts_of(envoy_ring(hosts, options)), by_definition(hosts, options)) << round;
  }
}

// 500 rings, in one number: that of Envoy's loop in IEEE doubles, each operation rounded.
TEST(envoy_ring, numbers_of_points_on_every_platform) {
  std::uint64_t state = 1, digest = 0;
  const auto below = [&](std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>((state >> 32) % n);
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<weighted_server> hosts(1 + below(30));
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      hosts[i] = {std::to_string(i), 1 + below(round % 3 == 0 ? 1'000'000 : 9)};
    }
    const std::uint32_t most = 1 + below(1000);
    const envoy_ring ring(hosts, {.minimum_ring_size = 1 + below(most), .maximum_ring_size = most});
    for (const std::uint32_t count : counts_of(ring)) digest = digest * 1099511628211u + count;
  }
  EXPECT_EQ(digest, 0x9d937c1dd4417dde) << std::hex << digest;
}

TEST(envoy_ring, without_a_point) {
  const envoy_ring ring({{"a"}, {"b"}, {"c"}, {"d"}},
                        {.minimum_ring_size = 2, .maximum_ring_size = 2});
  EXPECT_EQ(ring.starved(), (std::vector<std::string>{"b", "d"}));
}

TEST(envoy_ring, changes_give_the_ring_of_what_is_left) {
  envoy_ring ring({{"a", 1}, {"b", 2}, {"c", 3}});
  ring.remove("b");
  ring.add("d", 7);
  ring.set_weight("c", 2);
  const envoy_ring fresh({{"a", 1}, {"c", 2}, {"d", 7}});
  EXPECT_EQ(ring, fresh);
  EXPECT_EQ(points_of(ring), points_of(fresh));
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<std::uint32_t> out(200);
  ring.owners_many(keys, out);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(ring.nodes()[out[i]], ring.owner(keys[i]));
}

// The two kinds of arithmetic, of which a platform uses one.
TEST(envoy_ring, quotients_in_integers_as_in_registers) {
  using quoin::detail::hard_double;
  using quoin::detail::soft_double;
  if (!quoin::detail::double_rounds_at_once) GTEST_SKIP() << "registers are wider here";
  std::uint64_t state = 9;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t a = 1 + (state >> 44);  // so that no quotient comes to 2^53
    const auto b = static_cast<std::uint32_t>(1 + (state >> 32 >> (state % 30)));
    const auto c = b | static_cast<std::uint32_t>(state >> 7);
    const auto hard = hard_double(a) / hard_double::ratio(b, c);
    const auto soft = soft_double(a) / soft_double::ratio(b, c);
    const std::uint64_t scaled = 1 + state % 1000;
    ASSERT_EQ((hard * hard_double::ratio(1, 1 + b % 977)).ceil(),
              (soft * soft_double::ratio(1, 1 + b % 977)).ceil())
        << a << ' ' << b << ' ' << c;
    ASSERT_EQ((hard_double(scaled) / hard_double(a)).ceil(),
              (soft_double(scaled) / soft_double(a)).ceil());
  }
}

#if defined(__cpp_exceptions)

TEST(envoy_ring, refuses) {
  EXPECT_THROW(envoy_ring({.minimum_ring_size = 20, .maximum_ring_size = 10}),
               std::invalid_argument);
  EXPECT_THROW(envoy_ring({.minimum_ring_size = 0}), std::invalid_argument);
  EXPECT_THROW(envoy_ring({.maximum_ring_size = 8'388'609}), std::invalid_argument);
  envoy_ring ring({{"a:1", 4'000'000'000}});
  EXPECT_THROW(ring.add("b", 294'967'296), std::invalid_argument);  // 2^32 together
  EXPECT_THROW(ring.add("a:1"), std::invalid_argument);
  EXPECT_THROW(ring.add(""), std::invalid_argument);
  EXPECT_THROW(ring.add("b", 0), std::invalid_argument);
  EXPECT_THROW(ring.set_weight("a:1", 0), std::invalid_argument);
  EXPECT_THROW(ring.remove("a"), std::invalid_argument);
  EXPECT_EQ(ring, envoy_ring({{"a:1", 4'000'000'000}}));
  EXPECT_THROW(static_cast<void>(envoy_ring().owner("key")), std::out_of_range);
}

#endif

}  // namespace
