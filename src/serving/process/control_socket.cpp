#include "serving/process/control_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "serving/config/address.hpp"

namespace forkcast::serving {
namespace {

constexpr int kBacklog = 16;
constexpr std::size_t kPeers = 16;
constexpr std::size_t kLongestLine = 16384;
constexpr std::string_view kStatus = "status";
// Clients of older versions ask by connecting alone.
constexpr std::chrono::milliseconds kSilence{100};
constexpr int kSendBuffer = 1048576;  // some kernels grant less; 100 KiB hold 256 workers
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
constexpr SocketFile kOwnerOnly{.mode = 0600};

Error Unanswered(const std::filesystem::path& path, const std::string& why) {
  return {ErrorCode::kIo, path.string() + ": " + why, "control"};
}

Error SocketError(const std::filesystem::path& path, const std::string& what) {
  return Unanswered(path, what + ": " + std::generic_category().message(errno));
}

}  // namespace

Status ControlSocket::Open(const std::filesystem::path& path, Replace replace) {
  struct stat file {};
  // A predecessor sees that the file is no longer its own.
  if (replace == Replace::kPredecessor && ::lstat(path.c_str(), &file) == 0 &&
      S_ISSOCK(file.st_mode)) {
    ::unlink(path.c_str());
  }
  Result<Listener> opened = Listener::Open(UnixAddress{path}, kBacklog, kOwnerOnly);
  if (!opened) return std::move(opened).error();
  listener_ = std::move(*opened);
  return {};
}

std::vector<int> ControlSocket::watched() const {
  std::vector<int> watched;
  // Who finds no place waits in the backlog.
  if (listener_ && peers_.size() < kPeers) watched.push_back(listener_->fd());
  for (const Peer& peer : peers_) watched.push_back(peer.socket.get());
  return watched;
}

void ControlSocket::Answer(const Replies& replies, MonotonicTime now) {
  while (listener_ && peers_.size() < kPeers) {
    Fd peer(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) break;  // nobody is left, or no descriptor; whoever waits is seen next turn
    ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    peers_.push_back({.socket = std::move(peer), .since = now});
  }
  std::string status;
  std::erase_if(peers_, [&](Peer& peer) {
    const Heard heard = Hear(peer, now);
    if (heard != Heard::kLine) return heard == Heard::kTooMuch;
    const bool is_order = !peer.line.empty() && peer.line != kStatus;
    if (!is_order && status.empty()) status = replies.status();
    std::string answer;
    if (is_order && replies.order) answer = replies.order(peer.line);
    const std::string& text = is_order ? answer : status;
    [[maybe_unused]] const ssize_t sent =
        ::send(peer.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return true;
  });
}

ControlSocket::Heard ControlSocket::Hear(Peer& peer, MonotonicTime now) {
  std::array<char, kLongestLine> bytes;
  const ssize_t got = ::recv(peer.socket.get(), bytes.data(), bytes.size(), 0);
  if (got > 0) {
    peer.line.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t end = peer.line.find('\n');
    if (end != std::string::npos) {
      peer.line.resize(end);
      return Heard::kLine;
    }
  }
  if (peer.line.size() > kLongestLine) return Heard::kTooMuch;
  const bool says_no_more = got == 0 || now - peer.since >= kSilence;
  if (!says_no_more) return Heard::kNothingYet;
  // A line without an end is no order.
  return peer.line.empty() ? Heard::kLine : Heard::kTooMuch;
}

Result<std::string> AskControlSocket(const std::filesystem::path& path, std::string_view line) {
  if (path.native().size() > kMaxUnixPath) return Unanswered(path, "too long for a socket's path");
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return SocketError(path, "cannot make a socket");
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.native().size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return SocketError(path, "no server answers there");
  }
  const std::string sent = fmt::format("{}\n", line);
  if (::send(socket.get(), sent.data(), sent.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE) {
    return SocketError(path, "the server does not listen");
  }
  std::string text;
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // A server that reads no lines ends so, behind its answer.
    if (got == 0 || (got < 0 && errno == ECONNRESET)) break;
    if (got < 0) return SocketError(path, "the server does not answer");
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  if (!text.ends_with('\n')) return Unanswered(path, "the server's answer breaks off");
  return text;
}

}  // namespace forkcast::serving
