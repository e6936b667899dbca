#pragma once

#include <memory>
#include <optional>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/push/push_message.hpp"

namespace forkcast::serving {

/// A request that the refresher has, or will have when it is back. Destroying it gives it up.
class PendingPush {
 public:
  virtual ~PendingPush() = default;

  /// None: it is not answered yet. kNotReady: the refresher ended with it.
  [[nodiscard]] virtual const std::optional<Result<preprocessing::PushReply>>& reply()
      const noexcept = 0;
};

/// What hands requests about tables to the refresher, which alone writes the store. Belongs to the
/// worker's loop, which it wakes when an answer is there.
class PushControl {
 public:
  virtual ~PushControl() = default;

  /// `body`: a memory file. kNotReady when too many wait already.
  virtual Result<std::unique_ptr<PendingPush>> Send(const preprocessing::PushRequest& request,
                                                    Fd body) = 0;
};

}  // namespace forkcast::serving
