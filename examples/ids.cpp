// SPDX-License-Identifier: BSL-1.0
/// @file
/// ids: makes ids of any format and says what is in one. See `help` below.
#include <quoin/id/snowflake.hpp>
#include <quoin/id/ulid.hpp>
#include <quoin/id/uuid.hpp>
#include <quoin/interop/ksuid.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/command_line.hpp"
#include "support/mark_file.hpp"
#include "support/output.hpp"
#include "support/program.hpp"

namespace {

using support::usage_error;

constexpr char help[] = R"(Usage: ids [OPTION]... FORMAT
  or:  ids --decode FORMAT ID...
Print an id that nobody has, or say what is in the IDs: when they were made and by whom.

FORMAT is one of
  twitter           41 bits of milliseconds, 10 of worker, 12 of sequence
  twitter-original  the same with 5 bits of datacenter and 5 of worker
  discord, instagram, sonyflake
  js-safe           in 53 bits, which a double holds
  uuid4, uuid7      RFC 9562; --decode takes any UUID for either
  ulid              26 letters and digits
  ksuid             27 letters and digits

  -n N              print N of them
  --worker N        of twitter and the like: which of the makers this is (default 0)
  --datacenter N    of twitter-original and discord (default 0)
  --mark FILE       of twitter and the like: keep in FILE how far the ids may have gone, so
                    that none comes again after a crash, even if the clock is set back
  --decode          say what is in the IDs that follow
  --help            print this

Exit status: 0 if all went well, 1 if an ID is none or a file could not be written, 2 for
a wrong option.

Example:
  ids --decode twitter 1541815603606036480
)";

struct settings {
  std::string format;
  std::uint64_t count = 1;
  quoin::snowflake_options snowflake;
  std::string mark;
  std::string for_makers;  ///< an option that was given and that only Snowflake ids have …
  std::string for_making;  ///< … or that says something of new ids
  bool decode = false;
  std::vector<std::string> ids;
};

/// A whole number that all of `text` is.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc() || stop != end) return std::nullopt;
  return n;
}

settings read_options(support::command_line& line) {
  settings s;
  const auto maker = [&](const char* option) {
    s.for_makers = s.for_making = option;
    const auto n = whole_number(line.value());
    if (!n) line.fail("not a whole number");
    return *n;
  };
  while (line.next()) {
    if (line.takes("-n")) {
      s.count = line.positive_integer();
      s.for_making = "-n";
    } else if (line.takes("--worker")) {
      s.snowflake.worker = maker("--worker");
    } else if (line.takes("--datacenter")) {
      s.snowflake.datacenter = maker("--datacenter");
    } else if (line.takes("--mark")) {
      s.mark = line.value();
      s.for_makers = s.for_making = "--mark";
    } else if (line.is("--decode")) {
      s.decode = true;
    } else {
      line.reject();
    }
  }
  if (line.operands().empty()) throw usage_error("give a format");
  s.format = line.operands().front();
  s.ids.assign(line.operands().begin() + 1, line.operands().end());
  if (s.decode && s.ids.empty()) throw usage_error("give the ids to decode");
  if (s.decode && !s.for_making.empty()) throw usage_error(s.for_making + " is not for --decode");
  if (!s.decode && !s.ids.empty()) throw usage_error("to take ids apart, say --decode");
  return s;
}

// --- what is in an id ---------------------------------------------------------------------------

/// Milliseconds of Unix time as "2022-06-28 16:07:40.105 UTC".
std::string utc(std::int64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const auto in_day = static_cast<int>((time - day).count());
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%03d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), in_day / 3'600'000, in_day / 60'000 % 60,
                in_day / 1000 % 60, in_day % 1000);
  return text;
}

