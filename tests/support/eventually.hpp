#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace forkcast {

/// Whether it becomes true within a time that is only met when something is wrong.
inline bool Eventually(const std::function<bool()>& holds) {
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::chrono::milliseconds kPause{2};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace forkcast
