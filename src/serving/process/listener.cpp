#include "serving/process/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/folder_lock.hpp"
#include "serving/config/address.hpp"

namespace forkcast::serving {
namespace {

Error BindError(const Address& address, const std::string& what) {
  const std::string why = std::generic_category().message(errno);
  return {ErrorCode::kIo, ToString(address) + ": " + what + ": " + why, "bind"};
}

Fd NewSocket(int family) noexcept {
  return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

sockaddr_un UnixName(const std::filesystem::path& path) noexcept {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.native().size());  // the caller checked its length
  return name;
}

const sockaddr* Generic(const auto& name) noexcept {
  return reinterpret_cast<const sockaddr*>(&name);
}

/// A TCP address as the system calls take it.
struct TcpName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

/// None when the host is not a numeric address.
std::optional<TcpName> ToTcpName(const TcpAddress& address) noexcept {
  TcpName name;
  auto& v4 = reinterpret_cast<sockaddr_in&>(name.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    name.size = sizeof v4;
    return name;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(name.storage);
  if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  name.size = sizeof v6;
  return name;
}

/// Whether this machine has the address: whether some port of it can be had.
bool IsOurs(TcpName name) noexcept {
  const Fd probe = NewSocket(name.family());
  // At the same place for both families.
  reinterpret_cast<sockaddr_in&>(name.storage).sin_port = 0;
  return probe && ::bind(probe.get(), Generic(name.storage), name.size) == 0;
}

/// Removes the socket of a server that is no more. To be called with the folder locked.
Status RemoveStaleSocket(const Address& address, const std::filesystem::path& path) {
  const auto refuse = [&address](std::string why) {
    return Error{ErrorCode::kIo, ToString(address) + ": " + std::move(why), "bind"};
  };
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? Status() : BindError(address, "cannot look at the file there");
  }
  if (!S_ISSOCK(file.st_mode)) return refuse("there is a file that is no socket; not touched");
  const Fd probe = NewSocket(AF_UNIX);
  if (!probe) return BindError(address, "cannot make a socket");
  const sockaddr_un name = UnixName(path);
  if (::connect(probe.get(), Generic(name), sizeof name) == 0 || errno == EAGAIN) {
    return refuse("another server is listening there");
  }
  if (errno != ECONNREFUSED) return BindError(address, "cannot tell whether a server is there");
  if (::unlink(path.c_str()) != 0) return BindError(address, "cannot remove the stale socket");
  return {};
}

/// The most waiting connections that the kernel holds; none when it does not say.
std::string BacklogWarning(int backlog) {
  std::ifstream file("/proc/sys/net/core/somaxconn");
  int most = 0;
  if (!(file >> most) || backlog <= most) return {};
  return "backlog " + std::to_string(backlog) +
         " is more than net.core.somaxconn = " + std::to_string(most) + ", which is what holds";
}

}  // namespace

Result<Listener> Listener::Open(const Address& address, int backlog, const SocketFile& file) {
  Listener listener;
  listener.local_address_ = address;
  listener.warning_ = BacklogWarning(backlog);
  const auto* unix_address = std::get_if<UnixAddress>(&address);
  const Status bound = unix_address != nullptr
                           ? listener.BindUnix(*unix_address, backlog, file)
                           : listener.BindTcp(std::get<TcpAddress>(address), backlog);
  if (!bound) return bound.error();
  return listener;
}

Status Listener::BindTcp(const TcpAddress& address, int backlog) {
  const auto name = ToTcpName(address);
  if (!name) {
    return Error{ErrorCode::kInvalidArgument, ToString(local_address_) + ": not a numeric address",
                 "bind"};
  }
  fd_ = NewSocket(name->family());
  if (!fd_) return BindError(local_address_, "cannot make a socket");
  const int on = 1;
  const int v6_only = address.with_ipv4 ? 0 : 1;
  // Connections of an earlier server that are closing must not hinder this one. Not SO_REUSEPORT:
  // it would let a second server share the port unseen.
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (name->family() == AF_INET6 &&
       ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) != 0)) {
    return BindError(local_address_, "cannot set up the socket");
  }
  if (::bind(fd_.get(), Generic(name->storage), name->size) != 0 ||
      ::listen(fd_.get(), backlog) != 0) {
    return BindError(local_address_, "cannot listen");
  }
  sockaddr_in6 chosen{};  // the port is at the same place for both families
  socklen_t size = sizeof chosen;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&chosen), &size) != 0) {
    return BindError(local_address_, "cannot tell its port");
  }
  std::get<TcpAddress>(local_address_).port = ntohs(chosen.sin6_port);
  return {};
}

