#include "serving/process/supervisor.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace forkcast::serving {

Supervisor::Supervisor() {
  std::uint64_t interval_us = 0;
  watchdog_ = ::sd_watchdog_enabled(/*unset_environment=*/0, &interval_us) > 0;
}

void Supervisor::Notify(const std::string& state) const noexcept {
  if (state == "WATCHDOG=1" && !watchdog_) return;
  ::sd_notify(/*unset_environment=*/0, state.c_str());  // nobody there: nothing to tell
}

std::vector<Fd> Supervisor::TakeSockets() {
  std::vector<Fd> sockets;
  const int count = ::sd_listen_fds(/*unset_environment=*/1);
  for (int i = 0; i < count; ++i) sockets.emplace_back(SD_LISTEN_FDS_START + i);
  return sockets;
}

}  // namespace forkcast::serving
