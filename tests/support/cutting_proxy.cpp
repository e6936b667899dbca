#include "support/cutting_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace forkcast::process_test {
namespace {

sockaddr_un AddressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Fd NewSocket() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

Fd NewEvent() { return Fd(::eventfd(0, EFD_CLOEXEC)); }

void Tell(const Fd& event) {
  const std::uint64_t one = 1;
  static_cast<void>(::write(event.get(), &one, sizeof one));
}

bool SendAll(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t sent = ::send(to, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(const std::filesystem::path& listen_at, std::filesystem::path server,
                           When when)
    : server_(std::move(server)),
      when_(std::move(when)),
      listening_(NewSocket()),
      stop_(NewEvent()),
      let_go_(NewEvent()) {
  std::filesystem::remove(listen_at);
  const sockaddr_un address = AddressOf(listen_at);
  if (::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening_.get(), 16) != 0) {
    throw std::system_error(errno, std::generic_category(), listen_at);
  }
  accepting_ = std::thread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  Tell(stop_);
  accepting_.join();
  for (std::thread& connection : connections_) connection.join();
}

void CuttingProxy::LetGo() const { Tell(let_go_); }

void CuttingProxy::Accept() {
  while (true) {
    std::array<pollfd, 2> waiting{pollfd{listening_.get(), POLLIN, 0},
                                  pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    connections_.emplace_back([this, fd = client.Release()] { Serve(Fd(fd)); });
  }
}

void CuttingProxy::Serve(Fd client) {
  const Fd server = NewSocket();
  const sockaddr_un address = AddressOf(server_);
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return;
  }
  while (true) {
    std::array<pollfd, 3> waiting{pollfd{client.get(), POLLIN, 0}, pollfd{server.get(), POLLIN, 0},
                                  pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[2].revents != 0) return;
    if (waiting[1].revents != 0 && !Pass(server.get(), client.get(), false)) return;
    if (waiting[0].revents != 0 && !Pass(client.get(), server.get(), true)) return;
  }
}

bool CuttingProxy::Pass(int from, int to, bool is_from_client) {
  std::array<char, 4096> bytes{};
  const ssize_t count = ::recv(from, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  if (is_from_client) {
    bytes_ += static_cast<std::size_t>(count);
    const std::string_view piece(bytes.data(), static_cast<std::size_t>(count));
    if (when_(piece, bytes_) && !has_cut_.exchange(true)) {
      // Passed on, so that what it says may be done, and its answer be lost.
      SendAll(to, bytes.data(), static_cast<std::size_t>(count));
      std::array<pollfd, 2> waiting{pollfd{let_go_.get(), POLLIN, 0},
                                    pollfd{stop_.get(), POLLIN, 0}};
      while (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
      return false;
    }
  }
  return SendAll(to, bytes.data(), static_cast<std::size_t>(count));
}

}  // namespace forkcast::process_test
