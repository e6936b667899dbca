#include "support/http_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::process_test {
namespace {

Fd Connect(int family, const void* name, socklen_t size, std::chrono::milliseconds patience) {
  Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw std::system_error(errno, std::generic_category(), "socket");
  const timeval limit{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  // The sending side's also bounds the wait for room in a Unix socket's backlog.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), static_cast<const sockaddr*>(name), size) != 0) return Fd();
  return socket;
}

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), forkcast::Lower);
  return text;
}

Answer AnswerOf(const HttpMessage& message) {
  const std::string_view head = message.head;
  Answer answer{.head = std::string(head), .body = std::string(message.body)};
  answer.status = std::atoi(std::string(head.substr(head.find(' ') + 1, 3)).c_str());
  for (std::size_t end = head.find("\r\n"); end + 2 < head.size();) {
    const std::size_t begin = end + 2;
    end = head.find("\r\n", begin);
    const std::string_view line = head.substr(begin, end - begin);
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) break;
    answer.headers[Lower(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
  }
  return answer;
}

}  // namespace

Fd Connect(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  if (!endpoint.socket.empty()) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string& path = endpoint.socket.native();
    if (path.size() >= sizeof name.sun_path) throw std::runtime_error("too long: " + path);
    std::memcpy(name.sun_path, path.data(), path.size());
    return Connect(AF_UNIX, &name, sizeof name, patience);
  }
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(endpoint.port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd socket = Connect(AF_INET, &name, sizeof name, patience);
  const int on = 1;
  if (socket) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

std::string Endpoint::url() const {
  return socket.empty() ? "http://127.0.0.1:" + std::to_string(port) : "unix:" + socket.string();
}

std::string ToBytes(const Request& request) {
  return request.method + " " + request.target +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(request.body.size()) +
         "\r\n" + request.headers + "\r\n" + request.body;
}

std::string Answer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  constexpr std::array<const char*, 6> kNames{"answered", "refused", "reset",
                                              "closed",   "cut off", "timed out"};
  return out << kNames[static_cast<std::size_t>(outcome)];
}

HttpConnection::HttpConnection(const Endpoint& endpoint, std::chrono::milliseconds patience)
    : socket_(Connect(endpoint, patience)) {}

void HttpConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // what the peer has said before it left can still be read
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpConnection::EndSending() { ::shutdown(socket_.get(), SHUT_WR); }

Outcome HttpConnection::ReadMore() {
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) {
      received_.append(bytes.data(), static_cast<std::size_t>(got));
      return Outcome::kAnswered;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return Outcome::kTimedOut;
    if (!received_.empty()) return Outcome::kCutOff;
    return got == 0 ? Outcome::kClosed : Outcome::kReset;
  }
}

Exchange HttpConnection::Receive(HttpBody expected) {
  if (!connected()) return {.outcome = Outcome::kRefused};
  HttpMessage message;
  while ((message = FirstMessage(received_, expected)).size() == 0) {
    const Outcome more = ReadMore();
    if (more != Outcome::kAnswered) return {.outcome = more};
  }
  Exchange exchange{.answer = AnswerOf(message)};
  received_.erase(0, message.size());
  return exchange;
}

Exchange HttpConnection::Ask(const Request& request) {
  Send(ToBytes(request));
  return Receive(request.method == "HEAD" ? HttpBody::kNone : HttpBody::kAsAnnounced);
}

bool HttpConnection::IsClosedByServer() {
  const Outcome more = ReadMore();
  return more == Outcome::kClosed || more == Outcome::kReset;
}

Answer AskOnce(const Endpoint& endpoint, const Request& request) {
  HttpConnection connection(endpoint);
  Exchange exchange = connection.Ask(request);
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  return std::move(exchange.answer);
}

int Ping(const Endpoint& endpoint) {
  HttpConnection connection(endpoint);
  const Exchange exchange = connection.Ask({.method = "GET", .target = "/ping"});
  return exchange.outcome == Outcome::kAnswered ? exchange.answer.status : 0;
}

}  // namespace forkcast::process_test
