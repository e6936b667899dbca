#include "client/scripted_server.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "support/http_message.hpp"

namespace forkcast::client {
namespace {

void Check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

/// Appends what comes next to `text`; false when the peer left.
bool ReadMore(int connection, std::string& text) {
  char buffer[65536];
  const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  text.append(buffer, static_cast<std::size_t>(count));
  return true;
}

}  // namespace

std::string SeenRequest::Header(std::string_view name) const {
  return std::string(HeaderOf(head, name));
}

std::string HttpAnswer(int status, std::string_view body, std::string_view extra_headers) {
  return fmt::format("HTTP/1.1 {} Told\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     extra_headers, body);
}

Reply GoodReply(const SeenRequest& request) {
  std::string answers;
  std::size_t line = request.body.find('\n') + 1;  // behind the header
  while (line < request.body.size()) {
    const std::string id =
        request.body.substr(line, request.body.find_first_of(",\n", line) - line);
    answers += fmt::format("{{\"id\":\"{}\",\"recommendation\":\"Deliver\"}}\n", id);
    line = request.body.find('\n', line) + 1;
  }
  return {.bytes = HttpAnswer(200, answers)};
}

ScriptedServer::ScriptedServer(Script on_post, Script on_ping,
                               const std::filesystem::path& socket_path, std::uint16_t port)
    : on_post_(std::move(on_post)), on_ping_(std::move(on_ping)) {
  if (!on_ping_) on_ping_ = [](const SeenRequest&) { return Reply{.bytes = HttpAnswer(200, "")}; };
  Listen(socket_path, port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes the acceptor
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const Fd& connection : open_) ::shutdown(connection.get(), SHUT_RDWR);
  }
  for (std::thread& server : servers_) server.join();
}

void ScriptedServer::Listen(const std::filesystem::path& socket_path, std::uint16_t port) {
  if (socket_path.empty()) {
    listener_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    Check(::bind(listener_.get(), any, size) == 0, "bind");
    Check(::getsockname(listener_.get(), any, &size) == 0, "getsockname");
    url_ = fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
  } else {
    listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
    Check(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "bind");
    url_ = "unix:" + socket_path.string();
  }
  Check(::listen(listener_.get(), 64) == 0, "listen");
}

void ScriptedServer::Accept() {
  while (true) {
    const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;  // shut down
    const int on = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on Unix sockets
    ++connections_;
    const std::lock_guard lock(mutex_);
    open_.emplace_back(connection);
    if (stopping_) ::shutdown(connection, SHUT_RDWR);
    servers_.emplace_back([this, connection] { Serve(connection); });
  }
}

void ScriptedServer::Serve(int connection) {
  std::string text;
  for (std::size_t number = 0;; ++number) {
    SeenRequest request{.on_connection = number};
    HttpMessage message;
    while ((message = FirstMessage(text)).size() == 0) {
      if (!ReadMore(connection, text)) break;
    }
    if (message.size() == 0) break;
    request.head = message.head;
    request.body = message.body;
    const std::size_t path = request.head.find(' ') + 1;
    request.target = request.head.substr(path, request.head.find(' ', path) - path);
    text.erase(0, message.size());
    if (!Answer(connection, request)) break;
  }
  // The number must not be used again while the destructor may shut it down.
  const std::lock_guard lock(mutex_);
  open_.remove_if([connection](const Fd& fd) { return fd.get() == connection; });
}

bool ScriptedServer::Answer(int connection, const SeenRequest& request) {
  Reply reply;
  {
    const std::lock_guard lock(mutex_);
    if (request.head.starts_with("POST ")) {
      posts_.push_back(request);
      posts_.back().number = posts_.size() - 1;
      reply = on_post_(posts_.back());
    } else {
      reply = on_ping_(request);
    }
  }
  if (reply.stop_listening) ::shutdown(listener_.get(), SHUT_RDWR);
  if (reply.late.count() > 0) {
    pollfd peer{.fd = connection, .events = POLLRDHUP, .revents = 0};
    ::poll(&peer, 1, static_cast<int>(reply.late.count()));
  }
  std::string_view rest = reply.bytes;
  while (!rest.empty()) {
    const ssize_t sent = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (reply.then == Reply::Then::kHoldUntilPeerLeaves) {
    std::string ignored;
    while (ReadMore(connection, ignored)) continue;
  }
  return reply.then == Reply::Then::kKeepOpen;
}

std::vector<SeenRequest> ScriptedServer::posts() const {
  const std::lock_guard lock(mutex_);
  return posts_;
}

bool ScriptedServer::WaitForPosts(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (posts().size() < count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace forkcast::client