Status Listener::BindUnix(const UnixAddress& address, int backlog, const SocketFile& file) {
  const std::filesystem::path& path = address.path;
  if (path.empty() || path.native().size() > kMaxUnixPath) {
    return Error{ErrorCode::kInvalidArgument,
                 ToString(local_address_) + ": a socket's path has 1 to " +
                     std::to_string(kMaxUnixPath) + " bytes",
                 "bind"};
  }
  std::error_code failed;
  // Absolute, since the working directory may be another one by the time of the removal.
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  const FolderLock lock(absolute.parent_path());
  if (failed || !lock.held()) return BindError(local_address_, "cannot use the folder");
  Status free = RemoveStaleSocket(local_address_, path);
  if (!free) return free;

  fd_ = NewSocket(AF_UNIX);
  if (!fd_) return BindError(local_address_, "cannot make a socket");
  const sockaddr_un name = UnixName(path);
  if (::bind(fd_.get(), Generic(name), sizeof name) != 0) {
    return BindError(local_address_, "cannot listen");
  }
  OwnFile(absolute);
  // Before listen(), so that whoever can connect at all finds the final permissions.
  if (file.group && ::chown(path.c_str(), static_cast<uid_t>(-1), *file.group) != 0) {
    return BindError(local_address_, "cannot be given to its group");
  }
  if (owned_path_.empty() || ::chmod(path.c_str(), file.mode) != 0 ||
      ::listen(fd_.get(), backlog) != 0) {
    return BindError(local_address_, "cannot listen");
  }
  return {};
}

