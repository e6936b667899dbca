#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

/// The service manager that may have started this process (systemd, or whoever speaks its
/// protocol). Everything is without effect when there is none.
class Supervisor {
 public:
  Supervisor();

  /// Tells it `state`, in the words of sd_notify(3). "WATCHDOG=1" only where it asked for that.
  void Notify(const std::string& state) const noexcept;

  /// Sockets that it listens on for us (socket activation, sd_listen_fds(3)), in its order. To be
  /// asked once: what is returned is not passed on to children.
  [[nodiscard]] static std::vector<Fd> TakeSockets();

 private:
  bool watchdog_;
};

}  // namespace forkcast::serving
