#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace forkcast::serving {

/// How the server has been told to stop.
enum class StopKind : std::uint8_t {
  kGraceful,  ///< SIGTERM: requests are finished.
  kQuick,     ///< SIGINT, SIGQUIT: what is not done within kQuickStop is killed.
  kAtOnce,    ///< A second one of those.
};

/// What one more signal to stop means, after those before it. Pure.
class StopOrders {
 public:
  static constexpr std::chrono::milliseconds kQuickStop{2'000};

  /// `signal`: SIGTERM, SIGINT or SIGQUIT.
  StopKind Take(int signal) noexcept {
    if (signal == SIGTERM) return StopKind::kGraceful;
    return std::exchange(quick_, true) ? StopKind::kAtOnce : StopKind::kQuick;
  }

  /// How long workers may take. `graceful_timeout`: of a graceful stop.
  [[nodiscard]] static std::chrono::milliseconds Patience(
      StopKind kind, std::chrono::milliseconds graceful_timeout) noexcept {
    switch (kind) {
      case StopKind::kGraceful:
        return graceful_timeout;
      case StopKind::kQuick:
        return kQuickStop;
      case StopKind::kAtOnce:
        break;
    }
    return std::chrono::milliseconds(0);
  }

 private:
  bool quick_ = false;
};

}  // namespace forkcast::serving
