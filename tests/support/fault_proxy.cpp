#include "support/fault_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>
#include <utility>

#include "support/loopback.hpp"

namespace forkcast::process_test {
namespace {

bool SendAll(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Adds what comes; false at the end, or when `stop` is readable.
bool Receive(int from, int stop, std::string& bytes) {
  std::array<pollfd, 2> watched{pollfd{.fd = from, .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop, .events = POLLIN, .revents = 0}};
  ::poll(watched.data(), watched.size(), -1);
  if (watched[1].revents != 0) return false;
  std::array<char, 64 * 1024> piece{};
  const ssize_t count = ::recv(from, piece.data(), piece.size(), 0);
  if (count <= 0) return false;
  bytes.append(piece.data(), static_cast<std::size_t>(count));
  return true;
}

std::size_t BodySize(std::string head) {
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kName = "content-length: ";
  const std::size_t at = head.find(kName);
  std::size_t size = 0;
  if (at != head.npos) {
    std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), size);
  }
  return size;
}

/// Head and body of one request; empty at the end.
std::string ReadRequest(int client, int stop) {
  std::string request;
  std::size_t end = request.npos;
  while ((end = request.find("\r\n\r\n")) == request.npos) {
    if (!Receive(client, stop, request)) return {};
  }
  const std::size_t whole = end + 4 + BodySize(request.substr(0, end + 2));
  while (request.size() < whole) {
    if (!Receive(client, stop, request)) return {};
  }
  return request;
}

/// The server's answer, after which it closes the connection.
std::string Ask(std::uint16_t server, int stop, std::string request) {
  request.insert(request.find("\r\n") + 2, "Connection: close\r\n");
  const Fd upstream = Connected(server);
  if (!upstream || !SendAll(upstream.get(), request)) return {};
  std::string answer;
  while (Receive(upstream.get(), stop, answer)) {
  }
  return answer;
}

}  // namespace

FaultProxy::FaultProxy(std::uint16_t server)
    : server_(server),
      listening_(BoundSocket(0)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      port_(PortOf(listening_)) {
  constexpr int kWaiting = 64;
  ::listen(listening_.get(), kWaiting);
  accepting_ = std::thread([this] { Accept(); });
}

FaultProxy::~FaultProxy() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_.get(), &one, sizeof one));
  accepting_.join();
  for (std::thread& connection : connections_) connection.join();
}

void FaultProxy::Set(Decide decide) {
  const std::lock_guard lock(mutex_);
  decide_ = std::move(decide);
}

void FaultProxy::SetFirst(std::size_t count, std::string text, const Fault& fault) {
  const auto left = std::make_shared<std::size_t>(count);
  Set([left, text = std::move(text), fault](std::string_view head) {
    if (*left == 0 || head.find(text) == head.npos) return Fault{};
    --*left;
    return fault;
  });
}

std::vector<std::string> FaultProxy::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FaultProxy::Accept() {
  std::array<pollfd, 2> watched{pollfd{.fd = listening_.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  while (::poll(watched.data(), watched.size(), -1) >= 0 && watched[1].revents == 0) {
    Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    connections_.emplace_back(
        [this, shared = std::make_shared<Fd>(std::move(client))] { Serve(std::move(*shared)); });
  }
}

Fault FaultProxy::FaultOf(std::string_view head) {
  const std::lock_guard lock(mutex_);
  requests_.emplace_back(head.substr(0, head.find("\r\n")));
  return decide_ ? decide_(head) : Fault{};
}

void FaultProxy::Serve(Fd client) {
  using Kind = Fault::Kind;
  const std::string request = ReadRequest(client.get(), stop_.get());
  if (request.empty()) return;
  const Fault fault = FaultOf(std::string_view(request).substr(0, request.find("\r\n\r\n") + 2));
  if (fault.kind == Kind::kAnswer) {
    SendAll(client.get(),
            "HTTP/1.1 " + fault.answer + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  std::string answer = Ask(server_, stop_.get(), request);
  if (fault.kind == Kind::kNoAnswer || answer.empty()) return;
  if (fault.kind == Kind::kSpoil) answer.back() = static_cast<char>(answer.back() ^ 1);
  const bool is_half = fault.kind == Kind::kCut || fault.kind == Kind::kStall;
  const std::size_t head = answer.find("\r\n\r\n") + 4;
  if (is_half) answer.resize(head + (answer.size() - head) / 2);
  SendAll(client.get(), answer);
  std::string ignored;
  // Until the client has had enough of it.
  while (fault.kind == Kind::kStall && Receive(client.get(), stop_.get(), ignored)) {
  }
}

}  // namespace forkcast::process_test
