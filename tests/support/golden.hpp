// SPDX-License-Identifier: BSL-1.0
// Files in tests/golden/: bytes that must never change, on any platform.
#ifndef QUOIN_TESTS_SUPPORT_GOLDEN_HPP
#define QUOIN_TESTS_SUPPORT_GOLDEN_HPP

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quoin_test {

[[nodiscard]] inline std::filesystem::path golden_path(std::string_view name) {
  return std::filesystem::path(QUOIN_GOLDEN_DIR) / name;
}

/// The bytes of tests/golden/`name`; a missing file is a failed test and gives no bytes.
[[nodiscard]] inline std::vector<std::byte> read_golden(std::string_view name) {
  std::ifstream in(golden_path(name), std::ios::binary);
  if (!in) {
    ADD_FAILURE() << "tests/golden/" << name << " is missing; QUOIN_UPDATE_GOLDEN=1 writes it";
    return {};
  }
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

/// Expects `actual` to be tests/golden/`name`, byte for byte. With `QUOIN_UPDATE_GOLDEN=1` in the
/// environment it writes the file instead.
inline void expect_golden(std::string_view name, std::span<const std::byte> actual) {
  if (const char* update = std::getenv("QUOIN_UPDATE_GOLDEN");
      update != nullptr && update == std::string_view("1")) {
    std::filesystem::create_directories(golden_path(name).parent_path());
    std::ofstream out(golden_path(name), std::ios::binary);
    out.write(reinterpret_cast<const char*>(actual.data()),
              static_cast<std::streamsize>(actual.size()));
    ASSERT_TRUE(out.good()) << "cannot write tests/golden/" << name;
    return;
  }
  const std::vector<std::byte> expected = read_golden(name);
  ASSERT_EQ(actual.size(), expected.size()) << "tests/golden/" << name;
  const auto differing = std::mismatch(actual.begin(), actual.end(), expected.begin());
  EXPECT_TRUE(differing.first == actual.end())
      << "tests/golden/" << name << " differs first at byte "
      << std::distance(actual.begin(), differing.first);
}

}  // namespace quoin_test

#endif
