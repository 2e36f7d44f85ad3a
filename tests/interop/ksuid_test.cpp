// SPDX-License-Identifier: BSL-1.0
#include <quoin/interop/ksuid.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using quoin::errc;
using quoin::ksuid;

std::string hex(const ksuid& id) {
  std::string text;
  for (const std::byte byte : id.bytes()) {
    for (const int shift : {4, 0}) {
      text += "0123456789ABCDEF"[std::to_integer<unsigned>(byte) >> shift & 15];
    }
  }
  return text;
}

// The examples of its README and tests.
TEST(ksuid, known_pairs) {
  const ksuid id = ksuid::parse("0ujtsYcgvSTl8PAuAdqWYSMnLOv").value();
  EXPECT_EQ(hex(id), "0669F7EFB5A1CD34B5F99D1154FB6853345C9735");
  EXPECT_EQ(id.timestamp(), 107608047);
  EXPECT_EQ(id.time().time_since_epoch(), 1507608047s);
  EXPECT_EQ(std::to_integer<int>(id.payload()[0]), 0xb5);
  EXPECT_EQ(id.to_string(), "0ujtsYcgvSTl8PAuAdqWYSMnLOv");
  const ksuid later = ksuid::parse("0ujzPyRiIAffKhBux4PvQdDqMHY").value();
  EXPECT_EQ(hex(later), "066A029C73FC1AA3B2446246D6E89FCD909E8FE8");
  EXPECT_EQ(later.timestamp(), 107610780);
  EXPECT_LT(id, later);
  EXPECT_EQ(ksuid().to_string(), std::string(27, '0'));
  EXPECT_EQ(ksuid::max().to_string(), "aWgEPTl1tmebfsQzFP4bxwgy80V");
  EXPECT_EQ(ksuid::parse("aWgEPTl1tmebfsQzFP4bxwgy80V"), ksuid::max());
}

TEST(ksuid, of_time_and_payload) {
  std::array<std::byte, 16> payload{};
  payload[15] = std::byte{7};
  constexpr auto last = ksuid::epoch + std::chrono::seconds(0xffffffff);
  const ksuid id(last, payload);
  EXPECT_EQ(id.time(), last);
  EXPECT_EQ(id.payload()[15], std::byte{7});
  EXPECT_EQ(hex(id), "FFFFFFFF00000000000000000000000000000007");
  EXPECT_EQ(ksuid(ksuid::epoch, {}), ksuid());
  EXPECT_THROW(ksuid(last + 1s, payload), std::invalid_argument);
  EXPECT_THROW(ksuid(ksuid::epoch - 1s, payload), std::invalid_argument);
  EXPECT_THROW(ksuid(std::chrono::sys_seconds::min(), payload), std::invalid_argument);
  EXPECT_THROW(ksuid(std::chrono::sys_seconds::max(), payload), std::invalid_argument);
}

TEST(ksuid, constant_expressions) {
  static_assert(ksuid::parse("0ujtsYcgvSTl8PAuAdqWYSMnLOv").value().timestamp() == 107608047);
  constexpr auto text = [] {
    std::array<char, 27> out{};
    ksuid::max().write_to(out);
    return out;
  }();
  EXPECT_EQ(std::string_view(text.data(), text.size()), "aWgEPTl1tmebfsQzFP4bxwgy80V");
}

void expect_error(std::string_view text, errc code, std::uint64_t position) {
  const auto id = ksuid::parse(text);
  ASSERT_FALSE(id) << text;
  EXPECT_EQ(id.error().code(), code) << id.error().message();
  EXPECT_EQ(id.error().position(), position) << id.error().message();
}

// The original takes the first three for ids, which read back as others.
TEST(ksuid, malformed_texts) {
  expect_error("0ujtsYcgvSTl8PAuAdqWYSMnLO-", errc::bad_value, 26);
  expect_error("0ujtsYcgvSTl8PAuAdqWYSMnLO ", errc::bad_value, 26);
  expect_error({"0ujtsYcgvSTl8PAuAdqWYSMnL\0v", 27}, errc::bad_value, 25);
  expect_error("aWgEPTl1tmebfsQzFP4bxwgy80W", errc::bad_value, 26);
  expect_error("zzzzzzzzzzzzzzzzzzzzzzzzzzz", errc::bad_value, 0);
  expect_error("0ujtsYcgvSTl8PAuAdqWYSMnLO", errc::truncated, 26);
  expect_error("0ujtsYcgvSTl8PAuAdqWYSMnLOv0", errc::trailing_bytes, 27);
  expect_error("", errc::truncated, 0);
  // Every byte in every place: an id that reads back as it was, or the place of the fault.
  const std::string_view alphabet(quoin::digits_upper_lower.characters, 62);
  std::string text = "0ujtsYcgvSTl8PAuAdqWYSMnLOv";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char was = text[at];
    for (int c = 0; c < 256; ++c) {
      text[at] = static_cast<char>(c);
      const auto id = ksuid::parse(text);
      if (id) {
        ASSERT_EQ(id->to_string(), text);
      } else if (alphabet.find(text[at]) == std::string_view::npos) {
        ASSERT_EQ(id.error().position(), at);
      } else {
        ASSERT_EQ(at, 0) << text;  // too large
      }
    }
    text[at] = was;
  }
}

}  // namespace
