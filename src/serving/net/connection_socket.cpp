#include "serving/net/connection_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "serving/http/request_reader.hpp"

namespace forkcast::serving {

namespace {

constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

using Io = ConnectionSocket::Io;

Io ConnectionSocket::Read(RequestReader& reader) {
  if (moved_ >= kBytesOfATurn) return Io::kGoesOn;
  if (broken_) return Io::kEnded;
  if (!readable_) return Io::kWouldBlock;
  std::span<char> room = reader.Prepare();
  room = room.first(std::min(room.size(), kBytesOfATurn));
  while (true) {
    const ssize_t received = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (received > 0) {
      const auto size = static_cast<std::size_t>(received);
      reader.Commit(size);
      moved_ += size;
      // Less than there was room for is all there was, and what comes later is another edge.
      readable_ = size == room.size() || ending_;
      return Io::kDone;
    }
    if (received == 0) return Io::kEnded;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Io::kEnded;
    readable_ = false;
    return Io::kWouldBlock;
  }
}

Io ConnectionSocket::Discard() noexcept {
  std::array<char, 4096> discarded;
  const ssize_t got = ::recv(socket_.get(), discarded.data(), discarded.size(), MSG_DONTWAIT);
  if (got > 0) return Io::kGoesOn;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Io::kWouldBlock : Io::kEnded;
}

void ConnectionSocket::Send(std::string_view head, std::string_view body) noexcept {
  unsent_head_ = head;
  unsent_body_ = body;
}

Io ConnectionSocket::Write() noexcept {
  if (broken_) return Io::kEnded;
  while (has_unsent()) {
    if (moved_ >= kBytesOfATurn) return Io::kGoesOn;
    const std::size_t of_body = std::min(unsent_body_.size(), kBytesOfATurn);
    std::array<iovec, 2> parts{iovec{const_cast<char*>(unsent_head_.data()), unsent_head_.size()},
                               iovec{const_cast<char*>(unsent_body_.data()), of_body}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = of_body == 0 ? 1 : 2;
    const ssize_t result = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Io::kWouldBlock : Io::kEnded;
    }
    auto sent = static_cast<std::size_t>(result);
    moved_ += sent;
    const std::size_t of_head = std::min(sent, unsent_head_.size());
    unsent_head_.remove_prefix(of_head);
    unsent_body_.remove_prefix(sent - of_head);
  }
  return Io::kDone;
}

void ConnectionSocket::EndOutput() noexcept { ::shutdown(socket_.get(), SHUT_WR); }

void ConnectionSocket::Watch(int epoll, std::uint32_t events, void* owner) noexcept {
  events |= EPOLLRDHUP | EPOLLET;
  if ((watched_ & events) == events) return;
  epoll_event event{};
  event.events = watched_ | events;
  event.data.ptr = owner;
  broken_ =
      ::epoll_ctl(epoll, watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket_.get(), &event) != 0;
  watched_ = event.events;
}

void ConnectionSocket::OnEvents(std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | kEnding)) != 0) readable_ = true;
  if ((events & kEnding) != 0) ending_ = true;
}

bool ConnectionSocket::SayWritable(std::uint32_t events) noexcept {
  return (events & (EPOLLOUT | kEnding)) != 0;
}

bool ConnectionSocket::is_unix() const noexcept {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  return ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0 &&
         name.ss_family == AF_UNIX;
}

std::string ConnectionSocket::PeerAddress() const {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (name.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    constexpr std::size_t kV4Offset = 12;
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {  // on a socket of both families
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[kV4Offset], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  }
  return text.data();
}

}  // namespace forkcast::serving