Result<std::vector<Address>> ResolveAddress(const Address& address) {
  const auto* const tcp = std::get_if<TcpAddress>(&address);
  if (tcp == nullptr) return std::vector<Address>{address};
  const auto refuse = [&address](const std::string& why) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", ToString(address), why), "bind"};
  };
  if (const auto numeric = ToTcpName(*tcp)) {
    if (!IsOurs(*numeric)) return refuse("this machine has no such address");
    return std::vector<Address>{address};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int failed = ::getaddrinfo(tcp->host.c_str(), nullptr, &hints, &first);
  if (failed != 0) {
    return refuse(fmt::format("the name cannot be resolved: {}", ::gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(first, &::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> host{};
    TcpName name{.storage = {}, .size = one->ai_addrlen};
    std::memcpy(&name.storage, one->ai_addr, one->ai_addrlen);
    if (!IsOurs(name) || ::getnameinfo(one->ai_addr, one->ai_addrlen, host.data(), host.size(),
                                       nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    const Address found = TcpAddress{.host = host.data(), .port = tcp->port};
    if (std::ranges::find(addresses, found) == addresses.end()) addresses.push_back(found);
  }
  if (addresses.empty()) return refuse("no address of this name is this machine's");
  return addresses;
}

void Listener::OwnFile(const std::filesystem::path& path) noexcept {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return;
  owned_path_ = path;
  device_ = file.st_dev;
  inode_ = file.st_ino;
  owner_ = ::getpid();
}

Result<Listener> Listener::Adopt(Fd socket, Owner owner) {
  const std::string who = "inherited descriptor " + std::to_string(socket.get());
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      listening == 0) {
    return Error{ErrorCode::kInvalidArgument, who + ": no listening socket", "bind"};
  }
  sockaddr_storage name{};
  size = sizeof name;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
      ::fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error{ErrorCode::kIo, who + ": " + std::generic_category().message(errno), "bind"};
  }
  Listener listener;
  listener.lent_ = owner == Owner::kSupervisor;
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (name.ss_family == AF_UNIX) {
    const auto& unix_name = reinterpret_cast<const sockaddr_un&>(name);
    const std::filesystem::path path(unix_name.sun_path);
    listener.local_address_ = UnixAddress{.path = path};
    if (!listener.lent_) listener.OwnFile(std::filesystem::absolute(path));
  } else if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    ::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    listener.local_address_ = TcpAddress{.host = host.data(), .port = ntohs(v4.sin_port)};
  } else if (name.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    listener.local_address_ = TcpAddress{.host = host.data(), .port = ntohs(v6.sin6_port)};
  } else {
    return Error{ErrorCode::kInvalidArgument, who + ": neither TCP nor Unix", "bind"};
  }
  listener.fd_ = std::move(socket);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::move(other.fd_)),
      local_address_(std::move(other.local_address_)),
      warning_(std::move(other.warning_)),
      owned_path_(std::exchange(other.owned_path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      owner_(other.owner_),
      lent_(other.lent_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::move(other.fd_);
  local_address_ = std::move(other.local_address_);
  warning_ = std::move(other.warning_);
  owned_path_ = std::exchange(other.owned_path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  owner_ = other.owner_;
  lent_ = other.lent_;
  return *this;
}

Listener::~Listener() { Close(); }

void Listener::RemoveFile() noexcept {
  if (!owned_path_.empty() && owner_ == ::getpid()) {
    const FolderLock lock(owned_path_.parent_path());
    struct stat file {};
    if (lock.held() && ::lstat(owned_path_.c_str(), &file) == 0 && file.st_dev == device_ &&
        file.st_ino == inode_) {
      ::unlink(owned_path_.c_str());
    }
  }
  owned_path_.clear();
}

void Listener::RefuseNew() noexcept {
  RemoveFile();
  if (lent_) return;
  if (std::holds_alternative<UnixAddress>(local_address_)) return;
  // A filter that drops every SYN: what is in the backlog stays, a handshake that has begun may end
  // (its client may take itself for connected already), nobody begins another. Closing would reset
  // the former, as would shutdown().
  constexpr unsigned kFlagsOffset = 13;  // in the TCP header, at which a TCP socket's filter begins
  constexpr unsigned kSyn = 0x02;
  std::array<sock_filter, 4> drop_syn{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsOffset),
                                       BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kSyn, 0, 1),
                                       BPF_STMT(BPF_RET | BPF_K, 0),
                                       BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF)}};
  const sock_fprog program{.len = drop_syn.size(), .filter = drop_syn.data()};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void Listener::Close() noexcept {
  RemoveFile();
  fd_.Reset();
}

bool IsListenedAt(const Address& address) noexcept {
  constexpr int kPatienceMs = 1000;
  if (const auto* const unix_address = std::get_if<UnixAddress>(&address)) {
    if (unix_address->path.native().size() > kMaxUnixPath) return false;
    const Fd probe = NewSocket(AF_UNIX);
    const sockaddr_un name = UnixName(unix_address->path);
    return ::connect(probe.get(), Generic(name), sizeof name) == 0 || errno == EAGAIN;
  }
  const auto name = ToTcpName(std::get<TcpAddress>(address));
  if (!name) return false;
  const Fd probe = NewSocket(name->family());
  if (::connect(probe.get(), Generic(name->storage), name->size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd answer{.fd = probe.get(), .events = POLLOUT, .revents = 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&answer, 1, kPatienceMs) == 1 &&
         ::getsockopt(probe.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace forkcast::serving
