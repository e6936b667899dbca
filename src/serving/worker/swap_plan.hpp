#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/file_identity.hpp"
#include "serving/process/restart_delay.hpp"
#include "serving/service/load_attempt.hpp"

namespace forkcast::serving {

/// When a deployment that is served is to be loaded anew: when what it is made of differs from what
/// is served. What could not be loaded is tried again when it differs from that, too, or, since
/// what was in the way may be elsewhere, after a delay that grows as that of a worker that dies.
/// Pure: what stands on the disk, and the time, are given.
class SwapPlan {
 public:
  enum class Todo {
    kNothing,
    kTakeNew,  ///< Load: something was published.
    kRetry,    ///< Load: what failed may be mended.
    kForget,   ///< What is served is what is published again: there is no failure any more.
  };
  using Look = std::function<FileIdentity(const std::filesystem::path&)>;

  explicit SwapPlan(std::uint32_t seed) : delay_(seed) {}

  /// It is served from now on.
  void OnLoaded(Ingredients made_of);
  /// What was served goes on.
  void OnFailed(Ingredients made_of, MonotonicTime now);

  [[nodiscard]] Todo Decide(const Look& look, MonotonicTime now);
  /// Whether Decide() has to be asked though nothing was published.
  [[nodiscard]] bool IsRetryDue(MonotonicTime now) const noexcept {
    return failed_ && now >= delay_.next();
  }

 private:
  Ingredients served_;
  std::optional<Ingredients> failed_;
  RestartDelay delay_;
};

}  // namespace forkcast::serving
