// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/cpu.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using quoin::isa;
using quoin::detail::lower_isa;

TEST(Cpu, NamesAreThoseOfTheEnvironmentVariable) {
  EXPECT_EQ(to_string(isa::scalar), "scalar");
  EXPECT_EQ(to_string(isa::neon), "neon");
  EXPECT_EQ(to_string(isa::avx2), "avx2");
  EXPECT_EQ(to_string(isa::avx512), "avx512");
}

TEST(Cpu, LowersButNeverRaises) {
  static_assert(lower_isa(isa::avx512, "avx2") == isa::avx2);
  EXPECT_EQ(lower_isa(isa::avx512, "scalar"), isa::scalar);
  EXPECT_EQ(lower_isa(isa::avx512, "avx512"), isa::avx512);
  EXPECT_EQ(lower_isa(isa::avx2, "avx512"), isa::avx2);
  EXPECT_EQ(lower_isa(isa::scalar, "avx2"), isa::scalar);
  EXPECT_EQ(lower_isa(isa::neon, "scalar"), isa::scalar);
  EXPECT_EQ(lower_isa(isa::neon, "avx2"), isa::neon);
  EXPECT_EQ(lower_isa(isa::avx2, "neon"), isa::scalar) << "x86-64 has no NEON";
}

TEST(Cpu, UnknownNamesChangeNothing) {
  for (const auto* name : {"", "AVX2", "avx", "avx2 ", "sse2", "0"}) {
    EXPECT_EQ(lower_isa(isa::avx512, name), isa::avx512) << name;
  }
}

TEST(Cpu, BestLevelFitsTheArchitecture) {
#if QUOIN_X86_64
  __builtin_cpu_init();
  EXPECT_EQ(quoin::detail::best_isa() >= isa::avx2,
            __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0);
  EXPECT_NE(quoin::detail::best_isa(), isa::neon);
#elif QUOIN_AARCH64
  EXPECT_EQ(quoin::detail::best_isa(), isa::neon);
#else
  EXPECT_EQ(quoin::detail::best_isa(), isa::scalar);
#endif
}

TEST(Cpu, ForEachIsaGoesFromScalarToBest) {
  std::vector<isa> levels;
  quoin::detail::for_each_isa([&](isa level) { levels.push_back(level); });
  EXPECT_EQ(levels.front(), isa::scalar);
  EXPECT_EQ(levels.back(), quoin::detail::best_isa());
  for (std::size_t i = 1; i < levels.size(); ++i) EXPECT_LT(levels[i - 1], levels[i]);
}

TEST(Cpu, TheFirstCallMayComeFromManyThreads) {
  std::vector<isa> seen(8, isa::avx512);
  std::vector<std::thread> threads;
  for (auto& level : seen) threads.emplace_back([&level] { level = quoin::active_isa(); });
  for (auto& thread : threads) thread.join();
  for (const auto level : seen) EXPECT_EQ(level, quoin::active_isa());
}

// This test runs a second time with QUOIN_ISA=scalar in its environment.
TEST(Cpu, ActiveLevelHonoursTheEnvironment) {
  const char* wanted = std::getenv("QUOIN_ISA");
  EXPECT_EQ(quoin::active_isa(),
            lower_isa(quoin::detail::best_isa(), wanted == nullptr ? "" : wanted));
  if (wanted != nullptr && wanted == to_string(isa::scalar)) {
    EXPECT_EQ(quoin::active_isa(), isa::scalar);
  }
}

}  // namespace
