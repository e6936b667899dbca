#include "serving/process/control_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "serving/config/address.hpp"

namespace forkcast::serving {
namespace {

constexpr int kBacklog = 16;
constexpr int kAnswersPerTurn = 16;
constexpr int kSendBuffer = 1048576;  // some kernels grant less; 100 KiB hold 256 workers
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
constexpr SocketFile kOwnerOnly{.mode = 0600};

Error Unanswered(const std::filesystem::path& path, const std::string& why) {
  return {ErrorCode::kIo, path.string() + ": " + why, "control"};
}

Error SystemError(const std::filesystem::path& path, const std::string& what) {
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

void ControlSocket::Answer(const std::function<std::string()>& document) const {
  std::string text;
  for (int i = 0; i < kAnswersPerTurn; ++i) {
    const Fd peer(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) return;  // nobody is left, or no descriptor; whoever waits is seen next turn
    if (text.empty()) text = document();
    ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    [[maybe_unused]] const ssize_t sent =
        ::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
}

Result<std::string> AskControlSocket(const std::filesystem::path& path) {
  if (path.native().size() > kMaxUnixPath) return Unanswered(path, "too long for a socket's path");
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return SystemError(path, "cannot make a socket");
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.native().size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return SystemError(path, "no server answers there");
  }
  std::string text;
  std::array<char, 65536> bytes;
  while (true) {
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "the server does not answer");
    if (got == 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  if (!text.ends_with('\n')) return Unanswered(path, "the server's answer breaks off");
  return text;
}

}  // namespace forkcast::serving
