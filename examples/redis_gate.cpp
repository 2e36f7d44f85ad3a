// SPDX-License-Identifier: BSL-1.0
/// @file
/// redis_gate: rate_gate for many processes that share one rate through a Redis server. See `help`
/// below.
#include <quoin/interop/redis_limiter.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "support/command_line.hpp"
#include "support/gate.hpp"
#include "support/program.hpp"
#include "support/redis_client.hpp"

namespace {

constexpr char help[] = R"(Usage: redis_gate --rate RATE --key KEY [OPTION]... [FILE]...
Print the lines of the FILEs (of standard input if there is none, or where FILE is -) no
faster than at a rate that all processes with the same KEY share, through a Redis server.

  --rate RATE      lines a second, or 100/s, 30/m, 5000/h, 1/d
  --key KEY        of the server; give all processes the same rate and burst
  --server SERVER  host:port or the path of a socket (default 127.0.0.1:6379)
  --burst N        lines that may come at once after a pause, of all processes (default 1;
                   with --drop or --bytes what comes in a second)
  --bytes          count bytes, newlines included, instead of lines
  --drop           drop what comes too fast instead of delaying it, and say how much it was
  --fail-open      print everything when the server is not there, and say so, instead of
                   ending
  --max-line N     longest line in bytes (default 67108864)
  --help           print this

The clock is that of the server. Each line costs a round trip, so some thousand lines a
second are the most. The server forgets KEY when it is as good as new.

Exit status: 0 if all went well, 1 if a file or the server could not be read or written, 2
for a wrong option.

Example: on each of ten machines, together a hundred requests a second:
  redis_gate --rate 100 --key crawl --server cache:6379 urls.txt | crawl
)";

struct settings : support::gate_settings {
  std::string key;
  std::string server = "127.0.0.1:6379";
  bool fail_open = false;
};

settings read_options(support::command_line& line) {
  settings s;
  while (line.next()) {
    if (support::take_gate_option(line, s)) continue;
    if (line.takes("--key")) {
      s.key = line.value();
    } else if (line.takes("--server")) {
      s.server = line.value();
    } else if (line.is("--fail-open")) {
      s.fail_open = true;
    } else {
      line.reject();
    }
  }
  support::finish_gate_options(line, s);
  if (s.key.empty()) throw support::usage_error("give a --key");
  return s;
}

/// By a bucket on the server.
class shared_gate {
 public:
  explicit shared_gate(const settings& s) : settings_(s), bucket_(s.quota()) {}

  bool passes(std::uint64_t cost) {
    const auto decision = ask(bucket_.try_acquire(cost));
    return !decision || decision->allowed;
  }

  quoin::reservation reserve(std::uint64_t cost) {
    const auto reservation = ask(bucket_.reserve(cost));
    return reservation ? *reservation : quoin::reservation{.granted = true};
  }

 private:
  /// The answer, or none when the server is not there and that is no reason to stop.
  template <class Question>
  std::optional<typename Question::answer> ask(const Question& question) {
    if (gone_) return std::nullopt;
    try {
      if (!client_) client_.emplace(settings_.server);
      return client_->ask(question, settings_.key);
    } catch (const std::exception& e) {
      if (!settings_.fail_open) throw;
      gone_ = true;
      std::fprintf(stderr, "redis_gate: %s; from here on everything passes\n", e.what());
      return std::nullopt;
    }
  }

  const settings& settings_;
  quoin::redis_token_bucket bucket_;
  std::optional<support::redis_client> client_;
  bool gone_ = false;
};

void run(const settings& s) {
  std::signal(SIGPIPE, SIG_IGN);  // a server that goes away is an error to report
  auto gate = support::made_from_options("gate", [&] { return shared_gate(s); });
  support::pass_lines("redis_gate", s, gate);
}

}  // namespace

int main(int argc, char** argv) {
  return support::run_program("redis_gate", help, argc, argv,
                              [](support::command_line& line) { run(read_options(line)); });
}
