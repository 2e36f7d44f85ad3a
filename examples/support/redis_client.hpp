// SPDX-License-Identifier: BSL-1.0
/// @file
/// A connection to a Redis server that asks one question after another.
#ifndef QUOIN_EXAMPLES_SUPPORT_REDIS_CLIENT_HPP
#define QUOIN_EXAMPLES_SUPPORT_REDIS_CLIENT_HPP

#include <quoin/interop/redis_limiter.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "file.hpp"

namespace support {

class redis_client {
 public:
  /// @param server  "host:port", or the path of a socket, which has a '/'
  explicit redis_client(std::string server)
      : name_("redis server " + server),
        connection_(server.find('/') == std::string::npos ? by_host(server) : by_path(server)) {}

  /// Asks by the name of the script, and with the script where the server does not have it.
  template <class Question>
  typename Question::answer ask(const Question& question, std::string_view key) {
    std::string bytes;
    quoin::redis_reply reply = exchange(question.evalsha(key), bytes);
    if (reply.is_no_script()) reply = exchange(question.eval(key), bytes);
    if (!reply.error_text().empty()) {
      throw std::runtime_error(name_ + ": " + std::string(reply.error_text()));
    }
    const auto answer = question.answer_of(reply);
    if (!answer) throw std::runtime_error(name_ + ": " + answer.error().message());
    return *answer;
  }

 private:
  /// Nobody waits longer than this for a server that does not answer.
  static constexpr int patience_s = 5;

  [[noreturn]] void fail() const {
    if (errno == EAGAIN || errno == EWOULDBLOCK) throw std::runtime_error(name_ + ": no answer");
    fail_with_errno(name_);
  }

  [[nodiscard]] file opened(int family, const ::sockaddr* address, ::socklen_t size) const {
    const int descriptor = ::socket(family, SOCK_STREAM, 0);
    if (descriptor < 0) fail();
    file socket(descriptor);
    const ::timeval patience{patience_s, 0};
    const int yes = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (family != AF_UNIX) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(descriptor, address, size) != 0) fail();
    return socket;
  }

  [[nodiscard]] file by_path(const std::string& path) const {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(name_ + ": path too long");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const void* const untyped = &address;
    return opened(AF_UNIX, static_cast<const ::sockaddr*>(untyped), sizeof address);
  }

  [[nodiscard]] file by_host(const std::string& server) const {
    const std::size_t colon = server.rfind(':');
    const std::string host = server.substr(0, colon);
    const std::string port = colon == std::string::npos ? "6379" : server.substr(colon + 1);
    ::addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    ::addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
      throw std::runtime_error(name_ + ": " + ::gai_strerror(error));
    }
    const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
    for (const ::addrinfo* a = found;; a = a->ai_next) {
      try {
        return opened(a->ai_family, a->ai_addr, a->ai_addrlen);
      } catch (const std::runtime_error&) {
        if (a->ai_next == nullptr) throw;
      }
    }
  }

  /// Sends `question`; the answer refers to `bytes`.
  quoin::redis_reply exchange(std::string_view question, std::string& bytes) {
    connection_.write(question, name_);
    bytes.clear();
    for (;;) {
      auto reply = quoin::read_redis_reply(bytes);
      if (reply) return *reply;
      if (reply.error().code() != quoin::errc::truncated) {
        throw std::runtime_error(name_ + ": " + reply.error().message());
      }
      char block[1024];
      const std::size_t n = connection_.read(block, sizeof block, name_);
      if (n == 0) throw std::runtime_error(name_ + ": closed the connection");
      bytes.append(block, n);
    }
  }

  std::string name_;
  file connection_;
};

}  // namespace support

#endif
