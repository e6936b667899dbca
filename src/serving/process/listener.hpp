#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/config/server_config.hpp"

namespace forkcast::serving {

/// Whose a Unix socket's file is. Writing to it is connecting.
struct SocketFile {
  mode_t mode = 0666;
  std::optional<gid_t> group{};  ///< None: as it comes.
};

/// A listening socket, opened by the master and inherited by the workers that it forks.
/// Non-blocking, closed on exec. Move-only.
///
/// A Unix socket is world-writable (0666) unless told otherwise: nginx and clients run as other
/// users, and the folder's permissions decide who gets to it. The process that opened it removes it
/// from the file system when the object ends, if the file there is still its own; a forked copy
/// only closes.
class Listener {
 public:
  /// Binds and listens. kIo, naming the address, when it is taken or may not be had. On a Unix path
  /// the socket of a dead server is replaced; one that answers, or a file that is no socket, is
  /// refused and left alone. Servers that start at the same time on one path take turns, so that
  /// one of them gets it. `file`: of a Unix socket. Precondition: the address is numeric
  /// (ResolveAddress()).
  static Result<Listener> Open(const Address& address, int backlog, const SocketFile& file = {});

  enum class Owner { kUs, kSupervisor };
  /// Takes over a socket that already listens: from an old master, after which its file is ours to
  /// remove, or from a supervisor, whose file is its own. kInvalidArgument when the descriptor is
  /// no listening stream socket.
  static Result<Listener> Adopt(Fd socket, Owner owner);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Lets no connection join the backlog any more, without losing one that is in it: a Unix
  /// socket's file goes (if it is still its own), a TCP socket drops what arrives for it. For all
  /// processes that share the socket, and for good; so a supervisor's socket stays open: whoever
  /// comes waits for the next start.
  void RefuseNew() noexcept;

  /// Leaves the file of a Unix socket to whoever took the socket over.
  void Disown() noexcept { owned_path_.clear(); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Whether it is a supervisor's.
  [[nodiscard]] bool lent() const noexcept { return lent_; }
  /// Where it listens: as asked for, with the port that was chosen in place of 0.
  [[nodiscard]] const Address& local_address() const noexcept { return local_address_; }
  /// That the kernel holds fewer waiting connections than asked for; empty when it does not.
  [[nodiscard]] const std::string& warning() const noexcept { return warning_; }

 private:
  Listener() = default;
  Status BindTcp(const TcpAddress& address, int backlog);
  Status BindUnix(const UnixAddress& address, int backlog, const SocketFile& file);
  void OwnFile(const std::filesystem::path& path) noexcept;
  void RemoveFile() noexcept;
  void Close() noexcept;

  Fd fd_;
  Address local_address_;
  std::string warning_;
  std::filesystem::path owned_path_;  ///< Absolute; empty: nothing to remove.
  dev_t device_ = 0;                  ///< Of the socket file, with its inode.
  ino_t inode_ = 0;
  pid_t owner_ = 0;
  bool lent_ = false;  ///< By a supervisor.
};

/// The addresses that a name means, those alone that this machine has (a container may lack IPv6);
/// a numeric address is itself. kIo naming it when the machine has none of them. Asks the resolver,
/// which may take seconds: at the start alone.
Result<std::vector<Address>> ResolveAddress(const Address& address);

/// Whether a connection to the address is taken, or would be were the backlog not full. Waits for
/// no peer longer than a second.
[[nodiscard]] bool IsListenedAt(const Address& address) noexcept;

}  // namespace forkcast::serving