template <class Time>
std::string utc_of(Time time) {
  return utc(std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

[[noreturn]] void refuse(const std::string& id, const std::string& why) {
  throw std::runtime_error("'" + id + "': " + why);
}
[[noreturn]] void refuse(const std::string& id, const quoin::error& e) {
  refuse(id, std::string(e.text()) + " (character " + std::to_string(e.position() + 1) + ")");
}

template <class Layout>
std::string told(const std::string& id) {
  const auto n = whole_number(id);
  if (!n || *n > Layout::max_id()) {
    refuse(id, "not a whole number up to " + std::to_string(Layout::max_id()));
  }
  const auto parts = Layout::decode(*n);
  std::string text = utc_of(parts.time);
  if (Layout::datacenter_bits != 0) text += "  datacenter " + std::to_string(parts.datacenter);
  if (Layout::worker_bits != 0) text += "  worker " + std::to_string(parts.worker);
  return text + "  sequence " + std::to_string(parts.sequence);
}

std::string told_uuid(const std::string& id) {
  const auto read = quoin::uuid::parse_any(id);
  if (!read) refuse(id, read.error());
  if (read->is_nil()) return "nil";
  if (*read == quoin::uuid::max()) return "max";
  std::string text = "version " + std::to_string(read->version());
  if (read->time()) text += "  " + utc_of(*read->time());
  return text;
}

template <class Id>
std::string told_time(const std::string& id) {
  const auto read = Id::parse(id);
  if (!read) refuse(id, read.error());
  return utc_of(read->time());
}

// --- an id that nobody has ----------------------------------------------------------------------

template <class Next>
void print(std::uint64_t count, Next next) {
  support::output out;
  for (std::uint64_t i = 1; i <= count; ++i) {
    out << next() << '\n';
    if (i % 1024 == 0) out.flush();
  }
  out.close();
}

template <class Layout>
void make(const settings& s) {
  if (s.mark.empty()) {
    auto ids = support::made_from_options(
        "generator", [&] { return quoin::snowflake_sequence<Layout>(s.snowflake); });
    return print(s.count, [&] { return std::to_string(ids.next()); });
  }
  support::mark_file mark(s.mark);
  quoin::snowflake_options options = s.snowflake;
  if (const auto before = mark.load()) options.not_before = *before;
  using guarded = quoin::snowflake_sequence<Layout, std::chrono::system_clock, support::mark_file>;
  auto ids = support::made_from_options("generator", [&] { return guarded(options, mark); });
  print(s.count, [&] { return std::to_string(ids.next()); });
  mark(ids.unused_from());  // the next run need not wait for what is not used
}

void make_uuids(const settings& s) {
  if (s.format == "uuid4") {
    quoin::uuid_v4_generator ids;
    print(s.count, [&] { return ids.next().to_string(); });
  } else {
    quoin::uuid_v7_generator<> ids;
    print(s.count, [&] { return ids.next().to_string(); });
  }
}

void make_ksuids(const settings& s) {
  std::random_device random;
  print(s.count, [&] {
    std::array<std::byte, quoin::ksuid::payload_size> payload;
    for (std::byte& b : payload) b = static_cast<std::byte>(random() & 0xff);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return quoin::ksuid(now, payload).to_string();
  });
}

// --- by format ----------------------------------------------------------------------------------

template <class Told, class Make>
void run(const settings& s, Told told_of, Make make_some) {
  if (!s.decode) return make_some(s);
  support::output out;
  for (const std::string& id : s.ids) out << id << '\t' << told_of(id) << '\n';
  out.close();
}

template <class Layout>
void run_snowflake(const settings& s) {
  run(s, told<Layout>, make<Layout>);
}

void run_format(const settings& s) {
  if (s.format == "twitter") return run_snowflake<quoin::twitter_layout>(s);
  if (s.format == "twitter-original") return run_snowflake<quoin::twitter_original_layout>(s);
  if (s.format == "discord") return run_snowflake<quoin::discord_layout>(s);
  if (s.format == "instagram") return run_snowflake<quoin::instagram_layout>(s);
  if (s.format == "sonyflake") return run_snowflake<quoin::sonyflake_layout>(s);
  if (s.format == "js-safe") return run_snowflake<quoin::js_safe_layout>(s);
  if (!s.for_makers.empty()) throw usage_error(s.for_makers + " is for twitter and the like");
  if (s.format == "uuid4" || s.format == "uuid7") return run(s, told_uuid, make_uuids);
  if (s.format == "ulid") {
    return run(s, told_time<quoin::ulid>, [](const settings& t) {
      quoin::ulid_generator<> ids;
      print(t.count, [&] { return ids.next().to_string(); });
    });
  }
  if (s.format == "ksuid") return run(s, told_time<quoin::ksuid>, make_ksuids);
  throw usage_error("there is no format '" + s.format + "'");
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("ids", help, argc, argv,
                              [](support::command_line& line) { run_format(read_options(line)); });
}
