// SPDX-License-Identifier: BSL-1.0
// A redis-server of the test's own, to compare with: no port, no persistence, a Unix socket in a
// temporary folder that is removed as soon as the connection stands. It leaves no file and no
// process behind, also when the test is killed.
#ifndef QUOIN_TESTS_SUPPORT_REDIS_SERVER_HPP
#define QUOIN_TESTS_SUPPORT_REDIS_SERVER_HPP

// A program under an emulator would start a server of the machine's own kind or none.
#if defined(__linux__) && defined(__x86_64__)
#define QUOIN_TEST_REDIS_SERVER 1
#else
#define QUOIN_TEST_REDIS_SERVER 0
#endif

#if QUOIN_TEST_REDIS_SERVER

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace quoin_test {

/// What the server answers: `type` is '+' (status), '-' (error), ':' (integer), '$' (text; also
/// one that is missing) or '*' (a list, whose elements follow as replies of their own).
struct redis_reply {
  char type = 0;
  bool missing = false;
  std::int64_t integer = 0;
  std::string text;
};

class redis_server {
 public:
  /// True when there is one to start.
  [[nodiscard]] static bool installed() { return program() != nullptr; }

  /// Starts it and connects; throws `std::runtime_error` if that takes longer than 20 seconds.
  redis_server() {
    std::string folder = (std::filesystem::temp_directory_path() / "quoin-redis-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    struct remover {
      std::filesystem::path path;
      ~remover() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
      }
    } const remove{folder};
    const std::string path = folder + "/socket";
    const ::pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("no process for redis-server");
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent || ::chdir(folder.c_str()) != 0) ::_exit(126);
      ::execlp(program(), "redis-server", "--port", "0", "--unixsocket", path.c_str(), "--save", "",
               "--appendonly", "no", "--daemonize", "no", "--dir", folder.c_str(), "--logfile",
               "/dev/null", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    try {
      connect_to(path);
    } catch (...) {
      stop();
      throw;
    }
  }

  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;
  ~redis_server() { stop(); }

  /// Sends a command some time before the next `receive`, without waiting for the answer.
  void send(std::initializer_list<std::string_view> command) {
    begin(command.size());
    for (const auto part : command) add(part);
  }

  /// Sends a command of two parts and a list.
  void send(std::string_view name, std::string_view key, const std::vector<std::string>& rest) {
    begin(2 + rest.size());
    add(name);
    add(key);
    for (const auto& part : rest) add(part);
  }

  /// The answer to the first command not answered yet.
  redis_reply receive() {
    flush();
    const std::string line = read_line();
    redis_reply reply;
    reply.type = line.at(0);
    reply.text = line.substr(1);
    if (reply.type == ':') reply.integer = std::stoll(reply.text);
    if (reply.type == '$') {
      const int size = std::stoi(reply.text);
      reply.missing = size < 0;
      reply.text = size < 0 ? "" : read(static_cast<std::size_t>(size) + 2);
      if (size >= 0) reply.text.resize(static_cast<std::size_t>(size));
    }
    return reply;
  }

  redis_reply call(std::initializer_list<std::string_view> command) {
    send(command);
    return receive();
  }

 private:
  /// The server, by whichever name it is installed: the tools are the same program, which goes by
  /// its zeroth argument, and Debian has them in a package that starts no service of its own.
  static const char* program() {
    for (const char* const name : {"redis-server", "redis-check-rdb"}) {
      const char* const path = std::getenv("PATH");
      std::string_view left = path == nullptr ? "" : path;
      while (!left.empty()) {
        const auto end = std::min(left.find(':'), left.size());
        if (::access((std::string(left.substr(0, end)) + '/' + name).c_str(), X_OK) == 0) {
          return name;
        }
        left.remove_prefix(std::min(end + 1, left.size()));
      }
    }
    return nullptr;
  }

  void connect_to(const std::string& path) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const auto* const generic = static_cast<const ::sockaddr*>(static_cast<const void*>(&address));
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const ::timeval patience{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    for (int tries = 0; ::connect(socket_, generic, sizeof address) != 0; ++tries) {
      const bool ended = ::waitpid(process_, nullptr, WNOHANG) != 0;
      if (ended) process_ = -1;  // the number may be another's now
      if (tries == 2000 || ended) {
        throw std::runtime_error("redis-server does not start");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void stop() noexcept {
    if (socket_ >= 0) ::close(socket_);
    if (process_ > 0 && ::kill(process_, SIGKILL) == 0) ::waitpid(process_, nullptr, 0);
  }

  void begin(std::size_t parts) {
    if (out_.size() > std::size_t{1} << 20) flush();
    out_ += '*' + std::to_string(parts) + "\r\n";
  }

  void add(std::string_view part) {
    out_ += '$' + std::to_string(part.size()) + "\r\n";
    out_ += part;
    out_ += "\r\n";
  }

  void flush() {
    for (std::size_t sent = 0; sent < out_.size();) {
      const auto n = ::send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("redis-server does not listen");
      sent += static_cast<std::size_t>(n);
    }
    out_.clear();
  }

  void receive_more() {
    if (read_ > std::size_t{1} << 20) {
      in_.erase(0, read_);
      read_ = 0;
    }
    char buffer[65536];
    const auto n = ::recv(socket_, buffer, sizeof buffer, 0);
    if (n <= 0) throw std::runtime_error("redis-server does not answer");
    in_.append(buffer, static_cast<std::size_t>(n));
  }

  std::string read_line() {
    std::size_t end;
    while ((end = in_.find("\r\n", read_)) == std::string::npos) receive_more();
    std::string line = in_.substr(read_, end - read_);
    read_ = end + 2;
    return line;
  }

  std::string read(std::size_t size) {
    while (in_.size() - read_ < size) receive_more();
    std::string bytes = in_.substr(read_, size);
    read_ += size;
    return bytes;
  }

  ::pid_t process_ = -1;
  int socket_ = -1;
  std::string out_, in_;
  std::size_t read_ = 0;
};

}  // namespace quoin_test

#endif
#endif
