// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: what shall I call it? An id and a short code for each town, and the way back.
#include <quoin/id/base62.hpp>
#include <quoin/id/counter_range.hpp>
#include <quoin/id/short_code.hpp>
#include <quoin/id/snowflake.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using namespace std::chrono_literals;
using layout = quoin::twitter_layout;
using maker = quoin::snowflake_generator<layout, quoin::manual_clock>;

/// A town's names.
struct entry {
  std::uint64_t id = 0;
  std::uint64_t number = 0;
  std::string code;
};

constexpr std::chrono::milliseconds beginning{1'767'225'600'000};  // 2026-01-01T00:00:00Z

/// What a clock of the wall tells, to the millisecond, of a day that began at `beginning`.
std::string time_of_day(std::chrono::nanoseconds since_1970) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970 - beginning);
  char text[64];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", static_cast<int>(ms / 1h),
                static_cast<int>(ms / 1min % 60), static_cast<int>(ms / 1s % 60),
                static_cast<int>(ms.count() % 1000));
  return text;
}

/// Three machines enter the towns, each by its own clock; the second one's is set back by 50 ms at
/// every five-thousandth town, and nobody tells the others.
void name_by_snowflakes(const std::vector<place>& places, std::vector<entry>& entries) {
  section(
      "Three machines, three clocks  snowflake_generator<twitter_layout>({.worker = 2}).next()");
  std::array<quoin::manual_clock, 3> clocks{};
  for (auto& clock : clocks) clock.advance(beginning + 9h);
  clocks[2].advance(700ms);
  maker one({.worker = 1}, clocks[0]);
  maker two({.worker = 2}, clocks[1]);
  maker three({.worker = 3}, clocks[2]);
  const std::array<maker*, 3> makers{&one, &two, &three};
  std::array<std::uint64_t, 3> last{};
  int set_back = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (auto& clock : clocks) clock.advance(40us);
    if (i % 5000 == 4999) {
      clocks[1].advance(-50ms);
      ++set_back;
    }
    const std::size_t machine = i % 3;
    entries[i].id = makers[machine]->next();
    require(entries[i].id > last[machine], "each machine's ids go up, whatever its clock does");
    require(layout::decode(entries[i].id).worker == machine + 1, "an id says who made it");
    last[machine] = entries[i].id;
  }
  std::vector<std::uint64_t> ids;
  for (const entry& e : entries) ids.push_back(e.id);
  std::sort(ids.begin(), ids.end());
  require(std::adjacent_find(ids.begin(), ids.end()) == ids.end(), "no id is given twice");
  std::printf("  %s ids, no two the same, though one clock went back by 50 ms %d times.\n",
              grouped(ids.size()).c_str(), set_back);
}

/// Servers number the towns by blocks of 4096 from one coordinator, and crash now and then.
void number_densely(std::vector<entry>& entries) {
  section("Numbers for short codes  counter_range({.checkpoint_interval = 100}, fetch, persist)");
  std::uint64_t coordinator = 0, asked = 0, written = 0, crashes = 0;
  quoin::counter_checkpoint disk;
  const auto fetch = [&] {
    ++asked;
    coordinator += 4096;
    return std::optional(quoin::counter_block{coordinator - 4096, 4096});
  };
  const auto persist = [&](const quoin::counter_checkpoint& c) {
    ++written;
    disk = c;
    return true;
  };
  const auto start = [&] {
    return quoin::counter_range({.checkpoint_interval = 100, .low_water = 500, .resume = disk},
                                fetch, persist);
  };
  for (std::size_t i = 0; i < entries.size(); ++crashes) {
    auto numbers = start();
    const std::size_t end = std::min(entries.size(), i + 3210);  // and there it crashes
    for (; i < end; ++i) entries[i].number = numbers.next().value();
  }
  for (std::size_t i = 1; i < entries.size(); ++i) {
    require(entries[i].number > entries[i - 1].number, "no number comes again after a crash");
  }
  const std::uint64_t lost = entries.back().number + 1 - entries.size();
  require(lost <= 100 * crashes, "a crash loses at most what a checkpoint permits");
  std::printf("  The coordinator was asked %s times and %s checkpoints were written; %s crashes\n",
              grouped(asked).c_str(), grouped(written).c_str(), grouped(crashes - 1).c_str());
  std::printf("  lost %s numbers, and none came again.\n", grouped(lost).c_str());
}

/// The numbers as codes of five characters, without some words.
void name_by_codes(const std::vector<place>& places, std::vector<entry>& entries) {
  section("Codes that nobody guesses  short_codes({.key = secret, .width = 5, .blocked = words})");
  const std::vector<std::string_view> words{"spam", "666", "bad", "evil"};
  const quoin::short_codes codes(
      {.key = {0x5eaf00d5eaf00d00, 0x0dd1e5}, .width = 5, .blocked = words});
  std::size_t left_out = 0;
  std::uint64_t free = 0;  // from here on no number is taken
  std::unordered_map<std::string, std::size_t> by_code;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entry& e = entries[i];
    const std::uint64_t wanted = std::max(e.number, free);
    e.number = codes.next_allowed(wanted).value();
    free = e.number + 1;
    left_out += static_cast<std::size_t>(e.number - wanted);
    e.code = codes.encode(e.number).value();
    require(by_code.emplace(e.code, i).second, "no two towns have the same code");
  }
  std::printf("  %-25s %-12s  %2s  %s  %-19s  %6s  %-5s  %s\n", "town", "made at", "by", "n", "id",
              "number", "code", "plain");
  for (std::size_t i = 0; i < 6 && i < entries.size(); ++i) {
    const entry& e = entries[i];
    const auto made = layout::decode(e.id);
    std::printf("  %-25s %s  %2u  %u  %llu  %6s  %s  %s\n", places[i].name.c_str(),
                time_of_day(made.time.time_since_epoch()).c_str(),
                static_cast<unsigned>(made.worker), static_cast<unsigned>(made.sequence),
                static_cast<unsigned long long>(e.id), grouped(e.number).c_str(), e.code.c_str(),
                quoin::base62::encode(e.number).c_str());
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    require(codes.decode(entries[i].code).value() == entries[i].number,
            "a code leads back to its number, without a table");
    require(by_code.at(entries[i].code) == i, "and so to its town");
  }
  std::printf(
      "\n  All %s codes lead back to their towns. %s numbers were left out for the words in\n",
      grouped(entries.size()).c_str(), grouped(left_out).c_str());
  std::printf("  their codes; %s are left. Other texts are refused:\n",
              grouped(codes.remaining(free)).c_str());
  for (const char* const text : {"Z-rch", "Zuri"}) {
    const auto number = codes.decode(text);
    require(!number, "other texts are refused");
    std::printf("  \"%s\": %s\n", text, number.error().message().c_str());
  }
}

}  // namespace

void what_shall_i_call_it(const std::vector<place>& places) {
  chapter("What shall I call it?", "quoin::snowflake_generator, counter_range, short_codes");
  std::puts("\nEach town gets an id and a short code, by several machines that do not talk.");
  std::vector<entry> entries(places.size());
  name_by_snowflakes(places, entries);
  number_densely(entries);
  name_by_codes(places, entries);
}

}  // namespace city_directory
