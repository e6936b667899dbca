#include "serving/webhook/webhook_receiver.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "support/http_message.hpp"

namespace forkcast::serving {
namespace {

void Require(bool is_well, const char* what) {
  if (!is_well) throw std::system_error(errno, std::generic_category(), what);
}

bool Write(int connection, std::string_view text) {
  return ::send(connection, text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

}  // namespace

WebhookReceiver::WebhookReceiver(std::vector<Answers> answers)
    : answers_(std::move(answers)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  Require(::bind(listener_.get(), any, size) == 0, "bind");
  Require(::listen(listener_.get(), 16) == 0, "listen");
  Require(::getsockname(listener_.get(), any, &size) == 0, "getsockname");
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/alarms?key=hidden";
  thread_ = std::thread([this] { Run(); });
}

WebhookReceiver::~WebhookReceiver() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

std::vector<std::string> WebhookReceiver::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void WebhookReceiver::Run() {
  for (std::size_t served = 0;; ++served) {
    std::array<pollfd, 2> watched{{{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = wake_.get(), .events = POLLIN, .revents = 0}}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[1].revents != 0) return;
    const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) Serve(connection.get(), answers_[std::min(served, answers_.size() - 1)]);
  }
}

void WebhookReceiver::Serve(int connection, Answers how) {
  std::string received;
  std::array<char, 4096> part{};
  while (FirstMessage(received).size() == 0) {
    const ssize_t got = ::recv(connection, part.data(), part.size(), 0);
    if (got <= 0) return;
    received.append(part.data(), static_cast<std::size_t>(got));
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(received);
  }
  constexpr const char* kEnd = "Content-Length: 0\r\n\r\n";
  switch (how) {
    case Answers::kOk:
      Write(connection, std::string("HTTP/1.1 204 No Content\r\n\r\n"));
      return;
    case Answers::kServerError:
      Write(connection, std::string("HTTP/1.1 500 Internal Server Error\r\n") + kEnd);
      return;
    case Answers::kNotFound:
      Write(connection, std::string("HTTP/1.1 404 Not Found\r\n") + kEnd);
      return;
    case Answers::kNothing:
      return HoldOpen(connection, "");
    case Answers::kDripsHead:
      Write(connection, "HTTP/1.1 200 OK\r\nX-Drip: ");
      return HoldOpen(connection, "x");
    case Answers::kDripsBody:
      Write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
      return HoldOpen(connection, "x");
  }
}

void WebhookReceiver::HoldOpen(int connection, const char* drip) const {
  constexpr int kBetweenDripsMs = 5;
  while (true) {
    std::array<pollfd, 2> watched{{{.fd = connection, .events = POLLIN, .revents = 0},
                                   {.fd = wake_.get(), .events = POLLIN, .revents = 0}}};
    ::poll(watched.data(), watched.size(), *drip == '\0' ? -1 : kBetweenDripsMs);
    if (watched[0].revents != 0 || watched[1].revents != 0) return;  // closed by the other end
    if (!Write(connection, drip)) return;
  }
}

}  // namespace forkcast::serving
