// SPDX-License-Identifier: BSL-1.0
#include <quoin/detail/frame.hpp>

#include "support/hostile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

namespace detail = quoin::detail;
using bytes = std::vector<std::byte>;
using quoin::errc;

constexpr detail::frame_id id{0x0a0b, 2, 5};

bytes sample() {
  bytes form(detail::framed_size(16, 3));
  detail::frame_writer writer(form, id, 16);
  writer.put(std::uint64_t{0x0102030405060708u});
  writer.put(std::uint32_t{0xfffefdfcu});
  writer.put(std::uint32_t{0});
  writer.put_bytes("abc", 3);
  writer.finish();
  return form;
}

bytes with_checksum(bytes form) {
  const std::size_t end = form.size() - 8;
  detail::store_le(&form[end], detail::xxh64(form.data(), end, 0));
  return form;
}

TEST(frame, every_byte_in_its_place) {
  const bytes form = sample();
  const unsigned expected[] = {'Q', 'N', 0x0b, 0x0a, 2,    5,    16, 0, 8, 7, 6,   5,   4,  3,
                               2,   1,   0xfc, 0xfd, 0xfe, 0xff, 0,  0, 0, 0, 'a', 'b', 'c'};
  ASSERT_EQ(form.size(), std::size(expected) + 8);
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(std::to_integer<unsigned>(form[i]), expected[i]) << i;
  }
  EXPECT_EQ(detail::load_le<std::uint64_t>(&form[27]), detail::xxh64(form.data(), 27, 0));
}

TEST(frame, opens_to_what_was_put_in) {
  const bytes form = sample();
  const auto frame = detail::open_frame(form, id, 16);
  ASSERT_TRUE(frame) << frame.error().message();
  EXPECT_EQ(frame->flags, 5);
  ASSERT_EQ(frame->parameters.size(), 16u);
  ASSERT_EQ(frame->payload.size(), 3u);
  EXPECT_EQ(frame->parameters.data(), form.data() + 8);
  EXPECT_EQ(frame->payload[2], std::byte{'c'});
}

TEST(frame, empty_parameters_and_payload) {
  bytes form(detail::framed_size(0, 0));
  detail::frame_writer(form, id, 0).finish();
  const auto frame = detail::open_frame(form, id, 0);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->parameters.empty());
  EXPECT_TRUE(frame->payload.empty());
}

TEST(frame, every_damage_is_noticed) {
  const bytes form = sample();
  quoin_test::for_each_truncation(form, [](std::span<const std::byte> damaged) {
    const auto frame = detail::open_frame(damaged, id, 16);
    ASSERT_FALSE(frame);
    EXPECT_LE(frame.error().position(), damaged.size());
  });
  quoin_test::for_each_bit_flip(form, [](std::span<const std::byte> damaged) {
    EXPECT_FALSE(detail::open_frame(damaged, id, 16));
  });
}

TEST(frame, reasons_and_places) {
  const auto error_of = [](bytes form, std::size_t parameters = 16) {
    const auto frame = detail::open_frame(form, id, parameters);
    return frame ? quoin::error(errc::too_large, 99, "no error") : frame.error();
  };
  const auto changed = [](std::size_t place, unsigned value) {
    bytes form = sample();
    form[place] = static_cast<std::byte>(value);
    return with_checksum(form);
  };
  EXPECT_EQ(error_of({}), quoin::error(errc::truncated, 0, ""));
  EXPECT_EQ(error_of({std::byte{'Q'}}), quoin::error(errc::truncated, 1, ""));
  EXPECT_EQ(error_of({std::byte{'Q'}, std::byte{'N'}}), quoin::error(errc::truncated, 2, ""));
  EXPECT_EQ(error_of({std::byte{'Q'}, std::byte{'M'}}), quoin::error(errc::bad_magic, 0, ""));
  EXPECT_EQ(error_of(changed(0, 'P')), quoin::error(errc::bad_magic, 0, ""));
  EXPECT_EQ(error_of(changed(3, 0x0b)), quoin::error(errc::wrong_format, 2, ""));
  EXPECT_EQ(error_of(changed(4, 0)), quoin::error(errc::unsupported_version, 4, ""));
  EXPECT_EQ(error_of(changed(4, 3)), quoin::error(errc::unsupported_version, 4, ""));
  EXPECT_EQ(error_of(changed(4, 1)).text(), std::string("no error")) << "an earlier version";
  EXPECT_EQ(error_of(changed(6, 24)), quoin::error(errc::bad_value, 6, ""));
  EXPECT_EQ(error_of(sample(), 8), quoin::error(errc::bad_value, 6, ""));
  EXPECT_EQ(error_of(sample(), 4096), quoin::error(errc::truncated, 35, ""));
  bytes damaged = sample();
  damaged[25] ^= std::byte{1};
  EXPECT_EQ(error_of(damaged), quoin::error(errc::checksum_mismatch, 27, ""));
}

/// Opens `form`, whose parameters begin with the size of the payload.
auto open_sized(std::span<const std::byte> form) {
  return detail::open_frame(form, id, 16, [](const std::byte* parameters) {
    return detail::load_le<std::uint64_t>(parameters);
  });
}

bytes sized(std::uint64_t stated) {
  bytes form = sample();
  detail::store_le(&form[8], stated);
  return with_checksum(form);
}

TEST(frame, tells_a_form_cut_short_from_a_damaged_one) {
  const bytes form = sized(3);
  ASSERT_TRUE(open_sized(form));
  quoin_test::for_each_truncation(form, [&](std::span<const std::byte> cut) {
    const auto frame = open_sized(cut);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error(), quoin::error(errc::truncated, cut.size(), ""));
    // Before the parameters are whole nothing is known of the payload.
    EXPECT_EQ(frame.error().size_stated(), cut.size() < 32 ? 0 : form.size()) << cut.size();
  });
  bytes longer = form;
  longer.push_back(std::byte{0});
  EXPECT_EQ(open_sized(longer).error(), quoin::error(errc::trailing_bytes, form.size(), ""));
  quoin_test::for_each_bit_flip(
      form, [&](std::span<const std::byte> damaged) { EXPECT_FALSE(open_sized(damaged)); });
  bytes damaged = form;
  damaged[25] ^= std::byte{1};
  EXPECT_EQ(open_sized(damaged).error(), quoin::error(errc::checksum_mismatch, 27, ""));
}

TEST(frame, sizes_stated_are_believed_no_further_than_they_can_be) {
  for (const std::uint64_t most : {std::uint64_t{1} << 32, ~std::uint64_t{0} - 33}) {
    const auto frame = open_sized(sized(most));
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error(), quoin::error(errc::truncated, 35, ""));
    EXPECT_EQ(frame.error().size_stated(), most + 32);
  }
  for (const std::uint64_t none : {~std::uint64_t{0} - 32, detail::unknown_size}) {
    EXPECT_TRUE(open_sized(sized(none))) << "left to the type";
  }
}

}  // namespace
