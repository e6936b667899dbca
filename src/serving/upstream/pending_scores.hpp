#pragma once

#include <functional>
#include <optional>
#include <span>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/upstream/inference_message.hpp"

namespace forkcast::serving {

/// What is asked of a remote model.
struct RemoteQuestion {
  /// Rows x the plan's features; they stay as they are until there is a reply, or it is given up.
  std::span<const preprocessing::Value> features;
  MonotonicTime deadline;      ///< Of the request that they are of.
  std::function<void()> wake;  ///< Called on the loop, later, when there is a reply.
};

/// Rows that are on their way to a remote model. Destroying it gives them up.
class PendingScores {
 public:
  virtual ~PendingScores() = default;
  /// None while they are. kRemoteFailed or kDeadlineExceeded, naming the model and the address.
  [[nodiscard]] virtual std::optional<Result<RemoteScores>>& reply() noexcept = 0;
};

}  // namespace forkcast::serving
